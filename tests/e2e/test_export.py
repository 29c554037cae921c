#!/usr/bin/python3
"""The record as other systems read it: each line holds to the published schema; audit export in each format, read back by parsers written
from the formats' own documents, gives what the record has, whatever a user calls himself."""
import atexit
import calendar
import random

from framewall import *

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP python3-jsonschema is not installed")
    sys.exit(0)

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
SCRATCH = tempfile.mkdtemp(prefix="framewall-e2e-export-")
atexit.register(shutil.rmtree, SCRATCH, True)
FORMATS = ["jsonl", "ocsf", "ecs", "cef", "leef", "syslog"]
LEVELS = ["info", "warning", "critical", "emergency"]
HOSTILE = ['a"b', "a\\b", "a\\\\\"b", "a\\n", "a\nb", "a\r\nb", "a\tb", "a=b", "a|b", "a]b", 'a"] b="c', "\x1b[31mred", "Пётр 😀", "a\u2028b", "\u202eevil",
           "x cs1=forged", "x\tsev=0", "<14>1 - - - - - -", "CEF:0|a|b|c|d|e|9|", "\\", '"', "\\\"", " lead", "trail ", "\x7f\x00", "\\u000a", "a\nCEF:0|",
           '[x a="b"]', "a\rb", "a\r\n<14>1 - - - - - - b", "\x9b31m", "a\u0085b", "a\u2029b", "a\u2066b\u2069", "sev=0 cs1=a\\=b", "\ufeffa", "a\\]b", "\x00"]


def export(folder, name, *more):
    done = subprocess.run([BINARY, "audit", "export", "--format", name, "--record", folder, *more], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=PATIENCE)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8", "replace")


def lines_of(text):
    """Of LF alone: str.splitlines would take U+2028 for an end too, as some receivers do."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines + ["no LF at the end"]


def original(text):
    """What it was, from the escapes that JSON left; quotation marks are bare."""
    found, at = [], 0
    while at < len(text):
        if text[at] == "\\":
            end = at + (6 if text[at + 1] == "u" else 2)
            found.append(json.loads('"' + text[at:end] + '"'))
            at = end
        else:
            found.append(text[at])
            at += 1
    return "".join(found)


def unescaped(text, of):
    return re.sub(r"\\([" + re.escape(of) + "])", r"\1", text)


def read_cef(line):
    """ArcSight's "Implementing CEF", revision 25: a header of seven fields between bars, then key=value."""
    head = re.match(r"CEF:0((?:\|(?:[^|\\]|\\[\\|])*){6})\|(.*)$", line, re.DOTALL)
    fields = [unescaped(field, "\\|") for field in re.findall(r"\|((?:[^|\\]|\\[\\|])*)", head.group(1))]
    found = re.findall(r"(?:^| )([A-Za-z0-9]+)=((?:[^=\\]|\\[\\=])*?)(?=(?: [A-Za-z0-9]+=)|$)", head.group(2), re.DOTALL)
    return fields, {key: unescaped(value, "\\=") for key, value in found}, len(found)


def read_leef(line):
    """QRadar's LEEF 2.0: five fields between bars, the delimiter, then key=value between delimiters."""
    fields = line.split("|", 6)
    pairs = [pair.split("=", 1) for pair in fields[6].split("\t")]
    return fields[:6], dict(pairs), len(pairs)


def read_syslog(line):
    """RFC 5424 6."""
    found = re.match(r"<(\d{1,3})>1 (\S+) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) (-|\S{1,128}) ([\x21-\x7e]{1,32}) "
                     r'\[(\S+)((?: [^ =\]"]+="(?:[^"\\\]]|\\["\\\]])*")*)\] \ufeff(.*)$', line, re.DOTALL)
    pairs = re.findall(r' ([^ =\]"]+)="((?:[^"\\\]]|\\["\\\]])*)"', found.group(8))
    return int(found.group(1)), found.groups(), {key: unescaped(value, '"\\]') for key, value in pairs}, len(pairs)


