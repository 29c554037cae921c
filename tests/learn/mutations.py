"""One field of a message made wrong: each mutation breaks the application's definition in one place, and only there. Free text is never edited."""
import json

from draw import Draw
from nodes import Enum, Formed, Number, Opaque, step, type_of
from traffic import dump

KINDS = ("type", "missing", "unknown", "range", "format", "enum", "depth")
# None that is refused for its name alone, such as __proto__: that would be no merit of a policy.
STRANGERS = ["isAdmin", "debug", "shadow", "override", "on_behalf", "sudo", "as_user", "callback", "is_root", "internalFlag", "xml", "bypass"]
EACH = 60  # messages of each type


def at(message, pointer):
    """What holds the value at that place, and its name there."""
    *way, last = [name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:]]
    for name in way:
        message = message[int(name) if isinstance(message, list) else name]
    return message, int(last) if isinstance(message, list) else last


def put(message, pointer, value):
    holder, name = at(message, pointer)
    holder[name] = value


def nested(draw):
    value, array = draw.between(0, 9), draw.chance(0.3)
    for _ in range(draw.between(8, 64)):
        value = [value] if array else {"a": value}
    return value


def other_type(draw, place):
    values = [None, True, False, draw.between(0, 999), "7", "x", [], [1], {}, {"a": 1}]
    return draw.pick([value for value in values if type_of(value) not in place.types])


def beyond(draw, place):
    low, high = place.node.range
    far = (high - low) * (1 + draw.between(1, 40) / 10) + 1
    value = high + far if draw.chance(0.5) else low - far
    return int(value) if place.node.digits == 0 else round(value, place.node.digits)


def strange_value(draw, place):
    known = place.node.enum
    if type_of(known[0]) == "number":
        others = [max(known) + draw.between(1, 50), min(known) - draw.between(1, 50)]
    else:
        others = [place.value + draw.pick(["x", "_2", " ", "s"]), place.value[:-1], place.value.swapcase(), "unknown", "default", ""]
    return draw.pick([value for value in others if value not in known])


def edits(application, draw, message, direction):
    """For each kind that the message allows: (kind, pointer, what to do)."""
    places, objects = application.places(message, direction), application.objects(message, direction)

    def set_to(make):
        return lambda place: put(message, place.at, make(draw, place))

    def drop(place):
        holder, name = at(message, place.at)
        del holder[name]
    may = {
        "type": (places, set_to(other_type)),
        "missing": ([place for place in places if place.required], drop),
        "range": ([place for place in places if isinstance(place.node, Number) and place.node.range], set_to(beyond)),
        "format": ([place for place in places if isinstance(place.node, Formed)], set_to(lambda draw, place: place.node.form.broken(draw, place.value))),
        "enum": ([place for place in places if isinstance(place.node, Enum)], set_to(strange_value)),
    }
    for kind in KINDS:
        if kind == "unknown":
            names = [name for name in STRANGERS if name.lower() not in application.names]
            place, name = draw.pick(objects), draw.pick(names)
            yield kind, place.at + step(name), lambda: put(message, place.at + step(name), draw.pick([True, 1, "x", None, {}, []]))
        elif kind == "depth":
            # In an object of any JSON, and in place of what is neither object nor array.
            open_to = [place for place in places if isinstance(place.node, Opaque) or not {"object", "array"} & set(place.types)]
            if open_to:
                place = draw.pick(open_to)
                pointer = place.at + step("a") if isinstance(place.node, Opaque) and isinstance(place.value, dict) else place.at
                yield kind, place.at, lambda: put(message, pointer, nested(draw))
        elif may[kind][0]:
            place = draw.pick(may[kind][0])
            yield kind, place.at, lambda: may[kind][1](place)


def mutations(application, lines):
    """Of at most EACH messages of each type, one mutation of every kind that it can: the line with its text changed, "kind" and "at"."""
    draw, seen = Draw("mutations", application.seed), {}
    for line in lines:
        kind = application.kind_of(json.loads(line["text"]), line["direction"])
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] > EACH:
            continue
        for wanted in KINDS:
            message = json.loads(line["text"])
            for name, pointer, edit in edits(application, draw, message, line["direction"]):
                if name == wanted:
                    edit()
                    yield {**line, "text": dump(application, message), "kind": name, "at": pointer}
                    break
