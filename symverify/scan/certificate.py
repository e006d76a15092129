"""Sparse certificates: their bytes, and whether the trusted file accepts them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from symverify import checking
from symverify.certificate import SpuriousMinimum, encode

from .layers import SparseNetwork
from .pinned import Pinned

Json = dict[str, Any]


def network_json(net: SparseNetwork) -> Json:
    """``widths`` and ``layers``: a row of a mask is the text of its indices, ``"0 5 17"``."""
    layers = [
        [" ".join(map(str, step.of(i))) for i in range(width)]
        for step, width in zip(net.below, net.widths[1:], strict=True)
    ]
    return {"widths": list(net.widths), "layers": layers}


def benign_json(net: SparseNetwork) -> Json:
    """Kind ``sparse-benign``: rule P settles every pair."""
    return {"format": "symverify-certificate/1", "kind": "sparse-benign", **network_json(net)}


def pinned_json(net: SparseNetwork, found: Pinned) -> Json:
    """Kind ``sparse-spurious-minimum`` with evidence ``pinned``."""
    return _spurious(net, found.to_json())


def lifted_json(net: SparseNetwork, nodes: Sequence[Sequence[int]], witness: SpuriousMinimum) -> Json:
    """Kind ``sparse-spurious-minimum`` with evidence ``lifted``: a witness of the part on ``nodes``."""
    inner = json.loads(encode(witness))
    evidence = {"kind": "lifted", "inputs": list(nodes[0]), "outputs": list(nodes[-1]), "certificate": inner}
    return _spurious(net, evidence)


def _spurious(net: SparseNetwork, evidence: Json) -> Json:
    head = {"format": "symverify-certificate/1", "kind": "sparse-spurious-minimum"}
    return {**head, **network_json(net), "evidence": evidence}


def to_bytes(certificate: Json) -> bytes:
    """Canonical bytes."""
    return (json.dumps(certificate, sort_keys=True, separators=(",", ":")) + "\n").encode()


def proved(data: bytes) -> str:
    """The theorem that the trusted file says the bytes prove.

    Raises:
        AssertionError: it refuses them; a mistake of the prover, which is never passed on as an answer.
    """
    outcome, facts = checking.check_bytes(data)
    if outcome != "valid":
        raise AssertionError(f"the checker refuses a certificate of the scan: {facts}")
    return str(facts[0]["proved"])
