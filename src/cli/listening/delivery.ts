import { concatMap, from, map, type Observable, type OperatorFunction, tap } from 'rxjs';
import type { Heard, Message } from '../../../streams/index.js';
import { note } from '../exit.js';
import type { Printed } from '../listenFormat.js';
import { writtenOut } from '../output.js';
import type { Cursor } from './cursor.js';
import type { Pressure } from './pressure.js';

/** Something that is heard, whether it is to be delivered, and how far one is once it was. */
export interface Reading {
  readonly heard: Heard;
  readonly isWanted: boolean;
  readonly cursor: Cursor | undefined;
}

/** What came together in, how far one is out once it was taken. */
export type Delivery = OperatorFunction<readonly Reading[], Cursor | undefined>;

type Format = (heard: Heard) => Printed;

/** Writes to standard output. Takes what was written off what waits. */
export const toOutput = (format: Format, held: Pick<Pressure, 'add'>): Delivery =>
  writtenOut((slice) => {
    const printed = slice.flatMap(({ heard, isWanted }) => (isWanted ? [format(heard)] : []));
    return {
      lines: printed.flatMap(({ out }) => (out === undefined ? [] : [out])),
      notes: printed.flatMap((each) => (each.note === undefined ? [] : [each.note])),
      count: slice.length,
      known: slice.findLast(({ cursor }) => cursor !== undefined)?.cursor,
    };
  }, held);

/** Gives each message to a command, one after the other; what is no message is a note. Takes what was done off what waits. */
export const toCommand =
  (
    format: Format,
    runOn: (message: Message) => Observable<void>,
    pressure: Pick<Pressure, 'add'>,
  ): Delivery =>
  (batch$) =>
    batch$.pipe(
      concatMap((batch) => from(batch)),
      concatMap((reading) => {
        const { heard, isWanted } = reading;
        if (isWanted && heard.type === 'message') return runOn(heard).pipe(map(() => reading));
        const { note: text } = isWanted ? format(heard) : {};
        if (text !== undefined) note(text);
        return [reading];
      }),
      tap(() => pressure.add(-1)),
      map(({ cursor }) => cursor),
    );
