import { fileURLToPath } from 'node:url';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import type {
  CommitOptions,
  Device,
  ExternalCommitOptions,
  GroupEngine,
  MemberView,
} from '../../../../streams/client/group/index.js';
import type { Attacker, ForgedCommit } from '../attackedEngine.js';
import type { CommitChange } from '../commitForge.js';
import type { MlsGroupInfo } from './mlsGroupInfo.js';

/** What a device is without its private key. */
export type CallerDevice = Pick<Device, 'publicKey' | 'credential'>;

/** A call of a method of the engine. */
export type WorkerRequest =
  | { method: 'createGroup'; groupId: Uint8Array; device: CallerDevice }
  | { method: 'createCommit'; state: Uint8Array; device: CallerDevice; options: CommitOptions | undefined }
  | {
      method: 'createExternalCommit';
      groupInfo: MlsGroupInfo;
      device: CallerDevice;
      options: ExternalCommitOptions | undefined;
    }
  | { method: 'processCommit'; state: Uint8Array; commit: Uint8Array }
  | { method: 'parseCommitHeader' | 'parseGroupInfo' | 'parseState'; bytes: Uint8Array }
  | {
      method: 'formatGroupInfo' | 'formatGroupInfoUpdate';
      state: Uint8Array;
      device: CallerDevice;
      applicationData: Uint8Array | undefined;
    }
  | {
      method: 'isGroupInfoOf' | 'isGroupInfoUpdateOf';
      state: Uint8Array;
      bytes: Uint8Array;
      applicationData: Uint8Array | undefined;
    }
  | { method: 'followCommit'; groupInfo: MlsGroupInfo; commit: Uint8Array; update: Uint8Array }
  | { method: 'view' | 'dropExporterSecret'; state: Uint8Array }
  | {
      method: 'exportSecret';
      state: Uint8Array;
      label: string;
      context: Uint8Array;
      lengthBytes: number | undefined;
    }
  | { method: 'forgeCommit'; state: Uint8Array; device: CallerDevice; forged: ForgedCommit | undefined }
  | {
      method: 'forgeJoin';
      groupInfo: MlsGroupInfo;
      device: CallerDevice;
      forged: ForgedCommit | undefined;
    }
  | {
      method: 'alterCommit';
      state: Uint8Array;
      commit: Uint8Array;
      change: CommitChange;
      device: CallerDevice;
    }
  | { method: 'inEpoch'; state: Uint8Array; epoch: number }
  | { method: 'opensSecretOf'; state: Uint8Array; commit: Uint8Array };

export type WorkerReply =
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly message: string; readonly isTypeError: boolean }
  /** The library needs a signature before it can go on. */
  | { readonly kind: 'sign'; readonly content: Uint8Array };

export interface WorkerData {
  /** Its first element is 1 when a reply is there. */
  readonly signal: Int32Array;
}

export interface WorkerEngine {
  readonly engine: GroupEngine<Uint8Array, MlsGroupInfo>;
  readonly attacker: Attacker<Uint8Array, MlsGroupInfo>;
  readonly close: () => Promise<unknown>;
}

/** What the methods return. */
interface WorkerResults extends Omit<
  { readonly [Name in keyof WorkerEngine['engine']]: WorkerEngine['engine'][Name] },
  'name'
> {
  readonly forgeCommit: WorkerEngine['attacker']['commit'];
  readonly forgeJoin: WorkerEngine['attacker']['join'];
  readonly alterCommit: WorkerEngine['attacker']['alter'];
  readonly inEpoch: WorkerEngine['attacker']['inEpoch'];
  readonly opensSecretOf: WorkerEngine['attacker']['opensSecretOf'];
}

/** How long a call may take. */
const LIMIT_MS = 30_000;

/**
 * Creates the MLS engine with methods that return at once, as the reducer of group rooms needs them: MLS runs in a
 * thread, and the caller blocks until that thread replies. A state is its format.
 */
