"""A client made of an AsyncAPI document, written from its specification and knowing nothing of Framewall: what it may send on each
channel, messages that hold (examples of the document, and generated ones), and single-field mutations of them, each judged by
python3-jsonschema."""
import copy
import json
import os
import random
import re

import jsonschema
import yaml

WORDS = "alpha bravo lima tango kilo".split()
FORMATS = {"date-time": ("2026-01-31T12:00:00Z", "31 January"), "date": ("2026-01-31", "2026-13-41"), "time": ("12:00:00Z", "noon"),
           "email": ("alice@example.com", "alice at example"), "uri": ("https://example.com/a", "not a uri"), "ipv4": ("192.0.2.1", "192.0.2.999"),
           "uuid": ("123e4567-e89b-42d3-a456-426614174000", "123"), "hostname": ("example.com", "exa mple"), "ipv6": ("2001:db8::1", "2001:xyz")}
TEXTS = ["XBT/EUR", "ABC", "abc", "a-1", "A1", "ab_12", "+4930123456", "12345"] + WORDS
OTHERS = [None, True, 17, 2.5, "text", [], {}]


class Document:
    def __init__(self, path):
        self.path = os.path.normpath(path)
        self.files = {}
        self.root = self.load(self.path)
        self.three = str(self.root["asyncapi"]).startswith("3")

    def load(self, path):
        if path not in self.files:
            with open(path, encoding="utf-8") as file:
                self.files[path] = yaml.load(file, yaml.SafeLoader)
        return self.files[path]

    def step(self, value, path):
        """A reference one step further: the value, the file it is in, and the last name of the pointer."""
        name, _, pointer = value["$ref"].partition("#")
        path = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        value, last = self.load(path), ""
        for last in pointer.split("/")[1:]:
            last = last.replace("~1", "/").replace("~0", "~")
            value = value[int(last)] if isinstance(value, list) else value[last]
        return value, path, last

    def follow(self, value, path):
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            value, path, _ = self.step(value, path)
        return value, path

    def whole(self, schema, path, depth=0):
        """A schema without references. Those that go round are cut off, where any value holds."""
        schema, path = self.follow(schema, path)
        if depth > 12:
            return True
        if isinstance(schema, dict):
            return {key: self.whole(value, path, depth + 1) for key, value in schema.items()}
        return [self.whole(value, path, depth + 1) for value in schema] if isinstance(schema, list) else schema

    def is_websocket(self, channel):
        """Is one of its servers one? A channel that names none is of all."""
        servers = [self.follow(server, self.path)[0] for server in channel.get("servers", [])]
        return not servers or any(server["protocol"] in ("ws", "wss") for server in servers)

    def sends(self, perspective="server"):
        """(channel address, message name, schema, examples) of each message that clients send."""
        found = []

        def take(address, name, message, path):
            message, path = self.follow(message, path)
            payload = message.get("payload", {})
            if isinstance(payload, dict) and "schemaFormat" in payload:
                payload = payload["schema"]
            examples = [example["payload"] for example in message.get("examples", []) if "payload" in example]
            found.append((address, name, self.whole(payload, path), examples))

        if self.three:
            for operation in self.root["operations"].values():
                if (operation["action"] == "receive") != (perspective == "server"):
                    continue
                channel, path = self.follow(operation["channel"], self.path)
                if not self.is_websocket(channel):
                    continue
                if "messages" in operation:
                    for reference in operation["messages"]:
                        message, where, name = self.step(reference, self.path)
                        take(channel.get("address"), name, message, where)
                else:
                    for name, message in channel["messages"].items():
                        take(channel.get("address"), name, message, path)
            return found
        for address, channel in self.root["channels"].items():
            operation = channel.get("publish" if perspective == "server" else "subscribe")
            if operation is None:
                continue
            messages = operation["message"].get("oneOf", [operation["message"]])
            for message in messages:
                whole, _ = self.follow(message, self.path)
                name = whole.get("messageId") or whole.get("name") or (message["$ref"].split("/")[-1] if "$ref" in message else address)
                take(address, name, message, self.path)
        return found


def lists_members(schema):
    return isinstance(schema, dict) and ("properties" in schema or any(
        lists_members(part) for key in ("allOf", "anyOf", "oneOf") for part in schema.get(key, [])))


def closed(schema, begins=True):
    """The same, but that an object has no members that nobody lists, unless something is said of others."""
    if not isinstance(schema, dict):
        return schema
    out = dict(schema)
    for key, value in schema.items():
        if key in ("properties", "patternProperties"):
            out[key] = {name: closed(part) for name, part in value.items()}
        elif key in ("allOf", "anyOf", "oneOf"):
            out[key] = [closed(part, False) for part in value]
        elif key in ("items", "additionalProperties"):
            out[key] = closed(value)
    if begins and lists_members(schema) and "additionalProperties" not in schema:
        out["unevaluatedProperties"] = False
    return out


