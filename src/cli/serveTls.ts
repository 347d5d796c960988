import {
  catchError,
  concat,
  defer,
  EMPTY,
  fromEvent,
  map,
  mergeMap,
  type Observable,
  of,
  ReplaySubject,
  share,
} from 'rxjs';
import { CertificateError, leafOf, problemAt, readCertificate } from '../tls/certificate.js';
import { ownCertificate } from '../tls/ownCertificate.js';
import { pinOf } from '../tls/pin.js';
import type { Certificate } from '../transport/tls.js';
import { isSecured } from './address.js';
import { note, usageError } from './exit.js';
import { type Flags, text } from './flags.js';

/** The certificates that a relay shows one after the other, or `undefined` where it speaks no TLS. */
export const readCertificates = (
  host: string,
  dir: string,
  flags: Flags,
): Observable<Certificate> | undefined => {
  const [cert, key] = [text(flags, 'cert'), text(flags, 'key')];
  if ((cert === undefined) !== (key === undefined)) throw usageError('--cert and --key go together');
  if (cert !== undefined && flags['plain'] === true)
    throw usageError('--plain has no use for --cert and --key');
  if (cert !== undefined && key !== undefined) return givenCertificates(cert, key);
  return isSecured(host, flags) ? defer(() => ownCertificate(dir)) : undefined;
};

/** The first that the files hold, and at each SIGHUP what they hold then; files that are wrong then change nothing. */
const givenCertificates = (cert: string, key: string): Observable<Certificate> => {
  const read$ = defer(() => of(readCertificate(cert, key)));
  const again$ = fromEvent(process, 'SIGHUP').pipe(
    mergeMap(() =>
      read$.pipe(
        map((certificate) => {
          note(`the certificate was read again; its pin is ${pinOf(leafOf(certificate, cert))}`);
          return certificate;
        }),
        catchError((error: unknown) => {
          if (!(error instanceof CertificateError)) throw error;
          note(`${error.message}; the certificate that was is kept`);
          return EMPTY;
        }),
      ),
    ),
  );
  return concat(read$, again$).pipe(
    map((certificate) => {
      const problem = problemAt(leafOf(certificate, cert), Date.now());
      if (problem !== undefined) note(`the certificate in ${cert}: ${problem}`);
      return certificate;
    }),
  );
};

/** The same for two who listen, read once. */
export const shared = (
  certificate$: Observable<Certificate> | undefined,
): Observable<Certificate> | undefined =>
  certificate$?.pipe(share({ connector: () => new ReplaySubject(1), resetOnComplete: false }));
