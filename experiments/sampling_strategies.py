"""What does the way in which tokens are drawn make of one and the same model? Writes results/sampling_strategies/.

The walk through minGPT's chargpt, on a GPT trained here on Python's documentation, lower-case letters and the space,
four tokens of context; and then what samples cannot show, for every strategy from the one chain:

    softmax         what becomes of the logits 1, 2, 3, 4
    training        loss over the whole text, a sample, and the greedy text, after some steps
    table           each strategy: entropy rate; loop probability; windows that can be visited from the start at all,
                    those that are visited for ever, and their effective number, exp of the entropy of the long run;
                    P(red within so many tokens)
    samples         what each writes
    loops           the greedy loops by name, and what is left of them at temperature 1
    strategies.svg  P(red) and loop probability against the entropy rate

A greedy loop is a cycle of the machine that is left at temperature 0. The loop probability is that of going now, at a
moment of the long run from the start, once around a greedy loop:

    sum over the greedy loops c of pi(c) rho(c),    pi(c) the long-run share of the windows of c,
                                                    rho(c) the product of p(s, greedy token) around c

It is 1 for greedy decoding. All bounds are those of the stored probabilities; the softmax before them is exact to some
2^-53, relative.
"""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import markovgpt as mg
from experiments.few_digits import in_few_digits
from experiments.flags import require_above_zero
from experiments.labelled_points import Labelled, labelled_points
from experiments.names_models import SEED, SIZES, TRAINING
from experiments.python_text import LETTERS, documentation, plain
from experiments.strategies import FAMILIES, sampling
from experiments.study import Findings, Study, option, run
from markovgpt.analysis.effective import effective_number
from markovgpt.analysis.entropy import in_bits, row_entropies
from markovgpt.analysis.row_mean import mean_under
from markovgpt.analysis.structure import proved, reachable_from
from markovgpt.models.identity import identity_of
from markovgpt.scaled import ScaledArray, as_floats, is_positive, widen
from markovgpt.solvers.certificate import Enclosure

LOGITS, SOFTMAX = (1.0, 2.0, 3.0, 4.0), ("T=1", "T=2", "T=0.5", "greedy", "top_k=2", "top_p=0.8", "min_p=0.1")
STRATEGIES = (
    *("greedy", "T=0.5", "T=0.8", "T=1", "T=1.5"),
    *("top_k=1", "top_k=5", "top_k=10", "top_p=0.5", "top_p=0.9", "min_p=0.1"),
)
SHOWN = 48  # tokens of a sample
Row = dict[str, str]


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    text: Path | None = option(None, "a text file, of which letters and spaces are left; none: Python's documentation")
    context_length: int = option(4, "of the model")
    stages: tuple[int, ...] = option((0, 100, 500, 1000, 2000), "optimiser steps after which it is looked at")
    strategies: tuple[str, ...] = option(STRATEGIES, "how tokens are drawn: greedy, or T, top_k, top_p, min_p and =")
    start: str = option("the ", "what the text begins with; its last letters are the first window")
    red: str = option("fail", "what should not be written")
    within: int = option(200, "tokens in which it is asked for")

    def __post_init__(self) -> None:
        require_above_zero("context_length and within", (self.context_length, self.within))
        for strategy in self.strategies:
            sampling(strategy)
        if len(self.start) < self.context_length:
            raise mg.InvalidInput(
                f"start must have {self.context_length} letters, got {self.start!r}; give a longer one"
            )

    @property
    def begin(self) -> str:
        """The first window."""
        return self.start[-self.context_length :]


def plain_text_of(file: Path, context_length: int) -> str:
    """The letters and spaces of a file.

    Raises
    ------
    InvalidInput: fewer than a window and what follows it.
    """
    text = plain(file.read_text(encoding="utf-8", errors="replace"))
    if len(text) <= context_length:
        raise mg.InvalidInput(
            f"text must have more than {context_length} letters and spaces, got {len(text)} in {file.name}; give more"
        )
    return text


def written(chain: mg.WindowChain, begin: str, tokens: int = SHOWN) -> str:
    """A text drawn from a chain, the same for the same chain; spaces as they are printed."""
    space, draws = chain.space, np.random.default_rng(SEED).random(tokens)
    state, said = space.encode(LETTERS.encode(begin)), []
    for draw in draws:
        sums = np.cumsum(as_floats(chain.next_token_probs[state]))
        said.append(int(np.searchsorted(sums, draw * sums[-1], side="right")))
        state = int(space.successors(np.array([said[-1]]), np.array([state]))[0])
    return LETTERS.show(said)


def chain_under(table: mg.LogitTable, strategy: str) -> mg.WindowChain:
    """The chain of a strategy."""
    return mg.WindowChain.from_logits(table, sampling(strategy))


