/**
 * How the command is called by whoever runs it, for words that tell what to type next: `npx rxchat` where npm has started it
 * (`npx`, `npm start`), otherwise `rxchat`. The help, the manual and the docs name it by its name.
 */
export const calledAs = (environment: NodeJS.ProcessEnv = process.env): 'rxchat' | 'npx rxchat' =>
  (environment['npm_command'] ?? '') === '' ? 'rxchat' : 'npx rxchat';
