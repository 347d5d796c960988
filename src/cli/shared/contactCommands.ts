import type { Message } from '../../../streams/client/index.js';
import type { LruMap } from '../../../streams/rx/lruMap.js';
import type { KnownKeys } from '../../identity/knownKeys.js';
import { safetyNumber } from '../../crypto/nodeKeys.js';
import { foldNick } from '../../../streams/wire/index.js';
import { sanitizeNicks, safe, type SafeText, sanitizeNick } from '../../text/sanitize.js';

/** What `/verify` and `/ignore` do. */
export interface ContactCommands {
  /**
   * Runs `/verify NICK [yes|no]` and returns the lines to show. Saves the answer; `yes` applies only to the
   * key whose number was shown.
   */
  readonly verify: (nick: string, answer: string | undefined) => readonly SafeText[];
  /**
   * Runs `/ignore [NICK [no]]` and returns the line to show. Without a nick, that line lists the ignored
   * nicks.
   */
  readonly ignore: (nick: string | undefined, answer: string | undefined) => SafeText;
}

/** Options of `contactCommands`. */
interface ContactCommandsOptions {
  readonly room: string;
  readonly keys: KnownKeys;
  /** Newest key of each nick that has sent a message. */
  readonly newestKeys: LruMap<string, string>;
  readonly ownKey: string;
  /** Whether a message's nick is known with a key other than the message's. */
  readonly isChanged: (who: Pick<Message, 'nick' | 'key'>) => boolean;
}

/** Creates the commands that verify and ignore the contacts of a room. */
export const contactCommands = ({
  room,
  keys,
  newestKeys,
  ownKey,
  isChanged,
}: ContactCommandsOptions): ContactCommands => {
  /** Key whose safety number was shown, by nick. */
  const printedKeys = new Map<string, string>();

  /** Returns the newest key of a nick, or a text that explains its absence. */
  const findKey = (name: string): SafeText | { readonly key: string } => {
    const nick = sanitizeNick(name);
    const key = newestKeys.get(foldNick(name));
    if (key === undefined) return safe`no key is known for the nick “${nick}”; it has not sent a message yet`;
    return key === ownKey ? safe`${nick} has your own key` : { key };
  };

  const safetyNumberLines = (name: string, key: string): readonly SafeText[] => {
    const nick = sanitizeNick(name);
    printedKeys.set(foldNick(name), key);
    return [
      safe`${nick}${keys.isVerified(key) ? ' is verified' : ''}: compare this number over another channel (in person, by phone)`,
      safe`${safetyNumber(ownKey, key)}`,
      ...(isChanged({ nick: name, key }) ? [safe`this is a different key than ${nick} had before`] : []),
      safe`if the numbers match: /verify ${nick} yes`,
      safe`if they differ: /verify ${nick} no`,
    ];
  };

  const verify = (name: string, answer: string | undefined): readonly SafeText[] => {
    const found = findKey(name);
    if (typeof found === 'string') return [found];
    const { key } = found;
    const nick = sanitizeNick(name);
    const printedKey = printedKeys.get(foldNick(name));
    if (answer === 'no') {
      keys.setVerified(printedKey ?? key, false);
      return [safe`${nick} is not verified`];
    }
    if (answer !== 'yes') return safetyNumberLines(name, key);
    if (printedKey === undefined)
      return [safe`not saved: compare the number of ${nick} first`, ...safetyNumberLines(name, key)];
    if (printedKey !== key)
      return [
        safe`not saved: ${nick} has sent a message with another key since the number was shown`,
        safe`/verify ${nick} shows the number of that key`,
      ];
    keys.setVerified(key, true);
    keys.accept(room, name, key);
    return [safe`${nick} is verified`];
  };

  const ignore = (name: string | undefined, answer: string | undefined): SafeText => {
    if (name === undefined) {
      const nicks = [...newestKeys.entries()].flatMap(([each, key]) => (keys.ignored().has(key) ? each : []));
      return keys.ignored().size === 0
        ? safe`you ignore nobody`
        : safe`you ignore ${nicks.length > 0 ? sanitizeNicks(nicks) : `${keys.ignored().size === 1 ? 'a key' : `${keys.ignored().size} keys`} of other rooms`}`;
    }
    const found = findKey(name);
    if (typeof found === 'string') return found;
    const nick = sanitizeNick(name);
    keys.setIgnored(found.key, answer !== 'no');
    return answer === 'no'
      ? safe`no longer ignoring ${nick}`
      : safe`ignoring ${nick} under any nick; undo with /ignore ${nick} no`;
  };

  return { verify, ignore };
};
