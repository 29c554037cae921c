#!/usr/bin/python3
"""framewall explain: every stage, every problem and what goes on, in each direction, dialect and form; many messages in a row are each alone."""
import json
import os
import subprocess
import tempfile

from framewall import BINARY, equal, main, ok

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("FRAMEWALL_")}
CONFIG = """
mode: monitor
hosts: [chat.example.com]
rbac: { permission_categories: { files: [read], users: [write] } }
messages:
  chat_message: { fields: { ssn: { see: [admin], mask: "***" } } }
  admin_command: { when: { network: [10.0.0.0/8] } }
routes:
  - { path: /plain, upstream: ws://localhost:9000 }
  - path: /io
    upstream: ws://localhost:9000
    dialect: socket.io
    types: { chat_message: chat.send }
  - path: /hub
    upstream: ws://localhost:9000
    dialect: signalr
    types: { SendMessage: chat.send }
  - path: /graphql
    upstream: ws://localhost:9000
    dialect: subprotocol
    subprotocols: [graphql-transport-ws]
    types: { query me: any }
  - { path: /raw, upstream: ws://localhost:9000, opaque: true, binary: true }
"""


def explain(message, *words, config=CONFIG, form="--json"):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(config)
        file.flush()
        done = subprocess.run([BINARY, "explain", "--config", file.name, *words] + ([form] if form else []), input=message if isinstance(message, bytes) else message.encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN, timeout=60)
    return done.returncode, json.loads(done.stdout) if form == "--json" and done.stdout else done.stdout.decode(), done.stderr.decode()


def stages(answer):
    return {stage["stage"]: stage for stage in answer["stages"]}


def test_problems():
    code, said, _ = explain('{"type":"chat_message","text":5,"attachments":[{"url":"javascript:x"}],"extra":1}')
    schema = stages(said)["schema"]
    equal((code, said["verdict"], said["code"], said["type"], said["message"]), (1, "refuse", "INVALID_MESSAGE", "chat_message", None), "a message that is refused, though the policy only watches")
    problems = {(p["field"], p["rule"]) for p in schema["problems"]}
    ok({("text", "type"), ("extra", "unknown")} <= problems and len(schema["problems"]) == schema["problems_total"] >= 3, "every problem of its fields", str(schema))
    before, behind = list(stages(said)).index("schema"), len(said["stages"])
    equal([s["verdict"] for s in said["stages"]], ["pass"] * before + ["refuse"] + ["skip"] * (behind - before - 1), "each stage before it, and what was not asked any more")
    code, text, _ = explain('{"type":"chat_message","text":5}', form=None)
    ok("schema     refuse  INVALID_MESSAGE" in text and "\n           text: type (string)\n" in text and text.endswith("verdict: refuse INVALID_MESSAGE\ntype: chat_message\n"), "for people", text)
    code, said, _ = explain('{"type":"chat_message","text":"<script>","csrf_token":"t"}')
    equal((code, said["verdict"], said["rewritten"], said["message"]), (0, "rewrite", True, {"type": "chat_message", "text": "&lt;script>"}), "what goes on to the server: written anew, without the token")
    equal(stages(said)["sanitize"]["field"], "text", "and which field that was for")
    code, said, _ = explain('{"type":"chat_message","text":"\' or 1=1 --"}')
    equal((code, said["verdict"], stages(said)["inspect"]["verdict"]), (1, "refuse", "refuse"), "an attack in a text")
    ok("text: a comparison joined to a value by OR or AND (FW-SQL-002, 10 points)" in json.dumps(said), "every rule that was found, with its field and points", str(said))
    code, said, _ = explain('{"type":"ping"}')
    equal((code, said["verdict"], said["answered"], said["message"]), (0, "pass", True, None), "what is answered here goes nowhere")
    code, said, _ = explain('{"type":"chat_message","text":"x"')
    equal((stages(said)["json"]["code"], stages(said)["json"]["at"]), ("INVALID_JSON", 33), "the octet that is wrong")
    code, said, _ = explain('{"type":"chat_message","text":"' + "a" * 70000 + '"}')
    equal((code, said["verdict"], said["close"], [s["stage"] for s in said["stages"]]), (1, "close", 1009, ["frame"]), "too large for the frame reader")
    equal(explain(b"\xff")[1]["close"], 1007, "no UTF-8")
    equal(explain(b"\xff", "--binary")[1]["close"], 1003, "binary where none is taken")
    equal(explain(b"\x00\x01", "--binary", "--path", "/raw")[0], 0, "and where it is")
    equal(explain("no { JSON", "--path", "/raw")[1]["message"], "no { JSON", "an opaque route")


