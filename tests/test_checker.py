"""The checker: what it accepts, refuses and calls malformed; that it stands alone and evaluates nothing."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import make_examples
import pytest

from symverify import checker

FOLDER = make_examples.FOLDER
CHECKER = Path(checker.__file__)
ASSUMES = {  # all other valid examples assume nothing
    "contract-series": [checker.BALDI_HORNIK],
    "contract-wide": [checker.BALDI_HORNIK],
    "dense-block-and-paths": [checker.BALDI_HORNIK],
    "dense-block-any": [checker.BALDI_HORNIK],
    "dense-block-depth-3": [checker.KAWAGUCHI],
    "dense-block-orthogonal": [checker.BALDI_HORNIK],
    "dense-block-orthogonal-data": [checker.BALDI_HORNIK],
}
# What an invalid example is refused for: the beginning of the reason.  A refusal for another reason would leave the
# check that the example is there for untested.
REASONS = {
    "absorb": "minimum.steps[0]: the units do not span",
    "absorb-takes": "minimum.steps[0]: unit 2 cannot take over",
    "absorb-saddle": "minimum: the Hessian is not positive semidefinite",
    "absorb-singular": "minimum.steps[0]: the matrix of the weights is singular",
    "relax": "minimum: the Hessian",
    "relax-hidden-descent": "minimum.pairs: the residual",
    "relax-hidden-descent-without": "minimum: the Hessian has nullity 6, but only 0",
    "relax-near": "minimum.pairs: the residual",
    "relax-residual": "minimum.pairs: the residual",
    "relax-strict": "statement.minimum",
    "unattained": "refutation: the two sides",
    "unattained-factor": "refutation.factors: edge (1, 1, 0) may be zero",
    "unattained-infimum": "statement.infimum",
    "unattained-path": "path: the loss",
    "assumption": "statement.",
    "ball": "minimum: ",
    "better-is": "better: its loss is not smaller",
    "better-loss": "statement: the losses",
    "bundle": "certificates[1]: minimum: the Hessian is not positive semidefinite",
    "contract": "steps[0]: ",
    "convex": "statement.loss",
    "data": "data",
    "degenerate-for-strict": "statement.minimum",
    "dense-block": "steps[0]: node",
    "dense-block-one-layer": "steps[0]: this rule is for two and more layers",
    "family": "minimum: ",
    "fibre": "minimum: ",
    "generic": "rule: ",
    "gradient": "point: the gradient is not zero",
    "lifted-correlated": "data.G: input 4 is correlated",
    "lifted-degenerate": "statement.minimum",
    "lifted-inner": "minimum: ",
    "lifted-no-path": "minimum: no path",
    "lifted-part": "data.C: [2][2]",
    "lifted-saddle": "minimum: the Hessian is not positive semidefinite",
    "lifted-strict": "statement.minimum",
    "lifted-target": "data.C: [3]",
    "lifted-weight": "point: edge",
    "loss": "statement: the losses",
    "negative": "minimum: the Hessian is not positive semidefinite",
    "no-steps": "steps: output, input [(0, 0)] is settled by no step",
    "path": "steps[",
    "path-one-missing": "steps: output, input [(0, 1)]",
    "ball-degenerate": "statement.minimum",
    "ball-loss": "statement: the losses",
    "ball-not-spurious": "better: its loss is not smaller",
    "saddle": "minimum: the Hessian is not positive semidefinite",
    "squared": "statement.loss",
    "strict-for": "statement.minimum",
    "strict-without": "minimum: the Hessian has nullity 3, but only 2",
    "trap-start": "start: ",
    "trap-other-signs": "start: ",
    "trap-better": "better: its loss is not below the bound",
    "trap-steps": "steps: no settled pair",
    "trap-no-steps": "steps: no settled pair",
    "trap-edge": "steps[0]: 2 terms",
    "trap-nothing-left": "steps[1]: 0 terms",
    "trap-factor": "steps[0]: the factor",
    "trap-path": "steps[0]: its hidden nodes",
    "trap-correlated": "data.G: not diagonal",
    "trap-bound": "statement: the losses",
    "trap-reachable": "better: its loss is not below the bound",
    "wide-block": "steps[0]: ",
    "wide-block-common": "steps: output, input",
}


def files(kind: str) -> list[Path]:
    return sorted((FOLDER / kind).glob("*.json"))


def named(path: Path) -> str:
    return path.stem


# -- the three tables -------------------------------------------------------------------------------------


def test_the_examples_are_those_of_their_recipes() -> None:
    made = make_examples.examples()
    kept = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.glob("*/*")}
    assert kept == made
    assert [len(files(kind)) for kind in ("valid", "invalid", "malformed")] == [55, 131, 161]


@pytest.mark.parametrize("path", files("valid"), ids=named)
def test_valid(path: Path) -> None:
    outcome, facts = checker.check_bytes(path.read_bytes())
    assumed = ASSUMES.get(path.stem, [])
    assert outcome == ("assumes" if assumed else "valid"), facts
    assert [a for fact in facts for a in fact["assumes"]] == assumed
    assert all(fact["proved"] for fact in facts)


@pytest.mark.parametrize("path", files("invalid"), ids=named)
def test_invalid(path: Path) -> None:
    outcome, reason = checker.check_bytes(path.read_bytes())
    key = max((key for key in REASONS if path.stem.startswith(key)), key=len)
    assert outcome == "invalid"
    assert reason.startswith(REASONS[key]), reason


def test_each_reason_is_in_use() -> None:
    stems = [path.stem for path in files("invalid")]
    used = {max((key for key in REASONS if stem.startswith(key)), key=len) for stem in stems}
    assert used == set(REASONS)


@pytest.mark.parametrize("path", files("malformed"), ids=named)
def test_malformed(path: Path) -> None:
    outcome, reason = checker.check_bytes(path.read_bytes())
    assert outcome == "malformed", reason
    assert ": " in reason or reason.startswith("number")
    assert "\n" not in reason


def test_every_kind_step_and_evidence_has_valid_and_invalid_examples() -> None:
    for kind in ("valid", "invalid"):
        text = b"".join(path.read_bytes() for path in files(kind)).decode()
        for word in (
            *checker.KINDS,
            *checker.POINTS,
            *checker.REDUCTIONS,
            *checker.RULES,
            "contract",
            "edge",
            *checker.GENERIC_RULES,
        ):
            assert f'"{word}"' in text, (kind, word)


# -- facts ------------------------------------------------------------------------------------------------


def facts_of(name: str) -> dict[str, Any]:
    outcome, facts = checker.check_bytes((FOLDER / "valid" / f"{name}.json").read_bytes())
    assert outcome == "valid", facts
    return facts[0]  # type: ignore[no-any-return, index]


@pytest.mark.parametrize(
    ("name", "loss", "better", "inertia", "gauge", "strict"),
    [
        ("strict", Fraction(19, 2), 8, (6, 2, 0), 2, True),
        ("family-affine", Fraction(1, 8), 0, (3, 3, 0), 2, False),
        ("fibre", Fraction(1, 8), 0, (3, 3, 0), 2, False),
        ("fibre-false-friend", Fraction(1, 8), 0, (2, 5, 0), 4, False),
        ("strict-dead-weights", Fraction(19, 2), 8, (6, 5, 0), 5, True),
        ("strict-singular-gram", Fraction(19, 2), 8, (6, 3, 0), 3, True),
    ],
)
def test_facts_of_a_minimum(
    name: str, loss: Fraction, better: Fraction, inertia: tuple[int, ...], gauge: int, strict: bool
) -> None:
    facts = facts_of(name)
    assert facts["loss"] == (loss, loss)
    assert facts["better_loss"] == better
    assert (facts["inertia"], facts["gauge"], facts["strict"]) == (inertia, gauge, strict)


def test_the_sentence_of_a_strict_minimum() -> None:
    assert facts_of("strict")["proved"] == (
        "the 3-2-3 network with 8 weights has, for orthogonal data, a strict (modulo gauge) spurious local minimum"
        " with loss 19/2: another point has loss 8"
    )


def test_a_ball_states_an_interval() -> None:
    facts = facts_of("ball")
    low, high = facts["loss"]
    assert 0 < high - low < Fraction(1, 10**6)
    assert "at most about" in facts["proved"] or "at most" in facts["proved"]


def test_convex_losses_and_classes_in_the_sentence() -> None:
    assert facts_of("path-orthogonal")["proved"] == (
        "in the 2-2-2 network with 4 weights, for all orthogonal data and every convex differentiable loss, every"
        " local minimum is global"
    )
    assert " for all data " in facts_of("path-scalar-output")["proved"]
    assert " for these data " in facts_of("path-singular-data")["proved"]


# -- one file of the standard library ---------------------------------------------------------------------


def imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add((node.module or "").split(".")[0])
    return names


def test_the_checker_imports_the_standard_library_only() -> None:
    assert imported(ast.parse(CHECKER.read_text())) == {"json", "re", "sys", "fractions", "math"}
    assert imported(ast.parse("import numpy.linalg\nfrom flint import fmpq")) == {"numpy", "flint"}


def test_the_checker_evaluates_nothing_and_swallows_nothing() -> None:
    tree = ast.parse(CHECKER.read_text())
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__", "getattr", "setattr", "globals", "vars", "input"}
    opened = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "open"]
    assert len(opened) == 1 and ast.unparse(opened[0]) == "open(path, 'rb')"
    for handler in (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)):
        assert ast.unparse(handler.type or ast.Name("bare")) not in ("bare", "Exception", "BaseException")


def test_no_module_of_the_prover_is_shared() -> None:
    modules = [path for path in CHECKER.parent.glob("*.py") if path != CHECKER]
    taken = {name for path in modules for name in names_from_checker(ast.parse(path.read_text()))}
    assert taken <= {"checker"}  # as a whole, to ask it: nothing of its arithmetic is used to prove


def names_from_checker(tree: ast.AST) -> set[str]:
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    inside = {alias.name for node in nodes if node.module == "symverify.checker" for alias in node.names}
    return inside | {
        alias.name for n in nodes if n.module == "symverify" for alias in n.names if alias.name == "checker"
    }


def test_each_check_has_a_lemma() -> None:
    lemmas = (CHECKER.parent.parent / "docs" / "mathematics.md").read_text()
    checks = [name[6:].replace("_", "-") for name, _ in inspect.getmembers(checker) if name.startswith("check_")]
    proving = set(checks) - {"certificate", "value", "bytes", "minimum"}  # these only read and call the others
    assert len(proving) >= 15
    assert [name for name in sorted(proving) if f"`{name}`" not in lemmas] == []


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The checker as a script, isolated from site-packages and from this folder."""
    command = [sys.executable, "-I", "-S", str(CHECKER), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, cwd="/", check=False)


