#!/usr/bin/python3
"""docs/guide/messages.md, followed by copy and paste."""
import os
import re

from guide import finish, follow, ok

for name in [name for name in os.environ if name.startswith("FRAMEWALL_") and name != "FRAMEWALL_BIN"]:
    del os.environ[name]
parts = follow("messages.md")
ok("framewall.yaml: ok: " in parts[0], "the messages hold", parts[0])
verdicts = re.findall(r"^verdict: (.*)$", parts[1], re.M)
for what, verdict in zip(("what holds", "a message with four problems", "a field of another role", "a type that asks for a permission", "a type of the contract"),
                         ("pass", "refuse INVALID_MESSAGE", "refuse PERMISSION_DENIED", "refuse PERMISSION_DENIED", "refuse INVALID_MESSAGE")):
    ok(verdicts and verdicts.pop(0) == verdict, f"{what}: {verdict}", parts[1])
ok(not verdicts, "there are no others", parts[1])
ok("routes[0].discriminator: /op" in parts[2] and "messages.2.permission: any" in parts[2], "the place of the type is shown", parts[2])
verdicts = re.findall(r"^verdict: (.*)$", parts[3], re.M)
ok(verdicts == ["refuse INVALID_MESSAGE", "pass", "refuse INVALID_MESSAGE"], "by a schema, and one of another document", parts[3])
for problem in ("side: enum", "symbol: pattern", "price: unknown", "to/zip: unknown"):
    ok(problem in parts[3], f"it names {problem}", parts[3])
verdicts = re.findall(r"^verdict: (.*)$", parts[4], re.M)
ok(verdicts == ["rewrite", "refuse INVALID_MESSAGE"], "texts with classes by a schema", parts[4])
for problem in ("file: format (path)", "home: format (url)"):
    ok(problem in parts[4], f"it names {problem}", parts[4])
ok("5 passed" in parts[5], "what a server sends: the tests hold", parts[5])
for problem in ("symbol: format", "price: minimum 0", "cost: unknown"):
    ok(problem in parts[5], f"of the server's message it names {problem}", parts[5])
ok("verdict: refuse INVALID_MESSAGE" in parts[5], "and it is kept back", parts[5])
finish()
