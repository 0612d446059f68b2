"""What can this language model say, exactly, and how likely is it? Small GPTs as explicit finite Markov chains.

The map, by question:

- Who speaks: `GPT`, `GPTConfig`, `train_gpt`, `load_model`, `save_model`, `as_model`, `Vocabulary`
- What it is: `StateSpace`, `SamplingSettings`, `count_cuts`, `tabulate`, `tabulation_bytes`, `LogitTable`,
  `WindowChain`, `SparseChain`, `reachable_chain`, `with_absorbing`
- What is red: `ending_with`, `containing`, `red_strings`, `red_tokens`, `red_regex`
- The shape: `chain_shape`, `communicating_classes`, `recurrent_classes`, `transient_classes`, `transient_states`,
  `absorbing_states`, `period`, `cyclic_classes`, `is_irreducible`, `condensation`
- The long run: `stationary_distributions`, `long_run_distribution`, `long_run_probability`, `entropy_rate`,
  `effective_states`, `mean_recurrence_times`, `kemeny_constant`, `kemeny_estimate`, `reversibility_gap`
- How soon it forgets: `leading_eigenvalues`, `spectral_gap`, `relaxation_time`, `mixing_time`, `doeblin_bound`,
  `total_variation_from_stationarity`
- How much it remembers: `memory_use`, `coarsest_lumping`, `approximate_lumping`
- Reaching: `hitting_probability`, `expected_hitting_time`, `expected_reward`, `expected_visits`,
  `absorption_probabilities`, `transient_distribution`
- When, and how often: `hitting_law`, `hitting_quantile`, `quasi_stationary`, `expected_count`, `occurrence_rate`,
  `in_conversations`, `conditional_hitting_time`, `conditional_chain`, `any_text_probability`
- How it happens: `most_likely_paths`, `dangerous_windows`, `red_flow`
- Under which settings: `break_points`, `likelier_when_truncated`, `temperature_profile`, `energy_barrier`, `sweep`,
  `SweepGrid`
- Temperature zero: `greedy_machine`, `smallest_machine`, `machine_of_chain`
- Just above it: `cycle_barriers`, `escapes`, `way_out`, `way_between`, `long_run_near_zero`, `cheapest_tree`,
  `window_exponent`, `arrival_exponents`
- The likeliest text: `most_probable_continuation`, `continuation_probability`, `greedy_decode`, `beam_search`,
  `compare_decoders`, `ChainModel`
- What training changed: `compare_chains`, `red_changes`, `attribute_change`, `compare_greedy`, `count_windows`,
  `counted_chain`, `in_a_row`, `divergence_from_data`, `stationary_mass`
- What it looks like: `draw`, `state_graph`, `heaviest_states`, `around_red`, `ways_to_red`, `suffix_graph`,
  `condensation_graph`, `draw_machine`, `draw_moment`, `write_animation`, `Moment`
- On one page that answers: `explore`, `ExplorerPage`, `explorer_widget`
- As figures: `matrix_figure`, `stationary_figure`, `waiting_time_figure`, `training_figure`, `mosaic_figure`,
  `mosaic_places`
- As tables: `write_table`, `read_table`, `latex_table`, `markdown_table`, `answer_table`, `certified_digits`
- As graphs for other programs: `write_dot`, `write_tikz`, `write_graphml`, `write_gexf`, `write_machine_dot`,
  `write_machine_tikz`
- To and from model checkers: `read_chain`, `write_chain`, `read_umb`, `write_umb`, `read_drn`, `write_drn`,
  `read_prism`, `write_prism`, `ImportedChain`, `check`, `parse_property`, `Checked`
- Why believe it: `write_certificate`, `verify`, `Verdict`, `write_bundle`, `verify_bundle`
"""

