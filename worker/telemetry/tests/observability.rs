//! Alert rules, dashboards and the runbook against the contract about metrics.

use assay_telemetry::contract::{Contract, Kind, Metric};
use promql_parser::parser::{self, Expr};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Labels that Prometheus adds by itself.
const OF_PROMETHEUS: [&str; 3] = ["instance", "job", "le"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("observability")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn contract() -> Contract {
    Contract::of_this_version().unwrap()
}

/// The metrics that an expression names with the labels that it uses, and all labels that it groups by.
#[derive(Default)]
struct Names {
    metrics: BTreeMap<String, BTreeSet<String>>,
    groups: BTreeSet<String>,
}

impl ExprVisitor for Names {
    type Error = String;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, String> {
        let selector = match expression {
            Expr::VectorSelector(selector) => selector,
            Expr::MatrixSelector(matrix) => &matrix.vs,
            Expr::Aggregate(aggregate) => {
                let labels = aggregate.modifier.iter().flat_map(|modifier| modifier.labels().labels.clone());
                self.groups.extend(labels);
                return Ok(true);
            }
            _ => return Ok(true),
        };
        let name = selector.name.clone().ok_or("a selector without a name")?;
        let labels = selector.matchers.matchers.iter().map(|matcher| matcher.name.clone());
        self.metrics.entry(name).or_default().extend(labels);
        Ok(true)
    }
}

/// The metric of the contract that a series belongs to.
fn metric_of<'a>(contract: &'a Contract, series: &str) -> Option<&'a Metric> {
    let of_histogram = ["_bucket", "_count", "_sum"].iter().find_map(|ending| series.strip_suffix(ending));
    let histogram = of_histogram.and_then(|name| contract.find(name)).filter(|metric| metric.kind == Kind::Histogram);
    histogram.or_else(|| contract.find(series).filter(|metric| metric.kind != Kind::Histogram))
}

/// What is wrong with an expression, and the metrics that it names.
fn check(contract: &Contract, expression: &str) -> Result<BTreeSet<String>, String> {
    let parsed = parser::parse(expression).map_err(|error| format!("{expression}: {error}"))?;
    let mut names = Names::default();
    walk_expr(&mut names, &parsed)?;
    let (mut known, mut labels): (BTreeSet<String>, BTreeSet<&str>) = Default::default();
    labels.extend(OF_PROMETHEUS);
    for (series, used) in &names.metrics {
        // Prometheus makes it for every target.
        if series == "up" {
            continue;
        }
        let metric = metric_of(contract, series).ok_or(format!("{expression}: {series} is not in the contract"))?;
        let own: BTreeSet<&str> = metric.labels.iter().map(String::as_str).chain(OF_PROMETHEUS).collect();
        if let Some(stranger) = used.iter().find(|label| !own.contains(label.as_str())) {
            return Err(format!("{expression}: {series} has no label {stranger}"));
        }
        labels.extend(own);
        known.insert(metric.name.clone());
    }
    if let Some(stranger) = names.groups.iter().find(|label| !labels.contains(label.as_str())) {
        return Err(format!("{expression}: nothing has a label {stranger}"));
    }
    Ok(known)
}

#[test]
fn what_is_not_in_the_contract_is_found() {
    let contract = contract();
    assert!(check(&contract, "assay_node_slot > 3").is_ok());
    for bad in [
        "assay_node_nonsense > 0",
        "assay_node_slot{code=\"x\"} > 0",
        "sum by (stage) (assay_node_slot)",
        "rate(assay_node_job_stage_seconds[5m])",
        "assay_node_slot_bucket",
        "assay_node_slot >",
    ] {
        assert!(check(&contract, bad).is_err(), "{bad}");
    }
}

struct Rule {
    name: String,
    expression: String,
    severity: String,
    code: Option<String>,
    runbook: String,
}

fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    for file in ["alerts/node.yaml", "alerts/validator.yaml"] {
        let value: Value = serde_yaml_ng::from_str(&read(file)).unwrap();
        for rule in value["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()) {
            let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{file}: {rule}")).to_owned();
            assert!(!text(&rule["annotations"]["summary"]).is_empty());
            rules.push(Rule {
                name: text(&rule["alert"]),
                expression: text(&rule["expr"]),
                severity: text(&rule["labels"]["severity"]),
                code: rule["annotations"]["code"].as_str().map(str::to_owned),
                runbook: text(&rule["annotations"]["runbook"]),
            });
        }
    }
    rules
}

#[test]
fn alert_rules_speak_of_metrics_that_there_are_and_every_wish_for_one_is_granted() {
    let contract = contract();
    let mut watched = BTreeSet::new();
    let mut names = BTreeSet::new();
    for rule in rules() {
        watched.extend(check(&contract, &rule.expression).unwrap());
        assert!(names.insert(rule.name.clone()), "{} stands there twice", rule.name);
        assert!(["critical", "warning", "info"].contains(&rule.severity.as_str()), "{}", rule.name);
    }
    for metric in contract.metrics.iter().filter(|metric| metric.alert.is_some()) {
        assert!(watched.contains(&metric.name), "no rule looks at {}, the contract asks for one", metric.name);
    }
}

