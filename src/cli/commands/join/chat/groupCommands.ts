import { safe } from '../../../../text/sanitize.js';
import { type ChatCommand, type ChatContext, showAction, splitWords } from './chatAction.js';
import { info } from './line.js';

/** Lists the slash commands that only a group room has, in the order of the help. */
export const GROUP_COMMANDS: readonly ChatCommand[] = [
  {
    name: 'members',
    usage: '',
    help: 'list who can read the room, with their devices; /who lists who is online',
    run: (_, { group }) => showAction(...(group?.members() ?? [])),
  },
  {
    name: 'remove',
    usage: 'NICK [yes]',
    help: 'remove a person with all devices; the room then has another invite',
    completions: 'nick',
    run: (rest, { group }) => {
      const [nick, answer] = splitWords(rest);
      if (nick === undefined || group === undefined) return showAction(info(safe`usage: /remove NICK`));
      return group.remove(nick, answer);
    },
  },
  {
    name: 'rotate',
    usage: '',
    help: 'give the room another invite; the present one then admits nobody',
    run: () => ({
      type: 'request',
      request: { type: 'rotate' },
      lines: [info(safe`the members move to another invite`)],
    }),
  },
  {
    name: 'leave',
    usage: '[yes]',
    help: 'stop being a member; /quit only goes offline',
    run: (rest, context) => runLeave(rest, context),
  },
];

const runLeave = (answer: string, { isOnline }: ChatContext): ReturnType<ChatCommand['run']> => {
  if (answer !== 'yes')
    return showAction(
      info(safe`after leaving, this device can read nothing more; /quit only goes offline`),
      info(safe`to leave: /leave yes`),
    );
  const whenText = isOnline() ? 'you leave the group' : 'you leave the group once you are online';
  return { type: 'request', request: { type: 'leave' }, lines: [info(safe`${whenText}`)] };
};
