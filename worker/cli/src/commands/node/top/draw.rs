//! From what is known to a frame: pure, and whole at 80 columns and 24 lines.

use super::super::status::stage_words;
use super::screen::Screen;
use assay_node::engine::AdapterReport;
use assay_node::journal::Record;
use assay_node::status::Status;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Row, Table, Widget, Wrap};

/// The smallest frame in which everything has its place.
const LEAST: (u16, u16) = (60, 20);
/// Columns from which addresses are shown whole.
const WIDE: u16 = 120;
/// Lamports in one SOL.
const LAMPORTS_PER_SOL: f64 = 1e9;

const HELP: [&str; 10] = [
    "q, Esc, Ctrl-C   end",
    "Up, Down, k, j   move the list of jobs by a line",
    "PgUp, PgDn       by ten",
    "Home             to the newest job",
    "?, h, F1         this help",
    "",
    "Red: something can cost stake, or no work is taken. Each line has",
    "the code under which the README and the log explain it.",
    "windows: results that can still be challenged.",
    "at risk: bonds of jobs that are challenged.",
];

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn red() -> Style {
    Style::new().fg(Color::Red).add_modifier(Modifier::BOLD)
}

/// Draws a frame.
pub(super) fn render(screen: &Screen, area: Rect, buffer: &mut Buffer) {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let words = format!("too small: {} columns and {} lines at least", LEAST.0, LEAST.1);
        return Paragraph::new(words).render(area, buffer);
    }
    let Some(status) = &screen.status else {
        header(&screen.node, None, line_of(area, 0), buffer);
        let absent = "N0407 the node does not answer: start it with `assay node run`, or check status_listen";
        let words = screen.silence.as_deref().unwrap_or(absent);
        let lines = Rect { y: area.y + 2, height: 4, ..area };
        Paragraph::new(Line::styled(words, red())).wrap(Wrap { trim: true }).render(lines, buffer);
        return footer(line_of(area, area.height - 1), buffer);
    };
    let backends = 2 + status.adapters.len().max(status.backends.len()).clamp(1, 3) as u16;
    let disputes = 2 + challenged(status).count().clamp(1, 3) as u16;
    let parts = [
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Length(6),
        Constraint::Length(backends),
        Constraint::Length(disputes),
        Constraint::Min(3),
        Constraint::Length(1),
    ];
    let [top, alarms, boxes, adapters, clocks, jobs, bottom] = Layout::vertical(parts).areas(area);
    header(&screen.node, Some(status), top, buffer);
    alarm_lines(status, alarms, buffer);
    three_boxes(status, boxes, buffer);
    backend_lines(status, adapters, buffer);
    dispute_lines(status, clocks, buffer);
    job_table(status, screen.first_job, jobs, buffer);
    footer(bottom, buffer);
    if screen.has_help {
        help(area, buffer);
    }
}

fn line_of(area: Rect, line: u16) -> Rect {
    Rect { y: area.y + line, height: 1, ..area }
}

fn framed(title: &str) -> Block<'static> {
    Block::bordered().border_style(dim()).title(Span::styled(format!(" {title} "), Style::new().fg(Color::Cyan)))
}

fn header(node: &str, status: Option<&Status>, area: Rect, buffer: &mut Buffer) {
    let mut spans = vec![Span::styled("assay node ", Style::new().add_modifier(Modifier::BOLD))];
    spans.push(Span::raw(shortened(node, area.width)));
    if let Some(status) = status {
        let age = status
            .slot_age_millis
            .map_or("none heard".to_owned(), |millis| format!("{}.{} s ago", millis / 1_000, millis % 1_000 / 100));
        let words =
            format!("  {}  up {}  slot {} ({age})", status.version, duration(status.uptime_seconds), status.slot);
        spans.push(Span::styled(words, dim()));
    }
    Paragraph::new(Line::from(spans)).render(area, buffer);
}

