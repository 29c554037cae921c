#!/usr/bin/python3
"""Tokens that cannot be stolen: bound to the certificate of the client (RFC 8705) or to a key that it proves to have (RFC 9449). Who has the
token alone is refused, whatever way it comes; a proof is good once, for one address, one token and one minute; the record has the cause."""
import ssl

from certificates import Authority, openssl
from framewall import *

try:
    from signers import *
except ImportError:
    print("1..0 # SKIP python3-cryptography is not installed")
    sys.exit(0)

if not shutil.which("openssl"):
    print("1..0 # SKIP openssl is not installed")
    sys.exit(0)

SECRET = b"0123456789abcdef0123456789abcdef"
TEXT = "Invalid or expired JWT token"
SERVER = {}


def config(jwt="", more=""):
    return RELAXED + f"""
authentication:
  max_token_size: 8192
  jwt:
    keys:
      - secret: "{SECRET.decode()}"
{jwt}
{more}
"""


def bound(user="alice", **cnf):
    return token({"alg": "HS256", "typ": "JWT"}, claims_of(user, role="user", **({"cnf": cnf["cnf"]} if "cnf" in cnf else {})), with_secret(SECRET))


def fingerprint(pair):
    with open(pair.certificate) as file:
        return sha256(ssl.PEM_cert_to_DER_cert(file.read()))


def said(client):
    """The next message that says how a login went."""
    while True:
        message = json.loads(client.receive()[1])
        if message["type"] in ("auth_success", "error"):
            return message


def login(fw, access, wrap=None, method="jwt", field="token", client=None, **more):
    """By the first message: what is answered; the client stays open."""
    client = client or RawClient(fw.port, {}, wrap=wrap)
    client.send(json.dumps({"type": "auth", "method": method, field: access, **more}))
    return said(client), client


def message_login(fw, access, wrap=None, **more):
    answer, client = login(fw, access, wrap, **more)
    client.close()
    return answer["data"].get("code", answer["type"])


def handshake(fw, headers, wrap=None, path="/"):
    client = RawClient(fw.port, headers, wrap=wrap, path=path)
    client.close()
    return client.status


def bearer(access):
    return {"Authorization": "Bearer " + access}


def last_cause(fw, before):
    return [record["details"]["cause"] for record in fw.wait_records("auth_failure", before + 1)][before:]


class Refusals:
    """Each refusal is one record with its cause."""

    def __init__(self, fw):
        self.fw, self.count = fw, 0

    def expect(self, got, expected, cause, what):
        equal(got, expected, f"refused: {what}")
        self.count += 1
        equal(last_cause(self.fw, self.count - 1), [cause], f"and recorded as {cause}")


