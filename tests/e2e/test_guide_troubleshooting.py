#!/usr/bin/python3
"""docs/guide/troubleshooting.md, followed by copy and paste."""
import sys

try:
    import websockets
except ImportError as error:
    print(f"1..0 # SKIP {error}")
    sys.exit(0)

from guide import finish, follow, ok

parts = follow("troubleshooting.md")
token, limit, content, debug = parts[1], parts[2] + parts[3], parts[4], parts[5]
ok(token.count('"message": "Invalid or expired JWT token"') == 1 and '"cause":"signature"' in token and "not valid: signature" in token,
   "a token of another server reads the one text, and the record says why", token)
ok("Rate limit exceeded: again in 1 s or more" in parts[2] and '"cause":"messages per minute"' in parts[2], "a client above its rate is told when to come again", parts[2])
ok("62 asked, 62 answered" in parts[2], "one that waits so is answered at last", parts[2])
ok(parts[3].strip() == "62 asked, 62 answered", "with a higher limit it need not wait", parts[3])
ok("&lt;img src=x onerror=alert(1)> is <b>no</b> picture" in content and "verdict: rewrite" in content, "an attack arrives as text", content)
ok("verdict: refuse INVALID_MESSAGE" in content and content.count('"attachments/0/url"') == 2, "a link to the own network is refused, explained and recorded by its field", content)
ok("auth_failure method=jwt cause=signature" in debug, "debug says why on standard error", debug)
finish()
