"""Candidates for spurious local minima.  Nothing here is trusted: the checker decides.

*Inverse design*: choose a small-integer point theta, then the data.  With R in the left kernel of dM/dtheta and
``C := M G - s R`` (s small enough that the Hessian stays positive semidefinite), theta is a critical point by
construction, in exact rationals.  A batch of Levenberg-Marquardt runs then looks for a better point.

*Fibre design* (for degenerate minima): let R live on a few entries of M, freeze at zero at least two weights of each
path that leads to them: then tr(R' M) has zero gradient wherever these stay zero.

*Forward search* (for given data): descend from random starts and keep the critical points that are not the best.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray

from symverify.data import Data, DataClass
from symverify.exact import Matrix, Weights, as_matrix, nullspace
from symverify.loss import BatchedLoss, Floats, jacobian, loss, product, weights_of
from symverify.network import Edge, LinearNetwork

BATCH = 48
"""Points designed per round, in networks with up to 40 weights; fewer in larger ones, so that a round stays short."""
STARTS = 12
"""Random starts of the search for a better point, per candidate."""
SCALES = np.array([s * f for f in (1, -1) for s in (1 / 8, 1 / 4, 1 / 2, 1, 3 / 2, 2, 3, 4, 6, 8, 12)])
"""Multiples of the primitive integer residual that are tried."""


def fewer(count: int, network: LinearNetwork, small: int) -> int:
    """``count`` points at once up to ``small`` weights, then fewer: the cost of one is the cube of the weights."""
    return max(1, int(count * min(1.0, small / network.parameters) ** 3))


@dataclass(frozen=True)
class Candidate:
    """A critical point with data, a better point, and (for a fibre design) the weights that may move."""

    network: LinearNetwork
    data: Data
    point: Weights
    better: Weights
    free: frozenset[Edge] | None = None


@dataclass(frozen=True)
class _Design:
    theta: Floats  # (p,), small integers
    gram: Matrix
    residual: Matrix  # primitive integers
    free: frozenset[Edge] | None = None


def descend(
    model: BatchedLoss,
    theta: Floats,
    gram: Floats,
    cross: Floats,
    iterations: int = 60,
    active: NDArray[np.bool_] | None = None,
) -> tuple[Floats, Floats]:
    """Levenberg-Marquardt on a batch; returns points and ``L - c0``.  ``gram``, ``cross`` are per point.

    Only the weights flagged in ``active`` (batch x p) move; by default all.
    """
    batch, p = theta.shape
    moving = None if active is None else active.astype(float)
    damping = np.full(batch, 1.0)
    value = model.loss(theta, gram, cross)
    eye = np.eye(p)
    for _ in range(iterations):
        slope, flat = model.gradient(theta, gram, cross), model.gauss_newton(theta, gram)
        if moving is not None:
            slope, flat = slope * moving, flat * moving[:, :, None] * moving[:, None, :]
        normal = flat + damping[:, None, None] * eye
        step = np.linalg.solve(normal, slope[..., None])[..., 0]
        trial = theta - step
        new = model.loss(trial, gram, cross)
        accepted = new < value
        gain = np.where(accepted, value - new, 0.0)
        # A gain far below the predicted one means that the model is too bold here (Marquardt's rule), though the step
        # is taken; with less damping than that, steps can swing to and fro across a valley for ever.
        predicted = (step * (slope - (flat @ step[..., None])[..., 0] / 2)).sum(axis=1)
        good = accepted & (gain >= predicted / 4)
        theta = np.where(accepted[:, None], trial, theta)
        value = np.where(accepted, new, value)
        damping = np.clip(np.where(good, damping * 0.3, damping * 5), 1e-9, 1e9)
        if float(gain.max(initial=0.0)) < 1e-13 and bool(np.all(damping > 1e3)):
            break
    return theta, value


def first_minimum(values: Floats) -> int:
    """The first index whose value is the least up to rounding (so that rounding does not choose between equals)."""
    least = float(values.min())
    return int(np.flatnonzero(values <= least + 1e-7 * (1 + abs(least)))[0])


def random_starts(model: BatchedLoss, rng: np.random.Generator, count: int) -> Floats:
    """Gaussian starts at several scales."""
    scale = rng.choice([0.3, 1.0, 2.0], size=(count, 1))
    return np.asarray(rng.normal(size=(count, model.network.parameters)) * scale)


# -- inverse design ---------------------------------------------------------------------------------------


def _primitive(values: list[Fraction]) -> list[int]:
    common = lcm(*(x.denominator for x in values))
    integers = [int(x * common) for x in values]
    divisor = gcd(*integers) or 1
    return [x // divisor for x in integers]


def _random_gram(rng: np.random.Generator, inputs: int, data_class: DataClass) -> Matrix:
    """The unit matrix, or (class any, three times of four) ``T T'`` for a random unitriangular integer T."""
    if data_class is DataClass.ORTHOGONAL or rng.random() < 0.25:
        return as_matrix([[int(i == j) for j in range(inputs)] for i in range(inputs)])
    t = np.tril(rng.integers(-2, 3, size=(inputs, inputs)), -1) + np.eye(inputs, dtype=int)
    t = t[rng.permutation(inputs)]
    return as_matrix([[int(x) for x in row] for row in t @ t.T])


