#!/usr/bin/python3
"""docs/guide/five-minutes.md, followed by copy and paste."""
from guide import finish, follow, ok

parts = follow("five-minutes.md")
ok('{"type":"chat_message","text":5}' in parts[2] and '"would":"refuse"' in parts[2], "monitor changes nothing and records what it would do", parts[2])
ok('{"type":"chat_message","text":"a < b && c"}' in parts[3], "a permitted message comes back", parts[3])
ok('"INVALID_MESSAGE"' in parts[3] and '"field":"text"' in parts[3], "a refused one is explained", parts[3])
ok("&lt;img" in parts[3], "markup is passed on as text", parts[3])
ok("refuse" in parts[4] or "PERMISSION" in parts[4], "explain says why", parts[4])
ok("active" in parts[5].lower(), "stats prints figures", parts[5])
finish()
