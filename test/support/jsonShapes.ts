import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const text = readFileSync(fileURLToPath(new URL('../../docs/json.md', import.meta.url)), 'utf8');

/** Replaces the values in a value by the names of their types. */
export const shapeOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return ['array'];
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shapeOf(each)]));
};

const typeOf = (value: unknown): string => String((value as Readonly<Record<string, unknown>>)['type']);

/** The shapes in docs/json.md by type; the shape of the cursor file is under `undefined`. */
export const JSON_SHAPES: ReadonlyMap<string, unknown> = new Map(
  Array.from(text.matchAll(/^```json\n(.*?)^```/gms), ([, block = '']) => block.trim().split('\n'))
    .flat()
    .map((line): unknown => JSON.parse(line))
    .map((value) => [typeOf(value), shapeOf(value)]),
);
