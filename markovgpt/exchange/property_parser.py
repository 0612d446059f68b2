"""The property language of PRISM and Storm, read by recursive descent: the part of it that is answered exactly.

    property  ::=  "filter(" ("min" | "max") "," asked ["," state] ")"  |  asked
    asked     ::=  operator ("=?" | relation number) "[" (path | state) "]"
    operator  ::=  "P" | "S" | "LRA" | "T" | "R" | "R{" label "}"
    path      ::=  "F" [bound] state  |  "G" [bound] state  |  state "U" [bound] state
    bound     ::=  "<=" n  |  "<" n  |  "=" n  |  "[" n "," n "]"
    state     ::=  all {"|" all}
    all       ::=  one {"&" one}
    one       ::=  "!" one | "(" state ")" | label | word | "true" | "false"

What else these languages have is refused by its name.
"""

import re

from markovgpt.errors import InvalidInput
from markovgpt.exchange.properties import (
    EVER,
    Always,
    And,
    Filter,
    Formula,
    Label,
    Not,
    Or,
    Property,
    Steps,
    Threshold,
    Truth,
    Until,
)
from markovgpt.exchange.property_tokens import ONE_PATH, OPERATORS, OPTIMAL, RESERVED, SUPPORTED, Tokens
from markovgpt.exchange.text_file import quoted
from markovgpt.exchange.written_numbers import exact

WHOLE = re.compile(r"\d{1,18}", re.ASCII)
MOST_NESTED = 50


def parse_property(text: str) -> Property:
    """The property that a text asks for.

    Parameters
    ----------
    text: such as ``P=? [F<=10 "red"]``, ``P>=0.5 [!"red" U "done"]``, ``T=? [F "red"]``, ``R{"cost"}=? [F "red"]``,
        ``LRA=? ["red"]``, ``filter(max, T=? [F "red"], "init")``. Numbers are exact: 0.1 is 1/10. F<n is F<=n-1.

    Raises
    ------
    InvalidInput: what is no property of this part of the language, with its place; by name where they know it.

    Sources
    -------
    The PRISM manual, "Property Specification"; Storm's documentation of properties.

    >>> str(parse_property("P>=1/2 [ !(a|b) U<7 red ]"))
    'P>=1/2 [!("a" | "b") U<=6 "red"]'
    >>> parse_property('P=? [X "red"]')
    Traceback (most recent call last):
    markovgpt.errors.InvalidInput: a property must keep to what is supported, got X (next) at character 6; write F[1,1]
    """
    reader = _Reader(text)
    found = reader.filtered() if reader.next.text == "filter" else reader.property()
    reader.expect_end()
    return found


