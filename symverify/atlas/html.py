"""An atlas as one self-contained page: every row, every certificate, a table to search and sort; no network needed.

The page is ``page.html`` with two blocks of data filled in: the rows as JSON, and all certificates one after the other
(canonical bytes, in the order of their hashes), compressed, as base64.  Nothing that comes from the data is ever read
as markup: in the JSON every ``<``, ``>`` and ``&`` is written as an escape, and the script makes text nodes only.  A
content security policy allows exactly the style and the script of the template, and no request at all.
"""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from symverify.certificate import digest
from symverify.data import DataClass

from .rows import Entry, Question, Row, units
from .table import Table, TableError

TEMPLATE = Path(__file__).with_name("page.html")
ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def page(table: Table) -> str:
    """The page of a table.  Equal tables give equal pages, with the same zlib.

    Raises:
        TableError: a certificate that a row names is missing or has another hash.

    Example:
        >>> from symverify.atlas.structures import parse_structure
        >>> from symverify.atlas.rows import Entry, Job, Outcome, Row
        >>> job = Job(parse_structure("{1}x{1}"), DataClass.ANY)
        >>> row = Row(job, Entry(Outcome.OPEN), Entry(Outcome.OPEN))
        >>> "1 | 1" in page(Table((row,), {}, {"seed": "0", "version": "0"}))
        True
    """
    names = sorted({name for row in table.rows for q in Question if (name := row.entry(q).certificate) is not None})
    template = TEMPLATE.read_text(encoding="utf-8")
    filled = {
        "POLICY": _policy(template),
        "ROWS": _script_json(_content(table, names)),
        "CERTIFICATES": b64encode(_compressed(table, names)).decode("ascii"),
    }
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda match: filled[match[1]], template)


def _policy(template: str) -> str:
    """The content security policy under which the style and the script of the template run, and nothing else."""
    allowed = []
    for tag in ("script", "style"):
        (source,) = re.findall(rf"<{tag}>(.*?)</{tag}>", template, re.DOTALL)
        hashed = b64encode(sha256(source.encode()).digest()).decode("ascii")
        allowed.append(f"{tag}-src 'sha256-{hashed}'")
    return f"default-src 'none'; {'; '.join(allowed)}; img-src data:; base-uri 'none'; form-action 'none'"


def _script_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")).translate(ESCAPES)


def _content(table: Table, names: list[str]) -> dict[str, Any]:
    """What the script of the page reads.  An answer is ``[verdict, kind, rule, certificate, assumptions]`` with numbers
    for the last two; a structure has one for every class and question, in this order, or null."""
    classes = [data_class for data_class in DataClass if any(row.job.data_class is data_class for row in table.rows)]
    assumptions = sorted({theorem for row in table.rows for q in Question for theorem in row.entry(q).assumes})
    number = {name: k for k, name in enumerate(names)} | {theorem: k for k, theorem in enumerate(assumptions)}

    def answer(entry: Entry) -> list[Any]:
        certificate = None if entry.certificate is None else number[entry.certificate]
        return [str(entry.verdict), entry.kind, entry.rule, certificate, [number[text] for text in entry.assumes]]

    facts = {"digest": table.digest(), "rows": len(table.rows), "seed": table.facts["seed"]}
    structures = []
    for same in _grouped(table.rows):
        by_class = {row.job.data_class: row for row in same}
        rows = [by_class.get(data_class) for data_class in classes]
        answers = [None if row is None else answer(row.entry(question)) for row in rows for question in Question]
        structures.append([same[0].job.structure, units(same[0].job.network), answers])
    return {
        "facts": {**facts, "version": table.facts["version"]},
        "classes": [str(data_class) for data_class in classes],
        "questions": [str(question) for question in Question],
        "assumptions": assumptions,
        "certificates": names,
        "structures": structures,
    }


def _grouped(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows of every structure, small structures first."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.job.structure, []).append(row)
    return sorted(found.values(), key=_order)


def _order(same: list[Row]) -> tuple[int, tuple[int, ...], str]:
    widths = tuple(same[0].job.network.widths)
    return sum(widths), widths, same[0].job.structure


def _compressed(table: Table, names: list[str]) -> bytes:
    """The certificates in the order of ``names``, a line each, in the format of zlib (without a time stamp)."""
    for name in names:
        content = table.certificates.get(name)
        if content is None or digest(content) != name or content.find(b"\n") != len(content) - 1:
            raise TableError(f"certificate {name} is missing or changed")
    return zlib.compress(b"".join(table.certificates[name] for name in names), 9)
