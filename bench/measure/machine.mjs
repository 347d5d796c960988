/** Describes what the figures depend on, without naming the machine. */
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { canPin } from './cores.mjs';

const FILE_SYSTEMS = {
  0x01021994: 'tmpfs',
  0xef53: 'ext4',
  0x9123683e: 'btrfs',
  0x58465342: 'xfs',
  0x794c7630: 'overlayfs',
};

export const describeMachine = (directory, pins = true) => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  kernel: `${process.platform} ${release().split('-')[0]}`,
  node: process.version,
  fileSystem: FILE_SYSTEMS[statfsSync(directory).type] ?? 'unknown',
  pinned: !pins
    ? 'no: relays, engine and load generator share all cores'
    : canPin
      ? 'server on one core, load generator on another'
      : 'NO: figures of servers and generator mix',
  load: readFileSync('/proc/loadavg', 'utf8').split(' ')[0],
});
