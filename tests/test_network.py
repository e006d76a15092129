"""Networks: input errors, graphs, reachability, gauge, pruning, and isomorphism counted in two ways."""

from __future__ import annotations

import json
import random
from itertools import pairwise, permutations, product
from math import gcd, prod
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symverify.network import LinearNetwork, Masks

QUICK = settings(max_examples=40, deadline=None)


@st.composite
def networks(draw: st.DrawFn, max_depth: int = 4, max_width: int = 3) -> LinearNetwork:
    widths = draw(st.lists(st.integers(1, max_width), min_size=2, max_size=max_depth + 1))
    bit = st.integers(0, 1)
    return LinearNetwork.from_masks(
        draw(st.lists(st.lists(bit, min_size=below, max_size=below), min_size=above, max_size=above))
        for below, above in pairwise(widths)
    )


def all_networks(*widths: int) -> list[LinearNetwork]:
    """Every mask of these widths."""
    shapes = list(pairwise(widths))
    found = []
    for bits in product((0, 1), repeat=sum(a * b for a, b in shapes)):
        rest = iter(bits)
        found.append(LinearNetwork.from_masks([[[next(rest) for _ in range(b)] for _ in range(a)] for b, a in shapes]))
    return found


def path_counts(network: LinearNetwork) -> np.ndarray[Any, Any]:
    """The product of the masks: how many paths lead from each input to each output."""
    counts = np.eye(network.widths[0], dtype=int)
    for mask in network.masks:
        counts = np.array(mask) @ counts
    return counts


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[LinearNetwork, list[list[int]]]:
    network = draw(networks())
    return network, [draw(st.permutations(range(width))) for width in network.widths]


# -- making one, and what is refused ----------------------------------------------------------------------


