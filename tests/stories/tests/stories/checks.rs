//! One job looked at by hand, at every depth, over RPC and HTTP.

use assay::state_machine::JobState;
use assay_client::Terms;
use serde_json::Value;
use solana_sdk::pubkey::Pubkey;
use story_tests::{NodeProcess, Story, ValidatorProcess, everything_work};

/// The graph of these stories.
const CHECKED: u32 = 15;
const DEPTHS: [&str; 3] = ["output", "segment", "freivalds"];
/// `assay` ends with it where a result is wrong.
const WRONG: i32 = 4;

/// A job that this node computed, as it is while its window is open.
async fn computed(story: &Story, node: &NodeProcess) -> Pubkey {
    let terms = Terms { window_slots: Some(1_000), ..story.terms() };
    let posted = story.post(&everything_work(CHECKED, 0), &terms).await;
    assert_eq!(story.committed(&posted.address).await.node, node.address);
    posted.address
}

fn checker(story: &Story, depth: &str) -> ValidatorProcess {
    ValidatorProcess::new(story, depth, story.placement(), "audit", &everything_work(CHECKED, 0))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_result_is_right_at_every_depth() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(None).await;
    let job = computed(&story, &node).await;
    for depth in DEPTHS {
        let (status, verdict) = checker(&story, depth).check(&job, depth);
        assert_eq!((status, &verdict["verdict"], &verdict["depth"]), (0, &Value::from("right"), &Value::from(depth)));
        assert_eq!(verdict["op"], Value::Null, "{depth}: {verdict}");
        if depth == "freivalds" {
            assert_eq!(verdict["replayed_segments"], Value::Array(Vec::new()), "nothing was suspect: {verdict}");
        }
    }
    // Looking costs nobody anything and changes nothing.
    assert_eq!(story.chain().job(&job).await.unwrap().state, JobState::Committed);
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.fraud_convictions), (Story::STAKE, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_result_is_found_by_each_depth_that_can() {
    let work = everything_work(CHECKED, 0);
    let inside = work.resolved.segment_slots(0)[0];
    assert_eq!(work.resolved.boundary_position(inside), None, "a tensor inside the first segment");
    // A bit of a tensor inside, on which everything else is computed; and one that only the trace shows.
    let everywhere = (format!("element:tensor={inside},element=5,bit=1"), [WRONG, WRONG, WRONG], 5);
    let hidden = (format!("interior:tensor={inside},element=7,bit=0"), [0, WRONG, WRONG], 7);
    for (fault, expected, element) in [everywhere, hidden] {
        let story = Story::begin().await;
        let mut node = NodeProcess::register(&story, "liar", story.placement(), |_| {}).lies(&fault);
        node.start(None).await;
        let job = computed(&story, &node).await;
        for (depth, expected) in DEPTHS.into_iter().zip(expected) {
            let (status, verdict) = checker(&story, depth).check(&job, depth);
            assert_eq!(status, expected, "{fault}, {depth}: {verdict}; {}", node.log());
            if expected != WRONG {
                assert_eq!(verdict["verdict"], "right", "{fault}, {depth}: {verdict}");
                continue;
            }
            assert_eq!(verdict["verdict"], "wrong", "{fault}, {depth}: {verdict}");
            let found = ["segment", "tensor", "element"].map(|field| verdict[field].as_u64());
            assert_eq!(found, [Some(0), Some(u64::from(inside)), Some(element)], "{fault}, {depth}: {verdict}");
            let values = ["claimed", "computed"].map(|field| verdict[field].as_i64().unwrap());
            assert_eq!((values[0] ^ values[1]).count_ones(), 1, "one bit: {verdict}");
            if depth == "freivalds" {
                assert_eq!(verdict["replayed_segments"], Value::from(vec![0]), "{fault}: {verdict}");
            }
        }
    }
}
