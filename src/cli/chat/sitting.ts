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
  takeUntil,
  takeWhile,
  tap,
  throttleTime,
} from 'rxjs';
import type { Heard, Say } from '../../../streams/index.js';
import { type Kept, type Screen, terminalScreen } from '../../terminal/screen.js';
import { type Notices, notify, ring } from '../../terminal/notice.js';
import { type Colours, styleOf } from '../../terminal/style.js';
import { type Visible, stacked } from '../../terminal/visible.js';
import { writeOut } from '../../terminal/write.js';
import { together } from '../output.js';
import type { Company } from '../company.js';
import { type Action, type Desk, literal, readEntered } from './commands.js';
import { completeWord } from './complete.js';
import { drawing } from './drawing.js';
import type { Line } from './line.js';
import { paint, paintShort } from './paint.js';
import { qrLines } from './qr.js';
import type { Call, View } from './view.js';

export interface SittingOptions {
  readonly view: View;
  readonly desk: Desk;
  readonly around: Company;
  readonly colours: Colours;
  readonly utc: boolean;
  readonly bell: 'off' | 'mention' | 'all';
  readonly notices: Notices;
  readonly invite: string;
  /** What was entered before; `undefined`: it is not kept. */
  readonly history: Kept | undefined;
  /** What to show once one is in. */
  readonly greeting: readonly Line[];
  /** Whether the invite is shown as a code, too. */
  readonly qr: boolean;
}

/** A conversation in front of a terminal: what is entered, and what is drawn. */
export interface Sitting {
  /** Subscribed once one is in: takes the terminal, and completes when the person leaves. */
  readonly say$: Observable<Say>;
  /** Other nicks, as they are wanted. */
  readonly nick$: Observable<string>;
  /** When the relay is to be tried at once. */
  readonly retry$: Observable<unknown>;
  /** Draws what is heard; emits nothing, and ends with it. */
  readonly draw: OperatorFunction<Heard, never>;
  /** Shows lines of our own. */
  readonly print: (lines: readonly Line[]) => void;
}

/** How often, in ms, somebody is called at most. */
const CALLS = 1000;

/** How many columns there are until the screen has said so, which is at once. */
const COLUMNS = 80;

/** The shell round a view: it has the screen, and the colours. */
export const sitting = ({ view, desk, around, greeting, qr, ...options }: SittingOptions): Sitting => {
  const style = styleOf(options.colours);
  const nick$ = new Subject<string>();
  const retry$ = new Subject<void>();
  const called$ = new Subject<Call>();
  let screen: Screen | undefined;
  let columns = COLUMNS;
  let drawn = '';

  const canvas = () => ({ columns, style, utc: options.utc });
  const foot = () => ({
    above: view.foot.map((line) => paintShort(line, canvas())),
    prompt: view.prompt,
  });
  const refresh = () => {
    const next = foot();
    const text = stacked([...next.above, next.prompt]);
    // What stays as it is need not be drawn anew.
    if (text === drawn) return;
    drawn = text;
    screen?.setFoot(next);
  };
  const print = (lines: readonly Line[]) => {
    // The foot goes first: what has come to its place in the order leaves it.
    refresh();
    if (lines.length === 0) return;
    const text: Visible = stacked(lines.map((line) => paint(line, canvas())));
    if (screen === undefined) writeOut(text);
    else screen.print(text);
  };

  const act = (action: Action): Observable<Say> => {
    switch (action.type) {
      case 'say':
        return from([action.say]);
      case 'show':
        print(action.lines);
        return EMPTY;
      case 'fail':
        view.own.fail(action.text, action.reason, Date.now());
        refresh();
        return EMPTY;
      case 'nick':
        nick$.next(action.nick);
        return EMPTY;
      case 'retry':
        retry$.next();
        return EMPTY;
      case 'edit':
        screen?.edit(action.text);
        return EMPTY;
      case 'qr':
        return from(qrLines(options.invite, columns, options.colours)).pipe(tap(print), ignoreElements());
      case 'clear':
        screen?.clear();
        return EMPTY;
      case 'quit':
        return EMPTY;
    }
  };

  const wanted = (call: Call) => call.mention || options.bell === 'all';

  return {
    nick$,
    retry$,
    print,
    say$: defer(() =>
      terminalScreen({
        foot: foot(),
        complete: (word, before) =>
          completeWord(word, before, {
            speakers: view.memory.speakers(),
            members: [...around.members],
            nick: view.nick,
          }),
        literal,
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
              return qr ? act({ type: 'qr' }) : EMPTY;
            }),
            line$.pipe(
              mergeMap((entered): readonly Action[] => {
                const action = readEntered(entered, desk);
                return action === undefined ? [] : [action];
              }),
              takeWhile(({ type }) => type !== 'quit'),
              mergeMap(act),
              // That the person leaves ends the screen too.
              endWith(undefined),
            ),
          ),
        ),
        takeWhile((say) => say !== undefined),
      ),
    ),
    draw: connect((heard$) =>
      merge(
        heard$.pipe(
          together(),
          drawing(view),
          tap(({ lines, calls }) => {
            print(lines);
            for (const call of calls) if (wanted(call)) called$.next(call);
          }),
        ),
        called$.pipe(
          throttleTime(CALLS),
          tap(({ from: who, text }) => {
            if (options.bell !== 'off') ring();
            notify(options.notices, who, text);
          }),
          takeUntil(heard$.pipe(ignoreElements(), endWith(null))),
        ),
      ).pipe(ignoreElements()),
    ),
  };
};
