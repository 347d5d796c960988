import assert from 'node:assert/strict';
import { connectLines } from '../connection.mjs';
import { helloOf, inviteOf, newRoom } from '../protocol.mjs';

const HONEST = 6;

export default {
  title: 'lock everyone out with joins that carry wrong proofs',
  attacker: 'stranger',
  async run(scene) {
    const { port } = await scene.serve(['--joins-per-second', '20']);
    const room = newRoom();
    const file = scene.inviteFile(inviteOf(room, port));
    let over = false;
    let tries = 0;
    const attack = async () => {
      while (!over) {
        const connection = await connectLines(port, '127.0.0.9').catch(() => undefined);
        if (connection === undefined) continue;
        const nonce = /nonce=(\S+)/.exec((await connection.line()) ?? '')?.[1];
        if (nonce !== undefined) {
          connection.write(helloOf({ room: newRoom(), nonce, nick: 'mallory', breakProof: true }));
          await connection.line();
        }
        connection.close();
        tries += 1;
        await new Promise(setImmediate);
      }
    };
    const attackers = Array.from({ length: 16 }, attack);
    while (tries < 500) await new Promise(setImmediate);
    const codes = [];
    for (let n = 0; n < HONEST; n += 1) {
      const send = scene.rxchat(['send', '--invite-file', file, '-m', `hello ${n}`, '--timeout', '20s']);
      codes.push(await send.exit);
    }
    over = true;
    await Promise.all(attackers);
    assert.deepEqual(
      codes,
      codes.map(() => 0),
      `${codes.filter((code) => code !== 0).length} of ${HONEST} stayed outside`,
    );
    return `${tries} wrong proofs; all ${HONEST} members joined`;
  },
};
