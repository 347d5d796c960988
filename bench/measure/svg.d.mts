export interface Graph {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
}
export function lineGraph(graph: Graph): string;
