import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
import { makeDirectory, writeFileAtomic } from '../../files/writeFile.js';
import {
  decodeEnvelope,
  encodeEnvelope,
  type ClientEvent,
  type Identity,
  type MessageContent,
  resumeAfter,
  type QueuedMessage,
  type OutgoingMessage,
  type Token,
} from '../../../streams/client/index.js';
import {
  encodeLine,
  encodeText,
  formatResume,
  parseResume,
  type Resume,
} from '../../../streams/wire/index.js';
import { nodeCipher } from '../../crypto/nodeCipher.js';
import { nodeSuite } from '../../crypto/nodeSuite.js';
import { randomText } from '../../crypto/random.js';
import { loadDeviceKey } from '../../group/stateFile.js';
import { createIdentity, deriveRoomKeys } from '../../crypto/nodeKeys.js';
import type { RoomKeys } from '../../crypto/roomKeys.js';
import type { Invite } from '../../invite/invite.js';
import { describeSystemError } from '../../util/errors.js';
import { endOfTick$ } from '../../relay/endOfTick.js';
import { printNote } from '../process/exit.js';
import { isSameMessage } from './receipts.js';
import { type SpoolContent, isResume, type ClaimedFile, claimSpoolFile } from './spoolFile.js';
import { dataDir, roomFileName, stateDir } from '../process/environment.js';

/** Maximum size of the tokens that a run saves, in bytes. */
const MAX_BYTES = 67_108_864;

/**
 * Unconfirmed messages of a client run, saved on disk. They are saved as tokens, as on the wire, so reading
 * them requires the invite.
 */
export interface Spool {
  /** Session to resume. */
  readonly session: string;
  /** Messages that an earlier run left, oldest first. */
  readonly pending: readonly QueuedMessage[];
  /** Position up to which the earlier run had read. */
  readonly after: Resume | undefined;
  /** Position up to which this run has read. */
  readonly position: Resume | undefined;
  /** Updates the waiting messages with an event. */
  update(event: ClientEvent): void;
  /** Number of waiting lines. */
  readonly lineCount: number;
  /** Adds lines that were not sent, unless more than 64 MiB are waiting. */
  add(message: OutgoingMessage): void;
  /** Writes the waiting messages to the file, or removes it if no message waits. */
  save(): void;
  /** Whether the last save wrote all waiting messages. */
  readonly isSaved: boolean;
}

/** Returns the directory that holds the spools of all rooms. */
const spoolDir = (): string => join(stateDir(), 'outbox');

/** Updates a spool with each event and saves it at most once per tick. Saves it again at the end. */
export const persistTo =
  (spool: Spool): MonoTypeOperatorFunction<ClientEvent> =>
  (event$) =>
    event$.pipe(
      connect((shared$) =>
        merge(
          shared$.pipe(tap((event) => spool.update(event))),
          shared$.pipe(
            filter(({ type }) => type === 'queued' || type === 'stored'),
            audit(() => endOfTick$),
            tap(() => spool.save()),
            ignoreElements(),
          ),
        ),
      ),
      finalize(() => spool.save()),
    );

/** Options of `openSpool` and `withSpool`. */
export interface SpoolOptions {
  readonly invite: Invite;
  readonly nick: string;
  readonly identity?: Identity;
  /** Called with each text about failed saves, or messages that this run does not send. */
  readonly report?: (text: string) => void;
  readonly dir?: string;
}

/** Runs `use` with the spool of a room. Holds the spool's lock until that ends. */
export const withSpool = <T>(options: SpoolOptions, use: (spool: Spool) => Observable<T>): Observable<T> =>
  openSpool(options).pipe(
    switchMap((spool) => use(spool).pipe(materialize())),
    dematerialize(),
  );

/**
 * Emits the spool of a room and holds its lock until it is unsubscribed. Takes over the oldest file of a run
 * that has ended.
 */
export const openSpool = ({
  dir = spoolDir(),
  report = printNote,
  ...options
}: SpoolOptions): Observable<Spool> => {
  const { room, fernetKey } = deriveRoomKeys(secretOf(options.invite));
  const roomDir = join(dir, roomFileName(room));
  const isGroup = options.invite.group !== undefined;
  const open = (tokens: readonly string[]) => openTokens(tokens, fernetKey, isGroup);
  return claimSpoolFile({ dir: roomDir, countReadable: ({ tokens }) => open(tokens).length, report }).pipe(
    map((claimed) =>
      createSpool(claimed, open(claimed.content?.tokens ?? []), { ...options, report, room, fernetKey }),
    ),
  );
};

