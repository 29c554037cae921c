#!/usr/bin/python3
"""framewall report: figures that an independent recount of the exported record gives, too, the same in each format, at exact borders of time;
what does not hold is said; what an earlier report kept is believed only while it may be; nothing that a user calls himself gets out of its cell."""
import atexit
import csv
import html.parser
import io
import resource
import sqlite3
import urllib.error
import urllib.request

from framewall import *

SCRATCH = tempfile.mkdtemp(prefix="framewall-e2e-report-")
atexit.register(shutil.rmtree, SCRATCH, True)
DATA = os.path.join(SCRATCH, "data")
USERS = ["alice", "bob", "Пётр 😀", "王小明", "مريم", 'a"b\\c', "=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "-2", "<script>alert(1)</script>", "a\r\nb,c;d\te",
         "\x1b[31mred\x07", "\u202eevil\u2066", "'; DROP TABLE t; --", "x" * 600, "ü" * 300, "{\"a\":1}", "%PDF-1.7", "127.0.0.1", "user", "]]>&amp;&#60;"]
# as tests/e2e/test_export.py has them; written here anew, since they are what is recounted by
AUTH = {"auth_success", "auth_failure", "auth_timeout", "session_expired", "session_evicted", "connection_revoked", "issuer_logout"}
FORMATS = ["json", "csv", "html"]


def call(*words, data=DATA):
    return subprocess.run([BINARY, *words, *(() if "--record" in words else ("--data", data))], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=PATIENCE)


