//! What is signed in a session: receipts by the node's operator, vouchers by the client's voucher key.
//!
//! Both are fixed bytes, numbers in little endian. They begin with a byte that no transaction begins with and name the cluster,
//! the program and the session, so that a signature is worth something in one place only.

use crate::error::{AssayError, Checked};
use crate::market::OutputDescriptor;
use anchor_lang::prelude::*;
use referee::commit::{sha256, Hash};

/// Starts every receipt.
pub const RECEIPT_MESSAGE_PREFIX: &[u8; 16] = b"\xffassay/receipt/1";
/// Starts every voucher.
pub const VOUCHER_MESSAGE_PREFIX: &[u8; 16] = b"\xffassay/voucher/1";
/// Length of the message of a receipt.
pub const RECEIPT_MESSAGE_BYTES: usize = 16 + 3 * 32 + 8 + 32 + 4 * 4 + 17 + 2 * 32 + 8;
/// Length of the message of a voucher.
pub const VOUCHER_MESSAGE_BYTES: usize = 16 + 3 * 32 + 8;

/// An answer to one request, as the node's operator signs it: which result belongs to which inputs, at which price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Tells one cluster from another.
    pub genesis_hash: Hash,
    /// The session.
    pub session: Pubkey,
    /// The client's number for the request.
    pub sequence: u64,
    /// Root of the inputs.
    pub inputs_root: Hash,
    /// Values of the graph's symbols; unused ones are 0.
    pub symbols: [u32; 4],
    /// Where the output lies in what the node computed.
    pub output: OutputDescriptor,
    /// Root over the boundary tensors.
    pub boundary_root: Hash,
    /// Root of the output tensor.
    pub output_root: Hash,
    /// What the request costs, in base units of the payment mint.
    pub price: u64,
}

impl Receipt {
    /// The message that the operator signs.
    pub fn message(&self) -> [u8; RECEIPT_MESSAGE_BYTES] {
        let [a, b, c, d] = self.symbols.map(u32::to_le_bytes);
        let output = &self.output;
        join([
            RECEIPT_MESSAGE_PREFIX,
            &self.genesis_hash,
            crate::ID_CONST.as_array(),
            self.session.as_array(),
            &self.sequence.to_le_bytes(),
            &self.inputs_root,
            &a,
            &b,
            &c,
            &d,
            &output.uid,
            &output.leaves.to_le_bytes(),
            &[output.depth],
            &output.boundary_position.to_le_bytes(),
            &output.boundary_count.to_le_bytes(),
            &self.boundary_root,
            &self.output_root,
            &self.price.to_le_bytes(),
        ])
    }

    /// What the address of a receipt that is called in is derived from: two receipts of one sequence have two addresses.
    pub fn hash(&self) -> Hash {
        sha256(&[&self.message()])
    }

    /// The receipt whose message these bytes are. `ReceiptInvalid` if they are those of none of this program.
    ///
    /// Cluster and session are the caller's to compare.
    pub fn parse(message: &[u8]) -> Checked<Self> {
        let mut parts = Parts { rest: message };
        let ours = parts.take::<16>()? == *RECEIPT_MESSAGE_PREFIX;
        let genesis_hash = parts.take()?;
        let of_this_program = parts.take::<32>()? == crate::ID_CONST.to_bytes();
        let receipt = Self {
            genesis_hash,
            session: Pubkey::new_from_array(parts.take()?),
            sequence: u64::from_le_bytes(parts.take()?),
            inputs_root: parts.take()?,
            symbols: [parts.number()?, parts.number()?, parts.number()?, parts.number()?],
            output: OutputDescriptor {
                uid: parts.take()?,
                leaves: parts.number()?,
                depth: parts.take::<1>().map(|[depth]| depth)?,
                boundary_position: u16::from_le_bytes(parts.take()?),
                boundary_count: u16::from_le_bytes(parts.take()?),
            },
            boundary_root: parts.take()?,
            output_root: parts.take()?,
            price: u64::from_le_bytes(parts.take()?),
        };
        if ours && of_this_program && parts.rest.is_empty() {
            Ok(receipt)
        } else {
            Err(AssayError::ReceiptInvalid)
        }
    }
}

/// What the client lets a session pay, as its voucher key signs it. Cumulative: the greatest one counts, all others are void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// Tells one cluster from another.
    pub genesis_hash: Hash,
    /// The session.
    pub session: Pubkey,
    /// For all requests so far together, in base units of the payment mint.
    pub amount: u64,
}

impl Voucher {
    /// The message that the voucher key signs.
    pub fn message(&self) -> [u8; VOUCHER_MESSAGE_BYTES] {
        join([
            VOUCHER_MESSAGE_PREFIX,
            &self.genesis_hash,
            crate::ID_CONST.as_array(),
            self.session.as_array(),
            &self.amount.to_le_bytes(),
        ])
    }
}

/// The parts one after another. A test shows for each message that they fill it exactly.
fn join<const BYTES: usize, const PARTS: usize>(parts: [&[u8]; PARTS]) -> [u8; BYTES] {
    let mut message = [0; BYTES];
    let mut rest = &mut message[..];
    for part in parts {
        if let Some((place, after)) = core::mem::take(&mut rest).split_at_mut_checked(part.len()) {
            place.copy_from_slice(part);
            rest = after;
        }
    }
    message
}

