import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** What a member is sent instead of the line, which is the room's n-th: nothing, the same twice, another one. */
export type Fault = (line: string, n: number, member: number) => string[];

/** A relay of lines for the load generator, that does to what it hands on what it is told. */
export const startFaultyRelay = async (fault: Fault): Promise<{ port: number; close: () => void }> => {
  const members: Socket[] = [];
  let said = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    let joined = false;
    socket.on('error', () => undefined);
    const lines = createInterface({ input: socket });
    // It emits the errors of its input anew.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      if (!joined) {
        joined = true;
        members.push(socket);
        socket.write('WELCOME\n');
        return;
      }
      said += 1;
      members.forEach((member, place) => {
        for (const sent of fault(line, said, place)) member.write(`${sent}\n`);
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
