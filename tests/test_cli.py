"""The command line: what is printed where, which files are written, and the exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from symverify import checker, checking, claims, cli
from symverify.atlas import lookup, table
from symverify.certificate import Certificate, encode
from symverify.cli import main
from symverify.data import DataClass
from symverify.network import LinearNetwork
from symverify.rules import BALDI_HORNIK, prove_benign
from symverify.tables import FORMATS

FORMAT = "symverify-problem/1"
UNIT = [[1, 0], [0, 1]]
PROBLEMS: dict[str, dict[str, Any]] = {
    "benign": {"masks": [[[1, 1], [0, 1]], [[1, 1]]], "data": {"class": "any"}},
    "bottleneck": {"masks": [[[1, 1, 1]] * 2, [[1, 1]] * 3], "data": {"class": "any"}},
    "strict": {"masks": [[[1, 0, 0], [1, 1, 1]], [[1, 1], [0, 1], [0, 1]]], "data": {"class": "orthogonal"}},
    # lemma two-outputs: degenerate minima, no strict ones
    "degenerate": {"masks": [[[1, 0], [1, 1]], [[1, 1], [0, 1]]], "data": {"class": "orthogonal"}},
    # three layers: the table of the atlas does not say that there is no strict minimum
    "deep": {"masks": [[[1, 0], [0, 1]], [[1, 1], [1, 0]], [[1, 0], [0, 1]]], "data": {"class": "orthogonal"}},
    # the trap of theorems/output_threshold.py: no rule, no spurious minimum is known
    "open": {"masks": [[[1, 1], [1, 0]], [[1, 1], [1, 0]]], "data": {"G": UNIT, "C": [[0, 1], [1, -1]], "c0": "3/2"}},
    # 81 weights, and 54 weights with 3^7 paths
    "heavy": {"masks": [[[1] * 9] * 9], "data": {"class": "any"}},
    "winding": {"masks": [[[1] * 3] * 3] * 6, "data": {"class": "any"}},
}
KEYS = [
    "format", "verdict", "kind", "basis", "assumes", "witness", "certificate", "reason", "almost_all_data", "seconds"
]  # fmt: skip
WITNESS = ["G", "C", "c0", "weights", "better", "loss", "better_loss", "exact"]
SYMVERIFY = [sys.executable, "-m", "symverify"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def problem(tmp_path: Path) -> Callable[[str], str]:
    """Writes a problem file; returns its name."""

    def write(name: str) -> str:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"format": FORMAT} | PROBLEMS[name]), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command line in an empty folder; returns exit code, stdout, stderr."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(x) for x in arguments])
        return code, *capfd.readouterr()

    return call


def is_one_line(text: str) -> bool:
    return text.startswith("symverify: ") and text.endswith("\n") and text.count("\n") == 1


# -- help and usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--help"], *([command, "--help"] for command in cli.COMMANDS)])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    out, err = capsys.readouterr()
    assert (caught.value.code, err) == (0, "")
    assert out.startswith("usage: symverify")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    expected = ["verify", "analyze", "check", "derive", "landscape", "atlas", "flow", "infinity", "plot", "scan"]
    assert list(cli.COMMANDS) == expected
    assert all(re.search(rf"^    {command}\s+\w", out, re.MULTILINE) for command in cli.COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["prove"],
        ["check"],
        ["analyze"],
        ["derive"],
        ["analyze", "a.json", "b.json"],
        ["analyze", "a.json", "--budget", "soon"],
        ["analyze", "a.json", "--seed", "1.5"],
        ["analyze", "a.json", "--what"],
        ["verify", "--format", "pdf"],
    ],
    ids=" ".join,
)
def test_usage_errors_exit_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert err.startswith("usage: symverify") and "error:" in err


def modules_after(arguments: list[str]) -> set[str]:
    """The modules that a run of the command line has imported."""
    program = (
        "import sys\nfrom symverify.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", program, *arguments]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stderr.split())


def test_help_and_check_import_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(VALID())
    needed = {"symverify", "symverify.cli", "symverify.usage", "symverify.console"}
    parts = ("atlas", "plots", "landscape", "flow", "infinity", "scan")
    needed |= {f"symverify.{part}{module}" for part in parts for module in ("", ".commands")}
    kinds = ("", "structure_", "point_", "path_", "sparse_")
    trusted = {"symverify.checking"} | {f"symverify.{kind}checker" for kind in kinds}
    for arguments, more in ((["--help"], set()), (["check", str(tmp_path / "a.json")], trusted)):
        loaded = modules_after(arguments)
        heavy = {"numpy", "sympy", "flint", "networkx", "igraph", "mpmath", "pysat", "tqdm", "tabulate", "matplotlib"}
        assert loaded & heavy == set()
        assert {name for name in loaded if name.startswith("symverify")} == needed | more


def test_module_and_script_are_the_same_program() -> None:
    script = Path(sys.executable).with_name("symverify")
    runs = [subprocess.run([*x, "--help"], capture_output=True, check=True) for x in (SYMVERIFY, [str(script)])]
    assert runs[0].stdout == runs[1].stdout != b""
    assert [x.stderr for x in runs] == [b"", b""]


# -- check ------------------------------------------------------------------------------------------------


def proof(*widths: int) -> Certificate:
    made = prove_benign(LinearNetwork.dense(*widths), DataClass.ANY)
    assert made is not None
    return made


@cache
def VALID() -> bytes:
    return encode(proof(2, 2, 1))


@cache
def ASSUMES() -> bytes:
    return encode(proof(2, 1, 2))


def invalid() -> bytes:
    return VALID().replace(b'"loss":"convex"', b'"loss":"squared"')


def check_files(folder: Path) -> dict[str, Path]:
    contents = {"valid": VALID(), "assumes": ASSUMES(), "invalid": invalid(), "malformed": b"{}"}
    for name, content in contents.items():
        (folder / f"{name}.json").write_bytes(content)
    return {name: folder / f"{name}.json" for name in contents}


IN_221 = (
    "in the 2-2-1 network with 6 weights, for all data and every convex differentiable loss,"
    " every local minimum is global"
)
IN_212 = "in the 2-1-2 network with 4 weights, for all data and the squared loss, every local minimum is global"
IN_323 = IN_212.replace("2-1-2 network with 4", "3-2-3 network with 12")


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("valid", 0, f"valid\n    {IN_221}\n"),
        ("assumes", 3, f"valid, assumes {BALDI_HORNIK}\n    {IN_212}\n"),
        ("invalid", 1, "invalid: statement.loss: it is the other loss\n"),
        ("malformed", 2, "malformed: format: one of symverify-certificate/1 is expected\n"),
    ],
)
def test_check_one_file(run: Run, tmp_path: Path, name: str, code: int, said: str) -> None:
    file = check_files(tmp_path)[name]
    assert run("check", file) == (code, f"{file}: {said}", "")


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["valid", "valid"], 0),
        (["valid", "assumes"], 3),
        (["assumes", "valid"], 3),
        (["invalid", "valid", "assumes"], 1),
        (["assumes", "invalid"], 1),
        (["malformed", "invalid", "assumes", "valid"], 2),
        (["valid", "malformed"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_check_several_files(run: Run, tmp_path: Path, names: list[str], code: int) -> None:
    files = check_files(tmp_path)
    found, out, err = run("check", *(files[name] for name in names))
    assert (found, err) == (code, "")
    heads = [line.split(": ")[:2] for line in out.splitlines() if not line.startswith(" ")]
    outcomes = {"assumes": f"valid, assumes {BALDI_HORNIK}".split(": ")[0]}
    assert heads == [[str(files[name]), outcomes.get(name, name)] for name in names]


def test_check_of_a_missing_file(run: Run, tmp_path: Path) -> None:
    missing = tmp_path / "none.json"
    assert run("check", missing) == (2, f"{missing}: malformed: cannot be read (No such file or directory)\n", "")


def test_check_of_a_folder(run: Run, tmp_path: Path) -> None:
    assert run("check", tmp_path) == (2, f"{tmp_path}: malformed: cannot be read (Is a directory)\n", "")


def test_check_of_the_committed_bundles(run: Run) -> None:
    folder = claims.theorems_folder() / "certificates" / "dense_networks"
    code, out, err = run("check", folder / "proved.json", folder / "assumed.json")
    assert (code, err) == (3, "")
    assert f"{folder / 'proved.json'}: valid\n" in out
    assert "... and 58 more theorems of this bundle" in out
    assert "... and 13 more theorems of this bundle" in out


# -- analyze ----------------------------------------------------------------------------------------------


def test_analyze_benign(run: Run, problem: Callable[[str], str]) -> None:
    code, out, err = run("analyze", problem("benign"))
    assert (code, err) == (0, "")
    every, almost, *kept = out.splitlines()
    assert every == (
        "all data: benign, proved: in the 2-2-1 network with 5 weights, for all data and every convex differentiable"
        " loss, every local minimum is global"
    )
    assert almost.startswith(
        "almost all data: benign, proved: in the 2-2-1 network with 5 weights, for every positive definite G and all C"
        " outside a set of measure zero, every local minimum is global"
    )
    assert sorted(kept) == sorted(f"certificate: {path}" for path in Path("symverify-out").iterdir())


def test_analyze_benign_by_assumption(run: Run, problem: Callable[[str], str]) -> None:
    code, out, err = run("analyze", problem("bottleneck"))
    assert (code, err) == (3, "")
    every, almost, assumes, *kept = out.splitlines()
    assert every == f"all data: benign, assumed: {IN_323}"
    assert almost.startswith("almost all data: benign, proved: in the 3-2-3 network with 12 weights, for every")
    assert assumes == f"assumes: {BALDI_HORNIK}"
    assert [line.startswith("certificate: symverify-out/") for line in kept] == [True, True]


@pytest.mark.parametrize(
    ("name", "kind", "almost"),
    [
        (
            "strict",
            "strict",
            "spurious (strict), proved: a strict spurious local minimum persists for an open set of data",
        ),
        (
            "degenerate",
            "degenerate",
            "benign, proved: in the 2-2-2 network with 6 weights, for every diagonal positive G",
        ),
        ("deep", "degenerate", "unknown, observed: no rule applies and no strict spurious minimum was found"),
    ],
)
def test_analyze_spurious(run: Run, problem: Callable[[str], str], name: str, kind: str, almost: str) -> None:
    code, out, err = run("analyze", problem(name), "--budget", "20")
    assert (code, err) == (1, "")
    verdict, second, *certificates = out.splitlines()
    assert verdict.startswith(f"all data: spurious ({kind}), proved: the ")
    assert second.startswith(f"almost all data: {almost}")
    assert len(certificates) == (2 if name == "degenerate" else 1)
    said = []
    for certificate in certificates:
        code, checked, _ = run("check", certificate.removeprefix("certificate: "))
        assert code == 0
        said.append(checked.splitlines()[1].strip())
    assert verdict.split("proved: ")[1] == said[0]
    assert name != "degenerate" or second.split("proved: ")[1] == said[1]


def test_analyze_open(run: Run, problem: Callable[[str], str]) -> None:
    code, out, err = run("analyze", problem("open"), "--budget", "0.3")
    assert (code, err) == (3, "")
    head = "unknown, observed: no rule applies and no spurious minimum was found: "
    assert re.fullmatch(head + r"[1-9]\d* descents from random starts\n", out)
    assert not Path("symverify-out").exists()


@pytest.mark.parametrize(
    ("name", "options", "code", "verdict", "kind", "basis"),
    [
        ("benign", [], 0, "benign", None, "proved"),
        ("bottleneck", [], 3, "benign", None, "assumed"),
        ("strict", [], 1, "spurious", "strict", "proved"),
        ("open", ["--budget", "0.2"], 3, "unknown", None, "observed"),
    ],
)
def test_analyze_json(
    run: Run,
    problem: Callable[[str], str],
    name: str,
    options: list[str],
    code: int,
    verdict: str,
    kind: str | None,
    basis: str,
) -> None:
    found, out, err = run("analyze", "--json", problem(name), *options)
    answer = json.loads(out)
    assert (found, err) == (code, "")
    assert list(answer) == KEYS
    assert answer["format"] == "symverify-answer/1"
    assert (answer["verdict"], answer["kind"], answer["basis"]) == (verdict, kind, basis)
    assert answer["assumes"] == ([BALDI_HORNIK] if basis == "assumed" else [])
    assert (answer["certificate"] is None) == (verdict == "unknown")
    assert (answer["witness"] is None) == (verdict != "spurious")
    assert 0 <= answer["seconds"] < 60
    almost = answer["almost_all_data"]
    if name == "open":  # given data
        assert almost is None
        return
    assert (almost["verdict"], almost["kind"], almost["basis"]) == (verdict, kind, "proved")
    assert almost["rule"] == ("critical-family" if name == "strict" else "residual-types")
    assert almost["assumes"] == []
    assert checker_of(almost["certificate"]) == "valid"
    assert (almost["certificate"] == answer["certificate"]) == (name == "strict")


def checker_of(path: str) -> str:
    return checking.check_bytes(Path(path).read_bytes())[0]


def test_a_damaged_table_is_an_error_of_one_line(
    run: Run, problem: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "DATA", tmp_path)
    lookup._rows.cache_clear()
    code, out, err = run("analyze", problem("degenerate"))
    assert (code, out) == (2, "")
    assert is_one_line(err) and "the table of the package" in err


def test_analyze_json_shows_the_witness_of_the_certificate(run: Run, problem: Callable[[str], str]) -> None:
    answer = json.loads(run("analyze", "--json", problem("strict"))[1])
    witness, body = answer["witness"], json.loads(Path(answer["certificate"]).read_bytes())
    assert list(witness) == WITNESS
    assert {key: witness[key] for key in ("G", "C", "c0")} == body["data"]
    assert (witness["weights"], witness["better"]) == (body["point"], body["better"])
    assert witness["loss"] == body["statement"]["loss_at_least"] == body["statement"]["loss_at_most"]
    assert witness["better_loss"] == body["statement"]["better_loss"]
    assert witness["exact"] is True


def test_analyze_is_reproducible_for_a_seed(run: Run, problem: Callable[[str], str]) -> None:
    file, names = problem("strict"), []
    for folder in ("a", "b"):
        run("analyze", file, "--seed", "3", "--out", folder)
        names.append(sorted(path.name for path in Path(folder).iterdir()))
    assert names[0] == names[1]


@pytest.mark.parametrize("name", ["benign", "bottleneck", "strict"])
def test_out_holds_a_certificate_under_its_hash(
    run: Run, problem: Callable[[str], str], tmp_path: Path, name: str
) -> None:
    out = tmp_path / "new" / "folder"
    run("analyze", problem(name), "--out", out)
    files = list(out.iterdir())
    assert len(files) == (1 if name == "strict" else 2)
    assert all(file.name == sha256(file.read_bytes()).hexdigest()[:16] + ".json" for file in files)
    assert run("check", *files)[0] == (3 if name == "bottleneck" else 0)
    assert not Path("symverify-out").exists()


def test_out_may_hold_the_certificate_already(run: Run, problem: Callable[[str], str]) -> None:
    first = run("analyze", problem("benign"))
    assert run("analyze", problem("benign")) == first
    assert len(list(Path("symverify-out").iterdir())) == 2


@pytest.mark.parametrize("name", ["benign", "strict"])
@pytest.mark.parametrize("below", [[], ["deeper"]])
def test_out_that_is_a_file(
    run: Run, problem: Callable[[str], str], tmp_path: Path, name: str, below: list[str]
) -> None:
    (tmp_path / "file").write_text("kept")
    out = tmp_path.joinpath("file", *below)
    code, printed, err = run("analyze", problem(name), "--out", out)
    assert (code, printed) == (2, "")
    assert is_one_line(err)
    assert f"--out {out}: cannot be written" in err and "choose another folder" in err
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("budget", ["0", "-1", "nan", "-inf", "-0.0"])
def test_bad_budget(run: Run, problem: Callable[[str], str], budget: str) -> None:
    code, out, err = run("analyze", problem("benign"), f"--budget={budget}")
    assert (code, out) == (2, "")
    assert err == f"symverify: --budget {float(budget)}: give a positive number of seconds\n"


def test_bad_seed(run: Run, problem: Callable[[str], str]) -> None:
    expected = "symverify: --seed -1: give a number from 0 on\n"
    assert run("analyze", problem("benign"), "--seed=-1") == (2, "", expected)


@pytest.mark.parametrize("command", ["analyze", "derive"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty; a problem looks like"),
        (b"{", "line 1, column 2: not JSON"),
        (b"[" * 10**6, "brackets nested too deeply"),
        (b"\xff\xfe", "byte 0: not UTF-8"),
        (b'{"format": "symverify-problem/1"}', "problem: key 'masks' is missing"),
        (b'{"format": "symverify-problem/1", "masks": [[[1, 2]]], "data": {"class": "any"}}', "masks[0][0][1]: "),
        (b'{"format": "symverify-problem/1", "masks": [[[0]]], "data": {"class": "any"}}', "masks: no path"),
        (b'{"format": "symverify-problem/1", "masks": [[[1]]], "data": {"class": "all"}}', "data.class: 'all'"),
        (
            b'{"format": "symverify-problem/1", "masks": [[[1]]], "data": {"X": [[1.5]], "Y": [[1]]}}',
            "data.X[0][0]: number 1.5: ",
        ),
    ],
    ids=lambda value: str(value[:20]) if isinstance(value, bytes) else None,
)
def test_bad_problem_file(run: Run, tmp_path: Path, command: str, content: bytes, said: str) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    code, out, err = run(command, tmp_path / "bad.json")
    assert (code, out) == (2, "")
    assert is_one_line(err)
    assert err.startswith(f"symverify: {tmp_path / 'bad.json'}: {said}")
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("command", ["analyze", "derive"])
def test_missing_problem_file(run: Run, tmp_path: Path, command: str) -> None:
    said = f"symverify: {tmp_path / 'none.json'}: cannot be read (No such file or directory)\n"
    assert run(command, tmp_path / "none.json") == (2, "", said)


def test_bad_problem_file_in_earnest(tmp_path: Path) -> None:
    """As a program: no traceback from the interpreter either."""
    (tmp_path / "bad.json").write_text("[]")
    done = subprocess.run(
        [*SYMVERIFY, "analyze", "bad.json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    said = "symverify: bad.json: problem: an object with the keys format, masks, data is expected\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


# -- interrupted ------------------------------------------------------------------------------------------


def interrupt(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt


def test_interrupt_before_anything_was_found(
    run: Run, problem: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.Status, "__call__", interrupt)
    assert run("analyze", problem("deep")) == (130, "", "symverify: interrupted; no certificate was found so far\n")
    assert list(Path.cwd().iterdir()) == []


def test_interrupt_after_a_certificate_was_found(
    run: Run, problem: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(keeper: cli.Keeper, certificate: Certificate) -> None:
        keeper.keep(certificate)
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.Keeper, "found", found)
    code, out, err = run("analyze", problem("strict"))
    (kept,) = Path("symverify-out").iterdir()
    assert (code, out, err) == (130, "", f"symverify: interrupted; certificates kept: {kept}\n")
    assert checker.check_bytes(kept.read_bytes())[0] == "valid"


def test_interrupt_of_verify(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the second claim: the first is settled, and nothing is said of its table."""
    real = claims.settle
    monkeypatch.setattr(
        claims, "settle", lambda name, *rest: real(name, *rest) if name == "three_outputs" else interrupt()
    )
    code, out, err = run("verify", "three_outputs", "dense_networks")
    kept = claims.theorems_folder() / "certificates"
    assert (code, out) == (130, "")
    assert err == f"symverify: interrupted; settled so far: three_outputs; certificates are in {kept}\n"


