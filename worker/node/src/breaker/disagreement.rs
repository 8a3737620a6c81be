//! RPC disagreement: the endpoints of the settings tell different stories, so that one of them is wrong and nobody here can say which.
//!
//! They disagree when they are of different clusters; when one shows this node's account with the same data before and after a slot
//! at which the other shows other data; or when one is more slots behind than the settings allow. Trips when they disagreed
//! for as long as the settings say, and at once for different clusters. Resumes when at least two of them answered and none
//! contradicted for as long. Endpoints that do not answer contradict nobody, and confirm nothing.

use super::cause::Cause;
use super::report::CauseReport;
use crate::config::BreakerSettings;
use crate::market::EndpointView;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the endpoints said so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Disagreement {
    trips: u64,
    is_open: bool,
    /// How they differed last.
    words: String,
    /// What each of them shows of the node's account, by their places in the settings.
    #[serde(skip)]
    shown: Vec<Option<Shown>>,
    #[serde(skip)]
    differing_since: Option<Duration>,
    #[serde(skip)]
    agreeing_since: Option<Duration>,
}

/// Data that one endpoint shows, and the slots at which it showed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    node: Option<[u8; 32]>,
    first_slot: u64,
    last_slot: u64,
}

impl Shown {
    /// Whether no order of changes of the account explains both.
    fn contradicts(&self, other: &Self) -> bool {
        self.node != other.node && self.first_slot <= other.last_slot && other.first_slot <= self.last_slot
    }
}

/// How two endpoints differ.
struct Difference {
    words: String,
    /// Time does not mend it.
    is_lasting: bool,
}

impl Disagreement {
    /// Notes what the endpoints answered, in the order of the settings; `now` is the time since the node started.
    pub(super) fn looked(&mut self, views: &[Option<EndpointView>], now: Duration, settings: &BreakerSettings) {
        let patience = Duration::from_secs(settings.disagreement_seconds);
        if views.len() < 2 || patience.is_zero() {
            *self = Self { trips: self.trips, ..Self::default() };
            return;
        }
        self.note(views);
        match self.difference(views, settings.disagreement_slots) {
            Some(Difference { words, is_lasting }) => {
                self.agreeing_since = None;
                let since = *self.differing_since.get_or_insert(now);
                if !self.is_open && (is_lasting || now.saturating_sub(since) >= patience) {
                    self.is_open = true;
                    self.trips = self.trips.saturating_add(1);
                }
                self.words = words;
            }
            None => {
                self.differing_since = None;
                if views.iter().flatten().count() < 2 {
                    self.agreeing_since = None;
                    return;
                }
                let since = *self.agreeing_since.get_or_insert(now);
                if now.saturating_sub(since) >= patience {
                    self.is_open = false;
                }
            }
        }
    }

    /// Lets claims through until the endpoints disagree again.
    pub(super) fn reset(&mut self) {
        *self = Self { trips: self.trips, ..Self::default() };
    }

    fn note(&mut self, views: &[Option<EndpointView>]) {
        self.shown.resize(views.len(), None);
        for (shown, view) in self.shown.iter_mut().zip(views) {
            let Some(EndpointView { slot, node, .. }) = view else { continue };
            match shown {
                Some(shown) if shown.node == *node => {
                    shown.first_slot = shown.first_slot.min(*slot);
                    shown.last_slot = shown.last_slot.max(*slot);
                }
                // An answer from before the change, of another machine behind the same address, is not news.
                Some(shown) if *slot < shown.first_slot => {}
                _ => *shown = Some(Shown { node: *node, first_slot: *slot, last_slot: *slot }),
            }
        }
    }

