import { BehaviorSubject, map, merge, type Observable, share, switchMap, tap } from 'rxjs';
import { type Heard, type Identity, type Said, type Say, type Token } from '../../streams/client/index.js';
import { mailbox } from '../../streams/client/mailbox.js';
import { type Connection, type Resume, toBase64url } from '../../streams/wire/index.js';
import { browserPlatform } from '../browser/browserPlatform.js';
import { sha256 } from '../browser/keys.js';
import type { Invite } from '../invite/invite.js';
import { roomOn } from '../roomOn.js';
import type { Stay } from './stay.js';

/** So many entries are read at first, and so many more at the first look back; then twice as many each time. */
const AT_FIRST = 200;
const LOOK_BACK = 400;

/** So many messages may wait for their receipts. */
const WAITING = 500;

export interface TalkOptions {
  readonly invite: Invite;
  readonly room: string;
  readonly nick: string;
  readonly identity: Identity;
  readonly known: () => ReadonlyMap<string, string>;
  readonly stay: Stay;
  readonly keep: (stay: Stay) => void;
  /** Emits when a wait for the relay is to be cut short. */
  readonly retry$: Observable<unknown>;
}

/** A room, of which more and more of what was said before can be read. */
export interface Talk {
  /** What is heard. After a look back everything comes once more, from further back on: a position names an entry. */
  readonly heard$: Observable<Heard>;
  /** Says all of it, or nothing and answers `false`, if too much waits already. */
  readonly say: (says: readonly Say[]) => boolean;
  /** Emits when the relay is tried again at once, should it be away. */
  readonly retry$: Observable<unknown>;
  /** Reads from further back on, where there is more. */
  readonly lookBack: () => boolean;
}

/** Signatures that held, by a hash of all that was signed: a look back would check them all again. */
const remembering = () => {
  const held = new Set<string>();
  const { verify } = browserPlatform;
  return (key: string, message: Uint8Array, signature: string): boolean => {
    const name = `${key}${signature}${toBase64url(sha256(message))}`;
    if (held.has(name)) return true;
    const holds = verify(key, message, signature);
    if (holds) held.add(name);
    const [oldest] = held;
    if (held.size > 50_000 && oldest !== undefined) held.delete(oldest);
    return holds;
  };
};

/**
 * A log is read from some position on, over a connection. So to look back is to come again, as the same session and
 * without a farewell, so that the others notice nothing; what is pending goes along.
 */
export const talk = ({
  invite,
  room: name,
  nick,
  identity,
  known,
  stay,
  keep,
  retry$,
}: TalkOptions): Talk => {
  const { session } = stay;
  const { post, letter$ } = mailbox<Say>();
  const start$ = new BehaviorSubject<{ readonly after: Resume } | { readonly last: number }>({
    last: AT_FIRST,
  });
  const pending = new Map<string, Said>(
    stay.said.map((said) => [said.token, { ...said, type: 'said', token: said.token as Token }]),
  );
  const resume$ = merge(browserPlatform.resume$, retry$).pipe(share());
  const room = roomOn({ ...browserPlatform, resume$, verify: remembering() });
  let unsaid = 0;
  let isMoving = false;
  let isLookingBack = false;
  let step = LOOK_BACK;
  let read:
    | { readonly log: string; readonly from: number; readonly first: number; readonly next: number }
    | undefined;

  const keepOn = () => {
    const said = [...pending.values()].map(({ lines, act, token, bytes }) => ({ lines, act, token, bytes }));
    keep({ room: name, session, said });
  };
  keepOn();

  const quiet = (connection: Connection): Connection => ({
    ...connection,
    write: (bytes) => isMoving || connection.write(bytes),
  });

  const note = (heard: Heard) => {
    switch (heard.type) {
      case 'said':
        if (!pending.has(heard.token)) unsaid = Math.max(0, unsaid - 1);
        pending.set(heard.token, heard);
        keepOn();
        break;
      case 'stored':
        pending.delete(heard.token);
        keepOn();
        break;
      case 'welcome':
        if (read?.log !== heard.log || heard.from < read.from) read = heard;
        isLookingBack = false;
        break;
    }
  };

  return {
    heard$: start$.pipe(
      switchMap((start) =>
        letter$.pipe(
          room(invite, {
            nick,
            identity,
            known: known(),
            ...start,
            restored: { session, said: [...pending.values()] },
            connect: (to) => {
              isMoving = false;
              return browserPlatform.connect(to).pipe(map(quiet));
            },
          }),
        ),
      ),
      tap(note),
    ),
    retry$: resume$,
    say: (says) => {
      if (pending.size + unsaid + says.length > WAITING) return false;
      unsaid += says.length;
      says.forEach(post);
      return true;
    },
    lookBack: () => {
      if (read === undefined || isLookingBack || read.from <= read.first) return false;
      isLookingBack = true;
      isMoving = true;
      const n = Math.max(read.first, read.from - step) - 1;
      step *= 2;
      start$.next({ after: { log: read.log, n } });
      return true;
    },
  };
};
