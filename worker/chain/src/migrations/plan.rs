//! What the chain lacks.

use super::desired::{Desired, DesiredGovernance, DesiredMint};
use crate::chain::Chain;
use crate::deploy::{ProgramOnChain, read_program_file};
use crate::error::{ChainError, Result};
use crate::governance::{NetworkLayout, OutdatedAccounts};
use assay::state::{Change, Network, Parameters, PaymentMint};
use solana_sdk::pubkey::Pubkey;
use std::fmt;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Put the program on the chain.
    DeployProgram {
        /// Its address.
        program: Pubkey,
        /// Size of the file.
        image_bytes: usize,
    },
    /// Replace the program.
    UpgradeProgram {
        /// Its address.
        program: Pubkey,
        /// Size of the file.
        image_bytes: usize,
    },
    /// Create the network.
    InitialiseNetwork {
        /// What nodes will stake.
        stake_mint: Pubkey,
        /// Whether dispute clocks may be short, for ever.
        development: bool,
        /// The first parameters.
        parameters: Parameters,
        /// How it is governed.
        governance: DesiredGovernance,
    },
    /// Create the register of what all nodes weigh.
    CreateStakeRegister,
    /// Bring the network to the layout of this program. What it lacks besides shows in the next plan.
    MigrateNetwork,
    /// Bring nodes and jobs to the layout of this program: until then nobody can do anything about them, and deadlines run.
    MigrateAccounts {
        /// Their addresses.
        outdated: OutdatedAccounts,
    },
    /// Change parameters.
    SetParameters {
        /// As they are.
        from: Parameters,
        /// As they should be.
        to: Parameters,
    },
    /// Change the share of fees that burns.
    SetFeeBurn {
        /// As it is.
        from: u16,
        /// As it should be.
        to: u16,
    },
    /// Name another guardian.
    SetGuardian {
        /// Who it is.
        from: Pubkey,
        /// Who it should be.
        to: Pubkey,
    },
    /// Allow a mint for payments.
    AllowPaymentMint(DesiredMint),
    /// Change what was decided about a mint.
    SetPaymentMint(DesiredMint),
    /// Change how long changes wait. Comes last, so that the others of a plan wait as they do now.
    SetTimelock {
        /// As it is.
        from: u64,
        /// As it should be.
        to: u64,
    },
}

impl Action {
    /// The change that has to be proposed for it; nothing for what is done without governance.
    pub fn change(&self) -> Option<Change> {
        match *self {
            Self::DeployProgram { .. }
            | Self::UpgradeProgram { .. }
            | Self::InitialiseNetwork { .. }
            | Self::MigrateNetwork
            | Self::MigrateAccounts { .. }
            | Self::CreateStakeRegister => None,
            Self::SetParameters { to, .. } => Some(Change::Parameters { parameters: to }),
            Self::SetFeeBurn { to, .. } => Some(Change::FeeBurn { fee_burn_bps: to }),
            Self::SetGuardian { to, .. } => Some(Change::Guardian { guardian: to }),
            Self::AllowPaymentMint(DesiredMint { mint, bond_numerator, bond_denominator, .. }) => {
                Some(Change::AllowPaymentMint { mint, bond_numerator, bond_denominator })
            }
            Self::SetPaymentMint(DesiredMint { mint, enabled, bond_numerator, bond_denominator }) => {
                Some(Change::SetPaymentMint { mint, enabled, bond_numerator, bond_denominator })
            }
            Self::SetTimelock { to, .. } => Some(Change::Timelock { timelock_slots: to }),
        }
    }
}

/// Everything to do, in order; empty where everything is as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The actions.
    pub actions: Vec<Action>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }
}

/// What the chain looks like, as far as migrations care.
struct Present {
    program: Option<ProgramOnChain>,
    network: Option<Network>,
    /// Whether there is a register of stake.
    stake_register: bool,
    /// Whether there is one, but in an earlier layout.
    outdated: bool,
    /// Nodes and jobs in an earlier layout.
    outdated_accounts: OutdatedAccounts,
    /// In the order of the desired mints.
    payment_mints: Vec<Option<PaymentMint>>,
}

