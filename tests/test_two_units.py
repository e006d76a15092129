"""Two hidden units at every size: the finite part of the proof, certificates for random structures, attacks."""

from __future__ import annotations

import json
from copy import deepcopy
from fractions import Fraction
from functools import cache
from itertools import product as iterproduct
from pathlib import Path
from typing import Any

import mutants
import numpy as np
import pytest
import sympy

from symverify import checking, structure_checker
from symverify.certificate import (
    Attained,
    BenignAlmostEverywhere,
    BenignTwoUnits,
    NotAttained,
    SpuriousMinimum,
    encode,
)
from symverify.data import DataClass
from symverify.enumeration import structures
from symverify.exact import rank
from symverify.loss import BatchedLoss, product
from symverify.network import LinearNetwork
from symverify.refute import refute
from symverify.search import descend, random_starts
from symverify.two_units import BASES, Counts, Triple, approaching, attainment, counts, decide, is_benign, limit
from symverify.witness import accepted

Json = dict[str, Any]
SMALLEST_CORNER = LinearNetwork.from_units(([1, 2], [1, 2]), ([2], [2]))


def network_of(numbers: Counts) -> LinearNetwork:
    """The structure with these counts; nodes in the order of their classes."""
    (a, b, c), (left, both, right) = numbers.outputs, numbers.inputs
    first = [[1] * (left + both) + [0] * right, [0] * left + [1] * (both + right)]
    second = [[1, 0]] * a + [[1, 1]] * b + [[0, 1]] * c
    return LinearNetwork.from_masks([first, second])


def all_counts(most: int, total: int | None = None) -> list[Counts]:
    """All counts up to ``most``, with at most ``total`` outputs and inputs, without dead units."""
    lines = [t for t in iterproduct(range(most + 1), repeat=3) if t[0] + t[1] and t[1] + t[2]]
    lines = [t for t in lines if total is None or sum(t) <= total]
    return [Counts(rows, columns) for rows in lines for columns in lines]


def random_network(rng: np.random.Generator) -> LinearNetwork:
    """Two units on up to eight inputs and outputs in any order, some unused; some with a dead unit besides."""

    def line() -> Triple:
        while True:
            a, b, c = (int(x) for x in rng.multinomial(rng.integers(1, 9), rng.dirichlet([0.7] * 3)))
            if a + b and b + c:
                return a, b, c

    network = network_of(Counts(line(), line()))
    first, second = ([list(row) for row in mask] for mask in network.masks)
    if len(second) < 8 and rng.random() < 0.2:
        second.append([0, 0])
    if len(first[0]) < 8 and rng.random() < 0.2:
        first = [[*row, 0] for row in first]
    if rng.random() < 0.2:
        first.append([1] * len(first[0]))
        second = [[*row, 0] for row in second]
    network = LinearNetwork.from_masks([first, second])
    return network.permuted([rng.permutation(width).tolist() for width in network.widths])


def check(body: Json) -> tuple[str, Any]:
    return structure_checker.check_bytes(json.dumps(body).encode())  # type: ignore[no-any-return]


def kind_is_accepted(numbers: Counts, kind: str) -> bool:
    """The verdict of the checker about the structure with these counts, without the prover."""
    body = BenignTwoUnits(network_of(numbers)).to_json() | {"kind": kind}
    if kind == "attained":
        del body["data"]
    outcome, reason = check(body)
    assert outcome in ("valid", "invalid"), reason
    return outcome == "valid"


# -- the finite part of the proof of Proposition 15.5 -----------------------------------------------------


@pytest.mark.parametrize("base", BASES, ids=lambda base: str(base.numbers))
def test_each_base_has_a_strict_witness_that_can_be_extended(base: Any) -> None:
    w, u = base.point
    assert rank(w) == rank(u) == 2
    witness = decide(network_of(base.numbers))
    assert isinstance(witness, SpuriousMinimum) and witness.point == base.point
    facts = accepted(witness)
    assert facts is not None and facts["strict"] is True


def cells(matrix: Any) -> str:
    return "; ".join(" ".join(map(str, row)) for row in matrix).replace("-", "−")


