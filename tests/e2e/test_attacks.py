#!/usr/bin/python3
"""Attack rows 4 to 14, 16, 17, 23, 29 and 30, each with somebody honest beside it: a hundred times a second he asks and is answered, from before
the attack until after it, without a single failure. What each costs is for bench/floods.py.

ATTACKS_CYCLES (15): how often the upstream is killed. ATTACKS_EVENTS (100000): messages that are each an event.
"""
import zlib

from certificates import Authority
from framewall import *

MIB = 1024 * 1024
CYCLES = int(os.environ.get("ATTACKS_CYCLES", "15"))
EVENTS = int(os.environ.get("ATTACKS_EVENTS", "100000"))
PING = RawClient.frame('{"type":"ping"}')


class Honest:
    """Asks and hears the answer, on a connection of his own, until the end of the with; what went wrong is a failure of the test."""

    def __init__(self, fw, what, wrap=None):
        self.client, self.what, self.over, self.count, self.failed = RawClient(fw.port, fw.bearer("honest"), wrap=wrap), what, False, 0, None
        self.thread = threading.Thread(target=self.speak)

    def speak(self):
        try:
            while not self.over:
                if not self.client.is_open():
                    raise EOFError("closed")
                self.count += 1
                time.sleep(0.01)
        except (OSError, EOFError, ValueError, IndexError) as error:
            self.failed = repr(error)

    def __enter__(self):
        self.thread.start()
        until(lambda: self.count > 10 or self.failed)
        return self

    def __exit__(self, *error):
        before = self.count
        until(lambda: self.count > before + 10 or self.failed)
        self.over = True
        self.thread.join(PATIENCE)
        self.client.close()
        equal(self.failed, None, f"{self.what}: the honest one is served all along ({self.count} answers)")


def config(**websocket):
    """RELAXED, with these keys of websocket and no pings of its own."""
    lines = "".join(f"\n  {key}: {value}" for key, value in {"ping_interval": 0, **websocket}.items())
    return RELAXED.replace("\n  control_frames_per_minute: 1000000", "").replace("websocket:", "websocket:" + lines)


# Frames --------------------------------------------------------------------------------------------------------------
def bad_frames():
    """Rows 8 to 14: what each is, its octets, the close codes that are right."""
    frame = RawClient.frame
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = deflater.compress(b"\xff" * 100) + deflater.flush(zlib.Z_SYNC_FLUSH)
    mask = b"\x00\x00\x00\x00"
    yield "9: length 2^63", b"\x81\xff\x80" + bytes(7) + mask, {1002}
    yield "9: length 2^62", b"\x81\xff\x40" + bytes(7) + mask, {1009}
    yield "10: a length in more octets than it needs", b"\x81\xfe\x00\x05" + mask + b"hello", {1002}
    yield "10: in eight", b"\x81\xff" + bytes(6) + b"\x00\xff" + mask, {1002}
    yield "11: no mask", b"\x81\x05hello", {1002}
    yield "12: RSV2", frame("x", 0x21), {1002}
    yield "12: an opcode that is none", frame("x", 3), {1002}
    yield "12: a ping in fragments", frame("x", 9, final=False), {1002}
    yield "12: a long ping", frame("x" * 126, 9), {1002}
    yield "12: a close code that is none", frame(struct.pack("!H", 1005), 8), {1002}
    yield "12: a continuation of nothing", frame("x", 0), {1002}
    yield "13: invalid UTF-8, the rest of the frame never comes", b"\x81\xfe\x03\xe8" + mask + b"{\"a\":\"\xff", {1007}
    yield "13: split in a character", frame(b"\xce", final=False) + b"\x80\xfe\x03\xe8" + mask + b"\x41", {1007}
    yield "13: in the reason of a close", frame(struct.pack("!H", 1000) + b"\xc0\x80", 8), {1007, 1002}
    yield "13: inside of what is compressed", frame(deflated[:-4], 0x41), {1007}
    yield "14: not deflate at all", frame(b"\xff" * 50, 0x41), {1007}