/// All source text of the worker, in which codes are.
fn sources() -> String {
    let mut text = String::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
    while let Some(here) = open.pop() {
        for entry in std::fs::read_dir(here).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target" && name != "tests") {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}

#[test]
fn every_alert_has_its_section_in_the_runbook_with_a_code_that_there_is() {
    let (runbook, sources) = (read("RUNBOOK.md"), sources());
    let sections: BTreeMap<&str, &str> =
        runbook.split("\n### ").skip(1).map(|section| section.split_once('\n').expect("a section has text")).collect();
    let rules = rules();
    for rule in &rules {
        let section = sections.get(rule.name.as_str()).unwrap_or_else(|| panic!("{} has no section", rule.name));
        let todo = section.split("\nDo: ").nth(1).unwrap_or_else(|| panic!("{}: what is to be done?", rule.name));
        assert!(todo.trim().len() > 20, "{}", rule.name);
        assert!(rule.runbook.ends_with(&format!("RUNBOOK.md#{}", rule.name.to_lowercase())), "{}", rule.name);
        let (severity, name) = (&rule.severity, &rule.name);
        if let Some(code) = &rule.code {
            assert!(
                section.contains(&format!("({severity}, {code})")),
                "{name}: ({severity}, {code}) is not in its section"
            );
            assert!(sources.contains(code.as_str()), "{name}: nothing says {code}");
        } else {
            // A range of codes is one of which the node says which it is.
            let first = section.split("\nDo: ").next().unwrap_or_default();
            let bare = first.contains(&format!("({severity})"));
            assert!(bare || first.contains(&format!("({severity}, ")) && first.contains(" to "), "{name}: {first}");
        }
    }
    assert_eq!(sections.len(), rules.len(), "no section is left over");
}

/// One code would name one cause, and send who is woken after the wrong thing.
#[test]
fn alerts_that_many_causes_ring_name_no_single_code() {
    let contract = contract();
    let of_many = [
        "assay_node_ready",
        "assay_validator_ready",
        "assay_node_breaker_open",
        "assay_node_breaker_trips_total",
        "assay_node_challenges_open",
        "assay_node_reputation_ratio",
    ];
    let mut seen = BTreeSet::new();
    for rule in rules() {
        for metric in check(&contract, &rule.expression).unwrap().iter().filter(|name| of_many.contains(&name.as_str()))
        {
            assert_eq!(rule.code, None, "{} rings for any of many causes of {metric}", rule.name);
            seen.insert(metric.clone());
        }
    }
    assert_eq!(seen.len(), of_many.len(), "{seen:?}");
}

/// The expressions of a dashboard, as Prometheus would be asked.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(expression)) = map.get("expr") {
                found.push(expression.replace("$__rate_interval", "5m").replace("$instance", ".*"));
            }
            map.values().for_each(|value| expressions(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

#[test]
fn dashboards_show_metrics_that_there_are_and_all_of_them() {
    let contract = contract();
    let mut shown = BTreeSet::new();
    for file in ["grafana/node.json", "grafana/validator.json"] {
        let dashboard: Value = serde_json::from_str(&read(file)).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len(), "{file}: every panel has a number of its own");
        for panel in panels {
            let place = &panel["gridPos"];
            let right = place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap();
            assert!(right <= 24 && !panel["title"].as_str().unwrap().is_empty(), "{file}: {panel}");
        }
        let mut found = Vec::new();
        expressions(&dashboard, &mut found);
        assert!(found.len() >= panels.len(), "{file}: every panel asks for something");
        for expression in found {
            shown.extend(check(&contract, &expression).unwrap_or_else(|error| panic!("{file}: {error}")));
        }
    }
    // The slot and whether the node drains are numbers for rules, not for eyes.
    let hidden = ["assay_node_slot", "assay_node_draining", "assay_validator_slot"];
    for metric in contract.metrics.iter().filter(|metric| !hidden.contains(&metric.name.as_str())) {
        assert!(shown.contains(&metric.name), "{} is on no dashboard", metric.name);
    }
}

#[test]
fn the_example_for_prometheus_names_the_rules_and_the_jobs_that_they_speak_of() {
    let example: Value = serde_yaml_ng::from_str(&read("prometheus.yaml")).unwrap();
    for file in example["rule_files"].as_array().unwrap() {
        assert!(folder().join(file.as_str().unwrap()).is_file(), "{file}");
    }
    let all: String = rules().iter().map(|rule| rule.expression.clone()).collect();
    for job in example["scrape_configs"].as_array().unwrap() {
        let name = job["job_name"].as_str().unwrap();
        assert!(all.contains(&format!("job=\"{name}\"")), "{name}");
    }
}

/// The word of Prometheus itself, on machines that have it (Debian: `apt-get install prometheus`).
#[test]
fn promtool_agrees_where_it_is_installed() {
    let checked = Command::new("promtool").args(["check", "config", "prometheus.yaml"]).current_dir(folder()).output();
    match checked {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
    }
}
