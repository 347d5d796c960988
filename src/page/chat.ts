import {
  connect,
  finalize,
  fromEvent,
  ignoreElements,
  merge,
  NEVER,
  type Observable,
  of,
  switchMap,
  tap,
} from 'rxjs';
import {
  type ClientEvent,
  roster,
  type QueuedMessage,
  sessionState,
  type SessionState,
  type Roster,
} from '../../streams/client/index.js';
import { foldNick } from '../../streams/wire/index.js';
import { sanitize } from '../text/sanitize.js';
import { initComposer } from './composer.js';
import type { GroupRoom } from './groupRoom.js';
import { loadGroupRoom } from './loadGroupRoom.js';
import { formatPageLink, type JoinRequest, roomIdOf } from './joinForm.js';
import { byId, setText } from './dom.js';
import { drawRoster, initInviteDialog, initMemberPanel, initPersonDialog } from './panels.js';
import { saveForTab, openIdentity, openKnownKeys, loadForTab } from './storage.js';
import { createEventRow, renderMessage, type Row } from './rows.js';
import { saveTabSession, openTabSession, type TabSession } from './tabSession.js';
import { createLogOrder } from './logOrder.js';
import { openRoomConnection } from './roomConnection.js';
import { createTimeline } from './timeline.js';

/** Maximum length of a topic in the title, in UTF-16 code units. */
const MAX_TITLE_LENGTH = 100;

const describeState = (state: SessionState): string => {
  switch (state.type) {
    case 'connecting':
      return 'connecting…';
    case 'catching-up':
      return 'loading messages…';
    case 'online':
      return 'online';
    case 'offline':
      return `offline: ${state.cause}; next attempt at ${new Date(state.retryAt).toLocaleTimeString()}`;
    case 'closed':
      return 'closed';
  }
};

/** Runs the room on the page. Never emits, and errors when the room ends. */
export const chat = (request: JoinRequest): Observable<never> => {
  const { group } = request.invite;
  const room = roomIdOf(request.invite);
  const groupRoom$: Observable<GroupRoom | undefined> =
    group === undefined ? of(undefined) : loadGroupRoom(group);
  return groupRoom$.pipe(
    switchMap((groupRoom) =>
      openTabSession(room).pipe(switchMap((tabSession) => runChat(request, tabSession, groupRoom))),
    ),
  );
};

