/** One paying key with its access to a market: post, wait, result, accept, reclaim. */
import {
  type AccountNotificationsApi,
  type Address,
  createSolanaRpc,
  createSolanaRpcSubscriptions,
  type GetAccountInfoApi,
  type GetMultipleAccountsApi,
  type GetProgramAccountsApi,
  type GetSlotApi,
  type Instruction,
  type ProgramNotificationsApi,
  type Rpc,
  type RpcSubscriptions,
  type Signature,
  type TransactionSigner,
} from "@solana/kit";
import { clientAddress, delegationPoolAddress, jobAddress, paymentMintAddress } from "./addresses.js";
import { isEnd } from "./deadlines.js";
import { ClientFailure, OutcomeUnknown } from "./failure.js";
import { NOBODY } from "./filter.js";
import type { Job, Network, PaymentMint } from "./generated/accounts/index.js";
import {
  getAcceptResultInstruction,
  getCancelJobInstruction,
  getPostJobInstructionAsync,
} from "./generated/instructions/index.js";
import { CreditRole, JobState } from "./generated/types/index.js";
import { fetchLayout, LAYOUTS } from "./layouts.js";
import {
  associatedAccount,
  chargeInstructions,
  closeInstruction,
  delegationRewardInstructions,
  feeInstruction,
  isClosable,
  payoutInstructions,
} from "./payouts.js";
import { isPostedWith } from "./posted.js";
import { fetchResult } from "./result.js";
import { singleAddresses } from "./single-addresses.js";
import { type ArtifactUris, Store } from "./store.js";
import { postJobArguments, type Terms } from "./terms.js";
import { type SendingConnections, sendInstructions } from "./transactions.js";
import { type WaitOptions, waitFor, waitForEnd } from "./wait.js";
import type { Work } from "./work.js";

/** What a market needs of an endpoint. */
export type MarketConnections = SendingConnections & {
  readonly rpc: Rpc<GetAccountInfoApi & GetMultipleAccountsApi & GetProgramAccountsApi & GetSlotApi>;
  readonly rpcSubscriptions: RpcSubscriptions<AccountNotificationsApi & ProgramNotificationsApi>;
};

/** Connections to an endpoint by its addresses. */
export function connect(rpcUrl: string, websocketUrl: string): MarketConnections {
  return { rpc: createSolanaRpc(rpcUrl), rpcSubscriptions: createSolanaRpcSubscriptions(websocketUrl) };
}

/** A job that is on-chain. */
export interface Posted {
  readonly address: Address;
  readonly jobId: bigint;
  /** Of the transaction that posted it; none where an earlier attempt had posted it already. */
  readonly signature: Signature | null;
}

/** How a job is posted. */
export interface PostOptions {
  /**
   * The client's number for the job; its next one. The program takes each number once and in order: whoever repeats a post with the
   * same number never pays for a second job.
   */
  readonly jobId?: bigint;
}

/** What came back. */
export interface Reclaimed {
  /** Base units of the payment mint. */
  readonly refund: bigint;
  /** Base units of the stake mint: the charge that a missed claim cost its node. */
  readonly charge: bigint;
  /** Whether the job and its vault are closed and their rent is back. */
  readonly closed: boolean;
}

/** A market seen by one client. */
export class Market {
  constructor(
    readonly connections: MarketConnections,
    readonly payer: TransactionSigner,
  ) {}

  /** The network: its parameters, mints and authorities. */
  async network(): Promise<Network> {
    const network = await fetchLayout(this.connections.rpc, LAYOUTS.network, singleAddresses.network);
    if (network !== null) return network;
    throw new ClientFailure(
      "T0402",
      "there is no Assay network on this cluster",
      "look at the address of the endpoint",
    );
  }

  /** The record of a payment mint. `T0402` where governance has allowed none. */
  async paymentMint(mint: Address): Promise<PaymentMint> {
    const record = await fetchLayout(this.connections.rpc, LAYOUTS.paymentMint, await paymentMintAddress(mint));
    if (record !== null) return record;
    throw new ClientFailure(
      "T0402",
      `${mint} is no payment mint of this network`,
      "pay in a mint that governance allows",
    );
  }

  /** A job; none if there is none at this address. `T0404` if something else is there. */
  job(address: Address): Promise<Job | null> {
    return fetchLayout(this.connections.rpc, LAYOUTS.job, address);
  }

  /** The number that the payer's next job gets. */
  async nextJobId(): Promise<bigint> {
    const counter = await fetchLayout(this.connections.rpc, LAYOUTS.client, await clientAddress(this.payer.address));
    return counter?.nextJobId ?? 0n;
  }

