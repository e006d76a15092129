"""The enumeration of structures: counted again by Burnside's lemma and by canonical forms of all labelled masks."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise, permutations, product
from math import factorial, prod

import pytest

import symverify
from symverify.enumeration import structures
from symverify.network import LinearNetwork, Mask

SMALL = [(2, 2), (3, 3), (2, 2, 2), (1, 3, 2), (3, 2, 2), (2, 3, 2), (3, 2, 3), (2, 2, 2, 2), (2, 1, 3, 2)]
LARGER = [(3, 3, 2), (4, 2, 3), (3, 3, 3), (3, 2, 2, 2), (2, 3, 2, 2)]
Permutation = tuple[int, ...]


@lru_cache
def filled_masks(rows: int, columns: int) -> tuple[Mask, ...]:
    """All masks of this shape without a zero row or a zero column."""
    every = product(product((0, 1), repeat=columns), repeat=rows)
    return tuple(mask for mask in every if all(map(any, mask)) and all(map(any, zip(*mask, strict=True))))


def cycle_type(permutation: Permutation) -> Permutation:
    seen: set[int] = set()
    lengths = []
    for start in permutation:
        length = 0
        while start not in seen:
            seen.add(start)
            start, length = permutation[start], length + 1
        lengths += [length] if length else []
    return tuple(sorted(lengths))


def conjugacy_classes(n: int) -> list[tuple[Permutation, int]]:
    """One permutation of each cycle type, and how many there are."""
    sizes = Counter(map(cycle_type, permutations(range(n))))
    first = {cycle_type(p): p for p in permutations(range(n))}
    return [(first[kind], size) for kind, size in sizes.items()]


@lru_cache
def fixed_masks(above: Permutation, below: Permutation) -> int:
    masks = filled_masks(len(above), len(below))
    return sum(tuple(tuple(mask[i][j] for j in below) for i in above) == mask for mask in masks)


def burnside_count(*widths: int) -> Fraction:
    """The number of orbits: the mean number of networks that a permutation of the units fixes."""
    total = 0
    for chosen in product(*map(conjugacy_classes, widths)):
        weight = prod(size for _, size in chosen)
        total += weight * prod(fixed_masks(above, below) for (below, _), (above, _) in pairwise(chosen))
    return Fraction(total, prod(map(factorial, widths)))


@pytest.mark.parametrize(
    ("widths", "count"), [((1, 1), 1), ((2, 2), 3), ((3, 3), 17), ((4, 4), 179), ((2, 1, 2), 1), ((2, 2, 2), 10)]
)
def test_known_counts(widths: tuple[int, ...], count: int) -> None:
    # One layer: the binary n x n matrices without zero rows and columns, up to both permutations (OEIS A054976).
    assert sum(1 for _ in structures(*widths)) == count


@pytest.mark.parametrize("widths", SMALL + LARGER)
def test_counts_agree_with_burnside(widths: tuple[int, ...]) -> None:
    assert sum(1 for _ in structures(*widths)) == burnside_count(*widths)


@pytest.mark.slow
@pytest.mark.parametrize("widths", [(4, 3, 3), (3, 3, 2, 2), (2, 3, 3, 2), (2, 2, 2, 2, 2)])
def test_counts_agree_with_burnside_for_larger_widths(widths: tuple[int, ...]) -> None:
    assert sum(1 for _ in structures(*widths)) == burnside_count(*widths)


@pytest.mark.parametrize("widths", [w for w in SMALL if w != (3, 2, 3)])
def test_every_labelled_network_is_isomorphic_to_exactly_one(widths: tuple[int, ...]) -> None:
    labelled = product(*(filled_masks(above, below) for below, above in pairwise(widths)))
    expected = {LinearNetwork(masks).canonical_form() for masks in labelled}
    found = [network.canonical_form() for network in structures(*widths)]
    assert set(found) == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize("widths", LARGER)
def test_no_two_are_isomorphic(widths: tuple[int, ...]) -> None:
    forms = [network.canonical_form() for network in structures(*widths)]
    assert len(set(forms)) == len(forms)


@pytest.mark.parametrize("widths", [(3, 2, 3), (2, 3, 2), (2, 2, 2, 2), (2, 1, 3, 2)])
def test_nothing_is_dead_or_unused(widths: tuple[int, ...]) -> None:
    for network in structures(*widths):
        assert network.widths == widths
        assert network.is_pruned()
        assert network.pruned().network == network


def test_the_dense_network_and_a_matching_are_among_them() -> None:
    found = list(structures(2, 2, 2))
    assert LinearNetwork.dense(2, 2, 2) in found
    matching = LinearNetwork.from_masks([[[1, 0], [0, 1]], [[1, 0], [0, 1]]])
    assert sum(network.is_isomorphic(matching) for network in found) == 1


def test_reversing_the_widths_transposes_the_structures() -> None:
    assert {network.transposed().canonical_form() for network in structures(2, 3, 1, 2)} == {
        network.canonical_form() for network in structures(2, 1, 3, 2)
    }


def test_the_order_is_reproducible() -> None:
    assert list(structures(3, 2, 2)) == list(structures(3, 2, 2))


@pytest.mark.parametrize("widths", [(), (3,), (5, 5), (4, 3, 5), (25, 1)])
def test_no_layer_or_too_many_masks_are_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two and more positive widths, with at most 24 possible weights"):
        next(structures(*widths))


@pytest.mark.parametrize("widths", [(0, 2), (2, 0, 2)])
def test_empty_layers_are_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError):
        next(structures(*widths))


def test_the_name_in_the_package_is_the_function() -> None:
    assert callable(symverify.structures)
    script = "from symverify import structures; print(sum(1 for _ in structures(2, 2)))"
    outcome = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert outcome.stdout == "3\n", outcome.stderr
