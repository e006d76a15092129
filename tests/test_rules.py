"""Rules P, K, D and contraction: what they prove, what they must not prove, and that the search never contradicts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structures import E1, E2, FALSE_FRIEND, SHARED_OUTPUTS, SIX_WEIGHTS

from symverify import checker
from symverify.certificate import Benign, Contract, DenseBlock, Path, SpuriousMinimum, Step, WideBlock, encode
from symverify.certify import exact_certificates
from symverify.data import Data, DataClass
from symverify.enumeration import structures
from symverify.network import LinearNetwork
from symverify.rules import (
    BALDI_HORNIK,
    KAWAGUCHI,
    contract,
    contracted,
    dense_block_steps,
    path_steps,
    prove_benign,
    wide_block_steps,
)
from symverify.search import designed_candidates

QUICK = settings(max_examples=40, deadline=None)
ANY, ORTHOGONAL = DataClass.ANY, DataClass.ORTHOGONAL
CLASSES = [ANY, ORTHOGONAL]
from_masks, dense, from_units = LinearNetwork.from_masks, LinearNetwork.dense, LinearNetwork.from_units

DISJOINT_FIRST_LAYER = [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
SHARED_INPUTS = from_units(([1, 2], [1, 2]), ([1, 2], [3, 4]))
SEPARATE = from_units(([1, 2], [1, 2]), ([3, 4], [3, 4]))
PARTLY_SHARED_OUTPUTS = from_units(([1, 2], [1, 2]), ([3, 4], [2, 3]))


def checked(proof: Benign) -> dict[str, object]:
    """The checker's facts; it must accept, and name the same assumptions."""
    outcome, facts = checker.check_bytes(encode(proof))
    assert outcome == ("assumes" if proof.assumes else "valid"), facts
    assert not isinstance(facts, str)
    assert facts[0]["assumes"] == list(proof.assumes)
    return dict(facts[0])


def kinds(proof: Benign) -> list[type[Step]]:
    return list(dict.fromkeys(type(step) for step in proof.steps))


@st.composite
def networks(draw: st.DrawFn, max_depth: int = 3, max_width: int = 3) -> LinearNetwork:
    widths = draw(st.lists(st.integers(1, max_width), min_size=2, max_size=max_depth + 1))
    bit = st.sampled_from([0, 1, 1])
    return from_masks(
        draw(st.lists(st.lists(bit, min_size=below, max_size=below), min_size=above, max_size=above))
        for below, above in pairwise(widths)
    )


# -- what is proved, by which rule, and on which assumption -----------------------------------------------

PROVED = [
    ("one layer", from_masks([[[1, 0, 1], [0, 1, 1]]]), ANY, [Path], ()),
    ("scalar output", from_masks([[[1, 0], [1, 1]], [[1, 1], [0, 1]], [[1, 1]]]), ANY, [Path], ()),
    ("scalar input", from_masks([[[1], [1]], [[1, 1], [0, 1]], [[1, 0], [1, 1]]]), ANY, [Path], ()),
    ("units with one input or one output", from_units(([1], [1, 2]), ([2], [2]), ([1, 2], [1])), ANY, [Path], ()),
    ("units with one input or output and a full one", from_units(([1], [1, 2]), ([2], [1, 2])), ANY, [Path], ()),
    ("as many units as inputs", dense(2, 2, 3), ANY, [WideBlock], ()),
    ("as many units as outputs", dense(3, 2, 2), ANY, [WideBlock], ()),
    ("wide block and path", from_units(([1, 2], [1, 2]), ([1, 2], [1, 2]), ([3], [2])), ANY, [Path, WideBlock], ()),
    ("bottleneck", dense(3, 2, 3), ANY, [DenseBlock], (BALDI_HORNIK,)),
    ("deep bottleneck", dense(3, 1, 1, 3), ANY, [DenseBlock], (KAWAGUCHI,)),
    ("separate blocks", SEPARATE, ANY, [DenseBlock], (BALDI_HORNIK,)),
    ("blocks with the same inputs", SHARED_INPUTS, ANY, [DenseBlock], (BALDI_HORNIK,)),
    ("blocks with the same outputs", SHARED_OUTPUTS, ORTHOGONAL, [DenseBlock], (BALDI_HORNIK,)),
    ("block and path", from_units(([1, 2], [1, 2]), ([3], [1, 2])), ORTHOGONAL, [Path, DenseBlock], (BALDI_HORNIK,)),
    ("disjoint first layer, two layers", from_masks([DISJOINT_FIRST_LAYER, [[1] * 3] * 3]), ORTHOGONAL,
     [Path, DenseBlock], (BALDI_HORNIK,)),
    ("disjoint first layer, wide second", from_masks([DISJOINT_FIRST_LAYER, [[1] * 3] * 4, [[1] * 4] * 3]), ORTHOGONAL,
     [Contract, Path, DenseBlock], (BALDI_HORNIK,)),
    ("one input per unit and a bottleneck", from_masks([[[1, 0], [0, 1]], [[1, 1]], [[1], [1]]]), ANY,
     [Contract, DenseBlock], (BALDI_HORNIK,)),
    ("series to a single layer", from_masks([[[1, 0], [1, 0], [0, 1]], [[1, 0, 1], [0, 1, 0]]]), ANY, [Path], ()),
]  # fmt: skip


