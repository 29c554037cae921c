"""A TAXII 2.1 server of the tests' own (OASIS, TAXII Version 2.1): one API root, one collection, pages by `next` or by the time of the last object."""
import base64
import datetime
import json
import urllib.parse

TYPE = "application/taxii+json;version=2.1"
COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"


def stamp(seconds):
    """RFC 3339, so many seconds from now."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def indicator(number, pattern, **more):
    return {"type": "indicator", "spec_version": "2.1", "id": f"indicator--00000000-0000-4000-8000-{number:012d}", "created": "2026-01-01T00:00:00.000Z",
            "modified": "2026-01-01T00:00:00.000Z", "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z", "pattern": pattern, **more}


class Taxii(dict):
    """For Server of providers.py: what it answers, by whatever path it is asked. objects: (when it was added, the object)."""

    def __init__(self, user="reader", password="secret", page=2, tokens=True):
        super().__init__()
        self.objects, self.page, self.tokens, self.broken = [], page, tokens, None
        self.authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def add(self, *objects):
        for one in objects:
            self.objects.append((f"2026-02-01T00:00:{len(self.objects):02d}.000000Z", one))

    def __bool__(self):
        return True

    def get(self, path, *default):
        return self.answer

    def answer(self, path, headers, body):
        where, _, query = path.partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        if self.broken is not None:
            return self.broken
        if headers.get("Authorization") != self.authorization:
            return 401, {"Content-Type": TYPE}, b'{"title":"who are you?"}'
        if where != f"/api/collections/{COLLECTION}/objects/":
            return 404, {"Content-Type": TYPE}, b'{"title":"no such collection"}'
        if headers.get("Accept") != TYPE:
            return 406, {"Content-Type": TYPE}, b'{"title":"another type, please"}'
        found = [one for one in self.objects if one[0] > asked.get("added_after", "")]
        start = int(asked.get("next", 0)) if self.tokens else 0
        page = found[start:start + self.page]
        envelope = {"objects": [one for _, one in page]} if page else {}
        if start + self.page < len(found):
            envelope["more"] = True
            if self.tokens:
                envelope["next"] = str(start + self.page)
        times = {"X-TAXII-Date-Added-First": page[0][0], "X-TAXII-Date-Added-Last": page[-1][0]} if page else {}
        return 200, {"Content-Type": TYPE, **times}, json.dumps(envelope).encode()
