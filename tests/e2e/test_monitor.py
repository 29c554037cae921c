#!/usr/bin/python3
"""Monitor mode: nothing at all changes, in either direction; the record says what enforce would have done."""
from framewall import *

# A little of everything that enforce refuses, rewrites or answers itself.
MESSAGES = [
    chat("plain"), "{", "[]", "not json \u00e9", "", '{"type":"chat_message","text":"a","text":"b"}',
    json.dumps({"type": "no_such_type"}), json.dumps({"type": "ping", "timestamp": 1}), json.dumps({"type": "csrf_refresh"}),
    chat("<script>alert(1)</script>"), chat("x" * 9000), json.dumps({"type": "admin_command", "command": "reboot"}),
    json.dumps({"type": "create_task", "title": "t", "csrf_token": "stays"}), json.dumps({"type": "auth", "token": "x"}),
    b"\x00\xff\xfe binary", b"", "y" * 200000, chat("last"),
]


async def talk(url, headers):
    got = []
    async with websockets.connect(url, ping_interval=None, extra_headers=headers, max_size=None, compression=None) as ws:
        for message in MESSAGES:
            await ws.send(message)
        for _ in range(len(MESSAGES) + 1):  # its greeting, then each one
            got.append(await asyncio.wait_for(ws.recv(), PATIENCE))
        await ws.close(4321, "as I say")
    return got, ws.response_headers


def test_same_as_without():
    closes = []

    async def echo(server, websocket):
        await websocket.send("hello first")
        try:
            async for message in websocket:
                server.received.append(message)
                await websocket.send(message)
        finally:
            closes.append((websocket.close_code, websocket.close_reason))

    headers = {"X-Framewall-User": "mine", "Authorization": "Basic abc", "Cookie": "a=b", "X-Custom": "kept"}
    with Upstream(echo) as upstream:
        direct = run(talk(upstream.url(), headers))
        received, upstream.received = upstream.received, []
        with Framewall(None, "--upstream", upstream.url(), "--mode", "monitor") as fw:
            through = run(talk(fw.url(), headers))
            equal(through[0] == direct[0], True, "the client receives the same messages")
            equal(upstream.received == received, True, "the upstream receives the same messages")
            until(lambda: len(closes) == 2)
            equal(closes[1], closes[0], "and the same close")

            def without(number):
                left = {name.lower(): value for name, value in upstream.headers[number].items()}
                return {name: left[name] for name in left if name not in ("host", "sec-websocket-key")}

            equal(without(1), without(0), "the handshake reaches the upstream as it was sent")
            ok(fw.wait_records("invalid_message"), "the record says what enforce would have refused")
            ok(fw.wait_records("message_too_large") and fw.wait_records("content_rewritten"), "and what it would have rewritten")
            marked = [record["details"].get("mode") for record in fw.records("invalid_message")]
            equal(set(marked), {"monitor"}, "each such record says that it only watched")


def test_with_a_login():
    """A credential that is there is judged, passed on as it came, and tells what its role might do."""
    async def scenario(fw):
        async with fw.connect() as ws:
            for message in MESSAGES:
                await ws.send(message)
            return [await asyncio.wait_for(ws.recv(), PATIENCE) for _ in MESSAGES]

    with Upstream() as upstream, Framewall(None, "--upstream", upstream.url(), "--mode", "monitor") as fw:
        equal(run(scenario(fw)) == MESSAGES, True, "everything passes")
        equal(upstream.headers[0].get("Authorization", "")[:7], "Bearer ", "the credential with it")
        ok(fw.wait_records("permission_denied"), "the record says what the role may not do")


def test_no_limits():
    """Nothing is refused by rate or number either."""
    async def scenario(fw):
        sockets = [await websockets.connect(fw.url(), ping_interval=None) for _ in range(10)]
        for ws in sockets:
            for n in range(300):
                await ws.send(f"{n}")
            for n in range(300):
                if await asyncio.wait_for(ws.recv(), PATIENCE) != f"{n}":
                    return False
        for ws in sockets:
            await ws.close()
        return True

    with Upstream() as upstream, Framewall(None, "--upstream", upstream.url(), "--mode", "monitor") as fw:
        ok(run(scenario(fw)), "10 connections, 300 messages a second or faster each, none refused")
        equal(len(upstream.received), 3000, "all of them reached the upstream")


main(test_same_as_without, test_no_limits)
