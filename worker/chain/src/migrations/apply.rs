//! Doing what a plan says.

use super::desired::{Desired, DesiredMint};
use super::plan::{Action, Plan};
use crate::deploy::{DeployProgress, Deployment, deploy, read_program_file};
use crate::error::{ChainError, Result};
use crate::instructions;
use crate::sender::Sender;
use solana_sdk::{signature::Keypair, signer::Signer};

/// Who signs migrations.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// Upgrade authority of the program and authority of the network; pays.
    pub authority: &'a Keypair,
    /// Keypair of the program's address; needed only for the first deployment.
    pub program_keypair: Option<&'a Keypair>,
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Credentials").field("authority", &self.authority.pubkey()).finish_non_exhaustive()
    }
}

/// Where the work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// An action begins.
    Begun {
        /// Its position in the plan, from 0.
        position: usize,
        /// The action.
        action: &'a Action,
    },
    /// A deployment goes on.
    Deploying(DeployProgress),
    /// The action is done.
    Done {
        /// Its position in the plan, from 0.
        position: usize,
    },
}

/// Does what `plan` says, in order. If it stops in the middle, plan again and apply: what is done stays done.
///
/// `C0151` on mainnet unless `allow_mainnet`; `C0152` where a development network would be initialised there.
pub async fn apply(
    sender: &Sender,
    desired: &Desired,
    plan: &Plan,
    credentials: Credentials<'_>,
    allow_mainnet: bool,
    mut report: impl FnMut(Step<'_>),
) -> Result<()> {
    if plan.is_empty() {
        return Ok(());
    }
    if sender.chain().is_mainnet().await? {
        if !allow_mainnet {
            return Err(ChainError::MainnetNotAllowed);
        }
        if plan.actions.iter().any(|action| matches!(action, Action::InitialiseNetwork { development: true, .. })) {
            let reason = "a development network has no place on mainnet: set development to false".to_owned();
            return Err(ChainError::MigrationConflict { reason });
        }
    }
    for (position, action) in plan.actions.iter().enumerate() {
        report(Step::Begun { position, action });
        let authority = credentials.authority.pubkey();
        let instruction = match action {
            Action::DeployProgram { .. } | Action::UpgradeProgram { .. } => {
                install(sender, desired, credentials, &mut report).await?;
                None
            }
            Action::InitialiseNetwork { stake_mint, development, parameters } => {
                let stake_mint = sender.chain().token_mint(stake_mint).await?;
                let genesis = sender.chain().genesis_hash().await?.to_bytes();
                Some(instructions::initialize_network(&authority, stake_mint, *parameters, genesis, *development))
            }
            Action::CreateStakeRegister => Some(instructions::create_stake_register(&authority)),
            Action::SetParameters { to, .. } => Some(instructions::set_parameters(&authority, *to)),
            Action::AllowPaymentMint(DesiredMint { mint, bond_numerator, bond_denominator, .. }) => {
                let mint = sender.chain().token_mint(mint).await?;
                Some(instructions::allow_payment_mint(&authority, mint, *bond_numerator, *bond_denominator))
            }
            Action::SetPaymentMint(DesiredMint { mint, enabled, bond_numerator, bond_denominator }) => {
                Some(instructions::set_payment_mint(&authority, mint, *enabled, *bond_numerator, *bond_denominator))
            }
        };
        if let Some(instruction) = instruction {
            sender.execute(&[instruction], &[credentials.authority]).await?;
        }
        report(Step::Done { position });
    }
    Ok(())
}

async fn install(
    sender: &Sender,
    desired: &Desired,
    credentials: Credentials<'_>,
    report: &mut impl FnMut(Step<'_>),
) -> Result<()> {
    let image = read_program_file(&desired.program_file)?;
    let deployment = Deployment {
        program: desired.program,
        program_keypair: credentials.program_keypair,
        payer: credentials.authority,
        authority: credentials.authority,
        image: &image,
    };
    deploy(sender, deployment, |progress| report(Step::Deploying(progress))).await.map(|_| ())
}
