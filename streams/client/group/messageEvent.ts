import type { Token } from '../envelope/cipher.js';
import type { MessageKeys, MessageResult } from './groupEpoch.js';
import type { GroupEvent } from './groupState.js';

/** Returns the event of a message that was read. */
export const messageEvent = (
  position: number,
  token: Token,
  message: MessageResult<MessageKeys>['message'],
): GroupEvent => {
  switch (message.type) {
    case 'opened':
      return { ...message, position, token };
    case 'undecryptable':
    case 'forgotten':
      return { ...message, position };
    case 'alarm':
      return { ...message, position, reason: 'bad-signature' };
  }
};

/** Returns the event of a message or commit for an epoch that is over. */
export const voidEvent = (position: number, epoch: number, firstEpoch: number): GroupEvent =>
  epoch < firstEpoch ? { type: 'beforeJoin', from: position, to: position } : { type: 'void', position };
