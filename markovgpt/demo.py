"""The seed's baby GPT, end to end: two tokens, three of context, eight states.

Trains the model of the notebook "GPT as a finite-state Markov chain" (A. Karpathy, 2023) on 111101111011110, makes its
chain explicit before and after, asks it every question of this package, and writes tables and figures.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from markovgpt.analysis.greedy import greedy_machine
from markovgpt.analysis.reachability import absorption_probabilities, expected_hitting_time, hitting_probability
from markovgpt.analysis.stationary import stationary_distributions
from markovgpt.chains.logits import LogitTable, tabulate
from markovgpt.chains.red import ending_with
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.sparse_chain import with_absorbing
from markovgpt.chains.states import StateSpace
from markovgpt.chains.window_chain import WindowChain
from markovgpt.explorer.explore import explore
from markovgpt.export.figures import bar_figure, line_figure
from markovgpt.export.record import write_record
from markovgpt.export.tables import certified_digits, write_table
from markovgpt.graphs.dot import write_dot
from markovgpt.graphs.drawing import draw
from markovgpt.graphs.machine_graph import draw_machine, write_machine_tikz
from markovgpt.models.checkpoints import save_model
from markovgpt.models.gpt import GPT, GPTConfig
from markovgpt.models.source import sha256_of
from markovgpt.models.training import TrainedGPT, train_gpt
from markovgpt.models.weights import weights_of
from markovgpt.vocabulary import Vocabulary

FOLDER = Path("results/baby_gpt")
TEXT = "111101111011110"
SEED, STEPS, WALK_STEPS = 1337, 50, 20
RED, START, OTHER_END = "000", "111", "101"
TEMPERATURES, TOP_KS, HORIZONS = (2.0, 1.0, 0.5, 0.25, 0.1, 0.01), (None, 1), (10, 100, 1000)
BITS = Vocabulary(("0", "1"))
CONFIG = GPTConfig(vocab_size=2, context_length=3)

Rows = list[dict[str, Any]]


def run_demo(folder: str | Path = FOLDER, *, say: Callable[[str], None] = print) -> Path:
    """Run the whole path from a text to tables and figures.

    Parameters
    ----------
    folder: where the results go; made if need be.
    say: called with each line of the report.

    Returns
    -------
    The folder.
    """
    place, began = Path(folder), time.perf_counter()
    place.mkdir(parents=True, exist_ok=True)
    untrained, trained = baby_gpt(steps=0), baby_gpt()
    save_model(trained.model, place / "model")
    before, after = tabulate(untrained.model), tabulate(trained.model)
    _write_states(place)
    _write_training(place, trained)
    _write_next_tokens(place, before, after)
    _write_graphs(place, before, after, trained.model)
    _write_three_tokens(place)
    _write_long_run(place, before, after)
    _write_reach(place, after)
    _write_absorption(place, after)
    _write_greedy(place, after)
    _write_walk(place, after)
    _write_page(place, before, trained.model)
    settings = {
        "text": TEXT,
        "seed": SEED,
        "steps": STEPS,
        "parameters": trained.model.n_parameters,
        "dtype": str(after.logits.dtype),
        "weights_sha256": sha256_of(weights_of(trained.model)),
    }
    long_run = stationary_distributions(WindowChain.from_logits(after))
    write_record(
        place,
        command="markovgpt demo",
        settings=settings,
        seconds=time.perf_counter() - began,
        diagnostics={"stationary_residual": long_run.residual},
        found=found_of(trained, after),
    )
    for line in found_of(trained, after):
        say(line)
    say(f"tables and figures: {place}/   the model: {place}/model   the state graph: {place}/states_after.svg")
    say(f"one page to look at it: open {place}/explore.html in a browser")
    return place


def baby_gpt(steps: int = STEPS, on_step: Callable[[int, GPT], object] | None = None) -> TrainedGPT:
    """The notebook's model, trained as the notebook trains it.

    Parameters
    ----------
    steps: optimiser steps, at least 0; the notebook takes 50.
    on_step: as for `train_gpt`: called with k and the model as it is after k steps.

    Raises
    ------
    InvalidInput: steps below 0.

    >>> baby_gpt(steps=0).model.n_parameters
    12656
    """
    return train_gpt(BITS.encode(TEXT), CONFIG, steps=steps, seed=SEED, vocabulary=BITS, on_step=on_step)


def three_token_model() -> GPT:
    """The notebook's untrained model of 3 tokens and context 2, as the notebook's generator stood when it was built."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        GPT(CONFIG)
        for _ in range(WALK_STEPS):
            torch.rand(1)  # the notebook had sampled 20 tokens by then
        return GPT(GPTConfig(vocab_size=3, context_length=2), Vocabulary(("0", "1", "2"))).eval()


