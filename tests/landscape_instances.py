"""Random instances for the tests of the landscape."""

from __future__ import annotations

import random
from itertools import pairwise

from symverify.data import Data
from symverify.network import LinearNetwork

KINDS = ("whitened", "general", "singular", "zero", "coincidence")


def random_network(rng: random.Random, least: int, most: int) -> LinearNetwork:
    """Depth 2 or 3, widths 1 to 3, between ``least`` and ``most`` weights."""
    while True:
        widths = [rng.randint(1, 3) for _ in range(rng.choice((2, 2, 2, 3)) + 1)]
        masks = [[[int(rng.random() < 0.75) for _ in range(a)] for _ in range(b)] for a, b in pairwise(widths)]
        network = LinearNetwork.from_masks(masks)
        if least <= network.parameters <= most and network.covered:
            return network


def random_instance(seed: int, least: int = 2, most: int = 9) -> tuple[LinearNetwork, Data]:
    """A network and small integer data: whitened, general, with singular G, zero, or with many coincidences."""
    rng = random.Random(seed)
    network = random_network(rng, least, most)
    inputs, outputs = network.widths[0], network.widths[-1]
    kind = KINDS[seed % len(KINDS)]
    if kind in ("general", "singular"):
        samples = inputs if kind == "general" else max(1, inputs - 1)
        x, y = ([[rng.randint(-3, 3) for _ in range(samples)] for _ in range(n)] for n in (inputs, outputs))
        return network, Data.from_samples(x, y)
    entries = {"whitened": range(-5, 6), "zero": (0,), "coincidence": (0, 0, 1)}[kind]
    return network, Data.whitened([[rng.choice(entries) for _ in range(inputs)] for _ in range(outputs)])
