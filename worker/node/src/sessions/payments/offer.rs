//! What is offered: terms that the program would take and this node would accept, and the same as x402 has it.

use crate::config::{NodeConfig, OfferedModel};
use crate::defence::cost::DefenceCost;
use crate::refusal::Refusal;
use crate::sessions::terms::refuse_terms;
use assay::OpenSessionArgs;
use assay::market::minimum_bond;
use assay::state::{DisputeTerms, Node, Parameters, PaymentMint, Session};
use assay::units::{BasisPoints, TokenAmount};
use assay_chain::instructions::TokenMint;
use assay_session::FRAME_MEDIA_TYPE;
use assay_session::x402::{
    ListedModel, ModelList, OpenTerms, PaymentRequired, PaymentRequirements, ResourceInfo, SCHEME, Step, X402_VERSION,
    model_path, network_of,
};
use assay_store::ArtifactId;
use referee::graph::IR_VERSION;
use solana_sdk::hash::Hash;
use solana_sdk::pubkey::Pubkey;

/// Slots in which the node can accept: five minutes, for a model that is loaded already.
const ACCEPT_SLOTS: u64 = 750;

/// A model that was fetched, checked and loaded.
#[derive(Clone, Debug)]
pub(super) struct LoadedModel {
    pub(super) settings: OfferedModel,
    pub(super) graph_root: [u8; 32],
    pub(super) params_root: [u8; 32],
    pub(super) graph: ArtifactId,
    pub(super) params: ArtifactId,
    /// What the defence of a receipt can cost.
    pub(super) defence: Option<DefenceCost>,
    /// Bytes of the inputs at the largest values of the symbols.
    pub(super) most_input_bytes: u64,
}

/// What the chain says that offers depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) node_address: Pubkey,
    pub(super) node: &'a Node,
    pub(super) parameters: &'a Parameters,
    pub(super) genesis_hash: [u8; 32],
}

/// The terms of a session that is opened by a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) node: Pubkey,
    pub(super) mint: TokenMint,
    pub(super) graph_root: [u8; 32],
    pub(super) params_root: [u8; 32],
    pub(super) graph: ArtifactId,
    pub(super) params: ArtifactId,
    pub(super) price: u64,
    pub(super) balance: u64,
    pub(super) bond: u64,
    pub(super) accept_slots: u64,
    pub(super) session_slots: u64,
    pub(super) window_slots: u64,
    pub(super) genesis_hash: [u8; 32],
}

/// One way to pay for one model.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) terms: Terms,
    pub(super) name: String,
    /// What a conviction would slash.
    pub(super) slash: BasisPoints,
    pub(super) defence: Option<DefenceCost>,
    /// Bytes of the inputs of a request, at most.
    pub(super) most_input_bytes: u64,
    /// As x402 has it.
    pub(super) requirements: PaymentRequirements,
}

/// All that is offered.
#[derive(Clone, Debug, Default)]
pub(super) struct Offers {
    /// Where the node is registered to be reached.
    pub(super) endpoint: String,
    pub(super) offers: Vec<Offer>,
}

impl Terms {
    /// The arguments of the program's instruction with these terms; the rest of them is the client's choice.
    pub(super) fn arguments(&self, of_client: &OpenSessionArgs) -> OpenSessionArgs {
        OpenSessionArgs {
            session_id: of_client.session_id,
            graph_root: self.graph_root,
            params_root: self.params_root,
            ir_version: IR_VERSION,
            voucher_key: of_client.voucher_key,
            price: self.price,
            balance: self.balance,
            accept_slots: self.accept_slots,
            session_slots: self.session_slots,
            window_slots: self.window_slots,
            bond: self.bond,
            graph_uri: of_client.graph_uri.clone(),
            params_uri: of_client.params_uri.clone(),
        }
    }
}

