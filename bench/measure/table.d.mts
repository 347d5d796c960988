import type { Summary } from './statistics.mjs';
export function figure(value: number | undefined): string;
export function spread(summary: Summary, unit?: string): string;
export function times(ratio: Summary): string;
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string;
