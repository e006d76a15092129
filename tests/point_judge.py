"""An independent judge of critical-point certificates: exact derivatives by python-flint, Newton's method, floats.

It shares nothing with the checker; it may say no to what is true but too near to a limit, never yes by its own rules
to what contradicts its arithmetic.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from symverify.data import Data, as_rationals
from symverify.exact import Vector, inertia, rank
from symverify.landscape.evidence import Objective, polish
from symverify.landscape.symmetry import regularised_fields
from symverify.loss import residual, vector_of, weights_of
from symverify.network import LinearNetwork

Json = dict[str, Any]
TINY = Fraction(1, 10**28)


def holds(body: Json) -> bool:
    """Whether the statement of the certificate is found true."""
    net = LinearNetwork.from_masks(body["masks"])
    data = Data.from_moments(body["data"]["G"], body["data"]["C"], body["data"]["c0"])
    problem = Objective(net, data, vector(net, body["regularisation"]))
    point = vector(net, body["point"])
    if body["existence"]["kind"] == "exact":
        return holds_exactly(problem, point, body)
    return holds_in_box(problem, point, body)


def vector(net: LinearNetwork, layers: Any) -> Vector:
    return vector_of(net, tuple(as_rationals(layer, "weights") for layer in layers))


def holds_exactly(problem: Objective, point: Vector, body: Json) -> bool:
    stated = body["statement"]
    here = problem.loss(point)
    if any(problem.gradient(point)) or not here == Fraction(stated["loss_at_least"]) == Fraction(
        stated["loss_at_most"]
    ):
        return False
    signs = inertia(problem.hessian(point))
    weights = weights_of(problem.network, point)
    rest = residual(problem.network, weights, problem.data)
    if list(signs) != stated["inertia"] or stated["ranks"]["residual"] != rank(rest):
        return False
    for m in range(problem.network.depth):
        product = np.eye(problem.network.widths[m])
        for k, claimed in enumerate(stated["ranks"]["products"][m]):
            product = np.array(weights[m + k], dtype=float) @ product
            if np.linalg.matrix_rank(product) != claimed:
                return False
    gauge = rank(regularised_fields(problem.network, weights, problem.data, problem.ridge))
    covered = [
        (o, j) for o in range(problem.network.widths[-1]) for j in problem.network.inputs_of(problem.network.depth, o)
    ]
    kind = body["nature"]["kind"]
    if kind == "higher-saddle":
        return falls(problem, point, [vector(problem.network, d) for d in body["nature"]["curve"]])
    return {
        "strict-minimum": signs[2] == 0 and signs[1] == gauge,
        "saddle": signs[2] > 0,
        "semidefinite": signs[2] == 0,
        "least": not any(rest[o][j] for o, j in covered),
    }[str(kind)]


def falls(problem: Objective, point: Vector, steps: list[Vector]) -> bool:
    """Lower at t or -t, for two small t."""

    def at(t: Fraction) -> Fraction:
        return problem.loss(
            [x + sum((t**k * d[n] for k, d in enumerate(steps, 1)), Fraction(0)) for n, x in enumerate(point)]
        )

    here = problem.loss(point)
    return all(min(at(t), at(-t)) < here for t in (Fraction(1, 2**7), Fraction(1, 2**9)))


def edges_of(net: LinearNetwork, flags: Any) -> set[int]:
    return {n for n, (l, i, j) in enumerate(net.edges) if flags[l][i][j]}


def holds_in_box(problem: Objective, point: Vector, body: Json) -> bool:
    net, box, stated = problem.network, body["existence"], body["statement"]
    frozen, zero = edges_of(net, box["frozen"]), edges_of(net, box["zero"])
    free = [n for n in range(net.parameters) if n not in frozen | zero]
    if any(point[n] for n in zero):
        return False
    found = polish(problem, point, free)
    if found is None:
        return False
    exact = tuple(found[0])
    if any(abs(x - y) > Fraction(box["radius"]) for x, y in zip(exact, point, strict=True)):
        return False
    if max(map(abs, problem.gradient(exact)), default=Fraction(0)) > TINY:
        return False
    here = problem.loss(exact)
    if not Fraction(stated["loss_at_least"]) - TINY <= here <= Fraction(stated["loss_at_most"]) + TINY:
        return False
    matrix = np.array(problem.hessian(exact), dtype=float)
    kept = [n for n in range(net.parameters) if n not in zero]
    spectrum = np.linalg.eigvalsh(matrix[np.ix_(kept, kept)])
    scale = 1e-9 * (1 + np.abs(spectrum).max(initial=0.0))
    signs = [int((spectrum > scale).sum()), int((abs(spectrum) <= scale).sum()), int((spectrum < -scale).sum())]
    if signs != stated["inertia"] or signs[1] != len(frozen):
        return False
    kind = body["nature"]["kind"]
    if kind == "higher-saddle":
        return falls(problem, exact, [vector(net, d) for d in body["nature"]["curve"]])
    return {"strict-minimum": not zero and signs[2] == 0, "saddle": signs[2] > 0}[str(kind)]
