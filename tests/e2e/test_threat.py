#!/usr/bin/python3
"""threat_intelligence.lists (row 121): files, https with an authority of its own, TAXII 2.1; what a list does to clients; a list that is broken, too
large, gone, back again; what stays over falls and restarts. Clients come from 127.0.0.2 and so on."""
import contextlib
import urllib.request
import zlib

from certificates import Authority
from framewall import *
from providers import Server
from taxii import COLLECTION, Taxii, indicator, stamp

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
SAYS = r"\bthreat\b"  # a list that is refused is said


def lists(*entries, more=""):
    return RELAXED + more + "threat_intelligence:\n  lists:\n" + "".join(f"    - {json.dumps({'private_networks': True, 'name': 'bad', **entry})}\n" for entry in entries)


def command(fw, *words):
    return subprocess.run([BINARY, "threat", *words, "--data", fw.data], capture_output=True, text=True, timeout=PATIENCE)


def state(fw, name="bad"):
    return next(one for one in json.loads(command(fw, "list", "--json").stdout)["lists"] if one["name"] == name)


def hurry(fw):
    equal(command(fw, "reload").returncode, 0, "lists are asked for at once")


def write(fw, text, name="list"):
    path = os.path.join(fw.folder, name)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


class Client:
    """Logs in from this address."""

    def __init__(self, fw, last, token=None):
        self.raw = RawClient(fw.port, {"Authorization": "Bearer " + (token or fw.token())}, source=f"127.0.0.{last}")

    def fate(self):
        """"in", or the code of the close, or the status."""
        if self.raw.status != 101:
            return self.raw.status
        try:
            self.raw.send(json.dumps({"type": "ping"}))
        except OSError:
            pass  # it is closed: what was said before is there to be read
        while True:
            opcode, payload = self.raw.receive()
            if opcode == 8:
                return struct.unpack("!H", payload[:2])[0]
            if opcode == 1 and json.loads(payload)["type"] in ("pong", "ping"):  # of the hub, or what an upstream echoes
                return "in"

    def closed_with(self):
        opcode = 0
        while opcode != 8:
            opcode, payload = self.raw.receive()
        return struct.unpack("!H", payload[:2])[0]

    def close(self):
        self.raw.close()


def fate(fw, last):
    client = Client(fw, last)
    became = client.fate()
    client.close()
    return became


def becomes(fw, last, wanted):
    """Until a client of that address is treated so."""
    return until(lambda: fate(fw, last) == wanted)


