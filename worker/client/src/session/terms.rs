//! What a client offers for a session.

use super::model::{Model, ModelUris};
use crate::error::ClientError;
use assay::OpenSessionArgs;
use assay::market::minimum_bond;
use assay::state::{Network, PaymentMint};
use assay::units::{BasisPoints, TokenAmount};
use referee::graph::IR_VERSION;
use solana_sdk::pubkey::Pubkey;

/// The terms of a session. Prices are base units of the payment mint, bonds of the stake mint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTerms {
    /// The node account that the session is offered to.
    pub node: Pubkey,
    /// The mint of the price.
    pub payment_mint: Pubkey,
    /// What one request costs.
    pub price: u64,
    /// What is escrowed; what no voucher spends comes back.
    pub balance: u64,
    /// How long the node may take to load the model and accept.
    pub accept_slots: u64,
    /// How long it then serves.
    pub session_slots: u64,
    /// How long vouchers and receipts count after the end, and how long a receipt that is called in can be challenged; `None`: the
    /// network's shortest window.
    pub window_slots: Option<u64>,
    /// What the node locks; `None`: the network's least for the balance, and at least 1.
    pub bond: Option<u64>,
}

impl SessionTerms {
    /// A session that the node may accept for 750 slots (five minutes) and then serves for 4,500 (half an hour).
    pub fn new(node: Pubkey, payment_mint: Pubkey, price: u64, balance: u64) -> Self {
        let (accept_slots, session_slots) = (750, 4_500);
        Self { node, payment_mint, price, balance, accept_slots, session_slots, window_slots: None, bond: None }
    }

    /// The arguments of `open_session`.
    ///
    /// # Errors
    /// A balance so high that no bond can be computed for it.
    pub fn arguments(
        &self,
        session_id: u64,
        model: &Model,
        uris: &ModelUris,
        voucher_key: &Pubkey,
        network: &Network,
        mint: &PaymentMint,
    ) -> Result<OpenSessionArgs, ClientError> {
        let multiple = BasisPoints(network.parameters.minimum_bond_bps);
        let least = minimum_bond(TokenAmount(self.balance), mint.bond_rate(), multiple)
            .map_err(|_| ClientError::Price { price_max: self.balance })?;
        Ok(OpenSessionArgs {
            session_id,
            graph_root: model.graph_root,
            params_root: model.params_root,
            ir_version: IR_VERSION,
            voucher_key: *voucher_key,
            price: self.price,
            balance: self.balance,
            accept_slots: self.accept_slots,
            session_slots: self.session_slots,
            window_slots: self.window_slots.unwrap_or(network.parameters.minimum_window_slots),
            bond: self.bond.unwrap_or(least.0.max(1)),
            graph_uri: uris.graph.clone(),
            params_uri: uris.params.clone(),
        })
    }
}
