/**
 * Measures group rooms: handshakes, messages in comparison with a key room, reading after an absence, the state on disk,
 * many joins at once, and the page. Each figure is printed only after a check that what was measured is right. Prints
 * CPU times, as medians, in Markdown. Takes some minutes.
 *
 *   npm run bench:group -- [--members N,N,...] [--rounds N] [--messages N] [--epochs N] [--commits N] [--joins N,N,...]
 *     [--latency MS] [--noble]
 */
import { parseArgs } from 'node:util';
import { nobleSuite } from '../dist/src/browser/nobleSuite.js';
import { nodeSuite } from '../dist/src/crypto/nodeSuite.js';
import { MEMBER_LIMIT } from '../dist/streams/client/group/rules.js';
import { measureCatchUp } from './group/catchUp.mjs';
import { measureHandshakes } from './group/handshakes.mjs';
import { joinAtOnce } from './group/joinStorm.mjs';
import { compareMessages } from './group/messages.mjs';
import { measurePage } from './group/pageSize.mjs';
import { createRoom } from './group/room.mjs';
import { measureStoredState } from './group/storedState.mjs';

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '10,50,100,200,300' },
    rounds: { type: 'string', default: '9' },
    messages: { type: 'string', default: '10000' },
    epochs: { type: 'string', default: '50' },
    commits: { type: 'string', default: '100' },
    joins: { type: 'string', default: '10,25,50' },
    latency: { type: 'string', default: '25' },
    noble: { type: 'boolean', default: false },
  },
});
const toNumber = (text, name, from = 1) => {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < from)
    throw new Error(`--${name} needs whole numbers from ${from} on`);
  return number;
};
const toNumbers = (text, name, from) =>
  text
    .split(',')
    .map((each) => toNumber(each, name, from))
    .sort((one, other) => one - other);
const memberCounts = toNumbers(values.members, 'members', 4);
const joinCounts = toNumbers(values.joins, 'joins');
const [rounds, messages, epochs, commits, latencyMs] = [
  'rounds',
  'messages',
  'epochs',
  'commits',
  'latency',
].map((name) => toNumber(values[name], name));

const whole = (value) => Math.round(value).toLocaleString('en');
const ms = (value) => `${value.toFixed(1)} ms`;
const bytes = (value) => `${whole(value)} B`;
const table = (title, head, rows) => {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  console.log([`\n${title}\n`, line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n'));
};

const room = createRoom(values.noble ? nobleSuite() : nodeSuite());
const joinReader = () => {
  const member = room.join();
  room.readers.push(member);
  return member;
};
const committers = [room.creator, joinReader()];
const follower = joinReader();
const counts = memberCounts.filter((count) => count <= MEMBER_LIMIT);
/** How many members the room has in which messages and an absence are measured. */
const compared = counts.includes(100) ? 100 : (counts.at(-1) ?? 0);

const handshakeRows = [];
const stateRows = [];
for (const count of counts) {
  let newest = follower;
  while (room.devices.length < count) newest = room.join();
  const { join, processJoin, commit, processCommit, removal, groupInfo } = measureHandshakes(
    room,
    follower,
    rounds,
  );
  handshakeRows.push([
    count,
    `${ms(join.ms)}, ${bytes(join.bytes)}`,
    ms(processJoin.ms),
    `${ms(commit.ms)}, ${bytes(commit.bytes)}`,
    ms(processCommit.ms),
    bytes(removal.bytes),
    bytes(groupInfo.bytes),
  ]);
  if (count === compared) {
    const absence = measureCatchUp(room, { away: newest, committers, commits });
    table(
      `Reading ${commits} commits after a week away`,
      ['members', 'CPU', 'log'],
      [[count, ms(absence.ms), bytes(absence.bytes)]],
    );
    table(
      `Messages per second of CPU in a key room and in a group room of ${count}`,
      ['message', 'sealed', 'in a group', 'ratio', 'opened', 'in a group', 'ratio'],
      compareMessages(room, follower, { rounds, messages: 1000 }).map(({ kind, seal, open }) => [
        kind,
        ...[seal, open].flatMap(({ rates, ratio }) => [
          ...rates.map(whole),
          `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`,
        ]),
      ]),
    );
  }
  const stored = await measureStoredState(room, follower, { committers, messages, epochs });
  stateRows.push([
    count,
    ...Object.values(stored).map(
      (each) => `${bytes(each.bytes)}, ${each.pastEpochs} past epochs, ${ms(each.ms)}`,
    ),
  ]);
}

table(
  'Handshakes: CPU and bytes',
  ['members', 'join', 'process', 'commit', 'process', 'removal', 'group info'],
  handshakeRows,
);
table(
  `The state on disk after ${whole(messages)} messages in ${epochs} epochs of a day, and the CPU time to format it`,
  ['members', '`--forget 0`', '`--forget 7d`', '`--forget never`'],
  stateRows,
);
for (const count of memberCounts.filter((each) => each > MEMBER_LIMIT)) {
  while (room.devices.length < MEMBER_LIMIT) room.join();
  console.log(
    `\n${count} members: device ${MEMBER_LIMIT + 1} is refused, because ${room.joinBeyondLimit()}.`,
  );
}

table(
  `Joins at once, over a relay ${latencyMs} ms away, on virtual time`,
  ['joins', 'commits', 'of them void', 'group infos', 'log', 'all are in after', 'least possible'],
  joinCounts.map((count) => {
    const storm = joinAtOnce({ count, latencyMs, random: Math.random });
    return [
      count,
      storm.commits + storm.lost,
      storm.lost,
      storm.groupInfos,
      bytes(storm.bytes),
      `${(storm.allInMs / 1000).toFixed(1)} s`,
      `${count} commits, ${((2 * latencyMs * count) / 1000).toFixed(1)} s`,
    ];
  }),
);
const page = measurePage();
table('The page, compressed', ['each room', 'group rooms besides'], [[bytes(page.first), bytes(page.group)]]);
