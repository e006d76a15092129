"""The trusted checker of symverify: one file, the standard library only, nothing shared with the prover.

    python -I -S checker.py CERTIFICATE.json ...

A certificate is a JSON object that states a theorem about one sparse linear network and carries what is
hard to find of its proof.  This file recomputes all the rest (gradients, Hessians, gauge, reachability)
from the masks and the data, in exact rational arithmetic.  Nothing that it reads is ever evaluated.
`docs/certificate-format.md` specifies the format; `docs/mathematics.md` proves one lemma for every
function below named ``check_...``, under the same name.

Setting.  A network has masks ``m[0] .. m[L-1]``; the free weights are the entries of W[l] where m[l] is 1,
M = W[L-1] ... W[0], and L(theta) = 1/2 tr(M G M') - tr(M C') + c0, where G = X X', C = Y X', c0 = |Y|^2/2.
A *node* is a pair (layer, index): inputs have layer 0, hidden units 1 .. L-1, outputs L.  An *edge* is a
triple (l, i, j): the weight W[l][i][j], from node (l, j) to node (l+1, i).
"""

import json
import re
import sys
from fractions import Fraction
from math import ceil, gcd, lcm

CERTIFICATE = "symverify-certificate/1"
BUNDLE = "symverify-bundle/1"
MAX_BYTES = 64 * 1024 * 1024
MAX_DIGITS = 1_000_000  # in one numerator or denominator
CLASSES = ("any", "orthogonal")
BALDI_HORNIK = "Baldi-Hornik 1989: dense two-layer linear networks have no spurious local minima"
KAWAGUCHI = "Kawaguchi 2016, Lu-Kawaguchi 2017: dense deep linear networks have no spurious local minima"


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
        self.masks = masks
        self.depth = len(masks)
        self.widths = [len(masks[0][0])] + [len(mask) for mask in masks]
        self.edges = [(l, i, j) for l, m in enumerate(masks) for i, row in enumerate(m) for j, x in enumerate(row) if x]
        # inputs_of[l][v]: the inputs that reach node (l, v); outputs_of[l][v]: the outputs that it reaches.
        self.inputs_of = [[{j} for j in range(self.widths[0])]]
        for mask in masks:
            below = self.inputs_of[-1]
            self.inputs_of.append([set().union(*(below[j] for j, x in enumerate(row) if x)) for row in mask])
        self.outputs_of = [[{o} for o in range(self.widths[-1])]]  # from the last layer down, then turned round
        for mask in reversed(masks):
            above = self.outputs_of[-1]
            columns = [[i for i, row in enumerate(mask) if row[j]] for j in range(len(mask[0]))]
            self.outputs_of.append([set().union(*(above[i] for i in column)) for column in columns])
        self.outputs_of.reverse()
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


class Data:
    """G, C, c0 of some X, Y: G positive semidefinite, C = A G, c0 >= 1/2 tr(A G A')."""

    def __init__(self, gram, cross, constant):
        self.gram, self.cross, self.constant = gram, cross, constant
        n, m = len(gram), len(cross)
        self.rows = [gram] * m  # the matrix of the quadratic form of every row of M; see Relaxed
        symmetric = all(gram[i][j] == gram[j][i] for i in range(n) for j in range(i))
        require(symmetric, "data.G", "not symmetric")
        # Schur complement of G in [[G, C'], [C, 0]] is -C G^+ C'; it exists iff C = A G.
        block = [gram[i] + [row[i] for row in cross] for i in range(n)] + [row + [Fraction(0)] * m for row in cross]
        eliminated = eliminate(block, n)
        require(eliminated, "data", "G is not positive semidefinite, or C is not in the range of G")
        rest = eliminated[1]
        require(2 * constant + sum(rest[i][i] for i in range(m)) >= 0, "data.c0", "smaller than any loss allows")
        diagonal = all(not gram[i][j] for i in range(n) for j in range(n) if i != j)
        self.orthogonal = diagonal and all(gram[i][i] > 0 for i in range(n))


def read_data(net, value):
    gram, cross, constant = read_object(value, "data", ("G", "C", "c0"))
    inputs, outputs = net.widths[0], net.widths[-1]
    gram = read_matrix(gram, "data.G", inputs, inputs)
    return Data(gram, read_matrix(cross, "data.C", outputs, inputs), read_rational(constant, "data.c0"))


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


def echelon(rows):
    """The indices of the pivot rows of a list of rational vectors: a maximal independent subset."""
    basis, chosen = [], []  # basis: (pivot column, integer vector)
    for index, vector in enumerate(rows):
        scale = lcm(*(x.denominator for x in vector))
        v = [int(x * scale) for x in vector]
        for column, b in basis:
            if v[column]:
                p, q = b[column], v[column]
                v = [p * x - q * y for x, y in zip(v, b)]
                common = gcd(*v)
                if common > 1:
                    v = [x // common for x in v]
        column = next((c for c, x in enumerate(v) if x), None)
        if column is not None:
            basis.append((column, v))
            chosen.append(index)
    return chosen


def inverse(matrix):
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


def transpose(a):
    return [list(column) for column in zip(*a)]


def multiply(a, b):
    columns = transpose(b)
    return [[sum(x * y for x, y in zip(row, column) if x and y) for column in columns] for row in a]


def identity(n):
    return [[int(i == j) for j in range(n)] for i in range(n)]


class Poly:
    """A polynomial with rational coefficients: {exponents: coefficient}.  Only what products of weights need."""

    def __init__(self, terms):
        self.terms = {e: c for e, c in terms.items() if c}

    def __bool__(self):
        return bool(self.terms)

    def __add__(self, other):
        terms = dict(self.terms)
        for e, c in as_poly(other).terms.items():
            terms[e] = terms.get(e, 0) + c
        return Poly(terms)

    def __mul__(self, other):
        if not isinstance(other, Poly):
            return Poly({e: c * other for e, c in self.terms.items()})
        terms = {}
        for e, c in self.terms.items():
            for f, d in other.terms.items():
                key = tuple(sorted(e + f))
                terms[key] = terms.get(key, 0) + c * d
        return Poly(terms)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other):
        return self + as_poly(other) * -1

    def is_constant(self):
        return not any(self.terms)


def as_poly(x):
    """A number as a polynomial.  An exponent key is the sorted tuple of variable numbers, with repetition."""
    return x if isinstance(x, Poly) else Poly({(): x})


# ---------------------------------------------------------------------------------------------------------
# The loss.  `weights` may hold numbers or polynomials
# ---------------------------------------------------------------------------------------------------------


