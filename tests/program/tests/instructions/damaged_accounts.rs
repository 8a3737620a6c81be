//! Accounts in a state that the program never writes: another layout version, books that do not balance, a vault that was
//! robbed. Nothing can bring them about today; if a later bug does, the program stops instead of making it worse.

use assay::AssayError;
use assay::address;
use assay::instructions::{CreditRole, SetBudgetArgs, WithdrawBudgetArgs};
use assay::state::{Change, Client, Job, Network, Node, PaymentMint};
use program_tests::World;
use program_tests::budgets::limits;
use program_tests::governance_calls::{MintTerms, allowance};
use program_tests::terms::{parameters, terms};
use program_tests::tokens::TOKEN_2022;
use solana_sdk::account::Account;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

/// Where every account of the program has its version.
const VERSION_OFFSET: usize = 8;
/// Where a token account has its amount.
const AMOUNT_OFFSET: usize = 64;

fn patch(world: &mut World, address: Pubkey, offset: usize, bytes: &[u8]) {
    let mut account = world.svm.get_account(&address).unwrap();
    account.data[offset..offset + bytes.len()].copy_from_slice(bytes);
    world.svm.set_account(address, account).unwrap();
}

/// The instruction goes through, but not when `address` has another version.
fn refuses_another_version(world: &World, what: &str, instruction: Instruction, address: Pubkey) {
    let mut damaged = world.clone();
    patch(&mut damaged, address, VERSION_OFFSET, &[99]);
    let refusal = damaged.transact(std::slice::from_ref(&instruction)).expect_err(what);
    assert_eq!(refusal.why, AssayError::UnsupportedAccountVersion.into(), "{what}: {:#?}", refusal.logs);
    world.clone().transact(&[instruction]).unwrap_or_else(|refusal| panic!("{what}: {refusal:#?}"));
}

#[test]
fn the_version_byte_is_where_the_tests_look_for_it() {
    let mut world = World::new();
    let job = world.posted();
    let accounts = [
        (address::NETWORK, Network::VERSION),
        (world.node.address, Node::VERSION),
        (job.address, Job::VERSION),
        (address::client(&job.client), Client::VERSION),
        (address::payment_mint(&job.mint.address), PaymentMint::VERSION),
    ];
    for (address, version) in accounts {
        assert_eq!(world.svm.get_account(&address).unwrap().data[VERSION_OFFSET], version);
    }
}

