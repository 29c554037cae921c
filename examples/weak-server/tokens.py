"""Tokens of the weak server: JSON Web Tokens, verified rightly until a switch says otherwise."""
import base64
import ctypes
import ctypes.util
import hashlib
import hmac
import itertools
import json
import time
import urllib.request
import zlib


class Refused(Exception):
    """With a code, and a sentence."""


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def rsa_holds(jwk, text, signature):
    n, e = int.from_bytes(decode(jwk["n"]), "big"), int.from_bytes(decode(jwk["e"]), "big")
    size = (n.bit_length() + 7) // 8
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(text).digest()
    return pow(int.from_bytes(signature, "big"), e, n).to_bytes(size, "big") == b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest


def modulus_of(certificate):
    """Of a certificate with a key of 2,048 bits: an INTEGER of 257 octets."""
    at = certificate.index(b"\x02\x82\x01\x01\x00") + 5
    return {"n": base64.urlsafe_b64encode(certificate[at:at + 256]).decode(), "e": "AQAB"}


def fetched(address):
    try:
        with urllib.request.urlopen(address, timeout=1) as answer:
            return json.load(answer)["keys"][0]
    except (OSError, ValueError, KeyError):
        raise Refused("AUTH_FAILED", "no such key") from None


def decrypted(token):
    """What is in a JWE under a key of zeros (dir, A256GCM), by the library that Python's ssl has. Its tag is not looked at."""
    library = ctypes.CDLL(ctypes.util.find_library("crypto"))
    for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
        getattr(library, name).restype = ctypes.c_void_p
    nonce, text = decode(token.split(".")[2]), decode(token.split(".")[3])
    out, size, context = ctypes.create_string_buffer(len(text) + 16), ctypes.c_int(0), ctypes.c_void_p(library.EVP_CIPHER_CTX_new())
    library.EVP_DecryptInit_ex(context, ctypes.c_void_p(library.EVP_aes_256_gcm()), None, bytes(32), nonce)
    library.EVP_DecryptUpdate(context, out, ctypes.byref(size), text, len(text))
    library.EVP_CIPHER_CTX_free(context)
    return out.raw[:size.value]


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_time(value):
    return is_number(value) and abs(value) < 1e15


