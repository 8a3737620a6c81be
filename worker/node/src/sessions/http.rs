//! `POST /v1/sessions/{session}/requests` and `GET /v1/sessions/{session}`.
//!
//! What strangers can make this node do is bounded at each step, cheapest first: an address has so many requests at a time; the
//! header is read, which is short; the voucher has to be signed by the session's key, and only then has the request a place,
//! which is one of its own session; it has to pay for the request; only then are the inputs read, exactly as many bytes as the
//! graph declares for the symbols, and within a time; only then is anything hashed or computed. Who does not wait for the
//! reply finds the receipt when they ask again.

use super::material::Form;
use super::refused::Refused;
use super::served::{Begun, Served};
use super::{payment, payments};
use crate::driver::Shared;
use crate::market::Market;
use crate::sessions::run::Work;
use assay_session::{
    FRAME_MEDIA_TYPE, FrameError, LENGTH_BYTES, RequestHeader, SessionReport, decode_header, header_bytes,
    requests_path,
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
use serde::de::DeserializeOwned;
use solana_sdk::pubkey::Pubkey;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
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
        .with_state(Arc::clone(&shared))
        .merge(payments::routes(shared))
}

async fn report<M: Market>(
    State(shared): State<Arc<Shared<M>>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<SessionReport>, Refused> {
    let served = shared.sessions.get(&asked(path)?).ok_or(Refused::Unknown)?;
    Ok(Json(served.report(check_serving(&shared, &served).is_ok())))
}

async fn request<M: Market>(
    State(shared): State<Arc<Shared<M>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Result<Path<String>, PathRejection>,
    body: Body,
) -> Result<Response, Refused> {
    let served = shared.sessions.get(&asked(path)?).ok_or(Refused::Unknown)?;
    check_serving(&shared, &served)?;
    let _of_address = shared.sessions.place_of(peer.ip()).ok_or(Refused::AddressBusy(Duration::ZERO))?;
    let mut arriving = Arriving::new(body, served.most_bytes())?;
    let header = arriving.header().await?;
    match shared.serve_request(peer.ip(), &served, header, arriving).await {
        Err(Refused::Owed(owed)) => {
            let path = requests_path(&served.address.to_string());
            Ok(payments::owed_response(&shared, &served, owed, &path))
        }
        answer => answer,
    }
}

/// Whether requests of a session are answered at present.
pub(super) fn check_serving<M: Market>(shared: &Shared<M>, served: &Served) -> Result<(), Refused> {
    if shared.alarm.conviction().is_some() {
        return Err(Refused::Closing);
    }
    if shared.board.slot() > served.ends_slot() {
        return Err(Refused::Over);
    }
    Ok(())
}

impl<M: Market> Shared<M> {
    /// Answers a request whose header has arrived, and whose inputs are still on their way.
    pub(super) async fn serve_request(
        self: &Arc<Self>,
        peer: IpAddr,
        served: &Arc<Served>,
        header: RequestHeader,
        mut arriving: Arriving,
    ) -> Result<Response, Refused> {
        let voucher = payment::checked(&header.voucher, served, &self.market.genesis_hash())?;
        let place = served.place().ok_or(Refused::SessionBusy)?;
        let form = form_of(served, header.symbols).await?;
        let rest = arriving.rest();
        if rest != form.input_bytes {
            let expected = form.input_bytes;
            return Err(Refused::Malformed(format!(
                "the inputs have {rest} bytes, at these symbols they have {expected}"
            )));
        }
        let sequence = header.sequence;
        // Alone with its sequence from here on: what is known of it stays so.
        let begun = Begun::new(Arc::clone(served), sequence, place)?;
        let known = self.receipt_of(&served.address, sequence).await?;
        match &known {
            Some(known) if known.symbols != header.symbols => return Err(Refused::OtherInputs),
            Some(_) => self.sessions.repeats.take(peer, Instant::now()).map_err(Refused::AddressBusy)?,
            None => {
                let kept = self.sessions.kept_bytes.load(Ordering::Relaxed).saturating_add(rest);
                if kept > self.config.now().sessions.most_kept_bytes {
                    return Err(Refused::Full);
                }
                served.ledger().begin(sequence, voucher)?;
            }
        }
        let time = Duration::from_secs(self.config.now().sessions.request_seconds);
        let inputs = within(time, arriving.take(usize::try_from(rest).unwrap_or(usize::MAX))).await?;
        let served = Arc::clone(served);
        let work = Work { served, form, sequence, inputs, voucher, known, begun, arrived: Instant::now() };
        let reply = self.answer(work).await?;
        let headers = [(CONTENT_TYPE, FRAME_MEDIA_TYPE), (CACHE_CONTROL, "no-store")];
        Ok((headers, reply).into_response())
    }
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
pub(super) struct Arriving {
    stream: BodyDataStream,
    /// What has arrived and was not taken yet.
    arrived: BytesMut,
    /// What was not taken yet, whether it has arrived or not.
    rest: u64,
}

impl Arriving {
    /// A request of at most `most` bytes.
    pub(super) fn new(body: Body, most: u64) -> Result<Self, Refused> {
        let rest = Self::check_length(body.size_hint().exact(), most)?;
        Ok(Self { stream: body.into_data_stream(), arrived: BytesMut::new(), rest })
    }

    /// The length of a request. It is asked for, so that what is too large is refused before any of it is read.
    pub(super) fn check_length(length: Option<u64>, most: u64) -> Result<u64, Refused> {
        length.filter(|length| *length <= most).ok_or(Refused::TooLarge(most))
    }

    /// Bytes that were not taken yet.
    fn rest(&self) -> u64 {
        self.rest
    }

    /// The header of the frame.
    pub(super) async fn header<H: DeserializeOwned>(&mut self) -> Result<H, Refused> {
        let malformed = |error: FrameError| Refused::Malformed(error.to_string());
        let header = within(HEADER_TIME, async {
            let prefix = self.take(LENGTH_BYTES).await?;
            let prefix = prefix.first_chunk().copied().unwrap_or_default();
            self.take(header_bytes(prefix).map_err(malformed)?).await
        });
        decode_header(&header.await?).map_err(malformed)
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
        self.rest = self.rest.saturating_sub(bytes as u64);
        Ok(self.arrived.split_to(bytes).freeze())
    }
}

/// The session that a path names.
fn asked(path: Result<Path<String>, PathRejection>) -> Result<Pubkey, Refused> {
    let Ok(Path(session)) = path else { return Err(Refused::Path) };
    session.parse().map_err(|_| Refused::Path)
}
