"""The third trusted checker of symverify: paths of decreasing loss, valleys, and basins of gradient flow.

    python -I -S path_checker.py CERTIFICATE.json ...

One file, the standard library only, nothing shared with the prover or with the other checkers; the same outcomes and
exit codes.  All arithmetic is exact, and nothing that is read is ever evaluated.  `docs/certificate-format.md`
specifies the format; `docs/mathematics.md` proves (section 17) one lemma for each function below named ``check_...``,
under its name.

Setting.  A network has masks ``m[0] .. m[L-1]``; the free weights are the entries of W[l] where m[l] is 1,
M = W[L-1] ... W[0], and L(theta) = 1/2 tr(M G M') - tr(M C') + c0, where G = X X', C = Y X', c0 = |Y|^2/2.
An *edge* is a triple (l, i, j): the weight W[l][i][j], from node j of layer l to node i of layer l + 1.
A *curve* is a polynomial in t with weights as coefficients: a list of them, that of t^0 first.
"""

import json
import re
import sys
from fractions import Fraction
from math import ceil, comb, gcd, lcm

CERTIFICATE = "symverify-certificate/1"
BUNDLE = "symverify-bundle/1"
MAX_BYTES = 64 * 1024 * 1024
MAX_DIGITS = 1_000_000  # in one numerator or denominator
MAX_POWER = 16  # of t in one piece of a path
MAX_PARTS = 512  # of [0, 1], in the proof that one piece decreases


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
    """Masks, widths, the free weights (edges), and the dead ones, which lie on no path from an input to an output."""

    def __init__(self, masks):
        self.masks = masks
        self.depth = len(masks)
        self.widths = [len(masks[0][0])] + [len(mask) for mask in masks]
        self.edges = [(l, i, j) for l, m in enumerate(masks) for i, row in enumerate(m) for j, x in enumerate(row) if x]
        reached = [[True] * self.widths[0]]  # from an input
        for mask in masks:
            reached.append([any(x and y for x, y in zip(row, reached[-1])) for row in mask])
        reaching = [[True] * self.widths[-1]]  # an output; from the last layer down, then turned round
        for mask in reversed(masks):
            reaching.append([any(x and y for x, y in zip(column, reaching[-1])) for column in transpose(mask)])
        reaching.reverse()
        self.dead = {(l, i, j) for l, i, j in self.edges if not (reached[l][j] and reaching[l + 1][i])}

    def shape(self):
        return "-".join(map(str, self.widths)) + f" network with {len(self.edges)} weights"


def read_masks(value):
    masks = []
    for l, mask in enumerate(read_list(value, "masks")):
        where = f"masks[{l}]"
        well_formed(read_list(mask, where), where, "a mask needs at least one row")
        columns = len(masks[-1]) if masks else len(read_list(mask[0], f"{where}[0]"))
        masks.append(read_flags(mask, where, len(mask), columns))
    well_formed(masks and masks[0][0], "masks", "at least one layer and one input are needed")
    return Network(masks)


def read_flags(value, where, rows, columns):
    """A matrix of 0 and 1."""
    lines = [read_list(line, f"{where}[{i}]", columns) for i, line in enumerate(read_list(value, where, rows))]
    for i, line in enumerate(lines):
        for x in line:
            well_formed(type(x) is int and x in (0, 1), f"{where}[{i}]", "entries are 0 or 1")
    return lines


def read_enlarged(net, value):
    """The network with the weights of `allowed` besides: one 0/1 matrix per layer, 0 on the masks."""
    allowed = [
        read_flags(matrix, f"allowed[{l}]", net.widths[l + 1], net.widths[l])
        for l, matrix in enumerate(read_list(value, "allowed", net.depth))
    ]
    for l, i, j in net.edges:
        well_formed(not allowed[l][i][j], f"allowed[{l}][{i}][{j}]", "this weight is not masked")
    return Network([[[x + y for x, y in zip(*rows)] for rows in zip(m, a)] for m, a in zip(net.masks, allowed)])


