import { concatMap, from, map, Observable, type OperatorFunction, tap, takeWhile } from 'rxjs';
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { ClientEvent, Message } from '../../../../streams/index.js';
import { printNote, CliError, Exit } from '../../process/exit.js';
import { writeSlices, type TickSlice, sliceTicks } from '../../process/output.js';
import { type StoredPosition, trackPosition } from './cursorFile.js';
import type { Backpressure } from '../../shared/backpressure.js';
import { concatText, safe, sanitizeInput, sanitizeNick } from '../../../text/sanitize.js';
import type { Contacts } from '../../shared/contacts.js';
import { type Flags, stringFlag } from '../../args/flags.js';
import { formatItem, jsonFormat, textFormat, type FormattedEvent } from './format.js';
import type { FilteredEvent } from './messageFilter.js';
import { describeSystemError } from '../../../util/errors.js';
import { removeSecrets } from '../../../util/removeSecrets.js';

/** An event, whether to deliver it, and the read position after it. */
interface DeliveryItem extends FilteredEvent {
  readonly cursor: StoredPosition | undefined;
}

/** Delivers batches of events, and emits the read position after each delivery. */
type DeliveryOperator = OperatorFunction<readonly DeliveryItem[], StoredPosition | undefined>;

type Format = (event: ClientEvent) => FormattedEvent;

/** Writes events to standard output, and releases their backpressure once written. */
const deliverToOutput = (format: Format, backpressure: Pick<Backpressure, 'add'>): DeliveryOperator =>
  writeSlices((slice) => {
    const formatted = slice.flatMap((item) => (item.isSelected ? [formatItem(format, item)] : []));
    return {
      lines: formatted.flatMap(({ out }) => (out === undefined ? [] : [out])),
      notes: formatted.flatMap(({ notes }) => notes),
      count: slice.length,
      value: slice.findLast(({ cursor }) => cursor !== undefined)?.cursor,
    };
  }, backpressure);

/**
 * Passes each message to a command, one after the other, and releases its backpressure.
 * Other events become notes.
 */
export const deliverToCommand =
  (
    format: Format,
    run: (message: Message) => Observable<void>,
    backpressure: Pick<Backpressure, 'add'>,
  ): DeliveryOperator =>
  (batch$) =>
    batch$.pipe(
      concatMap((batch) => from(batch)),
      concatMap((item) => {
        const { event, isSelected } = item;
        if (isSelected && event.type === 'message') return run(event).pipe(map(() => item));
        const { notes } = isSelected ? formatItem(format, item) : { notes: [] };
        for (const text of notes) printNote(text);
        return [item];
      }),
      tap(() => backpressure.add(-1)),
      map(({ cursor }) => cursor),
    );

interface DeliveryOptions {
  readonly nick: string;
  readonly room: string;
  readonly contacts: Pick<Contacts, 'isVerified' | 'isChanged'>;
  readonly backpressure: Backpressure;
  /** Returns the nick of a key's latest message in a group room, or `undefined` in a key room. */
  readonly nickOf?: (key: string) => string | undefined;
}

/** Returns how to deliver events, by `--json`, `--events` and `--exec`. */
export const deliveryFromFlags = (
  flags: Flags,
  { nick, room, contacts, backpressure, nickOf }: DeliveryOptions,
): DeliveryOperator => {
  const { isVerified, isChanged } = contacts;
  const json = jsonFormat(nick, room, isVerified, flags['events'] === true, isChanged, nickOf);
  const text = textFormat(nick, isChanged, nickOf !== undefined);
  const plain = flags['time'] === true ? withTime(text) : text;
  const command = stringFlag(flags, 'exec');
  if (command === undefined) return deliverToOutput(flags['json'] === true ? json : plain, backpressure);

  // The command may write the text to a terminal, so only tabs and line ends stay. `--json` has the exact text.
  const inputOf = (message: Message) =>
    flags['json'] === true ? (json(message).out ?? '') : sanitizeInput(message.text);
  return deliverToCommand(
    plain,
    (message) => runExecCommand(command, `${inputOf(message)}\n`, message, isChanged(message)),
    backpressure,
  );
};

/** Puts the time of the sender's clock, in UTC, before each message (`--time`). */
const withTime =
  (format: (event: ClientEvent) => FormattedEvent) =>
  (event: ClientEvent): FormattedEvent => {
    const formatted = format(event);
    return event.type === 'message' && formatted.out !== undefined
      ? { ...formatted, out: concatText(safe`${new Date(event.time).toISOString()} `, formatted.out) }
      : formatted;
  };

interface DeliveryBatchOptions {
  readonly filter: (event: ClientEvent) => readonly FilteredEvent[];
  readonly start: StoredPosition | undefined;
  /** Maximum number of messages. */
  readonly count: number;
  readonly failOnGap: boolean;
  /** The text that ends listening after a message contains it. */
  readonly until?: string | undefined;
}

