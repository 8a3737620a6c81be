use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::WithdrawCredit;
use assay::events::CreditWithdrawn;
use assay::instructions::CreditRole::{self, Client, Node};
use program_tests::terms::terms;
use program_tests::tokens::{TOKEN_2022, associated, associated_with_bump};
use program_tests::world::POCKET;
use program_tests::{Job, World};

const FEE: u64 = 1_001 * 250 / 10_000;
const NODE_CREDIT: u64 = 1_001 - FEE;
const CLIENT_CREDIT: u64 = 2_003 - 1_001;

fn ready() -> (World, Job) {
    let mut world = World::new();
    let job = world.settled();
    (world, job)
}

#[test]
fn pays_each_payee_its_own_credit() {
    let (mut world, job) = ready();
    let owner = world.node.owner;
    for (role, payee, credit, before) in
        [(Node, owner, NODE_CREDIT, 0), (Client, job.client, CLIENT_CREDIT, POCKET - terms().price_max)]
    {
        let vault = world.tokens(job.vault);
        let event: CreditWithdrawn = world.accepts(&world.withdraw_credit(payee, &job, role)).event();
        let CreditWithdrawn { job: address, payee: paid, amount, destination } = event;
        assert_eq!((address, paid, amount), (job.address, payee, credit));
        assert_eq!(destination, associated(payee, &job.mint));
        assert_eq!(world.balance(payee, &job.mint), before + credit);
        assert_eq!(world.tokens(job.vault), vault - credit);
    }
    let credits = world.read_job(&job).credits;
    assert_eq!((credits.node, credits.client, credits.fee), (0, 0, FEE));
    assert_eq!(world.tokens(job.vault), FEE, "the fee is untouched");
}

/// A stranger can help, to the payee's associated token account and to nowhere else.
#[test]
fn strangers_help_but_never_redirect() {
    let (mut world, job) = ready();
    let owner = world.node.owner;
    let mint = job.mint;
    let owners_second = world.create_token_account("second account", owner, &mint);
    let clients = associated(job.client, &mint);
    let strangers = associated(world.mallory, &mint);
    for caller in [world.mallory, world.node.operator, job.client] {
        let call = world.withdraw_credit(caller, &job, Node);
        for elsewhere in [owners_second, clients, strangers] {
            world.refuses(&call.with(|a| a.destination = elsewhere), AssayError::DestinationNotCanonical);
        }
        world.refuses(&call.with(|a| a.destination = job.vault), AssayError::DestinationIsVault);
        world.clone().accepts(&call);
    }
    let call = world.withdraw_credit(owner, &job, Client);
    world.refuses(&call.with(|a| a.destination = associated(owner, &mint)), AssayError::DestinationNotCanonical);
    world.accepts(&call);
    assert_eq!(world.balance(job.client, &mint), POCKET - terms().price_max + CLIENT_CREDIT);
}

/// The payee names any account of the mint but the vault itself, which would clear the debt and move nothing.
#[test]
fn the_payee_names_the_destination() {
    let (mut world, job) = ready();
    let owner = world.node.owner;
    let call = world.withdraw_credit(owner, &job, Node);
    world.refuses(&call.with(|a| a.destination = job.vault), AssayError::DestinationIsVault);
    let strangers = associated(world.other_client, &job.mint);
    world.accepts(&call.with(|a| a.destination = strangers));
    assert_eq!(world.tokens(strangers), POCKET + NODE_CREDIT);
}

/// The associated token account can have been given away: then it is no longer the payee's.
#[test]
fn an_account_that_was_given_away_is_not_the_payees() {
    let (mut world, job) = ready();
    let (owner, mallory) = (world.node.owner, world.mallory);
    world.give_away(&job.mint, associated(owner, &job.mint), owner, mallory);
    world.refuses(&world.withdraw_credit(mallory, &job, Node), AssayError::DestinationNotCanonical);
}

#[test]
fn once_and_only_when_owed() {
    let (mut world, job) = ready();
    for role in [Node, Client] {
        let call = world.withdraw_credit(world.payer(), &job, role);
        world.accepts(&call);
        world.refuses(&call, AssayError::NothingOwed);
    }
    let unfinished: Vec<_> = vec![world.posted(), world.claimed(), world.committed()];
    for job in unfinished {
        let call = world.withdraw_credit(job.client, &job, Client);
        world.refuses(&call, AssayError::NothingOwed);
    }
    let cancelled = world.cancelled();
    let as_node =
        world.withdraw_credit(cancelled.client, &cancelled, CreditRole::Client).with(|a| a.authority = world.mallory);
    world.accepts(&as_node);
}