  /**
   * Posts a job and escrows its maximum price out of the payer's associated token account. `T0405`, with the job's number, where
   * nobody said whether it was posted: with the same `jobId` it is posted once or not at all, without one a second job may be.
   * Returns the job of an earlier attempt where that one has posted it.
   */
  async post(
    work: Work,
    artifacts: ArtifactUris,
    terms: Terms,
    paymentMint: Address,
    options: PostOptions = {},
  ): Promise<Posted> {
    const [network, mint] = await Promise.all([this.network(), this.paymentMint(paymentMint)]);
    const jobId = options.jobId ?? (await this.nextJobId());
    const address = await jobAddress(this.payer.address, jobId);
    const args = postJobArguments(terms, jobId, work, artifacts, network, mint);
    const isThere = async () => {
      const job = await this.job(address);
      return job !== null && isPostedWith(job, args, paymentMint);
    };
    if (options.jobId !== undefined && (await isThere())) return { address, jobId, signature: null };
    const instruction = await getPostJobInstructionAsync({
      client: this.payer,
      paymentMint: await paymentMintAddress(paymentMint),
      mint: paymentMint,
      job: address,
      source: await associatedAccount(this.payer.address, mint),
      tokenProgram: mint.tokenProgram,
      args,
    });
    try {
      return { address, jobId, signature: await this.send(instruction) };
    } catch (failure) {
      const signature = failure instanceof OutcomeUnknown ? failure.signature : null;
      // It may have been posted although nobody said so; a second one would be paid for twice.
      if (await isThere().catch(() => false)) return { address, jobId, signature };
      if (signature === null) throw failure;
      throw new OutcomeUnknown(signature, jobId, { cause: failure });
    }
  }

  /** Waits until a node has committed to a result, or the job has ended without one. */
  waitForResult(job: Address, options: WaitOptions = {}): Promise<Job> {
    const isReached = ({ state }: Job) => state === JobState.Committed || state === JobState.Accepted || isEnd(state);
    return waitFor(this.connections, job, isReached, this.stating(options));
  }

  /** Waits until a job has ended, and ends it where only a deadline is left to state. */
  waitForEnd(job: Address, options: WaitOptions = {}): Promise<Job> {
    return waitForEnd(this.connections, job, this.stating(options));
  }

  /** The output of a job from its store or its node. Its root is the committed one, whoever served it. */
  async result(work: Work, job: Job, signal?: AbortSignal): Promise<Uint8Array> {
    return fetchResult(work, job, await this.stores(job), signal);
  }

  /** Who may serve a job's result, in the order in which they are to be asked. */
  async stores(job: Pick<Job, "storeUri" | "node">): Promise<Store[]> {
    const bases = job.storeUri === "" ? [] : [job.storeUri];
    if (job.node !== NOBODY) {
      const node = await fetchLayout(this.connections.rpc, LAYOUTS.node, job.node);
      if (node !== null && node.endpoint !== "") bases.push(node.endpoint);
    }
    return bases.map((base) => new Store(base));
  }

  /** Accepts a committed result: the node is paid at once, its bond stays locked until the window is over. */
  accept(job: Address): Promise<Signature> {
    return this.send(getAcceptResultInstruction({ client: this.payer, job }));
  }

  /** Takes an unclaimed job back. */
  cancel(job: Address): Promise<Signature> {
    return this.send(getCancelJobInstruction({ client: this.payer, job }));
  }

  /** Takes out of an ended job what it owes to everybody, and closes it if nothing is left inside. */
  async reclaim(address: Address): Promise<Reclaimed> {
    const job = await this.endedJob(address);
    const [network, mint] = await Promise.all([this.network(), this.paymentMint(job.paymentMint)]);
    if (job.credits.client > 0n) {
      await this.send(...(await payoutInstructions(this.payer, address, job, CreditRole.Client, mint)));
    }
    if (job.chargeCredit > 0n) {
      const stakeMint = await this.paymentMint(network.stakeMint);
      await this.send(...(await chargeInstructions(this.payer, address, job, stakeMint)));
    }
    if (job.credits.delegators > 0n) {
      const pool = await fetchLayout(
        this.connections.rpc,
        LAYOUTS.delegationPool,
        await delegationPoolAddress(job.node),
      );
      await this.tryTo(...(await delegationRewardInstructions(this.payer, address, job, pool, mint)));
    }
    // What nobody delegates for becomes a credit of the node or a fee, and a fee in the stake mint may reward the node.
    const shared = await this.job(address);
    if (shared !== null && shared.credits.fee > 0n) await this.tryTo(feeInstruction(address, network, mint));
    const now = await this.job(address);
    if (now !== null && now.credits.node > 0n) {
      await this.tryTo(...(await payoutInstructions(this.payer, address, now, CreditRole.Node, mint)));
    }
    return { refund: job.credits.client, charge: job.chargeCredit, closed: await this.close(address, mint) };
  }

  /** Sends instructions as one transaction that the payer signs and pays for. */
  send(...instructions: readonly Instruction[]): Promise<Signature> {
    return sendInstructions(this.connections, this.payer, instructions);
  }

  private stating(options: WaitOptions): WaitOptions {
    return { send: (instruction) => this.send(instruction), ...options };
  }

  private async endedJob(address: Address): Promise<Job> {
    const job = await this.job(address);
    if (job === null) throw new ClientFailure("T0401", `there is no job ${address}`, "it may have been closed already");
    if (isEnd(job.state)) return job;
    const state = JobState[job.state].toLowerCase();
    throw new ClientFailure("T0401", `job ${address} has not ended, it is ${state}`, "wait for its end first");
  }

  /** What others may do at this very moment: if they were faster, that is as good. */
  private async tryTo(...instructions: readonly (Instruction | Promise<Instruction>)[]): Promise<void> {
    await this.send(...(await Promise.all(instructions))).catch((failure: unknown) => {
      if (!(failure instanceof ClientFailure)) throw failure;
    });
  }

  private async close(address: Address, mint: PaymentMint): Promise<boolean> {
    const job = await this.job(address);
    if (job === null) return true;
    if (!isClosable(job)) return false;
    await this.tryTo(closeInstruction(address, job, mint));
    return (await this.job(address)) === null;
  }
}
