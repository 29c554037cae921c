#!/usr/bin/python3
"""Seeds of fuzz_certificate: a certificate with every kind of name that is read, one as odd as openssl makes it; and of fuzz_dpop: claims."""
import os
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = {"names": ("/O=Example/OU=ops/CN=ann", "URI:spiffe://example.org/ns/a/sa/b,DNS:a.example.org,email:ann@example.org,IP:10.0.0.1"), "odd": ("/CN=a/CN=b", "DNS:*.x,otherName:1.2.3.4;UTF8:x")}
CLAIMS = {"proof": b'\x01{"jti":"a","htm":"GET","htu":"wss://chat.example/chat","iat":1700000000}',
          "bound": b'\x01{"jti":"a","htm":"GET","htu":"https://chat.example:443/chat","iat":1700000030,"ath":"' + b"A" * 43 + b'","nonce":"n"}',
          "cnf": b'\x02{"cnf":{"jkt":"' + b"A" * 43 + b'","x5t#S256":"' + b"A" * 43 + b'"}}'}

for name, (subject, names) in CASES.items():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", os.path.join(folder, "key"), "-outform", "DER",
                        "-out", os.path.join(HERE, "fuzz_certificate", name), "-days", "3650", "-subj", subject, "-addext", f"subjectAltName={names}"], check=True, capture_output=True)
for name, octets in CLAIMS.items():
    with open(os.path.join(HERE, "fuzz_dpop", name), "wb") as file:
        file.write(octets)
