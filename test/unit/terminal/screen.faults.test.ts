import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Message } from '../../../streams/index.js';
import { CliError } from '../../../src/cli/process/exit.js';
import { runExecCommand } from '../../../src/cli/commands/listen/delivery.js';
import { openExternalEditor } from '../../../src/terminal/externalEditor.js';
import { terminalScreen } from '../../../src/terminal/screen.js';
import { openTty } from '../../../src/terminal/tty.js';
import { safe } from '../../../src/text/sanitize.js';

/** Longer than the system allows for an argument, so that Node throws. */
const TOO_LONG = 'x'.repeat(200_000);

const planted = new Error('planted');
const breaks = () => {
  throw planted;
};

describe('a fault in a listener of the terminal', () => {
  const setRawMode = jest.fn();

  beforeEach(() => {
    Object.assign(process.stdin, { setRawMode });
    jest.spyOn(process.stdin, 'resume').mockReturnThis();
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    Reflect.deleteProperty(process.stdin, 'setRawMode');
  });

  test('goes to the owner of the terminal instead of ending the process', () => {
    const failed = jest.fn<(error: unknown) => void>();
    const tty = openTty({
      onInput: breaks,
      onResize: breaks,
      onContinue: breaks,
      onClose: breaks,
      onError: failed,
    });
    process.stdin.emit('data', Buffer.from('a'));
    process.stdin.emit('end');
    process.stdout.emit('resize');
    process.emit('SIGCONT');
    process.emit('SIGHUP');
    expect(failed.mock.calls.map(([error]) => error)).toStrictEqual(Array(5).fill(planted));
    tty.close();
    process.stdout.emit('resize');
    expect(failed).toHaveBeenCalledTimes(5);
  });

  test('is the error of the screen, which gives the terminal back', async () => {
    const error = await new Promise((resolve) => {
      terminalScreen({ footer: { above: [], prompt: safe`> ` } }).subscribe({
        next: ({ setFooter }) => {
          setFooter({
            prompt: safe`> `,
            get above() {
              return breaks();
            },
          });
        },
        error: resolve,
      });
    });
    expect(error).toBe(planted);
    expect(setRawMode).toHaveBeenLastCalledWith(false);
  });
});

describe('a program that the system does not start', () => {
  const { VISUAL } = process.env;
  afterEach(() => {
    if (VISUAL === undefined) delete process.env['VISUAL'];
    else process.env['VISUAL'] = VISUAL;
  });

  test('an editor is reported, and the text stays', () => {
    process.env['VISUAL'] = TOO_LONG;
    const done = jest.fn();
    expect(openExternalEditor('a draft', done)).toBeUndefined();
    expect(done.mock.calls).toStrictEqual([[{ type: 'failed', reason: 'argument list too long' }]]);
  });

  test('a command of --exec is an error in one line', () => {
    const errors: unknown[] = [];
    const message = { position: 1, index: 0, nick: 'alice', key: 'k', time: 0 } as Message;
    runExecCommand(TOO_LONG, 'hello', message, false).subscribe({ error: (error) => errors.push(error) });
    expect(errors).toStrictEqual([expect.any(CliError)]);
    expect(errors).toMatchObject([{ message: 'cannot run --exec: argument list too long' }]);
  });
});
