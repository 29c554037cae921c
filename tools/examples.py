#!/usr/bin/python3
"""Copies examples/ into the guides that print them: whatever stands between "<!-- examples/NAME -->" and the end of the code block
behind it. --check: says which guide does not print them as they are, and writes nothing."""
import glob
import os
import re
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
stale = 0
for page in sorted(glob.glob("docs/**/*.md", recursive=True)):
    with open(page, encoding="utf-8") as file:
        text = file.read()

    def fill(found):
        with open(found.group(1), encoding="utf-8") as example:
            return f"<!-- {found.group(1)} -->\n```{found.group(2)}\n{example.read()}```\n"
    fresh = re.sub(r"<!-- (examples/\S+) -->\n```(\w*)\n.*?```\n", fill, text, flags=re.S)
    if fresh == text:
        continue
    stale += 1
    if "--check" in sys.argv:
        print(f"{page} does not print the examples as they are: run tools/examples.py")
    else:
        with open(page, "w", encoding="utf-8") as out:
            out.write(fresh)
        print(f"{page}: written")
sys.exit(1 if stale and "--check" in sys.argv else 0)
