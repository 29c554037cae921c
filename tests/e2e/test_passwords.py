#!/usr/bin/python3
"""Users with passwords: added, changed, removed by the commands; who comes in, who does not, what each is told, what is kept."""
import pty
import sqlite3
import termios

from framewall import *
from sealing import Seals

CONFIG = RELAXED + """
authentication: { methods: [jwt, session, password], password_hash: { memory: 8, passes: 1 } }
"""
GOOD, OTHER = "correct horse battery", "staple of another colour"
REFUSED = ("AUTH_FAILED", "Invalid user or password")


def say(fw, *words, line=None, data=None):
    done = subprocess.run([BINARY, words[0], "--data", data or fw.data, *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          input=line, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr


class Client:
    def __init__(self, fw, user, password, wait=True, **message):
        self.raw = RawClient(fw.port, {})
        self.raw.send(json.dumps(message or {"type": "auth", "method": "password", "user_id": user, "password": password}))
        if wait:
            self.read()

    def read(self):
        self.answer = json.loads(self.raw.receive()[1])
        self.data = self.answer["data"]
        return self

    def result(self):
        return (self.data["code"], self.data["message"]) if self.answer["type"] == "error" else (self.data["user_id"], self.data["role"])

    def code(self):
        while True:
            opcode, payload = self.raw.receive()
            if opcode == 8:
                return struct.unpack("!H", payload[:2])[0]


def login(fw, user, password, **message):
    client = Client(fw, user, password, **message)
    client.raw.close()
    return client.result()


def causes(fw):
    return [record["details"].get("cause") for record in fw.records("auth_failure")]


def all_octets(fw):
    """Of each file of the data directory, what was said on standard error, and what the commands printed is no business of this."""
    octets = fw.stderr().encode()
    for folder, _, names in os.walk(fw.data):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.exists(path) or not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                octets += file.read()
    return octets


def test_life():
    with Framewall(CONFIG) as fw:
        equal(login(fw, "alice", GOOD), REFUSED, "there is no account before one is made")
        equal(login(fw, "admin", "admin"), REFUSED, "none by default")
        equal(say(fw, "user", "add", "alice", "--role", "moderator", line=GOOD + "\n"), (0, "added: alice\n", ""), "alice is added")
        equal(login(fw, "alice", GOOD), ("alice", "moderator"), "and comes in, with her role")
        for user, password, what in (("alice", OTHER, "another password"), ("alice", GOOD + " ", "hers and a blank"), ("alice", GOOD[:-1], "less"), ("Alice", GOOD, "a name like hers"),
                                     ("bob", GOOD, "nobody"), ("x' OR '1'='1".replace(" ", "_").replace("'", "-").replace("=", "."), GOOD, "a strange name")):
            equal(login(fw, user, password), REFUSED, f"{what} is refused, in the same words")
        found = until(lambda: [c for c in causes(fw) if c] if len(causes(fw)) >= 8 else None)
        ok("wrong password of alice" in found and "unknown user" in found, "the record knows why", found)
        listed = json.loads(say(fw, "user", "list", "--json")[1])["users"]
        equal([(u["user"], u["role"], u["failed_logins"], u["disabled"]) for u in listed], [("alice", "moderator", 3, False)], "she is listed, with what was tried")
        equal(login(fw, "alice", GOOD), ("alice", "moderator"), "they keep nobody out")
        equal(json.loads(say(fw, "user", "list", "--json")[1])["users"][0]["failed_logins"], 0, "and are forgotten by a good one")
        code, text, _ = say(fw, "user", "list")
        ok(code == 0 and "alice" in text and "moderator" in text and text.startswith("user"), "for people, too", text)

        client = Client(fw, "alice", GOOD)
        session = client.data["session_token"]
        other = Client(fw, None, None, type="auth", method="jwt", token=fw.token("bob"))
        equal(say(fw, "user", "password", "alice", line=OTHER), (0, "changed, and sessions of before are over: alice\n", ""), "her password is changed")
        equal(client.code(), 4401, "who was in by the old one is out")
        equal(login(fw, None, None, type="auth", method="session", session_token=session)[0], "AUTH_FAILED", "and cannot take the session up again")
        equal((login(fw, "alice", GOOD), login(fw, "alice", OTHER)), (REFUSED, ("alice", "moderator")), "the new one counts, the old one does not")
        other.raw.send('{"type":"ping"}')
        while b'"pong"' not in (frame := other.raw.receive())[1] and frame[0] != 8:
            pass
        equal(frame[0], 1, "nobody else is concerned")

        equal(say(fw, "user", "disable", "alice")[0], 0, "she is disabled")
        equal(login(fw, "alice", OTHER), REFUSED, "and refused with the right password, in the same words")
        ok(until(lambda: causes(fw)[-1] == "revoked"), "the record knows")
        equal(json.loads(say(fw, "user", "list", "--json")[1])["users"][0]["disabled"], True, "it is listed")
        equal(say(fw, "user", "enable", "alice")[0], 0, "she is enabled")
        equal(login(fw, "alice", OTHER), ("alice", "moderator"), "and comes in again")
        equal(say(fw, "session", "revoke", "--user", "alice")[0], 0, "all that was hers is revoked")
        equal(login(fw, "alice", OTHER), REFUSED, "a password of before counts as stolen")
        equal(say(fw, "user", "password", "alice", line=GOOD)[0], 0, "until it is changed")
        equal(login(fw, "alice", GOOD), ("alice", "moderator"), "then she comes in")
        fw.start_again()
        equal(login(fw, "alice", GOOD), ("alice", "moderator"), "after a restart, too")

        client = Client(fw, "alice", GOOD)
        equal(say(fw, "user", "remove", "alice"), (0, "removed: alice\n", ""), "she is removed")
        equal((client.code(), login(fw, "alice", GOOD)), (4401, REFUSED), "and out")
        actions = [(r["details"]["action"], r["details"]["user"]) for r in fw.records("admin_action") if r["details"].get("action", "").startswith("user")]
        equal({user for _, user in actions}, {"alice"}, "each change is recorded")
        equal([a for a, _ in actions], ["user add", "user password", "user disable", "user enable", "user revoke", "user password", "user remove"], "in its order")
        octets = all_octets(fw)
        ok(GOOD.encode() not in octets and OTHER.encode() not in octets, "no password is in any file, record or log")
        ok(b"alice" in octets, "though they were looked through")


def test_without_server():
    """On the data directory of a server that does not run."""
    with Framewall(CONFIG) as fw:
        fw.signal()
        fw.wait()
        config = ("--config", os.path.join(fw.folder, "framewall.yaml"))
        equal(say(fw, "user", "add", "alice", "--role", "moderator", *config, line=GOOD), (0, "added: alice\n", ""), "alice is added")
        equal(say(fw, "user", "add", "bob", *config, line=GOOD)[0], 0, "and bob")
        equal(say(fw, "user", "password", "bob", *config, line=OTHER)[0], 0, "who gets another password")
        equal(say(fw, "user", "add", "carol", *config, line=GOOD)[0], 0, "carol, too")
        equal(say(fw, "user", "remove", "carol", *config)[0], 0, "but not for long")
        code, _, text = say(fw, "user", "add", "dave", *config, line="short")
        ok(code == 3 and "at least 12 characters" in text, "what the configuration asks of a password is asked", text)
        equal(sorted(u["user"] for u in json.loads(say(fw, "user", "list", "--json", *config)[1])["users"]), ["alice", "bob"], "both are listed")
        fw.start_again()
        equal([login(fw, *who) for who in (("alice", GOOD), ("bob", OTHER), ("bob", GOOD), ("carol", GOOD))],
              [("alice", "moderator"), ("bob", "user"), REFUSED, REFUSED], "the server that starts then knows them")
        equal([r["details"]["action"] for r in fw.records("admin_action")], ["user add", "user add", "user password", "user add", "user remove"], "each change is recorded")


def test_wrong_usage():
    with Framewall(CONFIG) as fw:
        for words, line, part in ((("add", "a b"), GOOD, "user must be a name"), (("add", "x" * 51), GOOD, "user must be a name"), (("add", "a", "--role", "astronaut"), GOOD, "no role"),
                                  (("add", "a"), "short", "at least 12 characters"), (("add", "a"), "p\u00e4sswort-mit-umlaut", "printable ASCII"),
                                  (("add", "a"), "x" * 501, "at most 500"), (("password", "nobody"), GOOD, "no user with a password"), (("remove", "nobody"), None, "no user with a password")):
            code, _, text = say(fw, "user", *words, line=line)
            ok(code == 3 and part in text, f"user {' '.join(words)[:20]} is told: {part}", text)
        for words, line in ((("add",), GOOD), (("add", ""), GOOD), (("password",), GOOD), (("remove",), None), (("add", "a"), ""), (("add", "a"), "x" * 2000)):
            equal(say(fw, "user", *words, line=line)[0], 2, f"user {' '.join(words)} of {len(line or '')} characters is wrong usage")
        equal(say(fw, "user", "add", "a", line=GOOD + "\r\nmore")[0], 0, "the first line counts, without its end")
        equal(login(fw, "a", GOOD), ("a", "user"), "and is the password")
        code, _, text = say(fw, "user", "add", "a", line=OTHER)
        ok(code == 3 and "there is a user of this name" in text, "a second of that name is refused", text)
        equal(login(fw, "a", GOOD), ("a", "user"), "and changes nothing")
        ok(GOOD not in str(subprocess.run(["ps", "axww", "-o", "args"], stdout=subprocess.PIPE, text=True).stdout), "it never was an argument")


def at_terminal(fw, lines, *words):
    """Types the lines, each when something is asked. What the terminal showed, the exit status, and whether it shows what is typed afterwards."""
    master, slave = pty.openpty()
    child = subprocess.Popen([BINARY, "user", *words, "--data", fw.data], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    shown = b""
    for line in lines:
        end = time.monotonic() + PATIENCE
        while not shown.rstrip().endswith(b":") and time.monotonic() < end:
            if select.select([master], [], [], 0.1)[0]:
                shown += os.read(master, 4096)
        until(lambda: not termios.tcgetattr(slave)[3] & termios.ECHO)
        os.write(master, line)
        shown += b"|"
    status = child.wait(PATIENCE)
    echo = bool(termios.tcgetattr(slave)[3] & termios.ECHO)
    while select.select([master], [], [], 0)[0]:
        shown += os.read(master, 4096)
    os.close(master)
    os.close(slave)
    return shown.decode(errors="replace"), status, echo


def test_terminal():
    with Framewall(CONFIG) as fw:
        typed = GOOD.encode() + b"\n"
        shown, status, echo = at_terminal(fw, [typed, typed], "add", "alice")
        equal((status, echo), (0, True), "asked twice at a terminal alice is added")
        ok("password:" in shown and "again:" in shown and "added: alice" in shown and GOOD not in shown, "and nothing of it is shown", shown)
        equal(login(fw, "alice", GOOD), ("alice", "user"), "she comes in with it")
        shown, status, echo = at_terminal(fw, [typed, OTHER.encode() + b"\n"], "password", "alice")
        ok(status == 2 and echo and "not the same" in shown, "two that differ change nothing", shown)
        shown, status, echo = at_terminal(fw, [b"half of i\x03"], "password", "alice")
        ok(status == 3 and echo and "half" not in shown, "Ctrl-C leaves a terminal that shows what is typed", (shown, status, echo))
        equal(login(fw, "alice", GOOD), ("alice", "user"), "and the password as it was")


def test_cost():
    """Hashes of another cost count, and are made anew by a login; what takes too much memory to be read is refused."""
    with Framewall(CONFIG) as fw:
        say(fw, "user", "add", "alice", line=GOOD)
        base = sqlite3.connect(os.path.join(fw.data, "framewall.db"))

        def kept():
            who, value = base.execute("SELECT who, hash FROM users").fetchone()
            return Seals(fw.data).open(value, "users", "hash", who).decode()

        first = kept()
        ok(first.startswith("$argon2id$v=19$m=8192,t=1,p=1$"), "what is kept is argon2id, at the cost of the configuration", first)
        fw.signal()
        fw.wait()
        with open(os.path.join(fw.folder, "framewall.yaml"), "w") as file:
            file.write(CONFIG.replace("memory: 8", "memory: 9"))
        fw.start_again()
        equal(login(fw, "alice", GOOD), ("alice", "user"), "after a change of the cost it still counts")
        ok(until(lambda: kept().startswith("$argon2id$v=19$m=9216,t=1,p=1$")), "and is hashed anew by that login", kept())
        who = base.execute("SELECT who FROM users").fetchone()[0]
        base.execute("UPDATE users SET hash = ?", (Seals(fw.data).seal(first.replace("m=8192", "m=4194304").encode(), "users", "hash", who),))
        base.commit()
        equal(login(fw, "alice", GOOD)[0], "AUTH_ERROR", "one that asks for 4 GiB is not read")
        ok(until(lambda: "a hash that is none" in str(fw.records("system_error"))), "and the record says so")


def test_memory_of_nobody():
    """Whoever is unknown costs the same as whoever is known: without the memory of a hash neither can be answered."""
    with Framewall(CONFIG.replace("memory: 8", "memory: 512")) as fw:
        code, _, text = say(fw, "user", "add", "alice", line=GOOD)
        if code != 0:
            skip("an unknown user costs the memory of a hash", "this machine has not that much")
            return
        hashes = fw.part("fw-keeper")
        with open(f"/proc/{hashes}/status") as file:
            size = int(re.search(r"VmSize:\s+(\d+)", file.read()).group(1)) * 1024
        subprocess.run(["prlimit", "--pid", str(hashes), f"--as={size + (400 << 20)}"], check=True)
        equal([login(fw, user, GOOD)[0] for user in ("alice", "nobody")], ["AUTH_ERROR"] * 2, "a known and an unknown user need the memory of a hash alike")


def test_crowd():
    """More logins than are compared at once: some are told to come again; none waits for ever; the others are served meanwhile."""
    config = CONFIG.replace("memory: 8, passes: 1", "memory: 64, passes: 8, threads: 1, queue: 2")
    with Framewall(config) as fw:
        say(fw, "user", "add", "alice", line=GOOD)
        crowd = [Client(fw, "alice", GOOD, wait=False) for _ in range(12)]
        equal(login(fw, None, None, type="auth", method="jwt", token=fw.token("bob"))[0], "bob", "another way in is not held up")
        answers = [client.read() for client in crowd]
        told = [client.data for client in answers if client.answer["type"] == "error"]
        ok(all(data["code"] == "RATE_LIMITED" and data["retry_after"] > 0 for data in told), "who finds no place is told when to come again", told)
        ok(told and len(told) < 12, "some do, some do not", len(told))
        equal({client.code() for client in answers if client.answer["type"] == "error"}, {4429}, "and closed")
    with Framewall(config) as fw:
        say(fw, "user", "add", "alice", line=GOOD)
        crowd = [Client(fw, "alice", GOOD, wait=False) for _ in range(3)]
        until(lambda: len(fw.records("websocket_connected")) >= 3)  # the server ends while hashes are being compared


def in_memory(fw, *needles):
    """Which of them stand anywhere in what the server's processes can write; None: it cannot be looked at."""
    found = set()
    for pid in fw.pids():
        try:
            with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
                for line in maps:
                    begin, end, mode = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
                    if "w" not in mode:
                        continue
                    memory.seek(int(begin, 16))
                    try:
                        octets = memory.read(int(end, 16) - int(begin, 16))
                    except OSError:
                        continue
                    found |= {needle for needle in needles if needle.encode() in octets}
        except PermissionError:
            return None
    return found


def test_memory():
    """After it was judged no password is left in the processes, whoever sent it and however it was written."""
    with Framewall(CONFIG.replace("websocket:", "websocket:\n  compression: \"on\"")) as fw:
        if not fw.memory_counts() or in_memory(fw, "") is None:
            skip("no password is left in memory", "it cannot be looked at here")
            return
        good, wrong, again, escaped, cut = [f"canary of {word} in memory" for word in ("added", "wrong", "again", "escaped", "cut")]
        with open(os.path.join(fw.data, "admin.token")) as file:
            secret = file.read().strip()
        equal(in_memory(fw, secret), {secret}, "what is in memory is found there")
        for user, password in (("alice", good), ("carol", escaped), ("dave", cut)):
            equal(say(fw, "user", "add", user, line=password)[0], 0, f"{user} is added")
        equal((login(fw, "alice", good)[0], login(fw, "alice", wrong)), ("alice", REFUSED), "she comes in, somebody else does not")
        client = Client(fw, "alice", good)
        client.raw.send(json.dumps({"type": "auth", "method": "password", "user_id": "alice", "password": again}))
        equal(client.read().data["code"], "AUTH_FAILED", "another one on her connection is refused")
        raw = RawClient(fw.port, {})
        raw.send(r'{"type":"auth","method":"password","user_id":"carol","password":"%s"}' % "".join(f"\\u{ord(c):04x}" if c == "c" else c for c in escaped))
        equal(json.loads(raw.receive()[1])["data"]["user_id"], "carol", "written another way it is hers, too")
        parts = json.dumps({"type": "auth", "method": "password", "user_id": "dave", "password": cut})
        two = RawClient(fw.port, {})
        for i, part in enumerate((parts[:70], parts[70:80], parts[80:])):
            two.socket.sendall(RawClient.frame(part, opcode=1 if i == 0 else 0, final=i == 2))
        equal(json.loads(two.receive()[1])["data"]["user_id"], "dave", "in pieces, too")
        left = [word for word in (good, wrong, again, escaped, cut)]
        halves = [part for word in (escaped, cut) for part in (word[-12:],)]
        equal(in_memory(fw, *left, *halves), set(), "none of it is left")


def test_age():
    with Framewall(CONFIG.replace("authentication: {", "authentication: { password_policy: { max_age_days: 2 },")) as fw:
        say(fw, "user", "add", "alice", line=GOOD)
        equal(login(fw, "alice", GOOD), ("alice", "user"), "a young password counts")
        base = sqlite3.connect(os.path.join(fw.data, "framewall.db"))

        def set_age(seconds):
            base.execute("UPDATE users SET changed_us = ?", (int((time.time() - seconds) * 1000000),))
            base.commit()

        set_age(2 * 86400 - 300)
        equal(login(fw, "alice", GOOD), ("alice", "user"), "minutes before its end, too")
        set_age(2 * 86400 + 1)
        equal(login(fw, "alice", GOOD), REFUSED, "an old one does not")
        ok(until(lambda: "too old, it has to be changed: password of alice" in causes(fw)), "the record says why", causes(fw))
        equal(say(fw, "user", "password", "alice", line=OTHER)[0], 0, "it is changed")
        equal(login(fw, "alice", OTHER), ("alice", "user"), "and counts")


main(*(globals()["test_" + name] for name in os.environ.get("ONLY", "life without_server wrong_usage terminal cost memory_of_nobody crowd memory age").split()))
