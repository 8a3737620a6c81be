use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::{CloseBuffer, GrowBuffer, OpenBuffer, WriteBuffer};
use assay::address;
use assay::state::Buffer;
use program_tests::World;
use program_tests::outcome::ACCOUNT_IN_USE;
use solana_sdk::pubkey::Pubkey;

fn bytes(world: &World, owner: Pubkey, id: u64) -> Vec<u8> {
    let data = world.svm.get_account(&address::buffer(&owner, id)).unwrap().data;
    Buffer::bytes_of(&data).unwrap().to_vec()
}

#[test]
fn holds_what_was_written_and_gives_its_rent_back() {
    let mut world = World::new();
    let owner = world.mallory;
    let before = world.lamports(owner);
    let content: Vec<u8> = (0..32_768u32).map(|at| (at % 251) as u8).collect();
    let buffer = world.upload(owner, 7, &content);
    assert_eq!(bytes(&world, owner, 7), content);
    let account = world.svm.get_account(&buffer).unwrap();
    assert_eq!(account.lamports, world.svm.minimum_balance_for_rent_exemption(account.data.len()));
    world.accepts(&world.write_buffer(owner, 7, 32_767, &[9]));
    world.accepts(&world.write_buffer(owner, 7, 32_768, &[]));
    assert_eq!(bytes(&world, owner, 7)[32_767], 9);
    world.accepts(&world.close_buffer(owner, 7));
    assert_eq!(world.lamports(owner), before);
}

#[test]
fn lengths_and_ranges_are_bounded() {
    let mut world = World::new();
    let owner = world.mallory;
    let most = (Buffer::MAXIMUM_STEP_BYTES - Buffer::BYTES_OFFSET) as u32;
    for too_long in [most + 1, 32_769, u32::MAX] {
        world.refuses(&world.open_buffer(owner, 0, too_long), AssayError::BufferLengthInvalid);
    }
    world.accepts(&world.open_buffer(owner, 0, most));
    world.refuses(&world.open_buffer(owner, 0, most), ACCOUNT_IN_USE);
    for wrong in [most - 1, 0, most + 10_241, u32::MAX] {
        world.refuses(&world.grow_buffer(owner, 0, wrong), AssayError::BufferLengthInvalid);
    }
    world.accepts(&world.grow_buffer(owner, 0, most));
    world.accepts(&world.grow_buffer(owner, 0, most + 10_240));
    world.accepts(&world.grow_buffer(owner, 0, most + 20_480));
    world.refuses(&world.grow_buffer(owner, 0, 32_769), AssayError::BufferLengthInvalid);
    world.accepts(&world.grow_buffer(owner, 0, 32_768));
    for (offset, length) in [(32_768, 1), (32_767, 2), (u32::MAX, 1), (32_000, 900)] {
        let call = world.write_buffer(owner, 0, offset, &vec![1; length]);
        world.refuses(&call, AssayError::BufferRangeInvalid);
    }
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let (owner, other) = (world.mallory, world.authority);
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let not_owner = || AssayError::NotBufferOwner.into();
    let open = world.open_buffer(owner, 0, 100);
    let right = open.accounts;
    let table = [
        ("another signer", OpenBuffer { owner: other, ..right }, ErrorCode::ConstraintSeeds.into()),
        (
            "another number",
            OpenBuffer { buffer: address::buffer(&owner, 1), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
    ];
    world.refuses_accounts(&open, table);
    world.accepts(&world.open_buffer(other, 0, 100));
    let (others, node) = (address::buffer(&other, 0), world.node.address);
    let grow = world.grow_buffer(owner, 0, 200);
    let right = grow.accounts;
    let table = [
        ("another signer", GrowBuffer { owner: other, ..right }, not_owner()),
        ("another's buffer", GrowBuffer { buffer: others, ..right }, not_owner()),
        ("a node as buffer", GrowBuffer { buffer: node, ..right }, mismatch()),
    ];
    world.refuses_accounts(&grow, table);
    let write = world.write_buffer(owner, 0, 0, &[1]);
    let right = write.accounts;
    let table = [
        ("another signer", WriteBuffer { owner: other, ..right }, not_owner()),
        ("another's buffer", WriteBuffer { buffer: others, ..right }, not_owner()),
        ("a node as buffer", WriteBuffer { buffer: node, ..right }, mismatch()),
    ];
    world.refuses_accounts(&write, table);
    let close = world.close_buffer(owner, 0);
    let right = close.accounts;
    let table = [
        ("another signer", CloseBuffer { owner: other, ..right }, not_owner()),
        ("another's buffer", CloseBuffer { buffer: others, ..right }, not_owner()),
        ("a node as buffer", CloseBuffer { buffer: node, ..right }, mismatch()),
    ];
    world.refuses_accounts(&close, table);
}
