"""Strata and their numbers of complex critical points, from leading ideals modulo random primes.

The critical points of the sub-network ``N_q`` are the disjoint union, over ``u`` in ``q``, of those whose live units
are exactly ``u``; these fall into sign orbits of exactly ``2^|u|`` points (lemma ``strata``).  Hence, if ``N_q`` has
finitely many, counted with multiplicity,

``D_q = (deg N_q - sum_{u < q} 2^|u| D_u) / 2^|q|``

is the number of orbits of the stratum ``q``.  The degrees are those modulo random 31-bit primes on which two primes
agree.  All but finitely many primes give the degree over Q; that these two are not among them is *not proved*.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import flint

from symverify.landscape.equations import Polynomial, gradient_system, modulo
from symverify.landscape.groebner import GaveUp, Solver, degree, dimension, leading_ideal
from symverify.landscape.instance import Instance, Moments, Units
from symverify.network import LinearNetwork

MAX_PRIMES = 5


@dataclass(frozen=True, slots=True)
class Size:
    """The dimension (-1: no solution) and, in dimension zero, degree of a system, modulo each of ``primes``."""

    dimension: int
    degree: int | None
    primes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stratum:
    """The critical points whose live hidden units are exactly ``live``.

    ``size`` is that of the whole sub-network ``N_q``, None where no answer came (``reason`` says why); ``orbits`` is
    ``D_q``, with multiplicity, None where that does not follow: no answer, or infinitely many points in ``N_q``.
    """

    live: Units
    size: Size | None
    orbits: int | None
    reason: str


def count_strata(
    instance: Instance,
    solver: Solver,
    rng: random.Random,
    deadline: float,
    found: dict[Units, Stratum] | None = None,
) -> dict[Units, Stratum]:
    """All strata with their numbers; ``deadline`` is a time of ``time.monotonic()``.

    They are entered into ``found`` one by one, so that an interruption leaves what was counted.

    Example:
        >>> from symverify.data import Data
        >>> from symverify.landscape.groebner import find_solver
        >>> instance = Instance.make(LinearNetwork.dense(1, 1, 1), Data.whitened([[3]]), [[["1/2"]], [[1]]])
        >>> found = count_strata(instance, find_solver(), random.Random(0), time.monotonic() + 60)
        >>> [stratum.orbits for stratum in found.values()]
        [1, 2]
    """
    found = {} if found is None else found
    for live in instance.strata:
        network = instance.subnetwork(live)
        ridge = [instance.ridge[n] for n in instance.edges_of(live)]
        try:
            size = agreed_size(network, instance.moments, ridge, solver, rng, deadline)
        except GaveUp as error:
            found[live] = Stratum(live, None, None, str(error))
            continue
        found[live] = _stratum(live, size, found)
    return found


def _stratum(live: Units, size: Size, found: dict[Units, Stratum]) -> Stratum:
    if size.degree is None:
        return Stratum(live, size, None, f"infinitely many critical points (dimension {size.dimension})")
    rest = size.degree
    for smaller, stratum in found.items():
        if smaller < live:
            if stratum.orbits is None:
                return Stratum(live, size, None, "a smaller stratum has no count")
            rest -= 2 ** len(smaller) * stratum.orbits
    if rest < 0 or rest % 2 ** len(live):
        return Stratum(
            live, size, None, "the degrees do not fit: some smaller stratum has a multiple point, or a prime was bad"
        )
    return Stratum(live, size, rest // 2 ** len(live), "")


def agreed_size(
    network: LinearNetwork,
    moments: Moments,
    ridge: Sequence[Fraction | int],
    solver: Solver,
    rng: random.Random,
    deadline: float,
) -> Size:
    """Dimension and degree of a gradient system (:func:`measured`), which has the solution w = 0.

    Raises:
        GaveUp: the time is over, the solver failed or denies that solution, or no two of ``MAX_PRIMES`` primes agree.
    """
    system = gradient_system(network, moments, ridge)
    size = measured(lambda: system, network.parameters, solver, rng, deadline)
    if size.dimension < 0:
        raise GaveUp(f"{solver.name} says that there is no critical point, but w = 0 is one")
    return size


def measured(
    draw: Callable[[], Sequence[Polynomial]], variables: int, solver: Solver, rng: random.Random, deadline: float
) -> Size:
    """Dimension and degree of a system on which two random 31-bit primes agree.

    ``draw`` gives the system, with fresh random coefficients where it has any; each prime gets one.

    Raises:
        GaveUp: the time is over, the solver failed, or no two of ``MAX_PRIMES`` primes agree.
    """
    seen: dict[tuple[int, int | None], list[int]] = {}
    for _ in range(MAX_PRIMES):
        prime = random_prime(rng)
        reduced = modulo(draw(), prime)
        if reduced is None or any(prime in primes for primes in seen.values()):
            continue
        size = _size(reduced, variables, prime, deadline, solver)
        seen.setdefault(size, []).append(prime)
        if len(seen[size]) == 2:
            return Size(*size, tuple(seen[size]))
    raise GaveUp(f"no two of {MAX_PRIMES} primes agree on dimension and degree")


def generic_orbits(instance: Instance, live: Units, solver: Solver, rng: random.Random, deadline: float) -> int:
    """``D_q`` for random ``lambda`` and random ``C = A G``, modulo one prime: how many orbits there are to look for.

    This guides the search only; no answer rests on it.

    Raises:
        GaveUp: no answer in time, or infinitely many points modulo the prime.
    """
    prime = random_prime(rng)
    gram, outputs = instance.data.gram, len(instance.data.cross)
    target = [[rng.randrange(1, prime) for _ in gram] for _ in range(outputs)]
    cross = tuple(
        tuple(sum((a * g for a, g in zip(row, column, strict=True)), Fraction(0)) for column in zip(*gram, strict=True))
        for row in target
    )
    ridge = [rng.randrange(1, prime) for _ in instance.ridge]
    counts: dict[Units, int] = {}
    for q in instance.strata:
        if not q <= live:
            continue
        network = instance.subnetwork(q)
        system = gradient_system(network, Moments(gram, cross), [ridge[n] for n in instance.edges_of(q)])
        reduced = modulo(system, prime)
        if reduced is None:
            raise GaveUp("the prime divides a denominator of the data")
        _, whole = _size(reduced, network.parameters, prime, deadline, solver)
        if whole is None:
            raise GaveUp("random parameters give infinitely many points modulo the prime")
        counts[q] = (whole - sum(2 ** len(u) * n for u, n in counts.items() if u < q)) // 2 ** len(q)
    return counts[live]


def random_prime(rng: random.Random) -> int:
    """A random prime between 2^30 and 2^31, the largest that msolve works with."""
    while True:
        candidate = rng.randrange(2**30 + 1, 2**31, 2)
        if flint.fmpz(candidate).is_prime():
            return candidate


def _size(
    reduced: list[dict[tuple[int, ...], int]], variables: int, prime: int, deadline: float, solver: Solver
) -> tuple[int, int | None]:
    left = deadline - time.monotonic()
    if left <= 0:
        raise GaveUp("the time is over")
    leading = leading_ideal(reduced, variables, prime, left, solver)
    d = dimension(leading, variables)
    return d, degree(leading, variables) if d == 0 else None
