#!/usr/bin/python3
"""docs/guide/processes.md, followed by copy and paste."""
import re
import shutil
import sys

for tool in ("ps", "pgrep"):
    if shutil.which(tool) is None:
        print(f"1..0 # SKIP {tool} is not installed")
        sys.exit(0)

from guide import finish, follow, ok

parts = follow("processes.md")
ok(all(re.search(rf"^ *\d+ +\d+ +\S+ +{name}$", parts[0], re.M) for name in ("framewall", "fw-gate", "fw-keeper")), "ps shows three processes", parts[0])
ok(re.search(r"gate \d+.* as user ", parts[0]), "and the start says as whom they run", parts[0])
ok("gate fell" in parts[1], "that the gate fell is in the record", parts[1])
ok("active connections" in parts[1] and "\nthe record holds\n" in parts[1], "a command waits for the next keeper, and the record holds", parts[1])
ok(parts[2].strip().endswith("one process"), "--single is one", parts[2])
finish()
