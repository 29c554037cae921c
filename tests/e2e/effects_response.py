"""For test_effects.py: what each member of a response changes of what is done, and about whom."""
import datetime
import json
import subprocess

from effects import CLOSED, Case
from framewall import BINARY, PATIENCE, RawClient, until

RULES, READS = "monitoring.response.rules", "monitoring.response.read_types"
LAST = {"name": "last", "on": ["handshake_refused"], "action": "ticket"}
OPEN = {**CLOSED, "monitoring.auto_block.violation_threshold": 1000000}


def log_in(program):
    client = RawClient(program.port, program.bearer("alice"))
    client.close()


def rows(program):
    """What is done, when what comes behind all that happened was answered."""
    RawClient(program.port, request=b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", source="127.0.0.9").read_head()
    until(lambda: any(record["details"].get("rule") == "last" for record in program.records("response_applied")))
    done = subprocess.run([BINARY, "response", "list", "--json", "--data", program.data], stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
    return [row for row in json.loads(done.stdout)["responses"] if row["rule"] != "last"]


def rule_of(values):
    rule = {}
    for key, value in values.items():
        names = key[len(RULES) + 3:].split(".")
        at = rule
        for name in names[:-1]:
            at = at.setdefault(name, {})
        at[names[-1]] = value
    return rule


def see_row(program):
    log_in(program)
    row = (rows(program) or [{}])[0]
    since, until_ = (datetime.datetime.fromisoformat(row[name].replace("Z", "+00:00")) for name in ("since", "until"))
    return {f"{RULES}.*.{word}": value for word, value in (("name", row["rule"]), ("action", row["action"]), ("of", "user" if "user" in row else "address"),
                                                           ("for", round((until_ - since).total_seconds())), ("dry_run", row["dry_run"]))}


def see_whether(keys):
    def see(program):
        log_in(program)
        if "alert" in keys[0]:
            program.wait_records("alert_raised")
        if "scenario" in keys[0]:
            program.wait_records("scenario_fired")
        return dict.fromkeys(keys, bool(rows(program)))

    return see


def see_reads(program):
    client = RawClient(program.port, program.bearer("alice"))
    program.wait_records("response_applied")
    until(lambda: "PERMISSION_DENIED" in said(client, '{"type":"chat_message","text":"x"}'))
    return {READS: "PERMISSION_DENIED" in said(client, '{"type":"typing"}')}


def said(client, text):
    """All that comes until the pong of a ping behind it."""
    client.send(text.encode())
    client.send(b'{"type":"ping"}')
    got = ""
    while '"pong"' not in got:
        got += client.receive()[1].decode()
    return got


def cases_of_responses():
    def whether(members, base=None, **fixed):
        keys = [f"{RULES}.*.{word}" for word in members]
        return Case({f"{RULES}.*.{word}": (*row, False, True) for word, row in members.items()}, see_whether(keys), {**OPEN, **(base or {})},
                    lambda values: {RULES: [{"name": "a", "action": "ticket", **fixed, **rule_of(values)}, LAST]})

    yield Case({f"{RULES}.*.{word}": (one, two, one, two) for word, one, two in (("name", "one", "two"), ("action", "ticket", "slow"), ("of", "user", "address"),
                                                                                 ("for", 60, 600), ("dry_run", False, True))},
               see_row, OPEN, lambda values: {RULES: [{"name": "a", "action": "ticket", "on": ["auth_success"], **rule_of(values)}, LAST]})
    yield whether({"on": (["ip_blocked"], ["auth_success"])})
    yield whether({"where.level": ("critical", "info"), "where.user": ("bob", "alice"), "where.ip": ("10.0.0.0/8", "127.0.0.0/8"), "where.text": ("nobody", "alice"),
                   "where.details": ({"method": ["nothing"]}, {"method": ["jwt"]})}, on=["auth_success"])
    session = f"{RULES}.*.where.session"
    yield Case({session: ("", "0123456789abcdef", "refused", False)}, see_whether([session]), OPEN,
               lambda values: {RULES: [{"name": "a", "action": "ticket", "on": ["auth_success"], **rule_of(values)}, LAST]})
    yield whether({"alert": ("none", "login")}, {"monitoring.alerts.rules": [{"name": "login", "on": ["auth_success"], "by": ["user"]}]})
    yield whether({"scenario": ("none", "login")}, {"scenarios": [{"name": "login", "on": ["auth_success"], "group_by": ["user"], "capacity": 0}]})
    yield Case({READS: ([], ["typing"], True, False)}, see_reads, {**OPEN, RULES: [{"name": "a", "on": ["auth_success"], "action": "isolate"}]})
