#!/usr/bin/python3
"""Makes the seeds of fuzz_conn: a choice octet, a cut octet, a handshake and masked frames."""
import os
import struct

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fuzz_conn")
HEAD = ("GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{}"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def frame(payload, opcode=1, fin=1, mask=b"\x01\x02\x03\x04"):
    payload = payload.encode() if isinstance(payload, str) else payload
    size = struct.pack("!B", 128 | len(payload)) if len(payload) < 126 else struct.pack("!BH", 254, len(payload))
    return bytes([fin << 7 | opcode]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


frames = [frame('{"type":"chat_message","text":"hello <b>x</b><img src=x onerror=1>"}'), frame('{"type":"ping","timestamp":1}'),
          frame("hi", 9), frame('{"type":"create_task","title":"x","csrf_token":"y"}'), frame('{"type":"typ', 1, 0), frame("p", 9),
          frame('ing"}', 0), frame('{"type":"csrf_refresh"}'), frame('{"type":"auth","method":"api_key","api_key":"fw_x"}'),
          frame("[1]"), frame("nope"), frame(b"\xff\xfe"), frame(struct.pack("!H", 1000) + b"bye", 8)]
number = 0
for choice in (0, 1, 2, 3, 4, 66):
    for cut in (0, 3, 17):
        for extra in ("", "Origin: http://localhost\r\n", "Authorization: Bearer a.b.c\r\n", "Sec-WebSocket-Protocol: framewall.bearer, a.b.c\r\n"):
            with open(f"{here}/{number:03}", "wb") as out:
                out.write(bytes([choice, cut]) + HEAD.format(extra).encode() + b"".join(frames[number % 5:]))
            number += 1
