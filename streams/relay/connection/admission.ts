import { type Observable, type OperatorFunction, Subject } from 'rxjs';
import type { Connection } from '../../wire/connection.js';
import type { RoomName } from '../../wire/handshake.js';
import { addressBuckets, type AddressBuckets } from './addressRate.js';
import {
  connectionCounter,
  type ConnectionCounter,
  type ConnectionLimits,
  type ConnectionRejected,
  limitConnections,
} from './connectionLimits.js';
import {
  type Bans,
  chargeNewRoom,
  type ChargedJoin,
  joinLimiter,
  type JoinLimiter,
  type JoinPolicy,
  joinPolicy,
  type JoinPolicyOptions,
  type JoinRates,
} from './joinPolicy.js';
import type { ConnectionChange } from './connectionTicker.js';
import type { MemberCommand } from './parseCommands.js';
import type { RateLimits } from './rateLimit.js';
import {
  DEFAULT_HANDSHAKE_TIMEOUT_MS,
  serveConnection,
  type ServeConnectionOptions,
} from './serveConnection.js';

/** The rules of a relay for connections and joins, which can be replaced. */
export interface AdmissionRules extends Pick<JoinPolicyOptions, 'checkAccess' | 'allowedRooms'> {
  /** Time in ms for the answer to `NICK`. */
  readonly handshakeTimeoutMs?: number | undefined;
  readonly limits?:
    | (ConnectionLimits &
        JoinRates &
        RateLimits &
        Pick<ServeConnectionOptions, 'byteRatePerAddress' | 'maxLineBytes'> &
        Pick<JoinPolicyOptions, 'maxRooms' | 'newRoomRatePerAddress'>)
    | undefined;
}

/** What does not change while a relay runs. */
export interface AdmissionOptions
  extends ServeConnectionOptions, Pick<JoinPolicyOptions, 'history' | 'chargesWhenOpen' | 'isRemoving'> {
  readonly bans?: Bans | undefined;
}

/** Admits connections and joins by the rules in force. */
export interface Admission {
  /** Serves connections: emits the commands of members, and the connections that were rejected. */
  readonly admit: OperatorFunction<Connection, MemberCommand | ConnectionRejected>;
  readonly counter: ConnectionCounter;
  readonly limiter: JoinLimiter;
  /** Charges the address of a member for a new room, with `chargesWhenOpen`. */
  readonly recordJoined: (joined: ChargedJoin) => void;
  /** Replaces the rules from now on. */
  readonly setRules: (rules: AdmissionRules) => void;
}

interface RulesInForce {
  readonly limiter: JoinLimiter;
  readonly policy: JoinPolicy;
  readonly newRooms: AddressBuckets;
  readonly addressBytes: AddressBuckets;
  readonly serve: (connection: Connection) => Observable<MemberCommand | ConnectionRejected>;
}

/**
 * Creates the admission of a relay, whose rules can be replaced while it runs.
 *
 * New rules end nobody. An open connection gets the new rates, and the time for its answer to `NICK` starts again. It keeps
 * the length of lines that it has. All rates start again with their bursts.
 */
export const admission = (
  options: AdmissionOptions,
  initialRules: AdmissionRules,
  openRooms: Pick<ReadonlySet<RoomName>, 'has' | 'size'>,
): Admission => {
  const counter = connectionCounter(initialRules.limits ?? {});
  const changes = new Subject<ConnectionChange>();
  const handshakeTimeoutOf = (rules: AdmissionRules): number =>
    rules.handshakeTimeoutMs ?? options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS;
  const joinPolicyInForce: JoinPolicy = (request, message) => inForce.policy(request, message);
  const rulesInForce = (rules: AdmissionRules): RulesInForce => {
    const { limits, checkAccess, allowedRooms } = rules;
    const addressBytes = addressBuckets(limits?.byteRatePerAddress);
    const limiter = joinLimiter(limits);
    const { history, bans, chargesWhenOpen, isRemoving } = options;
    const newRooms = addressBuckets(limits?.newRoomRatePerAddress);
    return {
      limiter,
      newRooms,
      policy: joinPolicy(
        {
          ...limits,
          checkAccess,
          allowedRooms,
          history,
          bans,
          limiter,
          isRemoving,
          ...(chargesWhenOpen !== undefined && { chargesWhenOpen }),
        },
        openRooms,
        newRooms,
      ),
      addressBytes,
      serve: serveConnection({
        ...options,
        ...limits,
        handshakeTimeoutMs: handshakeTimeoutOf(rules),
        joinPolicy: joinPolicyInForce,
        addressBytes,
        change$: changes,
      }),
    };
  };
  let inForce = rulesInForce(initialRules);
  const limiter: JoinLimiter = {
    hasCapacity: (peer) => inForce.limiter.hasCapacity(peer),
    tryTake: (peer) => inForce.limiter.tryTake(peer),
    retryAfterMs: (peer) => inForce.limiter.retryAfterMs(peer),
    recordInvalidProof: (peer) => {
      inForce.limiter.recordInvalidProof(peer);
    },
    reserve: (peer) => {
      inForce.limiter.reserve(peer);
    },
  };

  return {
    admit: limitConnections({ limiter, counter, bans: options.bans }, (connection) =>
      inForce.serve(connection),
    ),
    counter,
    limiter,
    recordJoined: (joined) => {
      if (options.chargesWhenOpen === true) chargeNewRoom(inForce.newRooms, joined);
    },
    setRules: (rules) => {
      counter.setLimits(rules.limits ?? {});
      inForce = rulesInForce(rules);
      const { byteRate, lineRate } = rules.limits ?? {};
      changes.next({
        ...(byteRate && { byteRate }),
        ...(lineRate && { lineRate }),
        addressBytes: inForce.addressBytes,
        handshakeTimeoutMs: handshakeTimeoutOf(rules),
      });
    },
  };
};
