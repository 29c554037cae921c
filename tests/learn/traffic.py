#!/usr/bin/python3
"""traffic.py SEED [--hour N] [--messages M]: hour N of the traffic of the application that SEED draws, as JSON Lines."""
import argparse
import json
import sys

from application import ROLES, Application
from draw import Draw
from nodes import Formed, walk

MESSAGES = 20_000


class World:
    """What messages of one hour share: the time, what is counted, what there is. Users, rooms, devices and accounts are those of the hours before:
    they come from the seed alone, made when the application began, and a few new ones are added in each hour."""

    def __init__(self, application, hour):
        self.began, self.now = (hour - 1) * 3600, application.began
        self.counters, self.pools = {}, {}
        there = Draw("there", application.seed)
        self.users = {role: [application.user.make(there, self) for _ in range(60 if role == "user" else 4)] for role in application.roles}
        for node in [node for kind in application.types for node in walk(kind.node) if isinstance(node, Formed) and node.size]:
            if id(node) not in self.pools:
                self.pools[id(node)] = [node.form.make(there, self) for _ in range(node.size)]
        self.start = self.now = application.began + self.began


def dump(application, message):
    return json.dumps(message, ensure_ascii=application.ascii, separators=(", ", ": ") if application.spaced else (",", ":"))


def session(application, draw, start, users, number):
    """One connection: a hello, then what its role does, each after what must come before, with answers and what the server says by itself.
    Gives (time, connection, user, role, type); the messages are made later, in the order of time, so that what is counted grows with it."""
    roles = application.roles
    role = draw.weighted(roles, [ROLES[role] for role in roles])
    who, now = (number, draw.pick(users[role]), role), start + draw.number() * 3590
    hello, ping, welcome, *rest = application.types
    mine = [kind for kind in rest if kind.direction == "client" and role in kind.roles]
    pushed = [kind for kind in rest if kind.direction == "server"]
    pace = (0.3 if role == "bot" else 4.0) * (0.5 + draw.number())
    yield (now, *who, hello)
    now += 0.05
    yield (now, *who, welcome)
    done = set()
    for _ in range(3 + int(draw.tail(120 if role == "bot" else 25, 600))):
        now += pace * draw.tail(0.7, 30)
        if now >= start + 3600:
            return
        ready = [kind for kind in mine if kind.after is None or kind.after.name in done]
        chosen = draw.weighted(ready + pushed + [ping], [kind.weight for kind in ready] + [0.8 * kind.weight for kind in pushed] + [0.1])
        yield (now, *who, chosen)
        done.add(chosen.name)
        if chosen.reply is not None and now + 1 < start + 3600:
            now += 0.01 + draw.number() * 0.4
            yield (now, *who, chosen.reply)


def traffic(application, hour, messages=MESSAGES):
    """The messages of that hour, by time; the last session is cut where there are enough."""
    world, draw, said, number = World(application, hour), Draw("hour", application.seed, hour), [], 0
    while len(said) < messages:
        number += 1
        for one in session(application, draw, world.start, world.users, number):
            said.append(one)
            if len(said) == messages:
                break
    made, draw = [], Draw("content", application.seed, hour)
    for now, number, user, role, kind in sorted(said, key=lambda one: one[:2]):
        world.now = now
        made.append({"time": round(now, 3), "connection": f"c{hour}-{number}", "user": user, "role": role, "direction": kind.direction,
                     "text": dump(application, kind.node.make(draw, world))})
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--hour", type=int, default=1)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    chosen = parser.parse_args()
    for line in traffic(Application(chosen.seed), chosen.hour, chosen.messages):
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
