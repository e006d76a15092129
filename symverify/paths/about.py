"""What a bundle of certificates of section 17 has to state for a claim about known spurious minima to rest on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symverify.certificate import masks_json
from symverify.claims import RefusedCertificate, Theorem, data_of
from symverify.network import Edge, LinearNetwork

from .repair import enlarged, masked_weights

Body = dict[str, Any]


def key_of(body: Body, masks: Any = None) -> str:
    """Masks, data and point of a certificate, as one text."""
    return json.dumps([masks or body["masks"], body["data"], body["point"]], sort_keys=True)


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
    """Every certificate of the bundle is of this ``kind`` and starts at one of the ``minima``, each at most once; with
    ``all_of_them`` they are exactly these, in this order.

    ``decreasing-path``: with all masked weights allowed.
    """

    minima: tuple[Body, ...] = ()
    all_of_them: bool = True

    def require(self, bodies: Sequence[Body], where: str) -> None:
        """Raises RefusedCertificate unless these accepted certificates state this."""
        for body in bodies:
            if body["kind"] != self.kind or data_of(body) != self.data:
                raise RefusedCertificate(
                    f"{where}: {body['kind']}, {data_of(body)} data; the claim needs another theorem"
                )
            if body["kind"] == "decreasing-path":
                network = LinearNetwork.from_masks(body["masks"])
                if allowed_weights(body) != frozenset(masked_weights(network)) or body["tolerance"] != "0":
                    raise RefusedCertificate(f"{where}: a path that allows other weights than the claim")
        found, known = [key_of(body) for body in bodies], [key_of(body) for body in self.minima]
        if (found != known) if self.all_of_them else (len(set(found)) != len(found) or not set(found) <= set(known)):
            raise RefusedCertificate(f"{where}: about other minima than the claim")


@dataclass(frozen=True)
class AboutSingleWeights(Theorem):
    """Every certificate is about one of the ``minima`` and one masked weight: a ``decreasing-path`` that allows only
    it, or a ``spurious-minimum`` at the same point of the network with this weight.  No pair occurs twice."""

    minima: tuple[Body, ...] = ()

    def require(self, bodies: Sequence[Body], where: str) -> None:
        """Raises RefusedCertificate unless these accepted certificates state this."""
        if any(body["kind"] != self.kind or data_of(body) != self.data for body in bodies):
            raise RefusedCertificate(f"{where}: the claim needs another theorem")
        pairs = single_weights(bodies, self.minima)
        if len(pairs) != len(bodies):
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
