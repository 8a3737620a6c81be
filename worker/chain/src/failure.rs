//! Why a transaction failed, in the words of the program that refused it.

use crate::program_error;
use anchor_lang::error::ErrorCode as AnchorErrorCode;
use assay::error::AssayError;
use solana_sdk::{instruction::InstructionError, pubkey::Pubkey, transaction::TransactionError};
use spl_token_interface::error::TokenError;
use std::fmt;

/// A transaction that the chain refuses or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionFailure {
    /// What the runtime reported.
    pub error: TransactionError,
    /// The program that refused, when one did.
    pub refusal: Option<Refusal>,
    /// What the programs logged, as far as the endpoint kept it.
    pub logs: Vec<String>,
}

/// A refusal by a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Position of the instruction in the transaction.
    pub instruction: u8,
    /// The program that refused: the innermost one where programs called each other, as far as the logs tell.
    pub program: Option<Pubkey>,
    /// Stable code: `P…` for Assay's program, `A…` for Anchor's checks, `T…` for the token program, `X…` for any other.
    pub code: String,
    /// Name of the broken rule.
    pub name: String,
    /// What to do about it.
    pub advice: String,
}

impl TransactionFailure {
    /// Explains `error` with the help of the logs. `programs` are the programs of the transaction's instructions, in
    /// order; they name who refused where there are no logs.
    pub fn new(error: TransactionError, logs: Vec<String>, programs: &[Pubkey]) -> Self {
        let refusal = match &error {
            TransactionError::InstructionError(instruction, cause) => {
                let called = programs.get(usize::from(*instruction)).copied();
                Some(Refusal::new(*instruction, cause, refusing_program(&logs).or(called)))
            }
            _ => None,
        };
        Self { error, refusal, logs }
    }

    /// The error of Assay's program, if it was the one that refused.
    pub fn assay_error(&self) -> Option<AssayError> {
        let refusal = self.refusal.as_ref().filter(|refusal| refusal.program == Some(assay::ID))?;
        program_error::by_name(&refusal.name)
    }

    /// Whether the runtime says that this very transaction has landed before.
    pub(crate) fn is_duplicate(&self) -> bool {
        self.error == TransactionError::AlreadyProcessed
    }

    /// Whether the runtime does not know the transaction's blockhash: it is too old, or the node lags behind the one
    /// that gave it.
    pub(crate) fn is_unknown_blockhash(&self) -> bool {
        self.error == TransactionError::BlockhashNotFound
    }
}

impl Refusal {
    fn new(instruction: u8, cause: &InstructionError, program: Option<Pubkey>) -> Self {
        let (code, name, advice) = match cause {
            InstructionError::Custom(number) => explain_custom(*number, program),
            other => (
                "X0000".to_owned(),
                format!("{other:?}").chars().take_while(|c| c.is_alphanumeric()).collect(),
                format!("the runtime says: {other}"),
            ),
        };
        Self { instruction, program, code, name, advice }
    }
}

fn explain_custom(number: u32, program: Option<Pubkey>) -> (String, String, String) {
    let unknown = || {
        (
            format!("X{number}"),
            format!("Custom{number}"),
            "this client does not know the error: read the logs".to_owned(),
        )
    };
    match program {
        Some(program) if program == assay::ID => {
            if let Some(error) = program_error::by_number(number) {
                return (program_error::code(error), error.name(), error.to_string());
            }
            match anchor_error(number) {
                Some(error) => (format!("A{number}"), error.name(), error.to_string()),
                None => unknown(),
            }
        }
        Some(program) if program == spl_token_interface::ID || program == spl_token_2022_interface::ID => {
            match TokenError::try_from(number) {
                Ok(error) => (format!("T{number}"), format!("{error:?}"), error.to_string()),
                Err(_) => unknown(),
            }
        }
        Some(program) if program == solana_system_interface::program::ID => match number {
            0 => (
                "X0".to_owned(),
                "AccountAlreadyInUse".to_owned(),
                "an account to be created exists already: choose another address".to_owned(),
            ),
            1 => (
                "X1".to_owned(),
                "InsufficientLamports".to_owned(),
                "the payer holds too few lamports: fund it".to_owned(),
            ),
            _ => unknown(),
        },
        _ => unknown(),
    }
}

