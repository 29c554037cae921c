#!/usr/bin/python3
"""framewall diff: what another configuration or AsyncAPI document opens and closes, in words; 0 where it is the same, 1 where it is not."""
from framewall import *

DOCUMENT = """asyncapi: 3.0.0
info: { title: Orders, version: '1' }
servers: { s: { host: h, protocol: ws } }
channels:
  c:
    address: /c
    messages:
      place: { payload: { $ref: '#/components/schemas/order' } }
      cancel: { payload: { type: object, required: [op], properties: { op: { const: cancel } } } }
      filled: { payload: { type: object, properties: { op: { const: filled }, id: { type: integer } } } }
operations:
  take: { action: receive, channel: { $ref: '#/channels/c' }, messages: [ { $ref: '#/channels/c/messages/place' }, { $ref: '#/channels/c/messages/cancel' } ] }
  tell: { action: send, channel: { $ref: '#/channels/c' }, messages: [ { $ref: '#/channels/c/messages/filled' } ] }
components:
  schemas:
    order:
      allOf:
        - { type: object, required: [op, side], properties: { op: { const: place }, side: { enum: [buy, sell] } } }
        - { properties: { amount: { type: integer, minimum: 1, maximum: 10 }, legs: { type: array, items: { type: object, properties: { note: { type: string, maxLength: 9, pattern: '^a' } } } } } }
"""
CONFIG = """upstream: { url: "ws://localhost:1" }
rate_limiting: { messages_per_minute: 60 }
rbac: { roles: { trader: { permissions: [a.b], inherits: [user] } } }
messages:
  go: { permission: a.b, max_bytes: 500, fields: { x: { max: 5 }, o: { type: object, fields: { n: { type: integer, min: 0, max: 9 }, v: { values: [p, q] } } } } }
  stay: { permission: any, messages_per_minute: 5, when: { network: ["10.0.0.0/8"] } }
  guarded: { permission: any, fields: { f: { set: [admin], see: [admin] } } }
routes:
  - { path: /a, upstream: "ws://localhost:1", types: { go: , stay: } }
  - { path: /b, upstream: "ws://localhost:1", anonymous: guest }
"""
SCHEMA = """upstream: { url: "ws://localhost:1" }
messages:
  m:
    permission: any
    schema:
      type: object
      properties:
        one: { oneOf: [ { $ref: "#/$defs/small" } ] }
        pair: { prefixItems: [ { type: string } ] }
        list: { type: array, unevaluatedItems: false }
        beside: { $ref: "#/$defs/te%20xt", minLength: 2 }
        by_name: { $ref: "#named" }
        map: { additionalProperties: { type: integer } }
        never: { not: { type: string } }
        listed: { $ref: "#/$defs/listed" }
        self: { $ref: "#" }
        tree: { $ref: "#/$defs/tree" }
      $defs:
        small: { type: integer, maximum: 3 }
        te xt: { type: string }
        named: { $anchor: named, type: boolean }
        listed: { type: object, properties: { a: { enum: [1, "x"] } } }
        tree: { properties: { left: { $ref: "#/$defs/tree" }, right: { $ref: "#/$defs/tree" }, value: { maximum: 7 } } }
"""
# (what, of which text, by what it is replaced, all lines that are said)
CASES = [
    (DOCUMENT, "[buy, sell]", "[buy, hold]", ['closes  place: side: no longer the value "sell"', 'opens   place: side: another value: "hold"']),
    (DOCUMENT, "maximum: 10", "maximum: 100", ["opens   place: amount: maximum 100, was 10"]),
    (DOCUMENT, "minimum: 1,", "minimum: 2,", ["closes  place: amount: minimum 2, was 1"]),
    (DOCUMENT, "minimum: 1, ", "", ["opens   place: amount: no minimum any more; it was 1"]),
    (DOCUMENT, "amount: { type: integer", "amount: { type: [integer, string]", ['opens   place: amount: another type: "string"']),
    (DOCUMENT, "required: [op, side]", "required: [op]", ['opens   place: need not have "side"']),
    (DOCUMENT, "maxLength: 9", "maxLength: 8", ["closes  place: legs[].note: greatest length 8, was 9"]),
    (DOCUMENT, ", pattern: '^a'", "", ['opens   place: legs[].note: "pattern" is gone; it was "^a"']),
    (DOCUMENT, "'^a'", "'^b'", ['changes place: legs[].note: "pattern" is "^b", was "^a"']),
    (DOCUMENT, "amount: { type: integer, minimum: 1, maximum: 10 }", "amount: { type: integer, minimum: 1, maximum: 10 }, price: { type: number }", ['opens   place: a new member "price"']),
    (DOCUMENT, "amount: { type: integer, minimum: 1, maximum: 10 }, ", "", ['closes  place: no member "amount" any more']),
    (DOCUMENT, "{ type: object, required: [op], properties: { op: { const: cancel } } }", "{ type: object, required: [op], properties: { op: { const: cancel } }, additionalProperties: true }",
     ["opens   cancel: members that nobody lists pass"]),
    (DOCUMENT, "const: cancel", "enum: [cancel, kill]", ["changes", "opens   kill: clients may send it"]),
    (DOCUMENT, ", { $ref: '#/channels/c/messages/cancel' }", "", ["closes  cancel: clients may not send it any more"]),
    (DOCUMENT, "channel: { $ref: '#/channels/c' }, messages: [ { $ref: '#/channels/c/messages/place' }",
     "security: [ { type: oauth2, flows: {}, scopes: [w] } ], channel: { $ref: '#/channels/c' }, messages: [ { $ref: '#/channels/c/messages/place' }",
     ["closes  place: asks for the permission w", "closes  cancel: asks for the permission w", "changes authentication.methods: jwt, session, was jwt, api_key, session"]),
    (DOCUMENT, "id: { type: integer }", "id: { type: integer }, secret: { type: string }", ['opens   filled of the server: a new member "secret"']),
    (DOCUMENT, "address: /c", "address: /d", ["closes  /c: clients may not connect any more", "opens   /d: clients may connect"]),
    (SCHEMA, "maximum: 3", "maximum: 4", ['changes m: one: "oneOf" is [{"$ref":"#/$defs/small"}] as before, which refers to what has changed']),
    (SCHEMA, "[ { type: string } ]", "[ { type: number } ]", ['changes m: pair: "prefixItems" is [{"type":"number"}], was [{"type":"string"}]']),
    (SCHEMA, ", unevaluatedItems: false", "", ['opens   m: list: "unevaluatedItems" is gone; it was false']),
    (SCHEMA, "minLength: 2", "minLength: 1", ["opens   m: beside: least length 1, was 2"]),
    (SCHEMA, "te xt: { type: string }", "te xt: { type: [string, number] }", ['opens   m: beside: another type: "number"']),
    (SCHEMA, '{ $ref: "#/$defs/te%20xt", minLength: 2 }', "{ type: string, minLength: 1 }", ["closes  m: beside: least length 1, where there was none", "opens   m: beside: no least length any more; it was 2"]),
    (SCHEMA, "type: boolean", "type: integer", ['opens   m: by_name: another type: "integer"', 'closes  m: by_name: no longer the type "boolean"']),
    (SCHEMA, "{ additionalProperties: { type: integer } }", "{ type: object, additionalProperties: true }", ['closes  m: map: only type, "object"', "opens   m: map: members that nobody lists may be anything"]),
    (SCHEMA, "additionalProperties: { type: integer }", "additionalProperties: { type: string }", ['opens   m: map[]: another type: "string"', 'closes  m: map[]: no longer the type "integer"']),
    (SCHEMA, "properties: { a: {", "properties: { b: {}, a: {", ['opens   m: listed: a new member "b"']),
    (SCHEMA, 'properties: { a: { enum: [1, "x"] } }', 'properties: { a: { enum: [1, "x"] } }, additionalProperties: true', ["opens   m: listed: members that nobody lists pass"]),
    (SCHEMA, "maximum: 7", "maximum: 8", ["opens   m: tree.value: maximum 8, was 7"]),
    (CONFIG, "x: { max: 5 }", "x: { max: 6, required: true }", ["closes  go: x: must be there", "closes  go: x: minimum 1, was 0", "opens   go: x: maximum 6, was 5"]),
    (CONFIG, "min: 0, max: 9", "min: 1, max: 9", ["closes  go: o.n: minimum 1, was 0"]),
    (CONFIG, "values: [p, q]", "values: [p, r]", ["opens   go: o.v: another value: r", "closes  go: o.v: no longer the value q"]),
    (CONFIG, "fields: { x: { max: 5 },", "fields: { x: { max: 5 }, y: {},", ["opens   go: y: a new field"]),
    (CONFIG, "{ permission: a.b, max", "{ permission: any, max", ["opens   go: asks for no permission any more; it was a.b"]),
    (CONFIG, "max_bytes: 500", "max_bytes: 400", ["closes  go: greatest size in bytes 400, was 500"]),
    (CONFIG, "messages_per_minute: 5,", "messages_per_minute: 6,", ["opens   stay: messages a minute 6, was 5"]),
    (CONFIG, "types: { go: , stay: }", "types: { go: any, stay: }", ["opens   /a: go: asks for no permission any more; it was a.b"]),
    (CONFIG, "types: { go: , stay: }", "types: { go: }", ["closes  /a: does not take stay any more"]),
    (CONFIG, '"10.0.0.0/8"', '"10.0.0.0/8", "192.0.2.0/24"', ["opens   stay: takes the network 192.0.2.0/24"]),
    (CONFIG, '"10.0.0.0/8"', '"192.0.2.0/24"', ["opens   stay: takes the network 192.0.2.0/24", "closes  stay: does not take the network any more: 10.0.0.0/8"]),
    (CONFIG, "set: [admin], ", "", ["opens   guarded: f: everybody may set it"]),
    (CONFIG, "set: [admin]", "set: [user]", ["opens   guarded: f: who may set it: also user", "closes  guarded: f: who may set it: no longer admin"]),
    (CONFIG, "see: [admin]", "see: [admin, user]", ["opens   guarded: f: who may see it: also user"]),
    (CONFIG, "see: [admin]", "see: [admin], mask: xx", ["changes guarded: f: another mask is shown in its place"]),
    (CONFIG, "types: { go: , stay: }", "forward: canonical, types: { go: , stay: }", ["changes /a: messages are forwarded in the canonical form"]),
    (CONFIG, "types: { go: , stay: }", "inspect: { mode: monitor }, types: { go: , stay: }", ["changes /a: texts of messages are inspected otherwise"]),
    (CONFIG, "types: { go: , stay: }", "login_message: '{\"who\":{{user}}}', types: { go: , stay: }", ["changes /a: another message tells the server who logged in"]),
    (CONFIG, ", anonymous: guest", "", ["closes  /b: asks for a login"]),
    (CONFIG, "permissions: [a.b]", "permissions: []", ["closes  role trader: has no longer the permission a.b"]),
    (CONFIG, "messages_per_minute: 60", "messages_per_minute: 70", ["changes rate_limiting.messages_per_minute: 70, was 60"]),
]


