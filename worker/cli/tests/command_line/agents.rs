//! `assay mcp`, as an agent's host starts it: a real client of the protocol, over a child process. No chain is needed.

use super::{NOWHERE, home, run, write_keypair};
use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use rmcp::service::{RoleClient, RunningService};
use rmcp::transport::TokioChildProcess;
use std::path::Path;
use std::process::Stdio;

const BUDGET: &str = "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM";

async fn start(home: &Path, arguments: &[&str]) -> RunningService<RoleClient, ()> {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_assay"));
    command.arg("mcp").args(["--url", NOWHERE]).args(arguments).current_dir(home).env_clear().env("HOME", home);
    // All logs that there are: not one line of them may come among the protocol's.
    command.env("ASSAY_LOG", "trace");
    let (child, _) = TokioChildProcess::builder(command).stderr(Stdio::null()).spawn().expect("the command starts");
    ().serve(child).await.expect("a session")
}

async fn tools(client: &RunningService<RoleClient, ()>) -> Vec<String> {
    let tools = client.list_all_tools().await.expect("tools");
    tools.into_iter().map(|tool| tool.name.into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_protocol_finds_only_tools_that_read() {
    let home = home();
    let client = start(home.path(), &[]).await;
    let info = client.peer_info().expect("the server introduces itself");
    assert_eq!(info.server_info.as_ref().map(|server| server.name.as_str()), Some("assay"));
    assert!(info.instructions.as_deref().is_some_and(|text| text.contains("untrusted_text")));
    assert_eq!(tools(&client).await, ["quote", "watch", "verify", "explain", "result", "budget", "jobs"]);
    let refused = client.call_tool(CallToolRequestParams::new("post")).await.expect("an answer");
    assert_eq!(refused.structured_content.expect("a structure")["error"]["code"], "Y0101");
    client.cancel().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_budget_and_a_key_it_can_post_and_with_a_folder_it_lists_files() {
    let home = home();
    write_keypair(&home.path().join("agent.json"));
    std::fs::create_dir(home.path().join("work")).unwrap();
    std::fs::write(home.path().join("work/graph"), "x").unwrap();
    let spending = ["--budget", BUDGET, "-k", "agent.json", "--store", "store", "--store-url", "http://127.0.0.1:8080"];
    let client = start(home.path(), &[&spending[..], &["--folder", "work", "--allow-cluster", "l"]].concat()).await;
    for offered in ["post", "cancel", "reclaim", "files", "save_result"] {
        assert!(tools(&client).await.iter().any(|tool| tool == offered), "{offered}");
    }
    let listed = client.call_tool(CallToolRequestParams::new("files")).await.expect("an answer");
    assert_eq!(listed.structured_content.expect("a structure")["files"][0]["file"], "graph");
    client.cancel().await.expect("it ends");
}

#[test]
fn what_would_spend_unasked_is_refused_at_the_start() {
    let home = home();
    write_keypair(&home.path().join("agent.json"));
    let complete = ["mcp", "--budget", BUDGET, "--store", "store", "--store-url", "http://127.0.0.1:8080"];
    for arguments in [
        &["mcp", "--allow-cluster", "l"][..],
        &["mcp", "--max-price", "5"],
        &["mcp", "--budget", BUDGET],
        &["mcp", "--budget", BUDGET, "--store", "store"],
        &[&complete[..], &["--allow-cluster", "production"]].concat(),
    ] {
        assert_eq!(run(home.path(), arguments).status, 2, "{arguments:?}");
    }
    let keyless = run(home.path(), &[&complete[..], &["-k", "missing.json", "--output", "json"]].concat());
    assert_eq!((keyless.status, keyless.json_error().0.as_str()), (1, "C0103"));
    let folderless = run(home.path(), &["mcp", "--folder", "missing", "--output", "json"]);
    assert_eq!((folderless.status, folderless.json_error().0.as_str()), (1, "Y0203"));
}

#[test]
fn started_by_hand_it_says_what_it_is_for() {
    let home = home();
    let ran = run(home.path(), &["mcp", "--output", "json"]);
    assert_eq!((ran.status, ran.stdout.as_str(), ran.json_error().0.as_str()), (1, "", "Y0502"));
    let help = run(home.path(), &["mcp", "--help"]);
    assert_eq!(help.status, 0);
    for told in ["mcpServers", "--budget", "--allow-cluster", "--folder", "only tools that read"] {
        assert!(help.stdout.contains(told), "{told}: {}", help.stdout);
    }
}
