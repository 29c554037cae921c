#!/usr/bin/python3
"""docs/guide/tls.md, followed by copy and paste."""
import shutil
import sys

from guide import finish, follow, ok

for tool in ("openssl", "curl"):
    if not shutil.which(tool):
        print(f"1..0 # SKIP {tool} is not installed")
        sys.exit(0)
parts = follow("tls.md")
ok("listening on wss://localhost:8765" in parts[1] and "localhost, until " in parts[1] and "TLS 1.2 and 1.3, groups " in parts[1],
   "the log says what is served", parts[1])
ok('{"type":"pong"' in parts[2], "a client talks through TLS", parts[2])
ok("use wss://" in parts[2], "one without TLS is told", parts[2])
ok('{"type":"chat_message","text":"through TLS twice"}' in parts[3], "a message goes through TLS twice", parts[3])
ok("IP address mismatch" in parts[4], "a certificate for another name is refused, and the record says so", parts[4])
ok('"role":"auditor"' in parts[6] and "this needs the role operator; the certificate has auditor" in parts[6], "an operator is who his certificate says, and may what its role may", parts[6])
ok("an admin token is needed" in parts[6], "without one a token is asked for", parts[6])
finish()
