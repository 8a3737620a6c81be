use assay::AssayError;
use assay::accounts::RevealSeed;
use assay::events::SeedRevealed;
use program_tests::World;
use program_tests::audits::Validator;

/// A validator whose chain counts from the present epoch on, and that epoch.
fn fresh() -> (World, Validator, u64) {
    let (world, [validator, _]) = World::with_validators();
    let first = world.read_validator(&validator).chain.first_epoch;
    assert_eq!(world.epoch_of(world.slot()), first);
    (world, validator, first)
}

#[test]
fn a_seed_is_shown_after_its_epoch_and_remembered() {
    let (mut world, validator, first) = fresh();
    let call = world.reveal_seed(&validator, first, validator.seed(first, first));
    world.refuses(&call, AssayError::EpochNotOver);
    world.advance_epochs(1);
    world.warp_to(world.slot() - 1);
    world.refuses(&call, AssayError::EpochNotOver);
    world.advance(1);
    let event: SeedRevealed = world.accepts(&call).event();
    let seed = validator.seed(first, first);
    assert_eq!(event, SeedRevealed { validator: validator.address, epoch: first, seed });
    let chain = world.read_validator(&validator).chain;
    assert_eq!((chain.shown, chain.shown_epoch), (seed, first));
}

#[test]
fn only_the_one_seed_of_an_epoch_is_accepted() {
    let (mut world, validator, first) = fresh();
    world.advance_epochs(10);
    let show = |world: &World, epoch, seed| world.reveal_seed(&validator, epoch, seed);
    for other in [first, first + 1, first + 3] {
        let call = show(&world, first + 2, validator.seed(first, other));
        world.refuses(&call, AssayError::WrongSeed);
    }
    world.refuses(&show(&world, first - 1, validator.chain_end()), AssayError::ChainTooYoung);
    world.accepts(&show(&world, first + 2, validator.seed(first, first + 2)));
}

/// A validator that was drawn for nothing for a long time reaches the present in steps of 64.
#[test]
fn a_long_silence_is_made_up_in_steps() {
    let (mut world, validator, first) = fresh();
    world.advance_epochs(150);
    let show = |world: &World, epoch| world.reveal_seed(&validator, epoch, validator.seed(first, epoch));
    world.refuses(&show(&world, first + 64), AssayError::SeedTooFar);
    for epoch in [first + 63, first + 127, first + 149] {
        world.accepts(&show(&world, epoch));
    }
    let job = world.audited();
    world.accepts(&world.attest(&validator, &job));
}

#[test]
fn without_a_chain_there_is_nothing_to_show() {
    let mut world = World::new();
    let validator = world.registered_validator("without a chain", 0);
    world.refuses(&world.reveal_seed(&validator, 0, [0; 32]), AssayError::ChainMissing);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, validator, first) = fresh();
    world.advance_epochs(1);
    let other = world.registered_validator("another", 0);
    let call = world.reveal_seed(&validator, first, validator.seed(first, first));
    let right = call.accounts;
    let refused = || AssayError::NotAuditor.into();
    let table = [
        ("the cold key", RevealSeed { auditor: validator.authority, ..right }, refused()),
        ("another auditor", RevealSeed { auditor: other.auditor, ..right }, refused()),
        ("another validator", RevealSeed { validator: other.address, ..right }, refused()),
    ];
    world.refuses_accounts(&call, table);
}
