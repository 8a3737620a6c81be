//! One piece of work as many jobs.

use assay::state_machine::JobState;
use assay_client::Work;
use assay_client::split::{MapEvent, MapOptions, map, works};
use assay_compiler::{compile, examples};
use assay_models::TensorSet;
use assay_models::cut::{Cut, cut};
use assay_node::journal::Stage;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use story_tests::{NodeProcess, Story, ValidatorProcess, honest_output};

const WIDTH: u32 = 96;
const HEIGHT: u32 = 54;
const TILES: u32 = 6;

/// A frame of the Mandelbrot set in so many tiles.
fn tiles(parts: u32) -> Vec<Work> {
    let model = compile(examples::MANDELBROT).expect("a kernel").model(&BTreeMap::new()).expect("a graph");
    let slot = |name: &str| model.slot(name).expect("a tensor of the kernel");
    let settings = [("left", -37_748_736i32), ("top", 14_155_776), ("step", 524_288)];
    let inputs: TensorSet =
        settings.into_iter().map(|(name, value)| (slot(name), Arc::from(value.to_le_bytes()))).collect();
    let wanted = Cut { symbol: 0, total: HEIGHT, parts, first: Some(slot("first_y")) };
    let parts = cut(&model.graph, &[HEIGHT, WIDTH], &inputs, &wanted).expect("it can be cut");
    works(&Arc::new(model.graph), &Arc::new(model.params), &parts).expect("work")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_in_tiles_is_whole_although_a_node_dies() {
    let story = Story::begin().await;
    let before = story.accounts().await;
    let mut nodes = Vec::new();
    for name in ["dying", "second", "third"] {
        nodes.push(NodeProcess::register(&story, name, story.placement(), |_| {}));
    }
    // It claims a tile and is gone for good; the others come when it is.
    nodes[0].start(Some("after_claim_landed")).await;
    let mut terms = story.terms();
    // The others have to keep their promises on a busy machine; that the dead one breaks its own is waited for.
    terms.run_slots = 200;
    let tiles_of_frame = tiles(TILES);
    let failures = Mutex::new(Vec::new());
    let observe = |event: MapEvent| {
        if let MapEvent::Failed { part, again, .. } = event {
            failures.lock().expect("not poisoned").push((part, again));
        }
    };
    let options = MapOptions { attempts: 3, at_once: TILES as usize };
    let mapping = map(&story.client, &story.store, &story.store_url, &tiles_of_frame, &terms, options, observe);
    let replacing = async {
        nodes[0].dies().await;
        for node in &mut nodes[1..] {
            node.start(None).await;
        }
    };
    let (mapped, ()) = tokio::join!(mapping, replacing);

    let missed: Vec<_> = mapped
        .parts
        .iter()
        .flat_map(|part| &part.attempts)
        .filter(|attempt| attempt.state == Some(JobState::Missed))
        .collect();
    assert!(!missed.is_empty(), "the dead node's tile was missed");
    assert!(missed.iter().all(|attempt| attempt.node == Some(nodes[0].address)), "nobody else missed one");
    assert_eq!(mapped.retried(), missed.len());
    assert_eq!(failures.into_inner().expect("not poisoned").len(), missed.len());
    assert!(missed.iter().all(|attempt| attempt.paid == 0 && attempt.refund == 1_000_000 && attempt.charge > 0));
    let alone: Vec<u8> = tiles(1).iter().flat_map(honest_output).collect();
    assert_eq!(alone.len(), (WIDTH * HEIGHT) as usize);
    assert_eq!(mapped.output(), Some(alone), "the frame is that of one machine, bit for bit");

    assert_eq!(mapped.paid(), u64::from(TILES) * 1_000_000);
    assert_eq!(mapped.jobs(), TILES as usize + missed.len());
    let after = story.accounts().await;
    assert_eq!(before.tokens - after.tokens, mapped.paid() - (mapped.refunded() - missed.len() as u64 * 1_000_000));
    assert_eq!(after.stake_tokens - before.stake_tokens, mapped.charged());
    for attempt in mapped.parts.iter().flat_map(|part| &part.attempts) {
        story.close_one(&attempt.job.expect("it was posted")).await;
    }
    let addresses: Vec<_> = nodes.iter().map(|node| node.address).collect();
    story.balanced(&addresses).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_nobody_takes_end_after_their_last_attempt_and_cost_nothing() {
    let story = Story::begin().await;
    let before = story.accounts().await;
    let mut terms = story.terms();
    terms.claim_slots = 5;
    let options = MapOptions { attempts: 2, at_once: 2 };
    let mapped = map(&story.client, &story.store, &story.store_url, &tiles(2), &terms, options, |_| {}).await;
    assert_eq!((mapped.jobs(), mapped.retried(), mapped.missing()), (4, 2, vec![0, 1]));
    assert_eq!((mapped.output(), mapped.paid(), mapped.refunded()), (None, 0, 4_000_000));
    assert!(mapped.parts.iter().flat_map(|part| &part.attempts).all(|attempt| attempt.closed));
    assert_eq!(story.accounts().await.tokens, before.tokens);
}

/// Blocks of 4,096 points of the Monte-Carlo estimate.
const BLOCKS: u32 = 96;
const SEED: i32 = 271_828;

/// The whole estimate as one job.
fn whole_estimate() -> Work {
    let model = compile(examples::PI).expect("a kernel").model(&BTreeMap::new()).expect("a graph");
    let slot = |name: &str| model.slot(name).expect("a tensor of the kernel");
    let settings = [("first_block", 0), ("seed", SEED)];
    let inputs = settings.into_iter().map(|(name, value)| (slot(name), Arc::from(value.to_le_bytes()))).collect();
    Work::new(Arc::new(model.graph), Arc::new(model.params), inputs, &[BLOCKS]).expect("work")
}

/// As the client types it: the kernel is built, its counters cut into six jobs, and one of these drawn by a liar, whom a validator
/// has convicted.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_an_estimate_that_a_liar_drew_is_drawn_again_by_another_node() {
    let story = Story::begin().await;
    let before = story.accounts().await;
    let whole = whole_estimate();
    let mut validator = ValidatorProcess::new(&story, "validator", story.placement(), "audit", &whole);
    validator.start(None).await;
    let mut liar = NodeProcess::register(&story, "liar", story.placement(), |_| {}).lies("element:element=99,bit=2");
    let mut others = ["second", "third"].map(|name| NodeProcess::register(&story, name, story.placement(), |_| {}));
    liar.start(None).await;

    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/kernels/pi.wgsl");
    let seed = format!("seed={SEED}");
    let build = ["kernel", "build", source, "--folder", ".", "--input", "first_block=0", "--input", &seed];
    let built = story.client_command(&build).await;
    let (first, blocks) = (built["input_slots"]["first_block"].to_string(), BLOCKS.to_string());
    let mint = story.payment_mint().to_string();
    let map =
        ["job", "map", "--graph", "pi.graph", "--params", "pi.params", "--inputs", "pi.inputs", "--first-slot", &first];
    let cut = ["--symbols", &blocks, "--total", &blocks, "--parts", "6", "--attempts", "4", "--out", "hits", "--sum"];
    let price = ["--mint", &mint, "--price-min", "1000000", "--price-max", "1000000", "--hold-slots", "0"];
    // A conviction ends a window; for a part that is right it is as long as a validator may need on a busy machine.
    let terms = ["--ramp-slots", "0", "--claim-slots", "1000", "--run-slots", "300", "--window-slots", "250"];
    let command = [&map[..], &cut, &price, &terms, &story.store_options()].concat();
    let joining = async {
        // The liar has a part before the others come.
        let claims = async || {
            let status = liar.status().await;
            // Jobs of other stories, which it skips, are in its journal too.
            let is_held = |stage: &Stage| !matches!(stage, Stage::Admitted | Stage::Finished(_));
            status.is_some_and(|status| status.jobs.iter().any(|job| is_held(&job.stage)))
        };
        story.until("the liar claims a part", claims).await;
        for node in &mut others {
            node.start(None).await;
        }
    };
    let (mapped, ()) = tokio::join!(story.client_command(&command), joining);

    let attempts = mapped["attempts"].as_array().expect("a list");
    let liar = liar.address.to_string();
    let (failed, done): (Vec<_>, Vec<_>) = attempts.iter().partition(|attempt| !attempt["failure"].is_null());
    let convicted = failed.iter().filter(|attempt| attempt["state"] == "convicted").count();
    assert!(convicted >= 1, "{failed:?}; {}", validator.log());
    for attempt in &failed {
        let facts = ["node", "paid", "refund"].map(|field| &attempt[field]);
        assert_eq!(facts, [&json!(liar), &json!(0), &json!(1_000_000)], "{attempt}");
    }
    let honest = others.each_ref().map(|node| json!(node.address.to_string()));
    assert_eq!(done.len(), 6);
    assert!(done.iter().all(|attempt| honest.contains(&attempt["node"])), "only right draws are paid: {done:?}");
    let again = |part: &Value| done.iter().any(|attempt| attempt["part"] == *part);
    assert!(failed.iter().all(|attempt| again(&attempt["part"])), "{attempts:?}");

    let hits = std::fs::read(story.folder().join("hits")).expect("the output");
    assert_eq!(hits, honest_output(&whole), "the counts are those of one machine, bit for bit");
    let sum: u64 = hits.iter().map(|hits| u64::from(*hits)).sum();
    assert_eq!((&mapped["sum"], &mapped["elements"]), (&json!(sum), &json!(BLOCKS * 64)));
    let points = f64::from(BLOCKS) * 64.0 * 64.0;
    let estimate = 4.0 * sum as f64 / points;
    // Five standard errors: 4 * sqrt(pi / 4 * (1 - pi / 4) / 393,216) is 0.0026.
    assert!((estimate - std::f64::consts::PI).abs() < 0.0131, "{estimate}");

    let after = story.accounts().await;
    assert_eq!((&mapped["paid"], before.tokens - after.tokens), (&json!(6_000_000), 6_000_000), "{mapped}");
    for attempt in attempts {
        let job = attempt["job"].as_str().and_then(|job| job.parse().ok()).expect("it was posted");
        story.close_one(&job).await;
    }
    let addresses: Vec<_> = others.iter().map(|node| node.address).collect();
    story.balanced(&addresses).await;
}
