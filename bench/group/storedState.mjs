/** The size of what a member stores, after many messages and epochs. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom } from 'rxjs';
import { openGroupStore } from '../../dist/src/group/groupStore.js';
import { formatSnapshot, parseSnapshot } from '../../dist/streams/client/group/savedState.js';
import { sendingFrom } from '../../dist/streams/client/group/sealMessage.js';
import { formatSlotRecord } from '../../dist/streams/client/group/slotRecord.js';
import { expectEvent, expectOpened } from './checks.mjs';
import { timeCpu } from './cpu.mjs';
import { DAY_MS } from './room.mjs';

const SENDER_SESSION = 'A'.repeat(22);

/** The settings of `--forget` that are measured, with what reading the last and the first message again gives. */
const settingsOf = (epochs) => ({
  0: { forgetMs: 0, last: 'forgotten', first: 'forgotten' },
  '7d': { forgetMs: 7 * DAY_MS, last: 'opened', first: epochs > 9 ? 'forgotten' : 'opened' },
  // There is a maximum of past epochs too, which the first one may be beyond.
  never: { forgetMs: Infinity, last: 'opened', first: undefined },
});

/** Returns the session of a member from the state of another: all members have the same keys, except for their own. */
const sessionAs = ({ contextOf, openSession, devices, creator }, leaf) => {
  const { state } = creator.session;
  const view = { ...state.epoch.view, leaf };
  const sending = { slot: 0, ...sendingFrom(state.epoch.senders[leaf][0].next) };
  return openSession(contextOf(devices[leaf]), { ...state, epoch: { ...state.epoch, view }, sending })
    .session;
};

/**
 * Lets all members send in turn, in epochs of a day, and measures what `member` stores by each setting. Throws unless it
 * opened each message, and loads a state that opens the messages which it may still open.
 */
export const measureStoredState = async (room, member, { committers, messages, epochs }) => {
  const { clock, contextOf, openSession, devices, readers } = room;
  const { device } = member.context;
  const sized = Object.entries(settingsOf(epochs)).map(([name, setting]) => ({
    name,
    ...setting,
    ...openSession(contextOf(device, setting.forgetMs), member.session.state),
  }));
  readers.push(...sized);
  const entries = [];
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    if (epoch > 0) {
      clock.timeMs += DAY_MS;
      room.renew(committers);
    }
    const senders = devices.map((_, leaf) => sessionAs(room, leaf));
    for (let n = 0; n < messages / epochs; n += 1) {
      const content = { lines: [`message ${entries.length}`] };
      const envelope = { nick: 'nick', session: SENDER_SESSION, counter: 1, time: clock.timeMs, stored: 0 };
      // All send as often as possible, so that as many ratchets as possible have keys that were used.
      const entry = room.toEntry(senders[n % senders.length].seal({ ...content, ...envelope }));
      entries.push({ entry, content });
      for (const { session } of sized) expectOpened(session.open(entry), [content]);
    }
  }
  readers.splice(readers.length - sized.length, sized.length);
  const stored = [];
  for (const each of sized) stored.push([each.name, await store(room, each, entries)]);
  return Object.fromEntries(stored);
};

const store = async ({ engine, openSession }, { context, session, last, first }, entries) => {
  const dir = mkdtempSync(join(tmpdir(), 'rxchat-bench-'));
  try {
    const group = Buffer.from(context.groupIdHash).toString('base64url');
    const deviceKey = context.suite.randomBytes(32);
    const groupStore = openGroupStore({ dir, group, deviceKey, slot: 0 });
    const { state } = session;
    const order = { epoch: state.epoch.view.epoch, position: state.position };
    const inviteSecret = context.suite.randomBytes(32);
    const { result: snapshot, ms } = timeCpu(() =>
      formatSnapshot(engine, { inviteSecret, resume: undefined, state }),
    );
    const slotRecord = formatSlotRecord(engine, state);
    await lastValueFrom(groupStore.save(snapshot, order, slotRecord), { defaultValue: undefined });
    const loaded = groupStore.load();
    if (loaded.kind !== 'loaded') throw new Error(`the state was not stored: ${loaded.kind}`);
    const again = openSession(context, parseSnapshot(context, loaded.snapshot, slotRecord).state).session;
    expectEvent(again.open(entries.at(-1).entry), last);
    if (first !== undefined) expectEvent(again.open(entries[0].entry), first);
    if (last === 'opened') expectOpened(again.open(entries.at(-2).entry), [entries.at(-2).content]);
    return { bytes: statSync(groupStore.path).size, ms, pastEpochs: state.pastEpochs.length };
  } finally {
    rmSync(dir, { recursive: true });
  }
};
