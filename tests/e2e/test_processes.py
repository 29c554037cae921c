"""A server as three processes (what run is without --single): gate and keeper fall at random instants under load, and what a client was told is in
the record, the chain holds, who comes next is served. And what the gate may do, as the kernel says it.

PROCESSES_FALLS (10), PROCESSES_SEED, PROCESSES_SECONDS (0): a gate that falls every second for so long. PROCESSES_ONLY=falls: nothing but these.
"""
import random

from framewall import *

FALLS = int(os.environ.get("PROCESSES_FALLS", "10"))
OF_ONE_SERVER = 100
SEED = int(os.environ.get("PROCESSES_SEED", "20261129"))
SECONDS = int(os.environ.get("PROCESSES_SECONDS", "0"))
CONFIG = RELAXED + "audit_logging: { max_log_size: 1, max_log_files: 1000 }\n"
FELL = r"index of the record|nonsense|^\^$|the configuration was|it is started again|did not answer"


def start(config=CONFIG, *arguments, **more):
    return Framewall(config, *arguments, places=("--listen", "localhost:0", "--admin", "localhost:0"), says=FELL, **more)


def status_of(pid, key):
    with open(f"/proc/{pid}/status") as file:
        return re.search(rf"^{key}:\s*(\S+)", file.read(), re.M).group(1)


def is_over(pid):
    """Gone, or nobody has asked what became of it."""
    try:
        return status_of(pid, "State") == "Z"
    except OSError:
        return True


class Load:
    """Users who log in, each under a name of his own, until it is over; who was told that he is in."""

    def __init__(self, fw):
        self.fw, self.told, self.over, self.count = fw, [], False, 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.visit) for _ in range(3)]
        for thread in self.threads:
            thread.start()

    def visit(self):
        while not self.over:
            with self.lock:
                self.count += 1
                name = f"user{self.count}"
            try:
                client = RawClient(self.fw.port, self.fw.bearer(name))
                if client.status == 101:
                    self.told.append(name)
                client.close()
            except (OSError, IndexError, ValueError):
                pass
            time.sleep(0.003)  # some hundreds a second, so that servers beside each other get on, too

    def end(self):
        self.over = True
        for thread in self.threads:
            thread.join(PATIENCE)
        return self.told


def verify(fw):
    return subprocess.run([BINARY, "audit", "verify", "--data", fw.data], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)


def answers(fw):
    return subprocess.run([BINARY, "stats", "--data", fw.data], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE).returncode == 0


def changes(fw, change):
    return [record for record in fw.records("system_changes") if record["details"].get("change") == change]


def comes_in(fw, name):
    def once():
        try:
            client = RawClient(fw.port, fw.bearer(name))
            client.close()
            return client.status == 101
        except (OSError, IndexError, ValueError):
            return False
    return until(once)


def what_it_is():
    with start() as fw:
        until(lambda: len(fw.parts()) == 2)
        equal(sorted(fw.parts()), ["fw-gate", "fw-keeper"], "a gate and a keeper beside the monitor")
        gate, keeper = fw.part("fw-gate"), fw.part("fw-keeper")
        equal(status_of(gate, "NoNewPrivs"), "1", "the gate gets no new rights")
        equal([int(status_of(gate, kind), 16) for kind in ("CapPrm", "CapEff", "CapInh")], [0, 0, 0], "and has none of root's")
        if os.path.exists("/proc/sys/kernel/seccomp"):
            equal(status_of(gate, "Seccomp"), "2", "its system calls are filtered")
        says = [line for line in fw.lines if line.startswith(("gate ", "keeper "))]
        ok(f"gate {gate}" in says[0] and f"keeper {keeper}" in says[-1] and " as user " in says[-1], "it says which they are, and as whom they run", says)
        nice = {}
        for path in glob.glob(f"/proc/{keeper}/task/*/stat"):
            with open(path, encoding="ascii") as file:
                name, _, rest = file.read().partition("(")[2].rpartition(")")
            nice[name] = int(rest.split()[16])
        equal([nice.get(name) for name in ("fw-keeper", "fw-recorder", "fw-index", "fw-rows")], [0, 5, 10, 15], "what nobody waits for lets others go first")
        opened = [os.readlink(f"/proc/{gate}/fd/{fd}") for fd in os.listdir(f"/proc/{gate}/fd")]
        equal([path for path in opened if path.startswith(fw.folder) and not path.endswith(("lock", "stderr"))], [], "and it has no file of the data directory open")
        held = [os.readlink(f"/proc/{keeper}/fd/{fd}") for fd in os.listdir(f"/proc/{keeper}/fd")]
        ok(any("security_audit" in path for path in held), "which the keeper has")
        ok(comes_in(fw, "alice"), "a client comes in")


