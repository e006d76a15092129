"""A structure of a user in the table of the package: what the table knows, carried over to the user's labelling."""

from __future__ import annotations

import json
from functools import cache

from symverify.certificate import SpuriousMinimum, decode_witness
from symverify.data import DataClass
from symverify.network import LinearNetwork
from symverify.witness import accepted, relabelled

from . import table
from .rows import Outcome, Row, bits
from .structures import representative

MAX_WIDTH = 3


@cache
def _rows() -> tuple[table.Table, dict[tuple[str, DataClass], Row]]:
    kept = table.load(None)
    return kept, {(row.job.structure, row.job.data_class): row for row in kept.rows}


def find_row(network: LinearNetwork, data_class: DataClass) -> Row | None:
    """The row of the structure isomorphic to ``network``; None if it is not in the table.

    >>> row = find_row(LinearNetwork.from_units(([1, 2], [1, 2]), ([1], [1])), DataClass.ANY)
    >>> row.job.structure, str(row.all_data.verdict)
    ('01 11 | 01 11', 'spurious')
    >>> find_row(LinearNetwork.dense(4, 1, 1), DataClass.ANY) is None
    True
    """
    if network.depth != 2 or max(network.widths) > MAX_WIDTH or not network.is_pruned():
        return None
    return _rows()[1].get((bits(representative(network)), data_class))


def known_witness(network: LinearNetwork, data_class: DataClass) -> SpuriousMinimum | None:
    """The witness of the table for all data, about the masks of ``network``; accepted by the checker.

    >>> network = LinearNetwork.from_units(([1, 2], [1, 2]), ([1], [1]))
    >>> known_witness(network, DataClass.ORTHOGONAL).network == network
    True
    """
    row = find_row(network, data_class)
    if row is None or row.all_data.verdict is not Outcome.SPURIOUS or row.all_data.certificate is None:
        return None
    witness = decode_witness(json.loads(_rows()[0].certificates[row.all_data.certificate]))
    mine, theirs = network.canonical_order(), row.job.network.canonical_order()
    order = [[0] * width for width in network.widths]
    for layer, user, kept in zip(order, mine, theirs, strict=True):
        for here, there in zip(user, kept, strict=True):
            layer[there] = here
    carried = relabelled(witness, network, order)
    return carried if accepted(carried) is not None else None
