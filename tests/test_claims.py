"""The theorem scripts: each claim is settled by its own certificates, and by no other ones."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from fractions import Fraction
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from structures import SIX_WEIGHTS, TWICE

from symverify import checker, claims, path_checker
from symverify.certificate import BUNDLE, Certificate, SpuriousMinimum, encode
from symverify.claims import (
    NAMES,
    Bench,
    Claim,
    RefusedCertificate,
    Report,
    Row,
    Theorem,
    load_script,
    minimises_support,
    settle,
)
from symverify.data import Data, DataClass
from symverify.enumeration import structures
from symverify.exact import as_matrix, inertia, rank
from symverify.loss import gradient, hessian, jacobian, loss, symmetry_fields
from symverify.network import LinearNetwork
from symverify.rules import prove_benign
from symverify.witness import simplest_witness

ORTHOGONAL, ANY = DataClass.ORTHOGONAL, DataClass.ANY
THEOREMS = claims.theorems_folder()
COMMITTED = {(p.parent.name, p.stem): p.read_bytes() for p in sorted(THEOREMS.glob("certificates/*/*.json"))}
SLOTS = sorted(COMMITTED)
NUMERIC = [slot for slot in SLOTS if b'"point":' in COMMITTED[slot] and b'"certificates":' not in COMMITTED[slot]]
BUNDLES = [slot for slot in SLOTS if b'"certificates":' in COMMITTED[slot]]
TRAP = ("output_threshold", "trap")
DONORS = (
    ("three_outputs", "two-blocks"),  # strict, orthogonal
    ("sparse_first_layer", "a-strict"),  # strict, correlated
    ("output_threshold", "degenerate"),
    TRAP,
    ("dense_networks", "proved"),
    ("nonintersecting_first_layer", "blocked-direction"),
    ("output_threshold", "strict-excluded"),
)
"""One certificate of every kind, to stand in the place of another."""
VERDICTS = {
    "scalar_output": "confirmed",
    "nonintersecting_first_layer": "refuted",
    "sparse_first_layer": "confirmed",
    "three_outputs": "confirmed",
    "output_threshold": "refuted",
    "dense_networks": "confirmed",
    "decreasing_path": "confirmed",
}
CERTIFICATES = {
    "scalar_output": {"two-layers", "three-layers"},
    "nonintersecting_first_layer": {
        "two-layers",
        "strict-depth-3",
        "degenerate-depth-3",
        "strict-depth-4",
        "blocked-direction",
        "holds-depth-3",
        "diagonal-depth-3",
    },
    "sparse_first_layer": {"a-strict", "a-degenerate", "b-strict", "b-degenerate"},
    "three_outputs": {"strict", "degenerate", "two-blocks"},
    "output_threshold": {"strict-excluded", "degenerate", "trap", "not-attained", "correlated"},
    "dense_networks": {"proved", "assumed"},
    "decreasing_path": {"claims", "atlas", "single-opens", "single-closed", "valley", "basin", "escape"},
}
CLAIM = Claim("a_test", "A test", "Statement.", ("hypothesis",), "source", "method")
STRICT = LinearNetwork.from_units(([3], [3]), ([1, 2, 3], [1, 2, 3]))
INTERSECTING = LinearNetwork.from_masks([[[0, 0, 1, 1], [1, 1, 0, 1]], [[1, 1], [1, 1], [1, 1]]])


@cache
def settled(name: str) -> Report:
    """The report of a claim from its committed certificates: settled once for all tests of this file."""
    return settle(name)


def bodies(data: bytes) -> list[dict[str, Any]]:
    """The certificates of a file."""
    body = json.loads(data)
    return list(body.get("certificates", [body]))


def dumped(body: Any) -> bytes:
    return (json.dumps(body, sort_keys=True, separators=(",", ":")) + "\n").encode()


def bundle(certificates: list[dict[str, Any]]) -> bytes:
    return dumped({"format": BUNDLE, "certificates": certificates})


# -- the claims as committed ------------------------------------------------------------------------------


def test_the_claims_are_the_expected_ones() -> None:
    assert set(NAMES) == set(VERDICTS)
    assert {path.stem for path in THEOREMS.glob("*.py")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_claim_has_the_verdict(name: str) -> None:
    assert settled(name).verdict == VERDICTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_no_committed_certificate_is_unused_or_missing(name: str) -> None:
    kept = {path.stem for path in (THEOREMS / "certificates" / name).glob("*.json")}
    assert kept == CERTIFICATES[name]
    assert len(settled(name).rows) == len(kept)


@pytest.mark.parametrize("name", NAMES)
def test_report_says_what_was_claimed_and_how(name: str) -> None:
    report = settled(name)
    claim = report.claim
    assert claim.name == name
    assert claim == load_script(name)[0]
    texts = (claim.title, claim.statement, *claim.hypotheses, claim.source, claim.method, report.summary)
    assert claim.hypotheses and report.proved and report.observed
    assert all(text.strip() for text in (*texts, *report.proved, *report.observed, *report.assumed))
    assert "Lin, Sun, Zhang" in claim.source


@pytest.mark.parametrize("name", NAMES)
def test_report_text_shows_everything(name: str) -> None:
    report = settled(name)
    text = "".join(report.text().split())
    claim = report.claim
    shown = [claim.title, f"Statement: {claim.statement}", f"Source: {claim.source}", f"Method: {claim.method}"]
    shown += [f"Hypothesis: {h}" for h in claim.hypotheses]
    shown += [f"Proved: {p}" for p in report.proved] + [f"Observed: {o}" for o in report.observed]
    shown += [f"Assumed: {a}" for a in report.assumed] + [f"Verdict: {report.verdict}. {report.summary}"]
    shown += [row.certificate for row in report.rows]
    assert [piece for piece in shown if "".join(piece.split()) not in text] == []
    assert max(map(len, report.text().splitlines())) <= 200


@pytest.mark.parametrize("name", NAMES)
def test_observed_says_how_much_was_searched(name: str) -> None:
    """*observed* means "so much was searched, and nothing was found": without a count it says nothing."""
    without = [text for text in settled(name).observed if not re.search(r"\d+\s+(candidates|critical points)", text)]
    assert without == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_searched_is_not_nothing(name: str) -> None:
    found = re.findall(r"(\d+)\s+(?:candidates|critical points)", " ".join(settled(name).observed))
    assert found and all(int(count) > 0 for count in found)


@pytest.mark.parametrize("name", NAMES)
def test_rows_name_the_committed_files(name: str) -> None:
    names = {sha256(COMMITTED[slot]).hexdigest()[:12]: slot for slot in SLOTS if slot[0] == name}
    assert sorted(row.certificate for row in settled(name).rows) == sorted(names)
    for row in settled(name).rows:
        assert row.claim == name
        assert len(row.certificate) == 12
        assert all(isinstance(getattr(row, field.name), str) for field in fields(Row))
        assert row.case and row.structure and row.data and row.evidence


@pytest.mark.parametrize("name", NAMES)
def test_status_and_assumptions_are_those_of_the_certificates(name: str) -> None:
    named: set[str] = set()
    for slot in (slot for slot in SLOTS if slot[0] == name):
        assumed = {a for body in bodies(COMMITTED[slot]) for a in body.get("statement", {}).get("assumes", ())}
        assert row_of_slot(slot).status == ("assumed" if assumed else "proved")
        named |= assumed
    assert set(settled(name).assumed) == named


def row_of_slot(slot: tuple[str, str]) -> Row:
    name = sha256(COMMITTED[slot]).hexdigest()[:12]
    return next(row for row in settled(slot[0]).rows if row.certificate == name)


def test_only_the_claims_that_name_a_theorem_of_the_literature_assume_one() -> None:
    assert {name for name in NAMES if settled(name).assumed} == {"nonintersecting_first_layer", "dense_networks"}


@pytest.mark.parametrize("slot", NUMERIC, ids="/".join)
def test_row_of_a_minimum_is_recomputed(slot: tuple[str, str]) -> None:
    row, body = row_of_slot(slot), json.loads(COMMITTED[slot])
    network = LinearNetwork.from_masks(body["masks"])
    data = Data.from_moments(body["data"]["G"], body["data"]["C"], body["data"]["c0"])
    point = tuple(as_matrix(map(Fraction, line) for line in layer) for layer in body["point"])
    better = tuple(as_matrix(map(Fraction, line) for line in layer) for layer in body["better"])
    assert not any(gradient(network, point, data))
    assert row.structure == str(network)
    assert row.loss == str(loss(network, point, data))
    assert row.better_loss == str(loss(network, better, data))
    assert Fraction(row.better_loss) < Fraction(row.loss)
    assert row.inertia == str(inertia(hessian(network, point, data)))
    assert row.inertia.endswith(", 0)")
    assert row.gauge == str(rank(symmetry_fields(network, point, data)))
    assert row.jacobian_rank == str(rank(jacobian(network, point)))
    assert row.data == ("orthogonal" if data.is_orthogonal else "correlated")
    strict = rank(symmetry_fields(network, point, data)) == inertia(hessian(network, point, data))[1]
    assert row.evidence == f"{'strict' if strict else 'degenerate'}: {body['minimum']['kind']}"


def test_row_of_the_trap_is_recomputed() -> None:
    row, body = row_of_slot(TRAP), json.loads(COMMITTED[TRAP])
    network = LinearNetwork.from_masks(body["masks"])
    data = Data.from_moments(body["data"]["G"], body["data"]["C"], body["data"]["c0"])
    start = tuple(as_matrix(map(Fraction, line) for line in layer) for layer in body["start"])
    better = tuple(as_matrix(map(Fraction, line) for line in layer) for layer in body["better"])
    assert row.loss == ">= 1/2"
    assert Fraction(1, 2) <= loss(network, start, data) < 1
    assert (row.better_loss, loss(network, better, data)) == ("0", 0)
    assert row.jacobian_rank == str(rank(jacobian(network, start)))
    assert (row.evidence, row.inertia, row.gauge) == ("trap", "", "")


@pytest.mark.parametrize("slot", BUNDLES, ids="/".join)
def test_row_of_a_bundle_counts_its_certificates(slot: tuple[str, str]) -> None:
    row, count = row_of_slot(slot), len(bodies(COMMITTED[slot]))
    assert str(count) in re.findall(r"\d+", row.structure)
    assert (row.loss, row.better_loss, row.inertia, row.gauge, row.jacobian_rank) == ("",) * 5


@pytest.mark.parametrize(
    ("slot", "count"),
    [
        (("scalar_output", "two-layers"), 316),
        (("scalar_output", "three-layers"), 1135),
        (("nonintersecting_first_layer", "two-layers"), 33),
        (("nonintersecting_first_layer", "holds-depth-3"), 109),
        (("nonintersecting_first_layer", "blocked-direction"), 8),
        (("output_threshold", "strict-excluded"), 237),
        (("dense_networks", "proved"), 60),
        (("dense_networks", "assumed"), 15),
        (("decreasing_path", "claims"), 20),
        (("decreasing_path", "atlas"), 514),
        (("decreasing_path", "single-opens"), 38),
        (("decreasing_path", "single-closed"), 86),
        (("decreasing_path", "valley"), 4),
        (("decreasing_path", "basin"), 4),
        (("decreasing_path", "escape"), 14),
    ],
    ids=lambda value: "/".join(value) if isinstance(value, tuple) else None,
)
def test_bundle_sizes(slot: tuple[str, str], count: int) -> None:
    assert len(bodies(COMMITTED[slot])) == count
    assert slot in BUNDLES and len(BUNDLES) == 15


def test_script_alone_prints_the_report() -> None:
    script = THEOREMS / "scalar_output.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == settled("scalar_output").text() + "\n"
    sections = ("Statement:", "Hypothesis:", "Source:", "Method:", "Proved:", "Observed:", "Verdict:    confirmed.")
    places = [done.stdout.index(section) for section in sections]
    assert places == sorted(places)


# -- other certificates in their places -------------------------------------------------------------------

CHECKED = cache(checker.check_bytes)
PATHS_CHECKED = cache(path_checker.check_bytes)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the theorem scripts and their certificates, which `settle` reads instead of the committed ones.

    The searches do not depend on the certificates, and are tested above: they are left out here. Files that a script
    reads again and again are checked once.
    """
    copy = tmp_path / "theorems"
    shutil.copytree(THEOREMS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(claims, "theorems_folder", lambda: copy)
    monkeypatch.setattr(Bench, "search", lambda *_args, **_options: (1, 1))
    monkeypatch.setattr(checker, "check_bytes", CHECKED)
    monkeypatch.setattr(path_checker, "check_bytes", PATHS_CHECKED)
    return copy


def settles_with(folder: Path, slot: tuple[str, str], data: bytes) -> bool:
    """Whether the claim is settled with these bytes in the place of the certificate `slot`."""
    path = folder / "certificates" / slot[0] / f"{slot[1]}.json"
    path.write_bytes(data)
    try:
        settle(slot[0])
    except RefusedCertificate:
        return False
    finally:
        path.write_bytes(COMMITTED[slot])
    return True


@pytest.mark.parametrize("name", NAMES)
def test_the_copy_settles(folder: Path, name: str) -> None:
    """Else the refusals below would mean nothing."""
    assert settle(name).verdict == VERDICTS[name]


def one_more(number: str) -> str:
    return str(Fraction(number) + 1)


MUTATIONS: dict[str, Callable[[dict[str, Any]], None]] = {
    "c0": lambda b: b["data"].update(c0=one_more(b["data"]["c0"])),
    "point": lambda b: change_a_weight(b),
    "loss": lambda b: b["statement"].update(
        {key: one_more(b["statement"][key]) for key in LOSS if key in b["statement"]}
    ),
    "better_loss": lambda b: b["statement"].update(better_loss=one_more(b["statement"]["better_loss"])),
}
LOSS = ("loss_at_least", "bound")


def change_a_weight(body: dict[str, Any]) -> None:
    """The first weight that matters: along a critical family, or a weight that another zero hides, the point moves to
    another minimum."""
    layers = body.get("point", body.get("start"))
    for row in (row for layer in layers for row in layer):
        for j, x in enumerate(row):
            row[j] = one_more(x)
            if CHECKED(dumped(body))[0] == "invalid":
                return
            row[j] = x
    raise AssertionError("no weight matters")


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("slot", [*NUMERIC, TRAP], ids="/".join)
def test_one_number_changed_in_a_numeric_certificate(folder: Path, slot: tuple[str, str], mutation: str) -> None:
    body = json.loads(COMMITTED[slot])
    MUTATIONS[mutation](body)
    assert CHECKED(dumped(body))[0] == "invalid"
    assert not settles_with(folder, slot, dumped(body))


@pytest.mark.parametrize("which", [0, -1])
@pytest.mark.parametrize("slot", BUNDLES, ids="/".join)
def test_one_number_changed_in_a_bundle(folder: Path, slot: tuple[str, str], which: int) -> None:
    certificates = bodies(COMMITTED[slot])
    body = certificates[which]
    if body["kind"] == "spurious-minimum":
        body["statement"]["loss_at_least"] = one_more(body["statement"]["loss_at_least"])
    elif body["kind"] == "benign-generic":
        row = body["masks"][0][0]
        row[0] = 1 - row[0]
    elif body["kind"] in claims.PATHS:
        key = "start_loss" if "start_loss" in body["statement"] else "loss_at_least"
        body["statement"][key] = one_more(body["statement"][key])
    else:
        step = body["steps"][0]
        (key,) = step.keys() - {"rule", "side"}
        numbers = step[key][0] if key == "nodes" else step[key]
        if isinstance(numbers, int):
            step[key] = 17
        else:
            numbers[0] = 17
    assert not settles_with(folder, slot, bundle(certificates))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"nonsense"])
