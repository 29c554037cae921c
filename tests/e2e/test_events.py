#!/usr/bin/python3
"""Every event that the table has is provoked, and seen in a record: what the engine finds by the plays, which say what they saw
(play --events); what the program finds about itself here. A row that nothing provokes is a red test: write a play, or a function here."""
import resource

from clock import Clock
from framewall import *
from hang import GO, WAIT, Hang

try:
    from signers import *
except ImportError:
    print("1..0 # SKIP python3-cryptography is not installed")
    sys.exit(0)

from certificates import Authority
from providers import Server, document

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PLAY = os.path.join(os.path.dirname(BINARY), "tests/play/play")
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"

sys.path.insert(0, os.path.join(ROOT, "tools"))
from reference_tables import table

seen = {}  # event: where it was provoked


def note(where, records):
    for record in records:
        seen.setdefault(record["event_type"], where)


def of_plays():
    plays = sorted(glob.glob(os.path.join(ROOT, "tests/play/*.play")))
    done = subprocess.run([PLAY, "--events", *plays], stdout=subprocess.PIPE, text=True, timeout=500)
    play = None
    for line in done.stdout.splitlines():
        found = re.match(r"ok \d+ - ([^:]+): ", line)
        play = found.group(1) if found else play
        if line.startswith("# event "):
            seen.setdefault(line[8:], play)
    ok(done.returncode == 0 and len(seen) > 25, f"{len(plays)} plays hold, and saw {len(seen)} kinds of event", done.stdout[-2000:])


def wait_for(server, kind):
    ok(server.wait_records(kind), f"{kind} is provoked", [record["event_type"] for record in server.records()][-20:])
    note("here", server.records())


def of_the_program():
    with Framewall(RELAXED) as server:
        subprocess.run([BINARY, "block", "add", "192.0.2.1", "--data", server.data], stdout=subprocess.DEVNULL, check=True, timeout=PATIENCE)
        for kind in ("ledger_epoch", "system_changes", "admin_action"):
            wait_for(server, kind)


def again(server, config=RELAXED):
    """The same data, another run."""
    other = Framewall(config, "--data", server.data, check=False)
    shutil.rmtree(other.data, ignore_errors=True)
    other.data = server.data
    return other


def of_a_worker_that_stands():
    hang = Hang()
    with Framewall(RELAXED + "overload: {watchdog: 2, watchdog_action: record}\n", environment=hang.environment, says="turn") as server:
        hang.set(WAIT)
        wait_for(server, "worker_hangs")
        hang.set(GO)
        until(lambda: not hang.stands())


def of_a_crash():
    first = Framewall(RELAXED, check=False)
    first.wait_records("system_changes")
    first.killed("fw-gate", "fw-keeper")
    second = again(first)
    wait_for(second, "ledger_repaired")
    second.signal()
    second.wait()
    # And of a record whose end somebody changed.
    path = sorted(glob.glob(os.path.join(first.data, "record", "security_audit-*.log")))[-1]
    with open(path, "r+b") as file:
        at = file.read().rindex(b'"stopped"')
        file.seek(at)
        file.write(b'"STOPPED"')
    third = again(first)
    wait_for(third, "ledger_replaced")
    third.stop()
    second.stop()
    first.stop()


def of_the_clock():
    clock = Clock()
    with Framewall(RELAXED, environment=clock.environment) as server:
        clock.set(3600)
        wait_for(server, "clock_jump")


