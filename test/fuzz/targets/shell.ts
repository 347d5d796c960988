import { crc32 } from 'node:zlib';
import type { Plaintext, Token } from '../../../streams/client/envelope/cipher.js';
import { decodeEnvelope } from '../../../streams/client/envelope/envelope.js';
import { isResume, parseSpoolContent } from '../../../src/cli/shared/spoolFile.js';
import { HistoryError } from '../../../src/history/layout/errors.js';
import { recordKey, roomKey, VERSION_KEY } from '../../../src/history/layout/keys.js';
import { decodeEntries, decodeRoom, decodeHead } from '../../../src/history/layout/records.js';
import { verifyStore } from '../../../src/history/maintenance/check.js';
import { formatToken } from '../../../src/crypto/fernet.js';
import { nodeBase64url } from '../../../src/crypto/nodeCipher.js';
import { InviteError, isLocked } from '../../../src/invite/invite.js';
import { formatInvite, parseAnyInvite } from '../../../src/invite/inviteText.js';
import { sanitize, TEXT_LIMIT, safeJson, sanitizeNick } from '../../../src/text/sanitize.js';
import { forgeToken, engines, KEY, describeOpened } from '../../support/fernet.js';
import { UNSAFE } from '../../support/clientEvents.js';
import type { Target } from '../campaign.js';
import { ensure, outcomeOf } from './expectations.js';

const JSON_WORDS = ['{', '}', '[', ']', '"', ',', ':', 'null', 'true', '1e999', '"__proto__":{}', '\\u0000'];

const invite: Target = {
  name: 'invite',
  dictionary: [
    'rxchat://',
    '127.0.0.1',
    '[::1]',
    ':55555',
    '/#',
    '#',
    '@',
    '?',
    '%00',
    '\n',
    'ü.example',
    'passphrase',
    ',kdf=scrypt-17-8-1',
    ',room=',
    ',pin=',
    ',group=',
    '%E2%80%AE',
    '%20',
    '..',
    '\0',
  ],
  run: (input) =>
    outcomeOf(
      () => parseAnyInvite(input.toString()),
      (read) => {
        if (isLocked(read)) ensure(/^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u.test(read.label), 'a label is one');
        else ensure(read.secret.length === 32, 'a secret has 32 bytes');
        ensure(read.port >= 1 && read.port <= 65_535, 'a port is one');
        ensure(!/[\s\p{C}@/?#]/u.test(read.host), 'a host is one');
        const again = parseAnyInvite(formatInvite(read));
        ensure(formatInvite(again) === formatInvite(read), 'an invite reads back');
        return `host ${read.host.replaceAll(/[a-z0-9]+/g, 'x').slice(0, 9)}`;
      },
      InviteError,
    ),
};

const PROTOTYPE = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));

/** Whatever it holds, it is data: an envelope, or none. */
const envelope: Target = {
  name: 'envelope',
  dictionary: [
    ...JSON_WORDS,
    ...['kind', 'message', 'nick', 'session', 'counter', 'time', 'text', 'lines', 'seen', 'key'].map(
      (word) => `"${word}"`,
    ),
    '"signature":"',
    '"room":"',
    ',"lines":["a",1]',
    ',"lines":"a"',
    ',"lines":{"length":1}',
    ' '.repeat(512),
  ],
  run: (input) => {
    const read: unknown = decodeEnvelope(new Uint8Array(input) as Plaintext);
    ensure(
      JSON.stringify(Object.getOwnPropertyNames(Object.prototype)) === PROTOTYPE,
      'no prototype changed',
    );
    if (read === undefined) return 'none';
    ensure(typeof read === 'object' && read !== null, 'an envelope is an object');
    // What is kept of an envelope is not more than what came, however it is written.
    ensure(
      JSON.stringify(read).length <= 6 * input.length + 1024,
      'an envelope is not larger than its bytes',
    );
    return `envelope ${Object.keys(read as object)
      .sort()
      .join()}`;
  },
};

/** Both engines agree, but that of the package returns no text if the bytes are not UTF-8. */
const agree = (token: string): string => {
  const [node = '', npm = ''] = engines.map(([, engine]) => describeOpened(engine.open(KEY, token as Token)));
  ensure(node === npm || (node === 'text: not UTF-8' && npm === 'malformed'), 'both engines say the same');
  const isCanonical = formatToken(Buffer.from(token, 'base64url'), nodeBase64url) === token;
  ensure(isCanonical || node === 'malformed', 'one text a token');
  return node.slice(0, 24).replace(/text: .+/s, 'text');
};

const token: Target = {
  name: 'token',
  dictionary: ['gAAAA', '=', '==', '-', '_', '+', '/', '\n', ' ', 'A'.repeat(16)],
  // Up to the size of a line: what is larger has no way to an engine.
  run: (input) => agree(input.subarray(0, 8192).toString('latin1')),
};

/** What only who has the key can make: any blocks, under a sound HMAC. */
const sealed: Target = {
  name: 'sealed',
  dictionary: ['\x01', '\x10', '\x10'.repeat(16), '\0'.repeat(16), '\xff', '{"kind":"message"'],
  run: (input) => {
    const blocks = input.subarray(0, Math.min(8192, input.length - (input.length % 16)));
    return agree(forgeToken({ blocks, version: (input[0] ?? 0) % 7 === 6 ? 0x81 : 0x80 }));
  },
};

