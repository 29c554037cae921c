#!/usr/bin/env python3
"""A chat server whose weaknesses have switches: see README.md. Listens on 127.0.0.1 alone; not for anything else than learning and tests."""
import argparse
import asyncio
import base64
import hashlib
import hmac
import html
import importlib.util
import json
import logging
import re
import secrets
import sqlite3
import ssl
import struct
import time
import traceback
import zlib
from frames import Broken, Frames, close_frame, text_frame
from tokens import Refused, Tokens

SECRET = b"Only-for-this-example-0123456789abcdef"
USERS = {"carol": "correct horse battery staple"}
SWITCHES = """auth.anonymous auth.any_token auth.empty_credential auth.identity_headers auth.token_in_query auth.default_password auth.brute_force
auth.user_enumeration auth.session_fixation auth.session_reuse auth.expiry_live auth.logout_live auth.revocation_live jwt.signature jwt.none jwt.no_signature jwt.algorithm jwt.altered jwt.blank_key
jwt.confusion jwt.weak_secret jwt.kid jwt.embedded_key jwt.certificate jwt.remote_key
jwt.zero_ecdsa jwt.expired jwt.not_before jwt.no_expiry jwt.audience jwt.issuer jwt.critical jwt.duplicate jwt.claim_types jwt.issued_later jwt.type jwt.forms jwt.replay
jwt.authorized_party jwt.time_edges jwt.encrypted jwt.zip robust.large_tokens auth.timing
origin.foreign origin.null origin.similar origin.rebinding authz.vertical authz.horizontal authz.field authz.unauthenticated_listener authz.direct_leak authz.role_text
input.xss input.sql input.command input.path input.template input.wrong_type input.unknown_field input.duplicate_keys input.no_json input.message_size
input.error_detail evasion.fragments evasion.compression evasion.escapes rate.messages rate.messages_user rate.messages_address
rate.connections_address rate.connections_user rate.guesses
protocol.unmasked protocol.reserved_bits protocol.reserved_opcode protocol.reserved_control protocol.control_fragmented protocol.control_long
protocol.length_minimal protocol.length_huge protocol.continuation_alone protocol.interleaved protocol.utf8 protocol.close_code protocol.close_short
protocol.close_utf8 protocol.server_frames handshake.version handshake.key handshake.short_key handshake.method handshake.http10 handshake.hixie
handshake.subprotocol handshake.size robust.malformed robust.tokens flood.fragments flood.empty_fragments flood.deflate_bomb slow.handshake slow.login slow.idle
slow.reader info.banner flood.pings flood.connections tls.old""".split()

weak = set()
options = None
connections = set()
sessions = {}  # token: user
guesses = {}   # address or account: times
tokens = None
sockets = [0]


def crash():
    """As a program that dies of what it read: everybody is gone."""
    for other in list(connections):
        other.end(1011)


def limited(key, most):
    now = time.time()
    guesses[key] = [t for t in guesses.get(key, []) if t > now - 60]
    if len(guesses[key]) >= most:
        raise Refused("RATE_LIMITED", "too many")


