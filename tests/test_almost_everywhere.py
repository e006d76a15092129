"""`benign-almost-everywhere`: what is accepted and refused, and the types of residuals against genuine minima."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import product as cartesian
from pathlib import Path
from typing import Any

import mutants
import numpy as np
import pytest
from structures import E2, SIX_WEIGHTS, TWICE

from symverify import checking, structure_checker
from symverify.certificate import BenignAlmostEverywhere, decode_instance, encode
from symverify.data import DataClass
from symverify.enumeration import structures
from symverify.exact import as_matrix, rank
from symverify.fibre import prove_bottleneck
from symverify.loss import BatchedLoss, Floats
from symverify.network import LinearNetwork
from symverify.refute import refute, residuals
from symverify.search import descend, random_starts
from symverify.structure_checker import Pattern
from symverify.witness import accepted

SIZES = [(a, h, b) for a in (1, 2, 3) for h in (1, 2, 3) for b in (1, 2, 3)]
ROOT = Path(__file__).parent.parent
ANY, ORTHOGONAL = DataClass.ANY, DataClass.ORTHOGONAL
BOTTLENECK = LinearNetwork.from_units(([3], [1, 2]), ([1, 2], [1, 2]))
TWO_PARTS = LinearNetwork.from_units(([1, 2], [1, 2]), ([3, 4], [1, 2]))
Json = dict[str, Any]
Type = tuple[frozenset[tuple[int, int]], dict[Any, int]]


def body(network: LinearNetwork, data_class: DataClass) -> Json:
    return BenignAlmostEverywhere(network, data_class).to_json()


def outcome(value: Any) -> tuple[str, Any]:
    result: tuple[str, Any] = structure_checker.check_bytes(json.dumps(value).encode())
    return result


def accepts(network: LinearNetwork, data_class: DataClass) -> bool:
    return outcome(body(network, data_class))[0] == "valid"


def all_structures() -> Iterator[LinearNetwork]:
    for size in SIZES:
        yield from structures(*size)


def sample(count: int, seed: int) -> list[LinearNetwork]:
    return random.Random(seed).sample(list(structures(3, 3, 3)), count)


# -- what is accepted -------------------------------------------------------------------------------------

TABLE = [
    # R = 0: no pair is open
    (LinearNetwork.dense(3, 3, 1), True, True),
    (LinearNetwork.from_units(([1], [1, 2]), ([2], [1, 2])), True, True),
    (LinearNetwork.from_masks([[[1]], [[0]]]), True, True),
    # excluded: a spurious minimum for special data only
    (SIX_WEIGHTS, True, True),
    # one best approximation, of rank one and of rank two
    (LinearNetwork.dense(3, 1, 3), True, True),
    (LinearNetwork.dense(3, 2, 3), True, True),
    (LinearNetwork.dense(4, 3, 4), True, True),
    # two parts, in the same rows: the losses of the parts are coupled by correlated data
    (TWO_PARTS, True, False),
    (TWO_PARTS.transposed(), True, True),
    # two parts that share no line
    (LinearNetwork.from_units(([1, 2], [1, 2]), ([3, 4], [3, 4])), True, True),
    # one unit and further inputs of one of its outputs: not one metric
    (LinearNetwork.from_units(([1, 2], [1, 2]), ([3], [1])), True, False),
    (LinearNetwork.from_units(([1, 2], [1, 2]), ([3], [1, 2])), True, True),
    # strict spurious minima
    (TWICE, False, False),
    (E2, False, False),
    (E2.transposed(), False, False),
]


@pytest.mark.parametrize(("network", "orthogonal", "correlated"), TABLE, ids=lambda x: str(x)[:60])
def test_what_is_accepted(network: LinearNetwork, orthogonal: bool, correlated: bool) -> None:
    assert (accepts(network, ORTHOGONAL), accepts(network, ANY)) == (orthogonal, correlated)


def test_counts_up_to_3_3_3() -> None:
    """All structures, up to permutations of nodes: 1123 of 1135 for orthogonal data, 1094 for all."""
    networks = list(all_structures())
    whitened = [network for network in networks if accepts(network, ORTHOGONAL)]
    correlated = [network for network in whitened if accepts(network, ANY)]
    assert (len(networks), len(whitened), len(correlated)) == (1135, 1123, 1094)
    assert not any(accepts(network, ANY) for network in networks if network not in whitened)


def test_two_outputs_or_inputs_are_accepted_for_orthogonal_data() -> None:
    """Rule `two-outputs` of section 7, by another proof; also with four inputs."""
    rng = random.Random(0)
    for network in all_structures():
        if min(network.widths[0], network.widths[2]) <= 2:
            assert accepts(network, ORTHOGONAL)
    for _ in range(10):
        masks = [[[rng.randint(0, 1) for _ in range(b)] for _ in range(a)] for b, a in ((4, 4), (4, 2))]
        assert accepts(LinearNetwork.from_masks(masks), ORTHOGONAL)


def test_what_is_proved_is_said() -> None:
    facts = outcome(body(SIX_WEIGHTS, ORTHOGONAL))[1]
    assert facts == [
        {
            "proved": "in the 2-2-2 network with 6 weights, for every diagonal positive G and all C outside a set of"
            " measure zero, every local minimum is global; for no such G and no C is a spurious local minimum strict"
            " modulo gauge",
            "assumes": [],
        }
    ]
    assert "for every positive definite G and all C outside" in outcome(body(SIX_WEIGHTS, ANY))[1][0]["proved"]
    certificate = BenignAlmostEverywhere(SIX_WEIGHTS, ORTHOGONAL)
    assert checking.check_bytes(encode(certificate)) == ("valid", [accepted(certificate)])


def test_a_refusal_names_a_support() -> None:
    reason = outcome(body(TWICE, ORTHOGONAL))[1]
    assert outcome(body(TWICE, ORTHOGONAL))[0] == "invalid"
    assert reason.startswith("masks: a residual with support [(")
    assert reason.endswith(")] is not excluded")


def test_too_many_open_pairs() -> None:
    assert outcome(body(LinearNetwork.dense(5, 2, 3), ANY))[0] == "valid"
    status, reason = outcome(body(LinearNetwork.dense(6, 2, 3), ANY))
    assert (status, reason) == ("invalid", "masks: more than 16 pairs where the residual may be nonzero")
    thin = LinearNetwork.from_units(*(([j], [1, 2, 3]) for j in range(1, 8)))
    assert accepts(thin, ANY)  # 21 covered pairs, none open


MALFORMED: list[tuple[str, Any]] = [
    ("format", "symverify-certificate/2"),
    ("kind", "benign-almost"),
    ("kind", "benign-fibre"),
    ("kind", "benign-generic"),
    ("data", {"class": "all"}),
    ("data", {"class": ["any"]}),
    ("data", {"class": "any", "seed": 0}),
    ("data", {}),
    ("data", "any"),
    ("data", {"G": [["1"]], "C": [["1"]], "c0": "1"}),
    ("masks", [[[1, 1]]]),
    ("masks", [[[1]], [[1]], [[1]]]),
    ("masks", [[[1, 1], [1]], [[1, 1]]]),
    ("masks", [[[1, 1]], [[1, 1]]]),
    ("masks", [[[2]], [[1]]]),
    ("masks", [[[True]], [[1]]]),
    ("masks", [[[]], [[1]]]),
    ("masks", []),
    ("masks", {}),
    ("steps", []),
    ("lemmas", []),
    ("rule", "two-outputs"),
]


@pytest.mark.parametrize(("key", "value"), MALFORMED)
def test_malformed(key: str, value: Any) -> None:
    good = body(SIX_WEIGHTS, ANY)
    assert outcome(good)[0] == "valid"
    status, reason = outcome(good | {key: value})
    assert status == "malformed", reason
    assert "\n" not in reason


@pytest.mark.parametrize("key", ["format", "kind", "masks", "data"])
def test_a_key_is_missing(key: str) -> None:
    good = body(SIX_WEIGHTS, ANY)
    del good[key]
    assert outcome(good)[0] == "malformed"


@pytest.mark.parametrize("data_class", list(DataClass), ids=str)
@pytest.mark.parametrize("network", [SIX_WEIGHTS, TWO_PARTS, LinearNetwork.dense(3, 2, 3)], ids=str)
def test_accepted_mutants_are_true(network: LinearNetwork, data_class: DataClass) -> None:
    """No strict minimum is found in another network that is accepted, by code that shares nothing with the checker."""
    original = body(network, data_class)
    count = 0
    for _, _, mutant in mutants.mutants(original):
        count += 1
        if outcome(mutant)[0] != "valid" or mutant == original:
            continue
        assert set(mutant) == set(original)
        other, other_class = LinearNetwork.from_masks(mutant["masks"]), DataClass(mutant["data"]["class"])
        if other.covered and max(other.widths[0], other.widths[2]) <= 3:
            assert refute(other, other_class, strict=True) is None
    assert count > 50


# -- invariances ------------------------------------------------------------------------------------------


def test_isomorphic_and_for_orthogonal_data_transposed_structures_are_judged_alike() -> None:
    rng = random.Random(1)
    seen = set()
    for network in [TWICE, E2, SIX_WEIGHTS, TWO_PARTS, *sample(40, seed=1)]:
        moved = network.permuted([rng.sample(range(w), w) for w in network.widths])
        for data_class in DataClass:
            judged = accepts(network, data_class)
            seen.add((data_class, judged))
            assert accepts(moved, data_class) == judged
        assert accepts(network.transposed(), ORTHOGONAL) == accepts(network, ORTHOGONAL)
    assert len(seen) == 4


@pytest.mark.parametrize("network", [TWICE, SIX_WEIGHTS, TWO_PARTS, *sample(4, seed=2)], ids=str)
def test_dead_units_and_unused_nodes_change_nothing(network: LinearNetwork) -> None:
    inputs, h, outputs = network.widths
    first, second = ([list(row) for row in mask] for mask in network.masks)
    padded = [
        [[*row, 0] for row in first]
        + [[1] * inputs + [0], [0] * (inputs + 1)],  # one without outputs, one without inputs
        [[*row, 0, 1] for row in second] + [[0] * (h + 2)],
    ]
    other = LinearNetwork.from_masks(padded)
    assert other.widths == (inputs + 1, h + 2, outputs + 1)
    for data_class in DataClass:
        assert accepts(other, data_class) == accepts(network, data_class)


# -- the types --------------------------------------------------------------------------------------------


def listed_types(pattern: Pattern) -> list[Type]:
    return [
        (frozenset(support), ranks)
        for support in structure_checker.closed_supports(pattern)
        for ranks in structure_checker.rank_profiles(pattern, support)
    ]


def lines_of(masks: Any, axis: int) -> dict[int, tuple[set[int], set[int]]]:
    """Line -> (its units, the nodes that it is joined with), from the masks; axis 0: outputs, 1: inputs."""
    first, second = masks
    units = [
        ({o for o, row in enumerate(second) if row[k]}, {j for j, x in enumerate(line) if x})
        for k, line in enumerate(first)
    ]
    live = {k: pair for k, pair in enumerate(units) if all(pair)}
    lines: dict[int, tuple[set[int], set[int]]] = {}
    for k, pair in live.items():
        for line in pair[axis]:
            ks, across = lines.setdefault(line, (set(), set()))
            ks.add(k)
            across |= pair[1 - axis]
    return lines


def test_the_family_of_rectangles() -> None:
    """Blocks, and for each line the lines that all its units reach: by the definition of section 14."""
    for network in [TWICE, E2, SIX_WEIGHTS, *sample(20, seed=3)]:
        pattern = Pattern(network.masks)
        expected = set(pattern.blocks)
        for axis in (0, 1):
            lines = lines_of(network.masks, axis)
            for ks, across in lines.values():
                above = frozenset(q for q, (others, _) in lines.items() if ks <= others)
                expected.add((above, frozenset(across)) if axis == 0 else (frozenset(across), above))
        assert set(pattern.family) == expected
        assert len(pattern.family) == len(expected)
        assert all((o, j) in network.covered for rows, columns in pattern.family for o in rows for j in columns)


def type_of(pattern: Pattern, rest: Floats, tolerance: float) -> Type:
    """Support and ranks of a residual in floats, the ranks after scaling rows and columns (which keeps them)."""
    rest = np.where(np.abs(rest) > tolerance, rest, 0.0)
    support = frozenset((int(o), int(j)) for o, j in np.argwhere(rest))
    for axis in (0, 1, 0, 1):
        largest = np.abs(rest).max(axis=axis, keepdims=True)
        rest = rest / np.where(largest > 0, largest, 1.0)
    ranks = {
        (rows, columns): int(np.linalg.matrix_rank(rest[np.ix_(sorted(rows), sorted(columns))], tol=1e-2))
        for rows, columns in pattern.family
    }
    return support, ranks


def is_clear(rest: Floats) -> bool:
    """No entry leaves in doubt whether it is zero at the minimum nearby."""
    size = np.abs(rest)
    return not bool(((size > 1e-6) & (size < 1e-3)).any())


def open_ends(lines: dict[int, tuple[set[int], set[int]]], support: frozenset[tuple[int, int]], axis: int) -> bool:
    """Some line with all its units in another one is zero at a node that it is joined with, the other one is not."""
    return any(
        ks <= others and (other, node)[:: 1 - 2 * axis] in support and (line, node)[:: 1 - 2 * axis] not in support
        for line, (ks, across) in lines.items()
        for other, (others, _) in lines.items()
        for node in across
    )


def test_every_residual_that_satisfies_the_conditions_has_a_listed_type() -> None:
    """Residuals with entries 0, 1, -1 and singular blocks: listed iff the support is closed (exact ranks)."""
    found = closed = 0
    for network in [TWICE, E2, SIX_WEIGHTS, LinearNetwork.dense(3, 2, 3), *sample(25, seed=4)]:
        pattern = Pattern(network.masks)
        types = listed_types(pattern)
        lines = [lines_of(network.masks, axis) for axis in (0, 1)]
        for rest in residuals(network):
            support = frozenset((int(o), int(j)) for o, j in np.argwhere(rest))
            ranks = {
                (rows, columns): rank(as_matrix([[int(rest[o, j]) for j in sorted(columns)] for o in sorted(rows)]))
                for rows, columns in pattern.family
            }
            wanted = not any(open_ends(lines[axis], support, axis) for axis in (0, 1))
            assert ((support, ranks) in types) == wanted, (network, rest)
            found, closed = found + 1, closed + wanted
    assert found > 2 * closed > 200


def test_ranks_modulo_two() -> None:
    rng = random.Random(5)
    for _ in range(300):
        vectors = [rng.getrandbits(5) for _ in range(rng.randint(0, 6))]
        span = {0}
        for v in vectors:
            span |= {v ^ x for x in span}
        assert 2 ** structure_checker.rank_mod_2(vectors) == len(span)


def test_the_equations_of_a_rectangle_of_rank_one() -> None:
    support = set(cartesian((0, 2), (1, 2, 3))) | {(1, 0)}
    whole = (frozenset({0, 1, 2}), frozenset({1, 2, 3}))
    equations = structure_checker.minors(support, {whole: 1})
    assert structure_checker.rank_mod_2(equations) == (2 - 1) * (3 - 1)
    assert all(bin(v).count("1") == 4 for v in equations)
    assert structure_checker.minors(support, {whole: 2}) == []


def tangent_dimension(support: frozenset[tuple[int, int]], rectangles: Any, rest: Floats) -> int:
    """Of the R' supported in P with y' R' x = 0 for y, x in the left and right kernel of each rectangle."""
    pairs = sorted(support)
    equations = np.zeros((0, len(pairs)))
    for rows, columns in rectangles:
        outputs, inputs = sorted(rows), sorted(columns)
        left, values, right = np.linalg.svd(rest[np.ix_(outputs, inputs)])
        r = int((values > 1e-9).sum())
        for y, x in cartesian(left.T[r:], right[r:]):
            whole = np.zeros(rest.shape)
            whole[np.ix_(outputs, inputs)] = np.outer(y, x)
            equations = np.vstack([equations, [whole[pair] for pair in pairs]])
    return len(pairs) - (int(np.linalg.matrix_rank(equations, tol=1e-9)) if len(equations) else 0)


