export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}
export function median(values: readonly number[]): number;
export function summary(values: readonly number[]): Summary;
export function ratio(of: readonly (number | undefined)[], to: readonly (number | undefined)[]): Summary;
