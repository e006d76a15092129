"""``python -m symverify.landscape.small_groebner``: a leading ideal modulo a prime by sympy, for small systems.

Reads ``{"variables": n, "prime": p, "whole": b, "system": [[[exponents, coefficient], ...], ...]}`` from stdin and
writes the reduced basis in the same way, or only its leading monomials.  A process of its own, so that it can be
stopped: sympy's algorithm has no limit.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Read, compute, write."""
    from sympy.polys.domains import GF
    from sympy.polys.groebnertools import groebner
    from sympy.polys.orderings import grevlex
    from sympy.polys.rings import ring

    task = json.load(sys.stdin)
    r, *_ = ring([f"x{n}" for n in range(task["variables"])], GF(task["prime"], symmetric=False), grevlex)
    system = [r.from_dict({tuple(e): r.domain(c) for e, c in f}) for f in task["system"]]
    basis = groebner([f for f in system if f], r)
    terms = ([(list(map(int, e)), int(c)) for e, c in g.terms()] for g in basis)
    json.dump([t if task["whole"] else t[:1] for t in terms], sys.stdout)


if __name__ == "__main__":
    main()
