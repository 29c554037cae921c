"""Attack row 18: memory comes to an end. Stage by stage (tables/overload.def) newcomers are turned away, who is not logged in or
says nothing is closed, who takes the most is cut; who is logged in and speaks is served through all of it, and when
memory is there again, so is all the rest. Three attackers' ways to take memory: messages that never end, answers that are never
read, handshakes that never end."""
from framewall import *

MIB = 1024 * 1024
SECONDS = int(os.environ.get("OVERLOAD_SECONDS", "6"))  # in the control group; an hour in the soak form
CONFIG = RELAXED.replace("rate_limiting:", "rate_limiting:\n  max_message_size: 4194304") + "overload: {memory_limit: %d}\n"
QUIET = "memory is (less )?short|no room"


class Honest:
    """Says ping, hears pong, twenty times a second, from the beginning to the end."""

    def __init__(self, fw):
        self.client, self.over, self.failed, self.count = RawClient(fw.port, fw.bearer("honest")), False, None, 0
        self.thread = threading.Thread(target=self.speak)
        self.thread.start()

    def speak(self):
        try:
            while not self.over:
                self.client.send(json.dumps({"type": "ping", "timestamp": self.count}))
                while b"pong" not in self.client.receive()[1]:
                    pass
                self.count += 1
                time.sleep(0.05)
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
        ok(0 < closed < len(large) / 2, f"no more than it takes: {closed} of {len(large)}")

        limited(fw, 4000)
        until(lambda: stage(fw) == 0)
        equal(status_of_newcomer(fw), 101, "newcomers come in again")
        equal(honest.end(), None, f"who is logged in and speaks was served all along ({honest.count} answers)")
        for client in large + waiting:
            client.close()
        # One that use went through at once, or came down to, is not among them.
        ok({"close_idle", "close_largest"} <= set(said_of(fw)) <= {"close_idle", "close_largest", "refuse", "shed"}, "stages are on record", said_of(fw))
        ok(any(record["details"].get("stage") == "none" for record in fw.records("system_changes")), "and that it was over")
        stats = figures(fw)
        ok(stats["overload_shed"] > 25 and stats["overload_closed"] >= 20 + closed, "and counted", stats)


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


def flood(fw, seconds, figure):
    """All ways at once, from many connections; most that figure() was, and how many attackers there were."""
    end, most, clients, turn = time.monotonic() + seconds, 0, [], 0
    while time.monotonic() < end or turn < 200:  # so many are enough to fill it
        turn += 1
        try:
            if turn % 3 == 0:
                clients.append(takes_memory(fw, f"flood{turn}", 3 * MIB))
            elif turn % 3 == 1:
                client = RawClient(fw.port, fw.bearer(f"deaf{turn}"), buffer=4096)
                client.socket.setblocking(False)
                client.socket.send(RawClient.frame(json.dumps({"type": "ping"})) * 2000)
                clients.append(client)
            else:
                client = RawClient(fw.port)
                client.socket.sendall(b"GET / HTTP/1.1\r\nX: " + b"y" * 8000)
                clients.append(client)
        except (OSError, IndexError):
            pass
        if turn % 10 == 0:
            most = max(most, figure())
        if len(clients) > 2000:
            clients.pop(0).close()
    for client in clients:
        client.close()
    return most, turn


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
        most, turns = flood(fw, 6, lambda: figures(fw)["memory_bytes"])
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
        with Framewall(RELAXED.replace("rate_limiting:", "rate_limiting:\n  max_message_size: 4194304"), "--workers", "2", says=QUIET, preexec=enter) as fw:
            equal(figures(fw)["memory_limit_bytes"], 192 * MIB, "three quarters of it are the limit, which nobody wrote down")
            pids, honest = fw.pids(), Honest(fw)
            most, turns = flood(fw, SECONDS, lambda: figures(fw)["memory_bytes"])
            ok(most > 100 * MIB, f"{turns} attackers in {SECONDS} s: {most // MIB} MiB at most", most)
            equal(fw.pids(), pids, "no process was ended")
            recovers(fw, honest)
    finally:
        until(lambda: open(os.path.join(group, "cgroup.procs")).read() == "")
        os.rmdir(group)


main(stages, idle_ones, a_flood_against_a_small_limit, a_flood_in_a_control_group)