def test_alone_it_says_valid() -> None:
    run = alone(str(FOLDER / "valid" / "strict.json"))
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[0].endswith("strict.json: valid")


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["valid/strict"], 0),
        (["valid/strict", "valid/dense-block-any"], 3),
        (["valid/dense-block-any", "invalid/saddle"], 1),
        (["invalid/saddle", "malformed/empty", "valid/strict"], 2),
        ([], 2),
    ],
)
def test_exit_codes(names: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert checker.main([str(FOLDER / f"{name}.json") for name in names]) == code
    output = capsys.readouterr()
    assert [line.split(": ")[1].split(",")[0] for line in output.out.splitlines() if not line.startswith(" ")] == [
        {"valid": "valid", "invalid": "invalid", "malformed": "malformed"}[name.split("/")[0]] for name in names
    ]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert checker.report(tmp_path / "nothing.json")[0] == "malformed"
    assert checker.report(tmp_path) == ("malformed", f"{tmp_path}: malformed: cannot be read (Is a directory)")


# -- hostile input ----------------------------------------------------------------------------------------


CODE = '__import__("pathlib").Path("owned").write_text("x")'
STRINGS = [CODE, "${jndi:ldap://x}", "{0.__class__}", "%s%n", "../../etc/passwd", "\u202e", "\x1b[2J", "a" * 10**6]


@pytest.mark.parametrize("text", STRINGS, ids=range(len(STRINGS)))
def test_strings_are_never_evaluated(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    body = json.loads((FOLDER / "valid" / "strict.json").read_bytes())
    for place in (("format",), ("kind",), ("point", 0, 0, 0), ("statement", "minimum"), ("minimum", "kind")):
        changed = json.loads(json.dumps(body))
        target = changed
        for key in place[:-1]:
            target = target[key]
        target[place[-1]] = text
        outcome, reason = checker.check_bytes(json.dumps(changed).encode())
        assert outcome == "malformed"
        assert isinstance(reason, str) and len(reason) < 300 and reason.isprintable()
    assert checker.check_bytes(json.dumps(body | {text: 0}).encode())[0] == "malformed"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bracket", ["[", '{"a":', '{"format":['])
def test_a_million_brackets(bracket: str) -> None:
    assert checker.check_bytes(bracket.encode() * 10**6) == ("malformed", "file: brackets nested too deeply")


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize("depth", [100, 900, 990, 1000, 5000])
def test_nesting_near_the_limit_of_recursion(depth: int) -> None:
    assert checker.check_bytes(nested(depth))[0] == "malformed"


def test_a_nested_value_where_a_string_is_expected() -> None:
    body = (FOLDER / "valid" / "strict.json").read_bytes().replace(b'"4"', nested(500), 1)
    assert checker.check_bytes(body)[0] == "malformed"


def test_numbers_longer_than_the_limit_of_int(tmp_path: Path) -> None:
    """10^9000 as a weight of a dead unit: the exact loss needs no more than the sum of its terms."""
    body = json.loads((FOLDER / "valid" / "strict-dead-weights.json").read_bytes())
    body["point"][0][2][0] = "1" + "0" * 9000
    path = tmp_path / "long.json"
    path.write_text(json.dumps(body))
    run = alone(str(path))
    assert (run.returncode, run.stderr) == (0, ""), run.stdout


def scaled(value: Any) -> Any:
    """Times 10^5000, without str() of a long integer."""
    if isinstance(value, list):
        return [scaled(x) for x in value]
    ten = 10 * Fraction(value)
    assert ten.denominator == 1
    return str(ten) + "0" * 4999 if ten else "0"


def test_a_long_loss_is_shown_in_short() -> None:
    body = json.loads((FOLDER / "valid" / "strict.json").read_bytes())
    body["data"] = {key: scaled(value) for key, value in body["data"].items()}
    for key in ("loss_at_least", "loss_at_most", "better_loss"):
        body["statement"][key] = scaled(body["statement"][key])
    outcome, facts = checker.check_bytes(json.dumps(body).encode())
    assert outcome == "valid", facts
    assert facts[0]["loss"] == (95 * 10**4999,) * 2  # type: ignore[index]
    assert "of about 16612 binary digits" in facts[0]["proved"]  # type: ignore[index]


def test_too_many_digits() -> None:
    body = (FOLDER / "valid" / "strict.json").read_bytes()
    long = body.replace(b'"4"', b'"' + b"7" * (checker.MAX_DIGITS + 1) + b'"', 1)
    assert checker.check_bytes(long)[0] == "malformed"
    assert "digits" in checker.check_bytes(long)[1]


def test_a_fraction_of_a_million_digits_is_read() -> None:
    top, bottom = "1" + "0" * (checker.MAX_DIGITS - 1), "9" * 1000
    assert checker.read_rational(f"{top}/{bottom}", "x").denominator == 10**1000 - 1


@pytest.mark.parametrize("megabytes", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_megabytes_of_certificates(megabytes: int) -> None:
    one = (FOLDER / "valid" / "path-scalar-output.json").read_bytes().strip()
    many = megabytes * 2**20 // (len(one) + 1)
    data = b'{"format":"symverify-bundle/1","certificates":[' + b",".join([one] * many) + b"]}"
    assert megabytes * 2**20 - 1000 < len(data) < checker.MAX_BYTES
    outcome, facts = checker.check_bytes(data)
    assert outcome == "valid"
    assert len(facts) == many


def test_fifty_megabytes_of_one_string_and_of_white_space() -> None:
    body = (FOLDER / "valid" / "strict.json").read_bytes()
    assert checker.check_bytes(body.replace(b'"strict"', b'"' + b"s" * (50 * 2**20) + b'"'))[0] == "malformed"
    assert checker.check_bytes(b" " * (50 * 2**20) + body)[0] == "valid"


def test_more_than_the_limit_of_bytes(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(b" " * (checker.MAX_BYTES + 1))
    assert checker.report(path) == ("malformed", f"{path}: malformed: file: larger than {checker.MAX_BYTES} bytes")


def test_whitespace_and_the_order_of_keys_do_not_matter() -> None:
    body = json.loads((FOLDER / "valid" / "fibre.json").read_bytes())
    turned = dict(reversed(body.items()))
    assert checker.check_bytes(json.dumps(turned, indent=3).encode())[0] == "valid"


@pytest.mark.parametrize("layers", [100_000, pytest.param(3_000_000, marks=pytest.mark.slow)])
def test_a_network_of_very_many_layers(layers: int) -> None:
    """A chain of units: as long a path, and time in proportion (it took hours while it was in the square)."""
    body = json.loads((FOLDER / "valid" / "path-scalar-output.json").read_bytes())
    body |= {"masks": [[[1]]] * layers, "steps": [{"rule": "path", "path": [0] * (layers + 1)}]}
    data = json.dumps(body, separators=(",", ":")).encode()
    assert len(data) < checker.MAX_BYTES
    assert checker.check_bytes(data)[0] == "valid"


def test_a_file_that_does_not_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(checker, "Network", full)
    body = (FOLDER / "valid" / "strict.json").read_bytes()
    assert checker.check_bytes(body) == ("malformed", "file: too large for the memory of this machine")
