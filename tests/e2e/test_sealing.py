#!/usr/bin/python3
"""What is sealed in the database: a canary of each field is in no file of the data directory; a wrong key, a changed octet, a value moved
elsewhere: not started; another key while clients come and go; a database of before, in clear."""
import random
import sqlite3
import stat

from framewall import *

CANARY = "canary-7Q2x"
FIELDS = [("responses", "id", "subject")] + [("admin_tokens", "id", column) for column in ("hash", "name", "role", "expires_us")] + [("api_keys", "id", column) for column in ("hash", "name", "role", "scopes", "networks")] + [
    ("revocations", "who", "user"), ("revocations", "who", "reason"), ("secrets", "name", "value")]
FOUND_LATER = [("users", "who", column) for column in ("user", "hash", "role")]  # asked for by a login
ROLE = "rbac: { roles: { " + CANARY + "-role: { inherits: [ user ], permissions: [ " + CANARY + ".see ] } }, permission_categories: { " + CANARY + ": [ see ] } }\n"


def config(folder, extra=""):
    """The record, which is text for auditors and names who did what, is elsewhere."""
    return RELAXED + ROLE + f"audit_logging: {{ log_directory: {folder}/record }}\n" + extra


def say(fw, *words):
    done = subprocess.run([BINARY, words[0], "--data", fw.data, *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr


def say_when_there(fw, *words):
    """Right after a fall a command may still meet the keeper that dies, or none."""
    said = []

    def answered():
        said[:] = say(fw, *words)
        return "no answer" not in said[2] and "no server" not in said[2]
    until(answered)
    return said


def write(path, octets, mode=0o600):
    with open(path, "wb") as file:
        file.write(octets)
    os.chmod(path, mode)
    return path


def found_in(data, needles):
    """Which of them is in which file."""
    found = []
    for folder, _, names in os.walk(data):
        for name in names:
            if stat.S_ISREG(os.lstat(os.path.join(folder, name)).st_mode):
                with open(os.path.join(folder, name), "rb") as file:
                    octets = file.read()
                found += [(name, needle) for needle in needles if needle in octets]
    return found


def logs_in(fw, key):
    client = RawClient(fw.port, {"X-API-Key": key})
    client.close()
    return client.status == 101


def fill(fw):
    """A record of each kind, and what must be nowhere: hash of a key, and every text."""
    code, text, wrong = say(fw, "key", "create", "--json", "--name", CANARY + ".name", "--role", CANARY + "-role", "--scopes", CANARY + ".see", "--cidr", "127.0.0.0/8,203.0.113.77")
    ok(code == 0, "a key", wrong)
    key = json.loads(text)["key"]
    ok(say(fw, "user", "disable", CANARY + ".user", "--reason", CANARY + ".reason")[0] == 0, "and a user who is disabled")
    word = subprocess.run([BINARY, "user", "add", CANARY + ".login", "--role", "moderator", "--data", fw.data], input="a long and good " + CANARY, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ok(word.returncode == 0, "and one with a password", word.stderr)
    ok(say(fw, "admin", "token", "create", "--name", CANARY + ".operator", "--role", "auditor")[0] == 0, "and a token of the admin side")
    ok(subprocess.run([BINARY, "response", "add", "isolate", "user:" + CANARY, "--reason", CANARY, "--data", fw.data], stdout=subprocess.DEVNULL).returncode == 0, "and a response")
    return key, [b"$argon2id$", CANARY.encode(), b"203.0.113.77", hashlib.sha256(key.encode()).digest(), hashlib.sha256(key.encode()).hexdigest().encode()]


def start(fw, **more):
    fw.port = None
    fw.process = subprocess.Popen(fw.process.args, stdout=subprocess.PIPE, stderr=fw.errors, text=True, cwd=fw.folder, **more)
    threading.Thread(target=fw._read, daemon=True).start()
    return until(lambda: fw.port or fw.process.poll() is not None) and fw.port is not None


def stop(fw):
    fw.signal()
    return fw.wait()


def refused(fw):
    """What it says instead of starting."""
    done = subprocess.run(fw.process.args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=fw.folder, timeout=PATIENCE)
    return done.returncode, done.stdout


def test_canary():
    with tempfile.TemporaryDirectory() as folder, Framewall(config(folder)) as fw:
        key, needles = fill(fw)
        ok(logs_in(fw, key), "the key logs in")
        equal(found_in(fw.data, needles), [], "while it runs none of it is in a file")
        ok(found_in(folder, needles), "in the record it is, so the search finds what is there")
        say(fw, "user", "enable", CANARY + ".user")
        say(fw, "user", "disable", CANARY + ".other")
        equal(found_in(fw.data, needles), [], "nor what was taken out again")
        equal(stop(fw), 0, "it ends")
        equal(found_in(fw.data, needles), [], "nor then")
        with sqlite3.connect(os.path.join(fw.data, "framewall.db")) as connection:
            for table, _, column in FIELDS + FOUND_LATER:
                values = [value for value, in connection.execute(f"SELECT {column} FROM {table}")]
                ok(values and all(value[0] == 1 and len(value) >= 33 for value in values), f"{table}.{column} is sealed", values)
        ok(start(fw) and logs_in(fw, key), "after a restart the key logs in")
        equal(json.loads(say(fw, "user", "list", "--json")[1])["revocations"][0]["user"], CANARY + ".other", "and who is disabled is known")


def test_before():
    """A database of before, in clear: it is sealed at the first start, and nothing of it stays in the file."""
    with tempfile.TemporaryDirectory() as folder, Framewall(config(folder)) as fw:
        key, _ = fill(fw)
        stop(fw)
        path, secret = os.path.join(fw.data, "framewall.db"), hashlib.sha256(key.encode()).digest()
        identity = key.split("_")[2]
        os.unlink(path)
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE revocations (user BLOB PRIMARY KEY NOT NULL, before_us INTEGER NOT NULL, disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)), "
                               "reason TEXT NOT NULL) STRICT, WITHOUT ROWID")
            connection.execute("CREATE TABLE api_keys (id TEXT PRIMARY KEY NOT NULL, hash BLOB NOT NULL, name BLOB NOT NULL, role BLOB NOT NULL, scopes BLOB NOT NULL, "
                               "networks BLOB NOT NULL, created_us INTEGER NOT NULL, expires_us INTEGER NOT NULL, revoked_us INTEGER NOT NULL, used_us INTEGER NOT NULL) "
                               "STRICT, WITHOUT ROWID")
            connection.execute("PRAGMA user_version = 2")
            for number in range(500):
                connection.execute("INSERT INTO revocations VALUES (?, 1, 1, ?)", (f"{CANARY}.{number}".encode(), CANARY))
            connection.execute("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, 1, 0, 0, 0)", (identity, secret, CANARY.encode(), b"user", b"", b""))
        connection.close()
        ok(found_in(fw.data, [CANARY.encode(), secret]), "it is in clear")
        ok(start(fw), "the server starts")
        equal(found_in(fw.data, [CANARY.encode(), secret]), [], "and nothing is in clear any more")
        ok(logs_in(fw, key), "the key logs in")
        equal(len(json.loads(say(fw, "user", "list", "--json")[1])["revocations"]), 500, "all who were disabled are")


def test_sources():
    """Where a key may come from, and what is wrong with one."""
    with tempfile.TemporaryDirectory() as folder:
        raw = bytes(range(32))
        good = write(f"{folder}/good", raw)
        digits, letters = write(f"{folder}/hex", raw.hex().upper().encode() + b"\n"), write(f"{folder}/b64", base64.b64encode(raw) + b"\n")
        sources = {"octets": f"key_file: {good}", "hex": f"key_file: {digits}", "base64": f"key_file: {letters}", "a program": f"key_command: [ cat, {good} ]",
                   "a program that encodes": f"key_command: [ base64, {good} ]"}
        with Framewall(config(folder, f"encryption: {{ {sources['octets']} }}\n")) as fw:
            key, needles = fill(fw)
            path = fw.process.args[fw.process.args.index("--config") + 1]
            ok(not os.path.exists(f"{fw.data}/keys/store.key"), "with a key of its own the data directory has none")
            equal(found_in(fw.data, [*needles, raw, raw.hex().encode()]), [], "nor has any file the key")
            stop(fw)

            def another(text):
                with open(path, "w") as file:
                    file.write(config(folder, f"encryption: {{ {text} }}\n"))

            for name, text in sources.items():
                another(text)
                ok(start(fw) and logs_in(fw, key), f"the same key as {name} opens it")
                stop(fw)
            words = write(f"{folder}/words", b"correct horse battery staple\n")
            for what, text, part in (
                    ("another key", f"key_file: {write(f'{folder}/other', bytes(32))}", "sealed with another key than that of encryption.key_file"),
                    ("no key", "algorithm: AES-256-GCM", "sealed with another key than that of DATA/keys/store.key"),
                    ("a passphrase", f"passphrase_file: {words}", "sealed with another key than that of encryption.passphrase_file"),
                    ("a file that others may read", f"key_file: {write(f'{folder}/open', raw, 0o640)}", "others may read it"),
                    ("31 octets", f"key_file: {write(f'{folder}/short', raw[:31])}", "a key is 32 octets"),
                    ("too much", f"key_file: {write(f'{folder}/long', raw * 100)}", "it is too long"),
                    ("no file", f"key_file: {folder}/none", "No such file"), ("a folder", f"key_file: {folder}", "no plain file"),
                    ("a short passphrase", f"passphrase_file: {write(f'{folder}/few', b'hunter2')}", "at least 12 octets"),
                    ("a program that fails", "key_command: [ 'false' ]", "it failed"), ("none", "key_command: [ /nonexistent ]", "No such file"),
                    ("one that is no shell's", f"key_command: [ 'cat {good}' ]", "No such file"), ("one that says nothing", "key_command: [ 'true' ]", "a key is 32 octets"),
                    ("one that never ends talking", "key_command: [ 'yes' ]", "it wrote too much"),
                    ("two sources", f"{sources['octets']}, passphrase_file: {words}", "one alone may be given"),
                    ("another algorithm", "algorithm: AES-128-CBC", "AES-256-GCM"), ("a field left out", "encrypted_fields: [ api_keys ]", "is always sealed"),
                    ("a field that is none", "encrypted_fields: [ password_hash, session_tokens, api_keys, sensitive_user_data, x ]", "no field")):
                another(text)
                code, said = refused(fw)
                ok(code in (1, 3) and part in said and "listening" not in said, f"{what}: not started", said)
            another(f"passphrase_file: {words}, previous: {{ key_file: {good} }}, key_derivation: {{ algorithm: PBKDF2, iterations: 100000, salt_length: 16 }}")
            ok(start(fw) and logs_in(fw, key), "with the old key beside it a passphrase is taken")
            fw.says = r"iterations|^ *\^$"
            ok("below 600000" in fw.stderr(), "fewer iterations than today's are warned of", fw.stderr())
            ok(until(lambda: not json.loads(say(fw, "key-store", "show", "--json")[1])["rotating"]), "and everything sealed with it")
            stop(fw)
            another(f"passphrase_file: {words}")
            ok(start(fw) and logs_in(fw, key), "then it opens it alone")
            (row,) = json.loads(say(fw, "key-store", "show", "--json")[1])["keys"]
            equal((row["source"], row["current"]), ("passphrase", True), "as is shown")


def test_octets():
    """Each value with one bit flipped, cut, or in the place of another: not started, and nothing is taken for what it is not."""
    with tempfile.TemporaryDirectory() as folder, Framewall(config(folder)) as fw:
        fill(fw)
        say(fw, "key", "create", "--name", "second", "--scopes", "chat.send", "--cidr", "::1")
        say(fw, "user", "disable", "second")
        subprocess.run([BINARY, "response", "add", "isolate", "user:second", "--reason", "second", "--data", fw.data], stdout=subprocess.DEVNULL)
        say(fw, "admin", "token", "create", "--name", "second", "--role", "admin")
        stop(fw)
        path, keep = os.path.join(fw.data, "framewall.db"), os.path.join(fw.folder, "keep")
        shutil.copy(path, keep)
        dice = random.Random(7)
        for table, identity, column in FIELDS + [("sealing", "id", "test")]:
            changes = [("a bit flipped", lambda value: bytes(octet ^ (1 << dice.randrange(8) if at == flip else 0) for at, octet in enumerate(value))),
                       ("cut", lambda value: value[:-1]), ("nothing", lambda value: b""), ("in clear", lambda value: b"user")]
            if table not in ("secrets", "sealing"):
                changes.append(("that of another record", None))
            if column == "reason":
                changes.append(("that of another column", "user"))
            for what, change in changes:
                shutil.copy(keep, path)
                with sqlite3.connect(path) as connection:
                    name, value = connection.execute(f"SELECT {identity}, {column} FROM {table} ORDER BY 1").fetchone()
                    flip = dice.randrange(len(value))
                    if isinstance(change, str):
                        changed = connection.execute(f"SELECT {change} FROM {table} WHERE {identity} = ?", (name,)).fetchone()[0]
                    elif change is None:
                        changed = connection.execute(f"SELECT {column} FROM {table} WHERE {identity} <> ?", (name,)).fetchone()[0]
                    else:
                        changed = change(value)
                    connection.execute(f"UPDATE {table} SET {column} = ? WHERE {identity} = ?", (changed, name))
                connection.close()
                code, said = refused(fw)
                ok(code == 3 and "framewall.db" in said, f"{table}.{column}, {what}: not started", said)
        shutil.copy(keep, path)
        ok(start(fw), "as it was it starts")


def test_rotation():
    with tempfile.TemporaryDirectory() as folder, Framewall(config(folder)) as fw:
        key, needles = fill(fw)
        with open(f"{fw.data}/keys/store.key", "rb") as file:
            old = file.read()
        copy = os.path.join(fw.folder, "copy")
        shutil.copytree(fw.data, copy, ignore=lambda folder, names: [name for name in names if name.endswith(".sock")])
        over, made, results = threading.Event(), [], []

        def come_and_go():
            while not over.is_set():
                results.append(logs_in(fw, key))
                made.append(json.loads(say(fw, "key", "create", "--json", "--name", "during")[1])["key"])

        thread = threading.Thread(target=come_and_go)
        thread.start()
        for _ in range(3):
            code, text, wrong = say(fw, "key-store", "rotate")
            ok(code == 0 and "true" in text, "another key, while clients come and keys are made", wrong)
        over.set()
        thread.join()
        ok(results and all(results), "nobody was refused meanwhile", results)
        shown = json.loads(say(fw, "key-store", "show", "--json")[1])
        equal((len(shown["keys"]), shown["keys"][0]["id"], shown["values_of_old_keys"], shown["rotating"]), (1, 4, 0, False), "one key is left, the fourth")
        equal(sorted(name for name in os.listdir(f"{fw.data}/keys") if name.startswith("store")), ["store.key"], "and one file of it")
        with open(f"{fw.data}/keys/store.key", "rb") as file:
            equal((file.read() != old, os.stat(file.name).st_mode & 0o777), (True, 0o600), "which is another")
        equal(found_in(fw.data, [*needles, old]), [], "the old key and what it sealed are in no file")
        equal([r["details"]["action"] for r in records(folder, "admin_action") if r["details"]["action"].startswith("key-store")], ["key-store rotate"] * 3, "each is in the record")
        equal(len([r for r in records(folder, "system_changes") if "sealed" in r["details"]["change"]]), 3, "and its end")
        ok(all(logs_in(fw, other) for other in [key, made[0], made[-1]]), "keys of before and of meanwhile log in")
        stop(fw)
        code, text, wrong = say(fw, "key-store", "rotate", "--config", fw.process.args[fw.process.args.index("--config") + 1])
        ok(code == 0, "on a stopped server, too", wrong)
        equal(found_in(fw.data, needles), [], "nothing is in clear")
        ok(start(fw) and logs_in(fw, key), "and it starts with it")
        stop(fw)
        with open(f"{copy}/keys/store.key", "rb") as file:
            write(f"{fw.data}/keys/store.key", file.read())
        code, said = refused(fw)
        ok(code == 3 and "another key" in said, "the old key does not open it any more", said)
    for words in ((), ("x",), ("show", "x")):
        equal(subprocess.run([BINARY, "key-store", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE).returncode, 2, f"key-store {words} is wrong usage")


def records(folder, kind):
    parsed = []
    for name in sorted(glob.glob(os.path.join(folder, "record", "security_audit-*.log"))):
        with open(name) as file:
            parsed += [json.loads(line) for line in file.read().splitlines()]
    return [record for record in parsed if record["event_type"] == kind]


def test_own_key():
    """The operator's key: the old one must stay at hand until all is sealed anew."""
    with tempfile.TemporaryDirectory() as folder:
        one, two = (write(f"{folder}/{name}", os.urandom(32)) for name in ("one", "two"))
        with Framewall(config(folder, f"encryption: {{ key_file: {one} }}\n")) as fw:
            path = fw.process.args[fw.process.args.index("--config") + 1]
            key, needles = fill(fw)
            code, _, wrong = say(fw, "key-store", "rotate")
            ok(code == 3 and "the one that is in use" in wrong, "the same key is no other", wrong)

            def reload(text):
                with open(path, "w") as file:
                    file.write(config(folder, f"encryption: {{ {text} }}\n"))
                before = len(reloads())
                fw.signal(signal.SIGHUP)
                until(lambda: len(reloads()) > before)

            def reloads():
                return [r for r in records(folder, "system_changes") if r["details"]["change"].startswith("reload")]

            fw.says = r"encryption|^ *\^$"
            reload(f"key_file: {two}")
            code, _, wrong = say(fw, "key-store", "rotate")
            ok(code == 3 and "not in encryption.previous" in wrong, "without the old one beside it it is not begun", wrong)
            if fw.part("fw-keeper") != fw.process.pid:
                fw.says += "|started again"
                os.kill(fw.part("fw-keeper"), signal.SIGKILL)
                code, _, wrong = say_when_there(fw, "key-store", "rotate")
                ok(until(lambda: logs_in(fw, key)) and code == 3 and "not in encryption.previous" in wrong, "a keeper that falls meanwhile finds the key of before", wrong)
            reload(f"key_file: {two}, previous: {{ key_file: {one} }}")
            code, _, wrong = say(fw, "key-store", "rotate")
            ok(code == 0 and logs_in(fw, key), "with it everything is sealed anew", wrong)
            stop(fw)
            with open(path, "w") as file:
                file.write(config(folder, f"encryption: {{ key_file: {one} }}\n"))
            code, said = refused(fw)
            ok(code == 3 and "another key" in said, "the old key does not open it", said)
            with open(path, "w") as file:
                file.write(config(folder, f"encryption: {{ key_file: {two} }}\n"))
            ok(start(fw) and logs_in(fw, key), "the new one does")
            equal(found_in(fw.data, needles), [], "nothing is in clear")


def many_in_clear(fw, count):
    """A database of before, with so many users who are disabled that sealing them anew takes a while."""
    path = os.path.join(fw.data, "framewall.db")
    os.unlink(path)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE revocations (user BLOB PRIMARY KEY NOT NULL, before_us INTEGER NOT NULL, disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)), "
                           "reason TEXT NOT NULL) STRICT, WITHOUT ROWID")
        connection.execute("PRAGMA user_version = 1")
        connection.executemany("INSERT INTO revocations VALUES (?, 1, 1, '')", [(f"user{number}".encode(),) for number in range(count)])
    connection.close()


