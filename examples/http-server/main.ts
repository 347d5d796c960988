/**
 * A chat inside an HTTP server that is there already: it goes on answering requests, and whoever upgrades to `rxchat` is a
 * connection of the relay. The same port, the same certificate if it has one, nothing else to be opened.
 *
 * PORT=8080 node main.js
 */
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { filter, fromEvent, map } from 'rxjs';
import { relay, tcpConnection } from 'rxchat/relay';

const server = createServer((_request, response) => {
  response.end('this is the server that was here before\n');
});

type Upgrade = [request: { headers: { upgrade?: string } }, socket: Socket, head: Buffer];

const connection$ = fromEvent(server, 'upgrade', (...upgrade: Upgrade) => upgrade).pipe(
  filter(([{ headers }, socket]) => {
    const isOurs = headers.upgrade === 'rxchat';
    if (!isOurs) socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    return isOurs;
  }),
  map(([, socket, head]) => {
    // What came behind the request is the first of the connection.
    if (head.length > 0) socket.unshift(head);
    socket.setNoDelay(true).setTimeout(0);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: rxchat\r\n\r\n');
    return tcpConnection(socket);
  }),
);

connection$.pipe(relay({ connections: 1000, connectionsPerAddress: 100 })).subscribe({
  next: (event) => {
    // The relay knows nicks, rooms and sizes, and nothing of what is said.
    if (event.type === 'joined' || event.type === 'stored') console.log(event.type, event.member.nick);
  },
  error: console.error,
});

server.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 8080) }, () => {
  const address = server.address();
  console.log(`listening on ${typeof address === 'object' ? address?.port : address}`);
});
