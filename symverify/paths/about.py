"""What a bundle of certificates of section 17 has to state for a claim about known spurious minima to rest on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from symverify.certificate import masks_json
from symverify.claims import RefusedCertificate, Theorem
from symverify.network import Edge, LinearNetwork

from .repair import enlarged, masked_weights

Body = dict[str, Any]


def key_of(body: Body, masks: Any = None) -> str:
    """Masks, data and point of a certificate, as one text."""
    return json.dumps([masks or body["masks"], body["data"], body["point"]], sort_keys=True)


@cache
def minima_of_the_atlas() -> tuple[Body, ...]:
    """All spurious minima in the table of the package, each once, in the order of their hashes."""
    from symverify.atlas import table

    certificates = table.load(None).certificates
    bodies = (json.loads(certificates[name]) for name in sorted(certificates))
    return tuple({key_of(body): body for body in bodies if body["kind"] == "spurious-minimum"}.values())


def allowed_weights(body: Body) -> frozenset[Edge]:
    """The masked weights that a ``decreasing-path`` allows."""
    return frozenset(
        (l, i, j)
        for l, layer in enumerate(body["allowed"])
        for i, row in enumerate(layer)
        for j, x in enumerate(row)
        if x
    )


@dataclass(frozen=True)
class AboutMinima(Theorem):
    """The certificates of the bundle are of this ``kind`` and start at ``count`` different ones of the ``minima``; if
    there are no more, they are exactly these, in this order.  (A minimum is its masks, data and point.)

    ``decreasing-path``: with all masked weights allowed.
    """

    minima: tuple[Body, ...] = ()
    count: int = 0

    def require(self, bodies: Sequence[Body], where: str) -> None:
        """Raises RefusedCertificate unless these accepted certificates state this."""
        for body in bodies:
            if body["kind"] != self.kind:
                raise RefusedCertificate(f"{where}: {body['kind']}; the claim needs another theorem")
            if body["kind"] == "decreasing-path":
                network = LinearNetwork.from_masks(body["masks"])
                if allowed_weights(body) != frozenset(masked_weights(network)) or body["tolerance"] != "0":
                    raise RefusedCertificate(f"{where}: a path that allows other weights than the claim")
        found, known = [key_of(body) for body in bodies], [key_of(body) for body in self.minima]
        every = self.count == len(known)
        if len(set(found)) != self.count or len(found) != self.count or not set(found) <= set(known):
            raise RefusedCertificate(f"{where}: about other minima than the claim")
        if every and found != known:
            raise RefusedCertificate(f"{where}: about the minima in another order than the claim")


@dataclass(frozen=True)
class AboutSingleWeights(Theorem):
    """Every certificate is about one of the ``minima`` and one masked weight: a ``decreasing-path`` that allows only
    it, or a ``spurious-minimum`` at the same point of the network with this weight.  ``count``: how many
    pairs; none occurs twice."""

    minima: tuple[Body, ...] = ()
    count: int = 0

    def require(self, bodies: Sequence[Body], where: str) -> None:
        """Raises RefusedCertificate unless these accepted certificates state this."""
        if any(body["kind"] != self.kind for body in bodies):
            raise RefusedCertificate(f"{where}: the claim needs another theorem")
        pairs = single_weights(bodies, self.minima)
        if not len(pairs) == len(bodies) == self.count:
            raise RefusedCertificate(f"{where}: about other minima, or other weights, than the claim")


def single_weights(bodies: Sequence[Body], minima: Sequence[Body]) -> set[tuple[str, Edge]]:
    """The pairs (key of the minimum, masked weight) that these certificates are about."""
    known = {}
    for minimum in minima:
        network = LinearNetwork.from_masks(minimum["masks"])
        for edge in masked_weights(network):
            larger = masks_json(enlarged(network, [edge]))
            known[key_of(minimum, larger)] = (key_of(minimum), edge)
    pairs = set()
    for body in bodies:
        if body["kind"] == "decreasing-path":
            larger = masks_json(enlarged(LinearNetwork.from_masks(body["masks"]), allowed_weights(body)))
            name = key_of(body, larger) if body["tolerance"] == "0" else ""
        else:
            name = key_of(body)
        if name in known:
            pairs.add(known[name])
    return pairs
