#!/usr/bin/python3
"""Sessions as a client has them: tokens that are not quite right, and many logins of one user at once."""
from framewall import *

CONFIG = RELAXED + "workers: 2\nauthentication: { max_sessions_per_user: 5%s }\n"
CROWD = 100


def auth(raw, method, field, token):
    raw.send(json.dumps({"type": "auth", "method": method, field: token}))


def answer(raw):
    return json.loads(raw.receive()[1])


def login(fw, token, method="session", field="session_token"):
    raw = RawClient(fw.port, {})
    auth(raw, method, field, token)
    said = answer(raw)
    raw.close()
    return said["data"].get("code", said["type"]), said["data"].get("message"), said["data"].get("session_token")


def test_tokens():
    with Framewall(CONFIG % "") as fw:
        one, two, other = [login(fw, fw.token(user), "jwt", "token")[2] for user in ("alice", "bob", "alice")]
        ok(one != two and len(one) == len(two) and len(base64.urlsafe_b64decode(one[4:] + "==")) >= 16, "a token has 128 random bits and more", len(one))
        halves = len(one) // 2
        for what, token in (("cut by one", one[:-1]), ("cut to its name", "fws_"), ("one more", one + "A"), ("padded", one + "="), ("twice", one + one), ("in capitals", one.upper()),
                            ("of two halves", one[:halves] + two[halves:]), ("the other two", two[:halves] + one[halves:]), ("with a blank", one + " "), ("without its name", one[4:]),
                            ("as a key", one.replace("fws_", "fw_")), ("of zeros", "fws_" + "A" * 43), ("its hash", "fws_" + base64url(hashlib.sha256(one.encode()).digest()))):
            equal(login(fw, token)[:2], ("AUTH_FAILED", "Invalid session token"), f"one that is {what} is refused in the words for all")
        for what, token in (("one", one), ("the other", two), ("her second", other)):
            equal(login(fw, token)[0], "auth_success", f"{what} is good as it is")
        equal([login(fw, token)[0] for token in (one, two)], ["AUTH_FAILED"] * 2, "and once")
        octets = b""
        for folder, _, names in os.walk(fw.data):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        octets += file.read()
        ok(not any(token.encode() in octets for token in (one, two, other)), "none is in any file")


def crowd(fw):
    """All of one user, at once; and how many sessions there were of his whenever somebody looked."""
    raws = [RawClient(fw.port, {}) for _ in range(CROWD)]
    token, seen, done = fw.token("alice"), [], threading.Event()

    def look():
        while not done.is_set():
            listed = subprocess.run([BINARY, "session", "list", "--user", "alice", "--json", "--data", fw.data], stdout=subprocess.PIPE, timeout=PATIENCE)
            seen.append(len(json.loads(listed.stdout)["sessions"]))

    thread = threading.Thread(target=look)
    thread.start()
    for raw in raws:
        auth(raw, "jwt", "token", token)
    answers = [answer(raw) for raw in raws]
    done.set()
    thread.join(PATIENCE)
    return raws, answers, seen


def ends(raw):
    """The code of its close; None: it lives."""
    raw.send('{"type":"ping"}')
    while True:
        try:
            opcode, payload = raw.receive()
        except (EOFError, OSError):
            return 0
        if opcode == 8:
            return struct.unpack("!H", payload[:2])[0]
        if json.loads(payload)["type"] == "pong":
            return None


def test_crowd_evicts():
    with Framewall(CONFIG % "") as fw:
        raws, answers, seen = crowd(fw)
        equal({a["type"] for a in answers}, {"auth_success"}, "each login is let in")
        ok(seen and max(seen) <= 5, "there never were more than five sessions", seen)
        codes = [ends(raw) for raw in raws]
        equal((codes.count(None), codes.count(4409)), (5, CROWD - 5), "five are left, all others were told of a newer one")
        equal(len(fw.wait_records("session_evicted", CROWD - 5)), CROWD - 5, "which is recorded")
        for raw in raws:
            raw.close()


def test_crowd_refused():
    with Framewall(CONFIG % ", sessions_over_limit: refuse") as fw:
        raws, answers, seen = crowd(fw)
        words = [a["data"].get("code", a["type"]) for a in answers]
        equal((words.count("auth_success"), words.count("CONNECTION_LIMIT")), (5, CROWD - 5), "five are let in, all others refused")
        ok(seen and max(seen) <= 5, "there never were more than five sessions", seen)
        equal([ends(raw) for raw, word in zip(raws, words) if word == "auth_success"], [None] * 5, "the five live")
        for raw in raws:
            raw.close()


main(test_tokens, test_crowd_evicts, test_crowd_refused)
