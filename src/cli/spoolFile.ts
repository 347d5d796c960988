import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../files/makeDirectory.js';
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
import { fromBase64url, readResume } from '../../streams/wire/index.js';
import { randomText } from '../crypto/random.js';
import { readRegularFile } from '../files/readRegularFile.js';
import { HistoryError } from '../history/errors.js';
import { exclusive } from '../history/lock.js';
import { systemFault } from '../systemFault.js';
import { counted } from '../terminal/counted.js';
import { errorCode } from '../transport/networkError.js';

/** What stands in the file of a spool. */
export interface Content {
  readonly v: 1;
  /** `undefined`, as `after`, if it cannot be read: a new one does as well, and the tokens are what counts. */
  readonly session: string | undefined;
  readonly after: string | undefined;
  readonly tokens: readonly string[];
}

/** A file that is this run's own, and what an earlier run left in it. */
export interface OwnFile {
  readonly path: string;
  readonly content: Content | undefined;
}

export interface OwnFileOptions {
  readonly folder: string;
  /** How many tokens of a file open. */
  readonly count: (content: Content) => number;
  /** Told of everything that waits and is not sent by this run. */
  readonly tell: (text: string) => void;
}

/** What a look at one file of the folder brings. */
interface Look {
  readonly path: string;
  readonly content: Content | undefined;
  /** How many of its tokens can be sent. */
  readonly waiting: number;
  /** Lets go of it; `undefined` if another run uses it. */
  readonly release: (() => void) | undefined;
}

/**
 * Emits a file that is this run's own until it is unsubscribed: the oldest that a run has left which has ended, else a
 * new one. A run listens on a socket beside its file, which the kernel closes with the process: a process with the same
 * number, in another container or after a restart, is not taken for it. Never errors.
 */
export const ownFile = ({ folder, count, tell }: OwnFileOptions): Observable<OwnFile> =>
  defer(() => from(idsOf(folder, tell))).pipe(
    concatMap((id) => lock(folder, id).pipe(map((release) => look(folder, id, { release, count, tell })))),
    toArray(),
    switchMap((looks) => {
      const free = looks.filter(({ release }) => release !== undefined);
      const own = free.find(({ waiting }) => waiting > 0);
      const others = free.filter((each) => each !== own);
      for (const { release } of others) release?.();
      tellOf(sum(others), 'of earlier runs', 'the next join or send --spool sends them', tell);
      tellOf(
        sum(looks.filter(({ release }) => release === undefined)),
        'of another rxchat that runs',
        'it sends them',
        tell,
      );
      return own === undefined ? newFile(folder) : held(own, own.release);
    }),
  );

const sum = (looks: readonly Look[]): number => looks.reduce((all, { waiting }) => all + waiting, 0);

const tellOf = (count: number, whose: string, what: string, tell: (text: string) => void): void => {
  if (count > 0) tell(`in the outbox wait ${counted(count, 'message')} ${whose}; ${what}`);
};

const held = ({ path, content }: OwnFile, release: (() => void) | undefined): Observable<OwnFile> =>
  NEVER.pipe(
    startWith({ path, content }),
    finalize(() => release?.()),
  );

const newFile = (folder: string): Observable<OwnFile> =>
  defer(() => {
    try {
      makeDirectory(folder);
    } catch {
      // Then nothing can be written either, which is told where there is something to write.
    }
    const id = randomText(9);
    return lock(folder, id).pipe(
      switchMap((release) => held({ path: fileOf(folder, id), content: undefined }, release)),
    );
  });

const look = (
  folder: string,
  id: string,
  { release, count, tell }: Pick<Look, 'release'> & Pick<OwnFileOptions, 'count' | 'tell'>,
): Look => {
  const path = fileOf(folder, id);
  const content = readFile(path);
  if (typeof content === 'string')
    tell(`cannot read ${path}: ${content}; what waits there is kept, and not sent`);
  const readable = typeof content === 'object' ? content : undefined;
  const waiting = readable === undefined ? 0 : count(readable);
  const lost = (readable?.tokens.length ?? 0) - waiting;
  if (lost > 0)
    tell(
      `in ${path} ${counted(lost, 'message')} cannot be opened, and ${lost === 1 ? 'is' : 'are'} not sent`,
    );
  return { path, content: readable, waiting, release };
};

/** What a file holds, or why it cannot be read; `undefined` if it is not there. */
const readFile = (path: string): Content | string | undefined => {
  try {
    return readContent(readRegularFile(path)) ?? 'it is damaged, or a newer rxchat made it';
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? undefined : systemFault(error);
  }
};

/** Reads what stands in the file of a spool; `undefined` if it holds no tokens, whatever it is. */
export const readContent = (text: string): Content | undefined => {
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

/** Whether a text names a place in a log. */
export const isResume = (text: string): boolean => {
  try {
    readResume(text);
    return true;
  } catch {
    return false;
  }
};

const fileOf = (folder: string, id: string): string => join(folder, `${id}.json`);

/** The files of a folder and the sockets that killed runs have left, the oldest first. */
const idsOf = (folder: string, tell: (text: string) => void): readonly string[] => {
  try {
    const ids = readdirSync(folder).map((name) => /^([\w-]+)\.(?:json|sock)$/.exec(name)?.[1]);
    const ages = new Map(
      ids.flatMap((id) => (id === undefined ? [] : [[id, ageOf(fileOf(folder, id))] as const])),
    );
    return [...ages].sort(([, one], [, other]) => one - other).map(([id]) => id);
  } catch (error) {
    // Where there is no folder, nothing waits.
    if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? ''))
      tell(`cannot read ${folder}: ${systemFault(error)}; what waits there is not sent`);
    return [];
  }
};

const ageOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;

/** Emits how to let go of a file, or `undefined` if another run uses it; where there are no sockets, nobody does. */
const lock = (folder: string, id: string): Observable<(() => void) | undefined> =>
  new Observable((subscriber) => {
    let isOver = false;
    const emit = (release: (() => void) | undefined) => {
      isOver = true;
      subscriber.next(release);
      subscriber.complete();
    };
    const lasting = exclusive(folder, `${id}.sock`).subscribe({
      next: () => {
        emit(() => {
          lasting.unsubscribe();
        });
      },
      error: (error: unknown) => {
        emit(error instanceof HistoryError && error.code === 'in-use' ? undefined : () => undefined);
      },
    });
    return () => {
      if (!isOver) lasting.unsubscribe();
    };
  });
