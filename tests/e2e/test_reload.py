"""The configuration is read anew: by SIGHUP and by the admin side; a bad file keeps the one before; live connections move to it or are
told why not; what is read slowly, or cannot be read, keeps nobody waiting."""
import fcntl
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import termios
import threading
import time

import certificates
import framewall as fw

OPEN = 'routes: [ { path: "*", anonymous: user } ]\n'


def write(server, text):
    """As an editor does: beside it, and in its place."""
    path = os.path.join(server.folder, "framewall.yaml")
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def said(server, text, count=1):
    return fw.until(lambda: sum(text in line for line in server.lines) >= count)


def reload(server, text=None, refused=False):
    """By signal; waits until it is done."""
    counted = "reloads_refused" if refused else "reloads"
    before = server.stats()["configuration"][counted]
    if text is not None:
        write(server, text)
    server.signal(signal.SIGHUP)
    return fw.ok(fw.until(lambda: server.stats()["configuration"][counted] == before + 1), "SIGHUP: " + counted)


def ask(server, token=None, kind="application/json"):
    """POST /api/v1/reload: (status, document)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.admin_port(), timeout=fw.PATIENCE)
    headers = {"Content-Type": kind} if kind else {}
    if token is None:
        with open(os.path.join(server.data, "admin.token")) as file:
            token = file.read().strip()
    if token:
        headers["Authorization"] = "Bearer " + token
    connection.request("POST", "/api/v1/reload", body="", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body)


opened = []


def connect(*arguments, **options):
    opened.append(fw.RawClient(*arguments, **options))
    return opened[-1]


def leave():
    """So that the program need not wait for them when it stops."""
    while opened:
        opened.pop().close()


def works(client, number):
    client.send(json.dumps({"type": "ping", "timestamp": number}))
    while True:
        opcode, payload = client.receive()
        if opcode != 1 or b"pong" in payload:
            return opcode == 1 and json.loads(payload)["timestamp"] == number


def sends(client, text="hi"):
    """What comes of a chat message: None, or the code of the error."""
    client.send(fw.chat(text))
    client.send(json.dumps({"type": "ping", "timestamp": 99}))
    error = None
    while True:
        document = json.loads(client.receive()[1])
        if document["type"] == "pong":
            return error
        if document["type"] == "error":
            error = document["data"]["code"]


def end_of(client):
    """(error code, close code) of a connection that is being ended."""
    error = None
    while True:
        opcode, payload = client.receive()
        if opcode == 8:
            return error, int.from_bytes(payload[:2], "big")
        document = json.loads(payload)
        if document["type"] == "error":
            error = document["data"]["code"]


def by_signal():
    with fw.Framewall(fw.RELAXED + OPEN, "--workers", "2", says="framewall.yaml|nonsense|\\^|was not reloaded") as server:
        first = server.stats()["configuration"]
        fw.equal((first["generation"], first["last_reload"]), (1, "none"), "at the start generation 1 is in use")
        clients = [connect(server.port, {}) for _ in range(8)]
        fw.equal({sends(client) for client in clients}, {None}, "clients of both workers")
        reload(server)
        second = server.stats()["configuration"]
        fw.equal((second["generation"], second["digest"]), (2, first["digest"]), "the same file has the same digest")
        fw.equal([works(client, 1) for client in clients], [True] * 8, "nobody notices")
        reload(server, fw.RELAXED + OPEN + "rbac: { default_permissions: { user: [ chat.read ] } }\n")
        fw.equal({sends(client) for client in clients}, {"PERMISSION_DENIED"}, "another permission counts for who is connected")
        fw.equal(sends(connect(server.port, {})), "PERMISSION_DENIED", "and for who comes")
        third = server.stats()["configuration"]
        fw.ok(third["digest"] != first["digest"], "another digest")
        fw.ok(said(server, "configuration reloaded: generation 3, digest " + third["digest"][:16]), "said with what changed", server.lines)
        fw.ok(said(server, "changed: rbac"), "and that is named", server.lines)

        reload(server, fw.RELAXED + OPEN + "nonsense: 1\n", refused=True)
        fw.ok("framewall.yaml:" in server.stderr() and "unknown key \"nonsense\"" in server.stderr(), "a bad file: what is wrong is said, and where",
              server.stderr())
        fw.ok("(generation 3) stays in use" in server.stderr(), "and that nothing changed", server.stderr())
        fw.equal({sends(client) for client in clients}, {"PERMISSION_DENIED"}, "nothing did")
        os.unlink(os.path.join(server.folder, "framewall.yaml"))
        reload(server, refused=True)
        fw.ok("cannot read" in server.stderr(), "a file that is gone", server.stderr())
        kept = server.stats()["configuration"]
        fw.equal((kept["generation"], kept["digest"], kept["last_reload"], kept["reloads"], kept["reloads_refused"]),
                 (3, third["digest"], "refused", 2, 2), "the figures tell")

        reload(server, fw.RELAXED + OPEN)
        fw.equal({sends(client) for client in clients}, {None}, "and a good file counts again")
        last = server.stats()["configuration"]
        fw.equal((last["generation"], last["digest"], last["last_reload"]), (4, first["digest"], "taken"), "with the digest of before")
        records = [r for r in server.wait_records("system_changes", 6) if "reload" in r["details"]["change"]]
        fw.equal([r["details"]["change"] for r in records], ["reloaded", "reloaded", "reload refused", "reload refused", "reloaded"], "each is on record")
        details = records[1]["details"]
        fw.equal((details["generation"], details["digest_before"], details["digest_after"], details["changed"]),
                 (3, first["digest"], third["digest"], "rbac"), "with the digests before and after, and what changed")
        fw.ok("nonsense" in records[2]["details"]["cause"] and records[2]["level"] == "warning", "or why not", records[2])
        leave()


def by_admin():
    config = fw.RELAXED + OPEN
    with fw.Framewall(config, "--admin", "localhost:0", says="framewall.yaml|mesages|listen: 5|\\^|not reloaded|needs a restart") as server:
        fw.equal(ask(server, token="wrong")[0], 401, "without the token: 401")
        fw.equal(ask(server, kind="text/plain")[0], 415, "what a form of a foreign page could send: 415")
        status, document = ask(server)
        fw.equal((status, document["generation"], document["changed"], document["needs_restart"], document["in_use_everywhere"]),
                 (200, 2, [], [], True), "200 with the generation")
        write(server, config + "workers: 7\naudit_logging: { log_directory: /tmp/elsewhere }\ncsrf: { token_expiry: 2 }\n")
        status, document = ask(server)
        fw.equal((status, document["changed"], [row["key"] for row in document["needs_restart"]]),
                 (200, ["workers", "csrf.token_expiry", "audit_logging.log_directory"], ["workers", "audit_logging.log_directory"]),
                 "what needs a restart is named")
        fw.ok("workers needs a restart" in server.stderr(), "and said", server.stderr())
        status, document = ask(server)
        fw.equal((status, document["changed"], len(document["needs_restart"])), (200, [], 2), "again, for as long as it is so")
        write(server, config)
        fw.equal(ask(server)[1]["needs_restart"], [], "until it is as it was")

        write(server, config + "rate_limiting: { mesages_per_minute: 3 }\nlisten: 5\n")
        status, document = ask(server)
        checked = subprocess.run([fw.BINARY, "check", "--json", "--config", "framewall.yaml"], stdout=subprocess.PIPE, cwd=server.folder)
        expected = json.loads(checked.stdout)["problems"]

        def places(problems):
            return [(p["level"], p["line"], p["column"], p["message"]) for p in problems]

        fw.equal(status, 422, "a bad file: 422")
        fw.ok(len(expected) >= 2, "with several mistakes", expected)
        fw.equal(places(document["problems"]), places(expected), "all problems, as check has them")
        fw.equal(document["generation"], 5, "the one before stays")
        actions = [r for r in server.wait_records("admin_action", 5) if r["details"]["action"] == "reload"]
        fw.equal([("digest_after" in r["details"], r["details"]["through"], r["source_ip"]) for r in actions],
                 [(True, "admin port", "127.0.0.1")] * 4 + [(False, "admin port", "127.0.0.1")], "who asked, from where, and what came of it is on record")
        connection = http.client.HTTPConnection("127.0.0.1", server.admin_port(), timeout=fw.PATIENCE)
        with open(os.path.join(server.data, "admin.token")) as file:
            connection.request("GET", "/metrics", headers={"Authorization": "Bearer " + file.read().strip()})
        text = connection.getresponse().read().decode()
        for line in ("framewall_config_generation 5", "framewall_config_last_reload_successful 0", "framewall_config_reloads_total 4",
                     "framewall_config_reloads_refused_total 1", f'framewall_config_info{{digest="{document["digest"]}"}} 1'):
            fw.ok(line in text.splitlines(), line)


def one_beside_another():
    """An operator asks while a signal is being followed, and the file is another one by then: what he was told is in use is."""
    def config(length):
        types = "".join(f"  type_{i}: {{ permission: any, fields: {{ text: {{ max: 100 }} }} }}\n" for i in range(400))  # takes a while to read
        return fw.RELAXED + f"validation: {{ max_lengths: {{ text: {length} }} }}\nmessages:\n{types}"

    def takes(server):
        client = fw.RawClient(server.port, server.bearer("alice"))
        client.send(fw.chat("x" * 25))
        client.send(json.dumps({"type": "ping"}))
        said = json.loads(client.receive()[1])["type"]
        client.close()
        return said

    got = []
    with fw.Framewall(config(10), "--admin", "localhost:0") as server:
        server.admin_port()
        for number in range(10):
            write(server, config(20))
            server.signal(signal.SIGHUP)
            time.sleep(number * 0.002)
            write(server, config(30))
            status, answer = ask(server)
            fw.until(lambda: sum(record["details"].get("change") == "reloaded" for record in server.records("system_changes")) > number)
            got.append((status, takes(server), answer["digest"] == server.stats()["configuration"]["digest"]))
    fw.equal(got, [(200, "pong", True)] * len(got), "an operator asks while a signal is followed: what he is told is what messages are judged by")


def slow_files():
    """The secret of a key is read from a pipe that gives nothing yet."""
    config, secret = fw.RELAXED + OPEN, "a secret of at least thirty-two octets"
    with fw.Framewall(config, "--admin", "localhost:0", "--workers", "1") as server:
        client = connect(server.port, {})
        pipe = os.path.join(server.folder, "secret")
        os.mkfifo(pipe, 0o600)
        write(server, config + 'authentication: { jwt: { keys: [ { kid: main, secret: "${file:secret}" } ] } }\n')
        answers = []
        first = threading.Thread(target=lambda: answers.append(ask(server)))
        first.start()
        fw.equal([works(client, n) for n in range(50)], [True] * 50, "while a file is being read clients are served")
        fw.equal(fw.until(lambda: ask(server)[0] == 409), True, "who asks for another reload meanwhile is told so: 409")
        fw.equal(server.stats()["configuration"]["generation"], 1, "and the admin side answers")
        with open(pipe, "w") as file:
            file.write(secret)
        first.join(fw.PATIENCE)
        fw.equal((answers[0][0], answers[0][1]["changed"]), (200, ["authentication.jwt.keys"]), "and then it is done")
        fw.ok(works(client, 1), "and they still are")
        fw.equal((connect(server.port, signed(secret, "alice")).status, connect(server.port, signed(secret + "!", "alice")).status), (101, 401),
                 "what was in the pipe is what logins are judged by")
        leave()


def signed(secret, user):
    """A login token for the key "main"."""
    now = int(time.time())
    claims = {"sub": user, "role": "user", "iat": now, "exp": now + 600}
    text = fw.base64url(b'{"alg":"HS256","kid":"main"}') + "." + fw.base64url(json.dumps(claims).encode())
    return {"Authorization": "Bearer " + text + "." + fw.base64url(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())}


def secrets_and_overlays():
    first, second = "a secret of at least thirty-two octets", "another secret of at least 32 octets"
    with tempfile.TemporaryDirectory() as folder:
        secret = os.path.join(folder, "secret")

        def put(text):
            with open(secret, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(text)

        put(first)
        config = fw.RELAXED + "environment: night\nauthentication: { jwt: { keys: [ { kid: main, secret: \"${file:" + secret + "}\" } ] } }\n"
        overlay = "environment_overrides: { night: { rbac: { default_permissions: { user: [ %s ] } } } }\n"
        with fw.Framewall(config + overlay % "chat.send, chat.read") as server:
            client = connect(server.port, signed(first, "alice"))
            fw.equal((client.status, sends(client)), (101, None), "a login by the key in a file")
            reload(server, config + overlay % "chat.read")
            fw.equal(sends(client), "PERMISSION_DENIED", "the overlay is read anew")
            put(second)
            reload(server)
            fw.equal(end_of(client), ("SESSION_EXPIRED", 4401), "the file is read anew: who logged in by the secret of before has to again")
            fw.equal((connect(server.port, signed(first, "alice")).status, connect(server.port, signed(second, "alice")).status),
                     (401, 101), "tokens of the new one are taken, of the old one not")
            fw.equal([(r["user_id"], r["details"]["close_code"]) for r in server.wait_records("connection_revoked")], [("alice", 4401)],
                     "the one that was ended is on record")
            fw.equal(server.stats()["counters"]["closed_by_reload"], 1, "and counted")
            with open(os.path.join(server.data, "record", "security_audit.log")) as file:
                text = file.read() + server.stderr() + "\n".join(server.lines)
            fw.ok(first not in text and second not in text, "neither secret is told anywhere")
            leave()


def who_says_nothing():
    """Nothing happens to these connections that would remind anybody of them: no message, no ping, no summary; the first has no other
    member of its hub either, and no upstream that is looked after."""
    config = fw.RELAXED.replace("websocket:", "websocket:\n  ping_interval: 0") + """upstream: { url: "%s" }
