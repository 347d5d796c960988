import { fromBase64url } from '../../streams/wire/index.js';

/** How many characters a pin has: a SHA-256 in base64url. */
export const PIN_CHARACTERS = 43;

/** Whether a text is a pin. */
export const isPin = (text: string): boolean => fromBase64url(text)?.length === 32;
