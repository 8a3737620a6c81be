//! `assay session list` and `status`.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, Table, fields_of};
use assay::session::SessionState;
use assay::state::Session;
use assay_chain::accounts::SessionFilter;
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;

pub(super) async fn list(
    context: &Context,
    client: Option<Pubkey>,
    node: Option<Pubkey>,
    output: Output,
) -> Result<(), CliError> {
    let mut sessions = context.chain().sessions(SessionFilter { client, node, ..SessionFilter::default() }).await?;
    sessions.sort_by_key(|(_, session)| (session.offered_slot, session.session_id));
    let values: Vec<Value> = sessions.iter().map(|(address, session)| describe(address, session)).collect();
    output.result(&values, || {
        let mut table = Table::new(&["session", "state", "price", "paid", "balance", "ends"]);
        for (address, session) in &sessions {
            table.row([
                address.to_string(),
                state(session),
                session.price.to_string(),
                session.paid.to_string(),
                session.balance.to_string(),
                reached(session.ends_slot).map_or("-".to_owned(), |slot| slot.to_string()),
            ]);
        }
        if sessions.is_empty() {
            return "no sessions".to_owned();
        }
        table.render()
    })
}

/// What the text form shows of a session, in the order in which a person asks.
const SHOWN: [&str; 20] = [
    "session",
    "state",
    "client",
    "session_id",
    "node",
    "operator",
    "payment_mint",
    "price",
    "balance",
    "paid",
    "bond",
    "offered_slot",
    "accept_until_slot",
    "accepted_slot",
    "ends_slot",
    "closing_until_slot",
    "open_receipts",
    "receipts_opened",
    "credit_node",
    "credit_client",
];

/// What [`describe`] gives, for people.
pub(super) fn words(value: &Value) -> String {
    fields_of(value, &SHOWN)
}

/// A session as JSON: everything that a person asks of it.
pub(super) fn describe(address: &Pubkey, session: &Session) -> Value {
    let accepted = reached(session.accepted_slot);
    let ended = session.state.is_end();
    json!({
        "session": address.to_string(),
        "state": state(session),
        "client": session.client.to_string(),
        "session_id": session.session_id,
        "node": session.node.to_string(),
        "operator": accepted.map(|_| session.operator.to_string()),
        "payment_mint": session.payment_mint.to_string(),
        "voucher_key": session.voucher_key.to_string(),
        "price": session.price,
        "balance": session.balance,
        "paid": session.paid,
        "bond": session.bond,
        "graph_root": hex::encode(session.graph_root),
        "params_root": hex::encode(session.params_root),
        "offered_slot": session.offered_slot,
        "accept_until_slot": (session.state == SessionState::Offered)
            .then(|| session.offered_slot.saturating_add(session.accept_slots)),
        "accepted_slot": accepted,
        "ends_slot": accepted.map(|_| session.ends_slot),
        "closing_until_slot": accepted.map(|_| session.ends_slot.saturating_add(session.window_slots)),
        "open_receipts": session.open_receipts,
        "receipts_opened": session.receipts_opened,
        "credit_node": ended.then_some(session.credits.node),
        "credit_client": ended.then_some(session.credits.client),
        "credit_fee": ended.then_some(session.credits.fee),
    })
}

fn state(session: &Session) -> String {
    format!("{:?}", session.state).to_lowercase()
}

/// A slot that is 0 as long as the session has not come so far.
fn reached(slot: u64) -> Option<u64> {
    (slot != 0).then_some(slot)
}