@pytest.mark.parametrize("slot", [("three_outputs", "strict"), ("dense_networks", "proved")], ids="/".join)
def test_no_certificate_at_all(folder: Path, slot: tuple[str, str], data: bytes) -> None:
    assert not settles_with(folder, slot, data)


@pytest.mark.parametrize("slot", SLOTS, ids="/".join)
def test_valid_certificate_of_another_theorem_does_not_settle(folder: Path, slot: tuple[str, str]) -> None:
    """One donor of every kind.  The same bytes are no other theorem: a-strict and correlated are one file."""
    donors = [donor for donor in DONORS if COMMITTED[donor] != COMMITTED[slot]]
    accepted = [donor for donor in donors if settles_with(folder, slot, COMMITTED[donor])]
    assert accepted == []


@pytest.mark.slow
@pytest.mark.parametrize("slot", SLOTS, ids="/".join)
def test_no_valid_certificate_but_its_own_settles(folder: Path, slot: tuple[str, str]) -> None:
    donors = [donor for donor in SLOTS if COMMITTED[donor] != COMMITTED[slot]]
    accepted = [donor for donor in donors if settles_with(folder, slot, COMMITTED[donor])]
    assert accepted == []


@pytest.mark.parametrize("slot", BUNDLES, ids="/".join)
@pytest.mark.parametrize("part", ["without the last", "without the first", "the first only", "one twice"])
def test_smaller_bundle_does_not_settle(folder: Path, slot: tuple[str, str], part: str) -> None:
    whole = bodies(COMMITTED[slot])
    parts = {
        "without the last": whole[:-1],
        "without the first": whole[1:],
        "the first only": whole[:1],
        "one twice": [whole[0], whole[0], *whole[2:]],
    }
    assert not settles_with(folder, slot, bundle(parts[part]))


