"""Which share of the runs ended at which minimum: matching by loss, and confidence intervals.

An *end* is either a certified minimum (its loss lies in a proved interval), or a cluster of final losses, which is only
*observed*, or one of the outcomes that are no minimum at all (infinity, saddle, stopped).  Every run belongs to exactly
one end, so the shares of each initialisation sum to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import mpmath
import numpy as np

from symverify.flow.simulate import Outcome
from symverify.loss import Floats

CONFIDENCE = 0.95
SAME_LOSS = 1e-6
"""Final losses that differ by less than this, in units of the part of c0 that can be explained, are the same."""
SAME_PRODUCT = 1e-4
"""So much, relative to 1 + |M|, may M differ at the end of a run from M at a certified minimum."""


@dataclass(frozen=True, slots=True)
class Known:
    """A local minimum whose loss is proved to lie in ``[low, high]``, and M there (approximately, for a ball)."""

    name: str
    low: Fraction
    high: Fraction
    product: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """An end: ``kind`` is ``certified``, ``observed`` (a cluster of final losses) or an outcome that is no minimum.

    ``low``, ``high``: the least and the largest final loss of its runs (NaN without runs).  ``same_product``: how many
    of the runs at a certified minimum also have its M; the others are other minima of the same loss, as far as seen.
    """

    name: str
    kind: str
    count: int
    low: float
    high: float
    same_product: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``total`` runs, and the 95% confidence interval of Clopper and Pearson for the probability."""

    count: int
    total: int

    @property
    def value(self) -> float:
        return self.count / self.total

    @property
    def interval(self) -> tuple[float, float]:
        return clopper_pearson(self.count, self.total)


def clopper_pearson(count: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact confidence interval for a probability after ``count`` successes in ``total`` independent trials.

    ``low`` solves ``P(X >= count; low) = (1 - confidence) / 2`` and ``high`` solves ``P(X <= count; high) = (1 -
    confidence) / 2``, X binomial (Clopper and Pearson 1934).  The coverage is at least the confidence for every true
    probability; the price is that the interval is wider than the approximate ones (Wilson).  The tails are incomplete
    beta functions (mpmath), inverted by bisection.

    Raises:
        ValueError: not ``0 <= count <= total``, ``total >= 1``, ``0 < confidence < 1``.

    >>> low, high = clopper_pearson(0, 100)
    >>> low, round(high, 6)
    (0.0, 0.036217)
    """
    if not (0 <= count <= total and total >= 1 and 0 < confidence < 1):
        raise ValueError(f"{count} of {total} at confidence {confidence}: no such observation")
    tail = (1 - confidence) / 2

    def at_least(k: int, x: float) -> float:
        return float(mpmath.betainc(k, total - k + 1, 0, x, regularized=True))

    low = 0.0 if count == 0 else _root(lambda x: at_least(count, x) - tail)
    high = 1.0 if count == total else _root(lambda x: at_least(count + 1, x) - (1 - tail))
    return low, high


def _root(rising: Callable[[float], float]) -> float:
    """The root of an increasing function on [0, 1], to the last digits of a float."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def shares(
    outcomes: Sequence[Outcome], losses: Floats, products: Floats, known: Sequence[Known], unit: float = 1.0
) -> tuple[tuple[Group, ...], tuple[int, ...]]:
    """The ends of all runs, and for each run the number of its end.

    Args:
        losses: final losses (n,); products: M at the ends (n, d_y, d_x); unit: ``1/2 tr(C G^+ C')``, in which losses
            are compared.

    Certified minima come first (with or without runs), then clusters by loss, then the other outcomes.  Two converged
    runs are in one cluster if a chain of final losses with gaps below the tolerance joins them.
    """
    names: list[tuple[str, str]] = [(k.name, "certified") for k in known]
    place = np.full(len(outcomes), -1)
    converged = [n for n, o in enumerate(outcomes) if o is Outcome.CONVERGED]
    for n in converged:
        place[n] = next((k for k, entry in enumerate(known) if _matches(float(losses[n]), entry, unit)), -1)
    rest = sorted((n for n in converged if place[n] < 0), key=lambda n: float(losses[n]))
    last = -np.inf
    for n in rest:
        value = float(losses[n])
        if value - last > _slack(value, unit):
            names.append((f"loss {shown(value, unit)}", "observed"))
        last, place[n] = value, len(names) - 1
    for outcome in (Outcome.INFINITY, Outcome.SADDLE, Outcome.STOPPED):
        found = [n for n, o in enumerate(outcomes) if o is outcome]
        if found:
            names.append((str(outcome), str(outcome)))
            place[found] = len(names) - 1
    groups = []
    for k, (name, kind) in enumerate(names):
        mine = np.flatnonzero(place == k)
        low, high = (float(f(losses[mine])) if len(mine) else float("nan") for f in (np.min, np.max))
        same = int(_same_product(products[mine], known[k]).sum()) if kind == "certified" else None
        groups.append(Group(name, kind, len(mine), low, high, same))
    return tuple(groups), tuple(int(k) for k in place)


def _slack(value: float, unit: float) -> float:
    return SAME_LOSS * unit + 1e-12 * abs(value)


def _matches(value: float, known: Known, unit: float) -> bool:
    slack = _slack(value, unit)
    return float(known.low) - slack <= value <= float(known.high) + slack


def _same_product(products: Floats, known: Known) -> Floats:
    target = np.array(known.product)
    size = 1 + float(np.linalg.norm(target))
    return np.asarray(np.linalg.norm(products - target, axis=(1, 2)) <= SAME_PRODUCT * size)


def shown(value: float, unit: float) -> str:
    """A loss for the eye: rounding noise around zero is zero."""
    return f"{0.0 if abs(value) < 1e-9 * unit else value:.6g}"
