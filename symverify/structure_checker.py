"""The second trusted checker of symverify: certificates about structures, not about points.

    python -I -S structure_checker.py CERTIFICATE.json ...

One file, the standard library only, nothing shared with the prover or with ``checker.py``; the same outcomes and exit
codes.  Nothing that it reads is ever evaluated.  `docs/certificate-format.md` specifies the format;
`docs/mathematics.md` proves (sections 13 to 15) one lemma for each function below named ``check_...``, under its name.

Setting.  A two-layer network has masks ``m[0]`` (units x inputs) and ``m[1]`` (outputs x units), M = U W.  The side
*inputs* speaks of the rows w_k of W: *nodes* are inputs and *ends* are outputs.  The side *outputs* is the transpose:
it speaks of the columns u_k of U, nodes are outputs and ends are inputs.  R is the residual dg/dM, with zeros at pairs
that no path joins; r_o is its row (side outputs: column) at the end o.
"""

import json
import sys

CERTIFICATE = "symverify-certificate/1"
BUNDLE = "symverify-bundle/1"
MAX_BYTES = 64 * 1024 * 1024


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
    raise MalformedCertificate(f"number {text[:20]}: only integers occur")


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


def read_set(value, where, bound):
    """A set of indices, as an increasing list."""
    indices = [read_index(x, where, bound) for x in read_list(value, where)]
    well_formed(all(x < y for x, y in zip(indices, indices[1:])), where, "an increasing list is expected")
    return frozenset(indices)


def read_choice(value, where, choices):
    well_formed(isinstance(value, str) and value in choices, where, f"one of {', '.join(choices)} is expected")
    return value


def read_masks(value):
    """Masks as lists of rows of 0 and 1 that chain; at least one layer, all widths at least 1."""
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
    return masks


def read_class(value):
    return read_choice(read_object(value, "data", ("class",))[0], "data.class", ("any", "orthogonal"))


def shape(masks):
    widths = [len(masks[0][0]), *map(len, masks)]
    return "-".join(map(str, widths)) + f" network with {sum(sum(map(sum, mask)) for mask in masks)} weights"


# ---------------------------------------------------------------------------------------------------------
# Fibre rules: facts at a rank-stable point of the fibre of a local minimum
# ---------------------------------------------------------------------------------------------------------

# A literal is a pair (fact, holds), or True or False where the masks alone decide.  A fact is a tuple:
#   ("residual", o, j)                  R is not zero at output o, input j
#   ("dependent", side, units, nodes)   the vectors of the units, restricted to the nodes, are linearly dependent
#   ("orthogonal", side, end, l)        r_end . w_l = 0
#   ("spanned", side, end, z)           z lies in the span of the vectors of the units that reach the end
#   ("move", side, z, units)            a curve in the fibre adds multiples of z, nonzero for t > 0, to exactly the
#                                       vectors of these units, and keeps the other vectors of the side
#   ("absorbed", side, end, z)          z is the first-order change of M at the end that some change of weights which
#                                       enter M at this end only has
# where z is ("unit", l), the vector w_l at the point, or ("node", j), the unit vector e_j.


class Side:
    """support[k]: the nodes where w_k may be nonzero; reach[k]: the ends of unit k."""

    def __init__(self, name, support, reach, nodes, ends):
        self.name, self.support, self.reach, self.nodes, self.ends = name, support, reach, nodes, ends
        self.units = len(support)

    def joint(self, units):
        return frozenset().union(*(self.support[k] for k in units))

    def feeding(self, end):
        """The units that reach the end."""
        return frozenset(k for k in range(self.units) if end in self.reach[k])

    def support_of(self, vector):
        kind, index = vector
        return frozenset([index]) if kind == "node" else self.support[index]


def read_sides(masks):
    """Side name -> (that side, the other side)."""
    well_formed(len(masks) == 2, "masks", "two layers are expected")
    first, second = masks
    below = [frozenset(j for j, x in enumerate(row) if x) for row in first]
    above = [frozenset(o for o, row in enumerate(second) if row[k]) for k in range(len(first))]
    inputs = Side("inputs", below, above, len(first[0]), len(second))
    outputs = Side("outputs", above, below, len(second), len(first[0]))
    return {"inputs": (inputs, outputs), "outputs": (outputs, inputs)}


def no(literal):
    return not literal if isinstance(literal, bool) else (literal[0], not literal[1])


def dependent(side, units, nodes):
    nodes = nodes & side.joint(units)  # at the other nodes all these vectors are zero
    if not units:
        return False
    if len(nodes) < len(units):
        return True
    return ("dependent", side.name, units, nodes), True


def zero(side, k, node):
    """w_k is zero at the node."""
    return dependent(side, frozenset([k]), frozenset([node]))


