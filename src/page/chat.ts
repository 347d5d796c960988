import { connect, finalize, fromEvent, ignoreElements, merge, type Observable, switchMap, tap } from 'rxjs';
import {
  type Heard,
  roster,
  type Said,
  sessionState,
  type SessionState,
} from '../../streams/client/index.js';
import { foldNick } from '../../streams/wire/index.js';
import { deriveRoomKeys } from '../browser/keys.js';
import { visible } from '../terminal/visible.js';
import { composer } from './composer.js';
import type { Entrance } from './door.js';
import { byId } from './dom.js';
import { inviteDialog } from './inviteDialog.js';
import { keepOfTab, openIdentity, openKeys, readOfTab } from './keep.js';
import { linkOf } from './link.js';
import { memberList } from './memberList.js';
import { personDialog } from './personDialog.js';
import { drawMessage, rowOf } from './rows.js';
import { keepStay, openStay, type Stay } from './stay.js';
import { talk } from './talk.js';
import { timeline } from './timeline.js';

/** So much of a topic, in UTF-16 code units, is in the title. */
const TITLE = 100;

const inWords = (state: SessionState): string => {
  switch (state.type) {
    case 'connecting':
      return 'connecting…';
    case 'catching-up':
      return 'reading what was said…';
    case 'online':
      return 'online';
    case 'offline':
      return `offline: ${state.cause}; trying again at ${new Date(state.retryAt).toLocaleTimeString()}`;
    case 'closed':
      return 'closed';
  }
};

/** The room, on the page: never emits, errors where it ends. */
export const chat = (entrance: Entrance): Observable<never> => {
  const { room } = deriveRoomKeys(entrance.invite.secret);
  return openStay(room).pipe(switchMap((stay) => chatFrom(entrance, room, stay)));
};

const chatFrom = ({ invite, nick }: Entrance, room: string, stay: Stay): Observable<never> => {
  const identity = openIdentity();
  const keys = openKeys(room);
  const place = byId('room', HTMLElement);
  const titleText = byId('title', HTMLElement);
  const stateText = byId('state', HTMLElement);
  const retry = byId('retry', HTMLButtonElement);
  const latest = byId('latest', HTMLButtonElement);
  place.hidden = false;

  /** The newest key of each nick that has said something. */
  const newest = new Map(keys.known());
  const pending = new Map<string, Said>();
  let unread = 0;
  let present: readonly string[] = [];
  let topic: { readonly position: number; readonly text: string } | undefined;

  const showTitle = () => {
    const name = topic?.text ?? 'rxchat';
    titleText.textContent = name;
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${name === 'rxchat' ? name : `${name} - rxchat`}`;
  };

  const conversation = talk({
    invite,
    room,
    nick,
    identity,
    known: keys.known,
    stay,
    keep: keepStay,
    retry$: fromEvent(retry, 'click'),
  });
  const view = timeline(byId('log', HTMLElement), {
    more: conversation.lookBack,
    onUnread: (isUnread) => {
      latest.hidden = !isUnread;
    },
  });
  const showPerson = personDialog(identity.key, keys, () => {
    view.redraw();
  });
  const drawMembers = memberList({
    own: nick,
    onPerson: (each) => {
      showPerson(each, foldNick(each) === foldNick(nick) ? identity.key : newest.get(foldNick(each)));
    },
  });
  const drawing = { key: identity.key, nick, keys, onPerson: showPerson };

  const drawPending = (mark: 'pending' | 'failed') => {
    view.setTail(
      [...pending.values()].flatMap(({ token, lines, act }) =>
        lines.map((text, index) => ({
          key: `${token}.${index}.${mark}`,
          position: Number.MAX_SAFE_INTEGER,
          index,
          isNews: false,
          draw: () => drawMessage({ nick, key: identity.key, text, act, time: undefined }, drawing, mark),
        })),
      ),
    );
  };

  const hear = (heard: Heard) => {
    if (heard.type === 'message') {
      newest.set(foldNick(heard.nick), heard.key);
      if (heard.act === 'topic' && heard.position >= (topic?.position ?? 0))
        topic = { position: heard.position, text: visible(heard.text, TITLE) };
    }
    if (heard.type === 'first-sight') keys.accept(heard.nick, heard.key);
    if (heard.type === 'log-changed') view.clear();
    if (heard.type === 'said') pending.set(heard.token, heard);
    if (heard.type === 'stored') pending.delete(heard.token);
    if (heard.type === 'said' || heard.type === 'stored') drawPending('pending');
    const row = rowOf(heard, drawing);
    if (row === undefined) return;
    view.add(row);
    if (row.isNews && document.hidden) unread += 1;
    showTitle();
  };

  latest.addEventListener('click', view.toEnd);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    unread = 0;
    showTitle();
  });
  inviteDialog(linkOf(invite));
  const draftName = `draft.${room}`;
  composer({
    say: (says) =>
      conversation.say(says) ? undefined : 'too much waits for the relay already: send this when it is back',
    draft: readOfTab(draftName) ?? '',
    keepDraft: (draft) => {
      keepOfTab(draftName, draft);
    },
    nicks: () => present.filter((each) => each !== nick),
  });

  return conversation.heard$.pipe(
    connect((heard$) =>
      merge(
        heard$.pipe(tap(hear)),
        heard$.pipe(
          roster(),
          tap((members) => {
            present = members.nicks;
            drawMembers(members);
          }),
        ),
        heard$.pipe(
          sessionState({ now: Date.now, retry$: conversation.retry$ }),
          tap((state) => {
            stateText.textContent = inWords(state);
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
