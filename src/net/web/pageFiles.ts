import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { requestPath } from '../websocket/webSocketServer.js';

/** A file of the page as it is sent. */
interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly plain: Buffer;
  readonly gzipped: Buffer;
}

/** Media types of the files, by extension. Other files are not served. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * Allows only the files of the page, nothing inline, and no text as markup. `require-trusted-types-for` makes
 * assignments to `innerHTML` fail in browsers that support it.
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

/** Headers of every response. */
const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
} as const;

/**
 * Returns the directory of the built page, next to the bundle or above the module, or `undefined` if it was not
 * built.
 */
const findPageDir = (): URL | undefined =>
  ['../page/', '../../../page/', '../../../dist/page/']
    .map((path) => new URL(path, import.meta.url))
    .find((dir) => existsSync(new URL('index.html', dir)));

/**
 * Creates the request listener that serves the page from memory. Throws if it was not built. It accepts only
 * `GET` and `HEAD`, serves only its own files and sets no cookies. Browsers revalidate on each request.
 */
export const createPageListener = (): RequestListener => {
  const dir = findPageDir();
  if (dir === undefined) throw new Error('the page is missing; run npm run build');
  const files = new Map(
    readdirSync(dir).flatMap((name): [string, PageFile][] => {
      const type = MEDIA_TYPES[extname(name)];
      if (type === undefined) return [];
      const plain = readFileSync(new URL(name, dir));
      const tag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
      const path = name === 'index.html' ? '/' : `/${name}`;
      return [[path, { type, etag: tag, plain, gzipped: gzipSync(plain, { level: 9 }) }]];
    }),
  );

  return (request, response) => {
    const file = files.get(requestPath(request));
    if (request.method !== 'GET' && request.method !== 'HEAD')
      reject(response, 405, 'only GET and HEAD', { allow: 'GET, HEAD' });
    else if (hasBody(request)) reject(response, 400, 'unexpected body');
    else if (file === undefined) reject(response, 404, 'not found');
    else sendFile(request, response, file);
  };
};

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

/** Rejects a request and closes the connection, so that its body is not read. */
const reject = (
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void => {
  const type = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  response.writeHead(status, { ...HEADERS, ...type, ...headers, connection: 'close' }).end(`${text}\n`);
};

const sendFile = (
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  { type, etag, plain, gzipped }: PageFile,
): void => {
  const isZipped = /\bgzip\b/.test(headers['accept-encoding'] ?? '');
  const cached = { etag: etag, 'cache-control': 'no-cache', vary: 'accept-encoding' };
  if (headers['if-none-match'] === etag) {
    response.writeHead(304, { ...HEADERS, ...cached }).end();
    return;
  }
  const body = isZipped ? gzipped : plain;
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
