//! Instructions about who may claim: the register of weights, profiles, seeds, signs of life, and the charge for company.

use super::{TokenMint, build};
use assay::instruction as data;
use assay::state::Profile;
use assay::{AnnounceMaintenanceArgs, SetProfileArgs, accounts, address};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

/// Creates the register of what all nodes weigh; anyone pays, once.
pub fn create_stake_register(payer: &Pubkey) -> Instruction {
    build(
        accounts::CreateStakeRegister {
            payer: *payer,
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            system_program: solana_system_interface::program::ID,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CreateStakeRegister {},
    )
}

/// Replaces what a node says of itself; its operator signs.
pub fn set_profile(operator: &Pubkey, node: &Pubkey, profile: Profile) -> Instruction {
    build(
        accounts::SetProfile {
            operator: *operator,
            node: *node,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::SetProfile { args: SetProfileArgs { profile } },
    )
}

/// Weighs a node anew; nobody has to sign.
pub fn weigh_node(node: &Pubkey) -> Instruction {
    build(
        accounts::WeighNode {
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            node: *node,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::WeighNode {},
    )
}

/// Records the slot hash that decides who may claim a job; nobody has to sign.
pub fn seal_seed(job: &Pubkey) -> Instruction {
    build(
        accounts::SealSeed { job: *job, event_authority: address::EVENT_AUTHORITY, program: assay::ID },
        data::SealSeed {},
    )
}

/// Says that a node is there, and accounts for its misses; its operator signs.
pub fn heartbeat(operator: &Pubkey, node: &Pubkey) -> Instruction {
    build(
        accounts::Heartbeat {
            operator: *operator,
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            node: *node,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::Heartbeat {},
    )
}

/// Declares that a node will be away for `length_slots` from `start_slot` on; its operator signs.
pub fn announce_maintenance(operator: &Pubkey, node: &Pubkey, start_slot: u64, length_slots: u64) -> Instruction {
    build(
        accounts::AnnounceMaintenance {
            operator: *operator,
            network: address::network(),
            node: *node,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::AnnounceMaintenance { args: AnnounceMaintenanceArgs { start_slot, length_slots } },
    )
}

/// Charges a convicted node for the stake that was convicted around the same time; nobody has to sign.
pub fn charge_correlation(node: &Pubkey, stake_mint: TokenMint) -> Instruction {
    build(
        accounts::ChargeCorrelation {
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            node: *node,
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            token_program: stake_mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::ChargeCorrelation {},
    )
}
