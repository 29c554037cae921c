#!/usr/bin/python3
"""wss:// upstreams: a certificate that does not hold is refused, octets arrive whole through TLS on both sides."""
import random
import ssl

from certificates import *
from framewall import *


def trusting(authority, more=""):
    return RELAXED + f'upstream: {{connect_timeout: 5, tls: {{ca_file: "{authority.certificate}"{more}}}}}\n'


def status_of(config, url, *arguments):
    """(status of a handshake with its credential, causes of upstream failures)"""
    with Framewall(config, "--upstream", url, *arguments) as fw:
        raw = RawClient(fw.port, fw.bearer())
        raw.close()
        causes = [] if raw.status == 101 else [r["details"]["cause"] for r in fw.wait_records("upstream_failure")]
    return raw.status, causes


def test_certificates():
    with Authority() as authority, Authority("Unknown authority") as unknown:
        good = authority.sign("good")
        elsewhere = authority.sign("elsewhere", "DNS:elsewhere.example")
        old = authority.sign("old", days=-1)
        foreign = unknown.sign("foreign")
        cases = (
            (good, "localhost", None), (good, "127.0.0.1", None), (good, "[::1]", None),
            (elsewhere, "localhost", "hostname mismatch"), (elsewhere, "127.0.0.1", "IP address mismatch"),
            (authority.sign("names", "DNS:localhost"), "127.0.0.1", "IP address mismatch"),
            (old, "localhost", "certificate has expired"), (foreign, "localhost", "unable to get local issuer certificate"),
            (unknown, "localhost", "self-signed certificate"))
        for pair, host, reason in cases:
            with Upstream(ssl=pair.server(), host=host.strip("[]")) as upstream:
                status, causes = status_of(trusting(authority), f"wss://{host}:{upstream.port}")
            name = os.path.basename(pair.certificate)
            if reason is None:
                equal(status, 101, f"{name} at {host}: accepted")
                continue
            equal(status, 502, f"{name} at {host}: 502")
            ok(causes == [f"TLS: certificate verify failed: {reason}"], f"and the record says: {reason}", causes)
            equal(upstream.headers, [], "not an octet of the request reached it")
        with Upstream(ssl=elsewhere.server()) as upstream:
            config = trusting(authority, ", server_name: elsewhere.example")
            equal(status_of(config, f"wss://127.0.0.1:{upstream.port}")[0], 101, "server_name says whose certificate it must be")
        with Upstream(ssl=good.server()) as upstream:
            equal(status_of(RELAXED, f"wss://localhost:{upstream.port}")[0], 502, "without ca_file the authorities of the system decide")
        with Upstream(ssl=foreign.server()) as upstream:
            with Framewall(RELAXED + "upstream: {tls: {verify: off}}\n", "--upstream", f"wss://localhost:{upstream.port}", check=False) as fw:
                equal(RawClient(fw.port, fw.bearer()).status, 101, "verify: off takes any certificate")
                ok('"upstream.tls.verify" is off' in fw.stderr(), "and warns", fw.stderr())
        with Upstream() as upstream:
            status, causes = status_of(trusting(authority), f"wss://localhost:{upstream.port}")
            equal((status, causes[0][:5]), (502, "TLS: "), "an upstream that does not speak TLS: 502")
        silent = socket.create_server(("127.0.0.1", 0))
        status, causes = status_of(trusting(authority).replace("timeout: 5", "timeout: 1"), f"wss://127.0.0.1:{silent.getsockname()[1]}")
        equal((status, causes), (502, ["no answer in time"]), "one that says nothing: 502 after connect_timeout")


def test_after_login():
    """A login by message is over before the upstream is dialled: error and 1013."""
    async def closed(fw):
        ws = await websockets.connect(fw.url(), ping_interval=None)
        await ws.send(json.dumps({"type": "auth", "token": fw.token()}))
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
        return ws.close_code

    with Authority() as authority, Authority("Unknown authority") as unknown:
        with Upstream(ssl=unknown.sign("foreign").server()) as upstream:
            with Framewall(trusting(authority), "--upstream", f"wss://localhost:{upstream.port}") as fw:
                equal(run(closed(fw)), 1013, "1013 after a login by message")


