//! What packages carry besides the program: completions for shells, and pages for `man`.

use crate::error::CliError;
use crate::output::Output;
use clap::Command;
use clap_complete::Shell;
use serde_json::json;
use std::path::Path;

/// The completions of a shell, as text.
pub(crate) fn completions(command: &mut Command, shell: Shell, output: Output) -> Result<(), CliError> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, command, name, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    output.result(&json!({ "shell": shell.to_string(), "script": script }), || script.trim_end().to_owned())
}

/// A page for every command into a folder.
pub(crate) fn pages(command: Command, folder: &Path, output: Output) -> Result<(), CliError> {
    std::fs::create_dir_all(folder).map_err(|error| CliError::file("make", folder, &error))?;
    clap_mangen::generate_to(command, folder).map_err(|error| CliError::file("write into", folder, &error))?;
    let names = pages_in(folder)?;
    output.result(&names, || format!("{} pages in {}", names.len(), folder.display()))
}

/// The pages of a folder, by name.
fn pages_in(folder: &Path) -> Result<Vec<String>, CliError> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| CliError::file("read", folder, &error))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".1") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;
    use clap::CommandFactory;

    fn count(command: &Command) -> usize {
        1 + command.get_subcommands().map(count).sum::<usize>()
    }

    #[test]
    fn every_command_has_a_page_that_says_what_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let command = crate::Arguments::command();
        let commands = count(&command);
        pages(command, folder.path(), Output::new(Format::Json)).unwrap();
        let names = pages_in(folder.path()).unwrap();
        assert_eq!(names.len(), commands);
        for name in &names {
            let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{name}: {text}");
        }
        for name in ["assay.1", "assay-node.1", "assay-node-run.1", "assay-node-top.1", "assay-delegation-add.1"] {
            assert!(names.iter().any(|known| known == name), "{name} is not in {names:?}");
        }
        let top = std::fs::read_to_string(folder.path().join("assay-node-top.1")).unwrap();
        assert!(top.contains("one frame as text"), "{top}");
    }

    #[test]
    fn completions_know_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut crate::Arguments::command(), "assay", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("maintenance") && script.contains("log-format"), "{shell}");
        }
    }
}
