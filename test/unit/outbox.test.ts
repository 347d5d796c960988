import { describe, expect, test } from '@jest/globals';
import { outbox, type Said, type Stored, type Token } from '../../streams/index.js';

const token = (name: string) => name as Token;
const said = (name: string): Said => ({
  type: 'said',
  lines: [`line ${name}`],
  token: token(name),
  bytes: name.length,
});
const stored = (name: string, position?: number): Stored => ({ ...said(name), type: 'stored', position });

/** A box with what went out over this connection. */
const boxWith = (...names: string[]) => {
  const box = outbox();
  for (const name of names) box.add(said(name), true);
  return box;
};

describe('the echo', () => {
  test('settles its own token, once', () => {
    const box = boxWith('a', 'b');
    expect(box.echo(token('a'), 7)).toStrictEqual([stored('a', 7)]);
    expect(box.echo(token('a'), 8)).toStrictEqual([]);
    expect(box.echo(token('b'), 9)).toStrictEqual([stored('b', 9)]);
  });

  test("of another's token settles nothing, after a gap too", () => {
    const box = boxWith('a');
    expect(box.echo(token('x'), 7)).toStrictEqual([]);
    box.gap();
    expect(box.echo(token('x'), 8)).toStrictEqual([]);
    expect(box.echo(token('a'), 9)).toStrictEqual([stored('a', 9)]);
  });

  test('that is passed over without a gap stays missing', () => {
    const box = boxWith('a', 'b');
    expect(box.echo(token('b'), 7)).toStrictEqual([stored('b', 7)]);
    box.ping();
    expect(box.pong()).toStrictEqual([]);
    expect(box.send()).toStrictEqual(['a']);
  });

  test('of a later token, after a gap, settles what the gap swallowed, in order and without a position', () => {
    const box = boxWith('a', 'b');
    box.gap();
    box.add(said('c'), true);
    expect(box.echo(token('c'), 9)).toStrictEqual([stored('a'), stored('b'), stored('c', 9)]);
  });

  test('does not settle what was sent after the gap and before it', () => {
    const box = boxWith('a');
    box.gap();
    box.add(said('b'), true);
    box.add(said('c'), true);
    expect(box.echo(token('c'), 9)).toStrictEqual([stored('a'), stored('c', 9)]);
    expect(box.send()).toStrictEqual(['b']);
  });

  test('after a gap settles nothing that comes behind it', () => {
    const box = boxWith('a', 'b');
    box.gap();
    expect(box.echo(token('a'), 9)).toStrictEqual([stored('a', 9)]);
    expect(box.send()).toStrictEqual(['b']);
  });

  test('has no say for what has not gone out, gap or not', () => {
    const box = outbox();
    box.add(said('a'), false);
    box.gap();
    box.add(said('b'), true);
    expect(box.echo(token('b'), 9)).toStrictEqual([stored('b', 9)]);
    expect(box.send()).toStrictEqual(['a']);
  });
});

describe('a gap', () => {
  test('leaves something to ask only where something went out over this connection', () => {
    const box = outbox();
    box.gap();
    expect(box.isUncertain).toBe(false);
    box.add(said('a'), false);
    box.gap();
    expect(box.isUncertain).toBe(false);
    expect(boxWith('a').isUncertain).toBe(false);

    const sent = boxWith('a');
    sent.gap();
    expect(sent.isUncertain).toBe(true);
    sent.hangUp();
    expect(sent.isUncertain).toBe(false);
  });

  test('leaves nothing to ask once what it swallowed is settled', () => {
    const box = boxWith('a');
    box.gap();
    box.echo(token('a'), 5);
    expect(box.isUncertain).toBe(false);
  });
});