def test_the_dimension_of_a_type_is_not_underestimated() -> None:
    """d of `too_small` is at least the dimension of the tangent space at a residual of the type."""
    count = smaller = 0
    for network in [TWICE, E2, SIX_WEIGHTS, LinearNetwork.dense(3, 2, 3), *sample(25, seed=6)]:
        pattern = Pattern(network.masks)
        for rest in residuals(network).astype(float):
            support, ranks = type_of(pattern, rest, 1e-9)
            d = len(support) - structure_checker.rank_mod_2(structure_checker.minors(support, ranks))
            tangent = tangent_dimension(support, pattern.family, rest)
            assert tangent <= d
            count, smaller = count + 1, smaller + (d < len(support))
    assert min(count, smaller) > 100


ALL4 = frozenset(range(4))
HALF = frozenset({0, 1})


def judged(blocks: list[tuple[frozenset[int], frozenset[int]]], ranks: list[int], orthogonal: bool) -> bool:
    """`best-approximation` for units with these blocks; R is nonzero on all of them and has these ranks there."""
    masks = [
        [[int(j in inputs) for j in range(4)] for _, inputs in blocks],
        [[int(o in outputs) for outputs, _ in blocks] for o in range(4)],
    ]
    support = {(o, j) for outputs, inputs in blocks for o in outputs for j in inputs}
    return structure_checker.check_best_approximation(
        Pattern(masks), support, dict(zip(blocks, ranks, strict=True)), orthogonal
    )


