import { isDrawable } from '../../terminal/drawable.js';
import { concat, defer, filter, ignoreElements, map, of, takeUntil, takeWhile, tap } from 'rxjs';
import type { Run } from '../../cli/commandTable.js';
import { Exit } from '../../cli/exit.js';
import { oneWriteATurn } from '../../cli/output.js';
import { interruption$, outputClosed$ } from '../../cli/process.js';
import { readClient, serverGone } from '../client.js';
import { pipedDesk, terminalDesk } from '../desk.js';
import { chatLine } from '../heardFormat.js';

/** `rxchat join --wire classic`: the interactive client; in pipes a plain one. */
export const join: Run = ({ flags }) =>
  defer(() => {
    const { hear, nick } = readClient(flags, { unique: false });
    const interactive = process.stdin.isTTY && process.stdout.isTTY && isDrawable(process.env['TERM']);
    const desk = interactive ? terminalDesk(nick) : pipedDesk(flags);
    let isOver = false;

    const heard$ = desk.say$.pipe(
      hear,
      tap((heard) => {
        if (heard.type === 'message' && heard.own) desk.wrote(heard.text);
      }),
      takeWhile(({ type }) => {
        isOver = type === 'said-all';
        return !isOver;
      }),
    );

    return concat(
      heard$.pipe(
        map((heard) => chatLine(heard, nick)),
        filter((line) => line !== undefined),
        oneWriteATurn(),
        tap((text) => {
          desk.print(text);
        }),
        ignoreElements(),
        takeUntil(outputClosed$.pipe(tap(() => (isOver = true)))),
        takeUntil(interruption$),
      ),
      defer(() => {
        if (desk.failure !== undefined) throw desk.failure;
        if (!isOver) throw serverGone();
        return of(Exit.ok);
      }),
    );
  });
