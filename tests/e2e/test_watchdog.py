#!/usr/bin/python3
"""A worker whose loop does not turn is found, and what is done about it. Nobody is found where everything stood: a server that was stopped
for a while, whole or in part, one that is being debugged, a machine that has too much to do."""
from framewall import *
from hang import GO, RUN, WAIT, Hang

CONFIG = RELAXED.replace("websocket:", "websocket:\n  ping_interval: 0") + "overload: {watchdog: 2, watchdog_action: %s}\n"
QUIET = "has not turned|turns again|is ended|the gate fell"


def started(action, hang, *arguments, **options):
    return Framewall(CONFIG % action, "--workers", "2", *arguments, environment=hang.environment, says=QUIET, **options)


def serves(fw):
    """Connections of both workers, with some chance."""
    clients = [RawClient(fw.port, fw.bearer(f"user{n}")) for n in range(8)]
    try:
        return all(client.is_open() for client in clients)
    except (OSError, EOFError):
        return False
    finally:
        for client in clients:
            client.close()


def works(fw):
    try:
        return serves(fw)
    except (OSError, IndexError):
        return False


def test_recorded():
    for how, arguments in ((WAIT, ()), (RUN, ()), (WAIT, ("--single",))):
        hang = Hang()
        with started("record", hang, *arguments) as fw:
            clients = [RawClient(fw.port, fw.bearer(f"user{n}")) for n in range(8)]
            pids = fw.pids()
            hang.set(how)
            ok(until(hang.stands), f"a worker stands {'and runs' if how == RUN else 'and waits'} {' '.join(arguments)}")
            found = fw.wait_records("worker_hangs")
            equal([(record["details"]["seconds"], record["details"]["action"]) for record in found], [(2, "record")], "it is found, once")
            said = found[0]["details"]["where"] if found else ""
            ok(said.startswith("it runs" if how == RUN else "it waits"), "and where it stands", said)
            ok("has not turned" in fw.stderr(), "and said", fw.stderr())
            hang.set(GO)
            ok(until(lambda: any(record["details"].get("change") == "worker turns again" for record in fw.records("system_changes"))), "it turns again")
            ok(all(client.is_open() for client in clients), "nobody lost his connection")
            equal((len(fw.records("worker_hangs")), fw.pids()), (1, pids), "and no process its life")
            for client in clients:
                client.close()


def test_ended():
    for how in (WAIT, RUN):
        hang = Hang()
        with started("restart", hang) as fw:
            stuck = [RawClient(fw.port, fw.bearer(f"user{n}")) for n in range(8)]
            gate, keeper = fw.part("fw-gate"), fw.part("fw-keeper")
            hang.set(how)
            until(hang.stands)
            ok(until(lambda: fw.part("fw-gate") not in (None, gate)), "the gate is ended, and begins anew")
            hang.forget()
            ok(until(lambda: works(fw)), "and serves")
            equal([record["details"]["action"] for record in fw.wait_records("worker_hangs")], ["restart"], "the record has why")
            fell = until(lambda: [record for record in fw.records("system_changes") if record["details"].get("change") == "gate fell"])
            equal([record["details"]["signal"] for record in fell], [signal.SIGABRT], "and that it fell")
            equal(fw.part("fw-keeper"), keeper, "the keeper is the same")
            ok(all(client.closed() for client in stuck), "who was connected knows")
            for client in stuck:
                client.close()


def pause(pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(5)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


class Freezer:
    """A control group whose processes are frozen as a whole; None: none can be made here."""

    def __init__(self):
        self.path = f"/sys/fs/cgroup/freezer/framewall-test-{os.getpid()}"
        os.mkdir(self.path)

    def say(self, file, text):
        with open(os.path.join(self.path, file), "w") as group:
            group.write(str(text))

    def freeze(self, pids):
        for pid in pids:
            self.say("cgroup.procs", pid)
        self.say("freezer.state", "FROZEN")
        time.sleep(5)
        self.say("freezer.state", "THAWED")

    def remove(self):
        until(lambda: open(os.path.join(self.path, "cgroup.procs")).read() == "")
        os.rmdir(self.path)


def test_nobody():
    """Times in which nobody is to be found. What the watchdog takes is 2 s; everything here takes 5."""
    hang = Hang()
    with started("restart", hang) as fw:
        client = RawClient(fw.port, fw.bearer())
        gate = fw.part("fw-gate")
        pause(fw.pids())
        ok(works(fw), "the whole server was stopped, and goes on")
        pause([gate])
        ok(works(fw), "the gate was, and goes on")
        pause([fw.process.pid])
        ok(works(fw), "who looks was, and goes on")
        try:
            freezer = Freezer()
        except OSError:
            freezer = None
            skip("all is frozen", "no such control group here")
        if freezer is not None:
            freezer.freeze(fw.pids())
            ok(works(fw), "all was frozen, and goes on")
        debugger = shutil.which("strace")
        if debugger is None:
            skip("it is traced", "strace is not installed")
        else:
            tracer = subprocess.Popen([debugger, "-f", "-p", str(gate), "-o", "/dev/null"], stderr=subprocess.DEVNULL)
            pause([gate])
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
            ok(works(fw), "it was traced, and goes on")
        busy = [subprocess.Popen([sys.executable, "-c", "import time\nend = time.time() + 6\nwhile time.time() < end: pass"]) for _ in range(4 * (os.cpu_count() or 1))]
        os.setpriority(os.PRIO_PROCESS, gate, 19)
        for process in busy:
            process.wait()
        ok(works(fw), "the machine had too much to do, and it goes on")
        ok(client.is_open(), "the one that is connected has been all along")
        equal((fw.records("worker_hangs"), fw.part("fw-gate")), ([], gate), "nobody was found, none ended")
        client.close()
        fw.signal(signal.SIGCONT)
    if freezer is not None:
        freezer.remove()


main(test_recorded, test_ended, test_nobody)
