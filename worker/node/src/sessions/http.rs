//! `POST /v1/sessions/{session}/requests` and `GET /v1/sessions/{session}`.
//!
//! What strangers can make this node do is bounded at each step, cheapest first: an address has so many requests at a time; the
//! header is read, which is short; the voucher has to be signed by the session's key, and only then has the request a place,
//! which is one of its own session; it has to pay for the request; only then are the inputs read, exactly as many bytes as the
//! graph declares for the symbols, and within a time; only then is anything hashed or computed. Who does not wait for the
//! reply finds the receipt when they ask again.

use super::material::Form;
use super::payment;
use super::refused::Refused;
use super::served::{Begun, Served};
use crate::driver::Shared;
use crate::market::Market;
use crate::sessions::run::Work;
use assay_session::{
    FRAME_MEDIA_TYPE, FrameError, LENGTH_BYTES, RequestHeader, SessionReport, decode_header, header_bytes,
};
use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use solana_sdk::pubkey::Pubkey;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Within which the header of a request must have arrived.
const HEADER_TIME: Duration = Duration::from_secs(5);

/// The routes of sessions.
pub(crate) fn routes<M: Market>(shared: Arc<Shared<M>>) -> Router {
    Router::new()
        .route("/v1/sessions/{session}", get(report::<M>))
        .route("/v1/sessions/{session}/requests", post(request::<M>))
        .with_state(shared)
}

async fn report<M: Market>(
    State(shared): State<Arc<Shared<M>>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<SessionReport>, Refused> {
    let served = shared.sessions.get(&asked(path)?).ok_or(Refused::Unknown)?;
    let is_serving = shared.board.slot() <= served.ends_slot() && shared.alarm.conviction().is_none();
    Ok(Json(served.report(is_serving)))
}

async fn request<M: Market>(
    State(shared): State<Arc<Shared<M>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Result<Path<String>, PathRejection>,
    body: Body,
) -> Result<Response, Refused> {
    let served = shared.sessions.get(&asked(path)?).ok_or(Refused::Unknown)?;
    if shared.alarm.conviction().is_some() {
        return Err(Refused::Closing);
    }
    if shared.board.slot() > served.ends_slot() {
        return Err(Refused::Over);
    }
    let _of_address = shared.sessions.place_of(peer.ip()).ok_or(Refused::AddressBusy(Duration::ZERO))?;
    // A length is asked for, so that what is too large is refused before any of it is read.
    let most = served.most_bytes();
    let length = body.size_hint().exact().filter(|length| *length <= most).ok_or(Refused::TooLarge(most))?;
    let mut body = Arriving { stream: body.into_data_stream(), arrived: BytesMut::new() };
    let (header, header_length) = within(HEADER_TIME, body.header()).await?;
    let voucher = payment::checked(&header.voucher, &served, &shared.market.genesis_hash())?;
    let place = served.place().ok_or(Refused::SessionBusy)?;
    let form = form_of(&served, header.symbols).await?;
    let rest = length.saturating_sub(header_length);
    if rest != form.input_bytes {
        let expected = form.input_bytes;
        return Err(Refused::Malformed(format!("the inputs have {rest} bytes, at these symbols they have {expected}")));
    }
    let sequence = header.sequence;
    // Alone with its sequence from here on: what is known of it stays so.
    let begun = Begun::new(Arc::clone(&served), sequence, place)?;
    let known = shared.receipt_of(&served.address, sequence).await?;
    match &known {
        Some(known) if known.symbols != header.symbols => return Err(Refused::OtherInputs),
        Some(_) => shared.sessions.repeats.take(peer.ip(), Instant::now()).map_err(Refused::AddressBusy)?,
        None => {
            let kept = shared.sessions.kept_bytes.load(Ordering::Relaxed).saturating_add(rest);
            if kept > shared.config.now().sessions.most_kept_bytes {
                return Err(Refused::Full);
            }
            served.ledger().begin(sequence, voucher)?;
        }
    }
    let time = Duration::from_secs(shared.config.now().sessions.request_seconds);
    let inputs = within(time, body.take(usize::try_from(rest).unwrap_or(usize::MAX))).await?;
    let work = Work { served, form, sequence, inputs, voucher, known, begun, arrived: Instant::now() };
    let reply = shared.answer(work).await?;
    let headers = [(CONTENT_TYPE, FRAME_MEDIA_TYPE), (CACHE_CONTROL, "no-store")];
    Ok((headers, reply).into_response())
}

/// The graph at these values of its symbols; resolving a large one would stall the asynchronous threads.
async fn form_of(served: &Arc<Served>, symbols: [u32; 4]) -> Result<Arc<Form>, Refused> {
    if let Some(form) = served.material.known_form(symbols) {
        return Ok(form);
    }
    let served = Arc::clone(served);
    let form = tokio::task::spawn_blocking(move || served.material.form(symbols)).await;
    let form = form.map_err(|error| Refused::Unavailable(error.to_string()))?;
    form.map_err(|refusal| Refused::Malformed(refusal.to_string()))
}

async fn within<T>(time: Duration, arriving: impl Future<Output = Result<T, Refused>>) -> Result<T, Refused> {
    tokio::time::timeout(time, arriving).await.unwrap_or(Err(Refused::TooSlow))
}

/// A request as it arrives.
struct Arriving {
    stream: BodyDataStream,
    /// What has arrived and was not taken yet.
    arrived: BytesMut,
}

impl Arriving {
    /// The header, and how many bytes the request has up to its inputs.
    async fn header(&mut self) -> Result<(RequestHeader, u64), Refused> {
        let malformed = |error: FrameError| Refused::Malformed(error.to_string());
        let prefix = self.take(LENGTH_BYTES).await?;
        let prefix = prefix.first_chunk().copied().unwrap_or_default();
        let length = header_bytes(prefix).map_err(malformed)?;
        let header = decode_header(&self.take(length).await?).map_err(malformed)?;
        Ok((header, (LENGTH_BYTES + length) as u64))
    }

    /// The next bytes, once so many are there.
    async fn take(&mut self, bytes: usize) -> Result<Bytes, Refused> {
        while self.arrived.len() < bytes {
            match self.stream.next().await {
                Some(Ok(chunk)) => self.arrived.extend_from_slice(&chunk),
                Some(Err(error)) => return Err(Refused::Malformed(error.to_string())),
                None => return Err(Refused::Malformed("it was cut short".to_owned())),
            }
        }
        Ok(self.arrived.split_to(bytes).freeze())
    }
}

/// The session that a path names.
fn asked(path: Result<Path<String>, PathRejection>) -> Result<Pubkey, Refused> {
    let Ok(Path(session)) = path else { return Err(Refused::Path) };
    session.parse().map_err(|_| Refused::Path)
}
