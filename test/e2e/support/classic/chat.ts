import { fileURLToPath } from 'node:url';
import { generateKey } from '../../../../src/cli/classic/key.js';
import { PYTHON } from '../../../support/python.js';
import { type Child, rxchat, start } from '../child.js';
import type { StreamOutput } from '../streamOutput.js';

/** A running server of the classic wire: ours, or one that behaves as the older program's. */
export interface Server {
  readonly child: Child;
  readonly port: number;
  /** Resolves once that nick has joined. */
  joined(nick: string): Promise<unknown>;
}

/** A member of the chat: our client, or one that behaves as the older program's. */
export interface ClassicMember {
  readonly nick: string;
  readonly child: Child;
  send(text: string): void;
  /** Returns the messages as `nick: text`: those of others, and its own if they are shown. */
  messages(): readonly string[];
  /** Returns all notices of the server. */
  notices(): string;
}

const script = (name: string): string => fileURLToPath(new URL(`../python/${name}.py`, import.meta.url));

export const KEY: string = generateKey();

export const startRxchatServer = async (...flags: readonly string[]): Promise<Server> => {
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

export const startPythonServer = async (): Promise<Server> => {
  const child = start(PYTHON ?? 'python3', [script('classic_server')]);
  const [, port] = await child.out.until(({ text }) => /^listening on (\d+)\n/.exec(text));
  return {
    child,
    port: Number(port),
    joined: (nick) => child.out.until(({ lines }) => lines.includes(`joined ${nick}`)),
  };
};

/** Starts our client in pipes. */
export const rxchatMember = (port: number, nick: string, ...flags: readonly string[]): ClassicMember => {
  const child = rxchat(['join', '--wire', 'classic', '--port', String(port), '--nick', nick, ...flags], {
    env: { RXCHAT_KEY: KEY },
  });
  return {
    nick,
    child,
    send: (text) => child.writeInput(`${text}\n`),
    messages: () =>
      child.out.lines.flatMap((each) => {
        const [, sent] = /^\d\d:\d\d (.*)$/.exec(each) ?? [];
        return sent === undefined ? [] : [sent];
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

type PrintedEvent = { readonly message?: string; readonly notice?: string; readonly garbled?: number };

const printedEvents = ({ lines }: StreamOutput): readonly PrintedEvent[] =>
  lines.map((each) => JSON.parse(each) as PrintedEvent);

/** Starts a client that treats the bytes of one `recv` as one message. */
export const pythonMember = (port: number, nick: string): ClassicMember => {
  const child = start(PYTHON ?? 'python3', [script('classic_client'), String(port), nick], {
    env: { CHAT_KEY: KEY, PYTHONUTF8: '1' },
  });
  return {
    nick,
    child,
    send: (text) => child.writeInput(`${text}\n`),
    messages: () =>
      printedEvents(child.out).flatMap(({ message, garbled }) =>
        garbled === undefined ? (message ?? []) : `garbled: ${garbled} bytes`,
      ),
    notices: () =>
      printedEvents(child.out)
        .map(({ notice = '' }) => notice)
        .join(''),
  };
};

/** Resolves once a member's chat shows the expected output. */
export const waitUntil = ({ child }: ClassicMember, isThere: () => boolean): Promise<unknown> =>
  child.out.until(() => isThere());
