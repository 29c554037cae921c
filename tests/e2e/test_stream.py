#!/usr/bin/python3
"""What operators see as it happens: the stream of the admin port, the list of connections, and the end of one."""
import http.client

from framewall import *

PLACES = ("--listen", "localhost:0", "--admin", "localhost:0", "--workers", "2")


def admin_token(server):
    with open(os.path.join(server.data, "admin.token")) as file:
        return file.read().strip()


def ask(server, method, path, credential=None, headers=None):
    connection = http.client.HTTPConnection("localhost", server.admin_port(), timeout=PATIENCE)
    connection.request(method, path, headers={"Authorization": "Bearer " + (credential or admin_token(server)), **(headers or {})})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body) if body else None


def stream(server, credential=None, **options):
    return websockets.connect(f"ws://localhost:{server.admin_port()}/api/v1/stream",
                              subprotocols=["framewall.bearer", credential or admin_token(server)], ping_interval=None, compression=None, **options)


async def next_of(socket, kind, condition=lambda data: True):
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))
        if message["type"] == kind and condition(message["data"]):
            return message["data"]


def has(kind, **wanted):
    def found(data):
        return [e for e in data["events"] if e["event_type"] == kind and all(e.get(key) == value for key, value in wanted.items())]
    return found


def events_and_figures():
    async def go(server):
        async with stream(server) as watching:
            equal(watching.subprotocol, "framewall.bearer", "the browser's way to bring a token is chosen")
            first = await next_of(watching, "figures")
            equal((first["active_connections"], first["workers"]), (0, 2), "figures come at once")
            ok((await next_of(watching, "events"))["missed"] == 0, "and the records there are, of which none was missed")
            async with server.connect("alice") as client:
                await next_of(watching, "events", has("auth_success", user_id="alice"))
                ok(True, "a login is told")
                await client.send("{")
                await next_of(watching, "events", has("invalid_message", user_id="alice"))
                ok(True, "a refusal is told, without being asked for")
                await next_of(watching, "figures", lambda data: data["active_connections"] == 1)
                ok(True, "the figures follow")
            stats = await next_of(watching, "figures", lambda data: data["active_connections"] == 0)
            equal(sorted(stats), sorted(ask(server, "GET", "/api/v1/stats")[1]), "they are those of /api/v1/stats")

    with Framewall(RELAXED, places=PLACES) as server:
        run(go(server))


def what_was_told_is_the_record():
    """Every record, once and in order, however many come."""
    async def go(server):
        async with stream(server) as watching:
            async with server.connect("bob") as client:
                for _ in range(3000):
                    await client.send("{")
            told, missed = [], 0
            while not [e for e in told if e["event_type"] == "websocket_disconnect"]:
                data = await next_of(watching, "events")
                told += data["events"]
                missed += data["missed"]
            ids = [e["event_id"] for e in told]
            equal(len(set(ids)), len(ids), f"none of {len(ids)} is told twice")
            # Those of the ledger itself are told to nobody.
            written = [e["event_id"] for e in server.records() if e["event_type"] != "ledger_epoch"]
            written = written[:written.index(ids[-1]) + 1]
            equal([i for i in written if i in set(ids)], ids, "they come in the order of the record")
            equal(len(ids) + missed, len(written), f"and those that were not told ({missed}) are counted")

    with Framewall(RELAXED, places=PLACES) as server:
        run(go(server))


def refused():
    async def status_of(server, **options):
        try:
            async with websockets.connect(f"ws://localhost:{server.admin_port()}/api/v1/stream", ping_interval=None, **options):
                return 101
        except websockets.exceptions.InvalidStatusCode as error:
            return error.status_code

    async def go(server):
        token = admin_token(server)
        equal(await status_of(server), 401, "no stream without a token")
        equal(await status_of(server, subprotocols=["framewall.bearer", "wrong"]), 401, "nor with a wrong one")
        equal(await status_of(server, subprotocols=[token]), 401, "nor with one that is not said to be one")
        equal(await status_of(server, extra_headers={"Authorization": "Bearer " + token}), 101, "a header brings it, too")
        equal(await status_of(server, extra_headers={"Authorization": "Bearer " + token}, origin="http://evil.example"), 403, "no page from elsewhere")
        equal(await status_of(server, extra_headers={"Authorization": "Bearer " + token}, origin=f"http://localhost:{server.admin_port()}"), 101, "its own page")
        equal(ask(server, "GET", "/api/v1/stream")[0], 426, "and nobody who does not ask for a WebSocket")
        async with stream(server) as watching:
            await watching.send("hello")
            await watching.wait_closed()
            equal(watching.close_code, 1003, "who says something is told that nothing is taken")
        open_ones = [await stream(server) for _ in range(16)]
        equal(await status_of(server, subprotocols=["framewall.bearer", token]), 503, "sixteen at once")
        await open_ones.pop().close()
        equal(await status_of(server, subprotocols=["framewall.bearer", token]), 101, "and again one when one left")
        for one in open_ones:
            await one.close()

    with Framewall(RELAXED, places=PLACES) as server:
        run(go(server))