def _write_states(place: Path) -> None:
    """The states: 8 windows of three tokens, 14 with the shorter ones that a text begins with."""
    with_prefixes, full = StateSpace(2, 3, with_prefixes=True), StateSpace(2, 3)
    rows: Rows = []
    for state in range(with_prefixes.n_states):
        window = with_prefixes.decode(state)
        alone = str(full.encode(window)) if len(window) == full.context_length else ""
        rows.append({"window": BITS.show(window), "state among 14": state, "state among 8": alone})
    write_table(rows, place, "table")


def _write_training(place: Path, trained: TrainedGPT) -> None:
    """The loss before each step."""
    write_table([{"step": row["step"], "loss": f"{row['loss']:.10f}"} for row in trained.log], place, "loss")
    steps, losses = [row["step"] for row in trained.log], [row["loss"] for row in trained.log]
    curve = {"loss": (steps, losses)}
    line_figure(curve, place / "loss.svg", x_label="step", y_label="loss (nats per token)", markers=False)


def _write_next_tokens(place: Path, before: LogitTable, after: LogitTable) -> None:
    """P(0) and P(1) after each window, before and after training."""
    chains = {"before": WindowChain.from_logits(before), "after": WindowChain.from_logits(after)}
    rows: Rows = []
    for state in range(before.space.n_states):
        row = {"window": before.space.label(state, BITS)}
        for name, chain in chains.items():
            for token in range(2):
                row[f"P({token}) {name}"] = f"{chain.next_token_probs[state, token]:.10f}"
        rows.append(row)
    write_table(rows, place, "next_token_probabilities")


def _write_graphs(place: Path, before: LogitTable, after: LogitTable, model: GPT) -> None:
    """The state graphs: before, after, and after with the shorter windows."""
    red, start = ending_with(after.space, RED, BITS), after.space.encode(BITS.encode(START))
    draw(WindowChain.from_logits(before), place / "states_before.svg")
    trained = WindowChain.from_logits(after)
    draw(trained, place / "states_after.svg", red=red, start=start)
    write_dot(trained, place / "states_after.dot", red=red, start=start)
    draw(WindowChain.from_model(model, with_prefixes=True), place / "states_with_prefixes.svg")


def _write_three_tokens(place: Path) -> None:
    """The untrained model of 3 tokens and context 2: nine states."""
    chain = WindowChain.from_model(three_token_model())
    rows: Rows = []
    for state in range(chain.n_states):
        shares = {f"P({token})": f"{chain.next_token_probs[state, token]:.10f}" for token in range(3)}
        rows.append({"window": chain.label(state), **shares})
    write_table(rows, place, "three_tokens")
    draw(chain, place / "states_three_tokens.svg")


def _write_long_run(place: Path, before: LogitTable, after: LogitTable) -> None:
    """The stationary distribution before and after training."""
    long_run = {
        name: stationary_distributions(WindowChain.from_logits(table)).only()
        for name, table in (("before", before), ("after", after))
    }
    labels = [before.space.label(state, BITS) for state in range(before.space.n_states)]
    rows: Rows = [
        {"window": label, **{name: certified_digits(answer, state) for name, answer in long_run.items()}}
        for state, label in enumerate(labels)
    ]
    write_table(rows, place, "stationary")
    groups = {f"{name} training": answer.value for name, answer in long_run.items()}
    bar_figure(groups, labels, place / "stationary.svg", x_label="window", y_label="share of the time")


