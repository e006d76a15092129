"""The critical-point equations, the Hessian and the rank conditions of one network as formulas (sympy).

With ``F_l = W_l ... W_1``, ``B_l = W_L ... W_{l+1}`` and ``R = M G - C``, an edge e = (j -> i) of layer l has

* ``dL/dw_e = sum_o B_l[o, i] (sum_s R[o, s] F_{l-1}[j, s])``,
* for a second edge f = (b -> a) of a layer m <= l, ``d2L/dw_e dw_f = (B_l' B_m)[i, a] (F_{l-1} G F_{m-1}')[j, b]
  + [l > m] (B_l' R F_{m-1}')[i, b] (W_{l-1} ... W_{m+1})[j, a]``.

The data may be numbers or symbols.  Expressions are built from symbols, integers and Fractions only: no text is ever
parsed.  This module serves readers, papers and tests; no proof of the project rests on it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from math import comb, factorial
from typing import Any

import networkx as nx
import sympy

from symverify.data import Data, DataClass
from symverify.exact import Weights, rank
from symverify.loss import jacobian, symmetry_fields, vector_of, weights_of
from symverify.network import Edge, LinearNetwork

__all__ = ["CriticalSystem", "Dimensions", "RankCondition", "derivatives", "derive"]

MAX_WEIGHTS = 60
MAX_PATHS = 1000
MAX_MINOR_TERMS = 20_000
"""The minors of a matrix are computed if their terms are at most so many, by a bound from the numbers of paths."""

Expr = Any
"""A sympy expression, and (below) a sympy matrix: sympy has no types worth checking."""
SymMatrix = Any


# -- what is derived --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RankCondition:
    """When ``P = W_top ... W_bottom`` (layers from 1) has less than its generic rank: where all ``minors`` vanish.

    ``generic`` is the largest number of vertex-disjoint paths through these layers.  This is exact: by
    Lindstroem-Gessel-Viennot a minor is the signed sum of the vertex-disjoint path systems from its columns to its
    rows, and these have distinct monomials, so that nothing cancels.

    ``minors`` are those of size ``generic`` that are not identically zero, each once up to sign; ``complete`` says
    whether they are all there, or were too many or too long to compute (``submatrices`` counts the candidates).
    """

    top: int
    bottom: int
    shape: tuple[int, int]
    generic: int
    minors: tuple[Expr, ...]
    submatrices: int
    complete: bool

    @property
    def name(self) -> str:
        """``W3 W2``, top layer first."""
        return " ".join(f"W{l}" for l in range(self.top, self.bottom - 1, -1))


@dataclass(frozen=True)
class Dimensions:
    """Dimensions at a random rational point, each the exact rank there, with what follows for generic points.

    ``jacobian_rank``: the rank of dM/dtheta at the point, hence a lower bound of the generic rank; ``jacobian_bound``
    is an upper bound of the generic rank, ``min(reachable entries, p - gauge, r (d_x + d_y - r))`` with r the generic
    rank of M and only the inputs and outputs counted that some path joins.  ``gauge``: the rank of the gauge tangents
    (and of the weights that lie on no path); ``symmetries``: the same with the directions that a singular G adds.  If
    the two bounds are equal, the generic rank is known exactly.
    """

    parameters: int
    reachable: int
    jacobian_rank: int
    jacobian_bound: int
    gauge: int
    symmetries: int
    seed: int

    @property
    def exact(self) -> bool:
        """The generic rank of dM/dtheta is ``jacobian_rank``, and not only at least that."""
        return self.jacobian_rank == self.jacobian_bound

    @property
    def cokernel(self) -> int:
        """``reachable - jacobian_rank``: the room for residuals at critical points of full rank."""
        return self.reachable - self.jacobian_rank

    @property
    def excess(self) -> int:
        """``p - jacobian_rank - gauge``: by how much the fibres of M are larger than the gauge orbits."""
        return self.parameters - self.jacobian_rank - self.gauge


@dataclass(frozen=True)
class CriticalSystem:
    """The formulas of one network, from :func:`derive`.

    ``symbols`` are the weights in the order of ``network.edges``; ``weights``, ``product`` (M), ``gram``, ``cross`` and
    ``constant`` are sympy objects; ``product_symbols`` and ``residual_symbols`` name the entries of M and R that some
    path reaches, and ``structured`` are the equations with these names in place of the entries of R.
    """

    network: LinearNetwork
    data: Data | DataClass
    symbols: tuple[Expr, ...]
    weights: tuple[SymMatrix, ...]
    product: SymMatrix
    gram: SymMatrix
    cross: SymMatrix
    constant: Expr
    product_symbols: SymMatrix
    residual_symbols: SymMatrix
    structured: tuple[Expr, ...]
    ranks: tuple[RankCondition, ...]
    dimensions: Dimensions

    # -- formulas ---------------------------------------------------------------------------------------

    @cached_property
    def residual(self) -> SymMatrix:
        """``R = M G - C``, expanded, ``d_y x d_x``."""
        return sympy.ImmutableMatrix((self.product * self.gram - self.cross).applyfunc(sympy.expand))

    @cached_property
    def loss_of_product(self) -> Expr:
        """``L = 1/2 tr(M G M') - tr(M C') + c0`` in the symbols of M's entries."""
        m = self.product_symbols
        return sympy.expand((m * self.gram * m.T).trace() / 2 - (m * self.cross.T).trace() + self.constant)

    @cached_property
    def loss(self) -> Expr:
        """L in the weights, not expanded."""
        return self.loss_of_product.xreplace(self._entries(self.product_symbols, self.product))

    @cached_property
    def equations(self) -> tuple[Expr, ...]:
        """``dL/dw_e`` in the weights, one per free weight in the order of ``symbols``, not expanded."""
        values = self._entries(self.residual_symbols, self.residual)
        return tuple(equation.xreplace(values) for equation in self.structured)

    @cached_property
    def structured_hessian(self) -> SymMatrix:
        """The Hessian, ``p x p``, with symbols for the entries of R."""
        return _hessian(self)

    @cached_property
    def hessian(self) -> SymMatrix:
        """The Hessian in the weights, ``p x p``, not expanded."""
        return self.structured_hessian.xreplace(self._entries(self.residual_symbols, self.residual))

    def _entries(self, names: SymMatrix, values: SymMatrix) -> dict[Expr, Expr]:
        return {names[o, j]: values[o, j] for o, j in sorted(self.network.covered)}

    def substitution(self, weights: Weights) -> dict[Expr, Expr]:
        """The symbols of the weights with their values, for ``expression.xreplace(...)``.

        >>> system = derive(LinearNetwork.dense(1, 1, 1), Data.whitened([[2]]))
        >>> point = weights_of(system.network, [3, 1])
        >>> [equation.xreplace(system.substitution(point)) for equation in system.equations]
        [1, 3]
        """
        values = vector_of(self.network, weights)
        return {symbol: _number(x) for symbol, x in zip(self.symbols, values, strict=True)}

    # -- showing ----------------------------------------------------------------------------------------

    def text(self) -> str:
        """All of it as plain text; what is too long to print is replaced by a line that says so."""
        from symverify.critical_text import text

        return "\n".join(text(self)) + "\n"

    def latex(self, document: bool = False) -> str:
        """The same as LaTeX (needs amsmath): a fragment, or with ``document`` a file that compiles by itself."""
        from symverify.critical_text import latex

        body = "\n\n".join(latex(self)) + "\n"
        if not document:
            return body
        head = [r"\documentclass{article}", r"\usepackage{amsmath}", r"\usepackage[margin=2cm]{geometry}"]
        return "\n".join([*head, r"\allowdisplaybreaks", r"\begin{document}", body + r"\end{document}"]) + "\n"

    def _repr_latex_(self) -> str:
        from symverify.critical_text import latex_equations

        return latex_equations(self, "$$\\begin{aligned}", "\\end{aligned}$$")