def _random_point(network: LinearNetwork, rng: np.random.Generator) -> Floats:
    """Small integers, a random share of them zero; one time of four with a unit switched off on one side."""
    p = network.parameters
    top = int(rng.choice([1, 2, 3]))
    theta = rng.integers(1, top + 1, size=p) * rng.choice([-1, 1], size=p)
    theta[rng.random(p) < rng.choice([0.0, 0.2, 0.45])] = 0
    if network.depth > 1 and rng.random() < 0.25:
        layer = int(rng.integers(1, network.depth))
        unit = int(rng.integers(network.widths[layer]))
        off = [n for n, (l, i, j) in enumerate(network.edges) if (l == layer - 1 and i == unit)]
        out = [n for n, (l, i, j) in enumerate(network.edges) if (l == layer and j == unit)]
        theta[off if rng.random() < 0.5 else out] = 0
    return np.asarray(theta, dtype=float)


def _design_at(network: LinearNetwork, rng: np.random.Generator, data_class: DataClass) -> _Design | None:
    """A random point and a random small residual in the left kernel of dM/dtheta there."""
    return _with_residual(network, _random_point(network, rng), sorted(network.covered), rng, data_class)


def _with_residual(
    network: LinearNetwork,
    theta: Floats,
    entries: list[tuple[int, int]],
    rng: np.random.Generator,
    data_class: DataClass,
) -> _Design | None:
    """A random small residual on ``entries``, in the left kernel of dM/dtheta."""
    rows = jacobian(network, weights_of(network, [int(x) for x in theta]))
    width = network.widths[0]
    basis = nullspace([[row[o * width + j] for o, j in entries] for row in rows], len(entries))
    if not basis:
        return None
    chosen = rng.integers(-2, 3, size=len(basis)) * (rng.random(len(basis)) < 0.7)
    mix = [sum((int(c) * b[n] for c, b in zip(chosen, basis, strict=True)), Fraction(0)) for n in range(len(entries))]
    if not any(mix):
        return None
    rest = [[0] * width for _ in range(network.widths[-1])]
    for (o, j), x in zip(entries, _primitive(mix), strict=True):
        rest[o][j] = x
    return _Design(theta, _random_gram(rng, width, data_class), as_matrix(rest))


def _fibre_design_at(network: LinearNetwork, rng: np.random.Generator, data_class: DataClass) -> _Design | None:
    """A residual on one or two entries, with two frozen zeros on each of their paths, and a random point."""
    entries = sorted(network.covered)
    if network.depth < 2:
        return None
    picked = rng.choice(len(entries), size=min(len(entries), int(rng.choice([1, 1, 2, 3]))), replace=False)
    frozen: set[Edge] = set()
    rest = [[0] * network.widths[0] for _ in range(network.widths[-1])]
    for o, j in (entries[n] for n in picked):
        rest[o][j] = int(rng.choice([-3, -2, -1, 1, 2, 3]))
        for path in network.paths(j, o):
            steps = [(l, path[l + 1], path[l]) for l in range(network.depth)]
            missing = [step for step in steps if step not in frozen]
            rng.shuffle(missing)
            frozen.update(missing[: max(0, 2 - (len(steps) - len(missing)))])
    theta = _random_point(network, rng)
    theta[[n for n, edge in enumerate(network.edges) if edge in frozen]] = 0
    free = frozenset(network.edges) - frozen
    return _Design(theta, _random_gram(rng, network.widths[0], data_class), as_matrix(rest), free)


def _largest_scales(model: BatchedLoss, designs: list[_Design]) -> list[Fraction | None]:
    """Per design the largest listed multiple of the residual that keeps the Hessian positive semidefinite."""
    theta = np.array([d.theta for d in designs])
    gram = np.array(designs_gram := [[[float(x) for x in row] for row in d.gram] for d in designs])
    assert len(designs_gram) == len(designs)
    rest = np.array([[[float(x) for x in row] for row in d.residual] for d in designs])
    flat, bent = model.gauss_newton(theta, gram), model.curvature(theta, rest)
    stack = flat[:, None] + SCALES[None, :, None, None] * bent[:, None]
    low = np.linalg.eigvalsh(stack)[..., 0]
    good = low > -1e-9 * (1 + np.abs(stack).max(axis=(-2, -1)))
    result: list[Fraction | None] = []
    for row in good:
        index = np.flatnonzero(row)
        best = max(index, key=lambda n: (abs(SCALES[n]), n), default=None)
        result.append(None if best is None else Fraction(float(SCALES[best])))
    return result


