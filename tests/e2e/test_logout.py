#!/usr/bin/python3
"""Back-channel logout (OpenID Connect Back-Channel Logout 1.0) and CAEP session-revoked: the issuer says that somebody is logged out, and his
sockets are closed. The issuer's tokens are made here."""
import http.client
import os
import time

from framewall import *

try:
    from signers import *
except ImportError:
    print("1..0 # SKIP python3-cryptography is not installed")
    sys.exit(0)

ISSUER, OTHER = "https://login.example.com", "https://other.example.com"
CONFIG = RELAXED + """
authentication:
  issuers:
    - issuer: "%s"
      audience: chat
      jwks: "${file:login.jwks}"
      roles: { user: [staff] }
      roles_from: roles
      backchannel_logout: true
      logout_audience: client-1
    - issuer: "%s"
      audience: chat
      jwks: "${file:other.jwks}"
      user_prefix: "other:"
      roles: { user: [staff] }
      roles_from: roles
""" % (ISSUER, OTHER)
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"


clients = []  # of logins


class Login:
    def __init__(self, fw, token, method="jwt", field="token"):
        self.client = RawClient(fw.port, {})
        clients.append(self.client)
        self.client.send(json.dumps({"type": "auth", "method": method, field: token}))
        self.data = json.loads(self.client.receive()[1])["data"]

    def who(self):
        return self.data.get("user_id", self.data.get("code"))

    def closed_with(self):
        return self.client.close_code()

    def is_open(self):
        return self.client.is_open()


def who(fw, token):
    login = Login(fw, token)
    login.client.close()
    return login.who()


def access(key, user="alice", iss=ISSUER, **more):
    return key.token({**claims_of(user, iss=iss, aud="chat", roles=["staff"]), **more})


def logout_token(key, typ="logout+jwt", drop=(), **more):
    body = {"iss": ISSUER, "aud": "client-1", "iat": int(time.time()), "exp": int(time.time()) + 120, "jti": os.urandom(8).hex(), "events": {LOGOUT: {}}, **more}
    return key.token({name: value for name, value in body.items() if name not in drop}, typ=typ)


def post(fw, body, path="/framewall/logout", content="application/x-www-form-urlencoded", method="POST", **headers):
    """(status, headers)."""
    connection = http.client.HTTPConnection("127.0.0.1", fw.port, timeout=PATIENCE)
    connection.request(method, path, body, {"Host": f"localhost:{fw.port}", "Content-Type": content, **headers})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders())


def tell(fw, token, **more):
    return post(fw, "logout_token=" + token, **more)[0]


def event(key, subject, typ="secevent+jwt", **more):
    return key.token({"iss": ISSUER, "aud": "client-1", "iat": int(time.time()), "jti": os.urandom(8).hex(), "events": {REVOKED: {"event_timestamp": int(time.time())}},
                      "sub_id": subject, **more}, typ=typ)


def send(fw, token):
    return post(fw, token, "/framewall/events", "application/secevent+jwt")[0]


