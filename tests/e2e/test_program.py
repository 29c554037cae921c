#!/usr/bin/python3
"""A program as a receiver of the record: it gets each record once, in order; killed again and again it misses none; one that hangs, ends or does not
start holds nobody up; it sees nothing of ours. PROGRAM_RECORDS (4000), PROGRAM_KILLS (6)."""
from framewall import *

RECORDS, KILLS = int(os.environ.get("PROGRAM_RECORDS", "4000")), int(os.environ.get("PROGRAM_KILLS", "6"))
CONFIG = RELAXED + "audit_logging: { source_budget: { records: 0 }, receivers: [ %s ] }\n"
FOLDER = tempfile.mkdtemp(prefix="framewall-e2e-program-")
HANDLER = os.path.join(FOLDER, "handler.py")
SAYS = "handler: the program|takes the record again|handler: cannot start"
with open(HANDLER, "w") as file:
    file.write("""#!/usr/bin/python3
import json, os, sys
mode, path = sys.argv[1:]
with open(path + ".pids", "a") as pids:
    pids.write(f"{os.getpid()}\\n")
with open(path + ".seen", "w") as seen:
    json.dump({"environment": dict(os.environ), "descriptors": len(os.listdir("/proc/self/fd")), "arguments": sys.argv[1:]}, seen)
if mode == "hangs":
    import signal
    signal.pause()
with open(path, "a") as out:
    if out.tell():
        out.write("\\n")  # whoever was killed may have left half a line
    for line in sys.stdin:
        out.write(line)
        out.flush()
        if mode == "ok":
            print("ok", flush=True)
        elif mode == "ends" and line.find('"sequence":3,') > 0:
            sys.exit(3)
""")
os.chmod(HANDLER, 0o755)


def receiver(mode, path, **more):
    return json.dumps({"name": "handler", "url": "program:" + HANDLER, "arguments": [mode, path], "checkpoints": False, "timeout": 1, **more})


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path) as file:
        written = file.read().split("\n")[:-1]
    got = []
    for line in written:
        try:
            got.append(json.loads(line))
        except ValueError:
            pass  # half a line of one that was killed: the next one is given the record again
    return got


def pids(path):
    with open(path + ".pids") as file:
        return [int(pid) for pid in file.read().split()]


def provoke(server, count, client=None):
    client = client or RawClient(server.port, server.bearer("mallory"))
    for _ in range(count):
        client.send("}no json{")
    for _ in range(count):
        client.receive()
    return client


def unique(records):
    seen = {}
    for record in records:
        seen.setdefault(record["sequence"], record)
    return seen


def kills(mode, **more):
    path = os.path.join(FOLDER, "kills-" + mode)
    with Framewall(CONFIG % receiver(mode, path, **more), says=SAYS) as server:
        client, killed, sent = None, 0, 0
        while sent < RECORDS:
            client = provoke(server, RECORDS // (KILLS + 1) // 2, client)
            sent += RECORDS // (KILLS + 1) // 2
            if killed < KILLS:
                until(lambda: os.path.exists(path + ".pids") and len(pids(path)) == killed + 1)
                try:
                    os.kill(pids(path)[-1], signal.SIGKILL)
                except ProcessLookupError:
                    pass
                killed += 1
        until(lambda: len(unique(lines(path))) >= len(server.records()))
        server.signal()
        server.wait()
        records = server.records()
        got = lines(path)
        by_number = unique(got)
        equal((killed, [r["sequence"] for r in records if r["sequence"] not in by_number][:5]), (KILLS, []), f"{mode}: killed {KILLS} times, and none of {len(records)} is missing")
        equal([n for n in by_number if by_number[n] != records[n - 1]][:3], [], "each is what the record has")
        equal([r["sequence"] for r in got if r["event_id"] != by_number[r["sequence"]]["event_id"]], [], "what comes again has the same id")
        backs = sum(b["sequence"] <= a["sequence"] for a, b in zip(got, got[1:]))
        ok(backs <= KILLS + 1, "in order, but for where it began again", backs)
        gone = [pid for pid in pids(path) if os.path.exists(f"/proc/{pid}")]
        equal(gone, [], "and no program is left")


def killed_and_acknowledged():
    kills("ok", acknowledge=True)


def killed():
    kills("plain", resend=256)


def once():
    """Nothing comes twice where nothing went wrong; a restart goes on where it was."""
    path = os.path.join(FOLDER, "once")
    with tempfile.TemporaryDirectory(prefix="framewall-e2e-program-") as data:
        for turn in range(2):
            server = Framewall(CONFIG % receiver("plain", path), "--data", data)
            shutil.rmtree(server.data, ignore_errors=True)
            server.data = data
            provoke(server, 50).close()
            server.signal()
            server.wait()
            records = server.records()
            server.stop()
        got = [r["sequence"] for r in lines(path)]
        equal(got, list(range(1, len(got) + 1)), "each once and in order, over a restart")
        ok(len(records) - len(got) <= 1, "to the end", (len(records), len(got)))
        with open(path + ".seen") as file:
            seen = json.load(file)
        equal(sorted(name for name in seen["environment"] if name != "LC_CTYPE"), ["FRAMEWALL_RECEIVER", "LANG", "PATH"], "it has nothing of our environment")
        equal((seen["descriptors"], seen["arguments"]), (5, ["plain", path]), "no descriptor of ours, its arguments as they are")


def holds_up_nobody():
    """One that reads nothing, one that ends, one that there is not: messages go on, and the record says so."""
    path = os.path.join(FOLDER, "bad")
    bad = [receiver("hangs", path + "-hangs"), receiver("ends", path + "-ends").replace('"handler"', '"ends"'),
           json.dumps({"name": "missing", "url": "program:" + FOLDER + "/nowhere; touch " + FOLDER + "/shell"})]
    with Framewall(CONFIG % ", ".join(bad), says=SAYS + "|ends: the program|ends takes|missing: cannot start") as server:
        client = provoke(server, 1500)
        until(lambda: {r["details"]["receiver"] for r in server.records("receiver_failed")} >= {"ends", "missing"})
        until(lambda: server.stats()["receivers"]["handler"]["failures"] >= 1)
        errors = {name: server.stats()["receivers"][name]["last_error"] for name in ("handler", "ends", "missing")}
        ok("takes nothing" in str(errors["handler"]) and "status 3" in str(errors["ends"]) and "cannot start" in str(errors["missing"]), "figures say why", errors)
        ok(not os.path.exists(FOLDER + "/shell"), "and no shell read the name")
        provoke(server, 10, client)
        ok(len(server.wait_records("invalid_message", 1510)) == 1510, "meanwhile every message is answered and recorded")
        server.signal()
        server.wait()
        gone = [pid for name in ("-hangs", "-ends") for pid in pids(path + name) if os.path.exists(f"/proc/{pid}")]
        equal(gone, [], "no program is left")


def in_the_keeper():
    path = os.path.join(FOLDER, "keeper")
    with Framewall(CONFIG % receiver("ok", path, acknowledge=True), says=SAYS) as server:
        provoke(server, 20)
        until(lambda: len(lines(path)) >= 20)
        with open(f"/proc/{pids(path)[-1]}/stat") as file:
            parent = int(file.read().rsplit(")", 1)[1].split()[1])
        with open(f"/proc/{parent}/comm") as file:
            equal(file.read().strip(), "fw-keeper", "it is the keeper's")
        ok(len(unique(lines(path))) >= 20, "and gets the record")


if __name__ == "__main__":
    try:
        main(once, killed_and_acknowledged, killed, holds_up_nobody, in_the_keeper)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
