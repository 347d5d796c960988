import {
  catchError,
  defer,
  endWith,
  from,
  ignoreElements,
  skip,
  switchMap,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { hub } from '../../../streams/classic/hub.js';
import { type Address, DEFAULT_ADDRESS, formatAddress } from '../../address.js';
import { calledAs } from '../../cli/calledAs.js';
import type { Run } from '../../cli/commandTable.js';
import { Exit, note } from '../../cli/exit.js';
import { choice, type Flags } from '../../cli/flags.js';
import { readLimits } from '../../cli/limits.js';
import { signal$ } from '../../cli/process.js';
import { LOG_LEVELS } from '../../cli/choices.js';
import { cannotListen, DELIVERY_GRACE, stopped, withFaults } from '../../cli/serving.js';
import { shown } from '../../terminal/visible.js';
import { writeOut } from '../../terminal/write.js';
import { listenTcp } from '../../transport/tcp.js';
import { readExposedAddress, tellExposure } from '../exposure.js';
import { logHub } from '../hubLog.js';
import { readTiming, SERVER_SILENCE } from '../timing.js';

/**
 * What a chat of this wire bears where nothing else is said: each connection can hold a token of 1.4 MB, and a guest is
 * written a hundred messages a second at most, by the gap between them.
 */
const DEFAULTS: Flags = { connections: 256, linesPerSecond: 100 };

/** `rxchat serve --wire classic`: a server of the old wire until a signal ends it. */
export const serve: Run = ({ flags }) =>
  defer(() => {
    const address = readExposedAddress(flags, 0);
    const level = choice(flags, 'logLevel', LOG_LEVELS);
    const given = Object.entries(flags).filter(([, value]) => value !== undefined);
    const limits = readLimits({ ...DEFAULTS, ...Object.fromEntries(given) });
    const timing = readTiming(flags, SERVER_SILENCE);
    const stop$ = stopped(signal$);
    const listening$ = listenTcp(address).pipe(
      catchError((error: unknown) => throwError(() => cannotListen(address, error))),
      takeUntil(stop$),
    );

    return from(logHub(level)).pipe(
      switchMap((log) =>
        listening$.pipe(
          tap(({ address: bound }) => {
            announce(bound);
          }),
          switchMap((ear) => ear.connection$.pipe(hub({ ...limits, ...timing, stop$ }), withFaults(ear))),
          tap(log),
          ignoreElements(),
          takeUntil(stop$.pipe(switchMap(() => timer(DELIVERY_GRACE)))),
          endWith(Exit.ok),
        ),
      ),
      takeUntil(
        signal$.pipe(
          skip(1),
          tap((code) => process.exit(code)),
        ),
      ),
    );
  });

const announce = (bound: Address): void => {
  writeOut(shown`listening on ${formatAddress(bound)}`);
  tellExposure();
  const port = bound.port === DEFAULT_ADDRESS.port ? '' : ` --port ${bound.port}`;
  note(`to make a key, once, and give it to everyone: ${calledAs()} key --key-file chat.key`);
  note(`to talk, from another terminal: ${calledAs()} join --wire classic${port} --key-file chat.key`);
};
