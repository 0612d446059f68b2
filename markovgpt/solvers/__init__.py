"""How equations are solved: one algorithm a file."""
