/** Nodes: what they have at stake, what they may take, and why not. */
import { type Network, type Node, type TakingRefusal, takingRefusal } from "@assay/client";
import { OBSTACLE_WORDS } from "./eligibility.ts";
import type { Tone } from "./job-state.ts";
import { type IndexedNode, isAccount, type NodeFacts, type NodeLine } from "./node-line.ts";

/** How a node stands, in one word, with what follows from it. */
export interface NodeStanding {
  readonly name: string;
  readonly tone: Tone;
  readonly sentence: string;
}

/** Stake that no bond locks. */
export function freeStake(node: Pick<Node, "stake" | "locked">): bigint {
  return node.stake - node.locked;
}

/** The largest bond that the node can lock: the slash reserve stays free. The program's own rule. */
export function largestBond(node: Node, slashBps: number): bigint {
  const reserve = (node.stake * BigInt(Math.max(slashBps, node.slashReserveBps))) / 10_000n;
  const left = freeStake(node) - reserve;
  return left > 0n ? left : 0n;
}

/** Everything that leaves the stake at some time. */
export function unbondingTotal(node: Node): bigint {
  return node.unbonding.reduce((sum, { amount }) => sum + amount, 0n);
}

const REFUSED: Readonly<Record<NonNullable<TakingRefusal>, readonly [string, Tone]>> = {
  StakeBelowNetworkMinimum: ["Below minimum", "idle"],
  TooManyOpenJobs: ["Full", "busy"],
  CapacityReached: ["Full", "busy"],
  NodeConvicted: ["Convicted", "bad"],
  UnresolvedMiss: ["Missing", "warn"],
  Jailed: ["Jailed", "warn"],
  InMaintenance: ["Maintenance", "held"],
};

/** How the node stands with the network's rules. */
export function standing(node: Node, network: Network | undefined, now: bigint): NodeStanding {
  const refusal = network === undefined ? null : takingRefusal(node, network.parameters, now);
  if (refusal !== null) {
    const [name, tone] = REFUSED[refusal];
    return { name, tone, sentence: OBSTACLE_WORDS[refusal] };
  }
  if (node.frozenUntilSlot > now) {
    return {
      name: "Frozen",
      tone: "warn",
      sentence: "Its stake cannot be withdrawn while a dispute may still reach it.",
    };
  }
  if (node.openJobs > 0) return { name: "Working", tone: "busy", sentence: "It has work and can take more." };
  return { name: "Ready", tone: "good", sentence: "It can claim jobs." };
}

/** How a row of a list stands. An index does not tell everything that decides it: what it does not tell is left out. */
export function lineStanding(line: NodeLine | IndexedNode, network: Network | undefined, now: bigint): NodeStanding {
  if (isAccount(line)) return standing(line.data, network, now);
  const { data } = line;
  const refused = (reason: NonNullable<TakingRefusal>): NodeStanding => {
    const [name, tone] = REFUSED[reason];
    return { name, tone, sentence: OBSTACLE_WORDS[reason] };
  };
  if (data.fraudConvictions > 0) return refused("NodeConvicted");
  if ("jailedUntilSlot" in line && line.jailedUntilSlot > now) return refused("Jailed");
  if (network !== undefined && data.stake < network.parameters.minimumStake) return refused("StakeBelowNetworkMinimum");
  if (data.openJobs > 0) return { name: "Working", tone: "busy", sentence: "It has work." };
  return { name: "Ready", tone: "good", sentence: "Nothing that the index tells keeps it from claiming." };
}

/** The hardware tier that a declared speed makes: how often it can be halved, and 1; 0 without one. */
export function tierOf(unitsPerSlot: bigint): number {
  return unitsPerSlot === 0n ? 0 : unitsPerSlot.toString(2).length;
}

/** Settled of all that ended, in hundredths of a percent; `undefined` while nothing has ended. */
export function settledShare(node: Node): number | undefined {
  const all = node.jobsSettled + node.jobsMissed + BigInt(node.fraudConvictions);
  return all === 0n ? undefined : Number((node.jobsSettled * 10_000n) / all);
}

/** Which nodes are to be shown. */
export interface NodeFilter {
  readonly text: string;
  readonly standings: ReadonlySet<string>;
  readonly minimumStake: bigint;
  readonly sort: "stake" | "settled" | "newest" | "free" | "score";
}

/** Every node, the largest stake first. */
export const ALL_NODES: NodeFilter = { text: "", standings: new Set(), minimumStake: 0n, sort: "stake" };

/** The nodes that a filter lets through, in its order. */
export function filterNodes<Line extends NodeLine>(
  rows: readonly Line[],
  filter: NodeFilter,
  network: Network | undefined,
  now: bigint,
): readonly Line[] {
  const text = filter.text.trim();
  const chosen = rows.filter((line) => {
    const { address, data } = line;
    return (
      data.stake >= filter.minimumStake &&
      (filter.standings.size === 0 || filter.standings.has(lineStanding(line, network, now).name)) &&
      (text === "" ||
        [address, data.withdrawAuthority, data.operator].some((key) => key.startsWith(text)) ||
        data.endpoint.toLowerCase().includes(text.toLowerCase()))
    );
  });
  const value = (node: NodeFacts): bigint =>
    ({
      stake: node.stake,
      settled: node.jobsSettled,
      newest: node.registeredSlot,
      free: freeStake(node),
      score: BigInt(node.score[0]),
    })[filter.sort];
  return chosen.sort((a, b) => {
    const [left, right] = [value(a.data), value(b.data)];
    return left === right ? (a.address < b.address ? -1 : 1) : left < right ? 1 : -1;
  });
}
