//! `cargo xtask app`: the web app over a whole market on this machine.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::arguments::ProgramCompiler;
use crate::commands::{app_tests, build, setup, wasm};
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Report};
use crate::setup::sbf_toolchain::SbfToolchain;
use crate::workspace::Workspace;

/// Where everything of a run is: keys, logs, databases. Begun anew each time, as the chain is.
const FOLDER: &str = ".assay/app";
const ADDRESS: &str = "http://localhost:4173";
/// Where `assay localnet` listens.
const ENDPOINT: &str = "http://127.0.0.1:8899";
const INDEX: &str = "127.0.0.1:8920";
const STORE: &str = "127.0.0.1:8080";
/// Base units that each node stakes.
const STAKE: &str = "500000000";
const PATIENCE: Duration = Duration::from_secs(600);
/// Options of the jobs that are there from the beginning: for ten minutes each can be looked at and challenged before it settles.
const JOBS: [&[&str]; 3] =
    [&["--price-max", "2000000"], &["--price-max", "3000000"], &["--price-max", "2000000", "--audit-pot", "200000"]];
const TERMS: [&str; 8] = ["--symbols", "16", "--price-min", "500000", "--claim-slots", "900", "--window-slots", "1500"];
/// What goes with a running market, from the folder of the workspace.
const EXAMPLE: &str = "cd app && npx tsx packages/client/examples/post-and-verify.ts ../.assay/app/ready.json ../.assay/app/digits digits 16";

/// Builds the app and everything below it, starts a chain, two nodes, a validator, a store, the index and the app, and runs until one
/// of them ends or Ctrl-C.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    // Before what takes minutes.
    report.step("Node", "", |_| app_tests::require_node().map(Ending::Done))?;
    let toolchain = SbfToolchain::select(workspace, ProgramCompiler::Auto)?;
    setup::ensure(workspace, report, &toolchain, false)?;
    build::program(workspace, report, &toolchain)?;
    let assay = build::command(workspace, report, "dev")?;
    wasm::ensure(workspace, report)?;
    report.step("packages of app/", "", |progress| app_tests::install(workspace, progress))?;
    report.step("web app", "", |progress| {
        let mut bundle = app_tests::npm(workspace);
        bundle.args(["run", "build", "--workspace", "@assay/web"]);
        process::run_quietly(&mut bundle, progress, Code::Tests, "see what the bundler says above")?;
        tell_the_app(workspace)?;
        Ok(Ending::done())
    })?;
    let mut market = Market::new(workspace, assay)?;
    report.step("market", "a local chain, two nodes, a validator, a store and the index: a minute", |_| {
        market.start(workspace)?;
        Ok(Ending::Done(format!("logs in {FOLDER}/logs")))
    })?;
    let mut client = String::new();
    report.step("jobs", "over the digits, which the nodes compute", |_| {
        client = market.post_jobs()?;
        Ok(Ending::Done(format!("{} posted", JOBS.len())))
    })?;
    report.fact("address", ADDRESS);
    report.fact("client_key", client.as_str());
    report.step("app", &welcome(&client), |_| Err(market.until_one_ends()))
}

/// Where the app is and what there is to do in it.
fn welcome(client: &str) -> String {
    format!(
        "{ADDRESS}, until Ctrl-C\n    to sign as a client who has tokens: Connect, Use a keypair file of the localnet, {client}\n    to post from TypeScript and recompute the result: {EXAMPLE}"
    )
}

/// Says to the built app where the market of this run is: it reads `/config.json` before it asks an endpoint.
fn tell_the_app(workspace: &Workspace) -> Result<(), Failure> {
    let path = workspace.root.join("app/web/dist/config.json");
    let config = json!({ "rpc": ENDPOINT, "index": format!("http://{INDEX}"), "store": format!("http://{STORE}") });
    fs::write(&path, format!("{config}\n")).map_err(|e| Failure::file("write", &path, &e))
}

/// The server of the built app. Vite itself and not npm, which would leave it running when it is killed.
fn preview(workspace: &Workspace) -> Command {
    let mut preview = Command::new("node");
    preview.current_dir(workspace.root.join("app/web")).arg(workspace.root.join("app/node_modules/vite/bin/vite.js"));
    preview.args(["preview", "--port", "4173", "--strictPort"]);
    preview
}

/// The processes of a run; they end with it.
struct Market {
    assay: PathBuf,
    folder: PathBuf,
    children: Vec<(String, Child)>,
}

impl Drop for Market {
    fn drop(&mut self) {
        for (_, child) in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Market {
    fn new(workspace: &Workspace, assay: PathBuf) -> Result<Self, Failure> {
        let folder = workspace.root.join(FOLDER);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|e| Failure::file("remove", &folder, &e))?;
        }
        let logs = folder.join("logs");
        fs::create_dir_all(&logs).map_err(|e| Failure::file("create", &logs, &e))?;
        Ok(Self { assay, folder, children: Vec::new() })
    }

