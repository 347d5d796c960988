import { connect as connectWithTls } from 'node:tls';
import { afterEach, expect, test } from '@jest/globals';
import { freePort } from '../support/freePort.js';
import { withProgram } from '../support/withProgram.js';
import { RXCHAT, start, tempDir } from './support/child.js';
import { cleanUp, onCleanup } from './support/cleanup.js';
import { connectRaw, joinRaw, nonceOf } from './support/rawClient.js';
import { newRoom } from './support/relay.js';
import { lineWith, readStream } from './support/streamOutput.js';

afterEach(cleanUp);

/**
 * Does what systemd does for a service: opens the sockets, and starts the service with them once for each line of input. The
 * service ends with it.
 */
const SUPERVISOR = `
import ctypes, fcntl, os, signal, socket, sys
names, kinds, *command = sys.argv[1:]
families = {'tcp': (socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', 0)),
            'udp': (socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', 0)),
            'unix': (socket.AF_UNIX, socket.SOCK_STREAM, '')}
descriptors, addresses = [], []
for kind in kinds.split(','):
    family, type, address = families[kind]
    opened = socket.socket(family, type)
    opened.bind(address)
    if type == socket.SOCK_STREAM: opened.listen(64)
    addresses.append(opened.getsockname())
    descriptors.append(fcntl.fcntl(opened.detach(), fcntl.F_DUPFD_CLOEXEC, 20))
print('ports', *[address[1] for address in addresses if isinstance(address, tuple)], flush=True)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        for index, descriptor in enumerate(descriptors): os.dup2(descriptor, 3 + index)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(descriptors)))
        if names: os.environ['LISTEN_FDNAMES'] = names
        os.execvp(command[0], command)
    print('started', pid, flush=True)
    print('ended', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
`;

/** Opens sockets of these kinds, and resolves with their ports and a function that starts a relay with them. */
const supervise = async (names: string, kinds: string, ...flags: readonly string[]) => {
  const serve = [process.execPath, RXCHAT, 'serve', ...flags];
  const supervisor = start('python3', ['-c', SUPERVISOR, names, kinds, ...serve]);
  const { out, err } = supervisor;
  const [, ports = ''] = await out.until(({ text }) => /^ports(.*)\n/.exec(text));
  let starts = 0;
  return {
    out,
    err,
    ports: ports.trim().split(' ').map(Number),
    /** Starts a relay, and resolves with its process id. */
    serve: async (): Promise<number> => {
      starts += 1;
      supervisor.writeInput('\n');
      return out.until(({ text }) => {
        const pids = Array.from(text.matchAll(/^started (\d+)$/gm), ([, pid]) => Number(pid));
        return pids[starts - 1];
      });
    },
  };
};

test('serve listens on the sockets of systemd, with TLS, and on no address of its own', async () => {
  const { out, ports, serve } = await supervise('web:chat:metrics', 'tcp,tcp,tcp', '--web');
  await serve();
  await out.until(lineWith('metrics on '));
  const [web, chat, metrics] = ports;
  expect(out.text).toMatch(
    new RegExp(
      `^listening on 127\\.0\\.0\\.1:${chat}\npage on https://127\\.0\\.0\\.1:${web}/\nmetrics on http://127\\.0\\.0\\.1:${metrics}/metrics\n`,
      'm',
    ),
  );
  expect(await (await fetch(`http://127.0.0.1:${metrics}/readyz`)).text()).toBe('ready\n');
  const socket = connectWithTls({ host: '127.0.0.1', port: chat, rejectUnauthorized: false });
  onCleanup(() => socket.destroy());
  await readStream(socket).until(lineWith('NICK'));
});

test('clients that connect while the service restarts are served after it, and none is refused', async () => {
  const { out, err, ports, serve } = await supervise('chat', 'tcp', '--plain');
  const [port = 0] = ports;
  const early = await connectRaw(port);
  const pid = await serve();
  await nonceOf(early);
  const alice = await joinRaw(newRoom(port), 'alice');
  process.kill(pid, 'SIGTERM');
  await err.until(lineWith('stopping: '));
  const whileDraining = await connectRaw(port);
  await alice.output.until(lineWith('BYE'));
  await alice.closed;
  await out.until(lineWith('ended 0'));
  const whileDown = await connectRaw(port);
  expect([whileDraining.output.text, whileDown.output.text]).toStrictEqual(['', '']);
  await serve();
  await Promise.all([nonceOf(whileDraining), nonceOf(whileDown)]);
  await joinRaw(newRoom(port), 'alice');
});

test.each([
  ['chat:web', 'tcp,tcp', [], 'systemd passes the socket web, which needs --web'],
  ['chat', 'tcp', ['--port', '7'], 'systemd passes the socket chat, so --port has no effect: remove it'],
  [
    'door',
    'tcp',
    [],
    'systemd passes a socket with the name door\nrxchat: hint: set FileDescriptorName= of its unit to chat, web or metrics',
  ],
  ['chat', 'tcp', ['--wire', 'classic'], '--wire classic takes no sockets of systemd'],
  [
    'chat',
    'udp',
    ['--plain'],
    'cannot listen on the socket of systemd instead of --port: it is no listening TCP socket\nrxchat: hint: its unit needs ListenStream= with a port or an address, and Accept=no',
  ],
  [
    'chat',
    'unix',
    ['--plain'],
    'cannot listen on the socket of systemd instead of --port: it is no listening TCP socket',
  ],
])('serve ends with one clear line for the socket %s (%s) and %p', async (names, kinds, flags, message) => {
  const { out, err, serve } = await supervise(names, kinds, ...flags);
  await serve();
  await out.until(lineWith('ended 2'));
  expect(err.text).toContain(`rxchat: ${message}\n`);
});

withProgram(
  'RXCHAT_NEED_SYSTEMD',
  'systemd-socket-activate',
  '--version',
)('systemd-socket-activate starts a relay for the first connection', async () => {
  const port = await freePort();
  const environment = ['-E', `RXCHAT_HOME=${tempDir()}`];
  const serve = [process.execPath, RXCHAT, 'serve', '--plain'];
  const activated = start('systemd-socket-activate', [
    ...['--listen', `127.0.0.1:${port}`, '--fdname', 'chat', ...environment],
    ...serve,
  ]);
  await activated.err.until(lineWith('Listening on '));
  await nonceOf(await connectRaw(port));
  expect(activated.out.text).toBe(`listening on 127.0.0.1:${port}\n`);
  activated.signal('SIGTERM');
  expect(await activated.exit).toBe(0);
});
