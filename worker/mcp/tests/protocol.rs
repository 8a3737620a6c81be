//! The server as a client of the protocol sees it, without a chain: what is offered, with which schemas, and what is refused.

use assay_chain::{Chain, Endpoint, SendOptions, Sender};
use assay_mcp::{AgentServer, AllowedCluster, Limits, Options, Spending};
use assay_store::FetchOptions;
use rmcp::model::{CallToolRequestParams, ClientRequest, Request, Tool};
use rmcp::service::{PeerRequestOptions, RoleClient, RunningService};
use rmcp::{ServiceExt, serve_client};
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// An endpoint where nothing listens (port 9 is `discard`), whose address holds a secret.
const NOWHERE: &str = "http://127.0.0.1:9/?api-key=hunter2";
const ADDRESS: &str = "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM";

type Client = RunningService<RoleClient, ()>;

fn chain() -> Chain {
    Chain::new(Endpoint::parse(NOWHERE).unwrap())
}

fn options(folder: Option<&Path>, spending: Option<Spending>) -> Options {
    Options {
        chain: chain(),
        folder: folder.map(Path::to_owned),
        fetch: FetchOptions::default(),
        limits: Limits { max_wait: Duration::from_secs(5), ..Limits::default() },
        spending,
    }
}

fn spending(store: &Path) -> Spending {
    Spending {
        sender: Sender::new(chain(), SendOptions::default()),
        key: Keypair::new(),
        budget: Pubkey::new_unique(),
        store: store.to_owned(),
        store_url: "http://127.0.0.1:8080".to_owned(),
        clusters: vec![AllowedCluster::Localnet],
        max_price_base_units: Some(5),
        max_open_jobs: 1,
    }
}

async fn connect(options: Options) -> Client {
    let server = AgentServer::new(options).unwrap();
    let (theirs, ours) = tokio::io::duplex(1 << 20);
    tokio::spawn(async move { server.serve(theirs).await.unwrap().waiting().await });
    serve_client((), ours).await.unwrap()
}

/// A server that may do everything.
async fn everything(folder: &TempDir) -> Client {
    std::fs::create_dir_all(folder.path().join("files")).unwrap();
    connect(options(Some(&folder.path().join("files")), Some(spending(&folder.path().join("store"))))).await
}

/// The structured error of a call that is refused.
async fn refused(client: &Client, tool: &'static str, arguments: Value) -> Value {
    let arguments = arguments.as_object().unwrap().clone();
    let result = client.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await.unwrap();
    assert_eq!(result.is_error, Some(true), "{tool}: {result:?}");
    let value = result.structured_content.unwrap();
    let text = result.content.first().and_then(|content| content.as_text()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text.text).unwrap(), value, "text and structure say the same");
    value["error"].clone()
}

fn names(tools: &[Tool]) -> BTreeSet<&str> {
    tools.iter().map(|tool| tool.name.as_ref()).collect()
}

#[tokio::test]
async fn without_being_told_otherwise_it_only_reads() {
    let client = connect(options(None, None)).await;
    let tools = client.list_all_tools().await.unwrap();
    let reading = ["budget", "explain", "jobs", "quote", "result", "verify", "watch"];
    assert_eq!(names(&tools), BTreeSet::from(reading));
    for tool in &tools {
        let annotations = tool.annotations.as_ref().unwrap();
        assert_eq!(
            (annotations.read_only_hint, annotations.destructive_hint),
            (Some(true), Some(false)),
            "{}",
            tool.name
        );
    }
    for spends in ["post", "cancel", "reclaim"] {
        assert_eq!(refused(&client, spends, json!({ "job": ADDRESS })).await["code"], "Y0101", "{spends}");
    }
    for needs_a_folder in ["files", "save_result"] {
        assert_eq!(refused(&client, needs_a_folder, json!({})).await["code"], "Y0201");
    }
    let files = json!({ "graph": "g", "params": "p", "inputs": "i" });
    assert_eq!(refused(&client, "quote", json!({ "work": files })).await["code"], "Y0201");
    assert_eq!(refused(&client, "budget", json!({})).await["code"], "Y0102");
    assert_eq!(refused(&client, "no_such_tool", json!({})).await["code"], "Y0101");
}

#[tokio::test]
async fn each_tool_says_what_it_does_and_what_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let client = everything(&folder).await;
    let tools = client.list_all_tools().await.unwrap();
    let all = [
        "budget",
        "cancel",
        "explain",
        "files",
        "jobs",
        "post",
        "quote",
        "reclaim",
        "result",
        "save_result",
        "verify",
        "watch",
    ];
    assert_eq!(names(&tools), BTreeSet::from(all));
    for tool in &tools {
        let annotations = tool.annotations.as_ref().unwrap();
        let spends = ["post", "cancel"].contains(&tool.name.as_ref());
        let adds = ["save_result", "reclaim"].contains(&tool.name.as_ref());
        assert_eq!(annotations.destructive_hint, Some(spends), "{}", tool.name);
        assert_eq!(annotations.read_only_hint, Some(!spends && !adds), "{}", tool.name);
        assert_eq!(annotations.idempotent_hint, Some(true), "{}", tool.name);
        assert!(tool.description.as_ref().is_some_and(|text| text.len() > 40), "{}", tool.name);
        let (input, output) = (&tool.input_schema, tool.output_schema.as_ref().unwrap());
        assert_eq!(
            (&input["type"], &input["additionalProperties"]),
            (&json!("object"), &json!(false)),
            "{}",
            tool.name
        );
        assert_eq!(output["type"], "object", "{}", tool.name);
        for schema in [input, output] {
            check_fields(&tool.name, &Value::Object(schema.as_ref().clone()));
        }
    }
}