@pytest.mark.parametrize("base", BASES, ids=lambda base: str(base.numbers))
def test_the_table_of_the_mathematics_shows_this_base(base: Any) -> None:
    (w, u), (w2, u2) = base.point, base.better
    witness = decide(network_of(base.numbers))
    assert isinstance(witness, SpuriousMinimum)
    matrices = [[base.numbers.outputs], [base.numbers.inputs], u, w, base.cross, u2, w2]
    row = " | ".join([*map(cells, matrices), f"{witness.loss_at_most}, {witness.better_loss}"])
    assert f"| {row} |\n" in (Path(structure_checker.__file__).parent.parent / "docs" / "mathematics.md").read_text()


def larger_by_one(numbers: Counts) -> list[Counts]:
    steps = []
    for n in range(6):
        six = [*numbers.outputs, *numbers.inputs]
        six[n] += 1
        steps.append(Counts((six[0], six[1], six[2]), (six[3], six[4], six[5])))
    return steps


def test_all_counts_up_to_three_that_are_not_benign_grow_out_of_a_base() -> None:
    """By single lines, with the same number of gauge fields all the way."""
    reached = {turned.numbers for base in BASES for turned in base.orientations()}
    new = set(reached)
    while new:
        grown = {larger for numbers in new for larger in larger_by_one(numbers) if larger.gauge == numbers.gauge}
        new = {n for n in grown if max(n.outputs + n.inputs) <= 3} - reached
        reached |= new
    assert reached == {numbers for numbers in all_counts(3) if not is_benign(numbers)}


def test_the_bases_are_minimal() -> None:
    for numbers in (turned.numbers for base in BASES for turned in base.orientations()):
        assert not any(
            other != numbers and numbers.dominate(other) and other.gauge == numbers.gauge and not is_benign(other)
            for other in all_counts(3)
        )


def test_only_the_counts_up_to_three_matter() -> None:
    def cut(triple: Triple) -> Triple:
        a, b, c = (min(n, 3) for n in triple)
        return a, b, c

    for numbers in all_counts(5, total=7):
        small = Counts(cut(numbers.outputs), cut(numbers.inputs))
        assert (is_benign(numbers), numbers.gauge) == (is_benign(small), small.gauge)


def test_the_number_of_gauge_fields() -> None:
    for numbers in all_counts(2):
        assert len(network_of(numbers).gauge_generators) == 2 + numbers.gauge


# -- the checker against the prover, and both against other proofs ----------------------------------------


def test_the_checker_accepts_benign_exactly_where_the_prover_says_so() -> None:
    for numbers in all_counts(3):
        assert kind_is_accepted(numbers, "benign-two-units") == is_benign(numbers)


def settled_by_types(network: LinearNetwork) -> bool:
    outcome, _ = checking.check_bytes(encode(BenignAlmostEverywhere(network, DataClass.ORTHOGONAL)))
    return outcome == "valid"


def test_types_of_residuals_never_contradict_it() -> None:
    for numbers in all_counts(3, total=3):
        assert not settled_by_types(network_of(numbers)) or is_benign(numbers)


@pytest.mark.slow
def test_types_of_residuals_never_contradict_it_up_to_four_inputs_and_outputs() -> None:
    all_of_them = all_counts(4, total=4)
    settled = {numbers for numbers in all_of_them if settled_by_types(network_of(numbers))}
    assert all(map(is_benign, settled))
    assert len(all_of_them) == 676


@cache
def small_structures() -> list[LinearNetwork]:
    sizes = iterproduct((1, 2, 3), repeat=2)
    return [network for inputs, outputs in sizes for network in structures(inputs, 2, outputs)]


def refuted_strictly(network: LinearNetwork) -> bool:
    return refute(network, DataClass.ORTHOGONAL, strict=True) is not None


@pytest.mark.slow
def test_the_search_finds_strict_witnesses_exactly_where_they_are_claimed_up_to_three() -> None:
    networks = small_structures()
    assert len(networks) == 97
    for network in networks:
        assert refuted_strictly(network) != is_benign(counts(network)), str(network)


def test_the_search_finds_strict_witnesses_for_some() -> None:
    for n in (0, 1, -1):
        networks = [network for network in small_structures() if is_benign(counts(network)) == (n == 0)]
        assert refuted_strictly(networks[n]) == (n != 0)


# -- random structures ------------------------------------------------------------------------------------


