#!/usr/bin/python3
"""Keys of issuers that are fetched (attacks 1.2, 1.7): what is asked, of whom, and what is not taken. The provider here is as bad as it can be;
a real one is in test_provider.py."""
import glob
import os
import time

from framewall import *

try:
    from signers import *
except ImportError:
    print("1..0 # SKIP python3-cryptography is not installed")
    sys.exit(0)

from certificates import Authority
from providers import Server, document

SAYS = " issuer: "  # of the module that tells of them
ISSUER = """
    - issuer: "{issuer}"
      audience: chat
      {prefix}
      {source}
      allow_http: true
      allow_private: true
      timeout: 1
      {more}
"""


def config_of(issuers, more=""):
    return RELAXED + "authentication:\n  issuers:\n" + "".join(issuers) + more


def issuer(name, url, source="discovery: true", more=""):
    return ISSUER.format(issuer=url, prefix=name and f'user_prefix: "{name}:"', source=source, more=more)


def claims(url, user="alice", **more):
    return claims_of(user, **{"iss": url, "aud": "chat", "role": "user", **more})


def login(fw, token):
    """The client that logged in, and what it was told."""
    client = RawClient(fw.port, {})
    client.send(json.dumps({"type": "auth", "method": "jwt", "token": token}))
    answer = json.loads(client.receive()[1])["data"]
    return client, answer.get("user_id", answer.get("code"))


def who(fw, token):
    client, told = login(fw, token)
    client.close()
    return told


def causes(fw, count):
    """issuer: cause, once that many issuers have failed."""
    until(lambda: len({record["details"]["issuer"] for record in fw.records("issuer_failure")}) >= count)
    return {record["details"]["issuer"]: record["details"]["cause"] for record in fw.records("issuer_failure")}


def last_cause(fw):
    return fw.records("auth_failure")[-1]["details"]["cause"]


def refused_because(fw, token, cause, name):
    before = len(fw.records("auth_failure"))
    told = who(fw, token)
    until(lambda: len(fw.records("auth_failure")) > before)
    ok(told == "AUTH_FAILED" and cause in last_cause(fw), name, (told, last_cause(fw)))


