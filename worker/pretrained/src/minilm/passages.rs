//! Texts cut into passages that a sentence model can read: paragraphs, or the parts of long ones.

/// Most letters of a passage: what fits the model's tokens, in most languages.
const MAX_LETTERS: usize = 600;

/// A passage of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The line of the text in which it begins, from 1.
    pub line: usize,
    /// Its words, a single space between any two.
    pub text: String,
}

/// Cuts a text at empty lines, and long paragraphs between lines or words.
pub fn passages(text: &str) -> Vec<Passage> {
    let mut found: Vec<Passage> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            open = false;
        }
        for word in line.split_whitespace().flat_map(pieces) {
            let last = found.last_mut().filter(|last| open && last.text.len() + 1 + word.len() <= MAX_LETTERS);
            if let Some(last) = last {
                last.text.push(' ');
                last.text.push_str(word);
            } else {
                found.push(Passage { line: index + 1, text: word.to_owned() });
                open = true;
            }
        }
    }
    // Rules, page numbers and the like say nothing.
    found.retain(|passage| passage.text.chars().filter(|letter| letter.is_alphabetic()).count() >= 3);
    found
}

/// A word, or the parts of what is longer than a passage.
fn pieces(word: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = word;
    while rest.len() > MAX_LETTERS {
        let end = (1..=MAX_LETTERS).rev().find(|&at| rest.is_char_boundary(at)).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_passages() {
        let found = passages("# Title\n\nOne line\n  and another.\n\n---\n\n42\n\nThe end.\n");
        let lines: Vec<(usize, &str)> = found.iter().map(|passage| (passage.line, &passage.text[..])).collect();
        assert_eq!(lines, [(1, "# Title"), (3, "One line and another."), (10, "The end.")]);
        assert!(passages("").is_empty());
    }

    #[test]
    fn long_paragraphs_are_cut_and_no_word_is_lost() {
        let words: Vec<String> = (0..1_000).map(|index| format!("word{index}")).collect();
        let found = passages(&words.join(" "));
        assert!(found.len() > 1 && found.iter().all(|passage| passage.text.len() <= MAX_LETTERS));
        let joined: Vec<&str> = found.iter().map(|passage| &passage.text[..]).collect();
        assert_eq!(joined.join(" "), words.join(" "));
        let endless = passages(&"ü".repeat(1_000));
        assert_eq!(endless.iter().map(|passage| passage.text.chars().count()).sum::<usize>(), 1_000);
    }
}
