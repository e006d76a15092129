"""A search for degenerate spurious minima: those of parts, lifted; points with dead units; frozen zeros.

A network with a strict spurious minimum often has degenerate ones too, for special data.  The search for witnesses
prefers strict minima; this one asks for the others only.
"""

from __future__ import annotations

from itertools import combinations
from itertools import product as pairs_of

import numpy as np

from symverify.certificate import SpuriousMinimum
from symverify.certify import exact_certificates
from symverify.data import DataClass
from symverify.network import LinearNetwork
from symverify.refute import refute
from symverify.search import designed_candidates
from symverify.witness import accepted, extend

MAX_ENDS = 3
"""Inputs and outputs of the parts that are looked at."""


def degenerate_minimum(
    network: LinearNetwork, data_class: DataClass, *, rounds: int = 6, seed: int = 0, parts: bool = True
) -> SpuriousMinimum | None:
    """A degenerate spurious minimum, with a certificate that the checker accepted.

    Args:
        rounds: of inverse design, by turns with dead units and with frozen zeros.
        parts: whether, in two layers, the minima of induced sub-networks are lifted first.

    Returns:
        None if none was found, which proves nothing.

    Example:
        >>> net = LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2]))
        >>> degenerate_minimum(net, DataClass.ORTHOGONAL).strict
        False
    """
    if parts and network.depth == 2 and (found := _of_a_part(network, data_class, seed)) is not None:
        return found
    rng = np.random.default_rng(seed)
    for n in range(rounds):
        for candidate in designed_candidates(network, data_class, rng, fibre=bool(n % 2), dead=not n % 2):
            for certificate in exact_certificates(candidate):
                if not certificate.strict and accepted(certificate) is not None:
                    return certificate
    return None


def _of_a_part(network: LinearNetwork, data_class: DataClass, seed: int) -> SpuriousMinimum | None:
    seen = set()
    ends = [
        [c for size in range(1, min(width, MAX_ENDS) + 1) for c in combinations(range(width), size)]
        for width in (network.widths[0], network.widths[-1])
    ]
    for inputs, outputs in sorted(pairs_of(*ends), key=lambda s: (len(s[0]) * len(s[1]), s)):
        try:
            part = network.induced(inputs, outputs)
        except ValueError:  # no path joins them
            continue
        form = part.network.canonical_form()
        if form in seen or part.network == network:
            continue
        seen.add(form)
        witness = refute(part.network, data_class, seed=seed)
        whole = None if witness is None else extend(network, part, witness)
        if whole is not None and not whole.strict:
            return whole
    return None
