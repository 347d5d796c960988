interface Message {
  readonly lines: readonly string[];
}
interface OpenedEvent {
  readonly type: string;
  readonly envelope?: Message;
}
/** A way to seal messages and to open what it sealed. */
export interface Way<Sealed> {
  readonly seal: (messages: readonly Message[]) => Sealed;
  readonly open: (sealed: Sealed) => readonly OpenedEvent[];
}
interface Comparison {
  readonly rates: readonly number[];
  readonly ratio: { readonly median: number; readonly min: number; readonly max: number };
}
export function compareRates<Sealed>(
  ways: readonly Way<Sealed>[],
  messages: readonly Message[],
  rounds: number,
): { readonly seal: Comparison; readonly open: Comparison };
