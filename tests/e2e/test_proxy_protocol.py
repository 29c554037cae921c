"""The PROXY protocol: real HAProxy and nginx in front, versions 1 and 2, plain and before TLS; and who lies, stalls or cuts off."""
import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import time

import framewall as fw
from test_proxies import Proxy, program_path, client_from  # the same folder

CONFIG = """
upstream: {{ url: "{url}" }}
trusted_proxies: [ 127.0.0.1 ]
proxy_protocol: {versions}
websocket: {{ handshake_timeout: 2, control_frames_per_minute: 1000000 }}
{more}
""" + fw.RELAXED.replace("websocket:\n  control_frames_per_minute: 1000000\n", "")

HAPROXY = """
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{port}
  default_backend back
backend back
  server one 127.0.0.1:{to} source 127.0.0.1 WORD
"""

NGINX = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
stream {{
  server {{
    listen 127.0.0.1:{port};
    proxy_pass 127.0.0.1:{to};
    proxy_protocol on;
  }}
}}
"""

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(source="203.0.113.7", port=4711, more=b"", command=0x21):
    body = socket.inet_aton(source) + socket.inet_aton("192.0.2.2") + struct.pack("!HH", port, 443) + more
    return SIGNATURE + bytes([command, 0x11]) + struct.pack("!H", len(body)) + body


def v1(source="203.0.113.7", port=4711):
    return f"PROXY TCP4 {source} 192.0.2.2 {port} 443\r\n".encode()


def handshake(server, user="alice"):
    lines = ["GET / HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="] + [f"{k}: {v}" for k, v in server.bearer(user).items()]
    return "\r\n".join(lines + ["", ""]).encode()


def opened(port, octets, address="127.0.0.1", pieces=None):
    """A connection that sends octets, in pieces if that is asked for."""
    client = fw.RawClient.__new__(fw.RawClient)
    client.waiting = b""
    client.socket = socket.socket()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.socket.settimeout(fw.PATIENCE)
    client.socket.bind((address, 0))
    client.socket.connect(("127.0.0.1", port))
    try:
        for at in range(0, len(octets), pieces or max(1, len(octets))):
            client.socket.sendall(octets[at:at + (pieces or len(octets))])
    except ConnectionError:
        pass
    return client


def nothing_came(client):
    """Closed without a single octet."""
    try:
        return client.socket.recv(100) == b""
    except ConnectionError:
        return True


def through(name, template, versions):
    def test():
        program = name.split()[0]
        if program_path(program) is None:
            fw.skip(f"behind {name}", f"{program} is not installed")
            return
        if program == "nginx" and not os.path.exists("/usr/lib/nginx/modules/ngx_stream_module.so"):
            fw.skip(f"behind {name}", "nginx's stream module is not installed")
            return
        with fw.Upstream() as upstream, \
                fw.Framewall(CONFIG.format(url=upstream.url(), versions=versions, more="")) as server, \
                Proxy(program, template, server.port) as proxy:
            client = client_from("127.0.0.77", proxy.port, server.bearer("alice"))
            fw.equal(client.status, 101, f"{name}: the handshake passes")
            headers = fw.until(lambda: upstream.headers)[-1]
            fw.equal(headers.get("X-Framewall-Client-IP"), "127.0.0.77", f"{name}: the client is who it is")
            fw.equal(headers.get("X-Forwarded-For"), "127.0.0.77", f"{name}: for the server behind, too")
            client.send(fw.chat("hello"))
            fw.ok(b"hello" in client.receive()[1], f"{name}: messages pass")
            record = server.wait_records("websocket_connected")[0]
            fw.equal((record["source_ip"], record["details"].get("proxy")), ("127.0.0.77", "127.0.0.1"), f"{name}: and so the record says")
            client.close()
    test.__name__ = "behind_" + name.replace(" ", "_")
    return test


def before_tls():
    folder = tempfile.mkdtemp(prefix="framewall-tls-")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder + "/key.pem", "-out", folder + "/cert.pem"],
                   check=True, stderr=subprocess.DEVNULL)
    more = f"tls: {{ certificate: {folder}/cert.pem, key: {folder}/key.pem }}"
    context = ssl.create_default_context(cafile=folder + "/cert.pem")
    with fw.Upstream() as upstream, fw.Framewall(CONFIG.format(url=upstream.url(), versions="any", more=more)) as server:
        for header in (v1(), v2(more=b"\x04\0\x03abc")):
            before = len(upstream.headers)
            client = opened(server.port, header)
            client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
            client.socket.sendall(handshake(server))
            fw.equal(client.read_head(), 101, "TLS begins behind the header")
            fw.until(lambda: len(upstream.headers) > before)
            fw.equal(upstream.headers[-1].get("X-Framewall-Client-IP"), "203.0.113.7", "and the client is the one announced")
            fw.equal(upstream.headers[-1].get("X-Forwarded-Proto"), "https", "who came by TLS")
            client.close()
    shutil.rmtree(folder)


def pieces():
    """Octet by octet, and all in one with the first message behind it."""
    with fw.Upstream() as upstream, fw.Framewall(CONFIG.format(url=upstream.url(), versions="any", more="")) as server:
        for header, size in ((v1(), 1), (v2(), 1), (v2(more=b"\x04\x07\0" + bytes(1792)), 700), (v1(), None), (v2(), None)):
            before = len(upstream.headers)
            octets = header + handshake(server)
            client = opened(server.port, octets + (b"" if size == 1 else fw.RawClient.frame(fw.chat("at once"))), pieces=size)
            fw.equal(client.read_head(), 101, f"{len(header)} octets of header in pieces of {size}: the handshake passes")
            fw.until(lambda: len(upstream.headers) > before)
            fw.equal(upstream.headers[-1].get("X-Framewall-Client-IP"), "203.0.113.7", "from the address announced")
            if size != 1:
                fw.ok(b"at once" in client.receive()[1], "and what was sent with it arrives")
            client.close()
        local = opened(server.port, v2(command=0x20) + handshake(server))
        fw.equal(local.read_head(), 101, "LOCAL is the proxy itself")
        fw.until(lambda: len(upstream.headers) == 6)
        fw.equal(upstream.headers[-1].get("X-Framewall-Client-IP"), "127.0.0.1", "with its own address")
        local.close()


def limits():
    """Limits and blocks are the announced client's."""
    config = CONFIG.format(url="ws://127.0.0.1:1", versions="any", more="").replace("max_connections_per_ip: 100000", "max_connections_per_ip: 1")
    with fw.Framewall(config.replace('upstream: { url: "ws://127.0.0.1:1" }', "")) as server:
        first = opened(server.port, v2("203.0.113.7") + handshake(server))
        fw.equal(first.read_head(), 101, "one connection of an address")
        second = opened(server.port, v2("203.0.113.7") + handshake(server))
        second.read_head()
        fw.ok(b"CONNECTION_LIMIT" in second.receive()[1], "a second one is too many")
        other = opened(server.port, v2("203.0.113.8") + handshake(server))
        fw.equal(other.read_head(), 101, "not so another address behind the same proxy")
        for client in (first, second, other):
            client.close()


