/**
 * The operators alone, on the streams of another app: `npm run types` compiles this, and nothing runs it. Each line pins the type
 * of the output for an input of that app.
 */
import type { Observable } from 'rxjs';
import {
  type Alarm,
  type Announced,
  entries,
  fanOut,
  heartbeat,
  type Lines,
  lines,
  type Offline,
  open,
  type OpenedToken,
  type OpenOptions,
  type LogReader,
  type RelayMessage,
  reconnect,
  seal,
  type SealedMessage,
  type SealOptions,
  type Sink,
  type TokenEntry,
  type Undecryptable,
} from '../../streams/index.js';
import { presence } from '../../streams/relay/members/presence.js';

/** Neither wider nor narrower; `any` is like nothing. */
type IsSame<A, B> = 0 extends 1 & A ? false : [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** Compiles where an Observable has just this element type. */
declare const pinned: <Expected>() => <Actual>(
  value$: Observable<Actual>,
  ...same: IsSame<Actual, Expected> extends true ? [] : [never]
) => void;

/** Elements of other applications. */
interface Reading {
  readonly type: 'reading';
  readonly celsius: number;
}
interface Order {
  readonly lines: readonly string[];
  readonly customer: number;
}
interface Carriage {
  readonly member: { readonly nick: string; readonly wheels: number };
}
type Movement =
  | (Carriage & { readonly type: 'joined'; readonly resumed: boolean; readonly count: number })
  | (Carriage & { readonly type: 'left'; readonly platform: string })
  | { readonly type: 'idle'; readonly since: Date };

declare const buffer$: Observable<Buffer>;
declare const line$: Observable<Lines>;
declare const order$: Observable<Order>;
declare const reading$: Observable<Reading>;
declare const mixed$: Observable<TokenEntry | Reading>;
declare const movement$: Observable<Movement>;
declare const date$: Observable<Date>;
declare const sealing: SealOptions;
declare const opening: OpenOptions;
declare const cursor: LogReader;
declare const sink: Sink;

// Framing: any bytes, a Buffer too.
pinned<Lines>()(buffer$.pipe(lines({ maxLineBytes: 1024 })));
pinned<RelayMessage>()(line$.pipe(entries()));
pinned<RelayMessage>()(buffer$.pipe(lines(), entries()));

// Sealing: whatever has lines. Opening: tokens, and what comes between them stays what it is.
pinned<SealedMessage>()(order$.pipe(seal(sealing)));
pinned<OpenedToken | Undecryptable | Alarm | Reading>()(mixed$.pipe(open<Reading>(opening)));

// Fan-out: a notice is anything, a log is what can be read, and nothing comes out.
pinned<never>()(date$.pipe(fanOut({ cursor, sink })));
pinned<never>()(date$.pipe(fanOut({ cursor: { read: () => undefined }, sink })));

// Links: elements of any type.
pinned<Reading>()(reading$.pipe(heartbeat({ periodMs: 1000, sendPing: () => undefined })));
pinned<Reading | Offline>()(
  reading$.pipe(
    reconnect({
      random: () => 0,
      now: () => 0,
      isUp: ({ celsius }) => celsius > 0,
      closeReason: ({ celsius }) => (celsius > 100 ? { reason: 'it boils', retryMs: 0 } : undefined),
      isFatal: (error) => error instanceof RangeError,
    }),
  ),
);

// Presence: members of your own, of whom only the nick is read; they come out as they came.
pinned<Movement | Announced>()(movement$.pipe(presence({ coalesceMs: 100 })));

// Other types are rejected.
// @ts-expect-error: text is not bytes
lines()(null as unknown as Observable<string>);
// @ts-expect-error: a reading has nothing to say
reading$.pipe(seal(sealing));
// @ts-expect-error: what comes between the tokens has to say its type
open<Date>(opening);
// @ts-expect-error: nobody came or went
date$.pipe(presence());
