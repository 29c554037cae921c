#!/usr/bin/python3
"""Attack row 20: memory or threads cannot be had. Each connection is served or ended, the program goes on, and when there is memory again
all is as before. (Every single allocation of the engine: the plays with failing allocations; of TLS: its unit test.)"""
import resource

from framewall import *

MEBIBYTE = 1 << 20
TEXT = "x" * 1900


def address_space(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmSize:\s+(\d+) kB", file.read()).group(1)) * 1024


def crowd(fw, count):
    """So many clients that each begin a long message and do not end it; those that were let in."""
    clients = []
    for number in range(count):
        try:
            client = RawClient(fw.port, fw.bearer(f"user{number}"))
            if client.status == 101:
                client.socket.sendall(RawClient.frame(chat(TEXT))[:-1])
                clients.append(client)
        except OSError:
            pass
    return clients


def test_short():
    with Framewall(RELAXED, "--workers", "2", says="memory|no room") as fw:
        fw.stats()  # so that all its threads run
        early = RawClient(fw.port, fw.bearer("early"))
        fw.part("fw-gate")
        pids = fw.pids()
        _, most = resource.prlimit(pids[0], resource.RLIMIT_AS)
        for room in (0, MEBIBYTE // 4, MEBIBYTE, 2 * MEBIBYTE):
            for pid in pids:
                resource.prlimit(pid, resource.RLIMIT_AS, (address_space(pid) + room, most))
            clients = crowd(fw, 300)
            ok(fw.process.poll() is None and fw.pids() == pids, f"with {room >> 10} KiB more than it had, 300 clients with half a message do not end it ({len(clients)} were let in)")
            for client in clients:
                client.close()
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_AS, (most, most))

        def served():
            try:
                client = RawClient(fw.port, fw.bearer("late"))
                client.send(json.dumps({"type": "ping", "timestamp": 1}))
                while json.loads(client.receive()[1])["type"] != "pong":
                    pass
                client.close()
                return True
            except (OSError, EOFError, ValueError):
                return False

        ok(until(served), "with memory again it serves as before")
        early.close()
        ok(until(lambda: fw.stats()["active_connections"] == 0), "and holds nothing of all those", fw.stats())


def test_threads():
    """As a user that may not have another thread: it says so and ends."""
    def nobody():
        os.setgid(65534)
        os.setuid(65534)
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))

    if os.geteuid() != 0:
        skip("no thread to be had", "needs root to become somebody else")
        return
    folder = tempfile.mkdtemp(prefix="framewall-threads-")
    os.chmod(folder, 0o777)
    done = subprocess.run([BINARY, "run", "--listen", "localhost:0", "--admin", "off", "--data", folder + "/data"], cwd="/", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE, preexec_fn=nobody)
    equal(done.returncode, 3, "without a thread it does not start")
    ok("thread" in done.stderr, "and says that it has none", done.stderr)
    shutil.rmtree(folder, ignore_errors=True)


main(test_short, test_threads)
