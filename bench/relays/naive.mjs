/**
 * The obvious first version of a relay: a Subject per room, to which every socket subscribes, with one write per line
 * and member. The first line of a connection names the room.
 */
import { createServer } from 'node:net';
import { Subject, concatMap, from, fromEvent, scan, takeUntil } from 'rxjs';

const rooms = new Map();
const roomNamed = (name) => {
  if (!rooms.has(name)) rooms.set(name, new Subject());
  return rooms.get(name);
};

createServer({ noDelay: true }, (socket) => {
  const closed$ = fromEvent(socket, 'close');
  let room$;
  socket.on('error', () => undefined).setEncoding('latin1');
  fromEvent(socket, 'data')
    .pipe(
      scan(
        ({ rest }, text) => {
          const lines = (rest + text).split('\n');
          return { rest: lines.pop(), lines };
        },
        { rest: '', lines: [] },
      ),
      concatMap(({ lines }) => from(lines)),
      takeUntil(closed$),
    )
    .subscribe((line) => {
      if (room$) return room$.next(`${line}\n`);
      room$ = roomNamed(line);
      room$.pipe(takeUntil(closed$)).subscribe((line) => socket.write(line, 'latin1'));
      socket.write('WELCOME\n');
    });
}).listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
