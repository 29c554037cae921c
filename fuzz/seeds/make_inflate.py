#!/usr/bin/python3
"""Makes the seeds of fuzz_inflate: a compressed message and four octets of choices."""
import os
import zlib

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fuzz_inflate")
os.makedirs(here, exist_ok=True)


def deflated(octets, level=6, bits=15, strategy=zlib.Z_DEFAULT_STRATEGY):
    compressor = zlib.compressobj(level, zlib.DEFLATED, -bits, 8, strategy)
    return (compressor.compress(octets) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


text = b"".join(b'{"type":"chat_message","n":%d,"text":"the quick brown fox"}' % n for n in range(60))
messages = [b"", b"\x00", b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00", b"\xf3\x48\xcd\xc9\xc9\x07\x00\x01", b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
            b"\xf2\x00\x11\x00\x00", b"\x01", b"\x06", b"\xff\xff", deflated(text), deflated(text, 9), deflated(text, 1), deflated(text, 0), deflated(text, 6, 9),
            deflated(text, 6, 15, zlib.Z_FIXED), deflated(text, 6, 15, zlib.Z_HUFFMAN_ONLY), deflated(text, 6, 15, zlib.Z_RLE), deflated(text)[:-9],
            deflated(bytes(8192)), deflated(bytes(8193)), deflated(bytes(1 << 20)), deflated(bytes((1 << 20) + 1)), deflated(bytes(5 << 20)),
            deflated(bytes(range(256)) * 9000)]
for number, message in enumerate(messages):
    with open(f"{here}/{number:03}", "wb") as out:
        out.write(message + bytes([number % 8, 7, 0, 1]))