#[test]
fn accounts_of_another_version_are_not_written() {
    let mut world = World::new();
    let (node, mint) = (world.node, world.mint);
    let change = Change::Parameters { parameters: parameters() };
    let propose = world.propose(change).instruction();
    refuses_another_version(&world, "propose_change", propose, address::NETWORK);
    let mut proposed = world.clone();
    let number = proposed.proposed(change);
    let execute = proposed.execute(number, change);
    refuses_another_version(&proposed, "execute_network_change", execute.clone(), address::NETWORK);
    refuses_another_version(&proposed, "execute_network_change", execute, address::proposal(number));
    let propose = world.propose_authority(world.client).instruction();
    refuses_another_version(&world, "propose_authority", propose, address::NETWORK);
    let change = MintTerms { enabled: true, bond_numerator: 1, bond_denominator: 1 }.of(&mint);
    let number = proposed.proposed(change);
    let set = proposed.execute(number, change);
    refuses_another_version(&proposed, "execute_mint_change", set, address::payment_mint(&mint.address));

    let update = world.update_node(&node, node.operator, "").instruction();
    refuses_another_version(&world, "update_node", update, node.address);
    let stake = world.stake(&node, node.owner, 1).instruction();
    refuses_another_version(&world, "stake", stake, node.address);
    let request = world.request_withdrawal(&node, 1).instruction();
    refuses_another_version(&world, "request_withdrawal", request, node.address);

    let posted = world.posted();
    let next = world.job_at(posted.client, 1, &mint);
    let post = world.post_job(&next, assay::instructions::PostJobArgs { job_id: 1, ..terms() }).instruction();
    refuses_another_version(&world, "post_job", post, address::client(&posted.client));
    let claim = world.claim_job(&node, &posted).instruction();
    refuses_another_version(&world, "claim_job", claim.clone(), posted.address);
    refuses_another_version(&world, "claim_job", claim, node.address);
    refuses_another_version(&world, "cancel_job", world.cancel_job(&posted).instruction(), posted.address);

    let claimed = world.claimed();
    let commit = world.commit_result(&node, &claimed, world.result(&claimed).args()).instruction();
    refuses_another_version(&world, "commit_result", commit, claimed.address);
    let mut later = world.clone();
    later.advance(terms().claim_slots + 1);
    refuses_another_version(&later, "expire_job", later.expire_job(&posted).instruction(), posted.address);
    let expire = later.expire_claim(&node, &claimed).instruction();
    refuses_another_version(&later, "expire_claim", expire.clone(), claimed.address);
    refuses_another_version(&later, "expire_claim", expire, node.address);
    later.miss(&claimed);
    let charge = later.withdraw_charge(claimed.client, &claimed).instruction();
    refuses_another_version(&later, "withdraw_charge", charge, claimed.address);

    world.commit(&claimed);
    world.advance(terms().window_slots + 1);
    let finalise = world.finalise_job(&node, &claimed).instruction();
    refuses_another_version(&world, "finalise_job", finalise.clone(), claimed.address);
    refuses_another_version(&world, "finalise_job", finalise, node.address);
    world.finalise(&claimed);
    let withdraw = world.withdraw_credit(claimed.client, &claimed, CreditRole::Client).instruction();
    refuses_another_version(&world, "withdraw_credit", withdraw, claimed.address);
    refuses_another_version(&world, "sweep_fee", world.sweep_fee(&claimed).instruction(), claimed.address);
    world.pay_out(&claimed);
    let close = world.close_job(&claimed).instruction();
    refuses_another_version(&world, "close_job", close, address::client(&claimed.client));
}

#[test]
fn accounts_of_delegation_of_another_version_are_not_written() {
    let mut world = World::with_delegation();
    let (node, mint, owner) = (world.node, world.mint, world.key("delegator"));
    let (pool, own) =
        (address::delegation_pool(&node.address), program_tests::delegation_calls::delegation(&node, owner));
    let delegate = world.delegate(&node, owner, 1).instruction();
    let undelegate = world.undelegate(&node, owner, 1).instruction();
    for address in [pool, own, node.address] {
        refuses_another_version(&world, "delegate", delegate.clone(), address);
        refuses_another_version(&world, "undelegate", undelegate.clone(), address);
    }
    refuses_another_version(&world, "set_commission", world.set_commission(&node, 1).instruction(), node.address);
    let add = world.add_reward_mint(&node, &world.mint_2022).instruction();
    refuses_another_version(&world, "add_reward_mint", add, pool);
    let job = world.settled();
    let collect = world.collect_delegation_reward(&node, &job).instruction();
    for address in [pool, job.address] {
        refuses_another_version(&world, "collect_delegation_reward", collect.clone(), address);
    }
    world.must(&[collect]);
    let reward = world.withdraw_delegation_reward(&node, owner, &mint).instruction();
    world.accepts(&world.undelegate(&node, owner, program_tests::delegation_calls::DELEGATED));
    world.advance(parameters().unbonding_slots);
    let withdraw = world.withdraw_delegation(&node, owner).instruction();
    for address in [pool, own] {
        refuses_another_version(&world, "withdraw_delegation_reward", reward.clone(), address);
        refuses_another_version(&world, "withdraw_delegation", withdraw.clone(), address);
    }
    world.must(&[reward, withdraw]);
    let close = world.close_delegation(&node, owner).instruction();
    for address in [pool, own] {
        refuses_another_version(&world, "close_delegation", close.clone(), address);
    }
    world.must(&[close]);
    refuses_another_version(&world, "remove_reward_mint", world.remove_reward_mint(&node, &mint).instruction(), pool);
    world.accepts(&world.remove_reward_mint(&node, &mint));
    refuses_another_version(&world, "close_delegation_pool", world.close_delegation_pool(&node).instruction(), pool);
}

