import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { RelayEvent } from '../../streams/relay/relay.js';
import type { Welcome } from '../../streams/wire/handshake.js';
import { member } from '../support/wire.js';
import { withProgram } from '../support/withProgram.js';
import {
  cacheLogEntry,
  historyLogEntry,
  relayLogEntry,
  storeLogEntry,
} from '../../src/cli/commands/serve/logEntries.js';
import { createMetrics } from '../../src/cli/commands/serve/metrics/metrics.js';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, 'docs', file), 'utf8');

const operations = read('operations.md');
const ALERTS = join(root, 'docs/operations/alerts.yml');
const alerts = readFileSync(ALERTS, 'utf8');
const grafana = read('operations/grafana.json');

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}
const dashboardExpressions = (JSON.parse(grafana) as Dashboard).panels.flatMap(({ targets }) =>
  targets.map(({ expr }) => expr),
);
const alertExpressions = Array.from(alerts.matchAll(/^ +expr: (.*)$/gm), ([, expr = '']) => expr);
const alertNames = Array.from(alerts.matchAll(/^ +- alert: (\w+)$/gm), ([, name = '']) => name);

/** Returns the names of metrics in a text; a histogram has the suffixes of its series. */
const metricsIn = (text: string): string[] => [
  ...new Set(
    Array.from(text.matchAll(/\b(?:rxchat|process)_[a-z]\w*\b/g), ([name]) =>
      name.replace(/_(?:bucket|sum|count)$/, ''),
    ),
  ),
];

/** Returns all metrics of a relay in the text format. */
const formatMetrics = (): Promise<string> =>
  createMetrics({
    version: '1.2.3',
    limits: { connections: 1, windowBytes: 1, storeBytes: 1 },
    traffic: () => ({ acceptedSockets: 0, receivedBytes: 0, sentBytes: 0 }),
    storeFiles: () => ({ fileBytes: 1, freeBytes: 1 }),
    certificateExpiry: () => 1,
    isReady: () => true,
  }).format();

