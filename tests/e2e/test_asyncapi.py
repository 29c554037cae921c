#!/usr/bin/python3
"""AsyncAPI documents nobody here wrote: each is imported, or refused with file, line and reason; through a real framewall with the
configuration that came out, a client made of the document is understood and each single-field mutation is refused."""
import collections

from framewall import *

try:
    import asyncapi_client as client
except ImportError:
    print("1..0 # SKIP python3-jsonschema and python3-yaml are not installed")
    sys.exit(0)

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("FRAMEWALL_SHARED", os.path.join(HERE, "../../../shared"))
EXAMPLES = os.path.join(SHARED, "vectors/asyncapi/examples")

# What becomes of each: None: it is imported; else why it is refused. The others of a row: options, and path of the server.
FATES = {
    "adeo-kafka-request-reply-asyncapi.yml": r':15:3: error: no server speaks ws or wss: "production" speaks kafka',
    "anyof-asyncapi.yml": None,
    "application-headers-asyncapi.yml": r":11:3: error: no server speaks ws or wss: \"production\" speaks mqtt",
    "correlation-id-asyncapi.yml": r":11:3: error: no server speaks ws or wss: \"production\" speaks mqtt",
    "gitter-streaming-asyncapi.yml": r":7:3: error: no server speaks ws or wss: \"production\" speaks https",
    "kraken-websocket-request-reply-message-filter-in-reply-asyncapi.yml": None,
    "kraken-websocket-request-reply-multiple-channels-asyncapi.yml": None,
    "mercure-asyncapi.yml": r":8:3: error: no server speaks ws or wss: \"production\" speaks mercure",
    "not-asyncapi.yml": None,
    "oneof-asyncapi.yml": r':17:7: error: the messages "objectWithKey" \(.*:14:7\) and "objectWithKey2" \(.*:17:7\) cannot be told apart',
    "operation-security-asyncapi.yml": None,
    "rpc-client-asyncapi.yml": r":9:3: error: no server speaks ws or wss: \"production\" speaks amqp",
    "rpc-server-asyncapi.yml": r":9:3: error: no server speaks ws or wss: \"production\" speaks amqp",
    "simple-asyncapi.yml": None,
    "slack-rtm-asyncapi.yml": r":7:3: error: no server speaks ws or wss: \"production\" speaks https",
    "streetlights-kafka-asyncapi.yml": r":11:3: error: no server speaks ws or wss: \"scram-connections\" speaks kafka-secure",
    "streetlights-mqtt-asyncapi.yml": r":11:3: error: no server speaks ws or wss: \"production\" speaks mqtt",
    "streetlights-operation-security-asyncapi.yml": r":11:3: error: no server speaks ws or wss: \"test\" speaks kafka-secure",
    "websocket-gemini-asyncapi.yml": None,
    "social-media/backend/asyncapi.yaml": None,
    "social-media/comments-service/asyncapi.yaml": r":7:3: error: no server speaks ws or wss: \"mosquitto\" speaks mqtt",
    "social-media/frontend/asyncapi.yaml": None,
    "social-media/notification-service/asyncapi.yaml": r":6:3: error: no server speaks ws or wss: \"mosquitto\" speaks mqtt",
    "social-media/public-api/asyncapi.yaml": r":7:3: error: no server speaks ws or wss: \"mosquitto\" speaks mqtt",
}
# Whose clients are made: (document, options, perspective, path of the server, least messages, least mutants).
CLIENTS = [
    ("kraken-websocket-request-reply-message-filter-in-reply-asyncapi.yml", [], "server", "", 20, 300),
    ("kraken-websocket-request-reply-multiple-channels-asyncapi.yml", [], "server", "", 20, 300),
    ("social-media/backend/asyncapi.yaml", [], "server", "/ws", 4, 10),
    ("social-media/frontend/asyncapi.yaml", [], "client", "/ws", 4, 10),
    ("anyof-asyncapi.yml", [], "server", "", 1, 1),
    ("not-asyncapi.yml", [], "server", "", 1, 1),
    ("slack-rtm-asyncapi.yml", ["--any-protocol"], "server", "/api/rtm.connect", 5, 50),
]


