#!/usr/bin/python3
"""docs/guide/dashboard.md, followed by copy and paste."""
import shutil
import sys

if shutil.which("curl") is None:
    print("1..0 # SKIP curl is not installed")
    sys.exit(0)

from guide import finish, follow, ok

parts = follow("dashboard.md")
ok("#token=fwadmin_" in parts[0], "a token of the auditor, and where to go with it", parts[0])
ok("mode enforce, stages limit, " in parts[1] and "note needs chat.send and has at most" in parts[1], "the policy that is in use", parts[1])
ok("validation.inspect.exceptions ['note text FW-SHELL-*', 'note text FW-PATH-*'] line 2\n" in parts[1], "and where a value is set", parts[1])
said = parts[2].splitlines()
ok(said[0] == '"verdict":"refuse","code":"INVALID_MESSAGE","type"' and '"note text FW-SQL-001"' in said[1], "an attack is refused, and how to except it", parts[2])
ok(said[2].startswith('"verdict":"pass"') and '"message":{"type":"note"' in said[2], "what is excepted passes", parts[2])
ok(said[3] == '"stage":"rbac","verdict":"refuse"', "who may not", parts[2])
ok(said[4] == '"verdict":"pass"', "what a client gets", parts[2])
finish()
