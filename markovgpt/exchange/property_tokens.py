"""The words and signs of the property language, and the refusal of those that it knows and this part of it does not."""

import re
from typing import NamedTuple

from markovgpt.errors import InvalidInput
from markovgpt.exchange.text_file import quoted

TOKEN = re.compile(
    r'(?P<label>"[^"\n]+")|(?P<number>\d+/\d+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>[A-Za-z_]\w*)'
    r"|(?P<sign>=\?|<=>|[<>!=]=|=>|\|\||&&|\S)",
    re.ASCII,
)
SUPPORTED = (
    'supported are P, S and LRA, T, R and R{"name"}, with =? or a threshold, of F, U and G over labels, such as '
    'P=? [F<=10 "red"]'
)
ONE_PATH = "ask for one F, U or G over labels"
SIMPLER = "write it with !, & and |"
NO_VARIABLES = "a file holds labels: export the chain with a label for it, and ask for the label"
OPERATORS = ("P", "S", "LRA", "T", "R")
OPTIMAL = re.compile(r"(P|S|LRA|T|R)(min|max)")
NAMED = {
    "X": ("X (next)", "write F[1,1]"),
    "W": ("W (weak until)", "add a U b and G (a & !b), which exclude each other"),
    "M": ("M (strong release)", ONE_PATH),
    "A": ("A (for all paths)", "ask for P>=1, which is almost surely"),
    "E": ("E (there is a path)", "ask whether P>0"),
    "C": ("C (rewards within a horizon)", 'ask for R=? [F "label"]'),
    "I": ("I (rewards at a step)", "ask for P=? [F[n,n] ..] of a label"),
    "multi": ("multi (several objectives)", "ask for one after the other"),
    "quantile": ("quantile", "see hitting_quantile in Python"),
    "||": ("|| (a conditional probability)", "ask for both, or see conditional_chain in Python; or is |"),
    "&&": ("&&", "and is &"),
    "=>": ("=> (implies)", SIMPLER),
    "<=>": ("<=> (exactly if)", SIMPLER),
    "?": ("? (if then else)", SIMPLER),
    **{sign: (f"{sign} (a comparison or a sum)", NO_VARIABLES) for sign in ("=", "!=", "<", "<=", ">", ">=", *"+-*/")},
}
RESERVED = {*OPERATORS, *NAMED, "F", "G", "U", "filter", "min", "max"}


class Token(NamedTuple):
    """A piece of a property; ``place`` counts characters from 1."""

    kind: str
    text: str
    place: int


class Tokens:
    """The pieces of a property, of which those that are still to be read come next."""

    def __init__(self, text: str):
        if not isinstance(text, str):
            raise InvalidInput(f"a property must be a text, got {type(text).__name__}; {SUPPORTED}")
        found = [Token(str(match.lastgroup), match[0], match.start() + 1) for match in TOKEN.finditer(text)]
        self.tokens = [*found, Token("end", "", len(text) + 1)]
        self.place = 0

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.place]

    def take(self) -> Token:
        """The token that comes next; it is read."""
        token = self.next
        self.place += token.kind != "end"
        return token

    def took(self, *texts: str) -> bool:
        """Whether one of these comes next, outside quotes; it is read."""
        found = self.next.text in texts
        self.place += found
        return found

    def expect(self, text: str, where: str) -> None:
        """Read what must come next."""
        if not self.took(text):
            raise self.refusal(f"{text} must stand {where}", SUPPORTED)

    def expect_end(self) -> None:
        """Refuse what follows a property."""
        if self.next.kind != "end":
            raise self.refusal("a property must end after its last bracket", "ask for one property at a time")

    def refusal(self, must: str, remedy: str) -> InvalidInput:
        """The error at what comes next, by its name where it has one."""
        token = self.next
        if token.text in NAMED:
            return self.unsupported(*NAMED[token.text])
        got = quoted(token.text) if token.text else "its end"
        return InvalidInput(f"{must}, got {got} at character {token.place}; {remedy}")

    def unsupported(self, name: str, remedy: str) -> InvalidInput:
        """The error at something that the language knows and this part of it does not."""
        return InvalidInput(
            f"a property must keep to what is supported, got {name} at character {self.next.place}; {remedy}"
        )
