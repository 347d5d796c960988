import type { Device, GroupInfo } from '../../../streams/client/group/index.js';
import type { TestedEngine } from './testedEngine.js';

/** One device with its state. */
export interface EngineClient<State> {
  readonly device: Device;
  state: State;
}

/** A group on any engine, of which every member is in this process and processes each commit at once. */
export class EngineGroup<State, Info extends GroupInfo> {
  readonly clients: EngineClient<State>[];
  private readonly engine: TestedEngine<State, Info>;

  private constructor(engine: TestedEngine<State, Info>, first: EngineClient<State>) {
    this.engine = engine;
    this.clients = [first];
  }

  static async create<State, Info extends GroupInfo>(
    engine: TestedEngine<State, Info>,
    creator: Device,
    groupId: Uint8Array = Uint8Array.of(7, 7),
  ): Promise<EngineGroup<State, Info>> {
    return new EngineGroup(engine, { device: creator, state: await engine.createGroup(groupId, creator) });
  }

  /** The group info that a member signs. */
  async groupInfo(signer: EngineClient<State> = this.first): Promise<Info> {
    const bytes = await this.engine.formatGroupInfo(signer.state, signer.device);
    const info = await this.engine.parseGroupInfo(bytes);
    if (info === undefined) throw new Error('the group info of a member is invalid');
    return info;
  }

  get first(): EngineClient<State> {
    const [first] = this.clients;
    if (first === undefined) throw new Error('the group is empty');
    return first;
  }

  /** A device joins, or replaces its own leaf if it lost its state. */
  async join(device: Device, isResync = false): Promise<EngineClient<State>> {
    const staged = await this.engine.createExternalCommit(await this.groupInfo(), device, { isResync });
    if (staged === undefined) throw new Error('the external commit was not possible');
    await this.process(staged.commit);
    const client = { device, state: staged.state };
    this.clients.push(client);
    return client;
  }

  /** A member commits and removes others. Returns the commit. */
  async commit(
    committer: EngineClient<State>,
    removed: readonly EngineClient<State>[] = [],
  ): Promise<Uint8Array> {
    const remove: number[] = [];
    for (const { state } of removed) remove.push((await this.engine.view(state)).leaf);
    const staged = await this.engine.createCommit(committer.state, committer.device, { remove });
    await this.process(staged.commit, committer);
    committer.state = staged.state;
    return staged.commit;
  }

  /** All but the committer process a commit. Those whom it removes leave. */
  private async process(commit: Uint8Array, committer?: EngineClient<State>): Promise<void> {
    for (const client of this.clients.filter((each) => each !== committer)) {
      const result = await this.engine.processCommit(client.state, commit);
      if (result.kind === 'rejected') throw new Error(`a member rejects a valid commit: ${result.failure}`);
      if (result.kind === 'accepted') client.state = result.state;
      else this.clients.splice(this.clients.indexOf(client), 1);
    }
  }
}