@pytest.mark.parametrize(("network", "data_class", "rules", "assumes"), [pytest.param(*c[1:], id=c[0]) for c in PROVED])
def test_must_be_proved(
    network: LinearNetwork, data_class: DataClass, rules: list[type[Step]], assumes: tuple[str, ...]
) -> None:
    proof = prove_benign(network, data_class)
    assert proof is not None
    assert (proof.network, proof.data) == (network, data_class)
    assert kinds(proof) == rules
    assert proof.assumes == assumes
    checked(proof)


@pytest.mark.parametrize("network", [case[1] for case in PROVED if case[2] is ANY], ids=str)
def test_what_holds_for_any_data_holds_for_orthogonal_data(network: LinearNetwork) -> None:
    proof = prove_benign(network, ORTHOGONAL)
    assert proof is not None
    checked(proof)


NOT_PROVED = [
    ("false friend", FALSE_FRIEND, CLASSES),
    ("six weights", SIX_WEIGHTS, CLASSES),
    ("E1", E1, CLASSES),
    ("E2", E2, CLASSES),
    ("two outputs, three layers", from_masks([[[1, 1, 0], [0, 0, 1]], [[1, 1]], [[1], [1]]]), CLASSES),
    ("dense blocks with the same outputs", SHARED_OUTPUTS, [ANY]),
    ("dense blocks with a common output", PARTLY_SHARED_OUTPUTS, [ANY]),
    ("units {12}x{12}, {13}x{13}", from_units(([1, 2], [1, 2]), ([1, 3], [1, 3])), CLASSES),
    ("intersecting first layer", from_masks([[[1, 1, 0], [1, 0, 1]], [[1, 1], [1, 1]]]), CLASSES),
]


@pytest.mark.parametrize(
    ("network", "data_class"), [pytest.param(n, c, id=f"{name}-{c}") for name, n, cs in NOT_PROVED for c in cs]
)
def test_must_not_be_proved(network: LinearNetwork, data_class: DataClass) -> None:
    assert prove_benign(network, data_class) is None


@pytest.mark.parametrize("widths", [(2, 2, 2, 2), (3, 4, 3, 3), (2, 1, 1, 1), (1, 2, 2, 3), (2, 2, 2, 2, 2)])
def test_dense_networks_without_a_bottleneck_need_no_assumption(widths: tuple[int, ...]) -> None:
    proof = prove_benign(dense(*widths), ANY)
    assert proof is not None
    checked(proof)
    assert proof.assumes == ()


@pytest.mark.parametrize("widths", [(3, 2, 2, 3), (2, 1, 2), (2, 2, 1, 2), (4, 3, 4)])
def test_dense_networks_with_a_bottleneck_rest_on_the_literature(widths: tuple[int, ...]) -> None:
    proof = prove_benign(dense(*widths), ANY)
    assert proof is not None
    assert len(proof.assumes) == 1
    checked(proof)


def test_a_network_without_any_path_is_benign_by_no_steps() -> None:
    network = from_masks([[[1, 0], [0, 0]], [[0, 1]]])
    proof = prove_benign(network, ANY)
    assert proof is not None
    assert (proof.steps, proof.assumes) == ((), ())
    checked(proof)


