import { fileURLToPath } from 'node:url';
import { makeKey } from '../../../../src/classic/fernetKey.js';
import { PYTHON } from '../../../support/python.js';
import { type Child, rxchat, start } from '../child.js';
import type { Said } from '../said.js';

/** A running server of the classic wire: ours, or one as the older program's. */
export interface Server {
  readonly child: Child;
  readonly port: number;
  /** Resolves once that nick is in. */
  joined(nick: string): Promise<unknown>;
}

/** Somebody in the chat: with our client, or with one as the older program's. */
export interface Guest {
  readonly nick: string;
  readonly child: Child;
  say(text: string): void;
  /** Texts of others and, where they are shown, its own, as `nick: text`. */
  messages(): readonly string[];
  /** All that the server has told it. */
  notices(): string;
}

const script = (name: string): string => fileURLToPath(new URL(`../python/${name}.py`, import.meta.url));

export const KEY: string = makeKey();

export const startOurs = async (...flags: readonly string[]): Promise<Server> => {
  const level = flags.includes('--log-level') ? [] : ['--log-level', 'info'];
  const child = rxchat(['serve', '--wire', 'classic', '--port', '0', ...level, ...flags]);
  const [, port] = await child.out.until(({ text }) => /^listening on 127\.0\.0\.1:(\d+)\n$/.exec(text));
  return {
    child,
    port: Number(port),
    joined: (nick) =>
      child.err.until(({ lines }) =>
        lines.some((each) => each.includes(`"nick":"${nick}"`) && each.includes('"msg":"joined"')),
      ),
  };
};

export const startTheirs = async (): Promise<Server> => {
  const child = start(PYTHON ?? 'python3', [script('classic_server')]);
  const [, port] = await child.out.until(({ text }) => /^listening on (\d+)\n/.exec(text));
  return {
    child,
    port: Number(port),
    joined: (nick) => child.out.until(({ lines }) => lines.includes(`joined ${nick}`)),
  };
};

/** Our client in pipes. */
export const ours = (port: number, nick: string, ...flags: readonly string[]): Guest => {
  const child = rxchat(['join', '--wire', 'classic', '--port', String(port), '--nick', nick, ...flags], {
    env: { RXCHAT_KEY: KEY },
  });
  return {
    nick,
    child,
    say: (text) => child.feed(`${text}\n`),
    messages: () =>
      child.out.lines.flatMap((each) => {
        const [, said] = /^\d\d:\d\d (.*)$/.exec(each) ?? [];
        return said === undefined ? [] : [said];
      }),
    notices: () =>
      child.out.lines
        .map((each) =>
          each
            .replace(/^-- you are in$/, 'Connected to the server.')
            .replace(/^--> (.*) joined$/, '$1 joined the chat.')
            .replace(/^<-- (.*) left$/, '$1 left the chat.'),
        )
        .join(''),
  };
};

type Shown = { readonly message?: string; readonly notice?: string; readonly garbled?: number };

const shown = ({ lines }: Said): readonly Shown[] => lines.map((each) => JSON.parse(each) as Shown);

/** A client that takes what one `recv` gives for one message. */
export const theirs = (port: number, nick: string): Guest => {
  const child = start(PYTHON ?? 'python3', [script('classic_client'), String(port), nick], {
    env: { CHAT_KEY: KEY, PYTHONUTF8: '1' },
  });
  return {
    nick,
    child,
    say: (text) => child.feed(`${text}\n`),
    messages: () =>
      shown(child.out).flatMap(({ message, garbled }) =>
        garbled === undefined ? (message ?? []) : `garbled: ${garbled} bytes`,
      ),
    notices: () =>
      shown(child.out)
        .map(({ notice = '' }) => notice)
        .join(''),
  };
};

/** Resolves once somebody's chat shows what it should. */
export const until = ({ child }: Guest, isThere: () => boolean): Promise<unknown> =>
  child.out.until(() => isThere());
