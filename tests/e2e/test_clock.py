#!/usr/bin/python3
"""Attack row 22: the wall clock is set, by an hour, by ten years, forth and back. Limits, blocks, sessions and live connections go by a
clock that nothing sets; what tokens say goes by the wall clock; the record says that it jumped."""
from clock import Clock
from framewall import *

HOUR, YEAR = 3600, 365 * 86400
JUMPS = (HOUR, 0, -HOUR, 0, 10 * YEAR, 0, -10 * YEAR, 0)


def jump(fw, clock, seconds):
    """Sets the clock and waits until the record says so; by how many seconds it says that it jumped."""
    before = len(fw.records("clock_jump"))
    clock.set(seconds)
    if not until(lambda: len(fw.records("clock_jump")) > before):
        return None
    return round(fw.records("clock_jump")[-1]["details"]["by_ms"] / 1000)


def answer(client):
    """The code of the next error, or the type of what else is not about others."""
    while True:
        message = json.loads(client.receive()[1])
        if message["type"] != "user_status":
            return message["data"]["code"] if message["type"] == "error" else message["type"]


def answered(client):
    client.send(json.dumps({"type": "ping", "timestamp": 1}))
    return answer(client)


def test_limits():
    clock = Clock()
    with Framewall(RELAXED.replace("messages_per_minute: 1000000", "messages_per_minute: 1"), environment=clock.environment) as fw:
        token = fw.token(life=1800)
        client = RawClient(fw.port, {"Authorization": f"Bearer {token}"})
        equal(client.status, 101, "a client is in")
        equal(answered(client), "pong", "and has its one message of this minute")
        at = 0
        for seconds in JUMPS:
            equal(jump(fw, clock, seconds), seconds - at, f"the clock is set from {at:+d} s to {seconds:+d} s: on record")
            at = seconds
            equal(answered(client), "RATE_LIMITED", "a used up rate stays used up, the connection and its session stay")
            status = RawClient(fw.port, {"Authorization": f"Bearer {token}"}).status
            equal(status, 101 if seconds == 0 else 401, "a token of half an hour holds by the wall clock")
        causes = [record["details"]["cause"] for record in fw.records("auth_failure")]
        equal(causes, ["expired", "iat", "expired", "iat"], "each refusal for its reason")
        numbers = [record["sequence"] for record in fw.records()]
        equal(numbers, list(range(numbers[0], numbers[0] + len(numbers))), "the record's numbers go on without a gap")
        client.close()


def test_block():
    clock = Clock()
    config = RELAXED.replace("violation_threshold: 1000000", "violation_threshold: 1\n    block_duration: 1")
    with Framewall(config, environment=clock.environment) as fw:
        equal(RawClient(fw.port, {"Authorization": "Bearer " + fw.token()[:-3] + "AAA"}).status, 401, "a violation")
        ok(fw.wait_records("ip_blocked"), "blocks the address")
        for seconds in (2 * HOUR, -10 * YEAR):
            jump(fw, clock, seconds)
            equal(answer(RawClient(fw.port, fw.bearer())), "IP_BLOCKED", f"a block of an hour holds with the clock at {seconds:+d} s")


main(test_limits, test_block)