def test_client_certificate():
    with Authority() as authority, Authority("Unknown authority") as unknown:
        server = authority.sign("server").server(authority)
        for pair, expected in ((authority.sign("gateway"), 101), (unknown.sign("stranger"), 502), (None, 502)):
            with Upstream(ssl=server) as upstream:
                shown = f', certificate: "{pair.certificate}", key: "{pair.key}"' if pair else ""
                status, causes = status_of(trusting(authority, shown), f"wss://localhost:{upstream.port}")
            equal(status, expected, f"an upstream that demands a certificate, shown {pair and os.path.basename(pair.certificate)}: {expected}")


def test_names_asked_for():
    asked = []
    with Authority() as authority:
        context = authority.sign("server").server()
        context.sni_callback = lambda tls, name, context: asked.append(name)
        for host in ("localhost", "127.0.0.1"):
            with Upstream(ssl=context) as upstream:
                status_of(trusting(authority), f"wss://{host}:{upstream.port}")
        equal(asked, ["localhost", None], "a name is asked for, an address is not (RFC 6066 3)")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with Upstream(ssl=context) as upstream:
            equal(status_of(trusting(authority), f"wss://localhost:{upstream.port}")[0], 101, "an upstream of TLS 1.2 will do")
        context = authority.sign("old").server()
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with Upstream(ssl=context) as upstream:
            equal(status_of(trusting(authority), f"wss://localhost:{upstream.port}")[0], 502, "one of TLS 1.1 will not")


LARGE = ("rate_limiting:\n  messages_per_minute: 1000000\n  max_message_size: 4194304\nwebsocket:\n  ping_interval: 0\n  max_upstream_message: 4194304\n"
         "routes: [{path: '*', opaque: true, binary: true}]\n")


def test_both_sides():
    """Messages of many sizes, all at once and in order, through TLS on both sides."""
    seed = random.Random(11)
    sizes = [1, 125, 126, 4096, 16383, 16384, 16385, 65535, 65536, 65537, 131072, 1048576, 3000000] + [seed.randrange(1, 40000) for _ in range(60)]
    messages = [seed.randbytes(size) for size in sizes]

    async def scenario(fw, context):
        async with fw.connect(ssl=context, max_size=None) as ws:
            async def say():
                for message in messages:
                    await ws.send(message)
            saying = asyncio.ensure_future(say())
            got = [await asyncio.wait_for(ws.recv(), PATIENCE) for _ in messages]
            await saying
            return got

    async def many(fw, context):
        return await asyncio.gather(*[scenario(fw, context) for _ in range(4)])

    with Authority() as authority:
        pair = authority.sign("localhost")
        config = LARGE + f'upstream: {{tls: {{ca_file: "{authority.certificate}"}}}}\n'
        with Upstream(ssl=pair.server(), max_size=None, max_queue=None) as upstream:
            with Framewall(config, *pair.options(), "--upstream", f"wss://localhost:{upstream.port}", "--workers", "2") as fw:
                for got in run(many(fw, authority.client())):
                    equal(got == messages, True, f"{len(messages)} messages of up to 3 MB come back octet for octet")


async def reads_on(server, websocket):
    """Echoes; it reads no more while its answers are not taken, until server.reads_on is set. With both of a connection's windows shut each end may hear
    of the other's only when the kernel probes for it, some ten seconds later."""
    answers = asyncio.Queue()

    async def answer():
        while True:
            await websocket.send(await answers.get())

    task = asyncio.ensure_future(answer())
    try:
        async for message in websocket:
            server.received.append(message)
            answers.put_nowait(message)
            while answers.qsize() > 1 and not server.reads_on:
                await asyncio.sleep(0.005)
    finally:
        task.cancel()


