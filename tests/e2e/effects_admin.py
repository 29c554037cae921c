"""For test_effects.py: keys of the admin side, whose effect is what an operator's TLS client meets."""
import http.client
import json
import ssl

from effects import CLOSED, Case
from framewall import PATIENCE


def asks(program, authority, pair=None, path="/healthz"):
    """(common name of the server, status, parsed body); None: not let in."""
    context = authority.client(pair)
    connection = http.client.HTTPSConnection("localhost", program.admin_port(), context=context, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        name = dict(connection.sock.getpeercert()["subject"][0])["commonName"]
        answer = connection.getresponse()
        text = answer.read().decode()
        return name, answer.status, json.loads(text) if text.startswith("{") else text
    except (ssl.SSLError, OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def cases_of_admin(authority, other, pairs):
    def see(program, _=None):
        nobody, shown = asks(program, authority), asks(program, authority, pairs["gateway"])
        name = (nobody or shown or (None,))[0]
        return {"admin.tls.certificate": name, "admin.tls.key": name, "admin.tls.client_certificate": nobody is not None, "admin.tls.client_ca": shown is not None}

    def see_role(program, _=None):
        found = asks(program, authority, pairs["gateway"], "/api/v1/whoami")
        return {"admin.tls.roles": found[2].get("role") if found[1] == 200 else found[1]}

    base = {**CLOSED, "admin.listen": "localhost:0"}
    yield Case({"admin.tls.certificate": (pairs["one"].certificate, pairs["two"].certificate, "one", "two"), "admin.tls.key": (pairs["one"].key, pairs["two"].key, "one", "two"),
                "admin.tls.client_certificate": ("request", "require", True, False), "admin.tls.client_ca": (other.certificate, authority.certificate, False, True)},
               see, base, files=["admin.tls.certificate", "admin.tls.key", "admin.tls.client_ca"])
    yield Case({"admin.tls.roles": (["cn:gateway read-only"], ["cn:gateway auditor"], "read-only", "auditor")}, see_role,
               {**base, "admin.tls.certificate": pairs["one"].certificate, "admin.tls.key": pairs["one"].key, "admin.tls.client_ca": authority.certificate,
                "admin.tls.client_certificate": "request"})