/// Whether it takes jobs, or why not; what does not fit is counted.
fn alarm_lines(status: &Status, area: Rect, buffer: &mut Buffer) {
    let readiness = &status.readiness;
    if readiness.ready {
        let mut line = vec![Span::styled("ready", Style::new().fg(Color::Green).add_modifier(Modifier::BOLD))];
        if let Some(held_back) = status.funds.held_back.first() {
            let words = format!("  {} jobs are held back: {}", status.funds.held_back.len(), held_back.refusal.code);
            line.push(Span::styled(words, Style::new().fg(Color::Yellow)));
        }
        if status.breaker.is_on_trial() {
            let words = "  the breaker is half open: one job at a time";
            line.push(Span::styled(words, Style::new().fg(Color::Yellow)));
        }
        return Paragraph::new(Line::from(line)).render(area, buffer);
    }
    let more = readiness.reasons.len().saturating_sub(usize::from(area.height));
    let lines: Vec<Line<'_>> = readiness
        .reasons
        .iter()
        .take(usize::from(area.height))
        .enumerate()
        .map(|(number, reason)| {
            let is_last = number + 1 == usize::from(area.height) && more > 0;
            let rest = if is_last { format!("(+{more}) ") } else { String::new() };
            Line::styled(format!("{rest}{} {}", reason.code, reason.words), red())
        })
        .collect();
    Paragraph::new(lines).render(area, buffer);
}

fn three_boxes(status: &Status, area: Rect, buffer: &mut Buffer) {
    let third = Constraint::Ratio(1, 3);
    let [jobs, money, standing] = Layout::horizontal([third, third, third]).areas(area);
    let (totals, sessions) = (&status.totals, &status.session_totals);
    let in_work = status.capacity.0.saturating_sub(status.capacity.1);
    rows(
        "jobs",
        &[
            ("open", format!("{}, {in_work}/{} busy", totals.open, status.capacity.0), Style::new()),
            ("windows", format!("{}, sessions {}", status.windows_open, sessions.open), Style::new()),
            ("paid", format!("{}, lost {}", totals.paid, totals.lost), Style::new()),
            ("skipped", format!("{}, missed {}", totals.skipped, totals.missed), warn(totals.missed > 0)),
        ],
        jobs,
        buffer,
    );
    let (staked, at_risk) = (status.standing.unwrap_or_default(), status.disputes.bonds_at_risk);
    let (mint, earned) = most_earned(status);
    rows(
        "stake and earnings",
        &[
            ("stake", staked.stake.to_string(), Style::new()),
            ("in bonds", staked.locked.to_string(), Style::new()),
            ("at risk", at_risk.to_string(), warn(at_risk > 0)),
            (mint.as_str(), earned, Style::new().fg(Color::Green)),
        ],
        money,
        buffer,
    );
    let funds = &status.funds;
    let balance = funds.balance_lamports.map_or("?".to_owned(), sol);
    let reputation = format!("{}.{:02} %", staked.reputation_bps / 100, staked.reputation_bps % 100);
    rows(
        "standing",
        &[
            ("reputation", reputation, Style::new()),
            ("SOL", balance, warn(funds.lacking_lamports > 0)),
            ("needed", sol(funds.needed_lamports), Style::new()),
            ("misses", format!("{} open", staked.misses_unresolved), warn(staked.misses_unresolved > 0)),
        ],
        standing,
        buffer,
    );
}

fn warn(is_bad: bool) -> Style {
    if is_bad { red() } else { Style::new() }
}

fn sol(lamports: u64) -> String {
    format!("{:.3}", lamports as f64 / LAMPORTS_PER_SOL)
}

/// The mint that brought most, and how much; how many others there are.
fn most_earned(status: &Status) -> (String, String) {
    let mut sums = status.totals.earned_by_mint.clone();
    for (mint, amount) in &status.session_totals.earned_by_mint {
        let sum = sums.entry(mint.clone()).or_default();
        *sum = sum.saturating_add(*amount);
    }
    let others = sums.len().saturating_sub(1);
    let more = if others > 0 { format!(" +{others}") } else { String::new() };
    match sums.into_iter().max_by_key(|(_, amount)| *amount) {
        Some((mint, amount)) => (shortened(&mint, 0), format!("{amount}{more}")),
        // What was paid before mints were recorded.
        None => ("earned".to_owned(), status.totals.earned.saturating_add(status.session_totals.earned).to_string()),
    }
}

fn rows(title: &str, rows: &[(&str, String, Style)], area: Rect, buffer: &mut Buffer) {
    let width = rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
    let lines: Vec<Line<'_>> = rows
        .iter()
        .map(|(name, value, style)| {
            Line::from(vec![Span::styled(format!("{name:width$} "), dim()), Span::styled(value.clone(), *style)])
        })
        .collect();
    Paragraph::new(lines).block(framed(title)).render(area, buffer);
}

