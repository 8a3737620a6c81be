//! The RPC endpoints: whether they answer, keep up with one another, are of the cluster that is meant, and speak.

use super::finding::{Finding, Grade};
use assay_chain::{Chain, ChainError};
use futures_util::future::join_all;
use std::future::Future;
use std::time::Duration;

/// How long an endpoint may take for one thing.
const PATIENCE: Duration = Duration::from_secs(8);
/// Slots behind the furthest endpoint: some twenty seconds, and a minute.
const LAG_SLOTS: (u64, u64) = (50, 150);
/// Seconds beside the cluster's time: validators agree on it within less than the first.
const SKEW_SECONDS: (u64, u64) = (60, 600);

const CLUSTERS: [(&str, &str); 3] = assay_chain::clusters::PUBLIC_CLUSTERS;

/// What one endpoint said; an error has its code and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EndpointFacts {
    /// The address of the RPC service, as it may be shown.
    pub(super) shown: String,
    /// The same of the websocket.
    pub(super) shown_websocket: String,
    pub(super) slot: Result<u64, Said>,
    /// Genesis hash, base58.
    pub(super) genesis: Result<String, Said>,
    /// The first slot that the websocket told.
    pub(super) heard: Result<u64, Said>,
}

/// An error in words, with its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) code: String,
    pub(super) text: String,
}

impl Said {
    pub(super) fn of(error: &ChainError) -> Self {
        Self { code: error.code().to_owned(), text: error.to_string() }
    }

    fn late(seconds: u64) -> Self {
        Self { code: "C0110".to_owned(), text: format!("it did not answer within {seconds} s") }
    }
}

/// The answer to one question, or that it took too long.
pub(super) async fn within<T>(answer: impl Future<Output = Result<T, ChainError>>) -> Result<T, Said> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(|error| Said::of(&error)),
        Err(_) => Err(Said::late(PATIENCE.as_secs())),
    }
}

impl EndpointFacts {
    pub(super) async fn of(chain: &Chain) -> Self {
        let (slot, genesis, heard) =
            tokio::join!(within(chain.slot()), within(chain.genesis_hash()), within(chain.hear_slot(PATIENCE)),);
        Self {
            shown: chain.endpoint().shown(),
            shown_websocket: chain.endpoint().shown_websocket(),
            slot,
            genesis: genesis.map(|hash| hash.to_string()),
            heard,
        }
    }

    pub(super) async fn of_all(chains: &[Chain]) -> Vec<Self> {
        join_all(chains.iter().map(Self::of)).await
    }
}

/// Grades the endpoints, the one that is used first in front. `expected` is the cluster that the network was made on, if it is
/// known.
pub(super) fn grade(endpoints: &[EndpointFacts], expected: Option<&str>, is_development: bool) -> Vec<Finding> {
    let furthest = endpoints.iter().filter_map(|endpoint| endpoint.slot.as_ref().ok()).max().copied().unwrap_or(0);
    // Where the network is unknown, all endpoints have to be of one cluster.
    let expected =
        expected.or_else(|| endpoints.iter().find_map(|endpoint| endpoint.genesis.as_deref().ok())).map(str::to_owned);
    let mut findings = Vec::new();
    for (index, endpoint) in endpoints.iter().enumerate() {
        // The node goes on with another one, if that is well.
        let is_well = |facts: &EndpointFacts| facts.is_well(furthest, expected.as_deref());
        let is_replaced = endpoints.iter().enumerate().any(|(other, facts)| other != index && is_well(facts));
        let most = if index == 0 && !is_replaced { Grade::Error } else { Grade::Warning };
        findings.extend(endpoint.grade(furthest, expected.as_deref(), most));
    }
    if endpoints.len() < 2 {
        findings.push(Finding::ill(
            if is_development { Grade::Note } else { Grade::Warning },
            "further endpoints",
            "N0907",
            "there is one RPC endpoint: while it is down, nobody answers for the node's results",
            "name another provider's in [disputes] further_endpoints",
        ));
    }
    findings
}

impl EndpointFacts {
    /// Whether nothing is said against it.
    fn is_well(&self, furthest: u64, expected: Option<&str>) -> bool {
        self.grade(furthest, expected, Grade::Error).iter().all(|finding| finding.grade == Grade::Well)
    }

