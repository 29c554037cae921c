"""Secrets at the most verbose level: one in every place that a secret can be, none in any place that is written or answered.

Each secret is a canary: random, and searched for as it is, in base64, base64url, hex and percent-encoded, whole and its parts, in
standard error and output, the record, /metrics, the figures, the list of events, and every answer to clients and operators."""
import base64
import hashlib
import hmac
import json
import os
import secrets
import shutil
import socket
import ssl
import string
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import certificates
import framewall as fw

CONFIG = """
hosts: [ localhost ]
upstream:
  url: "{url}"
  assertion: true
  login_message: '{{"type":"auth","secret":"{login_message}","user":"${{user_id}}"}}'
authentication:
  query_parameter: true
  jwt:
    keys: [ {{ kid: a, secret: "{jwt_secret}" }}, {{ kid: b, secret: "${{file:{folder}/jwt.secret}}" }}, {{ kid: c, secret: "${{env:CANARY_SECRET}}" }} ]
  api_keys: [ {{ id: "{api_id}", hash: "{api_hash}", name: reader, role: user }} ]
tls: {{ certificate: {folder}/server.pem, key: {folder}/server.key }}
""" + fw.RELAXED


class Canaries:
    """Names and values; the places that a value may come out of are looked through for all of them."""

    def __init__(self):
        self.values = {}

    def new(self, name, prefix="", size=24):
        return self.add(name, prefix + "Kanari" + secrets.token_hex(size))

    def add(self, name, value):
        self.values[name] = value if isinstance(value, bytes) else value.encode()
        return value

    @staticmethod
    def forms(value):
        yield value
        yield value.hex().encode()
        yield urllib.parse.quote(value, safe="").encode()
        yield json.dumps(value.decode("latin-1"))[1:-1].encode()
        for shift in range(3):
            # The same octets at each of the three places that base64 may begin at, without what depends on the neighbours.
            body = value[shift:]
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                text = encode(body[:len(body) // 3 * 3])
                if len(text) >= 16:
                    yield text

    def found_in(self, text, allowed=()):
        return sorted({name for name, value in self.values.items() if name not in allowed
                       for form in self.forms(value) if len(form) >= 8 and form in text})


def api_key():
    """fw_ENV_ID_SECRET_CHECKSUM"""
    body = "fw_test_" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(8)) + "_" + \
        "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(32)) + "_"
    return body + hashlib.sha256(body.encode()).hexdigest()[:6]


async def behind(server, websocket):
    """A server that wants a login message, and says back what it hears."""
    await websocket.recv()
    await websocket.send('{"type":"auth_success","data":{}}')
    async for message in websocket:
        await websocket.send(message)


def jwt(key, kid, user, **claims):
    now = int(time.time())
    head = fw.base64url(json.dumps({"alg": "HS256", "typ": "JWT", "kid": kid}).encode())
    body = fw.base64url(json.dumps({"sub": user, "role": "user", "iat": now, "exp": now + 600, **claims}).encode())
    return f"{head}.{body}." + fw.base64url(hmac.new(key.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest())


class World:
    def __init__(self):
        self.canaries = Canaries()
        self.answers = []  # (name, octets): what clients and operators were told

    def token(self, name, key="jwt_secret", kid="a", user=None, **claims):
        token = jwt(self.canaries.values[key].decode(), kid, user or "user_" + name, **claims)
        self.canaries.add("signature of " + name, token.rsplit(".", 1)[1])
        return token

    def client(self, server, name, headers=(), path="/", messages=(), subprotocol=None):
        """A TLS client: sends the head and messages, keeps all that comes."""
        plain = socket.create_connection(("localhost", server.port), fw.PATIENCE)
        client = fw.RawClient.__new__(fw.RawClient)
        client.waiting = b""
        client.socket = ssl.create_default_context(cafile=self.folder + "/ca.pem").wrap_socket(plain, server_hostname="localhost")
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *headers]
        client.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        client.read_head()
        told = client.head + client.waiting
        got = []
        if client.status == 101:
            for message in messages:
                client.send(message)
                try:
                    while True:
                        opcode, payload = client.receive()
                        got.append(payload)
                        if opcode in (1, 8):
                            break
                except (EOFError, OSError):
                    break
        client.socket.close()
        self.answers.append((name, told + b"\n".join(got)))
        return client.status, got


def places_of_credentials(world, server):
    """JWT in each place, good and bad; keys; sessions; what else a head may hold."""
    canaries = world.canaries
    ok = []
    for kid, key in (("a", "jwt_secret"), ("b", "jwt_file"), ("c", "jwt_environment")):
        ok.append(world.client(server, "authorization", [f"Authorization: Bearer {world.token('authorization ' + kid, key, kid)}"])[0])
    ok.append(world.client(server, "api key", [f"X-API-Key: {canaries.values['api key'].decode()}"])[0])
    ok.append(world.client(server, "cookie", [f"Cookie: a=b; framewall_token={world.token('cookie')}; s={canaries.new('other cookie')}"])[0])
    ok.append(world.client(server, "subprotocol", [f"Sec-WebSocket-Protocol: framewall.bearer, {world.token('subprotocol')}"])[0])
    ok.append(world.client(server, "query", path=f"/?token={world.token('query')}&x={canaries.new('other parameter')}")[0])
    fw.equal(ok, [101] * len(ok), "every place of a credential lets in")
    bad = []
    for name, header in (("wrong", "Authorization: Bearer {}"), ("basic", "Authorization: Basic {}"), ("key", "X-API-Key: {}"),
                         ("cookie", "Cookie: framewall_token={}"), ("subprotocol", "Sec-WebSocket-Protocol: framewall.bearer, {}"),
                         ("proxy", "Proxy-Authorization: Bearer {}"), ("own", "X-Secret: {}"), ("referer", "Referer: https://u:{}@example.com/")):
        secret = canaries.new("bad " + name, "fws_" if name == "key" else "")
        bad.append(world.client(server, "bad " + name, [header.format(secret)], messages=[json.dumps({"type": "ping"})])[0])
    bad.append(world.client(server, "jwt as api key", [f"X-API-Key: {world.token('x-api-key')}"])[0])
    bad.append(world.client(server, "bad query", path=f"/?token={canaries.new('bad query')}")[0])
    bad.append(world.client(server, "expired", [f"Authorization: Bearer {world.token('expired', exp=1)}"])[0])
    bad.append(world.client(server, "broken head", [f"Authorization : Bearer {canaries.new('broken head')}"])[0])
    bad.append(world.client(server, "long", ["X-Long: " + canaries.new("long head") + "x" * 9000])[0])
    fw.ok(bad.count(401) >= 6 and 400 in bad and 431 in bad, "wrong ones are refused in every place", bad)


def messages(world, server):
    """Login messages, tokens that are given out, messages with secrets where none belong."""
    canaries = world.canaries
    for field, method in (("token", "jwt"), ("api_key", "api_key"), ("session_token", "session"), ("password", "password")):
        secret = canaries.new("bad auth " + field, {"api_key": "fw_", "session_token": "fws_"}.get(field, ""))
        world.client(server, "auth " + field, messages=[json.dumps({"type": "auth", "method": method, "user_id": "eve", field: secret})])
        world.client(server, "auth " + field + " too much", messages=[
            json.dumps({"type": "auth", "method": method, field: [canaries.new("list in " + field)]})])
    world.client(server, "auth method", messages=[json.dumps({"type": "auth", "method": "jwt", "token": canaries.new("no jwt") + "." * 9000})])
    _, got = world.client(server, "login", messages=[json.dumps({"type": "auth", "method": "jwt", "token": world.token("message")})])
    granted = json.loads(got[0])["data"]
    canaries.add("session token", granted["session_token"])
    canaries.add("csrf token", granted["csrf_token"])
    _, got = world.client(server, "session", messages=[
        json.dumps({"type": "auth", "method": "session", "session_token": granted["session_token"]}),
        json.dumps({"type": "delete_task", "task_id": 1, "csrf_token": granted["csrf_token"]}),
        json.dumps({"type": "create_task", "title": "x", "csrf_token": canaries.new("bad csrf")}),
        json.dumps({"type": "chat_message", "text": "x", "passwort": canaries.new("unknown value")}),
        json.dumps({"type": "chat_message", "text": ["a", canaries.new("list")]}),
        json.dumps({"type": "unknown", "secret": canaries.new("of an unknown type")}),
        '{"type":"chat_message","text":"' + canaries.new("broken JSON") + '"',
        json.dumps({"type": "chat_message", "text": canaries.new("chat password"), "reply_to": -1}),
        json.dumps({"type": "auth", "method": "jwt", "token": canaries.new("again")}),
        json.dumps({"type": "csrf_refresh"}),
        json.dumps({"type": "chat_message", "text": "<script>" + canaries.new("chat markup") + "</script>"}),
    ])
    second = json.loads(got[0])["data"]
    canaries.add("second session token", second["session_token"])
    canaries.add("second csrf token", second["csrf_token"])
    refreshed = [json.loads(m)["data"]["csrf_token"] for m in got if b'"csrf_token"' in m and b"csrf_token" in m and b"auth_success" not in m]
    for number, token in enumerate(refreshed):
        canaries.add(f"refreshed csrf token {number}", token)
    fw.ok(len(got) >= 10 and len(refreshed) == 1, "messages are answered", got)


def fetch(world, server, name, path, token=None, method="GET", body=None):
    request = urllib.request.Request(f"http://localhost:{server.admin_port()}{path}", method=method, data=body)
    if token:
        request.add_header("Authorization", "Bearer " + token)
    if body:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=fw.PATIENCE) as answer:
            status, octets = answer.status, str(answer.headers).encode() + answer.read()
    except urllib.error.HTTPError as error:
        status, octets = error.code, str(error.headers).encode() + error.read()
    world.answers.append((name, octets))
    return status


