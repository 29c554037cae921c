// Starts the built program on free ports with a scratch data directory; TAP; a browser.
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";

export const binary = process.argv[2] ?? process.env.FRAMEWALL_BIN ?? "build/framewall";
const chromiumPath = "/usr/bin/chromium";
let count = 0, failed = 0;

export function ok(condition, name, detail) {
	count++;
	if (!condition)
		failed++;
	console.log(`${condition ? "ok" : "not ok"} ${count} - ${name}`);
	if (!condition && detail !== undefined)
		console.log("# " + (typeof detail === "string" ? detail : JSON.stringify(detail)).slice(0, 2000).replaceAll("\n", "\n# "));
	return condition;
}
export const equal = (got, expected, name) =>
	ok(JSON.stringify(got) === JSON.stringify(expected), name, `got ${JSON.stringify(got)}\nexpected ${JSON.stringify(expected)}`);
export function skip(name, reason) {
	count++;
	console.log(`ok ${count} - ${name} # SKIP ${reason}`);
}
export function finish() {
	console.log(`1..${count}`);
	process.exit(failed ? 1 : 0);
}

export function freePort() {
	return new Promise((resolve) => {
		const server = net.createServer().listen(0, "127.0.0.1", () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});
}

export async function until(what, predicate, seconds = 20) {
	for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
		const value = await predicate();
		if (value)
			return value;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	throw new Error(`did not happen within ${seconds} s: ${what}`);
}

export async function start(...options) {
	const data = mkdtempSync(path.join(os.tmpdir(), "framewall-web-"));
	const port = await freePort(), admin = await freePort();
	const child = spawn(binary, ["run", "--data", data, "--listen", `localhost:${port}`, "--admin", `localhost:${admin}`, ...options]);
	let output = "";
	child.stdout.on("data", (text) => output += text);
	child.stderr.on("data", (text) => output += text);
	const ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve(code ?? signal)));
	await until("framewall listens", () => output.includes("admin on") || child.exitCode !== null);
	return {
		data, port, admin, url: `ws://localhost:${port}/`, output: () => output,
		token: (user, role) => execFileSync(binary, ["token", "issue", "--user", user, "--role", role, "--data", data]).toString().trim().split(/\s+/).pop(),
		stop: async () => {
			child.kill("SIGTERM");
			const code = await ended;
			rmSync(data, { recursive: true, force: true });
			return code;
		},
	};
}

// The browser, with further arguments, or null with the reason printed as a skipped test.
export async function browser(...more) {
	let playwright;
	try {
		playwright = await import("playwright-core");
	} catch (error) {
		skip("browser", `playwright-core is not there: ${error.code ?? error.message}`);
		return null;
	}
	try {
		return await playwright.chromium.launch({
			executablePath: chromiumPath,
			args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
				"--disable-component-update", "--disable-sync", ...more],
		});
	} catch (error) {
		skip("browser", `${chromiumPath} does not start: ${error.message.split("\n")[0]}`);
		return null;
	}
}
