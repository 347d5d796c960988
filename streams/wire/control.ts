import type { Connection } from './connection.js';
import { parseNumber, POSITION_LIMIT } from './fields.js';
import { encodeLine } from './encoding.js';
import { BusyError, type ProtocolError } from './errors.js';

/** A line without a position, sent by either side after the handshake. */
export type Control =
  | { readonly type: 'ping'; readonly n: number }
  | { readonly type: 'pong'; readonly n: number }
  | { readonly type: 'gap'; readonly from: number; readonly to: number }
  | { readonly type: 'err'; readonly code: string; readonly text: string }
  | { readonly type: 'bye'; readonly reason: string; readonly retryMs: number };

/** Formats a control line. */
export const formatControl = (control: Control): string => {
  switch (control.type) {
    case 'ping':
      return `PING ${control.n}`;
    case 'pong':
      return `PONG ${control.n}`;
    case 'gap':
      return `GAP ${control.from} ${control.to}`;
    case 'err':
      return `ERR ${control.code} ${control.text}`;
    case 'bye':
      return `BYE ${control.reason} ${control.retryMs}`;
  }
};

const isPosition = (n: number | undefined): n is number => n !== undefined && n >= 1 && n < POSITION_LIMIT;

/** Parses a control line, or returns `undefined` if the line is not a control. */
export const parseControl = (line: string): Control | undefined => {
  const [verb = '', ...words] = line.split(' ');
  const [a, b] = words.map(parseNumber);
  switch (verb) {
    case 'PING':
    case 'PONG':
      return words.length === 1 && a !== undefined
        ? { type: verb === 'PING' ? 'ping' : 'pong', n: a }
        : undefined;
    case 'GAP':
      return words.length === 2 && isPosition(a) && isPosition(b) && a <= b
        ? { type: 'gap', from: a, to: b }
        : undefined;
    case 'ERR':
      return { type: 'err', code: words[0] ?? '', text: words.slice(1).join(' ') };
    case 'BYE':
      return { type: 'bye', reason: words[0] ?? '', retryMs: b ?? 0 };
    default:
      return undefined;
  }
};

/** Returns the control that tells a peer why its connection ends: `BYE` if it can retry by itself, otherwise `ERR`. */
export const errorControl = (error: ProtocolError): Control =>
  error instanceof BusyError
    ? { type: 'bye', reason: error.code, retryMs: error.retryMs }
    : { type: 'err', code: error.code, text: error.message };

/**
 * Writes a control, if there is one, and closes the connection.
 *
 * Returns why the write failed, or `undefined` if it did not.
 */
export const closeWith = (
  connection: Pick<Connection, 'write' | 'close'>,
  control: Control | undefined,
): string | undefined => {
  let failure: string | undefined;
  try {
    if (control !== undefined) connection.write(encodeLine(formatControl(control)));
  } catch (error) {
    failure = String(error);
  }
  connection.close();
  return failure;
};
