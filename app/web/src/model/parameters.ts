/** Every governed parameter with its hard bounds, as the program has them. */
import type { Network, NetworkParameters as Parameters } from "@assay/client/generated";

/** How a parameter is counted. */
export type Measure = "stake" | "slots" | "share" | "multiple" | "count" | "lamports";

/** One parameter. */
export interface Parameter {
  readonly key: string;
  readonly group: "Market" | "Windows" | "Disputes" | "Audits" | "Scheduling";
  readonly name: string;
  readonly sentence: string;
  readonly measure: Measure;
  readonly least: bigint;
  readonly most: bigint;
  read(parameters: Parameters): bigint;
  write(parameters: Parameters, value: bigint): Parameters;
}

const E18 = 10n ** 18n;
const DAYS_30 = 6_480_000n;

/**
 * All parameters with their bounds as they would be with `parameters`: some bound one another. Clocks of disputes have a lower
 * floor on a development network.
 */
export function allParameters(
  { development, parameters: present }: Pick<Network, "development" | "parameters">,
  parameters: Parameters = present,
): readonly Parameter[] {
  const clock = development ? 10n : 9_000n;
  const reveal = development ? 2n : 150n;
  const epoch = BigInt(present.scheduling.epochSlots);
  const window = present.scheduling.correlationWindowSlots;
  return [
    stake("minimumStake", "Market", "Least stake of a node that claims", "A node with less claims nothing.", 1n, E18),
    share("protocolFeeBps", "Market", "Fee of the protocol", "Of the price of a settled job.", 0n, 1_000n),
    share(
      "missChargeBps",
      "Market",
      "Charge for a miss",
      "Of the bond, when a claim ends without a result; it goes to the client.",
      0n,
      2_000n,
    ),
    {
      ...share(
        "minimumBondBps",
        "Market",
        "Least bond",
        "As a multiple of the highest price, converted by the mint's rate.",
        0n,
        100_000n,
      ),
      measure: "multiple",
    },
    count(
      "maximumOpenJobsPerNode",
      "Market",
      "Open jobs of one node",
      "A node with as many claims no more until one ends.",
      1n,
      1_024n,
    ),
    slots("maximumClaimSlots", "Windows", "Longest time to claim", "A job cannot stay open longer.", 1n, 1_512_000n),
    slots("maximumRunSlots", "Windows", "Longest time to compute", "From the claim to the commitment.", 1n, 432_000n),
    slots(
      "minimumWindowSlots",
      "Windows",
      "Shortest challenge window",
      "So that somebody can look.",
      1n,
      parameters.maximumWindowSlots,
    ),
    slots(
      "maximumWindowSlots",
      "Windows",
      "Longest challenge window",
      "A bond is locked for so long.",
      parameters.minimumWindowSlots,
      432_000n,
    ),
    slots(
      "unbondingSlots",
      "Windows",
      "Unbonding time of stake",
      "Longer than any job, its window and its disputes, so that slashes reach it.",
      leastUnbonding(parameters),
      DAYS_30,
    ),
    dispute("challengeBondBps", "Bond of a challenger", "Of the job's bond.", "share", 100n, 10_000n),
    dispute("revealSlots", "Time to reveal a challenge", "After it was committed.", "slots", reveal, 9_000n),
    dispute("challengerClockSlots", "Clock of the challenger", "For all its moves together.", "slots", clock, 216_000n),
    dispute(
      "defenderClockSlots",
      "Clock of the defending side",
      "For all that one challenge demands.",
      "slots",
      clock,
      216_000n,
    ),
    dispute("slashBps", "Slash for a proven fault", "Of the stake, beside the bond.", "share", 0n, 5_000n),
    dispute(
      "bountyBps",
      "Bounty of challengers",
      "Of the bond; never so much that challenging oneself pays.",
      "share",
      0n,
      5_000n,
    ),
    dispute(
      "openingFeeLamports",
      "Fee for an opening",
      "Prepaid by the challenger to whoever answers.",
      "lamports",
      0n,
      1_000_000_000n,
    ),
    audit("epochSlots", "Length of an epoch", "A validator has one seed for each.", "slots", 2n, 216_000n),
    audit("auditsPerJob", "Auditors of a job", "Drawn on average.", "count", 1n, 16n),
    audit(
      "attestationBondBps",
      "Bond of an attestation",
      "As a multiple of the largest fee that it can earn.",
      "multiple",
      20_000n,
      10_000_000n,
    ),
    audit("minimumValidatorStake", "Least stake of a validator", "Of one that attests.", "stake", 1n, E18),
    scheduling(
      "stakePerJob",
      "Stake for each open job",
      "A node has one open job for each so much of its stake.",
      "stake",
      1n,
      E18,
    ),
    scheduling(
      "latePriceBps",
      "Loss of a late result",
      "Of the price, for a result in the last slot.",
      "share",
      0n,
      10_000n,
    ),
    scheduling(
      "absentEpochs",
      "Absence",
      "After so many epochs without a heartbeat a node weighs nothing.",
      "count",
      1n,
      1_000n,
    ),
    scheduling(
      "delegationMultipleBps",
      "Delegated stake that counts",
      "At most, as a multiple of the node's own stake.",
      "multiple",
      0n,
      100_000n,
    ),
    // Never changed: another length would renumber what is on record.
    scheduling("epochSlots", "Epoch of weights and heartbeats", "Fixed for good.", "slots", epoch, epoch),
    scheduling(
      "correlationWindowSlots",
      "Window of correlated convictions",
      "Fixed for good.",
      "slots",
      window,
      window,
    ),
  ];
}

