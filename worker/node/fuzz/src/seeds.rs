//! Inputs that fuzzing begins with: one of each valid form, made of values. `cargo run --example seeds` in this folder writes them,
//! a test compares them with the committed ones.

use crate::models;
use anchor_lang::AccountSerialize;
use assay::dispute::signature::signed_by;
use assay::market::OutputDescriptor;
use assay::session::Receipt;
use assay::state::{
    Attestation, Budget, Buffer, Challenge, Change, Client, Demand, Job, Network, Node, PaymentMint, Proposal,
    RewardPool, SegmentClaim, Session, StakeRegister, Validator,
};
use assay::state_machine::JobState;
use assay_chain::instructions::request_withdrawal;
use assay_kernels::conformance::random_vector;
use prost::Message as _;
use solana_sdk::hash::Hash;
use solana_sdk::instruction::Instruction;
use solana_sdk::message::Message;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use solana_sdk::transaction::Transaction;

/// Random graphs, and the most bytes of one that is taken.
const GRAPHS: u64 = 48;
const MOST_GRAPH_BYTES: usize = 1_200;

/// An input of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The target.
    pub target: &'static str,
    /// The file.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

fn seed(target: &'static str, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Seed {
    Seed { target, name: name.into(), bytes: bytes.into() }
}

/// All of them.
pub fn all() -> Vec<Seed> {
    [accounts(), transactions(), payments(), queries(), messages(), onnx(), files(), graphs()].concat()
}

fn account(name: &str, value: &impl AccountSerialize) -> Seed {
    let mut data = Vec::new();
    value.try_serialize(&mut data).expect("an account is written");
    // As if it had not changed: the second state is the first.
    let length = u16::try_from(data.len()).expect("a short account").to_le_bytes();
    seed("chain_account", name, [&length[..], &data, &data].concat())
}

fn accounts() -> Vec<Seed> {
    let key = |byte| Pubkey::new_from_array([byte; 32]);
    let uri = || format!("https://store.example/v1/artifacts/{}", "ab".repeat(32));
    let job = Job {
        version: Job::VERSION,
        client: key(1),
        graph_uri: uri(),
        params_uri: uri(),
        inputs_uri: uri(),
        price_min: 5,
        price_max: 9,
        posted_slot: 100,
        ..Job::default()
    };
    let claimed = Job { state: JobState::Committed, node: key(2), ..job.clone() };
    let session =
        Session { version: Session::VERSION, client: key(1), node: key(2), graph_uri: uri(), ..Session::default() };
    let mint = PaymentMint {
        version: PaymentMint::VERSION,
        bump: 1,
        enabled: true,
        freezable: false,
        decimals: 6,
        mint: key(5),
        token_program: key(6),
        fee_vault: key(7),
        bond_numerator: 1,
        bond_denominator: 1,
    };
    let proposal = Proposal {
        version: Proposal::VERSION,
        bump: 1,
        number: 4,
        proposer: key(1),
        proposed_slot: 5,
        eta_slot: 6,
        last_slot: 7,
        change: Change::FeeBurn { fee_burn_bps: 1 },
    };
    let mut second = Vec::new();
    claimed.try_serialize(&mut second).expect("a job is written");
    let mut moved = account("job-moved", &job);
    let data = moved.bytes.len() - 2;
    moved.bytes.truncate(2 + data / 2);
    moved.bytes.extend(second);
    vec![
        account("attestation", &Attestation::default()),
        account("budget", &Budget { owner: key(1), agent: key(2), ..Budget::default() }),
        account("buffer", &Buffer { owner: key(1), ..Buffer::default() }),
        account("challenge", &Challenge { job: key(1), ..Challenge::default() }),
        account("client", &Client { version: 1, ..Client::default() }),
        account("demand", &Demand { job: key(1), ..Demand::default() }),
        account("job", &job),
        account("job-committed", &claimed),
        moved,
        account("network", &Network { version: Network::VERSION, ..Network::default() }),
        account("node", &Node { operator: key(3), endpoint: "https://node.example".to_owned(), ..Node::default() }),
        account("payment-mint", &mint),
        account("proposal", &proposal),
        account("reward-pool", &RewardPool::default()),
        account("segment-claim", &SegmentClaim::default()),
        account("session", &session),
        account("stake-register", &StakeRegister::default()),
        account("validator", &Validator::default()),
    ]
}

