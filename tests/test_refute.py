"""Systematic search for spurious minima: what is found is accepted, does not depend on the order or the labels."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structures import SIX_WEIGHTS, TWICE

from symverify import refute as module
from symverify.certificate import SpuriousMinimum
from symverify.certify import exact_certificates, is_strict
from symverify.data import Data, DataClass
from symverify.enumeration import structures
from symverify.exact import as_matrix
from symverify.loss import gradient, residual, weights_of
from symverify.loss import product as end_to_end
from symverify.network import LinearNetwork
from symverify.refute import critical_space, free_edges, refute, residuals
from symverify.rules import prove_benign
from symverify.search import Candidate, designed_candidates
from symverify.witness import accepted

ANY, ORTHOGONAL = DataClass.ANY, DataClass.ORTHOGONAL
DISJOINT = LinearNetwork.from_units(([3], [1, 2]), ([1, 2], [1, 2]))
"""Disjoint inputs, the same outputs: benign for orthogonal data (rule D), not for correlated."""
NESTED = LinearNetwork.from_units(([1, 2], [1, 2]), ([1, 3], [1]))
SMALL = [net for shape in product((1, 2), (1, 2), (1, 2, 3)) for net in structures(*shape)]


def kind(witness: SpuriousMinimum | None) -> str | None:
    return None if witness is None else "strict" if witness.strict else "degenerate"


def two_layers() -> st.SearchStrategy[LinearNetwork]:
    """Two layers, up to 3-3-3, without dead units."""

    def built(units: list[tuple[set[int], set[int]]]) -> LinearNetwork:
        return LinearNetwork.from_units(*units).pruned().network

    side = st.sets(st.integers(1, 3), min_size=1)
    return st.lists(st.tuples(side, side), min_size=1, max_size=3).map(built)


def permuted(network: LinearNetwork, seed: int) -> LinearNetwork:
    rng = np.random.default_rng(seed)
    return network.permuted([[int(x) for x in rng.permutation(w)] for w in network.widths])


# -- known answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "data_class", "expected"),
    [
        (SIX_WEIGHTS, ORTHOGONAL, "degenerate"),
        (SIX_WEIGHTS, ANY, "degenerate"),
        (NESTED, ORTHOGONAL, "degenerate"),
        (TWICE, ORTHOGONAL, "strict"),
        (DISJOINT, ORTHOGONAL, None),
        (DISJOINT, ANY, "degenerate"),
        (LinearNetwork.dense(3, 1, 3), ANY, None),
        (LinearNetwork.dense(2, 2, 2), ANY, None),
    ],
    ids=str,
)
def test_known(network: LinearNetwork, data_class: DataClass, expected: str | None) -> None:
    witness = refute(network, data_class)
    assert kind(witness) == expected
    if witness is not None:
        assert accepted(witness) is not None
        assert witness.network == network


def test_only_strict() -> None:
    assert refute(SIX_WEIGHTS, ORTHOGONAL, strict=True) is None
    assert kind(refute(TWICE, ORTHOGONAL, strict=True)) == "strict"


def test_correlated_only_where_needed() -> None:
    """Orthogonal witnesses have G = 1; a structure that rule D proves for orthogonal data needs another G."""
    for network in (SIX_WEIGHTS, TWICE):
        witness = refute(network, ANY)
        assert witness is not None
        assert all(x == (i == j) for i, row in enumerate(witness.data.gram) for j, x in enumerate(row))
    witness = refute(DISJOINT, ANY)
    assert witness is not None
    assert any(x for i, row in enumerate(witness.data.gram) for j, x in enumerate(row) if i != j)


def test_lifting_reaches_the_whole_network() -> None:
    """A network whose own search is switched off still gets the witness of a part."""
    network = LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2]), ([3], [3]))
    witness = refute(network, ORTHOGONAL)
    assert witness is not None
    assert accepted(witness) is not None


@pytest.mark.parametrize("network", [LinearNetwork.dense(1, 1), LinearNetwork.dense(2, 1, 1, 2)])
def test_is_for_two_layers(network: LinearNetwork) -> None:
    with pytest.raises(ValueError, match="two layers"):
        refute(network, ORTHOGONAL)


def test_larger_networks_are_searched_through_their_small_parts() -> None:
    """Four inputs and outputs; the smallest spurious pattern {1}x{1}, {12}x{12} inside, lifted."""
    network = LinearNetwork.from_units(([1, 3], [1, 4]), ([1, 2, 4], [1, 2]))
    witness = refute(network, ORTHOGONAL)
    assert witness is not None and witness.network == network
    assert accepted(witness) is not None
    assert refute(LinearNetwork.dense(4, 1, 4), ORTHOGONAL) is None


# -- it depends on the arguments only ----------------------------------------------------------------------


def test_the_order_does_not_matter() -> None:
    def all_of(networks: list[LinearNetwork]) -> dict[LinearNetwork, SpuriousMinimum | None]:
        module._direct.cache_clear()
        return {network: refute(network, ANY) for network in networks}

    forward, backward = all_of(SMALL), all_of(SMALL[::-1])
    assert forward == backward
    assert sum(w is not None for w in forward.values()) > 3


@settings(max_examples=15, deadline=None)
@given(two_layers(), st.integers(0, 99))
def test_labels_and_transposition_do_not_matter(network: LinearNetwork, seed: int) -> None:
    """Isomorphic structures, and with G = 1 transposed ones, get witnesses of the same kind, accepted as theirs."""
    first = kind(refute(network, ORTHOGONAL))
    for other in (permuted(network, seed), network.transposed()):
        witness = refute(other, ORTHOGONAL)
        assert kind(witness) == first
        assert witness is None or (witness.network == other and accepted(witness) is not None)


# -- the residuals and the points ---------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(two_layers(), st.data())
def test_points_of_the_space_are_critical(network: LinearNetwork, data: st.DataObject) -> None:
    rests = residuals(network)
    if not len(rests):
        return
    rest = rests[data.draw(st.integers(0, len(rests) - 1))]
    basis = critical_space(network, rest)
    factors = data.draw(st.lists(st.integers(-3, 3), min_size=len(basis), max_size=len(basis)))
    theta = [int(x) for x in np.array(factors, dtype=int) @ basis]
    point = weights_of(network, theta)
    m = end_to_end(network, point)
    cross = as_matrix([[m[o][j] - int(rest[o, j]) for j in range(len(m[0]))] for o in range(len(m))])
    assert not any(gradient(network, point, Data.whitened(cross)))


def test_the_list_of_residuals() -> None:
    assert len(residuals(LinearNetwork.dense(3, 1, 3))) == len(
        {tuple(map(abs, r.reshape(-1))) + tuple(r.reshape(-1)) for r in residuals(LinearNetwork.dense(3, 1, 3))}
    )
    assert not len(residuals(LinearNetwork.from_units(([1], [1, 2, 3]), ([1, 2, 3], [1]))))
    for rest in residuals(LinearNetwork.dense(3, 1, 3)):
        assert round(float(np.linalg.det(rest))) == 0


@pytest.mark.parametrize("network", [TWICE, SIX_WEIGHTS, *list(structures(3, 2, 3))[10:60:10]], ids=str)
def test_facts_that_prune_the_list(network: LinearNetwork) -> None:
    """Minima that the random search finds: R_k is zero or has u_k, w_k != 0 in its kernels."""
    rng, seen = np.random.default_rng(0), 0
    for n in range(4):
        for candidate in designed_candidates(network, ORTHOGONAL, rng, fibre=bool(n % 2)):
            if is_strict(network, candidate.data, candidate.point) is None:
                continue
            seen += 1
            rest = residual(network, candidate.point, candidate.data)
            for k, (inputs, outputs) in enumerate(module._units(network)):
                if any(rest[o][j] for o in outputs for j in inputs):
                    assert any(candidate.point[0][k])
                    assert any(row[k] for row in candidate.point[1])
                    assert min(len(inputs), len(outputs)) > 1
    assert seen or network is not TWICE


def test_free_edges() -> None:
    rest = np.array([[0, 1], [0, 0]])
    assert free_edges(SIX_WEIGHTS, rest) == {(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 1)}


def test_better_points_are_better() -> None:
    for network in SMALL:
        witness = refute(network, ORTHOGONAL)
        if witness is not None:
            assert witness.better_loss < witness.loss_at_least == witness.loss_at_most
            assert isinstance(witness.loss_at_least, Fraction)
            assert any(accepted(c) is not None for c in exact_certificates(_candidate(witness)))


def _candidate(witness: SpuriousMinimum) -> Candidate:
    free = getattr(witness.minimum, "free", None)
    return Candidate(witness.network, witness.data, witness.point, witness.better, free)


# -- sweeps -------------------------------------------------------------------------------------------------


def strict_for_two_units(network: LinearNetwork) -> bool:
    """Which structures with two hidden units have strict spurious minima for orthogonal data.

    ``(a, b, c)`` and ``(p, q, r)`` count outputs and inputs of the first unit only, of both, of the second only.
    """
    (s, t), (u, v) = ((set(inputs), set(outputs)) for inputs, outputs in module._units(network))
    rows, columns = [(len(x - y), len(x & y), len(y - x)) for x, y in ((t, v), (s, u))]
    for (a, b, c), (p, _, r) in ((rows, columns), (columns, rows)):
        for a_, c_, p_, r_ in ((a, c, p, r), (c, a, r, p)):
            if b == 0 or a + b + c <= 2 or (a_ == 0 and b == 1 and r_ <= 1):
                return False
            if (a_ == p_ == 0 and c_ <= 1 and r_ <= 1) or (a == c == 0 and p_ <= 1 and r_ <= 1):
                return False
    return True


@pytest.mark.slow
def test_two_hidden_units() -> None:
    """The strict minima found agree with what is known for two hidden units."""
    for shape in product((1, 2, 3), (2,), (1, 2, 3)):
        for network in structures(*shape):
            assert (kind(refute(network, ORTHOGONAL)) == "strict") == strict_for_two_units(network), str(network)


@pytest.mark.slow
def test_all_structures_up_to_three() -> None:
    """Every witness is accepted; none contradicts a rule; no part of a structure without witness has one."""
    found: dict[LinearNetwork, str | None] = {}
    for shape in product((1, 2, 3), repeat=3):
        for network in structures(*shape):
            witness = refute(network, ORTHOGONAL)
            assert witness is None or accepted(witness) is not None
            assert witness is None or prove_benign(network, ORTHOGONAL) is None, str(network)
            found[network.canonical_form()] = kind(witness)
    assert len(found) == 1135
    for network, answer in found.items():
        assert found[network.transposed().canonical_form()] == answer
        if answer is None:
            assert not any(found[part.network.canonical_form()] for part in module._parts(network))
