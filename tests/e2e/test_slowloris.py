#!/usr/bin/python3
"""Attack rows 1 and 2: heads that never end and clients that never log in are closed in time, cheaply, and honest ones live on."""
import resource

from framewall import *

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/scenarios/scenarios.yaml")
CONFIG = RELAXED.replace("websocket:", "websocket:\n  handshake_timeout: 3") + "authentication:\n  login_timeout: 3\n"


async def honest(fw, count):
    async with fw.connect(user="honest") as ws:
        for number in range(count):
            await ws.send(json.dumps({"type": "ping", "timestamp": number}))
            while json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))["type"] != "pong":
                pass
            await asyncio.sleep(0.01)
    return True


def crowd(fw, request, count, drip):
    """count sockets that send request and then, every half second, one octet more; what each was answered and how long it took."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    before, descriptors = fw.memory(), fw.descriptors()
    clients = [RawClient(fw.port, request=request) for _ in range(count)]
    until(lambda: fw.descriptors() >= descriptors + count)
    each = (fw.memory() - before) / count
    answers = {client.socket: b"" for client in clients}
    left, end, next_drip = set(answers), time.monotonic() + PATIENCE, 0
    poller = select.epoll()
    by_descriptor = {client.socket.fileno(): client.socket for client in clients}
    for number in by_descriptor:
        poller.register(number, select.EPOLLIN)
    while left and time.monotonic() < end:
        if drip and time.monotonic() > next_drip:
            next_drip = time.monotonic() + 0.5
            for one in left:
                try:
                    one.send(drip)
                except OSError:
                    pass
        for number, _ in poller.poll(0.2):
            one = by_descriptor[number]
            try:
                octets = one.recv(65536)
            except OSError:
                octets = b""
            answers[one] += octets
            if octets == b"":
                poller.unregister(number)
                left.discard(one)
    for client in clients:
        client.close()
    return each, [answers[client.socket] for client in clients], len(left)


def test_slowloris():
    count = 2000
    with open(SCENARIOS) as file:
        scenarios = file.read()
    with Framewall(CONFIG + scenarios) as fw:
        stop = []
        thread = threading.Thread(target=lambda: stop.append(run(honest(fw, 300))))
        thread.start()
        idle = fw.descriptors()
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nX-Slow: "
        each, answers, left = crowd(fw, request, count, b"x")
        print(f"# {each:.0f} bytes for each of {count} unfinished heads")
        equal(left, 0, "every one is closed")
        told = [answer for answer in answers if answer]
        # Beyond the bound of connections that wait for the peer's last octets (LINGERING, of each worker) an end may overtake its answer.
        ok(len(told) >= count * 0.5, "most are told why", len(told))
        equal([answer for answer in told if b" 408 " not in answer[:20]], [], "with 408")
        if fw.memory_counts():
            ok(each < 8192, "each costs little", each)
        thread.join(PATIENCE)
        equal(stop, [True], "an honest client talks on all the while")
        ok(until(lambda: fw.descriptors() <= idle + 2), "descriptors are free again", fw.descriptors())
        ok(fw.wait_records("handshake_refused"), "the record has them")
        equal([record["details"]["scenario"] for record in fw.wait_records("scenario_fired")], ["slow-drip"], "a scenario that is shipped says what it is")


def test_nothing_sent():
    with Framewall(CONFIG) as fw:
        _, answers, left = crowd(fw, b"", 200, None)
        equal(left, 0, "who sends nothing at all is closed too")


def test_no_login():
    """The head is well, the login never comes."""
    with Framewall(CONFIG) as fw:
        client = RawClient(fw.port, {})
        equal(client.status, 101, "the upgrade is accepted")
        opcode, payload = client.receive()
        equal((opcode, json.loads(payload)["data"]["code"]), (1, "AUTH_TIMEOUT"), "then the login is due")
        opcode, payload = client.receive()
        equal((opcode, struct.unpack("!H", payload[:2])[0]), (8, 4408), "and the connection closed with 4408")
        ok(client.closed(), "also where the client does not answer")
        equal(len(fw.wait_records("auth_timeout")), 1, "one record of it")
        client.close()


def test_descriptors():
    """Attack row of descriptor exhaustion: newcomers are turned away, nothing spins, those who are in stay in."""
    with Framewall(RELAXED, wait=True, says="no room .descriptors") as fw:
        resource.prlimit(fw.part("fw-gate"), resource.RLIMIT_NOFILE, (64, 64))

        async def scenario():
            async with fw.connect(user="early") as ws:
                crowd_sockets = [socket.create_connection(("127.0.0.1", fw.port)) for _ in range(200)]
                used = fw.cpu()
                await asyncio.sleep(2)
                used = fw.cpu() - used
                await ws.send(json.dumps({"type": "ping", "timestamp": 1}))
                while json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))["type"] != "pong":
                    pass
                for one in crowd_sockets:
                    one.close()
                return used

        used = run(scenario())
        ok(used < 1, "without descriptors it does not spin", used)
        ok(fw.wait_records("overload"), "and records the overload")

        async def again():
            async with fw.connect(user="late") as ws:
                return ws.open

        def works():
            try:
                return run(again())
            except Exception:
                return False

        ok(until(works), "afterwards it takes connections again")


main(test_slowloris, test_nothing_sent, test_no_login, test_descriptors)