def read_weights(net, value, where):
    """One matrix per layer, zero off the mask."""
    weights = []
    for l, matrix in enumerate(read_list(value, where, net.depth)):
        weights.append(read_matrix(matrix, f"{where}[{l}]", net.widths[l + 1], net.widths[l]))
        for i, row in enumerate(net.masks[l]):
            for j, x in enumerate(row):
                well_formed(x or not weights[l][i][j], f"{where}[{l}][{i}][{j}]", "nonzero off the mask")
    return weights


def read_edge(net, value, where):
    edge = tuple(read_index(x, where, 10**6) for x in read_list(value, where, 3))
    well_formed(edge in net.edges, where, "not an edge of the network")
    return edge


def read_positive(value, where):
    number = read_rational(value, where)
    require(number > 0, where, "must be positive")
    return number


class Data:
    """G, C, c0 of some X, Y: G positive semidefinite, C = A G, c0 >= 1/2 tr(A G A')."""

    def __init__(self, gram, cross, constant):
        self.gram, self.cross, self.constant = gram, cross, constant

    def validate(self):
        gram, cross = self.gram, self.cross
        n, m = len(gram), len(cross)
        symmetric = all(gram[i][j] == gram[j][i] for i in range(n) for j in range(i))
        require(symmetric, "data.G", "not symmetric")
        # Schur complement of G in [[G, C'], [C, 0]] is -C G^+ C'; it exists iff C = A G.
        block = [gram[i] + [row[i] for row in cross] for i in range(n)] + [row + [Fraction(0)] * m for row in cross]
        eliminated = eliminate(block, n)
        require(eliminated, "data", "G is not positive semidefinite, or C is not in the range of G")
        rest = eliminated[1]
        require(2 * self.constant + sum(rest[i][i] for i in range(m)) >= 0, "data.c0", "smaller than any loss allows")

    def absolute(self):
        """With absolute values everywhere: |G|, and R = M G - C becomes M |G| + |C|."""
        return Data(absolute(self.gram), [[-abs(x) for x in row] for row in self.cross], self.constant)


def read_data(net, value):
    gram, cross, constant = read_object(value, "data", ("G", "C", "c0"))
    inputs, outputs = net.widths[0], net.widths[-1]
    gram = read_matrix(gram, "data.G", inputs, inputs)
    data = Data(gram, read_matrix(cross, "data.C", outputs, inputs), read_rational(constant, "data.c0"))
    data.validate()
    return data


# ---------------------------------------------------------------------------------------------------------
# Exact linear algebra
# ---------------------------------------------------------------------------------------------------------


