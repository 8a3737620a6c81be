//! Inputs that fuzzing begins with: one of each valid form, made of values. `cargo run --example seeds` in this folder writes them,
//! a test compares them with the committed ones.

use crate::work::{self, ROWS};
use assay_models::artifact::encode_bundle;
use assay_models::manifest::{
    AdviceEntry, AdviceManifest, MANIFEST_VERSION, ManifestEntry, ResultManifest, SegmentManifest,
};
use assay_session::x402::{
    ListedModel, ModelList, OpenPayload, OpenTerms, PaymentPayload, PaymentRequired, PaymentRequirements, ResourceInfo,
    SCHEME, SessionPayload, SettledSession, SettlementResponse, Step, VoucherPayload, VoucherTerms, WorkHeader,
    X402_VERSION,
};
use assay_session::{RefusalReply, ReplyHeader, RequestHeader, SessionReport, SignedVoucher, encode_frame};
use assay_store::{ArtifactId, ArtifactUri};
use assay_verifier::Operation;
use referee::graph::{OpKind, Slot};
use serde::Serialize;

/// An address of Solana.
const ADDRESS: &str = "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin";

/// An input of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The target.
    pub target: &'static str,
    /// The file.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

fn seed(target: &'static str, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Seed {
    Seed { target, name: name.into(), bytes: bytes.into() }
}

/// All of them.
pub fn all() -> Vec<Seed> {
    let parts =
        [addresses(), headers(), frames(), payments(), bundles(), manifests(), calls(), kernels(), kernels_refused()];
    parts.concat()
}

fn addresses() -> Vec<Seed> {
    let id = ArtifactId::of(b"graph");
    let uri = |base: &str| ArtifactUri::new(base, id).map(|uri| uri.to_string()).unwrap_or_default();
    let lines = [
        ("public", format!("{}\n/v1/artifacts/{id}", uri("https://store.example:8443"))),
        ("redirect", format!("{}\nhttp://127.0.0.1/latest/meta-data", uri("http://store.example"))),
        ("loopback", format!("{}\n//[::1]/x", uri("http://127.0.0.1:8080"))),
        ("mapped", format!("{}\nhttps://[64:ff9b::7f00:1]/", uri("http://[::ffff:10.0.0.1]"))),
        ("numbers", format!("http://0x7f.1/{id}\nhttp://2852039166/")),
        ("file", format!("file:///data/{id}\nfile:///etc/passwd")),
        ("userinfo", format!("http://user:secret@host/{id}\nhttp://user@[fe80::1%25eth0]/")),
    ];
    lines.into_iter().map(|(name, text)| seed("artifact_uri", name, text)).collect()
}

fn headers() -> Vec<Seed> {
    let texts = [
        ("range", 1_000u64, "bytes=5-9"),
        ("open", 1_000, "bytes=5-"),
        ("suffix", 1_000, "bytes=-7"),
        ("content-range", 0, "bytes 5-9/10"),
        ("unknown-total", 0, "bytes 5-9/*"),
        ("origin", 0, "https://app.example:8443"),
        ("host", 0, "[::1]:8080"),
        ("token", 0, "Bearer correct-horse-battery"),
    ];
    let bytes = |total: u64, text: &str| [&total.to_le_bytes()[..], text.as_bytes()].concat();
    texts.into_iter().map(|(name, total, text)| seed("http_headers", name, bytes(total, text))).collect()
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a message is written")
}

fn framed(header: &impl Serialize, body: &[u8]) -> Vec<u8> {
    encode_frame(header, body).expect("a short header")
}

fn frames() -> Vec<Seed> {
    let voucher = SignedVoucher { amount: 30, signature: [0xab; 64] };
    let request = RequestHeader { sequence: 7, symbols: [3, 0, 0, 0], voucher };
    let reply = ReplyHeader {
        receipt: vec![1; 40],
        signature: [2; 64],
        output_path: vec![[3; 32], [4; 32]],
        backend: "cpu".to_owned(),
        micros: 1_250,
    };
    let report = SessionReport {
        session: ADDRESS.to_owned(),
        serving: true,
        receipts: 3,
        greatest_sequence: Some(9),
        voucher_amount: 30,
        owed: 40,
        ends_slot: 1_000,
    };
    let refusal = RefusalReply { code: "N0801".to_owned(), message: "N0801 more".to_owned(), owed: Some(30) };
    let work = WorkHeader { symbols: [3, 0, 0, 0] };
    vec![
        seed("session_frame", "request", framed(&request, b"inputs")),
        seed("session_frame", "reply", framed(&reply, b"output")),
        seed("session_frame", "work", framed(&work, b"inputs")),
        seed("session_frame", "report", json(&report)),
        seed("session_frame", "refusal", json(&refusal)),
    ]
}

