/** Returns the outcome of reading: a summary of the value, or the name of an allowed error. */
export const outcomeOf = <T>(
  read: () => T,
  summarize: (value: T) => string,
  ...allowed: readonly (new (...args: never[]) => Error)[]
): string => {
  let value: T;
  try {
    value = read();
  } catch (error) {
    const known = allowed.find((each) => error instanceof each);
    if (known === undefined) throw error;
    // Numbers in messages are no news.
    return `${known.name}: ${(error as Error).message.replaceAll(/\d+/g, 'n')}`;
  }
  return summarize(value);
};

/** The reader gave what it must not. */
export const ensure = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`broken: ${what}`);
};
