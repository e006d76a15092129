"""Dense linear networks: every local minimum is global.

Statement.   In a dense linear network of any depth, for the squared loss and any data, every local minimum is global.
Hypotheses.  All masks full.
Source.      Baldi, Hornik 1989; Kawaguchi 2016; Lu, Kawaguchi 2017 (the base that the paper compares sparse networks
             with).
Method.      Lemmas *wide-block* and *contract* prove it where no hidden layer is a bottleneck; elsewhere it is the
             theorem of the literature, and shown as assumed. docs/mathematics.md has a proof from Eckart-Young
             besides.
"""

import sys
from itertools import product

from symverify.claims import PAPER, Bench, Claim, Report, main
from symverify.data import DataClass
from symverify.network import LinearNetwork

CLAIM = Claim(
    "dense_networks",
    "Dense linear networks",
    "In a dense linear network of any depth every local minimum of the squared loss is global.",
    ("all masks full; any data",),
    f"Baldi-Hornik 1989, Kawaguchi 2016, Lu-Kawaguchi 2017; the base case of {PAPER}",
    "rules wide-block and contract where there is no bottleneck; the theorems of the literature elsewhere",
)
TWO = list(product((1, 2, 3), repeat=3))
DEEP = [*product((1, 2), repeat=4), *product((1, 2), repeat=5)]


def settle(bench: Bench) -> Report:
    """Confirm the claim: proved without a bottleneck, assumed with one."""
    networks = [LinearNetwork.dense(*widths) for widths in TWO + DEEP]
    proofs = [bench.trace(network, DataClass.ANY) for network in networks]
    for name, assumed in (("proved", False), ("assumed", True)):
        part = [proof.network for proof in proofs if bool(proof.assumes) == assumed]
        label = "a bottleneck" if assumed else "no bottleneck, or proved by a rule"
        bench.benign(name, part, DataClass.ANY, f"dense, {label}", f"{len(part)} widths", assumes=assumed)
    without = sum(not proof.assumes for proof in proofs)
    searched, tried = bench.search(
        [LinearNetwork.dense(3, 1, 3), LinearNetwork.dense(2, 1, 2, 2)], DataClass.ANY, rounds=4
    )
    return bench.report(
        "confirmed",
        f"Proved by the checker for {without} of the {len(networks)} widths tried; the others, with a bottleneck, rest"
        " on the theorems of the literature named.",
        proved=(
            f"{without} of {len(networks)} widths (two layers up to 3-3-3; three and four layers up to width 2), for"
            " every convex differentiable loss",
        ),
        observed=(
            f"a search in {searched} dense networks with a bottleneck: {tried} candidates, none a local minimum",
        ),
    )


if __name__ == "__main__":
    sys.exit(main(CLAIM.name))
