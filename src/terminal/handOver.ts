/** Whether another program has the terminal, which is then told of keys such as Ctrl-C; they are not meant for this one. */
let lent = false;

export const isHandedOver = (): boolean => lent;

export const handOver = (isLent: boolean): void => {
  lent = isLent;
};