/// What a job owes to delegators leaves only a vault that covers everything.
#[test]
fn a_vault_that_does_not_cover_its_debts_pays_no_pool() {
    let mut world = World::with_delegation();
    let (node, job) = (world.node, world.settled());
    let held = world.tokens(job.vault);
    patch(&mut world, job.vault, AMOUNT_OFFSET, &(held - 1).to_le_bytes());
    world.refuses(&world.collect_delegation_reward(&node, &job), AssayError::VaultShort);
    patch(&mut world, job.vault, AMOUNT_OFFSET, &held.to_le_bytes());
    world.accepts(&world.collect_delegation_reward(&node, &job));
}

#[test]
fn accounts_of_audits_of_another_version_are_not_written() {
    let (mut world, [validator, other]) = World::with_validators();
    let job = world.audited();
    let at = validator.address;
    let update = world.update_validator(&validator, validator.auditor).instruction();
    refuses_another_version(&world, "update_validator", update, at);
    let stake = world.stake_validator(&validator, 1).instruction();
    refuses_another_version(&world, "stake_validator", stake.clone(), at);
    refuses_another_version(&world, "stake_validator", stake, address::NETWORK);
    let request = world.request_validator_withdrawal(&validator, 1).instruction();
    refuses_another_version(&world, "request_validator_withdrawal", request, at);
    refuses_another_version(&world, "commit_chain", world.commit_chain(&validator, [1; 32]).instruction(), at);
    let attest = world.attest(&validator, &job).instruction();
    refuses_another_version(&world, "attest", attest.clone(), at);
    refuses_another_version(&world, "attest", attest, job.address);
    refuses_another_version(&world, "accept_result", world.accept_result(&job).instruction(), job.address);
    world.accepts(&world.attest(&other, &job));
    world.finalise(&job);
    let settle = world.settle_attestation(&other, &job).instruction();
    let attestation = address::attestation(&job.address, &other.address);
    for address in [other.address, job.address, attestation] {
        refuses_another_version(&world, "settle_attestation", settle.clone(), address);
    }
    world.accepts(&world.settle_attestation(&other, &job));
    let collect = world.collect_attestation(other.authority, &other, &job).instruction();
    refuses_another_version(&world, "collect_attestation", collect, job.address);
}

#[test]
fn budgets_of_another_version_are_not_used() {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let at = budget.address;
    let set = world.set_budget(&budget, SetBudgetArgs { agent: None, limits: Some(limits()) }).instruction();
    refuses_another_version(&world, "set_budget", set, at);
    let args = WithdrawBudgetArgs { tokens: 1, lamports: 1 };
    let withdraw = world.withdraw_budget(&budget, &budget.mint, args).instruction();
    refuses_another_version(&world, "withdraw_budget", withdraw, at);
    let close = world.close_budget(&budget).instruction();
    let counter = address::client(&at);
    for address in [at, counter] {
        refuses_another_version(&world, "close_budget", close.clone(), address);
    }
    let (_, post) = world.next_budget_job(budget.agent, &budget, terms());
    for address in [at, counter] {
        refuses_another_version(&world, "post_budget_job", post.instruction(), address);
    }
    let posted = world.post_from(&budget, terms());
    let committed = world.post_from(&budget, terms());
    world.claim(&committed);
    world.commit(&committed);
    let cancel = world.cancel_budget_job(budget.agent, &posted).instruction();
    let accept = world.accept_budget_result(budget.agent, &committed).instruction();
    let file = world.file_for_budget(budget.agent, &committed).instruction();
    for (what, instruction, job) in
        [("cancel_budget_job", cancel, posted), ("accept_budget_result", accept, committed), ("file", file, committed)]
    {
        for address in [at, job.address] {
            refuses_another_version(&world, what, instruction.clone(), address);
        }
    }
}

