#!/usr/bin/python3
"""Every key of the configuration has an effect that is seen from outside, or is named as one that has none: a key with neither fails here.

Plays of tests/play see most of them: one must not hold without the key (play --without=KEY). For the others there is a case below: the same
is done with a running program under two values, and what is seen differs, and differs by that key alone. Each case is seen again with the
other value from an overlay, from FRAMEWALL_ variables and out of ${file:…}; for the plays tests/play/meson.build does the same.
"""
import collections
import concurrent.futures
import contextlib
import sqlite3
import ssl
import urllib.error
import urllib.request

from certificates import Authority, openssl
from effects import *
from effects_receivers import cases_of_receivers
from effects_admin import cases_of_admin
from effects_anomalies import cases_of_anomalies
from effects_blocks import cases_of_blocks
from effects_record import cases_of_record
from effects_scenarios import cases_of_scenarios
from effects_threats import cases_of_threats
from effects_watchdog import cases_of_watchdog
from effects_alerts import cases_of_alerts
from effects_response import cases_of_responses
from sealing import Seals
from framewall import *

try:
    from providers import Server, document
    from signers import Key, claims_of, proof, thumbprint, token, with_secret
except ImportError:
    token = None

# Keys that must be given: another value is taken than the plays have.
ANOTHER = {"routes.*.path": "/elsewhere", "authentication.api_keys.*.id": "zzzzzzzz", "authentication.api_keys.*.hash": "0" * 63 + "1",
           "authentication.jwt.keys.*.kid": "another", "authentication.jwt.keys.*.secret": "another secret of 34 octets or more",
           "messages.*.permission": "admin.execute", "messages.*.fields.*.type": "boolean", "messages.*.fields.*.items": "{type: text}",
           "messages.*.fields.*.fields": "{c: {}}"}


def status(program, headers=None, **options):
    """Of a handshake; None: it came to nothing."""
    try:
        client = RawClient(program.port, headers or {}, **options)
        client.close()
        return client.status
    except (OSError, EOFError):
        return None


# What is seen of a running program -----------------------------------------------------------------------------------
def opens(address, port):
    """What listens there may be a receiver of another case: the port is free at one address only."""
    try:
        with socket.create_connection((address, port), PATIENCE) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            return client.recv(5) == b"HTTP/"
    except OSError:
        return False


def threads(program, name):
    return sum(open(path).read().startswith(name) for pid in program.pids() for path in glob.glob(f"/proc/{pid}/task/*/comm"))


def see_places(program, _=None):
    where = "127.0.0.1" if opens("127.0.0.1", program.port) else "127.0.0.2"
    client = RawClient(program.port, {}, address=where)
    client.send(json.dumps({"type": "auth", "token": program.token()}))
    token = said(client, "auth_success")["data"]["csrf_token"]
    client.close()
    seen = {
        "listen": where,
        "workers": program.stats()["workers"] if until(lambda: threads(program, "fw-worker") == program.stats()["workers"]) else None,
        "overload.memory_limit": program.stats()["counters"]["memory_limit_bytes"] // 1048576,
        "csrf.token_length": len(token) * 6 // 8 if re.fullmatch("[A-Za-z0-9_-]+", token) else token,
    }
    program.signal()
    program.wait()
    until(lambda: any(line.startswith("draining") for line in program.lines))
    seen["admin.listen"] = any(re.match("admin on http://127.0.0.1:", line) for line in program.lines)
    there = [folder for folder in ("data/record", "elsewhere") if os.path.exists(os.path.join(program.folder, folder, "security_audit.log"))]
    seen["audit_logging.log_directory"] = there
    seen["audit_logging.checkpoint_copy"] = os.path.exists(os.path.join(program.folder, "copy"))
    seen["log.level"] = " debug " in program.stderr()
    return seen


