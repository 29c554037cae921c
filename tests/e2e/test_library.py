#!/usr/bin/python3
"""make install puts a library, its headers, pkg-config and all else where they belong; the examples, as the guide prints them, are
compiled against what was installed, and work; what the library exports is a checked list."""
from framewall import *

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.dirname(os.path.abspath(BINARY))
COMPILER = os.environ.get("CC", "cc").split()
place = {}


def call(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more)


def installed(*parts):
    return os.path.join(place["prefix"], *parts)


def test_install():
    place["destination"] = tempfile.mkdtemp(prefix="framewall-install-")
    done = call("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", place["destination"])
    equal(done.returncode, 0, "make install ends well")
    found = [os.path.join(folder, "framewall") for folder, _, files in os.walk(place["destination"])
             if folder.endswith("/bin") and "framewall" in files]
    equal(len(found), 1, "with a program")
    place["prefix"] = os.path.dirname(os.path.dirname(found[0]))
    config = [os.path.join(folder, "framewall.pc") for folder, _, files in os.walk(place["prefix"]) if "framewall.pc" in files]
    equal(len(config), 1, "and a pkg-config file")
    place["libraries"] = os.path.dirname(os.path.dirname(config[0]))
    place["environment"] = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(config[0]), PKG_CONFIG_SYSROOT_DIR=place["destination"],
                                LD_LIBRARY_PATH=place["libraries"], PATH=installed("bin") + ":" + os.environ["PATH"])
    for name in ("audit", "conn", "event", "manager", "policy", "stage", "types"):
        ok(os.path.exists(installed("include", "framewall", name + ".h")), f"header {name}.h")
    for path in ("share/man/man1/framewall.1", "share/bash-completion/completions/framewall", "share/zsh/site-functions/_framewall",
                 "share/fish/vendor_completions.d/framewall.fish", "lib/systemd/system/framewall.service", "lib/sysusers.d/framewall.conf",
                 "share/doc/framewall/LICENSE", "share/doc/framewall/framewall.yaml", "share/doc/framewall/examples/embed.c"):
        ok(os.path.exists(installed(path)), path)
    equal(sorted(name for name in os.listdir(place["libraries"]) if ".so" in name),
          ["libframewall.so", "libframewall.so.0", "libframewall.so." + version()], "the library and its two links")
    dynamic = call("readelf", "-d", os.path.join(place["libraries"], "libframewall.so")).stdout
    ok("Library soname: [libframewall.so.0]" in dynamic, "its soname is libframewall.so.0", dynamic)
    ok("RPATH" not in dynamic and "RUNPATH" not in dynamic, "and no path of a build is in it", dynamic)
    equal(call("framewall", "check", "--config", installed("share/doc/framewall/framewall.yaml"), env=place["environment"]).returncode,
          0, "the example configuration holds")


def version():
    return json.loads(call(BINARY, "version", "--json").stdout)["version"]


def test_symbols():
    """Whoever adds a public function says so in the list; nothing else can be seen."""
    with open(os.path.join(ROOT, "tools", "library-symbols.txt")) as file:
        listed = file.read().split()

    def exported(*command):
        return sorted({line.split()[-1].split("@")[0] for line in call("nm", "--defined-only", *command).stdout.splitlines()
                       if len(line.split()) == 3 and line.split()[1] in "TDBRVW"})
    equal(exported("-D", os.path.join(place["libraries"], "libframewall.so")), listed, "libframewall.so exports tools/library-symbols.txt")
    if os.path.exists(os.path.join(place["libraries"], "libframewall.a")):
        equal(exported("-g", os.path.join(place["libraries"], "libframewall.a")), listed, "and libframewall.a the same")


def test_headers():
    flags = call("pkg-config", "--cflags", "framewall", env=place["environment"]).stdout.split()
    for name in sorted(os.listdir(installed("include", "framewall"))):
        for language, standard in (("c", "c11"), ("c++", "c++17")):
            if language == "c++" and shutil.which("c++") is None:
                skip(f"{name} as C++", "no C++ compiler")
                continue
            done = call("cc" if language == "c" else "c++", "-x", language, "-std=" + standard, "-pedantic", "-Wall", "-Wextra", "-Werror",
                        "-fsyntax-only", *flags, "-", input=f"#include <framewall/{name}>\n")
            equal((done.returncode, done.stdout), (0, ""), f"{name} alone as {standard}")