const runChat = (
  { invite: firstInvite, nick }: JoinRequest,
  tabSession: TabSession,
  groupRoom: GroupRoom | undefined,
): Observable<never> => {
  const { room } = tabSession;
  let invite = firstInvite;
  const identity = openIdentity();
  const keys = openKnownKeys(room);
  const panel = byId('room', HTMLElement);
  const titleText = byId('title', HTMLElement);
  const stateText = byId('state', HTMLElement);
  const retry = byId('retry', HTMLButtonElement);
  const latest = byId('latest', HTMLButtonElement);
  panel.hidden = false;

  /** The newest key of each nick that has sent a message. */
  const newestKeys = new Map(keys.known());
  /** By the lines, which are the same object until the receipt. */
  const pending = new Map<readonly string[], QueuedMessage>();
  const logs = createLogOrder();
  let unread = 0;
  let present: readonly string[] = [];
  let topic: { readonly position: number; readonly text: string } | undefined;

  const showTitle = () => {
    const name = topic?.text ?? 'rxchat';
    titleText.textContent = name;
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${name === 'rxchat' ? name : `${name} - rxchat`}`;
  };

  const showNotice = (text: string | undefined) => {
    setText(byId('fault', HTMLElement), text);
  };
  showNotice(groupRoom?.storeProblem);
  const memberPanel = initMemberPanel();
  const openInvite = initInviteDialog(() => formatPageLink(invite));
  const group = groupRoom?.createView({
    ownKey: identity.key,
    nick,
    keys,
    panel: memberPanel,
    onSelectPerson: (name, key) => {
      showPerson(name, key);
    },
    onInvite: openInvite,
    onNotice: showNotice,
  });
  const connection = openRoomConnection({
    createJoin: groupRoom?.createJoin(group?.request$ ?? NEVER),
    invite,
    room,
    nick,
    identity,
    known: keys.known,
    tabSession,
    save: saveTabSession,
    retry$: fromEvent(retry, 'click'),
  });
  const view = createTimeline(byId('log', HTMLElement), {
    more: connection.loadOlder,
    onUnread: (isUnread) => {
      latest.hidden = !isUnread;
    },
  });
  const showPerson = initPersonDialog({
    ownKey: identity.key,
    keys,
    onChange: () => {
      view.redraw();
    },
    group,
  });
  const drawMembers = (members: Roster) => {
    drawRoster(memberPanel, members, {
      ownNick: nick,
      onSelect: (member) => {
        const isOwn = foldNick(member) === foldNick(nick);
        showPerson(member, isOwn ? identity.key : newestKeys.get(foldNick(member)));
      },
    });
  };
  const rowContext = {
    key: identity.key,
    nick,
    keys,
    isGroup: group !== undefined,
    onSelectPerson: showPerson,
  };

  const drawPending = (mark: 'pending' | 'failed') => {
    view.setTail(
      [...pending.values()].flatMap(({ token, lines, act }) =>
        lines.map((text, index) => ({
          key: `${token}.${index}.${mark}`,
          position: Number.MAX_SAFE_INTEGER,
          index,
          isFromOther: false,
          render: () =>
            renderMessage({ nick, key: identity.key, text, act, time: undefined }, rowContext, mark),
        })),
      ),
    );
  };

  /** Shows the present invite, also in the address, so that a reload returns to the room. */
  const replaceInvite = (secret: Uint8Array) => {
    invite = { ...invite, secret };
    window.history.replaceState(null, '', new URL(formatPageLink(invite)).hash);
  };

  const addRow = (row: Row) => {
    view.add(logs.place(row));
    if (row.isFromOther && document.hidden) unread += 1;
  };

  const handleEvent = (event: ClientEvent) => {
    if (event.type === 'welcome') logs.onWelcome(event.log);
    if (event.type === 'invite-changed') replaceInvite(event.secret);
    if (event.type === 'message') {
      newestKeys.set(foldNick(event.nick), event.key);
      const position = logs.positionOf(event.position);
      if (event.act === 'topic' && position >= (topic?.position ?? 0))
        topic = { position, text: sanitize(event.text, MAX_TITLE_LENGTH) };
    }
    if (event.type === 'first-seen') keys.accept(event.nick, event.key);
    if (event.type === 'log-changed' && (group === undefined || event.shared !== undefined)) {
      view.clear();
      // The log is read on where it was. Its older entries have other rows than before.
      if (event.shared !== undefined) connection.loadOlder();
    }
    if (event.type === 'queued') pending.set(event.lines, event);
    if (event.type === 'stored') pending.delete(event.lines);
    if (event.type === 'queued' || event.type === 'stored') drawPending('pending');
    group?.update(event).forEach(addRow);
    const row = createEventRow(event, rowContext);
    if (row === undefined) return;
    addRow(row);
    showTitle();
  };

  latest.addEventListener('click', view.scrollToEnd);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    unread = 0;
    showTitle();
  });
  const draftName = `draft.${room}`;
  initComposer({
    send: (messages) =>
      connection.send(messages) ? undefined : 'too many messages are waiting for the relay; try again later',
    run: group?.run,
    draft: loadForTab(draftName) ?? '',
    saveDraft: (draft) => {
      saveForTab(draftName, draft);
    },
    nicks: () => present.filter((member) => member !== nick),
  });

  return connection.event$.pipe(
    connect((event$) =>
      merge(
        event$.pipe(tap(handleEvent)),
        event$.pipe(
          roster(),
          tap((members) => {
            present = members.nicks;
            if (group === undefined) drawMembers(members);
            else group.drawMembers(members);
          }),
        ),
        event$.pipe(
          sessionState({ now: Date.now, retry$: connection.retry$ }),
          tap((state) => {
            stateText.textContent = describeState(state);
            stateText.className = `state ${state.type}`;
            retry.hidden = state.type !== 'offline';
          }),
        ),
      ),
    ),
    ignoreElements(),
    finalize(() => {
      drawPending('failed');
    }),
  );
};