def falls():
    """On servers that each see no more than OF_ONE_SERVER, so that reading the whole record does not become the most of this test."""
    chance, wrong, clients = random.Random(SEED), [], 0
    for first in range(0, FALLS, OF_ONE_SERVER):
        told, said = falls_of_one(chance, min(OF_ONE_SERVER, FALLS - first))
        clients += told
        wrong += [(first, what) for what in said]
    ok(clients > FALLS, f"{clients} clients were told that they are in, {FALLS} falls by SIGKILL, of gate and keeper in turn (seed {SEED})")
    equal(wrong[:5], [], "each fall is in the record once, each client, too, no record is missing, the chain holds, and after all of it a client comes in")


def falls_of_one(chance, count):
    """How many clients were told that they are in, and what is wrong."""
    wrong = []
    with start() as fw:
        fw.part("fw-gate")
        load = Load(fw)
        fell = {"fw-gate": 0, "fw-keeper": 0}
        while sum(fell.values()) < count:
            time.sleep(0.1 + chance.random() * 0.4)
            name = "fw-gate" if sum(fell.values()) % 2 == 0 else "fw-keeper"
            pid = fw.part(name)
            if pid is None:
                wrong.append(f"no {name} after {fell}")
                break
            os.kill(pid, signal.SIGKILL)
            fell[name] += 1
            until(lambda: fw.parts().get(name) not in (None, pid))
        if not comes_in(fw, "last"):
            wrong.append("nobody comes in afterwards")
        told = load.end()
        until(lambda: not set(told) - {record["user_id"] for record in fw.records("auth_success")})
        records = fw.records()
        logins = [record for record in records if record["event_type"] == "auth_success"]
        missing = sorted(set(told) - {record["user_id"] for record in logins})
        if missing:
            wrong.append(("not in the record", missing[:5]))
        # One that was written again, since the keeper fell before it said so, has the same id, user and time.
        if len({record["event_id"] for record in logins}) != len({(record["event_id"], record["user_id"], record["timestamp"]) for record in logins}):
            wrong.append("two logins with one id")
        gone = [record for record in records if record["event_type"] == "system_changes" and record["details"].get("change") == "gate fell"]
        if len(gone) != fell["fw-gate"]:
            wrong.append(f"{fell} falls, {len(gone)} of the gate in the record")
        if any(record["event_type"] == "records_lost" for record in records):
            wrong.append("records are missing")
        said = verify(fw)
        if said.returncode != 0:
            wrong.append(said.stdout.strip()[-200:])
    return len(told), wrong


def both_fall():
    """The keeper just after the gate, perhaps when that the gate fell is on the disk and in the channel still: it is in the record once."""
    chance = random.Random(SEED)
    with start() as fw:
        for fall in range(6):
            pids = {name: fw.part(name) for name in ("fw-gate", "fw-keeper")}
            comes_in(fw, f"user{fall}")
            for pid in pids.values():
                os.kill(pid, signal.SIGKILL)
                time.sleep(chance.random() * 0.012)
            until(lambda: all(fw.parts().get(name) not in (None, pid) for name, pid in pids.items()))
            time.sleep(0.55)  # so that the next is started at once, too
        comes_in(fw, "last")
        until(lambda: any(record["user_id"] == "last" for record in fw.records("auth_success")))
        gone = [record["event_id"] for record in changes(fw, "gate fell")]
        equal((len(gone), len(set(gone))), (6, 6), "both fall: each fall of the gate is in the record, once")
        equal(fw.records("records_lost"), [], "and no record is missing")


def full_channel():
    """The keeper is away for so long that the gate's channel is full, and then the gate falls: that is in the record, too."""
    with start() as fw:
        fw.part("fw-gate")
        load = Load(fw)
        for _ in range(6):  # each time it is started later
            pid = fw.part("fw-keeper")
            os.kill(pid, signal.SIGKILL)
            until(lambda: fw.parts().get("fw-keeper") != pid)
        before = -1
        while before != len(load.told):  # nobody comes in any more
            before = len(load.told)
            time.sleep(0.3)
        pid = fw.part("fw-gate")
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        ok(comes_in(fw, "last"), "a client comes in again")
        told = load.end()
        until(lambda: not set(told) - {record["user_id"] for record in fw.records("auth_success")})
        equal(sorted(set(told) - {record["user_id"] for record in fw.records("auth_success")}), [], f"the channel was full: none of {len(told)} is missing")
        gone = changes(fw, "gate fell")
        equal(len(gone), 1, "nor that the gate fell")


