"""What a notebook shows of chains, models' tables and answers: a card each, made of what is known already.

Nothing is solved for a card, whatever the number of states: it says what the thing holds, in digits that the bounds
certify, and a chain or a machine of a few states is drawn. Imported by ``markovgpt``, which is all it takes.
"""

from dataclasses import fields, is_dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from markovgpt.analysis.comparison import ChainComparison
from markovgpt.analysis.greedy import GreedyMachine
from markovgpt.analysis.moore import MooreMachine
from markovgpt.analysis.result import Answer
from markovgpt.analysis.stationary import StationaryDistributions
from markovgpt.analysis.waiting import HittingLaw
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import StateSpace, Windows
from markovgpt.chains.window_chain import WindowChain
from markovgpt.export.answer_table import entries
from markovgpt.export.card import Card, card_html
from markovgpt.export.graph_card import graph_card
from markovgpt.export.outward import bounds_in_digits, log10_bounds
from markovgpt.export.tables import certified_digits
from markovgpt.export.thumbnail import picture_of
from markovgpt.graphs.shown_graph import StateGraph
from markovgpt.models.training import TrainedGPT
from markovgpt.shown import Shown, as_html, as_svg, in_short
from markovgpt.solvers.certificate import Enclosure
from markovgpt.vocabulary import Vocabulary

FEW_ROWS, MOST_TOKENS = 12, 30
MOST_SEARCHED = 1000  # states whose classes are found in no time


@singledispatch
def card_of(thing: object) -> Card:
    """The card of a thing; of one that no other card is written for, its parts by their names.

    >>> card_of(SamplingSettings(temperature=0.5, top_k=3)).facts
    {'temperature': '0.5', 'top_k': '3', 'engine': 'huggingface'}
    """
    if not is_dataclass(thing):
        return Card(type(thing).__name__, note=in_short(thing))
    parts = _parts(thing)
    several = next((part for part in parts.values() if _are_results(part)), ())
    rows = [{_in_words(name): _brief(part) for name, part in _parts(one).items()} for one in several[:FEW_ROWS]]
    facts = {_in_words(name): _brief(part) for name, part in parts.items() if part is not several}
    return Card(type(thing).__name__, facts, rows, len(several), picture=picture_of(thing))


card_of.register(StateGraph, graph_card)


@card_of.register
def _chain_card(chain: TransitionOperator) -> Card:
    """A chain: its states, and how much of it there is."""
    facts = {"states": f"{chain.n_states:,}", **_windows(chain.space, chain.vocabulary)}
    if isinstance(chain, WindowChain):
        facts["probabilities"] = _numbers(chain.next_token_probs)
    if isinstance(chain, SparseChain):
        facts["transitions"] = f"{len(chain.transitions.source):,}"
    elif chain.n_states <= MOST_SEARCHED:
        facts["transitions"] = f"{len(chain.edges().source):,}"
    if chain.n_states <= MOST_SEARCHED:
        closed = TransitionOperator.strong_components(chain)[1]  # over the list: nothing has to be compiled
        facts["communicating classes"] = f"{len(closed):,}, {closed.sum():,} recurrent"
    return Card(type(chain).__name__, facts, picture=picture_of(chain))


@card_of.register
def _answer_card(answer: Answer) -> Card:
    """An answer: its digits and its bounds, or the first of many."""
    facts = {"method": answer.method, "iterations": f"{answer.iterations:,}", "residual": f"{answer.residual:.2g}"}
    shape = answer.enclosure.value.shape
    if shape == ():
        (lower, upper), (log_lower, log_upper) = bounds_in_digits(answer), log10_bounds(answer)
        bounds = {"lower": lower, "upper": upper, "log10": f"{log_lower} to {log_upper}"}
        return Card(type(answer).__name__, {"value": certified_digits(answer), **bounds, **facts})
    rows = _rows(answer)
    return Card(type(answer).__name__, {"numbers": _shape(shape), **facts}, rows, shape[0])


@card_of.register
def _stationary_card(found: StationaryDistributions) -> Card:
    """A line for each recurrent class."""
    rows = []
    for index, states in enumerate(found.classes[:FEW_ROWS]):
        answer, more = found.answers[index], ", ..." if len(states) > 3 else ""
        likeliest = np.array([int(np.argmax(answer.value))])
        rows.append(
            {
                "recurrent class": str(index),
                "states": f"{len(states):,}",
                "first": f"{found.labels[index]}{more}",
                "likeliest state": str(states[likeliest[0]]),
                "its share": certified_digits(entries(answer, likeliest), 0),
                "method": answer.method,
            }
        )
    facts = {"states": f"{found.n_states:,}", "recurrent classes": f"{len(found.classes):,}"}
    return Card(type(found).__name__, facts, rows, len(found.classes))


