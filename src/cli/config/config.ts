/** What stands in a config file for one flag, and where. */
export interface Setting {
  readonly value: unknown;
  /** File, line and key. */
  readonly where: string;
}

/** The settings of each section by the keys of their flags. */
export type Config = ReadonlyMap<string, ReadonlyMap<string, Setting>>;