def keeper_away():
    """While there is no keeper records wait, and who is in is served."""
    with start() as fw:
        client = RawClient(fw.port, fw.bearer("alice"))
        equal(client.status, 101, "alice is in")
        pid = fw.part("fw-keeper")
        os.kill(pid, signal.SIGKILL)
        client.send(json.dumps({"type": "ping"}))
        ok(b"pong" in client.receive()[1], "she is answered while the keeper is started again")
        until(lambda: fw.parts().get("fw-keeper") not in (None, pid))
        ok(until(lambda: answers(fw)), "which then answers operators")
        client.close()


def sockets_of(pid):
    """What the kernel has of the sockets that a process has open: local port -> remote port of TCP connections."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}")[len("socket:["):-1])
        except OSError:
            pass
    found = {}
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if fields[9] in inodes:
                    found[int(fields[1].split(":")[1], 16)] = int(fields[2].split(":")[1], 16)
    return found


def upstreams():
    """The gate makes no socket: those to upstreams are the keeper's, which keeps none of them."""
    with Upstream() as first, Upstream() as second:
        places = ("--upstream", first.url().replace("127.0.0.1", "localhost"))
        with start(RELAXED + "audit_logging: { on_failure: continue }\n", *places) as fw:
            clients = [RawClient(fw.port, fw.bearer(f"user{i}")) for i in range(20)]
            equal({client.status for client in clients}, {101}, "clients come in to an upstream")
            gate, keeper = fw.part("fw-gate"), fw.part("fw-keeper")
            equal(list(sockets_of(gate).values()).count(first.port), 20, "their connections to it are the gate's")
            ok(until(lambda: first.port not in sockets_of(keeper).values()), "and the keeper has kept none")
            os.kill(keeper, signal.SIGKILL)
            late = RawClient(fw.port, fw.bearer("late"))
            equal(late.status, 101, "who comes while there is no keeper waits for the next one")
            for i, client in enumerate([*clients, late]):
                client.send(chat(f"text {i}"))
            ok(until(lambda: len(first.received) == 21), "and each is served")
            os.kill(fw.part("fw-gate"), signal.SIGKILL)
            ok(comes_in(fw, "next"), "a new gate asks for its own")
            for client in [*clients, late]:
                client.close()
        with start(RELAXED + f"upstream: {{url: {first.url()}}}\n") as fw:
            earlier = RawClient(fw.port, fw.bearer("alice"))
            equal(earlier.status, 101, "a client of the first upstream")
            with open(os.path.join(fw.folder, "framewall.yaml"), "w") as file:
                file.write(RELAXED + f"upstream: {{url: {second.url()}}}\n")
            fw.signal(signal.SIGHUP)
            until(lambda: changes(fw, "reloaded"))
            client = RawClient(fw.port, fw.bearer("bob"))
            client.send(chat("to the second"))
            ok(until(lambda: chat("to the second") in second.received), "after a reload the keeper connects to the other one")
            earlier.close()
            client.close()
        with start(RELAXED, "--upstream", f"ws://127.0.0.1:{free_port()}") as fw:
            equal(RawClient(fw.port, fw.bearer("alice")).status, 502, "where nobody listens a client is told so")


def blocked_stays():
    """What operators decided outlives a gate."""
    with start() as fw:
        subprocess.run([BINARY, "block", "add", "127.0.0.9", "--data", fw.data], check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)
        pid = fw.part("fw-gate")
        os.kill(pid, signal.SIGSEGV)
        until(lambda: fw.parts().get("fw-gate") not in (None, pid))
        ok(comes_in(fw, "alice"), "the next gate lets clients in")
        client = RawClient(fw.port, fw.bearer("mallory"), source="127.0.0.9")
        equal(client.close_code(), 4403, "but not from an address that is blocked")
        client.close()


def reload_and_drain():
    with start() as fw:
        path = os.path.join(fw.folder, "framewall.yaml")
        with open(path, "a") as file:
            file.write("nonsense: 1\n")
        fw.signal(signal.SIGHUP)
        ok(until(lambda: changes(fw, "reload refused")), "a bad configuration is refused, and on record")
        with open(path, "w") as file:
            file.write(CONFIG + "mode: monitor\n")
        fw.signal(signal.SIGHUP)
        ok(until(lambda: changes(fw, "reloaded")), "a good one is used")
        ok(comes_in(fw, "alice"), "and clients come in")
    ok(True, "it stops when it is told to")


