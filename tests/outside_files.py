"""Small files as model checkers write them, and a way to spoil them line by line."""

COIN_DRN = """// Exported by storm
// Original model type: DTMC
@type: DTMC
@value_type: double
@parameters

@reward_models
tosses cost 
@nr_states
3
@nr_choices
3
@model
state 0 [1, 0] init
//[s=0]
\taction 0 [0, 0.5]
\t\t0 : 0.5
\t\t1 : 0.25
\t\t2 : 0.25
state 1 [0, 0] red "two words"
\taction 0 [0, 0]
\t\t1 : 1
state 2 [0, 0.25] red
\taction 0 [0, 0]
\t\t0 : 1/3
\t\t1 : 2/3
"""  # noqa: W291 -- Storm puts a space after each name
COIN_TRA = "3 6\n0 0 0.5\n0 1 0.25\n0 2 0.25\n1 1 1.0\n2 0 1/3\n2 1 2/3\n"
COIN_LAB = '0="init" 1="deadlock" 2="red" 3="two words"\n0: 0\n1: 2 3\n2: 2\n'
COIN_SREW = "3 2\n0 0.5\n2 0.25\n"
COIN_TRA_STORM = "dtmc\n0 0 0.5\n0 1 0.25\n0 2 0.25\n1 1 1.0\n2 0 1/3\n2 1 2/3\n"
COIN_LAB_STORM = "#DECLARATION\ninit deadlock\nred\n#END\n0 init\n1 red\n2 red\n"
COIN_SREW_STORM = "0 0.5\n2 0.25\n"
COIN_MATRIX = [[0.5, 0.25, 0.25], [0, 1, 0], [1 / 3, 2 / 3, 0]]


def spoiled(text, line, replacement):
    """The text with one line (counted from 1) replaced, or taken out for None."""
    lines = text.split("\n")
    lines[line - 1 : line] = [] if replacement is None else [replacement]
    return "\n".join(lines)