fn transactions() -> Vec<Seed> {
    let (key, other) = (Keypair::new_from_array([1; 32]), Keypair::new_from_array([2; 32]));
    let withdraw = request_withdrawal(&key.pubkey(), &Pubkey::new_from_array([3; 32]), 5);
    let strange = Instruction::new_with_bytes(other.pubkey(), &[1, 2, 3], vec![]);
    let hash = Hash::new_from_array([4; 32]);
    let text = |transaction: &Transaction, lifetime: &str| {
        let wire = hex::encode(bincode::serialize(transaction).expect("a transaction is written"));
        format!(
            "{{\n  \"form\": 1,\n  \"cluster\": \"{hash}\",\n  \"lifetime\": {lifetime},\n  \"transaction\": \"{wire}\"\n}}"
        )
    };
    let unsigned = |instructions: &[Instruction]| {
        Transaction::new_unsigned(Message::new_with_blockhash(instructions, Some(&key.pubkey()), &hash))
    };
    let nonce = "{\"kind\": \"nonce\"}";
    let recent = "{\"kind\": \"blockhash\", \"last_valid_block_height\": 9}";
    let mut signed = unsigned(&[withdraw.clone()]);
    signed.sign(&[&key], hash);
    vec![
        seed("travelling_transaction", "withdraw", text(&unsigned(&[withdraw.clone()]), nonce)),
        seed("travelling_transaction", "two", text(&unsigned(&[withdraw, strange]), recent)),
        seed("travelling_transaction", "signed", text(&signed, recent)),
        seed("travelling_transaction", "wire", bincode::serialize(&signed).expect("a transaction is written")),
    ]
}

fn payments() -> Vec<Seed> {
    let bytes = |amount: u64, changes: &[[u8; 4]]| [&amount.to_le_bytes()[..], changes.as_flattened()].concat();
    vec![
        seed("payment", "as-offered", bytes(10, &[])),
        seed("payment", "too-much", bytes(101, &[])),
        seed("payment", "other-term", bytes(10, &[[200, 1, 0, 9]])),
        seed("payment", "longer", bytes(10, &[[0, 1, 3, 1], [60, 0, 1, 0]])),
    ]
}

fn queries() -> Vec<Seed> {
    let key = Pubkey::new_from_array([7; 32]);
    let texts = [
        ("all", format!("state=settled&client={key}&node={key}&before=5-{key}&limit=200")),
        ("after", format!("after={key}&limit=1")),
        ("record", "after=9".to_owned()),
        ("hours", "hours=720".to_owned()),
        ("escaped", "state=%73ettled&limit=%31".to_owned()),
    ];
    texts.into_iter().map(|(name, text)| seed("index_query", name, text)).collect()
}

/// Data of the sysvar in which the instruction before the present one verified a signature of a key over a message.
fn verified(key: &[u8; 32], message: &[u8]) -> Vec<u8> {
    let number = |value: usize| u16::try_from(value).expect("a short message").to_le_bytes();
    // One signature, in the verifying instruction itself: 64 bytes, the key, the message.
    let signature_at = 2 + 7 * 2;
    let (key_at, message_at) = (signature_at + 64, signature_at + 64 + 32);
    let offsets = [signature_at, 0xffff, key_at, 0xffff, message_at, message.len(), 0xffff];
    let data = [&[1, 0][..], offsets.map(number).as_flattened(), &[9; 64], key, message].concat();
    let program = solana_sdk_ids::ed25519_program::ID;
    let instruction = [&number(0)[..], program.as_ref(), &number(data.len()), &data].concat();
    let first_at = 2 + 2 * 2;
    let second_at = first_at + instruction.len();
    let present = [&number(0)[..], assay::ID.as_ref(), &number(0)].concat();
    [&number(2)[..], &number(first_at), &number(second_at), &instruction, &present, &number(1)].concat()
}

