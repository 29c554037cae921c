#!/usr/bin/env python3
"""What the security path costs at 1,000 messages a second: python3 bench/security.py BUILD [--messages N]. The engine's bench takes the same messages
there and back with every stage and without (an opaque route: frames alone), under callgrind, which counts instructions and so does not mind what else
the machine does. Of each, twice as many messages minus once as many are what a message costs; on minus off is the security path.

What a core does in a second is an assumption, and a low one: CLOCK cycles, one instruction each. Exit 1: more than BAR of it."""
import argparse
import glob
import os
import re
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build", help="build folder, set up with -Dbench=true")
    parser.add_argument("--messages", type=int, default=2000, help="how many (default 2,000)")
    arguments = parser.parse_args()
    program = os.path.join(arguments.build, "bench", "engine")
    shared = os.environ.get("FRAMEWALL_SHARED", os.path.join(HERE, "..", "..", "shared"))
    chat = sorted(glob.glob(os.path.join(shared, "corpora", "benign", "dev.*")))
    worst = 0
    print("| message, there and back | instructions, all stages | off | security path | of a core at 1,000/s |\n|---|---|---|---|---|")
    for title, size, files in [("prose, 128 B", 128, []), ("prose, 1 KiB", 1024, [])] + ([("developers' chat, 128 B", 128, chat), ("developers' chat, 1 KiB", 1024, chat)] if chat else []):
        on, off = ((instructions(program, 2 * arguments.messages, stages, size, files) - instructions(program, arguments.messages, stages, size, files)) / arguments.messages
                   for stages in ("on", "off"))
        share = (on - off) * RATE / CLOCK
        worst = max(worst, share)
        print(f"| {title} | {on:,.0f} | {off:,.0f} | {on - off:,.0f} | {share:.2%} |", flush=True)
    print(f"\nA core: {CLOCK / 1e9:.0f} GHz, one instruction a cycle, both low. Bar {BAR:.0%}: {'met' if worst <= BAR else 'missed'}.")
    return 0 if worst <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
