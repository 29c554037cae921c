"""For test_effects.py: what each key of alerts changes of what is told, and what each member of a receiver of mails changes of a mail."""
import base64
import email
import email.policy
import time

from effects import CLOSED, Case
from framewall import RawClient, chat, until
from receivers import Mail

ALERTS, RULES, INHIBIT, THRESHOLDS, RECEIVERS = ("monitoring.alerts", "monitoring.alerts.rules", "monitoring.alerts.inhibit", "monitoring.anomaly_thresholds",
                                                 "audit_logging.receivers")
END = {"name": "end", "on": ["handshake_refused"], "immediate": True}
OPEN = {**CLOSED, "monitoring.auto_block.violation_threshold": 1000000, "rate_limiting.auth_attempts_per_minute": 1000}


def refused(program, count=1, source="127.0.0.1"):
    for _ in range(count):
        RawClient(program.port, {"Authorization": "Bearer no.such.token"}, source=source).close()


def raised(program):
    return [(record["level"], record["details"]) for record in program.records("alert_raised") if record["details"]["alert"] != "end"]


def settle(program):
    """What comes behind all that was done has been told of."""
    RawClient(program.port, request=b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").read_head()
    until(lambda: any(record["details"]["alert"] == "end" for record in program.records("alert_raised")))
    time.sleep(1.5)  # a turn of what time does


def rule_of(values):
    rule = {}
    for key, value in values.items():
        names = key[len(RULES) + 3:].split(".")
        at = rule
        for name in names[:-1]:
            at = at.setdefault(name, {})
        at[names[-1]] = value
    return rule


def see_alert(program):
    refused(program, 2)
    settle(program)
    level, details = (raised(program) or [("", {})])[0]
    return {f"{RULES}.*.{word}": value for word, value in (("name", details.get("alert")), ("level", level), ("summary", details.get("summary")),
                                                           ("by", details.get("labels", "").split("=")[0]), ("more_than", details.get("value")))}


def see_whether(keys, act, least=1, kind="alert_raised"):
    """Whether anything (or so much) was told."""
    def see(program):
        act(program)
        settle(program)
        if kind == "alert_resolved":
            until(lambda: program.records(kind), 3)
        told = raised(program) if kind == "alert_raised" else program.records(kind)
        return dict.fromkeys(keys, len(told) >= least)

    return see


def log_in(program):
    RawClient(program.port, program.bearer()).close()
    program.wait_records("auth_success")


def stay(program):
    program.kept = RawClient(program.port, program.bearer())
    until(lambda: raised(program), 4)


def twice(program):
    refused(program)
    program.wait_records("auth_failure")
    refused(program)


def twice_in_time(program):
    refused(program)
    program.wait_records("auth_failure")
    time.sleep(2.5)
    refused(program)


def two_addresses(program):
    refused(program)
    until(lambda: raised(program))
    refused(program, source="127.0.0.2")
    until(lambda: len(raised(program)) > 1, 3)


def stay_long(program):
    stay(program)
    until(lambda: len(raised(program)) > 1, 3)


def see_thresholds(program):
    refused(program, 2)
    for source in ("127.0.0.5", "127.0.0.6"):
        RawClient(program.port, program.bearer(), source=source).close()
    client = RawClient(program.port, program.bearer())
    for text in ['{"type":"chat_message","data":{}}'] * 2 + [chat("x' UNION SELECT password FROM users--")] * 2 + ['{"type":"ping"}'] * 4:
        client.send(text)
    program.wait_records("rate_limit_violation", 2)
    settle(program)
    client.close()
    told = [details["alert"] for _, details in raised(program)]
    return {f"{THRESHOLDS}.{name}": name in told for name in ("auth_failures", "rate_limit_violations", "invalid_messages", "suspicious_patterns", "new_ips")}


def see_inhibited(program):
    refused(program)
    until(lambda: raised(program))
    log_in(program)
    settle(program)
    return dict.fromkeys([f"{INHIBIT}.*.{word}" for word in ("source", "target", "equal")], "target" in [details["alert"] for _, details in raised(program)])


def see_mail(mail, keys):
    def see(program):
        refused(program)
        program.wait_records("alert_raised")
        ids = [record["event_id"] for record in program.records("alert_raised")]

        def mine():
            return [one for one in list(mail.mails) if any(event in email.message_from_string(one[2], policy=email.policy.default).get_content() for event in ids)]

        sender, to, _, login = (until(mine) or [("", [], "", "")])[0]
        user, password = base64.b64decode(login.split(" ")[-1]).decode().split("\0")[1:] if login else ("", "")
        return {key: value for key, value in {f"{RECEIVERS}.*.from": sender, f"{RECEIVERS}.*.to": to, f"{RECEIVERS}.*.user": user, f"{RECEIVERS}.*.password": password}.items() if key in keys}

    return see


def cases_of_alerts(made):
    def of_rule(rows, see, base=None, **fixed):
        return Case({f"{RULES}.*.{word}": row for word, row in rows.items()}, see, {**OPEN, **(base or {})},
                    lambda values: {RULES: [{**fixed, **rule_of(values)}, END]})

    def whether(rows, act, base=None, least=1, kind="alert_raised", **fixed):
        return of_rule({word: (*row, False, True) for word, row in rows.items()}, see_whether([f"{RULES}.*.{word}" for word in rows], act, least, kind), base, **fixed)

    def setting(rows, act, base=None, least=1, kind="alert_raised", **fixed):
        rules = {RULES: [{"name": "logins", "on": ["auth_failure"], **fixed}, END]}
        return Case({f"{ALERTS}.{word}": (*row, False, True) for word, row in rows.items()}, see_whether([f"{ALERTS}.{word}" for word in rows], act, least, kind),
                    {**OPEN, **rules, **(base or {})})

    yield of_rule({"name": ("one", "two", "one", "two"), "level": ("critical", "emergency", "critical", "emergency"), "summary": ("this", "that", "this", "that"),
                   "by": (["address"], ["event"], "address", "event"), "more_than": (0, 1, 1, 2)}, see_alert, on=["auth_failure"])
    yield whether({"on": (["ip_blocked"], ["auth_success"]), "least": ("emergency", "info"), "where.level": ("critical", "info"), "where.user": ("bob", "alice"),
                   "where.ip": ("10.0.0.0/8", "127.0.0.0/8"), "where.text": ("nobody", "alice"), "where.details": ({"method": ["nothing"]}, {"method": ["jwt"]})}, log_in, name="a")
    yield of_rule({"where.session": ("", "0123456789abcdef", "refused", False)}, see_whether([f"{RULES}.*.where.session"], log_in), name="a", on=["auth_success"])
    yield whether({"metric": ("overload_shed", "active_connections"), "above": (1000, 0), "for": (86400, 0)}, stay, name="a")
    yield whether({"below": (0, 1000)}, log_in, name="a", metric="active_connections")
    yield whether({"within": (1, 3600)}, twice_in_time, name="a", on=["auth_failure"], more_than=1)
    yield whether({"cooldown": (300, 0)}, twice, least=2, name="a", on=["auth_failure"])
    yield whether({"resolve_after": (600, 1)}, refused, kind="alert_resolved", name="a", on=["auth_failure"])
    grouped = {f"{ALERTS}.group_by": ["alert"], f"{ALERTS}.group_wait": 3600}
    yield whether({"immediate": (False, True)}, refused, grouped, name="a", on=["auth_failure"])
    yield setting({"cooldown_period": (300, 0)}, twice, least=2)
    yield setting({"resolve_after": (600, 1)}, refused, kind="alert_resolved")
    yield setting({"group_by": (["alert"], [])}, refused, {f"{ALERTS}.group_wait": 3600})
    yield setting({"group_wait": (3600, 0)}, refused, {f"{ALERTS}.group_by": ["alert"]})
    yield setting({"group_interval": (86400, 1)}, two_addresses, {f"{ALERTS}.group_by": ["alert"], f"{ALERTS}.group_wait": 0}, least=2, by=["address"])
    yield setting({"immediate_alert_events": ([], ["auth_success"])}, log_in)
    yield Case({f"{ALERTS}.repeat_interval": (14400, 1, False, True)}, see_whether([f"{ALERTS}.repeat_interval"], stay_long, 2),
               {**OPEN, RULES: [{"name": "crowd", "metric": "active_connections", "above": 0}, END]})
    yield Case({f"{THRESHOLDS}.{name}": (1000000, 1, False, True) for name in ("auth_failures", "rate_limit_violations", "invalid_messages", "suspicious_patterns", "new_ips")},
               see_thresholds, {**OPEN, RULES: [END], "rate_limiting.messages_per_minute": 6})
    both = [{"name": "source", "on": ["auth_failure"], "by": ["address", "event"]}, {"name": "target", "on": ["auth_success"], "by": ["address"]}, END]
    yield Case({f"{INHIBIT}.*.source": ({"alert": "none"}, {"alert": "source"}, True, False), f"{INHIBIT}.*.target": ({"alert": "none"}, {"alert": "tar*"}, True, False),
                f"{INHIBIT}.*.equal": (["event"], ["address"], True, False)}, see_inhibited, {**OPEN, RULES: both},
               lambda values: {INHIBIT: [{key.rsplit(".", 1)[1]: value for key, value in values.items()}]})
    fixed = {"name": "mail", "from": "abc@a.example", "to": ["you@a.example"], "user": "abc", "password": "secret", "allow_http": True, "allow_private": True, "events": ["alert_raised"]}

    def of_mail(rows):
        mail = made.enter_context(Mail(login=True))  # of each its own: logins are of connections
        return Case({f"{RECEIVERS}.*.{word}": row for word, row in rows.items()}, see_mail(mail, [f"{RECEIVERS}.*.{word}" for word in rows]),
                    {**OPEN, RULES: [{"name": "logins", "on": ["auth_failure"]}]},
                    lambda values: {RECEIVERS: [{**fixed, "url": f"smtp://127.0.0.1:{mail.port}", **{key.rsplit(".", 1)[1]: value for key, value in values.items()}}]})

    yield of_mail({"from": ("one@a.example", "two@a.example", "<one@a.example>", "<two@a.example>"), "to": (["you@a.example"], ["me@a.example"], ["<you@a.example>"], ["<me@a.example>"])})
    yield of_mail({"user": ("abc", "xyz", "abc", "xyz")})
    yield of_mail({"password": ("first", "second", "first", "second")})