def chains(net, weights):
    """forward[l] = W[l-1] ... W[0] (forward[0] = 1) and backward[l] = W[L-1] ... W[l] (backward[L] = 1)."""
    forward, backward = [identity(net.widths[0])], [identity(net.widths[-1])]
    for w in weights:
        forward.append(multiply(w, forward[-1]))
    for w in reversed(weights):
        backward.insert(0, multiply(backward[0], w))
    return forward, backward


def times_gram(product, data):
    """M G, row by row."""
    return [multiply([row], gram)[0] for row, gram in zip(product, data.rows)]


def residual(product, data):
    """R = dL/dM = M G - C."""
    return [[x - c for x, c in zip(r, s)] for r, s in zip(times_gram(product, data), data.cross)]


def loss(net, weights, data):
    """1/2 tr(M G M') - tr(M C') + c0."""
    product = chains(net, weights)[0][-1]
    half = [[x * Fraction(1, 2) for x in row] for row in times_gram(product, data)]
    return data.constant + sum(m * (h - c) for u, v, w in zip(product, half, data.cross) for m, h, c in zip(u, v, w))


def pull_back(net, weights, matrix):
    """The derivative of tr(matrix' M) by every edge: (B' matrix F')[i][j] with B = backward[l+1], F = forward[l]."""
    forward, backward = chains(net, weights)
    layers = [multiply(multiply(transpose(backward[l + 1]), matrix), transpose(forward[l])) for l in range(net.depth)]
    return [layers[l][i][j] for l, i, j in net.edges]


def gradient(net, weights, data):
    return pull_back(net, weights, residual(chains(net, weights)[0][-1], data))


def hessian(net, weights, data):
    """For edges (l,i,j), (m,a,b) with l >= m:

    (B_l' B_m)[i][a] (F_l G F_m')[j][b]  +  [l > m] (B_l' R F_m')[i][b] (W[l-1] ... W[m+1])[j][a],
    where B_l = W[L-1] ... W[l+1], F_l = W[l-1] ... W[0].  If the rows of M have several matrices G, the first term is
    the sum over them, each with the rows of B_l and B_m that have this G.
    """
    forward, backward = chains(net, weights)
    rest = residual(forward[-1], data)
    after = [transpose(b) for b in backward[1:]]
    before = [transpose(f) for f in forward]
    grams = {id(gram): gram for gram in data.rows}
    places = [[o for o, gram in enumerate(data.rows) if gram is g] for g in grams.values()]
    blocks = {}
    for l in range(net.depth):
        between = identity(net.widths[l])
        for m in range(l, -1, -1):
            terms = []
            for rows, gram in zip(places, grams.values()):
                outer = multiply([[row[o] for o in rows] for row in after[l]], [backward[m + 1][o] for o in rows])
                terms.append((outer, multiply(multiply(forward[l], gram), before[m])))
            mixed = multiply(multiply(after[l], rest), before[m])
            blocks[l, m] = terms, mixed, between
            if m < l:
                between = multiply(between, weights[m])
            # for the pair (l, m) the product W[l-1] ... W[m+1] is the one before W[m] enters
    result = [[Fraction(0)] * len(net.edges) for _ in net.edges]
    for e, (l, i, j) in enumerate(net.edges):
        for f, (m, a, b) in enumerate(net.edges[: e + 1]):
            terms, mixed, between = blocks[l, m]
            value = sum(outer[i][a] * inner[j][b] for outer, inner in terms)
            if l > m:
                value += mixed[i][b] * between[j][a]
            result[e][f] = result[f][e] = value
    return result


def jacobian(net, weights, edges):
    """Rows dM/dw, flattened, for the given edges."""
    forward, backward = chains(net, weights)
    return [[b[i] * x for b in backward[l + 1] for x in forward[l][j]] for l, i, j in edges]


def symmetries(net, weights, data):
    """Vector fields whose flows preserve L, as vectors over the edges at `weights`.

    Gauge: for units j, i of one hidden layer with fan-in(j) inside fan-in(i) and fan-out(i) inside fan-out(j),
    row i += c row j of the incoming matrix, column j -= c column i of the outgoing one: M does not change.
    Kernel: for a unit v of the first layer and z supported on its fan-in with G z = 0, row v += c z: M G and
    M C' do not change.  (The second kind is empty unless G is singular.)
    Dead weights: a weight on no path from an input to an output does not enter M.
    """
    position = {edge: n for n, edge in enumerate(net.edges)}
    fields = []
    for l in range(net.depth - 1):
        units = range(net.widths[l + 1])
        fan_in = [{j for j, x in enumerate(net.masks[l][v]) if x} for v in units]
        fan_out = [{o for o, row in enumerate(net.masks[l + 1]) if row[v]} for v in units]
        for i in units:
            for j in units:
                if fan_in[j] <= fan_in[i] and fan_out[i] <= fan_out[j]:
                    field = [Fraction(0)] * len(net.edges)
                    for s in fan_in[j]:
                        field[position[l, i, s]] += weights[l][j][s]
                    for o in fan_out[i]:
                        field[position[l + 1, o, j]] -= weights[l + 1][o][i]
                    fields.append(field)
    for v, row in enumerate(net.masks[0]):
        support = [j for j, x in enumerate(row) if x]
        grams = {id(data.rows[o]): data.rows[o] for o in net.outputs_of[1][v]}  # of the rows of M that v reaches
        for z in kernel([[line[j] for j in support] for gram in grams.values() for line in gram]):
            field = [Fraction(0)] * len(net.edges)
            for j, x in zip(support, z):
                field[position[0, v, j]] = x
            fields.append(field)
    for l, i, j in net.edges:
        if not net.inputs_of[l][j] or not net.outputs_of[l + 1][i]:
            fields.append([Fraction(edge == (l, i, j)) for edge in net.edges])
    return fields


def kernel(matrix):
    """A basis of {z : matrix z = 0}: nullspace by elimination of [matrix' | 1]."""
    columns = transpose(matrix)
    n, width = len(columns), len(matrix)
    rows = [[Fraction(x) for x in column] + [Fraction(i == k) for k in range(n)] for i, column in enumerate(columns)]
    for c in range(width):
        pivot = next((row for row in rows if row[c]), None)
        if pivot is not None:
            rows.remove(pivot)
            rows = [[x - row[c] / pivot[c] * y for x, y in zip(row, pivot)] if row[c] else row for row in rows]
    return [row[width:] for row in rows]


# ---------------------------------------------------------------------------------------------------------
# Evidence that a point is a local minimum.  Each check returns the facts that it established
# ---------------------------------------------------------------------------------------------------------


