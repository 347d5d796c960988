/** The variables that the commands read, for the help and the manual. */
export const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['RXCHAT_INVITE', 'the invite, where none is given'],
  ['RXCHAT_PASSPHRASE', 'the passphrase of a room that has one'],
  ['RXCHAT_ACCESS_TOKEN', 'the access token of a private relay'],
  ['RXCHAT_KEY', 'the key of --wire classic'],
  ['RXCHAT_HOME', 'one directory for everything that is kept, instead of the three of the platform'],
];
