"""Proofs about critical points, in the ball arithmetic of python-flint: existence, uniqueness, reality, inertia, loss.

Lemma ``krawczyk`` (docs/landscape.md).  Let F be the gradient system in ``C^p``, Y a matrix, z a point, X the box of
all x whose real and imaginary parts differ from those of z by at most r, and ``q >= |1 - Y J|`` (row-sum norm) for
every J in the enclosure ``F'(X)``.  If ``q <= 1/4`` and ``|Y F(z)| <= r / 2`` (greatest modulus), then F has exactly
one zero in X, it is simple, and it is within ``2 |Y F(z)|`` of z.  If z is real, so is the zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from symverify.exact import Matrix, inertia
from symverify.landscape.instance import Instance, Moments, Units
from symverify.landscape.ranks import enclosed_ranks
from symverify.landscape.track import Array
from symverify.loss import hessian, weights_of
from symverify.network import LinearNetwork

PRECISIONS = (128, 256, 512)
Ball = Any
"""``flint.arb`` or ``flint.acb``: python-flint has no types worth checking."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A simple zero of the gradient system of ``N_q``, the only one near ``balls``.

    ``balls`` are complex balls over the weights of the sub-network; ``real``: proved real, or proved not real;
    ``marks`` are balls of two quantities that sign changes of units leave alone.
    """

    balls: tuple[Ball, ...]
    real: bool
    marks: tuple[Ball, ...]


@dataclass(frozen=True, slots=True)
class RealPoint:
    """A real critical point of the whole network, one of an orbit of ``orbit`` under sign changes of its live units.

    ``weights`` are over ``network.edges``, ``loss`` contains the loss, both as ``(low, high)``; ``inertia`` is that of
    the Hessian in all weights, ``(n+, n0, n-)``, or None where ball arithmetic did not decide; ``ranks`` are those of
    partial products and of the residual (:func:`symverify.landscape.ranks.enclosed_ranks`).
    """

    live: Units
    orbit: int
    weights: tuple[tuple[Fraction, Fraction], ...]
    loss: tuple[Fraction, Fraction]
    inertia: tuple[int, int, int] | None
    ranks: dict[str, int | None] = field(default_factory=dict)

    @property
    def isolated(self) -> bool:
        """The Hessian is proved nonsingular: simple, and no other critical point near."""
        return self.inertia is not None and self.inertia[1] == 0


class Gradient:
    """The gradient system and its derivative in balls; any depth.

    ``F = B' (M G - C) F_{l-1}' + 2 lambda w`` as in :mod:`symverify.loss`.
    """

    def __init__(self, network: LinearNetwork, moments: Moments, ridge: Sequence[Fraction]) -> None:
        self.network = network
        self.gram, self.cross = _matrix(moments.gram), _matrix(moments.cross)
        self.ridge = [_exact(x) for x in ridge]

    def _chains(self, x: Sequence[Ball]) -> tuple[list[Any], list[Any], list[Any]]:
        values = dict(zip(self.network.edges, x, strict=True))
        zero = flint.acb(0)
        layers = [
            flint.acb_mat([[values.get((l, i, j), zero) for j in range(len(row))] for i, row in enumerate(mask)])
            for l, mask in enumerate(self.network.masks)
        ]
        forward, backward = [_identity(self.network.widths[0])], [_identity(self.network.widths[-1])]
        for w in layers:
            forward.append(w * forward[-1])
        for w in reversed(layers):
            backward.insert(0, backward[0] * w)
        return layers, forward, backward

    def value(self, x: Sequence[Ball]) -> list[Ball]:
        """F(x), over the edges."""
        _, forward, backward = self._chains(x)
        rest = forward[-1] * self.gram - self.cross
        parts = [backward[l + 1].transpose() * rest * forward[l].transpose() for l in range(self.network.depth)]
        edges = zip(self.network.edges, self.ridge, x, strict=True)
        return [parts[l][i, j] + 2 * ridge * w for (l, i, j), ridge, w in edges]

    def derivative(self, x: Sequence[Ball]) -> Any:
        """F'(x): the Hessian, ``p x p``."""
        layers, forward, backward = self._chains(x)
        rest = forward[-1] * self.gram - self.cross
        blocks = {}
        for l in range(self.network.depth):
            after, between = backward[l + 1].transpose(), _identity(self.network.widths[l])
            for m in range(l, -1, -1):
                below = forward[m].transpose()
                blocks[l, m] = (after * backward[m + 1], forward[l] * self.gram * below, after * rest * below, between)
                if m < l:
                    between = between * layers[m]
        p = self.network.parameters
        result = flint.acb_mat(p, p)
        for e, (l, i, j) in enumerate(self.network.edges):
            for f, (m, a, b) in enumerate(self.network.edges[: e + 1]):
                outer, inner, mixed, between = blocks[l, m]
                entry = outer[i, a] * inner[j, b]
                if l > m:
                    entry += mixed[i, b] * between[j, a]
                if e == f:
                    entry += 2 * self.ridge[e]
                result[e, f] = result[f, e] = entry
        return result

    def loss(self, x: Sequence[Ball], constant: Fraction) -> Ball:
        """``1/2 tr(M G M') - tr(M C') + c0 + sum lambda w^2``, a complex ball."""
        m = self._chains(x)[1][-1]
        half = m * self.gram
        rows, columns = range(m.nrows()), range(m.ncols())
        total = _exact(constant)
        for o in rows:
            for j in columns:
                total += m[o, j] * (half[o, j] / 2 - self.cross[o, j])
        return total + sum((r * w * w for r, w in zip(self.ridge, x, strict=True)), flint.acb(0))


