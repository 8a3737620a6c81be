//! The report as one page that needs nothing beside itself.

use super::plot::bars;
use super::{OutputReport, ProductReport, Report, ValueReport};
use std::fmt::Write as _;

/// The report as an HTML page; plots are inline.
pub fn html(report: &Report, title: &str) -> String {
    let mut page = String::new();
    let title = escaped(title);
    // writing to a string cannot fail
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><h1>{title}</h1><p>{} ops in {} segments, {} bytes of params. Compared with the float model on {} examples of \
         the calibration data. The longest proof of one element takes at most {} bytes of leaves ({}).</p>",
        report.ops,
        report.segments,
        report.param_bytes,
        report.examples,
        report.greatest_proof_bytes,
        escaped(&report.greatest_proof_op)
    );
    outputs(&mut page, &report.outputs);
    products(&mut page, &report.products);
    values(&mut page, &report.values);
    page.push_str("<h2>Decisions</h2><ul>");
    for decision in &report.decisions {
        let _ = write!(page, "<li>{}</li>", escaped(decision));
    }
    page.push_str("</ul></body></html>\n");
    page
}

const STYLE: &str = "body{font:14px/1.4 sans-serif;margin:2em;max-width:70em}table{border-collapse:collapse;margin:1em 0}\
td,th{border:1px solid #ccc;padding:2px 8px;text-align:right}td:first-child,th:first-child{text-align:left;\
font-family:monospace;word-break:break-all}svg{max-width:100%;height:auto}";

fn outputs(page: &mut String, outputs: &[OutputReport]) {
    let heads = ["result", "rows", "signal to noise, dB", "mean cosine", "least cosine", "same greatest, %"];
    let rows = outputs.iter().map(|output| {
        vec![
            escaped(&output.name),
            output.rows.to_string(),
            format!("{:.1}", output.signal_to_noise_db),
            format!("{:.5}", output.mean_cosine),
            format!("{:.5}", output.least_cosine),
            format!("{:.2}", output.top1_agreement * 100.0),
        ]
    });
    page.push_str("<h2>Results</h2>");
    table(page, &heads, rows);
}

fn products(page: &mut String, products: &[ProductReport]) {
    page.push_str("<h2>Layers by themselves</h2><p>What quantising a layer's own input and weights costs its output, were all else exact.</p>");
    let drawn: Vec<_> = products.iter().map(|product| (product.name.clone(), product.own_signal_to_noise_db)).collect();
    page.push_str(&bars("signal to noise of each layer by itself", "dB", &drawn));
    let heads = ["layer", "operator", "bits of its input", "smoothing", "covered range", "signal to noise, dB"];
    let rows = products.iter().map(|product| {
        vec![
            escaped(&product.name),
            escaped(&product.operator),
            if product.widened { "16".into() } else { "8".into() },
            format!("{:.2}", product.smoothing),
            format!("{:.2}", product.clip),
            format!("{:.1}", product.own_signal_to_noise_db),
        ]
    });
    table(page, &heads, rows);
}

fn values(page: &mut String, values: &[ValueReport]) {
    page.push_str(
        "<h2>Values</h2><p>Each stored value against the float model's, with the errors of everything before it.</p>",
    );
    let drawn: Vec<_> =
        values.iter().map(|value| (format!("{} {}", value.name, value.dtype), value.signal_to_noise_db)).collect();
    page.push_str(&bars("signal to noise of each value", "dB", &drawn));
    let clipped: Vec<_> = values
        .iter()
        .filter(|value| value.clipped_share > 0.0)
        .map(|value| (format!("{} {}", value.name, value.dtype), value.clipped_share * 100.0))
        .collect();
    page.push_str(&bars("elements at a bound of their type", "%", &clipped));
    let heads = ["value", "operator", "type", "step", "greatest seen", "clipped, %", "signal to noise, dB"];
    let rows = values.iter().map(|value| {
        let step = if value.least_step == value.greatest_step {
            format!("{:.3e}", value.greatest_step)
        } else {
            format!("{:.3e} to {:.3e}", value.least_step, value.greatest_step)
        };
        vec![
            escaped(&value.name),
            escaped(&value.operator),
            escaped(&value.dtype),
            step,
            format!("{:.4}", value.magnitude),
            format!("{:.4}", value.clipped_share * 100.0),
            format!("{:.1}", value.signal_to_noise_db),
        ]
    });
    table(page, &heads, rows);
}

fn table(page: &mut String, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    page.push_str("<table><tr>");
    for head in heads {
        let _ = write!(page, "<th>{head}</th>");
    }
    page.push_str("</tr>");
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{cell}</td>");
        }
        page.push_str("</tr>");
    }
    page.push_str("</table>");
}

/// Text that is no markup: names come from model files.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
