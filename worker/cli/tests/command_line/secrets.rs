//! Keys stay secret: none is taken from a command line, the environment or settings, and no failure repeats one.

use super::{NOWHERE, command, home};
use solana_sdk::signature::Keypair;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

/// Ways to write one key down.
struct Secret {
    base58: String,
    json: String,
    hex: String,
}

impl Secret {
    fn new() -> Self {
        let keypair = Keypair::new();
        let bytes = keypair.to_bytes();
        Self {
            base58: keypair.to_base58_string(),
            json: format!("{bytes:?}"),
            hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    /// Pieces of the secret half that no output may have: a piece of a key is most of its strength.
    fn pieces(&self) -> Vec<String> {
        let numbers: Vec<&str> = self.json.trim_matches(['[', ']']).split(", ").collect();
        let lists = numbers[..32].windows(4).flat_map(|few| [few.join(", "), few.join(",")]);
        let digits = (0..56).map(|at| self.hex[at..at + 8].to_owned());
        let letters = (0..36).map(|at| self.base58[at..at + 8].to_owned());
        lists.chain(digits).chain(letters).collect()
    }
}

/// Runs a command that must fail, and looks for the key in all that it says, with all logs on.
fn fails_in_silence(
    home: &Path,
    secret: &Secret,
    arguments: &[&str],
    variables: &[(&str, &str)],
    stdin: &str,
) -> String {
    let mut child = command(home, arguments)
        .args(["-vv", "--output", "json"])
        .env("ASSAY_LOG", "trace")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut pipe = child.stdin.take().expect("stdin");
    // A command that does not read it closes it.
    let _ = pipe.write_all(stdin.as_bytes());
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    assert!(!output.status.success(), "{:?}", arguments.first());
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(
        secret.pieces().iter().all(|piece| !said.contains(piece.as_str())),
        "a key was repeated by {:?}",
        arguments.first()
    );
    let line = said.lines().last().unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    value["code"].as_str().expect("a code").to_owned()
}

#[test]
fn a_key_is_taken_from_no_argument_and_no_variable() {
    let (home, secret) = (home(), Secret::new());
    for form in [&secret.base58, &secret.json, &secret.hex] {
        let fails = |arguments: &[&str], variables: &[(&str, &str)]| {
            fails_in_silence(home.path(), &secret, arguments, variables, "")
        };
        let with_equals = format!("--keypair={form}");
        for arguments in [
            &["network", "plan", "-u", NOWHERE, "-k", form][..],
            &["network", "plan", "-u", NOWHERE, &with_equals],
            &["network", "plan", "-u", form],
            &["node", "stake", form],
            &["job", "show", form],
            &[form],
        ] {
            assert_eq!(fails(arguments, &[]), "C0106", "{:?}", arguments.first());
        }
        for variable in ["ASSAY_KEYPAIR", "ASSAY_URL", "ASSAY_NODE_ADAPTER", "SOLANA_CONFIG"] {
            assert_eq!(fails(&["network", "plan", "-u", NOWHERE], &[(variable, form)]), "C0106", "{variable}");
        }
    }
}

#[test]
fn a_damaged_key_is_told_by_its_place_alone() {
    let (home, secret) = (home(), Secret::new());
    let path = home.path().join("key.json");
    let half = secret.json.replacen(", ", ", 999, ", 1);
    let short = secret.json.replacen(']', "", 1);
    let mut foreign: Vec<u8> = serde_json::from_str(&secret.json).expect("numbers");
    foreign[40] ^= 1;
    for damage in
        [&half, &short, &format!("{foreign:?}"), &secret.base58, &format!("\"{}\"", secret.base58), &secret.hex]
    {
        std::fs::write(&path, damage).expect("a file");
        let plan = ["network", "plan", "-u", NOWHERE, "-k"];
        let of_file = fails_in_silence(home.path(), &secret, &[&plan[..], &["key.json"]].concat(), &[], "");
        assert_eq!(of_file, "C0104");
        let of_stdin = fails_in_silence(home.path(), &secret, &[&plan[..], &["-"]].concat(), &[], damage);
        assert_eq!(of_stdin, "C0104");
    }
    let unsupported = ["network", "plan", "-u", NOWHERE, "-k", "usb://ledger"];
    assert_eq!(fails_in_silence(home.path(), &secret, &unsupported, &[], ""), "C0107");
    let no_terminal = ["network", "plan", "-u", NOWHERE, "-k", "ASK"];
    let code = fails_in_silence(home.path(), &secret, &no_terminal, &[], &secret.json);
    assert!(["C0103", "C0104"].contains(&code.as_str()), "{code}");
}

#[test]
fn settings_hold_no_key() {
    let (home, secret) = (home(), Secret::new());
    let folder = home.path().join("assay-node");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("node.toml"), format!("adapter = {:?}\n", secret.base58)).expect("a file");
    let validate = ["node", "config", "validate", "--offline"];
    assert_eq!(fails_in_silence(home.path(), &secret, &validate, &[], ""), "N0005");
    std::fs::write(folder.join("node.toml"), "").expect("a file");
    let flag = format!("adapter={}", secret.base58);
    let with_flag = [&validate[..], &["--set", &flag]].concat();
    assert_eq!(fails_in_silence(home.path(), &secret, &with_flag, &[], ""), "C0106");
}
