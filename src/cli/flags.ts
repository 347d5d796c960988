import { usageError } from './exit.js';

/** A flag of a command, for parsing and for its help. */
export interface Flag {
  readonly type: 'string' | 'number' | 'boolean';
  readonly short?: string;
  /** What stands for its value in the help. */
  readonly value?: string;
  readonly help: string;
  /** The variable that says the same. */
  readonly env?: string;
  /** The argument of the command says the same. */
  readonly orInput?: true;
  /** The words that its value is one of. */
  readonly choices?: readonly string[];
  /** A switch that is on, and is given as `--no-…`. */
  readonly negated?: true;
  /** May be given several times. */
  readonly multiple?: true;
  /** Over which wires it means something; where nothing is said, over `rxchat/1` alone. */
  readonly wires?: 'any' | 'classic';
}

export type Flags = Readonly<Record<string, unknown>>;

/** The words of a command line after the command's name. */
export interface Args {
  readonly input: readonly string[];
  readonly flags: Flags;
}

/** `fernetEngine` as `--fernet-engine`. */
export const flagName = (key: string): string =>
  key.length === 1 ? `-${key}` : `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** How a flag is given on a command line. */
export const flagLabel = (key: string, { negated }: Pick<Flag, 'negated'>): string =>
  negated === true ? `--no-${key}` : flagName(key);

/** A string flag; not given: `undefined`. */
export const text = (flags: Flags, key: string): string | undefined => {
  const value = flags[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw usageError(`${flagName(key)} needs a value`);
  return value;
};

/** A flag that is a whole number in a range; not given: `undefined`. */
export const integer = (flags: Flags, key: string, min: number, max: number): number | undefined => {
  const value = flags[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw usageError(`${flagName(key)} needs a whole number from ${min} to ${max}`);
  return value;
};

/** A string flag that may be given several times; not given: `undefined`. */
export const texts = (flags: Flags, key: string): readonly string[] | undefined => {
  const values = flags[key];
  if (!Array.isArray(values) || values.length === 0) return undefined;
  return values.map((value) => {
    if (typeof value !== 'string' || value === '') throw usageError(`${flagName(key)} needs a value`);
    return value;
  });
};

/** A flag that is one of some words; not given: the first. */
export const choice = <T extends string>(flags: Flags, key: string, choices: readonly [T, ...T[]]): T => {
  const value = text(flags, key);
  const chosen = value === undefined ? choices[0] : choices.find((each) => each === value);
  if (chosen === undefined) throw usageError(`${flagName(key)} is one of ${choices.join(', ')}`);
  return chosen;
};

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** A flag that is a size in bytes: `262144`, `256k`, `16MiB`. Not given: `undefined`. */
export const bytes = (flags: Flags, key: string, min: number, max: number): number | undefined => {
  const value = text(flags, key);
  if (value === undefined) return undefined;
  const [, digits = '', unit = ''] = /^(\d+)(?:([kmg])(?:i?b)?|b)?$/i.exec(value) ?? [];
  const size = digits === '' ? NaN : Number(digits) * (UNITS[unit.toLowerCase()] ?? NaN);
  if (!(size >= min && size <= max))
    throw usageError(`${flagName(key)} needs a size from ${min} to ${max} bytes, such as 16MiB`);
  return size;
};

const SPANS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A span of time in ms: `30d`, `1h30m`, or a number of seconds; `undefined` if a text is none. */
const parseSpan = (text: string): number | undefined => {
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000;
  if (!/^(\d{1,12}(ms|[smhdw]))+$/.test(text)) return undefined;
  return Array.from(text.matchAll(/(\d+)(ms|[smhdw])/g)).reduce(
    (sum, [, digits, unit = '']) => sum + Number(digits) * (SPANS[unit] ?? NaN),
    0,
  );
};

/** A flag that is a span of time in ms: `30d`, `1h30m`, or a number of seconds. Not given: `undefined`. */
export const span = (flags: Flags, key: string, min: number, max: number): number | undefined => {
  const value = text(flags, key);
  if (value === undefined) return undefined;
  const ms = parseSpan(value) ?? NaN;
  if (!(ms >= min && ms <= max))
    throw usageError(
      `${flagName(key)} needs a time from ${inWords(min)} to ${inWords(max)}, such as 30s or 7d`,
    );
  return ms;
};

const DAY = 86_400_000;

/**
 * A flag that is a time in the past, in ms since 1970: how long ago (`10m`), a day or a time of day of this machine
 * (`2026-11-29`, `2026-11-29T08:30`), `today`, or `yesterday`. Not given: `undefined`.
 */
export const pastTime = (flags: Flags, key: string, now: number): number | undefined => {
  const value = text(flags, key);
  if (value === undefined) return undefined;
  const ago = parseSpan(value);
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
  // Noon, because a day has 23 to 25 hours.
  if (text === 'yesterday') return midnight(midnight(now) - DAY / 2);
  const [, year, month, day, time = '00:00', zone = ''] =
    /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  if (year === undefined || new Date(Number(year), Number(month) - 1, Number(day)).getDate() !== Number(day))
    return undefined;
  const parsed = Date.parse(`${year}-${month}-${day}T${time}${zone}`);
  return Number.isNaN(parsed) ? undefined : parsed;
};

/** A span in the largest unit that gives a whole number. */
export const inWords = (ms: number): string => {
  const [unit, size] = Object.entries(SPANS)
    .reverse()
    .find(([, each]) => ms >= each && ms % each === 0) ?? ['ms', 1];
  return `${ms / size} ${unit}`;
};
