#!/usr/bin/python3
"""The record sent on by syslog while it is written: to rsyslog and to a server with npm's nsyslog-parser, with TLS both ways, and to
receivers of the test's own, which go away and come again, hang, close at once, are somebody else. Nothing is missing, what comes twice is the same, and no text forges anything.

test_siem.py BINARY [RECORDS RESTARTS]: that many; 3,000 and 3 on every day.
"""
import collections

from certificates import Authority
from framewall import *
from receivers import Noise, Nsyslog, Rsyslog, Stream, Tally, no_node
from test_export import HOSTILE, LEVELS, read_syslog, wrong_syslog  # parsers of those formats

RECORDS, RESTARTS = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 3 else (3000, 3)


def config(*receivers, more=""):
    return RELAXED + "audit_logging:\n  source_budget: { records: 0 }\n  receivers:\n" + "".join(f"  - {json.dumps(receiver)}\n" for receiver in receivers) + more


def receivers(program):
    """The figures of all; none while no server runs."""
    done = subprocess.run([BINARY, "stats", "--json", "--data", program.data], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=PATIENCE)
    return json.loads(done.stdout)["receivers"] if done.returncode == 0 else {}


def figures(program, name="siem"):
    return receivers(program).get(name)


def caught_up(program, seconds=PATIENCE):
    """It was sent all that there is when this began."""
    last = program.records()[-1]["sequence"]
    return until(lambda: all(figures["delivered"] >= last for figures in receivers(program).values()), seconds)


def same_everywhere(records, sent, name):
    """sent: (sequence, whole) of what came. All came, nothing else, and twice only what is the same."""
    seen = collections.defaultdict(set)
    for sequence, whole in sent:
        seen[sequence].add(whole)
    equal([record["sequence"] for record in records if record["sequence"] not in seen][:5], [], f"{name}: no record is missing")
    equal([sequence for sequence, wholes in seen.items() if len(wholes) != 1][:5], [], f"{name}: what came twice is the same")
    equal(sorted(set(seen) - {record["sequence"] for record in records}), [], f"{name}: and nothing else came")
    return len(sent) - len(seen)


def of_rsyslog(messages):
    """(sequence, the record as text), without checkpoints."""
    return [(json.loads(parts[6].lstrip().lstrip("\ufeff"))["sequence"], parts[6].lstrip().lstrip("\ufeff")) for parts in messages
            if parts[3] != "ledger_checkpoint"]


def of_ledger(record):
    """What of a record each message of a receiver has to say, at least."""
    return record["sequence"], (record["event_id"], record["event_type"], record["timestamp"][:23])


def of_nsyslog(entry):
    """The same out of what nsyslog-parser made of a head of syslog and CEF."""
    at = int(entry["fields"]["rt"])
    return int(entry["fields"]["cn1"]), (entry["fields"]["externalId"], entry["cef"]["deviceEventClassID"],
                                         time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1000)) + f".{at % 1000:03d}")


def wrong_parsed(record, entry):
    """What npm's parser found in CEF behind a head of syslog, and the record. It ends a value at an escaped "=", which no text here has."""
    got, head = entry["fields"], entry["cef"]
    number = LEVELS.index(record["level"])
    want = {"externalId": record["event_id"], "cn1": str(record["sequence"]), "suser": record["user_id"], "src": record["source_ip"],
            "cs1": record["session_id"], "cn2": record["connection_id"] and str(record["connection_id"]), "reason": record["details"].get("cause")}
    return [(key, got.get(key), value) for key, value in want.items() if got.get(key) != value] + [key for key, fine in {
        "head": entry["type"] == "CEF" and (entry["appName"], entry["messageid"], entry["facilityval"]) == ("chat", record["event_type"], 18),
        "level": entry["levelval"] == [6, 4, 2, 0][number] and head["severity"] == ["3", "6", "8", "10"][number],
        "name": (head["version"], head["deviceVendor"], head["deviceProduct"]) == ("CEF:0", "Framewall", "Framewall"),
        "time": entry["ts"] == record["timestamp"][:23] + "Z", "details": json.loads(got["cs2"]) == record["details"]}.items() if not fine]


