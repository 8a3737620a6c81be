//! What the network reads of a file, and which files need no network.

use super::answer::Answer;
use super::config::Config;
use std::io::{Cursor, Read, Seek, SeekFrom};

/// What is to be done about a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// The rules know its type.
    Known(Answer),
    /// The network is to be asked, with these tokens.
    Ask(Vec<i32>),
}

pub(super) fn read_bytes(config: &Config, content: &[u8]) -> Reading {
    // Reading out of memory cannot fail.
    read(config, &mut Cursor::new(content)).unwrap_or_else(|_| Reading::Known(Answer::known("unknown")))
}

/// At most a block is read from either end.
pub(super) fn read(config: &Config, content: &mut (impl Read + Seek)) -> std::io::Result<Reading> {
    let size = content.seek(SeekFrom::End(0))?;
    if size == 0 {
        return Ok(Reading::Known(Answer::known("empty")));
    }
    let length = size.min(config.block_size as u64);
    let first = block(content, 0, length)?;
    if size < config.min_file_size_for_dl as u64 {
        return Ok(Reading::Known(few_bytes(&first)));
    }
    let start: Vec<u8> = first.iter().copied().skip_while(is_space).take(config.beg_size).collect();
    // Mostly spaces: too little is left to judge.
    if start.len() < config.min_file_size_for_dl {
        return Ok(Reading::Known(few_bytes(&first)));
    }
    let last = block(content, size - length, length)?;
    let trimmed = last.len() - last.iter().rev().take_while(|byte| is_space(byte)).count();
    let end = &last[trimmed.saturating_sub(config.end_size)..trimmed];
    let padding = |count: usize| std::iter::repeat_n(config.padding_token, count);
    let bytes = |bytes: &[u8]| bytes.iter().map(|byte| i32::from(*byte)).collect::<Vec<_>>();
    let mut tokens = bytes(&start);
    tokens.extend(padding(config.beg_size - start.len()));
    tokens.extend(padding(config.end_size - end.len()));
    tokens.extend(bytes(end));
    Ok(Reading::Ask(tokens))
}

fn block(content: &mut (impl Read + Seek), offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    content.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::with_capacity(length as usize);
    content.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What Python strips off bytes.
fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn few_bytes(content: &[u8]) -> Answer {
    Answer::known(if std::str::from_utf8(content).is_ok() { "txt" } else { "unknown" })
}

#[cfg(test)]
mod tests {
    use super::super::config::tests::small;
    use super::*;

    fn known(content: &[u8]) -> String {
        match read_bytes(&small(), content) {
            Reading::Known(answer) => answer.label,
            Reading::Ask(tokens) => format!("{tokens:?}"),
        }
    }

    fn tokens(content: &[u8]) -> Vec<i32> {
        match read_bytes(&small(), content) {
            Reading::Ask(tokens) => tokens,
            Reading::Known(answer) => panic!("known as {answer:?}"),
        }
    }

    #[test]
    fn files_with_too_few_bytes_are_text_or_unknown() {
        assert_eq!(known(b""), "empty");
        assert_eq!(known(b"short"), "txt");
        assert_eq!(known(&[0xff; 7]), "unknown");
        assert_eq!(known(b"                          a few  "), "txt", "seven bytes after the spaces");
        assert_eq!(known(b"          \xff\xff\xff"), "unknown");
        // A block that cuts a letter in two is no text.
        let cut = [&b" ".repeat(63)[..], "é and what follows".as_bytes()].concat();
        assert_eq!(known(&cut), "unknown");
    }

    #[test]
    fn short_files_are_padded_in_the_middle() {
        let tokens = tokens(b"\n\tabcdefgh \r\n");
        let letters: Vec<i32> = (97..=104).collect();
        assert_eq!(tokens[..8], letters);
        // The start keeps the spaces behind it, the end those before it.
        assert_eq!(tokens[8..16], [32, 13, 10, 256, 256, 256, 256, 256]);
        assert_eq!(tokens[16..], [&[256; 6][..], &[10, 9], &letters[..]].concat());
    }

    #[test]
    fn long_files_give_their_first_and_last_bytes() {
        let content: Vec<u8> = (0..=255).collect();
        let tokens = tokens(&content);
        assert_eq!(tokens[..16], (0..16).collect::<Vec<i32>>());
        assert_eq!(tokens[16..], (240..256).collect::<Vec<i32>>());
        // Spaces are taken off before bytes are counted, within a block.
        let spaced = [&[b' '; 20][..], &content, &[b'\n'; 20]].concat();
        assert_eq!(self::tokens(&spaced), tokens);
    }
}