def test_slow_reader():
    """An echo through TLS to a client that reads late: nothing is lost, and not much kept."""
    size, count = 60000, 1200
    with Authority() as authority:
        pair = authority.sign("localhost")
        config = LARGE + f'upstream: {{tls: {{ca_file: "{authority.certificate}"}}}}\n'
        with Upstream(reads_on, ssl=pair.server(), max_size=None) as upstream:
            upstream.reads_on = False
            with Framewall(config, *pair.options(), "--upstream", f"wss://localhost:{upstream.port}", "--workers", "1") as fw:
                raw = RawClient(fw.port, fw.bearer(), wrap=authority.wrap(), buffer=65536)
                raw.socket.settimeout(2)
                sent = 0
                before = fw.memory()
                frames = [RawClient.frame(bytes([i % 256]) * size, opcode=2) for i in range(count)]
                waiting = b"".join(frames)
                try:
                    while sent < len(waiting):
                        sent += raw.socket.send(waiting[sent:sent + 16384])
                except (TimeoutError, ssl.SSLWantWriteError):
                    pass
                ok(sent < len(waiting), "a client that does not read is not read for ever", sent)
                if fw.memory_counts():
                    ok(fw.memory() - before < 8 << 20, "and not much is kept for it", fw.memory() - before)
                upstream.reads_on = True
                raw.socket.settimeout(PATIENCE)
                # TLS of Python cannot be read and written at once from two threads: in turn, then.
                got = 0
                while got < count:
                    if sent < len(waiting):
                        raw.socket.settimeout(0.01)
                        try:
                            sent += raw.socket.send(waiting[sent:sent + 16384])
                        except (TimeoutError, ssl.SSLWantWriteError):
                            pass
                        raw.socket.settimeout(PATIENCE)
                    if len(upstream.received) > got or sent == len(waiting):
                        opcode, payload = raw.receive()
                        if opcode == 2 and payload != bytes([got % 256]) * size:
                            ok(False, "the answers are what was said", got)
                            break
                        got += opcode == 2
                equal(got, count, f"once it reads, all {count} answers come")
                raw.close()


def test_dies():
    """Killed under open connections, and while it shakes hands."""
    async def scenario(fw, upstream):
        sockets = [await fw.connect(user=f"user{i}") for i in range(10)]
        for ws in sockets:
            await ws.send(chat("before"))
            await asyncio.wait_for(ws.recv(), PATIENCE)
        upstream.kill()
        for ws in sockets:
            await asyncio.wait_for(ws.wait_closed(), PATIENCE)
        equal({ws.close_code for ws in sockets}, {1013}, "killed under 10 connections: each is told 1013")

    with Authority() as authority:
        with Upstream(ssl=authority.sign("localhost").server()) as upstream:
            with Framewall(trusting(authority), "--upstream", f"wss://localhost:{upstream.port}") as fw:
                run(scenario(fw, upstream))
        listener = socket.create_server(("127.0.0.1", 0))
        stopped = threading.Event()

        def hang_up():
            for reset in (False, True):
                connection, _ = listener.accept()
                connection.recv(65536)
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
            stopped.set()

        threading.Thread(target=hang_up, daemon=True).start()
        with Framewall(trusting(authority), "--upstream", f"wss://127.0.0.1:{listener.getsockname()[1]}") as fw:
            equal([RawClient(fw.port, fw.bearer()).status for _ in range(2)], [502, 502], "hung up during the handshake: 502")
            equal([r["details"]["cause"] for r in fw.wait_records("upstream_failure", 2)], ["TLS: closed during the handshake"] * 2, "with the cause")


if not shutil.which("openssl"):
    print("1..0 # SKIP openssl is not installed")
    sys.exit(0)
main(test_certificates, test_after_login, test_client_certificate, test_names_asked_for, test_both_sides, test_slow_reader, test_dies)