@card_of.register
def _law_card(law: HittingLaw) -> Card:
    """A line for each of the first steps."""
    n_steps = law.probability.enclosure.value.shape[0]
    steps = np.arange(min(n_steps, FEW_ROWS))
    columns = {"P(T = t)": law.probability, "P(T <= t)": law.within, "alive": law.alive, "hazard": law.hazard}
    parts = {name: entries(answer, steps) for name, answer in columns.items()}
    rows = [{"t": str(t), **{name: certified_digits(part, t) for name, part in parts.items()}} for t in steps.tolist()]
    return Card(type(law).__name__, {"method": law.probability.method}, rows, n_steps)


@card_of.register
def _comparison_card(found: ChainComparison) -> Card:
    """What changed, as far as it has been asked for."""
    state = found.worst_state
    worst = certified_digits(entries(found.total_variation, np.array([state])), 0)
    facts = {
        "states": f"{found.before.n_states:,}",
        "identical": _brief(found.identical),
        "windows that changed": f"{np.count_nonzero(~found.rows.same):,}",
        "most changed": f"{found.before.label(state)}, by {worst} in total variation",
        "transitions gained": _with_examples(found.n_gained, found.gained),
        "transitions lost": _with_examples(found.n_lost, found.lost),
    }
    known = vars(found)  # what needs a long run is shown if it was asked for before
    facts |= {
        _in_words(name): _brief(getattr(known[name], "bits", known[name]))
        for name in ("kl_rate", "kl_rate_back", "mean_total_variation", "stationary_shift")
        if name in known
    }
    return Card(type(found).__name__, facts, note="more in .kl_rate, .stationary_shift, .summary()")


@card_of.register
def _greedy_card(machine: GreedyMachine) -> Card:
    """The cycles with the largest basins."""
    facts = {
        "states": f"{machine.n_states:,}",
        **_windows(machine.space, machine.vocabulary),
        "cycles": f"{machine.n_cycles:,}",
        "tied windows": f"{machine.n_tied:,}",
        "smallest margin": f"{machine.smallest_margin:.3g} nats",
        "choices within float noise": f"{len(machine.close_calls):,}",
    }
    sizes, lengths = machine.basin_sizes, machine.cycle_lengths
    rows = [
        {
            "cycle says": machine.cycle_label(index),
            "length": f"{lengths[index]:,}",
            "windows led in": f"{sizes[index]:,}",
        }
        for index in np.argsort(-sizes, kind="stable")[:FEW_ROWS].tolist()
    ]
    return Card(type(machine).__name__, facts, rows, machine.n_cycles)


@card_of.register
def _moore_card(machine: MooreMachine) -> Card:
    """The first states, and the drawing of a few."""
    reads = "any token" if machine.is_reading else "its own words"
    facts = {"states": f"{machine.n_states:,}", "windows folded": f"{np.count_nonzero(machine.state_of >= 0):,}"}
    facts |= {"reads": reads, **_windows(machine.space, machine.vocabulary)}
    folded = machine.n_folded
    rows = [
        {"state": str(state), "says": machine.label(state), "lowest window": machine.window_label(state)}
        | {"windows": f"{folded[state]:,}"}
        for state in range(min(machine.n_states, FEW_ROWS))
    ]
    return Card(type(machine).__name__, facts, rows, machine.n_states, picture=picture_of(machine))


@card_of.register
def _settings_card(settings: SamplingSettings) -> Card:
    """The settings that are on."""
    active = {name: in_short(value) for name, value in settings.active.items()}
    return Card(
        type(settings).__name__, {"temperature": f"{settings.temperature:g}", **active, "engine": settings.engine}
    )


@card_of.register
def _table_card(table: LogitTable) -> Card:
    """What was tabulated."""
    facts = {"states": f"{table.space.n_states:,}", **_windows(table.space, table.vocabulary)}
    source = {} if table.source is None else {"model": str(table.source)}
    return Card(type(table).__name__, {**facts, "logits": _numbers(table.logits), **source})


@card_of.register
def _space_card(space: StateSpace) -> Card:
    """Which windows."""
    return Card(type(space).__name__, {"states": f"{space.n_states:,}", **_windows(space)})


@card_of.register
def _vocabulary_card(vocabulary: Vocabulary) -> Card:
    """The first tokens."""
    return Card(type(vocabulary).__name__, {"tokens": _tokens(vocabulary)})


