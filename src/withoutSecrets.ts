/** What lets whoever reads it into a room, a private relay or a classic chat. */
const SECRETS: readonly string[] = [
  'RXCHAT_INVITE',
  'RXCHAT_PASSPHRASE',
  'RXCHAT_ACCESS_TOKEN',
  'RXCHAT_KEY',
];

/** Returns an environment for other programs, which need none of the secrets that are in this one's. */
export const withoutSecrets = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !SECRETS.includes(name.toUpperCase())));