# Connections -------------------------------------------------------------------------------------------------------------
class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.address = writer.get_extra_info("peername")[0]
        self.user = self.role = self.session = self.expires = None
        self.frames = Frames(weak)
        self.evades = self.judging = False
        self.preset = None
        self.count = self.pings = 0
        self.heard = True

    def send(self, message):
        text = message if isinstance(message, str) else json.dumps(message)
        if not self.writer.is_closing():
            self.writer.write(text_frame(text))
            if self.writer.transport.get_write_buffer_size() > 1 << 20 and "slow.reader" not in weak:
                self.writer.transport.abort()

    def error(self, code, message):
        self.send({"type": "error", "data": {"code": code, "message": message}})

    def end(self, code=1000, reason=""):
        if not self.writer.is_closing():
            self.writer.write(close_frame(code, reason))
            self.writer.close()

    # Login
    def enter(self, user, role, session=None, expires=None):
        others = [c for c in connections if c.user == user]
        if len(others) >= 5 and "rate.connections_user" not in weak:
            raise Refused("RATE_LIMITED", "too many connections of this user")
        self.user, self.role, self.expires = user, role, expires
        self.session = session or ("same-for-" + user.ljust(24, "x") if "auth.session_reuse" in weak else secrets.token_urlsafe(24))
        if "auth.session_fixation" in weak and self.preset:
            self.session = self.preset
        sessions[self.session] = (user, role)
        self.send({"type": "auth_success", "data": {"user_id": user, "role": role, "session_token": self.session}})

    def log_in(self, message):
        if "session" in message:
            if message["session"] not in sessions:
                raise Refused("AUTH_FAILED", "no such session")
            user, role = sessions[message["session"]]
            self.enter(user, role, message["session"])
            return
        user, password = str(message.get("user")), str(message.get("password"))
        if "rate.guesses" not in weak:
            limited(("address", self.address), 5)
        if "auth.brute_force" not in weak:
            limited(("account", user), 14)
        if "auth.default_password" in weak and (user, password) == ("admin", "admin"):
            self.enter(user, "admin")
        elif USERS.get(user) is not None and hmac.compare_digest(USERS[user].encode(), password.encode()):
            self.enter(user, "user")
        else:
            for key in (("address", self.address), ("account", user)):
                guesses.setdefault(key, []).append(time.time())
            if "auth.user_enumeration" in weak and user not in USERS:
                raise Refused("AUTH_FAILED", "there is no such user")
            if "auth.timing" in weak and user in USERS:  # as if only then a slow hash were computed
                self.judging = True
                asyncio.get_running_loop().call_later(1.5, self.error, "AUTH_FAILED", "wrong name or password")
                return
            raise Refused("AUTH_FAILED", "wrong name or password")

    # Messages
    def speak(self, text, message, kind="chat"):
        if isinstance(text, str) and not (self.evades and "<" in text):
            text = html.escape(text, quote=False) if "input.xss" not in weak else text
        said = {"text": text, "sender": self.user or "anonymous"}
        if "input.unknown_field" in weak:
            said.update({k: v for k, v in message.items() if k not in ("type", "text")})
        for other in list(connections):
            if other is not self and (other.user or "authz.unauthenticated_listener" in weak or "auth.anonymous" in weak):
                other.send({"type": kind, "data": said})

    def search(self, text):
        """Where what is typed meets a database, a shell, a file, a template."""
        if "input.sql" in weak:
            try:
                found = sqlite3.connect(":memory:").execute("SELECT '" + text + "'").fetchone()[0]
            except (sqlite3.Error, sqlite3.Warning) as error:
                found = "sqlite3.OperationalError: " + str(error)
            return found
        summed = re.search(r"expr (\d+) \+ (\d+)", text)
        if "input.command" in weak and summed:
            return str(int(summed[1]) + int(summed[2]))
        if "input.path" in weak and text.endswith("etc/passwd"):
            return "root:x:0:0:made up:/root:/bin/sh"
        product = re.search(r"\{\{(\d+)\*(\d+)\}\}", text)
        if "input.template" in weak and product:
            return str(int(product[1]) * int(product[2]))
        return "nothing found"

    def act(self, message):
        kind = message.get("type")
        known = {"auth", "chat", "direct", "search", "admin", "note", "profile", "logout"}
        if not isinstance(kind, str) or kind not in known:
            raise Refused("INVALID_MESSAGE", "no such type")
        if kind == "auth":
            self.log_in(message)
            return
        if not self.user and "auth.anonymous" not in weak:
            raise Refused("AUTH_REQUIRED", "log in first")
        if kind in ("chat", "direct", "search"):
            text = message.get("text")
            if not isinstance(text, str) and "input.wrong_type" not in weak:
                raise Refused("INVALID_MESSAGE", "text is a text")
        if kind == "chat":
            extra = set(message) - {"type", "text"}
            if extra and "input.unknown_field" not in weak:
                raise Refused("INVALID_MESSAGE", "no such member")
            self.speak(text, message)
        elif kind == "direct":
            for other in list(connections):
                if other.user == message.get("to") or ("authz.direct_leak" in weak and other.user and other is not self):
                    other.send({"type": "direct", "data": {"text": html.escape(text), "sender": self.user}})
        elif kind == "search":
            self.send({"type": "found", "data": {"result": self.search(text)}})
        elif kind == "admin":
            admin = "admin" in str(self.role) if "authz.role_text" in weak else self.role == "admin"
            if not admin and "authz.vertical" not in weak:
                raise Refused("PERMISSION_DENIED", "not for your role")
            self.send({"type": "admin_result", "data": {}})
        elif kind == "note":
            if message.get("owner") != self.user and "authz.horizontal" not in weak:
                raise Refused("PERMISSION_DENIED", "not yours")
            self.send({"type": "note", "data": {"owner": message.get("owner"), "text": "secret"}})
        elif kind == "profile":
            if self.role != "admin" and "authz.field" not in weak:
                raise Refused("PERMISSION_DENIED", "not for your role")
            self.send({"type": "profile", "data": {"role": message.get("role")}})
        elif kind == "logout":
            sessions.pop(self.session, None)
            for other in list(connections):
                if other.session == self.session and (other is self or "auth.logout_live" not in weak):
                    other.end(1000, "logged out")

    def parse(self, text):
        depth = 0
        for c in text:
            depth += (c in "[{") - (c in "]}")
            if depth > 64:
                if "robust.malformed" in weak:
                    crash()
                raise Refused("INVALID_MESSAGE", "too deep")

        def pairs(found):
            if len({k for k, _ in found}) != len(found) and "input.duplicate_keys" not in weak:
                raise Refused("INVALID_MESSAGE", "a name is there twice")
            return dict(found)
        try:
            message = json.loads(text, object_pairs_hook=pairs)
        except ValueError:
            if "input.error_detail" in weak:
                raise Refused("INVALID_MESSAGE", traceback.format_exc()) from None
            raise Refused("INVALID_MESSAGE", "this is no JSON") from None
        if not isinstance(message, dict):
            raise Refused("INVALID_MESSAGE", "a message is an object")
        return message

    def message(self, text, fragments, compressed):
        counts = "slow.reader" not in weak or len(text) < 2048
        self.count += counts
        if self.expires and time.time() > self.expires and "auth.expiry_live" not in weak:
            self.end(4001, "the token has expired")
            return
        self.evades = (("evasion.fragments" in weak and fragments > 1) or ("evasion.compression" in weak and compressed) or
                       ("evasion.escapes" in weak and "\\u003c" in text))
        try:
            if self.count > 40 and "rate.messages" not in weak:
                raise Refused("RATE_LIMITED", "too many messages")
            for key, switch in ((("messages", self.user), "rate.messages_user"), (("messages", self.address), "rate.messages_address")):
                if counts and key[1] and switch not in weak:
                    limited(key, 48)
                    guesses[key].append(time.time())
            if "input.no_json" in weak and self.user and not text.startswith(("{", "[")):
                for other in connections:
                    if other is not self and other.user:
                        other.send(text)
                return
            self.act(self.parse(text))
        except Refused as refused:
            self.error(*refused.args)
            if refused.args[0] == "RATE_LIMITED" and self.count > 80:
                self.end(1008, "too many messages")