def test_best_approximations_need_their_hypotheses() -> None:
    other = ALL4 - HALF
    whole, upper, lower = (ALL4, ALL4), (HALF, ALL4), (other, ALL4)
    # one block for all units of the part, of any rank
    assert all(judged([whole] * count, [rank] * count, c) for count in (1, 2) for rank in (1, 2) for c in (True, False))
    # a smaller block in the part: by ranks, rank one on the whole and as many units as that leaves room for
    assert not judged([whole, upper], [2, 1], True)
    assert not judged([whole, upper], [1, 1], True)
    assert judged([whole, upper, lower], [1, 1, 1], True)
    assert judged([whole, upper, upper], [1, 1, 1], False)
    assert not judged([whole, upper, lower], [2, 1, 1], True)
    # no rectangle
    assert not judged([(HALF, frozenset({0, 1, 2})), (frozenset({1, 2}), frozenset({1, 2, 3}))], [1, 1], True)
    # parts in different rows with the same inputs, in the same rows, with different inputs
    assert judged([upper, lower], [1, 1], False)
    assert [judged([(ALL4, HALF), (ALL4, other)], [1, 1], c) for c in (True, False)] == [True, False]
    assert judged([(HALF, HALF), (other, other)], [1, 1], False)


def test_a_line_is_crowded_by_as_many_units_as_inputs() -> None:
    """On three inputs two units fit, not three; of two that share two inputs only one fits there."""
    row = set(cartesian(range(3), range(3)))

    def crowded(*supports: tuple[int, ...]) -> bool:
        pattern = Pattern([[[int(j in s) for j in range(3)] for s in supports], [[1] * len(supports)] * 3])
        return structure_checker.crowded(pattern, pattern.lines[0], row)

    assert [crowded(*[(0, 1, 2)] * count) for count in (1, 2, 3)] == [False, False, True]
    assert not crowded((0, 1), (0, 1, 2))
    assert crowded((0, 1), (0, 1), (0, 1, 2))
    assert not crowded((0, 1), (1, 2))
    assert crowded((0, 1), (1, 2), (0, 2))
    assert crowded((0,), (1, 2))