def judged(rng: np.random.Generator) -> tuple[str, str]:
    """Both certificates of a random structure, accepted by the checker from their bytes; their kinds."""
    network = random_network(rng)
    verdict, infimum = decide(network), attainment(network)
    for certificate in (verdict, infimum):
        outcome, facts = checking.check_bytes(encode(certificate))
        assert outcome == "valid", facts
        assert certificate.network == network
    if isinstance(verdict, SpuriousMinimum):
        assert verdict.strict and verdict.data.is_orthogonal and verdict.better_loss < verdict.loss_at_most
    if isinstance(infimum, NotAttained):
        assert_limit_outside(infimum)
    return verdict.to_json()["kind"], infimum.to_json()["kind"]


def test_random_structures_up_to_eight_inputs_and_outputs() -> None:
    rng = np.random.default_rng(0)
    kinds = [judged(rng) for _ in range(40)]
    assert set(kinds) == {
        (verdict, infimum)
        for verdict in ("benign-two-units", "spurious-minimum")
        for infimum in ("attained", "not-attained")
    }


@pytest.mark.slow
def test_many_random_structures_up_to_eight_inputs_and_outputs() -> None:
    rng = np.random.default_rng(1)
    kinds = [judged(rng) for _ in range(600)]
    assert len(set(kinds)) == 4


def test_larger_ones_too() -> None:
    assert isinstance(decide(network_of(Counts((0, 40, 1), (0, 50, 1)))), BenignTwoUnits)
    assert isinstance(decide(network_of(Counts((0, 12, 1), (0, 10, 2)))), SpuriousMinimum)


# -- random data ------------------------------------------------------------------------------------------


def higher_minima(numbers: Counts, data: int, starts: int, seed: int) -> tuple[int, int]:
    """Descents for random targets: how many ended at a local minimum (in floats), how many of them above the best."""
    network, rng = network_of(numbers), np.random.default_rng(seed)
    model, n = BatchedLoss(network), network.widths[0]
    grams = np.repeat(np.eye(n)[None], starts, axis=0)
    minima = higher = 0
    for _ in range(data):
        cross = np.repeat(rng.normal(size=(1, network.widths[2], n)), starts, axis=0)
        points, values = descend(model, random_starts(model, rng, starts), grams, cross)
        slope = np.linalg.norm(model.gradient(points, grams, cross), axis=1)
        least = np.linalg.eigvalsh(model.hessian(points, grams, cross))[:, 0]
        minimum = (slope < 1e-7) & (least > -1e-6) & (np.abs(points).max(axis=1) < 50)
        minima += int(minimum.sum())
        higher += int((minimum & (values > values.min() + 1e-6)).sum())
    return minima, higher


LARGEST = [
    Counts((0, 4, 1), (0, 4, 1)),
    Counts((0, 5, 0), (1, 3, 1)),
    Counts((0, 1, 4), (3, 3, 1)),
    Counts((0, 1, 1), (2, 3, 2)),
    Counts((0, 2, 0), (2, 3, 2)),
    Counts((2, 0, 2), (2, 2, 2)),
]
"""Benign ones, for each of the five conditions."""


@pytest.mark.slow
@pytest.mark.parametrize("numbers", [turned for numbers in LARGEST for turned in numbers.orientations()], ids=str)
def test_descents_for_random_data_end_at_one_value_where_it_is_benign(numbers: Counts) -> None:
    assert is_benign(numbers)
    minima, higher = higher_minima(numbers, 8, 100, seed=2)
    assert minima > 100
    assert higher == 0


def test_descents_for_random_data_can_end_at_others() -> None:
    minima, higher = higher_minima(Counts((1, 1, 1), (1, 1, 1)), 40, 30, seed=0)
    assert minima > 100
    assert higher > 0


# -- attainment -------------------------------------------------------------------------------------------


def is_attained(numbers: Counts) -> bool:
    """Another form of the condition of Theorem 15.6, as a list of what is not closed."""
    (a, b, c), (left, both, right) = numbers.outputs, numbers.inputs
    if not (b and both):
        return True
    corner = (a and left) or (c and right)
    return not (corner or (b >= 2 and left and right) or (both >= 2 and a and c))


def test_attained_or_not_attained_and_never_both() -> None:
    for numbers in all_counts(3, total=5):
        found = attainment(network_of(numbers))
        assert isinstance(found, Attained) == is_attained(numbers)
        assert kind_is_accepted(numbers, "attained") == is_attained(numbers)


