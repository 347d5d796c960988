import {
  asyncScheduler,
  fromEvent,
  map,
  Observable,
  startWith,
  Subject,
  Subscription,
  takeUntil,
} from 'rxjs';
import { guarded } from '../guard.js';
import { asked, drawn, erased, evidenceOf, isAffected, reflowBy } from './drawing.js';
import type { Complete } from './editor/completion.js';
import { given, rewritten, step } from './editor/editor.js';
import { pastedText } from './editor/paste.js';
import { type Editor, type Effect, newEditor, type Step } from './editor/state.js';
import { aboveOf, type Foot, type View, viewOf } from './editor/view.js';
import { type Edited, type OpenEditor, openEditor } from './externalEditor.js';
import { held } from './held.js';
import { openTty } from './tty.js';
import { control, joined, shown, stacked, type Visible, visibleLines } from './visible.js';
import { divertErrors } from './write.js';

export type { Foot } from './editor/view.js';

/** A size of the terminal holds when no other one came for so many ms: whoever drags a border passes many. */
const SETTLED = 60;

/** How long, in ms, the terminal may take to answer where its cursor is. */
const ANSWER = 200;

/** How long, in ms, the notice of a change of the columns may take: tmux holds it back for 250. */
const NOTICE = 400;

const NO_FOOT: Foot = { above: [], prompt: shown`` };

/** A place where one person reads and writes. */
export interface Screen {
  /** What is entered, each as a whole; it may hold `\n`. Completes when the person wants to go. */
  readonly line$: Observable<string>;
  /** How many columns there are, and how many after each resize. */
  readonly columns$: Observable<number>;
  /** Shows lines above the foot and the draft, which stay as they are; from then on they are the terminal's own. */
  readonly print: (text: Visible) => void;
  /** What is printed and set in one turn of the event loop is drawn at once. */
  readonly setFoot: (foot: Foot) => void;
  /** Opens the editor of the person (`$VISUAL`, `$EDITOR`) on a text, which is the draft when it is closed. */
  readonly edit: (text: string) => void;
  /** Clears the screen, as Ctrl-L does. */
  readonly clear: () => void;
}

/** What was entered before, and where to keep what is. */
export interface Kept {
  /** From the oldest to the newest. */
  readonly entries: readonly string[];
  readonly keep: (entry: string) => void;
}

export interface ScreenOptions {
  readonly foot: Foot;
  /** What the Tab key makes of the word before the cursor. */
  readonly complete?: Complete;
  readonly history?: Kept;
  /** Of lines that were pasted: how each is entered so that nothing but saying it can be meant. */
  readonly literal?: (line: string) => string;
}

/**
 * The input line of a terminal. Emits the screen once; completes when the person wants to go (Ctrl-D, Ctrl-C); gives
 * the terminal back when it is unsubscribed, whatever then is a draft is shown and kept. What is printed afterwards still stands
 * above what is left of the foot, and what goes to standard error below it.
 */
