import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the engine's space for new objects as small as it is by now. What sockets read counts as memory of the heap until
 * it is collected with the new objects; where that space had grown to 16 MiB, 64 MB were read first, and then V8 collects
 * all of the heap. With lines of 1 KiB and ten members a delivery costs a quarter less so; in a thousand rooms of ten
 * a twentieth more.
 */
export const keepYoungGenerationSmall = (): void => {
  setFlagsFromString('--semi-space-growth-factor=1');
};
