"""Many networks: hand them out, keep each answer as soon as it is there, go on where a run stopped.

Only this process reads the masks and writes the answers, so that the workers of a cluster need no common disk.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from symverify import __version__

from .layers import ScanError, SparseNetwork
from .read import SUFFIXES, layer_files, read
from .scan import Answer, Proof, scan

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What a run depends on besides the masks."""

    samples: int
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One network of a batch: its answer as JSON, or why there is none."""

    name: str
    answer: Json | None
    error: str | None = None


def work(net: SparseNetwork, options: Options) -> Answer:
    """What a worker does."""
    return scan(net, samples=options.samples, seed=options.seed)


def is_network_folder(folder: Path) -> bool:
    """Does the folder hold the layers of one network, as ``.mtx`` files, and nothing else that could be read?"""
    kinds = {path.suffix.lower() for path in folder.iterdir() if path.is_file()} & set(SUFFIXES)
    return kinds == {".mtx"}


def networks(folder: Path) -> list[Path]:
    """The files with masks in a folder, and its sub-folders of ``.mtx`` files, by name.

    Raises:
        ScanError: there are none.
    """
    found = [
        path
        for path in sorted(folder.iterdir())
        if (path.is_file() and path.suffix.lower() in SUFFIXES) or (path.is_dir() and is_network_folder(path))
    ]
    if not found:
        raise ScanError(f"{folder}: no masks; files that end in {', '.join(SUFFIXES)} are read")
    return found


def write(folder: Path, name: str, data: bytes) -> None:
    """Write a file at once, so that an interrupt leaves no half of one."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{name}.tmp"
    temporary.write_bytes(data)
    temporary.replace(folder / name)


def keep(folder: Path, answer: Answer) -> Json:
    """Write the certificates of an answer; the answer as JSON."""
    for proof in answer.proofs:
        keep_proof(folder, proof)
    return answer.to_json()


def keep_proof(folder: Path, proof: Proof) -> None:
    """Write a certificate under the hash of its content."""
    write(folder, proof.name, proof.certificate)


def run(
    paths: Sequence[Path],
    out: Path,
    options: Options,
    executor: Executor,
    ahead: int,
    finished: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Scan the networks that ``out`` does not have yet; all outcomes in the order of ``paths``.

    A file that cannot be used is an outcome with an error; it stops nothing.
    """
    outcomes: dict[Path, Outcome] = {}
    pending: dict[Future[Answer], tuple[Path, str]] = {}

    def collect(at_most: int) -> None:
        while len(pending) > at_most:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                path, key = pending.pop(future)
                failure = CancelledError() if future.cancelled() else future.exception()
                if failure is None:
                    body = keep(out, future.result())
                    write(out, _record(path), (json.dumps({"key": key, "answer": body}, indent=1) + "\n").encode())
                    outcomes[path] = Outcome(path.name, body)
                else:
                    outcomes[path] = _failed(path, failure)
                finished(outcomes[path])

    for path in paths:
        try:
            key = _key(path, options)
            kept = _kept(out / _record(path), key, out)
            if kept is None:
                network = read([path]).network
        except (ScanError, OSError) as error:
            outcomes[path] = Outcome(path.name, None, str(error))
            finished(outcomes[path])
            continue
        if kept is not None:
            outcomes[path] = Outcome(path.name, kept)
            finished(outcomes[path])
            continue
        try:
            pending[executor.submit(work, network, options)] = path, key
        except BrokenExecutor as error:  # its workers died; the files that are left are named
            outcomes[path] = _failed(path, error)
            finished(outcomes[path])
        collect(ahead)
    collect(0)
    return [outcomes[path] for path in paths]


def _failed(path: Path, failure: BaseException) -> Outcome:
    why = (str(failure).splitlines() or [""])[0][:200]
    return Outcome(path.name, None, f"{path}: the work failed ({type(failure).__name__}: {why}); run it again alone")


def _record(path: Path) -> str:
    return f"{path.name}.scan.json"


def _key(path: Path, options: Options) -> str:
    """A hash of all that the answer depends on."""
    state = sha256(f"{__version__} {options.samples} {options.seed}".encode())
    for file in layer_files(path) if path.is_dir() else [path]:
        for block in _blocks(file):
            state.update(block)
    return state.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def _kept(record: Path, key: str, out: Path) -> Json | None:
    """The answer of an earlier run to the same question, if all its certificates are still there."""
    try:
        body = json.loads(record.read_bytes())
    except (OSError, ValueError):  # none, or not one of ours: made again
        return None
    if not isinstance(body, dict) or body.get("key") != key or not isinstance(body.get("answer"), dict):
        return None
    answer: Json = body["answer"]
    return answer if all((out / proof["file"]).is_file() for proof in answer["certificates"]) else None
