#!/usr/bin/python3
"""SIGTERM: clients get 1001, nothing that was accepted is lost, newcomers are turned away; a second signal does not wait."""
from framewall import *


def test_drain():
    start = []

    async def scenario(fw, upstream):
        sockets = [await fw.connect(user=f"user{i}") for i in range(20)]
        for ws in sockets:
            for n in range(20):
                await ws.send(chat(f"{n}"))
        idle = await websockets.connect(fw.url(), ping_interval=None)  # not logged in
        until(lambda: len(upstream.received) == 400)
        start.append(time.monotonic())
        fw.signal()
        for ws in sockets + [idle]:
            await asyncio.wait_for(ws.wait_closed(), PATIENCE)
        equal({ws.close_code for ws in sockets + [idle]}, {1001}, "everybody is told 1001")
        heard = 0
        for ws in sockets:
            while True:
                try:
                    await ws.recv()
                    heard += 1
                except websockets.ConnectionClosed:
                    break
        equal(heard, 400, "what the upstream had answered arrived before")

    with Upstream() as upstream, Framewall(RELAXED, "--upstream", upstream.url(), "--workers", "2") as fw:
        run(scenario(fw, upstream))
        equal(fw.wait(), 0, "the program ends")
        ok(time.monotonic() - start[0] < 9, "when all have closed, not when those that are left are cut")
        changes = [record["details"]["change"] for record in fw.records("system_changes")]
        equal(changes, ["started", "draining", "stopped"], "and says so in the record")
        equal(len(fw.records("websocket_disconnect")), 21, "each connection has its last record")


def test_new_connections():
    """A client that does not answer the close keeps the drain waiting, and the door is shut meanwhile."""
    with Framewall(RELAXED) as fw:
        mute = RawClient(fw.port, fw.bearer())
        fw.signal()
        until(lambda: any("draining" in line for line in fw.lines))

        def refused():
            try:
                RawClient(fw.port).close()
                return False
            except ConnectionRefusedError:
                return True

        ok(until(refused, 5), "no new connections while draining")
        ok(fw.process.poll() is None, "it still waits for the one that is left")
        fw.signal()
        equal(fw.wait(5), 0, "the second signal does not wait")
        mute.close()


def test_cut():
    """Nobody can hold a drain up for ever."""
    with Upstream() as upstream, Framewall(RELAXED, "--upstream", upstream.url()) as fw:
        mutes = [RawClient(fw.port, fw.bearer()) for _ in range(5)]
        silent = RawClient(fw.port)
        start = time.monotonic()
        fw.signal()
        equal(fw.wait(PATIENCE), 0, "a drain ends although clients neither close nor read")
        ok(time.monotonic() - start < PATIENCE, "in time")
        ok(all(mute.closed() for mute in mutes + [silent]), "their sockets are closed")
        for client in mutes + [silent]:
            client.close()


def test_interrupt():
    with Framewall(RELAXED) as fw:
        fw.signal(signal.SIGINT)
        equal(fw.wait(5), 0, "SIGINT with no connection ends at once")


main(test_drain, test_new_connections, test_cut, test_interrupt)
