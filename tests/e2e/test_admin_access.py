#!/usr/bin/python3
"""Who may do what on the admin side: every route of the document with every role, tokens that expire, are revoked and outlive a restart, the same
request twice, too much, problems by RFC 9457, the document itself."""
import http.client
import re
import sqlite3

from framewall import *

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
from reference_tables import rows_of

ROLES = ["read-only", "auditor", "operator", "admin"]
CONFIG = "monitoring: { auto_block: { violation_threshold: 1000000 } }\n"


class Admin:
    """Requests with one credential."""

    def __init__(self, port, token=None):
        self.port, self.token = port, token

    def ask(self, method, path, body=None, **headers):
        """(status, parsed body, headers)"""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=PATIENCE)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent["Authorization"] = "Bearer " + self.token
        if method in ("POST", "PUT"):
            sent.setdefault("Content-Type", "application/json")
            body = json.dumps(body) if body is not None and not isinstance(body, str) else body or ""
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        octets = answer.read()
        connection.close()
        text = octets.decode("utf-8", "replace")
        parsed = json.loads(text) if "json" in (answer.getheader("Content-Type") or "") and text else text
        return answer.status, parsed, answer


def root(fw):
    with open(os.path.join(fw.data, "admin.token")) as file:
        return Admin(fw.admin_port(), file.read().strip())


def started_with(config):
    return Framewall(config, places=("--listen", "localhost:0", "--admin", "localhost:0"), says=r"\bthreat\b|log levels changed|key")


def started(*more, **options):
    return Framewall(CONFIG, *more, places=("--listen", "localhost:0", "--admin", "localhost:0"), **options)


