"""Ranks at enclosed points: against numpy, and what ball arithmetic must leave open."""

from __future__ import annotations

import random
from fractions import Fraction

import flint
import numpy as np
import pytest
from landscape_instances import random_instance

from symverify.landscape.instance import Moments
from symverify.landscape.ranks import enclosed_ranks
from symverify.network import LinearNetwork


@pytest.mark.parametrize("seed", range(40))
def test_ranks_that_are_said_are_those_of_numpy(seed: int) -> None:
    network, data = random_instance(seed, 2, 14)
    rng = random.Random(seed)
    values = [Fraction(rng.choice((-2, -1, 0, 1, 3)), rng.choice((1, 2, 4))) for _ in network.edges]
    found = enclosed_ranks(network, Moments(data.gram, data.cross), [flint.arb(float(x)) for x in values])
    weights = dict(zip(network.edges, values, strict=True))
    layers = [
        np.array([[float(weights.get((l, i, j), 0)) for j in range(len(row))] for i, row in enumerate(mask)])
        for l, mask in enumerate(network.masks)
    ]
    for m in range(network.depth):
        product = np.eye(network.widths[m])
        for l in range(m, network.depth):
            product = layers[l] @ product
            assert found[f"{l + 1}..{m + 1}"] in (None, np.linalg.matrix_rank(product))
            if l == m and all(np.count_nonzero(row) <= 1 for row in [*product, *product.T]):
                assert found[f"{l + 1}..{m + 1}"] is not None
    gram, cross = (np.array([[float(x) for x in row] for row in matrix]) for matrix in (data.gram, data.cross))
    whole = layers[0]
    for w in layers[1:]:
        whole = w @ whole
    assert found["R"] in (None, np.linalg.matrix_rank(whole @ gram - cross))


def test_a_rank_that_only_looks_full_is_left_open() -> None:
    """Entries known up to 1e-3, determinant 1e-4."""
    network = LinearNetwork.dense(2, 2, 2)
    one = ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(1)))
    wide = [flint.arb(x, 1e-3) for x in (1.0, 1.0, 1.0, 1.0001)]
    found = enclosed_ranks(network, Moments(one, one), [*wide, *(flint.arb(x) for x in (1, 0, 0, 1))])
    assert found["1..1"] is None and found["2..1"] is None and found["2..2"] == 2


def test_zero_is_exact() -> None:
    network = LinearNetwork.dense(2, 1, 2)
    third = Fraction(1, 3)
    gram = ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(1)))
    cross = ((third, third), (third, third))
    found = enclosed_ranks(network, Moments(gram, cross), [flint.arb(0)] * 4)
    assert found == {"1..1": 0, "2..1": 0, "2..2": 0, "R": 1}
