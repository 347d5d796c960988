import { concatMap, from, map, Observable, type OperatorFunction, tap } from 'rxjs';
import type { Heard, Message } from '../../../streams/index.js';
import { stacked, type Visible } from '../../terminal/visible.js';
import { writeOut } from '../../terminal/write.js';
import { note } from '../exit.js';
import type { Printed } from '../listenFormat.js';
import type { Cursor } from './cursor.js';
import type { Pressure } from './pressure.js';

/** Something that is heard, whether it is to be delivered, and how far one is once it was. */
export interface Reading {
  readonly heard: Heard;
  readonly isWanted: boolean;
  readonly cursor: Cursor | undefined;
}

/** What came together in, the same out once it was taken. */
export type Delivery = OperatorFunction<readonly Reading[], readonly Reading[]>;

type Format = (heard: Heard) => Printed;

/** Writes to standard output: what came together is one write, taken once the system has it. */
export const toOutput =
  (format: Format): Delivery =>
  (batch$) =>
    batch$.pipe(
      concatMap((batch) => {
        const printed = batch.flatMap(({ heard, isWanted }) => (isWanted ? [format(heard)] : []));
        for (const { note: text } of printed) if (text !== undefined) note(text);
        const out = printed.flatMap((each) => (each.out === undefined ? [] : [each.out]));
        return out.length === 0 ? [batch] : written(stacked(out)).pipe(map(() => batch));
      }),
    );

const written = (text: Visible): Observable<void> =>
  new Observable((subscriber) => {
    writeOut(text, (error) => {
      // Why it could not be written, standard output says itself, and that ends it all.
      if (error instanceof Error) return;
      subscriber.next();
      subscriber.complete();
    });
  });

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
      map((reading) => [reading]),
    );
