//! A real endpoint seen through faults: answers that get lost, statuses that lag, refused requests.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Which faults there are now.
#[derive(Default)]
pub(crate) struct Faults {
    /// So many `sendTransaction` requests arrive, but their answers are lost.
    pub(crate) lost_answers: AtomicU32,
    /// So many requests are refused as by a busy server.
    pub(crate) refusals: AtomicU32,
    /// Statuses are those of a node that is far behind.
    pub(crate) lagging: AtomicBool,
    /// How often a lagging status was given.
    pub(crate) lagging_answers: AtomicU32,
    /// How many `sendTransaction` requests were passed on.
    pub(crate) sends: AtomicU32,
    /// Nothing is answered.
    pub(crate) is_down: AtomicBool,
    /// Transactions are taken and not passed on.
    pub(crate) drops: AtomicBool,
    /// No transaction is known, whatever landed.
    pub(crate) denies: AtomicBool,
    /// Every transaction is said to have landed.
    pub(crate) affirms: AtomicBool,
    /// Blocks that are added to the height.
    pub(crate) blocks_ahead: AtomicU64,
    /// Slots that are taken from every slot.
    pub(crate) slots_behind: AtomicU64,
    /// Another cluster is named.
    pub(crate) is_foreign: AtomicBool,
    /// Simulations see no account, as of a slot a little while ago.
    pub(crate) sees_nothing: AtomicBool,
    /// What is said to have been paid for priority of late; nothing: what the chain says.
    pub(crate) fees: Mutex<Vec<u64>>,
}

#[derive(Clone)]
struct Route {
    target: Arc<str>,
    client: reqwest::Client,
    faults: Arc<Faults>,
}

/// Serves `target` through `faults` and returns its own address.
pub(crate) async fn serve(target: &str, faults: Arc<Faults>) -> String {
    let route = Route { target: target.into(), client: reqwest::Client::new(), faults };
    let router = axum::Router::new().fallback(answer).with_state(route);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Takes one from a counter of faults to come.
fn due(counter: &AtomicU32) -> bool {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

async fn answer(State(route): State<Route>, body: Bytes) -> Response {
    let faults = &route.faults;
    if due(&faults.refusals) || faults.is_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let request: Value = serde_json::from_slice(&body).unwrap();
    let method = request["method"].as_str().unwrap_or_default();
    if method == "getSignatureStatuses" && faults.lagging.load(Ordering::SeqCst) {
        faults.lagging_answers.fetch_add(1, Ordering::SeqCst);
        let result = json!({ "context": { "slot": 1 }, "value": [null] });
        return axum::Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).into_response();
    }
    if method == "sendTransaction" && faults.drops.load(Ordering::SeqCst) {
        return result(&request, json!(signature_of(&request)));
    }
    if method == "getGenesisHash" && faults.is_foreign.load(Ordering::SeqCst) {
        return result(&request, json!("11111111111111111111111111111112"));
    }
    let fees = faults.fees.lock().unwrap().clone();
    if method == "getRecentPrioritizationFees" && !fees.is_empty() {
        let fees = fees.iter().map(|fee| json!({ "slot": 1, "prioritizationFee": fee }));
        return result(&request, fees.collect());
    }
    let forwarded = route.client.post(&*route.target).header("content-type", "application/json").body(body);
    let answer = forwarded.send().await.unwrap().bytes().await.unwrap();
    if method == "sendTransaction" {
        faults.sends.fetch_add(1, Ordering::SeqCst);
        if due(&faults.lost_answers) {
            return StatusCode::BAD_GATEWAY.into_response();
        }
    }
    let mut answer: Value = serde_json::from_slice(&answer).unwrap();
    lie(faults, method, &mut answer["result"]);
    axum::Json(answer).into_response()
}

/// Changes what the chain said.
fn lie(faults: &Faults, method: &str, answer: &mut Value) {
    let behind = faults.slots_behind.load(Ordering::SeqCst);
    let slot = match method {
        "getSlot" => Some(&mut *answer),
        "getEpochInfo" => answer.get_mut("absoluteSlot"),
        _ => answer.get_mut("context").and_then(|context| context.get_mut("slot")),
    };
    if let Some(slot) = slot {
        *slot = json!(slot.as_u64().unwrap().saturating_sub(behind));
    }
    if let (true, Some(height)) = (method == "getEpochInfo", answer.get_mut("blockHeight")) {
        *height = json!(height.as_u64().unwrap() + faults.blocks_ahead.load(Ordering::SeqCst));
    }
    if method == "simulateTransaction" && faults.sees_nothing.load(Ordering::SeqCst) {
        let slot = answer["context"]["slot"].as_u64().unwrap().saturating_sub(5);
        let value = json!({ "err": "AccountNotFound", "logs": [], "accounts": null, "unitsConsumed": 0 });
        *answer = json!({ "context": { "slot": slot }, "value": value });
    }
    let slot = answer["context"]["slot"].clone();
    let values = answer.get_mut("value").and_then(Value::as_array_mut);
    if let (true, Some(statuses)) = (method == "getSignatureStatuses", values) {
        for status in statuses {
            if faults.denies.load(Ordering::SeqCst) {
                *status = Value::Null;
            }
            if faults.affirms.load(Ordering::SeqCst) {
                *status = json!({
                    "slot": slot, "confirmations": null, "err": null, "status": { "Ok": null },
                    "confirmationStatus": "finalized",
                });
            }
        }
    }
}

fn result(request: &Value, value: Value) -> Response {
    axum::Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": value })).into_response()
}

/// The signature of a transaction that is being sent.
fn signature_of(request: &Value) -> String {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(request["params"][0].as_str().unwrap()).unwrap();
    bincode::deserialize::<solana_sdk::transaction::Transaction>(&bytes).unwrap().signatures[0].to_string()
}
