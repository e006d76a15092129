"""JSON files read strictly: no floats, no NaN, no key twice; every fault is one line that says where and what to do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_BYTES = 64 * 1024 * 1024
MAX_DIGITS = 4000
"""Below the limit of ``int``, so that every number can be read."""


def read(path: str | Path) -> Any:
    """The JSON value of a file.

    Raises:
        ValueError: the file cannot be read, or :func:`parse` refuses it.
    """
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    return parse(text)


def parse(text: bytes) -> Any:
    """The JSON value of a text.

    Raises:
        ValueError: with the place and the remedy.

    Example:
        >>> parse(b'{"masks": [[[1, 0]]]}')
        {'masks': [[[1, 0]]]}
    """
    if len(text) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES} bytes; give a smaller file")
    if not text.strip():
        raise ValueError('empty; a problem looks like {"format": "symverify-problem/1", "masks": ..., "data": ...}')
    if text.startswith(b"\xef\xbb\xbf"):
        raise ValueError("a byte order mark stands first; save the file as UTF-8 without one")
    refused: list[_Refused] = []

    def refuse(number: str) -> _Refused:
        refused.append(
            _Refused(f"number {number[:20]}: floats are not exact; write an integer or a string such as '3/2'")
        )
        return refused[-1]

    def integer(digits: str) -> int | _Refused:
        if len(digits) <= MAX_DIGITS:
            return int(digits)
        refused.append(_Refused(f"number {digits[:20]}...: more than {MAX_DIGITS} digits; round it"))
        return refused[-1]

    try:
        value = json.loads(
            text.decode(),
            parse_float=refuse,
            parse_constant=refuse,
            parse_int=integer,
            object_pairs_hook=_no_duplicates,
        )
        if refused:
            where = _place(value, refused[0])
            raise ValueError(f"{where}: {refused[0].why}" if where else refused[0].why)
        return value
    except RecursionError:
        raise ValueError("brackets nested too deeply; masks are lists of lists of lists") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start}: not UTF-8; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: not JSON ({error.msg})") from None


@dataclass(frozen=True, slots=True, eq=False)
class _Refused:
    """Stands for a number that is refused, until its place in the file is known."""

    why: str


def _place(value: Any, wanted: _Refused) -> str | None:
    """Where ``wanted`` stands, such as ``data.G[1][0]``; the empty text if it is all of the file, None if not here."""
    if value is wanted:
        return ""
    if not isinstance(value, dict | list):
        return None
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        rest = _place(inner, wanted)
        if rest is not None:
            return (f"[{key}]" if isinstance(key, int) else _name(key)) + (
                rest if rest[:1] in ("[", "") else f".{rest}"
            )
    return None


def _name(key: str) -> str:
    return key if key.isidentifier() and len(key) <= 40 else f"{key[:40]!r}"


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"key {key[:40]!r} occurs twice; keep one of them")
        result[key] = value
    return result
