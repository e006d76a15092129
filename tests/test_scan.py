"""``symverify scan``: what it reads, what it says, and that hostile files get one line and execute nothing."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symverify import checking
from symverify.cli import main
from symverify.scan import arrays, batch, checkpoint, layers
from symverify.scan.layers import Layer, ScanError, SparseNetwork
from symverify.scan.linking import link
from symverify.scan.read import read
from symverify.scan.sample import MAX_HIDDEN, SCHEMES, Sampler, between, wilson
from symverify.scan.scan import scan

RNG = np.random.default_rng(0)
MASKS = [(RNG.random((5, 8)) < 0.4).astype(float), (RNG.random((3, 5)) < 0.6).astype(float)]


def masks_of(net: SparseNetwork) -> list[Any]:
    found = []
    for layer in net.layers:
        mask = np.zeros(layer.shape)
        mask[layer.rows, layer.columns] = 1
        found.append(mask)
    return found


def same(path: Path) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(masks_of(read([path]).network), MASKS, strict=True))


# -- PyTorch's format, written by hand --------------------------------------------------------------------


class Storage:
    """Pickled as a persistent id, as ``torch.save`` does."""

    def __init__(self, kind: str, key: str, count: int) -> None:
        self.id = ("storage", Global(f"torch {kind}"), key, "cpu", count)


class Global:
    """Pickled as the name of a thing that is not here."""

    def __init__(self, name: str) -> None:
        self.name = name


class Call:
    """Pickled as a call of a named thing."""

    def __init__(self, name: str, arguments: tuple[Any, ...]) -> None:
        self.function, self.arguments = Global(name), arguments


class Writer(pickle._Pickler):  # the one in Python, whose instructions can be chosen
    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Global):
            self.write(b"c" + obj.name.replace(" ", "\n").encode() + b"\n")
        elif isinstance(obj, Call):
            self.save(obj.function)
            self.save(obj.arguments)
            self.write(b"R")
        elif isinstance(obj, Storage):
            self.save(obj.id)
            self.write(b"Q")
        else:
            super().save(obj, save_persistent_id)


def pickled(value: Any) -> bytes:
    file = io.BytesIO()
    Writer(file, 2).dump(value)
    return file.getvalue()


def tensor(array: Any, key: str, kind: str = "FloatStorage", strides: tuple[int, ...] | None = None) -> Call:
    steps = strides or tuple(int(np.prod(array.shape[n + 1 :])) for n in range(array.ndim))
    empty = Call("collections OrderedDict", ())
    return Call(
        "torch._utils _rebuild_tensor_v2", (Storage(kind, key, array.size), 0, array.shape, steps, False, empty)
    )


def checkpoint_file(path: Path, value: Any, storages: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("model/data.pkl", value if isinstance(value, bytes) else pickled(value))
        archive.writestr("model/byteorder", b"little")
        for key, data in storages.items():
            archive.writestr(f"model/data/{key}", data)
    return path


def float32(array: Any) -> bytes:
    return np.asarray(array, "<f4").tobytes()


def test_checkpoint_with_the_masks_of_prune(tmp_path: Path) -> None:
    state, storages = OrderedDict(), {}
    for n, mask in enumerate(MASKS):
        for m, (name, array) in enumerate(
            (("bias", np.ones(len(mask))), ("weight_orig", np.ones(mask.shape)), ("weight_mask", mask))
        ):
            state[f"fc{n}.{name}"] = tensor(array, f"{n}{m}")
            storages[f"{n}{m}"] = float32(array)
    path = checkpoint_file(tmp_path / "pruned.pt", dict(state), storages)
    assert same(path)
    assert read([path]).names == ("fc0.weight_mask", "fc1.weight_mask")
    assert same(checkpoint_file(tmp_path / "whole.pth", {"state_dict": dict(state), "epoch": 3}, storages))


@pytest.mark.parametrize(
    "kind, dtype", [("FloatStorage", "<f4"), ("DoubleStorage", "<f8"), ("HalfStorage", "<f2"), ("BoolStorage", "?")]
)
def test_checkpoint_with_zeros_of_the_weights(kind: str, dtype: str, tmp_path: Path) -> None:
    state = {f"fc{n}.weight": tensor(mask, str(n), kind) for n, mask in enumerate(MASKS)}
    storages = {str(n): (-0.5 * mask).astype(dtype).tobytes() for n, mask in enumerate(MASKS)}
    assert same(checkpoint_file(tmp_path / "weights.pt", state, storages))


def test_checkpoint_in_bfloat16_and_transposed(tmp_path: Path) -> None:
    upper = [(mask.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes() for mask in MASKS]
    state = {f"{n}.weight": tensor(mask, str(n), "BFloat16Storage") for n, mask in enumerate(MASKS)}
    assert same(checkpoint_file(tmp_path / "half.pt", state, {str(n): data for n, data in enumerate(upper)}))
    state = {f"{n}.weight": tensor(mask, str(n), strides=(1, len(mask))) for n, mask in enumerate(MASKS)}
    storages = {str(n): float32(mask.T) for n, mask in enumerate(MASKS)}
    assert same(checkpoint_file(tmp_path / "turned.pt", state, storages))


# -- other forms ------------------------------------------------------------------------------------------


def write_mtx(path: Path, mask: Any, head: str = "coordinate pattern general") -> Path:
    rows, columns = np.nonzero(mask)
    lines = [f"%%MatrixMarket matrix {head}", "% a remark", f"{mask.shape[0]} {mask.shape[1]} {len(rows)}"]
    lines += [f"{i + 1} {j + 1}" for i, j in zip(rows, columns, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_scipy(path: Path, mask: Any, kind: str) -> Path:
    rows, columns = np.nonzero(mask if kind != "csc" else mask.T)
    data = np.ones(len(rows))
    if kind == "coo":
        np.savez(path, format=kind.encode(), shape=mask.shape, data=data, row=rows, col=columns)
    else:
        pointer = np.searchsorted(rows, np.arange((mask if kind == "csr" else mask.T).shape[0] + 1)).astype(np.int32)
        np.savez(path, format=kind.encode(), shape=mask.shape, data=data, indices=columns, indptr=pointer)
    return path


def test_every_form_gives_the_same_network(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", W1=MASKS[0], W2=MASKS[1].astype(bool))
    np.savez_compressed(tmp_path / "b.npz", np.asfortranarray(MASKS[0]), MASKS[1].astype(np.int8))
    body = {"masks": [mask.astype(int).tolist() for mask in MASKS]}
    (tmp_path / "c.json").write_text(json.dumps(body))
    folder = tmp_path / "market"
    folder.mkdir()
    write_mtx(folder / "layer2.mtx", MASKS[0])
    write_mtx(folder / "layer10.mtx", MASKS[1])
    for name in ("a.npz", "b.npz", "c.json", "market"):
        assert same(tmp_path / name), name
    for kind in ("csr", "csc", "coo"):
        files = [write_scipy(tmp_path / f"{kind}{n}.npz", mask, kind) for n, mask in enumerate(MASKS)]
        found = masks_of(read(files).network)
        assert all(np.array_equal(a, b) for a, b in zip(found, MASKS, strict=True)), kind
    np.save(tmp_path / "one.npy", MASKS[0])
    assert np.array_equal(masks_of(read([tmp_path / "one.npy"]).network)[0], MASKS[0])


def test_dense_and_real_matrix_market(tmp_path: Path) -> None:
    path = tmp_path / "a.mtx"
    path.write_text("%%MatrixMarket matrix array real general\n2 2\n1.5\n0\n-2\n3\n")
    assert np.array_equal(masks_of(read([path]).network)[0], [[1, 1], [0, 1]])
    path.write_text("%%MatrixMarket matrix coordinate real symmetric\n2 2 2\n2 1 0.5\n2 2 0.0\n")
    assert np.array_equal(masks_of(read([path]).network)[0], [[0, 1], [1, 0]])


# -- hostile files ----------------------------------------------------------------------------------------


class Payload:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


def refused(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that the command says to a file that cannot be used."""
    code = main(["scan", str(path), "--out", str(path.parent / "out")])
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith(f"symverify: {path}: ")
    return err


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_payload_is_not_executed(protocol: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = tmp_path / "executed"
    attack = pickle.dumps({"fc.weight": Payload(mark)}, protocol)
    pickle.loads(attack)
    assert mark.exists()  # the payload works where pickle is trusted
    mark.unlink()
    line = refused(checkpoint_file(tmp_path / "evil.pt", attack, {}), capsys)
    assert "nothing was executed" in line or "is not one of a state_dict" in line
    np.save(tmp_path / "evil.npy", np.array([Payload(mark)], dtype=object), allow_pickle=True)
    assert "dtype object" in refused(tmp_path / "evil.npy", capsys)
    np.savez(tmp_path / "evil.npz", a=np.array([[Payload(mark)]], dtype=object))
    assert "dtype object" in refused(tmp_path / "evil.npz", capsys)
    assert not mark.exists()


def test_known_names_in_wrong_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for n, value in enumerate(
        (
            {"fc.weight": Call("torch._utils _rebuild_tensor_v2", ("a", 0, (1, 1), (1, 1)))},
            {"fc.weight": Call("torch FloatStorage", (10**9,))},
            {"fc.weight": Call("collections OrderedDict", ([1],))},
            {(1, 2): 3},
            [1, 2],
            {"fc.bias": tensor(np.ones(3), "0")},
            {"conv.weight": tensor(np.ones((2, 2, 3, 3)), "0")},
            {"fc.weight": tensor(np.ones((2, 3)), "missing")},
            {"fc.weight": tensor(np.ones((2, 3)), "0", strides=(100, 1))},
            {"fc.weight_orig": tensor(np.ones((2, 3)), "0")},
        )
    ):
        refused(checkpoint_file(tmp_path / f"{n}.pt", value, {"0": float32(np.ones(6))}), capsys)


def test_a_nested_key_that_takes_for_ever_to_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bomb = b"\x80\x02})" + b"".join(b"q%c\x85h%c\x86" % (n, n) for n in range(60)) + b"K\x01s."
    refused(checkpoint_file(tmp_path / "bomb.pt", bomb, {}), capsys)


def test_damaged_pickles_are_refused() -> None:
    good = pickled({"a.weight": tensor(np.ones((2, 2)), "0")})
    rng = np.random.default_rng(3)
    for n in range(len(good)):
        with pytest.raises(ScanError):
            checkpoint.interpret(good[:n])
    for _ in range(2000):
        data = bytearray(good)
        data[int(rng.integers(len(data)))] = int(rng.integers(256))
        try:
            checkpoint.interpret(bytes(data))
        except ScanError:
            continue


def test_zip_bombs_are_refused_before_they_are_unpacked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "MAX_BYTES", 1_000_000)
    np.savez_compressed(tmp_path / "bomb.npz", np.zeros((2000, 2000)))
    assert (tmp_path / "bomb.npz").stat().st_size < 100_000
    assert "at most" in refused(tmp_path / "bomb.npz", capsys)
    state = {"fc.weight": tensor(np.zeros((2000, 2000)), "0")}
    bomb = checkpoint_file(tmp_path / "bomb.pt", state, {"0": bytes(16_000_000)}, zipfile.ZIP_DEFLATED)
    assert "at most" in refused(bomb, capsys)


