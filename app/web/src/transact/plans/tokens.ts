/** Token accounts of keys. */
import { type Address, createNoopSigner, type Instruction } from "@solana/kit";
import { findAssociatedTokenPda, getCreateAssociatedTokenIdempotentInstruction } from "@solana-program/token";

/** A mint with the program that owns it. */
export interface Token {
  readonly mint: Address;
  readonly tokenProgram: Address;
}

/** The program that owns stake: mints of it have no extensions. */
export const TOKEN_PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA" as Address;

/** The token account of `owner` that everybody can derive. */
export async function associated({ mint, tokenProgram }: Token, owner: Address): Promise<Address> {
  const [account] = await findAssociatedTokenPda({ owner, mint, tokenProgram });
  return account;
}

/** Creates that account if it is not there. */
export async function createAssociated(token: Token, owner: Address, payer: Address): Promise<Instruction> {
  return getCreateAssociatedTokenIdempotentInstruction({
    payer: createNoopSigner(payer),
    ata: await associated(token, owner),
    owner,
    mint: token.mint,
    tokenProgram: token.tokenProgram,
  });
}
