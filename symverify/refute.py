"""Spurious local minima of small two-layer structures, systematically: the residual first, then the point.

With units ``k`` on inputs ``S_k`` and outputs ``T_k``, ``M = sum_k u_k w_k'`` and ``R_k = R[T_k, S_k]``, a point is
critical iff ``R_k w_k = 0`` and ``R_k' u_k = 0`` for all k.  So for a given R the critical points are a linear space
``E_R`` (for the data ``C = M G - t R``), and with J = dM/dtheta the Hessian is ``J' (G x 1) J + t K``,
``K = hessian of tr(R' M)``.  For small t > 0 it is positive semidefinite iff K is so on ker J with kernel
``ker J & ker K = ker J & E_R`` there; G does not enter.  If that holds at a point of E_R, and the fibre of M in E_R
is a manifold, it holds at all points of E_R near it: points of small integers in general position suffice.

R may be taken up to scaling of rows and columns (which maps ``R_k``, ``E_R`` and the two conditions along).  Two facts
prune the list, both by the same remark that a kernel vector v of ``K`` on ker J has ``K v = 0``: if ``R_k != 0``, then
``u_k != 0`` and ``w_k != 0``; hence ``R_k`` is singular on both sides, and zero if unit k has one input or one output.

Everything here is a proposal; a witness counts because the checker accepts it.  Nothing found proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from itertools import combinations, islice
from itertools import product as iterproduct

import numpy as np
from numpy.typing import NDArray

from symverify.certificate import CriticalFamily, CriticalFibre, SpuriousMinimum
from symverify.certify import exact_certificates
from symverify.data import Data, DataClass
from symverify.exact import Matrix, Weights, as_matrix, nullspace
from symverify.loss import BatchedLoss, Floats, loss, product, weights_of
from symverify.network import Edge, LinearNetwork, SubNetwork
from symverify.search import Candidate, descend, first_minimum, random_starts, rationalise
from symverify.witness import accepted, carried, extend, relabelled

Integers = NDArray[np.int64]

POINTS = 6
"""Points in general position per residual."""
SPECIAL = (150, 50, 15)
"""Points with units switched off and with zeros per residual of one, of two, and of more entries."""
ZEROS = (0.0, 0.15, 0.4)
"""Shares of zeros among the weights that may have any value."""
CHUNK = 1500
"""Points that are tested at once."""
TESTED = 12
"""Local minima per chunk for which a better point is sought, in the first round."""
STARTS = 16
"""Random starts of the search for a better point."""
CORRELATED = 4
"""Random Gram matrices per local minimum, for correlated data."""
MAX_SEARCHED = 3
"""Inputs and outputs up to which residuals are listed."""
PASSES, USELESS = 8, 1200
"""For minima whose fibre is not smooth: times that all residuals are tried, points for each."""
SMALL = 1 / 64
"""The multiple of the residual at which the Hessian is first tested."""
SCALES = np.array([6, 4, 3, 2, 3 / 2, 1, 3 / 4, 1 / 2, 1 / 3, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64])


# -- residuals --------------------------------------------------------------------------------------------


def residuals(network: LinearNetwork) -> Integers:
    """Residuals with entries 0, 1, -1, up to signs of rows and columns, that a local minimum may have, by size.

    Shape ``(n, d_y, d_x)``.  They vanish on uncovered entries and on the blocks of units with one input or output;
    all blocks R_k are singular on both sides.

    Raises:
        ValueError: more than two layers, or more than three inputs or outputs.

    >>> [r.tolist() for r in residuals(LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2])))]
    [[[0, 1], [0, 0]], [[0, 0], [1, 0]], [[0, 0], [0, 1]], [[0, 1], [0, 1]], [[0, 0], [1, 1]]]
    """
    if network.depth != 2 or max(network.widths[0], network.widths[2]) > MAX_SEARCHED:
        raise ValueError("residuals are listed for two layers and up to three inputs and outputs")
    units = _units(network)
    allowed = np.zeros((3, 3), dtype=bool)
    for o, j in network.covered:
        allowed[o, j] = all(min(len(s), len(t)) > 1 for s, t in units if j in s and o in t)
    matrices = _signed_matrices()
    matrices = matrices[~(matrices != 0)[:, ~allowed].any(axis=1)]
    for inputs, outputs in units:
        matrices = matrices[_singular(matrices[:, outputs][:, :, inputs])]
    return np.asarray(matrices[:, : network.widths[2], : network.widths[0]])


def _units(network: LinearNetwork) -> list[tuple[list[int], list[int]]]:
    """Inputs and outputs of the hidden units."""
    first, second = network.masks
    return [
        ([j for j, x in enumerate(row) if x], [o for o, line in enumerate(second) if line[k]])
        for k, row in enumerate(first)
    ]


def _singular(blocks: Integers) -> NDArray[np.bool_]:
    """Which blocks have a non-zero kernel on both sides: all maximal minors vanish, of one size less if not square."""
    rows, columns = blocks.shape[1:]
    size = min(rows, columns)
    good = np.ones(len(blocks), dtype=bool)
    for i in combinations(range(rows), size):
        for j in combinations(range(columns), size):
            good &= np.abs(np.linalg.det(blocks[:, i][:, :, j].astype(float))) < 0.5
    return good


@lru_cache(maxsize=1)
def _signed_matrices() -> Integers:
    """All non-zero 3 x 3 matrices of 0, 1, -1 up to signs of rows and columns, those with few entries first."""
    digits = np.array(np.unravel_index(np.arange(3**9), (3,) * 9)).T - 1
    weights = 3 ** np.arange(8, -1, -1)
    signs = np.array(np.unravel_index(np.arange(64), (2,) * 6)).T * 2 - 1
    flips = (signs[:, :3, None] * signs[:, None, 3:]).reshape(64, 9)
    codes = np.stack([(digits * flip) @ weights for flip in np.unique(flips, axis=0)])
    first = digits[(digits @ weights == codes.max(axis=0)) & (digits != 0).any(axis=1)]
    order = np.lexsort((-(first @ weights), np.abs(first).sum(axis=1)))
    return np.asarray(first[order].reshape(-1, 3, 3))


# -- points -----------------------------------------------------------------------------------------------


@cache
def _kernel(block: Matrix) -> tuple[tuple[int, ...], ...]:
    """An integer basis of the kernel of an integer matrix (entries 0, 1, -1, at most 3 x 3)."""
    result = []
    for vector in nullspace(block, len(block[0])):
        common = int(np.lcm.reduce([x.denominator for x in vector]))
        result.append(tuple(int(x * common) for x in vector))
    return tuple(result)


def critical_space(network: LinearNetwork, rest: Integers) -> Integers:
    """A basis of ``E_R``: the rows are points over ``network.edges``, with ``R_k w_k = 0`` and ``R_k' u_k = 0``."""
    position = {edge: n for n, edge in enumerate(network.edges)}
    rows = []
    for k, (inputs, outputs) in enumerate(_units(network)):
        block = rest[np.ix_(outputs, inputs)]
        sides = ((block, [position[0, k, j] for j in inputs]), (block.T, [position[1, o, k] for o in outputs]))
        for matrix, places in sides:
            for vector in _kernel(tuple(tuple(int(x) for x in row) for row in matrix)):
                row = np.zeros(network.parameters, dtype=np.int64)
                row[places] = vector
                rows.append(row)
    return np.array(rows)