# -- weaker theorems about the same structures ------------------------------------------------------------


def some_data(body: dict[str, Any]) -> dict[str, Any]:
    """Numeric orthogonal data for the masks of a certificate."""
    inputs, outputs = len(body["masks"][0][0]), len(body["masks"][-1])
    gram = [[str(int(i == j)) for j in range(inputs)] for i in range(inputs)]
    return {"G": gram, "C": [["0"] * inputs] * outputs, "c0": "0"}


BENIGN = [slot for slot in BUNDLES if all(body["kind"] == "benign" for body in bodies(COMMITTED[slot]))]


@pytest.mark.parametrize("slot", BENIGN, ids="/".join)
def test_benign_for_given_data_is_not_benign_for_a_class(folder: Path, slot: tuple[str, str]) -> None:
    weaker = bundle([body | {"data": some_data(body)} for body in bodies(COMMITTED[slot])])
    assert CHECKED(weaker)[0] in ("valid", "assumes")
    assert not settles_with(folder, slot, weaker)


@pytest.mark.parametrize(
    "slot", [slot for slot in BENIGN if bodies(COMMITTED[slot])[0]["data"] == {"class": "any"}], ids="/".join
)
def test_benign_for_orthogonal_data_is_not_benign_for_all_data(folder: Path, slot: tuple[str, str]) -> None:
    weaker = bundle([body | {"data": {"class": "orthogonal"}} for body in bodies(COMMITTED[slot])])
    assert CHECKED(weaker)[0] in ("valid", "assumes")
    assert not settles_with(folder, slot, weaker)


