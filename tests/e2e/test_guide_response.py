#!/usr/bin/python3
"""docs/guide/response.md, followed by copy and paste."""
import os
import re

from guide import finish, follow, ok

for name in [name for name in os.environ if name.startswith("FRAMEWALL_") and name != "FRAMEWALL_BIN"]:
    del os.environ[name]
parts = follow("response.md")
ok("framewall.yaml: ok" in parts[0], "the configuration holds", parts[0])
ok(re.search(r"^INVALID_MESSAGE\nPERMISSION_DENIED$", parts[0], re.M), "he is refused from then on", parts[0])
ok(re.search(r"isolate +.*mallory.*calm +invalid_message", parts[0]) and re.search(r"block +.*mallory.*would-block.*true", parts[0]), "both are listed", parts[0])
ok(parts[0].count("response_applied") == 2, "and in the record", parts[0])
ok("undone: " in parts[1] and "PERMISSION_DENIED" not in parts[1], "undone, he goes on", parts[1])
ok("isolate" not in parts[1].split("undone: ")[1].split("\n", 1)[1].split("response_ended")[0] and "response_ended" in parts[1], "which is in the record", parts[1])
ok("AUTH_FAILED" in parts[2] and "step_up" in parts[2], "another login is asked for", parts[2])
finish()
