import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { install, tempPackage, tempProject, type TempProject } from './support/packageFixture.js';
import { buildPackages, readRoom, sendLine, startPackaged } from './support/packages.js';
import { newRoom, viaPort } from './support/relay.js';

let place: TempProject;
let project: TempProject;
let packageDir: string;

beforeAll(async () => {
  place = tempProject();
  project = tempPackage();
  await buildPackages(place.path, 'npm');
  // No package runs a script.
  await install(project.path, join(place.path, 'rxchat-0.1.0.tgz'));
  packageDir = join(project.path, 'node_modules/rxchat');
});
afterAll(() => {
  place.remove();
  project.remove();
});
afterEach(cleanUp);

test('npm runs no script of the package when it installs it', () => {
  const { scripts } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(
    Object.keys(scripts).filter((name) => /^(pre|post)?install$|^(pre|post)?prepare$/.test(name)),
  ).toEqual([]);
  // npm would build a native addon.
  expect(existsSync(join(packageDir, 'binding.gyp'))).toBe(false);
});

test('a relay stores messages although no script of its dependencies has run', async () => {
  const data = tempDir();
  const command = [process.execPath, join(packageDir, 'dist/bin/rxchat.js')];
  const serve = [...command, 'serve', '--port', '0', '--data', data];
  const first = await startPackaged(serve);
  const room = newRoom(first.port);
  await sendLine(command, room.text, 'hello');
  first.child.signal('SIGTERM');
  expect(await first.child.exit).toBe(0);
  const { port } = await startPackaged(serve);
  expect(await readRoom(command, viaPort(port, room).text)).toStrictEqual(['alice: hello']);
});