def test_certificate():
    with Authority() as authority:
        server = authority.sign("server")
        mine, theirs = authority.sign("alice", names="DNS:alice"), authority.sign("mallory", names="DNS:mallory")
        access = bound(cnf={"x5t#S256": fingerprint(mine)})
        with Framewall(config(more="tls: {client_certificate: request, client_ca: \"" + authority.certificate + "\"}"), *server.options()) as fw:
            right, wrong, none = authority.wrap(pair=mine), authority.wrap(pair=theirs), authority.wrap()
            equal(handshake(fw, bearer(access), right), 101, "a token on the connection of its certificate")
            equal(message_login(fw, access, right), "auth_success", "and in the first message")
            equal([r["details"].get("bound") for r in fw.wait_records("auth_success", 2)], ["certificate"] * 2, "the record says what it was bound to")
            refused = Refusals(fw)
            for what, wrap, cause in (("another certificate", wrong, "certificate: another than the token's"), ("no certificate", none, "certificate: the client showed none")):
                refused.expect(handshake(fw, bearer(access), wrap), 401, cause, f"{what}, handshake")
                refused.expect(message_login(fw, access, wrap), "AUTH_FAILED", cause, f"{what}, first message")
                for place, headers in (("cookie", {"Cookie": "framewall_token=" + access}), ("subprotocol", {"Sec-WebSocket-Protocol": "framewall.bearer, " + access})):
                    refused.expect(handshake(fw, headers, wrap), 401, cause, f"{what}, {place}")
            equal(handshake(fw, bearer(bound()), none), 101, "a token that is bound to nothing needs no certificate")
            print_ = fingerprint(mine)
            for what, cnf in (("a cnf that nobody knows", {"kid": "1"}), ("one known and one unknown", {"x5t#S256": print_, "kid": "1"}), ("an empty cnf", {}),
                              ("cnf no object", "x5t#S256"), ("cnf null", None), ("cnf a list", [print_]), ("a key in it", {"jwk": {}}), ("SHA-1", {"x5t": print_[:27]}),
                              ("a short one", {"x5t#S256": print_[:42]}), ("padding", {"x5t#S256": print_ + "="}), ("base64", {"x5t#S256": print_[:42] + "+"}),
                              ("other bits behind the last octet", {"x5t#S256": print_[:-1] + twin(print_[-1])}), ("a number", {"x5t#S256": 5}),
                              ("another case", {"X5T#S256": print_}), ("empty", {"x5t#S256": ""})):
                refused.expect(message_login(fw, bound(cnf=cnf), right), "AUTH_FAILED", "cnf", what)
            # What was opened with it is bound alike: the token of a session is a credential, too.
            session = login(fw, access, right)[0]["data"]["session_token"]
            refused.expect(message_login(fw, session, wrong, method="session", field="session_token"), "AUTH_FAILED", "certificate: another than the token's",
                           "its session, taken by another certificate")
            answer, client = login(fw, access, right)
            client.close()
            answer, client = login(fw, answer["data"]["session_token"], right, method="session", field="session_token")
            equal(answer["type"], "auth_success", "its session, taken by the same")
            client.close()
            refused.expect(message_login(fw, answer["data"]["session_token"], none, method="session", field="session_token"), "AUTH_FAILED",
                           "certificate: the client showed none", "the session of that session")
            # Again on a live connection
            answer, client = login(fw, bound(), none)
            equal(answer["type"], "auth_success", "alice is in without a certificate")
            answer = login(fw, access, client=client)[0]
            refused.expect(answer["data"].get("code"), "AUTH_FAILED", "certificate: the client showed none", "her bound token does not renew that login")
            client.close()


def twin(character):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) ^ 1]


def dpop(access, *proofs):
    """A dict cannot have a header twice: names differ by case."""
    names = ("DPoP", "dpop", "dPOP")
    return {"Authorization": "DPoP " + access, **dict(zip(names, proofs))}


