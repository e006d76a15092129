"""The quadratic quantities that gradient flow conserves, derived from the masks alone, exactly.

*Derivation.*  Let ``q(w) = sum_e<=f q_ef w_e w_f``.  Along ``dw/dt = - grad L``,

    dq/dt = - sum_e<=f q_ef (w_e dL/dw_f + w_f dL/dw_e),      dL/dw_e = sum_(o,j) R_oj dM_oj/dw_e,   R = M G - C.

This vanishes for all w, G, C if and only if, for each pair (o, j),

    sum_e<=f q_ef (w_e dM_oj/dw_f + w_f dM_oj/dw_e) = 0    as a polynomial in w.

(*If*: multiply by R_oj and add.  *Only if*: C is free, so the coefficient of each C_oj vanishes; already for G = 1.)
The coefficients are linear equations for the q_ef; :func:`conserved` makes them with sympy's polynomials and solves
them over Q.  The result is *all* quadratic quantities that are conserved for every data; for special
data there may be more.

*What is expected.*  A field ``S w`` with S symmetric that preserves M gives the conserved quantity ``w' S w``.  Among
the gauge fields those are, for hidden units i, j of one layer with equal fan-in and equal fan-out (i = j allowed),

    <weights into i, weights into j> - <weights out of i, weights out of j>,

w_e w_f for two dead weights, and, for twins i, j with one input u and one output v each, ``w_iu w_vj - w_ju w_vi``
(their part of M is the form ``w_iu w_vi + w_ju w_vj``, which more than the gauge preserves).
``Conserved.as_expected`` says whether these span all of them for the structure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import sympy
from sympy.polys.rings import ring

from symverify.exact import Vector, nullspace, rank
from symverify.flow.starts import dead_weights, twins
from symverify.loss import Floats
from symverify.network import LinearNetwork

MAX_WEIGHTS = 60
"""More weights would make the linear system of p(p+1)/2 unknowns large."""
Terms = tuple[tuple[int, int, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Quantity:
    """``sum c w_e w_f`` over the ``terms`` (e, f, c), e <= f, positions in ``network.edges``.

    ``name`` says where it comes from: ``unit l.i`` (a hidden unit), ``twins l.i, l.j``, ``crossed twins l.i,
    l.j``, ``dead weights``, ``other``.
    """

    network: LinearNetwork
    name: str
    terms: Terms

    def text(self) -> str:
        """As a polynomial in the printed names of the weights.

        >>> print(conserved(LinearNetwork.dense(2, 1, 1)).quantities[0].text())
        w1_1_1**2 + w1_1_2**2 - w2_1_1**2
        """
        return str(self.expression())

    def latex(self) -> str:
        """As LaTeX, with ``w^{(l)}_{ij}`` for the weights.

        >>> print(conserved(LinearNetwork.dense(1, 1, 1)).quantities[0].latex())
        \\left(w^{(1)}_{1, 1}\\right)^{2} - \\left(w^{(2)}_{1, 1}\\right)^{2}
        """
        names = {
            sympy.Symbol(LinearNetwork.weight_name((l, i, j))): f"w^{{({l + 1})}}_{{{i + 1}, {j + 1}}}"
            for l, i, j in self.network.edges
        }
        return str(sympy.latex(self.expression(), symbol_names=names))

    def expression(self) -> Any:
        """As a sympy expression."""
        symbols = [sympy.Symbol(LinearNetwork.weight_name(edge)) for edge in self.network.edges]
        return sympy.Add(
            *(sympy.Rational(c.numerator, c.denominator) * symbols[e] * symbols[f] for e, f, c in self.terms)
        )

    def matrix(self) -> Floats:
        """The symmetric matrix Q with ``q(w) = w' Q w``, in floats."""
        p = self.network.parameters
        result = np.zeros((p, p))
        for e, f, c in self.terms:
            result[e, f] += float(c) / 2
            result[f, e] += float(c) / 2
        return result


@dataclass(frozen=True, slots=True)
class Conserved:
    """A basis of all quadratic conserved quantities, the expected ones first.

    ``as_expected``: the expected ones are all.  Otherwise the last quantities are named ``other``.
    """

    network: LinearNetwork
    quantities: tuple[Quantity, ...]
    as_expected: bool

    @property
    def dimension(self) -> int:
        """The dimension of the space."""
        return len(self.quantities)

    def values(self, theta: Floats) -> Floats:
        """The quantities at points (n, p): ``(n, dimension)``."""
        if not self.quantities:
            return np.zeros((len(theta), 0))
        stack = np.array([q.matrix() for q in self.quantities])
        return np.asarray(np.einsum("ne,qef,nf->nq", theta, stack, theta))

    def drift(self, points: Floats) -> float:
        """The largest change of a quantity along a path (n, p), relative to the largest ``|theta|^2`` up to there."""
        values = self.values(points)
        size = np.maximum(np.maximum.accumulate((points**2).sum(axis=1)), 1e-300)
        return float((np.abs(values - values[0]) / size[:, None]).max(initial=0.0))

    def text(self) -> str:
        """One line per quantity, and whether these are the expected ones."""
        lines = [f"{q.name}: {q.text()}" for q in self.quantities]
        return "\n".join([self._head(), *(f"  {line}" for line in lines)])

    def latex(self) -> str:
        """An ``align*`` of the quantities (empty if there are none)."""
        lines = [rf"\text{{{q.name}:}} &\quad {q.latex()}" for q in self.quantities]
        return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}" if lines else ""

    def _head(self) -> str:
        said = "those of the units, twins and dead weights" if self.as_expected else "more than those expected"
        count = self.dimension
        return f"Quadratic quantities that the flow conserves for all data: dimension {count}, {said} (proved)"


