#!/usr/bin/python3
"""The Debian packages of this build: what is in them, on what they depend, who may read what. `make package-test` installs them."""
from framewall import *

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.dirname(os.path.abspath(BINARY))
work = tempfile.mkdtemp(prefix="framewall-package-")


def call(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more)


def make(folder):
    os.makedirs(os.path.join(work, folder))
    done = call(os.path.join(ROOT, "tools", "deb.sh"), BUILD, os.path.join(work, folder))
    paths = done.stdout.split()
    made = 3 + os.path.exists(os.path.join(BUILD, "framewall-pdf"))
    ok(done.returncode == 0 and len(paths) == made, f"{made} packages are made", done.stdout)
    return {os.path.basename(path).split("_")[0]: path for path in paths}


def contents(path):
    """{file: (mode, owner)}, and {link: target}"""
    files, links = {}, {}
    for line in call("dpkg-deb", "-c", path).stdout.splitlines():
        mode, owner, _, _, _, name = line.split(None, 5)
        if mode.startswith("l"):
            name, target = name.split(" -> ")
            links[name[1:]] = target
        elif mode.startswith("-"):
            files[name[1:]] = (mode, owner)
    return files, links


def test_contents():
    if shutil.which("dpkg-deb") is None or shutil.which("dpkg-shlibdeps") is None:
        skip("packages", "this is not Debian, or dpkg-dev is not installed")
        return
    packages = make("first")
    version = json.loads(call(BINARY, "version", "--json").stdout)["version"]
    libdir = "/usr/lib/" + call("dpkg-architecture", "-qDEB_HOST_MULTIARCH").stdout.strip()
    drawn = ["framewall-report"] if "framewall-report" in packages else []
    equal({name: call("dpkg-deb", "-f", path, "Version").stdout.strip() for name, path in packages.items()},
          dict.fromkeys(["framewall", "libframewall0", "libframewall-dev", *drawn], version), "of the version of the program")
    for name in drawn:
        files, _ = contents(packages[name])
        equal([file for file in files if "/doc/" not in file], ["/usr/libexec/framewall/framewall-pdf"], "framewall-report: what draws reports")
        ok("libpango" in call("dpkg-deb", "-f", packages[name], "Depends").stdout, "it alone depends on what draws text")

    files, _ = contents(packages["framewall"])
    equal({name for name in files if "/doc/" not in name and "/man" not in name},
          {"/etc/framewall/framewall.yaml", "/lib/systemd/system/framewall.service", "/usr/bin/framewall", "/usr/lib/sysusers.d/framewall.conf",
           "/usr/share/bash-completion/completions/framewall", "/usr/share/fish/vendor_completions.d/framewall.fish",
           "/usr/share/zsh/site-functions/_framewall"}, "framewall: program, service, configuration, completions")
    equal(call("dpkg-deb", "-I", packages["framewall"], "conffiles").stdout, "/etc/framewall/framewall.yaml\n", "the configuration is the user's")
    equal({owner for _, owner in files.values()}, {"root/root"}, "all is root's")
    equal([name for name, (mode, _) in files.items() if mode[5] == "w" or mode[8] == "w" or "s" in mode.lower()], [],
          "nothing is others' to write, nothing sets an id")
    depends = call("dpkg-deb", "-f", packages["framewall"], "Depends").stdout
    ok("pango" not in depends and "cairo" not in depends, "it needs nothing that draws text", depends)
    for name in ("libc6", "libssl3", "libuv1", "libfyaml0", "libsqlite3-0", "libzstd1", "libcurl4", "zlib1g"):
        ok(re.search(rf"\b{name} \(>= ", depends) is not None, f"it depends on {name}", depends)

    files, links = contents(packages["libframewall0"])
    equal({name: files[name][0] for name in files if "/doc/" not in name}, {f"{libdir}/libframewall.so.{version}": "-rw-r--r--"},
          "libframewall0: the library")
    equal(links, {f"{libdir}/libframewall.so.0": f"libframewall.so.{version}"}, "by its soname")
    files, links = contents(packages["libframewall-dev"])
    equal(links, {f"{libdir}/libframewall.so": "libframewall.so.0"}, "libframewall-dev: the name for the linker")
    wanted = {f"/usr/include/framewall/{name}" for name in os.listdir(os.path.join(ROOT, "include", "framewall"))}
    wanted |= {f"{libdir}/pkgconfig/framewall.pc"} | ({f"{libdir}/libframewall.a"} if os.path.exists(os.path.join(BUILD, "libframewall.a")) else set())
    equal({name for name in files if "/doc/" not in name}, wanted, "headers, pkg-config, static library")

    folder = os.path.join(work, "unpacked")
    for path in packages.values():
        call("dpkg-deb", "-x", path, folder)
    with open(folder + libdir + "/pkgconfig/framewall.pc") as file:
        ok("prefix=/usr\n" in file.read(), "pkg-config says /usr")
    with open(folder + "/lib/systemd/system/framewall.service") as file:
        ok("\nExecStart=/usr/bin/framewall run --config /etc/framewall/framewall.yaml --data /var/lib/framewall\n" in file.read(),
           "the service runs what is installed")
    for name, path in packages.items():
        call("dpkg-deb", "-e", path, os.path.join(work, "control-" + name))
        for script in ("postinst", "prerm", "postrm"):
            script = os.path.join(work, "control-" + name, script)
            if os.path.exists(script):
                equal(call("sh", "-n", script).stdout, "", f"{name}: {os.path.basename(script)} is a script")
        equal(call("sh", "-c", f"cd '{folder}' && md5sum --quiet -c '{work}/control-{name}/md5sums'").stdout, "", f"{name}: its checksums hold")

    again = make("second")
    equal([name for name in packages if open(packages[name], "rb").read() != open(again[name], "rb").read()], [],
          "made twice they are the same to the octet")


def test_clean():
    shutil.rmtree(work)


main(test_contents, test_clean)
