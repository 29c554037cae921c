#!/usr/bin/python3
"""What `framewall scan` says of servers as they come, each answer repeated by a client of raw sockets that shares nothing with it.

repeat.py [BINARY] [--modules FOLDER] [--only NAME,…] [--json FILE]
FOLDER/node_modules has ws, socket.io and bun (npm install ws socket.io bun); servers that are not there are left out, and that is said. Prints a table, and
each row in which the two differ; exit 1 when one does. Some 8 minutes, mostly waiting.
"""
import argparse
import base64
import concurrent.futures
import glob
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def free_port():
    with socket.socket() as at:
        at.bind(("127.0.0.1", 0))
        return at.getsockname()[1]


# Servers ---------------------------------------------------------------------------------------------------------------
ECHO = {"login": {"public": True}, "message": {"send": '{"text":"${text}"}'}}
IO = {"login": {"public": True, "message": "40"}, "message": {"send": '42["message","${text}"]'}}
MIRROR = {"subprotocol": "lws-mirror-protocol", "login": {"public": True}, "message": {"send": "t ${text};"}}


class Server:
    def __init__(self, name, command, profile=ECHO, path="/", text='{"text":"%s"}', first=None, subprotocol=None, port=None):
        self.name, self.profile, self.path, self.text, self.first, self.subprotocol = name, profile, path, text, first, subprotocol
        self.port = port or free_port()
        self.process = subprocess.Popen([w.replace("PORT", str(self.port)) for w in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        for _ in range(150):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"{name} does not listen")

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)


def servers(modules, folder):
    """Those that this machine has; what is missing is said."""
    def there(name, *needs):
        lost = [need for need in needs if not need]
        if lost:
            print(f"# {name} is not here", flush=True)
        return not lost

    node, package = shutil.which("node"), lambda name: os.path.isdir(os.path.join(modules, name))
    made = [Server("python3-websockets", ["/usr/bin/python3", f"{HERE}/echo.py", "PORT"])]
    if there("ws", node, package("ws")):
        made.append(Server("ws", [node, f"{HERE}/echo.mjs", "PORT", modules]))
    if there("socket.io", node, package("socket.io")):
        made.append(Server("socket.io", [node, f"{HERE}/socketio.mjs", "PORT", modules], IO, "/socket.io/?EIO=4&transport=websocket", '42["message","%s"]', "40"))
    bun = next(iter(glob.glob(os.path.join(modules, "@oven", "bun-*", "bin", "bun"))), None)
    if there("Bun", bun):
        made.append(Server("Bun", [bun, f"{HERE}/echo-bun.ts", "PORT"]))
    lws = shutil.which("libwebsockets-test-server")
    if there("libwebsockets", lws):
        made.append(Server("libwebsockets", [lws, "-p", "PORT"], MIRROR, "/", "t %s;", None, "lws-mirror-protocol"))
    behind = {server.name: server.port for server in made}
    if there("nginx", shutil.which("nginx", path="/usr/sbin:/usr/bin")):
        config, port = os.path.join(folder, "nginx.conf"), free_port()
        with open(config, "w") as file:
            file.write(f"daemon off; pid {folder}/pid; error_log {folder}/error; events {{}} http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; "
                       f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{behind['python3-websockets']}; proxy_http_version 1.1; "
                       "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_set_header Host $host; } } }")
        made.append(Server("nginx before the first", ["/usr/sbin/nginx", "-c", config], port=port))
    if there("HAProxy", shutil.which("haproxy", path="/usr/sbin:/usr/bin"), behind.get("ws")):
        config, port = os.path.join(folder, "haproxy.cfg"), free_port()
        with open(config, "w") as file:
            file.write(f"defaults\n mode http\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n timeout http-request 10s\nfrontend f\n bind 127.0.0.1:{port}\n default_backend b\n"
                       f"backend b\n server s 127.0.0.1:{behind['ws']}\n")
        made.append(Server("HAProxy before ws", ["/usr/sbin/haproxy", "-db", "-f", config], port=port))
    return made


