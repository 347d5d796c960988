import { newRoom, viaPort } from '../relay.js';
import { type DeliveryReport, deliveryReport } from './deliveryReport.js';
import { startFaultProxy } from './faultProxy.js';
import { seededRandom } from './kills.js';
import { startRestartableRelay } from './restartableRelay.js';
import { rawEntries, readBack, repeatedTokens, sendEndMarker } from './readBack.js';
import { startMember } from './inProcessMember.js';

/** Number of lines that each sender sends before its connection is cut, one message per line. */
const LINES = 12;

/**
 * Resets the connections of three senders many times, each time in the middle of a line to or from the relay. They
 * reconnect at once.
 */
export const resetConnections = async (times: number, seed: number): Promise<DeliveryReport> => {
  const random = seededRandom(seed);
  const relay = await startRestartableRelay();
  const room = newRoom(relay.port);
  const clients = await Promise.all(
    ['v1', 'v2', 'v3'].map(async (nick) => {
      const way = await startFaultProxy(relay.port);
      const voice = startMember(viaPort(way.port, room), nick, ({ type }, { retryNow }) => {
        if (type === 'offline') setImmediate(retryNow);
      });
      await voice.until(({ isJoined }) => isJoined);
      return { way, voice };
    }),
  );
  const voices = clients.map(({ voice }) => voice);

  for (let time = 1; time <= times; time += 1)
    await Promise.all(
      clients.map(async ({ way, voice }) => {
        const links = way.count;
        way.cutMidLine(random() < 0.5 ? 'up' : 'down');
        voice.send(Array.from({ length: LINES }, (_, k) => `${voice.nick} ${voice.sent.length + k + 1}`));
        await way.waitForLinks(links + 1);
        await voice.until(({ isJoined }) => isJoined);
      }),
    );
  await Promise.all(
    voices.map((voice) => voice.until(({ sent, confirmed }) => sent.length === confirmed.length)),
  );

  await sendEndMarker(room);
  await Promise.all(voices.map((voice) => voice.until(({ hasEnded }) => hasEnded)));
  return deliveryReport({
    sent: voices.flatMap(({ sent }) => sent),
    receipted: voices.flatMap(({ confirmed }) => confirmed),
    log: await readBack(room),
    repeatedTokens: repeatedTokens(await rawEntries(room)),
    listeners: voices.map(({ received }) => received),
  });
};
