"""Keys of every algorithm and tokens signed with them, by python3-cryptography alone: nothing of Framewall signs here, and no library
of tokens stands in the way of what is malformed."""
import hashlib
import hmac
import json
import os
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from framewall import base64url

HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES = {"ES256": (ec.SECP256R1, "P-256", 32), "ES384": (ec.SECP384R1, "P-384", 48), "ES512": (ec.SECP521R1, "P-521", 66)}
PUBLIC = [f + size for f in ("RS", "PS", "ES") for size in HASHES] + ["EdDSA"]


def number(value, size=None):
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


class Key:
    def __init__(self, algorithm, kid=None, bits=2048):
        self.algorithm, self.kid = algorithm, kid
        if algorithm in CURVES:
            self.private = ec.generate_private_key(CURVES[algorithm][0]())
        elif algorithm == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa.generate_private_key(65537, bits)
        self.public = self.private.public_key()

    def pem(self, form=serialization.PublicFormat.SubjectPublicKeyInfo, encoding=serialization.Encoding.PEM):
        return self.public.public_bytes(encoding, form)

    def jwk(self, **more):
        if self.algorithm in CURVES:
            _, curve, size = CURVES[self.algorithm]
            numbers = self.public.public_numbers()
            members = {"kty": "EC", "crv": curve, "x": number(numbers.x, size), "y": number(numbers.y, size)}
        elif self.algorithm == "EdDSA":
            raw = self.pem(serialization.PublicFormat.Raw, serialization.Encoding.Raw)
            members = {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}
        else:
            numbers = self.public.public_numbers()
            members = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        return {**members, "alg": self.algorithm, "use": "sig", **({"kid": self.kid} if self.kid else {}), **more}

    def sign(self, octets, algorithm=None):
        algorithm = algorithm or self.algorithm
        if algorithm == "EdDSA":
            return self.private.sign(octets)
        digest = HASHES[algorithm[2:]]()
        if algorithm in CURVES:
            r, s = utils.decode_dss_signature(self.private.sign(octets, ec.ECDSA(digest)))
            return r.to_bytes(CURVES[algorithm][2], "big") + s.to_bytes(CURVES[algorithm][2], "big")
        if algorithm.startswith("PS"):
            return self.private.sign(octets, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        return self.private.sign(octets, padding.PKCS1v15(), digest)

    def header(self, **more):
        return {"alg": self.algorithm, "typ": "JWT", **({"kid": self.kid} if self.kid else {}), **more}

    def token(self, claims, **more):
        return token(self.header(**more), claims, self.sign)


def octets_of(part):
    return part if isinstance(part, bytes) else json.dumps(part).encode()


def token(header, claims, sign):
    """header and claims: dicts, or octets as they are. sign(octets) gives the signature."""
    text = base64url(octets_of(header)) + "." + base64url(octets_of(claims))
    return text + "." + base64url(sign(text.encode()))


def with_secret(secret, size="256"):
    return lambda octets: hmac.new(secret, octets, {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}[size]).digest()


def claims_of(user="alice", life=600, **more):
    now = int(time.time())
    return {"sub": user, "iat": now, "exp": now + life, **more}


# Proofs of possession (RFC 9449) --------------------------------------------------------------------------------------
def sha256(octets):
    return base64url(hashlib.sha256(octets).digest())


def public_jwk(key):
    """What a proof has in its header: nothing but the key."""
    return {name: value for name, value in key.jwk().items() if name in ("kty", "crv", "x", "y", "n", "e")}


def thumbprint(key):
    """RFC 7638 3."""
    return sha256(json.dumps(public_jwk(key), sort_keys=True, separators=(",", ":")).encode())


def proof(key, url, access=None, header=None, **claims):
    """header, claims: more of them, or others; None takes one out."""
    body = {"jti": base64url(os.urandom(12)), "htm": "GET", "htu": url, "iat": int(time.time()), "ath": sha256(access.encode()) if access else None, **claims}
    head = {"typ": "dpop+jwt", "alg": key.algorithm, "jwk": public_jwk(key), **(header or {})}
    return token({k: v for k, v in head.items() if v is not None}, {k: v for k, v in body.items() if v is not None}, key.sign)
