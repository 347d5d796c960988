import { fromEvent, map, Observable, startWith, Subject, takeUntil } from 'rxjs';
import { resizeHandler } from './resizeHandler.js';
import { guard } from '../util/guard.js';
import { renderFrame, eraseFrame } from './frame.js';
import type { Complete } from './editor/completion.js';
import { closeEditor, replaceText, applyInput } from './editor/editor.js';
import { normalizePaste } from './editor/draft.js';
import { type EditorState, type EditorEffect, createEditor, type EditorStep } from './editor/state.js';
import { layoutFooter, type Footer, type Frame, layoutEditor } from './editor/layout.js';
import {
  type EditResult,
  type ExternalEditor,
  openExternalEditor,
  deferredOutput,
} from './externalEditor.js';
import { openTty } from './tty.js';
import {
  controlSequence,
  concatText,
  safe,
  joinLines,
  type SafeText,
  sanitizeLines,
} from '../text/sanitize.js';
import { redirectStderr } from './write.js';

export type { Footer } from './editor/layout.js';

const NO_FOOTER: Footer = { above: [], prompt: safe`` };

/** Screen on which a person reads and writes. */
export interface Screen {
  /** Emits each entered text, which may contain `\n`. Completes when the user leaves. */
  readonly line$: Observable<string>;
  /** Emits the number of columns, and again after each resize. */
  readonly columns$: Observable<number>;
  /** Prints lines above the footer and the draft. From then on they belong to the terminal's scrollback. */
  readonly print: (text: SafeText) => void;
  /** Sets the footer. All changes of a tick are drawn together. */
  readonly setFooter: (footer: Footer) => void;
  /** Opens the user's editor (`$VISUAL`, `$EDITOR`) with a text. The edited text becomes the draft. */
  readonly edit: (text: string) => void;
  /** Clears the screen, as Ctrl-L does. */
  readonly clear: () => void;
}

/** Earlier entries, and where to save new ones. */
export interface InputHistory {
  /** Entries, oldest first. */
  readonly entries: readonly string[];
  readonly add: (entry: string) => void;
}

/** Options of `terminalScreen`. */
interface ScreenOptions {
  readonly footer: Footer;
  /** Completes the word before the cursor, for the Tab key. */
  readonly complete?: Complete;
  readonly history?: InputHistory;
  /** Escapes a pasted line so that it can only be a message, never a command. */
  readonly escapeCommand?: (line: string) => string;
}

/**
 * Opens the input line of a terminal and emits its screen. Completes when the user leaves (Ctrl-D, Ctrl-C).
 * Unsubscribing restores the terminal, then shows and saves the draft.
 *
 * Later output is printed above the rest of the footer, and standard error below it. This is a single file
 * because all its functions share the state of what is drawn.
 */
