#!/usr/bin/python3
"""docs/guide/asyncapi.md, followed by copy and paste."""
import os
import re

from guide import finish, follow, ok

for name in [name for name in os.environ if name.startswith("FRAMEWALL_") and name != "FRAMEWALL_BIN"]:
    del os.environ[name]
parts = follow("asyncapi.md")
for text in ('path: "/v1/desk/{desk}"', 'discriminator: "/event"', "permission: orders.write", "messages_per_minute: 120", "framewall.yaml: ok: ", 'the permission of the scope "orders:write" is "orders.write"'):
    ok(text in parts[0], f"the import has {text}", parts[0])
verdicts = re.findall(r"^verdict: (.*)$", parts[1], re.M)
ok(verdicts == ["pass", "refuse INVALID_MESSAGE", "refuse PERMISSION_DENIED", "refuse INVALID_MESSAGE"], "four messages are judged", parts[1])
for problem in ("side: enum", "amount: exclusive_minimum", "note: unknown"):
    ok(problem in parts[1], f"it names {problem}", parts[1])
verdicts = re.findall(r"^verdict: (\w+)", parts[2], re.M)
ok(verdicts == ["pass", "refuse", "refuse"], "and three of the server's", parts[2])
ok('other.yaml:3:12: error: no server speaks ws or wss: "broker" speaks kafka' in parts[3] and parts[3].count("exit 1") == 2, "another protocol is refused with its line", parts[3])
ok(re.search(r'twice.yaml:9:\d+: error: the messages "cancel" \(twice.yaml:10:\d+\) and "place" \(twice.yaml:9:\d+\) cannot be told apart', parts[3]), "so are two messages that nothing tells apart", parts[3])
for line in ("opens   place: amount: maximum 500000, was 100000", 'opens   place: side: another value: "short"', 'opens   cancel: a new member "who"', 'opens   filled of the server: a new member "who"', "4 open, 0 close, 0 change", "exit 1"):
    ok(line in parts[4], f"the difference has: {line}", parts[4])
finish()