/// What is left of a message.
struct Parts<'a> {
    rest: &'a [u8],
}

impl Parts<'_> {
    fn take<const BYTES: usize>(&mut self) -> Checked<[u8; BYTES]> {
        let (part, rest) = self.rest.split_first_chunk::<BYTES>().ok_or(AssayError::ReceiptInvalid)?;
        self.rest = rest;
        Ok(*part)
    }

    fn number(&mut self) -> Checked<u32> {
        Ok(u32::from_le_bytes(self.take()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn receipt() -> Receipt {
        Receipt {
            genesis_hash: [1; 32],
            session: Pubkey::new_from_array([2; 32]),
            sequence: 0x0807_0605_0403_0201,
            inputs_root: [3; 32],
            symbols: [4, 5, 6, 7],
            output: OutputDescriptor {
                uid: *b"uid-of-y",
                leaves: 8,
                depth: 3,
                boundary_position: 1,
                boundary_count: 2,
            },
            boundary_root: [9; 32],
            output_root: [10; 32],
            price: 11,
        }
    }

    #[test]
    fn every_part_of_a_receipt_is_signed_and_read_back() {
        let right = receipt();
        let output = |change: fn(&mut OutputDescriptor)| {
            let mut other = right;
            change(&mut other.output);
            other
        };
        let others = [
            Receipt { genesis_hash: [0xee; 32], ..right },
            Receipt { session: Pubkey::new_from_array([0xee; 32]), ..right },
            Receipt { sequence: 1, ..right },
            Receipt { inputs_root: [0xee; 32], ..right },
            Receipt { symbols: [0xee, 5, 6, 7], ..right },
            Receipt { symbols: [4, 0xee, 6, 7], ..right },
            Receipt { symbols: [4, 5, 0xee, 7], ..right },
            Receipt { symbols: [4, 5, 6, 0xee], ..right },
            output(|output| output.uid = [0xee; 8]),
            output(|output| output.leaves = 0xee),
            output(|output| output.depth = 0xee),
            output(|output| output.boundary_position = 0xee),
            output(|output| output.boundary_count = 0xee),
            Receipt { boundary_root: [0xee; 32], ..right },
            Receipt { output_root: [0xee; 32], ..right },
            Receipt { price: 0xee, ..right },
        ];
        let mut seen = HashSet::from([(right.message().to_vec(), right.hash())]);
        for other in others {
            assert!(seen.insert((other.message().to_vec(), other.hash())), "{other:?}");
            assert_eq!(Receipt::parse(&other.message()), Ok(other));
        }
        let message = right.message();
        assert_eq!(message[0], 0xff, "no transaction starts like this");
        assert_eq!(message[RECEIPT_MESSAGE_BYTES - 8..], 11u64.to_le_bytes(), "every byte is used");
        assert_eq!(message[48..80], crate::ID.to_bytes(), "the program is named");
        assert_eq!(right.hash(), sha256(&[&message]));
    }

    #[test]
    fn only_a_whole_receipt_of_this_program_is_read() {
        let right = receipt().message();
        let invalid = Err(AssayError::ReceiptInvalid);
        for length in 0..right.len() {
            assert_eq!(Receipt::parse(&right[..length]), invalid, "{length} bytes");
        }
        assert_eq!(Receipt::parse(&[&right[..], &[0]].concat()), invalid, "a byte more");
        for at in (0..16).chain(48..80) {
            let mut other = right;
            other[at] ^= 1;
            assert_eq!(Receipt::parse(&other), invalid, "byte {at}: another prefix or another program");
        }
    }

    #[test]
    fn every_part_of_a_voucher_is_signed() {
        let right = Voucher { genesis_hash: [1; 32], session: Pubkey::new_from_array([2; 32]), amount: 3 };
        let others = [
            Voucher { genesis_hash: [9; 32], ..right },
            Voucher { session: Pubkey::new_from_array([9; 32]), ..right },
            Voucher { amount: 4, ..right },
        ];
        for other in others {
            assert_ne!(other.message(), right.message());
        }
        let message = right.message();
        assert_eq!(message[..16], *b"\xffassay/voucher/1");
        assert_eq!(message[48..80], crate::ID.to_bytes(), "the program is named");
        assert_eq!(message[VOUCHER_MESSAGE_BYTES - 8..], 3u64.to_le_bytes(), "every byte is used");
        assert!(Receipt::parse(&message).is_err(), "a voucher is no receipt");
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn what_is_read_is_what_was_signed(message in prop::collection::vec(any::<u8>(), RECEIPT_MESSAGE_BYTES)) {
            let mut message = message;
            message[..16].copy_from_slice(RECEIPT_MESSAGE_PREFIX);
            message[48..80].copy_from_slice(&crate::ID.to_bytes());
            let receipt = Receipt::parse(&message).unwrap();
            prop_assert_eq!(&receipt.message()[..], &message[..]);
        }
    }
}
