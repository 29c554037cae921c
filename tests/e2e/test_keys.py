#!/usr/bin/python3
"""API keys that the server keeps: made, narrowed, used, ended and replaced by the commands and over the admin port, on a running server
and on a stopped one, with real clients on several workers."""
import calendar
import http.client
import stat

from framewall import *

CONFIG = RELAXED + "workers: 2\nauthentication: { max_sessions_per_user: 1000%s }\n"


class Client:
    """Logged in by the first message."""

    def __init__(self, fw, credential, method="api_key", field="api_key", source=None):
        self.raw = RawClient(fw.port, {}, source=source)
        self.raw.send(json.dumps({"type": "auth", "method": method, field: credential}))
        self.data = self.next()["data"]

    def next(self):
        while True:
            opcode, payload = self.raw.receive()
            if opcode == 8:
                return {"type": "close", "data": {"code": struct.unpack("!H", payload[:2])[0]}}
            message = json.loads(payload)
            if message["type"] != "user_status":
                return message

    def result(self):
        return self.data.get("code", "auth_success")

    def ended(self):
        """The error and the close code."""
        error = self.next()
        code = self.next()["data"]["code"]
        self.close()
        return error["data"].get("code"), code

    def ask(self, **message):
        self.raw.send(json.dumps({"csrf_token": self.data["csrf_token"], **message} if message["type"] != "ping" else message))
        return self.next()

    def close(self):
        self.raw.close()


def say(fw, *words, data=None, config=()):
    done = subprocess.run([BINARY, words[0], "--data", data or fw.data, *words[1:], *config], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=PATIENCE, cwd="/")
    return done.returncode, done.stdout, done.stderr


def create(fw, *words, **more):
    code, text, wrong = say(fw, "key", "create", "--json", *words, **more)
    ok(code == 0, f"key create {' '.join(words)}", wrong)
    return json.loads(text)


def keys(fw, **more):
    return {key["id"]: key for key in json.loads(say(fw, "key", "list", "--json", **more)[1])["keys"]}


def result(fw, key, **more):
    client = Client(fw, key, **more)
    client.close()
    return client.result()


def actions(fw, action, count=1):
    """The record is written behind the answer."""
    found = []

    def there():
        found[:] = [r["details"] for r in fw.records("admin_action") if r["details"]["action"] == action]
        return len(found) >= count

    until(there)
    return found


def nowhere(fw, secret):
    found = []
    for folder, _, names in os.walk(fw.data):
        for name in names:
            if stat.S_ISREG(os.lstat(os.path.join(folder, name)).st_mode):
                with open(os.path.join(folder, name), "rb") as file:
                    found += [name] if secret.encode() in file.read() else []
    equal(found, [], "the key is in no file")


def test_life():
    with Framewall(CONFIG % "") as fw:
        made = create(fw, "--name", "ci.1", "--role", "moderator", "--env", "test")
        ok(made["key"].startswith(f"fw_test_{made['id']}_") and made["state"] == "active" and made["expires_at"] is None, "it is in the answer", made)
        client = RawClient(fw.port, {"X-API-Key": made["key"]})
        equal(client.status, 101, "it logs in with the handshake, without a restart")
        client.close()
        one = Client(fw, made["key"])
        equal((one.data["user_id"], one.data["role"]), ("api_key_ci.1", "moderator"), "and in the first message, with its role")
        used = until(lambda: keys(fw)[made["id"]]["last_used_at"])
        equal(used[:16], one.data["server_time"][:16], "to the minute it is known when it was used")
        nowhere(fw, made["key"])
        nowhere(fw, made["key"].split("_")[3])
        record = fw.wait_records("auth_success", 2)[-1]["details"]
        equal((record["method"], record["key"]), ("api_key", made["id"]), "the record says which key it was")
        equal([(a["key"], a["name"], a["role"], a["through"]) for a in actions(fw, "key create")], [(made["id"], "ci.1", "moderator", "control socket")],
              "and who made it")
        code, text, _ = say(fw, "key", "create", "--name", "people")
        ok(code == 0 and text.split()[-1].startswith("fw_live_"), "for people the key is the last word", text)
        equal(result(fw, text.split()[-1]), "auth_success", "which logs in")

        crowd = [Client(fw, made["key"]) for _ in range(9)]
        other = Client(fw, text.split()[-1])
        session = crowd[0].data["session_token"]
        left = Client(fw, made["key"])
        left.close()
        equal(say(fw, "key", "revoke", made["id"]), (0, f"revoked: {made['id']}\n", ""), "it is revoked")
        equal({client.ended() for client in [one] + crowd}, {("SESSION_EXPIRED", 4401)}, "its connections end, of both workers")
        equal(other.ask(type="ping")["type"], "pong", "nobody else's")
        for what, credential in (("the key", {"credential": made["key"]}),
                                 ("a session of a connection", {"credential": session, "method": "session", "field": "session_token"}),
                                 ("a session that nobody held", {"credential": left.data["session_token"], "method": "session", "field": "session_token"})):
            client = Client(fw, **credential)
            equal(client.result(), "AUTH_FAILED", f"{what} counts no more")
            client.close()
        equal(fw.wait_records("auth_failure", 3)[0]["details"]["cause"], "revoked key", "the record says why")
        equal([a["key"] for a in actions(fw, "key revoke")], [made["id"]], "and who ended it")
        equal(keys(fw)[made["id"]]["state"], "revoked", "it is listed as revoked")
        for words, part in ((("revoke", made["id"]), "ended already"), (("revoke", "00000000"), "no key"), (("revoke", "../../x"), "no key"),
                            (("rotate", made["id"]), "ended already")):
            code, _, wrong = say(fw, "key", *words)
            ok(code == 3 and part in wrong, f"key {' '.join(words)} is refused", wrong)
        other.close()


