//! Plots as SVG.

use super::shortened;
use plotters::prelude::*;

/// A bar for each name, as an SVG element; empty where nothing can be drawn.
pub(crate) fn bars(title: &str, unit: &str, bars: &[(String, f64)]) -> String {
    let mut text = String::new();
    if bars.is_empty() || draw(&mut text, title, unit, bars).is_err() {
        return String::new();
    }
    text
}

const ROW_PIXELS: u32 = 18;
const GREATEST_DRAWN: f64 = 1e6;

fn draw(text: &mut String, title: &str, unit: &str, bars: &[(String, f64)]) -> Result<(), Box<dyn std::error::Error>> {
    let bounded = |value: f64| if value.is_finite() { value.clamp(-GREATEST_DRAWN, GREATEST_DRAWN) } else { 0.0 };
    let most = bars.iter().fold(1e-6f64, |most, (_, value)| most.max(bounded(*value)));
    let least = bars.iter().fold(0.0f64, |least, (_, value)| least.min(bounded(*value)));
    let height = 70 + ROW_PIXELS * bars.len() as u32;
    let root = SVGBackend::with_string(text, (960, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 16))
        .margin(8)
        .x_label_area_size(30)
        .y_label_area_size(330)
        .build_cartesian_2d(least..most * 1.05, 0..bars.len())?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .x_desc(unit)
        .y_labels(bars.len())
        .y_label_formatter(&|row| {
            bars.get(bars.len().wrapping_sub(row + 1)).map_or(String::new(), |(name, _)| shortened(name, 48))
        })
        .label_style(("sans-serif", 11))
        .draw()?;
    chart.draw_series(bars.iter().enumerate().map(|(index, (_, value))| {
        let row = bars.len() - 1 - index;
        Rectangle::new([(0.0, row), (bounded(*value), row + 1)], RGBColor(70, 110, 160).mix(0.8).filled())
    }))?;
    root.present()?;
    drop(chart);
    drop(root);
    Ok(())
}
