#!/usr/bin/python3
"""What framewall init writes, and the published schema of the configuration: both say the same as framewall check."""
import glob
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

from framewall import BINARY, equal, main, ok, skip

try:
    import jsonschema
    import yaml
except ImportError:
    print("1..0 # SKIP python3-jsonschema and python3-yaml are not installed")
    sys.exit(0)

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
SHARED = os.environ.get("FRAMEWALL_SHARED", os.path.join(ROOT, "../shared"))
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("FRAMEWALL_")}


class Reader(yaml.SafeLoader):
    """YAML 1.2: of the words only true and false are booleans, and 1:30 is a text."""


Reader.yaml_implicit_resolvers = {key: [pair for pair in pairs if pair[0] not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:int")]
                                  for key, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Reader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))
Reader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("^-?(0|[1-9][0-9]*)$"), list("-0123456789"))
with open(os.path.join(ROOT, "docs/reference/framewall.schema.json"), encoding="utf-8") as schema_file:
    SCHEMA = json.load(schema_file)
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def schema_problems(text):
    return [error.message[:200] for error in VALIDATOR.iter_errors(yaml.load(text, Reader) or {})]


def check(text):
    done = subprocess.run([BINARY, "check", "-"], input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN)
    return done.returncode, done.stderr


def agree(text, name):
    """Both accept it."""
    code, problems = check(text)
    equal((schema_problems(text), code), ([], 0), name + (": " + problems if code else ""))


def files():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    for path in sorted(glob.glob(os.path.join(ROOT, "examples/*.yaml"))):
        with open(path, encoding="utf-8") as file:
            agree(file.read(), f"{os.path.relpath(path, ROOT)} is accepted by schema and check")
    path = os.path.join(SHARED, "specification/reference/websocket_security.yaml")
    if not os.path.exists(path):
        skip("the reference configuration", "it is not there: set FRAMEWALL_SHARED")
        return
    with open(path, encoding="utf-8") as file:
        agree(file.read(), "the reference configuration is accepted by schema and check")


def wrong_ones():
    for text in ("mod: monitor", "mode: observe", "workers: -1", "workers: many", "workers: '2'", "hosts: a.example", "hosts: [[a]]", "origin: [a]",
                 "origin: {required: 1}", "rate_limiting: {messages_per_minute: 0}", "rate_limiting: {messages_per_minut: 5}", "routes: []",
                 "routes: [{upstream: hub}]", "routes: [{path: /a, forward: anyhow}]", "routes: {path: /a}",
                 "authentication: {api_keys: [{id: abc}]}", "validation: {max_lengths: {text: long}}", "rbac: {roles: {a: {permission: []}}}",
                 "environment_overrides: {production: {mode: observe}}", "environment_overrides: {production: {environment: testing}}",
                 "environment_overrides: {'a b': {}}", "environment_overrides: [production]"):
        code, _ = check(text)
        ok(code == 1 and schema_problems(text) != [], f"both refuse {text}", f"check {code}, schema {schema_problems(text)}")
    for text in ("", "rate_limiting:\n", "hosts: []", "rate_limiting: {messages_per_minute: 5}", "mode: monitor"):
        agree(text, f"both accept {text!r}")
    equal(schema_problems("rate_limiting:\n  messages_per_minute: ${env:RATE}"), [], "a reference stands for a number")


def init():
    folder = tempfile.mkdtemp(prefix="framewall-init-")
    path = os.path.join(folder, "framewall.yaml")

    def framewall(*arguments):
        return subprocess.run([BINARY, *arguments], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN)

    done = framewall("init")
    equal((done.returncode, done.stderr), (0, ""), "init writes a configuration")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    agree(text, "and what it writes is accepted by schema and check")
    equal(framewall("check").stderr, "", "without a warning")
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "only its owner can read it")
    with open(os.path.join(folder, "framewall-data/keys/jwt.key"), "rb") as file:
        key = file.read()
    equal(len(key), 32, "it makes the key of login tokens")

    certificate, key_file = os.path.join(folder, "example.pem"), os.path.join(folder, "example.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=example", "-days", "30",
                    "-keyout", key_file, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
    whole = re.sub(r"^( *)#(?! )", r"\1", text, flags=re.M).replace('"${file:/run/secrets/jwt}"', "0123456789abcdef0123456789abcdef")
    whole = whole.replace("/etc/framewall/example.pem", certificate).replace("/etc/framewall/example.key", key_file)
    keys_file = os.path.join(folder, "login.jwks")
    with open(keys_file, "w") as file:  # the key of RFC 7517 A.1
        file.write('{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",'
                   '"y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"sig"}]}')
    with open(os.path.join(folder, "address.json"), "w") as file:
        file.write("{}")
    whole = whole.replace("schemas/address.json", os.path.join(folder, "address.json"))
    whole = whole.replace("${file:login.jwks}", "${file:" + keys_file + "}")
    agree(whole, "so is all of it, with no key left a comment")
    os.remove(keys_file)
    os.remove(os.path.join(folder, "address.json"))
    os.remove(certificate)
    os.remove(key_file)
    uncommented = yaml.load(whole, Reader)

    def paths(node, before=""):
        for name, value in node.items():
            yield before + name
            if isinstance(value, dict):
                yield from paths(value, before + name + ".")

    there = set(paths(uncommented))
    printed = json.loads(framewall("check", "--print", "--json").stdout)["values"]
    rows = {value["path"] for value in printed if not value["path"].startswith(("rbac.roles.", "routes[", "validation.message_sizes", "authentication.jwt.keys["))}
    equal(sorted(rows - there), [], "every key that check --print knows is in it")

    with open(path, "w") as file:
        file.write("mode: monitor\n")
    done = framewall("init")
    ok(done.returncode == 3 and "--force" in done.stderr, "it does not overwrite", done.stderr)
    with open(path) as file:
        equal(file.read(), "mode: monitor\n", "what is there stays")
    equal(framewall("init", "--force").returncode, 0, "--force replaces it")
    with open(path) as file:
        equal(file.read(), text, "by the same text")
    with open(os.path.join(folder, "framewall-data/keys/jwt.key"), "rb") as file:
        equal(file.read(), key, "but no key is ever replaced")
    equal(sorted(os.listdir(folder)), ["framewall-data", "framewall.yaml"], "and nothing else is left behind")
    shutil.rmtree(folder)


main(files, wrong_ones, init)