def admin(world, server):
    canaries, statuses = world.canaries, []
    with open(os.path.join(server.data, "admin.token")) as file:
        good = canaries.add("admin token", file.read().strip())
    for path in ("/metrics", "/api/v1/stats", "/api/v1/events?limit=1000", "/api/v1/blocks", "/api/v1/log", "/api/v1/policy", "/.well-known/jwks.json", "/readyz"):
        statuses.append(fetch(world, server, path, path, good))
        statuses.append(fetch(world, server, "bad " + path, path, canaries.new("bad admin token")))
    fetch(world, server, "query", "/api/v1/stats?token=" + canaries.new("admin query"), good)
    fetch(world, server, "body", "/api/v1/blocks", good, "POST", json.dumps({"address": canaries.new("admin body")}).encode())
    fetch(world, server, "levels", "/api/v1/log", good, "PUT", json.dumps({"levels": canaries.new("admin levels")}).encode())
    fw.ok(statuses.count(200) >= 8 and statuses.count(401) == 6, "the admin side answers, and refuses wrong tokens", statuses)


def keys_of_files(world, server):
    for name in ("jwt.key", "assertion.pem"):
        with open(os.path.join(server.data, "keys", name), "rb") as file:
            octets = file.read()
        world.canaries.add(name, b"".join(octets.split(b"\n")[1:-2]) if name.endswith(".pem") else octets)
    with open(world.folder + "/server.key", "rb") as file:
        world.canaries.add("key of the certificate", b"".join(line for line in file.read().split(b"\n") if line and b"-----" not in line))