def test_source_changed_meanwhile():
    """The configuration names another source while the key of the data directory is put in place: that key is not removed before it is not needed."""
    with tempfile.TemporaryDirectory() as folder, Framewall(config(folder)) as fw:
        other = write(f"{folder}/other", os.urandom(32))
        stop(fw)
        many_in_clear(fw, 20000)
        ok(start(fw), "the server starts")
        rotation = subprocess.Popen([BINARY, "key-store", "rotate", "--data", fw.data], stdout=subprocess.DEVNULL)
        until(lambda: json.loads(say(fw, "key-store", "show", "--json")[1])["rotating"] or rotation.poll() is not None)
        with open(fw.process.args[fw.process.args.index("--config") + 1], "w") as file:
            file.write(config(folder, f"encryption: {{ key_file: {other} }}\n"))
        fw.says = r"encryption|^ *\^$"
        fw.signal(signal.SIGHUP)
        until(lambda: [r for r in records(folder, "system_changes") if r["details"]["change"].startswith("reload")])
        equal(rotation.wait(PATIENCE), 0, "it comes to its end")
        stop(fw)
        ok(start(fw), "and the server starts with the other source", fw.stderr())
        until(lambda: not json.loads(say(fw, "key-store", "show", "--json")[1])["rotating"])
        stop(fw)
        equal([name for name in os.listdir(f"{fw.data}/keys") if name.startswith("store")], [], "then no other file is left")
        ok(start(fw), "nor needed", fw.stderr())


main(test_canary, test_before, test_sources, test_octets, test_rotation, test_own_key, test_source_changed_meanwhile)
