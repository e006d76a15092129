"""The trusted checker of large sparse networks: certificates whose size and time are linear in the weights.

    python -I -S sparse_checker.py CERTIFICATE.json ...

The standard library only, nothing shared with the prover; the same outcomes and exit codes as ``checker.py``.  Nothing
that it reads is ever evaluated.  `docs/certificate-format.md` specifies the format; `docs/mathematics.md` proves
(section 18) one lemma for each function below named ``check_...``, under its name.

One kind of evidence holds a small certificate inside.  It is checked by ``checker.py``, the other trusted file in the
folder of this one: loaded from there by its path, so that no search path can put another file in its place.

Setting.  Layers ``l = 0 .. L``, of widths d_0 .. d_L; a *node* is (layer, index); ``rows[l][i]`` are the nodes j of
layer l with a free weight from (l, j) to (l+1, i).  M = W[L-1] ... W[0] and L(theta) = 1/2 tr(M G M') - tr(M C') + c0.
"""

import importlib.util
import json
import os
import re
import sys
from fractions import Fraction
from math import gcd

CERTIFICATE = "symverify-certificate/1"
BUNDLE = "symverify-bundle/1"
MAX_BYTES = 256 * 1024 * 1024
MAX_NODES = 4_000_000
MAX_TERMS = 1_000_000  # of the products of sparse points
MAX_DIGITS = 100  # in one numerator or denominator


class InvalidCertificate(Exception):
    """The certificate is well formed, but it does not prove what it states."""


class MalformedCertificate(InvalidCertificate):
    """The input is not a certificate: unreadable, wrong keys, wrong shapes, indices out of range."""


def require(condition, where, why):
    if not condition:
        raise InvalidCertificate(f"{where}: {why}")


def well_formed(condition, where, why):
    if not condition:
        raise MalformedCertificate(f"{where}: {why}")


# ---------------------------------------------------------------------------------------------------------
# Reading: JSON with no floats, no duplicate keys, no unknown keys
# ---------------------------------------------------------------------------------------------------------


def refuse_number(text):
    raise MalformedCertificate(f"number {text[:20]}: write rationals as strings such as '-3/2'")


def read_small_int(text):
    well_formed(len(text) <= 9 and text != "-0", "integer", f"{text[:20]}... is no index")
    return int(text)


def object_without_duplicates(pairs):
    result = dict(pairs)
    well_formed(len(result) == len(pairs), "object", "a key occurs twice")
    return result


