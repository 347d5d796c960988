/** The chat of the README of `ws`, with rooms: it sends every message to all clients of the same path. */
import { WebSocket, WebSocketServer } from 'ws';

const rooms = new Map();
const server = new WebSocketServer({
  port: Number(process.argv[2]),
  host: '127.0.0.1',
  backlog: 4096,
  perMessageDeflate: false,
});

server.on('connection', (client, { url }) => {
  if (!rooms.has(url)) rooms.set(url, new Set());
  const members = rooms.get(url);
  members.add(client);
  client.on('error', () => undefined).on('close', () => members.delete(client));
  client.on('message', (message) => {
    for (const member of members)
      if (member.readyState === WebSocket.OPEN) member.send(message, { binary: true });
  });
});
