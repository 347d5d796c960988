/** The bytes of the built page, compressed as the relay sends them. */
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** Returns the size of what each browser loads, and of what it loads for a group room only. */
export const measurePage = () => {
  const page = new URL('../../dist/page/', import.meta.url);
  const read = (name) => readFileSync(new URL(name, page));
  const html = read('index.html').toString();
  const all = readdirSync(page);
  const isDeferred = (name) => name.endsWith('.js') && !html.includes(`"${name}"`);
  const sizeOf = (names) => names.reduce((sum, name) => sum + gzipSync(read(name), { level: 9 }).length, 0);
  return {
    first: sizeOf(all.filter((name) => !isDeferred(name))),
    group: sizeOf(all.filter(isDeferred)),
  };
};