def residual(side, end, node):
    """R is not zero at the pair."""
    if node not in side.joint(side.feeding(end)):
        return False
    return ("residual", *((end, node) if side.name == "inputs" else (node, end))), True


def orthogonal(side, end, vector):
    """r_end . z = 0; it holds for a unit that reaches the end, as the gradient by that weight vanishes."""
    kind, index = vector
    if kind == "node":
        return no(residual(side, end, index))
    return end in side.reach[index] or (("orthogonal", side.name, end, index), True)


def spanned(side, end, vector):
    kind, index = vector
    if kind == "unit" and end in side.reach[index]:
        return True
    if kind == "node" and index not in side.joint(side.feeding(end)):
        return False
    return ("spanned", side.name, end, vector), True


def absorbed(side, end, vector):
    kind, index = vector
    if kind == "unit" and end in side.reach[index]:
        return True
    if kind == "node" and index not in side.joint(side.feeding(end)):
        return False
    return ("absorbed", side.name, end, vector), True


def moving(side, vector, units):
    return ("move", side.name, vector, units), True


def dependent_with(side, vector, units, nodes):
    """The vectors of the units, together with z, are dependent on the nodes."""
    kind, index = vector
    if kind == "node":
        require(index in nodes, "vector", "its node is not among the nodes")
        return dependent(side, units, nodes - {index})
    require(index not in units, "vector", "its unit is among the units")
    return dependent(side, units | {index}, nodes)


# ---------------------------------------------------------------------------------------------------------
# Fibre rules: the lemmas.  Each function returns the literals of a clause: one of them holds
# ---------------------------------------------------------------------------------------------------------


def check_subset(side, other, units, unit, nodes):
    """A larger set of vectors stays dependent."""
    return [no(dependent(side, units, nodes)), dependent(side, units | {unit}, nodes)]


def check_restriction(side, other, units, nodes, node):
    """Dependent vectors stay dependent when they are restricted to fewer nodes."""
    return [no(dependent(side, units, nodes | {node})), dependent(side, units, nodes)]


def check_zero_node(side, other, units, nodes, node):
    """A node where all the vectors are zero does not matter."""
    zeros = [no(zero(side, k, node)) for k in units]
    return [*zeros, no(dependent(side, units, nodes - {node})), dependent(side, units, nodes)]


def check_expansion(side, other, units, unit, nodes, node):
    """If only one of dependent vectors is nonzero at a node, the others are dependent on the other nodes."""
    require(unit in units and node in nodes, "expansion", "the unit or the node is not in its set")
    zeros = [no(zero(side, k, node)) for k in units - {unit}]
    rest = dependent(side, units - {unit}, nodes - {node})
    return [zero(side, unit, node), *zeros, no(dependent(side, units, nodes)), rest]


def check_laplace(side, other, units, part, nodes, node):
    """Independent vectors: without a node and one of the units that are nonzero there they are still independent."""
    require(part and part <= units and node in nodes, "laplace", "the part or the node is not in its set")
    inside = [no(dependent(side, units - {k}, nodes - {node})) for k in part]
    outside = [no(zero(side, k, node)) for k in units - part]
    return [dependent(side, units, nodes), *inside, *outside]


def check_exchange(side, other, units, unit, unit2, out, nodes):
    """Two vectors in the span of independent ones: any as many and one of all these vectors are dependent."""
    require(unit != unit2 and not units & {unit, unit2}, "exchange", "the two units are not new")
    require(out in units, "exchange", "the unit that is left out is not in its set")
    premises = [dependent(side, units, nodes)] + [no(dependent(side, units | {k}, nodes)) for k in (unit, unit2)]
    return [*premises, dependent(side, (units | {unit, unit2}) - {out}, nodes)]


def check_join(side, other, units, unit, nodes, node, node2):
    """The dependence is unique up to a factor, so the same one holds at both nodes."""
    require(unit in units, "join", "the unit is not in its set")
    premises = [no(dependent(side, units, nodes | {j})) for j in (node, node2)]
    result = dependent(side, units, nodes | {node, node2})
    return [dependent(side, units - {unit}, nodes), *premises, result]


def check_rank(side, other, units, nodes):
    """Independent on more nodes than there are vectors: one of the nodes can be left out."""
    require(len(nodes) > len(units), "rank", "there are not more nodes than units")
    return [dependent(side, units, nodes), *(no(dependent(side, units, nodes - {j})) for j in nodes)]


def off_nodes(side, vector, units, nodes):
    """The nodes outside where z or a vector of the units may be nonzero."""
    return (side.support_of(vector) | side.joint(units)) - nodes


def check_orthogonal(side, other, end, vector, units, nodes):
    """z is a combination of vectors orthogonal to r_end, up to nodes where r_end is zero."""
    premises = [no(orthogonal(side, end, ("unit", k))) for k in units]
    premises += [residual(side, end, j) for j in off_nodes(side, vector, units, nodes)]
    premises += [dependent(side, units, nodes), no(dependent_with(side, vector, units, nodes))]
    return [*premises, orthogonal(side, end, vector)]


