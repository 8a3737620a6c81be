//! The `Range` and `Content-Range` headers of HTTP (RFC 9110, section 14), as pure functions.

/// What a `Range` header asks of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestedRange {
    /// Everything: no header, a form that may be ignored (several ranges, another unit), or nonsense.
    Whole,
    /// `length > 0` bytes from `start`, all inside the artifact.
    Part { start: u64, length: u64 },
    /// A well-formed range of which no byte exists.
    Unsatisfiable,
}

/// Reads a `Range` header for an artifact of `total` bytes.
///
/// A header that is not one byte range is ignored, as RFC 9110 allows, so that the answer is the whole artifact.
pub(crate) fn requested_range(header: &str, total: u64) -> RequestedRange {
    let Some((first, last)) = single_byte_range(header) else {
        return RequestedRange::Whole;
    };
    let (start, end) = match (first, last) {
        (Position::At(first), Position::At(last)) if last < first => return RequestedRange::Whole,
        (Position::At(first), Position::At(last)) => (first, last.saturating_add(1).min(total)),
        (Position::At(first), Position::Open) => (first, total),
        (Position::Open, Position::At(0)) => return RequestedRange::Unsatisfiable,
        (Position::Open, Position::At(_)) if total == 0 => return RequestedRange::Whole,
        (Position::Open, Position::At(suffix)) => (total.saturating_sub(suffix), total),
        (Position::Open, Position::Open) => return RequestedRange::Whole,
    };
    if start >= total {
        return RequestedRange::Unsatisfiable;
    }
    RequestedRange::Part { start, length: end - start }
}

/// One end of a byte range: a number, or left out.
#[derive(Clone, Copy)]
enum Position {
    At(u64),
    Open,
}

fn single_byte_range(header: &str) -> Option<(Position, Position)> {
    let (unit, ranges) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = ranges.trim().split_once('-')?;
    Some((position(first)?, position(last)?))
}

fn position(text: &str) -> Option<Position> {
    if text.is_empty() { Some(Position::Open) } else { decimal(text).map(Position::At) }
}

/// Digits only: `str::parse` would also take a leading `+`. A number beyond 64 bits is beyond any artifact.
fn decimal(text: &str) -> Option<u64> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// What a `Content-Range: bytes <start>-<end>/<total>` header says of the body of a partial answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// Position of the first byte of the body in the artifact.
    pub(crate) start: u64,
    /// Length of the body.
    pub(crate) length: u64,
    /// Length of the whole artifact, where the server knows it.
    pub(crate) total: Option<u64>,
}

/// Reads a `Content-Range` header; `None` unless it is well-formed and consistent with itself.
pub(crate) fn content_range(header: &str) -> Option<ContentRange> {
    let (unit, rest) = header.trim().split_once(' ')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (span, total) = rest.trim().split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let (first, last) = (decimal(first)?, decimal(last)?);
    // The end, too, is inside of 64 bits: whoever reads on from there can count on it.
    let length = last.checked_add(1)?.checked_sub(first).filter(|length| *length > 0)?;
    let total = if total == "*" { None } else { Some(decimal(total)?) };
    if total.is_some_and(|total| last >= total) {
        return None;
    }
    Some(ContentRange { start: first, length, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(start: u64, length: u64) -> RequestedRange {
        RequestedRange::Part { start, length }
    }

    #[test]
    fn every_small_range_selects_what_a_naive_reading_selects() {
        for total in 0..6_u64 {
            for first in 0..8 {
                assert_selects(&format!("bytes={first}-"), total, |at| at >= first);
                for last in first..8 {
                    assert_selects(&format!("bytes={first}-{last}"), total, |at| (first..=last).contains(&at));
                }
            }
            for suffix in 1..8 {
                let expected: Vec<u64> = (0..total).filter(|at| at + suffix >= total).collect();
                let range = requested_range(&format!("bytes=-{suffix}"), total);
                if total == 0 {
                    assert_eq!(range, RequestedRange::Whole);
                } else {
                    assert_eq!(range, part(expected[0], expected.len() as u64));
                }
            }
        }
    }

    fn assert_selects(header: &str, total: u64, wanted: impl Fn(u64) -> bool) {
        let expected: Vec<u64> = (0..total).filter(|at| wanted(*at)).collect();
        let range = requested_range(header, total);
        match expected.first() {
            Some(first) => assert_eq!(range, part(*first, expected.len() as u64), "{header} of {total}"),
            None => assert_eq!(range, RequestedRange::Unsatisfiable, "{header} of {total}"),
        }
    }

    #[test]
    fn extreme_numbers_do_not_overflow() {
        let max = u64::MAX;
        assert_eq!(requested_range(&format!("bytes=0-{max}"), 10), part(0, 10));
        assert_eq!(requested_range(&format!("bytes=0-{max}9"), 10), part(0, 10));
        assert_eq!(requested_range(&format!("bytes={max}9-"), 10), RequestedRange::Unsatisfiable);
        assert_eq!(requested_range(&format!("bytes=-{max}9"), 10), part(0, 10));
        assert_eq!(requested_range(&format!("bytes={max}-{max}"), max), RequestedRange::Unsatisfiable);
        for first in [0, 5, max] {
            assert_eq!(content_range(&format!("bytes {first}-{max}/*")), None, "{first}");
            assert_eq!(content_range(&format!("bytes {first}-{max}9/*")), None, "{first}");
        }
    }

    #[test]
    fn an_empty_suffix_cannot_be_satisfied() {
        assert_eq!(requested_range("bytes=-0", 10), RequestedRange::Unsatisfiable);
        assert_eq!(requested_range("bytes=-0", 0), RequestedRange::Unsatisfiable);
    }

    #[test]
    fn what_is_not_one_byte_range_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5",
            "bytes=3-2",
            "bytes=0-1,3-4",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1-+2",
            "bytes= 1 - 2 ",
            "items=0-1",
            "bytes=0x1-2",
            "bytes=--1",
        ] {
            assert_eq!(requested_range(header, 10), RequestedRange::Whole, "{header:?}");
        }
        assert_eq!(requested_range("Bytes= 1-2", 10), part(1, 2));
    }

    #[test]
    fn content_ranges_are_read_or_refused() {
        let read = content_range("bytes 5-9/10").unwrap();
        assert_eq!(read, ContentRange { start: 5, length: 5, total: Some(10) });
        assert_eq!(content_range("bytes 5-9/*").unwrap().total, None);
        for header in [
            "",
            "bytes */10",
            "bytes 5-9",
            "bytes 9-5/10",
            "bytes 5-10/10",
            "items 0-1/2",
            "bytes 5-9/+10",
            "bytes -1-9/10",
        ] {
            assert_eq!(content_range(header), None, "{header:?}");
        }
    }
}
