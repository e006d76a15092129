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
MINORS_SHOWN = 12
TERMS_SHOWN = 60
SIZE_FACTORED = 16
HESSIAN_SHOWN = 12
"""A Hessian is printed up to this number of weights."""
LINE = 80
"""The width of a formula in LaTeX, measured in characters of its plain text."""

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
        return "\n".join(_text(self)) + "\n"

    def latex(self, document: bool = False) -> str:
        """The same as LaTeX (needs amsmath): a fragment, or with ``document`` a file that compiles by itself."""
        body = "\n\n".join(_latex(self)) + "\n"
        if not document:
            return body
        head = [r"\documentclass{article}", r"\usepackage{amsmath}", r"\usepackage[margin=2cm]{geometry}"]
        return "\n".join([*head, r"\allowdisplaybreaks", r"\begin{document}", body + r"\end{document}"]) + "\n"

    def _repr_latex_(self) -> str:
        return _latex_equations(self, "$$\\begin{aligned}", "\\end{aligned}$$")


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


# -- plain text -------------------------------------------------------------------------------------------


def _terms(expression: Expr) -> int:
    return len(sympy.Add.make_args(expression))


def _shown(expression: Expr) -> str:
    count = _terms(expression)
    return str(expression) if count <= TERMS_SHOWN else f"... ({count} terms, not printed)"


def _text(system: CriticalSystem) -> Iterator[str]:
    network = system.network
    yield f"Network {network}: depth {network.depth}, {network.parameters} free weights"
    yield f"Data: {_data_sentence(system)}"
    for l, w in enumerate(system.weights, start=1):
        yield from ["", f"W{l} ="]
        yield from _table(w)
    for name, matrix in (("G", system.gram), ("C", system.cross)):
        yield from ["", f"{name} ="]
        yield from _table(matrix)
    yield from ["", f"Product M = {' '.join(f'W{l}' for l in range(network.depth, 0, -1))}; entries not listed are 0"]
    for o, j in sorted(network.covered):
        yield f"  m{o + 1}_{j + 1} = {_shown(system.product[o, j])}"
    yield from ["", "Residual R = M G - C at the entries of M that some path reaches"]
    for o, j in sorted(network.covered):
        yield f"  r{o + 1}_{j + 1} = {_shown(system.residual[o, j])}"
    yield from ["", "Loss L = 1/2 tr(M G M') - tr(M C') + c0", f"  L = {_shown(system.loss_of_product)}"]
    yield from ["", "Critical points: dL/dw = 0, one equation per free weight"]
    for symbol, equation in zip(system.symbols, system.structured, strict=True):
        yield f"  {symbol}:  {_shown(equation)} = 0" + ("  (the weight does not enter M)" if not equation else "")
    yield from ["", *_text_hessian(system), "", *_text_ranks(system), "", *_dimension_sentences(system.dimensions)]


def _data_sentence(system: CriticalSystem) -> str:
    if isinstance(system.data, Data):
        return f"the numbers below, c0 = {system.constant}"
    if system.data is DataClass.ORTHOGONAL:
        return "orthogonal: G diagonal and positive, C any, c0 >= 1/2 tr(C G^-1 C')"
    return "any: G symmetric and positive semidefinite, C = A G for some A, c0 >= 1/2 tr(A G A')"


def _table(matrix: SymMatrix) -> list[str]:
    cells = [[str(x) for x in row] for row in matrix.tolist()]
    sizes = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  [" + "  ".join(x.rjust(n) for x, n in zip(row, sizes, strict=True)) + "]" for row in cells]


def _text_hessian(system: CriticalSystem) -> Iterator[str]:
    p = system.network.parameters
    if p > HESSIAN_SHOWN:
        yield f"Hessian: {p} x {p}, not printed (more than {HESSIAN_SHOWN} weights); it is system.hessian"
        return
    yield f"Hessian, {p} x {p} and symmetric; entries not listed are 0"
    for e, f in _hessian_entries(system):
        yield f"  {system.symbols[f]}, {system.symbols[e]}:  {_shown(system.structured_hessian[e, f])}"


def _hessian_entries(system: CriticalSystem) -> list[tuple[int, int]]:
    p = system.network.parameters
    return [(e, f) for f in range(p) for e in range(f, p) if system.structured_hessian[e, f]]


def _text_ranks(system: CriticalSystem) -> Iterator[str]:
    yield RANKS_HEAD + ":"
    for condition in system.ranks:
        rows, columns = condition.shape
        name = condition.name + (" = M" if condition.top - condition.bottom == system.network.depth - 1 else "")
        yield f"  {name} ({rows} x {columns}): generic rank {condition.generic}; {_minor_sentence(condition)}"
        yield from (f"    {_shown(_factored(minor))} = 0" for minor in condition.minors[:MINORS_SHOWN])


