#!/usr/bin/python3
"""capture.file: traffic is recorded to a file, redacted, within its size, by the process that meets no client; replay
reads it and finds that the same policy would do the same, and another one not."""
import stat

from framewall import *

SECRETS = ["hunter2hunter2", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "tr0ub4dor&3", "4111111111111111", "Sesame99", "999111",
           "alice@example.com", "Wiedersehen", "cookie-jar-1"]
MESSAGES = [
    {"type": "chat_message", "text": "hello from <b>Wiedersehen</b> street"},
    {"type": "login", "user": "bob", "password": SECRETS[0], "nested": {"api_key": "Sesame99", "pin": 999111, "side": "buy"}},
    {"type": "note", "said": "my key is " + SECRETS[1], "card": "4111111111111111"},
    {"type": "order", "symbol": "ACME", "mail": "alice@example.com", "amount": 12.5, "at": "2026-11-29T12:00:00Z",
     "id": "3f0c2c1e-5a38-4a0e-9c6f-0123456789ab", "Set-Cookie": "cookie-jar-1"},
    {"type": "order", "secret": ["tr0ub4dor&3", {"deep": "tr0ub4dor&3"}]},
    {"type": "chat_message", "text": "hello from <b>Wiedersehen</b> street"},
]


def configuration(folder, **more):
    return {"capture": {"file": folder + "/traffic.jsonl", **more}}


class Recording(Framewall):
    """A server that says that it records, and when it does no more."""

    def __init__(self, config, *arguments, **options):
        super().__init__(json.dumps(config), *arguments, says=r"capture\.(file|max_size)", **options)


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


async def talk(fw, messages, replies=True):
    async with fw.connect() as ws:
        for message in messages:
            await ws.send(message if isinstance(message, (str, bytes)) else json.dumps(message))
            if replies:
                await asyncio.wait_for(ws.recv(), PATIENCE)


def replay(*arguments):
    return subprocess.run([BINARY, "replay", *arguments], capture_output=True, text=True, timeout=60)


def recorded(*flags):
    with tempfile.TemporaryDirectory() as folder, Upstream() as upstream:
        config = {**configuration(folder), "mode": "monitor", "upstream": {"url": upstream.url()}}
        path = config["capture"]["file"]
        with Recording(config, *flags) as fw:
            run(talk(fw, MESSAGES + [b"\0\1binary"]))
            ok(until(lambda: os.path.exists(path) and len(lines_of(path)) == 2 * len(MESSAGES) + 2), "each message, both ways")
            if "--single" not in flags:
                gate = fw.part("fw-gate")
                opened = [os.readlink("/proc/%d/fd/%s" % (gate, fd)) for fd in os.listdir("/proc/%d/fd" % gate)
                          if os.path.lexists("/proc/%d/fd/%s" % (gate, fd))]
                ok(path not in opened, "the gate has no such file", opened)
        text = open(path, encoding="utf-8").read()
        lines = lines_of(path)
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "only its owner may read it")
        equal([secret for secret in SECRETS if secret in text], [], "no secret is in it")
        equal("alice" in text, False, "nor who it was")
        equal({line["user"][:2] for line in lines}, {"u-"}, "but a made-up name")
        inbound = [line for line in lines if line["direction"] == "in"]
        sent = [json.loads(line["text"]) for line in inbound if "text" in line]
        equal([list(message) == list(MESSAGES[i]) for i, message in enumerate(sent)], [True] * len(MESSAGES), "members stay")
        equal((sent[3]["symbol"], sent[3]["amount"], sent[3]["at"], sent[3]["id"]),
              ("ACME", 12.5, "2026-11-29T12:00:00Z", "3f0c2c1e-5a38-4a0e-9c6f-0123456789ab"), "words and numbers stay")
        equal(sent[1]["nested"]["side"], "buy", "also beside a secret")
        equal((len(sent[0]["text"]), sent[0]["text"][6:10].isalpha(), "<" in sent[0]["text"]),
              (len(MESSAGES[0]["text"]), True, True), "a text keeps its shape")
        equal(sent[0]["text"], sent[5]["text"], "the same text is the same again")
        equal(sent[3]["mail"].count("@"), 1, "an address is still one")
        equal({line["path"] for line in lines}, {"/"}, "the path is there")
        equal([line.get("would") for line in inbound][:3], [None, "refuse", "refuse"], "and what enforce would have done")
        equal((inbound[-1]["cut"], inbound[-1]["size"]), (True, 8), "of a binary message the size")


def test_threads():
    recorded("--single")


def test_processes():
    recorded()


def test_kept():
    """capture.keep, keep_fields, redact_fields, users."""
    message = {"type": "x", "free": "two words", "note": "three more words", "word": "JUNIPERWOOD", "code": "QUARTZWORKS"}
    cases = [({"keep": "all", "redact_fields": ["code"]}, (True, True, True, False)),
             ({"keep": "words", "keep_fields": ["note"]}, (False, True, True, True)),
             ({"keep": "shapes"}, (False, False, False, False))]
    for more, expected in cases:
        with tempfile.TemporaryDirectory() as folder, Upstream() as upstream:
            config = {**configuration(folder, users=True, **more), "mode": "monitor", "upstream": {"url": upstream.url()}}
            with Recording(config) as fw:
                run(talk(fw, [message]))
            lines = lines_of(config["capture"]["file"])
            got = json.loads(lines[0]["text"])
            equal(tuple(got[name] == message[name] for name in ("free", "note", "word", "code")), expected, "kept by %s" % more)
            equal(lines[0]["user"], "alice", "users are kept when that is asked")


