"""A disk of 1 MB that is full: while the record cannot be written nobody new comes in, or everybody does, as audit_logging.on_failure
says; who is in goes on; and when there is room again nothing is missing, and what happened is on record."""
import atexit
import contextlib
import urllib.error
import urllib.request

from framewall import *

try:
    import ledger_verify
except ImportError:
    print("1..0 # SKIP python3-cryptography is not installed")
    sys.exit(0)

CONFIG = RELAXED + 'audit_logging: { log_directory: "%s/record", on_failure: %s, source_budget: { records: 0 } }\n'
PLACES = ("--listen", "localhost:0", "--admin", "localhost:0")
SAYS = "cannot write the record|is written again|cannot sign the record|is signed again"


def mount(folder, *options):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "none", folder], stderr=subprocess.DEVNULL).returncode == 0


@contextlib.contextmanager
def small_disk():
    """A folder on 1 MB; None: there can be none."""
    folder = tempfile.mkdtemp(prefix="framewall-e2e-full-")
    mounted = os.geteuid() == 0 and mount(folder, "size=1m")
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=True)
        os.rmdir(folder)


def ready(server):
    try:
        with urllib.request.urlopen(f"http://localhost:{server.admin_port()}/readyz", timeout=PATIENCE) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def records_in(folder, kind):
    found = []
    for name in sorted(glob.glob(folder + "/record/security_audit-*.log")):
        with open(name, "rb") as file:
            found += [json.loads(line) for line in file.read().splitlines(True) if line.endswith(b"\n")]
    return [record for record in found if record["event_type"] == kind]


def answered(client):
    """A message of a client that is in is answered, behind whatever answers to others of its are still to come."""
    client.send('{"type":"ping","timestamp":7}')
    while b"pong" not in client.receive()[1]:
        pass
    return True


def fill(server, client):
    """Refused messages, each answered and recorded, until the record cannot be written; how many."""
    sent = 0
    while ready(server) == 200 and sent < 20000:
        for _ in range(100):
            client.send("}no json{")
            sent += 1
        answered(client)
    return sent


def full(policy, code):
    with small_disk() as folder:
        if folder is None:
            skip(f"a full disk, on_failure: {policy}", "no tmpfs can be mounted here")
            return
        with Framewall(CONFIG % (folder, policy), places=PLACES, says=SAYS) as server:
            early = RawClient(server.port, server.bearer("early"))
            waits = RawClient(server.port, {})
            equal((early.status, waits.status), (101, 101), "clients come in")
            sent = fill(server, early)
            equal(ready(server), 503, f"{sent} refused messages fill the disk: it is not ready")
            ok("No space left" in server.stderr(), "and it says so", server.stderr())
            late = RawClient(server.port, server.bearer("late"))
            equal(late.status, code, f"who comes now gets {code}")
            waits.send(json.dumps({"type": "auth", "method": "jwt", "token": server.token("waits")}))
            opcode, payload = waits.receive()
            if code == 101:
                ok(b"auth_success" in payload, "and who logs in now is in", payload)
            else:
                equal((opcode, payload[:2]), (8, (1013).to_bytes(2, "big")), "and who logs in now is told to try again later")
            ok(answered(early), "who is in is served")
            ok(mount(folder, "remount", "size=16m"), "there is room again")
            ok(until(lambda: ready(server) == 200), "it is ready again")
            later = RawClient(server.port, server.bearer("later"))
            equal(later.status, 101, "and takes clients")
            answered(early)
            for client in (early, waits, late, later):
                client.close()
            server.signal()
            equal(server.wait(), 0, "it stops")
            kept = records_in(folder, "invalid_message")
            equal(len(kept), sent, "each refused message is on record, once")
            failures = [record["details"] for record in records_in(folder, "ledger_failed")]
            ok(failures and failures[0]["reason"] == "ENOSPC" and failures[0]["waited"] > 0, "and so is what was the matter", failures)
            if code == 503:
                causes = [record["details"].get("cause") for record in records_in(folder, "overload")]
                ok(causes.count("the record cannot be written") >= 2, "and who was refused for it", causes)
                equal([r for r in records_in(folder, "auth_success") if r["user_id"] in ("late", "waits")], [], "nobody of them logged in")
            done = subprocess.run([BINARY, "audit", "verify", "--record", folder + "/record"], stdout=subprocess.PIPE, text=True)
            equal(done.returncode, 0, "the record holds")
            verdict = ledger_verify.verify(folder + "/record")
            ok(verdict[0] == "OK" and verdict[1] == verdict[2], "all of it is signed for", verdict)


def refuse_logins():
    full("refuse_logins", 503)


def goes_on():
    full("continue", 101)


def lost():
    """The server has to stop while the disk is full: the next start records how much was lost."""
    with small_disk() as folder:
        if folder is None:
            skip("a stop while the disk is full", "no tmpfs can be mounted here")
            return
        with Framewall(CONFIG % (folder, "refuse_logins"), places=PLACES, says=SAYS + "|are lost") as server:
            early = RawClient(server.port, server.bearer("early"))
            fill(server, early)
            early.close()
            server.signal()
            server.wait()
            ok("are lost" in server.stderr(), "what is lost is said", server.stderr())
            keys = os.path.join(SCRATCH, "data")
            shutil.copytree(server.data, keys)
        mount(folder, "remount", "size=16m")
        for start in range(2):
            with Framewall(CONFIG % (folder, "refuse_logins"), "--data", keys, check=False) as server:
                server.signal()
                server.wait()
        told = [record["details"] for record in records_in(folder, "records_lost")]
        ok(len(told) == 1 and told[0]["count"] > 0 and told[0]["bytes"] > 100, "and is a record of the next start, once", told)
        ok(ledger_verify.verify(folder + "/record")[0] == "OK", "which holds")


SCRATCH = tempfile.mkdtemp(prefix="framewall-e2e-full-")
atexit.register(shutil.rmtree, SCRATCH, True)
main(refuse_logins, goes_on, lost)
