#!/usr/bin/python3
"""docs/guide/users.md, followed by copy and paste."""
import shutil
import sys

try:
    import websockets
except ImportError as error:
    print(f"1..0 # SKIP {error}")
    sys.exit(0)
if shutil.which("curl") is None:
    print("1..0 # SKIP curl is not installed")
    sys.exit(0)

from guide import finish, follow, ok

parts = follow("users.md")
ok("added: alice" in parts[0] and "moderator" in parts[0], "alice is added", parts[0])
ok("moderator\n" in parts[1] and parts[1].count("AUTH_FAILED: Invalid user or password\n") == 2, "she comes in, others do not, in one text", parts[1])
ok("wrong password of alice" in parts[1] and "unknown user" in parts[1], "the record says why", parts[1])
ok("on the list of those that thefts made known" in parts[2] and "at least 15 characters" in parts[2] and "added" not in parts[2], "a known password is not taken, nor a short one", parts[2])
ok('{"ticket":"fwt_\u2026","expires_in":30}' in parts[3], "carol gets a ticket", parts[3])
ok('{"type":"pong"' in parts[3] and parts[3].count("refused: 401") == 1, "and is in with it, once", parts[3])
finish()
