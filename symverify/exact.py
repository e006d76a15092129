"""Exact linear algebra over Q: thin wrappers that let python-flint do the work on tuples of Fractions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

import flint

Matrix = tuple[tuple[Fraction, ...], ...]
Weights = tuple[Matrix, ...]
"""One matrix per layer, zero off the mask."""
Vector = tuple[Fraction, ...]


def as_matrix(rows: Iterable[Iterable[Fraction | int]]) -> Matrix:
    """Rows of numbers as the immutable matrices that the project uses."""
    return tuple(tuple(Fraction(x) for x in row) for row in rows)


def to_flint(rows: Sequence[Sequence[Fraction | int]], columns: int | None = None) -> flint.fmpq_mat:
    """A flint matrix; `columns` is needed when there are no rows."""
    width = len(rows[0]) if rows else (columns or 0)
    return flint.fmpq_mat(len(rows), width, [flint.fmpq(x.numerator, x.denominator) for row in rows for x in row])


def from_flint(matrix: flint.fmpq_mat) -> Matrix:
    """The converse of :func:`to_flint`."""
    n, m = matrix.nrows(), matrix.ncols()
    values = [Fraction(int(x.p), int(x.q)) for x in matrix.entries()]
    return tuple(tuple(values[i * m : (i + 1) * m]) for i in range(n))


def rank(rows: Sequence[Sequence[Fraction | int]]) -> int:
    """The rank over Q.

    >>> rank([[1, 2], [2, 4]])
    1
    """
    return int(to_flint(rows).rref()[1]) if rows and rows[0] else 0


def nullspace(rows: Sequence[Sequence[Fraction | int]], columns: int) -> list[Vector]:
    """A basis of ``{z : rows z = 0}`` in ``Q^columns`` (reduced echelon form: entries stay small and sparse).

    >>> nullspace([[1, 1, 0]], 3)
    [(Fraction(-1, 1), Fraction(1, 1), Fraction(0, 1)), (Fraction(0, 1), Fraction(0, 1), Fraction(1, 1))]
    """
    if not rows or not columns:
        return [tuple(Fraction(int(i == j)) for j in range(columns)) for i in range(columns)]
    reduced, _ = to_flint(rows).rref()
    table = from_flint(reduced)
    pivots: list[int] = []
    for row in table:
        pivot = next((c for c, x in enumerate(row) if x), None)
        if pivot is not None:
            pivots.append(pivot)
    basis = []
    for free in (c for c in range(columns) if c not in set(pivots)):
        z = [Fraction(0)] * columns
        z[free] = Fraction(1)
        for r, pivot in enumerate(pivots):
            z[pivot] = -table[r][free]
        basis.append(tuple(z))
    return basis


def inertia(matrix: Sequence[Sequence[Fraction]]) -> tuple[int, int, int]:
    """``(n+, n0, n-)`` of a symmetric rational matrix.

    The characteristic polynomial has only real roots, so Descartes' rule of signs is exact.

    >>> inertia(as_matrix([[0, 1], [1, 0]]))
    (1, 0, 1)
    """
    n = len(matrix)
    if n == 0:
        return (0, 0, 0)
    coefficients = to_flint(matrix).charpoly().coeffs()
    zero = next(i for i, x in enumerate(coefficients) if x != 0)
    signs = [x > 0 for x in coefficients if x != 0]
    positive = sum(a != b for a, b in pairwise(signs))
    return positive, zero, n - zero - positive


def solve_right(gram: Matrix, rows: Matrix) -> Matrix | None:
    """Some A with ``A gram = rows`` for a symmetric gram, or None if there is none."""
    n = len(gram)
    augmented = [[*gram[i], *(row[i] for row in rows)] for i in range(n)]
    table = from_flint(to_flint(augmented).rref()[0])
    solution = [[Fraction(0)] * n for _ in rows]
    for line in table:
        pivot = next((c for c, x in enumerate(line) if x), None)
        if pivot is None:
            continue
        if pivot >= n:
            return None
        for k in range(len(rows)):
            solution[k][pivot] = line[n + k]
    return as_matrix(solution)


def quadratic_bound(gram: Matrix, cross: Matrix) -> Fraction:
    """``1/2 tr(C G^+ C')``.

    Raises:
        ValueError: G is not positive semidefinite, or C is not in its range (then no X, Y have these moments).
    """
    if inertia(gram)[2]:
        raise ValueError("data.G: not positive semidefinite; G = X X' has no negative eigenvalue")
    target = solve_right(gram, cross)
    if target is None:
        raise ValueError("data.C: not in the range of G; C = Y X' vanishes on the kernel of G = X X'")
    pairs = (a * c for u, v in zip(target, cross, strict=True) for a, c in zip(u, v, strict=True))
    return sum(pairs, Fraction(0)) / 2
