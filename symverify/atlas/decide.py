"""The answers to both questions for one structure and one data class: proofs first, then a search for a witness."""

from __future__ import annotations

from symverify.certificate import SpuriousMinimum, encode
from symverify.data import DataClass
from symverify.decide import Proof, find_witness, prove_almost_everywhere, prove_everywhere, rule_of
from symverify.network import LinearNetwork

from .rows import Decision, Outcome


def decide(network: LinearNetwork, data_class: DataClass, seed: int = 0) -> tuple[Decision, Decision]:
    """Answers for all data, and for almost all data, of the class.

    Reproducible: it depends on the arguments only.  ``open`` says nothing about the structure.

    >>> everywhere, almost = decide(LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2])), DataClass.ANY)
    >>> str(everywhere.verdict), everywhere.kind, str(almost.verdict), almost.rule
    ('spurious', 'degenerate', 'benign', 'residual-types')
    """
    proof = prove_everywhere(network, data_class)
    almost = prove_almost_everywhere(network, data_class) or proof
    witness = None
    if proof is None:
        witness = find_witness(network, data_class, seed)
    strict = witness if witness is not None and witness.strict else None
    return _decision(proof, witness), _decision(almost, strict)


def _decision(proof: Proof | None, witness: SpuriousMinimum | None) -> Decision:
    if proof is not None:
        return Decision(Outcome.BENIGN, None, rule_of(proof), encode(proof), getattr(proof, "assumes", ()))
    if witness is not None:
        kind = "strict" if witness.strict else "degenerate"
        return Decision(Outcome.SPURIOUS, kind, rule_of(witness), encode(witness))
    return Decision(Outcome.OPEN)
