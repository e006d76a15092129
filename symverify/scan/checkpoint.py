"""PyTorch checkpoints without PyTorch: the pickle inside is interpreted by a machine that can only build plain values.

A checkpoint is a zip file: ``NAME/data.pkl``, a pickle that refers to storages, and ``NAME/data/KEY``, their bytes.
The pickle is never given to ``pickle``: :func:`interpret` follows the few instructions that tensors and dictionaries
need.  It imports nothing and calls nothing; a name in the pickle is a string, and only those in ``KNOWN`` are accepted.
"""

from __future__ import annotations

import pickletools
import warnings
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .arrays import DAMAGES, MAX_BYTES, dense_layer, open_member, open_zip
from .layers import Layer, ScanError

MAX_PICKLE = 16 * 1024 * 1024
STORAGES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": "bf16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
DICT, TENSOR, PARAMETER = (
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
)
KNOWN = {DICT, TENSOR, PARAMETER, *(f"torch {name}" for name in STORAGES)}


@dataclass(frozen=True, slots=True)
class Name:
    """A name that the pickle mentions; it stands for nothing else."""

    text: str


@dataclass(frozen=True, slots=True)
class Storage:
    """The bytes under ``key``: ``count`` numbers of type ``dtype``."""

    dtype: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """A view of a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Mark:
    pass


MARK = _Mark()
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
LITERALS = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"} | {
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "BINUNICODE8",
    "BINBYTES",
    "SHORT_BINBYTES",
}
EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Machine:
    """A stack, a memo, and the instructions of a pickle that build plain values."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def pop_to_mark(self) -> list[Any]:
        place = max(n for n, x in enumerate(self.stack) if x is MARK)
        values = self.stack[place + 1 :]
        del self.stack[place:]
        return values

    def step(self, name: str, argument: Any) -> None:
        """One instruction."""
        stack = self.stack
        if name in ("PROTO", "FRAME"):
            return
        if name == "MARK":
            stack.append(MARK)
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in LITERALS:
            stack.append(argument)
        elif name in EMPTY:
            stack.append(EMPTY[name]())
        elif name in TUPLES:
            count = TUPLES[name]
            stack[-count:] = [tuple(stack[-count:])]
        elif name == "TUPLE":
            stack.append(tuple(self.pop_to_mark()))
        elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name == "GLOBAL":
            stack.append(_known(argument))
        elif name == "STACK_GLOBAL":
            module, attribute = stack.pop(-2), stack.pop()
            stack.append(_known(f"{module} {attribute}"))
        else:
            self.build(name)

    def build(self, name: str) -> None:
        """An instruction that puts values together."""
        stack = self.stack
        if name == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(_rebuilt(stack.pop(), arguments))
        elif name == "SETITEM":
            value = stack.pop()
            _set(stack[-2], stack.pop(-1), value)
        elif name == "SETITEMS":
            items = self.pop_to_mark()
            for key, value in zip(items[::2], items[1::2], strict=True):
                _set(stack[-1], key, value)
        elif name == "APPEND":
            value = stack.pop()
            _extend(stack[-1], [value])
        elif name == "APPENDS":
            values = self.pop_to_mark()
            _extend(stack[-1], values)
        elif name == "BUILD":
            stack.pop()  # the version numbers of a state_dict; nothing that is needed
        else:
            raise ScanError(f"pickle instruction {name} is not one of a state_dict; save model.state_dict() alone")


def _known(text: str) -> Name:
    if text not in KNOWN:
        raise ScanError(
            f"names {text.replace(' ', '.')[:60]!r}, which is no part of a state_dict; nothing was executed; save "
            "model.state_dict() alone"
        )
    return Name(text)


def _set(target: Any, key: Any, value: Any) -> None:
    if not isinstance(target, dict) or not isinstance(key, str | int):
        raise ScanError("a dictionary whose keys are no names; save model.state_dict() alone")
    target[key] = value


def _extend(target: Any, values: list[Any]) -> None:
    if not isinstance(target, list):
        raise ScanError("the pickle is damaged; save model.state_dict() again")
    target.extend(values)


def _natural(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 2**62


def _storage(value: Any) -> Storage:
    """``("storage", type, key, place, count)``."""
    if isinstance(value, tuple) and len(value) == 5 and value[0] == "storage" and isinstance(value[1], Name):
        dtype = STORAGES.get(value[1].text.removeprefix("torch "))
        if dtype is not None and isinstance(value[2], str) and _natural(value[4]):
            return Storage(dtype, value[2], value[4])
    raise ScanError("a reference that is no storage; save model.state_dict() again")


def _rebuilt(function: Any, arguments: Any) -> Any:
    """What the three known functions would give, as a plain value."""
    text = function.text if isinstance(function, Name) else ""
    if isinstance(arguments, tuple):
        if text == DICT and not arguments:
            return {}
        if text == PARAMETER and arguments and isinstance(arguments[0], Tensor):
            return arguments[0]
        if text == TENSOR and len(arguments) >= 4:
            storage, offset, shape, strides = arguments[:4]
            fits = isinstance(storage, Storage) and isinstance(shape, tuple) and isinstance(strides, tuple)
            if fits and len(shape) == len(strides) and all(map(_natural, (offset, *shape, *strides))):
                return Tensor(storage, offset, shape, strides)
    raise ScanError("a call that makes no tensor; nothing was executed; save model.state_dict() alone")


def interpret(data: bytes) -> Any:
    """The value of a pickle that holds dictionaries, numbers, strings and descriptions of tensors; nothing is executed.

    Raises:
        ScanError: it holds anything else, or is damaged.

    Example:
        >>> import pickle
        >>> interpret(pickle.dumps({"a": (1, 2)}))
        {'a': (1, 2)}
        >>> interpret(pickle.dumps(print))
        Traceback (most recent call last):
        symverify.scan.layers.ScanError: names 'builtins.print', which is no part of a state_dict; nothing was \
executed; save model.state_dict() alone
    """
    machine = _Machine()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in texts of old pickles, which are refused anyway
            for instruction, argument, _ in pickletools.genops(data):
                if instruction.name == "STOP":
                    return machine.stack.pop()
                machine.step(instruction.name, argument)
    except ScanError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, UnicodeError, OverflowError) as error:
        raise ScanError(f"the pickle is damaged ({str(error)[:60]}); save model.state_dict() again") from None
    raise ScanError("the pickle is truncated; save model.state_dict() again")


