import type { Flag } from '../flags.js';

/** What a shell can offer where the value of a flag stands. */
export type Value =
  | { readonly type: 'words'; readonly words: readonly string[] }
  | { readonly type: 'files' | 'directories' | 'anything' };

/** `undefined` where a flag has no value. */
export const valueOf = ({ type, value, choices }: Flag): Value | undefined => {
  if (type === 'boolean') return undefined;
  if (choices !== undefined) return { type: 'words', words: choices };
  if (value === 'FILE') return { type: 'files' };
  return { type: value === 'DIR' ? 'directories' : 'anything' };
};

/** In single quotes, for a shell that takes a backslash there as it is. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