def check_stationary(net, weights, data, where):
    values = gradient(net, weights, data)
    bad = next((edge for edge, value in zip(net.edges, values) if value), None)
    require(bad is None, where, f"the gradient is not zero at edge {bad}")


def check_kernel(net, weights, data, tangents, where):
    """H is positive semidefinite and its kernel is spanned by the gauge fields and `tangents`."""
    eliminated = eliminate(hessian(net, weights, data), len(net.edges))
    require(eliminated, where, "the Hessian is not positive semidefinite")
    rank = eliminated[0]
    fields = symmetries(net, weights, data)
    gauge = len(echelon(fields))
    flat = len(echelon(fields + tangents))
    nullity = len(net.edges) - rank
    require(flat == nullity, where, f"the Hessian has nullity {nullity}, but only {flat} directions are explained")
    return {
        "loss": (loss(net, weights, data),) * 2,
        "inertia": (rank, nullity, 0),
        "gauge": gauge,
        "strict": gauge == nullity,
    }


def check_critical_family(net, data, point, evidence):
    """Theorem A: theta(t) = point + sum of t-monomials times directions is a family of critical points.

    Evidence: {"kind", "parameters": m, "terms": [{"powers": [e_1 .. e_m], "direction": weights}]}.
    No terms at all: the gauge alone explains the kernel of the Hessian (a strict minimum modulo gauge).
    """
    where = "minimum"
    _, parameters, terms = read_object(evidence, where, ("kind", "parameters", "terms"))
    read_index(parameters, f"{where}.parameters", len(net.edges) + 1)
    family = [[[as_poly(x) for x in row] for row in matrix] for matrix in point]
    tangents, seen = [], set()
    for n, term in enumerate(read_list(terms, f"{where}.terms")):
        at = f"{where}.terms[{n}]"
        powers, direction = read_object(term, at, ("powers", "direction"))
        powers = [read_index(e, f"{at}.powers", 1000) for e in read_list(powers, f"{at}.powers", parameters)]
        well_formed(any(powers) and tuple(powers) not in seen, at, "the constant monomial, or one that stands twice")
        seen.add(tuple(powers))
        direction = read_weights(net, direction, f"{at}.direction")
        monomial = Poly({tuple(v for v, e in enumerate(powers) for _ in range(e)): 1})
        for l, i, j in net.edges:
            if direction[l][i][j]:
                family[l][i][j] = family[l][i][j] + monomial * direction[l][i][j]
        if sum(powers) == 1:
            tangents.append([direction[l][i][j] for l, i, j in net.edges])
    check_stationary(net, point, data, "point")
    if seen:
        values = gradient(net, family, data)
        bad = next((edge for edge, value in zip(net.edges, values) if as_poly(value)), None)
        require(bad is None, where, f"the gradient does not vanish along the family, at edge {bad}")
    return check_kernel(net, point, data, tangents, where)


def check_critical_fibre(net, data, point, evidence):
    """Theorem A for the fibre {theta in N : M(theta) = M(point)}, N = the point with some edges free to move.

    Evidence: {"kind", "free": flags}.  Checked: tr(R' M) has zero gradient everywhere on N (R = the residual at
    the point), and the entries of M that are not constant on N, and enter L, have independent differentials along N.
    """
    where = "minimum"
    _, free = read_object(evidence, where, ("kind", "free"))
    free = read_flags(net, free, f"{where}.free")
    moving = [[[as_poly(x) for x in row] for row in matrix] for matrix in point]
    for n, edge in enumerate(net.edges):
        if edge in free:
            l, i, j = edge
            moving[l][i][j] = moving[l][i][j] + Poly({(n,): 1})
    check_stationary(net, point, data, "point")
    values = pull_back(net, moving, residual(chains(net, point)[0][-1], data))
    bad = next((edge for edge, value in zip(net.edges, values) if as_poly(value)), None)
    require(bad is None, where, f"the fibre is not critical: at edge {bad}")
    entries = [x for row in chains(net, moving)[0][-1] for x in row]
    enters = [gram[j][j] for gram in data.rows for j in range(net.widths[0])]  # 0: L does not depend on this entry
    varying = [n for n, x in enumerate(entries) if enters[n] and not as_poly(x).is_constant()]
    chosen = [edge for edge in net.edges if edge in free]
    differentials = [[row[n] for n in varying] for row in jacobian(net, point, chosen)]
    require(len(echelon(differentials)) == len(varying), where, "M restricted to the free edges is not a submersion")
    tangents = []
    for z in kernel(transpose(differentials)) if varying else identity(len(chosen)):
        step = dict(zip(chosen, z))
        tangents.append([Fraction(step.get(edge, 0)) for edge in net.edges])
    return check_kernel(net, point, data, tangents, where)


def check_ball(net, data, point, evidence):
    """Theorem B: some point of the ball around the centre `point` is a local minimum of L.

    Evidence: {"kind", "frozen": flags, "radius": rho, "curvature": lambda}.  Checked, for s = the free edges:
    the reduced Hessian is >= lambda on the box |s - c| <= rho, |grad(c)| < lambda rho / 2, and a choice of gauge
    fields restricted to the frozen edges is invertible on the box.
    """
    where = "minimum"
    _, frozen, radius, curvature = read_object(evidence, where, ("kind", "frozen", "radius", "curvature"))
    frozen = read_flags(net, frozen, f"{where}.frozen")
    radius = read_rational(radius, f"{where}.radius")
    curvature = read_rational(curvature, f"{where}.curvature")
    require(radius > 0 and curvature > 0, where, "radius and curvature must be positive")
    free = [n for n, edge in enumerate(net.edges) if edge not in frozen]
    slope = gradient(net, point, data)
    slope_squared = sum(slope[n] ** 2 for n in free)
    require(4 * slope_squared < (curvature * radius) ** 2, where, "the gradient at the centre is too large")
    check_curvature(net, data, point, frozen, free, radius, curvature)
    check_slice(net, data, point, frozen, radius)
    high = loss(net, point, data)
    return {
        "loss": (high - slope_squared / (2 * curvature), high),
        "inertia": (len(free), len(frozen), 0),
        "gauge": len(frozen),
        "strict": True,
    }


