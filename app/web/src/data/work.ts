/** What is to be computed, put together from what is served somewhere and checked here. */
import {
  decodeBundle,
  depthFor,
  Graph,
  IR_VERSION,
  type Job,
  ListRole,
  listRoot,
  merkleRoot,
  TensorKind,
  type TensorLayout,
  type TensorSet,
} from "@assay/client";
import type { Work } from "../model/offer.ts";
import { fetchBytes, fetchGraph, ResultMissing } from "./artifacts.ts";

/** Most bytes of a graph, of weights and of inputs that the app fetches. */
const MAXIMUM_GRAPH_BYTES = 16 << 20;
const MAXIMUM_PARAMS_BYTES = 256 << 20;
const MAXIMUM_INPUTS_BYTES = 64 << 20;

/** The work of a job that exists: nothing has to be fetched. */
export function workOf(job: Job): Work {
  const { graphRoot, paramsRoot, inputsRoot, irVersion, symbols, output, graphUri, paramsUri, inputsUri } = job;
  const { costUnits } = job;
  return { graphRoot, paramsRoot, inputsRoot, irVersion, symbols, output, graphUri, paramsUri, inputsUri, costUnits };
}

/** The model of a job with other inputs: their root is computed here. */
export async function withInputs(
  model: Job,
  inputs: Uint8Array,
  inputsUri: string,
  symbols: readonly number[],
  signal: AbortSignal,
): Promise<Work> {
  const graph = await fetchGraph(model, signal);
  return {
    ...placed(graph, symbols),
    graphRoot: model.graphRoot,
    paramsRoot: model.paramsRoot,
    graphUri: model.graphUri,
    paramsUri: model.paramsUri,
    inputsRoot: rootOf(ListRole.Inputs, graph.slotsOf(TensorKind.Input), graph.layouts(symbols), decodeBundle(inputs)),
    inputsUri,
  };
}

/** A model that is new to the market: graph, weights and inputs by their addresses. */
export async function workAt(
  uris: { readonly graphUri: string; readonly paramsUri: string; readonly inputsUri: string },
  symbols: readonly number[],
  signal: AbortSignal,
): Promise<Work> {
  const graph = new Graph(await fetchBytes(uris.graphUri, MAXIMUM_GRAPH_BYTES, signal));
  const layouts = graph.layouts(symbols);
  const params = decodeBundle(await fetchBytes(uris.paramsUri, MAXIMUM_PARAMS_BYTES, signal));
  const inputs = decodeBundle(await fetchBytes(uris.inputsUri, MAXIMUM_INPUTS_BYTES, signal));
  return {
    ...placed(graph, symbols),
    ...uris,
    graphRoot: graph.root,
    paramsRoot: rootOf(ListRole.Params, graph.slotsOf(TensorKind.Param), layouts, params),
    inputsRoot: rootOf(ListRole.Inputs, graph.slotsOf(TensorKind.Input), layouts, inputs),
  };
}

/** The bytes at an address, for inputs. */
export function fetchInputs(uri: string, signal: AbortSignal): Promise<Uint8Array> {
  return fetchBytes(uri, MAXIMUM_INPUTS_BYTES, signal);
}

/** What a session keeps warm. */
export type SessionModel = Pick<Work, "graphRoot" | "paramsRoot" | "irVersion" | "graphUri" | "paramsUri">;

/** The model of a job: nothing has to be fetched. */
export function modelOf({ graphRoot, paramsRoot, irVersion, graphUri, paramsUri }: Job): SessionModel {
  return { graphRoot, paramsRoot, irVersion, graphUri, paramsUri };
}

/** A model by the addresses of its graph and its weights: their roots are computed here. */
export async function modelAt(
  uris: { readonly graphUri: string; readonly paramsUri: string },
  signal: AbortSignal,
): Promise<SessionModel> {
  const graph = new Graph(await fetchBytes(uris.graphUri, MAXIMUM_GRAPH_BYTES, signal));
  if (graph.outputs.length !== 1) throw new ResultMissing("A session takes graphs with exactly one output.");
  const params = decodeBundle(await fetchBytes(uris.paramsUri, MAXIMUM_PARAMS_BYTES, signal));
  // The weights of a graph have one shape, whatever its symbols are.
  const layouts = graph.layouts(graph.symbols.map(({ min }) => min));
  const paramsRoot = rootOf(ListRole.Params, graph.slotsOf(TensorKind.Param), layouts, params);
  return { ...uris, irVersion: IR_VERSION, graphRoot: graph.root, paramsRoot };
}

function placed(
  graph: Graph,
  symbols: readonly number[],
): Pick<Work, "irVersion" | "symbols" | "output" | "costUnits"> {
  const [slot = -1, ...others] = graph.outputs;
  const layout = graph.layouts(symbols)[slot];
  if (layout === undefined || others.length > 0) throw new ResultMissing("A job takes graphs with exactly one output.");
  return {
    irVersion: IR_VERSION,
    costUnits: graph.costUnits(symbols),
    symbols: [0, 1, 2, 3].map((index) => symbols[index] ?? 0),
    output: {
      uid: layout.uid,
      leaves: layout.leaves,
      depth: layout.depth,
      boundaryPosition: graph.boundary.indexOf(slot),
      boundaryCount: graph.boundary.length,
    },
  };
}

function rootOf(
  role: ListRole,
  slots: readonly number[],
  layouts: readonly TensorLayout[],
  tensors: TensorSet,
): Uint8Array {
  const what = role === ListRole.Inputs ? "inputs" : "weights";
  const hashes = slots.map((slot) => {
    const bytes = tensors.get(slot);
    if (bytes === undefined) throw new ResultMissing(`The ${what} lack tensor ${slot}, which the graph needs.`);
    const hash = layouts[slot]?.hash(bytes) ?? null;
    if (hash !== null) return hash;
    throw new ResultMissing(
      `Tensor ${slot} of the ${what} has ${bytes.length} bytes, and the graph needs ${layouts[slot]?.bytes ?? 0} at these symbols.`,
    );
  });
  if (tensors.size !== slots.length)
    throw new ResultMissing(`The ${what} hold tensors that do not belong to this graph.`);
  return listRoot(role, hashes.length, depthFor(hashes.length), merkleRoot(hashes));
}
