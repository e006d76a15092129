"""The landscape of one regularised instance: counts, real points, kinds, and what is missing (symverify-landscape/1).

What is proved by ball arithmetic: that each point listed exists, is simple in its stratum, is real or not, differs
from the others, has that inertia and that loss; hence every local minimum, every saddle, and every *spurious* (a better
point is listed).  What rests on degrees modulo two random primes: that nothing is missing, hence *global minimum* and
``complete``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

from symverify.data import Data
from symverify.exact import Vector
from symverify.landscape.counts import Stratum, count_strata, generic_orbits
from symverify.landscape.enclose import Enclosure, RealPoint, distinct_orbits, enclose, nonsingular, origin, real_point
from symverify.landscape.groebner import INTERRUPTED, GaveUp, Solver, find_solver
from symverify.landscape.instance import Instance, Units
from symverify.landscape.monodromy import Seeker
from symverify.landscape.multiplicity import multiplicities
from symverify.landscape.track import scaled
from symverify.network import LinearNetwork

FORMAT = "symverify-landscape/1"
TOLERANCES = (1e-3, 1e-5, 1e-7)
"""Of the tracking, one attempt each: a path that jumped at a loose tolerance leaves a point missing."""


class Kind(StrEnum):
    """What a real critical point is.  Minima are strict, as the Hessian is positive definite; *global* says less."""

    GLOBAL = "global minimum"
    SPURIOUS = "spurious local minimum (strict)"
    LOWEST = "local minimum (strict), the lowest found"
    TIED = "local minimum (strict), not separated from the lowest"
    SADDLE = "strict saddle"
    OPEN = "undecided: Hessian singular or too near to it, perhaps not isolated"


@dataclass(frozen=True, slots=True)
class Counted:
    """One stratum: what was counted (``stratum``) and what was certified, in sign orbits of ``2^|live|`` points.

    ``distinct``: the number of orbits without multiplicity, where that was needed.  ``singular``: of the certified
    ones, how many are not proved simple in the whole network.
    """

    stratum: Stratum
    certified: int
    real: int
    reason: str
    distinct: int | None = None
    singular: int = 0

    @property
    def complete(self) -> bool:
        """As many orbits certified as counted."""
        return self.certified == (self.stratum.orbits if self.distinct is None else self.distinct)


@dataclass(frozen=True, slots=True)
class Point:
    """A real critical point (one per sign orbit) with its kind."""

    found: RealPoint
    kind: Kind

    @property
    def weights(self) -> tuple[tuple[Fraction, Fraction], ...]:
        """Over ``network.edges``, as ``(low, high)``."""
        return self.found.weights

    @property
    def loss(self) -> tuple[Fraction, Fraction]:
        """``(low, high)``."""
        return self.found.loss

    @property
    def inertia(self) -> tuple[int, int, int] | None:
        """Of the Hessian, ``(n+, n0, n-)``; None: open."""
        return self.found.inertia

    @property
    def orbit(self) -> int:
        """How many points its sign orbit has."""
        return self.found.orbit

    @property
    def certificate(self) -> None:
        """None is made on the way."""
        return None


@dataclass(frozen=True)
class Landscape:
    """All that is known of one instance's critical points.

    ``complete``: in every stratum as many distinct simple points were certified as the degrees allow, and the indices
    of the real ones add up (``euler``).  ``points`` are the real ones, lowest loss first; those whose Hessian is not
    proved nonsingular are critical, but may lie on a family of critical points, and are not counted.  ``solver`` names
    the program behind the degrees.  ``multiplicities``: how many complex points have which multiplicity in the whole
    system, where some are multiple and this is known.
    """

    instance: Instance
    strata: tuple[Counted, ...]
    points: tuple[Point, ...]
    solver: str
    seconds: float
    multiplicities: dict[int, int] | None = None

    @property
    def network(self) -> LinearNetwork:
        """Of the instance."""
        return self.instance.network

    @property
    def data(self) -> Data:
        """Of the instance."""
        return self.instance.data

    @property
    def ridge(self) -> Vector:
        """The ``lambda_e`` over ``network.edges``."""
        return self.instance.ridge

    @property
    def complete(self) -> bool:
        """No stratum lacks a point; rests on the degrees modulo primes."""
        return all(s.complete for s in self.strata) and (self.multiplicities is not None or self.euler == 1)

    @property
    def multiple(self) -> int | None:
        """The multiplicity of every point whose Hessian is not proved nonsingular, where only one is possible."""
        if not self.complete or self.multiplicities is None:
            return None
        above = [m for m in self.multiplicities if m > 1]
        open_points = sum(2 ** len(s.stratum.live) * s.singular for s in self.strata)
        return above[0] if len(above) == 1 and self.multiplicities[above[0]] == open_points else None

    @property
    def interrupted(self) -> bool:
        """Ctrl-C came before the end."""
        return any(s.reason == INTERRUPTED for s in self.strata)

    @property
    def euler(self) -> int | None:
        """``sum (-1)^(n-)`` over the real critical points; None if some inertia is open.

        The loss tends to infinity, so that this is 1 if they are all there and none is singular (Morse): a check
        that owes nothing to primes.
        """
        return _euler([p.found for p in self.points])

    @property
    def complex(self) -> int | None:
        """The number of complex critical points with multiplicity; None: infinite or unknown."""
        size = self.strata[-1].stratum.size  # all units that can be live: the other weights are zero, and simple so
        return None if size is None else size.degree

    @property
    def real(self) -> int:
        """The number of real critical points proved isolated (nonsingular Hessian), whole orbits counted."""
        return sum(p.found.orbit for p in self.points if p.found.isolated)

    @property
    def values(self) -> int:
        """The number of groups of critical values of real points whose intervals are separated from each other."""
        groups, high = 0, None
        for low, top in sorted(p.found.loss for p in self.points):
            groups += high is None or low > high
            high = top if high is None else max(high, top)
        return groups

    @property
    def reason(self) -> str:
        """On what ``complete`` rests, or what is missing."""
        if not self.complete:
            missing = [f"{_units(s.stratum.live)}: {s.reason}" for s in self.strata if not s.complete]
            found = "the inertia of a real point is open" if self.euler is None else f"their sum is {self.euler}"
            return "; ".join(missing) or f"the indices of the real points do not add up to 1: {found}"
        primes = sorted({p for s in self.strata if s.stratum.size for p in s.stratum.size.primes})
        if self.multiplicities is not None:
            said = ", ".join(f"{n} of multiplicity {m}" for m, n in sorted(self.multiplicities.items()))
            return (
                f"certified distinct points = distinct points counted in every stratum; complex points: {said}; these "
                f"numbers rest on the quotient rings modulo random primes ({self.solver}), all else on ball arithmetic"
            )
        return (
            "certified distinct simple points = degree in every stratum; that there are no more rests on the degrees "
            f"of the gradient systems modulo random primes ({len(primes)} used, two per stratum; {self.solver}), "
            "all else on ball arithmetic"
        )

    def to_json(self, certificates: Sequence[str | None] | None = None) -> dict[str, Any]:
        """The object of ``symverify landscape --json``; intervals are pairs of rationals, units count from 1.

        ``certificates``: a path per point, in the order of ``points``, or None where there is no certificate.
        """
        return {
            "format": FORMAT,
            "complex": self.complex,
            "real": self.real,
            "values": self.values,
            "strata": [_stratum_json(s) for s in self.strata],
            "points": [
                _point_json(p, self.multiple) | ({} if certificates is None else {"certificate": certificates[n]})
                for n, p in enumerate(self.points)
            ],
            "complete": self.complete,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
        }

    def text(self) -> str:
        """For reading: the counts, the real points with their kinds, and on what it rests."""
        total = "unknown or infinite" if self.complex is None else str(self.complex)
        lines = [
            f"complex critical points: {total}; real and isolated: {self.real}; with distinct losses: {self.values}"
        ]
        lines.append(f"complete: {'yes' if self.complete else 'no'}; {self.reason}")
        rows = [
            (
                f"{float(p.found.loss[0]):.10g}",
                p.found.orbit,
                "open" if p.found.inertia is None else str(p.found.inertia),
                " ".join(f"{l}.{v + 1}" for l, v in sorted(p.found.live)) or "none",
                str(p.kind),
            )
            for p in self.points
        ]
        from tabulate import tabulate  # not needed for JSON

        table = tabulate(rows, ["loss", "points", "inertia (+,0,-)", "live units", "kind"], disable_numparse=True)
        return "\n".join([*lines, "", table])


def survey(
    instance: Instance,
    *,
    seed: int = 0,
    budget: float = 300.0,
    solver: Solver | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Landscape:
    """Count, find, prove and classify the critical points of a regularised instance.

    Args:
        instance: the loss, with ``lambda_e > 0``.
        seed: of primes, start points and loops; it can change what is missing, never what is proved.
        budget: seconds after which the search ends; the answer then says what is missing.  Ctrl-C does the same.
        solver: for the degrees; by default msolve where found, else sympy.

    Example:
        >>> from symverify.data import Data
        >>> from symverify.network import LinearNetwork
        >>> instance = Instance.make(LinearNetwork.dense(1, 1, 1), Data.whitened([[3]]), [[["1/2"]], [["1/2"]]])
        >>> found = survey(instance)
        >>> found.complex, found.real, found.complete
        (5, 3, True)
        >>> [(str(p.kind), p.found.orbit, round(float(p.found.loss[0]), 6)) for p in found.points]
        [('global minimum', 2, 2.5), ('strict saddle', 1, 4.5)]
    """
    began = time.monotonic()
    deadline, rng = began + budget, random.Random(seed)
    solver = solver or find_solver()
    progress("counting")
    strata: dict[Units, Stratum] = {}
    try:
        count_strata(instance, solver, rng, deadline, strata)
    except KeyboardInterrupt:
        deadline = began
        strata |= {q: Stratum(q, None, None, INTERRUPTED) for q in instance.strata if q not in strata}
    found: list[RealPoint] = []
    rows: dict[Units, Counted] = {}
    points: dict[Units, list[Enclosure]] = {}
    whole: dict[int, int] | None = None
    for n, (live, stratum) in enumerate(strata.items()):
        progress(f"stratum {n + 1} of {len(strata)}")
        try:
            row, enclosures, structure = _stratum(instance, stratum, rows, solver, rng, deadline)
        except KeyboardInterrupt:
            deadline = began
            row, enclosures, structure = Counted(stratum, int(not live), int(not live), INTERRUPTED), [], None
        whole = structure  # in the end that of the last stratum, which is the whole system
        found += [real_point(instance, live, e) for e in enclosures if e.real] if live else [origin(instance)]
        rows[live], points[live] = row, enclosures
    multiple = whole if whole is not None and max(whole) > 1 else None
    if multiple is not None:
        rows = {q: replace(row, singular=_singular(instance, q, points[q])) for q, row in rows.items()}
    listed = tuple(rows.values())
    complete = all(row.complete for row in listed) and (multiple is not None or _euler(found) == 1)
    seconds = time.monotonic() - began
    return Landscape(instance, listed, classified(found, complete), solver.name, seconds, multiple)


def _singular(instance: Instance, live: Units, points: Sequence[Enclosure]) -> int:
    """How many of a stratum's certified orbits are not proved simple in the whole network."""
    if not live:
        return int(not origin(instance).isolated)
    return sum(not nonsingular(instance, live, e) for e in points)


