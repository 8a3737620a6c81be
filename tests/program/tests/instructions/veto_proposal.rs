use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::VetoProposal;
use assay::address;
use assay::events::{ChangeDismissed, Dismissal};
use assay::governance::EXECUTION_SLOTS;
use assay::state::Change;
use program_tests::World;
use program_tests::governance_calls::{MintTerms, allowance};
use program_tests::terms::parameters;

/// Whatever a compromised authority proposes, the guardian has the timelock to stop it; the rent is the proposer's.
#[test]
fn stops_a_change_for_good() {
    let mut world = World::new();
    let guardian = world.appointed_guardian();
    let mint = world.mint;
    let unknown = world.create_mint("unknown mint", false);
    for change in [
        Change::Parameters { parameters: parameters() },
        allowance(&unknown, 1, 1),
        MintTerms { enabled: false, bond_numerator: 1, bond_denominator: 1 }.of(&mint),
        world.fee_withdrawal(&mint, 1),
        Change::Timelock { timelock_slots: 0 },
        Change::FeeBurn { fee_burn_bps: 1 },
    ] {
        let lamports = world.lamports(world.authority);
        let number = world.proposed(change);
        let event: ChangeDismissed = world.accepts(&world.veto_proposal(guardian, number)).event();
        assert_eq!((event.number, event.dismissal), (number, Dismissal::Vetoed));
        assert_eq!(world.lamports(world.authority), lamports, "all rent is back");
        let execute = world.execute(number, change);
        let refusal = world.transact(&[execute]).expect_err("a vetoed change");
        assert_eq!(refusal.why, ErrorCode::AccountNotInitialized.into());
        world.refuses(&world.veto_proposal(guardian, number), ErrorCode::AccountNotInitialized);
    }
}

/// A guardian that could veto its own replacement could never be replaced. The authority can still change its mind.
#[test]
fn never_its_own_replacement() {
    let mut world = World::new();
    let guardian = world.appointed_guardian();
    let number = world.proposed(Change::Guardian { guardian: world.client });
    world.refuses(&world.veto_proposal(guardian, number), AssayError::ChangeNotVetoable);
    world.clone().accepts(&world.withdraw_proposal(number));
    world.accepts(&world.execute_network_change(number));
    assert_eq!(world.network().guardian, world.client);
    let number = world.proposed(Change::FeeBurn { fee_burn_bps: 1 });
    world.refuses(&world.veto_proposal(guardian, number), AssayError::NotGuardian);
    world.accepts(&world.veto_proposal(world.client, number));
}

/// Until it is removed, even after its time.
#[test]
fn as_long_as_the_proposal_exists() {
    let mut world = World::new();
    let guardian = world.appointed_guardian();
    world.governs(Change::Timelock { timelock_slots: 10 });
    let change = Change::FeeBurn { fee_burn_bps: 1 };
    let [waiting, ready, expired] = [(); 3].map(|()| world.proposed(change));
    world.accepts(&world.veto_proposal(guardian, waiting));
    world.advance(10);
    world.accepts(&world.veto_proposal(guardian, ready));
    world.advance(EXECUTION_SLOTS + 1);
    world.accepts(&world.veto_proposal(guardian, expired));
}

/// Without a guardian nobody vetoes.
#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let change = Change::FeeBurn { fee_burn_bps: 1 };
    let without = world.proposed(change);
    world.refuses(&world.veto_proposal(world.mallory, without), AssayError::NotGuardian);
    let guardian = world.appointed_guardian();
    let number = world.proposed(change);
    let call = world.veto_proposal(guardian, number);
    let right = call.accounts;
    let table = [
        ("a stranger", VetoProposal { guardian: world.mallory, ..right }, AssayError::NotGuardian.into()),
        ("the authority", VetoProposal { guardian: world.authority, ..right }, AssayError::NotGuardian.into()),
        (
            "another account of the program as network",
            VetoProposal { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "a proposal that does not exist",
            VetoProposal { proposal: address::proposal(number + 1), ..right },
            ErrorCode::AccountNotInitialized.into(),
        ),
        ("the rent to a stranger", VetoProposal { proposer: world.mallory, ..right }, AssayError::WrongProposer.into()),
    ];
    world.refuses_accounts(&call, table);
}
