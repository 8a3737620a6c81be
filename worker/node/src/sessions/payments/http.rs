//! `GET /v1/models` and `POST /v1/models/{graph root}/{params root}/requests`.
//!
//! A request without a payment is answered out of memory, and its body is not read. One with a payment is compared with the offer
//! first, signatures included; only then does the chain hear of it, within the bounds of payments under way and of each address;
//! and only when its session is served is the body read, as a request of that session like any other.

use super::offer::{Offer, Offers, network_name};
use super::refused::PaymentRefused;
use super::verify::verified;
use crate::driver::Shared;
use crate::market::Market;
use crate::sessions::http::{Arriving, check_serving};
use crate::sessions::refused::Refused;
use crate::sessions::served::Served;
use assay_session::x402::{
    MODELS_PATH, ModelList, OpenPayload, PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE, PaymentPayload,
    PaymentRequired, PaymentRequirements, SCHEME, SessionPayload, SettledSession, SettlementResponse, Step,
    VoucherPayload, VoucherTerms, WorkHeader, X402_VERSION, decode_payment, encode_payment, model_path,
};
use assay_session::{LENGTH_BYTES, MAX_HEADER_BYTES, RequestHeader, SignedVoucher};
use axum::body::{Body, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The routes of payments.
pub(in crate::sessions) fn routes<M: Market>(shared: Arc<Shared<M>>) -> Router {
    Router::new()
        .route(MODELS_PATH, get(list::<M>))
        .route("/v1/models/{graph_root}/{params_root}/requests", post(ask::<M>))
        .with_state(shared)
}

async fn list<M: Market>(State(shared): State<Arc<Shared<M>>>) -> Json<ModelList> {
    Json(shared.sessions.payments.offers().list())
}

/// A request that pays for itself, on its way.
struct Asking<'a, M> {
    shared: &'a Arc<Shared<M>>,
    offers: &'a Offers,
    /// The ways to pay for the model.
    found: &'a [&'a Offer],
    path: String,
    peer: IpAddr,
}

/// A payment that was taken, and the session that the request is one of.
struct Taken {
    served: Arc<Served>,
    sequence: u64,
    voucher: SignedVoucher,
    /// Signature of the transaction; empty where none was needed.
    transaction: String,
}

/// Why nothing was served.
enum Unserved {
    /// No payment was taken.
    Payment(PaymentRefused),
    /// The request is not one that a session answers.
    Request(Refused),
}

impl From<PaymentRefused> for Unserved {
    fn from(refused: PaymentRefused) -> Self {
        Self::Payment(refused)
    }
}

impl From<Refused> for Unserved {
    fn from(refused: Refused) -> Self {
        Self::Request(refused)
    }
}

async fn ask<M: Market>(
    State(shared): State<Arc<Shared<M>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let offers = shared.sessions.payments.offers();
    let Some((graph_root, params_root)) = path.ok().and_then(|Path((graph, params))| root(&graph).zip(root(&params)))
    else {
        return PaymentRefused::NotOffered.into_response();
    };
    let found = offers.of_model(&graph_root, &params_root);
    if found.is_empty() {
        return PaymentRefused::NotOffered.into_response();
    }
    let path = model_path(&graph_root, &params_root);
    let asking = Asking { shared: &shared, offers: &offers, found: &found, path, peer: peer.ip() };
    let Some(header) = headers.get(PAYMENT_SIGNATURE) else {
        return asking.refused(PaymentRefused::Required);
    };
    let Some(_of_address) = shared.sessions.place_of(peer.ip()) else {
        return Refused::AddressBusy(Duration::ZERO).into_response();
    };
    match asking.taken(header, body.size_hint().exact()).await {
        Ok(taken) => asking.answered(taken, body).await,
        Err(Unserved::Payment(refused)) => asking.refused(refused),
        Err(Unserved::Request(refused)) => refused.into_response(),
    }
}

