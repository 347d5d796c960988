import type { Heard, Message } from '../../../streams/index.js';
import { joined, shown, visibleInput } from '../../terminal/visible.js';
import type { People } from '../people.js';
import { type Flags, text } from '../flags.js';
import { jsonFormat, plainFormat, type Printed } from '../listenFormat.js';
import { runCommand } from './command.js';
import { type Delivery, toCommand, toOutput } from './delivery.js';
import type { Pressure } from './pressure.js';

export interface DeliveryOptions {
  readonly nick: string;
  readonly room: string;
  readonly people: Pick<People, 'isVerified' | 'isChanged'>;
  readonly held: Pressure;
}

/** What becomes of what is heard: `--json`, `--events`, `--exec`. */
export const readDelivery = (flags: Flags, { nick, room, people, held }: DeliveryOptions): Delivery => {
  const { isVerified, isChanged } = people;
  const json = jsonFormat(nick, room, isVerified, flags['events'] === true, isChanged);
  const plain = flags['time'] === true ? timed(plainFormat(nick, isChanged)) : plainFormat(nick, isChanged);
  const command = text(flags, 'exec');
  if (command === undefined) return toOutput(flags['json'] === true ? json : plain, held);

  // The command may write it to a terminal: only tabs and line ends are as they were, and --json has all.
  const inputOf = (message: Message) =>
    flags['json'] === true ? (json(message).out ?? '') : visibleInput(message.text);
  return toCommand(
    plain,
    (message) => runCommand(command, `${inputOf(message)}\n`, message, isChanged(message)),
    held,
  );
};

/** `--time`: the time by the sender's clock before each message, in UTC, as in `--json`. */
const timed =
  (format: (heard: Heard) => Printed) =>
  (heard: Heard): Printed => {
    const printed = format(heard);
    return heard.type === 'message' && printed.out !== undefined
      ? { ...printed, out: joined(shown`${new Date(heard.time).toISOString()} `, printed.out) }
      : printed;
  };