def test_a_zip_that_lies_about_its_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez_compressed(tmp_path / "a.npz", np.zeros((500, 500)))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    place = data.rindex(b"PK\x01\x02")
    assert struct.unpack_from("<I", data, place + 24)[0] == 2_000_128
    struct.pack_into("<I", data, place + 24, 1000)
    (tmp_path / "a.npz").write_bytes(bytes(data))
    refused(tmp_path / "a.npz", capsys)


def header(shape: str, descr: str = "<f8") -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "not a .npy array"),
        (b"\x93NUMPY", "not a .npy array"),
        (header("(1000000, 1000000)"), "more than"),
        (header("(3, 3)"), "truncated"),
        (header("(3, 3)", "|O"), "dtype object"),
        (header("(3, 3)", "<c16"), "dtype complex128"),
        (header("(3, 3)", "<U8"), "dtype"),
        (header("(-3, 3)"), "more than"),
        (header("(" * 90), "not a .npy array"),
        (header("(4,)") + bytes(32), "1 dimensions"),
        (header("(0, 3)"), "is empty"),
        (header("(1, 1)") + struct.pack("<d", float("nan")), "NaN"),
        (header("(1, 1)") + struct.pack("<d", float("inf")), "infinity"),
        (header("(__import__('os').getpid(), 1)"), "not a .npy array"),
    ],
)
def test_bad_npy(data: bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    assert reason in refused(tmp_path / "a.npy", capsys)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 2 3\n",
        "%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 1\n",
        "%%MatrixMarket matrix coordinate pattern general\n",
        "%%MatrixMarket matrix coordinate pattern general\n2 2 99999999999\n1 1\n",
        "%%MatrixMarket matrix coordinate pattern general\n2 2 2\n1 1\n",
        "%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 1\n2 2\n",
        "%%MatrixMarket matrix coordinate pattern general\n2 2 1\n3 1\n",
        "%%MatrixMarket matrix coordinate pattern general\n2 2 1\n0 1\n",
        "%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1.5 1\n",
        "%%MatrixMarket matrix coordinate pattern general\n2 2 1\nnan 1\n",
        "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 nan\n",
        "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 x\n",
        "%%MatrixMarket matrix coordinate pattern general\n9999999 2 1\n1 1\n",
        "%%MatrixMarket matrix array real general\n99999999 99999999\n1\n",
    ],
)
def test_bad_matrix_market(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.mtx").write_text(text)
    refused(tmp_path / "a.mtx", capsys)


def test_bad_scipy_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good: dict[str, Any] = {
        "format": b"csr",
        "shape": (2, 2),
        "data": np.ones(2),
        "indices": np.array([0, 1]),
        "indptr": np.array([0, 1, 2]),
    }
    changes: list[dict[str, Any]] = [
        {"format": b"bsr"},
        {"shape": (2, 10**9)},
        {"shape": (2,)},
        {"shape": (2.0, 2.0)},
        {"indices": np.array([0, 5])},
        {"indices": np.array([0, -1])},
        {"indices": np.array([0.0, 1.0])},
        {"indptr": np.array([0, 2, 1])},
        {"indptr": np.array([0, 1, 9])},
        {"indptr": np.array([1, 1, 2])},
        {"data": np.array([1.0, np.nan])},
        {"data": np.ones(3)},
    ]
    for n, change in enumerate(changes):
        np.savez(tmp_path / f"{n}.npz", **(good | change))
        refused(tmp_path / f"{n}.npz", capsys)
    del good["indptr"]
    np.savez(tmp_path / "less.npz", **good)
    assert "without 'indptr'" in refused(tmp_path / "less.npz", capsys)


def test_layers_that_do_not_chain_and_files_that_are_no_masks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "a.npz", np.ones((3, 2)), np.ones((2, 5)))
    assert "the layers must chain" in refused(tmp_path / "a.npz", capsys)
    np.savez(tmp_path / "none.npz")
    assert "no masks" in refused(tmp_path / "none.npz", capsys)
    (tmp_path / "a.txt").write_text("1")
    assert "are not read" in refused(tmp_path / "a.txt", capsys)
    refused(tmp_path / "nothing.npz", capsys)
    (tmp_path / "old.pt").write_bytes(pickle.dumps({"a": 1}))
    assert "zip form" in refused(tmp_path / "old.pt", capsys)
    np.savez(tmp_path / "cut.npz", *MASKS)
    whole = (tmp_path / "cut.npz").read_bytes()
    for n in range(0, len(whole), 97):
        (tmp_path / "cut.npz").write_bytes(whole[:n])
        refused(tmp_path / "cut.npz", capsys)


