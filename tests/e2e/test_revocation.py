#!/usr/bin/python3
"""Losing the right ends the connection: sessions and users revoked, disabled and enabled by the commands, blocks, and what a restart
knows of it. test_revocation.py PROGRAM [CONNECTIONS]: how many stay beside the one user's."""
import hashlib
import resource
import sqlite3

from framewall import *
from sealing import Seals

CROWD = int(sys.argv[2]) if len(sys.argv) > 2 else 400
CONFIG = RELAXED.replace("max_connections_per_ip: 100000", "max_connections_per_ip: 100000\n  max_connections: 100000") + """
authentication: { max_sessions_per_user: 10000 }
"""


class Client:
    """Logged in by the first message, with whatever credential."""

    def __init__(self, fw, token, method="jwt", field="token"):
        self.raw = RawClient(fw.port, {})
        self.raw.send(json.dumps({"type": "auth", "method": method, field: token}))
        self.answer = json.loads(self.raw.receive()[1])
        self.data = self.answer["data"]

    def result(self):
        return self.answer["type"] if self.answer["type"] != "error" else self.data["code"]

    def code(self):
        """Of the error and the close, past what others do."""
        error = None
        while True:
            opcode, payload = self.raw.receive()
            if opcode == 8:
                return error, struct.unpack("!H", payload[:2])[0]
            message = json.loads(payload)
            error = message["data"]["code"] if message["type"] == "error" else error

    def lives(self):
        self.raw.send('{"type":"ping"}')
        while True:
            opcode, payload = self.raw.receive()
            if opcode == 8 or json.loads(payload)["type"] == "pong":
                return opcode == 1

    def close(self):
        self.raw.close()


