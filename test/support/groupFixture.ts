import { createDevice } from '../../streams/client/group/credential.js';
import type { CryptoSuite, Device, GroupEngine, GroupInfo } from '../../streams/client/group/index.js';
import { encodeText, toBase64url } from '../../streams/wire/index.js';

/** A seed of 32 bytes that depends on a name. */
export const seedOf = (name: string, { sha256 }: Pick<CryptoSuite, 'sha256'>): Uint8Array =>
  sha256(encodeText(name));

/** Creates a device whose keys depend on its owner and its label. */
export const deviceOf = (owner: string, label: string, suite: CryptoSuite): Device => {
  const identity = suite.ed25519.signingKey(seedOf(`identity ${owner}`, suite));
  const key = suite.ed25519.signingKey(seedOf(`device ${owner} ${label}`, suite));
  return createDevice(
    key,
    { key: toBase64url(identity.publicKey), sign: (message) => toBase64url(identity.sign(message)) },
    label,
  );
};

/** One device with its state. */
export interface Client<State> {
  readonly device: Device;
  state: State;
}

/** A group of which every member is in this process and processes each commit at once. */
export class TestGroup<State, Info extends GroupInfo> {
  readonly clients: Client<State>[] = [];
  private readonly engine: GroupEngine<State, Info>;

  constructor(engine: GroupEngine<State, Info>, creator: Device, groupId: Uint8Array = Uint8Array.of(7, 7)) {
    this.engine = engine;
    this.clients.push({ device: creator, state: engine.createGroup(groupId, creator) });
  }

  /** The client of the first member. */
  get first(): Client<State> {
    return this.client(0);
  }

  client(at: number): Client<State> {
    const client = this.clients[at % this.clients.length];
    if (client === undefined) throw new Error('the group is empty');
    return client;
  }

  /** The group info that a member signs. */
  groupInfo(at = 0): Info {
    const { state, device } = this.client(at);
    const info = this.engine.parseGroupInfo(this.engine.formatGroupInfo(state, device));
    if (info === undefined) throw new Error('the group info of a member is invalid');
    return info;
  }

  join(device: Device, at = 0): Client<State> {
    const staged = this.engine.createExternalCommit(this.groupInfo(at), device);
    if (staged === undefined) throw new Error('the external commit was not possible');
    this.process(staged.commit);
    const client = { device, state: staged.state };
    this.clients.push(client);
    return client;
  }

  /** A member commits and removes others. Returns the commit. */
  commit(at: number, removed: readonly Client<State>[] = []): Uint8Array {
    const committer = this.client(at);
    const remove = removed.map(({ state }) => this.engine.view(state).leaf);
    const staged = this.engine.createCommit(committer.state, committer.device, { remove });
    this.process(staged.commit, committer);
    committer.state = staged.state;
    return staged.commit;
  }

  /** All but the committer process a commit. Those whom it removes leave. */
  private process(commit: Uint8Array, committer?: Client<State>): void {
    for (const client of [...this.clients].filter((each) => each !== committer)) {
      const result = this.engine.processCommit(client.state, commit);
      if (result.kind === 'rejected') throw new Error(`a member rejects a valid commit: ${result.failure}`);
      if (result.kind === 'accepted') client.state = result.state;
      else this.clients.splice(this.clients.indexOf(client), 1);
    }
  }
}
