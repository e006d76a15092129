"""A trusted checker of symverify: certificates about one critical point of one instance.

    python -I -S point_checker.py CERTIFICATE.json ...

One file, the standard library only, nothing shared with the prover or with the other checkers; the same outcomes
and exit codes.  Nothing that it reads is ever evaluated.  `docs/certificate-format.md` specifies the format (kind
``critical-point``); section 16 of `docs/mathematics.md` proves one lemma for each function below named ``check_...``.

Setting.  A network has masks ``m[0] .. m[L-1]``; the free weights are the entries of W[l] where m[l] is 1,
M = W[L-1] ... W[0], and L(theta) = 1/2 tr(M G M') - tr(M C') + c0 + sum of lambda_e w_e^2 over the free weights, with
G = X X', C = Y X', c0 = |Y|^2/2 and numbers lambda_e >= 0 (`regularisation`; all zero: the plain loss).  A *node* is a
pair (layer, index); an *edge* is a triple (l, i, j): the weight W[l][i][j], from node (l, j) to node (l+1, i).
"""

import json
import re
import sys
from fractions import Fraction
from math import floor, gcd

CERTIFICATE = "symverify-certificate/1"
BUNDLE = "symverify-bundle/1"
MAX_BYTES = 64 * 1024 * 1024
MAX_DIGITS = 1_000_000  # in one numerator or denominator
MAX_POWER = 100  # of t in a curve
MAX_DEGREE = 1000  # of the loss along a curve, 2 * depth * (power of t): the time grows with its square


class InvalidCertificate(Exception):
    """The certificate is well formed, but it does not prove what it states."""


class MalformedCertificate(InvalidCertificate):
    """The input is not a certificate: unreadable, wrong keys, wrong shapes, numbers not in lowest terms."""


def require(condition, where, why):
    if not condition:
        raise InvalidCertificate(f"{where}: {why}")


def well_formed(condition, where, why):
    if not condition:
        raise MalformedCertificate(f"{where}: {why}")


# ---------------------------------------------------------------------------------------------------------
# Reading: JSON with no floats, no duplicate keys, no unknown keys; rationals as strings in lowest terms
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


def digits_to_int(digits):
    """int(), without its limit on digits and without its quadratic time."""
    if len(digits) <= 4000:
        return int(digits)
    half = len(digits) // 2
    return digits_to_int(digits[:-half]) * 10**half + digits_to_int(digits[-half:])


RATIONAL = re.compile(r"(-?)(0|[1-9][0-9]*)(?:/([1-9][0-9]*))?")


def read_rational(value, where):
    well_formed(isinstance(value, str), where, "a rational is expected, as a string")
    match = RATIONAL.fullmatch(value) if value.isascii() else None
    well_formed(match, where, f"{value[:20]!r} is not a rational of the form -p/q")
    sign, top, bottom = match.groups()
    well_formed(max(len(top), len(bottom or "")) <= MAX_DIGITS, where, f"more than {MAX_DIGITS} digits")
    p, q = digits_to_int(top), digits_to_int(bottom or "1")
    lowest = gcd(p, q) == 1 and (bottom is None or q > 1) and (sign == "" or p > 0)
    well_formed(lowest, where, f"{value[:20]!r} is not in lowest terms")
    return Fraction(-p if sign else p, q)


def read_matrix(value, where, rows, columns):
    lines = [read_list(line, f"{where}[{i}]", columns) for i, line in enumerate(read_list(value, where, rows))]
    return [[read_rational(x, f"{where}[{i}][{j}]") for j, x in enumerate(line)] for i, line in enumerate(lines)]


