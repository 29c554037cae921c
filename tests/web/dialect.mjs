// One route of a dialect: Framewall in front of an upstream, the configuration around it, what the record says.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { start } from "./framewall.mjs";

export async function wallOf(port, route, more = "") {
	const file = mkdtempSync("/tmp/framewall-web-config-") + "/framewall.yaml";
	writeFileSync(file, `rate_limiting: {messages_per_minute: 100000, max_connections_per_ip: 100}
monitoring: {auto_block: {violation_threshold: 1000000}}
routes:
  - path: "*"
    upstream: ws://127.0.0.1:${port}
    anonymous: user
${route.trimEnd().split("\n").map((line) => `    ${line}`).join("\n")}
${more}`);
	return start("--config", file);
}

export const recordOf = (wall, type) => readFileSync(`${wall.data}/record/security_audit.log`, "utf8").trim().split("\n")
	.map((line) => JSON.parse(line)).filter((record) => record.event_type === type);
