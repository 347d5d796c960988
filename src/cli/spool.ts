import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../files/makeDirectory.js';
import {
  audit,
  connect,
  dematerialize,
  filter,
  finalize,
  ignoreElements,
  map,
  materialize,
  merge,
  type MonoTypeOperatorFunction,
  type Observable,
  switchMap,
  tap,
} from 'rxjs';
import {
  decodeEnvelope,
  encodeEnvelope,
  type Heard,
  type Identity,
  resumeAfter,
  type Said,
  type Say,
  type Token,
} from '../../streams/client/index.js';
import { encodeLine, formatResume, readResume, type Resume } from '../../streams/wire/index.js';
import { nodeCipher } from '../crypto/nodeCipher.js';
import { randomText } from '../crypto/random.js';
import { deriveRoomKeys } from '../crypto/roomKeys.js';
import type { RoomKeys } from '../crypto/secret.js';
import { createIdentity } from '../crypto/signingKey.js';
import type { Invite } from '../invite/invite.js';
import { systemFault } from '../systemFault.js';
import { endOfTurn$ } from '../turn.js';
import { note } from './exit.js';
import { writeWhole } from '../files/wholeFile.js';
import { type Content, isResume, type OwnFile, ownFile } from './spoolFile.js';
import { stateDir } from './stateDir.js';

/** The most that is kept of one run, in bytes of tokens. */
const LARGEST = 67_108_864;

/**
 * What one run of a client said and has no receipt for, on disk: tokens, as they go over the wire, so that nobody reads
 * them there without the invite.
 */
export interface Spool {
  /** The session to go on with. */
  readonly session: string;
  /** What an earlier run left, oldest first. */
  readonly said: readonly Said[];
  /** How far that run had read. */
  readonly after: Resume | undefined;
  /** How far this one has. */
  readonly at: Resume | undefined;
  /** Takes note of what was heard. */
  take(heard: Heard): void;
  /** How many lines wait. */
  readonly count: number;
  /** Takes lines that were not even said, up to 64 MiB of them in all. */
  add(say: Say): void;
  /** Writes what waits; where nothing does, there is no file. */
  save(): void;
  /** Whether all that waited when it was saved last is there. */
  readonly isKept: boolean;
}

/** Where the spools of all rooms are. */
export const spoolDir = (): string => join(stateDir(), 'outbox');

/** Keeps a spool up to date with what is heard, a write a turn; what waits at the end stays in it. */
export const keeping =
  (spool: Spool): MonoTypeOperatorFunction<Heard> =>
  (heard$) =>
    heard$.pipe(
      connect((shared$) =>
        merge(
          shared$.pipe(tap((heard) => spool.take(heard))),
          shared$.pipe(
            filter(({ type }) => type === 'said' || type === 'stored'),
            audit(() => endOfTurn$),
            tap(() => spool.save()),
            ignoreElements(),
          ),
        ),
      ),
      finalize(() => spool.save()),
    );

export interface SpoolOptions {
  readonly invite: Invite;
  readonly nick: string;
  readonly identity?: Identity;
  /** Told of what waits and is not sent by this run, and of what cannot be kept. */
  readonly tell?: (text: string) => void;
  readonly dir?: string;
}

/** Does something with the spool of a room, which is this run's own meanwhile. */
export const withSpool = <T>(options: SpoolOptions, use: (spool: Spool) => Observable<T>): Observable<T> =>
  openSpool(options).pipe(
    switchMap((spool) => use(spool).pipe(materialize())),
    dematerialize(),
  );

/**
 * Emits the spool of a room in a directory, until it is unsubscribed. What a run has left that is no longer running is
 * taken over, the oldest first; its file is now this run's.
 */
export const openSpool = ({ dir = spoolDir(), tell = note, ...options }: SpoolOptions): Observable<Spool> => {
  const { room, fernetKey } = deriveRoomKeys(options.invite.secret);
  const folder = join(dir, createHash('sha256').update(room).digest('base64url').slice(0, 22));
  const open = (tokens: readonly string[]) => openTokens(tokens, fernetKey);
  return ownFile({ folder, count: ({ tokens }) => open(tokens).length, tell }).pipe(
    map((own) => spoolOf(own, open(own.content?.tokens ?? []), { ...options, tell, room, fernetKey })),
  );
};

const cipher = nodeCipher();

const openTokens = (tokens: readonly string[], fernetKey: RoomKeys['fernetKey']): readonly Said[] =>
  tokens.flatMap((text) => {
    const opened = cipher.open(fernetKey, text as Token);
    const envelope = typeof opened === 'string' ? undefined : decodeEnvelope(opened);
    if (envelope === undefined) return [];
    const { lines, act } = envelope;
    return [
      { type: 'said', lines, ...(act && { act }), token: text as Token, bytes: encodeLine(text).length },
    ];
  });

interface OwnSpoolOptions extends Omit<SpoolOptions, 'dir' | 'invite'>, Pick<RoomKeys, 'room' | 'fernetKey'> {
  readonly tell: (text: string) => void;
}

const spoolOf = (
  { path, content }: OwnFile,
  restored: readonly Said[],
  { nick, identity = createIdentity(), tell, room, fernetKey }: OwnSpoolOptions,
): Spool => {
  const run = randomText(16);
  let counter = 0;
  const session = content?.session ?? randomText(16);
  const from = content?.after === undefined ? undefined : readResume(content.after);

  let waiting: readonly Said[] = restored;
  const known = new Set(restored.map(({ token }) => token));
  let at = from;
  let written = content !== undefined;
  let failed = false;

  const size = () => waiting.reduce((bytes, each) => bytes + each.bytes, 0);

  const write = () => {
    if (waiting.length === 0) {
      if (written) rmSync(path, { force: true });
      written = false;
      return;
    }
    const after = at === undefined ? '' : formatResume(at);
    const tokens = waiting.map(({ token }) => token);
    const saved: Content = { v: 1, session, after: isResume(after) ? after : undefined, tokens };
    makeDirectory(dirname(path));
    writeWhole(path, JSON.stringify(saved));
    written = true;
  };

  return {
    session,
    said: restored,
    after: from,
    get at() {
      return at;
    },
    take: (heard) => {
      at = resumeAfter(at, heard);
      if (heard.type === 'said' && !known.has(heard.token)) waiting = [...waiting, heard];
      if (heard.type === 'stored') waiting = waiting.filter(({ token }) => token !== heard.token);
    },
    add: ({ lines }) => {
      if (size() > LARGEST) return;
      counter += 1;
      const time = Date.now();
      const { key } = identity;
      const envelope = { nick, lines, room, key, session: run, counter, time, stored: 0 };
      const plaintext = encodeEnvelope(envelope, identity);
      const token = cipher.seal(fernetKey, plaintext, 60 * Math.floor(time / 60_000));
      waiting = [...waiting, { type: 'said', lines, token, bytes: encodeLine(token).length }];
    },
    get count() {
      return waiting.reduce((count, { lines }) => count + lines.length, 0);
    },
    get isKept() {
      return !failed;
    },
    save: () => {
      try {
        write();
        failed = false;
      } catch (error) {
        if (!failed) tell(`cannot keep what is not stored yet in ${dirname(path)}: ${systemFault(error)}`);
        failed = true;
      }
    },
  };
};
