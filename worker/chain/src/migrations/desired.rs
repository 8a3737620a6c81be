//! What the migration files ask for.

use crate::error::{ChainError, Result};
use assay::fairness::maintenance::MaintenanceRules;
use assay::fairness::reputation::ReputationRules;
use assay::fairness::sortition::OpeningRules;
use assay::fairness::standing::StandingRules;
use assay::state::{AuditParameters, DisputeParameters, Parameters, SchedulingParameters};
use serde::Deserialize;
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Values for the `${name}` places in the files: what differs from one chain to another.
pub type Variables = BTreeMap<String, String>;

/// The project's own migrations, so that a program needs no folder to run them: name and text, in order.
const BUILTIN: &[(&str, &str)] = &[
    ("0001_deploy.toml", include_str!("../../../../migrations/0001_deploy.toml")),
    ("0002_initialise.toml", include_str!("../../../../migrations/0002_initialise.toml")),
    ("0003_parameters.toml", include_str!("../../../../migrations/0003_parameters.toml")),
    ("0004_disputes.toml", include_str!("../../../../migrations/0004_disputes.toml")),
    ("0005_governance.toml", include_str!("../../../../migrations/0005_governance.toml")),
    ("0006_scheduling.toml", include_str!("../../../../migrations/0006_scheduling.toml")),
];

/// The state that all files together ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Address of the program.
    pub program: Pubkey,
    /// The built program.
    pub program_file: PathBuf,
    /// What nodes stake.
    pub stake_mint: Pubkey,
    /// Whether the network is one of development, with short dispute clocks.
    pub development: bool,
    /// The network's parameters.
    pub parameters: Parameters,
    /// How the network is governed.
    pub governance: DesiredGovernance,
    /// The mints in which jobs can be paid.
    pub payment_mints: Vec<DesiredMint>,
}

/// What should be decided about governance itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DesiredGovernance {
    /// Who may veto and pause; where no file says it, whoever it is stays, and a new network has nobody.
    pub guardian: Option<Pubkey>,
    /// How long a change waits.
    pub timelock_slots: u64,
    /// The share of a fee that burns.
    pub fee_burn_bps: u16,
}

