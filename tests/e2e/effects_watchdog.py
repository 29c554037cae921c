"""For test_effects.py: a worker that stands still, with and without somebody who looks."""
from effects import CLOSED, Case
from framewall import until
from hang import Hang, WAIT


def see_watchdog(program, hang):
    """Nobody is found within 8 s where it is not looked."""
    gate = program.part("fw-gate")
    hang.set(WAIT)
    until(hang.stands)
    found = until(lambda: program.records("worker_hangs"), 8)
    ended = bool(found) and bool(until(lambda: program.part("fw-gate") not in (None, gate), 2))
    hang.forget()
    return {"overload.watchdog": bool(found), "overload.watchdog_action": "restart" if ended else "record"}


def cases_of_watchdog():
    base = {**CLOSED, "workers": 2}
    yield Case({"overload.watchdog": (1, 0, True, False)}, lambda program, hang: {"overload.watchdog": see_watchdog(program, hang)["overload.watchdog"]},
               {**base, "overload.watchdog_action": "record"}, clock=Hang)
    yield Case({"overload.watchdog_action": ("record", "restart", "record", "restart")},
               lambda program, hang: {"overload.watchdog_action": see_watchdog(program, hang)["overload.watchdog_action"]}, {**base, "overload.watchdog": 1}, clock=Hang)
