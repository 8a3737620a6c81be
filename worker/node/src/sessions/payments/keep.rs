//! Loads what is offered, once, and brings its terms up to date with the chain.

use super::offer::{Facts, LoadedModel, Offer, Offers};
use crate::config::OfferedModel;
use crate::defence::cost::DefenceCost;
use crate::driver::Shared;
use crate::engine::WarmModel;
use crate::market::{Market, Unreachable};
use crate::prepare::NotWhole;
use crate::refusal::Refusal;
use crate::retention::Pin;
use crate::sessions::material::{Material, Wanted};
use assay_kernels::TensorSet;
use assay_store::ArtifactUri;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks at what the chain says; a change of the node's account is seen at once.
const REFRESH: Duration = Duration::from_secs(60);
/// After a look that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Before a model is fetched again that could not be.
const PAUSE_BEFORE_FETCH: Duration = Duration::from_secs(10);

/// A model that stays loaded, and its artifacts in the store, as long as this lives.
struct KeptModel {
    model: LoadedModel,
    _warm: WarmModel,
    _pin: Pin,
}

/// Offers what the settings name, until `stop`.
pub(crate) async fn keep_offers<M: Market>(shared: Arc<Shared<M>>, stop: CancellationToken) {
    if shared.config.now().sessions.payments.enabled {
        tokio::select! {
            () = keep(&shared) => {}
            () = stop.cancelled() => {}
        }
    }
    stop.cancelled().await;
}

async fn keep<M: Market>(shared: &Arc<Shared<M>>) {
    let mut bell = shared.board.listen_to_node();
    let mut missing = shared.config.now().sessions.payments.models.clone();
    let mut kept: Vec<KeptModel> = Vec::new();
    loop {
        let mut left = Vec::new();
        for settings in missing {
            match shared.load_offered(&settings).await {
                Ok(model) => kept.push(model),
                Err(refusal) => {
                    tracing::warn!(
                        model = settings.name,
                        code = refusal.code,
                        reason = refusal.reason,
                        remedy = refusal.remedy,
                        "a model is not offered; it is tried again"
                    );
                    left.push(settings);
                }
            }
        }
        missing = left;
        let models: Vec<&LoadedModel> = kept.iter().map(|kept| &kept.model).collect();
        let pause = match shared.offers_of(&models).await {
            Ok(offers) => {
                shared.sessions.payments.offer(offers);
                if missing.is_empty() { REFRESH } else { PAUSE_BEFORE_FETCH }
            }
            Err(error) => {
                // What was offered before is checked by the program when it is taken.
                tracing::warn!(%error, "what is offered for payment cannot be brought up to date");
                PAUSE_AFTER_FAILURE
            }
        };
        tokio::select! {
            () = bell.rung() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl<M: Market> Shared<M> {
    /// Fetches and checks a model, and loads it at the least and the greatest values of its symbols.
    async fn load_offered(self: &Arc<Self>, settings: &OfferedModel) -> Result<KeptModel, Refusal> {
        let invalid = |error: assay_store::StoreError| Refusal::new("N0201", error.to_string(), "correct node.toml");
        let graph = ArtifactUri::parse(&settings.graph_uri).map_err(invalid)?.id();
        let params = ArtifactUri::parse(&settings.params_uri).map_err(invalid)?.id();
        let pin = self.publisher.keeper.pin([graph, params]);
        let wanted = Wanted {
            graph_uri: settings.graph_uri.clone(),
            params_uri: settings.params_uri.clone(),
            price: settings.price,
            roots: None,
        };
        let time = Duration::from_secs(self.config.now().limits.fetch_seconds);
        let material = {
            let _place = Arc::clone(&self.fetching).acquire_owned().await;
            let config = self.config.now();
            let material = Material::wanted(wanted, &self.artifacts, &config);
            tokio::time::timeout(time, material).await.unwrap_or_else(|_| {
                let reason = format!("graph and params did not arrive within {} s", time.as_secs());
                Err(NotWhole::Passing(Refusal::new("N0201", reason, "serve them from a faster store")))
            })
        };
        let material = material.map_err(|error| error.refusal().clone())?;
        let forms = material.extremes()?;
        let (graph_root, params_root) = (material.graph_root, material.params_root);
        let warm = self.engine.keep_warm(graph_root, params_root, self.config.now().sessions.loaded_forms);
        let prepared: Vec<_> = forms.iter().map(|form| material.prepared(form, TensorSet::new())).collect();
        let shared = Arc::clone(self);
        let load = move || shared.load_warm(&warm, &prepared).map(|()| warm);
        let unloaded = |reason: String| Refusal::new("N0210", reason, "offer a smaller graph");
        let loaded = tokio::task::spawn_blocking(load).await.map_err(|error| unloaded(error.to_string()))?;
        let warm = loaded.map_err(|error| error.refusal().clone())?;
        let fee = self.market.most_fee_lamports();
        let defence = forms.first().map(|form| DefenceCost::of(&form.graph, fee));
        tracing::info!(model = settings.name, graph_root = hex::encode(graph_root), "loaded, to be offered");
        let most_input_bytes = material.most_input_bytes;
        let model = LoadedModel {
            settings: settings.clone(),
            graph_root,
            params_root,
            graph,
            params,
            defence,
            most_input_bytes,
        };
        Ok(KeptModel { model, _warm: warm, _pin: pin })
    }

    /// What can be offered of these models at present.
    async fn offers_of(&self, models: &[&LoadedModel]) -> Result<Offers, Unreachable> {
        let seen = self.market.node(0).await?;
        let parameters = self.market.parameters(seen.slot).await?;
        let Some(node) = seen.account.filter(|node| node.fraud_convictions == 0) else {
            return Ok(Offers::default());
        };
        let facts = Facts {
            node_address: self.node,
            node: &node,
            parameters: &parameters,
            genesis_hash: self.market.genesis_hash(),
        };
        let mut offers = Vec::new();
        for model in models {
            // The settings were validated: it is an address.
            let Ok(mint) = model.settings.mint.parse() else { continue };
            let mint = self.market.payment_mint(&mint).await?;
            match Offer::new(model, mint.as_ref(), facts, &self.config.now()) {
                Ok(offer) => offers.push(offer),
                Err(refusal) => tracing::warn!(
                    model = model.settings.name,
                    code = refusal.code,
                    reason = refusal.reason,
                    remedy = refusal.remedy,
                    "a model is not offered for payment at present"
                ),
            }
        }
        Ok(Offers { endpoint: node.endpoint.clone(), offers })
    }
}
