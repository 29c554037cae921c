#!/usr/bin/python3
"""A real provider of identities, npm oidc-provider, by discovery: logins by its tokens, its keys changing under about 100 logins a second, and
the provider gone. argv[2]: seconds of changing keys (4)."""
import queue
import time

from framewall import *
from providers import Real, skip_without_node

skip_without_node()
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 4
THREADS, EACH = 4, 25  # logins a second
CONFIG = RELAXED + """
authentication:
  issuers:
    - issuer: "{issuer}"
      discovery: true
      audience: "urn:chat"
      roles: {{ user: [staff] }}
      default_role: none
      allow_http: true
      allow_private: true
      min_age: 1
      max_age: 1
      refetch: 1
"""
SAYS = " issuer: "


def login(fw, token):
    """The client that logged in, and what it was told."""
    client = RawClient(fw.port, {})
    client.send(json.dumps({"type": "auth", "method": "jwt", "token": token}))
    answer = json.loads(client.receive()[1])["data"]
    return client, (answer["user_id"], answer["role"]) if "user_id" in answer else answer["code"]


def who(fw, token):
    client, told = login(fw, token)
    client.close()
    return told


class Load:
    """Logs in by the newest token, about THREADS * EACH times a second, until it is stopped."""

    def __init__(self, fw, token):
        self.fw, self.token = fw, token
        self.told, self.stopping = queue.Queue(), threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.stopping.wait(1 / EACH):
            token = self.token
            try:
                self.told.put(who(self.fw, token))
            except (OSError, EOFError, ValueError) as error:
                self.told.put(repr(error))

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE)
        return list(self.told.queue)


def changes(fw):
    return len(fw.records("issuer_keys"))


def kid_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]


def rotate(fw, provider, load):
    """Keys come and go: each signs from the moment it is there, the one before stays until no token of it is used."""
    kids, old, end = ["first"], [], time.monotonic() + SECONDS
    while time.monotonic() < end or len(kids) < 3:
        kid = f"key-{len(kids)}"
        seen = changes(fw)
        before = load.token
        provider.use_keys(kid, kids[-1])
        load.token = provider.token()
        if kid_of(load.token) != kid:
            raise RuntimeError("the provider signs with another key")
        kids.append(kid)
        until(lambda: changes(fw) > seen)
        time.sleep(1.2)  # refetch: one fetch a second for the sake of a token
        seen = changes(fw)
        provider.use_keys(kid)
        old.append(before)
        until(lambda: changes(fw) > seen)
        time.sleep(1.2)
    return kids, old


def test_rotation():
    with Real() as provider:
        with Framewall(CONFIG.format(issuer=provider.issuer), says=SAYS) as fw:
            token = provider.token()
            equal(who(fw, token), ("alice", "user"), "a token of the provider")
            equal(who(fw, provider.token("bob")), ("bob", "user"), "and of another user")
            equal(who(fw, provider.token(resource="urn:other")), "AUTH_FAILED", "a token for another service is none")
            live, _ = login(fw, provider.token("bob"))
            load = Load(fw, token)
            kids, old = rotate(fw, provider, load)
            told = load.stop()
            print(f"# {len(told)} logins while {len(kids)} keys came and went")
            equal({str(one) for one in told}, {str(("alice", "user"))}, "no valid token was refused")
            equal({who(fw, one) for one in old}, {"AUTH_FAILED"}, "no token of a key that is gone is taken")
            opcode = 0
            while opcode != 8:
                opcode, payload = live.receive()
            equal(struct.unpack("!H", payload[:2])[0], 4401, "who came by such a key was closed")
            live.close()
            equal(fw.records("issuer_failure"), [], "and all the while the provider was well")


def test_down():
    folder = tempfile.mkdtemp(prefix="framewall-e2e-")
    data = ("--data", os.path.join(folder, "data"))
    provider = Real()
    try:
        token = provider.token()
        config = CONFIG.format(issuer=provider.issuer)
        with Framewall(config, *data, says=SAYS) as fw:
            fw.data = data[1]
            equal(who(fw, token), ("alice", "user"), "before")
            provider.stop()
            ok(fw.wait_records("issuer_failure"), "the record says that the provider is gone")
            equal(who(fw, token), ("alice", "user"), "its keys count on")
        with Framewall(config, *data, says=SAYS) as fw:
            fw.data = data[1]
            equal(who(fw, token), ("alice", "user"), "also after a restart")
            provider = Real(provider.port)
            fresh = provider.token()
            until(lambda: who(fw, fresh) == ("alice", "user"))
            equal((who(fw, fresh), who(fw, token)), (("alice", "user"), "AUTH_FAILED"), "it is back, with another key")
    finally:
        provider.stop()
        shutil.rmtree(folder, ignore_errors=True)


main(test_rotation, test_down)
