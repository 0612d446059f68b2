"""What the commands have in common: the model, the sampling settings, and the chain they make."""

import argparse
import math
import sys
from dataclasses import fields
from typing import Any, NamedTuple

from markovgpt.chains.cuts import count_cuts
from markovgpt.chains.logits import LogitTable, tabulate
from markovgpt.chains.margins import NARROW, Cuts
from markovgpt.chains.red import red_tokens
from markovgpt.chains.sampling import ENGINES, SamplingSettings
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput
from markovgpt.models.protocol import NextTokenModel
from markovgpt.models.source import FORMATS
from markovgpt.vocabulary import Vocabulary


def add_model(parser: argparse.ArgumentParser) -> None:
    """The model, and which windows are its states."""
    parser.add_argument(
        "model", metavar="MODEL", help="a folder of save_model, nanoGPT or Hugging Face, or a torch or safetensors file"
    )
    parser.add_argument("--workers", metavar="N", type=int, help="threads that tabulate (measured at the start)")
    add_windows(parser)


def add_windows(parser: argparse.ArgumentParser) -> None:
    """How a model is loaded and asked."""
    parser.add_argument("--prefixes", action="store_true", help="the shorter windows a text begins with are states too")
    parser.add_argument("--context-length", metavar="L", type=int, help="a shorter window than the model's own")
    parser.add_argument(
        "--on-disk",
        metavar="DIR",
        type=path,
        help="keep the table in this folder: resumed if interrupted, not made twice",
    )
    parser.add_argument("--memory", metavar="GB", type=float, help="budget of the table (3/4 of what is free)")
    parser.add_argument("--format", default="auto", help="what MODEL must be: auto, " + ", ".join(FORMATS))
    parser.add_argument("--n-head", metavar="H", type=int, help="heads of a minGPT state dict, which does not say")
    parser.add_argument("--vocabulary", metavar="FILE", help="the tokens: a json list of strings, or a meta.pkl")
    parser.add_argument("--trust", action="store_true", help="unpickle a torch file, running whatever code is inside")
    parser.add_argument("--device", default="cpu", help="where torch runs the model (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_common(parser: argparse.ArgumentParser) -> None:
    """The model and the sampling settings."""
    add_model(parser)
    sampling = parser.add_argument_group("sampling settings")
    sampling.add_argument("--temperature", metavar="T", type=float, default=1.0, help="at least 0; 0 is the argmax (1)")
    sampling.add_argument("--top-k", metavar="K", type=int, help="keep the K likeliest tokens")
    sampling.add_argument("--top-p", metavar="P", type=float, help="keep the likeliest tokens of mass P")
    sampling.add_argument("--min-p", metavar="P", type=float, help="keep tokens of at least P times the likeliest's")
    sampling.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="whose order of settings (%(default)s)")
    sampling.add_argument("--typical-p", metavar="P", type=float, help="keep the most typical tokens of mass P")
    sampling.add_argument("--epsilon-cutoff", metavar="P", type=float, help="keep tokens of at least P")
    sampling.add_argument("--eta-cutoff", metavar="P", type=float, help="the same, lower where the entropy is high")
    sampling.add_argument(
        "--window-repetition-penalty", metavar="X", type=float, help="divide the logits of tokens in the window by X"
    )
    sampling.add_argument(
        "--generation-config",
        metavar="FOLDER",
        type=path,
        help="the settings of a Hugging Face folder, in place of all of these",
    )
    sampling.add_argument("--do-sample", action="store_true", help="sample even where that folder says to be greedy")
    sampling.add_argument(
        "--penalty-over-window", action="store_true", help="take that folder's repetition penalty over the window"
    )


def add_start(asking: argparse._MutuallyExclusiveGroup, what: str) -> None:
    """Where a text begins, as text or as token ids."""
    asking.add_argument("--start", metavar="TEXT", help=what)
    asking.add_argument("--start-tokens", metavar="IDS", type=token_ids, help="the same as token ids: 0,0,0,0")


def start_of(given: argparse.Namespace) -> Any:
    """Where a text begins, a text or a tuple of token ids; None where that was not said."""
    return given.start if given.start is not None else given.start_tokens


def red_of(given: argparse.Namespace) -> Any:
    """What is red, texts or token ids; None where that was not said."""
    return red_tokens(*given.red_tokens) if given.red_tokens is not None else given.red


def add_end(asking: argparse._ArgumentGroup) -> None:
    """What ends a text, or must not come before."""
    asking.add_argument("--avoiding", metavar="TEXT", action="append", help="before this text; may be repeated")
    end = asking.add_mutually_exclusive_group()
    end.add_argument("--stop", metavar="TEXT", help="each token of TEXT ends what is written: red before the end")
    end.add_argument("--stop-tokens", metavar="IDS", type=token_ids, help="the same as token ids")