/** Returns name and type of each metric of a relay. */
const exported = async (): Promise<string[]> => {
  const text = await formatMetrics();
  return Array.from(text.matchAll(/^# TYPE (\w+ \w+)$/gm), ([, named = '']) => named);
};
const exportedNames = async () => (await exported()).map((named) => named.split(' ')[0]);

const testWithPromtool = withProgram('RXCHAT_NEED_PROMTOOL', 'promtool', '--version');
const promtool = (args: readonly string[], input = '') => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', input });
  return { status, output: stdout + stderr };
};

describe('docs/operations.md', () => {
  test('has a line for each metric with its type, and for no other', async () => {
    const documented = Array.from(
      operations.matchAll(/^\| `((?:rxchat|process)_\w+)` +\| (\w+) +\|/gm),
      ([, name = '', type = '']) => `${name} ${type}`,
    );
    expect(documented.sort()).toStrictEqual((await exported()).sort());
  });

  test('names no other metric anywhere', async () => {
    const names = await exportedNames();
    expect(metricsIn(operations).filter((name) => !names.includes(name))).toStrictEqual([]);
  });

  test('has a line for each alert, and for no other', () => {
    const documented = Array.from(operations.matchAll(/^\| `(Rxchat\w+)`/gm), ([, name]) => name);
    expect(documented).toStrictEqual(alertNames);
    expect(alertNames).toHaveLength(5);
  });
});

describe('the table of log lines', () => {
  const alice = member('alice');
  const removed = { rooms: 1, entries: 1, bytes: 1 };
  const welcome = { from: 1 } as Welcome;
  const entries = [
    relayLogEntry({ type: 'joined', member: alice, count: 1, welcome } as Extract<
      RelayEvent,
      { type: 'joined' }
    >),
    relayLogEntry({ type: 'disconnected', member: alice, reason: 'bye' }),
    relayLogEntry({ type: 'refused', member: alice, code: 'busy', text: '' }),
    relayLogEntry({ type: 'rejected', peer: '', code: 'busy', reason: '' }),
    relayLogEntry({ type: 'failed', member: alice, reason: '' }),
    relayLogEntry({ type: 'room-failed', room: '', reason: '' }),
    relayLogEntry({ type: 'room-removed', room: '', connections: 1, entries: 1, bytes: 1 }),
    relayLogEntry({ type: 'room-not-removed', room: '', reason: '' }),
    relayLogEntry({ type: 'not-stored', room: '', reason: '' }),
    storeLogEntry('lost'),
    storeLogEntry('back'),
    cacheLogEntry({ type: 'dropped', dir: '', reason: '' }),
    cacheLogEntry({ type: 'failed', dir: '', reason: '' }),
    relayLogEntry({ type: 'socket-failed', peer: '', reason: '' }),
    relayLogEntry({ type: 'no-descriptors' }),
    relayLogEntry({ type: 'proxy-header-invalid', peer: '', reason: '' }),
    relayLogEntry({ type: 'origin-refused', peer: '', origin: '' }),
    historyLogEntry({ type: 'copied' }),
    historyLogEntry({ type: 'removed', reason: 'age', ...removed }),
    historyLogEntry({ type: 'removed', reason: 'total', ...removed }),
    historyLogEntry({ type: 'forgotten', rooms: 1 }),
  ];

  test('has the level and the fields of each kind', () => {
    const logs = operations.slice(operations.indexOf('\n## Logs'));
    const documented = Array.from(
      logs.matchAll(/^\| `([^`]+)` +\| (\w+) +\| (.*?) *\|$/gm),
      ([, message, level, fields = '']) => ({ level, message, fields: fields.match(/\w+/g) ?? [] }),
    );
    expect(documented).toStrictEqual(
      entries.map((entry) => ({ ...entry, fields: Object.keys(entry?.fields ?? {}) })),
    );
  });
});

describe('the dashboard and the alerts', () => {
  test.each([
    ['the dashboard', dashboardExpressions],
    ['an alert', alertExpressions],
  ])('%s uses only metrics that exist', async (_, expressions) => {
    const names = await exportedNames();
    expect(expressions.length).toBeGreaterThan(4);
    for (const expression of expressions) {
      const used = metricsIn(expression);
      expect(used).not.toStrictEqual([]);
      expect(used.filter((name) => !names.includes(name))).toStrictEqual([]);
    }
  });

  test('the dashboard shows every metric', async () => {
    const visible = metricsIn(dashboardExpressions.join(' '));
    expect((await exportedNames()).filter((name = '') => !visible.includes(name))).toStrictEqual([]);
  });

  testWithPromtool('their expressions and the names of the metrics satisfy promtool', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
    try {
      const file = join(dir, 'dashboard.yml');
      const rules = dashboardExpressions.map(
        (expr, n) => `      - record: panel:${n}\n        expr: ${JSON.stringify(expr)}\n`,
      );
      writeFileSync(file, `groups:\n  - name: dashboard\n    rules:\n${rules.join('')}`);
      expect(promtool(['check', 'rules', file, ALERTS])).toMatchObject({ status: 0 });
    } finally {
      rmSync(dir, { recursive: true });
    }
    expect(promtool(['check', 'metrics'], await formatMetrics())).toStrictEqual({ status: 0, output: '' });
  });

  interface RuleTests {
    readonly tests: readonly {
      readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: unknown[] }[];
    }[];
  }
  describe.each(alertNames)('%s', (name) => {
    const file = join(import.meta.dirname, 'alerts', `${name}.yml`);

    test('has a test in which it fires, and one in which it does not fire at all', () => {
      const { tests } = parse(readFileSync(file, 'utf8')) as RuleTests;
      const fires = tests.map(({ alert_rule_test: expected }) => {
        expect(expected.every(({ alertname }) => alertname === name)).toBe(true);
        return expected.some(({ exp_alerts: alerts }) => alerts.length > 0);
      });
      expect(new Set(fires)).toStrictEqual(new Set([true, false]));
    });

    testWithPromtool('fires when it should, and only then', () => {
      expect(promtool(['test', 'rules', file])).toMatchObject({ status: 0 });
    });
  });
});
