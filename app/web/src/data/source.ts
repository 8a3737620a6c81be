/**
 * Where accounts come from. The app reads a market only through this interface, so that a service with an index of the
 * market can stand in for an RPC endpoint without a change anywhere else.
 */
import type { Address, ReadonlyUint8Array } from "@solana/kit";
import type { Kind } from "./kinds.ts";

/** An account as bytes. */
export interface RawAccount {
  readonly address: Address;
  readonly bytes: ReadonlyUint8Array;
}

/** What happened to an account; without bytes it was closed. */
export interface RawChange {
  readonly address: Address;
  readonly bytes: ReadonlyUint8Array | undefined;
  readonly slot: bigint;
}

/** A source of accounts of one market. */
export interface MarketSource {
  /** Every account of a kind. */
  load(kind: Kind, signal: AbortSignal): Promise<readonly RawAccount[]>;
  /**
   * Tells of every change and of new slots from now on. `started` is called once nothing can be missed any more. Settles
   * only when the connection is lost (an error) or `signal` is aborted.
   */
  follow(listener: FollowListener, signal: AbortSignal): Promise<void>;
  /** Accounts as they are now; for those that are gone, no bytes. */
  fetch(addresses: readonly Address[], signal: AbortSignal): Promise<readonly RawChange[]>;
  /** The addresses of all accounts of the market. Not every source tells when one is closed. */
  present(signal: AbortSignal): Promise<ReadonlySet<Address>>;
  /** The newest slot. Also how it is found out whether the source answers at all. */
  slot(signal: AbortSignal): Promise<bigint>;
  /** The number of digits after the point of a token. */
  decimals(mint: Address, signal: AbortSignal): Promise<number>;
}

/** Who is told. */
export interface FollowListener {
  started(): void;
  change(change: RawChange): void;
  slot(slot: bigint): void;
}
