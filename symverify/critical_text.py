"""A :class:`~symverify.critical.CriticalSystem` as plain text and as LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sympy

from symverify.critical import CriticalSystem, Dimensions, Expr, RankCondition, SymMatrix
from symverify.data import Data, DataClass

MINORS_SHOWN = 12
TERMS_SHOWN = 60
SIZE_FACTORED = 16
HESSIAN_SHOWN = 12
"""A Hessian is printed up to this number of weights."""
LINE = 80
"""The width of a formula in LaTeX, measured in characters of its plain text."""

# -- plain text -------------------------------------------------------------------------------------------


def _terms(expression: Expr) -> int:
    return len(sympy.Add.make_args(expression))


def _shown(expression: Expr) -> str:
    count = _terms(expression)
    return str(expression) if count <= TERMS_SHOWN else f"... ({count} terms, not printed)"


def text(system: CriticalSystem) -> Iterator[str]:
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


def latex(system: CriticalSystem) -> Iterator[str]:
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
    yield latex_equations(system, "\\begin{align*}", "\\end{align*}")
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


def latex_equations(system: CriticalSystem, begin: str, end: str) -> str:
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
