#!/usr/bin/python3
"""POST /api/v1/explain and GET /api/v1/policy of a running server: what it says of a message is what happens to a real client who sends it, and asking
changes nothing; what is in use can be read, but no secret, and is another after a reload."""
import http.client
import secrets

from framewall import *

SECRET = "Kanari" + secrets.token_hex(16)
CONFIG = """
mode: MODE
upstream: { url: "URL", login_message: '{"type":"auth","secret":"SECRET"}' }
authentication: { jwt: { keys: [{ kid: main, secret: "KEYKEYKEYKEYKEYKEYKEYKEYKEYKEYKEY" }] } }
validation:
  rules: [ { id: no-tables, pattern: 'drop\\s+table', class: sql, score: 10, reason: "tables stay" } ]
  inspect: { exceptions: [EXCEPTIONS] }
messages:
  note: { permission: chat.send, fields: { text: { type: text, max: 40, required: true }, pin: { type: integer, min: 1, set: [admin] } } }
  quote: { direction: server, permission: any, fields: { price: { type: number, min: 0 }, cost: { type: number, see: [admin] } } }
  secret_quote: { direction: server, permission: users.write, fields: {} }
rbac: { permission_categories: { users: [write] } }
routes:
  - path: "*"
    upstream: "URL"
    login_message: '{"type":"auth","secret":"SECRET"}'
    inbound: { secrets: { tokens: mask } }
""" + RELAXED


def text_of(**members):
    return json.dumps(members)


CHAT = [text_of(type="chat_message", text=text) for text in (
    "hello", "<b>hi</b><script>alert(1)</script>", "1' UNION SELECT password FROM users--", "; cat /etc/passwd", "../../../../etc/passwd", "{{7*7}}{{config}}",
    "drop  table users", "select the best from the menu", "union select name, password from users", "x" * 4001, "nul \0 in it", "a\ud83d\ude00b")]
MESSAGES = CHAT + ['{"type":"note","text":"short"}', '{"type":"note","text":"' + "y" * 41 + '"}', '{"type":"note"}', '{"type":"note","text":"t","pin":3}', '{"type":"note","text":7,"more":1}',
                   '{"type":"nothing_such"}', '{"text":"no type"}', '{"type":"chat_message","text":"twice","text":"twice"}', "no JSON", "[1,2]", '{"type":"ping"}',
                   '{"type":"create_task","title":"t"}', '{"type":"admin_command","command":"list_users","csrf_token":"x"}', '{"type":"chat_message","text":"' + "z" * 9000 + '"}']
SERVED = ['{"type":"quote","price":1}', '{"type":"quote","price":1,"cost":2}', '{"type":"quote","price":-1}', '{"type":"secret_quote"}', '{"type":"user_joined","user_id":"bob"}']


async def behind(server, websocket):
    """Says what it is asked to say, and nothing else."""
    async for message in websocket:
        server.received.append(message)
        said = re.fullmatch(r'{"type":"chat_message","text":"say (\d+)"}', message)
        if said:
            await websocket.send(SERVED[int(said.group(1))])