def check_curvature(net, data, point, frozen, free, radius, curvature):
    """Reduced Hessian >= curvature on the box: |h(s) - h(c)| <= h^(|c| + rho) - h^(|c|), h^ with absolute values."""

    class Absolute:
        rows = [[[abs(x) for x in row] for row in data.gram]] * len(data.cross)
        cross = [[-abs(x) for x in row] for row in data.cross]

    inner = [[[abs(x) for x in row] for row in matrix] for matrix in point]
    outer = [[list(row) for row in matrix] for matrix in inner]
    for n in free:
        l, i, j = net.edges[n]
        outer[l][i][j] += radius
    at_centre, small, large = (hessian(net, w, d) for w, d in ((point, data), (inner, Absolute), (outer, Absolute)))
    spread = max((sum(large[m][n] - small[m][n] for n in free) for m in free), default=Fraction(0))
    # Round the entries to a grid, so that the elimination stays small; the rounding joins the spread.
    grid = curvature / 2**16
    shift = ceil((curvature + spread) / grid) + len(free)
    rounded = [[Fraction(round(at_centre[m][n] / grid) - (shift if m == n else 0)) for n in free] for m in free]
    eliminated = eliminate(rounded, len(free))
    require(eliminated, "minimum", "the reduced Hessian is not at least `curvature` on the whole box")


def check_slice(net, data, point, frozen, radius):
    """Gauge fields restricted to the frozen edges stay invertible on the box: |frozen| rho |T^-1| < 1."""
    fixed = [n for n, edge in enumerate(net.edges) if edge in frozen]
    fields = [[field[n] for n in fixed] for field in symmetries(net, point, data)]
    chosen = [fields[n] for n in echelon(fields)]
    require(len(chosen) == len(fixed), "minimum", "the gauge does not reach all frozen edges")
    norm = max((sum(map(abs, row)) for row in inverse(chosen)), default=Fraction(0))
    require(len(fixed) * radius * norm < 1, "minimum", "the gauge may degenerate on the box")


def check_lifted(net, data, point, evidence, outer):
    """Lifting: a local minimum of the sub-network between some inputs J and outputs O, extended by zeros.

    Evidence: {"kind", "inputs": J, "outputs": O, "minimum": evidence for the sub-network}.
    """
    where = "minimum"
    _, inputs, outputs, minimum = read_object(evidence, where, ("kind", "inputs", "outputs", "minimum"))
    inputs = [read_index(j, f"{where}.inputs", net.widths[0]) for j in read_list(inputs, f"{where}.inputs")]
    outputs = [read_index(o, f"{where}.outputs", net.widths[-1]) for o in read_list(outputs, f"{where}.outputs")]
    for name, nodes in (("inputs", inputs), ("outputs", outputs)):
        well_formed(nodes and sorted(set(nodes)) == nodes, f"{where}.{name}", "distinct indices in order are expected")
    for k in range(net.widths[0]):
        if k not in inputs and net.outputs_of[0][k]:
            require(not any(data.gram[j][k] for j in inputs), "data.G", f"input {k} is correlated with the sub-network")
    for o, j in net.covered:
        inside = o in outputs and j in inputs
        require(inside or not data.cross[o][j], "data.C", f"[{o}][{j}] is not zero, outside the sub-network")
    nodes = [inputs]
    for l in range(1, net.depth):
        reached = enumerate(zip(net.inputs_of[l], net.outputs_of[l]))
        nodes.append([v for v, (i, o) in reached if i & set(inputs) and o & set(outputs)])
    nodes.append(outputs)
    require(all(nodes), where, "no path from these inputs to these outputs")
    inside = {(l, i, j) for l, i, j in net.edges if i in nodes[l + 1] and j in nodes[l]}
    for l, i, j in net.edges:
        require(
            (l, i, j) in inside or not point[l][i][j], "point", f"edge {(l, i, j)} outside the sub-network is not zero"
        )
    masks = [[[net.masks[l][i][j] for j in nodes[l]] for i in nodes[l + 1]] for l in range(net.depth)]
    small_point = [[[point[l][i][j] for j in nodes[l]] for i in nodes[l + 1]] for l in range(net.depth)]
    gram = [[data.gram[j][k] for k in inputs] for j in inputs]
    cross = [[data.cross[o][j] for j in inputs] for o in outputs]
    check_minimum(Network(masks), Data(gram, cross, data.constant), small_point, minimum, (*outer, "lifted"))
    return facts_at_minimum(net, data, point)


def facts_at_minimum(net, data, point):
    """The facts about a point that is known to be a local minimum."""
    rank = eliminate(hessian(net, point, data), len(net.edges))[0]  # positive semidefinite at a local minimum
    nullity, gauge = len(net.edges) - rank, len(echelon(symmetries(net, point, data)))
    return {
        "loss": (loss(net, point, data),) * 2,
        "inertia": (rank, nullity, 0),
        "gauge": gauge,
        "strict": gauge == nullity,
    }


class Relaxed:
    """f(M) = the least value of L when the entries `pairs` of M may have any values: again a quadratic form for every
    row of M, which does not depend on the entries `pairs` (the Schur complement, one row at a time)."""

    def __init__(self, data, pairs):
        inputs = range(len(data.rows[0]))
        self.rows, self.cross, self.constant = [], [], data.constant
        known = {}  # rows with the same entries relaxed share one matrix
        for o, cross in enumerate(data.cross):
            gram = data.rows[o]
            slack = [j for j in inputs if (o, j) in pairs]
            kept = [j for j in inputs if (o, j) not in pairs]
            order = slack + kept
            block = [[gram[i][j] for j in order] + [cross[i]] for i in order] + [[cross[j] for j in order] + [0]]
            rest = eliminate([[Fraction(x) for x in row] for row in block], len(slack))[1]
            place = {j: n for n, j in enumerate(kept)}
            key = id(gram), tuple(slack)
            if key not in known:
                known[key] = [
                    [rest[place[i]][place[j]] if i in place and j in place else Fraction(0) for j in inputs]
                    for i in inputs
                ]
            self.rows.append(known[key])
            self.cross.append([rest[-1][place[j]] if j in place else Fraction(0) for j in inputs])
            self.constant += rest[-1][-1] / 2


