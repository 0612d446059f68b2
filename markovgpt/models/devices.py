"""Where torch runs a model."""

import torch

from markovgpt.errors import InvalidInput

KNOWN = ("cpu", "cuda", "mps", "xpu")


def usable_device(asked: str) -> tuple[torch.device, tuple[str, ...]]:
    """The device asked for, or the processor where torch cannot use it, and a note that says so.

    Raises
    ------
    InvalidInput: a name torch does not know, or a device no model runs on.

    >>> usable_device("cpu")
    (device(type='cpu'), ())
    """
    try:
        device = torch.device(asked)
    except (RuntimeError, TypeError) as error:
        raise InvalidInput(
            f"device must be a name such as cpu, cuda, cuda:1 or mps, got {asked!r}; cpu is always there"
        ) from error
    if device.type not in KNOWN:
        raise InvalidInput(f"device must be one of {', '.join(KNOWN)}, got {asked!r}; cpu is always there")
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].split(". ")[0].rstrip(".")  # torch goes on for a page
        return torch.device("cpu"), (f"asked to run on {asked}, runs on cpu: {reason}",)
    return device, ()
