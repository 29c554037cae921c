"""Searches of the record of a server that runs, over files that were compressed meanwhile, too: by its index they give what reading every line gives, also while it is written, when it was
deleted, cut, damaged or tampered with, and after kill -9 at random instants; it is made anew by itself.

SEARCH_QUERIES (30), SEARCH_KILLS (3), SEARCH_SEED.
"""
import atexit
import random
import sqlite3
import urllib.error
import urllib.parse
import urllib.request

from framewall import *

QUERIES = int(os.environ.get("SEARCH_QUERIES", "30"))
KILLS = int(os.environ.get("SEARCH_KILLS", "3"))
SEED = int(os.environ.get("SEARCH_SEED", "20261128"))
PLACES = ("--listen", "localhost:0", "--admin", "localhost:0")
CONFIG = RELAXED + "audit_logging: { max_log_size: 1, max_log_files: 2, source_budget: { records: 0 }%s }\n"
USERS = ["alice", "bob", "mallory" + "\u2028\u202e" * 19, "\"},\"chain\":\"" + "\u200f" * 37, "Пётр 😀" + "\u2066" * 30]
MESSAGES = ["}no json{", '{"type":"chat_message"}', '{"type":"no_such_type"}', '{"type":[]}', "[" * 40, chat("x' OR 1=1 --")]
SCRATCH = tempfile.mkdtemp(prefix="framewall-e2e-search-")
DATA = os.path.join(SCRATCH, "data")
RECORD = os.path.join(DATA, "record")
INDEX = os.path.join(RECORD, "index.db")
atexit.register(shutil.rmtree, SCRATCH, True)
generator = random.Random(SEED)


def start(check=True, says=None, more=""):
    server = Framewall(CONFIG % more, "--data", DATA, places=PLACES, check=check, says=says)
    server.data = DATA
    return server


def load(server, messages):
    clients = [ForgetfulClient(server, user) for user in USERS]
    for _ in range(messages):
        generator.choice(clients).send(generator.choice(MESSAGES))
        if generator.random() < 0.01:
            RawClient(server.port, {"Authorization": "Bearer x"}).close()
    for client in clients:
        client.leave()


def segments():
    return sorted({os.path.basename(name)[:35] for name in glob.glob(os.path.join(RECORD, "security_audit-*.log*"))
                   if name.endswith((".log", ".log.zst"))})


unpacked = {}


def text_of(name):
    path = os.path.join(RECORD, name + ".log")
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:  # compressed: it does not change any more
        if name not in unpacked:
            unpacked[name] = subprocess.run(["zstd", "-dcq", path + ".zst"], stdout=subprocess.PIPE, check=True).stdout
        return unpacked[name]


def lines_of():
    return [line for name in segments() for line in text_of(name).splitlines()]


def indexed(server):
    """The index has come to the last record, which nothing is added to any more."""
    def check():
        figures = server.stats()["record_index"]
        return figures["state"] == "current" and figures["last"] == json.loads(lines_of()[-1])["sequence"] and figures

    return until(check)


def words_of(record):
    texts = [record["user_id"] or "", record["session_id"] or "", record["event_id"]]
    texts += [value for value in record["details"].values() if isinstance(value, str)]
    return {word.lower() for text in texts for word in re.findall(r"[0-9A-Za-z\u0080-\U0010ffff]+", text)}


def search(*arguments):
    """The lines, and what is said of the index."""
    done = subprocess.run([BINARY, "audit", "search", "--data", DATA, "--json", *arguments], stdout=subprocess.PIPE, timeout=PATIENCE)
    return done.stdout.splitlines() if done.returncode == 0 else f"status {done.returncode}"