def diff(*arguments):
    return subprocess.run([BINARY, "diff", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)


def each():
    folder = tempfile.mkdtemp(prefix="framewall-diff-")
    old, new = (os.path.join(folder, name) for name in ("old.yaml", "new.yaml"))
    opposite = {"opens": "closes", "closes": "opens", "changes": "changes"}

    def write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    for text, what, instead, lines in CASES:
        assert text.count(what) == 1, what
        write(old, text)
        write(new, text.replace(what, instead))
        done = diff(old, new)
        said = done.stdout.splitlines()[:-1]
        exact = "changes" not in lines
        ok(done.returncode == 1 and (sorted(said) == sorted(lines) if exact else set(lines) - {"changes"} <= set(said)), f"{what} to {instead or 'nothing'}: {lines[-1]}", done.stdout + done.stderr)
        back = diff(new, old).stdout.splitlines()[:-1]
        equal(sorted(line.split()[0] for line in back), sorted(opposite[line.split()[0]] for line in said), "and the other way round it is the opposite")
    for text in (DOCUMENT, CONFIG):
        write(old, text)
        write(new, text + "# a comment\n")
        done = diff(old, new)
        equal((done.returncode, done.stdout, done.stderr), (0, "", ""), "the same says nothing and is 0")
    write(old, SCHEMA)
    write(new, SCHEMA.replace('[1, "x"]', '["x", 1.0]').replace('self: { $ref: "#" }', "self: { $ref: '#/$defs/self' }").replace("$defs:", "$defs:\n        self: { $ref: '#' }"))
    done = diff(old, new)
    equal((done.returncode, done.stdout, done.stderr), (0, "", ""), "a schema that is written in another way says nothing")
    write(new, "validation: { schema_objects: open }\n" + SCHEMA)
    equal(sorted(set(line.split()[0] for line in diff(old, new).stdout.splitlines()[:-1])), ["changes", "opens"], "schemas that are open by a setting let more pass")
    write(old, DOCUMENT.replace("title: Orders", "title: our asyncapi demo"))
    made = subprocess.run([BINARY, "import", "asyncapi", old, "--output", new], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    done = diff(new, new)
    equal((made.returncode, done.returncode, done.stdout, done.stderr), (0, 0, "", ""), "a configuration that speaks of asyncapi in a comment is a configuration")
    for text, code in (('{"id": "x", "asyncapi": "3.0.0"}', True), ('# one\nasyncapi: 3.0.0\n', True), ('{ "title": "asyncapi" }', False)):
        write(old, text)
        equal("no channel of it is one of a WebSocket" in diff(old, old).stderr, code, f"{text!r} is {'a' if code else 'no'} document")
    write(old, CONFIG)
    write(new, CONFIG.replace("max_bytes: 500", "max_bytes: 400"))
    equal(json.loads(diff(old, new, "--json").stdout), {"differences": [{"effect": "closes", "what": "go: greatest size in bytes 400, was 500"}]}, "--json has the same")
    write(new, "nonsense: 1\n")
    done = diff(old, new)
    ok(done.returncode == 3 and "new.yaml:1:1: error: " in done.stderr and "does not hold" in done.stderr, "a file that does not hold is 3, with its place", done.stderr)
    equal((diff(old).returncode, diff(old, old + ".not").returncode), (2, 3), "one file is wrong usage, one that is not there is 3")
    shutil.rmtree(folder)


main(each)
