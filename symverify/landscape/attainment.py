"""When a least critical value is the infimum: the infimum has to be attained (lemma ``closed``, docs/landscape.md)."""

from __future__ import annotations

from symverify.certificate import Attained
from symverify.data import Data
from symverify.decide import has_two_units
from symverify.exact import rank
from symverify.network import LinearNetwork
from symverify.two_units import attainment


def attained_because(network: LinearNetwork, data: Data) -> str:
    """Why ``inf L`` is attained, or the empty string where that is not known.

    Dense networks (their M are the matrices of at most some rank, also after multiplication by X); positive definite G
    and a first layer with disjoint supports, or a last layer with disjoint columns, all others dense (lemma
    ``closed``); positive definite G and two hidden units for which ``structure_checker.py`` accepts ``attained``.

    Example:
        >>> attained_because(LinearNetwork.dense(2, 1, 2), Data.whitened([[1, 0], [0, 1]]))
        'dense network'
        >>> attained_because(LinearNetwork.from_units(([1, 2], [1, 2]), ([2], [2])), Data.whitened([[1, 0], [0, 1]]))
        ''
    """
    if all(_dense(mask) for mask in network.masks):
        return "dense network"
    if rank(data.gram) < network.widths[0]:
        return ""
    for seen in (network, network.transposed()):
        first, *others = seen.masks
        if all(sum(column) <= 1 for column in zip(*first, strict=True)) and all(_dense(mask) for mask in others):
            return "one outer layer is non-intersecting, the others are dense"
    if has_two_units(network) and isinstance(attainment(network), Attained):
        return "two hidden units, certificate attained"
    return ""


def _dense(mask: tuple[tuple[int, ...], ...]) -> bool:
    return all(all(row) for row in mask)
