#!/usr/bin/python3
"""The built-in hub across workers: each other member gets a message once and in order; who may not see it does not."""
from framewall import *


async def expect(ws, kind, **fields):
    """The next message of a kind with these data; others are passed over."""
    while True:
        message = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))
        if message["type"] == kind and all(message.get("data", {}).get(key) == value for key, value in fields.items()):
            return message


async def login(fw, user, role="user"):
    ws = await websockets.connect(fw.url(), ping_interval=None, compression=None, max_size=None)
    await ws.send(json.dumps({"type": "auth", "method": "jwt", "token": fw.token(user, role)}))
    success = await expect(ws, "auth_success")
    return ws, success["data"]


def test_broadcast():
    members, lines = 24, 50

    async def scenario(fw):
        sockets = [(await login(fw, f"user{i}"))[0] for i in range(members)]

        async def speak(i):
            for n in range(lines):
                await sockets[i].send(chat(f"{i}:{n} " + "z" * 900))

        async def listen(i):
            heard = {}
            while sum(len(v) for v in heard.values()) < (members - 1) * lines:
                message = json.loads(await asyncio.wait_for(sockets[i].recv(), PATIENCE))
                if message["type"] == "chat_message":
                    speaker, number = message["data"]["text"].split(" ")[0].split(":")
                    heard.setdefault(int(speaker), []).append(int(number))
            return heard

        results = await asyncio.gather(*[speak(i) for i in range(members)], *[listen(i) for i in range(members)])
        heard = results[members:]
        equal(all(set(mine) == set(range(members)) - {i} for i, mine in enumerate(heard)), True,
              f"each of {members} members hears all the others and not itself")
        equal(all(numbers == list(range(lines)) for mine in heard for numbers in mine.values()), True,
              "each line once, those of one speaker in order")
        for ws in sockets:
            await ws.close()

    with Framewall(RELAXED, "--workers", "4") as fw:
        run(scenario(fw))


def test_contract():
    async def scenario(fw):
        bob, _ = await login(fw, "bob")
        guest, _ = await login(fw, "gail", "guest")
        alice, who = await login(fw, "alice")
        joined = await expect(bob, "user_status", user_id="alice")
        equal((joined["data"]["status"], joined["data"]["role"]), ("connected", "user"), "who comes is announced")
        admin, admin_who = await login(fw, "root", "admin")
        await alice.send(chat("/me waves", mentions=["bob"], reply_to=4))
        line = (await expect(bob, "chat_message"))["data"]
        timestamp = line.pop("timestamp")
        ok(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", timestamp), "a timestamp of RFC 3339", timestamp)
        equal(line, {"id": 1, "text": "/me waves", "sender": "alice", "sender_role": "user", "mentions": ["bob"], "is_command": True,
                     "command": "me", "command_args": ["waves"], "reply_to": 4, "security_verified": True}, "a chat line")
        await expect(guest, "chat_message", sender="alice")
        await guest.send(chat("may I?"))
        equal((await expect(guest, "error"))["data"]["code"], "PERMISSION_DENIED", "a guest reads and does not write")
        await alice.send(json.dumps({"type": "typing"}))
        await expect(bob, "typing", user_id="alice", is_typing=True)

        await alice.send(json.dumps({"type": "create_task", "title": "T", "csrf_token": who["csrf_token"]}))
        mine = await expect(alice, "task_operation_result")
        equal(mine["data"], {"operation": "create_task", "success": True, "message": "Task created", "task_id": 1}, "a task is made")
        await expect(bob, "task_operation_result", task_id=1)
        await admin.send(json.dumps({"type": "admin_command", "command": "list_users", "csrf_token": admin_who["csrf_token"]}))
        users = await expect(admin, "admin_command_result")
        equal(sorted(user["user_id"] for user in users["data"]["result"]), ["alice", "bob", "gail", "root"], "an admin lists users")
        await admin.send(json.dumps({"type": "delete_task", "task_id": 1, "csrf_token": admin_who["csrf_token"]}))
        await expect(alice, "task_operation_result", operation="delete_task", success=True)

        # All that the guest and bob were sent until now, by a message that comes last.
        await alice.send(chat("last"))
        kinds = []
        while True:
            message = json.loads(await asyncio.wait_for(guest.recv(), PATIENCE))
            kinds.append(message["type"])
            if message["type"] == "chat_message":
                break
        ok("task_operation_result" not in kinds and "admin_command_result" not in kinds, "no task and no admin message for a guest", kinds)
        await alice.close()
        await expect(bob, "user_status", user_id="alice", status="disconnected")
        for ws in (bob, guest, admin):
            await ws.close()

    with Framewall(RELAXED, "--workers", "2") as fw:
        run(scenario(fw))


def test_eviction():
    async def scenario(fw):
        first = [(await login(fw, "alice"))[0] for _ in range(3)]
        extra, _ = await login(fw, "alice")
        error = await expect(first[0], "error")
        await first[0].wait_closed()
        equal((error["data"]["code"], first[0].close_code), ("SESSION_EXPIRED", 4409), "the oldest session gives way")
        for ws in first[1:] + [extra]:
            await ws.ping()
        ok(all(ws.open for ws in first[1:] + [extra]), "the others stay")
        other, _ = await login(fw, "bob")
        for ws in first[1:] + [extra, other]:
            await ws.close()

    with Framewall(RELAXED + "authentication:\n  max_sessions_per_user: 3\n", "--workers", "4") as fw:
        run(scenario(fw))
        equal(len(fw.wait_records("session_evicted")), 1, "one record of it")


def test_session_resumed():
    async def scenario(fw):
        ws, data = await login(fw, "alice")
        await ws.close()
        again = await websockets.connect(fw.url(), ping_interval=None)
        await again.send(json.dumps({"type": "auth", "method": "session", "session_token": data["session_token"]}))
        success = await expect(again, "auth_success")
        equal(success["data"]["user_id"], "alice", "a session token logs in on another connection")
        ok(success["data"]["session_token"] != data["session_token"], "and is replaced by a new one")
        await again.close()
        third = await websockets.connect(fw.url(), ping_interval=None)
        await third.send(json.dumps({"type": "auth", "method": "session", "session_token": data["session_token"]}))
        equal((await expect(third, "error"))["data"]["code"], "AUTH_FAILED", "it holds once")
        await third.wait_closed()

    with Framewall(RELAXED, "--workers", "2") as fw:
        run(scenario(fw))


def test_slow_member():
    """A member that reads nothing is dropped; the others do not notice."""
    async def scenario(fw):
        deaf = RawClient(fw.port, fw.bearer("deaf"), buffer=4096)
        alice, _ = await login(fw, "alice")
        bob, _ = await login(fw, "bob")
        heard = 0

        async def listen():
            nonlocal heard
            while heard < 3000:
                if json.loads(await asyncio.wait_for(bob.recv(), PATIENCE))["type"] == "chat_message":
                    heard += 1

        async def speak():
            for n in range(3000):
                await alice.send(chat("w" * 3900))
                # Never so far ahead that an honest reader on a busy machine looks like one who does not read.
                while n - heard > 8:
                    await asyncio.sleep(0.001)

        await asyncio.gather(listen(), speak())
        equal(heard, 3000, "who reads hears every line")
        await alice.close()
        await bob.close()
        return deaf

    with Framewall(RELAXED, "--workers", "2") as fw:
        deaf = run(scenario(fw))
        equal(len(fw.wait_records("slow_consumer")), 1, "who does not read is dropped, with one record")
        deaf.close()


main(test_broadcast, test_contract, test_eviction, test_session_resumed, test_slow_member)
