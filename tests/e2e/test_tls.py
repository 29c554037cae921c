#!/usr/bin/python3
"""wss:// listeners, seen by openssl s_client, curl, python and octets: versions, resumption, names, refusals, slow and dying clients."""
import ssl

from certificates import *
from framewall import *

FAST = RELAXED.replace("websocket:", "websocket:\n  handshake_timeout: 2")


def s_client(fw, *arguments):
    """What openssl s_client prints of a connection with one request that is no handshake, so that the server closes it."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{fw.port}", "-ign_eof", *arguments], text=True,
                          input="GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
    return done.stdout


def typed(fw, *arguments, say, wait=0.3):
    """The same, with lines that are typed: among them s_client's own commands."""
    process = subprocess.Popen(["openssl", "s_client", "-connect", f"localhost:{fw.port}", *arguments], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for line in say:
            time.sleep(wait)
            process.stdin.write(line)
            process.stdin.flush()
        time.sleep(wait)
        process.stdin.close()
    except BrokenPipeError:
        pass
    text = process.stdout.read()
    process.wait(PATIENCE)
    return text


class Octets:
    """A TLS client whose octets the test carries, so that it may cut them and count them."""

    def __init__(self, context, name="localhost"):
        self.coming, self.going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.coming, self.going, server_hostname=name)

    def step(self, call):
        """Runs a call of TLS. (its result or None where it wants more, what is to be sent)"""
        try:
            result = call()
        except ssl.SSLWantReadError:
            result = None
        return result, self.going.read()


def connect(fw, family=socket.AF_INET):
    raw = socket.create_connection(("127.0.0.1", fw.port), PATIENCE)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return raw


def head_of(fw):
    bearer = fw.bearer()["Authorization"]
    return (f"GET / HTTP/1.1\r\nHost: localhost:{fw.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: {bearer}\r\n\r\n").encode()


def test_versions(authority, pair):
    trust = ["-CAfile", authority.certificate, "-verify_return_error", "-servername", "localhost"]
    old = ["-cipher", "DEFAULT@SECLEVEL=0"]
    with Framewall(None, *pair.options()) as fw:
        ok(any(line.startswith("listening on wss://") for line in fw.lines), "it says that it listens on wss://")
        for option, version in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            text = s_client(fw, option, *trust)
            ok(f"New, {version}" in text and "Verify return code: 0 (ok)" in text, f"openssl s_client speaks {version}", text)
        text = s_client(fw, "-tls1_1", *old)
        ok("New, (NONE)" in text and "alert protocol version" in text, "TLS 1.1 is refused", text)
        text = s_client(fw, "-tls1_2", "-cipher", "AES128-SHA:ECDHE-ECDSA-AES128-SHA")
        ok("alert handshake failure" in text, "TLS 1.2 without authenticated encryption is refused", text)
        text = typed(fw, "-tls1_2", say=["R\n"])
        ok("no renegotiation" in text, "a client cannot renegotiate", text)
        text = typed(fw, "-tls1_3", "-crlf", say=["K\n", "GET / HTTP/1.1\nHost: localhost\n\n"])
        ok("KEYUPDATE" in text and "426 Upgrade Required" in text, "keys can be updated", text)
        text = s_client(fw, "-comp", "-tls1_2")
        ok("Compression: NONE" in text, "nothing is compressed", text)
        causes = until(lambda: [r["details"]["cause"] for r in fw.records("handshake_refused")
                                if "TLS: unsupported protocol" in r["details"]["cause"]])
        ok(causes, "a refused handshake is recorded with its cause")
    with Framewall("tls: {min_version: 1.3}\n", *pair.options()) as fw:
        ok("alert protocol version" in s_client(fw, "-tls1_2"), "min_version 1.3: TLS 1.2 is refused")
        ok("New, TLSv1.3" in s_client(fw, "-tls1_3"), "and TLS 1.3 is spoken")
    with Framewall("tls: {groups: [X25519MLKEM768, no-such-group, P-384]}\n", *pair.options()) as fw:
        ok("ECDH, secp384r1, 384 bits" in s_client(fw, "-tls1_3"), "the first group that both know is used")
        ok(any("groups P-384; OpenSSL" in line and "no-such-group" in line for line in fw.lines) or
           any("groups X25519MLKEM768, P-384; OpenSSL" in line for line in fw.lines), "groups that the library lacks are named", fw.lines)


