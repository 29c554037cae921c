"""Frames of RFC 6455, read strictly, but for what a switch of the weak server leaves out."""
import struct
import zlib


class Broken(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code


def frame(first, payload, masked=False):
    mask = 0x80 if masked else 0
    head = bytes([first])
    if len(payload) < 126:
        head += bytes([mask | len(payload)])
    elif len(payload) < 65536:
        head += bytes([mask | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([mask | 127]) + struct.pack(">Q", len(payload))
    return head + (b"\0\0\0\0" if masked else b"") + payload


def text_frame(text):
    return frame(0x81, text.encode("utf-8", "replace"))


def close_frame(code, reason=""):
    return frame(0x88, struct.pack(">H", code) + reason.encode() if code != 1005 else b"")


class Frames:
    MOST, FRAGMENTS = 16384, 256

    def __init__(self, weak):
        self.weak = weak
        self.input = bytearray()
        self.deflate = False
        self.parts, self.kind, self.compressed, self.count, self.size = [], 0, False, 0, 0

    def feed(self, data):
        self.input += data

    def wrong(self, switch, code=1002):
        if "protocol." + switch not in self.weak:
            raise Broken(code)

    def most(self):
        return 1 << 26 if {"input.message_size", "flood.deflate_bomb"} & self.weak else self.MOST

    def take(self):
        """first, payload; None: not whole yet."""
        data = self.input
        if len(data) < 2:
            return None
        size, at = data[1] & 127, 2
        if size == 126:
            if len(data) < 4:
                return None
            size, at = struct.unpack(">H", data[2:4])[0], 4
            if size < 126:
                self.wrong("length_minimal")
        elif size == 127:
            if len(data) < 10:
                return None
            size, at = struct.unpack(">Q", data[2:10])[0], 10
            if size < 65536:
                self.wrong("length_minimal")
            if size >> 63:
                self.wrong("length_huge")
                size = 0
        if not data[1] & 0x80:
            self.wrong("unmasked")
        elif len(data) < at + 4:
            return None
        if size > self.most():
            raise Broken(1009)
        mask, at = (data[at:at + 4], at + 4) if data[1] & 0x80 else (b"\0\0\0\0", at)
        if len(data) < at + size:
            return None
        payload = bytes(data[at:at + size])
        if mask != b"\0\0\0\0" and size:
            key = (bytes(mask) * (size // 4 + 1))[:size]
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
        first = data[0]
        del self.input[:at + size]
        return first, payload

    def close(self, payload):
        if len(payload) == 1:
            self.wrong("close_short")
            return ("close", 1000)
        if not payload:
            return ("close", 1005)
        code = struct.unpack(">H", payload[:2])[0]
        if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
            self.wrong("close_code")
            return ("close", 1000)
        try:
            payload[2:].decode()
        except UnicodeDecodeError:
            self.wrong("close_utf8", 1007)
        return ("close", code)

    def control(self, first, payload):
        if not first & 0x80:
            self.wrong("control_fragmented")
        if len(payload) > 125:
            self.wrong("control_long")
        kind = first & 15
        if kind == 8:
            return self.close(payload)
        if kind == 9:
            return ("write", frame(0x8A, payload[:125], "protocol.server_frames" in self.weak and payload == b"scan"))
        if kind != 10:
            self.wrong("reserved_control")
        return None

    def inflate(self, data):
        most = 1 << 26 if "flood.deflate_bomb" in self.weak else self.MOST
        engine = zlib.decompressobj(-15)
        plain = engine.decompress(data + b"\0\0\xff\xff", most + 1)
        if len(plain) > most:
            raise Broken(1009)
        return plain

    def whole(self):
        data, count, compressed = b"".join(self.parts), self.count, self.compressed
        self.parts, self.kind, self.count, self.size = [], 0, 0, 0
        if compressed:
            data = self.inflate(data)
        if len(data) > self.MOST and "input.message_size" not in self.weak:
            if "flood.deflate_bomb" in self.weak:
                return None
            raise Broken(1009)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.wrong("utf8", 1007)
            text = data.decode("utf-8", "replace")
        return ("message", text, count, compressed)

    def data(self, first, payload):
        kind = first & 15
        if kind == 0 and not self.kind:
            self.wrong("continuation_alone")
            return None
        if kind > 2:
            self.wrong("reserved_opcode")
            return None
        if kind and self.kind:
            self.wrong("interleaved")
            self.parts, self.count, self.size = [], 0, 0
        if kind:
            self.kind, self.compressed = kind, bool(first & 0x40)
        self.parts.append(payload)
        self.count += 1
        self.size += len(payload)
        flooded = "flood.fragments" in self.weak and payload or "flood.empty_fragments" in self.weak and not payload
        if self.count > self.FRAGMENTS and not flooded:
            raise Broken(1008)
        if self.size > self.most() and not flooded:
            raise Broken(1009)
        return self.whole() if first & 0x80 else None

    def events(self):
        while True:
            taken = self.take()
            if taken is None:
                return
            first, payload = taken
            if first & 0x30 or (first & 0x40 and not self.deflate):
                self.wrong("reserved_bits")
            event = self.control(first, payload) if first & 8 else self.data(first, payload)
            if event:
                yield event
