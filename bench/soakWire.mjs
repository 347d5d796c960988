/**
 * Forwards bytes between the clients and the relay of the soak, and cuts one connection in a hundred each second. It
 * has its own process: Node accepts one connection per turn of its event loop, and the turns of a thousand clients
 * are long.
 */
import { connect, createServer } from 'node:net';
import { clearInterval, setInterval } from 'node:timers';

const [relayPort] = process.argv.slice(2);
/** Time in ms that a connection is up before it may be cut. A client does not retry a connection that never worked. */
const GRACE = 5000;

const wires = new Set();
const proxy = createServer((near) => {
  const far = connect(Number(relayPort), '127.0.0.1');
  const wire = () => {
    wires.delete(wire);
    near.destroy();
    far.destroy();
  };
  wire.since = Date.now();
  wires.add(wire);
  for (const [from, to] of [
    [near, far],
    [far, near],
  ])
    from.on('error', wire).on('close', wire).pipe(to);
});
proxy.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
  process.send({ port: proxy.address().port }),
);

const cutting = setInterval(() => {
  for (const wire of [...wires]) if (Date.now() - wire.since > GRACE && Math.random() < 0.01) wire();
}, 1000);
process.on('message', () => clearInterval(cutting));