def test_frames():
    with Framewall(config(compression="on")) as fw, Honest(fw, "bad frames"):
        for name, octets, codes in bad_frames():
            told = set()
            for _ in range(20):
                client = RawClient(fw.port, {**fw.bearer("mallory"), "Sec-WebSocket-Extensions": "permessage-deflate"})
                client.socket.sendall(octets)
                told.add(client.close_code())
                client.close()
            ok(told <= codes, name, told)
        for name, head in (("8: a line of 64 KiB", b"X: " + b"y" * 65536), ("8: 500 fields", b"\r\n".join(b"X-%d: y" % n for n in range(500)))):
            client = RawClient(fw.port, request=b"GET / HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n")
            equal(client.read_head(), 431, name)
            client.close()


def test_zero_mask():
    """Row 11: taken, and counted."""
    with Framewall(config()) as fw, Honest(fw, "masks of zeros"):
        client = RawClient(fw.port, fw.bearer("mallory"))
        for _ in range(100):
            client.socket.sendall(RawClient.frame('{"type":"ping"}', mask=bytes(4)))
        ok(client.is_open(), "11: a mask of zeros is taken")
        equal(fw.stats()["counters"]["masks_zero"], 100, "and counted")
        client.close()


# Floods on one connection --------------------------------------------------------------------------------------------
def test_pings():
    """Row 4. Where there is no limit, who does not read the answers is not read any more, and then dropped."""
    with Framewall(config(control_frames_per_minute=0, stall_timeout=2)) as fw, Honest(fw, "a flood of pings"):
        before, sent = fw.memory(), 0
        client = RawClient(fw.port, fw.bearer("mallory"), buffer=4096)
        blob = b"".join(RawClient.frame(b"%08d" % n, 9) for n in range(10000))
        try:
            while sent < 5000000 and not fw.records("slow_consumer"):
                client.socket.settimeout(0.2)
                try:
                    client.socket.sendall(blob)
                    sent += len(blob) // 14
                except TimeoutError:
                    blob = blob[:1]  # somewhere in a frame: what follows is of no use
        except OSError:
            pass  # dropped
        grown = fw.memory() - before
        equal([record["details"]["cause"] for record in fw.wait_records("slow_consumer")], ["reads nothing"], f"4: who does not read pongs is dropped, after {sent} pings")
        ok(sent < 5000000, "and was not read on meanwhile", sent)
        if fw.memory_counts():
            ok(grown < 8 * MIB, "nothing gathers", grown)
        client.close()
    with Framewall(config()) as fw, Honest(fw, "more pings than are allowed"):
        client = RawClient(fw.port, fw.bearer("mallory"))
        client.socket.sendall(RawClient.frame(b"", 9) * 500)
        equal(client.close_code(), 1008, "4: beyond the rate it is 1008")
        client.close()


