# The public names and where they come from, read by type checkers and, at the start, by lazy_loader.

from .analysis.arrival_exponents import ArrivalExponents, arrival_exponents
from .analysis.attribution import Attribution, attribute_change
from .analysis.barriers import Barrier, TemperatureProfile, energy_barrier, temperature_profile
from .analysis.breakpoints import BreakPoint, break_points
from .analysis.change import Change, red_changes
from .analysis.close_calls import CloseCalls
from .analysis.comparison import ChainComparison, compare_chains
from .analysis.conditional import conditional_chain, conditional_hitting_time
from .analysis.continuations import (
    Continuations,
    DecodingComparison,
    compare_decoders,
    continuation_probability,
    most_probable_continuation,
)
from .analysis.counting import expected_count, occurrence_rate
from .analysis.cycle_barriers import CycleBarriers, cycle_barriers, way_between
from .analysis.effective import effective_states
from .analysis.empirical import DataDivergence, divergence_from_data, stationary_mass
from .analysis.entropy import EntropyRate, entropy_rate
from .analysis.flows import DangerousWindows, RedFlow, dangerous_windows, red_flow
from .analysis.greedy import GreedyMachine, greedy_machine
from .analysis.greedy_comparison import GreedyComparison, compare_greedy
from .analysis.horizon import transient_distribution
from .analysis.interval_lumping import IntervalLumping, approximate_lumping
from .analysis.kemeny_estimate import KemenyEstimate, kemeny_estimate
from .analysis.long_run import long_run_probability
from .analysis.lumping import Lumping, coarsest_lumping
from .analysis.memory_order import MemoryUse, OrderLoss, memory_use
from .analysis.mixing import MixingTime, doeblin_bound, mixing_time, total_variation_from_stationarity
from .analysis.moore import MooreMachine, machine_of_chain, smallest_machine
from .analysis.near_zero import (
    Escape,
    LongRun,
    cheapest_tree,
    escapes,
    long_run_near_zero,
    way_out,
    window_exponent,
)
from .analysis.paths import most_likely_paths
from .analysis.quantile import Quantile, hitting_quantile
from .analysis.quasi_stationary import QuasiStationary, quasi_stationary
from .analysis.reachability import (
    AbsorptionProbabilities,
    absorption_probabilities,
    expected_hitting_time,
    expected_reward,
    expected_visits,
    hitting_probability,
)
from .analysis.recurrence import kemeny_constant, mean_recurrence_times, reversibility_gap
from .analysis.repetition import in_conversations
from .analysis.result import Answer
from .analysis.shape import ChainShape, chain_shape, condensation
from .analysis.spectrum import Spectrum, leading_eigenvalues, relaxation_time, spectral_gap
from .analysis.stationary import StationaryDistributions, long_run_distribution, stationary_distributions
from .analysis.structure import (
    absorbing_states,
    communicating_classes,
    cyclic_classes,
    is_irreducible,
    period,
    recurrent_classes,
    transient_classes,
    transient_states,
)
from .analysis.text_set import any_text_probability
from .analysis.truncation import TruncatedRisk, likelier_when_truncated
from .analysis.waiting import HittingLaw, hitting_law
from .chains.chain_model import ChainModel
from .chains.counted import WindowCounts, count_windows, counted_chain, in_a_row
from .chains.cuts import count_cuts
from .chains.logits import LogitTable, tabulate, tabulation_bytes
from .chains.margins import Cuts
from .chains.operator import TransitionOperator
from .chains.reachable import reachable_chain
from .chains.red import RedPattern, containing, ending_with, red_regex, red_strings, red_tokens
from .chains.sampling import SamplingSettings
from .chains.sparse_chain import SparseChain, with_absorbing
from .chains.states import StateSpace
from .chains.window_chain import WindowChain
from .errors import InvalidInput, MarkovGPTError, NotConverged, TooLarge
from .evidence.bundle import verify_bundle, write_bundle
from .evidence.certificates import write_certificate
from .evidence.verdict import Verdict
from .evidence.verify import verify
from .exchange.chain_files import read_chain, write_chain
from .exchange.checking import Checked, check
from .exchange.drn import read_drn, write_drn
from .exchange.imported import ImportedChain
from .exchange.prism import read_prism
from .exchange.prism_writer import write_prism
from .exchange.property_parser import parse_property
from .exchange.umb import write_umb
from .exchange.umb_reader import read_umb
from .explorer.explore import explore
from .explorer.page import ExplorerPage
from .explorer.widget import explorer_widget
from .export.answer_table import answer_table
from .export.chain_figures import matrix_figure, stationary_figure
from .export.markdown import markdown_table
from .export.mosaic import mosaic_places
from .export.mosaic_figure import mosaic_figure
from .export.tables import certified_digits, latex_table, read_table, write_table
from .export.training_figure import training_figure
from .export.waiting_figure import waiting_time_figure
from .graphs.animation import Moment, draw_moment, write_animation
from .graphs.dot import write_dot
from .graphs.drawing import draw, write_tikz
from .graphs.graph_files import write_gexf, write_graphml
from .graphs.machine_graph import draw_machine, write_machine_dot, write_machine_tikz
from .graphs.merged_views import condensation_graph, suffix_graph
from .graphs.shown_graph import StateGraph
from .graphs.views import around_red, heaviest_states, likely_steps, state_graph, ways_to_red
from .models.checkpoints import load_model, load_vocabulary, save_model
from .models.decoding import Decoded, beam_search, greedy_decode
from .models.gpt import GPT, GPTConfig
from .models.module_model import as_model
from .models.protocol import NextTokenModel
from .models.source import ModelSource
from .models.training import TrainedGPT, train_gpt
from .scaled import ScaledArray
from .solvers.forgetting import Minorization
from .sweeps.grid import SweepGrid
from .sweeps.sweep import sweep
from .vocabulary import Vocabulary

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
