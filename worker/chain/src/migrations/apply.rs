//! Doing what a plan says.

use super::desired::Desired;
use super::plan::{Action, Plan};
use crate::deploy::{DeployProgress, Deployment, deploy, read_program_file};
use crate::error::{ChainError, Result};
use crate::governance::OutdatedAccounts;
use crate::instructions;
use crate::sender::Sender;
use assay::InitializeNetworkArgs;
use assay::state::{Change, Proposal};
use solana_sdk::{instruction::Instruction, signature::Keypair, signer::Signer};

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
    /// The action was proposed, now or before, and waits for the timelock; planning and applying again carries it out then.
    Waiting {
        /// Its position in the plan, from 0.
        position: usize,
        /// Number of the proposal.
        number: u64,
        /// The first slot in which it can be carried out.
        eta_slot: u64,
    },
    /// The action has to wait until another one of the plan is carried out.
    Postponed {
        /// Its position in the plan, from 0.
        position: usize,
    },
}

/// Does what `plan` says, in order. What governance decides is proposed, and carried out at once where the network has no timelock;
/// where it has one, a change that was proposed before is carried out when its time has come. If it stops in the middle, plan again and apply: what is done stays done.
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
            Action::InitialiseNetwork { stake_mint, development, parameters, governance } => {
                let stake_mint = sender.chain().token_mint(stake_mint).await?;
                let args = InitializeNetworkArgs {
                    parameters: *parameters,
                    genesis_hash: sender.chain().genesis_hash().await?.to_bytes(),
                    development: *development,
                    guardian: governance.guardian.unwrap_or_default(),
                    timelock_slots: governance.timelock_slots,
                    fee_burn_bps: governance.fee_burn_bps,
                };
                Some(instructions::initialize_network(&authority, stake_mint, args))
            }
            Action::MigrateNetwork => Some(instructions::migrate_network(&authority)),
            Action::MigrateAccounts { outdated } => {
                migrate_accounts(sender, credentials.authority, outdated).await?;
                None
            }
            Action::CreateStakeRegister => Some(instructions::create_stake_register(&authority)),
            governed => {
                let Some(change) = governed.change() else { continue };
                let step = govern(sender, credentials, change, position).await?;
                report(step);
                continue;
            }
        };
        if let Some(instruction) = instruction {
            sender.execute(&[instruction], &[credentials.authority]).await?;
        }
        report(Step::Done { position });
    }
    Ok(())
}

/// Brings accounts to today's layout: nodes, then jobs. Somebody else may do it at the same time: only one that is left as it was
/// is an error.
pub async fn migrate_accounts(sender: &Sender, payer: &Keypair, outdated: &OutdatedAccounts) -> Result<()> {
    let nodes = outdated.nodes.iter().map(|node| (node, instructions::migrate_node(&payer.pubkey(), node)));
    let jobs = outdated.jobs.iter().map(|job| (job, instructions::migrate_job(&payer.pubkey(), job)));
    for (address, migrate) in nodes.chain(jobs) {
        if let Err(error) = sender.execute(&[migrate], &[payer]).await
            && sender.chain().outdated_accounts().await?.contains(address)
        {
            return Err(error);
        }
    }
    Ok(())
}

/// Brings a change as far as the timelock lets it.
async fn govern(
    sender: &Sender,
    credentials: Credentials<'_>,
    change: Change,
    position: usize,
) -> Result<Step<'static>> {
    let (chain, authority) = (sender.chain(), credentials.authority.pubkey());
    let slot = chain.slot().await?;
    let proposals = chain.proposals().await?;
    let found = proposals.iter().find(|one| one.change == change && one.last_slot >= slot);
    if let Some(Proposal { number, proposer, eta_slot, .. }) = found {
        let (number, eta_slot) = (*number, *eta_slot);
        if eta_slot > slot {
            return Ok(Step::Waiting { position, number, eta_slot });
        }
        let execute = chain.execution(&authority, number, proposer, change).await?;
        sender.execute(&[execute], &[credentials.authority]).await?;
        return Ok(Step::Done { position });
    }
    if let Some(mint) = change.recorded_mint()
        && chain.find_payment_mint(&mint).await?.is_none()
    {
        return Ok(Step::Postponed { position });
    }
    let network = chain.network().await?;
    let number = network.proposals;
    let mut proposal: Vec<Instruction> = vec![instructions::propose_change(&authority, number, change)];
    if network.timelock_slots == 0 {
        proposal.push(chain.execution(&authority, number, &authority, change).await?);
    }
    sender.execute(&proposal, &[credentials.authority]).await?;
    match network.timelock_slots {
        0 => Ok(Step::Done { position }),
        _ => Ok(Step::Waiting { position, number, eta_slot: chain.proposal(number).await?.eta_slot }),
    }
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
