//! Writes the digits job of 16 held-out images to a folder and says how long a native scalar verification of it takes.
//!
//! `cargo run --profile fast -p assay-verifier --example digits -- FOLDER`; `cargo xtask wasm --measure` compares it with Node.
#![allow(clippy::print_stdout, reason = "a program whose output is its purpose")]

use assay_models::artifact::encode_bundle;
use assay_models::digits::{Dataset, inputs, model, symbols};
use assay_verifier::{Operation, Verifier};
use std::path::PathBuf;
use std::time::Instant;

const IMAGES: usize = 16;
/// Verifications of which the fastest counts: the first one warms caches.
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).map(PathBuf::from).ok_or("name a folder")?;
    std::fs::create_dir_all(&folder)?;
    let model = model()?;
    let images = Dataset::embedded().held_out.get(..IMAGES).ok_or("too few images")?.to_vec();
    let symbols = symbols(&images);
    let files = [
        ("graph", model.graph.encode()),
        ("params", encode_bundle(&model.params)),
        ("inputs", encode_bundle(&inputs(&images))),
    ];
    for (name, bytes) in &files {
        std::fs::write(folder.join(name), bytes)?;
    }
    let [graph, params, inputs] = files.map(|(_, bytes)| bytes);
    let mut fastest = f64::INFINITY;
    let mut root = String::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut verifier = Verifier::default();
        let symbols = symbols.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let open = [&[symbols.len() as u8 / 4][..], &symbols, &graph].concat();
        let opened = called(&mut verifier, Operation::Open, &open)?;
        let handle = opened.get(..4).ok_or("no handle")?.to_vec();
        called(&mut verifier, Operation::Give, &[&handle, &[1][..], &params].concat())?;
        called(&mut verifier, Operation::Give, &[&handle, &[0][..], &inputs].concat())?;
        called(&mut verifier, Operation::Advance, &[&handle[..], &u64::MAX.to_le_bytes()].concat())?;
        let result = called(&mut verifier, Operation::Result, &handle)?;
        fastest = fastest.min(start.elapsed().as_secs_f64() * 1000.0);
        root = result.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
    }
    let symbols: Vec<String> = symbols.iter().map(u32::to_string).collect();
    std::fs::write(folder.join("symbols"), symbols.join(","))?;
    std::fs::write(folder.join("boundary_root"), &root)?;
    println!("{{\"images\":{IMAGES},\"milliseconds\":{fastest:.2}}}");
    Ok(())
}

fn called(verifier: &mut Verifier, operation: Operation, request: &[u8]) -> Result<Vec<u8>, String> {
    match verifier.call(operation as u32, request).split_first() {
        Some((0, result)) => Ok(result.to_vec()),
        Some((_, error)) => Err(String::from_utf8_lossy(error).into_owned()),
        None => Err("no reply".into()),
    }
}