def refused():
    with fw.Upstream() as upstream, fw.Framewall(CONFIG.format(url=upstream.url(), versions="any", more="")) as server:
        forged = opened(server.port, v1("203.0.113.1") + handshake(server), address="127.0.0.66")
        fw.ok(nothing_came(forged), "a header of somebody who is no trusted proxy: closed without an answer")
        bare = opened(server.port, handshake(server))
        fw.ok(nothing_came(bare), "no header: closed without an answer")
        for octets, name in ((v1()[:-2] + b"\n" + handshake(server), "a bare LF"),
                             (b"PROXY UNKNOWN " + b"x" * 200, "a line without end"),
                             (SIGNATURE + b"\x21\x11\xff\xff" + bytes(3000), "a header of 64 KiB"),
                             (v2(more=b"\x03\0\x04\0\0\0\0"), "a wrong checksum"),
                             (b"PROXY TCP4 203.0.113.7 192.0.2.2 99999 443\r\n", "a port that is none"),
                             (b"\x16\x03\x01\x02\0\x01", "TLS without a header")):
            fw.ok(nothing_came(opened(server.port, octets)), f"{name}: closed without an answer")
        records = server.wait_records("handshake_refused", 8)
        fw.equal(len(records), 8, "each left one record")
        fw.equal({r["source_ip"] for r in records}, {"127.0.0.66", "127.0.0.1"}, "of the socket's own address")
        fw.ok(all("PROXY" in r["details"]["cause"] or "begin" in r["details"]["cause"] for r in records), "with its cause", records)
        fw.equal(upstream.connections, 0, "and nothing reached the server behind")
        fw.equal(server.stats()["active_connections"], 0, "nothing is left of them")


def cut_off():
    """Cut at each octet: closed, one record for a part of a header, none where nothing was said. And who waits is not waited for."""
    with fw.Framewall(CONFIG.format(url="ws://127.0.0.1:1", versions="any", more="")) as server:
        header = v2(more=b"\x04\0\x02hi")
        for octets in [header[:n] for n in range(len(header))] + [v1()[:n] for n in range(1, len(v1()))]:
            client = opened(server.port, octets)
            client.socket.shutdown(socket.SHUT_WR)
            if not nothing_came(client):
                fw.ok(False, f"cut behind {len(octets)} octets: closed without an answer")
            client.close()
        cuts = len(header) + len(v1()) - 2
        fw.equal(len(server.wait_records("handshake_refused", cuts)), cuts, "a part of a header is recorded, nothing at all is not")
        start = time.monotonic()
        clients = [opened(server.port, header[:n]) for n in (0, 5, 20)]
        fw.ok(all(nothing_came(client) for client in clients), "who stops in the middle is closed")
        fw.ok(1 <= time.monotonic() - start < 20, "after handshake_timeout")
        late = server.wait_records("handshake_refused", cuts + 3)[-1]
        fw.equal(late["details"]["cause"], "no PROXY header in time", "with a record")
        waiting = [opened(server.port, header[:7]) for _ in range(3)]
        fw.until(lambda: server.descriptors() and True)
    fw.ok(all(nothing_came(client) for client in waiting), "and stopping waits for none of them")


def one_version():
    with fw.Framewall(CONFIG.format(url="ws://127.0.0.1:1", versions="v2", more="").replace('upstream: { url: "ws://127.0.0.1:1" }', "")) as server:
        fw.ok(nothing_came(opened(server.port, v1() + handshake(server))), "v2 alone takes no v1")
        client = opened(server.port, v2() + handshake(server))
        fw.equal(client.read_head(), 101, "but v2")
        client.close()


if __name__ == "__main__":
    fw.main(through("haproxy v1", HAPROXY.replace("WORD", "send-proxy"), "v1"), through("haproxy v2", HAPROXY.replace("WORD", "send-proxy-v2"), "v2"),
            through("haproxy v2 with a checksum", HAPROXY.replace("WORD", "send-proxy-v2 proxy-v2-options crc32c"), "any"),
            through("nginx stream", NGINX, "any"), before_tls, pieces, limits, refused, cut_off, one_version)
