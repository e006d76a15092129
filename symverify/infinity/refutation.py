"""Why no weights have M = A on the covered pairs: a combination of the entries of M - A that is 1 (Nullstellensatz),
or a product of weights that are not zero, in each of several cases (Hilbert; Rabinowitsch).

All entries of M are invariant when a hidden unit is rescaled.  So an identity may be taken homogeneous for these
scalings: only cofactors whose monomials scale like the left side are needed, which keeps the linear systems small.
They are solved modulo a prime first, then over Q with the columns that were used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations

import flint

from symverify.certificate import Identity, Refutation, Split
from symverify.exact import Matrix, from_flint
from symverify.network import LinearNetwork

Pair = tuple[int, int]
Monomial = tuple[int, ...]
"""Numbers of weights, sorted, with repetition."""
PRIME = 2**31 - 1
MAX_COLUMNS = 6000
"""Unknown coefficients of one linear system."""
MAX_SPLITS = 2
"""Weights that are split into zero and not zero, on the way to a leaf."""


def refute_target(network: LinearNetwork, target: Matrix, degree: int = 2) -> Refutation | None:
    """A proof that no real or complex weights have M = ``target`` on the covered pairs; None if none was found.

    Args:
        target: ``d_y x d_x``; entries at pairs that no path joins do not matter.
        degree: the largest number of paths of M in a cofactor.

    Example:
        >>> from symverify.exact import as_matrix
        >>> net = LinearNetwork.from_masks([[[1, 1], [1, 0]], [[1, 1], [1, 0]]])
        >>> proof = refute_target(net, as_matrix([[0, 1], [1, 0]]))
        >>> len(proof.terms), proof.factors
        (3, ())
        >>> refute_target(net, as_matrix([[0, 1], [1, 1]])) is None
        True
    """
    system = _System(network, target)
    return _refute(system, frozenset(), frozenset(), degree, MAX_SPLITS)


class _System:
    """The polynomials M_oj - A_oj as monomials of the weights."""

    def __init__(self, network: LinearNetwork, target: Matrix) -> None:
        self.network, self.target = network, target
        self.number = {edge: n for n, edge in enumerate(network.edges)}
        self.paths: dict[Pair, list[Monomial]] = {
            (o, j): [
                tuple(sorted(self.number[l, path[l + 1], path[l]] for l in range(network.depth)))
                for path in network.paths(j, o)
            ]
            for o, j in sorted(network.covered)
        }

    def left(self, zero: frozenset[int]) -> dict[Pair, list[Monomial]]:
        return {pair: [m for m in paths if not zero & set(m)] for pair, paths in self.paths.items()}


def _refute(
    system: _System, zero: frozenset[int], nonzero: frozenset[int], degree: int, splits: int
) -> Refutation | None:
    left = system.left(zero)
    for (o, j), paths in left.items():  # at once: a target that is not zero, and no path
        if not paths and system.target[o][j]:
            return Identity((), (((o, j), -1 / system.target[o][j], ()),))
    for k in range(degree + 1):
        for factors in _factors(nonzero) if k < 2 else [()]:
            found = _identity(system, left, zero, factors, k)
            if found is not None:
                return found
    if not splits:
        return None
    for n in _candidates(left, zero | nonzero):
        lower = _refute(system, zero | {n}, nonzero, min(degree, 1), splits - 1)
        upper = None if lower is None else _refute(system, zero, nonzero | {n}, min(degree, 1), splits - 1)
        if lower is not None and upper is not None:
            return Split(system.network.edges[n], lower, upper)
    return None


def _factors(nonzero: frozenset[int]) -> Iterator[Monomial]:
    for size in range(min(len(nonzero), 2) + 1):
        yield from combinations(sorted(nonzero), size)


def _candidates(left: dict[Pair, list[Monomial]], decided: frozenset[int]) -> list[int]:
    """Weights that are still open, those on many paths first."""
    counts = Counter(n for paths in left.values() for path in paths for n in path)
    return [n for n, _ in counts.most_common() if n not in decided]


def _cofactors(left: dict[Pair, list[Monomial]], factors: Monomial, degree: int) -> list[Monomial]:
    """Monomials that scale like ``factors``: this times up to ``degree`` paths, and with one weight of it replaced."""
    steps = sorted({path for paths in left.values() for path in paths})
    found = {tuple(sorted(factors))}
    layer = set(found)
    for _ in range(degree):
        layer = {tuple(sorted(m + path)) for m in layer for path in steps}
        found |= layer
    if factors:  # a factor of `factors` may stand in a path: divide
        for m in list(layer):
            for path in steps:
                rest = Counter(m)
                rest.subtract(path)
                if all(x >= 0 for x in rest.values()):
                    found.add(tuple(sorted(rest.elements())))
    return sorted(found, key=lambda m: (len(m), m))


def _identity(
    system: _System, left: dict[Pair, list[Monomial]], zero: frozenset[int], factors: Monomial, degree: int
) -> Identity | None:
    """Coefficients with ``prod(factors) = sum coefficient monomial (M - A)[pair]``, by linear algebra."""
    cofactors = _cofactors(left, factors, degree)
    columns = [(pair, m) for pair in left for m in cofactors]
    if len(columns) > MAX_COLUMNS:
        return None
    rows: dict[Monomial, int] = {tuple(sorted(factors)): 0}
    entries: list[tuple[int, int, Fraction]] = []
    for c, ((o, j), m) in enumerate(columns):
        for path in left[o, j]:
            row = rows.setdefault(tuple(sorted(m + path)), len(rows))
            entries.append((row, c, Fraction(1)))
        if system.target[o][j]:
            entries.append((rows.setdefault(m, len(rows)), c, -system.target[o][j]))
    solution = _solve(len(rows), len(columns), entries)
    if solution is None:
        return None
    edges = system.network.edges
    terms = tuple((columns[c][0], x, tuple(edges[n] for n in columns[c][1])) for c, x in sorted(solution.items()) if x)
    return Identity(tuple(edges[n] for n in factors), terms)


def _solve(height: int, width: int, entries: Sequence[tuple[int, int, Fraction]]) -> dict[int, Fraction] | None:
    """x with ``A x = e_0``, few columns used; None if there is none (modulo a large prime)."""
    matrix = flint.nmod_mat(height, width + 1, PRIME)
    for r, c, x in entries:
        matrix[r, c] = int(matrix[r, c]) + x.numerator * pow(x.denominator, -1, PRIME)
    matrix[0, width] = 1
    reduced, rank = matrix.rref()
    pivots = [next(c for c in range(width + 1) if int(reduced[r, c])) for r in range(rank)]
    if pivots and pivots[-1] == width:
        return None
    used = [c for r, c in enumerate(pivots) if int(reduced[r, width])]
    place = {c: n for n, c in enumerate(used)}
    exact = [[Fraction(0)] * (len(used) + 1) for _ in range(height)]
    for r, c, x in entries:
        if c in place:
            exact[r][place[c]] += x
    exact[0][-1] = Fraction(1)
    lines = [line for line in exact if any(line)]
    table, exact_rank = flint.fmpq_mat(
        len(lines), len(used) + 1, [flint.fmpq(x.numerator, x.denominator) for line in lines for x in line]
    ).rref()
    if exact_rank != len(used):
        return None  # an accident of the prime
    solution = from_flint(table)
    if any(line[-1] for line in solution[exact_rank:]):
        return None
    return {c: solution[n][-1] for n, c in enumerate(used)}
