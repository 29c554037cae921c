#!/usr/bin/python3
"""docs/guide/html-fields.md, followed by copy and paste."""
from guide import finish, follow, ok

seen, configured = follow("html-fields.md")
ok("if (a < b) vector&lt;int> v; press &lt;b> & go" in seen, "what is no markup is seen as typed", seen)
ok(r'<b>yes</b>, <a href=\"https://example.com/?a=1&b=2\">here</a>' in seen, "a pair stays, with what is allowed of its attributes", seen)
ok("&lt;img src=x onerror=alert(1)> <a>x</a>" in seen, "an attack arrives as text", seen)
ok('bad.yaml:1:37: error: "validation.allowed_html_tags": "style" is a tag that cannot be made safe: what is inside' in configured and "framewall.yaml" in configured,
   "a tag that cannot be made safe is refused with its line and the reason", configured)
finish()