/** The first bound that the parameters break, as a sentence; `undefined` if the program would take them. */
export function boundFault(
  network: Pick<Network, "development" | "parameters">,
  parameters: Parameters,
): string | undefined {
  for (const parameter of allParameters(network, parameters)) {
    const value = parameter.read(parameters);
    if (value < parameter.least || value > parameter.most) return `${parameter.name} is outside its bounds.`;
  }
  return undefined;
}

/** The shortest unbonding time that these parameters allow: the longest run, window and dispute, the charge in company, a margin. */
export function leastUnbonding({ maximumRunSlots, maximumWindowSlots, dispute, scheduling }: Parameters): bigint {
  const extended = (slots: number) => BigInt(slots + (slots >> 1));
  const longest =
    extended(dispute.revealSlots) + extended(dispute.challengerClockSlots) + extended(dispute.defenderClockSlots);
  const halfCorrelationWindow = scheduling.correlationWindowSlots >> 1n;
  return maximumRunSlots + maximumWindowSlots + longest + halfCorrelationWindow + 64n;
}

/** The parameters that two sets differ in. */
export function changed(
  network: Network,
  next: Parameters,
): ReadonlyArray<{ parameter: Parameter; before: bigint; after: bigint }> {
  return allParameters(network)
    .map((parameter) => ({ parameter, before: parameter.read(network.parameters), after: parameter.read(next) }))
    .filter(({ before, after }) => before !== after);
}

type TopKey = Exclude<keyof Parameters, "dispute" | "audit" | "scheduling"> & string;

function top(
  key: TopKey,
  group: Parameter["group"],
  measure: Measure,
  name: string,
  sentence: string,
  least: bigint,
  most: bigint,
): Parameter {
  return {
    key,
    group,
    name,
    sentence,
    measure,
    least,
    most,
    read: (parameters) => BigInt(parameters[key]),
    write: (parameters, value) => ({
      ...parameters,
      [key]: typeof parameters[key] === "bigint" ? value : Number(value),
    }),
  };
}

type Maker = (
  key: TopKey,
  group: Parameter["group"],
  name: string,
  sentence: string,
  least: bigint,
  most: bigint,
) => Parameter;
const maker =
  (measure: Measure): Maker =>
  (key, group, ...rest) =>
    top(key, group, measure, ...rest);
const stake = maker("stake");
const share = maker("share");
const slots = maker("slots");
const count = maker("count");

type Nested = "dispute" | "audit" | "scheduling";

/** Those that are plain numbers: rules within rules are changed as a whole, on the command line. */
type NumberKey<Part extends Nested> = {
  [Key in keyof Parameters[Part] & string]: Parameters[Part][Key] extends number | bigint ? Key : never;
}[keyof Parameters[Part] & string];

function nested<Part extends Nested>(part: Part, group: Parameter["group"]) {
  return (
    key: NumberKey<Part>,
    name: string,
    sentence: string,
    measure: Measure,
    least: bigint,
    most: bigint,
  ): Parameter => ({
    key: `${part}.${key}`,
    group,
    name,
    sentence,
    measure,
    least,
    most,
    read: (parameters) => BigInt(parameters[part][key] as bigint | number),
    write: (parameters, value) => ({
      ...parameters,
      [part]: { ...parameters[part], [key]: typeof parameters[part][key] === "bigint" ? value : Number(value) },
    }),
  });
}

const dispute = nested("dispute", "Disputes");
const audit = nested("audit", "Audits");
const scheduling = nested("scheduling", "Scheduling");
