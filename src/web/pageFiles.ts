import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { pathOf } from '../transport/webSocketServer.js';

/** What a page is made of, as it is sent. */
interface PageFile {
  readonly type: string;
  readonly tag: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
}

const FILES: Readonly<Record<string, readonly [name: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
};

/**
 * Nothing but the page's own files, nothing inline, and no text that becomes markup: `require-trusted-types-for` makes an
 * assignment to `innerHTML` an error where a browser knows it.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** On every answer. */
const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
} as const;

/** The built page is beside the bundle, or two above the module; `undefined` where it was not built. */
const pageDir = (): URL | undefined =>
  ['../page/', '../../page/', '../../dist/page/']
    .map((path) => new URL(path, import.meta.url))
    .find((dir) => existsSync(new URL('index.html', dir)));

/**
 * Answers requests for the page, from memory. Throws where it was not built. Only `GET` and `HEAD`, nothing but its own
 * files, no cookies; a browser asks each time whether something is new.
 */
export const pageListener = (): RequestListener => {
  const dir = pageDir();
  if (dir === undefined) throw new Error('the page is missing: npm run build makes it');
  const files = new Map(
    Object.entries(FILES).map(([path, [name, type]]): [string, PageFile] => {
      const plain = readFileSync(new URL(name, dir));
      const tag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
      return [path, { type, tag, plain, zipped: gzipSync(plain, { level: 9 }) }];
    }),
  );

  return (request, response) => {
    const file = files.get(pathOf(request));
    if (request.method !== 'GET' && request.method !== 'HEAD')
      refuse(response, 405, 'only GET and HEAD', { allow: 'GET, HEAD' });
    else if (hasBody(request)) refuse(response, 400, 'no body belongs here');
    else if (file === undefined) refuse(response, 404, 'there is nothing here');
    else answer(request, response, file);
  };
};

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

/** Closes too: whatever else it was going to send is not read. */
const refuse = (
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void => {
  const type = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  response.writeHead(status, { ...HEADERS, ...type, ...headers, connection: 'close' }).end(`${text}\n`);
};

const answer = (
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  { type, tag, plain, zipped }: PageFile,
): void => {
  const isZipped = /\bgzip\b/.test(headers['accept-encoding'] ?? '');
  const cached = { etag: tag, 'cache-control': 'no-cache', vary: 'accept-encoding' };
  if (headers['if-none-match'] === tag) {
    response.writeHead(304, { ...HEADERS, ...cached }).end();
    return;
  }
  const body = isZipped ? zipped : plain;
  response.writeHead(200, {
    ...HEADERS,
    ...cached,
    'content-type': type,
    'content-length': body.length,
    ...(isZipped && { 'content-encoding': 'gzip' }),
  });
  if (method === 'HEAD') response.end();
  else response.end(body);
};
