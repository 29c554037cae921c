#!/usr/bin/python3
"""A thousand mixed actions from outside, and what an auditor expects of the record, written down here and not taken from the program: one
record each, with its type, level, address, user, session and connection; none more; none lost by a restart in between.

Each action comes from an address of its own in 127.0.0.0/8 and uses names of its own, so that a record can be of no other action.
ACTIONS (1000), ACTIONS_SEED.
"""
import collections
import http.client
import random

from framewall import *

ACTIONS = int(os.environ.get("ACTIONS", "1000"))
SEED = int(os.environ.get("ACTIONS_SEED", "20261128"))
PLACES = ("--listen", "localhost:0", "--admin", "localhost:0")
CONFIG = """
workers: 2
upstream: { url: "%s" }
websocket: { control_frames_per_minute: 5, max_fragments: 4, stall_timeout: 300, ping_interval: 0 }
authentication: { methods: [jwt, api_key, session, password], login_timeout: 1, tickets: true, query_parameter: true, password_hash: { memory: 8, passes: 1 } }
rate_limiting: { messages_per_minute: 20, auth_attempts_per_minute: 5, max_connections_per_ip: 2, close_after_violations: 2 }
monitoring: { auto_block: { violation_threshold: 4, warn_at: 0, slow_at: 0 }, anomaly_thresholds: { auth_failures: 0, rate_limit_violations: 0, invalid_messages: 0, suspicious_patterns: 0, new_ips: 0 } }
audit_logging: { data_access: %s }
routes: [ { path: "*" }, { path: /dead, upstream: "ws://127.0.0.1:%d" }, { path: /open, anonymous: guest } ]
"""
# As the specification has them: a refusal is a warning, a decision against an address or a fault critical.
LEVELS = {"websocket_connected": "info", "auth_success": "info", "websocket_disconnect": "info", "data_access": "info", "data_modification": "info",
          "content_rewritten": "info", "system_changes": "info", "ledger_epoch": "info", "ip_blocked": "critical", "upstream_failure": "critical"}
NORMAL, GONE = 1000, None
PASSWORD = "correct horse battery staple"


async def behave(server, websocket):
    """The server behind: says what it is asked to say."""
    async for message in websocket:
        said = json.loads(message)
        if said.get("text") == "answer":
            await websocket.send('{"type":"chat_message","data":{"text":"answered"}}')
        elif said.get("text") == "betray":
            await websocket.send(b"octets that nobody asked for")
        elif said.get("text") == "leave":
            await websocket.close(1000)