def test_an_assumed_proof_does_not_stand_for_a_proved_one(folder: Path) -> None:
    """The report says that these widths are proved by the checker."""
    slot = ("dense_networks", "proved")
    certificates = bodies(COMMITTED[slot])
    place = next(n for n, body in enumerate(certificates) if body["masks"] == [[[1, 1], [1, 1]], [[1, 1], [1, 1]]])
    nodes = [[0, 1], [0, 1], [0, 1]]
    certificates[place] |= {
        "steps": [{"rule": "dense-block", "nodes": nodes}],
        "statement": {"loss": "squared", "assumes": [checker.BALDI_HORNIK]},
    }
    assert CHECKED(bundle(certificates))[0] == "assumes"
    assert not settles_with(folder, slot, bundle(certificates))


def test_a_degenerate_minimum_does_not_exclude_strict_ones(folder: Path) -> None:
    """In a bundle of "no strict minimum" one entry says "there is a degenerate minimum", about the same masks."""
    slot = ("output_threshold", "strict-excluded")
    network = next(net for net in structures(2, 2, 2) if net.is_isomorphic(SIX_WEIGHTS))
    certificates = bodies(COMMITTED[slot])
    masks = [[list(row) for row in mask] for mask in network.masks]
    place = next(n for n, body in enumerate(certificates) if body["masks"] == masks)
    certificates[place] = found(network, ORTHOGONAL, False).to_json()
    assert CHECKED(bundle(certificates))[0] == "valid"
    assert not settles_with(folder, slot, bundle(certificates))


