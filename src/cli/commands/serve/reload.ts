import { defer, map, type Observable } from 'rxjs';
import type { RelayRules } from '../../../../streams/relay/index.js';
import { loadCertificate } from '../../../net/tls/certificate.js';
import { LOG_LEVELS, type LogLevel } from '../../args/choices.js';
import { choiceFlag, type Flags, stringFlag } from '../../args/flags.js';
import { limitsFromFlags } from './relayOptions.js';

export interface ReloadOptions {
  /** Returns the flags of the command line and of the config file as it is now. */
  readonly loadFlags: () => Promise<Flags>;
  readonly setLogLevel: (level: LogLevel) => void;
  readonly setRules: (rules: RelayRules) => void;
  /** Uses the certificate in the files of `--cert` and `--key` from now on. */
  readonly reloadCertificate: () => void;
}

/**
 * Reads the config file and the files that the flags name: emits a function that applies them, and completes. Errors if one
 * of them is invalid; nothing has changed then.
 */
export const reload = ({
  loadFlags,
  setLogLevel,
  setRules,
  reloadCertificate,
}: ReloadOptions): Observable<() => void> =>
  defer(loadFlags).pipe(
    map((flags) => {
      const { limits, checkAccess, allowedRooms, handshakeTimeoutMs } = limitsFromFlags(flags);
      const level = choiceFlag(flags, 'logLevel', LOG_LEVELS);
      const [cert, key] = [stringFlag(flags, 'cert'), stringFlag(flags, 'key')];
      if (cert !== undefined && key !== undefined) loadCertificate(cert, key);
      return () => {
        setRules({ limits, checkAccess, allowedRooms, handshakeTimeoutMs });
        setLogLevel(level);
        reloadCertificate();
      };
    }),
  );
