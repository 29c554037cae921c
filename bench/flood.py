"""One attacker, or the honest client, of bench/floods.py: flood.py KIND PORT SECONDS BEARER. An attacker takes half a core at most: it sleeps for as long
as it worked. Addresses are of 127.0.0.0/8, the honest one's is another. Nothing of Framewall in it."""
import json
import os
import socket
import struct
import sys
import time
import zlib

HALF = 0.5
HONEST = "127.0.0.9"


def frame(payload, opcode=1, final=True):
    size = len(payload)
    head = bytes([(0x80 if final else 0) | opcode, 0x80 | (size if size < 126 else 126 if size < 65536 else 127)])
    head += b"" if size < 126 else struct.pack("!H" if size < 65536 else "!Q", size)
    return head + bytes(4) + payload


class Client:
    def __init__(self, port, source, bearer=None, buffer=None, more=""):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.bind((source, 0))
        self.socket.settimeout(5)
        self.socket.connect(("127.0.0.1", port))
        self.waiting = b""
        if bearer is None:
            return
        self.socket.sendall((f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {bearer}\r\n{more}\r\n").encode())
        while b"\r\n\r\n" not in self.waiting:
            piece = self.socket.recv(65536)
            if not piece:
                raise OSError("closed")
            self.waiting += piece
        if b" 101 " not in self.waiting[:20]:
            raise OSError("refused")
        self.waiting = self.waiting.partition(b"\r\n\r\n")[2]

    def answered(self, what):
        """Reads until what is there."""
        while what not in self.waiting:
            piece = self.socket.recv(65536)
            if not piece:
                raise OSError("closed")
            self.waiting += piece
        self.waiting = b""


def honest(port, seconds, bearer):
    """A hundred times a second; the times of the answers, in µs, and failures."""
    times, failed, client = [], 0, None
    end, turn = time.monotonic() + seconds, time.monotonic()
    while turn < end:
        begun = time.perf_counter()
        try:
            client = client or Client(port, HONEST, bearer)
            mark = b"%d" % (7310000000 + len(times))  # which is in the answer
            client.socket.sendall(frame(b'{"type":"ping","timestamp":%s}' % mark))
            client.answered(mark)
            times.append((time.perf_counter() - begun) * 1e6)
        except OSError:
            failed, client = failed + 1, None
        turn += 0.01
        time.sleep(max(0, turn - time.monotonic()))
    print(json.dumps({"times": times, "failed": failed}))


def source(number):
    return f"127.{1 + number // 250 % 4}.{number % 250}.7"


class Attack:
    def __init__(self, port, bearer):
        self.port, self.bearer, self.number, self.kept = port, bearer, 0, []
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.bomb = frame((deflater.compress(bytes(16 << 20)) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4], 0x41)
        self.blobs = {"pings": frame(b"", 9) * 500, "fragments": frame(b"x", final=False) + frame(b"x", 0, final=False) * 500,
                      "empty": frame(b"x", final=False) + frame(b"", 0, final=False) * 500, "nonsense": frame(b"{") * 100,
                      "work": frame(b'{"a":' * 1300 + b"1" + b"}" * 1300) * 4, "deaf": frame(b'{"type":"ping"}') * 500, "bombs": self.bomb}

    def step(self, kind):
        self.number += 1
        if kind == "connections":
            Client(self.port, source(self.number)).socket.close()
        elif kind == "heads":
            client = Client(self.port, source(self.number))
            client.socket.sendall(b"GET / HTTP/1.1\r\n" if self.number % 2 else b"")
            self.keep(client, 1000)
            for other in self.kept[::50]:
                other.socket.send(b"X")
        elif kind in ("pings", "fragments", "empty", "nonsense", "work", "deaf", "bombs"):
            # Each goes on for as long as it is let, ten at once; the next one is another.
            if len(self.kept) < 10:
                client = Client(self.port, source(self.number), self.bearer, 4096 if kind == "deaf" else None,
                                "Sec-WebSocket-Extensions: permessage-deflate\r\n" if kind == "bombs" else "")
                client.socket.setblocking(False)
                self.kept.append(client)
            client = self.kept.pop(0)
            try:
                client.socket.send(self.blobs[kind])
            except BlockingIOError:
                if kind != "deaf":  # a frame that is cut would be another attack
                    client.socket.close()
                    return
            try:
                while kind != "deaf" and client.socket.recv(1 << 20):
                    pass
            except BlockingIOError:
                pass
            self.kept.append(client)

    def keep(self, client, most):
        self.kept.append(client)
        if len(self.kept) > most:
            self.kept.pop(0).socket.close()

    def run(self, kind, seconds):
        end, steps = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            begun = time.monotonic()
            spent = time.process_time()
            for _ in range(20):
                try:
                    self.step(kind)
                    steps += 1
                except OSError:
                    pass
            worked = time.process_time() - spent
            time.sleep(max(0.0005, worked / HALF - (time.monotonic() - begun)))
        print(steps)


def main():
    kind, port, seconds, bearer = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    if kind == "honest":
        honest(port, seconds, bearer)
    else:
        os.nice(5)
        Attack(port, bearer).run(kind, seconds)


if __name__ == "__main__":
    main()
