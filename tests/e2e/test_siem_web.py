#!/usr/bin/python3
"""The record sent on to webhooks and files: signed as Standard Webhooks has it, tried again, put aside where it is refused for what it is, to no
address that was not meant; files that are moved away and disks that are full; checkpoints that came show what was cut off."""
import collections

from certificates import Authority
from framewall import *
from providers import Server
from test_export import wrong_ocsf
from test_siem import config, figures, receivers

SECRET = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def refuse(program):
    RawClient(program.port, request=b"GET / HTTP/1.1\r\n\r\n").read_head()


def all_sent(program, *names):
    last = program.records()[-1]["sequence"]
    return until(lambda: all(receivers(program)[name]["delivered"] >= last for name in names))


class Hook:
    """Keeps the lines of what it took; answers by a list of statuses first, and by what it thinks of a record."""

    def __init__(self):
        self.lines, self.wrong, self.names, self.answers, self.hates, self.calls = [], [], [], [], None, 0

    def __call__(self, path, headers, body):
        self.calls += 1
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        right = "v1," + base64.b64encode(hmac.new(base64.b64decode(SECRET), text, hashlib.sha256).digest()).decode()
        if headers["webhook-signature"] != right or abs(time.time() - int(headers["webhook-timestamp"])) > 60 or headers["Authorization"] != "Bearer of the hook":
            self.wrong.append(dict(headers))
        if self.answers:
            return self.answers.pop(0)
        lines = body.decode().split("\n")[:-1]
        if self.hates and any(self.hates in line for line in lines):
            return 422, {}, b"no"
        self.names.append(headers["webhook-id"])
        self.lines += lines
        return 202, {}, b"{}"


def webhooks():
    hook, astray = Hook(), Hook()
    with Authority() as authority, Server({"/in": hook, "/astray": astray}, context=authority.sign("hook").server()) as server:
        hook.answers = [(503, {}, b""), (302, {"Location": "/astray"}, b""), (429, {"Retry-After": "1"}, b""), (401, {}, b"")]
        receiver = {"name": "hook", "url": server.url + "/in", "format": "ocsf", "ca_file": authority.certificate, "secret": "whsec_" + SECRET,
                    "authorization": "Bearer of the hook", "allow_private": True, "checkpoints": False, "attempts": 2, "batch": 50}
        local = {**receiver, "name": "local", "allow_private": False}
        with Framewall(config(receiver, local), says="receiver") as program:
            ok(until(lambda: hook.lines), "after 503, a redirect, 429 and 401 it is taken", figures(program, "hook"))
            equal(astray.calls, 0, "no redirect was followed")
            ok(until(lambda: "of this machine" in figures(program, "local").get("last_error", "")), "an address of this machine is not posted to, unless that is allowed",
               figures(program, "local"))
            # Among others one that it refuses.
            client = RawClient(program.port, program.bearer("the-hated-one"))
            client.close()
            hook.hates = "the-hated-one"
            for _ in range(120):
                refuse(program)
            refused = until(lambda: program.records("receiver_refused"))
            all_sent(program, "hook")
            equal(hook.wrong, [], "each was signed, and had the header")
            program.signal()
            program.wait()
            records = program.records()
            dead = open(os.path.join(program.data, "receivers", "hook.dead"), encoding="utf-8").read().splitlines()
        got = [json.loads(line)["metadata"]["sequence"] for line in hook.lines + dead]
        equal(sorted(set(record["sequence"] for record in records) - set(got)), [], "each record was taken, or is in the file of dead letters")
        ok(dead and all("the-hated-one" in line for line in dead) and not any("the-hated-one" in line for line in hook.lines), "where those are that it refuses, alone", dead)
        equal(len(refused) > 0 and {record["details"]["reason"] for record in refused}, {"answered 422"}, "with a record of each")
        equal(max(collections.Counter(hook.names).values()), 1, "no two deliveries have one name")
        by_number = {record["sequence"]: record for record in records}
        equal([wrong for line in hook.lines for wrong in wrong_ocsf(by_number[json.loads(line)["metadata"]["sequence"]], line)], [], "each says what the record does")


def silent():
    """One that takes the connection and says nothing; one whose certificate is not right: the record goes on, and nothing is lost."""
    hook = Hook()
    with Authority() as authority, Authority("Another") as other, Server({"/in": hook}, context=other.sign("hook").server()) as foreign, socket.create_server(
            ("127.0.0.1", 0)) as silence:
        common = {"secret": "whsec_" + SECRET, "authorization": "Bearer of the hook", "allow_private": True, "timeout": 1}
        text = config({"name": "silent", "url": f"http://127.0.0.1:{silence.getsockname()[1]}/", "allow_http": True, **common},
                      {"name": "foreign", "url": foreign.url + "/in", "ca_file": authority.certificate, **common})
        with Framewall(text, says="receiver") as program:
            told = until(lambda: {record["details"]["receiver"] for record in program.records("receiver_failed")} == {"silent", "foreign"})
            ok(told, "there is a record of both", receivers(program))
            equal((hook.calls, figures(program, "silent")["certain"]), (0, 0), "nothing was posted to a stranger, and silence is no receipt")
            program.signal()
            equal(program.wait(), 0, "and the stop does not wait for them")