    fn grade(&self, furthest: u64, expected: Option<&str>, most: Grade) -> Vec<Finding> {
        const RPC: &str = "rpc endpoint";
        let Self { shown, shown_websocket, slot, genesis, heard } = self;
        let slot = match slot {
            Ok(slot) => *slot,
            Err(said) => {
                let remedy = "check the address and the provider, or use another endpoint";
                return vec![Finding::ill(most, RPC, "N0905", format!("{shown}: {} {}", said.code, said.text), remedy)];
            }
        };
        let lag = furthest.saturating_sub(slot);
        let mut findings = vec![match lag {
            lag if lag >= LAG_SLOTS.0 => Finding::ill(
                if lag >= LAG_SLOTS.1 { most } else { Grade::Warning },
                RPC,
                "N0906",
                format!("{shown} is at slot {slot}, {lag} behind another endpoint: claims come too late"),
                "use the endpoint that is ahead as the first, or another provider",
            ),
            _ => Finding::well(RPC, format!("{shown} is at slot {slot}")),
        }];
        findings.push(match (genesis, expected) {
            (Ok(given), Some(expected)) if given != expected => Finding::ill(
                Grade::Error,
                "cluster",
                "N0605",
                format!("{shown} is of {}, the network was made on {}", named(given), named(expected)),
                "use an endpoint of that cluster: what is signed here would count on neither",
            ),
            (Ok(given), _) => Finding::well("cluster", format!("{shown} is of {}", named(given))),
            (Err(said), _) => {
                let found = format!("{shown} does not say which cluster it is of: {} {}", said.code, said.text);
                Finding::ill(most, "cluster", "N0905", found, "use another endpoint")
            }
        });
        findings.push(match heard {
            Ok(slot) => Finding::well("websocket", format!("{shown_websocket} told slot {slot}")),
            Err(said) => Finding::ill(
                most,
                "websocket",
                "N0908",
                format!("{shown_websocket}: {}", said.text),
                "give its address with --ws, or use a provider that has websockets: without them the node sees no jobs",
            ),
        });
        findings
    }
}

/// A cluster by its name, if it has one.
fn named(genesis: &str) -> String {
    match CLUSTERS.iter().find(|(_, known)| *known == genesis) {
        Some((name, _)) => format!("{name} ({genesis})"),
        None => format!("a cluster of its own ({genesis})"),
    }
}

