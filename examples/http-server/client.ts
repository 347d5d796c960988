/**
 * Says its arguments in a room of that server. The invite is that of any room, with the server's address as a link.
 *
 * RXCHAT_INVITE='http://127.0.0.1:8080/#...' node client.js hello
 */
import { concatMap, from, switchMap, take } from 'rxjs';
import { connect } from 'rxchat';

const texts = process.argv.slice(2);

connect(process.env['RXCHAT_INVITE'] ?? '', { nick: 'guest' })
  .pipe(
    switchMap(({ say }) => from(texts).pipe(concatMap((text) => say(text)))),
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