class Drill:
    def __init__(self, server, random_source):
        self.server, self.random, self.number = server, random_source, 0
        self.expected = collections.Counter()
        self.sums = collections.Counter()  # of data_*: messages
        self.told = {}                     # event ids that clients were told: whose they are
        self.connections = set()
        self.kinds = [getattr(Drill, name) for name in dir(Drill) if name.startswith("do_")]

    def use(self, server):
        self.server = server
        with open(os.path.join(server.data, "admin.token")) as file:
            self.secret = file.read().strip()
        self.admin_port = server.admin_port()

    def act(self, kind):
        self.number += 1
        self.address = f"127.{100 + self.number // 60000}.{self.number // 250 % 240}.{1 + self.number % 250}"
        self.user = f"u{self.number}"
        kind(self)

    # What is expected -----------------------------------------------------------------------------------------------
    def expect(self, event, address=None, user=None, session=None, connection=None, level=None, count=1):
        key = (event, level or LEVELS.get(event, "warning"), address, user, session, connection)
        if event.startswith("data_"):
            self.sums[key] += count
        else:
            self.expected[key] += count

    def here(self, event, **more):
        self.expect(event, self.address, **more)

    # Means ----------------------------------------------------------------------------------------------------------
    def admin(self, method, path, body=None, secret=0, raw=None):
        server = http.client.HTTPConnection("localhost", self.admin_port, timeout=PATIENCE)
        secret = self.secret if secret == 0 else secret
        headers = {"Content-Type": "application/json", **({"Authorization": "Bearer " + secret} if secret is not None else {})}
        server.request(method, path, raw if raw is not None else json.dumps(body) if body is not None else None, headers)
        answer = server.getresponse()
        text = answer.read()
        server.close()
        return answer.status, json.loads(text) if text[:1] == b"{" else None

    def changes(self, method, path, body, status, **more):
        """An operator's change: a record if it came to one."""
        got, answer = self.admin(method, path, body, **more)
        if got != status:
            raise AssertionError(f"{method} {path}: {got}, not {status}: {answer}")
        self.expect("admin_action", "127.0.0.1")
        return answer

    def open(self, headers=None, path="/", **more):
        return RawClient(self.server.port, headers if headers is not None else {}, path, source=self.address, **more)

    def talk(self, client, message):
        client.send(message if isinstance(message, (str, bytes)) else json.dumps(message))

    def answer(self, client, code=None):
        """The next message; code: an error with this code, whose record has its event id."""
        while True:
            opcode, payload = client.receive()
            if opcode == 1:
                break
        said = json.loads(payload)
        if code is not None:
            if said["data"].get("code") != code:
                raise AssertionError(f"{said} instead of {code}")
            self.told[said["data"]["event_id"]] = (self.address, getattr(client, "user", None))
        return said

    def session_of(self, user):
        return [session["session_id"] for session in self.admin("GET", "/api/v1/sessions?user=" + user)[1]["sessions"]]

    def welcome(self, client, user, before=()):
        """The answer to a login that holds: what its connection is called from now on."""
        said = self.answer(client)
        if said["type"] != "auth_success":
            raise AssertionError(f"{said} instead of auth_success")
        client.user, client.connection = user, int(said["data"]["connection_id"])
        client.csrf, client.resume = said["data"]["csrf_token"], said["data"].get("session_token")
        client.session = [id for id in self.session_of(user) if id not in before][0]
        self.connections.add(client.connection)
        client.who = {"user": user, "session": client.session, "connection": client.connection}
        self.here("websocket_connected", connection=client.connection)
        self.here("auth_success", **client.who)
        return client

    def login(self, role="user", user=None, path="/"):
        user = user or self.user
        before = self.session_of(user)
        client = self.open(path=path)
        self.talk(client, {"type": "auth", "method": "jwt", "token": self.server.token(user, role)})
        return self.welcome(client, user, before)

    def ended(self, client, close=False):
        """Its end is waited for, so that what it did is decided before the next action."""
        self.leave(client, close)
        self.here("websocket_disconnect", **getattr(client, "who", {}))

    def leave(self, client, close=True):
        """A close is said, or answered."""
        try:
            if close:
                client.send(struct.pack("!H", NORMAL), 8)
            while client.receive()[0] != 8:
                pass
            if not close:
                client.send(struct.pack("!H", NORMAL), 8)
        except (EOFError, OSError):
            pass
        client.closed()
        client.close()

    def bye(self, client):
        self.ended(client, close=True)

    def refused(self, event, status, headers=None, path="/", request=None):
        client = self.open(headers, path, request=request)
        if request is not None:
            client.read_head()
        if client.status != status:
            raise AssertionError(f"{client.status} instead of {status}")
        client.closed()
        client.close()
        self.here(event)

    def refused_login(self, event, code, message):
        client = self.open()
        self.talk(client, message)
        self.answer(client, code)
        self.here("websocket_connected")
        self.here(event)
        self.ended(client)

    # Logins ---------------------------------------------------------------------------------------------------------
    def do_login_message(self):
        self.bye(self.login(self.random.choice(["user", "admin", "guest", "moderator", "emperor"])))

    def do_login_header(self):
        client = self.open(self.server.bearer(self.user))
        session = self.session_of(self.user)[0]
        # The handshake has no message that says the connection's number.
        self.here("auth_success", user=self.user, session=session)
        self.here("websocket_connected", user=self.user, session=session)
        self.leave(client)
        self.here("websocket_disconnect", user=self.user, session=session)

    def do_login_query(self):
        client = self.open({}, "/?token=" + self.server.token(self.user))
        session = self.session_of(self.user)[0]
        for event in ("auth_success", "websocket_connected", "websocket_disconnect"):
            self.here(event, user=self.user, session=session)
        self.leave(client)

    def do_login_key(self):
        made = self.changes("POST", "/api/v1/keys", {"name": self.user}, 201)
        client = self.open()
        self.talk(client, {"type": "auth", "method": "api_key", "api_key": made["key"]})
        self.welcome(client, "api_key_" + self.user)
        if self.random.random() < 0.5:
            self.changes("DELETE", "/api/v1/keys/" + made["id"], None, 204)
            self.answer(client, "SESSION_EXPIRED")
            self.here("connection_revoked", **client.who)
            self.ended(client)
            self.refused("auth_failure", 401, {"X-API-Key": made["key"]})
        else:
            self.bye(client)

    def do_login_password(self):
        self.changes("POST", "/api/v1/users", {"user": self.user, "password": PASSWORD}, 201)
        client = self.open()
        self.talk(client, {"type": "auth", "method": "password", "user_id": self.user, "password": PASSWORD})
        self.bye(self.welcome(client, self.user))
        self.refused_login("auth_failure", "AUTH_FAILED", {"type": "auth", "method": "password", "user_id": self.user, "password": PASSWORD + "x"})
        self.changes("PUT", "/api/v1/users/" + self.user, {"password": PASSWORD + "2"}, 200)
        self.changes("DELETE", "/api/v1/users/" + self.user, None, 204)

    def do_login_session(self):
        first = self.login()
        token = first.resume
        self.bye(first)
        client = self.open()
        self.talk(client, {"type": "auth", "method": "session", "session_token": token})
        self.bye(self.welcome(client, self.user))
        self.refused_login("auth_failure", "AUTH_FAILED", {"type": "auth", "method": "session", "session_token": token})

    def do_login_bad_token(self):
        token = self.server.token(self.user)
        head, body, mark = token.split(".")
        bad = self.random.choice([self.server.token(self.user, life=-5), head + "." + body + "." + mark[::-1], head + "." + body + ".", "nonsense",
                                  base64url(b'{"alg":"none"}') + "." + body + "."])
        if self.random.random() < 0.5:
            self.refused("auth_failure", 401, {"Authorization": "Bearer " + bad})
        else:
            self.refused_login("auth_failure", "AUTH_FAILED", {"type": "auth", "method": "jwt", "token": bad})

    def do_login_unknown_key(self):
        self.refused("auth_failure", 401, {"X-API-Key": "fw_live_aaaaaaaa_" + "A" * 32 + "_000000"})

    def do_login_no_json(self):
        self.refused_login("auth_failure", "INVALID_JSON", "}no json{")

    def do_login_not_first(self):
        self.refused_login("auth_failure", "INVALID_AUTH", {"type": "chat_message", "text": "hi"})

    def do_login_guessed(self):
        """Five attempts a minute of one address, of which the fourth that fails blocks it."""
        for _ in range(3):
            self.refused("auth_failure", 401, {"Authorization": "Bearer guess"})
        self.refused("auth_failure", 401, {"Authorization": "Bearer guess"})
        self.here("ip_blocked")
        self.knock_blocked()
        self.changes("DELETE", "/api/v1/blocks/" + self.address, None, 204)

    def knock_blocked(self):
        """Whose worker hears of the block in the middle of the handshake ends it before the upgrade."""
        self.here("blocked_attempt")
        try:
            client = self.open()
        except ConnectionResetError:
            return
        if client.status == 101:
            self.answer(client, "IP_BLOCKED")
            self.ended(client)
        else:
            self.leave(client)

    def do_login_often(self):
        for i in range(5):
            self.bye(self.login(user=f"{self.user}.{i}"))
        self.refused("rate_limit_violation", 429, self.server.bearer(self.user))

    def do_logins_of_one(self):
        """Six sessions where five may be: the oldest gives way."""
        address, clients = self.address, []
        for i in range(6):
            self.address = f"127.99.{self.number % 250}.{10 + i}" if self.number < 250 else f"127.{90 + self.number // 250}.{self.number % 250}.{10 + i}"
            clients.append((self.address, self.login()))
        self.address, oldest = clients.pop(0)
        self.answer(oldest, "SESSION_EXPIRED")
        self.here("session_evicted", **oldest.who)
        self.ended(oldest)
        for self.address, client in clients:
            self.bye(client)
        self.address = address

    def do_anonymous(self):
        client = self.open(path="/open")
        client.user, client.who = "anonymous", {"user": "anonymous", "session": "its own"}
        self.here("websocket_connected", **client.who)
        self.talk(client, {"type": "chat_message", "text": "hi"})
        self.answer(client, "PERMISSION_DENIED")
        self.here("permission_denied", **client.who)
        self.bye(client)

    # Handshakes -----------------------------------------------------------------------------------------------------
    def do_origin(self):
        self.refused("origin_refused", 403, {"Origin": "https://evil.example", **self.server.bearer(self.user)})

    def do_host(self):
        head = "GET / HTTP/1.1\r\nHost: evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        self.refused("origin_refused", 403, request=head.encode())

    def do_no_upgrade(self):
        self.refused("handshake_refused", 426, request=f"GET / HTTP/1.1\r\nHost: localhost:{self.server.port}\r\n\r\n".encode())

    def do_garbage(self):
        self.refused("handshake_refused", 400, request=self.random.choice([b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\nno field\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n"]))

    def do_dead_upstream(self):
        client = self.open(self.server.bearer(self.user), "/dead")
        session = self.session_of(self.user)
        self.here("auth_success", user=self.user, session=session[0] if session else None)
        self.here("upstream_failure", user=self.user, session=session[0] if session else None)
        if client.status != 502:
            raise AssertionError(client.status)
        client.closed()
        client.close()

    def do_too_many(self):
        clients = [self.login(user=f"{self.user}.{i}") for i in range(2)]
        client = self.open()
        self.answer(client, "CONNECTION_LIMIT")
        self.here("connection_limit_exceeded")
        self.ended(client)
        for client in clients:
            self.bye(client)

    def do_silent(self):
        client = self.open()
        self.answer(client, "AUTH_TIMEOUT")
        self.here("websocket_connected")
        self.here("auth_timeout")
        self.ended(client)

    # Messages -------------------------------------------------------------------------------------------------------
    def do_chat(self):
        client, count = self.login(), self.random.randint(1, 5)
        for _ in range(count):
            self.talk(client, {"type": "chat_message", "text": "answer"})
            self.answer(client)
        self.here("data_modification", count=count, **client.who)
        self.here("data_access", count=count, **client.who)
        self.bye(client)

    def do_rewritten(self):
        client = self.login()
        self.talk(client, {"type": "chat_message", "text": '<b onclick="x()">hi</b><script>1</script>'})
        self.here("content_rewritten", **client.who)
        self.here("data_modification", **client.who)
        self.bye(client)

    def refused_message(self, code, event, message, role="user"):
        client = self.login(role)
        self.talk(client, message)
        self.answer(client, code)
        self.here(event, **client.who)
        self.bye(client)

    def do_no_json(self):
        self.refused_message("INVALID_JSON", "invalid_message", self.random.choice(["}no json{", '{"type":"ping","type":"ping"}', "[]", "\\u0000", '{"type":"chat_message","text":"\\ud800"}']))

    def do_unknown_type(self):
        self.refused_message("INVALID_MESSAGE", "invalid_message", {"type": "nope"})

    def do_wrong_field(self):
        self.refused_message("INVALID_MESSAGE", "invalid_message", self.random.choice([
            {"type": "chat_message", "text": 7}, {"type": "chat_message"}, {"type": "chat_message", "text": "a" * 4001}, {"type": "chat_message", "text": "x", "more": 1},
            {"type": "chat_message", "text": "x", "attachments": [{"url": "http://127.0.0.1/"}]}, {"type": "ping", "timestamp": []}]))

    def do_too_large_for_type(self):
        self.refused_message("MESSAGE_TOO_LARGE", "message_too_large", '{"type":"ping"}' + " " * 300)

    def do_denied(self):
        self.refused_message("PERMISSION_DENIED", "permission_denied", {"type": "create_employee", "employee_id": "x", "name": "y"})

    def do_denied_guest(self):
        self.refused_message("PERMISSION_DENIED", "permission_denied", {"type": "chat_message", "text": "x"}, "guest")

    def do_no_csrf(self):
        self.refused_message("CSRF_INVALID", "csrf_violation", {"type": "create_task", "title": "t", **self.random.choice([{}, {"csrf_token": "A" * 43}])})

    def do_task(self):
        client = self.login()
        self.talk(client, {"type": "create_task", "title": "t", "csrf_token": client.csrf})
        self.here("data_modification", **client.who)
        self.bye(client)

    def do_pings(self):
        """What is answered here and goes nowhere leaves nothing."""
        client = self.login()
        self.talk(client, {"type": "ping"})
        self.answer(client)
        self.talk(client, {"type": "csrf_refresh"})
        self.answer(client)
        self.bye(client)

    def do_rate(self):
        client = self.login()
        for _ in range(20):
            self.talk(client, {"type": "ping"})
        for _ in range(20):
            self.answer(client)
        self.talk(client, {"type": "ping"})
        self.answer(client, "RATE_LIMITED")
        self.here("rate_limit_violation", **client.who)
        self.bye(client)

    def do_rate_closes(self):
        client = self.login()
        for _ in range(22):
            self.talk(client, {"type": "ping"})
        for _ in range(20):
            self.answer(client)
        self.answer(client, "RATE_LIMITED")
        self.here("rate_limit_violation", count=2, **client.who)
        self.ended(client)

    def do_withheld(self):
        client = self.login()
        self.talk(client, {"type": "chat_message", "text": "betray"})
        self.talk(client, {"type": "chat_message", "text": "answer"})  # comes after it
        self.answer(client)
        self.here("data_modification", count=2, **client.who)
        self.here("outbound_withheld", **client.who)
        self.here("data_access", **client.who)
        self.bye(client)

    # Frames ---------------------------------------------------------------------------------------------------------
    def broken(self, event, octets):
        client = self.login()
        client.socket.sendall(octets)
        self.here(event, **client.who)
        self.ended(client)

    def do_broken_frame(self):
        frame = RawClient.frame
        self.broken("protocol_violation", self.random.choice([
            b"\x81\x02hi", frame(b"\xff\xfe"), b"\xc1\x80\x00\x00\x00\x00", frame(b"", 3), frame(b"x" * 126, 9), frame(b"x", 0), frame(b"x", 9, final=False),
            frame(b"x", final=False) + frame(b"y"), b"\x81\xfe\x00\x01\x00\x00\x00\x00x", b"\x81\xff" + b"\xff" * 8 + b"\x00" * 4, frame(b"\x03", 8), frame(struct.pack("!H", 999), 8)]))

    def do_binary(self):
        self.broken("invalid_message", RawClient.frame(b"\x00\x01", 2))

    def do_too_large(self):
        client = self.login()
        client.send("a" * self.random.choice([8193, 20000]))
        self.answer(client, "MESSAGE_TOO_LARGE")
        self.here("message_too_large", **client.who)
        self.ended(client)

    def do_fragments(self):
        frame = RawClient.frame
        self.broken("policy_violation", frame(b"{", final=False) + frame(b" ", 0, final=False) * 4)

    def do_control_flood(self):
        self.broken("policy_violation", RawClient.frame(b"x", 9) * 6)

    # Ends -----------------------------------------------------------------------------------------------------------
    def do_abort(self):
        client = self.login()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        self.here("websocket_disconnect", **client.who)

    def do_finish(self):
        client = self.login()
        client.socket.shutdown(socket.SHUT_WR)
        self.ended(client)

    def do_close_code(self):
        client = self.login()
        client.send(self.random.choice([b"", struct.pack("!H", 1001), struct.pack("!H", 3000) + b"bye", struct.pack("!H", 4999)]), 8)
        self.ended(client)

    def do_upstream_leaves(self):
        client = self.login()
        self.talk(client, {"type": "chat_message", "text": "leave"})
        self.here("data_modification", **client.who)
        self.ended(client)

    def do_nobody(self):
        client = self.open()
        self.here("websocket_connected")
        self.bye(client)

    def do_bare(self):
        """Who comes and goes without a request has been decided nothing about."""
        self.open(request=self.random.choice([b"", b"GET / HT"])).close()

    # Operators ------------------------------------------------------------------------------------------------------
    def do_block(self):
        client = self.login()
        self.changes("POST", "/api/v1/blocks", {"address": self.address, "reason": "test"}, 201)
        self.answer(client, "IP_BLOCKED")
        self.here("blocked_attempt", **client.who)
        self.ended(client)
        self.knock_blocked()
        self.changes("DELETE", "/api/v1/blocks/" + self.address, None, 204)
        self.bye(self.login(user=self.user + ".again"))

    def do_session_revoke(self):
        client = self.login()
        self.changes("DELETE", "/api/v1/sessions/" + client.session, None, 204)
        self.answer(client, "SESSION_EXPIRED")
        self.here("connection_revoked", **client.who)
        self.ended(client)

    def do_user_revoke(self):
        client = self.login()
        disabled = self.random.random() < 0.5
        self.changes("POST", "/api/v1/revocations", {"user": self.user, "disabled": disabled}, 201)
        self.answer(client, "SESSION_EXPIRED")
        self.here("connection_revoked", **client.who)
        self.ended(client)
        if disabled:
            self.refused("auth_failure", 401, self.server.bearer(self.user))
        self.changes("DELETE", "/api/v1/revocations/" + self.user, None, 204)

    def do_reload(self):
        self.changes("POST", "/api/v1/reload", None, 200)

    def do_reload_bad(self):
        path = os.path.join(self.server.folder, "framewall.yaml")
        with open(path) as file:
            good = file.read()
        with open(path, "a") as file:
            file.write("no_such_key: 1\n")
        self.changes("POST", "/api/v1/reload", None, 422)
        with open(path, "w") as file:
            file.write(good)

    def do_admin_mixed(self):
        self.changes("PUT", "/api/v1/log", {"levels": "hub=info"}, 200)
        self.changes("POST", "/api/v1/tokens", {"user": self.user}, 201)

    def do_admin_reads(self):
        """Reading changes nothing, and what does not hold came to nothing."""
        for method, path, body, status in (("GET", "/api/v1/stats", None, 200), ("GET", "/api/v1/keys", None, 200), ("GET", "/nowhere", None, 404),
                                           ("POST", "/api/v1/blocks", {"address": "nobody"}, 400), ("DELETE", "/api/v1/blocks/127.1.1.1", None, 404)):
            got = self.admin(method, path, body)[0]
            if got != status:
                raise AssertionError(f"{path}: {got}")

    def do_admin_refused(self):
        got = self.admin(self.random.choice(["GET", "DELETE"]), "/api/v1/sessions/x" if self.random.random() < 0.5 else "/api/v1/keys/y", None,
                         secret=self.random.choice([None, "", "wrong", self.secret[:-1], self.secret + "x"]))[0]
        if got not in (401, 405):
            raise AssertionError(got)
        if got == 401:
            self.expect("auth_failure", "127.0.0.1")


RARE = {"do_silent": 3, "do_logins_of_one": 12, "do_admin_refused": 20}  # take longest; come from one address


def plan(drill, count):
    kinds = []
    for kind in drill.kinds:
        kinds += [kind] * min(max(1, count // 100), RARE.get(kind.__name__, count))
    while len(kinds) < count:
        kind = drill.random.choice(drill.kinds)
        if kind.__name__ not in RARE:
            kinds.append(kind)
    drill.random.shuffle(kinds)
    return kinds


def key_of(record, known):
    """Connections that were told their number have it; who was not told his session must have one."""
    session = "its own" if record["user_id"] == "anonymous" and re.fullmatch("[0-9a-f]{16}", record["session_id"] or "") else record["session_id"]
    connection = record["connection_id"] if record["connection_id"] in known else None
    return tuple(record[name] for name in ("event_type", "level", "source_ip", "user_id")) + (session, connection)


def thousand():
    generator = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="framewall-e2e-actions-") as scratch, Upstream(behave) as upstream:
        data, dead = os.path.join(scratch, "data"), free_port()
        drill = Drill(None, generator)
        kinds = plan(drill, ACTIONS)
        broke, done = [], collections.Counter()
        for half, mode in ((kinds[:len(kinds) // 2], "each"), (kinds[len(kinds) // 2:], "summary")):
            server = Framewall(CONFIG % (upstream.url(), mode, dead), "--data", data, places=PLACES, says="log levels|configuration|generation|framewall.yaml|no_such_key|\\^")
            shutil.rmtree(server.data, ignore_errors=True)
            server.data = data
            drill.use(server)
            drill.expect("system_changes")  # started
            for kind in half:
                try:
                    drill.act(kind)
                    done[kind.__name__] += 1
                except Exception:
                    broke.append(f"{drill.number} {kind.__name__}: {traceback.format_exc(limit=-3)}")
            drill.address, drill.user = "127.0.0.77", "stays." + mode
            client = drill.login()
            drill.expect("system_changes", count=2)  # draining, stopped
            server.signal()
            drill.ended(client)
            server.wait()
            records = server.records()
            server.stop()
        ok(not broke, f"{len(kinds)} actions of {len(done)} kinds are done (seed {SEED})", "\n".join(broke[:5]))
        compare(drill, records)


def compare(drill, records):
    epochs = [record for record in records if record["event_type"] == "ledger_epoch"]
    drill.expect("ledger_epoch", count=len(epochs))  # by the clock, besides one a start
    equal([record["sequence"] for record in records], list(range(1, len(records) + 1)), "the record has no gap, over the restart")
    found, sums = collections.Counter(), collections.Counter()
    for record in records:
        key = key_of(record, drill.connections)
        if record["event_type"].startswith("data_"):
            sums[key] += record["details"]["count"]
        else:
            found[key] += 1
    missing, more = drill.expected - found, found - drill.expected
    equal((sorted(map(str, missing.items()))[:8], sorted(map(str, more.items()))[:8]), ([], []),
          f"{sum(drill.expected.values())} records, each once, with type, level, address, user, session, connection as expected")
    differ = (drill.sums - sums) + (sums - drill.sums)
    equal(sorted(map(str, differ.items()))[:8], [], f"{sum(drill.sums.values())} messages that passed are in the counts")
    ids = collections.Counter(record["event_id"] for record in records)
    equal([id for id, count in ids.items() if count != 1][:5], [], "no two records share an event id")
    told = {record["event_id"]: (record["source_ip"], record["user_id"]) for record in records}
    wrong = [(id, whose, told.get(id)) for id, whose in drill.told.items() if told.get(id) != whose]
    equal(wrong[:5], [], f"{len(drill.told)} event ids that clients were told lead to their record")
    drilled = {record["event_type"] for record in records}
    ok(len(drilled) >= 25, "of many types", sorted(drilled))


if __name__ == "__main__":
    main(thousand)
