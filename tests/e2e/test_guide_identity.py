#!/usr/bin/python3
"""docs/guide/identity-providers.md, followed by copy and paste."""
import sys

try:
    import jwt
    import cryptography
    import websockets
except ImportError as error:
    print(f"1..0 # SKIP {error}")
    sys.exit(0)

from guide import finish, follow, ok

parts = follow("identity-providers.md")
ok("authentication.issuers[0].key[0]: ES256" in parts[0] and "roles.user: [staff]" in parts[0], "the configuration is shown", parts[0])
ok('{"type":"pong"' in parts[1], "alice is in", parts[1])
ok("refused: 401" in parts[1], "mallory is not", parts[1])
ok("no role" in parts[1], "and the record says why", parts[1])
ok("credentials of before count no more: alice" in parts[2] and "disabled: mallory" in parts[2] and "laptop stolen" in parts[2], "both are revoked", parts[2])
ok("refused: 401" in parts[2], "and the token that was good is not", parts[2])
ok("issuer_keys" in parts[3] and '{"type":"pong"' in parts[3], "alice is in by keys that were fetched", parts[3])
ok('{"type":"pong"' in parts[4] and parts[4].count("refused: 401") == 2, "carol is in, once", parts[4])
ok("dpop: replayed" in parts[4] and "dpop: a bound token without a proof" in parts[4], "and the record says why not more often", parts[4])
ok('{"type":"pong"' in parts[5] and "spiffe://example.org/ns/prod/sa/chat" in parts[5] and '"method":"certificate"' in parts[5], "a service is in by its certificate", parts[5])
finish()