# -- genuine minima ---------------------------------------------------------------------------------------


def random_data(widths: tuple[int, ...], data_class: DataClass, rng: np.random.Generator) -> tuple[Floats, Floats]:
    n = widths[0]
    root = np.diag(3.0 ** rng.uniform(-1, 1, n)) if data_class is ORTHOGONAL else rng.normal(size=(n, n))
    gram = root @ root.T + 0.1 * np.eye(n)
    return gram, rng.normal(size=(widths[-1], n)) @ gram


def minima(
    network: LinearNetwork, data_class: DataClass, rng: np.random.Generator, starts: int = 24
) -> list[tuple[Floats, float, float]]:
    """(R on the covered pairs, loss, least loss found) of the local minima that descents for random data end in.

    Ends with large weights or a gradient that is not small are left out: the infimum may not be attained.
    """
    model = BatchedLoss(network)
    gram, cross = random_data(network.widths, data_class, rng)
    grams, crosses = (np.repeat(m[None], starts, axis=0) for m in (gram, cross))
    theta, _ = descend(model, random_starts(model, rng, starts), grams, crosses, 300)
    theta, values = descend(model, theta + 1e-4 * rng.normal(size=theta.shape), grams, crosses, 500)
    steep = np.abs(model.gradient(theta, grams, crosses)).max(axis=1)
    low = np.linalg.eigvalsh(model.hessian(theta, grams, crosses))[:, 0]
    kept = (steep < 1e-6) & (np.abs(theta).max(axis=1) < 50) & (low > -1e-6)
    covered = np.zeros(cross.shape)
    covered[tuple(np.array(sorted(network.covered)).T)] = 1
    rest = (model.product(theta) @ gram - cross) * covered
    return [(rest[n], float(values[n]), float(values.min())) for n in np.flatnonzero(kept)]