# A client of raw sockets ---------------------------------------------------------------------------------------------
class Client:
    """Opens, or is refused: status tells. Fields that are None are left out."""

    def __init__(self, server, method="GET", http="HTTP/1.1", more=(), connect_only=False, **changed):
        self.server, self.status, self.head, self.input, self.code = server, 0, "", b"", None
        self.socket = socket.create_connection(("127.0.0.1", server.port), 5)
        self.socket.settimeout(6)
        if connect_only:
            return
        fields = {"Host": f"127.0.0.1:{server.port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY,
                  "Sec-WebSocket-Protocol": server.subprotocol, **{name.replace("_", "-"): value for name, value in changed.items()}}
        lines = [f"{method} {server.path} {http}"] + [f"{name}: {value}" for name, value in fields.items() if value is not None] + list(more)
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.input and self.fill():
            pass
        head, _, self.input = self.input.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        found = re.match(r"HTTP/1\.[01] (\d+)", self.head)
        self.status = int(found[1]) if found else 0
        if self.status == 101 and server.first:
            self.frame(0x81, server.first.encode())
            self.served()

    def send(self, octets):
        try:
            self.socket.sendall(octets)
            return True
        except OSError:
            return False

    def fill(self):
        try:
            more = self.socket.recv(1 << 20)
        except OSError:
            return False
        self.input += more
        return bool(more)

    def frame(self, first, payload=b"", mask=True, octets=None, claim=None):
        size = claim if claim is not None else len(payload)
        octets = octets if octets is not None else 0 if size < 126 else 2 if size < 65536 else 8
        head = bytes([first, (0x80 if mask else 0) | (size if octets == 0 else 126 if octets == 2 else 127)]) + (size.to_bytes(octets, "big") if octets else b"")
        return self.send(head + (b"\0\0\0\0" if mask else b"") + payload)

    def say(self, text):
        return self.frame(0x81, (self.server.text % text).encode("utf-8", "surrogatepass"))

    def next(self, seconds=6):
        """(first octet, payload), or None: nothing more comes."""
        end = time.monotonic() + seconds
        while True:
            data = self.input
            if len(data) >= 2:
                size, at = data[1] & 127, 2
                extra = 2 if size == 126 else 8 if size == 127 else 0
                if len(data) >= 2 + extra:
                    size = int.from_bytes(data[2:2 + extra], "big") if extra else size
                    at += extra
                    if len(data) >= at + size:
                        self.input = data[at + size:]
                        return data[0], data[at:at + size]
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            if not self.fill():
                return None

    def served(self, mark=b"served?", seconds=6):
        """Is a ping answered? Else code is that of the close frame that came, or None."""
        if not self.frame(0x89, mark):
            pass  # what came before may still be there
        while True:
            item = self.next(seconds)
            if item is None:
                return False
            if item[0] & 15 == 8:
                self.code = struct.unpack(">H", item[1][:2])[0] if len(item[1]) > 1 else 1005
                return False
            if item[0] & 15 == 10 and item[1] == mark:
                return True

    def hears(self, text, seconds=6):
        """Does a message with this come? The message."""
        while True:
            item = self.next(seconds)
            if item is None or item[0] & 15 == 8:
                return None
            if item[0] & 15 < 8 and text.encode() in item[1]:
                return item[1]


# Each check again: True is what the scan would call a finding -----------------------------------------------------------
def opens(**how):
    return lambda server: Client(server, **how).status == 101


def goes_on(*frames):
    """After these frames a ping is answered."""
    def run(server):
        client = Client(server)
        assert client.served()
        for frame in frames:
            client.frame(**frame)
        return client.served()
    return run


def said(**how):
    """The ordinary message in a frame that is wrong."""
    def run(server):
        client = Client(server)
        assert client.served()
        client.frame(payload=(server.text % "hello").encode(), **{"first": 0x81, **how})
        return client.served()
    return run


def closes(payload):
    """A close frame that must not be sent is taken for an orderly end, or answered in kind."""
    def run(server):
        client = Client(server)
        assert client.served()
        client.frame(0x88, payload)
        item = client.next()
        while item is not None and item[0] & 15 != 8:
            item = client.next()
        if item is None:
            return False
        code = struct.unpack(">H", item[1][:2])[0] if len(item[1]) > 1 else 1005
        return code not in (1002, 1003, 1007, 1008)
    return run


def delivered(text, raw=False):
    def run(server):
        client = Client(server)
        client.frame(0x81, text.encode()) if raw else client.say(text)
        return client.hears("mark77") is not None
    return run


def markup(server):
    client = Client(server)
    client.say("mark77 <script>alert(1)</script>")
    return b"<script" in (client.hears("mark77") or b"")