def milliseconds(record):
    return calendar.timegm(time.strptime(record["timestamp"][:19], "%Y-%m-%dT%H:%M:%S")) * 1000 + int(record["timestamp"][20:23])


# OCSF 1.4: the attributes that are written of every class, and those of each.
OCSF = set("class_uid category_uid activity_id activity_name type_uid time severity_id count start_time end_time status_id status_detail message metadata actor unmapped".split())
OCSF_CLASSES = {1008: {"device", "log_name", "src_endpoint", "dst_endpoint"}, 2004: {"finding_info", "evidences"}, 3002: {"user", "src_endpoint", "dst_endpoint"},
                4001: {"src_endpoint", "dst_endpoint"}, 6002: {"app", "device"}, 6003: {"api", "src_endpoint", "dst_endpoint"}, 6008: {"device"}}


def address_of(got):
    """Of what there is: the record's address."""
    endpoint = got.get("src_endpoint") or (got["evidences"][0]["src_endpoint"] if "evidences" in got else {"ip": got["unmapped"].get("source_ip")})
    return endpoint.get("ip")


def wrong_ocsf(record, line):
    got = json.loads(line)
    number = LEVELS.index(record["level"])
    finding = got["class_uid"] == 2004
    return [key for key, fine in {
        "ids": got["type_uid"] == got["class_uid"] * 100 + got["activity_id"] and got["category_uid"] == got["class_uid"] // 1000,
        "activity": got["activity_id"] != 99 or got["activity_name"] == record["event_type"],
        "severity": got["severity_id"] == [1, 3, 5, 6][number], "time": got["time"] == milliseconds(record),
        "event": got["metadata"]["event_code"] == record["event_type"] and got["metadata"]["sequence"] == record["sequence"],
        "id": got["metadata"]["uid"] == record["event_id"] and got["metadata"]["product"]["name"] == "Framewall",
        "user": got["actor"].get("user", {}).get("uid") == record["user_id"],
        "class": ("finding_info" in got) == finding and ("user" in got) == (got["class_uid"] == 3002) and ("api" in got) == (got["class_uid"] == 6003),
        "attributes": set(got) - OCSF == OCSF_CLASSES[got["class_uid"]] and got["metadata"]["version"] == "1.4.0" and got["metadata"]["profiles"] == ["host"],
        "address": address_of(got) == record["source_ip"], "details": got["unmapped"]["details"] == record["details"],
        "cause": got.get("status_detail") == record["details"].get("cause")}.items() if not fine]


def wrong_ecs(record, line):
    got = json.loads(line)
    number = LEVELS.index(record["level"])
    return [key for key, fine in {
        "time": got["@timestamp"] == record["timestamp"], "event": got["event"]["action"] == record["event_type"],
        "severity": got["event"]["severity"] == number + 1 and got["log"]["level"] == record["level"],
        "id": got["event"]["id"] == record["event_id"] and got["event"]["sequence"] == record["sequence"],
        "user": got.get("user", {}).get("id") == record["user_id"], "address": got.get("source", {}).get("ip") == record["source_ip"],
        "session": got["framewall"].get("session_id") == record["session_id"], "details": got["framewall"]["details"] == record["details"],
        "outcome": got["event"]["outcome"] in ("success", "failure", "unknown") and got["event"]["type"]}.items() if not fine]


def wrong_fields(record, got, names):
    """names: event id, user, session, address, cause, sequence; then the details."""
    want = [record["event_id"], record["user_id"], record["session_id"], record["source_ip"], record["details"].get("cause")]
    values = [original(got[name]) if name in got else None for name in names[:5]]
    return [names[i] for i in range(5) if values[i] != want[i]] + ([names[5]] if got.get(names[5]) != str(record["sequence"]) else [])