def see_cors(program, _=None):
    """What a browser is told that asks before a page of another origin does."""
    request = urllib.request.Request(f"http://localhost:{program.admin_port()}/api/v1/stats", method="OPTIONS", headers={
        "Origin": "https://board.example", "Access-Control-Request-Method": "GET"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return {f"security_policies.cors.{key}": answer.headers[name] for key, name in (
            ("allowed_methods", "Access-Control-Allow-Methods"), ("allowed_headers", "Access-Control-Allow-Headers"), ("max_age", "Access-Control-Max-Age"))}


def see_start(key):
    def see(program, _=None):
        return {key: "warned" if 'the permission "chat.sned"' in program.stderr() else "silent"}

    return see


def see_assertion(upstream):
    def see(program, _=None):
        user = os.urandom(8).hex()
        status(program, program.bearer(user))
        (token,) = until(lambda: [headers["X-Framewall-Assertion"] for headers in list(upstream.headers) if headers["X-Framewall-User"] == user])
        head, claims = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]
        return {"assertion.issuer": claims["iss"], "assertion.lifetime": claims["exp"] - claims["iat"], "assertion.keys": head["alg"]}

    return see


def see_login(*tokens):
    """Who a token says that it is, or why it is refused. tokens: (token or what makes one of the program, keys that it shows)."""
    def see(program, _=None):
        seen = {}
        for token, names in tokens:
            client = RawClient(program.port, {})
            client.send(json.dumps({"type": "auth", "token": token}))
            data = json.loads(client.receive()[1])["data"]
            client.close()
            seen.update({key: f"{data['role']} {data['user_id']}" if "role" in data else data["code"] for key in names})
        return seen

    return see


def see_tls(authority, shown):
    """Clients come with a certificate, and without."""
    def enters(program, name="localhost", pair=None, groups=None, **settings):
        context = authority.client(pair, **settings)
        if groups:
            context.set_ecdh_curve(groups)
        found = []

        def wrap(raw):
            made = context.wrap_socket(raw, server_hostname=name)
            found.append(dict(made.getpeercert()["subject"][0])["commonName"])
            return made

        return found[0] if status(program, program.bearer(), wrap=wrap) == 101 else None

    def see(program, _=None):
        either = lambda **options: enters(program, **options) or enters(program, pair=shown, **options)
        plain, extra = either(), either(name="extra.example")
        return {"tls.certificate": plain, "tls.key": plain, "tls.certificates.*.certificate": extra, "tls.certificates.*.key": extra,
                "tls.min_version": bool(either(maximum_version=ssl.TLSVersion.TLSv1_2)), "tls.groups": bool(either(groups="secp384r1")),
                "tls.client_certificate": bool(enters(program)), "tls.client_ca": bool(enters(program, pair=shown))}

    return see


def see_status(*names):
    def see(program, _=None):
        answer = status(program, program.bearer())
        return {key: answer for key in names}

    return see


def see_conditions(authority):
    """Of a client without a certificate, from this machine."""
    def see(program, _=None):
        client = RawClient(program.port, program.bearer(), wrap=authority.wrap())
        seen = {}
        for key, message in (("network", chat("hi")), ("certificate", '{"type":"csrf_refresh"}')):
            client.send(message)
            client.send('{"type":"ping"}')
            answers = [json.loads(client.receive()[1])]
            while answers[-1]["type"] != "pong":
                answers.append(json.loads(client.receive()[1]))
            codes = [answer["data"]["code"] for answer in answers if answer["type"] == "error"]
            seen[f"messages.*.when.{key}"] = codes[0] if codes else "taken"
        client.close()
        return seen

    return see


def see_schema(program, _=None):
    """Which field of a message is refused; the message behind it is answered here in any case."""
    client = RawClient(program.port, program.bearer())
    client.send('{"type":"go","a":1}')
    client.send('{"type":"nothing"}')
    field = said(client, "error")["data"]["errors"][0]["field"]
    client.close()
    return {"messages.*.schema_file": "taken" if field == "type" else field}


def see_received(key):
    """Whether what the server says back reaches the client; the message behind it does in any case."""
    def see(program, _=None):
        client = RawClient(program.port, program.bearer())
        client.send('{"type":"go","a":1}')
        client.send('{"type":"last"}')
        first = json.loads(client.receive()[1])
        client.close()
        return {key: first["type"]}

    return see


def see_certificate(authority, shown, keys):
    """Who a client is by its certificate alone."""
    def see(program, _=None):
        client = RawClient(program.port, {}, wrap=authority.wrap(pair=shown))
        client.send(json.dumps({"type": "auth", "method": "certificate"}))
        answer = {}
        while answer.get("type") not in ("auth_success", "error"):
            answer = json.loads(client.receive()[1])
        client.close()
        data = answer["data"]
        return dict.fromkeys(keys, f"{data['role']} {data['user_id']}" if "role" in data else data["code"])

    return see


def see_proxy(program, _=None):
    head = PLAIN.replace(b"\r\n\r\n", b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                      b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    return {"proxy_protocol": RawClient(program.port, request=b"PROXY TCP4 203.0.113.7 192.0.2.2 4711 443\r\n" + head).read_head()}


# The cases -----------------------------------------------------------------------------------------------------------
def cases(made):
    """made: an ExitStack for what they need."""
    authority, other = made.enter_context(Authority()), made.enter_context(Authority("Another authority"))
    pairs = {name: authority.sign(name) for name in ("one", "two", "gateway")}
    pairs.update({name: authority.sign(name, "DNS:extra.example") for name in ("three", "four")})
    signing = authority.file("signing.pem")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", signing)
    os.chmod(signing, 0o600)
    upstream = made.enter_context(Upstream())
    demanding = made.enter_context(Upstream(ssl=authority.sign("server", "DNS:elsewhere.example").server(authority)))
    unknown = made.enter_context(Upstream(ssl=other.sign("server").server()))
    cors, sender = "security_policies.cors.", {"rbac.roles": {"sender": {"permissions": ["chat.sned"]}}}
    behind = ("upstream.tls.ca_file", "upstream.tls.server_name", "upstream.tls.certificate", "upstream.tls.key")

    def certificates_told(values):
        entry = {name: values[f"tls.certificates.*.{name}"] for name in ("certificate", "key")}
        return {**{key: value for key, value in values.items() if "*" not in key}, "tls.certificates": [entry]}

    yield Case({"listen": ("localhost:0", "127.0.0.2:0", "127.0.0.1", "127.0.0.2"), "workers": (1, 3, 1, 3),
                "admin.listen": ("off", "127.0.0.1:0", False, True), "csrf.token_length": (16, 48, 16, 48),
                "log.level": ("info", "debug", False, True), "overload.memory_limit": (1000, 2000, 1000, 2000),
                "audit_logging.log_directory": ("", "elsewhere", ["data/record"], ["elsewhere"]),
                "audit_logging.checkpoint_copy": ("", "copy", False, True)}, see_places)
    yield Case({cors + "allowed_methods": (["GET"], ["GET", "DELETE"], "GET", "GET, DELETE"),
                cors + "allowed_headers": (["X-One"], ["X-Two"], "X-One", "X-Two"), cors + "max_age": (60, 120, "60", "120")},
               see_cors, {**CLOSED, "admin.listen": "localhost:0", cors + "allowed_origins": ["https://board.example"]})
    yield Case({"rbac.strict": (False, True, "warned", "refused")}, see_start("rbac.strict"), {**CLOSED, **sender})
    yield Case({"rbac.permission_categories": ({}, {"chat": ["sned"]}, "warned", "silent")}, see_start("rbac.permission_categories"), {**CLOSED, **sender})
    yield Case({"assertion.issuer": ("framewall", "gate", "framewall", "gate"), "assertion.lifetime": (60, 90, 60, 90),
                "assertion.keys": ([], [signing], "EdDSA", "ES256")}, see_assertion(upstream),
               {**CLOSED, "upstream.url": upstream.url(), "upstream.assertion": True}, files=["assertion.keys"])
    yield Case({"tls.certificate": (pairs["one"].certificate, pairs["two"].certificate, "one", "two"), "tls.key": (pairs["one"].key, pairs["two"].key, "one", "two"),
                "tls.certificates.*.certificate": (pairs["three"].certificate, pairs["four"].certificate, "three", "four"),
                "tls.certificates.*.key": (pairs["three"].key, pairs["four"].key, "three", "four"),
                "tls.min_version": ("1.2", "1.3", True, False), "tls.groups": (["X25519"], ["P-384", "P-256"], False, True),
                "tls.client_certificate": ("request", "require", True, False), "tls.client_ca": (other.certificate, authority.certificate, False, True)},
               see_tls(authority, pairs["gateway"]),
               {**CLOSED, "rate_limiting.auth_attempts_per_minute": 1000, "rate_limiting.max_connections_per_ip": 1000}, certificates_told,
               files=["tls.certificate", "tls.key", "tls.client_ca", "tls.certificates"])
    yield Case({behind[0]: (other.certificate, authority.certificate, 502, 101), behind[1]: ("", "elsewhere.example", 502, 101),
                behind[2]: ("", pairs["gateway"].certificate, 502, 101), behind[3]: ("", pairs["gateway"].key, 502, 101)}, see_status(*behind),
               {**CLOSED, "upstream.url": f"wss://localhost:{demanding.port}"}, files=behind)
    yield Case({"upstream.tls.verify": ("on", "off", 502, 101)}, see_status("upstream.tls.verify"), {**CLOSED, "upstream.url": f"wss://localhost:{unknown.port}"})
    yield from cases_of_admin(authority, other, pairs)
    places = {"messages.*.when.network": (["127.0.0.1"], ["10.0.0.0/8"], "taken", "PERMISSION_DENIED"),
              "messages.*.when.certificate": ("any", "required", "taken", "PERMISSION_DENIED")}
    types = dict(zip(places, ("chat_message", "csrf_refresh")))
    yield Case(places, see_conditions(authority), {**CLOSED, "tls.certificate": pairs["one"].certificate, "tls.key": pairs["one"].key, "tls.client_ca": authority.certificate,
                                        "tls.client_certificate": "request"},
               lambda values: {f"messages.{types[key]}.when.{key.rsplit('.', 1)[1]}": value for key, value in values.items()})
    schemas = [authority.file(f"{kind}.schema.json") for kind in ("integer", "string")]
    for path in schemas:
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"properties": {"a": {"type": os.path.basename(path).split(".")[0]}}}, file)
    yield Case({"messages.*.schema_file": (*schemas, "taken", "a")}, see_schema, {**CLOSED, "upstream.url": upstream.url()},
               lambda values: {"messages": {"go": {"permission": "any", "schema_file": values["messages.*.schema_file"]}}}, files=["messages.*.schema_file"])
    paths = [authority.file(f"{kind}.document.json") for kind in ("integer", "string")]
    for path in paths:
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"type": os.path.basename(path).split(".")[0]}, file)
    uri = "https://example.com/a.json"
    yield Case({"validation.schema_documents": (*({uri: path} for path in paths), "taken", "a")}, lambda program, _=None: {"validation.schema_documents": see_schema(program)["messages.*.schema_file"]},
               {**CLOSED, "upstream.url": upstream.url(), "messages": {"go": {"permission": "any", "schema": {"properties": {"a": {"$ref": uri}}}}}}, files=["validation.schema_documents"])

    def received(**receive):
        return {"messages": {"last": {"permission": "any"}, "go": {"permission": "any", "direction": "both", "fields": {"a": {"type": "any"}}, "receive": {"permission": "any", **receive}}}}

    for key, values, files in (("schema_file", schemas, ["messages.*.receive.schema_file"]), ("permission", ("any", "admin.execute"), ())):
        path = "messages.*.receive." + key
        yield Case({path: (*values, "go", "last")}, see_received(path), {**CLOSED, "upstream.url": upstream.url()},
                   lambda values, key=key, path=path: received(**{key: values[path]}), files=files)
    encrypted = {**CLOSED, "tls.certificate": pairs["one"].certificate, "tls.key": pairs["one"].key, "tls.client_ca": authority.certificate,
                 "tls.client_certificate": "request"}
    shown = authority.sign("shown", "URI:spiffe://example.org/a,DNS:a.example.org,email:a@example.org")
    section = "authentication.certificates.*."
    names = {"subject": ("CN=*,O=x", "CN=*"), "issuer": ("CN=Another", "CN=Test*"), "san_dns": ("*.example.com", "*.example.org"),
             "san_uri": ("spiffe://example.org/*/b", "spiffe://example.org/*"), "san_email": ("*@example.com", "*@example.org")}
    known = {**{f"{section}match.{name}": values for name, values in names.items()}, section + "user": ("one", "two:${cn}"), section + "role": ("user", "moderator")}

    def rule_told(values):
        rest = {key[len(section):]: value for key, value in values.items()}
        return {"authentication.certificates": [{"match": {key[6:]: value for key, value in rest.items() if key.startswith("match.")}, "user": rest["user"], "role": rest["role"]}]}

    yield Case({key: (*values, "AUTH_FAILED", "moderator two:shown") for key, values in known.items()}, see_certificate(authority, shown, known),
               {**encrypted, "authentication.methods": ["certificate"]}, rule_told)
    yield Case({"routes.*.require": ([], ["certificate", "jwt"], 101, 401)},
               lambda program, _=None: {"routes.*.require": status(program, program.bearer(), wrap=authority.wrap())}, encrypted,
               lambda values: {"routes": [{"path": "*", "require": values["routes.*.require"]}]})
    yield Case({"proxy_protocol": ("off", "v1", 400, 101)}, see_proxy, {**CLOSED, "trusted_proxies": ["127.0.0.1"]})