def contradicted(network: LinearNetwork, data_class: DataClass, rng: np.random.Generator) -> tuple[int, int, int]:
    """(minima looked at, those with R != 0, those above another point); fails if a type is not as is proved."""
    pattern = Pattern(network.masks)
    types: list[Type] | None = None
    accepted_here = accepts(network, data_class)
    nonzero = spurious = 0
    found = minima(network, data_class, rng)
    for rest, value, least in found:
        above = value > least + 1e-5 * (1 + abs(least))
        spurious += above
        assert not (above and accepted_here), (network, data_class, rest)
        if np.abs(rest).max() < 1e-6:
            assert not above
            continue
        if not is_clear(rest):
            continue
        nonzero += 1
        types = listed_types(pattern) if types is None else types
        support, ranks = type_of(pattern, rest, 1e-4)
        assert (support, ranks) in types, (network, data_class, rest)
        assert not structure_checker.check_excluded(pattern, support, ranks), (network, data_class, rest)
        if structure_checker.check_best_approximation(pattern, support, ranks, data_class is ORTHOGONAL):
            assert not above, (network, data_class, rest)
    return len(found), nonzero, spurious


@pytest.mark.parametrize("data_class", list(DataClass), ids=str)
def test_types_of_the_minima_of_random_data(data_class: DataClass) -> None:
    """No minimum has an excluded type; no spurious one is in an accepted structure or a best approximation."""
    rng = np.random.default_rng(0)
    networks = [TWICE, E2, BOTTLENECK, LinearNetwork.dense(3, 2, 3), *sample(16, seed=7)]
    refused = [network for network in structures(3, 2, 3) if not accepts(network, data_class)]
    networks += 4 * refused[:5]
    found, nonzero, spurious = np.sum([contradicted(network, data_class, rng) for network in networks], axis=0)
    assert found > 500
    assert nonzero > 200
    assert spurious > 5  # in refused structures: the test can fail


