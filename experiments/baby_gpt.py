"""What does the seed's baby GPT say, before and after training? Does what ``markovgpt demo`` does."""

import sys
from dataclasses import dataclass
from pathlib import Path

from experiments.study import Findings, Study, run
from markovgpt.demo import run_demo
from markovgpt.export.record import read_record


@dataclass(frozen=True)
class Settings:
    """Nothing can be chosen: it is the notebook's model."""


def make(settings: Settings, folder: Path) -> Findings:
    """Run the demo, which leaves a record of its own."""
    run_demo(folder, say=lambda line: None)
    return Findings(read_record(folder)["found"])


STUDY = Study(
    "baby_gpt",
    "What does the seed's baby GPT say, before and after training?",
    Settings(),
    Settings(),
    make,
    records=False,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