RANKS_HEAD = (
    "Generic ranks, which are exact (the number of vertex-disjoint paths), and where the rank is smaller;"
    " minors are given once up to sign, without those that are identically zero"
)


def _minor_sentence(condition: RankCondition) -> str:
    if not condition.generic:
        return "it is identically zero"
    head = f"smaller where all minors of size {condition.generic} vanish"
    if not condition.complete:
        return f"{head} ({condition.submatrices} of them, too many or too long: not computed)"
    count = len(condition.minors)
    return f"{head}: {count}" + (f", of which the first {MINORS_SHOWN} are printed" if count > MINORS_SHOWN else "")


def _factored(minor: Expr) -> Expr:
    """In factors where that is fast; else only a common monomial is put in front."""
    if _terms(minor) > TERMS_SHOWN:
        return minor
    fast = _terms(minor) <= SIZE_FACTORED and len(minor.free_symbols) <= SIZE_FACTORED
    return sympy.factor(minor) if fast else sympy.terms_gcd(minor)


def _dimension_sentences(d: Dimensions) -> Iterator[str]:
    """One line per dimension; each says what is exact and what is only a bound."""
    yield f"Dimensions at a random rational point (seed {d.seed}; ranks there are exact)"
    attained = f"dM/dtheta ({d.parameters} weights, {d.reachable} reachable entries of M): rank {d.jacobian_rank} there"
    if d.exact:
        yield f"  {attained}, which is the generic rank (it is also an upper bound)"
    else:
        yield f"  {attained}, a lower bound of the generic rank; an upper bound is {d.jacobian_bound}"
    yield f"  gauge: {d.gauge}" + (f"; with the kernel of G: {d.symmetries}" if d.symmetries > d.gauge else "")
    yield (
        f"  cokernel: {d.cokernel} = {d.reachable} - {d.jacobian_rank}, the room for residuals at critical points of"
        " this rank" + ("" if d.cokernel else ": where the rank is this, every critical point is a global minimum")
    )
    yield (
        f"  fibres beyond the gauge: {d.excess} = {d.parameters} - {d.jacobian_rank} - {d.gauge}"
        + (STRICT_ELSEWHERE if d.excess and d.symmetries == d.gauge else "")
    )


STRICT_ELSEWHERE = (
    "; if these are the generic ranks, a local minimum that is strict modulo gauge can only be where dM/dtheta has a"
    " smaller one"
)


# -- LaTeX ------------------------------------------------------------------------------------------------


def _subscript(*indices: int) -> str:
    return (", " if max(indices) > 8 else "").join(str(x + 1) for x in indices)


def _latex_names(system: CriticalSystem) -> dict[Expr, str]:
    names = {system.constant: "c_0"} if system.constant.is_Symbol else {}
    for (l, i, j), symbol in zip(system.network.edges, system.symbols, strict=True):
        names[symbol] = f"w^{{({l + 1})}}_{{{_subscript(i, j)}}}"
    tables = {
        "m": system.product_symbols,
        "r": system.residual_symbols,
        "g": system.gram,
        "c": system.cross,
    }
    for letter, table in tables.items():
        for o in range(table.rows):
            for j in range(table.cols):
                if table[o, j].is_Symbol:
                    names.setdefault(table[o, j], f"{letter}_{{{_subscript(o, j)}}}")
    return names


class _Printer:
    """Expressions to LaTeX with the names of one system."""

    def __init__(self, system: CriticalSystem) -> None:
        self.names = _latex_names(system)

    def expression(self, value: Expr) -> str:
        return str(sympy.latex(value, symbol_names=self.names))

    def matrix(self, value: SymMatrix) -> str:
        """An array: unlike pmatrix it takes any number of columns."""
        rows = [" & ".join(self.expression(x) for x in row) for row in value.tolist()]
        return r"\left(\begin{array}{" + "c" * int(value.cols) + "}" + r" \\[2pt] ".join(rows) + r"\end{array}\right)"

    def broken(self, value: Expr, suffix: str = "") -> str:
        """A sum in lines that fit a page (as plain text: ``LINE``), for the right of an alignment mark."""
        if _terms(value) > TERMS_SHOWN:
            return rf"\text{{({_terms(value)} terms, not printed)}}"
        if any(len(str(term)) > LINE for term in value.as_ordered_terms()):
            value = sympy.expand(value)
        lines, length = [""], 0
        for term in value.as_ordered_terms():
            piece, size = self.expression(term), len(str(term))
            if length and length + size > LINE:
                lines.append("")
                length = 0
            sign = "" if piece.startswith("-") or (len(lines) == 1 and not length) else "+ "
            lines[-1] += (" " if length else "") + sign + piece
            length += size + 3
        return (" \\\\\n &\\quad {} ").join(lines) + suffix


