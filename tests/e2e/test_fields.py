#!/usr/bin/python3
"""Fields that not every role may set or see: seen by a real client, shown by explain, mistakes in the configuration named."""
from framewall import *

RULES = """
messages:
  create_task: { fields: { assignee: { set: [ moderator ] } } }
  chat_message: { fields: { reply_to: { see: [ moderator ] }, sender_role: { see: [ moderator ], mask: "***" } } }
"""


def explain(config, role, message, *words):
    done = subprocess.run([BINARY, "explain", "--config", config, "--role", role, "--json", *words], input=json.dumps(message), stdout=subprocess.PIPE, text=True)
    return done.returncode, json.loads(done.stdout)


def stage(answer):
    return [s for s in answer["stages"] if s["stage"] == "fields"][0]


def check(text):
    done = subprocess.run([BINARY, "check", "/dev/stdin"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


async def clients(fw):
    async def until_chat(client):
        while True:
            message = json.loads(await client.recv())
            if message["type"] != "user_status":
                return message

    async with fw.connect("alice", "user") as alice, fw.connect("mo", "moderator") as mo, fw.connect("al", "admin") as al:
        await mo.send(chat("hi", reply_to=3))
        seen = [(await until_chat(client))["data"] for client in (alice, al)]
        return [(data.get("reply_to", "left out"), data["sender_role"], data["text"]) for data in seen]


def test_clients():
    with Framewall(RELAXED + RULES) as fw:
        equal(run(clients(fw)), [("left out", "***", "hi"), (3, "moderator", "hi")], "a user and an administrator see each what they may")


def test_explain():
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "framewall.yaml")
        with open(config, "w") as file:
            file.write(RULES)
        task = {"type": "create_task", "title": "t", "assignee": "bob", "csrf_token": "x"}
        code, said = explain(config, "user", task)
        equal((code, said["code"], stage(said)), (1, "PERMISSION_DENIED", {"stage": "fields", "verdict": "refuse", "code": "PERMISSION_DENIED", "detail": "a field that its role may not set",
                                                           "field": "assignee", "problems": [{"field": "assignee", "rule": "role"}], "problems_total": 1}),
              "who may not set it is told which field")
        code, said = explain(config, "admin", task)
        equal((code, stage(said)["verdict"]), (0, "pass"), "who inherits the role may")
        line = {"type": "chat_message", "data": {"text": "hi", "reply_to": 3, "sender_role": "admin"}}
        code, said = explain(config, "user", line, "--direction", "out")
        equal((code, stage(said)["verdict"], said["message"]), (0, "rewrite", {"type": "chat_message", "data": {"text": "hi", "sender_role": "***"}}), "and what is seen is shown")
        equal(explain(config, "moderator", line, "--direction", "out")[1]["message"], line, "by who may all of it")
        done = subprocess.run([BINARY, "check", "--print", config], stdout=subprocess.PIPE, text=True)
        ok('messages.create_task.fields.assignee.set: [moderator]' in done.stdout.replace('"', "") and "sender_role.mask" in done.stdout, "check --print shows the rules",
           [line for line in done.stdout.splitlines() if "messages" in line])


def test_mistakes():
    for text, part in (("{create_task: {fields: {asignee: {set: [user]}}}}", 'did you mean "assignee"'), ("{create_task: {fields: {assignee: {set: [nobody]}}}}", "nobody"),
                       ("{create_task: {fields: {a..b: {see: [user]}}}}", "names with dots"), ("{create_task: {fields: {type: {see: [user]}}}}", "not the type itself"),
                       ("{ping: {fields: {timestamp: {set: [user]}}}}", "answered here"), ("{employee: {fields: {salary: {set: [admin]}}}}", "clients do not send"),
                       ("{creat_task: {when: {certificate: any}}}", 'did you mean "create_task"'), ("{create_task: {fields: {title: {st: [user]}}}}", "st")):
        code, said = check(f"messages: {text}\n")
        ok(code == 1 and part in said, text, said)
    for text, part in (("{create_task: {fields: {assignee: {}}}}", "nothing is said of this field"), ("{create_task: {fields: {assignee: {mask: x}}}}", "no effect")):
        code, said = check(f"messages: {text}\n")
        ok(code == 0 and "warning" in said and part in said, text, said)
    equal(check("messages: {employee: {fields: {salary: {see: []}}}}\n")[0], 0, "a type of a server behind may hide a field from all")


main(test_clients, test_explain, test_mistakes)
