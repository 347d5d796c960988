import { join } from 'node:path';
import { afterEach, expect } from '@jest/globals';
import { withProgram } from '../support/withProgram.js';
import { rxchat, RXCHAT, start, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

/** Prints each datagram that a UNIX socket receives. Node has no such sockets. */
const RECEIVER = `
import socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print(server.recv(4096).decode(), flush=True)
`;

const testWithSystemdNotify = withProgram('RXCHAT_NEED_SYSTEMD', 'systemd-notify', '--version');
testWithSystemdNotify(
  'serve tells systemd that it accepts members, that it works, and that it stops',
  async () => {
    const socket = join(tempDir(), 'notify');
    const systemd = start('python3', ['-c', RECEIVER, socket]);
    await systemd.out.until(lineWith('bound'));
    const relay = rxchat(['serve', '--port', '0', '--memory'], {
      env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '100000' },
    });
    await systemd.out.until(lineWith('READY=1'));
    expect(relay.out.text).toContain('listening on ');
    await systemd.out.until(lineWith('WATCHDOG=1'));
    expect(systemd.out.text).not.toContain('STOPPING');
    relay.signal('SIGTERM');
    await systemd.out.until(lineWith('STOPPING=1'));
    expect(await relay.exit).toBe(0);
  },
);

const NAMESPACE = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child'];
const testAsFirstProcess = withProgram('RXCHAT_NEED_NAMESPACES', 'unshare', ...NAMESPACE, 'true');
testAsFirstProcess.each(['SIGTERM', 'SIGINT'])(
  'serve as process 1 of a container ends at %s',
  async (signal) => {
    // The shell signals the relay from within, and stays outside of its processes.
    const script = `unshare ${NAMESPACE.join(' ')} "$@" & unshare=$!; read line; kill -s ${signal.slice(3)} $(pgrep -P $unshare); wait $unshare`;
    const relay = start('bash', [
      '-c',
      script,
      'bash',
      process.execPath,
      RXCHAT,
      'serve',
      '--port',
      '0',
      '--memory',
    ]);
    await relay.out.until(lineWith('listening on '));
    relay.writeInput('\n');
    expect(await relay.exit).toBe(0);
    expect(relay.err.text).toContain('stopping: delivering accepted messages');
  },
);
