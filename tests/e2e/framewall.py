"""Starts the built program on free ports with a scratch data directory; small WebSocket peers; TAP.

The program is argv[1] or FRAMEWALL_BIN. Upstreams and clients are python3-websockets 10.4 or raw sockets: nothing of Framewall
itself is used to judge it. Time in a verdict is a generous bound only.
"""
import asyncio
import base64
import fcntl
import glob
import hashlib
import hmac
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

try:
    import websockets
except ImportError:
    print("1..0 # SKIP python3-websockets is not installed")
    sys.exit(0)

BINARY = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("FRAMEWALL_BIN", "build/framewall"))
RUN_FLAGS = os.environ.get("TEST_RUN_FLAGS", "").split()  # "--single": the same tests of a server in one process
PATIENCE = 30  # seconds until something that has not happened is taken to never happen

# Limits that are not what a test is about.
RELAXED = """
rate_limiting:
  messages_per_minute: 1000000
  auth_attempts_per_minute: 1000000
  sessions_per_user_per_minute: 0
  auth_attempts_per_account: 0
  max_connections_per_ip: 100000
websocket:
  control_frames_per_minute: 1000000
monitoring:
  auto_block:
    violation_threshold: 1000000
"""


# TAP -----------------------------------------------------------------------------------------------------------------
_count = 0
_failed = 0


def ok(condition, name, detail=""):
    global _count, _failed
    _count += 1
    if not condition:
        _failed += 1
    print(f"{'ok' if condition else 'not ok'} {_count} - {name}", flush=True)
    if not condition and detail != "":
        for line in str(detail).splitlines()[-20:]:
            print(f"# {line[:300]}", flush=True)
    return bool(condition)


def equal(got, expected, name):
    return ok(got == expected, name, f"got      {got!r}\nexpected {expected!r}")


def skip(name, reason):
    global _count
    _count += 1
    print(f"ok {_count} - {name} # SKIP {reason}", flush=True)


def main(*tests):
    """Runs them all; one that breaks off is a failure and does not keep the others from running."""
    for test in tests:
        try:
            test()
        except Exception:
            ok(False, f"{test.__name__} runs to its end", traceback.format_exc())
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)


