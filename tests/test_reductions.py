"""Theorem C: evidence relax and absorb, chains of dead units, and minima attacked by random descents."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import make_examples
import mutants
import numpy as np
import pytest

from symverify import checker
from symverify.certificate import (
    Absorb,
    CriticalFibre,
    Lifted,
    Relax,
    SpuriousMinimum,
    decode_instance,
    decode_witness,
    encode,
)
from symverify.certify import exact_certificates
from symverify.data import DataClass
from symverify.degenerate import degenerate_minimum
from symverify.exact import Weights, as_matrix, inertia
from symverify.loss import BatchedLoss, hessian, loss, product, vector_of, weights_of
from symverify.network import LinearNetwork
from symverify.reductions import absorb_all, dead_nodes, reductions
from symverify.search import Candidate, descend
from symverify.witness import accepted, relabelled


def kept(kind: str, *beginnings: str) -> dict[str, Any]:
    """The committed examples whose names begin so."""
    paths = [path for path in (make_examples.FOLDER / kind).glob("*.json") if path.stem.startswith(beginnings)]
    return {path.stem: json.loads(path.read_bytes()) for path in sorted(paths)}


EXAMPLES = kept("valid", "relax", "absorb")
SADDLES = kept("invalid", "relax-saddle", "relax-hidden", "relax-near")

COUNT = 120
"""Points from which descents start."""


def proposals(body: dict[str, Any]) -> list[SpuriousMinimum]:
    """What the prover proposes for the point of a certificate, without its evidence."""
    network, data, point, better = decode_instance(body)
    return list(exact_certificates(Candidate(network, data, point, better)))


def lowest_nearby(body: dict[str, Any], radius: float, seed: int = 0) -> float:
    """The least loss that descents from nearby points meet while they are within ``radius``, minus its loss."""
    network, data, point, _ = decode_instance(body)
    model, rng = BatchedLoss(network), np.random.default_rng(seed)
    centre = np.array([float(x) for x in vector_of(network, point)])
    gram, cross = (np.array(m, dtype=float) for m in (data.gram, data.cross))
    theta = centre + rng.normal(size=(COUNT, len(centre))) * radius * rng.choice([0.05, 0.2], size=(COUNT, 1))
    here, least = float(model.loss(centre[None], gram, cross)[0]), np.inf
    batch = np.broadcast_to(gram, (COUNT, *gram.shape)), np.broadcast_to(cross, (COUNT, *cross.shape))
    for _ in range(20):
        near = np.linalg.norm(theta - centre, axis=1) < radius
        value = model.loss(theta, gram, cross)
        least = min(least, float(value[near].min(initial=np.inf)))
        theta, _ = descend(model, theta, *batch, iterations=2)
    return least - here


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_no_descent_from_an_accepted_minimum(name: str) -> None:
    assert lowest_nearby(EXAMPLES[name], 0.05) > -1e-12


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_certificates_are_read_and_written(name: str) -> None:
    body = EXAMPLES[name]
    witness = decode_witness(body)
    assert encode(witness) == make_examples.encode(body)
    assert decode_witness(json.loads(encode(witness))) == witness


@pytest.mark.parametrize("name", [n for n in sorted(EXAMPLES) if n not in ("relax-in-lifted",)])
def test_the_prover_finds_evidence_itself(name: str) -> None:
    found = [certificate for certificate in proposals(EXAMPLES[name]) if accepted(certificate) is not None]
    assert found and not any(certificate.strict for certificate in found)


@pytest.mark.parametrize("name", [n for n in sorted(EXAMPLES) if n.startswith("relax-chain")])
def test_chains_need_relax(name: str) -> None:
    kinds = {type(c.minimum) for c in proposals(EXAMPLES[name]) if accepted(c) is not None}
    assert kinds == {Relax}
    network, _, point, _ = decode_instance(EXAMPLES[name])
    layers = {layer for layer, _ in dead_nodes(network, point)}
    assert layers == set(range(1, network.depth))


@pytest.mark.parametrize("name", sorted(SADDLES))
def test_nothing_proves_a_saddle_that_floats_do_not_see(name: str) -> None:
    body = SADDLES[name]
    assert not [certificate for certificate in proposals(body) if accepted(certificate) is not None]


def test_a_descent_of_5e_11() -> None:
    """At the saddle of a dead unit the Hessian has no negative eigenvalue, and the loss falls by e^2/2 nearby."""
    body = SADDLES["relax-saddle-of-a-dead-unit"]
    network, data, point, _ = decode_instance(body)
    assert inertia(hessian(network, point, data))[2] == 0
    e, s = Fraction(1, 80000), Fraction(1, 200)  # s^2 = 2 e
    moved: Weights = (as_matrix([[s, 0], [1, e]]), as_matrix([[0, 1], [-s, 2 * e]]))
    gain = loss(network, point, data) - loss(network, moved, data)
    assert Fraction(7, 10**11) < gain < Fraction(8, 10**11)


def test_a_hidden_descent() -> None:
    body = SADDLES["relax-hidden-descent"]
    network, data, point, _ = decode_instance(body)
    assert not any(any(row) for row in hessian(network, point, data))
    moved = weights_of(network, [Fraction(1, 100)] * 6)
    assert 0 < loss(network, point, data) - loss(network, moved, data) <= Fraction(1, 10**12)


def test_relaxed_losses_lie_below() -> None:
    """Lemma 19.1 against least squares: the least loss over the free entries, for singular and for regular G."""
    rng = np.random.default_rng(1)
    for n in range(40):
        x = rng.integers(-2, 3, size=(3, 2 + n % 3))
        y = rng.integers(-2, 3, size=(2, 2 + n % 3))
        gram, cross = ([[Fraction(int(v)) for v in row] for row in m] for m in (x @ x.T, y @ x.T))
        data = checker.Data(gram, cross, Fraction(int((y**2).sum()), 2))
        pairs = {(o, j) for o in range(2) for j in range(3) if rng.random() < 0.5}
        relaxed = checker.Relaxed(data, pairs)
        m = rng.integers(-3, 4, size=(2, 3)).astype(float)
        value = float(relaxed.constant)
        for o in range(2):
            row = np.array(relaxed.rows[o], dtype=float)
            value += m[o] @ row @ m[o] / 2 - m[o] @ np.array(relaxed.cross[o], dtype=float)
        best = m.copy()
        for o in range(2):
            free = [j for j in range(3) if (o, j) in pairs]
            fixed = [j for j in range(3) if (o, j) not in pairs]
            target = y[o] - m[o, fixed] @ x[fixed]
            best[o, free] = np.linalg.lstsq(x[free].T, target, rcond=None)[0]
        assert value == pytest.approx(((best @ x - y) ** 2).sum() / 2)


def test_absorbing_keeps_m() -> None:
    network, _, point, _ = decode_instance(EXAMPLES["absorb-inputs"])
    steps, smaller, moved = absorb_all(network, point)
    assert [step.side for step in steps] and smaller.widths[1] == network.widths[1] - len(steps)
    assert product(smaller, moved) == product(network, point)


def test_absorbing_a_unit_that_is_alive() -> None:
    """A unit that is a combination of two others, with its own weights not zero."""
    network = LinearNetwork.from_units(([1, 2], [1]), ([1, 2], [1, 2]), ([1], [1]))
    point = (as_matrix([[1, 1], [0, 1], [2, 0]]), as_matrix([[1, 3, 5], [0, 1, 0]]))
    steps, smaller, moved = absorb_all(network, point)
    assert [(step.unit, step.by) for step in steps] == [(0, (1, 2))]
    assert product(smaller, moved) == product(network, point)


def test_reductions_of_a_minimum_without_dead_units_are_few() -> None:
    body = kept("valid", "strict")["strict"]
    network, data, point, _ = decode_instance(body)
    assert all(isinstance(option, Relax | Absorb) for option in reductions(network, data, point))


def test_the_search_finds_minima_with_chains() -> None:
    network = LinearNetwork.from_masks(make_examples.chain(3, 0)["masks"])
    found = degenerate_minimum(network, DataClass.ORTHOGONAL, rounds=8, parts=False)
    assert found is not None and not found.strict
    assert accepted(found) is not None
    assert mutants.holds_minimum(found.to_json())


def test_a_structure_with_strict_minima_has_degenerate_ones() -> None:
    network = LinearNetwork.from_units(([1], [1]), ([1, 2, 3], [1, 2, 3]))
    found = degenerate_minimum(network, DataClass.ORTHOGONAL)
    assert found is not None and not found.strict


def test_no_degenerate_minimum_of_a_benign_structure() -> None:
    assert degenerate_minimum(LinearNetwork.dense(2, 2, 2), DataClass.ANY, rounds=2) is None


@pytest.mark.slow
def test_random_minima_with_dead_units_hold() -> None:
    """Whatever the checker accepts of the search in small deep networks, random descents do not contradict."""
    rng = np.random.default_rng(0)
    count = 0
    for seed in range(30):
        masks = [[[int(rng.random() < 0.75) for _ in range(2)] for _ in range(2)] for _ in range(3)]
        network = LinearNetwork.from_masks(masks)
        found = degenerate_minimum(network, DataClass.ORTHOGONAL, rounds=2, seed=seed) if network.covered else None
        if found is not None:
            count += 1
            assert lowest_nearby(found.to_json(), 0.02, seed) > -1e-11
    assert count >= 3


def test_fibres_of_relaxed_losses_ignore_free_entries() -> None:
    """The entry (0, 0) is free: it need not be submersed, nor constant."""
    found = decode_witness(EXAMPLES["relax-six"])
    assert isinstance(found.minimum, Relax) and isinstance(found.minimum.minimum, CriticalFibre)


@pytest.mark.parametrize("name", ["relax-six", "relax-chain-depth-3", "relax-in-lifted", "absorb-inputs"])
def test_witnesses_are_relabelled(name: str) -> None:
    """Pairs and units are named anew, here with the order of the nodes of every layer reversed."""
    witness = decode_witness(EXAMPLES[name])
    order = [list(reversed(range(width))) for width in witness.network.widths]
    turned = relabelled(witness, witness.network.permuted(order), order)
    assert isinstance(turned.minimum, Relax | Absorb | Lifted)
    assert accepted(turned) is not None