class With:
    """A server whose folder has a file before it starts: by a folder of our own."""

    def __init__(self, text, *entries, more="", arguments=()):
        self.folder = tempfile.mkdtemp(prefix="framewall-e2e-threat-")
        self.path = os.path.join(self.folder, "list")
        self.write(text)
        entries = entries or ({"url": "file:" + self.path, "format": "netset"},)
        self.fw = Framewall(lists(*[{**one, "url": one.get("url", "file:" + self.path)} for one in entries], more=more), *arguments, says=SAYS)

    def write(self, text):
        with open(self.path + ".new", "w") as file:
            file.write(text)
        os.rename(self.path + ".new", self.path)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.fw.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def test_what_a_list_does():
    with With("# bad people\n127.0.0.2\n127.0.0.8/29\n", {"format": "netset"}, {"name": "odd", "format": "netset", "action": "flag", "url": "file:/dev/null"},
              arguments=("--admin", "localhost:0")) as server:
        fw = server.fw
        equal([fate(fw, last) for last in (2, 9, 16, 3)], [4403, 4403, "in", "in"], "who is on a list that blocks is refused, others are not")
        (first, *_) = fw.wait_records("blocked_attempt", 2)
        equal(first["details"].get("cause"), "list bad: 127.0.0.2/32", "the record says which list, and which network")
        equal(fw.records("blocked_attempt")[1]["details"].get("cause"), "list bad: 127.0.0.8/29", "also of one within a network")
        ok("IP_BLOCKED" in command(fw, "lookup", "127.0.0.2").stdout or "block" in command(fw, "lookup", "127.0.0.2").stdout, "threat lookup says so")
        equal(json.loads(command(fw, "lookup", "127.0.0.9", "--json").stdout), {"address": "127.0.0.9", "on": [{"list": "bad", "action": "block", "network": "127.0.0.8/29"}]},
              "with the network")
        equal(json.loads(command(fw, "lookup", "::ffff:127.0.0.9", "--json").stdout)["on"][0]["network"], "127.0.0.8/29", "an IPv4-mapped address is the IPv4 one")
        equal(json.loads(command(fw, "lookup", "192.0.2.1", "--json").stdout)["on"], [], "one that is on none is on none")
        equal(command(fw, "lookup", "nobody").returncode, 3, "what is no address is none")
        entry = state(fw)
        equal((entry["networks"], entry["state"], entry["hits"]), (2, "good", 2), "threat list says how many networks, and how many clients it had")
        loaded = [one["details"] for one in fw.records("threat_list")]
        equal([(one["list"], one["change"], one["networks"], one["digest"]) for one in loaded if one["list"] == "bad"],
              [("bad", "loaded", 2, hashlib.sha256(b"# bad people\n127.0.0.2\n127.0.0.8/29\n").hexdigest())], "a record says that it was loaded, and its digest")
        ok(any(one["details"]["list"] == "odd" and "empty" in one["details"]["cause"] for one in fw.wait_records("threat_list_failure")), "an empty one is refused")
        token = open(os.path.join(fw.data, "admin.token")).read().strip()
        request = urllib.request.Request(f"http://localhost:{fw.admin_port()}/metrics", headers={"Authorization": "Bearer " + token})
        metrics = urllib.request.urlopen(request, timeout=PATIENCE).read().decode()
        ok('framewall_threat_list_hits_total{list="bad",action="block"} 2\n' in metrics and 'framewall_threat_list_networks{list="bad",action="block"} 2\n' in metrics and
           'framewall_threat_list_failing{list="odd",action="flag"} 1\n' in metrics, "metrics have them", metrics)


def test_flag_and_count():
    with With("127.0.0.2\n127.0.0.3\n", {"name": "flagged", "format": "cidr", "action": "flag"}, {"name": "counted", "format": "cidr", "action": "count"}) as server:
        fw = server.fw
        equal(fate(fw, 2), "in", "who is on a list that flags is let in")
        equal([one["details"] for one in fw.wait_records("threat_match")], [{"cause": "list flagged: 127.0.0.2/32"}], "and recorded")
        equal((state(fw, "flagged")["hits"], state(fw, "counted")["hits"]), (1, 1), "each list counts him")
    with With("127.0.0.2\n", {"name": "counted", "format": "cidr", "action": "count"}, more="refuse: http\n") as server:
        equal(fate(server.fw, 2), "in", "who is on a list that counts is let in")
        equal((state(server.fw, "counted")["hits"], server.fw.records("threat_match")), (1, []), "and counted, without a record")


def test_refused_by_http():
    with With("127.0.0.2\n", more="refuse: http\n") as server:
        equal(fate(server.fw, 2), 403, "with refuse: http he gets 403")
    with Upstream() as upstream, With("127.0.0.2\n", more="mode: monitor\n", arguments=("--upstream", f"ws://127.0.0.1:{upstream.port}")) as server:
        equal(fate(server.fw, 2), "in", "monitor turns nobody away")
        equal(server.fw.wait_records("blocked_attempt")[0]["details"].get("would"), "refuse", "and says what it would do")
        live = Client(server.fw, 5)
        equal(live.fate(), "in", "nor is a connection ended")
        server.write("127.0.0.5\n")
        hurry(server.fw)
        ok(until(lambda: json.loads(command(server.fw, "lookup", "127.0.0.5", "--json").stdout)["on"]), "whose address comes onto a list")
        live.raw.send(json.dumps({"type": "ping"}))
        opcode, _ = live.raw.receive()
        equal(opcode, 1, "it is answered")
        live.close()


