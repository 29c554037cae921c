#!/usr/bin/python3
"""Responses: what a rule does to a real client, what an operator does and undoes, dry runs, the end of it, a restart, a ticket by webhook."""
import http.client

from framewall import *
from providers import Server

LIMITS = {"auth_attempts_per_minute": 1000000, "auth_attempts_per_account": 0, "messages_per_minute": 1000000, "sessions_per_user_per_minute": 0}
SECRET = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
BAD = '{"type":"chat_message","text":3}'  # invalid_message
GOOD = '{"type":"chat_message","text":"hello"}'
LOOP = asyncio.new_event_loop()
PLACES = ("--listen", "localhost:0", "--admin", "localhost:0")


def config(rules=(), **more):
    monitoring = {"auto_block": {"violation_threshold": 1000000, **more.pop("auto_block", {})}, "response": {"rules": list(rules), **more.pop("response", {})}}
    return json.dumps({"monitoring": {**monitoring, **more.pop("monitoring", {})}, "rate_limiting": LIMITS, **more})


def say(fw, *words, status=0):
    done = subprocess.run([BINARY, "response", *words, "--data", fw.data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    if done.returncode != status:
        raise RuntimeError(f"response {words}: {done.returncode} {done.stdout} {done.stderr}")
    return json.loads(done.stdout) if "--json" in words and done.stdout else done.stdout + done.stderr


def listed(fw):
    return say(fw, "list", "--json")["responses"]


def ask(fw, method, path, body=None):
    with open(os.path.join(fw.data, "admin.token")) as file:
        headers = {"Authorization": "Bearer " + file.read().strip(), "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("localhost", fw.admin_port(), timeout=PATIENCE)
    connection.request(method, path, None if body is None else body if isinstance(body, str) else json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, json.loads(text) if text else None


class Client:
    """A real client (python3-websockets) with its own loop."""

    def __init__(self, fw, user="mallory", iat=None, **options):
        self.loop = LOOP
        claims = {} if iat is None else {"iat": iat}
        self.fw, self.user = fw, user

        async def connect():
            return await websockets.connect(fw.url(), extra_headers=fw.bearer(user, "user", **claims), ping_interval=None, compression=None, **options)

        self.socket = self.loop.run_until_complete(connect())

    def until(self, *kinds, seconds=PATIENCE):
        async def read():
            while True:
                message = json.loads(await self.socket.recv())
                if message["type"] in kinds:
                    return message
        return self.loop.run_until_complete(asyncio.wait_for(read(), seconds))

    def send(self, text):
        self.loop.run_until_complete(self.socket.send(text))

    def said(self, text):
        """The code that it is refused with, or None; and the answer. A ping behind it says that nothing more comes."""
        for one in {text: None, '{"type":"ping"}': None}:
            self.send(one)
        code, answer = None, None
        while True:
            message = self.until("error", "pong", seconds=10)
            if message["type"] == "pong":
                return code, answer
            code, answer = message["data"]["code"], message

    def closed(self):
        async def read():
            try:
                while True:
                    await self.socket.recv()
            except websockets.ConnectionClosed as end:
                return end.rcvd.code if end.rcvd else end.code
        return self.loop.run_until_complete(asyncio.wait_for(read(), PATIENCE))

    def close(self):  # of all of them there is one loop, in which each reads when it is its turn
        self.loop.run_until_complete(self.socket.close())


def applied(fw, count=1):
    return [record for record in fw.wait_records("response_applied", count)]


def test_isolate():
    rule = {"name": "calm", "on": ["invalid_message"], "action": "isolate", "for": 600}
    with Framewall(config([rule], response={"read_types": ["typing"]}), places=PLACES) as fw:
        mallory, second, alice = Client(fw), Client(fw), Client(fw, "alice")
        equal(mallory.said(GOOD)[0], None, "before, his messages go on")
        mallory.said(BAD)
        record = applied(fw)[0]
        equal((record["user_id"], record["details"]["rule"], record["details"]["action"], record["details"]["why"]), ("mallory", "calm", "isolate", "invalid_message"),
              "an event is responded to, and why is in the record")
        ok(until(lambda: mallory.said(GOOD)[0] == "PERMISSION_DENIED"), "from then on he is refused")
        ok(until(lambda: second.said(GOOD)[0] == "PERMISSION_DENIED"), "on his other connection, too")
        third = Client(fw)
        equal(third.said(GOOD)[0], "PERMISSION_DENIED", "and on one that he makes later")
        equal(third.said('{"type":"ping"}')[0], None, "a ping is answered")
        equal(third.said('{"type":"typing"}')[0], None, "a type that reads goes on")
        equal(alice.said(GOOD)[0], None, "somebody else goes on")
        ok(mallory.until("chat_message", seconds=10), "and he receives what she says")
        denied = fw.wait_records("permission_denied")[-1]["details"]
        equal(denied["cause"], "response: isolate", "the cause is in the record")
        one = listed(fw)
        equal((len(one), one[0]["user"], one[0]["action"]), (1, "mallory", "isolate"), "it is listed once")
        equal(ask(fw, "GET", "/api/v1/responses")[1]["responses"][0]["id"], one[0]["id"], "by the API as well")
        say(fw, "undo", one[0]["id"])
        ok(until(lambda: mallory.said(GOOD)[0] is None), "undone, his messages go on again")
        equal(second.said(GOOD)[0], None, "on the other connection, too")
        equal(listed(fw), [], "nothing is listed")
        ended = fw.wait_records("response_ended")[-1]["details"]
        ok(ended["response"] == one[0]["id"] and ended["cause"].startswith("undone by"), "who undid it is in the record")
        ok("no such response" in say(fw, "undo", one[0]["id"], status=3), "it is not undone twice")
        for client in (mallory, second, third, alice):
            client.close()


def test_step_up():
    with Framewall(config(), places=PLACES) as fw:
        mallory = Client(fw, iat=int(time.time()) - 60)
        done = ask(fw, "POST", "/api/v1/responses", {"action": "step_up", "user": "mallory", "seconds": 600, "reason": "token seen elsewhere"})
        equal(done[0], 201, "an operator asks for another login")
        answer = None

        def refused():
            nonlocal answer
            code, answer = mallory.said(GOOD)
            return code == "AUTH_FAILED"

        ok(until(refused), "his messages are refused")
        ok("jwt" in answer["data"].get("auth_required", []), "and he is told how to log in", answer)
        equal(mallory.said('{"type":"ping"}')[0], None, "a ping is answered")
        old = fw.token("mallory", "user", iat=int(time.time()) - 60)
        mallory.said(json.dumps({"type": "auth", "method": "jwt", "token": old}))
        equal(mallory.said(GOOD)[0], "AUTH_FAILED", "a credential of before is not enough")
        again = Client(fw, iat=int(time.time()) - 60)
        equal(again.said(GOOD)[0], "AUTH_FAILED", "nor on another connection")
        time.sleep(1.1)  # a token says the second in which it was issued
        new = fw.token("mallory", "user")
        mallory.said(json.dumps({"type": "auth", "method": "jwt", "token": new}))
        ok(until(lambda: mallory.said(GOOD)[0] is None), "with one that was issued since he goes on")
        equal(again.said(GOOD)[0], "AUTH_FAILED", "the other connection does not by that")
        for client in (mallory, again):
            client.close()


def test_block_and_revoke():
    with Framewall(config(), places=PLACES) as fw:
        mallory, alice = Client(fw), Client(fw, "alice")
        one = ask(fw, "POST", "/api/v1/responses", {"action": "block", "user": "mallory", "reason": "test"})[1]
        equal(mallory.closed(), 4403, "who is blocked is closed")
        refused = RawClient(fw.port, fw.bearer("mallory"))
        refused.close()
        blocks = ask(fw, "GET", "/api/v1/blocks")[1]["blocks"]
        ok(len(blocks) == 1 and one["id"] in blocks[0]["reason"], "the block list says by which response", blocks)
        equal(ask(fw, "DELETE", "/api/v1/responses/" + one["id"])[0], 204, "undone")
        equal(ask(fw, "GET", "/api/v1/blocks")[1]["blocks"], [], "the block is gone")
        back = Client(fw)
        equal(back.said(GOOD)[0], None, "he is let in again")
        two = ask(fw, "POST", "/api/v1/responses", {"action": "revoke", "user": "mallory", "reason": "test"})[1]
        equal(back.closed(), 4401, "whose credentials are revoked is closed")
        equal(ask(fw, "DELETE", "/api/v1/responses/" + two["id"])[0], 204, "undone")
        Client(fw, iat=int(time.time()) - 60).close()
        ok(True, "an old credential counts again")
        ask(fw, "POST", "/api/v1/blocks", {"user": "bob", "hours": 5, "reason": "by hand"})
        three = ask(fw, "POST", "/api/v1/responses", {"action": "block", "user": "bob", "reason": "test"})[1]
        equal(three["was_so_before"], True, "who was blocked already is said to be")
        ask(fw, "DELETE", "/api/v1/responses/" + three["id"])
        equal([row["reason"] for row in ask(fw, "GET", "/api/v1/blocks")[1]["blocks"]], ["by hand"], "and undoing leaves the block of before")
        four = ask(fw, "POST", "/api/v1/responses", {"action": "revoke", "user": "carol", "reason": "test"})[1]
        ask(fw, "POST", "/api/v1/revocations", {"user": "carol", "disabled": True})
        ask(fw, "DELETE", "/api/v1/responses/" + four["id"])
        equal([row["user"] for row in ask(fw, "GET", "/api/v1/revocations")[1]["revocations"]], ["carol"], "who was disabled meanwhile stays so")
        alice.close()


def test_restart_and_end():
    rules = [{"name": "probe", "on": ["invalid_message"], "action": "block", "dry_run": True}, {"name": "ticket", "on": ["invalid_message"], "action": "ticket", "of": "address"}]
    text = config(rules)
    with Framewall(text, "--admin", "localhost:0", check=False) as fw:
        mallory = Client(fw)
        mallory.said(BAD)
        records = applied(fw, 2)
        equal({(r["details"].get("would"), r["details"].get("action")) for r in records}, {("block", None), (None, "ticket")}, "a dry run says what would be")
        equal(mallory.said(GOOD)[0], None, "and does nothing")
        equal({(row["action"], row["dry_run"]) for row in listed(fw)}, {("block", True), ("ticket", False)}, "both are listed")
        ask(fw, "POST", "/api/v1/responses", {"action": "isolate", "user": "eve", "reason": "long", "seconds": 600})
        ask(fw, "POST", "/api/v1/responses", {"action": "isolate", "user": "dan", "reason": "short", "seconds": 3})
        equal(Client(fw, "dan").said(GOOD)[0], "PERMISSION_DENIED", "one of three seconds")
        mallory.close()
        fw.signal()
        fw.wait()
        again = Framewall(text, "--data", fw.data, "--admin", "localhost:0", check=False)
        try:
            spare, again.data = again.data, fw.data
            shutil.rmtree(spare, ignore_errors=True)
            equal({row.get("user") for row in listed(again) if row["action"] == "isolate"} >= {"eve"}, True, "a restart keeps them")
            eve = Client(again, "eve")
            equal(eve.said(GOOD)[0], "PERMISSION_DENIED", "and what they do")
            ok(until(lambda: Client(again, "dan").said(GOOD)[0] is None), "one whose time is over is undone by itself")
            ok(until(lambda: [r for r in again.records("response_ended") if r["user_id"] == "dan" and r["details"]["cause"] == "expired"]), "which is in the record")
            eve.close()
        finally:
            again.stop()


def test_falls():
    """A part that falls gives nobody back what was taken, and it can be undone after."""
    with Framewall(config(), places=PLACES, check=False) as fw:
        ask(fw, "POST", "/api/v1/responses", {"action": "isolate", "user": "eve", "reason": "test"})

        def tries():
            try:
                return Client(fw, "eve").said(GOOD)[0] or "it went on"
            except Exception:  # it is not there yet
                return None

        for part in ("fw-gate", "fw-keeper") if "--single" not in RUN_FLAGS else ():
            pid = fw.part(part)
            os.kill(pid, signal.SIGKILL)
            until(lambda: fw.part(part) not in (None, pid))
            equal(until(tries), "PERMISSION_DENIED", f"{part} falls, and she is isolated")
        say(fw, "undo", listed(fw)[0]["id"])
        equal(tries(), "it went on", "undone, she is not")


def test_rules():
    """By an alert, by a scenario, of an address; who is exempt; slow; in monitor nothing is done."""
    rules = [{"name": "by-alert", "alert": "three", "action": "isolate"}, {"name": "by-scenario", "scenario": "two", "action": "slow", "of": "address"},
             {"name": "only-bob", "on": ["invalid_message"], "where": {"user": "bob"}, "action": "block"}]
    alert = {"name": "three", "on": ["invalid_message"], "by": ["user"], "more_than": 2, "within": 60}
    scenario = {"name": "two", "on": ["csrf_violation"], "group_by": ["address"], "capacity": 1}
    text = config(rules, monitoring={"alerts": {"rules": [alert]}}, scenarios=[scenario], auto_block={"exempt": ["user:root"]})
    with Framewall(text, places=PLACES) as fw:
        root = Client(fw, "root")
        for client in (Client(fw), root):
            for _ in range(3):
                client.said(BAD)
        record = applied(fw)[0]
        equal((record["details"]["rule"], record["user_id"], record["details"]["why"]), ("by-alert", "mallory", "alert_raised"), "an alert is responded to")
        alice = Client(fw, "alice")
        for _ in range(2):
            alice.said('{"type":"create_task","title":"x"}')
        ok(until(lambda: [r for r in fw.records("response_applied") if r["details"]["rule"] == "by-scenario"]), "a scenario is")
        slow = [row for row in listed(fw) if row["action"] == "slow"][0]
        ok(slow["address"] in ("127.0.0.1", "::/64"), "the address is slowed", slow)

        def takes():
            begun = time.monotonic()
            for _ in range(3):
                alice.said(GOOD)
            return time.monotonic() - begun

        ok(until(lambda: takes() > 1.5), "three messages take seconds")
        say(fw, "undo", slow["id"])
        ok(until(lambda: takes() < 1.5), "and undone they do not")
        bob = Client(fw, "bob")
        bob.send(BAD)
        equal(bob.closed(), 4403, "where: of this user")
        equal({r["user_id"] for r in fw.records("response_applied")} & {"root"}, set(), "who is exempt nothing is done about")
        root.close()
    with Framewall(config([{"name": "x", "on": ["invalid_message"], "action": "block"}], mode="monitor"), places=PLACES) as fw:
        mallory = Client(fw)
        mallory.send(BAD)
        equal(applied(fw)[0]["details"].get("would"), "block", "in monitor it says what would be")
        ok(mallory.socket.open and ask(fw, "GET", "/api/v1/connections")[1]["total"] == 1, "and he is there")
        status, answer = ask(fw, "POST", "/api/v1/responses", {"action": "isolate", "user": "mallory", "reason": "by hand"})
        ok(status == 201 and answer["dry_run"] is True and "monitor" in answer["cause"], "what an operator does there does nothing either, and he is told so", answer)
        details = applied(fw, 2)[1]["details"]
        equal((details.get("would"), details.get("action"), details["mode"], json.loads(details["after"])["dry_run"]), ("isolate", None, "monitor", True), "the record says it")
        ok("would be done: slow; mode: monitor" in say(fw, "add", "slow", "user:mallory", "--reason", "r"), "and so does the command")
        mallory.close()


def test_ticket():
    told = []

    def hook(path, headers, body):
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        right = "v1," + base64.b64encode(hmac.new(base64.b64decode(SECRET), text, hashlib.sha256).digest()).decode()
        told.append((headers["webhook-signature"] == right, json.loads(body)))
        return 204, {}, b""

    with Server({"/hook": hook}) as web:
        receiver = {"name": "tickets", "url": web.url + "/hook", "secret": "whsec_" + SECRET, "allow_private": True, "allow_http": True, "events": ["response_applied"],
                    "checkpoints": False}
        rule = {"name": "tell", "on": ["invalid_message"], "action": "ticket"}
        with Framewall(config([rule], audit_logging={"receivers": [receiver]}), places=PLACES) as fw:
            mallory = Client(fw)
            mallory.said(BAD)
            ok(until(lambda: told), "a ticket goes to the webhook")
            ok(told and told[0][0], "signed")
            equal(told and (told[0][1]["event_type"], told[0][1]["details"]["rule"], told[0][1]["user_id"]), ("response_applied", "tell", "mallory"), "with what was found about whom")
            mallory.said(BAD)
            equal(mallory.said(GOOD)[0], None, "and nothing is done to him")
            equal(len(fw.records("response_applied")), 1, "one ticket for what goes on")
            mallory.close()


def test_forms():
    with Framewall(config(), places=PLACES) as fw:
        wrong, good = [], {"action": "isolate", "user": "u", "reason": "r"}
        bodies = ["", "[]", "{", "null", {**good, "action": "burn"}, {**good, "action": 3}, {**good, "user": ""}, {**good, "user": "u" * 129}, {**good, "address": "192.0.2.1"},
                  {"action": "isolate", "reason": "r"}, {**good, "reason": ""}, {**good, "reason": "r" * 121}, {**good, "reason": "a\nb"}, {**good, "seconds": 0},
                  {**good, "seconds": 31536001}, {**good, "seconds": "1"}, {**good, "seconds": 1.5}, {**good, "dry_run": "yes"}, {**good, "more": 1},
                  {"action": "revoke", "address": "192.0.2.1", "reason": "r"}, {"action": "block", "address": "nowhere", "reason": "r"}, {"action": "a" * 5000, "user": "u", "reason": "r"}]
        for body in bodies:
            status, answer = ask(fw, "POST", "/api/v1/responses", body)
            if status != 400 or answer["status"] != 400:
                wrong.append((body, status))
        equal(wrong, [], "what does not hold is refused")
        equal([ask(fw, "DELETE", "/api/v1/responses/" + name)[0] for name in ("x", "0" * 16, "0" * 400, "%00", "..", "a/b")], [404] * 6, "an id that is none is not found")
        equal(listed(fw), [], "and nothing was done")
        ids = [ask(fw, "POST", "/api/v1/responses", {**good, "user": f"u{i}"}) for i in range(257)]
        equal([answer[0] for answer in ids[-2:]], [201, 507], "256 there may be")
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(ask(fw, "DELETE", "/api/v1/responses/" + ids[0][1]["id"])[0])) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(sorted(statuses), [204] + [404] * 7, "of many who undo it at once one does")
        same = [ask(fw, "POST", "/api/v1/responses", {**good, "user": "u5"})[1]["id"] for _ in range(3)]
        equal(set(same), {ids[5][1]["id"]}, "the same about the same is one")
        six = ask(fw, "POST", "/api/v1/responses", {"action": "slow", "address": "2001:db8::1", "reason": "r"})
        equal(six[1]["address"], "2001:db8::/64", "of IPv6 it is the /64")


main(test_isolate, test_step_up, test_block_and_revoke, test_restart_and_end, test_falls, test_rules, test_ticket, test_forms)