def judge(schema):
    return jsonschema.Draft202012Validator(closed(schema))


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self, schema):
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]][0]
        least, most = schema.get("minLength", 0), schema.get("maxLength", 60)
        texts = [text for text in TEXTS + [(WORDS[0] + " ") * 40] if re.search(schema.get("pattern", ""), text)]
        texts = [text[:most] for text in texts if len(text) >= least and re.search(schema.get("pattern", ""), text[:most])]
        if not texts:
            raise LookupError("no text")
        return self.random.choice(texts)

    def number(self, schema, whole):
        step = schema.get("multipleOf", 1 if whole else 0.5)
        low = schema.get("minimum", schema.get("exclusiveMinimum", -step) + step if "exclusiveMinimum" in schema else None)
        high = schema.get("maximum", schema["exclusiveMaximum"] - step if "exclusiveMaximum" in schema else None)
        low = low if low is not None else (high - 20 * step if high is not None else 0)
        high = high if high is not None else low + 20 * step
        value = min(low + step * self.random.randrange(0, 21), high)
        return int(value) if whole else round(value / step) * step if "multipleOf" in schema else value

    def value(self, schema, full=True, depth=0):
        if not isinstance(schema, dict) or depth > 14:
            return "alpha"
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        for key in ("oneOf", "anyOf"):
            if key in schema:
                rest = {name: value for name, value in schema.items() if name != key}
                return self.value(merged([rest, self.random.choice(schema[key])]), full, depth + 1)
        if "allOf" in schema:
            rest = {name: value for name, value in schema.items() if name != "allOf"}
            return self.value(merged([rest] + schema["allOf"]), full, depth + 1)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = self.random.choice(kind) if isinstance(kind, list) else kind
        if kind == "object":
            value = {}
            for name, part in schema.get("properties", {}).items():
                says_type = isinstance(part, dict) and ("const" in part or len(part.get("enum", [])) == 1)  # which a message must say
                if name not in schema.get("required", []) and not full and not says_type and self.random.random() < 0.7:
                    continue
                try:
                    value[name] = self.value(part, full, depth + 1)
                except LookupError:
                    if name in schema.get("required", []):
                        raise
            return value
        if kind == "array":
            count = min(max(schema.get("minItems", 0), self.random.randrange(0, 3) if not full else 2), schema.get("maxItems", 3))
            return [self.value(schema.get("items", {}), full, depth + 1) for _ in range(count)]
        return {"string": lambda: self.text(schema), "integer": lambda: self.number(schema, True), "number": lambda: self.number(schema, False),
                "boolean": lambda: self.random.random() < 0.5, "null": lambda: None}[kind]()


def merged(schemas):
    """allOf, good enough to make a value of: it is judged afterwards."""
    out = {}
    for schema in schemas:
        if not isinstance(schema, dict):
            continue
        for key, value in schema.items():
            if key == "properties":
                out["properties"] = {**out.get("properties", {}), **value}
            elif key == "required":
                out["required"] = out.get("required", []) + value
            elif key in ("allOf", "oneOf", "anyOf") and key in out:
                out["allOf"] = out.get("allOf", []) + ([{key: value}] if key != "allOf" else value)
            else:
                out[key] = value
    return out


def parts(schema, value, path=()):
    """Each (path, schema) that says something of a part of a value."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key, []):
            if key == "allOf" or jsonschema.Draft202012Validator(part).is_valid(value):
                yield from parts(part, value, path)
    if isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield from parts(part, value[name], path + (name,))
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from parts(schema["items"], item, path + (index,))


def at(value, path):
    for name in path:
        value = value[name]
    return value


def changed(value, path, new):
    value = copy.deepcopy(value)
    if not path:
        return new
    at(value, path[:-1])[path[-1]] = new
    return value


def mutants(schema, message):
    """(kind, message) for each single-field mutation that the schema forbids."""
    whole = judge(schema)
    for path, part in parts(schema, message):
        value = at(message, path)
        tries = []
        if path and "type" in part:
            tries += [("type", changed(message, path, other)) for other in OTHERS]
        if isinstance(value, dict):
            for name in part.get("required", []):
                if name in value:
                    tries.append(("missing", changed(message, path, {key: one for key, one in value.items() if key != name})))
            tries.append(("unknown", changed(message, path, {**value, "zulu": "x"})))
        if not path:
            pass
        elif "enum" in part or "const" in part:
            tries += [("enum", changed(message, path, other)) for other in ("zulu", 987654, value + "x" if isinstance(value, str) else 1)]
        elif isinstance(value, str):
            if part.get("format") in FORMATS:
                yield "format", changed(message, path, FORMATS[part["format"]][1])
            tries += [("range", changed(message, path, "")), ("range", changed(message, path, "a" * 5000))] if "minLength" in part or "maxLength" in part else []
            if "pattern" in part:
                tries += [("format", changed(message, path, "?"))]
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            for key, beyond in (("minimum", -1), ("maximum", 1), ("exclusiveMinimum", 0), ("exclusiveMaximum", 0)):
                if key in part:
                    tries.append(("range", changed(message, path, part[key] + beyond)))
            if "multipleOf" in part:
                tries.append(("range", changed(message, path, value + part["multipleOf"] / 2)))
        elif isinstance(value, list):
            if "maxItems" in part and value:
                tries.append(("range", changed(message, path, value[:1] * (part["maxItems"] + 1))))
            if "minItems" in part:
                tries.append(("range", changed(message, path, [])))
        for kind, mutant in tries:
            if not whole.is_valid(mutant):
                yield kind, mutant


def messages(schema, examples, seeds=12):
    """Messages that hold: examples of the document that do, and generated ones."""
    whole = judge(schema)
    found = [example for example in examples if isinstance(example, dict) and whole.is_valid(example)]
    for seed in range(seeds):
        try:
            message = Generator(seed).value(schema, full=seed % 3 == 0)
        except LookupError:
            continue
        if isinstance(message, dict) and whole.is_valid(message) and message not in found:
            found.append(message)
    return found


def path_of(address, pathname=""):
    path = re.sub(r"\{[^}]*\}", "seven", "/" + pathname.strip("/") + "/" + (address or "").lstrip("/"))
    return re.sub(r"/+", "/", path) if address != "/" or not pathname else pathname


def text(message):
    return json.dumps(message, separators=(",", ":"))