def check_spanned(side, other, end, vector, units, nodes):
    """z is a combination of vectors that reach the end, up to nodes whose unit vectors are such combinations."""
    require(units <= side.feeding(end), "spanned", "a unit does not reach the end")
    premises = [no(spanned(side, end, ("node", j))) for j in off_nodes(side, vector, units, nodes)]
    premises += [dependent(side, units, nodes), no(dependent_with(side, vector, units, nodes))]
    return [*premises, spanned(side, end, vector)]


def check_absorption(side, other, end, vector):
    """r_end is orthogonal to the vectors that reach the end, hence to their span."""
    return [no(spanned(side, end, vector)), orthogonal(side, end, vector)]


def check_move(side, other, vector, units, ends):
    """z can be added to the vectors of the units: at `ends` the changes cancel, at the other ends z is absorbed."""
    require(units, "move", "no unit moves")
    kind, index = vector
    premises = []
    for k in units:
        for j in side.support_of(vector) - side.support[k]:
            premises.append(True if kind == "node" else no(zero(side, index, j)))  # z has to fit the mask of unit k
    premises.append(no(dependent(other, units, ends)))  # `units` is a circuit of the other side
    premises += [dependent(other, units - {k}, ends) for k in units]
    premises += [no(spanned(side, o, vector)) for o in other.joint(units) - ends]
    return [*premises, moving(side, vector, units)]


def check_move_gradient(side, other, vector, units, unit, end):
    """Along the curve the gradient stays zero: the derivative of r_end . w_unit is a multiple of r_end . z."""
    require(unit in units and end in side.reach[unit], "move-gradient", "the unit does not move or not reach the end")
    return [no(moving(side, vector, units)), orthogonal(side, end, vector)]


def check_move_rank(side, other, vector, units, set, unit, out, nodes):
    """Along the curve no rank grows: if w_unit is in the span of vectors that rest, so is z."""
    require(set & units == {unit} and out in set, "move-rank", "not exactly one unit of the set moves")
    premises = [no(moving(side, vector, units)), dependent(side, set - {unit}, nodes), no(dependent(side, set, nodes))]
    if vector[0] == "unit":
        require(vector[1] not in set, "move-rank", "the vector is one of the set")
    return [*premises, dependent_with(side, vector, set - {out}, nodes)]


def check_absorbed_spanned(side, other, end, vector):
    """What lies in the span of the vectors that reach the end is absorbed there."""
    return [no(spanned(side, end, vector)), absorbed(side, end, vector)]


def check_absorbed_private(side, other, end, unit, node):
    """The vector of a unit that reaches this end only, with a nonzero weight, can be changed freely."""
    require(side.reach[unit] == {end}, "absorbed-private", "the unit does not reach exactly this end")
    require(node in side.support[unit], "absorbed-private", "the node is not in the support of the unit")
    return [zero(other, unit, end), absorbed(side, end, ("node", node))]


def check_absorbed_span(side, other, end, vector, units, nodes):
    """z is a combination of vectors that reach the end, up to nodes whose unit vectors are absorbed."""
    require(units <= side.feeding(end), "absorbed-span", "a unit does not reach the end")
    premises = [no(absorbed(side, end, ("node", j))) for j in off_nodes(side, vector, units, nodes)]
    premises += [dependent(side, units, nodes), no(dependent_with(side, vector, units, nodes))]
    return [*premises, absorbed(side, end, vector)]


LEMMAS = {
    "subset": (check_subset, ("units", "unit", "nodes")),
    "restriction": (check_restriction, ("units", "nodes", "node")),
    "zero-node": (check_zero_node, ("units", "nodes", "node")),
    "expansion": (check_expansion, ("units", "unit", "nodes", "node")),
    "laplace": (check_laplace, ("units", "part", "nodes", "node")),
    "exchange": (check_exchange, ("units", "unit", "unit2", "out", "nodes")),
    "join": (check_join, ("units", "unit", "nodes", "node", "node2")),
    "rank": (check_rank, ("units", "nodes")),
    "orthogonal": (check_orthogonal, ("end", "vector", "units", "nodes")),
    "spanned": (check_spanned, ("end", "vector", "units", "nodes")),
    "absorption": (check_absorption, ("end", "vector")),
    "move": (check_move, ("vector", "units", "ends")),
    "move-gradient": (check_move_gradient, ("vector", "units", "unit", "end")),
    "move-rank": (check_move_rank, ("vector", "units", "set", "unit", "out", "nodes")),
    "absorbed-spanned": (check_absorbed_spanned, ("end", "vector")),
    "absorbed-private": (check_absorbed_private, ("end", "unit", "node")),
    "absorbed-span": (check_absorbed_span, ("end", "vector", "units", "nodes")),
}


