const padTwo = (n: number) => String(n).padStart(2, '0');

/** Formats a time (ms since 1970) as `HH:MM`, local or in UTC. */
export const formatTime = (time: number, utc = false): string => {
  const date = new Date(time);
  return utc
    ? `${padTwo(date.getUTCHours())}:${padTwo(date.getUTCMinutes())}`
    : `${padTwo(date.getHours())}:${padTwo(date.getMinutes())}`;
};

/** Returns a day as an increasing number, such as 20261126. */
export const dayNumber = (time: number, utc = false): number => {
  const date = new Date(time);
  const [year, month, day] = utc
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
    : [date.getFullYear(), date.getMonth(), date.getDate()];
  return (year * 100 + month + 1) * 100 + day;
};

/** Formats a time as `26 Nov 10:16`. */
export const formatDateTime = (time: number, utc = false): string =>
  `${new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', ...(utc && { timeZone: 'UTC' }) }).format(time)} ${formatTime(time, utc)}`;

/** Formats a day as `Thu, 26 Nov 2026`. */
export const formatDay = (time: number, utc = false): string =>
  new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    ...(utc && { timeZone: 'UTC' }),
  }).format(time);

/** Formats a duration in ms as `14 s`, `3 min` or `2 h`. */
export const formatDuration = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
};

/** Formats a count with its noun: `1 message`, `2 messages`. */
export const pluralize = (count: number, singular: string, plural = `${singular}s`): string =>
  `${count} ${count === 1 ? singular : plural}`;