def large(server):
    client = Client(server)
    client.say("mark77 " + "a" * (1 << 20))
    return client.hears("mark77", 10) is not None


def rate(server):
    client, heard = Client(server), 0
    for i in range(301):
        client.say(f"mark77-{i}-")
        heard += client.hears(f"mark77-{i}-", 3) is not None
    return heard == 301


def many(server):
    clients = [Client(server) for _ in range(101)]
    return all(client.status == 101 and client.served() for client in clients)


def flood(payload):
    def run(server):
        client = Client(server)
        client.frame(0x01, b'"')
        sent = all(client.send((bytes([0x00, 0x80 | len(payload)]) + b"\0\0\0\0" + payload) * 256) for _ in range(80))
        return sent and client.served(seconds=10)
    return run


def bomb(server):
    client = Client(server, Sec_WebSocket_Extensions="permessage-deflate; client_no_context_takeover; server_no_context_takeover")
    if "permessage-deflate" not in client.head:
        return None
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    octets = engine.compress(b'"' + b"a" * ((32 << 20) - 2) + b'"') + engine.flush(zlib.Z_SYNC_FLUSH)
    client.frame(0xc1, octets[:-4])
    return client.served(seconds=20)


def slow_handshake(server):
    client = Client(server, connect_only=True)
    text = f"GET {server.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ".encode() + b"0" * 500
    began = time.monotonic()
    client.socket.settimeout(0.25)
    for i in range(500):
        if time.monotonic() > began + 21:
            return True
        if not client.send(text[i:i + 1]):
            return False
        try:
            if client.socket.recv(4096) is not None:
                return False
        except TimeoutError:
            pass
        except OSError:
            return False
    return True


def slow_reader(server):
    """16 MiB are sent for one that reads nothing, 40 where he sends them himself: is all of it kept?"""
    reader = Client(server)
    reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    sender = Client(server) if server.first or server.subprotocol else reader
    sender.socket.settimeout(3)
    for _ in range(4096 if sender is not reader else 10240):
        if not sender.say("a" * 4096):
            return False
        if sender is not reader:
            while sender.next(0.0001):
                pass
    reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    reader.socket.settimeout(2)
    got = 0
    while True:
        try:
            more = len(reader.socket.recv(1 << 20))
        except OSError:
            break
        if not more:
            break
        got += more
    return got >= (16 if sender is not reader else 40) << 20


def subprotocol(server):
    if server.subprotocol:
        return None
    client = Client(server, Sec_WebSocket_Protocol="mark77")
    return client.status == 101 and "mark77" in client.head


def banner(server):
    found = re.search(r"(?im)^server:(.*)$", Client(server).head)
    return bool(found and re.search(r"/\d", found[1]))


def malformed(server):
    honest = Client(server)
    for text in ("[" * 4000 + "]" * 4000, '{"type":1e999999}', "[[[[[[", "nul", "-", '{"type":"\\ud83d"}'):
        client = Client(server)
        client.frame(0x81, text.encode())
        client.served(seconds=3)
        if not honest.served():
            return True
    return False


def interleaved(server):
    client, text = Client(server), (server.text % "hello").encode()
    assert client.served()
    client.frame(0x01, text[:3])
    client.frame(0x81, text)
    return client.served()


def bad_utf8(server):
    client = Client(server)
    assert client.served()
    before, after = (server.text % "\0").encode().split(b"\0")
    client.frame(0x81, before + b"\xed\xa0\x80 \xc3(" + after)
    return client.served()


