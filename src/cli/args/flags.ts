import { usageError } from '../process/exit.js';

/** Flag of a command, for parsing and for help. */
export interface Flag {
  readonly type: 'string' | 'number' | 'boolean';
  readonly short?: string;
  /** Placeholder of the value in the help. */
  readonly placeholder?: string;
  readonly help: string;
  /** Environment variable with the same meaning. */
  readonly env?: string;
  /** Whether the argument of the command has the same meaning. */
  readonly orArgument?: true;
  /** Allowed values. */
  readonly choices?: readonly string[];
  /** Whether the flag is on by default and is given as `--no-…`. */
  readonly negated?: true;
  /** Whether the flag may be given several times. */
  readonly multiple?: true;
  /** Wires to which the flag applies; `rxchat/1` alone by default. */
  readonly wires?: 'any' | 'classic';
}

/** Values of flags by their keys, as parsed. */
export type Flags = Readonly<Record<string, unknown>>;

/** Parsed words of a command line after the command name. */
export interface Args {
  readonly input: readonly string[];
  readonly flags: Flags;
}

/** Returns the name of a flag: `--fernet-engine` for `fernetEngine`. */
export const flagName = (key: string): string =>
  key.length === 1 ? `-${key}` : `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Formats a flag as on a command line: `--no-…` if it is negated. */
export const flagLabel = (key: string, { negated }: Pick<Flag, 'negated'>): string =>
  negated === true ? `--no-${key}` : flagName(key);

/**
 * Returns the value of a string flag, or `undefined` if it is not given. Throws a `usageError` if it is
 * empty.
 */
export const stringFlag = (flags: Flags, key: string): string | undefined => {
  const value = flags[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw usageError(`${flagName(key)} needs a value`);
  return value;
};

/**
 * Returns the value of an integer flag, or `undefined` if it is not given. Throws a `usageError` if it is out
 * of range.
 */
export const integerFlag = (flags: Flags, key: string, min: number, max: number): number | undefined => {
  const value = flags[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw usageError(`${flagName(key)} needs a whole number from ${min} to ${max}`);
  return value;
};

/** Returns the values of a repeatable string flag, or `undefined` if it is not given. */
export const stringListFlag = (flags: Flags, key: string): readonly string[] | undefined => {
  const values = flags[key];
  if (!Array.isArray(values) || values.length === 0) return undefined;
  return values.map((value) => {
    if (typeof value !== 'string' || value === '') throw usageError(`${flagName(key)} needs a value`);
    return value;
  });
};

/**
 * Returns the value of a choice flag; the first choice is the default. Throws a `usageError` for any other
 * value.
 */
export const choiceFlag = <T extends string>(flags: Flags, key: string, choices: readonly [T, ...T[]]): T => {
  const value = stringFlag(flags, key);
  const chosen = value === undefined ? choices[0] : choices.find((each) => each === value);
  if (chosen === undefined) throw usageError(`${flagName(key)} is one of ${choices.join(', ')}`);
  return chosen;
};

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/**
 * Returns a size flag in bytes, or `undefined` if it is not given. Accepts `262144`, `256k` and `16MiB`.
 * Throws a `usageError` for other values.
 */
export const bytesFlag = (flags: Flags, key: string, min: number, max: number): number | undefined => {
  const value = stringFlag(flags, key);
  if (value === undefined) return undefined;
  const [, digits = '', unit = ''] = /^(\d+)(?:([kmg])(?:i?b)?|b)?$/i.exec(value) ?? [];
  const size = digits === '' ? NaN : Number(digits) * (SIZE_UNITS[unit.toLowerCase()] ?? NaN);
  if (!(size >= min && size <= max))
    throw usageError(`${flagName(key)} needs a size from ${min} to ${max} bytes, such as 16MiB`);
  return size;
};

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/**
 * Parses a duration such as `30d`, `1h30m` or a number of seconds. Returns ms, or `undefined` if the text is
 * invalid.
 */
const parseDuration = (text: string): number | undefined => {
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000;
  if (!/^(\d{1,12}(ms|[smhdw]))+$/.test(text)) return undefined;
  return Array.from(text.matchAll(/(\d+)(ms|[smhdw])/g)).reduce(
    (sum, [, digits, unit = '']) => sum + Number(digits) * (DURATION_UNITS[unit] ?? NaN),
    0,
  );
};

/**
 * Returns a duration flag in ms, or `undefined` if it is not given. Accepts `30d`, `1h30m` or a number of
 * seconds. Throws a `usageError` for other values.
 */
export const durationFlag = (flags: Flags, key: string, min: number, max: number): number | undefined => {
  const value = stringFlag(flags, key);
  if (value === undefined) return undefined;
  const ms = parseDuration(value) ?? NaN;
  if (!(ms >= min && ms <= max))
    throw usageError(
      `${flagName(key)} needs a time from ${formatExactDuration(min)} to ${formatExactDuration(max)}, such as 30s or 7d`,
    );
  return ms;
};

const DAY_MS = 86_400_000;

/**
 * Returns a flag for a past time, or `undefined` if it is not given. The time is in ms since 1970. Accepts a
 * duration before now (`10m`), a local day or time (`2026-11-29`, `2026-11-29T08:30`), `today` and
 * `yesterday`. Throws a `usageError` for other values.
 */
export const pastTimeFlag = (flags: Flags, key: string, now: number): number | undefined => {
  const value = stringFlag(flags, key);
  if (value === undefined) return undefined;
  const ago = parseDuration(value);
  const time = ago === undefined ? parseTime(value, now) : now - ago;
  if (time === undefined || !(time >= 0 && time <= now))
    throw usageError(
      `${flagName(key)} needs a time in the past, such as 10m, 1h30m, yesterday, 2026-11-29 or 2026-11-29T08:30`,
    );
  return time;
};

const parseTime = (text: string, now: number): number | undefined => {
  const midnight = (time: number) => new Date(time).setHours(0, 0, 0, 0);
  if (text === 'today') return midnight(now);
  // Steps back to noon first, because a day has 23 to 25 hours.
  if (text === 'yesterday') return midnight(midnight(now) - DAY_MS / 2);
  const [, year, month, day, time = '00:00', zone = ''] =
    /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  if (year === undefined || new Date(Number(year), Number(month) - 1, Number(day)).getDate() !== Number(day))
    return undefined;
  const parsed = Date.parse(`${year}-${month}-${day}T${time}${zone}`);
  return Number.isNaN(parsed) ? undefined : parsed;
};

/** Formats a duration in the largest unit that gives an integer. */
export const formatExactDuration = (ms: number): string => {
  const [unit, size] = Object.entries(DURATION_UNITS)
    .reverse()
    .find(([, each]) => ms >= each && ms % each === 0) ?? ['ms', 1];
  return `${ms / size} ${unit}`;
};
