//! A real endpoint seen through faults: answers that get lost, statuses that lag, refused requests.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

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
    if due(&faults.refusals) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let request: Value = serde_json::from_slice(&body).unwrap();
    let method = request["method"].as_str().unwrap_or_default();
    if method == "getSignatureStatuses" && faults.lagging.load(Ordering::SeqCst) {
        faults.lagging_answers.fetch_add(1, Ordering::SeqCst);
        let result = json!({ "context": { "slot": 1 }, "value": [null] });
        return axum::Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).into_response();
    }
    let forwarded = route.client.post(&*route.target).header("content-type", "application/json").body(body);
    let answer = forwarded.send().await.unwrap().bytes().await.unwrap();
    if method == "sendTransaction" {
        faults.sends.fetch_add(1, Ordering::SeqCst);
        if due(&faults.lost_answers) {
            return StatusCode::BAD_GATEWAY.into_response();
        }
    }
    ([("content-type", "application/json")], answer).into_response()
}