def _stratum(
    instance: Instance,
    stratum: Stratum,
    smaller: dict[Units, Counted],
    solver: Solver,
    rng: random.Random,
    deadline: float,
) -> tuple[Counted, list[Enclosure], dict[int, int] | None]:
    """What was found of a stratum, its points, and, where some may be multiple, the multiplicities in N_q."""
    if not stratum.live:  # w = 0 is critical and simple among the points without a live unit: the only one
        return Counted(stratum, 1, 1, stratum.reason), [], None
    enclosures, reason = _search(instance, stratum, stratum.orbits, solver, rng, deadline)
    distinct, structure = None, None
    fits = all(row.distinct is None for u, row in smaller.items() if u < stratum.live)
    counted = stratum.size is not None and stratum.size.degree is not None
    if counted and not (fits and len(enclosures) == stratum.orbits) and time.monotonic() < deadline:
        try:
            distinct, structure = distinct_count(instance, stratum.live, smaller, solver, rng, deadline)
        except GaveUp as error:
            reason = f"{reason}; {error}"
    if distinct is not None and structure is not None:
        if stratum.orbits is None or len(enclosures) < distinct < stratum.orbits:
            enclosures, reason = _search(instance, stratum, distinct, solver, rng, deadline, enclosures)
        several = ", ".join(f"{n} of multiplicity {m}" for m, n in sorted(structure.items()) if m > 1)
        missing = f"{distinct - len(enclosures)} of {distinct} distinct orbits not certified"
        reason = (
            "" if len(enclosures) == distinct else f"{missing}; among the points of its network are {several or 'none'}"
        )
    real = sum(e.real for e in enclosures)
    return Counted(stratum, len(enclosures), real, reason, distinct), enclosures, structure


