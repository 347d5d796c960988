import { parseJson } from '../util/json.js';

/** Version of the requests and replies. A relay answers only requests of its own version. */
export const ADMIN_VERSION = 1;

/** The socket of a relay in its directory. */
export const ADMIN_SOCKET = 'admin.sock';

/** Maximum length of a request in bytes, with its line break. */
export const MAX_REQUEST_BYTES = 4096;

/** Maximum length of a reply in bytes, with its line break. */
export const MAX_REPLY_BYTES = 8_388_608;

/** Maximum number of rows in a reply, so that it has an end; the reply has the number of all. */
export const MAX_ROWS = 10_000;

/** What `rxchat admin` can ask for. */
export const ADMIN_ACTIONS = [
  'status',
  'connections',
  'rooms',
  'kick',
  'ban',
  'unban',
  'bans',
  'delete-room',
  'drain',
  'reload',
  'log-level',
] as const;

export type AdminAction = (typeof ADMIN_ACTIONS)[number];

/** A request to a running relay: one line of JSON. */
export interface AdminRequest {
  readonly action: AdminAction;
  /** What the action concerns. */
  readonly target?: string | undefined;
  /** For how many ms; of `ban` and `drain`. */
  readonly forMs?: number | undefined;
  /** Who asks, as the client says: for the audit log, since the socket does not tell. */
  readonly user: string;
}

/** The result of an action, which `--json` prints as it is. */
export type AdminResult = Readonly<Record<string, unknown>>;

/** The answer of a relay: one line of JSON. */
export type AdminReply =
  { readonly ok: true; readonly result: AdminResult } | { readonly ok: false; readonly error: string };

/** Returns a reply that an action failed, and why. */
export const failure = (error: string): AdminReply => ({ ok: false, error });

export const formatRequest = (request: AdminRequest): string =>
  `${JSON.stringify({ version: ADMIN_VERSION, ...request })}\n`;

/** Parses a request, or returns what is wrong with it. */
export const parseRequest = (line: string): AdminRequest | string => {
  const fields = parseObject(line);
  if (fields === undefined) return 'the request is not an object in JSON';
  const { version, action, target, forMs, user } = fields;
  if (version !== ADMIN_VERSION)
    return `the request has another version than ${ADMIN_VERSION}: use the rxchat of the relay`;
  const known = ADMIN_ACTIONS.find((each) => each === action);
  if (known === undefined) return 'the relay does not know this action: use the rxchat of the relay';
  if (!isOptionalText(target)) return 'the target is not a text';
  if (!isOptionalTime(forMs)) return 'the time is not a number of milliseconds';
  return { action: known, target, forMs, user: typeof user === 'string' ? user.slice(0, 64) : '' };
};

export const formatReply = (reply: AdminReply): string =>
  `${JSON.stringify({ version: ADMIN_VERSION, ...reply })}\n`;

/** Parses a reply, or returns `undefined` if it is invalid. */
export const parseReply = (line: string): AdminReply | undefined => {
  const { ok, result, error } = parseObject(line) ?? {};
  if (ok === true && isObject(result)) return { ok, result };
  return ok === false && typeof error === 'string' ? { ok, error } : undefined;
};

/** Maximum time in ms of a ban, a hundred years, and of `drain`, a day: a timer cannot wait for longer than 24 days. */
export const MAX_FOR_MS = 3_153_600_000_000;
export const MAX_DRAIN_MS = 86_400_000;

const isOptionalTime = (value: unknown): value is number | undefined =>
  value === undefined || (typeof value === 'number' && value >= 0 && value <= MAX_FOR_MS);

const isOptionalText = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === 'string';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parseObject = (line: string): Readonly<Record<string, unknown>> | undefined => {
  const value = parseJson(line);
  return isObject(value) ? value : undefined;
};