authentication: { jwt: { keys: [ { kid: main, secret: "%s" } ] } }
"""
    first, second = "a secret of at least thirty-two octets", "another secret of at least 32 octets"
    hub = config.replace("upstream", "# upstream")
    with fw.Framewall(hub % ("", first)) as server:
        alone = connect(server.port, signed(first, "alone"))
        reload(server, hub % ("", second))
        fw.equal(end_of(alone), ("SESSION_EXPIRED", 4401), "one client who says nothing: its key is gone, and it is told")
        leave()
    with fw.Upstream() as upstream, fw.Framewall(config % (upstream.url(), first), "--workers", "1") as server:
        silent = [connect(server.port, signed(first, f"silent{number}")) for number in range(300)]
        fw.equal({one.status for one in silent}, {101}, "300 clients who say nothing")
        reload(server, config % (upstream.url(), second))
        fw.equal({end_of(one) for one in silent}, {("SESSION_EXPIRED", 4401)}, "their key is gone: each is told, slice by slice")
        fw.equal({r["user_id"] for r in server.wait_records("connection_revoked", 300)}, {f"silent{n}" for n in range(300)}, "and is on record")
        leave()


def certificates_too():
    with certificates.Authority() as authority:
        old, new = authority.sign("old", "DNS:localhost"), authority.sign("new", "DNS:localhost,DNS:new.example")
        trust = authority.client()

        def shown(server, name="localhost"):
            with socket.create_connection(("127.0.0.1", server.port), fw.PATIENCE) as raw, trust.wrap_socket(raw, server_hostname=name) as tls:
                return dict(tls.getpeercert())["subjectAltName"]

        config = fw.RELAXED + OPEN + "tls: { certificate: %s, key: %s }\n"
        with fw.Framewall(config % (old.certificate, old.key), says="framewall.yaml|not reloaded") as server:
            client = connect(server.port, {}, wrap=authority.wrap())
            fw.equal(shown(server), (("DNS", "localhost"),), "the certificate at the start")
            reload(server, config % (new.certificate, new.key))
            fw.equal(shown(server, "new.example"), (("DNS", "localhost"), ("DNS", "new.example")), "who comes is shown the new one")
            fw.ok(works(client, 1), "who is connected stays")
            reload(server, config % (new.certificate, old.key), refused=True)
            fw.equal(shown(server), (("DNS", "localhost"), ("DNS", "new.example")), "a key of another certificate: the one before stays")
            fw.ok(works(client, 2), "and so do all")
            reload(server, config.replace("key: %s", "key: %s, client_certificate: require, client_ca: " + authority.certificate)
                   % (new.certificate, new.key))
            fw.equal(end_of(client), (None, 4403), "clients need a certificate from now on: who showed none is closed")
            leave()
        with fw.Framewall(fw.RELAXED + OPEN) as server:
            client = connect(server.port, {})
            reload(server, config % (new.certificate, new.key))
            fw.equal(end_of(client), (None, 4403), "clients connect by TLS from now on: who does not is closed")
            client = connect(server.port, {}, wrap=authority.wrap())
            fw.ok(works(client, 3), "who comes does")
            reload(server, fw.RELAXED + OPEN)
            fw.ok(works(client, 4), "and may stay where it is not asked for any more")
            fw.ok(works(connect(server.port, {}), 5), "as who comes without")
            leave()


def terminal():
    """A signal that nobody sent: the terminal is gone. That ends the program, as it always did."""
    master, slave = os.openpty()

    def lead():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    server = fw.Framewall(fw.RELAXED, preexec=lead)
    os.close(slave)
    os.close(master)
    fw.equal(server.wait(), 0, "when its terminal goes the program ends in an orderly way")
    server.stop()


def stops_while_reading():
    config = fw.RELAXED + OPEN
    with fw.Framewall(config, "--admin", "localhost:0", "--workers", "2", says="was not reloaded|stopping") as server:
        for number in range(20):
            server.signal(signal.SIGHUP)
            if number == 10:
                server.signal(signal.SIGTERM)
        fw.equal(server.wait(), 0, "signals to reload and to stop at once")


if __name__ == "__main__":
    fw.main(by_signal, by_admin, one_beside_another, slow_files, secrets_and_overlays, who_says_nothing, certificates_too, terminal, stops_while_reading)