def _write_reach(place: Path, table: LogitTable) -> None:
    """How likely the red window is within n tokens, and how long it takes, under several settings."""
    red, start = ending_with(table.space, RED, BITS), BITS.encode(START)
    rows: Rows = []
    for top_k in TOP_KS:
        for temperature in TEMPERATURES:
            chain = WindowChain.from_logits(table, SamplingSettings(temperature=temperature, top_k=top_k))
            row = {"temperature": f"{temperature:g}", "top_k": "off" if top_k is None else str(top_k)}
            for horizon in HORIZONS:
                answer = hitting_probability(chain, red, start=start, within=horizon)
                row[f"P({RED} within {horizon})"] = certified_digits(answer)
            row[f"expected tokens until {RED}"] = certified_digits(expected_hitting_time(chain, red, start=start))
            rows.append(row)
    write_table(rows, place, "reach")
    curves = {}
    for temperature in TEMPERATURES[:4]:
        chain = WindowChain.from_logits(table, SamplingSettings(temperature=temperature))
        steps = (3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200)
        within = [hitting_probability(chain, red, start=start, within=n).value for n in steps]
        curves[f"T = {temperature:g}"] = (steps, within)
    y_label = f"P({RED} within n tokens)"
    line_figure(curves, place / "reach.svg", x_label="tokens n", y_label=y_label, logarithmic=("x", "y"))


def _write_absorption(place: Path, table: LogitTable) -> None:
    """Where the chain ends when two windows are never left."""
    ends = [table.space.encode(BITS.encode(text)) for text in (RED, OTHER_END)]
    answer = absorption_probabilities(with_absorbing(WindowChain.from_logits(table), ends))
    rows: Rows = []
    for state in range(table.space.n_states):
        row = {"start": table.space.label(state, BITS)}
        for column, states in enumerate(answer.classes):
            row[f"P(ends at {table.space.label(int(states[0]), BITS)})"] = certified_digits(answer, (state, column))
        rows.append(row)
    write_table(rows, place, "absorption")


def _write_greedy(place: Path, table: LogitTable) -> None:
    """The temperature-zero machine, whole and as small as it can be."""
    machine = greedy_machine(table)
    rows: Rows = [
        {
            "window": table.space.label(state, BITS),
            "says": BITS.show((int(machine.token[state]),)),
            "then": table.space.label(int(machine.next_state[state]), BITS),
            "steps to its loop": int(machine.transient_length[state]),
            "loop": machine.cycle_label(int(machine.basin[state])),
        }
        for state in range(table.space.n_states)
    ]
    write_table(rows, place, "greedy")
    draw(WindowChain.from_logits(table, SamplingSettings(temperature=0)), place / "greedy.svg", layout="dot")
    smallest = machine.minimised()
    draw_machine(smallest, place / "greedy_smallest.svg")
    write_machine_tikz(smallest, place / "greedy_smallest.tikz.tex")


def _write_walk(place: Path, table: LogitTable) -> None:
    """A walk sampled from the trained chain (numpy's generator, so not the notebook's)."""
    chain, generator = WindowChain.from_logits(table), np.random.default_rng(SEED)
    state = table.space.encode(BITS.encode(START))
    rows: Rows = []
    for step in range(WALK_STEPS):
        shares = chain.next_token_probs[state]
        token = int(generator.random() >= shares[0])
        rows.append(
            {"step": step, "window": chain.label(state), "token": str(token), "probability": f"{shares[token]:.10f}"}
        )
        state = (2 * state + token) % chain.n_states
    write_table(rows, place, "walk")


def _write_page(place: Path, before: LogitTable, model: GPT) -> None:
    """The explorer: both checkpoints, and the inside of the trained one."""
    explore(
        model,
        place / "explore.html",
        before=before,
        names=("before training", "after training"),
        red=RED,
        start=START,
        seed=SEED,
        title="The baby GPT as a Markov chain",
        note=f"2 tokens, 3 of context, 8 states, trained for {STEPS} steps on {TEXT}.",
    )


def found_of(trained: TrainedGPT, table: LogitTable) -> tuple[str, str, str]:
    """What was found, in three sentences."""
    chain = WindowChain.from_logits(table)
    red, start = ending_with(table.space, RED, BITS), BITS.encode(START)
    within = certified_digits(hitting_probability(chain, red, start=start, within=10))
    steps = certified_digits(expected_hitting_time(chain, red, start=start))
    machine = greedy_machine(table)
    loops = ", ".join(machine.cycle_label(index) for index in range(len(machine.cycles)))
    return (
        f"{trained.model.n_parameters:,} parameters make {table.space.n_states} states; the baby GPT learnt {TEXT}.",
        f"P({RED} within 10 tokens from {START}) = {within}; expected tokens until {RED}: {steps}.",
        f"At temperature 0 it says, for ever: {loops}.",
    )
