#!/usr/bin/python3
"""Unmodified upstreams behind `framewall run --upstream URL`: what is permitted arrives once and in order, what is refused never."""
import glob
import random

from framewall import *

HERE = os.path.dirname(os.path.abspath(__file__))
seed = random.Random(7)


def permitted(number, csrf):
    text = f"message {number}: a < b && c, vector\\u003cint\\u003e? {'x' * seed.randrange(0, 1500)}"
    return seed.choice([
        chat(text.replace("<", "is less than")),
        '{ "type" : "chat_message" , "text" : "spaces and \\u00e9 and é stay, number %d" }' % number,
        json.dumps({"type": "chat_message", "text": f"{number}", "mentions": ["bob"], "reply_to": number}),
        json.dumps({"type": "typing", "is_typing": bool(number % 2)}),
    ])


def refused(number, csrf):
    return seed.choice([
        "{", "[]", "5", f"not json {number}", '{"type":"chat_message"}',
        '{"type":"chat_message","text":"a","text":"b"}',
        json.dumps({"type": "no_such_type", "number": number}),
        json.dumps({"type": "chat_message", "text": "x", "surprise": number}),
        json.dumps({"type": "chat_message", "text": "x" * 4200}),
        json.dumps({"type": "create_task", "title": f"no csrf {number}"}),
        json.dumps({"type": "create_task", "title": "foreign csrf", "csrf_token": "A" * 43}),
        json.dumps({"type": "delete_task", "task_id": number, "csrf_token": csrf}),
        json.dumps({"type": "admin_command", "command": "status", "csrf_token": csrf}),
        json.dumps({"type": "chat_message", "text": "\ud800"}),
    ])


async def client(fw, name, count):
    """Sends a mixture, unsynchronised; returns (permitted texts sent, echoes received, errors received)."""
    sent, echoes, errors = [], [], []
    finished = asyncio.Event()

    async with fw.connect(user=name) as ws:
        async def reader():
            async for message in ws:
                data = json.loads(message)
                (errors if data["type"] == "error" else echoes).append(message)
                if finished.is_set() and len(echoes) == len(sent) and len(errors) == count - len(sent):
                    return

        task = asyncio.ensure_future(reader())
        for number in range(count):
            if seed.random() < 0.3:
                await ws.send(refused(number, "B" * 43))
            else:
                message = permitted(number, "").replace("message ", f"{name} message ")
                sent.append(message)
                if seed.random() < 0.2:  # in fragments
                    cut = seed.randrange(0, len(message))
                    await ws.send([message[:cut], message[cut:]] if 0 < cut < len(message) else message)
                else:
                    await ws.send(message)
        finished.set()
        await ws.ping()
        await asyncio.wait_for(task, PATIENCE * 2)
    return sent, echoes, errors


def test_mixture():
    async def scenario(fw):
        return await asyncio.gather(*[client(fw, f"user{i}", 400) for i in range(6)])

    received = {}

    async def echo(server, websocket):
        mine = received.setdefault(websocket.request_headers["X-Framewall-User"], [])
        async for message in websocket:
            mine.append(message)
            await websocket.send(message)

    with Upstream(echo) as upstream, Framewall(RELAXED, "--upstream", upstream.url(), "--workers", "3") as fw:
        results = run(scenario(fw))
        for number, (sent, echoes, errors) in enumerate(results):
            equal(received[f"user{number}"] == sent, True, f"user{number}: upstream got the permitted {len(sent)} once and in order")
            equal(echoes == sent, True, f"user{number}: their answers came back once and in order")
            equal(len(errors), 400 - len(sent), f"user{number}: each refused message has its one error")


def test_pipelined():
    """Thousands of small frames written back to back: many in one read."""
    messages = [chat(f"{i}") for i in range(5000)]
    with Upstream() as upstream, Framewall(RELAXED, "--upstream", upstream.url()) as fw:
        raw = RawClient(fw.port, fw.bearer())
        equal(raw.status, 101, "the handshake is accepted")
        octets = b"".join(RawClient.frame(message, mask=os.urandom(4)) for message in messages)
        threading.Thread(target=raw.socket.sendall, args=(octets,), daemon=True).start()
        got = [raw.receive()[1].decode() for _ in messages]
        equal(got == messages, True, "5,000 pipelined messages come back in order")
        equal(upstream.received == messages, True, "and reached the upstream once each")
        raw.close()
        ok(until(lambda: fw.records("websocket_disconnect")), "leaving without a close is recorded")


def test_cut_everywhere():
    """The same octets a few at a time."""
    messages = [chat(f"{i} {'y' * (i * 7)}") for i in range(40)]
    with Upstream() as upstream, Framewall(RELAXED, "--upstream", upstream.url()) as fw:
        raw = RawClient(fw.port, fw.bearer())
        raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        octets = b"".join(RawClient.frame(message) for message in messages)
        at = 0
        while at < len(octets):
            size = seed.randrange(1, 9)
            raw.socket.sendall(octets[at:at + size])
            at += size
        equal([raw.receive()[1].decode() for _ in messages] == messages, True, "messages cut at random octets arrive whole")
        raw.close()


