import { Socket } from 'node:net';
import { describe, expect, jest, test } from '@jest/globals';
import { TrustError } from '../../../../src/net/tls/trust.js';
import { checkPeer } from '../../../../src/net/websocket/nodeWebSocket.js';

describe('the peer of a WebSocket', () => {
  test.each([
    ['a socket without TLS', new Socket()],
    ['no socket at all', undefined],
  ])('is rejected when TLS was requested and there is %s', (_, socket) => {
    const accept = jest.fn();
    expect(() => checkPeer('https', socket, accept)).toThrow(TrustError);
    expect(() => checkPeer('http', socket, accept)).not.toThrow();
    expect(accept).not.toHaveBeenCalled();
  });
});