def printed(name):
    """An example as the guide prints it, and the command that the comment at its head gives."""
    with open(os.path.join(ROOT, "docs", "guide", "library.md")) as file:
        found = re.search(r"<!-- examples/" + re.escape(name) + r" -->\n```c\n(.*?)```\n", file.read(), re.S)
    text = found.group(1) if found else ""
    with open(os.path.join(ROOT, "examples", name)) as file:
        equal(text, file.read(), f"the guide prints examples/{name} as it is")
    return text, re.search(r"^ \* +(cc .*)$", text, re.M).group(1).removesuffix(" */")


def compile_example(name, folder):
    text, command = printed(name)
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)
    done = call("sh", "-c", command.replace("cc ", "cc -Wall -Wextra -Werror ", 1), cwd=folder, env=place["environment"])
    return equal((done.returncode, done.stdout), (0, ""), f"{name} compiles by: {command}")


def start(*command, folder):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, env=place["environment"])
    lines = []
    threading.Thread(target=lambda: lines.extend(line.rstrip("\n") for line in iter(process.stdout.readline, "")), daemon=True).start()
    return process, lines


def sanitized():
    with open(os.path.join(place["libraries"], "libframewall.so"), "rb") as file:
        octets = file.read()
    return b"__asan_init" in octets or b"__tsan_init" in octets


def test_embed():
    folder = tempfile.mkdtemp(prefix="framewall-embed-")
    if compile_example("embed.c", folder) and not sanitized():
        port = free_port()
        process, lines = start("./embed", str(port), folder=folder)
        until(lambda: lines or process.poll() is not None)
        equal(lines[:1], [f"listening on port {port}"], "it says where it listens")
        token = call("framewall", "token", "issue", "--user", "alice", cwd=folder, env=place["environment"]).stdout.split()[-1]

        async def talk():
            async with websockets.connect(f"ws://localhost:{port}/", extra_headers={"Authorization": "Bearer " + token},
                                          compression=None) as ws:
                await ws.send(json.dumps({"type": "chat_message", "text": "hello"}))
                equal(json.loads(await asyncio.wait_for(ws.recv(), PATIENCE)), {"type": "seen", "data": {}}, "it answers by itself")
                await ws.send(json.dumps({"type": "chat_message"}))
                answer = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))
                equal(answer["data"]["code"], "INVALID_MESSAGE", "a message that does not hold is refused before")
                return answer["data"]["event_id"]

        event = asyncio.new_event_loop().run_until_complete(talk())
        process.terminate()
        equal(process.wait(PATIENCE), 0, "it ends when it is told to")
        until(lambda: f"invalid_message {event}" in lines)
        equal(lines[1:], ["alice: chat_message", f"invalid_message {event}"], "its functions saw the message and the event")
        ok(os.path.exists(os.path.join(folder, "framewall-data", "record", "security_audit.log")), "and all is on record")
    shutil.rmtree(folder)


STAGE = """
#include <framewall/stage.h>
#include <string.h>

static enum fw_stage_verdict judge(void *user, const struct fw_stage_message *message, struct fw_stage_word *ret_word)
{
	struct fw_slice text = fw_stage_text(message, "text");

	(void)user;
	if (text.size < 4 || memcmp(text.data, "drop", 4) != 0)
		return FW_STAGE_PASS;
	ret_word->rule = "ACME-1";
	return FW_STAGE_REFUSE;
}

int main("""
REGISTER = """	struct fw_stage_position position = { FW_STAGE_AFTER, "schema", FW_STAGE_IN };

	fw_stage_register(&position, "no-drop", judge, NULL);
	sigemptyset(&signals);
"""


