"""For test_effects.py: what each member of audit_logging.receivers changes of what a receiver gets."""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import tempfile

from certificates import Authority
from effects import CLOSED, Case
from framewall import BINARY, PATIENCE, RawClient, until
from providers import Server
from receivers import Stream, Udp

SECTION = "audit_logging.receivers"
SECRETS = ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="]


def name(word):
    return f"{SECTION}.*.{word}"


def figures(program):
    """Of the one receiver."""
    done = subprocess.run([BINARY, "stats", "--json", "--data", program.data], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=PATIENCE)
    return next(iter(json.loads(done.stdout)["receivers"].values())) if done.returncode == 0 else None


def act(program):
    """A record that is a warning, and what became of all records: "sent", or "not"."""
    RawClient(program.port, request=b"GET / HTTP/1.1\r\n\r\n").read_head()
    until(lambda: program.records("protocol_violation") or program.records("handshake_refused"))
    last = program.records()[-1]["sequence"]
    end = until(lambda: (now := figures(program)) and (now["delivered"] >= last or now["failures"] > 1) and now)
    return "sent" if end and end["delivered"] >= last else "not"


def see_file(program):
    """One file that it has in its folder, with records or in another format."""
    act(program)
    until(lambda: any(os.path.exists(os.path.join(program.folder, file)) for file in ("one", "two")))
    (file,) = [file for file in ("one", "two") if os.path.exists(os.path.join(program.folder, file))]
    with open(os.path.join(program.folder, file), encoding="utf-8") as opened:
        lines = opened.read().splitlines()
    cursors = [cursor for cursor in os.listdir(os.path.join(program.data, "receivers")) if cursor.endswith(".cursor")]
    return {name("name"): cursors, name("url"): file, name("format"): lines[0][:5], name("level"): any('"level":"info"' in line for line in lines),
            name("events"): any("ledger_epoch" in line for line in lines), name("checkpoints"): any("ledger_checkpoint" in line for line in lines),
            name("backlog"): any('"sequence":1,' in line for line in lines)}


def only(see, *words):
    return lambda program: {name(word): value for word, value in ((key.rsplit(".", 1)[1], value) for key, value in see(program).items()) if word in words}


def mine(program, messages):
    ids = [record["event_id"].encode() for record in program.records()]
    return [message for message in list(messages) if any(event in message for event in ids)]


def see_messages(receiver):
    def see(program):
        act(program)  # who does not want our certificate says so when he was sent something already
        until(lambda: mine(program, receiver.messages) or figures(program)["failures"] > 1)
        messages = mine(program, receiver.messages) or [b"<> - - - -"]
        became = "sent" if mine(program, receiver.messages) else "not"
        return {name("facility"): messages[0].split(b">")[0].decode(), name("app"): messages[0].split(b" ")[3].decode(),
                **{name(word): became for word in ("ca_file", "server_name", "certificate", "key", "timeout")},
                name("resend"): figures(program)["certain"] > 0}

    return see


def see_requests(server, path):
    def see(program):
        became = act(program)
        asked = [(headers, body) for where, headers, body in server.asked if where == path and mine(program, [body])]
        headers = asked[0][0] if asked else {}
        dead = [file for file in ("data/receivers/hook.dead", "elsewhere") if until(lambda: os.path.exists(os.path.join(program.folder, file)), 2 if path == "/bad" else 0)]
        return {name("authorization"): headers.get("Authorization"),
                name("batch"): max((body.count(b"\n") for _, body in asked), default=0) > 1, name("attempts"): bool(dead), name("dead_letters"): dead,
                **{name(word): became for word in ("timeout", "allow_private", "allow_http")}}

    return see


def see_signature(server):
    """Which of the two secrets has signed what came."""
    def signed_with(headers, body):
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        return next((which for which, secret in enumerate(SECRETS) if headers["webhook-signature"] == "v1," + base64.b64encode(
            hmac.new(base64.b64decode(secret[6:]), text, hashlib.sha256).digest()).decode()), "neither")

    def see(program):
        act(program)
        return {name("secret"): {signed_with(headers, body) for where, headers, body in server.asked if where == "/good" and mine(program, [body]) and headers["webhook-signature"]}}

    return see


def see_dead(program):
    act(program)
    path = os.path.join(program.folder, "data/receivers/hook.dead")
    until(lambda: os.path.exists(path) and os.path.getsize(path) + (os.path.getsize(path + ".1") if os.path.exists(path + ".1") else 0) > 1200)
    return {name("dead_letters_max"): os.path.exists(path + ".1")}


def see_program(program):
    """A shell script that says its argument for each line into a file, and "ok"."""
    act(program)
    end = until(lambda: (now := figures(program)) and now["certain"] > 0 and now, 3)
    written = sorted(file for file in ("one", "two") if os.path.exists(os.path.join(program.folder, file)))
    return {name("arguments"): written, name("acknowledge"): bool(end)}