def found(
    network: LinearNetwork,
    data_class: DataClass,
    strict: bool,
    wanted: Callable[[SpuriousMinimum], bool] = lambda witness: True,
) -> SpuriousMinimum:
    witness = simplest_witness(network, data_class, rounds=8, strict=strict, wanted=wanted)
    assert witness is not None
    return witness


def correlated(witness: SpuriousMinimum) -> bool:
    return not witness.data.is_orthogonal


def not_of_its_support(witness: SpuriousMinimum) -> bool:
    return not minimises_support(witness.network, witness.data, witness.point)


@pytest.mark.parametrize(
    ("slot", "network", "data_class", "strict", "wanted"),
    [
        (("three_outputs", "strict"), STRICT, ORTHOGONAL, False, None),
        (("three_outputs", "strict"), STRICT, ANY, True, correlated),
        (("three_outputs", "strict"), STRICT, ORTHOGONAL, True, not_of_its_support),
        (("three_outputs", "two-blocks"), TWICE, ORTHOGONAL, False, None),
        (("three_outputs", "two-blocks"), TWICE, ANY, True, correlated),
        (("sparse_first_layer", "b-strict"), INTERSECTING, ANY, True, correlated),
    ],
    ids=[
        "degenerate for strict",
        "correlated for orthogonal",
        "not the minimum of its support",
        "two blocks: degenerate for strict",
        "two blocks: correlated for orthogonal",
        "intersecting: correlated for orthogonal",
    ],
)
def test_weaker_witness_of_the_same_structure_does_not_settle(
    folder: Path,
    slot: tuple[str, str],
    network: LinearNetwork,
    data_class: DataClass,
    strict: bool,
    wanted: Callable[[SpuriousMinimum], bool] | None,
) -> None:
    assert json.loads(COMMITTED[slot])["masks"] == [[list(row) for row in mask] for mask in network.masks]
    weaker = encode(found(network, data_class, strict, wanted or (lambda witness: True)))
    assert CHECKED(weaker)[0] == "valid"
    assert not settles_with(folder, slot, weaker)


