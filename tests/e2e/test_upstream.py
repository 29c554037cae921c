#!/usr/bin/python3
"""Attack row 23: an upstream that is not there, dies, comes back, or does not speak WebSocket."""
from framewall import *


async def login(fw):
    ws = await websockets.connect(fw.url(), ping_interval=None)
    await ws.send(json.dumps({"type": "auth", "token": fw.token()}))
    return ws


def refused_with(fw):
    """The status of a handshake that has its credential with it."""
    return RawClient(fw.port, fw.bearer()).status


def test_down():
    async def first_message(fw):
        ws = await login(fw)
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
        return ws.close_code

    with Framewall(RELAXED, "--upstream", f"ws://127.0.0.1:{free_port()}") as fw:
        equal(refused_with(fw), 502, "no upstream: 502 where the credential came in the handshake")
        equal(run(first_message(fw)), 1013, "and 1013 after a login by message")
        equal(len(fw.wait_records("upstream_failure", 2)), 2, "a record of each")


def test_dies_and_returns():
    async def one(fw, user):
        ws = await fw.connect(user=user)
        await ws.send(chat("before"))
        await asyncio.wait_for(ws.recv(), PATIENCE)
        return ws

    async def scenario(fw, upstream):
        sockets = [await one(fw, f"user{i}") for i in range(10)]
        upstream.kill()
        for ws in sockets:
            await asyncio.wait_for(ws.wait_closed(), PATIENCE)
        equal({ws.close_code for ws in sockets}, {1013}, "killed under 10 connections: each is told 1013")
        equal(refused_with(fw), 502, "while it is away newcomers get 502")
        with Upstream(port=upstream.port) as again:
            ws = await one(fw, "late")
            equal(again.received, [chat("before")], "when it is back it serves again")
            await ws.close()

    with Upstream() as upstream, Framewall(RELAXED, "--upstream", upstream.url(), "--workers", "2") as fw:
        run(scenario(fw, upstream))
        ok(len(fw.wait_records("upstream_failure", 10)) >= 10, "a record of each")


def test_goes_away():
    """An orderly close of the upstream reaches the client as it is."""
    async def leaving(server, websocket):
        await websocket.recv()
        await websocket.close(4123, "bye")

    async def scenario(fw):
        async with fw.connect() as ws:
            await ws.send(chat("x"))
            await asyncio.wait_for(ws.wait_closed(), PATIENCE)
            return ws.close_code, ws.close_reason

    with Upstream(leaving) as upstream, Framewall(RELAXED, "--upstream", upstream.url()) as fw:
        equal(run(scenario(fw)), (4123, "bye"), "the upstream's close code and reason are passed on")


class Odd:
    """A server that answers every connection with the same octets."""

    def __init__(self, octets, close=True):
        self.octets, self.close = octets, close
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        self.kept = []

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(PATIENCE)
            try:
                connection.recv(65536)
                connection.sendall(self.octets)
            except OSError:
                pass
            if self.close:
                connection.close()
            else:
                self.kept.append(connection)

    def stop(self):
        self.listener.close()