def assert_limit_outside(certificate: NotAttained) -> None:
    """The curve tends to the limit, exactly; and M(theta) = limit has no solution, not even a complex one, on the pairs
    named (Gröbner basis: the equations generate 1)."""
    network, goal = certificate.network, limit(certificate)
    for epsilon in (Fraction(1, 10), Fraction(-1, 1000)):
        near = product(network, approaching(certificate, epsilon))
        assert max(abs(x - y) for r, s in zip(near, goal, strict=True) for x, y in zip(r, s, strict=True)) <= abs(
            epsilon
        )
    rows, columns = certificate.ends, certificate.nodes
    if certificate.side == "outputs":
        rows, columns = certificate.nodes, certificate.ends  # type: ignore[assignment]
    assert contradictory(network, rows, columns, goal)


def contradictory(network: LinearNetwork, rows: Any, columns: Any, goal: Any) -> bool:
    first, second = network.masks
    equations = []
    for o in rows:
        for j in columns:
            units = [k for k in range(len(first)) if first[k][j] and second[o][k]]
            entry = sum(sympy.Symbol(f"u{o}_{k}") * sympy.Symbol(f"w{k}_{j}") for k in units)
            if units:
                equations.append(entry - sympy.Rational(goal[o][j].numerator, goal[o][j].denominator))
    return bool(sympy.groebner(equations, order="grevlex").exprs == [1])


@pytest.mark.parametrize(
    "network",
    [
        SMALLEST_CORNER,
        LinearNetwork.from_units(([1, 2], [1, 2]), ([2, 3], [1, 2])),
        LinearNetwork.from_units(([1, 2], [1, 2]), ([1, 2], [2, 3])),
    ],
    ids=["corner", "parallel", "parallel-transposed"],
)
def test_the_smallest_limits_outside(network: LinearNetwork) -> None:
    certificate = attainment(network)
    assert isinstance(certificate, NotAttained)
    assert_limit_outside(certificate)


def test_the_judge_of_limits_can_say_no() -> None:
    two = ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(1)))
    assert contradictory(LinearNetwork.dense(2, 1, 2), (0, 1), (0, 1), two)
    assert not contradictory(LinearNetwork.dense(2, 2, 2), (0, 1), (0, 1), two)


# -- refused ----------------------------------------------------------------------------------------------


def test_other_networks_are_refused() -> None:
    for network in (LinearNetwork.dense(2, 3, 2), LinearNetwork.dense(2, 1, 2), LinearNetwork.dense(2, 2, 2, 2)):
        for function in (counts, decide, attainment):
            with pytest.raises(ValueError, match="expected"):
                function(network)


BENIGN = BenignTwoUnits(network_of(Counts((0, 2, 1), (0, 2, 1)))).to_json()
CORNER = NotAttained(SMALLEST_CORNER, "corner", "inputs", (0, 1), (0, 1), (0, 1)).to_json()
PARALLEL = attainment(LinearNetwork.from_units(([1, 2], [1, 2]), ([2, 3], [1, 2]))).to_json()
CLOSED = attainment(LinearNetwork.dense(3, 2, 3)).to_json()


def masks_of(numbers: Counts) -> Any:
    return BenignTwoUnits(network_of(numbers)).to_json()["masks"]


@pytest.mark.parametrize("body", [BENIGN, CORNER, PARALLEL, CLOSED], ids=lambda body: body.get("rule", body["kind"]))
def test_the_examples_are_valid(body: Json) -> None:
    outcome, facts = check(body)
    assert outcome == "valid", facts
    assert facts[0]["assumes"] == []


