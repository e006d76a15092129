"""The masks of a pruned network from a file, whatever its form; nothing in the file is executed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symverify.network import LinearNetwork

from .arrays import dense_layer, read_mtx, read_npy, read_npz
from .checkpoint import read_checkpoint
from .layers import Layer, ScanError, SparseNetwork

SUFFIXES = (".npz", ".npy", ".mtx", ".pt", ".pth", ".json")


@dataclass(frozen=True, slots=True)
class Source:
    """A network that was read, and from what: the names of the arrays or files, first layer first."""

    network: SparseNetwork
    names: tuple[str, ...]


def read(paths: Sequence[str | Path]) -> Source:
    """The network of one file, of one folder of ``.mtx`` files, or of several files with one layer each.

    Raises:
        ScanError: with the file, what is wrong, and the remedy.
    """
    files = [Path(path) for path in paths]
    if len(files) == 1 and files[0].is_dir():
        files = layer_files(files[0])
    layers: list[Layer] = []
    names: list[str] = []
    for path in files:
        try:
            found, labels = _read_file(path)
        except MemoryError:
            raise ScanError(f"{path}: too large for the memory of this machine") from None
        except OSError as error:
            raise ScanError(f"{path}: cannot be read ({error.strerror})") from None
        except ScanError as error:
            raise ScanError(f"{path}: {error}") from None
        layers += found
        names += labels
    try:
        return Source(SparseNetwork(tuple(layers)), tuple(names))
    except ScanError as error:
        raise ScanError(f"{files[0]}: {error}") from None


def layer_files(folder: Path) -> list[Path]:
    """The ``.mtx`` files of a folder in the order of the numbers in their names."""
    files = sorted(folder.glob("*.mtx"), key=lambda path: [_key(part) for part in re.split(r"(\d+)", path.name)])
    if not files:
        raise ScanError(f"{folder}: no .mtx files; one per layer is expected")
    return files


def _key(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdecimal() and part.isascii() else (-1, part)


def _read_file(path: Path) -> tuple[list[Layer], list[str]]:
    suffix = path.suffix.lower()
    if suffix == ".npz":
        layers = read_npz(str(path))
        return layers, [f"{path.name}[{n}]" for n in range(len(layers))]
    if suffix in (".pt", ".pth"):
        return read_checkpoint(str(path))
    if suffix == ".mtx":
        return [read_mtx(str(path))], [path.name]
    if suffix == ".npy":
        with path.open("rb") as file:
            return [dense_layer(read_npy(file, path.stat().st_size, "array"), "array")], [path.name]
    if suffix == ".json":
        try:
            network = LinearNetwork.from_file(path)
        except ValueError as error:
            raise ScanError(str(error)) from None
        layers = [Layer.from_dense(np.array(mask)) for mask in network.masks]
        return layers, [f"masks[{n}]" for n in range(len(layers))]
    raise ScanError(f"files that end in {suffix or 'nothing'} are not read; give one of {', '.join(SUFFIXES)}")