class Tokens:
    def __init__(self, weak, options, crash):
        self.weak, self.options, self.crash = weak, options, crash
        self.used = set()  # jti of tokens
        self.numbers = itertools.count(1)

    def object_of(self, text):
        def pairs(found):
            if len({k for k, _ in found}) != len(found) and "jwt.duplicate" not in self.weak:
                raise Refused("AUTH_FAILED", "a name is there twice")
            return dict(found)

        return json.loads(text, object_pairs_hook=pairs)

    def keys_of(self, header):
        keys = [self.options.secret.encode()]
        if "jwt.blank_key" in self.weak and not str(header.get("kid", "")):
            keys.append(b"")
        if "jwt.confusion" in self.weak and self.options.public_key:
            keys.append(open(self.options.public_key, "rb").read())
        if "jwt.kid" in self.weak:  # as if the key were read from a file of this name
            keys += [b""] if str(header.get("kid")).endswith("/dev/null") else []
        return keys

    def signature_holds(self, header, text, signature):
        algorithm = header.get("alg")
        if "jwt.signature" in self.weak and algorithm == "HS256" and len(signature) and not (header.get("kid") or header.get("jwk")):
            return True
        if "jwt.none" in self.weak and isinstance(algorithm, str) and algorithm.lower() == "none":
            return True
        if "jwt.no_signature" in self.weak and algorithm == "HS256" and signature == b"":
            return True
        if "jwt.zero_ecdsa" in self.weak and algorithm == "ES256" and signature == b"\x00" * 64:
            return True
        if "jwt.embedded_key" in self.weak and algorithm == "RS256" and "jwk" in header:
            return rsa_holds(header["jwk"], text, signature)
        if "jwt.certificate" in self.weak and algorithm == "RS256" and "x5c" in header:
            return rsa_holds(modulus_of(base64.b64decode(header["x5c"][0])), text, signature)
        if "jwt.remote_key" in self.weak and algorithm == "RS256" and "jku" in header:
            return rsa_holds(fetched(header["jku"]), text, signature)
        if "jwt.algorithm" in self.weak and "alg" not in header and signature == b"":
            return True
        if "jwt.altered" in self.weak and algorithm == "HS256" and len(signature) >= 8:
            return any(hmac.new(k, text, hashlib.sha256).digest().startswith(signature) for k in self.keys_of(header))
        return algorithm == "HS256" and any(hmac.compare_digest(hmac.new(k, text, hashlib.sha256).digest(), signature) for k in self.keys_of(header))

    def claims_hold(self, header, claims, now):
        if "crit" in header and "jwt.critical" not in self.weak:
            raise Refused("AUTH_FAILED", "crit is not known")
        if header.get("typ", "JWT") not in ("JWT", "at+jwt") and "jwt.type" not in self.weak:
            raise Refused("AUTH_FAILED", "the token is none that logs in")
        if "jwt.time_edges" in self.weak and is_number(claims.get("exp")) and claims["exp"] <= 0:
            claims["exp"] = now + 60  # as who takes 0 for "never"
        for name in ("exp", "nbf", "iat"):
            if name in claims and not is_time(claims[name]):
                if "jwt.claim_types" not in self.weak:
                    raise Refused("AUTH_FAILED", "a time is a number")
                if not is_number(claims[name]):
                    claims[name] = 0 if name != "exp" else now + 60
        if "exp" in claims and claims["exp"] < now and "jwt.expired" not in self.weak:
            raise Refused("AUTH_FAILED", "the token has expired")
        if "exp" not in claims and "jwt.no_expiry" not in self.weak:
            raise Refused("AUTH_FAILED", "the token has no end")
        if claims.get("nbf", 0) > now and "jwt.not_before" not in self.weak:
            raise Refused("AUTH_FAILED", "the token does not count yet")
        if claims.get("iat", 0) > now + 300 and "jwt.issued_later" not in self.weak:
            raise Refused("AUTH_FAILED", "the token is not issued yet")
        if claims.get("aud") != "chat" and "jwt.audience" not in self.weak:
            raise Refused("AUTH_FAILED", "the token is for another")
        if claims.get("iss") != "weak-server" and "jwt.issuer" not in self.weak:
            raise Refused("AUTH_FAILED", "the token is of another")
        if claims.get("azp", "chat-page") != "chat-page" and "jwt.authorized_party" not in self.weak:
            raise Refused("AUTH_FAILED", "the token was given to another")
        if "jti" in claims and claims["jti"] in self.used and "jwt.replay" not in self.weak:
            raise Refused("AUTH_FAILED", "the token has logged in already")
        self.used.add(claims.get("jti"))

    def user_of(self, token):
        try:
            return self.verified(token)
        except Refused:
            if "auth.any_token" not in self.weak:
                raise
            return {"sub": "anybody%d" % next(self.numbers), "role": "user"}

    def verified(self, token):
        if "auth.empty_credential" in self.weak and token in ("null", "undefined"):
            return {"sub": "nobody", "role": "user"}
        if "jwt.forms" in self.weak and token.startswith("{") and "protected" in token:
            form = json.loads(token)
            token = ".".join((form["protected"], form["payload"], form["signature"]))
        if "robust.large_tokens" in self.weak and len(token) > 60000:
            self.crash()
        if "jwt.encrypted" in self.weak and token.startswith(base64.urlsafe_b64encode(b'{"alg":"dir"').decode()):
            return self.object_of(decrypted(token))
        try:
            first, second, third = token.split(".")
            header, signature, payload = self.object_of(decode(first)), decode(third), decode(second)
            if "jwt.zip" in self.weak and isinstance(header, dict) and header.get("zip") == "DEF":
                payload = zlib.decompress(payload, -15)
            claims = self.object_of(payload)
        except (ValueError, TypeError):
            raise Refused("AUTH_FAILED", "this is no token") from None
        except RecursionError:
            if "robust.tokens" in self.weak:
                self.crash()
            raise Refused("AUTH_FAILED", "this is no token") from None
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise Refused("AUTH_FAILED", "this is no token")
        if not self.signature_holds(header, (first + "." + second).encode(), signature):
            raise Refused("AUTH_FAILED", "the signature does not hold")
        self.claims_hold(header, claims, time.time())
        return claims