def test_answers():
    """Each provider answers wrongly in its own way; none of that is taken, and each says precisely what it was."""
    key, twin = Key("ES256", "k"), Key("ES256", "k")
    good = {"keys": [key.jwk()]}
    with Server() as server, Server({"/": document(good)}) as elsewhere:
        url = server.url
        secret = {"kty": "oct", "kid": "k", "k": base64url(b"0" * 32), "alg": "HS256"}
        bad = {
            "garbage": (document(b"<html>"), "the set is no JSON"),
            "list": (document([]), "the set cannot be used: no keys"),
            "empty": (document({"keys": []}), "the set has no key that can be used"),
            "secret": (document({"keys": [secret]}), "the set has no key that can be used; the first: a secret among public keys"),
            "private": (document({"keys": [key.jwk(d="AAAA")]}), "the first: a private key was given away"),
            "twins": (document({"keys": [key.jwk(), twin.jwk()]}), "the set cannot be used: two keys of one kid"),
            "many": (document({"keys": [{"kty": "x", "kid": str(i)} for i in range(101)]}), "the set cannot be used: too many keys"),
            "huge": (document(b" " * (1 << 20) + b"x"), "the answer has more than 1048576 octets"),
            "html": (document(good, **{"Content-Type": "text/html"}), "answered with Content-Type text/html"),
            "moved": (lambda *request: (302, {"Location": elsewhere.url + "/"}, b""), "answered 302, a redirect, which is not followed"),
            "gone": (lambda *request: (410, {}, b""), "answered 410"),
            "slow": (lambda *request: (time.sleep(3), (200, {}, b"{}"))[1], "timed out"),
        }
        for name, (answer, _) in bad.items():
            server.paths["/" + name] = answer
        issuers = [issuer(name, f"{url}/of/{name}", f'jwks_url: "{url}/{name}"') for name in bad]
        # Discovery: the document is of the issuer that was asked, and leads nowhere else.
        discovery = "/.well-known/openid-configuration"
        wrong = {
            "other": ({"issuer": url + "/else", "jwks_uri": url + "/good"}, "the discovery document is one of another issuer"),
            "slash": ({"issuer": url + "/slash/", "jwks_uri": url + "/good"}, "the discovery document is one of another issuer"),
            "nobody": ({"jwks_uri": url + "/good"}, "the discovery document is one of another issuer"),
            "nowhere": ({"issuer": url + "/nowhere"}, "the discovery document has no jwks_uri"),
            "file": ({"issuer": url + "/file", "jwks_uri": "file:///etc/passwd"}, "jwks_uri of the discovery document is no URL that is asked"),
            "user": ({"issuer": url + "/user", "jwks_uri": url.replace("//", "//a:b@") + "/good"}, "no URL that is asked"),
            "text": (b"issuer: x", "the discovery document is no JSON object"),
            "metadata": ({"issuer": url + "/metadata", "jwks_uri": "http://169.254.169.254/"}, "the address 169.254.169.254 is one of no host on the Internet"),
        }
        server.paths["/good"] = document(good)
        for name, (answer, _) in wrong.items():
            server.paths[f"/{name}{discovery}"] = document(answer)
        issuers += [issuer(name, f"{url}/{name}") for name in wrong]
        server.paths["/fine" + discovery] = document({"issuer": url + "/fine", "jwks_uri": url + "/good"})
        issuers += [issuer("fine", url + "/fine")]
        # Not even asked: it is on this machine, or there is nobody.
        issuers += [issuer("inside", "inside", f'jwks_url: "{url}/good"').replace("allow_private: true", "allow_private: false")]
        issuers += [issuer("down", "down", f'jwks_url: "http://127.0.0.1:{free_port()}/"')]
        with Framewall(config_of(issuers), says=SAYS) as fw:
            told = causes(fw, len(bad) + len(wrong) + 2)
            for name, (_, cause) in bad.items():
                ok(cause in told[f"{url}/of/{name}"] and f"{url}/{name}: " in told[f"{url}/of/{name}"], f"{name}: {cause}", told[f"{url}/of/{name}"])
            for name, (_, cause) in wrong.items():
                ok(cause in told[f"{url}/{name}"], f"{name}: {cause}", told[f"{url}/{name}"])
            ok("the address 127.0.0.1 is one of this machine" in told["inside"], "inside: refused by its address", told["inside"])
            ok("refused" in told["down"] or "connect" in told["down"].lower(), "down: nobody there", told["down"])
            equal(who(fw, key.token(claims(url + "/fine"))), "fine:alice", "among them one that is as it should be")
            for name in ("garbage", "twins", "private"):
                refused_because(fw, key.token(claims(f"{url}/of/{name}")), told[f"{url}/of/{name}"][:60], f"a token of {name}: the record has why")
            refused_because(fw, key.token(claims(url + "/nobody-knows")), "kid", "a token of an issuer that nobody knows")
            equal(elsewhere.asked, [], "nothing was asked where a redirect led")


def test_tokens_lead_nowhere():
    """Attack 8 and SSRF: whatever a token says, nobody but the issuer's own server is asked; and that once, whatever it says."""
    key, stranger = Key("ES256", "known"), Key("ES256", "unknown")
    with Server({"/keys": document({"keys": [key.jwk()]}, **{"Cache-Control": "max-age=3600"})}) as server, Server() as trap:
        with Framewall(config_of([issuer("", "https://login.example.com", f'jwks_url: "{server.url}/keys"')]), says=SAYS) as fw:
            body = claims("https://login.example.com")
            equal(who(fw, key.token(body)), "alice", "a good token")
            equal(server.count("/keys"), 1, "its keys were asked for once")
            for member in ("jku", "x5u"):
                refused_because(fw, stranger.token(body, **{member: trap.url + "/keys"}), member, f"a token that names its keys by {member}")
                refused_because(fw, key.token(body, **{member: trap.url + "/keys"}), member, f"even a good one with {member}")
            for value in (trap.url, trap.url + "/", [trap.url], {"u": trap.url}):
                equal(who(fw, stranger.token({**body, "iss": value})), "AUTH_FAILED", f"an issuer of {value}")
            for kid in (trap.url + "/keys", "../../../etc/passwd", "'; drop table keys", 5, None, ["known"], "x" * 3000):
                equal(who(fw, stranger.token(body, kid=kid)), "AUTH_FAILED", f"kid {str(kid)[:30]!r}")
            for kid in range(20):
                who(fw, stranger.token(body, kid=f"guess-{kid}"))
            equal(trap.asked, [], "nobody whom a token names is asked")
            equal(server.count("/keys"), 2, "and the issuer once more, whatever comes (refetch: 30)")
            equal(who(fw, key.token(body)), "alice", "good tokens are taken all the while")


