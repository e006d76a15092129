"""Search for a path of strictly decreasing loss from a point to a loss below a bound.

The first piece leaves the point: along the negative gradient, else along negative curvature, else along a curve
``t u + t^2 v`` on which a higher derivative is negative.  The others are straight, between rounded points of a descent
(Levenberg-Marquardt in floats), as long as the loss decreases, which is decided exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symverify.data import Data
from symverify.exact import Weights
from symverify.loss import BatchedLoss, Floats, gradient, hessian, loss, vector_of, weights_of
from symverify.network import LinearNetwork

from .certificates import Piece
from .curves import combine, decreases, end_of, loss_along

GRAINS = (1, 2, 4, 16, 64, 2**10, 2**16, 2**24)
"""Denominators of the nodes of a path, the simplest first."""


@dataclass(frozen=True)
class Problem:
    """The network (masked weights that are allowed included), the data, and the same in floats."""

    network: LinearNetwork
    data: Data
    model: BatchedLoss
    gram: Floats
    cross: Floats

    @classmethod
    def of(cls, network: LinearNetwork, data: Data) -> Problem:
        gram, cross = (np.array([[float(x) for x in row] for row in m]) for m in (data.gram, data.cross))
        return cls(network, data, BatchedLoss(network), gram, cross)

    def value(self, theta: Floats) -> float:
        return float(self.model.loss(theta[None], self.gram, self.cross)[0]) + float(self.data.constant)

    def slope(self, theta: Floats) -> Floats:
        return np.asarray(self.model.gradient(theta[None], self.gram, self.cross)[0])

    def hessian(self, theta: Floats) -> Floats:
        return np.asarray(self.model.hessian(theta[None], self.gram, self.cross)[0])


def find_path(
    network: LinearNetwork, data: Data, start: Weights, bound: Fraction, *, attempts: int = 6, seed: int = 0
) -> tuple[Piece, ...] | None:
    """A path in ``network`` from ``start`` to a loss below ``bound``, strictly decreasing (verified exactly).

    None after so many ``attempts`` with different descents proves nothing.
    """
    problem = Problem.of(network, data)
    rng = np.random.default_rng(seed)
    for attempt in range(attempts):
        for piece in leaving(problem, start, rng, attempt):
            after = end_of(start, piece)
            rest = _descend(problem, after, bound, rng, noise=0.0 if attempt == 0 else 0.3)
            if rest is not None:
                return (piece, *rest)
            break
    return None


# -- the first piece --------------------------------------------------------------------------------------


def leaving(
    problem: Problem, start: Weights, rng: np.random.Generator, attempt: int, flat: bool = True
) -> Iterator[Piece]:
    """Pieces on which the loss decreases from ``start``, the likeliest first.

    ``flat``: with curves along the kernel of the Hessian, where there is nothing better.
    """
    for curve in _directions(problem, start, rng, attempt, flat):
        for halvings in range(-1, 18):
            scale = Fraction(1, 2) ** halvings
            piece = tuple(combine([(scale ** (k + 1), weights)]) for k, weights in enumerate(curve))
            if decreases(loss_along(start, piece, problem.data)):
                yield piece
                break


def _directions(
    problem: Problem, start: Weights, rng: np.random.Generator, attempt: int, flat: bool
) -> Iterator[Piece]:
    network = problem.network
    slope = gradient(network, start, problem.data)
    if any(slope):
        down = -np.array([float(x) for x in slope])
        down /= np.abs(down).max()
        if attempt:
            down = down * rng.uniform(0.3, 1.5, size=len(down)) + 0.3 * rng.normal(size=len(down))
        yield (_rounded(network, down, 8),)
        yield (weights_of(network, [-x for x in slope]),)
        return
    matrix = np.array([[float(x) for x in row] for row in hessian(network, start, problem.data)])
    spectrum, vectors = np.linalg.eigh(matrix)
    scale = 1 + float(np.abs(spectrum).max())
    negative = [v for x, v in zip(spectrum, vectors.T, strict=True) if x < -1e-9 * scale]
    for n, vector in enumerate(negative):
        mixed = vector if attempt == 0 else sum(rng.normal() * v for v in negative[: n + 1])
        sign = 1 if attempt % 2 == 0 else -1
        for grain in (4, 16, 256):
            yield (_rounded(network, sign * mixed / np.abs(mixed).max(), grain),)
    if flat and not negative:
        yield from _flat_directions(problem, start, matrix, rng)


def _flat_directions(problem: Problem, start: Weights, matrix: Floats, rng: np.random.Generator) -> Iterator[Piece]:
    """Curves ``t u + t^2 v`` with u in the kernel of a positive semidefinite Hessian and v = -H^+ D^3(u, u, .)/2, on
    which the third derivative, or the fourth, is negative."""
    network = problem.network
    spectrum, vectors = np.linalg.eigh(matrix)
    kernel = vectors[:, spectrum < 1e-9 * (1 + float(np.abs(spectrum).max()))]
    theta = _floats(network, start)
    base, inverse = problem.value(theta), np.linalg.pinv(matrix, rcond=1e-9)
    best: list[tuple[float, Floats, Floats]] = []
    for _ in range(400 if kernel.shape[1] else 0):
        u = kernel @ (rng.normal(size=kernel.shape[1]) * (rng.random(kernel.shape[1]) < 0.6))
        if np.abs(u).max() < 1e-6:
            continue
        u = u / np.abs(u).max()
        h = 1e-2
        second = (problem.slope(theta + h * u) + problem.slope(theta - h * u)) / (2 * h * h)
        v = -inverse @ second
        gain = min(problem.value(theta + s * h * u + h * h * v) - base for s in (1, -1))
        sign = 1 if problem.value(theta + h * u + h * h * v) <= problem.value(theta - h * u + h * h * v) else -1
        best.append((gain, sign * u, v))
    best.sort(key=lambda item: item[0])
    for gain, u, v in best[:8]:
        if gain < -1e-14:
            for grain in (4, 64, 2**12):
                yield (_rounded(network, u, grain), _rounded(network, v, grain))


def _rounded(network: LinearNetwork, theta: Floats, grain: int) -> Weights:
    return weights_of(network, [Fraction(round(float(x) * grain), grain) for x in theta])


def _floats(network: LinearNetwork, weights: Weights) -> Floats:
    return np.array([float(x) for x in vector_of(network, weights)])


# -- the other pieces -------------------------------------------------------------------------------------


def _descend(
    problem: Problem, start: Weights, bound: Fraction, rng: np.random.Generator, noise: float
) -> list[Piece] | None:
    """Straight pieces from ``start`` to a loss below ``bound`` through points of a descent."""
    pieces: list[Piece] = []
    current = start
    if loss(problem.network, current, problem.data) < bound:
        return pieces
    points = _waypoints(problem, _floats(problem.network, current), float(bound), rng, noise)
    if not points or problem.value(points[-1]) >= float(bound):
        return None
    n = 0
    while n < len(points):
        chosen = _farthest(problem, current, points, n, bound)
        if chosen is None:
            return None
        node, n = chosen
        pieces.append((combine([(Fraction(1), node), (Fraction(-1), current)]),))
        current = node
        if loss(problem.network, current, problem.data) < bound:
            return pieces
    return None


def _farthest(
    problem: Problem, current: Weights, points: Sequence[Floats], first: int, bound: Fraction
) -> tuple[Weights, int] | None:
    """The farthest waypoint to which a straight piece decreases, rounded, and the number of the next one.

    Where not even the first one is reached, the way to it is halved.
    """
    here = _floats(problem.network, current)
    for n in range(len(points) - 1, first - 1, -1):
        last = n == len(points) - 1
        node = _straight(problem, current, here, points[n], bound if last else None)
        if node is not None:
            return node, n + 1
    target = points[first]
    for _ in range(8):
        target = (here + target) / 2
        node = _straight(problem, current, here, target, None)
        if node is not None:
            return node, first
    return None


def _straight(
    problem: Problem, current: Weights, here: Floats, target: Floats, bound: Fraction | None
) -> Weights | None:
    """The target with the smallest denominators for which the loss decreases on the straight piece, below ``bound``."""
    steps = np.linspace(0.0, 1.0, 17)
    along = here[None] + steps[:, None] * (target - here)[None]
    count = len(along)
    sampled = problem.model.loss(
        along, np.repeat(problem.gram[None], count, 0), np.repeat(problem.cross[None], count, 0)
    )
    if np.any(np.diff(sampled) > 0):
        return None
    for grain in GRAINS:
        node = _rounded(problem.network, target, grain)
        step = combine([(Fraction(1), node), (Fraction(-1), current)])
        values = loss_along(current, [step], problem.data)
        if (bound is None or sum(values) < bound) and decreases(values):
            return node
    return None


def _waypoints(problem: Problem, theta: Floats, bound: float, rng: np.random.Generator, noise: float) -> list[Floats]:
    """Points of a descent, until the loss is well below ``bound`` or it stops; a saddle is left along its lowest
    eigenvector."""
    points: list[Any] = []
    value, damping, still = problem.value(theta), 1.0, 0
    eye = np.eye(len(theta))
    for _ in range(400):
        slope = problem.slope(theta)
        if still > 25 or np.abs(slope).max() < 1e-7:
            escaped = _past_saddle(problem, theta, value, rng)
            if escaped is None:
                break
            trial = escaped
            damping = 1.0
        else:
            if noise:
                slope = slope * rng.uniform(1 - noise, 1 + noise, size=len(slope))
            matrix = problem.model.gauss_newton(theta[None], problem.gram)[0]
            trial = theta - np.linalg.solve(matrix + damping * eye, slope)
        new = problem.value(trial)
        if new >= value:
            damping, still = min(damping * 4, 1e9), still + 1
            continue
        damping, still = max(damping * 0.5, 1e-6), 0
        theta, value = trial, new
        points.append(theta)
        if value < bound - 0.2 * abs(bound) - 1e-3:
            break
    return points


def _past_saddle(problem: Problem, theta: Floats, value: float, rng: np.random.Generator) -> Any:
    """A point of smaller loss in a direction of negative curvature, or None."""
    spectrum, vectors = np.linalg.eigh(problem.hessian(theta))
    if spectrum[0] > -1e-7:
        return None
    side = rng.choice([-1, 1])
    options = (theta + sign * side * size * vectors[:, 0] for size in (0.3, 0.1, 0.02, 0.004) for sign in (1, -1))
    return next((option for option in options if problem.value(option) < value - 1e-12 * (1 + abs(value))), None)
