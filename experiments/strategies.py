"""Ways of drawing tokens by their names: greedy, T=0.5, top_k=5, top_p=0.9, min_p=0.1."""

import markovgpt as mg

FAMILIES = ("T", "top_k", "top_p", "min_p")


def sampling(strategy: str) -> mg.SamplingSettings:
    """The settings that a strategy names.

    >>> sampling("top_k=5").top_k, sampling("greedy").temperature, sampling("T=0.5").temperature
    (5, 0.0, 0.5)

    Raises
    ------
    InvalidInput: no such name, or a number outside its range.
    """
    if strategy == "greedy":
        return mg.SamplingSettings(temperature=0.0)
    name, _, number = strategy.partition("=")
    try:
        if name == "top_k":
            return mg.SamplingSettings(top_k=int(number))
        return {
            "T": lambda value: mg.SamplingSettings(temperature=value),
            "top_p": lambda value: mg.SamplingSettings(top_p=value),
            "min_p": lambda value: mg.SamplingSettings(min_p=value),
        }[name](float(number))
    except (KeyError, ValueError) as error:
        raise mg.InvalidInput(
            f"a strategy must be greedy, or one of {', '.join(FAMILIES)} with = and its number, got {strategy!r} "
            f"({error}); top_k=5, for example"
        ) from error