@dataclass(frozen=True)
class _Minimum:
    """A small-integer point and a residual with which it is a local minimum for small t (in floats)."""

    theta: Integers
    rest: Integers
    nullity: int
    strict: bool


def sample(network: LinearNetwork, rest: Integers, rng: np.random.Generator, effort: int = 1) -> Integers:
    """Points of ``E_R``, ``(n, p)``: POINTS in general position, ``effort`` times SPECIAL with dead units and zeros."""
    basis = critical_space(network, rest)
    special = effort * SPECIAL[min(int(np.count_nonzero(rest)), 3) - 1]
    size = (POINTS + special, len(basis))
    factors = rng.integers(1, 4, size=size) * rng.choice([-1, 1], size=size)
    theta = factors @ basis
    position = {edge: n for n, edge in enumerate(network.edges)}
    alive = np.ones((special, network.parameters), dtype=bool)
    for k, (inputs, outputs) in enumerate(_units(network)):
        if rest[np.ix_(outputs, inputs)].any():
            continue
        fate = rng.random(special)
        for low, edges in ((0.0, [(0, k, j) for j in inputs]), (0.25, [(1, o, k) for o in outputs])):
            places = [position[edge] for edge in edges]
            off = (low <= fate) & (fate < low + 0.25)
            alive[np.flatnonzero(off)[:, None], np.array(places)] = False
    free = [position[edge] for edge in free_edges(network, rest)]
    alive[:, free] &= rng.random((special, len(free))) >= rng.choice(ZEROS, size=(special, 1))
    theta[POINTS:] *= alive
    return np.asarray(theta)


