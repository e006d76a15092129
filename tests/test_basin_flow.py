"""What is simulated agrees with what is certified: a start inside a certified basin always ends at its minimum."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from symverify.claims import theorems_folder
from symverify.data import Data
from symverify.flow.simulate import Landscape, Outcome, descent, flow
from symverify.network import LinearNetwork
from symverify.path_checker import check_bytes

BUNDLE = theorems_folder() / "certificates" / "decreasing_path" / "basin.json"
BASINS: list[dict[str, Any]] = json.loads(BUNDLE.read_bytes())["certificates"]
STARTS = 24


def starts(body: dict[str, Any], seed: int) -> tuple[Landscape, np.ndarray[Any, Any]]:
    """Points of the closed ball of the basin, half of them on its sphere."""
    network = LinearNetwork.from_masks(body["masks"])
    data = Data.from_moments(body["data"]["G"], body["data"]["C"], body["data"]["c0"])
    centre = np.array([float(Fraction(body["point"][l][i][j])) for l, i, j in network.edges])
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(STARTS, len(centre)))
    lengths = np.where(np.arange(STARTS) % 2, 1.0, rng.random(STARTS))
    steps *= (lengths * float(Fraction(body["basin"])) / np.linalg.norm(steps, axis=1))[:, None]
    return Landscape(network, data), centre + steps


@pytest.mark.parametrize("number", range(len(BASINS)))
@pytest.mark.parametrize("method", [flow, descent])
def test_a_start_inside_a_certified_basin_ends_at_its_minimum(number: int, method: Any) -> None:
    body = BASINS[number]
    assert check_bytes(json.dumps(body).encode())[0] == "valid"
    landscape, points = starts(body, number)
    low, high = (float(Fraction(body["statement"][key])) for key in ("loss_at_least", "loss_at_most"))
    runs = method(landscape, points)
    assert set(runs.outcomes) == {Outcome.CONVERGED}
    assert np.all(runs.loss >= low - 1e-10 * (1 + abs(low))) and np.all(runs.loss <= high + 1e-10 * (1 + abs(high)))


def test_there_are_basins() -> None:
    assert len(BASINS) >= 4
