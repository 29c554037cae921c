#!/usr/bin/python3
"""RFC 7662: tokens that say nothing themselves. Their issuer is asked at the login and while the connection lives: a real one (npm oidc-provider),
and one that answers what the test wants."""
import time
import urllib.parse

from framewall import *
from providers import Real, Server, document, skip_without_node

SAYS = " issuer: "
CONFIG = RELAXED + """
authentication:
  methods: [jwt, oauth, session]
  issuers:
    - issuer: "{issuer}"
      audience: "{audience}"
      user: {user}
      roles_from: {roles_from}
      roles: {{ user: [staff], moderator: [boss] }}
      default_role: none
      allow_http: true
      allow_private: true
      timeout: 2
      max_stale: 3600
      introspection: {{ url: "{url}", client_id: gateway, client_secret: secret-of-the-client, cache: {cache} }}
"""


class Login:
    """One login in the first message, or by the handshake (bearer)."""

    def __init__(self, fw, token, method="oauth", bearer=False):
        headers = {"Authorization": "Bearer " + token} if bearer else {}
        self.client = RawClient(fw.port, headers)
        self.status = self.client.status
        if not bearer:
            self.client.send(json.dumps({"type": "auth", "method": method, "token": token}))
            self.data = json.loads(self.client.receive()[1])["data"]

    def who(self):
        return (self.data["user_id"], self.data["role"]) if "user_id" in self.data else self.data["code"]

    def closed_with(self):
        return self.client.close_code()

    def is_open(self):
        return self.client.is_open()


def who(fw, token, method="oauth"):
    login = Login(fw, token, method)
    login.client.close()
    return login.who()


def last_cause(fw, kind="auth_failure"):
    return fw.records(kind)[-1]["details"]["cause"]


def refused(fw, token, cause, name, code="AUTH_FAILED", kind="auth_failure"):
    before = len(fw.records(kind))
    told = who(fw, token)
    until(lambda: any(cause in record["details"]["cause"] for record in fw.records(kind)[before:]))
    ok(told == code and cause in last_cause(fw, kind), name, (told, last_cause(fw, kind)))


def revoked(fw, cause):
    until(lambda: any(cause in record["details"]["cause"] for record in fw.records("connection_revoked")))
    ok(cause in last_cause(fw, "connection_revoked"), f"because of {cause}", last_cause(fw, "connection_revoked"))


def test_real():
    with Real() as provider:
        config = CONFIG.format(issuer=provider.issuer, audience="urn:opaque", roles_from="scope", user="client_id", url=provider.issuer + "/token/introspection", cache=1)
        with Framewall(config, says=SAYS) as fw:
            token = provider.token("alice", "urn:opaque")
            ok("." not in token, "an opaque token", token)
            live = Login(fw, token)
            equal(live.who(), ("alice", "user"), "its issuer says whose it is")
            equal(Login(fw, token, bearer=True).status, 101, "also in the handshake")
            other = Login(fw, provider.token("bob", "urn:opaque"))
            equal(other.who(), ("bob", "user"), "and another")
            equal(who(fw, token, "jwt"), "AUTH_FAILED", "a message of method jwt is about signed tokens")
            refused(fw, "x" * 43, "not active", "a token that nobody issued")
            provider.ask("POST", "/token/revocation", {"token": token}, "alice")
            equal(live.closed_with(), 4401, "the issuer revokes it: the connection is closed")
            revoked(fw, "not active")
            until(lambda: who(fw, token) == "AUTH_FAILED")
            ok(other.is_open(), "whose token is good stays")
            provider.stop()
            refused(fw, "y" * 43, "/token/introspection: ", "the issuer is down: a login is our fault, not the token's", "AUTH_ERROR", "system_error")
            ok(other.is_open(), "who is in stays in while it is")


def claims(active=True, **more):
    return {"active": active, "sub": "alice", "aud": "chat", "groups": ["staff"], "exp": int(time.time()) + 600, **more}