def softmax_row(strategy: str) -> Row:
    """What a strategy makes of the logits, in four decimals."""
    shares = np.exp(sampling(strategy).log_probabilities(np.array(LOGITS)))
    parts = [f"{share:.4f}" if 0 < share < 1 else f"{share:.0f}" for share in shares.tolist()]
    return {"strategy": strategy, **{f"logit {logit:g}": part for logit, part in zip(LOGITS, parts, strict=True)}}


def stage_row(step: int, table: mg.LogitTable, counts: mg.WindowCounts, begin: str) -> Row:
    """What the model has learnt after some steps."""
    chain = mg.WindowChain.from_logits(table)
    fit = mg.divergence_from_data(counts, chain)
    return {
        "step": str(step),
        "loss (bits)": mg.certified_digits(fit.cross_entropy),
        "of it to be learnt (bits)": mg.certified_digits(fit.divergence),
        "sample": written(chain, begin),
        "greedy": written(chain_under(table, "greedy"), begin),
    }


def trained(settings: Settings, text: str) -> tuple[mg.GPT, list[Row]]:
    """The model, and what it was on the way."""
    tokens, rows = LETTERS.encode(text), []
    config = mg.GPTConfig(len(LETTERS), settings.context_length, **SIZES)
    counts = mg.count_windows(tokens, mg.StateSpace(len(LETTERS), settings.context_length), vocabulary=LETTERS)

    def look(step: int, model: mg.GPT) -> None:
        if step in settings.stages:
            rows.append(stage_row(step, mg.tabulate(model), counts, settings.begin))

    found = mg.train_gpt(
        tokens, config, steps=max(settings.stages), seed=SEED, positions="all", vocabulary=LETTERS, on_step=look,
        **TRAINING,
    )  # fmt: skip
    return found.model, rows


def around(chain: mg.WindowChain, machine: mg.GreedyMachine) -> list[mg.Answer]:
    """How likely it is to go once around each greedy loop, from any of its windows."""
    return [
        mg.continuation_probability(chain, int(states[0]), machine.token[states].tolist()) for states in machine.cycles
    ]


def shares_of(lived: mg.Answer, machine: mg.GreedyMachine) -> list[mg.Answer]:
    """The long-run share of the windows of each greedy loop."""
    found = []
    for states in machine.cycles:
        inside = np.zeros(machine.n_states)
        inside[states] = 1.0
        found.append(mg.Answer.of(mean_under(lived, proved(inside))))
    return found


def looped(shares: Sequence[mg.Answer], rounds: Sequence[mg.Answer]) -> mg.Answer:
    """The sum of the products: the loop probability."""
    sums = []
    for part in ("value", "lower", "upper"):
        whole = ScaledArray.of(np.zeros(()))
        for share, once in zip(shares, rounds, strict=True):
            whole = whole + ScaledArray.of(getattr(share.enclosure, part)) * getattr(once.enclosure, part)
        sums.append(whole)
    roundings = 2 * len(shares) + 2
    lower, upper = widen(sums[1], roundings)[0], widen(sums[2], roundings)[1]
    one = ScaledArray.of(np.ones(()))
    return mg.Answer.of(Enclosure(sums[0], lower, upper if bool(upper <= one) else one, 0.0, "shares times rounds"))


@dataclass(frozen=True, eq=False)
class Strategy:
    """What a strategy makes of the model."""

    name: str
    entropy: mg.Answer
    loop: mg.Answer
    reachable: int
    lasting: int
    effective: mg.Answer
    red: mg.Answer
    sample: str

    def row(self, settings: Settings) -> Row:
        """Its row of the table."""
        return {
            "strategy": self.name,
            "entropy rate (bits)": mg.certified_digits(self.entropy),
            "loop probability": mg.certified_digits(self.loop),
            "windows reachable": f"{self.reachable:,}",
            "windows for ever": f"{self.lasting:,}",
            "effective windows": mg.certified_digits(self.effective),
            f"P({settings.red} within {settings.within})": mg.certified_digits(self.red),
        }


def asked(chain: mg.WindowChain, machine: mg.GreedyMachine, name: str, settings: Settings) -> Strategy:
    """All that is asked of a strategy."""
    lived = mg.long_run_distribution(chain, settings.begin)
    first = np.zeros(chain.n_states, dtype=bool)
    first[chain.space.encode(LETTERS.encode(settings.begin))] = True
    return Strategy(
        name,
        mg.Answer.of(in_bits(mean_under(lived, row_entropies(chain)))),
        looped(shares_of(lived, machine), around(chain, machine)),
        int(reachable_from(chain, first).sum()),
        int(is_positive(lived.enclosure.upper).sum()),
        effective_number(lived),
        mg.hitting_probability(chain, settings.red, start=settings.begin, within=settings.within),
        written(chain, settings.begin),
    )