def test_a_list_that_changes():
    with With("127.0.0.2\n", arguments=("--workers", "3")) as server:
        fw = server.fw
        live = [Client(fw, last) for last in (5, 5, 6, 6)]
        equal([client.fate() for client in live], ["in"] * 4, "four are in")
        server.write("127.0.0.5\n")
        hurry(fw)
        equal([client.closed_with() for client in live[:2]], [4403, 4403], "whose address comes onto a list is ended")
        for client in live[2:]:
            client.raw.send(json.dumps({"type": "ping"}))
        ok(all(client.raw.receive()[0] == 1 for client in live[2:]), "others are not")
        equal([fate(fw, 2), fate(fw, 5)], ["in", 4403], "who is on it no more is let in, who is, is not")
        kept = hashlib.sha256(b"127.0.0.5\n").hexdigest()
        for bad, why in (("127.0.0.5\n127.0.0.6\n<html>\n", 'line 3: "<html>" is no address and no network'), ("127.0.0.5/24\n", 'line 1: "127.0.0.5/24" is no network'), ("", "it is empty"),
                         ("127.0.0.6\n10.0.0.300\n", 'line 2: "10.0.0.300" is no address'), ("127.0.0.0/24\n", "127.0.0.0/24 has an address that this server trusts (127.0.0.1/32)"),
                         ("32.0.0.0/4\n", "it has 6.2 % of all IPv4 addresses")):
            server.write(bad)
            hurry(fw)
            ok(until(lambda: state(fw).get("cause", "").startswith(why)), f"refused: {why}", state(fw))
            equal((state(fw)["state"], state(fw)["digest"], fate(fw, 5)), ("old", kept, 4403), "and the last good one stays in use")
        server.write("".join(f"127.1.{i // 250}.{i % 250}\n" for i in range(2000)))
        hurry(fw)
        ok(until(lambda: "2000 networks where the one in use has 1" in state(fw).get("cause", "")), "refused: as many times as before", state(fw))
        os.unlink(server.path)
        hurry(fw)
        ok(until(lambda: state(fw).get("cause", "").startswith("cannot read")), "one that is gone is told")
        equal(fate(fw, 5), 4403, "and stays in use")
        equal(len([one for one in fw.records("threat_list_failure")]), 8, "each failure is one record")
        fw.killed("fw-gate", "fw-keeper")
        fw.check = False
        again = Framewall(open(os.path.join(fw.folder, "framewall.yaml")).read(), "--data", fw.data, says=SAYS)
        try:
            again.data = fw.data
            equal(fate(again, 5), 4403, "and over a kill and a restart without the file")
            server.write("127.0.0.6\n")
            hurry(again)
            ok(becomes(again, 5, "in") and fate(again, 6) == 4403, "when it is back it counts")
        finally:
            again.stop()


def test_falls():
    """Of three processes: whichever falls, nobody comes in between."""
    if "--single" in RUN_FLAGS:
        return
    with With("127.0.0.2\n") as server:
        fw = server.fw
        fw.says = SAYS + r"|fell|gate|keeper"
        equal(fate(fw, 2), 4403, "blocked")
        for part in ("fw-gate", "fw-keeper"):
            before = fw.parts()[part]
            os.kill(before, signal.SIGKILL)
            until(lambda: fw.parts().get(part, before) != before)

            def answers():
                try:
                    return fate(fw, 2)
                except OSError:
                    return None

            seen = {one for one in (answers() for _ in range(30)) if one is not None} | {until(answers)}
            equal(seen, {4403}, f"when {part} falls, he is not let in by its successor")
            server.write(f"127.0.0.2\n127.0.0.{40 + len(part)}\n")
            until(lambda: command(fw, "reload").returncode == 0)
            ok(becomes(fw, 40 + len(part), 4403), "and lists that change later come to it")


