"""kill -9 of the monitor, of one part, or of all at random instants under load. Acknowledged is what an operator was shown, what stood in a segment as a whole line, and what
a checkpoint that went to a second file signs for: after the next start all of it is there, octet by octet, the chain holds, and to
start nothing is read that an earlier checkpoint has signed for.

LEDGER_KILLS (the second argument, or 8), LEDGER_SEED.
"""
import http.client
import random
import urllib.request

from framewall import *

try:
    import ledger_verify
except ImportError:
    print("1..0 # SKIP python3-cryptography is not installed")
    sys.exit(0)

KILLS = int(os.environ.get("LEDGER_KILLS", sys.argv[2] if len(sys.argv) > 2 else "8"))
SEED = int(os.environ.get("LEDGER_SEED", "20261128"))
LIVES = 25  # of one ledger, so that reading all of it does not become the most of this test
CONFIG = RELAXED + "audit_logging: { max_log_size: 1, max_log_files: 3, checkpoint_copy: \"%s\", sync: %s, source_budget: { records: 0 } }\n"
PLACES = ("--listen", "localhost:0", "--admin", "localhost:0")
USER = "mallory" + "\u2028\u202e" * 19


def segments(folder):
    return sorted(glob.glob(os.path.join(folder, "security_audit-*.log")))


def octets_of(path):
    """Of a segment, be it compressed by now."""
    if os.path.exists(path):
        with open(path, "rb") as file:
            return file.read()
    return subprocess.run(["zstd", "-dcq", path + ".zst"], stdout=subprocess.PIPE, check=True).stdout


def whole_lines(folder):
    lines = []
    for path in sorted(set(segments(folder)) | {path[:-4] for path in glob.glob(os.path.join(folder, "security_audit-*.log.zst"))}):
        lines += [line for line in octets_of(path).splitlines(True) if line.endswith(b"\n")]
    return lines


class Load:
    """Clients that are refused all they say, and an operator that looks at the record, until the server is gone."""

    def __init__(self, server):
        self.server, self.shown, self.over = server, {}, False
        with open(os.path.join(server.data, "admin.token")) as file:
            self.request = urllib.request.Request(f"http://localhost:{server.admin_port()}/api/v1/events?limit=1000",
                                                  headers={"Authorization": "Bearer " + file.read().strip()})
        self.threads = [threading.Thread(target=run) for run in (self.client, self.client, self.visitor, self.operator)]
        for thread in self.threads:
            thread.start()

    def pause(self):
        self.over = True
        until(lambda: glob.glob(os.path.join(self.server.data, "record", "*.zst")), 1)
        time.sleep(random.random() * 0.1)

    def client(self):
        try:
            client = RawClient(self.server.port, self.server.bearer(USER))
            threading.Thread(target=client.closed, daemon=True).start()
            while not self.over:
                client.send("}no json{")
        except OSError:
            pass

    def visitor(self):
        try:
            while not self.over:
                RawClient(self.server.port, self.server.bearer("alice")).close()
        except (OSError, IndexError):
            pass

    def operator(self):
        try:
            while True:
                with urllib.request.urlopen(self.request, timeout=PATIENCE) as answer:
                    for record in json.loads(answer.read())["events"]:
                        self.shown[record["sequence"]] = record
        except (OSError, ValueError, http.client.HTTPException):
            pass


def put_away(folder):
    """The segments that the latest checkpoint signs for whole, but for the one that has its last record."""
    names = segments(folder)
    with open(os.path.join(folder, "checkpoint"), "rb") as file:
        signed = int(file.read().split(b"\n")[1])
    away = [name for name, following in zip(names, names[1:]) if int(following[-24:-4]) <= signed]
    for name in away:
        os.rename(name, name + ".away")
    return away


class Ledger:
    def __init__(self, scratch, sync):
        self.data, self.copy = os.path.join(scratch, "data"), os.path.join(scratch, "copy")
        self.folder = os.path.join(self.data, "record")
        self.config = CONFIG % (self.copy, sync)
        self.sync, self.left, self.shown, self.away, self.seen = sync, [], {}, [], 0

    def start(self, wait=True):
        server = Framewall(self.config, "--data", self.data, places=PLACES, wait=wait, check=False)
        server.data = self.data
        return server

    def put_back(self):
        for name in self.away:
            os.rename(name + ".away", name)
        self.away = []

    def life(self, generator, until_segments=0):
        """What is wrong after a start, some load and a kill; None: nothing."""
        early = not until_segments and generator.random() < 0.15
        self.away = put_away(self.folder) if self.left and generator.random() < 0.5 else []
        server = self.start(wait=not early)
        if early:
            time.sleep(generator.random() * 0.05)
        else:
            self.put_back()
            load = Load(server)
            time.sleep(generator.random() * 0.5)
            if generator.random() < 0.3:
                load.pause()  # then old segments are compressed, and it may fall meanwhile
            until(lambda: len(segments(self.folder)) >= until_segments)
        falls = generator.choice((None, "fw-gate", "fw-keeper"))
        if falls and not early and server.part(falls) != server.process.pid:
            os.kill(server.part(falls), signal.SIGKILL)
            time.sleep(generator.random() * 0.2)  # the next one has begun, or has not
        server.killed(*generator.choice(((), ("fw-gate", "fw-keeper"))))
        if not early:
            for thread in load.threads:
                thread.join(PATIENCE)
            self.shown.update(load.shown)
        self.put_back()
        server.stop()
        return self.wrong()

    def wrong(self):
        lines = whole_lines(self.folder) if os.path.isdir(self.folder) else []
        if lines[:len(self.left)] != self.left:
            return f"of {len(self.left)} lines that stood in the segments, not all do, of {len(lines)}"
        self.left = lines
        if not os.path.exists(self.copy):
            return None if not self.shown else "nothing was signed for"
        done = subprocess.run([BINARY, "audit", "verify", "--record", self.folder, "--checkpoint", self.copy], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            return done.stdout
        if glob.glob(self.folder + "/broken-*"):
            return "it was set aside"
        differ = [number for number, record in self.shown.items() if number > len(lines) or json.loads(lines[number - 1]) != record]
        self.seen += len(self.shown)
        self.shown = {}
        return f"shown, but not there: {differ[:5]}" if differ else None


def kills():
    generator, count, wrong, shown = random.Random(SEED), 0, [], 0
    while count < KILLS:
        with tempfile.TemporaryDirectory(prefix="framewall-e2e-kill-") as scratch:
            ledger = Ledger(scratch, generator.choice(["group", "each", "interval", "none"]) if count else "group")
            lives = min(LIVES, KILLS - count)
            for life in range(lives):
                said = ledger.life(generator, 3 if life == lives - 1 else 0)
                wrong += [(count + life, ledger.sync, said)] if said else []
            count += lives
            ledger.away = put_away(ledger.folder)
            away = len(ledger.away)
            server = ledger.start()
            ledger.put_back()
            server.signal()
            ended = server.wait()
            server.stop()
            said = ledger.wrong()
            verdict = ledger_verify.verify(ledger.folder, ledger.copy)
            if said or ended != 0 or not away or verdict[0] != "OK" or verdict[1] != verdict[2]:
                wrong.append((count, ledger.sync, said, ended, away, verdict))
            shown += ledger.seen
    ok(not wrong, f"after {count} kills all that was acknowledged is there and holds; the last start read none of the segments before the last "
       f"checkpoint (seed {SEED})", wrong[:5])
    ok(shown > 0, "operators had been shown some of it", shown)


main(kills)