def test_answered_here():
    async def scenario(fw):
        async with fw.connect(headers={"X-Framewall-User": "root", "X-Framewall-Role": "admin", "x-framewall-client-ip": "6.6.6.6"}) as ws:
            await ws.send(json.dumps({"type": "ping", "timestamp": 17}))
            pong = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))
            await ws.send(json.dumps({"type": "csrf_refresh"}))
            csrf = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))["data"]["csrf_token"]
            await ws.send(json.dumps({"type": "create_task", "title": "t", "csrf_token": csrf}))
            echo = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))
            await ws.send(chat("<script>alert(1)</script><b>bold</b>"))
            rewritten = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))
            return pong, echo, rewritten

    with Upstream() as upstream, Framewall(RELAXED, "--upstream", upstream.url()) as fw:
        pong, echo, rewritten = run(scenario(fw))
        equal(pong.get("type"), "pong", "ping is answered here")
        equal(echo, {"type": "create_task", "title": "t"}, "csrf_token does not reach the upstream")
        ok("<script" not in rewritten["text"] and "<b>bold</b>" in rewritten["text"], "HTML is written anew", rewritten)
        equal(len(upstream.received), 2, "and nothing else reached it")
        headers = upstream.headers[0]
        equal((headers["X-Framewall-User"], headers["X-Framewall-Role"], headers["X-Framewall-Client-IP"]),
              ("alice", "user", "127.0.0.1"), "identity headers are ours, not the client's")
        equal([name.lower() for name in headers].count("x-framewall-user"), 1, "once")
        ok("Authorization" not in headers, "the credential stays here")


def test_first_message_login():
    async def scenario(fw):
        async with websockets.connect(fw.url(), ping_interval=None) as ws:
            await ws.send(json.dumps({"type": "auth", "method": "jwt", "token": fw.token("carol")}))
            success = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))
            await ws.send(chat("after login"))
            return success, await asyncio.wait_for(ws.recv(), PATIENCE)

    with Upstream() as upstream, Framewall(RELAXED, "--upstream", upstream.url()) as fw:
        success, echo = run(scenario(fw))
        equal(success["type"], "auth_success", "a first-message login is answered")
        equal(success["data"]["user_id"], "carol", "by who it is")
        equal(echo, chat("after login"), "and then relayed")
        equal(upstream.received, [chat("after login")], "the login message stays here")

        async def refused_login():
            async with websockets.connect(fw.url(), ping_interval=None) as ws:
                await ws.send(json.dumps({"type": "auth", "token": fw.token("carol")[:-2] + "AA"}))
                answer = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))
                await ws.wait_closed()
                return answer["data"]["code"], answer["data"]["message"], ws.close_code

        equal(run(refused_login()), ("AUTH_FAILED", "Invalid or expired JWT token", 4401), "a forged one is refused")
        equal(upstream.connections, 1, "before the upstream is dialled")


def test_login_message():
    """A server that, as the reference manager does, takes nothing before a login message of its own."""
    log = []

    async def strict(server, websocket):
        first = json.loads(await websocket.recv())
        log.append(first)
        if first.get("type") != "auth" or not first.get("token"):
            await websocket.close(1008)
            return
        await websocket.send(json.dumps({"type": "auth_success", "data": {"user_id": first["user"]}}))
        async for message in websocket:
            log.append(json.loads(message))
            await websocket.send(message)

    config = RELAXED + """
upstream:
  login_message: '{"type":"auth","method":"jwt","token":"backend secret","user":"${user_id}","role":"${role}"}'
"""

    async def scenario(fw):
        async with fw.connect(user="dave") as ws:
            await ws.send(chat("one"))
            while True:
                message = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))
                if message["type"] == "chat_message":
                    return

    with Upstream(strict) as upstream, Framewall(config, "--upstream", upstream.url()) as fw:
        run(scenario(fw))
        equal(log, [{"type": "auth", "method": "jwt", "token": "backend secret", "user": "dave", "role": "user"},
                    {"type": "chat_message", "text": "one"}], "login_message goes first, once, then what the client says")


def test_binary():
    async def scenario(fw):
        async with fw.connect() as ws:
            await ws.send(b"\x00\x01")
            await ws.wait_closed()
            return ws.close_code

    with Upstream() as upstream, Framewall(RELAXED, "--upstream", upstream.url()) as fw:
        equal(run(scenario(fw)), 1003, "binary is not accepted where the route does not say so")
        equal(upstream.received, [], "and does not pass")


def test_node():
    node = shutil.which("node")
    modules = [path for path in glob.glob(os.path.join(HERE, "..", "..", "*", "*", "node_modules")) if
               os.path.isdir(os.path.join(path, "ws"))]
    if node is None or not modules:
        skip("Node ws echo", "node or its module ws is not there (npm ci in tests/web)")
        return
    source = ("const {WebSocketServer} = require('ws'); const s = new WebSocketServer({port: 0, host: '127.0.0.1'});"
              "s.on('connection', c => c.on('message', (m, b) => c.send(m, {binary: b})));"
              "s.on('listening', () => console.log(s.address().port));")
    process = subprocess.Popen([node, "-e", source], stdout=subprocess.PIPE, text=True, env={**os.environ, "NODE_PATH": modules[0]})
    try:
        port = int(process.stdout.readline())
        with Framewall(RELAXED, "--upstream", f"ws://127.0.0.1:{port}") as fw:
            sent, echoes, errors = run(client(fw, "erin", 400))
            equal(echoes == sent, True, "Node ws: the permitted come back once and in order")
            equal(len(errors), 400 - len(sent), "Node ws: the refused do not")
    finally:
        process.kill()
        process.wait()


main(test_mixture, test_pipelined, test_cut_everywhere, test_answered_here, test_first_message_login, test_login_message, test_binary, test_node)