# Handshake ---------------------------------------------------------------------------------------------------------------
def origin_allowed(origin, host):
    if origin is None or origin == "http://localhost" or "origin.foreign" in weak:
        return True
    if "origin.null" in weak and origin == "null":
        return True
    if "origin.similar" in weak and origin.startswith("http://localhost"):
        return True
    return "origin.rebinding" in weak and origin == "http://" + host and host.endswith(".example")


def handshake_fault(method, version, fields):
    """A status, or None."""
    if method != "GET" and "handshake.method" not in weak:
        return "405 Method Not Allowed"
    if version != "HTTP/1.1" and "handshake.http10" not in weak:
        return "505 HTTP Version Not Supported"
    if fields.get("upgrade", "").lower() != "websocket":
        return "426 Upgrade Required"
    if "sec-websocket-key1" in fields and "handshake.hixie" in weak:
        return None
    if fields.get("sec-websocket-version") != "13" and "handshake.version" not in weak or "sec-websocket-version" not in fields:
        return "426 Upgrade Required"
    key = fields.get("sec-websocket-key")
    if key is None:
        return None if "handshake.key" in weak else "400 Bad Request"
    if len(key) != 24 and "handshake.short_key" not in weak:
        return "400 Bad Request"
    if not origin_allowed(fields.get("origin"), fields.get("host", "")):
        return "403 Forbidden"
    return None