def _batches(network: LinearNetwork, rng: np.random.Generator, effort: int) -> Iterator[tuple[Integers, Integers]]:
    """Points with their residuals, about CHUNK at once."""
    points: list[Integers] = []
    rests: list[Integers] = []
    for rest in residuals(network):
        points.append(sample(network, rest, rng, effort))
        rests.append(np.repeat(rest[None], len(points[-1]), axis=0))
        if sum(map(len, points)) >= CHUNK:
            yield np.concatenate(points), np.concatenate(rests)
            points, rests = [], []
    if points:
        yield np.concatenate(points), np.concatenate(rests)


def local_minima(network: LinearNetwork, theta: Integers, rest: Integers) -> list[_Minimum]:
    """Those points ``theta`` of the critical spaces of ``rest`` where the Hessian is positive semidefinite."""
    model = BatchedLoss(network)
    gram = np.eye(network.widths[0])
    stack = model.gauss_newton(theta.astype(float), gram) + SMALL * model.curvature(
        theta.astype(float), rest.astype(float)
    )
    spectrum = np.linalg.eigvalsh(stack)
    good = np.flatnonzero(spectrum[:, 0] > -1e-8)
    nullity = (spectrum < 1e-8).sum(axis=1)
    gauge = _gauge(network, theta[good])
    ranks = np.linalg.matrix_rank(gauge) if gauge.size else np.zeros(len(good), dtype=int)
    return [
        _Minimum(theta[n], rest[n], int(nullity[n]), bool(nullity[n] == rank))
        for n, rank in zip(good, ranks, strict=True)
    ]


def smooth_fibre(network: LinearNetwork, minimum: _Minimum) -> frozenset[Edge] | None:
    """Weights that may move so that the fibre is smooth and, with the gauge, explains the kernel (in floats)."""
    theta, p = minimum.theta, network.parameters
    edges = free_edges(network, minimum.rest)
    width = network.widths[0]
    jacobian = BatchedLoss(network).jacobian(theta[None].astype(float))[0].reshape(-1, p)
    order = sorted((n for n, e in enumerate(network.edges) if e in edges), key=lambda n: (theta[n] == 0, n))
    position = {edge: n for n, edge in enumerate(network.edges)}
    paths = [
        (o * width + j, position[1, o, k], position[0, k, j])
        for k, (inputs, outputs) in enumerate(_units(network))
        for o in outputs
        for j in inputs
    ]

    def moving(free: list[int]) -> list[int]:
        """The entries of M that are not constant while the weights ``free`` move."""
        chosen = set(free)
        return sorted(
            {m for m, u, w in paths if (u in chosen and (w in chosen or theta[w])) or (w in chosen and theta[u])}
        )

    free: list[int] = []
    for n in order:
        rows = moving([*free, n])
        if _rank(jacobian[np.ix_(rows, [*free, n])]) == len(rows):
            free.append(n)
    kernel = np.zeros((p, p))
    differential = jacobian[:, free]
    if free:
        _, values, vectors = np.linalg.svd(differential)
        null = vectors[(values > 1e-9).sum() :]
        kernel = np.zeros((len(null), p))
        kernel[:, free] = null
    if _rank(np.vstack([_gauge(network, theta), kernel])) != minimum.nullity:
        return None
    return frozenset(network.edges[n] for n in free)


def _rank(matrix: Floats) -> int:
    return int(np.linalg.matrix_rank(matrix)) if matrix.size else 0


