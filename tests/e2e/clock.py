"""A wall clock of one server that a test sets, and one that only goes forward and that it stops, by a library of ours (clock.c) that all of its processes have."""
import os
import struct
import tempfile
import time

from framewall import BINARY

LIBRARY = os.path.join(os.path.dirname(BINARY), "tests", "e2e", "clock.so")


class Clock:
    """The wall clock of one server; set() moves it by so many seconds from the right time."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile("wb", prefix="framewall-clock-", buffering=0)
        self.set(0)
        self.environment = {"LD_PRELOAD": LIBRARY, "TEST_CLOCK": self.file.name}

    def set(self, seconds):
        os.pwrite(self.file.fileno(), struct.pack("=qq", seconds, 0), 0)

    def stop(self):
        """What counts time stands still from now on, until go()."""
        os.pwrite(self.file.fileno(), struct.pack("=q", time.monotonic_ns()), 8)

    def go(self):
        os.pwrite(self.file.fileno(), struct.pack("=q", 0), 8)