def _align(lines: Iterable[str]) -> str:
    """An unnumbered alignment; no lines give no environment (amsmath refuses an empty one)."""
    body = " \\\\\n".join(lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}" if body else ""


def _latex(system: CriticalSystem) -> Iterator[str]:
    network, printer = system.network, _Printer(system)
    factors = " ".join(f"W_{{{l}}}" for l in range(network.depth, 0, -1))
    given = [
        *((f"W_{{{l}}}", w) for l, w in enumerate(system.weights, start=1)),
        ("G", system.gram),
        ("C", system.cross),
    ]
    widths = ", ".join(map(str, network.widths))
    yield rf"\paragraph{{Network and data.}} Layers of widths {widths}; {_latex_data(system)}."
    yield _align(f"{name} &= {printer.matrix(value)}" for name, value in given)
    pairs = sorted(network.covered)
    yield rf"\paragraph{{Product.}} $M = {factors}$; entries not listed are zero."
    yield _align(f"m_{{{_subscript(o, j)}}} &= {printer.broken(system.product[o, j])}" for o, j in pairs)
    yield r"\paragraph{Residual.} $R = M G - C$ at the entries of $M$ that some path reaches."
    yield _align(f"r_{{{_subscript(o, j)}}} &= {printer.broken(system.residual[o, j])}" for o, j in pairs)
    yield r"\paragraph{Loss.} $L = \tfrac12 \operatorname{tr}(M G M^\top) - \operatorname{tr}(M C^\top) + c_0$."
    yield _align([f"L &= {printer.broken(system.loss_of_product)}"])
    yield r"\paragraph{Critical points.} One equation per free weight."
    yield _latex_equations(system, "\\begin{align*}", "\\end{align*}")
    yield from _latex_hessian(system, printer)
    yield from _latex_ranks(system, printer)
    lines = [line.strip() for line in _dimension_sentences(system.dimensions)]
    yield r"\paragraph{Dimensions.} " + ".\n".join(map(_latex_words, lines)) + "."


def _latex_data(system: CriticalSystem) -> str:
    if isinstance(system.data, Data):
        return f"the data are numbers, with $c_0 = {sympy.latex(system.constant)}$"
    if system.data is DataClass.ORTHOGONAL:
        return r"orthogonal data: $G$ is diagonal and positive"
    return r"any data: $G$ is symmetric and positive semidefinite, $C = A G$ for some $A$"


def _latex_words(line: str) -> str:
    return line.replace("dM/dtheta", r"$\partial M / \partial \theta$")


def _latex_equations(system: CriticalSystem, begin: str, end: str) -> str:
    printer = _Printer(system)
    lines = [
        rf"\frac{{\partial L}}{{\partial {printer.expression(symbol)}}} &="
        f" {printer.broken(equation, ' = 0' if equation else '')}"
        for symbol, equation in zip(system.symbols, system.structured, strict=True)
    ]
    return "\n".join([begin, " \\\\\n".join(lines), end]) if lines else ""


def _latex_hessian(system: CriticalSystem, printer: _Printer) -> Iterator[str]:
    p = system.network.parameters
    if p > HESSIAN_SHOWN:
        yield rf"\paragraph{{Hessian.}} It is ${p} \times {p}$ and is not printed (more than {HESSIAN_SHOWN} weights)."
        return
    yield rf"\paragraph{{Hessian.}} It is ${p} \times {p}$ and symmetric; entries not listed are zero."
    symbols = [printer.expression(symbol) for symbol in system.symbols]
    yield _align(
        rf"\frac{{\partial^2 L}}{{\partial {symbols[f]} \, \partial {symbols[e]}}}"
        f" &= {printer.broken(system.structured_hessian[e, f])}"
        for e, f in _hessian_entries(system)
    )


def _latex_ranks(system: CriticalSystem, printer: _Printer) -> Iterator[str]:
    yield rf"\paragraph{{Ranks.}} {RANKS_HEAD}."
    for condition in system.ranks:
        name = " ".join(f"W_{{{l}}}" for l in range(condition.top, condition.bottom - 1, -1))
        rows, columns = condition.shape
        yield (
            rf"${name}$ (${rows} \times {columns}$): generic rank {condition.generic}; {_minor_sentence(condition)}."
        )
        yield _align(f"&{printer.broken(_factored(minor))} = 0" for minor in condition.minors[:MINORS_SHOWN])
