"""Random induced sub-structures on few inputs and outputs, and the share of them that is spurious.

Two schemes, each a distribution from which the samples are drawn independently, so that the interval has a meaning:

* ``uniform``: k is 2 or 3 with equal probability, J and O are uniform among the sets of k live inputs (outputs);
* ``unit``: a uniform live hidden unit, k as before, J and O uniform among the sets of k inputs that reach it and of k
  outputs that it reaches (all of them, if there are fewer).

A third scheme asks the same of the whole network at any depth:

* ``entry``: a uniform pair of a live input j and a live output o; spurious if a pinned minimum (lemma `pinned`) with
  its residual at this entry is found.  There are fewer of them in large networks (``entries``).

The sub-structure of a sample of the first two are all nodes on paths from J to O and all weights between them (lemma
`lifted`).  It is *undecided* if it has more than ``MAX_HIDDEN`` hidden nodes or nothing decides it; those count as not
spurious, so that the share is one of proved cases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import sqrt

import numpy as np

from symverify.atlas.rows import Outcome
from symverify.network import LinearNetwork

from .layers import Indices, SparseNetwork
from .match import Known, Matcher, Source
from .pinned import pinned_at

MAX_HIDDEN = 12
FEW = 20
SIZES = (2, 3)
SCHEMES = ("uniform", "unit", "entry")
ENTRY_WORK = 2_000_000
"""Weights that all entries sampled may look at together."""
Nodes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A spurious sub-structure: its nodes per layer, itself, and what is known of it."""

    nodes: Nodes
    network: LinearNetwork
    known: Known


@dataclass(slots=True)
class Statistics:
    """Counts over the samples of one scheme."""

    scheme: str
    samples: int = 0
    unjoined: int = 0
    large: int = 0
    open: int = 0
    benign: int = 0
    spurious: int = 0
    patterns: Counter[tuple[str, str]] = field(default_factory=Counter)
    edges: Counter[tuple[int, int, int]] = field(default_factory=Counter)

    def to_json(self) -> dict[str, object]:
        """The counts, the share of proved spurious samples with its interval, and the decided share."""
        low, high = wilson(self.spurious, self.samples)
        decided = self.unjoined + self.benign + self.spurious
        return {
            "scheme": self.scheme,
            "samples": self.samples,
            "spurious": self.spurious,
            "benign": self.benign,
            "no_path": self.unjoined,
            "too_large": self.large,
            "open": self.open,
            "share_spurious": self.spurious / self.samples if self.samples else 0.0,
            "interval_95": [low, high],
            "share_decided": decided / self.samples if self.samples else 0.0,
            "patterns": [
                {"pattern": pattern, "source": source, "count": count}
                for (pattern, source), count in sorted(self.patterns.items(), key=lambda item: (-item[1], item[0]))
            ],
            "edges": [
                {"edge": list(edge), "count": count}
                for edge, count in sorted(self.edges.items(), key=lambda item: (-item[1], item[0]))[:10]
            ],
        }