def read_vector(side, value, where):
    kind, index = read_list(value, where, 2)
    bound = side.units if read_choice(kind, where, ("unit", "node")) == "unit" else side.nodes
    return kind, read_index(index, where, bound)


def read_parameter(side, key, value, where):
    where = f"{where}.{key}"
    if key == "vector":
        return read_vector(side, value, where)
    if key in ("units", "part", "set"):
        return read_set(value, where, side.units)
    if key in ("nodes", "ends"):
        return read_set(value, where, side.nodes if key == "nodes" else side.ends)
    bounds = {"unit": side.units, "unit2": side.units, "out": side.units, "end": side.ends}
    return read_index(value, where, bounds.get(key, side.nodes))


def check_not_global(sides):
    """If R is zero at all pairs that a path joins, the minimum is global."""
    inputs, _ = sides["inputs"]
    return [residual(inputs, o, j) for o in range(inputs.ends) for j in range(inputs.nodes)]


def check_bottleneck(side, other, orthogonal, unit, where):
    """A local minimum whose residual lives on pairs that one unit alone covers, the other pairs of the unit being
    absorbed, is a local minimum of the dense network of this unit on these pairs: it is global."""
    inputs = side if side.name == "inputs" else other
    nodes = side.support[unit]

    def alone(end):
        return all(l == unit or end not in side.reach[l] or not nodes & side.support[l] for l in range(side.units))

    block = {end for end in side.reach[unit] if alone(end)}
    require(nodes and block, where, "no pair is covered by the unit alone, as is needed")
    lines = side.reach[unit] - block
    if not orthogonal:  # the rows of the block need one metric, and all that is correlated with it has to follow
        rows, columns = (nodes, block) if side.name == "outputs" else (block, nodes)
        joined = {inputs.joint(inputs.feeding(o)) for o in rows}
        require(len(joined) == 1, where, "the outputs of the block do not have the same inputs")
        rest = joined.pop() - columns
        require(side.name == "outputs" or not rest, where, "the outputs of the block have further inputs")
        lines = lines | rest if side.name == "outputs" else lines
    inside = {(node, end) if side.name == "outputs" else (end, node) for node in nodes for end in block}
    pairs = [(o, j) for o in range(inputs.ends) for j in range(inputs.nodes) if (o, j) not in inside]
    premises = [no(absorbed(side, line, ("node", node))) for line in lines for node in nodes]
    return [*(residual(inputs, o, j) for o, j in pairs), *premises]


def read_lemma(sides, value, where, data_class=None):
    """The clause of a lemma instance: a set of literals of which one holds.  With a class of data: squared loss."""
    well_formed(isinstance(value, dict), where, "an object is expected")
    special = ("not-global", "bottleneck") if data_class else ("not-global",)
    name = read_choice(value.get("lemma"), f"{where}.lemma", (*special, *LEMMAS))
    if name == "not-global":
        read_object(value, where, ("lemma",))
        literals = check_not_global(sides)
    elif name == "bottleneck":
        _, side_name, unit = read_object(value, where, ("lemma", "side", "unit"))
        side, other = sides[read_choice(side_name, f"{where}.side", ("inputs", "outputs"))]
        unit = read_index(unit, f"{where}.unit", side.units)
        literals = check_bottleneck(side, other, data_class == "orthogonal", unit, where)
    else:
        rule, keys = LEMMAS[name]
        _, side_name, *values = read_object(value, where, ("lemma", "side", *keys))
        side, other = sides[read_choice(side_name, f"{where}.side", ("inputs", "outputs"))]
        parameters = {key: read_parameter(side, key, x, where) for key, x in zip(keys, values)}
        try:
            literals = rule(side, other, **parameters)
        except InvalidCertificate as error:
            raise type(error)(f"{where}: {error}") from None
    clause = {x for x in literals if x is not False}
    require(True not in clause and not any(no(x) in clause for x in clause), where, "this instance says nothing")
    return clause


FACTS = {
    "residual": ("output", "input"),
    "dependent": ("side", "units", "nodes"),
    "orthogonal": ("side", "end", "unit"),
    "spanned": ("side", "end", "vector"),
    "move": ("side", "vector", "units"),
    "absorbed": ("side", "end", "vector"),
}


def read_literal(sides, value, where):
    well_formed(isinstance(value, dict), where, "an object is expected")
    name = read_choice(value.get("fact"), f"{where}.fact", list(FACTS))
    keys = FACTS[name]
    _, holds, *values = read_object(value, where, ("fact", "holds", *keys))
    read_index(holds, f"{where}.holds", 2)
    if name == "residual":
        side = sides["inputs"][0]
        end, node = read_index(values[0], where, side.ends), read_index(values[1], where, side.nodes)
        literal = residual(side, end, node)
    else:
        side = sides[read_choice(values[0], f"{where}.side", ("inputs", "outputs"))][0]
        first, second = (read_parameter(side, key, x, where) for key, x in zip(keys[1:], values[1:]))
        if name == "dependent":
            literal = dependent(side, first, second)
        elif name == "orthogonal":
            literal = orthogonal(side, first, ("unit", second))
        else:
            literal = {"spanned": spanned, "move": moving, "absorbed": absorbed}[name](side, first, second)
    require(not isinstance(literal, bool), where, "the masks alone decide this fact")
    return literal if holds else no(literal)


