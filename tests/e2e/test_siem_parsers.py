#!/usr/bin/python3
"""The record in each format as parsers that others wrote read it: rsyslog with its modules for structured data and (liblognorm) CEF, npm's nsyslog-parser
for CEF and LEEF, the published fields of ECS (npm @elastic/ecs). All fields are there, nothing else is, whatever a user calls himself. (The formats that are JSON
are read by Python's json in test_export.py; no package has the schema of OCSF.)"""
import atexit
import functools

from framewall import *
from receivers import WEB, no_node
from test_export import HOSTILE, LEVELS, ROOT, SCRATCH, WRONG, as_in_record, export, hostile_folder, lines_of, milliseconds, original

HOST = re.sub("[^A-Za-z0-9._-]", "-", socket.gethostname())
OUTCOMES = {"success", "failure", "unknown"}


class Normalizer:
    """rsyslog, which writes all that it makes of a message as JSON."""

    CONF = """global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imtcp")
module(load="mmpstrucdata")
module(load="mmnormalize")
input(type="imtcp" port="{port}" address="127.0.0.1" ruleset="all")
template(name="all" type="string" string="%jsonmesg%\\n")
ruleset(name="all") {{
  action(type="mmpstrucdata" sd_name.lowercase="off")
  if $app-name == "cef" then action(type="mmnormalize" rule="rule=:%cef:cef%")
  action(type="omfile" file="{folder}/got" template="all" asyncWriting="off")
}}
"""

    def __init__(self):
        self.folder, self.port = os.path.join(SCRATCH, "normalizer"), free_port()
        os.mkdir(self.folder)
        with open(os.path.join(self.folder, "conf"), "w", encoding="ascii") as file:
            file.write(self.CONF.format(folder=self.folder, port=self.port))
        self.process = subprocess.Popen(["rsyslogd", "-n", "-f", os.path.join(self.folder, "conf"), "-i", os.path.join(self.folder, "pid")],
                                        stderr=subprocess.DEVNULL)
        self.taken = 0

    def read(self, lines):
        """What it makes of each, sent with the framing of RFC 6587 3.4.1."""
        def connect():
            try:
                return socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            except ConnectionRefusedError:
                return None

        with until(connect) as peer:
            for line in lines:
                peer.sendall(b"%d %s" % (len(line.encode()), line.encode()))
        got = until(lambda: len(all_of := self.got()) >= self.taken + len(lines) and all_of) or self.got()
        messages = [json.loads(line) for line in got[self.taken:]]
        self.taken = len(got)
        return messages

    def got(self):
        path = os.path.join(self.folder, "got")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8", newline="\n") as file:
            return file.read().split("\n")[:-1]

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


def by_node(name, lines, *arguments):
    done = subprocess.run(["node", os.path.join(WEB, name), *arguments], input="".join(line + "\n" for line in lines).encode(), stdout=subprocess.PIPE, timeout=120)
    return [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]


def texts(record, names):
    """What a record says, under a format's names for: its id, user, session, address, cause, number, connection. Nothing of what is null."""
    values = [record["event_id"], record["user_id"], record["session_id"], record["source_ip"], record["details"].get("cause"), record["sequence"], record["connection_id"]]
    return {name: str(value) for name, value in zip(names, values) if name is not None and value is not None and value != ""}


def wrong_values(got, want, details):
    """got: after the parser, where the escapes of JSON are left. The details are JSON."""
    got = dict(got)
    return (["details"] if json.loads(got.pop(details[0], "null")) != details[1] else []) + [
        (key, got.get(key), want.get(key)) for key in sorted(set(got) | set(want)) if key not in got or key not in want or original(got[key]) != want[key]]


def wrong_syslog(record, got):
    number = LEVELS.index(record["level"])
    want = texts(record, ["event_id", "user_id", "session_id", "source_ip", "cause", "sequence", None])
    data = got["$!"]["rfc5424-sd"]
    return [key for key, fine in {
        "head": (got["pri"], got["app-name"], got["procid"], got["msgid"], got["hostname"]) == (str(13 * 8 + [6, 4, 2, 0][number]), "framewall", "-", record["event_type"], HOST),
        "time": got["timereported"] == record["timestamp"], "data": list(data) == ["audit@32473"],
        "message": json.loads(got["msg"].lstrip().lstrip("\ufeff")) == record}.items() if not fine] + [
            (key, value) for key, value in data["audit@32473"].items() if original(value) != want.get(key)] + sorted(set(want) - set(data["audit@32473"]))


