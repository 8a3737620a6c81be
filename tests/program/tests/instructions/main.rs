//! Every instruction of the compiled program: what it does when it is called rightly, each rule that it refuses to break, and
//! each account replaced by a wrong one. One file an instruction.

mod accept_authority;
mod allow_payment_mint;
mod cancel_job;
mod cancel_withdrawal;
mod claim_job;
mod close_job;
mod commit_result;
mod damaged_accounts;
mod deregister_node;
mod every_call;
mod expire_claim;
mod expire_job;
mod finalise_job;
mod hostile_data;
mod initialize_network;
mod post_job;
mod propose_authority;
mod refused_mints;
mod register_node;
mod request_withdrawal;
mod set_parameters;
mod set_payment_mint;
mod stake;
mod stories;
mod substitutions;
mod sweep_fee;
mod update_node;
mod withdraw_charge;
mod withdraw_credit;
mod withdraw_fees;
mod withdraw_stake;
