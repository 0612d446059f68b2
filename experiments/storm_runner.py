"""Puts questions about one chain to Storm, in its own environment: ``python -I storm_runner.py JOB``, json both ways.

Run by `experiments.cross_check` and imports nothing of this project. A line of json is printed for each property, as
soon as it is answered: the value, or the bounds, of the initial state; the largest where there are several.
"""

import json
import sys
from typing import Any

import stormpy


def loaded(job: dict[str, Any]) -> Any:
    """The model of a .drn file in rational numbers, or of a .umb file in doubles."""
    if job["exact"]:
        return stormpy.build_model_from_drn[stormpy.Rational](job["file"])
    options = stormpy.developer.storage.UmbImportOptions()
    options.build_state_valuations = False
    return stormpy.build_model_from_umb(job["file"], options=options)


def environment(job: dict[str, Any]) -> Any:
    """Exact, or sound to a relative tolerance."""
    if job["exact"]:
        return stormpy.environments.exact()
    found = stormpy.environments.sound()
    found.solver().native().precision = stormpy.Rational(job["tolerance"])
    return found


def bounds(found: Any) -> tuple[str, str]:
    """Of one state: bounds where Storm has them, else twice the value."""
    if getattr(found, "lower", None) is not None:
        return str(found.lower), str(found.upper)
    value = str(getattr(found, "value", found))
    return value, value


def number(text: str) -> float:
    """The nearest double, to order by."""
    above, slash, below = text.partition("/")
    return int(above) / int(below) if slash else float(text)


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    model, asked_in = loaded(job), environment(job)
    for text in job["properties"]:
        wanted = stormpy.parse_property(text)
        result = stormpy.model_checking(model, wanted, environment=asked_in)
        told = [bounds(result[state]) for state in model.initial_states]
        lower, upper = (max(side, key=number) for side in zip(*told, strict=True))
        print(json.dumps({"property": text, "lower": lower, "upper": upper}), flush=True)
