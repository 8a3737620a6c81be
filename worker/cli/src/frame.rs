//! Pictures as PNG files.

use crate::error::CliError;

/// Colours of the values 0 to 255, three bytes each.
pub(crate) type Palette = [u8; 768];

/// Black to white.
pub(crate) fn grey() -> Palette {
    std::array::from_fn(|at| (at / 3) as u8)
}

/// For counts of turns: from dark blue over white and orange, black for what never leaves.
pub(crate) fn embers() -> Palette {
    let colour = |value: u32| -> [u8; 3] {
        if value == 255 {
            return [0, 0, 0];
        }
        // Small counts cover most of a picture: they get most of the range.
        let warm = |at: u32| (at * at / 255).min(255) as u8;
        let place = (value * 5).min(255);
        if place < 128 {
            [warm(2 * place), (2 * place) as u8, (80 + place * 175 / 128) as u8]
        } else {
            let rest = 255 - place;
            [255, (2 * rest).min(255) as u8, warm(2 * rest)]
        }
    };
    std::array::from_fn(|at| colour((at / 3) as u32)[at % 3])
}

/// One byte a pixel, row by row, as the bytes of a PNG file.
///
/// The pixels are stored and not compressed: equal frames are equal files, whatever a compressor does.
pub(crate) fn png(width: u32, height: u32, pixels: &[u8], palette: &Palette) -> Result<Vec<u8>, CliError> {
    if width == 0 || u64::from(width) * u64::from(height) != pixels.len() as u64 || pixels.len() > MAX_PIXELS {
        let text =
            format!("{} bytes are no picture of {width} x {height}; {MAX_PIXELS} pixels are the most", pixels.len());
        return Err(CliError::new("A0606", text));
    }
    let mut bytes = SIGNATURE.to_vec();
    // 8 bits a pixel, an index into the palette, no interlacing.
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes()[..], &[8, 3, 0, 0, 0]].concat();
    chunk(&mut bytes, b"IHDR", &header);
    chunk(&mut bytes, b"PLTE", &palette[..]);
    // Every row begins with its filter: none.
    let rows: Vec<u8> =
        pixels.chunks(width as usize).flat_map(|row| std::iter::once(0).chain(row.iter().copied())).collect();
    chunk(&mut bytes, b"IDAT", &stored(&rows));
    chunk(&mut bytes, b"IEND", &[]);
    Ok(bytes)
}

/// Most pixels of a picture.
const MAX_PIXELS: usize = 1 << 26;
/// First bytes of a PNG file.
const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Length, name, data and check sum.
fn chunk(bytes: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    bytes.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let start = bytes.len();
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(data);
    let sum = crc32(&bytes[start..]);
    bytes.extend_from_slice(&sum.to_be_bytes());
}

/// Data as a zlib stream of stored blocks.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let blocks = data.chunks(usize::from(u16::MAX)).count().max(1);
    for (index, block) in data.chunks(usize::from(u16::MAX)).enumerate() {
        let length = block.len() as u16;
        stream.push(u8::from(index + 1 == blocks));
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    stream.extend_from_slice(&adler32(data).to_be_bytes());
    stream
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

fn adler32(data: &[u8]) -> u32 {
    let (low, high) = data.iter().fold((1u32, 0u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_are_those_of_their_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b"IEND"), 0xae42_6082);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    /// Splits a file into its chunks, whose check sums are right.
    fn chunks(bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
        let mut rest = bytes.strip_prefix(&SIGNATURE).unwrap();
        let mut found = Vec::new();
        while !rest.is_empty() {
            let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
            assert_eq!(crc32(&rest[4..8 + length]).to_be_bytes(), rest[8 + length..12 + length]);
            found.push((&rest[4..8], &rest[8..8 + length]));
            rest = &rest[12 + length..];
        }
        found
    }

    #[test]
    fn a_picture_holds_its_rows_and_its_palette() {
        // More than one block of 65,535 bytes.
        let pixels: Vec<u8> = (0..300u32 * 400).map(|at| (at * 7 / 3) as u8).collect();
        for palette in [grey(), embers()] {
            let bytes = png(400, 300, &pixels, &palette).unwrap();
            let chunks = chunks(&bytes);
            assert_eq!(chunks.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [b"IHDR", b"PLTE", b"IDAT", b"IEND"]);
            assert_eq!(chunks[1].1, palette);
            let (mut stream, mut rows) = (&chunks[2].1[2..], Vec::new());
            loop {
                let length = u16::from_le_bytes(stream[1..3].try_into().unwrap());
                assert_eq!(!length, u16::from_le_bytes(stream[3..5].try_into().unwrap()));
                rows.extend_from_slice(&stream[5..5 + usize::from(length)]);
                let last = stream[0] == 1;
                stream = &stream[5 + usize::from(length)..];
                if last {
                    break;
                }
            }
            assert_eq!(stream, adler32(&rows).to_be_bytes());
            let read: Vec<u8> = rows.chunks(401).flat_map(|row| row[1..].to_vec()).collect();
            assert_eq!(read, pixels);
        }
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        assert_eq!(png(64, 9, &[0; 512], &grey()).unwrap_err().code(), "A0606");
        assert_eq!(png(0, 9, &[], &grey()).unwrap_err().code(), "A0606");
    }
}
