"""framewall scan against the weak server: for every switch that finding and no other, with all off none; against a dead port no pass.
With more arguments: only these switches. The server (examples/weak-server) has frames of its own: nothing of Framewall judges itself."""
import base64
import concurrent.futures
import glob
import hashlib
import hmac
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import typing
import zlib

from certificates import Authority
from framewall import BINARY, PATIENCE, equal, main, ok, skip

WEAK = "examples/weak-server/weak_server.py"
PROFILE = open("examples/weak-server/profile.yaml").read()
SCANS = 36  # at a time
HARM = ["flood.pings", "flood.connections", "auth.revocation_live"]  # found with --unsafe and --run-commands alone
CHECKS = [line.split()[0] for line in subprocess.run([BINARY, "scan", "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()]
SWITCHES = subprocess.run([sys.executable, WEAK, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
FOLDER = tempfile.TemporaryDirectory(prefix="framewall-scan-")
PEM = os.path.join(FOLDER.name, "public.pem")
with open(PEM, "w") as file:
    file.write("-----BEGIN PUBLIC KEY-----\nTUlJQklqQU5CZ2txaGtpRzl3MEJBUUVGQUFPQ0FROEE=\n-----END PUBLIC KEY-----\n")


class Weak:
    """One process; a server for each of these, which are switches with commas between. `url` is that of the first."""

    def __init__(self, *servers, tls=None, host="127.0.0.1"):
        command = [sys.executable, WEAK, "--port", "0", "--public-key", PEM, "--host", host]
        command += ["--certificate", tls[0], "--key", tls[1]] if tls else []
        self.process = subprocess.Popen(command + [f"--weak={switches}" for switches in servers or [""]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.urls = {switches: self.process.stdout.readline().split()[-1] for switches in servers or [""]}
        self.url = next(iter(self.urls.values()))
        self.errors = []
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(PATIENCE)


def profile(change=lambda text: text):
    file = tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=FOLDER.name, delete=False)
    with file:
        file.write(change(PROFILE.replace("  audience: chat", f"  public_key_file: {PEM}\n  audience: chat")))
    return file.name


def scan(url, *arguments, profile_path=None, format="json", patience=240):
    command = [BINARY, "scan", url, "--quiet", "--format", format, *arguments]
    if profile_path:
        command += ["--profile", profile_path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=patience)
    return done.returncode, (json.loads(done.stdout) if format in ("json", "sarif") and done.stdout else done.stdout), done.stderr


def of(report, outcome):
    return [check["id"] for check in report["checks"] if check["outcome"] == outcome]


def said(report, outcome):
    return "\n".join(f"{c['id']}: {c['reason']}\n" + "\n".join(c["evidence"][-6:]) for c in report["checks"] if c["outcome"] == outcome)


class Job(typing.NamedTuple):
    """A scan: of a server with this switch, with all checks that there are for it."""
    switch: str
    url: str
    arguments: tuple = ()
    how: str = ""


def one_switch(job):
    def change(text):
        text = text.replace("127.0.0.1:9100", job.url.split("//")[1])  # of the command that revokes
        return text.replace("Only-for-this-example-0123456789abcdef", "secret") if job.switch == "jwt.weak_secret" else text

    return job, scan(job.url, *job.arguments, profile_path=profile(change))


class Switches:
    """All at once and beside the other tests, as they mostly wait: processes with a server for each switch, SCANS scans at a time; those that need more
    than a safe scan of ws, and nothing weak, once more with --unsafe and --run-commands, and with TLS."""

    def __init__(self):
        wanted = sys.argv[2:] or [""] + SWITCHES
        plain = [switch for switch in wanted if switch not in ("tls.old", "auth.timing")]
        self.servers = [Weak(*part) for part in (plain[::4], plain[1::4], plain[2::4], plain[3::4]) if part]
        self.servers += [Weak("auth.timing")] if "auth.timing" in wanted else []  # where nobody else's work is waited for
        urls = {switch: url for server in self.servers for switch, url in server.urls.items()}
        harm = ("--unsafe", "--run-commands")
        if "" in urls:  # a server of its own, as guesses at an account are counted
            self.servers.append(Weak())
        jobs = [Job(switch, self.servers[-1].url if switch == "" else url, harm, "with all that hurts: ") for switch, url in urls.items() if switch in ["", *HARM]]
        secure = [switch for switch in wanted if switch in ("", "tls.old")]
        if secure:
            authority = Authority()
            pair = authority.sign("all", "DNS:localhost,IP:127.0.0.1")
            self.servers.append(Weak(*secure, tls=(pair.certificate, pair.key)))
            jobs += [Job(switch, url, ("--ca", authority.certificate), "wss: ") for switch, url in self.servers[-1].urls.items()]
        jobs += [Job(switch, url) for switch, url in urls.items() if switch not in HARM]
        self.pool = concurrent.futures.ThreadPoolExecutor(SCANS)
        self.scans = self.pool.map(one_switch, jobs)

    def switches(self):
        for job, (code, report, _) in self.scans:
            name = job.how + (job.switch or "all switches off")
            equal(of(report, "finding"), [job.switch] if job.switch else [], f"{name}: that finding and no other")
            ok(not of(report, "error"), f"{name}: every check has an answer", said(report, "error"))
            equal(code, 1 if job.switch else 0, f"{name}: the exit code says so")
            if job.how:
                equal({c["id"] for c in report["checks"] if c["id"] in HARM + ["tls.old"] and c["outcome"] == "not_applicable"},
                      {"tls.old"} if "--unsafe" in job.arguments else set(HARM), f"{name}: and what belongs to it has run")
        for server in self.servers:
            server.__exit__()
            ok(not server.errors, "the weak servers have nothing to complain of", "".join(server.errors))


def every_check_has_a_switch():
    equal(sorted(set(CHECKS) - set(SWITCHES)), ["tls.plain"], "every check has a switch, but the one that needs a target on another machine")


def token(user):
    """As the weak server takes it."""
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    claims = {"sub": user, "role": "user", "aud": "chat", "iss": "weak-server", "exp": int(time.time()) + 3600}
    head = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    return head + "." + part(hmac.new(b"Only-for-this-example-0123456789abcdef", head.encode(), hashlib.sha256).digest())


def written(name, document):
    path = os.path.join(FOLDER.name, name)
    with open(path, "w") as file:
        file.write(document if isinstance(document, str) else json.dumps(document))
    return path


def recording(user, *messages):
    return {"request": {"method": "GET", "url": "wss://chat.example/", "headers": [{"name": "origin", "value": "http://localhost"},
                                                                                  {"name": "Authorization", "value": "Bearer " + token(user)}]},
            "_webSocketMessages": [{"type": kind, "time": 1.5, "opcode": 1, "data": data} for kind, data in messages]}


ASYNCAPI = """
asyncapi: 3.0.0
info: {title: chat, version: 1.0.0}
channels:
  chat:
    messages:
      said: {payload: {$ref: '#/components/schemas/said'}}
      typing: {payload: {type: object, properties: {type: {const: typing}}}}
operations:
  say: {action: receive, channel: {$ref: '#/channels/chat'}}
components:
  schemas:
    said: {type: object, required: [type, text], properties: {type: {const: chat}, text: {type: string}, room: {type: string}}}
  securitySchemes: {token: {type: http, scheme: bearer}}
"""


def learned():
    """A profile of a recorded session, and of an AsyncAPI document."""
    har = written("session.har", {"log": {"version": "1.2", "entries": [
        {"request": {"url": "https://chat.example/", "headers": []}},
        recording("dora", ("receive", '{"type":"auth_success","data":{}}'), ("send", '{"type":"search","text":"a"}'), ("send", '{"type":"chat","text":"hello \'all\' of you"}'),
                  ("receive", '{"type":"chat","data":{"text":"hello \'all\' of you"}}'), ("receive", '{"type":"error","data":{}}')),
        recording("emil", ("send", '{"type":"chat","text":"hi"}'))]}})
    document = written("asyncapi.yaml", ASYNCAPI)
    tests = ("--tests", "input.xss,origin.foreign,jwt.none,jwt.altered")
    with Weak("", "input.xss,jwt.none") as server:
        for url, expected in ((server.urls[""], []), (server.urls["input.xss,jwt.none"], ["input.xss", "jwt.none"])):
            code, report, errors = scan(url, *tests, profile_path=har)
            equal((code, sorted(of(report, "finding")), of(report, "error")), (1 if expected else 0, expected, []), f"a recorded session is a profile: {expected}")
        made = subprocess.run([BINARY, "scan", "--profile", document, "--print-profile"], stdout=subprocess.PIPE, text=True)
        ok(made.returncode == 0 and """'{"type":"chat","text":"${text}"}'""" in made.stdout and "Authorization: Bearer" in made.stdout, "and an AsyncAPI document", made.stdout)
        path = written("made.yaml", made.stdout.replace("identities: []", f"identities: [{{name: a, token: '{token('dora')}'}}, {{name: b, token: '{token('emil')}'}}]"))
        code, report, errors = scan(server.urls["input.xss,jwt.none"], *tests, "--baseline", written("none.json", {"checks": []}), profile_path=path)
        equal((code, sorted(of(report, "finding")), of(report, "error")), (1, ["input.xss", "jwt.none"], []), "completed with tokens it is a profile, too")
    printed = subprocess.run([BINARY, "scan", "--profile", har, "--print-profile"], stdout=subprocess.PIPE, text=True).stdout
    ok("hello ''all'' of you" not in printed and """'{"type":"search","text":"${text}"}'""" in printed and "refused: {type: 'error'}" in printed, "what is printed has templates", printed)
    logins = [[("send", json.dumps({"type": "auth", "token": token(user)})), ("receive", '{"type":"auth_success"}'), ("send", '{"type":"chat","text":"hi all"}')] for user in ("dora", "emil")]
    for name, header in (("messages.har", {"name": "x", "value": "y"}), ("pages.har", {"name": "Sec-WebSocket-Protocol", "value": "chat.bearer, " + token("dora")})):
        entries = [recording("dora", *said) for said in (logins if name == "messages.har" else [login[2:] for login in logins])]
        for entry in entries:
            entry["request"]["headers"][1] = header
        made = subprocess.run([BINARY, "scan", "--profile", written(name, {"log": {"entries": entries}}), "--print-profile"], stdout=subprocess.PIPE, text=True).stdout
        way = """message: '{"type": "auth", "token": "${token}"}'""" if name == "messages.har" else "  subprotocol: 'chat.bearer, ${token}'"
        ok(way in made and made.count("    token: 'eyJ") == 2 and "public" not in made, f"{name}: how both logged in", made)
    for name, text in (("no.har", '{"log":{"entries":[]}}'), ("none.yaml", "asyncapi: 3.0.0\nchannels: {}\n"), ("deep.har", '{"log":{"entries":' + "[" * 5000)):
        ok(scan("ws://127.0.0.1:1", profile_path=written(name, text))[0] == 2, f"{name}: nothing can be made of it")


def tls():
    """As users of curl expect: trusted by --ca, or not looked at with --insecure; else nothing is tested."""
    authority = Authority()
    pair = authority.sign("weak", "DNS:localhost,IP:127.0.0.1")
    with Weak("", tls=(pair.certificate, pair.key)) as server:
        tests = ("--tests", "tls.plain,tls.old,jwt.none,input.xss,protocol.unmasked")
        url = server.urls[""]
        ok(url.startswith("wss://"), "the weak server speaks wss")
        code, report, errors = scan(url, *tests, "--ca", authority.certificate, profile_path=profile())
        equal((code, of(report, "finding"), of(report, "error")), (0, [], []), "wss with --ca: nothing is found, every check has an answer")
        ok({"tls.plain", "tls.old"} <= set(of(report, "pass")), "and the checks of TLS are among them")
        code, report, errors = scan(url, *tests, profile_path=profile())
        equal((code, report["score"], {c["outcome"] for c in report["checks"]}), (3, None, {"error"}), "with a certificate that nobody trusts: exit 3, no pass")
        ok(all("certificate" in c["reason"] for c in report["checks"]), "and it is said", report["checks"][0]["reason"])
        code, report, errors = scan(url, *tests, "--insecure", profile_path=profile())
        equal((code, of(report, "finding")), (0, []), "with --insecure it is not looked at")
        ok(any("not looked at" in c["reason"] for c in report["checks"] if c["id"] == "tls.plain"), "which the report says")
        code, report, errors = scan(url, *tests, "--ca", "/nonexistent.pem", profile_path=profile())
        equal(code, 2, "a file of --ca that is not there is a wrong usage")
    with Weak("", tls=(authority.sign("other", "DNS:other.example").certificate, authority.file("other.key"))) as server:
        code, report, errors = scan(server.url, *tests, "--ca", authority.certificate, profile_path=profile())
        equal((code, of(report, "pass")), (3, []), "a certificate of another name is not trusted")


def own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return None


def not_on_this_machine():
    """An address of this machine that is none of loopback stands for another machine."""
    address = own_address()
    if address is None or address.startswith("127."):
        skip("ws to another machine is a finding", "this machine has no other address")
        return
    with Weak("", host=address) as server:
        code, _, errors = scan(server.url, "--tests", "tls.plain", profile_path=profile())
        ok(code == 2 and "--i-am-allowed" in errors, "another machine needs --i-am-allowed", errors)
        code, report, _ = scan(server.url, "--i-am-allowed", "--tests", "tls.plain,jwt.none", profile_path=profile())
        equal((code, of(report, "finding"), of(report, "pass")), (1, ["tls.plain"], ["jwt.none"]), "ws to another machine is a finding: tls.plain")


def dead_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{free.getsockname()[1]}"
    code, report, _ = scan(url)
    equal((code, report["score"], report["reached"]), (3, None, False), "a port where nobody listens: exit 3, no score")
    equal({c["outcome"] for c in report["checks"]}, {"error"}, "and every check is an error")


def mute_server():
    """Takes connections and says nothing: no pass either."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        code, report, _ = scan(f"ws://127.0.0.1:{listening.getsockname()[1]}")
    equal((code, report["score"]), (3, None), "a server that says nothing: exit 3, no score")
    equal({c["outcome"] for c in report["checks"]}, {"error"}, "and every check is an error")


ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "


def accepted(request):
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", request)
    return ACCEPTED + base64.b64encode(hashlib.sha1((key[1] if key else b"") + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()) + b"\r\n"


# What a hostile server answers to a handshake; None: nothing, and it closes; an endless one goes on with the last part.
HOSTILE = {
    "closes at once": lambda request: (b"", b""),
    "sends junk": lambda request: (bytes(range(256)) * 40, b""),
    "sends a head that does not end": lambda request: (b"HTTP/1.1 101 x\r\n", b"X-More: " + b"a" * 4000 + b"\r\n"),
    "accepts and closes": lambda request: (accepted(request) + b"\r\n", b""),
    "accepts and sends frames that are none": lambda request: (accepted(request) + b"\r\n\xff\xff" + bytes(range(256)), b""),
    "accepts and sends a message without an end": lambda request: (accepted(request) + b"\r\n\x01\x7e\xff\xff" + b"a" * 65535, b"\x00\x7e\xff\xff" + b"a" * 65535),
    "accepts and never stops to talk": lambda request: (accepted(request) + b"\r\n", (b"\x81\x7e\x0f\xa0" + b"a" * 4000) * 16),
    "accepts and sends pings": lambda request: (accepted(request) + b"\r\n", b"\x89\x7d" + b"p" * 125),
    "accepts what inflates a thousand times": lambda request: (accepted(request) + b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                                                               b"client_no_context_takeover\r\n\r\n" + BOMB, b""),
    "accepts and is mute": lambda request: (accepted(request) + b"\r\n", None),
}
PLAIN = zlib.compressobj(9, zlib.DEFLATED, -15)
INFLATES = PLAIN.compress(b"a" * (64 << 20)) + PLAIN.flush(zlib.Z_SYNC_FLUSH)
BOMB = b"\xc1\x7f" + len(INFLATES).to_bytes(8, "big") + INFLATES


def be_hostile(connection, answer):
    with connection:
        try:
            request = b""
            while b"\r\n\r\n" not in request:
                more = connection.recv(65536)
                if not more:
                    return
                request += more
            first, more = answer(request)
            connection.sendall(first)
            sent = 0
            while more and sent < 32 << 20:
                connection.sendall(more)
                sent += len(more)
            while more is None and connection.recv(65536):
                pass
        except OSError:
            pass


def one_hostile(item):
    name, answer = item
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)

        def serve():
            while True:
                try:
                    connection = listening.accept()[0]
                except OSError:
                    return
                threading.Thread(target=be_hostile, args=(connection, answer), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        result = scan(f"ws://127.0.0.1:{listening.getsockname()[1]}", *HOSTILE_TESTS, profile_path=profile(), patience=1500)
        listening.shutdown(socket.SHUT_RDWR)
    return name, result


# All of them in the long form.
HOSTILE_TESTS = () if "hostile" in sys.argv[2:] else ("--tests", "jwt.none,origin.foreign,input.sql,protocol.unmasked,slow.reader")


def hostile():
    with concurrent.futures.ThreadPoolExecutor(len(HOSTILE)) as pool:
        for name, (code, report, errors) in pool.map(one_hostile, HOSTILE.items()):
            passed = [c["id"] for c in report["checks"] if c["outcome"] == "pass" and c["id"] not in NEEDS_NO_SERVICE]
            ok(code in (1, 3) and report["score"] is None and not passed, f"a server that {name}: no score, no pass", (code, report["score"], passed, errors))


# What is said of the handshake, the token or TLS alone.
NEEDS_NO_SERVICE = {"info.banner", "tls.plain", "jwt.weak_secret", "handshake.subprotocol"}


def usage():
    code, _, errors = scan("ws://127.0.0.1:1", "--tests", "authentication,nonsense")
    ok(code == 2 and all(w in errors for w in ("nonsense", "authentication", "authorization", "input_validation", "rate_limiting", "attack_simulation", "compliance")),
       "an unknown name in --tests is an error that lists the names", errors)
    code, _, errors = scan("ws://192.0.2.1:80/")
    ok(code == 2 and "--i-am-allowed" in errors, "a target that is not on this machine needs --i-am-allowed", errors)
    for wrong in ("http://127.0.0.1/", "ws://", "ws://127.0.0.1:99999/", "ws://[::1/", "ws://a@127.0.0.1/"):
        ok(scan(wrong)[0] == 2, f"{wrong} is no target")
    code, _, errors = scan("ws://127.0.0.1:1", profile_path=profile(lambda text: text + "unknown_section: 1\n"))
    ok(code == 2 and re.search(r"yaml:\d+:\d+: error: there is no section", errors), "an unknown section of a profile is an error with its place", errors)


def schemas():
    try:
        import jsonschema
    except ImportError:
        skip("reports hold to their schemas", "python3-jsonschema is not installed")
        return
    with Weak("jwt.none,slow.login") as server:
        _, report, _ = scan(server.url, "--tests", "jwt.none,jwt.none,input.xss,tls.plain,compliance", profile_path=profile())
        _, sarif, _ = scan(server.url, "--tests", "jwt.none,input.xss,tls.plain,compliance", profile_path=profile(), format="sarif")
    for name, schema, document in (("JSON", "docs/reference/scan.schema.json", report), ("SARIF", sarif_schema(), sarif)):
        if schema is None:
            skip(f"{name} holds to its schema", "@microsoft/jest-sarif is not there (SARIF_SCHEMA=FILE)")
            continue
        with open(schema) as file:
            faults = [e.message for e in jsonschema.Draft7Validator(json.load(file)).iter_errors(document)]
        equal(faults, [], f"{name} holds to its schema")


def sarif_schema():
    """As npm's @microsoft/jest-sarif has it."""
    found = [os.environ["SARIF_SCHEMA"]] if "SARIF_SCHEMA" in os.environ else glob.glob("tests/web/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0*.json")
    return found[0] if found else None


def categories():
    with Weak() as server:
        code, report, _ = scan(server.url, "--tests", "authorization,compliance", profile_path=profile())
        equal((code, {c["category"] for c in report["checks"]}), (0, {"authorization", "compliance"}), "only the named categories run")
        code, report, _ = scan(server.url, "--tests", "jwt.none", profile_path=profile())
        equal(of(report, "pass"), ["jwt.none"], "or one check")
        typed = profile(lambda text: text.replace("  once: true", "  once: true\n  type: at+jwt"))
        code, report, _ = scan(server.url, "--tests", "jwt.type,jwt.expired", profile_path=typed)
        equal((of(report, "finding"), of(report, "pass")), (["jwt.type"], ["jwt.expired"]), "where the profile has a type of tokens, another that is taken is found")


def reports():
    with Weak("origin.foreign,input.xss,handshake.version") as server:
        code, report, _ = scan(server.url, "--tests", "input.xss,jwt.signature,auth.default_password,attack_simulation,origin.foreign", profile_path=profile())
        known = os.path.join(FOLDER.name, "known.json")
        with open(known, "w") as file:
            json.dump(report, file)
        found = ["input.xss", "handshake.version", "origin.foreign"]
        equal((code, sorted(of(report, "finding"))), (1, sorted(found)), "three things to find are found")
        text = json.dumps(report)
        ok("correct horse" not in text and "Only-for-this-example" not in text and not re.search(r"eyJ[\w-]+\.eyJ", text),
           "no password, secret or token is in the report", text[:300])
        with Weak("origin.foreign,input.xss,handshake.version,handshake.http10") as more:
            code, report, _ = scan(more.url, "--baseline", known, "--tests", ",".join(found), profile_path=profile())
            equal(code, 0, "findings of the baseline are no news")
            code, report, _ = scan(more.url, "--baseline", known, "--tests", ",".join(found + ["handshake.http10"]), profile_path=profile())
            equal((code, [c["id"] for c in report["checks"] if c["outcome"] == "finding" and not c["known"]]), (1, ["handshake.http10"]), "another one is")
        code, page, _ = scan(server.url, "--tests", ",".join(found), profile_path=profile(), format="html")
        ok("<script>" not in page and "&lt;script&gt;" in page and "input.xss" in page, "the page has what was found, as text", page[:300])
        code, sarif, _ = scan(server.url, "--tests", ",".join(found), profile_path=profile(), format="sarif")
        equal(sorted(r["ruleId"] for r in sarif["runs"][0]["results"] if r["kind"] == "fail"), sorted(found), "SARIF has the same")
        code, fix, _ = scan(server.url, "--fix", "--output", os.path.join(FOLDER.name, "report"), "--tests", ",".join(found), profile_path=profile(),
                            format="text")
        ok("allowed: [https" in fix, "--fix prints what of a policy closes it", fix)
    with Weak("rate.messages,rate.connections_address,origin.foreign,rate.connections_user") as server:
        path = os.path.join(FOLDER.name, "fix.yaml")
        with open(path, "w") as file:
            file.write(scan(server.url, "--fix", "--output", os.path.join(FOLDER.name, "report"), "--tests", "rate_limiting,origin.foreign", profile_path=profile(), format="text")[1])
        done = subprocess.run([BINARY, "check", "--config", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        ok(done.returncode == 0 and open(path).read().count("rate_limiting:") == 1, "of several findings it is one configuration that holds", done.stdout + open(path).read())


if __name__ == "__main__":
    if sys.argv[2:] == ["hostile"]:
        main(hostile)
    all_switches = Switches()
    if sys.argv[2:]:
        main(all_switches.switches)
    main(every_check_has_a_switch, dead_port, mute_server, hostile, usage, not_on_this_machine, categories, reports, schemas, learned, tls, all_switches.switches)