def say(fw, *words, data=None):
    done = subprocess.run([BINARY, words[0], "--data", data or fw.data, *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr


def login(fw, user, **claims):
    client = Client(fw, fw.token(user, **claims))
    client.close()
    return client.result()


def test_user():
    with Framewall(CONFIG) as fw:
        old, past = fw.token("alice"), int(time.time()) - 100
        one, two, other = Client(fw, old), Client(fw, old), Client(fw, fw.token("bob"))
        session = one.data["session_token"]
        code, text, _ = say(fw, "session", "list", "--user", "alice", "--json")
        listed = json.loads(text)["sessions"]
        equal((code, len(listed), {s["user_id"] for s in listed}, {s["connected"] for s in listed}), (0, 2, {"alice"}, {True}), "her sessions are listed")
        code, text, _ = say(fw, "session", "list")
        ok(code == 0 and text.count("alice") == 2 and "bob" in text and text.startswith("session id"), "and all, for people", text)
        left = Client(fw, fw.token("alice"))
        kept = left.data["session_token"]
        left.close()
        equal(say(fw, "session", "revoke", "--user", "alice", "--reason", "stolen \u2013 \"laptop\""),
              (0, "ended, and credentials of before count no more: alice\n", ""), "she is revoked")
        equal((one.code(), two.code()), (("SESSION_EXPIRED", 4401),) * 2, "her connections end")
        ok(other.lives(), "nobody else's")
        for what, client in (("her token", Client(fw, old)), ("one without iat", Client(fw, fw.token("alice", iat=None))),
                             ("one of long ago", Client(fw, fw.token("alice", iat=past))),
                             ("the session of a connection that was open", Client(fw, session, "session", "session_token")),
                             ("the session of one that was closed", Client(fw, kept, "session", "session_token"))):
            equal(client.result(), "AUTH_FAILED", f"{what} counts no more")
            client.close()
        client = RawClient(fw.port, {"Authorization": "Bearer " + old})
        equal(client.status, 401, "nor in the handshake")
        client.close()
        causes = [record["details"].get("cause") for record in fw.wait_records("auth_failure", 6)]
        ok(causes.count("revoked") >= 3, "the record says why", causes)
        ok(until(lambda: login(fw, "alice") == "auth_success", 5), "a token of afterwards is good", fw.records("auth_failure")[-1]["details"])
        equal(login(fw, "Alice"), "auth_success", "so is that of a name like hers")
        equal(len(fw.wait_records("connection_revoked", 2)), 2, "two connections ended")
        action = [record["details"] for record in fw.wait_records("admin_action") if record["details"]["action"] == "user revoke"]
        equal([(a["user"], a["reason"]) for a in action], [("alice", "stolen \u2013 \"laptop\"")], "and who it was is recorded")

        equal(say(fw, "user", "disable", "carol")[:2], (0, "disabled: carol\n"), "somebody who was never here is disabled")
        equal(login(fw, "carol"), "AUTH_FAILED", "and does not come in")
        time.sleep(1.1)
        equal(login(fw, "carol"), "AUTH_FAILED", "with a later token neither")
        fw.start_again()
        equal(login(fw, "carol"), "AUTH_FAILED", "nor after a restart")
        equal(Client(fw, old).result(), "AUTH_FAILED", "where the old token of the other is known, too")
        code, text, _ = say(fw, "user", "list", "--json")
        equal([(r["user"], r["disabled"]) for r in sorted(json.loads(text)["revocations"], key=lambda r: r["user"])], [("alice", False), ("carol", True)],
              "both are listed")
        equal(say(fw, "user", "enable", "carol")[:2], (0, "enabled: carol\n"), "she is enabled")
        equal(login(fw, "carol"), "auth_success", "and comes in")
        code, _, text = say(fw, "user", "enable", "carol")
        ok(code == 3 and "not revoked" in text, "a second time is told so", text)
        fw.start_again()
        equal(login(fw, "carol"), "auth_success", "after a restart, too")
        mode = os.stat(os.path.join(fw.data, "framewall.db")).st_mode & 0o777
        equal(mode, 0o600, "the file is the server's alone")


def test_strange_names():
    names = ["a/b", "a b", "%41", "\u00e4\u65e5", "a'b\"c", "..", "?x=1&y", "x" * 128, "--json"]
    with Framewall(CONFIG) as fw:
        for name in names:
            client = Client(fw, fw.token(name))
            equal(say(fw, "user", "disable", "--", name)[0] if name.startswith("--") else say(fw, "user", "disable", name)[0], 0, f"{name[:9]!r} is disabled")
            equal(client.code(), ("SESSION_EXPIRED", 4401), "and closed")
        code, text, _ = say(fw, "user", "list", "--json")
        equal(sorted(r["user"] for r in json.loads(text)["revocations"]), sorted(names), "all are listed as they are")
        for name in names:
            equal(say(fw, "user", "enable", "--", name)[0], 0, f"{name[:9]!r} is enabled")
        equal(json.loads(say(fw, "user", "list", "--json")[1])["revocations"], [], "none is left")
        for words in (("user",), ("user", "disable"), ("user", "disable", ""), ("user", "x"), ("session",), ("session", "revoke"), ("session", "revoke", "1", "--user", "a"),
                      ("session", "list", "x"), ("block",), ("block", "add"), ("block", "add", "::1", "--hours", "0"), ("user", "disable", b"\xff\xfe")):
            equal(say(fw, *words)[0], 2, f"{words} is wrong usage")
        for words in (("user", "disable", "y" * 129), ("session", "revoke", "0" * 16), ("session", "revoke", "../../x"), ("block", "add", "x"), ("block", "remove", "192.0.2.1")):
            code, _, text = say(fw, *words)
            ok(code == 3 and "the server says" in text, f"{words[:2]} is refused by the server", text)


def test_key():
    """What key create --line prints is what the configuration takes, and lets the key in; a user of a key is revoked as others are."""
    for form in ("people", "json"):
        done = subprocess.run([BINARY, "key", "create", "--line", "--name", "ci-1", "--role", "moderator", "--env", "test"] + (["--json"] if form == "json" else []),
                              stdout=subprocess.PIPE, text=True)
        if form == "json":
            made = json.loads(done.stdout)
            key, row = made.pop("key"), json.dumps(made)
        else:
            key, row = done.stdout.split()[-1], done.stdout.splitlines()[1].strip()[2:]
        ok(done.returncode == 0 and key.startswith("fw_test_"), f"a key for {form}", done.stdout)
        ok(hashlib.sha256(key.encode()).hexdigest() in row and key.split("_")[3] not in row, "its line has the hash and not the secret", row)
        config = CONFIG.replace("max_sessions_per_user: 10000", f"max_sessions_per_user: 10000, api_keys: [ {row} ]")
        with Framewall(config) as fw:
            client = Client(fw, key, "api_key", "api_key")
            equal((client.data.get("user_id"), client.data.get("role")), ("api_key_ci-1", "moderator"), "it logs in")
            equal(say(fw, "session", "revoke", "--user", "api_key_ci-1")[0], 0, "its user is revoked")
            equal(client.code(), ("SESSION_EXPIRED", 4401), "its connection ends")
            client.close()
            client = Client(fw, key, "api_key", "api_key")
            equal((client.result(), client.data["message"]), ("AUTH_FAILED", "Invalid or expired API key"), "and it counts no more")
            client.close()
            say(fw, "user", "enable", "api_key_ci-1")
            client = Client(fw, key[:-1] + ("0" if key[-1] != "0" else "1"), "api_key", "api_key")
            equal(client.result(), "AUTH_FAILED", "one with a typing error neither")
            client.close()
            client = Client(fw, key, "api_key", "api_key")
            equal(client.result(), "auth_success", "enabled it does")
            client.close()
    for words in ((), ("make",), ("create",), ("create", "--name", "a b"), ("create", "--name", "a", "--env", "Live"), ("create", "--name", "a", "--role", "x y"),
                  ("create", "--name", "x" * 65), ("create", "--name", "a", "--env", "123456789")):
        done = subprocess.run([BINARY, "key", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        equal((done.returncode, done.stdout), (2, ""), f"key {words} is wrong usage")


def test_session():
    with Framewall(CONFIG) as fw:
        one, two = Client(fw, fw.token("dave")), Client(fw, fw.token("dave"))
        ids = [s["session_id"] for s in json.loads(say(fw, "session", "list", "--user", "dave", "--json")[1])["sessions"]]
        equal(len(ids), 2, "two sessions")
        equal(say(fw, "session", "revoke", ids[0])[0], 0, "one is ended")
        ended = until(lambda: [client for client in (one, two) if not client.lives()]) or []  # the command says so before a worker has done it
        equal(len(ended), 1, "and only its connection")
        equal(login(fw, "dave"), "auth_success", "his token still holds")
        code, _, text = say(fw, "session", "revoke", ids[0])
        ok(code == 3 and "no session" in text, "a second time is told so", text)

        equal(say(fw, "block", "add", "127.0.0.1", "--hours", "2", "--reason", "test")[0], 0, "an address is blocked")
        equal([c for c in (one, two) if c not in ended][0].code()[1], 4403, "its connections end")
        code, text, _ = say(fw, "block", "list")
        ok(code == 0 and "127.0.0.1" in text and "test" in text, "it is listed", text)
        equal(say(fw, "block", "remove", "127.0.0.1")[0], 0, "it is taken back")
        equal(login(fw, "dave"), "auth_success", "and the address comes in")
    code, _, text = say(None, "session", "list", data="/nonexistent")
    ok(code == 3 and "no server runs on" in text, "without a server that is said", text)


def test_crowd():
    """In front of a server, since the hub would tell each of them of all the others."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Upstream() as upstream, Framewall(CONFIG, "--upstream", upstream.url()) as fw:
        hers = [RawClient(fw.port, fw.bearer("eve")) for _ in range(5)]
        crowd = [RawClient(fw.port, fw.bearer(f"u{number}")) for number in range(CROWD)]
        equal({client.status for client in hers + crowd}, {101}, f"five of one user, {CROWD} others")
        began = time.monotonic()
        say(fw, "session", "revoke", "--user", "eve")
        codes = []
        for client in hers:
            opcode, payload = client.receive()
            while opcode != 8:
                opcode, payload = client.receive()
            codes.append(struct.unpack("!H", payload[:2])[0])
        print(f"# five connections of one user among {CROWD} others ended {1000 * (time.monotonic() - began):.0f} ms after the command began")
        equal(codes, [4401] * 5, "all of hers end")
        for client in hers:
            client.close()
        equal(until(lambda: fw.stats()["active_connections"] == CROWD) and fw.stats()["active_connections"], CROWD, "and no other")
        for client in crowd:
            client.close()


def test_file():
    """What is wrong with the file of revocations is said at the start: nobody is let in who might have been revoked."""
    with Framewall(CONFIG) as fw:
        path = os.path.join(fw.data, "framewall.db")
        keep = os.path.join(fw.folder, "keep")
        say(fw, "user", "disable", "mallory")
        fw.signal()
        equal(fw.wait(), 0, "the program ends")
        shutil.copytree(fw.data, keep)

        def start():
            return subprocess.run(fw.process.args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=fw.folder, timeout=PATIENCE)

        def restore():
            for name in os.listdir(fw.data):
                if name.startswith("framewall.db"):
                    os.unlink(os.path.join(fw.data, name))
            shutil.copy(os.path.join(keep, "framewall.db"), path)

        with sqlite3.connect(path) as connection:
            seals, ((who, user, disabled),) = Seals(fw.data), connection.execute("SELECT who, user, disabled FROM revocations").fetchall()
            equal((who, seals.open(user, "revocations", "user", who), disabled), (seals.who(b"mallory"), b"mallory", 1), "it is an SQLite file")
            connection.execute("PRAGMA user_version = 999")
        connection.close()
        done = start()
        ok(done.returncode == 3 and "later version of framewall" in done.stdout, "of a later version: not started", done.stdout)
        restore()
        with open(path, "r+b") as file:
            file.write(b"x" * 100)
        done = start()
        ok(done.returncode == 3 and "not a database" in done.stdout, "no database: not started", done.stdout)
        restore()
        with open(path, "r+b") as file:
            file.truncate(5000)
        done = start()
        ok(done.returncode == 3 and "framewall.db" in done.stdout, "cut: not started", done.stdout)
        os.unlink(path)
        os.symlink("/etc/passwd", path)
        done = start()
        ok(done.returncode == 3 and "framewall.db" in done.stdout, "a link: not followed", done.stdout)
        os.unlink(path)
        restore()
        fw.start_again()
        equal(login(fw, "mallory"), "AUTH_FAILED", "as it was, it is known")

        # As many as there is room for are shown as well.
        fw.signal()
        fw.wait()
        seals = Seals(fw.data)

        def row(user):
            who = seals.who(user)
            return who, seals.seal(user, "revocations", "user", who), seals.seal(("\u00fc" * 60).encode(), "revocations", "reason", who)

        with sqlite3.connect(path) as connection:
            connection.executemany("INSERT INTO revocations (who, user, before_us, disabled, reason) VALUES (?, ?, 1, 1, ?)", (row(b"user %122d" % i) for i in range(65535)))
        connection.close()
        fw.start_again()
        code, text, wrong = say(fw, "user", "list")
        equal((code, text.count("\n"), wrong), (0, 65537, ""), "a full list is shown whole")


main(test_user, test_strange_names, test_key, test_session, test_crowd, test_file)
