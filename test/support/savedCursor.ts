import {
  hashInCursor,
  type StoredPosition,
  toResume,
  trackPosition,
} from '../../src/cli/commands/listen/cursorFile.js';
import type { ClientEvent } from '../../streams/client/index.js';
import type { Resume } from '../../streams/wire/index.js';

/** A cursor that is kept from one run to the next, as `listen --cursor-file` keeps it. */
export interface SavedCursor {
  /** Begins a run. Returns where it reads on, and what follows its events. */
  readonly begin: () => {
    readonly start: {
      readonly after?: Resume;
      readonly earlierHashAt: (position: number) => string | undefined;
    };
    readonly track: (event: ClientEvent) => void;
  };
}

export const savedCursor = (): SavedCursor => {
  let cursor: StoredPosition | undefined;
  return {
    begin: () => {
      const saved = cursor;
      const follow = trackPosition(saved);
      return {
        start: {
          ...(saved && { after: toResume(saved) }),
          earlierHashAt: (n) => saved && hashInCursor(saved, n),
        },
        track: (event) => {
          // Of the events of an entry, those about its sender have no hash. They are not the last one.
          if ('position' in event && !('hash' in event)) return;
          cursor = follow(event, undefined);
        },
      };
    },
  };
};
