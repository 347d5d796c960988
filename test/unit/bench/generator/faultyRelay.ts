import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** What a member is sent instead of the line, which is the room's n-th: nothing, the same twice, another one. */
export type LineFault = (line: string, n: number, member: number) => string[];

/** Starts a relay of lines for the load generator that modifies lines as `fault` says. */
export const startFaultyRelay = async (fault: LineFault): Promise<{ port: number; close: () => void }> => {
  const members: Socket[] = [];
  let sentLines = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    let joined = false;
    socket.on('error', () => undefined);
    const lines = createInterface({ input: socket });
    // It emits the errors of its input again.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      if (!joined) {
        joined = true;
        members.push(socket);
        socket.write('WELCOME\n');
        return;
      }
      sentLines += 1;
      members.forEach((member, place) => {
        for (const sent of fault(line, sentLines, place)) member.write(`${sent}\n`);
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const member of members) member.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
};
