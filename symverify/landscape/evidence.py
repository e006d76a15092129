"""Certificates of critical points: from floats or an enclosure to what ``point_checker.py`` accepts.

Nothing here is trusted: each certificate goes to the checker before it is returned.  An exactly critical rational point
is looked for first; else the centre is polished by Newton's method, and a box is put about it (lemma ``box``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from symverify import point_checker
from symverify.certificate import encode
from symverify.data import Data
from symverify.exact import Matrix, Vector, inertia
from symverify.landscape.curves import falling_curves, falling_lines
from symverify.landscape.symmetry import regularised_fields
from symverify.loss import Floats, gradient, hessian, loss, weights_of
from symverify.network import LinearNetwork
from symverify.point_certificate import (
    Box,
    CriticalPoint,
    Exact,
    HigherSaddle,
    Least,
    Nature,
    Saddle,
    Semidefinite,
    StrictMinimum,
)

BITS = 128
"""Of the centre of a box."""
RADII = tuple(Fraction(1, 2**k) for k in (12, 20, 32, 48))
DENOMINATORS = (1, 2, 12, 60, 1000, 10**6)
LOSS_BITS = 80
Position = float | Fraction | tuple[Fraction, Fraction]
"""A weight: about, exactly, or between two bounds."""


@dataclass(frozen=True, slots=True)
class Objective:
    """``L + sum ridge_e w_e^2`` and its derivatives over ``network.edges``, exactly."""

    network: LinearNetwork
    data: Data
    ridge: Vector

    def loss(self, x: Sequence[Fraction]) -> Fraction:
        penalty = sum((r * w * w for r, w in zip(self.ridge, x, strict=True)), Fraction(0))
        return loss(self.network, weights_of(self.network, x), self.data) + penalty

    def gradient(self, x: Sequence[Fraction]) -> Vector:
        plain = gradient(self.network, weights_of(self.network, x), self.data)
        return tuple(g + 2 * r * w for g, r, w in zip(plain, self.ridge, x, strict=True))

    def hessian(self, x: Sequence[Fraction]) -> list[list[Fraction]]:
        matrix = [list(row) for row in hessian(self.network, weights_of(self.network, x), self.data)]
        for n, r in enumerate(self.ridge):
            matrix[n][n] += 2 * r
        return matrix

    def certificate(self, x: Sequence[Fraction], existence: Exact | Box, nature: Nature) -> CriticalPoint:
        """With the exact loss and inertia at ``x``; those of a box are put in by the caller."""
        here = self.loss(x)
        point = weights_of(self.network, x)
        signs = inertia(self.hessian(x)) if isinstance(existence, Exact) else (0, 0, 0)
        return CriticalPoint(self.network, self.data, self.ridge, point, existence, nature, (here, here), signs)


def critical_point_certificate(
    network: LinearNetwork,
    data: Data,
    ridge: Vector | None,
    weights: Sequence[Position],
    nature: str | None = None,
) -> CriticalPoint | None:
    """A certificate of the critical point at or near ``weights`` that the checker accepts.

    Args:
        network, data: any depth and masks; numbers for data.
        ridge: the ``lambda_e >= 0`` over ``network.edges``; None: no regularisation.
        weights: over ``network.edges``: floats, rationals, or bounds ``(low, high)``.
        nature: the tag of the nature wanted (``strict-minimum``, ``saddle``, ``higher-saddle``, ``least``,
            ``semidefinite``); None: the first that is accepted, in the order least, strict-minimum, saddle,
            higher-saddle, semidefinite.

    Returns:
        None if nothing was found, which proves nothing: the point may be none, or irrational on a family of critical
        points beyond the symmetries, or have another nature.  Where the point lies on a family, or on an orbit of the
        symmetries, the one certified may be another one of it, near by.

    Raises:
        ValueError: numbers of weights or of ``ridge`` that do not fit, weights that are not finite, a negative
            ``lambda_e``, an unknown nature.

    Example:
        >>> network, data = LinearNetwork.dense(1, 1, 1), Data.whitened([[3]])
        >>> half = (Fraction(1, 2),) * 2
        >>> found = critical_point_certificate(network, data, half, [2**0.5, 2**0.5])
        >>> found.nature, round(float(found.loss[0]), 6), found.loss[0] < Fraction(5, 2) < found.loss[1]
        (StrictMinimum(), 2.5, True)
        >>> critical_point_certificate(network, data, half, [0.0, 0.0]).nature
        Saddle()
    """
    ridge = (Fraction(0),) * network.parameters if ridge is None else ridge
    for name, numbers in (("ridge", ridge), ("weights", weights)):
        if len(numbers) != network.parameters:
            raise ValueError(f"{name}: {len(numbers)} numbers for {network.parameters} free weights")
    _check_values(ridge, weights, nature)
    problem = Objective(network, data, ridge)
    for x in _rational_candidates(weights):
        if not any(problem.gradient(x)):
            return _exact(problem, x, nature)
    return _enclosed(problem, weights, nature) or _on_a_family(problem, weights, nature)


def _check_values(ridge: Vector, weights: Sequence[Position], nature: str | None) -> None:
    for n, x in enumerate(ridge):
        if x < 0:
            raise ValueError(f"ridge[{n}]: {x}; a number from 0 on is expected")
    for n, w in enumerate(weights):
        if not all(math.isfinite(end) for end in (w if isinstance(w, tuple) else (w,))):
            raise ValueError(f"weights[{n}]: {w} is not finite")
        if isinstance(w, tuple) and w[0] > w[1]:
            raise ValueError(f"weights[{n}]: the lower bound exceeds the upper one")
    if nature is not None and nature not in point_checker.NATURES:
        raise ValueError(f"nature: {nature!r} is not known; choose from {', '.join(point_checker.NATURES)}")


def accepted(certificate: CriticalPoint) -> bool:
    """Whether the checker accepts it."""
    return bool(point_checker.check_bytes(encode(certificate))[0] == "valid")


# -- exact points -----------------------------------------------------------------------------------------


def _exact(problem: Objective, x: Vector, wanted: str | None) -> CriticalPoint | None:
    bare = problem.certificate(x, Exact(), Semidefinite())
    for nature in _natures(problem, x, bare.inertia):
        if wanted in (None, nature.to_json()["kind"]):
            certificate = replace(bare, nature=nature)
            if accepted(certificate):
                return certificate
    return None


def _natures(problem: Objective, x: Vector, signs: tuple[int, int, int]) -> Iterator[Nature]:
    """What may be true of an exactly critical point, the strongest first."""
    if signs[2]:
        yield Saddle()
    else:
        yield Least()
        yield StrictMinimum()
    for curve in falling_curves(problem, x, 2 * problem.network.depth - 1):
        yield HigherSaddle(tuple(weights_of(problem.network, d) for d in curve))
    yield Semidefinite()


def _rational_candidates(weights: Sequence[Position]) -> Iterator[Vector]:
    """The simplest rationals between the bounds; for floats, those near of small denominator."""
    if all(isinstance(w, tuple) for w in weights):
        yield tuple(simplest(*w) for w in weights if isinstance(w, tuple))
        return
    middle = [_middle(w) for w in weights]
    for largest in DENOMINATORS:
        x = tuple(m.limit_denominator(largest) for m in middle)
        if all(abs(m - r) <= (1 + abs(m)) / 10**7 for m, r in zip(middle, x, strict=True)):
            yield x


def _middle(w: Position) -> Fraction:
    return (w[0] + w[1]) / 2 if isinstance(w, tuple) else Fraction(w)


def _reach(w: Position) -> Fraction:
    """How far from its start Newton's method may end."""
    if isinstance(w, tuple):
        return w[1] - w[0] + Fraction(1, 2**30)
    return (1 + abs(Fraction(w))) / 10**4


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The rational of least denominator in ``[low, high]`` (continued fractions).

    >>> simplest(Fraction(314, 100), Fraction(315, 100)), simplest(Fraction(-1, 9), Fraction(1, 7))
    (Fraction(22, 7), Fraction(0, 1))
    """
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest(-high, -low)
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    return whole - 1 + 1 / simplest(1 / (high - whole + 1), 1 / (low - whole + 1))


# -- boxes ------------------------------------------------------------------------------------------------


def _enclosed(problem: Objective, weights: Sequence[Position], wanted: str | None) -> CriticalPoint | None:
    """First with all weights; then without those that are zero and off the paths of the others (``zero-part``)."""
    for zero in dict.fromkeys((frozenset[int](), zero_part(problem.network, weights))):
        certificate = _around(problem, weights, zero, wanted)
        if certificate is not None:
            return certificate
    return None


def zero_part(network: LinearNetwork, weights: Sequence[Position]) -> frozenset[int]:
    """The greatest set of weights that may be zero, each of which, without the set, starts or ends off all paths.

    >>> sorted(zero_part(LinearNetwork.dense(1, 2, 1), [1.0, 0.0, 2.0, 0.0]))
    [1, 3]
    """
    zero = {n for n, w in enumerate(weights) if (w[0] <= 0 <= w[1] if isinstance(w, tuple) else abs(float(w)) < 1e-9)}
    while True:
        rest = _without(network, zero)
        closing = set()
        for n in zero:
            l, i, j = network.edges[n]
            if rest.inputs_of(l, j) and rest.outputs_of(l + 1, i):
                closing.add(n)
        if not closing:
            return frozenset(zero)
        zero -= closing


def _without(network: LinearNetwork, positions: Collection[int]) -> LinearNetwork:
    gone = {network.edges[n] for n in positions}
    return LinearNetwork(
        tuple(
            tuple(tuple(int(x and (l, i, j) not in gone) for j, x in enumerate(row)) for i, row in enumerate(mask))
            for l, mask in enumerate(network.masks)
        )
    )


def _around(
    whole: Objective, weights: Sequence[Position], zero: frozenset[int], wanted: str | None
) -> CriticalPoint | None:
    """A certificate with this zero part; the search is in the network of the other weights."""
    kept = [n for n in range(len(weights)) if n not in zero]
    network = _without(whole.network, zero)
    problem = Objective(network, whole.data, tuple(whole.ridge[n] for n in kept))
    inner = [weights[n] for n in kept]
    frozen = frozen_positions(network, whole.data, problem.ridge, inner)
    free = [n for n in range(len(inner)) if n not in frozen]
    start = [_middle(w) for w in inner]
    for n in frozen:
        w = inner[n]
        start[n] = simplest(*w) if isinstance(w, tuple) else Fraction(round(start[n] * 2**20), 2**20)
    polished = polish(problem, start, free)
    if polished is None:
        return None
    centre, inverse = polished
    if any(abs(c - _middle(w)) > _reach(w) for c, w in zip(centre, inner, strict=True)):
        return None  # another critical point

    def extended(values: Sequence[Fraction]) -> Vector:
        vector = [Fraction(0)] * len(weights)
        for n, x in zip(kept, values, strict=True):
            vector[n] = x
        return tuple(vector)

    rounded = extended(nearby(centre))
    if not any(whole.gradient(rounded)):
        return _exact(whole, rounded, wanted)
    reduced = _Reduced.make(problem, centre, free, inverse)
    if reduced is None:
        return None
    edges = whole.network.edges
    fixed, off = frozenset(network.edges[n] for n in frozen), frozenset(edges[n] for n in zero)
    for nature in _natures_in_box(whole, extended(centre), zero, reduced.signs[2]):
        if wanted not in (None, nature.to_json()["kind"]):
            continue
        for radius in (r for r in RADII if 2 * reduced.step <= r):
            box = Box(fixed, radius, reduced.inverse, off)
            certificate = whole.certificate(extended(centre), box, nature)
            signs = reduced.signs[0], len(frozen), reduced.signs[2]
            certificate = replace(certificate, loss=reduced.bounds, inertia=signs)
            if accepted(certificate):
                return certificate
    return None


def _natures_in_box(problem: Objective, centre: Vector, zero: Collection[int], negative: int) -> Iterator[Nature]:
    if negative:
        yield Saddle()
    elif not zero:
        yield StrictMinimum()
    else:
        for line in falling_lines(problem, problem.network, centre, zero):
            yield HigherSaddle((weights_of(problem.network, line),))


def frozen_positions(network: LinearNetwork, data: Data, ridge: Vector, weights: Sequence[Position]) -> frozenset[int]:
    """Weights on which the symmetries, restricted, are invertible: well conditioned in floats."""
    centre = weights_of(network, [_middle(w).limit_denominator(2**30) for w in weights])
    fields = [[float(x) for x in field] for field in regularised_fields(network, centre, data, ridge)]
    return _independent_columns(np.array(fields).reshape(-1, network.parameters))


def _independent_columns(rows: Floats) -> frozenset[int]:
    """Columns on which the rows, up to their rank, stay independent: the best conditioned (QR with pivoting)."""
    chosen: list[int] = []
    while rows.size and len(chosen) < rows.shape[1]:
        sizes = np.linalg.norm(rows, axis=0)
        best = int(np.argmax(sizes))
        if sizes[best] < 1e-5:
            break
        chosen.append(best)
        unit = rows[:, best] / sizes[best]
        rows = rows - np.outer(unit, unit @ rows)
    return frozenset(chosen)


def _on_a_family(problem: Objective, weights: Sequence[Position], wanted: str | None) -> CriticalPoint | None:
    """A rational point near by, on a family of critical points: coordinates along the kernel of H are rounded."""
    start = [_middle(w) for w in weights]
    spectrum, vectors = np.linalg.eigh(np.array(problem.hessian(start), dtype=float))
    scale = 1e-6 * (1 + float(np.abs(spectrum).max(initial=0.0)))
    along = _independent_columns(np.asarray(vectors[:, np.abs(spectrum) < scale].T))
    for grain in (2**6, 2**12):
        x = [Fraction(round(m * grain), grain) if n in along else m for n, m in enumerate(start)]
        polished = polish(problem, x, [n for n in range(len(x)) if n not in along])
        if polished is None or any(abs(a - b) > (1 + abs(b)) / 20 for a, b in zip(polished[0], start, strict=True)):
            continue
        rounded = nearby(polished[0])
        if not any(problem.gradient(rounded)):
            return _exact(problem, rounded, wanted)
    return None


def nearby(x: Sequence[Fraction]) -> Vector:
    """The simplest rationals that :func:`polish` cannot tell from ``x``."""
    tolerance = Fraction(1, 2 ** (BITS - 24))
    return tuple(simplest(w - tolerance, w + tolerance) for w in x)


def polish(problem: Objective, start: Sequence[Fraction], free: Sequence[int]) -> tuple[list[Fraction], Any] | None:
    """Newton's method over the ``free`` weights to :data:`BITS` bits, and the inverse of the Hessian there.

    None: it does not converge, or the Hessian is singular.
    """
    x = list(start)
    for _ in range(12):
        matrix = problem.hessian(x)
        slope = problem.gradient(x)
        with flint.ctx.workprec(3 * BITS):
            try:
                inverse = flint.arb_mat(len(free), len(free), [_ball(matrix[m][n]) for m in free for n in free]).inv()
            except ZeroDivisionError:
                return None
            step = (inverse * flint.arb_mat(len(free), 1, [_ball(slope[n]) for n in free])).entries()
            if not all(s.is_finite() for s in step):
                return None
            largest = max((abs(float(s.mid())) for s in step), default=0.0)
            if largest > 1e3:
                return None
            for n, s in zip(free, step, strict=True):
                x[n] = Fraction(round((x[n] - _fraction(s)) * 2**BITS), 2**BITS)
        if largest < 2.0 ** (10 - BITS):
            return x, inverse
    return None


@dataclass(frozen=True)
class _Reduced:
    """What a box needs besides its radius: Y, the size of the last step, bounds of the loss, signs of the Hessian."""

    inverse: Matrix
    step: Fraction
    bounds: tuple[Fraction, Fraction]
    signs: tuple[int, int, int]

    @classmethod
    def make(cls, problem: Objective, centre: Sequence[Fraction], free: Sequence[int], inverse: Any) -> _Reduced | None:
        """None: the Hessian over the free weights is too near to a singular one."""
        matrix, slope = problem.hessian(centre), problem.gradient(centre)
        reduced = [[matrix[m][n] for n in free] for m in free]
        size = max((sum(map(abs, row), Fraction(0)) for row in reduced), default=Fraction(0))
        y = _rounded(inverse, 2 ** (16 + (1 + int(size) * len(free)).bit_length()))
        steps = (sum((a * slope[n] for a, n in zip(row, free, strict=True)), Fraction(0)) for row in y)
        step = max(map(abs, steps), default=Fraction(0))
        signs = inertia([[Fraction(round(x * 2**64)) for x in row] for row in reduced])
        if signs[1]:
            return None
        here, slack = problem.loss(centre), 8 * step**2 * (1 + size) * (1 + len(free))
        return cls(y, step, _outward(here - slack, here + slack), signs)


def _outward(low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    scale = 2**LOSS_BITS
    return Fraction((low * scale).__floor__(), scale), Fraction((high * scale).__ceil__(), scale)


def _rounded(inverse: Any, grain: int) -> Matrix:
    return tuple(tuple(Fraction(round(_fraction(x) * grain), grain) for x in row) for row in inverse.tolist())


def _ball(x: Fraction) -> Any:
    return flint.arb(flint.fmpq(x.numerator, x.denominator))


def _fraction(x: Any) -> Fraction:
    mantissa, exponent = x.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