def test_dpop():
    keys = {name: Key(name) for name in ("ES256", "EdDSA", "RS256", "ES384", "PS256")}
    key, stolen = keys["ES256"], Key("ES256")
    access = bound(cnf={"jkt": thumbprint(key)})
    with Framewall(config()) as fw:
        url = f"http://localhost:{fw.port}/"
        equal(handshake(fw, dpop(access, proof(key, url, access))), 101, "a token with the proof of its key")
        equal([r["details"].get("bound") for r in fw.wait_records("auth_success")], ["dpop"], "the record says what it was bound to")
        for name, other in keys.items():
            its = bound(cnf={"jkt": thumbprint(other)})
            equal(handshake(fw, dpop(its, proof(other, url, its))), 101, f"a key for {name}")
        for what, place in (("ws:", f"ws://localhost:{fw.port}/"), ("another case", f"HTTP://LOCALHOST:{fw.port}/"), ("no path", f"http://localhost:{fw.port}")):
            equal(handshake(fw, dpop(access, proof(key, place, access))), 101, f"the same address: {what}")
        equal(handshake(fw, dpop(access, proof(key, url + "chat", access)), path="/chat?x=1"), 101, "the query is no part of it")
        equal(message_login(fw, access, dpop=proof(key, url, access)), "auth_success", "in the first message")
        once = proof(key, url, access)
        equal(handshake(fw, dpop(access, once)), 101, "a proof is good")
        refused = Refusals(fw)
        refused.expect(handshake(fw, dpop(access, once)), 401, "dpop: replayed", "the same proof again")
        refused.expect(message_login(fw, access, dpop=once), "AUTH_FAILED", "dpop: replayed", "and again, in a message")
        named = proof(key, url, access, jti="one")
        equal(handshake(fw, dpop(access, named)), 101, "a proof with a name")
        refused.expect(handshake(fw, dpop(access, proof(key, url, access, jti="one", iat=int(time.time()) + 5))), 401, "dpop: replayed", "another proof of that name")
        its = bound(cnf={"jkt": thumbprint(keys["EdDSA"])})
        equal(handshake(fw, dpop(its, proof(keys["EdDSA"], url, its, jti="one"))), 101, "that name of another key")

        theft = "dpop: a bound token without a proof"
        refused.expect(handshake(fw, bearer(access)), 401, theft, "as a bearer's")
        refused.expect(handshake(fw, {**bearer(access), "DPoP": proof(key, url, access)}), 401, theft, "as a bearer's, with a proof")
        refused.expect(handshake(fw, {"Cookie": "framewall_token=" + access, "DPoP": proof(key, url, access)}), 401, theft, "in a cookie")
        refused.expect(handshake(fw, {"Sec-WebSocket-Protocol": "framewall.bearer, " + access}), 401, theft, "in a subprotocol")
        refused.expect(message_login(fw, access), "AUTH_FAILED", theft, "in a message")
        refused.expect(handshake(fw, dpop(access)), 401, "dpop: no proof", "no proof")
        refused.expect(handshake(fw, dpop(access, proof(key, url, access), proof(key, url, access))), 401, "dpop: more than one proof", "two proofs")
        refused.expect(handshake(fw, dpop(access, proof(stolen, url, access))), 401, "dpop: another key than the token's", "the thief's own key")
        plain = bound()
        refused.expect(handshake(fw, dpop(plain, proof(key, url, plain))), 401, "dpop: the token is not bound to a key", "a token that is bound to nothing, by DPoP")
        equal(handshake(fw, bearer(plain)), 101, "which is what it is: a bearer's")
        other = bound("bob", cnf={"jkt": thumbprint(key)})
        now = int(time.time())
        for what, made, cause in (
                ("made for another token", proof(key, url, other), "ath"), ("made for none", proof(key, url), "ath"),
                ("POST", proof(key, url, access, htm="POST"), "htm"), ("get", proof(key, url, access, htm="get"), "htm"), ("no htm", proof(key, url, access, htm=None), "htm"),
                ("another path", proof(key, url + "x", access), "htu"), ("another host", proof(key, "http://elsewhere/", access), "htu"),
                ("another port", proof(key, "http://localhost:1/", access), "htu"), ("https", proof(key, f"https://localhost:{fw.port}/", access), "htu"),
                ("a query", proof(key, url + "?x", access), "htu"), ("a fragment", proof(key, url + "#x", access), "htu"), ("no htu", proof(key, None, access), "htu"),
                ("old", proof(key, url, access, iat=now - 120), "iat"), ("to come", proof(key, url, access, iat=now + 120), "iat"),
                ("no iat", proof(key, url, access, iat=None), "iat"), ("iat a text", proof(key, url, access, iat=str(now)), "iat"),
                ("no jti", proof(key, url, access, jti=None), "jti"), ("an empty jti", proof(key, url, access, jti=""), "jti"), ("a long jti", proof(key, url, access, jti="x" * 300), "jti"),
                ("typ JWT", proof(key, url, access, {"typ": "JWT"}), "typ"), ("no typ", proof(key, url, access, {"typ": None}), "typ"),
                ("alg none", proof(key, url, access, {"alg": "none"}), "alg"), ("alg HS256", proof(key, url, access, {"alg": "HS256"}), "alg"),
                ("no key", proof(key, url, access, {"jwk": None}), "jwk"), ("its private half", proof(key, url, access, {"jwk": {**public_jwk(key), "d": "AAAA"}}), "jwk"),
                ("a secret as a key", proof(key, url, access, {"jwk": {"kty": "oct", "k": "AAAA"}}), "jwk"),
                ("another's key", proof(stolen, url, access, {"jwk": public_jwk(key)}), "signature"), ("no JSON", "a.b.c", "base64url"), ("no JWS", "nonsense", "form"),
                ("the token itself", access, "typ"), ("changed", proof(key, url, access)[:-4] + "AAAA", "signature")):
            refused.expect(handshake(fw, dpop(access, made)), 401, "dpop: " + cause, what)
        client = RawClient(fw.port, dpop(access))
        ok(b'WWW-Authenticate: DPoP realm="framewall", error="invalid_token", algs=' in client.head and b"DPoP-Nonce" not in client.head, "the refusal names the scheme", client.head)
        client.close()
        refused.count += 1
        # Sessions
        answer, client = login(fw, access, dpop=proof(key, url, access))
        client.close()
        session = answer["data"]["session_token"]
        refused.expect(message_login(fw, session, method="session", field="session_token"), "AUTH_FAILED", theft, "its session, without a proof")
        answer, client = login(fw, access, dpop=proof(key, url, access))
        client.close()
        session = answer["data"]["session_token"]
        equal(message_login(fw, session, method="session", field="session_token", dpop=proof(key, url, session)), "auth_success", "its session, with a proof")
        answer, client = login(fw, access, dpop=proof(key, url, access))
        client.close()
        session = answer["data"]["session_token"]
        equal(handshake(fw, dpop(session, proof(key, url, session))), 101, "its session in the handshake, with a proof")
        # On a live connection
        answer, client = login(fw, access, dpop=proof(key, url, access))
        equal(login(fw, access, client=client, dpop=proof(key, url, access))[0]["type"], "auth_success", "renewed with another proof")
        refused.expect(login(fw, access, client=client)[0]["data"]["code"], "AUTH_FAILED", theft, "and not without one")
        client.close()
        both = bound(cnf={"jkt": thumbprint(key), "x5t#S256": "A" * 43})
        refused.expect(handshake(fw, dpop(both, proof(key, url, both))), 401, "certificate: the client showed none", "bound to both: one is not enough")
        told = json.dumps(fw.records())
        ok(access[:64] not in told and once[:64] not in told, "no token and no proof is in the record")
        equal(len(fw.records("auth_failure")), refused.count, "one record each")


