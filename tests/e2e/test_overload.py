"""Attack row 18: memory comes to an end. Stage by stage (tables/overload.def) newcomers are turned away, who is not logged in or
says nothing is closed, who takes the most is cut; who is logged in and speaks is served through all of it, and when
memory is there again, so is all the rest. The attackers' ways to take memory stand in WAYS; all are used at once."""
import zlib

from framewall import *

MIB = 1024 * 1024
SECONDS = int(os.environ.get("OVERLOAD_SECONDS", "6"))  # in the control group; an hour in the soak form
LARGE = RELAXED.replace("rate_limiting:", "rate_limiting:\n  max_message_size: 4194304").replace("websocket:", "websocket:\n  compression: on")
CONFIG = LARGE + "overload: {memory_limit: %d}\n"
QUIET = "memory is (less )?short|no room"


class Honest:
    """Says ping, hears pong, a hundred times a second, from the beginning to the end."""

    def __init__(self, fw):
        self.client, self.over, self.failed, self.count = RawClient(fw.port, fw.bearer("honest", life=SECONDS + 7200)), False, None, 0
        self.thread = threading.Thread(target=self.speak)
        self.thread.start()

    def speak(self):
        try:
            while not self.over:
                self.client.send(json.dumps({"type": "ping", "timestamp": self.count}))
                while b"pong" not in self.client.receive()[1]:
                    pass
                self.count += 1
                time.sleep(0.01)
        except (OSError, EOFError, ValueError, IndexError, TypeError) as error:
            self.failed = repr(error)

    def end(self):
        self.over = True
        self.thread.join(PATIENCE)
        self.client.close()
        return self.failed


def figures(fw):
    return fw.stats()["counters"]


def limited(fw, mib):
    """The limit is another from now on."""
    before = fw.stats()["configuration"]["reloads"]
    with open(os.path.join(fw.folder, "framewall.yaml"), "w") as file:
        file.write(CONFIG % mib)
    fw.signal(signal.SIGHUP)
    until(lambda: fw.stats()["configuration"]["reloads"] > before)


def at(fw, percent, reached):
    """So much of the limit is in use now: it is the limit that moves, again where what is in use did meanwhile. Was it reached?"""
    for _ in range(10):
        limited(fw, round(figures(fw)["memory_bytes"] * 100 / percent / MIB))
        if until(reached, 1):
            return True
    return False


def stage(fw):
    return figures(fw)["overload_stage"]


def said_of(fw):
    """The stages that were recorded, once each."""
    return sorted({record["details"].get("stage") for record in fw.records("overload")} - {None})


def takes_memory(fw, name, size):
    """Begins a message and never ends it."""
    client = RawClient(fw.port, fw.bearer(name))
    client.socket.sendall(RawClient.frame(b"x" * size, final=False))
    return client


def status_of_newcomer(fw):
    try:
        client = RawClient(fw.port, fw.bearer("newcomer"))
        client.close()
        return client.status
    except (OSError, IndexError):
        return None


def is_closed(client, seconds=0.0):
    client.socket.settimeout(max(seconds, 0.01))
    try:
        while client.socket.recv(65536) != b"":
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


