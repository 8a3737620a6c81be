//! Commands that the client types.

use crate::binary;
use crate::story::Story;
use serde_json::Value;
use std::process::Stdio;
use tokio::process::Command;

/// The client's key, in the story's folder.
pub(crate) const CLIENT_KEYPAIR: &str = "client.json";
/// The client's store, in the story's folder.
pub(crate) const CLIENT_STORE: &str = "client-store";

impl Story {
    /// Runs `assay` with the client's key in the story's folder to its end, and returns the JSON of its last line.
    ///
    /// # Panics
    /// The command fails; the panic shows what it said.
    pub async fn client_command(&self, arguments: &[&str]) -> Value {
        self.client_command_with(&[], arguments).await
    }

    /// The same, with these variables in the environment.
    ///
    /// # Panics
    /// As there.
    pub async fn client_command_with(&self, environment: &[(&str, String)], arguments: &[&str]) -> Value {
        let placement = self.placement();
        let output = Command::new(binary::assay())
            .current_dir(self.folder())
            .args(arguments)
            .args(["--url", &placement.rpc_url, "--ws", &placement.ws_url])
            .args(["--keypair", CLIENT_KEYPAIR, "--output", "json"])
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .await
            .expect("assay runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "assay {}: {said}", arguments.join(" "));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        serde_json::from_str(text.lines().last().unwrap_or_default()).expect("the last line is JSON")
    }

    /// Options of commands that store artifacts: the client's store, and where it is served.
    pub fn store_options(&self) -> [&str; 5] {
        ["--store", CLIENT_STORE, "--store-url", &self.store_url, "--allow-private"]
    }
}
