"""For test_effects.py: what each member of scenarios changes of what fires, and of what is done then."""
import time

from effects import CLOSED, Case
from effects_blocks import explained
from framewall import RawClient, until

SECTION = "scenarios"
ATTEMPTS = "rate_limiting.auth_attempts_per_minute"
THRESHOLD = "monitoring.auto_block.violation_threshold"
JITTER = "monitoring.auto_block.jitter"
LAST = {"name": "last", "on": ["auth_failure"], "where": {"ip": "127.0.0.9"}, "group_by": ["address"], "capacity": 0}


def name(word):
    return f"{SECTION}.*.{word}"


def guess(program, source, times=1):
    for _ in range(times):
        RawClient(program.port, {"Authorization": "Bearer nonsense"}, source=source).close()


def fired(program):
    """What has fired, when what was there before is known to be judged."""
    guess(program, "127.0.0.9")
    until(lambda: any(record["details"]["scenario"] == "last" for record in program.records("scenario_fired")))
    return [record for record in program.records("scenario_fired") if record["details"]["scenario"] != "last"]


def provoke(program, pause=0):
    """Three guesses from one address, with a pause before the third, and one from another."""
    guess(program, "127.0.0.2", 2)
    time.sleep(pause)
    guess(program, "127.0.0.2")
    guess(program, "127.0.0.3")
    return fired(program)


def see_count(word, pause=0):
    return lambda program: {name(word): len(provoke(program, pause))}


def see_record(word, what):
    return lambda program: {name(word): what(provoke(program)[0])}


def see_block(word, what):
    def see(program):
        provoke(program)
        until(lambda: explained(program, "127.0.0.2")["blocked"], 2)
        return {name(word): what(explained(program, "127.0.0.2"))}

    return see


def cases_of_scenarios():
    def case(rows, see, **more):
        fixed = {"name": "a", "on": ["auth_failure"], "group_by": ["address"], "capacity": 2, **more}
        base = {**CLOSED, ATTEMPTS: 1000, THRESHOLD: 7, JITTER: 0, "monitoring.auto_block.blocking_events": ["csrf_violation"]}
        tell = lambda values: {SECTION: [{**fixed, **nested_members(values)}, LAST]}
        return Case({name(word): row for word, row in rows.items()}, see, base, tell)

    def nested_members(values):
        made = {}
        for key, value in values.items():
            member = key.split(".", 2)[2]
            if "." in member:
                above, below = member.split(".", 1)
                made.setdefault(above, {})[below] = value
            else:
                made[member] = value
        return made

    yield case({"name": ("a", "b", "a", "b")}, see_record("name", lambda record: record["details"]["scenario"]))
    yield case({"on": (["auth_failure"], ["auth_timeout"], 1, 0)}, see_count("on"))
    yield case({"where.level": ("warning", "critical", 1, 0)}, see_count("where.level"))
    yield case({"where.ip": ("127.0.0.0/8", "10.0.0.0/8", 1, 0)}, see_count("where.ip"))
    yield case({"where.text": ("form", "nowhere", 1, 0)}, see_count("where.text"))
    yield case({"where.details": ({"close": ["nothing"]}, {}, 0, 1)}, see_count("where.details"))
    yield case({"group_by": (["address"], [], 0, 1)}, see_count("group_by"), capacity=3)
    yield case({"distinct": ("address", "event", 1, 0)}, see_count("distinct"), capacity=1, group_by=[])
    yield case({"capacity": (2, 3, 1, 0)}, see_count("capacity"))
    yield case({"leak": (3600, 1, 1, 0)}, see_count("leak", 1.5))
    yield case({"blackhole": (0, 3600, 5, 3)}, see_count("blackhole"), capacity=0)
    yield case({"action": ("record", "block", False, True)}, see_block("action", lambda known: known["blocked"]))
    yield case({"points": (6, 7, False, True)}, see_block("points", lambda known: known["blocked"]), action="points")
    yield case({"for": (60, 7200, True, False)}, see_block("for", lambda known: known["seconds_left"] <= 60), action="block")
    yield case({"level": ("info", "critical", "info", "critical")}, see_record("level", lambda record: record["level"]))
    yield case({"labels": ({"mitre": "T1110"}, {"mitre": "T1078"}, "mitre=T1110", "mitre=T1078")}, see_record("labels", lambda record: record["details"]["labels"]))

    def see_user(word):
        """Two logins of alice."""
        def see(program):
            for _ in range(2):
                RawClient(program.port, program.bearer("alice"), source="127.0.0.2").close()
            until(lambda: len(program.records("auth_success")) == 2)
            return {name(word): len(fired(program))}

        return see

    yield case({"where.user": ("alice", "bob", 1, 0)}, see_user("where.user"), on=["auth_success"], capacity=1)
    yield case({"where.session": ("0123456789abcdef", "", 0, "refused")}, see_user("where.session"), on=["auth_success"], capacity=1)
