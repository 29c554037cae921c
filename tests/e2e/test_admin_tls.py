#!/usr/bin/python3
"""Operators by TLS: who a certificate is, what its role may, who is not let in, and a reload that names another authority. With Python's TLS."""
import http.client
import ssl

from certificates import Authority
from framewall import *

BLOCK = {"address": "192.0.2.9", "hours": 1, "reason": "test"}


class Admin:
    """One connection of an operator."""

    def __init__(self, fw, trust, pair=None, token=None):
        self.connection = http.client.HTTPSConnection("localhost", fw.admin_port(), context=trust.client(pair), timeout=PATIENCE)
        self.token = token

    def ask(self, method, path, body=None, **headers):
        """(status, parsed body); ("refused", why): it did not come to an answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        if method in ("POST", "PUT"):
            sent["Content-Type"] = "application/json"
        try:
            self.connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = self.connection.getresponse()
            text = answer.read().decode()
            return answer.status, json.loads(text) if text.startswith("{") else text
        except (ssl.SSLError, OSError, http.client.HTTPException) as error:
            self.connection.close()
            return "refused", str(error)


def config(server, ca, whether, roles):
    return RELAXED + "admin: " + json.dumps({"tls": {"certificate": server.certificate, "key": server.key, "client_certificate": whether, "client_ca": ca.certificate, "roles": roles}}) + "\n"


def started(text):
    return Framewall(text, places=("--listen", "localhost:0", "--admin", "localhost:0"))


def change(fw, trust, text):
    with open(os.path.join(fw.folder, "framewall.yaml"), "w") as file:
        file.write(text)
    answer = Admin(fw, trust, token=token_of(fw)).ask("POST", "/api/v1/reload", {})
    equal(answer[0], 200, f"the configuration is taken: {answer[1]}")


def token_of(fw):
    with open(os.path.join(fw.data, "admin.token")) as file:
        return file.read().strip()


def opens_stream(fw, trust, pair, **headers):
    """The status of the handshake, and the socket."""
    raw = trust.client(pair).wrap_socket(socket.create_connection(("localhost", fw.admin_port()), PATIENCE), server_hostname="localhost")
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    raw.sendall((f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost:{fw.admin_port()}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 f"Sec-WebSocket-Key: {base64.b64encode(b'0' * 16).decode()}\r\n{more}\r\n").encode())
    return int(raw.recv(65536).split(b" ")[1]), raw


ROLES = ["cn:alice admin", "san_email:*@audit.example auditor", "san_uri:spiffe://example.org/ops/* operator"]


def test_roles(ours, theirs):
    server = ours.sign("localhost")
    people = {"alice": ours.sign("alice"), "audit": ours.sign("someone", "email:bob@audit.example"), "ops": ours.sign("carol", "URI:spiffe://example.org/ops/carol"),
              "nobody": ours.sign("nobody"), "expired": ours.sign("alice-old", days=-1), "foreign": theirs.sign("alice")}
    with started(config(server, ours, "request", ROLES)) as fw:
        ok(until(lambda: any(line.startswith("admin on https://") for line in fw.lines)), "where the admin side is starts with https")
        who = {name: Admin(fw, ours, pair) for name, pair in people.items()}
        equal([who[name].ask("GET", "/api/v1/whoami")[1].get("role") for name in ("alice", "audit", "ops")], ["admin", "auditor", "operator"], "each has the role of his name")
        equal(who["nobody"].ask("GET", "/api/v1/whoami")[0], 401, "who is in no entry is nobody")
        equal(Admin(fw, ours).ask("GET", "/api/v1/whoami")[0], 401, "nor is who shows none")
        equal(Admin(fw, ours, token=token_of(fw)).ask("GET", "/api/v1/whoami")[1]["role"], "admin", "a token opens without a certificate")
        equal([who[name].ask("GET", "/api/v1/whoami")[0] for name in ("expired", "foreign")], ["refused"] * 2, "one that has expired, or of another authority, is not let in")
        ok(until(lambda: {r["details"]["cause"].split(": ")[-1] for r in fw.records("auth_failure")} >= {"certificate has expired"}), "and the record says why",
           [r["details"] for r in fw.records("auth_failure")])
        auditor = who["audit"]
        equal([auditor.ask("GET", path)[0] for path in ("/api/v1/stats", "/api/v1/users", "/api/v1/report?format=csv")], [200] * 3, "an auditor reads")
        for method, path, body in (("POST", "/api/v1/blocks", BLOCK), ("DELETE", "/api/v1/blocks/192.0.2.9", None), ("POST", "/api/v1/admin-tokens", {"name": "x", "role": "admin"}),
                                   ("PUT", "/api/v1/log", {"levels": "trace"}), ("POST", "/api/v1/reload", {}), ("DELETE", "/api/v1/connections/1", None)):
            equal(auditor.ask(method, path, body)[0], 403, f"and changes nothing: {method} {path}")
        both = Admin(fw, ours, people["audit"], token_of(fw))
        equal((both.ask("GET", "/api/v1/whoami")[1]["role"], both.ask("POST", "/api/v1/blocks", BLOCK)[0]), ("auditor", 403), "not even with a token that may all")
        equal(who["ops"].ask("POST", "/api/v1/blocks", BLOCK)[0], 201, "an operator blocks")
        record = until(lambda: [r["details"] for r in fw.records("admin_action") if r["details"]["action"] == "block add"])[0]
        equal((record["by"], record["before"]), ("spiffe://example.org/ops/carol", "null"), "his name is in the record")
        equal(who["ops"].ask("POST", "/api/v1/users", {"user": "x", "password": "a long passphrase"})[0], 403, "and makes no user")
        alice = who["alice"]
        equal([alice.ask("DELETE", "/api/v1/blocks/192.0.2.9", Origin=origin)[0] for origin in ("https://evil.example", f"http://localhost:{fw.admin_port() + 1}")], [401] * 2,
              "what a page of another origin has a browser send is not alice's wish")
        equal(alice.ask("DELETE", "/api/v1/blocks/192.0.2.9", Sec_Fetch_Site="cross-site")[0], 401, "nor what the browser says comes from elsewhere")
        equal(alice.ask("DELETE", "/api/v1/blocks/192.0.2.9", Origin=f"https://localhost:{fw.admin_port()}", Sec_Fetch_Site="same-origin")[0], 204, "what the own page asks is")
        status, raw = opens_stream(fw, ours, people["alice"], Origin="https://evil.example")
        equal(status, 403 if status == 403 else 401, "a page of another origin opens no stream")
        raw.close()
        status, raw = opens_stream(fw, ours, people["audit"])
        equal(status, 101, "the stream opens by a certificate")
        raw.settimeout(PATIENCE)
        ok(raw.recv(65536), "and tells")
        large = auditor.ask("GET", "/api/v1/events?limit=1000")
        equal(large[0], 200, "long answers come whole")
        with socket.create_connection(("localhost", fw.admin_port()), PATIENCE) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            ok(b" 400 " in plain.recv(4096), "who comes without TLS reads so")
        with socket.create_connection(("localhost", fw.admin_port()), PATIENCE) as odd:
            odd.sendall(b"\x16\x03\x01" + os.urandom(512))
            odd.settimeout(PATIENCE)
            while odd.recv(4096):
                pass
        ok(True, "octets that are no handshake end")
        # another authority from now on
        change(fw, ours, config(server, theirs, "request", ROLES))
        equal(alice.ask("GET", "/api/v1/whoami")[0], 421, "who is connected by an authority that is none any more is sent away")
        while raw.recv(65536):
            pass
        ok(True, "and his stream ends")
        equal(Admin(fw, ours, people["alice"]).ask("GET", "/api/v1/whoami")[0], "refused", "he is not let in again")
        equal(Admin(fw, ours, people["foreign"]).ask("GET", "/api/v1/whoami")[1].get("role"), "admin", "whom the new one signed is")
        # another role, for who is connected
        stays = Admin(fw, ours, people["foreign"])
        equal(stays.ask("GET", "/api/v1/whoami")[1].get("role"), "admin", "an admin")
        change(fw, ours, config(server, theirs, "request", ["cn:alice read-only"]))
        equal((stays.ask("GET", "/api/v1/whoami")[1].get("role"), stays.ask("POST", "/api/v1/blocks", BLOCK)[0]), ("read-only", 403), "whose role is taken is so at once, on the same connection")


def test_required(ours, theirs):
    server, alice = ours.sign("localhost"), ours.sign("alice")
    with started(config(server, ours, "require", ["cn:bob admin"])) as fw:
        equal(Admin(fw, ours, token=token_of(fw)).ask("GET", "/healthz")[0], "refused", "where a certificate is demanded nobody comes in without one, whatever token he has")
        equal(Admin(fw, ours, theirs.sign("bob")).ask("GET", "/healthz")[0], "refused", "nor with one of another authority")
        equal(Admin(fw, ours, alice).ask("GET", "/api/v1/stats")[0], 401, "one that is in no entry lets in, and no more")
        equal(Admin(fw, ours, alice, token_of(fw)).ask("GET", "/api/v1/whoami")[1].get("role"), "admin", "with a token besides it does")
        done = subprocess.run([BINARY, "stats", "--data", fw.data], stdout=subprocess.PIPE, timeout=PATIENCE)
        equal(done.returncode, 0, "the control socket needs none")


with Authority() as ours, Authority("Another authority") as theirs:
    main(lambda: test_roles(ours, theirs), lambda: test_required(ours, theirs))
