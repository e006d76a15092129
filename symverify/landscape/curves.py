"""Curves along which the loss falls from a degenerate critical point: candidates only, the checker decides."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import Protocol

import numpy as np

from symverify.exact import Vector, from_flint, nullspace, to_flint
from symverify.network import Edge, LinearNetwork

TRIES = 100
SMALL = (Fraction(1, 2**12), Fraction(-1, 2**12), Fraction(1, 2**24), Fraction(-1, 2**24))
Curve = tuple[Vector, ...]
"""``d_1, d_2, ..``: the curve is ``x + sum t^k d_k``."""


class Loss(Protocol):
    """The loss and its derivatives over the weights, exactly."""

    def loss(self, x: Sequence[Fraction]) -> Fraction: ...

    def gradient(self, x: Sequence[Fraction]) -> Vector: ...

    def hessian(self, x: Sequence[Fraction]) -> list[list[Fraction]]: ...


def falling_curves(problem: Loss, x: Vector, degree: int, seed: int = 0) -> Iterator[Curve]:
    """Curves from the critical point ``x`` to points of lower loss, at most :data:`TRIES` tried.

    Lines ``t d`` with d in the kernel of the Hessian H; and ``t d + t^2 e`` with ``H e`` the negative second-order
    term of the gradient along the line, so that e makes the loss least to the fourth order.

    ``degree`` is that of the gradient along a line.
    """
    rng = random.Random(seed)
    here, matrix = problem.loss(x), problem.hessian(x)
    basis = nullspace(matrix, len(x))
    for attempt in range(TRIES if basis else 0):
        if attempt < len(basis):
            d = basis[attempt]
        else:
            factors = [rng.choice((-2, -1, -1, 0, 0, 1, 1, 2)) for _ in basis]
            d = tuple(sum((f * b[n] for f, b in zip(factors, basis, strict=True)), Fraction(0)) for n in range(len(x)))
        if not any(d):
            continue
        bent = _bent(problem, x, matrix, d, degree)
        for curve in [(d,)] if bent is None else [(d,), (d, bent)]:
            if any(problem.loss(_at(x, curve, t)) < here for t in SMALL):
                yield curve


def falling_lines(
    problem: Loss, network: LinearNetwork, x: Vector, zero: Collection[int], seed: int = 0
) -> Iterator[Vector]:
    """Directions d in which the loss falls from a critical point that ``x`` approximates to 30 digits.

    The eigenvector of the least eigenvalue of the Hessian (floats); random signs on the weights ``zero`` of a random
    path from an input to an output; and on some of all weights ``zero``.
    """
    rng = random.Random(seed)
    here = problem.loss(x) - Fraction(1, 10**25)
    spectrum, vectors = np.linalg.eigh(np.array(problem.hessian(x), dtype=float))
    if spectrum[0] < -1e-9:
        yield tuple(Fraction(round(float(v) * 2**12), 2**12) for v in vectors[:, 0])
    position = {edge: n for n, edge in enumerate(network.edges)}
    for attempt in range(TRIES):
        chosen = sorted(zero)
        if attempt % 2 == 0:
            chosen = [n for n in (position[edge] for edge in _random_path(network, rng)) if n in zero]
        d = [Fraction(0)] * len(x)
        for n in chosen:
            d[n] = Fraction(rng.choice((-1, 0, 1) if attempt % 2 else (-1, 1)))
        if any(problem.loss(_at(x, (tuple(d),), t)) < here for t in SMALL[:2]):
            yield tuple(d)


def _random_path(network: LinearNetwork, rng: random.Random) -> list[Edge]:
    """Edges from an input on, upwards until no edge leads on."""
    path, node = [], rng.randrange(network.widths[0])
    for l, mask in enumerate(network.masks):
        heads = [i for i, row in enumerate(mask) if row[node]]
        if not heads:
            break
        head = rng.choice(heads)
        path.append((l, head, node))
        node = head
    return path


def _at(x: Vector, curve: Curve, t: Fraction) -> Vector:
    return tuple(w + sum((t**k * d[n] for k, d in enumerate(curve, 1)), Fraction(0)) for n, w in enumerate(x))


def _bent(problem: Loss, x: Vector, matrix: list[list[Fraction]], d: Vector, degree: int) -> Vector | None:
    """Some e with ``H e = -(t^2 term of the gradient along x + t d)``; None if there is none, or it is 0."""
    term = _second_order(problem, x, d, degree)
    if not any(term):
        return None
    n = len(x)
    reduced = from_flint(to_flint([[*matrix[i], -term[i]] for i in range(n)]).rref()[0])
    e = [Fraction(0)] * n
    for row in reduced:
        pivot = next((c for c, value in enumerate(row) if value), None)
        if pivot == n:
            return None
        if pivot is not None:
            e[pivot] = row[n]
    return tuple(e)


def _second_order(problem: Loss, x: Vector, d: Vector, degree: int) -> Vector:
    """The coefficient of t^2 in the gradient along ``x + t d``, a polynomial in t, by interpolation."""
    nodes = [Fraction(k) for k in range(-(degree // 2), degree // 2 + 2)]
    values = [problem.gradient(_at(x, (d,), t)) for t in nodes]
    weights = _coefficient_weights(nodes, 2)
    return tuple(sum((w * v[n] for w, v in zip(weights, values, strict=True)), Fraction(0)) for n in range(len(x)))


def _coefficient_weights(nodes: Sequence[Fraction], power: int) -> list[Fraction]:
    """The coefficient of ``t^power`` of the interpolating polynomial is the sum of these times its values."""
    weights = []
    for k, a in enumerate(nodes):
        polynomial = [Fraction(1)]
        for m, b in enumerate(nodes):
            if m != k:
                shifted, scale = [Fraction(0), *polynomial], a - b
                polynomial = [(s - b * p) / scale for s, p in zip(shifted, [*polynomial, Fraction(0)], strict=True)]
        weights.append(polynomial[power])
    return weights