def monitor_falls():
    """The gate goes with the monitor; the keeper writes what was recorded, and the next server waits for it."""
    with start() as fw:
        fw.says = FELL + "|waiting for it"
        fw.part("fw-gate")
        for fall in range(3):
            load = Load(fw)
            until(lambda: len(load.told) > 50)
            gate, keeper = fw.part("fw-gate"), fw.part("fw-keeper")
            fw.signal(signal.SIGKILL)
            fw.wait()
            load.over = True
            if not ok(fw.start_again(), "the next server starts at once", fw.stderr()):
                return
            told = load.end()
            ok(is_over(gate) and is_over(keeper), "nothing is left of the one before")
            logins = {record["user_id"] for record in fw.records("auth_success")}
            equal(sorted(set(told) - logins), [], f"{len(told)} clients were in: each is in the record")

        def counts():
            changes = [record["details"]["change"] for record in fw.records("system_changes")]
            return [changes.count(change) for change in ("started", "monitor fell", "stopped")]
        until(lambda: counts()[0] >= 4)  # who listens has not yet written that he does
        equal(counts(), [4, 3, 0], "and that it fell, not that it stopped")
        said = subprocess.run(fw.process.args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=fw.folder, timeout=PATIENCE)
        ok(said.returncode == 3 and "another framewall runs" in said.stdout, "a second one on the same data is refused still", said.stdout)
        equal(verify(fw).returncode, 0, "the chain holds")


def reload_to_other_files():
    """What a configuration names that came later, and the keeper may not write, another keeper may."""
    with tempfile.TemporaryDirectory() as folder, start(RELAXED) as fw:
        fw.says = FELL + "|copy: cannot open"  # until then
        keeper = fw.part("fw-keeper")
        equal(status_of(keeper, "NoNewPrivs"), "1", "the keeper gets no new rights")
        if os.path.exists("/proc/sys/kernel/seccomp"):
            equal(status_of(keeper, "Seccomp"), "2", "its system calls are filtered")
        client = RawClient(fw.port, fw.bearer("alice"))
        with open(os.path.join(fw.folder, "framewall.yaml"), "w") as file:
            file.write(RELAXED + f"audit_logging: {{ receivers: [ {{ name: copy, url: 'file:{folder}/copy', format: jsonl }} ] }}\n")
        fw.signal(signal.SIGHUP)
        ok(until(lambda: fw.parts().get("fw-keeper") not in (None, keeper)), "after a reload that names another file the keeper begins anew")
        ok(comes_in(fw, "bob"), "clients come in")
        ok(until(lambda: os.path.exists(f"{folder}/copy")), "and it is written")
        client.send(json.dumps({"type": "ping"}))
        ok(until(lambda: b"pong" in client.receive()[1]), "who was in is in still")
        client.close()
        equal([record for record in fw.records("records_lost")], [], "nothing is lost")
        ok("fell" not in fw.stderr(), "nobody speaks of a fall", fw.stderr())


def reload_before_a_restart():
    """What counts after a restart does not count in a keeper that begins anew, be it that it could not even be opened."""
    with tempfile.TemporaryDirectory() as folder, start(RELAXED) as fw:
        fw.says = FELL + "|needs a restart"
        keeper = fw.part("fw-keeper")
        nowhere = fw.folder + "/framewall.yaml/nowhere"
        with open(os.path.join(fw.folder, "framewall.yaml"), "w") as file:
            file.write(RELAXED + f"capture: {{ file: {folder}/traffic }}\n"
                                 f"audit_logging: {{ log_directory: {nowhere}, checkpoint_copy: {nowhere}/copy, max_log_size: 2 }}\n")
        fw.signal(signal.SIGHUP)
        ok(until(lambda: changes(fw, "reloaded")), "a reload of what counts after a restart")
        needs = changes(fw, "reloaded")[0]["details"]["needs_restart"]
        ok("audit_logging.log_directory" in needs and "capture.file" in needs, "it says so", needs)
        equal(fw.part("fw-keeper"), keeper, "the keeper goes on")
        os.kill(keeper, signal.SIGKILL)
        until(lambda: fw.parts().get("fw-keeper") not in (None, keeper))
        ok(until(lambda: answers(fw)), "after a fall the next one answers operators")
        ok(comes_in(fw, "alice"), "a client comes in")
        ok(until(lambda: [record for record in fw.records("auth_success") if record["user_id"] == "alice"]), "which is in the record that the first one opened")
        equal((os.path.exists(f"{folder}/traffic"), "traffic is recorded" in fw.stderr()), (False, False), "no traffic is recorded, and nobody says so")


