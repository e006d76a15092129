"""Structures of the atlas: names, representatives, and the counts per size by Burnside's lemma."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, pairwise, permutations, product
from math import factorial, gcd, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symverify.atlas.rows import bits, units
from symverify.atlas.structures import jobs, parse_structure, representative, sizes
from symverify.data import DataClass
from symverify.enumeration import structures
from symverify.network import LinearNetwork

TWICE = LinearNetwork.from_masks([[[1, 1, 0], [1, 0, 1]], [[1, 1], [1, 0], [0, 1]]])

# -- counts: Burnside's lemma by cycle types and inclusion and exclusion; nothing is enumerated -------------


def partitions(n: int, largest: int | None = None) -> Iterator[tuple[int, ...]]:
    """Cycle types of the permutations of n things."""
    if n == 0:
        yield ()
    for part in range(min(n, largest or n), 0, -1):
        for rest in partitions(n - part, part):
            yield (part, *rest)


def class_size(cycles: tuple[int, ...]) -> int:
    centraliser = prod(length**count * factorial(count) for length, count in Counter(cycles).items())
    return factorial(sum(cycles)) // centraliser


def fixed_masks(rows: tuple[int, ...], columns: tuple[int, ...]) -> int:
    """Masks without zero rows and columns that a permutation of the rows and one of the columns fix.

    The entries on a cycle of rows and a cycle of columns form gcd orbits.  The zero rows of a fixed mask are a union of
    cycles, so inclusion and exclusion runs over sets of cycles.
    """

    def subsets(cycles: tuple[int, ...]) -> Iterator[tuple[int, tuple[int, ...]]]:
        for size in range(len(cycles) + 1):
            for kept in combinations(range(len(cycles)), size):
                yield (-1) ** (len(cycles) - size), tuple(cycles[k] for k in kept)

    return sum(
        s * t * 2 ** sum(gcd(x, y) for x in some_rows for y in some_columns)
        for s, some_rows in subsets(rows)
        for t, some_columns in subsets(columns)
    )


def burnside(*widths: int) -> Fraction:
    total = 0
    for cycles in product(*map(partitions, map(int, widths))):
        fixed = prod(fixed_masks(above, below) for below, above in pairwise(cycles))
        total += prod(map(class_size, cycles)) * fixed
    return Fraction(total, prod(map(factorial, widths)))


def test_burnside_of_one_layer_is_the_known_sequence() -> None:
    # OEIS A054976: binary n x n matrices without zero rows and columns, up to both permutations
    assert [burnside(n, n) for n in range(1, 6)] == [1, 3, 17, 179, 3835]


@pytest.mark.parametrize("maximum", [(3, 3, 3), (2, 2, 2, 2), (2, 1, 3, 2)])
def test_the_jobs_are_as_many_as_burnside_counts(maximum: tuple[int, ...]) -> None:
    found = Counter((job.network.widths, job.data_class) for job in jobs(maximum, list(DataClass)))
    assert found == {(widths, c): burnside(*widths) for widths in sizes(maximum) for c in DataClass}


def test_there_are_1135_structures_up_to_3_3_3() -> None:
    assert sum(burnside(*widths) for widths in sizes((3, 3, 3))) == 1135
    assert len(list(jobs((3, 3, 3), [DataClass.ANY]))) == 1135


@pytest.mark.slow
@pytest.mark.parametrize("maximum", [(4, 2, 4), (4, 3, 3)])
def test_larger_sizes_too(maximum: tuple[int, ...]) -> None:
    found = Counter(job.network.widths for job in jobs(maximum, [DataClass.ANY]))
    assert found == {widths: burnside(*widths) for widths in sizes(maximum)}


def test_no_job_comes_twice_and_small_ones_come_first() -> None:
    found = list(jobs((2, 2, 2), list(DataClass)))
    assert len({(job.structure, job.data_class) for job in found}) == len(found) == 42
    assert [sum(job.network.widths) for job in found] == sorted(sum(job.network.widths) for job in found)


# -- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "110 101 | 11 10 01",
        "3-2-3 110 101 | 11 10 01",
        "  110  101|11 10 01 ",
        "{12}x{12}, {13}x{13}",
        "{12}x{12} {13}x{13}",
        "{12}×{12},{13}×{13}",
        "{21} x {12}; {13} x {31}",
    ],
)
def test_a_structure_has_several_names(text: str) -> None:
    assert parse_structure(text) == TWICE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "write masks as"),
        ("110 102 | 11", "write masks as"),
        ("110 | ", "write masks as"),
        ("110 10 | 11", "equally long"),
        ("110 101 | 111 101", "must chain"),
        ("2-2-3 110 101 | 11 10 01", "do not have the widths"),
        ("{12}x{12}, {13}", "is no unit"),
        ("{02}x{12}", "is no unit"),
        ("__import__('os')", "write masks as"),
    ],
)
def test_other_texts_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_structure(text)


@pytest.mark.parametrize("widths", [(1, 1, 1), (2, 2, 2), (3, 2, 3), (2, 1, 2, 2)])
def test_names_are_read_back(widths: tuple[int, ...]) -> None:
    for network in structures(*widths):
        assert parse_structure(bits(network)) == parse_structure(str(network)) == network
        if network.depth == 2:
            assert parse_structure(units(network)) == network


@pytest.mark.parametrize("widths", [(2, 2), (2, 2, 2), (2, 3, 2), (2, 1, 2, 2)])
def test_the_enumerated_structures_represent_themselves(widths: tuple[int, ...]) -> None:
    assert all(representative(network) == network for network in structures(*widths))


@given(st.data())
def test_relabelled_structures_have_the_same_representative(data: st.DataObject) -> None:
    widths = data.draw(st.sampled_from([(2, 2, 2), (3, 2, 3)]))
    network = data.draw(st.sampled_from(list(structures(*widths))))
    order = [data.draw(st.sampled_from(list(permutations(range(width))))) for width in widths]
    assert representative(network.permuted(order)) == network


def test_large_structures_have_a_representative_too() -> None:
    network = LinearNetwork.from_masks([[[1] * 6 + [0, 1]] * 3 + [[0] * 7 + [1]] * 5, [[1, 0] * 4, [1] * 8]])
    turned = network.permuted([range(7, -1, -1), range(7, -1, -1), (1, 0)])
    assert network != turned
    assert representative(network) == representative(turned)