def test_more_weights_than_the_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "a.npy", np.ones((4000, 2501), bool))
    assert f"more than {layers.MAX_EDGES}" in refused(tmp_path / "a.npy", capsys)


# -- answers ----------------------------------------------------------------------------------------------


def random_network(*widths: int, density: float, seed: int = 0) -> SparseNetwork:
    rng = np.random.default_rng(seed)
    made = []
    for below, above in pairwise(widths):
        n = int(below * above * density)
        made.append(Layer.from_entries((above, below), rng.integers(0, above, n), rng.integers(0, below, n)))
    return SparseNetwork(tuple(made))


def test_an_empty_layer_is_benign_and_the_checker_agrees() -> None:
    net = SparseNetwork((Layer.from_dense(np.zeros((3, 2))), Layer.from_dense(np.ones((2, 3)))))
    answer = scan(net, samples=10)
    assert (answer.verdict, checking.check_bytes(answer.proofs[0].certificate)[0]) == ("benign", "valid")


@pytest.mark.parametrize(
    "net, verdict, evidence",
    [
        (random_network(60, 30, 1, density=0.2), "benign", ["rule P"]),
        (random_network(1, 30, 20, 9, density=0.3), "benign", ["rule P"]),
        (SparseNetwork((Layer.from_dense(np.ones((4, 3))), Layer.from_dense(np.ones((2, 4))))), "benign", ["rules"]),
        (random_network(60, 40, 20, density=0.05), "spurious", ["lifted", "pinned"]),
        (random_network(100, 50, 30, 10, density=0.06), "spurious", None),
        (SparseNetwork((Layer.from_dense(np.ones((3, 9))), Layer.from_dense(np.ones((8, 3))))), "unknown", []),
    ],
)
def test_verdicts(net: SparseNetwork, verdict: str, evidence: list[str] | None) -> None:
    answer = scan(net, samples=200)
    assert answer.verdict == verdict
    if evidence is not None:
        assert [proof.evidence for proof in answer.proofs] == evidence
    for proof in answer.proofs:
        assert checking.check_bytes(proof.certificate)[0] == "valid"
    assert answer.to_json()["treated_as"] == "linear"