def test_resumption(authority, pair):
    with Framewall(None, *pair.options(), "--workers", "3") as fw:
        for option in ("-tls1_2", "-tls1_3"):
            ticket = authority.file("ticket" + option)
            text = s_client(fw, option, "-sess_out", ticket)
            ok("New, TLSv1" in text, f"{option}: a full handshake", text)
            for _ in range(3):
                text = s_client(fw, option, "-sess_in", ticket, "-sess_out", ticket)
                ok("Reused, TLSv1" in text, f"{option}: resumed, whichever worker it meets", text)


def test_names(authority, pair):
    one = authority.sign("one", "DNS:one.example,DNS:*.wild.example")
    two = authority.sign("two", "DNS:Two.Example,DNS:x.wild.example")
    config = f"""
tls:
  certificates:
    - {{certificate: "{one.certificate}", key: "{one.key}"}}
    - {{certificate: "{two.certificate}", key: "{two.key}"}}
"""

    def shown(fw, name):
        names = ["-noservername"] if name is None else ["-servername", name]
        text = s_client(fw, *names)
        return re.search(r"subject=CN = (\w+)", text).group(1)

    with Framewall(config) as fw:
        for name, expected in (("one.example", "one"), ("two.example", "two"), ("ONE.example", "one"), ("two.example.", "two"),
                               ("a.wild.example", "one"), ("x.wild.example", "two"), ("a.b.wild.example", "one"), ("wild.example", "one"),
                               ("other.example", "one"), (None, "one")):
            equal(shown(fw, name), expected, f"{name} is shown certificate {expected}")
    with Framewall(config, *pair.options()) as fw:
        equal([shown(fw, name) for name in ("two.example", "other.example")], ["two", "localhost"],
              "the certificate of the command line comes first")