def from_a_word(label: str) -> str:
    """A loop as it is named, from where a word begins.

    >>> from_a_word("he␣t"), from_a_word("aa")
    ('the␣', 'aa')
    """
    first = label.find("␣") + 1
    return label[first:] + label[:first]


def loop_rows(table: mg.LogitTable, machine: mg.GreedyMachine, begin: str) -> list[Row]:
    """The greedy loops, those that most windows lead into first."""
    chain = mg.WindowChain.from_logits(table)
    lived, rounds = mg.long_run_distribution(chain, begin), around(chain, machine)
    home = int(machine.basin[chain.space.encode(LETTERS.encode(begin))])
    found = list(zip(shares_of(lived, machine), rounds, strict=True))
    return [
        {
            "loop": from_a_word(machine.cycle_label(index)),
            "tokens": str(len(machine.cycles[index])),
            "windows that lead into it": f"{machine.basin_sizes[index]:,}",
            "share of all": f"{100 * machine.basin_sizes[index] / machine.n_states:.2f} %",
            "from the start": "yes" if index == home else "no",
            "long-run share at T = 1": mg.certified_digits(found[index][0]),
            "once around at T = 1": mg.certified_digits(found[index][1]),
        }
        for index in np.argsort(-machine.basin_sizes, kind="stable").tolist()
    ]


def draw_strategies(found: Sequence[Strategy], settings: Settings, path: Path) -> None:
    """A point for each strategy: P(red) and the loop probability against the entropy rate."""
    kinds = [FAMILIES.index("T" if each.name == "greedy" else each.name.partition("=")[0]) for each in found]
    points = [
        Labelled(each.name, kind, each.entropy.value, (each.red.log10, each.loop.log10), joined=kind == 0)
        for each, kind in zip(found, kinds, strict=True)
    ]
    questions = (f"P({settings.red} within {settings.within} tokens)", "loop probability")
    labelled_points(points, questions, "entropy rate (bits a token)", path)


def make(settings: Settings, folder: Path) -> Findings:
    """Make the tables and the figure."""
    text = documentation() if settings.text is None else plain_text_of(settings.text, settings.context_length)
    model, stages = trained(settings, text)
    print("training is done", flush=True)
    table = mg.tabulate(model)
    machine = mg.greedy_machine(table)
    found = []
    for name in settings.strategies:
        found.append(asked(chain_under(table, name), machine, name, settings))
        print(f"{name} is done", flush=True)
    loops = loop_rows(table, machine, settings.begin)
    mg.write_table([softmax_row(strategy) for strategy in SOFTMAX], folder, "softmax")
    mg.write_table(stages, folder, "training")
    mg.write_table([each.row(settings) for each in found], folder, "table")
    mg.write_table([{"strategy": each.name, "sample": each.sample} for each in found], folder, "samples")
    mg.write_table(loops, folder, "loops")
    draw_strategies(found, settings, folder / "strategies.svg")
    return Findings(
        sentences(found, loops, settings),
        recorded={
            "weights_sha256": identity_of(model)["weights_sha256"],
            "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "letters of text": len(text),
            "seed": SEED,
            "sizes": SIZES,
            "training": TRAINING,
        },
    )


def sentences(found: Sequence[Strategy], loops: Sequence[Row], settings: Settings) -> list[str]:
    """What was found."""
    least, most = min(found, key=lambda each: each.red.upper), max(found, key=lambda each: each.red.lower)
    none = [each.name for each in found if each.red.upper == 0]
    narrow, wide = (pick(found, key=lambda each: each.effective.value) for pick in (min, max))
    low = f"impossible under {', '.join(none)}" if none else f"{few(least.red)} under {least.name}"
    return [
        f"The same weights write {settings.red} within {settings.within} tokens with probability {few(most.red)} under "
        f"{most.name}; it is {low}.",
        f"The long run is spread over {few(narrow.effective)} effective windows under {narrow.name} "
        f"({few(narrow.entropy)} bits a token) and {few(wide.effective)} under {wide.name} ({few(wide.entropy)} bits).",
        f"At temperature 0 all windows lead into {len(loops)} loop{'s' if len(loops) > 1 else ''}, most of them "
        f"({loops[0]['share of all']}) into {loops[0]['loop']}, which at T = 1 goes once around with probability "
        f"{in_few_digits(loops[0]['once around at T = 1'])}.",
    ]


def few(answer: mg.Answer) -> str:
    """An answer in three certain digits."""
    return in_few_digits(mg.certified_digits(answer))


STUDY = Study(
    "sampling_strategies",
    "What does the way in which tokens are drawn make of one and the same model?",
    Settings(),
    Settings(context_length=2, stages=(0, 40), strategies=("greedy", "T=1", "top_k=5", "top_p=0.5"), within=20),
    make,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