def files():
    """A file that is moved away, one on a disk that is full, dead letters that cannot be written."""
    folder = tempfile.mkdtemp(prefix="framewall-e2e-siem-")
    mounted = os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], stderr=subprocess.DEVNULL).returncode == 0
    hook = Hook()
    hook.hates = "event"
    try:
        with Server({"/in": hook}) as server:
            text = config({"name": "good", "url": "file:good.json", "checkpoints": False}, {"name": "full", "url": f"file:{folder}/full.json", "checkpoints": False},
                          {"name": "dead", "url": server.url + "/in", "allow_http": True, "allow_private": True, "attempts": 1, "secret": "whsec_" + SECRET,
                           "authorization": "Bearer of the hook", "checkpoints": False, "dead_letters": f"{folder}/dead.json"})
            with Framewall(text, says="receiver") as program:
                good = os.path.join(program.folder, "good.json")
                all_sent(program, "good")
                os.rename(good, good + ".1")
                if mounted:
                    client = RawClient(program.port, program.bearer())
                    client.socket.sendall(RawClient.frame("{") * 300)
                    ok(until(lambda: all("No space" in receivers(program)[name].get("last_error", "") for name in ("full", "dead"))), "a full disk is said",
                       receivers(program))
                    client.close()
                    subprocess.run(["mount", "-t", "tmpfs", "-o", "remount,size=16m", "none", folder], check=True)
                else:
                    skip("a full disk", "no tmpfs can be mounted here")
                refuse(program)
                ok(all_sent(program, "good", "full"), "there is room again, and all is written", receivers(program))
                program.signal()
                program.wait()
                records = [record["sequence"] for record in program.records()]
                refused = program.records("receiver_refused")
                lines = [[json.loads(line)["sequence"] for name in names for line in open(name, encoding="utf-8")] for names in (
                    (good + ".1", good), (f"{folder}/full.json",))]
                dead = [json.loads(line)["sequence"] for line in open(f"{folder}/dead.json", encoding="utf-8")] if os.path.exists(f"{folder}/dead.json") else []
            equal(lines[0], records, "of a file that was moved away nothing is missing, and nothing is there twice")
            equal(lines[1], records, "nor of one whose disk was full: no half line, no line twice")
            equal(dead, records[:len(dead)], "nor of the dead letters, in their order")
            told = {record["sequence"] for record in refused}
            ok(refused and not [record for record in refused if record["details"]["record"] in told], "that a record was refused is told, but not of those that tell it", refused)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def checkpoints():
    """Of each kind of receiver the checkpoints that it was sent hold for the record, and no more for one that lacks its last."""
    hook = Hook()
    with Server({"/in": hook}) as server:
        text = config({"name": "hook", "url": server.url + "/in", "allow_http": True, "allow_private": True, "secret": "whsec_" + SECRET,
                       "authorization": "Bearer of the hook", "level": "emergency"}, {"name": "file", "url": "file:out", "events": ["ip_blocked"]})
        with Framewall(text) as program:
            for _ in range(10):
                refuse(program)
            program.signal()
            program.wait()
            records = program.records()
            equal([name for name in hook.names if not re.match("fw_[0-9a-f]{16}_", name)], [], "deliveries of checkpoints alone have names that no other server's have")
            folder = os.path.join(program.data, "record")
            for name, lines in (("hook", hook.lines), ("file", open(os.path.join(program.folder, "out"), encoding="utf-8").read().splitlines())):
                sent = [json.loads(line) for line in lines]
                equal({message["event_type"] for message in sent}, {"ledger_checkpoint"}, f"{name}: whatever it does not want, checkpoints come")
                equal(sent[-1]["sequence"], records[-1]["sequence"], "the last one covers the whole record")
                path = os.path.join(program.folder, name + ".notes")
                with open(path, "w", encoding="utf-8") as file:
                    file.write("".join(message["details"]["note"] + "\n" for message in sent))
                done = subprocess.run([BINARY, "audit", "verify", "--record", folder, "--checkpoint", path], stdout=subprocess.PIPE, text=True, timeout=PATIENCE)
                ok(done.returncode == 0 and f"elsewhere {len(sent)}" in done.stdout, "and they hold", done.stdout)
            newest = sorted(glob.glob(os.path.join(folder, "security_audit-*.log")))[-1]
            lines = open(newest, encoding="utf-8").readlines()
            with open(newest, "w", encoding="utf-8") as file:
                file.writelines(lines[:-1])
            done = subprocess.run([BINARY, "audit", "verify", "--record", folder, "--checkpoint", path], stdout=subprocess.PIPE, text=True, timeout=PATIENCE)
            ok(done.returncode != 0 and "does not hold" in done.stdout, "not for one whose last record is gone", done.stdout)


def dead_letters():
    """A file of dead letters that comes to its size begins anew; of what is gone the record says how much it was."""
    with Server({"/bad": lambda *request: (422, {}, b"")}) as server:
        receiver = {"name": "hook", "url": server.url + "/bad", "allow_http": True, "allow_private": True, "attempts": 1, "checkpoints": False,
                    "events": ["handshake_refused", "protocol_violation"], "dead_letters_max": 2}
        with Framewall(config(receiver), says="receiver|hook") as program:
            for _ in range(20):
                refuse(program)
            path = os.path.join(program.data, "receivers", "hook.dead")
            until(lambda: len(program.records("receiver_refused")) == 20)
            sizes = [os.path.getsize(path + end) for end in ("", ".1")]
            ok(all(0 < size <= 2048 for size in sizes), "neither file is larger than it may be", sizes)
            sent = [record for record in program.records() if record["event_type"] in receiver["events"]]
            removed = sum(record["details"].get("removed", 0) for record in program.records("receiver_refused"))
            equal(removed + sum(sizes), sum(len(json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()) + 1 for record in sent),
                  "what they have, and what is said to be gone, is what was refused")


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("1..0 # SKIP openssl is not installed")
        sys.exit(0)
    main(webhooks, silent, files, checkpoints, dead_letters)
