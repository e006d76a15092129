"""How many critical points have which multiplicity, from the quotient ring modulo random primes.

In ``A = F_p[w] / I``, of dimension zero, multiplication with a linear form has the characteristic polynomial
``prod (t - form(x))^mult(x)`` over the points x over the algebraic closure.  If the form takes different values at
different points, as almost every one does, then its squarefree decomposition tells how many points have which
multiplicity.  As with degrees, two primes have to agree, and that is likely, not proved.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from fractions import Fraction

import flint
import numpy as np
from numpy.typing import NDArray

from symverify.landscape.counts import MAX_PRIMES, random_prime
from symverify.landscape.equations import gradient_system, modulo
from symverify.landscape.groebner import Exponents, GaveUp, Reduced, Solver, reduced_basis
from symverify.landscape.instance import Moments
from symverify.network import LinearNetwork

MAX_POINTS = 400
"""Of points with multiplicity: the matrices have this size."""

Integers = NDArray[np.int64]


def multiplicities(
    network: LinearNetwork,
    moments: Moments,
    ridge: Sequence[Fraction | int],
    solver: Solver,
    rng: random.Random,
    deadline: float,
) -> dict[int, int]:
    """Multiplicity -> number of complex critical points with it, on which two random primes agree.

    The gradient system is to have finitely many zeros; ``deadline`` is a time of ``time.monotonic()``.

    Raises:
        GaveUp: no answer in time, more than ``MAX_POINTS``, infinitely many points, or no two primes agree.

    Example:
        >>> from symverify.landscape.groebner import find_solver
        >>> one = ((Fraction(1),),)  # 1/2 (ab - 1)^2 + a^2/2 + b^2/2: the origin, and a = -b = ±sqrt(-2)
        >>> rest = [Fraction(1, 2)] * 2, find_solver(), random.Random(0), time.monotonic() + 60
        >>> sorted(multiplicities(LinearNetwork.dense(1, 1, 1), Moments(one, one), *rest).items())
        [(1, 2), (3, 1)]
    """
    system, n = gradient_system(network, moments, ridge), network.parameters
    if n == 0:
        return {1: 1}
    seen: list[dict[int, int]] = []
    for _ in range(MAX_PRIMES):
        prime = random_prime(rng)
        reduced = modulo(system, prime)
        if reduced is None:
            continue
        left = deadline - time.monotonic()
        if left <= 0:
            raise GaveUp("the time is over")
        found = _structure(reduced_basis(reduced, n, prime, left, solver), n, prime, rng, deadline)
        if found in seen:
            return found
        seen.append(found)
    raise GaveUp(f"no two of {MAX_PRIMES} primes agree on multiplicities")


def _structure(
    basis: list[tuple[Exponents, Reduced]], n: int, prime: int, rng: random.Random, deadline: float
) -> dict[int, int]:
    standard = standard_monomials([m for m, _ in basis], n)
    form = [rng.randrange(1, prime) for _ in range(n)]
    total = np.zeros((len(standard), len(standard)), dtype=np.int64)
    for a, matrix in zip(form, multiplication(basis, standard, n, prime, deadline), strict=True):
        total = (total + a * matrix) % prime
    polynomial = flint.nmod_mat(len(standard), len(standard), [int(x) for x in total.ravel()], prime).charpoly()
    counts: dict[int, int] = {}
    factors = flint.nmod_poly([int(c) for c in polynomial.coeffs()], prime).factor_squarefree()[1]
    for factor, power in factors:
        counts[power] = counts.get(power, 0) + factor.degree()
    return counts


def _order(monomial: Exponents) -> tuple[int, tuple[int, ...]]:
    """Degree reverse lexicographic, ascending."""
    return sum(monomial), tuple(-e for e in reversed(monomial))


def standard_monomials(leading: Sequence[Exponents], n: int) -> list[Exponents]:
    """Those that no leading monomial divides, ascending.

    Raises:
        GaveUp: more than ``MAX_POINTS``, or infinitely many.

    Example:
        >>> standard_monomials([(1, 1), (2, 0), (0, 3)], 2)
        [(0, 0), (0, 1), (1, 0), (0, 2)]
    """
    found: set[Exponents] = set()
    new = {(0,) * n}
    while new:
        new = {m for m in new if not any(all(a <= b for a, b in zip(g, m, strict=True)) for g in leading)}
        found |= new
        if len(found) > MAX_POINTS:
            raise GaveUp(f"multiplicities: more than {MAX_POINTS} points")
        new = {_times(m, k) for m in new for k in range(n)}
    return sorted(found, key=_order)


def multiplication(
    basis: list[tuple[Exponents, Reduced]], standard: list[Exponents], n: int, prime: int, deadline: float
) -> list[Integers]:
    """For each variable the matrix of the multiplication with it: row b holds the normal form of ``x_k b``.

    A product that is no standard monomial is a leading one, and its normal form stands in the basis; or it is ``x_j``
    times another such product, which is smaller, so that its normal form is known, and times ``x_j`` as well.
    """
    place, tails = {m: k for k, m in enumerate(standard)}, dict(basis)
    matrices = [np.zeros((len(standard), len(standard)), dtype=np.int64) for _ in range(n)]
    products = sorted(((_times(b, k), k, row) for row, b in enumerate(standard) for k in range(n)), key=_first)
    for m, k, row in products:
        if time.monotonic() > deadline:
            raise GaveUp("the time is over")
        target = matrices[k][row]
        if m in place:
            target[place[m]] = 1
        elif m in tails:
            for e, c in tails[m].items():
                target[place[e]] = -c % prime
        else:
            j, smaller = next(
                (j, place[b])
                for j in range(n)
                if j != k and (b := _times(standard[row], j, -1)) in place and _times(b, k) not in place
            )
            known = matrices[k][smaller]
            target[:] = (known[:, None] * matrices[j] % prime).sum(axis=0) % prime
    return matrices


def _first(product: tuple[Exponents, int, int]) -> tuple[int, tuple[int, ...]]:
    return _order(product[0])


def _times(monomial: Exponents, k: int, power: int = 1) -> Exponents:
    return (*monomial[:k], monomial[k] + power, *monomial[k + 1 :])
