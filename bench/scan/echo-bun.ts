// Bun as it comes: an echo. bun echo-bun.ts PORT
Bun.serve({
	port: Number(process.argv[2]),
	hostname: '127.0.0.1',
	fetch(request, server) {
		return server.upgrade(request) ? undefined : new Response('WebSocket only', { status: 426 });
	},
	websocket: {
		message(ws, message) {
			ws.send(message);
		},
	},
});