def eliminate(matrix, count):
    """Symmetric elimination of the first `count` indices of a symmetric rational matrix.

    (rank, Schur complement) if those rows can be completed to a positive semidefinite matrix, else None: a
    negative pivot, or a zero pivot in a nonzero row.  Fraction-free (Bareiss): after eliminating the index set
    K, an entry is a minor, det(A[K+i, K+j]), so that every division is exact.
    """
    n = len(matrix)
    scale = lcm(*(x.denominator for row in matrix for x in row))
    a = [[int(x * scale) for x in row] for row in matrix]  # only j >= i is used below
    rank, previous = 0, 1
    for k in range(count):
        top = a[k]
        pivot = top[k]
        if pivot < 0 or (pivot == 0 and any(top[k + 1 :])):
            return None
        if pivot == 0:
            continue
        for i in range(k + 1, n):
            row, factor = a[i], top[i]
            if factor:
                row[i:] = [(x * pivot - factor * y) // previous for x, y in zip(row[i:], top[i:])]
            else:
                row[i:] = [x * pivot // previous for x in row[i:]]
        rank, previous = rank + 1, pivot
    bottom = previous * scale
    schur = [[Fraction(a[min(i, j)][max(i, j)], bottom) for j in range(count, n)] for i in range(count, n)]
    return rank, schur


def transpose(a):
    return [list(column) for column in zip(*a)]


def multiply(a, b):
    columns = transpose(b)
    return [[sum(x * y for x, y in zip(row, column) if x and y) for column in columns] for row in a]


def identity(n):
    return [[int(i == j) for j in range(n)] for i in range(n)]


def add(a, b):
    return [[x + y for x, y in zip(r, s)] for r, s in zip(a, b)]


def inner(a, b):
    return sum(x * y for r, s in zip(a, b) for x, y in zip(r, s))


def absolute(a):
    return [[abs(x) for x in row] for row in a]


def inverse(matrix):
    """Gauss-Jordan inverse of a square rational matrix, or None if it has none."""
    n = len(matrix)
    a = [[Fraction(x) for x in row] + [Fraction(i == j) for j in range(n)] for i, row in enumerate(matrix)]
    for k in range(n):
        swap = next((i for i in range(k, n) if a[i][k]), None)
        if swap is None:
            return None
        a[k], a[swap] = a[swap], a[k]
        a[k] = [x / a[k][k] for x in a[k]]
        for i in range(n):
            if i != k and a[i][k]:
                a[i] = [x - a[i][k] * y for x, y in zip(a[i], a[k])]
    return [row[n:] for row in a]


def match_statement(value, keys, values):
    stated = [read_rational(x, "statement") for x in read_object(value, "statement", keys)]
    require(stated == values, "statement", "the numbers are other ones")


def show(x):
    """A rational for a sentence: exact while short, else about seven digits."""
    if max(x.numerator.bit_length(), x.denominator.bit_length()) < 80:
        return str(x)
    try:
        return f"about {float(x):.7g}"
    except OverflowError:
        return f"of about {x.numerator.bit_length() - x.denominator.bit_length()} binary digits"


# ---------------------------------------------------------------------------------------------------------
# Gradient and Hessian
# ---------------------------------------------------------------------------------------------------------


def chains(net, weights):
    """forward[l] = W[l-1] ... W[0] (forward[0] = 1) and backward[l] = W[L-1] ... W[l] (backward[L] = 1)."""
    forward, backward = [identity(net.widths[0])], [identity(net.widths[-1])]
    for w in weights:
        forward.append(multiply(w, forward[-1]))
    for w in reversed(weights):
        backward.insert(0, multiply(backward[0], w))
    return forward, backward


def residual(product, data):
    """R = dL/dM = M G - C."""
    return [[x - c for x, c in zip(r, s)] for r, s in zip(multiply(product, data.gram), data.cross)]


def gradient(net, weights, data):
    """Edge -> dL/dw = (B' R F')[i][j] with B = backward[l+1], F = forward[l]."""
    forward, backward = chains(net, weights)
    rest = residual(forward[-1], data)
    layers = [multiply(multiply(transpose(backward[l + 1]), rest), transpose(forward[l])) for l in range(net.depth)]
    return {(l, i, j): layers[l][i][j] for l, i, j in net.edges}


def hessian(net, edges, weights, data):
    """The Hessian by some edges, in increasing order.  For (l,i,j), (m,a,b) with l >= m:

    (B_l' B_m)[i][a] (F_l G F_m')[j][b]  +  [l > m] (B_l' R F_m')[i][b] (W[l-1] ... W[m+1])[j][a],
    where B_l = W[L-1] ... W[l+1], F_l = W[l-1] ... W[0].
    """
    forward, backward = chains(net, weights)
    rest = residual(forward[-1], data)
    after = [transpose(b) for b in backward[1:]]
    before = [transpose(f) for f in forward]
    blocks = {}
    for l in range(net.depth):
        between = identity(net.widths[l])
        for m in range(l, -1, -1):
            outer = multiply(after[l], backward[m + 1])
            within = multiply(multiply(forward[l], data.gram), before[m])
            mixed = multiply(multiply(after[l], rest), before[m])
            blocks[l, m] = outer, within, mixed, between
            if m < l:
                between = multiply(between, weights[m])
            # for the pair (l, m) the product W[l-1] ... W[m+1] is the one before W[m] enters
    result = [[Fraction(0)] * len(edges) for _ in edges]
    for e, (l, i, j) in enumerate(edges):
        for f, (m, a, b) in enumerate(edges[: e + 1]):
            outer, within, mixed, between = blocks[l, m]
            value = outer[i][a] * within[j][b]
            if l > m:
                value += mixed[i][b] * between[j][a]
            result[e][f] = result[f][e] = value
    return result


# ---------------------------------------------------------------------------------------------------------
# Paths
# ---------------------------------------------------------------------------------------------------------


def loss_along(curve, data):
    """The coefficients of t -> L(curve(t)), that of t^0 first."""
    product = None
    for layer in transpose(curve):  # the coefficients of one layer
        terms = None if product is None else [None] * (len(layer) + len(product) - 1)
        for a, left in enumerate(layer if terms else ()):
            for b, right in enumerate(product):
                term = multiply(left, right)
                terms[a + b] = term if terms[a + b] is None else add(terms[a + b], term)
        product = terms or layer
    half = [multiply(m, [[x / 2 for x in row] for row in data.gram]) for m in product]
    result = [data.constant] + [Fraction(0)] * (2 * len(product) - 2)
    for a, m in enumerate(product):
        result[a] -= inner(m, data.cross)
        for b, h in enumerate(half):
            result[a + b] += inner(m, h)
    return result


def error_along(net, curve, data, tolerance):
    """Bounds for the change of these coefficients when the weights of the masks `net` change by at most `tolerance`
    in the constant coefficient: with absolute values everywhere, loss(|c| + tolerance) - loss(|c|)."""
    small = [[absolute(layer) for layer in weights] for weights in curve]
    large = [[[list(row) for row in layer] for layer in small[0]], *small[1:]]
    for l, i, j in net.edges:
        large[0][l][i][j] += tolerance
    signless = data.absolute()
    return [x - y for x, y in zip(loss_along(large, signless), loss_along(small, signless))]


def check_decreasing(coefficients, where):
    """The polynomial is <= 0 on [0, 1] with isolated zeros: Bernstein coefficients on parts of [0, 1]."""
    d = len(coefficients) - 1
    scale = lcm(*(x.denominator for x in coefficients))
    power = [int(x * scale) * lcm(*(comb(d, k) for k in range(d + 1))) for x in coefficients]
    parts = [[sum(comb(i, k) * power[k] // comb(d, k) for k in range(i + 1)) for i in range(d + 1)]]
    require(any(power), where, "the loss does not change")
    count = 1
    while parts:
        b = parts.pop()
        require(b[0] <= 0 and b[-1] <= 0, where, "the loss increases")
        if all(x <= 0 for x in b):
            continue
        count += 1
        require(count <= MAX_PARTS, where, f"{MAX_PARTS} parts do not suffice to show that the loss decreases")
        left, right = [], []
        for n in range(d + 1):  # de Casteljau at 1/2; row n carries the factor 2^n, which the other powers complete
            left.append(b[0] << (d - n))
            right.append(b[-1] << (d - n))
            b = [x + y for x, y in zip(b, b[1:])]
        parts += [right[::-1], left]


def check_descent(net, data, start, pieces, tolerance, level):
    """The path in the network `net`: pieces [weights of t, t^2, ...], each starting where the one before it ended.

    On each piece the loss is strictly decreasing, or, if `level`, constant; for every start within `width` in the
    weights of the masks, (masks, width) = `tolerance`, the whole path moved along.  Returns a bound for the last loss.
    """
    masks, width = tolerance
    at, last = start, None
    for n, piece in enumerate(pieces):
        where = f"path[{n}]"
        well_formed(0 < len(read_list(piece, where)) <= MAX_POWER, where, f"1 to {MAX_POWER} coefficients are expected")
        curve = [at, *(read_weights(net, weights, f"{where}[{k}]") for k, weights in enumerate(piece))]
        values = loss_along(curve, data)
        if width:
            values = [x + e for x, e in zip(values, error_along(masks, curve, data, width))]
        slope = [k * x for k, x in enumerate(values)][1:]
        if not level or any(slope):
            check_decreasing(slope, where)
        at, last = [sum_of(layer) for layer in transpose(curve)], sum(values)
    require(last is not None, "path", "a path has at least one piece")
    return last


def sum_of(matrices):
    result = matrices[0]
    for matrix in matrices[1:]:
        result = add(result, matrix)
    return result


def check_decreasing_path(certificate):
    """With some masked weights allowed, the loss strictly decreases along the path, from the point (or every point
    near it) to below that of `better`, a point of the network itself."""
    keys = ("format", "kind", "masks", "data", "point", "tolerance", "better", "allowed", "path", "statement")
    _, _, masks, data, point, tolerance, better, allowed, path, statement = read_object(
        certificate, "certificate", keys
    )
    net = read_masks(masks)
    data = read_data(net, data)
    point, better = read_weights(net, point, "point"), read_weights(net, better, "better")
    tolerance = read_rational(tolerance, "tolerance")
    require(tolerance >= 0, "tolerance", "must not be negative")
    enlarged = read_enlarged(net, allowed)
    end = check_descent(enlarged, data, point, read_list(path, "path"), (net, tolerance), False)
    values = [loss_along([point], data)[0], end, loss_along([better], data)[0]]
    require(end < values[2], "path", "it does not end below the loss of the better point")
    require(values[2] < values[0], "better", "its loss is not below that of the point")
    match_statement(statement, ("start_loss", "end_loss", "better_loss"), values)
    added = len(enlarged.edges) - len(net.edges)
    near = f"every point within {show(tolerance)} of the point" if tolerance else "the point"
    proved = (
        f"the {net.shape()} with {added} of its masked weights allowed has a path of strictly decreasing loss from"
        f" {near} (loss {show(values[0])}) to a loss of at most {show(end)}, below {show(values[2])} of another point"
        " of the network"
    )
    return {"loss": (values[0],) * 2, "end_loss": end, "better_loss": values[2], "proved": proved, "assumes": []}


def check_escape(certificate):
    """In the network itself a path of non-increasing loss leads from the point to a smaller loss."""
    keys = ("format", "kind", "masks", "data", "point", "path", "statement")
    _, _, masks, data, point, path, statement = read_object(certificate, "certificate", keys)
    net = read_masks(masks)
    data = read_data(net, data)
    point = read_weights(net, point, "point")
    end = check_descent(net, data, point, read_list(path, "path"), (net, Fraction(0)), True)
    values = [loss_along([point], data)[0], end]
    require(end < values[0], "path", "the loss is constant on it")
    match_statement(statement, ("start_loss", "end_loss"), values)
    proved = (
        f"in the {net.shape()} a path along which the loss never increases leads from the point (loss"
        f" {show(values[0])}) to the loss {show(end)}"
    )
    return {"loss": (values[0],) * 2, "end_loss": end, "proved": proved, "assumes": []}


# ---------------------------------------------------------------------------------------------------------
# Valleys and basins: a minimum strict modulo the scalings of some units
# ---------------------------------------------------------------------------------------------------------


class Slice:
    """A centre, units that are scaled, one frozen edge for each of them, the other (free) edges, and a box around the
    centre in the free edges.  weight[edge]: its value at the centre."""

    def __init__(self, net, data, point, units, frozen, radius, curvature, slope):
        self.net, self.data, self.point = net, data, point
        self.units, self.frozen = units, frozen
        self.radius, self.curvature, self.slope = radius, curvature, slope
        self.live = [edge for edge in net.edges if edge not in net.dead]
        self.free = [edge for edge in self.live if edge not in frozen]
        self.weight = {(l, i, j): point[l][i][j] for l, i, j in net.edges}
        self.loss = loss_along([point], data)[0]
        self.lowest = self.loss - slope**2 / (2 * curvature)

    def character(self, edge):
        """The weight is multiplied by the product of a_u^character[u] when every unit u is scaled by a_u."""
        l, i, j = edge
        return [int(unit == (l + 1, i)) - int(unit == (l, j)) for unit in self.units]


def read_slice(net, data, point, value):
    where = "slice"
    keys = ("units", "frozen", "radius", "curvature", "slope")
    units, frozen, radius, curvature, slope = read_object(value, where, keys)
    units = [
        tuple(read_index(x, f"{where}.units", 10**6) for x in read_list(u, f"{where}.units", 2))
        for u in read_list(units, f"{where}.units")
    ]
    for l, v in units:
        well_formed(0 < l < net.depth and v < net.widths[l], f"{where}.units", "no hidden unit")
    frozen = read_list(frozen, f"{where}.frozen", len(units))
    frozen = [read_edge(net, edge, f"{where}.frozen[{n}]") for n, edge in enumerate(frozen)]
    radius = read_positive(radius, f"{where}.radius")
    curvature = read_positive(curvature, f"{where}.curvature")
    slope = read_rational(slope, f"{where}.slope")
    require(slope >= 0, f"{where}.slope", "must not be negative")
    return Slice(net, data, point, units, frozen, radius, curvature, slope)


def check_scaling_slice(chart):
    """Scaling the units gives the frozen edges any values of the same signs, in exactly one way: the inverse of the
    matrix of their characters.  Dead edges count as frozen: their values do not matter."""
    for edge in chart.frozen:
        require(edge not in chart.net.dead, "slice.frozen", f"edge {edge} is dead")
        require(chart.weight[edge], "slice.frozen", f"edge {edge} is zero")
    characters = inverse([chart.character(edge) for edge in chart.frozen])
    require(characters is not None, "slice.frozen", "the frozen edges do not determine the scalings")
    return characters


def spread(chart, edges, radius):
    """Per edge: its Hessian row changes by at most so much (sum of absolute values) if `edges` change by `radius`."""
    inner_point = [absolute(layer) for layer in chart.point]
    outer_point = [[list(row) for row in layer] for layer in inner_point]
    for l, i, j in edges:
        outer_point[l][i][j] += radius
    signless = chart.data.absolute()
    small, large = (hessian(chart.net, edges, w, signless) for w in (inner_point, outer_point))
    return [sum(x - y for x, y in zip(r, s)) for r, s in zip(large, small)]


def check_box_curvature(chart):
    """The Hessian by the free edges is >= curvature on the box; at the centre the gradient is small."""
    slope = sum(x**2 for edge, x in gradient(chart.net, chart.point, chart.data).items() if edge in set(chart.free))
    require(slope <= chart.slope**2, "slice.slope", "the gradient at the centre is larger")
    require(2 * chart.slope < chart.curvature * chart.radius, "slice.slope", "too large for the radius")
    n = len(chart.free)
    change = max(spread(chart, chart.free, chart.radius), default=Fraction(0))
    # Round the entries to a grid, so that the elimination stays small; the rounding joins the change.
    grid = chart.curvature / 2**16
    shift = ceil((chart.curvature + change) / grid) + n
    at_centre = hessian(chart.net, chart.free, chart.point, chart.data)
    rounded = [
        [Fraction(round(x / grid) - (shift if m == k else 0)) for k, x in enumerate(row)]
        for m, row in enumerate(at_centre)
    ]
    require(eliminate(rounded, n), "slice.curvature", "the Hessian is not at least that on the whole box")


def check_proper(chart, paths):
    """Every scaled unit lies on a path from an input to an output on which no weight vanishes on the box."""
    reached = set()
    for n, path in enumerate(read_list(paths, "paths")):
        where = f"paths[{n}]"
        read_list(path, where, chart.net.depth + 1)
        nodes = [(l, read_index(v, where, chart.net.widths[l])) for l, v in enumerate(path)]
        for (l, j), (_, i) in zip(nodes, nodes[1:]):
            well_formed((l, i, j) in chart.net.edges, where, f"{(l, i, j)} is not an edge")
            least = 0 if (l, i, j) in chart.frozen else chart.radius
            require(abs(chart.weight[l, i, j]) > least, where, f"edge {(l, i, j)} may vanish on the box")
        reached |= set(nodes)
    missing = [unit for unit in chart.units if unit not in reached]
    require(not missing, "paths", f"unit {missing[:1]} lies on none of them")


def check_valley(certificate):
    """A local minimum, and a neighbourhood of its orbit under the scalings that no path below the barrier leaves."""
    keys = ("format", "kind", "masks", "data", "point", "slice", "paths", "statement")
    _, _, masks, data, point, chart, paths, statement = read_object(certificate, "certificate", keys)
    net = read_masks(masks)
    data = read_data(net, data)
    chart = read_slice(net, data, read_weights(net, point, "point"), chart)
    check_scaling_slice(chart)
    check_box_curvature(chart)
    check_proper(chart, paths)
    barrier = chart.loss - chart.slope * chart.radius + chart.curvature * chart.radius**2 / 2
    match_statement(statement, ("loss_at_least", "loss_at_most", "barrier"), [chart.lowest, chart.loss, barrier])
    proved = (
        f"the {net.shape()} has a local minimum of loss {show_range(chart)}, in a valley: no path on which the loss"
        f" stays below {show(barrier)} leaves the neighbourhood of its orbit, in which no loss is smaller"
    )
    return {"loss": (chart.lowest, chart.loss), "barrier": barrier, "proved": proved, "assumes": []}


def check_basin(certificate):
    """Gradient flow from every point within `basin` of the centre stays within `reach` and converges to a local
    minimum with the loss of the one that the slice encloses, on its orbit."""
    keys = ("format", "kind", "masks", "data", "point", "slice", "reach", "basin", "statement")
    _, _, masks, data, point, chart, reach, basin, statement = read_object(certificate, "certificate", keys)
    net = read_masks(masks)
    data = read_data(net, data)
    chart = read_slice(net, data, read_weights(net, point, "point"), chart)
    reach, basin = read_positive(reach, "reach"), read_positive(basin, "basin")
    characters = check_scaling_slice(chart)
    check_box_curvature(chart)
    factor = check_chart(chart, characters, reach)
    lojasiewicz = chart.curvature / factor**2
    slope = sum(x**2 for x in gradient(net, chart.point, data).values())
    require(slope <= chart.slope**2, "slice.slope", "the gradient at the centre, by all weights, is larger")
    rows = hessian(net, chart.live, chart.point, data)
    norms = [sum(map(abs, row)) + x for row, x in zip(rows, spread(chart, chart.live, basin))]
    height = chart.slope**2 / (2 * chart.curvature) + chart.slope * basin + max(norms, default=0) * basin**2 / 2
    require(basin < reach, "basin", "it is not smaller than the reach")
    require(2 * height < lojasiewicz * (reach - basin) ** 2, "basin", "a trajectory may leave the reach")
    match_statement(statement, ("loss_at_least", "loss_at_most"), [chart.lowest, chart.loss])
    proved = (
        f"in the {net.shape()} gradient flow from every start within {show(basin)} of the point converges to a local"
        f" minimum of loss {show_range(chart)}, always the same"
    )
    return {"loss": (chart.lowest, chart.loss), "basin": basin, "proved": proved, "assumes": []}


def check_chart(chart, characters, reach):
    """Points within `reach` of the centre are brought to the slice by a scaling that multiplies no weight by more than
    the result or less than its inverse, and arrive in the box."""
    least = min((abs(chart.weight[edge]) for edge in chart.frozen), default=None)
    require(least is None or reach < least, "reach", "a frozen edge may vanish within it")
    ratio = Fraction(1) if least is None else 1 / (1 - reach / least)
    powers = 0
    for edge in chart.live:
        exponents = multiply([chart.character(edge)], characters)[0] if chart.units else []
        powers = max(powers, ceil(sum(map(abs, exponents))))
    factor = ratio**powers
    for edge in chart.free:
        moved = (abs(chart.weight[edge]) + reach) * (factor - 1) + reach
        require(moved <= chart.radius, "reach", f"edge {edge} may leave the box")
    return factor


def show_range(chart):
    low, high = show(chart.lowest), show(chart.loss)
    return low if chart.lowest == chart.loss else f"between {low} and {high}"


# ---------------------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------------------

KINDS = {
    "decreasing-path": check_decreasing_path,
    "escape": check_escape,
    "valley": check_valley,
    "basin": check_basin,
}


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
        print("usage: path_checker.py CERTIFICATE.json ...", file=sys.stderr)
        return 2
    return next((code for name, code in (("malformed", 2), ("invalid", 1), ("assumes", 3)) if name in outcomes), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
