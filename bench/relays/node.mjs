/**
 * What `node:net` allows: what came in one turn of the loop goes out at its end, with one write for each member, and nothing
 * else. No RxJS, no log, no limits, no look at what is said, and who does not read is not waited for. The first line
 * of a connection says which room.
 */
import { Buffer } from 'node:buffer';
import { createServer } from 'node:net';
import { setImmediate } from 'node:timers';

const NEWLINE = 10;
const rooms = new Map();
const roomNamed = (name) => {
  if (!rooms.has(name)) rooms.set(name, { members: new Set(), said: [] });
  return rooms.get(name);
};

const deliver = (room) => {
  const said = room.said.length === 1 ? room.said[0] : Buffer.concat(room.said);
  room.said = [];
  for (const socket of room.members) socket.write(said);
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
