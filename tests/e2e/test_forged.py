#!/usr/bin/python3
"""Forged and malformed tokens against the running program: each is refused with one text, the record alone has the cause, once, and no
connection goes out because a token asks for it. After RFC 8725 and the known attacks on JWT libraries."""
import os

from framewall import *

try:
    from signers import *
except ImportError:
    print("1..0 # SKIP python3-cryptography is not installed")
    sys.exit(0)

SECRET = b"0123456789abcdef0123456789abcdef"
CONFIG = RELAXED + f"""
authentication:
  max_token_size: 16384
  jwt:
    issuer: here
    audience: chat
    keys:
      - {{ kid: secret, secret: "{SECRET.decode()}" }}
      - {{ kid: ES256, algorithm: ES256, public_key: "${{file:ES256.pem}}" }}
      - {{ kid: RS256, algorithm: RS256, public_key: "${{file:RS256.pem}}" }}
      - {{ kid: EdDSA, algorithm: EdDSA, public_key: "${{file:EdDSA.pem}}" }}
"""
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # order of P-256
TEXT = "Invalid or expired JWT token"


def good(**more):
    return claims_of(**{"iss": "here", "aud": "chat", "role": "user", **more})


def mac(header, claims=None, secret=SECRET):
    return token(header, good() if claims is None else claims, with_secret(secret))


def own(**more):
    return {"alg": "HS256", "kid": "secret", **more}


def without(name, **more):
    return {k: v for k, v in good(**more).items() if k != name}


def fixed(header, signature):
    return token(header, good(), lambda octets: signature)


def pairs():
    return {name: Key(name, name) for name in ("ES256", "RS256", "EdDSA")}


