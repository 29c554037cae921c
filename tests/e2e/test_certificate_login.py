#!/usr/bin/python3
"""A client certificate logs in by itself: the first rule that its names meet says who that is. A certificate with a name that two readers
could read differently logs nobody in; a session is of use to that certificate alone; routes may ask for several proofs at once."""
import datetime
import ipaddress
import ssl

from certificates import Authority, Pair, openssl
from framewall import *

try:
    from cryptography import x509
    from cryptography.x509.name import _ASN1Type
    from cryptography.x509.oid import NameOID
    from signers import *
except ImportError:
    print("1..0 # SKIP python3-cryptography is not installed")
    sys.exit(0)

if not shutil.which("openssl"):
    print("1..0 # SKIP openssl is not installed")
    sys.exit(0)

SECRET = b"0123456789abcdef0123456789abcdef"
RULES = """
    - match: {san_uri: "spiffe://example.org/ns/*/sa/*"}
      user: "${san_uri}"
      role: user
    - match: {san_email: "*@example.org", issuer: "CN=Test authority"}
      user: "mail:${san_email}"
      role: moderator
    - match: {san_dns: "*.agents.example.org"}
      user: "agent-${san_dns}"
    - match: {subject: "CN=*,OU=ops,O=Example"}
      user: "ops:${cn}"
      role: admin
"""


def config(rules=RULES, methods="[jwt, session, certificate]", more=""):
    return RELAXED + f"""
authentication:
  methods: {methods}
  jwt: {{keys: [{{secret: "{SECRET.decode()}"}}]}}
  certificates: {rules}
{more}
"""


def tls(authority, server, ask="request"):
    return f'tls: {{certificate: "{server.certificate}", key: "{server.key}", client_certificate: {ask}, client_ca: "{authority.certificate}"}}\n'


