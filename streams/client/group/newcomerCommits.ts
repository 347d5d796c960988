import type { CommitFrame } from './frame.js';

/** Where a newcomer followed a commit. */
export interface FollowedCommit {
  readonly position: number;
  /** The epoch that the commit ended. */
  readonly epoch: number;
}

/** The commits that a newcomer read before any group info of the log. It cannot check them yet. */
export interface EarlyCommits {
  /** The newest of them, oldest first. */
  readonly entries: readonly { readonly position: number; readonly frame: CommitFrame }[];
  /** The position of the last one that was dropped, or 0. */
  readonly dropped: number;
}

export const NO_EARLY_COMMITS: EarlyCommits = { entries: [], dropped: 0 };

/** How many commits a newcomer remembers. Members post a group info after 32 epochs. */
const MAX_EARLY_COMMITS = 32;

/** Remembers a commit, and drops the oldest one if there are too many. */
export const addEarlyCommit = (
  { entries, dropped }: EarlyCommits,
  position: number,
  frame: CommitFrame,
): EarlyCommits => {
  const all = [...entries, { position, frame }];
  const excess = all.length > MAX_EARLY_COMMITS ? all[0] : undefined;
  return { entries: all.slice(-MAX_EARLY_COMMITS), dropped: excess?.position ?? dropped };
};

/** Returns the position of the commit that a signer must have rejected if its group info is right, or 0. */
export const branchPosition = (
  { followed }: { readonly followed: readonly FollowedCommit[] },
  { epoch }: { readonly epoch: number },
): number =>
  (followed.find((each) => each.epoch >= epoch) ?? followed.find((each) => each.epoch >= epoch - 1))
    ?.position ?? 0;