/// Compares `desired` with the chain; `authority` would sign. Changes nothing.
///
/// `C0140` when the program file cannot be used, `C0141` when the program differs and the authority may not upgrade it,
/// `C0152` when the network stakes another mint, `C0153` when something is to be changed and another key governs.
pub async fn plan(chain: &Chain, desired: &Desired, authority: &Pubkey) -> Result<Plan> {
    let image = read_program_file(&desired.program_file)?;
    let mut payment_mints = Vec::new();
    for mint in &desired.payment_mints {
        payment_mints.push(chain.find_payment_mint(&mint.mint).await?);
    }
    let outdated = chain.network_layout().await? == NetworkLayout::Outdated;
    let network = if outdated { None } else { chain.find_network().await? };
    let program = chain.program(&desired.program).await?;
    let outdated_accounts = match program {
        Some(_) => chain.outdated_accounts().await?,
        None => OutdatedAccounts::default(),
    };
    let stake_register = chain.find_stake_register().await?.is_some();
    let present = Present { program, network, stake_register, outdated, outdated_accounts, payment_mints };
    compare(desired, &image, &present, authority)
}

fn compare(desired: &Desired, image: &[u8], present: &Present, authority: &Pubkey) -> Result<Plan> {
    let mut actions = Vec::new();
    let (program, image_bytes) = (desired.program, image.len());
    match &present.program {
        None => actions.push(Action::DeployProgram { program, image_bytes }),
        Some(existing) if existing.runs(image) => {}
        Some(existing) => {
            if existing.upgrade_authority != Some(*authority) {
                let reason = match existing.upgrade_authority {
                    Some(other) => format!("its upgrade authority is {other}"),
                    None => "it is final".to_owned(),
                };
                return Err(ChainError::NotUpgradeAuthority { program, authority: *authority, reason });
            }
            actions.push(Action::UpgradeProgram { program, image_bytes });
        }
    }
    if present.outdated {
        actions.push(Action::MigrateNetwork);
    }
    if !present.outdated_accounts.is_empty() {
        actions.push(Action::MigrateAccounts { outdated: present.outdated_accounts.clone() });
    }
    if present.outdated {
        return Ok(Plan { actions });
    }
    let (mut governed, mut timelock) = (Vec::new(), None);
    match &present.network {
        None => {
            let Desired { stake_mint, development, parameters, governance, .. } = *desired;
            actions.push(Action::InitialiseNetwork { stake_mint, development, parameters, governance });
        }
        Some(network) => {
            if network.stake_mint != desired.stake_mint {
                return Err(ChainError::MigrationConflict {
                    reason: format!(
                        "the network stakes {}, the migrations say {}: a stake mint never changes, correct the migrations",
                        network.stake_mint, desired.stake_mint
                    ),
                });
            }
            if network.development != desired.development {
                return Err(ChainError::MigrationConflict {
                    reason: format!(
                        "the network's development is {}, the migrations say {}: it never changes, correct the migrations",
                        network.development, desired.development
                    ),
                });
            }
            if desired.parameters.check_follows(&network.parameters).is_err() {
                let (present, wanted) = (&network.parameters.scheduling, &desired.parameters.scheduling);
                return Err(ChainError::MigrationConflict {
                    reason: format!(
                        "the network's scheduling.epoch_slots and correlation_window_slots are {} and {}, the migrations say {} and {}: they never change, correct the migrations",
                        present.epoch_slots,
                        present.correlation_window_slots,
                        wanted.epoch_slots,
                        wanted.correlation_window_slots
                    ),
                });
            }
            if network.parameters != desired.parameters {
                governed.push(Action::SetParameters { from: network.parameters, to: desired.parameters });
            }
            let wanted = &desired.governance;
            if network.fee_burn_bps != wanted.fee_burn_bps {
                governed.push(Action::SetFeeBurn { from: network.fee_burn_bps, to: wanted.fee_burn_bps });
            }
            if let Some(to) = wanted.guardian.filter(|guardian| *guardian != network.guardian) {
                governed.push(Action::SetGuardian { from: network.guardian, to });
            }
            if network.timelock_slots != wanted.timelock_slots {
                timelock = Some(Action::SetTimelock { from: network.timelock_slots, to: wanted.timelock_slots });
            }
        }
    }
    if !present.stake_register {
        actions.push(Action::CreateStakeRegister);
    }
    for (mint, present) in desired.payment_mints.iter().zip(&present.payment_mints) {
        match present {
            None => {
                governed.push(Action::AllowPaymentMint(mint.clone()));
                // A mint is allowed enabled; switching it off is a change of its own.
                if !mint.enabled {
                    governed.push(Action::SetPaymentMint(mint.clone()));
                }
            }
            Some(present) if differs(mint, present) => governed.push(Action::SetPaymentMint(mint.clone())),
            Some(_) => {}
        }
    }
    governed.extend(timelock);
    if let Some(network) = present.network.as_ref().filter(|network| network.authority != *authority)
        && !governed.is_empty()
    {
        return Err(ChainError::NotNetworkAuthority { authority: network.authority, signer: *authority });
    }
    actions.extend(governed);
    Ok(Plan { actions })
}

