import { type Observable, Subject } from 'rxjs';
import type { ClientEvent, GroupRequest, Roster } from '../../streams/client/index.js';
import { foldNick } from '../../streams/wire/index.js';
import { pluralize } from '../text/format.js';
import { deviceText } from '../text/groupEventText.js';
import { findPerson, type GroupPerson, groupRoster, personText } from '../text/groupRoster.js';
import { safe } from '../text/sanitize.js';
import { initConfirmDialog } from './confirm.js';
import { byId, setText } from './dom.js';
import type { GroupActions, MemberPanel } from './panels.js';
import type { GroupCommand } from './parseInput.js';
import { createNote, type Row } from './rows.js';
import type { KnownKeys } from './storage.js';

export interface GroupViewOptions {
  readonly ownKey: string;
  readonly nick: string;
  readonly keys: KnownKeys;
  readonly panel: MemberPanel;
  readonly onSelectPerson: (nick: string | undefined, key: string) => void;
  readonly onInvite: () => void;
  /** Called with what is no entry of the room, such as a request that was refused. */
  readonly onNotice: (text: string) => void;
}

/** Shows who is in a group, and what happens to it. The relay has no part in it. */
export interface GroupView extends GroupActions {
  /** What the user requests of the group. */
  readonly request$: Observable<GroupRequest>;
  /** Updates the view with an event, and returns the rows to add. */
  readonly update: (event: ClientEvent) => readonly Row[];
  /** Draws the members, of which the relay reports some as online. */
  readonly drawMembers: (online: Roster) => void;
  /** Runs a command, or returns the reason why it cannot. */
  readonly run: (command: GroupCommand) => string | undefined;
}

const INVITE_TEXT =
  'Anyone with this link can join the group and read what members write from then on. The members see each join. Share it over a secure channel.';

const describeCode = (code: string): string =>
  `Room code: ${code}. It is equal for all members at this moment; compare it over another channel.`;

/** Creates the view of a group room. */
export const createGroupView = ({
  ownKey,
  nick,
  keys,
  panel,
  onSelectPerson,
  onInvite,
  onNotice,
}: GroupViewOptions): GroupView => {
  const roster = groupRoster({
    ownKey,
    isVerified: keys.isVerified,
    knownKeys: keys.known(),
    inviteHint: safe`; select Invite to see it`,
  });
  const requests = new Subject<GroupRequest>();
  const confirm = initConfirmDialog();
  const codeText = byId('members-code', HTMLElement);
  let online: Roster | undefined;
  let position = 0;
  byId('invite-text', HTMLElement).textContent = INVITE_TEXT;

  const nameOf = (person: GroupPerson): string =>
    person.isOwn ? nick : personText(person.nick, person.key, person.isVerified);

  const noteOf = (person: GroupPerson): string => {
    const name = person.isOwn ? nick : person.nick;
    const isOnline =
      name !== undefined && online?.nicks.some((other) => foldNick(other) === foldNick(name)) === true;
    const notes = [
      ...(person.isOwn ? ['you'] : []),
      ...(person.devices.length > 1 ? [pluralize(person.devices.length, 'device')] : []),
      ...(isOnline ? ['online'] : []),
    ];
    return notes.length === 0 ? '' : ` (${notes.join(', ')})`;
  };

  const draw = (): void => {
    const persons = roster.persons();
    panel.draw(
      persons.length,
      persons.map((person) => ({
        name: nameOf(person),
        note: noteOf(person),
        onSelect: () => {
          onSelectPerson(person.isOwn ? nick : person.nick, person.key);
        },
      })),
    );
    const code = roster.code();
    setText(codeText, code && describeCode(code));
  };

  const askToRemove = (person: GroupPerson): void => {
    const trust = person.isVerified ? 'You have verified this key.' : 'You have not verified this key.';
    confirm(
      `Remove ${nameOf(person)} with ${pluralize(person.devices.length, 'device')}? ${trust} The person can read nothing more, and the room gets another invite.`,
      'Remove',
      () => {
        requests.next({ type: 'remove', key: person.key });
      },
    );
  };

  const remove = (name: string): string | undefined => {
    const person = findPerson(roster, name);
    if (typeof person === 'string') return person;
    if (person.isOwn) return 'that is you; /leave leaves the group';
    askToRemove(person);
    return undefined;
  };

  return {
    request$: requests.asObservable(),
    update: (event) => {
      const texts = roster.update(event);
      if (event.type === 'request-refused' || event.type === 'no-group-info') {
        onNotice(texts.join('; '));
        return [];
      }
      if ('position' in event && event.position !== undefined) ({ position } = event);
      if (event.type === 'before-join') position = event.to;
      if (event.type === 'epoch' || event.type === 'resumed' || event.type === 'message') draw();
      return texts.map((text, index) => createNote(position, text, 'note group', index - texts.length));
    },
    drawMembers: (roster) => {
      online = roster;
      draw();
    },
    describe: (key) => {
      const person = roster.persons().find((each) => each.key === key);
      const code = roster.code();
      return person === undefined || code === undefined
        ? undefined
        : `Devices in the group: ${person.devices.map(deviceText).join(', ')}. ${describeCode(code)}`;
    },
    onRemove: (key) => {
      const person = roster.persons().find((each) => each.key === key);
      if (person !== undefined) askToRemove(person);
    },
    run: (command) => {
      switch (command.type) {
        case 'members':
          panel.open();
          return undefined;
        case 'invite':
          onInvite();
          return undefined;
        case 'remove':
          return remove(command.name);
        case 'rotate':
          confirm(
            'Replace the invite? Members stay. The present link lets nobody in any more.',
            'Replace',
            () => {
              requests.next({ type: 'rotate' });
            },
          );
          return undefined;
        case 'leave':
          confirm(
            'Leave the group? This browser deletes its keys, and the client of another member removes it.',
            'Leave',
            () => {
              requests.next({ type: 'leave' });
            },
          );
          return undefined;
      }
    },
  };
};
