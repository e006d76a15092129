"""Structures that several tests speak of, by the names of ``docs/mathematics.md``, and random ones."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from symverify.network import LinearNetwork

E1 = LinearNetwork.from_masks([[[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[1] * 3] * 2, [[1] * 2] * 3])
E2 = LinearNetwork.from_masks([[[1, 0, 0], [1, 1, 1]], [[1, 1], [0, 1], [0, 1]]])
SIX_WEIGHTS = LinearNetwork.from_units(([1], [1]), ([1, 2], [1, 2]))
TWICE = LinearNetwork.from_units(([1, 2], [1, 2]), ([1, 3], [1, 3]))
FALSE_FRIEND = LinearNetwork.from_masks([[[1, 0], [0, 1]], [[1, 1], [1, 0]], [[1, 0], [0, 1]]])
SHARED_OUTPUTS = LinearNetwork.from_units(([1, 2], [1, 2]), ([3, 4], [1, 2]))
"""Dense blocks with disjoint inputs and the same outputs."""


@st.composite
def networks(draw: st.DrawFn) -> LinearNetwork:
    """Depth 1 to 4, widths 1 to 3, maybe with dead units."""
    widths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=5))
    bit = st.sampled_from([0, 1, 1])
    return LinearNetwork.from_masks(
        draw(st.lists(st.lists(bit, min_size=below, max_size=below), min_size=above, max_size=above))
        for below, above in pairwise(widths)
    )
