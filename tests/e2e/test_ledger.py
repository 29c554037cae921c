"""The record of a real run, over several segments: the program's verifier and one that has nothing of it (ledger_verify.py) accept it
and name the same first bad record of each change; a search finds what reading all lines finds; tail gives each record once.

LEDGER_MUTATIONS (60), LEDGER_QUERIES (150), LEDGER_SEED.
"""
import atexit
import random

from framewall import *

try:
    import ledger_verify
except ImportError:
    print("1..0 # SKIP python3-cryptography is not installed")
    sys.exit(0)

MUTATIONS = int(os.environ.get("LEDGER_MUTATIONS", "60"))
QUERIES = int(os.environ.get("LEDGER_QUERIES", "150"))
SEED = int(os.environ.get("LEDGER_SEED", "20261128"))
MESSAGES_SENT = 6000
CONFIG = RELAXED + "audit_logging: { max_log_size: 1, source_budget: { records: 0 } }\n"
SCRATCH = tempfile.mkdtemp(prefix="framewall-e2e-ledger-")
WHOLE, OLDER, COPY, EXPORTED = (os.path.join(SCRATCH, name) for name in ("whole", "older", "copy", "exported"))
atexit.register(shutil.rmtree, SCRATCH, True)

# Hostile ones, and long ones: so fewer records fill a segment.
USERS = ["alice", "bob", "mallory" + "\u2028\u202e" * 19, "\"},\"chain\":\"" + "\u200f" * 37, "Пётр 😀" + "\u2066" * 30]
MESSAGES = ["}no json{", '{"type":"chat_message"}', '{"type":"no_such_type"}', chat("<script>alert(1)</script>"), '{"type":[]}', "[" * 40,
            chat("x' OR 1=1 --"), '{"type":"ledger_epoch","event_type":"ledger_epoch"}']


def said(folder, *elsewhere):
    """What the program's verifier says: whether it holds, and between which records the first bad one is."""
    more = [word for path in elsewhere for word in ("--checkpoint", path)]
    done = subprocess.run([BINARY, "audit", "verify", "--record", folder, "--json", *more], stdout=subprocess.PIPE, timeout=PATIENCE)
    report = json.loads(done.stdout)
    if (done.returncode == 0) != report["holds"]:
        raise RuntimeError("status and answer of audit verify differ")
    return report


def both(folder, *elsewhere):
    """The program's (first, last) and the independent verifier's; None where the record holds."""
    report, verdict = said(folder, *elsewhere), ledger_verify.verify(folder, *elsewhere)
    return (None if report["holds"] else (report["bad"]["first"], report["bad"]["last"]), None if verdict[0] == "OK" else verdict[1:],
            report, verdict)


def segments(folder):
    return sorted(name for name in os.listdir(folder) if re.fullmatch(r"security_audit-\d+\.log", name))


def lines_of(folder):
    lines = []
    for name in segments(folder):
        with open(os.path.join(folder, name), "rb") as file:
            lines += file.read().splitlines()
    return lines


def load(server, generator, messages):
    """Real clients: refused messages of many kinds, refused logins, connections that come and go."""
    sent, clients = 0, []
    while sent < messages:
        if len(clients) < 6:
            clients.append(ForgetfulClient(server, generator.choice(USERS)))
        if generator.random() < 0.2:
            RawClient(server.port, {"Authorization": "Bearer " + generator.choice(["x", "a.b.c"])}).close()
        for _ in range(100):
            generator.choice(clients).send(generator.choice(MESSAGES))
            sent += 1
        if generator.random() < 0.2:
            clients.pop(generator.randrange(len(clients))).leave()
    for client in clients:
        client.leave()


def settled(folder):
    """All that was recorded is signed for."""
    def check():
        verdict = ledger_verify.verify(folder)
        return verdict[0] == "OK" and verdict[1] == verdict[2]

    return until(check)