def stages():
    with Framewall(CONFIG % 4000, "--workers", "2", says=QUIET) as fw:
        honest = Honest(fw)
        equal((figures(fw)["memory_limit_bytes"], stage(fw)), (4000 * MIB, 0), "there is enough")
        ok(figures(fw)["memory_bytes"] > MIB, "and it says how much is used", figures(fw)["memory_bytes"])
        large = [takes_memory(fw, f"large{n}", 3 * MIB) for n in range(30)]
        until(lambda: figures(fw)["memory_bytes"] > 90 * MIB)

        ok(at(fw, 80, lambda: stage(fw) == 1), "four fifths are used: stage 1", figures(fw))
        met = []

        def both():  # what is in use moves a little, and the chance with it
            at(fw, 80, lambda: stage(fw) == 1)
            met.extend(status_of_newcomer(fw) for _ in range(20))
            return {101, 503} <= set(met)

        ok(until(both) and set(met) == {101, 503}, "of newcomers some are turned away, by chance", met)

        ok(at(fw, 87, lambda: stage(fw) == 2), "stage 2", figures(fw))
        equal({status_of_newcomer(fw) for _ in range(20)}, {503}, "all are turned away")
        ok(not any(is_closed(client) for client in large), "who is in stays in")

        limited(fw, 4000)
        until(lambda: stage(fw) == 0)
        waiting = [RawClient(fw.port, {}) for _ in range(20)]
        equal({client.status for client in waiting}, {101}, "some wait before they log in")
        ok(at(fw, 92, lambda: "close_idle" in said_of(fw)), "stage 3", said_of(fw))
        ok(all(is_closed(client, PATIENCE) for client in waiting), "who has not logged in is closed")
        closed = figures(fw)["overload_closed"]  # none of the others has an end: large ones may be among them, where this took ten seconds
        ok(20 <= closed <= 20 + len(large), "each once, though none of them answers", closed)

        limited(fw, 4000)
        until(lambda: stage(fw) == 0)
        ok(at(fw, 97, lambda: any(is_closed(client) for client in large)), "stage 4: who takes the most is cut")
        ok(until(lambda: stage(fw) < 3), "and there is memory again", figures(fw))
        closed = sum(is_closed(client) for client in large)
        largest = "close_largest" in said_of(fw)
        if largest:
            ok(0 < closed < len(large), f"not all of them: {closed} of {len(large)}")
        else:  # all this took more than ten seconds, and what they began to say then is long ago, too
            skip("not all of them", "they were closed as idle before")

        limited(fw, 4000)
        until(lambda: stage(fw) == 0)
        equal(status_of_newcomer(fw), 101, "newcomers come in again")
        equal(honest.end(), None, f"who is logged in and speaks was served all along ({honest.count} answers)")
        for client in large + waiting:
            client.close()
        # One that use went through at once, or came down to, is not among them.
        ok({"close_idle", *(["close_largest"] if largest else [])} <= set(said_of(fw)) <= {"close_idle", "close_largest", "refuse", "shed"}, "stages are on record", said_of(fw))
        ok(any(record["details"].get("stage") == "none" for record in fw.records("system_changes")), "and that it was over")
        stats = figures(fw)
        ok(stats["overload_shed"] >= 20 + met.count(503) and stats["overload_closed"] >= 20 + closed, "and counted", stats)


def idle_ones():
    """Who is logged in and has said nothing for long is closed before who speaks, the one that was quiet for longest first."""
    with Framewall(CONFIG % 4000, "--workers", "1", says=QUIET) as fw:
        quiet = [RawClient(fw.port, fw.bearer(f"quiet{n}")) for n in range(100)]
        time.sleep(10.5)  # LIMIT_OVERLOAD_IDLE
        honest = Honest(fw)
        large = [takes_memory(fw, f"large{n}", 3 * MIB) for n in range(25)]
        until(lambda: figures(fw)["memory_bytes"] > 75 * MIB)
        at(fw, 91, lambda: figures(fw)["overload_closed"] >= 64)
        limited(fw, 4000)
        ok(until(lambda: sum(is_closed(client) for client in quiet) >= 64), "who says nothing is closed", figures(fw))
        left = sum(not is_closed(client) for client in quiet)
        # The limit is a round number and what is in use moves: should it have come to 95 %, large ones were cut.
        cut = "close_largest" in said_of(fw)
        ok(left == 0 or cut or not any(is_closed(client) for client in large), "before who came later", left)
        equal(honest.end(), None, "who speaks is served")
        for client in quiet + large:
            client.close()


def deaf(fw, name, octets, headers=None):
    """Says this, as far as it is taken, and never reads."""
    client = RawClient(fw.port, {**fw.bearer(name), **(headers or {})}, buffer=4096)
    client.socket.setblocking(False)
    client.socket.send(octets)
    return client