class Network:
    """Masks, the widths of the layers, the free weights (edges), and what reaches what."""

    def __init__(self, masks):
        self.masks, self.depth = masks, len(masks)
        self.widths = [len(masks[0][0])] + [len(mask) for mask in masks]
        self.edges = [(l, i, j) for l, m in enumerate(masks) for i, row in enumerate(m) for j, x in enumerate(row) if x]
        # inputs_of[l][v]: the inputs that reach node (l, v); outputs_of[l][v]: the outputs that it reaches.
        self.inputs_of = [[{j} for j in range(self.widths[0])]]
        for mask in masks:
            below = self.inputs_of[-1]
            self.inputs_of.append([set().union(*(below[j] for j, x in enumerate(row) if x)) for row in mask])
        self.outputs_of = [[{o} for o in range(self.widths[-1])]]
        for mask in reversed(masks):
            above = self.outputs_of[0]
            columns = [[i for i, row in enumerate(mask) if row[j]] for j in range(len(mask[0]))]
            self.outputs_of.insert(0, [set().union(*(above[i] for i in column)) for column in columns])
        self.covered = {(o, j) for o, inputs in enumerate(self.inputs_of[-1]) for j in inputs}

    def shape(self):
        return "-".join(map(str, self.widths)) + f" network with {len(self.edges)} weights"


def read_masks(value):
    masks = []
    for l, mask in enumerate(read_list(value, "masks")):
        where = f"masks[{l}]"
        well_formed(read_list(mask, where), where, "a mask needs at least one row")
        columns = len(masks[-1]) if masks else len(read_list(mask[0], f"{where}[0]"))
        for i, row in enumerate(mask):
            for x in read_list(row, f"{where}[{i}]", columns):
                well_formed(type(x) is int and x in (0, 1), f"{where}[{i}]", "entries are 0 or 1")
        masks.append(mask)
    well_formed(masks and masks[0][0], "masks", "at least one layer and one input are needed")
    return Network(masks)


def read_weights(net, value, where):
    """One matrix per layer, zero off the mask."""
    weights = []
    for l, matrix in enumerate(read_list(value, where, net.depth)):
        weights.append(read_matrix(matrix, f"{where}[{l}]", net.widths[l + 1], net.widths[l]))
        for i, row in enumerate(net.masks[l]):
            for j, x in enumerate(row):
                well_formed(x or not weights[l][i][j], f"{where}[{l}][{i}][{j}]", "nonzero off the mask")
    return weights


def read_flags(net, value, where):
    """One 0/1 matrix per layer within the masks: a set of edges."""
    chosen = set()
    for l, matrix in enumerate(read_list(value, where, net.depth)):
        for i, row in enumerate(read_list(matrix, f"{where}[{l}]", net.widths[l + 1])):
            for j, x in enumerate(read_list(row, f"{where}[{l}][{i}]", net.widths[l])):
                well_formed(
                    type(x) is int and x in (0, net.masks[l][i][j]), f"{where}[{l}][{i}][{j}]", "0 or 1 on the mask"
                )
                if x:
                    chosen.add((l, i, j))
    return chosen


class Instance:
    """The network, data that some X, Y have, and the lambda_e, {edge: number >= 0}."""

    def __init__(self, net, gram, cross, constant, ridge):
        self.net, self.gram, self.cross, self.constant, self.ridge = net, gram, cross, constant, ridge

    def absolute(self):
        """Without signs: what bounds the terms of the Hessian (M G - C becomes M |G| + |C|)."""
        gram, cross = ([[sign * abs(x) for x in row] for row in m] for sign, m in ((1, self.gram), (-1, self.cross)))
        return Instance(self.net, gram, cross, self.constant, self.ridge)


def read_instance(masks, data, regularisation):
    net = read_masks(masks)
    gram, cross, constant = read_object(data, "data", ("G", "C", "c0"))
    inputs, outputs = net.widths[0], net.widths[-1]
    gram = read_matrix(gram, "data.G", inputs, inputs)
    cross = read_matrix(cross, "data.C", outputs, inputs)
    constant = read_rational(constant, "data.c0")
    check_data(gram, cross, constant)
    matrices = read_weights(net, regularisation, "regularisation")
    ridge = {(l, i, j): matrices[l][i][j] for l, i, j in net.edges}
    for (l, i, j), x in ridge.items():
        well_formed(x >= 0, f"regularisation[{l}][{i}][{j}]", "a number from 0 on is expected")
    return Instance(net, gram, cross, constant, ridge)


