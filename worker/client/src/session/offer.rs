//! What a node offers for payment by `402`, held against what the client allows and what the chain says, before anything is signed.

use super::model::{Model, ModelUris};
use super::terms::SessionTerms;
use crate::error::ClientError;
use assay::market::minimum_bond;
use assay::state::{Network, Node, PaymentMint};
use assay::units::{BasisPoints, TokenAmount};
use assay_models::artifact::encode_bundle;
use assay_session::x402::{
    OpenTerms, PaymentRequired, PaymentRequirements, ResourceInfo, SCHEME, Step, X402_VERSION, network_of,
};
use assay_store::{ArtifactId, ArtifactUri};
use referee::graph::IR_VERSION;
use solana_sdk::hash::Hash;
use solana_sdk::pubkey::Pubkey;

/// What a client is ready to pay, whatever is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayLimits {
    /// The mint that it pays in.
    pub payment_mint: Pubkey,
    /// Most that one request may cost, in base units of the mint.
    pub most_price: u64,
    /// Most that may be escrowed, in base units of the mint.
    pub most_balance: u64,
    /// Most slots for which the escrow may be held: until the node has accepted, while it serves, and the window after that.
    pub most_slots: u64,
}

impl PayLimits {
    /// With at most 43,200 slots, some five hours, until whatever is not spent is back.
    pub fn new(payment_mint: Pubkey, most_price: u64, most_balance: u64) -> Self {
        Self { payment_mint, most_price, most_balance, most_slots: 43_200 }
    }
}

/// An offer that may be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What is offered, as it came.
    pub requirements: PaymentRequirements,
    /// What it is offered for, as it came.
    pub resource: ResourceInfo,
    /// The terms of the session that it opens.
    pub terms: SessionTerms,
    /// Where the node says that graph and params are; the bytes there are those of the client's own model, by their hashes.
    pub uris: ModelUris,
}

/// The part of an offer that can be found without asking the chain.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) requirements: PaymentRequirements,
    pub(super) said: OpenTerms,
    pub(super) node: Pubkey,
}

/// What the chain says about what is offered, and where it was offered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) network: &'a Network,
    pub(super) mint: &'a PaymentMint,
    pub(super) node: &'a Node,
    /// Where the client asked.
    pub(super) endpoint: &'a str,
}

fn differs(what: &'static str, offered: impl ToString, wanted: impl ToString) -> ClientError {
    ClientError::Offer { what, offered: offered.to_string(), wanted: wanted.to_string() }
}

/// Picks the offer of this scheme, on this chain, in the mint that the client pays in.
pub(super) fn chosen(
    required: &PaymentRequired,
    genesis_hash: &[u8; 32],
    mint: &Pubkey,
) -> Result<Chosen, ClientError> {
    if required.x402_version != X402_VERSION {
        return Err(differs("version", required.x402_version, X402_VERSION));
    }
    let genesis = Hash::new_from_array(*genesis_hash).to_string();
    let network = network_of(&genesis);
    let of_scheme = required.accepts.iter().filter(|offer| offer.scheme == SCHEME).collect::<Vec<_>>();
    if of_scheme.is_empty() {
        let schemes: Vec<&str> = required.accepts.iter().map(|offer| offer.scheme.as_str()).collect();
        return Err(differs("scheme", schemes.join(", "), SCHEME));
    }
    let of_network = of_scheme.iter().filter(|offer| offer.network == network).collect::<Vec<_>>();
    let Some(first) = of_network.first() else {
        return Err(differs("network", of_scheme.first().map_or("", |offer| &offer.network), network));
    };
    let in_mint = of_network.iter().find(|offer| offer.asset == mint.to_string());
    let requirements = (**in_mint.ok_or_else(|| differs("mint", &first.asset, mint))?).clone();
    let step = serde_json::from_value::<Step>(requirements.extra.clone());
    let Step::Open(said) = step.map_err(|error| differs("extra", error, "the terms of a session"))? else {
        return Err(differs("step", "voucher", "open"));
    };
    if said.genesis_hash != genesis {
        return Err(differs("genesis hash", said.genesis_hash, genesis));
    }
    let node = requirements.pay_to.parse();
    let node = node.map_err(|_| differs("payee", &requirements.pay_to, "the account of a node"))?;
    Ok(Chosen { requirements, said, node })
}