export const terminalScreen = ({
  foot: firstFoot,
  complete = () => [],
  history = { entries: [], keep: () => undefined },
  literal = (line) => line,
}: ScreenOptions): Observable<Screen> =>
  new Observable((subscriber) => {
    const entered$ = new Subject<string>();
    const closed$ = new Subject<void>();
    const printed = held();
    let editor: Editor = newEditor(history.entries);
    let foot = firstFoot;
    /** What of it is on the screen. */
    let view: View | undefined;
    let open: OpenEditor | undefined;
    let isClosed = false;
    let isSuspended = false;
    let isDue = false;
    /** It is closed, and something stands below it. */
    let isLeft = false;
    /** Whether the terminal is known to wrap its rows again when its columns change. */
    let reflows = reflowBy(process.env);
    /** Waits for a size that holds, or for an answer; nothing is drawn meanwhile. */
    let resizing = Subscription.EMPTY;
    let isAsked = false;
    let answers = true;
    /** The column of the cursor, of which the terminal's last column is still to come. */
    let reported: number | undefined;

    /** What is thrown while keys are read or anything is drawn ends this screen, and not the process. */
    const failed = (error: unknown) => {
      subscriber.error(error);
    };

    const draw = (isWrapped = reflows) => {
      isDue = false;
      if (open !== undefined || isSuspended || (!resizing.closed && !isClosed)) return;
      const before = view === undefined ? shown`` : erased(view, tty.columns, isWrapped);
      view = isClosed ? aboveOf(foot, tty) : viewOf(foot, editor, tty);
      tty.write(joined(before, printed.taken(), drawn(view)));
    };
    const drawSoon = () => {
      if (isDue) return;
      isDue = true;
      setImmediate(
        guarded(() => {
          if (isDue) draw();
        }, failed),
      );
    };
    const clear = () => {
      if (view !== undefined) tty.write(erased(view, tty.columns, reflows));
      view = undefined;
    };
    const resized = () => {
      resizing.unsubscribe();
      resizing = asyncScheduler.schedule(guarded(settled, failed), SETTLED);
    };
    const settled = () => {
      isAsked = view !== undefined && answers && isAffected(view, tty.columns);
      if (!isAsked) {
        redraw();
        return;
      }
      reported = undefined;
      tty.write(asked);
      resizing = asyncScheduler.schedule(
        guarded(() => {
          answers = false;
          redraw();
        }, failed),
        ANSWER,
      );
    };
    const answered = (column: number) => {
      if (!isAsked || view === undefined) return;
      if (reported === undefined) {
        reported = column;
        return;
      }
      if (column !== tty.columns - 1) {
        // It has changed again, and the notice of that is on its way.
        isAsked = false;
        resizing.unsubscribe();
        resizing = asyncScheduler.schedule(
          guarded(() => {
            redraw(false);
          }, failed),
          NOTICE,
        );
        return;
      }
      const { wrapped, cut } = evidenceOf(view, tty.columns, reported);
      if (wrapped !== cut) reflows = wrapped;
      redraw((wrapped || cut) && reflows);
    };
    const redraw = (isWrapped = reflows) => {
      isAsked = false;
      resizing.unsubscribe();
      draw(isWrapped);
    };
    const print = (text: Visible) => {
      printed.add(text);
      drawSoon();
    };

    /** What is drawn now stays, or what is still due would be drawn over this. */
    const writeBelow = (text: Visible) => {
      if (isDue) draw();
      isLeft = true;
      [view, foot] = [undefined, NO_FOOT];
      tty.write(joined(text, visibleLines('\n')));
    };

    const go = ({ editor: next, effects }: Step) => {
      editor = next;
      drawSoon();
      effects.forEach(act);
    };
    const act = (effect: Effect) => {
      switch (effect.type) {
        case 'enter':
          entered$.next(effect.text);
          break;
        case 'keep':
          history.keep(effect.text);
          break;
        case 'edit':
          edit(editor.draft.text);
          break;
        case 'leave':
          close();
          break;
        case 'suspend':
          clear();
          isSuspended = true;
          tty.release();
          tty.suspend();
          break;
        case 'clear':
          view = undefined;
          tty.write(control('clearAll'));
          break;
      }
    };

    const edit = (text: string) => {
      if (isClosed || open !== undefined) return;
      clear();
      tty.release();
      const done = (edited: Edited) => {
        open = undefined;
        if (edited.type === 'text') editor = rewritten(editor, pastedText(edited.text));
        if (edited.type === 'unchanged') editor = rewritten(editor, text);
        if (edited.type === 'failed') {
          editor = rewritten(editor, text);
          printed.add(shown`-- no editor: ${edited.reason}`);
        }
        tty.hold();
        draw();
      };
      open = openEditor(text, guarded(done, failed));
    };

    const close = () => {
      if (isClosed) return;
      isClosed = true;
      isSuspended = false;
      resizing.unsubscribe();
      divertErrors(writeBelow);
      if (open !== undefined) {
        open.abandon();
        printed.add(shown`-- what was being written is in ${open.file}`);
        open = undefined;
      }
      const { text } = editor.draft;
      if (text.trim() !== '') printed.add(stacked([shown`-- not sent:`, visibleLines(text)]));
      guarded(() => {
        given(editor).effects.forEach(act);
        draw();
      }, failed)();
      tty.close();
      closed$.next();
      entered$.complete();
      subscriber.complete();
    };

    const tty = openTty({
      input: (input) => {
        if (input.type === 'cursor') answered(input.column);
        else go(step(editor, input, { complete, literal }));
      },
      resized,
      continued: () => {
        if (open !== undefined) return;
        // Whoever stopped it may have written meanwhile.
        if (view !== undefined) tty.write(visibleLines('\n'));
        view = undefined;
        isSuspended = false;
        tty.hold();
        draw();
      },
      gone: close,
      failed,
    });
    subscriber.add(close);
    divertErrors(print);
    tty.hold();
    draw();

    subscriber.next({
      line$: entered$.asObservable(),
      columns$: fromEvent(process.stdout, 'resize').pipe(
        startWith(undefined),
        map(() => tty.columns),
        takeUntil(closed$),
      ),
      print,
      setFoot: (next) => {
        if (isLeft) return;
        foot = next;
        drawSoon();
      },
      edit,
      clear: () => {
        act({ type: 'clear' });
        drawSoon();
      },
    });
  });