from markovgpt.analysis.arrival_exponents import ArrivalExponents, arrival_exponents
from markovgpt.analysis.attribution import Attribution, attribute_change
from markovgpt.analysis.barriers import Barrier, TemperatureProfile, energy_barrier, temperature_profile
from markovgpt.analysis.breakpoints import BreakPoint, break_points
from markovgpt.analysis.change import Change, red_changes
from markovgpt.analysis.close_calls import CloseCalls
from markovgpt.analysis.comparison import ChainComparison, compare_chains
from markovgpt.analysis.conditional import conditional_chain, conditional_hitting_time
from markovgpt.analysis.continuations import (
    Continuations,
    DecodingComparison,
    compare_decoders,
    continuation_probability,
    most_probable_continuation,
)
from markovgpt.analysis.counting import expected_count, occurrence_rate
from markovgpt.analysis.cycle_barriers import CycleBarriers, cycle_barriers, way_between
from markovgpt.analysis.effective import effective_states
from markovgpt.analysis.empirical import DataDivergence, divergence_from_data, stationary_mass
from markovgpt.analysis.entropy import EntropyRate, entropy_rate
from markovgpt.analysis.flows import DangerousWindows, RedFlow, dangerous_windows, red_flow
from markovgpt.analysis.greedy import GreedyMachine, greedy_machine
from markovgpt.analysis.greedy_comparison import GreedyComparison, compare_greedy
from markovgpt.analysis.horizon import transient_distribution
from markovgpt.analysis.interval_lumping import IntervalLumping, approximate_lumping
from markovgpt.analysis.kemeny_estimate import KemenyEstimate, kemeny_estimate
from markovgpt.analysis.long_run import long_run_probability
from markovgpt.analysis.lumping import Lumping, coarsest_lumping
from markovgpt.analysis.memory_order import MemoryUse, OrderLoss, memory_use
from markovgpt.analysis.mixing import MixingTime, doeblin_bound, mixing_time, total_variation_from_stationarity
from markovgpt.analysis.moore import MooreMachine, machine_of_chain, smallest_machine
from markovgpt.analysis.near_zero import (
    Escape,
    LongRun,
    cheapest_tree,
    escapes,
    long_run_near_zero,
    way_out,
    window_exponent,
)
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
from markovgpt.analysis.recurrence import kemeny_constant, mean_recurrence_times, reversibility_gap
from markovgpt.analysis.repetition import in_conversations
from markovgpt.analysis.result import Answer
from markovgpt.analysis.shape import ChainShape, chain_shape, condensation
from markovgpt.analysis.spectrum import Spectrum, leading_eigenvalues, relaxation_time, spectral_gap
from markovgpt.analysis.stationary import StationaryDistributions, long_run_distribution, stationary_distributions
from markovgpt.analysis.structure import (
    absorbing_states,
    communicating_classes,
    cyclic_classes,
    is_irreducible,
    period,
    recurrent_classes,
    transient_classes,
    transient_states,
)
from markovgpt.analysis.text_set import any_text_probability
from markovgpt.analysis.truncation import TruncatedRisk, likelier_when_truncated
from markovgpt.analysis.waiting import HittingLaw, hitting_law
from markovgpt.chains.chain_model import ChainModel
from markovgpt.chains.counted import WindowCounts, count_windows, counted_chain, in_a_row
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
from markovgpt.evidence.bundle import verify_bundle, write_bundle
from markovgpt.evidence.certificates import write_certificate
from markovgpt.evidence.verdict import Verdict
from markovgpt.evidence.verify import verify
from markovgpt.exchange.chain_files import read_chain, write_chain
from markovgpt.exchange.checking import Checked, check
from markovgpt.exchange.drn import read_drn, write_drn
from markovgpt.exchange.imported import ImportedChain
from markovgpt.exchange.prism import read_prism
from markovgpt.exchange.prism_writer import write_prism
from markovgpt.exchange.property_parser import parse_property
from markovgpt.exchange.umb import write_umb
from markovgpt.exchange.umb_reader import read_umb
from markovgpt.explorer.explore import explore
from markovgpt.explorer.page import ExplorerPage
from markovgpt.explorer.widget import explorer_widget
from markovgpt.export import notebook as notebook  # how everything shows itself
from markovgpt.export.answer_table import answer_table
from markovgpt.export.chain_figures import matrix_figure, stationary_figure
from markovgpt.export.markdown import markdown_table
from markovgpt.export.mosaic import mosaic_places
from markovgpt.export.mosaic_figure import mosaic_figure
from markovgpt.export.tables import certified_digits, latex_table, read_table, write_table
from markovgpt.export.training_figure import training_figure
from markovgpt.export.waiting_figure import waiting_time_figure
from markovgpt.graphs.animation import Moment, draw_moment, write_animation
from markovgpt.graphs.dot import write_dot
from markovgpt.graphs.drawing import draw, write_tikz
from markovgpt.graphs.graph_files import write_gexf, write_graphml
from markovgpt.graphs.machine_graph import draw_machine, write_machine_dot, write_machine_tikz
from markovgpt.graphs.merged_views import condensation_graph, suffix_graph
from markovgpt.graphs.shown_graph import StateGraph
from markovgpt.graphs.views import around_red, heaviest_states, likely_steps, state_graph, ways_to_red
from markovgpt.models.checkpoints import load_model, load_vocabulary, save_model
from markovgpt.models.decoding import Decoded, beam_search, greedy_decode
from markovgpt.models.gpt import GPT, GPTConfig
from markovgpt.models.protocol import NextTokenModel, as_model
from markovgpt.models.source import ModelSource
from markovgpt.models.training import TrainedGPT, train_gpt
from markovgpt.scaled import ScaledArray
from markovgpt.solvers.forgetting import Minorization
from markovgpt.sweeps.grid import SweepGrid
from markovgpt.sweeps.sweep import sweep
from markovgpt.vocabulary import Vocabulary

