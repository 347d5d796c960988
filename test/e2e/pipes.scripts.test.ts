import { afterEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { freePort } from '../support/freePort.js';
import { tempDir, run, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { HOUR_TIMERS } from './support/hourTimers.js';
import { newRoom, startRelay } from './support/relay.js';
import { lineCount, lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const alerts = async (count: number) => {
  const relay = await startRelay();
  const room = newRoom(relay.port).text;
  for (let n = 1; n <= count; n += 1)
    expect((await run(['send', room, '--nick', 'bob', '-m', `alert ${n}`])).code).toBe(0);
  return { relay, room };
};

describe('listen in scripts', () => {
  test('--until-now prints what the relay has, and exits', async () => {
    const { room } = await alerts(2);
    const all = await run(['listen', room, '--after', '0', '--until-now']);
    expect([all.code, all.out]).toStrictEqual([0, 'bob: alert 1\nbob: alert 2\n']);
    const none = await run(['listen', newRoom(Number(/:(\d+)/.exec(room)?.[1])).text, '--until-now']);
    expect([none.code, none.out]).toStrictEqual([0, '']);
    expect((await run(['listen', room, '--until-now'])).out).toBe(all.out);
    expect((await run(['listen', room, '--until-now', '--last', '1'])).out).toBe('bob: alert 2\n');
    expect((await run(['listen', room, '--until-now', '--since', '1d'])).out).toBe(all.out);
    expect((await run(['listen', room, '--until-now', '--after', '3'])).out).toBe('bob: alert 2\n');
    const cursor = `${tempDir()}/cursor`;
    for (const out of ['bob: alert 1\nbob: alert 2\n', ''])
      expect(await run(['listen', room, '--until-now', '--cursor-file', cursor])).toMatchObject({
        code: 0,
        out,
      });
  });

  test('--last counts messages, not joins and leaves', async () => {
    const { room } = await alerts(8);
    const ran = await run(['listen', room, '--last', '3', '-n', '3']);
    expect([ran.code, ran.out]).toStrictEqual([0, 'bob: alert 6\nbob: alert 7\nbob: alert 8\n']);
    const none = await run(['listen', room, '--last', '0', '--until-now']);
    expect([none.code, none.out]).toStrictEqual([0, '']);
    const join = rxchat(['join', room, '--last', '5', '--nick', 'ear']);
    await join.out.until(lineWith('alert 8'));
    expect(join.out.lines.filter((each) => each.includes('alert'))).toHaveLength(5);
  });

  test('--last of more messages than fit reads the room again, and others see no leave', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port).text;
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`);
    expect((await run(['send', room, '--nick', 'bob'], { input: lines.join('') })).code).toBe(0);
    const eye = rxchat(['listen', room, '--nick', 'eye', '--json', '--events']);
    const events = () =>
      eye.out.lines
        .filter((each) => each.includes('"nicks":["ear"]'))
        .map((each) => (JSON.parse(each) as { type: string }).type);
    await eye.out.until(lineWith('online'));
    const listener = rxchat(['listen', room, '--nick', 'ear', '--last', '15000']);
    await listener.out.until(lineCount(15_000));
    await eye.out.until(() => events().length > 0);
    const wanted = lines.slice(5000).map((each) => `bob: ${each}`);
    expect(listener.out.text === wanted.join('')).toBe(true);
    listener.signal('SIGTERM');
    await eye.out.until(() => events().at(-1) === 'left');
    expect(events()).toStrictEqual(['joined', 'left']);
  });

  test('--until exits after a message that contains the text', async () => {
    const { room } = await alerts(3);
    const ran = await run(['listen', room, '--after', '0', '--until', 'ert 2']);
    expect([ran.code, ran.out]).toStrictEqual([0, 'bob: alert 1\nbob: alert 2\n']);
  });

  test('--timeout exits 9 when nothing else ended it, even before the relay answers', async () => {
    const { room } = await alerts(1);
    const listen = rxchat(['listen', room, '--after', '0', '--timeout', '1h'], { env: HOUR_TIMERS });
    await listen.out.until(lineCount(1));
    listen.signal('SIGUSR2');
    expect([await listen.exit, listen.out.text]).toStrictEqual([9, 'bob: alert 1\n']);
    expect(listen.err.text).toMatch(/^rxchat: timed out after 1 h$/m);
  });

  test('--time prints the time before each message', async () => {
    const { room } = await alerts(1);
    const args = ['listen', room, '--after', '0', '--until-now'];
    const { time } = JSON.parse((await run([...args, '--json'])).out) as { time: string };
    expect((await run([...args, '--time'])).out).toBe(`${time} bob: alert 1\n`);
  });
});

describe('a silent relay that accepts connections', () => {
  test('delays send and listen no longer than --timeout', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const room = newRoom(port).text;
    const sent = await run(['send', room, '--timeout', '500ms', '-m', 'x']);
    expect([sent.code, sent.err]).toStrictEqual([
      3,
      'rxchat: no receipt for 0.5 s: the relay does not answer; nothing was sent (0 of 1)\n',
    ]);
    expect((await run(['listen', room, '--timeout', '500ms'])).code).toBe(9);
    silent.close();
  });
});

describe('a relay that is not running yet', () => {
  test('is awaited with --wait', async () => {
    const port = await freePort();
    const room = newRoom(port).text;
    const listen = rxchat(['listen', room, '--wait', '1m', '--after', '0', '-n', '1']);
    const send = rxchat(['send', room, '--wait', '1m', '--nick', 'bob', '-m', 'early']);
    const relay = rxchat(['serve', '--port', String(port), '--memory']);
    await relay.out.until(lineWith('listening'));
    expect(await send.exit).toBe(0);
    expect(await listen.exit).toBe(0);
    expect(listen.out.text).toBe('bob: early\n');
  });

  test.each([
    ['that accepts and closes', ''],
    ['that is busy', 'ERR busy too many are here\n'],
    ['that cannot store', 'ERR storage the disk is full\n'],
    ['that sends BYE', 'BYE restarting 500\n'],
  ])('is awaited with --wait, even if it is %s at first', async (_name, answer) => {
    let connections = 0;
    const half = createServer((socket) => {
      connections += 1;
      // Some of them were connected before.
      if (connections === 8) half.close();
      socket.on('error', () => undefined).resume();
      socket.end(answer, () => socket.destroy());
    }).listen(0, '127.0.0.1');
    const closed = new Promise((resolve) => half.once('close', resolve));
    await new Promise((resolve) => half.once('listening', resolve));
    const { port } = half.address() as { port: number };
    const room = newRoom(port).text;
    const wait = ['--wait', '1m'];
    const listen = rxchat(['listen', room, ...wait, '--after', '0', '-n', '2']);
    const join = rxchat(['join', room, ...wait, '--nick', 'eve']);
    const send = rxchat(['send', room, ...wait, '--nick', 'bob', '-m', 'early']);
    const env = { RXCHAT_HOME: tempDir() };
    const spool = rxchat(['send', room, ...wait, '--spool', '--nick', 'carol', '-m', 'kept'], { env });
    await closed;
    const relay = rxchat(['serve', '--port', String(port), '--memory']);
    await relay.out.until(lineWith('listening'));
    expect([await send.exit, await spool.exit, await listen.exit]).toStrictEqual([0, 0, 0]);
    expect(listen.out.lines.toSorted()).toStrictEqual(['bob: early', 'carol: kept']);
    join.endInput();
    expect(await join.exit).toBe(0);
  });

  test('costs send --spool no later line', async () => {
    const away = createServer((socket) => socket.on('error', () => undefined).destroy()).listen(
      0,
      '127.0.0.1',
    );
    const requested = new Promise((resolve) => away.once('connection', resolve));
    await new Promise((resolve) => away.once('listening', resolve));
    const { port } = away.address() as { port: number };
    const room = newRoom(port).text;
    const env = { RXCHAT_HOME: tempDir() };
    const send = rxchat(['send', room, '--spool', '--nick', 'bob'], { env });
    send.writeInput('first\n');
    await requested;
    // By now nobody would accept it.
    await new Promise((resolve) => away.close(resolve));
    send.writeInput('late\n');
    send.endInput();
    expect(await send.exit).toBe(3);
    expect(send.err.text).toContain('lines saved for the next run with --spool: 2');
    const relay = rxchat(['serve', '--port', String(port), '--memory']);
    await relay.out.until(lineWith('listening'));
    expect((await run(['send', room, '--spool', '--nick', 'bob'], { env })).code).toBe(0);
    const { out } = await run(['listen', room, '--after', '0', '--until-now']);
    expect(out).toBe('bob: first\nbob: late\n');
  });
});

test('secrets on the command line are not in the list of processes', async () => {
  const { room } = await alerts(1);
  const listen = rxchat(['listen', room, '--after', '0']);
  await listen.out.until(lineWith('alert 1'));
  expect(readFileSync(`/proc/${listen.pid}/cmdline`, 'utf8').replaceAll('\0', '')).toBe('rxchat');
});