def spoken(*arguments):
    done = subprocess.run([BINARY, "audit", "search", "--data", DATA, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=PATIENCE)
    return done.stderr


def random_query(records):
    """Arguments, and whether a record is meant."""
    example, wanted, arguments = generator.choice(records), [], []
    for member, option in (("event_type", "type"), ("source_ip", "ip"), ("user_id", "user"), ("level", "level"),
                           ("session_id", "session"), ("connection_id", "connection")):
        value = (example if generator.random() < 0.8 else generator.choice(records))[member]
        if value is not None and generator.random() < 0.35:
            wanted.append(lambda record, member=member, value=value: record[member] == value)
            arguments.append((option, str(value)))
    if generator.random() < 0.2:
        wanted.append(lambda record: (record["source_ip"] or "").startswith("127."))
        arguments = [pair for pair in arguments if pair[0] != "ip"] + [("ip", "127.0.0.0/8")]
    if generator.random() < 0.2:
        word = generator.choice(sorted(word for word in words_of(example) if word.isascii()) or ["x"])
        wanted.append(lambda record, word=word: word in words_of(record))
        arguments.append(("text", word.upper()))
    for option, holds in (("from", lambda time, value: time >= value), ("to", lambda time, value: time <= value)):
        if generator.random() < 0.3:
            value = generator.choice(records)["timestamp"][:generator.choice([4, 10, 16, 19, 21, 23, 26])]
            wanted.append(lambda record, value=value, holds=holds: holds(record["timestamp"][:len(value)], value))
            arguments.append((option, value))
    return arguments, lambda record: all(want(record) for want in wanted)


def equal_to_lines(name, queries=QUERIES):
    lines = lines_of()
    records, wrong = [json.loads(line) for line in lines], []
    for _ in range(queries):
        arguments, holds = random_query(records)
        limit = generator.choice([100, 100, 5, 100000])
        expected = [line for line, record in zip(reversed(lines), reversed(records)) if holds(record)][:limit]
        got = search(*[f"--{option}={value}" for option, value in arguments], "--limit", str(limit))
        if got != expected:
            wrong.append((arguments, limit, len(expected), got if isinstance(got, str) else len(got)))
    ok(not wrong, f"{queries} searches equal reading every line: {name} (seed {SEED})", wrong[:5])


PARAMETERS = {"type": "event_type", "ip": "source_ip", "user": "user_id", "session": "session_id", "connection": "connection_id",
              "from": "start_time", "to": "end_time"}


def ask(server, parameters):
    with open(os.path.join(DATA, "admin.token")) as file:
        headers = {"Authorization": "Bearer " + file.read().strip()}
    url = f"http://localhost:{server.admin_port()}/api/v1/events?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE) as answer:
            return answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code


def pages(server, arguments, limit, most=10**9):
    """Lines, as they stand in the pages: they are JSON in an array, as they were written."""
    parameters, lines = {PARAMETERS.get(option, option): value for option, value in arguments}, []
    while len(lines) < most:
        body = ask(server, {**parameters, "limit": limit})
        page = json.loads(body)
        texts = body[len(b'{"events":['):body.rindex(b'],"next_cursor"')]
        decoder, at, text = json.JSONDecoder(), 0, texts.decode()
        while at < len(text):
            _, end = decoder.raw_decode(text, at)
            lines.append(text[at:end].encode())
            at = end + 1
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]
    return lines, page


