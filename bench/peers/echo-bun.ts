// Bun (uWebSockets): echo on /, publish to all other members of a topic on /hub.
//   bun echo-bun.ts PORT
Bun.serve({
	port: Number(process.argv[2]),
	hostname: '127.0.0.1',
	fetch(request, server) {
		const hub = new URL(request.url).pathname === '/hub';
		return server.upgrade(request, { data: { hub } }) ? undefined : new Response('WebSocket only', { status: 426 });
	},
	websocket: {
		perMessageDeflate: false,
		sendPings: false,
		idleTimeout: 0,
		maxPayloadLength: 1 << 20,
		open(ws) {
			if (ws.data.hub)
				ws.subscribe('hub');
		},
		message(ws, message) {
			if (ws.data.hub)
				ws.publish('hub', message);
			else
				ws.send(message);
		},
	},
});
