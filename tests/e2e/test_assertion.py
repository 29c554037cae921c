"""The signed assertion, as a server behind judges it: with the published key and a library that nobody here wrote (PyJWT)."""
import json
import os
import stat
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import framewall as fw

try:
    import jwt
except ImportError:
    jwt = None

CONFIG = """
upstream: {{ url: "{url}", assertion: true }}
trusted_proxies: [ 127.0.0.1 ]
{more}
""" + fw.RELAXED


def fetch(server, path="/.well-known/jwks.json", token=None):
    request = urllib.request.Request(f"http://localhost:{server.admin_port()}{path}")
    if token:
        request.add_header("Authorization", "Bearer " + token)
    with urllib.request.urlopen(request, timeout=fw.PATIENCE) as answer:
        return json.load(answer)


def verify(token, keys, url, **options):
    """What an upstream does. Returns the claims; raises what does not hold."""
    kid = jwt.get_unverified_header(token)["kid"]
    key = [k for k in keys["keys"] if k["kid"] == kid]
    return jwt.decode(token, jwt.PyJWK(key[0]).key, algorithms=["EdDSA", "ES256"], audience=url, issuer=options.pop("issuer", "framewall"),
                      options={"require": ["exp", "iat", "aud", "iss", "jti", "sub"], **options})


def refused(error, function, name):
    try:
        function()
        fw.ok(False, name, "it was taken")
    except error:
        fw.ok(True, name)
    except Exception as other:
        fw.ok(False, name, repr(other))


def connected(server, upstream, user, role, **headers):
    before = len(upstream.headers)
    client = fw.RawClient(server.port, {**server.bearer(user, role), **headers})
    fw.equal(client.status, 101, f"{user} comes in")
    fw.until(lambda: len(upstream.headers) > before)
    client.close()
    return upstream.headers[-1]


def verified():
    with fw.Upstream() as upstream, fw.Framewall(CONFIG.format(url=upstream.url(), more=""), "--admin", "localhost:0") as server:
        keys = fetch(server)
        fw.equal([sorted(k) for k in keys["keys"]], [["alg", "crv", "kid", "kty", "use", "x"]], "one public key is published, and no more of it")
        headers = connected(server, upstream, "alice", "moderator", **{"X-Forwarded-For": "203.0.113.5",
                                                                       "X-Framewall-Assertion": "e30.e30.forged"})
        token = headers["X-Framewall-Assertion"]
        claims = verify(token, keys, upstream.url())
        fw.equal((claims["sub"], claims["role"], claims["client_ip"]), ("alice", "moderator", "203.0.113.5"), "it holds, and says who it is")
        fw.equal(claims["connection_id"], headers["X-Framewall-Connection-Id"], "and on which connection")
        fw.equal(",".join(claims["permissions"]), headers["X-Framewall-Permissions"], "and what they may")
        fw.equal(claims["exp"] - claims["iat"], 60, "for a minute")
        other = verify(connected(server, upstream, "bob", "user")["X-Framewall-Assertion"], keys, upstream.url())
        fw.ok(other["jti"] != claims["jti"], "no two have one id")
        head, body, signature = token.split(".")
        forged = fw.base64url(json.dumps({**claims, "role": "admin"}).encode())
        refused(jwt.InvalidSignatureError, lambda: verify(f"{head}.{forged}.{signature}", keys, upstream.url()), "changed claims do not hold")
        flipped = signature[:-3] + ("A" if signature[-3] != "A" else "B") + signature[-2:]
        refused(jwt.InvalidSignatureError, lambda: verify(f"{head}.{body}.{flipped}", keys, upstream.url()), "nor a changed signature")
        refused(jwt.InvalidAudienceError, lambda: verify(token, keys, "ws://127.0.0.1:1"), "nor for another server")
        refused(jwt.InvalidIssuerError, lambda: verify(token, keys, upstream.url(), issuer="else"), "nor of another issuer")
        path = os.path.join(server.data, "keys", "assertion.pem")
        fw.equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "the key file is its owner's alone")


def expires():
    more = "assertion: { lifetime: 5, issuer: gate-7 }"
    with fw.Upstream() as upstream, fw.Framewall(CONFIG.format(url=upstream.url(), more=more), "--admin", "localhost:0") as server:
        token = connected(server, upstream, "alice", "user")["X-Framewall-Assertion"]
        keys = fetch(server)
        claims = verify(token, keys, upstream.url(), issuer="gate-7", verify_exp=False)
        fw.equal(claims["exp"] - claims["iat"], 5, "lifetime and issuer are configured")
        fw.until(lambda: claims["exp"] < time.time())
        refused(jwt.ExpiredSignatureError, lambda: verify(token, keys, upstream.url(), issuer="gate-7"), "after it an assertion does not hold")


def rotated():
    """Old keys stay published; a P-256 key signs as well."""
    with fw.Upstream() as upstream:
        first = fw.Framewall(CONFIG.format(url=upstream.url(), more=""), "--admin", "localhost:0")
        with first:
            old_token = connected(first, upstream, "alice", "user")["X-Framewall-Assertion"]
            keys_folder = os.path.join(first.data, "keys")
            first.keep = tempfile.mkdtemp(prefix="framewall-keys-")
            shutil.copy(os.path.join(keys_folder, "assertion.pem"), os.path.join(first.keep, "old.pem"))
        new = os.path.join(first.keep, "new.pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", new], check=True,
                       stderr=subprocess.DEVNULL)
        more = f"assertion: {{ keys: [ {new}, {first.keep}/old.pem ] }}"
        with fw.Framewall(CONFIG.format(url=upstream.url(), more=more), "--admin", "localhost:0") as server:
            keys = fetch(server)
            fw.equal([k["alg"] for k in keys["keys"]], ["ES256", "EdDSA"], "the new key and the old one are published")
            fw.equal(verify(connected(server, upstream, "bob", "user")["X-Framewall-Assertion"], keys, upstream.url())["sub"], "bob",
                     "what the new one signs holds")
            fw.equal(verify(old_token, keys, upstream.url())["sub"], "alice", "and what the old one signed")
        with fw.Framewall(CONFIG.format(url=upstream.url(), more=more.replace("new.pem", "none.pem")), wait=False, check=False) as server:
            fw.equal(server.wait(), 3, "a key that is not there keeps the program from starting")
            fw.ok("none.pem" in server.stderr(), "and it says which", server.stderr())
        shutil.rmtree(first.keep)


def without():
    with fw.Upstream() as upstream, fw.Framewall(CONFIG.format(url=upstream.url(), more="").replace("assertion: true", "assertion: false"),
                                                 "--admin", "localhost:0") as server:
        fw.ok("X-Framewall-Assertion" not in connected(server, upstream, "alice", "user"), "where it is off there is none")
        fw.equal(fetch(server), {"keys": []}, "and no key")
        fw.ok(not os.path.exists(os.path.join(server.data, "keys", "assertion.pem")), "nor a file of one")


if jwt is None:
    fw.skip("assertions", "python3-jwt is not installed")
    print("1..1")
else:
    fw.main(verified, expires, rotated, without)