@card_of.register
def _training_card(trained: TrainedGPT) -> Card:
    """The sizes, and the loss on the way."""
    config, log = trained.model.config, trained.log
    size = sum(weight.numel() for weight in trained.model.parameters())
    facts = {"parameters": f"{size:,}", "layers, heads, width": f"{config.n_layer}, {config.n_head}, {config.n_embd}"}
    facts |= {"tokens": f"{config.vocab_size:,}", "context": f"{config.context_length:,}"}
    shown = np.unique(np.linspace(0, len(log) - 1, min(len(log), FEW_ROWS)).round().astype(int)).tolist() if log else []
    rows = [{"step": f"{log[row]['step']:,}", "loss (nats)": f"{log[row]['loss']:.4f}"} for row in shown]
    return Card(type(trained).__name__, facts, rows, len(log))


def _parts(thing: Any) -> dict[str, Any]:
    """The fields of a dataclass, those that are functions left out; numbers whose bounds are fields too as answers."""
    parts = {field.name: getattr(thing, field.name) for field in fields(thing) if field.repr}
    bounded = {name for name in parts if isinstance(parts.get(f"{name}_lower"), float)}
    for name in bounded:
        value, lower, upper = (np.asarray(parts[key], dtype=np.float64) for key in _with_bounds(name))
        parts[name] = Answer.of(Enclosure(value, lower, upper, 0.0, ""))
    sides = {key for name in bounded for key in _with_bounds(name)[1:]}
    return {name: part for name, part in parts.items() if not (callable(part) or name in sides)}


def _with_bounds(name: str) -> tuple[str, str, str]:
    """The names of a number and of its bounds."""
    return name, f"{name}_lower", f"{name}_upper"


def _are_results(part: Any) -> bool:
    """Whether a field holds several results of one kind, which make a table."""
    return (
        isinstance(part, tuple)
        and bool(part)
        and all(is_dataclass(one) for one in part)
        and not any(isinstance(one, Answer | TransitionOperator) for one in part)
    )


def _windows(space: Windows | None, vocabulary: Vocabulary | None = None) -> dict[str, str]:
    """What windows states are, and the first of the tokens."""
    if space is None:
        return {} if vocabulary is None else {"tokens": _tokens(vocabulary)}
    shorter = " or fewer" if isinstance(space, StateSpace) and space.with_prefixes else ""
    tokens = f"{space.vocab_size:,}" if vocabulary is None else _tokens(vocabulary)
    return {"tokens": tokens, "window": f"{space.context_length:,}{shorter} tokens"}


def _tokens(vocabulary: Vocabulary) -> str:
    """The first of the tokens."""
    shown = " ".join(vocabulary.show((token,)) for token in range(min(len(vocabulary), MOST_TOKENS)))
    return f"{len(vocabulary):,}: {shown}{' ...' if len(vocabulary) > MOST_TOKENS else ''}"


def _numbers(table: Any) -> str:
    """How numbers are kept."""
    kept = getattr(table, "dtype", "mantissas and exponents")
    return f"{kept}, {_shape(table.shape)}{', mapped from a file' if isinstance(table, np.memmap) else ''}"


def _shape(shape: tuple[int, ...]) -> str:
    """The sizes of an array."""
    return " x ".join(f"{size:,}" for size in shape)


def _rows(answer: Answer) -> list[dict[str, str]]:
    """The first numbers of an answer about several states."""
    shape = answer.enclosure.value.shape
    part = entries(answer, np.arange(min(shape[0], FEW_ROWS)))
    rows = []
    for place in range(part.enclosure.value.shape[0]):
        if len(shape) == 1:
            found = {"value": certified_digits(part, place)}
        else:
            columns = range(min(shape[1], FEW_ROWS))
            found = {f"class {column}": certified_digits(part, (place, column)) for column in columns}
        rows.append({"": str(place), **found})
    return rows


def _with_examples(count: int, examples: tuple[tuple[str, str], ...]) -> str:
    """A number of transitions and the first few of them."""
    shown = "; ".join(f"{token} after {window}" for window, token in examples[:3])
    return f"{count:,}{f' ({shown})' if shown else ''}"


def _in_words(name: str) -> str:
    """A field's name."""
    return name.replace("_", " ")


def _brief(part: Any) -> str:
    """Any part of a result in a few words."""
    if isinstance(part, Answer) and part.enclosure.value.shape == ():
        lower, upper = bounds_in_digits(part)
        return certified_digits(part) if lower == upper else f"{certified_digits(part)}, in [{lower}, {upper}]"
    if isinstance(part, bool | np.bool_):
        return "yes" if part else "no"
    return part if isinstance(part, str) else "none" if part is None else in_short(part)


@as_html.register
def _shown_html(thing: Shown) -> str:
    """What a notebook shows of anything that has a card."""
    return card_html(card_of(thing))


@as_svg.register
def _shown_svg(thing: Shown) -> str | None:
    """The drawing of what is small enough."""
    return picture_of(thing)
