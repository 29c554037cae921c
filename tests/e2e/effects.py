"""For test_effects.py: which keys the configuration has, which plays see them, and one and the same action under two values of a key."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

from framewall import BINARY, PATIENCE, Framewall

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PLAY = os.path.join(os.path.dirname(BINARY), "tests/play/play")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("FRAMEWALL_")}

sys.path.insert(0, os.path.join(ROOT, "tools"))
from reference_tables import rows_of, table, without_effect  # the tables: a key that is added is asked for here

ROWS = {row[0]: (kind, row) for kind, row in table("config")}
CLOSED = {"listen": "localhost:0", "admin.listen": "off"}
PLAIN = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"  # no handshake: refused, and recorded
not_here = {}  # keys whose effect this machine has no tool to see, and what it lacks


# The keys ------------------------------------------------------------------------------------------------------------
def keys():
    """Every key of the published schema; * stands for each entry of a list or each name: routes.*.opaque."""
    with open(os.path.join(ROOT, "docs/reference/framewall.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)

    def leaves(node, path):
        node = schema["definitions"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
        names, others = node.get("properties", {}), node.get("additionalProperties")
        for name, below in names.items():
            yield from leaves(below, path + [name])
        if isinstance(others, dict) and others.get("properties"):
            yield from leaves(others, path + ["*"])
        elif node.get("items", {}).get("properties"):
            yield from leaves(node["items"], path + ["*"])
        elif not names:
            yield ".".join(path)

    return list(leaves(schema, []))


def only_word(key):
    """The word of a choice that has one; None: it is no such key."""
    kind, row = ROWS.get(key, ("", ()))
    return row[3] if kind == "CONFIG_CHOICE" and "|" not in row[3] else None


def default(key):
    """As YAML."""
    kind, row = ROWS[key]
    if kind == "CONFIG_CHOICE":
        return row[3].split("|")[int(row[2])]
    if kind == "CONFIG_TEXTS":
        return json.dumps(row[2].split())
    return {"0": "false", "1": "true"}[row[2]] if kind == "CONFIG_BOOLEAN" else row[2]


# Plays ---------------------------------------------------------------------------------------------------------------
def plays():
    return {path: open(path, encoding="utf-8").read() for path in sorted(glob.glob(os.path.join(ROOT, "tests/play/*.play")))}


def play(option, paths):
    """The names of the plays that do not hold then, for another reason than a configuration that is refused."""
    done = subprocess.run([PLAY, *option, *paths], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=CLEAN, timeout=500)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{PLAY} {option}: {done.returncode}")
    broken = [part for part in re.split(r"^(?=(?:not )?ok )", done.stdout, flags=re.M) if part.startswith("not ok")]
    return [re.match(r"not ok \d+ - ([\w-]+)", part).group(1) for part in broken if "expected: the configuration to be taken" not in part]


def plays_without(key, texts, value=None):
    """The plays that do not hold without a key or, where it must be given, with another value of it."""
    name = [part for part in key.split(".") if part != "*"][-1]
    paths = [path for path, text in texts.items() if re.search(rf"\b{name}\b", text)]
    return play([f"--with={key}={value}" if value is not None else f"--without={key}"], paths) if paths else []


# Cases: a real process ----------------------------------------------------------------------------------------------
class Case:
    """keys: {key: (one value, another, what is seen under the one, under the other)}. base: what both have. see(program) does something to
    the running program and gives what it saw, {key: …}; of one that does not start each key is "refused". tell: from values to a configuration.
    files: keys that are the name of a file, which is written as it is."""

    def __init__(self, keys, see, base=None, tell=None, files=(), **options):
        self.keys, self.see, self.base, self.tell, self.files, self.options = keys, see, base or {}, tell or (lambda values: values), files, options

    def values(self, which, but=None):
        return {key: row[(1 - which) if key == but else which] for key, row in self.keys.items()}

    def expected(self, which):
        return {key: row[2 + which] for key, row in self.keys.items()}

    def seen(self, config, environment=None, arguments=()):
        options = dict(self.options)
        clock = options.pop("clock", None)
        made = clock() if clock else None
        with Framewall(json.dumps(config, ensure_ascii=False), *arguments, wait=False, check=False, places=(),
                       environment={**(environment or {}), **(made.environment if made else {})}, **options) as program:
            if not program.starts():
                return dict.fromkeys(self.keys, "refused")
            return self.see(program, made) if made else self.see(program)


def nested(values):
    """{"a.b": 1} as {"a": {"b": 1}}."""
    made = {}
    for path, value in values.items():
        at = made
        for name in path.split(".")[:-1]:
            at = at.setdefault(name, {})
        at[path.rsplit(".", 1)[-1]] = value
    return made


def merged(below, above):
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{name: merged(below[name], value) if name in below else value for name, value in above.items()}}


def referring(value, folder):
    """The same with ${file:…} for each single value."""
    if isinstance(value, (dict, list)):
        return {name: referring(below, folder) for name, below in value.items()} if isinstance(value, dict) else [referring(below, folder) for below in value]
    descriptor, path = tempfile.mkstemp(dir=folder)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(as_text(value) + "\n")
    return "${file:" + path + "}"


def as_text(value):
    """As a variable has it."""
    return ",".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)


def effective(config, environment=None, arguments=()):
    """Every effective value by its path, as check shows it; a secret is None. None: the configuration is refused."""
    done = framewall("check", "--config", "-", "--print", "--json", *arguments, text=json.dumps(config, ensure_ascii=False), environment=environment)
    return {row["path"]: row["value"] for row in json.loads(done.stdout)["values"]} if done.returncode == 0 else None


def shows(key, values):
    """The values of a key: of "routes.*.path" those of routes[0].path, too."""
    path = re.compile(re.escape(key).replace(r"\.\*", r"(?:\[\d+\]|\.[^.]+)") + r"(?:\[\d+\]|\..*)?")
    return {name: value for name, value in values.items() if path.fullmatch(name)}


def tell_apart(case, one, another):
    """Whether what check shows of two configurations differs in each key of the case."""
    return None not in (one, another) and all(shows(key, one) != shows(key, another) and None not in shows(key, another).values() for key in case.keys)


def ways(case, folder):
    """(name, what is to be seen, how to see it) of each way to give a case's values. That the other values do the same from an overlay and from
    variables is seen by the effective values being the same; of keys that check does not show, by running the program again."""
    other = case.tell(case.values(1))
    first = nested({**case.base, **case.tell(case.values(0))})
    rest = nested({key: value for key, value in other.items() if key not in ROWS})
    variables = {"FRAMEWALL_" + key.upper().replace(".", "_"): as_text(value) for key, value in other.items() if key in ROWS}
    out_of_files = nested({key: value if key in case.files else referring(value, folder) for key, value in other.items()})
    overlay = {**first, "environment_overrides": {"staging": nested(other)}}
    yield "one value", case.expected(0), lambda: case.seen(first)
    yield "the other", case.expected(1), lambda: case.seen(merged(first, nested(other)))
    both = effective(merged(first, nested(other)))
    for name, given in (("an overlay", (overlay, None, ["--environment", "staging"])), ("variables", (merged(first, rest), variables))):
        if tell_apart(case, effective(first), both):
            named = {"environment": "staging"} if given[2:] else {}
            yield f"the other in {name}, by check", {**both, **named}, lambda given=given: effective(*given)
        else:
            yield f"the other in {name}", case.expected(1), lambda given=given: case.seen(*given)
    yield "the other out of files", case.expected(1), lambda: case.seen(merged(first, out_of_files))


def alone(case, key):
    """What is seen of a key when all others have the other value, and it has its first."""
    return case.seen(nested({**case.base, **case.tell(case.values(1, but=key))})).get(key)


def framewall(*arguments, text=None, environment=None, **more):
    return subprocess.run([BINARY, *arguments], input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE,
                          env={**CLEAN, **(environment or {})}, **more)


def said(client, kind):
    """The next message of a type."""
    while True:
        message = json.loads(client.receive()[1])
        if message["type"] == kind:
            return message
