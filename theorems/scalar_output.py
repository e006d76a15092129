"""Scalar output: every local minimum is global, for any sparse structure.

Statement.   In a linear network with one output, of any depth and widths and with any masks, every local minimum of
             the squared loss is a global minimum.
Hypotheses.  One output. No condition on the data (X X' may be singular).
Source.      Lin, Sun, Zhang: On the Landscape of Sparse Linear Networks, first statement of the abstract.
Method.      Rule P (lemma *path* of docs/mathematics.md): all hidden nodes of every path reach that output alone, so
             that R[o, j] = 0 at a local minimum for every input j that reaches it. This proves it for every
             structure; besides, a trace is checked for each structure of small size, and random larger structures are
             searched for a counterexample.
"""

import sys
from itertools import pairwise

import numpy as np

from symverify.claims import PAPER, Bench, Claim, Report, main
from symverify.data import DataClass
from symverify.enumeration import structures
from symverify.network import LinearNetwork

CLAIM = Claim(
    "scalar_output",
    "Scalar output, any sparse structure",
    "In a linear network with one output and any masks every local minimum of the squared loss is global.",
    ("one output; any depth, widths and masks; any data",),
    PAPER,
    "rule P for every structure; a checked trace for each of the small ones; a search for counterexamples",
)
TWO = [(a, b, 1) for a in range(1, 5) for b in range(1, 5)]
THREE = [(a, b, c, 1) for a in range(1, 4) for b in range(1, 4) for c in range(1, 4)]


def random_structures(count: int) -> list[LinearNetwork]:
    """Random pruned structures with one output and up to five units a layer."""
    rng = np.random.default_rng(7)
    found: list[LinearNetwork] = []
    while len(found) < count:
        widths = [*rng.integers(2, 6, size=int(rng.integers(2, 4))), 1]
        masks = [(rng.random((above, below)) < 0.6).astype(int) for below, above in pairwise(widths)]
        network = LinearNetwork.from_masks(masks)
        if network.covered:
            found.append(network.pruned().network)
    return found


def settle(bench: Bench) -> Report:
    """Confirm the claim."""
    counts = []
    for name, sizes, label in (("two-layers", TWO, "up to 4-4-1"), ("three-layers", THREE, "up to 3-3-3-1")):
        networks = [network for widths in sizes for network in structures(*widths)]
        bench.benign(
            name, networks, DataClass.ANY, f"every structure {label}", f"all {len(networks)} structures {label}"
        )
        counts.append(len(networks))
    searched, tried = bench.search(random_structures(12), DataClass.ANY, rounds=4)
    return bench.report(
        "confirmed",
        "It holds for every structure, depth, width and mask, for all data and every convex differentiable loss.",
        proved=(
            "for every structure with one output, by rule P (lemma path), for every convex differentiable loss",
            f"besides, a trace accepted by the checker for each of the {counts[0]} structures with two layers up to"
            f" 4-4-1 and the {counts[1]} with three layers up to 3-3-3-1 (up to isomorphism, without dead units)",
        ),
        observed=(
            f"a search in {searched} random larger structures (4 rounds each, correlated data too) designed {tried}"
            " critical points with a positive semidefinite Hessian and a better point: none is a local minimum",
        ),
    )


if __name__ == "__main__":
    sys.exit(main(CLAIM.name))
