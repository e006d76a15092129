"""Benign by rule P for all pairs at once, in time linear in the weights (lemmas `path`, `sparse-benign`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .layers import SparseNetwork

Labels = npt.NDArray[np.int64]
NONE, MANY = -1, -2


def path_rule(net: SparseNetwork) -> str | None:
    """Why every covered pair is settled by rule P, in words; None if one is left, which says nothing.

    A pair (output o, input j) is settled if a path joins them whose hidden nodes are all reached by j alone, or all
    reach o alone.

    >>> from symverify import LinearNetwork
    >>> path_rule(SparseNetwork.from_network(LinearNetwork.dense(3, 2, 1)))
    'rule P, every path: one live output'
    >>> path_rule(SparseNetwork.from_network(LinearNetwork.dense(3, 2, 2))) is None
    True
    """
    inputs, outputs = (int(net.live[l].sum()) for l in (0, net.depth))
    if not inputs:
        return "no path joins any input to any output: M is 0 for all weights"
    for count, name in ((outputs, "output"), (inputs, "input")):
        if count == 1:
            return f"rule P, every path: one live {name}"
    single_in, single_out = _single(net, from_below=True), _single(net, from_below=False)
    if _hopeless(net, single_in, single_out) or not _all_settled(net, single_in, single_out):
        return None
    return "rule P: each covered pair has a path whose hidden nodes have one input, or one output, in common"


def _single(net: SparseNetwork, *, from_below: bool) -> list[Labels]:
    """Per layer and node the one input (output) that reaches it (that it reaches); NONE or MANY otherwise."""
    layers = net.layers if from_below else tuple(layer.transposed() for layer in reversed(net.layers))
    labels = [np.arange(layers[0].shape[1])]
    for layer in layers:
        seen = labels[-1][layer.columns]
        rows, seen = layer.rows[seen != NONE], seen[seen != NONE]
        low, high = np.full(layer.shape[0], np.iinfo(np.int64).max), np.full(layer.shape[0], NONE - 2)
        np.minimum.at(low, rows, seen)
        np.maximum.at(high, rows, seen)
        made = np.where(low == high, low, MANY)
        made[high == NONE - 2] = NONE
        labels.append(made)
    return labels if from_below else labels[::-1]


def _hopeless(net: SparseNetwork, single_in: list[Labels], single_out: list[Labels]) -> bool:
    """A live input all of whose live successors are hidden and shared on both sides: none of its pairs is settled."""
    if net.depth < 2:
        return False
    layer, live = net.layers[0], net.live[1]
    useful = live & ((single_in[1] >= 0) | (single_out[1] >= 0))
    helped = np.zeros(net.widths[0], bool)
    helped[layer.columns[useful[layer.rows]]] = True
    return bool((net.live[0] & ~helped).any())


def _all_settled(net: SparseNetwork, single_in: list[Labels], single_out: list[Labels]) -> bool:
    """The sets of outputs, as bits: reached, reached through nodes with one input, through nodes with one output."""
    sets = [(1 << o, 1 << o, 1 << o) for o in range(net.widths[-1])]
    for l in range(net.depth - 1, -1, -1):
        made = []
        for v in range(net.widths[l]):
            reached = one_in = one_out = 0
            for i in net.above[l].of(v):
                reached |= sets[i][0]
                one_in |= sets[i][1]
                one_out |= sets[i][2]
            hidden = l > 0
            one_in = 0 if hidden and single_in[l][v] < 0 else one_in
            one_out = 0 if hidden and single_out[l][v] < 0 else one_out
            made.append((reached, one_in, one_out))
        sets = made
    return all(reached == one_in | one_out for reached, one_in, one_out in sets)
