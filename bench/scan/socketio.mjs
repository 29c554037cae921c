// socket.io as it comes: tells everybody. node socketio.mjs PORT MODULES
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { Server } = createRequire(process.argv[3] + '/')('socket.io');
const http = createServer();
const io = new Server(http);

io.on('connection', socket => socket.on('message', text => io.emit('message', text)));
http.listen(Number(process.argv[2]), '127.0.0.1');