def restarts():
    """rsyslog, and a server of Node with npm's nsyslog-parser, both over TLS, restarted while records come: the second by kill -9, with whatever
    it had not read."""
    missing = no_node()
    if missing:
        skip("two receivers that restart", missing)
        return
    with Authority() as authority, Rsyslog(authority, authority.sign("siem")) as rsyslog, Nsyslog(authority, authority.sign("node")) as nsyslog:
        own = authority.sign("framewall", "DNS:framewall")
        ways = {"ca_file": authority.certificate, "certificate": own.certificate, "key": own.key}
        text = config({"name": "rsyslog", "url": f"tls://localhost:{rsyslog.port}", **ways},
                      {"name": "nsyslog", "url": f"tls://localhost:{nsyslog.port}", "format": "cef", "facility": "local2", "app": "chat", **ways})
        with Framewall(text, says="receiver") as program:
            start = time.monotonic()
            with Noise(program, burst=10 if RECORDS < 100000 else 100, pause=0.01):
                for n in range(1, RESTARTS + 1):
                    wanted = n * RECORDS // (RESTARTS + 1)
                    until(lambda: all(now["delivered"] >= wanted for now in receivers(program).values()), 900)
                    rsyslog.stop()
                    nsyslog.stop()
                    time.sleep(0.3)
                    rsyslog.start()
                    nsyslog.start()
                until(lambda: all(now["delivered"] >= RECORDS for now in receivers(program).values()), 900)
            last = int(receivers(program)["rsyslog"]["delivered"])
            ok(until(lambda: all(now["delivered"] >= last and now["behind_records"] < 10 for now in receivers(program).values()), 900), "both are sent all there is",
               receivers(program))
            now = receivers(program)
            ok(all(each["failures"] > 0 and each["lost"] == 0 for each in now.values()), "their figures say so", now)
            print(f"# {time.monotonic() - start:.0f} s; {now}")
            program.signal()
            program.wait(60)
            texts, heads, samples, last_own = Tally(), Tally(), {}, ""
            for line in lines_of_ledger(program):
                record = json.loads(line)
                texts.add(record["sequence"], line)
                heads.add(*of_ledger(record))
                last_own = last_own if record["event_type"].startswith("receiver_") else line
                if record["sequence"] % (RECORDS // 1000) == 0:
                    samples[record["sequence"]] = record
            count = len(texts.seen)
            ok(count >= RECORDS, f"{count} records")
            # While it stops they are sent what is left, and one that is back only then is told of behind it.
            ok("stopped" in last_own and json.loads(line)["sequence"] == count, "the last one, but for what becomes of receivers, is the stop of the server", last_own)

            def came_to_rsyslog():
                tally = Tally()
                for kind, message in rsyslog.texts():
                    if kind != "ledger_checkpoint":
                        tally.add(int(re.search(r'"sequence":(\d+),', message).group(1)), message)
                return tally

            def came_to_nsyslog():
                whole, few, bad = Tally(), Tally(), []
                for line, entry in nsyslog.entries():
                    if entry.get("type") != "CEF":
                        bad.append(line)
                    elif entry["messageid"] != "ledger_checkpoint":
                        number, says = of_nsyslog(entry)
                        whole.add(number, line)
                        few.add(number, says)
                        bad += [(number, wrong) for wrong in wrong_parsed(samples[number], entry)] if number in samples else []
                return whole, few, bad

            tally = until(lambda: len((found := came_to_rsyslog()).seen) >= count and found, 20) or came_to_rsyslog()
            whole, few, bad = until(lambda: len((found := came_to_nsyslog())[0].seen) >= count and found, 20) or came_to_nsyslog()
        equal(tally.differs(texts), [], "rsyslog has every record, octet by octet")
        equal((tally.other, set(tally.seen) - set(texts.seen)), ([], set()), "what it has twice is the same, and it has nothing else")
        equal((few.differs(heads), sorted(set(few.seen) - set(heads.seen))[:5]), ([], []), "nsyslog has every record's id, event and time, and nothing else")
        equal(whole.other, [], "what it has twice is the same to the octet, id and all")
        equal(bad[:3], [], f"each message is a head of syslog and CEF; {len(samples)} of them were compared with their records as a whole")
        print(f"# {count} records, {RESTARTS} restarts; rsyslog had {tally.again} of them twice, nsyslog {whole.again}")


def lines_of_ledger(program):
    for name in sorted(glob.glob(os.path.join(program.data, "record", "security_audit-*.log"))):
        with open(name, encoding="utf-8", newline="\n") as file:
            yield from (line[:-1] for line in file)


def hostile():
    """Whatever a user calls himself: rsyslog and our own reader have one message a record, and it says what the record says."""
    with Authority() as authority, Rsyslog(authority, authority.sign("siem")) as rsyslog, Stream() as plain:
        own = authority.sign("framewall", "DNS:framewall")
        text = config({"name": "tls", "url": f"tls://localhost:{rsyslog.port}", "ca_file": authority.certificate, "certificate": own.certificate,
                       "key": own.key, "checkpoints": False},
                      {"name": "tcp", "url": f"tcp://127.0.0.1:{plain.port}", "checkpoints": False})
        with Framewall(text) as program:
            for user in HOSTILE + [b"\xff\xfe bad \xc3(".decode("latin-1"), "x" * 100]:
                for headers in (program.bearer(user), {"Authorization": "Bearer " + user.encode("ascii", "replace").decode().replace("\n", " ").replace("\r", " ")}):
                    try:
                        RawClient(program.port, headers).close()
                    except (OSError, EOFError, ValueError):
                        pass
            caught_up(program)
            program.signal()
            program.wait()
            records = program.records()
            until(lambda: len(rsyslog.messages()) >= len(records) <= len(plain.messages))
        ok(sum(any(c in (record["user_id"] or "") for c in '"\n\r\x1b]|') for record in records) > 5, "hostile names are on the record")
        same_everywhere(records, of_rsyslog(rsyslog.messages()), "rsyslog")
        by_number = {record["sequence"]: record for record in records}
        equal([wrong for number, line in of_rsyslog(rsyslog.messages()) if json.loads(line) != by_number[number] for wrong in [line]], [], "each is the record")
        lines = [message.decode() for message in plain.messages]
        equal(len(lines), len(records), "our own reader has as many messages as there are records")
        equal([wrong for line in lines for wrong in wrong_syslog(by_number[int(read_syslog(line)[2]["sequence"])], line)], [], "which say the same")


def hangs():
    """One that takes nothing, then dies with what it had not read; one that closes each connection: the other receiver has all meanwhile."""
    with Stream() as hanging, Stream() as closing, Stream() as good:
        hanging.hangs.set()
        closing.closes_at_once = True
        text = config(*({"name": name, "url": f"tcp://127.0.0.1:{stream.port}", "timeout": 2} for name, stream in
                        (("hanging", hanging), ("closing", closing), ("good", good))))
        with Framewall(text, says="receiver") as program:
            with Noise(program):
                until(lambda: figures(program, "good")["delivered"] > 2000)
            ok(until(lambda: figures(program, "good")["behind_records"] == 0), "one receiver has all while two are not well", figures(program, "good"))
            ok(until(lambda: [record for record in program.records("receiver_failed") if record["details"]["receiver"] == "closing"]),
               "there is a record of the one that closes each connection")
            ok(figures(program, "hanging")["certain"] == 0, "nothing is certain of one that reads nothing", figures(program, "hanging"))
            hanging.stop()
            hanging.hangs.clear()
            hanging.start()
            closing.closes_at_once = False
            ok(until(lambda: figures(program, "closing")["behind_records"] == 0 and program.records("receiver_restored"), 60), "it is told when that one is well again",
               receivers(program))
            caught_up(program, 60)
            program.signal()
            program.wait()
            records = program.records()
        for name, stream in (("hanging", hanging), ("closing", closing), ("good", good)):
            until(lambda: len({read_syslog(message.decode())[2]["sequence"] for message in stream.messages}) >= len(records), 5)
            sent = [read_syslog(message.decode()) for message in stream.messages]
            same_everywhere(records, [(int(pairs["sequence"]), parts[8]) for _, parts, pairs, _ in sent if parts[5] != "ledger_checkpoint"], name)


def strangers():
    """A certificate of another authority, of another name, none of ours: nothing is sent, and that is said; the right one by a reload."""
    with Authority() as authority, Authority("Another") as other:
        good, own = authority.sign("siem"), authority.sign("framewall", "DNS:framewall")
        foreign, misnamed = other.sign("foreign"), authority.sign("misnamed", "DNS:elsewhere.example")
        servers = {"foreign": foreign.server(), "misnamed": misnamed.server(), "demanding": good.server(authority), "named": misnamed.server(authority)}
        streams = {name: Stream(wrap=lambda peer, context=context: context.wrap_socket(peer, server_side=True)).start() for name, context in servers.items()}
        ways = {name: {"name": name, "url": f"tls://localhost:{stream.port}", "ca_file": authority.certificate} for name, stream in streams.items()}
        mine = {"certificate": own.certificate, "key": own.key}
        ways["named"].update(mine, server_name="elsewhere.example")
        with Framewall(config(*ways.values()), says="receiver") as program:
            ok(until(lambda: figures(program, "named")["behind_records"] == 0 and streams["named"].messages), "server_name is the name that the certificate must have")
            told = until(lambda: {record["details"]["receiver"]: record["details"]["reason"] for record in program.records("receiver_failed")}.keys() >= {
                "foreign", "misnamed", "demanding"} and program.records("receiver_failed"))
            ok(told, "there is a record of each that is not the right one", program.records("receiver_failed"))
            print("# " + "; ".join(f"{record['details']['receiver']}: {record['details']['reason']}" for record in told or []))
            equal([name for name in ("foreign", "misnamed", "demanding") if streams[name].messages], [], "and none of them was sent anything")
            ways["demanding"].update(mine)
            with open(os.path.join(program.folder, "framewall.yaml"), "w") as file:
                file.write(config(*ways.values()))
            before = figures(program, "named")["sent"]
            program.signal(signal.SIGHUP)
            ok(until(lambda: streams["demanding"].messages and figures(program, "demanding")["behind_records"] == 0), "with our certificate, by a reload, it is sent all",
               figures(program, "demanding"))
            ok(figures(program, "named")["sent"] >= before and streams["named"].connections == 1, "the reload did not disturb one that stayed as it was")
        for stream in streams.values():
            stream.stop()


def cursors():
    """What a receiver had it is not sent again by a reload or a restart in order; after a kill -9 at most what is not certain is; what was
    taken away before it had it is a record of its own; a record that was begun anew is sent from its start."""
    with Stream() as stream, Rsyslog() as rsyslog:
        receiver = {"name": "siem", "url": f"tcp://127.0.0.1:{stream.port}", "checkpoints": False}
        udp = {"name": "udp", "url": f"udp://127.0.0.1:{rsyslog.udp}", "format": "leef", "level": "warning", "checkpoints": False}
        sequences = lambda: [int(read_syslog(message.decode())[2]["sequence"]) for message in list(stream.messages)]
        program = Framewall(config(receiver, udp), check=False)
        path = os.path.join(program.folder, "framewall.yaml")

        def start():
            return subprocess.Popen([BINARY, "run", "--data", program.data, "--listen", "localhost:0", "--admin", "off", "--config", path],
                                    stdout=subprocess.DEVNULL, stderr=program.errors, cwd=program.folder)

        def write(*receivers):
            with open(path, "w") as file:
                file.write(config(*receivers))

        refuse = lambda: RawClient(program.port, request=b"GET / HTTP/1.1\r\n\r\n").read_head()
        refuse()
        caught_up(program)
        write(udp)
        program.signal(signal.SIGHUP)
        until(lambda: "siem" not in receivers(program))
        refuse()
        write({**receiver, "timeout": 9}, udp)
        program.signal(signal.SIGHUP)
        until(lambda: figures(program))
        caught_up(program)
        program.signal()
        program.wait()
        until(lambda: len(sequences()) >= len(program.records()))
        equal(sequences(), [record["sequence"] for record in program.records()], "by two reloads and a stop each record came once, in order")
        warnings = [record for record in program.records() if record["level"] != "info"]
        leef = until(lambda: len(rsyslog.messages()) >= len(warnings) and [parts[6] for parts in rsyslog.messages()])
        equal([re.search(r"eventId=(\w+)", line.replace("#011", "\t")).group(1) for line in leef or []], [record["event_id"] for record in warnings],
              "by UDP came what has the level")
        process = start()
        until(lambda: sequences()[-1] == program.records()[-1]["sequence"] > len(warnings))
        equal(sequences(), [record["sequence"] for record in program.records()], "a restart in order sends nothing twice")
        process.kill()
        process.wait()
        process = start()
        # What is written later is not asked for.
        records = until(lambda: receivers(program) and (lambda all: {record["sequence"] for record in all} <= set(sequences()) and all)(program.records()))
        same_everywhere(records, [(number, number) for number in sequences() if number <= records[-1]["sequence"]], "after a kill -9")
        process.terminate()
        process.wait()
        # All that there is disappears before it was sent.
        stream.stop()
        first = program.records()[-1]["sequence"] + 1
        for _ in range(2):
            failed = len(program.records("receiver_failed"))
            process = start()
            until(lambda: len(program.records("receiver_failed")) > failed)
            process.terminate()
            process.wait()
        names = sorted(glob.glob(os.path.join(program.data, "record", "security_audit-*.log")))
        with open(names[-1]) as file:
            lines = file.readlines()
        cut = next(n for n, line in enumerate(lines) if json.loads(line)["sequence"] == first + 2)
        with open(names[-1], "w") as file:  # as an archive would that takes more than it should
            file.writelines(lines[:cut] + lines[cut + 3:])
        # It is told once, however often the receiver is tried meanwhile.
        process = start()
        until(lambda: (figures(program) or {"failures": 0})["failures"] >= 3)
        stream.start()
        gap = until(lambda: program.records("receiver_gap"))
        equal([(record["details"]["receiver"], record["details"]["count"], record["details"]["first"], record["details"]["last"]) for record in gap or []
               if record["details"]["receiver"] == "siem"], [("siem", 3, first + 2, first + 4)], "what was gone before it came is a record")
        until(lambda: sequences()[-1] == program.records()[-1]["sequence"])
        equal(sorted({record["sequence"] for record in program.records()} - set(sequences())), [], "and all else came")
        equal(figures(program)["lost"], 3, "the figures have it")
        process.terminate()
        process.wait()
        shutil.rmtree(os.path.join(program.data, "record"))
        del stream.messages[:]
        process = start()
        ok(until(lambda: stream.messages and sequences()[0] == 1), "a record that was begun anew is sent from its first on")
        process.terminate()
        process.wait()
        program.stop()


if __name__ == "__main__":
    missing = [tool for tool in ("rsyslogd", "openssl") if not shutil.which(tool)]
    if missing:
        print(f"1..0 # SKIP {missing[0]} is not installed")
        sys.exit(0)
    main(*([restarts] if len(sys.argv) > 3 else [restarts, hostile, hangs, strangers, cursors]))
