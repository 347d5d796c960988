/** Environment variables that give access to a room, a private relay or a classic chat. */
const SECRETS: readonly string[] = [
  'RXCHAT_INVITE',
  'RXCHAT_PASSPHRASE',
  'RXCHAT_ACCESS_TOKEN',
  'RXCHAT_KEY',
];

/** Returns an environment for child processes without the secrets. */
export const removeSecrets = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !SECRETS.includes(name.toUpperCase())));