def run_and_tail():
    generator = random.Random(SEED)
    printed = os.path.join(SCRATCH, "printed")
    with Framewall(CONFIG) as server, open(printed, "wb") as out:
        folder = os.path.join(server.data, "record")
        tail = subprocess.Popen([BINARY, "audit", "tail", "--data", server.data, "--json"], stdout=out)
        until(lambda: os.path.getsize(printed) != 0)  # it begins with the last ten, which are all
        load(server, generator, MESSAGES_SENT // 2)
        settled(folder)
        shutil.copytree(folder, OLDER, symlinks=True, ignore=shutil.ignore_patterns("*.new"))  # those are renamed at any time
        # Both read while it is written, too.
        busy = threading.Thread(target=load, args=(server, generator, MESSAGES_SENT // 2))
        busy.start()
        live = [both(folder) for _ in range(5)]
        busy.join()
        equal([word for one in live for word in one[:2] if word is not None], [], "both verifiers accept a record that is being written")
        server.signal()
        equal(server.wait(), 0, "the server stops")
        whole = lines_of(folder)
        last = whole[-1] + b"\n"

        def seen():
            with open(printed, "rb") as file:
                return file.read().endswith(last)

        ok(until(seen), "tail comes to the last record")
        tail.terminate()
        tail.wait()
        with open(printed, "rb") as file:
            got = file.read().splitlines()
        ok(got == whole, "and has printed each record once, over the ends of segments",
           f"{len(got)} of {len(whole)}")
        shutil.copytree(folder, WHOLE, symlinks=True)
        shutil.copy(os.path.join(folder, "checkpoint"), EXPORTED)
    first, other, report, verdict = both(WHOLE, EXPORTED)
    ok(first is None and other is None, "both verifiers accept it", (report, verdict))
    ok(report["segments"] >= 3 and report["last"] == report["signed"] > MESSAGES_SENT // 2, "it has several segments, all signed for", report)
    equal((report["last"], report["signed"]), verdict[1:], "both have read the same number of records")


class Changes:
    """Each changes the copy and says what has to be named: (first, last); one record, of a range that has it; None: anything."""

    def __init__(self, generator):
        self.random = generator
        self.names = segments(WHOLE)
        self.lines = {name: self.read(name).splitlines(True) for name in self.names}
        self.first = {name: int(name[15:35]) for name in self.names}
        self.count = sum(len(lines) for lines in self.lines.values())
        self.older = len(lines_of(OLDER))
        self.kinds = [self.flip, self.delete, self.insert, self.reorder, self.swap, self.truncate, self.remove, self.roll_back,
                      self.roll_segment_back, self.flip_side_file, self.flip_tile, self.new_chain]

    @staticmethod
    def read(name, folder=WHOLE):
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()

    @staticmethod
    def put(name, data):
        with open(os.path.join(COPY, name), "wb") as file:
            file.write(data)

    def segment(self):
        return self.random.choice(self.names)

    def line(self):
        name = self.segment()
        return name, self.random.randrange(len(self.lines[name]))

    def at(self, name, index):
        return self.first[name] + index, self.first[name] + index

    def record_of(self, name, offset):
        for index, line in enumerate(self.lines[name]):
            offset -= len(line)
            if offset < 0:
                return self.at(name, index)

    def flipped(self, name):
        data = bytearray(self.read(name))
        offset = self.random.randrange(len(data))
        data[offset] ^= 1 << self.random.randrange(8)
        self.put(name, bytes(data))
        return offset

    def flip(self):
        name = self.segment()
        return self.record_of(name, self.flipped(name))

    def delete(self):
        name, index = self.line()
        self.put(name, b"".join(self.lines[name][:index] + self.lines[name][index + 1:]))
        return self.at(name, index)

    def insert(self):
        name, index = self.line()
        other, another = self.line()
        if (other, another) == (name, index):
            index += 1  # the same line once more: the second one is wrong
        self.put(name, b"".join(self.lines[name][:index] + [self.lines[other][another]] + self.lines[name][index:]))
        return self.at(name, index)

    def reorder(self):
        name = self.segment()
        one, other = sorted(self.random.sample(range(len(self.lines[name])), 2))
        lines = list(self.lines[name])
        lines[one], lines[other] = lines[other], lines[one]
        self.put(name, b"".join(lines))
        return self.at(name, one)

    def swap(self):
        one, other = sorted(self.random.sample(self.names, 2))
        self.put(one, self.read(other))
        self.put(other, self.read(one))
        return self.at(one, 0)

    def truncate(self):
        name = self.segment()
        size = self.random.randrange(len(self.read(name)))
        self.put(name, self.read(name)[:size])
        return self.record_of(name, size)

    def remove(self):
        name = self.segment()
        os.remove(os.path.join(COPY, name))
        return self.at(name, 0)

    def roll_back(self):
        shutil.rmtree(COPY)
        shutil.copytree(OLDER, COPY, symlinks=True)
        return self.older + 1, self.older + 1

    def roll_segment_back(self):
        name = segments(OLDER)[-1]
        if self.read(name, OLDER) == self.read(name):
            return self.flip_tile()  # it was full by then: no way back
        self.put(name, self.read(name, OLDER))
        return self.older + 1, self.older + 1

    def flip_side_file(self):
        names = [name for name in os.listdir(WHOLE) if name.endswith(".checkpoints")] + ["checkpoint", "anchor"]
        self.flipped(self.random.choice(names))
        return None

    def flip_tile(self):
        self.flipped("tile/0/" + self.random.choice([name for name in os.listdir(WHOLE + "/tile/0") if re.fullmatch(r"\d{3}", name)]))
        return 0, 0

    def new_chain(self):
        """One line another, and every chain from there on made anew: only the tree shows it, and what it names is a range where no tile
        that is still the old one was full before the next checkpoint."""
        changed, chain, sequence = 2 + self.random.randrange(self.count - 1), bytes(32), 0
        for name in self.names:
            lines = []
            for line in self.lines[name]:
                sequence += 1
                body = line[:-77]
                if sequence == changed:
                    body = body.replace(b'"level":"', b'"level":"x', 1)
                chain = hashlib.sha256(chain + body).digest()
                lines.append(body + b',"chain":"' + chain.hex().encode() + b'"}\n')
            self.put(name, b"".join(lines))
        return changed


def mutations():
    changes, wrong = Changes(random.Random(SEED)), []
    for number in range(MUTATIONS):
        change = changes.kinds[number % len(changes.kinds)]
        shutil.rmtree(COPY, ignore_errors=True)
        shutil.copytree(WHOLE, COPY, symlinks=True)
        expected = change()
        first, other, report, verdict = both(COPY, EXPORTED)
        named = first is not None and (expected in (None, first) or isinstance(expected, int) and first[0] <= expected <= first[1])
        if not named or first != other:
            wrong.append((number, change.__name__, expected, report.get("bad"), verdict))
    ok(not wrong, f"{MUTATIONS} changes are found by both verifiers, which name the same first bad record (seed {SEED})", wrong[:5])
    ok(both(OLDER)[:2] == (None, None), "without a checkpoint kept elsewhere an older copy holds: it is whole")


def search(*arguments):
    done = subprocess.run([BINARY, "audit", "search", "--record", WHOLE, "--json", *arguments], stdout=subprocess.PIPE, timeout=PATIENCE)
    return done.stdout.splitlines() if done.returncode == 0 else f"status {done.returncode}"


def words_of(record):
    texts = [record["user_id"] or "", record["session_id"] or "", record["event_id"]] + [v for v in record["details"].values() if isinstance(v, str)]
    return {word.decode(errors="replace").lower() for text in texts for word in re.findall(rb"[0-9A-Za-z\x80-\xff]+", text.encode())}


def queries():
    generator = random.Random(SEED)
    lines = lines_of(WHOLE)
    records = [json.loads(line) for line in lines]
    done = subprocess.run([BINARY, "audit", "index", "--record", WHOLE], stdout=subprocess.PIPE, text=True, timeout=PATIENCE)
    ok(done.returncode == 0 and f"record {len(lines)}" in done.stdout.splitlines()[-1], "an index of it can be made", done.stdout)
    aliases = {"auth_failure": "auth_failed", "invalid_message": "invalid_message_json", "dangerous_content": "suspicious_pattern"}
    wrong = []

    def random_time():
        return generator.choice(records)["timestamp"][:generator.choice([4, 7, 10, 13, 16, 19, 21, 23, 26])]

    for _ in range(QUERIES):
        example = generator.choice(records if generator.random() < 0.5 else [r for r in records if r["event_type"] != "invalid_message"])
        wanted, limit, arguments = [], 100, []
        for member, option in (("event_type", "--type"), ("source_ip", "--ip"), ("user_id", "--user"), ("level", "--level")):
            value = example[member] if generator.random() < 0.8 else generator.choice(records)[member]
            if value is not None and generator.random() < 0.4:
                wanted.append(lambda record, member=member, value=value: record[member] == value)
                arguments += [option, aliases.get(value, value) if generator.random() < 0.5 else value]
        if generator.random() < 0.3:
            start = random_time()
            wanted.append(lambda record, start=start: record["timestamp"][:len(start)] >= start)
            arguments += ["--from", start]
        if generator.random() < 0.3:
            end = random_time()
            wanted.append(lambda record, end=end: record["timestamp"][:len(end)] <= end)
            arguments += ["--to", end]
        if generator.random() < 0.2:
            words = generator.choice(re.findall(r"[0-9A-Za-z]+", " ".join([example["event_id"]] + [v for v in example["details"].values() if isinstance(v, str)])))
            wanted.append(lambda record, words=words.lower(): words in words_of(record))
            arguments += ["--text", words]
        if generator.random() < 0.2 and example["connection_id"] is not None:
            wanted.append(lambda record, value=example["connection_id"]: record["connection_id"] == value)
            arguments += ["--connection", str(example["connection_id"])]
        if generator.random() < 0.2:
            arguments += ["--no-index"]
        if generator.random() < 0.3:
            limit = generator.choice([1, 7, 99, 101, 2500, 1000000])
            arguments += ["--limit", str(limit)]
        found = [line for line, record in zip(reversed(lines), reversed(records)) if all(want(record) for want in wanted)][:limit]
        got = search(*arguments)
        if got != found:
            wrong.append((arguments, len(found), got if isinstance(got, str) else len(got)))
    ok(not wrong, f"{QUERIES} searches find what reading every line finds, the newest first, 100 unless told (seed {SEED})", wrong[:5])
    equal(search(), lines[:-101:-1], "a search for nothing in particular gives the newest 100")
    equal(search("--user", "nobody"), [], "and one for what there is not, nothing")


main(run_and_tail, mutations, queries)
