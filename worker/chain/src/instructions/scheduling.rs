//! Instructions about who may claim: the register of weights, profiles and seeds.

use super::build;
use assay::instruction as data;
use assay::state::Profile;
use assay::{SetProfileArgs, accounts, address};
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