def wilson(successes: int, trials: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """The Wilson score interval of a share, at 95% by default (Wilson 1927).

    >>> [round(x, 4) for x in wilson(5, 10)], wilson(0, 0)
    ([0.2366, 0.7634], (0.0, 1.0))
    """
    if not trials:
        return 0.0, 1.0
    share, square = successes / trials, z * z
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = z / (1 + square / trials) * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    return (max(0.0, centre - half) if successes else 0.0), (min(1.0, centre + half) if successes < trials else 1.0)


def between(net: SparseNetwork, inputs: Indices, outputs: Indices) -> Nodes | bool | None:
    """All nodes on paths from the inputs to the outputs; None if there is no path, False if they are too many."""
    middle = (net.depth + 1) // 2
    up = net.reached_from(inputs, 0, middle)
    down = net.reaching(outputs, net.depth, middle)
    nodes = [np.intersect1d(up[-1], down[0], assume_unique=True)]
    if not len(nodes[0]):
        return None
    if 0 < middle < net.depth and len(nodes[0]) > MAX_HIDDEN:
        return False
    # From here on only the neighbours of what lies between: a node below is on a path iff it is reached from the inputs
    # and leads to such a node.
    for l in range(middle - 1, -1, -1):
        nodes.insert(0, np.intersect1d(up[l], net.below[l].union(nodes[0], net.widths[l]), assume_unique=True))
    for l in range(middle, net.depth):
        above = net.above[l].union(nodes[-1], net.widths[l + 1])
        nodes.append(np.intersect1d(down[l + 1 - middle], above, assume_unique=True))
    if sum(len(layer) for layer in nodes[1:-1]) > MAX_HIDDEN:
        return False
    return tuple(tuple(layer.tolist()) for layer in nodes)


class Sampler:
    """Draws sub-structures, matches them, and keeps the best one that is spurious by the atlas."""

    def __init__(self, net: SparseNetwork, seed: int) -> None:
        self.net, self.rng, self.matcher = net, np.random.default_rng(seed), Matcher()
        self.inputs, self.outputs = np.flatnonzero(net.live[0]), np.flatnonzero(net.live[-1])
        self.units = [(l, int(v)) for l in range(1, net.depth) for v in np.flatnonzero(net.live[l])]
        self.ends: dict[tuple[int, int], tuple[Indices, Indices]] = {}
        self.best: Found | None = None

    def run(self, scheme: str, count: int, progress: Callable[[str], None] = lambda text: None) -> Statistics:
        """``count`` samples of one scheme."""
        found = Statistics(scheme)
        if scheme == "entry":
            count = min(count, max(FEW, ENTRY_WORK // max(1, self.net.edges)))
        if not len(self.inputs) or (scheme == "unit" and not self.units):
            return found
        for n in range(count):
            if n % 100 == 0:
                progress(f"{scheme} samples: {n} of {count}, {found.spurious} spurious")
            if scheme == "entry":
                self._entry(found)
            else:
                self._one(found, *(self._uniform() if scheme == "uniform" else self._through_unit()))
        return found

    def _choose(self, nodes: Indices, k: int) -> Indices:
        return np.sort(self.rng.choice(nodes, min(k, len(nodes)), replace=False))

    def _uniform(self) -> tuple[Indices, Indices]:
        k = int(self.rng.choice(SIZES))
        return self._choose(self.inputs, k), self._choose(self.outputs, k)

    def _through_unit(self) -> tuple[Indices, Indices]:
        unit = self.units[int(self.rng.integers(len(self.units)))]
        if unit not in self.ends:
            self.ends[unit] = _ends(self.net, *unit)
        k = int(self.rng.choice(SIZES))
        return self._choose(self.ends[unit][0], k), self._choose(self.ends[unit][1], k)

    def _entry(self, found: Statistics) -> None:
        j, o = int(self.rng.choice(self.inputs)), int(self.rng.choice(self.outputs))
        pinned = pinned_at(self.net, j, o)
        found.samples += 1
        if pinned is None:
            found.open += 1
            return
        found.spurious += 1
        found.patterns[f"pinned between layers {pinned.low} and {pinned.high}", "pinned"] += 1
        found.edges.update({weight[:3] for weight in (*pinned.point, *pinned.better)})

    def _one(self, found: Statistics, inputs: Indices, outputs: Indices) -> None:
        found.samples += 1
        nodes = between(self.net, inputs, outputs)
        if nodes is None:
            found.unjoined += 1
        elif isinstance(nodes, bool):
            found.large += 1
        else:
            network = self.net.part(nodes)
            known = self.matcher.match(network)
            if known.outcome is Outcome.OPEN:
                found.open += 1
            elif known.outcome is Outcome.BENIGN:
                found.benign += 1
            else:
                found.spurious += 1
                found.patterns[known.pattern, str(known.source)] += 1
                for l, i, j in network.edges:
                    found.edges[l, nodes[l + 1][i], nodes[l][j]] += 1
                self._keep(Found(nodes, network, known))

    def _keep(self, found: Found) -> None:
        if found.known.source is Source.ATLAS and (
            self.best is None or found.network.parameters < self.best.network.parameters
        ):
            self.best = found


def _ends(net: SparseNetwork, layer: int, unit: int) -> tuple[Indices, Indices]:
    """The inputs that reach a unit and the outputs that it reaches."""
    return net.reaching([unit], layer)[0], net.reached_from([unit], layer)[-1]