def stop_tokens_of(given: argparse.Namespace, vocabulary: Vocabulary | None) -> tuple[int, ...]:
    """The tokens that end a text; none where nothing does.

    Raises
    ------
    InvalidInput: a text without a vocabulary, or without a token.
    """
    if given.stop is None:
        return given.stop_tokens or ()
    require_vocabulary(vocabulary, "--stop")
    tokens = tuple(vocabulary.encode(given.stop))  # type: ignore[union-attr]
    if not tokens:
        raise InvalidInput("--stop must hold at least one token, got none; leave it out where nothing ends")
    return tokens


def require_vocabulary(vocabulary: Vocabulary | None, option: str) -> None:
    """Refuse a text where tokens have none."""
    if vocabulary is None:
        raise InvalidInput(f"{option} needs a vocabulary, got a model without one; give --vocabulary, or token ids")


def token_ids(text: str) -> tuple[int, ...]:
    """Token ids of a list with commas.

    >>> token_ids("19,5,24")
    (19, 5, 24)
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"token ids must be whole numbers with commas, got {text!r}") from None


def path(text: str) -> str:
    """A path as it is given; an empty one, such as that of a variable that is not set, would be the folder one is in.

    >>> path("results")
    'results'
    """
    if not text:
        raise argparse.ArgumentTypeError("must be a path, got an empty one; the folder one is in is .")
    return text


def memory_budget(given: argparse.Namespace) -> int | None:
    """The bytes that ``--memory`` allows; None where it is left out.

    Raises
    ------
    InvalidInput: no number of bytes.
    """
    if given.memory is not None and not 1 <= given.memory * 1e9 < math.inf:
        raise InvalidInput(f"--memory must be above 0 GB, got {given.memory}; leave it out to take 3/4 of what is free")
    return None if given.memory is None else int(given.memory * 1e9)


def loaded(path: str, given: argparse.Namespace) -> NextTokenModel:
    """The model at a path; where it came from is said on stderr."""
    from markovgpt.models.checkpoints import load_model, load_vocabulary  # late: torch takes a second to import

    model = load_model(
        path,
        format=given.format,
        trust=given.trust,
        device=given.device,
        n_head=given.n_head,
        vocabulary=None if given.vocabulary is None else load_vocabulary(given.vocabulary),
    )
    print(f"markovgpt: {model.source}", file=sys.stderr)
    return model


def table_of(given: argparse.Namespace) -> LogitTable:
    """The model's logits."""
    budget = memory_budget(given)
    return tabulate(
        loaded(given.model, given),
        with_prefixes=given.prefixes,
        context_length=given.context_length,
        directory=given.on_disk,
        memory_budget=budget,
        progress=True,
        workers=given.workers,
    )


class Made(NamedTuple):
    """A model's chain, and what it was made from.

    Parameters
    ----------
    settings: as resolved.
    cuts: how many windows they cut in a doubtful place.
    """

    chain: WindowChain
    settings: SamplingSettings
    table: LogitTable
    cuts: Cuts


def settings_of(given: argparse.Namespace) -> SamplingSettings:
    """The sampling settings of a command line.

    Raises
    ------
    InvalidInput: a setting outside its range, or one beside a folder's.
    """
    named = {field.name: getattr(given, field.name) for field in fields(SamplingSettings)}
    if given.generation_config is None:
        if given.do_sample or given.penalty_over_window:
            raise InvalidInput(
                "--do-sample and --penalty-over-window go with --generation-config, got one alone; leave it out"
            )
        return SamplingSettings(**named)
    changed = [field.name for field in fields(SamplingSettings) if named[field.name] != field.default]
    if changed:
        raise InvalidInput(
            f"--generation-config must be given without other settings, got {', '.join(changed)}; leave one side out"
        )
    found = SamplingSettings.from_generation_config(
        given.generation_config,
        do_sample=given.do_sample or None,
        penalty_over_window=given.penalty_over_window,
    )
    greedy = ", greedy as generate() is without --do-sample" if found.temperature == 0 else ""
    print(f"markovgpt: {found}{greedy}", file=sys.stderr)
    return found


def chain_of(given: argparse.Namespace) -> Made:
    """The model's chain; windows that are cut in a doubtful place are counted on stderr."""
    settings = settings_of(given)
    table = table_of(given)
    cuts = count_cuts(table, settings)
    if cuts.n_tied or cuts.n_narrow:
        print(
            f"markovgpt: of {cuts.n_rows} windows the settings cut {cuts.n_tied} between equal tokens and "
            f"{cuts.n_narrow} within {NARROW:g} of a cut: another machine may keep other tokens there",
            file=sys.stderr,
        )
    return Made(WindowChain.from_logits(table, settings), settings, table, cuts)
