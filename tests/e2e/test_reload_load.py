"""100 reloads while 1,000 sockets send numbered messages, half of them to a server behind, half to the hub: nothing is dropped, nothing
comes twice or in another order, nobody is cut off. The second argument says for how many seconds (6)."""
import base64
import hashlib
import http.client
import json
import multiprocessing
import os
import resource
import select
import socket
import struct
import sys
import threading
import time

import framewall as fw

SOCKETS, RELOADS, WINDOW, ENDLESS = 1000, 100, 3, 1 << 60
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 6
CONFIG = fw.RELAXED.replace("websocket:", "websocket:\n  ping_interval: 0\n  stall_timeout: %d") + """
routes:
  - { path: /relay, upstream: "ws://127.0.0.1:%d", anonymous: user }
  - { path: /hub, anonymous: user }
authentication: { api_keys: [ %s ] }
csrf: { token_expiry: %d }
rbac: { roles: { extra%d: { inherits: [ guest ] } } }
"""


def split(waiting, masked):
    """Whole frames at the front of the octets: ([(first octet, payload)], the rest)."""
    frames, at = [], 0
    while len(waiting) - at >= 2:
        size, start = waiting[at + 1] & 127, at + 2
        if size == 126:
            if len(waiting) - at < 4:
                break
            size, start = struct.unpack_from("!H", waiting, at + 2)[0], at + 4
        body = start + (4 if masked else 0)
        if len(waiting) < body + size:
            break
        payload = waiting[body:body + size]
        if masked:
            mask = int.from_bytes((waiting[start:body] * (size // 4 + 1))[:size], "big")
            payload = (int.from_bytes(payload, "big") ^ mask).to_bytes(size, "big")
        frames.append((waiting[at], payload))
        at = body + size
    return frames, waiting[at:]


def framed(first, payload):
    return bytes([first, len(payload)]) + payload if len(payload) < 126 else struct.pack("!BBH", first, 126, len(payload)) + payload


def echo(listener):
    """The server behind: sends back what comes, frame by frame."""
    poll, states = select.epoll(), {}
    poll.register(listener, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                one, _ = listener.accept()
                states[one.fileno()] = [one, b"", False]
                poll.register(one, select.EPOLLIN)
                continue
            state = states[number]
            try:
                octets = state[0].recv(65536)
            except OSError:
                octets = b""
            if octets == b"":
                poll.unregister(number)
                state[0].close()
                del states[number]
                continue
            waiting = state[1] + octets
            if not state[2]:
                head, end, waiting = waiting.partition(b"\r\n\r\n")
                if not end:
                    state[1] = head
                    continue
                key = [line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")][0].split(b":")[1].strip()
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                state[0].sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                                 + accept + b"\r\n\r\n")
                state[2] = True
            frames, state[1] = split(waiting, True)
            if frames:
                state[0].sendall(b"".join(framed(first, payload) for first, payload in frames))


class Client:
    """Keeps WINDOW messages on the way, and knows which must come next."""

    def __init__(self, port, number):
        self.hub = number % 2 == 1
        self.raw = fw.RawClient(port, {}, "/hub" if self.hub else "/relay")
        self.name, self.sent, self.received, self.waiting, self.wrong, self.closed = number, 0, 0, b"", None, None

    def message(self, number):
        if self.hub:
            return json.dumps({"type": "ping", "timestamp": number}).encode()
        return json.dumps({"type": "chat_message", "text": f"{self.name}: {number}"}).encode()

    def expected(self, payload):
        if self.hub:
            document = json.loads(payload)
            return document["type"] == "pong" and document["timestamp"] == self.received
        return payload == self.message(self.received)

    def fill(self, most):
        pieces = []
        while self.sent - self.received < WINDOW and self.sent < most:
            pieces.append(fw.RawClient.frame(self.message(self.sent)))
            self.sent += 1
        if pieces:
            self.raw.socket.sendall(b"".join(pieces))

    def read(self):
        octets = self.raw.socket.recv(65536)
        if octets == b"":
            self.closed = self.closed or "end of file"
        frames, self.waiting = split(self.waiting + octets, False)
        for first, payload in frames:
            if first & 15 == 8:
                self.closed = payload
            elif self.hub and b"user_status" in payload:
                continue
            elif not self.expected(payload):
                self.wrong = self.wrong or (self.received, payload)
            else:
                self.received += 1


class Reloader(threading.Thread):
    """Another configuration RELOADS times, each asked for when the one before is in use; every tenth does not hold."""

    def __init__(self, server, config):
        super().__init__(daemon=True)
        self.server, self.config, self.answers, self.memory, self.start_time = server, config, [], [], time.monotonic()

    def run(self):
        path = os.path.join(self.server.folder, "framewall.yaml")
        with open(os.path.join(self.server.data, "admin.token")) as file:
            headers = {"Authorization": "Bearer " + file.read().strip(), "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.admin_port(), timeout=fw.PATIENCE)
        for number in range(1, RELOADS + 1):
            time.sleep(max(0, self.start_time + number * SECONDS / RELOADS - time.monotonic()))
            with open(path + ".new", "w") as file:
                file.write(self.config(number) + ("nonsense: 1\n" if number % 10 == 5 else ""))
            os.rename(path + ".new", path)
            connection.request("POST", "/api/v1/reload", body="", headers=headers)
            answer = connection.getresponse()
            document = json.loads(answer.read())
            self.answers.append((answer.status, document.get("in_use_everywhere"), bool(document.get("changed"))))
            if number in (RELOADS // 5, RELOADS):
                self.memory.append(self.server.memory())
        connection.close()


def exchange(clients, reloader):
    """Messages and answers until the reloads are done, and then until every client has as many. How many that is."""
    poll, most = select.epoll(), ENDLESS
    by_number = {client.raw.socket.fileno(): client for client in clients}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    for client in clients:
        client.fill(most)
    patience = time.monotonic() + SECONDS + fw.PATIENCE * 3
    while time.monotonic() < patience:
        for number, _ in poll.poll(0.02):
            client = by_number[number]
            client.read()
            if client.closed is not None:
                poll.unregister(number)
            else:
                client.fill(most)
        if most == ENDLESS and not reloader.is_alive():
            most = max(client.sent for client in clients)
            for client in clients:
                if client.closed is None:
                    client.fill(most)
        if most != ENDLESS and all(client.received >= most or client.closed is not None for client in clients):
            break
    return most


def run():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < 3 * SOCKETS + 100:
        fw.skip("1,000 sockets", f"only {hard} descriptors")
        return
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    behind = multiprocessing.Process(target=echo, args=(listener,), daemon=True)
    behind.start()
    key = '{ id: abcd2345, hash: "%064x", name: robot, role: user }'

    def config(number):
        return CONFIG % (30 + number % 2, listener.getsockname()[1], key % number if number % 3 else "", 1 + number % 5, number % 7)

    with fw.Framewall(config(0), "--workers", "2", "--admin", "localhost:0", says="framewall.yaml|nonsense|\\^|not reloaded") as server:
        clients = [Client(server.port, number) for number in range(SOCKETS)]
        fw.equal({client.raw.status for client in clients}, {101}, "1,000 clients are connected")
        reloader = Reloader(server, config)
        reloader.start()
        most = exchange(clients, reloader)
        took = time.monotonic() - reloader.start_time
        print(f"# {sum(client.received for client in clients)} messages and their answers in {took:.1f} s", flush=True)
        fw.equal([(c.name, c.closed) for c in clients if c.closed is not None], [], "nobody was cut off")
        fw.equal([(c.name, c.wrong) for c in clients if c.wrong is not None], [], "every answer is the next one: none lost, doubled, or before its turn")
        fw.equal({client.received for client in clients}, {most}, "all arrived")
        fw.equal((reloader.answers.count((200, True, True)), reloader.answers.count((422, None, False)), len(reloader.answers)), (90, 10, 100),
                 "100 reloads: 90 taken by all workers, 10 refused")
        stats = server.stats()
        fw.equal((stats["configuration"]["generation"], stats["configuration"]["reloads"], stats["configuration"]["reloads_refused"]), (91, 90, 10),
                 "the figures say so, too")
        fw.equal((stats["counters"]["closed_by_reload"], stats["counters"]["closed_by_policy"], stats["counters"]["refused"]), (0, 0, 0), "none was ended or refused")
        fw.equal(stats["active_connections"], SOCKETS, "all are there")
        if server.memory_counts():
            fw.ok(reloader.memory[1] - reloader.memory[0] < 16 << 20, "what was in use before is given back", reloader.memory)
        for client in clients:
            client.raw.close()
    behind.terminate()


if __name__ == "__main__":
    fw.main(run)
