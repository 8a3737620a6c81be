//! A node whose withdraw authority's key is never on a machine with a network: registered, staked, unstaked and ended by transactions
//! that are made here, signed there, and sent from here. Needs the compiled program: `cargo xtask build --program-only`.

use super::local_chain::Localnet;
use super::{Ran, command, home};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Where the cold key is for the machine with the network.
const NO_KEY: &str = "no-key-here.json";
const STAKE: u64 = 200_000_000;

fn done(ran: &Ran) -> Value {
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    ran.json()
}

/// Signs on a machine with the key and without a network: an endpoint that is asked would be an error.
fn sign(home: &Path, file: &str, key: &str) -> Value {
    let output = command(home, &["transaction", "sign", file, "--yes", "--keypair", key, "--output", "json"])
        .args(["--url", super::NOWHERE])
        .output()
        .expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Makes a slot of the far future the present, as the localnet's own method does.
fn travel_to(rpc_url: &str, slot: u64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let body =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "surfnet_timeTravel", "params": [{ "absoluteSlot": slot }] });
    let said: Value = runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().expect("a client");
        client.post(rpc_url).json(&body).send().await.expect("an answer").json().await.expect("JSON")
    });
    assert_eq!(said["result"]["absoluteSlot"], slot, "{said}");
}

#[test]
fn a_node_lives_from_registration_to_its_end_with_its_cold_key_elsewhere() {
    let home = home();
    let localnet = Localnet::with_nodes(home.path(), 1);
    let cold = localnet.ready["keys"]["nodes"][0].as_str().expect("a path").to_owned();
    let rpc_url = localnet.ready["rpc_url"].as_str().expect("a string").to_owned();
    let key: Vec<u8> = serde_json::from_slice(&std::fs::read(&cold).expect("a key")).expect("JSON");
    let authority = solana_sdk::pubkey::Pubkey::try_from(&key[32..]).expect("a key").to_string();
    let online = |arguments: &[&str]| localnet.run_with(home.path(), arguments, NO_KEY);
    let nonce = localnet.run(home.path(), &["transaction", "create-nonce", "nonce.json", "--authority", &authority]);
    let nonce = done(&nonce)["nonce"].as_str().expect("an address").to_owned();

    // What is made here is only written; it is done when it was signed there and sent.
    let carried = |arguments: &[&str], names: &[&str]| {
        let made = done(&online(&[arguments, &["--unsigned", "tx.json", "--nonce", &nonce]].concat()));
        assert_eq!(made["signer"], authority.as_str());
        let unsent = online(&["transaction", "send", "tx.json"]);
        assert_eq!((unsent.status, unsent.json_error().0.as_str()), (1, "C0123"));
        let stranger = localnet.ready["keys"]["authority"].as_str().expect("a path").to_owned();
        let refused = online(&["transaction", "sign", "tx.json", "--yes"]);
        assert_eq!(refused.json_error().0, "C0103", "no key is here");
        let refused = localnet.run_with(home.path(), &["transaction", "sign", "tx.json", "--yes"], &stranger);
        assert_eq!(refused.json_error().0, "C0161");
        let signed = sign(home.path(), "tx.json", &cold);
        let said: Vec<&str> = signed["instructions"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|said| said["name"].as_str())
            .collect();
        assert_eq!(said, names, "{signed}");
        done(&online(&["transaction", "send", "tx.json"]));
    };

    let init = ["node", "init", "--withdraw-authority", &authority, "--allow-private", "--fund-lamports", "500000000"];
    carried(&init, &["advance_nonce_account", "register_node", "transfer"]);
    let status = done(&online(&["node", "status"]));
    assert_eq!(status["stake"], 0, "{status}");
    carried(&["node", "stake", &STAKE.to_string()], &["advance_nonce_account", "stake"]);
    assert_eq!(done(&online(&["node", "status"]))["stake"], STAKE);
    carried(&["node", "unstake", &STAKE.to_string()], &["advance_nonce_account", "request_withdrawal"]);
    let early = online(&["node", "withdraw", "--unsigned", "tx.json"]);
    assert_eq!(early.json_error().0, "A0204", "it unbonds");
    travel_to(&rpc_url, 100_000);
    carried(
        &["node", "withdraw", "--deregister"],
        &["advance_nonce_account", "create_associated_token_account", "withdraw_stake", "deregister_node"],
    );
    assert_eq!(done(&online(&["node", "status"]))["stake"], Value::Null, "it is gone");
}
