//! Calling a receipt in: from then on anybody can prove it wrong, with everything that disputes of jobs have.

use super::receipt::SignedReceipt;
use crate::client::Client;
use crate::error::ClientError;
use assay::address;
use assay_chain::instructions::{self, ReceiptHints};
use solana_sdk::pubkey::Pubkey;

impl Client {
    /// Calls a receipt in and gives the address of the job that it is now. `hints` say where validators find the inputs; they must
    /// stay there for the window. Calling it in again changes nothing but the hints, which only the session's client may change.
    ///
    /// # Errors
    /// The session is gone, its time is over, the signature is not its operator's, or the chain refuses.
    pub async fn call_in(&self, signed: &SignedReceipt, hints: &ReceiptHints) -> Result<Pubkey, ClientError> {
        let receipt = &signed.receipt;
        let session = self.chain().find_session(&receipt.session).await?;
        let session = session.ok_or(ClientError::NoSession { session: receipt.session })?;
        if !signed.is_signed_by(&session.operator) {
            return Err(ClientError::NotSigned { session: receipt.session, operator: session.operator });
        }
        let job = address::receipt(&receipt.session, &receipt.hash());
        if self.chain().find_job(&job).await?.is_none() {
            let (me, operator) = (self.address(), &session.operator);
            let open = instructions::open_receipt(&me, operator, receipt, &signed.signature, hints.clone());
            match self.sender.execute(&open, &[&self.key]).await {
                Ok(_) => return Ok(job),
                // Somebody else may have called it in at this moment.
                Err(error) if self.chain().find_job(&job).await?.is_none() => return Err(error.into()),
                Err(_) => {}
            }
        }
        self.amend(&receipt.session, &session.client, &job, hints).await?;
        Ok(job)
    }

    /// Puts the hints right that somebody else gave: a liar may have called its own receipt in to lead validators nowhere.
    async fn amend(
        &self,
        session: &Pubkey,
        client: &Pubkey,
        job: &Pubkey,
        hints: &ReceiptHints,
    ) -> Result<(), ClientError> {
        let known = self.chain().job(job).await?;
        let same = known.inputs_uri == hints.inputs_uri && known.result_manifest == hints.result_manifest;
        if same || *client != self.address() || !known.state.can_be_challenged() {
            return Ok(());
        }
        let amend = instructions::amend_receipt(client, session, job, hints.clone());
        self.sender.execute(&[amend], &[&self.key]).await?;
        Ok(())
    }
}
