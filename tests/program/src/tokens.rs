//! Mints and token accounts of both token programs.

use crate::world::World;
use referee::commit::sha256;
use solana_sdk::instruction::{AccountMeta, Instruction};
use solana_sdk::pubkey::Pubkey;
use spl_associated_token_account_interface::address::{
    get_associated_token_address_and_bump_seed, get_associated_token_address_with_program_id,
};
use spl_associated_token_account_interface::instruction::create_associated_token_account;
use spl_token_2022_interface::extension::{ExtensionType, StateWithExtensions, metadata_pointer};
use spl_token_2022_interface::instruction as token;
use spl_token_2022_interface::state::{Account as TokenAccount, Mint as MintState};

/// SPL Token.
pub const TOKEN: Pubkey = spl_token_interface::ID;
/// Token-2022.
pub const TOKEN_2022: Pubkey = spl_token_2022_interface::ID;
/// Decimals of every mint.
pub const DECIMALS: u8 = 6;

/// A mint. Its issuer mints, and freezes where the mint can be frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mint {
    /// Its address.
    pub address: Pubkey,
    /// The token program that owns it.
    pub program: Pubkey,
    /// Who mints and freezes.
    pub issuer: Pubkey,
}

impl World {
    /// Creates an SPL Token mint.
    pub fn create_mint(&mut self, name: &str, freezable: bool) -> Mint {
        self.create_mint_with(name, TOKEN, freezable, &[], |_| Vec::new())
    }

    /// Creates a Token-2022 mint that points to its metadata and holds it: both extensions that are allowed.
    pub fn create_mint_2022(&mut self, name: &str) -> Mint {
        let mint = self.create_mint_with(name, TOKEN_2022, false, &[ExtensionType::MetadataPointer], |mint| {
            vec![metadata_pointer::instruction::initialize(&TOKEN_2022, mint, None, Some(*mint)).expect("a pointer")]
        });
        // The metadata make the account longer, so it needs more rent.
        self.svm.airdrop(&mint.address, 10_000_000).expect("an airdrop");
        let mut data = sha256(&[b"spl_token_metadata_interface:initialize_account"])[..8].to_vec();
        for text in [name, "TEST", "http://mint.example/metadata"] {
            data.extend((text.len() as u32).to_le_bytes());
            data.extend(text.as_bytes());
        }
        let accounts = vec![
            AccountMeta::new(mint.address, false),
            AccountMeta::new_readonly(mint.issuer, false),
            AccountMeta::new_readonly(mint.address, false),
            AccountMeta::new_readonly(mint.issuer, true),
        ];
        self.must(&[Instruction { program_id: TOKEN_2022, accounts, data }]);
        mint
    }

    /// Creates a mint with extensions; `initialise` gives the instructions that fill them in.
    pub fn create_mint_with(
        &mut self,
        name: &str,
        program: Pubkey,
        freezable: bool,
        extensions: &[ExtensionType],
        initialise: impl FnOnce(&Pubkey) -> Vec<Instruction>,
    ) -> Mint {
        let (address, issuer) = (self.key(name), self.key("issuer"));
        let bytes = ExtensionType::try_calculate_account_len::<MintState>(extensions).expect("a mint's length");
        let mut instructions = vec![self.create_account(address, bytes, &program)];
        instructions.extend(initialise(&address));
        let freezer = freezable.then_some(&issuer);
        instructions.push(token::initialize_mint2(&program, &address, &issuer, freezer, DECIMALS).expect("a mint"));
        self.transact(&instructions).unwrap_or_else(|refusal| panic!("{name}: {refusal:#?}"));
        Mint { address, program, issuer }
    }

    /// Creates the associated token account of `owner` and puts `amount` in it.
    pub fn fund(&mut self, owner: Pubkey, mint: &Mint, amount: u64) -> Pubkey {
        let address = associated(owner, mint);
        if self.svm.get_account(&address).is_none_or(|account| account.data.is_empty()) {
            let create = create_associated_token_account(&self.payer(), &owner, &mint.address, &mint.program);
            self.must(&[create]);
        }
        self.mint_to(mint, address, amount);
        address
    }

    /// Creates a token account that is not the associated one.
    pub fn create_token_account(&mut self, name: &str, owner: Pubkey, mint: &Mint) -> Pubkey {
        let address = self.key(name);
        let bytes = ExtensionType::try_calculate_account_len::<TokenAccount>(&[]).expect("an account's length");
        let create = self.create_account(address, bytes, &mint.program);
        let init = token::initialize_account3(&mint.program, &address, &mint.address, &owner).expect("an account");
        self.must(&[create, init]);
        address
    }

    /// Mints to any token account.
    pub fn mint_to(&mut self, mint: &Mint, account: Pubkey, amount: u64) {
        if amount > 0 {
            self.must(&[
                token::mint_to(&mint.program, &mint.address, &account, &mint.issuer, &[], amount).expect("a mint_to")
            ]);
        }
    }

    /// Freezes a token account.
    pub fn freeze(&mut self, mint: &Mint, account: Pubkey) {
        self.must(&[
            token::freeze_account(&mint.program, &account, &mint.address, &mint.issuer, &[]).expect("a freeze")
        ]);
    }

    /// Gives a token account away.
    pub fn give_away(&mut self, mint: &Mint, account: Pubkey, owner: Pubkey, new_owner: Pubkey) {
        let kind = token::AuthorityType::AccountOwner;
        self.must(&[
            token::set_authority(&mint.program, &account, Some(&new_owner), kind, &owner, &[]).expect("a gift")
        ]);
    }

    /// Closes an empty token account.
    pub fn close_token_account(&mut self, mint: &Mint, account: Pubkey, owner: Pubkey) {
        self.must(&[token::close_account(&mint.program, &account, &owner, &owner, &[]).expect("a close")]);
    }

    /// What a token account holds; nothing if it does not exist.
    pub fn tokens(&self, account: Pubkey) -> u64 {
        let Some(account) = self.svm.get_account(&account).filter(|account| !account.data.is_empty()) else { return 0 };
        StateWithExtensions::<TokenAccount>::unpack(&account.data).expect("a token account").base.amount
    }

    /// What the associated token account of `owner` holds.
    pub fn balance(&self, owner: Pubkey, mint: &Mint) -> u64 {
        self.tokens(associated(owner, mint))
    }

    /// What exists of a mint.
    pub fn supply(&self, mint: &Mint) -> u64 {
        let account = self.svm.get_account(&mint.address).expect("a mint");
        StateWithExtensions::<MintState>::unpack(&account.data).expect("a mint").base.supply
    }
}

/// The associated token account of `owner`.
pub fn associated(owner: Pubkey, mint: &Mint) -> Pubkey {
    get_associated_token_address_with_program_id(&owner, &mint.address, &mint.program)
}

/// The canonical token account of an owner, and its bump.
pub fn associated_with_bump(owner: Pubkey, mint: &Mint) -> (Pubkey, u8) {
    let program = spl_associated_token_account_interface::program::ID;
    get_associated_token_address_and_bump_seed(&owner, &mint.address, &program, &mint.program)
}