def check_propagation(clauses, clause, by, where):
    """Assume that no literal of the clause holds.  Each clause named in `by` has one literal left, which must hold,
    and the last has none: a contradiction."""
    known = {fact: not holds for fact, holds in clause}
    require(len(known) == len(clause), where, "a fact occurs twice")
    require(by, where, "no clause is named")
    for place, n in enumerate(by):
        left = [(fact, holds) for fact, holds in clauses[n] if known.get(fact, holds) == holds]
        require(all(fact not in known for fact, _ in left), where, f"clause {n} holds already")
        last = place == len(by) - 1
        require(len(left) == (0 if last else 1), where, f"clause {n} has {len(left)} literals left")
        known.update(left)


def check_refutation(sides, lemmas, steps, data_class=None):
    """The clauses of the lemmas contradict each other: each step follows by propagation, the last clause is empty."""
    clauses = [read_lemma(sides, x, f"lemmas[{n}]", data_class) for n, x in enumerate(read_list(lemmas, "lemmas"))]
    for n, step in enumerate(read_list(steps, "steps")):
        where = f"steps[{n}]"
        literals, by = read_object(step, where, ("clause", "by"))
        literals = read_list(literals, f"{where}.clause")
        clause = [read_literal(sides, x, f"{where}.clause[{i}]") for i, x in enumerate(literals)]
        by = [read_index(x, f"{where}.by", len(clauses)) for x in read_list(by, f"{where}.by")]
        check_propagation(clauses, clause, by, where)
        clauses.append(set(clause))
    require(steps and not clauses[-1], "steps", "the last clause is not empty")


def check_benign_fibre(certificate):
    """No facts satisfy all the lemmas: a rank-stable point of a local minimum that is not global does not exist."""
    keys = ("format", "kind", "masks", "lemmas", "steps")
    _, _, masks, lemmas, steps = read_object(certificate, "certificate", keys)
    masks = read_masks(masks)
    check_refutation(read_sides(masks), lemmas, steps)
    proved = (
        f"in the {shape(masks)}, for all data and every convex differentiable loss, every local minimum is global"
        " (fibre rules)"
    )
    return {"proved": proved, "assumes": []}


def check_benign_bottleneck(certificate):
    """The same for the squared loss and a class of data, with the lemma `bottleneck` besides."""
    keys = ("format", "kind", "masks", "data", "lemmas", "steps")
    _, _, masks, data, lemmas, steps = read_object(certificate, "certificate", keys)
    masks = read_masks(masks)
    data_class = read_class(data)
    check_refutation(read_sides(masks), lemmas, steps, data_class)
    proved = (
        f"in the {shape(masks)}, for {'all orthogonal' if data_class == 'orthogonal' else 'all'} data and the squared"
        " loss, every local minimum is global (fibre rules, bottleneck)"
    )
    return {"proved": proved, "assumes": []}


# ---------------------------------------------------------------------------------------------------------
# Almost all data: the types that a nonzero residual of a local minimum may have
# ---------------------------------------------------------------------------------------------------------

# A type is (support, ranks): the pairs (o, j) with R_oj != 0, and the rank of R on each rectangle of a family: the
# blocks T_k x S_k of the units, and for every output o the rows that all units of o reach, on the inputs of o; for
# inputs in the same way.  A rectangle is a pair (set of outputs, set of inputs); all its pairs are covered.

MAX_OPEN_PAIRS = 16  # the supports are subsets of the pairs where R may be nonzero


class Lines:
    """One side of the pairs, outputs (rows of R) or inputs (columns): which units a line has, and its pairs."""

    def __init__(self, blocks, axis):
        self.axis = axis
        self.units = {}  # line -> the units that reach it
        for k, block in enumerate(blocks):
            for line in block[axis]:
                self.units.setdefault(line, set()).add(k)
        # line -> the other nodes that some unit joins to it
        self.across = {line: frozenset().union(*(blocks[k][1 - axis] for k in ks)) for line, ks in self.units.items()}
        # line -> the lines that all units of it reach; with the across of the line a rectangle of covered pairs
        self.above = {a: frozenset(b for b in self.units if self.units[a] <= self.units[b]) for a in self.units}

    def rectangle(self, line):
        pair = self.above[line], self.across[line]
        return pair if self.axis == 0 else pair[::-1]

    def pair(self, line, node):
        return (line, node) if self.axis == 0 else (node, line)


