"""Benign for all data: rules P, K, D and contraction, and the search for a trace that settles every pair (output,
input).

Each rule has its lemma in ``docs/mathematics.md`` and its check in the checker.  No trace found says nothing about the
structure: the rules are sufficient, not necessary.
"""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np

from symverify.certificate import Benign, Contract, DenseBlock, Path, Step, WideBlock
from symverify.data import Data, DataClass
from symverify.network import LinearNetwork, Node

BALDI_HORNIK = "Baldi-Hornik 1989: dense two-layer linear networks have no spurious local minima"
KAWAGUCHI = "Kawaguchi 2016, Lu-Kawaguchi 2017: dense deep linear networks have no spurious local minima"

Pair = tuple[int, int]
Settled = tuple[Step, frozenset[Pair]]


def prove_benign(network: LinearNetwork, data: Data | DataClass) -> Benign | None:
    """A trace by rules P, K, D and contraction that every local minimum is global for all data of the class (or for
    these data).

    A trace without assumptions is preferred to a shorter one with them.  Returns None if the rules leave a pair
    unsettled; that is no statement about the structure.

    >>> proof = prove_benign(LinearNetwork.dense(3, 2, 1), DataClass.ANY)
    >>> len(proof.steps), proof.assumes
    (3, ())
    >>> prove_benign(LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2])), DataClass.ANY) is None
    True
    """
    orthogonal = data.is_orthogonal if isinstance(data, Data) else data is DataClass.ORTHOGONAL
    best: Benign | None = None
    for contractions, inner in contracted(network):
        trace = settle_pairs(inner, orthogonal)
        if trace is None or (best is not None and trace[1]):
            continue
        steps, assumes = trace
        best = Benign(network, data, (*contractions, *steps), assumes)
        if not assumes:
            break
    return best


def settle_pairs(network: LinearNetwork, orthogonal: bool) -> tuple[tuple[Step, ...], tuple[str, ...]] | None:
    """Steps by P, K and D that settle every pair (output, input) of this network, and what they assume."""
    unsettled = set(network.covered)
    steps: list[Step] = []
    assumes: tuple[str, ...] = ()
    for rule in (path_steps, wide_block_steps):
        for step, pairs in rule(network):
            if pairs & unsettled:
                unsettled -= pairs
                steps.append(step)
    for step, pairs in dense_block_steps(network, orthogonal) if unsettled else ():
        if pairs & unsettled:
            unsettled -= pairs
            steps.append(step)
            assumes = (BALDI_HORNIK if network.depth == 2 else KAWAGUCHI,)
    return None if unsettled else (tuple(steps), assumes)


def contracted(network: LinearNetwork) -> Iterator[tuple[tuple[Contract, ...], LinearNetwork]]:
    """The network, and what is left of it after contracting hidden layers that are wide or in series, in any order."""
    seen: set[LinearNetwork] = set()
    waiting: list[tuple[tuple[Contract, ...], LinearNetwork]] = [((), network)]
    while waiting:
        steps, current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        yield steps, current
        for layer in range(1, current.depth):
            smaller = contract(current, layer)
            if smaller is not None:
                waiting.append(((*steps, Contract(layer)), smaller))


def contract(network: LinearNetwork, layer: int) -> LinearNetwork | None:
    """The network without hidden layer ``layer``, if it is wide or in series (lemma *contract*), else None.

    >>> str(contract(LinearNetwork.dense(2, 2, 2), 1))
    '2-2 11 11'
    >>> contract(LinearNetwork.dense(3, 2, 2), 1) is None
    True
    """
    below, above = np.array(network.masks[layer - 1]), np.array(network.masks[layer])
    mask = above @ below
    wide = below.all() and above.all() and len(below) >= below.shape[1] + len(above) - 2
    series = (below.sum(axis=1) == 1).all() and (above.sum(axis=0) == 1).all() and (mask <= 1).all()
    if not (wide or series):
        return None
    masks = [*network.masks[: layer - 1], (mask > 0).astype(int), *network.masks[layer + 1 :]]
    return LinearNetwork.from_masks(masks)