def test_limits():
    """Scopes, networks, an end."""
    with Framewall(CONFIG % "") as fw:
        narrow = create(fw, "--name", "n", "--role", "admin", "--scopes", "chat.send,tasks.*")
        client = Client(fw, narrow["key"])
        equal(sorted(client.data["permissions"]), ["chat.send", "tasks.assign", "tasks.create", "tasks.delete", "tasks.read", "tasks.update"],
              "what it may is what its scopes say of its role")
        equal(client.ask(type="create_task", title="x")["type"], "task_operation_result", "what is in its scopes goes")
        equal(client.ask(type="create_employee", employee_id="e1", name="x")["data"]["code"], "PERMISSION_DENIED", "what is not does not")
        client.close()
        plain = create(fw, "--name", "p", "--role", "admin")
        client = Client(fw, plain["key"])
        equal(client.ask(type="create_employee", employee_id="e1", name="x")["type"], "task_operation_result", "without scopes the role is what counts")
        client.close()

        here = create(fw, "--name", "h", "--cidr", "127.0.0.2, 192.0.2.0/24")
        equal(here["networks"], ["127.0.0.2/32", "192.0.2.0/24"], "a key for two networks")
        client = RawClient(fw.port, {"X-API-Key": here["key"]}, source="127.0.0.2")
        equal(client.status, 101, "is taken from there")
        client.close()
        equal(result(fw, here["key"], source="127.0.0.3"), "AUTH_FAILED", "and from nowhere else")
        equal(fw.wait_records("auth_failure")[-1]["details"]["cause"], "the key is not for this address", "the record says why")

        short = create(fw, "--name", "s", "--expires", "2s")
        client = Client(fw, short["key"])
        equal((client.result(), client.data["session_expires_at"]), ("auth_success", short["expires_at"]), "a session ends with its key")
        equal(client.ended(), ("SESSION_EXPIRED", 4401), "when it is over the connection ends")
        equal(result(fw, short["key"]), "AUTH_FAILED", "and nobody comes in with it")
        equal(keys(fw)[short["id"]]["state"], "expired", "it is listed as expired")
        for words in (("--name", "x", "--role", "nobody"), ("--name", "x", "--scopes", "tasks.delete"), ("--name", "x", "--scopes", "chat.snd"),
                      ("--name", "x", "--scopes", ","), ("--name", "x", "--cidr", "10.0.0.1/8"), ("--name", "x", "--cidr", "x"),
                      ("--name", "x", "--cidr", ",".join(f"10.0.0.{i}" for i in range(17))), ("--name", "x", "--expires", "4000d")):
            code, _, wrong = say(fw, "key", "create", *words)
            ok(code == 3 and "the server says 400" in wrong, f"{words[2:]} is refused", wrong)
        for words in ((), ("make",), ("create",), ("create", "--name", "a b"), ("create", "--name", "a", "--env", "Live"), ("create", "--name", "a", "--role", "x y"),
                      ("create", "--name", "x" * 65), ("create", "--name", "a", "--env", "123456789"), ("create", "--name", "a", "--expires", "90"),
                      ("create", "--name", "a", "--expires", "-1d"), ("create", "--name", "a", "--line", "--cidr", "::1"), ("revoke",), ("revoke", ""), ("rotate",),
                      ("rotate", "x", "--overlap", "1"), ("list", "x"), ("list", "--line"), ("create", "x")):
            code, text, _ = say(fw, "key", *words)
            equal((code, text), (2, ""), f"key {words} is wrong usage")


