const two = (n: number) => String(n).padStart(2, '0');

/** `HH:MM`, by the clock on the wall or in UTC. */
export const clock = (time: number, utc = false): string => {
  const date = new Date(time);
  return utc
    ? `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`
    : `${two(date.getHours())}:${two(date.getMinutes())}`;
};

/** A day as a number that grows from one to the next: 20261126. */
export const dayNumber = (time: number, utc = false): number => {
  const date = new Date(time);
  const [year, month, of] = utc
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
    : [date.getFullYear(), date.getMonth(), date.getDate()];
  return (year * 100 + month + 1) * 100 + of;
};

/** `26 Nov 10:16`. */
export const dated = (time: number, utc = false): string =>
  `${new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', ...(utc && { timeZone: 'UTC' }) }).format(time)} ${clock(time, utc)}`;

/** `Thu, 26 Nov 2026`. */
export const day = (time: number, utc = false): string =>
  new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    ...(utc && { timeZone: 'UTC' }),
  }).format(time);

/** A span in the words of a prompt: `14 s`, `3 min`, `2 h`. */
export const spanText = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
};
