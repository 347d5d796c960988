import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createStarEngine } from '../../streams/client/group/index.js';
import { decodeText } from '../../streams/wire/index.js';
import { fromHex, hex, seededRandom, SUITES } from '../support/cryptoSuites.js';
import { createGroupVectors } from '../support/groupVectors.js';

interface Step {
  readonly name: string;
  readonly commit?: string;
  readonly epoch: number;
  readonly epochAuthenticator: string;
  readonly exportedSecret: string;
  readonly groupInfo: string;
  readonly groupInfoUpdate: string;
  readonly members: readonly { readonly leaf: number; readonly state: string }[];
}
interface Vectors {
  readonly export: { readonly label: string; readonly context: string; readonly length: number };
  readonly applicationData: string;
  readonly steps: readonly Step[];
}

const text = readFileSync(new URL('group.json', `file://${import.meta.dirname}/`));
const vectors = JSON.parse(decodeText(text) ?? '') as Vectors;

describe.each(SUITES)('the vectors of the star engine with %s', (_name, createSuite) => {
  const engine = createStarEngine(createSuite(seededRandom('not used')));
  const { label, context, length } = vectors.export;
  const applicationData = fromHex(vectors.applicationData);

  test('are what the engine computes', () => {
    expect(createGroupVectors(createSuite)).toStrictEqual(vectors);
  });

  test.each(
    vectors.steps.slice(1).map((step, at) => ({ step, before: vectors.steps[at]!, name: step.name })),
  )('lead every member through "$name"', ({ step, before }) => {
    const commit = fromHex(step.commit!);
    let followers = 0;
    for (const member of before.members) {
      const state = engine.parseState(fromHex(member.state))!;
      const result = engine.processCommit(state, commit);
      if (result.kind !== 'accepted') continue;
      followers += 1;
      expect(hex(engine.view(result.state).epochAuthenticator)).toBe(step.epochAuthenticator);
      expect(hex(engine.exportSecret(result.state, label, fromHex(context), length))).toBe(
        step.exportedSecret,
      );
      expect(engine.isGroupInfoOf(result.state, fromHex(step.groupInfo), applicationData)).toBe(true);
      const after = step.members.find(({ leaf }) => leaf === member.leaf)!;
      expect(hex(engine.formatState(result.state))).toBe(after.state);
    }
    expect(followers).toBe(step.members.length - 1);

    const info = engine.parseGroupInfo(fromHex(before.groupInfo))!;
    expect(engine.followCommit(info, commit, fromHex(step.groupInfoUpdate))).toMatchObject({
      kind: 'accepted',
      groupInfo: engine.parseGroupInfo(fromHex(step.groupInfo))!,
    });
  });
});