describe('the answer to a PING', () => {
  test('settles what the gap swallowed and what was sent before the question', () => {
    const box = boxWith('a', 'b');
    box.gap();
    expect(box.ping()).toBe(true);
    box.add(said('c'), true);
    expect(box.pong()).toStrictEqual([stored('a'), stored('b')]);
    expect(box.isUncertain).toBe(false);
    expect(box.echo(token('c'), 9)).toStrictEqual([stored('c', 9)]);
  });

  test('settles what a gap swallowed between the question and the answer', () => {
    const box = boxWith('a');
    box.ping();
    box.gap();
    expect(box.pong()).toStrictEqual([stored('a')]);
  });

  test('settles nothing without a gap: no echo is missing yet', () => {
    const box = boxWith('a');
    box.ping();
    expect(box.pong()).toStrictEqual([]);
    expect(box.echo(token('a'), 7)).toStrictEqual([stored('a', 7)]);
  });

  test('settles nothing that was sent after the question; that is asked for anew', () => {
    const box = boxWith('a');
    box.ping();
    box.add(said('b'), true);
    box.gap();
    expect(box.pong()).toStrictEqual([stored('a')]);
    expect(box.isUncertain).toBe(true);
    expect(box.ping()).toBe(true);
    expect(box.pong()).toStrictEqual([stored('b')]);
    expect(box.isUncertain).toBe(false);
  });

  test('is waited for before there is another question, since answers are not told apart', () => {
    const box = outbox();
    expect(box.ping()).toBe(true);
    box.add(said('a'), true);
    box.gap();
    expect(box.ping()).toBe(false);
    expect(box.pong()).toStrictEqual([]);
    expect(box.ping()).toBe(true);
    expect(box.ping()).toBe(false);
    expect(box.pong()).toStrictEqual([stored('a')]);
  });

  test('settles nothing twice', () => {
    const box = boxWith('a', 'b');
    box.gap();
    box.ping();
    expect(box.echo(token('b'), 5)).toStrictEqual([stored('a'), stored('b', 5)]);
    expect(box.pong()).toStrictEqual([]);
    expect(box.pong()).toStrictEqual([]);
  });

  test('settles nothing that went out over another connection', () => {
    const box = boxWith('a');
    box.gap();
    box.hangUp();
    expect(box.ping()).toBe(true);
    expect(box.pong()).toStrictEqual([]);
    expect(box.send()).toStrictEqual(['a']);
  });

  test('settles nothing that goes out again only after the question', () => {
    const box = boxWith('a');
    box.hangUp();
    box.ping();
    box.send();
    box.gap();
    expect(box.pong()).toStrictEqual([]);
    expect(box.isUncertain).toBe(true);
  });
});

describe('another connection', () => {
  test('has all that is pending sent, oldest first, whether it went out before or never', () => {
    const box = boxWith('a', 'b');
    box.hangUp();
    box.add(said('c'), false);
    expect(box.send()).toStrictEqual(['a', 'b', 'c']);
    box.hangUp();
    expect(box.send()).toStrictEqual(['a', 'b', 'c']);
  });

  test('shows with an echo what was stored over the last one: that is not sent again', () => {
    const box = boxWith('a', 'b', 'c');
    box.hangUp();
    expect(box.echo(token('b'), 7)).toStrictEqual([stored('b', 7)]);
    expect(box.send()).toStrictEqual(['a', 'c']);
  });

  test('hides with a gap what was stored: it is sent again, and the gap says nothing of that', () => {
    const box = boxWith('a', 'b');
    box.hangUp();
    box.gap();
    expect(box.isUncertain).toBe(false);
    expect(box.send()).toStrictEqual(['a', 'b']);
    expect(box.isUncertain).toBe(false);
    expect(box.echo(token('b'), 9)).toStrictEqual([stored('b', 9)]);
    expect(box.send()).toStrictEqual(['a']);
  });

  test('shows after a gap with a later echo what was stored in it', () => {
    const box = boxWith('a', 'b', 'c');
    box.hangUp();
    box.gap();
    expect(box.echo(token('b'), 9)).toStrictEqual([stored('a'), stored('b', 9)]);
    expect(box.send()).toStrictEqual(['c']);
  });

  test('remembers what a gap of the last one may have swallowed, for an echo that comes later', () => {
    const box = boxWith('a', 'b');
    box.gap();
    box.hangUp();
    expect(box.echo(token('b'), 9)).toStrictEqual([stored('a'), stored('b', 9)]);
  });

  test('waits for no answer of the one before', () => {
    const box = boxWith('a');
    box.gap();
    expect(box.ping()).toBe(true);
    box.hangUp();
    box.send();
    box.gap();
    expect(box.ping()).toBe(true);
    expect(box.pong()).toStrictEqual([stored('a')]);
  });

  test('has nothing to send where all is settled', () => {
    expect(outbox().send()).toStrictEqual([]);
    const box = boxWith('a');
    box.echo(token('a'), 1);
    box.hangUp();
    expect(box.send()).toStrictEqual([]);
  });
});

describe('what an earlier run said', () => {
  test('is pending before all else, and nothing of it went out over this connection', () => {
    const box = outbox([said('a'), said('b')]);
    box.add(said('c'), false);
    box.gap();
    expect(box.isUncertain).toBe(false);
    box.ping();
    expect(box.pong()).toStrictEqual([]);
    expect(box.send()).toStrictEqual(['a', 'b', 'c']);
  });

  test('went out, as far as anybody knows: an echo after a gap settles it', () => {
    const box = outbox([said('a'), said('b')]);
    box.gap();
    expect(box.echo(token('b'), 7)).toStrictEqual([stored('a'), stored('b', 7)]);
  });

  test('is settled by its echo, and not changed for whoever keeps it', () => {
    const kept = [said('a'), said('b')];
    const box = outbox(kept);
    expect(box.echo(token('a'), 7)).toStrictEqual([stored('a', 7)]);
    box.add(said('c'), false);
    expect(box.send()).toStrictEqual(['b', 'c']);
    expect(kept).toStrictEqual([said('a'), said('b')]);
  });
});