/// Holds an offer against the limits, the model that the client has, and the chain.
pub(super) fn checked(
    required: &PaymentRequired,
    chosen: Chosen,
    facts: Facts<'_>,
    limits: &PayLimits,
    model: &Model,
) -> Result<Offer, ClientError> {
    let Chosen { requirements, said, node } = chosen;
    let ours = assay::ID.to_string();
    for (what, offered, wanted) in [
        ("program", &said.program, &ours),
        ("graph root", &said.graph_root, &hex::encode(model.graph_root)),
        ("params root", &said.params_root, &hex::encode(model.params_root)),
        ("operator", &said.operator, &facts.node.operator.to_string()),
    ] {
        if offered != wanted {
            return Err(differs(what, offered, wanted));
        }
    }
    // Whoever answers at another address may be anybody who has read the node's offer.
    let plain = |endpoint: &str| endpoint.trim_end_matches('/').to_owned();
    if facts.node.endpoint.is_empty() || plain(facts.endpoint) != plain(&facts.node.endpoint) {
        let wanted = format!("{}, where its node is registered", facts.node.endpoint);
        return Err(differs("endpoint", facts.endpoint, wanted));
    }
    if facts.node.fraud_convictions > 0 {
        return Err(differs("node", format!("{node}, which was convicted"), "a node that was not"));
    }
    if said.ir_version != IR_VERSION {
        return Err(differs("IR version", said.ir_version, IR_VERSION));
    }
    let balance: u64 =
        requirements.amount.parse().map_err(|_| differs("amount", &requirements.amount, "a number of base units"))?;
    let parameters = &facts.network.parameters;
    let multiple = BasisPoints(parameters.minimum_bond_bps);
    let least_bond = minimum_bond(TokenAmount(balance), facts.mint.bond_rate(), multiple)
        .map_err(|_| ClientError::Price { price_max: balance })?;
    let slots = said.accept_slots.saturating_add(said.session_slots).saturating_add(said.window_slots);
    for (what, offered, least, most) in [
        ("price", said.price, 1, limits.most_price),
        ("balance", balance, said.price, limits.most_balance),
        ("bond", said.bond, least_bond.0, u64::MAX),
        ("window", said.window_slots, parameters.minimum_window_slots, parameters.maximum_window_slots),
        ("time of holding the escrow, in slots,", slots, 0, limits.most_slots),
    ] {
        if !(least..=most).contains(&offered) {
            let wanted = if most == u64::MAX { format!("{least} or more") } else { format!("{least} to {most}") };
            return Err(differs(what, offered, wanted));
        }
    }
    let (graph, params) = (ArtifactId::of(&model.graph.encode()), ArtifactId::of(&encode_bundle(&model.params)));
    for (what, uri, artifact) in
        [("address of the graph", &said.graph_uri, graph), ("address of the params", &said.params_uri, params)]
    {
        if !ArtifactUri::parse(uri).is_ok_and(|uri| uri.id() == artifact) {
            return Err(differs(what, uri, format!("that of {artifact}")));
        }
    }
    let terms = SessionTerms {
        accept_slots: said.accept_slots,
        session_slots: said.session_slots,
        window_slots: Some(said.window_slots),
        bond: Some(said.bond),
        ..SessionTerms::new(node, limits.payment_mint, said.price, balance)
    };
    let uris = ModelUris { graph: said.graph_uri, params: said.params_uri };
    Ok(Offer { requirements, resource: required.resource.clone(), terms, uris })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::state::Parameters;
    use assay_models::mlp;
    use std::sync::Arc;

    const GENESIS: [u8; 32] = [5; 32];

    /// An honest offer, and what a client knows when it gets it.
    struct Scene {
        said: OpenTerms,
        requirements: PaymentRequirements,
        model: Model,
        network: Network,
        mint: PaymentMint,
        node: Node,
        endpoint: String,
        limits: PayLimits,
    }

    impl Scene {
        fn new() -> Self {
            let made = mlp::model(&mlp::Shape::tiny(), 1).unwrap();
            let model = Model::new(Arc::new(made.graph), Arc::new(made.params)).unwrap();
            let (operator, mint) = (Pubkey::new_unique(), Pubkey::new_unique());
            let genesis = Hash::new_from_array(GENESIS).to_string();
            let uri = |bytes: &[u8]| format!("https://store.example/v1/artifacts/{}", ArtifactId::of(bytes));
            let said = OpenTerms {
                program: assay::ID.to_string(),
                genesis_hash: genesis.clone(),
                operator: operator.to_string(),
                endpoint: "https://node.example".into(),
                model: "tiny".into(),
                graph_root: hex::encode(model.graph_root),
                params_root: hex::encode(model.params_root),
                ir_version: IR_VERSION,
                graph_uri: uri(&model.graph.encode()),
                params_uri: uri(&encode_bundle(&model.params)),
                price: 10,
                bond: 200,
                accept_slots: 100,
                session_slots: 1_000,
                window_slots: 50,
            };
            let requirements = PaymentRequirements {
                scheme: SCHEME.into(),
                network: network_of(&genesis),
                amount: "100".into(),
                asset: mint.to_string(),
                pay_to: Pubkey::new_unique().to_string(),
                max_timeout_seconds: 20,
                extra: serde_json::Value::Null,
            };
            let parameters = Parameters {
                minimum_bond_bps: 20_000,
                minimum_window_slots: 50,
                maximum_window_slots: 500,
                ..Parameters::default()
            };
            Self {
                said,
                requirements,
                model,
                network: Network { parameters, ..Network::default() },
                mint: PaymentMint {
                    version: PaymentMint::VERSION,
                    bump: 0,
                    enabled: true,
                    freezable: false,
                    decimals: 6,
                    mint,
                    token_program: Pubkey::default(),
                    fee_vault: Pubkey::default(),
                    bond_numerator: 1,
                    bond_denominator: 1,
                },
                node: Node { operator, endpoint: "https://node.example".into(), ..Node::default() },
                endpoint: "https://node.example/".into(),
                limits: PayLimits { most_slots: 1_150, ..PayLimits::new(mint, 10, 100) },
            }
        }

        fn required(&self) -> PaymentRequired {
            let extra = serde_json::to_value(Step::Open(self.said.clone())).unwrap();
            let ours = PaymentRequirements { extra, ..self.requirements.clone() };
            let other = PaymentRequirements { scheme: "exact".into(), extra: serde_json::Value::Null, ..ours.clone() };
            PaymentRequired {
                x402_version: 2,
                error: None,
                resource: ResourceInfo { url: "u".into(), description: None, mime_type: None },
                accepts: vec![other, ours],
                extensions: None,
            }
        }

        fn offer_in(&self, required: &PaymentRequired) -> Result<Offer, ClientError> {
            let chosen = chosen(required, &GENESIS, &self.limits.payment_mint)?;
            let (network, mint, node) = (&self.network, &self.mint, &self.node);
            let facts = Facts { network, mint, node, endpoint: &self.endpoint };
            checked(required, chosen, facts, &self.limits, &self.model)
        }

        fn offer(&self) -> Result<Offer, ClientError> {
            self.offer_in(&self.required())
        }
    }

    /// What is wrong with an offer that was changed.
    fn refused(change: impl FnOnce(&mut Scene)) -> &'static str {
        let mut scene = Scene::new();
        change(&mut scene);
        match scene.offer().unwrap_err() {
            ClientError::Offer { what, .. } => what,
            error => panic!("{error}"),
        }
    }

    #[test]
    fn an_honest_offer_becomes_the_terms_of_a_session() {
        let scene = Scene::new();
        let offer = scene.offer().unwrap();
        let terms = &offer.terms;
        assert_eq!(terms.node.to_string(), scene.requirements.pay_to);
        assert_eq!((terms.price, terms.balance, terms.bond), (10, 100, Some(200)));
        assert_eq!((terms.accept_slots, terms.session_slots, terms.window_slots), (100, 1_000, Some(50)));
        assert_eq!(offer.uris.graph, scene.said.graph_uri);
        assert_eq!(offer.requirements.scheme, SCHEME, "the one that is understood, of two");
    }

    #[test]
    fn an_offer_beyond_the_limits_is_not_taken() {
        assert_eq!(refused(|scene| scene.limits.most_price = 9), "price");
        assert_eq!(refused(|scene| scene.said.price = 0), "price");
        assert_eq!(refused(|scene| scene.limits.most_balance = 99), "balance");
        assert_eq!(refused(|scene| scene.requirements.amount = "9".into()), "balance");
        assert_eq!(refused(|scene| scene.requirements.amount = "1e2".into()), "amount");
        assert_eq!(refused(|scene| scene.limits.payment_mint = Pubkey::new_unique()), "mint");
        assert_eq!(refused(|scene| scene.said.session_slots += 1), "time of holding the escrow, in slots,");
        assert_eq!(refused(|scene| scene.said.session_slots = u64::MAX), "time of holding the escrow, in slots,");
    }

    #[test]
    fn an_offer_that_the_chain_does_not_bear_out_is_not_taken() {
        assert_eq!(refused(|scene| scene.node.operator = Pubkey::new_unique()), "operator");
        assert_eq!(refused(|scene| scene.node.endpoint = "https://other.example".into()), "endpoint");
        assert_eq!(refused(|scene| scene.node.endpoint.clear()), "endpoint");
        assert_eq!(refused(|scene| scene.endpoint = "https://proxy.example".into()), "endpoint");
        assert_eq!(refused(|scene| scene.node.fraud_convictions = 1), "node");
        assert_eq!(refused(|scene| scene.said.program = Pubkey::new_unique().to_string()), "program");
        assert_eq!(refused(|scene| scene.said.bond = 199), "bond");
        assert_eq!(refused(|scene| scene.said.window_slots = 49), "window");
        assert_eq!(refused(|scene| scene.network.parameters.maximum_window_slots = 49), "window");
        assert_eq!(refused(|scene| scene.requirements.network = "solana:x".into()), "network");
        assert_eq!(refused(|scene| scene.said.genesis_hash = "x".into()), "genesis hash");
        assert_eq!(refused(|scene| scene.requirements.pay_to = "x".into()), "payee");
    }

    #[test]
    fn an_offer_of_another_model_is_not_taken() {
        let zeros = "00".repeat(32);
        assert_eq!(refused(|scene| scene.said.graph_root = zeros.clone()), "graph root");
        assert_eq!(refused(|scene| scene.said.params_root = zeros.clone()), "params root");
        assert_eq!(refused(|scene| scene.said.ir_version += 1), "IR version");
        assert_eq!(refused(|scene| scene.said.graph_uri = scene.said.params_uri.clone()), "address of the graph");
        assert_eq!(refused(|scene| scene.said.params_uri = "x".into()), "address of the params");
    }

    #[test]
    fn what_is_no_offer_of_this_scheme_is_not_taken() {
        let scene = Scene::new();
        let what = |change: &dyn Fn(&mut PaymentRequired)| {
            let mut required = scene.required();
            change(&mut required);
            match scene.offer_in(&required).unwrap_err() {
                ClientError::Offer { what, .. } => what,
                error => panic!("{error}"),
            }
        };
        assert_eq!(what(&|required| required.x402_version = 1), "version");
        assert_eq!(what(&|required| required.accepts.truncate(1)), "scheme");
        assert_eq!(what(&|required| required.accepts.clear()), "scheme");
        assert_eq!(what(&|required| required.accepts[1].extra = serde_json::Value::Null), "extra");
        let step = serde_json::json!({ "step": "voucher", "program": "p", "session": "s", "owed": "1" });
        assert_eq!(what(&|required| required.accepts[1].extra = step.clone()), "step");
    }
}