def distinct_count(
    instance: Instance,
    live: Units,
    smaller: dict[Units, Counted],
    solver: Solver,
    rng: random.Random,
    deadline: float,
) -> tuple[int, dict[int, int]]:
    """The number of orbits of a stratum without multiplicity, and the multiplicities in ``N_q``.

    Raises:
        GaveUp: a smaller stratum is not complete, or no multiplicities.
    """
    if not all(row.complete for u, row in smaller.items() if u < live):
        raise GaveUp("a smaller stratum is not complete")
    ridge = [instance.ridge[n] for n in instance.edges_of(live)]
    structure = multiplicities(instance.subnetwork(live), instance.moments, ridge, solver, rng, deadline)
    rest = sum(structure.values()) - sum(2 ** len(u) * row.certified for u, row in smaller.items() if u < live)
    if rest < 0 or rest % 2 ** len(live):
        raise GaveUp("the numbers of distinct points do not fit: a prime was bad; try another seed")
    return rest // 2 ** len(live), structure


def _search(
    instance: Instance,
    stratum: Stratum,
    wanted: int | None,
    solver: Solver,
    rng: random.Random,
    deadline: float,
    known: Sequence[Enclosure] = (),
) -> tuple[list[Enclosure], str]:
    """Distinct certified orbits of a stratum, ``known`` ones first, and what is missing."""
    if wanted is None:
        return [], stratum.reason if stratum.reason == INTERRUPTED else f"{stratum.reason}; not searched"
    found = list(known)
    target = wanted
    for attempt, tolerance in enumerate(TOLERANCES):
        if len(found) >= wanted or time.monotonic() >= deadline:
            break
        if attempt == 1:
            try:
                target = max(wanted, generic_orbits(instance, stratum.live, solver, rng, deadline))
            except GaveUp:  # then the search goes on with the number that it has
                target = wanted
        seeker = Seeker(scaled(instance, stratum.live), rng.randrange(2**32))
        seeker.extend(target, deadline)
        ends = seeker.at_true_parameters(tolerance, deadline)
        proofs = (enclose(instance, stratum.live, x) for x in ends if time.monotonic() < deadline)
        found = distinct_orbits([*found, *(e for e in proofs if e is not None)])
    if len(found) == wanted:
        return found, ""
    if len(found) > wanted:
        return found, f"{len(found)} orbits certified, but {wanted} counted: a prime was bad; try another seed"
    late = " (the time is over)" if time.monotonic() >= deadline else ""
    return found, f"{wanted - len(found)} of {wanted} orbits, counted with multiplicity, not certified{late}"