class Running:
    """The program, with the keys of two issuers."""

    def __enter__(self):
        self.key, self.other = Key("ES256", "k"), Key("ES256", "k")
        self.folder = tempfile.mkdtemp(prefix="framewall-e2e-")
        for name, key in (("login", self.key), ("other", self.other)):
            with open(os.path.join(self.folder, name + ".jwks"), "w") as file:
                os.fchmod(file.fileno(), 0o600)
                json.dump({"keys": [key.jwk()]}, file)
        with open(os.path.join(self.folder, "framewall.yaml"), "w") as file:
            file.write(CONFIG)
        self.fw = Framewall(None, "--config", os.path.join(self.folder, "framewall.yaml"))
        return self

    def __exit__(self, *error):
        for client in clients:
            client.close()
        self.fw.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def test_logout():
    with Running() as r:
        fw, key = r.fw, r.key
        names = ("alice", "alice2", "bob", "other")
        tokens = dict(zip(names, (access(key), access(key), access(key, "bob"), access(r.other, "alice", OTHER))))
        live = {name: Login(fw, token) for name, token in tokens.items()}
        equal([live[name].who() for name in names], ["alice", "alice", "bob", "other:alice"], "four logins")
        begun = time.monotonic()
        status, headers = post(fw, "logout_token=" + logout_token(key, sub="alice"))
        equal((status, headers["Cache-Control"]), (200, "no-store"), "the issuer says that alice is logged out")
        equal([live[name].closed_with() for name in ("alice", "alice2")], [4401, 4401], "her sockets are closed")
        print(f"# {1000 * (time.monotonic() - begun):.0f} ms after the issuer began to say so")
        ok(live["bob"].is_open() and live["other"].is_open(), "bob's and those of an alice elsewhere are not")
        equal(who(fw, tokens["alice"]), "AUTH_FAILED", "her token of before is not taken again")
        taken = Login(fw, live["alice2"].data["session_token"], "session", "session_token")
        equal(taken.who(), "AUTH_FAILED", "nor is her session")
        equal((who(fw, tokens["bob"]), who(fw, tokens["other"])), ("bob", "other:alice"), "others log in")
        time.sleep(1.1)  # a token says of the second when it was issued
        equal(who(fw, access(key)), "alice", "she logs in anew")
        record = fw.wait_records("issuer_logout")[0]["details"]
        equal({name: record.get(name) for name in ("issuer", "by", "sub", "sid")}, {"issuer": ISSUER, "by": "back-channel logout", "sub": "alice", "sid": None}, "the record has it")

        # Of one session of several.
        before = [access(key, "erin", sid=sid) for sid in ("s1", "s3")]
        sessions = {sid: Login(fw, access(key, "erin", sid=sid)) for sid in ("s1", "s2")}
        plain = Login(fw, access(key, "erin"))
        equal(tell(fw, logout_token(key, sid="s1")), 200, "a session is over")
        equal(sessions["s1"].closed_with(), 4401, "its socket is closed")
        ok(sessions["s2"].is_open() and plain.is_open(), "the user's others are not")
        equal(tell(fw, logout_token(key, sid="s2", sub="erin")), 200, "another, whose user is named")
        equal((sessions["s2"].closed_with(), plain.closed_with()), (4401, 4401), "and what says nothing of a session is closed with it")
        equal([who(fw, token) for token in before], ["AUTH_FAILED", "erin"],
              "a token of that session is not taken, that of another is")

        # CAEP.
        for user, subject in (("c1", {"format": "iss_sub", "iss": ISSUER, "sub": "c1"}), ("c2", {"format": "opaque", "id": "c2"}),
                              ("c3", {"format": "complex", "user": {"format": "iss_sub", "iss": ISSUER, "sub": "c3"}})):
            live = Login(fw, access(key, user))
            equal(live.who(), user, "somebody is in")
            equal(send(fw, event(key, subject)), 200, f"an event, session-revoked, of a subject {subject['format']}")
            equal(live.closed_with(), 4401, "closes the socket")
        session = Login(fw, access(key, "c4", sid="s9"))
        equal(send(fw, event(key, {"format": "complex", "session": {"format": "opaque", "id": "s9"}})), 200, "of a session")
        equal(session.closed_with(), 4401, "too")


