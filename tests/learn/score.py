#!/usr/bin/python3
"""score.py SEED[-SEED] --policy FILE [--framewall PROGRAM]: how a policy judges hour 2 of the traffic that a seed draws, and its mutations.

FILE holds {seed} where there are several seeds. Exit 1 where the policy of any seed accepts or refuses less than is demanded."""
import argparse
import json
import math
import os
import subprocess
import sys

from application import Application
from mutations import KINDS, mutations
from traffic import MESSAGES, traffic


def judge(framewall, policy, lines):
    """Whether the policy lets each of the lines pass, in their order. Nothing else here knows how the program is asked."""
    groups, passed = {}, [False] * len(lines)
    for place, line in enumerate(lines):
        groups.setdefault((line["role"], line["direction"]), []).append(place)
    for (role, direction), places in groups.items():
        done = subprocess.run([framewall, "explain", "--config", policy, "--role", role, "--direction", "in" if direction == "client" else "out", "--lines"],
                              input="".join(lines[place]["text"] + "\n" for place in places).encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode == 2 and b"there is no role" in done.stderr:
            continue  # who is not known says nothing
        answers = done.stdout.decode().splitlines()
        if done.returncode not in (0, 1) or len(answers) != len(places):
            raise RuntimeError(f"{policy}: {len(answers)} answers to {len(places)} messages of {role}, exit {done.returncode}: {done.stderr.decode()[:500]}")
        for place, answer in zip(places, answers):
            passed[place] = json.loads(answer)["verdict"] != "refuse"
    return passed


def wilson(good, of):
    """The bounds that hold with 95 %."""
    if of == 0:
        return 0.0, 1.0
    z, rate = 1.959964, good / of
    middle, half = rate + z * z / (2 * of), z * math.sqrt(rate * (1 - rate) / of + z * z / (4 * of * of))
    return max(0.0, (middle - half) / (1 + z * z / of)), min(1.0, (middle + half) / (1 + z * z / of))


class Count:
    def __init__(self):
        self.good = self.of = 0

    def add(self, good):
        self.good, self.of = self.good + good, self.of + 1

    def percent(self):
        return 100.0 * self.good / self.of if self.of else 0.0  # nothing judged is nothing shown

    def __str__(self):
        low, high = wilson(self.good, self.of)
        return f"{self.percent():8.3f} % ({self.good} of {self.of}; {100 * low:.3f} to {100 * high:.3f})"


def score(seed, passes, messages=MESSAGES):
    """Counts of one seed: {(what, direction)} with what "accepted" or a kind of mutation; and what was judged wrongly."""
    application, counts, wrong = Application(seed), {}, []
    hour = traffic(application, 2, messages)
    broken = list(mutations(application, hour))
    for line, passed in zip(hour + broken, passes(hour + broken)):
        kind = line.get("kind")
        good = not passed if kind else passed
        counts.setdefault((kind or "accepted", line["direction"]), Count()).add(good)
        if not good:
            wrong.append(line)
    return counts, wrong


def total(counts, wanted):
    whole = Count()
    for key, count in counts:
        if wanted(key):
            whole.good, whole.of = whole.good + count.good, whole.of + count.of
    return whole


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", help="one, or FIRST-LAST")
    parser.add_argument("--policy", required=True)
    parser.add_argument("--framewall", default="build/framewall")
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--accept", type=float, default=99.9, help="percent of the clients' messages of hour 2, of each seed")
    parser.add_argument("--refuse", type=float, default=95.0, help="percent of the mutations, of each seed")
    parser.add_argument("--server-too", action="store_true", help="demand both of the server's messages, too")
    parser.add_argument("--wrong", help="a file for what was judged wrongly, as JSON Lines")
    chosen = parser.parse_args()
    first, _, last = chosen.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    if not seeds or (len(seeds) > 1 and "{seed}" not in chosen.policy):
        parser.error("--policy needs {seed} where there are several seeds" if seeds else "no seed")
    sides = ("client", "server") if chosen.server_too else ("client",)
    pooled, short = [], []
    with open(chosen.wrong or os.devnull, "w", encoding="utf-8") as out:
        for seed in seeds:
            policy = chosen.policy.replace("{seed}", str(seed))
            counts, wrong = score(seed, lambda lines: judge(chosen.framewall, policy, lines), chosen.messages)
            pooled += counts.items()
            for line in wrong:
                out.write(json.dumps({"seed": seed, **line}, ensure_ascii=False) + "\n")
            for side in sides:
                accepted = total(counts.items(), lambda key: key == ("accepted", side))
                refused = total(counts.items(), lambda key: key[0] != "accepted" and key[1] == side)
                enough = accepted.percent() >= chosen.accept and refused.percent() >= chosen.refuse
                short += [] if enough else [seed]
                print(f"seed {seed} {side}: accepted {accepted}, refused {refused}{'' if enough else '  UNDER'}", flush=True)
    for side in ("client", "server"):
        print(f"\nall, {side}: accepted {total(pooled, lambda key: key == ('accepted', side))}")
        print(f"  mutations refused {total(pooled, lambda key: key[0] != 'accepted' and key[1] == side)}")
        for kind in KINDS:
            print(f"    {kind:8} {total(pooled, lambda key: key == (kind, side))}")
    print(f"\n{'under what is demanded: seeds ' + ', '.join(map(str, sorted(set(short)))) if short else 'as demanded of each seed'}")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