def check_relax(net, data, point, evidence, outer):
    """Theorem C: L >= f, with equality at the point, where f leaves the entries `pairs` of M free; f has a minimum.

    Evidence: {"kind", "pairs": [[o, j], ...], "minimum": evidence for f in the network without the edges that lead to
    `pairs` only}.  So dead units may be left out, in any number of layers, if R = 0 on all pairs that they join.
    """
    where = "minimum"
    _, listed, minimum = read_object(evidence, where, ("kind", "pairs", "minimum"))
    pairs = set()
    for pair in read_list(listed, f"{where}.pairs"):
        o, j = read_list(pair, f"{where}.pairs", 2)
        pair = read_index(o, f"{where}.pairs", net.widths[-1]), read_index(j, f"{where}.pairs", net.widths[0])
        well_formed(
            pair in net.covered and pair not in pairs, f"{where}.pairs", f"{pair} is not joined, or stands twice"
        )
        pairs.add(pair)
    rest = residual(chains(net, point)[0][-1], data)
    for o, j in sorted(pairs):
        require(not rest[o][j], f"{where}.pairs", f"the residual at {(o, j)} is not zero")
    masks = [[[0] * len(row) for row in mask] for mask in net.masks]
    for l, i, j in net.edges:
        joined = {(o, s) for o in net.outputs_of[l + 1][i] for s in net.inputs_of[l][j]}
        masks[l][i][j] = int(not joined <= pairs)
    small = [[[x if m else Fraction(0) for x, m in zip(*rows)] for rows in zip(*w)] for w in zip(point, masks)]
    check_minimum(Network(masks), Relaxed(data, pairs), small, minimum, (*outer, "relax"))
    return facts_at_minimum(net, data, point)


def check_absorb(net, data, point, evidence, outer):
    """Theorem C: unit k is a continuous combination of other units near the point; they take over its part of M.

    Evidence: {"kind", "steps": [{"layer", "unit": k, "by": I, "side"}], "minimum": evidence for the network without the
    units k}.  Side `inputs`: S is the union of the fan-ins of I, |I| = |S|, the incoming weights of I on S are an
    invertible matrix, fan-in(k) is inside S and fan-out(k) inside fan-out(i) for i in I.  Side `outputs`: transposed.
    """
    where = "minimum"
    _, steps, minimum = read_object(evidence, where, ("kind", "steps", "minimum"))
    well_formed(read_list(steps, f"{where}.steps"), f"{where}.steps", "at least one step is expected")
    masks, weights = net.masks, point
    for n, step in enumerate(steps):
        masks, weights = absorb_unit(masks, weights, step, f"{where}.steps[{n}]")
    check_minimum(Network(masks), data, weights, minimum, (*outer, "absorb"))
    return facts_at_minimum(net, data, point)


def absorb_unit(masks, weights, step, where):
    """One step of check_absorb: the masks without unit k, and the weights where `by` has taken over its part."""
    layer, unit, by, side = read_object(step, where, ("layer", "unit", "by", "side"))
    read_index(layer, f"{where}.layer", len(masks))
    well_formed(layer > 0, f"{where}.layer", "a hidden layer is expected")
    width = len(masks[layer - 1])
    read_index(unit, f"{where}.unit", width)
    by = [read_index(i, f"{where}.by", width) for i in read_list(by, f"{where}.by")]
    well_formed(by and sorted({*by} - {unit}) == by, f"{where}.by", "distinct other units in order are expected")
    inputs = read_choice(side, f"{where}.side", ("inputs", "outputs")) == "inputs"
    near, far = (layer - 1, layer) if inputs else (layer, layer - 1)  # near: where k is a combination

    def turned(matrices, l):  # rows are the units of the layer
        return [list(row) for row in matrices[l]] if l == layer - 1 else transpose(matrices[l])

    mask, other = turned(masks, near), turned(masks, far)
    support = [[j for j, x in enumerate(row) if x] for row in mask]
    nodes = sorted(set().union(*(support[i] for i in by)))
    require(len(nodes) == len(by) and set(support[unit]) <= set(nodes), where, "the units do not span the fan")
    for i in by:
        require(all(other[i][o] for o, x in enumerate(other[unit]) if x), where, f"unit {i} cannot take over")
    near_rows, far_rows = turned(weights, near), turned(weights, far)
    square = [[near_rows[i][j] for j in nodes] for i in by]
    require(len(echelon(square)) == len(by), where, "the matrix of the weights is singular")
    factors = multiply([[near_rows[unit][j] for j in nodes]], inverse(square))[0]
    for i, x in zip(by, factors):
        far_rows[i] = [u + x * v for u, v in zip(far_rows[i], far_rows[unit])]
    masks, weights = list(masks), list(weights)
    for l, rows in ((near, (mask, near_rows)), (far, (other, far_rows))):
        left = [[row for v, row in enumerate(matrix) if v != unit] for matrix in rows]
        masks[l], weights[l] = left if l == layer - 1 else map(transpose, left)
    return masks, weights


POINTS = {"critical-family": check_critical_family, "critical-fibre": check_critical_fibre, "ball": check_ball}
REDUCTIONS = {"lifted": check_lifted, "relax": check_relax, "absorb": check_absorb}  # to a smaller network


def check_minimum(net, data, point, evidence, outer=()):
    """`outer`: the reductions that led to this network, each of which may be used once; `lifted` is the first one."""
    well_formed(isinstance(evidence, dict), "minimum", "an object is expected")
    kinds = [
        kind for kind in (*POINTS, *REDUCTIONS) if kind not in outer and not (outer and kind in ("ball", "lifted"))
    ]
    kind = read_choice(evidence.get("kind"), "minimum.kind", kinds)
    if kind in POINTS:
        return POINTS[kind](net, data, point, evidence)
    return REDUCTIONS[kind](net, data, point, evidence, outer)


def check_spurious_minimum(certificate):
    """L has a local minimum whose loss exceeds that of one explicit better point."""
    keys = ("format", "kind", "masks", "data", "point", "minimum", "better", "statement")
    _, _, masks, data, point, minimum, better, statement = read_object(certificate, "certificate", keys)
    net = read_masks(masks)
    data = read_data(net, data)
    point, better = read_weights(net, point, "point"), read_weights(net, better, "better")
    low, high, better_loss, minimum_kind = read_object(
        statement, "statement", ("loss_at_least", "loss_at_most", "better_loss", "minimum")
    )
    stated = [read_rational(x, "statement") for x in (low, high, better_loss)]
    read_choice(minimum_kind, "statement.minimum", ("strict", "degenerate"))
    facts = check_minimum(net, data, point, minimum)
    facts["better_loss"] = loss(net, better, data)
    require(stated == [*facts["loss"], facts["better_loss"]], "statement", "the losses are not those of the two points")
    require(facts["better_loss"] < facts["loss"][0], "better", "its loss is not smaller")
    require(
        minimum_kind == ("strict" if facts["strict"] else "degenerate"), "statement.minimum", "it is the other kind"
    )
    exact = facts["loss"][0] == facts["loss"][1]
    at = "with loss " + ("" if exact else "at most ") + show(facts["loss"][1])
    modulo = "strict (modulo gauge)" if facts["strict"] else "degenerate"
    facts["proved"] = (
        f"the {net.shape()} has, for {'orthogonal' if data.orthogonal else 'these'} data, a {modulo} spurious local"
        f" minimum {at}: another point has loss {show(facts['better_loss'])}"
    )
    return facts | {"assumes": []}


