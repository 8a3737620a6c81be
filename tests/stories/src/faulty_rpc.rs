//! A JSON-RPC endpoint between a process and the chain that errs, lags or lies, as real ones do.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use rand::Rng;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What is wrong with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpcFault {
    /// Of a thousand requests so many fail; of those half are not passed on, and half are passed on and the answer is lost.
    Fails {
        /// Of a thousand.
        per_mille: u32,
    },
    /// Every answer to a read is as old as this: what was asked for before is answered as it was then.
    Lags {
        /// How old.
        by: Duration,
    },
    /// Says of a transaction that landed that nobody knows it, for so long after it was sent.
    Denies {
        /// How long.
        for_time: Duration,
    },
    /// Says of every transaction that was sent that it is confirmed, and loses every third of them.
    Affirms,
    /// Passes on so many transactions, loses its answer to the last of them, and never answers again.
    DiesWith {
        /// How many different transactions.
        sends: usize,
    },
}

/// The endpoint.
#[derive(Debug)]
pub struct FaultyRpc {
    address: SocketAddr,
    passed: Arc<Passed>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Passed {
    target: String,
    http: reqwest::Client,
    fault: RpcFault,
    /// Answers to reads, and when they were given.
    answers: Mutex<HashMap<String, Vec<(Instant, Value)>>>,
    /// When each transaction was sent for the first time.
    sent: Mutex<HashMap<String, Instant>>,
    faults: std::sync::atomic::AtomicU64,
    is_dead: std::sync::atomic::AtomicBool,
}

impl FaultyRpc {
    /// An endpoint in front of `target`, on a free port of loopback.
    pub async fn to(target: &str, fault: RpcFault) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let passed = Arc::new(Passed {
            target: target.to_owned(),
            http: reqwest::Client::new(),
            fault,
            answers: Mutex::default(),
            sent: Mutex::default(),
            faults: Default::default(),
            is_dead: Default::default(),
        });
        let stop = CancellationToken::new();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&passed));
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::spawn(async move { serving.await });
        Self { address, passed, stop }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often it failed, lagged or lied so far.
    pub fn faults(&self) -> u64 {
        self.passed.faults.load(Ordering::Relaxed)
    }
}

impl Drop for FaultyRpc {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn answer(State(passed): State<Arc<Passed>>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    match passed.answer(&request).await {
        Some(value) => ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response(),
        None => StatusCode::BAD_GATEWAY.into_response(),
    }
}

impl Passed {
    async fn answer(&self, request: &Value) -> Option<Value> {
        let method = request["method"].as_str().unwrap_or_default();
        match self.fault {
            RpcFault::Fails { per_mille } => {
                let fate = rand::rng().random_range(0..1_000);
                if fate >= per_mille {
                    return self.pass_on(request).await;
                }
                if fate % 2 == 0 {
                    self.pass_on(request).await;
                }
                self.err();
                None
            }
            RpcFault::Lags { by } if method != "sendTransaction" => self.lagging(request, by).await,
            RpcFault::Denies { for_time } if method == "getSignatureStatuses" => {
                let mut value = self.pass_on(request).await?;
                self.each_status(request, &mut value, |sent, status| {
                    if sent.is_some_and(|sent| sent.elapsed() < for_time) && !status.is_null() {
                        self.err();
                        *status = Value::Null;
                    }
                });
                Some(value)
            }
            RpcFault::Affirms if method == "getSignatureStatuses" => {
                let mut value = self.pass_on(request).await?;
                let slot = value["result"]["context"]["slot"].clone();
                self.each_status(request, &mut value, |sent, status| {
                    if sent.is_some() && status.is_null() {
                        self.err();
                        *status = json!({
                            "slot": slot, "confirmations": null, "err": null, "status": { "Ok": null },
                            "confirmationStatus": "finalized",
                        });
                    }
                });
                Some(value)
            }
            RpcFault::Denies { .. } | RpcFault::Affirms if method == "sendTransaction" => {
                let signature = signature_of(request)?;
                let number = {
                    let mut sent = self.sent.lock().expect("no test panics here");
                    let number = sent.len();
                    sent.entry(signature.clone()).or_insert_with(Instant::now);
                    number
                };
                if self.fault == RpcFault::Affirms && number % 3 == 2 {
                    self.err();
                    return Some(json!({ "jsonrpc": "2.0", "id": request["id"], "result": signature }));
                }
                self.pass_on(request).await
            }
            RpcFault::DiesWith { .. } if self.is_dead.load(Ordering::SeqCst) => {
                self.err();
                None
            }
            RpcFault::DiesWith { sends } if method == "sendTransaction" => {
                let number = {
                    let mut sent = self.sent.lock().expect("no test panics here");
                    sent.insert(signature_of(request)?, Instant::now());
                    sent.len()
                };
                let answer = self.pass_on(request).await;
                if number < sends {
                    return answer;
                }
                self.is_dead.store(true, Ordering::SeqCst);
                self.err();
                None
            }
            _ => self.pass_on(request).await,
        }
    }

    fn err(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// What the chain answers now is for later; what is answered is what it said so long ago, if it was asked then.
    async fn lagging(&self, request: &Value, by: Duration) -> Option<Value> {
        let question = format!("{}{}", request["method"], request["params"]);
        let fresh = self.pass_on(request).await?;
        let mut answers = self.answers.lock().expect("no test panics here");
        let known = answers.entry(question).or_default();
        known.push((Instant::now(), fresh.clone()));
        // The youngest that is old enough, and everything after it.
        let from = known.iter().rposition(|(at, _)| at.elapsed() >= by).unwrap_or(0);
        known.drain(..from);
        let (at, mut value) = known.first().cloned()?;
        value["id"] = request["id"].clone();
        if at.elapsed() > by / 2 {
            self.err();
        }
        Some(value)
    }

    fn each_status(&self, request: &Value, value: &mut Value, mut change: impl FnMut(Option<Instant>, &mut Value)) {
        let sent = self.sent.lock().expect("no test panics here");
        let asked = request["params"][0].as_array().into_iter().flatten();
        let statuses = value["result"]["value"].as_array_mut().into_iter().flatten();
        for (signature, status) in asked.zip(statuses) {
            change(signature.as_str().and_then(|signature| sent.get(signature).copied()), status);
        }
    }

    async fn pass_on(&self, request: &Value) -> Option<Value> {
        self.http.post(&self.target).json(request).send().await.ok()?.json().await.ok()
    }
}

/// The signature of a transaction that is being sent: base58 of its first signature.
fn signature_of(request: &Value) -> Option<String> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(request["params"][0].as_str()?).ok()?;
    // One byte says how many signatures there are.
    Some(bs58::encode(bytes.get(1..65)?).into_string())
}
