import { spawnSync } from 'node:child_process';
import { expect } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { PYTHON, withPython } from '../support/python.js';

const test = withPython('the vectors of group rooms were compared with one implementation only');
const SCRIPT = fileURLToPath(new URL('../../examples/python/check_group_vectors.py', import.meta.url));
const VECTORS = fileURLToPath(new URL('group.json', import.meta.url));

test('a Python implementation of docs/protocol.md recomputes the vectors of group rooms', () => {
  const { status, stdout, stderr } = spawnSync(PYTHON ?? 'python3', ['-B', SCRIPT, VECTORS], {
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toStrictEqual({ status: 0, stdout: '150 values agree\n', stderr: '' });
});
