"""The fibre rules: clauses against the checker's, facts against genuine points, proofs against witnesses."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from itertools import product as cartesian
from typing import Any

import numpy as np
import pytest
from fibre_points import Point, assignment, move_curve, rank_stable, subsets_of, transposed, violated
from structures import SIX_WEIGHTS, TWICE

from symverify import checking, structure_checker
from symverify.certificate import SpuriousMinimum, encode, masks_json
from symverify.certify import exact_certificates
from symverify.data import Data, DataClass
from symverify.enumeration import structures
from symverify.exact import Matrix, as_matrix, nullspace, rank
from symverify.fibre import (
    MAX_WIDTH,
    minimal_core,
    named_lemma,
    named_literal,
    propagate,
    prove_bottleneck,
    prove_fibre,
    refutation,
)
from symverify.fibre_lemmas import Encoding, Vector, encode_lemmas, subsets
from symverify.loss import gradient, jacobian, product, residual, weights_of
from symverify.network import LinearNetwork
from symverify.refute import refute
from symverify.rules import prove_benign
from symverify.search import designed_candidates
from symverify.witness import accepted

SIZES = [(a, h, b) for a in (1, 2, 3) for h in (1, 2, 3) for b in (1, 2, 3)]


def fills(network: LinearNetwork) -> bool:
    """Generic rank of dM/dtheta = number of covered pairs (at a random integer point: never too large)."""
    rng = random.Random(0)
    point = weights_of(network, [rng.randint(-(10**6), 10**6) for _ in network.edges])
    return rank(jacobian(network, point)) == len(network.covered)


def all_structures() -> Iterator[LinearNetwork]:
    for size in SIZES:
        yield from structures(*size)


def sample(count: int, seed: int = 0) -> list[LinearNetwork]:
    return random.Random(seed).sample(list(structures(3, 3, 3)), count)


# -- the same clauses as the checker's --------------------------------------------------------------------


def the_checkers_clauses(
    network: LinearNetwork, encoding: Encoding, data_class: DataClass | None = None
) -> Iterator[tuple[Any, Any]]:
    word = None if data_class is None else data_class.value
    sides = structure_checker.read_sides(masks_json(network))
    literals = {}
    for n, fact in enumerate(encoding.facts, start=1):
        for holds in (True, False):
            body = named_literal(fact, holds).to_json()
            literals[n if holds else -n] = structure_checker.read_literal(sides, body, "fact")
    for clause, instance in zip(encoding.clauses, encoding.instances, strict=True):
        theirs = structure_checker.read_lemma(sides, named_lemma(instance).to_json(), "lemma", word)
        yield {literals[x] for x in clause}, theirs


@pytest.mark.parametrize("network", [SIX_WEIGHTS, TWICE, LinearNetwork.dense(3, 3, 2), *sample(4)], ids=str)
def test_prover_and_checker_make_the_same_clauses(network: LinearNetwork) -> None:
    encoding = encode_lemmas(network)
    assert {instance.lemma for instance in encoding.instances} >= {"move", "orthogonal", "spanned", "zero-node"}
    for ours, theirs in the_checkers_clauses(network, encoding):
        assert ours == theirs


BOTTLENECK = LinearNetwork.from_units(([1, 2], [3]), ([1, 2], [1, 2]))


@pytest.mark.parametrize("data_class", list(DataClass), ids=str)
@pytest.mark.parametrize(
    "network", [SIX_WEIGHTS, BOTTLENECK, LinearNetwork.dense(3, 1, 3), *sample(6, seed=8)], ids=str
)
def test_they_make_the_same_clauses_for_a_class_of_data(network: LinearNetwork, data_class: DataClass) -> None:
    """Also: the prover leaves out no instance of `bottleneck` that says something."""
    encoding = encode_lemmas(network, data_class)
    for ours, theirs in the_checkers_clauses(network, encoding, data_class):
        assert ours == theirs
    sides = structure_checker.read_sides(masks_json(network))

    def clause(body: dict[str, Any]) -> Any:
        return structure_checker.read_lemma(sides, body, "lemma", data_class.value)

    kept = [clause(named_lemma(x).to_json()) for x in encoding.instances if x.lemma == "bottleneck"]
    for side in ("inputs", "outputs"):
        for unit in range(network.widths[1]):
            try:
                found = clause({"lemma": "bottleneck", "side": side, "unit": unit})
            except structure_checker.InvalidCertificate:
                continue
            assert found in kept  # a clause that two instances have in common is kept once


# -- the lemmas at points ---------------------------------------------------------------------------------

STATIC = {
    "subset",
    "restriction",
    "zero-node",
    "expansion",
    "laplace",
    "exchange",
    "join",
    "rank",
    "orthogonal",
    "spanned",
    "absorption",
    "absorbed-spanned",
    "absorbed-private",
    "absorbed-span",
}
"""Lemmas about one critical point; the others speak of rank-stable points."""
LINEAR_ALGEBRA = {name for name in STATIC if not name.startswith(("orthogonal", "spanned", "absor"))}


def critical_point(network: LinearNetwork, rng: random.Random) -> Point:
    """Small weights, many of them zero or in relation, and an R in the left kernel of dM/dtheta."""
    weights = weights_of(network, [rng.choice([0, 0, 1, 1, -1, 2]) for _ in network.edges])
    entries = sorted(network.covered)
    width = network.widths[0]
    rows = [[row[o * width + j] for o, j in entries] for row in jacobian(network, weights)]
    rest = [[Fraction(0)] * width for _ in range(network.widths[-1])]
    for z in nullspace(rows, len(entries)):
        factor = rng.choice([0, 1, -1, 2])
        for (o, j), x in zip(entries, z, strict=True):
            rest[o][j] += factor * x
    return Point(network, weights, as_matrix(rest))


@pytest.mark.parametrize("network", [LinearNetwork.dense(3, 3, 3), SIX_WEIGHTS, TWICE, *sample(5, seed=1)], ids=str)
def test_the_static_lemmas_hold_at_random_critical_points(network: LinearNetwork) -> None:
    encoding = encode_lemmas(network, DataClass.ANY)
    rng = random.Random(0)
    for _ in range(12):
        point = critical_point(network, rng)
        assert not [n for n in violated(encoding, point) if encoding.instances[n].lemma in STATIC - {"not-global"}]


def test_linear_algebra_of_all_small_matrices() -> None:
    """Every 3 x 3 matrix over {0, 1, 2} up to the order of rows, in the first layer of the dense network."""
    encoding = encode_lemmas(LinearNetwork.dense(3, 3, 1))
    own = [
        n
        for n, instance in enumerate(encoding.instances)
        if instance.side == "inputs" and instance.lemma in LINEAR_ALGEBRA
    ]
    names = {encoding.instances[n].lemma for n in own}
    assert names == LINEAR_ALGEBRA
    zero: Matrix = as_matrix([[0, 0, 0]])
    rows = list(cartesian((0, 1, 2), repeat=3))
    for n, matrix in enumerate(cartesian(rows, repeat=3)):
        if list(matrix) != sorted(matrix) or n % 3:
            continue
        point = Point(LinearNetwork.dense(3, 3, 1), (as_matrix(matrix), zero), zero)
        known = [point.holds(fact) if fact[0] == "dependent" else None for fact in encoding.facts]
        for m in own:
            assert any(known[abs(x) - 1] == (x > 0) for x in encoding.clauses[m]), (matrix, encoding.instances[m])


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_of_a_move_keeps_the_product_and_the_masks(seed: int) -> None:
    """By the proof of `move`, at points of all kinds; and the premises of the lemma are those of the curve."""
    rng = random.Random(seed)
    curves = refused = 0
    for network in (TWICE, LinearNetwork.dense(3, 3, 2), *sample(6, seed)):
        point, encoding = critical_point(network, rng), encode_lemmas(network)
        known = assignment(encoding, point)
        for vector in _vectors(network):
            for units in subsets_of(range(network.widths[1]))[1:]:
                found = False
                for ends in subsets_of(range(network.widths[2])):
                    curve = move_curve(point, vector, units, ends, Fraction(1, 1000))
                    found |= curve is not None
                    if curve is not None:
                        assert product(network, curve) == product(network, point.weights)
                        assert all(on_mask(m, w) for m, w in zip(network.masks, curve, strict=True))
                        z = point.vector("inputs", vector)
                        for k, (old, new) in enumerate(zip(point.weights[0], curve[0], strict=True)):
                            assert rank([z, [x - y for x, y in zip(new, old, strict=True)]]) <= 1
                            assert (new != old) == (k in units and any(z))
                fact = ("move", "inputs", vector, units)
                assert (fact in encoding.facts and known[encoding.facts.index(fact)]) == found
                curves, refused = curves + found, refused + (not found)
    assert min(curves, refused) > 50


def _vectors(network: LinearNetwork) -> list[Vector]:
    return [*(("node", j) for j in range(network.widths[0])), *(("unit", k) for k in range(network.widths[1]))]


def on_mask(mask: Any, matrix: Matrix) -> bool:
    return all(m or not x for row, line in zip(mask, matrix, strict=True) for m, x in zip(row, line, strict=True))


# -- genuine minima that are not global -------------------------------------------------------------------


def witnesses(network: LinearNetwork, rounds: int = 4, count: int = 3) -> list[SpuriousMinimum]:
    """Spurious minima, of both data classes, that the checker accepted."""
    rng, found = np.random.default_rng(1), []
    for n in range(rounds):
        data_class = DataClass.ANY if n % 2 else DataClass.ORTHOGONAL
        for candidate in designed_candidates(network, data_class, rng, fibre=n < 3):
            certificate = next((c for c in exact_certificates(candidate) if accepted(c) is not None), None)
            if certificate is not None:
                found.append(certificate)
            if len(found) == count:
                return found
    return found


def class_of(data: Data) -> DataClass:
    """The narrowest class of the data."""
    diagonal = all((x > 0) if i == j else not x for i, row in enumerate(data.gram) for j, x in enumerate(row))
    return DataClass.ORTHOGONAL if diagonal else DataClass.ANY


def contradictions(network: LinearNetwork, minima: list[SpuriousMinimum], seed: int = 0) -> tuple[int, int]:
    """(points where a lemma fails before the walk to a rank-stable point, and after it)."""
    rng = random.Random(seed)
    before = after = 0
    for minimum in minima:
        encoding = encode_lemmas(network, class_of(minimum.data))
        point = Point(network, minimum.point, residual(network, minimum.point, minimum.data))
        before += bool(violated(encoding, point))
        stable = rank_stable(point, rng)
        assert product(network, stable.weights) == product(network, point.weights)
        assert not any(gradient(network, stable.weights, minimum.data))
        after += bool(violated(encoding, stable))
    return before, after


WITH_MINIMA = [
    SIX_WEIGHTS,
    TWICE,
    LinearNetwork.from_units(([1], [1, 3]), ([1, 2], [2, 3])),
    LinearNetwork.from_units(([1, 3], [1, 3]), ([2, 3], [2, 3])),
    LinearNetwork.from_units(([1, 2, 3], [1, 2]), ([1, 2], [1, 2, 3])),
    *sample(16, seed=2),
]


def test_no_lemma_fails_at_rank_stable_spurious_minima() -> None:
    minima = before = 0
    for network in WITH_MINIMA:
        found = witnesses(network)
        earlier, after = contradictions(network, found)
        assert after == 0, network
        minima, before = minima + len(found), before + earlier
    assert minima > 15
    assert before > 5  # the lemmas do not hold at all minima: the walk is part of the theorem


@pytest.mark.slow
def test_no_lemma_fails_at_any_rank_stable_spurious_minimum_up_to_3_3_3() -> None:
    minima = 0
    for network in all_structures():
        if prove_fibre(network) is None and fills(network):
            found = witnesses(network)
            assert contradictions(network, found)[1] == 0, network
            minima += len(found)
    assert minima > 500


def careless_clauses(encoding: Encoding) -> Iterator[tuple[int, ...]]:
    """`move-rank` for w_l in the set Q without k: then (Q without k) and l are the set Q without k."""
    number: dict[Any, int] = {fact: n for n, fact in enumerate(encoding.facts, start=1)}
    moves = [fact for fact in number if fact[0] == "move" and fact[2][0] == "unit"]
    for _, side, (_, l), units in moves:
        for name, *rest in list(number):
            if name != "dependent" or rest[0] != side:
                continue
            moving = set(rest[1]) & set(units)
            resting = tuple(k for k in rest[1] if k not in units)
            smaller = number.get(("dependent", side, resting, rest[2]))
            if len(moving) == 1 and l in resting and smaller:
                yield -number["move", side, ("unit", l), units], smaller, -number["dependent", *rest]


def test_the_semantic_test_finds_a_careless_rule() -> None:
    caught = 0
    for network in WITH_MINIMA:
        encoding = encode_lemmas(network)
        careless = list(careless_clauses(encoding))
        for minimum in witnesses(network):
            point = Point(network, minimum.point, residual(network, minimum.point, minimum.data))
            known = assignment(encoding, rank_stable(point, random.Random(0)))
            caught += any(not any(known[abs(x) - 1] == (x > 0) for x in clause) for clause in careless)
    assert caught > 0


def test_transposed_points() -> None:
    """The two sides of a point are those of the transposed network, exchanged."""
    point = critical_point(TWICE, random.Random(3))
    w, u = point.weights
    turned = (as_matrix(transposed(u)), as_matrix(transposed(w)))
    other = Point(TWICE.transposed(), turned, as_matrix(transposed(point.residual)))
    assert point.sides["inputs"][:2] == other.sides["outputs"][:2]
    assert [sorted(x) for x in point.sides["inputs"][2]] == [sorted(x) for x in other.sides["outputs"][2]]


# -- proofs and witnesses exclude each other --------------------------------------------------------------


def test_no_witness_in_a_structure_proved_benign() -> None:
    proved = [network for network in sample(90, seed=3) if prove_fibre(network) is not None]
    assert len(proved) > 12
    for network in proved:
        assert not witnesses(network, rounds=2)


@pytest.mark.slow
def test_no_witness_in_any_structure_proved_benign_up_to_3_3_3() -> None:
    for network in all_structures():
        if prove_fibre(network) is not None:
            assert not witnesses(network), network


@pytest.mark.slow
def test_benign_passes_down_to_induced_structures_up_to_3_3_3() -> None:
    proofs = {network.canonical_form(): prove_fibre(network) is not None for network in all_structures()}
    assert (len(proofs), sum(proofs.values())) == (1135, 554)
    for network in (network for network, proved in proofs.items() if proved):
        for part in parts(network):
            assert proofs[part.canonical_form()], (network, part)


@pytest.mark.parametrize("widths", [(4, 2, 4), (3, 4, 2), (2, 4, 3)])
def test_larger_structures_proved_hold_no_smaller_one_that_is_not(widths: tuple[int, ...]) -> None:
    """Every induced structure of a benign one is benign, and fills: so the rules have to prove it, up to 3-3-3."""
    rng = random.Random(7)
    proved = 0
    for _ in range(40):
        masks = [[[int(rng.random() < 0.6) for _ in range(b)] for _ in range(a)] for b, a in pairwise(widths)]
        network = LinearNetwork.from_masks(masks)
        if not network.covered or prove_fibre(network) is None:
            continue
        proved += 1
        assert all(prove_fibre(part) is not None for part in parts(network) if max(part.widths) <= 3)
    assert proved > 2


def parts(network: LinearNetwork) -> Iterator[LinearNetwork]:
    """All induced structures."""
    for inputs in subsets_of(range(network.widths[0]))[1:]:
        for outputs in subsets_of(range(network.widths[-1]))[1:]:
            if any((o, j) in network.covered for o in outputs for j in inputs):
                yield network.induced(inputs, outputs).network


# -- what is proved ---------------------------------------------------------------------------------------


def test_up_to_2_2_2_every_filling_structure_is_proved_or_has_a_witness() -> None:
    small = [network for size in SIZES if max(size) == 2 for network in structures(*size)]
    assert len(small) == 20
    assert [network for network in small if not fills(network)] == [LinearNetwork.dense(2, 1, 2)]
    proved = [network for network in small if prove_fibre(network) is not None]
    assert len(proved) == 18
    (left,) = [network for network in small if fills(network) and network not in proved]
    assert left.is_isomorphic(SIX_WEIGHTS)
    assert witnesses(left)
    assert not any(witnesses(network, rounds=2) for network in proved)


def test_what_is_not_filling_is_not_proved() -> None:
    """Proposition 13.3; so R = 0 cannot be proved for a dense network with a bottleneck."""
    networks = [network for network in sample(150, seed=4) if not fills(network)]
    assert len(networks) > 15
    assert all(prove_fibre(network) is None for network in [*networks, LinearNetwork.dense(3, 2, 3)])


def test_rules_p_and_k_are_special_cases() -> None:
    networks = [network for network in sample(200, seed=5) if fills(network)]
    benign = [network for network in networks if (p := prove_benign(network, DataClass.ANY)) and not p.assumes]
    assert len(benign) > 10
    assert all(prove_fibre(network) is not None for network in benign)


def test_isomorphic_and_transposed_structures_are_proved_alike() -> None:
    rng = random.Random(6)
    for network in sample(12, seed=6):
        order = [rng.sample(range(w), w) for w in network.widths]
        proofs = [prove_fibre(n) for n in (network, network.permuted(order), network.transposed())]
        assert len({proof is None for proof in proofs}) == 1


def test_proofs_are_accepted_and_say_so() -> None:
    proof, again = (prove_fibre(LinearNetwork.dense(3, 3, 3)) for _ in range(2))
    assert proof is not None
    outcome, facts = checking.check_bytes(encode(proof))
    assert outcome == "valid"
    assert facts == [accepted(proof)]
    assert proof == again


def test_networks_that_are_not_looked_at() -> None:
    assert prove_fibre(LinearNetwork.dense(2, 2, 2, 2)) is None
    assert prove_fibre(LinearNetwork.dense(MAX_WIDTH + 1, 1, 1)) is None
    with pytest.raises(ValueError, match="two layers"):
        encode_lemmas(LinearNetwork.dense(2, 2))


def test_dead_units_and_unused_nodes() -> None:
    """A certificate needs no pruned network: a dead unit has no residual and stops nothing."""
    network = LinearNetwork.from_masks([[[1, 0], [1, 0], [0, 0]], [[1, 0, 1], [0, 0, 0]]])
    proof = prove_fibre(network)
    assert proof is not None
    assert checking.check_bytes(encode(proof))[0] == "valid"


# -- bottlenecks ------------------------------------------------------------------------------------------


def test_a_bottleneck_of_one_unit_is_proved() -> None:
    dense = LinearNetwork.dense(3, 1, 3)
    assert prove_fibre(dense) is None
    for network in (dense, BOTTLENECK):
        for data_class in DataClass:
            proof = prove_bottleneck(network, data_class)
            assert proof is not None
            outcome, facts = checking.check_bytes(encode(proof))
            assert (outcome, facts) == ("valid", [accepted(proof)])
            words = "all orthogonal data" if data_class is DataClass.ORTHOGONAL else "for all data and the squared"
            assert words in facts[0]["proved"]
            assert proof == prove_bottleneck(network, data_class)


def test_correlated_data_couple_further_inputs() -> None:
    """The transposed structure is proved for orthogonal data only: the column of the further input has to follow."""
    turned = BOTTLENECK.transposed()
    assert prove_bottleneck(turned, DataClass.ORTHOGONAL) is not None
    assert refute(turned, DataClass.ORTHOGONAL) is None
    assert prove_bottleneck(turned, DataClass.ANY) is None
    witness = refute(turned, DataClass.ANY)
    assert witness is not None
    assert class_of(witness.data) is DataClass.ANY


def test_what_no_bottleneck_proves() -> None:
    """Two units on the same pairs (Theorem A of rank two is not used), spurious minima, other depths and widths."""
    for network in (LinearNetwork.dense(3, 2, 3), SIX_WEIGHTS, TWICE, LinearNetwork.dense(2, 2, 2, 2)):
        assert [prove_bottleneck(network, data_class) for data_class in DataClass] == [None, None]
    assert prove_bottleneck(LinearNetwork.dense(MAX_WIDTH + 1, 1, 2), DataClass.ANY) is None


def test_fibre_proofs_are_bottleneck_proofs_and_any_data_contain_orthogonal_data() -> None:
    networks = sample(60, seed=9)
    fibre = [prove_fibre(network) is not None for network in networks]
    both, whitened = (
        [prove_bottleneck(n, c) is not None for n in networks] for c in (DataClass.ANY, DataClass.ORTHOGONAL)
    )
    assert all(b >= f for f, b in zip(fibre, both, strict=True))
    assert all(w >= b for b, w in zip(both, whitened, strict=True))
    assert sum(whitened) > sum(fibre)


def test_isomorphic_structures_and_for_orthogonal_data_transposed_ones_have_alike_bottlenecks() -> None:
    rng = random.Random(10)
    proved = set()
    for network in [BOTTLENECK, *sample(12, seed=10)]:
        order = [rng.sample(range(w), w) for w in network.widths]
        moved, turned = network.permuted(order), network.transposed()
        for data_class in DataClass:
            found = prove_bottleneck(network, data_class) is not None
            proved.add(found)
            assert (prove_bottleneck(moved, data_class) is not None) == found
            if data_class is DataClass.ORTHOGONAL:
                assert (prove_bottleneck(turned, data_class) is not None) == found
    assert proved == {True, False}


def with_bottleneck(networks: Iterable[LinearNetwork], data_class: DataClass) -> list[LinearNetwork]:
    """Those that the lemma `bottleneck` is needed for."""
    return [n for n in networks if prove_fibre(n) is None and prove_bottleneck(n, data_class) is not None]


@pytest.mark.parametrize("data_class", list(DataClass), ids=str)
def test_no_witness_where_a_bottleneck_is_proved(data_class: DataClass) -> None:
    small = [network for size in SIZES if sum(size) <= 7 for network in structures(*size)]
    proved = with_bottleneck(small, data_class)
    assert len(proved) >= 8
    for network in random.Random(11).sample(proved, 8):
        assert refute(network, data_class) is None, network
        assert not [w for w in witnesses(network, rounds=2) if data_class in (class_of(w.data), DataClass.ANY)], network


@pytest.mark.slow
@pytest.mark.parametrize("data_class", list(DataClass), ids=str)
def test_no_witness_where_a_bottleneck_is_proved_up_to_3_3_3(data_class: DataClass) -> None:
    for network in with_bottleneck(all_structures(), data_class):
        assert refute(network, data_class) is None, network
        assert not [w for w in witnesses(network) if data_class in (class_of(w.data), DataClass.ANY)], network


# -- cores and refutations --------------------------------------------------------------------------------


def test_cores_are_minimal_and_refutations_are_replayed() -> None:
    rng = random.Random(0)
    unsatisfiable = 0
    for _ in range(60):
        clauses = [tuple(rng.choice([-1, 1]) * v for v in rng.sample(range(1, 6), 3)) for _ in range(30)]
        models = [
            all(any(bits[abs(x) - 1] == (x > 0) for x in c) for c in clauses)
            for bits in cartesian((False, True), repeat=5)
        ]
        core = minimal_core(clauses)
        assert (core is None) == any(models)
        if core is None:
            continue
        unsatisfiable += 1
        kept = [clauses[n] for n in core]
        assert all(minimal_core([c for m, c in enumerate(kept) if m != n]) is None for n in range(len(kept)))
        known = list(kept)
        for step in refutation(kept):
            assert propagate([known[n] for n in step.by], step.clause)
            known.append(step.clause)
        assert known[-1] == ()
    assert 10 < unsatisfiable < 60


def test_propagation_without_conflict() -> None:
    with pytest.raises(ValueError, match="no conflict"):
        propagate([(1, 2)], ())


def test_subsets() -> None:
    assert sorted(subsets(0b1011)) == [0, 1, 2, 3, 8, 9, 10, 11]
