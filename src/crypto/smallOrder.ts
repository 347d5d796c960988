/**
 * The Ed25519 public keys of small order, in every spelling: y is 0, 1, -1 or one of the two of order 8; 0 and 1 have a second
 * spelling, p and p + 1; each with either sign. Computed anew in test/unit/smallOrder.test.ts.
 */
const SPELLINGS: ReadonlySet<string> = new Set([
  'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA',
  'xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o',
  'xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA',
  'JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU',
  'JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU',
  '7P_______________________________________38',
  '7P________________________________________8',
  '7v_______________________________________38',
  '7v________________________________________8',
  '7f_______________________________________38',
  '7f________________________________________8',
]);

/**
 * Whether a public key, base64url, is of small order. Anybody can make signatures that hold under such a key, and whether
 * they are taken is left open by RFC 8032: Node takes them up to 22 and not from 24 on. Such a key stands for
 * nobody, and members have to agree, so nobody takes them.
 */
export const isSmallOrder = (key: string): boolean => SPELLINGS.has(key);
