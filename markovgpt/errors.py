"""The ways to refuse. Each message says the argument, what is allowed, what came, and the remedy."""


class MarkovGPTError(Exception):
    """The base of every refusal of this package."""


class InvalidInput(MarkovGPTError, ValueError):
    """The question or the data cannot mean anything as given."""


class TooLarge(MarkovGPTError, ValueError):
    """The answer would not fit; said from an estimate, before anything is allocated."""


class NotConverged(MarkovGPTError, RuntimeError):
    """A solver stopped before its tolerance; ``residual`` says how far off it stood."""

    def __init__(self, message: str, residual: float):
        super().__init__(message)
        self.residual = residual
