//! One thing with its properties: a name and a value a line.

use console::style;
use serde_json::Value;

/// Names to the left, values beside them in one column.
pub(crate) fn fields<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let pairs: Vec<(&str, String)> = pairs.into_iter().collect();
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| {
        let padding = " ".repeat(width.saturating_sub(name.chars().count()));
        format!("{}{padding}  {value}", style(name).dim())
    };
    pairs.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The fields of a JSON object in the order of `names`; what is missing or `null` is left out.
pub(crate) fn fields_of(value: &Value, names: &[&str]) -> String {
    let words = |field: &Value| field.as_str().map_or_else(|| field.to_string(), str::to_owned);
    let named: Vec<(String, String)> = names
        .iter()
        .filter_map(|name| {
            value.get(name).filter(|field| !field.is_null()).map(|field| (name.replace('_', " "), words(field)))
        })
        .collect();
    fields(named.iter().map(|(name, field)| (name.as_str(), field.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_stand_in_one_column_in_order_and_nulls_are_left_out() {
        console::set_colors_enabled(false);
        let text = fields_of(&json!({ "a": "x", "job_id": 7, "none": null }), &["job_id", "none", "a", "missing"]);
        assert_eq!(text, "job id  7\na       x");
    }
}
