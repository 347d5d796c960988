import { expect, test } from '@jest/globals';
import { outbox, type Said, type Token } from '../../streams/index.js';

const token = (name: string) => name as Token;
const said = (name: string): Said => ({ type: 'said', lines: [name], bytes: name.length });
const stored = (name: string, position?: number) => ({
  type: 'stored',
  lines: [name],
  bytes: name.length,
  position,
});

const boxWith = (...names: string[]) => {
  const box = outbox();
  for (const name of names) box.sent(token(name), said(name));
  return box;
};

test('an echo settles its own token, once', () => {
  const box = boxWith('a', 'b');
  expect(box.echo(token('a'), 7)).toStrictEqual([stored('a', 7)]);
  expect(box.echo(token('a'), 8)).toStrictEqual([]);
  expect(box.echo(token('b'), 9)).toStrictEqual([stored('b', 9)]);
});

test("another's token settles nothing", () => {
  expect(boxWith('a').echo(token('x'), 7)).toStrictEqual([]);
});

test('an echo that is passed over without a gap stays missing', () => {
  const box = boxWith('a', 'b');
  expect(box.echo(token('b'), 7)).toStrictEqual([stored('b', 7)]);
  expect(box.pong()).toStrictEqual({ stored: [], ask: false });
});

test('after a gap a later echo settles what the gap swallowed, in order and without a position', () => {
  const box = boxWith('a', 'b');
  box.gap();
  box.sent(token('c'), said('c'));
  expect(box.echo(token('c'), 9)).toStrictEqual([stored('a'), stored('b'), stored('c', 9)]);
});

test('an echo after a gap does not settle what was sent after the gap and before it', () => {
  const box = boxWith('a');
  box.gap();
  box.sent(token('b'), said('b'));
  box.sent(token('c'), said('c'));
  expect(box.echo(token('c'), 9)).toStrictEqual([stored('a'), stored('c', 9)]);
});

test('a gap has the relay asked only where something is pending', () => {
  expect(outbox().gap()).toBe(false);
  expect(boxWith('a').gap()).toBe(true);
});

test('the answer settles what was sent before the question', () => {
  const box = boxWith('a', 'b');
  expect(box.gap()).toBe(true);
  box.sent(token('c'), said('c'));
  expect(box.pong()).toStrictEqual({ stored: [stored('a'), stored('b')], ask: false });
  expect(box.echo(token('c'), 9)).toStrictEqual([stored('c', 9)]);
});

test('a second gap before the answer asks again after it, since one answer may be for both', () => {
  const box = boxWith('a');
  expect(box.gap()).toBe(true);
  box.sent(token('b'), said('b'));
  expect(box.gap()).toBe(false);
  expect(box.pong()).toStrictEqual({ stored: [stored('a')], ask: true });
  expect(box.pong()).toStrictEqual({ stored: [stored('b')], ask: false });
});

test('an echo that comes before the answer is not settled twice', () => {
  const box = boxWith('a', 'b');
  box.gap();
  expect(box.echo(token('b'), 5)).toStrictEqual([stored('a'), stored('b', 5)]);
  expect(box.pong()).toStrictEqual({ stored: [], ask: false });
});
