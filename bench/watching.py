#!/usr/bin/env python3
"""What watching costs of the message path: python3 bench/watching.py BUILD [--messages N]. The engine's bench takes the same messages there and back
through every stage, with the figures that have labels (messages by route, type and what became of them, stages, findings, and how long judging took, of one
message in some dozens) and without, under callgrind, which counts instructions and so does not mind what else the machine does. Of each, twice as many messages
minus once as many are what a message costs; on minus off is watching. Exit 1: it is more than BAR of the message."""
import argparse
import glob
import os
import sys

from security import HERE, instructions

BAR = 0.05


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build", help="build folder, set up with -Dbench=true")
    parser.add_argument("--messages", type=int, default=5000, help="how many (default 5,000)")
    arguments = parser.parse_args()
    program = os.path.join(arguments.build, "bench", "engine")
    shared = os.environ.get("FRAMEWALL_SHARED", os.path.join(HERE, "..", "..", "shared"))
    chat = sorted(glob.glob(os.path.join(shared, "corpora", "benign", "dev.*")))
    kinds = [("prose, 128 B", 128, []), ("prose, 1 KiB", 1024, [])] + ([("developers' chat, 128 B", 128, chat)] if chat else [])
    print("| message, there and back | instructions, watched | not watched | watching | of the message |\n|---|---|---|---|---|")
    worst = 0
    for title, size, files in kinds:
        on, off = ((instructions(program, 2 * arguments.messages, stages, size, files) - instructions(program, arguments.messages, stages, size, files)) / arguments.messages
                   for stages in ("watched", "on"))
        worst = max(worst, (on - off) / off)
        print(f"| {title} | {on:,.0f} | {off:,.0f} | {on - off:,.0f} | {(on - off) / off:.2%} |", flush=True)
    print(f"\nbar: {BAR:.0%} of the message's instructions: {'met' if worst <= BAR else 'missed'}")
    return 0 if worst <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
