/** Works with known roots and results: the graphs of the vectors. */
import { Graph, TensorKind, type TensorSet, Work } from "../src/index.js";
import { bytes, list, unhex, type Vector, vectors } from "./vectors.js";

/** The works of graphs with one output, with the vector that each comes from. */
export function works(): { readonly vector: Vector; readonly work: Work }[] {
  const single = vectors("graphs").filter((vector) => list(vector, "outputs", Number).length === 1);
  return single.map((vector) => {
    const graph = new Graph(bytes(vector, "graph"));
    const set = (kind: TensorKind, field: string): TensorSet => {
      const data = list(vector, field, unhex);
      return new Map(graph.slotsOf(kind).map((slot, index) => [slot, data[index] ?? new Uint8Array()]));
    };
    const symbols = list(vector, "symbols", Number);
    const work = new Work(graph, symbols, set(TensorKind.Param, "params"), set(TensorKind.Input, "inputs"));
    return { vector, work };
  });
}

/** The first of them that satisfies a condition. */
export function workThat(isWanted: (work: Work) => boolean): { readonly vector: Vector; readonly work: Work } {
  const found = works().find(({ work }) => isWanted(work));
  if (found === undefined) throw new Error("no vector is like this");
  return found;
}

/** What a job pins about a work. */
export function pinned(work: Work) {
  return {
    graphRoot: work.graph.root,
    paramsRoot: work.paramsRoot,
    inputsRoot: work.inputsRoot,
    symbols: work.pinnedSymbols,
    output: work.output,
  };
}
