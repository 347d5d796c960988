/**
 * Says what stands in its arguments in a room of that server: the same `connect`, another way to the relay.
 *
 * RXCHAT_INVITE='rxchat://127.0.0.1:8080/#...' node client.js hello
 */
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { concatMap, from, Observable, switchMap, take } from 'rxjs';
import { connect, type Invite, tcpConnection } from 'rxchat';
import { type Connection, LinkError } from 'rxchat/streams';

const upgraded = ({ host, port }: Invite): Observable<Connection> =>
  new Observable((subscriber) => {
    const asked = request({ host, port, headers: { connection: 'Upgrade', upgrade: 'rxchat' } });
    let isOurs = false;
    asked.on('upgrade', (_response, socket: Socket, head: Buffer) => {
      if (head.length > 0) socket.unshift(head);
      isOurs = true;
      subscriber.next(tcpConnection(socket));
      subscriber.complete();
    });
    asked.on('response', ({ statusCode }) => {
      subscriber.error(new LinkError(`the server answered ${statusCode}, and is no relay`));
    });
    asked.on('error', ({ message }) => {
      subscriber.error(new LinkError(message));
    });
    asked.end();
    return () => {
      if (!isOurs) asked.destroy();
    };
  });

const texts = process.argv.slice(2);

connect(process.env['RXCHAT_INVITE'] ?? '', { nick: 'guest', connect: upgraded })
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
