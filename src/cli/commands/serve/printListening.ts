import { writeOut } from '../../../terminal/write.js';
import { safe } from '../../../text/sanitize.js';
import { type Address, DEFAULT_ADDRESS, formatAddress, isLoopback } from '../../../util/address.js';
import { programName } from '../../process/environment.js';
import { printNote } from '../../process/exit.js';

/** Prints where a relay listens, and how to join a room there. */
export const printListening = (address: Address, pin: string | undefined): void => {
  writeOut(safe`listening on ${formatAddress(address)}`);
  const flags = [
    address.host === DEFAULT_ADDRESS.host ? '' : ` --host ${address.host}`,
    address.port === DEFAULT_ADDRESS.port ? '' : ` --port ${address.port}`,
    pin === undefined ? '' : ` --pin=${pin}`,
    pin === undefined && !isLoopback(address.host) ? ' --plain' : '',
  ].join('');
  printNote(`to create and join a room, run in another terminal: ${programName()} join${flags}`);
  printNote(`it shows an invite, which lets others in: ${programName()} join INVITE`);
  if (pin === undefined && !isLoopback(address.host))
    printNote('without TLS, others on the network can read nicks, room names and sizes');
};