/// Every field is described, and every amount, time and length has its unit in its name.
fn check_fields(tool: &str, schema: &Value) {
    match schema {
        Value::Object(object) => {
            for (name, field) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let is_described = field.get("description").is_some() || field.to_string().contains("$ref");
                assert!(is_described, "{tool}: {name} is not described");
                let measures =
                    ["price", "escrow", "bond", "stake", "refund", "charge", "deadline", "window", "wait", "took"];
                let has_unit = ["_base_units", "_slots", "_slot", "_seconds", "_milliseconds", "_uri", "_jobs"];
                let is_number = field["type"].to_string().contains("integer");
                if is_number && measures.iter().any(|measure| name.contains(measure)) {
                    assert!(has_unit.iter().any(|unit| name.ends_with(unit)), "{tool}: {name} has no unit");
                }
            }
            object.values().for_each(|value| check_fields(tool, value));
        }
        Value::Array(values) => values.iter().for_each(|value| check_fields(tool, value)),
        _ => {}
    }
}

#[tokio::test]
async fn arguments_are_those_of_the_schema_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let client = everything(&folder).await;
    for (tool, arguments) in [
        ("watch", json!({})),
        ("watch", json!({ "job": ADDRESS, "timeout": 5 })),
        ("watch", json!({ "job": ADDRESS, "until": "midnight" })),
        ("watch", json!({ "job": ADDRESS, "wait_seconds": -1 })),
        ("files", json!({ "path": "/" })),
        ("post", json!({ "quote_id": "0-00" })),
    ] {
        let error = refused(&client, tool, arguments).await;
        assert_eq!(error["code"], "Y0102", "{tool}: {error}");
    }
    assert_eq!(refused(&client, "watch", json!({ "job": "somewhere" })).await["code"], "Y0103");
    assert_eq!(refused(&client, "watch", json!({ "job": ADDRESS, "wait_seconds": 6 })).await["code"], "Y0105");
    let (work, offer) = (json!({ "graph": "g", "params": "p", "inputs": "i" }), json!({ "price_max_base_units": 1 }));
    let post = json!({ "quote_id": "now", "work": work, "offer": offer });
    assert_eq!(refused(&client, "post", post).await["code"], "Y0309");
}

#[tokio::test]
async fn files_outside_the_folder_are_out_of_reach() {
    let folder = tempfile::tempdir().unwrap();
    let client = everything(&folder).await;
    std::fs::write(folder.path().join("secret"), "secret").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret", folder.path().join("files/link")).unwrap();
    let absolute = folder.path().join("secret").display().to_string();
    for (name, code) in [(absolute.as_str(), "Y0202"), ("../secret", "Y0202"), ("link", "Y0203"), ("missing", "Y0203")]
    {
        let work = json!({ "graph": name, "params": "p", "inputs": "i" });
        assert_eq!(refused(&client, "quote", json!({ "work": work })).await["code"], code, "{name}");
    }
}

#[tokio::test]
async fn a_chain_that_does_not_answer_is_an_error_of_the_tool_and_its_address_stays_secret() {
    let folder = tempfile::tempdir().unwrap();
    let client = everything(&folder).await;
    let error = refused(&client, "explain", json!({ "job": ADDRESS })).await;
    assert_eq!(error["code"], "C0110", "{error}");
    assert!(error["detail"]["untrusted_text"].is_string() && !error.to_string().contains("hunter2"), "{error}");
}

/// An endpoint that takes a request and never answers it.
#[tokio::test]
async fn a_call_that_is_cancelled_stops_waiting_for_the_chain() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let silent = Options { chain: Chain::new(Endpoint::parse(&url).unwrap()), ..options(None, None) };
    let client = connect(silent).await;
    let arguments = json!({ "job": ADDRESS }).as_object().unwrap().clone();
    let request = CallToolRequestParams::new("watch").with_arguments(arguments);
    let request = ClientRequest::CallToolRequest(Request::new(request));
    let asked = client.send_cancellable_request(request, PeerRequestOptions::no_options()).await.unwrap();
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut bytes = [0; 4_096];
    assert!(connection.read(&mut bytes).await.unwrap() > 0, "the chain is asked");
    asked.cancel(None).await.unwrap();
    // The connection of a request that nobody waits for any more is closed, long before the request would time out.
    let closed = async { while connection.read(&mut bytes).await.is_ok_and(|read| read > 0) {} };
    tokio::time::timeout(Duration::from_secs(10), closed).await.expect("the server has left the call");
}