def test_answers():
    answers = {"good": claims()}
    asked = []

    def introspect(path, headers, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        asked.append((form["token"], headers["Authorization"]))
        answer = answers.get(form["token"], {"active": False})
        return answer if isinstance(answer, tuple) else document(answer)()

    with Server({"/introspect": introspect}) as server:
        url = server.url + "/introspect"
        config = lambda cache: CONFIG.format(issuer="https://login.example.com", audience="chat", roles_from="groups", user="sub", url=url, cache=cache)
        with Framewall(config(60), says=SAYS) as fw:
            equal(who(fw, "good"), ("alice", "user"), "a good one")
            equal(asked, [("good", "Basic " + base64.b64encode(b"gateway:secret%2Dof%2Dthe%2Dclient").decode())], "asked once, with the client's secret")
            equal((who(fw, "good"), len(asked)), (("alice", "user"), 1), "and not again within the time of the cache")
            refused(fw, "bad", "not active", "one that is not active")
            answers["bad"] = claims()
            refused(fw, "bad", "not active", "that counts as long, too")
            late = int(time.time()) - 1
            for name, answer, cause in (
                    ("no-json", (200, {}, b"active"), "neither active nor not"),
                    ("no-active", {"sub": "alice"}, "neither active nor not"),
                    ("text", claims("true"), "neither active nor not"),
                    ("html", (200, {"Content-Type": "text/html"}, b"{}"), "Content-Type text/html"),
                    ("denied", (401, {}, b"{}"), "answered 401"),
                    ("moved", (307, {"Location": url}, b""), "a redirect, which is not followed"),
                    ("large", (200, {}, b'{"active":true,"x":"' + b"x" * 70000 + b'"}'), "the answer has more than 65536 octets")):
                answers[name] = answer
                refused(fw, name, cause, f"an answer that is none: {name}", "AUTH_ERROR", "system_error")
            for name, answer, cause in (
                    ("expired", claims(exp=late), "expired"), ("exp", claims(exp="soon"), "exp"), ("early", claims(nbf=late + 1000), "nbf"),
                    ("iss", claims(iss="https://other.example.com"), "iss"), ("aud", claims(aud="other"), "aud"), ("no-aud", {**claims(), "aud": None}, "aud"),
                    ("nobody", {**claims(), "sub": None}, "user"), ("control", claims(sub="a\nb"), "user"), ("no-role", claims(groups=["guests"]), "no role"),
                    ("bound", claims(cnf={"jkt": base64url(b"0" * 32)}), "dpop"), ("unknown", claims(cnf={"x": 1}), "cnf")):
                answers[name] = answer
                refused(fw, name, cause, f"claims that do not hold: {name}")
            answers.update({"listed": claims(aud=["x", "chat"]), "endless": {name: value for name, value in claims().items() if name != "exp"}, "a+b/c=": claims(sub="bob")})
            for name in ("listed", "endless"):
                equal(who(fw, name), ("alice", "user"), f"claims that hold: {name}")
            equal(who(fw, "a+b/c="), ("bob", "user"), "a token with characters that a form escapes")
            session = Login(fw, "good")
            taken = RawClient(fw.port, {})
            taken.send(json.dumps({"type": "auth", "method": "session", "session_token": session.data["session_token"]}))
            equal(json.loads(taken.receive()[1])["data"]["code"], "AUTH_FAILED", "its session is not taken up without the token")
            taken.close()
            session.client.close()
        with Framewall(config(60), says=SAYS) as fw:
            answers["again"] = claims()
            live = Login(fw, "again")
            count = len(asked)
            live.client.send(json.dumps({"type": "auth", "method": "oauth", "token": "again"}))
            live.client.receive()
            equal(len(asked), count + 1, "a live connection that logs in again gets no answer that was kept")
            live.client.close()
        with Framewall(config(3), says=SAYS) as fw:
            for _ in range(9):
                answers.update({"kept": claims(), "new": claims()})
                Login(fw, "kept").client.close()
                time.sleep(1)
                late, count = Login(fw, "new"), len(asked)
                time.sleep(1)
                kept = Login(fw, "kept")
                if len(asked) == count:  # else the machine was too slow, and nothing was kept any more
                    break
            until(lambda: len(asked) >= count + 2)
            order = [token for token, _ in asked[count:]]
            late.client.close()
            kept.client.close()
            equal(order[0], "kept", "an answer that was kept counts no longer for who logs in by it")
        with Framewall(config(1), says=SAYS) as fw:
            for name, change, cause in (("user", claims(sub="carol"), "another user"), ("role", claims(groups=["boss"]), "its role was changed"),
                                        ("active", {"active": False}, "not active"), ("aud", claims(aud="x"), "aud")):
                answers["live"] = claims()
                until(lambda: who(fw, "live") == ("alice", "user"))
                live = Login(fw, "live")
                equal(live.who(), ("alice", "user"), f"a connection, before its {name} changes")
                answers["live"] = change
                equal(live.closed_with(), 4401, "is closed")
                revoked(fw, cause)
                live.client.close()
            answers["live"] = claims()
            until(lambda: who(fw, "live") == ("alice", "user"))
            live = Login(fw, "live")
            answers["live"] = (503, {}, b"")
            count = len(asked)
            until(lambda: len(asked) > count)
            ok(live.is_open(), "an issuer that does not answer ends nobody who is in")
            live.client.close()


def check(issuer, methods="[jwt, oauth]"):
    done = subprocess.run([BINARY, "check", "-"], input="authentication: { methods: %s, issuers: [ %s ] }" % (methods, issuer), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def test_mistakes():
    whole = "{ issuer: x, audience: y%s, introspection: { url: 'https://x/', client_id: a, client_secret: hidden-secret } }"
    equal(check(whole % "")[0], 0, "a whole one")
    for what, text, says in (
            ("http", (whole % "").replace("https", "http"), "\"introspection.url\" of an issuer that is asked is an https:// URL"),
            ("no secret", "{ issuer: x, audience: y, introspection: { url: 'https://x/', client_id: a } }", "needs \"url\", \"client_id\" and \"client_secret\""),
            ("two of them", whole % "" + ", " + (whole % ", user_prefix: 'z:'").replace("issuer: x", "issuer: z"), "only one issuer can have \"introspection\""),
            ("an unknown member", (whole % "").replace("client_id: a", "client_id: a, cahce: 5"), "cahce")):
        code, said = check(text)
        ok(code == 1 and says in said and "hidden-secret" not in said, f"refused: {what}", said)
    code, said = check(whole % "", "[jwt]")
    ok(code == 1 and "needs oauth in \"authentication.methods\"" in said, "refused: without the method", said)


if subprocess.run(["sh", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../web/run.sh"), "--install"], stdout=subprocess.DEVNULL).returncode == 0:
    main(test_mistakes, test_answers, test_real)
main(test_mistakes, test_answers)