def test_new_key():
    """A key that signs before its set was fetched: the login waits for that, and the set that a key left ends who came by it."""
    keys = [Key("ES256", f"key-{i}") for i in range(3)]
    current = [keys[0].jwk()]
    with Server({"/keys": lambda *request: document({"keys": current})(*request)}) as server:
        one = issuer("", "x", f'jwks_url: "{server.url}/keys"', "refetch: 1")
        with Framewall(config_of([one]), says=SAYS) as fw:
            first, told = login(fw, keys[0].token(claims("x")))
            equal(told, "alice", "by the first key")
            stays, told = login(fw, keys[0].token(claims("x", "stays")))
            current.append(keys[1].jwk())
            until(lambda: who(fw, keys[1].token(claims("x", "bob"))) == "bob")
            ok(True, "by a key that came since")
            second, told = login(fw, keys[1].token(claims("x", "carol")))
            equal(told, "carol", "and again")
            del current[0]
            until(lambda: who(fw, keys[2].token(claims("x"))) and fw.records("issuer_keys")[-1]["details"].get("retired") == 1)
            opcode = 0
            while opcode != 8:
                opcode, payload = first.receive()
            equal(struct.unpack("!H", payload[:2])[0], 4401, "whose key left the set is closed")
            equal(who(fw, keys[0].token(claims("x"))), "AUTH_FAILED", "and does not come in again")
            second.send('{"type":"ping"}')
            while json.loads(second.receive()[1])["type"] != "pong":
                pass
            ok(True, "whose key is still there stays")
            changes = [{name: record["details"][name] for name in ("keys", "added", "retired")} for record in fw.records("issuer_keys")]
            equal(changes, [{"keys": 1, "added": 1, "retired": 0}, {"keys": 2, "added": 1, "retired": 0}, {"keys": 1, "added": 0, "retired": 1}], "the record has each change")
            for client in (first, stays, second):
                client.close()


def test_configuration_stays():
    """New keys come, and the configuration file that somebody is editing just now does not; a reload keeps the keys."""
    keys = [Key("ES256", f"key-{i}") for i in range(2)]
    current = [keys[0].jwk()]
    with Server({"/keys": lambda *request: document({"keys": current})(*request)}) as server:
        one = issuer("", "x", f'jwks_url: "{server.url}/keys"', "refetch: 1")
        with Framewall(config_of([one]), says=SAYS) as fw:
            path = os.path.join(fw.folder, "framewall.yaml")
            equal(who(fw, keys[0].token(claims("x"))), "alice", "before")
            with open(path, "w") as file:
                file.write(config_of([one.replace("audience: chat", "audience: other")]))
            current.append(keys[1].jwk())
            until(lambda: who(fw, keys[1].token(claims("x"))) == "alice")
            ok(True, "a new key counts, under the audience that was in use")
            equal(who(fw, keys[1].token(claims("x", aud="other"))), "AUTH_FAILED", "and not that of the edited file")
            fw.signal(signal.SIGHUP)
            until(lambda: any(record["details"].get("change") == "reloaded" for record in fw.records("system_changes")))
            changed = [record["details"]["changed"] for record in fw.records("system_changes") if record["details"].get("change") == "reloaded"]
            equal(changed, ["authentication.issuers"], "a reload says what changed")
            equal(who(fw, keys[1].token(claims("x", aud="other"))), "alice", "after it the keys are there still")