def test_application_protocol(authority, pair):
    with Framewall(None, *pair.options()) as fw:
        for offered, expected in ((["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), ([], None)):
            context = authority.client()
            if offered:
                context.set_alpn_protocols(offered)
            with context.wrap_socket(connect(fw), server_hostname="localhost") as tls:
                equal(tls.selected_alpn_protocol(), expected, f"offered {offered}: {expected} is spoken")
        context = authority.client()
        context.set_alpn_protocols(["h2"])
        try:
            context.wrap_socket(connect(fw), server_hostname="localhost")
            ok(False, "who speaks h2 alone is refused")
        except ssl.SSLError as error:
            ok("no application protocol" in str(error), "who speaks h2 alone is refused (RFC 7301 3.2)", error)


def test_peers(authority, pair):
    async def chat_of(fw):
        async with fw.connect(ssl=authority.client()) as ws:
            await ws.send('{"type":"ping"}')
            return json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))["type"]

    with Framewall(RELAXED, *pair.options()) as fw:
        equal(run(chat_of(fw)), "pong", "python-websockets talks through TLS")
        (record,) = fw.wait_records("websocket_connected")
        equal(record["details"].get("tls"), "TLSv1.3", "the record says the version of TLS")
        ok(record["details"].get("cipher", "").startswith("TLS_"), "and the cipher suite")
        request = ["-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13", "-H",
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "-H", f"Authorization: {fw.bearer()['Authorization']}"]
        if shutil.which("curl"):
            done = subprocess.run(["curl", "-sv", "--http1.1", "--max-time", "1", "--cacert", authority.certificate, *request,
                                   f"https://localhost:{fw.port}/"], capture_output=True, text=True, errors="replace")
            ok("< HTTP/1.1 101 Switching Protocols" in done.stderr, "curl is upgraded", done.stderr)
        else:
            skip("curl is upgraded", "curl is not installed")
        raw = RawClient(fw.port, request=b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        equal(raw.read_head(), 400, "HTTP without TLS is answered by 400")
        body = raw.socket.recv(65536) if not raw.waiting else raw.waiting
        ok(b"use wss://" in body and raw.closed(), "which says what to do, and is closed", body)
        ok(b"Content-Security-Policy" in raw.head, "with the headers of every answer")
        ok(until(lambda: any("without TLS" in r["details"]["cause"] for r in fw.records("handshake_refused"))), "and recorded")
        origin = {**fw.bearer(), "Origin": f"https://localhost:{fw.port}"}
        equal(RawClient(fw.port, origin, wrap=authority.wrap()).status, 101, "a page of https://localhost may connect")
    listed = "hosts: ['localhost:443']\norigin: {allowed: ['https://localhost']}\n"
    with Framewall(listed, *pair.options()) as fw:
        for origin in ("https://localhost", "https://localhost:443"):
            head = head_of(fw).replace(f"localhost:{fw.port}".encode(), b"localhost\r\nOrigin: " + origin.encode())
            raw = RawClient(fw.port, request=head, wrap=authority.wrap())
            equal(raw.read_head(), 101, f"default ports may be left out: Host localhost, Origin {origin}")
            raw.close()


def test_last_words(authority, pair):
    with Framewall(RELAXED, *pair.options()) as fw:
        raw = RawClient(fw.port, fw.bearer(), wrap=authority.wrap())
        equal(raw.status, 101, "upgraded")
        raw.send(struct.pack("!H", 1000), opcode=8)
        while raw.receive()[0] != 8:  # auth_success comes first
            pass
        equal(raw.socket.recv(1), b"", "after the close frame TLS is closed by close_notify, not by a mere FIN")
        raw.close()
        raw = RawClient(fw.port, fw.bearer(), wrap=authority.wrap())
        raw.socket.shutdown(socket.SHUT_RDWR)  # a FIN without close_notify
        raw.close()
        codes = until(lambda: len(fw.records("websocket_disconnect")) == 2 and
                      [r["details"]["close_code"] for r in fw.records("websocket_disconnect")])
        equal(codes, [1000, 1006], "a FIN without close_notify is a lost client, not a fault")
        equal(fw.records("system_error"), [], "and no error")


def test_one_octet_at_a_time(authority, pair):
    with Framewall(RELAXED, *pair.options()) as fw:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            raw, client = connect(fw), Octets(authority.client(maximum_version=version))

            def carry(call):
                while True:
                    result, octets = client.step(call)
                    for i in range(len(octets)):
                        raw.sendall(octets[i:i + 1])
                    if result is not None:
                        return result
                    piece = raw.recv(65536)
                    if piece == b"":
                        raise EOFError
                    client.coming.write(piece)

            carry(lambda: client.tls.do_handshake() or True)
            carry(lambda: client.tls.write(head_of(fw)))
            answer = carry(lambda: client.tls.read(65536))
            ok(answer.startswith(b"HTTP/1.1 101 "), f"{version.name}: octet by octet it is upgraded", answer)
            carry(lambda: client.tls.write(RawClient.frame('{"type":"ping"}')))
            answer = b""
            while b'"pong"' not in answer:
                answer += carry(lambda: client.tls.read(65536))
            ok(True, f"{version.name}: and answered")
            raw.close()


def test_dies_in_the_handshake(authority, pair):
    """Gone after each octet of its part of the handshake."""
    with Framewall(RELAXED, *pair.options()) as fw:
        until(lambda: fw.records("system_changes"))
        before = fw.descriptors()
        count = 0
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            sizes = []
            cut = 0
            while True:
                raw, client = connect(fw), Octets(authority.client(maximum_version=version))
                left, done = cut, False
                sizes = []
                while left > 0 and not done:
                    result, octets = client.step(lambda: client.tls.do_handshake() or True)
                    sizes.append(len(octets))
                    raw.sendall(octets[:left])
                    left -= len(octets)
                    done = result is not None
                    if left > 0 and not done:
                        client.coming.write(raw.recv(65536))
                if count % 2:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
                raw.close()
                count += 1
                if done and left >= 0:
                    break
                cut += 1
            ok(cut > 200, f"{version.name}: a client dies after each of {cut} octets")
        ok(until(lambda: fw.descriptors() <= before), f"{count} dead clients leave no descriptor", (before, fw.descriptors()))
        equal(RawClient(fw.port, fw.bearer(), wrap=authority.wrap()).status, 101, "others are served")


def test_slow_handshakes(authority, pair):
    with Framewall(FAST, *pair.options()) as fw:
        client = Octets(authority.client())
        _, octets = client.step(lambda: client.tls.do_handshake() or True)
        slow = [connect(fw) for _ in range(50)]
        begun = time.monotonic()
        for raw in slow:
            raw.sendall(octets[:60])
        ended = set()
        while len(ended) < len(slow) and time.monotonic() - begun < PATIENCE:
            for raw in [raw for raw in slow if raw not in ended]:
                try:
                    raw.sendall(octets[60:61])
                    if select.select([raw], [], [], 0)[0] and raw.recv(100) == b"":
                        ended.add(raw)
                except ConnectionError:
                    ended.add(raw)
            if len(ended) == 0:
                raw = RawClient(fw.port, fw.bearer(), wrap=authority.wrap())
                if raw.status != 101:
                    ok(False, "an honest client is served meanwhile", raw.status)
                raw.close()
            time.sleep(0.2)
        equal(len(ended), 50, "50 handshakes that dribble are ended after handshake_timeout")
        ok(until(lambda: len([r for r in fw.records("handshake_refused") if r["details"].get("status") == 408]) >= 50), "and recorded")
        for raw in slow:
            raw.close()


def test_client_certificates(authority, pair):
    with Authority("Another authority") as other:
        good, bad = authority.sign("device"), other.sign("stranger")
        config = f'tls: {{client_certificate: MODE, client_ca: "{authority.certificate}"}}\n' + RELAXED

        def status(fw, shown):
            try:
                return RawClient(fw.port, fw.bearer(), wrap=authority.wrap(pair=shown)).status
            except (OSError, EOFError):  # TLS 1.3: the refusal comes when the client believes it is through
                return None

        for mode, without in (("request", 101), ("require", None)):
            with Framewall(config.replace("MODE", mode), *pair.options()) as fw:
                equal(status(fw, good), 101, f"{mode}: a client with a certificate is let in")
                (record,) = fw.wait_records("websocket_connected")
                expected = hashlib.sha256(ssl.PEM_cert_to_DER_cert(open(good.certificate).read())).hexdigest()
                equal(record["details"].get("client_certificate"), expected, f"{mode}: the record says which it was")
                equal(status(fw, None), without, f"{mode}: and one without: {without}")
                equal(status(fw, bad), None, f"{mode}: a certificate of somebody else is refused")
                ok(until(lambda: any("certificate" in r["details"]["cause"] for r in fw.records("handshake_refused"))),
                   f"{mode}: the record says why")


def test_slow_reader(authority, pair):
    """A client that says much and reads nothing: what waits for it is bounded, and it is let go."""
    config = RELAXED.replace("websocket:", "websocket:\n  stall_timeout: 3")

    async def scenario(server, websocket):
        async for message in websocket:
            for _ in range(400):
                await websocket.send("x" * 60000)

    with Upstream(scenario) as upstream, Framewall(config, *pair.options(), "--upstream", upstream.url(), "--workers", "1") as fw:
        raw = RawClient(fw.port, fw.bearer(), wrap=authority.wrap(), buffer=4096)
        before = fw.memory()
        raw.send(chat("go"))
        ok(fw.wait_records("slow_consumer"), "it is found to read nothing")
        if fw.memory_counts():
            ok(fw.memory() - before < 8 << 20, "and had no 24 MB kept for it", fw.memory() - before)
        equal(RawClient(fw.port, fw.bearer(), wrap=authority.wrap()).status, 101, "others are served")
        raw.close()


def test_refused_configurations(authority, pair):
    other = authority.sign("other")
    shared = authority.sign("shared")
    old = authority.sign("old", days=-1)
    os.chmod(shared.key, 0o644)
    locked = Pair(other.certificate, authority.file("locked.key"))
    openssl("pkey", "-in", other.key, "-aes256", "-passout", "pass:secret", "-out", locked.key)

    def check(config):
        with open(authority.file("framewall.yaml"), "w") as file:
            file.write(config)
        done = subprocess.run([BINARY, "check", "--config", authority.file("framewall.yaml")], capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stderr

    def listed(certificate, key):
        return f'mode: enforce\ntls:\n  certificates:\n    - {{certificate: "{certificate}", key: "{key}"}}\n'

    for name, config, code, said in (
            ("no file", listed("nowhere.pem", pair.key), 1, 'nowhere.pem": No such file or directory; name a PEM file'),
            ("a folder", listed(authority.folder, pair.key), 1, "is not a file"),
            ("no certificate in it", listed(pair.key, pair.key), 1, "has no usable certificate"),
            ("no key in it", listed(pair.certificate, pair.certificate), 1, "has no usable private key"),
            ("another's key", listed(pair.certificate, other.key), 1, "does not belong to the certificate"),
            ("a key with a passphrase", listed(locked.certificate, locked.key), 1, "has a passphrase; store it without one"),
            ("a key for everybody", listed(shared.certificate, shared.key), 0, "warning: \"tls.certificates\": every user of this machine can read the key"),
            ("an expired certificate", listed(old.certificate, old.key), 0, "has expired: clients will refuse it"),
            ("no groups", listed(pair.certificate, pair.key) + "  groups: [no-such-group]\n", 1, '"tls.groups": OpenSSL'),
            ("no authority", listed(pair.certificate, pair.key) + "  client_certificate: require\n", 1, 'name in "tls.client_ca" who signs them'),
            ("no certificate at all", f'tls: {{client_certificate: require, client_ca: "{authority.certificate}"}}\n', 1, 'name a "tls.certificate"'),
            ("an idle authority", listed(pair.certificate, pair.key) + f'  client_ca: "{authority.certificate}"\n', 0, "has no effect"),
            ("a key alone", f'tls: {{key: "{pair.key}"}}\n', 1, 'is of no use without "tls.certificate"'),
            ("a key's content", listed(pair.certificate, "${file:localhost.key}"), 1, "write it as it is, without ${file:"),
            ("files beside the configuration", listed("localhost.pem", "localhost.key"), 0, ""),
            ("two in one file", listed(pair.certificate, pair.key), 0, "")):
        got, text = check(config)
        ok("PRIVATE" not in text, f"check: {name}: no key is shown", text)
        ok(got == code and said in text, f"check: {name}: exit {code}", f"{got}\n{text}\nexpected {said}")
    fw = Framewall(None, "--tls-cert", pair.certificate, "--tls-key", other.key, wait=False, check=False)
    equal(fw.wait(), 1, "run with a key that does not match: exit 1")
    ok('--tls-cert: error: "tls.certificate": the key' in fw.stderr() or "does not belong" in fw.stderr(), "and says why", fw.stderr())
    fw.stop()
    both = authority.file("both.pem")
    with open(both, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(open(pair.certificate).read() + open(pair.key).read())
    with Framewall(None, "--tls-cert", both) as fw:
        equal(RawClient(fw.port, fw.bearer(), wrap=authority.wrap()).status, 101, "certificate and key may be one file")


def with_authority(test):
    def wrapped():
        with Authority() as authority:
            test(authority, authority.sign("localhost"))
    wrapped.__name__ = test.__name__
    return wrapped


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("1..0 # SKIP openssl is not installed")
        sys.exit(0)
    main(*[with_authority(test) for test in (
        test_versions, test_resumption, test_names, test_application_protocol, test_peers, test_last_words, test_one_octet_at_a_time,
        test_dies_in_the_handshake, test_slow_handshakes, test_client_certificates, test_slow_reader, test_refused_configurations)])
