//! The Solana CLI's configuration, endpoints and keypair files.

use super::{NOWHERE, home, run, write_keypair};
use assay_node::config::NodeConfig;
use std::fs;

/// A configuration as the Solana CLI writes it.
fn write_configuration(path: &std::path::Path, url: &str, keypair: &str) {
    let text = format!(
        "---\njson_rpc_url: {url}\nwebsocket_url: ''\nkeypair_path: {keypair}\naddress_labels: {{}}\ncommitment: confirmed\n"
    );
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

#[test]
fn the_solana_configuration_names_the_endpoint() {
    let home = home();
    write_configuration(&home.path().join(".config/solana/cli/config.yml"), NOWHERE, "/nowhere/id.json");
    let ran = run(home.path(), &["network", "show", "--output", "json"]);
    let (code, text) = ran.json_error();
    assert_eq!((ran.status, code.as_str()), (1, "C0110"));
    assert!(text.contains(NOWHERE), "{text}");
    assert!(ran.stdout.is_empty());
}

#[test]
fn another_configuration_and_the_url_option_come_first() {
    let home = home();
    write_configuration(&home.path().join(".config/solana/cli/config.yml"), "http://127.0.0.1:1", "x");
    write_configuration(&home.path().join("other.yml"), NOWHERE, "x");
    let ran = run(home.path(), &["network", "show", "-C", "other.yml", "--output", "json"]);
    assert!(ran.json_error().1.contains(NOWHERE));
    let ran = run(home.path(), &["network", "show", "-u", "http://127.0.0.1:2", "-C", "other.yml", "--output", "json"]);
    assert!(ran.json_error().1.contains("http://127.0.0.1:2"));
}

#[test]
fn a_configuration_that_cannot_be_used_is_named() {
    let home = home();
    let ran = run(home.path(), &["network", "show", "-C", "missing.yml", "--output", "json"]);
    let (code, text) = ran.json_error();
    assert_eq!((ran.status, code.as_str()), (1, "C0102"));
    assert!(text.contains("missing.yml"), "{text}");
    fs::write(home.path().join("broken.yml"), "json_rpc_url: [").expect("a file");
    let ran = run(home.path(), &["network", "show", "-C", "broken.yml", "--output", "json"]);
    assert_eq!(ran.json_error().0, "C0102");
}

#[test]
fn an_endpoint_that_is_none_is_refused() {
    let home = home();
    for url in ["nonsense", "ftp://example.org", ""] {
        let ran = run(home.path(), &["network", "show", "-u", url, "--output", "json"]);
        assert_eq!((ran.status, ran.json_error().0.as_str()), (1, "C0101"), "{url:?}");
    }
    let ran = run(home.path(), &["network", "show", "-u", NOWHERE, "--ws", "http://x", "--output", "json"]);
    assert_eq!(ran.json_error().0, "C0101");
}

#[test]
fn the_keypair_is_asked_for_only_where_something_is_signed() {
    let home = home();
    let reading = run(home.path(), &["job", "list", "-u", NOWHERE, "--output", "json"]);
    assert_eq!(reading.json_error().0, "C0110");
    let signing = run(home.path(), &["network", "plan", "-u", NOWHERE, "-k", "none.json", "--output", "json"]);
    let (code, text) = signing.json_error();
    assert_eq!(code, "C0103");
    assert!(text.contains("none.json"), "{text}");
    fs::write(home.path().join("bad.json"), "[1,2,3]").expect("a file");
    let damaged = run(home.path(), &["network", "plan", "-u", NOWHERE, "-k", "bad.json", "--output", "json"]);
    assert_eq!(damaged.json_error().0, "C0104");
}

#[test]
fn a_node_command_without_a_node_says_how_to_make_one() {
    let home = home();
    write_keypair(&home.path().join("id.json"));
    for words in [&["node", "status"][..], &["node", "stake", "5"], &["node", "run"], &["node", "withdraw"]] {
        let mut arguments = words.to_vec();
        arguments.extend(["-u", NOWHERE, "-k", "id.json", "--output", "json"]);
        let ran = run(home.path(), &arguments);
        let (code, text) = ran.json_error();
        assert_eq!((ran.status, code.as_str()), (1, "A0201"), "{words:?}: {text}");
        assert!(text.contains("assay node init"), "{text}");
    }
}

/// Without a chain: mint and address are given.
#[test]
fn a_model_is_offered_in_the_settings_once_and_only_at_a_price() {
    let home = home();
    let settings = home.path().join("assay-node/node.toml");
    fs::create_dir_all(settings.parent().expect("a folder")).expect("a folder");
    fs::write(&settings, NodeConfig::default().to_toml().expect("settings")).expect("a file");
    assert_eq!(run(home.path(), &["model", "export-digits", "digits"]).status, 0);
    let offer = |price: &str, balance: &str| {
        let model = ["--graph", "digits/digits.graph", "--params", "digits/digits.params", "--name", "digits"];
        let terms = ["--price", price, "--balance", balance, "--mint", "11111111111111111111111111111111"];
        let rest = ["--store-url", "https://node.example", "--url", NOWHERE, "--output", "json"];
        run(home.path(), &[&["node", "offer"][..], &model, &terms, &rest].concat())
    };
    for (price, models) in [("10", 1), ("20", 1)] {
        let ran = offer(price, "100");
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        let value: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(value["models"], models, "{value}");
        let payments = NodeConfig::from_file(&settings).expect("valid settings").sessions.payments;
        assert!(payments.enabled);
        let [model] = &payments.models[..] else { panic!("{payments:?}") };
        assert_eq!((model.price.to_string().as_str(), model.balance), (price, 100));
        let id = model.graph_uri.strip_prefix("https://node.example/v1/artifacts/").expect("an address");
        let graph = fs::read(home.path().join("digits/digits.graph")).expect("a graph");
        assert_eq!(id, assay_store::ArtifactId::of(&graph).to_string());
    }
    let before = fs::read(&settings).expect("settings");
    let ran = offer("101", "100");
    assert_eq!((ran.status, ran.json_error().0.as_str()), (1, "N0003"), "a balance below the price");
    assert_eq!(fs::read(&settings).expect("settings"), before, "nothing was written");
}
