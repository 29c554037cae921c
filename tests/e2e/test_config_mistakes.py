#!/usr/bin/python3
"""Each key of the configuration, by the published schema: what it cannot be is refused where it stands, whatever else is wrong in the file. And files that
want to cost the reader more than they weigh."""
import json
import os
import re
import subprocess
import time

from framewall import BINARY, equal, main, ok

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("FRAMEWALL_")}
with open(os.path.join(ROOT, "docs/reference/framewall.schema.json"), encoding="utf-8") as schema_file:
    SCHEMA = json.load(schema_file)
# What an entry of a mapping is called where not every name will do.
NAMES = {"rbac.roles": "user", "messages": "mine"}
# And what it needs, where the file does not give it anyway, to be looked at for the rest.
NEEDS = {"messages": ("permission", "any"), "messages.*.fields": ("type", "text")}
ERROR = re.compile(r"^-:(\d+):(\d+): error: (.*)$", re.M)


def check(text):
    done = subprocess.run([BINARY, "check", "-"], input=text.encode() if isinstance(text, str) else text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN, timeout=60)
    return done.returncode, done.stderr.decode()


def resolved(node):
    return SCHEMA["definitions"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node


class Writer:
    """A file in which each key has what `value` says of it (None: it is left out), and where each of them stands."""

    def __init__(self, value, again=lambda key: [key]):
        self.lines, self.places, self.value, self.again = [], {}, value, again
        self.write(SCHEMA, "", 0)
        self.text = "\n".join(self.lines) + "\n"

    def leaf(self, path, name, node, indent, dash):
        value = self.value(path, node)
        for said in self.again(name) if value is not None else ():
            self.lines.append(" " * (indent - 2) + "- " * dash + " " * (2 - 2 * dash) + f"{said}: {value}" if indent else f"{said}: {value}")
            self.places[path] = len(self.lines)
            dash = False
        return dash

    def write(self, node, path, indent, dash=False):
        for name, below in resolved(node).get("properties", {}).items():
            below, here = resolved(below), path + name
            others = below.get("additionalProperties")
            items = resolved(below.get("items", {}))
            if name == "environment_overrides" or not (below.get("properties") or items.get("properties") or isinstance(others, dict) and resolved(others).get("properties")):
                dash = self.leaf(here, name, below, indent, dash)
                continue
            self.lines.append(" " * (indent - 2 * dash) + "- " * dash + name + ":")
            dash = False
            if below.get("properties"):
                self.write(below, here + ".", indent + 2)
            elif items.get("properties"):
                self.write(items, here + ".*.", indent + 4, True)
            else:
                self.lines.append(" " * (indent + 2) + NAMES.get(here, "a") + ":")
                name, value = NEEDS.get(here, (None, None))
                if name is not None and (self.value(f"{here}.*.{name}", resolved(resolved(others)["properties"][name])) is None or name not in self.again(name)):
                    self.lines.append(" " * (indent + 4) + f"{name}: {value}")
                self.write(others, here + ".*.", indent + 4)
        return dash


def first(node):
    return resolved(node["anyOf"][0] if "anyOf" in node else node)


def wrong_kind(_, node):
    node = first(node)
    return "5" if node.get("type") == "object" or "object" in node.get("type", ()) else "{nonsense: 1}"


def bad_values(number):
    def bad(_, node):
        node = first(node)
        if node.get("type") == "integer":
            return ("many", str(node.get("minimum", 0) - 1), str(node.get("maximum", 10**18) + 1), "1.5", "010", "9" * 40, "''", "1 2", "0x10")[number]
        if node.get("type") == "boolean":
            return ("maybe", "1", "yes", "''", "nil", "on", "TRUE!", "0", "'-'")[number]
        return "nonsense" if "enum" in node else None
    return bad


def misspelt(name):
    return [name + "x"]


def places(what, file, but=(), words=""):
    code, said = check(file.text)
    errors = {}
    for line, _, message in ERROR.findall(said):
        errors.setdefault(int(line), []).append(message)
    missing = sorted(path for path, line in file.places.items() if path not in but and not any(words in message for message in errors.get(line, ())))
    equal((code, missing), (1, []), f"{what}: each of {len(file.places)} keys is named with its line")


def of_each_key():
    # Without effect in this version: anything is taken.
    # A content policy may be a mapping, too. A receiver is judged as a whole when each of its keys can be read.
    other = {"security_policies.csp"} | {"audit_logging.receivers.*." + name for name in ("facility", "format", "level")}
    idle = other | {path for path in Writer(lambda path, node: "1" if "without effect" in node.get("description", "") else None).places}
    places("what it cannot hold", Writer(wrong_kind), idle)
    for number in range(9):
        places(f"bad value {number}", Writer(bad_values(number)), idle)
    places("misspelt", Writer(lambda path, node: "1", misspelt), words="unknown key")
    places("twice", Writer(lambda path, node: "x", lambda name: [name, name]), words="second time")
    places("an alias", Writer(lambda path, node: "*x"), idle)
    places("a tag", Writer(lambda path, node: "!!binary x"), idle)


    for key, words in (("facility", "is one of syslog"), ("format", "is jsonl, ocsf"), ("level", "level")):
        code, said = check("audit_logging:\n  receivers:\n    - name: a\n      url: udp://192.0.2.1:514\n      " + f"{key}: nonsense\n")
        ok(code == 1 and re.search("^-:[345]:", said, re.M) and words in said, f"{key} of a receiver", said)


def costly():
    """Refused at once, with a place, whatever they would unfold to."""
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join('*' + chr(97 + i) for _ in range(10))}]\n" for i in range(20))
    merge = "base: &base {mode: monitor}\n<<: *base\n"
    for what, text, part in (
            ("an alias bomb", bomb + "hosts: *u\n", "aliases are not supported"),
            ("an alias of itself", "hosts: &h [*h]\n", "aliases are not supported"),
            ("an alias in a route", "routes: &r [{path: /a}, *r]\n", "aliases are not supported"),
            ("merged keys", merge, "unknown key"),
            ("flow 60 deep", "hosts: " + "[" * 60 + "]" * 60 + "\n", ""),
            ("flow 100,000 deep", "hosts: " + "[" * 100000 + "\n", ""),
            ("blocks 2,000 deep", "".join(" " * i + "a:\n" for i in range(1000)), ""),
            ("a scalar of a mebioctet", "listen: " + "a" * (1 << 20) + "\n", "more than 1048576 bytes"),
            ("a scalar of 900 KB", "mode: " + "a" * 900000 + "\n", "must be one of"),
            ("a key of 900 KB", "m" * 900000 + ": 1\n", "unknown key"),
            ("100,000 unknown keys", "".join(f"k{i}: 1\n" for i in range(100000)), "99000 more problems are not named"),
            ("10,000 times one key", "mode: monitor\n" * 10000, "second time"),
            ("100,000 anchors", "hosts: [" + ", ".join(f"&a{i} x" for i in range(100000)) + "]\n", ""),
            ("an open quote", "mode: \"" + "a\n" * 100000, ""),
            ("200,000 dashes", "hosts:\n" + "  - a\n" * 160000, None),
            ("a folded text of 900 KB", "login: >\n" + "  a\n" * 200000, "unknown key")):
        begin = time.monotonic()
        code, said = check(text)
        ok(part is None or (code == 1 and re.search(r"^-:\d+:\d+: error: ", said) and part in said), what, f"{code} {said[:300]}")
        ok(len(said) < 64 << 20, f"{what}: what is said of it is bounded", str(len(said)))
        print(f"# {what}: {time.monotonic() - begin:.2f} s, {len(said)} octets said")


main(of_each_key, costly)
