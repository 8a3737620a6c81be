//! Terms of a session that this node does not take.

use crate::config::NodeConfig;
use crate::price::refuse_graph;
use crate::refusal::Refusal;
use assay::state::Session;

/// The first term that the settings do not allow.
pub(super) fn refuse_terms(session: &Session, config: &NodeConfig) -> Option<Refusal> {
    let (sessions, disputes, terms) = (&config.sessions, &config.disputes, &session.dispute);
    let mint = session.payment_mint.to_string();
    if !sessions.enabled {
        return Some(Refusal::new("N0219", "this node takes no sessions", "set sessions.enabled to take them"));
    }
    if !config.accepted_mints.is_empty() && !config.accepted_mints.contains(&mint) {
        return Some(Refusal::new(
            "N0212",
            format!("the session pays in {mint}"),
            "add it to accepted_mints to take such sessions",
        ));
    }
    if let Some(refusal) = refuse_graph(&config.prices, &session.graph_root) {
        return Some(refusal);
    }
    if session.session_slots > sessions.longest_slots {
        let (given, longest) = (session.session_slots, sessions.longest_slots);
        return Some(Refusal::new(
            "N0220",
            format!("the session lasts {given} slots, this node takes {longest} at most"),
            "offer a shorter session, or raise sessions.longest_slots",
        ));
    }
    if session.price < sessions.least_price {
        let (given, least) = (session.price, sessions.least_price);
        return Some(Refusal::new(
            "N0221",
            format!("a request pays {given}, this node wants {least}"),
            "offer a higher price, or lower sessions.least_price",
        ));
    }
    if terms.defender_clock_slots < disputes.least_clock_slots {
        let (given, least) = (terms.defender_clock_slots, disputes.least_clock_slots);
        return Some(Refusal::new(
            "N0215",
            format!("the session leaves {given} slots to answer challenges, this node wants {least}"),
            "it follows from the network's parameters; lower disputes.least_clock_slots to take such sessions",
        ));
    }
    if terms.opening_fee_lamports < disputes.least_opening_fee_lamports {
        let (given, least) = (terms.opening_fee_lamports, disputes.least_opening_fee_lamports);
        return Some(Refusal::new(
            "N0216",
            format!("challengers prepay {given} lamports for an opening, this node wants {least}"),
            "it follows from the network's parameters; lower disputes.least_opening_fee_lamports to take such sessions",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::state::DisputeTerms;

    #[test]
    fn each_term_is_refused_by_its_code() {
        let config = NodeConfig::default();
        let mut priced = config.clone();
        priced.sessions.least_price = 5;
        priced.disputes.least_opening_fee_lamports = 7;
        let dispute = DisputeTerms {
            defender_clock_slots: config.disputes.least_clock_slots,
            opening_fee_lamports: 7,
            ..DisputeTerms::default()
        };
        let session = Session { price: 5, session_slots: config.sessions.longest_slots, dispute, ..Session::default() };
        assert_eq!(refuse_terms(&session, &priced), None);
        let code = |session: &Session, config: &NodeConfig| refuse_terms(session, config).unwrap().code;
        let mut off = config.clone();
        off.sessions.enabled = false;
        assert_eq!(code(&session, &off), "N0219");
        let mut choosy = config.clone();
        choosy.accepted_mints = vec!["x".to_owned()];
        assert_eq!(code(&session, &choosy), "N0212");
        let mut denying = config.clone();
        denying.prices.denied_graphs = vec![hex::encode(session.graph_root)];
        assert_eq!(code(&session, &denying), "N0236");
        let mut allowing = config.clone();
        allowing.prices.allowed_graphs = vec!["ab".repeat(32)];
        assert_eq!(code(&session, &allowing), "N0235");
        let longer = Session { session_slots: session.session_slots + 1, ..session.clone() };
        assert_eq!(code(&longer, &config), "N0220");
        assert_eq!(code(&Session { price: 4, ..session.clone() }, &priced), "N0221");
        let hasty = DisputeTerms { defender_clock_slots: dispute.defender_clock_slots - 1, ..dispute };
        assert_eq!(code(&Session { dispute: hasty, ..session.clone() }, &priced), "N0215");
        let cheap = DisputeTerms { opening_fee_lamports: 6, ..dispute };
        assert_eq!(code(&Session { dispute: cheap, ..session }, &priced), "N0216");
    }
}
