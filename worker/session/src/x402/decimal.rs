//! Amounts as decimal text: a number of JSON is exact up to 2^53 in many readers, base units go to 2^64.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes an amount.
pub(super) fn serialize<S: Serializer>(amount: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

/// Reads an amount: digits alone, without a sign and without leading zeros, so that each amount has one form.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let amount = text.parse::<u64>().ok().filter(|amount| amount.to_string() == text);
    amount.ok_or_else(|| D::Error::custom(format_args!("{text:?} is not an amount in base units")))
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Amount(#[serde(with = "super")] u64);

    #[test]
    fn an_amount_has_one_form() {
        for amount in [0, 1, (1 << 53) + 1, u64::MAX] {
            let text = serde_json::to_string(&Amount(amount)).unwrap();
            assert_eq!(text, format!("\"{amount}\""));
            assert_eq!(serde_json::from_str::<Amount>(&text).unwrap(), Amount(amount));
        }
        for wrong in ["\"\"", "\"+1\"", "\"01\"", "\"-1\"", "\"1.0\"", "\" 1\"", "1", "\"18446744073709551616\""] {
            assert!(serde_json::from_str::<Amount>(wrong).is_err(), "{wrong}");
        }
    }
}