/// Every end that is no settlement owes the client everything and the node nothing.
#[test]
fn refunds_are_whole() {
    let mut world = World::new();
    let expired = world.posted();
    world.advance(terms().claim_slots + 1);
    world.accepts(&world.expire_job(&expired));
    for job in [expired, world.cancelled(), world.missed()] {
        let before = world.balance(job.client, &job.mint);
        world.accepts(&world.withdraw_credit(job.client, &job, Client));
        assert_eq!(world.balance(job.client, &job.mint), before + terms().price_max);
        let nodes = world
            .withdraw_credit(job.client, &job, Node)
            .with(|a| (a.authority, a.destination) = (world.node.owner, associated(world.node.owner, &job.mint)));
        world.refuses(&nodes, AssayError::NothingOwed);
    }
}

/// Whatever happens to one payee's account, the other is paid.
#[test]
fn a_frozen_or_closed_account_holds_up_nobody_else() {
    let (mut world, job) = ready();
    let owner = world.node.owner;
    world.freeze(&job.mint, associated(job.client, &job.mint));
    let refund = world.withdraw_credit(world.payer(), &job, Client);
    world.refuses(&refund, program_tests::outcome::TOKEN_ACCOUNT_FROZEN);
    world.accepts(&world.withdraw_credit(owner, &job, Node));
    world.accepts(&world.sweep_fee(&job));
    // The client names another account.
    let mint = job.mint;
    let spare = world.create_token_account("spare account", job.client, &mint);
    world.accepts(&refund.with(|a| (a.authority, a.destination) = (job.client, spare)));

    let second = world.post(world.other_client, &mint, terms());
    world.claim(&second);
    world.commit(&second);
    world.finalise(&second);
    let unused = world.create_token_account("the owner's other account", owner, &mint);
    world.close_payees_account(owner, &mint);
    let pay = world.withdraw_credit(world.payer(), &second, Node);
    world.refuses(&pay, ErrorCode::AccountNotInitialized);
    world.accepts(&world.withdraw_credit(second.client, &second, Client));
    world.accepts(&pay.with(|a| (a.authority, a.destination) = (owner, unused)));
}

trait ClosePayeesAccount {
    fn close_payees_account(&mut self, owner: solana_sdk::pubkey::Pubkey, mint: &program_tests::Mint);
}

impl ClosePayeesAccount for World {
    /// Empties and closes the associated token account.
    fn close_payees_account(&mut self, owner: solana_sdk::pubkey::Pubkey, mint: &program_tests::Mint) {
        let account = associated(owner, mint);
        let amount = self.tokens(account);
        let burn =
            spl_token_2022_interface::instruction::burn(&mint.program, &account, &mint.address, &owner, &[], amount);
        self.must(&[burn.unwrap()]);
        self.close_token_account(mint, account, owner);
    }
}

/// A helper's bump spares the search and opens nothing: only the canonical account's own bump leads to an account.
#[test]
fn a_helpers_bump_is_the_canonical_one_or_refused() {
    let (mut world, job) = ready();
    let (account, bump) = associated_with_bump(job.client, &job.mint);
    let helper = world.payer();
    for wrong in (0..=u8::MAX).filter(|other| *other != bump).step_by(17) {
        let call = world.withdraw_credit_with(helper, &job, Client, account, Some(wrong));
        world.refuses(&call, AssayError::DestinationNotCanonical);
    }
    let own = associated(world.mallory, &job.mint);
    let redirected = world.withdraw_credit_with(world.mallory, &job, Client, own, Some(bump));
    world.refuses(&redirected, AssayError::DestinationNotCanonical);
    world.accepts(&world.withdraw_credit_with(helper, &job, Client, account, Some(bump)));
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, job) = ready();
    let second = world.settled();
    let (other, owner) = (world.mint_2022, world.node.owner);
    let call = world.withdraw_credit(owner, &job, Node);
    let right = call.accounts;
    let table = [
        (
            "a stranger who names its own account",
            WithdrawCredit { authority: world.mallory, destination: associated(world.mallory, &job.mint), ..right },
            AssayError::DestinationNotCanonical.into(),
        ),
        ("another job", WithdrawCredit { job: second.address, ..right }, AssayError::WrongVault.into()),
        (
            "a node as job",
            WithdrawCredit { job: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("another job's vault", WithdrawCredit { vault: second.vault, ..right }, AssayError::WrongVault.into()),
        (
            "the fee vault",
            WithdrawCredit { vault: assay::address::fee_vault(&job.mint.address), ..right },
            AssayError::WrongVault.into(),
        ),
        ("another mint", WithdrawCredit { mint: other.address, ..right }, AssayError::WrongMint.into()),
        (
            "an account of another mint",
            WithdrawCredit { destination: associated(owner, &other), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "the other token program",
            WithdrawCredit { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