def show(x):
    """A rational for a sentence: exact while short, else about seven digits."""
    if max(x.numerator.bit_length(), x.denominator.bit_length()) < 80:
        return str(x)
    try:
        return f"about {float(x):.7g}"
    except OverflowError:
        return f"of about {x.numerator.bit_length() - x.denominator.bit_length()} binary digits"


# ---------------------------------------------------------------------------------------------------------
# Benign: every local minimum is global, for all data of a class
# ---------------------------------------------------------------------------------------------------------


def check_path(net, step, where, orthogonal):
    """Rule P.  A path j -> v_1 -> ... -> o whose hidden nodes are all reached by j alone, or all reach o alone."""
    _, path = read_object(step, where, ("rule", "path"))
    path = [read_index(v, where, net.widths[l]) for l, v in enumerate(read_list(path, where, net.depth + 1))]
    for l in range(net.depth):
        require(net.masks[l][path[l + 1]][path[l]], where, f"there is no edge {(l, path[l + 1], path[l])}")
    hidden = [(l, path[l]) for l in range(1, net.depth)]
    one_input = all(net.inputs_of[l][v] == {path[0]} for l, v in hidden)
    one_output = all(net.outputs_of[l][v] == {path[-1]} for l, v in hidden)
    require(one_input or one_output, where, "its hidden nodes have neither one input nor one output in common")
    return {(path[-1], path[0])}, []


def check_wide_block(net, step, where, orthogonal):
    """Rule K.  Two layers; at least |S| units with fan-in exactly S: R = 0 on (common fan-out) x S; and the dual."""
    _, units, side = read_object(step, where, ("rule", "units", "side"))
    read_choice(side, f"{where}.side", ("inputs", "outputs"))
    require(net.depth == 2, where, "this rule is for two layers")
    listed = [read_index(k, f"{where}.units", net.widths[1]) for k in read_list(units, f"{where}.units")]
    units = set(listed)
    well_formed(units and len(units) == len(listed), f"{where}.units", "distinct units are expected")
    same, other = (net.inputs_of, net.outputs_of) if side == "inputs" else (net.outputs_of, net.inputs_of)
    support = same[1][min(units)]
    require(all(same[1][k] == support for k in units), where, f"the units do not have the same {side}")
    require(len(units) >= len(support), where, f"{len(units)} units are too few for {len(support)} {side}")
    common = set.intersection(*(other[1][k] for k in units))
    zero = {(o, j) for o in common for j in support} if side == "inputs" else {(o, j) for o in support for j in common}
    return zero, []


def check_dense_block(net, step, where, orthogonal):
    """Rule D.  A dense network inside the network, whose part of the loss shares no weight with the rest."""
    _, nodes = read_object(step, where, ("rule", "nodes"))
    block = []
    for l, layer in enumerate(read_list(nodes, f"{where}.nodes", net.depth + 1)):
        block.append({read_index(v, f"{where}.nodes[{l}]", net.widths[l]) for v in read_list(layer, f"{where}.nodes")})
        well_formed(block[-1] and len(block[-1]) == len(layer), f"{where}.nodes[{l}]", "distinct nodes are expected")
    require(net.depth >= 2, where, "this rule is for two and more layers")
    for l in range(net.depth):
        for i in block[l + 1]:
            require(all(net.masks[l][i][j] for j in block[l]), where, f"node {(l + 1, i)} is not densely connected")
    for l in range(1, net.depth):
        for v in range(net.widths[l]):
            inputs, outputs = net.inputs_of[l][v], net.outputs_of[l][v]
            if v in block[l]:
                require((inputs, outputs) == (block[0], block[-1]), where, f"node {(l, v)} has paths outside the block")
            else:
                shares = outputs & block[-1] and (not orthogonal or inputs & block[0]) and inputs
                require(not shares, where, f"node {(l, v)} outside the block shares a term of the loss with it")
    return {(o, j) for o in block[-1] for j in block[0]}, [BALDI_HORNIK if net.depth == 2 else KAWAGUCHI]


def check_contract(net, step, where):
    """A hidden layer l that can be multiplied away: the network with one layer W[l] W[l-1] instead of the two.

    wide: both layers are dense and d_l >= d_(l-1) + d_(l+1) - 2.  series: every unit of the layer has one edge in and
    one edge out, and no two units join the same pair.  Then a local minimum of the network has, in its fibre, a point
    whose image is a local minimum of the contracted network, or its residual is orthogonal to every M.
    """
    _, layer = read_object(step, where, ("rule", "layer"))
    read_index(layer, f"{where}.layer", net.depth)
    well_formed(layer > 0, f"{where}.layer", "a hidden layer is expected")
    below, above = net.masks[layer - 1], net.masks[layer]
    dense = all(map(all, below)) and all(map(all, above))
    wide = dense and net.widths[layer] >= net.widths[layer - 1] + net.widths[layer + 1] - 2
    mask = multiply(above, below)
    series = all(sum(row) == 1 for row in below + transpose(above)) and all(x <= 1 for row in mask for x in row)
    require(wide or series, where, f"hidden layer {layer} is neither wide nor in series")
    mask = [[int(x > 0) for x in row] for row in mask]
    return Network([*net.masks[: layer - 1], mask, *net.masks[layer + 1 :]])


RULES = {"path": check_path, "wide-block": check_wide_block, "dense-block": check_dense_block}