def want_cef(record):
    address = "c6a2" if ":" in (record["source_ip"] or "") else "src"
    want = texts(record, ["externalId", "suser", "cs1", address, "reason", "cn1", "cn2"])
    labels = {"cs1": "session_id", "cn1": "sequence", "cn2": "connection_id", "c6a2": "Source IPv6 Address"}
    return {**want, **{key + "Label": label for key, label in labels.items() if key in want}, "cs2Label": "details", "rt": str(milliseconds(record)), "dvchost": HOST}


def known(got, names):
    """Takes away what the test does not know the value of by itself; says what of it cannot be."""
    category, outcome = (got.pop(name, None) for name in names)
    return [] if re.fullmatch("[a-z_]+", category or "") and outcome in OUTCOMES else [(category, outcome)]


def wrong_cef(record, got):
    head, found = got["$!"]["cef"], dict(got["$!"]["cef"]["Extensions"])
    found["rt"] = found.pop("t", None)  # liblognorm 2.0.6 forgets the first octet of the first name
    number = LEVELS.index(record["level"])
    fine = (head["DeviceVendor"], head["DeviceProduct"], head["SignatureID"], head["Severity"]) == ("Framewall", "Framewall", record["event_type"], str([3, 6, 8, 10][number]))
    return ([] if fine else ["head"]) + known(found, ("cat", "outcome")) + wrong_values(found, want_cef(record), ("cs2", record["details"]))


def wrong_prefixes(got, want, details):
    """nsyslog-parser undoes no escape, and ends a value at a "=" in it. So whole values where there is none, and else the beginning; and no more names, but such as end
    with a backslash: a name that no format has."""
    wrong = [(key, got.get(key), value) for key, value in want.items() if not (got.get(key) == value if "=" not in value else value.startswith(got.get(key, "\0")))]
    whole = got.get(details[0], "\0")
    if "=" not in details[1] and whole != details[1] or not details[1].startswith(whole):
        wrong.append((details[0], whole, details[1]))
    return wrong + [key for key in got if key not in want and key != details[0] and not key.endswith("\\")]


def bare(text):
    """A text as all formats without strings of JSON have it: its escapes, but quotation marks stand bare."""
    return as_in_record(text)[1:-1].replace('\\"', '"')


def compare(folder, what, rsyslog, node):
    lines = lines_of(export(folder, "jsonl")[1])
    records = [json.loads(line) for line in lines]
    exported = {name: lines_of(export(folder, name)[1]) for name in ("ecs", "cef", "leef", "syslog")}
    for name in exported:
        equal(len(exported[name]), len(records), f"{what}: {name} has a line for each record")

    def none_wrong(name, found, count=len(records)):
        found = list(found)
        equal((len(found), [wrong for wrong in found if wrong][:3]), (count, []), f"{what}: {name}")

    def each(wrong, *lists):
        for row in zip(records, *lists):
            try:
                yield wrong(*row)
            except (AttributeError, LookupError, TypeError, ValueError) as error:  # the parser made something else of it
                yield [repr(error), row]

    for name in ("ecs", "ocsf"):  # of records that test_export.py has not
        none_wrong(f"{name} says what the record says", each(WRONG[name], lines_of(export(folder, name)[1])))
    none_wrong("rsyslog reads of syslog what the record says", each(wrong_syslog, rsyslog.read(exported["syslog"])))
    messages = rsyslog.read(["<13>1 - - cef - - - " + line for line in exported["cef"]])
    none_wrong("liblognorm reads of CEF what the record says", each(wrong_cef, messages))
    if not node:
        return
    none_wrong("ECS has no field and no word but those published", by_node("ecs.mjs", exported["ecs"]))
    raws = [re.search(r'"details":\s?(\{.*\}),\s?"chain":', line).group(1) for line in lines]

    def wrong_nsyslog(form, record, raw, entry):
        fields = dict(entry["fields"])
        number = LEVELS.index(record["level"])
        severity = str([3, 6, 8, 10][number])
        if form == "cef":
            escape = lambda text: text.replace("\\", "\\\\").replace("=", "\\=")
            want = {key: escape(bare(value)) for key, value in want_cef(record).items()}
            return known(fields, ("cat", "outcome")) + wrong_prefixes(fields, want, ("cs2", escape(raw))) + (
                [] if (entry["cef"]["deviceEventClassID"], entry["cef"]["severity"]) == (record["event_type"], severity) else ["head"])
        want = {key: bare(value) for key, value in texts(record, ["eventId", "usrName", "sessionId", "src", "reason", "sequence", "connectionId"]).items()}
        want.update(devTime=record["timestamp"], devTimeFormat="yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'", sev=severity, identHostName=HOST)
        if "|" in raw + "".join(want.values()):  # it takes one bar too many for the head's, and what comes behind is not there
            return [key for key in fields if key in want and not want[key].startswith(fields[key])] + sorted(set(fields) - set(want) - {"cat", "outcome", "details"})
        return known(fields, ("cat", "outcome")) + wrong_prefixes(fields, want, ("details", raw)) + (
            [] if (entry["leef"]["eventID"], entry["leef"]["vendor"]) == (record["event_type"], "Framewall") else ["head"])

    # Without a head, behind which it would look for structured data everywhere.
    entries = by_node("receiver.mjs", exported["cef"], "parse")
    none_wrong("nsyslog-parser reads of CEF what the record says", each(functools.partial(wrong_nsyslog, "cef"), raws, entries))
    # It does not know that the delimiter may be said by its number.
    entries = by_node("receiver.mjs", [line.replace("|x09|", "|\t|", 1) for line in exported["leef"]], "parse")
    none_wrong("nsyslog-parser reads of LEEF what the record says", each(functools.partial(wrong_nsyslog, "leef"), raws, entries))


