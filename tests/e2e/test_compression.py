#!/usr/bin/python3
"""permessage-deflate with real peers: python3-websockets (zlib of its own) as client and as upstream, every window, with and without context
takeover, whole and in fragments, octet by octet over TCP; bombs, and what they cost. LOOPS=1000 makes the loops as long as those of
the suites that test RFC 7692."""
import random
import zlib

from framewall import *

from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

LOOPS = int(os.environ.get("LOOPS", "4"))
SIZES = (16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)
MEBIBYTE = 1 << 20
HERE = os.path.dirname(os.path.abspath(__file__))
OPEN = """
upstream: {{url: "{url}"}}
websocket: {{compression: {mode}, max_upstream_message: 4000000, control_frames_per_minute: 0, max_fragments: 0{more}}}
routes: [{{path: "*", opaque: true, binary: true, anonymous: guest}}]
rate_limiting: {{messages_per_minute: 1000000000, auth_attempts_per_minute: 1000000, sessions_per_user_per_minute: 0, max_connections_per_ip: 10000, max_message_size: {size}}}
"""
OFFER = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}

random.seed(7692)
NOISE = bytes(random.randrange(256) for _ in range(131072))
WORDS = "the quick brown fox jumps over the lazy dog Ж 👋 {\"type\":\"chat_message\",\"data\":[0,1,2.5e3,null]} ".split(" ")
PROSE = "".join(random.choice(WORDS) + " " for _ in range(40000))


