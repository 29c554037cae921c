#!/usr/bin/env python3
"""JSON Schema beside ajv (npm): python3 bench/schemas.py BUILD [--rounds N]. Both read and judge the same messages by the same schemas, in turns, round by
round, in a process each; what is printed is processor time a message, medians of the rounds, and how many times ajv takes what we take.

The schemas: bench/schemas.json (documents of real services, and what people write), and every required test of JSON-Schema-Test-Suite
(../shared or FRAMEWALL_SHARED) that both compile and answer alike."""
import argparse
import glob
import json
import math
import os
import statistics
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SUITES = {"draft2020-12": "2020-12", "draft7": "7"}


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def own_cases():
    with open(os.path.join(HERE, "schemas.json"), encoding="utf-8") as file:
        for row in json.load(file):
            yield {"name": row["name"], "draft": "7" if "draft-07" in row["schema"]["$schema"] else "2020-12", "schema": compact(row["schema"]),
                   "messages": [compact(message) for message in row["messages"]]}


def suite_cases():
    shared = os.environ.get("FRAMEWALL_SHARED", os.path.join(HERE, "..", "..", "shared"))
    for folder, draft in SUITES.items():
        for path in sorted(glob.glob(os.path.join(shared, "vectors/json-schema/tests", folder, "*.json"))):
            with open(path, encoding="utf-8") as file:
                groups = json.load(file)
            for number, group in enumerate(groups):
                yield {"name": f"{folder}/{os.path.basename(path)[:-5]}/{number}", "draft": draft, "schema": compact(group["schema"]),
                       "messages": [compact(test["data"]) for test in group["tests"]]}


class Judge:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self.verdicts = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args[0]} said nothing")
        return json.loads(line)

    def round(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self.read()

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def compare(build, cases, rounds, times):
    """{name: (µs of ours, of ajv, of ajv with all problems, messages)}: sums over the messages on which they agree."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(cases, file, ensure_ascii=False)
        file.flush()
        ajv = ["node", os.path.join(HERE, "peers", "ajv.mjs"), file.name, str(times)]
        judges = [Judge([os.path.join(build, "bench", "schema"), file.name, str(times)]), Judge(ajv), Judge(ajv + ["all"])]
        ours, theirs = judges[0].verdicts, judges[1].verdicts
        agreed = {name: [a == b for a, b in zip(ours[name], theirs[name])] for name in ours if ours[name] and theirs.get(name)}
        seen = ([], [], [])
        for turn in range(rounds + 1):  # the first warms up
            for judge, kept in zip(judges, seen):
                said = judge.round()
                if turn:
                    kept.append(said)
        for judge in judges:
            judge.stop()
    made = {}
    for name, same in agreed.items():
        figures = [sum(statistics.median(said[name][i] for said in kept) for i, good in enumerate(same) if good) for kept in seen]
        if any(same):
            made[name] = (*figures, sum(same))
    left = sum(len(case["messages"]) for case in cases) - sum(row[-1] for row in made.values())
    return made, left


def run(build, rounds, times):
    """The table for people, and figures: {name: {"ours", "ajv", "all", "messages"}}."""
    lines = ["| messages | Framewall, µs | ajv and JSON.parse, µs | times | ajv, all problems, µs | times |", "|---|---|---|---|---|---|"]
    figures = {}

    def say(name, row):
        ours, first, every, count = row
        lines.append(f"| {name} | {ours / count:.2f} | {first / count:.2f} | {first / ours:.2f} | {every / count:.2f} | {every / ours:.2f} |")
        figures[name] = {"ours": ours / count, "ajv": first / count, "all": every / count, "messages": count}

    made, _ = compare(build, list(own_cases()), rounds, times)
    for name, row in made.items():
        say(name, row)
    means = [math.exp(statistics.mean(math.log(row[i] / row[0]) for row in made.values())) for i in (1, 2)]
    lines.append(f"| geometric mean of these | | | {means[0]:.2f} | | {means[1]:.2f} |")
    suite = list(suite_cases())
    if not suite:
        lines.append("| the test suite of JSON Schema: not there (FRAMEWALL_SHARED) | | | | | |")
        return lines, figures, []
    made, left = compare(build, suite, max(3, rounds // 2), max(1, times // 3))
    for folder in SUITES:
        rows = [row for name, row in made.items() if name.startswith(folder + "/")]
        if rows:
            say(f"test suite, {folder}, {sum(row[-1] for row in rows):,} messages", [sum(row[i] for row in rows) for i in range(4)])
    lines.append(f"| of the suite left out: not compiled by one of them, or not answered alike | {left} messages | | | | |")
    slow = [(first / ours, name) for name, (ours, first, _, _) in made.items() if first < ours]
    said = ", ".join(f"{name} ({ratio:.2f})" for ratio, name in sorted(slow))
    return lines, figures, [f"of {len(made)} schemas of the suite ajv is quicker on {len(slow)}" + (": " + said if said else "")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--times", type=int, default=3000, help="each message is judged so often in a round")
    arguments = parser.parse_args()
    lines, _, notes = run(os.path.abspath(arguments.build), arguments.rounds, arguments.times)
    print("\n".join(lines + [""] + notes))


if __name__ == "__main__":
    main()
