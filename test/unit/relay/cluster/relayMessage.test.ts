import { describe, expect, test } from '@jest/globals';
import {
  formatRelayMessage,
  parseRelayMessage,
  type RelayMessage,
} from '../../../../streams/relay/cluster/relayMessage.js';
import { encodeText } from '../../../../streams/wire/encoding.js';
import { batch, token } from '../../../support/wire.js';

const HANDOFF: RelayMessage = {
  type: 'handoff',
  to: 'relay/1',
  id: { writer: 'other/2', number: 3 },
  parts: [
    { session: 's', connection: 'other.4', lines: batch(token('x'), token('y')) },
    { session: 't', connection: 'other.5', lines: batch(token('z')) },
  ],
};

describe('a message of another relay', () => {
  test.each<RelayMessage>([HANDOFF, { type: 'pause', to: 'relay/1', from: 'other/2', ms: 40 }])(
    '$type is the same after formatting and parsing',
    (message) => {
      expect(parseRelayMessage(formatRelayMessage(message))).toStrictEqual(message);
    },
  );

  test('has lines of its own, whatever happens to its bytes', () => {
    const bytes = Buffer.from(formatRelayMessage(HANDOFF));
    const message = parseRelayMessage(bytes);
    bytes.fill(0);
    expect(message).toStrictEqual(HANDOFF);
  });

  test('is invalid if its lines are no tokens, since a member could announce others with them', () => {
    const forged = { ...HANDOFF, parts: [{ session: 's', connection: 'other.4', lines: batch('+eve') }] };
    expect(parseRelayMessage(formatRelayMessage(forged))).toBeUndefined();
  });

  test.each([
    '',
    'null\n',
    '{"type":"pause","to":"relay/1","from":"other/2","ms":-1}\n',
    '{"type":"pause","to":"relay/1","ms":1}\n',
    '{"type":"other","to":"relay/1"}\n',
    '{"type":"handoff","to":"relay/1","writer":"w","number":1,"parts":[["s","c",5]]}\n',
    '{"type":"handoff","to":"relay/1","writer":"w","number":1,"parts":7}\n',
  ])('is invalid: %j', (text) => {
    expect(parseRelayMessage(encodeText(text))).toBeUndefined();
  });
});
