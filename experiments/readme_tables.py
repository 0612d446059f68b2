"""The README's tables, filled from results/: ``python -m experiments.readme_tables``.

Between ``<!-- results/NAME/FILE.csv -->`` and ``<!-- end -->`` stands that file; between ``<!-- results -->`` and
``<!-- end -->`` every experiment with its question, its command and the first sentence of what was found, from its
record. `experiments.all` does this at the end of a whole run.
"""

import ast
import csv
import re
from collections.abc import Sequence
from pathlib import Path

from experiments.provenance import ROOT
from markovgpt.errors import InvalidInput
from markovgpt.export.record import read_record

README = ROOT / "README.md"
TABLE = re.compile(r"(<!-- (results\S*) -->\n)(.*?)(<!-- end -->)", flags=re.DOTALL)
OVERVIEW = "results"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table, its first row the head.

    >>> print(markdown([["a", "b"], ["1", "2"]]), end="")
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    head, *rest = ("| " + " | ".join(row) + " |\n" for row in rows)
    return "".join([head, "|" + "---|" * len(rows[0]) + "\n", *rest])


def from_csv(file: Path) -> list[list[str]]:
    """The rows of a file.

    Raises
    ------
    InvalidInput: there is none, or it has no rows.
    """
    if not file.exists():
        raise InvalidInput(f"the README must name tables that there are, got {file}; make the experiment first")
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.reader(lines))
    if not rows:
        raise InvalidInput(f"a table of the README must have rows, got none in {file}; make the experiment again")
    return rows


def question_of(file: Path) -> str | None:
    """The question of an experiment, from its source; None for a file that is none."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "STUDY" for target in node.targets):
            named = {each.arg: each.value for each in node.value.keywords}
            return str(ast.literal_eval(named.get("question") or node.value.args[1]))
    return None


def overview(root: Path) -> list[list[str]]:
    """Every experiment; of one that was not made yet nothing is said."""
    rows = [["Experiment", "Question", "Found"]]
    for file in sorted((root / "experiments").glob("*.py")):
        question = question_of(file)
        if question is not None:
            found = read_record(root / "results" / file.stem).get("found", [""])
            rows.append([f"`python -m experiments.{file.stem}`", question, found[0]])
    return rows


def refilled(text: str, root: Path = ROOT) -> str:
    """A text with its tables as they are now."""

    def table(match: re.Match[str]) -> str:
        rows = overview(root) if match[2] == OVERVIEW else from_csv(root / match[2])
        return match[1] + markdown(rows) + match[4]

    return TABLE.sub(table, text)


def refill_readme(file: Path = README) -> None:
    """Fill the tables of the README; nothing is written where nothing changed."""
    text = file.read_text(encoding="utf-8")
    if (new := refilled(text, file.parent)) != text:
        file.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    refill_readme()
