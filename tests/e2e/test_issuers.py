#!/usr/bin/python3
"""authentication.issuers: several providers of identities at once, each with its own keys, audience, names and roles (rows 9, 126)."""
import os
import signal
import time
import subprocess

from framewall import *

try:
    from signers import *
except ImportError:
    print("1..0 # SKIP python3-cryptography is not installed")
    sys.exit(0)

CONFIG = RELAXED + """
authentication:
  jwt:
    keys:
      - { kid: own, secret: "0123456789abcdef0123456789abcdef" }
      - { kid: pair, algorithm: ES256, public_key: "${file:own.pem}" }
  issuers:
    - issuer: "https://login.example.com/"
      audience: chat
      jwks: "${file:login.jwks}"
      roles_from: /realm_access/roles
      roles: { admin: [chat-admins], user: [staff, contractors] }
      default_role: none
    - issuer: "https://partner.example.net"
      audience: "https://chat.example.com"
      algorithm: RS256
      public_key: "${file:partner.pem}"
      type: at+jwt
      user: email
      user_prefix: "partner:"
      roles_from: scope
      roles: { moderator: ["chat:moderate"] }
rbac: { roles: { reader: { permissions: [chat.read] } } }
"""
LOGIN, PARTNER = "https://login.example.com/", "https://partner.example.net"


def staff(user="alice", roles=("staff",), **more):
    return claims_of(user, **{"iss": LOGIN, "aud": "chat", "realm_access": {"roles": list(roles)}, **more})


def partner(email="bob@partner.example.net", scope="chat:moderate", **more):
    return claims_of("0815", **{"iss": PARTNER, "aud": ["other", "https://chat.example.com"], "email": email, "scope": scope, **more})


class Login:
    """One login in the first message."""

    def __init__(self, fw, token):
        self.client = RawClient(fw.port, {})
        self.client.send(json.dumps({"type": "auth", "method": "jwt", "token": token}))
        self.answer = json.loads(self.client.receive()[1])

    def who(self):
        data = self.answer["data"]
        return (data["user_id"], data["role"]) if self.answer["type"] == "auth_success" else data["code"]

    def next(self, kind):
        """Reads on to a message of this type, past what others do."""
        while True:
            opcode, payload = self.client.receive()
            if opcode != 1 or json.loads(payload)["type"] == kind:
                return kind if opcode == 1 else payload

    def closed_with(self):
        opcode = 0
        while opcode != 8:
            opcode, payload = self.client.receive()
        return struct.unpack("!H", payload[:2])[0]


def who(fw, token):
    login = Login(fw, token)
    login.client.close()
    return login.who()


def write(name, octets):
    with open(name + ".new", "wb") as file:
        os.fchmod(file.fileno(), 0o640)
        file.write(octets)
    os.rename(name + ".new", name)


def key_set(*keys):
    return json.dumps({"keys": [key.jwk() for key in keys]}).encode()


