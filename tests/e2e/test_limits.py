#!/usr/bin/python3
"""What the workers share: limits of an address, blocks; and how the program starts where it cannot."""
import urllib.error
import urllib.request

from clock import Clock
from framewall import *


async def attempt(fw, token):
    """(None, the connection) when a login by message is accepted, else (error code, close code)."""
    ws = await websockets.connect(fw.url(), ping_interval=None)
    try:
        await ws.send(json.dumps({"type": "auth", "token": token}))
    except websockets.ConnectionClosed:
        pass  # refused before: the error is there to be read
    answer = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))
    if answer["type"] == "auth_success":
        return None, ws
    await asyncio.wait_for(ws.wait_closed(), PATIENCE)
    return answer["data"]["code"], ws.close_code


def test_connections():
    async def scenario(fw):
        held = [await fw.connect(user=f"user{i}") for i in range(10)]
        code, close = await attempt(fw, fw.token())
        equal((code, close), ("CONNECTION_LIMIT", 4429), "the 11th connection of an address is refused, whichever worker has it")
        await held.pop().close()
        for _ in range(50):
            code, ws = await attempt(fw, fw.token())
            if code is None:
                break
            await asyncio.sleep(0.1)
        equal(code, None, "when one leaves there is room for one")
        for other in held + [ws]:
            await other.close()

    with Framewall("rate_limiting:\n  auth_attempts_per_minute: 1000\n", "--workers", "4") as fw:
        run(scenario(fw))


def test_block():
    async def scenario(fw):
        honest = await fw.connect()
        bad = fw.token()[:-3] + "AAA"
        answers = [await attempt(fw, bad) for _ in range(3)]
        equal(answers[0], ("AUTH_FAILED", 4401), "a bad credential is refused")
        await asyncio.wait_for(honest.wait_closed(), PATIENCE)
        equal(honest.close_code, 4403, "after three the address is blocked: its live connections end, on every worker")
        equal(await attempt(fw, fw.token()), ("IP_BLOCKED", 4403), "and it is not let in again")

    config = "rate_limiting:\n  auth_attempts_per_minute: 1000\nmonitoring:\n  auto_block:\n    violation_threshold: 3\n"
    with Framewall(config, "--workers", "4") as fw:
        run(scenario(fw))
        equal(len(fw.wait_records("ip_blocked")), 1, "one record of the block")


def test_both_families():
    with Framewall(RELAXED, "--workers", "3") as fw:
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            try:
                probe = socket.socket(family)
                probe.bind((address, 0))
                probe.close()
            except OSError:
                skip(f"localhost listens on {address}", "this machine does not have it")
                continue
            with socket.create_connection((address, fw.port), PATIENCE):
                ok(True, f"localhost listens on {address}, on the same port")


def test_shared():
    """One user on many connections of two workers, while the clock stands still."""
    limit, each = 50, 20
    clock = Clock()

    async def ask(ws):
        for _ in range(each):
            await ws.send('{"type":"ping"}')
        answers = [json.loads(await asyncio.wait_for(ws.recv(), PATIENCE)) for _ in range(each)]
        return [answer["type"] if answer["type"] != "error" else answer["data"]["code"] for answer in answers]

    async def scenario(fw):
        held = [await fw.connect(user="alice") for _ in range(12)]
        other = await fw.connect(user="bob")
        for ws in held + [other]:  # what is said of those who came later
            while True:
                try:
                    await asyncio.wait_for(ws.recv(), 0.2)
                except asyncio.TimeoutError:
                    break
        clock.stop()
        try:
            answers = sum(await asyncio.gather(*(ask(ws) for ws in held)), [])
            equal((answers.count("pong"), answers.count("RATE_LIMITED")), (limit, len(held) * each - limit), "of all that its connections send exactly so many pass")
            equal((await ask(other)).count("pong"), each, "and another user is not among them")
        finally:
            clock.go()
        for ws in held + [other]:
            await ws.close()

    config = RELAXED.replace("rate_limiting:", f"rate_limiting:\n  messages_per_user_per_minute: {limit}\n  close_after_violations: 0\n  answers_per_minute: 0") + "authentication: {max_sessions_per_user: 100}\n"
    with Framewall(config, "--workers", "2", environment=clock.environment) as fw:
        run(scenario(fw))
        connected = fw.wait_records("websocket_connected", 13)
        equal({record["connection_id"] >> 32 & 255 for record in connected if record.get("user_id", "alice") == "alice"}, {0, 1}, "both workers had some of them")