def enclose(instance: Instance, live: Units, x: Array) -> Enclosure | None:
    """A proof of a zero of ``N_q`` near the floats ``x``, with exactly the units of ``live`` live; None: no proof.

    None proves nothing: the zero may be multiple, the floats may be bad, or a unit of ``live`` dead there.
    """
    network = instance.subnetwork(live)
    ridge = [instance.ridge[n] for n in instance.edges_of(live)]
    if not np.isfinite(x).all():
        return None
    for precision in PRECISIONS:
        with flint.ctx.workprec(precision):
            gradient = Gradient(network, instance.moments, ridge)
            found = _krawczyk(gradient, x, precision)
            if found is None:
                continue
            balls, real = found
            if not _all_live(network, live, balls):
                return None
            return Enclosure(balls, real, _marks(gradient, balls))
    return None


def _krawczyk(gradient: Gradient, x: Array, precision: int) -> tuple[tuple[Ball, ...], bool] | None:
    """Lemma ``krawczyk`` about a refined ``x``: balls of the zero, and whether it is real (both proved)."""
    radius = flint.arb(2) ** (-precision // 3)
    points = [[flint.acb(float(v.real), float(v.imag)) for v in x]]
    if float(np.abs(x.imag).max(initial=0.0)) < 1e-6 * (1 + float(np.abs(x).max(initial=0.0))):
        points.insert(0, [flint.acb(float(v.real)) for v in x])  # perhaps real: then from a real centre
    for real, start in zip((True, False)[-len(points) :], points, strict=True):
        centre, inverse = _refine(gradient, start)
        if inverse is None or (real and not all(v.imag.is_zero() for v in centre)):
            continue
        step = _greatest(inverse * flint.acb_mat([[v] for v in gradient.value(centre)]))
        side = flint.arb(0, radius)
        box = [flint.acb(v.real + side, v.imag + side) for v in centre]
        defect = _row_sum(_identity(len(box)) - inverse * gradient.derivative(box))
        if not (defect <= flint.arb(1) / 4 and step <= radius / 2):
            continue
        near = flint.arb(0, (2 * step).upper())
        if real:
            return tuple(flint.acb(v.real + near, 0) for v in centre), True
        balls = tuple(flint.acb(v.real + near, v.imag + near) for v in centre)
        if any(not v.imag.contains(0) for v in balls):
            return balls, False
    return None


def _refine(gradient: Gradient, x: list[Ball]) -> tuple[list[Ball], Any]:
    """Newton's method on midpoints, and the inverse of the derivative there as an exact matrix (None: singular)."""
    inverse: Any = None
    enough = flint.arb(2) ** (-flint.ctx.prec // 3)
    try:
        for _ in range(6):
            inverse = gradient.derivative(x).inv().mid()
            change = (inverse * flint.acb_mat([[v] for v in gradient.value(x)])).entries()
            x = [(v - c).mid() for v, c in zip(x, change, strict=True)]
            if all(abs(c) < enough for c in change):  # the next step would be about its square
                break
    except ZeroDivisionError:
        return x, None
    finite = all(v.is_finite() for v in [*x, *inverse.entries()])
    return x, inverse if finite else None


def _all_live(network: LinearNetwork, live: Units, balls: Sequence[Ball]) -> bool:
    """Every unit of ``live`` has a weight that is not zero; then, at a critical point, it is live (lemma strata)."""
    touched = set()
    for (l, i, j), ball in zip(network.edges, balls, strict=True):
        if not ball.contains(0):
            touched |= {(l, j), (l + 1, i)}
    return live <= touched


def _marks(gradient: Gradient, balls: Sequence[Ball]) -> tuple[Ball, ...]:
    """Two polynomials that sign changes of units leave alone: sums of squares, and of entries of a product like M."""
    coloured = [b * (3 + (7 * n * n + 5 * n) % 11) for n, b in enumerate(balls)]
    product = gradient._chains(coloured)[1][-1].entries()
    marks = []
    for a, c in ((2, 3), (5, 7)):
        squares = sum(((1 + (a * n * n + c * n) % 23) * b * b for n, b in enumerate(balls)), flint.acb(0))
        marks.append(squares + sum(((1 + (c * n) % 13) * m for n, m in enumerate(product)), flint.acb(0)))
    return tuple(marks)


def distinct_orbits(found: Sequence[Enclosure]) -> list[Enclosure]:
    """Those that are proved to lie in different sign orbits; of two that may be the same, the first."""
    kept: list[Enclosure] = []
    for point in found:
        if all(any(not a.overlaps(b) for a, b in zip(point.marks, k.marks, strict=True)) for k in kept):
            kept.append(point)
    return kept


def real_point(instance: Instance, live: Units, point: Enclosure) -> RealPoint:
    """Weights, loss and inertia of a real enclosure, in the whole network."""
    if not point.real:
        raise ValueError("real_point: the point is not real")
    with flint.ctx.workprec(max(PRECISIONS)):
        gradient = Gradient(instance.network, instance.moments, instance.ridge)
        x = [flint.acb(0)] * instance.network.parameters
        for n, ball in zip(instance.edges_of(live), point.balls, strict=True):
            x[n] = ball
        loss = gradient.loss(x, instance.data.constant).real
        signs = _inertia([[v.real for v in row] for row in gradient.derivative(x).tolist()])
        weights = tuple(bounds(v.real) for v in x)
        ranks = enclosed_ranks(instance.network, instance.moments, [v.real for v in x])
        return RealPoint(live, 2 ** len(live), weights, bounds(loss), signs, ranks)


def nonsingular(instance: Instance, live: Units, point: Enclosure) -> bool:
    """The Hessian in all weights of the whole network is proved nonsingular at the point: it is simple there."""
    with flint.ctx.workprec(max(PRECISIONS)):
        gradient = Gradient(instance.network, instance.moments, instance.ridge)
        x = [flint.acb(0)] * instance.network.parameters
        for n, ball in zip(instance.edges_of(live), point.balls, strict=True):
            x[n] = ball
        try:
            gradient.derivative(x).inv()
        except ZeroDivisionError:
            return False
        return True


def origin(instance: Instance) -> RealPoint:
    """The critical point w = 0, exactly."""
    network, zero = instance.network, Fraction(0)
    matrix = [list(row) for row in hessian(network, weights_of(network, [zero] * network.parameters), instance.data)]
    for n, ridge in enumerate(instance.ridge):
        matrix[n][n] += 2 * ridge
    loss = instance.data.constant
    ranks = enclosed_ranks(network, instance.moments, [flint.arb(0)] * network.parameters)
    return RealPoint(frozenset(), 1, ((zero, zero),) * network.parameters, (loss, loss), inertia(matrix), ranks)


def _inertia(matrix: list[list[Ball]]) -> tuple[int, int, int] | None:
    """Sylvester and Gershgorin: ``V' H V`` with V from floats is nonsingular and nearly diagonal, or None."""
    middle = np.array([[float(v.mid()) for v in row] for row in matrix])
    frame = flint.arb_mat(np.linalg.eigh((middle + middle.T) / 2)[1].tolist())
    turned = (frame.transpose() * flint.arb_mat(matrix) * frame).tolist()
    positive = 0
    for n, row in enumerate(turned):
        others = sum((abs(v) for m, v in enumerate(row) if m != n), flint.arb(0))
        if row[n] > others:
            positive += 1
        elif not row[n] < -others:
            return None
    return positive, 0, len(matrix) - positive


def bounds(ball: Ball, bits: int = 80) -> tuple[Fraction, Fraction]:
    """Rationals ``low <= ball <= high`` with denominators at most ``2^bits``, for the precision that is set.

    >>> bounds(flint.arb(1) / 4)
    (Fraction(1, 4), Fraction(1, 4))
    """
    low, high = (_fraction(end) * 2**bits for end in (ball.lower(), ball.upper()))
    return Fraction(low.__floor__(), 2**bits), Fraction(high.__ceil__(), 2**bits)


def _fraction(exact: Ball) -> Fraction:
    mantissa, exponent = exact.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _exact(x: Fraction) -> Ball:
    return flint.acb(flint.fmpq(x.numerator, x.denominator))


def _matrix(rows: Matrix) -> Any:
    return flint.acb_mat([[_exact(x) for x in row] for row in rows])


def _identity(n: int) -> Any:
    return flint.acb_mat([[int(i == j) for j in range(n)] for i in range(n)])


def _greatest(column: Any) -> Ball:
    """The greatest modulus, as an upper bound."""
    return max((abs(v).upper() for v in column.entries()), key=_fraction)


def _row_sum(matrix: Any) -> Ball:
    """An upper bound of the greatest row sum of moduli."""
    sums = (sum((abs(v).upper() for v in row), flint.arb(0)).upper() for row in matrix.tolist())
    return max(sums, key=_fraction)
