import { defer } from 'rxjs';
import { type FakeRelay, fakeRelay, type FakeRelayOptions } from '../../src/testing/fakeRelay.js';
import { type FakeHistory, fakeHistory } from './fakeHistory.js';

/** A fake relay with a store that can be backed up and restored. */
export interface RestorableRelay extends Pick<
  FakeRelay,
  'connect' | 'nextNumber' | 'event$' | 'inject' | 'stop'
> {
  /** Keeps what is stored now. */
  readonly backUp: () => void;
  /** Restarts the relay with what was kept. Its logs continue under other ids. */
  readonly restore: () => void;
  /** Restarts the relay with what was kept, as after the rollback of a disk: its logs keep their ids. */
  readonly rollBack: () => void;
  readonly store: FakeHistory;
}

export const restorableRelay = (options: Omit<FakeRelayOptions, 'history'> = {}): RestorableRelay => {
  let logCount = 0;
  let count = 0;
  const start = (store: FakeHistory) => ({
    store,
    relay: fakeRelay({ logId: () => `log-${(logCount += 1)}`, ...options, history: { store } }),
  });
  let present = start(fakeHistory());
  let saved = present.store;

  const restart = (store: FakeHistory) => {
    const before = present;
    present = start(store);
    before.relay.inject({ type: 'cut' });
    before.relay.stop();
  };

  return {
    connect: () => defer(() => present.relay.connect()),
    event$: defer(() => present.relay.event$),
    nextNumber: () => (count += 1),
    inject: (fault) => {
      present.relay.inject(fault);
    },
    stop: () => {
      present.relay.stop();
    },
    backUp: () => {
      saved = present.store.copy({ keepsIds: true });
    },
    restore: () => {
      restart(saved.copy());
    },
    rollBack: () => {
      restart(saved.copy({ keepsIds: true }));
    },
    get store() {
      return present.store;
    },
  };
};
