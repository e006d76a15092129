"""What a certificate proves about a row: for every kind the answers, and pairs of answer and certificate that are
refused although the certificate is valid."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from symverify.atlas.evidence import Answer, RefusedDecision, confirmed, proved
from symverify.atlas.rows import Decision, Entry, Job, Outcome, Question, witness_json
from symverify.certificate import BenignGeneric, SpuriousMinimum, digest, encode
from symverify.data import DataClass
from symverify.network import LinearNetwork
from symverify.rules import BALDI_HORNIK, prove_benign
from symverify.verify import witness_json as witness_json_of_analyze
from symverify.witness import simplest_witness

VALID = Path(__file__).parent / "certificates" / "valid"
ANY, ORTHOGONAL = DataClass.ANY, DataClass.ORTHOGONAL
ALL, ALMOST = Question.ALL_DATA, Question.ALMOST_ALL_DATA


def benign(*cells: tuple[DataClass, Question]) -> set[Answer]:
    return {(*cell, Outcome.BENIGN, None) for cell in cells}


def spurious(kind: str, *cells: tuple[DataClass, Question]) -> set[Answer]:
    return {(*cell, Outcome.SPURIOUS, kind) for cell in cells}


EVERYWHERE = [(c, q) for c in DataClass for q in Question]
PROVES: dict[str, set[Answer]] = {
    "wide-block-inputs": benign(*EVERYWHERE),  # class any: a subclass too, and almost all of either
    "dense-block-any": benign(*EVERYWHERE),
    "path-orthogonal": benign((ORTHOGONAL, ALL), (ORTHOGONAL, ALMOST)),
    "dense-block-orthogonal": benign((ORTHOGONAL, ALL), (ORTHOGONAL, ALMOST)),
    "path-singular-data": set(),  # numeric data: no class
    "dense-block-orthogonal-data": set(),
    "two-outputs": benign((ORTHOGONAL, ALMOST)),
    "two-inputs": benign((ORTHOGONAL, ALMOST)),
    "strict": spurious("strict", *EVERYWHERE),  # G = 1
    "ball": spurious("strict", *EVERYWHERE),
    "lifted-strict": spurious("strict", *EVERYWHERE),
    "strict-correlated": spurious("strict", (ANY, ALL), (ANY, ALMOST)),
    "strict-singular-gram": spurious("strict", (ANY, ALL)),  # may not persist when G becomes definite
    "fibre": spurious("degenerate", (ANY, ALL), (ORTHOGONAL, ALL)),
    "lifted-correlated-outside": spurious("degenerate", (ANY, ALL)),
}


@pytest.mark.parametrize("name", PROVES)
def test_what_a_certificate_proves(name: str) -> None:
    data = (VALID / f"{name}.json").read_bytes()
    found = proved(data)
    assert found.answers == PROVES[name]
    assert [list(map(list, mask)) for mask in found.masks] == json.loads(data)["masks"]
    assert found.assumes == ((BALDI_HORNIK,) if name.startswith("dense-block") else ())


@pytest.mark.parametrize("name", ["trap", "bundle"])
def test_other_certificates_answer_no_question(name: str) -> None:
    with pytest.raises(RefusedDecision, match="answers no question of the atlas"):
        proved((VALID / f"{name}.json").read_bytes())


@pytest.mark.parametrize(("folder", "outcome"), [("invalid", "invalid"), ("malformed", "malformed")])
def test_what_the_checker_refuses_proves_nothing(folder: str, outcome: str) -> None:
    paths = sorted((VALID.parent / folder).glob("*.json"))
    assert len(paths) > 20
    for path in paths:
        with pytest.raises(RefusedDecision, match=f"the checker calls it {outcome}"):
            proved(path.read_bytes())


# -- confirming a decision --------------------------------------------------------------------------------

STRICT = (VALID / "strict.json").read_bytes()
E2 = LinearNetwork.from_masks(json.loads(STRICT)["masks"])
WITNESS = Decision(Outcome.SPURIOUS, "strict", "critical-family", STRICT)
FLAT = (VALID / "fibre.json").read_bytes()
SIX = LinearNetwork.from_masks(json.loads(FLAT)["masks"])
OPEN = Decision(Outcome.OPEN)
DENSE = LinearNetwork.dense(2, 1, 2)


def proof(network: LinearNetwork, data_class: DataClass) -> Decision:
    trace = prove_benign(network, data_class)
    assert trace is not None
    return Decision(Outcome.BENIGN, None, "rule", encode(trace), trace.assumes)


def test_a_confirmed_decision_names_its_certificates() -> None:
    entries, certificates = confirmed(Job(E2, ANY), (WITNESS, OPEN))
    assert entries == (Entry(Outcome.SPURIOUS, "strict", "critical-family", digest(STRICT)), Entry(Outcome.OPEN))
    assert certificates == {digest(STRICT): STRICT}


@pytest.mark.parametrize("data_class", DataClass)
def test_a_strict_witness_for_orthogonal_data_serves_every_column(data_class: DataClass) -> None:
    entries, certificates = confirmed(Job(E2, data_class), (WITNESS, WITNESS))
    assert entries[0] == entries[1]
    assert len(certificates) == 1


def test_a_proof_for_any_data_serves_orthogonal_data() -> None:
    decision = proof(DENSE, ANY)
    entries, _ = confirmed(Job(DENSE, ORTHOGONAL), (decision, decision))
    assert entries[0].assumes == (BALDI_HORNIK,)


REFUSED = {
    "witness of relabelled masks": (E2.permuted([(1, 0, 2), (0, 1), (0, 1, 2)]), ANY, (WITNESS, OPEN)),
    "strict called degenerate": (E2, ANY, (replace(WITNESS, kind="degenerate"), OPEN)),
    "degenerate called strict": (SIX, ANY, (Decision(Outcome.SPURIOUS, "strict", None, FLAT), OPEN)),
    "degenerate for almost all": (SIX, ORTHOGONAL, (OPEN, Decision(Outcome.SPURIOUS, "degenerate", None, FLAT))),
    "witness called benign": (E2, ANY, (Decision(Outcome.BENIGN, None, None, STRICT), OPEN)),
    "proof called spurious": (
        DENSE,
        ANY,
        (Decision(Outcome.SPURIOUS, "strict", None, proof(DENSE, ANY).certificate), OPEN),
    ),
    "generic proof for all data": (
        SIX,
        ORTHOGONAL,
        (Decision(Outcome.BENIGN, None, None, encode(BenignGeneric(SIX, "two-outputs"))), OPEN),
    ),
    "generic proof of orthogonal data for any": (
        SIX,
        ANY,
        (OPEN, Decision(Outcome.BENIGN, None, None, encode(BenignGeneric(SIX, "two-outputs")))),
    ),
    "orthogonal proof for any": (DENSE, ANY, (proof(DENSE, ORTHOGONAL), OPEN)),
    "assumption left out": (DENSE, ANY, (replace(proof(DENSE, ANY), assumes=()), OPEN)),
    "assumption added": (DENSE, ANY, (replace(proof(DENSE, ANY), assumes=(BALDI_HORNIK, "more")), OPEN)),
    "changed bytes": (E2, ANY, (replace(WITNESS, certificate=STRICT.replace(b'"19/2"', b'"9"')), OPEN)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_certificate_that_does_not_prove_the_answer_is_refused(name: str) -> None:
    network, data_class, decisions = REFUSED[name]
    with pytest.raises(RefusedDecision, match=r"does not prove|other masks|assumes|the checker calls it"):
        confirmed(Job(network, data_class), decisions)


@pytest.mark.parametrize(
    ("verdict", "kind", "certificate", "assumes"),
    [
        (Outcome.OPEN, None, b"x", ()),
        (Outcome.BENIGN, None, None, ()),
        (Outcome.BENIGN, "strict", b"x", ()),
        (Outcome.SPURIOUS, None, b"x", ()),
        (Outcome.SPURIOUS, "flat", b"x", ()),
        (Outcome.SPURIOUS, "strict", b"x", ("theorem",)),
        (Outcome.OPEN, None, None, ("theorem",)),
    ],
)
def test_an_inconsistent_decision_cannot_be_made(
    verdict: Outcome, kind: str | None, certificate: bytes | None, assumes: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="verdict"):
        Decision(verdict, kind, None, certificate, assumes)


def test_witnesses_are_shown_as_analyze_shows_them() -> None:
    witness = simplest_witness(SIX, ORTHOGONAL, rounds=8, strict=False)
    assert isinstance(witness, SpuriousMinimum)
    assert witness_json(encode(witness)) == witness_json_of_analyze(witness)
