#!/usr/bin/python3
"""docs/guide/scenarios.md, followed by copy and paste."""
import os
import re

from guide import finish, follow, ok

for name in [name for name in os.environ if name.startswith("FRAMEWALL_") and name != "FRAMEWALL_BIN"]:
    del os.environ[name]
parts = follow("scenarios.md")
ok("framewall.yaml: ok" in parts[0], "the configuration holds", parts[0])
ok(re.search(r"401 401 401 401 401 (401|200|101) ", parts[0]), "guesses are refused", parts[0])
ok(re.search(r"127\.0\.0\.1 .*scenario guessing: 6 events", parts[0]), "the sixth blocks, and the list says why", parts[0])
ok(re.search(r"scenario_fired.*127\.0\.0\.1", parts[0]), "and the record", parts[0])
ok("scenario guessing" in parts[1], "it is explained and undone", parts[1])
ok(re.search(r"guessing +block +127\.0\.0\.1  6 events", parts[2]) and "fired 1 times" in parts[2], "the record is replayed", parts[2])
ok("2 tests, 2 passed, 0 failed" in parts[3], "and makes tests", parts[3])
finish()
