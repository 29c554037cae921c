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

# Of a counter of a worker: the events that are its recount, and how many of each record it counts.
COUNTED = {
    "logins": [("auth_success", None)],
    "auth_failures": [("auth_failure", None)],
    "passed": [],  # below, with rewritten
    "rewritten": [("content_rewritten", None)],
    "records": [],  # below
    "outbound_withheld": [("outbound_withheld", None)],
    "upstream_failures": [("upstream_failure", None)],
    "rate_limited": [("rate_limit_violation", None)],
    "overload_shed": [("overload", None)],
}


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
    async with server.connect(user=f"user{number}") as websocket:
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
        for name, of in COUNTED.items():
            if of:
                expected = sum(count.get(event, 0) for event, _ in of)
                equal(total(found, f"framewall_{name}_total"), expected, f"{name} is a recount: {expected}")
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


def of_promtool():
    if shutil.which("promtool") is None:
        skip("promtool check metrics", "the package prometheus is not installed")
        return
    with Framewall(RELAXED, "--admin", "localhost:0", places=("--listen", "localhost:0")) as server:
        done = subprocess.run(["promtool", "check", "metrics"], input=page(server)[1], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        equal((done.returncode, done.stdout), (0, ""), "promtool check metrics has nothing to say")


main(of_a_recount, of_promtool)