def test_https():
    authority = Authority()
    answers = {"text": b"; DROP\n127.0.0.2/32 ; SBL1\n", "status": 200}
    with Server({"/drop.txt": lambda *request: (answers["status"], {"Content-Type": "text/plain"}, answers["text"])}, authority.sign("localhost").server()) as web:
        entry = {"url": web.url + "/drop.txt", "format": "drop", "refresh": 1, "allow_private": True, "ca_file": authority.certificate, "header": "Auth-Key: abc", "authorization": "Bearer def"}
        with Framewall(lists(entry, {**entry, "name": "unsigned", "ca_file": "/etc/ssl/certs/ca-certificates.crt" if os.path.exists("/etc/ssl/certs/ca-certificates.crt") else
                                     authority.sign("other").certificate}, {**entry, "name": "elsewhere", "allow_private": False}), says=SAYS) as fw:
            ok(becomes(fw, 2, 4403), "a list of a server is fetched")
            headers = web.asked[0][1]
            equal((headers.get("Auth-Key"), headers.get("Authorization")), ("abc", "Bearer def"), "with the headers that it asks for")
            ok(until(lambda: "certificate" in state(fw, "unsigned").get("cause", "").lower()), "one whose certificate nobody signed is not", state(fw, "unsigned"))
            ok(until(lambda: "of this machine" in state(fw, "elsewhere").get("cause", "")), "nor one at a private address", state(fw, "elsewhere"))
            for status, text, why in ((500, b"", "the server answers 500"), (301, b"", "the server answers 301"), (200, b"<html>sorry</html>", "line 1:"), (200, b"127.0.0.2/32 ; SBL1\n127.0.0", "line 2:")):
                answers.update(status=status, text=text)
                ok(until(lambda: state(fw).get("cause", "").startswith(why)), f"{why} is told", state(fw))
                equal(fate(fw, 2), 4403, "and the last good one stays")
            answers.update(status=200, text=b"127.0.0.3/32 ; SBL2\n")
            ok(becomes(fw, 3, 4403) and becomes(fw, 2, "in"), "when it is good again it counts")
            web.stop()
            ok(until(lambda: state(fw)["state"] == "old"), "a server that is gone is told")
            equal(fate(fw, 3), 4403, "and its list stays")


def test_too_large():
    """By networks; and a list for a machine that has more octets than it may."""
    with With("127.0.0.2\n127.0.0.3\n", {"format": "netset", "max_entries": 1}) as server:
        equal(state(server.fw)["cause"], "it has more than 1 networks", "more networks than max_entries are refused")
    block = b"# comment\n" * 100000
    octets = block * 70

    with Server({"/list": lambda *request: (200, {"Content-Type": "text/plain"}, octets)}) as web:
        with Framewall(lists({"url": web.url + "/list", "format": "netset", "allow_private": True, "allow_http": True}), says=SAYS) as fw:
            ok(until(lambda: "octets" in state(fw).get("cause", "")), "more octets than a list may have are refused", state(fw))


def test_taxii():
    for tokens in (True, False):
        taxii = Taxii(tokens=tokens)
        taxii.add(indicator(1, "[ipv4-addr:value = '127.0.0.2']"), indicator(2, "[ipv4-addr:value = '127.0.0.3' OR ipv4-addr:value ISSUBSET '127.0.0.16/28']"),
                  indicator(3, "[domain-name:value = 'example.com']"), indicator(4, "[ipv4-addr:value = '127.0.0.4'] AND [ipv4-addr:value = '127.0.0.5']"),
                  indicator(5, "[ipv4-addr:value = '127.0.0.6']", valid_until="2026-01-02T00:00:00Z"), indicator(6, "[ipv4-addr:value = '127.0.0.7']", revoked=True),
                  indicator(7, "[ipv4-addr:value = '127.0.0.8']"))
        with Server(taxii) as web:
            entry = {"url": web.url + "/api/", "format": "stix", "collection": COLLECTION, "authorization": taxii.authorization, "refresh": 1, "allow_private": True, "allow_http": True}
            with Framewall(lists(entry), says=SAYS) as fw:
                ok(becomes(fw, 2, 4403), f"a collection is read, {'by tokens' if tokens else 'by times'}", state(fw))
                equal([fate(fw, last) for last in (3, 17, 4, 5, 6, 7, 8)], [4403, 4403, "in", "in", "in", "in", 4403], "all its pages, what is valid, what says no more than addresses")
                equal((state(fw)["unsupported"], state(fw)["invalid"], state(fw)["networks"]), (2, 2, 4), "the rest is counted")
                taxii.add({**indicator(1, "[ipv4-addr:value = '127.0.0.2']"), "modified": "2026-03-01T00:00:00.000Z", "revoked": True}, indicator(8, "[ipv4-addr:value = '127.0.0.9']"))
                ok(becomes(fw, 9, 4403) and becomes(fw, 2, "in"), "what was added is, what was revoked is not any more")
                ok(any("added_after=" in path for path, *_ in web.asked), "what is new alone was asked for")
                equal(fate(fw, 3), 4403, "what was there before is still")
                taxii.broken = (200, {"Content-Type": "text/html"}, b"{}")
                ok(until(lambda: state(fw).get("cause") == "the answer is no application/taxii+json"), "an answer of another type is refused", state(fw))
                taxii.broken = None
                ok(until(lambda: state(fw)["state"] == "good"), "and it is good again")
                # Valid for some seconds.
                taxii.add(indicator(9, "[ipv4-addr:value = '127.0.0.10']", valid_until=stamp(6)))
                ok(becomes(fw, 10, 4403), "what is valid for some seconds is blocked")
                taxii.broken = (500, {}, b"")
                ok(becomes(fw, 10, "in"), "and let in when they are over, also when the server is gone by then")