/**
 * Returns the secret of a spool. The keys of a group room change, and so does its invite: its spool has a secret of this
 * device.
 */
const secretOf = ({ group, secret }: Invite): Uint8Array =>
  group === undefined
    ? secret
    : nodeSuite().hmac(loadDeviceKey(dataDir()), encodeText(`rxchat/2 outbox\n${group}`));

const cipher = nodeCipher();

/** Opens saved tokens. Messages of a group room are sealed again from their content. */
const openTokens = (
  tokens: readonly string[],
  fernetKey: RoomKeys['fernetKey'],
  isGroup: boolean,
): readonly QueuedMessage[] =>
  tokens.flatMap((text) => {
    const opened = cipher.open(fernetKey, text as Token);
    const envelope = typeof opened === 'string' ? undefined : decodeEnvelope(opened);
    if (envelope === undefined) return [];
    const { lines, act } = envelope;
    return [
      {
        type: 'queued',
        lines,
        ...(act && { act }),
        token: text as Token,
        bytes: encodeLine(text).length,
        ...(isGroup && { content: envelope }),
      },
    ];
  });

interface CreateSpoolOptions
  extends Omit<SpoolOptions, 'dir' | 'invite'>, Pick<RoomKeys, 'room' | 'fernetKey'> {
  readonly report: (text: string) => void;
}

const createSpool = (
  { path, content }: ClaimedFile,
  restored: readonly QueuedMessage[],
  { nick, identity = createIdentity(), report, room, fernetKey }: CreateSpoolOptions,
): Spool => {
  const senderSession = randomText(16);
  let counter = 0;
  const session = content?.session ?? randomText(16);
  const savedPosition = content?.after === undefined ? undefined : parseResume(content.after);

  let waiting: readonly QueuedMessage[] = restored;
  const knownTokens = new Set(restored.map(({ token }) => token));
  /** In a group room the token changes, and the lines are the same object until the receipt. */
  const knownLines = new Set(restored.map(({ lines }) => lines));
  let position = savedPosition;
  let hasFile = content !== undefined;
  let hasFailed = false;

  const size = () => waiting.reduce((bytes, each) => bytes + each.bytes, 0);

  const write = () => {
    if (waiting.length === 0) {
      if (hasFile) rmSync(path, { force: true });
      hasFile = false;
      return;
    }
    const after = position === undefined ? '' : formatResume(position);
    const tokens = waiting.map(({ token }) => token);
    const saved: SpoolContent = { v: 1, session, after: isResume(after) ? after : undefined, tokens };
    makeDirectory(dirname(path));
    writeFileAtomic(path, JSON.stringify(saved));
    hasFile = true;
  };

  const seal = (content: MessageContent): Token => {
    const plaintext = encodeEnvelope({ ...content, room, key: identity.key }, identity);
    return cipher.seal(fernetKey, plaintext, 60 * Math.floor(content.time / 60_000));
  };

  /** The token of a group room cannot be read again, so its content is saved under the key of the spool. */
  const toSaved = (message: QueuedMessage): QueuedMessage => {
    if (message.content === undefined) return message;
    const token = seal(message.content);
    return { ...message, token, bytes: encodeLine(token).length };
  };

  return {
    session,
    pending: restored,
    after: savedPosition,
    get position() {
      return position;
    },
    update: (event) => {
      position = resumeAfter(position, event);
      if (event.type === 'queued' && !knownTokens.has(event.token) && !knownLines.has(event.lines))
        waiting = [...waiting, toSaved(event)];
      if (event.type === 'stored') waiting = waiting.filter((each) => !isSameMessage(each, event));
    },
    add: ({ lines }) => {
      if (size() > MAX_BYTES) return;
      counter += 1;
      const content = { nick, lines, session: senderSession, counter, time: Date.now(), stored: 0 };
      const token = seal(content);
      waiting = [...waiting, { type: 'queued', lines, token, bytes: encodeLine(token).length }];
    },
    get lineCount() {
      return waiting.reduce((count, { lines }) => count + lines.length, 0);
    },
    get isSaved() {
      return !hasFailed;
    },
    save: () => {
      try {
        write();
        hasFailed = false;
      } catch (error) {
        if (!hasFailed)
          report(`cannot save unstored messages in ${dirname(path)}: ${describeSystemError(error)}`);
        hasFailed = true;
      }
    },
  };
};
