#!/usr/bin/python3
"""Where the values of a running program come from: environments, overlays, variables, secrets; what check says of them."""
import json
import os
import shutil
import subprocess
import tempfile

from framewall import BINARY, RELAXED, Framewall, chat, equal, main, ok, run, skip

SHARED = os.environ.get("FRAMEWALL_SHARED", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared"))
REFERENCE = os.path.join(SHARED, "specification/reference/websocket_security.yaml")


def check(*arguments, folder=None, text=None, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FRAMEWALL_")}
    return subprocess.run([BINARY, "check", *arguments], cwd=folder, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**environment, **variables})


def values(*arguments, **more):
    done = check("--print", "--json", *arguments, **more)
    answer = json.loads(done.stdout)
    return {value["path"]: value for value in answer.get("values", [])}


def reference_configuration():
    """Rows 93 and 94 of the specification: the reference's own file, unchanged, in each environment."""
    if not os.path.exists(REFERENCE):
        skip("the reference configuration", "it is not there: set FRAMEWALL_SHARED")
        return
    expected = {
        None: {"rate_limiting.messages_per_minute": 60, "authentication.session_timeout": 30, "monitoring.auto_block.block_duration": 24},
        "development": {"rate_limiting.messages_per_minute": 120, "rate_limiting.auth_attempts_per_minute": 10, "validation.blocked_domains": [],
                        "validation.blocked_ip_ranges": [], "monitoring.auto_block.violation_threshold": 20},
        "production": {"rate_limiting.messages_per_minute": 30, "rate_limiting.auth_attempts_per_minute": 3,
                       "authentication.session_timeout": 15, "authentication.max_sessions_per_user": 3,
                       "monitoring.auto_block.violation_threshold": 5, "monitoring.auto_block.block_duration": 48},
    }
    for name, wanted in expected.items():
        found = values("--config", REFERENCE, **({"FRAMEWALL_ENVIRONMENT": name} if name else {}))
        equal({path: found[path]["value"] for path in wanted}, wanted, f"the reference configuration in environment {name}")
        if name is not None:
            ok(all(found[path]["origin"]["from"] == "overlay" and found[path]["origin"]["name"] == name for path in wanted),
               f"comes from the overlay {name}")


def printed():
    folder = tempfile.mkdtemp(prefix="framewall-config-")
    with open(os.path.join(folder, "secret"), "w") as file:
        file.write("CANARY-0123456789abcdef0123456789abcdef\n")
    os.chmod(os.path.join(folder, "secret"), 0o600)
    with open(os.path.join(folder, "framewall.yaml"), "w") as file:
        file.write("hosts: [file.example]\nauthentication: {jwt: {keys: [{secret: '${file:secret}'}]}}\n"
                   "environment_overrides: {staging: {mode: monitor}}\n")
    done = check("--print", "--environment", "staging", folder=folder, FRAMEWALL_REFUSE="http")
    lines = done.stdout.splitlines()
    for line in ("hosts: [file.example]  # framewall.yaml:1", "mode: monitor  # framewall.yaml:3, overlay staging", "refuse: http  # FRAMEWALL_REFUSE",
                 "environment: staging  # --environment", "workers: 0  # default", "authentication.jwt.keys[0].secret: (secret)  # framewall.yaml:2"):
        ok(line in lines, f"check --print says: {line}", done.stdout)
    ok("CANARY" not in done.stdout + done.stderr, "and no secret")
    equal((done.returncode, done.stderr), (0, ""), "a good configuration is not complained of")
    found = values("--environment", "staging", folder=folder, FRAMEWALL_REFUSE="http")
    equal(found["mode"], {"path": "mode", "value": "monitor", "origin": {"from": "overlay", "file": "framewall.yaml", "line": 3, "name": "staging"}},
          "check --print --json says where")
    equal(found["authentication.jwt.keys[0].secret"]["value"], None, "and no secret, either")
    os.chmod(os.path.join(folder, "secret"), 0o644)
    done = check(folder=folder)
    ok(done.returncode == 0 and 'every user of this machine can read "secret"' in done.stderr, "a secret that all can read is a warning", done.stderr)
    os.remove(os.path.join(folder, "secret"))
    done = check("--json", folder=folder, FRAMEWALL_MOD="monitor")
    problems = json.loads(done.stdout)["problems"]
    equal([(p["level"], p["origin"], p["line"], p["message"]) for p in problems],
          [("error", "framewall.yaml", 2, 'secret: cannot read "secret": No such file or directory'),
           ("warning", "FRAMEWALL_MOD", 0, 'no configuration key has this variable; did you mean "FRAMEWALL_MODE"?')], "problems say where they are")
    equal(done.returncode, 1, "and such a configuration does not hold")
    done = check("--environment", "prod", folder=folder)
    ok('there is no environment "prod"; there are development, testing, production, staging; did you mean "production"?' in done.stderr,
       "an unknown environment lists those there are", done.stderr)
    shutil.rmtree(folder)


def in_a_running_program():
    """A rate of two messages, from each place a rate may come from; the higher place wins."""
    overlay = RELAXED + "environment_overrides:\n  small: {rate_limiting: {messages_per_minute: 2}}\n"

    async def third(server):
        async with server.connect() as socket:
            codes = []
            for _ in range(3):
                await socket.send('{"type":"ping"}')
                codes.append(json.loads(await socket.recv()))
            return [answer["type"] for answer in codes]

    limited = ["pong", "pong", "error"]
    with Framewall(overlay) as server:
        equal(run(third(server)), ["pong"] * 3, "without an environment the file counts")
    with Framewall(overlay, "--environment", "small") as server:
        equal(run(third(server)), limited, "the overlay counts")
        ok("environment small" in server.lines, "and the program says which environment it is in", server.lines)
    os.environ["FRAMEWALL_RATE_LIMITING_MESSAGES_PER_MINUTE"] = "2"
    try:
        with Framewall(RELAXED) as server:
            equal(run(third(server)), limited, "a variable counts")
    finally:
        del os.environ["FRAMEWALL_RATE_LIMITING_MESSAGES_PER_MINUTE"]


main(reference_configuration, printed, in_a_running_program)
