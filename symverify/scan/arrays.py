"""Masks from numpy, scipy and MatrixMarket files; sizes are checked before anything of that size is made."""

from __future__ import annotations

import io
import math
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from .layers import MAX_EDGES, MAX_NODES, Layer, ScanError

MAX_BYTES = 512 * 1024 * 1024
"""Of one array, and of all arrays of a file together."""
MAX_MEMBERS = 10_000
SPARSE_KEYS = {"format", "shape"}
DAMAGES = (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged file raises."""
BAD_HEADERS = (SyntaxError, tokenize.TokenError, TypeError, RecursionError, MemoryError)
"""What numpy lets through from its parser for a header that is none."""
Array = npt.NDArray[Any]


def dense_layer(array: Array, where: str) -> Layer:
    """The entries that are not 0; ScanError unless it is a finite matrix of numbers or truth values."""
    if array.ndim != 2:
        raise ScanError(f"{where}: {array.ndim} dimensions; a mask is a matrix with a row for each unit")
    if array.dtype.kind not in "biuf":
        raise ScanError(f"{where}: dtype {array.dtype}; give truth values, integers or floats")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ScanError(f"{where}: NaN or infinity; give finite weights or a mask of 0 and 1")
    if np.count_nonzero(array) > MAX_EDGES:
        raise ScanError(f"{where}: more than {MAX_EDGES} weights; give a sparser network")
    return Layer.from_dense(array)


# -- .npy -------------------------------------------------------------------------------------------------


def read_npy(file: IO[bytes], size: int, where: str, kinds: str = "biuf") -> Array:
    """The array of a ``.npy`` stream that holds ``size`` bytes; no object is unpickled.

    Raises:
        ScanError: not that format, another kind of dtype, truncated, too large.
    """
    try:
        version = np.lib.format.read_magic(file)
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in header:
            raise ScanError(f"{where}: .npy format {version[0]}.{version[1]}; save it again with numpy.save")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header that Python 2 wrote is read all the same
            shape, fortran, dtype = header[version](file)
    except ScanError:
        raise
    except (*DAMAGES, *BAD_HEADERS) as error:
        raise ScanError(f"{where}: not a .npy array, or damaged ({_first_line(error)})") from None
    if dtype.kind not in kinds or dtype.hasobject:
        raise ScanError(f"{where}: dtype {str(dtype)[:40]}; give truth values, integers or floats")
    length = math.prod(shape) * dtype.itemsize
    if length > MAX_BYTES or not all(0 <= n <= MAX_BYTES for n in shape):
        raise ScanError(f"{where}: {length} bytes; more than {MAX_BYTES}; give a scipy sparse file")
    if length > size:
        raise ScanError(f"{where}: truncated, the header says {length} bytes; save it again")
    try:
        data = file.read(length)
    except DAMAGES as error:
        raise ScanError(f"{where}: damaged ({_first_line(error)}); save it again") from None
    if len(data) != length:
        raise ScanError(f"{where}: truncated, {len(data)} of {length} bytes; save it again")
    flat = np.frombuffer(data, dtype)
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:100]


# -- .npz -------------------------------------------------------------------------------------------------


def open_zip(path: str) -> zipfile.ZipFile:
    """The archive, with the sizes that its directory states within the limits.

    Raises:
        ScanError: not a zip file, too many members, too many bytes.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ScanError(f"not a zip file, or truncated ({_first_line(error)}); save it again") from None
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or total > MAX_BYTES:
        archive.close()
        raise ScanError(f"{len(members)} members with {total} bytes; at most {MAX_MEMBERS} and {MAX_BYTES} are read")
    return archive


def open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    """A stream that gives at most the bytes that the directory states.

    Raises:
        ScanError: encrypted, an unknown compression, a damaged header.
    """
    try:
        return archive.open(member)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError, zlib.error) as error:
        raise ScanError(f"{member.filename[:60]}: cannot be read ({_first_line(error)})") from None


def read_npz(path: str) -> list[Layer]:
    """The layers of a ``.npz`` file: its matrices in their order, or the one of a scipy sparse file."""
    with open_zip(path) as archive:
        members = archive.infolist()
        names = [member.filename.removesuffix(".npy") for member in members]
        sparse = set(names) >= SPARSE_KEYS and set(names) <= {*SPARSE_KEYS, "data", "indices", "indptr", "row", "col"}
        arrays = {}
        for name, member in zip(names, members, strict=True):
            with open_member(archive, member) as file:
                kinds = "biufSU" if sparse and name == "format" else "biuf"
                arrays[name] = read_npy(file, member.file_size, f"array {name[:60]!r}", kinds)
    if sparse:
        return [_scipy_layer(arrays)]
    return [dense_layer(array, f"array {name[:60]!r}") for name, array in arrays.items()]