def _gauge(network: LinearNetwork, theta: Integers) -> Floats:
    """The tangents of the gauge at points ``(..., p)``, as rows: ``(..., generators, p)``."""
    position = {edge: n for n, edge in enumerate(network.edges)}
    first, second = network.masks
    fields = np.zeros((*theta.shape[:-1], len(network.gauge_generators), network.parameters))
    for n, (_, i, j) in enumerate(network.gauge_generators):
        for s, x in enumerate(first[j]):
            if x:
                fields[..., n, position[0, i, s]] += theta[..., position[0, j, s]]
        for o, row in enumerate(second):
            if row[i]:
                fields[..., n, position[1, o, j]] -= theta[..., position[1, o, i]]
    return fields


def free_edges(network: LinearNetwork, rest: Integers) -> frozenset[Edge]:
    """The weights that occur in no equation ``R_k w_k = 0``, ``R_k' u_k = 0``."""
    free = set()
    for k, (inputs, outputs) in enumerate(_units(network)):
        block = rest[np.ix_(outputs, inputs)] != 0
        free |= {(0, k, j) for j, used in zip(inputs, block.any(axis=0), strict=True) if not used}
        free |= {(1, o, k) for o, used in zip(outputs, block.any(axis=1), strict=True) if not used}
    return frozenset(free)


# -- witnesses --------------------------------------------------------------------------------------------


def _grams(network: LinearNetwork, count: int, correlated: bool, rng: np.random.Generator) -> Integers:
    """Unit matrices, or products ``T T'`` with a random unitriangular T of small integers, ``(count, d_x, d_x)``."""
    n = network.widths[0]
    result = np.broadcast_to(np.eye(n, dtype=np.int64), (count, n, n)).copy()
    if correlated:
        for gram in result:
            gram += np.tril(rng.integers(-3, 4, size=(n, n)), -1)
            gram[:] = gram[rng.permutation(n)]
        result = result @ result.swapaxes(1, 2)
    return result


def _witnesses(
    network: LinearNetwork, minima: list[_Minimum], grams: Integers, rng: np.random.Generator
) -> Iterator[SpuriousMinimum]:
    """For local minima with Gram matrices: the largest residual that keeps H, a better point, a certificate."""
    model = BatchedLoss(network)
    theta = np.array([m.theta for m in minima], dtype=float)
    rest = np.array([m.rest for m in minima], dtype=float)
    gram = grams.astype(float)
    flat, bent = model.gauss_newton(theta, gram), model.curvature(theta, rest)
    spectra = np.linalg.eigvalsh(flat[:, None] + SCALES[:, None, None] * bent[:, None])
    nullity = np.array([m.nullity for m in minima])
    fine = (spectra[..., 0] > -1e-8) & ((spectra < 1e-3).sum(axis=-1) == nullity[:, None])
    fine[:, -1] = True
    scale = SCALES[fine.argmax(axis=1)]
    cross = model.product(theta) @ gram - scale[:, None, None] * rest
    starts = random_starts(model, rng, STARTS * len(minima))
    found, values = descend(model, starts, np.repeat(gram, STARTS, axis=0), np.repeat(cross, STARTS, axis=0))
    here = model.loss(theta, gram, cross)
    for n, minimum in enumerate(minima):
        part = slice(n * STARTS, (n + 1) * STARTS)
        best = first_minimum(values[part])
        if values[part][best] < here[n] - 1e-4 * scale[n] ** 2:
            certificates = _certificates(network, minimum, grams[n], float(scale[n]), found[part][best])
            yield from islice((c for c in certificates if accepted(c) is not None), 1)


def _certificates(
    network: LinearNetwork, minimum: _Minimum, gram: Integers, scale: float, better: Floats
) -> Iterator[SpuriousMinimum]:
    """Exact numbers: ``C = M G - t R``; nothing if no rational point near ``better`` has a smaller loss."""
    point = weights_of(network, [int(x) for x in minimum.theta])
    t, n = Fraction(scale).limit_denominator(64), network.widths[0]
    m = product(network, point)
    cross = [
        [sum((row[k] * int(gram[k, j]) for k in range(n)), Fraction(0)) - t * int(minimum.rest[o, j]) for j in range(n)]
        for o, row in enumerate(m)
    ]
    data = Data.from_moments(as_matrix([[int(x) for x in row] for row in gram]), as_matrix(cross))
    here = loss(network, point, data)
    rational = rationalise(network, data, better, here)
    free = None if minimum.strict else smooth_fibre(network, minimum)
    if rational is None:
        return
    if free is None and not minimum.strict:
        yield from exact_certificates(Candidate(network, data, point, rational))
        return
    evidence = CriticalFamily() if free is None else CriticalFibre(free)
    yield SpuriousMinimum(network, data, point, evidence, rational, minimum.strict, here, here)