@pytest.mark.parametrize(
    "network",
    [
        from_masks([[[1, 1], [1, 1], [0, 0]], [[1, 1, 1], [1, 1, 0]]]),
        from_masks([[[1, 1, 0], [1, 1, 0], [0, 0, 1]], [[1, 1, 0], [1, 1, 0]]]),
    ],
)
def test_dead_units_and_unused_inputs_do_not_disturb(network: LinearNetwork) -> None:
    proof = prove_benign(network, ANY)
    assert proof is not None
    checked(proof)


# -- data as numbers --------------------------------------------------------------------------------------

CORRELATED = Data.from_moments([[2, 1, 0, 0], [1, 2, 1, 0], [0, 1, 2, 1], [0, 0, 1, 2]], [[1, 0, 0, 0], [0, 1, 0, 0]])
DIAGONAL = Data.from_moments([[2, 0, 0, 0], [0, 1, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]], [[1, 2, 3, 4], [0, 1, 0, 0]])
SINGULAR = Data.from_moments([[2, 0, 0, 0], [0, 1, 0, 0], [0, 0, 3, 0], [0, 0, 0, 0]], [[1, 2, 3, 0], [0, 1, 0, 0]])


@pytest.mark.parametrize(("data", "proved"), [(CORRELATED, False), (DIAGONAL, True), (SINGULAR, False)])
def test_given_data_count_as_orthogonal_only_if_the_gram_matrix_is_diagonal_and_positive(
    data: Data, proved: bool
) -> None:
    proof = prove_benign(SHARED_OUTPUTS, data)
    assert (proof is not None) == proved
    if proof is not None:
        assert proof.data == data
        checked(proof)


@pytest.mark.parametrize("data", [CORRELATED, DIAGONAL, SINGULAR])
def test_given_data_of_any_kind_suffice_where_the_structure_does(data: Data) -> None:
    proof = prove_benign(dense(4, 1, 2), data)
    assert proof is not None
    checked(proof)


@pytest.mark.parametrize("data", [Data.whitened([[1, 0], [0, "1/2"]]), Data.whitened([[0, 0], [0, 0]])])
def test_given_data_do_not_help_the_six_weights(data: Data) -> None:
    assert prove_benign(SIX_WEIGHTS, data) is None


def test_the_checker_refuses_a_proof_for_orthogonal_data_where_it_is_stated_for_any() -> None:
    proof = prove_benign(SHARED_OUTPUTS, ORTHOGONAL)
    assert proof is not None
    for data in (ANY, CORRELATED, SINGULAR):
        assert checker.check_bytes(encode(Benign(SHARED_OUTPUTS, data, proof.steps, proof.assumes)))[0] == "invalid"


# -- single rules -----------------------------------------------------------------------------------------


def settled(steps: Iterator[tuple[Step, frozenset[tuple[int, int]]]]) -> set[tuple[int, int]]:
    return {pair for _, pairs in steps for pair in pairs}


def test_paths_of_the_false_friend_settle_all_but_one_pair() -> None:
    assert FALSE_FRIEND.covered == {(0, 0), (0, 1), (1, 0)}
    assert settled(path_steps(FALSE_FRIEND)) == {(0, 1), (1, 0)}


def test_paths_of_the_six_weights_settle_one_pair() -> None:
    assert settled(path_steps(SIX_WEIGHTS)) == {(0, 0)}


def test_paths_of_e2_settle_one_pair() -> None:
    assert settled(path_steps(E2)) == {(0, 0)}


def test_a_wide_block_settles_the_common_outputs_of_units_with_equal_inputs() -> None:
    network = from_units(([1, 2], [1, 2, 3]), ([1, 2], [2, 3, 4]), ([1, 2, 3], [1, 4]))
    assert settled(wide_block_steps(network)) == {(o, j) for o in (1, 2) for j in (0, 1)}


def test_a_wide_block_settles_the_common_inputs_of_units_with_equal_outputs() -> None:
    network = from_units(([1, 2, 3], [1, 2]), ([2, 3, 4], [1, 2]), ([1, 4], [1, 2, 3]))
    assert settled(wide_block_steps(network)) == {(o, j) for o in (0, 1) for j in (1, 2)}


