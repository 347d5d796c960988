import { decodeText, decodeTextLossy, encodeText } from '../../wire/encoding.js';
import { countLines, type Lines } from '../../wire/lines.js';
import { crc32 } from './crc32.js';
import { isCount, parseAll, parseObject } from './fields.js';
import {
  formatChange,
  formatEntry,
  parseChange,
  parseEntry,
  type StoredChange,
  type MemberEntry,
} from './sharedRoster.js';

/** Names a handoff: the writer that handed lines to another one, and its number. */
export interface HandoffId {
  readonly writer: string;
  readonly number: number;
}

/**
 * One record of a shared room: what one relay has decided, with the lines that result.
 *
 * It contains decisions and not the commands behind them, so that relays of different versions read the same log from it.
 */
export interface RoomBatch {
  /** Id of the log. */
  readonly log: string;
  /** Rises with each log of the room that begins because the engine has lost records of the former one. */
  readonly generation: number;
  /** Address of the last valid batch of the former log; 0 for the first log of the room. */
  readonly base: number;
  /** Address of the valid batch that it follows; 0 for the first batch of the room. */
  readonly previous: number;
  /** Position of its first line. */
  readonly first: number;
  /** Names one run of a room at a relay. */
  readonly writer: string;
  /** Number of the batch, counted by its writer. */
  readonly number: number;
  /** Address of the newest earlier batch with a snapshot; 0 for the first batch of the room. */
  readonly snapshotAddress: number;
  /** Number of batches since then; 0 if this one has a snapshot. */
  readonly sinceSnapshot: number;
  /** All members before the changes. */
  readonly snapshot: readonly MemberEntry[] | undefined;
  readonly changes: readonly StoredChange[];
  /** Handoffs of other writers whose lines are in it. */
  readonly handoffs: readonly HandoffId[];
  readonly lines: Lines;
}

/** A record that is no batch: `newer` if a later version of rxchat wrote it. */
export interface UnreadableBatch {
  readonly type: 'newer' | 'damaged';
}

const FORMAT = 'batch/1';
/** Length of the format, the checksum and a space after each. */
const PREFIX_LENGTH = FORMAT.length + 10;
const PREFIX = /^batch\/1 ([\da-f]{8}) $/;
const NEWER_FORMAT = /^batch\/(?!1 )\d+ /;
const NEWLINE = 10;

/**
 * Formats a batch: a line with the version, the CRC-32 of all that follows, and JSON; then the lines of the log.
 *
 * ```text
 * batch/1 5d41402a {"log":"…","generation":0,"base":0,"previous":17,"first":42,…}
 * gAAAAA…
 * +alice
 * ```
 */
export const formatBatch = ({ lines, ...batch }: RoomBatch): Uint8Array => {
  const { log, generation, base, previous, first, writer, number, snapshotAddress, sinceSnapshot } = batch;
  const head = encodeText(
    `${JSON.stringify({
      log,
      generation,
      base,
      previous,
      first,
      count: lines.count,
      writer,
      number,
      snapshotAddress,
      sinceSnapshot,
      snapshot: batch.snapshot?.map(formatEntry),
      changes: batch.changes.map(formatChange),
      handoffs: batch.handoffs.map((handoff) => [handoff.writer, handoff.number]),
    })}\n`,
  );
  const bytes = new Uint8Array(PREFIX_LENGTH + head.length + lines.bytes.length);
  bytes.set(head, PREFIX_LENGTH);
  bytes.set(lines.bytes, PREFIX_LENGTH + head.length);
  const checksum = crc32(bytes.subarray(PREFIX_LENGTH)).toString(16).padStart(8, '0');
  bytes.set(encodeText(`${FORMAT} ${checksum} `));
  return bytes;
};

/**
 * Parses a record. Never throws; the lines share memory with the bytes.
 *
 * @param isVerified the bytes are known to be undamaged, so their checksum is not computed.
 */
export const parseBatch = (bytes: Uint8Array, isVerified = false): RoomBatch | UnreadableBatch => {
  // Lossy, since the prefix of other bytes can end within a character.
  const prefix = decodeTextLossy(bytes.subarray(0, PREFIX_LENGTH));
  if (NEWER_FORMAT.test(prefix)) return { type: 'newer' };
  const checksum = PREFIX.exec(prefix)?.[1];
  const content = bytes.subarray(PREFIX_LENGTH);
  if (checksum === undefined) return { type: 'damaged' };
  if (!isVerified && crc32(content) !== Number.parseInt(checksum, 16)) return { type: 'damaged' };
  const end = content.indexOf(NEWLINE) + 1;
  return parseContent(content.subarray(0, end), content.subarray(end)) ?? { type: 'damaged' };
};

/** Returns the checksum that a record begins with, or `undefined` if it is no batch. It is not verified. */
export const batchChecksum = (bytes: Uint8Array): number | undefined => {
  const checksum = PREFIX.exec(decodeTextLossy(bytes.subarray(0, PREFIX_LENGTH)))?.[1];
  return checksum === undefined ? undefined : Number.parseInt(checksum, 16);
};

/** Whether a parsed record is a batch. */
export const isBatch = (parsed: RoomBatch | UnreadableBatch): parsed is RoomBatch => 'log' in parsed;

const parseContent = (head: Uint8Array, body: Uint8Array): RoomBatch | undefined => {
  const fields = parseObject(decodeText(head) ?? '');
  if (fields === undefined) return undefined;
  const { log, generation, base, previous, first, count } = fields;
  const { writer, number, snapshotAddress, sinceSnapshot } = fields;
  if (typeof log !== 'string' || typeof writer !== 'string') return undefined;
  if (!isCount(generation) || !isCount(base) || !isCount(previous) || base > previous) return undefined;
  if (!isCount(first) || !isCount(count) || !isCount(number)) return undefined;
  if (!isCount(snapshotAddress) || !isCount(sinceSnapshot) || first === 0) return undefined;
  if (countLines(body) !== count || (count > 0 && body.at(-1) !== NEWLINE)) return undefined;
  const hasSnapshot = fields['snapshot'] !== undefined;
  const snapshot = parseAll(hasSnapshot ? fields['snapshot'] : [], parseEntry);
  const changes = parseAll(fields['changes'], parseChange);
  const handoffs = parseAll(fields['handoffs'], parseHandoffId);
  if (snapshot === undefined || changes === undefined || handoffs === undefined) return undefined;
  return {
    log,
    generation,
    base,
    previous,
    first,
    writer,
    number,
    snapshotAddress,
    sinceSnapshot,
    snapshot: hasSnapshot ? snapshot : undefined,
    changes,
    handoffs,
    lines: { bytes: body, count },
  };
};

const parseHandoffId = ([writer, number]: readonly unknown[]): HandoffId | undefined =>
  typeof writer === 'string' && isCount(number) ? { writer, number } : undefined;
