"""Non-intersecting sparse first layer, dense other layers, orthogonal data: true for two layers, false for three.

Statement.   If every input feeds one unit of the first layer only, the other layers are dense and the data are
             orthogonal, then every local minimum of the squared loss is global.
Hypotheses.  X X' diagonal and positive; first mask with disjoint rows; all other masks full.
Source.      Lin, Sun, Zhang: On the Landscape of Sparse Linear Networks, first statement of the abstract.
Method.      Two layers: the loss decouples into dense networks with one hidden unit (lemma *dense-block*). Three
             layers: refuted by exact witnesses, found by the search from the masks alone. Where it does hold at depth
             three: lemmas *contract*, *path*, *dense-block*.
"""

import sys
from collections.abc import Iterator

from symverify.certificate import SpuriousMinimum
from symverify.claims import PAPER, Bench, Claim, RefusedCertificate, Report, Theorem, main
from symverify.data import Data, DataClass
from symverify.exact import as_matrix
from symverify.network import LinearNetwork
from symverify.rules import prove_benign
from symverify.verify import certified_point

CLAIM = Claim(
    "nonintersecting_first_layer",
    "Non-intersecting sparse first layer, dense other layers, orthogonal data",
    "If every input feeds one first-layer unit only and all other layers are dense, then for orthogonal data every"
    " local minimum is global.",
    ("X X' diagonal and positive; rows of the first mask disjoint; all other masks full",),
    PAPER,
    "decoupling for two layers; witnesses found from the masks alone for three; contraction of wide layers",
)
ORTHOGONAL = DataClass.ORTHOGONAL
PARTITIONS = ((1,), (2,), (1, 1), (3,), (2, 1), (1, 1, 1), (4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1))


def disjoint(supports: tuple[int, ...], *widths: int) -> LinearNetwork:
    """First layer with disjoint supports of these sizes, then dense layers of these widths."""
    rows, start = [], 0
    for size in supports:
        rows.append([int(start <= j < start + size) for j in range(sum(supports))])
        start += size
    masks, below = [rows], len(rows)
    for width in widths:
        masks.append([[1] * below for _ in range(width)])
        below = width
    return LinearNetwork.from_masks(masks)


def depth_three() -> Iterator[LinearNetwork]:
    """All supports of up to four inputs, second hidden layer up to four, up to three outputs."""
    for supports in PARTITIONS:
        for hidden in range(1, 5):
            for outputs in range(1, 4):
                yield disjoint(supports, hidden, outputs)


def blocked(units: int, outputs: int) -> SpuriousMinimum:
    """A degenerate spurious minimum with ``units`` first-layer units (one reads two inputs, the others one) and a
    second
    layer of width ``units + outputs - 3``: the direction that would help is in the image of no unit of the second
             layer.
    """
    hidden = units + outputs - 3
    network = disjoint((2,) + (1,) * (units - 1), hidden, outputs)
    first = [[1, 0] + [0] * (units - 1)]
    first += [[0, 0] + [int(j == k) for j in range(units - 1)] for k in range(units - 1)]
    second = [[0] * units for _ in range(hidden)]
    second[0][0], second[0][-1] = 1, 3
    for i in range(units - 2):
        second[1 + i][1 + i] = 1
    third = [[0] * hidden for _ in range(outputs)]
    third[0][0] = 1
    for i in range(outputs - 2):
        third[1 + i][units - 1 + i] = 1
    target = [[0] * (units + 1) for _ in range(outputs)]
    target[0][0], target[0][-1], target[-1][1] = 1, 3, 2
    point = tuple(as_matrix(layer) for layer in (first, second, third))
    witness = certified_point(network, Data.whitened(target), point)
    if witness is None:
        raise RefusedCertificate(f"the point for {units} units and {outputs} outputs is not certified")
    return witness


def two_layers(bench: Bench) -> None:
    """It holds for two layers."""
    two = [disjoint(supports, outputs) for supports in PARTITIONS for outputs in range(1, 4)]
    bench.benign("two-layers", two, ORTHOGONAL, "two layers: holds", f"all {len(two)}, up to 4-4-3", assumes=True)


def deeper(bench: Bench) -> None:
    """It fails at depth three and four; for which widths it fails, and holds, at depth three."""
    for name, network, rounds, case, strict in (
        ("strict-depth-3", disjoint((2, 1, 1), 2, 3), 24, "three layers: strict minimum", True),
        ("degenerate-depth-3", disjoint((2, 1), 1, 2), 60, "three layers: degenerate minimum", False),
        ("strict-depth-4", disjoint((2, 1, 1), 2, 2, 3), 12, "four layers: strict minimum", True),
    ):
        bench.spurious(name, network, ORTHOGONAL, rounds, case, strict=strict)
    sizes = [(a, b) for a in (2, 3, 4) for b in (2, 3, 4) if (a, b) != (2, 2)]
    networks = tuple(disjoint((2,) + (1,) * (a - 1), a + b - 3, b) for a, b in sizes)
    bench.prove(
        "blocked-direction",
        lambda: [blocked(a, b) for a, b in sizes],
        "three layers: fails at d_2 = d_1 + d_y - 3",
        f"{len(sizes)} structures, d_1, d_y up to 4",
        about=Theorem("degenerate", "orthogonal", networks),
    )
    three = [network for network in depth_three() if prove_benign(network, ORTHOGONAL) is not None]
    label = f"{len(three)} structures"
    bench.benign("holds-depth-3", three, ORTHOGONAL, "three layers: holds", label, assumes=True)
    diagonal, case = disjoint((1, 1, 1), 2, 2), "three layers: one input a unit"
    bench.spurious("diagonal-depth-3", diagonal, ORTHOGONAL, 24, case, strict=False)


def settle(bench: Bench) -> Report:
    """Refute the claim as worded; confirm it for two layers; say what is known of three."""
    two_layers(bench)
    deeper(bench)
    singles = [disjoint((1, 1), 2, 3), disjoint((1, 1, 1), 3, 3)]
    searched, tried = bench.search(singles, ORTHOGONAL, rounds=6)
    return bench.report(
        "refuted",
        "It holds for two layers. It fails for every depth from three on: for widths 4-3-2-3 by a strict and for"
        " 3-2-1-2 by a degenerate minimum.",
        proved=(
            "two layers: it holds, every width (lemma dense-block; base theorem assumed unless one output)",
            "three layers: it holds if d_y = 1 (path), if d_1 = 1 (dense), if d_2 >= d_1 + d_y - 2 (contract), and if"
            " d_2 = 1 and every first-layer unit reads one input (contract); d_l = width of layer l",
            "three layers: it fails for 4-3-2-3 (strict) and 3-2-1-2 (degenerate); and, if some unit reads two"
            " inputs, for d_2 = a + b - 3 with 2 <= a, b <= 4, a units and b outputs; hence by lifting, if some unit"
            " reads two inputs and d_1, d_y >= 2, for every d_2 <= min(d_1, 4) + min(d_y, 4) - 3",
            "every larger depth: it fails, by splitting a dense layer of a witness into two (docs/mathematics.md); a"
            " certificate for 4-3-2-2-3",
        ),
        observed=(
            "open: every unit reads one input and 2 <= d_2 <= d_1 + d_y - 3 (some of these fail, 3-3-2-2 by a"
            f" certificate), and d_2 <= d_1 + d_y - 3 beyond the bound above; for {searched} of them (2-2-2-3, 3-3-3-3)"
            f" six rounds of search with {tried} candidates found no local minimum",
        ),
    )


if __name__ == "__main__":
    sys.exit(main(CLAIM.name))
