"""What a value of an application may be. Each node makes one, says what in a value is not so (the truth), and names the places within it."""
import texts
from draw import BASE62, skewed

ALL_TYPES = ("null", "boolean", "number", "string", "array", "object")


def type_of(value):
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    return {int: "number", float: "number", str: "string", list: "array", dict: "object"}[type(value)]


def step(name):
    return "/" + str(name).replace("~", "~0").replace("/", "~1")


class Place:
    """A value in a message: where, which node, which types the definition allows there, and whether it may not be left out."""

    def __init__(self, at, node, value, types, required):
        self.at, self.node, self.value, self.types, self.required = at, node, value, types, required


class Node:
    types, range, enum, form = (), None, None, None

    def check(self, value, at):
        """The places of what is not as defined, each as (pointer, kind)."""
        return self.inside(value, at) if type_of(value) in self.types else [(at, "type")]

    def inside(self, value, at):
        return []

    def places(self, value, at, required=False, types=None):
        return [Place(at, self, value, types or self.types, required)]


class Number(Node):
    """From low to high where it is bounded; mostly near `typical`. digits 0: an integer."""
    types = ("number",)

    def __init__(self, low, high, typical=None, digits=0, bounded=True):
        self.low, self.high, self.typical, self.digits = low, high, typical, digits
        self.range = (low, high) if bounded else None

    def make(self, draw, world):
        width = self.high - self.low
        value = self.low + (draw.tail(self.typical, width) if self.typical else draw.number() * width)
        if self.digits == 0:
            return int(value)
        value = round(value, self.digits)
        return int(value) if value == int(value) else value  # as JavaScript writes it

    def inside(self, value, at):
        if self.digits == 0 and value != int(value):
            return [(at, "type")]
        return [(at, "range")] if self.range and not self.low <= value <= self.high else []


class Counter(Node):
    """Grows from message to message, in the order of time, and from hour to hour: nothing bounds it."""
    types = ("number",)

    def __init__(self, name, start):
        self.name, self.start = name, start

    def make(self, draw, world):
        value = world.counters.get(self.name, self.start + world.began * 50)  # more than an hour uses
        world.counters[self.name] = value + draw.between(1, 3)
        return value


class Epoch(Node):
    types = ("number",)

    def __init__(self, factor):
        self.factor = factor

    def make(self, draw, world):
        return int((world.now - draw.number()) * self.factor)


class Boolean(Node):
    types = ("boolean",)

    def __init__(self, rate):
        self.rate = rate

    def make(self, draw, world):
        return draw.chance(self.rate)


class Enum(Node):
    def __init__(self, values):
        self.enum, self.weights, self.types = values, skewed(len(values)), (type_of(values[0]),)

    def make(self, draw, world):
        return draw.weighted(self.enum, self.weights)

    def inside(self, value, at):
        return [] if value in self.enum else [(at, "enum")]


class Formed(Node):
    types = ("string",)

    def __init__(self, form, pool=0):
        self.form, self.size, self.pool = form, pool, []

    def make(self, draw, world):
        """Out of a pool (rooms, devices), to which a new one is added now and then, or new each time."""
        pool = world.pools.get(id(self))
        if not pool:
            return self.form.make(draw, world)
        if draw.chance(0.002):
            pool.append(self.form.make(draw, world))
            return pool[-1]
        return pool[min(int(draw.tail(len(pool) / 6, len(pool))), len(pool) - 1)]

    def inside(self, value, at):
        return [] if self.form.ok(value) else [(at, "format")]


class Text(Node):
    """Free text: never edited by a mutation."""
    types = ("string",)

    def __init__(self, languages, typical, most, listed=None):
        self.languages, self.typical, self.most, self.listed = languages, typical, most, listed

    def make(self, draw, world):
        return draw.pick(self.listed) if self.listed else texts.sentence(draw, self.languages, self.typical, self.most)

    def inside(self, value, at):
        return [] if len(value) <= self.most else [(at, "length")]


class Nullable(Node):
    def __init__(self, node, rate):
        self.node, self.rate, self.types = node, rate, node.types + ("null",)

    def make(self, draw, world):
        return None if draw.chance(self.rate) else self.node.make(draw, world)

    def inside(self, value, at):
        return [] if value is None else self.node.check(value, at)

    def places(self, value, at, required=False, types=None):
        return (super() if value is None else self.node).places(value, at, required, self.types)


