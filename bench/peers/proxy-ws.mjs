// The smallest proxy of ws: what comes goes on, either way, and nobody looks at it. Its memory is that of the library.
//   node proxy-ws.mjs PORT UPSTREAM_PORT
import { WebSocket, WebSocketServer } from 'ws';

const [port, upstreamPort] = process.argv.slice(2);

new WebSocketServer({ port: Number(port), host: '127.0.0.1', perMessageDeflate: false }).on('connection', (client) => {
	const upstream = new WebSocket(`ws://127.0.0.1:${upstreamPort}`, { perMessageDeflate: false });
	const early = [];

	client.on('message', (data, binary) => (upstream.readyState === WebSocket.OPEN ? upstream.send(data, { binary }) : early.push([data, binary])));
	upstream.on('open', () => early.splice(0).forEach(([data, binary]) => upstream.send(data, { binary })));
	upstream.on('message', (data, binary) => client.send(data, { binary }));
	for (const [one, other] of [[client, upstream], [upstream, client]])
		one.on('close', () => other.close()).on('error', () => other.terminate());
});
