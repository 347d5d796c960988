/** Compares how fast two ways seal and open the same messages. */
import { ratio, summary } from '../measure/statistics.mjs';
import { expectOpened } from './checks.mjs';
import { timeCpu } from './cpu.mjs';

/**
 * Measures messages per second of CPU of two ways, in alternating rounds after two that do not count. `ratio` is the
 * second to the first. Throws if a way opens anything but the messages that it sealed.
 */
export const compareRates = (ways, messages, rounds) => {
  const rates = ways.map(() => ({ seal: [], open: [] }));
  for (let round = -2; round < rounds; round += 1)
    for (const [at, { seal, open }] of ways.entries()) {
      const sealed = timeCpu(() => seal(messages));
      const opened = timeCpu(() => open(sealed.result));
      expectOpened(opened.result, messages);
      if (round < 0) continue;
      rates[at].seal.push((1000 * messages.length) / sealed.ms);
      rates[at].open.push((1000 * messages.length) / opened.ms);
    }
  const compare = (step) => {
    const [first, second] = rates.map((each) => each[step]);
    return { rates: [summary(first).median, summary(second).median], ratio: ratio(second, first) };
  };
  return { seal: compare('seal'), open: compare('open') };
};