fn requirements(step: &Step) -> PaymentRequirements {
    PaymentRequirements {
        scheme: SCHEME.to_owned(),
        network: format!("solana:{}", &ADDRESS[..32]),
        amount: "1000000".to_owned(),
        asset: ADDRESS.to_owned(),
        pay_to: ADDRESS.to_owned(),
        max_timeout_seconds: 60,
        extra: serde_json::to_value(step).unwrap_or_default(),
    }
}

fn payments() -> Vec<Seed> {
    let terms = OpenTerms {
        program: ADDRESS.to_owned(),
        genesis_hash: ADDRESS.to_owned(),
        operator: ADDRESS.to_owned(),
        endpoint: "https://node.example".to_owned(),
        model: "digits".to_owned(),
        graph_root: "ab".repeat(32),
        params_root: "01".repeat(32),
        ir_version: 1,
        graph_uri: "https://node.example/g".to_owned(),
        params_uri: "https://node.example/p".to_owned(),
        price: 1_000,
        bond: 5_000,
        accept_slots: 750,
        session_slots: 9_000,
        window_slots: 150,
    };
    let open = requirements(&Step::Open(terms));
    let owed = VoucherTerms { program: ADDRESS.to_owned(), session: ADDRESS.to_owned(), owed: 2_000 };
    let resource = ResourceInfo { url: "/v1/models".to_owned(), description: None, mime_type: None };
    let voucher = SignedVoucher { amount: u64::MAX, signature: [0xab; 64] }.into();
    let pay = |payload: &SessionPayload| {
        json(&PaymentPayload {
            x402_version: X402_VERSION,
            resource: Some(resource.clone()),
            accepted: open.clone(),
            payload: serde_json::to_value(payload).unwrap_or_default(),
            extensions: None,
        })
    };
    let opening = OpenPayload { transaction: "AA==".to_owned(), sequence: 1, voucher };
    let paying = VoucherPayload { session: ADDRESS.to_owned(), sequence: 2, voucher };
    let required = PaymentRequired {
        x402_version: X402_VERSION,
        error: Some("N0850 pay".to_owned()),
        resource: resource.clone(),
        accepts: vec![open.clone(), requirements(&Step::Voucher(owed))],
        extensions: None,
    };
    let settled = SettledSession { session: ADDRESS.to_owned(), price: 1_000, balance: 1_000_000 };
    let settlement = SettlementResponse {
        success: true,
        error_reason: None,
        payer: Some(ADDRESS.to_owned()),
        transaction: ADDRESS.to_owned(),
        network: "solana:x".to_owned(),
        amount: Some("1000000".to_owned()),
        extra: serde_json::to_value(settled).unwrap_or_default(),
    };
    let listed = ListedModel {
        name: "digits".to_owned(),
        graph_root: "ab".repeat(32),
        params_root: "01".repeat(32),
        path: "/v1/models/x/y/requests".to_owned(),
        accepts: vec![open.clone()],
    };
    vec![
        seed("payment_header", "open", pay(&SessionPayload::Open(opening))),
        seed("payment_header", "voucher", pay(&SessionPayload::Voucher(paying))),
        seed("payment_header", "required", json(&required)),
        seed("payment_header", "settlement", json(&settlement)),
        seed("payment_header", "models", json(&ModelList { models: vec![listed] })),
    ]
}

fn bundles() -> Vec<Seed> {
    let inputs = work::resolved().iter().enumerate().map(|(index, (_, inputs))| {
        let bytes = [&[(index as u8) << 1][..], &encode_bundle(inputs)].concat();
        seed("tensor_bundle", format!("inputs-{}", ROWS[index]), bytes)
    });
    let params = [&[1][..], &encode_bundle(&work::layers().params)].concat();
    inputs.chain([seed("tensor_bundle", "params", params)]).collect()
}