def test_nonce():
    key = Key("ES256")
    access = bound(cnf={"jkt": thumbprint(key)})
    with Framewall(config("", "  dpop: {nonce: true, url: \"wss://chat.example.com\"}")) as fw:
        url = "https://chat.example.com/"
        client = RawClient(fw.port, dpop(access, proof(key, url, access)))
        nonce = re.search(rb"\r\nDPoP-Nonce: ([A-Za-z0-9_-]{22})(?:\r\n|$)", client.head)
        ok(client.status == 401 and nonce and b'error="use_dpop_nonce"' in client.head, "a proof without a nonce is 401, and told which", client.head)
        client.close()
        nonce = nonce.group(1).decode()
        first = proof(key, url, access, nonce=nonce)
        equal(handshake(fw, dpop(access, first)), 101, "with the nonce, and for the address that clients see")
        equal(handshake(fw, dpop(access, proof(key, f"http://localhost:{fw.port}/", access, nonce=nonce))), 401, "the own address is another")
        equal(handshake(fw, dpop(access, first)), 401, "a replay")
        equal(handshake(fw, dpop(access, proof(key, url, access, nonce=nonce))), 101, "a nonce is not used up")
        for what, text in (("another", "A" * 22), ("shorter", nonce[:-1]), ("longer", nonce + "A"), ("empty", ""), ("long", "A" * 600)):
            equal(handshake(fw, dpop(access, proof(key, url, access, nonce=text))), 401, f"a nonce that was not given out: {what}")
        client = RawClient(fw.port, {})
        answer = login(fw, access, client=client, dpop=proof(key, url, access))[0]["data"]
        equal((answer.get("code"), answer.get("dpop_nonce")), ("AUTH_FAILED", nonce), "in a message: told which")
        equal(login(fw, access, client=client, dpop=proof(key, url, access, nonce=nonce))[0]["type"], "auth_success", "and tried again on the same connection")
        equal(login(fw, access, client=client, dpop=proof(key, url, access))[0]["data"].get("dpop_nonce"), nonce, "a renewal is asked for it, too")
        client.send('{"type":"ping"}')
        ok(any(json.loads(client.receive()[1])["type"] == "pong" for _ in range(50)), "and the connection lives on")
        client.close()
        equal([r["details"]["cause"] for r in fw.wait_records("auth_failure", 2)], ["dpop: htu", "dpop: replayed"], "that a nonce was asked for is no failure")


