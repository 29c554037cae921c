#!/usr/bin/python3
"""Attack row 15: peers vanish behind a network that no longer carries anything, so that no FIN and no RST ever comes. They are
found by pings, and what they held is free again. The peers live in a network namespace of their own, whose link is cut."""
from framewall import *

PEERS = 300
CONFIG = RELAXED.replace("control_frames_per_minute: 1000000", """control_frames_per_minute: 1000000
  ping_interval: 1
  ping_timeout: 1
  close_timeout: 1""") + "hosts: [ 198.51.100.1, localhost ]\nauthentication: { max_sessions_per_user: 1000 }\n"
# Inside the namespace: connects so many times, says so, and keeps still.
PEER = r"""
import socket, sys
port, count, head = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode().decode("unicode_escape").encode()
peers = []
for _ in range(count):
    peer = socket.create_connection(("198.51.100.1", port), 30)
    peer.sendall(head)
    while b"\r\n\r\n" not in peer.recv(4096):
        pass
    peers.append(peer)
print("in", flush=True)
sys.stdin.read()
"""


class Network:
    """198.51.100.1 on this side, 198.51.100.2 in a namespace; both are gone afterwards."""

    def __init__(self):
        self.name = f"framewall-{os.getpid()}"
        self.link = f"fw{os.getpid()}"

    def __enter__(self):
        for command in (f"netns add {self.name}", f"link add {self.link} type veth peer name out netns {self.name}",
                        f"addr add 198.51.100.1/30 dev {self.link}", f"link set {self.link} up",
                        f"-n {self.name} addr add 198.51.100.2/30 dev out", f"-n {self.name} link set out up"):
            subprocess.run(["ip", *command.split()], check=True, capture_output=True, text=True)
        return self

    def cut(self):
        subprocess.run(["ip", "-n", self.name, "link", "set", "out", "down"], check=True)

    def __exit__(self, *error):
        subprocess.run(["ip", "link", "del", self.link], capture_output=True)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)


def is_served(client):
    client.send('{"type":"ping"}')
    while True:
        opcode, payload = client.receive()
        if opcode == 9:
            client.send(payload, 10)
        elif opcode == 8 or b'"pong"' in payload:
            return opcode != 8


def test_vanished(network):
    with Framewall(CONFIG, "--listen", "198.51.100.1:0", wait=False) as fw:
        until(lambda: fw.port)
        idle = fw.descriptors()
        head = "\r\n".join(["GET / HTTP/1.1", "Host: 198.51.100.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", f"Authorization: {fw.bearer()['Authorization']}", "", ""])
        peers = subprocess.Popen(["ip", "netns", "exec", network.name, sys.executable, "-c", PEER, str(fw.port), str(PEERS),
                                  head.encode("unicode_escape").decode()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        equal(peers.stdout.readline(), "in\n", f"{PEERS} peers are in")
        honest, served = RawClient(fw.port, fw.bearer("honest"), address="198.51.100.1"), [True]
        network.cut()
        while served[-1] and len(fw.records("websocket_disconnect")) < PEERS and len(served) < 10 * PATIENCE:
            served.append(is_served(honest))
            time.sleep(0.1)
        ended = fw.wait_records("websocket_disconnect", PEERS)
        equal(len(ended), PEERS, "each is found to be gone")
        equal({record["details"]["close"] for record in ended}, {"PING_TIMEOUT"}, "by the ping that it did not answer")
        ok(all(served) and len(served) > 3 and is_served(honest), f"somebody honest is served all along ({len(served)} answers)")
        honest.close()
        ok(until(lambda: fw.descriptors() <= idle), "what they held is free again", (idle, fw.descriptors()))
        peers.kill()
        peers.wait()


try:
    with Network() as made:
        main(lambda: test_vanished(made))
except subprocess.CalledProcessError as error:
    skip("peers vanish", f"no network namespace here: {(error.stderr or '').strip()}")
    print("1..1")
