import { nodeSuite } from '../../../src/crypto/nodeSuite.js';
import type { GroupInfo } from '../../../streams/client/group/index.js';
import { seededRandom, SUITES } from '../cryptoSuites.js';
import type { AttackedEngine } from './attackedEngine.js';
import type { WorkerEngine } from './mls/workerEngine.js';
import { attackedStar } from './starAttacker.js';

/** Something that is done on any engine. `create` returns the engine with randomness from its beginning. */
export type OnEngine = <State, Info extends GroupInfo>(
  name: string,
  create: () => AttackedEngine<State, Info>,
) => void;

/** Does something on the star engine with both suites, and on MLS. */
export const onEachEngine = ({ engine, attacker }: WorkerEngine, run: OnEngine): void => {
  for (const [name, createSuite] of SUITES)
    run(`the star engine, ${name}`, () => attackedStar(createSuite(seededRandom('session room'))));
  run('MLS', () => ({ suite: nodeSuite({ randomBytes: seededRandom('session room') }), engine, attacker }));
};