def test_who_is_exempt():
    """Of automatic blocks: no list shuts him out, whenever it comes."""
    exempt = '    exempt: ["127.0.0.64/26", "user:alice"]\n'  # RELAXED ends in auto_block
    with With("127.0.0.2\n", more=exempt) as server:
        fw = server.fw
        equal((fate(fw, 2), fate(fw, 70)), (4403, "in"), "a list is in use")
        for bad in ("127.0.0.2\n127.0.0.70\n", "127.0.0.0/25\n"):
            server.write(bad)
            hurry(fw)
            ok(until(lambda: "has an address that this server trusts (127.0.0." in state(fw).get("cause", "")), "one that has somebody who is exempt is refused", state(fw))
            equal((state(fw)["state"], fate(fw, 2), fate(fw, 70)), ("old", 4403, "in"), "and the one before stays in use")


class Source:
    """Speaks as it wants: answer(socket) for each that connects, behind its request. Counts them."""

    def __init__(self, answer):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/list"
        self.answer, self.asked, self.sent = answer, [], 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, contextlib.suppress(OSError):
            client.settimeout(PATIENCE)
            while b"\r\n\r\n" not in client.recv(65536):
                pass
            self.asked.append(time.monotonic())
            self.answer(self, client)

    def send(self, client, octets):
        client.sendall(octets)
        self.sent += len(octets)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()


def test_sources_that_go_wrong():
    """Nothing, half of it, 10 GB, a bomb, an octet now and then: the last good list stays, and clients are served meanwhile."""
    good = b"127.0.0.2\n"

    def head(size, more=b""):
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n" % (size, more)

    def well(source, client):
        source.send(client, head(len(good)) + good)

    def nothing(source, client):
        pass

    def half(source, client):
        source.send(client, head(1000) + good)

    def endless(source, client):
        source.send(client, head(10 << 30))
        while True:
            source.send(client, b"# ten gigabytes\n" * 65536)

    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(b"#" * (1 << 20)) for _ in range(100)) + packer.flush()

    def bomb(source, client):
        source.send(client, head(len(packed), b"Content-Encoding: gzip\r\n") + packed)

    def slow(source, client):
        source.send(client, head(1000))
        while True:
            source.send(client, b"#")
            time.sleep(0.2)

    with Source(well) as source:
        with Framewall(lists({"url": source.url, "format": "netset", "allow_private": True, "allow_http": True, "timeout": 10, "refresh": 3600}), says=SAYS) as fw:
            ok(becomes(fw, 2, 4403), "a list that is good is in use", state(fw))
            for answer, why in ((nothing, "Empty reply"), (half, "closed"), (endless, "more than 67108864 octets"), (bomb, "more than 67108864 octets"), (slow, "timed out")):
                source.answer, source.sent = answer, 0
                hurry(fw)
                equal((fate(fw, 2), fate(fw, 3)), (4403, "in"), "clients are served while it is fetched")
                ok(until(lambda: why in state(fw).get("cause", "")), f"{answer.__name__}: it is said why not", state(fw))
                equal((state(fw)["state"], fate(fw, 2), fate(fw, 3)), ("old", 4403, "in"), "and the last good one stays in use")
                ok(source.sent < 300 << 20, "and no more is taken than it may have", source.sent)
            source.answer = well
            hurry(fw)
            ok(until(lambda: state(fw)["state"] == "good"), "it is good again when its source is", state(fw))


