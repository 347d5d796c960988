/** What the benchmarks of group rooms check before they print a figure. */

/**
 * Throws unless an event of a type is among some.
 *
 * @param {readonly { readonly type: string }[]} events
 * @param {string} type
 */
export const expectEvent = (events, type) => {
  if (!events.some((event) => event.type === type))
    throw new Error(`${type} expected, and not ${events.map((event) => event.type).join(', ') || 'nothing'}`);
};

/**
 * Throws unless the opened messages are those that were sealed: none missing, repeated, changed or out of order.
 *
 * @param {readonly { readonly type: string, readonly envelope?: { readonly lines: readonly string[] } }[]} events
 * @param {readonly { readonly lines: readonly string[] }[]} messages
 */
export const expectOpened = (events, messages) => {
  if (events.length !== messages.length)
    throw new Error(`${messages.length} messages were sealed, and ${events.length} events came out`);
  for (const [at, { type, envelope }] of events.entries()) {
    if (type !== 'opened') throw new Error(`message ${at + 1} was not opened: ${type}`);
    const { lines } = messages[at];
    const opened = envelope?.lines ?? [];
    if (opened.length !== lines.length || lines.some((line, n) => line !== opened[n]))
      throw new Error(`message ${at + 1} is not the one that was sealed`);
  }
};

/**
 * Throws unless `count` devices report the same room code and that many members.
 *
 * @param {readonly ({ readonly code: string, readonly members: number } | undefined)[]} views
 * @param {number} count
 */
export const expectOneGroup = (views, count) => {
  const [first] = views;
  const isWrong = (view) => view === undefined || view.code !== first?.code || view.members !== count;
  const wrong = Array.from({ length: count }, (_, who) => views[who]).filter(isWrong).length;
  if (wrong > 0) throw new Error(`${wrong} of ${count} devices are not in the group of the others`);
};
