import { createDevice } from '../../../streams/client/group/credential.js';
import type {
  Commit,
  CommitFailure,
  CryptoSuite,
  Device,
  GroupInfo,
  MemberView,
  StagedCommit,
} from '../../../streams/client/group/index.js';
import { toBase64url } from '../../../streams/wire/index.js';
import { hex } from '../cryptoSuites.js';
import { deviceOf, seedOf } from '../groupFixture.js';
import type { TestedEngine } from './testedEngine.js';

/** Makes a commit. Numbers choose among the devices or clients that there are. */
export type Action =
  | { readonly kind: 'join'; readonly device: number; readonly by: number; readonly isResync: boolean }
  | { readonly kind: 'commit'; readonly by: number; readonly removed: readonly number[] };

export type Step =
  /** All actions happen in one epoch: the first commit wins. One client may miss it. */
  | { readonly kind: 'actions'; readonly actions: readonly Action[]; readonly missedBy: number | undefined }
  /** Everybody receives an old commit again. */
  | { readonly kind: 'replay'; readonly at: number }
  /** A client formats its state and parses it. */
  | { readonly kind: 'restart'; readonly by: number };

/** What a step leads to. Two engines agree if these are equal. */
export type Outcome = Readonly<Record<string, unknown>>;

interface ScenarioClient<State> {
  readonly device: Device;
  state: State;
}

/** The devices of a scenario: two persons with one, and one with two and a reinstalled one. */
const devicesOf = (suite: CryptoSuite): readonly Device[] => {
  const identity = suite.ed25519.signingKey(seedOf('identity bob', suite));
  const reinstalled = createDevice(
    suite.ed25519.signingKey(seedOf('device bob reinstalled', suite)),
    { key: toBase64url(identity.publicKey), sign: (message) => toBase64url(identity.sign(message)) },
    'laptop',
  );
  return [
    deviceOf('alice', 'laptop', suite),
    deviceOf('bob', 'laptop', suite),
    deviceOf('bob', 'phone', suite),
    reinstalled,
    deviceOf('carol', 'laptop', suite),
  ];
};

const REINSTALLED = [1, 3];
const GROUP_ID = Uint8Array.of(5, 5);

const describeCommit = (commit: Commit): Outcome => ({
  ...commit,
  authenticatedData: hex(commit.authenticatedData),
});

const describeResult = (
  result:
    | { readonly kind: 'accepted' | 'removed'; readonly commit: Commit }
    | { readonly kind: 'rejected'; readonly failure: CommitFailure | 'invalid group info update' },
): Outcome =>
  result.kind === 'rejected'
    ? { kind: result.kind, failure: result.failure }
    : { kind: result.kind, ...describeCommit(result.commit) };

/**
 * Runs steps on an engine. All clients are in this process, and receive the commits in one order.
 *
 * Throws an `Error` if clients of one epoch do not have the same secrets.
 */
export class EngineScenario<State, Info extends GroupInfo> {
  private readonly devices: readonly Device[];
  private readonly log: Uint8Array[] = [];
  private clients: ScenarioClient<State>[] = [];
  /** Those who were removed. They go on reading. */
  private readonly former: ScenarioClient<State>[] = [];
  /** What somebody knows who follows from outside. */
  private info: Info | undefined;
  private readonly engine: TestedEngine<State, Info>;

  constructor(engine: TestedEngine<State, Info>, suite: CryptoSuite) {
    this.engine = engine;
    this.devices = devicesOf(suite);
  }

  async run(steps: readonly Step[]): Promise<readonly Outcome[]> {
    const device = choose(this.devices, 0);
    const first = { device, state: await this.engine.createGroup(GROUP_ID, device) };
    this.clients.push(first);
    this.info = await this.infoOf(first);
    const outcomes: Outcome[] = [];
    for (const step of steps)
      outcomes.push({ step: step.kind, result: await this.step(step), ...(await this.views()) });
    return outcomes;
  }

  private async step(step: Step): Promise<unknown> {
    if (step.kind === 'restart') return this.restart(choose(this.clients, step.by));
    if (step.kind === 'replay') {
      if (this.log.length === 0) return 'nothing to replay';
      return this.processAll(choose(this.log, step.at), [...(await this.current()), ...this.former]);
    }
    const staged = [];
    for (const action of step.actions) staged.push(await this.stage(action));
    const missedBy = step.missedBy === undefined ? undefined : choose(this.clients, step.missedBy);
    const results = [];
    for (const each of staged)
      results.push(typeof each === 'string' ? each : await this.publish(each.client, each.staged, missedBy));
    return results;
  }

  private async restart(client: ScenarioClient<State>): Promise<boolean> {
    const restored = await this.engine.parseState(await this.engine.formatState(client.state));
    if (restored !== undefined) client.state = restored;
    return restored !== undefined;
  }

  private async infoOf({ state, device }: ScenarioClient<State>): Promise<Info> {
    const info = await this.engine.parseGroupInfo(await this.engine.formatGroupInfo(state, device));
    if (info === undefined) throw new Error('the group info of a member is invalid');
    return info;
  }

