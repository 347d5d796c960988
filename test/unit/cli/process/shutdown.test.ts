import { expect, test } from '@jest/globals';
import { CliError } from '../../../../src/cli/process/exit.js';
import { listenError } from '../../../../src/cli/process/shutdown.js';

const address = { host: '127.0.0.1', port: 9464 };
const hintOf = (code: string, flag?: string): string | undefined => {
  const error = listenError(address, Object.assign(new Error('listen'), { code }), flag);
  return error instanceof CliError ? error.hint : undefined;
};

test('the hint for a port in use names what may use it, and the flag', () => {
  expect(hintOf('EADDRINUSE')).toBe('another relay may be running; choose another port with --port');
  expect(hintOf('EADDRINUSE', '--web-port')).toBe(
    'another relay may be running; choose another port with --web-port',
  );
  expect(hintOf('EADDRINUSE', '--metrics')).toBe(
    'another program listens there; choose another port with --metrics',
  );
});

test('the hint for a foreign address names the flag of the host', () => {
  expect(hintOf('EADDRNOTAVAIL')).toBe('choose an address of this machine with --host');
  expect(hintOf('EADDRNOTAVAIL', '--web-port')).toBe('choose an address of this machine with --web-host');
  expect(hintOf('EADDRNOTAVAIL', '--metrics')).toBe('choose an address of this machine with --metrics');
});
