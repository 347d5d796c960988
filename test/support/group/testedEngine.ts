import type { GroupEngine, GroupInfo } from '../../../streams/client/group/index.js';

/** A group engine whose methods may return promises. Every `GroupEngine` is one; an engine of WebCrypto is another. */
export type TestedEngine<State, Info extends GroupInfo> = {
  readonly [Key in keyof GroupEngine<State, Info>]: GroupEngine<State, Info>[Key] extends (
    ...parameters: infer Parameters
  ) => infer Result
    ? (...parameters: Parameters) => Result | Promise<Result>
    : GroupEngine<State, Info>[Key];
};

/** A group engine all of whose methods return promises. */
export type AsyncGroupEngine<State, Info extends GroupInfo> = {
  readonly [Key in keyof GroupEngine<State, Info>]: GroupEngine<State, Info>[Key] extends (
    ...parameters: infer Parameters
  ) => infer Result
    ? (...parameters: Parameters) => Promise<Result>
    : GroupEngine<State, Info>[Key];
};
