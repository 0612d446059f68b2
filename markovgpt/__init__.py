"""What can this language model say, exactly, and how likely is it? Small GPTs as explicit finite Markov chains.

The map, by question:

- Who speaks: `GPT`, `GPTConfig`, `train_gpt`, `load_model`, `save_model`, `as_model`, `Vocabulary`
- What it is: `StateSpace`, `SamplingSettings`, `count_cuts`, `tabulate`, `tabulation_bytes`, `LogitTable`,
  `WindowChain`, `SparseChain`, `reachable_chain`, `with_absorbing`
- What is red: `ending_with`, `containing`, `red_strings`, `red_tokens`, `red_regex`
- The shape: `communicating_classes`, `recurrent_classes`, `period`, `is_irreducible`
- The long run: `stationary_distributions`, `long_run_distribution`
- Reaching: `hitting_probability`, `expected_hitting_time`, `expected_reward`, `expected_visits`,
  `absorption_probabilities`, `transient_distribution`
- When, and how often: `hitting_law`, `hitting_quantile`, `quasi_stationary`, `expected_count`, `occurrence_rate`,
  `in_conversations`, `conditional_hitting_time`, `conditional_chain`
- How it happens: `most_likely_paths`, `dangerous_windows`, `red_flow`
- Under which settings: `break_points`, `likelier_when_truncated`, `temperature_profile`, `energy_barrier`, `sweep`,
  `SweepGrid`
- Temperature zero: `greedy_machine`
- What one takes away: `draw`, `write_dot`, `write_table`, `certified_digits`, `write_drn`, `write_umb`
- Why believe it: `write_certificate`, `verify`, `Verdict`
- What comes in: `read_drn`, `read_prism`, `ImportedChain`
"""

from markovgpt.analysis.barriers import Barrier, TemperatureProfile, energy_barrier, temperature_profile
from markovgpt.analysis.breakpoints import BreakPoint, break_points
from markovgpt.analysis.conditional import conditional_chain, conditional_hitting_time
from markovgpt.analysis.counting import expected_count, occurrence_rate
from markovgpt.analysis.flows import DangerousWindows, RedFlow, dangerous_windows, red_flow
from markovgpt.analysis.greedy import GreedyMachine, greedy_machine
from markovgpt.analysis.horizon import transient_distribution
from markovgpt.analysis.paths import most_likely_paths
from markovgpt.analysis.quantile import Quantile, hitting_quantile
from markovgpt.analysis.quasi_stationary import QuasiStationary, quasi_stationary
from markovgpt.analysis.reachability import (
    AbsorptionProbabilities,
    absorption_probabilities,
    expected_hitting_time,
    expected_reward,
    expected_visits,
    hitting_probability,
)
from markovgpt.analysis.repetition import in_conversations
from markovgpt.analysis.result import Answer
from markovgpt.analysis.stationary import StationaryDistributions, long_run_distribution, stationary_distributions
from markovgpt.analysis.structure import communicating_classes, is_irreducible, period, recurrent_classes
from markovgpt.analysis.truncation import TruncatedRisk, likelier_when_truncated
from markovgpt.analysis.waiting import HittingLaw, hitting_law
from markovgpt.chains.cuts import count_cuts
from markovgpt.chains.logits import LogitTable, tabulate, tabulation_bytes
from markovgpt.chains.margins import Cuts
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.reachable import reachable_chain
from markovgpt.chains.red import RedPattern, containing, ending_with, red_regex, red_strings, red_tokens
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.sparse_chain import SparseChain, with_absorbing
from markovgpt.chains.states import StateSpace
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput, MarkovGPTError, NotConverged, TooLarge
from markovgpt.export.certificates import write_certificate
from markovgpt.export.dot import draw, write_dot
from markovgpt.export.drn import read_drn, write_drn
from markovgpt.export.imported import ImportedChain
from markovgpt.export.prism import read_prism
from markovgpt.export.tables import certified_digits, write_table
from markovgpt.export.umb import write_umb
from markovgpt.export.verdict import Verdict
from markovgpt.export.verify import verify
from markovgpt.models.checkpoints import load_model, load_vocabulary, save_model
from markovgpt.models.gpt import GPT, GPTConfig
from markovgpt.models.protocol import NextTokenModel, as_model
from markovgpt.models.source import ModelSource
from markovgpt.models.training import TrainedGPT, train_gpt
from markovgpt.scaled import ScaledArray
from markovgpt.sweeps.grid import SweepGrid
from markovgpt.sweeps.sweep import sweep
from markovgpt.vocabulary import Vocabulary

__all__ = [
    "GPT",
    "AbsorptionProbabilities",
    "Answer",
    "Barrier",
    "BreakPoint",
    "Cuts",
    "DangerousWindows",
    "GPTConfig",
    "GreedyMachine",
    "HittingLaw",
    "ImportedChain",
    "InvalidInput",
    "LogitTable",
    "MarkovGPTError",
    "ModelSource",
    "NextTokenModel",
    "NotConverged",
    "Quantile",
    "QuasiStationary",
    "RedFlow",
    "RedPattern",
    "SamplingSettings",
    "ScaledArray",
    "SparseChain",
    "StateSpace",
    "StationaryDistributions",
    "SweepGrid",
    "TemperatureProfile",
    "TooLarge",
    "TrainedGPT",
    "TransitionOperator",
    "TruncatedRisk",
    "Verdict",
    "Vocabulary",
    "WindowChain",
    "absorption_probabilities",
    "as_model",
    "break_points",
    "certified_digits",
    "communicating_classes",
    "conditional_chain",
    "conditional_hitting_time",
    "containing",
    "count_cuts",
    "dangerous_windows",
    "draw",
    "ending_with",
    "energy_barrier",
    "expected_count",
    "expected_hitting_time",
    "expected_reward",
    "expected_visits",
    "greedy_machine",
    "hitting_law",
    "hitting_probability",
    "hitting_quantile",
    "in_conversations",
    "is_irreducible",
    "likelier_when_truncated",
    "load_model",
    "load_vocabulary",
    "long_run_distribution",
    "most_likely_paths",
    "occurrence_rate",
    "period",
    "quasi_stationary",
    "reachable_chain",
    "read_drn",
    "read_prism",
    "recurrent_classes",
    "red_flow",
    "red_regex",
    "red_strings",
    "red_tokens",
    "save_model",
    "stationary_distributions",
    "sweep",
    "tabulate",
    "tabulation_bytes",
    "temperature_profile",
    "train_gpt",
    "transient_distribution",
    "verify",
    "with_absorbing",
    "write_certificate",
    "write_dot",
    "write_drn",
    "write_table",
    "write_umb",
]
