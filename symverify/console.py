"""What the commands share: reading problems, limits, keeping certificates, a line of progress."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symverify.usage import UsageError

if TYPE_CHECKING:
    from symverify.certificate import Encodable


def load_problem(path: str) -> Any:
    """The problem of a file; raises :class:`UsageError`."""
    from symverify.problem import ProblemError, load

    try:
        return load(path)
    except ProblemError as error:
        raise UsageError(str(error)) from None


def check_limits(options: argparse.Namespace) -> None:
    """Raises :class:`UsageError` for a budget or a seed that cannot be."""
    if not options.budget > 0:
        raise UsageError(f"--budget {options.budget}: give a positive number of seconds")
    if options.seed < 0:
        raise UsageError(f"--seed {options.seed}: give a number from 0 on")


class Keeper:
    """Writes each certificate as soon as it is found, under the hash of its content."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.paths: list[Path] = []

    def keep(self, certificate: Encodable) -> Path:
        from symverify.certificate import digest, encode

        data = encode(certificate)
        path = self.folder / f"{digest(data)[:16]}.json"
        if path in self.paths:
            return path
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".tmp")
            temporary.write_bytes(data)
            self.paths.append(path)  # first, so that an interrupt just after the next line names it
            temporary.replace(path)
        except OSError as error:
            raise self._refused(error) from None
        return path

    def open(self) -> None:
        """Make the folder, so that it fails before the work where it cannot be made."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: OSError) -> UsageError:
        return UsageError(f"--out {self.folder}: cannot be written ({error.strerror}); choose another folder")

    def found(self, certificate: Encodable) -> None:
        """What the search calls for each certificate that the checker accepted."""
        self.keep(certificate)

    def interrupted(self) -> int:
        kept = ", ".join(str(path) for path in self.paths if path.exists())
        where = f"certificates kept: {kept}" if kept else "no certificate was found so far"
        print(f"symverify: interrupted; {where}", file=sys.stderr)
        return 130


class Status:
    """A tqdm line on stderr, only on a terminal (tqdm is not even imported elsewhere)."""

    def __init__(self, total: int | None = None) -> None:
        self.bar: Any = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=total, leave=False, bar_format="{desc} [{elapsed}]")
            if total is not None:
                self.bar.bar_format = "{percentage:3.0f}% |{bar:20}| {desc} [{elapsed}]"

    def __call__(self, text: str) -> None:
        if self.bar is not None:
            self.bar.set_description_str(text[:90])

    def advance(self) -> None:
        """One of the total is done."""
        if self.bar is not None:
            self.bar.update(1)

    def __enter__(self) -> Status:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()
