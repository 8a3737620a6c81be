use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::ExecuteNetworkChange;
use assay::address;
use assay::events::ChangeExecuted;
use assay::governance::EXECUTION_SLOTS;
use assay::state::{Change, Parameters, Proposal};
use program_tests::World;
use program_tests::governance_calls::{MintTerms, allowance};
use program_tests::terms::{parameters, terms};

fn of(parameters: Parameters) -> Change {
    Change::Parameters { parameters }
}

/// Anybody carries it out; what it says is written and nothing else, and the rent returns to who proposed.
#[test]
fn carries_out_what_was_proposed() {
    let mut world = World::new();
    let key = world.client;
    let changed = Parameters { minimum_stake: 7, maximum_open_jobs_per_node: 9, ..parameters() };
    for change in [
        of(changed),
        Change::Guardian { guardian: key },
        Change::Timelock { timelock_slots: 3 },
        Change::FeeBurn { fee_burn_bps: 77 },
    ] {
        let lamports = world.lamports(world.authority);
        let number = world.proposed(change);
        let waits = world.network().timelock_slots;
        assert!(world.lamports(world.authority) < lamports);
        world.advance(waits);
        let event: ChangeExecuted = world.accepts(&world.execute_network_change(number)).event();
        assert_eq!((event.number, event.change), (number, change));
        assert_eq!(world.lamports(world.authority), lamports, "all rent is back");
        assert!(!world.exists(address::proposal(number)), "once");
    }
    let network = world.network();
    assert_eq!(network.parameters, changed);
    assert_eq!((network.guardian, network.timelock_slots, network.fee_burn_bps), (key, 3, 77));
    assert_eq!((network.authority, network.stake_mint), (world.authority, world.stake_mint.address), "nothing else");
    assert_eq!((network.paused_until_slot, network.pause_allowed_slot), (0, 0));
}

/// Not a slot before its time and not a slot after it, whatever became of the timelock in between.
#[test]
fn only_in_its_time() {
    let mut world = World::new();
    world.governs(Change::Timelock { timelock_slots: 1_000 });
    let number = world.proposed(of(Parameters { minimum_stake: 7, ..parameters() }));
    let shorter = world.proposed(Change::Timelock { timelock_slots: 0 });
    world.advance(999);
    world.refuses(&world.execute_network_change(number), AssayError::TimelockRunning);
    world.refuses(&world.execute_network_change(shorter), AssayError::TimelockRunning);
    let late = world.proposed(of(parameters()));
    world.advance(1);
    world.accepts(&world.execute_network_change(shorter));
    world.refuses(&world.execute_network_change(late), AssayError::TimelockRunning);
    world.advance(EXECUTION_SLOTS);
    let mut expired = world.clone();
    expired.advance(1);
    expired.refuses(&expired.execute_network_change(number), AssayError::ProposalExpired);
    world.accepts(&world.execute_network_change(number));
    assert_eq!(world.network().parameters.minimum_stake, 7);
}

/// What was right when it was proposed may be wrong when its time has come: every bound is checked again.
#[test]
fn bounds_are_checked_again() {
    let mut world = World::new();
    let cases = [
        (of(Parameters { protocol_fee_bps: 1_001, ..parameters() }), AssayError::ProtocolFeeOutOfBounds),
        (Change::Timelock { timelock_slots: 6_480_001 }, AssayError::TimelockOutOfBounds),
        (Change::FeeBurn { fee_burn_bps: 10_001 }, AssayError::FeeBurnOutOfBounds),
    ];
    for (change, error) in cases {
        let number = world.proposed(of(parameters()));
        rewrite(&mut world, number, |proposal| proposal.change = change);
        world.refuses(&world.execute_network_change(number), error);
    }
}

/// Changes about mints have instructions of their own, which see the mint.
#[test]
fn changes_of_other_kinds_are_refused() {
    let mut world = World::new();
    let mint = world.mint;
    let unknown = world.create_mint("unknown mint", false);
    let set = MintTerms { enabled: false, bond_numerator: 1, bond_denominator: 1 }.of(&mint);
    for change in [allowance(&unknown, 1, 1), set, world.fee_withdrawal(&mint, 1)] {
        let number = world.proposed(change);
        world.refuses(&world.execute_network_change(number), AssayError::WrongChange);
    }
}

/// Neither the fee nor the charge of a job changes once it is posted.
#[test]
fn posted_jobs_keep_their_terms() {
    let mut world = World::new();
    let (settled, missed) = (world.claimed(), world.claimed());
    world.changes_parameters(Parameters { protocol_fee_bps: 1_000, miss_charge_bps: 2_000, ..parameters() });
    world.commit(&settled);
    world.finalise(&settled);
    world.miss(&missed);
    assert_eq!(world.read_job(&settled).credits.fee, terms().price_min * 250 / 10_000);
    assert_eq!(world.read_job(&missed).charge_credit, terms().bond * 500 / 10_000);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let number = world.proposed(of(parameters()));
    let call = world.execute_network_change(number);
    let right = call.accounts;
    let table = [
        (
            "another account of the program as network",
            ExecuteNetworkChange { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another account of the program as proposal",
            ExecuteNetworkChange { proposal: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "a proposal that does not exist",
            ExecuteNetworkChange { proposal: address::proposal(number + 1), ..right },
            ErrorCode::AccountNotInitialized.into(),
        ),
        (
            "the rent to a stranger",
            ExecuteNetworkChange { proposer: world.mallory, ..right },
            AssayError::WrongProposer.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}

/// Writes what the program never would.
pub(crate) fn rewrite(world: &mut World, number: u64, change: impl FnOnce(&mut Proposal)) {
    let address = address::proposal(number);
    let mut proposal = world.read_proposal(number);
    change(&mut proposal);
    let mut account = world.svm.get_account(&address).unwrap();
    let mut bytes = Vec::new();
    anchor_lang::AccountSerialize::try_serialize(&proposal, &mut bytes).unwrap();
    account.data[..bytes.len()].copy_from_slice(&bytes);
    world.svm.set_account(address, account).unwrap();
}
