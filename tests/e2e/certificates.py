"""Authorities and certificates, made by openssl when a test starts; contexts of Python's ssl that trust them."""
import os
import shutil
import ssl
import subprocess
import tempfile

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*arguments, text=None):
    done = subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr}")
    return done.stdout


class Pair:
    """A certificate and its key, PEM files."""

    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key

    def options(self):
        return ["--tls-cert", self.certificate, "--tls-key", self.key]

    def server(self, authority=None):
        """A context of a Python server that shows it; authority: whose clients are demanded."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if authority is not None:
            context.load_verify_locations(authority.certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class Authority(Pair):
    """Signs certificates into a folder of its own, which is gone with it."""

    def __init__(self, name="Test authority"):
        self.folder = tempfile.mkdtemp(prefix="framewall-ca-")
        super().__init__(self.file("ca.pem"), self.file("ca.key"))
        openssl("req", "-x509", *KEY, "-keyout", self.key, "-out", self.certificate, "-days", "10", "-subj", f"/CN={name}",
                "-addext", "keyUsage=critical,keyCertSign")

    def file(self, name):
        return os.path.join(self.folder, name)

    def sign(self, name, names="DNS:localhost,IP:127.0.0.1,IP:::1", days=10):
        """A certificate for these names; days below zero: one that has expired."""
        made = Pair(self.file(f"{name}.pem"), self.file(f"{name}.key"))
        openssl("req", "-new", *KEY, "-keyout", made.key, "-out", self.file("request"), "-subj", f"/CN={name}")
        with open(self.file("extensions"), "w") as file:
            file.write(f"subjectAltName={names}\n")
        openssl("x509", "-req", "-in", self.file("request"), "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", str(days), "-extfile", self.file("extensions"), "-out", made.certificate)
        os.chmod(made.key, 0o600)
        return made

    def client(self, pair=None, **settings):
        """A context of a Python client that trusts this authority; pair: what it shows if it is asked."""
        context = ssl.create_default_context(cafile=self.certificate)
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        for name, value in settings.items():
            setattr(context, name, value)
        return context

    def wrap(self, name="localhost", pair=None, **settings):
        """For RawClient: its socket through TLS. A FIN without a last word is an error, as it is for a careful client."""
        context = self.client(pair, **settings)
        return lambda raw: context.wrap_socket(raw, server_hostname=name, suppress_ragged_eofs=False)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        shutil.rmtree(self.folder, ignore_errors=True)
