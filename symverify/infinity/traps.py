"""Traps at infinity for given data: descents that end above the best loss, without a local minimum to end in.

Targets with entries 0, 1, -1, 2 are drawn; where a descent stops above the best value, as many signs of its weights as
possible are taken as faces: all of them first, then without those on whose wall the loss may be as low as at the start.
What is left is a trap if the bound of the orthant is above the best loss and no local minimum fits its signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from symverify.certificate import EdgeEquation, Path, Trap
from symverify.data import Data
from symverify.exact import Matrix, Weights, as_matrix
from symverify.loss import BatchedLoss, Floats, loss, weights_of
from symverify.network import Edge, LinearNetwork
from symverify.search import balanced, descend, first_minimum, random_starts, rationalise
from symverify.witness import accepted

TARGETS, STARTS = 40, 40
"""Targets per round, descents for each."""
SHORT = 12
"""Steps of a descent to a start."""
Signs = dict[Edge, int]
Pair = tuple[int, int]
Possible = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""Whether the path products of an entry may be positive, and negative."""


def trap(network: LinearNetwork, *, seed: int = 0, rounds: int = 3) -> Trap | None:
    """Whitened data with a trap at infinity, and a certificate that the checker accepted.

    Returns:
        None if nothing was found, which proves nothing.

    Example:
        >>> net = LinearNetwork.from_masks([[[1, 1], [1, 0]], [[1, 1], [1, 0]]])
        >>> found = trap(net)
        >>> found.bound > loss(net, found.better, found.data)
        True
        >>> trap(LinearNetwork.dense(2, 1, 2), rounds=1) is None
        True
    """
    rng = np.random.default_rng(seed)
    model = BatchedLoss(network)
    n = network.widths[0]
    for _ in range(rounds):
        cross = _targets(network, rng)
        many = np.repeat(cross, STARTS, axis=0)
        gram = np.broadcast_to(np.eye(n), (len(many), n, n))
        begin = random_starts(model, rng, len(many))
        early, _ = descend(model, begin, gram, many, SHORT)  # the later, the larger the weights
        theta, value = descend(model, early, gram, many)
        for k, target in enumerate(cross):
            part = slice(k * STARTS, (k + 1) * STARTS)
            found = _trap_of(network, as_matrix(target.astype(int).tolist()), early[part], theta[part], value[part])
            if found is not None:
                return found
    return None


