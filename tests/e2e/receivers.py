"""Receivers of the record for tests: rsyslog, and ones that read RFC 6587 and 5424 by what those documents say."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading

from framewall import PATIENCE, RawClient, free_port, until


class Rsyslog:
    """A real one, on a port of TLS (clients show a certificate) and one of UDP; what it parsed goes to a file, a line a message."""

    PARTS = "pri hostname app-name msgid structured-data".split()

    def __init__(self, authority=None, pair=None):
        self.folder = tempfile.mkdtemp(prefix="framewall-rsyslog-")
        self.port, self.udp = free_port(), free_port()
        self.got = os.path.join(self.folder, "got")
        form = "\\t".join(f"%{part}%" for part in self.PARTS) + "\\t%timereported:::date-rfc3339%\\t%msg%\\n"
        with open(os.path.join(self.folder, "conf"), "w") as file:
            if pair is not None:
                file.write(f'global(DefaultNetstreamDriverCAFile="{authority.certificate}" DefaultNetstreamDriverCertFile="{pair.certificate}" '
                           f'DefaultNetstreamDriverKeyFile="{pair.key}")\n'
                           'module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid")\n'
                           f'input(type="imtcp" port="{self.port}" address="127.0.0.1" ruleset="all")\n')
            file.write(f'global(workDirectory="{self.folder}" maxMessageSize="64k")\n'
                       'module(load="imudp")\n'
                       f'input(type="imudp" port="{self.udp}" address="127.0.0.1" ruleset="all")\n'
                       f'template(name="parts" type="string" string="{form}")\n'
                       f'ruleset(name="all") {{ action(type="omfile" file="{self.got}" template="parts" asyncWriting="off") }}\n')
        self.process = None

    def start(self):
        log = open(os.path.join(self.folder, "log"), "a")
        self.process = subprocess.Popen(["rsyslogd", "-n", "-f", os.path.join(self.folder, "conf"), "-i", os.path.join(self.folder, "pid")],
                                        stdout=log, stderr=log)
        until(self.listens)
        return self

    def listens(self):
        """Does it hold its port of UDP, which it opens last?"""
        with open("/proc/net/udp", encoding="ascii") as file:
            return f":{self.udp:04X} " in file.read()

    def stop(self, number=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE)
        self.process = None

    def messages(self):
        """Of each message its parts: (priority, host, app, kind, structured data, time, text)."""
        if not os.path.exists(self.got):
            return []
        with open(self.got, encoding="utf-8", newline="\n") as file:
            lines = file.read().split("\n")
        return [tuple(line.split("\t", 6)) for line in lines[:-1]]

    def texts(self):
        """Of each message its kind and its text, one after the other: there may be a million."""
        with open(self.got, encoding="utf-8", newline="\n") as file:
            for line in file:
                if line.endswith("\n"):
                    parts = line[:-1].split("\t", 6)
                    yield parts[3], parts[6].lstrip().lstrip("\ufeff")

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


WEB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "web")


def no_node():
    """Why there are no packages of npm, if so."""
    done = subprocess.run(["sh", os.path.join(WEB, "run.sh"), "--install"], stdout=subprocess.PIPE, text=True, timeout=280)
    return None if done.returncode == 0 else done.stdout.strip() or "npm ci"


class Nsyslog:
    """A server of Node that keeps what npm's nsyslog-parser makes of each message of RFC 5425, and demands a certificate."""

    def __init__(self, authority, pair):
        self.folder = tempfile.mkdtemp(prefix="framewall-nsyslog-")
        self.port, self.got = free_port(), os.path.join(self.folder, "got")
        self.command = ["node", os.path.join(WEB, "receiver.mjs"), str(self.port), self.got, pair.certificate, pair.key, authority.certificate]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "listening\n":
            raise RuntimeError("receiver.mjs does not listen")
        return self

    def stop(self, number=signal.SIGKILL):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE)
            self.process.stdout.close()
        self.process = None

    def entries(self):
        """(line, what it says) of each whole line, one after the other: there may be a million."""
        with open(self.got, encoding="utf-8", newline="\n") as file:
            for line in file:
                if line.endswith("\n"):
                    yield line, json.loads(line)

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Stream:
    """RFC 6587 3.4.1: MSG-LEN SP MSG. Reads nothing while it hangs; can go away without reading what there is, as a process that is killed."""

    def __init__(self, port=0, wrap=None):
        self.port, self.wrap = port, wrap
        self.messages, self.connections, self.faults = [], 0, []
        self.take = self.messages.append  # each message
        self.hangs = threading.Event()
        self.closes_at_once = False
        self.listener, self.open = None, set()

    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()
        return self

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                self.connections += 1
                if self.closes_at_once:
                    peer.close()
                    continue
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        waiting = b""
        with contextlib.suppress(OSError):
            if self.wrap is not None:
                peer = self.wrap(peer)
            self.open.add(peer)
            while True:
                if self.hangs.wait(0):
                    until(lambda: not self.hangs.is_set() or peer.fileno() < 0)
                piece = peer.recv(65536)
                if piece == b"" or peer not in self.open:
                    break
                waiting = self._take(waiting + piece)
        self.open.discard(peer)
        peer.close()

    def _take(self, octets):
        while True:
            found = re.match(rb"([1-9][0-9]{0,6}) ", octets)
            if found is None:
                if octets and not re.fullmatch(rb"[1-9][0-9]{0,6}", octets):
                    self.faults.append(octets[:100])
                return octets
            end = found.end() + int(found.group(1))
            if len(octets) < end:
                return octets
            self.take(octets[found.end():end])
            octets = octets[end:]

    def stop(self):
        """At once: what was not read is lost, and the other side gets a reset."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for peer in list(self.open):
            self.open.discard(peer)
            with contextlib.suppress(OSError):
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.shutdown(socket.SHUT_RD)
                peer.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        self.hangs.clear()
        self.stop()


class Udp:
    """RFC 5426: a datagram a message."""

    def __init__(self):
        self.messages = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                self.messages.append(self.socket.recv(65536))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()


class Tally:
    """Records by their numbers, a digest of each: what came, how often, and whether it was the same."""

    def __init__(self):
        self.seen, self.again, self.other = {}, 0, []

    def add(self, number, text):
        digest = hash(text)
        if number in self.seen:
            self.again += 1
            if self.seen[number] != digest:
                self.other.append(number)
        self.seen[number] = digest

    def differs(self, records):
        """The first numbers that another tally has and this one not, or otherwise."""
        return sorted(number for number, digest in records.seen.items() if self.seen.get(number) != digest)[:5]


class Noise:
    """Records, as many and as fast as the server makes them: messages that are refused."""

    def __init__(self, program, clients=1, burst=100, pause=0.005):
        self.program, self.burst, self.pause = program, burst, pause
        self.ends = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def _run(self):
        client = RawClient(self.program.port, self.program.bearer())
        frames = RawClient.frame("{") * self.burst
        threading.Thread(target=self._drain, args=(client,), daemon=True).start()
        while not self.ends.wait(self.pause):
            client.socket.sendall(frames)
        client.send('{"type":"ping"}')
        until(lambda: client.waiting == b"the end", 5)
        client.close()

    @staticmethod
    def _drain(client):
        with contextlib.suppress(OSError, EOFError):
            while True:
                if b'"pong"' in client.receive()[1]:
                    client.waiting = b"the end"
                    return

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.ends.set()
        for thread in self.threads:
            thread.join(PATIENCE)


class Mail:
    """RFC 5321, and STARTTLS with a context: keeps (from, to, text, the login) of each mail. Says nothing while it hangs; refuses who is in refuses."""

    def __init__(self, context=None, login=None):
        self.context, self.login = context, login
        self.mails, self.logins, self.refuses = [], [], None
        self.hangs = threading.Event()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with contextlib.suppress(OSError, ValueError):
            self._talk(peer)
        peer.close()

    def _talk(self, peer):
        if self.hangs.is_set():
            until(lambda: not self.hangs.is_set())
        file, sender, to, secure, login = peer.makefile("rb"), None, [], False, ""
        peer.sendall(b"220 here\r\n")
        while (line := file.readline().decode().strip()) != "":
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                peer.sendall(b"250-here\r\n" + (b"250-STARTTLS\r\n" if self.context and not secure else b"") + (b"250-AUTH PLAIN\r\n" if self.login else b"") + b"250 8BITMIME\r\n")
            elif word == "STARTTLS":
                peer.sendall(b"220 go\r\n")
                peer = self.context.wrap_socket(peer, server_side=True)
                file, secure = peer.makefile("rb"), True
            elif word == "AUTH":
                self.logins.append((secure, line))
                if len(line.split(" ")) == 2:
                    peer.sendall(b"334 \r\n")
                    self.logins[-1] = (secure, line + " " + file.readline().decode().strip())
                login = self.logins[-1][1]
                peer.sendall(b"235 ok\r\n")
            elif word == "MAIL":
                sender, to = line[10:].split(" ")[0], []
                peer.sendall(b"250 ok\r\n")
            elif word == "RCPT":
                to.append(line[8:])
                peer.sendall(b"550 no\r\n" if self.refuses and self.refuses in line else b"250 ok\r\n")
            elif word == "DATA":
                peer.sendall(b"354 go\r\n")
                text = b""
                while (line := file.readline()) != b".\r\n":
                    text += line[1:] if line.startswith(b"..") else line
                self.mails.append((sender, to, text.decode(), login))
                peer.sendall(b"250 ok\r\n")
            else:
                peer.sendall(b"221 bye\r\n" if word == "QUIT" else b"250 ok\r\n")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.hangs.clear()
        self.listener.close()