def _scipy_layer(arrays: dict[str, Array]) -> Layer:
    """A matrix that ``scipy.sparse.save_npz`` wrote: csr, csc or coo."""
    kind = arrays["format"].reshape(-1)[:1].astype("U10").tolist()
    keys = {"csr": ("indices", "indptr"), "csc": ("indices", "indptr"), "coo": ("row", "col")}.get(
        kind[0] if kind else ""
    )
    if keys is None:
        raise ScanError(f"scipy sparse format {kind}; convert it with .tocsr()")
    missing = [key for key in ("data", *keys) if key not in arrays]
    if missing:
        raise ScanError(f"scipy sparse file without {missing[0]!r}; save it again with scipy.sparse.save_npz")
    shape = arrays["shape"]
    integers = all(arrays[key].dtype.kind in "iu" and arrays[key].ndim == 1 for key in keys)
    if shape.dtype.kind not in "iu" or shape.shape != (2,) or arrays["data"].ndim != 1 or not integers:
        raise ScanError("scipy sparse file: shape and indices are to be integers; save it again")
    size = int(shape[0]), int(shape[1])
    major, minor = (arrays[key] for key in keys[::-1]) if kind[0] != "coo" else (arrays["row"], arrays["col"])
    if kind[0] != "coo":
        count = size[kind[0] == "csc"]
        steps = major[1:].astype(np.int64) - major[:-1].astype(np.int64)
        if len(major) != count + 1 or major[0] != 0 or (steps < 0).any() or major[-1] != len(minor):
            raise ScanError("scipy sparse file: indptr does not fit; save it again")
        major = np.repeat(np.arange(count), steps)
    rows, columns = (minor, major) if kind[0] == "csc" else (major, minor)
    return entries_layer(size, rows, columns, arrays["data"], "scipy sparse file")


def entries_layer(size: tuple[int, int], rows: Array, columns: Array, values: Array, where: str) -> Layer:
    """The mask of the entries that are not 0; ScanError for entries outside, of other lengths, or not finite."""
    if min(size) < 1 or max(size) > MAX_NODES:
        raise ScanError(f"{where}: shape {size}; 1 to {MAX_NODES} rows and columns are read")
    if not len(rows) == len(columns) == len(values):
        raise ScanError(f"{where}: {len(rows)} rows, {len(columns)} columns, {len(values)} values; save it again")
    if len(rows) > MAX_EDGES:
        raise ScanError(f"{where}: {len(rows)} entries, more than {MAX_EDGES}; give a sparser network")
    for indices, bound in ((rows, size[0]), (columns, size[1])):
        if len(indices) and not (indices.min() >= 0 and indices.max() < bound):
            raise ScanError(f"{where}: an index outside of shape {size}; save it again")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ScanError(f"{where}: NaN or infinity; give finite weights or a mask of 0 and 1")
    kept = values != 0
    return Layer.from_entries(size, rows[kept], columns[kept])


# -- MatrixMarket -----------------------------------------------------------------------------------------


def read_mtx(path: str) -> Layer:
    """A matrix in MatrixMarket form: coordinate or array; real, integer or pattern; general or symmetric."""
    with open(path, "rb") as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise ScanError(f"more than {MAX_BYTES} bytes; give a scipy sparse file")
    head, _, rest = text.partition(b"\n")
    words = head.decode("ascii", "replace").lower().split()
    if len(words) != 5 or words[:2] != ["%%matrixmarket", "matrix"]:
        raise ScanError("line 1: not MatrixMarket; it begins with '%%MatrixMarket matrix coordinate pattern general'")
    layout, field, symmetry = words[2:]
    known = layout in ("coordinate", "array") and field in ("real", "integer", "pattern")
    if not known or symmetry not in ("general", "symmetric") or (layout == "array" and symmetry != "general"):
        raise ScanError(f"line 1: {' '.join(words[2:])[:60]} is not read; write it as coordinate real general")
    lines = io.BytesIO(rest)
    sizes = _sizes(lines, 3 if layout == "coordinate" else 2)
    columns = 1 if layout == "array" else 2 + (field != "pattern")
    count = sizes[0] * sizes[1] if layout == "array" else sizes[2]
    if count > (MAX_BYTES // 8 if layout == "array" else MAX_EDGES) or count > len(rest):
        raise ScanError(f"line of sizes: {count} entries; more than there are, or than can be read")
    table = _table(lines, count, columns)
    if layout == "array":
        return dense_layer(table.reshape(sizes[1], sizes[0]).T, "matrix")
    with np.errstate(invalid="ignore"):
        rows, cols = table[:, 0].astype(np.int64) - 1, table[:, 1].astype(np.int64) - 1
    if (table[:, 0] != rows + 1).any() or (table[:, 1] != cols + 1).any():
        raise ScanError("an index that is no integer; save it again")
    values = np.ones(len(rows)) if columns == 2 else table[:, 2]
    if symmetry == "symmetric":
        rows, cols, values = np.r_[rows, cols], np.r_[cols, rows], np.r_[values, values]
    return entries_layer((sizes[0], sizes[1]), rows, cols, values, "matrix")


def _sizes(lines: IO[bytes], count: int) -> list[int]:
    for line in lines:
        if line.startswith(b"%") or not line.strip():
            continue
        words = line.split()
        if len(words) != count or not all(word.isdigit() and len(word) < 12 for word in words):
            break
        return [int(word) for word in words]
    raise ScanError(f"line of sizes: {count} numbers are expected; save it again")


def _table(lines: IO[bytes], count: int, columns: int) -> Array:
    if not count:
        return np.empty((0, columns))
    try:
        table = np.loadtxt(lines, comments="%", ndmin=2, max_rows=count, encoding="latin1")
    except ValueError as error:
        raise ScanError(f"entries: {_first_line(error)}; save it again") from None
    if table.shape != (count, columns) or lines.read(1000).strip():
        raise ScanError(f"{table.shape[0]} lines of {table.shape[1]} numbers, not {count} of {columns}; save it again")
    return table


READERS: dict[str, Callable[[str], list[Layer]]] = {".npz": read_npz, ".mtx": lambda path: [read_mtx(path)]}