fn manifests() -> Vec<Seed> {
    let (graph, inputs) = &work::resolved()[0];
    let trace = work::trace(graph, inputs);
    let entry = |slot: Slot| {
        let bytes = &trace[usize::from(slot)];
        ManifestEntry { slot, artifact: ArtifactId::of(bytes).to_string(), bytes: bytes.len() as u64 }
    };
    let (version, job, node) = (MANIFEST_VERSION, ADDRESS.to_owned(), ADDRESS.to_owned());
    let boundary = graph.boundary.iter().map(|boundary| entry(boundary.slot)).collect();
    let result = ResultManifest { version, job: job.clone(), node: node.clone(), boundary };
    let mut seeds = vec![seed("manifest", "result", json(&result))];
    for segment in 0..graph.segments.len() as u16 {
        let tensors = graph.segment_slots(segment).into_iter().map(entry).collect();
        let (root, signature) = ("ab".repeat(32), "1".repeat(64));
        let (job, node) = (job.clone(), node.clone());
        let trace =
            SegmentManifest { version, job: job.clone(), node: node.clone(), segment, root, signature, tensors };
        seeds.push(seed("manifest", format!("segment-{segment}"), json(&trace)));
        let range = &graph.segments[usize::from(segment)];
        let sums = (range.first..range.end)
            .filter_map(|op| Some((op, graph.ops.get(usize::from(op)).filter(|op| op.kind == OpKind::Contract)?)))
            .map(|(op, resolved)| {
                let bytes = 4 * u64::from(resolved.output_elements());
                AdviceEntry { op, artifact: "ab".repeat(32), bytes }
            });
        let advice = AdviceManifest { version, job, node, segment, sums: sums.collect() };
        seeds.push(seed("manifest", format!("advice-{segment}"), json(&advice)));
    }
    seeds
}

/// A call of the verifier as its target reads it.
fn call(operation: Operation, request: &[u8]) -> Vec<u8> {
    let length = u16::try_from(request.len()).expect("a short request").to_le_bytes();
    [&[operation as u8][..], &length, request].concat()
}

fn calls() -> Vec<Seed> {
    let (graph, inputs) = &work::resolved()[0];
    let trace = work::trace(graph, inputs);
    let handle = 1u32.to_le_bytes();
    let of = |operation, request: &[u8]| call(operation, &[&handle[..], request].concat());
    let open = call(Operation::Open, &[&[1][..], &ROWS[0].to_le_bytes(), &work::layers().graph.encode()].concat());
    let given = [
        open.clone(),
        of(Operation::Give, &[&[1][..], &encode_bundle(&work::layers().params)].concat()),
        of(Operation::Give, &[&[0][..], &encode_bundle(inputs)].concat()),
    ]
    .concat();
    let run = [of(Operation::Advance, &9u64.to_le_bytes()), of(Operation::Advance, &u64::MAX.to_le_bytes())].concat();
    let output = graph.outputs[0];
    let place = [&[0][..], &output.to_le_bytes(), &1u32.to_le_bytes()].concat();
    let mut other = trace[usize::from(output)].clone();
    other[0] ^= 1;
    let served = graph.boundary.iter().map(|boundary| {
        let bytes = if boundary.slot == output { &other } else { &trace[usize::from(boundary.slot)] };
        of(Operation::Serve, &[&boundary.slot.to_le_bytes()[..], bytes].concat())
    });
    let served: Vec<u8> = served.flatten().collect();
    let looked = [
        served,
        of(Operation::Result, &[]),
        of(Operation::Element, &place),
        of(Operation::Leaf, &place),
        of(Operation::Tensor, &[&[0][..], &output.to_le_bytes()].concat()),
        of(Operation::FirstDifference, &[]),
        of(Operation::CheckServed, &[7; 32]),
        of(Operation::CheckOutput, &[&[7; 32][..], &other].concat()),
        of(Operation::CheckOutputPath, &[&[7; 64][..], &[1], &[3; 32]].concat()),
        of(Operation::CheckLeaf, &[&output.to_le_bytes()[..], &[7; 32], &[0; 4], &[0], &other].concat()),
        of(Operation::CheckJob, &[7; 32 * 3 + 2 + 16 + 8 + 4 + 1 + 4]),
        of(Operation::Close, &[]),
    ]
    .concat();
    let pure = [call(Operation::Commitment, &[1; 96]), call(Operation::Judge, &[2; 32 * 4 + 4 + 16 + 1 + 64])].concat();
    vec![
        seed("verifier_calls", "open", open),
        seed("verifier_calls", "run", [&given[..], &run].concat()),
        seed("verifier_calls", "all", [&given[..], &run, &looked].concat()),
        seed("verifier_calls", "pure", pure),
    ]
}