def until(condition, seconds=PATIENCE):
    """Waits until condition() is true; its last value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)


# The program ---------------------------------------------------------------------------------------------------------
def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def descendants(pid):
    """It and what it started, and so on."""
    found = [pid]
    for one in found:
        for path in glob.glob(f"/proc/{one}/task/*/children"):
            try:
                with open(path) as file:
                    found += [int(child) for child in file.read().split()]
            except OSError:
                pass  # it ended meanwhile
    return found


class Framewall:
    """One running program. Use as a context manager; leaving it stops the program and checks how it ended."""

    def __init__(self, config=None, *arguments, wait=True, check=True, errors=None, says=None, preexec=None, environment=None,
                 places=("--listen", "localhost:0", "--admin", "off"), before=()):
        """says: a pattern of lines on standard error that are no complaint here. before: a command that runs the program."""
        self.folder = tempfile.mkdtemp(prefix="framewall-e2e-")
        self.data = os.path.join(self.folder, "data")
        self.check = check
        self.says = says
        command = [*before, BINARY, "run", "--data", self.data, *places, *RUN_FLAGS]
        if config is not None:
            path = os.path.join(self.folder, "framewall.yaml")
            with open(path, "w") as file:
                file.write(config)
            command += ["--config", path]
        self.errors = open(os.path.join(self.folder, "stderr"), "w+")
        self.process = subprocess.Popen(command + list(arguments), stdout=subprocess.PIPE, stderr=errors or self.errors, text=True,
                                        cwd=self.folder, preexec_fn=preexec, env={**os.environ, **(environment or {})})
        self.lines = []
        self.port = None
        threading.Thread(target=self._read, daemon=True).start()
        if wait and not self.starts():
            raise RuntimeError("the program did not start: " + self.stderr())

    def starts(self):
        """Waits until it listens: True; or has ended: False."""
        if not until(lambda: self.port or self.process.poll() is not None):
            raise RuntimeError("the program did not say where it listens")
        return self.port is not None

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            found = re.match(r"listening on wss?://.*:(\d+)$", line.strip())
            if found:
                self.port = int(found.group(1))

    def stderr(self):
        self.errors.flush()
        with open(self.errors.name) as file:
            return file.read()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()

    def admin_port(self):
        """Of a program that was started with "--admin", "localhost:0"."""
        def found():
            return [f for f in (re.match(r"admin on https?://.*:(\d+) ", line) for line in self.lines) if f]

        return int(until(found)[0].group(1))

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, seconds=PATIENCE):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def killed(self, *parts):
        """Ended by SIGKILL, of what it was started as and of these parts, and whatever of it still writes the record is over."""
        pids = [pid for name, pid in self.parts().items() if name in parts]
        self.signal(signal.SIGKILL)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.wait()
        if os.path.isdir(self.data):
            folder = os.open(self.data, os.O_RDONLY)
            fcntl.flock(folder, fcntl.LOCK_EX)
            os.close(folder)

    def start_again(self):
        """On the same data, once it has ended, for which it is asked if it has not; as starts()."""
        if self.process.poll() is None:
            self.signal()
            self.wait()
        self.port = None
        self.process = subprocess.Popen(self.process.args, stdout=subprocess.PIPE, stderr=self.errors, text=True, cwd=self.folder)
        threading.Thread(target=self._read, daemon=True).start()
        return self.starts()

    def stop(self):
        if self.process.poll() is None:
            self.signal()
            if self.wait() is None:
                self.signal(signal.SIGKILL)
                self.wait()
        if self.check:
            equal(self.process.returncode, 0, "the program ends cleanly")
            complaints = [line for line in self.stderr().splitlines() if self.says is None or not re.search(self.says, line)]
            equal("\n".join(complaints), "", "and has nothing to complain of")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, path="/", scheme="ws"):
        return f"{scheme}://localhost:{self.port}{path}"

    def token(self, user="alice", role="user", life=3600, **claims):
        """A token made here, with the key of the data directory."""
        now = int(time.time())
        return self.signed(json.dumps({"sub": user, "role": role, "iat": now, "exp": now + life, **claims}).encode())

    def signed(self, claims):
        """A token of these octets."""
        with open(os.path.join(self.data, "keys", "jwt.key"), "rb") as file:
            key = file.read()
        text = base64url(b'{"alg":"HS256","typ":"JWT"}') + "." + base64url(claims)
        return text + "." + base64url(hmac.new(key, text.encode(), hashlib.sha256).digest())

    def bearer(self, *arguments, **claims):
        return {"Authorization": "Bearer " + self.token(*arguments, **claims)}

    def connect(self, user="alice", role="user", path="/", headers=None, **options):
        options.setdefault("ping_interval", None)
        options.setdefault("compression", None)
        scheme = "wss" if options.get("ssl") else "ws"
        return websockets.connect(self.url(path, scheme), extra_headers={**self.bearer(user, role), **(headers or {})}, **options)

    def records(self, kind=None):
        """The record so far, all its segments: a list of dicts."""
        parsed = []
        for name in sorted(glob.glob(os.path.join(self.data, "record", "security_audit-*.log"))):
            with open(name) as file:
                parsed += [json.loads(line) for line in file.read().split("\n")[:-1]]  # what follows the last one is being written
        return [record for record in parsed if kind is None or record["event_type"] == kind]

    def wait_records(self, kind, count=1):
        until(lambda: len(self.records(kind)) >= count)
        return self.records(kind)

    def stats(self):
        """The figures, asked over the control socket."""
        done = subprocess.run([BINARY, "stats", "--json", "--data", self.data], stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
        return json.loads(done.stdout)

    def parts(self):
        """The processes under the one that was started, by name: fw-gate, fw-keeper."""
        found = {}
        for pid in descendants(self.process.pid)[1:]:
            try:
                with open(f"/proc/{pid}/stat") as file:
                    name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
            except (OSError, IndexError):
                continue
            if name.startswith("fw-") and rest.split()[0] != "Z":
                found.setdefault(name, pid)  # what a keeper starts bears its name for a moment
        return found

    def part(self, name):
        """The process that does this work: of a server in one it is that."""
        if "--single" in self.process.args:
            return self.process.pid
        until(lambda: name in self.parts())
        return self.parts().get(name)

    def pids(self):
        """Of all processes of the server."""
        return [self.process.pid, *self.parts().values()]

    def memory(self):
        """Bytes that the server really holds. Pages of the program and its libraries are not counted: they become its own as soon as another server
        that shares them ends."""
        size = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup") as file:
                size += sum(int(kib) for kib in re.findall(r"^Pss_(?:Anon|Shmem):\s+(\d+) kB", file.read(), re.M)) * 1024
        return size

    def memory_counts(self):
        """A sanitizer's shadow memory says nothing about the program's."""
        with open(BINARY, "rb") as file:
            octets = file.read()
        return b"__asan_init" not in octets and b"__tsan_init" not in octets

    def cpu(self):
        ticks = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def descriptors(self, *pids):
        """But for those of the record and its index, which come and go."""
        count = 0
        for pid in pids or self.pids():
            for name in os.listdir(f"/proc/{pid}/fd"):
                try:
                    count += not os.readlink(f"/proc/{pid}/fd/{name}").startswith(self.data)
                except OSError:
                    pass  # it was closed meanwhile
        return count


# Upstreams -----------------------------------------------------------------------------------------------------------
def free_port():
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Upstream:
    """A python3-websockets server in a thread of its own. handler(server, websocket) is a coroutine; the default echoes."""

    def __init__(self, handler=None, port=0, host="127.0.0.1", **options):
        self.host = host
        self.handler = handler or Upstream.echo
        self.received = []     # every message, of all connections, in order of arrival
        self.headers = []      # of each handshake
        self.connections = 0
        self.loop = asyncio.new_event_loop()
        self.options = options
        self.port = port
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        started.wait(PATIENCE)

    @staticmethod
    async def echo(server, websocket):
        async for message in websocket:
            server.received.append(message)
            await websocket.send(message)

    async def _serve(self, websocket, path=None):
        self.connections += 1
        self.headers.append(dict(websocket.request_headers.raw_items()))
        try:
            await self.handler(self, websocket)
        except websockets.ConnectionClosed:
            pass

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        self.options.setdefault("ping_interval", None)
        self.options.setdefault("max_size", None)
        self.options.setdefault("close_timeout", 1)
        self.server = self.loop.run_until_complete(websockets.serve(self._serve, self.host, self.port, **self.options))
        self.port = self.server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()

    def url(self, path=""):
        return f"ws://127.0.0.1:{self.port}{path}"

    def stop(self):
        async def close():
            self.server.close()
            await self.server.wait_closed()

        if self.loop is not None:
            asyncio.run_coroutine_threadsafe(close(), self.loop).result(PATIENCE)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(PATIENCE)
            self.loop = None

    def kill(self):
        """As kill -9 would: the sockets are simply gone (RST)."""
        async def abort():
            self.server.server.close()
            for websocket in list(self.server.websockets):
                websocket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                                        struct.pack("ii", 1, 0))
                websocket.transport.abort()
            await asyncio.sleep(0.1)

        asyncio.run_coroutine_threadsafe(abort(), self.loop).result(PATIENCE)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
        self.loop = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()


# A client with nothing between the test and the octets ----------------------------------------------------------------
class RawClient:
    def __init__(self, port, headers=None, path="/", buffer=None, request=None, address="127.0.0.1", wrap=None, source=None):
        self.socket = socket.socket()
        if source is not None:
            self.socket.bind((source, 0))
        if buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect((address, port))
        if wrap is not None:  # as in ssl: makes another socket of a connected one
            self.socket = wrap(self.socket)
        self.waiting = b""
        self.status = None
        if request is not None:
            self.socket.sendall(request)
        elif headers is not None:
            self.shake_hands(port, headers, path)

    def shake_hands(self, port, headers, path):
        lines = [f"GET {path} HTTP/1.1", f"Host: localhost:{port}", "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        self.read_head()

    def read_head(self):
        while b"\r\n\r\n" not in self.waiting:
            piece = self.socket.recv(65536)
            if piece == b"":
                break
            self.waiting += piece
        self.head, _, self.waiting = self.waiting.partition(b"\r\n\r\n")
        self.status = int(self.head.split(b" ")[1]) if self.head else None
        return self.status

    @staticmethod
    def frame(payload, opcode=1, mask=b"\x01\x02\x03\x04", final=True):
        if isinstance(payload, str):
            payload = payload.encode()
        first = (0x80 if final else 0) | opcode
        if len(payload) < 126:
            head = struct.pack("!BB", first, 0x80 | len(payload))
        elif len(payload) < 65536:
            head = struct.pack("!BBH", first, 0x80 | 126, len(payload))
        else:
            head = struct.pack("!BBQ", first, 0x80 | 127, len(payload))
        pad = (mask * (len(payload) // 4 + 1))[:len(payload)]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(payload), "big")
        return head + mask + masked

    def send(self, payload, opcode=1):
        self.socket.sendall(self.frame(payload, opcode))

    def _need(self, size):
        while len(self.waiting) < size:
            piece = self.socket.recv(65536)
            if piece == b"":
                raise EOFError
            self.waiting += piece

    def receive(self):
        """(opcode, payload), whole frames only; EOFError at the end."""
        self._need(2)
        opcode, size, at = self.waiting[0] & 15, self.waiting[1] & 127, 2
        if size == 126:
            self._need(4)
            size, at = struct.unpack("!H", self.waiting[2:4])[0], 4
        elif size == 127:
            self._need(10)
            size, at = struct.unpack("!Q", self.waiting[2:10])[0], 10
        self._need(at + size)
        payload, self.waiting = self.waiting[at:at + size], self.waiting[at + size:]
        return opcode, payload

    def close_code(self):
        """Of the close frame that comes, whatever comes before it."""
        opcode = 0
        while opcode != 8:
            opcode, payload = self.receive()
        return struct.unpack("!H", payload[:2])[0]

    def is_open(self):
        """Is a ping of the contract answered, or a close frame there?"""
        self.send('{"type":"ping"}')
        while True:
            opcode, payload = self.receive()
            if opcode == 8:
                return False
            if json.loads(payload)["type"] == "pong":
                return True

    def closed(self, seconds=PATIENCE):
        """Reads and forgets until the peer's end: True when it came."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([self.socket], [], [], max(0, end - time.monotonic()))
            if ready:
                try:
                    if self.socket.recv(65536) == b"":
                        return True
                except ConnectionError:
                    return True
        return False

    def close(self):
        self.socket.close()


class ForgetfulClient(RawClient):
    """Reads and forgets what it is told, in a thread of its own."""

    def __init__(self, server, user):
        super().__init__(server.port, server.bearer(user))
        self.reader = threading.Thread(target=self.closed, daemon=True)
        self.reader.start()

    def leave(self):
        """After all that it has sent was taken."""
        self.send(b"\x03\xe8", 8)
        self.reader.join(PATIENCE)
        self.close()


def run(coroutine, seconds=120):
    async def bounded():
        return await asyncio.wait_for(coroutine, seconds)

    return asyncio.run(bounded())


def chat(text, **more):
    return json.dumps({"type": "chat_message", "text": text, **more})
