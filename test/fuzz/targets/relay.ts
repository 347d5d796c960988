import { formatBatch, isBatch, parseBatch } from '../../../streams/relay/cluster/batch.js';
import { crc32 } from '../../../streams/relay/cluster/crc32.js';
import { EMPTY_CHAIN, readRecord } from '../../../streams/relay/cluster/chain.js';
import type { Target } from '../campaign.js';
import { ensure } from './expectations.js';
import { formatRelayMessage, parseRelayMessage } from '../../../streams/relay/cluster/relayMessage.js';
import { token } from '../../support/wire.js';

const roomBatches: Target = {
  name: 'roomBatches',
  dictionary: [
    'batch/1 ',
    'batch/2 ',
    '"previous":0',
    '"first":1',
    '"count":1',
    '"snapshot":[]',
    '["joined",["s","relay.1","bob"],"bob",false]',
    '["left",["s","relay.1","bob"],"bob"]',
    '["away",["s","relay.1","bob"]]',
    '[["s","relay.1","bob"],"bob",true,"bob","key"]',
    '["relay/1",7]',
    '+alice\n',
    '\n',
  ],
  // With a valid checksum, since inputs would not pass it by chance.
  run: (input) => {
    const checksum = crc32(input).toString(16).padStart(8, '0');
    const outcomes = [input, Buffer.concat([Buffer.from(`batch/1 ${checksum} `), input])].map((bytes) => {
      const parsed = parseBatch(bytes);
      readRecord(EMPTY_CHAIN, { address: 1, bytes });
      if (!isBatch(parsed)) return parsed.type;
      const formatted = formatBatch(parsed);
      const again = parseBatch(formatted);
      ensure(
        isBatch(again) && Buffer.compare(formatBatch(again), formatted) === 0,
        'a batch is the same after formatting and parsing',
      );
      return `${parsed.changes.map(({ type }) => type).join()} ${parsed.snapshot?.length} ${parsed.handoffs.length} ${parsed.lines.count}`;
    });
    return outcomes.join(' / ');
  },
};

const relayMessages: Target = {
  name: 'relayMessages',
  dictionary: [
    '{"type":"handoff"',
    '"parts":[["s","relay.1",101]]',
    '"number":1',
    `${token('x')}\n`,
    '\n',
    '"ms":9',
  ],
  run: (input) => {
    const message = parseRelayMessage(input);
    if (message === undefined) return 'invalid';
    const formatted = formatRelayMessage(message);
    const again = parseRelayMessage(formatted);
    ensure(
      again !== undefined && Buffer.compare(formatRelayMessage(again), formatted) === 0,
      'a message is the same after formatting and parsing',
    );
    return message.type === 'pause' ? 'pause' : `handoff of ${message.parts.length}`;
  },
};

export const relayTargets: readonly Target[] = [roomBatches, relayMessages];