fn backend_lines(status: &Status, area: Rect, buffer: &mut Buffer) {
    let lines: Vec<Line<'_>> = match status.adapters.is_empty() {
        // A node of an earlier version says no more.
        true => status.backends.iter().map(|(name, device)| Line::from(format!("{name}: {device}"))).collect(),
        false => status.adapters.iter().map(adapter_line).collect(),
    };
    Paragraph::new(lines).block(framed("adapters, in order of preference")).render(area, buffer);
}

/// Its name, runs that wait or are at work, how busy it was, memory that is held of how much there is, and what it is.
fn adapter_line(adapter: &AdapterReport) -> Line<'static> {
    let AdapterReport { name, device, queued, busy_bps, held_bytes, memory_bytes, .. } = adapter;
    if let Some(distrusted) = &adapter.distrusted {
        return Line::styled(format!("{name}: N0211 not used, {distrusted} was wrong: {device}"), red());
    }
    let (held, there) = (gibibytes(*held_bytes), gibibytes(*memory_bytes));
    let words = format!("{name}: {queued} runs, {} % busy, {held}/{there} GiB", busy_bps / 100);
    Line::from(vec![Span::raw(words), Span::styled(format!("  {device}"), dim())])
}

/// With one digit; nothing where there is no bound.
fn gibibytes(bytes: u64) -> String {
    if bytes == u64::MAX { "-".to_owned() } else { format!("{:.1}", bytes as f64 / (1u64 << 30) as f64) }
}

fn challenged(status: &Status) -> impl Iterator<Item = (&Record, u32, Option<u64>)> {
    status.jobs.iter().filter_map(|record| {
        let log = record.dispute.as_ref().filter(|log| log.open > 0)?;
        Some((record, log.open, log.until_slot))
    })
}

fn dispute_lines(status: &Status, area: Rect, buffer: &mut Buffer) {
    let totals = &status.totals;
    let mut all: Vec<_> = challenged(status).collect();
    all.sort_by_key(|(_, _, until)| until.unwrap_or(u64::MAX));
    let mut lines: Vec<Line<'_>> = all
        .into_iter()
        .map(|(record, open, until)| {
            let clock = until.map_or("nothing is due".to_owned(), |until| {
                format!("an answer is due in {} slots, by slot {until}", until.saturating_sub(status.slot))
            });
            Line::styled(format!("{}  {open} challenges, {clock}", shortened(&record.job, area.width)), red())
        })
        .collect();
    if lines.is_empty() {
        lines.push(Line::from(format!(
            "none open; {} challenges so far, {} answers",
            totals.challenges, totals.answers
        )));
    }
    Paragraph::new(lines).block(framed("disputes")).render(area, buffer);
}

fn job_table(status: &Status, first: usize, area: Rect, buffer: &mut Buffer) {
    let rows = status.jobs.iter().skip(first).map(|record| {
        Row::new([
            shortened(&record.job, area.width),
            record.last_slot.to_string(),
            record.price.map_or("-".to_owned(), |price| price.to_string()),
            record.computed.as_ref().map_or("-".to_owned(), |computed| computed.backend.clone()),
            stage_words(&record.stage),
        ])
    });
    let job = if area.width < WIDE { 9 } else { 44 };
    let widths = [
        Constraint::Length(job),
        Constraint::Length(11),
        Constraint::Length(11),
        Constraint::Length(7),
        Constraint::Min(10),
    ];
    let title = match status.jobs.len() {
        0 => "jobs: none yet".to_owned(),
        count => format!("jobs, newest first: {} of {count}", first + 1),
    };
    let heads = Row::new(["job", "slot", "price", "backend", "stage"]).style(dim());
    Widget::render(Table::new(rows, widths).header(heads).block(framed(&title)), area, buffer);
}

fn footer(area: Rect, buffer: &mut Buffer) {
    Paragraph::new(Line::styled("q end   ↑↓ jobs   ? help", dim())).render(area, buffer);
}

fn help(area: Rect, buffer: &mut Buffer) {
    let (width, height) = (area.width.min(70), area.height.min(HELP.len() as u16 + 2));
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(place, buffer);
    let lines: Vec<Line<'_>> = HELP.iter().map(|line| Line::from(*line)).collect();
    Paragraph::new(lines).block(framed("help; any key closes it")).render(place, buffer);
}

/// An address whole where there is room, else its first and last characters.
fn shortened(address: &str, width: u16) -> String {
    let count = address.chars().count();
    if width >= WIDE || count <= 9 {
        return address.to_owned();
    }
    let start: String = address.chars().take(4).collect();
    let end: String = address.chars().skip(count - 4).collect();
    format!("{start}…{end}")
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}
