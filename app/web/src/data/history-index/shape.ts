/** What an index serves, read from JSON: every field is checked once, here, so that nothing else meets a surprise. */
import { Fault, FaultSide, JobState, Reason } from "@assay/client/generated";
import { type Address, isAddress } from "@solana/kit";
import type { IndexedJob } from "../../model/job-line.ts";
import { fromHex, NOBODY } from "../../model/keys.ts";
import type { IndexedNode } from "../../model/node-line.ts";

/** The answer is not one that this app understands; the message says which part of it. */
export class IndexShape extends Error {
  override readonly name = "IndexShape";
}

/** One thing that happened, as the index recorded it. */
export interface IndexRecord {
  /** Counts up from 1. */
  readonly id: number;
  readonly slot: bigint;
  /** Whether the account itself says the slot; if not, it happened at or before it. */
  readonly exact: boolean;
  /** Seconds since 1970, estimated from the slot. */
  readonly at: number;
  readonly kind: string;
  readonly account: Address;
  /** The job that a challenge or a demand is about. */
  readonly job: Address | undefined;
  readonly change: string;
  /** The fields of the change, by name. */
  readonly fields: Fields;
}

/** Named values as they came. */
export type Fields = Readonly<Record<string, unknown>>;

/** Everything that a list needs, at one moment. */
export interface IndexSnapshot {
  readonly slot: bigint;
  readonly lastId: number;
  readonly jobs: readonly IndexedJob[];
  readonly nodes: readonly IndexedNode[];
}

/** The whole past of a job or a node, or of any account without a row. */
export interface IndexHistory<Row> {
  readonly row: Row;
  /** Oldest first. */
  readonly timeline: readonly IndexRecord[];
  readonly more: boolean;
}

/** What happened within an hour. */
export interface IndexHour {
  /** Seconds since 1970. */
  readonly beginsAt: number;
  readonly posted: number;
  readonly settled: number;
  readonly convicted: number;
  readonly missed: number;
  readonly unclaimed: number;
  /** What was paid for what settled, by mint, before fees; what lateness takes off is not in it. */
  readonly volume: ReadonlyMap<string, bigint>;
  /** What convicted nodes lost, in the stake mint. */
  readonly slashed: bigint;
}

/** Totals. */
export interface IndexStats {
  readonly slot: bigint;
  readonly nodes: number;
  readonly jobsByState: ReadonlyMap<JobState, number>;
  /** Hours in which something happened, newest first. */
  readonly hours: readonly IndexHour[];
}

/** How far the index has come. */
export interface IndexHealth {
  readonly follows: boolean;
  readonly slot: bigint;
  readonly lastId: number;
}

const STATES = bySnakeName<JobState>(JobState);
const REASONS = bySnakeName<Reason>(Reason);
const SIDES = bySnakeName<FaultSide>(FaultSide);
const FAULTS = bySnakeName<Fault>(Fault);

/** `/v1/snapshot`. */
export function readSnapshot(json: unknown): IndexSnapshot {
  const fields = record(json, "snapshot");
  const rows = (name: string) => {
    const columns = list(fields[`${name}_columns`], `${name}_columns`).map(String);
    return list(fields[`${name}s`], `${name}s`).map((row) => named(columns, list(row, `a row of ${name}s`)));
  };
  return {
    slot: slot(fields, "slot"),
    lastId: count(fields, "last_id"),
    jobs: rows("job").map(readJob),
    nodes: rows("node").map(readNode),
  };
}

/** A row of a job. */
export function readJob(json: unknown): IndexedJob {
  const fields = record(json, "job");
  return {
    address: address(fields, "address"),
    data: {
      state: oneOf(STATES, fields, "state"),
      client: address(fields, "client"),
      node: somebody(fields, "node"),
      paymentMint: address(fields, "mint"),
      priceMin: amount(fields, "price_min"),
      priceMax: amount(fields, "price_max"),
      price: amount(fields, "price"),
      bond: amount(fields, "bond"),
      postedSlot: slot(fields, "posted_slot"),
      claimedSlot: slot(fields, "claimed_slot"),
      committedSlot: slot(fields, "committed_slot"),
      graphRoot: root(fields, "graph_root"),
      session: somebody(fields, "session"),
      reason: oneOf(REASONS, fields, "reason"),
      faultSide: oneOf(SIDES, fields, "fault_side"),
    },
    fault: oneOf(FAULTS, fields, "fault"),
    challengesOpen: count(fields, "challenges_open"),
    endedSlot: slot(fields, "ended_slot"),
    closedSlot: slot(fields, "closed_slot"),
  };
}

/** A row of a node. */
export function readNode(json: unknown): IndexedNode {
  const fields = record(json, "node");
  return {
    address: address(fields, "address"),
    data: {
      withdrawAuthority: address(fields, "withdraw_authority"),
      operator: address(fields, "operator"),
      stake: amount(fields, "stake"),
      locked: amount(fields, "locked"),
      openJobs: count(fields, "open_jobs"),
      jobsSettled: slot(fields, "jobs_settled"),
      jobsMissed: slot(fields, "jobs_missed"),
      fraudConvictions: count(fields, "convictions"),
      score: [count(fields, "score")],
      registeredSlot: slot(fields, "registered_slot"),
      endpoint: text(fields, "endpoint"),
    },
    jailedUntilSlot: slot(fields, "jailed_until_slot"),
    seenSlot: slot(fields, "seen_slot"),
    closedSlot: slot(fields, "closed_slot"),
  };
}

/** A page of a list. */
export function readPage<Row>(json: unknown, row: (json: unknown) => Row): readonly Row[] {
  return list(record(json, "page").rows, "rows").map(row);
}

