//! How a network is governed by the command, on a local chain.

use super::local_chain::Localnet;
use super::{Ran, home};
use serde_json::{Value, json};
use std::path::Path;

struct Governed<'a> {
    localnet: Localnet,
    home: &'a Path,
}

impl Governed<'_> {
    fn run(&self, arguments: &[&str]) -> Ran {
        self.localnet.run(self.home, &[&["network"], arguments].concat())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(arguments);
        assert_eq!(ran.status, 0, "{arguments:?}: {}", ran.stderr);
        ran.json()
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_ne!(ran.status, 0, "{arguments:?}: {}", ran.stdout);
        let (code, text) = ran.json_error();
        format!("{code} {text}")
    }

    fn proposed(&self, arguments: &[&str]) -> String {
        self.json(&[&["propose"], arguments].concat())["number"].to_string()
    }

    fn parameter(&self, name: &str) -> Value {
        let params = self.json(&["params"]);
        let found = params["parameters"].as_array().into_iter().flatten().find(|parameter| parameter["name"] == name);
        found.cloned().unwrap_or_default()
    }
}

#[test]
fn changes_are_proposed_vetoed_withdrawn_and_carried_out() {
    let home = home();
    let chain = Governed { localnet: Localnet::start(home.path()), home: home.path() };

    let fee = chain.parameter("protocol_fee_bps");
    assert_eq!(fee, json!({ "name": "protocol_fee_bps", "value": 200, "least": 0, "most": 1_000 }));
    assert!(chain.refused(&["propose", "params", "protocol_fee_bps=1001"]).contains("P6022"));
    assert!(chain.refused(&["propose", "params", "fee=1"]).starts_with("A0704"));
    let number = chain.proposed(&["params", "protocol_fee_bps=250", "miss_charge_bps=600"]);
    assert_eq!(chain.parameter("protocol_fee_bps")["value"], 200, "a proposal changes nothing");
    assert_eq!(chain.json(&["params"])["proposals"][0]["state"], "executable");
    assert_eq!(chain.json(&["execute", &number])["outcome"], "executed");
    assert_eq!(chain.parameter("protocol_fee_bps")["value"], 250);
    assert_eq!(chain.parameter("miss_charge_bps")["value"], 600);

    // The authority names itself guardian, so that one key can show both parts.
    let authority = chain.json(&["params"])["authority"].as_str().expect("a key").to_owned();
    assert!(chain.refused(&["pause", "10"]).contains("P6400"));
    let number = chain.proposed(&["guardian", &authority]);
    chain.json(&["execute", &number]);
    let number = chain.proposed(&["timelock", "1000000"]);
    chain.json(&["execute", &number]);
    let number = chain.proposed(&["fee-burn", "7"]);
    assert!(chain.refused(&["execute", &number]).contains("P6405"));
    assert!(chain.refused(&["close", &number]).contains("P6407"));
    assert_eq!(chain.json(&["veto", &number])["outcome"], "vetoed");
    assert!(chain.refused(&["veto", &number]).starts_with("C0130"));
    let number = chain.proposed(&["guardian", "none"]);
    assert!(chain.refused(&["veto", &number]).contains("P6409"));
    assert_eq!(chain.json(&["withdraw", &number])["outcome"], "withdrawn");
    assert_eq!(chain.json(&["params"])["proposals"], json!([]));

    let paused = chain.json(&["pause", "1000"]);
    assert!(paused["paused_until_slot"].as_u64() < paused["pause_allowed_slot"].as_u64());
    assert_eq!(chain.json(&["params"])["paused"], true);
    assert!(chain.refused(&["pause", "1"]).contains("P6403"));

    assert_eq!(chain.json(&["migrate"])["migrated"], false, "a new network has today's layout");
}

/// For an authority that is no key of this machine the instruction is printed, and nothing is sent.
#[test]
fn an_instruction_is_printed_for_another_signer() {
    let home = home();
    let chain = Governed { localnet: Localnet::start(home.path()), home: home.path() };
    let multisig = "SysvarC1ock11111111111111111111111111111111";
    let mint = chain.localnet.ready["payment_mint"].as_str().expect("a mint").to_owned();
    let arguments = ["propose", "--instruction-for", multisig, "fees", &mint, "--to", multisig, "--amount", "5"];
    let printed = chain.json(&arguments);
    assert_eq!(printed["accounts"][0], json!({ "address": multisig, "signer": true, "writable": true }));
    assert!(printed["data"].as_str().is_some_and(|data| data.len() > 16));
    assert_eq!(chain.json(&["params"])["proposals"], json!([]));
    assert!(chain.refused(&["propose", "mint", multisig]).starts_with("A0707"));
}