def fragments(fw, first, piece, count):
    """So many continuations, in one go; the close code."""
    client = RawClient(fw.port, fw.bearer("mallory"))
    client.socket.sendall(first)
    blob, code = piece * 10000, []
    reader = threading.Thread(target=lambda: code.append(client.close_code()))
    reader.start()
    try:
        for _ in range(count // 10000):
            client.socket.sendall(blob)
            if code:
                break
    except OSError:
        pass
    reader.join(5 if not code else PATIENCE)
    return client, code[0] if code else None


def test_fragments():
    """Rows 5 and 6."""
    first, crumb, empty = RawClient.frame(b"x", final=False), RawClient.frame(b"x", 0, final=False), RawClient.frame(b"", 0, final=False)
    with Framewall(config()) as fw, Honest(fw, "floods of fragments"):
        before = fw.memory()
        for name, piece in (("5: two million fragments of an octet", crumb), ("6: of none", empty)):
            client, code = fragments(fw, first, piece, 2000000)
            equal(code, 1008, name)
            client.close()
        if fw.memory_counts():
            ok(fw.memory() - before < 8 * MIB, "memory stays", fw.memory() - before)
    with Framewall(config(max_fragments=0)) as fw, Honest(fw, "floods of fragments, which may be as many as they like"):
        client, code = fragments(fw, first, crumb, 2000000)
        equal(code, 1009, "5: without a limit of fragments that of a message is one")
        client.close()
        used = fw.cpu()
        client = RawClient(fw.port, fw.bearer("mallory"))
        client.socket.sendall(RawClient.frame('{"type":', final=False))
        blob = empty * 10000
        for _ in range(1000):
            client.socket.sendall(blob)
        client.socket.sendall(RawClient.frame('"ping"}', 0))
        ok(b"pong" in client.receive()[1], "6: ten million empty ones are taken, and then the message")
        print(f"# {fw.cpu() - used:.2f} s of processor time, with the honest one's")
        client.close()


def test_bombs():
    """Row 7: a thousand at once, each of 64 MiB in 64 KiB, all of them in before the first one goes off."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = RawClient.frame((deflater.compress(bytes(64 * MIB)) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4], 0x41)
    with Framewall(config(compression="on"), "--workers", "2") as fw, Honest(fw, "bombs"):
        clients = [RawClient(fw.port, {**fw.bearer(f"mallory{n}"), "Sec-WebSocket-Extensions": "permessage-deflate"}) for n in range(1000)]
        before = fw.memory()
        for client in clients:
            client.socket.sendall(bomb[:4000])
        grown = fw.memory() - before
        for client in clients:
            try:
                client.socket.sendall(bomb[4000:])
            except OSError:
                pass  # refused before its end
        codes = set()
        for client in clients:
            try:
                codes.add(client.close_code())
            except (OSError, EOFError):
                codes.add("reset")  # by what it sent when it was closed
            client.close()
        ok(codes <= {1009, "reset"} and 1009 in codes, "7: a thousand bombs are refused", codes)
        if fw.memory_counts():
            grown = max(grown, fw.memory() - before)
            ok(grown < 1000 * 65536, f"at {grown / 1000 / 1024:.1f} KiB each", grown)


# Many connections ----------------------------------------------------------------------------------------------------
def test_connections():
    """Row 16: from a thousand addresses."""
    with Framewall(config(handshake_timeout=2)) as fw, Honest(fw, "a flood of connections"):
        kept, refused = [], 0
        for n in range(6000):
            try:
                client = RawClient(fw.port, source=f"127.{1 + n % 1000 // 250}.{n % 250}.7", request=b"GET / HTTP/1.1\r\n" if n % 2 else b"")
                (kept.append if n % 3 == 0 else RawClient.close)(client)
            except OSError:
                refused += 1
            if n % 1000 == 999:
                late = RawClient(fw.port, fw.bearer("late"))
                ok(late.status == 101 and late.is_open(), f"16: after {n + 1} connections another one comes in")
                late.close()
        ok(until(lambda: fw.stats()["active_connections"] <= 1), "and they are gone in the end", (fw.stats()["active_connections"], refused))
        for client in kept:
            client.close()


def test_handshakes():
    """Row 17: handshakes of TLS and nothing else, from four threads."""
    with Authority() as authority:
        pair = authority.sign("server")
        with Framewall(config(), *pair.options()) as fw, Honest(fw, "a flood of TLS handshakes", authority.wrap()):
            over, made, wrap = time.monotonic() + 5, [0] * 4, authority.wrap()

            def shake(number):
                while time.monotonic() < over:
                    try:
                        RawClient(fw.port, wrap=wrap).close()
                        made[number] += 1
                    except OSError:
                        pass

            threads = [threading.Thread(target=shake, args=(number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            ok(sum(made) > 20, f"17: {sum(made)} handshakes")


# Others --------------------------------------------------------------------------------------------------------------
def test_upstream_killed():
    """Row 23: it dies under its clients again and again. Each is told, gets nothing of anybody else, and nothing of it is left."""
    with Upstream() as mine:
        port = free_port()
        routes = f'routes: [{{path: "/mine", upstream: "{mine.url()}"}}, {{path: "*", upstream: "ws://127.0.0.1:{port}"}}]\n'
        with Framewall(config() + routes, "--workers", "2") as fw:
            honest = RawClient(fw.port, fw.bearer("honest"), path="/mine")
            counts = {"told": 0, "foreign": 0, "honest": 0}
            descriptors = None
            for cycle in range(CYCLES):
                upstream = Upstream(port=port)
                clients = [RawClient(fw.port, fw.bearer(f"user{n}")) for n in range(4)]
                for n, client in enumerate(clients):
                    client.send(chat(f"{cycle} {n}"))
                for n, client in enumerate(clients):
                    counts["foreign"] += client.receive()[1].decode() != chat(f"{cycle} {n}")
                upstream.kill()
                for client in clients:
                    counts["told"] += client.close_code() == 1013
                    client.close()
                honest.send(chat(str(cycle)))
                counts["honest"] += honest.receive()[1].decode() == chat(str(cycle))
                if cycle == 5:
                    until(lambda: fw.stats()["active_connections"] == 1)
                    descriptors = fw.descriptors()
            equal(counts, {"told": 4 * CYCLES, "foreign": 0, "honest": CYCLES}, f"23: {CYCLES} times it dies: each is told, nobody gets what is another's, who is on another route is served")
            ok(until(lambda: fw.descriptors() <= descriptors), "and nothing is left of them", (descriptors, fw.descriptors()))
            late = RawClient(fw.port, fw.bearer("late"))
            equal(late.status, 502, "while it is away newcomers get 502")
            late.close()
            honest.close()


def test_complexity():
    """Row 29: the same size, the most work. What each costs beside an ordinary message is in bench/floods.py."""
    worst = {
        "nested": '{"a":' * 1300 + "1" + "}" * 1300,
        "arrays": '{"type":"chat_message","text":' + "[" * 3900 + "]" * 3900 + "}",
        "many keys": "{" + ",".join(f'"{n:x}":{n}' for n in range(700)) + "}",
        "one key": "{" + ",".join('"type":"ping"' for _ in range(550)) + "}",
        "escapes": '{"type":"chat_message","text":"' + r"\u0041" * 1300 + '"}',
        "encoded": chat("%2525" * 1300),
        "entities": chat("&#x26;amp;" * 600),
        "tags": chat("<b " * 2600),
        "quotes": chat("' or ''='" * 800),
        "dots": chat("../" * 2600),
        "number": '{"type":"ping","timestamp":' + "9" * 7900 + "}",
    }
    with Framewall(config()) as fw, Honest(fw, "messages that are much work"):
        for name, text in worst.items():
            client = RawClient(fw.port, fw.bearer("mallory"))
            for _ in range(100):
                client.send(text)
            ok(client.is_open() in (True, False), f"29: {name}: judged, and the program goes on")
            client.close()


def refusals(client, count, what=b"INVALID_MESSAGE"):
    """Reads until so many of its messages were refused."""
    for _ in range(count):
        while what not in client.receive()[1]:
            pass


def heard_before(gate, attackers, count, honest):
    """How many messages of each attacker are answered before what somebody honest says, when all of it waits together."""
    before = []
    os.kill(gate, signal.SIGSTOP)
    until(lambda: all(open(path, encoding="ascii").read().rpartition(")")[2].split()[0] == "T" for path in glob.glob(f"/proc/{gate}/task/*/stat")))
    try:
        for attacker in attackers:
            attacker.socket.sendall(RawClient.frame("{}") * count)
        honest.send(chat("hello"))
    finally:
        os.kill(gate, signal.SIGCONT)
    for attacker in attackers:
        answers = 0
        while b'"hello"' not in (payload := attacker.receive()[1]):
            answers += b"INVALID_MESSAGE" in payload
        before.append(answers)
    return before


def recorded(fw):
    """Messages that are in the record as no valid ones, and in its sums."""
    records = fw.records("invalid_message")
    return len(records), sum(record["details"]["count"] if "last_event_id" in record["details"] else 1 for record in records)


def test_turns():
    """Row 29: very many small messages that wait at once. What somebody honest says is not behind all of them, but behind a part of each one's: it is
    seen among their own answers."""
    with Framewall(config(), "--workers", "1") as fw:
        attackers, honest, gate = [RawClient(fw.port, fw.bearer(f"mallory{n}")) for n in range(4)], RawClient(fw.port, fw.bearer("honest")), fw.part("fw-gate")
        count = 6000
        before = heard_before(gate, attackers, count, honest)
        ok(max(before) < count / 4, "29: of 6000 messages that wait of each of four, few are judged before somebody else's", before)
        for client in (*attackers, honest):
            client.close()


def test_queue():
    """Row 29: who is known to say much stands behind all others: what somebody honest says meanwhile is heard before any of what eight such connections
    have waiting, and goes out before it."""
    with Framewall(config(), "--workers", "1") as fw:
        attackers, honest, gate = [RawClient(fw.port, fw.bearer(f"mallory{n}")) for n in range(8)], RawClient(fw.port, fw.bearer("honest")), fw.part("fw-gate")
        for attacker in attackers * 2:  # by which they are known
            attacker.socket.sendall(RawClient.frame("{}") * 200)
            refusals(attacker, 200)
        before = heard_before(gate, attackers, 1000, honest)
        equal(max(before), 0, "29: who is known to say much has nothing judged before somebody else's message")
        for client in (*attackers, honest):
            client.close()


def test_recorder_late():
    """Row 29: while the recorder is late, who is known to say much waits for it before there is no room left for the records of others: they are served."""
    with Framewall(config(), "--workers", "1") as fw:
        attackers, honest, keeper = [RawClient(fw.port, fw.bearer(f"mallory{n}")) for n in range(8)], RawClient(fw.port, fw.bearer("honest")), fw.part("fw-keeper")
        count, known = 1000, 400
        for attacker in attackers * 2:
            attacker.socket.sendall(RawClient.frame("{}") * (known // 2))
            refusals(attacker, known // 2)
        os.kill(keeper, signal.SIGSTOP)
        try:
            for attacker in attackers:
                attacker.socket.sendall(RawClient.frame("{}") * count)
            answered = sum(honest.is_open() for _ in range(100))
        finally:
            os.kill(keeper, signal.SIGCONT)
        equal(answered, 100, f"29: {8 * count} messages that are each a record, and nobody who takes records: somebody else is answered")
        for attacker in attackers:
            refusals(attacker, count)
        for client in (*attackers, honest):
            client.close()
        fw.signal()
        fw.wait()
        equal(recorded(fw)[1], 8 * (count + known), "29: and none of the records is lost")


def test_events():
    """Row 30: each message is an event, far more of them than records, and their number is exact."""
    budget = "audit_logging: { source_budget: { records: 50, per: 3600, summed_for: 3 } }\n"
    with Framewall(config() + budget) as fw:
        with Honest(fw, f"{EVENTS} events"):
            client = RawClient(fw.port, fw.bearer("mallory"))
            blob, told = RawClient.frame("{") * 500, 0
            for _ in range(EVENTS // 500):
                client.socket.sendall(blob)
                refusals(client, 500, b"INVALID_JSON")
                told += 500
            client.close()
        counters = fw.stats()["counters"]
        fw.signal()
        fw.wait()
        records, count = recorded(fw)
        equal((told, counters["refused"], count), (EVENTS, EVENTS, EVENTS), f"30: {EVENTS} events are in {records} records, none is missing from their sum, nor from the figures")
        ok(records < 10000, "which are few", records)


main(test_frames, test_zero_mask, test_pings, test_fragments, test_bombs, test_connections, test_handshakes, test_upstream_killed, test_complexity, test_turns, test_queue, test_recorder_late, test_events)
