import { readNumber } from './fields.js';
import { POSITION_LIMIT } from './resume.js';

/** Lines without a position, said by either side once a client is in. */
export type Control =
  | { readonly type: 'ping'; readonly n: number }
  | { readonly type: 'pong'; readonly n: number }
  | { readonly type: 'gap'; readonly from: number; readonly to: number }
  | { readonly type: 'err'; readonly code: string; readonly text: string }
  | { readonly type: 'bye'; readonly reason: string; readonly retryMs: number };

/** One control as its line. */
export const controlLine = (control: Control): string => {
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

/** Reads a control line; `undefined` where it is none. */
export const readControl = (line: string): Control | undefined => {
  const [verb = '', ...words] = line.split(' ');
  const [a, b] = words.map(readNumber);
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
