import { createAccount, createOperator, createUser, type KeyPair } from '@nats-io/nkeys';

/** A configuration of a nats-server that trusts an operator, and the credentials file of a user of it. */
export interface OperatorConfig {
  readonly config: string;
  readonly creds: string;
}

export interface UserPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs what an issuer says about a subject: a JSON Web Token as NATS defines it. */
const sign = (issuer: KeyPair, subject: KeyPair, claims: object): string => {
  const body = [
    encode({ typ: 'JWT', alg: 'ed25519-nkey' }),
    encode({
      jti: subject.getPublicKey(),
      iat: 0,
      iss: issuer.getPublicKey(),
      sub: subject.getPublicKey(),
      nats: { version: 2, ...claims },
    }),
  ].join('.');
  return `${body}.${Buffer.from(issuer.sign(Buffer.from(body))).toString('base64url')}`;
};

const NO_LIMITS = { subs: -1, data: -1, payload: -1 };
const NO_ACCOUNT_LIMITS = { ...NO_LIMITS, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
const STREAM_LIMITS = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

/** Creates an operator with an account that has JetStream, and a user of it. */
export const createOperatorConfig = ({ publish, subscribe }: UserPermissions): OperatorConfig => {
  const [operator, system, account, user] = [
    createOperator(),
    createAccount(),
    createAccount(),
    createUser(),
  ];
  const accountToken = (pair: KeyPair, limits: object) => sign(operator, pair, { type: 'account', limits });
  const userToken = sign(account, user, {
    type: 'user',
    pub: { allow: publish },
    sub: { allow: subscribe },
    ...NO_LIMITS,
  });
  return {
    config: [
      `operator: ${sign(operator, operator, { type: 'operator' })}`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      'resolver_preload {',
      `  ${system.getPublicKey()}: ${accountToken(system, NO_ACCOUNT_LIMITS)}`,
      `  ${account.getPublicKey()}: ${accountToken(account, { ...NO_ACCOUNT_LIMITS, ...STREAM_LIMITS })}`,
      '}',
    ].join('\n'),
    creds: [
      '-----BEGIN NATS USER JWT-----',
      userToken,
      '------END NATS USER JWT------',
      '',
      '-----BEGIN USER NKEY SEED-----',
      Buffer.from(user.getSeed()).toString(),
      '------END USER NKEY SEED------',
      '',
    ].join('\n'),
  };
};
