import type { Guest } from '../../streams/classic/door.js';
import type { HubEvent } from '../../streams/classic/hub.js';
import { openLog } from '../cli/relayLog.js';
import type { ListeningFault } from '../transport/fault.js';

/** What happens in a hub, as lines of a log. At its most talkative it names nicks, addresses and sizes. */
export const logHub = async (level: string): Promise<(event: HubEvent | ListeningFault) => void> => {
  const opened = await openLog(level);
  if (opened === undefined) return () => undefined;
  const { log, mention, warnOf } = opened;

  return (event) => {
    switch (event.type) {
      case 'joined':
        return log.info({ ...who(event.guest), guests: event.count }, 'joined');
      case 'left':
        return log.info({ ...who(event.guest), reason: event.reason }, 'left');
      case 'failed':
        return log.warn({ ...who(event.guest), reason: event.reason }, 'a connection failed');
      case 'turned-away':
        return mention({ peer: event.peer, reason: event.reason }, 'turned away');
      case 'skipped':
        return mention({ ...who(event.guest), bytes: event.bytes }, 'bytes that are no token are dropped');
      case 'said':
        return log.trace({ ...who(event.guest), bytes: event.bytes }, 'said');
      case 'socket-failed':
      case 'no-descriptors':
      case 'origin-refused':
        return warnOf(event);
    }
  };
};

const who = ({ nick, connection: { peer } }: Guest) => ({ nick, peer });
