import { expect } from '@jest/globals';
import { expectMessages } from './groupDeliveries.js';
import { epochOf, type GroupOutcome, type GroupRun } from './groupSimulation.js';

const expectAgreement = ({ runs, keys }: GroupOutcome) => {
  const stayed = runs.filter((each) => each.stayed);
  const views = stayed.map(({ received }) => {
    const last = received.findLast((each) => each.type === 'epoch' || each.type === 'resumed');
    return last && { epoch: last.epoch, code: last.code, members: last.members };
  });
  for (const view of views) expect(view).toStrictEqual(views[0]);
  expect(views[0]?.members.map(({ key }) => key).toSorted()).toStrictEqual(
    [...new Set(stayed.map((run) => keys[run.who]))].toSorted(),
  );
};

const CANNOT_JOIN: ReadonlySet<string> = new Set(['ConnectionError', 'RefusedError']);

/** What no failure causes, since nobody misbehaves. */
const WRONG = ['alarm', 'key-changed', 'gap', 'undecryptable', 'send-failed'];

/** Whether the relay has let a run into the room where the group is, as far as the run knows. */
const hasArrived = ({ received }: GroupRun): boolean =>
  received.findLast((each) => each.type === 'welcome' || (each.type === 'epoch' && each.moved))?.type ===
  'welcome';

const expectFailures = ({ runs, externals, keys, hasLostLogs }: GroupOutcome) => {
  const removals = runs.flatMap(({ received }) =>
    received.flatMap((each) =>
      each.type === 'epoch' && each.change === 'removed'
        ? each.removed.map(({ key }) => ({ epoch: each.epoch, key }))
        : [],
    ),
  );
  for (const run of runs) {
    const { failure } = run;
    if (failure === undefined) continue;
    // Only a client that never joined gives up: the relay is down, or still has the nick of its earlier run.
    if (!run.received.some(({ type }) => type === 'welcome') && CANNOT_JOIN.has(failure.name)) continue;
    // The relay refuses a room that it has served. One to which the group moves is another matter.
    if (failure.name === 'RefusedError' && hasArrived(run)) continue;
    expect(['RemovedError', 'WithdrawnError']).toContain(failure.name);
    const epoch = epochOf(run);
    // A member learns each new invite, so only a client that is no member can have an old one.
    if (failure.name === 'WithdrawnError') expect(epoch).toBe(-1);
    else expect(removals.some((each) => each.key === keys[run.who] && each.epoch > epoch)).toBe(true);
  }
  for (const { isStored, failure } of externals)
    // The relay is down, has the nick, or the invite is old. Everybody else gets a receipt.
    if (failure === undefined) expect(isStored || hasLostLogs).toBe(true);
    else expect(['WithdrawnError', ...CANNOT_JOIN]).toContain(failure.name);
  const wrong = hasLostLogs ? WRONG : [...WRONG, 'log-changed'];
  for (const { received } of [...runs, ...externals])
    expect(received.filter(({ type }) => wrong.includes(type))).toStrictEqual([]);
};

/** Throws unless the outcome of a simulation is right. */
export const expectOutcome = (outcome: GroupOutcome): void => {
  expect(outcome.reusedKeys).toStrictEqual([]);
  expectFailures(outcome);
  expectAgreement(outcome);
  expectMessages(outcome);
};
