#!/usr/bin/python3
"""/metrics: both formats hold for readers that are not ours; after mixed traffic through two workers every counter that has an event is what a
recount of the record gives, by the tables; labels are bounded and name nobody."""
import urllib.error
import urllib.request

from framewall import *

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(ROOT, "tools"))
from reference_tables import rows_of, table

OPEN = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
CONFIG = """
workers: 2
audit_logging: { data_access: each }
rate_limiting:
  messages_per_minute: 1000000
  auth_attempts_per_minute: 1000000
  sessions_per_user_per_minute: 0
  auth_attempts_per_account: 0
  max_connections_per_ip: 100000
monitoring:
  auto_block:
    violation_threshold: 1000000
validation:
  inspect: { mode: refuse }
"""

def detail(record, name):
    return record.get("details", {}).get(name)


# Of a counter of a worker: whether a record is one that it counts. Of the others: why no record says it.
RECOUNT = {
    "handshakes": lambda r: r["event_type"] == "websocket_connected",
    "handshakes_refused": lambda r: isinstance(detail(r, "status"), int) and detail(r, "status") >= 400,
    "logins": lambda r: r["event_type"] == "auth_success",
    "auth_failures": lambda r: r["event_type"] == "auth_failure",
    "passed": lambda r: r["event_type"] == "data_modification",  # and rewritten, less what content_rewritten says: see below
    "messages_out": lambda r: r["event_type"] == "data_access",
    "rewritten": lambda r: r["event_type"] == "content_rewritten" and detail(r, "would") is None,
    "refused": lambda r: detail(r, "error") is not None and detail(r, "stage") is not None and detail(r, "would") is None and r["event_type"] != "outbound_withheld",
    "would_refuse": lambda r: detail(r, "would") in ("refuse", "close") and detail(r, "stage") is not None and detail(r, "error") is not None,
    "rate_limited": lambda r: r["event_type"] == "rate_limit_violation" and detail(r, "stage") in ("limit", "rate"),
    "rate_limited_user": lambda r: r["event_type"] == "rate_limit_violation" and "of this user" in (detail(r, "cause") or "") or "opened by this user" in (detail(r, "cause") or ""),
    "outbound_withheld": lambda r: r["event_type"] == "outbound_withheld",
    "upstream_failures": lambda r: r["event_type"] == "upstream_failure",
}
NO_RECORD = {
    "connections": "a connection that asks nothing leaves no record", "token_cache_hits": "a login is one however it was verified", "messages_in": "those that are answered here leave none",
    "bytes_in": "as messages_in", "bytes_out": "as messages_in", "rate_limited_address": "test_limits, test_quota", "rate_limited_account": "test_limits", "rate_limited_route": "test_quota",
    "rate_limited_all": "test_quota", "limits_crowded": "of a table, not of a client", "protocol_errors": "of one connection many", "closed_by_policy": "the end of a connection says more than one thing",
    "closed_by_reload": "test_reload", "records": "of workers alone", "control_frames_in": "no event", "masks_zero": "no event", "forwarded_ignored": "no event", "forwarded_invalid": "no event",
    "overload_shed": "test_overload", "overload_closed": "test_overload",
}
LIMITED = CONFIG.replace("messages_per_minute: 1000000", "messages_per_minute: 30").replace("rate_limiting:\n", "rate_limiting:\n  messages_per_user_per_minute: 100\n")
WATCHED = """
workers: 2
mode: monitor
audit_logging: { data_access: each }
routes:
  - { path: /, upstream: "UPSTREAM", anonymous: user }
  - { path: /dead, upstream: "ws://127.0.0.1:9", anonymous: user }
"""
KEPT_BACK = WATCHED.replace("mode: monitor\n", "")