def test_dangerous_content():
    """The third case of docs/guide/troubleshooting.md: content that a rule refuses, read by a real client."""
    folder = tempfile.mkdtemp(prefix="framewall-stage-")
    with open(os.path.join(ROOT, "examples", "embed.c")) as file:
        text = file.read().replace("\nint main(", STAGE).replace("	sigemptyset(&signals);\n", REGISTER)
    with open(os.path.join(folder, "staged.c"), "w") as file:
        file.write(text)
    flags = call("pkg-config", "--cflags", "--libs", "framewall", env=place["environment"]).stdout.strip()
    done = call("sh", "-c", f"cc staged.c -o staged {flags}", cwd=folder, env=place["environment"])
    ok(done.returncode == 0, "a program with a stage of its own compiles", done.stderr)
    if done.returncode == 0 and not sanitized():
        port = free_port()
        process, lines = start("./staged", str(port), folder=folder)
        until(lambda: lines or process.poll() is not None)
        token = call("framewall", "token", "issue", "--user", "alice", cwd=folder, env=place["environment"]).stdout.split()[-1]

        async def talk():
            async with websockets.connect(f"ws://localhost:{port}/", extra_headers={"Authorization": "Bearer " + token}, compression=None) as ws:
                await ws.send(json.dumps({"type": "chat_message", "text": "drop table"}))
                return json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))["data"]

        data = asyncio.new_event_loop().run_until_complete(talk())
        process.terminate()
        process.wait(PATIENCE)
        equal([data["code"], data["message"], data["rule"]], ["INVALID_MESSAGE", "Dangerous content detected", "ACME-1"], "what it refuses is told with its text and rule")
        until(lambda: f"dangerous_content {data['event_id']}" in lines)
        ok(f"dangerous_content {data['event_id']}" in lines, "and recorded by the id that was told", str(lines))
    shutil.rmtree(folder)


def test_plugin():
    folder = tempfile.mkdtemp(prefix="framewall-plugin-")
    with open(os.path.join(ROOT, "examples", "plugin.c")) as file:
        ok(len(file.readlines()) < 100, "plugin.c has less than 100 lines")
    if compile_example("plugin.c", folder) and not sanitized():
        for text, word, verdict in (("hello", "no-secrets pass", "passes"), ("your password?", "no-secrets refuse asks for a password", "is refused"),
                                    ("https://a.example/", "no-secrets flag has a link", "passes")):
            done = call("./plugin", json.dumps({"type": "chat_message", "text": text}), cwd=folder, env=place["environment"])
            ok(word in done.stdout and done.stdout.strip().endswith(verdict), f"{text!r}: {word}", done.stdout)
            equal(done.returncode, 0 if verdict == "passes" else 1, f"{text!r} {verdict}")
    shutil.rmtree(folder)


def test_search():
    """Records of a server that runs, found by a program that was compiled against the library; several threads at once."""
    folder = tempfile.mkdtemp(prefix="framewall-search-")
    if compile_example("search.c", folder) and not sanitized():
        with Framewall(RELAXED) as server:
            record = os.path.join(server.data, "record")
            for _ in range(60):
                RawClient(server.port, {"Authorization": "Bearer x"}).close()
            RawClient(server.port, server.bearer("alice")).close()
            server.wait_records("auth_failure", 60)
            server.wait_records("websocket_disconnect", 1)
            done = call("./search", record, cwd=folder, env=place["environment"])
            sought = [(record["sequence"], record["event_id"]) for record in reversed(server.records("auth_failure"))]
            found = [(int(line.split(" ", 1)[0]), json.loads(line.split(" ", 1)[1])["event_id"]) for line in done.stdout.splitlines()
                     if '"admin login"' not in line]
            equal((done.returncode, found), (0, sought), "page by page all records of an event are found, newest first")
            done = call("./search", record, "alice", "auth_success", cwd=folder, env=place["environment"])
            equal([json.loads(line.split(" ", 1)[1])["user_id"] for line in done.stdout.splitlines()], ["alice"], "and one of a user")
            done = call("./search", record, "alice", "no_such", cwd=folder, env=place["environment"])
            ok(done.returncode == 1 and "event_type is an event" in done.stdout, "an event that there is not is an error that says so", done.stdout)
            done = call("./search", record + "/nothing", cwd=folder, env=place["environment"])
            ok(done.returncode == 1 and "No such file" in done.stdout, "and a folder without a record", done.stdout)
    shutil.rmtree(folder)


