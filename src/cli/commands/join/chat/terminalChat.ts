import {
  connect,
  defer,
  EMPTY,
  endWith,
  from,
  ignoreElements,
  merge,
  mergeMap,
  type Observable,
  type OperatorFunction,
  Subject,
  switchMap,
  takeWhile,
  tap,
  throttleTime,
} from 'rxjs';
import { takeUntilComplete } from '../../../../../streams/rx/takeUntilComplete.js';
import type { ClientEvent, GroupRequest, OutgoingMessage } from '../../../../../streams/index.js';
import { type InputHistory, type Screen, terminalScreen } from '../../../../terminal/screen.js';
import { type NotifyMode, showNotification, ringBell } from '../../../../terminal/notification.js';
import { type ColourCount, createStyle } from '../../../../terminal/style.js';
import { type SafeText, joinLines } from '../../../../text/sanitize.js';
import { writeOut } from '../../../../terminal/write.js';
import { bufferTick } from '../../../process/output.js';
import type { MemberTracker } from '../../../shared/memberTracker.js';
import type { ChatAction, ChatContext } from './chatAction.js';
import { escapeCommand, parseInput } from './chatInput.js';
import { completeWord } from './chatInput.js';
import { refreshWhilePending } from './refreshWhilePending.js';
import { type Line, renderLine, renderShort } from './line.js';
import { qrLines } from './qrCode.js';
import type { Alert, ChatModel } from './chatModel.js';

/** Options of `terminalChat`. */
interface TerminalChatOptions {
  readonly model: ChatModel;
  readonly context: ChatContext;
  readonly members: MemberTracker;
  readonly colours: ColourCount;
  readonly utc: boolean;
  readonly bellMode: 'off' | 'mention' | 'all';
  readonly notifyMode: NotifyMode;
  /** Returns the present invite. */
  readonly invite: () => string;
  /** The input history, or `undefined` if it is not kept. */
  readonly history: InputHistory | undefined;
  /** The lines to show after joining. */
  readonly greeting: readonly Line[];
  /** Whether to show the invite as a QR code, too. */
  readonly showsQr: boolean;
}

/** A conversation in a terminal: its input and its display. */
interface TerminalChat {
  /**
   * Emits messages to send; subscribe after joining.
   * Opens the screen when subscribed, and completes when the user leaves.
   */
  readonly message$: Observable<OutgoingMessage>;
  /** Emits the nick that the user wants to change to. */
  readonly nick$: Observable<string>;
  /** Emits when the user wants to reconnect at once. */
  readonly retry$: Observable<unknown>;
  /** Emits what the user asks of the group. */
  readonly request$: Observable<GroupRequest>;
  /** Renders events; never emits, and completes with its source. */
  readonly render: OperatorFunction<ClientEvent, never>;
  /** Shows lines that are not part of the conversation. */
  readonly print: (lines: readonly Line[]) => void;
}

/** Minimum time in ms between two alerts. */
const ALERT_INTERVAL_MS = 1000;

/** Columns to assume until the screen reports its width, which it does at once. */
const DEFAULT_COLUMNS = 80;

/** Connects a chat model to the screen, the keyboard and the slash commands. */
export const terminalChat = ({
  model,
  context,
  members,
  greeting,
  showsQr,
  ...options
}: TerminalChatOptions): TerminalChat => {
  const style = createStyle(options.colours);
  const nick$ = new Subject<string>();
  const retry$ = new Subject<void>();
  const request$ = new Subject<GroupRequest>();
  const alert$ = new Subject<Alert>();
  let screen: Screen | undefined;
  let columns = DEFAULT_COLUMNS;
  let renderedText = '';

  const renderOptions = () => ({ columns, style, utc: options.utc });
  const footer = () => ({
    above: model.footer.map((line) => renderShort(line, renderOptions())),
    prompt: model.prompt,
  });
  const refresh = () => {
    const next = footer();
    const text = joinLines([...next.above, next.prompt]);
    // An unchanged footer need not be redrawn.
    if (text === renderedText) return;
    renderedText = text;
    screen?.setFooter(next);
  };
  const print = (lines: readonly Line[]) => {
    // The footer goes first, because lines that have been stored leave it.
    refresh();
    if (lines.length === 0) return;
    const text: SafeText = joinLines(lines.map((line) => renderLine(line, renderOptions())));
    if (screen === undefined) writeOut(text);
    else screen.print(text);
  };

  const perform = (action: ChatAction): Observable<OutgoingMessage> => {
    switch (action.type) {
      case 'send':
        return from([action.message]);
      case 'show':
        print(action.lines);
        return EMPTY;
      case 'fail':
        model.outgoing.fail(action.text, action.reason, Date.now());
        refresh();
        return EMPTY;
      case 'nick':
        nick$.next(action.nick);
        return EMPTY;
      case 'request':
        print(action.lines);
        request$.next(action.request);
        return EMPTY;
      case 'retry':
        retry$.next();
        return EMPTY;
      case 'edit':
        screen?.edit(action.text);
        return EMPTY;
      case 'qr':
        return from(qrLines(options.invite(), columns, options.colours)).pipe(tap(print), ignoreElements());
      case 'clear':
        screen?.clear();
        return EMPTY;
      case 'quit':
        return EMPTY;
    }
  };

  const isWanted = (alert: Alert) => alert.isMention || options.bellMode === 'all';

  return {
    nick$: nick$.asObservable(),
    retry$: retry$.asObservable(),
    request$: request$.asObservable(),
    print,
    message$: defer(() =>
      terminalScreen({
        footer: footer(),
        complete: (word, before) =>
          completeWord(word, before, {
            senders: model.history.senders(),
            members: [...members.members],
            nick: model.nick,
            group: context.group,
          }),
        escapeCommand,
        ...(options.history !== undefined && { history: options.history }),
      }).pipe(
        tap((opened) => (screen = opened)),
        switchMap(({ line$, columns$ }) =>
          merge(
            columns$.pipe(
              tap((now) => {
                columns = now;
                refresh();
              }),
              ignoreElements(),
            ),
            defer(() => {
              print(greeting);
              return showsQr ? perform({ type: 'qr' }) : EMPTY;
            }),
            line$.pipe(
              mergeMap((input): readonly ChatAction[] => {
                const action = parseInput(input, context);
                return action === undefined ? [] : [action];
              }),
              takeWhile(({ type }) => type !== 'quit'),
              mergeMap(perform),
              // The end of the input closes the screen, too.
              endWith(undefined),
            ),
          ),
        ),
        takeWhile((message) => message !== undefined),
      ),
    ),
    render: connect((event$) =>
      merge(
        event$.pipe(
          bufferTick(),
          refreshWhilePending(model),
          tap(({ lines, alerts }) => {
            print(lines);
            for (const alert of alerts) if (isWanted(alert)) alert$.next(alert);
          }),
        ),
        alert$.pipe(
          throttleTime(ALERT_INTERVAL_MS),
          tap(({ from: sender, text }) => {
            if (options.bellMode !== 'off') ringBell();
            showNotification(options.notifyMode, sender, text);
          }),
          takeUntilComplete(event$),
        ),
      ).pipe(ignoreElements()),
    ),
  };
};
