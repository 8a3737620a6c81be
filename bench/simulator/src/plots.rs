//! The figures as SVG.

use crate::figures::Figures;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;
use std::path::Path;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

const SIZE: (u32, u32) = (760, 420);
const FONT: (&str, u32) = ("sans-serif", 15);
const OURS: RGBColor = RGBColor(70, 110, 160);
const BESIDE: RGBColor = RGBColor(190, 140, 70);

/// Draws all plots into files of a folder, which is made if it is not there, and returns the names.
pub(crate) fn write(figures: &Figures, folder: &Path) -> Result<Vec<&'static str>, Box<dyn Error>> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let plots: [(&str, fn(&Figures, &Area<'_>) -> Drawn); 4] =
        [("shares.svg", shares), ("waits.svg", waits), ("newcomers.svg", newcomers), ("gains.svg", gains)];
    for (name, draw) in plots {
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        draw(figures, &area)?;
        area.present()?;
        drop(area);
        std::fs::write(folder.join(name), text).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(plots.map(|(name, _)| name).to_vec())
}

fn shares(figures: &Figures, area: &Area<'_>) -> Drawn {
    let most = figures.deciles.iter().fold(0.01f64, |most, decile| most.max(decile.stake).max(decile.jobs));
    let mut chart = ChartBuilder::on(area)
        .caption("Share of jobs (blue) beside share of stake (brown)", FONT)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0.5..10.5, 0.0..most * 110.0)?;
    chart.configure_mesh().disable_x_mesh().x_desc("tenth of the owners, by stake").y_desc("percent").draw()?;
    for (index, decile) in figures.deciles.iter().enumerate() {
        let at = index as f64 + 1.0;
        let bar = |from: f64, to: f64, share: f64, colour: RGBColor| {
            Rectangle::new([(at + from, 0.0), (at + to, share * 100.0)], colour.filled())
        };
        chart.draw_series([bar(-0.35, 0.0, decile.jobs, OURS), bar(0.0, 0.35, decile.stake, BESIDE)])?;
    }
    Ok(())
}

fn waits(figures: &Figures, area: &Area<'_>) -> Drawn {
    let last = figures.wait(0.999).max(1);
    let mut chart = ChartBuilder::on(area)
        .caption("Jobs claimed within so many slots", FONT)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0..last + 1, 0.0..100.0)?;
    chart.configure_mesh().x_desc("slots since the post").y_desc("percent").draw()?;
    let jobs = figures.waits.len().max(1) as f64;
    let within = |slots: u64| figures.waits.partition_point(|wait| *wait <= slots) as f64 / jobs * 100.0;
    chart.draw_series(LineSeries::new((0..=last).map(|slots| (slots, within(slots))), OURS.stroke_width(2)))?;
    Ok(())
}

fn newcomers(figures: &Figures, area: &Area<'_>) -> Drawn {
    let epochs = figures.newcomers.len().max(1);
    let most = figures.newcomers.iter().fold(1.2f64, |most, share| most.max(*share));
    let mut chart = ChartBuilder::on(area)
        .caption("Jobs won by newcomers, beside their share of the stake", FONT)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(1.0..epochs as f64 + 0.5, 0.0..most * 1.05)?;
    chart.configure_mesh().x_desc("epochs since they are members").y_desc("share of jobs / share of stake").draw()?;
    let points = figures.newcomers.iter().enumerate().map(|(index, share)| (index as f64 + 1.0, *share));
    chart.draw_series(LineSeries::new(points, OURS.stroke_width(2)))?;
    chart.draw_series(LineSeries::new([(1.0, 1.0), (epochs as f64 + 0.5, 1.0)], BESIDE))?;
    Ok(())
}

fn gains(figures: &Figures, area: &Area<'_>) -> Drawn {
    let bounded = |value: f64| (value * 100.0).clamp(-200.0, 200.0);
    let least = figures.gains.iter().fold(-5.0f64, |least, gain| least.min(bounded(gain.low)));
    let most = figures.gains.iter().fold(5.0f64, |most, gain| most.max(bounded(gain.high)));
    let rows = figures.gains.len();
    let mut chart = ChartBuilder::on(area)
        .caption("Gain of each strategy, with intervals of 95 %", FONT)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(210)
        .build_cartesian_2d(least * 1.1..most * 1.1, -0.5..rows as f64 - 0.5)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .x_desc("percent")
        .y_labels(rows)
        .y_label_formatter(&|row| {
            let gain = figures.gains.get(row.round().max(0.0) as usize);
            gain.filter(|_| (row - row.round()).abs() < 0.01).map_or(String::new(), |gain| gain.name.clone())
        })
        .draw()?;
    chart.draw_series(LineSeries::new([(0.0, -0.5), (0.0, rows as f64 - 0.5)], BESIDE))?;
    for (row, gain) in figures.gains.iter().enumerate() {
        let at = row as f64;
        let interval = [(bounded(gain.low), at), (bounded(gain.high), at)];
        chart.draw_series(LineSeries::new(interval, OURS.stroke_width(2)))?;
        chart.draw_series([Circle::new((bounded(gain.gain), at), 4, OURS.filled())])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::run;

    #[test]
    fn every_plot_is_drawn() {
        let figures = Figures::new(run(1_000, 1_000, 2).unwrap());
        let folder = std::env::temp_dir().join(format!("assay-simulator-{}", std::process::id()));
        let names = write(&figures, &folder).unwrap();
        for name in &names {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>") && text.len() > 2_000, "{name}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(names.len(), 4);
    }
}