def imported(path, *options):
    return subprocess.run([BINARY, "import", "asyncapi", path, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)


def options_for(name):
    return ["--root", os.path.join(EXAMPLES, "social-media")] if name.startswith("social") else []


async def ask(websocket, text):
    await websocket.send(text)
    return await asyncio.wait_for(websocket.recv(), PATIENCE)


async def exchange(fw, path, messages, mutants):
    """What did not come back as it was sent, and what did although it is a mutant."""
    lost, passed = [], []
    async with websockets.connect(fw.url(path), ping_interval=None, compression=None, max_size=None) as websocket:
        for message in messages:
            answer = await ask(websocket, client.text(message))
            if answer != client.text(message):
                lost.append((message, answer))
        for kind, mutant in mutants:
            answer = json.loads(await ask(websocket, client.text(mutant)))
            if answer.get("type") != "error" or answer["data"]["code"] not in ("INVALID_MESSAGE", "INVALID_JSON"):
                passed.append((kind, mutant))
    return lost, passed


def clients_of(path, options, perspective, pathname, least_messages, least_mutants, label):
    """The document, a framewall with what was imported of it, and both sides."""
    with Upstream() as upstream:
        done = imported(path, "--upstream", upstream.url(), "--anonymous", "guest", "--perspective", perspective, "--clients-only", *options)
        ok(done.returncode == 0, f"{label}: imported", done.stderr)
        if done.returncode != 0:
            return collections.Counter()
        counts, lost, passed, sent, open_channels = collections.Counter(), [], [], 0, set()
        with Framewall(done.stdout + RELAXED) as fw:
            for address, name, schema, examples in client.Document(path).sends(perspective):
                messages = client.messages(schema, examples)
                mutants, seen = [], set()
                for message in messages:
                    for kind, mutant in client.mutants(schema, message):
                        if client.text(mutant) not in seen and len(seen) < 1500:
                            seen.add(client.text(mutant))
                            mutants.append((kind, mutant))
                if not messages:
                    continue
                some = asyncio.run(exchange(fw, client.path_of(address, pathname), messages, mutants))
                lost += some[0]
                passed += some[1]
                sent += len(messages)
                counts.update(kind for kind, _ in mutants)
                open_channels.add(address)
            ok(not lost and sent >= least_messages, f"{label}: {sent} messages of a client arrive", repr(lost[:3]))
            ok(not passed and sum(counts.values()) >= least_mutants, f"{label}: {sum(counts.values())} single-field mutations are refused",
               repr(passed[:3]) + repr(counts))
            equal(len(upstream.received), sent, f"{label}: and nothing else reached the server")
        return counts


def servers_of(path, options, perspective, pathname, label):
    """The other way: what the document's server sends arrives, and no single-field mutation of it does."""
    told = collections.defaultdict(list)
    for address, _, schema, examples in client.Document(path).sends({"server": "client", "client": "server"}[perspective]):
        for message in client.messages(schema, examples):
            told[address].append((True, client.text(message)))
            told[address] += [(False, client.text(mutant)) for _, mutant in client.mutants(schema, message)][:300]
    for address, lines in told.items():
        last = next(text for holds, text in reversed(lines) if holds)

        async def tell(server, websocket):
            for _, text in lines + [(True, last)]:
                await websocket.send(text)
            await websocket.wait_closed()

        async def hear(fw):
            heard = []
            async with websockets.connect(fw.url(client.path_of(address, pathname)), ping_interval=None, compression=None, max_size=None) as websocket:
                while heard.count(last) < sum(text == last for holds, text in lines if holds) + 1:
                    heard.append(await asyncio.wait_for(websocket.recv(), PATIENCE))
            return heard

        with Upstream(tell) as upstream:
            done = imported(path, "--upstream", upstream.url(), "--anonymous", "guest", "--perspective", perspective, *options)
            with Framewall(done.stdout + RELAXED) as fw:
                heard = asyncio.run(hear(fw))
        holding = [text for holds, text in lines + [(True, last)] if holds]
        ok(heard == holding and len(lines) > 2 * len(holding), f"{label}: {len(holding)} messages of a server arrive, of {len(lines) - len(holding) + 1} mutations none",
           repr([text for text in heard if text not in holding][:3]))


def fates():
    names = sorted(os.path.relpath(os.path.join(folder, name), EXAMPLES) for folder, _, files in os.walk(EXAMPLES) for name in files
                   if name.endswith((".yml", ".yaml")) and "asyncapi" in name)
    equal(names, sorted(FATES), "every document of the vectors is here")
    for name in names:
        done = imported(os.path.join(EXAMPLES, name), *options_for(name))
        if FATES[name] is None:
            ok(done.returncode == 0 and "messages" in done.stdout + "messages", f"{name} is imported", done.stderr)
        else:
            ok(done.returncode == 1 and done.stdout == "" and re.search(FATES[name], done.stderr), f"{name} is refused, with its line and why", done.stderr)


def of_the_vectors():
    if EXAMPLES is None or not os.path.isdir(EXAMPLES):
        skip("AsyncAPI's own examples", "the shared vectors are not here")
        return
    fates()
    for name, options, *rest in CLIENTS:
        clients_of(os.path.join(EXAMPLES, name), options + options_for(name), *rest, name.replace("-asyncapi.yml", "") + " as " + rest[0])
    for name, pathname in (("websocket-gemini-asyncapi.yml", ""), ("kraken-websocket-request-reply-message-filter-in-reply-asyncapi.yml", ""), ("social-media/backend/asyncapi.yaml", "/ws")):
        servers_of(os.path.join(EXAMPLES, name), options_for(name), "server", pathname, name.replace("-asyncapi.yml", ""))


# Both versions say the same; every kind of mutation is in it.
SCHEMAS = """
    place:
      type: object
      required: [op, order]
      properties:
        op: { const: order.place }
        order:
          allOf:
            - $ref: '#/components/schemas/base'
            - { type: object, required: [side], properties: { side: { enum: [buy, sell] } } }
    base:
      type: object
      required: [symbol]
      properties:
        symbol: { type: string, pattern: '^[A-Z]{1,6}$', maxLength: 6 }
        amount: { type: number, minimum: 0, exclusiveMaximum: 1000, multipleOf: 0.5 }
        at: { type: string, format: date-time }
        tags: { type: array, items: { type: string, minLength: 2, maxLength: 8 }, maxItems: 3 }
        legs: { type: array, items: { $ref: '#/components/schemas/leg' } }
    leg: { type: object, required: [n], properties: { n: { type: integer, minimum: 1, maximum: 9 }, of: { $ref: '#/components/schemas/leg' } } }
    cancel: { type: object, required: [op, id], properties: { op: { enum: [order.cancel, order.kill] }, id: { type: [integer, string] }, more: { type: object } } }
"""
TWO = """asyncapi: 2.6.0
info: { title: Orders, version: '1' }
servers: { main: { url: 'wss://{where}.example.com/v2', protocol: wss, variables: { where: { default: api } }, security: [ { token: [] } ] } }
channels:
  '/orders/{desk}':
    parameters: { desk: { schema: { type: string } } }
    bindings: { ws: { method: GET } }
    publish:
      operationId: sendOrder
      security: [ { token: ['orders:write'] } ]
      message: { oneOf: [ { $ref: '#/components/messages/place' }, { $ref: '#/components/messages/cancel' } ] }
    subscribe: { security: [ { token: ['orders:write'] } ], message: { $ref: '#/components/messages/done' } }
components:
  securitySchemes: { token: { type: oauth2, flows: {} } }
  messages:
    place: { messageId: place, payload: { $ref: '#/components/schemas/place' }, x-rate-limit: 30 }
    cancel: { messageId: cancel, contentType: application/json, payload: { $ref: '#/components/schemas/cancel' } }
    done: { messageId: done, payload: { type: object, properties: { op: { const: order.done } } } }
  schemas:""" + SCHEMAS
THREE = """asyncapi: 3.0.0
info: { title: Orders, version: '1' }
servers: { main: { host: api.example.com, pathname: /v2, protocol: wss } }
channels:
  orders:
    address: '/orders/{desk}'
    parameters: { desk: {} }
    messages:
      place: { $ref: '#/components/messages/place' }
      cancel: { $ref: '#/components/messages/cancel' }
      done: { $ref: '#/components/messages/done' }
operations:
  sendOrder:
    action: receive
    channel: { $ref: '#/channels/orders' }
    messages: [ { $ref: '#/channels/orders/messages/place' }, { $ref: '#/channels/orders/messages/cancel' } ]
    reply: { messages: [ { $ref: '#/channels/orders/messages/done' } ] }
    traits: [ { security: [ { type: oauth2, flows: {}, scopes: ['orders:write'] } ] } ]
components:
  messages:
    place: { payload: { $ref: '#/components/schemas/place' }, x-rate-limit: 30 }
    cancel: { payload: { schemaFormat: application/schema+json;version=draft-07, schema: { $ref: '#/components/schemas/cancel' } } }
    done: { payload: { type: object, properties: { op: { const: order.done } } } }
  schemas:""" + SCHEMAS


def written(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def both_versions():
    folder = tempfile.mkdtemp(prefix="framewall-asyncapi-")
    out = {}
    for name, text in (("two", TWO), ("three", THREE)):
        path = written(folder, name + ".yaml", text)
        out[name] = imported(path, "--upstream", "ws://localhost:9").stdout
        # Scopes are not what this is about: nobody logs in.
        bare = written(folder, name + "-bare.yaml", text.replace("['orders:write']", "[]").replace("[ { token: [] } ]", "[]").replace("x-rate-limit: 30", "x-note: 1"))
        counts = clients_of(bare, [], "server", "/v2", 12, 250, name)
        equal(sorted(counts), ["enum", "format", "missing", "range", "type", "unknown"], f"{name}: there were mutations of every kind")
    settings = [re.sub(r"^#.*\n|authentication:\n.*\n| +#.*", "", text, flags=re.M) for text in (out["two"], out["three"])]
    equal(settings[0], settings[1], "2.6 and 3.0 of one application are one configuration")
    for part in ("permission: orders.write", "messages_per_minute: 30", "discriminator: \"/op\"", "path: \"/v2/orders/{desk}\"", "order.kill:"):
        ok(part in settings[0], f"it has {part}", settings[0])
    shutil.rmtree(folder)


def refused():
    """Documents that are none, or that want too much."""
    folder = tempfile.mkdtemp(prefix="framewall-asyncapi-")
    head = "asyncapi: 3.0.0\ninfo: {title: x, version: '1'}\nservers: {s: {host: h, protocol: ws}}\n"
    one = head + "channels: {c: {address: /c, messages: {m: {payload: %s}}}}\noperations: {o: {action: receive, channel: {$ref: '#/channels/c'}}}\n"
    two = head + "channels: {c: {address: /c, messages: {a: {payload: {type: object, properties: {%s}}}, b: {payload: {type: object, properties: {%s}}}}}}\n" \
        "operations: {o: {action: receive, channel: {$ref: '#/channels/c'}}}\n"
    bomb = "asyncapi: 3.0.0\na: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12))
    written(folder, "outside/secret.yaml", "m: {payload: {type: object}}\n")
    os.makedirs(os.path.join(folder, "in"))
    os.symlink("../outside/secret.yaml", os.path.join(folder, "in/link.yaml"))
    cases = [
        ("what is no AsyncAPI", "a: 1\n", r"in/d.yaml:1:1: error: this is no AsyncAPI document"),
        ("another version", "asyncapi: 1.2.0\n", r"d.yaml:1:11?: error: AsyncAPI 2.0 to 2.6 and 3.x are read, not \"1.2.0\""),
        ("an alias bomb", bomb, r"d.yaml:3:\d+: error: aliases are not supported"),
        ("a key that is there twice", head + "channels: {}\nchannels: {}\n", r"d.yaml:5:1: error: \"channels\" is given a second time; first in line 4"),
        ("YAML that is none", head + "channels: {\n", r"d.yaml:\d+:\d+: error: "),
        ("Avro", one % "{schemaFormat: 'application/vnd.apache.avro;version=1.9.0', schema: {type: record}}", r"d.yaml:4:\d+: error: the message \"m\" is in \"application/vnd.apache.avro"),
        ("a payload that is no object", one % "{type: string}", r"d.yaml:4:\d+: error: the payload of \"m\" \(line 4\) is no object"),
        ("a payload that is no schema", one % "{type: object, properties: {a: {minimum: x}}}", r"d.yaml:4:\d+: error: the payload of \"m\" is no JSON Schema: at \"/properties/a"),
        ("a reference to nowhere", one % "{$ref: '#/components/schemas/no'}", r"d.yaml:4:\d+: error: \"#/components/schemas/no\" leads nowhere"),
        ("a reference to itself", one % "{$ref: '#/channels/c/messages/m/payload'}", r"d.yaml:4:\d+: error: the reference leads to a reference"),
        ("a reference to another machine", one % "{$ref: 'https://example.com/s.yaml#/a'}", r"d.yaml:4:\d+: error: \"https://example.com/s.yaml\" leads to another place"),
        ("a file outside", one % "{$ref: '../outside/secret.yaml#/m/payload'}", r"d.yaml:4:\d+: error: \".*outside/secret.yaml\" is outside of the folder"),
        ("a link that leads outside", one % "{$ref: 'link.yaml#/m/payload'}", r"d.yaml:4:\d+: error: \".*in/link.yaml\" is outside of the folder"),
        ("a file of the machine", one % "{$ref: '/etc/passwd'}", r"d.yaml:4:\d+: error: \"/etc/passwd\" is no name of a file beside"),
        ("two messages of one value", two % ("op: {const: x}", "op: {const: x}"), r"the messages \"a\" \(.*d.yaml:4:\d+\) and \"b\" \(.*d.yaml:4:\d+\) cannot be told apart: both say \"x\" at /op"),
        ("a message that says nothing", two % ("op: {const: x}", "op: {type: string}"), r"the messages \"b\" \(.*\) and \"a\" \(.*\) cannot be told apart: at no place has each a value of its own"),
        ("an address that would be read as a variable", head + "channels: {c: {address: '/${env:HOME}', messages: {}}}\noperations: {o: {action: receive, channel: {$ref: '#/channels/c'}}}\n", r"d.yaml:4:\d+: error: "),
        ("an operation that neither sends nor receives", head + "channels: {c: {}}\noperations: {o: {action: x}}\n", r"d.yaml:5:\d+: error: the action of an operation is send or receive"),
        ("a parameter that is a part of a segment", one.replace("/c,", "'/c-{d}',") % "{type: object}", r"d.yaml:4:\d+: error: a parameter is a part of a segment"),
        ("text", one.replace("payload", "contentType: text/plain, payload") % "{type: object}", r"d.yaml:4:\d+: error: the message \"m\" is \"text/plain\": only JSON is read"),
    ]
    for what, text, why in cases:
        path = written(folder, "in/d.yaml", text)
        done = imported(path)
        ok(done.returncode == 1 and done.stdout == "" and re.search(why, done.stderr), f"refused with its place: {what}", done.stderr)
    path = written(folder, "in/d.yaml", two % ("op: {const: x}", "op: {const: y}"))
    for pointer in ("op", "/" + "a" * 200):
        done = imported(path, "--discriminator", pointer)
        ok(done.returncode == 1 and "--discriminator is a JSON Pointer" in done.stderr, f"a discriminator of {len(pointer)} octets that is no pointer is refused", done.stderr)
    equal(imported(path, "--discriminator", "/op").returncode, 0, "one that is a pointer is taken")
    path = written(folder, "in/d.yaml", one % "{$ref: '../outside/secret.yaml#/m/payload'}")
    equal(imported(path, "--root", folder).returncode, 0, "--root says what belongs to the document")
    path = written(folder, "in/d.yaml", head.replace("title: x", r'title: "x\nlisten: 0.0.0.0:1"') + (one % "{type: object, properties: {\"a\\nb\": {}}}")[len(head):])
    done = imported(path)
    ok(done.returncode == 0 and "\nlisten" not in done.stdout, "a title is a comment, whatever it says", done.stdout)
    shutil.rmtree(folder)


main(of_the_vectors, both_versions, refused)