@pytest.mark.parametrize(
    ("body", "change", "outcome", "reason"),
    [
        (BENIGN, {"data": {"class": "any"}}, "invalid", "orthogonal"),
        (BENIGN, {"masks": masks_of(Counts((0, 2, 1), (0, 2, 2)))}, "invalid", "none of the conditions"),
        (BENIGN, {"masks": masks_of(Counts((0, 3, 0), (1, 1, 2)))}, "invalid", "none of the conditions"),
        (BENIGN, {"masks": masks_of(Counts((1, 1, 1), (1, 1, 1)))}, "invalid", "none of the conditions"),
        (BENIGN, {"masks": [[[1, 1]] * 3, [[1, 1, 1]] * 2]}, "invalid", "3 units"),
        (BENIGN, {"masks": [[[1, 1]] * 2, [[1, 0]] * 2]}, "invalid", "1 units"),
        (BENIGN, {"masks": [[[1, 1]] * 2] * 3}, "malformed", "two layers"),
        (BENIGN, {"rule": "two-outputs"}, "malformed", "unknown key"),
        (CLOSED, {"masks": masks_of(Counts((1, 1, 0), (1, 1, 0)))}, "invalid", "none of the conditions"),
        (CLOSED, {"masks": masks_of(Counts((0, 2, 0), (1, 1, 1)))}, "invalid", "none of the conditions"),
        (CLOSED, {"data": {"class": "any"}}, "malformed", "unknown key"),
        (CORNER, {"units": [1, 0]}, "invalid", "corner"),
        (CORNER, {"nodes": [1, 0]}, "invalid", "corner"),
        (CORNER, {"ends": [1, 0]}, "invalid", "corner"),
        (CORNER, {"masks": [[[1, 1], [0, 1]], [[1, 0], [1, 0]]]}, "invalid", "corner"),
        (CORNER, {"masks": [[[1, 1], [1, 1]], [[1, 0], [1, 1]]]}, "invalid", "corner"),
        (CORNER, {"masks": [[[1, 1], [0, 1], [1, 0]], [[1, 0, 0], [1, 1, 1]]]}, "invalid", "corner"),
        (CORNER, {"masks": [[[1, 1], [0, 1], [1, 0]], [[1, 0, 1], [1, 1, 0]]]}, "invalid", "corner"),
        (CORNER, {"masks": [[[1, 1], [0, 1], [0, 1]], [[1, 0, 1], [1, 1, 0]]]}, "invalid", "corner"),
        (CORNER, {"masks": [[[1, 1], [0, 1], [1, 1]], [[1, 0, 1], [1, 1, 1]]]}, "invalid", "corner"),
        (CORNER, {"units": [0, 0]}, "malformed", "twice"),
        (CORNER, {"ends": [1, 1]}, "malformed", "twice"),
        (CORNER, {"nodes": [0, 2]}, "malformed", "integer from 0 to 1"),
        (CORNER, {"nodes": [0, 1, 1]}, "malformed", "2 entries"),
        (CORNER, {"rule": "parallel"}, "malformed", "3 entries"),
        (CORNER, {"rule": "path"}, "malformed", "corner"),
        (CORNER, {"side": "left"}, "malformed", "inputs"),
        (PARALLEL, {"units": [1, 0]}, "invalid", "parallel"),
        (PARALLEL, {"nodes": [0, 1, 2]}, "invalid", "parallel"),
        (PARALLEL, {"masks": [[[1, 1, 0], [0, 1, 1]], [[1, 0], [1, 1]]]}, "invalid", "parallel"),
        (PARALLEL, {"masks": [[[1, 1, 0], [0, 1, 1], [0, 1, 0]], [[1, 1, 1]] * 2]}, "invalid", "parallel"),
    ],
)
def test_refused(body: Json, change: Json, outcome: str, reason: str) -> None:
    result, why = check(body | change)
    assert result == outcome
    assert reason in why


def holds(body: Json) -> bool:
    """The statement of an accepted mutant, judged by code that shares nothing with the checker."""
    network = LinearNetwork.from_masks(body["masks"])
    if body["kind"] == "not-attained":
        lists = (tuple(body[key]) for key in ("units", "ends", "nodes"))
        units, ends, nodes = lists
        assert_limit_outside(NotAttained(network, body["rule"], body["side"], units, ends, nodes))  # type: ignore[arg-type]
        return True
    numbers = counts(network)
    return is_attained(numbers) if body["kind"] == "attained" else is_benign(numbers)


@pytest.mark.parametrize("body", [BENIGN, CORNER, PARALLEL, CLOSED], ids=lambda body: body.get("rule", body["kind"]))
def test_accepted_mutants_are_true(body: Json) -> None:
    made = refused = 0
    for _, _, mutant in mutants.mutants(deepcopy(body)):
        made += 1
        if check(mutant)[0] == "valid":
            assert holds(mutant)
        else:
            refused += 1
    assert made > 100
    assert refused > made / 2
