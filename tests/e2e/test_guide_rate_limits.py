#!/usr/bin/python3
"""docs/guide/rate-limits.md, followed by copy and paste."""
from guide import finish, follow, ok

parts = follow("rate-limits.md")
ok("5 pong" in parts[0] and "6 error RATE_LIMITED 1" in parts[0] and "7 error RATE_LIMITED 1" in parts[0], "five pass, over two connections, the sixth does not", parts[0])
ok('2 "cause":"messages per minute of this user"' in parts[1], "the record says by which limit", parts[1])
ok('"rate_limit_violations":2' in parts[1], "and the figures how many", parts[1])
ok("7 pong" in parts[2] and "RATE_LIMITED" not in parts[2], "a higher limit counts at once", parts[2])
finish()