def entry(section, values, **more):
    """A list with one entry, of the keys SECTION.*.NAME."""
    return {section: [{**more, **{key.rsplit(".", 1)[1]: value for key, value in values.items()}}]}


def cases_of_tokens(made):
    keys, issuers = "authentication.jwt.keys", "authentication.issuers"
    secret = "a secret for tokens, of 64 octets as SHA-512 wants, or a bit more."
    one, other, pair, strange = Key("ES256", "1"), Key("ES256", "1"), Key("PS256", "two"), Key("PS256", "two")
    names = lambda section, words: [f"{section}.*.{word}" for word in words.split()]

    def pems(*keys):
        return [key.pem().decode() for key in keys]

    (algorithm,), (public,) = names(keys, "algorithm"), names(keys, "public_key")
    signed = token({"alg": "HS512", "typ": "JWT"}, claims_of(role="user"), with_secret(secret.encode(), "512"))
    yield Case({algorithm: ("HS256", "HS512", "AUTH_FAILED", "user alice")}, see_login((signed, [algorithm])), CLOSED,
               lambda values: entry(keys, values, secret=secret))
    yield Case({public: (*pems(other, one), "AUTH_FAILED", "user alice")}, see_login((one.token(claims_of(role="user")), [public])), CLOSED,
               lambda values: entry(keys, values, algorithm="ES256", kid="1"))

    both = {"iss": "https://two.example", "aud": "chat"}
    rows = names(issuers, "public_key algorithm kid")
    yield Case({rows[0]: (*pems(strange, pair), "AUTH_FAILED", "guest alice"), rows[1]: ("RS256", "PS256", "AUTH_FAILED", "guest alice"),
                rows[2]: ("one", "two", "AUTH_FAILED", "guest alice")}, see_login((pair.token(claims_of(role="user", **both)), rows)), CLOSED,
               lambda values: entry(issuers, values, issuer=both["iss"], audience="chat"))
    rows = names(issuers, "issuer audience jwks type user user_prefix roles_from roles require_bound")
    sets = [json.dumps({"keys": [key.jwk()]}) for key in (other, one)]
    known, nobody = claims_of(email="al@two.example", groups=["mods"], **both), claims_of(**both)
    values = [("https://one.example", both["iss"]), ("board", "chat"), sets, ("JWT", "at+jwt"), ("sub", "email"), ("one:", "two:"), ("role", "groups"),
              ({"user": ["mods"]}, {"moderator": ["mods"]}), ("either", "none")]
    (default_role,) = names(issuers, "default_role")
    yield Case({**{key: (*value, "AUTH_FAILED", "moderator two:al@two.example") for key, value in zip(rows, values)},
                default_role: ("guest", "none", "AUTH_FAILED", "AUTH_FAILED")},
               see_login((one.token(known, typ="at+jwt"), rows), (one.token({**nobody, "email": "b@two.example"}, typ="at+jwt"), [default_role])), CLOSED,
               lambda values: entry(issuers, values))
    yield from cases_of_binding(secret)
    yield from cases_of_fetching(made, Key("ES256", "1"), Key("ES256", "1"))


