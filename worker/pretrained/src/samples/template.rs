//! Text files from patterns: a head, parts in any order and number, a tail; names, words and numbers filled in.

use super::random::Random;

/// How a type of text file is written. In the patterns `{w}` is a word, `{W}` one with a capital, `{i}` a name of two words, `{n}` a
/// number, `{f}` a number with decimals, `{x}` eight hexadecimal digits, `{s}` a sentence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Template {
    /// A file name.
    pub(super) name: &'static str,
    pub(super) head: &'static str,
    pub(super) parts: &'static [&'static str],
    pub(super) tail: &'static str,
}

const WORDS: &[&str] = &[
    "account", "amount", "answer", "archive", "balance", "batch", "border", "bridge", "buffer", "cache", "camera",
    "channel", "circle", "client", "column", "config", "counter", "cursor", "delta", "device", "digest", "driver",
    "engine", "entry", "error", "event", "field", "filter", "forest", "frame", "garden", "handle", "harbour", "header",
    "history", "index", "island", "journal", "kernel", "ladder", "layer", "ledger", "length", "letter", "limit",
    "market", "marker", "matrix", "member", "memory", "message", "meter", "mirror", "module", "morning", "mountain",
    "needle", "node", "number", "object", "offset", "option", "order", "owner", "packet", "paper", "parser", "path",
    "payment", "pixel", "planet", "point", "policy", "price", "queue", "reader", "record", "region", "report",
    "request", "result", "river", "router", "sample", "season", "segment", "server", "signal", "silver", "socket",
    "source", "stream", "street", "summary", "surface", "table", "target", "ticket", "token", "tower", "trace",
    "value", "vector", "village", "volume", "weather", "weight", "window", "winter", "worker",
];

impl Template {
    pub(super) fn fill(&self, random: &mut Random) -> String {
        let mut text = String::new();
        expand(self.head, random, &mut text);
        let count = random.between(self.parts.len(), 5 * self.parts.len().max(2));
        for _ in 0..count.min(40) {
            expand(random.pick(self.parts), random, &mut text);
        }
        expand(self.tail, random, &mut text);
        text
    }
}

fn expand(pattern: &str, random: &mut Random, text: &mut String) {
    let mut rest = pattern;
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        let filled = match after.as_bytes() {
            [b'{', kind, b'}', ..] => fill(*kind, random),
            _ => None,
        };
        let taken = if filled.is_some() { 3 } else { 1 };
        text.push_str(filled.as_deref().unwrap_or("{"));
        rest = &after[taken..];
    }
    text.push_str(rest);
}

fn fill(kind: u8, random: &mut Random) -> Option<String> {
    Some(match kind {
        b'w' => random.pick(WORDS).to_owned(),
        b'W' => capital(random.pick(WORDS)),
        b'i' => format!("{}_{}", random.pick(WORDS), random.pick(WORDS)),
        b'n' => random.below(2_000).to_string(),
        b'f' => format!("{}.{:03}", random.below(90), random.below(1_000)),
        b'x' => format!("{:08x}", random.next() as u32),
        b's' => sentence(random),
        _ => return None,
    })
}

/// Words in the order of a sentence, if not its sense.
fn sentence(random: &mut Random) -> String {
    const BEGINNINGS: &[&str] = &["The", "Every", "Each", "No", "Another", "This"];
    const VERBS: &[&str] =
        &["keeps", "shows", "follows", "needs", "changes", "holds", "returns to", "waits for", "is beside"];
    const ENDINGS: &[&str] =
        &["", " in the morning", " again", " when it is late", ", as it always did", " without a word"];
    format!(
        "{} {} {} the {} of the {}{}.",
        random.pick(BEGINNINGS),
        random.pick(WORDS),
        random.pick(VERBS),
        random.pick(WORDS),
        random.pick(WORDS),
        random.pick(ENDINGS)
    )
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_placeholder_stays() {
        let mut text = String::new();
        expand("a { b } {q} {n} {{w}} {", &mut Random::new(&[1]), &mut text);
        assert!(text.starts_with("a { b } {q} ") && text.ends_with("} {"), "{text}");
        assert!(!text.contains("{n}") && !text.contains("{w}"), "{text}");
    }
}