__all__ = [
    "GPT",
    "AbsorptionProbabilities",
    "Answer",
    "ArrivalExponents",
    "Attribution",
    "Barrier",
    "BreakPoint",
    "ChainComparison",
    "ChainModel",
    "ChainShape",
    "Change",
    "Checked",
    "CloseCalls",
    "Continuations",
    "Cuts",
    "CycleBarriers",
    "DangerousWindows",
    "DataDivergence",
    "Decoded",
    "DecodingComparison",
    "EntropyRate",
    "Escape",
    "ExplorerPage",
    "GPTConfig",
    "GreedyComparison",
    "GreedyMachine",
    "HittingLaw",
    "ImportedChain",
    "IntervalLumping",
    "InvalidInput",
    "KemenyEstimate",
    "LogitTable",
    "LongRun",
    "Lumping",
    "MarkovGPTError",
    "MemoryUse",
    "Minorization",
    "MixingTime",
    "ModelSource",
    "Moment",
    "MooreMachine",
    "NextTokenModel",
    "NotConverged",
    "OrderLoss",
    "Quantile",
    "QuasiStationary",
    "RedFlow",
    "RedPattern",
    "SamplingSettings",
    "ScaledArray",
    "SparseChain",
    "Spectrum",
    "StateGraph",
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
    "WindowCounts",
    "absorbing_states",
    "absorption_probabilities",
    "answer_table",
    "any_text_probability",
    "approximate_lumping",
    "around_red",
    "arrival_exponents",
    "as_model",
    "attribute_change",
    "beam_search",
    "break_points",
    "certified_digits",
    "chain_shape",
    "cheapest_tree",
    "check",
    "coarsest_lumping",
    "communicating_classes",
    "compare_chains",
    "compare_decoders",
    "compare_greedy",
    "condensation",
    "condensation_graph",
    "conditional_chain",
    "conditional_hitting_time",
    "containing",
    "continuation_probability",
    "count_cuts",
    "count_windows",
    "counted_chain",
    "cycle_barriers",
    "cyclic_classes",
    "dangerous_windows",
    "divergence_from_data",
    "doeblin_bound",
    "draw",
    "draw_machine",
    "draw_moment",
    "effective_states",
    "ending_with",
    "energy_barrier",
    "entropy_rate",
    "escapes",
    "expected_count",
    "expected_hitting_time",
    "expected_reward",
    "expected_visits",
    "explore",
    "explorer_widget",
    "greedy_decode",
    "greedy_machine",
    "heaviest_states",
    "hitting_law",
    "hitting_probability",
    "hitting_quantile",
    "in_a_row",
    "in_conversations",
    "is_irreducible",
    "kemeny_constant",
    "kemeny_estimate",
    "latex_table",
    "leading_eigenvalues",
    "likelier_when_truncated",
    "likely_steps",
    "load_model",
    "load_vocabulary",
    "long_run_distribution",
    "long_run_near_zero",
    "long_run_probability",
    "machine_of_chain",
    "markdown_table",
    "matrix_figure",
    "mean_recurrence_times",
    "memory_use",
    "mixing_time",
    "mosaic_figure",
    "mosaic_places",
    "most_likely_paths",
    "most_probable_continuation",
    "occurrence_rate",
    "parse_property",
    "period",
    "quasi_stationary",
    "reachable_chain",
    "read_chain",
    "read_drn",
    "read_prism",
    "read_table",
    "read_umb",
    "recurrent_classes",
    "red_changes",
    "red_flow",
    "red_regex",
    "red_strings",
    "red_tokens",
    "relaxation_time",
    "reversibility_gap",
    "save_model",
    "smallest_machine",
    "spectral_gap",
    "state_graph",
    "stationary_distributions",
    "stationary_figure",
    "stationary_mass",
    "suffix_graph",
    "sweep",
    "tabulate",
    "tabulation_bytes",
    "temperature_profile",
    "total_variation_from_stationarity",
    "train_gpt",
    "training_figure",
    "transient_classes",
    "transient_distribution",
    "transient_states",
    "verify",
    "verify_bundle",
    "waiting_time_figure",
    "way_between",
    "way_out",
    "ways_to_red",
    "window_exponent",
    "with_absorbing",
    "write_animation",
    "write_bundle",
    "write_certificate",
    "write_chain",
    "write_dot",
    "write_drn",
    "write_gexf",
    "write_graphml",
    "write_machine_dot",
    "write_machine_tikz",
    "write_prism",
    "write_table",
    "write_tikz",
    "write_umb",
]