def see_refetches(stranger):
    """Tokens with two keys that nobody has, more than a second apart: how often another set was asked for because of them."""
    def see(program, _=None):
        until(lambda: program.records("issuer_keys"))
        for kid, pause in (("x", 0), ("y", 1.1)):
            time.sleep(pause)
            client = RawClient(program.port, {})
            client.send(json.dumps({"type": "auth", "token": stranger.token(claims_of(iss="https://two.example", aud="chat"), kid=kid)}))
            said(client, "error")
            client.close()
        until(lambda: len(program.records("auth_failure")) == 2)
        return {"authentication.issuers.*.refetch": len(program.records("issuer_keys")) - 1}

    return see


def see_age_of_keys(key):
    """What is kept with the set that was fetched."""
    def see(program, _=None):
        kept = until(lambda: glob.glob(os.path.join(program.data, "issuers", "*.json")))
        return {key: json.load(open(kept[0]))["age"]}

    return see


def see_logout(key, token):
    def see(program, _=None):
        body = f"logout_token={token()}".encode()
        client = RawClient(program.port, request=b"POST /framewall/logout HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                           b"Content-Length: %d\r\n\r\n" % len(body) + body)
        status = client.read_head()
        client.close()
        return {key: status}

    return see


def see_opaque(key, token="opaque"):
    def see(program, _=None):
        client = RawClient(program.port, {})
        client.send(json.dumps({"type": "auth", "method": "oauth", "token": token}))
        data = json.loads(client.receive()[1])["data"]
        client.close()
        return {key: f"{data['role']} {data['user_id']}" if "role" in data else data["code"]}

    return see


def see_cache(key):
    """Two logins by one token, more than a second apart: the issuer says another name each time that he is asked."""
    def see(program, _=None):
        token = os.urandom(8).hex()
        see_opaque(key, token)(program)
        time.sleep(1.1)
        return {key: see_opaque(key, token)(program)[key].replace("guest ", "")}

    return see


def cases_of_fetching(made, one, other):
    issuers, issuer = "authentication.issuers", "https://two.example"
    name = lambda word: f"{issuers}.*.{word}"
    sets = [{"keys": [key.jwk()]} for key in (one, other)]
    server = made.enter_context(Server({"/good": document(sets[0]), "/other": document(sets[1]), "/short": document(sets[0], **{"Cache-Control": "max-age=5"}),
                     "/slow": lambda *request: (time.sleep(2), document(sets[0])(*request))[1]}))
    server.paths["/always-another"] = lambda *request: document({"keys": [Key("ES256", "9").jwk()]})(*request)
    server.paths["/.well-known/openid-configuration"] = document({"issuer": server.url, "jwks_uri": server.url + "/good"})
    authorities = [made.enter_context(Authority(whose)) for whose in ("Of providers", "Of others")]
    secure = made.enter_context(Server({"/good": document(sets[0])}, context=authorities[0].sign("provider", "IP:127.0.0.1").server()))
    signed = {iss: one.token(claims_of(iss=iss, aud="chat")) for iss in (issuer, server.url)}

    def case(row, see=None, iss=issuer, url=None, **options):
        (key, value), = row.items()
        more = {"issuer": iss, "audience": "chat", "allow_http": True, "allow_private": True, **({"jwks_url": url} if url else {})}
        return Case({key: value}, see or see_login((signed[iss], [key])), CLOSED, lambda values: entry(issuers, values, **more), **options)

    yield case({name("jwks_url"): (server.url + "/other", server.url + "/good", "AUTH_FAILED", "guest alice")})
    yield case({name("discovery"): (False, True, "refused", "guest alice")}, iss=server.url)
    yield case({name("allow_http"): (False, True, "refused", "guest alice")}, url=server.url + "/good")
    yield case({name("allow_private"): (False, True, "AUTH_FAILED", "guest alice")}, url=server.url + "/good")
    yield case({name("timeout"): (1, 30, "AUTH_FAILED", "guest alice")}, url=server.url + "/slow")
    yield case({name("ca_file"): (authorities[1].certificate, authorities[0].certificate, "AUTH_FAILED", "guest alice")}, url=secure.url + "/good", files=[name("ca_file")])
    yield case({name("min_age"): (1, 60, 5, 60)}, see_age_of_keys(name("min_age")), url=server.url + "/short")
    yield case({name("max_age"): (100, 200, 100, 200)}, see_age_of_keys(name("max_age")), url=server.url + "/good")
    yield case({name("refetch"): (3600, 1, 1, 2)}, see_refetches(other), url=server.url + "/always-another")
    # Who may tell of a logout, and as whom.
    told = lambda: one.token({"iss": issuer, "aud": "client", "iat": int(time.time()), "exp": int(time.time()) + 120, "jti": os.urandom(8).hex(), "sub": "alice",
                              "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, typ="logout+jwt")
    yield Case({name("backchannel_logout"): (False, True, 400, 200)}, see_logout(name("backchannel_logout"), told), CLOSED,
               lambda values: entry(issuers, values, issuer=issuer, audience="client", jwks=json.dumps(sets[0])))
    yield Case({name("logout_audience"): ("another", "client", 400, 200)}, see_logout(name("logout_audience"), told), CLOSED,
               lambda values: entry(issuers, values, issuer=issuer, audience="chat", jwks=json.dumps(sets[0]), backchannel_logout=True))
    # Of a token that says nothing itself: what the issuer says, if it is this client that asks.
    basic = "Basic " + base64.b64encode(b"gateway:right").decode()
    server.paths["/introspect"] = lambda path, headers, body: document(
        {"active": headers["Authorization"] == basic, "sub": "alice", "aud": "chat", "role": "user"})(path, headers, body)
    server.paths["/nothing"] = document({"active": False})
    methods = {**CLOSED, "authentication.methods": ["jwt", "oauth"]}
    inner = lambda word: name("introspection") + "." + word
    right = {"url": server.url + "/introspect", "client_id": "gateway", "client_secret": "right"}
    for word, wrong in (("url", server.url + "/nothing"), ("client_id", "another"), ("client_secret", "wrong")):
        yield Case({inner(word): (wrong, right[word], "AUTH_FAILED", "guest alice")}, see_opaque(inner(word)), methods,
                   lambda values, word=word: entry(issuers, {}, issuer=issuer, audience="chat", allow_http=True, allow_private=True,
                                                   introspection={**right, **{word: value for value in values.values()}}))
    asked = collections.Counter()
    server.paths["/counts"] = lambda path, headers, body: (asked.update([body]), document(
        {"active": True, "sub": f"user-{asked[body]}", "aud": "chat"})(path, headers, body))[1]
    yield Case({inner("cache"): (3600, 1, "user-1", "user-2")}, see_cache(inner("cache")), methods,
               lambda values: entry(issuers, {}, issuer=issuer, audience="chat", allow_http=True, allow_private=True,
                                    introspection={**right, "url": server.url + "/counts", "cache": values[inner("cache")]}))
    # A set of 100 seconds ago, and nobody there to give another.
    down = f"http://127.0.0.1:{free_port()}/"
    kept = os.path.join(authorities[0].folder, hashlib.sha256(issuer.encode()).hexdigest()[:32] + ".json")
    with open(kept, "w") as file:
        json.dump({"issuer": issuer, "url": down, "fetched_at": int(time.time()) - 100, "age": 1, "jwks": sets[0]}, file)
    yield case({name("max_stale"): (10, 3600, "AUTH_FAILED", "guest alice")}, url=down,
               before=("sh", "-c", f'mkdir -p -m 700 data/issuers && cp {kept} data/issuers/ && exec "$@"', "sh"))


def cases_of_binding(secret):
    """A token bound to a key, with a proof for another address than the own, new and of 200 seconds ago."""
    key, url, jwt, dpop = Key("ES256"), "https://chat.example/", "authentication.jwt.", "authentication.dpop."
    base = {**CLOSED, jwt + "keys": [{"secret": secret}]}
    signed = [token({"alg": "HS256", "typ": "JWT"}, claims_of(**more), with_secret(secret.encode())) for more in ({}, {"cnf": {"jkt": thumbprint(key)}})]

    def shown(program, age):
        """A proof from before the server was started is asked for a nonce, if its age is good."""
        nonce = {}
        for _ in range(2):
            with contextlib.closing(RawClient(program.port, {"Authorization": "DPoP " + signed[1],
                                                             "DPoP": proof(key, url, signed[1], iat=int(time.time()) - age, **nonce)})) as client:
                asked = re.search(rb"\r\nDPoP-Nonce: ([A-Za-z0-9_-]+)", client.head)
                if not asked or age == 0:
                    break
            nonce = {"nonce": asked.group(1).decode()}
        return client.status

    def see(program, _=None):
        old, new = shown(program, 200), shown(program, 0)
        return {jwt + "require_bound": status(program, {"Authorization": "Bearer " + signed[0]}), dpop + "url": new, dpop + "max_age": old, dpop + "nonce": new}

    def only(*names):
        return lambda program, _=None: {name: value for name, value in see(program).items() if name in names}

    yield Case({jwt + "require_bound": ("none", "either", 101, 401)}, only(jwt + "require_bound"), base)
    yield Case({dpop + "url": ("", url[:-1], 401, 101), dpop + "max_age": (60, 300, 401, 101)}, only(dpop + "url", dpop + "max_age"), base)
    yield Case({dpop + "nonce": (False, True, 101, 401)}, only(dpop + "nonce"), {**base, dpop + "url": url[:-1]})


def password_user(program, word, password, user="alice"):
    done = subprocess.run([BINARY, "user", word, user, "--data", program.data], input=password, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    return "kept" if done.returncode == 0 else "refused"


def password_login(program, password, user="alice"):
    client = RawClient(program.port, {})
    client.send(json.dumps({"type": "auth", "method": "password", "user_id": user, "password": password}))
    return client


def cases_of_passwords(folder):
    rules, cost = "authentication.password_policy.", "authentication.password_hash."
    good, base = "Aa1! and long enough for all", {**CLOSED, "authentication.methods": ["password"], cost + "memory": 8, cost + "passes": 1}
    lacks = {"min_length": "Aa1!56789012", "require_uppercase": good.lower(), "require_lowercase": good.upper(), "require_numbers": good.replace("1", "x"),
             "require_special_chars": "Aa1andlongenoughforall"}

    def see_rules(program, _=None):
        return {rules + name: password_user(program, "add", text, name) for name, text in lacks.items()}

    def see_age(program, _=None):
        password_user(program, "add", good)
        with contextlib.closing(sqlite3.connect(os.path.join(program.data, "framewall.db"))) as base:
            base.execute("UPDATE users SET changed_us = changed_us - 2 * 86400 * 1000000")
            base.commit()
        return {rules + "max_age_days": json.loads(password_login(program, good).receive()[1])["type"]}

    def see_cost(program, _=None):
        password_user(program, "add", good)
        with contextlib.closing(sqlite3.connect(os.path.join(program.data, "framewall.db"))) as base:
            who, sealed = base.execute("SELECT who, hash FROM users").fetchone()
        memory, passes = re.search(r"m=(\d+),t=(\d+)", Seals(program.data).open(sealed, "users", "hash", who).decode()).groups()
        return {cost + "memory": int(memory) // 1024, cost + "passes": int(passes), cost + "threads": threads(program, "fw-password")}

    def see_queue(program, _=None):
        password_user(program, "add", good)
        crowd = [password_login(program, good) for _ in range(8)]
        return {cost + "queue": "RATE_LIMITED" in str([json.loads(client.receive()[1]) for client in crowd])}

    yield Case({rules + "min_length": (12, 13, "kept", "refused"), **{rules + name: (False, True, "kept", "refused") for name in lacks if name != "min_length"}}, see_rules, base)
    def see_list(program, _=None):
        return {rules + "breached_file": password_user(program, "add", good)}

    hashes = sorted(hashlib.sha1(text).hexdigest().upper() for text in [good.encode(), *(bytes([i]) for i in range(200))])
    with open(os.path.join(folder, "breached.txt"), "w") as file:
        file.write("".join(f"{text}:{i}\r\n" for i, text in enumerate(hashes)))
    yield Case({rules + "breached_file": ("", file.name, "kept", "refused")}, see_list, base)
    yield Case({rules + "max_age_days": (0, 1, "auth_success", "error")}, see_age, base)
    yield Case({cost + "memory": (8, 9, 8, 9), cost + "passes": (1, 2, 1, 2), cost + "threads": (1, 3, 1, 3)}, see_cost, CLOSED)
    yield Case({cost + "queue": (64, 1, False, True)}, see_queue,
               {**base, cost + "memory": 64, cost + "passes": 4, cost + "threads": 1, "rate_limiting.auth_attempts_per_minute": 100, "rate_limiting.max_connections_per_ip": 100})
def cases_of_sealing(folder):
    """With which key, and how it was made, stands in the database; a data directory that another key sealed is there before the start."""
    files = {name: os.path.join(folder, name) for name in ("one", "two", "words")}
    for name, path in files.items():
        with open(path, "w") as file:
            file.write("correct horse battery" if name == "words" else name.ljust(32, "."))
        os.chmod(path, 0o600)
    section, previous, prepared = "encryption.", "encryption.previous.", {}
    for name, row in (("one", "key_file"), ("words", "passphrase_file")):
        config = os.path.join(folder, name + ".yaml")
        with open(config, "w") as file:
            json.dump(nested({section + row: files[name]}), file)
        prepared[name] = os.path.join(folder, name + ".data")
        framewall("key", "create", "--name", "x", "--data", prepared[name], "--config", config, cwd=folder)

    def see(rows):
        def look(program, _=None):
            with contextlib.closing(sqlite3.connect(os.path.join(program.data, "framewall.db"))) as connection:
                ((iterations, salt),) = connection.execute("SELECT iterations, length(salt) FROM sealing ORDER BY id DESC LIMIT 1")
            seen = {"iterations": iterations, "salt_length": salt, "own": os.path.exists(os.path.join(program.data, "keys/store.key")), "starts": True}
            return {key: seen[what] for key, what in rows.items()}

        return look

    def after(name):
        return {"before": ("sh", "-c", f'cp -r "{prepared[name]}" data && exec "$@"', "sh")}

    rows = {section + "key_derivation.iterations": "iterations", section + "key_derivation.salt_length": "salt_length"}
    yield Case({row: (*values, *values) for row, values in zip(rows, ((600000, 650000), (16, 32)))}, see(rows),
               {**CLOSED, section + "passphrase_file": files["words"]})
    for row, value in (("key_file", files["one"]), ("key_command", ["cat", files["one"]]), ("passphrase_file", files["words"])):
        nothing = [] if isinstance(value, list) else ""
        yield Case({section + row: (nothing, value, True, False)}, see({section + row: "own"}), CLOSED)
        yield Case({previous + row: (nothing, value, "refused", True)}, see({previous + row: "starts"}), {**CLOSED, section + "key_file": files["two"]},
                   **after("words" if row == "passphrase_file" else "one"))
    fields = ["password_hash", "session_tokens", "api_keys", "sensitive_user_data"]
    yield Case({section + "encrypted_fields": (fields, fields[:3], True, "refused")}, see({section + "encrypted_fields": "starts"}), CLOSED)


seen_by_cases = set()


def outcome(future):
    """Of something that went on beside others; what broke off is no outcome that anything expects."""
    return future.result() if future.exception() is None else repr(future.exception())


def running_programs():
    with contextlib.ExitStack() as made, tempfile.TemporaryDirectory(prefix="framewall-effects-") as folder, concurrent.futures.ThreadPoolExecutor(8) as pool:
        everything = (list(cases(made)) + list(cases_of_passwords(folder)) + (list(cases_of_tokens(made)) if token else []) + list(cases_of_receivers(made)) + list(cases_of_threats(made)) + list(cases_of_alerts(made)) + list(cases_of_responses()) +
                      list(cases_of_record()) + list(cases_of_blocks()) + list(cases_of_watchdog()) + list(cases_of_scenarios()) + list(cases_of_anomalies()) + list(cases_of_sealing(folder)))
        waiting = [(case, [(name, expected, pool.submit(see)) for name, expected, see in ways(case, folder)],
                    [(key, pool.submit(alone, case, key)) for key in case.keys if len(case.keys) > 1]) for case in everything]
        for case, seen, but in waiting:
            title = ", ".join(case.keys)
            for name, expected, result in seen:
                equal(outcome(result), expected, f"{name}: {title}")
            for key, result in but:
                ok(not result.exception() and result.result() != case.keys[key][3], f"{key}, and it alone, makes that difference", outcome(result))
            for key, row in case.keys.items():
                ok(row[2] != row[3] or but, f"{key} has an effect")
                seen_by_cases.add(key)


def named_as_idle(key, path):
    """What says that a key does nothing: check, and the start of the program."""
    example = {row[0]: row[1] for row in rows_of("sections", "SECTION_IDLE")}.get(path)
    text = json.dumps(nested({key: "VALUE"})).replace('"VALUE"', example or default(key))
    done = framewall("check", "-", text=text)
    ok(done.returncode == 0 and f'warning: "{path}" has no effect in this version' in done.stderr, f"{key}: check says that it has no effect", done.stderr)
    with Framewall(text, check=False) as program:
        ok(until(lambda: f"without effect in this version: {path}" in program.lines), f"{key}: and so does run", program.lines)


# Environments --------------------------------------------------------------------------------------------------------
def answer(client):
    """The type of the next answer; of an error, its code."""
    while True:
        message = json.loads(client.receive()[1])
        if message["type"] in ("pong", "chat_message"):
            return message["type"]
        if message["type"] == "error":
            return message["data"]["code"]


def answer_to(client, text):
    client.send(text)
    return answer(client)


def see_limits(program):
    """The effect of the rows of environments.def, but of two that would have to be waited for: the plays see those."""
    client = RawClient(program.port, program.bearer())
    seen = {"validation.unknown_fields": answer_to(client, chat("hi", extra=1)),
            "validation.blocked_domains": answer_to(client, chat("hi", attachments=[{"url": "http://localhost/"}])),
            "validation.blocked_ip_ranges": answer_to(client, chat("hi", attachments=[{"url": "http://10.0.0.1/"}]))}
    client.close()
    client = RawClient(program.port, program.bearer())
    client.socket.sendall(RawClient.frame('{"type":"ping"}') * 200)
    seen["rate_limiting.messages_per_minute"] = sum(1 for _ in iter(lambda: answer(client), "RATE_LIMITED"))
    client.close()
    refused = []
    while len(refused) < 50 and 101 not in refused:
        refused.append(status(program, {"Authorization": "Bearer nonsense"}, source="127.0.0.3"))
    seen["rate_limiting.auth_attempts_per_minute"] = refused.count(401)
    seen["monitoring.auto_block.violation_threshold"] = refused.index(101)
    clients = [RawClient(program.port, program.bearer("carol"), source=f"127.0.0.{10 + n}") for n in range(6)]
    for client in clients:
        client.close()
    program.signal()
    program.wait()
    seen["authentication.max_sessions_per_user"] = len(clients) - len(program.records("session_evicted"))
    return seen


def environments():
    values = {}
    for name, path, value in rows_of("environments", "ENVIRONMENT_VALUE"):
        values.setdefault(name, {})[path] = value
    paths = {path for rows in values.values() for path in rows}
    ways = {"development": (["--environment", "development"], {}, ""), "testing": ([], {"FRAMEWALL_ENVIRONMENT": "testing"}, ""),
            "production": ([], {}, "environment: production\n"), None: ([], {}, "")}
    equal({name for name in ways if name}, {name for name, _ in rows_of("environments", "ENVIRONMENT")}, "every environment is tried")

    def seen(way):
        arguments, variables, text = way
        with Upstream() as upstream, Framewall(text, "--upstream", upstream.url(), *arguments, environment=variables, check=False) as program:
            return see_limits(program)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for name, got in zip(ways, pool.map(seen, ways.values())):
            for path, value in got.items():
                given = values.get(name, {}).get(path, default(path))
                if isinstance(value, int):  # some more may be had in the time that it takes
                    ok(int(given) <= value <= int(given) * 4 / 3, f"environment {name}: {path} is {given}", value)
                else:
                    equal(value, "chat_message" if given in ("", "warn") else "INVALID_MESSAGE", f"environment {name}: {path} is {given or 'empty'}")
    for name, rows in values.items():
        for path, value in rows.items():
            broken = play([f"--with={path}={default(path)}"], [os.path.join(ROOT, f"tests/play/environment-{name}.play")])
            ok(broken, f"environment {name}: {path} has the effect that environment-{name}.play sees")
    equal(paths - set(got), {"monitoring.auto_block.block_duration", "authentication.session_timeout"}, "two of them are left to the plays")


def every_key():
    texts, idle = plays(), without_effect()
    equal(play([], list(texts)), [], "all plays hold")
    there = keys()
    missing = [row for row in list(ROWS) + [row[0] for row in rows_of("sections", "SECTION") + rows_of("sections", "SECTION_IDLE")]
               if not any(key == row or key.startswith(row + ".") for key in there)]
    equal(missing, [], "the schema has every key of the tables")

    def without(key):
        if key in seen_by_cases or any(key == path or key.startswith(path + ".") for path in idle):
            return None
        return plays_without(key, texts, ANOTHER.get(key))

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for key, broken in zip(there, pool.map(without, there)):
            path = [path for path in idle if key == path or key.startswith(path + ".")]
            if path:
                named_as_idle(key, path[0])
            elif key in not_here or (token is None and key.startswith(("authentication.issuers.", "authentication.jwt.", "authentication.dpop."))):
                skip(key, not_here.get(key, "python3-cryptography is not installed"))
            elif key in seen_by_cases:
                ok(True, f"{key}: seen with a running program")
            elif only_word(key):
                done = framewall("check", "-", text=json.dumps(nested({key: "another"})))
                ok(done.returncode == 1 and only_word(key) in done.stderr, f"{key}: {only_word(key)} is all there is", done.stderr)
            else:
                ok(broken, f"{key}: {', '.join(broken[:3])} and {len(broken)} in all see it")
    equal(sorted(set(ANOTHER) - set(there)), [], "no key is named here that there is not")
    equal(sorted(seen_by_cases - set(there)), [], "nor in a case")


if not shutil.which("openssl"):
    print("1..0 # SKIP openssl is not installed")
    sys.exit(0)
main(running_programs, environments, every_key)