/// Errors of Anchor's own checks that a wrong account or argument of ours can cause.
fn anchor_error(number: u32) -> Option<AnchorErrorCode> {
    use AnchorErrorCode::*;
    [
        InstructionMissing,
        InstructionFallbackNotFound,
        InstructionDidNotDeserialize,
        InstructionDidNotSerialize,
        ConstraintMut,
        ConstraintHasOne,
        ConstraintSigner,
        ConstraintRaw,
        ConstraintOwner,
        ConstraintRentExempt,
        ConstraintSeeds,
        ConstraintExecutable,
        ConstraintAssociated,
        ConstraintAssociatedInit,
        ConstraintClose,
        ConstraintAddress,
        ConstraintZero,
        ConstraintTokenMint,
        ConstraintTokenOwner,
        ConstraintMintMintAuthority,
        ConstraintMintFreezeAuthority,
        ConstraintMintDecimals,
        ConstraintSpace,
        ConstraintTokenTokenProgram,
        ConstraintMintTokenProgram,
        ConstraintAssociatedTokenTokenProgram,
        RequireViolated,
        RequireEqViolated,
        RequireKeysEqViolated,
        AccountDiscriminatorAlreadySet,
        AccountDiscriminatorNotFound,
        AccountDiscriminatorMismatch,
        AccountDidNotDeserialize,
        AccountDidNotSerialize,
        AccountNotEnoughKeys,
        AccountNotMutable,
        AccountOwnedByWrongProgram,
        InvalidProgramId,
        InvalidProgramExecutable,
        AccountNotSigner,
        AccountNotSystemOwned,
        AccountNotInitialized,
        AccountNotProgramData,
        AccountNotAssociatedTokenAccount,
        AccountReallocExceedsLimit,
        AccountDuplicateReallocs,
        DeclaredProgramIdMismatch,
        TryingToInitPayerAsProgramAccount,
    ]
    .into_iter()
    .find(|error| *error as u32 == number)
}

/// The program of the first `Program … failed: …` line: the innermost call fails first.
fn refusing_program(logs: &[String]) -> Option<Pubkey> {
    logs.iter().find_map(|line| {
        let (program, rest) = line.strip_prefix("Program ")?.split_once(' ')?;
        rest.starts_with("failed: ").then(|| program.parse().ok()).flatten()
    })
}

impl fmt::Display for TransactionFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.refusal {
            Some(refusal) => {
                write!(formatter, "{} {}: {}", refusal.code, refusal.name, refusal.advice)?;
                write!(formatter, " (instruction {}", refusal.instruction)?;
                if let Some(program) = refusal.program.filter(|program| *program != assay::ID) {
                    write!(formatter, ", program {program}")?;
                }
                write!(formatter, ")")
            }
            None => match self.error {
                TransactionError::AccountNotFound => {
                    write!(formatter, "the fee payer does not exist on this chain: fund it first")
                }
                TransactionError::InsufficientFundsForFee => {
                    write!(formatter, "the fee payer cannot pay the fee: fund it first")
                }
                ref error => write!(formatter, "the chain refuses the transaction: {error}"),
            },
        }
    }
}

impl std::error::Error for TransactionFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(number: u32, logs: &[&str], programs: &[Pubkey]) -> TransactionFailure {
        let error = TransactionError::InstructionError(0, InstructionError::Custom(number));
        TransactionFailure::new(error, logs.iter().map(|line| line.to_string()).collect(), programs)
    }

    #[test]
    fn an_error_of_the_program_carries_its_name_and_advice() {
        let number = program_error::number(AssayError::ClaimWindowClosed);
        let failure = custom(number, &[], &[assay::ID]);
        assert_eq!(failure.assay_error(), Some(AssayError::ClaimWindowClosed));
        let text = failure.to_string();
        assert!(text.starts_with("P6101 ClaimWindowClosed: The claim window has closed"), "{text}");
    }

    #[test]
    fn the_innermost_program_is_the_one_that_refused() {
        let token = spl_token_interface::ID;
        let logs = [
            format!("Program {} invoke [1]", assay::ID),
            format!("Program {token} invoke [2]"),
            format!("Program {token} failed: custom program error: 0x1"),
            format!("Program {} failed: custom program error: 0x1", assay::ID),
        ];
        let failure = custom(1, &logs.each_ref().map(String::as_str), &[assay::ID]);
        let refusal = failure.refusal.as_ref().unwrap();
        assert_eq!(refusal.program, Some(token));
        assert_eq!((refusal.code.as_str(), refusal.name.as_str()), ("T1", "InsufficientFunds"));
        assert_eq!(failure.assay_error(), None);
    }

    #[test]
    fn the_same_number_of_another_program_is_not_ours() {
        let number = program_error::number(AssayError::ClaimWindowClosed);
        let failure = custom(number, &[], &[Pubkey::new_unique()]);
        assert_eq!(failure.assay_error(), None);
        assert_eq!(failure.refusal.unwrap().code, format!("X{number}"));
    }

    #[test]
    fn checks_of_anchor_have_names() {
        let failure = custom(2006, &[], &[assay::ID]);
        let refusal = failure.refusal.unwrap();
        assert_eq!((refusal.code.as_str(), refusal.name.as_str()), ("A2006", "ConstraintSeeds"));
    }

    #[test]
    fn a_payer_without_funds_is_said_plainly() {
        let failure = TransactionFailure::new(TransactionError::AccountNotFound, vec![], &[]);
        assert!(failure.to_string().contains("fund it"), "{failure}");
    }
}