# -- the bench --------------------------------------------------------------------------------------------


def proof(*widths: int) -> Certificate:
    made = prove_benign(LinearNetwork.dense(*widths), ANY)
    assert made is not None
    return made


def prove(bench: Bench, make: Callable[[], Certificate], units: int = 2) -> list[dict[str, Any]]:
    """The one call of `Bench.prove`, for the certificate "dense" about the dense 2-units-2 network."""
    about = Theorem("benign", "any", (LinearNetwork.dense(2, units, 2),))
    return bench.prove("dense", make, "case", about=about)


def never() -> Certificate:
    raise AssertionError("the certificate is there already")


def test_search_raises_when_it_finds_what_should_not_exist(tmp_path: Path) -> None:
    with pytest.raises(RefusedCertificate, match="spurious minimum of 3-2-3 110 101"):
        Bench(CLAIM, tmp_path).search([TWICE], ORTHOGONAL, rounds=4, strict=True)


def test_search_for_strict_minima_passes_by_degenerate_ones(tmp_path: Path) -> None:
    """Six weights have degenerate minima and, by lemma two-outputs, no strict one."""
    count, tried = Bench(CLAIM, tmp_path).search([SIX_WEIGHTS], ORTHOGONAL, rounds=4, strict=True)
    assert count == 1 and tried > 0
    with pytest.raises(RefusedCertificate, match="2-2-2 10 11"):
        Bench(CLAIM, tmp_path).search([SIX_WEIGHTS], ORTHOGONAL, rounds=4)


