// A receiver of syslog over TLS (RFC 5425) that keeps what nsyslog-parser makes of each message, a JSON line a message:
// receiver.mjs PORT FILE CERTIFICATE KEY AUTHORITY. It may be killed at any time: half a line is taken away when it starts again.
// receiver.mjs parse: of each line of its standard input, on its standard output.
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, readSync, fstatSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createServer } from 'node:tls';
import parse from 'nsyslog-parser';

const [port, path, certificate, key, authority] = process.argv.slice(2);

// What it made of the message, without the message itself.
function parsed(text) {
  const { originalMessage, message, header, ...entry } = parse(text);
  if (entry.fields !== undefined)
    entry.fields = { ...entry.fields }; // of text without any it makes an array with names
  return JSON.stringify(entry) + '\n';
}

function endWithLine(file) {
  const one = Buffer.alloc(1);
  let size = fstatSync(file).size;
  while (size > 0 && readSync(file, one, 0, 1, size - 1) === 1 && one[0] !== 0x0a)
    size--;
  ftruncateSync(file, size);
}

// RFC 5425 4.3: MSG-LEN SP SYSLOG-MSG. Returns what is left of the octets.
function takeFrames(octets, take) {
  for (;;) {
    const space = octets.indexOf(0x20);
    if (space < 0)
      return octets;
    const head = octets.toString('latin1', 0, space);
    if (!/^[1-9][0-9]{0,6}$/.test(head))
      throw new Error('no length: ' + JSON.stringify(head.slice(0, 100)));
    const end = space + 1 + Number(head);
    if (octets.length < end)
      return octets;
    take(octets.toString('utf8', space + 1, end));
    octets = octets.subarray(end);
  }
}

function serve() {
  const file = openSync(path, existsSync(path) ? 'r+' : 'w+');
  endWithLine(file);
  closeSync(file);
  const lines = openSync(path, 'a');
  const context = { cert: readFileSync(certificate), key: readFileSync(key), ca: readFileSync(authority), requestCert: true, rejectUnauthorized: true };
  createServer(context, socket => {
    let waiting = Buffer.alloc(0);
    socket.on('data', piece => {
      let text = '';
      try {
        waiting = takeFrames(Buffer.concat([waiting, piece]), message => { text += parsed(message); });
      } catch (error) {
        text += JSON.stringify({ fault: error.message }) + '\n';
        socket.destroy();
      }
      for (let octets = Buffer.from(text); octets.length > 0;)
        octets = octets.subarray(writeSync(lines, octets));
    });
    socket.on('error', () => {});
  }).listen(Number(port), '127.0.0.1', () => console.log('listening'));
}

if (port === 'parse')
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity }))
    process.stdout.write(parsed(line));
else
  serve();
