// The document of the admin side holds to OpenAPI 3.1, by a validator of others.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { equal, finish, ok } from "./framewall.mjs";

const { Validator } = await import(createRequire(import.meta.url).resolve("@seriousme/openapi-schema-validator"));
const text = readFileSync("docs/reference/openapi.json", "utf8");
const judged = await new Validator().validate(JSON.parse(text));
ok(judged.valid, "docs/reference/openapi.json is a document of OpenAPI", JSON.stringify(judged.errors));
const broken = JSON.parse(text);
delete broken.paths["/api/v1/stats"].get.responses;
broken.paths["/api/v1/blocks"].post.requestBody = { content: 3 };
ok(!(await new Validator().validate(broken)).valid, "one that was broken is not");
const validator = new Validator();
await validator.validate(JSON.parse(text));
equal(validator.version, "3.1", "of version 3.1");
const open = Object.entries(JSON.parse(text).paths).flatMap(([path, methods]) => Object.values(methods).filter((one) => one.security.length === 0).map(() => path)).sort();
equal(open, ["/", "/.well-known/jwks.json", "/app.css", "/app.js", "/healthz", "/readyz"], "without a credential there are health, public keys and the page");
finish();
