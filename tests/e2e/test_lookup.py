"""A name server that does not answer: other connections go on, and stopping does not wait for it."""
import os
import shutil
import subprocess
import tempfile
import time

import framewall as fw

SLOW = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

	if (node != NULL && strcmp(node, "slow.invalid") == 0)
		sleep(300);
	return real(node, service, hints, list);
}
"""

CONFIG = """
hosts: [ localhost ]
upstream: { connect_timeout: 1 }
routes:
  - { path: /slow, upstream: "ws://slow.invalid:9" }
  - { path: "/*", upstream: "%s" }
""" + fw.RELAXED


def slow():
    folder = tempfile.mkdtemp(prefix="framewall-lookup-")
    library = os.path.join(folder, "slow.so")
    with open(os.path.join(folder, "slow.c"), "w") as file:
        file.write(SLOW)
    built = shutil.which("cc") and subprocess.run(["cc", "-shared", "-fPIC", "-o", library, file.name, "-ldl"]).returncode == 0
    if not built:
        fw.skip("a name server that does not answer", "no C compiler")
        return
    os.environ.update(LD_PRELOAD=library, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
    try:
        with fw.Upstream() as upstream, fw.Framewall(CONFIG % upstream.url()) as server:
            del os.environ["LD_PRELOAD"]
            waiting = fw.RawClient(server.port)
            waiting.socket.sendall("\r\n".join(["GET /slow HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
                                                "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                                                f"Authorization: Bearer {server.token()}", "", ""]).encode())
            time.sleep(0.5)
            other = fw.RawClient(server.port, server.bearer("bob"))
            other.send(fw.chat("meanwhile"))
            fw.ok(other.status == 101 and b"meanwhile" in other.receive()[1], "other connections do not wait for the lookup")
            other.close()
            start = time.monotonic()
            fw.equal(waiting.read_head(), 502, "who waits is told after connect_timeout")
            fw.ok(time.monotonic() - start < 25, "not later")
            waiting.close()
            start = time.monotonic()
            server.signal()
            fw.equal(server.wait(), 0, "stopping does not wait for it")
            took = time.monotonic() - start
            fw.ok(took < 20, "it takes a moment", took)
            changes = [r["details"]["change"] for r in server.records("system_changes")]
            fw.equal(changes, ["started", "draining", "stopped"], "and the record is whole")
    finally:
        os.environ.pop("LD_PRELOAD", None)
        shutil.rmtree(folder, ignore_errors=True)


fw.main(slow)