@pytest.mark.parametrize(
    ("command", "target"), [("derive", "symverify.critical.derive"), ("check", "symverify.checker.report")]
)
def test_interrupt_of_the_other_commands(
    run: Run, problem: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, command: str, target: str
) -> None:
    monkeypatch.setattr(target, interrupt)
    try:
        code, out, err = run(command, problem("benign"))
    except KeyboardInterrupt:
        pytest.fail("the user sees a traceback")
    assert (code, out) == (130, "")
    assert is_one_line(err)


def wait_for_certificate(folder: Path, process: subprocess.Popen[str]) -> None:
    while not list(folder.glob("*.json")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def hear_interrupts() -> None:
    """Not so by itself where the tests run in the background of a shell."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_interrupt_in_earnest(problem: Callable[[str], str], tmp_path: Path) -> None:
    """A degenerate minimum is kept at once, and the search goes on for a strict one, which does not exist."""
    out = tmp_path / "out"
    command = [*SYMVERIFY, "analyze", problem("deep"), "--budget", "60", "--out", str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_interrupts
    ) as process:
        try:
            wait_for_certificate(out, process)
            process.send_signal(signal.SIGINT)
            printed, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, printed) == (130, "")
    assert is_one_line(err) and err.startswith("symverify: interrupted; certificates kept: ")
    kept = [Path(name) for name in err.strip().removeprefix("symverify: interrupted; certificates kept: ").split(", ")]
    assert sorted(kept) == sorted(out.iterdir())
    assert {checker.check_bytes(path.read_bytes())[0] for path in kept} == {"valid"}


# -- verify -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [["no_such_claim"], ["three_outputs", "Three_outputs"], ["../three_outputs"]])
def test_unknown_claim(run: Run, names: list[str]) -> None:
    choices = ", ".join(claims.NAMES)
    said = f"symverify: claim {names[-1]!r} is not known; choose from {choices}\n"
    assert run("verify", *names) == (2, "", said)


def test_verify_prints_report_and_summary(run: Run) -> None:
    code, out, err = run("verify", "three_outputs")
    assert (code, err) == (0, "")
    assert out.startswith(claims.settle("three_outputs").text())
    tail = out[len(claims.settle("three_outputs").text()) :].strip().splitlines()
    assert tail[0].split() == ["claim", "verdict", "what", "holds"]
    assert tail[2].startswith("three_outputs  confirmed  Strict: ")


@pytest.mark.parametrize("format", FORMATS)
def test_verify_writes_the_table_and_the_certificates(run: Run, tmp_path: Path, format: str) -> None:
    folder = tmp_path / "new" / "out"
    code, out, err = run("verify", "three_outputs", "--format", format, "--out", folder)
    files = ["claims-table.tex", "claims.tex"] if format == "latex" else [f"claims.{FORMATS[format]}"]
    assert code == 0
    assert err == f"symverify: written to {folder}: {', '.join(files)} and certificates/\n"
    assert sorted(path.name for path in folder.iterdir()) == sorted([*files, "certificates"])
    assert (folder / files[0]).read_text(encoding="utf-8").rstrip("\n") in out
    committed = claims.theorems_folder() / "certificates" / "three_outputs"
    written = folder / "certificates" / "three_outputs"
    assert {path.name for path in written.iterdir()} == {"strict.json", "degenerate.json", "two-blocks.json"}
    assert all((committed / path.name).read_bytes() == path.read_bytes() for path in written.iterdir())
    FORMS[format](folder)


def text_is_read(folder: Path) -> None:
    assert (folder / "claims.txt").read_text(encoding="utf-8").startswith("case  ")


def markdown_is_read(folder: Path) -> None:
    lines = (folder / "claims.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 5 and lines[0].startswith("| claim ")


def latex_is_read(folder: Path) -> None:
    table = (folder / "claims-table.tex").read_text(encoding="utf-8")
    assert table.startswith(r"\begin{tabular}") and table.endswith("\\end{tabular}\n")
    document = (folder / "claims.tex").read_text(encoding="utf-8")
    assert document.startswith(r"\documentclass") and table.strip() in document


def csv_is_read(folder: Path) -> None:
    lines = list(csv.DictReader(io.StringIO((folder / "claims.csv").read_text(encoding="utf-8"))))
    assert [line["loss"] for line in lines] == ["9/2", "1", "9/8"]


def json_is_read(folder: Path) -> None:
    rows = json.loads((folder / "claims.json").read_text(encoding="utf-8"))
    assert [row["better_loss"] for row in rows] == ["3", "0", "5/8"]


def html_is_read(folder: Path) -> None:
    text = (folder / "claims.html").read_text(encoding="utf-8")
    HTMLParser().feed(text)
    assert text.startswith("<!doctype html>") and text.endswith("</html>\n") and text.count("<tr>") == 4


FORMS = {
    "text": text_is_read,
    "markdown": markdown_is_read,
    "latex": latex_is_read,
    "csv": csv_is_read,
    "json": json_is_read,
    "html": html_is_read,
}


def test_verify_to_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    code, _, err = run("verify", "three_outputs", "--out", tmp_path / "file")
    assert code == 2
    assert is_one_line(err) and f"--out {tmp_path / 'file'}: cannot be written" in err


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the theorem scripts, which `verify` runs instead."""
    folder = tmp_path / "theorems"
    shutil.copytree(claims.theorems_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(claims, "theorems_folder", lambda: folder)
    return folder


def test_refused_certificate_is_shown_and_the_others_are_settled(run: Run, copy: Path) -> None:
    path = copy / "certificates" / "three_outputs" / "strict.json"
    path.write_bytes(path.read_bytes().replace(b'"better_loss":"3"', b'"better_loss":"2"'))
    code, out, err = run("verify", "three_outputs", "dense_networks")
    assert code == 1
    assert is_one_line(err)
    assert err.startswith(f"symverify: three_outputs: not settled: {path}: invalid: ")
    assert "Dense linear networks\n====" in out
    assert "Three outputs\n====" not in out


@pytest.mark.parametrize("format", FORMATS)
def test_verify_with_nothing_settled(run: Run, copy: Path, format: str) -> None:
    (copy / "certificates" / "three_outputs" / "strict.json").write_bytes(b"{}")
    code, out, err = run("verify", "three_outputs", "--format", format)
    assert code == 1
    assert is_one_line(err) and "three_outputs: not settled: " in err
    assert "confirmed" not in out


def test_remake_writes_the_same_certificates(run: Run, copy: Path) -> None:
    folder = copy / "certificates" / "dense_networks"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    assert run("verify", "dense_networks", "--remake")[0] == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


# -- derive -----------------------------------------------------------------------------------------------


def test_derive_text(run: Run, problem: Callable[[str], str]) -> None:
    code, out, err = run("derive", problem("benign"))
    assert (code, err) == (0, "")
    assert out.startswith("Network 2-2-1 11 01 | 11: depth 2, 5 free weights\n")
    assert "w1_1_1*w2_1_1" in out


@pytest.mark.parametrize("options", [["--latex"], ["--document"], ["--latex", "--document"]], ids=" ".join)
def test_derive_latex(run: Run, problem: Callable[[str], str], options: list[str]) -> None:
    code, out, err = run("derive", problem("strict"), *options)
    assert (code, err) == (0, "")
    assert out.startswith(r"\documentclass" if "--document" in options else r"\paragraph")
    assert (r"\end{document}" in out) == ("--document" in options)
    assert out.count(r"\begin{") == out.count(r"\end{") > 0


def test_derive_of_given_data(run: Run, problem: Callable[[str], str]) -> None:
    code, out, _ = run("derive", problem("open"))
    assert code == 0
    assert "3/2" in out


@pytest.mark.parametrize(("name", "said"), [("heavy", "81"), ("winding", "paths")])
def test_derive_of_a_problem_too_large(run: Run, problem: Callable[[str], str], name: str, said: str) -> None:
    file = problem(name)
    code, out, err = run("derive", file)
    assert (code, out) == (2, "")
    assert is_one_line(err)
    assert err.startswith(f"symverify: {file}: ") and said in err


# -- a reader of stdout that goes away --------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["derive", "--document"], ["analyze", "--json"], ["check"]], ids=" ".join)
def test_pipe_closed_at_once(problem: Callable[[str], str], tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "certificate.json").write_bytes(VALID())
    file = str(tmp_path / "certificate.json") if arguments == ["check"] else problem("benign")
    command = [*SYMVERIFY, *arguments, file]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141  # never 0: a certificate may be invalid, and nobody has read that


def test_head_of_derive(problem: Callable[[str], str]) -> None:
    command = f"set -o pipefail; {sys.executable} -m symverify derive {problem('strict')} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 141) and done.stderr == ""  # head may go before or after the last byte
    assert done.stdout == "Network 3-2-3 100 111 | 11 01 01: depth 2, 8 free weights\n"
