"""Strict spurious minima with known points, of any size: what the benchmarks let the checker check.

Both families grow out of one network with three layers, a first layer with disjoint fan-ins and dense layers above
(``E1``).  One of its units sees two inputs: input 0 would explain 9/2 of the loss by itself, input 1 explains less but
shares its output with another unit.  The bottleneck is full, so that turning towards input 0 does not pay at first.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symverify.certificate import CriticalFamily, SpuriousMinimum
from symverify.data import Data
from symverify.exact import Matrix, Weights, as_matrix
from symverify.loss import loss
from symverify.network import LinearNetwork

Integers = Sequence[Sequence[int]]

E1_MASKS = (((1, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)), ((1, 1, 1), (1, 1, 1)), ((1, 1), (1, 1), (1, 1)))
E1_TARGET = ((3, 0, 0, 0), (0, 2, 3, 0), (0, 0, 0, 1))
E1_POINT = (((0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)), ((2, 3, 0), (0, 0, 1)), ((0, 0), (1, 0), (0, 1)))
E1_BETTER = (((1, 0, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)), ((3, 0, 0), (0, 3, 0)), ((1, 0), (0, 1), (0, 0)))
E2_MASKS = (((1, 0, 0), (1, 1, 1)), ((1, 1), (0, 1), (0, 1)))


def certificate(masks: Sequence[Integers], target: Matrix, point: Weights, better: Weights) -> SpuriousMinimum:
    """The certificate of a strict minimum for whitened data; the checker, not this function, says whether it holds."""
    network, data = LinearNetwork.from_masks(masks), Data.whitened(target)
    value = loss(network, point, data)
    return SpuriousMinimum(network, data, point, CriticalFamily(), better, True, value, value)


def blocks(matrices: Sequence[Sequence[Sequence[Any]]]) -> list[list[Any]]:
    """The block-diagonal matrix of matrices of one width."""
    n, width = len(matrices), len(matrices[0][0])
    return [[0] * (width * k) + list(row) + [0] * (width * (n - 1 - k)) for k, m in enumerate(matrices) for row in m]


def direct_sum(copies: int) -> SpuriousMinimum:
    """E1 beside itself: ``16 copies`` weights in unconnected parts, integers throughout."""
    masks, point, better = ([blocks([w] * copies) for w in weights] for weights in (E1_MASKS, E1_POINT, E1_BETTER))
    target = as_matrix(blocks([E1_TARGET] * copies))
    return certificate(masks, target, tuple(map(as_matrix, point)), tuple(map(as_matrix, better)))


def connected(pairs: int, fan_in: int, turned: bool = False) -> SpuriousMinimum:
    """One connected network: ``pairs`` pairs of units as in E1 and one single unit, all through one full bottleneck.

    Hidden layers of ``2 pairs + 1`` and ``pairs + 1`` units, as many outputs as the first, disjoint fan-ins of size
    ``fan_in`` in the first layer, dense layers above.  ``turned``: inputs (within each fan-in), outputs and the
    bottleneck are turned by rational orthogonal matrices, so that point, data and Hessian are full of fractions.
    """
    units, rank = 2 * pairs + 1, pairs + 1
    first = [[int(j // fan_in == i) for j in range(units * fan_in)] for i in range(units)]
    masks = [first, [[1] * units] * rank, [[1] * rank] * units]
    # Unit 2p may see output 2p through input 0 of its fan-in (3), or output 2p + 1 through input 1 (2); unit 2p + 1
    # sees output 2p + 1 (3); the single unit sees the last output (1).
    target = [[0] * (units * fan_in) for _ in range(units)]
    for p in range(pairs):
        target[2 * p][2 * p * fan_in] = target[2 * p + 1][(2 * p + 1) * fan_in] = 3
        target[2 * p + 1][2 * p * fan_in + 1] = 2
    target[-1][(units - 1) * fan_in] = 1
    point = [[[0] * len(row) for row in mask] for mask in masks]
    for i in range(units):
        point[0][i][i * fan_in + (i % 2 == 0 and i < 2 * pairs)] = 1
    for p in range(pairs):
        point[1][p][2 * p], point[1][p][2 * p + 1], point[2][2 * p + 1][p] = 2, 3, 1
    point[1][pairs][units - 1] = point[2][units - 1][pairs] = 1
    # Better: the first unit sees output 0, the last place of the bottleneck goes to it instead of the single unit.
    better = [[list(row) for row in matrix] for matrix in point]
    better[0][0][:2], better[1][0][0] = [1, 0], 0
    better[1][pairs][units - 1], better[1][pairs][0] = 0, 3
    better[2][units - 1][pairs], better[2][0][pairs] = 0, 1
    exact_target = as_matrix(target)
    exact_point, exact_better = (tuple(map(as_matrix, weights)) for weights in (point, better))
    if turned:
        right = as_matrix(blocks([reflection(fan_in, i) for i in range(units)]))
        left, middle = reflection(units, 0), reflection(rank, 1)
        exact_target = product(product(left, exact_target), right)
        exact_point, exact_better = (
            (product(w[0], right), product(middle, w[1]), product(product(left, w[2]), middle))
            for w in (exact_point, exact_better)
        )
    return certificate(masks, exact_target, exact_point, exact_better)


def reflection(n: int, shift: int) -> Matrix:
    """``1 - 2 v v' / v'v`` with the integer vector ``v = (1, 2, 3, 1, 2, 3, ...)``, begun at ``shift``."""
    v = [1 + (k + shift) % 3 for k in range(n)]
    square = sum(x * x for x in v)
    return as_matrix([[int(i == j) - Fraction(2 * v[i] * v[j], square) for j in range(n)] for i in range(n)])


def product(a: Matrix, b: Matrix) -> Matrix:
    """The matrix product."""
    columns = list(zip(*b, strict=True))
    return as_matrix([[sum((x * y for x, y in zip(u, v, strict=True)), Fraction(0)) for v in columns] for u in a])
