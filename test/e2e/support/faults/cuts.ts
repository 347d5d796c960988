import { newRoom, through } from '../relay.js';
import { type Account, accountOf } from './account.js';
import { startFaultProxy } from './faultProxy.js';
import { randomOf } from './kills.js';
import { lastingRelay } from './lastingRelay.js';
import { rawEntries, readBack, repeatedTokens, sayTheEnd } from './readBack.js';
import { startVoice } from './voice.js';

/** How many lines each says before its connection is cut, one message a line. */
const LINES = 12;

/**
 * The connections of three who talk are reset so many times, each time in the middle of a line that goes to the relay, or
 * of one that comes back; they return at once.
 */
export const cutOff = async (times: number, seed: number): Promise<Account> => {
  const random = randomOf(seed);
  const relay = await lastingRelay();
  const room = newRoom(relay.port);
  const people = await Promise.all(
    ['v1', 'v2', 'v3'].map(async (nick) => {
      const way = await startFaultProxy(relay.port);
      const voice = startVoice(through(way.port, room), nick, ({ type }, { wake }) => {
        if (type === 'offline') setImmediate(wake);
      });
      await voice.until(({ isIn }) => isIn);
      return { way, voice };
    }),
  );
  const voices = people.map(({ voice }) => voice);

  for (let time = 1; time <= times; time += 1)
    await Promise.all(
      people.map(async ({ way, voice }) => {
        const links = way.count;
        way.cutMidLine(random() < 0.5 ? 'up' : 'down');
        voice.say(Array.from({ length: LINES }, (_, k) => `${voice.nick} ${voice.said.length + k + 1}`));
        await way.linked(links + 1);
        await voice.until(({ isIn }) => isIn);
      }),
    );
  await Promise.all(
    voices.map((voice) => voice.until(({ said, receipted }) => said.length === receipted.length)),
  );

  await sayTheEnd(room);
  await Promise.all(voices.map((voice) => voice.until(({ isOver }) => isOver)));
  return accountOf({
    sent: voices.flatMap(({ said }) => said),
    receipted: voices.flatMap(({ receipted }) => receipted),
    log: await readBack(room),
    repeatedTokens: repeatedTokens(await rawEntries(room)),
    listeners: voices.map(({ hearing }) => hearing),
  });
};
