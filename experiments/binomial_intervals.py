"""What k of n samples say of a probability: three intervals of 95 %, and how often each really holds.

How often is no simulation: the law of k is known where p is, so the coverage is the sum of

    P(K = k) = C(n, k) p**k (1 - p)**(n - k)    over the k whose interval holds p

in fifty digits, each term from the one before. Which k those are needs no interval: with m = n p

    normal            (k - m)**2 <= z**2 k (n - k) / n
    Wilson            (k - m)**2 <= z**2 m (1 - p)
    Clopper-Pearson   P(K >= k) >= 2.5 % and P(K <= k) >= 2.5 %

Source: L. D. Brown, T. T. Cai, A. DasGupta, Interval estimation for a binomial proportion, Statistical Science 16
(2001) 101-133.
"""

import math
from collections.abc import Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

from scipy.special import betaincinv

from markovgpt.errors import InvalidInput

Z = Decimal("1.959963984540054")  # P(|N(0, 1)| <= Z) is 95 %
TAIL = Decimal("0.025")
KINDS = ("normal", "Wilson", "Clopper-Pearson")
FIFTY = Context(prec=50, Emin=MIN_EMIN, Emax=MAX_EMAX)
NEGLIGIBLE = Decimal("1e-45")
DIGITS = 5


def intervals(seen: int, samples: int) -> dict[str, tuple[float, float]]:
    """The three intervals of 95 % after seeing k of n, cut at 0 and 1.

    >>> {kind: f"{low:.3g} {high:.3g}" for kind, (low, high) in intervals(0, 1000).items()}
    {'normal': '0 0', 'Wilson': '0 0.00383', 'Clopper-Pearson': '0 0.00368'}
    """
    z, n, share = float(Z), samples, seen / samples
    reach = z * math.sqrt(share * (1 - share) / n)
    middle = (seen + z * z / 2) / (n + z * z)
    half = z * math.sqrt(n) / (n + z * z) * math.sqrt(share * (1 - share) + z * z / (4 * n))
    low = 0.0 if seen == 0 else float(betaincinv(seen, n - seen + 1, 0.025))
    high = 1.0 if seen == n else float(betaincinv(seen + 1, n - seen, 0.975))
    exact = {  # at 0 and n the ends of Wilson's are 0 and 1, which its formula misses by a rounding
        "normal": (share - reach, share + reach),
        "Wilson": (0.0 if seen == 0 else middle - half, 1.0 if seen == n else middle + half),
        "Clopper-Pearson": (low, high),
    }
    return {kind: (max(0.0, first), min(1.0, last)) for kind, (first, last) in exact.items()}


def coverage(chance: Decimal, samples: int) -> dict[str, tuple[Decimal, Decimal]]:
    """Of each kind of interval the probability to hold p, and to miss it; both as sums, to forty digits.

    Parameters
    ----------
    chance: p, above 0 and below 1; the cost grows as n p.

    Raises
    ------
    InvalidInput: p outside its range.

    >>> held, missed = coverage(Decimal("0.5"), 1)["Wilson"]            # both k = 0 and k = 1 hold 1/2
    >>> float(held), float(missed)
    (1.0, 0.0)
    """
    if not 0 < chance < 1:
        raise InvalidInput(f"chance must lie between 0 and 1, got {chance}; what is sure needs no interval")
    with localcontext(FIFTY):
        law = _law(chance, samples)
        inside = _held(chance, samples, law)
        return {
            kind: (
                sum((p for p, inner in zip(law, flags, strict=True) if inner), Decimal(0)),
                sum((p for p, inner in zip(law, flags, strict=True) if not inner), Decimal(0)),
            )
            for kind, flags in inside.items()
        }


def _law(chance: Decimal, samples: int) -> list[Decimal]:
    """P(K = k) for k = 0, 1, .. until what is left is negligible."""
    odds = chance / (1 - chance)
    found, mean = [((1 - chance).ln() * samples).exp()], chance * samples
    while len(found) <= samples and (len(found) <= mean + 2 or found[-1] > NEGLIGIBLE):
        k = len(found)
        found.append(found[-1] * (samples - k + 1) / k * odds)
    return found


def _held(chance: Decimal, samples: int, law: Sequence[Decimal]) -> dict[str, list[bool]]:
    """Of each k whether the interval holds p."""
    mean, squared = chance * samples, Z * Z
    limit = squared * mean * (1 - chance)
    apart = [(k - mean) ** 2 for k in range(len(law))]
    below, above = _sums(law), _sums(law[::-1])[::-1]
    return {
        "normal": [d <= squared * k * (samples - k) / samples for k, d in enumerate(apart)],
        "Wilson": [d <= limit for d in apart],
        "Clopper-Pearson": [min(pair) >= TAIL for pair in zip(below, above, strict=True)],
    }


def _sums(terms: Sequence[Decimal]) -> list[Decimal]:
    """The sums of the first 1, 2, .. terms."""
    found, so_far = [], Decimal(0)
    for term in terms:
        so_far += term
        found.append(so_far)
    return found


def shown_coverage(ends: Sequence[tuple[Decimal, Decimal]]) -> str:
    """Coverages (held, missed) at both bounds of p in the digits on which they agree; next to 1, by what is missing.

    >>> shown_coverage([(Decimal("0.951234"), Decimal("0.048766")), (Decimal("0.951239"), Decimal("0.048761"))])
    '0.9512'
    >>> shown_coverage([(1 - Decimal("1e-24"), Decimal("1e-24"))])
    '1 - 1.0000e-24'
    """
    nearly = all(missed < Decimal("1e-4") for _, missed in ends)
    numbers = [missed if nearly else held for held, missed in ends]
    for digits in range(DIGITS, 0, -1):
        written = {_digits(number, digits) for number in numbers}
        if len(written) == 1:
            return ("1 - " if nearly else "") + written.pop()
    return "from " + " to ".join(_digits(number, 2) for number in sorted(numbers))


def _digits(number: Decimal, digits: int) -> str:
    """A number in significant digits, small ones with an exponent."""
    if number < Decimal("1e-3"):
        return f"{number:.{digits - 1}e}"
    return f"{number:.{max(digits - 1 - number.adjusted(), 0)}f}"
