"""docs/reference/openapi.json: the admin side as an OpenAPI 3.1 document, from src/tables/admin_routes.def and admin_answers.def. The program serves the same file."""
import json
import re

from reference_tables import rows_of, table

METHODS = {"GET": "get", "POST": "post", "PUT": "put", "DELETE": "delete"}


def roles():
    return [(name, text) for name, text, _ in rows_of("admin_roles", "ADMIN_ROLE")]


def of_type(kind):
    return {"type": "array", "items": {"type": "string"}} if kind == "array" else {"type": kind}


def details():
    """Parameters and members of bodies, by function."""
    query, body = {}, {}
    for macro, row in table("admin_routes"):
        if macro == "ROUTE_QUERY":
            query.setdefault(row[0], []).append({"name": row[1], "in": "query", "description": row[3], "schema": of_type(row[2])})
        elif macro == "ROUTE_BODY":
            body.setdefault(row[0], []).append((row[1], row[2] == "REQUIRED", of_type(row[3]) | {"description": row[4]}))
    return query, body


def schema_of(text):
    """(JSON Schema, required) of a type of admin_answers.def."""
    kind, optional, nullable = text.replace("?", "").removesuffix("|null"), "?" in text, text.endswith("|null")
    base = kind.rstrip("[]{}")
    schema = {"json": {}, "time": {"type": "string", "format": "date-time"}, **{name: {"type": name} for name in ("string", "integer", "number", "boolean", "object")}} \
        .get(base, {"$ref": f"#/components/schemas/{base}"})
    for of in re.findall(r"\[\]|{}", kind):
        schema = {"type": "array", "items": schema} if of == "[]" else {"type": "object", "additionalProperties": schema}
    return ({**schema, "type": [schema["type"], "null"]} if nullable else schema), not optional


def shapes():
    """The schemas, and which one each function answers with."""
    made, answered = {}, {}
    for macro, row in table("admin_answers"):
        if macro == "ANSWER":
            answered[row[0]] = row[1]
            continue
        name, member, kind, text = row
        shape = made.setdefault(name, {"type": "object", "required": [], "properties": {}})
        schema, required = schema_of(kind)
        shape["properties"][member] = schema | {"description": text}
        if required:
            shape["required"].append(member)
    for shape in made.values():
        if not shape["required"]:
            del shape["required"]
    return made, answered


def answers(role, status, path, shape):
    problem = {"$ref": "#/components/responses/problem"}
    success = {"description": "done"}
    if status == "101":
        success = {"description": "a WebSocket"}
    elif status != "204":
        kind = "text/plain" if path == "/metrics" else "application/json" if path.startswith(("/api", "/healthz", "/readyz", "/.well", "/demo/login")) else "text/html"
        success = {"description": "done", "content": {kind: {"schema": {"type": "string"} if kind != "application/json" else {"$ref": f"#/components/schemas/{shape}"} if shape else {"type": "object"}}}}
    return {status: success} | ({"401": problem, "403": problem} if role != "open" else {}) | {"default": problem}


def operation(row, query, body, answered):
    method, path, function, role, _, status, summary = row
    made = {"operationId": re.sub(r"\W+", "_", f"{method.lower()}{path.removeprefix('/api/v1')}").strip("_"), "summary": summary}
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in re.findall(r"{(\w+)}", path)]
    parameters += query.get(function, [])
    if method == "POST" and role != "open":
        parameters.append({"$ref": "#/components/parameters/idempotency"})
    if parameters:
        made["parameters"] = parameters
    if method in ("POST", "PUT"):
        members = body.get(function, [])
        schema = {"type": "object", "additionalProperties": False, "properties": {name: kind for name, _, kind in members}}
        needed = [name for name, required, _ in members if required]
        if needed:
            schema["required"] = needed
        made["requestBody"] = {"required": bool(needed), "content": {"application/json": {"schema": schema}}}
    made["responses"] = answers(role, status, path, answered.get(function))
    made["security"] = [] if role == "open" else [{"token": []}]
    if role != "open":
        made["x-framewall-role"] = dict(roles())[role]
    return made


def openapi():
    query, body = details()
    schemas, answered = shapes()
    paths = {}
    for row in rows_of("admin_routes", "ROUTE"):
        if "DEMO" not in row[4]:
            paths.setdefault(row[1], {})[METHODS[row[0]]] = operation(row, query, body, answered)
    problem = {"type": "object", "required": ["type", "title", "status"],
               "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Framewall, admin side", "version": "1", "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
                 "description": "x-framewall-role is the least role that may ask, of " + ", ".join(text for _, text in roles()) + ". Made from src/tables/admin_routes.def by tools/reference.py."},
        "servers": [{"url": "http://localhost:8766"}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "DATA/admin.token, or a token of framewall admin token create"}},
            "schemas": schemas,
            "parameters": {"idempotency": {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 128},
                                           "description": "the same request with the same key is done once, for a day"}},
            "responses": {"problem": {"description": "what does not hold (RFC 9457)", "content": {"application/problem+json": {"schema": problem}}}},
        },
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
