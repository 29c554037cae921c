#!/usr/bin/python3
"""Peers that do not read, or hardly: what waits for them is bounded, they are dropped in time, honest ones notice nothing."""
from framewall import *

MEBIBYTE = 1 << 20


async def honest(fw, stop, user="honest"):
    """Echoes all the while; the number of them."""
    count = 0
    async with fw.connect(user=user) as ws:
        while not stop.is_set():
            await ws.send(chat(f"honest {count}"))
            if json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))["text"] != f"honest {count}":
                raise AssertionError("another message")
            count += 1
            await asyncio.sleep(0.01)
    return count


def with_honest(fw, work):
    """Runs work() in this thread while an honest client talks in another."""
    stop, result = threading.Event(), []

    def talk():
        try:
            result.append(run(honest(fw, stop), 300))
        except Exception as error:
            result.append(error)

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        work()
    finally:
        stop.set()
        thread.join(PATIENCE)
    ok(result and isinstance(result[0], int) and result[0] > 10, "an honest client talks on all the while", result)


def test_slow_readers():
    """Attack row 3: 50 clients send and never read (each has megabytes on the way, in the kernel)."""
    clients = 50
    octets = b"".join(RawClient.frame(chat("s" * 3800)) for _ in range(400))  # 1.5 MiB each way

    def attack(fw):
        before, descriptors = fw.memory(), fw.descriptors()
        slow = [RawClient(fw.port, fw.bearer(f"slow{i}"), buffer=4096) for i in range(clients)]
        threads = []
        for client in slow:
            client.socket.settimeout(PATIENCE)

            def push(client=client):
                try:
                    client.socket.sendall(octets * 8)
                except OSError:
                    pass

            threads.append(threading.Thread(target=push, daemon=True))
            threads[-1].start()
        peak = 0

        def gone():
            nonlocal peak
            peak = max(peak, fw.memory() - before)
            return len(fw.records("slow_consumer")) >= clients

        ok(until(gone, 60), "each is dropped for reading nothing", len(fw.records("slow_consumer")))
        print(f"# {peak / clients / 1024:.0f} KiB at most for each of {clients} slow readers")
        if fw.memory_counts():
            ok(peak < 16 * MEBIBYTE + clients * 160 * 1024, "what waits for one of them is bounded", peak)
        for client in slow:
            client.close()
        ok(until(lambda: fw.descriptors() < descriptors + 10), "their descriptors are free again", fw.descriptors())

    with Upstream() as upstream, Framewall(RELAXED.replace("websocket:", "websocket:\n  stall_timeout: 3"),
                                           "--upstream", upstream.url()) as fw:
        with_honest(fw, lambda: attack(fw))


def test_burst():
    """Attack row 33: an upstream that would send 1 GiB at once to a client that reads slowly."""
    sent = [0]
    piece = "b" * 65536

    async def burst(server, websocket):
        if "burst" not in websocket.request_headers["X-Framewall-User"]:
            await Upstream.echo(server, websocket)
            return
        for number in range(16384):
            await websocket.send(f"{number:08d}" + piece)
            sent[0] += 65544

    def attack(fw):
        before = fw.memory()
        client = RawClient(fw.port, fw.bearer("burst"), buffer=4096)
        peak, number, end = 0, 0, time.monotonic() + 6
        while time.monotonic() < end:  # about 100 KB/s
            opcode, payload = client.receive()
            if opcode == 1:
                if payload[:8] != b"%08d" % number:
                    raise AssertionError(f"{payload[:8]} instead of {number}")
                number += 1
            peak = max(peak, fw.memory() - before)
            time.sleep(0.5)
        stopped_at = sent[0]
        print(f"# {peak / MEBIBYTE:.1f} MiB at most, upstream stopped at {stopped_at / MEBIBYTE:.0f} MiB, client read {number} messages")
        ok(stopped_at < 64 * MEBIBYTE, "the upstream is held back", stopped_at)
        if fw.memory_counts():
            ok(peak < 16 * MEBIBYTE, "memory stays small", peak)
        for _ in range(100):  # and now it reads fast: nothing was lost and nothing is stuck
            while True:
                opcode, payload = client.receive()
                if opcode == 1:
                    break
            if payload[:8] != b"%08d" % number:
                raise AssertionError(f"{payload[:8]} instead of {number}")
            number += 1
        ok(True, "in order, whole, and on again when it reads")
        client.close()

    with Upstream(burst) as upstream, Framewall(RELAXED.replace("websocket:", "websocket:\n  stall_timeout: 60"),
                                                "--upstream", upstream.url()) as fw:
        with_honest(fw, lambda: attack(fw))


def test_upstream_stalls():
    """An upstream that stops reading: its client is told, the others go on."""
    release = threading.Event()

    async def lazy(server, websocket):
        if "lazy" not in websocket.request_headers["X-Framewall-User"]:
            await Upstream.echo(server, websocket)
            return
        websocket.transport.pause_reading()
        while not release.is_set():
            await asyncio.sleep(0.1)

    def attack(fw):
        client = RawClient(fw.port, fw.bearer("lazy"))
        octets = b"".join(RawClient.frame(chat("l" * 3800)) for _ in range(100))
        enough, ended = threading.Event(), []

        def push():
            try:
                while not enough.is_set():
                    client.socket.sendall(octets)
                ended.append("whole")
            except OSError as error:
                ended.append(error)

        threading.Thread(target=push, daemon=True).start()
        ok(fw.wait_records("slow_consumer"), "an upstream that does not read is given up")
        enough.set()
        while True:
            opcode, payload = client.receive()
            if opcode == 8:
                break
        equal(struct.unpack("!H", payload[:2])[0], 1013, "its client is told 1013")
        ok(until(lambda: ended), "and read on, so that it can answer")
        equal(ended, ["whole"], "before it is closed")
        client.send(struct.pack("!H", 1013), 8)
        ok(client.closed(), "then it is let go")
        client.close()
        release.set()

    with Upstream(lazy, read_limit=4096) as upstream, Framewall(RELAXED.replace("websocket:", "websocket:\n  stall_timeout: 2"),
                                                                "--upstream", upstream.url()) as fw:
        with_honest(fw, lambda: attack(fw))


main(test_slow_readers, test_burst, test_upstream_stalls)
