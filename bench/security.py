#!/usr/bin/env python3
"""What the security path costs at 1,000 messages a second: python3 bench/security.py BUILD [--messages N]. The engine's bench takes the same messages
there and back with every stage and without (an opaque route: frames alone), under callgrind, which counts instructions and so does not mind what else
the machine does. Of each, twice as many messages minus once as many are what a message costs; on minus off is the security path.

What a core does in a second is measured with the dearest of these messages, as processor time without callgrind; beside it stands what that would be of a core
of CLOCK cycles of one instruction each, which is little. Exit 1: ordinary chat (prose) takes more than BAR of such a core, or developers' chat more than BAR of this one."""
import argparse
import glob
import os
import re
import resource
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CLOCK, RATE, BAR = 2_000_000_000, 1000, 0.05


def instructions(program, count, stages, size, files):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "--count", str(count), stages, str(size), *files],
                          capture_output=True, text=True, timeout=1800)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        sys.exit(f"security.py: {done.stderr.strip()}")
    return int(found.group(1))


def seconds(program, count, size, files):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, "--count", str(count), "on", str(size), *files], check=True, timeout=600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build", help="build folder, set up with -Dbench=true")
    parser.add_argument("--messages", type=int, default=2000, help="how many (default 2,000)")
    arguments = parser.parse_args()
    program = os.path.join(arguments.build, "bench", "engine")
    shared = os.environ.get("FRAMEWALL_SHARED", os.path.join(HERE, "..", "..", "shared"))
    chat = sorted(glob.glob(os.path.join(shared, "corpora", "benign", "dev.*")))
    rows, kinds = [], [("prose, 128 B", 128, []), ("prose, 1 KiB", 1024, [])] + ([("developers' chat, 128 B", 128, chat), ("developers' chat, 1 KiB", 1024, chat)] if chat else [])
    for title, size, files in kinds:
        on, off = ((instructions(program, 2 * arguments.messages, stages, size, files) - instructions(program, arguments.messages, stages, size, files)) / arguments.messages
                   for stages in ("on", "off"))
        rows.append((title, on, off))
    _, size, files = kinds[-1]
    speed = rows[-1][1] * 20000 / (seconds(program, 30000, size, files) - seconds(program, 10000, size, files))
    print("| message, there and back | instructions, all stages | off | security path | of this core at 1,000/s | of a slow one |\n|---|---|---|---|---|---|")
    verdict = lambda share: "met" if share <= BAR else "missed"
    for title, on, off in rows:
        here, slow = (on - off) * RATE / speed, (on - off) * RATE / CLOCK
        print(f"| {title} | {on:,.0f} | {off:,.0f} | {on - off:,.0f} | {here:.2%} | {slow:.2%} |")
    worst = max(on - off for _, on, off in rows) * RATE
    print(f"\nThis core: {speed / 1e9:.2f} x 10^9 instructions a second, bar {BAR:.0%}: {verdict(worst / speed)}; a slow one {CLOCK / 1e9:.0f}: {verdict(worst / CLOCK)}.")
    return 0 if worst / speed <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