def test_dialects():
    code, said, _ = explain('42["chat_message",{"text":"<b>hi</b><script>"}]', "--path", "/io")
    equal((code, said["verdict"], said["message"]), (0, "rewrite", '42["chat_message",{"text":"<b>hi</b>&lt;script>"}]'), "Socket.IO: written back in its place")
    code, said, _ = explain('42["drop all"]', "--path", "/io")
    equal((code, stages(said)["route"]["field"]), (1, "drop all"), "a type that is not listed, by name")
    code, said, _ = explain('42["chat_message",{"ssn":"1"}]', "--path", "/io", "--direction", "out")
    equal((code, said["message"]), (0, '42["chat_message",{"ssn":"***"}]'), "what the server sends, as this role sees it")
    equal(explain('42["chat_message",{"ssn":"1"}]', "--path", "/io", "--direction", "out", "--role", "admin")[1]["message"], '42["chat_message",{"ssn":"1"}]', "and another")
    call = '{"type":1,"target":"SendMessage","arguments":["hi"]}\x1e'
    equal(explain(call, "--path", "/hub")[0], 0, "SignalR: behind its opening")
    equal(explain(call, "--path", "/hub", "--first")[0], 1, "but not as the first")
    equal(explain('{"protocol":"json","version":1}\x1e', "--path", "/hub", "--first")[0], 0, "which its opening is")
    query = '{"id":"1","type":"subscribe","payload":{"query":"{ me { name } }"}}'
    equal(explain(query, "--path", "/graphql", "--subprotocol", "graphql-transport-ws")[1]["type"], "query me", "the subprotocol chooses the dialect")
    ok(explain(query, "--path", "/graphql")[0] == 1, "without it it is plain JSON")
    code, said, _ = explain("x", "--path", "/nowhere")
    equal((code, said["stages"]), (1, [{"stage": "handshake", "verdict": "refuse", "detail": "no route for this path"}]), "a path that no route has")


def test_conditions():
    line = '{"type":"admin_command","command":"list_users","csrf_token":"x"}'
    equal(stages(explain(line, "--role", "admin")[1])["rbac"]["detail"], "when: network; say from which address", "a condition of a network that was not said")
    equal(stages(explain(line, "--role", "admin", "--from", "192.0.2.1")[1])["rbac"]["detail"], "when: network", "another network")
    equal(stages(explain(line, "--role", "admin", "--from", "10.1.2.3")[1])["rbac"]["verdict"], "pass", "the right one")


SERVED = """
validation: { unknown_fields: strip }
messages:
  quote: { direction: server, permission: tasks.read, fields: { price: { type: number, min: 0 }, cost: { see: [admin] } } }
  order: { direction: both, permission: any, receive: { permission: any, schema: { required: [id] } } }
"""


def test_server():
    """With a server behind, and of the built-in one or an embedding program, which say the type themselves."""
    for where, config in (("a server behind", SERVED + "upstream: { url: ws://localhost:9000 }\n"), ("the built-in server", SERVED)):
        def out(message, role="user", config=config):
            return explain(message, "--direction", "out", "--role", role, config=config)[1]

        said = out('{"type":"quote","price":1,"cost":"x","more":2}')
        equal((said["verdict"], said["type"], said["message"]), ("rewrite", "quote", {"type": "quote", "price": 1}), f"{where}: what is not listed, and what the role may not see, is left out")
        equal([(name, stages(said)[name]["verdict"]) for name in ("json", "route", "size", "schema", "rbac", "fields")],
              [("json", "pass"), ("route", "pass"), ("size", "pass"), ("schema", "rewrite"), ("rbac", "pass"), ("fields", "rewrite")], f"{where}: by which stages")
        equal(stages(out('{"type":"quote","more":2}', "admin"))["fields"]["verdict"], "pass", f"{where}: of another role no field is hidden")
        said = out('{"type":"quote","price":-1}')
        equal((said["verdict"], said["message"], stages(said)["schema"]["problems"]), ("refuse", None, [{"field": "price", "rule": "minimum", "limit": 0}]), f"{where}: every problem")
        equal(stages(out('{"type":"quote","price":1}', "guest"))["rbac"]["detail"], "tasks.read", f"{where}: the permission that is missing")
        equal(stages(out('{"type":"order"}'))["schema"]["problems"][0]["keyword"], "required", f"{where}: by a schema of what is received")
        equal(out('{"type":"chat_message","data":{"text":"x"}}')["verdict"], "pass", f"{where}: other types as before")


def test_lines():
    lines = ['{"type":"chat_message","text":5}', '{"type":"chat_message","text":"hi"}', "", "\x00"] * 100
    code, text, _ = explain("\n".join(lines), "--lines", form=None)
    said = [json.loads(line)["verdict"] for line in text.splitlines()]
    equal((code, said), (1, ["refuse", "pass", "refuse", "refuse"] * 100), "of many in a row each is judged alone")
    equal(explain('{"type":"ping"}\r\n{"type":"ping"}\n', "--lines", form=None)[0], 0, "0 when all pass")


def test_usage():
    for words, part in ((("--path", "chat"), "--path is a path"), (("--path", "/a b"), "--path is a path"), (("--from", "x"), "--from is an address"), (("--role", "usr"), 'did you mean "user"'),
                        (("--direction", "up"), "--direction is in or out"), (("--subprotocol", "a\r\nb: c"), "--subprotocol is a name")):
        code, _, error = explain("{}", *words)
        ok(code == 2 and part in error, " ".join(words).replace("\r\n", "␍␊"), f"{code} {error}")


main(test_problems, test_dialects, test_conditions, test_server, test_lines, test_usage)
