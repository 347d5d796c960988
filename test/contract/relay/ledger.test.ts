import { fakeEngine, type FakeEngine, type FakeLedger } from '../../support/fakeLedger.js';
import { faultyLedger } from '../../support/faultyLedger.js';
import { describeLedger, type LedgerKind } from '../../support/ledgerContract.js';

/** An engine in memory, of which each relay has a ledger. */
const inMemory = (
  name: string,
  connect: (engine: FakeEngine, relayId: string) => FakeLedger,
): LedgerKind => ({
  name,
  acceptsOneAppend: true,
  start: () => {
    const engine = fakeEngine();
    const ledgers: FakeLedger[] = [];
    return Promise.resolve({
      connect: () => {
        const ledger = connect(engine, `relay${ledgers.length}`);
        ledgers.push(ledger);
        return Promise.resolve({ ledger, stop: () => ledger.stop() });
      },
      interrupt: () => {
        for (const ledger of ledgers) ledger.cut();
        for (const ledger of ledgers) ledger.heal();
        return Promise.resolve();
      },
      dispose: () => {
        for (const ledger of ledgers) ledger.stop();
      },
    });
  },
});

const kinds: readonly LedgerKind[] = [
  inMemory('memory', (engine, relayId) => engine.connect(relayId)),
  inMemory('memory, whose faults do not happen', (engine, relayId) =>
    faultyLedger(engine.connect(relayId), { engine, random: () => 0, faults: () => ({}) }),
  ),
];

for (const kind of kinds) describeLedger(kind);