export const createWorkerEngine = (): WorkerEngine => {
  const source = buildSync({
    entryPoints: [fileURLToPath(new URL('worker.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
    logLevel: 'silent',
    external: ['@hpke/ml-kem', '@hpke/hybridkem-x-wing', '@hpke/dhkem-x448', '@hpke/chacha20poly1305'],
  }).outputFiles[0]?.text;
  if (source === undefined) throw new Error('esbuild gave no output');
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(source, {
    eval: true,
    workerData: { signal, port: port2 },
    transferList: [port2],
  });
  worker.unref();
  port1.unref();

  /** Calls a method and blocks until its result is there. Throws what the method throws. */
  const call = <Method extends WorkerRequest['method']>(
    request: WorkerRequest & { readonly method: Method },
    device?: Device,
  ): ReturnType<WorkerResults[Method]> => {
    port1.postMessage(request);
    for (;;) {
      // The notice of an earlier reply may come late, when its reply was taken already.
      while (Atomics.exchange(signal, 0, 0) === 0)
        if (Atomics.wait(signal, 0, 0, LIMIT_MS) === 'timed-out')
          throw new Error('the engine does not reply');
      const reply = receiveMessageOnPort(port1)?.message as WorkerReply | undefined;
      if (reply === undefined) throw new Error('the reply of the engine is missing');
      if (reply.kind === 'result') return reply.value as ReturnType<WorkerResults[Method]>;
      if (reply.kind === 'error')
        throw reply.isTypeError ? new TypeError(reply.message) : new Error(reply.message);
      if (device === undefined) throw new Error('the engine needs a signature of no device');
      port1.postMessage(device.sign(reply.content));
    }
  };
  const publicOf = ({ publicKey, credential }: Device): CallerDevice => ({ publicKey, credential });
  const views = new WeakMap<Uint8Array, MemberView>();
  const engine: WorkerEngine['engine'] = {
    name: 'mls in a thread',
    createGroup: (groupId, device) =>
      call({ method: 'createGroup', groupId, device: publicOf(device) }, device),
    createCommit: (state, device, options) =>
      call({ method: 'createCommit', state, device: publicOf(device), options }, device),
    createExternalCommit: (groupInfo, device, options) =>
      call({ method: 'createExternalCommit', groupInfo, device: publicOf(device), options }, device),
    processCommit: (state, commit) => call({ method: 'processCommit', state, commit }),
    parseCommitHeader: (bytes) => call({ method: 'parseCommitHeader', bytes }),
    formatGroupInfo: (state, device, applicationData) =>
      call({ method: 'formatGroupInfo', state, device: publicOf(device), applicationData }, device),
    parseGroupInfo: (bytes) => call({ method: 'parseGroupInfo', bytes }),
    isGroupInfoOf: (state, bytes, applicationData) =>
      call({ method: 'isGroupInfoOf', state, bytes, applicationData }),
    formatGroupInfoUpdate: (state, device, applicationData) =>
      call({ method: 'formatGroupInfoUpdate', state, device: publicOf(device), applicationData }, device),
    isGroupInfoUpdateOf: (state, bytes, applicationData) =>
      call({ method: 'isGroupInfoUpdateOf', state, bytes, applicationData }),
    followCommit: (groupInfo, commit, update) => call({ method: 'followCommit', groupInfo, commit, update }),
    view: (state) => {
      const view = views.get(state) ?? call({ method: 'view', state });
      views.set(state, view);
      return view;
    },
    exportSecret: (state, label, context, lengthBytes) =>
      call({ method: 'exportSecret', state, label, context, lengthBytes }),
    dropExporterSecret: (state) => call({ method: 'dropExporterSecret', state }),
    formatState: (state) => state,
    parseState: (bytes) => call({ method: 'parseState', bytes }),
  };
  const attacker: WorkerEngine['attacker'] = {
    commit: (state, device, forged) =>
      call({ method: 'forgeCommit', state, device: publicOf(device), forged }, device),
    join: (groupInfo, device, forged) =>
      call({ method: 'forgeJoin', groupInfo, device: publicOf(device), forged }, device),
    alter: (state, commit, change, signer) =>
      call({ method: 'alterCommit', state, commit, change, device: publicOf(signer) }, signer),
    inEpoch: (state, epoch) => call({ method: 'inEpoch', state, epoch }),
    opensSecretOf: (state, commit) => call({ method: 'opensSecretOf', state, commit }),
  };
  return { engine, attacker, close: () => worker.terminate() };
};
