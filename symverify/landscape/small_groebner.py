"""``python -m symverify.landscape.small_groebner``: what msolve does, by sympy and python-flint, for small systems.

Reads ``{"variables": n, "prime": p, "whole": b, "system": [[[exponents, coefficient], ...], ...]}`` from stdin.  With
a prime p it writes the reduced basis (degree reverse lexicographic) in the same way, or only its leading terms; with
``"prime": 0``, where coefficients are strings p/q, all solutions: ``[w, [g_1, ..., g_n]]``, coefficients from the
constant one, w squarefree, the coordinates being ``x_i = g_i(t)`` at the roots t of w; or null where there are
infinitely many.  A process of its own, so that it can be stopped: sympy's algorithm has no limit.
"""

from __future__ import annotations

import json
import random
import sys
from itertools import product
from typing import Any

MAX_SOLUTIONS = 100


def main() -> None:
    """Read, compute, write."""
    task = json.load(sys.stdin)
    if task["prime"]:
        json.dump(reduced_basis(task), sys.stdout)
    else:
        json.dump(solutions(task), sys.stdout)


def _basis(task: dict[str, Any], domain: Any) -> tuple[Any, list[Any]]:
    from sympy.polys.groebnertools import groebner
    from sympy.polys.orderings import grevlex
    from sympy.polys.rings import ring

    r, *_ = ring([f"x{n}" for n in range(task["variables"])], domain, grevlex)
    system = [r.from_dict({tuple(e): domain.convert(_number(c)) for e, c in f}) for f in task["system"]]
    return r, groebner([f for f in system if f], r)


def _number(c: Any) -> Any:
    from sympy import Rational

    return Rational(c) if isinstance(c, str) else c


def reduced_basis(task: dict[str, Any]) -> list[list[tuple[list[int], int]]]:
    """The reduced Groebner basis modulo the prime; of each element only the leading term unless ``whole``."""
    from sympy.polys.domains import GF

    _, basis = _basis(task, GF(task["prime"], symmetric=False))
    terms = ([(list(map(int, e)), int(c)) for e, c in g.terms()] for g in basis)
    return [t if task["whole"] else t[:1] for t in terms]


def solutions(task: dict[str, Any]) -> Any:
    """All solutions over Q, by traces in the quotient ring (rational univariate representation, Rouillier 1999).

    With M the multiplication by a linear form l that separates the solutions, w the squarefree part of its
    characteristic polynomial and ``G_v = sum_i tr(M_v M^i) H_{d-1-i}`` (H the Horner polynomials of w), the coordinate
    x_v is ``G_v(t) / G_1(t)`` where l = t.  Whoever reads this verifies it by substitution; a form that does not
    separate is noticed there, or here by a smaller degree of w than that of another one.
    """
    import flint
    from sympy.polys.domains import QQ

    r, basis = _basis(task, QQ)
    n = task["variables"]
    monomials = _standard([g.leading_expv() for g in basis], n)
    if monomials is None or not monomials:
        return None if monomials is None else [["1"], [["0"]] * n]
    position = {m: k for k, m in enumerate(monomials)}

    def times(v: int) -> Any:
        table = flint.fmpq_mat(len(monomials), len(monomials))
        for k, m in enumerate(monomials):
            for e, c in (r.from_dict({m: QQ(1)}) * r.gens[v]).rem(basis).items():
                table[position[e], k] = flint.fmpq(int(c.numerator), int(c.denominator))
        return table

    tables = [times(v) for v in range(n)]
    best: Any = None
    rng = random.Random(0)
    for _ in range(3):
        form = [rng.randint(-50, 50) for _ in range(n)]
        m = flint.fmpq_mat(len(monomials), len(monomials))
        for c, table in zip(form, tables, strict=True):
            m += table * flint.fmpq(c)
        w = _squarefree(m.charpoly())
        if best is None or w.degree() > best[0].degree():
            best = (w, m)
    w, m = best
    return _by_traces(w, m, tables)


def _squarefree(f: Any) -> Any:
    g = f / f.gcd(f.derivative())
    return g / g.leading_coefficient()


def _by_traces(w: Any, m: Any, tables: list[Any]) -> Any:
    import flint

    d, size = int(w.degree()), m.nrows()
    one = flint.fmpq_mat(size, size, [int(i == j) for i in range(size) for j in range(size)])
    powers = [one]
    for _ in range(d - 1):
        powers.append(powers[-1] * m)
    horner = [flint.fmpq_poly([w[k] for k in range(i + 1, d + 1)]) for i in range(d)]  # of degree d - 1 - i

    def numerator(table: Any) -> Any:
        total = flint.fmpq_poly([0])
        for i, power in enumerate(powers):
            product_ = table * power
            total += horner[i] * sum((product_[k, k] for k in range(size)), flint.fmpq(0))
        return total % w

    inverse = numerator(one).xgcd(w)[1] % w
    coordinates = [(numerator(table) * inverse) % w for table in tables]
    return [[str(c) for c in w.coeffs()], [[str(c) for c in g.coeffs()] for g in coordinates]]


def _standard(leading: list[tuple[int, ...]], n: int) -> list[tuple[int, ...]] | None:
    """The monomials that no leading one divides; None if they are infinitely many."""
    if any(not any(m) for m in leading):
        return []
    bounds = []
    for v in range(n):
        pure = [m[v] for m in leading if all(e == 0 for k, e in enumerate(m) if k != v)]
        if not pure:
            return None
        bounds.append(min(pure))
    found = [
        m
        for m in product(*(range(b) for b in bounds))
        if not any(all(a <= b for a, b in zip(low, m, strict=True)) for low in leading)
    ]
    if len(found) > MAX_SOLUTIONS:
        sys.exit(f"more than {MAX_SOLUTIONS} solutions")
    return found


if __name__ == "__main__":
    main()
