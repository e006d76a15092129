"""The decision procedures: answers and their certificates, lifting, degenerate data, and minima seen in floats."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structures import E1, E2, FALSE_FRIEND, SIX_WEIGHTS

from symverify import checker, checking, verify
from symverify import witness as witness_module
from symverify.atlas.evidence import proved
from symverify.atlas.rows import Question, Row
from symverify.atlas.table import load
from symverify.certificate import (
    Ball,
    BenignAlmostEverywhere,
    Certificate,
    CriticalFamily,
    CriticalFibre,
    Lifted,
    Minimum,
    SpuriousMinimum,
    decode_instance,
    encode,
)
from symverify.data import Data, DataClass
from symverify.exact import Weights, as_matrix
from symverify.loss import BatchedLoss, loss, vector_of, weights_of
from symverify.network import LinearNetwork, SubNetwork
from symverify.verify import (
    Answer,
    Basis,
    Verdict,
    analyze,
    certified_point,
    check_shapes,
    local_minima,
    witness_json,
)
from symverify.witness import accepted, extend, simplest_witness

QUICK = settings(max_examples=25, deadline=None)
ANY, ORTHOGONAL = DataClass.ANY, DataClass.ORTHOGONAL
from_masks, from_units = LinearNetwork.from_masks, LinearNetwork.from_units


def weights(*layers: list[list[Any]]) -> Weights:
    return tuple(as_matrix([[Fraction(x) for x in row] for row in layer]) for layer in layers)


def witness_of(answer: Answer) -> SpuriousMinimum:
    """The certificate of a spurious answer; the checker must accept it."""
    assert answer.verdict is Verdict.SPURIOUS, answer.reason
    assert answer.basis is Basis.PROVED
    assert isinstance(answer.certificate, SpuriousMinimum)
    assert checker.check_bytes(encode(answer.certificate))[0] == "valid"
    return answer.certificate


# -- the worked examples, as stated in docs/mathematics.md ------------------------------------------------

E1_DATA = Data.whitened([[3, 0, 0, 0], [0, 2, 3, 0], [0, 0, 0, 1]])
E1_POINT = weights([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[2, 3, 0], [0, 0, 1]], [[0, 0], [1, 0], [0, 1]])
E1_BETTER = weights([[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[3, 0, 0], [0, 3, 0]], [[1, 0], [0, 1], [0, 0]])

E2_DATA = Data.whitened([[1, 3, 0], [3, 1, 0], [0, 0, 4]])
E2_POINT = weights([[1, 0, 0], [0, 0, 4]], [[1, 0], [0, 0], [0, 1]])
E2_BETTER = weights([[-8, 0, 0], [3, 1, 0]], [[1, 3], [0, 1], [0, 0]])

# Example 3.  M_oj = d c w, M_oj' = d e y, M_o'j = v z w.
FALSE_FRIEND_DATA = Data.whitened([["1/2", 0], [0, 0]])
FALSE_FRIEND_POINT = weights([[0, 0], [0, 1]], [[0, 1], [1, 0]], [[0, 0], [0, 1]])
FALSE_FRIEND_BETTER = weights([["1/2", 0], [0, 1]], [[1, 0], [0, 0]], [[1, 0], [0, 1]])

SIX_DATA = Data.whitened([[1, 0], [0, "1/2"]])
SIX_POINT = weights([[0, 0], [1, 0]], [[1, 1], [0, 0]])
SIX_BETTER = weights([[1, 0], [0, "1/2"]], [[1, 0], [0, 1]])

TWO_OUTPUTS = from_masks([[[1, 1, 0], [0, 0, 1]], [[1, 1]], [[1], [1]]])
TWO_OUTPUTS_DATA = Data.whitened([[0, 0, 3], [5, 0, 0]])
TWO_OUTPUTS_POINT = weights([[0, 1, 0], [0, 0, 1]], [[0, 3]], [[1], [0]])
TWO_OUTPUTS_BETTER = weights([[1, 0, 0], [0, 0, 0]], [[5, 0]], [[0], [1]])


def fibre(network: LinearNetwork, *frozen: tuple[int, int, int]) -> CriticalFibre:
    return CriticalFibre(frozenset(network.edges) - set(frozen))


EXAMPLES = [
    pytest.param(
        E1, E1_DATA, E1_POINT, E1_BETTER, CriticalFamily(), "9/2", "5/2", (9, 7, 0), 7, id="E1"
    ),
    pytest.param(E2, E2_DATA, E2_POINT, E2_BETTER, CriticalFamily(), "19/2", "8", (6, 2, 0), 2, id="E2"),
    pytest.param(
        FALSE_FRIEND, FALSE_FRIEND_DATA, FALSE_FRIEND_POINT, FALSE_FRIEND_BETTER,
        fibre(FALSE_FRIEND, (0, 0, 0), (2, 0, 0)), "1/8", "0", (2, 5, 0), 4, id="false friend",
    ),
    pytest.param(
        SIX_WEIGHTS, SIX_DATA, SIX_POINT, SIX_BETTER, fibre(SIX_WEIGHTS, (0, 1, 1), (1, 1, 1)), "1/8", "0", (3, 3, 0),
        2, id="six weights",
    ),
    pytest.param(
        TWO_OUTPUTS, TWO_OUTPUTS_DATA, TWO_OUTPUTS_POINT, TWO_OUTPUTS_BETTER,
        fibre(TWO_OUTPUTS, (1, 0, 0), (2, 1, 0)), "25/2", "9/2", (3, 4, 0), 3, id="two outputs",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("network", "data", "point", "better", "minimum", "here", "better_loss", "inertia", "gauge"), EXAMPLES
)
def test_the_worked_examples_are_what_the_documentation_states(
    network: LinearNetwork,
    data: Data,
    point: Weights,
    better: Weights,
    minimum: Minimum,
    here: str,
    better_loss: str,
    inertia: tuple[int, int, int],
    gauge: int,
) -> None:
    assert (loss(network, point, data), loss(network, better, data)) == (Fraction(here), Fraction(better_loss))
    strict = minimum == CriticalFamily()
    certificate = SpuriousMinimum(network, data, point, minimum, better, strict, Fraction(here), Fraction(here))
    facts = accepted(certificate)
    assert facts is not None
    assert (facts["inertia"], facts["gauge"], facts["strict"]) == (inertia, gauge, strict)


@pytest.mark.parametrize(
    ("network", "data", "point", "here", "strict", "infimum"),
    [
        (E1, E1_DATA, E1_POINT, "9/2", True, "5/2"),
        (E2, E2_DATA, E2_POINT, "19/2", True, "8"),
        (FALSE_FRIEND, FALSE_FRIEND_DATA, FALSE_FRIEND_POINT, "1/8", False, "0"),
        (SIX_WEIGHTS, SIX_DATA, SIX_POINT, "1/8", False, "0"),
        (TWO_OUTPUTS, TWO_OUTPUTS_DATA, TWO_OUTPUTS_POINT, "25/2", False, "0"),
    ],
)
def test_a_given_point_is_certified_with_a_better_point_that_is_searched_for(
    network: LinearNetwork, data: Data, point: Weights, here: str, strict: bool, infimum: str
) -> None:
    certificate = certified_point(network, data, point)
    assert certificate is not None
    assert (certificate.point, certificate.strict) == (point, strict)
    assert certificate.loss_at_least == Fraction(here) > certificate.better_loss >= Fraction(infimum)
    assert accepted(certificate) is not None


@pytest.mark.parametrize(
    ("network", "data", "point"),
    [
        (E2, E2_DATA, E2_BETTER),  # a global minimum
        (E2, E2_DATA, weights([[0, 0, 0], [0, 0, 0]], [[0, 0], [0, 0], [0, 0]])),  # a saddle
        (E2, E2_DATA, weights([[2, 0, 0], [0, 0, 4]], [[1, 0], [0, 0], [0, 1]])),  # not critical
    ],
)
def test_a_point_that_is_no_spurious_minimum_is_not_certified(
    network: LinearNetwork, data: Data, point: Weights
) -> None:
    assert certified_point(network, data, point, starts=32) is None


# -- must hold: spurious minima from the masks alone ------------------------------------------------------


def test_e1_is_spurious_from_the_masks_alone() -> None:
    answer = analyze(E1, ORTHOGONAL, budget=20)
    witness = witness_of(answer)
    assert answer.kind == "strict"
    assert witness.network == E1
    assert witness.data.is_orthogonal


def test_e2_is_spurious_from_the_masks_alone() -> None:
    answer = analyze(E2, ORTHOGONAL, budget=20)
    witness = witness_of(answer)
    assert answer.kind == "strict"
    assert witness.network == E2
    assert witness.data.is_orthogonal


def test_overlapping_units_are_spurious_for_orthogonal_data() -> None:
    network = from_units(([1, 2], [1, 2]), ([1, 3], [1, 3]))
    assert network.widths == (3, 2, 3)
    answer = analyze(network, ORTHOGONAL, budget=60)
    assert witness_of(answer).data.is_orthogonal
    assert answer.kind == "strict"


def test_disjoint_first_layer_and_dense_second_layer_are_spurious_for_correlated_data() -> None:
    network = from_masks([[[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 1], [1, 1]]])
    answer = analyze(network, ANY, budget=60)
    assert not witness_of(answer).data.is_orthogonal  # for orthogonal data it is benign
    assert answer.kind == "strict"
    assert analyze(network, ORTHOGONAL, budget=0).verdict is Verdict.BENIGN


def test_the_false_friend_is_spurious_from_the_masks_alone() -> None:
    answer = analyze(FALSE_FRIEND, ORTHOGONAL, budget=20)
    witness = witness_of(answer)
    assert answer.kind == "degenerate"
    assert isinstance(witness.minimum, CriticalFibre | CriticalFamily)


def test_six_weights_are_spurious_from_the_masks_alone() -> None:
    # Two outputs: for almost all orthogonal data benign, hence no strict minimum.
    assert analyze(SIX_WEIGHTS, ORTHOGONAL, budget=20).kind == "degenerate"


# -- must hold: the examples' own data --------------------------------------------------------------------


def test_e1_is_spurious_for_its_data() -> None:
    witness = witness_of(analyze(E1, E1_DATA, budget=60))
    assert witness.data == E1_DATA
    assert witness.strict
    assert Fraction(5, 2) <= witness.better_loss < witness.loss_at_least


def test_e2_is_spurious_for_its_data() -> None:
    witness = witness_of(analyze(E2, E2_DATA, budget=60))
    assert (witness.data, witness.strict) == (E2_DATA, True)
    assert witness.loss_at_least == witness.loss_at_most == Fraction(19, 2)
    assert 8 <= witness.better_loss < Fraction(19, 2)


def test_the_false_friend_is_spurious_for_its_data() -> None:
    witness = witness_of(analyze(FALSE_FRIEND, FALSE_FRIEND_DATA, budget=60))
    assert (witness.strict, witness.loss_at_least) == (False, Fraction(1, 8))


def test_an_irrational_minimum_is_enclosed_in_a_ball() -> None:
    data = Data.whitened([[1, 3, 0], [3, 1, "1/5"], [0, 0, 4]])
    answer = analyze(E2, data, budget=60)
    witness = witness_of(answer)
    assert isinstance(witness.minimum, Ball)
    assert answer.kind == "strict"
    assert 0 < witness.loss_at_most - witness.loss_at_least < Fraction(1, 10**50)
    assert float(witness.loss_at_most) == pytest.approx(9.4531501, abs=1e-6)
    assert answer.to_json()["witness"]["exact"] is False


# -- answers and their JSON form --------------------------------------------------------------------------

KEYS = [
    "format", "verdict", "kind", "basis", "assumes", "witness", "certificate", "reason", "almost_all_data", "seconds"
]  # fmt: skip
ALMOST_KEYS = ["verdict", "kind", "basis", "rule", "assumes", "certificate"]
WITNESS_KEYS = {"G", "C", "c0", "weights", "better", "loss", "better_loss", "exact"}
RATIONAL = re.compile(r"-?\d+(/\d+)?")


def all_rational(value: Any) -> bool:
    return all(map(all_rational, value)) if isinstance(value, list) else bool(RATIONAL.fullmatch(value))


def test_json_of_a_proved_answer() -> None:
    answer = analyze(LinearNetwork.dense(2, 2, 2), ANY)
    body = json.loads(json.dumps(answer.to_json("proof.json")))
    assert list(body) == KEYS
    assert {key: body[key] for key in KEYS[:7]} == {
        "format": "symverify-answer/1", "verdict": "benign", "kind": None, "basis": "proved", "assumes": [],
        "witness": None, "certificate": "proof.json",
    }  # fmt: skip
    assert "every local minimum is global" in body["reason"]
    assert isinstance(body["seconds"], float)
    assert list(body["almost_all_data"]) == ALMOST_KEYS
    assert body["seconds"] >= 0


def test_json_of_an_assumed_answer() -> None:
    answer = analyze(LinearNetwork.dense(3, 2, 3), ANY)
    body = answer.to_json()
    assert list(body) == KEYS
    assert (body["verdict"], body["basis"], body["certificate"]) == ("benign", "assumed", None)
    assert body["assumes"] == list(answer.assumes)
    assert len(body["assumes"]) == 1
    assert body["assumes"][0].startswith("Baldi-Hornik 1989")
    assert body["almost_all_data"]["basis"] == "proved"  # without the theorem


def test_json_of_a_spurious_answer() -> None:
    answer = analyze(E2, E2_DATA, budget=60)
    body = json.loads(json.dumps(answer.to_json()))
    assert list(body) == KEYS
    assert body["almost_all_data"] is None
    assert (body["verdict"], body["kind"], body["basis"], body["assumes"]) == ("spurious", "strict", "proved", [])
    witness = body["witness"]
    assert set(witness) == WITNESS_KEYS
    assert (witness["loss"], witness["exact"]) == ("19/2", True)
    assert all(all_rational(witness[key]) for key in WITNESS_KEYS - {"exact"})
    assert witness["G"] == [["1", "0", "0"], ["0", "1", "0"], ["0", "0", "1"]]
    assert (witness["C"], witness["c0"]) == ([["1", "3", "0"], ["3", "1", "0"], ["0", "0", "4"]], "18")
    certificate = witness_of(answer)
    assert witness == witness_json(certificate)
    assert decode_instance(certificate.to_json())[2:] == (certificate.point, certificate.better)
    assert "strict (modulo gauge) spurious local minimum with loss 19/2" in body["reason"]


def test_json_of_an_unknown_answer() -> None:
    body = analyze(FALSE_FRIEND, ANY, budget=0).to_json()
    assert list(body) == KEYS
    assert {key: body[key] for key in KEYS[:8]} == {
        "format": "symverify-answer/1", "verdict": "unknown", "kind": None, "basis": "observed", "assumes": [],
        "witness": None, "certificate": None,
        "reason": "no rule applies and no spurious minimum was found: 0 rounds of inverse design, 0 candidates refused",
    }  # fmt: skip
    assert body["almost_all_data"] == dict.fromkeys(ALMOST_KEYS) | {
        "verdict": "unknown", "basis": "observed", "assumes": []
    }  # fmt: skip


def test_answers_show_themselves_in_notebooks() -> None:
    answer = replace(analyze(FALSE_FRIEND, ANY, budget=0), reason="a < b & c")
    assert answer._repr_html_() == "<p><b>unknown</b> (observed): a &lt; b &amp; c</p>"
    assert answer._repr_latex_() == r"\textbf{unknown} (observed)"


def test_facts_do_not_enter_the_comparison_of_answers() -> None:
    answer = analyze(LinearNetwork.dense(2, 2, 2), ANY)
    assert answer.facts["proved"] == answer.reason
    assert answer == replace(answer, facts={})


# -- unknown ----------------------------------------------------------------------------------------------

OPEN = from_masks(
    [[[1, 1, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1], [1, 1, 1]], [[0, 1, 1, 1, 0], [1, 1, 1, 0, 1], [0, 0, 0, 1, 0]]]
)
"""No rule, no witness is known."""


def test_an_unknown_answer_for_a_class_says_how_much_was_searched() -> None:
    answer = analyze(OPEN, ORTHOGONAL, budget=0.6)
    assert (answer.verdict, answer.basis, answer.certificate, answer.kind) == (
        Verdict.UNKNOWN,
        Basis.OBSERVED,
        None,
        None,
    )
    pattern = r"no rule applies and no spurious minimum was found: ([1-9]\d*) rounds of inverse design, \d+ candidates"
    assert re.match(pattern, answer.reason)


def test_an_unknown_answer_for_given_data_says_how_many_descents_were_made() -> None:
    answer = analyze(E2, Data.whitened([[0] * 3] * 3), budget=0.3)
    assert answer.verdict is Verdict.UNKNOWN
    assert re.fullmatch(
        r"no rule applies and no spurious minimum was found: [1-9]\d* descents from random starts", answer.reason
    )


def test_without_budget_the_reason_for_given_data_speaks_of_descents() -> None:
    answer = analyze(SIX_WEIGHTS, SIX_DATA, budget=0)
    assert answer.reason == "no rule applies and no spurious minimum was found: 0 descents from random starts"


def test_rules_need_no_budget() -> None:
    assert analyze(LinearNetwork.dense(3, 4, 3), ANY, budget=0).basis is Basis.PROVED


# -- the same seed, the same answer -----------------------------------------------------------------------


@pytest.mark.parametrize(("network", "data"), [(FALSE_FRIEND, ORTHOGONAL), (E2, ANY), (E2, E2_DATA)])
def test_the_same_seed_gives_the_same_certificate(network: LinearNetwork, data: Data | DataClass) -> None:
    one, other = (witness_of(analyze(network, data, seed=3, budget=60)) for _ in range(2))
    assert encode(one) == encode(other)


def test_another_seed_gives_another_certificate() -> None:
    one, other = (witness_of(analyze(FALSE_FRIEND, ORTHOGONAL, seed=seed, budget=60)) for seed in (1, 2))
    assert encode(one) != encode(other)


def test_progress_reports_the_network() -> None:
    lines: list[str] = []
    analyze(FALSE_FRIEND, ORTHOGONAL, budget=60, progress=lines.append)
    assert lines[0] == f"{FALSE_FRIEND}: round 1"


# -- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Data.whitened([[1, 0], [0, 1], [0, 0]]), r"data: 2 inputs, but masks\[0\] has 3 columns"),
        (Data.whitened([[1, 0, 0], [0, 1, 0]]), r"data: 2 outputs, but masks\[1\] has 3 rows"),
    ],
)
def test_data_of_other_shape_are_refused(data: Data, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_shapes(E2, data)
    with pytest.raises(ValueError, match=message):
        analyze(E2, data)


@pytest.mark.parametrize("data", [ANY, ORTHOGONAL, Data.whitened([[1, 0], [0, 1]])])
def test_a_network_without_any_path_is_refused(data: Data | DataClass) -> None:
    with pytest.raises(ValueError, match="no path joins"):
        analyze(from_masks([[[1, 0], [0, 0]], [[0, 1], [0, 1]]]), data)


# -- lifting ----------------------------------------------------------------------------------------------


def certificate_of(
    network: LinearNetwork, data: Data, point: Weights, better: Weights, minimum: CriticalFamily | CriticalFibre
) -> SpuriousMinimum:
    here = loss(network, point, data)
    certificate = SpuriousMinimum(network, data, point, minimum, better, minimum == CriticalFamily(), here, here)
    assert accepted(certificate) is not None
    return certificate


E1_WITNESS = certificate_of(E1, E1_DATA, E1_POINT, E1_BETTER, CriticalFamily())
E2_WITNESS = certificate_of(E2, E2_DATA, E2_POINT, E2_BETTER, CriticalFamily())
SIX_WITNESS = certificate_of(
    SIX_WEIGHTS, SIX_DATA, SIX_POINT, SIX_BETTER, fibre(SIX_WEIGHTS, (0, 1, 1), (1, 1, 1))
)  # fmt: skip
FRIEND_WITNESS = certificate_of(
    FALSE_FRIEND, FALSE_FRIEND_DATA, FALSE_FRIEND_POINT, FALSE_FRIEND_BETTER,
    fibre(FALSE_FRIEND, (0, 0, 0), (2, 0, 0)),
)  # fmt: skip


def test_lifting_to_the_network_itself_changes_nothing() -> None:
    assert extend(E2, E2.pruned(), E2_WITNESS) is E2_WITNESS


def test_dead_units_and_unused_inputs_keep_a_strict_minimum_strict() -> None:
    network = from_masks([[[1, 0, 0, 0], [1, 1, 1, 0], [1, 0, 1, 1]], [[1, 1, 0], [0, 1, 0], [0, 1, 0]]])
    assert network.dead_units() == ((1, 2),)
    assert network.unused_inputs() == (3,)
    whole = extend(network, network.pruned(), E2_WITNESS)
    assert whole is not None
    assert (whole.network, whole.strict, whole.minimum) == (network, True, CriticalFamily())
    assert (whole.loss_at_least, whole.better_loss) == (Fraction(19, 2), 8)
    assert accepted(whole) is not None


def test_a_live_unit_outside_makes_the_lifted_minimum_degenerate() -> None:
    network = from_masks([[[1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1]], [[1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]])
    part = network.induced([0, 1, 2], [0, 1, 2])
    whole = extend(network, part, E2_WITNESS)
    assert whole is not None
    assert whole.minimum == Lifted((0, 1, 2), (0, 1, 2), E2, CriticalFamily())
    assert (whole.strict, whole.loss_at_least, whole.better_loss) == (False, Fraction(19, 2), 8)
    assert accepted(whole) is not None


def test_one_more_output_for_a_live_unit_keeps_the_minimum_strict() -> None:
    network = from_masks([[[1, 0, 0], [1, 1, 1]], [[1, 1], [0, 1], [0, 1], [1, 0]]])
    whole = extend(network, network.induced([0, 1, 2], [0, 1, 2]), E2_WITNESS)
    assert whole is not None
    assert whole.strict
    assert accepted(whole) is not None


def test_a_fibre_is_lifted_with_its_evidence() -> None:
    network = from_masks([[[1, 0, 0], [1, 1, 0], [0, 1, 1]], [[1, 1, 0], [0, 1, 0], [0, 0, 1]]])
    part = network.induced([0, 1], [0, 1])
    assert part.network == SIX_WEIGHTS
    whole = extend(network, part, SIX_WITNESS)
    assert whole is not None
    assert whole.minimum == Lifted((0, 1), (0, 1), SIX_WEIGHTS, SIX_WITNESS.minimum)  # type: ignore[arg-type]
    assert accepted(whole) is not None


def test_a_witness_that_the_checker_refuses_is_not_lifted() -> None:
    network = from_masks([[[1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1]], [[1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]])
    part = network.induced([0, 1, 2], [0, 1, 2])
    assert extend(network, part, replace(E2_WITNESS, better=E2_POINT)) is None
    assert extend(network, part, replace(E2_WITNESS, point=E2_BETTER)) is None
    saddle = weights([[0, 0, 0], [0, 0, 0]], [[0, 0], [0, 0], [0, 0]])
    assert extend(network, part, replace(E2_WITNESS, point=saddle)) is None


def embedded(pattern: LinearNetwork, seed: int) -> tuple[LinearNetwork, SubNetwork, list[list[int]]]:
    """A larger random network with the pattern between some inputs and outputs, units in random order.

    The other units are such that no input of the pattern reaches them, or they reach no output of the pattern.  Also
    returned: the sub-network, and for each of its units the unit of the pattern that it is.
    """
    rng = random.Random(seed)
    kinds = []
    for l, width in enumerate(pattern.widths):
        choices = ["before"] if l == 0 else ["after"] if l == pattern.depth else ["before", "after"]
        kinds.append(["pattern"] * width + [rng.choice(choices) for _ in range(rng.randint(0, 3))])

    def weight(l: int, i: int, j: int) -> int:
        if kinds[l][j] == kinds[l + 1][i] == "pattern":
            return pattern.masks[l][i][j]
        allowed = kinds[l + 1][i] == "after" if kinds[l][j] != "before" else True
        return int(allowed and rng.random() < 0.6)

    large = from_masks(
        [
            [[weight(l, i, j) for j in range(len(kinds[l]))] for i in range(len(kinds[l + 1]))]
            for l in range(pattern.depth)
        ]
    )
    order = [rng.sample(range(width), width) for width in large.widths]
    network = large.permuted(order)
    inputs, outputs = ([v for v, old in enumerate(order[l]) if old < pattern.widths[l]] for l in (0, pattern.depth))
    part = network.induced(inputs, outputs)
    return network, part, [[order[l][v] for v in layer] for l, layer in enumerate(part.nodes)]


def moved(witness: SpuriousMinimum, order: list[list[int]]) -> SpuriousMinimum:
    """The witness for the network with permuted units."""

    def shuffled(point: Weights) -> Weights:
        return tuple(
            tuple(tuple(matrix[i][j] for j in order[l]) for i in order[l + 1]) for l, matrix in enumerate(point)
        )

    data, minimum = witness.data, witness.minimum
    if isinstance(minimum, CriticalFibre):
        new = [{old: v for v, old in enumerate(layer)} for layer in order]
        minimum = CriticalFibre(frozenset((l, new[l + 1][i], new[l][j]) for l, i, j in minimum.free))
    gram = as_matrix([[data.gram[i][j] for j in order[0]] for i in order[0]])
    cross = as_matrix([[data.cross[o][j] for j in order[0]] for o in order[-1]])
    return replace(
        witness,
        network=witness.network.permuted(order),
        data=Data(gram, cross, data.constant),
        point=shuffled(witness.point),
        better=shuffled(witness.better),
        minimum=minimum,
    )


@pytest.mark.parametrize("witness", [E1_WITNESS, E2_WITNESS, SIX_WITNESS, FRIEND_WITNESS])
@QUICK
@given(seed=st.integers(0, 2**32 - 1))
def test_a_permuted_pattern_in_a_larger_random_network_is_lifted(witness: SpuriousMinimum, seed: int) -> None:
    network, part, order = embedded(witness.network, seed)
    assert [sorted(layer) for layer in order] == [list(range(width)) for width in witness.network.widths]
    whole = extend(network, part, moved(witness, order))
    assert whole is not None
    assert accepted(whole) is not None
    assert whole.network == network
    assert whole.data.is_orthogonal
    assert (whole.loss_at_least, whole.better_loss) == (witness.loss_at_least, witness.better_loss)
    assert whole.strict <= witness.strict


def test_a_large_network_is_decided_by_a_small_pattern_in_it() -> None:
    pattern = [([1], [1]), ([1, 2, 3], [1, 2, 3])]
    network = from_units(*pattern, *[([4], [1, 2, 3, 4, 5])] * 4)
    assert network.parameters > 30  # then sub-networks come first
    witness = witness_of(analyze(network, ORTHOGONAL, budget=60))
    assert witness.network == network
    assert witness.data.is_orthogonal
    assert isinstance(witness.minimum, Lifted)
    assert set(witness.minimum.inputs) <= {0, 1, 2}
    assert set(witness.minimum.outputs) <= {0, 1, 2}


def test_dead_units_and_unused_inputs_do_not_hide_a_minimum() -> None:
    network = from_masks([[[1, 0, 0, 0], [1, 1, 1, 0], [1, 0, 1, 1]], [[1, 1, 0], [0, 1, 0], [0, 1, 0]]])
    for data in (ORTHOGONAL, Data.whitened([[1, 3, 0, 5], [3, 1, 0, -2], [0, 0, 4, 1]])):
        witness = witness_of(analyze(network, data, budget=60))
        assert witness.network == network
        assert witness.strict
        assert data is ORTHOGONAL or witness.data == data


def test_a_dead_unit_does_not_hide_a_degenerate_minimum_of_given_data() -> None:
    network = from_masks([[[1, 0], [1, 1], [1, 1]], [[1, 1, 0], [0, 1, 0]]])
    witness = witness_of(analyze(network, SIX_DATA, budget=60))
    assert (witness.strict, witness.loss_at_least, witness.data) == (False, Fraction(1, 8), SIX_DATA)


def test_a_dead_unit_does_not_hide_an_irrational_minimum_of_given_data() -> None:
    network = from_masks([[[1, 0, 0], [1, 1, 1], [1, 0, 1]], [[1, 1, 0], [0, 1, 0], [0, 1, 0]]])
    data = Data.whitened([[1, 3, 0], [3, 1, "1/5"], [0, 0, 4]])
    witness = witness_of(analyze(network, data, budget=60))
    assert (witness.network, witness.data) == (network, data)


# -- both questions ---------------------------------------------------------------------------------------

TABLE = load(None)


def relabelled_rows() -> list[Any]:
    """Rows of the table under a random labelling: every rare kind of evidence, and a sample of the others."""
    rng = random.Random(20)
    by_rule: dict[Any, list[Row]] = {}
    for row in TABLE.rows:
        by_rule.setdefault((row.job.data_class, row.all_data.rule, row.all_data.kind), []).append(row)
    rows = [row for group in by_rule.values() for row in rng.sample(group, min(6, len(group)))]
    found = []
    for row in rows:
        network = row.job.network
        order = [rng.sample(range(width), width) for width in network.widths]
        found.append(pytest.param(row, network.permuted(order), id=f"{row.job.structure}, {row.job.data_class}"))
    return found


@pytest.mark.parametrize(("row", "network"), relabelled_rows())
def test_structures_of_the_table_are_answered_as_there_about_the_masks_of_the_user(
    row: Row, network: LinearNetwork
) -> None:
    data_class = row.job.data_class
    seen: list[Certificate] = []
    answer = analyze(network, data_class, budget=0.01, found=seen.append)
    almost = answer.almost_all_data
    assert almost is not None
    for said, entry, question in (
        (answer, row.all_data, Question.ALL_DATA),
        (almost, row.almost_all_data, Question.ALMOST_ALL_DATA),
    ):
        assert (str(said.verdict), said.kind, said.assumes) == (str(entry.verdict), entry.kind, entry.assumes)
        assert said.certificate in seen
        assert said.certificate is not None
        evidence = proved(encode(said.certificate))
        assert evidence.masks == network.masks
        assert (data_class, question, entry.verdict, entry.kind) in evidence.answers
    assert almost.rule == row.almost_all_data.rule


def test_a_proof_and_a_strict_minimum_together_are_a_bug() -> None:
    proof = BenignAlmostEverywhere(SIX_WEIGHTS, ORTHOGONAL)
    assert verify._almost_all_data(ORTHOGONAL, proof, SIX_WITNESS).verdict is Verdict.BENIGN  # it is degenerate
    with pytest.raises(AssertionError, match="contradict each other"):
        verify._almost_all_data(ORTHOGONAL, proof, E2_WITNESS)


def test_a_strict_minimum_for_a_singular_gram_matrix_says_nothing_of_almost_all_data() -> None:
    gram = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    data = Data.from_moments(gram, [[1, 3, 0, 0], [3, 1, 0, 0], [0, 0, 4, 4]])
    network = from_masks([[[1, 0, 0, 0], [1, 1, 1, 1]], [[1, 1], [0, 1], [0, 1]]])
    witness = witness_of(analyze(network, data, budget=60))
    assert witness.strict
    assert verify._almost_all_data(ANY, None, witness).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("module", ["witness", "decide", "atlas.lookup", "atlas.evidence", "atlas.run"])
def test_what_analyze_rests_on_does_not_import_it(module: str) -> None:
    code = f"import sys, symverify.{module}; sys.exit('symverify.verify' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_given_data_have_no_second_answer() -> None:
    assert analyze(SIX_WEIGHTS, SIX_DATA, budget=0).almost_all_data is None
    assert analyze(LinearNetwork.dense(2, 2, 2), SIX_DATA).almost_all_data is None


def test_unknown_for_all_data_may_be_benign_for_almost_all() -> None:
    answer = analyze(OPEN, ORTHOGONAL, budget=0.1)
    assert answer.verdict is Verdict.UNKNOWN
    assert answer.almost_all_data is not None
    assert (answer.almost_all_data.verdict, answer.almost_all_data.rule) == (Verdict.BENIGN, "residual-types")


def test_two_hidden_units_are_decided_at_sizes_beyond_every_search() -> None:
    ten = range(1, 11)
    for outputs, verdict in (range(1, 12), Verdict.BENIGN), (range(1, 14), Verdict.SPURIOUS):
        answer = analyze(from_units((ten, ten), (ten, outputs)), ORTHOGONAL, budget=0.01).almost_all_data
        assert answer is not None
        assert (answer.verdict, answer.basis) == (verdict, Basis.PROVED)


@pytest.mark.parametrize("data_class", list(DataClass))
def test_the_second_answer_at_depth_three(data_class: DataClass) -> None:
    strict = analyze(E1, data_class, budget=20)
    assert strict.almost_all_data is not None
    assert (strict.almost_all_data.verdict, strict.almost_all_data.certificate) == (
        Verdict.SPURIOUS,
        strict.certificate,
    )
    benign = analyze(LinearNetwork.dense(2, 2, 2, 2), data_class, budget=0)
    assert benign.almost_all_data is not None
    assert (benign.almost_all_data.verdict, benign.almost_all_data.certificate) == (Verdict.BENIGN, benign.certificate)
    degenerate = analyze(FALSE_FRIEND, data_class, budget=20)
    assert degenerate.kind == "degenerate"
    assert degenerate.almost_all_data is not None
    assert degenerate.almost_all_data.verdict is Verdict.UNKNOWN


def test_a_lifted_witness_of_the_table_is_carried_into_a_network_with_dead_units() -> None:
    row = next(row for row in TABLE.rows if row.all_data.rule == "lifted")
    first, second = row.job.network.masks
    network = from_masks([[[0, *line] for line in first] + [[1, 1, 1, 1]], [[*line, 0] for line in second]])
    assert network.dead_units() and network.unused_inputs()
    witness = witness_of(analyze(network, row.job.data_class, budget=0.01))
    assert witness.network == network
    assert isinstance(witness.minimum, Lifted)


def test_a_benign_network_with_a_dead_unit_is_proved_so() -> None:
    row = next(row for row in TABLE.rows if row.all_data.rule == "fibre")
    first, second = row.job.network.masks
    network = from_masks([[*first, [1] * len(first[0])], [[*line, 0] for line in second]])
    answer = analyze(network, row.job.data_class, budget=0)
    assert (answer.verdict, answer.basis) == (Verdict.BENIGN, Basis.PROVED)


def test_the_systematic_search_finds_what_the_table_is_too_small_for() -> None:
    network = from_masks([[[1, 1, 1], [1, 1, 0], [1, 1, 0], [0, 0, 1]], [[1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 0, 1]]])
    answer = analyze(network, ORTHOGONAL, budget=10)
    assert witness_of(answer).data.is_orthogonal
    assert answer.kind == "degenerate"
    assert answer.almost_all_data is not None
    assert answer.almost_all_data.verdict is Verdict.BENIGN


# -- degenerate data --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        Data.whitened([[0] * 3] * 3),  # L = |M|^2 / 2: by Euler M = 0 at every local minimum
        Data.from_moments([[0] * 3] * 3, [[0] * 3] * 3, 5),  # the loss is constant
        Data.from_samples([[1], [1], [1]], [[1], [2], [3]]),  # one sample, M x = y can be met
        Data.from_samples([[0, 0], [1, 2], [0, 0]], [[1, 0], [0, 1], [0, 0]]),
    ],
    ids=["zero target", "no data", "one sample", "one direction"],
)
def test_degenerate_data_are_never_wrongly_spurious(data: Data) -> None:
    seen: list[Certificate] = []
    answer = analyze(E2, data, budget=0.5, found=seen.append)
    assert answer.verdict is not Verdict.SPURIOUS
    assert seen == []


@pytest.mark.parametrize("data", [Data.whitened([[0, 0], [0, 0]]), Data.from_samples([[1], [2]], [[1], [1]])])
def test_rules_prove_for_degenerate_data_what_they_prove_for_all(data: Data) -> None:
    answer = analyze(LinearNetwork.dense(2, 2, 2), data)
    assert (answer.verdict, answer.basis) == (Verdict.BENIGN, Basis.PROVED)


def test_a_spurious_minimum_for_a_singular_gram_matrix() -> None:
    network = from_masks([[[1, 0, 0, 0], [1, 1, 1, 1]], [[1, 1], [0, 1], [0, 1]]])
    gram = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]  # the third input twice
    data = Data.from_moments(gram, [[1, 3, 0, 0], [3, 1, 0, 0], [0, 0, 4, 4]])
    witness = witness_of(analyze(network, data, budget=60))
    assert (witness.data, witness.loss_at_least) == (data, Fraction(19, 2))
    assert witness.strict


def test_a_spurious_minimum_for_rank_deficient_samples() -> None:
    x = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    network = from_masks([[[1, 0, 0, 0], [1, 1, 1, 1]], [[1, 1], [0, 1], [0, 1]]])
    data = Data.from_samples(x, [[1, 3, 0], [3, 1, 0], [0, 0, 4]])
    witness = witness_of(analyze(network, data, budget=60))
    assert (witness.data, witness.loss_at_least) == (data, Fraction(19, 2))


# -- certificates on their way ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "data"),
    [
        (E2, ORTHOGONAL),
        (E2, E2_DATA),
        (E2, Data.whitened([[1, 3, 0], [3, 1, "1/5"], [0, 0, 4]])),
        (from_masks([[[1, 0, 0], [1, 1, 1], [1, 0, 1]], [[1, 1, 0], [0, 1, 0], [0, 1, 0]]]), ORTHOGONAL),
        (LinearNetwork.dense(2, 2, 2), ANY),
    ],
    ids=["class", "given data", "ball", "lifted", "benign"],
)
def test_the_callback_sees_every_certificate_that_was_accepted(network: LinearNetwork, data: Data | DataClass) -> None:
    seen: list[Certificate] = []
    answer = analyze(network, data, budget=60, found=seen.append)
    assert all(accepted(certificate) is not None for certificate in seen)
    assert answer.certificate in seen


def test_an_interrupted_search_keeps_what_it_found() -> None:
    def stop(certificate: Certificate) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyze(E2, ORTHOGONAL, budget=60, found=stop)


def refuse(data: bytes) -> tuple[str, str]:
    return "invalid", "refused"


@pytest.mark.parametrize(
    ("network", "data", "budget"),
    [
        (FALSE_FRIEND, ORTHOGONAL, 1.0),
        (SIX_WEIGHTS, ORTHOGONAL, 0.5),
        (E2, E2_DATA, 1.0),
        (LinearNetwork.dense(2, 2, 2), ANY, 0.2),
        (LinearNetwork.dense(3, 2, 3), ANY, 0.2),
        (from_masks([[[1, 0], [1, 1], [1, 1]], [[1, 1, 0], [0, 1, 0]]]), ORTHOGONAL, 0.5),
    ],
)
@pytest.mark.parametrize("outcome", ["invalid", "malformed"])
def test_what_the_checker_refuses_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, network: LinearNetwork, data: Data | DataClass, budget: float, outcome: str
) -> None:
    monkeypatch.setattr(checking, "check_bytes", lambda data: (outcome, "refused"))
    seen: list[Certificate] = []
    answer = analyze(network, data, budget=budget, found=seen.append)
    assert (answer.verdict, answer.basis, answer.certificate) == (Verdict.UNKNOWN, Basis.OBSERVED, None)
    assert seen == []
    if isinstance(data, DataClass):
        assert answer.almost_all_data is not None
        assert (answer.almost_all_data.verdict, answer.almost_all_data.certificate) == (Verdict.UNKNOWN, None)


def test_a_refusal_of_what_a_theorem_promises_is_no_silent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "check_bytes", refuse)
    with pytest.raises(AssertionError, match=r"Lemma 15\.3|the theorem promises"):
        analyze(E2, ORTHOGONAL, budget=1)


def test_refused_candidates_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "check_bytes", refuse)
    match = re.search(r"(\d+) candidates refused", analyze(FALSE_FRIEND, ORTHOGONAL, budget=1.0).reason)
    assert match is not None
    assert int(match[1]) > 0


def test_refused_certificates_are_not_returned_by_the_other_procedures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "check_bytes", refuse)
    assert accepted(E2_WITNESS) is None
    assert certified_point(E2, E2_DATA, E2_POINT, starts=32) is None
    assert simplest_witness(E2, ORTHOGONAL, rounds=2, strict=True) is None
    network = from_masks([[[1, 0, 0, 0], [1, 1, 1, 0]], [[1, 1], [0, 1], [0, 1]]])
    assert extend(network, network.pruned(), E2_WITNESS) is None


def test_only_one_refusal_is_not_fatal(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine: Callable[[bytes], Any] = checker.check_bytes
    calls: list[bytes] = []

    def refuse_first(data: bytes) -> Any:
        calls.append(data)
        return refuse(data) if len(calls) == 1 else genuine(data)

    monkeypatch.setattr(checker, "check_bytes", refuse_first)
    answer = analyze(FALSE_FRIEND, ORTHOGONAL, budget=60)
    assert answer.certificate is not None
    assert encode(answer.certificate) != calls[0]


@pytest.mark.parametrize("broken", ["better", "strict", "loss"])
def test_accepted_refuses_what_is_wrong(broken: str) -> None:
    wrong = {
        "better": replace(E2_WITNESS, better=E2_POINT),
        "strict": replace(E2_WITNESS, strict=False),
        "loss": replace(E2_WITNESS, loss_at_least=Fraction(9)),
    }
    assert accepted(wrong[broken]) is None
    assert accepted(E2_WITNESS) is not None


# -- the simplest witness ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "data_class", "strict"), [(E2, ORTHOGONAL, True), (E2, ANY, True), (SIX_WEIGHTS, ORTHOGONAL, False)]
)
def test_the_simplest_witness_is_reproducible_and_of_the_kind_asked_for(
    network: LinearNetwork, data_class: DataClass, strict: bool
) -> None:
    one, other = (simplest_witness(network, data_class, rounds=4, strict=strict) for _ in range(2))
    assert one is not None
    assert other is not None
    assert encode(one) == encode(other)
    assert one.strict == strict
    assert accepted(one) is not None
    if data_class is ORTHOGONAL:
        assert one.data.is_orthogonal


def test_more_rounds_never_give_a_more_complicated_witness() -> None:
    few, many = (simplest_witness(E2, ORTHOGONAL, rounds=rounds, strict=True) for rounds in (1, 5))
    assert few is not None
    assert many is not None
    assert witness_module._height(many.point, many.better, many.data) <= witness_module._height(
        few.point, few.better, few.data
    )


def test_only_a_wanted_witness_is_returned() -> None:
    def of_large_loss(witness: SpuriousMinimum) -> bool:
        return witness.loss_at_least > 20

    witness = simplest_witness(E2, ORTHOGONAL, rounds=6, strict=True, wanted=of_large_loss)
    assert witness is not None
    assert witness.loss_at_least > 20
    assert simplest_witness(E2, ORTHOGONAL, rounds=2, strict=True, wanted=lambda witness: False) is None


def test_there_is_no_witness_where_there_is_no_minimum_of_this_kind() -> None:
    assert simplest_witness(E2, ORTHOGONAL, rounds=0, strict=True) is None
    assert simplest_witness(LinearNetwork.dense(2, 2, 2), ANY, rounds=4, strict=True) is None
    assert simplest_witness(SIX_WEIGHTS, ORTHOGONAL, rounds=6, strict=True) is None  # lemma two-outputs


# -- minima, seen in floats -------------------------------------------------------------------------------


def falls_nearby(network: LinearNetwork, data: Data, point: Weights, radius: float, count: int = 4000) -> bool:
    """Whether the loss at some random point within the radius is lower, beyond rounding."""
    model, rng = BatchedLoss(network), np.random.default_rng(11)
    gram, cross = (np.array([[float(x) for x in row] for row in matrix]) for matrix in (data.gram, data.cross))
    centre = np.array([float(x) for x in vector_of(network, point)])
    steps = rng.normal(size=(count, network.parameters)) * (rng.random((count, network.parameters)) < 0.6)
    steps *= radius * rng.random((count, 1)) / np.maximum(1e-9, np.linalg.norm(steps, axis=1, keepdims=True))
    value = model.loss(centre + steps, gram, cross) + float(data.constant)
    here = float(loss(network, point, data))
    return bool((value < here - 1e-12 * (1 + abs(here))).any())


@pytest.mark.parametrize(
    "witness",
    [E1_WITNESS, E2_WITNESS, SIX_WITNESS, FRIEND_WITNESS],
    ids=["E1", "E2", "six weights", "false friend"],
)
@pytest.mark.parametrize("radius", [1e-1, 1e-2, 1e-3])
def test_near_the_examples_no_perturbation_lowers_the_loss(witness: SpuriousMinimum, radius: float) -> None:
    assert not falls_nearby(witness.network, witness.data, witness.point, radius)
    assert float(witness.better_loss) < float(witness.loss_at_least) - 1e-2


@pytest.mark.parametrize(
    ("network", "data"),
    [
        (E1, ORTHOGONAL),
        (E2, ORTHOGONAL),
        (E2, ANY),
        (E2, E2_DATA),
        (from_units(([1, 2], [1, 2]), ([1, 3], [1, 3])), ORTHOGONAL),
        (from_masks([[[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 1], [1, 1]]]), ANY),
        (from_masks([[[1, 0, 0], [1, 1, 1], [1, 0, 1]], [[1, 1, 0], [0, 1, 0], [0, 1, 0]]]), ORTHOGONAL),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_near_a_certified_strict_minimum_no_perturbation_lowers_the_loss(
    network: LinearNetwork, data: Data | DataClass, seed: int
) -> None:
    witness = witness_of(analyze(network, data, seed=seed, budget=60))
    assert witness.strict
    assert not falls_nearby(network, witness.data, witness.point, 1e-3)
    # The other point is lower, in floats as well.
    gap = float(witness.loss_at_least - witness.better_loss)
    assert gap > 1e-9
    model = BatchedLoss(network)
    gram, cross = (
        np.array([[float(x) for x in row] for row in matrix]) for matrix in (witness.data.gram, witness.data.cross)
    )
    both = np.array([[float(x) for x in vector_of(network, w)] for w in (witness.point, witness.better)])
    here, there = model.loss(both, gram, cross)
    assert here - there == pytest.approx(gap, rel=1e-6)


@pytest.mark.parametrize(
    ("network", "data", "point"),
    [
        (E2, E2_DATA, weights_of(E2, [0] * 8)),  # a saddle of second order
        (E2, E2_DATA, weights([[1, 0, 0], [0, 0, 4]], [[1, 0], [0, "1/50"], [0, 1]])),  # not critical
        (E1, E1_DATA, weights_of(E1, [0] * 16)),  # a saddle of third order
        (SIX_WEIGHTS, Data.whitened([[1, 0], [0, 3]]), SIX_POINT),  # a larger target makes it a saddle
    ],
)
def test_the_perturbations_do_find_descent_where_there_is_some(
    network: LinearNetwork, data: Data, point: Weights
) -> None:
    assert falls_nearby(network, data, point, 1e-1)


def test_local_minima_in_floats() -> None:
    points = [E2_POINT, E2_BETTER, weights_of(E2, [0] * 8), weights([[1, 0, 0], [0, 0, 4]], [[1, 1], [0, 0], [0, 1]])]
    theta = np.array([[float(x) for x in vector_of(E2, point)] for point in points])
    gram, cross = (np.array([[float(x) for x in row] for row in matrix]) for matrix in (E2_DATA.gram, E2_DATA.cross))
    assert local_minima(BatchedLoss(E2), theta, gram, cross).tolist() == [True, True, False, False]


@pytest.mark.parametrize("data", [ANY, Data.whitened([[1] * 20] * 20)], ids=["class", "given data"])
def test_no_search_in_a_network_that_is_too_large_for_it(data: DataClass | Data) -> None:
    network = from_masks([[[int((i + j) % 3 > 0) for j in range(20)] for i in range(10)], [[1] * 10] * 20])
    answer = analyze(network, data, budget=3600)
    assert (answer.verdict, answer.basis) == (Verdict.UNKNOWN, Basis.OBSERVED)
    assert "no search in networks with more than 300 weights (this one has 333)" in answer.reason


def test_a_large_network_that_a_rule_settles() -> None:
    answer = analyze(from_masks([[[1] * 100] * 50, [[1] * 50]]), ANY)
    assert (answer.verdict, answer.basis) == (Verdict.BENIGN, Basis.PROVED)
