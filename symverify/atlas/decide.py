"""The answers to both questions for one structure and one data class: rules first, then a search."""

from __future__ import annotations

from symverify.certificate import BenignGeneric, Certificate, encode
from symverify.data import DataClass
from symverify.network import LinearNetwork
from symverify.rules import prove_benign
from symverify.verify import accepted, simplest_witness

from .rows import Decision, Outcome

ROUNDS = 2
"""Rounds of the search; a number and not a time, so that the answer depends on the arguments only."""


def decide(network: LinearNetwork, data_class: DataClass, seed: int = 0) -> tuple[Decision, Decision]:
    """Answers for all data, and for almost all data, of the class.

    Reproducible: it depends on the arguments only.  ``open`` says nothing about the structure.

    >>> everywhere, almost = decide(LinearNetwork.dense(2, 2, 1), DataClass.ANY)
    >>> str(everywhere.verdict), everywhere.rule, everywhere == almost
    ('benign', 'path', True)
    """
    proof = prove_benign(network, data_class)
    if proof is not None:
        rules = "+".join(sorted({str(step.to_json()["rule"]) for step in proof.steps}))
        benign = _decision(Outcome.BENIGN, None, rules, proof, proof.assumes)
        return benign, benign
    everywhere = almost = Decision(Outcome.OPEN)
    for kind in ("strict", "degenerate"):
        witness = simplest_witness(network, data_class, rounds=ROUNDS, strict=kind == "strict", seed=seed)
        if witness is not None:
            evidence = str(witness.minimum.to_json(network)["kind"])
            everywhere = _decision(Outcome.SPURIOUS, kind, evidence, witness)
            if kind == "strict":
                return everywhere, everywhere
            break
    if data_class is DataClass.ORTHOGONAL:
        generic = BenignGeneric(network, "two-outputs")
        if accepted(generic) is not None:
            almost = _decision(Outcome.BENIGN, None, generic.rule, generic)
    return everywhere, almost


def _decision(
    verdict: Outcome, kind: str | None, rule: str, certificate: Certificate, assumes: tuple[str, ...] = ()
) -> Decision:
    return Decision(verdict, kind, rule, encode(certificate), assumes)
