#!/usr/bin/python3
"""What the judge of learned policies stands on: the traffic is the same each time and as its definition says, and each mutation is not, in one place."""
import hashlib
import json
import os
import subprocess
import sys

from application import Application
from mutations import EACH, KINDS, mutations
from score import score
from traffic import World, traffic

SEEDS, MESSAGES = range(1, 9), 150
number = failed = 0


def case(name, good, why=""):
    global number, failed
    number, failed = number + 1, failed + (not good)
    print(f"{'ok' if good else 'not ok'} {number} - {name}" + (f"\n# {why}" if not good else ""))


def digest(seed, hour):
    return hashlib.sha256(json.dumps(traffic(Application(seed), hour, MESSAGES)).encode()).hexdigest()


def under(pointer, edited):
    return pointer == edited or pointer.startswith(edited + "/")


again = subprocess.run([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "traffic.py"), "3", "--hour", "2", "--messages", str(MESSAGES)],
                       stdout=subprocess.PIPE, check=True, env={**os.environ, "PYTHONHASHSEED": "7"}).stdout.decode().splitlines()
case("the same seed gives the same octets in another process", [json.loads(line) for line in again] == traffic(Application(3), 2, MESSAGES))
case("other seeds and hours give others", len({digest(seed, hour) for seed in (1, 2) for hour in (1, 2)}) == 4)

bad, many, disorder, kinds, moved, same = [], [], [], {}, [], []
for seed in SEEDS:
    application = Application(seed)
    first, hour = traffic(application, 1, MESSAGES), traffic(application, 2, MESSAGES)
    for line in first + hour:
        bad += [(seed, line["text"], wrong) for wrong in application.check(json.loads(line["text"]), line["direction"], line["role"])]
    disorder += [seed for a, b in zip(hour, hour[1:]) if a["time"] > b["time"]]
    worlds = [World(application, 1), World(application, 2)]
    moved += [] if worlds[0].users == worlds[1].users and worlds[0].pools == worlds[1].pools else [seed]
    taken = {}
    for line in mutations(application, hour):
        wrong = application.check(json.loads(line["text"]), line["direction"], line["role"])
        kinds[line["kind"]] = kinds.get(line["kind"], 0) + 1
        many += [] if len(wrong) == 1 and under(wrong[0][0], line["at"]) and (wrong[0][1] == line["kind"] or (line["kind"] == "depth" and wrong[0][1] == "type")) \
            else [(seed, line, wrong)]
        key = (line["kind"], application.kind_of(json.loads(line["text"]), line["direction"]))
        taken[key] = taken.get(key, 0) + 1
    same += [seed for count in taken.values() if count > EACH]
case("no message is against its definition", not bad, bad[:3])
case("each mutation is, in one place, in the way of its kind", not many, many[:3])
case("every kind of mutation occurs", set(kinds) == set(KINDS), kinds)
case("no type gives more mutations of a kind than is settled", not same, same)
case("messages are in the order of time", not disorder, disorder)
case("users, rooms and devices of the second hour are those of the first", not moved, moved)

# Judges of known worth: one that lets all pass, one that lets none, and the definition itself.
application = Application(2)


def truth(lines):
    return [not application.check(json.loads(line["text"]), line["direction"], line["role"]) for line in lines]


rates = []
for passes in (lambda lines: [True] * len(lines), lambda lines: [False] * len(lines), truth):
    counts, _ = score(2, passes, MESSAGES)
    rates.append([min(count.percent() for key, count in counts.items() if (key[0] == "accepted") == accepted) for accepted in (True, False)])
case("the score tells a judge that lets all pass, one that lets none, and the definition", rates == [[100, 0], [0, 100], [100, 100]], rates)
print(f"1..{number}")
sys.exit(failed != 0)