export const terminalScreen = ({
  footer: initialFooter,
  complete = () => [],
  history = { entries: [], add: () => undefined },
  escapeCommand = (line) => line,
}: ScreenOptions): Observable<Screen> =>
  new Observable((subscriber) => {
    const submitted$ = new Subject<string>();
    const closed$ = new Subject<void>();
    const deferred = deferredOutput();
    let editor: EditorState = createEditor(history.entries);
    let footer = initialFooter;
    /** Frame that is on the screen. */
    let frame: Frame | undefined;
    let externalEditor: ExternalEditor | undefined;
    let isClosed = false;
    let isSuspended = false;
    let isDrawDue = false;
    /** Whether the screen is closed and there is output below it. */
    let hasOutputBelow = false;

    /** Errors while reading keys or drawing end this screen, but not the process. */
    const onError = (error: unknown) => {
      subscriber.error(error);
    };

    const draw = (isWrapped = resizer.isReflowing) => {
      isDrawDue = false;
      if (externalEditor !== undefined || isSuspended || (resizer.isPending && !isClosed)) return;
      const before = frame === undefined ? safe`` : eraseFrame(frame, tty.columns, isWrapped);
      frame = isClosed ? layoutFooter(footer, tty) : layoutEditor(footer, editor, tty);
      tty.write(concatText(before, deferred.flush(), renderFrame(frame)));
    };
    const drawSoon = () => {
      if (isDrawDue) return;
      isDrawDue = true;
      setImmediate(
        guard(() => {
          if (isDrawDue) draw();
        }, onError),
      );
    };
    const clear = () => {
      if (frame !== undefined) tty.write(eraseFrame(frame, tty.columns, resizer.isReflowing));
      frame = undefined;
    };
    const resizer = resizeHandler({
      frame: () => frame,
      columns: () => tty.columns,
      write: (text) => {
        tty.write(text);
      },
      draw,
      onError,
    });
    const print = (text: SafeText) => {
      deferred.add(text);
      drawSoon();
    };

    /** Draws first, since a pending draw would overwrite this output. */
    const writeBelow = (text: SafeText) => {
      if (isDrawDue) draw();
      hasOutputBelow = true;
      [frame, footer] = [undefined, NO_FOOTER];
      tty.write(concatText(text, sanitizeLines('\n')));
    };

    const applyStep = ({ editor: next, effects }: EditorStep) => {
      editor = next;
      drawSoon();
      effects.forEach(runEffect);
    };
    const runEffect = (effect: EditorEffect) => {
      switch (effect.type) {
        case 'enter':
          submitted$.next(effect.text);
          break;
        case 'keep':
          history.add(effect.text);
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
          frame = undefined;
          tty.write(controlSequence('clearAll'));
          break;
      }
    };

    const edit = (text: string) => {
      if (isClosed || externalEditor !== undefined) return;
      clear();
      tty.release();
      const done = (result: EditResult) => {
        externalEditor = undefined;
        if (result.type === 'text') editor = replaceText(editor, normalizePaste(result.text));
        if (result.type === 'unchanged') editor = replaceText(editor, text);
        if (result.type === 'failed') {
          editor = replaceText(editor, text);
          deferred.add(safe`-- cannot open an editor: ${result.reason}`);
        }
        tty.acquire();
        draw();
      };
      externalEditor = openExternalEditor(text, guard(done, onError));
    };

    const close = () => {
      if (isClosed) return;
      isClosed = true;
      isSuspended = false;
      resizer.cancel();
      redirectStderr(writeBelow);
      if (externalEditor !== undefined) {
        externalEditor.abandon();
        deferred.add(safe`-- your draft is in ${externalEditor.file}`);
        externalEditor = undefined;
      }
      const { text } = editor.draft;
      if (text.trim() !== '') deferred.add(joinLines([safe`-- not sent:`, sanitizeLines(text)]));
      guard(() => {
        closeEditor(editor).effects.forEach(runEffect);
        draw();
      }, onError)();
      tty.close();
      closed$.next();
      submitted$.complete();
      subscriber.complete();
    };

    const tty = openTty({
      onInput: (input) => {
        if (input.type === 'cursor') resizer.onCursorReport(input.column);
        else applyStep(applyInput(editor, input, { complete, escapeCommand }));
      },
      onResize: resizer.onResize,
      onContinue: () => {
        if (externalEditor !== undefined) return;
        // The shell may have written in the meantime.
        if (frame !== undefined) tty.write(sanitizeLines('\n'));
        frame = undefined;
        isSuspended = false;
        tty.acquire();
        draw();
      },
      onClose: close,
      onError,
    });
    subscriber.add(close);
    redirectStderr(print);
    tty.acquire();
    draw();

    subscriber.next({
      line$: submitted$.asObservable(),
      columns$: fromEvent(process.stdout, 'resize').pipe(
        startWith(undefined),
        map(() => tty.columns),
        takeUntil(closed$),
      ),
      print,
      setFooter: (next) => {
        if (hasOutputBelow) return;
        footer = next;
        drawSoon();
      },
      edit,
      clear: () => {
        runEffect({ type: 'clear' });
        drawSoon();
      },
    });
  });