def test_the_nodes_between_are_those_on_paths() -> None:
    """Against the definition, by the dense code of small networks."""
    from symverify.network import LinearNetwork

    seen, rng = 0, np.random.default_rng(5)
    for seed in range(60):
        net = random_network(6, 5, 4, 4, density=0.3, seed=seed)
        network = LinearNetwork.from_masks([mask.astype(int).tolist() for mask in masks_of(net)])
        inputs = np.sort(rng.choice(6, 2, replace=False))
        outputs = np.sort(rng.choice(4, 2, replace=False))
        found = between(net, inputs, outputs)
        try:
            expected = network.induced(inputs.tolist(), outputs.tolist())
        except ValueError:
            assert found is None
            continue
        assert found == expected.nodes
        assert isinstance(found, tuple) and net.part(found) == expected.network
        seen += 1
    assert seen > 20
    dense = SparseNetwork((Layer.from_dense(np.ones((20, 4))), Layer.from_dense(np.ones((4, 20)))))
    assert MAX_HIDDEN < 20 and between(dense, np.array([0, 1]), np.array([0, 1])) is False


def test_statistics_are_reproducible_and_add_up() -> None:
    net = random_network(60, 40, 20, density=0.05)
    for scheme in SCHEMES:
        one, two = (Sampler(net, 7).run(scheme, 150).to_json() for _ in range(2))
        assert one == two
        assert isinstance(one["samples"], int)
        counts = ("spurious", "benign", "no_path", "too_large", "open")
        assert sum(int(str(one[key])) for key in counts) == one["samples"] > 0
    found = Sampler(net, 7).run("unit", 150)
    assert sum(found.patterns.values()) == found.spurious > 0