def page(server, accept="*/*"):
    with open(os.path.join(server.data, "admin.token")) as file:
        token = file.read().strip()
    request = urllib.request.Request(f"http://localhost:{server.admin_port()}/metrics", headers={"Authorization": "Bearer " + token, "Accept": accept})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def samples(text):
    """{(name, ((label, value)…)): number}"""
    found = {}
    for line in text.splitlines():
        match = re.match(r'([a-z_]+)(?:\{(.*)\})? ([0-9.e+-]+)$', line)
        if match and not line.startswith("#"):
            labels = tuple(sorted(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', match.group(2) or "")))
            found[match.group(1), labels] = float(match.group(3))
    return found


def total(found, name, **labels):
    return sum(value for (one, given), value in found.items() if one == name and set(labels.items()) <= set(given))


async def one_client(server, number):
    async with server.connect(user=f"user{number}", max_queue=None, close_timeout=1) as websocket:
        for turn in range(8):
            await websocket.send('{"type":"ping"}')
            await websocket.send(json.dumps({"type": "chat_message", "text": f"good morning {turn}"}))
            await websocket.send(json.dumps({"type": "chat_message", "text": "see <b onclick='x()'>this</b>"}))
            await websocket.send(json.dumps({"type": "chat_message", "text": 7}))
            await websocket.send(json.dumps({"type": "chat_message", "text": "1' UNION SELECT password FROM users WHERE '1'='1' --"}))
            await websocket.send('{"type":"nothing_of_ours"}')
            await websocket.send('{"type":')
            await websocket.send(json.dumps({"type": "admin_command", "data": {"command": "status"}}))
            await websocket.send('{"type":"typing"}')
        last = None
        while last is None or '"pong"' not in last or "last" not in last:
            if last is None:
                await websocket.send('{"type":"ping","timestamp":"last"}')
            last = await asyncio.wait_for(websocket.recv(), PATIENCE)


async def traffic(server):
    await asyncio.gather(*(one_client(server, number) for number in range(24)))
    for _ in range(6):
        try:
            async with server.connect(headers={"Authorization": "Bearer wrong"}):
                pass
        except Exception:
            pass


def weight(record):
    """An event of events.def that is summed up stands for so many."""
    return record.get("details", {}).get("count", 1) if record["event_type"] in SUMMED and "first_at" in record.get("details", {}) else 1


SUMMED = {row[0] for row in rows_of("events", "EVENT") if row[4] == "SUMMED"}


def quiet(server):
    """The page, and the record it is about: nothing comes any more."""
    before = None
    while True:
        text = page(server)[1]
        records = server.records()
        if before == len(records):
            return text, records
        before = len(records)
        time.sleep(0.5)


def recount(found, records, what):
    """Every counter that records tell of is what they tell."""
    for name, counts in RECOUNT.items():
        expected = sum(weight(record) for record in records if counts(record)) - (sum(weight(r) for r in records if RECOUNT["rewritten"](r)) if name == "passed" else 0)
        equal(total(found, f"framewall_{name}_total"), expected, f"{what}: {name} is a recount: {expected}")


def of_the_tables():
    equal(sorted([*RECOUNT, *NO_RECORD]), sorted(row[0] for row in rows_of("metrics", "COUNTER")), "of each counter it is said what it is a count of")


async def pings(server, user, count):
    async with server.connect(user=user, close_timeout=1) as websocket:
        for _ in range(count):
            await websocket.send('{"type":"ping"}')
        await asyncio.sleep(0.3)


def of_limits():
    """Row 61: as many as were refused by a rate, no more."""
    with Framewall(LIMITED, "--admin", "localhost:0", places=("--listen", "localhost:0")) as server:
        async def run():
            await asyncio.gather(pings(server, "alice", 70), pings(server, "bob", 20), *(pings(server, "carol", 29) for _ in range(5)))

        asyncio.run(run())
        text, records = quiet(server)
        found = samples(text)
        recount(found, records, "limits")
        equal(total(found, "framewall_rate_limited_total"), 40 + 45, "each message over its rate is counted once: 40 of one connection, 45 of one user's five")
        equal(server.stats()["rate_limit_violations"], 85, "stats says the same")


def of_upstreams():
    async def handler(server, websocket):
        async for message in websocket:
            await websocket.send(b"binary" if "binary" in message else message)

    async def run(server):
        for path in ("/", "/", "/", "/dead"):
            try:
                async with websockets.connect(server.url(path), ping_interval=None, compression=None) as websocket:
                    for message in ('{"type":"chat_message","text":"hello"}', '{"type":"chat_message","text":7}', '{"type":', '{"type":"chat_message","text":"binary"}'):
                        await websocket.send(message)
                    await asyncio.sleep(0.3)
            except Exception:
                pass

    for what, config in (("monitor", WATCHED), ("enforced", KEPT_BACK)):
        with Upstream(handler) as upstream, Framewall(config.replace("UPSTREAM", upstream.url()), "--admin", "localhost:0", places=("--listen", "localhost:0")) as server:
            asyncio.run(run(server))
            text, records = quiet(server)
            found = samples(text)
            recount(found, records, what)
            ok(total(found, "framewall_upstream_failures_total") > 0, f"{what}: a server was away")
            ok(total(found, "framewall_would_refuse_total" if what == "monitor" else "framewall_outbound_withheld_total") > 0, f"{what}: something of its own happened")
            equal(total(found, "framewall_messages_total", direction="in"), total(found, "framewall_messages_in_total"), f"{what}: what became of messages sums up")
            equal(total(found, "framewall_messages_total", direction="out", decision="refuse"), total(found, "framewall_outbound_withheld_total"), f"{what}: those kept back, too")
            equal(total(found, "framewall_messages_total", direction="out") - total(found, "framewall_messages_total", direction="out", decision="refuse"),
                  total(found, "framewall_messages_out_total"), f"{what}: and the others")


def of_a_recount():
    with Framewall(CONFIG, "--admin", "localhost:0", places=("--listen", "localhost:0")) as server:
        asyncio.run(traffic(server))
        text, records = quiet(server)
        found = samples(text)
        count = {}
        for record in records:
            count[record["event_type"]] = count.get(record["event_type"], 0) + weight(record)
        workers = {record["connection_id"] >> 32 & 0xff for record in records if record["event_type"] == "auth_success"}
        ok(len(workers) == 2, "both workers had clients", workers)
        events = [row[0] for row in rows_of("events", "EVENT")]
        wrong = [f"{event}: {total(found, 'framewall_events_total', event=event):.0f}, in the record {count.get(event, 0)}" for event in events
                 if total(found, "framewall_events_total", event=event) != count.get(event, 0)]
        ok(not wrong, f"framewall_events_total of all {len(events)} events is a recount of the record", "\n".join(wrong))
        seen = sorted(event for event in events if count.get(event))
        ok(len(seen) >= 8, f"{len(seen)} of them happened", seen)
        recount(found, records, "mixed traffic")
        # Each message has one decision, and the stages and events agree.
        equal(total(found, "framewall_messages_total", direction="in"), total(found, "framewall_messages_in_total"), "what became of clients' messages sums up to them")
        equal(total(found, "framewall_messages_total", direction="out"), total(found, "framewall_messages_out_total"), "and of those to clients")
        refused = total(found, "framewall_messages_total", direction="in", decision="refuse") + total(found, "framewall_messages_total", direction="in", decision="close")
        equal(refused, total(found, "framewall_refused_total"), "what was refused does")
        equal(total(found, "framewall_stops_total", direction="in"), refused, "each by a stage")
        for decision, counter in (("rewrite", "rewritten"),):
            equal(total(found, "framewall_messages_total", direction="in", decision=decision), total(found, f"framewall_{counter}_total"), f"{counter} does")
        by_stage = {}
        for record in records:
            stage = record.get("details", {}).get("stage")
            if stage and record["event_type"] != "message_flagged":
                by_stage[stage] = by_stage.get(stage, 0) + weight(record)
        for stage in sorted(by_stage):
            equal(total(found, "framewall_stops_total", stage=stage), by_stage[stage], f"stage {stage} stopped what the record says: {by_stage[stage]}")
        passed = total(found, "framewall_messages_total", direction="in", decision="pass") + total(found, "framewall_messages_total", direction="in", decision="rewrite")
        equal(count.get("data_modification", 0), passed, f"each message passed on is a record: {passed:.0f}")
        equal(count.get("data_access", 0), total(found, "framewall_messages_out_total"), "and each to a client")
        measured = total(found, "framewall_judging_seconds_count", direction="in")
        ok(measured >= total(found, "framewall_messages_in_total") / 96 - 2, "some are timed", measured)
        ok(all(total(found, "framewall_stage_seconds_count", direction="in", stage=stage) <= measured for stage, in [row[:1] for row in rows_of("stages", "STAGE")]), "no stage more often")
        named = [(name, labels) for name, labels in found if re.search(r"user\d|alice|127\.0\.0\.1|::1", str(labels))]
        equal(named, [], "no label names anybody")
        stats, found = server.stats(), samples(page(server)[1])
        keys = ("active_connections", "blocked_ips", "recent_security_events", "auth_failures_last_hour", "rate_limit_violations", "sessions")
        equal({key: total(found, f"framewall_{key}") for key in keys}, {key: stats[key] for key in keys}, "the keys of the specification are the same in stats and on the page")
        equal(stats["auth_failures_last_hour"], count.get("auth_failure", 0), "and what the record says")
        equal({name: total(found, f"framewall_{name}_total") for name, in [row[:1] for row in rows_of("metrics", "COUNTER")]},
              {name: stats["counters"][name] for name, in [row[:1] for row in rows_of("metrics", "COUNTER")]}, "every counter is the same in stats")
        formats(server, text)


def formats(server, text):
    kind, opened = page(server, OPEN)
    equal(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8", "Prometheus is answered in OpenMetrics")
    for accept, wanted in (("text/plain", "text/plain"), ("application/openmetrics-text;q=0.1, text/plain;q=0.9", "text/plain"), ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"),
                           ("application/openmetrics-text;version=0.0.1", "text/plain"), ("application/openmetrics-text;q=0", "text/plain"), ("*/*", "text/plain")):
        ok(page(server, accept)[0].startswith(wanted), f"Accept: {accept} is answered {wanted}")
    for name in [f"framewall_{row[0]}_total" for row in rows_of("metrics", "COUNTER") + rows_of("metrics", "FAMILY")] + \
                [f"framewall_{row[0]}" for row in rows_of("metrics", "GAUGE") + rows_of("metrics", "KEPT") + rows_of("metrics", "TIMED")]:
        if not (f"\n# HELP {name} " in "\n" + text and f"\n# TYPE {name} " in text):
            ok(False, f"{name} of metrics.def is on the page")
    try:
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
        from prometheus_client.parser import text_string_to_metric_families as read_plain
    except ImportError:
        skip("a reader of both formats", "python3-prometheus-client is not installed")
        return
    families = {family.name: family for family in read_open(opened)}
    plain = {family.name: family for family in read_plain(text)}
    ok(len(families) > 60, f"a reader that is not ours reads {len(families)} families", len(families))
    equal(families["framewall_memory_bytes"].unit, "bytes", "bytes are a unit")
    equal(families["framewall_judging_seconds"].unit, "seconds", "seconds are")
    equal(families["framewall_build"].type, "info", "what is always 1 is an info")
    lacks = [name for name, family in families.items() if family.type in ("counter", "histogram") and family.samples
             and not any(sample.name.endswith("_created") and abs(sample.value - time.time()) < 600 for sample in family.samples)]
    equal(lacks, [], "every counter and histogram says since when")
    differ = [name for name, family in families.items() if family.type == "counter" and name.removesuffix("_total") not in plain and name not in plain]
    equal(differ, [], "both pages have the same families")


def of_failures():
    """Refused credentials by method, user, address and prefix of the last 1, 5 and 60 minutes of the clock: as many as a recount of the record gives."""
    config = CONFIG.replace("validation:", "authentication: { methods: [ jwt, api_key, password ] }\nvalidation:")
    with Framewall(config, places=("--listen", "localhost:0", "--admin", "localhost:0")) as server:
        for number, source in enumerate(("127.0.0.1", "127.0.0.1", "127.0.0.9", "127.1.2.3")):
            for headers in ({"Authorization": "Bearer a.b.c"}, {"X-API-Key": "fw_live_abcdefgh_" + "0" * 43})[:1 + number % 2]:
                RawClient(server.port, headers, source=source).close()
        for user in ("erin", "erin", "frank"):
            client = RawClient(server.port, {})
            client.send(json.dumps({"type": "auth", "method": "password", "user_id": user, "password": "wrong one of them"}))
            client.receive()
            client.close()
        for _ in range(2):
            try:
                urllib.request.urlopen(urllib.request.Request(f"http://localhost:{server.admin_port()}/api/v1/stats", headers={"Authorization": "Bearer none"}), timeout=PATIENCE)
            except urllib.error.HTTPError:
                pass
        records = server.wait_records("auth_failure", 11)
        equal(len(records), 11, "each is in the record")
        found = server.stats()["auth_failures"]

        def named(record):
            source = record["source_ip"]
            return {"method": detail(record, "method") or ("admin" if detail(record, "through") else "none"),
                    "user": record.get("user_id") or (f"account {detail(record, 'account')}" if detail(record, "account") else None),
                    "address": source, "prefix": ".".join(source.split(".")[:3]) + ".0/24" if "." in source else "::/64"}

        def counted(of):
            counts = {}
            for record in records:
                name = named(record)[of]
                if name is not None:
                    row = counts.setdefault(name, [0, 0, 0])
                    for window, since in enumerate(found["since"]):
                        row[window] += record["timestamp"] >= since
            return counts

        for of in ("method", "user", "address", "prefix"):
            equal((found[of]["most"], found[of]["names"], found[of]["unnamed"]), (counted(of), len(counted(of)), [0, 0, 0]), f"by {of}: a recount of the record")
        equal(set(counted("method")), {"jwt", "api_key", "password", "admin"}, "four ways of showing one")
        equal(found["all"][2], 11, "in all")
        exported = samples(page(server)[1])
        equal({method: total(exported, "framewall_auth_failures_recent", method=method, minutes="60") for method in counted("method")}, {name: row[2] for name, row in found["method"]["most"].items()},
              "and so Prometheus is told, by method")
        equal({of: total(exported, "framewall_auth_failures_names", of=of) for of in ("user", "address", "prefix")}, {of: found[of]["names"] for of in ("user", "address", "prefix")}, "and how many users, addresses, prefixes, of whom none is named")


def of_promtool():
    if shutil.which("promtool") is None:
        skip("promtool check metrics", "the package prometheus is not installed")
        return
    with Framewall(RELAXED, "--admin", "localhost:0", places=("--listen", "localhost:0")) as server:
        done = subprocess.run(["promtool", "check", "metrics"], input=page(server)[1], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        equal((done.returncode, done.stdout), (0, ""), "promtool check metrics has nothing to say")


main(of_the_tables, of_a_recount, of_failures, of_limits, of_upstreams, of_promtool)