def test_rotation():
    with Framewall(CONFIG % "") as fw:
        old = create(fw, "--name", "r", "--role", "user", "--scopes", "chat.*", "--cidr", "127.0.0.0/8", "--expires", "30d")
        holder = Client(fw, old["key"])
        code, text, wrong = say(fw, "key", "rotate", old["id"], "--overlap", "3s", "--json")
        new = json.loads(text)
        ok(code == 0 and new["replaces"] == old["id"] and new["key"] != old["key"], "it is replaced", wrong)
        equal([new[m] for m in ("name", "role", "scopes", "networks", "state")], [old[m] for m in ("name", "role", "scopes", "networks", "state")],
              "by one with the same rights")
        ok(new["expires_at"] > old["expires_at"], "that lives as long as the old one was to", new)
        both = [Client(fw, old["key"]), Client(fw, new["key"])]
        equal([c.result() for c in both], ["auth_success"] * 2, "for a while both are good")
        equal(holder.ended(), ("SESSION_EXPIRED", 4401), "then the old one ends, and who came with it")
        equal(both[0].ended(), ("SESSION_EXPIRED", 4401), "then too")
        equal(both[1].ask(type="ping")["type"], "pong", "the new one goes on")
        equal((result(fw, old["key"]), result(fw, new["key"])), ("AUTH_FAILED", "auth_success"), "alone")
        equal([(a["key"], json.loads(a["before"])["key"]) for a in actions(fw, "key rotate")], [(new["id"], old["id"])], "the record has it")
        code, text, _ = say(fw, "key", "rotate", new["id"], "--overlap", "0s")
        equal((code, both[1].ended()), (0, ("SESSION_EXPIRED", 4401)), "without overlap it ends at once")
        equal(result(fw, text.split()[-1]), "auth_success", "for people the new key is the last word")


