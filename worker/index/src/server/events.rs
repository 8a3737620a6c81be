//! `/v1/events`: records as server-sent events, each with its id, so that a browser that was away goes on where it was.
//!
//! A stream reads records from the database when its reader is ready for them: a slow reader holds no memory, and misses nothing.

use super::followers::Place;
use super::{Shared, query};
use crate::error::RequestError;
use crate::shape::Record;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Records that are read together.
const BATCH: usize = 256;
/// Less than what a connection may be silent.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A follower of events.
struct Following {
    shared: Arc<Shared>,
    last_id: watch::Receiver<u64>,
    /// The last record that was sent.
    sent: u64,
    ready: VecDeque<Record>,
    _place: Place,
}

pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, RequestError> {
    let last_id = shared.last_id.clone();
    let last = *last_id.borrow();
    // What a browser sends when it connects again says more than the address that it connects to.
    let asked = match headers.get("last-event-id") {
        Some(id) => Some(query::record_id("Last-Event-ID", id.to_str().unwrap_or("(no text)"))?),
        None => query::after(&uri)?,
    };
    let sent = asked.unwrap_or(last);
    if sent > last {
        return Err(RequestError::EventAhead { asked: sent, last });
    }
    let place = shared.followers.place(peer.ip())?;
    let following = Following { shared, last_id, sent, ready: VecDeque::new(), _place: place };
    let stream = futures_util::stream::unfold(following, |mut following| async move {
        let record = following.next().await?;
        let event = Event::default().id(record.id.to_string()).json_data(&record);
        let event = event.inspect_err(|error| tracing::error!(%error, "a record cannot be sent")).ok()?;
        Some((Ok(event), following))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

impl Following {
    /// The next record, as soon as there is one; nothing when the index ends or fails.
    async fn next(&mut self) -> Option<Record> {
        while self.ready.is_empty() {
            let sent = self.sent;
            let known = *self.last_id.borrow_and_update();
            if known > sent {
                self.ready = self.shared.read(move |history| history.records(sent, BATCH)).await.ok()?.into();
                continue;
            }
            let changed = self.shared.stop.run_until_cancelled(self.last_id.changed()).await;
            changed?.ok()?;
        }
        let record = self.ready.pop_front()?;
        self.sent = record.id;
        Some(record)
    }
}
