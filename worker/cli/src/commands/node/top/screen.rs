//! What is shown, and what a key does to it.

use assay_node::status::Status;
use assay_telemetry::asking::AskError;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Lines of a page, for the keys that move by one.
const PAGE: usize = 10;

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    Help,
    Quit,
    Other,
}

impl Key {
    /// What a key that was pressed means; nothing when it was let go.
    pub(super) fn of(event: &KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let is_control = event.modifiers.contains(KeyModifiers::CONTROL);
        Some(match event.code {
            KeyCode::Char('c') if is_control => Self::Quit,
            KeyCode::Char('q') | KeyCode::Esc => Self::Quit,
            KeyCode::Up | KeyCode::Char('k') => Self::Up,
            KeyCode::Down | KeyCode::Char('j') => Self::Down,
            KeyCode::PageUp => Self::PageUp,
            KeyCode::PageDown | KeyCode::Char(' ') => Self::PageDown,
            KeyCode::Home => Self::Home,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => Self::Help,
            _ => Self::Other,
        })
    }
}

/// What is shown.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    /// Address of the node account, base58.
    pub(super) node: String,
    /// What the node said last; nothing if it does not answer.
    pub(super) status: Option<Status>,
    /// Why nothing is known although somebody listens.
    pub(super) silence: Option<String>,
    /// The first job of the list that is shown.
    pub(super) first_job: usize,
    pub(super) has_help: bool,
}

impl Screen {
    pub(super) fn new(node: String) -> Self {
        Self { node, status: None, silence: None, first_job: 0, has_help: false }
    }

    /// Takes the answer of a look.
    pub(super) fn look(&mut self, answer: Result<Option<Status>, AskError>) {
        (self.status, self.silence) = match answer {
            Ok(status) => (status, None),
            Err(error) => (None, Some(error.to_string())),
        };
        self.first_job = self.first_job.min(self.last_job());
    }

    /// Does what a key means; `false` ends the show.
    pub(super) fn press(&mut self, key: Key) -> bool {
        if self.has_help && !matches!(key, Key::Quit) {
            self.has_help = false;
            return true;
        }
        let last = self.last_job();
        match key {
            Key::Quit if self.has_help => self.has_help = false,
            Key::Quit => return false,
            Key::Up => self.first_job = self.first_job.saturating_sub(1),
            Key::Down => self.first_job = (self.first_job + 1).min(last),
            Key::PageUp => self.first_job = self.first_job.saturating_sub(PAGE),
            Key::PageDown => self.first_job = (self.first_job + PAGE).min(last),
            Key::Home => self.first_job = 0,
            Key::Help => self.has_help = true,
            Key::Other => {}
        }
        true
    }

    fn last_job(&self) -> usize {
        self.status.as_ref().map_or(0, |status| status.jobs.len().saturating_sub(1))
    }
}