    /// How the answers differ, if they do; the gravest difference.
    fn difference(&self, views: &[Option<EndpointView>], most_slots: u64) -> Option<Difference> {
        let answers: Vec<(&EndpointView, &Shown)> =
            views.iter().zip(&self.shown).filter_map(|(view, shown)| view.as_ref().zip(shown.as_ref())).collect();
        let pairs =
            || answers.iter().enumerate().flat_map(|(at, one)| answers[at + 1..].iter().map(move |other| (one, other)));
        let clusters = pairs().find(|((one, _), (other, _))| one.genesis_hash != other.genesis_hash);
        if let Some(((one, _), (other, _))) = clusters {
            let words = format!("{} and {} are of different clusters", one.endpoint, other.endpoint);
            return Some(Difference { words, is_lasting: true });
        }
        let data = pairs().find(|((_, one), (_, other))| one.contradicts(other));
        if let Some(((one, _), (other, _))) = data {
            let words = format!(
                "{} at slot {} and {} at slot {} show different accounts of this node",
                one.endpoint, one.slot, other.endpoint, other.slot
            );
            return Some(Difference { words, is_lasting: false });
        }
        let (ahead, _) = answers.iter().max_by_key(|(view, _)| view.slot)?;
        let (behind, _) = answers.iter().min_by_key(|(view, _)| view.slot)?;
        let apart = ahead.slot.saturating_sub(behind.slot);
        (apart > most_slots).then(|| Difference {
            words: format!("{} is {apart} slots behind {}", behind.endpoint, ahead.endpoint),
            is_lasting: false,
        })
    }