fn kernels() -> Vec<Seed> {
    let sources = [
        ("mandelbrot", include_str!("../../../models/kernels/mandelbrot.wgsl")),
        ("pi", include_str!("../../../models/kernels/pi.wgsl")),
        (
            "board",
            "//! axis y: 1..=1080\n//! axis x: 640\n//! output shade: u8\nfn element(y: u32, x: u32) -> u32 {\n    \
             return select(0u, 255u, ((y >> 3u) + (x >> 3u)) % 2u == 1u);\n}\n",
        ),
        (
            "blur",
            "//! axis x: 1..=4096\n//! input left: u8 [x] at [x - 1] or 0\n//! input strength: i32 [1] at [0]\n\
             //! output blurred: u8\nfn element(left: i32, strength: i32) -> i32 {\n    return (left * strength) >> 8;\n}\n",
        ),
        (
            "curve",
            "//! axis x: 256\n//! param curve: i16 [64] at [?]\n//! input value: u8 [x] at [x]\n//! output low: i16\n\
             //! output high: i16\n@group(0) @binding(0) var<storage, read> curve: array<i32>;\n\
             struct Pair { low: i32, high: i32 }\nfn element(value: u32) -> Pair {\n    let at = value >> 2u;\n    \
             return Pair(curve[at], curve[at + 1u]);\n}\n",
        ),
        (
            "loop",
            "//! axis x: 8\n//! output sum: i32\nfn element(x: u32) -> i32 {\n    var sum = 0;\n    \
             for (var i = 0; i < 100; i++) {\n        if (i > i32(x)) { break; }\n        sum += i;\n    }\n    \
             return sum;\n}\n",
        ),
    ];
    sources.into_iter().map(|(name, source)| seed("wgsl_kernel", name, source)).collect()
}

fn kernels_refused() -> Vec<Seed> {
    let sources = [
        ("float", "//! axis x: 8\n//! output y: i32\nfn element(x: u32) -> i32 { return i32(1.5); }\n"),
        ("endless", "//! axis x: 8\n//! output y: i32\nfn element(x: u32) -> i32 { loop { } return 1; }\n"),
    ];
    sources.into_iter().map(|(name, source)| seed("wgsl_kernel", name, source)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn the_committed_seeds_are_those_of_this_version() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
        let mut expected = BTreeSet::new();
        for seed in all() {
            let path = folder.join(seed.target).join(&seed.name);
            let committed = std::fs::read(&path).unwrap_or_default();
            assert!(committed == seed.bytes, "{} differs: run `cargo run --example seeds`", path.display());
            assert!(seed.bytes.len() <= 8_192, "{} has {} bytes", path.display(), seed.bytes.len());
            assert!(expected.insert(path), "two seeds of one name");
        }
        for target in std::fs::read_dir(&folder).unwrap().flatten() {
            for file in std::fs::read_dir(target.path()).unwrap().flatten() {
                assert!(expected.contains(&file.path()), "{} is made by nothing", file.path().display());
            }
        }
    }

    #[test]
    fn every_call_of_the_verifier_is_one_that_it_carries_out_or_refuses_for_its_content() {
        let mut verifier = assay_verifier::Verifier::default();
        let seed = calls().into_iter().find(|seed| seed.name == "all").unwrap();
        let mut rest = &seed.bytes[..];
        while let Some((&[operation, low, high], after)) = rest.split_first_chunk::<3>() {
            let (request, after) = after.split_at(usize::from(u16::from_le_bytes([low, high])));
            rest = after;
            let reply = verifier.call(operation.into(), request);
            let text = String::from_utf8_lossy(&reply[1..]).into_owned();
            let for_its_content =
                ["B0103", "B0202", "B0203", "B0204", "B0205"].iter().any(|code| text.starts_with(code));
            assert!(reply[0] == 0 || for_its_content, "operation {operation}: {text}");
        }
    }
}
