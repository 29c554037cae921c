#!/usr/bin/python3
"""A browser's way: a ticket by an HTTP request, then a WebSocket with it. Nobody else ever sees the ticket."""
import http.client

from framewall import *

CONFIG = RELAXED + "authentication: { tickets: true%s }\nlog: { level: trace }\n"
ALL = []  # every ticket that was given


def ask(fw, headers, method="POST", body=None):
    connection = http.client.HTTPConnection("localhost", fw.port, timeout=PATIENCE)
    connection.request(method, "/framewall/ticket", body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    said = json.loads(text) if text else {}
    if "ticket" in said:
        ALL.append(said["ticket"])
    return answer, said


async def talk(url, **options):
    async with websockets.connect(url, ping_interval=None, compression=None, **options) as client:
        await client.send('{"type":"ping"}')
        return json.loads(await client.recv())["type"]


def enters(fw, path):
    try:
        return asyncio.run(talk(fw.url(path)))
    except websockets.InvalidStatusCode as error:
        return error.status_code


def test_browser():
    with Upstream() as upstream, Framewall(CONFIG % "", "--upstream", upstream.url(), says=" (trace|debug|info)|^\\d|:") as fw:
        answer, said = ask(fw, {**fw.bearer(), "Origin": "http://localhost:3000"})
        equal((answer.status, said["expires_in"], answer.headers["Cache-Control"], answer.headers["Access-Control-Allow-Origin"]),
              (200, 30, "no-store", "http://localhost:3000"), "a page gets a ticket and may read it")
        equal(answer.headers["Connection"], "close", "on a connection of its own")
        equal(enters(fw, f"/?room=1&ticket={said['ticket']}"), "pong", "a WebSocket with it is logged in")
        equal(enters(fw, f"/?ticket={said['ticket']}"), 401, "once")
        equal(ask(fw, {})[0].status, 401, "without a credential there is none")
        equal(ask(fw, {"Cookie": "framewall_token=" + fw.token()})[0].status, 401, "nor for what a browser sends by itself")
        equal(ask(fw, {**fw.bearer(), "Origin": "https://evil.example"})[0].status, 403, "nor for a page of another origin")
        equal(ask(fw, fw.bearer(), body="x" * 100)[0].status, 413, "a body is not read")
        equal(ask(fw, fw.bearer(), method="PUT")[0].status, 405, "it is a POST")
        raw = RawClient(fw.port, request=f"POST /framewall/ticket HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {fw.token()}\r\n\r\nGET / HTTP/1.1\r\n".encode())
        raw.read_head()
        equal(raw.status, 200, "what follows a request")
        ALL.append(json.loads(raw.waiting)["ticket"]) if raw.waiting else None
        ok(raw.closed(), "is not read: the connection ends")

        answers = [ask(fw, fw.bearer(user=f"u{i}"))[1]["ticket"] for i in range(50)]
        equal(len(set(answers)), 50, "no two are the same")
        taken = []
        threads = [threading.Thread(target=lambda: taken.append(enters(fw, f"/?ticket={answers[0]}"))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        equal((taken.count("pong"), taken.count(401)), (1, 19), "of twenty who come with one at once one is let in")
        equal([r["details"].get("for") for r in fw.records("auth_success")][:1], ["ticket"], "that one was given is recorded")
        equal(say_disable(fw, "u1"), 0, "u1 is disabled")
        equal(enters(fw, f"/?ticket={answers[1]}"), 401, "her ticket is gone")
        equal(ask(fw, fw.bearer(user="u1"))[0].status, 401, "and there is no other")
        octets = fw.stderr().encode()
        for folder, _, names in os.walk(fw.data):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        octets += file.read()
        ok(not any(ticket.encode() in octets for ticket in ALL), "none is in the record, in any file, or in the log that says all")
        ok(not any(ticket in str(upstream.headers) for ticket in ALL) and upstream.connections >= 2, "nor did the server behind see one")


def say_disable(fw, user):
    return subprocess.run([BINARY, "user", "disable", user, "--data", fw.data], stdout=subprocess.PIPE, timeout=PATIENCE).returncode


main(test_browser)
