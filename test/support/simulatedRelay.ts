import { type Observable, type OperatorFunction, Subject, Subscription, timer } from 'rxjs';
import { relay } from '../../streams/relay/relay.js';
import type { Connection } from '../../streams/wire/connection.js';
import { fakeHistory } from './fakeHistory.js';
import type { RelayAction, Scenario, SimulatedRelays } from './simulation.js';
import {
  type VirtualConnection,
  type VirtualConnectionOptions,
  virtualConnection,
} from './virtualNetwork.js';
import { LOBBY, nonce, verify } from './wire.js';

/** A process that runs a relay. */
export interface RelayProcess {
  start(): void;
  /** Ends it at once, after `onKilled` has ended its store. */
  kill(onKilled: () => void): void;
  drain(): void;
  accept(): VirtualConnection | undefined;
  stop(): void;
}

/** Creates a process that runs `serve`, the relay of each start. */
export const relayProcess = (
  quality: VirtualConnectionOptions,
  serve: (stop$: Observable<unknown>) => OperatorFunction<Connection, unknown>,
): RelayProcess => {
  let listening: Subject<Connection> | undefined;
  let running = new Subscription();
  let stop$ = new Subject<void>();
  const open = new Set<VirtualConnection>();
  return {
    start: () => {
      if (listening !== undefined) return;
      listening = new Subject();
      stop$ = new Subject();
      running = listening.pipe(serve(stop$)).subscribe();
    },
    kill: (onKilled) => {
      listening = undefined;
      onKilled();
      for (const link of open) link.reset();
      open.clear();
      running.unsubscribe();
    },
    drain: () => {
      listening = undefined;
      stop$.next();
    },
    accept: () => {
      if (listening === undefined) return undefined;
      const link = virtualConnection(quality);
      open.add(link);
      listening.next(link.relayEnd);
      return link;
    },
    stop: () => {
      running.unsubscribe();
    },
  };
};

/** One relay with a store of its own. */
export const simulatedRelay = ({ quality, storing, keepsInFlight, window }: Scenario): SimulatedRelays => {
  let full = false;
  let wiped = 0;
  let forgotten: string[] = [];
  const newStore = () =>
    fakeHistory({
      commitDelay: () => timer(storing),
      failsAppend: () => full,
      keepsInFlight: () => keepsInFlight,
    });
  let history = newStore();
  const process = relayProcess(quality, (stop$) =>
    relay({
      nonce,
      verify,
      logId: () => `log${wiped}`,
      endOfTick$: timer(0),
      history: { store: history, windowBytes: window },
      stop$,
    }),
  );
  const kill = () => {
    process.kill(() => {
      history.crash();
    });
  };

  const perform = (action: RelayAction) => {
    switch (action.do) {
      case 'kill':
        kill();
        return;
      case 'start':
      case 'drain':
        process[action.do]();
        return;
      case 'wipe':
        kill();
        wiped += 1;
        history = newStore();
        forgotten = [];
        return;
      case 'forget': {
        const { first, next } = history.positionsOf(LOBBY) ?? { first: 1, next: 1 };
        const before = Math.max(first, next - 2);
        forgotten.push(...history.lines(LOBBY).slice(0, before - first));
        history.dropBefore(LOBBY, before);
        return;
      }
      case 'fill':
      case 'empty':
        full = action.do === 'fill';
        return;
      default:
    }
  };

  process.start();
  return {
    accept: () => process.accept(),
    perform,
    repair: () => {
      full = false;
      process.start();
    },
    log: () => [...forgotten, ...history.lines(LOBBY)],
    stop: () => {
      process.stop();
    },
  };
};