fn differs(desired: &DesiredMint, present: &PaymentMint) -> bool {
    (desired.enabled, desired.bond_numerator, desired.bond_denominator)
        != (present.enabled, present.bond_numerator, present.bond_denominator)
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeployProgram { program, image_bytes } => {
                write!(formatter, "deploy the program {program} ({image_bytes} bytes)")
            }
            Self::UpgradeProgram { program, image_bytes } => {
                write!(formatter, "upgrade the program {program} ({image_bytes} bytes)")
            }
            Self::InitialiseNetwork { stake_mint, development, parameters, governance } => {
                let kind = if *development { "development network" } else { "network" };
                write!(
                    formatter,
                    "initialise the {kind} with stake mint {stake_mint}, {parameters:?} and {governance:?}"
                )
            }
            Self::MigrateNetwork => write!(formatter, "bring the network to the layout of this program"),
            Self::MigrateAccounts { outdated } => write!(formatter, "bring {outdated} to the layout of this program"),
            Self::CreateStakeRegister => write!(formatter, "create the register of what all nodes weigh"),
            Self::SetParameters { from, to } => write!(formatter, "set parameters from {from:?} to {to:?}"),
            Self::SetFeeBurn { from, to } => write!(formatter, "set fee_burn_bps from {from} to {to}"),
            Self::SetGuardian { from, to } => write!(formatter, "set the guardian from {from} to {to}"),
            Self::SetTimelock { from, to } => write!(formatter, "set timelock_slots from {from} to {to}"),
            Self::AllowPaymentMint(mint) => write!(
                formatter,
                "allow payments in {}, {} base units of stake for {} of it",
                mint.mint, mint.bond_numerator, mint.bond_denominator
            ),
            Self::SetPaymentMint(mint) => write!(
                formatter,
                "set the payment mint {}: enabled {}, {} base units of stake for {} of it",
                mint.mint, mint.enabled, mint.bond_numerator, mint.bond_denominator
            ),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return write!(formatter, "nothing to do: the chain is as the migrations say");
        }
        for (position, action) in self.actions.iter().enumerate() {
            let separator = if position == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{}. {action}", position + 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::desired::tests::variables;
    use super::*;

    const IMAGE: &[u8] = b"\x7fELF program";

    fn desired() -> Desired {
        Desired::builtin(&variables()).unwrap()
    }

    fn authority() -> Pubkey {
        Pubkey::new_from_array([1; 32])
    }

    /// A chain that is exactly as desired.
    fn finished() -> Present {
        let desired = desired();
        let mints = desired.payment_mints.iter().map(|mint| {
            Some(PaymentMint {
                version: PaymentMint::VERSION,
                bump: 0,
                fee_vault: Pubkey::new_from_array([3; 32]),
                enabled: mint.enabled,
                freezable: false,
                decimals: 6,
                mint: mint.mint,
                token_program: spl_token_interface::ID,
                bond_numerator: mint.bond_numerator,
                bond_denominator: mint.bond_denominator,
            })
        });
        Present {
            program: Some(ProgramOnChain {
                upgrade_authority: Some(authority()),
                deployed_slot: 1,
                bytes: IMAGE.to_vec(),
            }),
            network: Some(Network {
                version: Network::VERSION,
                bump: 0,
                stake_vault: Pubkey::new_from_array([4; 32]),
                authority: authority(),
                pending_authority: Pubkey::default(),
                stake_mint: desired.stake_mint,
                genesis_hash: [6; 32],
                development: desired.development,
                parameters: desired.parameters,
                validator_stake: 0,
                guardian: Pubkey::new_from_array([5; 32]),
                timelock_slots: desired.governance.timelock_slots,
                paused_until_slot: 0,
                pause_allowed_slot: 0,
                proposals: 3,
                fee_burn_bps: desired.governance.fee_burn_bps,
            }),
            stake_register: true,
            outdated: false,
            outdated_accounts: OutdatedAccounts::default(),
            payment_mints: mints.collect(),
        }
    }

    fn nothing() -> Present {
        Present {
            program: None,
            network: None,
            stake_register: false,
            outdated: false,
            outdated_accounts: OutdatedAccounts::default(),
            payment_mints: vec![None],
        }
    }

    fn kinds(present: &Present) -> Vec<String> {
        let plan = compare(&desired(), IMAGE, present, &authority()).unwrap();
        plan.actions.iter().map(|action| format!("{action:?}").split([' ', '(']).next().unwrap().to_owned()).collect()
    }

    #[test]
    fn an_empty_chain_needs_everything_in_order() {
        let empty = nothing();
        assert_eq!(kinds(&empty), ["DeployProgram", "InitialiseNetwork", "CreateStakeRegister", "AllowPaymentMint"]);
    }

    #[test]
    fn a_finished_chain_needs_nothing_whoever_asks() {
        let stranger = Pubkey::new_from_array([9; 32]);
        assert!(compare(&desired(), IMAGE, &finished(), &stranger).unwrap().is_empty());
    }

    #[test]
    fn each_difference_is_one_action() {
        let mut present = finished();
        present.program.as_mut().unwrap().bytes = b"older".to_vec();
        assert_eq!(kinds(&present), ["UpgradeProgram"]);
        let mut present = finished();
        present.network.as_mut().unwrap().parameters.minimum_stake += 1;
        assert_eq!(kinds(&present), ["SetParameters"]);
        let mut present = finished();
        present.payment_mints[0].as_mut().unwrap().enabled = false;
        assert_eq!(kinds(&present), ["SetPaymentMint"]);
        let present = Present { stake_register: false, ..finished() };
        assert_eq!(kinds(&present), ["CreateStakeRegister"]);
        let mut present = finished();
        let network = present.network.as_mut().unwrap();
        (network.fee_burn_bps, network.timelock_slots, network.parameters.minimum_stake) = (1, 7, 9);
        assert_eq!(kinds(&present), ["SetParameters", "SetFeeBurn", "SetTimelock"], "the timelock last");
    }

    #[test]
    fn a_guardian_is_named_only_where_a_file_says_who() {
        let guardian = Pubkey::new_from_array([6; 32]);
        let mut desired = desired();
        desired.governance.guardian = Some(guardian);
        let plan = compare(&desired, IMAGE, &finished(), &authority()).unwrap();
        assert!(matches!(plan.actions[..], [Action::SetGuardian { to, .. }] if to == guardian));
    }

    /// What else an old network lacks cannot be read before it is migrated, which anybody may do.
    #[test]
    fn an_outdated_network_is_migrated_before_anything_else() {
        let stranger = Pubkey::new_from_array([9; 32]);
        let present = Present { network: None, outdated: true, ..finished() };
        let plan = compare(&desired(), IMAGE, &present, &stranger).unwrap();
        assert_eq!(plan.actions, [Action::MigrateNetwork]);
        let outdated = OutdatedAccounts { nodes: vec![stranger], jobs: Vec::new() };
        let accounts = Action::MigrateAccounts { outdated: outdated.clone() };
        let present = Present { outdated_accounts: outdated.clone(), ..present };
        let plan = compare(&desired(), IMAGE, &present, &stranger).unwrap();
        assert_eq!(plan.actions, [Action::MigrateNetwork, accounts.clone()]);
        let present = Present { outdated_accounts: outdated, ..finished() };
        let plan = compare(&desired(), IMAGE, &present, &stranger).unwrap();
        assert_eq!(plan.actions, [accounts]);
    }

    #[test]
    fn a_mint_that_should_be_off_is_allowed_and_switched_off() {
        let mut desired = desired();
        desired.payment_mints[0].enabled = false;
        let present = Present { payment_mints: vec![None], ..finished() };
        let plan = compare(&desired, IMAGE, &present, &authority()).unwrap();
        assert!(matches!(plan.actions[..], [Action::AllowPaymentMint(_), Action::SetPaymentMint(_)]));
    }

    #[test]
    fn what_the_key_may_not_change_is_refused_by_code() {
        let stranger = Pubkey::new_from_array([9; 32]);
        let code = |present: &Present| compare(&desired(), IMAGE, present, &stranger).unwrap_err().code();
        let mut present = finished();
        present.program.as_mut().unwrap().bytes = b"older".to_vec();
        assert_eq!(code(&present), "C0141");
        present.program.as_mut().unwrap().upgrade_authority = None;
        assert_eq!(code(&present), "C0141");
        let mut present = finished();
        present.network.as_mut().unwrap().parameters.minimum_stake += 1;
        assert_eq!(code(&present), "C0153");
        let mut present = finished();
        present.network.as_mut().unwrap().stake_mint = stranger;
        assert_eq!(code(&present), "C0152");
        let mut present = finished();
        present.network.as_mut().unwrap().development = false;
        assert_eq!(code(&present), "C0152");
        let mut present = finished();
        present.network.as_mut().unwrap().parameters.scheduling.epoch_slots += 1;
        assert_eq!(code(&present), "C0152");
    }

    #[test]
    fn a_plan_reads_as_a_list() {
        let empty = nothing();
        let text = compare(&desired(), IMAGE, &empty, &authority()).unwrap().to_string();
        assert!(text.starts_with("1. deploy the program") && text.contains("\n4. allow payments"), "{text}");
        assert!(Plan::default().to_string().contains("nothing to do"));
    }
}
