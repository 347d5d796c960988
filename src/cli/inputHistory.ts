import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../files/makeDirectory.js';
import { readRegularFile } from '../files/readRegularFile.js';
import type { Plaintext, Token } from '../../streams/client/index.js';
import { nodeCipher } from '../crypto/nodeCipher.js';
import type { RoomKeys } from '../crypto/secret.js';
import type { Kept } from '../terminal/screen.js';
import { systemFault } from '../systemFault.js';
import { writeWhole } from '../files/wholeFile.js';
import { stateDir } from './stateDir.js';

/** The most entries of a room that are kept, and the longest one, in UTF-16 code units. */
const MOST = 1000;
const LONGEST = 16_384;

/** Where what was entered is kept, for all rooms. */
export const inputHistoryDir = (): string => join(stateDir(), 'input');

/**
 * What was entered in a room in earlier runs, and a file to keep more in: mode 0600, a line an entry, each sealed with
 * the room's key, so that nobody reads it there without the invite. What begins with a space is not kept. The newest
 * 1000 are; `failed` is told once that it cannot be written.
 */
export const openInputHistory = (
  dir: string,
  { room, fernetKey }: RoomKeys,
  failed: (reason: string) => void,
): Kept => {
  const file = join(dir, createHash('sha256').update(room).digest('base64url').slice(0, 22));
  const cipher = nodeCipher();
  const open = (token: string): readonly string[] => {
    const opened = cipher.open(fernetKey, token as Token);
    return typeof opened === 'string' ? [] : [Buffer.from(opened).toString()];
  };
  // Nobody has to know when it was.
  const seal = (entry: string) => cipher.seal(fernetKey, Buffer.from(entry) as Uint8Array as Plaintext, 0);

  let hasFailed = false;
  const attempt = (write: () => void) => {
    try {
      write();
    } catch (error) {
      if (!hasFailed) failed(`what is entered cannot be kept in ${file}: ${systemFault(error)}`);
      hasFailed = true;
    }
  };

  const tokens = linesOf(file);
  const newest = tokens.slice(-MOST);
  if (tokens.length > 2 * MOST)
    attempt(() => {
      writeWhole(file, newest.map((token) => `${token}\n`).join(''));
    });

  return {
    entries: newest.flatMap(open),
    keep: (entry) => {
      if (entry.startsWith(' ') || entry.length > LONGEST) return;
      attempt(() => {
        makeDirectory(dirname(file));
        appendFileSync(file, `${seal(entry)}\n`, { mode: 0o600 });
      });
    },
  };
};

const linesOf = (file: string): readonly string[] => {
  try {
    return readRegularFile(file)
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
};
