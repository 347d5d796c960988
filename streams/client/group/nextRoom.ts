import { INVITE_SECRET_BYTES } from './commitData.js';
import type { RequestRefused } from './groupClientEvent.js';

/** What the relay answers to a client that asks for a room. */
export type RoomAnswer =
  /** The relay serves the room, and the client is there. */
  | { readonly type: 'reserved' }
  /** The relay refuses the room, with the code of its `ERR`. */
  | { readonly type: 'refused'; readonly code: string; readonly text: string }
  /** The relay could not be asked. */
  | { readonly type: 'unreachable'; readonly text: string };

/** Why the relay does not take a room. */
export type RoomRefusal = Pick<RequestRefused, 'reason' | 'code'>;

/** The room to which a request moves the group, before the commit of the request is staged. */
export interface NextRoom {
  /** Whether the answer of the relay, or the next attempt to get one, is still to come. */
  readonly isWaiting: boolean;
  /** Whether the relay was asked since the last `reset`. */
  readonly wasRequested: boolean;
  /** Whether the relay serves the room of `secret`. */
  readonly isReserved: boolean;
  /** SECRET. The secret of the next invite. Nothing was sealed with it before `isReserved`. */
  readonly secret: Uint8Array;
  /** The relay is asked for the room now. */
  readonly request: () => void;
  /** Handles an answer. Returns why the request is refused, the delay in ms before the next attempt, or `undefined`. */
  readonly onAnswer: (answer: RoomAnswer) => RoomRefusal | number | undefined;
  /** The delay is over. */
  readonly onRetry: () => void;
  /** The connection to the relay is lost: it may be another relay afterwards. */
  readonly onOffline: () => void;
  /** Forgets the answer and the secret, for the next attempt. */
  readonly reset: () => void;
}

/** How often a relay that cannot be reached is asked again. Meanwhile the client may find that it is offline. */
const MAX_RETRIES = 3;
/** The delay before the first retry, in ms. It doubles with each further one. */
const FIRST_RETRY_MS = 1000;

/** The code of a refusal if the relay could not be asked. */
const UNREACHABLE = 'unreachable';

/** Creates the room for the first request that needs one. */
export const createNextRoom = (randomBytes: (count: number) => Uint8Array): NextRoom => {
  let secret: Uint8Array | undefined;
  let progress: 'unknown' | 'waiting' | 'reserved' = 'unknown';
  let wasRequested = false;
  let retries = 0;

  return {
    get isWaiting() {
      return progress === 'waiting';
    },
    get wasRequested() {
      return wasRequested;
    },
    get isReserved() {
      return progress === 'reserved';
    },
    get secret() {
      return (secret ??= randomBytes(INVITE_SECRET_BYTES));
    },
    request: () => {
      progress = 'waiting';
      wasRequested = true;
    },
    onAnswer: (answer) => {
      if (progress !== 'waiting') return undefined;
      switch (answer.type) {
        case 'reserved':
          progress = 'reserved';
          retries = 0;
          return undefined;
        case 'refused':
          return {
            reason: `the relay refuses the room of the next invite: ${answer.text} (${answer.code})`,
            code: answer.code,
          };
        case 'unreachable':
          retries += 1;
          if (retries <= MAX_RETRIES) return FIRST_RETRY_MS * 2 ** (retries - 1);
          return {
            reason: `the relay could not be asked for the room of the next invite: ${answer.text}`,
            code: UNREACHABLE,
          };
      }
    },
    onRetry: () => {
      if (progress === 'waiting') progress = 'unknown';
    },
    onOffline: () => {
      if (progress === 'reserved') progress = 'unknown';
    },
    reset: () => {
      secret = undefined;
      progress = 'unknown';
      wasRequested = false;
      retries = 0;
    },
  };
};
