import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  concatMap,
  defer,
  finalize,
  from,
  map,
  NEVER,
  Observable,
  startWith,
  switchMap,
  toArray,
} from 'rxjs';
import { makeDirectory } from '../../files/writeFile.js';
import { fromBase64url, parseResume } from '../../../streams/wire/index.js';
import { randomText } from '../../crypto/random.js';
import { readRegularFile } from '../../files/readFile.js';
import { HistoryError } from '../../history/layout/errors.js';
import { acquireLock } from '../../history/store/lock.js';
import { describeSystemError, errorCode } from '../../util/errors.js';
import { pluralize } from '../../text/format.js';

/** Content of a spool file. */
export interface SpoolContent {
  readonly v: 1;
  /** `undefined`, like `after`, if it is invalid. A new session works as well, and only the tokens matter. */
  readonly session: string | undefined;
  readonly after: string | undefined;
  readonly tokens: readonly string[];
}

/** File that this run has locked, with the content of an earlier run. */
export interface ClaimedFile {
  readonly path: string;
  readonly content: SpoolContent | undefined;
}

/** Options of `claimSpoolFile`. */
interface ClaimOptions {
  readonly dir: string;
  /** Returns how many tokens of a file can be decrypted. */
  readonly countReadable: (content: SpoolContent) => number;
  /** Called with each text about waiting messages that this run does not send. */
  readonly report: (text: string) => void;
}

/** Spool file of the directory, and whether its lock is free. */
interface Candidate {
  readonly path: string;
  readonly content: SpoolContent | undefined;
  /** Number of tokens that can be sent. */
  readonly waitingCount: number;
  /** Releases the lock; `undefined` if another run holds it. */
  readonly release: (() => void) | undefined;
}

/**
 * Emits a locked file: the oldest with messages of an ended run, else a new file. Unsubscribing releases the
 * lock. Never errors.
 *
 * The lock is a socket next to the file, which the kernel closes when the process ends. A process ID could be
 * reused by another container or after a restart.
 */
export const claimSpoolFile = ({ dir, countReadable, report }: ClaimOptions): Observable<ClaimedFile> =>
  defer(() => from(listIds(dir, report))).pipe(
    concatMap((id) =>
      tryLock(dir, id).pipe(map((release) => inspect(dir, id, { release, countReadable, report }))),
    ),
    toArray(),
    switchMap((candidates) => {
      const free = candidates.filter(({ release }) => release !== undefined);
      const claimed = free.find(({ waitingCount }) => waitingCount > 0);
      const others = free.filter((each) => each !== claimed);
      for (const { release } of others) release?.();
      reportWaiting(sum(others), 'of earlier runs', 'the next join or send --spool sends them', report);
      reportWaiting(
        sum(candidates.filter(({ release }) => release === undefined)),
        'of another running rxchat',
        'it sends them',
        report,
      );
      return claimed === undefined ? createSpoolFile(dir) : holdFile(claimed, claimed.release);
    }),
  );

const sum = (looks: readonly Candidate[]): number =>
  looks.reduce((all, { waitingCount }) => all + waitingCount, 0);

const reportWaiting = (count: number, whose: string, what: string, report: (text: string) => void): void => {
  if (count > 0) report(`the outbox holds ${pluralize(count, 'message')} ${whose}; ${what}`);
};

const holdFile = (
  { path, content }: ClaimedFile,
  release: (() => void) | undefined,
): Observable<ClaimedFile> =>
  NEVER.pipe(
    startWith({ path, content }),
    finalize(() => release?.()),
  );

const createSpoolFile = (dir: string): Observable<ClaimedFile> =>
  defer(() => {
    try {
      makeDirectory(dir);
    } catch {
      // Saving then fails as well, and reports the error if there is something to save.
    }
    const id = randomText(9);
    return tryLock(dir, id).pipe(
      switchMap((release) => holdFile({ path: pathOf(dir, id), content: undefined }, release)),
    );
  });

const inspect = (
  dir: string,
  id: string,
  {
    release,
    countReadable,
    report,
  }: Pick<Candidate, 'release'> & Pick<ClaimOptions, 'countReadable' | 'report'>,
): Candidate => {
  const path = pathOf(dir, id);
  const content = loadContent(path);
  if (typeof content === 'string')
    report(`cannot read ${path}: ${content}; its messages are kept but not sent`);
  const readableContent = typeof content === 'object' ? content : undefined;
  const waitingCount = readableContent === undefined ? 0 : countReadable(readableContent);
  const unreadableCount = (readableContent?.tokens.length ?? 0) - waitingCount;
  if (unreadableCount > 0)
    report(
      `in ${path} ${pluralize(unreadableCount, 'message')} cannot be opened, and ${unreadableCount === 1 ? 'is' : 'are'} not sent`,
    );
  return { path, content: readableContent, waitingCount, release };
};

/** Loads a file. Returns the reason if it cannot be read, or `undefined` if it does not exist. */
const loadContent = (path: string): SpoolContent | string | undefined => {
  try {
    return parseSpoolContent(readRegularFile(path)) ?? 'it is damaged, or a newer rxchat wrote it';
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? undefined : describeSystemError(error);
  }
};

/** Parses the content of a spool file, or returns `undefined` if it holds no tokens. */
export const parseSpoolContent = (text: string): SpoolContent | undefined => {
  try {
    const { v, session, after, tokens } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (v !== 1 || !Array.isArray(tokens) || !tokens.every((token) => typeof token === 'string'))
      return undefined;
    const isSession = typeof session === 'string' && fromBase64url(session)?.length === 16;
    return {
      v,
      session: isSession ? session : undefined,
      after: typeof after === 'string' && isResume(after) ? after : undefined,
      tokens,
    };
  } catch {
    return undefined;
  }
};

/** Whether a text is a position in a log. */
export const isResume = (text: string): boolean => {
  try {
    parseResume(text);
    return true;
  } catch {
    return false;
  }
};

const pathOf = (dir: string, id: string): string => join(dir, `${id}.json`);

/** Returns the IDs of all files, and of sockets that killed runs left. The oldest comes first. */
const listIds = (dir: string, report: (text: string) => void): readonly string[] => {
  try {
    const ids = readdirSync(dir).map((name) => /^([\w-]+)\.(?:json|sock)$/.exec(name)?.[1]);
    const ages = new Map(
      ids.flatMap((id) => (id === undefined ? [] : [[id, ageOf(pathOf(dir, id))] as const])),
    );
    return [...ages].sort(([, one], [, other]) => one - other).map(([id]) => id);
  } catch (error) {
    // If there is no directory, nothing waits.
    if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? ''))
      report(`cannot read ${dir}: ${describeSystemError(error)}; its messages are not sent`);
    return [];
  }
};

const ageOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;

/**
 * Emits a function that releases the lock, or `undefined` if another run holds it. On systems without
 * sockets, the lock is always free.
 */
const tryLock = (dir: string, id: string): Observable<(() => void) | undefined> =>
  new Observable((subscriber) => {
    let hasEmitted = false;
    const emit = (release: (() => void) | undefined) => {
      hasEmitted = true;
      subscriber.next(release);
      subscriber.complete();
    };
    const subscription = acquireLock(dir, `${id}.sock`).subscribe({
      next: () => {
        emit(() => {
          subscription.unsubscribe();
        });
      },
      error: (error: unknown) => {
        emit(error instanceof HistoryError && error.code === 'in-use' ? undefined : () => undefined);
      },
    });
    return () => {
      if (!hasEmitted) subscription.unsubscribe();
    };
  });
