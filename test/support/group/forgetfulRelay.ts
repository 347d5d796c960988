import { defer } from 'rxjs';
import {
  type FakeRelay,
  fakeRelay,
  type FakeRelayOptions,
  type Fault,
} from '../../../src/testing/fakeRelay.js';

/** Creates a fake relay that can lose its logs, as one in memory does when it restarts. */
export const forgetfulRelay = (
  options: FakeRelayOptions,
): {
  readonly relay: Pick<FakeRelay, 'connect' | 'event$' | 'inject' | 'stop'>;
  readonly loseLogs: () => void;
} => {
  let present = fakeRelay(options);
  let isDown = false;
  let delay: Fault | undefined;
  return {
    relay: {
      connect: () => defer(() => present.connect()),
      event$: defer(() => present.event$),
      inject: (fault) => {
        if (fault.type === 'down' || fault.type === 'up') isDown = fault.type === 'down';
        if (fault.type === 'delay') delay = fault;
        present.inject(fault);
      },
      stop: () => {
        present.stop();
      },
    },
    loseLogs: () => {
      const next = fakeRelay(options);
      if (delay !== undefined) next.inject(delay);
      if (isDown) next.inject({ type: 'down' });
      const lost = present;
      present = next;
      lost.inject({ type: 'cut' });
      lost.stop();
    },
  };
};