    fn start(&mut self, workspace: &Workspace) -> Result<(), Failure> {
        let ready = self.folder.join("ready.json");
        let mut localnet = self.command(&["localnet", "--nodes", "2", "--validators", "1", "--until-parent-exits"]);
        localnet.arg("--folder").arg(self.folder.join("localnet")).arg("--ready-file").arg(&ready);
        localnet.arg("--program").arg(workspace.program());
        self.spawn("localnet", localnet)?;
        let market = self.until_ready(&ready)?;
        let keys = |kind: &str| -> Vec<String> {
            let listed = market["keys"][kind].as_array().into_iter().flatten();
            listed.filter_map(|path| path.as_str().map(str::to_owned)).collect()
        };
        for (number, key) in keys("nodes").iter().enumerate() {
            let (name, ports) = (format!("node-{}", number + 1), (8_951 + 10 * number, 8_952 + 10 * number));
            let data = self.folder.join(&name);
            let with = |market: &Self, words: &[&str]| {
                let mut command = market.command(words);
                command.args(["--url", "l", "--keypair", key, "--data"]).arg(&data);
                command
            };
            let mut init = with(self, &["node", "init", "--allow-private", "--backend", "cpu"]);
            init.args(["--listen", &format!("127.0.0.1:{}", ports.0)]);
            init.args(["--status-listen", &format!("127.0.0.1:{}", ports.1)]);
            self.call(&name, init)?;
            let stake = with(self, &["node", "stake", STAKE]);
            self.call(&name, stake)?;
            let node = with(self, &["node", "run", "--until-parent-exits"]);
            self.spawn(&name, node)?;
        }
        for key in keys("validators") {
            let mut validator =
                self.command(&["validator", "run", "--mode", "audit", "--allow-private", "--until-parent-exits"]);
            validator.args(["--url", "l", "--keypair", &key, "--data"]).arg(self.folder.join("validator"));
            self.spawn("validator", validator)?;
        }
        let mut store = self.command(&["store", "serve", "--accept-local-uploads", "--listen", STORE, "--folder"]);
        store.arg(self.folder.join("store"));
        self.spawn("store", store)?;
        let mut index = self.command(&["index", "--url", "l", "--listen", INDEX, "--until-parent-exits", "--folder"]);
        index.arg(self.folder.join("index"));
        self.spawn("index", index)?;
        self.spawn("app", preview(workspace))
    }

    /// Exports the digits and posts jobs over them; the key file of the client who posted them.
    fn post_jobs(&mut self) -> Result<String, Failure> {
        let digits = self.folder.join("digits");
        let mut export = self.command(&["model", "export-digits"]);
        export.arg(&digits);
        self.call("export-digits", export)?;
        let ready = self.until_ready(&self.folder.join("ready.json"))?;
        let client = ready["keys"]["client"].as_str().unwrap_or_default().to_owned();
        for more in JOBS {
            let mut post = self.command(&["job", "post", "--url", "l", "--keypair", &client]);
            for kind in ["graph", "params", "inputs"] {
                post.arg(format!("--{kind}")).arg(digits.join(format!("digits.{kind}")));
            }
            post.args(TERMS).args(more).args(["--store-url", &format!("http://{STORE}"), "--store"]);
            post.arg(self.folder.join("store"));
            self.call("jobs", post)?;
        }
        Ok(client)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.assay);
        command.args(words);
        command
    }

    fn log(&self, name: &str) -> Result<File, Failure> {
        let path = self.folder.join("logs").join(format!("{name}.log"));
        File::options().create(true).append(true).open(&path).map_err(|e| Failure::file("write", &path, &e))
    }

    /// Starts what goes on running.
    fn spawn(&mut self, name: &str, mut command: Command) -> Result<(), Failure> {
        let (out, errors) = (self.log(name)?, self.log(name)?);
        command.stdin(Stdio::null()).stdout(out).stderr(errors);
        let child = command.spawn().map_err(|e| process::cannot_run(&command, &e))?;
        self.children.push((name.to_owned(), child));
        Ok(())
    }

    /// Runs what ends by itself.
    fn call(&self, name: &str, mut command: Command) -> Result<(), Failure> {
        let (out, errors) = (self.log(name)?, self.log(name)?);
        let status = command.stdin(Stdio::null()).stdout(out).stderr(errors).status();
        match status.map_err(|e| process::cannot_run(&command, &e))?.success() {
            true => Ok(()),
            false => Err(self.failed(name)),
        }
    }

    fn failed(&self, name: &str) -> Failure {
        let what = format!("{name} ended; its last words are in {FOLDER}/logs/{name}.log");
        Failure::new(
            Code::Child,
            what,
            "see the log; ports 4173, 8080, 8899, 8900, 8920, 8921 and 8951 to 8962 have to be free",
        )
    }

    fn until_ready(&mut self, ready: &Path) -> Result<Value, Failure> {
        let started = Instant::now();
        loop {
            if let Ok(text) = fs::read_to_string(ready) {
                return serde_json::from_str(&text)
                    .map_err(|e| Failure::new(Code::Child, format!("{}: {e}", ready.display()), "run it again"));
            }
            if let Some(name) = self.ended() {
                return Err(self.failed(&name));
            }
            if started.elapsed() > PATIENCE {
                return Err(self.failed("localnet"));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// The name of one that has ended.
    fn ended(&mut self) -> Option<String> {
        let ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        self.children.iter_mut().find_map(|(name, child)| ended(child).then(|| name.clone()))
    }

    fn until_one_ends(&mut self) -> Failure {
        loop {
            if let Some(name) = self.ended() {
                return self.failed(&name);
            }
            thread::sleep(Duration::from_millis(500));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_is_served_by_a_process_without_children() {
        let preview = preview(&Workspace::find().expect("this workspace"));
        assert_eq!(preview.get_program(), "node", "npm would leave the server running when it is killed");
        let script = preview.get_args().next().expect("the server's script");
        assert!(Path::new(script).ends_with("app/node_modules/vite/bin/vite.js"));
    }

    #[test]
    fn the_readme_names_the_example_as_it_can_be_run() {
        let root = Workspace::find().expect("this workspace").root;
        let readme = fs::read_to_string(root.join("README.md")).expect("the README");
        assert!(readme.contains(EXAMPLE), "README.md says how to run the example: {EXAMPLE}");
        assert!(EXAMPLE.contains(&format!("../{FOLDER}/ready.json ../{FOLDER}/digits digits ")));
    }
}
