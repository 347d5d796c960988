import type { Readable } from 'node:stream';

/** What a stream has said so far, and how to wait for what it says next. */
export interface Said {
  /** Whole lines, without their newlines. */
  readonly lines: readonly string[];
  /** All of it, an unfinished line included. */
  readonly text: string;
  readonly ended: boolean;
  /**
   * The first thing that `find` finds, now or later. Rejects when the stream ends without it, or when nothing more is
   * to be hoped for.
   */
  until<T>(find: (said: Said) => T | false | null | undefined): Promise<T>;
}

export interface HearOptions {
  /** What to keep of a line; all of it where nothing is said. */
  readonly keep?: ((line: string) => string) | undefined;
}

/** How long, in ms, anything may take before it counts as hanging. Not a promise of the product: see each test for those. */
export const HANG = 45_000;

const TAIL = 2000;

/** Listens to a stream from now on. */
export const hear = (stream: Readable, { keep = (line) => line }: HearOptions = {}): Said => {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let rest = '';
  let ended = false;

  const tell = () => {
    for (const look of waiting) look();
  };
  const end = () => {
    ended = true;
    tell();
  };
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) lines.push(keep(line));
    tell();
  });
  stream.on('end', end).on('close', end).on('error', end);

  const said: Said = {
    lines,
    get text() {
      return lines.map((line) => `${line}\n`).join('') + rest;
    },
    get ended() {
      return ended;
    },
    until: (find) =>
      new Promise((resolve, reject) => {
        const give = () => {
          clearTimeout(hung);
          waiting.delete(look);
        };
        const fail = (why: string) => {
          give();
          reject(new Error(`${why} without ${String(find)}; it said last:\n${said.text.slice(-TAIL)}`));
        };
        const look = () => {
          try {
            const found = find(said);
            if (found !== false && found !== null && found !== undefined) {
              give();
              resolve(found);
            } else if (ended) fail('the stream ended');
          } catch (error) {
            give();
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        };
        const hung = setTimeout(() => fail(`${HANG} ms passed`), HANG);
        waiting.add(look);
        look();
      }),
  };
  return said;
};

/** Finds a line that has all of this in it. */
export const line =
  (...parts: readonly string[]) =>
  ({ lines }: Said): string | undefined =>
    lines.find((each) => parts.every((part) => each.includes(part)));

/** Finds that there are so many lines. */
export const count =
  (n: number) =>
  ({ lines }: Said): boolean =>
    lines.length >= n;