def cases_of_receivers(made):
    def case(rows, see, options=None, **more):
        files = [name(word) for word in rows if word.endswith("file") or word in ("certificate", "key", "dead_letters")]
        fixed = {**{"name": "siem"}, **more}
        return Case({name(word): row for word, row in rows.items()}, only(see, *rows), CLOSED,
                    lambda values: {SECTION: [{**fixed, **{key.rsplit(".", 1)[1]: value for key, value in values.items()}}]}, files=files, **(options or {}))

    yield case({"name": ("a", "b", ["a.cursor"], ["b.cursor"]), "url": ("file:one", "file:two", "one", "two"), "format": ("jsonl", "cef", '{"tim', "CEF:0")}, see_file)
    for word, row in {"level": ("info", "warning", True, False), "events": (["ledger_epoch"], ["handshake_refused", "protocol_violation"], True, False)}.items():
        yield case({word: row}, see_file, url="file:one", checkpoints=False)
    yield case({"checkpoints": (True, False, True, False)}, see_file, url="file:one")
    # A record of before, and a receiver that comes later.
    earlier = (f"here=$PWD; (cd / && exec {BINARY} run --data $here/data --listen localhost:0 --admin off) >earlier 2>&1 & until grep -q listening earlier && [ -s data/record/checkpoint ]; do sleep 0.05; done; "
               'kill $!; wait $!; exec "$@"')
    before = {"before": ("sh", "-c", earlier, "sh")}
    yield case({"backlog": (True, False, True, False)}, see_file, before, url="file:one", checkpoints=False)

    script = os.path.join(made.enter_context(tempfile.TemporaryDirectory(prefix="framewall-e2e-effects-")), "handler")
    with open(script, "w") as file:
        file.write('#!/bin/sh\nwhile read -r line; do echo "$line" >>"$1"; echo ok; done\n')
    os.chmod(script, 0o755)
    yield case({"arguments": (["one"], ["two"], ["one"], ["two"])}, see_program, url="program:" + script, acknowledge=True)
    yield case({"acknowledge": (False, True, False, True)}, see_program, url="program:" + script, arguments=["one"])
    udp = made.enter_context(Udp())
    yield case({"facility": ("audit", "local7", "<110", "<190"), "app": ("framewall", "chat", "framewall", "chat")}, see_messages(udp), url=f"udp://127.0.0.1:{udp.port}",
               checkpoints=False, events=["ledger_epoch"])
    tcp = made.enter_context(Stream())
    yield case({"resend": (8192, 0, False, True)}, see_messages(tcp), url=f"tcp://127.0.0.1:{tcp.port}")

    authority, other = (made.enter_context(Authority(whose)) for whose in ("Of receivers", "Of other receivers"))
    own, foreign, server = authority.sign("framewall"), other.sign("foreign"), authority.sign("siem", "DNS:siem.example").server(authority)
    whole = {}
    for pair, whose in ((own, "own"), (foreign, "foreign")):
        whole[whose] = authority.file(whose + "-whole.pem")
        with open(whole[whose], "w") as file:
            file.write(open(pair.certificate).read() + open(pair.key).read())
    tls = made.enter_context(Stream(wrap=lambda peer: server.wrap_socket(peer, server_side=True)))
    right = {"url": f"tls://127.0.0.1:{tls.port}", "ca_file": authority.certificate, "server_name": "siem.example", "certificate": whole["own"]}
    for word, row in {"ca_file": (other.certificate, authority.certificate, "not", "sent"), "server_name": ("elsewhere.example", "siem.example", "not", "sent"),
                      "certificate": (whole["foreign"], whole["own"], "not", "sent")}.items():
        yield case({word: row}, see_messages(tls), **{key: value for key, value in right.items() if key != word})
    yield case({"key": (foreign.key, own.key, "not", "sent")}, see_messages(tls), **{**right, "certificate": own.certificate})

    web = made.enter_context(Server({"/good": lambda *request: (204, {}, b""), "/bad": lambda *request: (400, {}, b""),
                                     "/slow": lambda *request: (until(lambda: False, 1.5), (204, {}, b""))[1]}))
    good, local = {"name": "hook", "url": web.url + "/good"}, {"allow_http": True, "allow_private": True}
    yield case({"secret": (SECRETS[0], SECRETS[1], {0}, {1})}, see_signature(web), **good, **local)
    yield case({"authorization": ("Bearer one", "Splunk two", "Bearer one", "Splunk two"), "batch": (500, 1, True, False)}, see_requests(web, "/good"), before, checkpoints=False, **good, **local)
    yield case({"allow_http": (False, True, "refused", "sent")}, see_requests(web, "/good"), allow_private=True, **good)
    yield case({"allow_private": (False, True, "not", "sent")}, see_requests(web, "/good"), allow_http=True, **good)
    yield case({"timeout": (1, 30, "not", "sent")}, see_requests(web, "/slow"), **{**good, "url": web.url + "/slow"}, **local)
    bad = {**good, "url": web.url + "/bad", "events": ["ledger_epoch"], "checkpoints": False}
    yield case({"attempts": (1000, 1, False, True)}, see_requests(web, "/bad"), **bad, **local)
    yield case({"dead_letters": ("data/receivers/hook.dead", "elsewhere", ["data/receivers/hook.dead"], ["elsewhere"])}, see_requests(web, "/bad"), attempts=1, **bad, **local)
    yield case({"dead_letters_max": (0, 1, False, True)}, see_dead, attempts=1, **{**bad, "events": []}, **local)
