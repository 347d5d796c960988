import { describe, expect, test } from '@jest/globals';
import {
  compareReplicas,
  type ReplicaPage,
  type RoomRecord,
} from '../../../../streams/relay/cluster/compareReplicas.js';
import { encodeText } from '../../../../streams/wire/encoding.js';

/** Records of a room as `ADDRESS TEXT`. */
const page = (server: string, texts: readonly string[], last?: number): ReplicaPage => ({
  server,
  last,
  records: texts.map((text): RoomRecord => {
    const [address, bytes = ''] = text.split(' ');
    return { address: Number(address), room: 'room', bytes: encodeText(bytes) };
  }),
});

const textsOf = (records: readonly RoomRecord[]) =>
  records.map(({ address, bytes }) => `${address} ${new TextDecoder().decode(bytes)}`);

const compare = (...pages: readonly ReplicaPage[]) => {
  const { records, differences, last } = compareReplicas(pages);
  return {
    records: textsOf(records),
    differences: differences.map(({ server, address }) => `${server} ${address}`),
    last,
  };
};

describe('compareReplicas', () => {
  test('finds no difference between equal servers', () => {
    const all = ['1 a', '3 b'];
    expect(compare(page('x', all), page('y', all), page('z', all))).toStrictEqual({
      records: all,
      differences: [],
      last: undefined,
    });
    expect(compare(page('x', all)).records).toStrictEqual(all);
    expect(compare(page('x', []), page('y', [])).records).toStrictEqual([]);
  });

  test('names the server that has another record than most, or lacks one', () => {
    const { records, differences } = compare(
      page('x', ['1 a', '2 b', '4 d']),
      page('y', ['1 a', '2 other', '3 c', '4 d']),
      page('z', ['2 b', '3 c', '4 d', '5 e']),
    );
    expect(records).toStrictEqual(['1 a', '2 b', '3 c', '4 d']);
    expect(differences).toStrictEqual(['z 1', 'y 2', 'x 3', 'z 5']);
  });

  test('compares up to the end of the shortest page, even if that is empty', () => {
    expect(compare(page('x', ['1 a', '2 b', '3 c'], 3), page('y', ['1 a', '2 b'], 2))).toStrictEqual({
      records: ['1 a', '2 b'],
      differences: [],
      last: 2,
    });
    expect(compare(page('x', ['1 a', '2 b'], 2), page('y', ['1 a']))).toStrictEqual({
      records: ['1 a', '2 b'],
      differences: ['y 2'],
      last: 2,
    });
  });

  test('takes the record of the first of two servers, and names both sides only once', () => {
    expect(compare(page('x', ['1 a']), page('y', ['1 b']))).toMatchObject({
      records: ['1 a'],
      differences: ['y 1'],
    });
  });

  test('tells rooms apart', () => {
    const record: RoomRecord = { address: 1, room: 'one', bytes: new Uint8Array() };
    const { differences } = compareReplicas([
      { server: 'x', last: undefined, records: [record] },
      { server: 'y', last: undefined, records: [{ ...record, room: 'other' }] },
    ]);
    expect(differences).toStrictEqual([{ address: 1, server: 'y', room: 'other' }]);
  });
});
