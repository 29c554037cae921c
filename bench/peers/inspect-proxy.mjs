// What a team writes today: a ws proxy that checks each message with ajv, a limiter, nine regular expressions and
// sanitize-html, logs it with pino, and lets only HS256 tokens in.
//   node inspect-proxy.mjs PORT UPSTREAM_PORT KEY_FILE LOG_FILE
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Ajv from 'ajv';
import pino from 'pino';
import sanitizeHtml from 'sanitize-html';
import { WebSocket, WebSocketServer } from 'ws';

const [port, upstreamPort, keyFile, logFile] = process.argv.slice(2);
const key = readFileSync(keyFile);
const log = pino({ level: 'info' }, pino.destination({ dest: logFile, sync: false, minLength: 4096 }));

const validate = new Ajv({ allErrors: true }).compile({
	type: 'object',
	additionalProperties: false,
	required: ['type', 'text'],
	properties: {
		type: { const: 'chat_message' },
		text: { type: 'string', minLength: 1, maxLength: 70000 },
		reply_to: { type: 'integer', minimum: 0 },
		mentions: { type: 'array', maxItems: 50, items: { type: 'string', pattern: '^[a-zA-Z0-9_.-]{1,50}$' } },
		csrf_token: { type: 'string', maxLength: 128 },
	},
});

const dangerous = [
	/<script\b[^>]*>/i,
	/javascript\s*:/i,
	/\bon[a-z]+\s*=\s*["']?[^"'\s>]+/i,
	/\bunion\s+(all\s+)?select\b/i,
	/\b(or|and)\s+\d+\s*=\s*\d+/i,
	/;\s*(drop|delete|truncate|insert|update)\s+/i,
	/[;&|`]\s*(cat|ls|rm|wget|curl|nc|bash|sh)\b/i,
	/\$\([^)]*\)/,
	/\.\.[\/\\]/,
];

const html = {
	allowedTags: ['b', 'i', 'u', 'strong', 'em', 'code', 'pre', 'blockquote', 'p', 'br', 'span', 'div', 'a', 'ul', 'ol', 'li'],
	allowedAttributes: { a: ['href', 'title'], span: ['class'], div: ['class'], code: ['class'], pre: ['class'] },
	allowedSchemes: ['http', 'https'],
};

// A bucket a connection; the limit itself is raised for the bench.
class Limiter {
	constructor(perMinute) {
		this.rate = perMinute / 60000;
		this.burst = perMinute;
		this.tokens = perMinute;
		this.at = Date.now();
	}

	take() {
		const now = Date.now();
		this.tokens = Math.min(this.burst, this.tokens + (now - this.at) * this.rate);
		this.at = now;
		if (this.tokens < 1)
			return false;
		this.tokens -= 1;
		return true;
	}
}

function login(request) {
	const [head, payload, signature] = (request.headers.authorization ?? '').replace(/^Bearer /, '').split('.');
	if (!signature)
		return null;
	const expected = createHmac('sha256', key).update(`${head}.${payload}`).digest();
	const given = Buffer.from(signature, 'base64url');
	if (given.length !== expected.length || !timingSafeEqual(given, expected))
		return null;
	if (JSON.parse(Buffer.from(head, 'base64url')).alg !== 'HS256')
		return null;
	const claims = JSON.parse(Buffer.from(payload, 'base64url'));
	return claims.exp * 1000 > Date.now() ? claims : null;
}

// The text to forward, or the code of a refusal.
function judge(data, limiter) {
	if (!limiter.take())
		return { code: 'RATE_LIMITED' };
	let message;
	try {
		message = JSON.parse(data.toString('utf8'));
	} catch {
		return { code: 'INVALID_JSON' };
	}
	if (!validate(message))
		return { code: 'INVALID_MESSAGE' };
	for (const pattern of dangerous) {
		if (pattern.test(message.text))
			return { code: 'INVALID_MESSAGE' };
	}
	message.text = sanitizeHtml(message.text, html);
	return { text: JSON.stringify(message) };
}

function serve(client, claims, address) {
	const upstream = new WebSocket(`ws://127.0.0.1:${upstreamPort}/`, { perMessageDeflate: false });
	const limiter = new Limiter(1e9);
	const early = [];
	const user = claims.sub;
	log.info({ event: 'connected', user, address });
	upstream.on('open', () => {
		for (const text of early.splice(0))
			upstream.send(text);
	});
	client.on('message', (data, binary) => {
		const verdict = binary ? { code: 'INVALID_MESSAGE' } : judge(data, limiter);
		log.info({ event: 'message', user, address, size: data.length, verdict: verdict.code ?? 'pass' });
		if (verdict.code)
			client.send(JSON.stringify({ type: 'error', data: { code: verdict.code } }));
		else if (upstream.readyState === WebSocket.OPEN)
			upstream.send(verdict.text);
		else
			early.push(verdict.text);
	});
	upstream.on('message', (data, binary) => client.send(data, { binary }));
	client.on('close', () => {
		log.info({ event: 'disconnected', user, address });
		upstream.close();
	});
	upstream.on('close', () => client.close());
	client.on('error', () => upstream.terminate());
	upstream.on('error', () => client.terminate());
}

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1 << 20 });
const server = createServer((request, response) => response.writeHead(426).end());
server.on('upgrade', (request, socket, head) => {
	const claims = login(request);
	if (!claims) {
		socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
		return;
	}
	sockets.handleUpgrade(request, socket, head, (client) => serve(client, claims, socket.remoteAddress));
});
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
