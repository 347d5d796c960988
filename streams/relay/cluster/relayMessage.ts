import { decodeText, encodeText } from '../../wire/encoding.js';
import { isTokenBatch } from '../../wire/entry.js';
import { countLines } from '../../wire/lines.js';
import type { HandoffId } from './batch.js';
import { concatBytes, isCount, parseAll, parseObject } from './fields.js';
import type { HandedLines } from './pending.js';

/**
 * What the writer of a room sends to another one: lines to be appended, or a request to append nothing for `ms`, so that its own
 * batch can come first.
 */
export type RelayMessage = { readonly to: string } & (
  | { readonly type: 'handoff'; readonly id: HandoffId; readonly parts: readonly HandedLines[] }
  | { readonly type: 'pause'; readonly from: string; readonly ms: number }
);

const NEWLINE = 10;

/** Formats a message: a line of JSON, then the lines that it hands over. */
export const formatRelayMessage = (message: RelayMessage): Uint8Array => {
  if (message.type === 'pause') return encodeText(`${JSON.stringify(message)}\n`);
  const { type, to, id, parts } = message;
  const head = encodeText(
    `${JSON.stringify({
      type,
      to,
      writer: id.writer,
      number: id.number,
      parts: parts.map(({ session, connection, lines }) => [session, connection, lines.bytes.length]),
    })}\n`,
  );
  return concatBytes([head, ...parts.map(({ lines }) => lines.bytes)]);
};

/** Parses a message, or returns `undefined` if it is invalid. Never throws; copies the lines. */
export const parseRelayMessage = (bytes: Uint8Array): RelayMessage | undefined => {
  const end = bytes.indexOf(NEWLINE) + 1;
  const fields = parseObject(decodeText(bytes.subarray(0, end)) ?? '');
  const to = fields?.['to'];
  if (fields === undefined || typeof to !== 'string') return undefined;
  const { type, from, ms, writer, number } = fields;
  if (type === 'pause') return typeof from === 'string' && isCount(ms) ? { type, to, from, ms } : undefined;
  if (type !== 'handoff' || typeof writer !== 'string' || !isCount(number)) return undefined;
  let at = end;
  const parts = parseAll(fields['parts'], ([session, connection, length]): HandedLines | undefined => {
    if (typeof session !== 'string' || typeof connection !== 'string' || !isCount(length)) return undefined;
    // Copied, since the bytes belong to the engine. `slice` of a `Buffer` does not copy.
    const lines = new Uint8Array(bytes.subarray(at, at + length));
    at += length;
    if (lines.length !== length || !isTokenBatch(lines)) return undefined;
    return { session, connection, lines: { bytes: lines, count: countLines(lines) } };
  });
  return parts === undefined ? undefined : { type, to, id: { writer, number }, parts };
};
