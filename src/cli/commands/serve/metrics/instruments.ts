import { Counter, Gauge, type Registry } from 'prom-client';

/** Creates metrics that read their values at a scrape. */
export interface Instruments {
  /** Adds a gauge; it has no sample while `read` returns `undefined`. */
  readonly gauge: (name: string, help: string, read: () => number | undefined) => void;
  /** Adds a gauge that is 1, whose labels describe the process. */
  readonly info: (name: string, help: string, labels: Readonly<Record<string, string>>) => void;
  /** Adds a counter, of which `read` returns the total. */
  readonly counter: (name: string, help: string, read: () => number) => void;
  /** Adds counters that differ by a label. */
  readonly counters: (name: string, help: string, label: string, totals: ReadonlyMap<string, number>) => void;
}

/** Returns functions that add metrics to a registry. */
export const instruments = (registry: Registry): Instruments => {
  const registers = [registry];
  return {
    gauge: (name, help, read) => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          const value = read();
          if (value === undefined) this.remove();
          else this.set(value);
        },
      });
    },
    info: (name, help, labels) => {
      new Gauge({ name, help, registers, labelNames: Object.keys(labels) }).set(labels, 1);
    },
    counter: (name, help, read) => {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    },
    counters: (name, help, label, totals) => {
      new Counter({
        name,
        help,
        registers,
        labelNames: [label],
        collect() {
          this.reset();
          for (const [key, value] of totals) this.inc({ [label]: key }, value);
        },
      });
    },
  };
};