def test_the_interval_covers_the_share() -> None:
    """At a share of 0.1 and 200 samples the interval holds it in about 95 of 100 cases."""
    rng = np.random.default_rng(0)
    held = sum(low <= 0.1 <= high for low, high in (wilson(int(rng.binomial(200, 0.1)), 200) for _ in range(2000)))
    assert 0.93 < held / 2000 < 0.975
    assert wilson(0, 50)[0] == 0 and wilson(50, 50)[1] == 1


def test_links_are_disjoint_and_as_many_as_igraph_finds() -> None:
    import igraph

    for seed in range(40):
        net = random_network(6, 6, 6, density=0.25, seed=seed)
        starts = [0, 1, 2]
        found = link(net.above, starts, [set(), set(), set()])
        if found is not None:
            for level in range(3):
                assert len({path[level] for path in found.values()}) == 3
        edges = [(0, 2 + v) for v in starts]
        for l, layer in enumerate(net.layers):
            for i, j in zip(layer.rows.tolist(), layer.columns.tolist(), strict=True):
                edges.append((2 + 12 * l + 6 + j, 2 + 12 * (l + 1) + i))
        edges += [(2 + 12 * l + v, 2 + 12 * l + 6 + v) for l in range(3) for v in range(6)]
        edges += [(2 + 24 + 6 + v, 1) for v in range(6)]
        flow = igraph.Graph(38, edges, directed=True).maxflow(0, 1, [1] * len(edges)).value
        assert (found is not None) == (flow == 3), seed