def test_report():
    """A report by a program that was compiled against the library: its figures are those of the record."""
    folder = tempfile.mkdtemp(prefix="framewall-report-")
    if compile_example("report.c", folder) and not sanitized():
        with Framewall(RELAXED) as server:
            RawClient(server.port, server.bearer("alice")).close()
            server.wait_records("websocket_disconnect", 1)
            records = [r for r in server.records()]
            done = call("./report", server.data, "json", cwd=folder, env=place["environment"])
            got = json.loads(done.stdout)
            equal((done.returncode, got["total_compliance_events"], list(got["user_activity"]), got["completeness"]["holds"]), (0, len(records), ["alice"], True),
                  "a report by the library")
            ok(["Operator", "the nightly job"] in got["tables"][0]["rows"], "which says who asked")
            for words, said in (((server.data, "xml"), "format is json, csv or html"), ((server.data + "/nothing", "csv"), "No such file")):
                done = call("./report", *words, cwd=folder, env=place["environment"])
                ok(done.returncode == 1 and said in done.stdout, f"an error says: {said}", done.stdout)
    shutil.rmtree(folder)


def test_engine():
    folder = tempfile.mkdtemp(prefix="framewall-engine-")
    if compile_example("engine.c", folder) and not sanitized():
        port = free_port()
        process, lines = start("./engine", str(port), folder=folder)

        def listening():
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return True
            except OSError:
                return process.poll() is not None

        until(listening)

        async def talk():
            for _ in range(2):
                async with websockets.connect(f"ws://127.0.0.1:{port}/", compression=None) as ws:
                    for n in range(5):
                        message = json.dumps({"type": "chat_message", "text": f"hello {n}"})
                        await ws.send(message)
                        equal(await asyncio.wait_for(ws.recv(), PATIENCE), message, f"message {n} comes back")
                    await ws.send("no JSON")
                    answer = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))
                    equal(answer["data"]["code"], "INVALID_JSON", "what is no message is refused")

        asyncio.new_event_loop().run_until_complete(talk())
        process.terminate()
        process.wait(PATIENCE)
    shutil.rmtree(folder)


def test_static():
    """The archive alone, with names in the program around that the library has inside, too."""
    archive = os.path.join(place["libraries"], "libframewall.a")
    if not os.path.exists(archive) or sanitized():
        skip("libframewall.a", "it is not built, or with a sanitizer")
        return
    folder = tempfile.mkdtemp(prefix="framewall-static-")
    with open(os.path.join(folder, "own.c"), "w") as file:
        file.write("int arena_alloc(void) { return 1; }\nint json_parse(void) { return 2; }\nint store_new(void) { return 3; }\n")
    flags = call("pkg-config", "--cflags", "--libs", "--static", "framewall", env=place["environment"]).stdout.replace("-lframewall", archive)
    done = call("sh", "-c", f"cc {ROOT}/examples/plugin.c own.c -o plugin {flags}", cwd=folder, env=place["environment"])
    equal((done.returncode, done.stdout), (0, ""), "the archive links beside a program's own arena_alloc, json_parse, store_new")
    done = call("./plugin", '{"type":"chat_message","text":"hi"}', cwd=folder)
    ok("passes" in done.stdout, "and works", done.stdout)
    shutil.rmtree(folder)