# -- deriving ---------------------------------------------------------------------------------------------


def derive(network: LinearNetwork, data: Data | DataClass | None = None, *, seed: int = 0) -> CriticalSystem:
    """The critical-point equations, Hessian, rank conditions and dimensions of a network.

    Args:
        data: numbers, or a class of data: ``ANY`` (also None) writes a symmetric symbolic G and a symbolic C,
            ``ORTHOGONAL`` a diagonal one with positive entries.
        seed: of the random rational point at which the dimensions are computed.

    Raises:
        ValueError: more than 60 free weights, or more than 1000 paths from inputs to outputs; data of other sizes.

    Example:
        >>> system = derive(LinearNetwork.from_masks([[[1, 0], [1, 1]], [[1, 1]]]), DataClass.ORTHOGONAL)
        >>> system.structured[:2]
        (r1_1*w2_1_1, r1_1*w2_1_2)
        >>> system.residual[0, 0]
        -c1_1 + g1_1*w1_1_1*w2_1_1 + g1_1*w1_2_1*w2_1_2
        >>> system.dimensions.cokernel, system.dimensions.gauge
        (0, 3)
    """
    _check_size(network)
    data = DataClass.ANY if data is None else data
    gram, cross, constant = _moments(network, data)
    symbols = tuple(sympy.Symbol(network.weight_name(edge), real=True) for edge in network.edges)
    weights = _symbolic_weights(network, dict(zip(network.edges, symbols, strict=True)))
    forward, backward = _chains(network, weights)
    residuals = _named("r", network)
    structured = tuple(
        _bilinear(backward[l + 1][:, i], residuals, forward[l][j, :], network.covered) for l, i, j in network.edges
    )
    return CriticalSystem(
        network=network,
        data=data,
        symbols=symbols,
        weights=weights,
        product=forward[-1],
        gram=gram,
        cross=cross,
        constant=constant,
        product_symbols=_named("m", network),
        residual_symbols=residuals,
        structured=structured,
        ranks=tuple(_rank_conditions(network, weights)),
        dimensions=_dimensions(network, data, seed),
    )