def of_issuers():
    key = Key("ES256", "k")
    with Server() as provider:
        url = provider.url
        provider.paths = {"/good": document({"keys": [key.jwk()]}), "/bad": document(b"<html>")}
        issuers = "".join('    - {issuer: "%s/of/%s", audience: chat, user_prefix: "%s:", jwks_url: "%s/%s", allow_http: true, allow_private: true, %s}\n'
                          % (url, name, name, url, name, more) for name, more in (("good", "backchannel_logout: true, logout_audience: c"), ("bad", "timeout: 1")))
        with Framewall(RELAXED + "authentication:\n  issuers:\n" + issuers, says=" issuer: ") as server:
            for kind in ("issuer_keys", "issuer_failure"):
                wait_for(server, kind)
            now = int(time.time())
            token = key.token({"iss": url + "/of/good", "aud": "c", "iat": now, "exp": now + 60, "jti": "1", "sub": "alice", "events": {LOGOUT: {}}}, typ="logout+jwt")
            told = RawClient(server.port, request=(f"POST /framewall/logout HTTP/1.1\r\nHost: localhost:{server.port}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                                                   f"Content-Length: {len(token) + 13}\r\n\r\nlogout_token={token}").encode())
            equal(told.read_head(), 200, "the issuer says that alice is logged out")
            told.close()
            wait_for(server, "issuer_logout")


def of_lists():
    """One that flags who comes, and one that is none."""
    lists = [{"name": name, "url": url, "format": "cidr", "action": "flag", "private_networks": True} for name, url in (("good", "file:list"), ("bad", "file:/dev/null"))]
    with Framewall(RELAXED + "threat_intelligence:\n  lists:\n" + "".join(f"    - {json.dumps(one)}\n" for one in lists), says=" threat: ") as server:
        wait_for(server, "threat_list_failure")
        with open(os.path.join(server.folder, "list"), "w") as file:
            file.write("127.0.0.2\n")
        subprocess.run([BINARY, "threat", "reload", "--data", server.data], stdout=subprocess.DEVNULL, check=True, timeout=PATIENCE)
        wait_for(server, "threat_list")
        RawClient(server.port, {"Authorization": "Bearer " + server.token()}, source="127.0.0.2").close()
        wait_for(server, "threat_match")


def of_scenarios():
    """One that a single event fires."""
    with Framewall(RELAXED + 'scenarios: [{name: one, on: [auth_failure], group_by: [address], capacity: 0}]\n') as server:
        RawClient(server.port, {"Authorization": "Bearer nonsense"}).close()
        wait_for(server, "scenario_fired")


def of_alerts():
    rule = {"name": "refused", "on": ["handshake_refused"], "resolve_after": 1}
    with Framewall(RELAXED + "  alerts:\n    rules: [" + json.dumps(rule) + "]\n") as server:
        RawClient(server.port, request=b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").read_head()
        wait_for(server, "alert_raised")
        wait_for(server, "alert_resolved")


def of_responses():
    with Framewall(RELAXED + '  response: {rules: [{name: one, on: [auth_success], action: ticket, for: 1}]}\n') as server:
        RawClient(server.port, server.bearer("alice")).close()
        wait_for(server, "response_applied")
        wait_for(server, "response_ended")


def of_anomalies():
    with Framewall(RELAXED + '  anomaly_detection: {mode: "on"}\n') as server:
        for _ in range(5):
            RawClient(server.port, {"Authorization": "Bearer nonsense"}).close()
        wait_for(server, "anomaly_detected")


def of_receivers():
    """One that is not well, one that is again, a record that it refuses, and some that were gone before it had them."""
    state = {"status": 503, "hated": b"?"}

    def hook(path, headers, body):
        return (422 if state["hated"] in body else state["status"]), {}, b""

    with Authority() as authority, Server({"/in": hook}, context=authority.sign("hook").server()) as server:
        receiver = {"name": "hook", "url": server.url + "/in", "format": "jsonl", "ca_file": authority.certificate, "allow_private": True, "attempts": 2, "batch": 1}
        config = RELAXED + "audit_logging: { receivers: " + json.dumps([receiver]) + " }\n"
        first = Framewall(config, check=False)
        wait_for(first, "receiver_failed")
        state["status"] = 202
        wait_for(first, "receiver_restored")
        state["hated"] = b"the-hated-one"
        RawClient(first.port, first.bearer("the-hated-one")).close()
        wait_for(first, "receiver_refused")
        state["status"] = 503
        for _ in range(5):
            RawClient(first.port, first.bearer()).close()
        until(lambda: len(first.records("websocket_disconnect")) >= 6)
        first.signal()
        first.wait()
        path = sorted(glob.glob(os.path.join(first.data, "record", "security_audit-*.log")))[-1]
        with open(path) as file:
            lines = file.readlines()
        with open(path, "w") as file:  # as an archive would that takes more than it should
            file.writelines(lines[:-9] + lines[-6:])
        state["status"] = 202
        second = again(first, config)
        wait_for(second, "receiver_gap")
        second.stop()
        first.stop()


def limit_files(server, octets):
    """No file of it grows beyond that, as on a full disk."""
    for number in descendants(server.process.pid):
        resource.prlimit(number, resource.RLIMIT_FSIZE, (octets, resource.RLIM_INFINITY))


def of_a_full_disk():
    def quiet():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    first = Framewall(RELAXED, preexec=quiet, check=False)
    client = RawClient(first.port, first.bearer())
    for _ in range(20):  # so that what is said on standard error, a file too, is less than the record
        client.send("}no json{")
    first.wait_records("invalid_message", 20)
    most = os.path.getsize(sorted(glob.glob(os.path.join(first.data, "record", "security_audit-*.log")))[-1])
    limit_files(first, most)
    client.send("}no json{")
    ok(until(lambda: "cannot write the record" in first.stderr()), "no file grows any more", first.stderr())
    limit_files(first, resource.RLIM_INFINITY)
    wait_for(first, "ledger_failed")
    limit_files(first, most)
    client.send("}no json{")
    ok(until(lambda: first.stderr().count("cannot write the record") == 2), "nor now", first.stderr())
    client.close()
    first.signal()
    first.wait()
    second = again(first)
    wait_for(second, "records_lost")
    second.stop()
    first.stop()


def all_of_them():
    rows = [row[0] for kind, row in table("events") if kind == "EVENT"]
    equal([row for row in rows if row not in seen], [], f"{len(rows)} events are provoked: the table has none that nothing does")
    equal(sorted(set(seen) - set(rows) - {"*"}), [], "and none is recorded that the table does not have")
    for row in rows:
        print(f"# {row}: {seen.get(row)}")


main(of_plays, of_the_program, of_a_worker_that_stands, of_a_crash, of_the_clock, of_issuers, of_lists, of_anomalies, of_scenarios, of_alerts, of_responses, of_receivers, of_a_full_disk, all_of_them)
