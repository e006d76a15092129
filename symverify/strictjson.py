"""JSON files read strictly: no floats, no NaN, no key twice; every fault is one line that says where and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

MAX_BYTES = 64 * 1024 * 1024


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
    try:
        return json.loads(
            text.decode(),
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_short_integer,
            object_pairs_hook=_no_duplicates,
        )
    except RecursionError:
        raise ValueError("brackets nested too deeply; masks are lists of lists of lists") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start}: not UTF-8; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: not JSON ({error.msg})") from None


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"number {text[:20]}: floats are not exact; write an integer or a string such as '3/2'")


def _short_integer(text: str) -> int:
    if len(text) > 4000:
        raise ValueError(f"number {text[:20]}...: more than 4000 digits")
    return int(text)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"key {key[:40]!r} occurs twice; keep one of them")
        result[key] = value
    return result