def path_steps(network: LinearNetwork) -> Iterator[Settled]:
    """Rule P: a path j -> o whose hidden nodes are all reached by j alone, or all reach o alone, settles (o, j)."""
    by_input: dict[int, list[Node]] = {}
    by_output: dict[int, list[Node]] = {}
    for node in ((l, v) for l in range(1, network.depth) for v in range(network.widths[l])):
        for groups, reach in ((by_input, network.inputs_of(*node)), (by_output, network.outputs_of(*node))):
            if len(reach) == 1:
                groups.setdefault(min(reach), []).append(node)
    if network.depth > 1 and not (by_input or by_output):
        return
    graph = network.to_graph()
    starts = [(0, j) for j in range(network.widths[0])]
    ends = [(network.depth, o) for o in range(network.widths[-1])]
    for j, start in enumerate(starts):
        part = graph.subgraph([start, *by_input.get(j, ()), *ends])
        reached = nx.single_source_shortest_path(part, start)
        yield from _steps(p for node, p in reached.items() if node[0] == network.depth)
    for o, end in enumerate(ends):
        part = graph.reverse(copy=False).subgraph([end, *by_output.get(o, ()), *starts])
        reached = nx.single_source_shortest_path(part, end)
        yield from _steps(p[::-1] for node, p in reached.items() if node[0] == 0)


def _steps(paths: Iterator[list[tuple[int, int]]]) -> Iterator[Settled]:
    for path in paths:
        yield Path(tuple(v for _, v in path)), frozenset({(path[-1][1], path[0][1])})


def wide_block_steps(network: LinearNetwork) -> Iterator[Settled]:
    """Rule K (two layers): at least |S| units with fan-in exactly S settle (their common fan-out) x S; and dually."""
    if network.depth != 2:
        return
    units = range(network.widths[1])
    for side in ("inputs", "outputs"):
        same, other = (network.inputs_of, network.outputs_of)
        if side == "outputs":
            same, other = other, same
        groups: dict[frozenset[int], list[int]] = {}
        for k in units:
            groups.setdefault(same(1, k), []).append(k)
        for support, members in groups.items():
            blocks: dict[tuple[int, ...], set[int]] = {}
            for node in sorted(frozenset().union(*(other(1, k) for k in members))):
                blocks.setdefault(tuple(k for k in members if node in other(1, k)), set()).add(node)
            for chosen, nodes in blocks.items():
                if support and len(chosen) >= len(support):
                    outputs, inputs = (nodes, support) if side == "inputs" else (support, nodes)
                    yield WideBlock(chosen, side), frozenset((o, j) for o in outputs for j in inputs)


def dense_block_steps(network: LinearNetwork, orthogonal: bool) -> Iterator[Settled]:
    """Rule D: the parts into which the loss decouples, where they are dense.

    For any data two nodes belong together if they reach a common output; for orthogonal data if some path through each
    joins the same input to the same output.
    """
    if network.depth < 2:
        return
    together = nx.Graph()
    hidden = [(l, v) for l in range(1, network.depth) for v in range(network.widths[l])]
    live = [n for n in hidden if network.inputs_of(*n) and network.outputs_of(*n)]
    together.add_nodes_from(live)
    for n, u in enumerate(live):
        for v in live[:n]:
            apart = orthogonal and network.inputs_of(*u).isdisjoint(network.inputs_of(*v))
            if not apart and not network.outputs_of(*u).isdisjoint(network.outputs_of(*v)):
                together.add_edge(u, v)
    for part in nx.connected_components(together):
        first = min(part)
        inputs, outputs = network.inputs_of(*first), network.outputs_of(*first)
        if any((network.inputs_of(*n), network.outputs_of(*n)) != (inputs, outputs) for n in part):
            continue
        layers = [tuple(sorted(v for l, v in part if l == layer)) for layer in range(1, network.depth)]
        nodes = (tuple(sorted(inputs)), *layers, tuple(sorted(outputs)))
        if all(network.masks[l][i][j] for l in range(network.depth) for i in nodes[l + 1] for j in nodes[l]):
            yield DenseBlock(nodes), frozenset((o, j) for o in outputs for j in inputs)
