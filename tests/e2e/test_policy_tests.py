#!/usr/bin/python3
"""framewall check --tests: what is played, what is said of what does not hold, and mistakes in the file of tests, each with its place."""
import json
import os
import re
import subprocess
import tempfile

from framewall import BINARY, equal, main, ok

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("FRAMEWALL_")}
ROLES = "rbac: { permission_categories: { files: [read], users: [write], admin: [access] } }\n"
SOCKET_IO = ROLES + """
authentication: { methods: [password] }
routes:
  - path: /socket.io/*
    upstream: ws://localhost:9000
    dialect: socket.io
    types: { chat_message: chat.send, upload: chat.send }
  - path: /ws
    upstream: ws://localhost:9000
    login_message: '{"type":"auth","token":"x"}'
  - path: /raw
    upstream: ws://localhost:9000
    opaque: true
    binary: true
"""


def play(config, tests, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("c.yaml", config), ("t.yaml", tests)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        return subprocess.run([BINARY, "check", "--config", "c.yaml", "--tests", "t.yaml", *arguments], cwd=folder, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=CLEAN, timeout=60)


def one(config, test, *arguments):
    return play(config, "tests:\n  - name: it\n" + "".join(f"    {line}\n" for line in test.splitlines()), *arguments)


HOLD = """
clock: 2026-11-29T12:00:00Z
users:
  alice: { password: open sesame, role: user }
tests:
  - name: a role may send a type
    role: user
    message: { type: chat_message, text: hello }
    expect: pass
    rewritten: { text: hello, type: chat_message }
  - name: and another may not
    role: guest
    message: { type: chat_message, text: hello }
    expect: refuse
    code: PERMISSION_DENIED
    stage: rbac
    reason: chat.send
  - name: an API key narrows a role
    role: user
    permissions: [chat.read]
    message: { type: chat_message, text: hello }
    expect: refuse
    code: PERMISSION_DENIED
  - name: markup is written anew
    role: user
    message: { type: chat_message, text: "<b>hi</b><script>x</script>" }
    expect: pass
    rewritten: { type: chat_message, text: "<b>hi</b>&lt;script>x&lt;/script>" }
  - name: all that is wrong with the fields
    role: user
    message: { type: chat_message, txt: 1 }
    expect: refuse
    code: INVALID_MESSAGE
    stage: schema
    reason: "txt: unknown"
  - name: exact octets
    role: user
    text: '{"type":"ping","type":"ping"}'
    expect: refuse
    code: INVALID_JSON
    stage: json
  - name: octets that are no text
    role: user
    hex: 00 ff
    expect: close
    close: 1003
  - name: the size of a message
    role: user
    text: '{"type":"chat_message","text":"${repeat:a:70000}"}'
    expect: close
    close: 1009
    code: MESSAGE_TOO_LARGE
    stage: frame
  - name: a rate, and when it is over
    role: user
    steps:
      - { message: { type: ping }, times: 60, expect: pass }
      - { message: { type: ping }, expect: refuse, code: RATE_LIMITED, stage: limit }
      - wait: 61s
      - { message: { type: ping }, expect: pass }
  - name: a CSRF token of this session, and in time
    role: user
    steps:
      - { message: { type: create_task, title: t }, expect: refuse, code: CSRF_INVALID, reason: no csrf_token }
      - { message: { type: create_task, title: t, csrf_token: guessed }, expect: refuse, code: CSRF_INVALID, stage: csrf }
      - { message: { type: create_task, title: t, csrf_token: "${csrf}" }, expect: pass }
  - name: a login by the first message
    steps:
      - { message: { type: auth, method: password, user_id: alice, password: open sesame }, expect: pass }
      - { message: { type: chat_message, text: hi }, expect: pass }
      - { message: { type: create_task, title: t, csrf_token: "${csrf}" }, expect: pass }
  - name: that is none
    message: { type: chat_message, text: hi }
    expect: close
    stage: login
    code: INVALID_AUTH
    close: 4401
  - name: with a wrong password
    message: { type: auth, method: password, user_id: alice, password: guess }
    expect: close
    code: AUTH_FAILED
    reason: unknown user or wrong password
  - name: that does not come
    steps:
      - { wait: 31s, expect: close, code: AUTH_TIMEOUT, close: 4408 }
  - name: a key in the handshake that nobody has
    headers: { X-API-Key: fw_test_aaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb }
    expect: refuse
    status: 401
    stage: login
  - name: an Origin that is not listed
    role: user
    origin: https://evil.example
    expect: refuse
    status: 403
    reason: Origin is not listed
  - name: a session ends
    role: user
    steps:
      - { wait: 25h, expect: close, code: SESSION_EXPIRED }
  - name: what goes to a client
    role: user
    direction: out
    message: { type: chat_message, data: { text: hi, sender_role: admin } }
    expect: pass
    rewritten: { type: chat_message, data: { text: hi, sender_role: "***" } }
  - name: a literal
    role: user
    message: { type: chat_message, text: "$${csrf}" }
    expect: pass
    rewritten: { type: chat_message, text: "$${csrf}" }
"""
RULES = """
mode: monitor
authentication: { methods: [jwt, api_key, password] }
messages: { chat_message: { fields: { sender_role: { see: [moderator], mask: "***" } } } }
"""
DIALECT = r"""
users: { alice: { password: secret, role: user } }
tests:
  - name: an event
    path: /socket.io/?EIO=4&transport=websocket
    role: user
    steps:
      - { text: "40", expect: pass }
      - { text: '42["chat_message",{"text":"<b>hi</b><script>"}]', expect: pass, rewritten: '42["chat_message",{"text":"<b>hi</b>&lt;script>"}]' }
      - { text: '42["drop all"]', expect: refuse, code: INVALID_MESSAGE, stage: route, reason: drop all }
      - { text: '451-["upload",{"_placeholder":true,"num":0}]', expect: pass }
      - { hex: "00", expect: pass }
      - { hex: "00", expect: refuse, stage: json }
      - { text: '42["from the server",1]', direction: out, expect: pass }
  - name: a login by the first message is plain JSON, and comes before the dialect
    path: /socket.io/
    steps:
      - { message: { type: auth, method: password, user_id: alice, password: secret }, expect: pass }
      - { text: "40", expect: pass }
      - { text: '42["chat_message",{"text":"hi"}]', expect: pass }
      - { text: '42["drop all"]', expect: refuse, stage: route }
  - name: the dialect does not log in
    path: /socket.io/
    text: "40"
    expect: close
    stage: login
  - name: the server's own answer to its login is nobody's
    path: /ws
    role: user
    steps:
      - { message: { type: chat_message, text: hi }, direction: out, expect: pass, rewritten: { type: chat_message, text: hi } }
  - name: opaque octets
    path: /raw
    role: user
    steps:
      - { text: "no { JSON", expect: pass, rewritten: "no { JSON" }
      - { hex: "00ff", expect: pass }
  - name: no route
    path: /nowhere
    expect: refuse
    status: 404
    reason: no route
"""


def test_hold():
    done = play(RULES, HOLD)
    names = re.findall(r"^  - name: (.*)$", HOLD, re.M)
    equal((done.returncode, done.stderr), (0, ""), "a file in which all holds" + ("" if done.returncode == 0 else ": " + done.stdout))
    equal(done.stdout.splitlines(), [f"ok      {name}" for name in names] + [f"t.yaml: {len(names)} tests, {len(names)} passed, 0 failed"], "one line a test, and their number")
    done = play(SOCKET_IO, DIALECT)
    equal((done.returncode, done.stderr), (0, ""), "dialects, several routes" + ("" if done.returncode == 0 else ": " + done.stdout))


def test_fail():
    """Each expectation broken once: file, line, and what came instead."""
    send = "role: user\nmessage: { type: chat_message, text: hi }\n"
    sends_bad = "role: user\nmessage: { type: chat_message }\n"
    for test, line, words in (
            (send + "expect: refuse\n", 2, "expected to be refused, but it passes"),
            (send + "expect: close\n", 2, "expected the connection to be closed, but it passes"),
            (sends_bad + "expect: pass\n", 2, "expected to pass, but it is refused by schema: INVALID_MESSAGE: text: required"),
            (sends_bad + "expect: refuse\ncode: CSRF_INVALID\n", 2, "expected code CSRF_INVALID, but it is refused by schema: INVALID_MESSAGE"),
            (sends_bad + "expect: refuse\nstage: rbac\n", 2, "expected stage rbac, but it is refused by schema"),
            (sends_bad + "expect: refuse\nrule: FW-1\n", 2, "expected rule FW-1"),
            (sends_bad + "expect: refuse\nreason: too long\n", 2, 'expected a reason with "too long", but it is refused by schema: INVALID_MESSAGE: text: required'),
            ("role: user\nhex: 00\nexpect: close\nclose: 1009\n", 2, "expected close code 1009, but it closes the connection by json, code 1003"),
            (send + "expect: pass\nrewritten: { type: chat_message, text: ho }\n", 2, 'expected to go on: {"type":"chat_message","text":"ho"}; goes on: {"type":"chat_message","text":"hi"}'),
            ("role: nobody\nhex: 00\nexpect: pass\n", 2, 'there is no role "nobody"'),
            ("origin: http://a.example\nexpect: refuse\nstatus: 404\n", 2, "expected status 404, but it is refused by handshake, status 403: Origin is not listed"),
            ("origin: http://a.example\n" + send + "expect: pass\n", 2, "it cannot connect: the handshake is refused"),
            ("role: user\nsteps:\n  - { message: { type: ping }, expect: pass, times: 70 }\n", 5, "RATE_LIMITED: messages per minute (time 61 of 70)"),
            ("role: user\nsteps:\n  - { hex: 00, expect: close }\n  - { hex: 00, expect: close }\n", 6, "there is no connection any more"),
            ("role: user\nsteps:\n  - { wait: 1s, expect: close }\n", 5, "expected the connection to be closed, but it passes"),
            ("role: user\ntext: '${crsf}'\nexpect: pass\n", 2, "begins ${csrf} or ${repeat:TEXT:N}"),
            ("role: user\ntext: '${repeat:ab:99999999999999999999}'\nexpect: pass\n", 2, "begins ${csrf} or ${repeat:TEXT:N}")):
        done = one("", test)
        ok(done.returncode == 1 and f"FAILED  it\n        t.yaml:{line}: " in done.stdout and words in done.stdout and "1 tests" not in done.stdout and "0 passed, 1 failed" in done.stdout,
           words, done.stdout + done.stderr)


def test_forms():
    done = one("", "role: user\ntext: '{'\nexpect: refuse\n", "--json")
    answer = json.loads(done.stdout)
    equal((done.returncode, answer["tests"], answer["problems"]), (0, [{"name": "it", "holds": True, "file": "t.yaml", "line": 2}], []), "--json")
    done = one("", "role: user\nhex: ff\nexpect: pass\nrewritten: \"\\xffé\"\n", "--json")
    equal((done.returncode, json.loads(done.stdout)["tests"][0]["holds"]), (1, False), "and of one that does not hold")
    done = one("", "role: user\ntext: '{'\nexpect: pass\n", "--tap")
    ok(done.stdout.startswith("not ok 1 - it\n# t.yaml:2: expected to pass") and done.stdout.endswith("\n1..1\n"), "--tap", done.stdout)
    done = one("hots: []\n", "role: user\ntext: '{'\nexpect: refuse\n")
    ok(done.returncode == 1 and "FAILED" not in done.stdout and "c.yaml:1:1: error" in done.stderr, "a configuration that does not hold is not tried", done.stderr)
    done = subprocess.run([BINARY, "check", "--config", "/dev/null", "--tests", "/nowhere.yaml"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN)
    equal((done.returncode, done.stdout), (3, ""), "a file that is not there: " + done.stderr.strip())
    equal(one("", "role: user\ntext: \"\\e[2J\"\nexpect: pass\nrewritten: x\n").stdout.count("\x1b"), 0, "nothing of a message drives a terminal")


def test_mistakes():
    tail = "    role: user\n    text: x\n    expect: pass\n"
    deep = "[" * 200 + "]" * 200
    for text, place, words in (
            ("", "t.yaml: ", "there is no test in it"),
            ("tests:\n  -\n", "t.yaml:1:1", "a test is empty"),
            ("tests:\n  - name: x\n    steps: [~x, ]\n", "t.yaml:3:", "a step is a mapping"),
            ("tests:\n  - name: x\n    steps:\n      -\n", "t.yaml:3:5", "a step is empty"),
            ("tests: []\n", "t.yaml: ", "there is no test in it"),
            ("test: []\n", "t.yaml:1:1", 'unknown key "test" in a file of tests; did you mean "tests"?'),
            ("tests:\n  - nam: x\n" + tail, "t.yaml:2:5", 'did you mean "name"'),
            ("tests:\n  - name: x\n    name: y\n" + tail, "t.yaml:3:5", "name"),
            ("tests:\n" + tail.replace("    role", "  - role"), "t.yaml:2:5", "a test has a name"),
            ("tests:\n  - name: x\n    text: x\n    hex: 00\n    expect: pass\n", "t.yaml:4:5", "one of message, text and hex"),
            ("tests:\n  - name: x\n    text: x\n    expect: passs\n", "t.yaml:4:5", 'did you mean "pass"'),
            ("tests:\n  - name: x\n    text: x\n", "t.yaml:2:5", '"expect" is missing'),
            ("tests:\n  - name: x\n    hex: 0\n    expect: pass\n", "t.yaml:3:5", "pairs of hex digits"),
            ("tests:\n  - name: x\n    hex: zz\n    expect: pass\n", "t.yaml:3:5", "pairs of hex digits"),
            ("tests:\n  - name: x\n    from: localhost\n" + tail, "t.yaml:3:5", "is an address"),
            ("tests:\n  - name: x\n    user: a\n    text: x\n    expect: pass\n", "t.yaml:2:5", "needs a role"),
            ("tests:\n  - name: x\n    steps: { a: b }\n", "t.yaml:3:14", "is a list"),
            ("tests:\n  - name: x\n    steps: [{ wait: 5 }]\n", "t.yaml:3:", "is a time such as"),
            ("tests:\n  - name: x\n    steps: [{ wait: 9999d }]\n", "t.yaml:3:", "a year at most"),
            ("tests:\n  - name: x\n    steps: [{ wait: 5s, text: x }]\n", "t.yaml:3:", "write two steps"),
            ("tests:\n  - name: x\n    steps: [{ text: x, expect: pass, times: 0 }]\n", "t.yaml:3:", "times"),
            ("tests:\n  - name: x\n    text: x\n    steps: [{ text: x, expect: pass }]\n", "t.yaml:4:5", '"text" belongs into one of the steps'),
            ("tests:\n  - name: x\n    headers: { 'a b': c }\n" + tail, "t.yaml:3:", "no name of a header"),
            ("tests:\n  - name: x\n    headers: { a: \"b\\r\\nc: d\" }\n" + tail, "t.yaml:3:", "control character 0x0d"),
            ("tests:\n  - name: x\n    path: chat\n" + tail, "t.yaml:3:5", "is a path"),
            ("tests:\n  - name: x\n    status: 200\n    expect: refuse\n", "t.yaml:3:5", "status"),
            ("tests:\n  - &a\n    name: x\n" + tail + "  - *a\n", "t.yaml:", "aliases are not supported"),
            ("tests:\n  - name: x\n    message: !!binary x\n    expect: pass\n", "t.yaml:3:", "tags"),
            ("tests:\n  - name: x\n    message: { a: 1, a: 2 }\n    expect: pass\n", "t.yaml:3:5", "duplicate key"),
            (f"tests:\n  - name: x\n    message: {deep}\n    expect: pass\n", "t.yaml:3:", "Max depth (64) exceeded"),
            ("tests:\n  - name: x\n    message: " + "[" * 50 + "]" * 50 + "\n    expect: pass\n", "t.yaml:3:", "more than 40 levels deep"),
            ("clock: noon\ntests:\n  - name: x\n" + tail, "t.yaml:1:1", "is a moment such as"),
            ("users: { a: { password: x } }\ntests:\n  - name: x\n" + tail, "t.yaml:1:", "a user has a password and a role"),
            ("tests:\n  - name: \"a\nb: [\n", "t.yaml:", ""),
            ("tests:\n  - name: x\n    text: \x01\n", "t.yaml:3:", "control character 0x01")):
        done = play("", text)
        ok(done.returncode == 1 and done.stdout == "" and f"{place}" in done.stderr.splitlines()[0] and words in done.stderr and "error" in done.stderr, f"{place} {words}",
           f"{done.returncode}\n{done.stdout}{done.stderr}")


main(test_hold, test_fail, test_forms, test_mistakes)