def test_restart():
    """The table of used proofs is in memory: what it cannot know of needs a nonce, also where that is off."""
    key, url = Key("ES256"), "https://chat.example.com/"
    access = bound(cnf={"jkt": thumbprint(key)})
    settings = config("", "  dpop: {url: \"wss://chat.example.com\"}")
    with Framewall(settings) as fw:
        used = proof(key, url, access)
        equal(handshake(fw, dpop(access, used)), 101, "a proof is good")
        made = time.time()
    while int(time.time()) <= int(made):  # iat is in whole seconds
        time.sleep(0.05)
    with Framewall(settings) as fw:
        client = RawClient(fw.port, dpop(access, used))
        nonce = re.search(rb"\r\nDPoP-Nonce: ([A-Za-z0-9_-]{22})(?:\r\n|$)", client.head)
        client.close()
        ok(client.status == 401 and nonce, "the same proof after a restart is asked for a nonce", client.head)
        equal(message_login(fw, access, dpop=used), "AUTH_FAILED", "in the first message, too")
        equal(handshake(fw, dpop(access, proof(key, url, access, nonce=nonce.group(1).decode()))), 101, "who has the key has that")
        equal(handshake(fw, dpop(access, proof(key, url, access))), 101, "proofs made since need none")


def test_required():
    key = Key("ES256")
    with Authority() as authority:
        server, mine = authority.sign("server"), authority.sign("alice", names="DNS:alice")
        tokens = {"nothing": bound(), "certificate": bound(cnf={"x5t#S256": fingerprint(mine)}), "dpop": bound(cnf={"jkt": thumbprint(key)})}
        issuer_key = Key("ES256", "1")
        folder = tempfile.mkdtemp(prefix="framewall-bound-")
        path = os.path.join(folder, "framewall.yaml")

        def write(required, issuers="", methods=""):
            tls = f'tls: {{certificate: "{server.certificate}", key: "{server.key}", client_certificate: request, client_ca: "{authority.certificate}"}}'
            with open(path, "w") as file:
                os.fchmod(file.fileno(), 0o640)
                file.write(config(f"    require_bound: {required}", issuers + tls))

        def outcomes(fw):
            url = f"https://localhost:{fw.port}/"
            wrap = authority.wrap(pair=mine)
            return [handshake(fw, bearer(tokens["nothing"]), wrap), handshake(fw, bearer(tokens["certificate"]), wrap),
                    handshake(fw, dpop(tokens["dpop"], proof(key, url, tokens["dpop"])), wrap)]

        write("none")
        with Framewall(None, "--config", path) as fw:
            equal(outcomes(fw), [101, 101, 101], "none: all three")
            wrap = authority.wrap(pair=mine)
            answer, free = login(fw, tokens["nothing"], wrap)
            answer, held = login(fw, tokens["certificate"], wrap)
            for required, expected in (("certificate", [401, 101, 401]), ("dpop", [401, 401, 101]), ("either", [401, 101, 101])):
                write(required)
                fw.signal(signal.SIGHUP)
                ok(until(lambda: outcomes(fw) == expected), f"{required}: {expected}")
                if required == "certificate":
                    ok(free.closed(), "who was in with a token that is bound to nothing is not any more")
                    held.send('{"type":"ping"}')
                    ok(any(b'"pong"' in held.receive()[1] for _ in range(50)), "who was in with a bound one is")
                    held.close()
            causes = {record["details"]["cause"] for record in fw.wait_records("connection_revoked")}
            equal(causes, {"a bound token is required from now on"}, "and the record says why")
            jwks = json.dumps({"keys": [issuer_key.jwk()]})
            write("none", f"""  issuers:
    - {{issuer: "https://a.example", audience: chat, jwks: '{jwks}', require_bound: either, roles: {{user: [user]}}}}
""")
            fw.signal(signal.SIGHUP)
            theirs = issuer_key.token(claims_of("bob", iss="https://a.example", aud="chat", role="user"))
            tied = issuer_key.token(claims_of("bob", iss="https://a.example", aud="chat", role="user", cnf={"x5t#S256": fingerprint(mine)}))
            ok(until(lambda: handshake(fw, bearer(tied), wrap) == 101), "an issuer that asks for itself: bound")
            equal((handshake(fw, bearer(theirs), wrap), handshake(fw, bearer(tokens["nothing"]), wrap)), (401, 101), "and not; another's may")
        shutil.rmtree(folder)


