"""The command ``symverify flow``: results, pictures, bad input, interrupts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from symverify import cli
from symverify.flow.report import CONFIDENCE
from symverify.network import LinearNetwork

CERTIFICATES = Path(__file__).parent.parent / "theorems" / "certificates"
STRICT = CERTIFICATES / "three_outputs" / "two-blocks.json"
TRAP = CERTIFICATES / "output_threshold" / "trap.json"
SCALAR = LinearNetwork.dense(1, 1, 1)


def test_command_names_the_certified_minimum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["flow", str(STRICT), "--out", str(tmp_path), "--starts", "40", "--scales", "1", "--json"]
    assert cli.main([*arguments, "--no-pictures"]) == 0
    printed = json.loads(capsys.readouterr().out)
    kept = json.loads((tmp_path / "results.json").read_text())
    assert printed == kept
    assert kept["format"] == "symverify-flow/1" and kept["complete"] is True
    assert kept["known"] == [{"name": "spurious minimum, loss 9/8", "loss_at_least": "9/8", "loss_at_most": "9/8"}]
    assert kept["better_losses"] == ["5/8"]
    certified = [end for end in kept["ends"] if end["kind"] == "certified"]
    assert certified[0]["runs"] > 0 and certified[0]["same_product"] == certified[0]["runs"]
    assert kept["confidence"] == {"level": CONFIDENCE, "method": "Clopper-Pearson"}
    assert kept["conserved"]["largest_drift"] < 1e-5
    assert "spurious minimum, loss 9/8" in (tmp_path / "results.txt").read_text()


def problem(path: Path, network: LinearNetwork, data: dict[str, Any], **more: Any) -> Path:
    masks = [[list(row) for row in mask] for mask in network.masks]
    path.write_text(json.dumps({"format": "symverify-problem/1", "masks": masks, "data": data} | more))
    return path


WHITE = {"G": [[1]], "C": [[2]], "c0": 2}


def test_command_on_a_problem_writes_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    file = problem(tmp_path / "problem.json", SCALAR, WHITE)
    out = tmp_path / "out"
    assert cli.main(["flow", str(file), "--out", str(out), "--starts", "5", "--scales", "0.5"]) == 0
    assert "one end only" in capsys.readouterr().err or (out / "flow-slice.png").exists()
    assert (out / "flow-loss.svg").read_text().startswith("<?xml")
    assert (out / "flow-histogram.png").stat().st_size > 2000


def test_pictures_of_a_certificate_are_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("a", "b"):
        arguments = ["flow", str(STRICT), "--out", str(tmp_path / name), "--starts", "20", "--scales", "1"]
        assert cli.main([*arguments, "--balanced", "no"]) == 0
    for stem in ("flow-loss", "flow-histogram", "flow-trajectories", "flow-slice"):
        first, second = (tmp_path / name / f"{stem}.svg" for name in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()
        assert (tmp_path / "a" / f"{stem}.png").stat().st_size > 2000


def test_without_matplotlib_the_results_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    file = problem(tmp_path / "problem.json", SCALAR, WHITE)
    assert cli.main(["flow", str(file), "--out", str(tmp_path), "--starts", "2", "--scales", "1"]) == 0
    assert "pip install 'symverify[plot]'" in capsys.readouterr().err
    assert json.loads((tmp_path / "results.json").read_text())["complete"] is True


def test_descent_by_the_command(tmp_path: Path) -> None:
    file = problem(tmp_path / "problem.json", SCALAR, WHITE)
    arguments = ["flow", str(file), "--out", str(tmp_path), "--starts", "5", "--method", "descent", "--no-pictures"]
    assert cli.main([*arguments, "--step", "0.05", "--scales", "1", "--balanced", "no"]) == 0
    kept = json.loads((tmp_path / "results.json").read_text())
    assert kept["method"] == "descent" and {run["step"] for run in kept["runs"]} == {0.05}


BAD = [
    (["--starts", "0"], "--starts 0: give a number from 1"),
    (["--seed", "-1"], "--seed -1: give a number from 0 on"),
    (["--scales", "1,x"], "--scales 1,x: give numbers"),
    (["--scales", "0"], "--scales 0: give numbers"),
    (["--scales", "nan"], "--scales nan: give numbers"),
    (["--bound", "-1"], "--bound -1.0: give a positive number"),
    (["--step", "0.1"], "--step: only descent has a fixed step"),
    (["--step", "-1", "--method", "descent"], "--step -1.0: give a positive number"),
    (["--certificate", str(TRAP)], "it is about other masks or other data"),
    (["--certificate", "/nonexistent"], "/nonexistent: cannot be read"),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=[" ".join(o[:2])[:24] for o, _ in BAD])
def test_bad_options(options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["flow", str(STRICT), "--out", str(tmp_path / "out"), *options]) == 2
    assert_one_line(capsys, message)
    assert not (tmp_path / "out").exists()


def test_problem_is_no_certificate_of_another_minimum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = problem(tmp_path / "problem.json", SCALAR, WHITE)
    assert cli.main(["flow", str(STRICT), "--out", str(tmp_path / "out"), "--certificate", str(file)]) == 2
    assert_one_line(capsys, "it is a problem; give the certificate")


def assert_one_line(capsys: pytest.CaptureFixture[str], message: str) -> None:
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert message in printed.err


def test_bad_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = json.loads(STRICT.read_text())
    broken["statement"]["better_loss"] = "1/8"
    wide = LinearNetwork.dense(21, 20, 1)
    unit = [[int(i == j) for j in range(21)] for i in range(21)]
    files = {
        "class.json": (problem, (SCALAR, {"class": "any"}), "the flow needs numbers, not a class"),
        "ridge.json": (problem, (SCALAR, WHITE), "without 'regularisation'"),
        "large.json": (problem, (SCALAR, {"G": [[1]], "C": [[10**13]], "c0": 10**26}), "larger than 10^12"),
        "wide.json": (problem, (wide, {"G": unit, "C": [[1] * 21], "c0": 30}), "440 weights; at most 400"),
    }
    for name, (make, arguments, message) in files.items():
        more = {"regularisation": [[[1]], [[1]]]} if name == "ridge.json" else {}
        path = make(tmp_path / name, *arguments, **more)
        assert cli.main(["flow", str(path), "--out", str(tmp_path / "out")]) == 2
        assert_one_line(capsys, message)
    texts = {
        json.dumps(broken): "the certificate is invalid",
        (CERTIFICATES / "scalar_output" / "two-layers.json").read_text(): "of a spurious minimum or of a trap",
        "{": "not JSON",
        "[]": "problem: an object",
    }
    for text, message in texts.items():
        (tmp_path / "file.json").write_text(text)
        assert cli.main(["flow", str(tmp_path / "file.json"), "--out", str(tmp_path / "out")]) == 2
        assert_one_line(capsys, message)


def test_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert cli.main(["flow", str(STRICT), "--out", str(tmp_path / "file" / "x")]) == 2
    assert_one_line(capsys, "cannot be written")


def test_interrupted_runs_are_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "symverify", "flow", str(STRICT), "--out", str(tmp_path), "--starts", "20000"]
    process = subprocess.Popen([*command], stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        while not kept_runs(tmp_path):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "runs are kept in" in err and "Traceback" not in err
    kept = json.loads((tmp_path / "results.json").read_text())
    assert kept["complete"] is False
    assert f"{len(kept['runs'])} runs are kept" in err


def kept_runs(folder: Path) -> int:
    path = folder / "results.json"
    return len(json.loads(path.read_text())["runs"]) if path.exists() else 0
