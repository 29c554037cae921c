#!/usr/bin/python3
"""Scenarios of a running server: who sprays passwords is blocked, and nobody else; that is listed, explained, taken back, and outlives everything; what is
summed up counts; monitor only says; a reload keeps what was counted; users are revoked; who is exempt is left alone."""
import contextlib
import os
import re
import signal
import sqlite3
import tempfile
import threading
import urllib.request

from effects_blocks import block, explained
from framewall import *

CONFIG = """
listen: localhost:0
admin: {listen: "off"}
workers: 2
authentication: {methods: [jwt, password], password_hash: {memory: 8, passes: 1}}
rate_limiting: {auth_attempts_per_minute: 1000, max_connections_per_ip: 1000, messages_per_minute: 1000000000}
monitoring: {auto_block: {jitter: 0, blocking_events: [csrf_violation], exempt: ["127.0.0.4"]}}
"""
SPRAY = """
scenarios:
- {name: spray, on: [auth_failure], group_by: [address], distinct: details.account, capacity: 5, leak: 600, action: block, for: 1200, level: critical, labels: {mitre: T1110.003}}
"""


def guess(fw, source, account, times=1):
    for _ in range(times):
        client = RawClient(fw.port, {}, source=source)
        client.send(json.dumps({"type": "auth", "method": "password", "user_id": account, "password": "wrong horse battery"}))
        client.close_code()
        client.close()


def bad_token(fw, source, times=1):
    for _ in range(times):
        RawClient(fw.port, {"Authorization": "Bearer nonsense"}, source=source).close()


def comes_in(fw, source, user="alice", token=None):
    """101 and no error, else the code of the close."""
    client = RawClient(fw.port, token or fw.bearer(user), source=source)
    try:
        if client.status != 101:
            return client.status
        client.send('{"type":"ping"}')
        while True:
            kind, payload = client.receive()
            if kind == 8:
                return int.from_bytes(payload[:2], "big")
            if json.loads(payload)["type"] == "pong":
                return 101
    finally:
        client.close()


def kept(fw):
    with contextlib.closing(sqlite3.connect(os.path.join(fw.data, "framewall.db"))) as base:
        return base.execute("SELECT count(*) FROM blocks").fetchone()[0]


def start_again(fw):
    fw.killed("fw-gate", "fw-keeper")
    fw.port = None
    fw.process = subprocess.Popen(fw.process.args, stdout=subprocess.PIPE, stderr=fw.errors, text=True, cwd=fw.folder)
    threading.Thread(target=fw._read, daemon=True).start()
    until(lambda: fw.port)


def metric(fw, name):
    with open(os.path.join(fw.data, "admin.token")) as file:
        asked = urllib.request.Request(f"http://localhost:{fw.admin_port()}/metrics", headers={"Authorization": "Bearer " + file.read().strip()})
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
        return next((float(line.split()[-1]) for line in answer.read().decode().splitlines() if line.startswith(name)), None)