class Pattern:
    """The blocks T_k x S_k of the units that are not dead, the two kinds of lines, and the family of rectangles."""

    def __init__(self, masks):
        first, second = masks
        inputs = [frozenset(j for j, x in enumerate(row) if x) for row in first]
        outputs = [frozenset(o for o, row in enumerate(second) if row[k]) for k in range(len(first))]
        self.blocks = [(t, s) for t, s in zip(outputs, inputs) if t and s]
        self.lines = Lines(self.blocks, 0), Lines(self.blocks, 1)
        rectangles = [lines.rectangle(line) for lines in self.lines for line in sorted(lines.units)]
        self.family = list(dict.fromkeys(self.blocks + rectangles))
        thin = {pair for t, s in self.blocks if min(len(t), len(s)) == 1 for pair in pairs_of((t, s))}
        self.open_pairs = sorted({pair for block in self.blocks for pair in pairs_of(block)} - thin)


def pairs_of(rectangle):
    return {(o, j) for o in rectangle[0] for j in rectangle[1]}


def closed_supports(pattern):
    """The supports that may occur: if all units of o reach q, then R_qj != 0 implies R_oj != 0 (and for columns)."""
    implied = {}
    for o, j in pattern.open_pairs:
        rows = {(q, j) for q, above in pattern.lines[0].above.items() if o in above and j in pattern.lines[0].across[q]}
        columns = {
            (o, i) for i, above in pattern.lines[1].above.items() if j in above and o in pattern.lines[1].across[i]
        }
        implied[o, j] = rows | columns
    for bits in range(1, 2 ** len(pattern.open_pairs)):
        support = {pair for n, pair in enumerate(pattern.open_pairs) if bits >> n & 1}
        if all(implied[pair] <= support for pair in support):
            yield support


def possible_ranks(pattern, rectangle, support):
    """The ranks that R may have on a rectangle; a block T x S has at most min(|T|, |S|) - 1."""
    inside = pairs_of(rectangle) & support
    rows, columns = {o for o, _ in inside}, {j for _, j in inside}
    most = min(len(rows), len(columns))
    if rectangle in pattern.blocks:
        most = min(most, len(rectangle[0]) - 1, len(rectangle[1]) - 1)
    if not inside:
        return [0]
    return range(1 if len(inside) == len(rows) * len(columns) else 2, most + 1)


def rank_profiles(pattern, support):
    """All ways to give each rectangle of the family a rank, no smaller than that of a rectangle inside it."""
    profiles = [{}]
    for rectangle in pattern.family:
        grown = []
        for ranks in profiles:
            for rank in possible_ranks(pattern, rectangle, support):
                low = max((r for f, r in ranks.items() if f[0] <= rectangle[0] and f[1] <= rectangle[1]), default=0)
                high = min((r for f, r in ranks.items() if f[0] >= rectangle[0] and f[1] >= rectangle[1]), default=rank)
                if low <= rank <= high:
                    grown.append(ranks | {rectangle: rank})
        profiles = grown
    return profiles


def rank_mod_2(vectors):
    """The rank over the field of two elements of vectors given as integers, bit by bit."""
    basis = []
    for v in vectors:
        for b in basis:
            v = min(v, v ^ b)
        if v:
            basis.append(v)
    return len(basis)


def bits_of(pairs, support):
    """Pairs of the support as one integer, a bit for each."""
    return sum(1 << n for n, pair in enumerate(sorted(support)) if pair in pairs)


def minors(support, ranks):
    """The equations R_ab R_cd = R_ad R_cb on the rectangles of rank one, as vectors of exponents modulo 2."""
    vectors = []
    for rectangle, rank in ranks.items():
        inside = pairs_of(rectangle) & support
        if rank == 1:
            a, b = min(inside)
            corners = [{(a, b), (c, d), (a, d), (c, b)} for c, d in inside if c != a and d != b]
            vectors += [bits_of(corner, support) for corner in corners]
    return vectors


def crowded(pattern, lines, support):
    """On some line more units than the vectors orthogonal to R there have room for."""
    for line, units in lines.units.items():
        here = {node for node in lines.across[line] if lines.pair(line, node) in support}
        feet = [here & pattern.blocks[k][1 - lines.axis] for k in units]
        feet = [foot for foot in feet if foot]
        for bits in range(1, 2 ** len(here)):
            room = {node for n, node in enumerate(sorted(here)) if bits >> n & 1}
            if sum(foot <= room for foot in feet) > len(room) - 1:
                return True
    return False


def too_small(pattern, lines, support, ranks):
    """Fewer tangent directions than the units of the type need."""
    dimension = len(support) - rank_mod_2(minors(support, ranks))
    lost = sum(ranks[lines.rectangle(line)] for line in lines.units)
    return dimension - lost < sum(ranks[block] for block in pattern.blocks)