def test_search_finds_nothing_in_a_benign_structure(tmp_path: Path) -> None:
    count, _ = Bench(CLAIM, tmp_path).search([LinearNetwork.dense(2, 2, 2), LinearNetwork.dense(3, 2, 1)], ANY, 2)
    assert count == 2


def test_witness_of_a_benign_structure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedCertificate, match="finds no spurious minimum"):
        Bench(CLAIM, tmp_path).witness(LinearNetwork.dense(2, 2, 1), ANY, 2, True)


def test_benign_of_a_structure_with_spurious_minima_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedCertificate, match="do not settle"):
        Bench(CLAIM, tmp_path, remake=True).benign("x", [LinearNetwork.dense(2, 2, 2), TWICE], ORTHOGONAL, "case")
    assert list(tmp_path.iterdir()) == []


def test_remake_writes_the_canonical_bytes_and_nothing_else(tmp_path: Path) -> None:
    bench = Bench(CLAIM, tmp_path / "new" / "folder", remake=True)
    prove(bench, lambda: proof(2, 2, 2))
    assert [path.name for path in bench.folder.iterdir()] == ["dense.json"]
    assert (bench.folder / "dense.json").read_bytes() == encode(proof(2, 2, 2))
    assert [row.certificate for row in bench.rows] == [sha256(encode(proof(2, 2, 2))).hexdigest()[:12]]


def test_kept_certificate_is_read_not_made(tmp_path: Path) -> None:
    (tmp_path / "dense.json").write_bytes(encode(proof(2, 2, 2)))
    facts = prove(Bench(CLAIM, tmp_path), never)
    assert "2-2-2 network with 8 weights" in facts[0]["proved"]


def test_remake_replaces_the_certificate(tmp_path: Path) -> None:
    (tmp_path / "dense.json").write_bytes(encode(proof(2, 2, 2)))
    prove(Bench(CLAIM, tmp_path, remake=True), lambda: proof(2, 3, 2), units=3)
    assert (tmp_path / "dense.json").read_bytes() == encode(proof(2, 3, 2))


def test_missing_certificate_is_refused_not_made(tmp_path: Path) -> None:
    with pytest.raises(
        RefusedCertificate, match=r"dense\.json: No such file or directory; `symverify verify --remake`"
    ):
        prove(Bench(CLAIM, tmp_path), never)


def test_remake_of_another_theorem_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(RefusedCertificate, match="about other structures"):
        prove(Bench(CLAIM, tmp_path, remake=True), lambda: proof(2, 3, 2))
    assert list(tmp_path.iterdir()) == []


def test_remake_that_finds_nothing_keeps_the_old_certificate(tmp_path: Path) -> None:
    (tmp_path / "dense.json").write_bytes(encode(proof(2, 2, 2)))
    with pytest.raises(AssertionError):
        prove(Bench(CLAIM, tmp_path, remake=True), never)
    assert (tmp_path / "dense.json").read_bytes() == encode(proof(2, 2, 2))


def test_remake_interrupted_at_the_last_moment_keeps_the_old_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dense.json").write_bytes(encode(proof(2, 2, 2)))

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        prove(Bench(CLAIM, tmp_path, remake=True), lambda: proof(2, 3, 2), units=3)
    assert (tmp_path / "dense.json").read_bytes() == encode(proof(2, 2, 2))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_remake_ends_with_the_same_bytes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "theorems"
    shutil.copytree(THEOREMS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(copy / "certificates" / name)
    monkeypatch.setattr(claims, "theorems_folder", lambda: copy)
    assert settle(name, remake=True) == settled(name)
    made = {(name, path.stem): path.read_bytes() for path in (copy / "certificates" / name).iterdir()}
    assert made == {slot: data for slot, data in COMMITTED.items() if slot[0] == name}


def test_interrupting_a_theorem_script_says_where_the_certificates_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(claims, "settle", stop)
    assert claims.main("three_outputs") == 130
    kept = THEOREMS / "certificates" / "three_outputs"
    assert capsys.readouterr() == ("", f"three_outputs: interrupted; certificates are in {kept}\n")
