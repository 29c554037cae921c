"""framewall scan against Framewall: at its default configuration nothing is found; with a protection off, what belongs to it.

With more arguments: each of these protections (or `all`) off and on alone, a server for each."""
import collections
import concurrent.futures
import copy
import json
import os
import subprocess
import sys
import tempfile

import websockets
import yaml

from framewall import BINARY, Framewall, Upstream, equal, main, ok

PROFILE = """
jwt: {secret_file: DATA/keys/jwt.key}
identities:
  - {name: user, role: user}
  - {name: other, role: user}
  - {name: admin, role: admin}
forbidden:
  - {kind: vertical, as: user, control: admin, send: '{"type":"admin_command","command":"list_users","csrf_token":"${answer:data/csrf_token}"}', done: {type: admin_command_result}}
expect: {inspection: true}
revoke: 'BINARY session revoke --user ${user} --data DATA'
"""


def merged(into, more):
    """None takes a name away."""
    for name, value in more.items():
        into[name] = merged(into.get(name, {}), value) if isinstance(value, dict) else value
        if value is None:
            del into[name]
    return into


CAROL = {"name": "password", "role": "user", "user": "carol", "password": "correct horse battery staple"}


def scan(fw, *arguments, more=None):
    profile = yaml.safe_load(PROFILE.replace("DATA", fw.data).replace("BINARY", BINARY))
    if more is not None:
        merged(profile, more)["identities"].append(CAROL)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(profile, file, sort_keys=False)
        file.flush()
        done = subprocess.run([BINARY, "scan", f"ws://127.0.0.1:{fw.port}/", "--profile", file.name, "--run-commands", "--quiet", "--format", "json", *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=240)
    if not done.stdout:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr}")
    return done.returncode, json.loads(done.stdout)


