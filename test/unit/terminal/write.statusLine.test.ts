import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { sanitize } from '../../../src/text/sanitize.js';
import { clearStatus, showStatus, writeError } from '../../../src/terminal/write.js';

describe('the line that is rewritten', () => {
  let written = '';
  const { columns } = process.stderr;

  beforeEach(() => {
    written = '';
    process.stderr.columns = 20;
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
      written += String(text);
      return true;
    });
  });
  afterEach(() => {
    clearStatus();
    jest.restoreAllMocks();
    process.stderr.columns = columns;
  });

  test('stands below what is said, and is gone in the end', () => {
    showStatus('1 stored');
    writeError(sanitize('rxchat: offline'));
    showStatus('2 stored');
    clearStatus();
    writeError(sanitize('over'));
    expect(written).toBe(
      '\r\u001b[K1 stored' +
        '\r\u001b[Krxchat: offline\n1 stored' +
        '\r\u001b[K2 stored' +
        '\r\u001b[K' +
        'over\n',
    );
  });

  test('stays within a row of the terminal, so that it can be rewritten', () => {
    showStatus('12345678901234567890');
    expect(written).toBe('\r\u001b[K1234567890123456789');
  });

  test('nothing is cleared without a status line', () => {
    clearStatus();
    writeError(sanitize('a line'));
    expect(written).toBe('a line\n');
  });
});
