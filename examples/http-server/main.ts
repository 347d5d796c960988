/**
 * A chat inside an existing HTTP server, which still answers requests and other upgrades. The relay accepts the WebSockets at
 * `/rxchat` on the same port, so that browsers and `rxchat join http://...` reach it.
 *
 * PORT=8080 node main.js
 */
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { relay, acceptWebSockets } from 'rxchat/relay';

const server = createServer((_request, response) => {
  response.end('this is the server that was here before\n');
});

/** Emits the server's own upgrades. */
const echo = (socket: Duplex, head: Buffer) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  // The first bytes may have arrived with the request.
  socket.write(head);
  socket.pipe(socket);
};
server.on('upgrade', ({ url = '' }, socket, head) => {
  const [path] = url.split('?', 1);
  if (path === '/rxchat') return;
  // Node removes its listener from an upgraded socket, and an error without a listener would end the process.
  socket.on('error', () => socket.destroy());
  if (path === '/echo') echo(socket, head);
  else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
});

acceptWebSockets(server)
  .pipe(relay({ limits: { maxConnections: 1000, maxConnectionsPerAddress: 100 } }))
  .subscribe({
    next: (event) => {
      // The relay knows nicks, rooms and sizes, but no message.
      if (event.type === 'joined' || event.type === 'stored') console.log(event.type, event.member.nick);
    },
    error: console.error,
  });

server.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 8080) }, () => {
  const address = server.address();
  console.log(`listening on ${typeof address === 'object' ? address?.port : address}`);
});
