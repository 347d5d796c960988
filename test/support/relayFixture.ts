import { map, type OperatorFunction, pipe, timer } from 'rxjs';
import { relay } from '../../streams/relay/relay.js';
import type {
  RelayHistory,
  RelayLimits,
  RelayOptions,
  RelayTiming,
} from '../../streams/relay/relayOptions.js';
import type { Connection } from '../../streams/wire/connection.js';
import { nonce, describeEvent, verify } from './wire.js';

/** Announces joins and leaves at once, and sends no PING. */
const IMMEDIATE: RelayTiming = { coalesceMs: 0, reconnectGraceMs: 0, heartbeatMs: Infinity };

/** The options of a relay without their groups. */
export interface RelayFixtureOptions
  extends
    Partial<Omit<RelayOptions, 'limits' | 'timing' | 'history'>>,
    RelayLimits,
    RelayTiming,
    Omit<RelayHistory, 'store'> {
  readonly history?: RelayHistory['store'];
}

/** Creates a relay for marble drawings; its tick ends within the frame. */
export const relayFixture = ({ history: store, ...more }: RelayFixtureOptions = {}): OperatorFunction<
  Connection,
  string
> => {
  // Each group ignores the options of the others.
  const groups = { limits: more, timing: { ...IMMEDIATE, ...more }, history: { ...more, store } };
  return pipe(
    relay({ nonce, verify, logId: () => 'log', endOfTick$: timer(0), ...more, ...groups }),
    map(describeEvent),
  );
};
