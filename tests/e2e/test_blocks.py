#!/usr/bin/python3
"""Blocks outlive gate, keeper and server; they are listed, explained and taken back; who makes the gate fall pays for it."""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import threading

from effects_blocks import block, explained, fall_for
from framewall import Framewall, RawClient, chat, equal, main, ok, until

CONFIG = """
listen: localhost:0
admin: {listen: "off"}
workers: 1
rate_limiting: {auth_attempts_per_minute: 1000, max_connections_per_ip: 100, messages_per_minute: 1000000000}
monitoring: {auto_block: {violation_threshold: 4, shared_from: 3, jitter: 0, blocking_events: [auth_failure, permission_denied]}}
"""


def status(fw, headers, source):
    client = RawClient(fw.port, headers, source=source)
    client.close()
    return client.status


def guess(fw, source, times):
    for _ in range(times):
        status(fw, {"Authorization": "Bearer nonsense"}, source)


def comes_in(fw, source, user="alice"):
    """101 and no error, else the code of the close."""
    client = RawClient(fw.port, fw.bearer(user), source=source)
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


def start_again(fw):
    fw.killed("fw-gate", "fw-keeper")
    fw.port = None
    fw.process = subprocess.Popen(fw.process.args, stdout=subprocess.PIPE, stderr=fw.errors, text=True, cwd=fw.folder)
    threading.Thread(target=fw._read, daemon=True).start()
    until(lambda: fw.port)


def kept(fw):
    with contextlib.closing(sqlite3.connect(os.path.join(fw.data, "framewall.db"))) as base:
        return base.execute("SELECT count(*) FROM blocks").fetchone()[0]


def they_outlive_everything():
    with Framewall(CONFIG, check=False) as fw:
        guess(fw, "127.0.0.5", 4)
        equal(comes_in(fw, "127.0.0.5"), 4403, "after four guesses an address is blocked")
        equal(block(fw, "add", "user:mallory", "--hours", "2", "--reason", "spam")[0], 0, "a user is blocked by an operator")
        equal(comes_in(fw, "127.0.0.6", "mallory"), 403, "he is refused, wherever he comes from")
        first = until(lambda: explained(fw, "127.0.0.5") if explained(fw, "127.0.0.5")["blocked"] else None)
        equal((first["by"], first["blocks"], first["score"], first["reason"]),
              ("violations", 1, 4, "too many blocking events: 4 points, auth_failure 4"), "explain says why")
        gate = fw.part("fw-gate")
        os.kill(gate, signal.SIGKILL)
        until(lambda: fw.parts().get("fw-gate") not in (None, gate))
        equal((comes_in(fw, "127.0.0.5"), comes_in(fw, "127.0.0.6", "mallory")), (4403, 403), "both outlive the gate")
        until(lambda: kept(fw) == 2)
        start_again(fw)
        equal((comes_in(fw, "127.0.0.5"), comes_in(fw, "127.0.0.6", "mallory"), comes_in(fw, "127.0.0.6")), (4403, 403, 101),
              "and a server that is killed, all of it")
        again = explained(fw, "127.0.0.5")
        equal([again[name] for name in ("blocked", "by", "blocks", "score", "reason")], [first[name] for name in ("blocked", "by", "blocks", "score", "reason")], "it is explained as before")
        ok(abs(again["seconds_left"] - 900) < 890, "and has its time", again)
        code, text, _ = block(fw, "list")
        ok(code == 0 and "violations" in text and "operator" in text and "mallory" in text, "both are listed", text)
        equal((block(fw, "remove", "127.0.0.5")[0], block(fw, "remove", "user:mallory")[0]), (0, 0), "they are taken back")
        equal(explained(fw, "127.0.0.5")["blocks"], 0, "and forgotten")
        start_again(fw)
        equal((comes_in(fw, "127.0.0.5"), comes_in(fw, "127.0.0.6", "mallory")), (101, 101), "also by the next server")
        code, text, wrong = block(fw, "remove", "127.0.0.5")
        ok(code == 3 and "not on the block list" in wrong, "what is not there is said", wrong)
        ok(block(fw, "explain")[0] == 2 and block(fw, "explain", "nonsense")[0] == 3, "so is what is no address")


def a_user_of_a_shared_address():
    with Framewall(CONFIG) as fw:
        clients = [RawClient(fw.port, fw.bearer(f"user{n}", "guest"), source="127.0.0.8") for n in range(8)]
        ok(3 <= explained(fw, "127.0.0.8")["users"] <= 8, "of eight users, some of whom look alike, three are known at least", explained(fw, "127.0.0.8"))
        for _ in range(4):
            clients[7].send(chat("hi"))
        equal(clients[7].close_code(), 4403, "a user who does what he may not is blocked himself")
        equal(clients[0].is_open(), True, "and not who shares his address")
        ok(fw.wait_records("user_blocked")[0]["user_id"] == "user7", "that is in the record")
        equal(explained(fw, "user:user7")["blocked"], True, "and is explained")
        equal((explained(fw, "127.0.0.8")["points"], explained(fw, "127.0.0.8")["events"]), (1, [{"event": "user_blocked", "points": 1}]), "of the address it is a point")
        for client in clients:
            client.close()


def who_makes_it_fall():
    with Framewall(CONFIG.replace("violation_threshold: 4", "violation_threshold: 10, fall_points: 10"), check=False) as fw:
        ok(fall_for(fw, "127.0.0.7") is not None, "the gate falls while it works for an address, and the record has that")
        until(lambda: explained(fw, "127.0.0.7")["blocked"])
        why = explained(fw, "127.0.0.7")
        ok(why["blocked"] and "system_error 10" in why["reason"], "which is blocked for it", why)
        equal((comes_in(fw, "127.0.0.7"), comes_in(fw, "127.0.0.9")), (4403, 101), "by the next gate, too, and nobody else is")


main(they_outlive_everything, a_user_of_a_shared_address, who_makes_it_fall)