  /** Stages a commit and returns it with the client that it belongs to, or why that is not possible. */
  private async stage(
    action: Action,
  ): Promise<{ client: ScenarioClient<State>; staged: StagedCommit<State> } | string> {
    const by = choose(this.clients, action.by);
    if (action.kind === 'commit') {
      const remove: number[] = [];
      // A number above those of the clients is a leaf that may not be there.
      for (const at of action.removed) {
        const target = this.clients[at];
        remove.push(target === undefined ? at : (await this.engine.view(target.state)).leaf);
      }
      try {
        const staged = await this.engine.createCommit(by.state, by.device, { remove });
        return { client: by, staged };
      } catch (error) {
        if (error instanceof TypeError) return 'not possible';
        throw error;
      }
    }
    const info = await this.infoOf(by);
    const at = action.device % this.devices.length;
    const device = choose(this.devices, at);
    // MLS lets a newcomer replace one leaf. With two leaves of one label, the engines would differ.
    const isResync = action.isResync || REINSTALLED.includes(at);
    // ts-mls cannot empty a tree.
    if (isResync && info.members.length === 1) return 'not tried';
    const staged = await this.engine.createExternalCommit(info, device, {
      isResync,
      authenticatedData: Uint8Array.of(at),
    });
    return staged === undefined ? 'not possible' : { client: { device, state: staged.state }, staged };
  }

  /** Puts a commit into the log. If it is for the present epoch, its committer adopts the staged state. */
  private async publish(
    committer: ScenarioClient<State>,
    { commit, state }: StagedCommit<State>,
    missedBy: ScenarioClient<State> | undefined,
  ): Promise<Outcome> {
    this.log.push(commit);
    const current = await this.current();
    const { epoch } = await this.viewOf(choose(current, 0));
    const isCurrent = (await this.engine.parseCommitHeader(commit))?.epoch === epoch;
    const receivers = isCurrent ? [...this.clients, ...this.former] : [...current, ...this.former];
    const results = await this.processAll(
      commit,
      receivers.filter((each) => each !== committer && each !== missedBy),
    );
    if (!isCurrent) return { isCurrent, results };
    committer.state = state;
    if (!this.clients.includes(committer)) this.clients.push(committer);
    return { isCurrent, results, followed: await this.follow(commit, committer) };
  }

  private async follow(commit: Uint8Array, committer: ScenarioClient<State>): Promise<Outcome> {
    if (this.info === undefined) throw new Error('nobody follows');
    const update = await this.engine.formatGroupInfoUpdate(committer.state, committer.device);
    const result = await this.engine.followCommit(this.info, commit, update);
    if (result.kind === 'accepted') this.info = result.groupInfo;
    return describeResult(result);
  }

  private async processAll(
    commit: Uint8Array,
    receivers: readonly ScenarioClient<State>[],
  ): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const client of receivers) {
      const result = await this.engine.processCommit(client.state, commit);
      outcomes.push(describeResult(result));
      // Those who were removed adopt nothing: a commit that lost would make a group of their own.
      if (!this.clients.includes(client)) continue;
      if (result.kind === 'accepted') client.state = result.state;
      if (result.kind === 'removed') {
        this.clients = this.clients.filter((each) => each !== client);
        this.former.push(client);
      }
    }
    return outcomes;
  }

  private async viewOf({ state }: ScenarioClient<State>): Promise<MemberView> {
    return this.engine.view(state);
  }

  /** The clients of the present epoch. Those who lag behind never receive a commit that lost: it would lead them astray. */
  private async current(): Promise<readonly ScenarioClient<State>[]> {
    let epoch = 0;
    let current: ScenarioClient<State>[] = [];
    for (const client of this.clients) {
      const view = await this.viewOf(client);
      if (view.epoch > epoch) current = [];
      epoch = Math.max(epoch, view.epoch);
      if (view.epoch === epoch) current.push(client);
    }
    return current;
  }

  /** What all clients see, without what differs between engines. Checks that it is the same for all of an epoch. */
  private async views(): Promise<Outcome> {
    const views: Outcome[] = [];
    const secrets = new Map<number, string>();
    for (const client of this.clients) {
      const { epoch, leaf, members, epochAuthenticator } = await this.viewOf(client);
      const exported = await this.engine.exportSecret(client.state, 'scenario', Uint8Array.of(1));
      const secret = `${hex(epochAuthenticator)} ${hex(exported)} ${JSON.stringify(members)}`;
      if ((secrets.get(epoch) ?? secret) !== secret) throw new Error(`the clients of epoch ${epoch} differ`);
      secrets.set(epoch, secret);
      views.push({ epoch, leaf, members });
    }
    if (new Set(secrets.values()).size !== secrets.size) throw new Error('two epochs have the same secrets');
    return { views, follower: { epoch: this.info?.epoch, members: this.info?.members } };
  }
}

const choose = <T>(values: readonly T[], at: number): T => {
  const value = values[at % values.length];
  if (value === undefined) throw new Error('there is nothing to choose from');
  return value;
};
