#!/usr/bin/python3
"""Nobody drowns the record: what a source provokes beyond its budget is summed up, and every count is the truth: of the record, of its
report, of the figures; also when the program, or a part of it, is killed meanwhile. Who else is there has his records one by one.

BUDGET_FLOOD (20000): messages of the flood.
"""
import collections
import http.client

from framewall import *
from test_processes import start as start_processes

FLOOD = int(os.environ.get("BUDGET_FLOOD", "20000"))
BUDGET = 50
CONFIG = RELAXED + "workers: 2\naudit_logging: { source_budget: { records: %d, per: 3600, summed_for: %d } }\n"
PLACES = ("--listen", "localhost:0", "--admin", "localhost:0")
FRAME = RawClient.frame(b"}no json{")
TOLD = re.compile(rb'"code":"INVALID_JSON"')


def call(*words):
    done = subprocess.run([BINARY, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
    if done.returncode != 0:
        raise RuntimeError(f"{words}: {done.stderr.decode()}")
    return done.stdout.decode()


def flood(client, count):
    """So many messages that are none, each of which is answered."""
    told, rest = 0, b""
    for sent in range(0, count, 500):
        client.socket.sendall(FRAME * min(500, count - sent))
        while told < min(sent + 500, count):
            got = client.socket.recv(1 << 20)
            if not got:
                raise RuntimeError(f"closed after {told} answers")
            text = rest + got
            told += len(TOLD.findall(text))
            rest = text[-20:] if not TOLD.search(text[-40:]) else b""
    return count


def records_in(data):
    return [json.loads(line) for line in call("audit", "export", "--format", "jsonl", "--data", data).split("\n") if line]


def weight(record):
    return record["details"]["count"] if "last_event_id" in record["details"] else 1


def totals(records):
    counts = collections.Counter()
    for record in records:
        counts[record["event_type"]] += weight(record)
    return counts



def counted(server, kind="invalid_message"):
    """As /metrics has it."""
    with open(os.path.join(server.data, "admin.token")) as file:
        headers = {"Authorization": "Bearer " + file.read().strip()}
    admin = http.client.HTTPConnection("localhost", server.admin_port(), timeout=PATIENCE)
    admin.request("GET", "/metrics", headers=headers)
    found = re.search(r'^framewall_events_total{event="%s"} (\d+)' % kind, admin.getresponse().read().decode(), re.M)
    admin.close()
    return int(found.group(1)) if found else 0


def refused_logins(server, count):
    admin = http.client.HTTPConnection("localhost", server.admin_port(), timeout=PATIENCE)
    for _ in range(count):
        admin.request("GET", "/api/v1/stats", headers={"Authorization": "Bearer wrong"})
        answer = admin.getresponse()
        answer.read()
        if answer.status not in (401, 429):  # too many are answered otherwise, and recorded all the same
            raise RuntimeError(answer.status)
    admin.close()


def a_flood():
    with Framewall(CONFIG % (BUDGET, 3600), places=PLACES) as server:
        client = RawClient(server.port, server.bearer("mallory"))
        flood(client, FLOOD // 2)
        alice = RawClient(server.port, server.bearer("alice"))
        flood(alice, 3)
        flood(client, FLOOD - FLOOD // 2)
        again = RawClient(server.port, server.bearer("mallory"))
        flood(again, 1)
        refused_logins(server, 200)
        until(lambda: counted(server) == FLOOD + 4 and counted(server, "auth_failure") == 200)
        equal((counted(server), counted(server, "auth_failure")), (FLOOD + 4, 200), "the figures count each")
        for one in (client, alice, again):
            one.send(b"\x03\xe8", 8)
            one.closed()
        server.signal()
        server.wait()
        data = server.data
        ok(not os.path.exists(os.path.join(data, "record", "sums")), "after an orderly end nothing is left to be written")
        records = records_in(data)
        invalid = [r for r in records if r["event_type"] == "invalid_message"]
        mallory = [r for r in invalid if r["user_id"] == "mallory"]
        equal((len(mallory), sum(map(weight, mallory))), (BUDGET + 1, FLOOD + 1), "a flood is as many records as the budget and one that has the rest")
        total = mallory[-1]
        equal({name: total["details"].get(name) for name in ("count", "cause", "stage")},
              {"count": FLOOD + 1 - BUDGET, **{name: mallory[0]["details"].get(name) for name in ("cause", "stage")}}, "it says what of, and how many")
        equal((total["timestamp"], total["source_ip"], total["session_id"]), (total["details"]["last_at"], mallory[0]["source_ip"], None),
              "when the last was, from where, and no session, since there were two")
        ok(mallory[BUDGET - 1]["timestamp"] <= total["details"]["first_at"] < total["details"]["last_at"], "from when to when")
        ok(len({r["event_id"] for r in records} | {total["details"]["last_event_id"]}) == len(records) + 1, "its id is that of the first, and the last one's is said")
        equal([weight(r) for r in invalid if r["user_id"] == "alice"], [1, 1, 1], "who else is there has his records one by one")
        equal(collections.Counter(r["user_id"] for r in records if r["event_type"] == "auth_success"), {"mallory": 2, "alice": 1}, "each login has its record")
        refused = [r for r in records if r["event_type"] == "auth_failure"]
        equal((len(refused), sum(map(weight, refused)), refused[-1]["details"]["action"]), (BUDGET + 1, 200, "admin login"), "so are refused logins of operators")
        reports(data, records)
        exports(data, total)
        equal(call("audit", "search", "--text", total["details"]["last_event_id"], "--json", "--data", data).count("\n"), 1, "the id of the last one leads to it")


def reports(data, records):
    call("audit", "verify", "--data", data)
    got = json.loads(call("report", "--data", data))
    counts = totals(records)
    equal(got["events_by_type"], dict(counts), "the report counts what a sum stands for")
    equal((got["total_compliance_events"], got["completeness"]["population"], got["completeness"]["holds"]), (sum(counts.values()), len(records), True),
          "events and records are told apart, and it holds")
    sums = [weight(r) for r in records if weight(r) > 1]
    equal((got["completeness"]["sums"], got["completeness"]["summed"]), (len(sums), sum(sums)), "how many sums there are, and of how many")
    users = {name: sum(weight(r) for r in records if r["user_id"] == name) for name in ("mallory", "alice")}
    equal({name: got["user_activity"][name]["events"] for name in users}, users, "by user")
    tables = {table["id"]: table for table in got["tables"]}
    equal([row[1] for row in tables["refused_logins_by_source"]["rows"]], ["200"], "by address")
    equal(sum(int(row[1]) for row in tables["trend"]["rows"]), sum(counts.values()), "over time")
    equal(sum(int(row[1]) for row in tables["levels"]["rows"]), sum(counts.values()), "by level")
    equal(json.loads(call("report", "--data", data))["events_by_type"], dict(counts), "and again out of what the first report kept")


def exports(data, total):
    number = str(total["details"]["count"])
    lines = {name: [line for line in call("audit", "export", "--format", name, "--user", "mallory", "--data", data).split("\n") if total["event_id"] in line][0]
             for name in ("ocsf", "ecs", "cef", "leef", "syslog")}
    ocsf, ecs = json.loads(lines["ocsf"]), json.loads(lines["ecs"])
    ok(ocsf["count"] == int(number) and ocsf["start_time"] <= ocsf["end_time"] == ocsf["time"], "OCSF: count, start_time, end_time", ocsf)
    ok(ecs["framewall"]["count"] == int(number) and ecs["event"]["end"] == total["details"]["last_at"] and ecs["event"]["start"] == total["details"]["first_at"],
       "ECS: event.start, event.end, a count of our own", ecs)
    ok(f" cnt={number} " in lines["cef"] and " start=" in lines["cef"] and " end=" in lines["cef"], "CEF: cnt, start, end", lines["cef"])
    ok(f"\tcount={number}\t" in lines["leef"], "LEEF: count", lines["leef"])
    ok(f' count="{number}"' in lines["syslog"].split("]")[0], "RFC 5424: count", lines["syslog"])


def start_at(data, **more):
    server = Framewall(CONFIG % (BUDGET, 3600), "--data", data, places=PLACES, **more)
    shutil.rmtree(server.data, ignore_errors=True)
    server.data = data
    return server


def a_kill():
    """What was summed up and not written yet is in a file: the next start writes it."""
    with tempfile.TemporaryDirectory(prefix="framewall-e2e-budget-") as data:
        server = start_at(data, check=False)
        client = RawClient(server.port, server.bearer("mallory"))
        flood(client, 1000)
        # the file is written before the ring gives anything away: once a second at the latest it has all
        until(lambda: counted(server) == 1000)
        sums = os.path.join(data, "record", "sums")
        until(lambda: os.path.exists(sums) and says(sums) == 1000 - BUDGET)
        equal(says(sums), 1000 - BUDGET, "the file has what is summed up")
        server.process.kill()
        server.process.wait()
        server.stop()
        server = start_at(data, says="index of the record")
        server.signal()
        server.wait()
        server.stop()
        equal(totals(records_in(data))["invalid_message"], 1000, "kill -9: not one is lost, none counted twice")
        call("audit", "verify", "--data", data)

        with open(sums, "wb") as file:
            file.write(b"nonsense")
        server = start_at(data)
        server.signal()
        server.wait()
        server.stop()
        lost = [r["details"] for r in records_in(data) if r["event_type"] == "records_lost"]
        equal(lost, [{"cause": "the numbers of records that were summed up cannot be read"}], "a file that does not hold is a loss, which is recorded")


def says(path):
    """The count of the one sum in the newer half of the file: its third number."""
    with open(path, "rb") as file:
        octets = file.read()
    halves = [octets[at:at + (2 << 20)] for at in (0, 2 << 20)]
    halves = [half for half in halves if half[:8] == b"fwsums1\0"]
    newest = max(halves, key=lambda half: struct.unpack_from("<Q", half, 8)[0], default=b"")
    note = 56 + 8 + 256 * 16
    return struct.unpack_from("<Q", newest, note + 16)[0] if len(newest) >= note + 24 and struct.unpack_from("<Q", newest, 16)[0] > note - 56 else 0


def a_part_falls():
    """The keeper is killed under the flood: the next one goes on where it was."""
    config = CONFIG % (BUDGET, 3600)
    with start_processes(config) as server:
        server.part("fw-gate")
        client = RawClient(server.port, server.bearer("mallory"))
        sent = 0
        for fall in range(4):
            sent += flood(client, 700)
            keeper = server.part("fw-keeper")
            os.kill(keeper, signal.SIGKILL)
            sent += flood(client, 700)
            until(lambda: server.parts().get("fw-keeper") not in (None, keeper))
        sent += flood(client, 100)
        client.send(b"\x03\xe8", 8)
        client.closed()
        server.signal()
        server.wait()
        records = records_in(server.data)
        ids = collections.Counter(r["event_id"] for r in records)
        equal([one for one, count in ids.items() if count > 1], [], "no record twice")
        equal((totals(records)["invalid_message"], totals(records)["records_lost"]), (sent, 0), "a keeper that falls under a flood: each is counted, once")
        ok(len([r for r in records if r["event_type"] == "invalid_message"]) < sent / 4, "and most of them in sums")
        call("audit", "verify", "--data", server.data)


def its_end():
    """Sums are written when their time is over, and by a reload that changes the budget; one that does not leaves them."""
    with Framewall(CONFIG % (BUDGET, 1), places=PLACES, says="configuration|generation") as server:
        client = RawClient(server.port, server.bearer("mallory"))
        flood(client, BUDGET + 7)
        found = server.wait_records("invalid_message", BUDGET + 1)
        until(lambda: len(server.records("invalid_message")) == BUDGET + 1)
        equal(sum(weight(r) for r in server.records("invalid_message")), BUDGET + 7, "at the end of the time the sum is written, whatever comes")
        path = os.path.join(server.folder, "framewall.yaml")
        with open(path, "w") as file:
            file.write(CONFIG % (3, 3600))
        server.signal(signal.SIGHUP)
        until(lambda: len(server.records("system_changes")) == 2)
        flood(client, 10)
        until(lambda: counted(server) == BUDGET + 17)
        before = server.records("invalid_message")
        server.signal(signal.SIGHUP)
        until(lambda: len(server.records("system_changes")) == 3)
        equal((len(before), len(server.records("invalid_message"))), (BUDGET + 4, BUDGET + 4), "a reload that changes nothing of it leaves them")
        with open(path, "w") as file:
            file.write(CONFIG % (0, 3600))
        server.signal(signal.SIGHUP)
        until(lambda: len(server.records("invalid_message")) == BUDGET + 5)
        flood(client, 300)
        until(lambda: len(server.records("invalid_message")) == BUDGET + 305)
        equal((len(server.records("invalid_message")), sum(weight(r) for r in server.records("invalid_message"))), (BUDGET + 305, BUDGET + 317),
              "another budget counts at once; 0 is none, and what there was is written")
    del found


if __name__ == "__main__":
    main(a_flood, a_kill, a_part_falls, its_end)