def test_the_example_of_the_documentation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The script makes the masks, and the command says what docs/scan.md shows."""
    root = Path(__file__).parent.parent / "docs"
    command = [sys.executable, str(root / "examples" / "pruned_lenet.py"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=100)
    shown = (root / "scan.md").read_text()
    for name, code in (("lenet", 1), ("scalar", 0)):
        assert main(["scan", str(tmp_path / f"{name}.npz"), "--samples", "0", "--out", str(tmp_path / "out")]) == code
        out = capsys.readouterr().out.splitlines()
        for line in out[:3]:
            assert line in shown, line


# -- the command ------------------------------------------------------------------------------------------


def folder_of_masks(tmp_path: Path) -> Path:
    folder = tmp_path / "masks"
    folder.mkdir()
    np.savez(folder / "a.npz", *masks_of(random_network(30, 20, 10, density=0.1)))
    np.savez(folder / "b.npz", *masks_of(random_network(30, 20, 1, density=0.1)))
    (folder / "c.npz").write_bytes(b"PK")
    (folder / "d").mkdir()
    write_mtx(folder / "d" / "1.mtx", np.ones((2, 3)))
    return folder


def test_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = folder_of_masks(tmp_path), tmp_path / "out"
    assert main(["scan", str(folder / "b.npz"), "--out", str(out), "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["format"], body["treated_as"], body["verdict"]) == ("symverify-scan/1", "linear", "benign")
    assert main(["check", *(str(out / proof["file"]) for proof in body["certificates"])]) == 0
    assert main(["scan", str(folder / "a.npz"), "--out", str(out), "--samples", "50"]) == 1
    text = capsys.readouterr().out
    assert "treated as linear" in text and "95% interval" in text
    assert main(["scan", str(folder / "a.npz"), "--seed", "-1"]) == 2


def test_an_interrupt_keeps_the_certificates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Sampler, "run", interrupted)
    folder, out = folder_of_masks(tmp_path), tmp_path / "out"
    assert main(["scan", str(folder / "a.npz"), "--out", str(out)]) == 130
    (kept,) = out.glob("*.json")
    assert str(kept) in capsys.readouterr().err
    assert checking.check_bytes(kept.read_bytes())[0] == "valid"


def test_a_folder_goes_on_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = folder_of_masks(tmp_path), tmp_path / "out"
    paths, options = batch.networks(folder), batch.Options(20, 0)
    assert [path.name for path in paths] == ["a.npz", "b.npz", "c.npz", "d"]
    with ThreadPoolExecutor(1) as executor:
        first = batch.run(paths[:1], out, options, executor, 2)
        handed: list[Any] = []

        class Counting:
            def submit(self, function: Any, *arguments: Any) -> Any:
                handed.append(arguments)
                return executor.submit(function, *arguments)

        counting: Any = Counting()
        found = batch.run(paths, out, options, counting, 2)
        assert len(handed) == 2  # b and d; a is kept, c cannot be read
        assert found[0].answer == first[0].answer
        assert [outcome.error is None for outcome in found] == [True, True, False, True]
        for proof in first[0].answer["certificates"]:  # type: ignore[index]
            (out / proof["file"]).unlink()
        batch.run(paths, out, options, counting, 2)
        assert len(handed) == 3  # a certificate is gone, so a is made again
        batch.run(paths, out, batch.Options(21, 0), counting, 2)
        assert len(handed) == 6
    assert list(out.glob("*.tmp")) == []


def test_work_that_fails_is_named_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of_masks(tmp_path)

    def fails(net: SparseNetwork, options: batch.Options) -> Any:
        if net.widths[-1] == 10:
            raise MemoryError("no memory")
        return scan(net, samples=5)

    monkeypatch.setattr(batch, "work", fails)
    with ThreadPoolExecutor(1) as executor:
        found = batch.run(batch.networks(folder), tmp_path / "out", batch.Options(5, 0), executor, 2)
    assert "a.npz: the work failed (MemoryError: no memory)" in str(found[0].error)
    assert [outcome.answer is None for outcome in found] == [True, False, True, False]
    assert not (tmp_path / "out" / "a.npz.scan.json").exists()


def test_a_folder_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of_masks(tmp_path)
    options = ["scan", str(folder), "--out", str(tmp_path / "out"), "--samples", "10", "--workers", "1"]
    assert main(options) == 2
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()[2:6]] == ["a.npz", "b.npz", "c.npz", "d"]
    assert err.count("\n") == 1 and "c.npz: not a zip file" in err
    assert main([*options, "--json"]) == 2
    body = json.loads(capsys.readouterr().out)
    assert body["format"] == "symverify-scan-batch/1"
    assert ["error" in network for network in body["networks"]] == [False, False, True, False]
    assert main(["scan", str(tmp_path / "out"), "--out", str(tmp_path / "x")]) in (0, 2)


@pytest.mark.filterwarnings("ignore")
def test_a_folder_on_a_dask_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    distributed = pytest.importorskip("distributed")
    folder = folder_of_masks(tmp_path)
    (folder / "c.npz").unlink()
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        options = ["scan", str(folder), "--out", str(tmp_path / "out"), "--samples", "10"]
        assert main([*options, "--scheduler", address]) == 0
    assert "a.npz" in capsys.readouterr().out