@pytest.mark.slow
@pytest.mark.parametrize("data_class", list(DataClass), ids=str)
def test_types_of_the_minima_of_random_data_up_to_3_3_3(data_class: DataClass) -> None:
    rng = np.random.default_rng(1)
    networks = list(all_structures())
    networks += 8 * [network for network in networks if not accepts(network, data_class)]
    found, nonzero, spurious = np.sum([contradicted(network, data_class, rng) for network in networks], axis=0)
    assert found > 15000
    assert nonzero > 3000
    assert spurious > 10


# -- certificates of spurious minima ----------------------------------------------------------------------


def witnesses() -> Iterator[Json]:
    files = [
        *sorted(ROOT.glob("theorems/certificates/*/*.json")),
        *sorted(ROOT.glob("tests/certificates/valid/*.json")),
    ]
    for path in files:
        value = json.loads(path.read_bytes())
        for certificate in value.get("certificates", [value]):
            if certificate["kind"] == "spurious-minimum" and len(certificate["masks"]) == 2:
                yield certificate


def classes_of(gram: Any) -> list[DataClass]:
    """The classes that a positive definite Gram matrix belongs to."""
    diagonal = all(not x for i, row in enumerate(gram) for j, x in enumerate(row) if i != j)
    return [ANY, ORTHOGONAL] if diagonal and all(row[i] > 0 for i, row in enumerate(gram)) else [ANY]


def test_no_certificate_of_a_spurious_minimum_is_contradicted() -> None:
    """Strict minima persist for near data if G is positive definite; `benign-bottleneck` excludes all spurious ones."""
    count = {"strict": 0, "degenerate": 0}
    for certificate in witnesses():
        network, data, _, _ = decode_instance(certificate)
        kind = certificate["statement"]["minimum"]
        count[kind] += 1
        for data_class in classes_of(data.gram):
            if kind == "strict" and rank(data.gram) == len(data.gram):
                assert not accepts(network, data_class), network
            if max(network.widths) <= 4:
                assert prove_bottleneck(network, data_class) is None, network
    assert min(count.values()) >= 5


def test_what_is_refused_has_a_strict_minimum() -> None:
    """Up to 3-3-3 nothing is left open for orthogonal data: each of the 12 structures has a certificate."""
    refused = [network for network in all_structures() if not accepts(network, ORTHOGONAL)]
    assert len(refused) == 12
    for network in refused[:3]:
        witness = refute(network, ORTHOGONAL, strict=True)
        assert witness is not None
        assert witness.strict
        assert witness.loss_at_most > Fraction(witness.better_loss)


@pytest.mark.slow
@pytest.mark.parametrize(("data_class", "count"), [(ORTHOGONAL, 12), (ANY, 41)])
def test_all_that_is_refused_up_to_3_3_3_has_a_strict_minimum(data_class: DataClass, count: int) -> None:
    refused = [network for network in all_structures() if not accepts(network, data_class)]
    assert len(refused) == count
    assert all(refute(network, data_class, strict=True) is not None for network in refused)
