"""A worker that stands still as long as a test wants it, by a library of ours (hang.c) that all processes of a server have."""
import os
import struct
import tempfile

from framewall import BINARY

LIBRARY = os.path.join(os.path.dirname(BINARY), "tests", "e2e", "hang.so")
GO, WAIT, RUN = 0, 1, 2


class Hang:
    def __init__(self):
        self.file = tempfile.NamedTemporaryFile("wb+", prefix="framewall-hang-", buffering=0)
        os.pwrite(self.file.fileno(), struct.pack("=II", GO, 0), 0)
        self.environment = {"LD_PRELOAD": LIBRARY, "TEST_HANG": self.file.name}

    def set(self, how):
        os.pwrite(self.file.fileno(), struct.pack("=I", how), 0)

    def stands(self):
        return struct.unpack("=II", os.pread(self.file.fileno(), 8, 0))[1] != 0

    def forget(self):
        """The one that stood is gone with its process."""
        os.pwrite(self.file.fileno(), struct.pack("=II", GO, 0), 0)