def derivatives(system: CriticalSystem) -> tuple[tuple[Expr, ...], SymMatrix]:
    """Gradient and Hessian by differentiating the expanded loss: independent of the formulas above, and slower.

    >>> gradient, hessian = derivatives(derive(LinearNetwork.dense(1, 1, 1), Data.whitened([[2]])))
    >>> gradient[0]
    w1_1_1*w2_1_1**2 - 2*w2_1_1
    >>> hessian
    Matrix([
    [          w2_1_1**2, 2*w1_1_1*w2_1_1 - 2],
    [2*w1_1_1*w2_1_1 - 2,           w1_1_1**2]])
    """
    if not system.symbols:
        return (), sympy.ImmutableMatrix()
    m = system.weights[0]
    for w in system.weights[1:]:
        m = w * m
    loss = (m * system.gram * m.T).trace() / 2 - (m * system.cross.T).trace() + system.constant
    poly = sympy.Poly(loss, *system.symbols)
    first = [poly.diff(symbol) for symbol in system.symbols]
    second = [[slope.diff(symbol).as_expr() for symbol in system.symbols] for slope in first]
    return tuple(slope.as_expr() for slope in first), sympy.ImmutableMatrix(second)


def _check_size(network: LinearNetwork) -> None:
    remedy = "derive a part of it, such as network.induced(inputs, outputs).network"
    if network.parameters > MAX_WEIGHTS:
        raise ValueError(
            f"{network.parameters} free weights, more than the {MAX_WEIGHTS} that formulas are made for; {remedy}"
        )
    counts = [1] * network.widths[0]
    for mask in network.masks:
        counts = [sum(x * c for x, c in zip(row, counts, strict=True)) for row in mask]
    if sum(counts) > MAX_PATHS:
        raise ValueError(
            f"{sum(counts)} paths from inputs to outputs, more than the {MAX_PATHS} that formulas are made for;"
            f" {remedy}"
        )


def _number(x: Fraction) -> Expr:
    return sympy.Rational(x.numerator, x.denominator)