def made(authority, name, subject, alternatives=(), days=10, raw=None):
    """A certificate with whatever names."""
    key = ec.generate_private_key(ec.SECP256R1())
    with open(authority.certificate, "rb") as file:
        issuer = x509.load_pem_x509_certificate(file.read())
    with open(authority.key, "rb") as file:
        signing = serialization.load_pem_private_key(file.read(), None)
    now = datetime.datetime.utcnow()
    builder = x509.CertificateBuilder().subject_name(x509.Name(subject)).issuer_name(issuer.subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=days))
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), False)
    if raw is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), raw), False)
    pair = Pair(authority.file(f"{name}.pem"), authority.file(f"{name}.key"))
    with open(pair.certificate, "wb") as file:
        file.write(builder.sign(signing, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    with open(pair.key, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return pair


def text(oid, value, kind=None):
    return x509.NameAttribute(oid, value) if kind is None else x509.NameAttribute(oid, value, _type=kind)


def cn(value="x", kind=None):
    return text(NameOID.COMMON_NAME, value, kind)


def token_of(user="alice", **more):
    return token({"alg": "HS256", "typ": "JWT"}, claims_of(user, role="user", **more), with_secret(SECRET))


def enter(fw, wrap, headers=None, path="/"):
    """The status, and who is in by the newest record."""
    client = RawClient(fw.port, headers or {}, wrap=wrap, path=path)
    client.close()
    return client.status


def who(fw, count):
    record = fw.wait_records("auth_success", count)[count - 1]
    return record["user_id"], record["details"]["role"], record["details"]["method"], record["details"].get("bound")


def said(client):
    while True:
        message = json.loads(client.receive()[1])
        if message["type"] in ("auth_success", "error"):
            return message["data"] if message["type"] == "error" else {"type": "auth_success", **message["data"]}


def login(fw, wrap, path="/", client=None, **message):
    client = client or RawClient(fw.port, {}, wrap=wrap, path=path)
    client.send(json.dumps({"type": "auth", **message}))
    return said(client), client


def test_names():
    with Authority() as authority:
        server = authority.sign("server")
        with Framewall(config(more=tls(authority, server))) as fw:
            uri, dns, mail = x509.UniformResourceIdentifier, x509.DNSName, x509.RFC822Name
            ops = [text(NameOID.ORGANIZATION_NAME, "Example"), text(NameOID.ORGANIZATIONAL_UNIT_NAME, "ops")]
            count = 0
            for name, pair, expected in (
                    ("a SPIFFE id", made(authority, "a", [cn()], [uri("spiffe://example.org/ns/prod/sa/chat")]), ("spiffe://example.org/ns/prod/sa/chat", "user")),
                    ("an address of mail", made(authority, "b", [cn()], [mail("ann@example.org")]), ("mail:ann@example.org", "moderator")),
                    ("a name of a host", made(authority, "c", [], [dns("One.Agents.example.org"), dns("other.example")]), ("agent-One.Agents.example.org", "user")),
                    ("a subject", made(authority, "d", ops + [cn("Ægir")]), ("ops:Ægir", "admin")),
                    ("names that no rule asks for, too", made(authority, "e", [cn()], [uri("spiffe://example.org/ns/a/sa/b"), x509.IPAddress(ipaddress.ip_address("10.0.0.1"))]),
                     ("spiffe://example.org/ns/a/sa/b", "user"))):
                count += 1
                equal(enter(fw, authority.wrap(pair=pair)), 101, f"{name}: in by itself")
                equal(who(fw, count), (*expected, "certificate", "certificate"), "and as whom")
            # No rule: it logs nobody in, and all else is as before.
            for name, pair in (
                    ("another domain", made(authority, "f", [cn()], [uri("spiffe://example.com/ns/prod/sa/chat")])),
                    ("one part more", made(authority, "g", [cn()], [uri("spiffe://example.org/ns/prod/x/sa/chat")])),
                    ("one part less", made(authority, "h", [cn()], [uri("spiffe://example.org/ns/sa/chat")])),
                    ("an empty part", made(authority, "i", [cn()], [uri("spiffe://example.org/ns//sa/chat")])),
                    ("a host two labels deep", made(authority, "j", [cn()], [dns("a.b.agents.example.org")])),
                    ("a name that only begins so", made(authority, "k", [cn()], [mail("ann@example.org.evil.example")])),
                    ("the subject in another order", made(authority, "l", [cn("ann")] + ops)),
                    ("a comma in a part", made(authority, "m", [cn("ann,OU=ops,O=Example")])),
                    ("the right name in the wrong place", made(authority, "n", [cn("spiffe://example.org/ns/prod/sa/chat")], [dns("spiffe.example")]))):
                answer, client = login(fw, authority.wrap(pair=pair), method="jwt", token=token_of())
                count += 1
                equal(answer.get("user_id"), "alice", f"{name}: not in by itself; a token may log in")
                client.close()
                answer, client = login(fw, authority.wrap(pair=pair), method="certificate")
                equal((answer.get("code"), answer.get("message")), ("AUTH_FAILED", "Invalid client certificate"), "and the certificate may not")
                client.close()
            equal({r["details"]["cause"] for r in fw.wait_records("auth_failure", 9)}, {"certificate: its names meet no rule"}, "the record says why")


def test_odd_names():
    with Authority() as authority:
        server = authority.sign("server")
        good = x509.UniformResourceIdentifier("spiffe://example.org/ns/prod/sa/chat")
        many = [x509.DNSName(f"n{i}.example") for i in range(40)]

        def san(*parts):
            body = b"".join(bytes([tag, len(value)]) + value for tag, value in parts)
            return bytes([0x30, len(body)]) + body

        with Framewall(config(more=tls(authority, server))) as fw:
            cases = (
                ("a NUL in an alternative name", made(authority, "a", [cn()], raw=san((0x86, b"spiffe://example.org/ns/a/sa/b\0.evil"))), "alternative name"),
                ("a line end in one", made(authority, "b", [cn()], raw=san((0x86, b"spiffe://example.org/ns/a/sa/b\n"))), "alternative name"),
                ("UTF-8 in one", made(authority, "c", [cn()], raw=san((0x86, "spiffe://example.org/ns/a/sa/\u0431".encode()))), "alternative name"),
                ("an empty one", made(authority, "d", [cn()], raw=san((0x82, b""))), "empty or a long"),
                ("a NUL in the common name", made(authority, "f", [cn("ann\0.example.org")], [good]), "control character"),
                ("a line end in the subject", made(authority, "g", [text(NameOID.ORGANIZATION_NAME, "a\nb"), cn()], [good]), "control character"),
                ("two common names", made(authority, "h", [cn("ann"), cn("root")], [good]), "more than one common name"),
                ("a common name in UTF-16", made(authority, "i", [cn("ann", _ASN1Type.BMPString)], [good]), "old kind"),
                ("a common name in T61", made(authority, "j", [cn("ann", _ASN1Type.T61String)], [good]), "old kind"),
                ("more names than anybody has", made(authority, "k", [cn()], [good] + many), "too many names"),
                ("a long name", made(authority, "l", [cn()], [x509.UniformResourceIdentifier("spiffe://example.org/ns/a/sa/" + "b" * 600)]), "empty or a long"),
                ("two names that meet one pattern", made(authority, "m", [cn()], [good, x509.UniformResourceIdentifier("spiffe://example.org/ns/a/sa/b")]), "two of its names"),
                ("a user of more than 128 octets", made(authority, "n", [cn()], [x509.UniformResourceIdentifier("spiffe://example.org/ns/a/sa/" + "b" * 200)]), "nobody can be"),
            )
            for number, (name, pair, cause) in enumerate(cases):
                equal(enter(fw, authority.wrap(pair=pair)), 401, f"refused: {name}")
                found = fw.wait_records("auth_failure", number + 1)[number]["details"]["cause"]
                ok(cause in found, f"and recorded: {cause}", found)
                equal(fw.records("auth_success"), [], "nobody is in")


def test_sessions():
    with Authority() as authority, Authority("Another") as other:
        server = authority.sign("server")
        mine = made(authority, "a", [cn()], [x509.UniformResourceIdentifier("spiffe://example.org/ns/prod/sa/chat")])
        theirs = made(authority, "b", [cn()], [x509.UniformResourceIdentifier("spiffe://example.org/ns/prod/sa/other")])
        user = "spiffe://example.org/ns/prod/sa/chat"
        folder = tempfile.mkdtemp(prefix="framewall-certificate-")
        path = os.path.join(folder, "framewall.yaml")

        def write(text):
            with open(path, "w") as file:
                os.fchmod(file.fileno(), 0o640)
                file.write(text)

        write(config(more=tls(authority, server)))
        with Framewall(None, "--config", path, says="has no effect while|methods: |\\^") as fw:
            wrap = authority.wrap(pair=mine)
            answer, client = login(fw, wrap, client=RawClient(fw.port, {}, wrap=wrap), method="certificate")
            equal((answer.get("type"), answer.get("user_id")), ("auth_success", user), "the connection that is in by itself renews its login by it")
            session = answer["session_token"]
            equal(login(fw, wrap, client=client, method="jwt", token=token_of())[0].get("code"), "AUTH_FAILED", "but becomes nobody else")
            client.close()
            equal(enter(fw, authority.wrap(pair=theirs), {"Authorization": "Bearer " + session}), 401, "its session is of no use to another certificate")
            equal(fw.wait_records("auth_failure", 2)[1]["details"]["cause"], "certificate: another than the token's", "and the record says why")
            for name, change in (("the rule is another", config(RULES.replace('"${san_uri}"', '"svc:${san_uri}"'), more=tls(authority, server))),
                                 ("its role is another", config(RULES.replace("role: user", "role: guest", 1), more=tls(authority, server))),
                                 ("the method is not listed", config(methods="[jwt, session]", more=tls(authority, server)))):
                write(config(more=tls(authority, server)))
                fw.signal(signal.SIGHUP)
                ok(until(lambda: any(r["user_id"] == user for r in fw.records("auth_success")[-1:]) if enter(fw, wrap) == 101 else False), "in by itself")
                held = RawClient(fw.port, {}, wrap=wrap)
                equal(held.status, 101, "a connection is open")
                write(change)
                fw.signal(signal.SIGHUP)
                ok(held.closed(), f"{name}: it is closed")
                held.close()
            write(config(more=tls(authority, server)))
            fw.signal(signal.SIGHUP)
            ok(until(lambda: any(r["user_id"] == user for r in fw.records("auth_success")[-1:]) if enter(fw, wrap) == 101 else False), "in again")
            done = subprocess.run([BINARY, "session", "--data", fw.data, "revoke", "--user", user], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
            equal((done.returncode, enter(fw, wrap)), (0, 401), "revoked: a certificate of before does not count")
            equal(fw.wait_records("auth_failure", 3)[-1]["details"]["cause"], "revoked", "and the record says why")
        shutil.rmtree(folder)


def test_several_at_once():
    with Authority() as authority:
        server = authority.sign("server")
        mine = made(authority, "a", [cn()], [x509.UniformResourceIdentifier("spiffe://example.org/ns/prod/sa/chat")])
        odd = made(authority, "b", [cn("nobody")])
        routes = 'routes: [{path: /both, require: [certificate, jwt]}, {path: /proof, require: [dpop]}, {path: /certificate, require: [certificate]}, {path: "*"}]\n'
        key = Key("ES256")
        with Framewall(config(more=tls(authority, server) + routes)) as fw:
            bearer, none, own, other = {"Authorization": "Bearer " + token_of()}, authority.wrap(), authority.wrap(pair=mine), authority.wrap(pair=odd)
            proven = token_of(cnf={"jkt": thumbprint(key)})

            def proof_for(path):
                return {"Authorization": "DPoP " + proven, "DPoP": proof(key, f"https://localhost:{fw.port}{path}", proven)}

            for what, got, expected in (
                    ("both: a token alone", enter(fw, none, bearer, "/both"), 401), ("both: a certificate alone", enter(fw, own, None, "/both"), 401),
                    ("both: both", enter(fw, own, bearer, "/both"), 101), ("both: a certificate of nobody, and a token", enter(fw, other, bearer, "/both"), 101),
                    ("both: a proof without a certificate", enter(fw, none, proof_for("/both"), "/both"), 401),
                    ("proof: a bearer's token", enter(fw, own, bearer, "/proof"), 401), ("proof: a proof", enter(fw, none, proof_for("/proof"), "/proof"), 101),
                    ("certificate: by itself", enter(fw, own, None, "/certificate"), 101), ("certificate: a token alone", enter(fw, none, bearer, "/certificate"), 401),
                    ("elsewhere: a token alone", enter(fw, none, bearer), 101), ("elsewhere: a certificate alone", enter(fw, own), 101)):
                equal(got, expected, what)
            causes = {r["details"]["cause"] for r in fw.wait_records("auth_failure", 5)}
            equal(causes, {"its route requires a client certificate", "its route requires a token", "its route requires a token with a proof"}, "the record says what was missing")
            answer, client = login(fw, other, "/both", method="jwt", token=token_of())
            equal(answer.get("type"), "auth_success", "in the first message, too")
            client.close()
            session = answer["session_token"]
            equal(enter(fw, other, {"Authorization": "Bearer " + session}, "/both"), 101, "a session counts for what it was opened with")
            answer, client = login(fw, none, "/both", method="jwt", token=token_of())
            equal(answer.get("code"), "AUTH_FAILED", "and a certificate is asked for there, too")
            client.close()


def test_authorities():
    """Who signs certificates of clients is another: whose would not hold any more is ended, all others live on."""
    with Authority() as authority, Authority("Another") as other:
        server = authority.sign("server")
        folder = tempfile.mkdtemp(prefix="framewall-certificate-")
        path, both = os.path.join(folder, "framewall.yaml"), os.path.join(folder, "both.pem")

        def write(*authorities):
            with open(both, "w") as file:
                file.write("".join(open(one.certificate).read() for one in authorities))

        def lives(client):
            client.send('{"type":"ping"}')
            while True:
                opcode, payload = client.receive()
                if opcode == 8:
                    return struct.unpack("!H", payload[:2])[0]
                if json.loads(payload)["type"] == "pong":
                    return True

        write(authority, other)
        with open(path, "w") as file:
            os.fchmod(file.fileno(), 0o640)
            file.write(config(more=tls(authority, server).replace(authority.certificate, both)))
        with Framewall(None, "--config", path) as fw:
            uri = [x509.UniformResourceIdentifier("spiffe://example.org/ns/prod/sa/chat")]
            wraps = {"ours": authority.wrap(pair=made(authority, "a", [cn()], uri)), "theirs": authority.wrap(pair=made(other, "b", [cn()], uri)), "none": authority.wrap()}
            clients = {name: RawClient(fw.port, {"Authorization": "Bearer " + token_of(name)}, wrap=wrap) for name, wrap in wraps.items()}
            alone = RawClient(fw.port, {}, wrap=wraps["theirs"])
            equal([client.status for client in [*clients.values(), alone]], [101] * 4, "four are in, two of them with a certificate of the other authority")
            equal([lives(client) for client in [*clients.values(), alone]], [True] * 4, "and talk")
            fw.signal(signal.SIGHUP)
            ok(until(lambda: len(fw.records("system_changes")) >= 2), "a reload that changes nothing")
            equal([lives(client) for client in [*clients.values(), alone]], [True] * 4, "changes nothing")
            write(authority)
            fw.signal(signal.SIGHUP)
            ok(until(lambda: len(fw.records("connection_revoked")) == 2), "without the other authority both are ended", fw.records("connection_revoked"))
            equal({r["details"]["cause"] for r in fw.records("connection_revoked")}, {"its certificate would not hold any more"}, "and the record says why")
            equal([lives(clients["theirs"]), lives(alone)], [4403, 4403], "by 4403")
            equal([lives(clients["ours"]), lives(clients["none"])], [True, True], "the others live on")
            try:
                equal(enter(fw, wraps["theirs"]), None, "nobody comes in with such a certificate")
            except (OSError, EOFError):
                ok(True, "nobody comes in with such a certificate")
            for client in [*clients.values(), alone]:
                client.close()
        shutil.rmtree(folder)


def test_check():
    with Authority() as authority:
        server = authority.sign("server")
        asks = tls(authority, server)
        for rules, part in (("[{match: {san_uri: x}}]", "needs \"match\" and \"user\""), ("[{user: x}]", "needs \"match\" and \"user\""), ("[{match: {issuer: x}, user: x}]", "of the client's own names"),
                            ("[{match: {cn: x}, user: x}]", "match the whole subject"), ("[{match: {san_uri: '**'}, user: x}]", "stands for nothing more"),
                            ("[{match: {san_uri: x}, user: '${san_dns}'}]", "has no pattern"), ("[{match: {san_uri: x}, user: '${nobody}'}]", "a placeholder of"),
                            ("[{match: {san_uri: x}, user: '${san_uri}${san_uri}'}]", "twice"), ("[{match: {san_uri: x}, user: x, role: nobody}]", "nobody"),
                            ("[{match: {san_url: x}, user: x}]", "did you mean"), ("[5]", "mapping"), ("5", "list"), ("[{match: {san_uri: ''}, user: x}]", "1 to 512"),
                            (f"[{{match: {{san_uri: '{'*/' * 9}'}}, user: x}}]", "at most 8")):
            done = subprocess.run([BINARY, "check", "-"], input=config(rules, more=asks), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            ok(done.returncode == 1 and part in done.stdout, f"check refuses {rules[:60]}", done.stdout)
        for more, part in (("", "clients are not asked for one"), (asks + "routes: [{path: /, require: [certificate], anonymous: guest}]", "do not go together"),
                           (asks + "routes: [{path: /, require: [passport]}]", "nothing that a route can require")):
            done = subprocess.run([BINARY, "check", "-"], input=config(more=more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            ok(done.returncode == 1 and part in done.stdout, f"check refuses: {part}", done.stdout)
        done = subprocess.run([BINARY, "check", "-"], input="routes: [{path: /, require: [certificate]}]", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        ok(done.returncode == 1 and "a route requires certificates" in done.stdout, "and a route that nobody could meet", done.stdout)
        done = subprocess.run([BINARY, "check", "--print", "-"], input=config(more=asks), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        ok(done.returncode == 0 and "authentication.certificates[0].match.san_uri: \"spiffe://example.org/ns/*/sa/*\"" in done.stdout, "check --print shows the rules", done.stdout)


main(test_names, test_odd_names, test_sessions, test_several_at_once, test_authorities, test_check)
