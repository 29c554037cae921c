// Node's ws as it comes: an echo. node echo.mjs PORT MODULES
import { createRequire } from 'node:module';

const { WebSocketServer } = createRequire(process.argv[3] + '/')('ws');

new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]) }).on('connection', socket => {
	socket.on('error', () => {});
	socket.on('message', (data, binary) => socket.send(data, { binary }));
});
