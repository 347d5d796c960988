/**
 * A bot: answers `!dice` with a number from 1 to 6, and `!who` with the members of the room. It runs until it is interrupted,
 * and reconnects if the relay restarts.
 *
 * RXCHAT_INVITE='rxchat://...' node main.js
 */
import {
  catchError,
  EMPTY,
  filter,
  map,
  merge,
  mergeMap,
  type Observable,
  switchMap,
  tap,
  withLatestFrom,
} from 'rxjs';
import { openSession, type Session } from 'rxchat';

const aborter = new AbortController();
process.once('SIGINT', () => {
  aborter.abort();
});

const answer = (text: string, nicks: readonly string[]): string | undefined => {
  if (text === '!dice') return String(1 + Math.floor(6 * Math.random()));
  return text === '!who' ? nicks.join(', ') : undefined;
};

const answers = ({ message$, roster$, send }: Session): Observable<unknown> =>
  message$.pipe(
    // Messages that cannot be decrypted are values; the bot ignores them and its own messages.
    filter((message) => message.type === 'message'),
    filter(({ own }) => !own),
    withLatestFrom(roster$),
    map(([{ text }, { nicks }]) => answer(text, nicks)),
    filter((text) => text !== undefined),
    // An answer that cannot be sent does not end the bot.
    mergeMap((text) => send(text).pipe(catchError(() => EMPTY))),
  );

openSession(process.env['RXCHAT_INVITE'] ?? '', { nick: 'bot', signal: aborter.signal })
  .pipe(
    switchMap((session) =>
      merge(
        session.state$.pipe(
          tap(({ type }) => {
            console.log(type);
          }),
        ),
        answers(session),
      ),
    ),
  )
  .subscribe({
    error: (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  });