def test_known_again():
    """A token that comes again is not verified again; whatever is outside of it is asked again all the same."""
    folder = tempfile.mkdtemp(prefix="framewall-bound-")
    path = os.path.join(folder, "framewall.yaml")

    def write(secret):
        with open(path, "w") as file:
            os.fchmod(file.fileno(), 0o640)
            file.write("workers: 1\n" + config().replace(SECRET.decode(), secret))

    write(SECRET.decode())
    with Framewall(None, "--config", path) as fw:
        def hits():
            return fw.stats()["counters"]["token_cache_hits"]

        alice, bob, short = bound(), bound("bob"), token({"alg": "HS256", "typ": "JWT"}, claims_of("carol", life=2), with_secret(SECRET))
        equal([handshake(fw, bearer(alice)), handshake(fw, bearer(bob))], [101, 101], "two tokens are good")
        equal(hits(), 0, "and new")
        equal([handshake(fw, bearer(alice)), message_login(fw, bob)], [101, "auth_success"], "they are good again")
        ok(until(lambda: hits() == 2), "and known", fw.stats())
        handshake(fw, bearer(short))
        ok(until(lambda: handshake(fw, bearer(short)) == 401), "one that is known expires")
        equal(fw.wait_records("auth_failure")[-1]["details"]["cause"], "expired", "as any other")
        done = subprocess.run([BINARY, "session", "--data", fw.data, "revoke", "--user", "bob"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        equal(done.returncode, 0, "bob is revoked")
        equal((handshake(fw, bearer(bob)), handshake(fw, bearer(alice))), (401, 101), "his token is good no more, known or not")
        ok(until(lambda: fw.records("auth_failure")[-1]["details"]["cause"] == "revoked"), "and the record says why", fw.records("auth_failure"))
        write("another secret of thirty-two octets")
        fw.signal(signal.SIGHUP)
        ok(until(lambda: handshake(fw, bearer(alice)) == 401), "with another key the token that was known is forged")
        write(SECRET.decode())
        fw.signal(signal.SIGHUP)
        ok(until(lambda: handshake(fw, bearer(alice)) == 101), "and with the first again it is good")
    shutil.rmtree(folder)


def test_conditions():
    """What a message type asks for besides a permission: obeyed for each message, by whoever it is."""
    with Authority() as authority:
        server, mine = authority.sign("server"), authority.sign("alice", names="DNS:alice")
        folder = tempfile.mkdtemp(prefix="framewall-bound-")
        path = os.path.join(folder, "framewall.yaml")
        tls = f'tls: {{certificate: "{server.certificate}", key: "{server.key}", client_certificate: request, client_ca: "{authority.certificate}"}}\n'

        def write(network, certificate):
            with open(path, "w") as file:
                os.fchmod(file.fileno(), 0o640)
                file.write(config(more=tls) + f"messages: {{chat_message: {{when: {{network: {network}, certificate: {certificate}}}}}, "
                           "csrf_refresh: {when: {certificate: required}}}\n")

        def answers(client):
            """To a chat message, which is not answered when it goes out, and to a refresh: what is answered, or the code of the error."""
            found = []
            for message in (chat("hi"), '{"type":"csrf_refresh"}', '{"type":"ping"}'):
                client.send(message)
            while not found or found[-1] != "pong":
                got = json.loads(client.receive()[1])
                if got["type"] in ("csrf_token", "pong", "error"):
                    found.append(got["data"]["code"] if got["type"] == "error" else got["type"])
            return found[:-1]

        def explained(*arguments, message=chat("hi")):
            done = subprocess.run([BINARY, "explain", "--config", path, "--json", *arguments], input=message, stdout=subprocess.PIPE, text=True, timeout=PATIENCE)
            said = json.loads(done.stdout)
            return said["verdict"], [stage.get("detail") for stage in said["stages"] if stage["verdict"] == "refuse"]

        write("[127.0.0.0/8, '2001:db8::/32']", "required")
        with Framewall(None, "--config", path) as fw:
            clients = {}
            for name, pair in (("with", mine), ("without", None)):
                answer, clients[name] = login(fw, bound(name), authority.wrap(pair=pair))
                equal(answer["type"], "auth_success", f"a client {name} a certificate is in")
            equal(answers(clients["with"]), ["csrf_token"], "with it both are taken")
            heard = clients["without"].receive()[1]
            while json.loads(heard)["type"] == "user_status":
                heard = clients["without"].receive()[1]
            equal(json.loads(heard)["data"]["text"], "hi", "and the other hears it")
            equal(answers(clients["without"]), ["PERMISSION_DENIED"] * 2, "without it neither")
            equal([r["details"]["cause"] for r in fw.wait_records("permission_denied", 2)], ["when: certificate"] * 2, "and the record says why")
            write("[10.0.0.0/8]", "any")
            fw.signal(signal.SIGHUP)
            ok(until(lambda: answers(clients["with"])[-2:] == ["PERMISSION_DENIED", "csrf_token"]), "from elsewhere than it may come from: refused, on a connection that is open")
            equal(answers(clients["without"]), ["PERMISSION_DENIED"] * 2, "whoever it is")
            equal({r["details"]["cause"] for r in fw.wait_records("permission_denied", 5)[2:]}, {"when: network", "when: certificate"}, "and recorded as that")
            write("[127.0.0.1]", "any")
            fw.signal(signal.SIGHUP)
            ok(until(lambda: answers(clients["without"]) == ["PERMISSION_DENIED"]), "and taken again when the configuration says so")
            for client in clients.values():
                client.close()
            write("[127.0.0.1]", "required")
            equal(explained("--from", "127.0.0.1", "--certificate"), ("pass", []), "explain: from there, with a certificate")
            equal(explained("--from", "127.0.0.1"), ("refuse", ["when: certificate"]), "without one")
            equal(explained("--from", "10.0.0.1", "--certificate"), ("refuse", ["when: network"]), "from elsewhere")
            equal(explained("--certificate"), ("refuse", ["when: network; say from which address"]), "from where is not said")
            equal(explained("--from", "127.0.0.1", "--certificate", "--role", "guest"), ("refuse", ["chat.send"]), "the permission is asked for all the same")
        for when, part in (("{network: []}", "lists no network"), ("{network: [10.0.0.1/8]}", "is not a network"), ("{certificate: yes}", "required or any"), ("{network: x, at: 5}", "unknown key"),
                           ("[]", "mapping")):
            done = subprocess.run([BINARY, "check", "-"], input=config(more=tls) + f"messages: {{typing: {{when: {when}}}}}\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            ok(done.returncode == 1 and part in done.stdout, f"check refuses {when}", done.stdout)
        for text, part in (("messages: {tping: {}}", 'did you mean "typing"'), ("messages: {auth: {when: {network: 10.0.0.0/8}}}", "has no conditions"), ("messages: {typing: {when: {certificate: required}}}", "tls.client_certificate")):
            done = subprocess.run([BINARY, "check", "-"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            ok(done.returncode == 1 and part in done.stdout, f"check refuses {text}", done.stdout)
        shutil.rmtree(folder)


main(test_certificate, test_dpop, test_nonce, test_restart, test_required, test_known_again, test_conditions)
