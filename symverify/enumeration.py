"""All structures of given widths up to isomorphism."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, permutations, product

import numpy as np

from symverify.network import LinearNetwork

MAX_BITS = 24


def structures(*widths: int) -> Iterator[LinearNetwork]:
    """Every structure of these widths without dead units, unused inputs or unused outputs, one per isomorphism class.

    That is: every mask has no zero row and no zero column.  Classes are under permutations of the inputs, the outputs
    and the units of each hidden layer; the representative is the first in the order of the masks.

    Raises:
        ValueError: fewer than two widths, a width below 1, or more than 2^24 labelled masks.

    Example:
        >>> [str(net) for net in structures(2, 1, 2)]
        ['2-1-2 11 | 1 1']
        >>> sum(1 for _ in structures(2, 2, 2))
        10
    """
    shapes = [(above, below) for below, above in pairwise(widths)]
    if not shapes or min(widths) < 1 or sum(a * b for a, b in shapes) > MAX_BITS:
        raise ValueError(f"widths {widths}: two and more positive widths, with at most {MAX_BITS} possible weights")
    groups = [np.array(list(permutations(range(width)))) for width in widths]
    layers = [_filled_masks(*shape) for shape in shapes]
    seen: set[bytes] = set()
    for masks in product(*layers):
        if b"".join(mask.tobytes() for mask in masks) in seen:
            continue
        seen.update(_orbit(masks, groups))
        yield LinearNetwork.from_masks(masks)


def _filled_masks(rows: int, columns: int) -> list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]]:
    bits = (np.arange(2 ** (rows * columns))[:, None] >> np.arange(rows * columns)[::-1]) & 1
    masks = bits.reshape(-1, rows, columns).astype(np.uint8)
    return list(masks[(masks.sum(axis=1) > 0).all(axis=1) & (masks.sum(axis=2) > 0).all(axis=1)])


def _orbit(masks: tuple[np.ndarray[tuple[int, int], np.dtype[np.uint8]], ...], groups: list[np.ndarray]) -> set[bytes]:
    """The images of the masks under all permutations, as bytes."""
    images: dict[bytes, set[bytes]] | None = None
    for l, mask in enumerate(masks):
        below, above = groups[l], groups[l + 1]
        moved = mask[above[:, None, :, None], below[None, :, None, :]]
        step: dict[bytes, set[bytes]] = {}
        for b in range(len(below)):
            prefixes = {b""} if images is None else images[below[b].tobytes()]
            for a in range(len(above)):
                tail = moved[a, b].tobytes()
                step.setdefault(above[a].tobytes(), set()).update(prefix + tail for prefix in prefixes)
        images = step
    assert images is not None
    return set().union(*images.values())
