import { asyncScheduler, from, type Observable, switchMap } from 'rxjs';
import { checkClassicNick } from '../../streams/classic/nick.js';
import { talk, type TalkHeard } from '../../streams/classic/talk.js';
import { readCipher, readNick } from '../cli/client.js';
import { CliError, Exit } from '../cli/exit.js';
import { type Flags, span } from '../cli/flags.js';
import { connectTcp } from '../transport/tcp.js';
import { readExposedAddress, tellExposure } from './exposure.js';
import { readKey } from './fernetKey.js';
import { CLIENT_SILENCE, readTiming } from './timing.js';

const LONGEST_TIMEOUT = 86_400_000;
const TIMEOUT = 30_000;

/** A client as its flags say. */
export interface Client {
  readonly nick: string;
  /** What is said in, what is heard out, over one connection. */
  readonly hear: (say$: Observable<string>) => Observable<TalkHeard>;
}

/** Reads the flags that all clients of the old wire share; says what it lacks. */
export const readClient = (flags: Flags, { unique }: { readonly unique: boolean }): Client => {
  const address = readExposedAddress(flags);
  const key = readKey(flags);
  const given = flags['nick'];
  const nick = typeof given === 'string' ? checkClassicNick(given) : readNick(flags, { unique });
  const timing = readTiming(flags, CLIENT_SILENCE);
  const timeout = span(flags, 'timeout', 0, LONGEST_TIMEOUT) ?? TIMEOUT;
  tellExposure();
  return {
    nick,
    hear: (say$) =>
      from(readCipher(flags)).pipe(
        switchMap((cipher) =>
          connectTcp(address).pipe(
            switchMap((connection) =>
              say$.pipe(
                talk({
                  ...timing,
                  connection,
                  cipher,
                  key,
                  nick,
                  now: () => Math.floor(asyncScheduler.now() / 1000),
                  writeTimeout: timeout === 0 ? Infinity : timeout,
                }),
              ),
            ),
          ),
        ),
      ),
  };
};

/** The server has closed the connection, and there is no coming back on this wire. */
export const serverGone = (): CliError =>
  new CliError(
    Exit.network,
    'the server closed the connection',
    'the classic wire has no resume: start again',
  );
