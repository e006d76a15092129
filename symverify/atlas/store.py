"""The store of a run: one SQLite file, in which a row and its certificates arrive together or not at all.

Certificates are a table keyed by their sha256, not files.  A row and the certificates that it names are then one
transaction, so that whatever moment the process is killed at, no row lacks its certificate and no half-written file is
left; thousands of files of one kilobyte would need as many ``fsync`` calls and as many blocks of the disk.

``attempts`` is a log: a line for every piece of work that was handed out, with the run that did so.  A piece of work
that was finished has no later line; that is what "repeats nothing finished" means, and what the tests count.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symverify.data import DataClass

from .rows import Entry, Job, Outcome, Question, Row
from .structures import parse_structure

FORMAT = "symverify-atlas/1"
FILE = "atlas.sqlite"
LOCK = "run.lock"
Key = tuple[str, DataClass]
"""The structure as bits, and the data class."""

ENTRY = """
    {0}_verdict TEXT NOT NULL, {0}_kind TEXT, {0}_rule TEXT,
    {0}_certificate TEXT REFERENCES certificates (sha256), {0}_assumes TEXT NOT NULL"""
SCHEMA = f"""
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE certificates (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE rows (
    structure TEXT NOT NULL, class TEXT NOT NULL, widths TEXT NOT NULL,
    {ENTRY.format("all_data")},
    {ENTRY.format("almost_all_data")},
    seconds REAL NOT NULL, run INTEGER NOT NULL,
    PRIMARY KEY (structure, class)
);
CREATE TABLE attempts (structure TEXT NOT NULL, class TEXT NOT NULL, run INTEGER NOT NULL);
"""
SEPARATOR = "\n"


class StoreError(Exception):
    """The folder holds no atlas, another one, or is being written to."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a worker hands back: a row, its certificates by hash, and the seconds it took."""

    row: Row
    certificates: Mapping[str, bytes]
    seconds: float


class Store:
    """The SQLite file of a folder.  Use :func:`create` or :func:`reading`."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self.connection = connection

    # -- reading --------------------------------------------------------------------------------------------

    def facts(self) -> dict[str, str]:
        """Format, version and seed of the runs."""
        return dict(self.connection.execute("SELECT name, value FROM facts"))

    def finished(self) -> set[Key]:
        """The keys of all rows."""
        return {(s, DataClass(c)) for s, c in self.connection.execute("SELECT structure, class FROM rows")}

    def rows(self) -> list[Row]:
        """All rows, small structures first.

        Raises:
            StoreError: a row says nothing that a row can say.
        """
        columns = ", ".join(f"{q}_{c}" for q in Question for c in ("verdict", "kind", "rule", "certificate", "assumes"))
        found = []
        for structure, data_class, *values in self.connection.execute(f"SELECT structure, class, {columns} FROM rows"):
            try:
                job = Job(parse_structure(structure), DataClass(data_class))
                found.append(Row(job, _entry(values[:5]), _entry(values[5:])))
            except ValueError as error:
                raise StoreError(f"{self.folder / FILE}: row {structure} {data_class}: is damaged ({error})") from None
        return sorted(found, key=lambda row: (sum(row.job.network.widths), row.job.network.widths, _name(row.job)))

    def certificates(self) -> dict[str, bytes]:
        """All certificates by hash."""
        return dict(self.connection.execute("SELECT sha256, data FROM certificates ORDER BY sha256"))

    def attempts(self) -> list[tuple[str, str, int]]:
        """Structure, class and run of every piece of work handed out, in order."""
        return list(self.connection.execute("SELECT structure, class, run FROM attempts ORDER BY rowid"))

    def finished_by(self) -> dict[Key, int]:
        """The run that finished each row."""
        query = "SELECT structure, class, run FROM rows"
        return {(s, DataClass(c)): run for s, c, run in self.connection.execute(query)}

    def seconds(self) -> float:
        """The work in all rows, in seconds of one process."""
        return float(self.connection.execute("SELECT total(seconds) FROM rows").fetchone()[0])

    # -- writing --------------------------------------------------------------------------------------------

    def next_run(self) -> int:
        """The number of a new run: one more than any that handed out work."""
        return int(self.connection.execute("SELECT coalesce(max(run), 0) + 1 FROM attempts").fetchone()[0])

    def record(self, run: int, finished: Iterable[Finished], handed_out: Iterable[Job]) -> None:
        """One transaction: rows with their certificates, and the work that is handed out next.

        Raises:
            StoreError: the file cannot be written; nothing of this call is kept, and all of the earlier ones.
        """
        try:
            self._record(run, finished, handed_out)
        except sqlite3.OperationalError as error:
            raise StoreError(f"{self.folder / FILE}: cannot be written ({error}); what was finished is kept") from None

    def _record(self, run: int, finished: Iterable[Finished], handed_out: Iterable[Job]) -> None:
        with self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            for result in finished:
                self.connection.executemany(
                    "INSERT OR IGNORE INTO certificates VALUES (?, ?)", result.certificates.items()
                )
                self.connection.execute(f"INSERT INTO rows VALUES ({', '.join('?' * 15)})", _values(result, run))
            self.connection.executemany(
                "INSERT INTO attempts VALUES (?, ?, ?)", [(j.structure, str(j.data_class), run) for j in handed_out]
            )

    def forget_open(self) -> int:
        """Delete the rows with an open answer, so that the next run decides them again; how many they were."""
        with self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            count = self.connection.execute(
                "DELETE FROM rows WHERE all_data_verdict = 'open' OR almost_all_data_verdict = 'open'"
            ).rowcount
            self.connection.execute(
                "DELETE FROM certificates WHERE sha256 NOT IN (SELECT all_data_certificate FROM rows"
                " WHERE all_data_certificate IS NOT NULL UNION SELECT almost_all_data_certificate FROM rows"
                " WHERE almost_all_data_certificate IS NOT NULL)"
            )
        return count


def _name(job: Job) -> Key:
    return job.structure, job.data_class


def _entry(values: list[Any]) -> Entry:
    verdict, kind, rule, certificate, assumes = values
    return Entry(Outcome(verdict), kind, rule, certificate, tuple(assumes.split(SEPARATOR)) if assumes else ())


def _values(result: Finished, run: int) -> list[Any]:
    job = result.row.job
    values: list[Any] = [job.structure, str(job.data_class), "-".join(map(str, job.network.widths))]
    for question in Question:
        entry = result.row.entry(question)
        values += [str(entry.verdict), entry.kind, entry.rule, entry.certificate, SEPARATOR.join(entry.assumes)]
    return [*values, result.seconds, run]


@contextmanager
def create(folder: Path, seed: int) -> Iterator[Store]:
    """The store of a folder for writing, made if it is not there; no other process may write meanwhile.

    Raises:
        StoreError: the folder cannot be written; another run writes there; it was made with another seed or version.
    """
    from symverify import __version__

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from None
    with _lock(folder), closing(_connect(folder, writing=True)) as connection:
        wanted = {"format": FORMAT, "version": __version__, "seed": str(seed)}
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            connection.executescript(f"BEGIN; {SCHEMA}")
            connection.executemany("INSERT INTO facts VALUES (?, ?)", wanted.items())
            connection.execute("COMMIT")
        store = Store(folder, connection)
        facts = _facts(store)
        for name, value in wanted.items():
            if facts.get(name) != value:
                raise StoreError(
                    f"{folder}: was made with {name} {facts.get(name)}, not {value}; choose another folder"
                )
        try:
            yield store
        finally:
            _settle(connection)


def _settle(connection: sqlite3.Connection) -> None:
    """One file again, which can be copied and read from a folder that is read-only."""
    try:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError:  # somebody is reading: the log stays beside the file, which is as good
        return


@contextmanager
def reading(folder: Path) -> Iterator[Store]:
    """The store of a folder for reading, also while a run writes to it.

    Raises:
        StoreError: there is none.
    """
    if not (folder / FILE).is_file():
        raise StoreError(f"{folder}: holds no {FILE}; make one with `symverify atlas run --out {folder}`")
    with closing(_connect(folder, writing=False)) as connection:
        store = Store(folder, connection)
        found = _facts(store).get("format")
        if found != FORMAT:
            raise StoreError(f"{folder / FILE}: has format {found}, not {FORMAT}")
        yield store


def _facts(store: Store) -> dict[str, str]:
    try:
        return store.facts()
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{store.folder / FILE}: is no atlas ({error})") from None


def _connect(folder: Path, writing: bool) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(folder / FILE, isolation_level=None, timeout=60)
        if writing:
            # A write-ahead log lets others read during a run; FULL: a row once committed survives a power cut too.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        else:
            connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        raise StoreError(f"{folder / FILE}: cannot be opened ({error})") from None
    return connection


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One writer per folder: an open transaction on an empty database, which every system releases on a kill."""
    with closing(sqlite3.connect(folder / LOCK, isolation_level=None, timeout=0)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise StoreError(f"{folder}: another run is writing there") from None
        yield
