#!/usr/bin/python3
"""Environment production: check and run refuse insecure settings, and say what, where and what to do."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from framewall import BINARY, PATIENCE, Framewall, equal, main, ok, skip

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
SHARED = os.environ.get("FRAMEWALL_SHARED", os.path.join(ROOT, "../shared"))
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("FRAMEWALL_")}

sys.path.insert(0, os.path.join(ROOT, "tools"))
from reference_tables import rows_of  # the tables: a rule that is added is asked for here

# Everything that is refused but --demo, each in a line of its own: that line, or where a key is missing the line of what makes it needed.
INSECURE = """listen: 0.0.0.0:0
admin: {listen: "0.0.0.0:0"}
upstream: {url: "wss://backend.example:9000", tls: {verify: off}}
authentication:
  query_parameter: true
  jwt:
    keys: [{secret: "this is my secret for the tokens"}]
validation:
  unknown_fields: warn
  blocked_domains: []
routes: [{path: /, anonymous: admin}]
"""
LINES = {"demo": 0, "clients_in_clear": 1, "no_origins": 1, "no_hosts": 1, "admin_in_clear": 2, "upstream_unverified": 3, "token_in_query": 5,
         "guessable_secret": 7, "unknown_fields": 9, "local_urls": 10, "anonymous_administrator": 11}
SECURE = """trusted_proxies: [127.0.0.1]
hosts: [chat.example.com]
origin: {allowed: ["https://chat.example.com"]}
"""


def framewall(*arguments, folder, **environment):
    return subprocess.run([BINARY, *arguments], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE,
                          env={**CLEAN, **environment})


def written(text):
    folder = tempfile.mkdtemp(prefix="framewall-production-")
    with open(os.path.join(folder, "framewall.yaml"), "w", encoding="utf-8") as file:
        file.write(text)
    return folder


def problems(stderr):
    """{rule: (line, level)} of what was said."""
    rules = {text: name for name, _, _, text, _ in rows_of("production", "PRODUCTION")}
    found = {}
    for line in stderr.splitlines():
        match = re.match(r"(?:framewall\.yaml:(\d+):\d+|--\w+): (error|warning): in production: (.*)$", line)
        if match:
            found[rules[match.group(3)]] = (int(match.group(1) or 0), match.group(2))
    return found


def refused():
    folder = written(INSECURE)
    errors = {name for name, level, *_ in rows_of("production", "PRODUCTION") if level == "ERROR"}
    equal(set(LINES), errors, "the configuration of this test breaks each rule there is")
    expected = {name: (line, "error") for name, line in LINES.items() if name != "demo"}
    expected["anonymous_sender"] = (11, "warning")  # an administrator may send
    done = framewall("check", "--environment", "production", folder=folder)
    equal((done.returncode, problems(done.stderr)), (1, expected), "check names each insecure setting and its line")
    for line in done.stderr.splitlines():
        if ": error: in production" in line:
            ok(re.search("; (list|name|listen|let|make|say|leave|give) |ca_file", line), "and what to do: " + line[:90], line)
    ok("this is my secret" not in done.stderr + done.stdout, "without showing the secret", done.stderr)
    done = framewall("check", "--json", "--environment", "production", folder=folder)
    said = [p for p in json.loads(done.stdout)["problems"] if p["message"].startswith("in production")]
    equal(sorted(p["line"] for p in said), sorted(line for line, _ in expected.values()), "so does check --json")
    for how, arguments, environment in (("--environment", ["--environment", "production"], {}), ("FRAMEWALL_ENVIRONMENT", [], {"FRAMEWALL_ENVIRONMENT": "production"})):
        done = framewall("run", "--data", "data", *arguments, folder=folder, **environment)
        equal((done.returncode, problems(done.stderr)), (1, expected), f"run does not start ({how})")
        ok("listening" not in done.stdout, "and listens nowhere", done.stdout)
    done = framewall("check", folder=folder)
    ok(done.returncode == 0 and "in production" not in done.stderr, "without the environment all that is allowed", done.stderr)
    shutil.rmtree(folder)


def demo():
    folder = written("")
    done = framewall("run", "--demo", "--data", "data", "--environment", "production", folder=folder)
    equal((done.returncode, problems(done.stderr)), (1, {"demo": (0, "error")}), "--demo is refused")
    ok("/demo#" not in done.stdout, "and prints no link", done.stdout)
    shutil.rmtree(folder)


def accepted():
    with Framewall(SECURE, "--environment", "production") as server:
        ok("environment production" in server.lines, "a good configuration starts", server.lines)
    folder = written("listen: 0.0.0.0:8765\n" + SECURE + "environment: production\n")
    done = framewall("check", folder=folder)
    equal((done.returncode, done.stderr), (0, ""), "an open listener behind a proxy, with names and origins, is not complained of")
    shutil.rmtree(folder)
    path = os.path.join(SHARED, "specification/reference/websocket_security.yaml")
    if not os.path.exists(path):
        skip("the reference configuration", "it is not there: set FRAMEWALL_SHARED")
        return
    done = framewall("check", "--config", path, "--environment", "production", folder="/")
    equal(done.returncode, 0, "the reference configuration holds in production")
    ok("warning: in production: \"security_policies.csp\" lets pages run inline scripts" in done.stderr, "and what is doubtful in it is said", done.stderr)


main(refused, demo, accepted)
