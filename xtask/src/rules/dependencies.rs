//! Who may depend on whom, checked on what `cargo metadata` reports.

use std::collections::{BTreeMap, BTreeSet};

use crate::failure::{Code, Failure};
use crate::workspace::Package;

/// Crates of ours that may depend on nothing of ours but the named ones.
const ONLY_THESE_OF_OURS: &[(&str, &[&str])] = &[
    ("referee", &[]),
    ("assay", &["referee"]),
    ("assay-store", &[]),
    // Clients and nodes share it: it knows neither.
    ("assay-session", &[]),
    // Node and validator are seen through it: it knows neither.
    ("assay-telemetry", &[]),
    // Both keep their promises in files of the same kind: it knows neither.
    ("assay-journal", &[]),
    // Runs in pages: nothing that needs a machine of its own may reach it.
    ("assay-verifier", &["referee", "assay-models"]),
    // Judges results for the node and the validator alike: it knows no chain.
    ("assay-audit", &["referee", "assay-kernels"]),
    // Reads the chain and nothing else: whoever serves history holds no key and runs no job.
    ("assay-index", &["assay", "assay-chain", "assay-store"]),
    // What an agent may do is what a client may do: it reaches no node, no validator and no other service.
    ("assay-mcp", &["referee", "assay", "assay-chain", "assay-client", "assay-kernels", "assay-models", "assay-store"]),
];

/// Crates of other people that only the named crates of ours may name.
const ONLY_NAMED_BY: &[(&str, &[&str])] = &[("wgpu", &["assay-kernels", "assay-bench"])];

/// Pairs of our crates of which neither may reach the other: whoever runs one must not be able to change the other.
const STRANGERS: &[(&str, &str)] = &[("assay-node", "assay-validator")];

/// Our crates, with everything that each names under dependencies (of every kind: a test's dependency can hide a cycle too).
type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Checks all rules; the failure names every violation.
pub(crate) fn check(packages: &[Package]) -> Result<(), Failure> {
    let graph = packages
        .iter()
        .map(|package| (package.name.as_str(), package.dependencies.iter().map(|d| d.name.as_str()).collect()))
        .collect();
    let violations = violations(&graph);
    if violations.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Code::DependencyRule,
        violations.join("; "),
        "remove the dependency, or move the code to the crate that may have it; the rules stand in xtask/src/rules/dependencies.rs",
    ))
}

fn violations(graph: &Graph<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (package, allowed) in ONLY_THESE_OF_OURS {
        for dependency in graph.get(package).into_iter().flatten() {
            if graph.contains_key(dependency) && !allowed.contains(dependency) {
                found.push(format!("{package} may not depend on {dependency}"));
            }
        }
    }
    for (foreign, allowed) in ONLY_NAMED_BY {
        for (package, dependencies) in graph {
            if dependencies.contains(foreign) && !allowed.contains(package) {
                found.push(format!("{package} may not depend on {foreign}: only {} may", allowed.join(" and ")));
            }
        }
    }
    for (one, other) in STRANGERS {
        for (from, to) in [(one, other), (other, one)] {
            if reachable(graph, from).contains(to) {
                found.push(format!("{from} may not reach {to}"));
            }
        }
    }
    found
}

fn reachable<'a>(graph: &Graph<'a>, from: &'a str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(package) = open.pop() {
        for dependency in graph.get(package).into_iter().flatten() {
            if seen.insert(*dependency) {
                open.push(dependency);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    fn graph(edges: &[(&'static str, &[&'static str])]) -> Graph<'static> {
        edges.iter().map(|(package, dependencies)| (*package, dependencies.iter().copied().collect())).collect()
    }

    #[test]
    fn this_workspace_keeps_the_rules() {
        let workspace = Workspace::find().expect("the workspace of this crate");
        check(&workspace.packages).expect("no violation");
        // The rules speak of crates that are there, or a renamed crate would escape them.
        for name in [
            "referee",
            "assay",
            "assay-store",
            "assay-session",
            "assay-telemetry",
            "assay-journal",
            "assay-kernels",
            "assay-audit",
            "assay-index",
            "assay-mcp",
            "assay-verifier",
            "assay-bench",
            "assay-node",
            "assay-validator",
        ] {
            assert!(workspace.packages.iter().any(|package| package.name == name), "no crate {name}");
        }
    }

    #[test]
    fn each_rule_is_enforced() {
        let allowed = graph(&[
            ("referee", &["sha2"]),
            ("assay", &["referee", "anchor-lang"]),
            ("assay-kernels", &["referee", "wgpu"]),
            ("assay-node", &["assay", "assay-kernels"]),
            ("assay-validator", &["assay"]),
        ]);
        assert_eq!(violations(&allowed), Vec::<String>::new());

        let referee = graph(&[("referee", &["assay-models"]), ("assay-models", &[])]);
        assert_eq!(violations(&referee), ["referee may not depend on assay-models"]);

        let program = graph(&[("assay", &["referee", "assay-chain"]), ("referee", &[]), ("assay-chain", &[])]);
        assert_eq!(violations(&program), ["assay may not depend on assay-chain"]);

        let audit = graph(&[("assay-audit", &["referee", "assay-kernels", "assay-chain"]), ("assay-chain", &[])]);
        assert_eq!(violations(&audit), ["assay-audit may not depend on assay-chain"]);

        let history =
            graph(&[("assay-index", &["assay-chain", "assay-node"]), ("assay-node", &[]), ("assay-chain", &[])]);
        assert_eq!(violations(&history), ["assay-index may not depend on assay-node"]);

        let agents =
            graph(&[("assay-mcp", &["assay-client", "assay-node"]), ("assay-node", &[]), ("assay-client", &[])]);
        assert_eq!(violations(&agents), ["assay-mcp may not depend on assay-node"]);

        let page = graph(&[("assay-verifier", &["referee", "assay-kernels"]), ("assay-kernels", &[])]);
        assert_eq!(violations(&page), ["assay-verifier may not depend on assay-kernels"]);

        let gpu = graph(&[("assay-node", &["wgpu"])]);
        assert_eq!(violations(&gpu), ["assay-node may not depend on wgpu: only assay-kernels and assay-bench may"]);

        let through = graph(&[
            ("assay-validator", &["assay-services"]),
            ("assay-services", &["assay-node"]),
            ("assay-node", &[]),
        ]);
        assert_eq!(violations(&through), ["assay-validator may not reach assay-node"]);
    }
}
