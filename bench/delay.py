#!/usr/bin/python3
"""How soon somebody sees what happens: bench/delay.py PROGRAM [--rate N] [--causes N]. While clients send N messages a second (20,000), another one is refused now
and then. From its send, by one clock, until: its event is on GET /api/v1/stream; the counter of /metrics has it (asked over and over; an answer that lacks it
counts until one has it); the handler of an alert rule, a webhook, got it. Percentiles of each, and the rate that was held. Exit 1: a p99 over BAR."""
import argparse
import base64
import http.server
import json
import multiprocessing
import os
import re
import select
import socket
import struct
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BAR = 0.1


def frame(text, mask=b"\x01\x02\x03\x04"):
    octets = text.encode()
    head = b"\x81" + (bytes([0x80 | len(octets)]) if len(octets) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(octets)))
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(octets))


def join(port, token, path="/"):
    one = socket.create_connection(("127.0.0.1", port))
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16)).decode()
    one.sendall((f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                 f"Authorization: Bearer {token}\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = one.recv(4096)
        if not more:
            sys.exit(f"delay.py: no upgrade: {answer[:200]!r}")
        answer += more
    if b" 101 " not in answer.split(b"\r\n")[0]:
        sys.exit(f"delay.py: no upgrade: {answer[:200]!r}")
    return one, answer.split(b"\r\n\r\n", 1)[1]


def load(port, tokens, rate, seconds, sent):
    """Pings at that rate, in bursts of ten of a connection; what is answered is read."""
    connections = [join(port, token)[0] for token in tokens]
    burst = frame('{"type":"ping"}') * 10
    for one in connections:
        one.setblocking(False)
    begun, bursts = time.monotonic(), 0
    while (now := time.monotonic() - begun) < seconds:
        due = int(now * rate / 10)
        while bursts < due:
            one = connections[bursts % len(connections)]
            try:
                size = one.send(burst)
                while size < len(burst):
                    select.select([], [one], [], 1)
                    size += one.send(burst[size:])
            except BlockingIOError:
                break
            bursts += 1
            sent.value += 10
        for one in select.select(connections, [], [], 0.002)[0]:
            one.recv(1 << 20)


class Stream(threading.Thread):
    """GET /api/v1/stream: when each event came, by its id."""

    def __init__(self, port, token):
        super().__init__(daemon=True)
        self.socket, self.rest = join(port, token, "/api/v1/stream")
        self.seen, self.missed = {}, 0

    def run(self):
        data = self.rest
        while True:
            while len(data) < 2 or len(data) < self.whole(data):
                more = self.socket.recv(1 << 20)
                if not more:
                    return
                data += more
            now, end = time.monotonic(), self.whole(data)
            text = data[self.head(data):end]
            data = data[end:]
            if text.startswith(b'{"type":"events"'):
                message = json.loads(text)["data"]
                self.missed += message["missed"]
                for event in message["events"]:
                    self.seen[event["event_id"]] = now

    @staticmethod
    def head(data):
        return 2 + {126: 2, 127: 8}.get(data[1] & 127, 0)

    @classmethod
    def whole(cls, data):
        size = data[1] & 127
        if len(data) < cls.head(data):
            return len(data) + 1
        if size == 126:
            size = struct.unpack(">H", data[2:4])[0]
        elif size == 127:
            size = struct.unpack(">Q", data[2:10])[0]
        return cls.head(data) + size


class Metric(threading.Thread):
    """GET /metrics on one connection over and over: when the count of refused messages was seen to be so high."""

    def __init__(self, port, token):
        super().__init__(daemon=True)
        self.port, self.token, self.seen, self.asked = port, token, [], 0

    def run(self):
        one = socket.create_connection(("127.0.0.1", self.port))
        request = f"GET /metrics HTTP/1.1\r\nHost: localhost:{self.port}\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode()
        data = b""
        while True:
            one.sendall(request)
            while True:
                end = data.find(b"\r\n\r\n")
                if end >= 0:
                    size = int(re.search(rb"(?i)content-length: (\d+)", data[:end]).group(1))
                    if len(data) >= end + 4 + size:
                        break
                more = one.recv(1 << 20)
                if not more:
                    return
                data += more
            now, body, data = time.monotonic(), data[end + 4:end + 4 + size], data[end + 4 + size:]
            self.asked += 1
            count = int(re.search(rb"^framewall_refused_total (\d+)", body, re.M).group(1))
            events = int(re.search(rb'^framewall_events_total\{event="invalid_message"\} (\d+)', body, re.M).group(1))
            self.seen += [now] * (min(count, events) - len(self.seen))
            time.sleep(0.01)


def webhook(seen):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            now = time.monotonic()
            for line in text.splitlines():
                record = json.loads(line)
                if record.get("event_type") == "alert_raised":
                    seen.setdefault(json.dumps(record), now)
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


CONFIG = """
rate_limiting:
  messages_per_minute: 10000000
  auth_attempts_per_minute: 1000000
  sessions_per_user_per_minute: 0
  auth_attempts_per_account: 0
  max_connections_per_ip: 100000
monitoring:
  auto_block: { violation_threshold: 1000000 }
  alerts:
    cooldown_period: 0
    rules:
      - { name: refused, on: [invalid_message], by: [user], level: critical, immediate: true }
audit_logging:
  receivers:
    - { name: handler, url: "http://127.0.0.1:PORT/", allow_http: true, allow_private: true, events: [alert_raised], checkpoints: false }
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("program")
    parser.add_argument("--rate", type=int, default=20000, help="messages a second beside it (20,000)")
    parser.add_argument("--causes", type=int, default=500, help="messages that are refused (500)")
    parser.add_argument("--pause", type=float, default=0.04, help="seconds between them (0.04)")
    arguments = parser.parse_args()
    sys.argv[1:] = [arguments.program]
    sys.path.insert(0, os.path.join(HERE, "../tests/e2e"))
    from framewall import Framewall

    handled = {}
    port = webhook(handled)
    with Framewall(CONFIG.replace("PORT", str(port)), "--admin", "localhost:0", places=("--listen", "localhost:0"), check=False) as server:
        with open(os.path.join(server.data, "admin.token")) as file:
            token = file.read().strip()
        sent = multiprocessing.Value("q", 0)
        seconds = arguments.causes * arguments.pause + 3
        tokens = [server.token(f"load{n}") for n in range(50)]
        loader = multiprocessing.Process(target=load, args=(server.port, tokens, arguments.rate, seconds, sent), daemon=True)
        loader.start()
        stream, metric = Stream(server.admin_port(), token), Metric(server.admin_port(), token)
        stream.start()
        metric.start()
        causes = []
        connections = [join(server.port, server.token(f"cause{n}"))[0] for n in range(50)]
        time.sleep(1.5)
        first, begun = sent.value, time.monotonic()
        cpu = server.cpu()
        for n in range(arguments.causes):
            one = connections[n % len(connections)]
            causes.append((time.monotonic(), one))
            one.sendall(frame('{"type":"chat_message","text":7}'))
            time.sleep(arguments.pause)
        took, messages = time.monotonic() - begun, sent.value - first
        cpu = server.cpu() - cpu
        time.sleep(2)
        ids = {}
        for one in connections:  # what each was answered: the id of its record
            text = one.recv(1 << 20).decode(errors="replace")
            ids[one] = re.findall(r'"event_id":"([0-9a-f]+)"', text)
        rows = {"live stream": [], "counter in /metrics": [], "alert handler (webhook)": []}
        for n, (at, one) in enumerate(causes):
            event = ids[one][n // len(connections)]
            if event in stream.seen:
                rows["live stream"].append(stream.seen[event] - at)
            if n < len(metric.seen):
                rows["counter in /metrics"].append(metric.seen[n] - at)
            came = [when for record, when in handled.items() if event in record]
            if came:
                rows["alert handler (webhook)"].append(min(came) - at)
        loader.join(10)
    print(f"{messages / took:,.0f} messages a second beside it, {cpu / took:.2f} cores of the server, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; /metrics was asked {metric.asked} times\n")
    print("| from the cause to | of | p50 | p90 | p99 | most |\n|---|---|---|---|---|---|")
    for name, values in rows.items():
        print(f"| {name} | {len(values)} of {len(causes)} | " + " | ".join(f"{percentile(values, share) * 1000:.1f} ms" for share in (0.5, 0.9, 0.99, 1)) + " |")
    met = all(len(values) == len(causes) and percentile(values, 0.99) <= BAR for values in rows.values())
    print(f"\nbar: p99 of {BAR * 1000:.0f} ms at {arguments.rate:,} messages a second: {'met' if met else 'missed'}")
    return 0 if met and messages / took >= 0.98 * arguments.rate else 1


if __name__ == "__main__":
    sys.exit(main())