def add_user(fw):
    """carol, who has a password."""
    done = subprocess.run([BINARY, "user", "add", "carol", "--data", fw.data], input="correct horse battery staple\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)


def of(report, outcome):
    return [check["id"] for check in report["checks"] if check["outcome"] == outcome]


def reasons(report):
    return "\n".join(f"{c['outcome']} {c['id']}: {c['reason']}" for c in report["checks"] if c["outcome"] in ("finding", "error"))


def default():
    with Framewall(None) as fw:
        code, report = scan(fw)
    ok(code == 0 and not of(report, "finding") and not of(report, "error"), "the default configuration: nothing is found, every check has an answer", reasons(report))
    lost = {"jwt.time_edges", "jwt.encrypted", "jwt.zip", "jwt.kid", "jwt.altered", "robust.tokens", "robust.large_tokens"} - set(of(report, "pass"))
    ok(not lost, "tokens in every shape are refused", lost)
    measured = next(c["reason"] for c in report["checks"] if c["id"] == "rate.messages")
    ok("measured: 60 messages" in measured, "the limit of messages is measured exactly", measured)
    ok(len(of(report, "pass")) >= 60, "and there are at least 60 passes", len(of(report, "pass")))


FOLDER = tempfile.TemporaryDirectory(prefix="framewall-scan-")


def provider(algorithm, *kind, **more):
    """What the configuration says of a provider of identities, and what a profile that speaks for it: (issuer, profile)."""
    key, public = (os.path.join(FOLDER.name, algorithm + end) for end in (".key", ".pem"))
    subprocess.run(["openssl", "genpkey", "-out", key, *kind], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    with open(public) as file:
        issuer = {"issuer": "https://id.example", "audience": "chat", "algorithm": algorithm, "public_key": file.read(), "roles_from": "role",
                  "roles": {"user": ["user"], "admin": ["admin"]}, **more}
    return issuer, {"jwt.secret_file": None, "jwt.key_file": key, "jwt.public_key_file": public, "jwt.audience": "chat", "jwt.issuer": "https://id.example"}


RSA, BY_RSA = provider("RS256", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")


def providers():
    """Tokens that a provider signs: the attacks that need its public key, too."""
    pairs = [(RSA, BY_RSA), provider("ES256", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")]
    listed = subprocess.run([BINARY, "scan", "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")
    tests = ",".join(line.split()[0] for line in listed if line.startswith("jwt."))
    for issuer, profile in pairs:
        with Framewall(json.dumps({"authentication": {"issuers": [issuer]}}), check=False) as fw:
            code, report = scan(fw, "--tests", tests, more=nested(profile))
        name = issuer["algorithm"]
        ok(code == 0 and not of(report, "finding") and not of(report, "error"), f"tokens of a provider, {name}: nothing is found", reasons(report))
        lost = {"jwt.confusion", "jwt.encrypted", "jwt.altered", "jwt.audience", "jwt.issuer", "jwt.time_edges"} - set(of(report, "pass"))
        ok(not lost, f"{name}: and nothing was left out for want of a key", lost)


# A protection off: what is found then, what the configuration says, and what the profile wants that it does not get.
# Where the default of the key is no protection (0: no limit), ON is what makes it one.
Row = collections.namedtuple("Row", "finding off on profile", defaults=({}, {}))
HEADER = {"login.header": "Authorization: Bearer ${token}"}  # one who is let in as a guest says no more
# Messages of our own to a server behind, which tells everybody; so that a text is not bounded by the contract's.
SAY = {"messages": {"say": {"permission": "any", "max_bytes": 100000, "fields": {"text": {"max": 50000, "required": True}, "urgent": {"type": "boolean", "set": ["admin"]}}},
                    "wipe": {"permission": "admin.configure"}}}
SAID = {"message.send": '{"type":"say","text":"${text}"}', "message.refused": {"type": "error"}, "message.limited": {"data/code": "RATE_LIMITED"},
        "forbidden": [{"kind": "vertical", "as": "user", "control": "admin", "send": '{"type":"wipe"}', "done": {"type": "wipe"}},
                      {"kind": "field", "as": "user", "control": "admin", "send": '{"type":"say","text":"a","urgent":true}', "done": {"urgent": "true"}}]}
BEHIND = {"authz.vertical", "authz.field", "input.unknown_field", "input.message_size"}
ROWS = [
    Row("origin.foreign", {"origin.allowed": ["https://attacker.example"]}),
    Row("origin.null", {"origin.allowed": ["null"]}),
    Row("origin.similar", {}, {"origin.allowed": ["http://localhost"]}, {"origin": "http://localhost"}),
    Row("origin.rebinding", {"hosts": ["localhost", "127.0.0.1", "rebound.example"], "origin.allowed": ["http://rebound.example"]}),
    Row("auth.anonymous", {"routes": [{"path": "/", "upstream": "hub", "anonymous": "user"}]}, profile=HEADER),
    Row("authz.unauthenticated_listener", {"routes": [{"path": "/", "upstream": "hub", "anonymous": "guest"}]}, profile=HEADER),
    Row("auth.token_in_query", {"authentication.query_parameter": True}),
    Row("auth.brute_force", {"rate_limiting.auth_attempts_per_account": 0}, {"rate_limiting.auth_attempts_per_account": 8}, {"limits.guesses_per_minute": 14}),
    Row("rate.guesses", {"rate_limiting.auth_attempts_per_minute": 1000, "rate_limiting.auth_attempts_per_account": 1000,
                         "monitoring.auto_block.violation_threshold": 1000000}, profile={"limits.guesses_per_minute": 14}),
    Row("jwt.audience", {}, {"authentication.jwt.audience": "chat"}, {"jwt.audience": "chat"}),
    Row("jwt.issuer", {}, {"authentication.jwt.issuer": "https://id.example"}, {"jwt.issuer": "https://id.example"}),
    Row("jwt.type", {"authentication.issuers": [RSA]}, {"authentication.issuers": [{**RSA, "type": "at+jwt"}]}, {**BY_RSA, "jwt.type": "at+jwt"}),
    Row("authz.vertical", {"messages.wipe": {"permission": "any"}}, SAY, SAID),
    Row("authz.field", {"messages.say.fields.urgent": {"type": "boolean"}}, SAY, SAID),
    Row("input.sql", {"validation.inspect.refuse.sql": 0}),
    Row("input.command", {"validation.inspect.refuse.shell": 0}),
    Row("input.path", {"validation.inspect.refuse.path": 0}),
    Row("input.template", {"validation.inspect.refuse.other": 0}),
    Row("input.unknown_field", {"validation.unknown_fields": "warn"}, SAY, SAID),
    Row("input.message_size", {"rate_limiting.max_message_size": 65536}, SAY, {**SAID, "limits.message_bytes": 8192}),
    Row("rate.messages", {"rate_limiting.messages_per_minute": 100000}),
    Row("rate.messages_user", {}, {"rate_limiting.messages_per_user_per_minute": 70}, {"limits.messages_per_minute_user": 80}),
    Row("rate.messages_address", {}, {"rate_limiting.messages_per_ip_per_minute": 70}, {"limits.messages_per_minute_address": 80}),
    Row("rate.connections_address", {"rate_limiting.max_connections_per_ip": 1000, "rate_limiting.auth_attempts_per_minute": 1000}),
    Row("rate.connections_user", {"authentication.max_sessions_per_user": 1000, "rate_limiting.sessions_per_user_per_minute": 0}, profile={"limits.connections_per_user": 10}),
    Row("flood.fragments", {"websocket.max_fragments": 0, "rate_limiting.max_message_size": 65536}),
    Row("flood.empty_fragments", {"websocket.max_fragments": 0}),
    Row("flood.deflate_bomb", {"websocket.compression": "on", "websocket.max_inflate_ratio": 0, "rate_limiting.max_message_size": 67108864},
        {"websocket.compression": "on"}),
    Row("slow.handshake", {"websocket.handshake_timeout": 60}, {"websocket.handshake_timeout": 2}, {"limits.handshake_seconds": 4}),
    Row("slow.login", {"authentication.login_timeout": 60}, {"authentication.login_timeout": 2}, {"limits.login_seconds": 4}),
    Row("slow.idle", {"websocket.ping_interval": 0}, {"websocket.ping_interval": 1}, {"limits.idle_seconds": 4}),
]


# What cannot be off together with others: an attack that others' limits would end, or that ends theirs.
ALONE = {"jwt.type", "auth.anonymous", "authz.unauthenticated_listener", "flood.deflate_bomb", "origin.similar", "origin.null", "origin.rebinding"}
METHODS = {"authentication.methods": ["jwt", "session", "password"], "authentication.password_hash.memory": 8, "authentication.password_hash.passes": 1}


async def tell_all(server, websocket):
    everybody = server.__dict__.setdefault("everybody", set())
    everybody.add(websocket)
    try:
        async for message in websocket:
            websockets.broadcast(everybody, message)
    finally:
        everybody.discard(websocket)


def nested(pairs, into=None):
    """{"a.b": 1} as {"a": {"b": 1}}, the later ones over the earlier."""
    root = {} if into is None else into
    for path, value in pairs.items():
        *names, last = path.split(".")
        at = root
        for name in names:
            at = at.setdefault(name, {})
        at[last] = copy.deepcopy(value)
    return root


def one(item):
    row, is_off = item
    config = nested(row.off if is_off else {}, nested(row.on if row.off or not is_off else {}, nested(METHODS)))
    if row.finding in BEHIND:
        config["upstream"] = {"url": f"ws://127.0.0.1:{Upstream(tell_all).port}"}
    with Framewall(json.dumps(config), check=False) as fw:
        add_user(fw)
        return row, is_off, scan(fw, "--tests", row.finding, more=nested(row.profile))


def protections():
    """Each protection off: the matching finding; on: none."""
    wanted = sys.argv[2:]
    items = [(row, is_off) for row in ROWS for is_off in (True, False) if not wanted or "all" in wanted or row.finding in wanted]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for row, is_off, (code, report) in pool.map(one, items):
            equal((code, of(report, "finding"), of(report, "error")), (1, [row.finding], []) if is_off else (0, [], []),
                  f"{'without' if is_off else 'with'} its protection: {row.finding}")


def all_off():
    """One server without any of these protections: all of that is found, and nothing else."""
    together = [row for row in ROWS if row.finding not in ALONE | BEHIND]
    config, profile = nested(METHODS), {}
    for row in together:
        nested(row.off, config)
        nested(row.profile, profile)
    allowed = [origin for row in together for origin in row.off.get("origin.allowed", [])]
    with Framewall(json.dumps(nested({"origin.allowed": allowed}, config)), check=False) as fw:
        add_user(fw)
        code, report = scan(fw, "--tests", ",".join(row.finding for row in together) + ",auth.timing", more=profile)
    equal((code, sorted(of(report, "finding"))), (1, sorted(row.finding for row in together)), "without its protections all of that is found")
    ok("auth.timing" in of(report, "pass"), "and the time of an answer does not say which users there are", [c["reason"] for c in report["checks"] if c["id"] == "auth.timing"])


if __name__ == "__main__":
    assert os.path.exists(BINARY)
    if sys.argv[2:]:
        main(protections)
    main(default, providers, all_off)