def test_restart():
    with Framewall(CONFIG % "") as fw:
        config = ("--config", fw.process.args[fw.process.args.index("--config") + 1])
        one, two, three = (create(fw, "--name", name, "--scopes", "chat.*", "--cidr", "127.0.0.1") for name in ("a", "b", "c"))
        used = Client(fw, one["key"])
        say(fw, "key", "revoke", two["id"])
        used.close()
        listed = keys(fw)
        fw.signal()
        equal(fw.wait(), 0, "the program ends")
        equal(keys(fw, config=config), listed, "a stopped server's keys are listed as before, last use and all")
        equal(say(fw, "key", "revoke", three["id"], config=config)[:2], (0, f"revoked: {three['id']}\n"), "one is revoked while nothing runs")
        four = create(fw, "--name", "d", "--role", "moderator", config=config)
        code, text, wrong = say(fw, "key", "rotate", one["id"], "--json", config=config)
        five = json.loads(text)
        ok(say(fw, "user", "disable", "mallory", config=config)[0] == 0, "and a user disabled")
        fw.start_again()
        equal([result(fw, key["key"]) for key in (one, two, three, four, five)], ["auth_success", "AUTH_FAILED", "AUTH_FAILED", "auth_success", "auth_success"],
              "the server knows of all of it when it runs")
        equal(result(fw, fw.token("mallory"), method="jwt", field="token"), "AUTH_FAILED", "of the user, too")
        equal([len(actions(fw, *expected)) for expected in (("key create", 4), ("key revoke", 2), ("key rotate", 1), ("user disable", 1))], [4, 2, 1, 1], "and so does the record")
        done = subprocess.run([BINARY, "audit", "verify", "--data", fw.data], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        equal(done.returncode, 0, "which holds")
        code, _, wrong = say(None, "key", "list", data="/nonexistent/x")
        ok(code == 3 and "no server runs on" in wrong, "where nothing is nothing is made", wrong)
        data = os.path.join(fw.folder, "fresh")
        made = json.loads(say(fw, "key", "create", "--name", "first", "--json", data=data)[1])
        equal(list(keys(fw, data=data)), [made["id"]], "before the first start a key can be made")
        code, _, wrong = say(fw, "key", "create", "--name", "x", "--config", "/nonexistent", data=data)
        ok(code == 3 and "cannot be read" in wrong, "with a configuration that is there", wrong)


def test_admin_port():
    with Framewall(CONFIG % "", "--admin", "localhost:0") as fw:
        with open(os.path.join(fw.data, "admin.token")) as file:
            token = file.read().strip()

        def ask(method, path, body=None, credential=token):
            connection = http.client.HTTPConnection("localhost", fw.admin_port(), timeout=PATIENCE)
            headers = {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
            connection.request(method, path, body if body is None or isinstance(body, str) else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            return answer.status, json.loads(text) if text else None

        status, made = ask("POST", "/api/v1/keys", {"name": "web", "scopes": ["chat.send"], "networks": ["127.0.0.1"], "expires_in": 3600, "env": "dev"})
        equal((status, made["name"], made["role"], made["scopes"], made["networks"]), (201, "web", "user", ["chat.send"], ["127.0.0.1/32"]), "a key is made")
        equal(result(fw, made["key"]), "auth_success", "and logs in")
        status, listed = ask("GET", "/api/v1/keys")
        equal((status, [sorted(key) for key in listed["keys"]]), (200, [sorted(set(made) - {"key"})]), "it is listed without its secret and its hash")
        status, new = ask("POST", f"/api/v1/keys/{made['id']}/rotate", {"overlap": 0})
        equal((status, new["replaces"], result(fw, made["key"]), result(fw, new["key"])), (201, made["id"], "AUTH_FAILED", "auth_success"), "replaced")
        equal(ask("DELETE", f"/api/v1/keys/{new['id']}"), (204, None), "and revoked")
        equal(result(fw, new["key"]), "AUTH_FAILED", "and counts no more")
        equal([a["through"] for a in actions(fw, "key revoke")], ["admin port"], "with a record")
        for body in ('{"name":"a"', "[]", {}, {"name": ""}, {"name": "a", "x": 1}, {"name": "a", "scopes": []}, {"name": "a", "scopes": "chat.send"},
                     {"name": "a", "scopes": [1]}, {"name": "a", "scopes": ["chat.send chat.read"]}, {"name": "a", "scopes": ["chat." + "x" * 600]},
                     {"name": "a", "networks": []}, {"name": "a", "networks": [None]}, {"name": "a", "expires_in": 0}, {"name": "a", "expires_in": 1.5},
                     {"name": "a", "expires_in": 10 ** 15}, {"name": "a", "env": "Bad"}, {"name": "a\u0000b"}, {"name": "a", "role": 1}):
            equal(ask("POST", "/api/v1/keys", body)[0], 400, f"{str(body)[:40]} is refused")
        equal(ask("POST", f"/api/v1/keys/{new['id']}/rotate", {"overlap": -1})[0], 400, "an overlap below nothing, too")
        equal([ask("POST", path, {})[0] for path in ("/api/v1/keys/", "/api/v1/keys/rotate", "/api/v1/keys//rotate", f"/api/v1/keys/{new['id']}/x")], [404, 404, 404, 404],
              "and what is no path")
        equal(ask("GET", "/api/v1/keys", credential="wrong")[0], 401, "without the admin token nothing is shown")

        status, made = ask("POST", "/api/v1/tokens", {"user": "zoe", "role": "moderator", "hours": 2})
        left = calendar.timegm(time.strptime(made["expires_at"][:19], "%Y-%m-%dT%H:%M:%S")) - time.time()
        ok((status, made["user"], made["role"]) == (201, "zoe", "moderator") and 7190 < left <= 7200, "a token is issued", made)
        equal(result(fw, made["token"], method="jwt", field="token"), "auth_success", "and logs in")
        ok(until(lambda: any(r["user_id"] == "zoe" for r in fw.records("auth_success"))), "its user")
        equal([(a["user"], a["role"], a["hours"], a["through"]) for a in actions(fw, "token issue")], [("zoe", "moderator", 2, "admin port")], "with a record")
        ok(made["token"] not in json.dumps(fw.records()), "which does not have it")
        for body in ("[]", {}, {"user": ""}, {"user": "a\nb"}, {"user": "a" * 129}, {"user": 1}, {"user": "a", "role": "nobody"}, {"user": "a", "hours": 0},
                     {"user": "a", "hours": 25}, {"user": "a", "x": 1}):
            equal(ask("POST", "/api/v1/tokens", body)[0], 400, f"{str(body)[:40]} is refused")
        equal((ask("POST", "/api/v1/tokens", {"user": "a"}, credential="wrong")[0], ask("GET", "/api/v1/tokens")[0]), (401, 405), "not without the admin token, and none is shown")


def test_configured():
    """One of the configuration is not for the commands."""
    made = json.loads(subprocess.run([BINARY, "key", "create", "--line", "--json", "--name", "conf"], stdout=subprocess.PIPE, text=True).stdout)
    key = made.pop("key")
    with Framewall(CONFIG % f", api_keys: [ {json.dumps(made)} ]") as fw:
        client = Client(fw, key)
        equal(client.result(), "auth_success", "a key of the configuration logs in")
        code, _, wrong = say(fw, "key", "revoke", made["id"])
        ok(code == 3 and "in the configuration" in wrong, "and is not revoked by the command", wrong)
        equal(client.ask(type="ping")["type"], "pong", "it goes on")
        client.close()
        equal(keys(fw), {}, "it is not among those that the server keeps")


main(test_life, test_limits, test_rotation, test_restart, test_admin_port, test_configured)
