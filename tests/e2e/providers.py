"""Providers of identities for tests: a real one (npm oidc-provider under Node), and servers that answer what they are told to."""
import base64
import http.client
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.parse

from framewall import PATIENCE

WEB = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "web")


def skip_without_node():
    """The packages of tests/web, installed as its tests do it; without them the program ends here."""
    done = subprocess.run(["sh", os.path.join(WEB, "run.sh"), "--install"], stdout=subprocess.PIPE, text=True, timeout=280)
    if done.returncode:
        print(done.stdout.strip())
        sys.exit(0)


class Real:
    """oidc-provider; its clients have one secret, and tokens by client_credentials."""

    def __init__(self, port=0):
        self.process = subprocess.Popen(["node", os.path.join(WEB, "provider.mjs"), str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.issuer = self.process.stdout.readline().strip()
        self.port = int(self.issuer.rsplit(":", 1)[1])
        self.connection = None

    def ask(self, method, path, form=None, client=None):
        """(status, text) on a connection that is kept."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        if client is not None:
            headers["Authorization"] = "Basic " + base64.b64encode((client + ":secret-of-the-client").encode()).decode()
        for again in (True, False):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
                self.connection.request(method, path, urllib.parse.urlencode(form) if form is not None else None, headers)
                answer = self.connection.getresponse()
                return answer.status, answer.read().decode()
            except (http.client.RemoteDisconnected, ConnectionError):
                self.connection = None
                if not again:
                    raise

    def token(self, client="alice", resource="urn:chat"):
        status, text = self.ask("POST", "/token", {"grant_type": "client_credentials", "resource": resource, "scope": "staff"}, client)
        if status != 200:
            raise RuntimeError(text)
        return json.loads(text)["access_token"]

    def use_keys(self, *kids):
        self.ask("GET", "/test/keys?kids=" + ",".join(kids))

    def asked(self):
        return json.loads(self.ask("GET", "/test/asked")[1])

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()


class Server:
    """Answers each path by a function of the request (path, headers, body): (status, headers, octets); others with 404. asked: all requests."""

    def __init__(self, paths=None, context=None, port=0):
        self.paths, self.asked = paths or {}, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append((self.path, self.headers, body))
                status, headers, octets = outer.paths.get(self.path, lambda *request: (404, {}, b""))(self.path, self.headers, body)
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(octets)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(octets)

            do_GET = do_POST = answer

            def log_message(self, *arguments):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *arguments):  # a peer that had enough
                pass

        self.server = Quiet(("127.0.0.1", port), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def count(self, path):
        return sum(one[0] == path for one in self.asked)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()


def document(value, **headers):
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return lambda *request: (200, headers, octets)
