#!/usr/bin/python3
"""docs/guide/test-your-policy.md, followed by copy and paste; each key of a test and of a step is in its tables."""
import os
import re

from guide import finish, follow, ok

HERE = os.path.dirname(os.path.abspath(__file__))
for name in [name for name in os.environ if name.startswith("FRAMEWALL_") and name != "FRAMEWALL_BIN"]:
    del os.environ[name]
parts = follow("test-your-policy.md")
ok("tests.yaml: 4 tests, 4 passed, 0 failed" in parts[0], "the first tests hold", parts[0])
ok("tests.yaml:7: expected to be refused, but it passes" in parts[1] and "4 tests, 3 passed, 1 failed" in parts[1] and "exit 1" in parts[1], "one that does not says why", parts[1])
ok("sequences.yaml: 7 tests, 7 passed, 0 failed" in parts[2], "sequences hold", parts[2])
with open(os.path.join(HERE, "../../docs/guide/test-your-policy.md"), encoding="utf-8") as file:
    tables = "".join(line.split("|")[1] for line in file.read().splitlines() if line.startswith("| `"))
with open(os.path.join(HERE, "../../src/policy/config_tests_step.c"), encoding="utf-8") as file:
    keys = re.findall(r'"(\w+)"', re.search(r"config_tests_members\[MEMBERS\] = \{(.*?)\};", file.read(), re.S).group(1))
ok(len(keys) == 29 and all(f"`{key}`" in tables for key in keys), "each key is explained", str([key for key in keys if f"`{key}`" not in tables]))
finish()