def test_too_few_units_are_no_wide_block() -> None:
    assert settled(wide_block_steps(from_units(([1, 2, 3], [1, 2, 3]), ([1, 2, 3], [1, 2, 3])))) == set()


def test_wide_blocks_are_a_rule_of_two_layers() -> None:
    assert list(wide_block_steps(dense(2, 2, 2, 2))) == []
    assert list(wide_block_steps(dense(2, 2))) == []


@pytest.mark.parametrize(("network", "for_any", "for_orthogonal"), [
    (SEPARATE, 2, 2), (SHARED_INPUTS, 2, 2), (SHARED_OUTPUTS, 0, 2), (PARTLY_SHARED_OUTPUTS, 0, 2),
    (SIX_WEIGHTS, 0, 0), (E1, 0, 0), (dense(2, 2), 0, 0), (dense(2, 2, 2, 2), 1, 1),
])  # fmt: skip
def test_dense_blocks_are_the_parts_into_which_the_loss_decouples(
    network: LinearNetwork, for_any: int, for_orthogonal: int
) -> None:
    assert len(list(dense_block_steps(network, False))) == for_any
    assert len(list(dense_block_steps(network, True))) == for_orthogonal


# -- contraction ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("network", "layer", "expected"), [
    (dense(2, 2, 2), 1, dense(2, 2)),
    (dense(3, 4, 3), 1, dense(3, 3)),
    (dense(3, 3, 3), 1, None),
    (dense(1, 1, 5), 1, None),
    (dense(1, 4, 5), 1, dense(1, 5)),
    (dense(3, 1, 1, 3), 1, None),
    (dense(2, 1, 1, 2), 1, dense(2, 1, 2)),
    (dense(2, 1, 1, 2), 2, dense(2, 1, 2)),
    (from_masks([[[1, 0], [1, 0], [0, 1]], [[1, 0, 0], [0, 1, 1]]]), 1, from_masks([[[1, 0], [1, 1]]])),
    (from_masks([[[1, 0], [1, 0]], [[1, 1]]]), 1, None),  # both units join the same two nodes
    (from_masks([[[1, 0], [0, 1]], [[1, 1], [1, 0]]]), 1, None),  # a unit with two edges out
    (from_masks([[[1, 1], [1, 0]], [[1, 1], [1, 1]]]), 1, None),  # wide, but not dense
    (from_masks([[[1, 0], [0, 1]], [[1, 0]]]), 1, None),  # a unit without an output
])  # fmt: skip
def test_contract_needs_a_wide_or_serial_layer(
    network: LinearNetwork, layer: int, expected: LinearNetwork | None
) -> None:
    assert contract(network, layer) == expected


def test_contraction_chains_reach_the_single_layer() -> None:
    found = list(contracted(dense(2, 3, 4, 2, 2)))
    chain = [(), (Contract(2),), (Contract(2), Contract(1)), (Contract(2), Contract(1), Contract(1))]
    widths = [(2, 3, 4, 2, 2), (2, 3, 2, 2), (2, 2, 2), (2, 2)]
    assert [(steps, network.widths) for steps, network in found] == list(zip(chain, widths, strict=True))
    assert all(network == dense(*network.widths) for _, network in found)


def test_a_chain_of_two_contractions_proves_a_deep_structure() -> None:
    # E1 with wide layers above: both contract, and the disjoint first layer with a dense second remains.
    network = from_masks([DISJOINT_FIRST_LAYER, [[1] * 3] * 4, [[1] * 4] * 6, [[1] * 6] * 3])
    proof = prove_benign(network, ORTHOGONAL)
    assert proof is not None
    assert [type(step) for step in proof.steps[:3]] == [Contract, Contract, Path]
    assert proof.assumes == (BALDI_HORNIK,)
    checked(proof)


@pytest.mark.parametrize(("middle", "proved"), [(1, False), (2, False), (3, False), (4, True), (5, True)])
def test_the_bound_of_the_wide_layer_is_the_stated_one(middle: int, proved: bool) -> None:
    network = from_masks([DISJOINT_FIRST_LAYER, [[1] * 3] * middle, [[1] * middle] * 3])
    assert (prove_benign(network, ORTHOGONAL) is not None) == proved