def ends(fw, code, text, name):
    status = fw.wait()
    equal(status, code, name)
    ok(text in fw.stderr(), f"and says: {text}", fw.stderr())
    equal(len(fw.stderr().strip().splitlines()) <= 4, True, "in few lines")


def test_start():
    with Framewall(RELAXED) as fw:
        second = Framewall(None, "--listen", f"localhost:{fw.port}", wait=False, check=False)
        ends(second, 3, "choose another port", "a port in use: exit code 3")
        second.stop()
        ok(fw.process.poll() is None, "the first one is not disturbed")
    bad = Framewall("rate_limiting:\n  messages_per_minute: many\n", wait=False, check=False)
    ends(bad, 1, "framewall.yaml:2:", "a bad configuration: exit code 1")
    bad.stop()
    odd = Framewall(None, "--mode", "sideways", wait=False, check=False)
    ends(odd, 1, "--mode", "a bad value of an option: exit code 1")
    odd.stop()
    usage = Framewall(None, "--lisen", "x", wait=False, check=False)
    ends(usage, 2, "--listen", "a misspelt option: exit code 2")
    usage.stop()
    nowhere = Framewall(None, "--data", "/proc/nowhere", wait=False, check=False)
    ends(nowhere, 3, "--data", "a data directory that cannot be: exit code 3")
    nowhere.stop()
    any_address = Framewall(RELAXED + "hosts: [localhost]\n", "--listen", ":0")
    with socket.create_connection(("127.0.0.1", any_address.port), PATIENCE):
        ok(True, "--listen :PORT takes IPv4 clients")
    any_address.stop()


def test_demo():
    with Framewall(RELAXED, "--demo") as fw:
        until(lambda: any(line.startswith("token for alice: ") for line in fw.lines) or len(fw.lines) > 10, 5)
        lines = [line for line in fw.lines if line.startswith("token for alice: ")]
        if not lines:
            skip("the demo token logs in", "printed with the admin side only")
            return

        async def scenario():
            async with websockets.connect(fw.url(), extra_headers={"Authorization": "Bearer " + lines[0].split()[-1]}) as ws:
                await ws.send(json.dumps({"type": "ping"}))
                return json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))["type"]

        equal(run(scenario()), "pong", "the demo token logs in")


def test_admin_refused():
    """Guesses at the token of the admin side: the first ones are in the record one by one, all others in one record with their number."""
    guesses = 50
    with Framewall("audit_logging: { source_budget: { records: 30, per: 3600 } }\n", places=("--listen", "localhost:0", "--admin", "localhost:0")) as fw:
        for _ in range(guesses):
            request = urllib.request.Request(f"http://localhost:{fw.admin_port()}/api/v1/stats", headers={"Authorization": "Bearer guess"})
            try:
                urllib.request.urlopen(request, timeout=PATIENCE)
                ok(False, "a guess is refused")
            except urllib.error.HTTPError as error:
                error.close()
        fw.signal()
        fw.wait()
        found = [record["details"] for record in fw.records("auth_failure")]
        folded = [details["count"] for details in found if "count" in details]
        equal((len(folded), len(found)), (1, 31), "some have a record each, the others one")
        equal(len(found) - 1 + sum(folded), guesses, "and none is missing from the sum")


main(test_connections, test_block, test_shared, test_both_families, test_start, test_demo, test_admin_refused)