def say(fw, *words, status=0):
    done = subprocess.run([BINARY, "admin", "token", *words, "--data", fw.data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    if done.returncode != status:
        raise RuntimeError(f"admin token {words}: {done.returncode} {done.stdout} {done.stderr}")
    return done.stdout + done.stderr


def made(fw, role, *more):
    return say(fw, "create", "--name", f"{role}'s", "--role", role, *more).split()[-1]


def is_problem(answer):
    status, body, head = answer
    return head.getheader("Content-Type") == "application/problem+json" and isinstance(body, dict) and body.get("status") == status and \
        isinstance(body.get("title"), str) and isinstance(body.get("type"), str)


def test_document():
    with started() as fw:
        admin = root(fw)
        status, document, _ = admin.ask("GET", "/api/v1/openapi.json")
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/reference/openapi.json")) as file:
            committed = json.load(file)
        equal((status, document), (200, committed), "the document that is served is the one that is committed")
        table = {(row[0], row[1]) for row in rows_of("admin_routes", "ROUTE") if "DEMO" not in row[4]}
        equal({(method.upper(), path) for path, methods in document["paths"].items() for method in methods}, table, "it has each route of the table")


def faults(document, schema, value, where="answer"):
    """What of a value is not as its schema says; members that the schema does not know are, too."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    kinds = schema.get("type")
    kind = "null" if value is None else {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}[type(value)]
    if kinds is not None and kind not in (kinds if isinstance(kinds, list) else [kinds]) and not (kind == "integer" and kinds == "number"):
        return [f"{where}: {kind}, not {kinds}"]
    found = []
    if kind == "array":
        for number, one in enumerate(value[:50]):
            found += faults(document, schema.get("items", {}), one, f"{where}[{number}]")
    if kind == "object":
        found += [f"{where}.{name}: is not there" for name in schema.get("required", []) if name not in value]
        for name, one in value.items():
            if name in schema.get("properties", {}):
                found += faults(document, schema["properties"][name], one, f"{where}.{name}")
            elif isinstance(schema.get("additionalProperties"), dict):
                found += faults(document, schema["additionalProperties"], one, f"{where}.{name}")
            elif "properties" in schema:
                found.append(f"{where}.{name}: is not known")
    return found


def test_answers():
    """What is answered has the members that the document says, and no others."""
    config = CONFIG + """
audit_logging: { receivers: [ { name: kept, url: "file:sent.jsonl" } ] }
validation: { rules: [ { id: no-tables, pattern: 'drop +table', class: sql, reason: "tables stay" } ] }
messages: { quote: { direction: both, permission: any, messages_per_minute: 5, fields: {}, receive: { permission: any, fields: {} } } }
"""
    with Framewall(config, places=("--listen", "localhost:0", "--admin", "localhost:0"), says="log levels changed") as fw:
        admin, checked, wrong = root(fw), set(), []
        document = admin.ask("GET", "/api/v1/openapi.json")[1]

        def ask(method, path, body=None, of=None):
            status, answered, head = admin.ask(method, path, body)
            operation = document["paths"][of or path.split("?")[0]][method.lower()]
            content = operation["responses"].get(str(status), {}).get("content", {}).get("application/json")
            if content is None:
                wrong.append((method, path, status, answered))
                return answered
            checked.add(content["schema"].get("$ref", "").rsplit("/", 1)[1] if "$ref" in content["schema"] else path)
            wrong.extend(faults(document, content["schema"], answered, f"{method} {path}"))
            return answered

        async def client():
            async with fw.connect() as one:
                await one.send('{"type":"chat_message","text":"hello"}')
                await one.send('{"type":"chat_message","text":"1 union select password from users -- "}')
                while json.loads(await asyncio.wait_for(one.recv(), PATIENCE))["type"] != "error":
                    pass
                for path in ("connections", "sessions", "top"):
                    ask("GET", "/api/v1/" + path)

        asyncio.run(client())
        fw.wait_records("dangerous_content")
        ask("POST", "/api/v1/blocks", {"address": "192.0.2.1", "reason": "seen"})
        ask("GET", "/api/v1/blocks/192.0.2.1", of="/api/v1/blocks/{subject}")
        ask("GET", "/api/v1/blocks/user:bob", of="/api/v1/blocks/{subject}")
        ask("POST", "/api/v1/silences", {"matchers": {"alert": "a"}, "seconds": 60, "reason": "r", "author": "me"})
        ask("POST", "/api/v1/responses", {"action": "slow", "user": "bob", "reason": "r"})
        ask("POST", "/api/v1/responses", {"action": "block", "address": "192.0.2.9", "reason": "r", "dry_run": True})
        made_key = ask("POST", "/api/v1/keys", {"name": "one", "scopes": ["chat.send"], "networks": ["10.0.0.0/8"], "expires_in": 60})
        ask("POST", f"/api/v1/keys/{made_key['id']}/rotate", {}, of="/api/v1/keys/{id}/rotate")
        ask("POST", "/api/v1/revocations", {"user": "carol", "reason": "r"})
        ask("POST", "/api/v1/users", {"user": "dave", "password": "correct horse battery"})
        ask("PUT", "/api/v1/users/dave", {"password": "another horse battery"}, of="/api/v1/users/{user}")
        ask("POST", "/api/v1/tokens", {"user": "erin"})
        ask("POST", "/api/v1/admin-tokens", {"name": "n", "role": "auditor"})
        ask("PUT", "/api/v1/log", {"levels": "connection=error"})
        ask("POST", "/api/v1/reload", {})
        ask("POST", "/api/v1/threats/reload", {})
        ask("GET", "/api/v1/threats/192.0.2.1", of="/api/v1/threats/{address}")
        for message in ("hello", '{"type":"chat_message","text":"1 union select password from users -- "}', '{"type":"chat_message","text":5}', '{"type":"ping"}', "{"):
            ask("POST", "/api/v1/explain", {"message": message})
        for path in document["paths"]:
            if "get" in document["paths"][path] and "{" not in path and "101" not in document["paths"][path]["get"]["responses"] and path.startswith(("/api", "/healthz", "/readyz", "/.well")) \
                    and not path.endswith("/report"):
                ask("GET", path)
        equal(wrong, [], "every answer is as the document says")
        shapes = {content["schema"]["$ref"].rsplit("/", 1)[1] for methods in document["paths"].values() for one in methods.values() for answered in one["responses"].values()
                  for content in answered.get("content", {}).values() if "$ref" in content["schema"]}
        equal(shapes - checked, set(), "and each shape was seen")


def test_every_route():
    """Whoever has less than the role of a route gets 403, whoever has it another answer; without a credential 401."""
    with started() as fw:
        tokens = {role: Admin(fw.admin_port(), made(fw, role)) for role in ROLES}
        nobody = Admin(fw.admin_port())
        texts = dict((name, text) for name, text, _ in rows_of("admin_roles", "ADMIN_ROLE"))
        wrong, denied = [], 0
        for method, path, _, least, flags, *_ in rows_of("admin_routes", "ROUTE"):
            if "DEMO" in flags or path.endswith("/stream"):
                continue
            # Nothing is to be found behind it, and no body is one: allowed is 400 or 404, and nothing is changed.
            target, body = re.sub(r"{\w+}", "nobody-there", path), "[]" if method in ("POST", "PUT") else None
            got = {role: tokens[role].ask(method, target, body) for role in ROLES} if "reload" not in path and "rotate" not in path else \
                {role: tokens[role].ask(method, target, body) for role in ROLES if least != "open" and ROLES.index(role) < ROLES.index(texts[least])}
            for role, answer in got.items():
                may = least == "open" or ROLES.index(role) >= ROLES.index(texts[least])
                if (answer[0] == 403) == may or answer[0] in (401, 405, 415, 429) or answer[0] >= 500:
                    wrong.append((method, path, role, answer[0]))
                if not may:
                    denied += 1
                    if not is_problem(answer) or texts[least] not in answer[1]["detail"]:
                        wrong.append((method, path, role, answer[1]))
                if answer[0] >= 400 and not is_problem(answer):
                    wrong.append((method, path, role, "no problem document", answer[1]))
            if least != "open" and method == "GET" and nobody.ask(method, target)[0] not in (401, 429):
                wrong.append((method, path, "nobody"))
        equal(wrong, [], "every route with every role answers as the table says")
        ok(denied >= 60, f"{denied} times it was refused")
        equal([tokens[role].ask("GET", "/api/v1/whoami")[1]["role"] for role in ROLES], ROLES, "each is told his role")
        record = fw.wait_records("auth_failure")[-1]["details"]
        equal(record["cause"] in ("role of the admin token", "no admin token"), True, "what was refused is in the record")
        status, _, _ = tokens["operator"].ask("POST", "/api/v1/blocks", {"address": "192.0.2.9", "reason": "test"})
        ok(until(lambda: [r for r in fw.records("admin_action") if r["details"].get("by") == "operator's" and r["details"]["action"] == "block add"]) and status == 201,
           "what an operator does bears his token's name")
        for role in ROLES[:3]:
            equal(tokens[role].ask("POST", "/api/v1/admin-tokens", {"name": "more", "role": "admin"})[0], 403, f"{role} makes no token for himself")
            equal(tokens[role].ask("POST", "/api/v1/tokens", {"user": "eve", "role": "admin"})[0], 403, f"nor does {role} one of a client")


def test_tokens():
    with started(check=False) as fw:
        token = made(fw, "operator")
        short = made(fw, "operator", "--expires", "2s")
        listed = json.loads(say(fw, "list", "--json"))["tokens"]
        equal([(row["name"], row["role"]) for row in listed], [("operator's", "operator")] * 2, "both are listed")
        ok(token not in json.dumps(listed) and "hash" not in json.dumps(listed), "without the tokens")
        one = Admin(fw.admin_port(), token)
        equal(one.ask("GET", "/api/v1/stats")[0], 200, "it opens")
        equal([Admin(fw.admin_port(), wrong).ask("GET", "/api/v1/stats")[0] for wrong in (token[:-1], token + "A", token.upper(), "fwadmin_", listed[0]["id"])],
              [401] * 5, "nothing like it does")
        ok(until(lambda: Admin(fw.admin_port(), short).ask("GET", "/api/v1/stats")[0] == 401), "one that expired does not")
        equal(one.ask("GET", "/api/v1/stats", Cookie="token=" + token)[0], 200, "a cookie beside it changes nothing")
        equal(Admin(fw.admin_port()).ask("GET", "/api/v1/stats", Cookie="token=" + token)[0], 401,
              "a cookie is no credential: what a foreign page sends along unasked opens nothing")
        fw.signal()
        fw.wait()
        found = [name for name in glob.glob(fw.data + "/**", recursive=True) if os.path.isfile(name) and token.encode() in open(name, "rb").read()]
        equal(found, [], "the token is in no file")
        with sqlite3.connect(os.path.join(fw.data, "framewall.db")) as database:
            values = [value for row in database.execute("SELECT hash, name FROM admin_tokens") for value in row]
        database.close()
        ok(len(values) == 4 and not any(hashlib.sha256(token.encode()).digest() in value or b"operator" in value for value in values), "its hash and name are sealed")
        ok("operator" in say(fw, "list"), "it is listed on the data directory of a stopped server, too")
        other = Framewall(CONFIG, "--data", fw.data, places=("--listen", "localhost:0", "--admin", "localhost:0"), check=False)
        try:
            other.data, kept = fw.data, other.data
            again = Admin(other.admin_port(), token)
            equal(again.ask("GET", "/api/v1/whoami")[1]["name"], "operator's", "after a restart it opens")
            stream = socket.create_connection(("localhost", other.admin_port()))
            stream.sendall((f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            f"Sec-WebSocket-Key: {base64.b64encode(b'0' * 16).decode()}\r\nAuthorization: Bearer {token}\r\n\r\n").encode())
            stream.settimeout(PATIENCE)
            ok(b" 101 " in stream.recv(4096), "the stream opens with it")
            say(other, "revoke", listed[0]["id"])
            equal(again.ask("GET", "/api/v1/whoami")[0], 401, "revoked, it does not open any more")
            octets = b"."
            while octets:
                octets = stream.recv(65536)
            ok(True, "and the stream that it had opened ends")
            ok("no such token" in say(other, "revoke", listed[0]["id"], status=3), "it is not revoked twice")
            actions = [record["details"]["action"] for record in other.records("admin_action")]
            ok("admin token create" in actions and "admin token revoke" in actions, "both are in the record")
            shutil.rmtree(kept, ignore_errors=True)
        finally:
            other.stop()


def test_again():
    """The same POST twice."""
    with started() as fw:
        admin = root(fw)
        body = {"address": "192.0.2.1", "hours": 1, "reason": "once"}
        first = admin.ask("POST", "/api/v1/blocks", body, Idempotency_Key="k1")
        equal(admin.ask("DELETE", "/api/v1/blocks/192.0.2.1")[0], 204, "what it did is undone meanwhile")
        second = admin.ask("POST", "/api/v1/blocks", body, Idempotency_Key="k1")
        equal((first[0], first[1]), (second[0], second[1]), "the second answer is the first")
        equal((first[2].getheader("Idempotent-Replayed"), second[2].getheader("Idempotent-Replayed")), (None, "true"), "and says so")
        equal(admin.ask("GET", "/api/v1/blocks")[1]["blocks"], [], "and nothing was done again")
        equal(admin.ask("POST", "/api/v1/blocks", {**body, "hours": 2}, Idempotency_Key="k1")[0], 422, "another body under the same key is refused")
        equal(admin.ask("POST", "/api/v1/blocks", body, Idempotency_Key="k2")[0], 201, "another key does it again")
        equal([admin.ask("POST", "/api/v1/blocks", body, Idempotency_Key=key)[0] for key in ("", "a b", "x" * 129)], [400] * 3, "a key that is none is refused")
        equal(admin.ask("POST", "/api/v1/blocks", {"address": "no"}, Idempotency_Key="k3")[0], 400, "what does not hold is refused")
        equal(admin.ask("POST", "/api/v1/blocks", body, Idempotency_Key="k3")[0], 201, "and its key is free for what does")
        other = Admin(fw.admin_port(), made(fw, "operator"))
        equal(other.ask("POST", "/api/v1/blocks", {**body, "hours": 3}, Idempotency_Key="k1")[0], 201, "somebody else's keys are his own")
        for number in range(300):
            admin.ask("POST", "/api/v1/blocks", body, Idempotency_Key=f"many-{number}")
        equal(admin.ask("POST", "/api/v1/blocks", body, Idempotency_Key="many-299")[2].getheader("Idempotent-Replayed"), "true", "of many the last ones are known")


def test_too_much():
    with started() as fw:
        wrong = Admin(fw.admin_port(), "wrong")
        got = [wrong.ask("GET", "/api/v1/stats") for _ in range(60)]
        ok(sum(answer[0] == 401 for answer in got) < 50 and got[-1][0] == 429 and is_problem(got[-1]) and int(got[-1][2].getheader("Retry-After")) > 0,
           "many wrong credentials are answered 429", [answer[0] for answer in got])
        equal(root(fw).ask("GET", "/api/v1/stats")[0], 200, "the right one opens all the same: nobody is locked out by others")
        equal(Admin(fw.admin_port()).ask("GET", "/healthz")[0], 200, "and health is answered")
        counted = len(fw.wait_records("auth_failure", 60))
        equal(counted, 60, "each of them is in the record")
        connection, statuses = http.client.HTTPConnection("localhost", fw.admin_port(), timeout=PATIENCE), []
        for _ in range(4000):
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
            if answer.status == 429:
                break
        ok(statuses[-1] == 429, f"more than an address may ask is refused: {len(statuses)}")


def test_forms():
    """Whatever is sent, a problem document comes back and the server goes on."""
    with started() as fw:
        admin, wrong = root(fw), []
        bodies = ["", "[]", "null", "{", '{"name":1}', '{"name":"x","role":"root"}', '{"name":"x","role":"admin","expires_in":-1}', '{"name":"x","role":"admin","expires_in":1e99}',
                  '{"name":"","role":"admin"}', '{"name":"' + "n" * 65 + '","role":"admin"}', '{"name":"a\\nb","role":"admin"}', '{"name":"a\\u0000b","role":"admin"}',
                  '{"name":"x","role":"admin","more":1}', '{"name":"x","name":"y","role":"admin"}', "\xff"]
        for body in bodies:
            answer = admin.ask("POST", "/api/v1/admin-tokens", body)
            if answer[0] != 400 or not is_problem(answer):
                wrong.append((body[:40], answer[0]))
        equal(wrong, [], "a token's body that does not hold is refused")
        equal(admin.ask("POST", "/api/v1/admin-tokens", "x" * 70000)[0], 413, "one that is too large, too")
        for identity in ("x", "0" * 16, "0" * 17, "%00", "%", "../admin-tokens", "a/b", "%F0%9F%98%80"):
            answer = admin.ask("DELETE", "/api/v1/admin-tokens/" + identity)
            if answer[0] != 404 or not is_problem(answer):
                wrong.append((identity, answer[0]))
        equal(wrong, [], "an id that is none is not found")
        equal(admin.ask("POST", "/api/v1/admin-tokens", '{"name":"x","role":"admin"}', Content_Type="text/plain")[0], 415, "a form of a foreign page is not taken")
        made_all = [admin.ask("POST", "/api/v1/admin-tokens", {"name": f"n{i}", "role": "read-only"})[0] for i in range(260)]
        equal((made_all.count(201), made_all[-1]), (256, 507), "256 tokens there may be")
        equal(admin.ask("PATCH", "/api/v1/admin-tokens")[0], 405, "a method that it does not take")


CHANGES = ("admin_action", "response_applied", "response_ended")


def test_changes():
    """Each route of the table that changes something leaves one record of it: who, what, before, after, and no secret."""
    folder = tempfile.mkdtemp(prefix="framewall-changes-")
    netset = os.path.join(folder, "bad.netset")
    with open(netset, "w") as file:
        file.write("203.0.113.0/24\n")
    config = CONFIG + "threat_intelligence: { lists: [ { name: bad, url: \"file:" + netset + "\", format: netset, action: count } ] }\n"
    with started_with(config) as fw:
        by = "changer"
        admin = Admin(fw.admin_port(), say(fw, "create", "--name", by, "--role", "admin").split()[-1])
        carol = RawClient(fw.port, fw.bearer("carol"))
        until(lambda: admin.ask("GET", "/api/v1/sessions")[1]["sessions"] and admin.ask("GET", "/api/v1/connections")[1]["connections"])
        session = admin.ask("GET", "/api/v1/sessions")[1]["sessions"][0]["session_id"]
        connection = admin.ask("GET", "/api/v1/connections")[1]["connections"][0]["connection_id"]
        got, secrets = {}, ["a long passphrase 1", "a long passphrase 2"]

        def of(method, path, member):
            return got[method, path][member]

        # In an order in which each finds what it changes: the body, and what the path ends in.
        calls = {
            ("PUT", "/api/v1/log"): ({"levels": "hub=debug"}, ""),
            ("POST", "/api/v1/reload"): ({}, ""),
            ("DELETE", "/api/v1/connections/{id}"): (None, lambda: connection),
            ("DELETE", "/api/v1/sessions/{id}"): (None, lambda: session),
            ("POST", "/api/v1/keys"): ({"name": "ci"}, ""),
            ("POST", "/api/v1/keys/{id}/rotate"): ({}, lambda: of("POST", "/api/v1/keys", "id")),
            ("DELETE", "/api/v1/keys/{id}"): (None, lambda: of("POST", "/api/v1/keys/{id}/rotate", "id")),
            ("POST", "/api/v1/key-store/rotate"): ({}, ""),
            ("POST", "/api/v1/revocations"): ({"user": "dave", "disabled": True}, ""),
            ("DELETE", "/api/v1/revocations/{user}"): (None, lambda: "dave"),
            ("POST", "/api/v1/users"): ({"user": "erin", "password": secrets[0]}, ""),
            ("PUT", "/api/v1/users/{user}"): ({"password": secrets[1]}, lambda: "erin"),
            ("DELETE", "/api/v1/users/{user}"): (None, lambda: "erin"),
            ("POST", "/api/v1/tokens"): ({"user": "frank"}, ""),
            ("POST", "/api/v1/admin-tokens"): ({"name": "more", "role": "auditor"}, ""),
            ("DELETE", "/api/v1/admin-tokens/{id}"): (None, lambda: of("POST", "/api/v1/admin-tokens", "id")),
            ("POST", "/api/v1/silences"): ({"matchers": {"alert": "x"}, "seconds": 60, "reason": "r", "author": "a"}, ""),
            ("DELETE", "/api/v1/silences/{id}"): (None, lambda: of("POST", "/api/v1/silences", "id")),
            ("POST", "/api/v1/responses"): ({"action": "isolate", "user": "grace", "reason": "r"}, ""),
            ("DELETE", "/api/v1/responses/{id}"): (None, lambda: of("POST", "/api/v1/responses", "id")),
            ("POST", "/api/v1/threats/reload"): ({}, ""),
            ("POST", "/api/v1/blocks"): ({"address": "192.0.2.77", "reason": "r"}, ""),
            ("DELETE", "/api/v1/blocks/{subject}"): (None, lambda: "192.0.2.77"),
        }
        table = {(method, path) for method, path, _, least, *_ in rows_of("admin_routes", "ROUTE") if method not in ("GET", "HEAD") and least not in ("open", "reader", "auditor")}
        equal(table ^ set(calls), set(), "each route that changes something is asked here: whoever adds one adds how it is recorded")

        def changes():
            return [record for record in fw.records() if record["event_type"] in CHANGES and by in (record["details"].get("by"), record["details"].get("cause", "").split(" ")[-1])]

        wrong = []
        for (method, path), (body, name) in calls.items():
            target = re.sub(r"{\w+}", name, path) if isinstance(name, str) else re.sub(r"{\w+}", name(), path)
            had = len(changes())
            status, answer, _ = admin.ask(method, target, body)
            got[method, path] = answer
            if isinstance(answer, dict):
                secrets += [answer[member] for member in ("token", "key") if isinstance(answer.get(member), str)]
            until(lambda: len(changes()) > had, 5)
            made = changes()[had:]
            if not 200 <= status < 300 or len(made) != 1:
                wrong.append((method, path, status, answer, made))
                continue
            details = made[0]["details"]
            if path.endswith("reload") and "digest_before" in details and "digest_after" in details:
                continue
            before, after = (json.loads(details.get(which, '"nothing is said"')) for which in ("before", "after"))
            if before == after or "nothing is said" in (before, after) or (before is None and method != "POST") or (after is None and method != "DELETE"):
                wrong.append((method, path, details))
        equal(wrong, [], "each leaves one record, with what it was before and what it is then")
        equal(len(changes()), len(calls), "and no other")
        text = "".join(json.dumps(record) for record in fw.records())
        equal([secret for secret in secrets if secret in text], [], f"none of {len(secrets)} passwords, keys and tokens is in the record")
        state = {record["details"].get("action", ""): record["details"] for record in changes()}
        equal((json.loads(state["connection close"]["before"])["user_id"], json.loads(state["connection close"]["after"])), ("carol", None), "who was cut off is in it")
        equal(json.loads(state["log levels"]["before"]), {"hub": "info"}, "and how much the log said before")
        carol.close()
        until(lambda: not admin.ask("GET", "/api/v1/connections")[1]["connections"])
        equal(admin.ask("DELETE", "/api/v1/connections/" + connection)[0], 404, "a connection that is there no more is not ended again")
        had = len(fw.records())
        statuses = [admin.ask(method, re.sub(r"{\w+}", "nobody-there", path), "[]" if method != "DELETE" else None)[0] for method, path in calls if "reload" not in path and "rotate" not in path]
        equal([status for status in statuses if status not in (400, 404)], [], "what changes nothing is refused")
        equal([record["details"] for record in fw.records()[had:] if record["event_type"] in CHANGES], [], "and leaves no record of a change")
    shutil.rmtree(folder, ignore_errors=True)


main(test_document, test_answers, test_every_route, test_tokens, test_again, test_too_much, test_forms, test_changes)
