//! Where everything listens unless it is told otherwise: no two services of one machine at one port, and all that says so says the same.

use super::{home, run};
use assay_node::config::NodeConfig;
use assay_validator::config::ValidatorConfig;
use std::collections::BTreeMap;
use std::path::Path;

fn text(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The port in the default that the help of a command names for an option.
fn port_of(command: &[&str], option: &str) -> u16 {
    let home = home();
    let help = run(home.path(), &[command, &["--help"]].concat()).stdout;
    let (_, after) = help.split_once(option).unwrap_or_else(|| panic!("{option} is not in {help}"));
    let (_, default) = after.split_once("[default: ").expect("a default");
    let (default, _) = default.split_once(']').expect("its end");
    default.rsplit(':').next().and_then(|port| port.trim().parse().ok()).unwrap_or_else(|| panic!("{default}"))
}

#[test]
fn no_two_defaults_are_one_port_and_everything_names_the_same() {
    let (node, validator) = (NodeConfig::default(), ValidatorConfig::default());
    let index = port_of(&["index"], "--listen <LISTEN>");
    let all = [
        ("localnet, JSON-RPC", port_of(&["localnet"], "--rpc-port <RPC_PORT>")),
        ("localnet, websocket", port_of(&["localnet"], "--ws-port <WS_PORT>")),
        ("store", port_of(&["store", "serve"], "--listen <LISTEN>")),
        ("index", index),
        ("node", node.listen.port()),
        ("node, status", node.status_listen.port()),
        ("validator, status", validator.status_listen.port()),
    ];
    let mut by_port: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for (name, port) in all {
        by_port.entry(port).or_default().push(name);
    }
    assert!(by_port.values().all(|names| names.len() == 1), "{by_port:?}");

    let home = home();
    let help = run(home.path(), &["node", "init", "--help"]).stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for address in [node.listen, node.status_listen] {
        assert!(help.contains(&format!("else {address}")), "{address} is not in {help}");
    }
    let (serves, tells, checks) = (node.listen, node.status_listen, validator.status_listen);
    for (file, said) in [
        ("worker/cli/packaging/Dockerfile", format!("EXPOSE {}\n", serves.port())),
        ("worker/cli/packaging/Dockerfile", format!("-p {0}:{0} ", serves.port())),
        (
            "worker/telemetry/observability/prometheus.yaml",
            format!("assay-node\n    static_configs:\n      - targets: [\"{tells}\"]"),
        ),
        (
            "worker/telemetry/observability/prometheus.yaml",
            format!("assay-validator\n    static_configs:\n      - targets: [\"{checks}\"]"),
        ),
        ("README.md", format!("assay index --listen 127.0.0.1:{index} ")),
        ("README.md", format!("assay session pay http://{serves} ")),
        ("worker/index/README.md", format!("--listen 127.0.0.1:{index} ")),
        ("worker/node/README.md", format!("--listen 0.0.0.0:{} ", serves.port())),
        ("app/web/src/data/settings.ts", format!("An index looks like http://127.0.0.1:{index}.")),
        ("xtask/src/commands/app.rs", format!("const INDEX: &str = \"127.0.0.1:{index}\";")),
    ] {
        assert!(text(file).contains(&said), "{file} does not say {said:?}");
    }
}