def test_odd_answers():
    cases = [
        ("nothing", b"", True), ("another protocol", b"SSH-2.0-x\r\n", True), ("a refusal", b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", True),
        ("a 101 for another key", b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n", False),
        ("half a head", b"HTTP/1.1 101 Switch", False), ("an endless head", b"HTTP/1.1 101 S\r\nX: " + b"y" * 100000, False),
    ]
    for name, octets, close in cases:
        odd = Odd(octets, close)
        with Framewall(RELAXED + "upstream:\n  connect_timeout: 2\n", "--upstream", f"ws://127.0.0.1:{odd.port}") as fw:
            equal(refused_with(fw), 502, f"{name} from the upstream: 502")
            ok(fw.wait_records("upstream_failure"), "with a record")
        odd.stop()


def test_name():
    """localhost has two addresses; the upstream listens on one of them."""
    async def scenario(fw):
        async with fw.connect() as ws:
            await ws.send(chat("by name"))
            return await asyncio.wait_for(ws.recv(), PATIENCE)

    known = {found[4][0] for found in socket.getaddrinfo("localhost", None)}
    for address in ("127.0.0.1", "::1"):
        if address not in known:
            skip(f"an upstream by name on {address}", "localhost does not have this address here")
            continue
        with Upstream(host=address) as upstream, Framewall(RELAXED, "--upstream", f"ws://localhost:{upstream.port}/path") as fw:
            for _ in range(3):
                equal(run(scenario(fw)), chat("by name"), f"an upstream by name that listens on {address} alone")
    with Framewall(RELAXED, "--upstream", "ws://no-such-name.invalid:9", says="cannot look up no-such-name.invalid") as fw:
        equal(refused_with(fw), 502, "a name that is not known: 502")


def test_client_leaves():
    """A client that is gone takes its upstream connection with it."""
    gone = []

    async def watch(server, websocket):
        try:
            async for message in websocket:
                await websocket.send(message)
        finally:
            gone.append(websocket.close_code)

    with Upstream(watch) as upstream, Framewall(RELAXED, "--upstream", upstream.url()) as fw:
        client = RawClient(fw.port, fw.bearer())
        client.send(chat("x"))
        client.receive()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        equal(until(lambda: gone), [1001], "after a reset by the client the upstream is told 1001")


def tcp_timers(port):
    """What the kernel waits for on our sockets to that port: 2 is keep-alive."""
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return [row[5].split(":")[0] for row in rows if row[2] == f"0100007F:{port:04X}" and row[3] == "01"]


def test_watched():
    """Half-open: an upstream whose host is gone says nothing, so the kernel has to look for it."""
    with Upstream() as upstream, Framewall(RELAXED, "--upstream", upstream.url()) as fw:
        client = RawClient(fw.port, fw.bearer())
        client.send(chat("x"))
        client.receive()
        ok(until(lambda: tcp_timers(upstream.port) == ["02"]), "the kernel looks whether the upstream is still there",
           tcp_timers(upstream.port))
        client.close()


def test_last_words():
    """What comes in one packet with a FIN is not lost, in neither direction."""
    def leaves_at_once(listener):
        peer, _ = listener.accept()
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", peer.recv(65536)).group(1)
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        peer.recv(65536)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        peer.sendall(b"\x81\x02hi\x88\x02\x03\xe8")
        peer.close()

    async def listens(server, websocket):
        async for message in websocket:
            server.received.append(message)

    with Upstream(listens) as upstream, Framewall(RELAXED, "--upstream", upstream.url()) as fw:
        quiet = fw.descriptors()
        client = RawClient(fw.port, fw.bearer())
        client.send(chat("first"))
        until(lambda: upstream.received)
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        for number in range(3):
            client.send(chat(str(number)))
        client.socket.shutdown(socket.SHUT_WR)
        equal(until(lambda: upstream.received[3:]), [chat("2")], "the last messages of a client that leaves arrive")
        ok(client.closed(), "and it is let go")
        equal(len(fw.wait_records("websocket_disconnect")), 1, "with a record")
        client = RawClient(fw.port, fw.bearer())
        client.send(b"\x03\xe8", opcode=8)
        equal((client.receive(), client.socket.recv(1)), ((8, b"\x03\xe8"), b""), "a close is answered, then comes the end and no reset")
        ok(until(lambda: fw.descriptors() == quiet), "and nothing is waited for", (fw.descriptors(), quiet))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=leaves_at_once, args=(listener,), daemon=True).start()
        with Framewall(RELAXED, "--upstream", f"ws://127.0.0.1:{listener.getsockname()[1]}") as fw:
            client = RawClient(fw.port, fw.bearer())
            client.send(chat("x"))
            equal(client.receive(), (1, b"hi"), "the last message of an upstream that leaves arrives")
            equal(client.receive(), (8, b"\x03\xe8"), "and its close")


main(test_down, test_dies_and_returns, test_goes_away, test_odd_answers, test_name, test_client_leaves, test_watched,
     test_last_words)