    pub(super) fn report(&self, settings: &BreakerSettings) -> CauseReport {
        if !self.is_open || settings.disagreement_seconds == 0 {
            return CauseReport::closed(Cause::Disagreement, self.trips);
        }
        let reason = format!("the RPC endpoints disagree: {}", self.words);
        let resumes = format!(
            "claims go on when two endpoints or more have agreed for {} s: replace the one that is wrong",
            settings.disagreement_seconds
        );
        CauseReport::open(Cause::Disagreement, self.trips, &reason, resumes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Phase;
    use super::*;

    fn settings() -> BreakerSettings {
        BreakerSettings { disagreement_slots: 50, disagreement_seconds: 10, ..BreakerSettings::default() }
    }

    fn view(endpoint: &str, slot: u64, node: u8) -> Option<EndpointView> {
        Some(EndpointView { endpoint: endpoint.to_owned(), slot, genesis_hash: [1; 32], node: Some([node; 32]) })
    }

    fn after(disagreement: &mut Disagreement, views: &[Option<EndpointView>], seconds: u64) -> Phase {
        disagreement.looked(views, Duration::from_secs(seconds), &settings());
        disagreement.report(&settings()).phase
    }

    #[test]
    fn an_account_that_changes_is_no_disagreement_and_two_stories_at_one_slot_are() {
        let mut calm = Disagreement::default();
        // The second endpoint is a little behind, and shows each change later.
        for (seconds, first, second) in [(0, (100, 1), (98, 1)), (20, (150, 2), (148, 1)), (40, (200, 3), (198, 2))] {
            let views = [view("a", first.0, first.1), view("b", second.0, second.1)];
            assert_eq!(after(&mut calm, &views, seconds), Phase::Closed, "{seconds}");
            assert_eq!(calm.differing_since, None, "{seconds}");
        }
        let mut other = Disagreement::default();
        let stories = |slot| [view("a", slot, 1), view("b", slot, 2)];
        assert_eq!(after(&mut other, &stories(100), 0), Phase::Closed);
        assert_eq!(after(&mut other, &stories(120), 9), Phase::Closed, "not for long enough");
        assert_eq!(after(&mut other, &stories(130), 10), Phase::Open);
        let report = other.report(&settings());
        let refusal = report.refusal();
        assert!(refusal.code == "N0245" && refusal.reason.contains("a at slot 130 and b at slot 130"), "{refusal}");
        assert_eq!(report.trips, 1);
    }

    #[test]
    fn an_endpoint_that_claims_later_slots_and_shows_what_was_is_found() {
        let mut disagreement = Disagreement::default();
        let mut phases = Vec::new();
        // It says that it has come as far as the other, and still shows the account of before slot 100.
        for (seconds, slot) in [(0, 90), (5, 100), (10, 110), (15, 120), (20, 130)] {
            let node = if slot < 100 { 1 } else { 2 };
            phases.push(after(&mut disagreement, &[view("a", slot, node), view("stale", slot + 2, 1)], seconds));
        }
        assert_eq!(phases, [Phase::Closed, Phase::Closed, Phase::Closed, Phase::Open, Phase::Open]);
        // An account that one of them does not have at all is another story, too.
        let missing = EndpointView { node: None, ..view("b", 100, 1).unwrap() };
        let mut disagreement = Disagreement::default();
        let views = [view("a", 100, 1), Some(missing)];
        assert_eq!(after(&mut disagreement, &views, 0), Phase::Closed);
        assert_eq!(after(&mut disagreement, &views, 10), Phase::Open);
    }

    #[test]
    fn slots_too_far_apart_trip_after_a_while_and_a_round_without_it_begins_anew() {
        let mut disagreement = Disagreement::default();
        let apart = |slots: u64| [view("a", 1_000 + slots, 1), view("b", 1_000, 1)];
        for (slots, seconds, phase) in [
            (50, 0, Phase::Closed),
            (51, 10, Phase::Closed),
            (50, 15, Phase::Closed),
            (51, 21, Phase::Closed),
            (51, 30, Phase::Closed),
            (51, 31, Phase::Open),
        ] {
            assert_eq!(after(&mut disagreement, &apart(slots), seconds), phase, "{slots} {seconds}");
        }
        assert!(disagreement.report(&settings()).reason.unwrap().contains("b is 51 slots behind a"));
    }

    #[test]
    fn different_clusters_trip_at_once() {
        let mut disagreement = Disagreement::default();
        let other = EndpointView { genesis_hash: [2; 32], ..view("b", 100, 1).unwrap() };
        assert_eq!(after(&mut disagreement, &[view("a", 100, 1), Some(other)], 0), Phase::Open);
    }

    #[test]
    fn it_resumes_when_two_have_agreed_for_long_enough_and_silence_confirms_nothing() {
        let mut disagreement = Disagreement::default();
        let stories = [view("a", 100, 1), view("b", 100, 2)];
        disagreement.looked(&stories, Duration::ZERO, &settings());
        assert_eq!(after(&mut disagreement, &stories, 10), Phase::Open);
        let agree = |slot| [view("a", slot, 1), view("b", slot, 1)];
        assert_eq!(after(&mut disagreement, &[view("a", 150, 1), None], 100), Phase::Open, "one alone");
        assert_eq!(after(&mut disagreement, &agree(160), 110), Phase::Open);
        assert_eq!(after(&mut disagreement, &agree(170), 119), Phase::Open);
        assert_eq!(after(&mut disagreement, &[view("a", 175, 1), None], 120), Phase::Open, "and anew");
        assert_eq!(after(&mut disagreement, &agree(180), 121), Phase::Open);
        assert_eq!(after(&mut disagreement, &agree(190), 131), Phase::Closed);
        assert_eq!(disagreement.trips, 1);
    }

    #[test]
    fn a_restart_has_to_see_agreement_first_and_one_endpoint_alone_contradicts_nobody() {
        let open = Disagreement { is_open: true, words: "x".to_owned(), ..Disagreement::default() };
        let mut read: Disagreement = serde_json::from_str(&serde_json::to_string(&open).unwrap()).unwrap();
        let agree = [view("a", 100, 1), view("b", 100, 1)];
        assert_eq!(after(&mut read, &agree, 0), Phase::Open);
        assert_eq!(after(&mut read, &agree, 10), Phase::Closed);
        let mut alone = open.clone();
        assert_eq!(after(&mut alone, &[view("a", 100, 1)], 0), Phase::Closed);
        let off = BreakerSettings { disagreement_seconds: 0, ..settings() };
        assert_eq!(open.report(&off).phase, Phase::Closed);
        let mut switched_off = Disagreement::default();
        let other = EndpointView { genesis_hash: [2; 32], ..view("b", 100, 1).unwrap() };
        switched_off.looked(&[view("a", 100, 1), Some(other)], Duration::ZERO, &off);
        assert_eq!(switched_off, Disagreement::default());
    }
}