/// A fee is paid only out of a vault that covers everything, and the pot of an accepted job is covered too.
#[test]
fn a_vault_that_does_not_cover_its_pot_pays_nobody() {
    let (mut world, [validator, _]) = World::with_validators();
    let job = world.audited();
    world.accepts(&world.attest(&validator, &job));
    world.accepts(&world.accept_result(&job));
    let held = world.tokens(job.vault);
    patch(&mut world, job.vault, AMOUNT_OFFSET, &(held - 1).to_le_bytes());
    world.refuses(&world.withdraw_credit(world.payer(), &job, CreditRole::Node), AssayError::VaultShort);
    world.finalise(&job);
    world.accepts(&world.settle_attestation(&validator, &job));
    world.refuses(&world.collect_attestation(world.payer(), &validator, &job), AssayError::VaultShort);
    patch(&mut world, job.vault, AMOUNT_OFFSET, &held.to_le_bytes());
    world.accepts(&world.collect_attestation(world.payer(), &validator, &job));
}

/// A credit is paid only out of a vault that covers all credits, so that no payee is paid with another's tokens.
#[test]
fn a_vault_that_does_not_cover_its_debts_pays_nobody() {
    let mut world = World::new();
    let job = world.settled();
    patch(&mut world, job.vault, AMOUNT_OFFSET, &(terms().price_max - 1).to_le_bytes());
    for role in [CreditRole::Node, CreditRole::Client] {
        world.refuses(&world.withdraw_credit(world.payer(), &job, role), AssayError::VaultShort);
    }
    world.refuses(&world.sweep_fee(&job), AssayError::VaultShort);

    let missed = world.missed();
    let charge = world.read_job(&missed).charge_credit;
    patch(&mut world, address::stake_vault(), AMOUNT_OFFSET, &(charge - 1).to_le_bytes());
    world.refuses(&world.withdraw_charge(missed.client, &missed), AssayError::VaultShort);
    patch(&mut world, address::stake_vault(), AMOUNT_OFFSET, &charge.to_le_bytes());
    world.accepts(&world.withdraw_charge(missed.client, &missed));
}

#[test]
fn books_that_do_not_balance_stop_the_instruction() {
    let mut world = World::new();
    let node = world.node;
    // A job counted that locks nothing.
    let mut state = world.read_node(&node);
    state.open_jobs = 1;
    write(&mut world, node.address, &state);
    world.refuses(&world.stake(&node, node.owner, 1), AssayError::InvariantBroken);
    world.refuses(&world.update_node(&node, node.operator, ""), AssayError::InvariantBroken);

    let job = world.settled_by_the_other_node();
    let mut state = world.read_job(&job);
    state.credits.node = terms().price_max + 5;
    write(&mut world, job.address, &state);
    world.mint_to(&job.mint, job.vault, terms().price_max + 5);
    world.refuses(&world.sweep_fee(&job), AssayError::InvariantBroken);
}

/// A Token-2022 mint with an extension that does not exist.
#[test]
fn a_mint_with_an_unknown_extension_is_refused() {
    let mut world = World::new();
    let like = world.create_mint_2022("like");
    let mut account: Account = world.svm.get_account(&like.address).unwrap();
    let end = account.data.len();
    account.data[166..168].copy_from_slice(&9_999u16.to_le_bytes());
    assert_eq!(account.data.len(), end);
    let address = world.key("unknown extension");
    account.owner = TOKEN_2022;
    world.svm.set_account(address, account).unwrap();
    let mint = program_tests::Mint { address, ..like };
    world.refuses(&world.propose(allowance(&mint, 1, 1)), AssayError::MintExtensionsUnreadable);
}

fn write(world: &mut World, address: Pubkey, state: &impl anchor_lang::AccountSerialize) {
    let mut account = world.svm.get_account(&address).unwrap();
    let mut bytes = Vec::new();
    state.try_serialize(&mut bytes).unwrap();
    account.data[..bytes.len()].copy_from_slice(&bytes);
    world.svm.set_account(address, account).unwrap();
}

trait SettledByTheOtherNode {
    fn settled_by_the_other_node(&mut self) -> program_tests::Job;
}

impl SettledByTheOtherNode for World {
    fn settled_by_the_other_node(&mut self) -> program_tests::Job {
        let (other, job) = (self.other_node, self.posted());
        self.accepts(&self.claim_job(&other, &job));
        let args = self.result(&job).args();
        self.accepts(&self.commit_result(&other, &job, args));
        self.advance(terms().window_slots + 1);
        self.accepts(&self.finalise_job(&other, &job));
        job
    }
}