def check_data(gram, cross, constant):
    """G, C, c0 are those of some X, Y: G positive semidefinite, C = A G, c0 >= 1/2 tr(A G A')."""
    n, m = len(gram), len(cross)
    require(gram == transpose(gram), "data.G", "not symmetric")
    a = [row + [line[i] for line in cross] for i, row in enumerate(gram)] + [row + [Fraction(0)] * m for row in cross]
    for k in range(n):  # after these steps the last rows hold - C G^+ C'
        pivot, top = a[k][k], a[k][k + 1 :]
        solvable = pivot > 0 or (pivot == 0 and not any(top))
        require(solvable, "data", "G is not positive semidefinite, or C is not in the range of G")
        for i in range(k + 1, n + m) if pivot else ():
            factor = a[i][k] / pivot
            a[i][k + 1 :] = [x - factor * y for x, y in zip(a[i][k + 1 :], top)]
    require(2 * constant + sum(a[n + o][n + o] for o in range(m)) >= 0, "data.c0", "smaller than any loss allows")


# ---------------------------------------------------------------------------------------------------------
# Exact linear algebra
# ---------------------------------------------------------------------------------------------------------


def transpose(a):
    return [list(column) for column in zip(*a)]


def multiply(a, b):
    columns = transpose(b)
    return [[sum(x * y for x, y in zip(row, column) if x and y) for column in columns] for row in a]


def identity(n):
    return [[int(i == j) for j in range(n)] for i in range(n)]


def row_sum(matrix):
    """The norm max_i sum_j |a_ij|, which belongs to the greatest entry of a vector."""
    return max((sum(map(abs, row)) for row in matrix), default=Fraction(0))


def independent(rows):
    """The indices of a maximal independent subset of a list of rational vectors."""
    basis, chosen = [], []  # basis: (pivot column, vector)
    for index, v in enumerate(rows):
        for column, b in basis:
            if v[column]:
                factor = Fraction(v[column]) / b[column]
                v = [x - factor * y for x, y in zip(v, b)]
        column = next((c for c, x in enumerate(v) if x), None)
        if column is not None:
            basis.append((column, v))
            chosen.append(index)
    return chosen


def rank(rows):
    return len(independent(rows))


def inverse_of(matrix):
    """Gauss-Jordan inverse of an invertible rational matrix."""
    n = len(matrix)
    a = [list(row) + [Fraction(i == j) for j in range(n)] for i, row in enumerate(matrix)]
    for k in range(n):
        swap = next(i for i in range(k, n) if a[i][k])
        a[k], a[swap] = a[swap], a[k]
        a[k] = [x / a[k][k] for x in a[k]]
        for i in range(n):
            if i != k and a[i][k]:
                a[i] = [x - a[i][k] * y for x, y in zip(a[i], a[k])]
    return [row[n:] for row in a]


def kernel(matrix):
    """A basis of {z : matrix z = 0}: elimination of [matrix' | 1]."""
    columns = transpose(matrix)
    n, width = len(columns), len(matrix)
    rows = [[Fraction(x) for x in column] + [Fraction(i == k) for k in range(n)] for i, column in enumerate(columns)]
    for c in range(width):
        pivot = next((row for row in rows if row[c]), None)
        if pivot is not None:
            rows.remove(pivot)
            rows = [[x - row[c] / pivot[c] * y for x, y in zip(row, pivot)] if row[c] else row for row in rows]
    return [row[width:] for row in rows]


def inertia(matrix):
    """(n+, n0, n-) of a symmetric rational matrix: Lagrange's reduction to a diagonal one, by congruences."""
    a, positive, negative = [[Fraction(x) for x in row] for row in matrix], 0, 0
    while any(map(any, a)):
        n = len(a)
        k = next((k for k in range(n) if a[k][k]), None)
        if k is None:  # add row and column j to row and column k: then a[k][k] is twice the old a[k][j]
            k, j = next((i, j) for i in range(n) for j in range(i) if a[i][j])
            a[k] = [x + y for x, y in zip(a[k], a[j])]
            for row in a:
                row[k] += row[j]
        top = a.pop(k)
        pivot = top.pop(k)
        factors = [row.pop(k) / pivot for row in a]
        a = [[x - factor * y for x, y in zip(row, top)] if factor else row for row, factor in zip(a, factors)]
        positive, negative = positive + (pivot > 0), negative + (pivot < 0)
    return positive, len(matrix) - positive - negative, negative


