"""Three or more outputs: there are spurious local minima, from the global minimum of a sub-network.

Statement.   Sparse linear networks with three or more outputs have sub-optimal local minima, due to the global
             minimum of a sub-network.
Hypotheses.  Three outputs; some sparse structure; orthogonal data are enough.
Source.      Lin, Sun, Zhang: On the Landscape of Sparse Linear Networks, second statement of the abstract (its
             wording is "larger than three dimensions").
Method.      An exact witness at which the weights that are not zero form a sub-network that the point minimises
             globally; found from the masks alone, in the order of the number of weights.
"""

import sys
from itertools import product

from symverify.claims import PAPER, Bench, Claim, Report, main, mechanism
from symverify.data import DataClass
from symverify.enumeration import structures
from symverify.network import LinearNetwork
from symverify.rules import prove_benign

CLAIM = Claim(
    "three_outputs",
    "Three outputs",
    "Sparse linear networks with three or more outputs have spurious local minima that are global minima of a"
    " sub-network.",
    ("three outputs; orthogonal data",),
    PAPER,
    "exact witnesses found by inverse design from the masks alone, in the order of the number of weights",
)
ORTHOGONAL = DataClass.ORTHOGONAL
STRICT = LinearNetwork.from_units(([3], [3]), ([1, 2, 3], [1, 2, 3]))
DEGENERATE = LinearNetwork.from_units(([2], [3]), ([1, 2], [1, 2, 3]))
TWICE = LinearNetwork.from_units(([1, 2], [1, 2]), ([1, 3], [1, 3]))


def settle(bench: Bench) -> Report:
    """Confirm the claim by witnesses, and name the sub-network."""
    for name, network, rounds, case, strict, of_support in (
        ("strict", STRICT, 60, "{3}x{3}, {123}x{123}: strict", True, True),
        ("degenerate", DEGENERATE, 60, "degenerate", False, True),
        ("two-blocks", TWICE, 40, "{12}x{12}, {13}x{13}: strict", True, False),
    ):
        bench.spurious(name, network, ORTHOGONAL, rounds, case, strict=strict, minimises_support=of_support)
    smaller = [
        network
        for inputs, units in product((1, 2, 3), (1, 2, 3))
        for network in structures(inputs, units, 3)
        if network.parameters < STRICT.parameters
    ]
    open_ones = [network for network in smaller if prove_benign(network, ORTHOGONAL) is None]
    searched, tried = bench.search(open_ones, ORTHOGONAL, rounds=2, strict=True)
    return bench.report(
        "confirmed",
        f"Strict: {mechanism(bench.first('strict'))}.",
        proved=(
            "a strict minimum with 8 weights and a degenerate one with 7, both global minima of the sub-network of"
            " their non-zero weights; two units {12}x{12}, {13}x{13} have a strict one too; by lifting, so has every"
            " network in which one of these is the sub-network between some inputs and outputs",
            f"degenerate: {mechanism(bench.first('degenerate'))}",
            f"two blocks: {mechanism(bench.first('two-blocks'))}",
        ),
        observed=(
            f"of the {len(smaller)} structures with three outputs and fewer than 8 weights (at most 3 inputs and 3"
            f" units) the rules prove {len(smaller) - len(open_ones)} benign; in the other {searched}, 2 rounds of"
            f" search with {tried} candidates found no strict minimum",
        ),
    )


if __name__ == "__main__":
    sys.exit(main(CLAIM.name))