def paged(server):
    lines = lines_of()
    records, wrong = [json.loads(line) for line in lines], []
    for _ in range(QUERIES // 2):
        arguments, holds = random_query(records)
        limit = generator.choice([1000, 1000, 100, 37])
        expected = [line for line, record in zip(reversed(lines), reversed(records)) if holds(record)]
        if len(expected) > 30 * limit:
            limit = 1000
        got, page = pages(server, arguments, limit)
        if got != expected or not page["by_index"]:
            wrong.append((arguments, limit, len(expected), len(got), page["by_index"]))
    ok(not wrong, f"{QUERIES // 2} searches over the admin side, page by page, equal reading every line (seed {SEED})", wrong[:5])
    equal(pages(server, [], 100, 1)[0], lines[:-101:-1], "without parameters the newest 100 are given")
    for bad in ({"limit": 0}, {"limit": 1001}, {"cursor": "x"}, {"cursor": 0}, {"event_type": "nothing"}, {"source_ip": "1.2.3.4/5"}, {"level": "x"},
                {"connection_id": "x"}, {"text": "--"}, {"start_time": "yesterday"}, {"user": "alice"}, [("limit", 1), ("limit", 2)],
                {"user_id": "a\0b"}, {"text": "a " * 33}):
        equal(ask(server, bad), 400, f"{bad} is refused")


def subset_of_lines(name, queries=10):
    """Nothing is invented, whatever is in the file."""
    lines = lines_of()
    records, wrong = [json.loads(line) for line in lines], []
    for _ in range(queries):
        arguments, holds = random_query(records)
        left = iter([line for line, record in zip(reversed(lines), reversed(records)) if holds(record)])
        got = search(*[f"--{option}={value}" for option, value in arguments], "--limit", "100000")
        if isinstance(got, str) or not all(line in left for line in got):
            wrong.append((arguments, got if isinstance(got, str) else len(got)))
    ok(not wrong, f"{queries} searches give only what stands in the record: {name}", wrong[:5])


def live():
    with start(says="made anew: it was removed") as server:
        load(server, 7000)
        figures = indexed(server)
        ok(figures, "the index comes to the last record by itself", server.stats()["record_index"])
        ok(until(lambda: len(glob.glob(os.path.join(RECORD, "*.log.zst"))) > 0 and len(glob.glob(os.path.join(RECORD, "security_audit-*.log"))) == 2),
           "old files are compressed", segments())
        equal(spoken("--type", "invalid_message"), "", "a search is made by the index alone")
        equal(os.stat(INDEX).st_mode & 0o777, 0o600, "nobody else may read the index")
        equal_to_lines("by the index")
        paged(server)
        busy = threading.Thread(target=load, args=(server, 1500))
        busy.start()
        wrong = []
        for _ in range(10):
            before = lines_of()
            got, after = search("--limit", "100000"), lines_of()
            if got[::-1] != after[:len(got)] or len(got) < len(before):
                wrong.append((len(before), len(got), len(after)))
        busy.join()
        ok(not wrong, "while it is written a search gives all there is, each once", wrong)
        os.remove(INDEX)
        equal_to_lines("while the index is deleted", 3)
        load(server, 10)
        ok(until(lambda: server.stats()["record_index"]["rebuilds"] == 1 and indexed(server)), "it is made anew when it was deleted")
        equal_to_lines("by the new index", 10)
        said = subprocess.run([BINARY, "audit", "index", "--rebuild", "--data", DATA], stdout=subprocess.PIPE, text=True)
        ok(said.returncode == 0 and "the server that runs" in said.stdout, "audit index --rebuild leaves it to the server", said.stdout)
        load(server, 10)
        ok(until(lambda: server.stats()["record_index"]["rebuilds"] == 2 and indexed(server)), "which makes it anew")


def damaged():
    def cut():
        os.truncate(INDEX, generator.randrange(os.path.getsize(INDEX)))

    def scribble():
        with open(INDEX, "r+b") as file:
            file.seek(generator.randrange(os.path.getsize(INDEX)))
            file.write(generator.randbytes(3000))

    def empty():
        open(INDEX, "wb").close()

    def foreign():
        os.remove(INDEX)
        sqlite3.connect(INDEX).execute("CREATE TABLE state (id)").connection.close()

    def tampered():
        database = sqlite3.connect(INDEX)
        database.execute("UPDATE blocks SET offset = 0, segment = 1 WHERE first > 200")
        database.commit()
        database.close()

    def link():
        os.rename(INDEX, INDEX + ".away")
        os.symlink("index.db.away", INDEX)

    for change in (cut, scribble, empty, foreign, tampered, link):
        for name in glob.glob(INDEX + "*"):
            os.remove(name)
        subprocess.run([BINARY, "audit", "index", "--data", DATA], stdout=subprocess.DEVNULL, timeout=PATIENCE)
        change()
        subset_of_lines(f"a file that is {change.__name__}", 5)
    with start(says="made anew|not indexed|cannot be") as server:
        load(server, 20)
        ok(indexed(server), "a server makes it anew")
        equal_to_lines("by the new one", 5)


def holds(name):
    done = subprocess.run([BINARY, "audit", "verify", "--data", DATA, "--json"], stdout=subprocess.PIPE, timeout=PATIENCE)
    report = json.loads(done.stdout)
    ok(report["holds"], f"the record holds: {name}", report)
    try:
        import ledger_verify
    except ImportError:
        skip("and by another verifier", "python3-cryptography is not installed")
    else:
        equal(ledger_verify.verify(RECORD), ("OK", report["last"], report["signed"]), "and by a verifier that has nothing of it")
    return report


def removed():
    """Compressed files but for one are removed, what they held is signed for, and all goes on from there."""
    before = holds("with compressed files")
    ok(before["removed"] == 0 and before["segments"] >= 4, "nothing was removed yet", before)
    old = lines_of()
    with start(more=", max_archived_files: 1") as server:
        ok(until(lambda: len(segments()) == 3), "but one compressed file is removed", segments())
        first = int(segments()[0][15:])
        def told():
            return [r["details"]["last"] for r in server.records("system_changes") if r["details"]["change"] == "old records removed"]

        until(lambda: told()[-1:] == [first - 1])  # of several files each removal has its record
        equal(told()[-1:], [first - 1], "which is on record")
        load(server, 10)
        ok(indexed(server), "the index goes on")
        equal_to_lines("of what is left", 10)
        paged(server)
    report = holds("from the first record that is kept")
    equal((report["removed"], report["first"]), (first - 1, first), "a signed note says what was removed")
    equal(lines_of()[:100], old[first - 1:first + 99], "the others are as they were")
    exported = subprocess.run([BINARY, "audit", "export", "--data", DATA], stdout=subprocess.PIPE, timeout=PATIENCE).stdout.splitlines()
    equal(len(exported), len(lines_of()), "and are exported, compressed ones as well")
    shutil.rmtree(os.path.join(RECORD, "tile"))
    with start(more=", max_archived_files: 1") as server:
        load(server, 10)
    equal(holds("after all of it was read anew")["removed"], first - 1, "which does not need what is gone")


def killed():
    for number in range(KILLS):
        for name in glob.glob(INDEX + "*") if number % 2 == 0 else []:
            os.remove(name)  # so that there is much to do
        server = start(check=False)
        busy = threading.Thread(target=lambda: [load(server, 5000)], daemon=True)
        threading.excepthook = lambda error: None  # the clients' end
        busy.start()
        time.sleep(generator.random())
        server.killed()
        busy.join()
        equal_to_lines(f"after kill {number + 1}", 4)
    server = start(check=False)
    ok(indexed(server), "the index goes on")
    equal(spoken(), "", "and is used")
    equal_to_lines("after all", 10)
    server.stop()


main(live, damaged, killed, removed)
