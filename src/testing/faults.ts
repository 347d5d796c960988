import { concatMap, from, ignoreElements, type Observable, of, timer } from 'rxjs';

/**
 * What can go wrong between a client and a relay: the connections that there are break (`cut`); bytes are held back both
 * ways (`freeze`) until they go on (`thaw`); nothing arrives any more and neither end is told (`half-open`); the relay
 * cannot be reached and its connections break (`down`) until it can (`up`); bytes take so long from now on
 * (`delay=200ms`).
 */
export type Fault =
  | { readonly type: 'cut' | 'freeze' | 'thaw' | 'half-open' | 'down' | 'up' }
  | { readonly type: 'delay'; readonly ms: number };

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };
const NAMES: ReadonlySet<string> = new Set(['cut', 'freeze', 'thaw', 'half-open', 'down', 'up']);

const readTime = (text: string): number | undefined => {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (UNITS[unit] ?? 0);
};

const readStep = (word: string): Fault | number => {
  const ms = readTime(word);
  if (ms !== undefined) return ms;
  if (NAMES.has(word)) return { type: word as 'cut' };
  const delay = word.startsWith('delay=') ? readTime(word.slice('delay='.length)) : undefined;
  if (delay !== undefined) return { type: 'delay', ms: delay };
  throw new TypeError(
    `a fault script has no ${JSON.stringify(word)}: it has times (100ms, 5s, 1m), ${[...NAMES].join(', ')} and delay=TIME`,
  );
};

/**
 * Reads a script of faults: words with spaces between them, done one after the other, where a time waits as in marbles.
 * Emits each fault when its time has come, then completes. A `TypeError`, at once, where a word is none.
 *
 * ```text
 * faults('10s cut 5s freeze 1m thaw')
 * 10s cut 5s freeze 1m (thaw|)
 * ```
 *
 * @example
 * import { faults } from 'rxchat/testing';
 *
 * faults('10s cut 5s down 1m up').subscribe({ next: ({ type }) => console.log(type), error: console.error });
 */
export const faults = (script: string): Observable<Fault> => {
  const steps = script
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(readStep);
  return from(steps).pipe(
    concatMap((step) => (typeof step === 'number' ? timer(step).pipe(ignoreElements()) : of(step))),
  );
};
