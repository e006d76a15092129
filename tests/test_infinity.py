"""Infima that no point attains, traps, and the search for both in small structures."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import mutants
import numpy as np
import pytest
from make_examples import FOLDER

from symverify import checking
from symverify.certificate import Attained, Identity, NotAttainedData, Split, encode
from symverify.cli import main
from symverify.data import Data
from symverify.decide import has_two_units
from symverify.enumeration import structures
from symverify.exact import as_matrix
from symverify.infinity import curves
from symverify.infinity.commands import file_name, read_widths
from symverify.infinity.curves import not_attained
from symverify.infinity.refutation import refute_target
from symverify.infinity.survey import line, survey
from symverify.infinity.traps import faces, lower_bound, no_minimum, trap
from symverify.loss import BatchedLoss, loss, vector_of
from symverify.network import LinearNetwork
from symverify.search import descend
from symverify.usage import UsageError
from symverify.witness import accepted

TWO = LinearNetwork.from_masks([[[1, 1], [1, 0]], [[1, 1], [1, 0]]])
KEPT = sorted((Path(__file__).parent / "infinity_certificates").glob("*.json"))


def example(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_bytes())
    return body


# -- the two examples -------------------------------------------------------------------------------------


def test_the_first_example_is_not_attained() -> None:
    proof = refute_target(TWO, as_matrix([[0, 1], [1, 0]]))
    assert isinstance(proof, Identity) and not proof.factors
    curve = np.zeros((6, 4), dtype=np.int64)
    numbers = {(0, 0, 0): (1, 1), (0, 0, 1): (-1, 1), (0, 1, 0): (1, -1)}
    numbers |= {(1, 0, 0): (1, 1), (1, 0, 1): (1, 1), (1, 1, 0): (-1, 1)}
    for n, edge in enumerate(TWO.edges):
        power, value = numbers[edge]
        curve[n, power - curves.LOWEST] = value
    found = curves.certificate(TWO, as_matrix([[0, 1], [1, 0]]), curve)
    assert found is not None
    facts = accepted(found)
    assert facts is not None and facts["loss"] == (0, 0)
    assert "is not attained" in facts["proved"]


def test_the_second_example_is_a_trap_of_a_found_orthant() -> None:
    """Signs and steps are found from the start alone; the bound is 1/2."""
    data = Data.whitened([[0, 1], [1, -1]])
    half = Fraction(1, 2)
    start = (as_matrix([[2, half], [-2, 0]]), as_matrix([[2, 2], [half, 0]]))
    signs = faces(TWO, data, start)
    assert {(0, 0, 1): 1, (1, 1, 0): 1}.items() <= signs.items()
    assert lower_bound(TWO, data, signs) == half
    assert no_minimum(TWO, data, signs) is not None


def test_the_second_example_is_attained() -> None:
    assert refute_target(TWO, as_matrix([[0, 1], [1, -1]])) is None


# -- refutations ------------------------------------------------------------------------------------------


def test_a_target_of_large_rank_is_refuted() -> None:
    proof = refute_target(LinearNetwork.dense(2, 1, 2), as_matrix([[1, 0], [0, 1]]))
    assert proof is not None


def test_targets_of_random_weights_are_never_refuted() -> None:
    rng = np.random.default_rng(0)
    for network in (TWO, LinearNetwork.dense(2, 1, 2), *list(structures(2, 2, 2))[:4]):
        theta = rng.integers(-2, 3, size=(3, network.parameters)).astype(float)
        for m in BatchedLoss(network).product(theta):
            assert refute_target(network, as_matrix(m.astype(int).tolist()), degree=1) is None


def test_a_refutation_by_cases() -> None:
    """With short cofactors the cases v = 0 and v != 0 are needed."""
    proof = refute_target(TWO, as_matrix([[0, 1], [1, 0]]), degree=0)
    assert isinstance(proof, Split)
    path = tuple(
        (term["power"], tuple(as_matrix([[Fraction(x) for x in row] for row in w]) for w in term["weights"]))
        for term in example("valid/not-attained-data")["path"]
    )
    found = NotAttainedData(TWO, Data.whitened([[0, 1], [1, 0]]), path, proof, Fraction(0))
    assert accepted(found) is not None


# -- the search -------------------------------------------------------------------------------------------


def test_two_hidden_units_agree_with_the_theorem() -> None:
    """Theorem 15.6 and the search are independent: those that attain every infimum are those without a find."""
    for network in structures(2, 2, 2):
        assert has_two_units(network)
        always = accepted(Attained(network)) is not None
        assert (not_attained(network, rounds=1) is None) == always, str(network)


def test_what_the_search_finds_is_not_attained() -> None:
    found = not_attained(LinearNetwork.from_masks([[[0, 1, 1], [1, 1, 1]], [[0, 1], [1, 1]]]))
    assert found is not None and mutants.holds_unattained(found.to_json())


def test_a_trap_is_found_and_holds() -> None:
    found = trap(TWO, rounds=1)
    assert found is not None and mutants.holds_trap(found.to_json())


def test_dense_networks_have_neither() -> None:
    rows = list(survey((2, 1, 3), rounds=1))
    assert line((2, 1, 3), rows) == "| 2-1-3 | 1 | 0 | 0 | 1 | 0 | 1 |"


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_committed_certificates(path: Path) -> None:
    data = path.read_bytes()
    outcome, facts = checking.check_bytes(data)
    assert outcome == "valid", facts
    body = json.loads(data)
    judge = mutants.holds_trap if body["kind"] == "trap" else mutants.holds_unattained
    assert judge(body)


def test_there_are_committed_certificates_of_both_kinds_and_depths() -> None:
    kinds = {(json.loads(path.read_bytes())["kind"], path.stem.split("_")[0]) for path in KEPT}
    for widths in ("2-2-2", "3-2-2", "2-2-2-2"):
        assert {("trap", widths), ("not-attained-data", widths)} <= kinds


@pytest.mark.parametrize("name", ["unattained-but-attained", "unattained-infimum-other"])
def test_the_judge_refuses_false_statements(name: str) -> None:
    assert not mutants.holds_unattained(example(f"invalid/{name}"))


def test_the_judge_accepts_the_examples() -> None:
    for name in ("not-attained-data", "not-attained-data-weighted"):
        assert mutants.holds_unattained(example(f"valid/{name}"))


def test_descents_never_attain_it() -> None:
    """Longer descents come nearer, and the weights grow."""
    body = example("valid/not-attained-data")
    data = Data.from_moments(body["data"]["G"], body["data"]["C"], body["data"]["c0"])
    gram, cross = (np.array(m, dtype=float) for m in (data.gram, data.cross))
    theta = np.random.default_rng(0).normal(size=(16, TWO.parameters))
    batch = np.broadcast_to(gram, (16, 2, 2)), np.broadcast_to(cross, (16, 2, 2))
    size, values = [], []
    for _ in range(3):
        theta, value = descend(BatchedLoss(TWO), theta, *batch, iterations=30)
        best = int(value.argmin())
        size.append(float(np.abs(theta[best]).max()))
        values.append(float(value[best]) + 1)
    assert values[0] > values[1] > values[2] > 0
    assert size[0] < size[2]


def test_the_path_of_the_example_tends_to_the_infimum() -> None:
    body = example("valid/not-attained-data")
    data = Data.from_moments(body["data"]["G"], body["data"]["C"], body["data"]["c0"])
    previous = Fraction(10)
    for t in (Fraction(10), Fraction(100), Fraction(1000)):
        weights = tuple(
            as_matrix(
                [
                    [
                        sum(t ** term["power"] * Fraction(term["weights"][l][i][j]) for term in body["path"])
                        for j in (0, 1)
                    ]
                    for i in (0, 1)
                ]
            )
            for l in (0, 1)
        )
        here = loss(TWO, weights, data)
        assert 0 < here < previous / 100 and vector_of(TWO, weights)
        previous = here


# -- the command ------------------------------------------------------------------------------------------


def test_the_command_prints_a_table_and_writes_certificates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["infinity", "2,1,2", "--rounds", "1", "--out", str(tmp_path / "found")]) == 0
    assert capsys.readouterr().out.splitlines()[2] == "| 2-1-2 | 1 | 0 | 0 | 1 | 0 | 1 |"
    assert list((tmp_path / "found").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["2"], "two and more"),
        (["a,b"], "write them as"),
        (["2,0,2"], "positive"),
        (["9,9,9"], "at most 16"),
        (["2,2,2", "--rounds", "0"], "at least 1"),
    ],
)
def test_bad_arguments_get_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["infinity", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["infinity", "2,2,2", "--rounds", "1", "--out", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_file_names() -> None:
    assert file_name(TWO) == "2-2-2_11-10_11-10"
    assert read_widths("2,2,2,2") == (2, 2, 2, 2)
    with pytest.raises(UsageError):
        read_widths("")


def test_certificates_are_canonical() -> None:
    found = not_attained(TWO)
    assert found is not None
    assert json.loads(encode(found)) == found.to_json()