class Union(Node):
    """One of several of different JSON types, such as the value of a sensor."""

    def __init__(self, nodes):
        self.nodes, self.types = nodes, tuple(name for node in nodes for name in node.types)

    def of(self, value):
        return next(node for node in self.nodes if type_of(value) in node.types)

    def make(self, draw, world):
        return draw.weighted(self.nodes, skewed(len(self.nodes), 0.2)).make(draw, world)

    def inside(self, value, at):
        return self.of(value).check(value, at)

    def places(self, value, at, required=False, types=None):
        return self.of(value).places(value, at, required, self.types)


class Array(Node):
    types = ("array",)

    def __init__(self, item, low, high, typical):
        self.item, self.low, self.high, self.typical = item, low, high, typical

    def make(self, draw, world):
        count = self.low if self.low == self.high else self.low + int(draw.tail(self.typical, self.high - self.low))
        return [self.item.make(draw, world) for _ in range(count)]

    def inside(self, value, at):
        wrong = [] if self.low <= len(value) <= self.high else [(at, "length")]
        return wrong + [one for place, item in enumerate(value) for one in self.item.check(item, at + step(place))]

    def places(self, value, at, required=False, types=None):
        return super().places(value, at, required, types) + [one for place, item in enumerate(value) for one in self.item.places(item, at + step(place))]


class Map(Node):
    """Names are data: any may stand there."""
    types = ("object",)

    def __init__(self, key, item, high, typical):
        self.key, self.item, self.high, self.typical = key, item, high, typical

    def make(self, draw, world):
        return {self.key.make(draw, world): self.item.make(draw, world) for _ in range(int(draw.tail(self.typical, self.high)))}

    def inside(self, value, at):
        wrong = [] if len(value) <= self.high else [(at, "length")]
        return wrong + [one for name, item in value.items() for one in self.item.check(item, at + step(name))]

    def places(self, value, at, required=False, types=None):
        return super().places(value, at, required, types) + [one for name, item in value.items() for one in self.item.places(item, at + step(name))]


class Opaque(Node):
    """An object of any JSON, such as the arguments of a tool, to a depth that is defined."""
    types = ("object",)

    def __init__(self, depth, names):
        self.depth, self.names = depth, names

    def make(self, draw, world, depth=None):
        depth = self.depth if depth is None else depth
        made = {}
        for name in draw.some(self.names, draw.between(0, 4)):
            kind = draw.below(6 if depth > 1 else 4)
            made[name] = (draw.between(0, 500) if kind == 0 else draw.chance(0.5) if kind == 1 else texts.sentence(draw, ["en"], 20, 300) if kind == 2
                          else draw.text(BASE62, 8) if kind == 3 else self.make(draw, world, depth - 1) if kind == 4 else [draw.between(0, 9)] * draw.below(4))
        return made

    def inside(self, value, at):
        return [(at, "depth")] if self.deep(value) > self.depth + 1 else []

    def deep(self, value):
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(self.deep, inner), default=0)


class Member:
    """`rate` 1: always present. `when` (name, values): present exactly when that sibling is one of the values. `derived`: a function of the object."""

    def __init__(self, name, node, rate=1, when=None, derived=None):
        self.name, self.node, self.rate, self.when, self.derived = name, node, rate, when, derived


class Object(Node):
    types = ("object",)

    def __init__(self, members):
        self.members = {member.name: member for member in members}

    def make(self, draw, world):
        made = {}
        for name, member in self.members.items():
            if member.when and made.get(member.when[0]) not in member.when[1]:
                continue
            if member.rate >= 1 or draw.chance(member.rate):
                made[name] = member.derived(made) if member.derived else member.node.make(draw, world)
        return made

    def inside(self, value, at):
        wrong = [(at + step(name), "unknown") for name in value if name not in self.members]
        for name, member in self.members.items():
            if name in value:
                wrong += member.node.check(value[name], at + step(name))
            elif member.rate >= 1 and not member.when:
                wrong.append((at + step(name), "missing"))
            if member.when and member.rate >= 1:
                tag, node = value.get(member.when[0]), self.members[member.when[0]].node
                if not node.check(tag, "") and (tag in member.when[1]) != (name in value):
                    wrong.append((at + step(name), "when"))
        return wrong

    def places(self, value, at, required=False, types=None):
        found = super().places(value, at, required, types)
        for name, item in value.items():
            member = self.members[name]
            found += member.node.places(item, at + step(name), member.rate >= 1 and not member.when)
        return found

    def names(self):
        return set(self.members)


def walk(node):
    """The node and all that are in it."""
    inner = [member.node for member in node.members.values()] if isinstance(node, Object) else list(getattr(node, "nodes", []))
    yield node
    for one in inner + [getattr(node, name) for name in ("node", "key", "item") if hasattr(node, name)]:
        yield from walk(one)
