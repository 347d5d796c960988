import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { lastValueFrom } from 'rxjs';
import { connectNodeWebSocket } from '../../../../src/net/websocket/nodeWebSocket.js';
import { parseInvite } from '../../../../src/invite/inviteText.js';

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

const reasonOf = async (scheme: string, answer: string): Promise<string> => {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(answer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const invite = parseInvite(`${scheme}://127.0.0.1:${port}/#${'A'.repeat(43)}`);
  return lastValueFrom(connectNodeWebSocket(invite, () => undefined)).then(
    () => 'connected',
    (error: unknown) => (error as Error).message.replace(`127.0.0.1:${port}`, 'HOST'),
  );
};

test.each([
  ['https', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'it does not speak TLS'],
  ['https', 'SSH-2.0-OpenSSH\r\n', 'it does not speak TLS'],
  ['http', 'NICK rxchat/1 nonce=x\n', 'it does not speak HTTP'],
])('the peer of a link with %s that answers %j is described in words', async (scheme, answer, reason) => {
  expect(await reasonOf(scheme, answer)).toBe(`cannot reach HOST: ${reason}`);
});