def every_event():
    """A record with one of each event that there is."""
    folder = os.path.join(SCRATCH, "every-event")
    os.mkdir(folder)
    with open(os.path.join(ROOT, "docs/reference/record.schema.json"), encoding="utf-8") as file:
        events = json.load(file)["properties"]["event_type"]["enum"]
    with open(os.path.join(folder, "security_audit-%020d.log" % 1), "w", encoding="utf-8", newline="") as file:
        for i, event in enumerate(events):
            file.write(as_in_record({"timestamp": "2026-11-28T10:00:00.000001Z", "sequence": i + 1, "event_type": event, "level": LEVELS[i % 4], "severity": i % 4,
                                     "source_ip": "192.0.2.1", "user_id": "alice", "session_id": "a", "connection_id": 1, "event_id": f"{i:016x}", "details": {},
                                     "chain": "0" * 64}) + "\n")
    return folder


def formats():
    reason = no_node()
    if reason:
        skip("what npm's packages say", reason)
    rsyslog = Normalizer()
    atexit.register(rsyslog.process.kill)
    compare(every_event(), "every event", rsyslog, not reason)
    compare(hostile_folder("parsers"), "hostile texts", rsyslog, not reason)
    with Framewall(RELAXED) as server:
        for user in HOSTILE + ["x" * 100]:
            RawClient(server.port, server.bearer(user)).close()
        for octets in (b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x9b31m", b"\xc0\x8a"):
            token = server.signed(b'{"sub":"' + octets + b'","role":"user","exp":%d}' % (time.time() + 600)).encode()
            for line in (b"Origin: http://" + octets, b"Authorization: Bearer " + token, b"Authorization: Bearer " + octets, b"Cookie: " + octets):
                client = RawClient(server.port, request=b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                                        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + line + b"\r\n\r\n")
                client.read_head()
                client.close()
        server.signal()
        server.wait()
        folder = os.path.join(SCRATCH, "parsers-run")
        shutil.copytree(os.path.join(server.data, "record"), folder, symlinks=True)
        names = {record["user_id"] for record in server.records()}
    ok(sum(any(c in (name or "") for c in '"\n\r\x1b]|\u2028') for name in names) > 8, "hostile names are on the record", names)
    compare(folder, "a run with hostile users", rsyslog, not reason)
    rsyslog.stop()


if __name__ == "__main__":
    if not shutil.which("rsyslogd"):
        print("1..0 # SKIP rsyslogd is not installed")
        sys.exit(0)
    main(formats)
