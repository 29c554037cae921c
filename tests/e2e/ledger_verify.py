"""A verifier of ledgers that has nothing of Framewall's: written from docs/reference/ledger.md alone, with Python's own modules
and, for Ed25519, python3-cryptography: ledger_verify.py FOLDER [CHECKPOINTS FROM ELSEWHERE…] prints "OK", the number of records
and of those signed for; or a verdict and between which records the first bad one is (0: no record, a file is wrong).
"""
import base64, hashlib, json, os, re, subprocess, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LINE = re.compile(rb'\{"timestamp":"[^"]{27}","sequence":(\d{1,20}),.*,"chain":"([0-9a-f]{64})"\}', re.S)
HEAD = re.compile(rb"([^\n]+)\n(0|[1-9][0-9]{0,19})\n([A-Za-z0-9+/]{43}=)\n")
TORN = re.compile(rb"[^\xe2]*?|[^\xe2]*?\n\n(?:\xe2\x80\x94[^\n]*\n)?|[^\xe2]*?\n\n(?:\xe2\x80\x94[^\n]*\n)*(?:\xe2|\xe2\x80|\xe2\x80\x94[^\n]*)", re.S)
LONGEST, PENDING, sha256 = 262143, 16, lambda data: hashlib.sha256(data).digest()
read = lambda path: open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb").read()


class Bad(Exception):
    """Verdict, first, last: the first bad record is one of these; 0: no record is bad, a file is."""


class Key:
    def __init__(self, text):
        self.name, number, value = text.split(b" ")[0].split(b"+", 2)  # a second key, of ML-DSA-65, may stand behind
        self.public = base64.b64decode(value, validate=True)
        self.id = sha256(self.name + b"\n" + self.public)[:4]
        if len(self.public) != 33 or self.public[0] != 1 or self.id.hex().encode() != number:
            raise ValueError("no verifier's key")
        self.key = Ed25519PublicKey.from_public_bytes(self.public[1:])

    def signed(self, note):
        """A signature of this key is there and holds, and none is there that does not."""
        text, _, lines, good = *note.rpartition(b"\n\n"), False
        try:
            for dash, name, encoded in (line.split(b" ") for line in lines.split(b"\n")[:-1]):
                value = base64.b64decode(encoded, validate=True)
                if (name, value[:4]) == (self.name, self.id):
                    self.key.verify(value[4:], text + b"\n")
                    good = True
                good = good and dash == b"\xe2\x80\x94" and base64.b64encode(value) == encoded
        except (InvalidSignature, ValueError):
            return False
        return good and lines.endswith(b"\n")


def notes_of(data):
    """Each note of a file, and whether all of it is there: of the last one a crash may leave a part, which ends within a line."""
    while data:
        text = data.find(b"\n\n")
        end = data.find(b"\n\n", text + 2) if text >= 0 else -1
        yield (data, not TORN.fullmatch(data)) if end < 0 else (data[:end + 1], True)
        data = data[end + 2:] if end >= 0 else b""


