"""For test_effects.py: what keys change of the files that a program writes: those of the record, and of a capture."""
import glob
import json
import os
import re
import shutil
import subprocess
import time

from clock import Clock
from effects import CLOSED, PLAIN, Case, not_here, said
from framewall import RawClient, chat, until

BUDGET = "audit_logging.source_budget."


def logs(program):
    return glob.glob(os.path.join(program.data, "record", "security_audit-*.log"))


def see_size(program, _=None):
    """A record of more than a megabyte: each message is on it."""
    client = RawClient(program.port, program.bearer())
    for _ in range(30):
        client.socket.sendall(RawClient.frame(chat("hi")) * 100)
        client.send('{"type":"ping"}')
        said(client, "pong")
    client.close()
    until(lambda: sum(os.path.getsize(path) for path in logs(program)) > 1.1 * (1 << 20))
    return {"audit_logging.max_log_size": len(logs(program))}


def see_age(program, clock=None):
    """The record, one hour and a half later."""
    RawClient(program.port, request=PLAIN).closed()
    program.wait_records("handshake_refused")
    clock.set(5400)
    until(lambda: program.records("clock_jump"))
    RawClient(program.port, request=PLAIN).closed()
    program.wait_records("handshake_refused", 2)
    return {"audit_logging.rotation_interval": len(logs(program))}


def see_kept(program, clock=None):
    """The record, over six files, one every hour and a half."""
    with open(os.path.join(program.folder, "framewall.yaml")) as file:
        said = {key: str(value) for key, value in json.load(file)["audit_logging"].items()}
    number = lambda key: int(re.sub(r"\$\{file:(.*)\}", lambda found: open(found.group(1)).read().strip(), said[key]))
    kinds = lambda: tuple(len(glob.glob(os.path.join(program.data, "record", "security_audit-*" + end))) for end in (".log", ".log.zst"))
    newest = lambda: max(glob.glob(os.path.join(program.data, "record", "security_audit-*.log")))
    for n in range(6):
        before = newest()
        clock.set(5400 * n)
        until(lambda: RawClient(program.port, request=PLAIN).closed() is None or n == 0 or newest() != before)
    texts = min(6, number("max_log_files"))
    until(lambda: kinds() == (texts, min(6 - texts, number("max_archived_files") or 6)))
    return dict(zip(("audit_logging.max_log_files", "audit_logging.max_archived_files"), kinds()))


def see_sync(program, _=None):
    for n in range(20):
        RawClient(program.port, request=PLAIN).closed()
        program.wait_records("handshake_refused", n + 1)
    program.signal()
    program.wait()
    trace = os.path.join(program.folder, "trace")
    until(lambda: f"{program.process.pid} +++ exited" in open(trace).read())
    count = len(re.findall(r"fdatasync\(\d+<[^>]*/record/security_audit", open(trace).read()))
    return {"audit_logging.sync": "never" if count == 0 else "each" if count >= 20 else count}


def recorded(program, messages):
    """capture.file after a client said that."""
    client = RawClient(program.port, {})
    client.send(json.dumps({"type": "auth", "token": program.token()}))
    said(client, "auth_success")
    for message in messages:
        client.send(json.dumps(message))
        client.receive()
    client.close()
    program.signal()
    program.wait()
    path = os.path.join(program.folder, "traffic")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def see_capture(program, _=None):
    sent = {"type": "chat_message", "word": "ACME", "words": "three more words", "number": 12345}
    lines = recorded(program, [sent])
    got = json.loads(next(line["text"] for line in lines if line["direction"] == "in"))
    return {"capture.keep": got["word"] == sent["word"], "capture.keep_fields": got["words"] == sent["words"],
            "capture.redact_fields": got["number"] != sent["number"], "capture.users": any(line.get("user") == "alice" for line in lines)}


def see_capture_file(program, _=None):
    return {"capture.file": bool(recorded(program, [{"type": "ping"}]))}


def see_full_capture(key):
    def see(program, _=None):
        recorded(program, [{"type": "chat_message", "text": "word " * 40000}] * 9)
        size = os.stat(os.path.join(program.folder, "traffic")).st_size
        return {key: size > 1 << 20 if key == "capture.max_size" else os.path.exists(os.path.join(program.folder, "traffic.1"))}
    return see


def see_budget(program, _=None):
    """Three handshakes that are refused, and three more two and a half seconds later: what each record of them stands for."""
    for pause in (2.5, 0):
        for _ in range(3):
            RawClient(program.port, request=PLAIN).closed()
        time.sleep(pause)
    program.signal()
    program.wait()
    seen = [record["details"].get("count", 1) for record in program.records("handshake_refused")]
    return {BUDGET + key: seen for key in ("records", "per", "summed_for")}


def cases_of_record():
    traffic = {**CLOSED, "capture.file": "traffic"}
    recording = {"says": r"capture\.(file|max_size)"}
    yield Case({"capture.file": ("", "traffic", False, True)}, see_capture_file, CLOSED, **recording)
    yield Case({"capture.keep": ("shapes", "words", False, True), "capture.keep_fields": ([], ["words"], False, True),
                "capture.redact_fields": ([], ["number"], False, True), "capture.users": (False, True, False, True)}, see_capture, traffic, **recording)
    large = {**traffic, "rate_limiting.max_message_size": 1000000}
    yield Case({"capture.max_size": (1, 5, False, True)}, see_full_capture("capture.max_size"), large, **recording)
    yield Case({"capture.when_full": ("stop", "rotate", False, True)}, see_full_capture("capture.when_full"), {**large, "capture.max_size": 1}, **recording)
    yield Case({"audit_logging.max_log_size": (100, 1, 1, 2)}, see_size, {**CLOSED, "rate_limiting.messages_per_minute": 1000000, "audit_logging.data_access": "each"})
    yield Case({"audit_logging.max_log_files": (2, 3, 2, 3), "audit_logging.max_archived_files": (1, 2, 1, 2)}, see_kept,
               {**CLOSED, "audit_logging.rotation_interval": 1}, clock=Clock)
    yield Case({"audit_logging.rotation_interval": (24, 1, 1, 2)}, see_age, CLOSED, clock=Clock)
    for key, row in (("records", (2, 4, [1, 1, 4], [1, 1, 1, 1, 2])), ("per", (1, 3600, [1] * 6, [1, 1, 1, 3])), ("summed_for", (1, 3600, [1] * 6, [1, 1, 4]))):
        yield Case({BUDGET + key: row}, lambda program, key=BUDGET + key: {key: see_budget(program)[key]},
                   {**CLOSED, **{BUDGET + name: value for name, value in (("records", 3 if key == "per" else 2), ("per", 3600), ("summed_for", 3600)) if name != key}})
    if not shutil.which("strace") or subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        not_here["audit_logging.sync"] = "strace is not there, or may not trace"
    else:
        yield Case({"audit_logging.sync": ("none", "each", "never", "each")}, see_sync, CLOSED,
                   before=("strace", "-D", "-f", "-q", "-y", "-e", "trace=fdatasync", "-o", "trace"))