/// Grades the machine's clock against the cluster's.
pub(super) fn grade_clock(machine_seconds: i64, cluster: &Result<i64, Said>, is_development: bool) -> Finding {
    const CHECK: &str = "clock";
    let cluster_seconds = match cluster {
        Ok(seconds) => *seconds,
        Err(said) => {
            let found = format!("the cluster's time is not known: {} {}", said.code, said.text);
            return Finding::ill(Grade::Warning, CHECK, "N0909", found, "see what is said of the RPC endpoint");
        }
    };
    let skew = machine_seconds.abs_diff(cluster_seconds);
    if skew < SKEW_SECONDS.0 {
        return Finding::well(CHECK, format!("{skew} s beside the cluster's time"));
    }
    let grade = if skew >= SKEW_SECONDS.1 { Grade::Error } else { Grade::Warning };
    let side = if machine_seconds > cluster_seconds { "ahead of" } else { "behind" };
    let finding = Finding::ill(
        grade,
        CHECK,
        "N0909",
        format!(
            "this machine is {skew} s {side} the cluster's time: certificates fail, and artifacts go too early or too late"
        ),
        "switch on time synchronisation (`timedatectl set-ntp true`)",
    );
    // A cluster of one's own may have any time it likes.
    if is_development { finding.at_most(Grade::Note) } else { finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(slot: u64) -> EndpointFacts {
        EndpointFacts {
            shown: "http://one".to_owned(),
            shown_websocket: "ws://one".to_owned(),
            slot: Ok(slot),
            genesis: Ok("genesis".to_owned()),
            heard: Ok(slot),
        }
    }

    fn down() -> Said {
        Said { code: "C0110".to_owned(), text: "down".to_owned() }
    }

    fn ill(findings: Vec<Finding>) -> Vec<(Grade, String)> {
        findings.into_iter().filter_map(|finding| finding.code.map(|code| (finding.grade, code))).collect()
    }

    fn two(first: EndpointFacts, second: EndpointFacts) -> Vec<(Grade, String)> {
        ill(grade(&[first, second], Some("genesis"), false))
    }

    #[test]
    fn endpoints_that_keep_up_are_well_and_one_alone_is_pointed_out() {
        assert_eq!(two(endpoint(1_000), endpoint(960)), []);
        let alone = |is_development| ill(grade(&[endpoint(1)], Some("genesis"), is_development));
        assert_eq!(alone(false), [(Grade::Warning, "N0907".to_owned())]);
        assert_eq!(alone(true), [(Grade::Note, "N0907".to_owned())]);
    }

    #[test]
    fn one_that_lags_is_a_warning_and_an_error_where_it_is_the_first_and_no_other_is_well() {
        let lags = |grade| (grade, "N0906".to_owned());
        assert_eq!(two(endpoint(950), endpoint(1_000)), [lags(Grade::Warning)]);
        assert_eq!(two(endpoint(850), endpoint(1_000)), [lags(Grade::Warning)], "the second one takes over");
        assert_eq!(two(endpoint(1_000), endpoint(100)), [lags(Grade::Warning)]);
        let mute = EndpointFacts { heard: Err(down()), ..endpoint(1_000) };
        assert_eq!(two(endpoint(850), mute), [lags(Grade::Error), (Grade::Warning, "N0908".to_owned())]);
    }

    #[test]
    fn one_that_is_down_is_an_error_where_it_is_the_first_and_no_other_is_well() {
        let dead = EndpointFacts { slot: Err(down()), ..endpoint(0) };
        let down_as = |grade| (grade, "N0905".to_owned());
        assert_eq!(two(dead.clone(), endpoint(1)), [down_as(Grade::Warning)], "the second one takes over");
        assert_eq!(two(endpoint(1), dead.clone()), [down_as(Grade::Warning)]);
        assert_eq!(two(dead.clone(), dead.clone()), [down_as(Grade::Error), down_as(Grade::Warning)]);
        assert_eq!(ill(grade(&[dead], Some("genesis"), false))[0], down_as(Grade::Error));
        let silent = EndpointFacts { heard: Err(down()), ..endpoint(1) };
        assert_eq!(two(silent.clone(), endpoint(1)), [(Grade::Warning, "N0908".to_owned())]);
        assert_eq!(two(silent.clone(), silent)[0], (Grade::Error, "N0908".to_owned()));
        let unnamed = EndpointFacts { genesis: Err(down()), ..endpoint(1) };
        assert_eq!(two(unnamed.clone(), endpoint(1)), [down_as(Grade::Warning)]);
        assert_eq!(two(unnamed.clone(), unnamed)[0], down_as(Grade::Error));
    }

    #[test]
    fn another_cluster_is_an_error_wherever_it_stands() {
        let other = EndpointFacts { genesis: Ok(CLUSTERS[0].1.to_owned()), ..endpoint(1) };
        assert_eq!(two(endpoint(1), other.clone()), [(Grade::Error, "N0605".to_owned())]);
        let findings = grade(&[endpoint(1), other], None, false);
        let finding = findings.iter().find(|finding| finding.code.is_some()).unwrap();
        assert!(finding.grade == Grade::Error && finding.found.contains("mainnet"), "{finding:?}");
    }

    #[test]
    fn a_far_clock_is_a_warning_then_an_error_and_a_note_on_a_cluster_of_ones_own() {
        let of = |machine, is_development| {
            let finding = grade_clock(machine, &Ok(1_000_000), is_development);
            (finding.grade, finding.code.is_some())
        };
        assert_eq!(of(1_000_059, false), (Grade::Well, false));
        assert_eq!(of(1_000_060, false), (Grade::Warning, true));
        assert_eq!(of(999_940, false), (Grade::Warning, true));
        assert_eq!(of(1_000_600, false), (Grade::Error, true));
        assert_eq!(of(0, true), (Grade::Note, true));
        assert_eq!(grade_clock(0, &Err(down()), true).grade, Grade::Warning);
    }
}