fn messages() -> Vec<Seed> {
    let receipt = Receipt {
        genesis_hash: [1; 32],
        session: Pubkey::new_from_array([2; 32]),
        sequence: 3,
        inputs_root: [4; 32],
        symbols: [5, 0, 0, 0],
        output: OutputDescriptor { uid: [6; 8], leaves: 7, depth: 3, boundary_position: 1, boundary_count: 2 },
        boundary_root: [7; 32],
        output_root: [8; 32],
        price: 9,
    };
    let slots = |missing: u64| {
        let entry = |index: u64| [&(100 - index * missing).to_le_bytes()[..], &[index as u8; 32]].concat();
        [&3u64.to_le_bytes()[..], &(0..3).flat_map(entry).collect::<Vec<u8>>()].concat()
    };
    let sysvar = verified(&[1; 32], &receipt.message());
    assert_eq!(signed_by(&sysvar, &Pubkey::new_from_array([1; 32])).ok(), Some(&receipt.message()[..]));
    vec![
        seed("signed_message", "receipt", receipt.message()),
        seed("signed_message", "sysvar", sysvar),
        seed("signed_message", "slots", slots(1)),
        seed("signed_message", "slots-missing", slots(9)),
    ]
}

fn onnx() -> Vec<Seed> {
    models::all().into_iter().map(|(name, model)| seed("onnx_model", name, model.encode_to_vec())).collect()
}

/// A safetensors file by hand: the length of the header, the header, the values.
fn safetensors(header: &str, values: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![1; values]].concat()
}

fn files() -> Vec<Seed> {
    let header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}";
    let half = "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}";
    let bert = "kind = \"bert\"\nlayers = 1\nheads = 2\nhidden = 4\nintermediate = 8\nactivation = \"gelu\"\n\
                pooling = \"mean\"\nnormalise = true\nweights = \"model.safetensors\"\n\n";
    vec![
        seed("model_files", "weights", safetensors(header, 24)),
        seed("model_files", "halves", safetensors(half, 2)),
        seed("model_files", "bert", [bert.as_bytes(), &safetensors(header, 24)].concat()),
    ]
}

fn graphs() -> Vec<Seed> {
    let graph = |number| {
        let bytes = random_vector(number).graph.encode();
        (bytes.len() <= MOST_GRAPH_BYTES)
            .then(|| seed("run_graph", format!("random-{number:02}"), [&[0, number as u8][..], &bytes].concat()))
    };
    (0..GRAPHS).filter_map(graph).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_import::{ImportOptions, SymbolBounds, import_onnx};
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn the_committed_seeds_are_those_of_this_version() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
        let mut expected = BTreeSet::new();
        for seed in all() {
            let path = folder.join(seed.target).join(&seed.name);
            let committed = std::fs::read(&path).unwrap_or_default();
            assert!(committed == seed.bytes, "{} differs: run `cargo run --example seeds`", path.display());
            assert!(seed.bytes.len() <= 8_192, "{} has {} bytes", path.display(), seed.bytes.len());
            assert!(expected.insert(path), "two seeds of one name");
        }
        for target in std::fs::read_dir(&folder).unwrap().flatten() {
            for file in std::fs::read_dir(target.path()).unwrap().flatten() {
                assert!(expected.contains(&file.path()), "{} is made by nothing", file.path().display());
            }
        }
    }

    #[test]
    fn every_model_is_imported() {
        for (name, model) in models::all() {
            let bytes = model.encode_to_vec();
            let bounds = |name: &str| SymbolBounds { name: name.to_owned(), min: 1, max: 4 };
            let choices = [vec![], vec![bounds("batch")], vec![bounds("batch"), bounds("tokens")]];
            let imported =
                choices.map(|symbols| import_onnx(&bytes, &ImportOptions { symbols, drop_final_softmax: false }));
            let errors: Vec<String> =
                imported.iter().filter_map(|model| model.as_ref().err().map(ToString::to_string)).collect();
            assert!(errors.len() < 3, "{name}: {errors:?}");
        }
    }
}