AGAIN = {
    "origin.foreign": opens(Origin="https://attacker.example"), "input.xss": markup, "input.message_size": large, "rate.messages": rate,
    "input.wrong_type": delivered('{"text":{"of":["mark77"]}}', True), "input.unknown_field": delivered('{"text":"a","fw_scan_role":"mark77"}', True),
    "input.duplicate_keys": delivered('{"text":"mark77","text":"mark77"}', True), "input.no_json": delivered("this is no JSON: mark77", True),
    "rate.connections_address": many, "protocol.unmasked": said(mask=False), "protocol.reserved_bits": said(first=0xa1),
    "protocol.reserved_opcode": goes_on({"first": 0x83, "payload": b"x"}), "protocol.reserved_control": goes_on({"first": 0x8b, "payload": b"x"}),
    "protocol.control_fragmented": goes_on({"first": 0x09, "payload": b"x"}), "protocol.control_long": goes_on({"first": 0x89, "payload": bytes(126)}),
    "protocol.length_minimal": said(octets=8), "protocol.length_huge": goes_on({"first": 0x82, "octets": 8, "claim": 0x8000000000000001}),
    "protocol.continuation_alone": goes_on({"first": 0x80, "payload": b"x"}), "protocol.interleaved": interleaved, "protocol.utf8": bad_utf8,
    "protocol.close_code": closes(b"\x03\xed"), "protocol.close_short": closes(b"\x03"), "protocol.close_utf8": closes(b"\x03\xe8\xc3\x28\xff"),
    "handshake.version": opens(Sec_WebSocket_Version="12"), "handshake.key": opens(Sec_WebSocket_Key=None), "handshake.short_key": opens(Sec_WebSocket_Key="c2hvcnQ="),
    "handshake.method": opens(method="POST"), "handshake.http10": opens(http="HTTP/1.0"),
    "handshake.hixie": opens(Sec_WebSocket_Key=None, Sec_WebSocket_Version=None, more=("Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5", "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00")),
    "handshake.subprotocol": subprotocol, "handshake.size": opens(more=[f"X-{i:05}: {'a' * 24}" for i in range(2000)]),
    "robust.malformed": malformed, "flood.fragments": flood(b"a"), "flood.empty_fragments": flood(b""), "flood.deflate_bomb": bomb,
    "slow.handshake": slow_handshake, "slow.reader": slow_reader, "info.banner": banner,
}


def again(server, check):
    try:
        return AGAIN[check](server)
    except (OSError, AssertionError) as error:
        return f"no answer ({error or 'a ping was not answered'})"


# Both, side by side ----------------------------------------------------------------------------------------------------
def scan(binary, server, folder):
    profile = os.path.join(folder, f"{server.port}.yaml")
    with open(profile, "w") as file:
        json.dump(server.profile, file)
    began = time.monotonic()
    done = subprocess.run([binary, "scan", f"ws://127.0.0.1:{server.port}{server.path}", "--profile", profile, "--quiet", "--format", "json"], stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout), time.monotonic() - began


def compare(arguments, server, folder):
    report, seconds = scan(arguments.binary, server, folder)
    rows = {}
    for check in report["checks"]:
        name, outcome = check["id"], check["outcome"]
        repeated = again(server, name) if outcome in ("finding", "pass") and name in AGAIN else None
        rows[name] = {"scan": outcome, "again": repeated, "reason": check["reason"]}
    return server.name, seconds, rows


def word(row):
    return {"finding": "found", "pass": "refused"}.get(row["scan"], "–" if row["scan"] == "not_applicable" else "no answer")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", nargs="?", default="build/framewall")
    parser.add_argument("--modules", default="node_modules")
    parser.add_argument("--only", default="")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    differing = 0
    with tempfile.TemporaryDirectory(prefix="framewall-repeat-") as folder:
        made = servers(os.path.abspath(arguments.modules), folder)
        try:
            wanted = [s for s in made if not arguments.only or s.name in arguments.only.split(",")]
            with concurrent.futures.ThreadPoolExecutor(len(wanted)) as pool:
                results = list(pool.map(lambda server: compare(arguments, server, folder), wanted))
        finally:
            for server in reversed(made):
                server.stop()
    names = [name for name, _, _ in results]
    print("| | " + " | ".join(names) + " |\n|---" * 1 + "|---" * len(names) + "|")
    for check in results[0][2]:
        if any(rows[check]["scan"] == "finding" for _, _, rows in results):
            print(f"| `{check}` | " + " | ".join(word(rows[check]) for _, _, rows in results) + " |")
    for name, seconds, rows in results:
        counted = [row for row in rows.values() if row["again"] is not None]
        print(f"# {name}: scanned in {seconds:.0f} s; {len(counted)} answers repeated")
        for check, row in rows.items():
            if row["scan"] == "error" or (row["scan"] == "finding" and row["again"] is None) or (row["again"] is not None and row["again"] is not (row["scan"] == "finding")):
                differing += row["scan"] != "error"
                print(f"#   {check}: scan says {row['scan']} ({row['reason']}), the other client {row['again']}")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({name: rows for name, _, rows in results}, file, indent=1)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