def test_asked_too_often():
    """Retry-After (RFC 9110 10.2.3) is kept to; what a TAXII server means is said."""
    def too_often(source, client):
        source.send(client, b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n")

    with Source(too_often) as source:
        with Framewall(lists({"url": source.url, "format": "netset", "allow_private": True, "allow_http": True, "refresh": 1}), says=SAYS) as fw:
            ok(until(lambda: len(source.asked) > 2), "it is asked again")
            ok(all(later - earlier >= 5 for earlier, later in zip(source.asked, source.asked[1:])), "and not before the time that it wants", source.asked)
            equal(state(fw)["cause"], "the server answers 429: it was asked too often", "which is said")
    taxii = Taxii()
    with Server(taxii) as web:
        entry = {"url": web.url + "/api/", "format": "stix", "collection": COLLECTION, "refresh": 1, "allow_private": True, "allow_http": True}
        with Framewall(lists({**entry, "authorization": "Basic bm9ib2R5"}), says=SAYS) as fw:
            ok(until(lambda: state(fw).get("cause", "").startswith('the server answers 401: it wants another "authorization"')), "the wrong credential is told", state(fw))
        taxii.broken = (406, {}, b"")
        with Framewall(lists({**entry, "authorization": taxii.authorization}), says=SAYS) as fw:
            ok(until(lambda: state(fw).get("cause", "") == "the server answers 406: it has no TAXII 2.1"), "and another version of TAXII", state(fw))


def test_reload_of_the_configuration():
    with With("127.0.0.2\n") as server:
        fw = server.fw
        path = os.path.join(fw.folder, "framewall.yaml")
        config = open(path).read()

        def use(text):
            with open(path, "w") as file:
                file.write(text)
            before = len(fw.records("system_changes"))
            fw.signal(signal.SIGHUP)
            until(lambda: len(fw.records("system_changes")) > before)

        equal(fate(fw, 2), 4403, "blocked")
        use(config.replace('"format": "netset"', '"format": "netset", "action": "flag"'))
        ok(becomes(fw, 2, "in"), "a list that only flags from now on")
        use(config)
        ok(becomes(fw, 2, 4403), "and blocks again")
        use("trusted_proxies: [127.0.0.2]\n" + config)
        ok(until(lambda: state(fw).get("cause", "").startswith("127.0.0.2/32 has an address that this server trusts")), "who is trusted from now on", state(fw))
        ok(becomes(fw, 2, "in"), "is let in")
        use(config)
        ok(becomes(fw, 2, 4403), "and no more")
        use(config.split("threat_intelligence")[0])
        ok(becomes(fw, 2, "in"), "without the list he is let in")
        ok(any(one["details"]["change"] == "not in use any more" for one in fw.records("threat_list")), "which is recorded")


def test_swapped_under_load():
    """Lists that change all the time: honest clients are let in, the others never."""
    with With("127.0.0.2\n", arguments=("--workers", "2")) as server:
        fw = server.fw
        wrong, stop, seen = [], threading.Event(), [0]

        def come(last, wanted):
            while not stop.is_set():
                client = Client(fw, last, fw.token(f"user{last}-{seen[0]}"))  # sessions of one user give way to one another
                became = client.fate()
                client.close()
                seen[0] += 1
                if became != wanted:
                    wrong.append((last, became))

        threads = [threading.Thread(target=come, args=row) for row in ((2, 4403), (3, "in"), (4, "in"))]
        for thread in threads:
            thread.start()
        for turn in range(12):
            server.write("127.0.0.2\n" + "".join(f"127.{1 + turn}.{i // 250}.{i % 250}\n" for i in range(900 if turn else 1)))
            command(fw, "reload")
            until(lambda: json.loads(command(fw, "lookup", f"127.{1 + turn}.0.0", "--json").stdout)["on"])
        stop.set()
        for thread in threads:
            thread.join()
        equal(wrong, [], f"of {seen[0]} handshakes while the list was swapped twelve times none came out otherwise")
        ok(seen[0] > 20, "there were some")


ONLY = [globals()[name] for name in sys.argv[2:]]
main(*ONLY or (test_what_a_list_does, test_flag_and_count, test_refused_by_http, test_a_list_that_changes, test_falls, test_https, test_too_large, test_taxii, test_who_is_exempt,
              test_sources_that_go_wrong, test_asked_too_often,
              test_reload_of_the_configuration, test_swapped_under_load))