def _targets(network: LinearNetwork, rng: np.random.Generator) -> Floats:
    """Small integers; half of the targets live on two outputs and two inputs only."""
    covered = np.zeros((network.widths[-1], network.widths[0]))
    for pair in network.covered:
        covered[pair] = 1
    values = rng.choice([0, 0, 1, 1, -1, -1, 2], size=(TARGETS, *covered.shape)) * covered
    for target in values[: TARGETS // 2]:
        for axis in (0, 1):
            size = target.shape[axis]
            gone = rng.permutation(size)[: max(0, size - 2)]
            target[(gone, slice(None)) if axis == 0 else (slice(None), gone)] = 0
    return np.asarray(values)


def _trap_of(network: LinearNetwork, target: Matrix, early: Floats, theta: Floats, value: Floats) -> Trap | None:
    """A trap with a start from ``early``, whose descents end in ``theta`` with ``value``."""
    data = Data.whitened(target)
    best = first_minimum(value)
    seen = set()
    for n in np.argsort(value):
        if value[n] < value[best] + 1e-3:
            continue
        options = [balanced(network, early[n]), early[n], theta[n]]
        for denominator, option in ((d, o) for o in options for d in (1, 2, 4, 16, 256)):
            if not np.all(np.abs(option) < 1e4):
                continue
            start = weights_of(network, [Fraction(round(float(x) * denominator), denominator) for x in option])
            key = tuple(x for w in start for row in w for x in row)
            if key in seen:
                continue
            seen.add(key)
            orthant = faces(network, data, start)
            if not orthant:
                continue
            bound = lower_bound(network, data, orthant)
            if float(bound) < value[best] + float(data.constant) + 1e-3:
                continue
            steps = no_minimum(network, data, orthant)
            better = rationalise(network, data, theta[best], bound)
            if steps is None or better is None:
                continue
            signs = weights_of(network, [orthant.get(edge, 0) for edge in network.edges])
            found = Trap(network, data, signs, start, better, bound, steps)
            if accepted(found) is not None:
                return found
    return None


# -- signs ------------------------------------------------------------------------------------------------


def _possible(network: LinearNetwork, signs: Signs, layers: range, without: Edge | None = None) -> Possible:
    """For the product of ``layers``: a face has its sign, another weight both, the weight ``without`` none."""
    first = layers.start
    width = network.widths[first]
    result = np.eye(width, dtype=bool), np.zeros((width, width), dtype=bool)
    for l in layers:
        shape = network.widths[l + 1], network.widths[l]
        plus, minus = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        for edge in network.edges:
            if edge[0] == l and edge != without:
                plus[edge[1:]], minus[edge[1:]] = signs.get(edge, 1) > 0, signs.get(edge, -1) < 0
        positive, negative = result
        result = plus @ positive | minus @ negative, plus @ negative | minus @ positive
    return result


def lower_bound(network: LinearNetwork, data: Data, signs: Signs, without: Edge | None = None) -> Fraction:
    """A bound for L on the closed orthant, with one weight zero if ``without`` (Lemma 8.1).

    >>> net = LinearNetwork.dense(1, 1, 1)
    >>> lower_bound(net, Data.whitened([[-1]]), {(0, 0, 0): 1, (1, 0, 0): 1})
    Fraction(1, 2)
    """
    plus, minus = _possible(network, signs, range(network.depth), without)
    total = data.constant
    for o, row in enumerate(data.cross):
        for j, c in enumerate(row):
            if (plus if c > 0 else minus)[o, j]:
                total -= c * c / (2 * data.gram[j][j])
    return total


def faces(network: LinearNetwork, data: Data, start: Weights) -> Signs:
    """The largest set of signs of ``start`` such that its loss is below the bound of each wall; empty if there is none.

    >>> net = LinearNetwork.dense(1, 1, 1)
    >>> faces(net, Data.whitened([[1]]), (as_matrix([[1]]), as_matrix([[1]])))
    {(0, 0, 0): 1, (1, 0, 0): 1}
    """
    here = loss(network, start, data)
    signs = {(l, i, j): 1 if start[l][i][j] > 0 else -1 for l, i, j in network.edges if start[l][i][j]}
    while True:
        kept = {edge: s for edge, s in signs.items() if here < lower_bound(network, data, signs, edge)}
        if len(kept) == len(signs):
            return signs
        signs = kept


# -- no local minimum -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Term:
    pair: Pair
    certain: bool


def no_minimum(network: LinearNetwork, data: Data, signs: Signs) -> tuple[Path | EdgeEquation, ...] | None:
    """Steps that settle pairs until one contradicts the signs; None if they do not reach that far."""
    plus, minus = _possible(network, signs, range(network.depth))
    steps: list[Path | EdgeEquation] = []
    settled: set[Pair] = set()

    def contradiction() -> bool:
        for o, j in settled:
            c = data.cross[o][j]
            if (plus[o, j] and not minus[o, j] and c <= 0) or (minus[o, j] and not plus[o, j] and c >= 0):
                return True
        return False

    for o, j in sorted(network.covered):
        path = next((path for path in network.paths(j, o) if _one_sided(network, path)), None)
        if path is not None:
            settled.add((o, j))
            steps.append(Path(tuple(path)))
    equations = {edge: _terms(network, signs, edge) for edge in network.edges}
    while not contradiction():
        for edge, terms in equations.items():
            left = [term for term in terms if term.pair not in settled]
            if len(left) == 1 and left[0].certain:
                settled.add(left[0].pair)
                steps.append(EdgeEquation(edge))
                break
        else:
            return None
    return tuple(steps)


def _one_sided(network: LinearNetwork, path: tuple[int, ...]) -> bool:
    hidden = [(l, path[l]) for l in range(1, network.depth)]
    return all(network.inputs_of(*v) == {path[0]} for v in hidden) or all(
        network.outputs_of(*v) == {path[-1]} for v in hidden
    )


def _terms(network: LinearNetwork, signs: Signs, edge: Edge) -> list[_Term]:
    """The terms of the edge equation: pairs, and whether both factors have one sign."""
    l, i, j = edge
    below, above = _possible(network, signs, range(l)), _possible(network, signs, range(l + 1, network.depth))
    return [
        _Term((o, s), bool((below[0][j, s] ^ below[1][j, s]) and (above[0][o, i] ^ above[1][o, i])))
        for o in range(network.widths[-1])
        for s in range(network.widths[0])
        if (below[0][j, s] or below[1][j, s]) and (above[0][o, i] or above[1][o, i])
    ]
