import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deriveRoomKeys, nodeCipher } from '../../../../src/index.js';
import { errorCode } from '../../../../src/util/errors.js';
import { type Token } from '../../../../streams/index.js';
import { decodeEnvelope } from '../../../../streams/client/envelope/envelope.js';
import { tempDir, run, rxchat } from '../child.js';
import { newRoom, type Room, viaPort } from '../relay.js';
import { HANG_MS } from '../streamOutput.js';
import { type DeliveryReport, deliveryReport } from './deliveryReport.js';
import { startFaultProxy } from './faultProxy.js';
import { startRestartableRelay } from './restartableRelay.js';
import { listenFromStart, rawEntries, readBack, repeatedTokens, sendEndMarker } from './readBack.js';

/** A command that saves undelivered lines to disk. */
export type SpoolingCommand = readonly ['send', '--spool'] | readonly ['join'];

const NICK = 's1';
const BATCH = 100;

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, k) => `${NICK} ${from + k}`);
const asInput = (lines: readonly string[]): string => lines.map((each) => `${each}\n`).join('');

const reportFor = async (room: Room, sent: readonly string[]): Promise<DeliveryReport> => {
  await sendEndMarker(room);
  const log = await readBack(room);
  const tokens = repeatedTokens(await rawEntries(room));
  return deliveryReport({ sent, receipted: sent, log, repeatedTokens: tokens, listeners: [] });
};

/** `send --spool` twice without any relay, then with one. */
export const sendWithoutRelay = async (): Promise<DeliveryReport> => {
  const relay = await startRestartableRelay();
  const room = newRoom(relay.port);
  const state = tempDir();
  const send = (lines: readonly string[]) =>
    run(['send', '--spool', room.text, '--nick', NICK], {
      env: { XDG_STATE_HOME: state },
      input: asInput(lines),
    });

  await relay.stop();
  for (const from of [1, 1 + BATCH]) {
    const { code, err } = await send(numbered(from, from + BATCH - 1));
    if (code !== 3 || !err.includes(`lines saved for the next run with --spool: ${from + BATCH - 1}\n`))
      throw new Error(`it did not save its lines: ${code}\n${err}`);
  }
  if (spooledLines(state, room).length !== 2 * BATCH) throw new Error('the saved lines are not on disk');
  await relay.start();
  const { code, err } = await send(numbered(2 * BATCH + 1, 3 * BATCH));
  if (code !== 0) throw new Error(`it ended with ${code}:\n${err}`);
  if (spooledLines(state, room).length > 0) throw new Error('stored lines are still on disk');
  return reportFor(room, numbered(1, 3 * BATCH));
};

/**
 * Kills the command while some of its lines have no receipt, and others have not reached the relay. Then runs it
 * again.
 */
export const killSpoolingCommand = async (keeper: SpoolingCommand): Promise<DeliveryReport> => {
  const relay = await startRestartableRelay();
  const room = newRoom(relay.port);
  const way = await startFaultProxy(relay.port);
  const state = tempDir();
  const listener = listenFromStart(room, 'ear');
  const env = { XDG_STATE_HOME: state };
  const [command, ...flags] = keeper;
  const args = [command, viaPort(way.port, room).text, '--nick', NICK, ...flags];

  const keeps = rxchat(args, { env });
  const receivedBy = (text: string) =>
    listener.out.until(({ lines }) => lines.some((each) => each.includes(`"text":"${text}"`)));
  keeps.writeInput(asInput(numbered(1, BATCH)));
  await receivedBy(`${NICK} ${BATCH}`);
  way.freeze('down');
  keeps.writeInput(asInput(numbered(BATCH + 1, 2 * BATCH)));
  await receivedBy(`${NICK} ${2 * BATCH}`);
  way.freeze('up');
  keeps.writeInput(asInput(numbered(2 * BATCH + 1, 3 * BATCH)));
  await waitForSpooledLine(state, room, `${NICK} ${3 * BATCH}`);
  keeps.signal('SIGKILL');
  await keeps.exit;

  way.thaw();
  const again = await run(args, { env, input: asInput(numbered(3 * BATCH + 1, 4 * BATCH)) });
  if (again.code !== 0) throw new Error(`it ended with ${again.code}:\n${again.err}`);
  return reportFor(room, numbered(1, 4 * BATCH));
};

/** Returns the saved lines of a room in a state directory. Throws if others could read them. */
const spooledLines = (state: string, { secret }: Room): readonly string[] => {
  const { fernetKey } = deriveRoomKeys(secret);
  const files = readdirSync(state, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return paths.flatMap((path) => {
    const file = openIfExists(path);
    if (file === undefined) return [];
    let text: string;
    try {
      const { mode } = fstatSync(file);
      text = readFileSync(file, 'utf8');
      if (text.includes(`${NICK} `) || (mode & 0o077) !== 0)
        throw new Error(`others could read ${path}: mode ${mode.toString(8)}`);
    } finally {
      closeSync(file);
    }
    return [...text.matchAll(/gAAAA[\w-]+=*/g)].flatMap(([token]) => {
      const opened = nodeCipher().open(fernetKey, token as Token);
      return typeof opened === 'string' ? [] : (decodeEnvelope(opened)?.lines ?? []);
    });
  });
};

/** Files come and go while a command runs. A file gets its name only after it was written. */
const openIfExists = (path: string): number | undefined => {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};

/** Resolves once a line is saved. */
const waitForSpooledLine = async (state: string, room: Room, line: string): Promise<void> => {
  for (const began = performance.now(); performance.now() - began < HANG_MS;) {
    if (spooledLines(state, room).includes(line)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${line} is not saved`);
};