def conserved(network: LinearNetwork) -> Conserved:
    """All quadratic quantities that gradient flow conserves for all data, proved by linear algebra over Q.

    Raises:
        ValueError: more than :data:`MAX_WEIGHTS` weights.

    >>> found = conserved(LinearNetwork.dense(2, 2, 2))
    >>> found.dimension, found.as_expected, [q.name for q in found.quantities]
    (3, True, ['unit 1.1', 'twins 1.1, 1.2', 'unit 1.2'])
    """
    p = network.parameters
    if p > MAX_WEIGHTS:
        raise ValueError(f"{p} weights: the conserved quantities are derived for at most {MAX_WEIGHTS}")
    pairs = list(combinations_with_replacement(range(p), 2))
    basis = _solutions(network, pairs)
    column = {pair: n for n, pair in enumerate(pairs)}
    found = [Quantity(network, name, terms) for name, terms in _expected(network)]
    rows: list[Vector] = []
    for quantity in found:
        row = [Fraction(0)] * len(pairs)
        for e, f, c in quantity.terms:
            row[column[e, f]] += c
        rows.append(tuple(row))
    size = rank(rows)
    if size != len(rows) or rank([*rows, *basis]) != len(basis):
        raise AssertionError("an expected quantity is not conserved, or two of them are dependent")
    for vector in basis:  # complete the expected ones to a basis
        if size < len(basis) and rank([*rows, vector]) > size:
            rows, size = [*rows, vector], size + 1
            terms = tuple((*pair, c) for pair, c in zip(pairs, vector, strict=True) if c)
            found.append(Quantity(network, "other", terms))
    return Conserved(network, tuple(found), all(q.name != "other" for q in found))


def _solutions(network: LinearNetwork, pairs: list[tuple[int, int]]) -> list[Vector]:
    """The space of all (q_ef) over ``pairs``, by the equations of the module's docstring."""
    edges = network.edges
    names = [LinearNetwork.weight_name(edge) for edge in edges]
    base, *weights = ring(names, sympy.ZZ)
    equations: list[dict[int, int]] = []
    for entry in _entries(network, base, weights):
        slopes = [entry.diff(w) for w in weights]
        collected: dict[tuple[int, ...], dict[int, int]] = {}
        for n, (e, f) in enumerate(pairs):
            for monomial, coefficient in (weights[e] * slopes[f] + weights[f] * slopes[e]).terms():
                collected.setdefault(monomial, {})[n] = int(coefficient)
        equations += collected.values()
    zero = {next(iter(row)) for row in equations if len(row) == 1}
    unknown = [n for n in range(len(pairs)) if n not in zero]
    distinct = {tuple(sorted((n, c) for n, c in row.items() if n not in zero)) for row in equations} - {()}
    place = {n: k for k, n in enumerate(unknown)}
    table = [[Fraction(0)] * len(unknown) for _ in distinct]
    for line, row in zip(table, sorted(distinct), strict=True):
        for n, x in row:
            line[place[n]] = Fraction(x)
    solutions = []
    for short in nullspace(table, len(unknown)):
        vector = [Fraction(0)] * len(pairs)
        for n, value in zip(unknown, short, strict=True):
            vector[n] = value
        solutions.append(tuple(vector))
    return solutions


def _entries(network: LinearNetwork, base: Any, weights: list[Any]) -> Iterator[Any]:
    """The entries of M at the covered pairs, as polynomials."""
    symbol = dict(zip(network.edges, weights, strict=True))
    product: list[list[Any]] = [[base(int(i == j)) for j in range(network.widths[0])] for i in range(network.widths[0])]
    for l, mask in enumerate(network.masks):
        product = [
            [
                sum((symbol[l, i, k] * product[k][j] for k, x in enumerate(row) if x), base.zero)
                for j in range(network.widths[0])
            ]
            for i, row in enumerate(mask)
        ]
    for o, j in sorted(network.covered):
        yield product[o][j]


def _expected(network: LinearNetwork) -> Iterator[tuple[str, Terms]]:
    """The expected quantities: hidden units, twins, crossed twins, pairs of dead weights; independent."""
    dead = set(dead_weights(network))
    for group in twins(network):
        for a, b in combinations_with_replacement(range(len(group.units)), 2):
            terms: dict[tuple[int, int], Fraction] = {}
            ends = [(zip(group.incoming[a], group.incoming[b], strict=True), 1)]
            ends.append((zip(group.outgoing[:, a], group.outgoing[:, b], strict=True), -1))
            for both, sign in ends:
                for e, f in both:
                    terms[min(int(e), int(f)), max(int(e), int(f))] = Fraction(sign)
            if {e for pair in terms for e in pair} <= dead:
                continue  # among those of the dead weights
            units = (f"{group.layer}.{group.units[a] + 1}", f"{group.layer}.{group.units[b] + 1}")
            name = f"unit {units[0]}" if a == b else f"twins {units[0]}, {units[1]}"
            yield name, tuple((e, f, c) for (e, f), c in sorted(terms.items()))
            if a != b and group.incoming.shape[1] == 1 == group.outgoing.shape[0]:
                (u, v), (x, y) = ((int(group.incoming[k, 0]), int(group.outgoing[0, k])) for k in (a, b))
                yield f"crossed {name}", ((u, y, Fraction(1)), (x, v, Fraction(-1)))
    for e, f in combinations_with_replacement(sorted(dead), 2):
        yield "dead weights", ((e, f, Fraction(1)),)
