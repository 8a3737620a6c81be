//! `assay node doctor`: whether anything stands in the way of this node's jobs, or puts its stake at risk.

use super::Folder;
use super::status::{Known, known};
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, Table};
use assay::state::Node;
use assay_chain::read_keypair;
use serde::Serialize;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    check: &'static str,
    /// The stable code of what is wrong; nothing if all is well.
    code: Option<&'static str>,
    words: String,
}

impl Finding {
    fn well(check: &'static str, words: impl Into<String>) -> Self {
        Self { check, code: None, words: words.into() }
    }

    fn wrong(check: &'static str, code: &'static str, words: impl Into<String>) -> Self {
        Self { check, code: Some(code), words: words.into() }
    }
}

pub(super) async fn doctor(context: &Context, folder: &Folder, output: Output) -> Result<(), CliError> {
    let node = folder.node()?;
    let operator = read_keypair(&folder.operator_path())?.pubkey();
    let account = context.chain().find_node(&node).await?;
    let known = known(context, folder, account.as_ref()).await?;
    let findings = examine(&node, account.as_ref(), &operator, &known);
    output.result(&findings, || {
        let mut table = Table::new(&["check", "found", ""]);
        for Finding { check, code, words } in &findings {
            table.row([(*check).to_owned(), code.unwrap_or("well").to_owned(), words.clone()]);
        }
        table.render()
    })?;
    match findings.iter().filter_map(|finding| finding.code).collect::<Vec<_>>()[..] {
        [] => Ok(()),
        ref codes => Err(CliError::new("A0207", format!("not all is well: {}; see the list above", codes.join(", ")))),
    }
}

/// What is well and what is not.
fn examine(node: &Pubkey, account: Option<&Node>, operator: &Pubkey, known: &Known) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(account) = account else {
        let words =
            format!("there is no node {node} on this network: register it with `assay node init`, or check --url");
        return vec![Finding::wrong("registration", "N0601", words)];
    };
    findings.push(if account.operator == *operator {
        Finding::well("operator key", operator.to_string())
    } else {
        let words = format!("the chain names {}, the folder holds {operator}", account.operator);
        Finding::wrong("operator key", "N0602", words)
    });
    findings.push(match account.fraud_convictions {
        0 => Finding::well("convictions", "none"),
        _ => Finding::wrong("convictions", "N0503", "it was convicted and claims no more: register another node"),
    });
    let funds = &known.funds;
    let balance =
        funds.balance_lamports.map_or_else(|| "an unknown number of".to_owned(), |lamports| lamports.to_string());
    let needed = funds.needed_lamports;
    findings.push(match funds.lacking_lamports {
        0 => Finding::well("lamports", format!("{balance} lamports, {needed} needed for the defence of the open jobs")),
        lacking => Finding::wrong(
            "lamports",
            "N0406",
            format!("{balance} lamports, {needed} needed for the defence of the open jobs: send {lacking} or more to {operator}"),
        ),
    });
    if let Some(held_back) = funds.held_back.first() {
        let words = format!("{} jobs are not claimed: {}", funds.held_back.len(), held_back.refusal);
        findings.push(Finding::wrong("claims", "N0218", words));
    }
    findings.push(match (known.is_running, known.totals.open, known.session_totals.open) {
        (true, _, _) => Finding::well("service", "running"),
        (false, 0, 0) => Finding::well("service", "not running, and no job or session waits for it"),
        (false, jobs, sessions) => Finding::wrong(
            "service",
            "N0407",
            format!(
                "not running while {jobs} jobs and {sessions} sessions are open: nobody answers for their results; run `assay node run`"
            ),
        ),
    });
    findings.push(match (known.disputes.challenges, known.disputes.next_answer_slot) {
        (0, _) => Finding::well("disputes", "none are open"),
        (open, None) => Finding::well("disputes", format!("{open} challenges, nothing is due")),
        (open, Some(slot)) => Finding::well("disputes", format!("{open} challenges, an answer is due by slot {slot}")),
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_node::defence::reserve::{Funds, HeldBack};
    use assay_node::refusal::Refusal;
    use assay_node::status::Totals;

    fn codes(findings: &[Finding]) -> Vec<&str> {
        findings.iter().filter_map(|finding| finding.code).collect()
    }

    #[test]
    fn every_trouble_has_its_code_and_a_healthy_node_none() {
        let (node, operator) = (Pubkey::new_unique(), Pubkey::new_unique());
        let account = Node { operator, ..Node::default() };
        let funds = Funds { balance_lamports: Some(100), needed_lamports: 90, ..Funds::default() };
        let well = Known { is_running: true, funds, ..Known::default() };
        let of = |account: &Node, known: &Known| examine(&node, Some(account), &operator, known);
        assert_eq!(codes(&of(&account, &well)), [""; 0]);
        assert_eq!(codes(&examine(&node, None, &operator, &well)), ["N0601"]);
        let other = Node { operator: node, fraud_convictions: 1, ..account.clone() };
        assert_eq!(codes(&of(&other, &well)), ["N0602", "N0503"]);
        let refusal = Refusal::new("N0218", "too little", "send more");
        let held_back = vec![HeldBack { job: "job".to_owned(), refusal }];
        let funds = Funds { balance_lamports: Some(10), needed_lamports: 90, lacking_lamports: 80, held_back };
        let totals = Totals { open: 2, ..Totals::default() };
        let ill = Known { is_running: false, funds, totals, ..Known::default() };
        let findings = of(&account, &ill);
        assert_eq!(codes(&findings), ["N0406", "N0218", "N0407"]);
        assert!(findings[2].words.contains(&format!("send 80 or more to {operator}")), "{findings:?}");
    }
}
