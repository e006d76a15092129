"""A whole atlas in memory: the rows and their certificates, from a store or from the package.

The table of the package is kept in two files of ``symverify/atlas/data``: ``NAME.rows.xz``, JSON of the rows, and
``NAME.certificates.xz``, the canonical bytes of all certificates one after the other, each ending with its newline, in
the order of their hashes.  The hashes stand in the rows, so that a certificate that was changed is missed.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from symverify.certificate import digest
from symverify.data import DataClass
from symverify.network import LinearNetwork

from . import store
from .rows import Entry, Job, Outcome, Question, Row
from .structures import parse_structure, same_structure

FORMAT = "symverify-atlas-table/1"
NAME = "atlas-3-3-3"
DATA = Path(__file__).parent / "data"


class TableError(Exception):
    """There is no table, or its files are damaged."""


@dataclass(frozen=True)
class Table:
    """Rows and certificates by hash, and the ``facts`` of the run (seed, version)."""

    rows: tuple[Row, ...]
    certificates: Mapping[str, bytes]
    facts: Mapping[str, str]

    @cached_property
    def by_form(self) -> dict[tuple[LinearNetwork, DataClass], Row]:
        """The rows by the canonical form of their structure; made in memory, as it may differ between igraphs."""
        return {(row.job.network.canonical_form(), row.job.data_class): row for row in self.rows}

    def find(self, network: LinearNetwork) -> list[Row]:
        """The rows of the structures isomorphic to ``network``, one per class."""
        return [row for row in self.rows if same_structure(row.job.network, network)]

    def dump(self) -> str:
        """The content in canonical form, without times: a line of JSON per row; equal iff the content is equal."""
        seed = json.dumps({"format": FORMAT, "seed": self.facts["seed"]}, sort_keys=True)
        return "\n".join([seed, *sorted(json.dumps(_packed(row), sort_keys=True) for row in self.rows)]) + "\n"

    def digest(self) -> str:
        """The sha256 of :meth:`dump`; the hashes of the certificates are in it."""
        return sha256(self.dump().encode()).hexdigest()

    def difference(self, other: Table) -> tuple[list[str], int]:
        """A line for every answer that the two give differently, or one of them not at all; and how many they both
        give, but by another rule or another certificate."""
        mine, theirs = self._answers(), other._answers()
        cells = sorted(mine | theirs)
        lines, otherwise = [], 0
        for cell in cells:
            here, there = mine.get(cell), theirs.get(cell)
            if _said(here) != _said(there):
                lines.append(f"{' '.join(cell)}: {_said(here)}, {_said(there)}")
            elif here != there:
                otherwise += 1
        return lines, otherwise

    def _answers(self) -> dict[tuple[str, str, str], Entry]:
        return {
            (row.job.structure, str(row.job.data_class), str(question)): row.entry(question)
            for row in self.rows
            for question in Question
        }


def _said(entry: Entry | None) -> str:
    """An answer without what it rests on."""
    if entry is None:
        return "no row"
    details = [*filter(None, [entry.kind]), *(f"assumes {theorem}" for theorem in entry.assumes)]
    return f"{entry.verdict}" + (f" ({', '.join(details)})" if details else "")


def load(folder: Path | None) -> Table:
    """The atlas of a folder, or without one the table of the package.

    Raises:
        StoreError, TableError: there is none, or it is damaged.
    """
    if folder is None:
        return unpack(DATA, NAME)
    with store.reading(folder) as source:
        return Table(tuple(source.rows()), source.certificates(), source.facts())


def pack(table: Table, folder: Path, name: str = NAME) -> tuple[Path, Path]:
    """Write a table in compact form; the two files.  Reading it back gives the same dump."""
    facts = {"format": FORMAT, "seed": table.facts["seed"], "version": table.facts["version"]}
    body = {**facts, "rows": [_packed(row) for row in table.rows]}
    named = {entry.certificate for row in table.rows for entry in (row.all_data, row.almost_all_data)} - {None}
    bundle = b"".join(table.certificates[key] for key in sorted(filter(None, named)))
    files = folder / f"{name}.rows.xz", folder / f"{name}.certificates.xz"
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in zip(files, (json.dumps(body, separators=(",", ":")).encode(), bundle), strict=True):
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(lzma.compress(content, preset=9 | lzma.PRESET_EXTREME))
        temporary.replace(path)
    return files


def unpack(folder: Path, name: str = NAME) -> Table:
    """The table that :func:`pack` wrote.

    Raises:
        TableError: a file is missing or damaged; a row names a certificate that is not there.
    """
    try:
        body = json.loads(_content(folder / f"{name}.rows.xz"))
        certificates = {digest(line): line for line in _content(folder / f"{name}.certificates.xz").splitlines(True)}
        if body["format"] != FORMAT:
            raise TableError(f"{folder / name}: has format {body['format']!r}, not {FORMAT}")
        rows = tuple(_unpacked(line) for line in body["rows"])
    except (ValueError, KeyError, TypeError) as error:
        raise TableError(f"{folder / name}: is damaged ({error})") from None
    _complete(rows, certificates, str(folder / name))
    return Table(rows, certificates, {"seed": body["seed"], "version": body["version"]})


def _content(path: Path) -> bytes:
    try:
        return lzma.decompress(path.read_bytes())
    except FileNotFoundError:
        raise TableError(f"{path}: is not there; name the folder of a run") from None
    except (OSError, lzma.LZMAError, EOFError) as error:
        raise TableError(f"{path}: cannot be read ({error})") from None


def _complete(rows: Iterable[Row], certificates: Mapping[str, bytes], where: str) -> None:
    for row in rows:
        for question in Question:
            name = row.entry(question).certificate
            if name is not None and name not in certificates:
                raise TableError(f"{where}: {row.job.structure}: certificate {name} is missing or changed")


def _packed(row: Row) -> list[Any]:
    packed: list[Any] = [row.job.structure, str(row.job.data_class)]
    for question in Question:
        entry = row.entry(question)
        packed.append([str(entry.verdict), entry.kind, entry.rule, entry.certificate, list(entry.assumes)])
    return packed


def _unpacked(line: list[Any]) -> Row:
    structure, data_class, *entries = line
    job = Job(parse_structure(structure), DataClass(data_class))
    every, almost = (Entry(Outcome(v), kind, rule, name, tuple(a)) for v, kind, rule, name, a in entries)
    return Row(job, every, almost)
