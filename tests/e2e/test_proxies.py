"""Behind real proxies: who the client is, for the server behind and for the record. nginx and HAProxy in front."""
import os
import shutil
import socket
import subprocess
import tempfile
import time

import framewall as fw

TRUSTED = """
upstream: {{ url: "{url}" }}
trusted_proxies: [ 127.0.0.1 ]
hosts: [ localhost ]
""" + fw.RELAXED

CONFIG_OF_BLOCKS = "trusted_proxies: [ 127.0.0.9 ]\nmonitoring: { auto_block: { violation_threshold: 4 } }\nrate_limiting: { auth_attempts_per_minute: 1000 }\n"

NGINX = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{to};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }}
  }}
}}
"""

HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{port}
  option forwardfor
  default_backend back
backend back
  server one 127.0.0.1:{to} source 127.0.0.1
"""


class Proxy:
    """A proxy in the foreground, its configuration and files in a folder of its own."""

    def __init__(self, program, template, to):
        self.folder = tempfile.mkdtemp(prefix="framewall-proxy-")
        os.chmod(self.folder, 0o755)
        self.port = fw.free_port()
        path = os.path.join(self.folder, "proxy.conf")
        with open(path, "w") as file:
            file.write(template.format(folder=self.folder, port=self.port, to=to))
        arguments = ["-db", "-f", path] if program == "haproxy" else ["-c", path, "-g", "daemon off;"]
        self.process = subprocess.Popen([program_path(program)] + arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        cwd=self.folder)
        fw.until(self.listens)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(fw.PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)


def program_path(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def client_from(address, port, headers, host="localhost"):
    """A handshake through a proxy, from an address of the loopback network."""
    client = fw.RawClient.__new__(fw.RawClient)
    client.waiting = b""
    client.socket = socket.socket()
    client.socket.settimeout(fw.PATIENCE)
    client.socket.bind((address, 0))
    client.socket.connect(("127.0.0.1", port))
    lines = ["GET / HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="] + [f"{name}: {value}" for name, value in headers.items()]
    client.socket.sendall("\r\n".join(lines + ["", ""]).encode())
    client.read_head()
    return client


def through(name, template):
    def test():
        if program_path(name) is None:
            fw.skip(f"behind {name}", f"{name} is not installed")
            return
        with fw.Upstream() as upstream, fw.Framewall(TRUSTED.format(url=upstream.url())) as server, \
                Proxy(name, template, server.port) as proxy:
            client = client_from("127.0.0.77", proxy.port, server.bearer("alice"))
            fw.equal(client.status, 101, f"{name}: the handshake passes")
            headers = fw.until(lambda: upstream.headers)[-1]
            fw.equal(headers.get("X-Framewall-Client-IP"), "127.0.0.77", f"{name}: the client is who it is")
            fw.equal(headers.get("X-Forwarded-For"), "127.0.0.77, 127.0.0.1", f"{name}: the list goes on, with the proxy in it")
            client.send(fw.chat("hello"))
            fw.ok(b"hello" in client.receive()[1], f"{name}: messages pass")
            forged = client_from("127.0.0.78", proxy.port, {**server.bearer("bob"), "X-Forwarded-For": "203.0.113.9"})
            fw.equal(forged.status, 101, f"{name}: a client that forges the header comes in")
            fw.until(lambda: len(upstream.headers) == 2)
            fw.equal(upstream.headers[-1].get("X-Framewall-Client-IP"), "127.0.0.78", f"{name}: as itself")
            records = server.wait_records("auth_success", 2)
            fw.equal([r["source_ip"] for r in records], ["127.0.0.77", "127.0.0.78"], f"{name}: and so the record says")
            fw.equal(server.records("websocket_connected")[0]["details"].get("proxy"), "127.0.0.1", f"{name}: with the proxy beside")
            client.close()
            forged.close()
    test.__name__ = "behind_" + name
    return test


def counted():
    """A forged header is ignored, and counted; so is one of a proxy that says nothing."""
    with fw.Upstream() as upstream, fw.Framewall(TRUSTED.format(url=upstream.url()).replace("127.0.0.1 ]", "127.0.0.9 ]")) as server:
        for _ in range(3):
            client_from("127.0.0.5", server.port, {**server.bearer("eve"), "X-Forwarded-For": "203.0.113.9"}).close()
        client_from("127.0.0.9", server.port, {**server.bearer("eve"), "X-Forwarded-For": "unknown"}).close()
        client_from("127.0.0.9", server.port, server.bearer("eve")).close()
        fw.until(lambda: len(upstream.headers) == 5)
        fw.equal({h.get("X-Framewall-Client-IP") for h in upstream.headers}, {"127.0.0.5", "127.0.0.9"},
                 "forged addresses are nobody's")
        counters = server.stats()["counters"]
        fw.equal((counters["forwarded_ignored"], counters["forwarded_invalid"]), (3, 1), "and are counted")


def blocked():
    """Who guesses under a forged address is blocked himself, and not whom he names, who is served all along."""
    with fw.Framewall(CONFIG_OF_BLOCKS) as server:
        honest = client_from("127.0.0.6", server.port, server.bearer("honest"))
        for n in range(8):
            guess = client_from("127.0.0.5", server.port, {"Authorization": "Bearer nonsense", "X-Forwarded-For": "127.0.0.6"})
            fw.ok(honest.is_open(), f"guess {n + 1}, under somebody else's address: {guess.status}; he is served")
            guess.close()
        fw.equal([record["source_ip"] for record in server.wait_records("ip_blocked")], ["127.0.0.5"], "who guesses is blocked, and he alone")
        again = client_from("127.0.0.6", server.port, server.bearer("honest"))
        fw.ok(again.status == 101 and again.is_open(), "whom he named comes in")
        again.close()
        honest.close()


if __name__ == "__main__":
    fw.main(through("nginx", NGINX), through("haproxy", HAPROXY), counted, blocked)
