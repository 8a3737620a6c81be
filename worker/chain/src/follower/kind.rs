//! The kinds of accounts that a history is made of.

use crate::accounts::{Kind, decode, kind_filter};
use crate::chain::RawAccount;
use crate::error::Result;
use anchor_lang::Discriminator;
use assay::state::{Budget, Challenge, Demand, Job, Node, Proposal, Session};
use solana_client::rpc_filter::RpcFilterType;
use solana_sdk::pubkey::Pubkey;

/// A kind of account. The number is how databases keep it; numbers never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum AccountKind {
    /// A job, or a receipt that was called in.
    Job = 0,
    /// A node.
    Node = 1,
    /// A session.
    Session = 2,
    /// A challenge of a job.
    Challenge = 3,
    /// Something that has to be opened in a dispute.
    Demand = 4,
    /// A change that governance proposes.
    Proposal = 5,
    /// A budget of an agent.
    Budget = 6,
}

impl AccountKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::Job, Self::Node, Self::Session, Self::Challenge, Self::Demand, Self::Proposal, Self::Budget];

    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The first bytes of an account of this kind.
    pub fn discriminator(self) -> &'static [u8] {
        match self {
            Self::Job => Job::DISCRIMINATOR,
            Self::Node => Node::DISCRIMINATOR,
            Self::Session => Session::DISCRIMINATOR,
            Self::Challenge => Challenge::DISCRIMINATOR,
            Self::Demand => Demand::DISCRIMINATOR,
            Self::Proposal => Proposal::DISCRIMINATOR,
            Self::Budget => Budget::DISCRIMINATOR,
        }
    }

    /// Which accounts are of this kind.
    pub(super) fn filter(self) -> RpcFilterType {
        match self {
            Self::Job => kind_filter::<Job>(),
            Self::Node => kind_filter::<Node>(),
            Self::Session => kind_filter::<Session>(),
            Self::Challenge => kind_filter::<Challenge>(),
            Self::Demand => kind_filter::<Demand>(),
            Self::Proposal => kind_filter::<Proposal>(),
            Self::Budget => kind_filter::<Budget>(),
        }
    }

    /// Reads an account of this kind.
    ///
    /// # Errors
    /// `C0131` when another program owns the account, `C0132` when it is of another kind, `C0133` when its layout is an earlier one.
    pub fn decode(self, address: &Pubkey, account: &RawAccount) -> Result<FollowedAccount> {
        fn boxed<T: Kind>(address: &Pubkey, account: &RawAccount) -> Result<Box<T>> {
            decode(address, account).map(Box::new)
        }
        Ok(match self {
            Self::Job => FollowedAccount::Job(boxed(address, account)?),
            Self::Node => FollowedAccount::Node(boxed(address, account)?),
            Self::Session => FollowedAccount::Session(boxed(address, account)?),
            Self::Challenge => FollowedAccount::Challenge(boxed(address, account)?),
            Self::Demand => FollowedAccount::Demand(boxed(address, account)?),
            Self::Proposal => FollowedAccount::Proposal(boxed(address, account)?),
            Self::Budget => FollowedAccount::Budget(boxed(address, account)?),
        })
    }
}

/// An account of one of the kinds, read.
#[derive(Clone, Debug)]
pub enum FollowedAccount {
    /// A job, or a receipt that was called in.
    Job(Box<Job>),
    /// A node.
    Node(Box<Node>),
    /// A session.
    Session(Box<Session>),
    /// A challenge of a job.
    Challenge(Box<Challenge>),
    /// Something that has to be opened in a dispute.
    Demand(Box<Demand>),
    /// A change that governance proposes.
    Proposal(Box<Proposal>),
    /// A budget of an agent.
    Budget(Box<Budget>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::AccountSerialize;

    #[test]
    fn numbers_stand_for_kinds_and_kinds_are_told_apart() {
        for kind in AccountKind::ALL {
            assert_eq!(AccountKind::from_number(kind as u8), Some(kind));
            for other in AccountKind::ALL {
                assert_eq!(kind.discriminator() == other.discriminator(), kind == other);
            }
        }
        assert_eq!(AccountKind::from_number(7), None);
    }

    #[test]
    fn an_account_is_read_as_its_own_kind_only() {
        let job = Job { version: Job::VERSION, price_max: 5, ..Job::default() };
        let mut data = Vec::new();
        job.try_serialize(&mut data).unwrap();
        let account = RawAccount { owner: assay::ID, lamports: 1, data, executable: false };
        let address = Pubkey::new_unique();
        let read = AccountKind::Job.decode(&address, &account).unwrap();
        assert!(matches!(read, FollowedAccount::Job(read) if *read == job));
        assert_eq!(AccountKind::Node.decode(&address, &account).unwrap_err().code(), "C0132");
    }
}
