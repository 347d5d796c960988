import { pipe, tap, timer } from 'rxjs';
import type { LedgerRecord } from '../../streams/relay/cluster/ledger.js';
import { relay } from '../../streams/relay/relay.js';
import { random } from '../fuzz/random.js';
import { fakeHash } from './envelopes.js';
import { fakeEngine, type FakeLedger } from './fakeLedger.js';
import { fakeRecordCache } from './fakeRecordCache.js';
import { faultyLedger, type LedgerFaults } from './faultyLedger.js';
import { readRoom } from './relays.js';
import type { RelayAction, Scenario, SimulatedRelays } from './simulation.js';
import { relayProcess } from './simulatedRelay.js';
import { LOBBY, nonce, verify } from './wire.js';

/** Several relays that share rooms over an engine. Each client tries them in turn. */
export const simulatedCluster = ({ quality, storing, window, cluster }: Scenario): SimulatedRelays => {
  const { relays: count, faults, seed } = cluster as NonNullable<Scenario['cluster']>;
  const dice = random(seed);
  const engine = fakeEngine({ latencyMs: storing });
  let current: LedgerFaults = faults;
  let starts = 0;
  let accepts = 0;
  let logs = 0;
  /** The records that retention has removed. */
  let forgotten: LedgerRecord[] = [];

  const cacheDice = random(seed + 1);
  const newRelay = () => {
    let ledger: FakeLedger | undefined;
    // It survives the process of the relay, and lacks some of the records.
    const cache = fakeRecordCache(() => cacheDice.below(10) === 0);
    const process = relayProcess(quality, (stop$) => {
      starts += 1;
      ledger = faultyLedger(engine.connect(`relay${starts}`), {
        engine,
        random: () => dice.below(2 ** 30) / 2 ** 30,
        faults: () => current,
      });
      ledger = { ...ledger, cache };
      const options = {
        nonce,
        verify,
        hash: fakeHash,
        logId: () => `log${(logs += 1)}`,
        endOfTick$: timer(0),
        ledger,
        history: { windowBytes: window },
        stop$,
      };
      return pipe(relay(options), tap({ complete: () => ledger?.stop() }));
    });
    process.start();
    return {
      process,
      perform: (action: RelayAction['do']) => {
        if (action === 'kill') process.kill(() => ledger?.crash());
        else if (action === 'start' || action === 'drain') process[action]();
        else if (action === 'cut' || action === 'heal') ledger?.[action]();
      },
    };
  };
  const relays = Array.from({ length: count }, newRelay);

  return {
    accept: () => {
      accepts += 1;
      return relays[accepts % count]?.process.accept();
    },
    perform: ({ relay: number = 0, do: action }) => {
      if (action === 'wipe') {
        forgotten = [];
        engine.loseFrom(1);
      } else if (action === 'loseEnd') {
        engine.loseFrom(engine.records(LOBBY).at(-3)?.address ?? 1);
      } else if (action === 'forget') {
        const records = engine.records(LOBBY);
        forgotten.push(...records.slice(0, -3));
        engine.dropBefore(LOBBY, records.at(-3)?.address ?? 0);
      } else relays[number % count]?.perform(action);
    },
    repair: () => {
      current = {};
      for (const { perform } of relays) for (const action of ['heal', 'start'] as const) perform(action);
    },
    log: () => readRoom({ records: (room) => [...forgotten, ...engine.records(room)] }).lines,
    stop: () => {
      for (const { process } of relays) process.stop();
    },
  };
};