impl Offer {
    /// What is offered for a model, if the program would take it and this node would accept it.
    ///
    /// # Errors
    /// Why it is not offered at present, with the codes of sessions that are not accepted.
    pub(super) fn new(
        model: &LoadedModel,
        mint: Option<&PaymentMint>,
        facts: Facts<'_>,
        config: &NodeConfig,
    ) -> Result<Self, Refusal> {
        let (settings, parameters) = (&model.settings, facts.parameters);
        let Some(mint) = mint.filter(|mint| mint.enabled) else {
            let reason = format!("payments in {} are not allowed on this network", settings.mint);
            return Err(Refusal::new("N0212", reason, "offer the model in a mint that `assay network params` lists"));
        };
        let window_slots = settings.window_slots.max(parameters.minimum_window_slots);
        for (what, given, most) in [
            ("session_slots", settings.session_slots, parameters.maximum_run_slots),
            ("window_slots", window_slots, parameters.maximum_window_slots),
        ] {
            if given > most {
                let reason = format!("{what} is {given}, the network allows {most}");
                return Err(Refusal::new("N0220", reason, "lower it in sessions.payments.models"));
            }
        }
        let unbounded = || Refusal::new("N0208", "no bond can be computed for the balance", "lower the balance");
        let multiple = BasisPoints(parameters.minimum_bond_bps);
        let least_bond =
            minimum_bond(TokenAmount(settings.balance), mint.bond_rate(), multiple).map_err(|_| unbounded())?.0;
        let bond = settings.bond.max(least_bond);
        let dispute = DisputeTerms::new(&parameters.dispute, TokenAmount(bond)).map_err(|_| unbounded())?;
        let terms = Terms {
            node: facts.node_address,
            mint: TokenMint { address: mint.mint, token_program: mint.token_program },
            graph_root: model.graph_root,
            params_root: model.params_root,
            graph: model.graph,
            params: model.params,
            price: settings.price,
            balance: settings.balance,
            bond,
            accept_slots: ACCEPT_SLOTS.min(parameters.maximum_claim_slots),
            session_slots: settings.session_slots,
            window_slots,
            genesis_hash: facts.genesis_hash,
        };
        let session = Session {
            payment_mint: mint.mint,
            price: terms.price,
            session_slots: terms.session_slots,
            dispute,
            ..Session::default()
        };
        if let Some(refusal) = refuse_terms(&session, config) {
            return Err(refusal);
        }
        let requirements = requirements(&terms, settings, facts, config.sessions.payments.wait_seconds)?;
        let slash = BasisPoints(u32::from(dispute.slash_bps));
        let (name, defence, most_input_bytes) = (settings.name.clone(), model.defence, model.most_input_bytes);
        Ok(Self { terms, name, slash, defence, most_input_bytes, requirements })
    }
}

fn requirements(
    terms: &Terms,
    settings: &OfferedModel,
    facts: Facts<'_>,
    wait_seconds: u64,
) -> Result<PaymentRequirements, Refusal> {
    let step = Step::Open(OpenTerms {
        program: assay::ID.to_string(),
        genesis_hash: Hash::new_from_array(terms.genesis_hash).to_string(),
        operator: facts.node.operator.to_string(),
        endpoint: facts.node.endpoint.clone(),
        model: settings.name.clone(),
        graph_root: hex::encode(terms.graph_root),
        params_root: hex::encode(terms.params_root),
        ir_version: IR_VERSION,
        graph_uri: settings.graph_uri.clone(),
        params_uri: settings.params_uri.clone(),
        price: terms.price,
        bond: terms.bond,
        accept_slots: terms.accept_slots,
        session_slots: terms.session_slots,
        window_slots: terms.window_slots,
    });
    Ok(PaymentRequirements {
        scheme: SCHEME.to_owned(),
        network: network_name(&terms.genesis_hash),
        amount: terms.balance.to_string(),
        asset: terms.mint.address.to_string(),
        pay_to: terms.node.to_string(),
        max_timeout_seconds: wait_seconds,
        extra: serde_json::to_value(step)
            .map_err(|error| Refusal::new("N0202", error.to_string(), "report this offer"))?,
    })
}

