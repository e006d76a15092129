"""Masks as magnitude pruning of LeNet-300-100 leaves them: random weights, larger at the centre of the image.

    python docs/examples/pruned_lenet.py FOLDER

Writes ``lenet.npz`` (784-300-100-10, 5% of the weights kept) and ``scalar.npz`` (the same, one output).  No network is
trained: the weights are Gaussian, those of an input pixel scaled by exp(-(distance from the centre / 8)^2), and in all
layers together the smallest are pruned.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def masks(kept: float, seed: int = 0) -> list[np.ndarray]:
    """One 0/1 matrix per layer; ``kept`` is the share of the weights that stays."""
    rng = np.random.default_rng(seed)
    rows, columns = np.divmod(np.arange(784), 28)
    pixel = np.exp(-((rows - 13.5) ** 2 + (columns - 13.5) ** 2) / 8**2)
    scales = [np.ones((300, 1)) * pixel, np.ones((100, 300)), np.ones((10, 100))]
    weights = [np.abs(rng.standard_normal(scale.shape)) * scale for scale in scales]
    border = np.quantile(np.concatenate([w.ravel() for w in weights]), 1 - kept)
    return [w > border for w in weights]


def main(folder: Path) -> None:
    """Write the two files."""
    made = masks(0.05)
    np.savez_compressed(folder / "lenet.npz", W1=made[0], W2=made[1], W3=made[2])
    np.savez_compressed(folder / "scalar.npz", W1=made[0], W2=made[1], W3=made[2][:1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
