"""The formulas: against the other routes to the same numbers, and what is printed of them."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symverify import checker
from symverify.critical import CriticalSystem, derivatives, derive
from symverify.data import Data, DataClass
from symverify.exact import rank
from symverify.loss import gradient, hessian, jacobian, loss, product, residual, weights_of
from symverify.network import LinearNetwork

QUICK = settings(max_examples=20, deadline=None)
ANY, ORTHOGONAL = DataClass.ANY, DataClass.ORTHOGONAL

THREE_LAYERS = LinearNetwork.from_masks(
    [[[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[1] * 3] * 2, [[1] * 2] * 3],
)
THREE_LAYERS_DATA = Data.whitened([[3, 0, 0, 0], [0, 2, 3, 0], [0, 0, 0, 1]])
THREE_OUTPUTS = LinearNetwork.from_units(([1], [1]), ([1, 2, 3], [1, 2, 3]))
OVERLAPPING = LinearNetwork.from_units(([1, 2], [1]), ([1, 3], [1]))
DEAD = LinearNetwork.from_masks([[[1, 0], [0, 0]], [[1, 1]]])
BOTTLENECK = LinearNetwork.from_masks([[[1, 1, 0], [0, 1, 1], [0, 0, 1]], [[1, 1, 0]], [[0], [1], [1]]])
EMPTY = LinearNetwork.from_masks([[[0, 0]], [[0]]])
SINGULAR = Data.from_samples([[1, 2], [1, 2]], [[1, 0]])

CASES = {
    "one layer": (LinearNetwork.dense(2, 2), ANY),
    "two layers": (THREE_OUTPUTS, ANY),
    "two layers, orthogonal": (THREE_OUTPUTS, ORTHOGONAL),
    "two layers, singular": (LinearNetwork.dense(2, 2, 1), SINGULAR),
    "three layers": (THREE_LAYERS, THREE_LAYERS_DATA),
    "three layers, any": (LinearNetwork.from_masks([[[1, 0], [1, 1]], [[1, 1], [0, 1]], [[1, 0], [1, 1]]]), ANY),
    "four layers": (LinearNetwork.dense(1, 2, 1, 2, 1), ORTHOGONAL),
    "dead unit": (DEAD, ANY),
    "nothing": (EMPTY, ANY),
}
EVERY = pytest.mark.parametrize("name", CASES)


@cache
def system_of(name: str) -> CriticalSystem:
    return derive(*CASES[name])


@st.composite
def networks(draw: st.DrawFn, max_depth: int = 4) -> LinearNetwork:
    widths = draw(st.lists(st.integers(1, 2), min_size=2, max_size=max_depth + 1))
    bit = st.sampled_from([0, 1, 1])
    return LinearNetwork.from_masks(
        draw(st.lists(st.lists(bit, min_size=below, max_size=below), min_size=above, max_size=above))
        for below, above in pairwise(widths)
    )


def number(x: Any) -> Fraction:
    x = sympy.nsimplify(x) if isinstance(x, int) else x
    return Fraction(int(x.p), int(x.q))


def values(expressions: Any, where: dict[Any, Any]) -> list[Fraction]:
    return [number(sympy.sympify(x).xreplace(where)) for x in expressions]


# -- the formulas are right -------------------------------------------------------------------------------


@EVERY
def test_formulas_are_the_derivatives_of_the_loss(name: str) -> None:
    """Two derivations: chain rule over the layers, and differentiation of the expanded loss."""
    system = system_of(name)
    slopes, curvature = derivatives(system)
    assert len(slopes) == len(system.equations) == system.network.parameters
    assert all(sympy.expand(a - b) == 0 for a, b in zip(system.equations, slopes, strict=True))
    assert system.hessian.shape == curvature.shape
    assert all(sympy.expand(a - b) == 0 for a, b in zip(system.hessian, curvature, strict=True))
    assert system.hessian == system.hessian.T


@EVERY
def test_structured_equations_are_the_equations(name: str) -> None:
    system = system_of(name)
    covered = sorted(system.network.covered)
    names = {system.residual_symbols[o, j]: system.residual[o, j] for o, j in covered}
    for equation, structured in zip(system.equations, system.structured, strict=True):
        assert structured.free_symbols <= {*names, *system.symbols}
        assert sympy.expand(equation - structured.xreplace(names)) == 0
    m = {system.product_symbols[o, j]: system.product[o, j] for o, j in covered}
    assert sympy.expand(system.loss - system.loss_of_product.xreplace(m)) == 0


@QUICK
@given(networks(), st.data())
def test_the_symbolic_route_meets_flint_and_the_checker(network: LinearNetwork, draw: st.DataObject) -> None:
    integers = st.integers(-2, 2)
    count = draw.draw(st.integers(1, 3))
    x, y = (
        draw.draw(st.lists(st.lists(integers, min_size=count, max_size=count), min_size=n, max_size=n))
        for n in (network.widths[0], network.widths[-1])
    )
    data = Data.from_samples(x, y)
    vector = draw.draw(st.lists(integers, min_size=network.parameters, max_size=network.parameters))
    weights = weights_of(network, [Fraction(v, 2) for v in vector])
    system = derive(network, data)
    where = system.substitution(weights)
    slopes, curvature = derivatives(system)
    assert values([system.loss], where) == [loss(network, weights, data)]
    assert values(system.product, where) == [v for row in product(network, weights) for v in row]
    assert values(system.residual, where) == [v for row in residual(network, weights, data) for v in row]
    expected = list(gradient(network, weights, data))
    assert values(system.equations, where) == values(slopes, where) == expected
    flat = [v for row in hessian(network, weights, data) for v in row]
    assert values(system.hessian, where) == values(curvature, where) == flat
    net = checker.Network([[list(row) for row in mask] for mask in network.masks])
    numbers = checker.Data([list(r) for r in data.gram], [list(r) for r in data.cross], data.constant)
    point = [[list(row) for row in matrix] for matrix in weights]
    assert checker.gradient(net, point, numbers) == expected
    assert [v for row in checker.hessian(net, point, numbers) for v in row] == flat


@pytest.mark.parametrize("data_class", DataClass)
def test_symbolic_data_become_numbers(data_class: DataClass) -> None:
    network = LinearNetwork.from_masks([[[1, 0], [1, 1]], [[1, 1], [0, 1]]])
    gram = [[2, 0], [0, 3]] if data_class is ORTHOGONAL else [[2, 1], [1, 3]]
    data = Data.from_moments(gram, [[1, -1], [0, 5]], 50)
    symbolic, numeric = derive(network, data_class), derive(network, data)
    where = {symbolic.constant: sympy.Integer(50)}
    for names, numbers in ((symbolic.gram, numeric.gram), (symbolic.cross, numeric.cross)):
        where |= {a: b for a, b in zip(names, numbers, strict=True) if a.is_Symbol}
    assert sympy.expand(symbolic.loss.xreplace(where) - numeric.loss) == 0
    for a, b in zip(symbolic.equations, numeric.equations, strict=True):
        assert sympy.expand(a.xreplace(where) - b) == 0


def test_symbols_of_the_data_have_the_form_of_the_class() -> None:
    network = LinearNetwork.dense(3, 1, 2)
    general, orthogonal = derive(network), derive(network, ORTHOGONAL)
    assert general.data is ANY
    assert general.gram == general.gram.T
    assert len(general.gram.free_symbols) == 6
    assert orthogonal.gram.is_diagonal()
    assert all(symbol.is_positive for symbol in orthogonal.gram.free_symbols)
    assert len(general.cross.free_symbols) == len(orthogonal.cross.free_symbols) == 6
    assert [str(symbol) for symbol in general.symbols] == [network.weight_name(edge) for edge in network.edges]


# -- ranks ------------------------------------------------------------------------------------------------


def numeric_rank(network: LinearNetwork, point: Any, top: int, bottom: int) -> int:
    matrix = sympy.eye(network.widths[bottom - 1])
    for w in point[bottom - 1 : top]:
        matrix = sympy.Matrix([[sympy.Rational(x.numerator, x.denominator) for x in row] for row in w]) * matrix
    return int(matrix.rank())


@QUICK
@given(networks(max_depth=3), st.integers(0, 100))
def test_generic_ranks_are_those_of_a_random_point(network: LinearNetwork, seed: int) -> None:
    generator = random.Random(seed)
    point = weights_of(network, [generator.randint(1, 10**6) for _ in network.edges])
    ranks = derive(network).ranks
    assert len(ranks) == network.depth * (network.depth + 1) // 2
    assert (ranks[-1].top, ranks[-1].bottom) == (network.depth, 1)
    for condition in ranks:
        assert condition.generic == numeric_rank(network, point, condition.top, condition.bottom)


@QUICK
@given(networks(max_depth=3), st.data())
def test_the_rank_drops_exactly_where_all_minors_vanish(network: LinearNetwork, draw: st.DataObject) -> None:
    vector = draw.draw(st.lists(st.integers(-1, 1), min_size=network.parameters, max_size=network.parameters))
    point = weights_of(network, vector)
    system = derive(network)
    where = system.substitution(point)
    for condition in system.ranks:
        assert condition.complete
        drops = numeric_rank(network, point, condition.top, condition.bottom) < condition.generic
        assert drops == (condition.generic > 0 and not any(values(condition.minors, where)))


@pytest.mark.parametrize(
    ("masks", "generic"),
    [
        pytest.param([[[1, 1], [1, 1]], [[1, 0], [1, 0]]], 1, id="one unit is dead"),
        pytest.param([[[1], [1]], [[1, 1], [1, 1]]], 1, id="one input"),
        pytest.param([[[1, 1, 1]] * 3, [[1, 0, 0], [1, 0, 0], [1, 1, 1]]], 2, id="two outputs share a unit"),
        pytest.param([[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 1, 1]] * 3], 3, id="diagonal"),
        pytest.param([[[1] * 3] * 3, [[1] * 3, [0] * 3, [1] * 3], [[1] * 3] * 3], 2, id="bottleneck of two"),
        pytest.param([[[0, 0]], [[1]]], 0, id="no path"),
    ],
)
def test_generic_rank_of_the_product(masks: Any, generic: int) -> None:
    condition = derive(LinearNetwork.from_masks(masks)).ranks[-1]
    assert condition.generic == generic
    assert bool(condition.minors) == (generic > 0)


def test_minors_of_a_dense_layer() -> None:
    condition = derive(LinearNetwork.dense(3, 2)).ranks[0]
    assert (condition.name, condition.shape, condition.generic) == ("W1", (2, 3), 2)
    assert condition.submatrices == len(condition.minors) == 3
    w = derive(LinearNetwork.dense(3, 2)).symbols
    assert w[0] * w[4] - w[1] * w[3] in condition.minors


def test_minors_that_are_too_many_are_said_to_be_so() -> None:
    system = system_of("three layers")
    condition = system.ranks[-1]
    assert (condition.generic, condition.submatrices, condition.complete) == (2, 18, True)
    assert len(condition.minors) == 15
    assert "vanish: 15, of which the first 12 are printed" in system.text()
    system = derive(LinearNetwork.dense(6, 3, 6), ORTHOGONAL)
    condition = system.ranks[-1]
    assert (condition.generic, condition.complete, condition.minors) == (3, False, ())
    assert "(400 of them, too many or too long: not computed)" in system.text()


# -- dimensions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        # reachable entries, rank of dM/dtheta, gauge, cokernel, excess
        pytest.param(THREE_LAYERS, (12, 9, 7, 3, 0), id="three layers"),
        pytest.param(THREE_OUTPUTS, (9, 6, 2, 3, 0), id="three outputs"),
        pytest.param(OVERLAPPING, (3, 3, 2, 0, 1), id="overlapping units"),
        pytest.param(LinearNetwork.dense(4, 2, 5), (20, 14, 4, 6, 0), id="dense of rank two: r (m + n - r)"),
        pytest.param(LinearNetwork.dense(2, 3, 2), (4, 4, 8, 0, 0), id="dense and wide"),
        pytest.param(DEAD, (1, 1, 2, 0, 0), id="dead unit"),
        pytest.param(BOTTLENECK, (6, 4, 4, 2, 1), id="bottleneck of one"),
        pytest.param(EMPTY, (0, 0, 0, 0, 0), id="no weight"),
    ],
)
def test_dimensions(network: LinearNetwork, expected: tuple[int, ...]) -> None:
    d = derive(network).dimensions
    assert (d.reachable, d.jacobian_rank, d.gauge, d.cokernel, d.excess) == expected
    assert d.parameters == network.parameters
    assert d.exact


@QUICK
@given(networks(max_depth=3), st.integers(0, 3))
def test_bounds_hold_at_other_points(network: LinearNetwork, seed: int) -> None:
    d = derive(network, seed=seed).dimensions
    assert d.jacobian_rank <= d.jacobian_bound <= d.reachable
    assert d.excess >= 0
    generator = random.Random(-1 - seed)
    point = weights_of(network, [generator.randint(-3, 3) for _ in network.edges])
    assert rank(jacobian(network, point)) <= d.jacobian_bound
    assert derive(network, seed=seed + 17).dimensions.jacobian_rank == d.jacobian_rank


def test_bounds_that_differ_are_both_printed() -> None:
    """A structure whose generic rank, 5, attains none of the simple bounds."""
    network = LinearNetwork.from_masks([[[1, 0, 0], [1, 1, 1]], [[1, 1], [1, 1], [0, 1]], [[1, 0, 0], [1, 1, 1]]])
    d = derive(network).dimensions
    assert (d.jacobian_rank, d.jacobian_bound, d.exact) == (5, 6, False)
    sentence = f"rank {d.jacobian_rank} there, a lower bound of the generic rank; an upper bound is {d.jacobian_bound}"
    assert sentence in derive(network).text()


def test_a_singular_gram_adds_symmetries() -> None:
    d = derive(LinearNetwork.dense(2, 2, 1), SINGULAR).dimensions
    assert d.symmetries > d.gauge
    assert (
        f"gauge: {d.gauge}; with the kernel of G: {d.symmetries}"
        in derive(LinearNetwork.dense(2, 2, 1), SINGULAR).text()
    )


def test_the_seed_makes_the_result_reproducible() -> None:
    assert derive(THREE_OUTPUTS, seed=5).text() == derive(THREE_OUTPUTS, seed=5).text()
    assert "seed 5" in derive(THREE_OUTPUTS, seed=5).text()


# -- what is refused --------------------------------------------------------------------------------------


def test_large_networks_are_refused_with_a_remedy() -> None:
    assert derive(LinearNetwork.dense(60, 1)).network.parameters == 60
    with pytest.raises(ValueError, match=r"61 free weights, more than the 60 .* network\.induced\(inputs, outputs\)"):
        derive(LinearNetwork.dense(61, 1))
    with pytest.raises(ValueError, match=r"1024 paths from inputs to outputs, more than the 1000 .*induced"):
        derive(LinearNetwork.dense(*[2] * 10))


@pytest.mark.parametrize("target", [[[1]], [[1, 2]], [[1], [2]], [[1, 2, 3], [4, 5, 6]]])
def test_data_of_other_sizes_are_refused(target: Any) -> None:
    with pytest.raises(
        ValueError, match=r"data: .* but the network has 2 and 2; give data of the sizes of the network"
    ):
        derive(LinearNetwork.dense(2, 1, 2), Data.whitened(target))


# -- what is printed --------------------------------------------------------------------------------------


@EVERY
def test_the_text_has_every_equation(name: str) -> None:
    system = system_of(name)
    shown = system.text()
    assert shown.endswith("\n")
    for symbol, equation in zip(system.symbols, system.structured, strict=True):
        assert f"  {symbol}:  {equation} = 0" in shown
    for o, j in system.network.covered:
        assert f"  m{o + 1}_{j + 1} = {system.product[o, j]}" in shown
        assert f"  r{o + 1}_{j + 1} = {system.residual[o, j]}" in shown
    for condition in system.ranks:
        assert f"{condition.name}" in shown


def test_the_text_says_what_it_leaves_out() -> None:
    assert "w2_1_2:  0 = 0  (the weight does not enter M)" in system_of("dead unit").text()
    assert "Hessian: 16 x 16, not printed (more than 12 weights)" in system_of("three layers").text()
    assert "Hessian, 8 x 8" in system_of("two layers").text()
    assert re.search(r"\.\.\. \(\d+ terms, not printed\)", derive(LinearNetwork.dense(1, 4, 4, 4, 1)).text())
    assert "W2 W1 = M (1 x 2): generic rank 0; it is identically zero" in system_of("nothing").text()
    assert "where the rank is this, every critical point is a global minimum" in system_of("one layer").text()
    assert "strict modulo gauge can only be where dM/dtheta has a smaller one" in derive(OVERLAPPING).text()


def test_no_floats_and_exact_fractions_in_the_text() -> None:
    data = Data.from_moments([["1/3", 0], [0, 2]], [["1/7", 1]])
    shown = derive(LinearNetwork.dense(2, 1, 1), data).text()
    assert "r1_1 = w1_1_1*w2_1_1/3 - 1/7" in shown
    assert not re.search(r"\d\.\d", shown)


def balanced(text: str) -> bool:
    depth = 0
    for x in re.sub(r"\\[{}]", "", text):
        depth += (x == "{") - (x == "}")
        if depth < 0:
            return False
    begins, ends = (re.findall(rf"\\{word}{{(.*?)}}", text) for word in ("begin", "end"))
    return depth == 0 and sorted(begins) == sorted(ends) and text.count(r"\left") == text.count(r"\right")


@EVERY
def test_latex_is_balanced_and_has_every_equation(name: str) -> None:
    system = system_of(name)
    fragment = system.latex()
    assert balanced(fragment)
    assert r"\documentclass" not in fragment
    assert len(re.findall(r"\\frac{\\partial L}", fragment)) == system.network.parameters
    # no symbol such as w^{(1)}_{11} carries a second superscript, and no symbol keeps its plain name
    assert not re.search(r"\^{\(\d+\)}_{[\d, ]+}\^", fragment)
    assert not re.search(r"[wgcrm]\d+_", fragment)
    document = system.latex(document=True)
    assert fragment in document
    assert balanced(document)
    assert document.startswith(r"\documentclass") and r"\usepackage{amsmath}" in document


def test_indices_above_nine_are_separated() -> None:
    assert "w^{(1)}_{1, 12}" in derive(LinearNetwork.dense(12, 1)).latex()
    assert "w^{(1)}_{11}" in derive(LinearNetwork.dense(2, 1)).latex()


def test_notebooks_show_the_equations() -> None:
    shown = system_of("two layers")._repr_latex_()
    assert shown.startswith(r"$$\begin{aligned}") and shown.endswith(r"\end{aligned}$$")
    assert shown.count(r"\frac{\partial L}") == 8
    assert balanced(shown)


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex")
@pytest.mark.parametrize("name", ["two layers", "three layers", "nothing"])
def test_the_document_compiles(name: str, tmp_path: Path) -> None:
    (tmp_path / "system.tex").write_text(system_of(name).latex(document=True))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "system.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-2000:]
    assert (tmp_path / "system.pdf").exists()


def test_the_core_does_not_import_sympy() -> None:
    modules = ["network", "data", "exact", "loss", "certificate", "checker"]
    code = f"import sys; {'; '.join(f'import symverify.{m}' for m in modules)}; assert 'sympy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
