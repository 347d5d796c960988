import { readGiven } from '../files/readGiven.js';
import { SHORTEST_ACCESS_TOKEN } from '../crypto/accessToken.js';
import { systemFault } from '../systemFault.js';
import { usageError } from './exit.js';
import { type Flags, text } from './flags.js';

/** The lines of `--access-token-file`, each a token; not given: `undefined`. */
export const readAccessTokens = (flags: Flags): readonly string[] | undefined => {
  const file = text(flags, 'accessTokenFile');
  if (file === undefined) return undefined;
  const tokens = readLines(file);
  if (tokens.length === 0) throw usageError(`there is no access token in ${file}`);
  return tokens.map((token) => checkToken(token, file));
};

/** A client's token: the first of `--access-token-file`, or `RXCHAT_ACCESS_TOKEN`. */
export const readAccessToken = (flags: Flags): string | undefined => {
  const token = readAccessTokens(flags)?.[0];
  if (token !== undefined) return token;
  const given = process.env['RXCHAT_ACCESS_TOKEN'];
  return given === undefined || given === '' ? undefined : checkToken(given, 'RXCHAT_ACCESS_TOKEN');
};

const readLines = (file: string): readonly string[] => {
  try {
    return readGiven(file)
      .toString('utf8')
      .split('\n')
      .map((each) => each.trim())
      .filter((each) => each !== '');
  } catch (error) {
    throw usageError(`cannot read --access-token-file ${file}: ${systemFault(error)}`);
  }
};

const checkToken = (token: string, where: string): string => {
  if (token.length >= SHORTEST_ACCESS_TOKEN) return token;
  throw usageError(
    `an access token in ${where} is shorter than ${SHORTEST_ACCESS_TOKEN} characters`,
    'make one with: openssl rand -base64 24',
  );
};