def check_benign(certificate):
    """Every local minimum is global: the steps settle every pair (output, input) that a path joins."""
    keys = ("format", "kind", "masks", "data", "steps", "statement")
    _, _, masks, data, steps, statement = read_object(certificate, "certificate", keys)
    net = read_masks(masks)
    well_formed(isinstance(data, dict), "data", "an object is expected")
    if "class" in data:
        data_class = read_choice(read_object(data, "data", ("class",))[0], "data.class", CLASSES)
        orthogonal, subject = data_class == "orthogonal", f"all {data_class} data".replace("all any", "all")
    else:
        orthogonal, subject = read_data(net, data).orthogonal, "these data"
    stated_loss, stated = read_object(statement, "statement", ("loss", "assumes"))
    read_choice(stated_loss, "statement.loss", ("squared", "convex"))
    inner, settled, assumes = net, set(), []  # inner: the network after the contractions so far
    for n, step in enumerate(read_list(steps, "steps")):
        where = f"steps[{n}]"
        well_formed(isinstance(step, dict), where, "an object is expected")
        if step.get("rule") == "contract":
            require(not settled, where, "contractions come first")
            inner = check_contract(inner, step, where)
            continue
        rule = RULES[read_choice(step.get("rule"), f"{where}.rule", list(RULES))]
        pairs, assumed = rule(inner, step, where, orthogonal)
        settled |= pairs
        assumes += [a for a in assumed if a not in assumes]
    open_pairs = sorted(net.covered - settled)
    require(not open_pairs, "steps", f"output, input {open_pairs[:1]} is settled by no step")
    require(stated_loss == ("squared" if assumes else "convex"), "statement.loss", "it is the other loss")
    require(stated == assumes, "statement.assumes", f"the steps assume {assumes or 'nothing'}")
    kind = "every convex differentiable loss" if stated_loss == "convex" else "the squared loss"
    proved = f"in the {net.shape()}, for {subject} and {kind}, every local minimum is global"
    return {"proved": proved, "assumes": assumes}


def check_two_outputs(net, where):
    """Two layers, at most two outputs (or inputs), orthogonal data: benign for almost all data."""
    require(net.depth == 2, where, "this rule is for two layers")
    require(min(net.widths[0], net.widths[-1]) <= 2, where, "this rule is for at most two outputs or two inputs")


GENERIC_RULES = {"two-outputs": check_two_outputs}


def check_benign_generic(certificate):
    """For all orthogonal data outside a null set every local minimum is global; none is strict, for any of them."""
    _, _, masks, data, rule = read_object(certificate, "certificate", ("format", "kind", "masks", "data", "rule"))
    net = read_masks(masks)
    read_choice(read_object(data, "data", ("class",))[0], "data.class", ("orthogonal",))
    GENERIC_RULES[read_choice(rule, "rule", list(GENERIC_RULES))](net, "rule")
    proved = (
        f"in the {net.shape()}, for all orthogonal data outside a set of measure zero, every local minimum is global;"
        " for no orthogonal data is a spurious local minimum strict modulo gauge"
    )
    return {"proved": proved, "assumes": []}


# ---------------------------------------------------------------------------------------------------------
# Trap at infinity: an orthant of some weights that no descent path leaves, without a local minimum in it
# ---------------------------------------------------------------------------------------------------------


def sign_chain(net, signs, layers):
    """The signs that the path products of W[b] ... W[a] may have (layers = a .. b); signs[edge] is a set."""
    result = None
    for l in layers:
        step = [[signs.get((l, i, j), set()) for j in range(net.widths[l])] for i in range(net.widths[l + 1])]
        if result is None:
            result = step
            continue
        columns = transpose(result)
        result = [[{x * y for s, t in zip(row, column) for x in s for y in t} for column in columns] for row in step]
    return result


def lower_bound(net, data, signs):
    """A bound for L over all weights of these signs, for G = diag(g) and A = C G^-1: entries of M whose path
    products cannot have the sign of a = A[o][j] are at least |a| away from a."""
    entries = sign_chain(net, signs, range(net.depth))
    total = data.constant
    for o, row in enumerate(data.cross):
        for j, c in enumerate(row):
            reachable = (1 if c > 0 else -1) in entries[o][j]
            if reachable:
                total -= c * c / (2 * data.gram[j][j])
    return total


def check_no_minimum(net, data, signs, steps):
    """Assume a local minimum in the orthant; the steps force R = 0 at pairs until one contradicts the signs."""
    settled = set()
    for n, step in enumerate(read_list(steps, "steps")):
        where = f"steps[{n}]"
        well_formed(isinstance(step, dict), where, "an object is expected")
        if read_choice(step.get("rule"), f"{where}.rule", ("path", "edge")) == "path":
            settled |= check_path(net, step, where, True)[0]
            continue
        l, i, j = read_edge(net, read_object(step, where, ("rule", "edge"))[1], f"{where}.edge")
        below = sign_chain(net, signs, range(l))  # None: the edge starts at an input
        above = sign_chain(net, signs, range(l + 1, net.depth))
        start = [below[j][s] if below else ({1} if s == j else set()) for s in range(net.widths[0])]
        end = [above[o][i] if above else ({1} if o == i else set()) for o in range(net.widths[-1])]
        terms = [(o, s) for o in range(len(end)) for s in range(len(start)) if end[o] and start[s]]
        left = [pair for pair in terms if pair not in settled]
        require(len(left) == 1, where, f"{len(left)} terms of the edge equation are not settled")
        o, s = left[0]
        require(len(end[o]) == len(start[s]) == 1, where, "the factor of the last term may vanish")
        settled.add((o, s))
    entries = sign_chain(net, signs, range(net.depth))
    for o, s in settled:
        sign = entries[o][s]
        if len(sign) == 1 and max(sign) * data.cross[o][s] <= 0:
            return (o, s)
    raise InvalidCertificate("steps: no settled pair contradicts the signs")


def check_trap(certificate):
    """From `start` no path of non-increasing loss reaches a loss below `bound`, which `better` has; and the
    orthant that holds all those paths has no local minimum."""
    keys = ("format", "kind", "masks", "data", "signs", "start", "better", "steps", "statement")
    _, _, masks, data, signs, start, better, steps, statement = read_object(certificate, "certificate", keys)
    net = read_masks(masks)
    data = read_data(net, data)
    require(data.orthogonal, "data.G", "not diagonal and positive")
    signs = read_weights(net, signs, "signs")
    region = {}
    for l, i, j in net.edges:
        well_formed(signs[l][i][j] in (-1, 0, 1), f"signs[{l}][{i}][{j}]", "one of -1, 0, 1 is expected")
        region[l, i, j] = {int(signs[l][i][j])} if signs[l][i][j] else {-1, 1}
    start, better = read_weights(net, start, "start"), read_weights(net, better, "better")
    faces = [edge for edge in net.edges if len(region[edge]) == 1]
    well_formed(faces, "signs", "at least one sign is needed")
    start_loss, better_loss, bound = loss(net, start, data), loss(net, better, data), lower_bound(net, data, region)
    for l, i, j in faces:
        require(start[l][i][j] * signs[l][i][j] > 0, "start", f"edge {(l, i, j)} has not the sign of the orthant")
        wall = lower_bound(net, data, region | {(l, i, j): set()})
        require(start_loss < wall, "start", f"its loss does not lie below the face {(l, i, j)} = 0")
    require(better_loss < bound, "better", "its loss is not below the bound of the orthant")
    check_no_minimum(net, data, region, steps)
    stated = read_object(statement, "statement", ("start_loss", "bound", "better_loss"))
    values = [start_loss, bound, better_loss]
    require([read_rational(x, "statement") for x in stated] == values, "statement", "the losses are other ones")
    return {
        "loss": (bound, start_loss),
        "better_loss": better_loss,
        "proved": (
            f"the {net.shape()} has, for orthogonal data, a trap at infinity: no path of non-increasing loss leads"
            f" from the start (loss {show(start_loss)}) below {show(bound)}, the orthant that holds these paths has no"
            f" local minimum, and another point has loss {show(better_loss)}"
        ),
        "assumes": [],
    }