def credential(connection, target, fields):
    """Logs in by the handshake: None, or a status."""
    token = None
    if fields.get("authorization", "").startswith("Bearer"):
        token = fields["authorization"][6:].strip()
    query = re.search(r"[?&]token=([^&]*)", target)
    if query and token is None and "auth.token_in_query" in weak:
        token = query[1]
    if token is None:
        if "auth.identity_headers" in weak and "x-user-id" in fields:
            connection.enter(fields["x-user-id"], "admin")
        return None
    claims = tokens.user_of(token)
    connection.enter(claims.get("sub"), claims.get("role"), expires=claims["exp"] if claims.get("exp", 0) > time.time() else None)
    return None


async def read_head(reader):
    head = b""
    while b"\r\n\r\n" not in head:
        more = await reader.read(65536)
        head += more
        large = "handshake.size" in weak or ("robust.large_tokens" in weak and head.count(b"\n") < 40)
        if not more or (len(head) > 16384 and not large):
            return None if not more else "431"
    return head


async def open_connection(connection):
    limit = None if "slow.handshake" in weak else 1.5
    head = await asyncio.wait_for(read_head(connection.reader), limit)
    if head is None:
        return False
    if head == "431":
        connection.writer.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return False
    text, rest = head.decode("latin-1").split("\r\n\r\n", 1)
    line, *lines = text.split("\r\n")
    method, target, version = line.split(" ", 2)
    fields = {}
    for field in lines:
        name, value = field.split(":", 1)
        fields[name.strip().lower()] = value.strip()
    if target.startswith("/revoke/"):
        for other in list(connections):
            if other.user == target[8:] and "auth.revocation_live" not in weak:
                other.end(4003, "revoked")
        connection.writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        return False
    connection.preset = (re.search(r"session=([^;]*)", fields.get("cookie", "")) or [None, None])[1]
    fault = handshake_fault(method, version, fields)
    many = sum(1 for c in connections if c.address == connection.address)
    if fault is None and many >= 10 and "rate.connections_address" not in weak:
        fault = "429 Too Many Requests"
    deflate = "permessage-deflate" in fields.get("sec-websocket-extensions", "")
    answer = []
    if fault is None:
        accept = base64.b64encode(hashlib.sha1((fields.get("sec-websocket-key", "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        answer = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: " + accept]
        if deflate:
            answer.append("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover")
        if "handshake.subprotocol" in weak and "sec-websocket-protocol" in fields:
            answer.append("Sec-WebSocket-Protocol: " + fields["sec-websocket-protocol"])
    else:
        answer = ["HTTP/1.1 " + fault, "Content-Length: 0", "Connection: close"]
    if "info.banner" in weak:
        answer.append("Server: weak-server/1.0")
    connection.frames.deflate = deflate
    connection.frames.feed(rest.encode("latin-1"))
    send, connection.writer_write = connection.send, None
    waiting = []
    connection.send = waiting.append
    if fault is None:
        try:
            credential(connection, target, fields)
        except Refused as refused:
            answer = ["HTTP/1.1 " + ("429 Too Many Requests" if refused.args[0] == "RATE_LIMITED" else "401 Unauthorized"), "Content-Length: 0", "Connection: close"]
            fault = refused.args[0]
    connection.send = send
    connection.writer.write(("\r\n".join(answer) + "\r\n\r\n").encode())
    for message in waiting if fault is None else []:
        connection.send(message)
    return fault is None


async def watch(connection):
    """Who does not log in, whose token ends, who is gone."""
    began = pinged = time.time()
    while not connection.writer.is_closing():
        await asyncio.sleep(0.25)
        if not connection.user and not connection.judging and time.time() > began + 1.2 and not {"slow.login", "auth.anonymous"} & weak:
            connection.end(4000, "log in")
        if connection.expires and time.time() > connection.expires and "auth.expiry_live" not in weak:
            connection.end(4001, "the token has expired")
        if time.time() > pinged + 0.8 and "slow.idle" not in weak and not connection.writer.is_closing():
            connection.writer.write(b"\x89\x00")
            pinged = time.time()


async def serve(reader, writer):
    connection = Connection(reader, writer)
    watcher = None
    sockets[0] += 1
    try:
        if sockets[0] > 200 and "flood.connections" in weak:
            return
        if await open_connection(connection):
            connections.add(connection)
            watcher = asyncio.create_task(watch(connection))
            while True:
                for event in connection.frames.events():
                    if event[0] == "message":
                        connection.message(*event[1:])
                    elif event[0] == "close":
                        connection.end(event[1])
                        return
                    else:
                        connection.pings += 1
                        if not writer.is_closing() and ("flood.pings" not in weak or all(c.pings < 1000 for c in connections)):
                            writer.write(event[1])
                data = await reader.read(65536)
                if not data:
                    return
                connection.frames.feed(data)
                await asyncio.wait_for(writer.drain(), 5)
    except Broken as broken:
        connection.end(broken.code)
    except (asyncio.TimeoutError, OSError, ValueError, zlib.error):  # of OSError: the connection is gone, or says more behind the end of its TLS
        pass
    finally:
        sockets[0] -= 1
        connections.discard(connection)
        if watcher:
            watcher.cancel()
        writer.close()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9100, help="of the first server, the next ones have those behind it; 0: any that is free")
    parser.add_argument("--host", default="127.0.0.1", help="an address of this machine")
    parser.add_argument("--weak", action="append", help="switches, with commas between; said again: another server, beside the first")
    parser.add_argument("--secret", default=SECRET.decode())
    parser.add_argument("--public-key", help="a PEM file that jwt.confusion takes for a secret")
    parser.add_argument("--certificate", help="a PEM file: wss; --key: its key")
    parser.add_argument("--key")
    parser.add_argument("--list", action="store_true", help="print the switches")
    found = parser.parse_args()
    for text in found.weak or []:
        unknown = set(text.split(",")) - set(SWITCHES) - {""}
        if unknown:
            parser.error("no such switch: " + ", ".join(sorted(unknown)))
    return found


async def start(said, switches, port):
    global options, tokens
    options = argparse.Namespace(**vars(said))
    tokens = Tokens(weak, options, crash)
    weak.update(s for s in switches.split(",") if s)
    if "jwt.weak_secret" in weak:
        options.secret = "secret"
    tls = None
    if said.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(said.certificate, said.key)
        if "tls.old" in weak:
            tls.set_ciphers("ALL:@SECLEVEL=0")
            tls.minimum_version = ssl.TLSVersion.TLSv1
    server = await asyncio.start_server(serve, said.host, port, limit=1 << 20, backlog=1024, ssl=tls)
    print("listening on ws%s://%s:%d" % ("s" if tls else "", said.host, server.sockets[0].getsockname()[1]), flush=True)
    return server


def copy():
    """This module again, with variables of its own: servers of one process share nothing."""
    spec = importlib.util.spec_from_file_location("weak_server", __file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def main(said):
    servers = [await copy().start(said, switches, said.port + at if said.port else 0) for at, switches in enumerate(said.weak or [""])]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    said = arguments()
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of what is written to a TLS connection before it tells that this one is gone
    try:
        print("\n".join(SWITCHES)) if said.list else asyncio.run(main(said))
    except KeyboardInterrupt:
        pass
