"""A wall clock of one server that a test sets, by a library of ours (clock.c) that all of its processes have."""
import os
import struct
import tempfile

from framewall import BINARY

LIBRARY = os.path.join(os.path.dirname(BINARY), "tests", "e2e", "clock.so")


class Clock:
    """The wall clock of one server; set() moves it by so many seconds from the right time."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile("wb", prefix="framewall-clock-", buffering=0)
        self.set(0)
        self.environment = {"LD_PRELOAD": LIBRARY, "TEST_CLOCK": self.file.name}

    def set(self, seconds):
        os.pwrite(self.file.fileno(), struct.pack("=q", seconds), 0)