def test_issuers():
    keys = {algorithm: Key(algorithm, "key-" + algorithm) for algorithm in PUBLIC}
    own, their = Key("ES256", "pair"), Key("RS256")
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "framewall.yaml")
        write(os.path.join(folder, "login.jwks"), key_set(*keys.values()))
        write(os.path.join(folder, "own.pem"), own.pem())
        write(os.path.join(folder, "partner.pem"), their.pem())
        write(config, CONFIG.encode())
        with Framewall(None, "--config", config) as fw:
            for algorithm, key in keys.items():
                equal(who(fw, key.token(staff())), ("alice", "user"), f"a token of the issuer under {algorithm}")
            key = keys["ES256"]
            for roles, role in ((["chat-admins"], "admin"), (["staff", "chat-admins"], "admin"), (["contractors"], "user")):
                equal(who(fw, key.token(staff(roles=roles))), ("alice", role), f"{roles} are {role}")
            for roles in ([], ["admin"], ["user"], [["staff"]], ["staf"], ["Staff"], [1]):
                equal(who(fw, key.token(staff(roles=roles))), "AUTH_FAILED", f"{roles} are nobody here")
            equal(who(fw, key.token(staff(realm_access="staff"))), "AUTH_FAILED", "a text where the pointer goes on")
            equal(who(fw, key.token(claims_of(iss=LOGIN, aud="chat", role="admin", roles=["staff"]))), "AUTH_FAILED",
                  "roles in another place do not count")
            equal(who(fw, their.token(partner(), typ="at+jwt")), ("partner:bob@partner.example.net", "moderator"), "another issuer, its own way")
            equal(who(fw, their.token(partner(scope="chat:read chat:moderate x"), typ="AT+JWT"))[1], "moderator", "a scope among others")
            for scope in ("chat:read", "chat:moderate2", "", "xchat:moderate"):
                equal(who(fw, their.token(partner(scope=scope), typ="at+jwt"))[1], "guest", f"scope {scope!r}: the default role")
            equal(who(fw, their.token(partner())), "AUTH_FAILED", "a token of another type")
            for email in (None, 5, "", "a\nb", "x" * 300):
                equal(who(fw, their.token(partner(email=email), typ="at+jwt")), "AUTH_FAILED", f"the user {str(email)[:8]!r} is nobody")
            # RFC 8725 3.8: each issuer with its own keys alone.
            equal(who(fw, key.token(partner(), typ="at+jwt")), "AUTH_FAILED", "a key of the one does not sign for the other")
            for name in ("partner:bob@partner.example.net", "partner:"):
                equal(who(fw, key.token(staff(sub=name))), "AUTH_FAILED", f"whoever is called {name!r} at one is nobody of the other")
            equal(who(fw, key.token(staff(sub="partner"))), ("partner", "user"), "what only looks like the prefix is a name")
            equal(who(fw, their.token(staff())), "AUTH_FAILED", "nor the other way round")
            equal(who(fw, own.token(staff())), "AUTH_FAILED", "nor do the own keys sign for an issuer")
            equal(who(fw, key.token(claims_of(role="admin"))), "AUTH_FAILED", "nor an issuer without its name")
            for issuer in (LOGIN[:-1], LOGIN.upper(), LOGIN + "/", [LOGIN], None, LOGIN.replace("o", "\u03bf")):
                equal(who(fw, key.token(staff(iss=issuer))), "AUTH_FAILED", f"issuer {issuer!r} is another")
            for audience in (None, "Chat", "cha", "chat/", ["chat", 5], [], {"chat": 1}):
                equal(who(fw, key.token(staff(aud=audience))), "AUTH_FAILED", f"audience {audience!r} is another")
            equal(who(fw, own.token(claims_of("carol", role="moderator"))), ("carol", "moderator"), "the own pair")
            secret = token({"alg": "HS256", "kid": "own"}, claims_of("dave", role="user"), with_secret(b"0123456789abcdef0123456789abcdef"))
            equal(who(fw, secret), ("dave", "user"), "and the own secret")
            equal(who(fw, own.token(claims_of("partner:bob@partner.example.net", role="user"))), "AUTH_FAILED", "an own token gives nobody of an issuer")
            causes = lambda: {record["details"].get("cause") for record in fw.records("auth_failure")}
            expected = {"aud", "typ", "no role", "user", "user of another issuer", "kid"}
            until(lambda: causes() == expected)
            equal(causes(), expected, "the record has the causes")

            # A session ends with the credential that opened it, however long sessions may last.
            soon = claims_of("heidi", role="user", life=300)
            short = Login(fw, own.token(soon))
            equal(short.who(), ("heidi", "user"), "a token of five minutes")
            listed = subprocess.run([BINARY, "session", "list", "--user", "heidi", "--json", "--data", fw.data], stdout=subprocess.PIPE, timeout=PATIENCE).stdout
            ends = [session["expires_at"][:19] for session in json.loads(listed)["sessions"]]
            equal(ends, [time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(soon["exp"]))], "its session lasts no longer")
            short.client.close()

            # A key that is gone ends who logged in with it; who came with another stays.
            goes, stays = Login(fw, keys["RS256"].token(staff("erin"))), Login(fw, keys["EdDSA"].token(staff("frank")))
            equal((goes.who(), stays.who()), (("erin", "user"), ("frank", "user")), "two who stay")
            fresh = Key("PS256", "fresh")
            write(os.path.join(folder, "login.jwks"), key_set(fresh, *[key for name, key in keys.items() if name != "RS256"]))
            fw.signal(signal.SIGHUP)
            equal(goes.closed_with(), 4401, "whose key is gone is closed")
            equal(who(fw, fresh.token(staff("grace"))), ("grace", "user"), "a new key counts")
            equal(who(fw, keys["RS256"].token(staff("erin"))), "AUTH_FAILED", "the old one does not")
            stays.client.send('{"type":"ping"}')
            equal(stays.next("pong"), "pong", "whose key is still there stays")

            # What the names of roles mean is part of what a login rests on.
            write(config, CONFIG.replace("staff, contractors", "contractors").encode())
            fw.signal(signal.SIGHUP)
            equal(stays.closed_with(), 4401, "roles mean something else: who came by them logs in anew")
            equal(who(fw, fresh.token(staff("grace"))), "AUTH_FAILED", "and is nobody any more")
            goes.client.close()
            stays.client.close()


