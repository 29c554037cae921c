"""What an attack costs somebody honest: his answers' times beside each flood, of a raw epoll server that judges nothing, of Framewall with a limit of
messages of twice what he sends, and of Framewall without any limit of rate, in turns in one run, of each turn its percentiles, of these the median; and the memory before, at most, and within a minute afterwards. Part of run.py; --only floods, of one row
--only floods/pings."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

from harness import HERE, Failed, to_load_core

SECONDS, QUICK, WARM, SETTLED, AFTER, TURNS = 6, 3, 2, 6, 60, 3
TITLE = "floods"
SERVERS = ("rawecho", "limited", "flooded")
ATTACKS = {
    "none": "nobody attacks", "connections": "connections that are closed at once", "heads": "heads that never end, up to 1,000", "slowhttptest": "slowhttptest -H, 1,000 at once",
    "pings": "pings", "fragments": "fragments of an octet", "empty": "empty fragments", "bombs": "bombs, 16 MiB in 16 KiB", "nonsense": "messages that are none, Python",
    "node": "messages that are none, Node", "work": "messages that are much work", "deaf": "asks, never reads",
}


def command(kind, port, bearer, seconds):
    if kind == "none":
        return None
    if kind == "slowhttptest":
        return ["slowhttptest", "-H", "-c", "1000", "-r", "500", "-i", "1", "-l", str(seconds), "-u", f"http://127.0.0.1:{port}/"]
    if kind == "node":
        return ["node", os.path.join(HERE, "peers", "flood.mjs"), str(port), str(seconds), bearer]
    return [sys.executable, os.path.join(HERE, "flood.py"), kind, str(port), str(seconds), bearer]


def start(kind, port, bearer, seconds, wait=False):
    attack = command(kind, port, bearer, seconds)
    attacker = attack and subprocess.Popen(attack, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=to_load_core)
    if attacker and wait:
        end(attacker, seconds + 5)
    return attacker


def end(attacker, seconds):
    try:
        attacker.wait(seconds)
    except subprocess.TimeoutExpired:
        attacker.kill()
        attacker.wait()


def beside(process, kind, bearer, other, quick, first):
    """One attack on one server. What it takes at its first sight of such an attack, tables and libraries, is not the attack's."""
    seconds = QUICK if quick else SECONDS
    if first:
        start(kind, process.port, bearer, WARM, wait=True)
        time.sleep(SETTLED)
    before = process.pss()  # which stops it for some milliseconds: not while answers are timed
    attacker = start(kind, process.port, bearer, seconds + 2)
    time.sleep(1)
    honest = subprocess.Popen([sys.executable, os.path.join(HERE, "flood.py"), "honest", str(process.port), str(seconds), other],
                              stdout=subprocess.PIPE, text=True, preexec_fn=to_load_core)
    held = most = process.rss()
    while honest.poll() is None:
        most = max(most, process.rss())
        time.sleep(0.25)
    found = json.loads(honest.stdout.read())
    if attacker:
        end(attacker, seconds)
    if process.child.poll() is not None:
        raise Failed(f"{process.name} ended under {ATTACKS[kind]}")
    ended = time.monotonic()
    after = process.pss()
    while attacker and after > before * 1.1 and time.monotonic() < ended + AFTER:
        time.sleep(0.5)
        after = process.pss()
    return {**found, "before": before, "most": before + most - held, "after": after, "back_s": time.monotonic() - ended}


def together(turns):
    """Of several turns: the medians of their percentiles, since a tenth of a second in which the machine does something else makes a percentile of its own;
    the memory of the one that used most."""
    failed, asked = sum(turn["failed"] for turn in turns), sum(turn["failed"] + len(turn["times"]) for turn in turns)
    worst = max(turns, key=lambda turn: turn["after"] / turn["before"])
    return {**worst, **{name: statistics.median(percentile(turn["times"], part) for turn in turns) for name, part in (("p50", 50), ("p99", 99))},
            "times": asked - failed, "asked": asked, "failed": failed}


def percentile(times, part):
    return sorted(times)[len(times) * part // 100]


def measure(bench):
    """Rows of the table, into the results."""
    with open(bench.servers.tokens, encoding="ascii") as tokens:
        bearers = [tokens.readline().strip() for _ in range(2)]  # of the attacker, whose account pays for it, and of the honest one
    rows = bench.results["floods"] = {}
    allowed = os.sched_getaffinity(0)
    to_load_core()
    print(f"{TITLE}: answers to the honest one in µs, 50th and 99th percentile; memory in MiB before, at most, after")
    for kind, title in ATTACKS.items():
        if not bench.wanted(f"{TITLE}/{kind}"):
            continue
        if kind == "slowhttptest" and shutil.which(kind) is None or kind == "node" and shutil.which(kind) is None:
            bench.notes.append(f"{TITLE}: {kind} is not installed")
            continue
        try:
            turns = [{server: beside(bench.process(server), kind, *bearers, bench.quick, turn == 0) for server in SERVERS} for turn in range(1 if bench.quick else TURNS)]
        except Failed as reason:
            bench.notes.append(f"{TITLE}, {title}: {reason}")
            bench.stop_all()
            continue
        row = rows[kind] = {server: together([turn[server] for turn in turns]) for server in turns[0]}
        raw = row["rawecho"]
        cells = [f"{raw['p50']:.0f}, {raw['p99']:.0f}"]
        for ours in (row["limited"], row["flooded"]):
            ours["ratio"] = ours["p99"] / raw["p99"]
            cells.append(f"{ours['p50']:.0f}, {ours['p99']:.0f}; **{ours['ratio']:.2f}**")
        both = (row["limited"], row["flooded"])
        cells.append("; ".join(f"{ours['failed']} of {ours['asked']}" for ours in both))
        cells.append("; ".join(", ".join(f"{ours[name] / 1048576:.1f}" for name in ("before", "most", "after")) + f" ({ours['back_s']:.0f} s)" for ours in both))
        print(f"| {title} | {' | '.join(cells)} |", flush=True)
    os.sched_setaffinity(0, allowed)
