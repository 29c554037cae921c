"""Levels of the log, by module, at the start and while the server runs; what a line may hold; a reader that does not read."""
import json
import os
import re
import subprocess

import framewall as fw

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (error|warn|info|debug|trace) [a-z]+: [^\x00-\x1f]+$")
CONFIG = 'upstream: { url: "%s" }\n' + fw.RELAXED


def log(server, *arguments):
    done = subprocess.run([fw.BINARY, "log", "--data", server.data, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=fw.PATIENCE)
    return done.returncode, done.stdout, done.stderr


def visit(server, path="/", user="alice"):
    client = fw.RawClient(server.port, server.bearer(user), path)
    client.close()


def at_run_time():
    with fw.Upstream() as upstream, fw.Framewall(CONFIG % upstream.url(), check=False) as server:
        visit(server)
        server.wait_records("websocket_disconnect")
        fw.equal(server.stderr(), "", "at the default level a connection is no news")
        code, out, _ = log(server, "--json")
        levels = json.loads(out)["levels"]
        fw.equal((code, set(levels.values())), (0, {"info"}), "every module is at info")
        code, out, _ = log(server, "connection=trace", "upstream=trace")
        fw.ok(code == 0 and re.search(r"^connection +trace$", out, re.M) and re.search(r"^hub +info$", out, re.M), "levels are changed", out)
        visit(server)
        fw.until(lambda: ": over" in server.stderr())
        text = server.stderr()
        for what in ("accepted", "admitted", "auth_success", "dials 127.0.0.1", "connected to 127.0.0.1", "websocket_connected", "open",
                     "websocket_disconnect", "over"):
            fw.ok(f": {what}" in text, f"at trace the way of a connection is told: {what}", text)
        fw.ok(all(LINE.match(line) for line in text.splitlines()), "one line each, with time, level and module", text)
        ids = set(re.findall(r"connection (\d+) from", text)) - {"0"}
        fw.equal(len(ids), 1, "with the id of the connection")
        fw.equal(server.wait_records("websocket_connected", 2)[-1]["connection_id"], int(ids.pop()), "which is the record's")
        code, _, _ = log(server, "warn")
        size = len(server.stderr())
        visit(server)
        server.wait_records("websocket_disconnect", 3)
        fw.equal((code, server.stderr()[size:]), (0, ""), "and is told no more when it is changed back")
        fw.equal([r["details"]["levels"] for r in server.wait_records("admin_action", 2)], ["connection=trace,upstream=trace", "warn"],
                 "who changed it is on record")
        code, out, error = log(server, "connections=trace")
        fw.ok(code == 2 and out == "" and "connections=trace" in error, "an unknown module is a usage error", error)
    code, _, error = log(server, "info")
    fw.ok(code == 3 and "no server runs" in error, "without a server it says so", error)


def injected():
    """What a peer sends cannot make a line, nor colour one."""
    with fw.Framewall(None, "--log-level", "trace", check=False) as server:
        visit(server, user="mallory\u2028\u202efaked", path="/%0a2026-01-01T00:00:00.000000Z%20error%20record:%20faked")
        bad = fw.RawClient(server.port, request=b"GET /x\x1b[31m HTTP/1.1\r\nHost: localhost\r\n\r\n")
        bad.closed()
        server.wait_records("handshake_refused")
        server.signal()
        server.wait()
        text = server.stderr()
    fw.ok(len(text.splitlines()) > 5 and all(LINE.match(line) for line in text.split("\n")[:-1]), "every line is one of the program's", text)
    fw.ok("\u2028" not in text and "\u202e" not in text and "\x1b" not in text, "without separators, directions or colours of a peer", text)


def nobody_reads():
    """Standard error is a pipe that is full: the server goes on, and says later what is missing."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    with fw.Upstream() as upstream, fw.Framewall(CONFIG % upstream.url(), "--log-level", "trace", check=False, errors=write) as server:
        os.close(write)
        for _ in range(150):
            client = fw.RawClient(server.port, server.bearer("alice"))
            client.send(fw.chat("still here"))
            if b"still here" not in client.receive()[1]:
                break
            client.close()
        else:
            fw.ok(True, "150 connections of which nobody reads are served")
        said = b""

        def more():
            nonlocal said
            try:
                said += os.read(read, 1 << 20)
            except BlockingIOError:
                visit(server)
            return b"lines were left out: nobody read them" in said

        fw.ok(fw.until(more), "and when somebody reads again, what is missing is said", said[-300:])
        fw.equal(all(LINE.match(line) for line in said.decode().split("\n")[:-1]), True, "all lines are whole")
    os.close(read)


def wrong():
    with fw.Framewall(None, "--log-level", "chatty", wait=False, check=False) as server:
        fw.equal(server.wait(), 1, "a level that there is not keeps the program from starting")
        fw.ok('"chatty" is neither' in server.stderr(), "and it is named", server.stderr())


fw.main(at_run_time, injected, nobody_reads, wrong)
