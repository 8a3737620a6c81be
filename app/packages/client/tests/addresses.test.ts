import { type Address, getAddressEncoder } from "@solana/kit";
import { expect, test } from "vitest";
import * as client from "../src/index.js";
import { big, inner, small, text, vectors } from "./vectors.js";

test("every address is the one that the program derives", async () => {
  for (const vector of vectors("addresses")) {
    const [one, other] = [text(vector, "one") as Address, text(vector, "other") as Address];
    const [number, index] = [big(vector, "number"), small(vector, "index")];
    const hash = getAddressEncoder().encode(other);
    const key = inner(vector, "demand");
    const demand = {
      origin: hash,
      tree: small(key, "tree") as client.DemandTree,
      slot: small(key, "slot"),
      height: small(key, "height"),
      index: small(key, "index"),
    };
    const derived = {
      network: client.singleAddresses.network,
      stake_vault: client.singleAddresses.stakeVault,
      reward_pool: client.singleAddresses.rewardPool,
      reward_vault: client.singleAddresses.rewardVault,
      stake_register: client.singleAddresses.stakeRegister,
      event_authority: client.singleAddresses.eventAuthority,
      payment_mint: await client.paymentMintAddress(one),
      fee_vault: await client.feeVaultAddress(one),
      client: await client.clientAddress(one),
      node: await client.nodeAddress(one, index),
      job: await client.jobAddress(one, number),
      vault: await client.vaultAddress(one),
      challenge: await client.challengeAddress(one, other),
      buffer: await client.bufferAddress(one, number),
      segment_claim: await client.segmentClaimAddress(one, index, other),
      demand: await client.demandAddress(one, demand),
      validator: await client.validatorAddress(one),
      attestation: await client.attestationAddress(one, other),
      session: await client.sessionAddress(one, number),
      receipt: await client.receiptAddress(one, hash),
      budget: await client.budgetAddress(one, index),
      proposal: await client.proposalAddress(number),
      delegation_pool: await client.delegationPoolAddress(one),
      delegation: await client.delegationAddress(one, other),
      delegation_rewards: await client.delegationRewardsAddress(one, other),
    };
    expect(derived).toEqual(vector.derived);
  }
});
