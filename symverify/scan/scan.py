"""The scan of one network: benign by a rule, or a spurious minimum with a certificate for the whole network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from symverify import __version__
from symverify.certificate import encode
from symverify.data import DataClass
from symverify.rules import prove_benign

from .certificate import benign_json, lifted_json, pinned_json, proved, to_bytes
from .layers import SparseNetwork
from .match import witness
from .pinned import find_pinned
from .rules import path_rule
from .sample import SCHEMES, Found, Sampler, Statistics

FORMAT = "symverify-scan/1"
SMALL = 200
"""Weights and nodes up to which all rules are tried."""
TREATED = "the network is treated as linear: activations and biases are left out, only the masks count"


@dataclass(frozen=True, slots=True)
class Proof:
    """A theorem that the trusted checker accepted, and the bytes of its certificate."""

    evidence: str
    statement: str
    certificate: bytes

    @property
    def name(self) -> str:
        """The file name of the certificate: the start of its sha256."""
        return sha256(self.certificate).hexdigest()[:16] + ".json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is proved of a network, and what the samples show.

    ``verdict`` is ``benign`` (every local minimum is global, for all data), ``spurious`` (for some data there is a
    local minimum that is not global) or ``unknown``.
    """

    widths: tuple[int, ...]
    weights: int
    verdict: str
    reason: str
    proofs: tuple[Proof, ...] = ()
    statistics: tuple[Statistics, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The answer without the bytes of the certificates."""
        return {
            "format": FORMAT,
            "version": __version__,
            "treated_as": "linear",
            "note": TREATED,
            "widths": list(self.widths),
            "weights": self.weights,
            "verdict": self.verdict,
            "basis": "proved" if self.proofs else "none",
            "reason": self.reason,
            "certificates": [{"evidence": p.evidence, "file": p.name, "proves": p.statement} for p in self.proofs],
            "samples": [found.to_json() for found in self.statistics],
        }


def scan(
    net: SparseNetwork,
    *,
    samples: int = 500,
    seed: int = 0,
    progress: Callable[[str], None] = lambda text: None,
    found: Callable[[Proof], None] = lambda proof: None,
) -> Answer:
    """Decide a network as far as rule P, the atlas and pinned minima do; ``samples`` sub-structures of each scheme.

    ``found`` gets each proof as soon as the checker has accepted it.  Every verdict but ``unknown`` rests on such a
    proof.  ``unknown`` says nothing about the network.

    >>> from symverify import LinearNetwork
    >>> net = SparseNetwork.from_network(LinearNetwork.from_units(([1, 2], [1, 2]), ([1], [1])))
    >>> answer = scan(net, samples=20)
    >>> answer.verdict, [proof.evidence for proof in answer.proofs]
    ('spurious', ['lifted', 'pinned'])
    """
    rule = path_rule(net)
    if rule is not None:
        proof = _proof("rule P", benign_json(net))
        found(proof)
        return Answer(net.widths, net.edges, "benign", rule, (proof,))
    small = _small_benign(net)
    if small is not None:
        found(small)
        return Answer(net.widths, net.edges, "benign", "rules P, K and contraction for small networks", (small,))
    progress("pinned minima")
    minimum = find_pinned(net)
    pinned = None if minimum is None else _proof("pinned", pinned_json(net, minimum))
    if pinned is not None:
        found(pinned)
    sampler = Sampler(net, seed)
    statistics = tuple(sampler.run(scheme, samples, progress) for scheme in SCHEMES)
    progress("certificates")
    lifted = None if sampler.best is None else _lifted(net, sampler.best)
    if lifted is not None:
        found(lifted)
    proofs = [proof for proof in (lifted, pinned) if proof is not None]
    if not proofs:
        reason = "no rule settles all pairs, and no forbidden pattern was found; this says nothing about the network"
        return Answer(net.widths, net.edges, "unknown", reason, (), statistics)
    reasons = {
        "lifted": f"the forbidden pattern {sampler.best.known.pattern} of the atlas, lifted" if sampler.best else "",
        "pinned": "a pinned minimum of the whole network",
    }
    reason = "; ".join(reasons[proof.evidence] for proof in proofs)
    return Answer(net.widths, net.edges, "spurious", reason, tuple(proofs), statistics)


def _small_benign(net: SparseNetwork) -> Proof | None:
    """All rules without assumptions, for networks that are small enough for a dense certificate."""
    if net.edges > SMALL or sum(net.widths) > SMALL:
        return None
    network = net.part([range(width) for width in net.widths])
    found = prove_benign(network, DataClass.ANY)
    if found is None or found.assumes:
        return None
    data = encode(found)
    return Proof("rules", proved(data), data)


def _lifted(net: SparseNetwork, found: Found) -> Proof | None:
    known = witness(found.network, found.known)
    return None if known is None else _proof("lifted", lifted_json(net, found.nodes, known))


def _proof(evidence: str, certificate: dict[str, Any]) -> Proof:
    data = to_bytes(certificate)
    return Proof(evidence, proved(data), data)
