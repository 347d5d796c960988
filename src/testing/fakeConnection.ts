import { endWith, ignoreElements, NEVER, type Observable, ReplaySubject, takeUntil } from 'rxjs';
import { type Connection, decodeTextLossy } from '../../streams/wire/index.js';

export interface Script {
  /** What comes in, ended by `close` if not before. */
  readonly chunk$?: Observable<Uint8Array>;
  readonly writable$?: Observable<unknown>;
  /** How each write is answered: `y` true, `n` false, `!` throws from then on. Whatever comes later is taken. */
  readonly answers?: string;
  /** What else happens within each write. */
  readonly onWrite?: (text: string) => void;
}

export interface FakeConnection extends Connection {
  /** Each line as it is written; completes at `close`. Of a `WELCOME` only the verb, for it is told in `writes`. */
  readonly line$: Observable<string>;
  /** When it was told to pause and to resume. */
  readonly flow$: Observable<'pause' | 'resume'>;
  /** Each write as one text. */
  readonly writes: readonly string[];
}

/** A connection driven by hand, for drawings. */
export const fakeConnection = ({
  chunk$ = NEVER,
  writable$ = NEVER,
  answers = '',
  onWrite,
}: Script = {}): FakeConnection => {
  const written = new ReplaySubject<string>(Infinity);
  const flow = new ReplaySubject<'pause' | 'resume'>(Infinity);
  const writes: string[] = [];
  let closed = false;

  return {
    peer: 'fake',
    channelBinding: new Uint8Array(0),
    chunk$: chunk$.pipe(takeUntil(written.pipe(ignoreElements(), endWith('closed')))),
    writable$,
    line$: written.asObservable(),
    flow$: flow.asObservable(),
    writes,
    write: (bytes) => {
      if (closed) return true;
      const answer = answers[writes.length];
      if (answer === '!') throw new Error('the sink broke');
      const text = decodeTextLossy(bytes);
      writes.push(text);
      for (const line of text.replace(/\n$/, '').split('\n'))
        written.next(line.replace(/^WELCOME .*/, 'WELCOME'));
      onWrite?.(text);
      return answer !== 'n';
    },
    pause: () => flow.next('pause'),
    resume: () => flow.next('resume'),
    close: () => {
      closed = true;
      written.complete();
    },
  };
};
