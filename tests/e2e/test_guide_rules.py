#!/usr/bin/python3
"""docs/guide/rules.md, followed by copy and paste."""
import os
import re
import subprocess
import sys

from guide import finish, follow, ok

for name in [name for name in os.environ if name.startswith("FRAMEWALL_") and name != "FRAMEWALL_BIN"]:
    del os.environ[name]
PROGRAM = os.environ.get("FRAMEWALL_BIN") or sys.argv[1]
if "vectorscan none" in subprocess.run([PROGRAM, "version"], capture_output=True, text=True, check=True).stdout:
    print("1..0 # SKIP built without vectorscan")
    sys.exit(0)
parts = follow("rules.md")
ok("framewall.yaml: ok: " in parts[0], "the rules hold", parts[0])
verdicts = re.findall(r"^verdict: (\w+)", parts[1], re.M)
ok(verdicts == ["refuse", "flag", "flag", "pass"], "what they say", parts[1])
for what in ("text: a rule of the configuration (rule-2, 10 points)", "title: a rule of the configuration (statements, 4 points)",
             "text: the project is not spoken of (project-x, 10 points, flags)"):
    ok(what in parts[1], f"explain names it: {what}", parts[1])
ok("2 passed, 0 failed" in parts[2], "their tests hold", parts[2])
ok(re.search(r"bad.yaml:2:.*Missing close parenthesis", parts[2]), "no expression: its line, and the engine's words", parts[2])
ok(re.search(r"bad.yaml:2:.*(?i:not supported|lookbehind)", parts[2]), "what has no bound in time is none", parts[2])
finish()