def a_spray():
    with Framewall(CONFIG + SPRAY, check=False) as fw:
        honest = RawClient(fw.port, fw.bearer("alice"), source="127.0.0.6")
        guess(fw, "127.0.0.5", "one", 6)
        for n in range(5):
            guess(fw, "127.0.0.7", f"user{n}")
        equal(explained(fw, "127.0.0.5")["blocked"], False, "who forgot his password is not one who sprays")
        for n in range(4):
            guess(fw, "127.0.0.5", f"user{n}")
        equal(fw.records("scenario_fired"), [], "at five accounts nothing fires")
        equal(len({record["details"].get("account") for record in fw.wait_records("auth_failure", 15)}), 6, "records tell accounts apart")
        ok(not any("user3" in json.dumps(record) for record in fw.records("auth_failure")), "and do not have what was typed as a name")
        watcher = RawClient(fw.port, fw.bearer("carol"), source="127.0.0.5")
        guess(fw, "127.0.0.5", "user4")
        (record,) = fw.wait_records("scenario_fired")
        details = record["details"]
        equal((record["source_ip"], record["level"], details["scenario"], details["action"], details["events"], details["values"], details["labels"]),
              ("127.0.0.5", "critical", "spray", "block", 11, 6, "mitre=T1110.003"), "the sixth fires, and the record says of what")
        ok(details["sample"].count(", ") == 2 and details["from"] < details["to"] and details["event"] == fw.records("auth_failure")[-1]["event_id"], "and which they were", details)
        why = until(lambda: explained(fw, "127.0.0.5")["blocked"] and explained(fw, "127.0.0.5"))
        equal((why["blocked"], why["by"], why["reason"], why["blocks"], why["score"]), (True, "violations", "scenario spray: 11 events", 1, 10), "the address is blocked, and that is explained")
        ok(1100 < why["seconds_left"] <= 1200, "for as long as it says", why)
        equal(watcher.close_code(), 4403, "its connections end")
        equal((comes_in(fw, "127.0.0.5"), comes_in(fw, "127.0.0.6", "bob"), honest.is_open()), (4403, 101, True), "it stays out, and others are not disturbed")
        ok("scenario spray" in block(fw, "list")[1], "it is listed")
        equal([one["source_ip"] for one in fw.wait_records("ip_blocked")], ["127.0.0.5"], "and nobody else is in the record")
        for n in range(7):
            guess(fw, "127.0.0.4", f"user{n}")
        ok(any(one["details"].get("exempt") for one in fw.wait_records("penalty")), "of who is exempt the record says so")
        equal(comes_in(fw, "127.0.0.4"), 101, "and he is left alone")
        gate = fw.part("fw-gate")
        os.kill(gate, signal.SIGKILL)
        until(lambda: fw.parts().get("fw-gate") not in (None, gate))
        equal(comes_in(fw, "127.0.0.5"), 4403, "the block outlives the gate")
        until(lambda: kept(fw) == 1)
        start_again(fw)
        equal((comes_in(fw, "127.0.0.5"), explained(fw, "127.0.0.5")["reason"]), (4403, "scenario spray: 11 events"), "and a server that is killed")
        equal(block(fw, "remove", "127.0.0.5")[0], 0, "it is taken back")
        equal((comes_in(fw, "127.0.0.5"), explained(fw, "127.0.0.5")["blocks"]), (101, 0), "and forgotten")


def one_process():
    with Framewall(CONFIG + SPRAY, "--single") as fw:
        for n in range(6):
            guess(fw, "127.0.0.5", f"user{n}")
        until(lambda: explained(fw, "127.0.0.5")["blocked"])
        equal((comes_in(fw, "127.0.0.5"), comes_in(fw, "127.0.0.6")), (4403, 101), "a server in one process does the same")


def summed_up():
    """Of the records that are beyond the budget of a source only a number is written: they count all the same."""
    config = CONFIG + "audit_logging: {source_budget: {records: 5, per: 60}}\n" + """
scenarios:
- {name: many, on: [auth_failure], group_by: [address], capacity: 29, leak: 600}
"""
    with Framewall(config, "--admin", "localhost:0") as fw:
        bad_token(fw, "127.0.0.5", 29)
        equal(fw.records("scenario_fired"), [], "29 are held")
        bad_token(fw, "127.0.0.5")
        equal(fw.wait_records("scenario_fired")[0]["details"]["events"], 30, "the thirtieth fires")
        ok(len(fw.records("auth_failure")) == 5, "though five are written", len(fw.records("auth_failure")))
        equal((metric(fw, 'framewall_scenario_fired_total{scenario="many"}'), metric(fw, 'framewall_scenario_evicted_total{scenario="many"}')), (1.0, 0.0), "the figures have it")


