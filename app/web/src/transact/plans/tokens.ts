/** Token accounts of keys. */
import { associatedAccount, type TokenMint } from "@assay/client";
import { type Address, address, createNoopSigner, type Instruction } from "@solana/kit";
import { getCreateAssociatedTokenIdempotentInstruction } from "@solana-program/token";

/** The program that owns stake: the stake mint has no extensions. */
export const TOKEN_PROGRAM = address("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");

/** Creates the associated token account of `owner` if it is not there. */
export async function createAssociated(token: TokenMint, owner: Address, payer: Address): Promise<Instruction> {
  return getCreateAssociatedTokenIdempotentInstruction({
    payer: createNoopSigner(payer),
    ata: await associatedAccount(owner, token),
    owner,
    mint: token.mint,
    tokenProgram: token.tokenProgram,
  });
}
