import { note } from '../exit.js';

/** Says once that standard output is not read any more, which stops nothing from being sent. */
export const unreadNote = (what: 'copy' | 'receipts', isQuiet: boolean): (() => void) => {
  let isTold = isQuiet;
  return () => {
    if (!isTold) note(`nobody reads the ${what} any more; sending goes on without`);
    isTold = true;
  };
};
