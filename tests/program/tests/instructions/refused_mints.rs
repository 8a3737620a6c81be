//! Mints with every extension that can change what a transfer does, made by Token-2022 itself.

use program_tests::tokens::TOKEN_2022;
use program_tests::{Mint, World};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use spl_token_2022_interface::extension::{
    ExtensionType, confidential_transfer, default_account_state, group_member_pointer, group_pointer,
    interest_bearing_mint, pausable, scaled_ui_amount, transfer_fee, transfer_hook,
};
use spl_token_2022_interface::instruction as token;
use spl_token_2022_interface::state::AccountState;

type Initialise = fn(&Pubkey, &Pubkey) -> Instruction;

/// Each refused extension, with the instruction that gives it to a mint.
pub(crate) const REFUSED: [(ExtensionType, Initialise); 12] = [
    (ExtensionType::TransferFeeConfig, |mint, key| {
        transfer_fee::instruction::initialize_transfer_fee_config(&TOKEN_2022, mint, Some(key), Some(key), 0, 0)
            .unwrap()
    }),
    (ExtensionType::MintCloseAuthority, |mint, key| {
        token::initialize_mint_close_authority(&TOKEN_2022, mint, Some(key)).unwrap()
    }),
    (ExtensionType::ConfidentialTransferMint, |mint, key| {
        confidential_transfer::instruction::initialize_mint(&TOKEN_2022, mint, Some(*key), true, None).unwrap()
    }),
    (ExtensionType::DefaultAccountState, |mint, _| {
        default_account_state::instruction::initialize_default_account_state(
            &TOKEN_2022,
            mint,
            &AccountState::Initialized,
        )
        .unwrap()
    }),
    (ExtensionType::NonTransferable, |mint, _| token::initialize_non_transferable_mint(&TOKEN_2022, mint).unwrap()),
    (ExtensionType::InterestBearingConfig, |mint, key| {
        interest_bearing_mint::instruction::initialize(&TOKEN_2022, mint, Some(*key), 1).unwrap()
    }),
    (ExtensionType::PermanentDelegate, |mint, key| {
        token::initialize_permanent_delegate(&TOKEN_2022, mint, key).unwrap()
    }),
    (ExtensionType::TransferHook, |mint, key| {
        transfer_hook::instruction::initialize(&TOKEN_2022, mint, Some(*key), None).unwrap()
    }),
    (ExtensionType::GroupPointer, |mint, key| {
        group_pointer::instruction::initialize(&TOKEN_2022, mint, Some(*key), None).unwrap()
    }),
    (ExtensionType::GroupMemberPointer, |mint, key| {
        group_member_pointer::instruction::initialize(&TOKEN_2022, mint, Some(*key), None).unwrap()
    }),
    (ExtensionType::ScaledUiAmount, |mint, key| {
        scaled_ui_amount::instruction::initialize(&TOKEN_2022, mint, Some(*key), 2.0).unwrap()
    }),
    (ExtensionType::Pausable, |mint, key| pausable::instruction::initialize(&TOKEN_2022, mint, key).unwrap()),
];

/// A mint with one extension. A default account state asks for a freeze authority.
pub(crate) fn mint_with(world: &mut World, extension: ExtensionType, initialise: Initialise) -> Mint {
    let issuer = world.key("issuer");
    let freezable = extension == ExtensionType::DefaultAccountState;
    let name = format!("mint with {extension:?}");
    world.create_mint_with(&name, TOKEN_2022, freezable, &[extension], |mint| vec![initialise(mint, &issuer)])
}