@cache
def _direct(network: LinearNetwork, correlated: bool, strict: bool, seed: int, effort: int) -> SpuriousMinimum | None:
    """A witness of the network itself, strict if one was found; only strict ones if ``strict``.

    ``effort`` multiplies the numbers of points, and of those for which a better point is sought.
    """
    rng = np.random.default_rng([seed, effort])
    degenerate: SpuriousMinimum | None = None
    repeats = CORRELATED if correlated else 1
    for theta, rest in _batches(network, rng, effort):
        minima = local_minima(network, theta, rest)
        minima = [minima[n] for n in rng.permutation(len(minima))]
        for kind in (True, False):
            if not kind and (strict or degenerate is not None):
                continue
            chosen = list(islice((m for m in minima if m.strict == kind and _provable(network, m)), effort * TESTED))
            chosen = chosen * repeats
            if not chosen:
                continue
            grams = _grams(network, len(chosen), correlated, rng)
            witness = next(_witnesses(network, chosen, grams, rng), None)
            if witness is not None and witness.strict:
                return witness
            degenerate = degenerate or witness
    return degenerate


@cache
def _family(network: LinearNetwork, correlated: bool, seed: int, turn: int) -> SpuriousMinimum | None:
    """A witness whose fibre is not smooth in free weights: a dead unit that points in a useless direction."""
    rng = np.random.default_rng([seed, turn])
    for rest in residuals(network):
        if np.count_nonzero(rest) > 1:
            break
        theta = _useless_points(network, rest, rng)
        minima = local_minima(network, theta, np.repeat(rest[None], len(theta), axis=0))
        chosen = list(islice((m for m in minima if not _provable(network, m)), 2 * TESTED))
        if chosen:
            grams = _grams(network, len(chosen), correlated, rng)
            witness = next(_witnesses(network, chosen, grams, rng), None)
            if witness is not None:
                return witness
    return None


def _useless_points(network: LinearNetwork, rest: Integers, rng: np.random.Generator) -> Integers:
    """Points of ``E_R`` with many zeros, some larger entries, and one unit without incoming weights, ``(n, p)``."""
    basis = critical_space(network, rest)
    theta = rng.choice([0, 0, 0, 1, 1, -1, 2, 4], size=(USELESS, len(basis))) @ basis
    dead = rng.integers(network.widths[1], size=USELESS)
    for n, (l, i, _) in enumerate(network.edges):
        if l == 0:
            theta[dead == i, n] = 0
    return np.unique(theta, axis=0)


def _provable(network: LinearNetwork, minimum: _Minimum) -> bool:
    return minimum.strict or smooth_fibre(network, minimum) is not None


def refute(
    network: LinearNetwork, data_class: DataClass, *, strict: bool = False, rounds: int = 1, seed: int = 0
) -> SpuriousMinimum | None:
    """A spurious local minimum of a two-layer network for some data of a class, strict if one was found.

    The network itself is searched, then its induced sub-networks (lifting), the small ones first; for the class
    ``any`` data with ``G = 1`` first.  The certificate was accepted by the checker.

    Args:
        network: two layers; of more than three inputs or outputs only the sub-networks on at most three are searched.
        data_class: orthogonal data count for both classes.
        strict: whether only a strict minimum is wanted.
        rounds: how often the search is repeated, each time more thoroughly, while nothing is found.
        seed: the result depends on the arguments only; networks may be searched in any order.

    Returns:
        None if none was found, which proves nothing.

    Raises:
        ValueError: another depth.

    Example:
        >>> witness = refute(LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2])), DataClass.ORTHOGONAL)
        >>> witness.strict, witness.loss_at_most > witness.better_loss
        (False, True)
        >>> refute(LinearNetwork.dense(2, 2, 1), DataClass.ANY) is None
        True
    """
    if network.depth != 2:
        raise ValueError("two layers are expected")
    for n in range(rounds):
        witness = _found(network, data_class, strict, seed, 4**n)
        if witness is not None:
            return witness
    return None


