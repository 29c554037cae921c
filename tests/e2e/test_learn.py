#!/usr/bin/python3
"""framewall learn: what it proposes loads, accepts the next hour of the traffic it was learned from, and refuses mutations of it (tests/learn has
the traffic and the score). Arguments behind the program: seeds; without one the short form."""
import tempfile

from framewall import *

LEARN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../learn")
SEEDS = sys.argv[2:] or ["3"]


def program(*arguments, text=None):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, input=text, timeout=120)


def test_scores():
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            policy = os.path.join(folder, seed + ".yaml")
            traffic = subprocess.run(["/usr/bin/python3", LEARN + "/traffic.py", seed], capture_output=True, text=True, check=True).stdout
            done = program("learn", "-", "-o", policy, text=traffic)
            equal((done.returncode, done.stderr), (0, ""), "seed %s: a policy is proposed" % seed)
            equal(program("check", "--config", policy).returncode, 0, "it loads")
            score = subprocess.run(["/usr/bin/python3", LEARN + "/score.py", seed, "--policy", policy, "--framewall", BINARY], capture_output=True, text=True)
            ok(score.returncode == 0, "it accepts 99.9 % of the next hour, and refuses 95 % of the mutations", score.stdout + score.stderr)


def lines(*messages, **more):
    return "".join(json.dumps({"time": 1e9 + i, "connection": "c", "role": "user", "direction": "in", "message": message, **more}) + "\n"
                   for i, message in enumerate(messages))


def test_what_is_said():
    """Few examples are said to be few, the place of the type is found, what was refused is no example."""
    done = program("learn", "-", text=lines(*[{"head": {"kind": "ab"[i % 2]}, "x" if i % 2 else "y": i} for i in range(60)], {"head": {"kind": "rare"}, "z": "q"}))
    ok('discriminator: "/head/kind"' in done.stdout, "where the type stands", done.stdout)
    ok('"rare":\n    permission: any # 1 messages: few examples' in done.stdout, "what is rare is said to be", done.stdout)
    numbers = lines(*[{"type": i % 3, "x%d" % (i % 3): i} for i in range(60)])
    with tempfile.NamedTemporaryFile("w+", suffix=".yaml") as policy, tempfile.NamedTemporaryFile("w+", suffix=".jsonl") as capture:
        capture.write(numbers)
        capture.flush()
        program("learn", capture.name, "-o", policy.name)
        done = program("replay", capture.name, "--config", policy.name)
        equal((done.returncode, done.stdout.split(",")[0]), (0, "60 messages: 60 as before"), "types that are numbers pass again")
    done = program("learn", "-", text=lines({"type": "a"}, {"type": "a"}) + lines({"type": "evil"}, verdict="refuse"))
    ok('"a":' in done.stdout and "evil" not in done.stdout, "what was refused is no example", done.stdout)
    hostile = lines(*[{"type": "a" if i % 9 else "a\n  b: \"x\"", "k\"\\\u2028ey\x7f": "v\x00\"'#: ", "m": {str(i): i}} for i in range(300)])
    with tempfile.NamedTemporaryFile("r", suffix=".yaml") as file:
        equal(program("learn", "-", "-o", file.name, text=hostile).returncode, 0, "hostile names are learned from")
        equal(program("check", "--config", file.name).stderr, "", "and what is proposed loads")
    equal(program("learn", "-", text="[]\nno\n").returncode, 3, "of nothing nothing is learned")
    with tempfile.NamedTemporaryFile("w+", suffix=".yaml") as file:
        file.write("mode: monitor\n")
        file.flush()
        equal(program("learn", "-", "-o", file.name, text=lines([], 5)).returncode, 3, "of what is no object, too")
        equal(open(file.name).read(), "mode: monitor\n", "and the policy that was there stays")
    equal(program("learn").returncode, 2, "no capture")


main(test_scores, test_what_is_said)
