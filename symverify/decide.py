"""Proofs and witnesses for both questions: the code that ``analyze`` and the atlas share.

All data: the rules of section 6 of ``docs/mathematics.md`` (paths, wide and dense blocks, contraction), the fibre rules
with and without bottlenecks (section 13).  Almost all data: the types of residuals (section 14), two outputs
(section 7), two hidden units (section 15).  Witnesses: a strict one exists at once where section 15 promises it; else a
search.  Everything that a function here returns was accepted by the checker; None says nothing about the structure.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from symverify.certificate import (
    Benign,
    BenignAlmostEverywhere,
    BenignBottleneck,
    BenignFibre,
    BenignGeneric,
    BenignTwoUnits,
    SpuriousMinimum,
)
from symverify.data import DataClass
from symverify.fibre import prove_bottleneck, prove_fibre
from symverify.network import LinearNetwork
from symverify.refute import MAX_SEARCHED, refute
from symverify.rules import prove_benign
from symverify.two_units import counts, decide, is_benign
from symverify.witness import accepted, simplest_witness

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


def prove_everywhere(network: LinearNetwork, data_class: DataClass) -> Proof | None:
    """A proof that every local minimum is global for all data of the class; one without assumptions if there is one.

    >>> rule_of(prove_everywhere(LinearNetwork.dense(3, 1, 3), DataClass.ANY))
    'bottleneck'
    """
    return next((proof for proof in _everywhere(network, data_class) if accepted(proof) is not None), None)


def _everywhere(network: LinearNetwork, data_class: DataClass) -> Iterator[Proof]:
    rules = prove_benign(network, data_class)
    if rules is not None and not rules.assumes:
        yield rules
    if network.depth == 2:
        if (fibre := prove_fibre(network)) is not None:
            yield fibre
        if (bottleneck := prove_bottleneck(network, data_class)) is not None:
            yield bottleneck
    if rules is not None:
        yield rules


def prove_almost_everywhere(network: LinearNetwork, data_class: DataClass) -> Proof | None:
    """A proof that every local minimum is global for almost all data of the class; only for two layers.

    >>> rule_of(prove_almost_everywhere(LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2])), DataClass.ANY))
    'residual-types'
    >>> wide = LinearNetwork.from_units((range(1, 9), range(1, 9)), (range(1, 9), range(1, 9)))
    >>> rule_of(prove_almost_everywhere(wide, DataClass.ORTHOGONAL))
    'two-units'
    """
    if network.depth != 2:
        return None
    proofs: list[Proof] = [BenignAlmostEverywhere(network, data_class)]
    if data_class is DataClass.ORTHOGONAL:
        proofs.append(BenignGeneric(network, "two-outputs"))
        if has_two_units(network) and is_benign(counts(network)):
            proofs.append(BenignTwoUnits(network))
    return next((proof for proof in proofs if accepted(proof) is not None), None)


def has_two_units(network: LinearNetwork) -> bool:
    """Two layers, and two hidden units that are not dead: section 15 applies.

    >>> has_two_units(LinearNetwork.dense(5, 2, 7)), has_two_units(LinearNetwork.dense(2, 2, 2, 2))
    (True, False)
    """
    return network.depth == 2 and network.widths[1] == 2 + len(network.dead_units())


def find_witness(network: LinearNetwork, data_class: DataClass, seed: int = 0) -> SpuriousMinimum | None:
    """A spurious local minimum, strict if one was found; reproducible, it depends on the arguments only.

    >>> find_witness(LinearNetwork.from_units(([1, 2], [1, 2]), ([1, 3], [1, 3])), DataClass.ANY).strict
    True
    """
    found = None
    if network.depth == 2:
        small = max(network.widths[0], network.widths[-1]) <= MAX_SEARCHED
        if not small and (strict := two_units_witness(network)) is not None:
            return strict
        found = refute(network, data_class, seed=seed)  # of a larger network the small parts only
        if small or (found is not None and found.strict):
            return found
    search = partial(simplest_witness, network, data_class, rounds=ROUNDS, seed=seed)
    return search(strict=True) or found or search(strict=False)


def two_units_witness(network: LinearNetwork) -> SpuriousMinimum | None:
    """The strict minimum for orthogonal data that Theorem 15.1 gives for a network with two hidden units."""
    if not has_two_units(network) or is_benign(counts(network)):
        return None
    witness = decide(network)
    assert isinstance(witness, SpuriousMinimum)
    return witness


def rule_of(certificate: Proof | SpuriousMinimum) -> str:
    """The rules of a proof, or the kind of evidence of a witness: a label, nothing rests on it."""
    if isinstance(certificate, SpuriousMinimum):
        return str(certificate.minimum.to_json(certificate.network)["kind"])
    if isinstance(certificate, Benign):
        return "+".join(sorted({str(step.to_json()["rule"]) for step in certificate.steps}))
    return certificate.rule if isinstance(certificate, BenignGeneric) else RULES[type(certificate)]
