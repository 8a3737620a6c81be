//! ONNX Runtime as a Python child that computes one run at a time, so that both sides are measured by turns.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The program that the child runs.
const SCRIPT: &str = include_str!("onnxruntime_peer.py");
/// Names the Python interpreter that has onnx and onnxruntime.
pub(crate) const PYTHON: &str = "ASSAY_PEER_PYTHON";

/// Precision that the peer computes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    Float,
    Int8,
}

/// A running child.
pub(crate) struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Version of ONNX Runtime.
    pub(crate) version: String,
}

impl Peer {
    /// Starts the child, if an interpreter is named, and lets it build its models of this shape.
    pub(crate) fn start(shape: &Value) -> Result<Option<Self>, Box<dyn std::error::Error>> {
        let Some(python) = std::env::var_os(PYTHON) else { return Ok(None) };
        let mut child = Command::new(&python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}; {PYTHON} names no program", python.display()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the peer has no pipes".into());
        };
        let mut peer = Self { child, input, output: BufReader::new(output), version: String::new() };
        let ready = peer.ask(shape)?;
        peer.version = ready["version"].as_str().unwrap_or("unknown").into();
        Ok(Some(peer))
    }

    /// Seconds of one run.
    pub(crate) fn seconds(&mut self, precision: Precision, batch: u32, threads: usize) -> Result<f64, String> {
        let kind = match precision {
            Precision::Float => "float",
            Precision::Int8 => "int8",
        };
        let answer = self.ask(&json!({ "kind": kind, "batch": batch, "threads": threads }))?;
        answer["seconds"].as_f64().ok_or_else(|| format!("the peer answered {answer}"))
    }

    fn ask(&mut self, question: &Value) -> Result<Value, String> {
        let lost = |error: std::io::Error| format!("the peer ended: {error}; what it wrote stands above");
        writeln!(self.input, "{question}").and_then(|()| self.input.flush()).map_err(lost)?;
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(lost)?;
        serde_json::from_str(&line).map_err(|error| format!("the peer ended or wrote {line:?}: {error}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // it waits for the next question and holds nothing
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