def _euler(points: Sequence[RealPoint]) -> int | None:
    total = 0
    for p in points:
        if p.inertia is None or not p.isolated:
            return None
        total += p.orbit if p.inertia[2] % 2 == 0 else -p.orbit
    return total


def classified(found: Sequence[RealPoint], complete: bool) -> tuple[Point, ...]:
    """Kinds; a minimum is spurious if some real point is certainly lower."""
    ordered = sorted(found, key=lambda p: p.loss)
    least = min(p.loss[1] for p in ordered)
    lowest = [p for p in ordered if p.loss[0] <= least]  # one of these is the lowest of all that were found
    return tuple(Point(p, _kind(p, least, len(lowest) == 1 and complete, len(lowest))) for p in ordered)


def _kind(point: RealPoint, least: Fraction, only: bool, lowest: int) -> Kind:
    if point.inertia is not None and point.inertia[2]:
        return Kind.SADDLE  # never a maximum: the second derivative in any one weight is at least 2 lambda_e
    if only and point.loss[0] <= least:
        return Kind.GLOBAL  # the loss attains its least value, at a critical point, and all are listed
    if not point.isolated:
        return Kind.OPEN
    if point.loss[0] > least:
        return Kind.SPURIOUS
    return Kind.TIED if lowest > 1 else Kind.LOWEST


def _units(live: Units) -> str:
    return "live units {" + ", ".join(f"{l}.{v + 1}" for l, v in sorted(live)) + "}"


def _stratum_json(row: Counted) -> dict[str, Any]:
    size = row.stratum.size
    return {
        "live": [[l, v + 1] for l, v in sorted(row.stratum.live)],
        "dimension": None if size is None else size.dimension,
        "degree": None if size is None else size.degree,
        "primes": [] if size is None else list(size.primes),
        "orbit": 2 ** len(row.stratum.live),
        "orbits": row.stratum.orbits,
        "distinct": row.distinct,
        "certified": row.certified,
        "real": row.real,
        "complete": row.complete,
        "reason": row.reason,
    }


def _point_json(point: Point, multiple: int | None) -> dict[str, Any]:
    found = point.found
    return {
        "loss": [str(x) for x in found.loss],
        "kind": str(point.kind),
        "weights": [[str(x) for x in pair] for pair in found.weights],
        "live": [[l, v + 1] for l, v in sorted(found.live)],
        "inertia": None if found.inertia is None else list(found.inertia),
        "gauge": 0,
        "orbit": found.orbit,
        "multiplicity": 1 if found.isolated else multiple,
        "ranks": found.ranks,
    }