/** `/v1/jobs/ADDRESS`, `/v1/nodes/ADDRESS` or `/v1/accounts/ADDRESS`. */
export function readHistory<Row>(json: unknown, row: (fields: Fields) => Row): IndexHistory<Row> {
  const fields = record(json, "history");
  return {
    row: row(fields),
    timeline: list(fields.timeline, "timeline").map(readRecord),
    more: fields.more === true,
  };
}

/** One record. */
export function readRecord(json: unknown): IndexRecord {
  const fields = record(json, "record");
  const job = fields.job === undefined ? undefined : address(fields, "job");
  return {
    id: count(fields, "id"),
    slot: slot(fields, "slot"),
    exact: fields.exact === true,
    at: count(fields, "at"),
    kind: text(fields, "kind"),
    account: address(fields, "account"),
    job,
    change: text(fields, "change"),
    fields,
  };
}

/** `/v1/stats`. */
export function readStats(json: unknown): IndexStats {
  const fields = record(json, "stats");
  const states = record(fields.jobs_by_state, "jobs_by_state");
  return {
    slot: slot(fields, "slot"),
    nodes: count(fields, "nodes"),
    jobsByState: new Map(
      Object.entries(states).flatMap(([name, value]) => {
        const state = STATES.get(name);
        return state === undefined || typeof value !== "number" ? [] : [[state, value] as const];
      }),
    ),
    hours: list(fields.hours, "hours").map(readHour),
  };
}

function readHour(json: unknown): IndexHour {
  const fields = record(json, "hour");
  const volume = record(fields.volume, "volume");
  return {
    beginsAt: count(fields, "begins_at"),
    posted: count(fields, "posted"),
    settled: count(fields, "settled"),
    convicted: count(fields, "convicted"),
    missed: count(fields, "missed"),
    unclaimed: count(fields, "unclaimed"),
    volume: new Map(Object.keys(volume).map((mint) => [mint, amount(volume, mint)])),
    slashed: amount(fields, "slashed"),
  };
}

/** `/health`. */
export function readHealth(json: unknown): IndexHealth {
  const fields = record(json, "health");
  return { follows: fields.status === "ok", slot: slot(fields, "slot"), lastId: count(fields, "last_id") };
}

/** A state that a record names; `undefined` for one of a later version. */
export function stateNamed(name: unknown): JobState | undefined {
  return typeof name === "string" ? STATES.get(name) : undefined;
}

/** A reason that a record names. */
export function reasonNamed(name: unknown): Reason | undefined {
  return typeof name === "string" ? REASONS.get(name) : undefined;
}

/** A side that a record names. */
export function sideNamed(name: unknown): FaultSide | undefined {
  return typeof name === "string" ? SIDES.get(name) : undefined;
}

/** A fault that a record names. */
export function faultNamed(name: unknown): Fault | undefined {
  return typeof name === "string" ? FAULTS.get(name) : undefined;
}

/** A whole number of a record, such as a slot or a score; 0 where there is none. */
export function numberOf(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === "number" && Number.isSafeInteger(value) ? value : 0;
}

/** An amount of a record; 0 where there is none. */
export function amountOf(fields: Fields, name: string): bigint {
  const value = fields[name];
  return typeof value === "string" && /^\d{1,20}$/.test(value) ? BigInt(value) : 0n;
}

/** An address of a record; nobody's where there is none. */
export function addressOf(fields: Fields, name: string): Address {
  const value = fields[name];
  return typeof value === "string" && isAddress(value) ? value : NOBODY;
}

/** The words of a list of a record. */
export function wordsOf(fields: Fields, name: string): readonly string[] {
  const value = fields[name];
  return Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
}

/** The program's names as an index writes them: `MissedInOutage` is `missed_in_outage`. */
function bySnakeName<T extends number>(names: Readonly<Record<string, string | number>>): ReadonlyMap<string, T> {
  return new Map(
    Object.entries(names).flatMap(([name, value]) =>
      typeof value === "number"
        ? [[name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase(), value as T] as const]
        : [],
    ),
  );
}

function named(columns: readonly string[], values: readonly unknown[]): Fields {
  return Object.fromEntries(columns.map((column, index) => [column, values[index]]));
}

function record(json: unknown, what: string): Fields {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Fields;
  throw new IndexShape(`The index serves a ${what} that this app cannot read.`);
}

function list(json: unknown, what: string): readonly unknown[] {
  if (Array.isArray(json)) return json;
  throw new IndexShape(`The index serves ${what} that this app cannot read.`);
}

function wrong(name: string): never {
  throw new IndexShape(`The index serves a ${name.replaceAll("_", " ")} that this app cannot read.`);
}

function count(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === "number" && Number.isSafeInteger(value) ? value : wrong(name);
}

function slot(fields: Fields, name: string): bigint {
  const value = count(fields, name);
  return value < 0 ? wrong(name) : BigInt(value);
}

function amount(fields: Fields, name: string): bigint {
  const value = fields[name];
  return typeof value === "string" && /^\d{1,20}$/.test(value) ? BigInt(value) : wrong(name);
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : wrong(name);
}

function address(fields: Fields, name: string): Address {
  const value = fields[name];
  // Decoding every address of 10,000 rows would take longer than showing them; pages decode the one that they open.
  return typeof value === "string" && /^[1-9A-HJ-NP-Za-km-z]{32,44}$/.test(value) ? (value as Address) : wrong(name);
}

function somebody(fields: Fields, name: string): Address {
  return fields[name] === null ? NOBODY : address(fields, name);
}

function root(fields: Fields, name: string): Uint8Array {
  return fromHex(text(fields, name)) ?? wrong(name);
}

function oneOf<T>(names: ReadonlyMap<string, T>, fields: Fields, name: string): T {
  return names.get(text(fields, name)) ?? wrong(name);
}
