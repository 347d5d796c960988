import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withProgram } from '../support/withProgram.js';
import { tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { type Machine, MACHINE_NAMESPACES, startMachine } from './support/machine/machine.js';
import { copyBetween, expireCertificate, fillDisk, flood } from './support/machine/incidents.js';
import { runProgram } from './support/packageFixture.js';
import { buildPackages } from './support/packages.js';

/** A command of the runbook, the machine on which it runs, and what it prints. */
interface Step {
  readonly machine: string;
  readonly command: string;
  readonly output: string;
}

/** A block of commands, or the test that runs it elsewhere. */
interface Block {
  readonly heading: string;
  readonly steps: readonly Step[];
  readonly testedBy: string | undefined;
}

const [, runbook = ''] = /^## Runbook\n([^]*?)^## /m.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];

/** Splits a block into commands, of which each has a prompt such as `$` or `other$`, and what they print. */
const parseSteps = (block: string): Step[] =>
  block
    .split(/^(?=\w*\$ )/m)
    .map((step) => {
      const [, machine = '', command = '', output = ''] =
        /^(\w*)\$ ((?:[^\n]*\\\n)*[^\n]*)\n([^]*)$/.exec(step) ?? [];
      return { machine, command, output };
    })
    .filter(({ command }) => command !== '');

const blocks: readonly Block[] = runbook.split(/^### /m).flatMap((section) => {
  const [heading = ''] = section.split('\n');
  return Array.from(
    section.matchAll(/(?:<!-- tested by (\S+) -->\n\n)?```console\n([^]*?)^```/gm),
    ([, testedBy, text = '']) => ({ heading, testedBy, steps: parseSteps(text) }),
  );
});
const headings = [...new Set(blocks.map(({ heading }) => heading))];

/** Returns a pattern for an output in which `…` stands for any text of a line, and a line of it for any lines. */
const patternOf = (output: string): RegExp => {
  const lines = output.split('\n').map((line) =>
    line === '…'
      ? '[^]*'
      : line
          .trimEnd()
          .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
          .replaceAll('…', '.*?'),
  );
  return new RegExp(`^${lines.join('\n')}$`);
};

test('the runbook has the steps of a year, and each test that it names exists', () => {
  expect(headings).toStrictEqual([
    'Install',
    'TLS certificate',
    'First room',
    'Dashboard and alerts',
    'Back up',
    'Restore on another machine',
    'Upgrade',
    'Rolling restart',
    'The disk is full',
    'The certificate has expired',
    'A room is being flooded',
  ]);
  const files = Array.from(runbook.matchAll(/<!-- tested by (\S+) -->/g), ([, file = '']) => file);
  expect(files.filter((file) => !existsSync(file))).toStrictEqual([]);
});

/** Builds the package, and the same one with a higher version. Resolves with their directory. */
const makePackages = async (): Promise<string> => {
  const dir = tempDir();
  await buildPackages(dir, 'deb');
  const unpacked = join(dir, 'unpacked');
  await runProgram(dir, 'dpkg-deb', '--raw-extract', 'rxchat_0.1.0-1_amd64.deb', unpacked);
  const control = join(unpacked, 'DEBIAN/control');
  writeFileSync(control, readFileSync(control, 'utf8').replace('Version: 0.1.0-1', 'Version: 0.2.0-1'));
  const newer = 'rxchat_0.2.0-1_amd64.deb';
  await runProgram(dir, 'dpkg-deb', '--root-owner-group', '-Zgzip', '-z1', '--build', unpacked, newer);
  return dir;
};

const machines = new Map<string, Machine>();
const machineOf = (name: string): Machine => {
  const machine = machines.get(name);
  if (machine === undefined) throw new Error(`there is no machine ${name}`);
  return machine;
};

/** What happens on the first machine before the commands of a heading. */
const INCIDENTS: Readonly<Record<string, (machine: Machine) => Promise<void>>> = {
  'The disk is full': fillDisk,
  'The certificate has expired': expireCertificate,
  'A room is being flooded': flood,
};

/** Expressions without a value while nothing was refused or failed. */
const MAYBE_EMPTY = ['rxchat_refusals_total', 'rxchat_listener_faults_total'];

/** Expects that Prometheus has a value for each graph of the dashboard, once it has asked the relay twice. */
const expectGraphs = async (machine: Machine): Promise<void> => {
  const { panels } = JSON.parse(readFileSync('docs/operations/grafana.json', 'utf8')) as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
  };
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const query = (expr: string) => `promtool query instant http://127.0.0.1:9090 '${expr}'`;
  await machine.run(`until ${query('rate(rxchat_joins_total[5m])')} | grep -q .; do sleep 0.1; done`);
  const printed = await machine.run(expressions.map((expr) => `echo "= ${expr}"; ${query(expr)}`).join('\n'));
  const empty = printed.split(/^= /m).filter((part) => !/^.+\n.*=>/.test(part) && part !== '');
  expect(empty.filter((part) => !MAYBE_EMPTY.some((name) => part.includes(name)))).toStrictEqual([]);
};

/** What is checked on the first machine after the commands of a heading. */
const CHECKS: Readonly<Record<string, (machine: Machine) => Promise<void>>> = {
  'Dashboard and alerts': expectGraphs,
};

/** Runs a command; what copies from machine to machine is done by the test, since they have no network in common. */
const runStep = async ({ machine, command }: Step): Promise<string> => {
  const [, paths, to] = /^scp -pqr (.*) root@(\w+):$/.exec(command) ?? [];
  if (paths === undefined || to === undefined) return machineOf(machine).run(command);
  await copyBetween(machineOf(machine), machineOf(to), paths.split(' '), '/root/operator');
  return '';
};

const testOnMachines = withProgram(
  'RXCHAT_NEED_MACHINES',
  'unshare',
  ...MACHINE_NAMESPACES,
  'sh',
  '-c',
  [
    'mount -t tmpfs tmpfs /mnt && cd /mnt && mkdir upper work root',
    'mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root',
    'ip link set lo up && test $(uname -m) = x86_64',
    'for each in curl openssl promtool prometheus runuser setpriv apt-get adduser dpkg-deb strip; do command -v $each || exit 1; done',
  ].join(' && '),
);

describe('the commands of the runbook print what it says', () => {
  beforeAll(async () => {
    if (testOnMachines !== test) return;
    const packages = await makePackages();
    machines.set('', await startMachine('chat', packages, 64));
    machines.set('other', await startMachine('other', packages));
  });
  afterAll(cleanUp);

  // Each continues on the machines as the ones before it left them.
  testOnMachines.each(headings)('%s', async (heading) => {
    await INCIDENTS[heading]?.(machineOf(''));
    for (const { steps, testedBy } of blocks.filter((block) => block.heading === heading)) {
      if (testedBy !== undefined) continue;
      for (const step of steps) {
        const printed = await runStep(step);
        if (!patternOf(step.output).test(`${printed.trimEnd()}\n`.replace(/^\n$/, '')))
          expect(`$ ${step.command}\n${printed}`).toBe(`$ ${step.command}\n${step.output}`);
      }
    }
    await CHECKS[heading]?.(machineOf(''));
  });
});
