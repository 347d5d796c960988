import type { Machine } from './machine.js';

/** Returns a word for a shell. */
const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Runs a command, and throws what it prints if it fails. */
const mustRun = async (machine: Machine, command: string): Promise<string> => {
  const printed = await machine.run(`${command}\nprintf '\\n%s' $?`);
  const at = printed.lastIndexOf('\n');
  if (printed.slice(at + 1) !== '0') throw new Error(`${command}\n${printed}`);
  return printed.slice(0, at);
};

/** Copies files and directories from one machine into a directory of another one. */
export const copyBetween = async (
  from: Machine,
  to: Machine,
  paths: readonly string[],
  dir: string,
): Promise<void> => {
  for (const path of paths) {
    const [, parent = '.', name = path] = /^(.*)\/(.*)$/.exec(path) ?? [];
    const packed = await mustRun(from, `tar -C ${quote(parent)} --sparse -cz ${quote(name)} | base64 -w 0`);
    await mustRun(to, `echo ${packed.trim()} | base64 -d | tar -C ${quote(dir)} -xz`);
  }
};

/** Something that is no file of the relay fills its disk, and messages fill what the relay has reserved. */
export const fillDisk = async (machine: Machine): Promise<void> => {
  await machine.run('dd if=/dev/zero of=/var/lib/rxchat/core.812 bs=4096');
  for (const bytes of [300_000, 30_000, 3000, 300])
    await machine.run(
      `while head -c ${bytes} /dev/urandom | base64 | rxchat send --invite-file room.txt --nick bob --timeout 3s; do :; done`,
    );
};

/** The certificate of the relay is replaced by one with the same key that has expired, and is used. */
export const expireCertificate = async (machine: Machine): Promise<void> => {
  const subject = '-subj /CN=chat.example.org -addext subjectAltName=DNS:chat.example.org';
  await mustRun(machine, `openssl req -new -key chat.key ${subject} -out chat.csr`);
  await mustRun(machine, 'mkdir -p ca && : > ca/index && echo 01 > ca/serial');
  const config = [
    '[ca]\ndefault_ca=own\n[own]\ndatabase=ca/index\nserial=ca/serial\nnew_certs_dir=ca\ndefault_md=sha256',
    'policy=any\ncopy_extensions=copy\nunique_subject=no\n[any]\ncommonName=supplied\n',
  ].join('\n');
  await mustRun(
    machine,
    `openssl ca -batch -config <(printf '%s' ${quote(config)}) -selfsign -keyfile chat.key -in chat.csr ` +
      '-startdate 20200101000000Z -enddate 20200401000000Z -out expired.pem -notext 2> /dev/null',
  );
  await mustRun(machine, 'install -o rxchat -m 0600 expired.pem /etc/rxchat/chat.pem');
  await mustRun(machine, 'rxchat admin --data /var/lib/rxchat reload');
};

/** Sends as fast as it can from an address of its own, as somebody with the invite; again after each disconnection. */
const FLOODER = `
import { connect } from 'node:tls';
import { parseInvite, deriveRoomKeys } from '/opt/rxchat/dist/src/index.js';
import { formatHello, parseGreeting, proofMessage } from '/opt/rxchat/dist/streams/wire/handshake.js';
import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
const invite = parseInvite(readFileSync('room.txt', 'utf8').trim());
const { room, sign } = deriveRoomKeys(invite.secret);
const token = 'gAAAAA' + randomBytes(96).toString('base64url').slice(0, 128) + '==';
const flood = () => {
  const socket = connect({ host: '192.0.2.1', port: invite.port, localAddress: '192.0.2.66', rejectUnauthorized: false });
  let greeting = '';
  socket.on('error', () => undefined).on('close', () => setTimeout(flood, 1000));
  socket.setEncoding('utf8').on('data', (text) => {
    greeting += text;
    if (!greeting.startsWith('NICK') || !greeting.includes('\\n') || socket.sent) return;
    socket.sent = true;
    const session = randomBytes(16).toString('base64url');
    const nonce = parseGreeting(greeting.split('\\n')[0]);
    const binding = socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)).toString('base64url');
    socket.write(formatHello({ nick: 'mallory', room, session, proof: sign(proofMessage({ nonce, room, session, binding, nick: 'mallory' })) }) + '\\n');
    const send = () => { while (socket.write(token + '\\n')); };
    socket.on('drain', send);
    send();
  });
};
flood();
`;

/** A member floods its room from an address of its own. */
export const flood = async (machine: Machine): Promise<void> => {
  await mustRun(machine, `echo ${Buffer.from(FLOODER).toString('base64')} | base64 -d > flood.mjs`);
  await mustRun(machine, `${quote(process.execPath)} flood.mjs > flood.log 2>&1 &`);
  await mustRun(
    machine,
    'until rxchat admin --data /var/lib/rxchat connections | grep -q mallory; do :; done',
  );
};
