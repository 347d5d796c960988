import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Child, start } from '../child.js';

/** A machine with a file system, users and a network of its own, which the test can change as root. */
export interface Machine {
  /** Runs a command in its shell, and resolves with what it prints on both outputs. */
  run(command: string): Promise<string>;
  /** Starts a program on it beside the shell; it ends with the machine. */
  readonly pid: number;
}

/** Arguments of `unshare` for a machine. */
export const MACHINE_NAMESPACES = ['--mount', '--net', '--uts', '--pid', '--fork', '--kill-child'] as const;

const HERE = import.meta.dirname;
const PROJECT = join(HERE, '../../../..');

/**
 * Starts a machine that ends with the test. Its `systemctl` knows rxchat.service alone, and its `journalctl` prints the log
 * of that. The packages of a directory are in the directory of its shell. With `diskMib`, the directory of the relay is on a
 * disk of that size. Needs root.
 */
export const startMachine = async (name: string, packages: string, diskMib?: number): Promise<Machine> => {
  const script = join(HERE, 'start.sh');
  const shell: Child = start('unshare', [
    ...MACHINE_NAMESPACES,
    ...['bash', script, name, PROJECT, packages, diskMib === undefined ? '' : `${diskMib}m`],
  ]);
  const run = async (command: string): Promise<string> => {
    const mark = randomUUID();
    const from = shell.out.text.length;
    shell.writeInput(`{ ${command}\n} 2>&1 < /dev/null\nprintf '\\n%s\\n' ${mark}\n`);
    const end = `\n${mark}\n`;
    await shell.out.until(({ text }) => text.includes(end));
    return shell.out.text.slice(from, shell.out.text.indexOf(end));
  };
  await run('true');
  return { run, pid: shell.pid };
};