def _moments(network: LinearNetwork, data: Data | DataClass) -> tuple[SymMatrix, SymMatrix, Expr]:
    inputs, outputs = network.widths[0], network.widths[-1]
    if isinstance(data, Data):
        if (len(data.gram), len(data.cross)) != (inputs, outputs):
            raise ValueError(
                f"data: {len(data.gram)} inputs and {len(data.cross)} outputs, but the network has {inputs} and"
                f" {outputs}; give data of the sizes of the network"
            )
        gram, cross = ([[_number(x) for x in row] for row in matrix] for matrix in (data.gram, data.cross))
        return sympy.ImmutableMatrix(gram), sympy.ImmutableMatrix(cross), _number(data.constant)
    sign = {"positive": True} if data is DataClass.ORTHOGONAL else {"nonnegative": True}

    def entry(i: int, j: int) -> Expr:
        if i == j:
            return sympy.Symbol(f"g{i + 1}_{i + 1}", **sign)
        i, j = sorted((i, j))
        return sympy.Integer(0) if data is DataClass.ORTHOGONAL else sympy.Symbol(f"g{i + 1}_{j + 1}", real=True)

    gram = sympy.ImmutableMatrix(inputs, inputs, entry)
    cross = sympy.ImmutableMatrix(outputs, inputs, lambda o, j: sympy.Symbol(f"c{o + 1}_{j + 1}", real=True))
    return gram, cross, sympy.Symbol("c0", nonnegative=True)


def _symbolic_weights(network: LinearNetwork, symbol: dict[Edge, Expr]) -> tuple[SymMatrix, ...]:
    return tuple(
        sympy.ImmutableMatrix([[symbol.get((l, i, j), 0) for j in range(len(row))] for i, row in enumerate(mask)])
        for l, mask in enumerate(network.masks)
    )


def _named(letter: str, network: LinearNetwork) -> SymMatrix:
    """``d_y x d_x`` symbols such as ``r1_2`` at the reachable entries, zeros elsewhere."""

    def entry(o: int, j: int) -> Expr:
        covered = (int(o), int(j)) in network.covered
        return sympy.Symbol(f"{letter}{o + 1}_{j + 1}", real=True) if covered else sympy.Integer(0)

    return sympy.ImmutableMatrix(network.widths[-1], network.widths[0], entry)


def _chains(network: LinearNetwork, weights: Iterable[SymMatrix]) -> tuple[list[SymMatrix], list[SymMatrix]]:
    """Expanded ``forward[l] = W_l ... W_1`` and ``backward[l] = W_L ... W_{l+1}``."""
    layers = list(weights)
    forward, backward = [sympy.eye(network.widths[0])], [sympy.eye(network.widths[-1])]
    for w in layers:
        forward.append((w * forward[-1]).applyfunc(sympy.expand))
    for w in reversed(layers):
        backward.insert(0, (backward[0] * w).applyfunc(sympy.expand))
    return [sympy.ImmutableMatrix(f) for f in forward], [sympy.ImmutableMatrix(b) for b in backward]


def _bilinear(column: SymMatrix, middle: SymMatrix, row: SymMatrix, pairs: Iterable[tuple[int, int]]) -> Expr:
    """``sum_o column[o] (sum_j middle[o, j] row[j])`` over the pairs (o, j)."""
    inner: dict[int, Expr] = {}
    for o, j in sorted(pairs):
        inner[o] = inner.get(o, 0) + middle[o, j] * row[j]
    return sympy.Add(*(column[o] * value for o, value in inner.items()))


def _hessian(system: CriticalSystem) -> SymMatrix:
    network, gram, rest = system.network, system.gram, system.residual_symbols
    forward, backward = _chains(network, system.weights)
    inputs = [(s, t) for s in range(network.widths[0]) for t in range(network.widths[0])]
    between = _between(network, system.weights)
    values = sympy.zeros(network.parameters, network.parameters)
    for e, (l, i, j) in enumerate(network.edges):
        for f, (m, a, b) in enumerate(network.edges[: e + 1]):
            outer = (backward[l + 1][:, i].T * backward[m + 1][:, a])[0]
            value = outer * _bilinear(forward[l][j, :].T, gram, forward[m][b, :], inputs) if outer else outer
            link = between[l, m][j, a] if l > m else 0
            if link:
                value += link * _bilinear(backward[l + 1][:, i], rest, forward[m][b, :], network.covered)
            values[e, f] = values[f, e] = value
    return sympy.ImmutableMatrix(values)


def _between(network: LinearNetwork, weights: tuple[SymMatrix, ...]) -> dict[tuple[int, int], SymMatrix]:
    """``W_{l-1} ... W_{m+1}`` for layers ``l > m`` counted from 0, expanded."""
    found = {}
    for l in range(1, network.depth):
        link = sympy.eye(network.widths[l])
        for m in range(l - 1, -1, -1):
            found[l, m] = link
            link = (link * weights[m]).applyfunc(sympy.expand)
    return found


