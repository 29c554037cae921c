#!/usr/bin/python3
"""Line coverage by file of what ran in a build with -Db_coverage=true: cover.py BUILD [FILES]. Prints a table of src/, worst first, and the
lines that never ran of the FILES (10) worst. Lines of one source in several objects count once."""
import collections
import glob
import json
import os
import subprocess
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
BUILD = os.path.abspath(sys.argv[1])
SHOWN = int(sys.argv[2]) if len(sys.argv) > 2 else 10


def read(notes):
    """{source: {line: times it ran}} of some notes files, where there are counts beside them or not."""
    done = subprocess.run(["gcov", "--json-format", "--stdout", *notes], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=BUILD)
    for line in done.stdout.splitlines():
        for file in json.loads(line)["files"]:
            path = os.path.relpath(os.path.normpath(os.path.join(BUILD, file["file"])), ROOT)
            if path.startswith("src/"):
                yield path, {one["line_number"]: one["count"] for one in file["lines"]}


def ranges(lines):
    """[3, 4, 5, 9] as "3-5 9"."""
    text, start, last = [], None, None
    for line in sorted(lines) + [None]:
        if last is not None and line != last + 1:
            text.append(str(start) if start == last else f"{start}-{last}")
            start = None
        start, last = (line if start is None else start), line
    return " ".join(text)


notes = [path for path in glob.glob(os.path.join(BUILD, "**", "*.gcno"), recursive=True) if "src_" in os.path.basename(path)]
if not notes:
    sys.exit(f"cover: {BUILD} was not built with -Db_coverage=true")
counts = collections.defaultdict(lambda: collections.defaultdict(int))
for at in range(0, len(notes), 50):
    for source, lines in read(notes[at:at + 50]):
        for line, times in lines.items():
            counts[source][line] += times
table = []
for source, lines in counts.items():
    missed = [line for line, times in lines.items() if times == 0]
    table.append((100 * (len(lines) - len(missed)) / max(len(lines), 1), len(lines), source, missed))
table.sort()
print(f"{'covered':>8} {'lines':>6}  file")
for percent, total, source, _ in table:
    print(f"{percent:7.1f}% {total:6}  {source}")
lines = sum(row[1] for row in table)
print(f"{100 * (lines - sum(len(row[3]) for row in table)) / max(lines, 1):7.1f}% {lines:6}  all")
for percent, _, source, missed in table[:SHOWN]:
    if missed:
        print(f"\n{source}: never ran: {ranges(missed)}")