def test_sources_of_masks_agree() -> None:
    masks = [[[1, 1, 0], [0, 1, 1]], [[1, 0]]]
    expected = LinearNetwork((((1, 1, 0), (0, 1, 1)), ((1, 0),)))
    assert LinearNetwork.from_masks(masks) == expected
    assert LinearNetwork.from_masks(np.array(mask) for mask in masks) == expected
    assert LinearNetwork.from_masks([np.array(mask, dtype=bool) for mask in masks]) == expected
    assert LinearNetwork.from_masks([np.array(mask, dtype=float) for mask in masks]) == expected
    assert LinearNetwork.from_masks([tuple(map(tuple, mask)) for mask in masks]) == expected
    assert hash(LinearNetwork.from_masks(masks)) == hash(expected)
    assert all(type(x) is int for mask in LinearNetwork.from_masks([[[1, 1.0]]]).masks for row in mask for x in row)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([], "masks: a network needs at least one layer"),
        ([[]], r"masks\[0\]: a mask is a non-empty list"),
        ([[[]]], r"masks\[0\]: the rows are empty"),
        ([[[1], []]], r"masks\[0\]\[1\]: 0 entries, but the first row has 1"),
        ([[[1, 0], [1]]], r"masks\[0\]\[1\]: 1 entries, but the first row has 2; make the rows equally long"),
        ([[[1, 2]]], r"masks\[0\]\[0\]\[1\]: entries are 0 or 1, not '2'"),
        ([[[1, -1]]], r"masks\[0\]\[0\]\[1\]: entries are 0 or 1"),
        ([[[0.5]]], r"masks\[0\]\[0\]\[0\]: entries are 0 or 1, not '0.5'"),
        ([[[float("nan")]]], r"masks\[0\]\[0\]\[0\]: entries are 0 or 1, not 'nan'"),
        ([[["1"]]], r"masks\[0\]\[0\]\[0\]: entries are 0 or 1, not '1'"),
        ([[[None]]], r"masks\[0\]\[0\]\[0\]: entries are 0 or 1, not 'None'"),
        ([[[1]], [[[1]]]], r"masks\[1\]\[0\]\[0\]: entries are 0 or 1"),
        ([[1, 0]], r"masks\[0\]\[0\]: a row is a list"),
        ([5], r"masks\[0\]: a mask is a non-empty list"),
        ([{"rows": 1}], r"masks\[0\]: a mask is a non-empty list"),
        ([[[1, 1]], [[1, 1]]], r"masks\[1\]: 2 columns, but masks\[0\] has 1 rows; the layers must chain"),
        ([[[1]], [[1], [1]], [[1]]], r"masks\[2\]: 1 columns, but masks\[1\] has 2 rows"),
        (5, "masks: a list with one 0/1 matrix per layer"),
        ("101", "masks: a list with one 0/1 matrix per layer"),
        ({"masks": [[[1]]]}, "masks: a list with one 0/1 matrix per layer"),
    ],
)
def test_bad_masks_are_refused_with_the_place(masks: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LinearNetwork.from_masks(masks)


@pytest.mark.parametrize("masks", [(), ((),), (((),),), (((1, 0), (1,)),), (((2,),),), (((1,),), ((1, 1),))])
def test_the_constructor_itself_checks(masks: Masks) -> None:
    with pytest.raises(ValueError, match="masks"):
        LinearNetwork(masks)


@pytest.mark.parametrize("widths", [(), (2,), (0, 1), (2, 0, 1), (1, 0), (-1, 2, 2)])
def test_dense_needs_two_positive_widths(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="masks"):
        LinearNetwork.dense(*widths)


def test_dense() -> None:
    network = LinearNetwork.dense(3, 2, 4)
    assert network.widths == (3, 2, 4)
    assert network.parameters == 14
    assert network.depth == 2
    assert len(network.covered) == 12


def test_from_units() -> None:
    network = LinearNetwork.from_units(([1], [1]), ([1, 2, 3], [1, 2, 3]))
    assert network.masks == (((1, 0, 0), (1, 1, 1)), ((1, 1), (0, 1), (0, 1)))


@pytest.mark.parametrize("units", [(), (([], [1]),), (([1], []),), (([0, 1], [1]),), (([1], [-2, 1]),)])
def test_from_units_refuses_units_without_ends(units: Any) -> None:
    with pytest.raises(ValueError, match="units: each needs at least one input and one output, counted from 1"):
        LinearNetwork.from_units(*units)


def test_from_file(tmp_path: Path) -> None:
    masks = [[[1, 0], [1, 1]], [[1, 1]]]
    for content in (masks, {"masks": masks, "data": {"class": "any"}}):
        (tmp_path / "problem.json").write_text(json.dumps(content))
        assert LinearNetwork.from_file(tmp_path / "problem.json") == LinearNetwork.from_masks(masks)
    for content in ("[[[NaN]]]", '{"data": 1}', "{", "[]"):
        (tmp_path / "problem.json").write_text(content)
        with pytest.raises(ValueError):
            LinearNetwork.from_file(str(tmp_path / "problem.json"))


@QUICK
@given(networks())
def test_edges_are_the_ones_of_the_masks_in_order(network: LinearNetwork) -> None:
    expected = [
        (l, i, j)
        for l, mask in enumerate(network.masks)
        for i, j in sorted((int(i), int(j)) for i, j in np.argwhere(np.array(mask)))
    ]
    assert list(network.edges) == expected
    assert network.parameters == sum(int(np.sum(mask)) for mask in network.masks)
    assert len({network.weight_name(edge) for edge in network.edges}) == network.parameters


# -- graphs -----------------------------------------------------------------------------------------------


@QUICK
@given(networks())
def test_graph_round_trip(network: LinearNetwork) -> None:
    graph = network.to_graph()
    assert graph.number_of_edges() == network.parameters
    assert graph.number_of_nodes() == sum(network.widths)
    assert LinearNetwork.from_graph(graph) == network


@QUICK
@given(networks(), st.integers(0, 10**6))
def test_names_and_order_of_nodes_do_not_matter(network: LinearNetwork, seed: int) -> None:
    nodes = list(network.to_graph().nodes(data=True))
    random.Random(seed).shuffle(nodes)
    graph = nx.DiGraph()
    graph.add_nodes_from((f"unit {node}", attributes) for node, attributes in nodes)
    graph.add_edges_from((f"unit {a}", f"unit {b}") for a, b in network.to_graph().edges)
    assert LinearNetwork.from_graph(graph) == network


def graph_of(nodes: dict[str, tuple[Any, Any]], *edges: tuple[str, str]) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from((name, {"layer": layer, "index": index}) for name, (layer, index) in nodes.items())
    graph.add_edges_from(edges)
    return graph


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (nx.DiGraph(), "graph: layers are to be"),
        (nx.DiGraph([("a", "b")]), "graph: node 'a' has no 'layer' and 'index'"),
        (graph_of({"a": (0, 0), "b": (1, 0)}, ("a", "c")), "graph: node 'c' has no 'layer'"),
        (graph_of({"a": (0, 0)}), "graph: layers are to be"),
        (graph_of({"a": (0, 0), "b": (2, 0)}), "graph: layers are to be"),
        (graph_of({"a": (1, 0), "b": (2, 0)}), "graph: layers are to be"),
        (graph_of({"a": (0, 0), "b": (1, 1)}), r"indices in each 0 \.\. d-1"),
        (graph_of({"a": (0, 0), "b": ("1", 0)}), "graph: layers are to be"),
        (graph_of({"a": (0, 0), "b": (0, 0), "c": (1, 0)}), "two nodes with layer 0, index 0"),
        (graph_of({"a": (0, 0), "b": (1, 0), "c": (2, 0)}, ("a", "c")), "'a' -> 'c' does not go to the next layer"),
        (graph_of({"a": (0, 0), "b": (1, 0)}, ("b", "a")), "'b' -> 'a' does not go to the next layer"),
        (graph_of({"a": (0, 0), "b": (1, 0)}, ("a", "a")), "'a' -> 'a' does not go to the next layer"),
    ],
)
def test_bad_graphs_are_refused(graph: nx.DiGraph, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LinearNetwork.from_graph(graph)


# -- reachability, pruning, sub-networks ------------------------------------------------------------------


@QUICK
@given(networks())
def test_reachability_is_that_of_the_product_of_the_masks(network: LinearNetwork) -> None:
    counts = path_counts(network)
    assert network.covered == {(int(o), int(j)) for o, j in np.argwhere(counts)}
    for o, j in product(range(network.widths[-1]), range(network.widths[0])):
        paths = list(network.paths(j, o))
        assert len(paths) == len(set(paths)) == counts[o, j]
        assert all(
            path[0] == j and path[-1] == o and all(network.masks[l][path[l + 1]][path[l]] for l in range(network.depth))
            for path in paths
        )


@QUICK
@given(networks())
def test_dead_units_and_unused_ends_lie_on_no_path(network: LinearNetwork) -> None:
    ends = product(range(network.widths[0]), range(network.widths[-1]))
    on_path = {(l, v) for j, o in ends for path in network.paths(j, o) for l, v in enumerate(path)}
    off_path = {(l, v) for l, width in enumerate(network.widths) for v in range(width)} - on_path
    unused = {(0, j) for j in network.unused_inputs()} | {(network.depth, o) for o in network.unused_outputs()}
    assert {*network.dead_units()} | unused == off_path
    assert network.is_pruned() == (not off_path)


@QUICK
@given(networks())
def test_pruning_keeps_all_paths(network: LinearNetwork) -> None:
    if not network.covered:
        with pytest.raises(ValueError, match="no path joins"):
            network.pruned()
        return
    part = network.pruned()
    assert part.network.is_pruned()
    assert part.network.pruned().network == part.network
    counts = path_counts(network)
    kept = counts[np.ix_(part.nodes[-1], part.nodes[0])]
    assert np.array_equal(path_counts(part.network), kept)
    assert kept.sum() == counts.sum()


@QUICK
@given(networks(), st.data())
def test_induced_networks_have_the_paths_between_their_ends(network: LinearNetwork, data: st.DataObject) -> None:
    inputs = data.draw(st.sets(st.integers(0, network.widths[0] - 1)))
    outputs = data.draw(st.sets(st.integers(0, network.widths[-1] - 1)))
    between = [path for j in inputs for o in outputs for path in network.paths(j, o)]
    if not between:
        with pytest.raises(ValueError, match="no path joins any of these inputs"):
            network.induced(inputs, outputs)
        return
    part = network.induced(inputs, outputs)
    assert [set(layer) for layer in part.nodes] == [set(layer) for layer in zip(*between, strict=True)]
    assert part.network.widths == tuple(map(len, part.nodes))
    assert path_counts(part.network).sum() == len(between)


def test_a_dead_unit_of_each_kind() -> None:
    network = LinearNetwork.from_masks([[[1, 0], [0, 0], [1, 0]], [[1, 1, 0], [0, 0, 0]]])
    assert network.dead_units() == ((1, 1), (1, 2))
    assert network.unused_inputs() == (1,)
    assert network.unused_outputs() == (1,)
    assert network.pruned().network == LinearNetwork.dense(1, 1, 1)
    assert network.pruned().nodes == ((0,), (0,), (0,))


# -- gauge ------------------------------------------------------------------------------------------------


@QUICK
@given(networks())
def test_gauge_generators_are_the_operations_that_keep_the_masks(network: LinearNetwork) -> None:
    """Tried on matrices that are 1 on the masks: the sums must vanish off the masks."""
    expected = []
    for l in range(1, network.depth):
        below, above = np.array(network.masks[l - 1]), np.array(network.masks[l])
        for i, j in product(range(network.widths[l]), repeat=2):
            rows, columns = below.copy(), above.copy()
            rows[i] += below[j]
            columns[:, j] += above[:, i]
            if not rows[below == 0].any() and not columns[above == 0].any():
                expected.append((l, i, j))
    assert list(network.gauge_generators) == expected
    assert {(l, v, v) for l in range(1, network.depth) for v in range(network.widths[l])} <= set(expected)


def test_gauge_of_disjoint_units_is_rescaling_only() -> None:
    network = LinearNetwork.from_units(([1], [1]), ([2], [2]))
    assert network.gauge_generators == ((1, 0, 0), (1, 1, 1))


# -- isomorphism ------------------------------------------------------------------------------------------


@QUICK
@given(shuffled())
def test_the_canonical_form_does_not_depend_on_the_order(pair: tuple[LinearNetwork, list[list[int]]]) -> None:
    network, order = pair
    other = network.permuted(order)
    assert other.widths == network.widths
    assert other.canonical_form() == network.canonical_form()
    assert network.is_isomorphic(other)
    assert network.canonical_form().canonical_form() == network.canonical_form()


@QUICK
@given(shuffled())
def test_permuting_back(pair: tuple[LinearNetwork, list[list[int]]]) -> None:
    network, order = pair
    back = [sorted(range(len(layer)), key=lambda v, layer=layer: layer[v]) for layer in order]
    assert network.permuted(order).permuted(back) == network


def smallest_by_force(network: LinearNetwork) -> Masks:
    orders = product(*(permutations(range(width)) for width in network.widths))
    return min(network.permuted(order).masks for order in orders)


@pytest.mark.parametrize("widths", [(2, 2, 2), (3, 2, 1), (2, 1, 2), (1, 2, 2, 1), (3, 3)])
def test_isomorphic_iff_equal_canonical_forms_by_brute_force(widths: tuple[int, ...]) -> None:
    classes = {(network.canonical_form(), smallest_by_force(network)) for network in all_networks(*widths)}
    assert len({form for form, _ in classes}) == len({least for _, least in classes}) == len(classes)


def cycles(order: tuple[int, ...]) -> list[int]:
    lengths, left = [], set(range(len(order)))
    while left:
        v, length = left.pop(), 1
        while (v := order[v]) in left:
            left.remove(v)
            length += 1
        lengths.append(length)
    return lengths


def burnside(*widths: int) -> int:
    """Orbits of masks: the mean of ``2^(cycles of the permutation on the possible edges)`` over the group."""
    total = 0
    groups = [list(permutations(range(width))) for width in widths]
    for orders in product(*groups):
        lengths = [cycles(order) for order in orders]
        pairs = pairwise(lengths)
        total += 2 ** sum(gcd(a, b) for below, above in pairs for a in below for b in above)
    assert total % prod(map(len, groups)) == 0
    return total // prod(map(len, groups))


@pytest.mark.parametrize("widths", [(2, 2, 2), (3, 2, 2), (2, 3, 1), (2, 2, 2, 1), (1, 2, 2, 2), (3, 3), (2, 1, 3)])
def test_counts_of_structures_against_burnside(widths: tuple[int, ...]) -> None:
    assert len({network.canonical_form() for network in all_networks(*widths)}) == burnside(*widths)


@pytest.mark.parametrize(
    ("widths", "count"),
    [
        pytest.param((2, 2), 7, id="OEIS-A028657-2x2"),
        pytest.param((2, 3), 13, id="OEIS-A028657-2x3"),
        pytest.param((3, 3), 36, id="OEIS-A028657-3x3"),
        pytest.param((3, 4), 87, id="OEIS-A028657-3x4"),
    ],
)
def test_counts_of_one_layer_in_print(widths: tuple[int, ...], count: int) -> None:
    assert len({network.canonical_form() for network in all_networks(*widths)}) == burnside(*widths) == count


def test_layers_are_not_exchanged() -> None:
    network = LinearNetwork.from_masks([[[1, 1]], [[1], [0]]])
    assert not network.is_isomorphic(network.transposed())
    assert not LinearNetwork.dense(1, 2, 3).is_isomorphic(LinearNetwork.dense(3, 2, 1))
    assert not LinearNetwork.dense(2, 2).is_isomorphic(LinearNetwork.dense(2, 2, 2))


@QUICK
@given(networks())
def test_transposing(network: LinearNetwork) -> None:
    dual = network.transposed()
    assert dual.transposed() == network
    assert dual.widths == network.widths[::-1]
    assert dual.covered == {(j, o) for o, j in network.covered}
    assert len(dual.gauge_generators) == len(network.gauge_generators)
    assert np.array_equal(path_counts(dual), path_counts(network).T)


# -- showing ----------------------------------------------------------------------------------------------


def test_shown_as_text_and_latex() -> None:
    network = LinearNetwork.from_masks([[[1, 0], [1, 1]], [[1, 1]]])
    assert str(network) == "2-2-1 10 11 | 11"
    shown = network._repr_latex_()
    assert shown.startswith("$M = ")
    assert r"w^{1}_{11} & 0 \\ w^{1}_{21} & w^{1}_{22}" in shown
    assert shown.count(r"\begin{pmatrix}") == shown.count(r"\end{pmatrix}") == 2


def test_numpy_rows_and_entries_in_lists() -> None:
    expected = LinearNetwork.from_masks([[[1, 0], [1, 1]]])
    assert LinearNetwork.from_masks([[np.array([1, 0]), np.array([True, True])]]) == expected
    assert LinearNetwork.from_masks([[[np.int64(1), np.int64(0)], [np.True_, 1]]]) == expected


@pytest.mark.parametrize("order", [[[0, 0], [0, 1], [0]], [[0, 1], [0, 1]], [[0, 1, 2], [0, 1], [0]]])
def test_only_permutations_permute(order: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="one permutation per layer"):
        LinearNetwork.dense(2, 2, 1).permuted(order)


def test_graphs_of_other_kinds_are_refused() -> None:
    graph = LinearNetwork.dense(2, 2, 1).to_graph()
    for other in (nx.MultiDiGraph(graph), nx.Graph(graph), [graph]):
        with pytest.raises(ValueError, match=r"a networkx\.DiGraph is expected"):
            LinearNetwork.from_graph(other)
    graph.add_node("x", layer=[1], index=0)
    with pytest.raises(ValueError, match="layers are to be 0"):
        LinearNetwork.from_graph(graph)


def test_reach_is_that_of_the_graph() -> None:
    rng = np.random.default_rng(3)
    for _ in range(30):
        widths = rng.integers(1, 6, size=4)
        net = LinearNetwork.from_masks([rng.integers(0, 2, size=(b, a)) for a, b in pairwise(widths)])
        graph = net.to_graph()
        for l, v in graph:
            below, above = nx.ancestors(graph, (l, v)) | {(l, v)}, nx.descendants(graph, (l, v)) | {(l, v)}
            assert net.inputs_of(l, v) == {u for layer, u in below if layer == 0}
            assert net.outputs_of(l, v) == {u for layer, u in above if layer == net.depth}


def test_a_thousand_units_a_layer() -> None:
    net = LinearNetwork.from_masks([np.ones((1000, 1000), dtype=int), np.ones((2, 1000), dtype=int)])
    assert len(net.covered) == 2000
    assert net.is_pruned()
