//! The instructions of disputes. Optional accounts are left out where nothing is passed for them.

use super::{TokenMint, build};
use assay::address;
use assay::dispute::Target;
use assay::dispute::signature::{ED25519_PROGRAM, INSTRUCTIONS_SYSVAR, SLOT_HASHES_SYSVAR, SegmentStatement};
use assay::instruction as data;
use assay::state::{Challenge, Demand, DemandKey, Job, SegmentClaim};
use assay::state_machine::JobState;
use assay::{
    CloseChallengeArgs, CloseSegmentClaimArgs, CommitChallengeArgs, DemandOpeningArgs, DemandSegmentRootArgs,
    GrowBufferArgs, OpenBufferArgs, PostSegmentRootArgs, ProveEquivocationArgs, RecordSegmentRootArgs,
    RevealChallengeArgs, WriteBufferArgs, accounts,
};
use solana_sdk::instruction::{AccountMeta, Instruction};
use solana_sdk::pubkey::Pubkey;
use spl_associated_token_account_interface::address::get_associated_token_address_and_bump_seed;

const SYSTEM: Pubkey = solana_system_interface::program::ID;

/// Commits to a challenge; `sealed` is what [`assay::dispute::seal`] gives. The bond comes out of `source`.
pub fn commit_challenge(
    challenger: &Pubkey,
    job: &Pubkey,
    stake_mint: TokenMint,
    source: &Pubkey,
    sealed: [u8; 32],
) -> Instruction {
    build(
        accounts::CommitChallenge {
            challenger: *challenger,
            network: address::network(),
            job: *job,
            challenge: address::challenge(job, challenger),
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            source: *source,
            token_program: stake_mint.token_program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CommitChallenge { args: CommitChallengeArgs { sealed } },
    )
}

/// Opens the seal of a challenge.
pub fn reveal_challenge(
    challenger: &Pubkey,
    job: &Pubkey,
    target: Target,
    own_hash: [u8; 32],
    salt: [u8; 32],
) -> Instruction {
    build(
        accounts::RevealChallenge {
            challenger: *challenger,
            job: *job,
            challenge: address::challenge(job, challenger),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::RevealChallenge { args: RevealChallengeArgs { target, own_hash, salt } },
    )
}

/// Opens a buffer of `bytes` bytes; more than about 10,000 need [`grow_buffer`].
pub fn open_buffer(owner: &Pubkey, id: u64, bytes: u32) -> Instruction {
    build(
        accounts::OpenBuffer { owner: *owner, buffer: address::buffer(owner, id), system_program: SYSTEM },
        data::OpenBuffer { args: OpenBufferArgs { id, bytes } },
    )
}

/// Makes a buffer hold `bytes` bytes, at most 10,240 more than before.
pub fn grow_buffer(owner: &Pubkey, id: u64, bytes: u32) -> Instruction {
    build(
        accounts::GrowBuffer { owner: *owner, buffer: address::buffer(owner, id), system_program: SYSTEM },
        data::GrowBuffer { args: GrowBufferArgs { bytes } },
    )
}

/// Writes into a buffer; about 900 bytes fit a transaction.
pub fn write_buffer(owner: &Pubkey, id: u64, offset: u32, bytes: &[u8]) -> Instruction {
    build(
        accounts::WriteBuffer { owner: *owner, buffer: address::buffer(owner, id) },
        data::WriteBuffer { args: WriteBufferArgs { offset, bytes: bytes.to_vec() } },
    )
}

/// Removes a buffer; its rent returns to the owner.
pub fn close_buffer(owner: &Pubkey, id: u64) -> Instruction {
    build(accounts::CloseBuffer { owner: *owner, buffer: address::buffer(owner, id) }, data::CloseBuffer {})
}

/// Most bytes that a buffer holds right after [`open_buffer`].
pub const FIRST_BUFFER_BYTES: u32 =
    (assay::state::Buffer::MAXIMUM_STEP_BYTES - assay::state::Buffer::BYTES_OFFSET) as u32;

/// What creates a buffer of `bytes` bytes, in order: one opening and as many growths as it takes.
pub fn create_buffer(owner: &Pubkey, id: u64, bytes: u32) -> Vec<Instruction> {
    let mut length = bytes.min(FIRST_BUFFER_BYTES);
    let mut instructions = vec![open_buffer(owner, id, length)];
    while length < bytes {
        length = bytes.min(length + assay::state::Buffer::MAXIMUM_STEP_BYTES as u32);
        instructions.push(grow_buffer(owner, id, length));
    }
    instructions
}

/// The instruction of the ed25519 program that verifies `signature` of `operator` over the statement. It must stand right
/// before the instruction that relies on it.
pub fn verify_segment_signature(operator: &Pubkey, statement: &SegmentStatement, signature: &[u8; 64]) -> Instruction {
    verify_signature(operator, &statement.message(), signature)
}

/// The instruction of the ed25519 program that verifies one signature of `key` over `message`, all from its own data.
pub(super) fn verify_signature(key: &Pubkey, message: &[u8], signature: &[u8; 64]) -> Instruction {
    const HEAD: u16 = 2 + 14;
    const OWN: u16 = u16::MAX;
    let (key_at, signature_at, message_at) = (HEAD, HEAD + 32, HEAD + 32 + 64);
    let mut bytes = vec![1, 0];
    for number in [signature_at, OWN, key_at, OWN, message_at, message.len() as u16, OWN] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(key.as_ref());
    bytes.extend(signature);
    bytes.extend(message);
    Instruction { program_id: ED25519_PROGRAM, accounts: Vec::new(), data: bytes }
}

/// Records a segment root that the operator of `job` signed: the signature check, and the instruction that relies on it. Both
/// must stay together, in this order. `payer` pays the rent and receives the fee of a demand.
pub fn record_segment_root(
    payer: &Pubkey,
    operator: &Pubkey,
    statement: &SegmentStatement,
    signature: &[u8; 64],
) -> [Instruction; 2] {
    let (job, segment) = (&statement.job, statement.segment);
    let record = build(
        accounts::RecordSegmentRoot {
            payer: *payer,
            network: address::network(),
            job: *job,
            claim: address::segment_claim(job, segment, operator),
            demand: address::demand(job, &DemandKey::segment_root(segment)),
            instructions: INSTRUCTIONS_SYSVAR,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::RecordSegmentRoot { args: RecordSegmentRootArgs { segment, root: statement.root } },
    );
    [verify_segment_signature(operator, statement, signature), record]
}

/// Posts an unsigned root of a demanded segment; `node` is the one that claimed the job. The bond comes out of `source`.
pub fn post_segment_root(
    poster: &Pubkey,
    job: &Pubkey,
    node: &Pubkey,
    segment: u16,
    root: [u8; 32],
    stake_mint: TokenMint,
    source: &Pubkey,
) -> Instruction {
    build(
        accounts::PostSegmentRoot {
            poster: *poster,
            network: address::network(),
            job: *job,
            node: *node,
            demand: address::demand(job, &DemandKey::segment_root(segment)),
            claim: address::segment_claim(job, segment, poster),
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            source: *source,
            token_program: stake_mint.token_program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::PostSegmentRoot { args: PostSegmentRootArgs { root } },
    )
}

/// Demands the root of a segment. `challenge` is the challenger's as it is now; `witness` is a buffer with the descriptor of
/// the tensor `slot`, which the segment produces, needed where the demand is new.
pub fn demand_segment_root(
    challenge: &Challenge,
    operator: &Pubkey,
    segment: u16,
    slot: u16,
    witness: Option<Pubkey>,
) -> Instruction {
    let job = &challenge.job;
    build(
        accounts::DemandSegmentRoot {
            challenger: challenge.challenger,
            job: *job,
            challenge: address::challenge(job, &challenge.challenger),
            demand: address::demand(job, &DemandKey::segment_root(segment)),
            waiting: waiting(challenge),
            signed_claim: address::segment_claim(job, segment, operator),
            witness,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::DemandSegmentRoot { args: DemandSegmentRootArgs { segment, slot } },
    )
}

/// What binds the place that a demand asks to open, besides the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// A demand of the same tree above it, where the tree was entered before.
    pub parent: Option<Pubkey>,
    /// The segment root below which it lies.
    pub claim: Option<Pubkey>,
    /// A buffer with a witness, where a segment's or tensor's tree is entered.
    pub witness: Option<Pubkey>,
}

/// Demands an opening. `challenge` is the challenger's as it is now.
pub fn demand_opening(challenge: &Challenge, binding: Binding, args: DemandOpeningArgs) -> Instruction {
    let job = &challenge.job;
    build(
        accounts::DemandOpening {
            challenger: challenge.challenger,
            job: *job,
            challenge: address::challenge(job, &challenge.challenger),
            demand: address::demand(job, &args.key),
            waiting: waiting(challenge),
            parent: binding.parent,
            claim: binding.claim,
            witness: binding.witness,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::DemandOpening { args },
    )
}

/// Answers a demand with a buffer of `owner` that holds the answer and nothing else.
pub fn answer_opening(owner: &Pubkey, demand_address: &Pubkey, demand: &Demand, buffer: &Pubkey) -> Instruction {
    build(
        accounts::AnswerOpening {
            owner: *owner,
            demand: *demand_address,
            claim: some(demand.claim),
            buffer: *buffer,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::AnswerOpening {},
    )
}

/// Proves a fault with a buffer of the challenger. `job` is the challenged one as it is now; `claim` is the segment root that the
/// proof reads, if it reads one.
pub fn prove(
    challenge: &Challenge,
    job: &Job,
    buffer: &Pubkey,
    claim: Option<(&Pubkey, &SegmentClaim)>,
) -> Instruction {
    build(
        accounts::Prove {
            challenger: challenge.challenger,
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            node: job.node,
            job: challenge.job,
            challenge: address::challenge(&challenge.job, &challenge.challenger),
            buffer: *buffer,
            waiting: waiting(challenge),
            claim: claim.map(|(address, _)| *address),
            segment_demand: claim.and_then(|(_, claim)| some(claim.demand)),
            session: convictable_session(job),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::Prove {},
    )
}

/// Proves that the operator of `job` signed another root than the recorded one: the signature check, and the instruction that
/// relies on it. Both must stay together, in this order. `job` is the challenged one as it is now.
pub fn prove_equivocation(
    challenge: &Challenge,
    job: &Job,
    statement: &SegmentStatement,
    signature: &[u8; 64],
) -> [Instruction; 2] {
    let prove = build(
        accounts::ProveEquivocation {
            challenger: challenge.challenger,
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            node: job.node,
            job: challenge.job,
            challenge: address::challenge(&challenge.job, &challenge.challenger),
            waiting: waiting(challenge),
            claim: address::segment_claim(&challenge.job, statement.segment, &job.operator),
            session: convictable_session(job),
            instructions: INSTRUCTIONS_SYSVAR,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::ProveEquivocation { args: ProveEquivocationArgs { root: statement.root } },
    );
    [verify_segment_signature(&job.operator, statement, signature), prove]
}

/// Ends a challenge's wait for an answer. `job` is the challenged one as it is now; `claim` is the posted root below which the
/// demand lies, if it does. Nobody needs to sign but the fee payer.
pub fn time_out_defender(challenge: &Challenge, job: &Job, claim: Option<(&Pubkey, &SegmentClaim)>) -> Instruction {
    build(
        accounts::TimeOutDefender {
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            node: job.node,
            job: challenge.job,
            challenge: address::challenge(&challenge.job, &challenge.challenger),
            waiting: challenge.clocks.demand,
            claim: claim.map(|(address, _)| *address),
            segment_demand: claim.and_then(|(_, claim)| some(claim.demand)),
            session: convictable_session(job),
            slot_hashes: SLOT_HASHES_SYSVAR,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::TimeOutDefender {},
    )
}

/// Ends a challenge whose time is over. Nobody needs to sign but the fee payer.
pub fn time_out_challenger(challenge: &Challenge, node: &Pubkey) -> Instruction {
    let job = &challenge.job;
    build(
        accounts::TimeOutChallenger {
            node: *node,
            job: *job,
            challenge: address::challenge(job, &challenge.challenger),
            waiting: waiting(challenge),
            slot_hashes: SLOT_HASHES_SYSVAR,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::TimeOutChallenger {},
    )
}

/// Gives a challenge up.
pub fn withdraw_challenge(challenger: &Pubkey, job: &Pubkey, node: &Pubkey) -> Instruction {
    build(
        accounts::WithdrawChallenge {
            challenger: *challenger,
            node: *node,
            job: *job,
            challenge: address::challenge(job, challenger),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::WithdrawChallenge {},
    )
}

/// Ends a challenge after a conviction. Nobody needs to sign but the fee payer.
pub fn resolve_challenge(job: &Pubkey, challenger: &Pubkey) -> Instruction {
    build(
        accounts::ResolveChallenge {
            job: *job,
            challenge: address::challenge(job, challenger),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::ResolveChallenge {},
    )
}

/// Shares the bounty out among all challenges that won, in any order. Nobody needs to sign but the fee payer.
pub fn settle_dispute(job: &Pubkey, won: &[Pubkey]) -> Instruction {
    let mut instruction = build(
        accounts::SettleDispute { job: *job, event_authority: address::EVENT_AUTHORITY, program: assay::ID },
        data::SettleDispute {},
    );
    let mut won = won.to_vec();
    won.sort();
    instruction.accounts.extend(won.into_iter().map(|challenge| AccountMeta::new(challenge, false)));
    instruction
}

/// Pays a challenge that has ended out to the challenger's associated token account, which must exist; anyone may sign.
pub fn close_challenge(authority: &Pubkey, job: &Pubkey, challenger: &Pubkey, stake_mint: TokenMint) -> Instruction {
    let (destination, bump) = associated(challenger, stake_mint);
    build(
        accounts::CloseChallenge {
            authority: *authority,
            network: address::network(),
            challenge: address::challenge(job, challenger),
            challenger: *challenger,
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            destination,
            token_program: stake_mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CloseChallenge { args: CloseChallengeArgs { associated_bump: Some(bump) } },
    )
}

/// Burns what was slashed or lost over a job. Nobody needs to sign but the fee payer.
pub fn burn_slash(job: &Pubkey, stake_mint: TokenMint) -> Instruction {
    build(
        accounts::BurnSlash {
            network: address::network(),
            job: *job,
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            token_program: stake_mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::BurnSlash {},
    )
}

/// Removes a demand once the dispute is over. Nobody needs to sign but the fee payer.
pub fn close_demand(demand_address: &Pubkey, demand: &Demand) -> Instruction {
    build(
        accounts::CloseDemand {
            job: demand.job,
            demand: *demand_address,
            payer: demand.payer,
            answer: some(demand.answer),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CloseDemand {},
    )
}

/// Removes a segment root once the dispute is over; a bond goes to its author's associated token account, which must exist.
/// Anyone may sign.
pub fn close_segment_claim(
    authority: &Pubkey,
    claim_address: &Pubkey,
    claim: &SegmentClaim,
    stake_mint: TokenMint,
) -> Instruction {
    let (destination, bump) = associated(&claim.author, stake_mint);
    build(
        accounts::CloseSegmentClaim {
            authority: *authority,
            network: address::network(),
            job: claim.job,
            claim: *claim_address,
            payer: claim.payer,
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            destination: (claim.bond > 0).then_some(destination),
            token_program: stake_mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CloseSegmentClaim { args: CloseSegmentClaimArgs { associated_bump: Some(bump) } },
    )
}

/// What the operator of a job signs for a segment root.
pub fn segment_statement(
    genesis_hash: [u8; 32],
    job_address: &Pubkey,
    job: &Job,
    segment: u16,
    root: [u8; 32],
) -> SegmentStatement {
    SegmentStatement {
        genesis_hash,
        job: *job_address,
        commitment: job.commitment,
        segment,
        ir_version: job.ir_version,
        root,
    }
}

/// The session that is convicted with `job`, if the job is a receipt that was called in and is not convicted yet. One that is does
/// without: its session may be gone.
fn convictable_session(job: &Job) -> Option<Pubkey> {
    some(job.session).filter(|_| job.state != JobState::Convicted)
}

fn waiting(challenge: &Challenge) -> Option<Pubkey> {
    some(challenge.clocks.demand)
}

fn some(key: Pubkey) -> Option<Pubkey> {
    (key != Pubkey::default()).then_some(key)
}

fn associated(owner: &Pubkey, mint: TokenMint) -> (Pubkey, u8) {
    let program = spl_associated_token_account_interface::program::ID;
    get_associated_token_address_and_bump_seed(owner, &mint.address, &program, &mint.token_program)
}
