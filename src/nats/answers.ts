import type { Msg } from '@nats-io/transport-node';
import type { LedgerRecord } from '../../streams/relay/cluster/ledger.js';

/** An answer of JetStream in JSON. `error` has its own code, such as 10071, and a description in English. */
export interface ApiAnswer {
  readonly answer: Readonly<Record<string, unknown>>;
  readonly error: { readonly code: number; readonly description: string } | undefined;
}

/** Error code of JetStream. */
const UNAVAILABLE = 10_008;
/** Length of an answer that is not parsed to see whether it has this error. The error has about 150 bytes. */
const MAX_UNAVAILABLE_BYTES = 512;

/** Whether an answer says that no leader is known, as a server does that is separated from the others. */
export const isUnavailable = (data: Uint8Array): boolean =>
  data.length <= MAX_UNAVAILABLE_BYTES && parseAnswer(data).error?.code === UNAVAILABLE;

/** Parses an answer of JetStream. Anything else becomes an error with the code 0. */
export const parseAnswer = (data: Uint8Array): ApiAnswer => {
  const answer = parseObject(data);
  if (answer === undefined)
    return { answer: {}, error: { code: 0, description: 'not an answer of JetStream' } };
  const { error } = answer;
  if (!isObject(error)) return { answer, error: undefined };
  const code = error['err_code'];
  const description = error['description'];
  return {
    answer,
    error: {
      code: typeof code === 'number' ? code : 0,
      description: typeof description === 'string' ? description : 'unknown error',
    },
  };
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const parseObject = (data: Uint8Array): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** Returns the record in a message that the engine publishes, or `undefined` if it is not a record. */
export const parseLiveRecord = (message: Msg): LedgerRecord | undefined => {
  const record = parseStoredRecord(message);
  const previous = numberHeader(message, 'Nats-Last-Sequence');
  return record && { ...record, previous };
};

/** Returns the record in the answer to a direct get, or `undefined` if it is not a record. */
export const parseStoredRecord = (message: Msg): LedgerRecord | undefined => {
  const address = numberHeader(message, 'Nats-Sequence');
  if (address === undefined) return undefined;
  return { address, bytes: message.data, storedAt: parseTime(message.headers?.get('Nats-Time-Stamp')) };
};

/** Parses a time of JetStream. Returns ms since 1970, or `undefined` if the text is not a time. */
const parseTime = (text: unknown): number | undefined => {
  const time = typeof text === 'string' ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? undefined : time;
};

/** Returns the number of records that follow those of a batch, from the message that ends the batch. */
export const parsePendingCount = (message: Msg): number => numberHeader(message, 'Nats-Num-Pending') ?? 0;

const numberHeader = (message: Msg, name: string): number | undefined => {
  const text = message.headers?.get(name) ?? '';
  const value = Number(text);
  return text === '' || !Number.isSafeInteger(value) ? undefined : value;
};

/** Returns the record in the answer of `STREAM.MSG.GET`, or `undefined` if the answer has no message. */
export const parseLeaderRecord = (answer: Readonly<Record<string, unknown>>): LedgerRecord | undefined => {
  const { message } = answer;
  if (!isObject(message)) return undefined;
  const { seq, data, time } = message;
  if (typeof seq !== 'number') return undefined;
  return {
    address: seq,
    bytes: typeof data === 'string' ? Buffer.from(data, 'base64') : new Uint8Array(),
    storedAt: parseTime(time),
  };
};
