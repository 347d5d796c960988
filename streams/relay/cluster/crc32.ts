/** Four tables of 256 values: for a byte, and for one that is followed by 1, 2 or 3 others. */
const createTables = (): Int32Array => {
  const tables = new Int32Array(1024);
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ ((value & 1) * 0xedb88320);
    tables[byte] = value;
  }
  for (let at = 256; at < tables.length; at += 1) {
    const before = tables[at - 256] as number;
    tables[at] = (before >>> 8) ^ (tables[before & 255] as number);
  }
  return tables;
};

const TABLES = /* @__PURE__ */ createTables();

/**
 * Returns the CRC-32 of bytes (ISO-HDLC, as zlib computes it). It detects damage, not attackers.
 *
 * Takes four bytes at a time: a relay checks all that it reads, and byte by byte this was a third of its time.
 */
export const crc32 = (bytes: Uint8Array): number => {
  const at = (index: number): number => TABLES[index] as number;
  const { length } = bytes;
  let crc = 0xffffffff;
  let offset = 0;
  for (; offset < length - 3; offset += 4) {
    crc ^=
      (bytes[offset] as number) |
      ((bytes[offset + 1] as number) << 8) |
      ((bytes[offset + 2] as number) << 16) |
      ((bytes[offset + 3] as number) << 24);
    crc =
      at(768 + (crc & 255)) ^ at(512 + ((crc >>> 8) & 255)) ^ at(256 + ((crc >>> 16) & 255)) ^ at(crc >>> 24);
  }
  for (; offset < length; offset += 1) crc = (crc >>> 8) ^ at((crc ^ (bytes[offset] as number)) & 255);
  return ~crc >>> 0;
};
