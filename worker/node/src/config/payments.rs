//! What is offered to strangers who have no session: payment by `402`.

use super::ConfigError;
use assay_store::ArtifactUri;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;

/// Which models are offered for payment with the first request, and what strangers can make the node do for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Payments {
    /// Whether payments are taken. Sessions that were opened by them go on in any case.
    pub enabled: bool,
    /// Payments that may be under way at a time: sent and not confirmed, or confirmed and not accepted.
    pub most_pending: usize,
    /// Payments that one address (one IPv6 network) may send within a minute.
    pub payments_per_minute: u32,
    /// Seconds within which a payment is answered, be it that it is not confirmed yet: then the client sends it again.
    pub wait_seconds: u64,
    /// What is offered.
    pub models: Vec<OfferedModel>,
}

impl Default for Payments {
    fn default() -> Self {
        Self { enabled: false, most_pending: 4, payments_per_minute: 12, wait_seconds: 20, models: Vec::new() }
    }
}

/// A model that is kept loaded and offered at fixed terms. Every session that is opened like this has these terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OfferedModel {
    /// What clients are told that it is.
    pub name: String,
    /// Where the graph is fetched, by this node and by whoever replays.
    pub graph_uri: String,
    /// Where the params are fetched.
    pub params_uri: String,
    /// The mint of the price, base58.
    pub mint: String,
    /// What one request costs, in base units of the mint.
    pub price: u64,
    /// What a payment escrows, in base units of the mint. A session costs this node some transactions, whatever is asked in it: a
    /// balance of many prices keeps out those who open one for nothing.
    pub balance: u64,
    /// What is locked for a session, in base units of the stake mint; what the network asks for at least, if that is more.
    pub bond: u64,
    /// Slots that a session lasts.
    pub session_slots: u64,
    /// Slots for vouchers and receipts after its end; the network's shortest window, if that is longer.
    pub window_slots: u64,
}

impl Default for OfferedModel {
    fn default() -> Self {
        Self {
            name: String::new(),
            graph_uri: String::new(),
            params_uri: String::new(),
            mint: String::new(),
            price: 0,
            balance: 0,
            bond: 0,
            session_slots: 4_500,
            window_slots: 0,
        }
    }
}

impl Payments {
    /// Checks what the node could not serve, or would serve for less than it wants. The bounds of single keys are in the table of all keys.
    pub(super) fn check(&self, least_price: u64, longest_slots: u64) -> Result<(), ConfigError> {
        let refused = |key: &str, value: String, rule: &str| {
            let key = format!("sessions.payments.models.{key}");
            Err(ConfigError::Value { key, value, rule: rule.to_owned() })
        };
        for model in &self.models {
            for (key, uri) in [("graph_uri", &model.graph_uri), ("params_uri", &model.params_uri)] {
                if ArtifactUri::parse(uri).is_err() {
                    return refused(key, uri.clone(), "give where the artifact is, as <base>/v1/artifacts/<id>");
                }
            }
            if model.mint.parse::<Pubkey>().is_err() {
                return refused("mint", model.mint.clone(), "give the base58 address of a token mint");
            }
            if model.price < least_price.max(1) {
                let rule = "allowed are sessions.least_price and more, and at least 1";
                return refused("price", model.price.to_string(), rule);
            }
            if model.balance < model.price {
                let rule = "a payment escrows the price of one request at least";
                return refused("balance", model.balance.to_string(), rule);
            }
            if !(1..=longest_slots).contains(&model.session_slots) {
                let rule = "allowed are 1 to sessions.longest_slots";
                return refused("session_slots", model.session_slots.to_string(), rule);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::NodeConfig;
    use super::*;

    fn offered() -> NodeConfig {
        let uri = |byte: &str| format!("http://127.0.0.1:8080/v1/artifacts/{}", byte.repeat(32));
        let model = OfferedModel {
            name: "digits".into(),
            graph_uri: uri("ab"),
            params_uri: uri("cd"),
            mint: Pubkey::new_unique().to_string(),
            price: 10,
            balance: 100,
            session_slots: 100,
            ..OfferedModel::default()
        };
        let mut config = NodeConfig::default();
        config.sessions.payments = Payments { enabled: true, models: vec![model], ..Payments::default() };
        config
    }

    #[test]
    fn an_offer_is_written_and_read_and_nothing_is_offered_unless_asked_for() {
        let config = offered();
        config.validate().unwrap();
        assert_eq!(toml::from_str::<NodeConfig>(&config.to_toml().unwrap()).unwrap(), config);
        assert!(!NodeConfig::default().sessions.payments.enabled);
    }

    #[test]
    fn an_offer_that_cannot_be_kept_is_refused_by_name() {
        let refused = |change: fn(&mut NodeConfig)| {
            let mut config = offered();
            change(&mut config);
            match config.validate().unwrap_err() {
                ConfigError::Value { key, .. } => key.trim_start_matches("sessions.payments.").to_owned(),
                error => panic!("{error}"),
            }
        };
        assert_eq!(refused(|config| config.sessions.payments.most_pending = 0), "most_pending");
        assert_eq!(refused(|config| config.sessions.payments.payments_per_minute = 0), "payments_per_minute");
        assert_eq!(refused(|config| config.sessions.payments.wait_seconds = 26), "wait_seconds");
        assert_eq!(refused(|config| config.sessions.payments.models[0].graph_uri.clear()), "models.graph_uri");
        assert_eq!(refused(|config| config.sessions.payments.models[0].params_uri.clear()), "models.params_uri");
        assert_eq!(refused(|config| config.sessions.payments.models[0].mint.clear()), "models.mint");
        assert_eq!(refused(|config| config.sessions.payments.models[0].price = 0), "models.price");
        assert_eq!(refused(|config| config.sessions.least_price = 11), "models.price");
        assert_eq!(refused(|config| config.sessions.payments.models[0].balance = 9), "models.balance");
        assert_eq!(refused(|config| config.sessions.longest_slots = 99), "models.session_slots");
    }
}