# -- the layers ---------------------------------------------------------------------------------------------


def read_checkpoint(path: str) -> tuple[list[Layer], list[str]]:
    """The masks of the linear layers of a checkpoint in their order, and the names of the tensors.

    A layer ``NAME`` has the mask ``NAME.weight_mask`` (as ``torch.nn.utils.prune`` keeps it), or else the entries of
    ``NAME.weight`` that are not 0.

    Raises:
        ScanError: not a checkpoint of such layers; damaged; too large; anything in it that would have to be executed.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(2)
    except OSError as error:
        raise ScanError(f"cannot be read ({error.strerror})") from None
    if head != b"PK":
        raise ScanError("not in the zip form of PyTorch 1.6 and later; load and save it again with torch.save")
    with open_zip(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        places = [name for name in members if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(places) != 1:
            raise ScanError("no data.pkl; not a PyTorch checkpoint")
        root = places[0].removesuffix("data.pkl")
        order = members.get(f"{root}byteorder")
        little = order is None or _bytes(archive, order, 16).strip() == b"little"
        found = _tensors(interpret(_bytes(archive, members[places[0]], MAX_PICKLE)))
        chosen = _chosen(found)
        layers = []
        for name in chosen:
            tensor = found[name]
            member = members.get(f"{root}data/{tensor.storage.key}")
            if member is None:
                raise ScanError(f"{name}: its storage is missing; save it again")
            layers.append(dense_layer(_array(tensor, _bytes(archive, member, MAX_BYTES), name, little), name))
    return layers, chosen


def _bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    name = member.filename[:60]
    if member.file_size > limit:
        raise ScanError(f"{name}: {member.file_size} bytes, more than {limit}; give the masks as .npz")
    with open_member(archive, member) as file:
        try:
            return file.read(member.file_size)
        except DAMAGES as error:
            raise ScanError(f"{name}: damaged ({str(error)[:60]}); save it again") from None


def _tensors(value: Any) -> dict[str, Tensor]:
    """The tensors of a state_dict, which may stand under a key of its own."""
    for key in (None, "state_dict", "model_state_dict", "model"):
        inner = value if key is None else value.get(key) if isinstance(value, dict) else None
        if isinstance(inner, dict):
            found = {k: x for k, x in inner.items() if isinstance(x, Tensor) and isinstance(k, str)}
            if found:
                return found
    raise ScanError("no tensors; save model.state_dict()")


def _chosen(found: dict[str, Tensor]) -> list[str]:
    """The tensor that gives the mask of each layer, in the order in which the layers come."""
    chosen: dict[str, str] = {}
    for name, tensor in found.items():
        module, _, kind = name.rpartition(".")
        if kind == "weight_mask" or (kind in ("weight", "weight_orig") and len(tensor.shape) != 1):
            if len(tensor.shape) != 2:
                shape = tuple(tensor.shape)
                raise ScanError(f"{name[:60]}: shape {shape} is no linear layer; leave layers of other kinds out")
            if kind == "weight_mask" or not chosen.get(module, "").endswith("weight_mask"):
                chosen[module] = name
    for module, name in chosen.items():
        if name.endswith("weight_orig"):
            raise ScanError(f"{module[:60]}: weight_orig without weight_mask; save model.state_dict() again")
    if not chosen:
        raise ScanError("no weight and no weight_mask of a linear layer; save model.state_dict()")
    return list(chosen.values())


def _array(tensor: Tensor, data: bytes, name: str, little: bool) -> npt.NDArray[Any]:
    kind = tensor.storage.dtype
    dtype = np.dtype("u2" if kind == "bf16" else kind).newbyteorder("<" if little else ">")
    count = tensor.storage.count
    if len(data) != count * dtype.itemsize:
        raise ScanError(f"{name[:60]}: storage has {len(data)} bytes, not {count * dtype.itemsize}; save it again")
    size = tensor.shape[0] * tensor.shape[1]
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True))
    if not size or last >= count or size > count:
        raise ScanError(f"{name[:60]}: shape {tensor.shape} does not fit its storage of {count}; save it again")
    flat = np.frombuffer(data, dtype)
    steps = tuple(step * dtype.itemsize for step in tensor.strides)
    array = np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, steps, writeable=False)
    if kind == "bf16":  # sign, 8 bits of exponent, 7 of mantissa: the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array