def check_excluded(pattern, support, ranks):
    """For almost all data no local minimum has a residual of this type."""
    return any(crowded(pattern, lines, support) or too_small(pattern, lines, support, ranks) for lines in pattern.lines)


def active_parts(pattern, support, ranks):
    """The blocks on which R is not zero, in groups: blocks that share a pair of the support are in one group."""
    parts = []
    for block in pattern.blocks:
        if ranks[block] > 0:
            touching = [part for part in parts if any(pairs_of(block) & pairs_of(b) & support for b in part)]
            parts = [part for part in parts if part not in touching] + [sum(touching, [block])]
    return parts


def check_best_approximation(pattern, support, ranks, orthogonal):
    """For almost all data a local minimum with a residual of this type is global: R lives on rectangles I x J, where M
    is a best approximation of its rank."""
    equations = minors(support, ranks)
    used = set()  # rows
    for part in active_parts(pattern, support, ranks):
        inside = set().union(*(pairs_of(block) for block in part)) & support
        rows, columns = {o for o, _ in inside}, {j for _, j in inside}
        full = all(rows <= t and columns <= s for t, s in part)
        place = bits_of(inside, support)
        rank_one = rank_mod_2(v for v in equations if v | place == place) == (len(rows) - 1) * (len(columns) - 1)
        corank_one = min(len(rows), len(columns)) == len(part) + 1
        one_metric = not rows & used and len({pattern.lines[0].across[o] for o in rows}) == 1
        used |= rows
        rectangle = len(inside) == len(rows) * len(columns)
        if not (rectangle and (full or (rank_one and corank_one)) and (orthogonal or one_metric)):
            return False
    return True


def check_benign_almost_everywhere(certificate):
    """Each type of a nonzero residual is excluded for almost all data, or a bottleneck."""
    _, _, masks, data = read_object(certificate, "certificate", ("format", "kind", "masks", "data"))
    masks = read_masks(masks)
    data_class = read_class(data)
    well_formed(len(masks) == 2, "masks", "two layers are expected")
    pattern = Pattern(masks)
    few = len(pattern.open_pairs) <= MAX_OPEN_PAIRS
    require(few, "masks", f"more than {MAX_OPEN_PAIRS} pairs where the residual may be nonzero")
    for support in closed_supports(pattern):
        for ranks in rank_profiles(pattern, support):
            settled = check_excluded(pattern, support, ranks) or check_best_approximation(
                pattern, support, ranks, data_class == "orthogonal"
            )
            require(settled, "masks", f"a residual with support {sorted(support)} is not excluded")
    gram = "diagonal positive G" if data_class == "orthogonal" else "positive definite G"
    proved = (
        f"in the {shape(masks)}, for every {gram} and all C outside a set of measure zero, every local minimum is"
        " global; for no such G and no C is a spurious local minimum strict modulo gauge"
    )
    return {"proved": proved, "assumes": []}


# ---------------------------------------------------------------------------------------------------------
# Two hidden units, any number of inputs and outputs
# ---------------------------------------------------------------------------------------------------------


def read_two_units(masks):
    """(rows, columns): each (unit 1 only, both units, unit 2 only), the outputs and the inputs that the units reach."""
    masks = read_masks(masks)
    well_formed(len(masks) == 2, "masks", "two layers are expected")
    blocks = Pattern(masks).blocks
    require(len(blocks) == 2, "masks", f"{len(blocks)} units join inputs with outputs, not two")
    (t1, s1), (t2, s2) = blocks
    return masks, [(len(one - two), len(one & two), len(two - one)) for one, two in ((t1, t2), (s1, s2))]


def orientations(counts):
    """The counts with the units swapped, the matrices transposed, both, neither."""
    for rows, columns in (counts, counts[::-1]):
        yield rows, columns
        yield rows[::-1], columns[::-1]


def check_benign_two_units(certificate):
    """One of five conditions on how many outputs and inputs the two units have alone and in common."""
    _, _, masks, data = read_object(certificate, "certificate", ("format", "kind", "masks", "data"))
    require(read_class(data) == "orthogonal", "data", "the theorem is about orthogonal data")
    masks, counts = read_two_units(masks)
    settled = any(
        b == 0  # no output in common
        or a + b + c <= 2  # two outputs
        or (a == 0 and b == 1 and right <= 1)  # unit 1 has one output, which unit 2 has too
        or (a == 0 and left == 0 and c <= 1 and right <= 1)  # unit 1 inside unit 2
        or (a == 0 and c == 0 and left <= 1 and right <= 1)  # the same outputs
        for (a, b, c), (left, _, right) in orientations(counts)
    )
    require(settled, "masks", f"none of the conditions holds for the counts {counts[0]}, {counts[1]}")
    proved = (
        f"in the {shape(masks)}, for every diagonal positive G and all C outside a set of measure zero, every local"
        " minimum is global; for no such G and no C is a spurious local minimum strict modulo gauge"
    )
    return {"proved": proved, "assumes": []}


