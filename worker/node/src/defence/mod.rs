//! Answering challenges of this node's results, so that nobody convicts it by its silence.
//!
//! | module | what it is |
//! |---|---|
//! | [`duties`] | what has to be done next in a dispute, and by when: a pure function of its accounts |
//! | [`alarm`] | clocks that run low stop new claims; a conviction stops them for good |
//! | [`cost`] | what the openings of a graph can cost: a pure function of its shapes |
//! | [`exposure`] | what the defence of one job can still cost: a pure function of its disputes |
//! | [`reserve`] | the lamports for all open jobs: no claim without them, an alarm while they are lacking |
//! | [`watch`] | looks at the balance from time to time |
//!
//! What is carried out is `driver::defence`'s; the bytes of answers are [`assay_audit::answer`]'s. Nothing of it needs a promise in the journal but the roots that are signed:
//! the accounts say what is missing, the address of an answer's buffer follows from its demand, and whatever is sent twice
//! changes nothing the second time. So a node that dies in the middle of an upload reads what is there and writes the rest.

pub mod alarm;
pub mod cost;
pub mod duties;
pub mod exposure;
pub mod reserve;
pub mod watch;
