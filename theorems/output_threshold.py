"""Is two outputs really excluded?  For strict minima yes; for degenerate minima and traps at infinity no.

Statement.   Spurious minima from sub-networks need an output "larger than three dimensions"; read as: with two
             outputs there are none.
Hypotheses.  Two outputs, two layers, orthogonal data; strict minima, degenerate minima and traps at infinity each on
             their own. (Beyond: correlated data, and three layers.)
Source.      Lin, Sun, Zhang: On the Landscape of Sparse Linear Networks, second statement of the abstract.
Method.      Strict: lemma *two-outputs* (for almost all orthogonal data every local minimum is global, and strict
             minima survive small changes of the data). Degenerate: an exact witness with six weights. Trap: an
             orthant that no descent path leaves (lemma *trap*).
"""

import sys
from fractions import Fraction
from itertools import product

from symverify.certificate import BenignGeneric, EdgeEquation, NotAttainedData, Path, Trap
from symverify.claims import PAPER, Bench, Claim, Report, Theorem, main
from symverify.data import Data, DataClass
from symverify.enumeration import structures
from symverify.exact import as_matrix
from symverify.infinity.refutation import refute_target
from symverify.network import LinearNetwork
from symverify.rules import prove_benign

CLAIM = Claim(
    "output_threshold",
    "Is two outputs excluded?",
    "With two outputs there are no spurious minima that come from sub-networks.",
    ("two outputs, two layers, orthogonal data",),
    PAPER,
    "a lemma for strict minima; an exact degenerate witness; a certified trap at infinity; witnesses beyond the"
    " hypotheses",
)
ORTHOGONAL = DataClass.ORTHOGONAL
SIZES = [(a, b, 2) for a, b in product((1, 2, 3), (1, 2, 3))]
SIX_WEIGHTS = LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2]))
CORRELATED = LinearNetwork.from_units(([1, 2], [1, 2]), ([3, 4], [1, 2]))


def trap() -> Trap:
    """Masks [[1,1],[1,0]] twice, target [[0,1],[1,-1]]: the full unit with W_1[1,2] > 0 and W_2[2,1] > 0.

    There M[2,2] > 0 while its target is -1, so L >= 1/2; on the faces M[1,2] = 0 or M[2,1] = 0 as well, so L >= 1.
    """
    network = LinearNetwork.from_masks([[[1, 1], [1, 0]], [[1, 1], [1, 0]]])
    data = Data.whitened([[0, 1], [1, -1]])
    signs = (as_matrix([[0, 1], [0, 0]]), as_matrix([[0, 0], [1, 0]]))
    half = Fraction(1, 2)
    start = (as_matrix([[2, half], [1, 0]]), as_matrix([[2, -4], [half, 0]]))
    better = (as_matrix([[-1, 1], [1, 0]]), as_matrix([[1, 1], [-1, 0]]))
    steps = (Path((0, 1, 0)), EdgeEquation((1, 0, 0)), EdgeEquation((0, 0, 0)), EdgeEquation((1, 1, 0)))
    return Trap(network, data, signs, start, better, half, steps)


def not_attained() -> NotAttainedData:
    """The same masks, target [[0,1],[1,0]]: M_22 = v w = 0 contradicts u w = v x = 1, yet u = x = t, v = w = 1/t,
    and -t * t for the unit of one input and one output, lead to it."""
    network = LinearNetwork.from_masks([[[1, 1], [1, 0]], [[1, 1], [1, 0]]])
    target = as_matrix([[0, 1], [1, 0]])
    grows = (as_matrix([[1, 0], [-1, 0]]), as_matrix([[1, 1], [0, 0]]))
    shrinks = (as_matrix([[0, 1], [0, 0]]), as_matrix([[0, 0], [1, 0]]))
    proof = refute_target(network, target)
    assert proof is not None
    return NotAttainedData(network, Data.whitened(target), ((1, grows), (-1, shrinks)), proof, Fraction(0))


def settle(bench: Bench) -> Report:
    """Settle strict, degenerate and trap, each on its own."""
    networks = [network for widths in SIZES for network in structures(*widths)]
    bench.prove(
        "strict-excluded",
        lambda: [BenignGeneric(network, "two-outputs") for network in networks],
        "strict: excluded (orthogonal, two layers)",
        f"all {len(networks)} structures up to 3-3-2",
        about=Theorem("benign-generic", "orthogonal", tuple(networks)),
    )
    bench.spurious("degenerate", SIX_WEIGHTS, ORTHOGONAL, 40, "degenerate: not excluded", strict=False)
    bench.prove("trap", trap, "trap at infinity: not excluded", about=Theorem("trap", "orthogonal", (trap().network,)))
    bench.prove(
        "not-attained",
        not_attained,
        "infimum not attained: not excluded",
        about=Theorem("not-attained-data", "orthogonal", (not_attained().network,)),
    )
    bench.spurious("correlated", CORRELATED, DataClass.ANY, 40, "strict, correlated data", strict=True)
    open_ones = [network for network in networks if prove_benign(network, ORTHOGONAL) is None]
    sample = open_ones[:: max(1, len(open_ones) // 12)]
    searched, tried = bench.search(sample, ORTHOGONAL, rounds=2, strict=True)
    deeper = [network for network in structures(2, 2, 2, 2) if prove_benign(network, ORTHOGONAL) is None]
    deep, deep_tried = bench.search(deeper[:: max(1, len(deeper) // 8)], ORTHOGONAL, rounds=2, strict=True)
    return bench.report(
        "refuted",
        "Two outputs exclude strict minima (two layers, orthogonal data), but neither degenerate minima nor traps at"
        " infinity; for correlated data not even strict minima.",
        proved=(
            "strict: excluded for two layers and orthogonal data, every structure with at most two outputs (lemma"
            " two-outputs)",
            "degenerate: not excluded: units {1}x{1}, {12}x{12}, six weights",
            "trap at infinity: not excluded: units {12}x{12}, {1}x{1}, six weights, in an open set of data",
            "infimum not attained: not excluded: the same structure, target [[0,1],[1,0]], special data",
            "correlated data: strict minima exist with two outputs: supports {1,2}, {3,4}, dense second layer, eight"
            " weights",
            "three layers: degenerate minima exist with two outputs (3-2-1-2, claim nonintersecting_first_layer)",
        ),
        observed=(
            f"a search for strict minima in {searched} of the {len(open_ones)} structures up to 3-3-2 that no rule"
            f" proves benign: 2 rounds each, {tried} candidates, none (as the lemma says)",
            f"three layers, two outputs, orthogonal data: a search for strict minima in {deep} structures, 2 rounds"
            f" each, {deep_tried} candidates, none; not settled (docs/mathematics.md, section 10 (g))",
        ),
    )


if __name__ == "__main__":
    sys.exit(main(CLAIM.name))
