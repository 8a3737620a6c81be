use super::*;
use proptest::prelude::*;

const KEY: Pubkey = Pubkey::new_from_array([7; 32]);

fn statement() -> SegmentStatement {
    SegmentStatement {
        genesis_hash: [1; 32],
        job: Pubkey::new_from_array([2; 32]),
        commitment: [3; 32],
        segment: 4,
        ir_version: 1,
        root: [5; 32],
    }
}

/// The verifier's data as the SDK lays them out: offsets, key, signature, message.
fn verifier(key: &Pubkey, message: &[u8]) -> Vec<u8> {
    let mut data = vec![1, 0];
    for number in [48, u16::MAX, 16, u16::MAX, 112, message.len() as u16, u16::MAX] {
        data.extend(number.to_le_bytes());
    }
    data.extend(key.to_bytes());
    data.extend([9; 64]);
    data.extend(message);
    data
}

/// A transaction of one account for each instruction, seen from the one at `present`.
fn sysvar(instructions: &[(Pubkey, Vec<u8>)], present: u16) -> Vec<u8> {
    let mut data = (instructions.len() as u16).to_le_bytes().to_vec();
    let mut offset = 2 + 2 * instructions.len();
    for (_, bytes) in instructions {
        data.extend((offset as u16).to_le_bytes());
        offset += 2 + 33 + 32 + 2 + bytes.len();
    }
    for (program, bytes) in instructions {
        data.extend(1u16.to_le_bytes());
        data.extend([0; 33]);
        data.extend(program.to_bytes());
        data.extend((bytes.len() as u16).to_le_bytes());
        data.extend(bytes);
    }
    data.extend(present.to_le_bytes());
    data
}

fn ours() -> (Pubkey, Vec<u8>) {
    (crate::ID, vec![0; 40])
}

#[test]
fn one_signature_over_the_message_passes() {
    let message = statement().message();
    let signed = (ED25519_PROGRAM, verifier(&KEY, &message));
    assert_eq!(check_signed(&sysvar(&[signed.clone(), ours()], 1), &KEY, &message), Ok(()));
    assert_eq!(check_signed(&sysvar(&[ours(), signed.clone(), ours()], 2), &KEY, &message), Ok(()));
    let mut by_number = signed.1;
    for at in [4, 8, 14] {
        by_number[at..at + 2].copy_from_slice(&1u16.to_le_bytes());
    }
    assert_eq!(check_signed(&sysvar(&[ours(), (ED25519_PROGRAM, by_number), ours()], 2), &KEY, &message), Ok(()));
}

#[test]
fn nothing_else_passes() {
    let message = statement().message();
    let right = verifier(&KEY, &message);
    let (missing, invalid) = (Err(AssayError::SignatureMissing), Err(AssayError::SignatureInvalid));
    let check = |program, data: Vec<u8>| check_signed(&sysvar(&[(program, data), ours()], 1), &KEY, &message);
    let changed = |at: usize, byte: u8| {
        let mut data = right.clone();
        data[at] = byte;
        data
    };
    assert_eq!(check(crate::ID, right.clone()), missing, "another program");
    assert_eq!(check(ED25519_PROGRAM, verifier(&Pubkey::new_from_array([8; 32]), &message)), invalid, "another key");
    assert_eq!(check(ED25519_PROGRAM, verifier(&KEY, &message[..179])), invalid, "a shorter message");
    let longer = [&message[..], &[0]].concat();
    assert_eq!(check(ED25519_PROGRAM, verifier(&KEY, &longer)), invalid, "a longer message");
    assert_eq!(check(ED25519_PROGRAM, changed(0, 2)), invalid, "two signatures");
    assert_eq!(check(ED25519_PROGRAM, changed(0, 0)), invalid, "none");
    for (at, what) in [(4, "signature"), (8, "key"), (14, "message")] {
        let mut data = right.clone();
        data[at..at + 2].copy_from_slice(&1u16.to_le_bytes());
        assert_eq!(check(ED25519_PROGRAM, data), invalid, "the {what} of another instruction");
    }
    for at in 0..right.len() {
        if check(ED25519_PROGRAM, right[..at].to_vec()).is_ok() {
            panic!("cut at {at}");
        }
    }
    let signed = || (ED25519_PROGRAM, right.clone());
    assert_eq!(check_signed(&sysvar(&[ours(), signed()], 0), &KEY, &message), missing, "after the present one");
    assert_eq!(check_signed(&sysvar(&[signed(), ours(), ours()], 2), &KEY, &message), missing, "two before");
    assert_eq!(check_signed(&[], &KEY, &message), missing);
}

#[test]
fn every_part_of_a_statement_is_signed() {
    let right = statement();
    let others = [
        SegmentStatement { genesis_hash: [9; 32], ..right },
        SegmentStatement { job: KEY, ..right },
        SegmentStatement { commitment: [9; 32], ..right },
        SegmentStatement { segment: 0x400, ..right },
        SegmentStatement { ir_version: 2, ..right },
        SegmentStatement { root: [9; 32], ..right },
    ];
    for other in others {
        assert_ne!(other.message(), right.message());
    }
    let message = right.message();
    assert_eq!(message[0], 0xff, "no transaction starts like this");
    assert!(message.windows(32).any(|bytes| bytes == crate::ID.as_ref()), "the program is named");
    assert_eq!(message[180 - 32..], [5; 32], "every byte is used");
}

proptest! {
    #![proptest_config(crate::seeded::cases())]

    #[test]
    fn any_sysvar_is_answered(data in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(check_signed(&data, &KEY, &statement().message()).is_err());
    }

    #[test]
    fn damaged_transactions_never_pass_for_another_message(at in 0usize..400, byte: u8) {
        let message = statement().message();
        let mut other = message;
        other[100] ^= 1;
        let mut data = sysvar(&[(ED25519_PROGRAM, verifier(&KEY, &other)), ours()], 1);
        let at = at % data.len();
        // The message itself is what the verifier checks; everything around it may be damaged.
        let start = data.windows(180).position(|bytes| bytes == other).unwrap();
        if !(start..start + 180).contains(&at) {
            data[at] = byte;
            prop_assert!(check_signed(&data, &KEY, &message).is_err());
        }
    }
}
