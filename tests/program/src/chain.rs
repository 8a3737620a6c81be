//! Sending calls, and making every mistake that an account can be.

use crate::calls::Call;
use crate::outcome::{Outcome, Refusal, Why};
use crate::world::World;
use anchor_lang::ToAccountMetas;
use anchor_lang::error::ErrorCode;
use assay::address;
use solana_sdk::instruction::{AccountMeta, Instruction};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::transaction::Transaction;

impl World {
    /// Sends instructions in one transaction, signed by every known key that they ask for.
    pub fn transact(&mut self, instructions: &[Instruction]) -> Result<Outcome, Refusal> {
        self.svm.expire_blockhash();
        let mut signers = vec![self.payer()];
        for meta in instructions.iter().flat_map(|instruction| &instruction.accounts).filter(|meta| meta.is_signer) {
            if !signers.contains(&meta.pubkey) {
                signers.push(meta.pubkey);
            }
        }
        let signers: Vec<&Keypair> = signers.iter().map(|key| &*self.keys[key]).collect();
        let blockhash = self.svm.latest_blockhash();
        let transaction = Transaction::new_signed_with_payer(instructions, Some(&self.payer()), &signers, blockhash);
        self.svm.send_transaction(transaction).map(Outcome::new).map_err(Refusal::new)
    }

    /// Sends instructions that the test's set-up needs.
    pub fn must(&mut self, instructions: &[Instruction]) -> Outcome {
        self.transact(instructions).unwrap_or_else(|refusal| panic!("{refusal:#?}"))
    }

    /// Makes a call that must go through.
    pub fn accepts<A: ToAccountMetas>(&mut self, call: &Call<A>) -> Outcome {
        self.transact(&[call.instruction()]).unwrap_or_else(|refusal| panic!("refused: {refusal:#?}"))
    }

    /// Makes a call that must be refused for exactly this reason.
    pub fn refuses<A: ToAccountMetas>(&mut self, call: &Call<A>, why: impl Into<Why>) {
        self.refuses_instruction("the call", call.instruction(), Some(why.into()));
    }

    /// Makes the call with one account after the other replaced by a wrong one, each of which must be refused for exactly the
    /// reason given; then makes the call itself, which must go through, so that nothing else was wrong with it.
    ///
    /// Every account must be replaced at least once by `wrong`. What is the same for every instruction is added here: a
    /// signature left out, a forged copy of every account under another owner, another event authority, another system
    /// program and another program behind the program's own event call.
    pub fn refuses_accounts<A: ToAccountMetas + Copy, const N: usize>(
        &mut self,
        call: &Call<A>,
        wrong: [(&str, A, Why); N],
    ) -> Outcome {
        let right = call.instruction();
        let mut covered = vec![false; right.accounts.len()];
        for (what, accounts, why) in wrong {
            let instruction = Call { accounts, data: call.data.clone() }.instruction();
            assert_ne!(instruction.accounts, right.accounts, "{what}: nothing is wrong");
            for (at, meta) in instruction.accounts.iter().enumerate() {
                covered[at] |= *meta != right.accounts[at];
            }
            self.refuses_instruction(what, instruction, Some(why));
        }
        for (at, meta) in right.accounts.iter().enumerate() {
            // The place after the event authority only brings the program into the transaction, for its event call. Where
            // another account is the program as well, this one is not needed and anything may stand here.
            let is_spare = meta.pubkey == assay::ID
                && at + 1 == right.accounts.len()
                && right.accounts[..at].iter().any(|other| other.pubkey == assay::ID);
            if is_spare {
                covered[at] = true;
                continue;
            }
            for (what, replacement, why) in self.common_mistakes(meta) {
                covered[at] |= !what.contains("forged") && !what.contains("signature");
                let mut instruction = right.clone();
                instruction.accounts[at] = replacement;
                self.refuses_instruction(&format!("{what} at place {at}"), instruction, why);
            }
        }
        let missing: Vec<_> = (0..covered.len()).filter(|at| !covered[*at]).collect();
        assert!(missing.is_empty(), "no wrong account was tried at {missing:?}");
        self.accepts(call)
    }

    /// What can be wrong with any account: the mistake, the account, and why it must be refused (if that is always the same).
    fn common_mistakes(&mut self, meta: &AccountMeta) -> Vec<(&'static str, AccountMeta, Option<Why>)> {
        let with = |pubkey| AccountMeta { pubkey, ..meta.clone() };
        let invalid_program = Some(ErrorCode::InvalidProgramId.into());
        if meta.is_signer {
            let unsigned = AccountMeta { is_signer: false, ..meta.clone() };
            return vec![("no signature", unsigned, Some(ErrorCode::AccountNotSigner.into()))];
        }
        if meta.pubkey == address::EVENT_AUTHORITY {
            return vec![("another event authority", with(self.payer()), Some(ErrorCode::ConstraintAddress.into()))];
        }
        if meta.pubkey == assay::ID {
            return vec![("another program", with(crate::tokens::TOKEN), None)];
        }
        if meta.pubkey == Pubkey::default() {
            return vec![("another system program", with(assay::ID), invalid_program)];
        }
        if [crate::tokens::TOKEN, crate::tokens::TOKEN_2022].contains(&meta.pubkey) {
            return vec![("a program that is no token program", with(assay::ID), invalid_program)];
        }
        let Some(account) = self.svm.get_account(&meta.pubkey).filter(|account| !account.data.is_empty()) else {
            return Vec::new();
        };
        let stranger = if account.owner == assay::ID { crate::tokens::TOKEN } else { assay::ID };
        let mut forgeries = vec![("a forged copy", with(self.forge(meta.pubkey, stranger)), None)];
        if account.owner != assay::ID {
            forgeries.push(("a forged copy of the system", with(self.forge(meta.pubkey, Pubkey::default())), None));
        }
        forgeries
    }

    fn refuses_instruction(&mut self, what: &str, instruction: Instruction, why: Option<Why>) {
        match (self.transact(&[instruction]), why) {
            (Ok(_), why) => panic!("{what}: accepted instead of {why:?}"),
            (Err(refusal), Some(why)) => assert_eq!(refusal.why, why, "{what}: {:#?}", refusal.logs),
            (Err(_), None) => {}
        }
    }
}