def of_a_terminal():
    """Ctrl-C goes to all three: it drains and ends in order. A port that is taken is said, and nothing is left running. As nobody all are nobody's."""
    def go(*words, **more):
        return subprocess.Popen([BINARY, "run", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", start_new_session=True, **more)

    def nobody():
        os.setgid(65534)
        os.setuid(65534)

    def told(server):
        lines = []
        for line in server.stdout:
            lines.append(line.strip())
            if line.startswith("token for"):
                break
        return lines

    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        places = ("--listen", "localhost:0", "--admin", "localhost:0")
        server = go("--demo", "--data", folder + "/one", *places, preexec_fn=nobody if os.geteuid() == 0 else None)
        lines = told(server)
        until(lambda: len(descendants(server.pid)) == 3)
        pids = descendants(server.pid)
        users = {status_of(pid, "Uid") for pid in pids}
        equal((len(pids), len(users), users != {"0"}), (3, 1, True), "started by who is not root all three are his")
        ok(any(re.fullmatch(r"gate \d+, keeper \d+, both as user \S+", line) for line in lines), "and that is said", lines)
        port, admin = [re.search(pattern, "\n".join(lines)).group(1) for pattern in (r"listening on ws://localhost:(\d+)", r"admin on http://localhost:(\d+)")]
        for listen, operators, pattern in ((port, "0", f"localhost:{port}: .*in use.*--listen"), ("0", admin, f"port {admin}: .*in use.*--admin")):
            other = go("--data", folder + "/two", "--listen", "localhost:" + listen, "--admin", "localhost:" + operators)
            said = other.communicate(timeout=PATIENCE)[0]
            ok(other.returncode == 3 and re.search(pattern, said) and said.count("\n") == 1, "a port that is taken: one line, and 3", said)
        os.killpg(server.pid, signal.SIGINT)
        said = server.communicate(timeout=PATIENCE)[0]
        equal((server.returncode, [line for line in said.splitlines() if not line.startswith("draining: ")]), (0, []), "Ctrl-C ends it in order")
        equal([pid for pid in pids[1:] if not is_over(pid)], [], "and all three are gone")


def schema_files():
    """A JSON Schema in a file of its own: the gate, which can open none, has what it holds, at the start, after a reload, and when it falls
    afterwards (of secrets in files: test_reload)."""
    with Upstream() as upstream, tempfile.TemporaryDirectory() as folder:
        def write(side):
            with open(f"{folder}/order.json", "w") as file:
                json.dump({"properties": {"side": {"enum": [side]}}, "required": ["side"]}, file)

        def taken(fw):
            """Which of the two sides."""
            client = RawClient(fw.port, fw.bearer("alice"))
            client.send(json.dumps({"type": "order", "side": "buy"}))
            got = json.loads(client.receive()[1])
            client.close()
            return "buy" if got["type"] == "order" else got["data"]["code"]

        write("buy")
        with start(RELAXED + f"upstream: {{url: '{upstream.url()}'}}\nmessages: {{order: {{permission: any, schema_file: {folder}/order.json}}}}\n") as fw:
            equal(taken(fw), "buy", "a schema of a file")
            write("sell")
            fw.signal(signal.SIGHUP)
            ok(until(lambda: taken(fw) == "INVALID_MESSAGE"), "another after a reload", taken(fw))
            os.kill(fw.part("fw-gate"), signal.SIGKILL)
            ok(comes_in(fw, "bob"), "the gate falls, clients come in")
            equal(taken(fw), "INVALID_MESSAGE", "and the next gate has it, too")


def every_second():
    if SECONDS == 0:
        return
    with start() as fw:
        end = time.monotonic() + SECONDS
        load, fell = Load(fw), 0
        while time.monotonic() < end:
            pid = fw.part("fw-gate")
            os.kill(pid, signal.SIGSEGV)
            fell += 1
            time.sleep(1)
        told = load.end()
        until(lambda: not set(told) - {record["user_id"] for record in fw.records("auth_success")})
        equal(sorted(set(told) - {record["user_id"] for record in fw.records("auth_success")}), [], f"{fell} falls, {len(told)} clients that were in: none is missing")
        equal(verify(fw).returncode, 0, "the chain holds")


if __name__ == "__main__":
    if os.environ.get("PROCESSES_ONLY") == "falls":
        main(falls)
    main(what_it_is, of_a_terminal, falls, both_fall, full_channel, keeper_away, upstreams, blocked_stays, reload_and_drain, reload_to_other_files, reload_before_a_restart, schema_files, monitor_falls, every_second)
