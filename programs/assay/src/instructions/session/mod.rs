//! Instructions of sessions and of receipts that are called in.

mod accept_session;
mod amend_receipt;
mod cancel_session;
mod close_receipt;
mod close_session;
mod end_session;
mod expire_session;
mod finalise_receipt;
mod finalise_session;
mod open_receipt;
mod open_session;
mod record_voucher;
mod withdraw_session_credit;

pub use accept_session::*;
pub use amend_receipt::*;
pub use cancel_session::*;
pub use close_receipt::*;
pub use close_session::*;
pub use end_session::*;
pub use expire_session::*;
pub use finalise_receipt::*;
pub use finalise_session::*;
pub use open_receipt::*;
pub use open_session::*;
pub use record_voucher::*;
pub use withdraw_session_credit::*;