def only_watched():
    with Framewall(CONFIG + SPRAY.replace("distinct: details.account, ", ""), "--mode", "monitor") as fw:
        bad_token(fw, "127.0.0.5", 6)
        details = fw.wait_records("scenario_fired")[0]["details"]
        equal((details["mode"], details["would"], "action" in details), ("monitor", "block", False), "monitor says what it would do")
        equal(explained(fw, "127.0.0.5")["blocked"], False, "and does not")


def reloads():
    with Framewall(CONFIG + SPRAY) as fw:
        for n in range(5):
            guess(fw, "127.0.0.5", f"user{n}")
        fw.wait_records("auth_failure", 5)
        with open(os.path.join(fw.folder, "framewall.yaml"), "a") as file:
            file.write("- {name: more, on: [auth_success], group_by: [user], distinct: network, capacity: 1, action: revoke}\n")
        fw.signal(signal.SIGHUP)
        until(lambda: any(record["details"].get("change") == "reloaded" for record in fw.records("system_changes")))
        guess(fw, "127.0.0.5", "user9")
        equal(fw.wait_records("scenario_fired")[0]["details"]["values"], 6, "what was counted before a reload counts")
        token = fw.bearer("mallory")
        first = RawClient(fw.port, token, source="127.0.0.6")
        RawClient(fw.port, token, source="127.0.7.6").close()
        equal(fw.wait_records("scenario_fired", 2)[1]["user_id"], "mallory", "one user from two networks, by a scenario that is new")
        ok(first.close_code() != 1000, "his connections end")
        equal(until(lambda: comes_in(fw, "127.0.0.6", "mallory", token) != 101), True, "and his token is of no use any more")
        equal(subprocess.run([BINARY, "user", "enable", "mallory", "--data", fw.data], stdout=subprocess.DEVNULL, timeout=PATIENCE).returncode, 0, "an operator takes that back")
        equal(comes_in(fw, "127.0.0.6", "mallory", token), 101, "and it holds again")


def shipped():
    """Each that is shipped fires by its attack and not by what only looks like it; a test of one that was changed fails."""
    folder = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/scenarios"))

    def check(config):
        done = subprocess.run([BINARY, "check", "--config", config, "--tests", os.path.join(folder, "tests.yaml")], stdout=subprocess.PIPE, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout.splitlines()

    code, lines = check(os.path.join(folder, "scenarios.yaml"))
    equal((code, lines[-1].split(": ")[-1]), (0, "18 tests, 18 passed, 0 failed"), "all tests of scenarios that are shipped hold")
    with open(os.path.join(folder, "scenarios.yaml")) as file:
        text = file.read()
    names = re.findall("- name: (.*)", text)
    with tempfile.TemporaryDirectory() as made:
        for high, want in ((True, "-attack"), (False, "-benign")):
            path = os.path.join(made, "changed.yaml")
            with open(path, "w") as file:
                file.write(re.sub("capacity: .*", "capacity: 250" if high else "capacity: 1", re.sub("leak: .*", "leak: 604800", text)))
            code, lines = check(path)
            failed = {line.split()[1].rstrip(":") for line in lines if line.startswith("FAILED") and (": not " in line) != high}
            equal((code, sorted(set(names) - failed)), (1, []), f"with buckets that are too {'large' if high else 'small'} each has a test that fails ({want})")
        path = os.path.join(made, "records.jsonl")
        for text in ("nonsense\n", '{"timestamp":"2026-11-29T08:00:00.000000Z","event_type":"auth_failure"}\n{"timestamp":"2026-11-29T07:00:00.000000Z","event_type":"auth_failure"}\n'):
            with open(path, "w") as file:
                file.write(text)
            done = subprocess.run([BINARY, "scenario", "replay", path, "--config", os.path.join(folder, "scenarios.yaml")], stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
            ok(done.returncode != 0 and "is no record" in done.stderr, "what is no record, or in no order, is said", done.stderr)


main(shipped, a_spray, one_process, summed_up, only_watched, reloads)
