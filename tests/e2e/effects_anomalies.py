"""For test_effects.py and test_anomalies.py: who guesses, and who does what he never did."""
import json
import time

from effects import CLOSED, Case
from framewall import RawClient, until

KEYS = "monitoring.anomaly_detection."
BASE = {**CLOSED, KEYS + "mode": "on", "audit_logging.data_access": "each", "rate_limiting.messages_per_minute": 1000000, "rate_limiting.auth_attempts_per_minute": 1000,
        "monitoring.auto_block.violation_threshold": 1000000}
BEFORE = 170  # messages that he is known by: more than LEARNED_LEAST


def guess(program, times=6, source="127.0.0.9"):
    before = len(program.records("auth_failure"))
    for _ in range(times):
        RawClient(program.port, {"Authorization": "Bearer nonsense"}, source=source).close()
    until(lambda: len(program.records("auth_failure")) >= before + times)


def talk(program, message, times, user="alice"):
    """Waits until all are in the record."""
    before, client = len(program.records("data_modification")), RawClient(program.port, program.bearer(user, role="moderator"))
    messages, more = message if isinstance(message, list) else [message], {}
    if len(messages) > 1:
        client.send('{"type":"csrf_refresh"}')
        more = {"csrf_token": json.loads(client.receive()[1])["data"]["csrf_token"]}
    for number in range(times):
        client.send(json.dumps({**messages[number % len(messages)], **more}))
    until(lambda: len(program.records("data_modification")) >= before + times)
    client.close()


def anomalies(program):
    program.signal()
    program.wait()
    return [record["details"]["anomaly"] for record in program.records("anomaly_detected")]


def change_habits(program):
    """One type again and again, then others; one more alone is nothing odd."""
    talk(program, {"type": "typing"}, BEFORE)
    time.sleep(2.1)  # his first second is history
    talk(program, [{"type": "chat_message", "text": "hi"}, {"type": "create_task", "title": "t"}, {"type": "update_task", "task_id": 1, "title": "u"}], 45)


def see_guesses(key):
    def see(program):
        guess(program)
        return {KEYS + key: len(anomalies(program))}
    return see


def see_cooldown(program):
    guess(program)
    time.sleep(2.1)
    guess(program)
    return {KEYS + "cooldown": len(anomalies(program))}


def see_habits(program):
    change_habits(program)
    return {KEYS + "learning_hours": "unlike_himself" in anomalies(program)}


def cases_of_anomalies():
    yield Case({KEYS + "mode": ("off", "on", 0, 1)}, see_guesses("mode"), {name: value for name, value in BASE.items() if name != KEYS + "mode"})
    yield Case({KEYS + "sensitivity": (1000, 100, 0, 1)}, see_guesses("sensitivity"), BASE)
    yield Case({KEYS + "cooldown": (300, 1, 1, 2)}, see_cooldown, BASE)
    yield Case({KEYS + "learning_hours": (48, 0, False, True)}, see_habits, BASE)
