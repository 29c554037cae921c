"""Attack row 19: descriptors run out. Newcomers are turned away, nothing spins, who is in stays in; record, admin side and
recovery work."""
import json
import resource
import signal
import socket
import subprocess
import time

import framewall as fw

LIMIT = 64


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))


def crowd(port, count):
    sockets = []
    for _ in range(count):
        one = socket.socket()
        one.settimeout(fw.PATIENCE)
        one.connect(("127.0.0.1", port))
        sockets.append(one)
    return sockets


def hub():
    with fw.Framewall(fw.RELAXED, "--workers", "2", says="no room .descriptors|info server|debug admin", preexec=few_descriptors) as server:
        early = fw.RawClient(server.port, server.bearer("early"))
        fw.equal(early.status, 101, "one is in")
        sockets = crowd(server.port, 200)
        fw.ok(server.wait_records("overload"), "the overload is on record")
        used = server.cpu()
        time.sleep(2)
        fw.ok(server.cpu() - used < 0.5, "nothing spins", server.cpu() - used)
        most = max(server.descriptors(pid) for pid in server.pids())
        fw.ok(most <= LIMIT - LIMIT // 8, "some descriptors are left", most)
        early.send(json.dumps({"type": "ping", "timestamp": 7}))
        while b"pong" not in early.receive()[1]:
            pass
        fw.ok(True, "who is in is served")
        stats = server.stats()
        fw.ok(stats["active_connections"] >= 1, "the admin side answers", stats)
        server.signal(signal.SIGHUP)
        fw.ok(fw.until(lambda: server.stats()["configuration"]["reloads"] == 1), "the configuration can be read anew")
        code = subprocess.run([fw.BINARY, "log", "--data", server.data, "admin=debug"], stdout=subprocess.DEVNULL).returncode
        fw.equal((code, len(server.wait_records("admin_action"))), (0, 1), "and takes changes, which are recorded")
        subprocess.run([fw.BINARY, "log", "--data", server.data, "info"], stdout=subprocess.DEVNULL, check=True)
        for one in sockets:
            one.close()
        start = time.monotonic()

        def works():
            try:
                late = fw.RawClient(server.port, server.bearer("late"))
                late.close()
                return late.status == 101
            except OSError:
                return False

        fw.ok(fw.until(works), "afterwards it takes connections again")
        fw.ok(time.monotonic() - start < 20, "soon")
        early.close()


def proxied():
    """Each proxied connection takes two: the upstream's socket is refused as well, and its client told."""
    with fw.Upstream() as upstream, fw.Framewall(fw.RELAXED, "--upstream", upstream.url(), "--workers", "1", says="no room .descriptors",
                                                 preexec=few_descriptors) as server:
        clients, answers = [], []
        for number in range(LIMIT):
            try:
                client = fw.RawClient(server.port, server.bearer(f"user{number}"))
                answers.append(client.status)
                clients.append(client)
            except OSError:
                answers.append(None)
        good = answers.count(101)
        fw.ok(good >= 5 and set(answers) <= {101, 502, 503, None}, "as many as there is room for come in, the others are told or closed", answers)
        fw.ok(server.stats()["active_connections"] >= good, "the admin side answers")
        for client in clients:
            if client.status == 101:
                client.send(fw.chat("here"))
        fw.ok(all(b"here" in client.receive()[1] for client in clients if client.status == 101), "and all who are in are served")
        for client in clients:
            client.close()


fw.main(hub, proxied)
