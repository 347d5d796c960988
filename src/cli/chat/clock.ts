const two = (n: number) => String(n).padStart(2, '0');

/** `HH:MM`, by the clock on the wall or in UTC. */
export const clock = (time: number, utc = false): string => {
  const date = new Date(time);
  return utc
    ? `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`
    : `${two(date.getHours())}:${two(date.getMinutes())}`;
};

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