def parse(data):
    """Bytes to a JSON value; every failure of the reader is a MalformedCertificate."""
    well_formed(len(data) <= MAX_BYTES, "file", f"larger than {MAX_BYTES} bytes")
    try:
        return json.loads(
            data.decode("utf-8"),
            parse_int=read_small_int,
            parse_float=refuse_number,
            parse_constant=refuse_number,
            object_pairs_hook=object_without_duplicates,
        )
    except RecursionError:
        raise MalformedCertificate("file: brackets nested too deeply") from None
    except UnicodeDecodeError as error:
        raise MalformedCertificate(f"file: not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise MalformedCertificate(f"file: not JSON (line {error.lineno}, column {error.colno})") from None


def read_object(value, where, keys):
    """The values of an object with exactly these keys, in their order."""
    well_formed(isinstance(value, dict), where, "an object is expected")
    for key in value:
        well_formed(key in keys, where, f"unknown key {key[:40]!r}")
    for key in keys:
        well_formed(key in value, where, f"key {key!r} is missing")
    return [value[key] for key in keys]


def read_list(value, where, length=None):
    well_formed(isinstance(value, list), where, "a list is expected")
    well_formed(length is None or len(value) == length, where, f"{length} entries are expected, not {len(value)}")
    return value


def read_index(value, where, bound):
    well_formed(type(value) is int and 0 <= value < bound, where, f"an integer from 0 to {bound - 1} is expected")
    return value


def read_choice(value, where, choices):
    well_formed(isinstance(value, str) and value in choices, where, f"one of {', '.join(choices)} is expected")
    return value


RATIONAL = re.compile(r"(-?)(0|[1-9][0-9]*)(?:/([1-9][0-9]*))?")


def read_rational(value, where):
    well_formed(isinstance(value, str) and value.isascii(), where, "a rational is expected, as a string")
    match = RATIONAL.fullmatch(value)
    well_formed(match, where, f"{value[:20]!r} is not a rational of the form -p/q")
    sign, top, bottom = match.groups()
    well_formed(max(len(top), len(bottom or "")) <= MAX_DIGITS, where, f"more than {MAX_DIGITS} digits")
    p, q = int(top), int(bottom or "1")
    lowest = gcd(p, q) == 1 and (bottom is None or q > 1) and (sign == "" or p > 0)
    well_formed(lowest, where, f"{value[:20]!r} is not in lowest terms")
    return Fraction(-p if sign else p, q)


ROW = re.compile(r"(?:(?:0|[1-9][0-9]{0,7})(?: (?:0|[1-9][0-9]{0,7}))*)?")


def read_row(value, where, bound):
    """``"0 5 17"``: increasing indices below `bound`; the empty string is the empty row."""
    well_formed(isinstance(value, str) and value.isascii() and ROW.fullmatch(value), where, "indices are expected")
    row = [int(word) for word in value.split(" ")] if value else []
    increasing = all(x < y for x, y in zip(row, row[1:]))
    well_formed(increasing and (not row or row[-1] < bound), where, f"increasing indices below {bound} are expected")
    return row


class Network:
    """Widths, and for each node its neighbours below (`rows`) and above (`columns`)."""

    def __init__(self, widths, rows):
        self.widths, self.rows, self.depth = widths, rows, len(rows)
        self.columns = []
        for l, layer in enumerate(rows):
            columns = [[] for _ in range(widths[l])]
            for i, row in enumerate(layer):
                for j in row:
                    columns[j].append(i)
            self.columns.append(columns)
        self.edges = sum(len(row) for layer in rows for row in layer)

    def has(self, l, i, j):
        return j in self.rows[l][i]

    def shape(self):
        return "-".join(map(str, self.widths)) + f" network with {self.edges} weights"

    def above(self, layer, nodes):
        """Per layer from `layer` on, the nodes that some of `nodes` reach."""
        sets = [set(nodes)]
        for l in range(layer, self.depth):
            sets.append(set().union(*(self.columns[l][j] for j in sets[-1])))
        return sets

    def below(self, layer, nodes):
        """Per layer from 0 to `layer`, the nodes that reach some of `nodes`."""
        sets = [set(nodes)]
        for l in range(layer - 1, -1, -1):
            sets.insert(0, set().union(*(self.rows[l][i] for i in sets[0])))
        return sets


def read_network(widths, layers):
    read_list(widths, "widths")
    well_formed(len(widths) >= 2, "widths", "at least two are needed")
    for l, width in enumerate(widths):
        well_formed(read_index(width, f"widths[{l}]", MAX_NODES) > 0, f"widths[{l}]", "a layer needs a node")
    well_formed(sum(widths) <= MAX_NODES, "widths", f"more than {MAX_NODES} nodes")
    rows = []
    for l, layer in enumerate(read_list(layers, "layers", len(widths) - 1)):
        where = f"layers[{l}]"
        read_list(layer, where, widths[l + 1])
        rows.append([read_row(row, f"{where}[{i}]", widths[l]) for i, row in enumerate(layer)])
    return Network(widths, rows)


def read_point(net, value, where):
    """Weights as a list of ``[l, i, j, rational]``, increasing; all others are 0.  {(l, i): {j: weight}}."""
    point, last = {}, (-1,)
    for n, entry in enumerate(read_list(value, where)):
        at = f"{where}[{n}]"
        l, i, j, x = read_list(entry, at, 4)
        read_index(l, at, net.depth)
        read_index(i, at, net.widths[l + 1])
        read_index(j, at, net.widths[l])
        well_formed(last < (l, i, j), at, "the weights do not stand in order")
        last = (l, i, j)
        well_formed(net.has(l, i, j), at, "nonzero off the mask")
        x = read_rational(x, at)
        well_formed(x, at, "weights that are 0 are left out")
        point.setdefault((l, i), {})[j] = x
    return point


# ---------------------------------------------------------------------------------------------------------
# Sparse exact products
# ---------------------------------------------------------------------------------------------------------


def product(net, point, first, last):
    """W[last-1] ... W[first] as {i: {j: x}}, nonzero entries only; for first = last the unit matrix, as None."""
    result = None
    for l in range(first, last):
        step = {i: row for (layer, i), row in point.items() if layer == l}
        if result is None:
            result = step
            continue
        made, terms = {}, 0
        for i, row in step.items():
            line = {}
            for k, x in row.items():
                for j, y in result.get(k, {}).items():
                    line[j] = line.get(j, 0) + x * y
                    terms += 1
            require(terms <= MAX_TERMS, "point", f"its product has more than {MAX_TERMS} terms")
            line = {j: x for j, x in line.items() if x}
            if line:
                made[i] = line
        result = made
    return result


def entries(matrix):
    return {(i, j): x for i, row in matrix.items() for j, x in row.items()}


# ---------------------------------------------------------------------------------------------------------
# Spurious minima
# ---------------------------------------------------------------------------------------------------------


def small_checker():
    """``checker.py`` from the folder of this file."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "checker.py")
    spec = importlib.util.spec_from_file_location("symverify_small_checker", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_sparse_lifted(net, evidence):
    """A spurious minimum of the sub-network on all nodes between some inputs and some outputs, extended by zeros."""
    where = "evidence"
    _, inputs, outputs, inner = read_object(evidence, where, ("kind", "inputs", "outputs", "certificate"))
    inputs = [read_index(j, f"{where}.inputs", net.widths[0]) for j in read_list(inputs, f"{where}.inputs")]
    outputs = [read_index(o, f"{where}.outputs", net.widths[-1]) for o in read_list(outputs, f"{where}.outputs")]
    for name, nodes in (("inputs", inputs), ("outputs", outputs)):
        well_formed(nodes and sorted(set(nodes)) == nodes, f"{where}.{name}", "distinct indices in order are expected")
    sets = zip(net.above(0, inputs), net.below(net.depth, outputs))
    nodes = [inputs, *(sorted(up & down) for up, down in list(sets)[1:-1]), outputs]
    require(all(nodes), where, "no path from these inputs to these outputs")
    masks = [
        [[int(j in row) for j in nodes[l]] for row in (set(net.rows[l][i]) for i in nodes[l + 1])]
        for l in range(net.depth)
    ]
    well_formed(isinstance(inner, dict), f"{where}.certificate", "an object is expected")
    well_formed(inner.get("kind") == "spurious-minimum", f"{where}.certificate.kind", "spurious-minimum is expected")
    require(inner.get("masks") == masks, f"{where}.certificate.masks", "not those of the sub-network")
    small = small_checker()
    try:
        facts = small.check_certificate(inner)
    except small.MalformedCertificate as error:
        raise MalformedCertificate(f"{where}.certificate: {error}") from None
    except small.InvalidCertificate as error:
        raise InvalidCertificate(f"{where}.certificate: {error}") from None
    low, high = facts["loss"]
    better = facts["better_loss"]
    at = f"loss {small.show(high)}" if low == high else f"loss at most {small.show(high)}"
    return (
        f"for data that extend those of a {'-'.join(str(len(layer)) for layer in nodes)} sub-network, a spurious local"
        f" minimum with {at}: another point has loss {small.show(better)}"
    )


def check_pinned(net, evidence):
    """One entry of the residual, all of whose path products have two factors that other entries pin to zero.

    Evidence: {"kind", "output": o, "input": j, "low": a, "high": b, "residual": r, "point", "better"}.
    """
    where = "evidence"
    keys = ("kind", "output", "input", "low", "high", "residual", "point", "better")
    _, o, j, low, high, r, point, better = read_object(evidence, where, keys)
    read_index(o, f"{where}.output", net.widths[-1])
    read_index(j, f"{where}.input", net.widths[0])
    read_index(low, f"{where}.low", net.depth)
    read_index(high, f"{where}.high", net.depth)
    well_formed(1 <= low <= high, where, "hidden layers low <= high are expected")
    r = read_rational(r, f"{where}.residual")
    require(r > 0, f"{where}.residual", "not positive")
    point, better = read_point(net, point, f"{where}.point"), read_point(net, better, f"{where}.better")

    # The live nodes of layer low that j reaches, of layer high that reach o;
    # F = W[high-1] ... W[0], B = W[L-1] ... W[low].
    fan_out = net.above(0, [j])[low] & net.below(net.depth, range(net.widths[-1]))[low]
    fan_in = net.below(net.depth, [o])[high] & net.above(0, range(net.widths[0]))[high]
    forward, backward = product(net, point, 0, high), product(net, point, low, net.depth)
    rows = [forward.get(v, {}) for v in fan_in]
    single = all(len(row) == 1 and set(row.values()) == {1} for row in rows)
    pins = {k for row in rows for k in row}
    require(single and len(pins) == len(fan_in), where, "the rows of F that reach the output are not distinct units")
    require(j not in pins, where, "the input of the residual pins a row of F")
    columns = {v: [] for v in fan_out}
    for p, row in backward.items():
        for v, x in row.items():
            if v in columns:
                columns[v].append((p, x))
    single = all(len(column) == 1 and column[0][1] == 1 for column in columns.values())
    pins = {p for column in columns.values() for p, _ in column}
    require(single and len(pins) == len(fan_out), where, "the columns of B of the input are not distinct units")
    require(o not in pins, where, "the output of the residual pins a column of B")
    before, after = product(net, point, 0, low), product(net, point, high, net.depth)
    require(all(j not in row for row in before.values()), where, "the column of the input is not 0 at layer low")
    require(o not in after, where, "the row of the output is not 0 at layer high")

    middle = product(net, point, low, high)
    if middle is None:
        bound = Fraction(1)
    else:
        middle = {(i, v): abs(x) for (i, v), x in entries(middle).items() if i in fan_in and v in fan_out}
        sums = [{}, {}]
        for pair, x in middle.items():
            for total, node in zip(sums, pair):
                total[node] = total.get(node, 0) + x
        bound = max(sums[0].values(), default=Fraction(0)) * max(sums[1].values(), default=Fraction(0))
    require(r * r * bound < 1, f"{where}.residual", "too large for the pins")

    target = entries(product(net, point, 0, net.depth))
    target[o, j] = target.get((o, j), 0) + r
    reached = entries(product(net, better, 0, net.depth))
    gap = sum((reached.get(pair, 0) - target.get(pair, 0)) ** 2 for pair in {*reached, *target})
    require(gap < r * r, f"{where}.better", "its loss is not smaller")
    return (
        f"for orthogonal data a spurious local minimum with loss {r * r / 2} (residual {r} at output {o}, input {j}):"
        f" another point has loss {gap / 2}"
    )


EVIDENCE = {"lifted": check_sparse_lifted, "pinned": check_pinned}


def check_sparse_spurious_minimum(certificate):
    """L has, for the data of the evidence, a local minimum whose loss exceeds that of one explicit better point."""
    keys = ("format", "kind", "widths", "layers", "evidence")
    _, _, widths, layers, evidence = read_object(certificate, "certificate", keys)
    net = read_network(widths, layers)
    well_formed(isinstance(evidence, dict), "evidence", "an object is expected")
    check = EVIDENCE[read_choice(evidence.get("kind"), "evidence.kind", list(EVIDENCE))]
    return {"proved": f"the {net.shape()} has, {check(net, evidence)}", "assumes": []}


# ---------------------------------------------------------------------------------------------------------
# Benign: rule P for all pairs at once
# ---------------------------------------------------------------------------------------------------------

MANY = -1  # more than one input (output)


def single_sources(start, layers):
    """Per layer and node the one node of the first layer that reaches it; None if there is none, MANY if more."""
    labels = [start]
    for layer in layers:
        below, made = labels[-1], []
        for row in layer:
            found = {below[j] for j in row} - {None}
            made.append(None if not found else found.pop() if len(found) == 1 else MANY)
        labels.append(made)
    return labels


def check_sparse_benign(certificate):
    """Every covered pair is joined by a path whose hidden nodes are all reached by its input alone, or all reach its
    output alone (rule P); then every local minimum is global, for all data and every convex differentiable loss."""
    _, _, widths, layers = read_object(certificate, "certificate", ("format", "kind", "widths", "layers"))
    net = read_network(widths, layers)
    ins = single_sources(list(range(net.widths[0])), net.rows)
    outs = single_sources(list(range(net.widths[-1])), reversed(net.columns))[::-1]
    # Sets of outputs as bits: reached at all; reached by hidden nodes with one input only, one output only.
    # `outs` of an output is itself, so that an edge into it counts as one into a node with one output.
    reached = [1 << o for o in range(net.widths[-1])]
    one_input = list(reached)
    one_output = list(reached)
    for l in range(net.depth - 1, -1, -1):
        above = (reached, one_input, one_output)
        reached, one_input, one_output = ([0] * net.widths[l] for _ in range(3))
        for v, column in enumerate(net.columns[l]):
            good_in = l == 0 or ins[l][v] not in (None, MANY)
            good_out = l == 0 or outs[l][v] not in (None, MANY)
            for i in column:
                reached[v] |= above[0][i]
                one_input[v] |= above[1][i] if good_in else 0
                one_output[v] |= above[2][i] if good_out else 0
    for j in range(net.widths[0]):
        left = reached[j] & ~(one_input[j] | one_output[j])
        require(not left, "layers", f"output {left.bit_length() - 1}, input {j} is not settled by rule P")
    proved = f"in the {net.shape()}, for all data and every convex differentiable loss, every local minimum is global"
    return {"proved": proved, "assumes": []}


# ---------------------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------------------

KINDS = {"sparse-spurious-minimum": check_sparse_spurious_minimum, "sparse-benign": check_sparse_benign}


def check_certificate(certificate):
    """The facts that a certificate proves; raises InvalidCertificate or MalformedCertificate."""
    well_formed(isinstance(certificate, dict), "certificate", "an object is expected")
    read_choice(certificate.get("format"), "format", (CERTIFICATE,))
    return KINDS[read_choice(certificate.get("kind"), "kind", list(KINDS))](certificate)


def check_value(value):
    """A certificate or a bundle of them: the list of facts of each."""
    if isinstance(value, dict) and value.get("format") == BUNDLE:
        certificates = read_list(read_object(value, "bundle", ("format", "certificates"))[1], "certificates")
        well_formed(certificates, "certificates", "the bundle is empty")
        facts = []
        for n, certificate in enumerate(certificates):
            try:
                facts.append(check_certificate(certificate))
            except InvalidCertificate as error:
                raise type(error)(f"certificates[{n}]: {error}") from None
        return facts
    return [check_certificate(value)]


def check_bytes(data):
    """(outcome, list of facts or the reason): outcome is valid, assumes, invalid or malformed."""
    try:
        facts = check_value(parse(data))
    except MalformedCertificate as error:
        return "malformed", str(error)
    except InvalidCertificate as error:
        return "invalid", str(error)
    except MemoryError:
        return "malformed", "file: too large for the memory of this machine"
    return ("assumes" if any(f["assumes"] for f in facts) else "valid"), facts


def report(path):
    """(outcome, line to print) for one file."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return "malformed", f"{path}: malformed: cannot be read ({error.strerror})"
    outcome, result = check_bytes(data)
    if outcome in ("invalid", "malformed"):
        return outcome, f"{path}: {outcome}: {result}"
    lines = [facts["proved"] for facts in result]
    if len(lines) > 3:
        lines = [*lines[:2], f"... and {len(lines) - 2} more theorems of this bundle"]
    return outcome, "\n    ".join([f"{path}: valid", *lines])


def main(paths):
    """Exit code: 2 if a file is malformed, else 1 if one is invalid, else 0."""
    outcomes = set()
    for path in paths:
        outcome, line = report(path)
        outcomes.add(outcome)
        print(line, flush=True)
    if not paths:
        print("usage: sparse_checker.py CERTIFICATE.json ...", file=sys.stderr)
        return 2
    return next((code for name, code in (("malformed", 2), ("invalid", 1)) if name in outcomes), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
