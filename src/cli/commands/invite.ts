import { defer, EMPTY } from 'rxjs';
import { createInvite, formatInvite } from '../../invite.js';
import { visible } from '../../terminal/visible.js';
import { writeOut } from '../../terminal/write.js';
import { readAddress } from '../address.js';
import type { Run } from '../commandTable.js';
import { readPin } from '../relayLink.js';

/** `rxchat invite`: one line on stdout. */
export const invite: Run = ({ flags }) =>
  defer(() => {
    writeOut(visible(formatInvite(createInvite({ ...readAddress(flags), pin: readPin(flags) }))));
    return EMPTY;
  });
