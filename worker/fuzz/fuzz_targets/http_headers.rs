//! Headers of requests to, and of answers from, stores: ranges, origins, hosts, tokens.
//!
//! Whatever is selected lies inside the artifact, and a range that is written as it was read is read as it was written.
#![no_main]

use assay_store::fuzzing::{admits, content_range, names_this_machine, selected};
use assay_store::{PageOrigin, UploadToken};
use libfuzzer_sys::fuzz_target;

const TOKEN: &str = "correct-horse-battery";

fuzz_target!(|input: (u64, &str)| {
    let (total, header) = input;
    if let Some((start, length)) = selected(header, total) {
        assert!(length > 0 && start < total && length <= total - start, "{header:?} of {total}");
        let exact = format!("bytes={start}-{}", start + (length - 1));
        assert_eq!(selected(&exact, total), Some((start, length)), "{header:?}");
    }
    if let Some((start, length, whole)) = content_range(header) {
        let end = start.checked_add(length).expect("inside of 64 bits");
        assert!(length > 0 && whole.is_none_or(|whole| end <= whole), "{header:?}");
        let whole_text = whole.map_or("*".to_owned(), |whole| whole.to_string());
        assert_eq!(content_range(&format!("bytes {start}-{}/{whole_text}", end - 1)), Some((start, length, whole)));
    }
    if let Ok(origin) = header.parse::<PageOrigin>() {
        assert_eq!(origin.to_string().parse::<PageOrigin>().expect("as it was shown"), origin, "{header:?}");
    }
    if let Ok(host) = header.parse()
        && names_this_machine(&host)
    {
        let name = header.to_ascii_lowercase();
        assert!(name.starts_with("localhost") || name.contains("127.") || name.contains(':'), "{header:?}");
    }
    let token = UploadToken::new(TOKEN).expect("a good token");
    assert_eq!(
        admits(&token, header),
        header
            .split_once(' ')
            .is_some_and(|(scheme, offered)| { scheme.eq_ignore_ascii_case("bearer") && offered.trim() == TOKEN })
    );
});