def check(config, **files):
    with tempfile.TemporaryDirectory() as folder:
        for name, octets in files.items():
            write(os.path.join(folder, name), octets)
        write(os.path.join(folder, "framewall.yaml"), config.encode())
        done = subprocess.run([BINARY, "check", "--print", "framewall.yaml"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout


def one(members, keys="jwks: '${file:a}'"):
    return "authentication: { issuers: [ { issuer: x, audience: y, " + ", ".join(filter(None, (keys, members))) + " } ] }\n"


def test_mistakes():
    good, weak, pair = Key("ES256", "k"), Key("RS256", "w", bits=1024), Key("RS256", "r")
    code, text = check(one(""), a=key_set(good))
    equal(code, 0, "a set of one key")
    for line in ("authentication.issuers[0].issuer: x", "authentication.issuers[0].key[0]: ES256", "authentication.issuers[0].default_role: guest"):
        ok(line in text, f"check --print has {line}", text)
    ok(good.jwk()["x"] not in text, "and not the key", text)
    code, text = check(one(""), a=json.dumps({"keys": [good.jwk(), weak.jwk(), {"kty": "oct", "k": "QUJD", "kid": "s"}, 5]}).encode())
    ok(code == 0 and "3 of the keys in \"jwks\" are not used" in text, "keys that cannot be used are told of", text)
    secret = pair.private.private_numbers()
    for what, config, files, says in (
            ("no JSON", one(""), {"a": b"{"}, "\"jwks\" is no JSON"),
            ("a set that is none", one(""), {"a": b"[]"}, "cannot be used: no keys"),
            ("an empty set", one(""), {"a": b'{"keys":[]}'}, "has no key that can be used"),
            ("only weak keys", one(""), {"a": key_set(weak)}, "has no key that can be used"),
            ("two keys of one kid", one(""), {"a": json.dumps({"keys": [good.jwk(), Key("ES256", "k").jwk()]}).encode()}, "two keys of one kid"),
            ("a private key", one(""), {"a": json.dumps({"keys": [pair.jwk(d=number(secret.d))]}).encode()}, "a private key was given away"),
            ("a secret", one(""), {"a": b'{"keys":[{"kty":"oct","kid":"k","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY","alg":"HS256"}]}'},
             "a secret among public keys"),
            ("no file", one(""), {}, "cannot read \"a\""),
            ("a PEM without algorithm", one("", "public_key: '${file:a}'"), {"a": pair.pem()}, "needs an \"algorithm\""),
            ("a PEM for a secret's algorithm", one("algorithm: HS256", "public_key: '${file:a}'"), {"a": pair.pem()}, "an algorithm of an issuer is one of"),
            ("a PEM of another kind", one("algorithm: ES256", "public_key: '${file:a}'"), {"a": pair.pem()}, "\"public_key\" cannot be used"),
            ("both", one("public_key: x"), {"a": key_set(good)}, "either \"jwks\" or \"public_key\""),
            ("neither", one("", ""), {}, "either \"jwks\" or \"public_key\""),
            ("a key in two places", one("jwks_url: 'https://x/'"), {"a": key_set(good)}, "either \"jwks\" or \"public_key\""),
            ("two places to fetch from", one("discovery: true", "jwks_url: 'https://x/'"), {}, "either \"jwks\" or \"public_key\""),
            ("discovery of what is no URL", one("", "discovery: true"), {}, "\"issuer\" of an issuer that is asked is an https:// URL"),
            ("keys in clear", one("", "jwks_url: 'http://x/'"), {}, "\"jwks_url\" of an issuer that is asked is an https:// URL, or allow_http is needed"),
            ("a URL with a password", one("", "jwks_url: 'https://a:b@x/'"), {}, "is a URL without user or password"),
            ("a URL of a file", one("allow_http: true", "jwks_url: 'file:///etc/passwd'"), {}, "is an https:// URL"),
            ("ages the wrong way round", one("min_age: 100, max_age: 10", "jwks_url: 'https://x/'"), {}, "\"min_age\" is more than \"max_age\""),
            ("an algorithm of no RSA key", one("algorithm: ES256", "jwks_url: 'https://x/'"), {}, "the algorithm is that of RSA keys"),
            ("a kid beside a set", one("kid: k", "jwks_url: 'https://x/'"), {}, "\"kid\" is for \"public_key\""),
            ("no audience", "authentication: { issuers: [ { issuer: x, jwks: '${file:a}' } ] }", {"a": key_set(good)}, "needs \"audience\""),
            ("no issuer", "authentication: { issuers: [ { audience: x, jwks: '${file:a}' } ] }", {"a": key_set(good)}, "needs \"issuer\""),
            ("an unknown role", one("roles: { admn: [x] }"), {"a": key_set(good)}, "did you mean \"admin\""),
            ("a name for two roles", one("roles: { admin: [x], user: [x] }"), {"a": key_set(good)}, "\"x\" is two roles here"),
            ("an unknown member", one("audiance: x"), {"a": key_set(good)}, "audiance"),
            ("two issuers, one name", "authentication: { issuers: [ { issuer: x, audience: y, jwks: '${file:a}' }, "
             "{ issuer: x, audience: z, user_prefix: 'z:', jwks: '${file:a}' } ] }", {"a": key_set(good)}, "listed a second time"),
            ("two issuers whose users mix", "authentication: { issuers: [ { issuer: x, audience: y, jwks: '${file:a}' }, "
             "{ issuer: z, audience: y, jwks: '${file:a}' } ] }", {"a": key_set(good)}, "users of two issuers would be taken for one another"),
            ("an own key of a pair without algorithm", "authentication: { jwt: { keys: [ { public_key: '${file:a}' } ] } }", {"a": pair.pem()},
             "needs an algorithm"),
            ("an own key with both", "authentication: { jwt: { keys: [ { secret: '0123456789abcdef0123456789abcdef', algorithm: RS256, public_key: '${file:a}' } ] } }",
             {"a": pair.pem()}, "a secret or a public_key"),
            ("a secret too short for its hash", "authentication: { jwt: { keys: [ { secret: '0123456789abcdef0123456789abcdef', algorithm: HS512 } ] } }", {},
             "cannot be used"),
            ("a secret for a pair's algorithm", "authentication: { jwt: { keys: [ { secret: '0123456789abcdef0123456789abcdef', algorithm: RS256 } ] } }", {},
             "needs a public_key")):
        code, text = check(config, **files)
        ok(code == 1 and says in text, f"refused: {what}", text)
        ok(all(number(secret.d)[:20] not in line for line in text.splitlines()), "and no secret is shown")


main(test_issuers, test_mistakes)
