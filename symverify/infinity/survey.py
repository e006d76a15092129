"""Small structures, one by one: does the infimum fail to be attained for some data, is there a trap for some data?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from symverify.certificate import Attained, NotAttainedData, Trap
from symverify.decide import has_two_units
from symverify.enumeration import structures
from symverify.network import LinearNetwork
from symverify.witness import accepted

from .curves import not_attained
from .traps import trap


@dataclass(frozen=True)
class Found:
    """What was found for one structure; ``always_attained``: proved for all positive definite G (section 15)."""

    network: LinearNetwork
    unattained: NotAttainedData | None
    trap: Trap | None
    always_attained: bool


def survey(widths: tuple[int, ...], *, seed: int = 0, rounds: int = 2) -> Iterator[Found]:
    """All structures of these widths, without dead units, up to isomorphism.

    >>> [str(f.network) for f in survey((2, 2, 2), rounds=1) if f.unattained and f.trap]
    ['2-2-2 01 11 | 01 11']
    """
    for network in structures(*widths):
        always = has_two_units(network) and accepted(Attained(network)) is not None
        unattained = None if always else not_attained(network, seed=seed, rounds=rounds)
        yield Found(network, unattained, trap(network, seed=seed, rounds=rounds), always)


HEADER = (
    "| widths | structures | infimum not attained for some data: proved | attained for all data: proved | open |"
    " trap for some data: proved | none found |\n|---|---|---|---|---|---|---|"
)


def line(widths: tuple[int, ...], found: Iterable[Found]) -> str:
    """A line of the table.

    >>> line((2, 1, 2), list(survey((2, 1, 2), rounds=1)))
    '| 2-1-2 | 1 | 0 | 0 | 1 | 0 | 1 |'
    """
    rows = list(found)
    unattained = sum(f.unattained is not None for f in rows)
    always = sum(f.always_attained for f in rows)
    traps = sum(f.trap is not None for f in rows)
    numbers = (len(rows), unattained, always, len(rows) - unattained - always, traps, len(rows) - traps)
    return f"| {'-'.join(map(str, widths))} | " + " | ".join(map(str, numbers)) + " |"
