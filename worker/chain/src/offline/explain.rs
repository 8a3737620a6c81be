//! What a transaction does, in words, before anybody signs it.
//!
//! An instruction is explained by reading its arguments and accounts, building it again out of them, and comparing: what is said is
//! all that it does. Anything else is refused, however harmless it looks.

use crate::error::{ChainError, Result};
use crate::instructions::{self, TokenMint};
use anchor_lang::{AnchorDeserialize, Discriminator};
use assay::instruction as data;
use serde::Serialize;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_sdk::instruction::Instruction;
use solana_sdk::message::Message;
use solana_sdk::pubkey::Pubkey;
use solana_system_interface::instruction::{advance_nonce_account, transfer};

/// Tags of the system program's instructions.
const TRANSFER: u32 = 2;
const ADVANCE_NONCE: u32 = 4;

/// One instruction in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The program that runs it.
    pub program: &'static str,
    /// The instruction's name.
    pub name: &'static str,
    /// What it does, with every amount and address that decides.
    pub words: String,
}

/// An instruction that was built again, and its words.
type Built = (Instruction, &'static str, String);

/// Every instruction of a message. `C0160` for one that cannot be explained, with its place.
pub fn explain(message: &Message) -> Result<Vec<Explained>> {
    let unexplained = |index: usize, reason: String| ChainError::InstructionUnexplained { place: index + 1, reason };
    let explained = message.instructions.iter().enumerate().map(|(index, compiled)| {
        let key = |at: u8| message.account_keys.get(usize::from(at)).copied();
        let program = key(compiled.program_id_index);
        let accounts: Option<Vec<Pubkey>> = compiled.accounts.iter().map(|at| key(*at)).collect();
        let (Some(program), Some(accounts)) = (program, accounts) else {
            return Err(unexplained(index, "it names an account that the transaction has not".to_owned()));
        };
        let (program_name, built) = match program {
            program if program == assay::ID => ("assay", of_assay(&accounts, &compiled.data)),
            solana_system_interface::program::ID => ("system", of_system(&accounts, &compiled.data)),
            solana_sdk_ids::compute_budget::ID => ("compute budget", of_compute_budget(&compiled.data)),
            spl_associated_token_account_interface::program::ID => ("associated token", of_associated_token(&accounts)),
            other => return Err(unexplained(index, format!("it runs the program {other}"))),
        };
        let Some((again, name, words)) = built else {
            return Err(unexplained(
                index,
                format!("the {program_name} program's instruction is none that a node's owner needs"),
            ));
        };
        let same_accounts = again.accounts.iter().map(|meta| meta.pubkey).eq(accounts.iter().copied());
        if again.program_id != program || again.data != compiled.data || !same_accounts {
            return Err(unexplained(index, format!("it looks like `{name}`, and is not what that is built of")));
        }
        Ok(Explained { program: program_name, name, words })
    });
    explained.collect()
}

/// The arguments behind a discriminator, all of them.
fn arguments<T: AnchorDeserialize + Discriminator>(bytes: &[u8]) -> Option<T> {
    let mut rest = bytes.strip_prefix(T::DISCRIMINATOR)?;
    let read = T::deserialize(&mut rest).ok()?;
    rest.is_empty().then_some(read)
}

fn of_assay(accounts: &[Pubkey], bytes: &[u8]) -> Option<Built> {
    let account = |at: usize| accounts.get(at).copied();
    let mint = |mint, program| {
        // Words do not name it, so that it has to be one of the two that there are.
        let token_program = account(program).filter(is_token_program)?;
        Some(TokenMint { address: account(mint)?, token_program })
    };
    let signer = account(0)?;
    if let Some(data::Stake { args }) = arguments(bytes) {
        let (node, source) = (account(2)?, account(6)?);
        let mint = mint(4, 7)?;
        let built = instructions::stake(&signer, &node, mint, &source, args.amount);
        let words = format!(
            "stakes {} base units of {} out of the token account {source} for the node {node}",
            args.amount, mint.address
        );
        return Some((built, "stake", words));
    }
    if let Some(data::RequestWithdrawal { args }) = arguments(bytes) {
        let node = account(3)?;
        let words = format!("begins to withdraw {} base units of the stake of the node {node}", args.amount);
        return Some((instructions::request_withdrawal(&signer, &node, args.amount), "request_withdrawal", words));
    }
    if let Some(data::CancelWithdrawal { args }) = arguments(bytes) {
        let node = account(3)?;
        let words = format!("takes the withdrawal {} of the node {node} back into its stake", args.index);
        return Some((instructions::cancel_withdrawal(&signer, &node, args.index), "cancel_withdrawal", words));
    }
    if let Some(data::WithdrawStake {}) = arguments(bytes) {
        let (node, destination) = (account(2)?, account(5)?);
        let mint = mint(3, 6)?;
        let whose = if destination == mint.associated_account(&signer) {
            format!("the token account of {signer}")
        } else {
            format!("the token account {destination}, WHICH IS NOT THE SIGNER'S OWN")
        };
        let words = format!("pays all stake of the node {node} that is released, in {}, out to {whose}", mint.address);
        return Some((instructions::withdraw_stake(&signer, &node, mint, &destination), "withdraw_stake", words));
    }
    if let Some(data::DeregisterNode {}) = arguments(bytes) {
        let node = account(3)?;
        let words = format!("closes the account of the node {node}; its rent returns to {signer}");
        return Some((instructions::deregister_node(&signer, &node), "deregister_node", words));
    }
    if let Some(data::RegisterNode { args }) = arguments(bytes) {
        let built = instructions::register_node(&signer, args.index, &args.operator, &args.endpoint);
        let words = format!(
            "registers the node {} of {signer}, with the operator key {} and the endpoint {:?}",
            args.index, args.operator, args.endpoint
        );
        return Some((built, "register_node", words));
    }
    if let Some(data::UpdateNode { args }) = arguments(bytes) {
        let node = account(1)?;
        let built = instructions::update_node(&signer, &node, &args.operator, &args.endpoint);
        let words = format!(
            "lets the key {} act for the node {node} from now on, at the endpoint {:?}",
            args.operator, args.endpoint
        );
        return Some((built, "update_node", words));
    }
    if let Some(data::OpenDelegationPool { args }) = arguments(bytes) {
        let node = account(1)?;
        let words = format!(
            "lets others delegate to the node {node}, which keeps {} of 10,000 parts of what they earn",
            args.commission_bps
        );
        return Some((
            instructions::open_delegation_pool(&signer, &node, args.commission_bps),
            "open_delegation_pool",
            words,
        ));
    }
    if let Some(data::SetCommission { args }) = arguments(bytes) {
        let node = account(2)?;
        let words =
            format!("lets the node {node} keep {} of 10,000 parts of what its delegators earn", args.commission_bps);
        return Some((instructions::set_commission(&signer, &node, args.commission_bps), "set_commission", words));
    }
    if let Some(data::CloseDelegationPool {}) = arguments(bytes) {
        let node = account(1)?;
        let words = format!("ends delegation to the node {node}");
        return Some((instructions::close_delegation_pool(&signer, &node), "close_delegation_pool", words));
    }
    if let Some(data::ChargeCorrelation {}) = arguments(bytes) {
        let node = account(2)?;
        let mint = mint(3, 5)?;
        let words = format!("charges the node {node}, in {}, for having been convicted when others were", mint.address);
        return Some((instructions::charge_correlation(&node, mint), "charge_correlation", words));
    }
    None
}

fn is_token_program(program: &Pubkey) -> bool {
    [spl_token_interface::ID, spl_token_2022_interface::ID].contains(program)
}

fn of_system(accounts: &[Pubkey], bytes: &[u8]) -> Option<Built> {
    let (tag, rest) = bytes.split_first_chunk()?;
    match (u32::from_le_bytes(*tag), accounts) {
        (TRANSFER, [from, to]) => {
            let lamports = u64::from_le_bytes(rest.try_into().ok()?);
            Some((transfer(from, to, lamports), "transfer", format!("sends {lamports} lamports from {from} to {to}")))
        }
        (ADVANCE_NONCE, [nonce, _, authority]) => {
            let words = format!("advances the nonce account {nonce}, so that this transaction lands at most once");
            Some((advance_nonce_account(nonce, authority), "advance_nonce_account", words))
        }
        _ => None,
    }
}

fn of_compute_budget(bytes: &[u8]) -> Option<Built> {
    let (tag, rest) = bytes.split_first()?;
    match tag {
        2 => {
            let units = u32::from_le_bytes(rest.try_into().ok()?);
            let built = ComputeBudgetInstruction::set_compute_unit_limit(units);
            Some((built, "set_compute_unit_limit", format!("lets the transaction take {units} compute units")))
        }
        3 => {
            let price = u64::from_le_bytes(rest.try_into().ok()?);
            let built = ComputeBudgetInstruction::set_compute_unit_price(price);
            Some((built, "set_compute_unit_price", format!("pays {price} micro-lamports for each compute unit")))
        }
        _ => None,
    }
}

fn of_associated_token(accounts: &[Pubkey]) -> Option<Built> {
    let [payer, _, owner, address, _, token_program] = accounts else { return None };
    if !is_token_program(token_program) {
        return None;
    }
    let mint = TokenMint { address: *address, token_program: *token_program };
    let words =
        format!("makes the token account of {owner} for the mint {address}, if there is none; {payer} pays its rent");
    Some((mint.create_associated_account(payer, owner), "create_associated_token_account", words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Pubkey {
        Pubkey::new_from_array([byte; 32])
    }

    fn mint() -> TokenMint {
        TokenMint::spl_token(key(9))
    }

    /// Every instruction that can be explained, and what its words have to say.
    fn all() -> Vec<(Instruction, Vec<String>)> {
        let (owner, node, operator) = (key(1), key(2), key(3));
        let own = mint().associated_account(&owner);
        let texts = |words: &[&dyn ToString]| words.iter().map(|word| word.to_string()).collect();
        vec![
            (instructions::stake(&owner, &node, mint(), &own, 77), texts(&[&77, &node, &own])),
            (instructions::request_withdrawal(&owner, &node, 78), texts(&[&78, &node])),
            (instructions::cancel_withdrawal(&owner, &node, 3), texts(&[&3, &node])),
            (instructions::withdraw_stake(&owner, &node, mint(), &own), texts(&[&node, &owner])),
            (instructions::withdraw_stake(&owner, &node, mint(), &key(8)), texts(&[&key(8), &"NOT THE SIGNER'S OWN"])),
            (instructions::deregister_node(&owner, &node), texts(&[&node, &owner])),
            (instructions::register_node(&owner, 5, &operator, "http://a"), texts(&[&5, &operator, &"http://a"])),
            (instructions::update_node(&owner, &node, &operator, "http://b"), texts(&[&operator, &"http://b"])),
            (instructions::open_delegation_pool(&owner, &node, 500), texts(&[&500, &node])),
            (instructions::set_commission(&owner, &node, 501), texts(&[&501, &node])),
            (instructions::close_delegation_pool(&owner, &node), texts(&[&node])),
            (instructions::charge_correlation(&node, mint()), texts(&[&node])),
            (transfer(&owner, &operator, 79), texts(&[&79, &owner, &operator])),
            (advance_nonce_account(&key(4), &owner), texts(&[&key(4)])),
            (ComputeBudgetInstruction::set_compute_unit_limit(80), texts(&[&80])),
            (ComputeBudgetInstruction::set_compute_unit_price(81), texts(&[&81])),
            (mint().create_associated_account(&owner, &operator), texts(&[&operator, &key(9)])),
        ]
    }

    fn of(instruction: &Instruction) -> Result<Explained> {
        let message = Message::new(std::slice::from_ref(instruction), Some(&key(1)));
        explain(&message).map(|mut explained| explained.remove(0))
    }

    #[test]
    fn each_instruction_is_said_with_every_amount_and_address_that_decides() {
        for (instruction, words) in all() {
            let explained = of(&instruction).unwrap();
            for word in words {
                assert!(explained.words.contains(&word), "{word}: {explained:?}");
            }
        }
        let message =
            Message::new(&all().into_iter().map(|(instruction, _)| instruction).collect::<Vec<_>>(), Some(&key(1)));
        assert_eq!(explain(&message).unwrap().len(), all().len());
    }

    /// Whatever is changed of an instruction is either said or refused: no two of them have the same words.
    #[test]
    fn whatever_is_changed_is_said_or_refused() {
        for (instruction, _) in all() {
            let right = of(&instruction).unwrap();
            let mut others = Vec::new();
            for at in 0..instruction.accounts.len() {
                let mut other = instruction.clone();
                other.accounts[at].pubkey = key(200);
                others.push(other);
            }
            for at in 0..instruction.data.len() {
                let mut other = instruction.clone();
                other.data[at] ^= 1;
                others.push(other);
            }
            let mut longer = instruction.clone();
            longer.data.push(0);
            let mut more = instruction.clone();
            more.accounts.push(solana_sdk::instruction::AccountMeta::new(key(200), false));
            others.extend([longer, more]);
            for other in others {
                match of(&other) {
                    Err(error) => assert_eq!(error.code(), "C0160"),
                    Ok(said) => {
                        // The key that signs is shown beside the words.
                        let signs =
                            other.accounts.first().is_some_and(|meta| meta.is_signer && meta.pubkey == key(200));
                        let authority = said.name == "advance_nonce_account" && other.accounts[2].pubkey == key(200);
                        assert!(said != right || signs || authority, "{right:?}: {other:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn other_programs_and_other_instructions_are_refused() {
        let claim = instructions::claim_job(&key(1), &key(2), &key(3));
        let assign = solana_system_interface::instruction::assign(&key(1), &key(2));
        let foreign = Instruction::new_with_bytes(key(7), &[], vec![]);
        for instruction in [claim, assign, foreign] {
            let error = of(&instruction).unwrap_err();
            assert!(error.code() == "C0160" && error.to_string().contains("instruction 1"), "{error}");
        }
    }
}
