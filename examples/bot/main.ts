/**
 * A bot: answers `!dice` with a number from 1 to 6, and `!who` with those who are here. It stays until it is interrupted,
 * whatever happens to the relay meanwhile.
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
import { connect, type Session } from 'rxchat';

const aborter = new AbortController();
process.once('SIGINT', () => {
  aborter.abort();
});

const answer = (text: string, nicks: readonly string[]): string | undefined => {
  if (text === '!dice') return String(1 + Math.floor(6 * Math.random()));
  return text === '!who' ? nicks.join(', ') : undefined;
};

const answers = ({ message$, member$, say }: Session): Observable<unknown> =>
  message$.pipe(
    // What does not open is a value among the messages; a bot has no answer to it, nor to itself.
    filter((message) => message.type === 'message'),
    filter(({ own }) => !own),
    withLatestFrom(member$),
    map(([{ text }, { nicks }]) => answer(text, nicks)),
    filter((text) => text !== undefined),
    // One answer that cannot be said is no end of the bot.
    mergeMap((text) => say(text).pipe(catchError(() => EMPTY))),
  );

connect(process.env['RXCHAT_INVITE'] ?? '', { nick: 'bot', signal: aborter.signal })
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
