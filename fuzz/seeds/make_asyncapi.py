#!/usr/bin/python3
"""Seeds of fuzz_asyncapi: documents of both versions, which between them have every member that is read."""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
TEST = open(os.path.join(HERE, "../../tests/e2e/test_asyncapi.py"), encoding="utf-8").read()
SCHEMAS, TWO, THREE = (re.search(rf'^{name} = """(.*?)"""', TEST, re.S | re.M).group(1) for name in ("SCHEMAS", "TWO", "THREE"))
MORE = """asyncapi: 3.1.0
defaultContentType: application/json
servers: { k: { host: h, protocol: kafka }, s: { $ref: 'o.yaml#/s' } }
channels:
  a: { address: null, servers: [ { $ref: '#/servers/s' } ], bindings: { ws: { method: POST, query: {} }, mqtt: {} }, messages: { m: { $ref: 'o.yaml#/m' } } }
  b: { address: '/b/{x}', messages: { n: { payload: { oneOf: [ { properties: { type: { const: 1 } } }, { properties: { type: { enum: [2, 3] } } } ] }, x-roles: [user], x-rate-limit: 5 } } }
operations:
  p: { action: receive, channel: { $ref: '#/channels/a' }, security: [ { type: http, scheme: bearer, scopes: [ 'a:b', c ] }, { type: X509 } ] }
  q: { action: send, channel: { $ref: '#/channels/b' }, messages: [ { $ref: '#/channels/b/messages/n' } ], reply: { address: {}, channel: { $ref: '#/channels/a' } } }
\0s: { host: '{v}:1', pathname: /p, protocol: ws, variables: { v: { default: h } } }
m: { payload: { type: object, dependencies: { a: [b], c: { required: [d] } }, items: [ {}, { $ref: '#/m/payload' } ], additionalItems: false, if: { const: 1 }, then: { not: { properties: { e: true } } }, patternProperties: { '^x': false } } }
"""

for name, options, text in (("two", b"\0", TWO + SCHEMAS), ("three", b"\0", THREE + SCHEMAS), ("client", b"\1", THREE + SCHEMAS), ("files", b"\2", MORE), ("open", b"\x0f", MORE)):
    with open(os.path.join(HERE, "fuzz_asyncapi", name), "wb") as file:
        file.write(options + text.encode())