/** Turns the events of a turn into delivery items, until an end condition is met. */
interface DeliveryBatches {
  readonly next: (slice: TickSlice<ClientEvent>) => readonly DeliveryItem[];
  /** Why listening has ended, or `undefined` if it has not. */
  readonly endReason: 'count' | 'gap' | 'until' | undefined;
}

/** Creates the batches of a listener, from its start and its end conditions. */
export const createDeliveryBatches = ({
  filter,
  start,
  count,
  failOnGap,
  until,
}: DeliveryBatchOptions): DeliveryBatches => {
  const advance = trackPosition(start);
  let seen = 0;
  let endReason: DeliveryBatches['endReason'];

  const endAt = ({ event, isSelected }: FilteredEvent): DeliveryBatches['endReason'] => {
    if (!isSelected) return undefined;
    if (failOnGap && (event.type === 'gap' || event.type === 'log-changed')) return 'gap';
    if (event.type !== 'message') return undefined;
    seen += 1;
    if (until !== undefined && event.text.includes(until)) return 'until';
    return seen >= count ? 'count' : undefined;
  };

  return {
    next: ({ values, next }) => {
      const items: DeliveryItem[] = [];
      const filtered = values.flatMap(filter);
      for (const [index, each] of filtered.entries()) {
        if (endReason !== undefined) break;
        endReason = endAt(each);
        // The gap is reported but not passed, so that the next run reports it again.
        const cursor =
          endReason === 'gap' ? undefined : advance(each.event, filtered[index + 1]?.event ?? next);
        items.push({ ...each, cursor });
      }
      return items;
    },
    get endReason() {
      return endReason;
    },
  };
};

/**
 * Turns events into delivery items, in slices per turn of the event loop.
 * Completes when `batches` has an end reason. Events count as backpressure from their arrival, because a socket may be
 * read many times in one turn.
 */
export const batchDeliveries =
  (
    batches: DeliveryBatches,
    backpressure: Pick<Backpressure, 'add'>,
  ): OperatorFunction<ClientEvent, readonly DeliveryItem[]> =>
  (event$) =>
    event$.pipe(
      tap(() => backpressure.add(1)),
      sliceTicks(),
      map((slice) => {
        const items = batches.next(slice);
        backpressure.add(items.length - slice.values.length);
        return items;
      }),
      takeWhile(() => batches.endReason === undefined, true),
    );

/**
 * Runs a shell command for a message, and emits when it exits with 0.
 * The command gets the message in its standard input and its environment, never in the command text. Errors with
 * `CliError` if it fails. Unsubscribing kills the command.
 */
export const runExecCommand = (
  command: string,
  input: string,
  message: Message,
  isChanged: boolean,
): Observable<void> =>
  new Observable((subscriber) => {
    const onError = (error: unknown) => {
      subscriber.error(new CliError(Exit.unexpected, `cannot run --exec: ${describeSystemError(error)}`));
    };
    let child: ChildProcess;
    try {
      child = spawn(command, {
        shell: true,
        stdio: ['pipe', 'inherit', 'inherit'],
        env: { ...removeSecrets(process.env), ...messageEnvironment(message, isChanged) },
      });
    } catch (error) {
      // Node throws some system errors, such as a command that is too long, and emits others as events.
      onError(error);
      return undefined;
    }
    child.once('error', onError);
    child.once('close', (code, signal) => {
      if (code === 0) {
        subscriber.next();
        subscriber.complete();
      } else subscriber.error(exitError(code, signal, message));
    });
    // A command may ignore its input, and has no standard input if no more files can be opened.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    return () => {
      if (child.exitCode === null) child.kill();
    };
  });

const messageEnvironment = (
  { position, index, nick, key, time, old }: Message,
  isChanged: boolean,
): Readonly<Record<string, string>> => ({
  RXCHAT_MESSAGE_POSITION: String(position),
  RXCHAT_MESSAGE_INDEX: String(index),
  RXCHAT_MESSAGE_NICK: sanitizeNick(nick),
  RXCHAT_MESSAGE_KEY: key,
  RXCHAT_MESSAGE_TIME: new Date(time).toISOString(),
  ...(isChanged && { RXCHAT_MESSAGE_CHANGED: '1' }),
  ...(old === true && { RXCHAT_MESSAGE_OLD: '1' }),
});

const exitError = (code: number | null, signal: NodeJS.Signals | null, { position }: Message): CliError => {
  // Ctrl-C reaches both processes at once.
  if (signal === 'SIGINT') return new CliError(128 + constants.signals.SIGINT, 'interrupted');
  return new CliError(
    Exit.unexpected,
    `--exec ended with ${code ?? signal ?? 'nothing'} for the message at position ${position}`,
    'with --cursor-file the next run repeats that message; append || true to a command that may fail',
  );
};