class _Reader(Tokens):
    """A property, read rule by rule."""

    depth = 0

    def filtered(self) -> Property:
        """The least or greatest answer over some states."""
        self.take()
        self.expect("(", "after filter")
        if self.next.text not in ("min", "max"):
            raise self.unsupported(f"filter({quoted(self.next.text)}, ..)", "filter takes min or max")
        extreme = self.take().text
        self.expect(",", "after min or max")
        begun = self.next
        found = self.property()
        if found.threshold is not None:
            raise InvalidInput(
                f"filter must be of a number (=?), got a threshold in what begins at character {begun.place}; ask for "
                "the number, or for the threshold without filter, which is of all initial states"
            )
        states: Formula = self.state() if self.took(",") else Truth(True)
        self.expect(")", "after a filter")
        return Property(found.operator, found.inside, found.reward, None, Filter(extreme, states))

    def property(self) -> Property:
        """An operator, what it is compared with, and what it is of."""
        if OPTIMAL.fullmatch(self.next.text):
            plain = OPTIMAL.sub(r"\1", self.next.text)
            raise self.unsupported(f"{self.next.text} (of models with choices)", f"a chain has none: write {plain}")
        if self.next.text not in OPERATORS:
            raise self.refusal("a property must begin with P, S, LRA, T, R or filter", SUPPORTED)
        operator = self.take().text
        reward = self.reward() if operator == "R" else None
        threshold = self.threshold(operator)
        self.expect("[", f"after {operator}{threshold or '=?'}")
        inside: Until | Always | Formula
        if operator == "P":
            inside = self.path()
        elif operator in ("T", "R"):
            inside = self.reaching(operator)
        else:
            inside = self.state()
        self.expect("]", "after what is asked about")
        return Property(operator, inside, reward, threshold)

    def reward(self) -> str | None:
        """The name of rewards, if there is one."""
        if not self.took("{"):
            return None
        if self.next.kind != "label":
            raise self.refusal("rewards must be named in quotes", 'write R{"name"}')
        name = self.take().text[1:-1]
        self.expect("}", "after the name of rewards")
        return name

    def threshold(self, operator: str) -> Threshold | None:
        """What the answer is compared with; None for =?."""
        if self.took("=?"):
            return None
        if self.next.text not in ("<", "<=", ">", ">="):
            raise InvalidInput(
                f"{operator} must be followed by =? or by <, <=, > or >= and a number, got "
                f"{quoted(self.next.text)} at character {self.next.place}; {SUPPORTED}"
            )
        relation = self.take().text
        number = exact(self.next.text)
        if number is None or (number > 1 and operator not in ("T", "R")):
            most = "" if operator in ("T", "R") else " and at most 1"
            raise InvalidInput(
                f"a threshold of {operator} must be a number of at least 0{most}, got {quoted(self.next.text)} at "
                f"character {self.next.place}; write it like 0.25, 2.5e-1 or 1/4"
            )
        return Threshold(relation, self.take().text)

    def path(self) -> Until | Always:
        """F, G or U."""
        if self.took("F"):
            steps = self.bound("F")
            return Until(Truth(True), self.state(), steps)
        if self.took("G"):
            return self.always()
        if self.next.text == "X":
            raise self.refusal("", "")
        left = self.state()
        if self.next.text == "R":
            raise self.unsupported("R (release)", ONE_PATH)
        if not self.took("U"):
            raise self.refusal("a path must begin with F or G, or have a U", 'write F "label", or "a" U "b"')
        steps = self.bound("U")
        return Until(left, self.state(), steps)

    def always(self) -> Always:
        """What follows G."""
        begun = self.next
        steps = self.bound("G")
        if steps.first:
            raise InvalidInput(
                f"G must hold from step 0 on, got a bound from {steps.first} at character {begun.place}; write G<=n"
            )
        return Always(self.state(), steps)

    def reaching(self, operator: str) -> Until:
        """What a time or a reward is until: F without a bound."""
        if self.next.text in ("S", "LRA"):
            raise self.unsupported(
                f"{operator} [{self.next.text}] (rewards in the long run)", 'ask for LRA=? ["label"]'
            )
        if not self.took("F"):
            raise self.refusal(f'{operator} must be of F "label"', SUPPORTED)
        if self.next.text in ("<", "<=", "=", ">", ">=", "[", "{"):
            raise self.unsupported(
                f"{operator} [F{self.next.text}..] (within a horizon)", f'ask for {operator}=? [F "label"]'
            )
        return Until(Truth(True), self.state())

    def bound(self, of: str) -> Steps:
        """The steps of F, U or G."""
        if self.next.text in (">", ">="):
            raise self.unsupported(f"{of}{self.next.text} (a bound without an end)", f"write {of}[a,b]")
        if self.next.text == "{":
            raise self.unsupported(f"{of}{{..}} (a bound on rewards)", "bounds are of steps")
        if self.took("<="):
            return Steps(0, self.whole())
        if self.took("="):
            only = self.whole()
            return Steps(only, only)
        if self.took("<"):
            begun, end = self.next, self.whole()
            if end == 0:
                raise InvalidInput(f"a bound must leave a step, got <0 at character {begun.place}; write <=0 for now")
            return Steps(0, end - 1)
        if not self.took("["):
            return EVER
        begun, first = self.next, self.whole()
        self.expect(",", "between the first and the last step")
        last = self.whole()
        self.expect("]", "after the last step")
        if first > last:
            raise InvalidInput(
                f"a bound [a,b] must have a <= b, got [{first},{last}] at character {begun.place}; turn them round"
            )
        return Steps(first, last)

    def whole(self) -> int:
        """A number of steps."""
        if not WHOLE.fullmatch(self.next.text):
            got = quoted(self.next.text) if self.next.text else "its end"
            raise InvalidInput(
                f"a bound must be a whole number of steps of at most 18 digits, got {got} at character "
                f"{self.next.place}; write F<=10 or F[2,10]"
            )
        return int(self.take().text)

    def state(self) -> Formula:
        """A state formula: parts with | between them."""
        parts = [self.conjunction()]
        while self.took("|"):
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self) -> Formula:
        """Parts with & between them."""
        parts = [self.negation()]
        while self.took("&"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negation(self) -> Formula:
        """A part with or without a ! before it."""
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise self.unsupported(f"more than {MOST_NESTED} ! and ( within each other", "give the states a label")
        found = Not(self.negation()) if self.took("!") else self.atom()
        self.depth -= 1
        return found

    def atom(self) -> Formula:
        """A label, a constant or what stands in parentheses."""
        if self.took("("):
            found = self.state()
            self.expect(")", "after what is in parentheses")
            return found
        token = self.next
        if token.kind == "label":
            return Label(self.take().text[1:-1])
        if token.text in ("true", "false"):
            return Truth(self.take().text == "true")
        if token.kind == "word" and (token.text in RESERVED or OPTIMAL.fullmatch(token.text)):
            raise self.unsupported(
                f"{token.text} within a formula", f'{ONE_PATH}; a label of that name stands in quotes, "{token.text}"'
            )
        if token.kind != "word":
            raise self.refusal('a state formula must be of labels, such as "red"', "labels stand in quotes")
        return Label(self.take().text)
