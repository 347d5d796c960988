import { join } from 'node:path';
import { fromBase64url } from '../../streams/wire/index.js';
import { readRegularFile } from '../files/readFile.js';
import { writeFileAtomic } from '../files/writeFile.js';
import { describeSystemError, errorCode } from '../util/errors.js';
import { parseJson } from '../util/json.js';
import { parseRange } from './addressRange.js';
import { type Ban, banTarget, MAX_BANS } from './bans.js';

/** Name of the file of the bans in the directory of a relay. */
export const BAN_FILE = 'bans.json';

/** The file of the bans is invalid, or could not be read or written. */
export class BanFileError extends Error {
  override readonly name = 'BanFileError';
}

/** Parses what a ban concerns: an address range or the name of a room. Returns `undefined` for anything else. */
export const parseBanTarget = (text: string): Ban | undefined => {
  const range = parseRange(text);
  if (range !== undefined) return { range };
  return fromBase64url(text)?.length === 32 ? { room: text } : undefined;
};

/** A ban in the file and in replies: its target, and when it ends in ISO 8601. */
export interface BanRow {
  readonly target: string;
  readonly until?: string;
}

export const formatBan = (ban: Ban): BanRow => ({
  target: banTarget(ban),
  ...(ban.untilMs !== undefined && { until: new Date(ban.untilMs).toISOString() }),
});

/** Loads the bans of a relay; without a file it has no bans. Throws `BanFileError`. */
export const loadBans = (dir: string): readonly Ban[] => {
  const path = join(dir, BAN_FILE);
  let text: string;
  try {
    text = readRegularFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw new BanFileError(`cannot read the bans in ${path}: ${describeSystemError(error)}`);
  }
  const bans = parseBans(text);
  if (bans === undefined)
    throw new BanFileError(`the bans in ${path} are invalid: correct or remove the file`);
  return bans;
};

/** Saves the bans of a relay so that its owner alone can read them. Throws `BanFileError`. */
export const saveBans = (dir: string, bans: readonly Ban[]): void => {
  const path = join(dir, BAN_FILE);
  try {
    writeFileAtomic(path, formatBans(bans));
  } catch (error) {
    throw new BanFileError(`cannot save the bans in ${path}: ${describeSystemError(error)}`);
  }
};

export const formatBans = (bans: readonly Ban[]): string =>
  `{ "version": 1, "bans": [\n${bans.map((ban) => `  ${JSON.stringify(formatBan(ban))}`).join(',\n')}\n] }\n`;

/** Parses the text of a file of bans, or returns `undefined` if it is invalid. */
export const parseBans = (text: string): readonly Ban[] | undefined => {
  const { version, bans } = (parseJson(text) ?? {}) as {
    readonly version?: unknown;
    readonly bans?: unknown;
  };
  if (version !== 1 || !Array.isArray(bans) || bans.length > MAX_BANS) return undefined;
  const parsed = bans.map(parseBan);
  return parsed.every((ban) => ban !== undefined) ? parsed : undefined;
};

const parseBan = (value: unknown): Ban | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const { target, until } = value as { readonly target?: unknown; readonly until?: unknown };
  const ban = typeof target === 'string' ? parseBanTarget(target) : undefined;
  if (ban === undefined || until === undefined) return ban;
  const untilMs = typeof until === 'string' ? Date.parse(until) : NaN;
  return Number.isNaN(untilMs) ? undefined : { ...ban, untilMs };
};
