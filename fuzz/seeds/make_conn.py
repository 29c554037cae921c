#!/usr/bin/python3
"""Makes the seeds of fuzz_conn: a choice octet, a cut octet, a handshake and masked frames."""
import os
import struct
import zlib

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fuzz_conn")
HEAD = ("GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{}"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def deflated(text):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (compressor.compress(text.encode()) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


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
# Compressed: hub and upstream, the latter also with an upstream that says the same back (unmasked frames).
RSV1 = 0x40
whole = deflated('{"type":"chat_message","text":"' + "hello " * 30 + '"}')
pieces = [frame(whole, RSV1 | 1), frame(whole[:9], RSV1 | 1, 0), frame("p", 9), frame(whole[9:], 0), frame("plain"), frame(b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", RSV1 | 2),
          frame(deflated("a" * 2000000), RSV1 | 2), frame(b"\x00", RSV1 | 1), frame(b"\xff\xff", RSV1 | 1)]
back = [bytes([0xc1, len(whole)]) + whole, b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"]
for choice in (5, 6, 69):
    for cut in (0, 3, 17):
        for offer in ("permessage-deflate", "permessage-deflate; server_max_window_bits=8, permessage-deflate; client_max_window_bits"):
            with open(f"{here}/{number:03}", "wb") as out:
                out.write(bytes([choice, cut]) + HEAD.format(f"Sec-WebSocket-Extensions: {offer}\r\n").encode()
                          + b"".join(back if choice == 69 else pieces))
            number += 1
