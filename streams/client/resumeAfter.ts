import { type Resume, resumeAt } from '../wire/resume.js';
import type { Heard } from './conversation.js';

/**
 * The position behind something that was heard, to come back to: `at` is the one before it. Keep it only once what was
 * heard is done with.
 *
 * @example
 * import { of, scan } from 'rxjs';
 * import { type Heard, type Resume, resumeAfter } from 'rxchat/streams';
 *
 * const heard: Heard = { type: 'joined', position: 7, nicks: ['bob'], count: 1, hash: 'AAAAAAAAAAA' };
 * of(heard)
 *   .pipe(scan(resumeAfter, { log: 'log', n: 6 } as Resume | undefined))
 *   .subscribe({ next: (at) => console.log(at?.n), error: console.error }); // 7
 */
export const resumeAfter = (at: Resume | undefined, heard: Heard): Resume | undefined => {
  if (heard.type === 'welcome') {
    const n = heard.from - 1;
    return at?.log === heard.log && at.n === n ? at : { log: heard.log, n };
  }
  if (at === undefined || heard.type === 'stored') return at;
  if (heard.type === 'gap') return { log: at.log, n: heard.to };
  if (!('position' in heard)) return at;
  return resumeAt(at, {
    n: heard.position,
    hash: 'hash' in heard ? heard.hash : undefined,
    isAnnouncement: heard.type === 'joined' || heard.type === 'left',
  });
};
