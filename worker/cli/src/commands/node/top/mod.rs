//! `assay node top`: a running node at a glance, over and over.
//!
//! | module | what it is |
//! |---|---|
//! | `screen` | what is shown: the last answer, how far the list is scrolled, and what a key does to it |
//! | `draw` | from that to a frame: pure |
//! | `plain` | a frame as text, for `--once` |

mod draw;
mod plain;
mod screen;

use super::Folder;
use super::status::status_address;
use crate::error::CliError;
use crate::output::Output;
use assay_node::status::Status;
use assay_telemetry::asking::ask;
use clap::Args;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{self, Event};
use ratatui::layout::Rect;
use screen::{Key, Screen};
use std::io::IsTerminal;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Args, Debug)]
pub(crate) struct Top {
    #[command(flatten)]
    folder: Folder,
    /// Print one frame as text, and end
    #[arg(long)]
    once: bool,
    /// Columns and lines of that frame
    #[arg(long, value_parser = size, default_value = "80x24", requires = "once")]
    size: (u16, u16),
    /// Milliseconds between two looks
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    every: u64,
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let parsed = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match parsed {
        Some((width @ 20..=500, height @ 10..=200)) => Ok((width, height)),
        _ => Err("give columns and lines like 80x24, at most 500x200".to_owned()),
    }
}

pub(super) async fn top(arguments: &Top, output: Output) -> Result<(), CliError> {
    let node = arguments.folder.node()?;
    let address = status_address(&arguments.folder)?;
    let mut screen = Screen::new(node.to_string());
    if arguments.once {
        screen.look(Ok(ask::<Status>(address, PATIENCE).await?));
        let (width, height) = arguments.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        draw::render(&screen, buffer.area, &mut buffer);
        return output.result(&screen.status, || plain::text(&buffer, plain::has_colours()));
    }
    if !std::io::stdout().is_terminal() {
        return Err(CliError::new("A0241", "top needs a terminal; use --once for one frame as text"));
    }
    let mut terminal = ratatui::try_init()?;
    let ended = watch(&mut terminal, &mut screen, address, Duration::from_millis(arguments.every)).await;
    ratatui::try_restore()?;
    ended
}

async fn watch(
    terminal: &mut ratatui::DefaultTerminal,
    screen: &mut Screen,
    address: std::net::SocketAddr,
    every: Duration,
) -> Result<(), CliError> {
    let mut keys = keys();
    let mut looks = tokio::time::interval(every);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        terminal.draw(|frame| draw::render(screen, frame.area(), frame.buffer_mut()))?;
        tokio::select! {
            _ = looks.tick() => screen.look(ask(address, PATIENCE).await),
            key = keys.recv() => match key {
                Some(key) => if !screen.press(key) { return Ok(()) },
                None => return Ok(()),
            },
        }
    }
}

/// Keys as they are pressed; reading them blocks, so a thread of its own does.
fn keys() -> mpsc::Receiver<Key> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        while !sender.is_closed() {
            if !event::poll(Duration::from_millis(100)).unwrap_or(false) {
                continue;
            }
            let key = match event::read() {
                Ok(Event::Key(key)) => Key::of(&key),
                // The frame is drawn again by whatever comes.
                Ok(Event::Resize(..)) => Some(Key::Other),
                Ok(_) => None,
                Err(_) => return,
            };
            if let Some(key) = key
                && sender.blocking_send(key).is_err()
            {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests;