def wrong_cef(record, line):
    head, got, count = read_cef(line)
    address = "c6a2" if ":" in (record["source_ip"] or "") else "src"
    wrong = wrong_fields(record, got, ["externalId", "suser", "cs1", address, "reason", "cn1"])
    number = LEVELS.index(record["level"])
    return wrong + [key for key, fine in {
        "head": head[:2] == ["Framewall", "Framewall"] and head[3] == record["event_type"] and int(head[5]) == [3, 6, 8, 10][number],
        "once": count == len(got), "time": got["rt"] == str(milliseconds(record)),
        "details": json.loads(got["cs2"]) == record["details"]}.items() if not fine]


def wrong_leef(record, line):
    head, got, count = read_leef(line)
    wrong = wrong_fields(record, got, ["eventId", "usrName", "sessionId", "src", "reason", "sequence"])
    number = LEVELS.index(record["level"])
    return wrong + [key for key, fine in {
        "head": head[:3] == ["LEEF:2.0", "Framewall", "Framewall"] and head[4:] == [record["event_type"], "x09"],
        "severity": int(got["sev"]) == [3, 6, 8, 10][number], "once": count == len(got), "time": got["devTime"] == record["timestamp"],
        "details": json.loads(got["details"]) == record["details"]}.items() if not fine]


def wrong_syslog(record, line):
    priority, parts, got, count = read_syslog(line)
    wrong = wrong_fields(record, got, ["event_id", "user_id", "session_id", "source_ip", "cause", "sequence"])
    number = LEVELS.index(record["level"])
    return wrong + [key for key, fine in {
        "priority": priority == 13 * 8 + [6, 4, 2, 0][number], "time": parts[1] == record["timestamp"], "once": count == len(got),
        "name": parts[3] == "framewall" and parts[5] == record["event_type"] and parts[6] == "audit@32473",
        "message": json.loads(parts[8]) == record}.items() if not fine]


WRONG = {"jsonl": lambda record, line: [] if json.loads(line) == record else ["record"], "ocsf": wrong_ocsf, "ecs": wrong_ecs, "cef": wrong_cef,
         "leef": wrong_leef, "syslog": wrong_syslog}


def compare(folder, records, what):
    for name in FORMATS:
        status, text, said = export(folder, name)
        lines = lines_of(text)
        bad = [(record["sequence"], wrong, line) for record, line in zip(records, lines) for wrong in [WRONG[name](record, line)] if wrong]
        ok(status == 0 and said == "" and len(lines) == len(records), f"{what}: {name} has a line for each record", (status, said, len(lines), len(records)))
        ok(not bad, f"{what}: {name} says of each what the record says", bad[:3])
        ok(not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text), f"{what}: {name} holds nothing that a terminal or an editor obeys")