# -- every network ----------------------------------------------------------------------------------------


@QUICK
@given(networks(), st.sampled_from(CLASSES))
def test_every_proof_is_accepted(network: LinearNetwork, data_class: DataClass) -> None:
    proof = prove_benign(network, data_class)
    if proof is not None:
        checked(proof)


@QUICK
@given(networks(), st.data(), st.sampled_from(CLASSES))
def test_the_verdict_does_not_depend_on_the_numbering(
    network: LinearNetwork, data: st.DataObject, data_class: DataClass
) -> None:
    moved = network.permuted([data.draw(st.permutations(range(width))) for width in network.widths])
    one, other = prove_benign(network, data_class), prove_benign(moved, data_class)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one.assumes == other.assumes
        assert kinds(one) == kinds(other)


@QUICK
@given(networks())
def test_orthogonal_data_are_no_harder_than_any(network: LinearNetwork) -> None:
    assert prove_benign(network, ANY) is None or prove_benign(network, ORTHOGONAL) is not None


@QUICK
@given(networks())
def test_orthogonal_data_do_not_distinguish_a_network_from_its_transpose(network: LinearNetwork) -> None:
    # With G = 1 the loss of the transposed network for A' is the same.
    assert (prove_benign(network, ORTHOGONAL) is None) == (prove_benign(network.transposed(), ORTHOGONAL) is None)


@QUICK
@given(networks())
def test_pruning_does_not_lose_a_proof(network: LinearNetwork) -> None:
    if network.covered and prove_benign(network, ANY) is not None:
        assert prove_benign(network.pruned().network, ANY) is not None


# -- the rules against the search -------------------------------------------------------------------------


def spurious_minimum(network: LinearNetwork, data_class: DataClass, rounds: int) -> SpuriousMinimum | None:
    """The first spurious minimum, if any, that the search finds and the checker accepts."""
    rng = np.random.default_rng(1)
    for n in range(rounds):
        for candidate in designed_candidates(network, data_class, rng, fibre=bool(n % 2)):
            for certificate in exact_certificates(candidate):
                if checker.check_bytes(encode(certificate))[0] == "valid":
                    return certificate
    return None


def contradictions(networks: list[LinearNetwork], data_class: DataClass, rounds: int) -> tuple[int, int, list[str]]:
    """How many are proved benign, how many have a witness; and those with both."""
    proved = {network for network in networks if prove_benign(network, data_class) is not None}
    refuted = {network for network in networks if spurious_minimum(network, data_class, rounds) is not None}
    return len(proved), len(refuted), [str(network) for network in proved & refuted]


@pytest.mark.parametrize("data_class", CLASSES)
@pytest.mark.parametrize(
    ("widths", "every", "proved", "refuted"),
    [((2, 2, 2), 1, 7, 1), ((3, 2, 2), 1, 8, 4), ((2, 3, 2), 1, 30, 0), ((2, 2, 3), 1, 10, 3), ((2, 2, 2, 2), 3, 3, 2)],
)  # fmt: skip
def test_no_structure_is_both_proved_and_refuted(
    data_class: DataClass, widths: tuple[int, ...], every: int, proved: int, refuted: int
) -> None:
    found = contradictions(list(structures(*widths))[::every], data_class, rounds=2)
    assert found[2] == []
    # That the test has something to say: some are proved, and the search is not idle.
    assert found[0] >= proved
    assert found[1] >= refuted


@pytest.mark.slow
@pytest.mark.parametrize("data_class", CLASSES)
@pytest.mark.parametrize(
    ("widths", "every", "rounds"),
    [
        ((3, 2, 3), 1, 8),
        ((3, 3, 2), 3, 6),
        ((2, 3, 3), 3, 6),
        ((2, 2, 2, 2), 1, 6),
        ((3, 2, 2, 2), 6, 4),
        ((3, 3, 3), 40, 4),
    ],
)  # fmt: skip
def test_no_larger_structure_is_both_proved_and_refuted(
    data_class: DataClass, widths: tuple[int, ...], every: int, rounds: int
) -> None:
    assert contradictions(list(structures(*widths))[::every], data_class, rounds)[2] == []
