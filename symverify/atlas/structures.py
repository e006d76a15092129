"""Structures by name and by size: reading what a user writes, and the jobs of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations, product
from math import factorial, prod

from symverify.data import DataClass
from symverify.enumeration import MAX_BITS, structures
from symverify.network import LinearNetwork

from .rows import Job

FEW = 50_000
"""Relabellings up to which the first one is found by trying them all."""
UNIT = re.compile(r"\{([1-9]+)\}x\{([1-9]+)\}")


def parse_structure(text: str) -> LinearNetwork:
    """The network that ``text`` names: masks as bits, ``110 101 | 11 10 01`` (with the widths in front or not), or
    hidden units as inputs x outputs, ``{12}x{12}, {13}x{13}``.

    Raises:
        ValueError: neither; masks that do not chain.

    Example:
        >>> parse_structure("{12}x{12}, {13}x{13}") == parse_structure("3-2-3 110 101 | 11 10 01")
        True
    """
    text = text.strip()
    if text.startswith("{"):
        return _parse_units(text)
    head, _, rest = text.partition(" ")
    layers = [layer.split() for layer in (rest if "-" in head else text).split("|")]
    if not all(layers) or not all(set(row) <= {"0", "1"} for layer in layers for row in layer):
        raise ValueError(
            f"structure {text[:60]!r}: write masks as '110 101 | 11 10 01' or units as '{{12}}x{{12}}, {{13}}x{{13}}'"
        )
    network = LinearNetwork.from_masks([[[int(x) for x in row] for row in layer] for layer in layers])
    if "-" in head and head != "-".join(map(str, network.widths)):
        raise ValueError(f"structure {text[:60]!r}: the masks do not have the widths {head}")
    return network


def _parse_units(text: str) -> LinearNetwork:
    parts = re.split(r"[,;\s]+", re.sub(r"\s*[x×]\s*", "x", text))
    found = [UNIT.fullmatch(part) for part in parts]
    if not all(found):
        bad = next(part for part, match in zip(parts, found, strict=True) if not match)
        raise ValueError(f"structure {text[:60]!r}: {bad[:30]!r} is no unit such as '{{12}}x{{13}}'")
    return LinearNetwork.from_units(*((_members(match[1]), _members(match[2])) for match in found if match))


def _members(digits: str) -> list[int]:
    return [int(x) for x in digits]


def representative(network: LinearNetwork) -> LinearNetwork:
    """The network of this isomorphism class that :func:`symverify.enumeration.structures` yields: the first in the
    order of the masks; for large networks, of which the enumeration has none, the canonical form.

    >>> str(representative(parse_structure("11 10 | 10 11")))
    '2-2-2 01 11 | 01 11'
    """
    if prod(map(factorial, network.widths)) > FEW:
        return network.canonical_form()
    orders = product(*(permutations(range(width)) for width in network.widths))
    return min((network.permuted(order) for order in orders), key=lambda relabelled: relabelled.masks)


def sizes(maximum: Sequence[int]) -> list[tuple[int, ...]]:
    """All widths up to ``maximum``, the smaller sums first.

    >>> sizes((2, 1, 2))
    [(1, 1, 1), (1, 1, 2), (2, 1, 1), (2, 1, 2)]
    """
    return sorted(product(*(range(1, width + 1) for width in maximum)), key=lambda widths: (sum(widths), widths))


def jobs(maximum: Sequence[int], classes: Sequence[DataClass]) -> Iterator[Job]:
    """Every structure up to these widths with every class, small ones first, in a fixed order."""
    for widths in sizes(maximum):
        for network in structures(*widths):
            for data_class in classes:
                yield Job(network, data_class)


def check_size(maximum: Sequence[int]) -> None:
    """ValueError if these are no widths, or the enumeration cannot reach them."""
    if len(maximum) < 2:
        raise ValueError(f"{len(maximum)} width: at least two are needed")
    weights = sum(below * above for below, above in pairwise(maximum))
    if weights > MAX_BITS:
        raise ValueError(f"{weights} possible weights: all structures with more than {MAX_BITS} are too many")


def same_structure(one: LinearNetwork, other: LinearNetwork) -> bool:
    """Isomorphic, compared by cheap invariants first."""
    return one.widths == other.widths and one.parameters == other.parameters and one.is_isomorphic(other)