/// The chain's name in payments.
pub(super) fn network_name(genesis_hash: &[u8; 32]) -> String {
    network_of(&Hash::new_from_array(*genesis_hash).to_string())
}

impl Offers {
    /// The ways to pay for a model.
    pub(super) fn of_model<'a>(&'a self, graph_root: &[u8; 32], params_root: &[u8; 32]) -> Vec<&'a Offer> {
        let is_of = |offer: &&Offer| (offer.terms.graph_root, offer.terms.params_root) == (*graph_root, *params_root);
        self.offers.iter().filter(is_of).collect()
    }

    /// What a request that is not paid for is answered with.
    pub(super) fn required(&self, offers: &[&Offer], path: &str, error: String) -> PaymentRequired {
        let name = offers.first().map(|offer| offer.name.clone());
        self.required_of(offers.iter().map(|offer| offer.requirements.clone()).collect(), path, name, error)
    }

    /// The same with given ways to pay.
    pub(super) fn required_of(
        &self,
        accepts: Vec<PaymentRequirements>,
        path: &str,
        description: Option<String>,
        error: String,
    ) -> PaymentRequired {
        PaymentRequired {
            x402_version: X402_VERSION,
            error: Some(error),
            resource: ResourceInfo {
                // Without an endpoint the path says what it is to whoever has just asked here.
                url: format!("{}{path}", self.endpoint.trim_end_matches('/')),
                description,
                mime_type: Some(FRAME_MEDIA_TYPE.to_owned()),
            },
            accepts,
            extensions: None,
        }
    }

    /// All models, each once.
    pub(super) fn list(&self) -> ModelList {
        let mut models: Vec<ListedModel> = Vec::new();
        for offer in &self.offers {
            let path = model_path(&offer.terms.graph_root, &offer.terms.params_root);
            match models.iter_mut().find(|model| model.path == path) {
                Some(model) => model.accepts.push(offer.requirements.clone()),
                None => models.push(ListedModel {
                    name: offer.name.clone(),
                    graph_root: hex::encode(offer.terms.graph_root),
                    params_root: hex::encode(offer.terms.params_root),
                    path,
                    accepts: vec![offer.requirements.clone()],
                }),
            }
        }
        ModelList { models }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use assay::state::DisputeParameters;

    pub(in crate::sessions::payments) const GENESIS: [u8; 32] = [5; 32];

    pub(in crate::sessions::payments) fn config() -> NodeConfig {
        let mut config = NodeConfig::default();
        config.sessions.payments.enabled = true;
        config
    }

    fn parameters() -> Parameters {
        Parameters {
            minimum_bond_bps: 20_000,
            maximum_claim_slots: 500,
            maximum_run_slots: 5_000,
            minimum_window_slots: 50,
            maximum_window_slots: 1_000,
            dispute: DisputeParameters { defender_clock_slots: 100, slash_bps: 2_500, ..DisputeParameters::default() },
            ..Parameters::default()
        }
    }

    fn mint() -> PaymentMint {
        PaymentMint {
            enabled: true,
            mint: Pubkey::new_from_array([9; 32]),
            token_program: Pubkey::new_from_array([10; 32]),
            bond_numerator: 1,
            bond_denominator: 1,
            version: PaymentMint::VERSION,
            bump: 0,
            freezable: false,
            decimals: 6,
            fee_vault: Pubkey::default(),
        }
    }

    fn model() -> LoadedModel {
        let (graph, params) = (ArtifactId([3; 32]), ArtifactId([4; 32]));
        let uri = |id| format!("https://store.example/v1/artifacts/{id}");
        LoadedModel {
            settings: OfferedModel {
                name: "digits".into(),
                graph_uri: uri(graph),
                params_uri: uri(params),
                mint: mint().mint.to_string(),
                price: 10,
                balance: 100,
                session_slots: 4_500,
                ..OfferedModel::default()
            },
            graph_root: [1; 32],
            params_root: [2; 32],
            graph,
            params,
            defence: None,
            most_input_bytes: 64,
        }
    }

    fn offered(
        model: &LoadedModel,
        mint: &PaymentMint,
        parameters: &Parameters,
        config: &NodeConfig,
    ) -> Result<Offer, Refusal> {
        let node = Node { endpoint: "https://node.example".into(), ..Node::default() };
        let node_address = Pubkey::new_from_array([7; 32]);
        Offer::new(model, Some(mint), Facts { node_address, node: &node, parameters, genesis_hash: GENESIS }, config)
    }

    pub(in crate::sessions::payments) fn offer() -> Offer {
        offered(&model(), &mint(), &parameters(), &config()).unwrap()
    }

    #[test]
    fn an_offer_has_what_the_network_asks_for_at_least() {
        let offer = offer();
        let terms = &offer.terms;
        assert_eq!((terms.bond, terms.window_slots, terms.accept_slots), (200, 50, 500));
        let mut more = model();
        (more.settings.bond, more.settings.window_slots) = (201, 51);
        let more = offered(&more, &mint(), &parameters(), &config()).unwrap().terms;
        assert_eq!((more.bond, more.window_slots), (201, 51));
        let requirements = &offer.requirements;
        assert_eq!((requirements.scheme.as_str(), requirements.amount.as_str()), ("assay-session", "100"));
        assert_eq!(requirements.pay_to, terms.node.to_string());
        let Step::Open(said) = serde_json::from_value(requirements.extra.clone()).unwrap() else { panic!("a step") };
        assert_eq!((said.price, said.bond, said.endpoint.as_str()), (10, 200, "https://node.example"));
        assert_eq!(said.genesis_hash, Hash::new_from_array(GENESIS).to_string());
        assert!(said.genesis_hash.starts_with(requirements.network.strip_prefix("solana:").unwrap()));
    }

    #[test]
    fn what_the_program_would_refuse_or_this_node_not_accept_is_not_offered() {
        let code = |model: &LoadedModel, mint: &PaymentMint, parameters: &Parameters, config: &NodeConfig| {
            offered(model, mint, parameters, config).unwrap_err().code
        };
        let (good, mint, parameters, config) = (model(), mint(), parameters(), config());
        let disabled = PaymentMint { enabled: false, ..mint.clone() };
        assert_eq!(code(&good, &disabled, &parameters, &config), "N0212");
        let mut long = good.clone();
        long.settings.session_slots = 5_001;
        assert_eq!(code(&long, &mint, &parameters, &config), "N0220");
        let mut wide = good.clone();
        wide.settings.window_slots = 1_001;
        assert_eq!(code(&wide, &mint, &parameters, &config), "N0220");
        let mut dear = good.clone();
        dear.settings.balance = u64::MAX;
        assert_eq!(code(&dear, &mint, &parameters, &config), "N0208");
        let mut closed = config.clone();
        closed.sessions.enabled = false;
        assert_eq!(code(&good, &mint, &parameters, &closed), "N0219");
        let mut patient = config.clone();
        patient.disputes.least_clock_slots = 101;
        assert_eq!(code(&good, &mint, &parameters, &patient), "N0215");
    }

    #[test]
    fn a_model_is_listed_once_with_all_ways_to_pay_for_it() {
        let first = offer();
        let mut other_mint = first.clone();
        other_mint.requirements.asset = "x".into();
        let mut other_model = first.clone();
        other_model.terms.params_root = [8; 32];
        let offers = Offers { endpoint: "https://node.example/".into(), offers: vec![first, other_mint, other_model] };
        let list = offers.list();
        assert_eq!(list.models.iter().map(|model| model.accepts.len()).collect::<Vec<_>>(), [2, 1]);
        let found = offers.of_model(&[1; 32], &[2; 32]);
        assert_eq!((found.len(), offers.of_model(&[2; 32], &[1; 32]).len()), (2, 0));
        let required = offers.required(&found, &list.models[0].path, "x".into());
        assert_eq!(required.resource.url, format!("https://node.example{}", list.models[0].path));
    }
}
