import { type MessagePort, workerData } from 'node:worker_threads';
import { nodeSuite } from '../../../../src/crypto/nodeSuite.js';
import type { Device } from '../../../../streams/client/group/index.js';
import { createMlsAttacker, type MlsAttacker } from './mlsAttacker.js';
import { createMlsEngine } from './mlsEngine.js';
import type { CallerDevice, WorkerData, WorkerReply, WorkerRequest } from './workerEngine.js';

// The thread in which `createWorkerEngine` runs MLS. States travel as their formats, and the caller signs.

const { signal, port } = workerData as WorkerData & { readonly port: MessagePort };

const send = (message: WorkerReply): void => {
  port.postMessage(message);
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
};

/** The caller's device. Its signatures are promises, which the library awaits. */
const toDevice = ({ publicKey, credential }: CallerDevice): Device => {
  const sign = (content: Uint8Array): Promise<Uint8Array> =>
    new Promise((resolve) => {
      port.once('message', resolve);
      send({ kind: 'sign', content });
    });
  return { publicKey, credential, sign: sign as unknown as Device['sign'] };
};

const run = async (
  engine: Awaited<ReturnType<typeof createMlsEngine>>,
  attacker: MlsAttacker,
  request: WorkerRequest,
) => {
  const stateOf = async (bytes: Uint8Array) => {
    const state = await engine.parseState(bytes);
    if (state === undefined) throw new Error('the state cannot be parsed');
    return state;
  };
  const formatted = async <T extends { readonly state: Parameters<typeof engine.formatState>[0] }>(
    value: T,
  ) => ({
    ...value,
    state: await engine.formatState(value.state),
  });
  switch (request.method) {
    case 'createGroup':
      return engine.formatState(await engine.createGroup(request.groupId, toDevice(request.device)));
    case 'createCommit': {
      const { state, device, options } = request;
      return formatted(await engine.createCommit(await stateOf(state), toDevice(device), options));
    }
    case 'createExternalCommit': {
      const { groupInfo, device, options } = request;
      const staged = await engine.createExternalCommit(groupInfo, toDevice(device), options);
      return staged && formatted(staged);
    }
    case 'processCommit': {
      const result = await engine.processCommit(await stateOf(request.state), request.commit);
      return result.kind === 'accepted' ? formatted(result) : result;
    }
    case 'parseCommitHeader':
      return engine.parseCommitHeader(request.bytes);
    case 'parseGroupInfo':
      return engine.parseGroupInfo(request.bytes);
    case 'formatGroupInfo':
    case 'formatGroupInfoUpdate': {
      const { method, state, device, applicationData } = request;
      return engine[method](await stateOf(state), toDevice(device), applicationData);
    }
    case 'isGroupInfoOf':
    case 'isGroupInfoUpdateOf': {
      const { method, state, bytes, applicationData } = request;
      return engine[method](await stateOf(state), bytes, applicationData);
    }
    case 'followCommit':
      return engine.followCommit(request.groupInfo, request.commit, request.update);
    case 'view':
      return engine.view(await stateOf(request.state));
    case 'exportSecret': {
      const { state, label, context, lengthBytes } = request;
      return engine.exportSecret(await stateOf(state), label, context, lengthBytes);
    }
    case 'dropExporterSecret':
      return engine.formatState(await engine.dropExporterSecret(await stateOf(request.state)));
    case 'parseState': {
      const state = await engine.parseState(request.bytes);
      return state && engine.formatState(state);
    }
    case 'forgeCommit': {
      const { state, device, forged } = request;
      return formatted(await attacker.commit(await stateOf(state), toDevice(device), forged));
    }
    case 'forgeJoin': {
      const { groupInfo, device, forged } = request;
      return formatted(await attacker.join(groupInfo, toDevice(device), forged));
    }
    case 'alterCommit': {
      const { state, commit, change, device } = request;
      return attacker.alter(await stateOf(state), commit, change, toDevice(device));
    }
    case 'inEpoch':
      return engine.formatState(await attacker.inEpoch(await stateOf(request.state), request.epoch));
    case 'opensSecretOf':
      return attacker.opensSecretOf(await stateOf(request.state), request.commit);
  }
};

const serve = async (): Promise<void> => {
  const engine = await createMlsEngine(nodeSuite());
  const attacker = await createMlsAttacker(nodeSuite());
  for (;;) {
    const request = await new Promise<WorkerRequest>((resolve) => port.once('message', resolve));
    try {
      send({ kind: 'result', value: await run(engine, attacker, request) });
    } catch (error) {
      const { message } = error as Error;
      send({ kind: 'error', message, isTypeError: error instanceof TypeError });
    }
  }
};

void serve();
