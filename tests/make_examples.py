"""Makes ``tests/certificates/{valid,invalid,malformed}``: one small certificate per rule, and its plausible errors.

    python tests/make_examples.py

Nothing of the package is used: losses come from their definition, derivatives from differences, which are exact here,
since the loss is of degree two in each single weight.  ``test_checker.py`` says what each file is to be answered with.
"""

from __future__ import annotations

import json
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "certificates"
FORMAT = "symverify-certificate/1"
BUNDLE = "symverify-bundle/1"
BALDI_HORNIK = "Baldi-Hornik 1989: dense two-layer linear networks have no spurious local minima"
KAWAGUCHI = "Kawaguchi 2016, Lu-Kawaguchi 2017: dense deep linear networks have no spurious local minima"
Json = dict[str, Any]
Edge = tuple[int, int, int]


# -- the loss ---------------------------------------------------------------------------------------------


def numbers(value: Any) -> Any:
    return [numbers(x) for x in value] if isinstance(value, list) else Fraction(value)


def strings(value: Any) -> Any:
    return [strings(x) for x in value] if isinstance(value, list) else str(Fraction(value))


def loss(data: Json, weights: Any) -> Fraction:
    """1/2 tr(M G M') - tr(M C') + c0."""
    gram, cross = numbers(data["G"]), numbers(data["C"])
    product = [[Fraction(i == j) for j in range(len(gram))] for i in range(len(gram))]
    for layer in numbers(weights):
        product = [
            [sum(x * row[j] for x, row in zip(line, product, strict=True)) for j in range(len(gram))] for line in layer
        ]
    total = Fraction(data["c0"])
    for row, target in zip(product, cross, strict=True):
        total -= sum(x * y for x, y in zip(row, target, strict=True))
        total += sum(x * gram[i][j] * y for i, x in enumerate(row) for j, y in enumerate(row)) / 2
    return total


def shifted(weights: Any, *steps: tuple[Edge, Fraction | int]) -> Any:
    moved = deepcopy(weights)
    for (l, i, j), step in steps:
        moved[l][i][j] += step
    return moved


def slope(data: Json, weights: Any, edge: Edge) -> Fraction:
    return (loss(data, shifted(weights, (edge, 1))) - loss(data, shifted(weights, (edge, -1)))) / 2


def bend(data: Json, weights: Any, e: Edge, f: Edge) -> Fraction:
    if e == f:
        return loss(data, shifted(weights, (e, 1))) + loss(data, shifted(weights, (e, -1))) - 2 * loss(data, weights)
    signs = [(a, b) for a in (1, -1) for b in (1, -1)]
    return sum((a * b * loss(data, shifted(weights, (e, a), (f, b))) for a, b in signs), Fraction(0)) / 4


def solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    rows = [[*row, x] for row, x in zip(matrix, right, strict=True)]
    for k in range(len(rows)):
        swap = next(i for i in range(k, len(rows)) if rows[i][k])
        rows[k], rows[swap] = rows[swap], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(len(rows)):
            if i != k:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[-1] for row in rows]


def newton(data: Json, start: Any, free: list[Edge], grain: int, rounds: int = 6) -> Any:
    """A critical point of the loss over the free edges, rounded to multiples of 1 / grain."""
    weights = numbers(start)
    for _ in range(rounds):
        matrix = [[bend(data, weights, e, f) for f in free] for e in free]
        step = solve(matrix, [slope(data, weights, e) for e in free])
        for (l, i, j), x in zip(free, step, strict=True):
            weights[l][i][j] = Fraction(round((weights[l][i][j] - x) * grain), grain)
    return weights


# -- certificates -----------------------------------------------------------------------------------------


def edges_of(masks: Any) -> list[Edge]:
    return [(l, i, j) for l, m in enumerate(masks) for i, row in enumerate(m) for j, x in enumerate(row) if x]


def flags(masks: Any, chosen: Any) -> Any:
    """1 on the chosen edges."""
    wanted = set(chosen)
    return [
        [[int((l, i, j) in wanted) for j in range(len(row))] for i, row in enumerate(m)] for l, m in enumerate(masks)
    ]


def numeric(gram: Any, cross: Any, constant: Any) -> Json:
    return {"G": strings(gram), "C": strings(cross), "c0": str(Fraction(constant))}


def whitened(target: Any) -> Json:
    """G = 1, C = the target, the least c0."""
    n = len(target[0])
    gram = [[int(i == j) for j in range(n)] for i in range(n)]
    return numeric(gram, target, sum(Fraction(x) ** 2 for row in target for x in row) / 2)


def spurious(masks: Any, data: Json, point: Any, minimum: Json, better: Any, word: str) -> Json:
    body = {
        "format": FORMAT,
        "kind": "spurious-minimum",
        "masks": masks,
        "data": data,
        "point": strings(point),
        "minimum": minimum,
        "better": strings(better),
        "statement": {"minimum": word, "loss_at_least": "0", "loss_at_most": "0", "better_loss": "0"},
    }
    return restated(body)


def restated(body: Json) -> Json:
    """With the losses of its points in the statement."""
    data, statement = body["data"], body["statement"]
    statement["better_loss"] = str(loss(data, body["better"]))
    if body["kind"] == "trap":
        statement["start_loss"] = str(loss(data, body["start"]))
        return body
    high = loss(data, body["point"])
    statement["loss_at_most"] = statement["loss_at_least"] = str(high)
    minimum = body["minimum"]
    if minimum["kind"] == "ball" and Fraction(minimum["curvature"]):
        free = [(l, i, j) for l, i, j in edges_of(body["masks"]) if not minimum["frozen"][l][i][j]]
        squared = sum(slope(data, numbers(body["point"]), e) ** 2 for e in free)
        statement["loss_at_least"] = str(high - squared / (2 * Fraction(minimum["curvature"])))
    return body


def family(*terms: tuple[list[int], Any]) -> Json:
    parameters = len(terms[0][0]) if terms else 0
    listed = [{"powers": powers, "direction": strings(direction)} for powers, direction in terms]
    return {"kind": "critical-family", "parameters": parameters, "terms": listed}


def ball(masks: Any, frozen: Any, radius: str, curvature: str) -> Json:
    return {"kind": "ball", "frozen": flags(masks, frozen), "radius": radius, "curvature": curvature}


def benign(masks: Any, data: Any, *steps: Json, assumes: tuple[str, ...] = ()) -> Json:
    return {
        "format": FORMAT,
        "kind": "benign",
        "masks": masks,
        "data": {"class": data} if isinstance(data, str) else data,
        "steps": list(steps),
        "statement": {"loss": "squared" if assumes else "convex", "assumes": list(assumes)},
    }


def path(*nodes: int) -> Json:
    return {"rule": "path", "path": list(nodes)}


def edge(*place: int) -> Json:
    return {"rule": "edge", "edge": list(place)}


def wide(units: list[int], side: str) -> Json:
    return {"rule": "wide-block", "units": units, "side": side}


def dense(*nodes: list[int]) -> Json:
    return {"rule": "dense-block", "nodes": list(nodes)}


def contract(layer: int) -> Json:
    return {"rule": "contract", "layer": layer}


def generic(masks: Any) -> Json:
    return {
        "format": FORMAT,
        "kind": "benign-generic",
        "masks": masks,
        "data": {"class": "orthogonal"},
        "rule": "two-outputs",
    }


def trap(masks: Any, data: Json, signs: Any, start: Any, better: Any, bound: str, *steps: Json) -> Json:
    return restated(
        {
            "format": FORMAT,
            "kind": "trap",
            "masks": masks,
            "data": data,
            "signs": strings(signs),
            "start": strings(start),
            "better": strings(better),
            "steps": list(steps),
            "statement": {"start_loss": "0", "bound": bound, "better_loss": "0"},
        }
    )


# -- valid ------------------------------------------------------------------------------------------------

