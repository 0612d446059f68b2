"""How large is one state of a GPT, seen as a finite-state machine? Writes results/state_sizes/.

A window of L tokens out of V is one of V**L states, log2(V) * L bits. The seed notebook's text gives GPT-2 31,984 bits
with 2,048 tokens of context and calls that 3,998 kB; it is 3,998 bytes. GPT-2 itself has 1,024 tokens of context.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

from experiments.study import Findings, Study, run
from markovgpt.export.figure_text import logarithmic_axis
from markovgpt.export.figures import COLUMN_INCHES, PALETTE, STYLE
from markovgpt.export.tables import write_table


@dataclass(frozen=True)
class Settings:
    """Nothing can be chosen."""


@dataclass(frozen=True)
class Machine:
    """Something with a state: a model with V tokens and L of context, or a computer with so many bits of memory."""

    name: str
    source: str
    vocab_size: int | None = None
    context_length: int | None = None
    memory_bits: int | None = None

    @property
    def bits(self) -> float:
        """Bits of one state: log2(V) L, or the memory."""
        if self.memory_bits is not None:
            return float(self.memory_bits)
        return math.log2(self.vocab_size or 1) * (self.context_length or 0)


MACHINES = (
    Machine("baby GPT", "seed notebook", 2, 3),
    Machine("sorter (nano GPT of LLM visualisation)", "Bycroft, bbycroft.net/llm", 3, 11),
    Machine("names, context 4", "27 characters, as in makemore", 27, 4),
    Machine("Shakespeare characters, context 64", "nanoGPT, train_shakespeare_char", 65, 64),
    Machine("GPT-2", "Radford et al. 2019, section 2.3", 50_257, 1_024),
    Machine("GPT-2 vocabulary, 2,048 tokens (the notebook's)", "seed notebook", 50_257, 2_048),
    Machine("GPT-3", "Brown et al. 2020, section 2.1", 50_257, 2_048),
    Machine("GPT-4-32k", "cl100k_base has 100,277 ids; 32,768 tokens of context", 100_277, 32_768),
    Machine("Atari 2600, 128 bytes of RAM", "MOS 6532", memory_bits=128 * 8),
    Machine("Apollo Guidance Computer, 2,048 words of 15 bits", "erasable memory", memory_bits=2_048 * 15),
    Machine("Commodore 64, 64 KiB", "64 * 1,024 bytes of RAM", memory_bits=64 * 1_024 * 8),
    Machine("a laptop, 16 GiB", "16 * 1,024**3 bytes of RAM", memory_bits=16 * 1_024**3 * 8),
)


def rows_of(machines: Sequence[Machine]) -> list[dict[str, str]]:
    """The table: bits, bytes and the decimal size of the state space of each."""
    return [
        {
            "machine": machine.name,
            "tokens V": "" if machine.vocab_size is None else f"{machine.vocab_size:,}",
            "context L": "" if machine.context_length is None else f"{machine.context_length:,}",
            "bits of one state": f"{machine.bits:,.1f}",
            "bytes": f"{machine.bits / 8:,.1f}",
            "states": f"10^{machine.bits * math.log10(2):,.1f}",
            "source": machine.source,
        }
        for machine in sorted(machines, key=lambda machine: machine.bits)
    ]


def make(settings: Settings, folder: Path) -> Findings:
    """Write the table, and draw it."""
    rows = rows_of(MACHINES)
    write_table(rows, folder, "table")
    draw_sizes(MACHINES, folder / "sizes.svg")
    bits = {machine.name: machine.bits for machine in MACHINES}
    gpt2, notebook = bits["GPT-2"], bits["GPT-2 vocabulary, 2,048 tokens (the notebook's)"]
    return Findings(
        [
            f"One state of GPT-2 takes {gpt2:,.0f} bits, {gpt2 / 8:,.0f} bytes: less than a Commodore 64 holds.",
            f"With the notebook's 2,048 tokens it is {notebook:,.0f} bits, {notebook / 8:,.0f} bytes "
            "(the notebook's text says 31,984 bits = 3,998 kB; it is 3,998 bytes).",
            "The baby GPT's is 3 bits: small enough to draw.",
        ]
    )


def draw_sizes(machines: Sequence[Machine], path: Path) -> None:
    """A bar for each machine, over bits on a logarithmic axis; hatched where it is a computer."""
    ordered = sorted(machines, key=lambda machine: machine.bits)
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(2 * COLUMN_INCHES, 2.6), layout="constrained")
        for place, machine in enumerate(ordered):
            computer = machine.memory_bits is not None
            axes.barh(
                place, machine.bits, color=PALETTE[int(computer)], hatch="//" if computer else None, edgecolor="white"
            )
        logarithmic_axis(axes, "x")
        axes.set(xlabel="bits of one state (hatched: computers)")
        axes.set_yticks(range(len(ordered)), [machine.name for machine in ordered])
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


STUDY = Study("state_sizes", "How large is one state of a GPT, as a finite machine?", Settings(), Settings(), make)

if __name__ == "__main__":
    sys.exit(run(STUDY))
