"""Vertex-disjoint paths in a layered network, by augmenting paths (Menger, Ford and Fulkerson)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from .layers import Neighbours

MAX_VISITS = 1_000_000
"""Moves that one linking may look at before it gives up."""

Place = tuple[int, int, bool]
"""Level, node, and whether we stand behind the node (may go on from it) or before it (may only enter it)."""


class _Flow:
    """Disjoint paths over levels ``0 .. len(steps)``, as successors and predecessors of the nodes on them."""

    def __init__(self, steps: Sequence[Neighbours], blocked: Sequence[set[int]]) -> None:
        self.steps, self.blocked = steps, blocked
        self.after: list[dict[int, int]] = [{} for _ in steps]
        self.before: list[dict[int, int]] = [{} for _ in range(len(steps) + 1)]
        self.visits = 0

    def augment(self, start: int) -> bool:
        """One path more, from ``start``; the others may be led along other nodes."""
        first: Place = (0, start, True)
        origin: dict[Place, Place | None] = {first: None}
        queue = deque([first])
        while queue:
            place = queue.popleft()
            moves = self._moves(place)
            self.visits += 1 + len(moves)
            for following in moves:
                if following in origin:
                    continue
                origin[following] = place
                level, node, behind = following
                if level == len(self.steps) and not behind and node not in self.before[level]:
                    self._apply(following, origin)
                    return True
                queue.append(following)
            if self.visits > MAX_VISITS:
                return False
        return False

    def _moves(self, place: Place) -> list[Place]:
        level, node, behind = place
        if not behind:  # into a free node and through it; out of a used one only backwards, along its path
            used = self.before[level].get(node)
            return [(level, node, True)] if used is None else [(level - 1, used, True)]
        own = self.before[level].get(node)
        moves: list[Place] = [] if own is None else [(level, node, False)]
        if level < len(self.steps):
            taken, blocked = self.after[level].get(node), self.blocked[level + 1]
            moves += [(level + 1, w, False) for w in self.steps[level].of(node) if w != taken and w not in blocked]
        return moves

    def _apply(self, place: Place, origin: dict[Place, Place | None]) -> None:
        added, removed = [], []
        here: Place | None = place
        while here is not None:
            there = origin[here]
            if there is not None and there[0] < here[0]:
                added.append((there[0], there[1], here[1]))
            elif there is not None and there[0] > here[0]:
                removed.append((here[0], here[1], there[1]))
            here = there
        for level, u, w in removed:
            del self.after[level][u], self.before[level + 1][w]
        for level, u, w in added:
            self.after[level][u], self.before[level + 1][w] = w, u


def link(
    steps: Sequence[Neighbours], starts: Sequence[int], blocked: Sequence[set[int]]
) -> dict[int, tuple[int, ...]] | None:
    """For each of the starts a path over all steps, no two of them with a node in common; None if there are none.

    ``blocked[level]`` are nodes that no path may enter; the starts have level 0.

    >>> import numpy as np
    >>> step = Neighbours(np.array([0, 2, 3]), np.array([0, 1, 0]))  # 0: 0 or 1; 1: only 0
    >>> link([step], [0, 1], [set(), set()])
    {0: (0, 1), 1: (1, 0)}
    >>> link([step], [0, 1], [set(), {1}]) is None
    True
    """
    flow = _Flow(steps, blocked)
    if not all(flow.augment(start) for start in starts):
        return None
    paths = {}
    for start in starts:
        path = [start]
        for after in flow.after:
            path.append(after[path[-1]])
        paths[start] = tuple(path)
    return paths