def scanned(world, server, files):
    """The canaries that were found, by place."""
    places = {name: octets for name, octets in files.items()}
    for folder, _, names in os.walk(os.path.join(server.data, "record")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                places["record " + name] = file.read()
    found = {name: world.canaries.found_in(octets) for name, octets in places.items()}
    # Who logged in is given tokens, and that is what they are for; a server behind echoes what it is sent.
    given = {"login": ("session token", "csrf token"),
             "session": [name for name in world.canaries.values if "csrf token" in name or "session token" in name or name.startswith("chat ")]}
    for name, octets in world.answers:
        hit = world.canaries.found_in(octets, given.get(name, ()))
        if hit:
            found["answer " + name] = hit
    return places, {name: hit for name, hit in found.items() if hit}


def all_places():
    world = World()
    world.folder = tempfile.mkdtemp(prefix="framewall-canary-")
    authority = certificates.Authority()
    pair = authority.sign("server")
    for path, name in ((authority.certificate, "ca.pem"), (pair.certificate, "server.pem"), (pair.key, "server.key")):
        shutil.copy2(path, os.path.join(world.folder, name))
    canaries = world.canaries
    for name in ("jwt_secret", "jwt_file", "jwt_environment", "login_message"):
        canaries.new(name)
    with open(world.folder + "/jwt.secret", "w") as file:
        file.write(canaries.values["jwt_file"].decode())
    os.chmod(file.name, 0o600)
    os.environ["CANARY_SECRET"] = canaries.values["jwt_environment"].decode()
    key = api_key()
    canaries.add("api key", key)
    try:
        with fw.Upstream(behind) as upstream:
            config = CONFIG.format(url=upstream.url(), folder=world.folder, api_id=key.split("_")[2], api_hash=hashlib.sha256(key.encode()).hexdigest(),
                                   **{name: value.decode() for name, value in canaries.values.items() if name in ("jwt_secret", "login_message")})
            with fw.Framewall(config, "--log-level", "trace", "--admin", "localhost:0", check=False) as server:
                places_of_credentials(world, server)
                messages(world, server)
                for headers in upstream.headers:
                    canaries.add("assertion " + headers["X-Framewall-Connection-Id"], headers["X-Framewall-Assertion"].rsplit(".", 1)[1])
                admin(world, server)
                keys_of_files(world, server)
                server.signal()
                fw.equal(server.wait(), 0, "the program ends cleanly")
                files = {"standard error": server.stderr().encode(), "standard output": "\n".join(server.lines).encode()}
                places, found = scanned(world, server, files)
                fw.ok(len(canaries.values) >= 60, f"{len(canaries.values)} secrets were put in their places")
                for name, least in (("standard error", 20000), ("record security_audit.log", 20000), ("standard output", 20)):
                    fw.ok(len(places[name]) >= least, f"{name} has {len(places[name])} octets to look through")
                fw.equal(found, {}, "none of them is anywhere")
                fw.ok(b"user_cookie" in places["record security_audit.log"] and b"user_cookie" in places["standard error"],
                      "who used them is")
                # The scanner itself: what it looks for it finds, in each form.
                forms = b"\n".join(form for form in canaries.forms(canaries.values["login_message"]))
                fw.ok(all(canaries.found_in(form) for form in forms.split(b"\n")), "the scanner finds every form of a secret")
    finally:
        del os.environ["CANARY_SECRET"]
        shutil.rmtree(world.folder, ignore_errors=True)


fw.main(all_places)
