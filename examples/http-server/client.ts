/**
 * Sends its arguments to a room of that server. The invite is any room's, as a link with the server's address.
 *
 * RXCHAT_INVITE='http://127.0.0.1:8080/#...' node client.js hello
 */
import { concatMap, from, switchMap, take } from 'rxjs';
import { openSession } from 'rxchat';

const texts = process.argv.slice(2);

openSession(process.env['RXCHAT_INVITE'] ?? '', { nick: 'guest' })
  .pipe(
    switchMap(({ send }) => from(texts).pipe(concatMap((text) => send(text)))),
    take(texts.length),
  )
  .subscribe({
    next: ({ position }) => {
      console.log(`stored at ${position ?? 'some place'}`);
    },
    error: (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  });