def report(*words, data=DATA, status=0):
    done = call("report", *words, data=data)
    if done.returncode != status:
        raise RuntimeError(f"report {words} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def figures(*words, **more):
    return json.loads(report(*words, **more))


def table(got, name):
    """A table of a JSON report as a list of dicts."""
    found, = [t for t in got["tables"] if t["id"] == name]
    return [dict(zip(found["columns"], row)) for row in found["rows"]]


def statement(got, name):
    return [row["Value"] for row in table(got, "completeness") if row["Statement"] == name]


def exported(data=DATA):
    return [json.loads(line) for line in call("audit", "export", "--format", "jsonl", data=data).stdout.decode().split("\n") if line]


# What was done --------------------------------------------------------------------------------------------------------
def act():
    with Framewall(RELAXED + 'routes:\n  - { path: "*", inbound: { secrets: { cards: mask } } }\n') as server:
        for user in USERS:
            client = RawClient(server.port, server.bearer(user, "user"))
            for message in (chat("my card is 4111 1111 1111 1111"), "}no json{", '{"type":"admin_command","command":"x"}', chat("<script>alert(1)</script>")):
                try:
                    client.send(message)
                except OSError:  # a name that is not let in
                    break
            else:
                client.send(b"\x03\xe8", 8)
            client.closed()
        for _ in range(3):
            RawClient(server.port, {"Authorization": "Bearer a.b.c"}).close()
        RawClient(server.port, {"Origin": "https://evil.example"}).close()
        for words in (("block", "add", "192.0.2.7", "--reason", "=1+1"), ("block", "remove", "192.0.2.7"), ("key", "create", "--name", "people"), ("key", "list")):
            done = call(*words, data=server.data)
            if done.returncode != 0:
                raise RuntimeError(f"{words}: {done.stderr.decode()}")
        server.signal(signal.SIGHUP)
        server.wait_records("origin_refused")
        until(lambda: any(r["details"]["change"] == "reloaded" for r in server.records("system_changes")) or len(server.records("system_changes")) > 1)
        server.signal()
        server.wait()
        shutil.copytree(server.data, DATA, symlinks=True)


def recount(records):
    """By another program: SQL over what audit export gives."""
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE r (time TEXT, sequence INTEGER, type TEXT, user TEXT, auth INTEGER)")
    base.executemany("INSERT INTO r VALUES (?,?,?,?,?)",
                     [(r["timestamp"], r["sequence"], r["event_type"], r["user_id"], r["event_type"] in AUTH) for r in records])

    def one(query):
        return base.execute(query).fetchone()

    counted = {"total_compliance_events": one("SELECT count(*) FROM r")[0], "unique_users": one("SELECT count(DISTINCT user) FROM r")[0],
               "events_by_type": dict(base.execute("SELECT type, count(*) FROM r GROUP BY type"))}
    columns = "total(type = 'data_access'), total(type = 'admin_action'), total(auth), min(time), max(time)"
    names = ["data_access_count", "admin_actions", "auth_events", "first_activity", "last_activity"]
    counted["totals"] = dict(zip(names, one(f"SELECT {columns} FROM r")))
    counted["user_activity"] = {row[0]: dict(zip(names + ["events"], row[1:]))
                                for row in base.execute(f"SELECT user, {columns}, count(*) FROM r WHERE user IS NOT NULL GROUP BY user")}
    return counted, one("SELECT min(sequence), max(sequence) FROM r")


def compare(got, records, what):
    counted, (first, last) = recount(records)
    equal({key: got[key] for key in counted}, counted, f"{what}: all figures are those of the recount")
    equal((got["completeness"]["population"], got["completeness"]["first_sequence"], got["completeness"]["last_sequence"]),
          (len(records), first or 0, last or 0), f"{what}: population, first and last sequence")


def test_figures():
    act()
    records = exported()
    got = figures()
    ok(len(records) > 100 and got["completeness"]["holds"], "the record holds", got["completeness"])
    compare(got, records, "all of it")
    ok(len(set(got["user_activity"]) & set(USERS)) > 12, "users are there by their own names, however hostile", set(got["user_activity"]))
    refused = [r for r in records if r["event_type"] in ("auth_failure", "auth_timeout")]
    equal(sum(int(row["Refused logins"]) for row in table(got, "refused_logins_by_source")), len(refused), "refused logins by address")
    equal(sum(int(row["Refused logins"]) for row in table(got, "refused_logins_by_cause")), len(refused), "and by cause")
    denied = [r for r in records if r["event_type"] in ("permission_denied", "csrf_violation")]
    equal(sum(int(row["Denied messages"]) for row in table(got, "denied_by_user")), len(denied), "access denied by user")
    trend = table(got, "trend")
    equal((sum(int(row["Events"]) for row in trend), sum(int(row["Refused logins"]) for row in trend)), (len(records), len(refused)), "the trend adds up")
    for name, kinds in (("admin_actions", ["admin_action"]), ("exceptions", ["clock_jump", "system_error", "ledger_repaired", "overload"])):
        want = [str(r["sequence"]) for r in records if r["event_type"] in kinds]
        equal([row["Sequence"] for row in table(got, name)], want, f"{name}: one by one")
    ok({"block add", "block remove"} <= {json.loads(row["Details"]).get("action") for row in table(got, "blocks")}, "blocks and unblocks", table(got, "blocks"))
    ok({"key create"} <= {json.loads(row["Details"]).get("action") for row in table(got, "key_lifecycle")}, "the life of keys")
    changes = table(got, "configuration_changes")
    ok(changes and re.fullmatch("[0-9a-f]{64}", changes[0]["Digest after"]), "a start says the configuration's digest", changes)
    equal(statement(got, "Configuration digest"), [changes[-1]["Digest after"] or changes[0]["Digest after"]] if changes[-1]["Digest after"] else statement(got, "Configuration digest"),
          "which is the one the report names")
    ok(statement(got, "Checkpoint: signature") and statement(got, "Operator")[0] and statement(got, "Time source")[0] and statement(got, "Query"),
       "checkpoint with its signatures, operator, time source, query")


def test_borders():
    records = exported()
    chosen = records[len(records) // 2]["timestamp"][:-1]
    equal(figures("--start", chosen, "--end", chosen)["total_compliance_events"], sum(r["timestamp"][:-1] == chosen for r in records), "one microsecond")
    for start, end in ((chosen, None), (None, chosen), (chosen[:19], chosen[:19]), (chosen[:10], chosen[:10]), (chosen[:7], chosen[:4])):
        got = figures(*(["--start", start] if start else []), *(["--end", end] if end else []))
        inside = [r for r in records if (not start or r["timestamp"] >= start) and (not end or r["timestamp"][:len(end)] <= end)]
        compare(got, inside, f"{start} to {end}")
    equal(figures("--from", chosen[:19], "--to", chosen[:19])["total_compliance_events"], figures("--start", chosen[:19], "--end", chosen[:19])["total_compliance_events"],
          "--from and --to are the same")
    empty = figures("--start", "1999", "--end", "1999-12")
    equal((empty["total_compliance_events"], empty["events_by_type"], empty["user_activity"], empty["totals"]["first_activity"]), (0, {}, {}, None), "a period without a record")
    for words in (("--start", "2026-13"), ("--start", "2026-02-30"), ("--end", "yesterday"), ("--start", "2026-1"), ("--start", "2027", "--end", "2026"),
                  ("--format", "xml"), ("--framework", "pci"), ("--rows", "0")):
        equal(call("report", *words).returncode, 2, f"{' '.join(words)}: refused")
    equal(figures("--start", "2024-02", "--end", "2024-02")["report_period"], {"start": "2024-02-01T00:00:00.000000Z", "end": "2024-02-29T23:59:59.999999Z"}, "a leap year's February")


# Other formats: read by parsers of others ------------------------------------------------------------------------------
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tables, self.tags, self.cell = {}, set(), None

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "h2":
            self.rows = self.tables[dict(attributes)["id"]] = []
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.cell = ""

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.rows[-1].append(self.cell)
            self.cell = None


def stable(rows):
    """Without what differs from one call to the next."""
    return [row for row in rows if row[0] not in ("Generated at", "Period to, inclusive", "Verified")]


def test_formats():
    words = ["--end", "2099"]
    got = figures(*words)
    want = {t["id"]: stable([t["columns"], *t["rows"]]) for t in got["tables"]}
    text = report(*words, "--format", "csv").decode("utf-8-sig")
    rows = {}
    for row in csv.reader(io.StringIO(text, newline="")):
        rows.setdefault(row[0], []).append(row[1:])
    formulas = [cell for lines in rows.values() for line in lines for cell in line if re.match(r"\s*[=+\-@\t\r]", cell)]
    equal(formulas, [], "csv: no cell is a formula")
    guarded = {name: stable([[re.sub(r"^'(?=\s*[=+\-@|%])", "", cell) for cell in line] for line in lines]) for name, lines in rows.items()}
    equal(guarded, want, "csv: the same cells")
    page = Page()
    text = report(*words, "--format", "html").decode()
    page.feed(text)
    equal({name: stable(lines) for name, lines in page.tables.items()}, want, "html: the same cells")
    ok("script" not in page.tags and not re.search(r"<[^>]*\son\w+=|javascript:|https?://", text), "html: no scripts, nothing from elsewhere")
    for name in FORMATS:
        text = report("--format", name).decode("utf-8")
        ok(not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]", text), f"{name}: nothing that a terminal or an editor obeys")


# PDF: read by poppler and qpdf ------------------------------------------------------------------------------------------
PDF = os.path.join(os.path.dirname(BINARY), "framewall-pdf")
DRAWS = os.path.exists(PDF) and all(shutil.which(tool) for tool in ("pdftotext", "pdfdetach", "pdfinfo", "qpdf"))


def tool(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE).stdout.decode("utf-8", "replace")


def squeezed(text):
    """Where a line ends is the page's business."""
    return re.sub("[\\s\u202a-\u202e]", "", text)


def is_left_to_right(text):
    return not re.search("[\u0590-\u08ff]", text)


def missing(text, tables):
    """Rows whose cells do not stand in the text one behind the other, whole."""
    text = squeezed(text)
    return [row for t in tables for row in t["rows"] if is_left_to_right("".join(row)) and squeezed("".join(row)) not in text]


def sound(path, what):
    said = tool("qpdf", "--check", path)
    ok("No syntax or stream encoding errors found" in said, f"{what}: qpdf finds nothing wrong", said)


def test_pdf():
    if not DRAWS:
        skip("pdf", "framewall-pdf, poppler-utils or qpdf is not there")
        return
    path, attached = os.path.join(SCRATCH, "report.pdf"), os.path.join(SCRATCH, "attached.json")
    done = call("report", "--format", "pdf", "--output", path)
    ok(done.returncode == 0 and done.stderr == b"", "a report is drawn", done)
    sound(path, "it")
    tool("pdfdetach", "-save", "1", "-o", attached, path)
    with open(attached, "rb") as file:
        octets = file.read()
    got = json.loads(octets)
    text = tool("pdftotext", "-raw", path, "-")
    ok(hashlib.sha256(octets).hexdigest() in text, "the JSON is in it, and its SHA-256 is printed")
    compare(got, exported(), "pdf")
    equal(missing(text, got["tables"]), [], "every row of every table can be read, and copied as text")
    ok("Пётр" in text and "王小明" in text and "مريم" in squeezed(text), "Cyrillic, Chinese and Arabic, too")
    pages = int(re.search(r"Pages:\s+(\d+)", tool("pdfinfo", path)).group(1))
    equal([n for n in range(1, pages + 1) if f"page {n} of {pages}" not in text], [], "each page says which of how many it is")
    ok(re.search(r"Tagged:\s+yes", tool("pdfinfo", path)) and "Compliance report" in tool("pdfinfo", path), "it has a title and a structure")
    equal([line for line in tool("pdffonts", path).splitlines()[2:] if not re.search(r" yes yes yes +\d", line)], [], "fonts are in it, in part, with their characters")
    equal(call("report", "--check", path).returncode, 0, "and its signature holds")


def draw(got, path):
    with open(path, "wb") as file:
        done = subprocess.run([PDF], input=json.dumps(got).encode(), stdout=file, stderr=subprocess.PIPE, timeout=PATIENCE)
    return done.returncode, done.stderr.decode()


def test_pdf_extremes():
    if not DRAWS:
        skip("pdf of extremes", "framewall-pdf, poppler-utils or qpdf is not there")
        return
    got = figures("--rows", "50")
    first, second = os.path.join(SCRATCH, "first.pdf"), os.path.join(SCRATCH, "second.pdf")
    long = "".join(f"{n:06d}" for n in range(4000))
    bars = [[f"2026-11-{day:02d}T{hour:02d}", str(day * hour), "0", str(hour), "0", "0", "0", "0", "0"] for day in (1, 2) for hour in range(24)]
    trend, = [t for t in got["tables"] if t["id"] == "trend"]
    trend["rows"] = bars
    users, = [t for t in got["tables"] if t["id"] == "users"]
    users["rows"] = [[f"user {n} " + "x" * (n % 90)] + ["user"] + [str(n * 7919)] * 6 + ["2026-11-28T22:53:37.506518Z"] * 2 for n in range(600)]
    got["tables"].append({"id": "long", "title": "A title as long as a line " * 12, "note": long[:3000], "columns": ["Short", "Long"], "left_out": 0,
                          "rows": [["a", long], [long[:8000], "b"], ["", ""], ["العربية עברית ภาษาไทย हिन्दी", "한국어 日本語 😀🏳️‍🌈 \U0001f9ff"]]})
    got["tables"].append({"id": "columns", "title": "Columns", "note": "", "left_out": 0, "columns": [f"column {n}" for n in range(16)],
                          "rows": [["9" * (n * 3 + 1) for n in range(16)] for _ in range(3)]})
    equal(draw(got, first)[0], 0, "cells over several pages, hundreds of rows, sixteen columns, many scripts")
    sound(first, "they")
    text = re.sub(r"SHA-256 of the same report as JSON: [0-9a-f]{64}\s+page \d+ of \d+\s*", "", tool("pdftotext", "-raw", first, "-"))
    for head in ("Short\nLong\n",):  # which each page repeats in the midst of a cell
        text = text.replace(head, "")
    equal(missing(text, [t for t in got["tables"] if t["id"] != "long"]), [], "nothing is cut")
    digits = squeezed(text)
    lost = [n for n in range(4000) if f"{n:06d}" not in digits]
    ok(len(lost) < 40, "of a cell over pages nothing is lost, but for what the turn of a page divides", lost[:20])
    equal((draw(got, second)[0], open(first, "rb").read() == open(second, "rb").read()), (0, True), "drawn twice it is the same to the octet")
    for name, wrong in (("no JSON", b"{"), ("no report", b"{}"), ("no tables", b'{"report_period":{},"completeness":{},"tables":[{}]}'), ("nothing", b""),
                        ("a row too short", json.dumps({**got, "tables": [{**users, "rows": [["a"]]}]}).encode())):
        done = subprocess.run([PDF], input=wrong, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
        ok(done.returncode == 1 and done.stdout == b"" and done.stderr, f"{name}: said", done)


def test_frameworks():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    records = exported()
    for name in ("soc2", "iso27001", "nist-csf", "owasp"):
        got = figures("--framework", name)
        equal([t["id"] for t in got["tables"] if t["id"].startswith("controls_")], ["controls_" + name], f"{name}: that one alone")
        wrong = []
        for row in table(got, "controls_" + name):
            events = row["Events that are evidence"].split()
            count = sum(r["event_type"] in events for r in records)
            if row["Number"] != (str(count) if "no record shows it" not in row["Events that are evidence"] else ""):
                wrong.append((row, count))
            if "secret_found" in events and count == 0:
                wrong.append("none of the cards")
            if row["Test"] and not os.path.exists(os.path.join(root, "tests", row["Test"])):
                wrong.append(row["Test"])
        equal(wrong, [], f"{name}: the counts are those of the record, the tests are there")
    equal(sum(t["id"].startswith("controls_") for t in figures()["tables"]), 4, "all of them where none is named")


def test_signature():
    path = os.path.join(SCRATCH, "report.json")
    equal(call("report", "--output", path).returncode, 0, "--output: a file")
    done = call("report", "--check", path)
    ok(done.returncode == 0 and b"the signature holds" in done.stdout, "whose signature holds", done)
    equal(call("audit", "verify", "--report", path).returncode, 0, "audit verify says so, too")
    with open(path + ".sig", encoding="utf-8") as file:
        note = file.read()
    with open(path, "rb") as file:
        octets = file.read()
    ok(note.startswith("framewall report\nsha256 " + hashlib.sha256(octets).hexdigest() + "\n\n\u2014 framewall/"), "a signed note of its SHA-256", note)
    anchor = os.path.join(SCRATCH, "anchor")
    shutil.copy(os.path.join(DATA, "record", "anchor"), anchor)
    equal(call("report", "--check", path, "--anchor", anchor, data=os.path.join(SCRATCH, "nowhere")).returncode, 0, "it is checked with the anchor alone")
    with open(path, "wb") as file:
        file.write(octets.replace(b'"unique_users":', b'"unique_users":1', 1))
    equal(call("report", "--check", path).returncode, 1, "of another report it does not hold")
    with open(path, "wb") as file:
        file.write(octets)
    with open(path + ".sig", "w", encoding="utf-8") as file:
        file.write(note.replace("framewall report", "framewall  report"))
    equal(call("report", "--check", path).returncode, 1, "nor does another note")
    os.unlink(path + ".sig")
    equal(call("report", "--check", path).returncode, 3, "without one nothing can be said")


def ask(server, query, token=True):
    """Over the admin port: status, headers, body."""
    with open(os.path.join(server.data, "admin.token"), encoding="ascii") as file:
        head = {"Authorization": "Bearer " + file.read().strip()} if token else {}
    request = urllib.request.Request(f"http://localhost:{server.admin_port()}/api/v1/report{query}", headers=head)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as got:
            return got.status, got.headers, got.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_admin():
    with Framewall(RELAXED, places=("--listen", "localhost:0", "--admin", "localhost:0")) as server:
        for user in USERS[:6]:
            client = RawClient(server.port, server.bearer(user, "user"))
            client.send(chat("hello"))
            client.send(b"\x03\xe8", 8)
            client.closed()
        server.wait_records("websocket_disconnect", 6)
        last = exported(server.data)[-1]["timestamp"][:-1]
        status, head, body = ask(server, "?end=" + last)
        equal((status, head["Content-Type"], head["Repr-Digest"]), (200, "application/json", "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"),
              "the admin side makes one")
        got, want = json.loads(body), figures("--end", last, data=server.data)
        same = ("report_period", "total_compliance_events", "events_by_type", "unique_users", "totals", "user_activity")
        equal({key: got[key] for key in same}, {key: want[key] for key in same}, "with the figures of the program's")
        ok(statement(got, "Operator")[0].startswith("admin token, from "), "it says who asked", statement(got, "Operator"))
        ok({"report"} == {r["details"]["action"] for r in server.wait_records("admin_action")}, "which is on record")
        status, head, body = ask(server, f"?start=2020&end={last}&format=csv&framework=soc2")
        ok(status == 200 and head["Content-Type"].startswith("text/csv") and "attachment" in head["Content-Disposition"] and b"CC6.1" in body and b"A.5.15" not in body,
           "as CSV, of one framework", (status, head))
        status, head, body = ask(server, "?format=html")
        ok(status == 200 and "attachment" in head["Content-Disposition"] and body.startswith(b"<!DOCTYPE html>"), "as HTML, which is not shown as a page of the admin side")
        for query in ("?start=yesterday", "?format=pdf", "?rows=1", "?rows=99999999999999999999999", "?nonsense=1", "?end=2020&end=2021", "?start=2027&end=2026", "?framework=x",
                      "?start=%00", "?start", "?rows=", "?start=2026%0d%0aX:1"):
            equal(ask(server, query)[0], 400, f"{query}: 400")
        equal(ask(server, "", token=False)[0], 401, "without the token: 401")
        answers = []
        asking = [threading.Thread(target=lambda: answers.append(ask(server, "")[0])) for _ in range(8)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        ok(set(answers) <= {200, 503} and 200 in answers, "asked eight times at once: reports, or to come again", answers)
        equal(json.loads(ask(server, "")[2])["completeness"]["holds"], True, "a record that is being written holds")
        with open(os.path.join(server.data, "admin.token"), encoding="ascii") as file:
            request = f"GET /api/v1/report HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {file.read().strip()}\r\n\r\n".encode()
        for _ in range(5):  # who asks and is gone is not waited for
            with socket.create_connection(("localhost", server.admin_port())) as gone:
                gone.sendall(request)
        waits = socket.create_connection(("localhost", server.admin_port()))
        waits.sendall(request)  # nor is a report when the server stops
    waits.close()


def test_under_load():
    """A record that is written meanwhile, over the ends of segments: each report holds, counts no less than the one before, and believes what was kept."""
    with Framewall(RELAXED + "audit_logging: { max_log_size: 1, source_budget: { records: 0 } }\n") as server:
        def load():
            client = ForgetfulClient(server, "x" * 40)
            while not enough.is_set():
                for _ in range(50):
                    client.send("}no json{")
                time.sleep(0.01)
            client.leave()

        enough = threading.Event()
        busy = threading.Thread(target=load)
        busy.start()
        got, segments = [], set()
        patience = time.monotonic() + 3 * PATIENCE
        while (len(segments) < 3 or len(got) < 8) and time.monotonic() < patience:
            got.append(figures(data=server.data))
            segments |= set(glob.glob(os.path.join(server.data, "record", "security_audit-0*.log")))
        enough.set()
        busy.join()
        server.signal()
        server.wait()
        got.append(figures(data=server.data))
        got.append(figures(data=server.data))
        equal([g["completeness"]["says"] for g in got if not g["completeness"]["holds"]], [], "each holds")
        counts = [g["total_compliance_events"] for g in got]
        equal(counts, sorted(counts), "none has less than the one before")
        anew = figures("--anew", data=server.data)
        ok(got[-1]["completeness"]["verified_before"] > 1000 and anew["completeness"]["verified_before"] == 0, "the last believes what was kept",
           [g["completeness"]["verified_before"] for g in got])
        equal(*[{key: g[key] for key in ("events_by_type", "user_activity", "totals")} for g in (got[-1], anew)], "and says what reading all says")
        compare(anew, exported(server.data), "after it")


def segments_of(server, suffix):
    return sorted(int(os.path.basename(path).split(".")[0].split("-")[1]) for path in glob.glob(os.path.join(server.data, suffix)))


def test_rows_before_any_report():
    """Closed segments have their rows before anybody asks, as text and compressed; what is changed in one shows in the log and in the report."""
    with Framewall(RELAXED + "audit_logging: { max_log_size: 1, max_log_files: 2, source_budget: { records: 0 } }\n", says="does not hold") as server:
        client = ForgetfulClient(server, "x" * 40)
        patience = time.monotonic() + 3 * PATIENCE
        while len(segments_of(server, "record/security_audit-0*.checkpoints")) < 4 and time.monotonic() < patience:
            for _ in range(50):
                client.send("}no json{")
            time.sleep(0.01)
        client.leave()
        starts = segments_of(server, "record/security_audit-0*.checkpoints")
        ok(until(lambda: len(segments_of(server, "record/*.zst")) >= 2 and segments_of(server, "report/*.rows") == starts[:-1]), "each closed segment has its rows",
           (starts, segments_of(server, "report/*.rows")))
        got = figures(data=server.data)
        ok(got["completeness"]["holds"], "the record holds", got["completeness"])
        equal(got["completeness"]["verified_before"], starts[-1] - 1, "the first report reads the last segment alone")
        anew = figures("--anew", data=server.data)
        equal(*[{key: g[key] for key in ("events_by_type", "totals")} for g in (got, anew)], "and says what reading all says")
        compare(anew, exported(server.data), "after it")
        archive = sorted(glob.glob(os.path.join(server.data, "record", "*.zst")))[0]
        with open(archive, "r+b") as file:
            file.seek(2000)
            octet = file.read(1)
            file.seek(2000)
            file.write(bytes([octet[0] ^ 1]))
        ok(until(lambda: f"the record in {server.data}/record does not hold" in server.stderr()), "what was changed shows in the log", server.stderr())
        got = figures(data=server.data, status=1)
        ok(not got["completeness"]["holds"] and got["completeness"]["gaps"] and got["total_compliance_events"] > starts[-1] // 2,
           "and in the report, which counts what else there is", got["completeness"])


# What does not hold ----------------------------------------------------------------------------------------------------
def copy(name):
    path = os.path.join(SCRATCH, name)
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(DATA, path, symlinks=True)
    return path


def change(data, function):
    path, = glob.glob(os.path.join(data, "record", "security_audit-*.log"))
    with open(path, "rb") as file:
        lines = file.read().splitlines(True)
    with open(path, "wb") as file:
        file.write(b"".join(function(lines)))


def test_damage():
    whole = len(exported())
    changed = copy("changed")
    change(changed, lambda lines: lines[:20] + [lines[20].replace(b'"level":"', b'"level" :"', 1)] + lines[21:])
    got = figures(data=changed, status=1)
    equal((got["completeness"]["holds"], got["completeness"]["first_bad"], got["completeness"]["no_records"]), (False, 21, 1), "a line that is none: said, with its number")
    equal((got["total_compliance_events"], got["completeness"]["gaps"]), (whole - 1, [{"first": 21, "last": 21}]), "all others are counted")

    gap = copy("gap")
    change(gap, lambda lines: lines[:9] + lines[12:])
    got = figures(data=gap, status=1)
    equal((got["completeness"]["first_bad"], got["completeness"]["gaps"], got["completeness"]["missing"], got["total_compliance_events"]),
          (10, [{"first": 10, "last": 12}], 3, whole - 3), "records taken out: the gap is listed")
    equal(table(got, "gaps"), [{"First missing": "10", "Last missing": "12", "Records": "3"}], "in a table, too")
    ok(b"does not hold" in report("--format", "html", data=gap, status=1), "html says so")

    forged = copy("forged")
    change(forged, lambda lines: lines[:30] + [re.sub(rb'"user_id":(null|"(\\.|[^"\\])*")', b'"user_id":"forged"', lines[30], 1)] + lines[31:])
    got = figures(data=forged, status=1)
    equal((got["completeness"]["first_bad"], got["completeness"]["verified_to"]), (31, 30), "a user's name changed: said, with its number")

    cut = copy("cut")
    change(cut, lambda lines: lines[:-5])
    equal(figures(data=cut, status=1)["completeness"]["holds"], False, "the end cut off: it does not hold")
    bad = copy("bad")
    change(bad, lambda lines: [line.replace(b'"user_id":"alice"', b'"user_id":"a\xff\x1b[2J\xe2\x80"') for line in lines])
    for name in FORMATS:
        report("--format", name, data=bad, status=1).decode("utf-8")
    ok(True, "octets that are no text make no report invalid")
    away = os.path.join(SCRATCH, "away")
    equal(call("report", data=away).returncode, 3, "no record: it could not be made")


def test_exhausted():
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    want = figures("--end", "2099", "--anew")
    done = subprocess.run([BINARY, "report", "--data", DATA], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE, preexec_fn=small_files)
    ok(done.returncode == 3 and b"File too large" in done.stderr and done.stdout == b"", "no room for rows anywhere: said", done)
    blocked = copy("blocked")
    shutil.rmtree(os.path.join(blocked, "report"))
    with open(os.path.join(blocked, "report"), "w", encoding="ascii"):
        pass
    for data in (DATA, blocked):
        got = figures("--end", "2099", data=data)
        equal({key: got[key] for key in ("total_compliance_events", "user_activity")}, {key: want[key] for key in ("total_compliance_events", "user_activity")},
              "the next has all" if data == DATA else "no place to keep rows: a report all the same")
    path = os.path.join(SCRATCH, "older.json")
    report("--output", path)
    with open(path, "rb") as file:
        older = file.read()
    os.mkdir(path + ".part")
    done = call("report", "--output", path)
    with open(path, "rb") as file:
        ok(done.returncode == 3 and file.read() == older, "a report that cannot be written leaves the older one", done)
    done = subprocess.run([BINARY, "report", "--data", DATA, "--output", "/dev/full"], stderr=subprocess.PIPE, timeout=PATIENCE)
    ok(done.returncode == 3 and b"No space left" in done.stderr, "no room for the report: said", done)


if __name__ == "__main__":
    main(test_figures, test_borders, test_formats, test_pdf, test_pdf_extremes, test_frameworks, test_signature, test_admin, test_under_load, test_rows_before_any_report, test_damage, test_exhausted)