const STAYS =
  /(?<=[\p{Extended_Pictographic}\p{M}\p{Emoji_Modifier}])\u200d(?=\p{Extended_Pictographic})|(?<=\p{Extended_Pictographic}|[0-9#*])[\ufe0e\ufe0f]|(?<=[\p{M}\p{L}])[\u200c\u200d]|(?<=\p{Ideographic})[\u{e0100}-\u{e01ef}]/gu;

const terminal: Target = {
  name: 'terminal',
  dictionary: [
    ...['\x1b[', '\x1b]', '\x1bP', '\x9b', '\x9d', '\r', '\b', '\n', '\x07', '\u202e', '\u2066', '\u200b'],
    ...['\u200c', '\u200d', '\ufe0f', '\u0301', '\u{e0061}', '\u{e0100}', '\u2028', '\ue000', '\u034f'],
    ...['👩', '🏽', '❤', '葛', '\u094d', 'क', 'م', 'ه', '\u0651', '\u06dd', '\u05d0', '\u0e01'],
  ],
  run: (input) => {
    // As UTF-16 too, where halves of characters are possible.
    const texts = [input.toString(), input.subarray(0, input.length & ~1).toString('utf16le')];
    return texts
      .map((text) => {
        const seen = sanitize(text);
        ensure(seen.length <= TEXT_LIMIT, 'no text is over the limit');
        ensure(!UNSAFE.test(seen.replaceAll(STAYS, '')), 'nothing unsafe is let through');
        ensure(!/\p{M}{9}/u.test(seen.replaceAll(/\u200c|\u200d/g, '')), 'no tower of marks is let through');
        ensure(sanitize(seen) === seen, 'done twice is as done once');
        ensure(
          !/[\p{Z}\u200c\u200d]/u.test(sanitizeNick(text).replaceAll(/\[\d+ [a-z ]*/g, '')),
          'a nick is a word',
        );
        ensure(JSON.parse(safeJson(text)) === text, 'JSON is exact');
        ensure(!UNSAFE.test(safeJson(text).replaceAll(STAYS, '')), 'JSON is safe');
        return `${seen === text} ${/ cut\]$/.test(seen)} ${seen.length > text.length}`;
      })
      .join('; ');
  },
};

const spool: Target = {
  name: 'spool',
  dictionary: [
    ...JSON_WORDS,
    '"v":1',
    '"session":',
    '"after":"l/1"',
    '"tokens":[]',
    '{"length":4e9}',
    '"AAAA"',
  ],
  run: (input) => {
    const content = parseSpoolContent(input.toString());
    if (content === undefined) return 'none';
    ensure(content.after === undefined || isResume(content.after), 'a place is one that can be asked for');
    ensure(
      content.tokens.every((each) => typeof each === 'string'),
      'tokens are texts',
    );
    ensure(content.session === undefined || /^[\w-]{22}$/.test(content.session), 'a session is 16 bytes');
    return `spool ${Math.min(content.tokens.length, 4)} ${content.after !== undefined}`;
  },
};

/** A value as the store could find it: as it is, and with a checksum that holds for what it has become. */
const sound = (key: Uint8Array, value: Buffer): Buffer => {
  const copy = Buffer.from(value);
  if (copy.length >= 4) copy.writeUInt32BE(crc32(copy.subarray(4), crc32(key)), 0);
  return copy;
};

const LOBBY = roomKey('lobby');
const RECORD = recordKey('lobby', 1);

const store: Target = {
  name: 'store',
  dictionary: [
    '\0'.repeat(8),
    '\x7f\xf8\0\0\0\0\0\0',
    '\x7f\xf0\0\0\0\0\0\0',
    '?\xf0\0\0\0\0\0\0',
    'x\n',
    '\xff\xff\xff\xff',
  ],
  run: (input) => {
    // The first half is what is known of the room, the second a record of it.
    const at = input.length >> 1;
    const parts = [input.subarray(0, at), input.subarray(at)] as const;
    for (const decode of [decodeEntries, decodeRoom, decodeHead]) decode(RECORD, input);
    const [room, record] = [sound(LOBBY, parts[0]), sound(RECORD, parts[1])];
    const body = decodeEntries(RECORD, record)?.body;
    ensure(body === undefined || body.length <= record.length, 'a record is not larger than its value');
    return outcomeOf(
      () =>
        verifyStore('dir', () => [
          { key: LOBBY, value: room },
          { key: RECORD, value: record },
          { key: VERSION_KEY, value: sound(VERSION_KEY, Buffer.from([0, 0, 0, 0, 0, 0, 0, 1])) },
        ]),
      ({ rooms, entries, bytes }) => `${rooms} rooms, ${entries >= 0} ${bytes >= 0}`,
      HistoryError,
    ).slice(0, 120);
  },
};

export const shellTargets: readonly Target[] = [invite, envelope, token, sealed, terminal, spool, store];
