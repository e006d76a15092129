"""Charts at a minimum that is strict modulo the scalings of units, and the valley and the basin around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import isqrt

import numpy as np

from symverify.certify import SymverifyError, polish
from symverify.data import Data
from symverify.exact import Weights, inertia, rank
from symverify.loss import BatchedLoss, Floats, gradient, hessian, vector_of, weights_of
from symverify.network import Edge, LinearNetwork
from symverify.witness import accepted

from .certificates import Basin, Chart, Valley


class NoChart(SymverifyError):
    """The point is no minimum strict modulo the scalings of units, or no radius was found."""


def valley(network: LinearNetwork, data: Data, point: Weights) -> Valley:
    """A valley at a local minimum, exact or (nearly) known; accepted by the checker.

    Raises:
        NoChart: scalings do not explain the kernel of the Hessian; no radius was found for which the bounds hold; a
            scaled unit lies on no path of weights that stay away from zero.
    """
    where: Chart | None = None
    for chart in charts(network, data, point):
        where = chart
        paths = _alive_paths(chart)
        if paths is None:
            continue
        certificate = Valley(chart, paths)
        if accepted(certificate) is not None:
            return certificate
    raise NoChart("no radius was found" if where is None else "a scaled unit may lose all its weights on the box")


def basin(network: LinearNetwork, data: Data, point: Weights) -> Basin:
    """A ball around a local minimum, exact or (nearly) known, from which gradient flow provably converges to a minimum
    of the same loss; accepted by the checker.  The largest one of those tried.

    Raises:
        NoChart: as for :func:`valley`.
    """
    best: Basin | None = None
    for chart in charts(network, data, point):
        for certificate in _basins(chart):
            if best is not None and certificate.radius <= best.radius:
                break
            if accepted(certificate) is not None:
                best = certificate
                break
    if best is None:
        raise NoChart("no radius was found for a basin")
    return best


def charts(network: LinearNetwork, data: Data, point: Weights) -> Iterator[Chart]:
    """Charts at the point, or at the critical point that Newton's method finds from it, from large radii to small ones.

    Raises:
        NoChart: the scalings do not explain the kernel of the Hessian.
    """
    live = _live(network)
    units, frozen = _frozen(network, point, live)
    free = [n for n, edge in enumerate(network.edges) if edge in live and edge not in frozen]
    if any(gradient(network, point, data)):
        theta = np.array([float(x) for x in vector_of(network, point)])
        try:
            point = weights_of(network, polish(network, data, theta, free, 40))
        except SymverifyError as error:
            raise NoChart(str(error)) from None
    matrix = hessian(network, point, data)
    reduced = np.array([[float(matrix[m][n]) for n in free] for m in free]).reshape(len(free), len(free))
    lowest = float(np.linalg.eigvalsh(reduced)[0]) if free else 1.0
    if lowest <= 1e-9 * (1 + float(np.abs(reduced).max(initial=0.0))):
        raise NoChart(f"modulo scalings the Hessian has the smallest eigenvalue {lowest:.3g}")
    squared = sum((x * x for x in gradient(network, point, data)), Fraction(0))
    slope = Fraction(isqrt(int(squared * 4**200)) + 1, 2**200) if squared else Fraction(0)
    theta = np.array([float(x) for x in vector_of(network, point)])
    for exponent in range(1, 24):
        change = spread(network, data, theta, free, 2.0**-exponent)
        if change < 0.9 * lowest:
            curvature = Fraction(int((lowest - change) * 0.99 * 2**24), 2**24)
            if curvature > 0:
                yield Chart(network, data, point, units, frozen, Fraction(1, 2**exponent), curvature, slope)


def is_chartable(network: LinearNetwork, data: Data, point: Weights) -> bool:
    """Whether an exact critical point is a minimum strict modulo scalings (and dead weights), by the inertia."""
    live = _live(network)
    if any(gradient(network, point, data)):
        return False
    _, nullity, negative = inertia(hessian(network, point, data))
    dead = network.parameters - len(live)
    return not negative and len(_frozen(network, point, live)[0]) + dead == nullity


def spread(network: LinearNetwork, data: Data, theta: Floats, edges: Sequence[int], radius: float) -> float:
    """A bound on the change of the Hessian by these edges if they move by at most ``radius``, in floats."""
    model = BatchedLoss(network)
    small = np.abs(theta)[None]
    large = small.copy()
    large[:, list(edges)] += radius
    gram = np.abs(np.array([[float(x) for x in row] for row in data.gram]))
    cross = -np.abs(np.array([[float(x) for x in row] for row in data.cross]))
    change = (model.hessian(large, gram, cross) - model.hessian(small, gram, cross))[0]
    return float(np.abs(change[np.ix_(edges, edges)]).sum(axis=1).max(initial=0.0))


def _live(network: LinearNetwork) -> frozenset[Edge]:
    return frozenset((l, i, j) for l, i, j in network.edges if network.inputs_of(l, j) and network.outputs_of(l + 1, i))


def character(edge: Edge, units: Sequence[tuple[int, int]]) -> list[int]:
    """How the scaling of each unit multiplies the weight: 1 into the unit, -1 out of it, else 0."""
    l, i, j = edge
    return [int(unit == (l + 1, i)) - int(unit == (l, j)) for unit in units]


def _frozen(
    network: LinearNetwork, point: Weights, live: frozenset[Edge]
) -> tuple[tuple[tuple[int, int], ...], tuple[Edge, ...]]:
    """Units that can be scaled independently, and as many edges that determine the scalings, the largest first."""
    nonzero = sorted((e for e in live if point[e[0]][e[1]][e[2]]), key=lambda e: (-abs(point[e[0]][e[1]][e[2]]), e))
    units: list[tuple[int, int]] = []
    for unit in ((l, v) for l in range(1, network.depth) for v in range(network.widths[l])):
        if rank([character(edge, [*units, unit]) for edge in nonzero]) > len(units):
            units.append(unit)
    frozen: list[Edge] = []
    for edge in nonzero:
        if rank([character(e, units) for e in [*frozen, edge]]) > len(frozen):
            frozen.append(edge)
    return tuple(units), tuple(frozen)


def _alive_paths(chart: Chart) -> tuple[tuple[int, ...], ...] | None:
    """A path through every scaled unit on which no weight vanishes on the box; None if there is none."""
    network, depth = chart.network, chart.network.depth
    alive = {
        (l, i, j)
        for l, i, j in network.edges
        if abs(chart.point[l][i][j]) > (0 if (l, i, j) in chart.frozen else chart.radius)
    }
    below: dict[tuple[int, int], int] = {}
    above: dict[tuple[int, int], int] = {}
    for l, i, j in sorted(alive):
        if l == 0 or (l, j) in below:
            below.setdefault((l + 1, i), j)
    for l, i, j in sorted(alive, reverse=True):
        if l == depth - 1 or (l + 1, i) in above:
            above.setdefault((l, j), i)
    paths = []
    for l, v in chart.units:
        if (l, v) not in below or (l, v) not in above:
            return None
        nodes = [v]
        for m in range(l, 0, -1):
            nodes.insert(0, below[m, nodes[0]])
        for m in range(l, depth):
            nodes.append(above[m, nodes[-1]])
        paths.append(tuple(nodes))
    return tuple(dict.fromkeys(paths))


def _basins(chart: Chart) -> Iterator[Basin]:
    """Basins that should hold in this chart, by the formulas of the lemma in floats, the larger first."""
    network = chart.network
    live = _live(network)
    theta = np.array([float(x) for x in vector_of(network, chart.point)])
    numbers = [n for n, edge in enumerate(network.edges) if edge in live]
    free = [n for n in numbers if network.edges[n] not in chart.frozen]
    fixed = [abs(theta[n]) for n, edge in enumerate(network.edges) if edge in chart.frozen]
    powers = _powers(chart, live)
    rows = np.array([[float(x) for x in row] for row in hessian(network, chart.point, chart.data)])
    norm = float(np.abs(rows[np.ix_(numbers, numbers)]).sum(axis=1).max(initial=0.0))
    found = []
    for exponent in range(1, 14):
        reach = (
            float(chart.radius) * (1 - 2.0**-exponent) if exponent == 1 else float(chart.radius) * 2.0 ** (1 - exponent)
        )
        if fixed and reach >= min(fixed):
            continue
        factor = 1.0 if not fixed else (1 - reach / min(fixed)) ** -powers
        if any((abs(theta[n]) + reach) * (factor - 1) + reach > float(chart.radius) for n in free):
            continue
        steep = norm + spread(network, chart.data, theta, numbers, reach)
        ratio = (steep / (float(chart.curvature) / factor**2)) ** 0.5
        size = reach / (1 + ratio)
        found.append((size, reach))
    for size, reach in sorted(found, reverse=True):
        grain = 2 ** (12 - int(np.floor(np.log2(size))))
        yield Basin(chart, Fraction(reach), Fraction(int(size * 0.99 * grain), grain))


def _powers(chart: Chart, live: frozenset[Edge]) -> int:
    if not chart.units:
        return 0
    matrix = np.array([character(edge, chart.units) for edge in chart.frozen], dtype=float)
    exponents = np.array([character(edge, chart.units) for edge in sorted(live)], dtype=float) @ np.linalg.inv(matrix)
    return int(np.ceil(np.abs(exponents).sum(axis=1).max() - 1e-9))