def message(size, number):
    """Prose, JSON-like text, noise and runs by turns, each another one."""
    kind = number % 4
    if kind == 0:
        return PROSE[number * 7 % 1000:][:size]
    if kind == 1:
        return NOISE[number % 64:][:size] + NOISE[:number % 64]
    if kind == 2:
        return (b"%d," % number) * (size // (1 + len(str(number))) + 1)
    return chr(97 + number % 26) * size


def parts(text, size):
    return [text[at:at + size] for at in range(0, len(text), size)] or [text]


async def echo_all(url, offer, fragment, sizes=SIZES, loops=LOOPS):
    """Number of messages that came back as they were; the close code."""
    count = 0
    async with websockets.connect(url, ping_interval=None, max_size=None, compression=None, extensions=[offer] if offer else None) as ws:
        for size in sizes:
            for number in range(loops):
                text = message(size, number + size)
                await ws.send(parts(text, fragment) if fragment else text)
                back = await asyncio.wait_for(ws.recv(), PATIENCE)
                if back != text:
                    raise AssertionError(f"message {number} of {size}: another one came back")
                count += 1
        names = [extension.name for extension in ws.extensions]
    return count, ws.close_code, names


def test_clients():
    """Every combination a client may ask for, against an upstream that does not compress."""
    offers = [(server, client, bits, own) for server in (False, True) for client in (False, True)
              for bits, own in ((None, True), (None, None), (8, True), (9, 9), (10, 10), (11, 11), (12, 12), (13, 13), (14, 14), (15, 15))]
    with Upstream(compression=None) as upstream, Framewall(OPEN.format(url=upstream.url(), mode="strip", size=1000000, more="")) as fw:
        for number, (server, client, bits, own) in enumerate(offers):
            offer = ClientPerMessageDeflateFactory(server, client, bits, own)
            sizes = SIZES[:7] if number % 4 else SIZES
            got = run(echo_all(fw.url(), offer, (0, 64, 1000)[number % 3], sizes))
            equal(got, (LOOPS * len(sizes), 1000, ["permessage-deflate"]),
                  f"client asks for takeover {not server} {not client}, windows {bits} {own}: all comes back, the close is clean")
        ok(all("Sec-WebSocket-Extensions" not in headers for headers in upstream.headers), "strip: the upstream is offered nothing")


def test_upstreams():
    """Every answer an upstream may give, with clients that compress and that do not."""
    for number, (client, bits, own) in enumerate((client, bits, own) for client in (False, True)
                                                 for bits, own in ((None, None), (8, 9), (9, 9), (10, 10), (12, 12), (15, 15), (None, 9))):
        factory = ServerPerMessageDeflateFactory(True, client, None if bits == 8 else bits, own)
        with Upstream(compression=None, extensions=[factory]) as upstream, \
                Framewall(OPEN.format(url=upstream.url(), mode="on", size=1000000, more="")) as fw:
            offer = ClientPerMessageDeflateFactory() if number % 2 else None
            got = run(echo_all(fw.url(), offer, (0, 500)[number % 2], SIZES[number % 2::2]))
            equal(got, (LOOPS * 5, 1000, ["permessage-deflate"] if offer else []),
                  f"upstream answers takeover {not client}, windows {bits} {own}: all comes back, the close is clean")
            equal(upstream.headers[0].get("Sec-WebSocket-Extensions"),
                  "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits", "on: it was offered it")


def test_conformance_profile():
    """examples/conformance.yaml before an ordinary server, which compresses by default; sixteen mebioctets of one letter."""
    with open(os.path.join(HERE, "../../examples/conformance.yaml")) as file:
        config = file.read()
    with Upstream() as upstream, Framewall(config.replace("ws://127.0.0.1:9001", upstream.url())) as fw:
        got = run(echo_all(fw.url(), ClientPerMessageDeflateFactory(), 0, SIZES[::3]))
        equal(got[1:], (1000, ["permessage-deflate"]), "a client that compresses")
        got = run(echo_all(fw.url(), None, 256, SIZES[1::3]))
        equal(got[1:], (1000, []), "a client that does not")

        async def large():
            async with websockets.connect(fw.url(), ping_interval=None, max_size=None) as ws:
                for text in ("*" * (16 * MEBIBYTE), b"*" * (16 * MEBIBYTE)):
                    await ws.send(text)
                    if await asyncio.wait_for(ws.recv(), 2 * PATIENCE) != text:
                        raise AssertionError("another message")
            return ws.close_code

        equal(run(large()), 1000, "16 MiB of one letter, both ways compressed")


def deflated(octets, flush=zlib.Z_SYNC_FLUSH):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (compressor.compress(octets) + compressor.flush(flush))[:-4]


def bomb(size):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = bytes(MEBIBYTE)
    pieces = [compressor.compress(block) for _ in range(size // MEBIBYTE)]
    return (b"".join(pieces) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflated(payload):
    return zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")


def test_octet_by_octet():
    """Each octet in a packet of its own, as far as the kernel lets it."""
    with Upstream(compression=None) as upstream, Framewall(OPEN.format(url=upstream.url(), mode="strip", size=10000, more="")) as fw:
        client = RawClient(fw.port, OFFER)
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        text = PROSE[:900]
        whole = deflated(text.encode())
        stream = RawClient.frame(whole, 0x41)
        stream += RawClient.frame(whole[:50], 0x41, final=False) + RawClient.frame(b"x", 9) + RawClient.frame(whole[50:], 0)
        for at in range(len(stream)):
            client.socket.sendall(stream[at:at + 1])
        got = [client.receive() for _ in range(3)]
        equal([payload for opcode, payload in got if opcode == 10], [b"x"], "a ping between fragments is answered")
        equal([inflated(payload) for opcode, payload in got if opcode == 1], [text.encode()] * 2,
              "a compressed message that came octet by octet comes back, whole and in fragments")
        equal(upstream.received, [text, text], "and the upstream had it plain")
        client.close()


def closed_with(client):
    """The close code that a client is told; error messages before it are passed over."""
    try:
        while True:
            opcode, payload = client.receive()
            if opcode == 8:
                return struct.unpack("!H", payload[:2])[0]
    except (EOFError, ConnectionError):
        return None


def bomb_frames(octets, pieces):
    """The bomb as one message in so many frames."""
    size = (len(octets) + pieces - 1) // pieces
    cut = [octets[at:at + size] for at in range(0, len(octets), size)]
    return b"".join(RawClient.frame(part, (0x42 if n == 0 else 0), final=n == len(cut) - 1) for n, part in enumerate(cut))


def explode(fw, frames, count):
    """So many clients send these at once; their close codes, and how much the process grew by at most."""
    codes, before, peak, done = [], fw.memory(), 0, threading.Event()

    def watch():
        nonlocal peak
        while not done.is_set():
            peak = max(peak, fw.memory())
            time.sleep(0.005)

    def one():
        client = RawClient(fw.port, OFFER)
        try:
            client.socket.sendall(frames)
        except ConnectionError:
            pass
        codes.append(closed_with(client))
        client.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENCE)
    done.set()
    watcher.join()
    return codes, peak - before


def test_bombs():
    """Attack row 7. The growth is of the proportional set size of the whole process, seen every 5 ms while so many bombs go off at once. What is
    allowed: 64 KiB for each connection, with what it sent; where it may send more than that, half as much again as it sent, since a message is
    kept until it is whole; and 3 MiB for each of two workers (an inflated message of at most 1 MiB, smaller buffers before it, zlib's state)."""
    huge, small = bomb(512 * MEBIBYTE), bomb(48 * MEBIBYTE)
    ok(len(huge) < 600000 and len(small) < 65536, f"bombs of {len(huge)} octets that are 512 MiB, of {len(small)} that are 48 MiB")
    cases = (("the limit is 8 KiB", 8192, "", huge, 1, 100), ("8 KiB, in 100 frames", 8192, "", huge, 100, 100),
             ("1 MiB", MEBIBYTE, "", small, 1, 150), ("1 MiB, in 500 frames", MEBIBYTE, "", small, 500, 150), ("1 MiB, 512 MiB bombs", MEBIBYTE, "", huge, 7, 10),
             ("64 MiB, by ratio", 64 * MEBIBYTE, "", huge, 3, 8), ("32 MiB, no ratio", 32 * MEBIBYTE, ", max_inflate_ratio: 0", small, 3, 20))
    with Upstream(compression=None) as upstream:
        for name, size, more, octets, pieces, count in cases:
            with Framewall(OPEN.format(url=upstream.url(), mode="strip", size=size, more=more), "--workers", "2") as fw:
                warm = RawClient(fw.port, OFFER)
                warm.socket.sendall(RawClient.frame(deflated(PROSE[:1000].encode()), 0x41))
                warm.receive()
                codes, growth = explode(fw, bomb_frames(octets, pieces), count)
                equal(set(codes), {1009}, f"{name}: each of {count} bombs is answered with 1009")
                kept = 65536 if size < len(octets) else max(65536, len(octets) * 3 // 2)
                print(f"# {name}: grew by {growth / 1024:.0f} KiB, {growth / count / 1024:.0f} KiB for each of {count} bombs")
                if fw.memory_counts():
                    ok(growth <= count * kept + 6 * MEBIBYTE, f"{name}: memory within its bound", growth)
                warm.socket.sendall(RawClient.frame(deflated(PROSE[:1000].encode()), 0x41))
                equal(inflated(warm.receive()[1]), PROSE[:1000].encode(), f"{name}: an honest client talks on")
                warm.close()


def test_corrupt():
    """Attack row 14: random damage to a compressed message ends that connection with 1007, or it was still whole; never anything else."""
    whole = deflated(PROSE[:600].encode())
    with Upstream(compression=None) as upstream, Framewall(OPEN.format(url=upstream.url(), mode="strip", size=10000, more="")) as fw:
        seen = {}
        for number in range(120):
            octets = bytearray(whole)
            for _ in range(1 + number % 3):
                octets[random.randrange(len(octets))] ^= 1 << random.randrange(8)
            client = RawClient(fw.port, OFFER)
            client.socket.sendall(RawClient.frame(bytes(octets), 0x41) + RawClient.frame(b"end", 2))
            opcode, payload = client.receive()
            word = struct.unpack("!H", payload[:2])[0] if opcode == 8 else "message" if opcode in (1, 2) else opcode
            seen[word] = seen.get(word, 0) + 1
            client.close()
        ok(set(seen) <= {1007, 1009, "message"} and seen.get(1007, 0) > 60, f"damaged messages: {seen}", seen)


if __name__ == "__main__":
    main(test_clients, test_upstreams, test_conformance_profile, test_octet_by_octet, test_bombs, test_corrupt)
