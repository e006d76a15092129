"""From a candidate to evidence.  Nothing here is trusted: what is proposed goes to the checker.

For a critical point with positive semidefinite Hessian: the gauge alone (strict), else a fibre of M, else an affine
family of critical points (Theorem A), the cheapest first.  For an approximate critical point: a ball (Theorem B).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import mpmath
import numpy as np

from symverify.certificate import Ball, CriticalFamily, CriticalFibre, Minimum, SpuriousMinimum
from symverify.data import Data
from symverify.exact import Vector, Weights, inertia, nullspace, rank
from symverify.loss import (
    BatchedLoss,
    Floats,
    gradient,
    hessian,
    loss,
    residual,
    symmetry_fields,
    vector_of,
    weights_of,
)
from symverify.network import Edge, LinearNetwork
from symverify.search import Candidate


class SymverifyError(Exception):
    """Base of the errors of the prover."""


class DegenerateCriticalPoint(SymverifyError):
    """A ball certificate was asked for where the Hessian has more kernel than the gauge."""


class InsufficientPrecision(SymverifyError):
    """No radius was found for which the bounds of a ball certificate hold."""


# -- exact critical points --------------------------------------------------------------------------------


def exact_certificates(candidate: Candidate, attempts: int = 4) -> Iterator[SpuriousMinimum]:
    """Certificates that may prove ``candidate.point`` to be a spurious local minimum, the likeliest first.

    Nothing is yielded where the gradient is not zero or the Hessian has a negative eigenvalue.
    """
    network, data, point = candidate.network, candidate.data, candidate.point
    strict = is_strict(network, data, point)
    if strict is None:
        return
    here = loss(network, point, data)
    options: Iterator[Minimum] = iter([CriticalFamily()]) if strict else degenerate_options(candidate, attempts)
    for minimum in options:
        yield SpuriousMinimum(network, data, point, minimum, candidate.better, strict, here, here)


def is_strict(network: LinearNetwork, data: Data, point: Weights) -> bool | None:
    """Whether the gauge is the whole kernel of the Hessian; None unless critical with no negative eigenvalue."""
    if any(gradient(network, point, data)):
        return None
    _, nullity, negative = inertia(hessian(network, point, data))
    return None if negative else rank(symmetry_fields(network, point, data)) == nullity


def degenerate_options(candidate: Candidate, attempts: int) -> Iterator[Minimum]:
    """Fibres along which tr(R' M) stays critical, then affine families of critical points."""
    network, data, point = candidate.network, candidate.data, candidate.point
    seen = set()
    if candidate.free is not None:
        seen.add(candidate.free)
        yield CriticalFibre(candidate.free)
    rng = np.random.default_rng(0)
    for _ in range(attempts):
        free = critical_coordinates(network, data, point, rng)
        if free not in seen:
            seen.add(free)
            yield CriticalFibre(free)
    yield from affine_families(network, data, point)
    from symverify.reductions import reductions  # it uses the options of this module

    yield from reductions(network, data, point)


def affine_families(network: LinearNetwork, data: Data, point: Weights) -> Iterator[CriticalFamily]:
    """The affine family of critical points found by :func:`critical_directions`, if there is one."""
    kernel = nullspace(hessian(network, point, data), network.parameters)
    directions = critical_directions(network, data, point, kernel)
    if directions:
        one = [tuple(int(i == n) for i in range(len(directions))) for n in range(len(directions))]
        yield CriticalFamily(len(directions), tuple(zip(one, directions, strict=True)))


def critical_coordinates(
    network: LinearNetwork, data: Data, point: Weights, rng: np.random.Generator
) -> frozenset[Edge]:
    """A maximal set of edges that may move, in random order, while tr(R' M) keeps zero gradient (floats, random
    values)."""
    model = BatchedLoss(network)
    rest = -np.array([[float(x) for x in row] for row in residual(network, point, data)])
    start = np.array([float(x) for x in vector_of(network, point)])
    nothing = np.zeros((network.widths[0], network.widths[0]))
    noise = rng.normal(size=(3, network.parameters))
    order = sorted(range(network.parameters), key=lambda n: (start[n] == 0, rng.random()))
    free: list[int] = []
    for n in order:
        theta = np.repeat(start[None], 3, axis=0)
        theta[:, [*free, n]] += noise[:, [*free, n]]
        if float(np.abs(model.gradient(theta, nothing, rest)).max()) < 1e-9:
            free.append(n)
    return frozenset(network.edges[n] for n in free)


def critical_directions(network: LinearNetwork, data: Data, point: Weights, kernel: Sequence[Vector]) -> list[Weights]:
    """Directions, out of a basis of ker H, that span an affine space of critical points (tested at a few points)."""
    base = vector_of(network, point)

    def critical_at(directions: Sequence[Vector]) -> bool:
        for shift in (1, -2, 3):
            factors = [shift * (n + 2) % 7 - 3 or 1 for n in range(len(directions))]
            moved = [
                x + sum((f * d[e] for f, d in zip(factors, directions, strict=True)), Fraction(0))
                for e, x in enumerate(base)
            ]
            if any(gradient(network, weights_of(network, moved), data)):
                return False
        return True

    chosen: list[Vector] = []
    for direction in kernel:
        if critical_at([*chosen, direction]):
            chosen.append(direction)
    return [weights_of(network, d) for d in chosen]


# -- approximate critical points --------------------------------------------------------------------------


def ball_certificate(
    network: LinearNetwork, data: Data, theta: Floats, better: Weights, digits: int = 40
) -> SpuriousMinimum:
    """A ball around a polished ``theta`` that holds a local minimum of loss above that of ``better`` (Theorem B).

    Raises:
        DegenerateCriticalPoint: the Hessian at ``theta`` has a kernel larger than the gauge, or a negative eigenvalue.
        InsufficientPrecision: Newton's method did not converge, or no radius works.
    """
    frozen = frozen_coordinates(network, data, theta)
    free = [n for n in range(network.parameters) if n not in frozen]
    centre = polish(network, data, theta, free, digits)
    point = weights_of(network, centre)
    slope = [float(gradient(network, point, data)[n]) for n in free]
    matrix = hessian(network, point, data)
    reduced = np.array([[float(matrix[m][n]) for n in free] for m in free])
    lowest = float(np.linalg.eigvalsh(reduced)[0]) if free else 1.0
    if lowest <= 1e-9 * (1 + float(np.abs(reduced).max(initial=0.0))):
        raise DegenerateCriticalPoint(f"the reduced Hessian has smallest eigenvalue {lowest:.3g}")
    curvature = _binary(lowest / 2)
    norm = float(np.linalg.norm(slope))
    edges = frozenset(network.edges[n] for n in frozen)
    high = loss(network, point, data)
    squared = sum((gradient(network, point, data)[n] ** 2 for n in free), Fraction(0))
    for exponent in (-10, -16, -24, -32):
        radius = Fraction(1, 2**-exponent)
        if norm < float(curvature * radius) / 4 and _spread(network, data, centre, free, radius) < lowest / 4:
            low = high - squared / (2 * curvature)
            return SpuriousMinimum(network, data, point, Ball(edges, radius, curvature), better, True, low, high)
    raise InsufficientPrecision("no radius keeps the reduced Hessian positive; more digits do not help")


def _binary(x: float) -> Fraction:
    """About x, with a short binary expansion."""
    mantissa, exponent = np.frexp(x)
    return Fraction(int(mantissa * 2**16)) * Fraction(2) ** int(exponent - 16)


def _spread(network: LinearNetwork, data: Data, centre: Sequence[Fraction], free: list[int], radius: Fraction) -> float:
    """The bound on the change of the reduced Hessian over the box, in floats (the checker has the exact one)."""
    model = BatchedLoss(network)
    inner = np.abs(np.array([[float(x) for x in centre]]))
    outer = inner.copy()
    outer[:, free] += float(radius)
    gram = np.abs(np.array([[float(x) for x in row] for row in data.gram]))
    cross = -np.abs(np.array([[float(x) for x in row] for row in data.cross]))
    change = (model.hessian(outer, gram, cross) - model.hessian(inner, gram, cross))[0][np.ix_(free, free)]
    return float(np.abs(change).sum(axis=1).max(initial=0.0))


def frozen_coordinates(network: LinearNetwork, data: Data, theta: Floats) -> list[int]:
    """Coordinates on which the gauge fields, restricted, are invertible.

    Raises:
        DegenerateCriticalPoint: the gauge does not explain the kernel of the Hessian at ``theta``.
    """
    rounded = weights_of(network, [Fraction(float(x)).limit_denominator(10**9) for x in theta])
    fields = np.array([[float(x) for x in f] for f in symmetry_fields(network, rounded, data)])
    nullity = len(_kernel(network, data, theta))
    chosen = _independent_columns(fields, nullity)
    if len(chosen) != nullity:
        raise DegenerateCriticalPoint(f"the Hessian has nullity {nullity}, the gauge only rank {len(chosen)}")
    return chosen


def _kernel(network: LinearNetwork, data: Data, theta: Floats) -> Floats:
    """The kernel of the Hessian in floats, as rows.

    Raises:
        DegenerateCriticalPoint: the Hessian has a negative eigenvalue.
    """
    gram = np.array([[float(x) for x in row] for row in data.gram])
    cross = np.array([[float(x) for x in row] for row in data.cross])
    spectrum, vectors = np.linalg.eigh(BatchedLoss(network).hessian(theta[None], gram, cross)[0])
    scale = 1 + float(np.abs(spectrum).max(initial=0.0))
    if spectrum.min(initial=0.0) < -1e-5 * scale:
        raise DegenerateCriticalPoint(f"the Hessian has the negative eigenvalue {spectrum[0]:.3g}")
    return np.asarray(vectors[:, spectrum < 1e-5 * scale].T)


def _independent_columns(rows: Floats, count: int) -> list[int]:
    """Up to `count` columns on which the rows stay independent, the best conditioned first (QR with pivoting)."""
    chosen: list[int] = []
    rest = rows.copy()
    while rows.size and len(chosen) < count:
        sizes = np.linalg.norm(rest, axis=0)
        best = int(np.argmax(sizes))
        if sizes[best] < 1e-4 * (1 + np.abs(rows).max()):
            break
        chosen.append(best)
        unit = rest[:, best] / sizes[best]
        rest = rest - np.outer(unit, unit @ rest)
    return sorted(chosen)


def polish(
    network: LinearNetwork, data: Data, theta: Floats, free: list[int], digits: int, grain: int = 2**20
) -> list[Fraction]:
    """Newton's method on the free coordinates with mpmath; the others are rounded to multiples of ``1 / grain``.

    Raises:
        InsufficientPrecision: it does not converge.
    """
    centre = [Fraction(round(float(x) * grain), grain) for x in theta]
    for n in free:
        centre[n] = Fraction(round(float(theta[n]) * 2**20), 2**20)
    grid = 2 ** int(digits * 3.33)
    if not free:
        return centre
    with mpmath.workdps(digits + 15):
        for _ in range(12):
            point = weights_of(network, centre)
            slope, matrix = gradient(network, point, data), hessian(network, point, data)
            g = mpmath.matrix([mpmath.mpf(slope[n].numerator) / slope[n].denominator for n in free])
            h = mpmath.matrix(
                [[mpmath.mpf(matrix[m][n].numerator) / matrix[m][n].denominator for n in free] for m in free]
            )
            try:
                step = mpmath.lu_solve(h, g)
            except ZeroDivisionError:
                raise DegenerateCriticalPoint("the reduced Hessian is singular") from None
            for k, n in enumerate(free):
                centre[n] = Fraction(int(mpmath.nint((_mpf(centre[n]) - step[k]) * grid)), grid)
            if mpmath.norm(step) < mpmath.mpf(10) ** (-digits + 3):
                return centre
    raise InsufficientPrecision("Newton's method did not converge from this start")


def _mpf(x: Fraction) -> mpmath.mpf:
    return mpmath.mpf(x.numerator) / x.denominator


def exact_point(network: LinearNetwork, data: Data, theta: Floats) -> Weights | None:
    """An exactly critical rational point near ``theta``, up to gauge; None if none is met.

    Tried: rounding to small denominators; and Newton's method across the kernel of the Hessian, with the coordinates
    along it at small rationals, followed by rational reconstruction.
    """
    from symverify.search import balanced

    for option in (balanced(network, theta), theta):
        for denominator in (1, 2, 3, 4, 5, 6, 8, 12, 24, 60):
            rounded = [Fraction(round(float(x) * denominator), denominator) for x in option]
            if max(abs(float(r) - float(x)) for r, x in zip(rounded, option, strict=True)) > 1e-4:
                continue
            weights = weights_of(network, rounded)
            if not any(gradient(network, weights, data)):
                return weights
    try:
        kernel = _kernel(network, data, theta)
    except DegenerateCriticalPoint:
        return None
    frozen = _independent_columns(kernel, len(kernel))
    free = [n for n in range(network.parameters) if n not in frozen]
    for grain in (1, 2, 4, 16):
        try:
            centre = polish(network, data, theta, free, 40, grain)
        except SymverifyError:
            continue
        weights = weights_of(network, [x.limit_denominator(10**6) for x in centre])
        if not any(gradient(network, weights, data)):
            return weights
    return None
