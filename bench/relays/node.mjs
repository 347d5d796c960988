/**
 * Shows what `node:net` allows: at the end of each tick it forwards the bytes that arrived, with one write per
 * member. It has no RxJS, log, limits or checks, and does not wait for slow readers. The first line of a connection
 * names the room.
 */
import { Buffer } from 'node:buffer';
import { createServer } from 'node:net';
import { setImmediate } from 'node:timers';

const NEWLINE = 10;
const rooms = new Map();
const roomNamed = (name) => {
  if (!rooms.has(name)) rooms.set(name, { members: new Set(), pending: [] });
  return rooms.get(name);
};

const deliver = (room) => {
  const pending = room.said.length === 1 ? room.said[0] : Buffer.concat(room.said);
  room.said = [];
  for (const socket of room.members) socket.write(pending);
};

createServer({ noDelay: true, highWaterMark: 1 }, (socket) => {
  let room;
  let rest = Buffer.alloc(0);
  socket.on('error', () => undefined).on('close', () => room?.members.delete(socket));
  socket.on('data', (chunk) => {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    if (room === undefined) {
      from = all.indexOf(NEWLINE) + 1;
      room = roomNamed(all.toString('latin1', 0, from));
      room.members.add(socket);
      socket.write('WELCOME\n');
    }
    const end = all.lastIndexOf(NEWLINE) + 1;
    rest = all.subarray(end);
    if (end <= from) return;
    if (room.said.length === 0) setImmediate(deliver, room);
    room.said.push(all.subarray(from, end));
  });
}).listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
