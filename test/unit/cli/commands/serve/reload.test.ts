import { expect, test } from '@jest/globals';
import { lastValueFrom } from 'rxjs';
import type { RelayRules } from '../../../../../streams/relay/index.js';
import type { Flags } from '../../../../../src/cli/args/flags.js';
import { reload } from '../../../../../src/cli/commands/serve/reload.js';

const fixture = (flags: Flags) => {
  const done: unknown[] = [];
  const rules: RelayRules[] = [];
  const apply$ = reload({
    loadFlags: () => Promise.resolve(flags),
    setLogLevel: (level) => done.push(level),
    setRules: (each) => rules.push(each),
    reloadCertificate: () => done.push('certificate'),
  });
  return { apply$, done, rules };
};

test('reload changes nothing before everything was read, and then applies all of it', async () => {
  const { apply$, done, rules } = fixture({ connections: 7, logLevel: 'debug' });
  const apply = await lastValueFrom(apply$);
  expect([done, rules]).toStrictEqual([[], []]);
  apply();
  expect(done).toStrictEqual(['debug', 'certificate']);
  expect(rules).toMatchObject([{ limits: { maxConnections: 7 }, checkAccess: undefined }]);
});

test.each<[Flags, RegExp]>([
  [{ connections: -1 }, /^--connections needs a whole number/],
  [{ accessTokenFile: '/no/tokens' }, /^cannot read --access-token-file \/no\/tokens: no such file/],
  [{ cert: '/no/cert', key: '/no/key' }, /\/no\/cert/],
  [{ logLevel: 'loud' }, /^--log-level is one of/],
])('reload of %j says what is wrong, and changes nothing', async (flags, message) => {
  const { apply$, done, rules } = fixture(flags);
  await expect(lastValueFrom(apply$)).rejects.toThrow(message);
  expect([done, rules]).toStrictEqual([[], []]);
});

test('each reload reads the flags of that moment', async () => {
  let connections = 0;
  const rules: RelayRules[] = [];
  const apply$ = reload({
    loadFlags: () => Promise.resolve({ connections: (connections += 1) }),
    setLogLevel: () => undefined,
    setRules: (each) => rules.push(each),
    reloadCertificate: () => undefined,
  });
  expect(connections).toBe(0);
  for (let n = 0; n < 2; n += 1) (await lastValueFrom(apply$))();
  expect(rules.map(({ limits }) => limits?.maxConnections)).toStrictEqual([1, 2]);
});
