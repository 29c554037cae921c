"""For test_effects.py: what each member of threat_intelligence.lists changes of who is let in, and of what the list says of itself."""
import json
import os
import subprocess

from certificates import Authority
from effects import CLOSED, Case
from framewall import BINARY, PATIENCE, RawClient, until
from providers import Server
from taxii import COLLECTION, Taxii, indicator

SECTION = "threat_intelligence.lists"


def name(word):
    return f"{SECTION}.*.{word}"


def entry(program):
    done = subprocess.run([BINARY, "threat", "list", "--json", "--data", program.data], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=PATIENCE)
    return json.loads(done.stdout)["lists"][0] if done.returncode == 0 else {"state": "new"}


def settled(program):
    """Its list, when it is in use or is known to be none."""
    return until(lambda: (now := entry(program))["state"] != "new" and now) or {}


def see_state(*words):
    def see(program):
        now = settled(program)
        return {name(word): now.get({"name": "name", "format": "format"}.get(word, "networks"), now["state"]) for word in words}

    return see


def see_client(program):
    """What becomes of a client from 127.0.0.2, and what is on record of him."""
    settled(program)
    client = RawClient(program.port, {"Authorization": "Bearer " + program.token()}, source="127.0.0.2")
    client.close()
    kinds = {"blocked_attempt", "threat_match"}
    until(lambda: any(record["event_type"] in kinds for record in program.records()), 2)
    return {name("action"): sorted({record["event_type"] for record in program.records()} & kinds)}


def see_growth(program):
    """A file of one network that becomes one of 2,000."""
    def write(count):
        with open(os.path.join(program.folder, "new"), "w") as file:
            file.writelines(f"198.51.{i // 250}.{i % 250}\n" for i in range(count))
        os.rename(os.path.join(program.folder, "new"), os.path.join(program.folder, "list"))
        subprocess.run([BINARY, "threat", "reload", "--data", program.data], stdout=subprocess.DEVNULL, timeout=PATIENCE, check=True)

    write(1)
    until(lambda: entry(program).get("networks") == 1)
    write(2000)
    until(lambda: (now := entry(program))["state"] == "old" or now.get("networks") == 2000)
    return {name("max_growth"): entry(program).get("networks")}


def see_refresh(program):
    """A file that is there later."""
    until(lambda: entry(program)["state"] == "failing")
    with open(os.path.join(program.folder, "list"), "w") as file:
        file.write("198.51.100.7\n")
    return {name("refresh"): bool(until(lambda: entry(program)["state"] == "good", 4))}


def cases_of_threats(made):
    def case(rows, see, **more):
        fixed = {**{"name": "bad", "format": "cidr"}, **more}
        files = [name(word) for word in rows if word == "ca_file"]
        return Case({name(word): row for word, row in rows.items()}, see, CLOSED,
                    lambda values: {SECTION: [{**fixed, **{key.rsplit(".", 1)[1]: value for key, value in values.items()}}]}, files=files)

    def text(octets, slow=0):
        def answer(*request):
            until(lambda: False, slow)
            return 200, {}, octets

        return answer

    def by(header):
        """One network for who says so, else two."""
        return lambda path, headers, body: (200, {}, b"198.51.100.7\n" if headers.get(header) == "Bearer abc" else b"198.51.100.7\n198.51.100.9\n")

    authority, other = (made.enter_context(Authority(whose)) for whose in ("Of lists", "Of other lists"))
    secure = made.enter_context(Server({"/one": text(b"198.51.100.7\n")}, authority.sign("localhost").server()))
    web = made.enter_context(Server({"/one": text(b"198.51.100.7\n"), "/two": text(b"198.51.100.7\n198.51.100.9\n"), "/slow": text(b"198.51.100.7\n", 3), "/authorization": by("Authorization"), "/header": by("Auth-Key"),
                                     "/me": text(b"127.0.0.2\n")}))
    taxii = Taxii(page=5)
    taxii.add(indicator(1, "[ipv4-addr:value = '198.51.100.7']"))
    collections = made.enter_context(Server(taxii))
    here = {"allow_private": True, "allow_http": True}
    yield case({"name": ("a", "b", "a", "b")}, see_state("name"), url=web.url + "/one", **here)
    yield case({"url": (web.url + "/one", web.url + "/two", 1, 2)}, see_state("url"), **here)
    yield case({"format": ("cidr", "netset", "cidr", "netset")}, see_state("format"), url=web.url + "/one", **here)
    yield case({"collection": (COLLECTION, "another", 1, "failing")}, see_state("collection"), **{**here, "url": collections.url + "/api", "format": "stix", "authorization": taxii.authorization})
    yield case({"action": ("block", "flag", ["blocked_attempt"], ["threat_match"])}, see_client, url=web.url + "/me", private_networks=True, **here)
    yield case({"authorization": ("Bearer abc", "Basic def", 1, 2)}, see_state("authorization"), url=web.url + "/authorization", **here)
    yield case({"header": ("Auth-Key: Bearer abc", "Auth-Key: def", 1, 2)}, see_state("header"), url=web.url + "/header", **here)
    yield case({"allow_http": (True, False, 1, "refused")}, see_state("allow_http"), url=web.url + "/one", allow_private=True)
    yield case({"ca_file": (authority.certificate, other.certificate, 1, "failing")}, see_state("ca_file"), url=secure.url + "/one", allow_private=True)
    yield case({"allow_private": (True, False, 1, "failing")}, see_state("allow_private"), url=web.url + "/one", allow_http=True)
    yield case({"private_networks": (False, True, 0, 1)}, see_state("private_networks"), url=web.url + "/me", **here)
    yield case({"refresh": (1, 3600, True, False)}, see_refresh, url="file:list")
    yield case({"timeout": (60, 1, 1, "failing")}, see_state("timeout"), url=web.url + "/slow", **here)
    yield case({"max_entries": (2, 1, 2, "failing")}, see_state("max_entries"), url=web.url + "/two", **here)
    yield case({"max_growth": (10, 0, 1, 2000)}, see_growth, url="file:list")