def hostile_frames():
    """Every frame that there may not be, cut anywhere: the stream ends, the server goes on."""
    def shake(server):
        raw = socket.create_connection(("localhost", server.admin_port()), timeout=PATIENCE)
        raw.sendall((f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost:{server.admin_port()}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\nAuthorization: Bearer {admin_token(server)}\r\n\r\n").encode())
        return raw

    def ends(raw):
        try:
            while raw.recv(65536):
                pass
            return True
        except ConnectionError:
            return True
        except OSError:
            return False
        finally:
            raw.close()

    with Framewall(RELAXED, places=PLACES) as server:
        frames = {"unmasked": b"\x81\x01a", "reserved opcode": b"\x83\x80\0\0\0\0", "RSV": b"\xc1\x80\0\0\0\0", "2^63": b"\x82\xff" + b"\xff" * 8,
                  "long ping": b"\x89\xfe\x00\xff" + b"\0" * 4, "close of one octet": b"\x88\x81\0\0\0\0a", "too large": b"\x82\xfe\x10\x00\0\0\0\0"}
        for name, frame in frames.items():
            for cut in {len(frame), 1, 2}:
                raw = shake(server)
                raw.sendall(frame[:cut])
                time.sleep(0.01)
                if cut == len(frame):
                    raw.settimeout(15)
                    raw.shutdown(socket.SHUT_WR)
                    ok(ends(raw), f"{name}: it ends")
                raw.close()
        raw = shake(server)
        raw.sendall(b"\x89\x80\0\0\0\0" * 20000)  # pings of somebody who does not read
        raw.close()
        equal(ask(server, "GET", "/healthz")[0], 200, "the server goes on")


def not_read():
    """Who does not read what he is told is left, and costs no memory."""
    async def go(server):
        raw = socket.create_connection(("localhost", server.admin_port()))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall((f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     f"Sec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\nAuthorization: Bearer {admin_token(server)}\r\n\r\n").encode())
        before = server.memory()
        async with stream(server) as watching:
            async with server.connect("carol") as client:
                for _ in range(20000):
                    await client.send("{")
            await next_of(watching, "events", has("websocket_disconnect", user_id="carol"))
            ok(True, "another one is told all the same")
        if server.memory_counts():
            ok(server.memory() - before < 24 << 20, "memory stays", server.memory() - before)
        raw.close()

    with Framewall(RELAXED, places=PLACES) as server:
        run(go(server))


def connections():
    async def go(server):
        upstream_none = ask(server, "GET", "/api/v1/connections")
        equal(upstream_none, (200, {"connections": [], "total": 0, "complete": True}), "nobody is connected")
        async with server.connect("alice") as alice, server.connect("bob") as bob, server.connect("bob") as other:
            await alice.send('{"type":"chat_message","text":"hello"}')
            await alice.recv()
            status, found = ask(server, "GET", "/api/v1/connections")
            equal((status, found["total"], sorted(c["user_id"] for c in found["connections"])), (200, 3, ["alice", "bob", "bob"]), "three connections of two users")
            hers = [c for c in found["connections"] if c["user_id"] == "alice"][0]
            equal((hers["source_ip"], hers["role"], hers["route"], hers["open"], hers["tls"], hers["proxied"]), (alice.local_address[0], "user", "/", True, False, False), "who, from where, on which route")
            ok(hers["messages_in"] == 1 and hers["messages_out"] >= 1 and hers["connected_seconds"] <= 120, "and how much", hers)
            record = [e for e in server.wait_records("auth_success") if e["user_id"] == "alice"][0]
            equal(str(record["connection_id"]), hers["connection_id"], "by the number that the record has")
            equal([c["user_id"] for c in ask(server, "GET", "/api/v1/connections?user_id=bob")[1]["connections"]], ["bob", "bob"], "of one user")
            found = ask(server, "GET", "/api/v1/connections?user_id=bob&limit=1")[1]
            equal((len(found["connections"]), found["total"]), (1, 2), "some of them, and how many there are")
            equal(ask(server, "GET", "/api/v1/connections?source_ip=192.0.2.1")[1]["total"], 0, "of one address")
            for query in ("limit=0", "limit=1001", "user_id=", "source_ip=here", "color=red"):
                equal(ask(server, "GET", "/api/v1/connections?" + query)[0], 400, f"{query} is refused")
            equal(ask(server, "DELETE", "/api/v1/connections/" + hers["connection_id"])[0], 204, "one is ended")
            await alice.wait_closed()
            equal(alice.close_code, 4403, "and told so")
            for one in (bob, other):
                await one.ping()
            equal(ask(server, "GET", "/api/v1/connections")[1]["total"], 2, "the others stay")
            done = server.wait_records("admin_action")
            equal([(r["details"]["action"], str(r["details"]["connection"])) for r in done if "connection" in r["details"]], [("connection close", hers["connection_id"])], "it is recorded")
            for path in ("/api/v1/connections/x", "/api/v1/connections/-1", "/api/v1/connections/99999999999999999999999"):
                equal(ask(server, "DELETE", path)[0], 404, f"{path} is none")
            equal(ask(server, "GET", "/api/v1/connections", credential="wrong")[0], 401, "not without the token")
        many = [await server.connect(f"user{i}", max_queue=None) for i in range(60)]  # each is told of all others
        results = []
        threads = [threading.Thread(target=lambda: results.append(ask(server, "GET", "/api/v1/connections"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            await asyncio.sleep(0.01)
        ok(all(status == 503 or found["total"] == 60 for status, found in results) and any(status == 200 for status, _ in results), "asked by many at once each is answered whole or told to come again", results)
        for one in many:
            await one.close()

    with Framewall(RELAXED, places=PLACES) as server:
        run(go(server))


main(events_and_figures, what_was_told_is_the_record, refused, hostile_frames, not_read, connections)