def test_stale():
    """The last good set is used while no other can be had, also by a server that starts meanwhile; until it is too old."""
    key = Key("ES256", "k")
    answer = [document({"keys": [key.jwk()]}, **{"Cache-Control": "no-store"})]
    folder = tempfile.mkdtemp(prefix="framewall-e2e-")
    try:
        with Server({"/keys": lambda *request: answer[0](*request)}) as server:
            def config(stale):
                return config_of([issuer("", "x", f'jwks_url: "{server.url}/keys"', f"min_age: 1\n      max_age: 1\n      refetch: 1\n      max_stale: {stale}")])

            data = ("--data", os.path.join(folder, "data"))
            with Framewall(config(600), *data, says=SAYS) as fw:
                fw.data = data[1]
                equal(who(fw, key.token(claims("x"))), "alice", "fetched")
                answer[0] = lambda *request: (503, {}, b"")
                causes(fw, 1)
                equal(who(fw, key.token(claims("x"))), "alice", "the server is down: the last good set counts")
                kept = glob.glob(os.path.join(data[1], "issuers", "*.json"))
                equal([oct(os.stat(path).st_mode & 0o777) for path in kept], ["0o600"], "it is kept, for nobody else to read")
            with Framewall(config(600), *data, says=SAYS) as fw:
                fw.data = data[1]
                equal(who(fw, key.token(claims("x"))), "alice", "also by a server that starts meanwhile")
            with Framewall(config(0), *data, says=SAYS) as fw:
                fw.data = data[1]
                client, told = login(fw, key.token(claims("x")))
                if told == "alice":
                    while client.receive()[0] != 8:
                        pass
                client.close()
                until(lambda: who(fw, key.token(claims("x"))) == "AUTH_FAILED")
                ok(True, "when it is too old it counts no more, and who came by it is closed")
                answer[0] = document({"keys": [key.jwk()]})
                until(lambda: who(fw, key.token(claims("x"))) == "alice")
                ok(True, "the server is back: its keys count")
            for octets in (b"", b"{}", b"[" * 100, b'{"issuer":"x","url":"%s/keys","fetched_at":1,"age":1,"jwks":{"keys":[]}}' % server.url.encode()):
                answer[0] = lambda *request: (503, {}, b"")
                with open(kept[0], "wb") as file:
                    file.write(octets)
                with Framewall(config(600), *data, says=SAYS) as fw:
                    fw.data = data[1]
                    causes(fw, 1)
                    equal(who(fw, key.token(claims("x"))), "AUTH_FAILED", f"a file that says {octets[:20]!r} is none")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_tls():
    """https alone, with the certificate checked: of whom the configuration names, else of the system."""
    key = Key("ES256", "k")
    with Authority("Provider authority") as good, Authority("Other authority") as other, \
         Server({"/keys": document({"keys": [key.jwk()]})}, context=good.sign("server", "IP:127.0.0.1").server()) as server:
        names = {"right": good, "wrong": other}
        issuers = [issuer(name, name, f'jwks_url: "{server.url}/keys"', f'ca_file: "{authority.certificate}"').replace("allow_http: true", "allow_http: false")
                   for name, authority in names.items()]
        issuers.append(issuer("system", "system", f'jwks_url: "{server.url}/keys"').replace("allow_http: true", "allow_http: false"))
        issuers.append(issuer("name", "name", f'jwks_url: "https://localhost:{server.port}/keys"', f'ca_file: "{good.certificate}"'))
        with Framewall(config_of(issuers), says=SAYS) as fw:
            told = causes(fw, 3)
            for name in ("wrong", "system", "name"):
                ok("certificate" in told[name].lower() or "ssl" in told[name].lower(), f"{name}: not its certificate", told[name])
            equal(who(fw, key.token(claims("right"))), "right:alice", "the authority that the configuration names")
            equal(who(fw, key.token(claims("wrong"))), "AUTH_FAILED", "and no other")


main(test_answers, test_tokens_lead_nowhere, test_new_key, test_configuration_stays, test_stale, test_tls)