class Interval:
    """All numbers from low to high.  False only if it is the number zero."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def __bool__(self):
        return bool(self.low or self.high)

    def __add__(self, other):
        other = as_interval(other)
        return Interval(self.low + other.low, self.high + other.high)

    def __mul__(self, other):
        other = as_interval(other)
        ends = [x * y for x in (self.low, self.high) for y in (other.low, other.high)]
        return Interval(min(ends), max(ends))

    __radd__, __rmul__ = __add__, __mul__


def as_interval(x):
    return x if isinstance(x, Interval) else Interval(x, x)


class Poly:
    """A polynomial in t, constant term first, with numbers or intervals: what the loss along a curve needs."""

    def __init__(self, coefficients):
        self.coefficients = coefficients

    def __bool__(self):
        return any(self.coefficients)

    def __add__(self, other):
        a, b = self.coefficients, other.coefficients if isinstance(other, Poly) else [other]
        size = max(len(a), len(b))
        return Poly([x + y for x, y in zip(a + [0] * (size - len(a)), b + [0] * (size - len(b)))])

    def __mul__(self, other):
        a, b = self.coefficients, other.coefficients if isinstance(other, Poly) else [other]
        result = [0] * (len(a) + len(b) - 1)
        for m, x in enumerate(a):
            for n, y in enumerate(b) if x else ():
                result[m + n] += x * y
        return Poly(result)

    __radd__, __rmul__ = __add__, __mul__


# ---------------------------------------------------------------------------------------------------------
# The loss and its derivatives, with the regularisation
# ---------------------------------------------------------------------------------------------------------


def chains(net, weights):
    """forward[l] = W[l-1] ... W[0] (forward[0] = 1) and backward[l] = W[L-1] ... W[l] (backward[L] = 1)."""
    forward, backward = [identity(net.widths[0])], [identity(net.widths[-1])]
    for w in weights:
        forward.append(multiply(w, forward[-1]))
    for w in reversed(weights):
        backward.insert(0, multiply(backward[0], w))
    return forward, backward


def residual(instance, weights):
    """R = M G - C."""
    product = multiply(chains(instance.net, weights)[0][-1], instance.gram)
    return [[x - c for x, c in zip(r, s)] for r, s in zip(product, instance.cross)]


def loss(instance, weights):
    """The loss; `weights` may hold numbers or polynomials."""
    product = chains(instance.net, weights)[0][-1]
    half = multiply(product, [[x / 2 for x in row] for row in instance.gram])
    fit = sum(m * h + m * -c for u, v, w in zip(product, half, instance.cross) for m, h, c in zip(u, v, w))
    penalty = sum(weights[l][i][j] * weights[l][i][j] * x for (l, i, j), x in instance.ridge.items() if x)
    return instance.constant + fit + penalty


def gradient(instance, weights):
    """By every edge: (B' R F')[i][j] + 2 lambda w with B = backward[l+1], F = forward[l]."""
    net, ridge = instance.net, instance.ridge
    forward, backward = chains(net, weights)
    rest = residual(instance, weights)
    layers = [multiply(multiply(transpose(backward[l + 1]), rest), transpose(forward[l])) for l in range(net.depth)]
    return [layers[l][i][j] + 2 * ridge[l, i, j] * weights[l][i][j] for l, i, j in net.edges]


def hessian(instance, weights):
    """For edges (l,i,j), (m,a,b) with l >= m, and [ ] = 1 if true, else 0:

    (B_l' B_m)[i][a] (F_l G F_m')[j][b]  +  [l > m] (B_l' R F_m')[i][b] (W[l-1] ... W[m+1])[j][a]  +  [equal] 2 lambda,
    where B_l = W[L-1] ... W[l+1], F_l = W[l-1] ... W[0].
    """
    net = instance.net
    forward, backward = chains(net, weights)
    rest = residual(instance, weights)
    blocks = {}
    for l in range(net.depth):
        after, between = transpose(backward[l + 1]), identity(net.widths[l])
        for m in range(l, -1, -1):
            below = transpose(forward[m])
            inner = multiply(multiply(forward[l], instance.gram), below)
            blocks[l, m] = multiply(after, backward[m + 1]), inner, multiply(multiply(after, rest), below), between
            if m < l:
                between = multiply(between, weights[m])
    result = [[Fraction(0)] * len(net.edges) for _ in net.edges]
    for e, (l, i, j) in enumerate(net.edges):
        for f, (m, a, b) in enumerate(net.edges[: e + 1]):
            outer, inner, mixed, between = blocks[l, m]
            value = outer[i][a] * inner[j][b] + (mixed[i][b] * between[j][a] if l > m else 0)
            result[e][f] = result[f][e] = value + (2 * instance.ridge[l, i, j] if e == f else 0)
    return result


def shear(net, weights, l, i, j):
    """What row i += c row j of W[l], column j -= c column i of W[l+1] adds to each weight, for c = 1."""
    rows = {(l, i, s): weights[l][j][s] for s, x in enumerate(net.masks[l][j]) if x}
    return rows | {(l + 1, o, j): -weights[l + 1][o][i] for o, row in enumerate(net.masks[l + 1]) if row[i]}


def symmetries(instance, weights):
    """Vector fields whose flows preserve the loss, as vectors over the edges at `weights` (lemma 16.2).

    Shear: for units j, i of one hidden layer with fan-in(j) inside fan-in(i) and fan-out(i) inside fan-out(j),
    row i += c row j of the incoming matrix, column j -= c column i of the outgoing one; no moved weight is regularised.
    Rotation: two shears of units with equal fan-in, fan-out and regularisation, one minus the other.
    Kernel: for a unit v of the first layer and z on its unregularised fan-in with G z = 0, row v += c z.
    Dead weights: an unregularised weight on no path from an input to an output.
    """
    net, ridge, fields = instance.net, instance.ridge, []
    for l in range(net.depth - 1):
        for i in range(net.widths[l + 1]):
            for j in range(net.widths[l + 1]):
                there, back = shear(net, weights, l, i, j), shear(net, weights, l, j, i)
                if not all(edge in ridge for edge in there):
                    continue  # it would leave the masks
                if not any(ridge[edge] for edge in there):
                    fields.append(there)
                elif i < j and [ridge[edge] for edge in there] == [ridge.get(edge) for edge in back]:
                    fields.append(there | {edge: -x for edge, x in back.items()})
    for v, row in enumerate(net.masks[0]):
        support = [j for j, x in enumerate(row) if x and not ridge[0, v, j]]
        for z in kernel([[line[j] for j in support] for line in instance.gram]):
            fields.append({(0, v, j): x for j, x in zip(support, z)})
    for l, i, j in net.edges:
        if not ridge[l, i, j] and not (net.inputs_of[l][j] and net.outputs_of[l + 1][i]):
            fields.append({(l, i, j): 1})
    return [[Fraction(field.get(edge, 0)) for edge in net.edges] for field in fields]


# ---------------------------------------------------------------------------------------------------------
# A critical point: the given one, or one in a box about it
# ---------------------------------------------------------------------------------------------------------


def check_exact(instance, point, evidence):
    """The given point is critical."""
    read_object(evidence, "existence", ("kind",))
    bad = next((edge for edge, x in zip(instance.net.edges, gradient(instance, point)) if x), None)
    require(bad is None, "point", f"the gradient is not zero at edge {bad}")
    here = loss(instance, point)
    return {
        "exact": True,
        "whole": True,
        "distance": {},
        "loss": (here, here),
        "inertia": inertia(hessian(instance, point)),
        "gauge": rank(symmetries(instance, point)),
    }


def check_zero_part(instance, point, zero):
    """The network without the edges of `zero`, where the point is 0: each of them starts or ends off its paths."""
    kept = [[list(row) for row in mask] for mask in instance.net.masks]
    for l, i, j in zero:
        kept[l][i][j] = 0
    rest = Network(kept)
    for l, i, j in zero:
        require(not point[l][i][j], "existence.zero", f"the point is not zero at edge {(l, i, j)}")
        off = not rest.inputs_of[l][j] or not rest.outputs_of[l + 1][i]
        require(off, "existence.zero", f"edge {(l, i, j)} would close a path from an input to an output")
    ridge = {edge: x for edge, x in instance.ridge.items() if edge not in zero}
    return Instance(rest, instance.gram, instance.cross, instance.constant, ridge)


def check_box(whole, point, evidence):
    """Krawczyk: one critical point with w_e = c_e for frozen e, w_e = 0 for e in `zero`, else |w_e - c_e| <= rho.

    Its loss, and the inertia of the Hessian over the weights that are not in `zero`.
    """
    where = "existence"
    _, zero, frozen, radius, approximate = read_object(evidence, where, ("kind", "zero", "frozen", "radius", "inverse"))
    zero = read_flags(whole.net, zero, f"{where}.zero")
    instance = check_zero_part(whole, point, zero)
    frozen = read_flags(instance.net, frozen, f"{where}.frozen")
    radius = read_rational(radius, f"{where}.radius")
    require(radius > 0, f"{where}.radius", "must be positive")
    free = [n for n, edge in enumerate(instance.net.edges) if edge not in frozen]
    approximate = read_matrix(approximate, f"{where}.inverse", len(free), len(free))
    slope, full = gradient(instance, point), hessian(instance, point)
    reduced, change = [[full[m][n] for n in free] for m in free], change_of_hessian(instance, point, free, radius)
    defect = [[x - int(m == n) for n, x in enumerate(row)] for m, row in enumerate(multiply(approximate, reduced))]
    spread = multiply([[abs(x) for x in row] for row in approximate], change)
    contraction = row_sum([[abs(x) + y for x, y in zip(r, s)] for r, s in zip(defect, spread)])
    require(contraction < 1, where, "`inverse` is not near enough to the inverse of the reduced Hessian on the box")
    distance = row_sum(multiply(approximate, [[slope[n]] for n in free])) / (1 - contraction)
    require(distance <= radius, where, "the gradient at the centre is too large for the box")
    check_box_slice(instance, point, frozen, radius)
    error = distance**2 / 2 * sum(abs(x) + y for r, s in zip(reduced, change) for x, y in zip(r, s))
    here = loss(instance, point)
    # Entries rounded to a grid, fine enough for the sign of every eigenvalue, so that the elimination stays small.
    grid = (1 - contraction) / (1 + len(free) * row_sum(approximate))
    plus, _, minus = inertia([[floor(x / grid + Fraction(1, 2)) for x in row] for row in reduced])
    return {
        "exact": False,
        "whole": not zero,
        "distance": {instance.net.edges[n]: distance for n in free},
        "loss": (here - error, here + error),
        "inertia": (plus, len(frozen), minus),
        "gauge": len(frozen),
    }


def change_of_hessian(instance, point, free, radius):
    """Bounds for |h(w) - h(c)| on the box, h the entries of the reduced Hessian: h^(|c| + rho) - h^(|c|)."""
    inner = [[[abs(x) for x in row] for row in matrix] for matrix in point]
    outer = [[list(row) for row in matrix] for matrix in inner]
    for n in free:
        l, i, j = instance.net.edges[n]
        outer[l][i][j] += radius
    small, large = (hessian(instance.absolute(), w) for w in (inner, outer))
    return [[large[m][n] - small[m][n] for n in free] for m in free]


def check_box_slice(instance, point, frozen, radius):
    """Fields restricted to the frozen edges stay invertible on the box: |frozen| rho |T^-1| < 1."""
    fixed = [n for n, edge in enumerate(instance.net.edges) if edge in frozen]
    fields = [[field[n] for n in fixed] for field in symmetries(instance, point)]
    chosen = [fields[n] for n in independent(fields)]
    require(len(chosen) == len(fixed), "existence.frozen", "the symmetries do not reach all frozen edges")
    norm = row_sum(inverse_of(chosen))
    require(len(fixed) * radius * norm < 1, "existence.frozen", "the symmetries may degenerate on the box")


EXISTENCE = {"exact": check_exact, "box": check_box}


# ---------------------------------------------------------------------------------------------------------
# What the critical point is
# ---------------------------------------------------------------------------------------------------------


def check_strict_minimum(instance, point, facts, evidence):
    """No negative eigenvalue, and the kernel of the Hessian is spanned by the symmetries."""
    _, zero, minus = facts["inertia"]
    require(facts["whole"], "nature", "weights of `existence.zero` may have flat directions, or worse ones")
    require(minus == 0, "nature", "the Hessian has a negative eigenvalue")
    require(zero == facts["gauge"], "nature", f"nullity {zero}, but the symmetries have rank {facts['gauge']}")
    return "a local minimum, strict modulo gauge,"


def check_saddle(instance, point, facts, evidence):
    require(facts["inertia"][2] > 0, "nature", "the Hessian has no negative eigenvalue")
    return "a strict saddle"


def check_semidefinite(instance, point, facts, evidence):
    require(facts["exact"], "nature", "an exact point is needed")
    require(facts["inertia"][2] == 0, "nature", "the Hessian has a negative eigenvalue")
    return "a critical point with positive semidefinite Hessian"


def check_least(instance, point, facts, evidence):
    """R vanishes at all covered pairs; then, as the point is critical, lambda_e w_e = 0: both parts are least."""
    require(facts["exact"], "nature", "an exact point is needed")
    rest = residual(instance, point)
    bad = next((pair for pair in sorted(instance.net.covered) if rest[pair[0]][pair[1]]), None)
    require(bad is None, "nature", f"the residual is not zero at output, input {bad}")
    return "a global minimum"


def check_higher_saddle(instance, point, facts, evidence):
    """Along point + sum t^k d_k (a line, for a point in a box) the loss falls, for small t > 0 or small t < 0."""
    curve = read_list(evidence["curve"], "nature.curve")
    well_formed(0 < len(curve) <= MAX_POWER, "nature.curve", f"1 to {MAX_POWER} directions are expected")
    degree = 2 * instance.net.depth * len(curve)
    well_formed(degree <= MAX_DEGREE, "nature.curve", f"the loss has degree {degree}, at most {MAX_DEGREE} is allowed")
    steps = [read_weights(instance.net, d, f"nature.curve[{k}]") for k, d in enumerate(curve)]
    require(facts["exact"] or len(steps) == 1, "nature.curve", "for a point in a box only one direction is possible")
    moving = [[list(row) for row in matrix] for matrix in point]
    for l, i, j in instance.net.edges:
        start, reach = point[l][i][j], facts["distance"].get((l, i, j), 0)
        moving[l][i][j] = Poly([Interval(start - reach, start + reach)] + [d[l][i][j] for d in steps])
    along = loss(instance, moving)
    coefficients = along.coefficients[2:] if isinstance(along, Poly) else []  # that of t is zero at a critical point
    order, first = next(((k, as_interval(x)) for k, x in enumerate(coefficients, 2) if x), (None, None))
    require(order is not None, "nature.curve", "the loss is constant along the curve")
    falls = first.high < 0 or (first.low > 0 and order % 2 == 1)
    require(falls, "nature.curve", f"the term with t^{order} does not show that the loss falls")
    return f"a saddle (the loss falls along a curve, to the order {order})"


NATURES = {
    "strict-minimum": (check_strict_minimum, ()),
    "saddle": (check_saddle, ()),
    "semidefinite": (check_semidefinite, ()),
    "least": (check_least, ()),
    "higher-saddle": (check_higher_saddle, ("curve",)),
}


def check_ranks(instance, point, facts, stated):
    """Of an exact point: `residual` is the rank of R, products[m][k] that of W[m+k] ... W[m].  Of a box: no ranks."""
    if not facts["exact"]:
        read_object(stated, "statement.ranks", ())
        return
    residual_rank, products = read_object(stated, "statement.ranks", ("residual", "products"))
    bound = max(instance.net.widths) + 1
    found = rank(residual(instance, point))
    require(
        read_index(residual_rank, "statement.ranks.residual", bound) == found,
        "statement.ranks.residual",
        f"the rank is {found}",
    )
    for m, row in enumerate(read_list(products, "statement.ranks.products", instance.net.depth)):
        where, product = f"statement.ranks.products[{m}]", identity(instance.net.widths[m])
        for k, value in enumerate(read_list(row, where, instance.net.depth - m)):
            product = multiply(point[m + k], product)
            found = rank(product)
            require(read_index(value, f"{where}[{k}]", bound) == found, f"{where}[{k}]", f"the rank is {found}")


def check_critical_point(certificate):
    """A critical point exists, at `point` or in a box about it; its loss, the inertia of its Hessian, its nature."""
    keys = ("format", "kind", "masks", "data", "regularisation", "point", "existence", "nature", "statement")
    _, _, masks, data, regularisation, point, existence, nature, statement = read_object(
        certificate, "certificate", keys
    )
    instance = read_instance(masks, data, regularisation)
    point = read_weights(instance.net, point, "point")
    for where, value in (("existence", existence), ("nature", nature)):
        well_formed(isinstance(value, dict), where, "an object is expected")
    exists = EXISTENCE[read_choice(existence.get("kind"), "existence.kind", list(EXISTENCE))]
    check_nature, extra = NATURES[read_choice(nature.get("kind"), "nature.kind", list(NATURES))]
    read_object(nature, "nature", ("kind", *extra))
    low, high, stated, ranks = read_object(
        statement, "statement", ("loss_at_least", "loss_at_most", "inertia", "ranks")
    )
    low, high = read_rational(low, "statement.loss_at_least"), read_rational(high, "statement.loss_at_most")
    bound = len(instance.net.edges) + 1
    stated = tuple(read_index(x, "statement.inertia", bound) for x in read_list(stated, "statement.inertia", 3))
    facts = exists(instance, point, existence)
    least, most = facts["loss"]
    if facts["exact"]:
        require(low == high == least, "statement", f"the loss is {show(least)}")
    require(low <= least and most <= high, "statement", f"bounds of the loss are {show(least)} and {show(most)}")
    require(stated == facts["inertia"], "statement.inertia", f"it is {facts['inertia']}")
    what = check_nature(instance, point, facts, nature)
    check_ranks(instance, point, facts, ranks)
    part = "" if facts["whole"] else "without the weights of `zero`: "
    plain = not any(instance.ridge.values())
    with_loss = f"with loss {show(low)}" if facts["exact"] else f"with loss from {show(low)} to {show(high)}"
    return {
        "nature": nature["kind"],
        "loss": (low, high),
        "inertia": stated,
        "gauge": facts["gauge"],
        "proved": (
            f"the {instance.net.shape()} has, for these data and {'no' if plain else 'this'} regularisation, {what}"
            f" {with_loss}; {part}inertia of its Hessian {stated}, gauge rank {facts['gauge']}"
        ),
        "assumes": [],
    }


def show(x):
    """A rational for a sentence: exact while short, else about twelve digits."""
    if max(x.numerator.bit_length(), x.denominator.bit_length()) < 50:
        return str(x)
    try:
        return f"about {float(x):.12g}"
    except OverflowError:
        return f"of about {x.numerator.bit_length() - x.denominator.bit_length()} binary digits"


# ---------------------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------------------

KINDS = {"critical-point": check_critical_point}


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
    assumed = sorted({a for facts in result for a in facts["assumes"]})
    head = "valid" + (f", assumes {'; '.join(assumed)}" if assumed else "")
    lines = [facts["proved"] for facts in result]
    if len(lines) > 3:
        lines = [*lines[:2], f"... and {len(lines) - 2} more theorems of this bundle"]
    return outcome, "\n    ".join([f"{path}: {head}", *lines])


def main(paths):
    """Exit code: 2 if a file is malformed, else 1 if one is invalid, else 3 if one assumes something, else 0."""
    outcomes = set()
    for path in paths:
        outcome, line = report(path)
        outcomes.add(outcome)
        print(line, flush=True)
    if not paths:
        print("usage: point_checker.py CERTIFICATE.json ...", file=sys.stderr)
        return 2
    return next((code for name, code in (("malformed", 2), ("invalid", 1), ("assumes", 3)) if name in outcomes), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
