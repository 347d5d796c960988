interface OpenedEvent {
  readonly type: string;
  readonly envelope?: { readonly lines: readonly string[] };
}
export function expectEvent(events: readonly { readonly type: string }[], type: string): void;
export function expectOpened(
  events: readonly OpenedEvent[],
  messages: readonly { readonly lines: readonly string[] }[],
): void;
export function expectOneGroup(
  views: readonly ({ readonly code: string; readonly members: number } | undefined)[],
  count: number,
): void;