class Admin:
    def __init__(self, fw):
        with open(os.path.join(fw.data, "admin.token")) as file:
            self.token = file.read().strip()
        self.port = fw.admin_port()

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("localhost", self.port, timeout=PATIENCE)
        connection.request(method, "/api/v1/" + path, json.dumps(body) if not isinstance(body, (str, type(None))) else body,
                           {"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        answer = connection.getresponse()
        octets = answer.read()
        connection.close()
        return answer.status, json.loads(octets) if octets else None

    def explain(self, message, **more):
        status, said = self.ask("POST", "explain", {"message": message, **more})
        if status != 200:
            raise RuntimeError(f"explain {message[:60]!r} {more}: {status} {said}")
        return said


def alike(message):
    """A message without what each has for itself."""
    if message is None:
        return None
    message = json.loads(message) if isinstance(message, str) else message
    return {**message, "data": {key: value for key, value in message.get("data", {}).items() if key not in ("event_id", "timestamp")}}


def compare(fw, admin, upstream, message):
    """(what explain says, what happened) to a user who sends it."""
    said = admin.explain(message, user="alice")

    async def send():
        got, close = [], None
        async with fw.connect() as client:
            try:
                await client.send(message)
                await client.send('{"type":"ping"}')
                while not got or json.loads(got[-1])["type"] != "pong" or len(got) < 1 + (message == '{"type":"ping"}'):
                    got.append(await asyncio.wait_for(client.recv(), PATIENCE))
            except websockets.ConnectionClosed:
                close = client.close_code
        return [one for one in got[:None if close else -1] if json.loads(one)["type"] not in ("auth_success",)], close

    before = len(upstream.received)
    got, close = asyncio.run(send())
    if said["message"] is not None:
        until(lambda: [one for one in upstream.received[before:] if '"auth"' not in one], 5)
    went = [one for one in upstream.received[before:] if '"auth"' not in one]
    expected = {"reply": alike(said["reply"]), "close": said.get("close"), "went": [said["message"]] if said["message"] is not None else []}
    return said, expected, {"reply": alike(got[0]) if got else None, "close": close, "went": [json.loads(one) for one in went]}


def configured(upstream, mode="enforce", exceptions=""):
    return CONFIG.replace("MODE", mode).replace("URL", upstream.url()).replace("SECRET", SECRET).replace("EXCEPTIONS", exceptions)


def reload(fw, admin, config):
    with open(os.path.join(fw.folder, "framewall.yaml"), "w") as file:
        file.write(config)
    status, said = admin.ask("POST", "reload", {})
    equal(status, 200, f"it is reloaded: {said.get('generation')}")
    return said["generation"]


def started(upstream):
    fw = Framewall(configured(upstream), says=r"nonsense|not reloaded|^\^$", places=("--listen", "localhost:0", "--admin", "localhost:0"))
    fw.signed = lambda claims: signed(claims)
    return fw


def signed(claims):
    text = base64url(b'{"alg":"HS256","typ":"JWT","kid":"main"}') + "." + base64url(claims)
    return text + "." + base64url(hmac.new(b"KEYKEYKEYKEYKEYKEYKEYKEYKEYKEYKEY", text.encode(), hashlib.sha256).digest())


def test_same():
    with Upstream(behind) as upstream, started(upstream) as fw:
        admin, verdicts, wrong = Admin(fw), {}, []
        for message in MESSAGES:
            said, expected, happened = compare(fw, admin, upstream, message)
            verdicts.setdefault(said["verdict"], []).append(message)
            if expected != happened:
                wrong.append((message[:60], said["verdict"], expected, happened))
        equal(wrong, [], f"what it says of {len(MESSAGES)} messages is what happens to who sends them")
        ok({"pass", "rewrite", "refuse", "close", "flag"} <= set(verdicts) and len(verdicts["refuse"]) >= 8, "they are of every kind", {name: len(list_) for name, list_ in verdicts.items()})
        said = admin.explain(CHAT[2])
        found = [one["rule"] for stage in said["stages"] for one in stage.get("findings", [])]
        ok("FW-SQL-001" in found and said["reply"]["data"]["rule"] in found and "chat_message text FW-SQL-001" in said["exceptions"] and "event_id" not in said["reply"]["data"],
           "the rules, and how each is excepted", said)
        # What the server behind says.
        for number, message in enumerate(SERVED):
            said = admin.explain(message, direction="out", user="alice")

            async def listen():
                async with fw.connect() as client:
                    await client.send(text_of(type="chat_message", text=f"say {number}").replace('", "', '","').replace('": "', '":"'))
                    await client.send('{"type":"ping"}')
                    got = []
                    while not got or got[-1]["type"] != "pong":
                        got.append(json.loads(await asyncio.wait_for(client.recv(), PATIENCE)))
                    if len([one for one in got if one["type"] not in ("pong", "auth_success")]) == 0 and said["message"] is not None:
                        got.append(json.loads(await asyncio.wait_for(client.recv(), PATIENCE)))
                    return [one for one in got if one["type"] not in ("pong", "auth_success")]

            equal(asyncio.run(listen()), [said["message"]] if said["message"] is not None else [], f"what the server says: {message}")


def test_nothing_changes():
    with Upstream(behind) as upstream, started(upstream) as fw:
        admin = Admin(fw)
        fw.wait_records("system_changes")
        before, records = fw.stats(), len(fw.records())
        for _ in range(20):
            for message in CHAT[:8]:
                admin.explain(message, user="alice")
            admin.explain("{}", direction="out")
        after = fw.stats()
        same = ("counters", "sessions", "active_connections", "blocked_ips", "recent_security_events", "findings", "stages")
        flat = [{f"{key}.{name}": value for key in same for name, value in (one.get(key).items() if isinstance(one.get(key), dict) else [("", one.get(key))])} for one in (before, after)]
        equal([(name, flat[0][name], flat[1][name]) for name in flat[0] if flat[0][name] != flat[1][name] and name != "counters.memory_bytes"], [], "180 times asked, no figure moves")
        equal((len(fw.records()), upstream.connections, admin.ask("GET", "blocks")[1]["blocks"]), (records, 0, []), "nothing is recorded, nobody is called, nobody blocked")

        # As whom.
        def rbac(**more):
            return [(stage["verdict"], stage.get("detail")) for stage in admin.explain('{"type":"note","text":"t"}', **more)["stages"] if stage["stage"] == "rbac"]

        equal((rbac(), rbac(role="guest"), rbac(permissions=["chat.read"]), rbac(permissions=["chat.read", "chat.send"])),
              ([("pass", None)], [("refuse", "chat.send")], [("refuse", "chat.send")], [("pass", None)]), "as a role, and as one that is narrowed")
        equal(admin.explain("x", path="/chat", first=True, certificate=True, binary=True, subprotocol="a", **{"from": "2001:db8::1"})["verdict"], "close", "all that may be said")
        # What does not hold.
        bodies = ["[]", "{", "{}", '{"message":1}', '{"message":"x","role":"nobody"}', '{"message":"x","role":""}', '{"message":"x","direction":"up"}', '{"message":"x","path":"chat"}',
                  '{"message":"x","path":"/a b"}', '{"message":"x","path":"/a\\r\\nX: y"}', '{"message":"x","subprotocol":"a\\r\\nX: y"}', '{"message":"x","from":"here"}', '{"message":"x","first":1}',
                  '{"message":"x","permissions":[]}', '{"message":"x","permissions":["a b"]}', '{"message":"x","permissions":"a"}', '{"message":"x","user":"' + "u" * 129 + '"}',
                  '{"message":"x","more":1}', '{"message":"x","permissions":[' + ",".join(['"chat.read"'] * 300) + "]}"]
        equal([(body[:60], admin.ask("POST", "explain", body)[0]) for body in bodies], [(body[:60], 400) for body in bodies], "what does not hold is refused")
        equal(admin.ask("POST", "explain", {"message": "x" * 70000})[0], 413, "too much, too")
        for message in ("[" * 60000, '{"type":"chat_message","text":"' + "' or 1=1 -- " * 4900 + '"}', "\\" * 25000, "\0" * 9000):
            ok(admin.ask("POST", "explain", {"message": message})[0] == 200, f"the most that it takes: {message[:20]!r}")


def test_policy():
    with Upstream(behind) as upstream, started(upstream) as fw:
        admin = Admin(fw)
        status, policy = admin.ask("GET", "policy")
        values = {one["path"]: one for one in policy["values"]}
        lines = configured(upstream).splitlines()

        def line(path):
            return lines[values[path]["origin"]["line"] - 1]

        equal((status, policy["mode"], policy["generation"], policy["exceptions"]), (200, "enforce", 1, []), "it can be read")
        ok(policy["file"].endswith("framewall.yaml") and "authentication" in line("authentication.jwt.keys[0].kid") and "rules" in line("validation.rules[0].id")
           and "messages_per_minute" in line("rate_limiting.messages_per_minute"), "with the line of each value")
        ok(values["rate_limiting.max_message_size"]["origin"] == {"from": "default"} and values["listen"]["origin"]["name"] == "--listen", "or what else says it")
        text = json.dumps(policy)
        equal((SECRET in text, "KEYKEYKEY" in text, values["authentication.jwt.keys[0].secret"]["value"], values["routes[0].login_message"]["value"]), (False, False, None, None), "but no secret")
        shown = subprocess.run([BINARY, "check", "--print", "--json", "--config", os.path.join(fw.folder, "framewall.yaml")], stdout=subprocess.PIPE, timeout=PATIENCE, text=True)
        checked = {one["path"]: one["value"] for one in json.loads(shown.stdout)["values"]}
        equal({path for path in checked if checked[path] != values[path]["value"]} | set(values) - set(checked), {"listen", "admin.listen"}, "what check --print has, but for the command line")
        stages = {one["stage"]: one["mode"] for one in policy["stages"]}
        equal((stages["inspect"], stages["secrets"], stages["fields"], stages["inflate"], stages["rate"]), ("enforce", "enforce", "enforce", "off", "off"), "which stage does something")
        types = {(one["type"], one["direction"]): one for one in policy["messages"]}
        equal([types["note", "in"][key] for key in ("permission", "csrf", "configured")], ["chat.send", False, True], "a type of the configuration")
        equal((types["create_task", "in"]["csrf"], types["quote", "out"]["configured"], types["chat_message", "in"]["configured"]), (True, True, False), "and others")
        rules = {one["id"]: one for one in policy["rules"]}
        equal((rules["no-tables"]["action"], rules["no-tables"]["pattern"], rules["FW-SQL-001"]["action"], rules["FW-SQL-012"]["action"]), ("refuse", "drop\\s+table", "refuse", "score"), "rules")

        # What it says is what counts: an exception that it names lets the message through.
        attack = CHAT[2]
        said = admin.explain(attack, user="alice")
        generation = reload(fw, admin, configured(upstream, exceptions=", ".join(said["exceptions"])))
        said, expected, happened = compare(fw, admin, upstream, attack)
        equal((said["verdict"], said["generation"], expected), ("pass", generation, happened), "excepted, it passes, by explain and for the client")
        policy = admin.ask("GET", "policy")[1]
        equal((policy["generation"], "chat_message text FW-SQL-001" in policy["exceptions"]), (generation, True), "and it is read so")
        reload(fw, admin, configured(upstream, mode="monitor"))
        said = admin.explain(attack, user="alice")

        async def send():
            async with fw.connect() as client:
                await client.send(attack)
                while attack not in upstream.received[before:]:
                    await asyncio.sleep(0.02)

        before = len(upstream.received)
        asyncio.run(asyncio.wait_for(send(), PATIENCE))
        equal((said["mode"], said["verdict"], said["message"], (said["reply"] or {}).get("data", {}).get("code")), ("monitor", "refuse", None, "INVALID_MESSAGE"), "in mode monitor it says what would be, and that it is not")
        equal({one["mode"] for one in admin.ask("GET", "policy")[1]["stages"]}, {"monitor", "off"}, "and no stage enforces")
        with open(os.path.join(fw.folder, "framewall.yaml"), "w") as file:
            file.write("nonsense: true\n")
        equal((admin.ask("POST", "reload", {})[0], admin.ask("GET", "policy")[1]["mode"]), (422, "monitor"), "a file that does not hold changes nothing of it")


main(test_same, test_nothing_changes, test_policy)