def check_attained(certificate):
    """The set of all M is closed: disjoint blocks, or opposite inclusions, or one output or input."""
    masks, counts = read_two_units(read_object(certificate, "certificate", ("format", "kind", "masks"))[2])
    settled = any(
        b == 0  # no output in common
        or (a == 0 and right == 0)  # unit 2 has all outputs of unit 1, unit 1 all inputs of unit 2
        or (a == 0 and b == 1 and c == 0)  # one output
        for (a, b, c), (_, _, right) in orientations(counts)
    )
    require(settled, "masks", f"none of the conditions holds for the counts {counts[0]}, {counts[1]}")
    return {
        "proved": f"in the {shape(masks)}, for every positive definite G and every C, inf L is attained",
        "assumes": [],
    }


def check_corner(covers, units, ends, nodes):
    """Three of four pairs covered by k only, the fourth by l too."""
    k, l = units
    o, q = ends
    i, j = nodes
    return covers(o, i) == covers(o, j) == covers(q, i) == {k} and {k, l} <= covers(q, j)


def check_parallel(covers, units, ends, nodes):
    """Two ends with one node of k only, one of l only, and one of both."""
    k, l = units
    i, m, j = nodes
    return all(covers(o, i) == {k} and covers(o, m) == {l} and covers(o, j) == {k, l} for o in ends)


UNATTAINED = {"corner": (check_corner, 2), "parallel": (check_parallel, 3)}  # rule -> (function, number of nodes)


def check_not_attained(certificate):
    """A limit of matrices M that is none: the infimum for these data is zero and not attained."""
    keys = ("format", "kind", "masks", "rule", "side", "units", "ends", "nodes")
    _, _, masks, rule, name, units, ends, nodes = read_object(certificate, "certificate", keys)
    masks = read_masks(masks)
    sides = read_sides(masks)
    side, _ = sides[read_choice(name, "side", list(sides))]
    check, number = UNATTAINED[read_choice(rule, "rule", list(UNATTAINED))]
    units = [read_index(x, "units", side.units) for x in read_list(units, "units", 2)]
    ends = [read_index(x, "ends", side.ends) for x in read_list(ends, "ends", 2)]
    nodes = [read_index(x, "nodes", side.nodes) for x in read_list(nodes, "nodes", number)]
    for where, indices in (("units", units), ("ends", ends), ("nodes", nodes)):
        well_formed(len(set(indices)) == len(indices), where, "an index occurs twice")

    def covers(end, node):
        return {k for k in range(side.units) if node in side.support[k] and end in side.reach[k]}

    require(check(covers, units, ends, nodes), "certificate", f"the pairs are not covered as `{rule}` needs it")
    proved = f"in the {shape(masks)}, for every positive definite G there is a C for which inf L is not attained"
    return {"proved": proved, "assumes": []}


# ---------------------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------------------

KINDS = {
    "benign-fibre": check_benign_fibre,
    "benign-bottleneck": check_benign_bottleneck,
    "benign-almost-everywhere": check_benign_almost_everywhere,
    "benign-two-units": check_benign_two_units,
    "attained": check_attained,
    "not-attained": check_not_attained,
}


def check_certificate(certificate):
    """The facts that a certificate proves; raises InvalidCertificate or MalformedCertificate."""
    well_formed(isinstance(certificate, dict), "certificate", "an object is expected")
    read_choice(certificate.get("format"), "format", (CERTIFICATE,))
    return KINDS[read_choice(certificate.get("kind"), "kind", list(KINDS))](certificate)


def check_value(value):
    """A certificate or a bundle of them: the list of facts of each."""
    if not (isinstance(value, dict) and value.get("format") == BUNDLE):
        return [check_certificate(value)]
    certificates = read_list(read_object(value, "bundle", ("format", "certificates"))[1], "certificates")
    well_formed(certificates, "certificates", "the bundle is empty")
    facts = []
    for n, certificate in enumerate(certificates):
        try:
            facts.append(check_certificate(certificate))
        except InvalidCertificate as error:
            raise type(error)(f"certificates[{n}]: {error}") from None
    return facts


def check_bytes(data):
    """(outcome, list of facts or the reason): outcome is valid, assumes, invalid or malformed."""
    try:
        facts = check_value(parse(data))
    except MalformedCertificate as error:
        return "malformed", str(error)
    except InvalidCertificate as error:
        return "invalid", str(error)
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
        print("usage: structure_checker.py CERTIFICATE.json ...", file=sys.stderr)
        return 2
    return next((code for name, code in (("malformed", 2), ("invalid", 1), ("assumes", 3)) if name in outcomes), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
