//! `record_accounts FOLDER`: writes the bytes of accounts of every kind, as the compiled program of today leaves them, so that
//! a later program can be tested against what is on a chain then. Run it before the layout of an account changes.
//!
//! Every key follows from its name, so the accounts belong to the parties of `World` and fit together: put into an empty chain
//! they are a market in the middle of its work.

use anchor_lang::Discriminator;
use assay::address;
use assay::state::{
    Attestation, Buffer, Challenge, Client, Demand, Job, Network, Node, PaymentMint, SegmentClaim, Validator,
};
use program_tests::terms::terms;
use program_tests::tokens::{TOKEN, TOKEN_2022};
use program_tests::trial::A;
use program_tests::{Case, Trial, World};
use std::fs;
use std::path::Path;

const KINDS: [(&str, &[u8]); 11] = [
    ("attestation", Attestation::DISCRIMINATOR),
    ("buffer", Buffer::DISCRIMINATOR),
    ("challenge", Challenge::DISCRIMINATOR),
    ("client", Client::DISCRIMINATOR),
    ("demand", Demand::DISCRIMINATOR),
    ("job", Job::DISCRIMINATOR),
    ("network", Network::DISCRIMINATOR),
    ("node", Node::DISCRIMINATOR),
    ("payment_mint", PaymentMint::DISCRIMINATOR),
    ("segment_claim", SegmentClaim::DISCRIMINATOR),
    ("validator", Validator::DISCRIMINATOR),
];

/// A market with jobs in every state that lasts, a dispute, an audit, a withdrawal under way, fees, and a proposed authority.
fn market() -> World {
    let (mut trial, [validator, other]) = Trial::audited(Case::wrong_in(A, 7));
    let (node, other_node) = (trial.world.node, trial.world.other_node);
    let second = trial.party("second");
    let poster = trial.party("poster");
    let world = &mut trial.world;
    world.accepts(&world.attest(&validator, &trial.job));
    world.accepts(&world.request_withdrawal(&node, 10_000));
    world.accepts(&world.request_validator_withdrawal(&other, 5_000));
    let missed = world.claimed();
    let settled = world.committed();
    let accepted = world.posted();
    world.accepts(&world.claim_job(&other_node, &accepted));
    let result = world.result(&accepted).args();
    world.accepts(&world.commit_result(&other_node, &accepted, result));
    world.accepts(&world.accept_result(&accepted));
    world.accepts(&world.propose_authority(world.other_client));

    world.advance(terms().run_slots + 1);
    world.accepts(&world.expire_claim(&node, &missed));
    world.accepts(&world.finalise_job(&node, &settled));
    let paid_out = world.posted();
    world.accepts(&world.claim_job(&other_node, &paid_out));
    let result = world.result(&paid_out).args();
    world.accepts(&world.commit_result(&other_node, &paid_out, result));
    world.accepts(&world.accept_result(&paid_out));
    world.accepts(&world.sweep_fee(&paid_out));

    let challenger = trial.challenge();
    trial.commit(second);
    trial.file();
    trial.demand_root(challenger, 0);
    let root = trial.case.segment_root(0);
    let post = trial.world.post_segment_root(poster, &trial.job, 0, root);
    trial.world.accepts(&post);
    let below = trial.tensor_demand(challenger, A, Some((post.accounts.claim, false)));
    trial.world.accepts(&below);
    trial.answer(poster, below.accounts.demand, true);

    let world = &mut trial.world;
    world.committed();
    world.claimed();
    world.post(world.other_client, &world.mint_2022.clone(), terms());
    world.cancelled();
    trial.world
}

fn main() {
    let folder = std::env::args().nth(1).expect("usage: record_accounts FOLDER");
    let folder = Path::new(&folder);
    fs::create_dir_all(folder).expect("the folder can be created");
    let world = market();
    let mut lines = Vec::new();
    for program in [assay::ID, TOKEN, TOKEN_2022] {
        for (key, account) in world.svm.get_program_accounts(&program) {
            let kind = KINDS.iter().find(|(_, discriminator)| account.data.starts_with(discriminator));
            let kind = kind.map_or("token", |(name, _)| name);
            let name = match key {
                address::NETWORK => kind.to_owned(),
                _ => format!("{kind}-{}", &key.to_string()[..8]),
            };
            fs::write(folder.join(format!("{name}.bin")), &account.data).expect("a file can be written");
            lines.push(format!("{name}.bin\t{key}\t{}\t{}", account.owner, account.lamports));
        }
    }
    lines.sort();
    let text = format!("slot\t{}\n{}\n", world.slot(), lines.join("\n"));
    fs::write(folder.join("accounts.tsv"), text).expect("the list can be written");
}
