"""One self-contained HTML file: skeleton, stylesheet, program and content joined, and nothing else let in.

The js files are ES modules that import from each other by name; here they become one, without what this page does not
need. Stylesheet, skeleton and program lose comments and indentation and are packed, which makes them a quarter as
long. A content-security policy names the hashes of the stylesheet and of the two scripts, and allows no connection to
anywhere.
"""

import base64
import hashlib
import html
import json
import re
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from markovgpt.chains.states import StateSpace
from markovgpt.durable import replacing
from markovgpt.errors import InvalidInput
from markovgpt.explorer.content import is_drawn
from markovgpt.explorer.letters import as_letters
from markovgpt.shown import Shown

UNPACK, WORKER, PAGE = "unpack", "worker", "page"  # the modules that begin; they import the others
END_OF_WORKER = "// ---- the page ----\n"  # client.js makes the worker of what stands before this line
FRAME_HEIGHT = 760  # in a notebook, in pixels
FEWEST_CELLS = 27  # of a mosaic and of a tree of suffixes; of fewer states the graph shows more
IMPORT = re.compile(r'^import \{ ([^}]*) \} from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?function|const|let|class)", re.MULTILINE)
BLOCK_COMMENT = re.compile(r"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*\n", re.MULTILINE | re.DOTALL)
LINE_COMMENT = re.compile(r"^[ \t]*//.*\n", re.MULTILINE)
INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
PLACE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, repr=False)
class ExplorerPage(Shown):
    """The explorer's page.

    Parameters
    ----------
    html: the whole file, as text.
    n_states: the windows that it shows, fewer than the model's where they are merged.
    has_inside: whether the weights of a model are in it.
    """

    html: str
    n_states: int
    has_inside: bool

    def write(self, path: str | Path) -> Path:
        """Write the page as a file, UTF-8; readers see the old one or the new one.

        Raises
        ------
        InvalidInput: a name that does not end in .html or .htm.
        """
        file = require_html(path)
        with replacing(file) as stream:
            stream.write(self.html.encode("utf-8"))
        return file

    def _repr_html_(self) -> str:
        """What a notebook shows: the page in a frame of its own."""
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" title="markovgpt explorer" '
            f'sandbox="allow-scripts allow-downloads" width="100%" height="{FRAME_HEIGHT}"></iframe>'
        )


def require_html(path: str | Path) -> Path:
    """The file of a page.

    Raises
    ------
    InvalidInput: a name that does not end in .html or .htm.
    """
    file = Path(path)
    if file.suffix.lower() not in (".html", ".htm"):
        raise InvalidInput(f"path must end in .html, got {str(path)!r}; rename it")
    return file


def assembled(content: Mapping[str, Any]) -> ExplorerPage:
    """The page of a content; the same bytes whenever it is made.

    Parameters
    ----------
    content: as `markovgpt.explorer.content.page_content` makes it.
    """
    left_out = _not_needed(content)
    program, unpack = joined_program(left_out), _joined(UNPACK)
    style = _short("".join(map(_source, ("page.css",) if "inside" in left_out else ("page.css", "inside.css"))))
    parts = {
        "policy": _policy((program, unpack), style),
        "title": html.escape(str(content["title"])).encode("utf-8", "replace").decode(),  # bytes that were no text
        "content": json_for_script(content),
        "packed": _packed(style, _short(_source("skeleton.html")), program),
        "unpack": unpack,
    }
    # one pass: what is put in is not looked at again
    whole = PLACE.sub(lambda place: parts[place[1]], _source("page.html"))
    return ExplorerPage(whole, _n_states(content), "inside" not in left_out)


def _not_needed(content: Mapping[str, Any]) -> set[str]:
    """The modules that a page of this content has no use for."""
    n_states = _n_states(content)
    has_inside = any(model["weights"] is not None for model in content["models"])
    needed = {
        "inside": has_inside,
        "inside_view": has_inside,
        "graph": is_drawn(int(content["models"][0]["V"]), n_states),
        "mosaic": n_states >= FEWEST_CELLS,
        "suffixes": n_states >= FEWEST_CELLS,
    }
    return {name for name, is_needed in needed.items() if not is_needed}


def _n_states(content: Mapping[str, Any]) -> int:
    """The windows of a page."""
    first = content["models"][0]
    return StateSpace(first["V"], first["L"]).n_states


def _packed(*parts: str) -> str:
    """Texts, packed."""
    return as_letters(zlib.compress("\0".join(parts).encode("utf-8"), 9))


def json_for_script(content: Any) -> str:
    r"""Json that stands in a script element as it is: ASCII alone, and no `<` that could end the element.

    >>> json_for_script(["</script>", "\u2028"])
    '["\\u003c/script>","\\u2028"]'
    """
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def joined_program(left_out: Collection[str] = ()) -> str:
    """The js files as one module: without the imports from each other, the word export, and whole lines of comment.

    Parameters
    ----------
    left_out: modules that are not needed; the names that others import from them are null.
    """
    sources: dict[str, str] = {}
    _collect(WORKER, sources, left_out)
    size = len(sources)
    _collect(PAGE, sources, left_out)
    plain = list(sources.values())
    return "".join([*plain[:size], END_OF_WORKER, *plain[size:]])


def _joined(name: str) -> str:
    """A module after those that it imports from."""
    sources: dict[str, str] = {}
    _collect(name, sources, ())
    return "".join(sources.values())


def _collect(name: str, sources: dict[str, str], left_out: Collection[str]) -> None:
    """Take up a module after those that it imports from."""
    source, nothing = _source(f"js/{name}.js"), ""
    for names, imported in IMPORT.findall(source):
        if imported in left_out:
            nothing += "".join(f"const {missing} = null;\n" for missing in names.split(", "))
        elif imported not in sources:
            _collect(imported, sources, left_out)
    sources[name] = nothing + _short(EXPORT.sub("", IMPORT.sub("", source)))


def _short(source: str) -> str:
    """A file of the page without indentation, and without the comments that stand on lines of their own."""
    return INDENTATION.sub("", LINE_COMMENT.sub("", BLOCK_COMMENT.sub("", source)))


def _policy(programs: Collection[str], style: str) -> str:
    """The content-security policy: these programs, this stylesheet, and pictures and workers that they make."""
    scripts = " ".join(f"'{_hash(program)}'" for program in programs)
    return (
        f"default-src 'none'; script-src {scripts}; style-src '{_hash(style)}'; worker-src blob:; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    """The hash of an inline element, as a policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"


def _source(name: str) -> str:
    """A file of the page."""
    return (files("markovgpt.explorer") / name).read_text(encoding="utf-8")
