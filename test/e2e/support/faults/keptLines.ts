import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deriveRoomKeys, nodeCipher } from '../../../../src/index.js';
import { errorCode } from '../../../../src/transport/networkError.js';
import { decodeEnvelope, type Token } from '../../../../streams/index.js';
import { newDir, run, rxchat } from '../child.js';
import { newRoom, type Room, through } from '../relay.js';
import { HANG } from '../said.js';
import { type Account, accountOf } from './account.js';
import { startFaultProxy } from './faultProxy.js';
import { lastingRelay } from './lastingRelay.js';
import { listenFromTheStart, rawEntries, readBack, repeatedTokens, sayTheEnd } from './readBack.js';

/** A command that keeps on disk what it could not deliver. */
export type Keeper = readonly ['send', '--spool'] | readonly ['join'];

const NICK = 's1';
const STEP = 100;

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, k) => `${NICK} ${from + k}`);
const asInput = (lines: readonly string[]): string => lines.map((each) => `${each}\n`).join('');

const accountFor = async (room: Room, sent: readonly string[]): Promise<Account> => {
  await sayTheEnd(room);
  const log = await readBack(room);
  const tokens = repeatedTokens(await rawEntries(room));
  return accountOf({ sent, receipted: sent, log, repeatedTokens: tokens, listeners: [] });
};

/** `send --spool` twice without any relay, then with one. */
export const noRelayAtAll = async (): Promise<Account> => {
  const relay = await lastingRelay();
  const room = newRoom(relay.port);
  const state = newDir();
  const send = (lines: readonly string[]) =>
    run(['send', '--spool', room.text, '--nick', NICK], {
      env: { XDG_STATE_HOME: state },
      input: asInput(lines),
    });

  await relay.stop();
  for (const from of [1, 1 + STEP]) {
    const { code, err } = await send(numbered(from, from + STEP - 1));
    if (code !== 3 || !err.includes(`kept for the next run with --spool: ${from + STEP - 1}\n`))
      throw new Error(`it did not keep its lines: ${code}\n${err}`);
  }
  if (keptIn(state, room).length !== 2 * STEP) throw new Error('the kept lines are not on the disk');
  await relay.start();
  const { code, err } = await send(numbered(2 * STEP + 1, 3 * STEP));
  if (code !== 0) throw new Error(`it ended with ${code}:\n${err}`);
  if (keptIn(state, room).length > 0) throw new Error('lines are kept that are stored');
  return accountFor(room, numbered(1, 3 * STEP));
};

/** Is killed while some of its lines have no receipt, and others have not even reached the relay; and runs again. */
export const keeperKilled = async (keeper: Keeper): Promise<Account> => {
  const relay = await lastingRelay();
  const room = newRoom(relay.port);
  const way = await startFaultProxy(relay.port);
  const state = newDir();
  const listener = listenFromTheStart(room, 'ear');
  const env = { XDG_STATE_HOME: state };
  const [command, ...flags] = keeper;
  const args = [command, through(way.port, room).text, '--nick', NICK, ...flags];

  const keeps = rxchat(args, { env });
  const heard = (text: string) =>
    listener.out.until(({ lines }) => lines.some((each) => each.includes(`"text":"${text}"`)));
  keeps.feed(asInput(numbered(1, STEP)));
  await heard(`${NICK} ${STEP}`);
  way.freeze('down');
  keeps.feed(asInput(numbered(STEP + 1, 2 * STEP)));
  await heard(`${NICK} ${2 * STEP}`);
  way.freeze('up');
  keeps.feed(asInput(numbered(2 * STEP + 1, 3 * STEP)));
  await keptLine(state, room, `${NICK} ${3 * STEP}`);
  keeps.signal('SIGKILL');
  await keeps.exit;

  way.thaw();
  const again = await run(args, { env, input: asInput(numbered(3 * STEP + 1, 4 * STEP)) });
  if (again.code !== 0) throw new Error(`it ended with ${again.code}:\n${again.err}`);
  return accountFor(room, numbered(1, 4 * STEP));
};

/** The lines of a room that are kept in a state directory. Throws where others could read them. */
const keptIn = (state: string, { secret }: Room): readonly string[] => {
  const { fernetKey } = deriveRoomKeys(secret);
  const files = readdirSync(state, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return paths.flatMap((path) => {
    const file = openIfThere(path);
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

/** Files come and go while a command runs: one that is written gets its name only then. */
const openIfThere = (path: string): number | undefined => {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};

/** Resolves once a line is kept. */
const keptLine = async (state: string, room: Room, line: string): Promise<void> => {
  for (const began = performance.now(); performance.now() - began < HANG;) {
    if (keptIn(state, room).includes(line)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${line} is not kept`);
};
