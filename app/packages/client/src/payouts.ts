/** Taking out of an ended job what it owes, and closing it: the instructions, in their order. */
import type { Address, Instruction, TransactionSigner } from "@solana/kit";
import { findAssociatedTokenPda, getCreateAssociatedTokenIdempotentInstructionAsync } from "@solana-program/token";
import {
  clientAddress,
  delegationPoolAddress,
  delegationRewardsAddress,
  feeVaultAddress,
  paymentMintAddress,
  vaultAddress,
} from "./addresses.js";
import { isEnd } from "./deadlines.js";
import { NOBODY } from "./filter.js";
import type { DelegationPool, Job, Network, PaymentMint } from "./generated/accounts/index.js";
import {
  getAddRewardMintInstruction,
  getBurnFeeInstruction,
  getCloseJobInstruction,
  getCollectDelegationRewardInstruction,
  getSweepFeeInstruction,
  getWithdrawChargeInstruction,
  getWithdrawCreditInstruction,
} from "./generated/instructions/index.js";
import { CreditRole, JobState } from "./generated/types/index.js";

/** A mint with the token program that owns it. */
export type TokenMint = Pick<PaymentMint, "mint" | "tokenProgram">;

/** The associated token account of a key: where payouts go unless the payee says otherwise. */
export async function associatedAccount(owner: Address, { mint, tokenProgram }: TokenMint): Promise<Address> {
  const [account] = await findAssociatedTokenPda({ owner, mint, tokenProgram });
  return account;
}

/** What is owed to a key by a job that has ended: as its client, as its payee, or both. */
export function owedTo(job: Job, key: Address): { readonly credit: bigint; readonly charge: bigint } {
  const asClient = key === job.client ? job.credits.client : 0n;
  const asPayee = key === job.payee ? job.credits.node : 0n;
  return { credit: asClient + asPayee, charge: key === job.client ? job.chargeCredit : 0n };
}

/**
 * Pays a credit out to the payee's associated account, which is created where it is missing. Anybody may send this: the payee
 * gets the tokens whoever signs.
 */
export async function payoutInstructions(
  authority: TransactionSigner,
  address: Address,
  job: Pick<Job, "client" | "payee">,
  role: CreditRole,
  mint: TokenMint,
): Promise<Instruction[]> {
  const owner = role === CreditRole.Client ? job.client : job.payee;
  const [destination, associatedBump] = await findAssociatedTokenPda({ owner, ...mint });
  return [
    await createAssociated(authority, owner, mint),
    getWithdrawCreditInstruction({
      authority,
      job: address,
      vault: await vaultAddress(address),
      mint: mint.mint,
      destination,
      tokenProgram: mint.tokenProgram,
      role,
      associatedBump,
    }),
  ];
}

/** Pays the charge of a missed claim out to the job's client. */
export async function chargeInstructions(
  authority: TransactionSigner,
  address: Address,
  job: Pick<Job, "client">,
  stakeMint: TokenMint,
): Promise<Instruction[]> {
  return [
    await createAssociated(authority, job.client, stakeMint),
    getWithdrawChargeInstruction({
      authority,
      job: address,
      stakeMint: stakeMint.mint,
      destination: await associatedAccount(job.client, stakeMint),
      tokenProgram: stakeMint.tokenProgram,
    }),
  ];
}

/** Takes the protocol's fee out of a job: burned in part where it is in the stake mint, swept to the treasury else. */
export async function feeInstruction(
  address: Address,
  network: Pick<Network, "stakeMint">,
  mint: TokenMint,
): Promise<Instruction> {
  const accounts = {
    job: address,
    vault: await vaultAddress(address),
    paymentMint: await paymentMintAddress(mint.mint),
    mint: mint.mint,
    feeVault: await feeVaultAddress(mint.mint),
    tokenProgram: mint.tokenProgram,
  };
  return network.stakeMint === mint.mint ? getBurnFeeInstruction(accounts) : getSweepFeeInstruction(accounts);
}

/**
 * Moves the delegators' share of a job into the pool of its node; none where the node has none. A pool that shares no rewards in this
 * mint yet is made to, at the payer's expense, if it has a place left.
 */
export async function delegationRewardInstructions(
  payer: TransactionSigner,
  address: Address,
  job: Pick<Job, "node">,
  pool: Pick<DelegationPool, "stake" | "rewards"> | null,
  { mint, tokenProgram }: TokenMint,
): Promise<Instruction[]> {
  const poolAddress = await delegationPoolAddress(job.node);
  const rewardVault = await delegationRewardsAddress(poolAddress, mint);
  const isShared = pool?.rewards.some((place) => place.mint === mint) ?? false;
  const hasPlace = pool?.rewards.some((place) => place.mint === NOBODY) ?? false;
  const isWanted = !isShared && hasPlace && pool !== null && pool.stake.active.shares > 0n;
  const accounts = { job: address, pool: poolAddress, mint, tokenProgram };
  const collect = getCollectDelegationRewardInstruction({
    ...accounts,
    vault: await vaultAddress(address),
    ...((isShared || isWanted) && { rewardVault }),
  });
  if (!isWanted) return [collect];
  const paymentMint = await paymentMintAddress(mint);
  return [getAddRewardMintInstruction({ ...accounts, payer, node: job.node, paymentMint, rewardVault }), collect];
}

/** Closes a job that owes nothing; all rent returns to its client. */
export async function closeInstruction(
  address: Address,
  job: Pick<Job, "client">,
  mint: TokenMint,
): Promise<Instruction> {
  return getCloseJobInstruction({
    job: address,
    vault: await vaultAddress(address),
    client: job.client,
    clientAccount: await clientAddress(job.client),
    paymentMint: await paymentMintAddress(mint.mint),
    mint: mint.mint,
    feeVault: await feeVaultAddress(mint.mint),
    tokenProgram: mint.tokenProgram,
  });
}

/** Whether a job has ended and owes nothing, so that it can be closed. */
export function isClosable(job: Job): boolean {
  const { node, client, fee, audits, delegators } = job.credits;
  const owes = node + client + fee + audits + delegators + job.chargeCredit + job.record.burnCredit;
  const unsettled = job.state === JobState.Convicted && !job.record.settled;
  return isEnd(job.state) && !unsettled && job.audit.openAttestations === 0 && owes === 0n;
}

function createAssociated(payer: TransactionSigner, owner: Address, { mint, tokenProgram }: TokenMint) {
  return getCreateAssociatedTokenIdempotentInstructionAsync({ payer, owner, mint, tokenProgram });
}