def forged(keys, listener):
    """(what, token, causes that may stand in the record)"""
    es, rs = keys["ES256"], keys["RS256"]
    whole = mac(own())
    head, body, sign = whole.split(".")
    for name in ("none", "None", "NONE", "nOnE"):
        header = base64url(json.dumps({"alg": name, "kid": "secret"}).encode())
        yield f"alg {name}", f"{header}.{body}.", "form"
        yield f"alg {name}, no dot behind", f"{header}.{body}", "form"
        yield f"alg {name}, signed all the same", mac({"alg": name, "kid": "secret"}), "alg"
    yield "no alg", mac({"kid": "secret"}), "alg"
    for value in (1, ["HS256"], None, {}, True, "HS256 ", "hs256", "HS255", ""):
        yield f"alg {value!r}", mac(own(alg=value)), "alg"
    for name in ("RS256", "ES256", "EdDSA"):
        pem, der = keys[name].pem(), keys[name].pem(encoding=serialization.Encoding.DER)
        for what, octets in (("PEM", pem), ("PEM without its line end", pem.rstrip()), ("DER", der), ("JWK", json.dumps(keys[name].jwk()).encode()),
                             ("PEM and two line ends", pem + b"\n")):
            yield f"the public key of {name} as a secret: {what}", mac({"alg": "HS256", "kid": name}, secret=octets), "alg"
    for other in ("RS384", "PS256", "ES256", "HS512"):
        yield f"RS256 called {other}", rs.token(good(), alg=other), "alg"
    yield "no signature", f"{head}.{body}.", "form"
    yield "the signature of another token", mac(own(), good(sub="bob")).rsplit(".", 1)[0] + "." + sign, "signature"
    yield "half a signature", fixed(own(), with_secret(SECRET)(f"{head}.{body}".encode())[:16]), "signature"
    yield "a signature and more", fixed(own(), with_secret(SECRET)(f"{head}.{body}".encode()) + b"\0"), "signature"
    yield "an empty secret", mac(own(), secret=b""), "signature"
    yield "another secret", mac(own(), secret=b"secret"), "signature"
    half = N.to_bytes(32, "big")
    for what, octets in (("r = s = 0", bytes(64)), ("r = 0", bytes(32) + b"\1" * 32), ("s = 0", b"\1" * 32 + bytes(32)), ("r = n", half + b"\1" * 32),
                         ("s = n", b"\1" * 32 + half), ("r and s = n", half + half), ("all ones", b"\xff" * 64), ("nothing", b""), ("63 octets", b"\1" * 63)):
        yield f"ECDSA {what}", fixed(es.header(), octets), "signature" if octets else "form"
    yield "ECDSA as DER", token(es.header(), good(), lambda octets: es.private.sign(octets, ec.ECDSA(hashes.SHA256()))), "signature"
    yield "an Ed25519 signature with a larger s", token(keys["EdDSA"].header(), good(), lambda octets: larger(keys["EdDSA"].sign(octets))), "signature"
    for kid in ("../../dev/null", "'; select 1 --", "|id", "secret\0", "Secret", "", "secret ", "x" * 4096, "http://127.0.0.1/"):
        yield f"kid {kid[:20]!r}", mac(own(kid=kid)), "kid"
    for kid in (1, None, ["secret"], {"secret": 1}, True):
        yield f"kid {kid!r}", mac(own(kid=kid)), "kid"
    yield "no kid, and several keys", mac({"alg": "HS256"}), "kid"
    attacker = Key("RS256", "RS256")
    url = f"http://127.0.0.1:{listener}/keys"
    yield "its own key in it", attacker.token(good(), jwk=attacker.jwk()), "jwk"
    yield "a certificate in it", attacker.token(good(), x5c=[base64.b64encode(attacker.pem(encoding=serialization.Encoding.DER)).decode()]), "x5c"
    yield "a place of keys", attacker.token(good(), jku=url), "jku"
    yield "a place of certificates", attacker.token(good(), x5u=url), "x5u"
    yield "a place of keys, well signed", mac(own(jku=url)), "jku"
    yield "a kid that is an address", mac(own(kid=url)), "kid"
    for crit in (["exp"], [], ["x", "x"], ["alg"], ["b64"], "b64", None, 1):
        yield f"crit {crit!r}", mac(own(crit=crit)), "crit"
    yield "b64 false", mac(own(b64=False)), "b64"
    yield "b64 false and crit", mac(own(b64=False, crit=["b64"])), ("b64", "crit")
    yield "compressed", mac(own(zip="DEF")), "zip"
    yield "a token in a token", mac(own(cty="JWT"), whole.encode()), "cty"
    yield "a token in a token, unsaid", mac(own(), whole.encode()), "claims"
    yield "an encrypted one", ".".join([base64url(b'{"alg":"dir","enc":"A128GCM"}'), "", body, sign, sign]), "form"
    yield "JSON serialisation", json.dumps({"payload": body, "protected": head, "signature": sign}), "form"
    for what, text in (("alg twice", '{"alg":"HS256","alg":"none","kid":"secret"}'), ("alg twice, one escaped", '{"alg":"HS256","al\\u0067":"none","kid":"secret"}'),
                       ("kid twice", '{"alg":"HS256","kid":"secret","kid":"RS256"}'), ("no object", '["HS256"]'), ("no JSON", "HS256"),
                       ("more behind it", '{"alg":"HS256","kid":"secret"} {}'), ("a byte order mark", '\ufeff{"alg":"HS256","kid":"secret"}')):
        yield f"header: {what}", mac(text.encode()), "duplicate member" if "twice" in what else "header"
    yield "header: invalid UTF-8", mac(b'{"alg":"HS256","kid":"secret","x":"\xff"}'), "header"
    yield "header: overlong UTF-8", mac(b'{"alg":"HS256","kid":"secret","x":"\xc0\xaf"}'), "header"
    yield "header: alg in escapes", mac(b'{"alg":"\\u0048S256","kid":"secret"}'), "alg"
    plain = json.dumps(good())[1:-1]
    for what, text in (("sub twice", "{" + plain + ',"sub":"admin"}'), ("role twice, one escaped", "{" + plain + ',"rol\\u0065":"admin"}'), ("none", ""),
                       ("a list", "[]"), ("deep", '{"a":' * 100 + "1" + "}" * 100)):
        yield f"claims: {what}", mac(own(), text.encode()), "duplicate member" if "twice" in what else "form" if text == "" else "claims"
    for value in ("1e400", "-1", "1.5", "9223372036854775808", "18446744073709551616", '"2000000000"', "null", "[]", "true", "1e9", "0"):
        yield f"exp {value}", mac(own(), json.dumps(without("exp"))[:-1].encode() + b', "exp": ' + value.encode() + b"}"), ("exp", "expired", "claims")
    now = int(time.time())
    yield "no exp", mac(own(), without("exp")), "exp"
    yield "expired", mac(own(), good(exp=now - 1)), "expired"
    yield "for longer than allowed", mac(own(), good(exp=now + 10 ** 8)), "lifetime"
    yield "nbf to come", mac(own(), good(nbf=now + 300)), "nbf"
    yield "nbf no number", mac(own(), good(nbf="0")), "nbf"
    yield "iat to come", mac(own(), good(iat=now + 300, exp=now + 600)), "iat"
    for claim, right in (("iss", "here"), ("aud", "chat")):
        yield f"no {claim}", mac(own(), without(claim)), claim
        for value in (right.upper(), right[:-1], right + "/", " " + right, right + "\0", 5, None, {right: 1}, right.replace("e", "\u0435").replace("a", "\u0430")):
            yield f"{claim} {value!r}", mac(own(), good(**{claim: value})), claim
    yield "iss a list", mac(own(), good(iss=["here"])), "iss"
    yield "aud a list with a number", mac(own(), good(aud=["chat", 1])), "aud"
    yield "of another gateway", mac(own(), good(iss="there", aud="trading")), "iss"
    for typ in ("at+JWE", "logout+jwt", "dpop+jwt", "secevent+jwt", "", 5, None, ["JWT"]):
        yield f"typ {typ!r}", mac(own(typ=typ)), "typ"
    for sub in ("", "a\nb", "a\x7fb", "a\u0085b", "x" * 300, 5, None, ["alice"]):
        yield f"sub {str(sub)[:9]!r}", mac(own(), good(sub=sub)), "sub"
    yield "no sub", mac(own(), without("sub")), "sub"
    yield "two parts", f"{head}.{body}", "form"
    yield "five parts", f"{whole}.a.b", "form"
    yield "a part behind it", whole + ".", "form"
    yield "dots", "." * 8000, "form"
    yield "spaces around", f" {whole}", "base64url"
    yield "padding", whole + "=", ("signature", "form")
    yield "base64 in place of base64url", head + "." + base64.b64encode(json.dumps(good(x="???>>>~~~")).encode()).decode() + "." + sign, ("signature", "form", "claims")
    yield "a character in between", head[:4] + "!" + head[4:] + "." + body + "." + sign, "base64url"
    yield "another last character of the same octets", head + "." + body + "." + twin(sign), "signature"
    yield "too large", mac(own(), good(x="x" * 16384)), "too large"


