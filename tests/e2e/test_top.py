#!/usr/bin/python3
"""framewall top: in a terminal (a pty, read by pyte, which is not ours) of several sizes, by keys, resized, ended in each way; without a terminal;
for programs. And what it asks: GET /api/v1/top."""
import pty
import termios

from framewall import *

try:
    import pyte
except ImportError:
    pyte = None


class Terminal:
    """framewall top in a terminal of its own."""

    def __init__(self, data, rows, columns, *arguments):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, slave = pty.openpty()
        self.size(rows, columns)
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen([BINARY, "top", "--interval", "200", "--data", data, *arguments], stdin=slave, stdout=slave,
                                        stderr=subprocess.PIPE, start_new_session=True)

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def look(self):
        while select.select([self.master], [], [], 0.05)[0]:
            try:
                octets = os.read(self.master, 65536)
            except OSError:
                break
            self.raw += octets
            self.stream.feed(octets)
        return self.screen.display

    def shows(self, pattern):
        return until(lambda: re.search(pattern, "\n".join(line.rstrip() for line in self.look()), re.M))

    def press(self, keys):
        os.write(self.master, keys.encode())

    def end(self):
        """Exit code, what it said, and whether the terminal is as it was."""
        errors = self.process.stderr.read().decode()
        code = self.process.wait(PATIENCE)
        self.look()
        as_before = termios.tcgetattr(self.slave) == self.before and self.raw.endswith(b"\x1b[?25h\x1b[?1049l")
        os.close(self.master)
        os.close(self.slave)
        return code, errors, as_before


async def talk(server):
    async with server.connect() as websocket:
        for turn in range(150):
            await websocket.send('{"type":"ping"}')
            await websocket.send('{"type":"chat_message","text":"hello"}')
            await websocket.send(json.dumps({"type": "chat_message", "text": "1' UNION SELECT password FROM users WHERE '1'='1' --"}))
            await websocket.send('{"type":"nope"}')
            await asyncio.sleep(0.01)


def top(server, *arguments, **options):
    return subprocess.run([BINARY, "top", "--data", server.data, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=PATIENCE, **options)


def without_a_terminal(server):
    talker = threading.Thread(target=lambda: asyncio.run(talk(server)))
    talker.start()
    server.wait_records("dangerous_content", 20)
    done = top(server, "--once", "--interval", "400")
    equal((done.returncode, done.stderr), (0, ""), "top --once needs no terminal")
    ok(re.search(r"^messages/s  in [1-9]", done.stdout, re.M), "messages are counted", done.stdout)
    ok(re.search(r"^  inspect +[1-9][0-9.]* ", done.stdout, re.M), "and what a stage refused", done.stdout)
    ok(re.search(r"^  FW-SQL-001 +[1-9]", done.stdout, re.M) and re.search(r"^  alice +[1-9]", done.stdout, re.M), "rules and users are named", done.stdout)
    done = top(server, "--once", "--json", "--interval", "100")
    told = json.loads(done.stdout)
    ok(0.05 < told["seconds"] < 10 and "messages_in" in told["rates"] and "stages" in told["stats"], "--once --json is one object", list(told))
    talker.join()
    records = until(lambda: [r for r in server.records("dangerous_content")] if len(server.records("dangerous_content")) == 150 else None)
    told = json.loads(top(server, "--once", "--json", "--interval", "100").stdout)["top"]
    rules = {row["name"]: row["count"] for row in told["all"]["rules"]}
    equal(rules.get("FW-SQL-001"), len(records or []), "as often as the record says")
    users = {row["name"]: (row["count"], row["over"]) for row in told["all"]["users"]}
    passed = sum(record["details"]["count"] for record in server.records("data_modification"))
    ok(users["alice"] == (passed, 0) and passed <= 150, f"messages passed on: {passed}, as the record sums them up", users)
    ok([row["name"] for row in told["recent"]["types"]][:1] == ["chat_message"], "types are named", told["recent"]["types"])
    done = top(server)
    ok(done.returncode == 2 and "use --once" in done.stderr, "without a terminal it says what to use", done.stderr)
    for arguments in (("--json",), ("--interval", "5"), ("--interval", "x"), ("more",)):
        equal(top(server, *arguments).returncode, 2, f"top {' '.join(arguments)} is wrong")


def in_a_terminal(server):
    if pyte is None:
        skip("in a terminal", "python3-pyte is not installed")
        return
    terminal = Terminal(server.data, 50, 110)
    ok(terminal.shows(r"^framewall  up ") and terminal.shows(r"^users +messages"), "a large terminal has all", "\n".join(terminal.look()))
    ok(terminal.shows(r"by in their order"), "stages stand in their order")
    terminal.press("s")
    ok(terminal.shows(r"by refused"), "s: by what they refused")
    ok(terminal.shows(r"by refused\n  (route|inspect|json|schema|limit) "), "another order")
    terminal.press("ss")
    ok(terminal.shows(r"by in their order"), "and round again")
    terminal.press("\t")
    ok(terminal.shows(r"^addresses +messages"), "Tab: the next list")
    terminal.press("6")
    ok(terminal.shows(r"^rules +refused") and terminal.shows(r"^  FW-SQL-001 +150$"), "6: the sixth", "\n".join(terminal.look()))
    terminal.press("a")
    ok(terminal.shows(r"since the start"), "a: since the start")
    terminal.press("h")
    ok(terminal.shows(r"^q quit"), "h: help")
    terminal.press("h")
    ok(terminal.shows(r"^stage "), "and back")
    terminal.size(16, 60)
    ok(terminal.shows(r"^rules +refused"), "made smaller it is drawn anew, with one list", "\n".join(terminal.look()))
    ok(all(len(line.rstrip()) <= 60 for line in terminal.look()), "no line is longer")
    terminal.press("q")
    equal(terminal.end(), (0, "", True), "q: the end, and the terminal is as before")
    for rows, columns in ((5, 20), (1, 10), (2, 1), (24, 80)):
        terminal = Terminal(server.data, rows, columns)
        shown = terminal.shows(r"^framewall"[:columns + 1])
        ok(shown, f"{rows} lines of {columns}: the first line is the first", terminal.look())
        terminal.process.send_signal(signal.SIGTERM)
        equal(terminal.end(), (0, "", True), "SIGTERM ends it well")
    terminal = Terminal(server.data, 24, 80)
    ok(terminal.shows(r"^framewall"), "one more")
    server.signal()
    server.wait()
    code, errors, as_before = terminal.end()
    ok(code == 3 and errors.startswith("framewall top: ") and "server" in errors and as_before, "a server that ends is said on a terminal that is as before", (code, errors, as_before))


def of_top():
    with Framewall(RELAXED, check=True) as server:
        without_a_terminal(server)
        in_a_terminal(server)


main(of_top)