def _found(
    network: LinearNetwork, data_class: DataClass, strict: bool, seed: int, effort: int
) -> SpuriousMinimum | None:
    """One round of the search, thorough as ``effort`` says."""
    fallback: SpuriousMinimum | None = None
    for correlated in (False, True)[: 2 if data_class is DataClass.ANY else 1]:
        for part in _parts(network):
            witness = _labelled(part.network, correlated, strict or fallback is not None, seed, effort)
            if witness is None:
                continue
            whole = extend(network, part, witness)
            if whole is not None and whole.strict:
                return whole
            fallback = fallback or (None if strict else whole)
    if fallback is None and not strict:
        return _useless_direction(network, data_class, seed)
    return fallback


def _useless_direction(network: LinearNetwork, data_class: DataClass, seed: int) -> SpuriousMinimum | None:
    """The last resort, for a small network itself: witnesses with an explicit critical family."""
    part = network.pruned()
    if max(part.network.widths[0], part.network.widths[-1]) > MAX_SEARCHED:
        return None
    form, order = _ordered(part.network)
    turned, turned_order = _ordered(part.network.transposed())
    for turn in range(PASSES):
        found = _family(form, False, seed, turn)
        whole = None if found is None else relabelled(found, part.network, order)
        if whole is None and (found := _family(turned, False, seed, turn)) is not None:
            other = relabelled(found, part.network.transposed(), turned_order)
            whole = _transposed(other, part.network)
        if whole is None and data_class is DataClass.ANY and (found := _family(form, True, seed, turn)) is not None:
            whole = relabelled(found, part.network, order)
        if whole is not None:
            return extend(network, part, whole)
    return None


def _parts(network: LinearNetwork) -> Iterator[SubNetwork]:
    """The pruned network, then its proper induced sub-networks up to isomorphism, the small ones first."""
    whole = network.pruned()
    seen = {whole.network.canonical_form()}
    if max(whole.network.widths[0], whole.network.widths[-1]) <= MAX_SEARCHED:
        yield whole
    inputs, outputs = (_subsets(network.widths[l]) for l in (0, -1))
    for sources, targets in sorted(iterproduct(inputs, outputs), key=lambda s: (len(s[0]) * len(s[1]), s)):
        try:
            part = network.induced(sources, targets)
        except ValueError:  # no path joins them
            continue
        form = part.network.canonical_form()
        if form not in seen:
            seen.add(form)
            yield part


def _subsets(n: int) -> list[tuple[int, ...]]:
    return [c for size in range(1, min(n, MAX_SEARCHED) + 1) for c in combinations(range(n), size)]


def _labelled(network: LinearNetwork, correlated: bool, strict: bool, seed: int, effort: int) -> SpuriousMinimum | None:
    """The witness of the canonical form (with ``G = 1`` also up to transposition), carried to the network."""
    form, order = _ordered(network)
    if correlated:
        witness = _direct(form, True, strict, seed, effort)
        return None if witness is None else relabelled(witness, network, order)
    other = network.transposed()
    turned, turned_order = _ordered(other)
    turn = (turned.widths, turned.masks) < (form.widths, form.masks)
    witness = _direct(turned if turn else form, False, False, seed, effort)
    if witness is None or (strict and not witness.strict):
        return None
    return (
        _transposed(relabelled(witness, other, turned_order), network) if turn else relabelled(witness, network, order)
    )


def _ordered(network: LinearNetwork) -> tuple[LinearNetwork, list[list[int]]]:
    """The canonical form, and the order that leads to it."""
    order = network.canonical_order()
    return network.permuted(order), order


def _transposed(witness: SpuriousMinimum, network: LinearNetwork) -> SpuriousMinimum:
    """A witness with ``G = 1`` as one of the transposed network: M and C are transposed."""

    def turned(matrix: Matrix) -> Matrix:
        return as_matrix([list(column) for column in zip(*matrix, strict=True)])

    def layers(weights: Weights) -> Weights:
        return tuple(turned(w) for w in reversed(weights))

    data = Data.whitened(turned(witness.data.cross))
    return carried(witness, network, data, layers, lambda e: (1 - e[0], e[2], e[1]))