def test_size():
    """It stops, or goes on in the next file."""
    big = {"type": "x", "text": "word " * 40000}
    for what, files in (("stop", 1), ("rotate", 2)):
        with tempfile.TemporaryDirectory() as folder, Upstream() as upstream:
            config = {**configuration(folder, max_size=1, when_full=what), "mode": "monitor", "upstream": {"url": upstream.url()}}
            path = config["capture"]["file"]
            with Recording(config) as fw:
                run(talk(fw, [big] * 9))
            equal(len(os.listdir(folder)), files, "%s: as many files" % what)
            ok(all(os.stat(folder + "/" + name).st_size <= 1 << 20 for name in os.listdir(folder)), "none beyond its size")
            ok(all("text" in line for line in lines_of(path)), "lines are whole")


def test_not_ours():
    """A file that others may have put there, or that is a link, is not written."""
    with tempfile.TemporaryDirectory() as folder:
        config = configuration(folder)
        os.symlink("/dev/null", config["capture"]["file"])
        with Recording(config, wait=False, check=False) as fw:
            equal(fw.wait(), 3, "it does not start")
            ok("capture.file" in fw.stderr(), "and says why", fw.stderr())


def test_replay():
    """What was recorded while it enforced is the same again; under another policy it is not."""
    with tempfile.TemporaryDirectory() as folder:
        config = configuration(folder)
        path = config["capture"]["file"]
        messages = [{"type": "ping"}, {"type": "chat_message", "text": "hi"}, {"type": "nope"}, {"type": "typing", "is_typing": True},
                    "{", {"type": "admin_command", "command": "stats"}]
        with Recording(config) as fw:
            run(talk(fw, messages, replies=False))
            until(lambda: len([line for line in lines_of(path) if line["direction"] == "in"]) == len(messages))
        policy = folder + "/policy.yaml"
        with open(policy, "w") as file:
            file.write("{}")
        done = replay(path, "--config", policy, "--direction", "in")
        equal((done.returncode, done.stderr), (0, ""), "the same policy says the same")
        with open(policy, "w") as file:
            file.write("messages: {nope: {permission: any}}\nvalidation: {max_lengths: {text: 1}}\n")
        done = replay(path, "--config", policy, "--json", "--direction", "in")
        said = json.loads(done.stdout)
        equal(done.returncode, 1, "another one does not")
        equal(sorted((change["change"], change["type"], change["count"]) for change in said["changes"]),
              [("pass", "nope", 1), ("refuse", "chat_message", 1)], "and it is said what changes")
        done = replay(path, "--config", policy, "--against", policy, "--direction", "in")
        equal(done.returncode, 0, "against itself a policy changes nothing")
        done = replay(path, "--config", policy, "--verdicts", "--direction", "in")
        equal([json.loads(line)["verdict"] for line in done.stdout.splitlines()],
              ["pass", "refuse", "pass", "pass", "refuse", "refuse"], "a line for each message")


def test_replay_foreign():
    """Plain lines of somebody else's recorder, and what is none."""
    lines = [{"time": 1764417600.25, "connection": 7, "user": "u1", "role": "user", "direction": "in",
              "text": json.dumps({"type": "ping"})},
             {"time": "2026-11-29T12:00:00Z", "connection": "7", "role": "user", "direction": "client",
              "message": {"type": "chat_message", "text": "hi"}},
             {"role": "nobody_knows", "direction": "in", "text": "{}"}]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("\n".join(map(json.dumps, lines)) + "\nno json\n[]\n{\"text\":5}\n{\"direction\":\"in\"}\n" + '{"text": "cut o')
        file.flush()
        done = replay(file.name, "--verdicts")
        equal([json.loads(line)["verdict"] for line in done.stdout.splitlines()], ["pass", "pass", "refuse"], "messages are judged")
        ok("is neither" not in done.stderr and "5 lines are no messages" in done.stderr, "what is none is counted", done.stderr)
    equal(replay("/nowhere/at/all").returncode, 3, "a file that is not there")
    equal(replay().returncode, 2, "no file")
    with tempfile.NamedTemporaryFile("w") as file:
        equal(replay(file.name).returncode, 3, "a file without a message")


def test_replay_connections():
    """Rates are those of each connection, at the times of the capture; who is closed comes again, and each message is judged."""
    def lines(connections, seconds):
        return [{"time": 1764417600 + i * seconds, "connection": "c%d" % (i % connections), "role": "user", "direction": "in", "text": '{"type":"ping"}'}
                for i in range(200)]

    def refused(made):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write("\n".join(map(json.dumps, made)))
            file.flush()
            done = replay(file.name, "--json")
            return json.loads(done.stdout)["now"]

    equal(refused(lines(1, 0.001))["pass"], 120, "one connection has its burst, and after it was closed another one has its own")
    equal(refused(lines(4, 0.001)), {"pass": 200, "refuse": 0, "close": 0}, "four of them have four, side by side")
    equal(refused(lines(1, 1.1)), {"pass": 200, "refuse": 0, "close": 0}, "slow enough is not too much")
    equal(refused(lines(1, 100)), {"pass": 200, "refuse": 0, "close": 0}, "nor are sessions that were idle for long")
    binary = [{"connection": "c", "role": "user", "direction": "in", "binary": "AP8="}, *lines(1, 1)[:3]]
    equal(refused([{**line, "connection": "c"} for line in binary]), {"pass": 3, "refuse": 0, "close": 1}, "after a close the next ones are judged")


main(test_threads, test_processes, test_kept, test_size, test_not_ours, test_replay, test_replay_foreign, test_replay_connections)
