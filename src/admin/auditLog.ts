import { appendFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { escapeJson } from '../text/sanitize.js';
import { describeSystemError } from '../util/errors.js';
import type { AdminReply, AdminRequest } from './protocol.js';

export const AUDIT_LOG = 'audit.log';

/** Size in bytes at which the log is renamed, so that it has an end. */
const MAX_LOG_BYTES = 16_777_216;

/** Formats the line of an action: who asked for what, and how it ended. */
export const formatAuditLine = (request: AdminRequest, reply: AdminReply, timeMs: number): string => {
  const { action, user, ...rest } = request;
  return escapeJson(
    JSON.stringify({
      time: new Date(timeMs).toISOString(),
      user,
      action,
      ...rest,
      ...(reply.ok ? { ok: true } : { ok: false, error: reply.error }),
    }),
  );
};

/**
 * Appends a line to the audit log of a directory, which only its owner can read. Returns why it could not, or `undefined`.
 *
 * A log of 16 MiB becomes `audit.log.1`, and replaces the one before.
 */
export const appendAuditLine = (
  dir: string,
  line: string,
  maxBytes: number = MAX_LOG_BYTES,
): string | undefined => {
  const path = join(dir, AUDIT_LOG);
  try {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size >= maxBytes) renameSync(path, `${path}.1`);
    appendFileSync(path, `${line}\n`, { mode: 0o600 });
    return undefined;
  } catch (error) {
    return describeSystemError(error);
  }
};
