import type { Pause } from './sweep.js';

/**
 * Sweeps now and every so many ms, a step a turn of the event loop, and keeps no process alive; what it gives stops it.
 * A sweep that waits for a tick goes on at the next one. `onError` is called with what ends a sweep; the next tick begins
 * another.
 */
export const sweeping = (
  every: number,
  steps: () => Iterator<Pause>,
  onError: (error: unknown) => void,
): (() => void) => {
  let running: Iterator<Pause> | undefined;
  let turn: NodeJS.Immediate | undefined;

  const step = () => {
    turn = undefined;
    try {
      running ??= steps();
      const next = running.next();
      if (next.done !== false) running = undefined;
      else if (next.value === 'turn') takeTurn();
    } catch (error) {
      running = undefined;
      onError(error);
    }
  };

  const takeTurn = () => {
    turn = setImmediate(step);
    turn.unref();
  };

  const tick = () => {
    if (turn === undefined) takeTurn();
  };

  tick();
  const timer = setInterval(tick, every);
  timer.unref();
  return () => {
    clearInterval(timer);
    clearImmediate(turn);
    running = undefined;
  };
};