def _dead_design_at(network: LinearNetwork, rng: np.random.Generator, data_class: DataClass) -> _Design | None:
    """One to three units of any layers switched off on one side or both, and a residual that none of them joins."""
    theta = _random_point(network, rng)
    hidden = [(l, v) for l in range(1, network.depth) for v in range(network.widths[l])]
    if not hidden:
        return None
    dead: set[tuple[int, int]] = set()
    for n in rng.choice(len(hidden), size=min(len(hidden), int(rng.choice([1, 1, 2, 3]))), replace=False):
        layer, unit = hidden[n]
        dead |= {(o, j) for o in network.outputs_of(layer, unit) for j in network.inputs_of(layer, unit)}
        side = rng.choice(["in", "out", "both"])
        for m, (l, i, j) in enumerate(network.edges):
            incoming, outgoing = (l, i) == (layer - 1, unit), (l, j) == (layer, unit)
            if (incoming and side != "out") or (outgoing and side != "in"):
                theta[m] = 0
    return _with_residual(network, theta, sorted(network.covered - dead), rng, data_class)


def designed_candidates(
    network: LinearNetwork, data_class: DataClass, rng: np.random.Generator, fibre: bool, dead: bool = False
) -> Iterator[Candidate]:
    """One round: the candidates of a batch of designs for which a better point was found.

    ``fibre``: fibre designs; ``dead``: points with dead units that point in a useless direction; neither: any points.
    """
    make = _dead_design_at if dead else _fibre_design_at if fibre else _design_at
    made = (make(network, rng, data_class) for _ in range(fewer(BATCH, network, 40)))
    designs = [d for d in made if d is not None]
    if not designs:
        return
    model = BatchedLoss(network)
    ready = [(d, s) for d, s in zip(designs, _largest_scales(model, designs), strict=True) if s is not None]
    exact = [(d, *_data_of(network, d, s)) for d, s in ready]
    if not exact:
        return
    gram = np.repeat([_floats(data.gram) for _, _, data in exact], STARTS, axis=0)
    cross = np.repeat([_floats(data.cross) for _, _, data in exact], STARTS, axis=0)
    found, values = descend(model, random_starts(model, rng, len(gram)), gram, cross)
    for n, (design, point, data) in enumerate(exact):
        part = slice(n * STARTS, (n + 1) * STARTS)
        best = first_minimum(values[part])
        here = loss(network, point, data)
        if values[part][best] + float(data.constant) < float(here) - 1e-4 * (1 + abs(float(here))):
            better = rationalise(network, data, found[part][best], here)
            if better is not None:
                yield Candidate(network, data, point, better, design.free)


def _data_of(network: LinearNetwork, design: _Design, scale: Fraction) -> tuple[Weights, Data]:
    point = weights_of(network, [int(x) for x in design.theta])
    m = product(network, point)
    n = len(design.gram)
    target = [
        [
            sum((m[o][k] * design.gram[k][j] for k in range(n)), Fraction(0)) - scale * design.residual[o][j]
            for j in range(n)
        ]
        for o in range(len(m))
    ]
    return point, Data.from_moments(design.gram, as_matrix(target))


def _floats(matrix: Matrix) -> list[list[float]]:
    return [[float(x) for x in row] for row in matrix]


# -- rounding ---------------------------------------------------------------------------------------------


def balanced(network: LinearNetwork, theta: Floats) -> Floats:
    """The same M with every hidden unit rescaled so that its largest incoming weight is 1 in absolute value."""
    theta = theta.copy()
    for layer in range(1, network.depth):
        for unit in range(network.widths[layer]):
            incoming = [n for n, (l, i, _) in enumerate(network.edges) if (l, i) == (layer - 1, unit)]
            outgoing = [n for n, (l, _, j) in enumerate(network.edges) if (l, j) == (layer, unit)]
            largest = theta[incoming][np.argmax(np.abs(theta[incoming]))] if incoming else 0.0
            if abs(largest) > 1e-6:
                theta[incoming] /= largest
                theta[outgoing] *= largest
    return theta


def rationalise(network: LinearNetwork, data: Data, theta: Floats, bound: Fraction) -> Weights | None:
    """A rational point near ``theta`` whose loss is below ``bound``, with denominators as small as possible.

    If small denominators reach the loss of ``theta`` itself, up to a thousandth of the gap, that point is preferred.
    """
    model = BatchedLoss(network)
    value = float(model.loss(theta[None], np.array(_floats(data.gram)), np.array(_floats(data.cross)))[0])
    target = Fraction(value) + data.constant
    close = target + (bound - target) / 1000
    return _rounded(network, data, theta, close, (1, 2, 3, 4, 6, 12)) or _rounded(network, data, theta, bound)


def _rounded(
    network: LinearNetwork,
    data: Data,
    theta: Floats,
    bound: Fraction,
    denominators: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12, 24, 60, 720, 2**14, 2**20, 2**30),
) -> Weights | None:
    options = [balanced(network, theta), theta]
    for denominator in denominators:
        for option in options:
            if not np.all(np.abs(option) < 1e6):
                continue
            weights = weights_of(network, [Fraction(round(float(x) * denominator), denominator) for x in option])
            if loss(network, weights, data) < bound:
                return weights
    return None