# ---------------------------------------------------------------------------------------------------------
# The infimum is not attained: a curve to infinity, and a proof that no point has the loss to which it leads
# ---------------------------------------------------------------------------------------------------------


def read_edge(net, value, where):
    edge = tuple(read_index(x, where, 10**6) for x in read_list(value, where, 3))
    well_formed(edge in net.edges, where, "not an edge of the network")
    return edge


def check_no_solution(net, data, tree):
    """No weights have R = 0 at all covered pairs: a tree of cases, weight by weight zero or not, and for each case an
    identity: a product of weights that are not zero is a combination of the entries of R, so that it vanishes.

    Tree: {"split": edge, "zero": tree, "nonzero": tree}, or {"factors": edges, "terms": [{"pair", "coefficient",
    "edges"}]} for prod(factors) = sum coefficient prod(edges) R[pair], an identity of polynomials.
    """
    number = {edge: n for n, edge in enumerate(net.edges)}
    stack = [(tree, frozenset(), frozenset())]
    while stack:
        node, zero, nonzero = stack.pop()
        well_formed(isinstance(node, dict), "refutation", "an object is expected")
        if "split" in node:
            edge, left, right = read_object(node, "refutation", ("split", "zero", "nonzero"))
            edge = read_edge(net, edge, "refutation.split")
            well_formed(edge not in zero | nonzero, "refutation.split", f"{edge} has been split before")
            stack += [(right, zero, nonzero | {edge}), (left, zero | {edge}, nonzero)]
            continue
        factors, terms = read_object(node, "refutation", ("factors", "terms"))
        factors = [read_edge(net, edge, "refutation.factors") for edge in read_list(factors, "refutation.factors")]
        for edge in factors:
            require(edge in nonzero, "refutation.factors", f"edge {edge} may be zero in this case")
        symbolic = [[[Fraction(0)] * len(row) for row in mask] for mask in net.masks]
        for l, i, j in number.keys() - zero:
            symbolic[l][i][j] = Poly({(number[l, i, j],): 1})
        rest = residual(chains(net, symbolic)[0][-1], data)
        difference = Poly({tuple(sorted(number[edge] for edge in factors)): Fraction(-1)})
        for n, term in enumerate(read_list(terms, "refutation.terms")):
            at = f"refutation.terms[{n}]"
            pair, coefficient, edges = read_object(term, at, ("pair", "coefficient", "edges"))
            o, j = read_list(pair, f"{at}.pair", 2)
            o, j = read_index(o, f"{at}.pair", net.widths[-1]), read_index(j, f"{at}.pair", net.widths[0])
            well_formed((o, j) in net.covered, f"{at}.pair", "no path joins this pair")
            monomial = [number[read_edge(net, edge, f"{at}.edges")] for edge in read_list(edges, f"{at}.edges")]
            factor = Poly({tuple(sorted(monomial)): read_rational(coefficient, f"{at}.coefficient")})
            difference = difference + as_poly(rest[o][j]) * factor
        require(not difference, "refutation", "the two sides of an identity are different polynomials")


def check_not_attained_data(certificate):
    """The infimum of L is v, and no point has the loss v.  Along `path`, weights that are polynomials in t and 1/t,
    L tends to v for t to infinity; v is the minimum of the convex function g over all M on the covered pairs."""
    keys = ("format", "kind", "masks", "data", "path", "refutation", "statement")
    _, _, masks, data, path, refutation, statement = read_object(certificate, "certificate", keys)
    net = read_masks(masks)
    data = read_data(net, data)
    stated = read_rational(read_object(statement, "statement", ("infimum",))[0], "statement.infimum")
    curve = [[[Fraction(0)] * len(row) for row in mask] for mask in net.masks]
    powers = set()
    for n, term in enumerate(read_list(path, "path")):
        power, weights = read_object(term, f"path[{n}]", ("power", "weights"))
        well_formed(
            type(power) is int and abs(power) < 100, f"path[{n}].power", "an integer from -99 to 99 is expected"
        )
        well_formed(power not in powers, f"path[{n}].power", "this power stands twice")
        powers.add(power)
        weights = read_weights(net, weights, f"path[{n}].weights")
        monomial = Poly({(0,) * power + (1,) * -power: 1})  # variable 0 is t, variable 1 is 1/t
        for l, i, j in net.edges:
            curve[l][i][j] = curve[l][i][j] + monomial * weights[l][i][j]
    coefficients = {}
    for exponents, x in as_poly(loss(net, curve, data)).terms.items():
        power = exponents.count(0) - exponents.count(1)
        coefficients[power] = coefficients.get(power, 0) + x
    require(not any(x for power, x in coefficients.items() if power > 0), "path", "the loss does not tend to a limit")
    limit = Fraction(coefficients.get(0, 0))
    bound = Relaxed(data, net.covered).constant
    require(limit == bound, "path", f"the loss tends to {show(limit)}, not to the lower bound {show(bound)}")
    require(stated == bound, "statement.infimum", "it is another number")
    check_no_solution(net, data, refutation)
    return {
        "loss": (bound, bound),
        "proved": (
            f"in the {net.shape()}, for {'orthogonal' if data.orthogonal else 'these'} data, the infimum"
            f" {show(bound)} of the loss is not attained: the loss tends to it along a curve to infinity"
        ),
        "assumes": [],
    }


# ---------------------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------------------

KINDS = {
    "spurious-minimum": check_spurious_minimum,
    "benign": check_benign,
    "benign-generic": check_benign_generic,
    "trap": check_trap,
    "not-attained-data": check_not_attained_data,
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
        print("usage: checker.py CERTIFICATE.json ...", file=sys.stderr)
        return 2
    return next((code for name, code in (("malformed", 2), ("invalid", 1), ("assumes", 3)) if name in outcomes), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