class Tree:
    """Perfect subtrees from the left; for each level the hashes of the tile that is being filled."""

    def __init__(self, tile_is_full):
        self.size, self.subtrees, self.tiles, self.tile_is_full = 0, [], [[] for _ in range(9)], tile_is_full

    def append(self, node, height=0, leaves=1):
        self.size += leaves
        if height % 8 == 0:
            self.tiles[height // 8].append(node)
            if len(self.tiles[height // 8]) == 256:
                self.tile_is_full(height // 8, (self.size >> height + 8) - 1, self.tiles[height // 8])
                self.tiles[height // 8] = []
        if self.subtrees and self.subtrees[-1][0] == height:
            self.append(sha256(b"\1" + self.subtrees.pop()[1] + node), height + 1, 0)
        else:
            self.subtrees.append((height, node))

    def root(self):
        node = self.subtrees[-1][1] if self.subtrees else sha256(b"")
        for _, left in self.subtrees[-2::-1]:
            node = sha256(b"\1" + left + node)
        return node


class Verifier:
    def __init__(self, folder, *elsewhere):
        self.folder, self.chain, self.holds, self.suspect, self.announced, self.seen = folder, bytes(32), 0, None, [], False
        self.tree = Tree(self.check_tile)
        self.key, self.epoch = [Key(line) for line in read(os.path.join(folder, "anchor")).splitlines()]
        self.trees = [max(self.checkpoint(note) for note, _ in notes_of(read(path))) for path in (os.path.join(folder, "checkpoint"), *elsewhere)]

    def begin(self, note):
        """Behind what was removed, as the signed note says."""
        name, first, chain, root, epoch, count, *lines = note.partition(b"\n\n")[0].split(b"\n")
        self.chain, self.epoch, self.holds, count = base64.b64decode(chain), Key(epoch), int(first) - 1, int(count)
        self.announced = [(Key(line.split(b" ")[1]), line.startswith(b"vouched ")) for line in lines[:count]]
        for level, line in zip([level for level in range(8) if self.holds >> 8 * level & 255][::-1], lines[count:][::-1]):
            for node in re.findall(b".{32}", base64.b64decode(line), re.S):
                self.tree.append(node, 8 * level, 1 << 8 * level)
        if name != self.key.name + b"/removed" or not self.key.signed(note) or base64.b64decode(root) != self.tree.root():
            raise Bad("removed_forged", 0, 0)

    def checkpoint(self, note):
        found = HEAD.match(note)
        if found is None or found[1] != self.key.name or not self.key.signed(note):
            raise Bad("checkpoint_forged", 0, 0)
        return int(found[2]), base64.b64decode(found[3]), note

    def check_tile(self, level, number, hashes):
        parts = re.findall("...", "%0*d" % (-(-len(str(number)) // 3) * 3, number))
        path = "/".join([self.folder, "tile", str(level)] + ["x" + part for part in parts[:-1]] + parts[-1:])
        if (number + 1) << 8 * level + 8 <= self.trees[0][0] and os.path.lexists(path) and not self.suspect:
            stored = b"" if os.path.islink(path) or os.path.getsize(path) > 8192 else read(path)
            wrong = [i for i, node in enumerate(hashes) if stored[32 * i:32 * i + 32] != node]
            if wrong:
                self.suspect = ((256 * number + wrong[0]) << 8 * level) + 1, (256 * number + wrong[0] + 1) << 8 * level

    def check_root(self, root):
        size = self.tree.size
        if root != self.tree.root():
            first, last = self.suspect if self.suspect and self.holds < self.suspect[0] <= size else (self.holds + 1, size)
            raise Bad("root_wrong", first, min(last, size))
        self.holds = size
        if self.suspect and self.suspect[0] <= size:
            raise Bad("tiles_wrong", 0, 0)

    def check_epoch(self, note):
        if not self.epoch.signed(note):
            takes_over = [i for i, (key, vouched) in enumerate(self.announced) if vouched and key.signed(note)]
            if not takes_over:
                raise Bad("epoch_forged", 0, 0)
            self.epoch, self.announced = self.announced[takes_over[0]][0], self.announced[takes_over[0] + 1:]
        self.announced = [(key, True) for key, _ in self.announced]

    def check_tree(self):
        """What was signed for the records up to here."""
        while self.next and self.next[0] == self.tree.size:
            self.check_root(self.next[1])
            self.check_epoch(self.next[2])
            self.seen = self.seen or self.next == self.trees[0]
            self.take_next()
        [self.check_root(tree[1]) for tree in self.trees if tree[0] == self.tree.size]

    def take_next(self):
        note, whole = next(self.history, (None, False))
        self.next = self.checkpoint(note) if note is not None and (whole or not self.last) else None
        if self.next and self.next[0] < self.tree.size:
            raise Bad("checkpoint_order", 0, 0)

    def take(self, line):
        sequence, found = self.tree.size + 1, LINE.fullmatch(line)
        if found is None or len(line) > LONGEST or int(found[1]) != sequence:
            raise Bad("line_wrong", sequence, sequence)
        self.chain = sha256(self.chain + line[:-76])
        if self.chain.hex().encode() != found[2]:
            raise Bad("chain_wrong", sequence, sequence)
        if b'"event_type":"ledger_epoch",' in line:
            try:
                self.announced.append((Key(json.loads(line)["details"]["key"].encode()), False))
                first = self.announced.pop()[0] if sequence == 1 else self.epoch
            except (ValueError, KeyError, TypeError, AttributeError):
                raise Bad("key_wrong", sequence, sequence)
            if len(self.announced) > PENDING or (first.name, first.public) != (self.epoch.name, self.epoch.public):
                raise Bad("key_wrong", sequence, sequence)
        self.tree.append(sha256(b"\0" + line))

    def verify(self):
        if os.path.lexists(os.path.join(self.folder, "removed")):
            self.begin(read(os.path.join(self.folder, "removed")))
        names = {name[:39] for name in os.listdir(self.folder) if re.fullmatch(r"security_audit-\d{20}\.log(\.zst)?", name)}
        names = sorted(name for name in names if int(name[-24:-4]) > self.tree.size)
        for name in names:
            self.last, path = name == names[-1], os.path.join(self.folder, name[:-4])
            if int(name[-24:-4]) != self.tree.size + 1:
                raise Bad("segment_missing", self.tree.size + 1, self.tree.size + 1)
            self.history = notes_of(read(path + ".checkpoints") if os.path.lexists(path + ".checkpoints") else b"")
            self.take_next()
            self.check_tree()
            text = read(path + ".log") if os.path.lexists(path + ".log") else subprocess.run(["zstd", "-dcq", path + ".log.zst"], stdout=-1).stdout
            *lines, rest = text.split(b"\n")
            for line in lines:
                self.take(line)
                self.check_tree()
            if self.next or rest and (not self.last or len(rest) > LONGEST):
                raise Bad("records_missing", self.tree.size + 1, self.tree.size + 1)
        if any(size > self.tree.size for size, _, _ in self.trees):
            raise Bad("records_missing", self.tree.size + 1, self.tree.size + 1)
        if not self.seen and self.trees[0][0] < self.holds:
            raise Bad("epoch_forged", 0, 0)
        if not self.seen:
            self.check_epoch(self.trees[0][2])
        return self.tree.size, self.holds


def verify(folder, *elsewhere):
    """("OK", records, those signed for), or a verdict and between which records the first bad one is."""
    try:
        return "OK", *Verifier(folder, *elsewhere).verify()
    except Bad as bad:
        return bad.args
    except (OSError, ValueError):  # of the anchor, a checkpoint, the note of what was removed
        return "file_wrong", 0, 0


if __name__ == "__main__":
    print(*(said := verify(*sys.argv[1:])))
    sys.exit(said[0] != "OK")
