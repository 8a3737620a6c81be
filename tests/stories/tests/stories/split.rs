//! One piece of work as many jobs.

use assay::state_machine::JobState;
use assay_client::split::{MapEvent, MapOptions, map, works};
use assay_client::{Terms, Work};
use assay_compiler::{compile, examples};
use assay_models::TensorSet;
use assay_models::cut::{Cut, cut};
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
    terms.run_slots = 60;
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

/// Blocks of 4,096 points of the Monte-Carlo estimate, and the jobs that draw them.
const BLOCKS: u32 = 96;
const DRAWS: u32 = 6;
const POINTS: u64 = BLOCKS as u64 * 64 * 64;
/// What the liar locks for a part.
const BOND: u64 = 10_000_000;

/// The estimate in so many parts, each with counters of its own.
fn draws(parts: u32) -> Vec<Work> {
    let model = compile(examples::PI).expect("a kernel").model(&BTreeMap::new()).expect("a graph");
    let slot = |name: &str| model.slot(name).expect("a tensor of the kernel");
    let inputs = TensorSet::from([(slot("seed"), Arc::from(271_828i32.to_le_bytes()))]);
    let wanted = Cut { symbol: 0, total: BLOCKS, parts, first: Some(slot("first_block")) };
    let parts = cut(&model.graph, &[BLOCKS], &inputs, &wanted).expect("it can be cut");
    works(&Arc::new(model.graph), &Arc::new(model.params), &parts).expect("work")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_an_estimate_that_a_liar_drew_is_drawn_again_by_another_node() {
    let story = Story::begin().await;
    let before = story.accounts().await;
    let parts = draws(DRAWS);
    let mut validator = ValidatorProcess::new(&story, "validator", story.placement(), "audit", &parts[0]);
    validator.start(None).await;
    let mut liar = NodeProcess::register(&story, "liar", story.placement(), |_| {}).lies("element:element=99,bit=2");
    let mut others: Vec<_> =
        ["second", "third"].map(|name| NodeProcess::register(&story, name, story.placement(), |_| {})).into();
    liar.start(None).await;
    // A conviction ends a window; for a part that is right it is as long as a validator may need on a busy machine.
    let terms = Terms { bond: Some(BOND), window_slots: Some(150), run_slots: 100, ..story.terms() };
    let posted = Mutex::new(Vec::new());
    let observe = |event: MapEvent| {
        if let MapEvent::Posted { job, .. } = event {
            posted.lock().expect("not poisoned").push(job);
        }
    };
    let options = MapOptions { attempts: 4, at_once: DRAWS as usize };
    let mapping = map(&story.client, &story.store, &story.store_url, &parts, &terms, options, observe);
    let joining = async {
        // The liar has a part before the others come.
        story
            .until("the liar claims a part", async || {
                let posted = posted.lock().expect("not poisoned").clone();
                for job in posted {
                    if story
                        .chain()
                        .find_job(&job)
                        .await
                        .expect("the chain answers")
                        .is_some_and(|job| job.claimed_slot != 0)
                    {
                        return true;
                    }
                }
                false
            })
            .await;
        for node in &mut others {
            node.start(None).await;
        }
    };
    let (mapped, ()) = tokio::join!(mapping, joining);

    let attempts = || mapped.parts.iter().flat_map(|part| &part.attempts);
    let failed: Vec<_> = attempts().filter(|attempt| attempt.failure.is_some()).collect();
    let convicted = failed.iter().filter(|attempt| attempt.state == Some(JobState::Convicted)).count();
    assert!(convicted >= 1, "{failed:?}; {}", validator.log());
    assert!(failed.iter().all(|attempt| attempt.node == Some(liar.address) && attempt.paid == 0), "{failed:?}");
    assert!(failed.iter().all(|attempt| attempt.refund == 1_000_000), "{failed:?}");
    let honest: Vec<_> = others.iter().map(|node| Some(node.address)).collect();
    for part in &mapped.parts {
        let last = part.attempts.last().expect("each part was tried");
        assert!(honest.contains(&last.node), "what is paid was drawn by an honest node: {part:?}");
    }

    let alone = honest_output(&draws(1)[0]);
    let output = mapped.output().expect("every part is there");
    assert_eq!(output, alone, "the counts are those of one machine, bit for bit");
    let hits: u64 = output.iter().map(|hits| u64::from(*hits)).sum();
    let estimate = 4.0 * hits as f64 / POINTS as f64;
    // Five standard errors: 4 * sqrt(pi / 4 * (1 - pi / 4) / 393,216) is 0.0026.
    assert!((estimate - std::f64::consts::PI).abs() < 0.0131, "{estimate}");

    let after = story.accounts().await;
    assert_eq!(mapped.paid(), u64::from(DRAWS) * 1_000_000);
    assert_eq!(before.tokens - after.tokens, mapped.paid(), "what the liar was to get came back");
    for attempt in attempts() {
        story.close_one(&attempt.job.expect("it was posted")).await;
    }
    let addresses: Vec<_> = others.iter().map(|node| node.address).chain([liar.address]).collect();
    story.balanced(&addresses).await;
}
