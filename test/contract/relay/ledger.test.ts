import { fakeEngine, type FakeLedger } from '../../support/fakeLedger.js';
import { describeLedger, type LedgerKind } from '../../support/ledgerContract.js';

const kinds: readonly LedgerKind[] = [
  {
    name: 'memory',
    acceptsOneAppend: true,
    start: () => {
      const engine = fakeEngine();
      const ledgers: FakeLedger[] = [];
      return Promise.resolve({
        connect: () => {
          const ledger = engine.connect(`relay${ledgers.length}`);
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
  },
];

for (const kind of kinds) describeLedger(kind);