SIX = [[[1, 0], [1, 1]], [[1, 1], [0, 1]]]  # units {1}x{1}, {12}x{12}
THREE = [[[1, 0, 0], [1, 1, 1]], [[1, 1], [0, 1], [0, 1]]]  # units {1}x{1}, {123}x{123}
DEEP = [[[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[1, 1, 1], [1, 1, 1]], [[1, 1], [1, 1], [1, 1]]]
FRIEND = [[[1, 0], [0, 1]], [[1, 1], [1, 0]], [[1, 0], [0, 1]]]  # every unit has one input or one output
DISJOINT = [[[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 1], [1, 1]]]
# THREE between inputs 0-2 and outputs 0-2; besides, input 3 at its full unit, and a third unit {4}x{14}.
LARGE = [[[1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1]], [[1, 1, 1], [0, 1, 0], [0, 1, 0], [0, 1, 1]]]

SIX_DATA = whitened([[1, 0], [0, "1/2"]])
SIX_POINT = [[[0, 0], [1, 0]], [[1, 1], [0, 0]]]
SIX_BETTER = [[[1, 0], [0, "1/2"]], [[1, 0], [0, 1]]]
SIX_LINE = [[[1, 0], [-1, 0]], [[0, 0], [0, 0]]]
SIX_FREE = [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 0, 1)]
FRIEND_POINT = [[[0, 0], [0, 1]], [[0, 1], [1, 0]], [[0, 0], [0, 1]]]
FRIEND_BETTER = [[["1/2", 0], [0, 0]], [[1, 0], [0, 0]], [[1, 0], [0, 1]]]
FRIEND_FREE = [(0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (2, 1, 1)]
BALL_POINT = [
    [["1", "0", "0"], ["5047/10000", "9653/25000", "4"]],
    [["4819/5000", "3587/50000"], ["0", "823/5000"], ["0", "48769/50000"]],
]
BALL_DATA = whitened([[1, 3, 0], [3, 1, "1/5"], [0, 0, 4]])
THREE_POINT = [[[1, 0, 0], [0, 0, 4]], [[1, 0], [0, 0], [0, 1]]]
THREE_BETTER = [[[-8, 0, 0], [3, 1, 0]], [[1, 3], [0, 1], [0, 0]]]
TRAP = [[[1, 1], [1, 0]], [[1, 1], [1, 0]]]
TRAP_STEPS = (path(0, 1, 0), edge(0, 0, 0), edge(1, 0, 0), edge(0, 0, 1))


def strict() -> Json:
    data = whitened([[1, 3, 0], [3, 1, 0], [0, 0, 4]])
    return spurious(THREE, data, THREE_POINT, family(), THREE_BETTER, "strict")


def strict_depth_3() -> Json:
    data = whitened([[3, 0, 0, 0], [0, 2, 3, 0], [0, 0, 0, 1]])
    point = [[[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[2, 3, 0], [0, 0, 1]], [[0, 0], [1, 0], [0, 1]]]
    better = [[[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[3, 0, 0], [0, 3, 0]], [[1, 0], [0, 1], [0, 0]]]
    return spurious(DEEP, data, point, family(), better, "strict")


CORRELATED_DATA = numeric(
    [[1, 0, -2, 0], [0, 1, 1, 1], [-2, 1, 6, 0], [0, 1, 0, 3]], [[0, 0, 0, 2], [2, -2, -7, -1]], "13/2"
)
CORRELATED_POINT = [[[0, 1, 0, 0], [0, 0, 1, 0]], [[0, 0], [-1, -1]]]
CORRELATED_BETTER = [[[-1, 1, 0, 0], [0, 0, 1, 1]], [[-4, 2], [-2, 0]]]


def strict_correlated() -> Json:
    return spurious(DISJOINT, CORRELATED_DATA, CORRELATED_POINT, family(), CORRELATED_BETTER, "strict")


def strict_singular_gram() -> Json:
    """A copy of the third input: G is singular, and the full unit may shift weight between the two."""
    masks = [[[1, 0, 0, 0], [1, 1, 1, 1]], THREE[1]]
    gram = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    data = numeric(gram, [[1, 3, 0, 0], [3, 1, 0, 0], [0, 0, 4, 4]], 18)
    point, better = deepcopy(THREE_POINT), deepcopy(THREE_BETTER)
    point[0], better[0] = [[1, 0, 0, 0], [0, 0, 1, 3]], [[-8, 0, 0, 0], [3, 1, 2, -2]]
    return spurious(masks, data, point, family(), better, "strict")


def strict_dead_weights() -> Json:
    """One more unit without outputs, and one without inputs: their weights enter nothing."""
    masks = [[*THREE[0], [1, 0, 1], [0, 0, 0]], [[*row, 0, int(o == 1)] for o, row in enumerate(THREE[1])]]
    point = [
        [*THREE_POINT[0], [7, 0, 0], [0, 0, 0]],
        [[*row, 0, -2 * (o == 1)] for o, row in enumerate(THREE_POINT[1])],
    ]
    better = [[*THREE_BETTER[0], [0, 0, 0], [0, 0, 0]], [[*row, 0, 0] for row in THREE_BETTER[1]]]
    return spurious(masks, strict()["data"], point, family(), better, "strict")


def family_affine() -> Json:
    return spurious(SIX, SIX_DATA, SIX_POINT, family(([1], SIX_LINE)), SIX_BETTER, "degenerate")


def family_two_parameters() -> Json:
    masks = [[[1, 1, 0], [1, 0, 1]], [[1, 1], [1, 1]]]
    data = whitened([[0, -1, 0], [2, 0, 0]])
    point = [[[-1, 0, 0], [-1, 0, -1]], [[0, 0], [-2, 0]]]
    better = [[[-2, -1, 0], [2, 0, 0]], [[1, 1], [0, 1]]]
    terms = [
        ([1, 0], [[[0, 0, 0], [1, 0, 0]], [[0, 0], [0, 0]]]),
        ([0, 1], [[[0, 0, 0], [0, 0, 1]], [[0, 0], [0, 0]]]),
    ]
    return spurious(masks, data, point, family(*terms), better, "degenerate")


def family_nonlinear() -> Json:
    """a = 1 + s, p = t, q = 1 - t - s t keeps a p + b q = 1."""
    terms = [
        ([1, 0], [[[0, 0], [0, 0]], [[1, 0], [0, 0]]]),
        ([0, 1], SIX_LINE),
        ([1, 1], [[[0, 0], [-1, 0]], [[0, 0], [0, 0]]]),
    ]
    return spurious(SIX, SIX_DATA, SIX_POINT, family(*terms), SIX_BETTER, "degenerate")


def fibre() -> Json:
    minimum = {"kind": "critical-fibre", "free": flags(SIX, SIX_FREE)}
    return spurious(SIX, SIX_DATA, SIX_POINT, minimum, SIX_BETTER, "degenerate")


def fibre_false_friend() -> Json:
    minimum = {"kind": "critical-fibre", "free": flags(FRIEND, FRIEND_FREE)}
    return spurious(FRIEND, whitened([["1/2", 0], [0, 0]]), FRIEND_POINT, minimum, FRIEND_BETTER, "degenerate")


def fibre_two_outputs_depth_3() -> Json:
    masks = [[[1, 1, 0], [0, 0, 1]], [[1, 1]], [[1], [1]]]
    point = [[[0, 1, 0], [0, 0, 1]], [[0, 3]], [[1], [0]]]
    better = [[[1, 0, 0], [0, 0, 0]], [[5, 0]], [[0], [1]]]
    free = [e for e in edges_of(masks) if e not in ((1, 0, 0), (2, 1, 0))]
    minimum = {"kind": "critical-fibre", "free": flags(masks, free)}
    return spurious(masks, whitened([[0, 0, 3], [5, 0, 0]]), point, minimum, better, "degenerate")


def fibre_strict() -> Json:
    """Nothing moves: the gauge explains the kernel, the minimum is strict."""
    body = strict()
    body["minimum"] = {"kind": "critical-fibre", "free": flags(THREE, [])}
    return body


def ball_three_outputs() -> Json:
    minimum = ball(THREE, [(0, 0, 0), (0, 1, 2)], "1/100", "1/20")
    return spurious(THREE, BALL_DATA, BALL_POINT, minimum, THREE_BETTER, "strict")


def ball_correlated() -> Json:
    """Near the point of `strict_correlated`, for other data."""
    data = deepcopy(CORRELATED_DATA)
    data["C"][0][1], data["c0"] = "-1/20", "8"
    frozen = [(0, 0, 1), (0, 1, 2)]
    free = [e for e in edges_of(DISJOINT) if e not in frozen]
    point = newton(data, CORRELATED_POINT, free, 10**9)
    return spurious(DISJOINT, data, point, ball(DISJOINT, frozen, "1/10000", "1/50"), CORRELATED_BETTER, "strict")


def ball_depth_3() -> Json:
    """Near the point of `strict_depth_3`; the gauge mixes the two units of the second hidden layer."""
    base = strict_depth_3()
    data = whitened([[3, "1/10", 0, 0], [0, 2, 3, 0], [0, 0, "1/10", 1]])
    frozen = [(0, 0, 1), (0, 1, 2), (0, 2, 3), (2, 1, 0), (2, 1, 1), (2, 2, 0), (2, 2, 1)]
    free = [e for e in edges_of(DEEP) if e not in frozen]
    point = newton(data, base["point"], free, 10**9)
    return spurious(DEEP, data, point, ball(DEEP, frozen, "1/10000", "1/100"), base["better"], "strict")


def extended(weights: Any) -> Any:
    """Weights of THREE as weights of LARGE."""
    first = [[*row, 0] for row in weights[0]] + [[0, 0, 0, 0]]
    return [first, [[*row, 0] for row in weights[1]] + [[0, 0, 0]]]


def lifted_data(data: Json) -> Json:
    gram = [[int(i == j) for j in range(4)] for i in range(4)]
    return numeric(gram, [[*row, 0] for row in data["C"]] + [[0, 0, 0, 0]], data["c0"])


def lifted_evidence(body: Json, inputs: list[int], outputs: list[int]) -> Json:
    return {"kind": "lifted", "inputs": inputs, "outputs": outputs, "minimum": body["minimum"]}


def lifted(body: Json) -> Json:
    evidence = lifted_evidence(body, [0, 1, 2], [0, 1, 2])
    point, better = extended(body["point"]), extended(body["better"])
    return spurious(LARGE, lifted_data(body["data"]), point, evidence, better, "degenerate")


def lifted_strict() -> Json:
    """Only one input more, at the full unit: the gauge of the whole network explains the whole kernel."""
    masks = [[[*row, i] for i, row in enumerate(THREE[0])], THREE[1]]
    data = lifted_data(strict()["data"])
    data["C"].pop()
    point, better = ([[[*row, 0] for row in w[0]], w[1]] for w in (THREE_POINT, THREE_BETTER))
    return spurious(masks, data, point, lifted_evidence(strict(), [0, 1, 2], [0, 1, 2]), better, "strict")


def lifted_fibre() -> Json:
    masks = [[[1, 0, 0], [1, 1, 1]], SIX[1]]
    point, better = ([[[*row, 0] for row in w[0]], w[1]] for w in (SIX_POINT, SIX_BETTER))
    data = whitened([[1, 0, 0], [0, "1/2", 0]])
    return spurious(masks, data, point, lifted_evidence(fibre(), [0, 1], [0, 1]), better, "degenerate")


def lifted_depth_3() -> Json:
    """The false friend with one unit more in both hidden layers, and one more output."""
    masks = [
        [[1, 0], [0, 1], [1, 1]],
        [[1, 1, 0], [1, 0, 0], [0, 0, 1]],
        [[1, 0, 0], [0, 1, 0], [0, 1, 1]],
    ]
    inner = fibre_false_friend()

    def grown(w: Any) -> Any:
        first = [*w[0], [0, 0]]
        return [first, [[*row, 0] for row in w[1]] + [[0, 0, 0]], [[*row, 0] for row in w[2]] + [[0, 0, 0]]]

    data = whitened([["1/2", 0], [0, 0], [0, 0]])
    evidence = lifted_evidence(inner, [0, 1], [0, 1])
    better = grown(inner["better"])
    better[2][1][1] = "0"
    return spurious(masks, data, grown(inner["point"]), evidence, better, "degenerate")


def lifted_correlated_outside() -> Json:
    """Inputs 3 and 4 are correlated with each other; input 5, which feeds nothing, with the sub-network too."""
    inner = strict()
    masks = [[[*row, 0, 0] for row in LARGE[0]], LARGE[1]]
    masks[0][2][4] = 1
    gram = [[int(i == j) for j in range(6)] for i in range(6)]
    gram[3][4] = gram[4][3] = gram[0][5] = gram[5][0] = 1
    gram[4][4] = gram[5][5] = 2
    cross = [[*row, 0, 0, 1] for row in inner["data"]["C"]] + [[0] * 6]
    point, better = ([[[*row, 0, 0] for row in w[0]], w[1]] for w in map(extended, (inner["point"], inner["better"])))
    evidence = lifted_evidence(inner, [0, 1, 2], [0, 1, 2])
    return spurious(masks, numeric(gram, cross, 40), point, evidence, better, "degenerate")


def trap_two_units() -> Json:
    return trap(
        TRAP,
        whitened([[0, 1], [1, -1]]),
        [[[0, 1], [0, 0]], [[0, 0], [1, 0]]],
        [[[2, "1/2"], [-2, 0]], [[2, 2], ["1/2", 0]]],
        [[[-1, 1], [1, 0]], [[1, 1], [-1, 0]]],
        "1/2",
        *TRAP_STEPS,
    )


def trap_negative_sign() -> Json:
    """The same with the sign of the first face and of the targets of the second input turned, and G = diag(4, 1)."""
    return trap(
        TRAP,
        numeric([[4, 0], [0, 1]], [[0, -1], [4, 1]], 3),
        [[[0, -1], [0, 0]], [[0, 0], [1, 0]]],
        [[[2, "-1/2"], [-2, 0]], [[2, 2], ["1/2", 0]]],
        [[[-1, -1], [1, 0]], [[1, 1], [-1, 0]]],
        "1/2",
        *TRAP_STEPS,
    )


def trap_three_inputs() -> Json:
    """A third unit {3}x{3} of its own."""

    def grown(w: Any, extra: int) -> Any:
        return [[*[[*row, 0] for row in layer], [0, 0, extra]] for layer in w]

    base = trap_two_units()
    data = whitened([[0, 1, 0], [1, -1, 0], [0, 0, 1]])
    signs, start, better = grown(base["signs"], 0), grown(base["start"], 1), grown(base["better"], 1)
    steps = [path(0, 1, 0), edge(0, 0, 0), edge(1, 0, 0), edge(0, 0, 1)]
    return trap(grown(TRAP, 1), data, signs, start, better, "1/2", *steps)


# Inputs 3 and outputs 3 besides SIX, joined by a chain of dead units only, one in each hidden layer, which joins input
# 1 and output 1 as well; A = diag(1, 1/2, 0).
CHAIN_PAIRS = [[0, 0], [0, 2], [2, 0], [2, 2]]


def chain(depth: int, out: int) -> Json:
    """``out``: the weight from the last dead unit to the outputs; all other weights of the chain are 0."""
    unit = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    masks = [[[1, 0, 0], [1, 1, 0], [1, 0, 1]], *[unit] * (depth - 2), [[1, 1, 1], [0, 1, 0], [0, 0, 1]]]
    middle = [[[0, 0, 0], [0, 1, 0], [0, 0, 0]]] * (depth - 2)
    point = [[[0, 0, 0], [1, 0, 0], [0, 0, 0]], *middle, [[0, 1, out], [0, 0, 0], [0, 0, out]]]
    straight = [[[1, 0, 0], [0, 1, 0], [0, 0, 0]]] * (depth - 2)
    better = [[[1, 0, 0], [0, "1/2", 0], [0, 0, 0]], *straight, [[1, 0, 0], [0, 1, 0], [0, 0, 0]]]
    free = [(0, 1, 0), *[(l, 1, 1) for l in range(1, depth - 1)], (depth - 1, 0, 1)]
    data = whitened([[1, 0, 0], [0, "1/2", 0], [0, 0, 0]])
    inner = {"kind": "critical-fibre", "free": flags(masks, free)}
    minimum = {"kind": "relax", "pairs": CHAIN_PAIRS, "minimum": inner}
    return spurious(masks, data, point, minimum, better, "degenerate")


def relax_six() -> Json:
    """Of SIX: the unit of one input is dead on both sides."""
    inner = {"kind": "critical-fibre", "free": flags(SIX, [(0, 1, 0), (1, 0, 1)])}
    minimum = {"kind": "relax", "pairs": [[0, 0]], "minimum": inner}
    return spurious(SIX, SIX_DATA, [[[0, 0], [1, 0]], [[0, 1], [0, 0]]], minimum, SIX_BETTER, "degenerate")


def relax_correlated() -> Json:
    """The same with a third input for the dead unit, correlated with the first: the Schur complement is not trivial."""
    masks = [[[1, 0, 1], [1, 1, 0]], SIX[1]]
    inner = {"kind": "critical-fibre", "free": flags(masks, [(0, 1, 0), (1, 0, 1)])}
    minimum = {"kind": "relax", "pairs": [[0, 0], [0, 2]], "minimum": inner}
    data = numeric([[1, 0, 1], [0, 1, 0], [1, 0, 1]], [[1, 0, 1], [0, "1/2", 0]], "5/8")
    point, better = [[[0, 0, 0], [1, 0, 0]], [[0, 1], [0, 0]]], [[[1, 0, 0], [0, "1/2", 0]], [[1, 0], [0, 1]]]
    return spurious(masks, data, point, minimum, better, "degenerate")


def absorb_step(layer: int, unit: int, by: list[int], side: str) -> Json:
    return {"layer": layer, "unit": unit, "by": by, "side": side}


def absorb_inputs() -> Json:
    """THREE, and beside it two units {4,5}x{4} that absorb a third one, {4}x{4}."""
    ones = [[1, 0, 0, 0, 0], [1, 1, 1, 0, 0], [0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [0, 0, 0, 1, 0]]
    masks = [ones, [[1, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 1, 1]]]

    def grown(w: Any, extra: Any) -> Any:
        beside = [[0, 0, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
        return [[[*row, 0, 0] for row in w[0]] + beside, [[*row, 0, 0, 0] for row in w[1]] + [[0, 0, *extra]]]

    data = numeric(
        [[int(i == j) for j in range(5)] for i in range(5)],
        [[1, 3, 0, 0, 0], [3, 1, 0, 0, 0], [0, 0, 4, 0, 0], [0, 0, 0, 1, 2]],
        "41/2",
    )
    minimum = {"kind": "absorb", "steps": [absorb_step(1, 4, [2, 3], "inputs")], "minimum": family()}
    point = grown(THREE_POINT, [1, 2, 3])
    return spurious(masks, data, point, minimum, grown(THREE_BETTER, [1, 2, 0]), "degenerate")


def absorb_outputs() -> Json:
    """The transposed network and point: the outgoing weights are combinations."""
    body = absorb_inputs()

    def turned(layers: Any) -> Any:
        return [[list(column) for column in zip(*layer, strict=True)] for layer in reversed(layers)]

    gram = [[int(i == j) for j in range(4)] for i in range(4)]
    data = numeric(gram, turned([body["data"]["C"]])[0], "41/2")
    minimum = {"kind": "absorb", "steps": [absorb_step(1, 4, [2, 3], "outputs")], "minimum": family()}
    return spurious(
        turned(body["masks"]),
        data,
        numbers(turned(body["point"])),
        minimum,
        numbers(turned(body["better"])),
        "degenerate",
    )


def lifted_relax() -> Json:
    """One input more, at the full unit."""
    inner = relax_six()
    masks = [[[1, 0, 0], [1, 1, 1]], SIX[1]]
    point, better = ([[[*row, 0] for row in w[0]], w[1]] for w in (inner["point"], inner["better"]))
    data = whitened([[1, 0, 0], [0, "1/2", 0]])
    return spurious(masks, data, numbers(point), lifted_evidence(inner, [0, 1], [0, 1]), numbers(better), "degenerate")


def hidden_descent(minimum: Json) -> Json:
    """The origin of 1-1-1-1-1-1-1: along the diagonal the loss falls by t^6 - t^12/2, 1e-12 at a distance of 1/40."""
    masks, point = [[[1]]] * 6, [[[0]]] * 6
    return spurious(masks, whitened([[1]]), point, minimum, [[[1]]] * 6, "degenerate")


def near_minimum() -> Json:
    """`relax-six` with target 1 + 1e-6 where the residual should be 0: the loss can fall by 5e-13 and no more, and the
    dead unit gives the direction."""
    body = relax_six()
    return broken(body, {"data": whitened([["1000001/1000000", 0], [0, "1/2"]])})


def useless_dead_unit(pairs: Any) -> Json:
    """Units {1}x{1,2}, dead, and {1,2}x{1,2}: the Hessian has no negative eigenvalue, yet it is a saddle.  With c = 2e,
    r = e and the dead unit at (p, a_2) = (sqrt(2e), -sqrt(2e)) the loss falls by e^2/2: at a distance of
    1/200 by about 8e-11."""
    masks = [[[1, 0], [1, 1]], [[1, 1], [1, 1]]]
    point, better = [[[0, 0], [1, 0]], [[0, 1], [0, 0]]], [[[1, 0], [0, 1]], [[1, 0], [0, 1]]]
    inner = {"kind": "critical-fibre", "free": flags(masks, [])}
    minimum = {"kind": "relax", "pairs": pairs, "minimum": inner}
    return spurious(masks, whitened([[1, 0], [0, "1/2"]]), point, minimum, better, "degenerate")


def identity(factors: Any, *terms: tuple[Any, Any, Any]) -> Json:
    listed = [{"pair": pair, "coefficient": str(x), "edges": edges} for pair, x, edges in terms]
    return {"factors": factors, "terms": listed}


def unattained(masks: Any, data: Json, infimum: str, refutation: Json, *curve: tuple[int, Any]) -> Json:
    return {
        "format": FORMAT,
        "kind": "not-attained-data",
        "masks": masks,
        "data": data,
        "path": [{"power": power, "weights": strings(weights)} for power, weights in curve],
        "refutation": refutation,
        "statement": {"infimum": infimum},
    }


U, T, V = [1, 0, 0], [1, 0, 1], [1, 1, 0]
X, W, Y = [0, 0, 0], [0, 0, 1], [0, 1, 0]
CORNER = ((1, [[[1, 0], [-1, 0]], [[1, 1], [0, 0]]]), (-1, [[[0, 1], [0, 0]], [[0, 0], [1, 0]]]))
CORNER_IDENTITY = identity([], ([0, 1], -1, [X, V]), ([1, 0], -1, []), ([1, 1], 1, [X, U]))


def unattained_corner() -> Json:
    """Example 5."""
    return unattained(TRAP, whitened([[0, 1], [1, 0]]), "0", CORNER_IDENTITY, *CORNER)


def unattained_split() -> Json:
    """The same by cases: v = 0 leaves the target of pair (1, 0) without a path; else v w = 0 leaves that of (0, 1)."""
    no_w = identity([], ([0, 1], -1, []))
    nonzero = {"split": W, "zero": no_w, "nonzero": identity([V, W], ([1, 1], 1, []))}
    tree = {"split": V, "zero": identity([], ([1, 0], -1, [])), "nonzero": nonzero}
    return unattained(TRAP, whitened([[0, 1], [1, 0]]), "0", tree, *CORNER)


def unattained_weighted() -> Json:
    """G = diag(4, 1), and a third output that nothing reaches: the infimum is not 0."""
    masks = [TRAP[0], [*TRAP[1], [0, 0]]]
    data = numeric([[4, 0], [0, 1]], [[0, 1], [4, 0], [2, 0]], 5)
    curve = [(power, [w[0], [*w[1], [0, 0]]]) for power, w in CORNER]
    tree = identity([], ([0, 1], -4, [X, V]), ([1, 0], -1, []), ([1, 1], 4, [X, U]))
    tree["terms"] = [dict(t, coefficient=str(Fraction(t["coefficient"]) / 4)) for t in tree["terms"]]
    return unattained(masks, data, "5/2", tree, *curve)


def bundle(*certificates: Json) -> Json:
    return {"format": BUNDLE, "certificates": list(certificates)}


ONES = [[1, 1], [1, 1]]
UNIT = [[1, 0], [0, 1]]

BLOCK_AND_PATHS = [[[1, 1, 0], [0, 0, 1]], ONES]
SHARED = [[[1, 1, 0, 0], [0, 0, 1, 1]], ONES]  # two blocks with the same outputs, disjoint inputs


def valid() -> dict[str, Json]:
    block_steps = (dense([0, 1], [0], [0, 1]), path(2, 1, 0), path(2, 1, 1))
    two_blocks = (dense([0, 1], [0], [0, 1]), dense([2, 3], [1], [0, 1]))
    separate = [[[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 0], [1, 0], [0, 1], [0, 1]]]
    singular = numeric([[1, 1], [1, 1]], [[2, 2]], 2)
    return {
        "strict": strict(),
        "strict-depth-3": strict_depth_3(),
        "strict-correlated": strict_correlated(),
        "strict-singular-gram": strict_singular_gram(),
        "strict-dead-weights": strict_dead_weights(),
        "family-affine": family_affine(),
        "family-two-parameters": family_two_parameters(),
        "family-nonlinear": family_nonlinear(),
        "fibre": fibre(),
        "fibre-false-friend": fibre_false_friend(),
        "fibre-two-outputs-depth-3": fibre_two_outputs_depth_3(),
        "fibre-strict": fibre_strict(),
        "ball": ball_three_outputs(),
        "ball-correlated": ball_correlated(),
        "ball-depth-3": ball_depth_3(),
        "lifted-family": lifted(strict()),
        "lifted-strict": lifted_strict(),
        "lifted-fibre": lifted_fibre(),
        "lifted-depth-3": lifted_depth_3(),
        "lifted-correlated-outside": lifted_correlated_outside(),
        "path-scalar-output": benign([ONES, [[1, 1]]], "any", path(0, 0, 0), path(1, 1, 0)),
        "path-scalar-input-depth-3": benign([[[1], [1]], ONES, UNIT], "any", path(0, 0, 0, 0), path(0, 1, 1, 1)),
        "path-one-layer": benign([[[1, 0], [1, 1]]], "any", path(0, 0), path(0, 1), path(1, 1)),
        "path-orthogonal": benign([UNIT, UNIT], "orthogonal", path(0, 0, 0), path(1, 1, 1)),
        "path-singular-data": benign([ONES, [[1, 1]]], singular, path(0, 0, 0), path(1, 1, 0)),
        "nothing-covered": benign([[[1, 1]], [[0], [0]]], "any"),
        "wide-block-inputs": benign([ONES, [[1, 1], [1, 1], [1, 1]]], "any", wide([0, 1], "inputs")),
        "wide-block-outputs": benign([[[1, 1, 1], [1, 1, 1]], ONES], "any", wide([0, 1], "outputs")),
        "wide-block-and-path": benign(
            [[[1, 1, 0], [1, 1, 0], [0, 0, 1]], [[1, 1, 1], [1, 1, 0]]], "any", wide([0, 1], "inputs"), path(2, 2, 0)
        ),
        "dense-block-any": benign(
            separate, "any", dense([0, 1], [0], [0, 1]), dense([2, 3], [1], [2, 3]), assumes=(BALDI_HORNIK,)
        ),
        "dense-block-orthogonal": benign(SHARED, "orthogonal", *two_blocks, assumes=(BALDI_HORNIK,)),
        "dense-block-orthogonal-data": benign(
            SHARED,
            numeric([[2 * (i == j) for j in range(4)] for i in range(4)], [[1, 2, 3, 4], [4, 3, 2, 2]], 40),
            *two_blocks,
            assumes=(BALDI_HORNIK,),
        ),
        "dense-block-and-paths": benign(BLOCK_AND_PATHS, "orthogonal", *block_steps, assumes=(BALDI_HORNIK,)),
        "dense-block-depth-3": benign(
            [ONES, [[1, 1]], [[1], [1]]], "any", dense([0, 1], [0, 1], [0], [0, 1]), assumes=(KAWAGUCHI,)
        ),
        "contract-wide": benign(
            [BLOCK_AND_PATHS[0], [[1, 1], [1, 1], [1, 1]], [[1, 1, 1], [1, 1, 1]]],
            "orthogonal",
            contract(2),
            *block_steps,
            assumes=(BALDI_HORNIK,),
        ),
        "contract-to-one-layer": benign(
            [[[1, 1], [1, 1], [1, 1]], [[1, 1, 1], [1, 1, 1]]],
            "any",
            contract(1),
            path(0, 0),
            path(0, 1),
            path(1, 0),
            path(1, 1),
        ),
        "contract-series": benign(
            [UNIT, [[1, 1]], [[1], [1]]], "any", contract(1), dense([0, 1], [0], [0, 1]), assumes=(BALDI_HORNIK,)
        ),
        "contract-twice": benign(
            [UNIT, UNIT, ONES, ONES],
            "any",
            contract(1),
            contract(2),
            path(0, 0, 0),
            path(0, 0, 1),
            path(1, 1, 0),
            path(1, 1, 1),
        ),
        "two-outputs": generic(SIX),
        "two-inputs": generic([[[1, 1], [1, 0]], [[1, 1], [0, 1], [1, 1]]]),
        "trap": trap_two_units(),
        "trap-negative-sign": trap_negative_sign(),
        "trap-three-inputs": trap_three_inputs(),
        "relax-six": relax_six(),
        "relax-correlated": relax_correlated(),
        "relax-chain-depth-3": chain(3, 0),
        "relax-chain-depth-3-useless-direction": chain(3, 1),
        "relax-chain-depth-4": chain(4, 0),
        "relax-in-lifted": lifted_relax(),
        "absorb-inputs": absorb_inputs(),
        "absorb-outputs": absorb_outputs(),
        "not-attained-data": unattained_corner(),
        "not-attained-data-by-cases": unattained_split(),
        "not-attained-data-weighted": unattained_weighted(),
        "bundle": bundle(fibre(), benign([ONES, [[1, 1]]], "any", path(0, 0, 0), path(1, 1, 0)), generic(SIX)),
    }


# -- invalid ----------------------------------------------------------------------------------------------


def edited(body: Json, changes: dict[str, Any]) -> Json:
    """A copy with other values at places such as ``point/0/1/2``."""
    body = deepcopy(body)
    for place, value in changes.items():
        *above, last = place.split("/")
        target: Any = body
        for key in above:
            target = target[int(key)] if isinstance(target, list) else target[key]
        target[int(last) if isinstance(target, list) else last] = value
    return body


def broken(body: Json, changes: dict[str, Any]) -> Json:
    """A copy with other values, and the losses of these in the statement."""
    return restated(edited(body, changes))


def saddle() -> Json:
    """The origin of the 1-1-1 network: gradient 0, Hessian [[0, -1], [-1, 0]]."""
    return spurious([[[1]], [[1]]], whitened([[1]]), [[[0]], [[0]]], family(), [[[1]], [[1]]], "strict")


def flat_saddle(minimum: Json) -> Json:
    """The origin of the 1-1-1-1 network: gradient and Hessian 0, yet no minimum."""
    masks = [[[1]], [[1]], [[1]]]
    return spurious(masks, whitened([[1]]), [[[0]], [[0]], [[0]]], minimum, [[[1]], [[1]], [[1]]], "degenerate")


def degenerate_saddle(minimum: Json) -> Json:
    """Of SIX: positive semidefinite Hessian, but the fibre holds saddles (q can be moved to 0 along it)."""
    return spurious(SIX, SIX_DATA, [[[1, 0], [0, 0]], [[1, 0], [0, 0]]], minimum, SIX_BETTER, "degenerate")


def ball_at_saddle() -> Json:
    point = [[["1/1000"]], [["1"]]]
    minimum = ball([[[1]], [[1]]], [(1, 0, 0)], "1/100", "1/2")
    return spurious([[[1]], [[1]]], numeric([[1]], [[0]], 1), point, minimum, [[[0]], [[1]]], "strict")


def ball_past_the_gauge() -> Json:
    """With W_1 frozen at 1 the loss is exactly quadratic, but the bound for the gauge needs a radius below 1/4."""
    masks, point = [ONES, ONES], [UNIT, [[2, 1], [1, 1]]]
    minimum = ball(masks, [(0, i, j) for i in (0, 1) for j in (0, 1)], "1/4", "1/2")
    return spurious(masks, whitened(point[1]), point, minimum, [UNIT, [[0, 0], [0, 0]]], "strict")


def invalid() -> dict[str, Json]:
    good = valid()
    three, six, round_, deep = good["strict"], good["family-affine"], good["ball"], good["fibre-false-friend"]
    large, apart, caught = good["lifted-family"], good["lifted-correlated-outside"], good["trap"]
    scalar, blocks, series = good["path-scalar-output"], good["dense-block-and-paths"], good["contract-series"]
    line = [[[1]], [[1]], [[1]]]
    assumed = {"statement": {"loss": "squared", "assumes": [BALDI_HORNIK]}}
    free = {"statement": {"loss": "convex", "assumes": []}}
    false_friend = (path(0, 0, 0, 0), path(1, 1, 0, 0), path(0, 0, 1, 1))
    dense_222 = [ONES, ONES]
    stair = [[[1, 1, 0], [0, 1, 1]], ONES]
    nothing = family()
    return {
        # a minimum that is none, or is another one
        "saddle": saddle(),
        "gradient-not-zero": broken(three, {"point/0/1/2": "3"}),
        "gradient-small-but-not-zero": broken(three, {"point/0/1/2": "400000001/100000000"}),
        "negative-curvature": broken(three, {"data/C/0/1": "5", "data/C/1/0": "5", "data/c0": "34"}),
        "better-is-worse": broken(three, {"better": three["point"]}),
        "better-is-equal": broken(
            three, {"better/0/0/0": "-8", "better/0/1/0": "0", "better/0/1/1": "0", "better/1/0/1": "0"}
        ),
        "strict-for-degenerate": edited(six, {"statement/minimum": "strict"}),
        "degenerate-for-strict": edited(three, {"statement/minimum": "degenerate"}),
        "strict-without-evidence": edited(six, {"minimum": nothing, "statement/minimum": "strict"}),
        "loss-overstated": edited(three, {"statement/loss_at_least": "10"}),
        "loss-understated": edited(three, {"statement/loss_at_most": "9"}),
        "better-loss-understated": edited(three, {"statement/better_loss": "7"}),
        # critical-family
        "family-not-critical": edited(six, {"minimum": family(([1], [[[0, 0], [0, 1]], [[0, 0], [0, 0]]]))}),
        "family-not-critical-far-away": edited(good["family-nonlinear"], {"minimum/terms/2/direction/0/1/0": "0"}),
        "family-through-flat-saddle": flat_saddle(
            family(*[([int(n == k) for k in range(3)], flat_direction(n)) for n in range(3)])
        ),
        "family-without-terms": edited(good["family-two-parameters"], {"minimum": nothing}),
        "family-with-fast-parameter": edited(six, {"minimum/terms/0/powers": [2]}),
        # critical-fibre
        "fibre-too-large": edited(good["fibre"], {"minimum/free": SIX}),
        "fibre-too-large-depth-3": edited(deep, {"minimum/free/0/0/0": 1}),
        "fibre-too-small": edited(deep, {"minimum/free": flags(FRIEND, [])}),
        "fibre-not-a-submersion": degenerate_saddle(
            {"kind": "critical-fibre", "free": flags(SIX, [(0, 1, 0), (1, 0, 1)])}
        ),
        "fibre-of-flat-saddle": flat_saddle({"kind": "critical-fibre", "free": line}),
        "fibre-of-flat-saddle-one-edge": flat_saddle({"kind": "critical-fibre", "free": flags(line, [(0, 0, 0)])}),
        # ball
        "ball-radius-too-large": edited(round_, {"minimum/radius": "1/10"}),
        "ball-past-the-gauge": ball_past_the_gauge(),
        "ball-radius-zero": edited(round_, {"minimum/radius": "0"}),
        "ball-radius-negative": edited(round_, {"minimum/radius": "-1/100"}),
        "ball-curvature-too-large": edited(round_, {"minimum/curvature": "1/2"}),
        "ball-curvature-negative": edited(round_, {"minimum/curvature": "-1/20"}),
        "ball-gradient-too-large": broken(round_, {"point/0/1/0": "1/2"}),
        "ball-radius-too-small": edited(round_, {"minimum/radius": "1/10000000"}),
        "ball-one-frozen-too-many": edited(round_, {"minimum/frozen/0/1/0": 1}),
        "ball-one-frozen-too-few": edited(round_, {"minimum/frozen/0/0/0": 0}),
        "ball-frozen-twice-in-one-unit": edited(round_, {"minimum/frozen/0/0/0": 0, "minimum/frozen/0/1/1": 1}),
        "ball-frozen-in-the-wrong-unit": edited(round_, {"minimum/frozen": flags(THREE, [(0, 0, 0), (1, 0, 0)])}),
        "ball-at-a-saddle": broken(
            round_,
            {
                "data": strict()["data"] | {"C": strings([[1, 6, 0], [6, 1, 0], [0, 0, 4]]), "c0": "45"},
                "point": strings(THREE_POINT),
            },
        ),
        "ball-not-spurious": ball_at_saddle(),
        "ball-loss-without-margin": edited(round_, {"statement/loss_at_least": round_["statement"]["loss_at_most"]}),
        "ball-degenerate": edited(round_, {"statement/minimum": "degenerate"}),
        # lifted
        "lifted-correlated-input": edited(apart, {"data/G/0/4": "1/2", "data/G/4/0": "1/2"}),
        "lifted-target-outside": edited(large, {"data/C/3/3": "1", "data/c0": "37/2"}),
        "lifted-target-outside-row": edited(large, {"data/C/3/0": "1", "data/c0": "37/2"}),
        "lifted-weight-outside": edited(large, {"point/0/2/3": "1"}),
        "lifted-no-path": broken(
            good["lifted-depth-3"], {"minimum/inputs": [1], "minimum/outputs": [1], "data/C": [["0", "0"]] * 3}
        ),
        "lifted-part-too-small": edited(large, {"minimum/outputs": [0, 1]}),
        "lifted-strict-for-degenerate": edited(large, {"statement/minimum": "strict"}),
        "lifted-degenerate-for-strict": edited(good["lifted-strict"], {"statement/minimum": "degenerate"}),
        "lifted-saddle": broken(large, {"data/C/0/1": "5", "data/C/1/0": "5", "data/c0": "34"}),
        "lifted-inner-unexplained": edited(good["lifted-fibre"], {"minimum/minimum": nothing}),
        "lifted-inner-fibre-too-large": edited(good["lifted-depth-3"], {"minimum/minimum/free/0/0/0": 1}),
        # data
        "data-indefinite": edited(three, {"data/G/0/1": "2", "data/G/1/0": "2"}),
        "data-negative-diagonal": edited(scalar, {"data": numeric([[1, 0], [0, -1]], [[0, 0]], 0)}),
        "data-not-symmetric": edited(three, {"data/G/0/1": "1/2"}),
        "data-out-of-range": edited(good["path-singular-data"], {"data/C/0/1": "3", "data/c0": "100"}),
        "data-constant-too-small": broken(three, {"data/c0": "35/2"}),
        "data-constant-too-small-by-little": edited(good["path-singular-data"], {"data/c0": "1999999999/1000000000"}),
        # benign
        "path-false-friend": benign(FRIEND, "any", *false_friend),
        "path-false-friend-orthogonal": benign(FRIEND, "orthogonal", *false_friend),
        "path-two-inputs-two-outputs": benign(SIX, "any", path(0, 0, 0), path(0, 1, 1), path(1, 1, 0), path(1, 1, 1)),
        "path-one-missing": benign([ONES, [[1, 1]]], "any", path(0, 0, 0)),
        "path-without-edge": benign([UNIT, [[1, 1]]], "any", path(0, 0, 0), path(1, 0, 0)),
        "no-steps": benign([ONES, [[1, 1]]], "any"),
        "wide-block-too-few": benign([[[1, 1, 1], [1, 1, 1]], [[1, 1], [1, 1], [1, 1]]], "any", wide([0, 1], "inputs")),
        "wide-block-different-inputs": benign(stair, "any", wide([0, 1], "inputs")),
        "wide-block-different-outputs": benign([ONES, [[1, 0], [1, 1], [0, 1]]], "any", wide([0, 1], "outputs")),
        "wide-block-wrong-side": benign([ONES, [[1, 1], [1, 1], [1, 1]]], "any", wide([0, 1], "outputs")),
        "wide-block-common-outputs-only": benign([ONES, [[1, 0], [1, 1]]], "any", wide([0, 1], "inputs")),
        "wide-block-depth-3": benign([ONES, ONES, ONES], "any", wide([0, 1], "inputs")),
        "dense-block-shares-outputs": benign(
            SHARED, "any", dense([0, 1], [0], [0, 1]), dense([2, 3], [1], [0, 1]), assumes=(BALDI_HORNIK,)
        ),
        "dense-block-shares-pairs": benign(
            stair, "orthogonal", dense([0, 1], [0], [0, 1]), dense([1, 2], [1], [0, 1]), assumes=(BALDI_HORNIK,)
        ),
        "dense-block-correlated-data": edited(
            good["dense-block-orthogonal-data"], {"data/G/0/2": "1", "data/G/2/0": "1"}
        ),
        "dense-block-singular-data": edited(
            good["dense-block-orthogonal-data"], {"data/G/0/0": "0", "data/C/0/0": "0", "data/C/1/0": "0"}
        ),
        "dense-block-not-dense": benign(
            [[[1, 1], [1, 0]], ONES], "any", dense([0, 1], [0, 1], [0, 1]), assumes=(BALDI_HORNIK,)
        ),
        "dense-block-half-a-unit": benign(
            [[[1, 1, 1]], [[1], [1]]],
            "orthogonal",
            dense([0, 1], [0], [0, 1]),
            path(2, 0, 0),
            path(2, 0, 1),
            assumes=(BALDI_HORNIK,),
        ),
        "dense-block-without-one-unit": benign(dense_222, "any", dense([0, 1], [0], [0, 1]), assumes=(BALDI_HORNIK,)),
        "dense-block-one-layer": benign([ONES], "any", dense([0, 1], [0, 1]), assumes=(BALDI_HORNIK,)),
        "dense-block-false-friend": benign(FRIEND, "any", dense([0, 1], [0, 1], [0, 1], [0, 1]), assumes=(KAWAGUCHI,)),
        "contract-not-wide": benign(
            [[[1, 1, 1], [1, 1, 1]], [[1, 1], [1, 1]]],
            "any",
            contract(1),
            *[path(j, o) for o in (0, 1) for j in (0, 1, 2)],
        ),
        "contract-wide-but-sparse": benign(
            [[[1, 1], [1, 1], [1, 0]], [[1, 1, 1], [1, 1, 1]]],
            "any",
            contract(1),
            *[path(j, o) for o in (0, 1) for j in (0, 1)],
        ),
        "contract-two-edges-in": benign(
            FRIEND, "any", contract(1), *[path(j, o, o) for j, o in ((0, 0), (1, 0), (0, 1))]
        ),
        "contract-same-pair-twice": benign([[[1, 0], [1, 0]], [[1, 1], [0, 0]]], "any", contract(1), path(0, 0)),
        "contract-unit-without-output": benign([[[1], [1]], [[1, 0]]], "any", contract(1), path(0, 0)),
        "contract-after-rule": edited(series, {"steps": [path(0, 0, 0, 0), contract(1), series["steps"][1]]}),
        "assumption-hidden": edited(blocks, free),
        "assumption-hidden-but-squared": edited(blocks, {"statement/assumes": []}),
        "assumption-added": edited(scalar, assumed),
        "assumption-of-other-depth": edited(good["dense-block-depth-3"], assumed),
        "assumption-twice": edited(blocks, {"statement/assumes": [BALDI_HORNIK, BALDI_HORNIK]}),
        "convex-with-assumption": edited(blocks, {"statement/loss": "convex"}),
        "squared-without-assumption": edited(scalar, {"statement/loss": "squared"}),
        # benign-generic
        "generic-three-outputs": generic(THREE),
        "generic-depth-3": generic([[[1, 1, 0], [0, 0, 1]], [[1, 1]], [[1], [1]]]),
        "generic-one-layer": generic([ONES]),
        # trap
        "trap-start-above-a-face": broken(caught, {"start/0/0/1": "2"}),
        "trap-start-in-another-orthant": edited(caught, {"start/0/0/1": "-1/2"}),
        "trap-start-on-a-face": edited(caught, {"start/0/0/1": "0"}),
        "trap-other-signs": edited(caught, {"signs/0/0/1": "-1"}),
        "trap-better-not-below": broken(caught, {"better/0/0/1": "0"}),
        "trap-steps-settle-too-little": edited(caught, {"steps": caught["steps"][:3]}),
        "trap-no-steps": edited(caught, {"steps": []}),
        "trap-edge-too-early": edited(caught, {"steps": caught["steps"][1:]}),
        "trap-nothing-left": edited(caught, {"steps": [caught["steps"][0], edge(0, 1, 0), *caught["steps"][1:]]}),
        "trap-factor-may-vanish": edited(good["trap-three-inputs"], {"steps": [edge(0, 2, 2), *caught["steps"]]}),
        "trap-path-of-full-unit": edited(caught, {"steps/0": path(0, 0, 0)}),
        "trap-correlated-data": edited(caught, {"data/G/0/1": "1/2", "data/G/1/0": "1/2", "data/c0": "10"}),
        "trap-bound-overstated": edited(caught, {"statement/bound": "3/4"}),
        "trap-reachable-target": broken(caught, {"data/C/1/1": "1"}),
        # relax
        "relax-residual-not-zero": edited(good["relax-six"], {"minimum/pairs": [[0, 0], [1, 1]]}),
        "relax-too-many-pairs": edited(
            good["relax-six"], {"minimum/pairs": [[0, 0], [0, 1], [1, 0]], "minimum/minimum": family()}
        ),
        "relax-too-few-pairs": edited(good["relax-chain-depth-3"], {"minimum/pairs": CHAIN_PAIRS[:3]}),
        "relax-near-minimum": near_minimum(),
        "relax-saddle-of-a-dead-unit": useless_dead_unit([[0, 0]]),
        "relax-saddle-of-a-dead-unit-all-pairs": useless_dead_unit([[0, 0], [1, 0]]),
        "relax-hidden-descent": hidden_descent({"kind": "relax", "pairs": [[0, 0]], "minimum": family()}),
        "relax-hidden-descent-without-pairs": hidden_descent({"kind": "relax", "pairs": [], "minimum": family()}),
        "relax-strict-for-degenerate": edited(good["relax-six"], {"statement/minimum": "strict"}),
        # absorb
        "absorb-singular": broken(good["absorb-inputs"], {"point/0/3/3": "0", "point/0/3/4": "0"}),
        "absorb-too-few": edited(good["absorb-inputs"], {"minimum/steps/0/by": [2]}),
        "absorb-other-side": edited(good["absorb-inputs"], {"minimum/steps/0/side": "outputs"}),
        "absorb-takes-over-too-little": edited(
            broken(good["absorb-inputs"], {"masks/1/2/4": 1}), {"minimum/steps/0/unit": 4}
        ),
        "absorb-saddle": broken(good["absorb-inputs"], {"data/C/0/1": "5", "data/C/1/0": "5", "data/c0": "73/2"}),
        # not-attained-data
        "unattained-path-diverges": edited(good["not-attained-data"], {"path/1/power": 0}),
        "unattained-path-to-another-value": edited(good["not-attained-data"], {"path/1/weights/0/0/1": "2"}),
        "unattained-path-to-the-origin": edited(good["not-attained-data"], {"path": []}),
        "unattained-infimum-other": edited(good["not-attained-data"], {"statement/infimum": "1/2"}),
        "unattained-identity-other": edited(good["not-attained-data"], {"refutation/terms/0/coefficient": "1"}),
        "unattained-identity-nothing": edited(good["not-attained-data"], {"refutation/terms": []}),
        "unattained-factor-may-be-zero": edited(
            good["not-attained-data"], {"refutation": identity([V, W], ([1, 1], 1, []))}
        ),
        "unattained-case-open": edited(good["not-attained-data-by-cases"], {"refutation/nonzero": identity([V])}),
        "unattained-but-attained": unattained(
            [[[1]], [[1]]],
            whitened([[1]]),
            "0",
            identity([], ([0, 0], -1, [])),
            (1, [[[1]], [[0]]]),
            (-1, [[[0]], [[1]]]),
        ),
        # bundle
        "bundle-with-one-invalid": bundle(fibre(), saddle(), generic(SIX)),
    }


def flat_direction(n: int) -> Any:
    return [[[int(n == k)]] for k in range(3)]


# -- malformed --------------------------------------------------------------------------------------------


def malformed() -> dict[str, Json | bytes]:
    good = valid()
    three, scalar, six = good["strict"], good["path-scalar-output"], good["family-affine"]
    text = encode(scalar)

    def without(body: Json, key: str) -> Json:
        return {k: v for k, v in body.items() if k != key}

    def number(value: Any) -> Json:
        return edited(three, {"point/0/0/0": value})

    return {
        # files
        "empty": b"",
        "white-space": b" \n",
        "not-json": b"certificate\n",
        "not-utf-8": text.replace(b'"any"', b'"an\xff"'),
        "utf-16": text.decode().encode("utf-16"),
        "byte-order-mark": b"\xef\xbb\xbf" + text,
        "two-values": text + text,
        "truncated": text[:-3],
        "trailing-comma": text.replace(b"]]]", b"]],]", 1),
        "comment": b"// ok\n" + text,
        "list": b"[]\n",
        "string": b'"valid"\n',
        "null": b"null\n",
        "number": b"1\n",
        "nan": text.replace(b'{"class":"any"}', b"NaN"),
        "infinity": text.replace(b'"path":[0,0,0]', b'"path":[0,0,Infinity]'),
        # keys
        "key-twice": text.replace(b'"kind":"benign"', b'"kind":"benign","kind":"benign"'),
        "key-twice-escaped": text.replace(b'"kind":"benign"', b'"kind":"trap","\\u006bind":"benign"'),
        "key-twice-inside": text.replace(b'"loss":"convex"', b'"loss":"convex","loss":"convex"'),
        "key-unknown": scalar | {"comment": "trust me"},
        "key-unknown-in-statement": edited(three, {"statement/unique": "1"}),
        "key-unknown-in-minimum": edited(three, {"minimum/free": []}),
        "key-unknown-in-step": edited(scalar, {"steps/0/units": [0]}),
        "key-unknown-in-data": edited(three, {"data/class": "any"}),
        "key-missing-format": without(scalar, "format"),
        "key-missing-kind": without(scalar, "kind"),
        "key-missing-masks": without(scalar, "masks"),
        "key-missing-better": without(three, "better"),
        "key-missing-statement": without(three, "statement"),
        "key-missing-in-statement": edited(three, {"statement": without(three["statement"], "better_loss")}),
        "key-missing-in-minimum": edited(three, {"minimum": without(three["minimum"], "terms")}),
        "key-missing-in-term": edited(six, {"minimum/terms/0": without(six["minimum"]["terms"][0], "powers")}),
        "key-missing-in-step": edited(scalar, {"steps/0": {"rule": "path"}}),
        "key-missing-in-data": edited(three, {"data": without(three["data"], "c0")}),
        "format-other": scalar | {"format": "symverify-certificate/2"},
        "format-list": scalar | {"format": [FORMAT]},
        "kind-other": scalar | {"kind": "harmless"},
        "kind-list": scalar | {"kind": ["benign"]},
        "minimum-kind-other": edited(three, {"minimum/kind": "obvious"}),
        "minimum-a-string": edited(three, {"minimum": "strict"}),
        "rule-other": edited(scalar, {"steps/0/rule": "faith"}),
        "rule-missing": edited(scalar, {"steps/0": {"path": [0, 0, 0]}}),
        "step-a-string": edited(scalar, {"steps/0": "path"}),
        "class-other": edited(scalar, {"data/class": "generic"}),
        "generic-for-any-data": edited(good["two-outputs"], {"data/class": "any"}),
        "generic-rule-other": edited(good["two-outputs"], {"rule": "three-outputs"}),
        "statement-word-other": edited(three, {"statement/minimum": "global"}),
        "statement-loss-other": edited(scalar, {"statement/loss": "every"}),
        "trap-rule-other": edited(good["trap"], {"steps/0": contract(1)}),
        "lifted-ball": lifted(ball_three_outputs()),
        "lifted-twice": edited(good["lifted-fibre"], {"minimum/minimum": good["lifted-fibre"]["minimum"]}),
        # numbers
        "float": number(1.0),
        "float-as-mask": edited(three, {"masks/0/0/0": 1.0}),
        "exponent": text.replace(b'"path":[0,0,0]', b'"path":[0,0,0e1]'),
        "integer-for-rational": number(1),
        "null-for-rational": number(None),
        "true-for-rational": number(True),
        "list-for-rational": number(["1"]),
        "rational-empty": number(""),
        "rational-not-lowest": number("2/4"),
        "rational-over-one": number("1/1"),
        "rational-zero-over": number("0/3"),
        "rational-over-zero": number("1/0"),
        "rational-minus-zero": number("-0"),
        "rational-plus": number("+1"),
        "rational-exponent": number("1e3"),
        "rational-decimal": number("0.5"),
        "rational-space": number(" 1"),
        "rational-newline": number("1\n"),
        "rational-leading-zero": number("01"),
        "rational-leading-zero-below": number("1/02"),
        "rational-minus-below": number("1/-2"),
        "rational-two-bars": number("1/2/3"),
        "rational-underscore": number("1_0"),
        "rational-hexadecimal": number("0x1"),
        "rational-name": number("inf"),
        "rational-arabic-digits": number("\u0661"),
        "rational-full-width-digits": number("\uff11"),
        "rational-superscript": number("1\u00b2"),
        "rational-minus-sign": number("\u22121"),
        "rational-nul": number("1\u0000"),
        "rational-surrogate": number("\ud800"),
        # indices
        "index-minus-zero": text.replace(b'"path":[0,0,0]', b'"path":[0,0,-0]'),
        "index-true": edited(scalar, {"steps/0/path/0": True}),
        "index-string": edited(scalar, {"steps/0/path/0": "0"}),
        "index-negative": edited(scalar, {"steps/0/path/0": -1}),
        "index-too-large": edited(scalar, {"steps/0/path/0": 2}),
        "index-enormous": text.replace(b'"path":[0,0,0]', b'"path":[0,0,' + b"1" * 100 + b"]"),
        "path-too-short": edited(scalar, {"steps/0/path": [0, 0]}),
        "path-too-long": edited(scalar, {"steps/0/path": [0, 0, 0, 0]}),
        "units-empty": edited(good["wide-block-inputs"], {"steps/0/units": []}),
        "units-out-of-range": edited(good["wide-block-inputs"], {"steps/0/units": [0, 2]}),
        "unit-twice": benign([[[1, 1]], [[1], [1]]], "any", wide([0, 0], "inputs")),
        "side-other": edited(good["wide-block-inputs"], {"steps/0/side": "left"}),
        "block-node-twice": edited(good["dense-block-any"], {"steps/0/nodes/0": [0, 0]}),
        "block-layer-empty": edited(good["dense-block-any"], {"steps/0/nodes/1": []}),
        "block-layer-missing": edited(good["dense-block-any"], {"steps/0/nodes": [[0, 1], [0, 1]]}),
        "contract-then-old-indices": edited(good["contract-series"], {"steps/1": dense([0, 1], [0, 1], [0, 1])}),
        "contract-the-inputs": edited(good["contract-series"], {"steps/0/layer": 0}),
        "contract-the-outputs": edited(good["contract-series"], {"steps/0/layer": 3}),
        "lifted-inputs-not-sorted": edited(good["lifted-fibre"], {"minimum/inputs": [1, 0]}),
        "lifted-inputs-twice": edited(good["lifted-fibre"], {"minimum/inputs": [0, 0, 1]}),
        "lifted-inputs-empty": edited(good["lifted-fibre"], {"minimum/inputs": []}),
        "trap-edge-off-the-mask": edited(good["trap"], {"steps/1/edge": [0, 1, 1]}),
        "trap-sign-two": edited(good["trap"], {"signs/0/0/1": "2"}),
        "trap-without-signs": edited(good["trap"], {"signs": strings([[[0, 0], [0, 0]]] * 2)}),
        "relax-pair-not-joined": edited(good["relax-six"], {"minimum/pairs": [[0, 2]]}),
        "relax-pair-twice": edited(good["relax-six"], {"minimum/pairs": [[0, 0], [0, 0]]}),
        "relax-pair-of-three": edited(good["relax-six"], {"minimum/pairs": [[0, 0, 0]]}),
        "relax-in-relax": edited(good["relax-six"], {"minimum/minimum": good["relax-six"]["minimum"]}),
        "relax-ball": edited(good["relax-six"], {"minimum/minimum": ball(SIX, [(0, 1, 0)], "1/100", "1/20")}),
        "relax-lifted": edited(good["relax-six"], {"minimum/minimum": good["lifted-fibre"]["minimum"]}),
        "absorb-no-steps": edited(good["absorb-inputs"], {"minimum/steps": []}),
        "absorb-layer-zero": edited(good["absorb-inputs"], {"minimum/steps/0/layer": 0}),
        "absorb-layer-of-the-outputs": edited(good["absorb-inputs"], {"minimum/steps/0/layer": 2}),
        "absorb-by-itself": edited(good["absorb-inputs"], {"minimum/steps/0/by": [2, 4]}),
        "absorb-by-not-in-order": edited(good["absorb-inputs"], {"minimum/steps/0/by": [3, 2]}),
        "absorb-by-nothing": edited(good["absorb-inputs"], {"minimum/steps/0/by": []}),
        "absorb-side-other": edited(good["absorb-inputs"], {"minimum/steps/0/side": "left"}),
        "absorb-unit-twice": edited(
            good["absorb-inputs"], {"minimum/steps": [absorb_step(1, 4, [2, 3], "inputs")] * 2}
        ),
        "unattained-power-twice": edited(good["not-attained-data"], {"path/1/power": 1}),
        "unattained-power-true": edited(good["not-attained-data"], {"path/0/power": True}),
        "unattained-power-large": edited(good["not-attained-data"], {"path/0/power": 100}),
        "unattained-split-twice": edited(
            good["not-attained-data-by-cases"], {"refutation/nonzero": good["not-attained-data-by-cases"]["refutation"]}
        ),
        "unattained-split-off-the-mask": edited(good["not-attained-data-by-cases"], {"refutation/split": [0, 1, 1]}),
        "unattained-edge-off-the-mask": edited(good["not-attained-data"], {"refutation/terms/0/edges/0": [1, 1, 1]}),
        "unattained-pair-not-joined": edited(good["not-attained-data-weighted"], {"refutation/terms/0/pair": [2, 0]}),
        "unattained-refutation-a-list": edited(good["not-attained-data"], {"refutation": []}),
        "unattained-coefficient-an-integer": edited(good["not-attained-data"], {"refutation/terms/0/coefficient": 1}),
        "unattained-for-a-class": edited(good["not-attained-data"], {"data": {"class": "any"}}),
        "powers-all-zero": edited(six, {"minimum/terms/0/powers": [0]}),
        "powers-negative": edited(six, {"minimum/terms/0/powers": [-1]}),
        "powers-too-many": edited(six, {"minimum/terms/0/powers": [1, 0]}),
        "powers-twice": edited(six, {"minimum/terms": six["minimum"]["terms"] * 2}),
        "parameters-too-many": edited(six, {"minimum/parameters": 7}),
        # shapes
        "masks-empty": scalar | {"masks": []},
        "masks-flat": scalar | {"masks": [[1, 1], [1, 1]]},
        "mask-without-rows": scalar | {"masks": [[], []]},
        "mask-without-columns": scalar | {"masks": [[[]], [[1]]]},
        "mask-ragged": edited(scalar, {"masks/0/1": [1]}),
        "mask-does-not-chain": edited(scalar, {"masks/1": [[1, 1, 1]]}),
        "mask-entry-two": edited(scalar, {"masks/0/0/0": 2}),
        "mask-entry-true": edited(scalar, {"masks/0/0/0": True}),
        "mask-entry-string": edited(scalar, {"masks/0/0/0": "1"}),
        "point-off-the-mask": edited(three, {"point/0/0/1": "1/1000000000000"}),
        "better-off-the-mask": edited(three, {"better/0/0/1": "3"}),
        "direction-off-the-mask": edited(six, {"minimum/terms/0/direction/0/0/1": "1"}),
        "flag-off-the-mask": edited(good["fibre"], {"minimum/free/0/0/1": 1}),
        "flag-two": edited(good["fibre"], {"minimum/free/0/0/0": 2}),
        "flag-true": edited(good["fibre"], {"minimum/free/0/0/0": True}),
        "weights-ragged": edited(three, {"point/0/1": ["0", "0"]}),
        "weights-layer-missing": edited(three, {"point": three["point"][:1]}),
        "gram-not-square": edited(three, {"data/G": three["data"]["G"][:2]}),
        "cross-of-other-shape": edited(three, {"data/C": three["data"]["C"][:2]}),
        "data-a-list": edited(three, {"data": []}),
        "data-a-class-where-numbers-are-needed": edited(three, {"data": {"class": "any"}}),
        # bundles
        "bundle-empty": bundle(),
        "bundle-nested": bundle(bundle(scalar)),
        "bundle-unknown-key": bundle(scalar) | {"kind": "benign"},
        "bundle-an-object": {"format": BUNDLE, "certificates": scalar},
        "bundle-with-one-malformed": bundle(scalar, without(scalar, "steps")),
    }


# -- files ------------------------------------------------------------------------------------------------


def encode(body: Json | bytes) -> bytes:
    """The canonical bytes of a certificate."""
    if isinstance(body, bytes):
        return body
    return (json.dumps(body, sort_keys=True, separators=(",", ":")) + "\n").encode()


def examples() -> dict[str, bytes]:
    """``valid/strict.json`` and so on, with their bytes."""
    folders: dict[str, Any] = {"valid": valid(), "invalid": invalid(), "malformed": malformed()}
    return {
        f"{folder}/{name}.json": encode(body) for folder, bodies in folders.items() for name, body in bodies.items()
    }


def main() -> None:
    """Writes the files, and removes the ones that have no recipe."""
    made = examples()
    for name, data in made.items():
        target = FOLDER / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for old in FOLDER.glob("*/*.json"):
        if old.relative_to(FOLDER).as_posix() not in made:
            old.unlink()
    print(f"{len(made)} files in {FOLDER}")


if __name__ == "__main__":
    main()