impl<M: Market> Asking<'_, M> {
    /// Takes the payment: what opens a session is sent, and the session waited for.
    async fn taken(&self, header: &HeaderValue, length: Option<u64>) -> Result<Taken, Unserved> {
        if self.shared.alarm.conviction().is_some() {
            return Err(Refused::Closing.into());
        }
        let (accepted, payload) = self.read(header)?;
        match payload {
            SessionPayload::Open(payload) => {
                let is_offered = |offer: &&&Offer| offer.requirements == accepted;
                let offer = self.found.iter().find(is_offered).ok_or(PaymentRefused::OtherOffer)?;
                self.open(offer, &payload, length).await
            }
            SessionPayload::Voucher(payload) => self.voucher(&payload),
        }
    }

    fn read(&self, header: &HeaderValue) -> Result<(PaymentRequirements, SessionPayload), PaymentRefused> {
        let malformed = |error_reason, reason: String| PaymentRefused::Malformed { error_reason, reason };
        let text = header.to_str().map_err(|error| malformed("invalid_payload", error.to_string()))?;
        let payment: PaymentPayload =
            decode_payment(text).map_err(|error| malformed("invalid_payload", error.to_string()))?;
        let PaymentPayload { x402_version, accepted, payload, .. } = payment;
        if x402_version != X402_VERSION {
            let reason = format!("its version is {x402_version}, spoken here is {X402_VERSION}");
            return Err(malformed("invalid_x402_version", reason));
        }
        if accepted.scheme != SCHEME {
            return Err(malformed("unsupported_scheme", format!("its scheme is not {SCHEME}")));
        }
        let network = network_name(&self.shared.market.genesis_hash());
        if accepted.network != network {
            return Err(malformed("invalid_network", format!("it is for another chain than {network}")));
        }
        let payload = serde_json::from_value(payload)
            .map_err(|error| malformed("invalid_payload", format!("its payload: {error}")))?;
        Ok((accepted, payload))
    }

    async fn open(&self, offer: &Offer, payload: &OpenPayload, length: Option<u64>) -> Result<Taken, Unserved> {
        // Before anything is paid: what could not be answered afterwards.
        let most = offer.most_input_bytes.saturating_add((LENGTH_BYTES + MAX_HEADER_BYTES) as u64);
        Arriving::check_length(length, most)?;
        let rates = &self.shared.sessions.payments.rates;
        rates.take(self.peer, Instant::now()).map_err(PaymentRefused::TooMany)?;
        let opening = verified(payload, &offer.terms).map_err(PaymentRefused::OtherPayment)?;
        let time = Duration::from_secs(self.shared.config.now().sessions.payments.wait_seconds);
        self.shared.opened(&opening, offer, time).await?;
        let served = self.shared.sessions.get(&opening.session).ok_or(PaymentRefused::Over)?;
        let transaction = opening.signature().to_string();
        Ok(Taken { served, sequence: opening.sequence, voucher: opening.voucher, transaction })
    }

    fn voucher(&self, payload: &VoucherPayload) -> Result<Taken, Unserved> {
        let session = payload.session.parse().ok();
        let served = session.and_then(|session| self.shared.sessions.get(&session));
        let served = served.filter(|served| {
            let roots = (served.account.graph_root, served.account.params_root);
            self.found.iter().any(|offer| (offer.terms.graph_root, offer.terms.params_root) == roots)
        });
        let served = served.ok_or(PaymentRefused::UnknownSession)?;
        let (sequence, voucher) = (payload.sequence, payload.voucher.into());
        Ok(Taken { served, sequence, voucher, transaction: String::new() })
    }

    /// The answer of the session, with what became of the payment.
    async fn answered(&self, taken: Taken, body: Body) -> Response {
        let Taken { served, sequence, voucher, transaction } = taken;
        let answer = async {
            check_serving(self.shared, &served)?;
            let mut arriving = Arriving::new(body, served.most_bytes())?;
            let WorkHeader { symbols } = arriving.header().await?;
            let header = RequestHeader { sequence, symbols, voucher };
            self.shared.serve_request(self.peer, &served, header, arriving).await
        };
        let mut response = match answer.await {
            Ok(response) => response,
            Err(Refused::Owed(owed)) => owed_response(self.shared, &served, owed, &self.path),
            Err(refused) => refused.into_response(),
        };
        let is_opening = !transaction.is_empty();
        if is_opening || response.status().is_success() {
            let account = &served.account;
            let said =
                SettledSession { session: served.address.to_string(), price: account.price, balance: account.balance };
            let settled = SettlementResponse {
                success: true,
                error_reason: None,
                payer: Some(account.client.to_string()),
                transaction,
                network: network_name(&self.shared.market.genesis_hash()),
                amount: Some(if is_opening { account.balance.to_string() } else { String::new() }),
                extra: serde_json::to_value(said).unwrap_or_default(),
            };
            attach(&mut response, PAYMENT_RESPONSE, &settled);
        }
        response
    }

    /// A refusal, with the offer and what became of the payment.
    fn refused(&self, refused: PaymentRefused) -> Response {
        let (wants_payment, error_reason) = (refused.wants_payment(), refused.error_reason());
        let (code, words) = refused.words();
        let mut response = refused.into_response();
        if wants_payment {
            let required = self.offers.required(self.found, &self.path, format!("{code} {words}"));
            attach(&mut response, PAYMENT_REQUIRED, &required);
        }
        if let Some(reason) = error_reason {
            let settled = SettlementResponse {
                success: false,
                error_reason: Some(reason.to_owned()),
                payer: None,
                transaction: String::new(),
                network: network_name(&self.shared.market.genesis_hash()),
                amount: None,
                extra: serde_json::Value::Null,
            };
            attach(&mut response, PAYMENT_RESPONSE, &settled);
        }
        response
    }
}

/// The refusal of a request whose voucher is too small, with what would be enough as x402 has it; `path` is where it was asked.
pub(in crate::sessions) fn owed_response<M: Market>(
    shared: &Arc<Shared<M>>,
    served: &Served,
    owed: u64,
    path: &str,
) -> Response {
    let refused = Refused::Owed(owed);
    let error = refused.message();
    let account = &served.account;
    let step =
        Step::Voucher(VoucherTerms { program: assay::ID.to_string(), session: served.address.to_string(), owed });
    let requirements = PaymentRequirements {
        scheme: SCHEME.to_owned(),
        network: network_name(&shared.market.genesis_hash()),
        amount: owed.saturating_sub(served.ledger().promised()).to_string(),
        asset: account.payment_mint.to_string(),
        pay_to: account.node.to_string(),
        max_timeout_seconds: shared.config.now().sessions.request_seconds,
        extra: serde_json::to_value(step).unwrap_or_default(),
    };
    let offers = shared.sessions.payments.offers();
    let required: PaymentRequired = offers.required_of(vec![requirements], path, None, error);
    let mut response = refused.into_response();
    attach(&mut response, PAYMENT_REQUIRED, &required);
    response
}

/// A message in a header. One that is too long for it is left out: the body says the same in words.
fn attach<T: Serialize>(response: &mut Response, name: &'static str, message: &T) {
    let value = encode_payment(message).ok().and_then(|text| HeaderValue::from_str(&text).ok());
    match value {
        Some(value) => {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
        None => tracing::warn!(name, "a header is too long and left out: offer fewer models at one path"),
    }
}

fn root(text: &str) -> Option<[u8; 32]> {
    let mut root = [0; 32];
    hex::decode_to_slice(text, &mut root).ok().map(|()| root)
}
