"""The answers to both questions for one structure and one data class: proofs first, then a search for a witness.

All data: the rules of section 6 (paths, wide and dense blocks, contraction), the fibre rules, the fibre rules with
bottlenecks (section 13).  Almost all data: the types of residuals (section 14).  Where no proof is found, a witness is
searched for, strict if possible.
"""

from __future__ import annotations

from functools import partial

from symverify import two_units
from symverify.certificate import (
    Benign,
    BenignAlmostEverywhere,
    BenignBottleneck,
    BenignFibre,
    BenignGeneric,
    BenignTwoUnits,
    SpuriousMinimum,
    encode,
)
from symverify.data import DataClass
from symverify.fibre import prove_bottleneck, prove_fibre
from symverify.network import LinearNetwork
from symverify.refute import MAX_SEARCHED, refute
from symverify.rules import prove_benign
from symverify.verify import accepted, simplest_witness

from .rows import Decision, Outcome

ROUNDS = 2
"""Rounds of the search where the systematic one does not apply; a number and not a time, so that the answer depends on
the arguments only."""
RULES = {
    BenignFibre: "fibre",
    BenignBottleneck: "bottleneck",
    BenignAlmostEverywhere: "residual-types",
    BenignTwoUnits: "two-units",
}

Proof = Benign | BenignFibre | BenignBottleneck | BenignAlmostEverywhere | BenignGeneric | BenignTwoUnits


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


def prove_everywhere(network: LinearNetwork, data_class: DataClass) -> Proof | None:
    """A proof that every local minimum is global for all data of the class; one without assumptions if there is one."""
    rules = prove_benign(network, data_class)
    if rules is not None and not rules.assumes:
        return rules
    if network.depth == 2 and network.is_pruned():
        return prove_fibre(network) or prove_bottleneck(network, data_class) or rules
    return rules


def prove_almost_everywhere(network: LinearNetwork, data_class: DataClass) -> Proof | None:
    """A proof that the checker accepts that the same holds for almost all data of the class."""
    if network.depth != 2:
        return None
    proofs: list[Proof] = [BenignAlmostEverywhere(network, data_class)]
    if data_class is DataClass.ORTHOGONAL:
        proofs.append(BenignGeneric(network, "two-outputs"))
        if isinstance(settled := _two_units(network), BenignTwoUnits):
            proofs.append(settled)
    return next((proof for proof in proofs if accepted(proof) is not None), None)


def _two_units(network: LinearNetwork) -> BenignTwoUnits | SpuriousMinimum | None:
    """What is known of almost all orthogonal data if there are two hidden units: everything."""
    two = network.depth == 2 and network.widths[1] == 2 and network.is_pruned()
    return two_units.decide(network) if two else None


def find_witness(network: LinearNetwork, data_class: DataClass, seed: int = 0) -> SpuriousMinimum | None:
    """A spurious local minimum, strict if one was found; None proves nothing.

    Two layers: the systematic search; beyond three inputs or outputs in small sub-networks, and for two hidden units
    the explicit witnesses.  Otherwise the random search, in some rounds.
    """
    found = None
    if network.depth == 2:
        found = refute(network, data_class, seed=seed)
        if (found is not None and found.strict) or max(network.widths[0], network.widths[-1]) <= MAX_SEARCHED:
            return found
        if isinstance(settled := _two_units(network), SpuriousMinimum):
            return settled
    search = partial(simplest_witness, network, data_class, rounds=ROUNDS, seed=seed)
    return search(strict=True) or found or search(strict=False)


def _decision(proof: Proof | None, witness: SpuriousMinimum | None) -> Decision:
    if proof is not None:
        return Decision(Outcome.BENIGN, None, _rule(proof), encode(proof), getattr(proof, "assumes", ()))
    if witness is not None:
        kind = "strict" if witness.strict else "degenerate"
        evidence = str(witness.minimum.to_json(witness.network)["kind"])
        return Decision(Outcome.SPURIOUS, kind, evidence, encode(witness))
    return Decision(Outcome.OPEN)


def _rule(proof: Proof) -> str:
    if isinstance(proof, Benign):
        return "+".join(sorted({str(step.to_json()["rule"]) for step in proof.steps}))
    return proof.rule if isinstance(proof, BenignGeneric) else RULES[type(proof)]
