import { Socket } from 'node:net';
import { describe, expect, jest, test } from '@jest/globals';
import { TrustError } from '../../../src/tls/trust.js';
import { checkPeer } from '../../../src/transport/webSocketTo.js';

describe('who answers a WebSocket', () => {
  test.each([
    ['a socket without TLS', new Socket()],
    ['no socket at all', undefined],
  ])('is refused where TLS was asked for and there is %s', (_, socket) => {
    const accept = jest.fn();
    expect(() => checkPeer('https', socket, accept)).toThrow(TrustError);
    expect(() => checkPeer('http', socket, accept)).not.toThrow();
    expect(accept).not.toHaveBeenCalled();
  });
});
