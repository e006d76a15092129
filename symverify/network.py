"""Sparse linear networks as 0/1 masks and as layered bipartite graphs.

A network of depth L has layers ``W_1 .. W_L``, ``W_l`` of shape ``(d_l, d_{l-1})``, and a 0/1 mask on each; the
free weights are the entries where the mask is 1.  As a graph (networkx), node ``(l, v)`` is unit ``v`` of layer
``l`` (inputs: layer 0, outputs: layer L) and an edge ``(l-1, j) -> (l, i)`` is the weight ``W_l[i, j]``.

In Python, layers and units count from 0 (``masks[0]`` is the first layer); names of weights, as printed, count
from 1, as in papers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import chain, compress, pairwise
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symverify import strictjson

if TYPE_CHECKING:
    import networkx as nx

Mask = tuple[tuple[int, ...], ...]
Masks = tuple[Mask, ...]
Edge = tuple[int, int, int]
"""``(l, i, j)``: the weight ``masks[l][i][j]``, from node ``(l, j)`` to node ``(l + 1, i)``."""
Node = tuple[int, int]


def _plain(value: Any) -> Any:
    """A numpy array or scalar as nested lists or a number; numpy's bool counts as 0 and 1, Python's does not."""
    if not hasattr(value, "tolist"):
        return value
    return (value.astype(int) if value.dtype == bool else value).tolist()


def _as_mask(value: Any, where: str) -> Mask:
    rows = _plain(value)
    if not isinstance(rows, list | tuple) or not rows:
        raise ValueError(f"{where}: a mask is a non-empty list of rows of 0 and 1")
    mask = []
    for i, row in enumerate(map(_plain, rows)):
        if not isinstance(row, list | tuple):
            raise ValueError(f"{where}[{i}]: a row is a list of 0 and 1")
        for j, x in enumerate(map(_plain, row)):
            if not isinstance(x, int | float) or isinstance(x, bool) or x not in (0, 1):
                raise ValueError(f"{where}[{i}][{j}]: entries are 0 or 1, not {str(x)[:20]!r}")
        if len(row) != len(rows[0]):
            raise ValueError(
                f"{where}[{i}]: {len(row)} entries, but the first row has {len(rows[0])}; make the rows equally long"
            )
        mask.append(tuple(int(x) for x in row))
    if not mask[0]:
        raise ValueError(f"{where}: the rows are empty; a mask needs at least one column")
    return tuple(mask)


@dataclass(frozen=True)
class SubNetwork:
    """A network cut out of another: ``nodes[l]`` are the units of layer ``l`` that were kept, in order."""

    network: LinearNetwork
    nodes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class LinearNetwork:
    """The structure ``M(theta) = W_L ... W_1`` with fixed 0/1 masks.

    Args:
        masks: one mask per layer, first layer first; mask ``l`` has shape ``(d_{l+1}, d_l)``.

    Raises:
        ValueError: masks that are ragged, hold anything but 0 and 1, or do not chain.

    Example:
        >>> net = LinearNetwork.from_masks([[[1, 1, 0], [0, 1, 1]], [[1, 1], [1, 1]]])
        >>> net.widths, net.parameters
        ((3, 2, 2), 8)
        >>> net.inputs_of(1, 0), net.outputs_of(0, 0)
        (frozenset({0, 1}), frozenset({0, 1}))
    """

    masks: Masks

    def __post_init__(self) -> None:
        if not self.masks:
            raise ValueError("masks: a network needs at least one layer, hence at least two widths")
        for l, mask in enumerate(self.masks):
            if not mask or not mask[0] or not all(len(row) == len(mask[0]) and set(row) <= {0, 1} for row in mask):
                raise ValueError(f"masks[{l}]: every width is at least 1, rows are equally long, entries are 0 or 1")
        for l, (below, above) in enumerate(pairwise(self.masks), start=1):
            if len(above[0]) != len(below):
                raise ValueError(
                    f"masks[{l}]: {len(above[0])} columns, but masks[{l - 1}] has {len(below)} rows; "
                    "the layers must chain"
                )

    # -- making one -------------------------------------------------------------------------------------

    @classmethod
    def from_masks(cls, masks: Iterable[Any]) -> LinearNetwork:
        """From nested lists or numpy arrays of 0 and 1 (``masks[0]`` is the first layer, rows = its units)."""
        if isinstance(masks, str | bytes | dict) or not isinstance(masks, Iterable):
            raise ValueError("masks: a list with one 0/1 matrix per layer is expected")
        return cls(tuple(_as_mask(mask, f"masks[{l}]") for l, mask in enumerate(masks)))

    @classmethod
    def dense(cls, *widths: int) -> LinearNetwork:
        """The fully connected network of these widths, inputs first.

        >>> LinearNetwork.dense(2, 1, 2).parameters
        4
        """
        return cls(tuple(((1,) * below,) * above for below, above in pairwise(widths)))

    @classmethod
    def from_units(cls, *units: tuple[Iterable[int], Iterable[int]]) -> LinearNetwork:
        """A two-layer network from its hidden units, each ``(inputs, outputs)``, counted from 1 as in papers.

        >>> LinearNetwork.from_units(([1, 2], [1, 2]), ([1, 3], [1, 3])).masks[0]
        ((1, 1, 0), (1, 0, 1))
        """
        supports = [(frozenset(s), frozenset(t)) for s, t in units]
        if not supports or not all(s and t and min(s | t) >= 1 for s, t in supports):
            raise ValueError("units: each needs at least one input and one output, counted from 1")
        inputs = max(max(s) for s, _ in supports)
        outputs = max(max(t) for _, t in supports)
        first = tuple(tuple(int(j in s) for j in range(1, inputs + 1)) for s, _ in supports)
        second = tuple(tuple(int(o in t) for _, t in supports) for o in range(1, outputs + 1))
        return cls((first, second))

    @classmethod
    def from_graph(cls, graph: nx.DiGraph) -> LinearNetwork:
        """From a layered directed graph whose nodes carry ``layer`` and ``index`` (as :meth:`to_graph` makes).

        Raises:
            ValueError: nodes without these, layers that are not numbered 0, 1, ..., edges that skip a layer.
        """
        if not hasattr(graph, "edges") or graph.is_multigraph() or not graph.is_directed():
            raise ValueError("graph: a networkx.DiGraph is expected")
        layers: dict[int, dict[int, Any]] = {}
        for node, attributes in graph.nodes(data=True):
            if "layer" not in attributes or "index" not in attributes:
                raise ValueError(f"graph: node {node!r} has no 'layer' and 'index'")
            if not all(isinstance(attributes[key], int) for key in ("layer", "index")):
                raise ValueError(
                    f"graph: layers are to be 0 .. L and the indices in each 0 .. d-1; node {node!r} is not in order"
                )
            if attributes["index"] in layers.setdefault(attributes["layer"], {}):
                raise ValueError(f"graph: two nodes with layer {attributes['layer']}, index {attributes['index']}")
            layers[attributes["layer"]][attributes["index"]] = node
        widths = [len(layers.get(l, {})) for l in range(len(layers))]
        gaps = any(sorted(layers.get(l, {})) != list(range(w)) for l, w in enumerate(widths))
        if len(widths) < 2 or not all(widths) or gaps:
            raise ValueError("graph: layers are to be 0 .. L with L >= 1, and the indices in each 0 .. d-1")
        masks = [[[0] * below for _ in range(above)] for below, above in pairwise(widths)]
        for source, target in graph.edges:
            tail, head = graph.nodes[source], graph.nodes[target]
            if head["layer"] != tail["layer"] + 1:
                raise ValueError(f"graph: edge {source!r} -> {target!r} does not go to the next layer")
            masks[tail["layer"]][head["index"]][tail["index"]] = 1
        return cls.from_masks(masks)

    @classmethod
    def from_file(cls, path: str | Path) -> LinearNetwork:
        """From a JSON file: a problem file (its ``masks``), or a bare list of masks.

        Raises:
            ValueError: the file cannot be read, is not strict JSON, or holds no masks.
        """
        value = strictjson.read(path)
        return cls.from_masks(value["masks"] if isinstance(value, dict) and "masks" in value else value)

    # -- sizes ------------------------------------------------------------------------------------------

    @property
    def depth(self) -> int:
        """The number L of weight layers."""
        return len(self.masks)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """``(d_0, ..., d_L)``."""
        return (len(self.masks[0][0]), *(len(mask) for mask in self.masks))

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The free weights in the order that all vectors over them use: by layer, row, column."""
        return tuple(
            (l, i, j) for l, mask in enumerate(self.masks) for i, row in enumerate(mask) for j, x in enumerate(row) if x
        )

    @property
    def parameters(self) -> int:
        """The number of free weights."""
        return len(self.edges)

    @staticmethod
    def weight_name(edge: Edge) -> str:
        """The printed name of a weight, counting from 1.

        >>> LinearNetwork.weight_name((0, 1, 2))
        'w1_2_3'
        """
        return "w" + "_".join(str(x + 1) for x in edge)

    # -- the graph --------------------------------------------------------------------------------------

    def to_graph(self) -> nx.DiGraph:
        """The layered directed graph; nodes carry ``layer`` and ``index``, edges the ``weight``'s name.

        >>> g = LinearNetwork.dense(2, 1, 1).to_graph()
        >>> g.edges[(0, 1), (1, 0)]["weight"]
        'w1_1_2'
        """
        import networkx as nx

        graph = nx.DiGraph()
        for l, width in enumerate(self.widths):
            graph.add_nodes_from(((l, v), {"layer": l, "index": v}) for v in range(width))
        graph.add_edges_from(
            ((l, j), (l + 1, i), {"weight": self.weight_name((l, i, j)), "edge": (l, i, j)}) for l, i, j in self.edges
        )
        return graph

    @cached_property
    def _graph(self) -> nx.DiGraph:
        return self.to_graph()

    @cached_property
    def _reach(self) -> tuple[dict[Node, frozenset[int]], dict[Node, frozenset[int]]]:
        inputs = {(l, v): s for l, sets in enumerate(_spread(self.masks)) for v, s in enumerate(sets)}
        from_above = _spread(self.transposed().masks)
        outputs = {(self.depth - l, v): s for l, sets in enumerate(from_above) for v, s in enumerate(sets)}
        return inputs, outputs

    def inputs_of(self, layer: int, unit: int) -> frozenset[int]:
        """``In(v)``: the inputs that reach node ``(layer, unit)``."""
        return self._reach[0][layer, unit]

    def outputs_of(self, layer: int, unit: int) -> frozenset[int]:
        """``Out(v)``: the outputs that node ``(layer, unit)`` reaches."""
        return self._reach[1][layer, unit]

    def paths(self, source: int, target: int) -> Iterator[tuple[int, ...]]:
        """All paths from input ``source`` to output ``target``, each as its unit per layer.

        >>> list(LinearNetwork.dense(1, 2, 1).paths(0, 0))
        [(0, 0, 0), (0, 1, 0)]
        """
        import networkx as nx

        for path in nx.all_simple_paths(self._graph, (0, source), (self.depth, target)):
            yield tuple(v for _, v in path)

    @cached_property
    def covered(self) -> frozenset[tuple[int, int]]:
        """The pairs (output, input) that some path joins: the entries of M that are not identically zero."""
        return frozenset((o, j) for o in range(self.widths[-1]) for j in self.inputs_of(self.depth, o))

    # -- what is not used -------------------------------------------------------------------------------

    def dead_units(self) -> tuple[Node, ...]:
        """Hidden units that no input reaches or that reach no output: their weights do not enter M."""
        hidden = [(l, v) for l in range(1, self.depth) for v in range(self.widths[l])]
        return tuple(n for n in hidden if not self.inputs_of(*n) or not self.outputs_of(*n))

    def unused_inputs(self) -> tuple[int, ...]:
        """Inputs from which no output can be reached."""
        return tuple(j for j in range(self.widths[0]) if not self.outputs_of(0, j))

    def unused_outputs(self) -> tuple[int, ...]:
        """Outputs that no input reaches: the loss of these rows is constant."""
        return tuple(o for o in range(self.widths[-1]) if not self.inputs_of(self.depth, o))

    def is_pruned(self) -> bool:
        """No dead unit, no unused input, no unused output."""
        return not (self.dead_units() or self.unused_inputs() or self.unused_outputs())

    def pruned(self) -> SubNetwork:
        """The network without dead units, unused inputs and unused outputs.

        Its M is the non-zero part of the original M as a function of the weights, so both have spurious local
        minima or neither has (unused inputs may carry data; their columns of M are zero in either).

        Raises:
            ValueError: nothing is left, because no path joins any input to any output.
        """
        return self.induced(range(self.widths[0]), range(self.widths[-1]))

    def induced(self, inputs: Iterable[int], outputs: Iterable[int]) -> SubNetwork:
        """The sub-network on the nodes that lie on some path from ``inputs`` to ``outputs``.

        Inputs and outputs without such a path are left out too.

        >>> LinearNetwork.from_masks([[[1, 0], [1, 1]], [[1, 0], [1, 1]]]).induced([0], [0]).nodes
        ((0,), (0,), (0,))
        """
        sources, targets = frozenset(inputs), frozenset(outputs)
        nodes = tuple(
            tuple(v for v in range(w) if self.inputs_of(l, v) & sources and self.outputs_of(l, v) & targets)
            for l, w in enumerate(self.widths)
        )
        if not all(nodes):
            raise ValueError("no path joins any of these inputs to any of these outputs")
        masks = [[[self.masks[l][i][j] for j in nodes[l]] for i in nodes[l + 1]] for l in range(self.depth)]
        return SubNetwork(LinearNetwork.from_masks(masks), nodes)

    # -- gauge ------------------------------------------------------------------------------------------

    @cached_property
    def gauge_generators(self) -> tuple[Edge, ...]:
        """Triples ``(l, i, j)``: "row i += c row j of W, column j -= c column i of the next layer" keeps the masks.

        ``l`` counts hidden layers from 1.  The condition is fan-in(j) within fan-in(i) and fan-out(i) within
        fan-out(j); ``i = j`` (rescaling a unit) always meets it.  M, hence the loss, is invariant.

        >>> len(LinearNetwork.dense(2, 3, 2).gauge_generators)
        9
        """
        found = []
        for l in range(1, self.depth):
            fan_in = [{j for j, x in enumerate(row) if x} for row in self.masks[l - 1]]
            fan_out = [{o for o, row in enumerate(self.masks[l]) if row[v]} for v in range(self.widths[l])]
            units = range(self.widths[l])
            found += [(l, i, j) for i in units for j in units if fan_in[j] <= fan_in[i] and fan_out[i] <= fan_out[j]]
        return tuple(found)

    # -- isomorphism ------------------------------------------------------------------------------------

    def canonical_form(self) -> LinearNetwork:
        """The representative of this network under permutations of inputs, outputs and each hidden layer.

        Two networks are isomorphic iff their canonical forms are equal (graph canonisation by BLISS, igraph).

        >>> a = LinearNetwork.from_masks([[[1, 0], [1, 1]], [[1, 1]]])
        >>> b = LinearNetwork.from_masks([[[1, 1], [0, 1]], [[1, 1]]])
        >>> a.canonical_form() == b.canonical_form()
        True
        """
        return self.permuted(self.canonical_order())

    def canonical_order(self) -> list[list[int]]:
        """Per layer the old units in their new order: ``canonical_form() == permuted(canonical_order())``."""
        import igraph

        offsets = [sum(self.widths[:l]) for l in range(self.depth + 1)]
        edges = [(offsets[l] + j, offsets[l + 1] + i) for l, i, j in self.edges]
        graph = igraph.Graph(n=sum(self.widths), edges=edges)
        colour = [l for l, width in enumerate(self.widths) for _ in range(width)]
        # igraph 0.11 and 1.0 return inverse permutations here; `permute_vertices` reads each as it is meant.
        graph.vs["old"] = range(sum(self.widths))
        canonical = graph.permute_vertices(graph.canonical_permutation(color=colour)).vs["old"]
        return [[v - offset for v in canonical if colour[v] == l] for l, offset in enumerate(offsets)]

    def permuted(self, order: Sequence[Sequence[int]]) -> LinearNetwork:
        """New unit ``v`` of layer ``l`` is the old unit ``order[l][v]``.

        Raises:
            ValueError: not one permutation per layer.
        """
        if [sorted(layer) for layer in order] != [list(range(width)) for width in self.widths]:
            raise ValueError(f"order: one permutation per layer is expected, for the widths {self.widths}")
        return LinearNetwork(
            tuple(tuple(tuple(mask[i][j] for j in order[l]) for i in order[l + 1]) for l, mask in enumerate(self.masks))
        )

    def is_isomorphic(self, other: LinearNetwork) -> bool:
        """Equal up to permuting inputs, outputs and the units of each hidden layer."""
        return self.widths == other.widths and self.canonical_form() == other.canonical_form()

    def transposed(self) -> LinearNetwork:
        """The network of M': layers in reverse order, each mask transposed."""
        return LinearNetwork(tuple(tuple(zip(*mask, strict=True)) for mask in reversed(self.masks)))

    # -- showing ----------------------------------------------------------------------------------------

    def __str__(self) -> str:
        return "-".join(map(str, self.widths)) + " " + " | ".join(" ".join(map(_bits, m)) for m in self.masks)

    def _repr_html_(self) -> str:
        tables = []
        for l, mask in enumerate(self.masks, start=1):
            rows = "".join("<tr>" + "".join(f"<td>{x}</td>" for x in row) + "</tr>" for row in mask)
            tables.append(f"<table><caption>W<sub>{l}</sub></caption>{rows}</table>")
        widths = "-".join(map(str, self.widths))
        return f"<div>{widths}, {self.parameters} weights{''.join(tables)}</div>"

    def _repr_latex_(self) -> str:
        factors = []
        for l in range(self.depth - 1, -1, -1):
            rows = [
                " & ".join(r"w^{%d}_{%d%d}" % (l + 1, i + 1, j + 1) if x else "0" for j, x in enumerate(row))  # noqa: UP031
                for i, row in enumerate(self.masks[l])
            ]
            factors.append(r"\begin{pmatrix}" + r" \\ ".join(rows) + r"\end{pmatrix}")
        return "$M = " + " ".join(factors) + "$"


def _spread(masks: Masks) -> list[list[frozenset[int]]]:
    """Per layer and unit, the inputs that reach it.

    Layer by layer, a set as the bits of an integer: networkx walks all edges once more for every node, which takes
    minutes where a layer has a thousand units.
    """
    bits = [[1 << j for j in range(len(masks[0][0]))]]
    for mask in masks:
        bits.append([reduce(or_, compress(bits[-1], row), 0) for row in mask])
    seen: dict[int, frozenset[int]] = {}
    for b in chain.from_iterable(bits):
        if b not in seen:
            seen[b] = frozenset(j for j, x in enumerate(reversed(f"{b:b}")) if x == "1")
    return [[seen[b] for b in layer] for layer in bits]


def _bits(row: Sequence[int]) -> str:
    return "".join(map(str, row))
