"""A structure as a layered graph: inputs on the left, outputs on the right, an edge for every free weight."""

from __future__ import annotations

from symverify.network import LinearNetwork

from .rows import bits

ACROSS, DOWN, RADIUS, MARGIN = 90, 40, 13, 20


def svg(network: LinearNetwork) -> str:
    """One ``<svg>`` element that needs nothing else; nodes are numbered from 1 in each layer, with ``x`` for inputs,
    ``h`` for hidden units and ``y`` for outputs.

    >>> picture = svg(LinearNetwork.dense(2, 1, 2))
    >>> picture.count("<circle"), picture.count("<line")
    (5, 4)
    """
    tallest = max(network.widths)
    width = 2 * MARGIN + 2 * RADIUS + network.depth * ACROSS
    height = 2 * MARGIN + 2 * RADIUS + (tallest - 1) * DOWN

    def place(layer: int, unit: int) -> tuple[float, float]:
        top = (tallest - network.widths[layer]) * DOWN / 2
        return MARGIN + RADIUS + layer * ACROSS, MARGIN + RADIUS + top + unit * DOWN

    lines, circles = [], []
    for layer, to, origin in network.edges:
        (x1, y1), (x2, y2) = place(layer, origin), place(layer + 1, to)
        lines.append(f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>')
    for layer, count in enumerate(network.widths):
        for unit in range(count):
            x, y = place(layer, unit)
            letter = "x" if layer == 0 else "y" if layer == network.depth else "h"
            circles.append(f'<circle cx="{x:g}" cy="{y:g}" r="{RADIUS}"/>')
            circles.append(f'<text x="{x:g}" y="{y + 4:g}">{letter}{unit + 1}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        f' height="{height:g}" role="img"><title>{bits(network)}</title>'
        f'<g stroke="#555" stroke-width="1.5">{"".join(lines)}</g>'
        '<g fill="#fff" stroke="#222" stroke-width="1.5" font-family="sans-serif" font-size="11"'
        f' text-anchor="middle">{"".join(circles).replace("<text", TEXT)}</g></svg>\n'
    )


TEXT = '<text fill="#222" stroke="none"'