/// What should be decided about one payment mint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredMint {
    /// The mint.
    pub mint: Pubkey,
    /// Whether new jobs may be posted in it.
    pub enabled: bool,
    /// Base units of the stake mint ...
    pub bond_numerator: u64,
    /// ... that so many base units of this mint are worth when bonds are sized.
    pub bond_denominator: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    deploy: Option<DeploySection>,
    network: Option<NetworkSection>,
    parameters: Option<ParametersSection>,
    governance: Option<GovernanceSection>,
    #[serde(default)]
    payment_mint: Vec<MintSection>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeploySection {
    program: String,
    program_file: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkSection {
    stake_mint: String,
    #[serde(default)]
    development: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct GovernanceSection {
    guardian: Option<String>,
    timelock_slots: Option<u64>,
    fee_burn_bps: Option<u16>,
}

impl GovernanceSection {
    fn overridden_by(self, later: Self) -> Self {
        Self {
            guardian: later.guardian.or(self.guardian),
            timelock_slots: later.timelock_slots.or(self.timelock_slots),
            fee_burn_bps: later.fee_burn_bps.or(self.fee_burn_bps),
        }
    }

    fn complete(&self, folder: &Path) -> Result<DesiredGovernance> {
        let missing = |name| invalid(folder, format!("no file says what {name} is: add it to a [governance] table"));
        let guardian = self.guardian.as_deref().map(|text| address(folder, "guardian", text)).transpose()?;
        Ok(DesiredGovernance {
            guardian,
            timelock_slots: self.timelock_slots.ok_or_else(|| missing("timelock_slots"))?,
            fee_burn_bps: self.fee_burn_bps.ok_or_else(|| missing("fee_burn_bps"))?,
        })
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MintSection {
    mint: String,
    enabled: bool,
    bond_numerator: u64,
    bond_denominator: u64,
}

/// Declares a section of parameters with every field optional, and how sections are laid over each other.
macro_rules! parameters_section {
    ($section:ident => $parameters:ident { $($field:ident: $kind:ty),+ $(,)? } $({ $($nested:ident: $nested_section:ident),+ })?) => {
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $section {
            $($field: Option<$kind>,)+
            $($(#[serde(default)] $nested: $nested_section,)+)?
        }

        impl $section {
            fn overridden_by(self, later: Self) -> Self {
                Self {
                    $($field: later.$field.or(self.$field),)+
                    $($($nested: self.$nested.overridden_by(later.$nested),)+)?
                }
            }

            /// All parameters, or the name of one that no file gives.
            fn complete(&self) -> std::result::Result<$parameters, &'static str> {
                Ok($parameters {
                    $($field: self.$field.ok_or(stringify!($field))?,)+
                    $($($nested: self.$nested.complete()?,)+)?
                })
            }
        }
    };
}

parameters_section! {
    ParametersSection => Parameters {
        minimum_stake: u64,
        unbonding_slots: u64,
        protocol_fee_bps: u16,
        miss_charge_bps: u16,
        minimum_bond_bps: u32,
        maximum_claim_slots: u64,
        maximum_run_slots: u64,
        maximum_window_slots: u64,
        minimum_window_slots: u64,
        maximum_open_jobs_per_node: u32,
    } { dispute: DisputeSection, audit: AuditSection, scheduling: SchedulingSection }
}

parameters_section! {
    AuditSection => AuditParameters {
        epoch_slots: u32,
        audits_per_job: u16,
        attestation_bond_bps: u32,
        minimum_validator_stake: u64,
    }
}

parameters_section! {
    SchedulingSection => SchedulingParameters {
        epoch_slots: u32,
        stake_per_job: u64,
        late_price_bps: u16,
        correlation_window_slots: u64,
        absent_epochs: u32,
        delegation_multiple_bps: u32,
    } { opening: OpeningSection, reputation: ReputationSection, standing: StandingSection }
}

parameters_section! {
    OpeningSection => OpeningRules {
        delay_slots: u32,
        step_slots: u32,
        first_expected: u16,
        steps: u8,
    }
}

parameters_section! {
    ReputationSection => ReputationRules {
        fee_per_observation: u64,
        maximum_per_job: u64,
        kept_per_epoch: u32,
        no_show_bps: u32,
        outage_bps: u32,
        maintenance_bps: u32,
        missed_heartbeat_bps: u32,
    }
}

parameters_section! {
    StandingSection => StandingRules {
        recovery_slots: u64,
        jail_slots: u64,
        maximum_jail_slots: u64,
        silence_slots: u64,
        repeat_bps: u16,
        lates_per_tier: u8,
    } { maintenance: MaintenanceSection }
}

parameters_section! {
    MaintenanceSection => MaintenanceRules {
        notice_slots: u64,
        maximum_slots: u64,
        gap_slots: u64,
    }
}

parameters_section! {
    DisputeSection => DisputeParameters {
        challenge_bond_bps: u16,
        reveal_slots: u32,
        challenger_clock_slots: u32,
        defender_clock_slots: u32,
        slash_bps: u16,
        bounty_bps: u16,
        opening_fee_lamports: u64,
    }
}

impl Desired {
    /// The project's own migrations with `variables` put in. `C0150` when one is missing.
    pub fn builtin(variables: &Variables) -> Result<Self> {
        Self::builtin_with(variables, &[])
    }

    /// The project's own migrations and then `further` ones, given as text: what a network for one purpose has otherwise.
    /// `C0150` names what is wrong.
    pub fn builtin_with(variables: &Variables, further: &[String]) -> Result<Self> {
        let own = BUILTIN.iter().map(|(name, text)| (PathBuf::from(name), (*text).to_owned()));
        let further = further.iter().enumerate().map(|(index, text)| {
            (PathBuf::from(format!("{:04}_further.toml", BUILTIN.len() + index + 1)), text.clone())
        });
        Self::from_files(Path::new("migrations"), own.chain(further).collect(), variables)
    }

    /// The migrations in a folder, with `variables` put in: every file named like `0001_name.toml`, numbered without
    /// gaps. `C0150` names the file and what is wrong with it.
    pub fn load(folder: &Path, variables: &Variables) -> Result<Self> {
        let unreadable = |error: std::io::Error| invalid(folder, error.to_string());
        let mut paths = std::fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>())
            .map_err(unreadable)?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        paths.sort();
        let files = paths
            .into_iter()
            .map(|path| {
                let text = std::fs::read_to_string(&path).map_err(|error| invalid(&path, error.to_string()))?;
                Ok((path, text))
            })
            .collect::<Result<_>>()?;
        Self::from_files(folder, files, variables)
    }

    fn from_files(folder: &Path, files: Vec<(PathBuf, String)>, variables: &Variables) -> Result<Self> {
        let (mut deploy, mut network) = (None, None);
        let mut parameters = ParametersSection::default();
        let mut governance = GovernanceSection::default();
        let mut mints: Vec<DesiredMint> = Vec::new();
        for (position, (path, text)) in files.into_iter().enumerate() {
            check_number(&path, position + 1)?;
            let text = substitute(&path, &text, variables)?;
            let file: File = toml::from_str(&text).map_err(|error| invalid(&path, error.to_string()))?;
            if let Some(section) = file.deploy {
                deploy = Some((address(&path, "program", &section.program)?, section.program_file));
            }
            if let Some(section) = file.network {
                network = Some((address(&path, "stake_mint", &section.stake_mint)?, section.development));
            }
            parameters = parameters.overridden_by(file.parameters.unwrap_or_default());
            governance = governance.overridden_by(file.governance.unwrap_or_default());
            for section in file.payment_mint {
                let mint = DesiredMint {
                    mint: address(&path, "mint", &section.mint)?,
                    enabled: section.enabled,
                    bond_numerator: section.bond_numerator,
                    bond_denominator: section.bond_denominator,
                };
                mints.retain(|earlier| earlier.mint != mint.mint);
                mints.push(mint);
            }
        }
        let missing = |what: &str| invalid(folder, format!("no file says {what}"));
        let (program, program_file) = deploy.ok_or_else(|| missing("what to deploy: add a [deploy] table"))?;
        let (stake_mint, development) = network.ok_or_else(|| missing("what nodes stake: add a [network] table"))?;
        let parameters = parameters
            .complete()
            .map_err(|name| missing(&format!("what {name} is: add it to a [parameters] table")))?;
        let governance = governance.complete(folder)?;
        let desired =
            Self { program, program_file, stake_mint, development, parameters, governance, payment_mints: mints };
        desired.check(folder)?;
        Ok(desired)
    }

    /// Checks what the program would refuse, before anything is sent.
    fn check(&self, folder: &Path) -> Result<()> {
        if self.program != assay::ID {
            let reason = format!("they deploy {}, but this client is built for {}", self.program, assay::ID);
            return Err(invalid(folder, reason));
        }
        let refused = |error: assay::error::AssayError| {
            invalid(folder, format!("{} {}", crate::program_error::code(error), error))
        };
        self.parameters.validate(self.development).map_err(refused)?;
        assay::governance::check_timelock(self.governance.timelock_slots, self.development).map_err(refused)?;
        assay::state::Network::check_fee_burn(self.governance.fee_burn_bps).map_err(refused)?;
        for mint in &self.payment_mints {
            let rate = assay::market::BondRate { numerator: mint.bond_numerator, denominator: mint.bond_denominator };
            rate.validate().map_err(refused)?;
        }
        Ok(())
    }
}

/// File names are numbered from 0001 on without gaps, so that a lost file is noticed.
fn check_number(path: &Path, expected: usize) -> Result<()> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let number = name.split_once('_').map(|(number, _)| number).filter(|number| number.len() == 4);
    if number.and_then(|number| number.parse().ok()) == Some(expected) {
        Ok(())
    } else {
        Err(invalid(path, format!("its name must begin with {expected:04}_: files are numbered without gaps")))
    }
}

fn substitute(path: &Path, text: &str, variables: &Variables) -> Result<String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) =
            after.split_once('}').ok_or_else(|| invalid(path, "a ${ is never closed by a }".to_owned()))?;
        let value =
            variables.get(name).ok_or_else(|| invalid(path, format!("the variable {name} has no value: set it")))?;
        if value.contains(['"', '\\', '\n', '\'']) {
            return Err(invalid(path, format!("the value of {name} may not contain quotes, backslashes or newlines")));
        }
        result.push_str(before);
        result.push_str(value);
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}

fn address(path: &Path, what: &str, text: &str) -> Result<Pubkey> {
    text.parse().map_err(|_| invalid(path, format!("{what} = '{text}' is not an address")))
}

fn invalid(path: &Path, reason: String) -> ChainError {
    ChainError::MigrationInvalid { path: path.to_owned(), reason }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Variables with which the project's own migrations are complete.
    pub(in crate::migrations) fn variables() -> Variables {
        let mint = Pubkey::new_from_array([7; 32]).to_string();
        let pairs = [
            ("program", assay::ID.to_string()),
            ("program_file", "target/deploy/assay.so".to_owned()),
            ("stake_mint", Pubkey::new_from_array([8; 32]).to_string()),
            ("payment_mint", mint),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in BUILTIN.iter().chain(files) {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn the_projects_own_migrations_are_complete_and_valid() {
        let desired = Desired::builtin(&variables()).unwrap();
        assert_eq!(desired.program, assay::ID);
        assert_eq!(desired.payment_mints.len(), 1);
        let folder = folder_with(&[("README.md", "not a migration")]);
        assert_eq!(Desired::load(folder.path(), &variables()).unwrap(), desired);
    }

    #[test]
    fn a_later_file_overrides_what_it_names_and_nothing_else() {
        let before = Desired::builtin(&variables()).unwrap();
        let mint = before.payment_mints[0].mint;
        let text = format!(
            "[parameters]\nprotocol_fee_bps = 7\n[[payment_mint]]\nmint = \"{mint}\"\nenabled = false\n\
             bond_numerator = 3\nbond_denominator = 4\n"
        );
        let folder = folder_with(&[("0007_lower_fee.toml", &text)]);
        let after = Desired::load(folder.path(), &variables()).unwrap();
        assert_eq!(after.parameters, Parameters { protocol_fee_bps: 7, ..before.parameters });
        let expected = DesiredMint { mint, enabled: false, bond_numerator: 3, bond_denominator: 4 };
        assert_eq!(after.payment_mints, [expected]);
    }

    #[test]
    fn further_files_are_laid_over_the_projects_own() {
        let before = Desired::builtin(&variables()).unwrap();
        let further = ["[parameters]\nprotocol_fee_bps = 7", "[parameters]\nprotocol_fee_bps = 9"].map(str::to_owned);
        let after = Desired::builtin_with(&variables(), &further).unwrap();
        assert_eq!(after.parameters, Parameters { protocol_fee_bps: 9, ..before.parameters });
        let refused = Desired::builtin_with(&variables(), &["[parameters]\nfee = 1".to_owned()]).unwrap_err();
        assert!(refused.to_string().contains("0007_further.toml"), "{refused}");
    }

    #[test]
    fn each_mistake_is_refused_and_named() {
        for (name, text, reason) in [
            ("0008_gap.toml", "", "0007_"),
            ("7_short.toml", "", "0007_"),
            ("0007_x.toml", "[parameters]\nfee = 1", "fee"),
            ("0007_x.toml", "[[[", "TOML"),
            ("0007_x.toml", "[parameters]\nprotocol_fee_bps = 1001", "P6022"),
            ("0007_x.toml", "[parameters.dispute]\nfee = 1", "fee"),
            ("0007_x.toml", "[parameters.audit]\nepoch_slots = 1", "P6270"),
            ("0007_x.toml", "[governance]\ntimelock_slots = 6480001", "P6401"),
            ("0007_x.toml", "[governance]\nfee_burn_bps = 10001", "P6414"),
            ("0007_x.toml", "[governance]\nguardian = \"nobody\"", "not an address"),
            ("0007_x.toml", "[governance]\nveto = 1", "veto"),
            ("0007_x.toml", "[parameters.dispute]\nbounty_bps = 5001", "P6264"),
            ("0007_x.toml", "[parameters.scheduling.standing]\nrepeat_bps = 101", "P6554"),
            ("0007_x.toml", "[parameters.scheduling.opening]\nfee = 1", "fee"),
            ("0007_x.toml", "[network]\nstake_mint = \"${stake_mint}\"", "P6261"),
            ("0007_x.toml", "[network]\nstake_mint = \"zero\"", "not an address"),
            ("0007_x.toml", "[network]\nstake_mint = \"${unknown}\"", "unknown"),
            ("0007_x.toml", "# ${never", "closed"),
        ] {
            let folder = folder_with(&[(name, text)]);
            let error = Desired::load(folder.path(), &variables()).unwrap_err();
            assert_eq!(error.code(), "C0150", "{text}");
            assert!(error.to_string().contains(reason), "{error} lacks {reason}");
        }
    }

    #[test]
    fn a_variable_cannot_smuggle_in_other_settings() {
        let mut variables = variables();
        variables.insert("program_file".into(), "x\"\n[parameters]\nminimum_stake = 1".into());
        assert_eq!(Desired::builtin(&variables).unwrap_err().code(), "C0150");
    }

    #[test]
    fn another_program_than_the_clients_is_refused() {
        let mut variables = variables();
        variables.insert("program".into(), Pubkey::new_from_array([1; 32]).to_string());
        assert_eq!(Desired::builtin(&variables).unwrap_err().code(), "C0150");
    }

    #[test]
    fn nothing_is_assumed_where_no_file_speaks() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Desired::load(folder.path(), &variables()).unwrap_err().code(), "C0150");
        assert_eq!(Desired::load(&folder.path().join("none"), &variables()).unwrap_err().code(), "C0150");
    }
}
