use super::screen::{Key, Screen};
use super::{draw, plain, size};
use assay_node::breaker::Machine;
use assay_node::config::BreakerSettings;
use assay_node::defence::reserve::Funds;
use assay_node::engine::AdapterReport;
use assay_node::journal::{Computed, DisputeLog, Outcome, Record, Stage};
use assay_node::meter::Standing;
use assay_node::status::{OpenDisputes, SessionTotals, Status, Totals};
use assay_telemetry::asking::AskError;
use assay_telemetry::readiness::{Readiness, Reason};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::path::Path;

fn job(byte: u8, stage: Stage) -> Record {
    let mut record = Record::new(&Pubkey::new_from_array([byte; 32]), stage, 1_000 + u64::from(byte));
    record.price = Some(1_250_000);
    let (kernel_micros, commit_micros) = (1_200, 40);
    record.computed = Some(Computed { backend: "wgpu".to_owned(), kernel_micros, commit_micros });
    record
}

fn busy() -> Status {
    let mut challenged = job(9, Stage::Claimed);
    challenged.dispute = Some(DisputeLog { open: 2, until_slot: Some(312_640), ..DisputeLog::default() });
    let paid = |byte| job(byte, Stage::Finished(Outcome::Paid { amount: 1_218_750 }));
    let mint = |byte: u8| Pubkey::new_from_array([byte; 32]).to_string();
    Status {
        node: Pubkey::new_from_array([7; 32]).to_string(),
        version: "0.1.0".to_owned(),
        uptime_seconds: 93_780,
        slot: 312_345,
        slot_age_millis: Some(320),
        capacity: (2, 1),
        backends: vec![
            ("wgpu".to_owned(), "NVIDIA H200 (vulkan)".to_owned()),
            ("cpu".to_owned(), "AVX-512, 16 threads".to_owned()),
        ],
        readiness: Readiness::of(Vec::new()),
        windows_open: 5,
        totals: Totals {
            open: 6,
            paid: 1_204,
            lost: 311,
            skipped: 42,
            challenges: 3,
            answers: 17,
            earned_by_mint: BTreeMap::from([(mint(1), 1_467_375_000), (mint(2), 9_000)]),
            ..Totals::default()
        },
        session_totals: SessionTotals {
            open: 1,
            earned_by_mint: BTreeMap::from([(mint(1), 25_000)]),
            ..SessionTotals::default()
        },
        standing: Some(Standing {
            stake: 5_000_000_000,
            locked: 620_000_000,
            delegated: 750_000_000,
            reputation_bps: 9_312,
            ..Standing::default()
        }),
        funds: Funds { balance_lamports: Some(2_410_000_000), needed_lamports: 1_862_000_000, ..Funds::default() },
        disputes: OpenDisputes {
            challenges: 2,
            jobs: 1,
            bonds_at_risk: 120_000_000,
            next_answer_slot: Some(312_640),
            ..OpenDisputes::default()
        },
        jobs: vec![challenged, job(8, Stage::Claimed), paid(6), paid(5), paid(4), paid(3)],
        ..Status::default()
    }
}

fn frame(screen: &Screen, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::render(screen, frame.area(), frame.buffer_mut())).unwrap();
    plain::text(terminal.backend().buffer(), false)
}

fn shown(status: Option<Status>) -> Screen {
    let mut screen = Screen::new(Pubkey::new_from_array([7; 32]).to_string());
    screen.look(Ok(status));
    screen
}

/// Compares a frame with the one on file; `ASSAY_WRITE_SNAPSHOTS=1` writes it anew.
fn is_as_on_file(name: &str, frame: &str) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/node/top/snapshots").join(format!("{name}.txt"));
    let frame = format!("{frame}\n");
    if std::env::var_os("ASSAY_WRITE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &frame).unwrap();
    }
    let filed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(filed == frame, "{name} looks different:\n{frame}\non file:\n{filed}");
}