def test_completion():
    """What bash offers is what the program takes."""
    script = installed("share/bash-completion/completions/framewall")

    def complete(*words):
        code = (f'source "{script}"; COMP_WORDS=({" ".join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}; _framewall; '
                'printf "%s\\n" "${COMPREPLY[@]}"')
        return call("bash", "-c", code).stdout.split()

    equal(complete("framewall", "ru"), ["run"], "a verb")
    equal(complete("framewall", "run", "--li"), ["--listen"], "an option")
    equal(complete("framewall", "run", "--mode", ""), ["enforce", "monitor"], "the words that it may be")
    equal(complete("framewall", "token", ""), ["issue", "verify"], "what the verb is about")
    verbs = [verb for verb in complete("framewall", "") if not verb.startswith("-")]
    for verb in verbs:
        helped = call(BINARY, verb, "--help").stdout
        words = ("framewall", verb, "x", "--") if complete("framewall", verb, "")[:1] != [] and not complete("framewall", verb, "")[0].startswith("-") \
            else ("framewall", verb, "--")
        offered = complete(*words)
        takes = re.findall(r"^  (--[a-z-]+)", helped, re.M)
        equal(sorted(offered), sorted(set(takes)), f"options of {verb}: what is completed, and what --help lists")


def test_guide():
    """What docs/guide/install.md says of an installation, followed."""
    with open(os.path.join(ROOT, "docs", "guide", "install.md")) as file:
        tested = file.read().split("<!-- followed by a test from here on -->")[1].split("<!-- to here -->")[0]
    folder = tempfile.mkdtemp(prefix="framewall-guide-")
    # As it would be if this were no scratch folder: pkg-config finds what is installed where it says.
    with open(os.path.join(place["environment"]["PKG_CONFIG_PATH"], "framewall.pc")) as file:
        text = re.sub(r"^prefix=.*", "prefix=" + place["prefix"], file.read(), flags=re.M)
    with open(os.path.join(folder, "framewall.pc"), "w") as file:
        file.write(text)
    environment = dict(place["environment"], PKG_CONFIG_PATH=folder, PKG_CONFIG_SYSROOT_DIR="")
    blocks = re.findall(r"```sh\n(.*?)```", tested, re.S)
    done = [call("sh", "-eu", "-c", block, cwd=folder, env=environment) for block in blocks]
    equal([one.returncode for one in done], [0, 0, 0], "every block of docs/guide/install.md runs")
    ok(": ok: " in done[0].stdout, "the configuration that init writes holds", done[0].stdout)
    equal(done[1].stdout.split()[0], version(), "pkg-config knows the version")
    ok(f"-I{place['prefix']}/include" in done[1].stdout and "-lframewall" in done[1].stdout, "and the flags", done[1].stdout)
    ok("_framewall framewall" in done[2].stdout, "the shell completes", done[2].stdout)
    shutil.rmtree(folder)


def test_container():
    """No engine runs here: what the file names is there, and what it runs the program has."""
    with open(os.path.join(ROOT, "packaging", "Containerfile")) as file:
        text = re.sub(r"\\\n\s*", "", "".join(line for line in file if not line.startswith("#")))
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    equal({word for word, _ in lines} - {"FROM", "COPY", "WORKDIR", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK",
                                         "ENTRYPOINT", "CMD"}, set(), "Containerfile: instructions that there are")
    equal([rest for word, rest in lines if word == "FROM"], ["debian:12-slim AS build", "debian:12-slim"], "in two stages")
    used = re.findall(r"tools/[a-z-]+\.sh", text)
    ok(used and all(os.access(os.path.join(ROOT, path), os.X_OK) for path in used), f"{used} are there")
    words = json.loads(next(rest for word, rest in lines if word == "CMD"))
    helped = call(BINARY, words[0], "--help").stdout
    equal([word for word in words if word.startswith("--") and word not in helped], [], "options that the program has")
    variable = next(rest for word, rest in lines if word == "ENV")
    done = call(BINARY, "check", "--print", "--config", installed("share/doc/framewall/framewall.yaml"),
                env=dict(os.environ, **dict([variable.split("=", 1)])))
    ok("FRAMEWALL_LISTEN" in done.stdout and "warning: FRAMEWALL" not in done.stdout, "a variable that counts", done.stdout[:500])


def test_clean():
    shutil.rmtree(place["destination"])


main(test_install, test_symbols, test_headers, test_embed, test_dangerous_content, test_plugin, test_search, test_report, test_engine, test_static, test_completion, test_guide, test_container, test_clean)
