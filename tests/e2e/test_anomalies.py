#!/usr/bin/python3
"""monitoring.anomaly_detection (rows 62, 120): who guesses and who does what he never did is recorded, with what made it; frozen, nobody is learned;
a reload turns it on and off; the metric counts it. Clients come from 127.0.0.9 and so on."""
import urllib.request

from effects_anomalies import BASE, BEFORE, KEYS, change_habits, guess, talk
from framewall import *


def config(**more):
    values = {**BASE, "admin.listen": "localhost:0", **{KEYS + name: value for name, value in more.items()}}
    made = {}
    for path, value in values.items():
        *places, name = path.split(".")
        at = made
        for place in places:
            at = at.setdefault(place, {})
        at[name] = value
    return json.dumps(made)


def found(fw, kind):
    return [record for record in fw.records("anomaly_detected") if record["details"]["anomaly"] == kind]


def guesses():
    with Framewall(config(), "--admin", "localhost:0") as fw:
        talk(fw, {"type": "typing"}, 5)
        guess(fw, 3)
        time.sleep(0.3)
        equal(fw.records("anomaly_detected"), [], "a few attempts are nothing odd")
        guess(fw, 3)
        until(lambda: found(fw, "guessing_network"))
        record = found(fw, "guessing_network")[0]
        equal((record["source_ip"], record["level"].lower(), record.get("user_id") or ""), ("127.0.0.9", "warning", ""), "more are, from that network; nobody is named")
        ok(float(record["details"]["abandoned_logins"].split(",")[0]) > 3.5, "what made it is named", record["details"])
        ok(record["details"]["event"] in [failure["event_id"] for failure in fw.records("auth_failure")], "and the event that did", record["details"])
        ok(record["details"]["percent"] >= 100, "by how much it was passed", record["details"])
        guess(fw, 10)
        guess(fw, 10, source="127.0.0.10")
        time.sleep(0.3)
        equal(len(fw.records("anomaly_detected")), 1, "the same is not told again within the cooldown, nor by a neighbour")
        guess(fw, 6, source="127.77.0.1")
        until(lambda: len(fw.records("anomaly_detected")) == 2)
        equal(fw.records("anomaly_detected")[1]["source_ip"], "127.77.0.1", "another network is")
        with open(os.path.join(fw.data, "admin.token")) as file:
            request = urllib.request.Request(f"http://127.0.0.1:{fw.admin_port()}/metrics", headers={"Authorization": "Bearer " + file.read().strip()})
        with urllib.request.urlopen(request, timeout=PATIENCE) as page:
            ok('framewall_events_total{event="anomaly_detected"} 2\n' in page.read().decode(), "the metric counts both")


def habits():
    with Framewall(config(learning_hours=0)) as fw:
        change_habits(fw)
        until(lambda: found(fw, "unlike_himself"))
        record = found(fw, "unlike_himself")[0]
        equal(record["user_id"], "alice", "who does what he never did is named")
        equal([name for name in record["details"] if name not in ("anomaly", "percent", "event")][0], "types", "and what it was")
        talk(fw, {"type": "typing"}, BEFORE, user="bob")
        time.sleep(2.1)
        talk(fw, {"type": "typing"}, 20, user="bob")
        fw.signal()
        fw.wait()
        equal({record["user_id"] for record in fw.records("anomaly_detected")}, {"alice"}, "who goes on as ever is not")


def frozen():
    with Framewall(config(learning_hours=0, mode="frozen")) as fw:
        change_habits(fw)
        guess(fw)
        until(lambda: found(fw, "guessing_network"))
        equal(len(fw.records("anomaly_detected")), 1, "frozen: nobody's habits are learned, so none is unlike them; guesses are seen")


def reloaded():
    """Off, nobody is watched; a reload turns it on."""
    with Framewall(config(mode="off")) as fw:
        path = os.path.join(fw.folder, "framewall.yaml")
        guess(fw, 8)
        time.sleep(0.3)
        equal(fw.records("anomaly_detected"), [], "off, nothing is odd")
        with open(path, "w") as file:
            file.write(config())
        fw.signal(signal.SIGHUP)
        until(lambda: any(record["details"].get("change") == "reloaded" for record in fw.records("system_changes")))
        guess(fw, 8)
        until(lambda: found(fw, "guessing_network"))
        equal(len(found(fw, "guessing_network")), 1, "a reload turns it on")


def kept():
    """What was learned outlives a restart, and a program that is killed has what was kept before; mode: off forgets it."""
    with Framewall(config(learning_hours=0)) as fw:
        habits, path = os.path.join(fw.data, "habits"), os.path.join(fw.folder, "framewall.yaml")

        def change(user):
            talk(fw, [{"type": "chat_message", "text": "hi"}, {"type": "create_task", "title": "t"}, {"type": "update_task", "task_id": 1, "title": "u"}], 45, user=user)

        talk(fw, {"type": "typing"}, BEFORE)
        equal(os.path.exists(habits), False, "it is written when an hour is over, or at the end")
        fw.start_again()
        equal(os.stat(habits).st_mode & 0o777, 0o600, "nobody else may read what users do")
        fw.killed("fw-keeper")
        fw.start_again()
        time.sleep(1)
        change("alice")
        until(lambda: found(fw, "unlike_himself"))
        equal(len(found(fw, "unlike_himself")), 1, "who was known before the restart is told when he is unlike himself")
        whole = open(habits, "rb").read()
        ok(b"alice" not in whole, "no name is in the file")
        fw.signal()
        equal(fw.wait(), 0, "it ends")
        with open(habits, "wb") as file:
            file.write(whole[:-1])
        fw.says = "habits is damaged or of another version: what users do is learned from the beginning"
        fw.start_again()
        change("alice")
        until(lambda: re.search(fw.says, fw.stderr()))
        ok(re.search(fw.says, fw.stderr()), "a file that is cut is not believed, and that is said", fw.stderr())
        equal(len(found(fw, "unlike_himself")), 1, "and nobody is known then")
        with open(path, "w") as file:
            file.write(config(mode="off"))
        fw.signal(signal.SIGHUP)
        until(lambda: any(record["details"].get("change") == "reloaded" for record in fw.records("system_changes")))
        talk(fw, {"type": "typing"}, 1)
        until(lambda: not os.path.exists(habits))
        equal(os.path.exists(habits), False, "off, the file is gone")


main(guesses, habits, frozen, reloaded, kept)