def asks(fw, octets):
    client = RawClient(fw.port)
    client.socket.sendall(octets)
    return client


def bomb():
    """4 KiB that become 4 MiB."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return RawClient.frame((deflater.compress(b"x" * 4 * MIB) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4], opcode=0x41)


PINGS = RawClient.frame(json.dumps({"type": "ping"})) * 2000
CONTROLS = RawClient.frame(b"", opcode=9) * 5000
CRUMBS = RawClient.frame(b"x", final=False) + RawClient.frame(b"x", 0, final=False) * 1000
EMPTY = RawClient.frame(b"", final=False) + RawClient.frame(b"", 0, final=False) * 1000
NONSENSE = RawClient.frame("{") * 200
BOMB = bomb()
MORE = RawClient.frame(b"x" * 65536, 0, final=False)
DEFLATE = {"Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover"}
WAYS = (
    lambda fw, name: takes_memory(fw, name, 65536),                                  # messages that never end, and grow
    lambda fw, name: deaf(fw, name, PINGS),                                          # answers that are never read
    lambda fw, name: asks(fw, b"GET / HTTP/1.1\r\nX: " + b"y" * 8000),               # heads that never end
    lambda fw, name: takes_memory(fw, name, 3 * MIB),
    lambda fw, name: deaf(fw, name, CONTROLS),
    lambda fw, name: deaf(fw, name, CRUMBS),
    lambda fw, name: deaf(fw, name, EMPTY),
    lambda fw, name: deaf(fw, name, BOMB * 4, DEFLATE),
    lambda fw, name: deaf(fw, name, NONSENSE),
    lambda fw, name: RawClient(fw.port, {}),                                         # no login
    lambda fw, name: RawClient(fw.port),                                             # not a word
    lambda fw, name: RawClient(fw.port, {"Authorization": "Bearer " + name}),        # guesses
)


def grow(clients):
    """Who is in takes more, though nobody comes in any more."""
    for client in clients:
        try:
            client.socket.setblocking(False)
            client.socket.send(MORE)
        except OSError:
            pass


def flood(fw, seconds):
    """All ways at once, from many connections; most that was in use, the stages that were seen, and how many attackers there were."""
    end, most, seen, clients, turn, growing = time.monotonic() + seconds, 0, set(), [], 0, []
    while time.monotonic() < end or turn < 400:  # so many are enough to fill it
        turn += 1
        try:
            clients.append(WAYS[turn % len(WAYS)](fw, f"flood{turn}"))
            if turn % len(WAYS) == 0:
                growing = growing[-100:] + clients[-1:]
        except (OSError, IndexError):
            pass
        if turn % 40 == 0:
            grow(growing)
        if turn % 10 == 0:
            now = figures(fw)
            most = max(most, now["memory_bytes"])
            seen.add(now["overload_stage"])
        if len(clients) > 2000:
            clients.pop(0).close()
    for client in clients:
        client.close()
    return most, seen, turn


def recovers(fw, honest):
    ok(until(lambda: stage(fw) == 0), "afterwards there is enough", figures(fw))
    ok(until(lambda: status_of_newcomer(fw) == 101), "newcomers come in")
    equal(honest.end(), None, f"who is logged in and speaks was served all along ({honest.count} answers)")


def a_flood_against_a_small_limit():
    """Memory stays where it has to."""
    with Framewall(CONFIG % 4000, "--workers", "2", says=QUIET) as fw:
        honest = Honest(fw)
        limit = figures(fw)["memory_bytes"] // MIB + 96  # three quarters of it are well above what workers keep for later
        limited(fw, limit)
        most, _, turns = flood(fw, 6)
        ok(most < limit * MIB * 1.1, f"{turns} attackers: {most // MIB} MiB at most, of {limit}", most)
        ok(most > limit * MIB * 0.6, "which they came near to", most)
        recovers(fw, honest)


def control_group(mib):
    """A folder of a new control group with this limit; None: none can be made here."""
    with open("/proc/self/cgroup") as file:
        second = [line.split(":", 2)[2].strip() for line in file if line.startswith("0::")]
    for root, name in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup" + "".join(second).rstrip("/"), "memory.max")):
        group = f"{root}/framewall-test-{os.getpid()}"
        try:
            os.mkdir(group)
            try:
                with open(os.path.join(group, name), "w") as file:
                    file.write(str(mib * MIB))
                return group
            except OSError:
                os.rmdir(group)
        except OSError:
            pass
    return None


def number_of(group, names, key=None):
    for name in names:
        try:
            with open(os.path.join(group, name)) as file:
                lines = file.read().splitlines()
        except OSError:
            continue
        found = [int(line.split()[-1]) for line in lines if key is None or line.split()[0] == key]
        if found:
            return found[0]
    return 0


def ended_by_kernel(group):
    return number_of(group, ("memory.oom_control", "memory.events"), "oom_kill")


def peak(group):
    return number_of(group, ("memory.max_usage_in_bytes", "memory.peak"))


def a_flood_in_a_control_group():
    """Row 18 itself: the kernel would end whoever goes beyond 256 MiB, and ends nobody."""
    group = control_group(256)
    if group is None:
        skip("256 MiB", "no control group can be made here")
        return

    def enter():
        with open(os.path.join(group, "cgroup.procs"), "w") as file:
            file.write(str(os.getpid()))

    try:
        with Framewall(LARGE, "--workers", "2", says=QUIET, preexec=enter) as fw:
            equal(figures(fw)["memory_limit_bytes"], 192 * MIB, "three quarters of it are the limit, which nobody wrote down")
            pids, honest = fw.pids(), Honest(fw)
            until(lambda: honest.count > 100)
            before = figures(fw)["memory_bytes"]
            most, seen, turns = flood(fw, SECONDS)
            ok(most > 100 * MIB, f"{turns} attackers in {SECONDS} s: {most // MIB} MiB at most", most)
            equal(fw.pids(), pids, "no process was ended")
            equal(ended_by_kernel(group), 0, "and the kernel was not asked to")
            print(f"# stages seen among the figures: {sorted(seen)}; on record: {said_of(fw)}; {figures(fw)}")
            if SECONDS >= 600:
                equal(seen, {0, 1, 2, 3, 4}, "each stage was among the figures")
            recovers(fw, honest)
            until(lambda: figures(fw)["memory_bytes"] < before * 1.1, 60)
            print(f"# {before / MIB:.1f} MiB before, {most / MIB:.1f} at most, {figures(fw)['memory_bytes'] / MIB:.1f} in the end; the group's most: {peak(group) / MIB:.1f}")
    finally:
        until(lambda: open(os.path.join(group, "cgroup.procs")).read() == "")
        os.rmdir(group)


def a_limit_below_what_it_takes():
    """Everybody would be turned away: it does not start, and says what to do. By a reload it is taken, and said."""
    for arguments in ((), ("--single",)):
        fw = Framewall(CONFIG % 2, *arguments, wait=False, check=False)
        ok(not fw.starts() and fw.wait() not in (0, None), f"a limit of 2 MiB: it does not start {' '.join(arguments)}", fw.process.returncode)
        ok(re.search(r"overload.memory_limit is too small: \d+ MiB are in use before anybody comes.*give it \d+ MiB or more", fw.stderr()), "and says what to do", fw.stderr())
        asked = re.search(r"give it (\d+) MiB", fw.stderr())
        fw.stop()
        with Framewall(CONFIG % int(asked.group(1) if asked else 2), *arguments) as fw:
            equal((status_of_newcomer(fw), stage(fw)), (101, 0), "with what it asks for it serves")


main(a_limit_below_what_it_takes, stages, idle_ones, a_flood_against_a_small_limit, a_flood_in_a_control_group)
