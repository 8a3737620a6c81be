//! The WGSL functions that generated code calls, and which of them one shader needs.

/// How 64-bit registers are represented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum WideKind {
    /// Two 32-bit words; works on every adapter.
    Pair,
    /// The adapter's own 64-bit integers.
    Native,
}

impl WideKind {
    const fn source(self) -> &'static str {
        match self {
            Self::Pair => include_str!("library/wide_pair.wgsl"),
            Self::Native => include_str!("library/wide_native.wgsl"),
        }
    }
}

const NARROW: &str = include_str!("library/narrow.wgsl");

/// Library functions with loops, and how many turns one call takes at most.
const LOOPING: [(&str, u64); 3] = [("w_divide_unsigned", 4), ("w_square_root", 32), ("n_square_root", 16)];

/// Turns of the loops inside the library functions that `code` calls, at most.
pub(super) fn loop_turns(code: &str) -> u64 {
    let turns = |(name, turns): &(&str, u64)| {
        turns * words(code, name).filter(|end| code[*end..].starts_with('(')).count() as u64
    };
    LOOPING.iter().map(turns).sum()
}

/// One function of a library file.
struct Function {
    name: &'static str,
    text: &'static str,
}

/// The library functions that `code` calls, with those that they call in turn, in library order.
pub(super) fn functions_for(code: &str, kind: WideKind) -> String {
    let library: Vec<Function> = functions(kind.source()).chain(functions(NARROW)).collect();
    let mut needed: Vec<bool> = library.iter().map(|function| calls(code, function.name)).collect();
    let mut grew = true;
    while grew {
        grew = false;
        for index in 0..library.len() {
            if !needed[index] && (0..library.len()).any(|by| needed[by] && calls(library[by].text, library[index].name))
            {
                needed[index] = true;
                grew = true;
            }
        }
    }
    let mut text = String::new();
    for (function, _) in library.iter().zip(&needed).filter(|(_, needed)| **needed) {
        text.push_str(function.text);
        text.push('\n');
    }
    if [code, &text].iter().any(|part| contains_word(part, "wide")) {
        let alias = kind.source().lines().find(|line| line.starts_with("alias ")).unwrap_or_default();
        text.insert_str(0, &format!("{alias}\n\n"));
    }
    text
}

/// Splits a library file into its functions; each starts with `fn` and ends with `}` at the start of a line.
fn functions(source: &'static str) -> impl Iterator<Item = Function> {
    source.match_indices("\nfn ").filter_map(move |(at, _)| {
        let start = at + 1;
        let end = start + source[start..].find("\n}\n")? + 3;
        let text = &source[start..end];
        let name = text["fn ".len()..].split('(').next()?;
        Some(Function { name, text })
    })
}

/// Whether `code` has `name` directly before an opening bracket.
fn calls(code: &str, name: &str) -> bool {
    words(code, name).any(|end| code[end..].starts_with('('))
}

fn contains_word(code: &str, word: &str) -> bool {
    words(code, word).next().is_some()
}

/// Ends of the places where `word` stands alone.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    code.match_indices(word).filter_map(move |(at, _)| {
        let end = at + word.len();
        let before = at.checked_sub(1).and_then(|index| code.as_bytes().get(index)).copied();
        let after = code.as_bytes().get(end).copied();
        (!before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)).then_some(end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_brings_those_that_it_calls_and_no_others() {
        let text = functions_for("let a = w_divide_unsigned(b, c);", WideKind::Pair);
        for name in ["w_divide_unsigned", "divide_two_words", "correct_digit", "w_subtract", "multiply_high"] {
            assert!(text.contains(&format!("fn {name}(")), "{name} is missing");
        }
        assert!(!text.contains("fn w_square_root("));
        assert!(text.starts_with("alias wide = vec2<u32>;"));
        assert_eq!(functions_for("let a = b + c;", WideKind::Pair), "");
    }

    #[test]
    fn loops_inside_called_functions_are_counted() {
        assert_eq!(loop_turns("let a = w_low(w_divide_unsigned(w_square_root(b), c));"), 36);
        assert_eq!(loop_turns("let w_square_root_1 = n_square_rooted(b);"), 0);
        let with_loops = |kind: WideKind| {
            let looping = functions(kind.source()).chain(functions(NARROW)).filter(|one| one.text.contains("for ("));
            looping.map(|one| one.name).collect::<Vec<_>>()
        };
        // correct_digit loops twice, and a division calls it twice.
        assert_eq!(with_loops(WideKind::Pair), ["correct_digit", "w_square_root", "n_square_root"]);
        assert_eq!(with_loops(WideKind::Native), ["w_square_root", "n_square_root"]);
    }

    #[test]
    fn both_representations_offer_the_same_functions() {
        let public = |kind: WideKind| {
            let mut names: Vec<_> =
                functions(kind.source()).map(|function| function.name).filter(|name| name.starts_with("w_")).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(public(WideKind::Pair), public(WideKind::Native));
    }
}
