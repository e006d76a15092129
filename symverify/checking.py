"""Which trusted file checks what: ``checker.py`` spurious minima, traps and simple benign structures,
``structure_checker.py`` structures, ``point_checker.py`` any critical point of one instance, ``path_checker.py`` paths,
valleys and basins, ``sparse_checker.py`` large sparse networks.

Nothing here is part of the trust: a certificate that goes to the wrong file is malformed there.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from symverify import checker, path_checker, point_checker, sparse_checker, structure_checker

SPECIAL: tuple[ModuleType, ...] = (structure_checker, point_checker, path_checker, sparse_checker)
"""Each checks its own kinds; ``checker.py`` all others."""
MAX_BYTES = max(module.MAX_BYTES for module in (checker, *SPECIAL))
EXIT_CODES = {"malformed": 2, "invalid": 1, "assumes": 3, "valid": 0}
"""The worst outcome first."""


def trusted_file(data: bytes) -> ModuleType:
    """The module that checks these bytes, by the kind of the certificate, or of the first one of a bundle.

    >>> trusted_file(b'{"kind": "benign-fibre"}').__name__, trusted_file(b"[]").__name__
    ('symverify.structure_checker', 'symverify.checker')
    """
    owners = {kind: module for module in SPECIAL for kind in module.KINDS}
    if b"\\u" not in data and not any(f'"{kind}"'.encode() in data for kind in owners):
        return checker  # without reading a large file twice
    try:
        value: Any = sparse_checker.parse(data)
    except sparse_checker.MalformedCertificate:
        return checker
    for _ in range(2):
        if not isinstance(value, dict):
            break
        kind = value.get("kind")
        if isinstance(kind, str) and kind in owners:
            return owners[kind]
        inner = value.get("certificates")
        value = inner[0] if isinstance(inner, list) and inner else None
    return checker


def check_bytes(data: bytes) -> tuple[str, Any]:
    """``(outcome, facts)``, or ``(outcome, reason)`` if the outcome is ``invalid`` or ``malformed``."""
    result: tuple[str, Any] = trusted_file(data).check_bytes(data)
    return result


def main(paths: Sequence[str]) -> int:
    """Check files and print a report on each; the exit code is that of the worst outcome."""
    outcomes = set()
    for path in paths:
        try:
            with open(path, "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError:
            data = b""  # the report says why
        outcome, line = trusted_file(data).report(path)
        outcomes.add(outcome)
        print(line, flush=True)
    if not paths:
        print("usage: symverify check CERTIFICATE.json ...", file=sys.stderr)
        return 2
    return next((code for outcome, code in EXIT_CODES.items() if outcome in outcomes), 0)