def larger(signature):
    """The same point, s + L: a second signature for who does not compare (RFC 8032 5.1.7)."""
    order = 2 ** 252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    return signature[:32] + s.to_bytes(32, "little") if s < 2 ** 256 else signature[:31] + b"\0" + signature[32:]


def twin(text):
    """32 octets are 43 characters, of whose last two bits nothing is left: other bits there are another spelling of the same."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


def start(folder, keys):
    for name, key in keys.items():
        with open(os.path.join(folder, name + ".pem"), "wb") as file:
            os.fchmod(file.fileno(), 0o640)
            file.write(key.pem())
    with open(os.path.join(folder, "framewall.yaml"), "w") as file:
        os.fchmod(file.fileno(), 0o640)
        file.write(CONFIG)
    return Framewall(None, "--config", os.path.join(folder, "framewall.yaml"))


def in_message(fw, text):
    client = RawClient(fw.port, {})
    client.send(json.dumps({"type": "auth", "method": "jwt", "token": text}))
    answer = json.loads(client.receive()[1])
    client.close()
    return answer


def listen():
    """A port that nobody has a reason to come to."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    listener.setblocking(False)
    return listener


def nobody_came(listener):
    try:
        listener.accept()
        return False
    except BlockingIOError:
        return True


def test_forged():
    keys, listener = pairs(), listen()
    with tempfile.TemporaryDirectory() as folder, start(folder, keys) as fw:
        for name, text in [("secret", mac(own()))] + [(name, key.token(good())) for name, key in keys.items()]:
            equal(in_message(fw, text)["type"], "auth_success", f"a token that holds: {name}")
        cases = list(forged(keys, listener.getsockname()[1]))
        answers = [in_message(fw, text) for _, text, _ in cases]
        records = fw.wait_records("auth_failure", len(cases))
        by_id = {record["event_id"]: record for record in records}
        for (what, _, causes), answer in zip(cases, answers):
            data = answer.get("data", {})
            record = by_id.get(data.get("event_id"), {}).get("details", {})
            if causes == "too large":  # the message has it in it, and is so itself
                equal(data.get("code"), "MESSAGE_TOO_LARGE", f"refused: {what}")
                continue
            if not equal((data.get("code"), data.get("message")), ("AUTH_FAILED", TEXT), f"refused: {what}"):
                continue
            ok(record.get("cause") in ([causes] if isinstance(causes, str) else causes), f"and recorded as {causes}", record)
        told = sorted(answer["data"]["event_id"] for answer in answers)
        found = sorted(record["event_id"] for record in fw.records() if record["event_id"] in told)
        equal((len(set(told)), found), (len(cases), told), "one record each")
        ok(nobody_came(listener), "no connection went out")
        record = json.dumps(fw.records())
        ok(all(text[:64] not in record for _, text, _ in cases if len(text) > 64), "and no token is in the record")
    listener.close()


def test_in_the_handshake():
    keys, listener = pairs(), listen()
    with tempfile.TemporaryDirectory() as folder, start(folder, keys) as fw:
        equal(RawClient(fw.port, {"Authorization": "Bearer " + mac(own())}).status, 101, "a token that holds")
        bad = []
        cases = [(what, text) for what, text, _ in forged(keys, listener.getsockname()[1]) if len(text) < 7000 and "\0" not in text and text.strip() == text]
        for what, text in cases:
            client = RawClient(fw.port, {"Authorization": "Bearer " + text})
            if client.status != 401 or b"WWW-Authenticate" not in client.head:
                bad.append((what, client.head[:60]))
            client.close()
        equal(bad, [], f"{len(cases)} tokens are 401 in the handshake")
        equal(len(fw.wait_records("auth_failure", len(cases))), len(cases), "one record each")
        ok(nobody_came(listener), "no connection went out")
    listener.close()


main(test_forged, test_in_the_handshake)
