/**
 * Compares three hand-written operators of the core with the same operators composed of RxJS's own: the figures of ADR 0029.
 * Each variant runs in processes of its own, in turn. Prints the medians and their ratios as Markdown.
 *
 *   npm run bench:operators
 */
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  endWith,
  exhaustMap,
  expand,
  finalize,
  ignoreElements,
  map,
  NEVER,
  of,
  startWith,
  Subject,
  take,
  takeWhile,
  tap,
} from 'rxjs';
import { fanOut } from '../dist/streams/relay/delivery/fanOut.js';
import { commitQueue } from '../dist/streams/relay/log/commitQueue.js';
import { groupCommit } from '../dist/streams/relay/log/groupCommit.js';
import { roomLog } from '../dist/streams/relay/log/roomLog.js';
import { concatMapIterable } from '../dist/streams/rx/concatMapIterable.js';

const RUNS = 9;
const LINE = Buffer.from(`gAAAAA${'AbC-_9'.repeat(23)}AAAA\n`);
const WINDOW_BYTES = 1 << 20;

/** Returns the CPU time of a call in ns, once the code is compiled. */
const timeOf = (run) => {
  run(0.2);
  const start = process.cpuUsage();
  run(1);
  const { user, system } = process.cpuUsage(start);
  return (user + system) * 1000;
};

const composedFanOut =
  ({ cursor, sink }) =>
  (appended$) => {
    /** Writes to the end of the log, and returns whether the sink pushed back. */
    const write = () => {
      for (let read = cursor.read(); read !== undefined; read = cursor.read())
        if (!sink.write(read)) return true;
      return false;
    };
    const catchUp$ = defer(() => (write() ? sink.writable$.pipe(takeWhile(write), ignoreElements()) : EMPTY));
    return appended$.pipe(
      startWith(undefined),
      exhaustMap(() => catchUp$),
    );
  };

const composedGroupCommit =
  (room, { endOfTick$, ...options }) =>
  (event$) =>
    defer(() => {
      const queue = commitQueue(room, options);
      const stored$ = defer(() => queue.beginCommit() ?? EMPTY);
      const commit$ = concat(endOfTick$.pipe(take(1), ignoreElements()), stored$).pipe(
        endWith(undefined),
        map(() => queue.endCommit()),
        catchError((reason) => of(queue.endCommit({ reason }))),
      );
      return event$.pipe(
        tap((event) => queue.enqueue(event)),
        exhaustMap(() => commit$.pipe(expand(() => (queue.isPending ? commit$ : EMPTY)))),
        finalize(() => queue.close()),
      );
    });

/** Time per member, for each line that `fanOut` writes to a hundred of them. */
const deliveries = (operator) => {
  const [members, lines] = [100, 5000];
  const log = roomLog({ id: 'log', windowBytes: WINDOW_BYTES });
  const grown = new Subject();
  const sink = { write: () => true, writable$: NEVER };
  for (let n = 0; n < members; n += 1) grown.pipe(operator({ cursor: log.cursor(1), sink })).subscribe();
  const run = (part) => {
    for (let n = 0; n < part * lines; n += 1) {
      log.append({ bytes: LINE, count: 1 });
      log.commit(log.batch());
      grown.next();
    }
  };
  return timeOf(run) / (members * lines);
};

/** Time per line, if `perTick` of them are committed together. */
const commits = (operator, perTick) => {
  const lines = perTick === 1 ? 200_000 : 2_000_000;
  const [event, tick] = [new Subject(), new Subject()];
  const readControl = { pause: () => undefined, resume: () => undefined };
  const member = { connection: {}, readControl };
  const options = { logId: () => 'log', endOfTick$: tick, windowBytes: WINDOW_BYTES };
  event.pipe(operator('room', options)).subscribe();
  event.next({ type: 'joined', member, count: 1 });
  tick.next();
  const tokens = { type: 'tokens', member, lines: { bytes: LINE, count: 1 } };
  const run = (part) => {
    for (let n = 0; n < (part * lines) / perTick; n += 1) {
      for (let each = 0; each < perTick; each += 1) event.next(tokens);
      tick.next();
    }
  };
  return timeOf(run) / lines;
};

/** Time per value, if each iterable has `size` of them. */
const values = (operator, size) => {
  const count = size === 1 ? 2_000_000 : 20_000_000;
  const source = new Subject();
  const iterable = Array.from({ length: size }, (_, n) => n);
  let sum = 0;
  source.pipe(operator(() => iterable)).subscribe((value) => (sum += value));
  const run = (part) => {
    for (let n = 0; n < (part * count) / size; n += 1) source.next(n);
  };
  return timeOf(run) / count;
};

const ROWS = [
  ['`LogWriter` of `fanOut`', (is) => deliveries(is ? fanOut : composedFanOut)],
  ['`groupCommit`, 1 line per tick', (is) => commits(is ? groupCommit : composedGroupCommit, 1)],
  ['`groupCommit`, 100 lines per tick', (is) => commits(is ? groupCommit : composedGroupCommit, 100)],
  ['`concatMapIterable` of 1 value', (is) => values(is ? concatMapIterable : concatMap, 1)],
  ['`concatMapIterable` of 100 values', (is) => values(is ? concatMapIterable : concatMap, 100)],
];

const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
const measure = (row, kind) =>
  Number(execFileSync(process.execPath, [import.meta.filename, String(row), kind], { encoding: 'utf8' }));

const [row, kind] = process.argv.slice(2);
if (row !== undefined) console.log(ROWS[Number(row)][1](kind === 'hand-written'));
else {
  console.log('| Operator | Composed | Hand-written | Ratio |\n| --- | --- | --- | --- |');
  for (const [at, [name]] of ROWS.entries()) {
    const runs = Array.from({ length: RUNS }, () =>
      ['composed', 'hand-written'].map((each) => measure(at, each)),
    );
    const [composed, own] = [0, 1].map((n) => median(runs.map((run) => run[n])));
    console.log(
      `| ${name} | ${composed.toFixed(0)} ns | ${own.toFixed(0)} ns | ${(composed / own).toFixed(2)} |`,
    );
  }
}
