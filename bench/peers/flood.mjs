// An attacker of bench/floods.py: node flood.mjs PORT SECONDS BEARER. Connects, sends messages that are none as quickly as they are taken, and comes
// back when it is closed. Half a core at most.
import net from "node:net";

const [port, seconds, bearer] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const end = Date.now() + seconds * 1000, begun = process.cpuUsage(), from = Date.now();
const frame = Buffer.concat(Array(50).fill(Buffer.concat([Buffer.from([0x81, 0x81, 0, 0, 0, 0]), Buffer.from("{")])));
let number = 0;

const over = () => Date.now() >= end;
const rests = () => { const used = process.cpuUsage(begun); return (used.user + used.system) / 1000 > (Date.now() - from) * 0.5; };

function attack() {
	if (over())
		return;
	const socket = net.connect({ host: "127.0.0.1", port, localAddress: `127.9.${++number % 250}.7` });
	socket.write(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
		`Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer ${bearer}\r\n\r\n`);
	const more = () => {
		if (over() || socket.destroyed)
			return socket.destroy();
		if (rests())
			return setTimeout(more, 5);
		socket.write(frame) ? setImmediate(more) : socket.once("drain", more);
	};
	socket.once("data", more);
	socket.on("data", () => {});
	socket.on("error", () => {});
	socket.on("close", () => setTimeout(attack, 5));
}

for (let n = 0; n < 10; n++)
	attack();
