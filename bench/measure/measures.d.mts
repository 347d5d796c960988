/** The output of the load generator for a run, or the error that ended it. */
export interface Run {
  readonly ok: boolean;
  readonly fault: string | null;
  readonly arrived?: boolean;
  readonly totalOrder?: boolean | null;
  readonly seconds?: number;
  readonly deliveries?: number;
  readonly offered?: number;
  readonly serverCpu?: number;
  readonly idleShare?: number;
  readonly p50?: number;
  readonly p99?: number;
  /** Number of relays, if they share the cores with the generator; they are the first processes. */
  readonly relays?: number | undefined;
  readonly processes?: readonly {
    readonly cpu: number;
    readonly memoryBefore: number;
    readonly memoryJoined: number;
  }[];
  readonly otherOnMachine?: number;
  readonly otherOnServerCore?: number;
  readonly otherOnOwnCore?: number;
}
export interface Measure {
  readonly name: string;
  readonly better: 'more' | 'less';
  readonly of: (run: Run) => number | undefined;
}
export const deliveries: Measure;
export const cpu: Measure;
export const p99: Measure;
export function measuresOf(row: {
  readonly kind: string;
  readonly work: { readonly subscribers: number; readonly rooms?: number; readonly warm?: number };
}): Measure[];
export function disturbance(runs: readonly Run[]): {
  readonly idle: number | undefined;
  readonly other: number | undefined;
};
export function remarksOn(runs: readonly Run[]): string[];
