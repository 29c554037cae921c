"""For test_effects.py and test_blocks.py: a gate that falls while it works for an address."""
import ctypes
import glob
import json
import os
import signal
import subprocess
import threading

from effects import CLOSED, Case
from framewall import BINARY, PATIENCE, RawClient, until

FALLS = 40  # at most: in most of its time the worker works for the one client that there is
TGKILL = 234
FALL_POINTS = "monitoring.auto_block.fall_points"


def block(program, *words):
    done = subprocess.run([BINARY, "block", *words, "--data", program.data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr


def explained(program, whom):
    return json.loads(block(program, "explain", whom, "--json")[1])


def flood(port, headers, source, over):
    try:
        client = RawClient(port, headers, source=source)
        while not over.is_set():
            client.socket.sendall(RawClient.frame("{}") * 200)
    except (OSError, IndexError, ValueError):
        pass  # it fell


def worker_of(gate):
    for path in glob.glob(f"/proc/{gate}/task/*/comm"):
        with open(path) as file:
            if file.read().startswith("fw-worker"):
                return int(path.split("/")[4])
    return None


def fall_for(program, source):
    """The gate falls while a worker judges what that address sends. The record of it; None: it was never so."""
    for _ in range(FALLS):
        before, over = len(program.records("system_changes")), threading.Event()
        gate = program.part("fw-gate")
        sender = threading.Thread(target=flood, args=(program.port, program.bearer("mallory"), source, over))
        sender.start()
        until(lambda: any(record["source_ip"] == source for record in program.records("invalid_message")))
        tid = worker_of(gate)
        if tid is not None:
            ctypes.CDLL(None).syscall(TGKILL, gate, tid, signal.SIGSEGV)
        over.set()
        sender.join()
        until(lambda: program.parts().get("fw-gate") not in (None, gate))
        until(lambda: len(program.records("system_changes")) > before)
        for record in program.records("system_changes")[before:]:
            if record["details"].get("change") == "gate fell" and record["source_ip"] == source:
                return record
    return None


def see_fall(program, _=None):
    if fall_for(program, "127.0.0.7") is None:
        return {}
    return {FALL_POINTS: until(lambda: explained(program, "127.0.0.7")["points"], 2)}


def cases_of_blocks():
    yield Case({FALL_POINTS: (3, 7, 3, 7)}, see_fall, {**CLOSED, "workers": 1, "rate_limiting.messages_per_minute": 1000000000, "monitoring.auto_block.blocking_events": ["auth_failure"]})
