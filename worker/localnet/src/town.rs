//! Mints and money on a test chain.

use crate::error::LocalnetError;
use assay_chain::instructions::TokenMint;
use assay_chain::{Chain, Sender};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use spl_token_interface::instruction::{initialize_mint2, mint_to as mint_to_instruction};
use spl_token_interface::state::Mint;
use solana_sdk::program_pack::Pack;
use std::time::Duration;

/// What one key gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funding {
    /// For fees and rent.
    pub lamports: u64,
    /// Base units of the stake mint.
    pub stake: u64,
    /// Base units of the payment mint.
    pub payment: u64,
}

/// The mints of a test chain and the key that prints their tokens.
#[derive(Debug)]
pub struct Town {
    /// Signs for everything: payer, mint authority, and authority of the network.
    pub authority: Keypair,
    /// The network's mint.
    pub stake_mint: TokenMint,
    /// A mint in which jobs are paid.
    pub payment_mint: TokenMint,
}

impl Town {
    /// Funds the authority and creates both mints, 6 decimals each, without a freeze authority.
    ///
    /// # Errors
    /// The chain refuses or does not answer.
    pub async fn found(sender: &Sender, authority: Keypair) -> Result<Self, LocalnetError> {
        fund(sender.chain(), &authority.pubkey(), 1_000_000_000_000).await?;
        let stake_mint = create_mint(sender, &authority, 6).await?;
        let payment_mint = create_mint(sender, &authority, 6).await?;
        Ok(Self { authority, stake_mint, payment_mint })
    }

    /// Gives `owner` lamports and tokens in its associated accounts.
    ///
    /// # Errors
    /// The chain refuses or does not answer.
    pub async fn furnish(&self, sender: &Sender, owner: &Pubkey, funding: Funding) -> Result<(), LocalnetError> {
        if funding.lamports > 0 {
            fund(sender.chain(), owner, funding.lamports).await?;
        }
        for (mint, amount) in [(self.stake_mint, funding.stake), (self.payment_mint, funding.payment)] {
            if amount > 0 {
                mint_to(sender, &self.authority, mint, owner, amount).await?;
            }
        }
        Ok(())
    }
}

/// Airdrops lamports and waits until they are there.
///
/// # Errors
/// The endpoint gives none, or not in time.
pub async fn fund(chain: &Chain, owner: &Pubkey, lamports: u64) -> Result<(), LocalnetError> {
    let before = chain.balance_lamports(owner).await?;
    chain
        .rpc()
        .request_airdrop(owner, lamports)
        .await
        .map_err(|error| LocalnetError::Instruction(format!("the endpoint gives no airdrop: {error}")))?;
    for _ in 0..200 {
        if chain.balance_lamports(owner).await? > before {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(LocalnetError::Instruction(format!("the airdrop for {owner} did not arrive within 10 s")))
}

/// Creates an SPL Token mint whose authority is `authority`, without a freeze authority.
///
/// # Errors
/// The chain refuses or does not answer.
pub async fn create_mint(sender: &Sender, authority: &Keypair, decimals: u8) -> Result<TokenMint, LocalnetError> {
    let mint = Keypair::new();
    let rent = sender.chain().rent_exempt_lamports(Mint::LEN).await?;
    let program = spl_token_interface::ID;
    let create = solana_system_interface::instruction::create_account(
        &authority.pubkey(),
        &mint.pubkey(),
        rent,
        Mint::LEN as u64,
        &program,
    );
    let initialize = initialize_mint2(&program, &mint.pubkey(), &authority.pubkey(), None, decimals)
        .map_err(|error| LocalnetError::Instruction(error.to_string()))?;
    sender.execute(&[create, initialize], &[authority, &mint]).await?;
    Ok(TokenMint::spl_token(mint.pubkey()))
}

/// Prints tokens into the associated account of `owner`, creating it if need be.
///
/// # Errors
/// The chain refuses or does not answer.
pub async fn mint_to(
    sender: &Sender,
    authority: &Keypair,
    mint: TokenMint,
    owner: &Pubkey,
    amount: u64,
) -> Result<(), LocalnetError> {
    let account = mint.associated_account(owner);
    let create = mint.create_associated_account(&authority.pubkey(), owner);
    let print = mint_to_instruction(&mint.token_program, &mint.address, &account, &authority.pubkey(), &[], amount)
        .map_err(|error| LocalnetError::Instruction(error.to_string()))?;
    sender.execute(&[create, print], &[authority]).await?;
    Ok(())
}
