//! What an operator does beside the market: has the node examined, changes its settings while it runs, leaves it alone.

use serde_json::Value;
use story_tests::{NodeProcess, Story};

/// Codes and grades of what is not well.
fn ill(findings: &Value) -> Vec<(String, String)> {
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let all = findings["findings"].as_array().cloned().unwrap_or_default();
    all.iter()
        .filter(|finding| !finding["code"].is_null())
        .map(|finding| (text(finding, "grade"), text(finding, "code")))
        .collect()
}

fn has(findings: &Value, grade: &str, code: &str) -> bool {
    ill(findings).contains(&(grade.to_owned(), code.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_examined_before_it_runs_and_while_it_runs() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    let doctor = ["node", "doctor", "--quick"];
    let (status, healthy, said) = node.ask(&doctor);
    assert_eq!((status, &healthy["gravest"]), (Some(0), &Value::from("note")), "{said}: {healthy}");
    node.start(None).await;
    let (status, running, said) = node.ask(&doctor);
    assert_eq!(status, Some(0), "{said}: {running}");
    // It is the running node itself that answers at its endpoint.
    let reached = "this node answers at";
    assert!(running.to_string().contains(reached) && running.to_string().contains("is this node's"), "{running}");
    let (status, _, said) = node.ask(&["node", "run"]);
    assert!(status == Some(7) && said.contains("N0930"), "{said}");
    node.kill();

    // A key that others can read stops the start, unless it is to be overlooked.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = node.data().join("operator.json");
        let mode = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).expect("a mode");
        mode(0o644);
        let (status, findings, _) = node.ask(&doctor);
        assert!(status == Some(1) && has(&findings, "error", "N0901"), "{findings}");
        let (status, _, said) = node.ask(&["node", "run"]);
        assert!(status == Some(8) && said.contains("A0207") && said.contains("--despite-errors"), "{said}");
        mode(0o600);
    }
    let (status, warned, said) =
        node.ask(&["node", "doctor", "--quick", "--days", "3650", "--jobs-per-day", "4000000"]);
    assert!(status == Some(10) && has(&warned, "warning", "N0927"), "{said}: {warned}");
    node.start(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_node_takes_up_its_settings_and_keeps_them_where_they_are_wrong() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(None).await;
    let path = node.data().join("node.toml");
    let first = std::fs::read_to_string(&path).expect("the settings");
    std::fs::write(&path, first.replace("price_floor = 1\n", "price_floor = 1000000000000\n")).expect("a file");
    let declared = async || story.chain().node(&node.address).await.unwrap().profile.price_floor;
    story.until("the price is declared", async || declared().await == 1_000_000_000_000).await;
    let posted = story.post(&story.work(1), &story.terms()).await;
    let record = node.until(&posted.address, |record| record.is_finished()).await;
    assert!(format!("{record:?}").contains("N0206"), "{record:?}");

    std::fs::write(&path, first.replace("price_floor = 1\n", "price_flor = 1\n")).expect("a file");
    story
        .until("the error is told", async || {
            node.status().await.is_some_and(|status| status.settings.error.is_some_and(|error| error.contains("N0004")))
        })
        .await;
    let (_, status, _) = node.ask(&["node", "status"]);
    assert!(status["settings"]["error"].as_str().is_some_and(|error| error.contains("price_floor?")), "{status}");
    assert_eq!(declared().await, 1_000_000_000_000, "the settings before stay");
    std::fs::write(&path, &first).expect("a file");
    story.until("the price is declared again", async || declared().await == 1).await;
    let posted = story.post(&story.work(2), &story.terms()).await;
    assert_eq!(story.end(&posted.address).await.state, assay::state_machine::JobState::Settled, "{}", node.log());
}
