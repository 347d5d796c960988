import { defer, EMPTY } from 'rxjs';
import { createInvite, formatInvite } from '../../invite.js';
import { readAddress } from '../address.js';
import type { Run } from '../commandTable.js';
import { readPin } from '../relayLink.js';

/** `rxchat invite`: one line on stdout. */
export const invite: Run = ({ flags }) =>
  defer(() => {
    process.stdout.write(`${formatInvite(createInvite({ ...readAddress(flags), pin: readPin(flags) }))}\n`);
    return EMPTY;
  });
