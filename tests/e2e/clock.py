"""A wall clock of one program that a test sets, by libfaketime; what only goes forward is left alone."""
import glob
import tempfile

LIBRARY = (glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") or [None])[0]


class Clock:
    """The wall clock of one program; set() moves it by so many seconds from the right time."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile("w", prefix="framewall-clock-")
        self.set(0)
        self.environment = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self.file.name, "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}

    def set(self, seconds):
        self.file.seek(0)
        self.file.truncate()
        self.file.write(f"{seconds:+d}\n")
        self.file.flush()
