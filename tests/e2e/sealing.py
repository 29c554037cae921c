"""Sealed values of DATA/framewall.db opened and made by python3-cryptography alone, as docs/internals/sealing.md has their form."""
import contextlib
import hashlib
import hmac
import os
import sqlite3
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Seals:
    """By the key of a data directory."""

    def __init__(self, data):
        with open(os.path.join(data, "keys/store.key"), "rb") as file:
            self.key = AESGCM(file.read())
        with contextlib.closing(sqlite3.connect(os.path.join(data, "framewall.db"))) as base:
            (self.number,) = base.execute("SELECT max(id) FROM sealing").fetchone()
            (index,) = base.execute("SELECT value FROM secrets WHERE name = 'index'").fetchone()
        self.index = self.open(index, "secrets", "value", b"index")

    def about(self, number, table, column, record):
        return struct.pack("!I", number) + table.encode() + b"\0" + column.encode() + b"\0" + record

    def open(self, value, table, column, record):
        """record: the octets that name it."""
        version, number, nonce = struct.unpack("!BI12s", value[:17])
        assert version == 1
        return self.key.decrypt(nonce, value[17:], self.about(number, table, column, record))

    def seal(self, text, table, column, record):
        nonce = os.urandom(12)
        return struct.pack("!BI", 1, self.number) + nonce + self.key.encrypt(nonce, text, self.about(self.number, table, column, record))

    def who(self, user):
        """What records about a user are found by."""
        return hmac.new(self.index, user, hashlib.sha256).digest()
