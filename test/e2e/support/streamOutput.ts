import type { Readable } from 'node:stream';

/** The output of a stream so far, and a way to wait for more. */
export interface StreamOutput {
  /** Whole lines, without their newlines. */
  readonly lines: readonly string[];
  /** All output, including an unfinished line. */
  readonly text: string;
  readonly ended: boolean;
  /**
   * Resolves with the first value that `find` returns, now or later. Rejects if the stream ends before, or after
   * `HANG_MS`.
   */
  until<T>(find: (output: StreamOutput) => T | false | null | undefined): Promise<T>;
}

export interface ReadOptions {
  /** Maps each line before it is recorded. */
  readonly keep?: ((line: string) => string) | undefined;
}

/**
 * Time in ms after which a test counts as hanging, on a machine that is ten times as slow as usual. It is no promise of the
 * product: tests check those themselves.
 */
export const HANG_MS = 120_000;

const TAIL_CHARACTERS = 2000;

/** Records a stream from now on. */
export const readStream = (stream: Readable, { keep = (line) => line }: ReadOptions = {}): StreamOutput => {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let rest = '';
  let ended = false;

  const notify = () => {
    for (const look of waiting) look();
  };
  const end = () => {
    ended = true;
    notify();
  };
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) lines.push(keep(line));
    notify();
  });
  stream.on('end', end).on('close', end).on('error', end);

  const output: StreamOutput = {
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
          reject(
            new Error(
              `${why} without ${String(find)}; it said last:\n${output.text.slice(-TAIL_CHARACTERS)}`,
            ),
          );
        };
        const look = () => {
          try {
            const found = find(output);
            if (found !== false && found !== null && found !== undefined) {
              give();
              resolve(found);
            } else if (ended) fail('the stream ended');
          } catch (error) {
            give();
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        };
        const hung = setTimeout(() => fail(`${HANG_MS} ms passed`), HANG_MS);
        waiting.add(look);
        look();
      }),
  };
  return output;
};

/** Finds a line that contains all of these texts. */
export const lineWith =
  (...parts: readonly string[]) =>
  ({ lines }: StreamOutput): string | undefined =>
    lines.find((each) => parts.every((part) => each.includes(part)));

/** Finds the output once it has that many lines. */
export const lineCount =
  (n: number) =>
  ({ lines }: StreamOutput): boolean =>
    lines.length >= n;
