/** The variables that the commands read, for the help and the manual. */
export const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['RXCHAT_INVITE', 'the invite, where none is given'],
  ['RXCHAT_PASSPHRASE', 'the passphrase of a room that has one'],
  ['RXCHAT_ACCESS_TOKEN', 'the access token of a private relay'],
  ['RXCHAT_KEY', 'the key of --wire classic'],
  ['RXCHAT_HOME', 'one directory for everything that is kept, instead of the three of the platform'],
];

/** What is kept, and where; on Linux, if nothing says otherwise. */
export const FILES: readonly (readonly [string, string])[] = [
  ['~/.config/rxchat/config.json', 'what would otherwise be given each time'],
  ['~/.local/share/rxchat/', 'who you are, whom you know, and which relays: your own, and to be kept'],
  ['~/.local/state/rxchat/relay/', 'the history of the rooms of serve'],
  ['~/.local/state/rxchat/read/', 'how far join has read each room, and nothing of what was said'],
  ['~/.local/state/rxchat/input/', 'what was entered in join, by the room, sealed with its key'],
  ['~/.local/state/rxchat/outbox/', 'what join and send --spool have said and no relay has stored'],
];