def test_refused():
    with Running() as r:
        fw, key = r.fw, r.key
        stays = Login(fw, access(key))
        now = int(time.time())
        stranger = Key("ES256", "k")
        rows = {
            "an ID token": key.token(claims_of("alice", iss=ISSUER, aud="client-1")), "an access token": access(key),
            "typ JWT": logout_token(key, typ="JWT", sub="alice"), "no typ": logout_token(key, typ=None, sub="alice"), "another's key": logout_token(stranger, sub="alice"),
            "the key of another issuer": logout_token(r.other, sub="alice"), "another issuer": logout_token(r.other, sub="alice", iss=OTHER),
            "an unknown issuer": logout_token(key, sub="alice", iss="https://nobody"), "the audience of access tokens": logout_token(key, sub="alice", aud="chat"),
            "no audience": logout_token(key, ("logout+jwt"), ("aud",), sub="alice"), "no events": logout_token(key, "logout+jwt", ("events",), sub="alice"),
            "other events": logout_token(key, sub="alice", events={"x": {}}), "events that are no object": logout_token(key, sub="alice", events=[LOGOUT]),
            "an event that is no object": logout_token(key, sub="alice", events={LOGOUT: True}), "a nonce": logout_token(key, sub="alice", nonce="n"),
            "no jti": logout_token(key, "logout+jwt", ("jti",), sub="alice"), "jti 5": logout_token(key, sub="alice", jti=5), "no iat": logout_token(key, "logout+jwt", ("iat",), sub="alice"),
            "an old one": logout_token(key, sub="alice", iat=now - 1000), "one of the future": logout_token(key, sub="alice", iat=now + 1000),
            "no exp": logout_token(key, "logout+jwt", ("exp",), sub="alice"), "expired": logout_token(key, sub="alice", exp=now - 1), "nobody": logout_token(key), "sub 5": logout_token(key, sub=5),
            "sid []": logout_token(key, sub="alice", sid=[]), "a long sub": logout_token(key, sub="a" * 300), "a jku": key.token(claims_of("alice"), typ="logout+jwt", jku="http://127.0.0.1/"),
            "nothing": "", "garbage": "a.b.c", "an event": event(key, {"format": "opaque", "id": "alice"})}
        for name, token in rows.items():
            equal(tell(fw, token), 400, f"refused: {name}")
        good = logout_token(key, sub="dave")
        equal([tell(fw, good), tell(fw, good)], [200, 400], "one that was used before")
        for name, token in (("typ", event(key, {"format": "opaque", "id": "alice"}, typ="logout+jwt")), ("no subject", event(key, None)), ("a subject of nobody", event(key, {"format": "opaque"})),
                            ("a subject of another issuer", event(key, {"format": "iss_sub", "iss": OTHER, "sub": "alice"})), ("another format", event(key, {"format": "email", "email": "alice"})),
                            ("another event", event(key, {"format": "opaque", "id": "alice"}, events={REVOKED + "x": {}})), ("a logout token", logout_token(key, sub="alice"))):
            equal(send(fw, token), 400, f"an event refused: {name}")
        token = logout_token(key, sub="alice")
        form = "logout_token=" + token
        for name, status, arguments in (
                ("GET", 405, {"body": None, "method": "GET"}), ("no body", 400, {"body": ""}), ("another type", 400, {"body": form, "content": "text/plain"}),
                ("two tokens", 400, {"body": form + "&" + form}), ("another name", 400, {"body": "token=" + token}), ("a page", 403, {"body": form, "Origin": "http://localhost"}),
                ("a large one", 413, {"body": form + "x" * 20000})):
            try:
                got = post(fw, **arguments)[0]
            except ConnectionError as error:
                got = repr(error)
            equal(got, status, f"a request refused: {name}")
        chunked = RawClient(fw.port, {}, request=b"POST /framewall/logout HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\n")
        equal(chunked.read_head(), 400, "a request refused: chunks")
        status, headers = post(fw, "logout_token=x")
        equal((status, headers["Cache-Control"]), (400, "no-store"), "nobody keeps the answer")
        # Octet by octet, and cut.
        raw = f"POST /framewall/logout HTTP/1.1\r\nHost: localhost:{fw.port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n{form}"
        cut = RawClient(fw.port)
        cut.socket.sendall(raw[:-1].encode())
        cut.close()
        ok(stays.is_open(), "what was refused ends nobody")
        slow = RawClient(fw.port)
        slow.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in raw.encode():
            slow.socket.sendall(bytes([octet]))
        equal(slow.read_head(), 200, "octet by octet it is the same")
        equal(stays.closed_with(), 4401, "and the good one ends her")
        causes = lambda: {record["details"]["cause"] for record in fw.records("handshake_refused")}
        for cause in ("typ", "logout: iss", "aud", "events", "nonce", "jti", "iat", "exp", "expired", "too old", "sub or sid", "signature", "subject", "logout: it was used before"):
            until(lambda: cause in causes())
            ok(cause in causes(), f"the record has {cause!r}", causes())


def test_off():
    with Framewall(RELAXED) as fw:
        equal(tell(fw, "x"), 400, "where no issuer may tell of logouts the path is one like others")
        equal(fw.wait_records("handshake_refused")[0]["details"]["cause"], "RFC 6455 4.2.1: method is not GET", "and nothing but handshakes is taken there")


main(test_logout, test_refused, test_off)
