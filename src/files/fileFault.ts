/**
 * What the system does not refuse, and this program does: `ENOTREG`, a pipe or a device in the place of a file;
 * `ENOTOURS`, a link that another user made; `ETOOLARGE`, more than a file of that kind has.
 */
export type FileFault = 'EISDIR' | 'ENOTREG' | 'ENOTOURS' | 'ETOOLARGE';

/** Makes an error in the shape of one of the system, so that `systemFault` has words for it. */
export const fileFault = (code: FileFault): Error => Object.assign(new Error(code), { code });
