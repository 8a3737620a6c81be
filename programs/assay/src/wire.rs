//! Reading arguments without believing the lengths that they claim.

use anchor_lang::prelude::borsh::{
    io::{Error, ErrorKind, Read, Result},
    BorshDeserialize,
};

/// Longest string that is read from instruction data. More than fits a transaction; whether a string is too long for its
/// purpose is decided afterwards, with an error of its own.
pub const MAXIMUM_TEXT_BYTES: u32 = 1_024;

/// Reads a string in borsh's encoding, as borsh does, but refuses a length above [`MAXIMUM_TEXT_BYTES`].
///
/// Borsh itself reserves up to a megabyte for whatever length stands in the data. The heap on-chain has 32 KiB, so a hostile
/// length would abort the program where an error is due.
///
/// Arguments name it unless the interface description is being built: Anchor's generator refuses such fields, and the bytes are
/// those of an ordinary string.
pub fn read_text<R: Read>(reader: &mut R) -> Result<String> {
    let length = u32::deserialize_reader(reader)?;
    if length > MAXIMUM_TEXT_BYTES {
        return Err(Error::new(ErrorKind::InvalidData, "a string is longer than any transaction"));
    }
    // Lossless: the program and its clients have pointers of at least 32 bits.
    let mut bytes = vec![0; length as usize];
    reader.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "a string is not UTF-8"))
}

/// Reads bytes in borsh's encoding, as borsh does, but refuses a length above [`MAXIMUM_TEXT_BYTES`]; see [`read_text`].
pub fn read_bytes<R: Read>(reader: &mut R) -> Result<Vec<u8>> {
    let length = u32::deserialize_reader(reader)?;
    if length > MAXIMUM_TEXT_BYTES {
        return Err(Error::new(ErrorKind::InvalidData, "more bytes than any transaction has"));
    }
    let mut bytes = vec![0; length as usize];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::prelude::borsh;
    use proptest::prelude::*;

    #[test]
    fn a_claimed_length_is_not_believed() {
        for length in [MAXIMUM_TEXT_BYTES + 1, 1 << 20, u32::MAX] {
            let mut data = length.to_le_bytes().to_vec();
            data.resize(4_096, b'a');
            assert!(read_text(&mut &data[..]).is_err(), "{length}");
            assert!(read_bytes(&mut &data[..]).is_err(), "{length}");
        }
        assert!(read_text(&mut &[5, 0, 0, 0, b'a'][..]).is_err(), "four bytes missing");
        assert!(read_bytes(&mut &[5, 0, 0, 0, b'a'][..]).is_err(), "four bytes missing");
        assert_eq!(read_bytes(&mut &[2, 0, 0, 0, 7, 8, 9][..]).unwrap(), [7, 8]);
        assert!(read_text(&mut &[1, 0][..]).is_err(), "length cut off");
        assert!(read_text(&mut &[1, 0, 0, 0, 0xff][..]).is_err(), "not UTF-8");
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn agrees_with_borsh_on_what_fits(text in "\\PC{0,300}", rest in prop::collection::vec(any::<u8>(), 0..8)) {
            let mut data = borsh::to_vec(&text).unwrap();
            data.extend(&rest);
            let mut reader = &data[..];
            if text.len() <= MAXIMUM_TEXT_BYTES as usize {
                prop_assert_eq!(read_text(&mut reader).unwrap(), text);
                prop_assert_eq!(reader, &rest[..]);
            } else {
                prop_assert!(read_text(&mut reader).is_err());
            }
        }
    }
}