#[test]
fn a_busy_node_fits_into_80_columns_and_24_lines() {
    let screen = shown(Some(busy()));
    let text = frame(&screen, 80, 24);
    is_as_on_file("busy", &text);
    for part in ["ready", "at risk   120000000", "due in 295 slots", "93.12 %", "NVIDIA H200", "1467400000 +1", "q end"]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn a_node_in_trouble_says_why_and_how_much_more_there_is() {
    let reasons = ["N0503", "N0523", "N0406"].map(|code| Reason::new(code, "something is wrong and this is what"));
    let readiness = Readiness::of(reasons.to_vec());
    let text = frame(&shown(Some(Status { readiness, jobs: Vec::new(), ..busy() })), 80, 24);
    is_as_on_file("trouble", &text);
    assert!(text.contains("N0503") && text.contains("(+1) N0523") && !text.contains("N0406"), "{text}");
    assert!(text.contains("jobs: none yet"));
}

#[test]
fn a_node_that_is_late_is_not_said_to_be_absent() {
    let mut screen = shown(None);
    assert!(frame(&screen, 80, 24).contains("N0407"));
    screen.look(Err(AskError::Late { address: ([127, 0, 0, 1], 9).into(), seconds: 5 }));
    let text = frame(&screen, 80, 24);
    assert!(text.contains("T0121") && text.contains("busy") && !text.contains("N0407"), "{text}");
}

#[test]
fn a_breaker_that_is_half_open_is_said_beside_ready() {
    let half_open = r#"{"failures":{"row":3,"latch":{"open":{"number":1,"until_slot":9,"trial":null}}}}"#;
    let machine: Machine = serde_json::from_str(half_open).unwrap();
    let at = |slot| Status { breaker: machine.report(slot, &BreakerSettings::default()), ..busy() };
    assert!(frame(&shown(Some(at(9))), 80, 24).contains("ready  the breaker is half open: one job at a time"));
    assert!(!frame(&shown(Some(busy())), 80, 24).contains("the breaker"));
}

#[test]
fn each_adapter_has_its_queue_busy_time_and_memory_and_one_that_is_wrong_is_named() {
    let adapter = |name: &str, distrusted: Option<&str>| AdapterReport {
        name: name.to_owned(),
        device: format!("the device of {name}"),
        distrusted: distrusted.map(str::to_owned),
        queued: 3,
        busy_bps: 6_250,
        held_bytes: 3 << 29,
        memory_bytes: 8 << 30,
        ..AdapterReport::default()
    };
    let adapters = vec![adapter("wgpu", None), adapter("cpu", Some("element 5 of tensor 7"))];
    let text = frame(&shown(Some(Status { adapters, ..busy() })), 80, 24);
    assert!(text.contains("wgpu: 3 runs, 62 % busy, 1.5/8.0 GiB  the device of wgpu"), "{text}");
    assert!(text.contains("cpu: N0211 not used, element 5 of tensor 7 was wrong: the device of cpu"), "{text}");
    assert!(!text.contains("NVIDIA H200"), "the same is not said twice: {text}");
}

#[test]
fn a_node_that_does_not_answer_and_a_window_that_is_too_small_are_named() {
    let silent = frame(&shown(None), 80, 24);
    is_as_on_file("silent", &silent);
    assert!(silent.contains("N0407"));
    assert!(frame(&shown(Some(busy())), 59, 24).contains("too small"));
    assert!(frame(&shown(Some(busy())), 80, 19).contains("too small"));
    assert!(!frame(&shown(Some(busy())), 60, 20).contains("too small"));
    let wide = frame(&shown(Some(busy())), 140, 40);
    assert!(wide.contains(&Pubkey::new_from_array([8; 32]).to_string()), "addresses are whole where there is room");
}

#[test]
fn keys_scroll_help_and_end() {
    let mut screen = shown(Some(busy()));
    assert!(screen.press(Key::Down) && screen.press(Key::Down) && screen.press(Key::Up));
    assert_eq!(screen.first_job, 1);
    assert!(frame(&screen, 80, 24).contains("newest first: 2 of 6"));
    screen.press(Key::PageDown);
    assert_eq!(screen.first_job, 5, "never beyond the last");
    screen.look(Ok(Some(Status { jobs: busy().jobs[..2].to_vec(), ..busy() })));
    assert_eq!(screen.first_job, 1, "fewer jobs are left");
    screen.press(Key::Home);
    assert_eq!(screen.first_job, 0);
    assert!(screen.press(Key::Help) && screen.has_help);
    is_as_on_file("help", &frame(&screen, 80, 24));
    assert!(screen.press(Key::Quit) && !screen.has_help, "it closes the help first");
    assert!(!screen.press(Key::Quit));
    let key = |code, modifiers| Key::of(&KeyEvent::new(code, modifiers));
    assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Quit));
    assert_eq!(key(KeyCode::Char('c'), KeyModifiers::NONE), Some(Key::Other));
    assert_eq!(key(KeyCode::Down, KeyModifiers::NONE), Some(Key::Down));
}

#[test]
fn a_frame_as_text_has_colours_only_if_asked_for() {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let screen = shown(Some(busy()));
    terminal.draw(|frame| draw::render(&screen, frame.area(), frame.buffer_mut())).unwrap();
    let (plain, coloured) =
        (plain::text(terminal.backend().buffer(), false), plain::text(terminal.backend().buffer(), true));
    assert!(!plain.contains('\u{1b}') && coloured.contains("\u{1b}[1;32mready\u{1b}[0m"), "{coloured}");
    assert_eq!(console::strip_ansi_codes(&coloured), plain);
}

#[test]
fn sizes_are_columns_and_lines() {
    assert_eq!(size("100x30"), Ok((100, 30)));
    for bad in ["", "80", "80x", "10x24", "80x5", "x", "1000x24"] {
        assert!(size(bad).is_err(), "{bad}");
    }
}
