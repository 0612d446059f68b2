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

from functools import partial
from importlib import import_module
from typing import Any

import lazy_loader

from markovgpt.shown import Shown, as_html, as_svg

# Where each name comes from stands in __init__.pyi. Its module is imported when the name is first asked for: torch,
# pandas and matplotlib take a second or more, and most who come here need none of them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def _show(how: Any, thing: Shown) -> str | None:
    """What shows a thing: the first time, import who says how; it registers in the place of this function."""
    import_module("markovgpt.export.notebook")
    shown: str | None = how(thing)
    return shown


as_html.register(Shown, partial(_show, as_html))
as_svg.register(Shown, partial(_show, as_svg))