# -- ranks and dimensions ---------------------------------------------------------------------------------


def _rank_conditions(network: LinearNetwork, weights: tuple[SymMatrix, ...]) -> Iterator[RankCondition]:
    """For every ``W_top ... W_bottom``, shorter products first."""
    products = {(l, l): w for l, w in enumerate(weights, start=1)}
    for length in range(network.depth):
        for bottom in range(1, network.depth - length + 1):
            top = bottom + length
            if length:
                products[top, bottom] = (weights[top - 1] * products[top - 1, bottom]).applyfunc(sympy.expand)
            yield _rank_condition(products[top, bottom], top, bottom, _disjoint_paths(network, bottom - 1, top))


def _disjoint_paths(network: LinearNetwork, first: int, last: int) -> int:
    """The largest number of vertex-disjoint paths from node layer ``first`` to node layer ``last``."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["source", "sink"])
    for l in range(first, last + 1):
        for v in range(network.widths[l]):
            graph.add_edge((l, v, "in"), (l, v, "out"), capacity=1)
    graph.add_edges_from(("source", (first, v, "in")) for v in range(network.widths[first]))
    graph.add_edges_from(((last, v, "out"), "sink") for v in range(network.widths[last]))
    graph.add_edges_from(((l, j, "out"), (l + 1, i, "in")) for l, i, j in network.edges if first <= l < last)
    return int(nx.maximum_flow_value(graph, "source", "sink"))


def _rank_condition(matrix: SymMatrix, top: int, bottom: int, generic: int) -> RankCondition:
    rows, columns = matrix.shape
    candidates = comb(rows, generic) * comb(columns, generic)
    longest = max(len(sympy.Add.make_args(x)) for x in matrix)
    small = candidates * factorial(generic) * longest**generic <= MAX_MINOR_TERMS
    minors = tuple(_minors(matrix, generic)) if small and generic else ()
    return RankCondition(top, bottom, (rows, columns), generic, minors, candidates, small)


def _minors(matrix: SymMatrix, size: int) -> list[Expr]:
    """Those that are not identically zero, each once up to sign; computed in a polynomial ring, which is fast."""
    ring = sympy.polys.rings.PolyRing(sorted(matrix.free_symbols, key=str), sympy.ZZ)
    rows = [[ring.from_expr(x) for x in row] for row in matrix.tolist()]
    found: dict[Any, None] = {}
    for chosen in combinations(rows, size):
        for picked in combinations(range(matrix.cols), size):
            minor = _determinant([[row[j] for j in picked] for row in chosen])
            if minor and -minor not in found:
                found[minor] = None
    return [minor.as_expr() for minor in found]


def _determinant(rows: list[list[Any]]) -> Any:
    """Laplace expansion along the first row: no division, and zeros cost nothing."""
    if len(rows) == 1:
        return rows[0][0]
    return sum((-1) ** k * x * _determinant([r[:k] + r[k + 1 :] for r in rows[1:]]) for k, x in enumerate(rows[0]) if x)


def _dimensions(network: LinearNetwork, data: Data | DataClass, seed: int) -> Dimensions:
    generator = random.Random(seed)
    values = [generator.choice((-1, 1)) * generator.randint(1, 10**4) for _ in network.edges]
    point = weights_of(network, values)
    inputs, outputs = network.widths[0], network.widths[-1]
    plain = Data.whitened([[0] * inputs for _ in range(outputs)])
    gauge = rank(symmetry_fields(network, point, plain))
    symmetries = rank(symmetry_fields(network, point, data)) if isinstance(data, Data) else gauge
    thin = _disjoint_paths(network, 0, network.depth)
    used = len({j for _, j in network.covered}) + len({o for o, _ in network.covered})
    bound = min(len(network.covered), network.parameters - gauge, thin * (used - thin))
    return Dimensions(
        parameters=network.parameters,
        reachable=len(network.covered),
        jacobian_rank=rank(jacobian(network, point)),
        jacobian_bound=bound,
        gauge=gauge,
        symmetries=symmetries,
        seed=seed,
    )