def of_a_run():
    generator = random.Random(20261128)
    messages = ["}no json{", '{"type":"chat_message"}', chat("<script>alert(1)</script>"), chat("hello"), '{"type":"admin_command","command":"x"}']
    with Framewall(RELAXED) as server:
        for user in ("alice", 'mal"] \u2028lory', "back\\slash=|", "Пётр 😀"):
            client = RawClient(server.port, server.bearer(user))
            for _ in range(20):
                client.send(generator.choice(messages))
            client.send(b"\x03\xe8", 8)
            client.closed()
        RawClient(server.port, {"Authorization": "Bearer a.b.c"}).close()
        RawClient(server.port, {"Origin": "https://evil.example"}).close()
        server.wait_records("origin_refused")
        server.signal()
        server.wait()
        folder = os.path.join(SCRATCH, "run")
        shutil.copytree(os.path.join(server.data, "record"), folder, symlinks=True)
    records = [json.loads(line) for line in lines_of(export(folder, "jsonl")[1])]
    with open(os.path.join(ROOT, "docs/reference/record.schema.json"), encoding="utf-8") as file:
        validator = jsonschema.Draft7Validator(json.load(file))
    bad = [(record["sequence"], error.message) for record in records for error in validator.iter_errors(record)]
    ok(len(records) > 60 and not bad, "each line holds to the published schema", (len(records), bad[:3]))
    ok({"auth_success", "auth_failure", "invalid_message", "origin_refused", "system_changes", "permission_denied"} <= {r["event_type"] for r in records},
       "events of many kinds", sorted({r["event_type"] for r in records}))
    compare(folder, records, "a run")

    users = [r for r in records if r["user_id"] == "alice"]
    status, text, _ = export(folder, "jsonl", "--user", "alice")
    ok(status == 0 and [json.loads(line) for line in lines_of(text)] == users and users, "--user: his records alone, the oldest first")
    last = records[len(records) // 2]["sequence"]
    status, text, _ = export(folder, "cef", "--after", str(last))
    equal(len(lines_of(text)), sum(r["sequence"] > last for r in records), "--after: what comes behind that record")
    equal(export(folder, "ecs", "--after", str(records[-1]["sequence"]))[:2], (0, ""), "behind the last there is nothing")
    path = os.path.join(SCRATCH, "out")
    status, text, _ = export(folder, "leef", "--output", path)
    with open(path, encoding="utf-8") as file:
        ok((status, text) == (0, "") and file.read() == export(folder, "leef")[1], "--output: the same in a file")
    status, _, said = export(folder, "xml")
    ok(status == 2 and "jsonl, ocsf, ecs, cef, leef or syslog" in said, "a format that there is not: what there is", said)
    status, _, said = export(folder, "cef", "--output", os.path.join(SCRATCH, "no", "folder"))
    ok(status == 3 and "No such file" in said, "a file that cannot be written", said)
    status, _, said = export(folder, "cef", "--output", "/dev/full")
    ok(status == 3 and "No space" in said, "a disk without room is no success", said)


def as_in_record(value):
    """JSON as the record has it."""
    return re.sub("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", lambda c: f"\\u{ord(c.group()):04x}", json.dumps(value, ensure_ascii=False))


def hostile_folder(name):
    """A record whose users, sessions and causes are hostile."""
    folder = os.path.join(SCRATCH, name)
    os.mkdir(folder)
    with open(os.path.join(folder, "security_audit-%020d.log" % 1), "w", encoding="utf-8", newline="") as file:
        for i, text in enumerate(HOSTILE):
            record = {"timestamp": f"2026-11-28T10:{i:02d}:00.000001Z", "sequence": i + 1, "event_type": "auth_failure" if i % 2 else "ip_blocked",
                      "level": LEVELS[i % 4], "severity": i % 4, "source_ip": [None, "192.0.2.1", "2001:db8::1"][i % 3], "user_id": text,
                      "session_id": text if i % 3 else None, "connection_id": i or None, "event_id": f"{i:016x}",
                      "details": {"cause": text, "more": text, "count": -i, "yes": True}, "chain": "0" * 64}
            file.write(as_in_record(record) + "\n")
    return folder


def of_hostile_texts():
    folder = hostile_folder("hostile")
    records = [json.loads(line) for line in lines_of(export(folder, "jsonl")[1])]
    equal([record["user_id"] for record in records], HOSTILE, "each text is a record's")
    with open(os.path.join(folder, "security_audit-%020d.log" % 1), "a", encoding="utf-8", newline="") as file:
        file.write('{"timestamp":"2026-11-28T10:59:00.000000Z","sequence":99,"event_typ')
    compare(folder, records, "hostile texts")
    with open(os.path.join(folder, "security_audit-%020d.log" % 1), "a", encoding="utf-8", newline="") as file:
        file.write("\n[]\n" + "{}\n" + "\n")
    for name in FORMATS:
        status, text, said = export(folder, name)
        ok(status == 3 and "4 lines are no records" in said and len(lines_of(text)) == len(records), f"{name}: lines that are no records are left out, and that is said", said)


if __name__ == "__main__":
    main(of_a_run, of_hostile_texts)
