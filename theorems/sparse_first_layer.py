"""Only the first layer sparse: there are spurious local minima, from a rank constraint.

Statement.   Sparse linear networks have sub-optimal local minima already if only the first layer is sparse, due to a
             low-rank constraint.
Hypotheses.  Second layer dense; (a) correlated data and first-layer units with disjoint supports, (b) orthogonal data
             and intersecting supports.
Source.      Lin, Sun, Zhang: On the Landscape of Sparse Linear Networks, second statement of the abstract.
Method.      Exact witnesses found from the masks alone, the smallest in parameters for which the search finds one.
"""

import sys
from itertools import product

from symverify.claims import PAPER, Bench, Claim, Report, main
from symverify.data import DataClass
from symverify.enumeration import structures
from symverify.network import LinearNetwork
from symverify.rules import prove_benign

CLAIM = Claim(
    "sparse_first_layer",
    "Only the first layer sparse",
    "Linear networks in which only the first layer is sparse have spurious local minima, because of a rank constraint.",
    (
        "two layers, second layer dense",
        "(a) disjoint supports, correlated data; (b) intersecting supports, orthogonal data",
    ),
    PAPER,
    "exact witnesses found by inverse design from the masks alone, in the order of the number of weights",
)


def sparse_first_layers(limit: int, intersecting: bool) -> list[LinearNetwork]:
    """Second layer dense, first layer sparse with (or without) an input that two units read; fewer than `limit`
    weights.

    Up to four inputs, three units and three outputs, up to isomorphism, by number of weights.
    """
    found = []
    for inputs, units, outputs in product(range(2, 5), (2, 3), (2, 3)):
        for layer in structures(inputs, units):
            mask = layer.masks[0]
            shared = any(sum(column) > 1 for column in zip(*mask, strict=True))
            if shared == intersecting and not all(map(all, mask)):
                network = LinearNetwork((mask, ((1,) * units,) * outputs))
                if network.parameters < limit:
                    found.append(network)
    return sorted(found, key=lambda network: network.parameters)


def settle(bench: Bench) -> Report:
    """Confirm the claim by witnesses, strict and degenerate, for both kinds of data."""
    observed = []
    for letter, masks, degenerate, data_class in (
        ("a", [[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 1, 0], [0, 0, 1]], DataClass.ANY),
        ("b", [[0, 0, 1, 1], [1, 1, 0, 1]], [[1, 1, 0], [1, 0, 1]], DataClass.ORTHOGONAL),
    ):
        outputs = 2 if letter == "a" else 3
        strict = LinearNetwork.from_masks([masks, [[1, 1]] * outputs])
        kind = "disjoint, correlated data" if letter == "a" else "intersecting, orthogonal data"
        bench.spurious(f"{letter}-strict", strict, data_class, 40, f"({letter}) {kind}: strict", strict=True)
        flat = LinearNetwork.from_masks([degenerate, [[1, 1], [1, 1]]])
        bench.spurious(f"{letter}-degenerate", flat, data_class, 40, f"({letter}) {kind}: degenerate", strict=False)
        smaller = sparse_first_layers(strict.parameters, letter == "b")
        open_ones = [network for network in smaller if prove_benign(network, data_class) is None]
        searched, tried = bench.search(open_ones, data_class, rounds=2, strict=True)
        observed.append(
            f"({letter}) of the {len(smaller)} structures of this kind with fewer than {strict.parameters} weights (at"
            f" most 4 inputs, 3 units, 3 outputs) the rules prove {len(smaller) - len(open_ones)} benign; in the other"
            f" {searched}, 2 rounds of search with {tried} candidates found no strict minimum"
        )
    return bench.report(
        "confirmed",
        "Both kinds of data have strict and degenerate witnesses. Mechanism: h hidden units allow M only rank h, and"
        " each unit only its own inputs; with more useful directions than units, the units can settle on the wrong"
        " ones.",
        proved=(
            "(a) disjoint supports {1,2}, {3,4}, dense 2x2 second layer, correlated data: strict; {1,2}, {3}:"
            " degenerate",
            "(b) supports {3,4}, {1,2,4}, dense 3x2 second layer, orthogonal data: strict; {1,2}, {1,3} with dense"
            " 2x2: degenerate",
            "the mechanism is the rank: M has rank at most 2 here; with as many units of equal support as inputs rule"
            " K excludes it",
        ),
        observed=observed,
    )


if __name__ == "__main__":
    sys.exit(main(CLAIM.name))
