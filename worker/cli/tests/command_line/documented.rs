//! The paths that the READMEs tell, line by line as they stand there: only addresses, keys and ports are other ones. Needs the compiled
//! program: `cargo xtask build --program-only`.

use super::{NOWHERE, home};
use serde_json::Value;
use solana_sdk::signer::Signer;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(400);
const STAKE: u64 = 500_000_000;

/// A line of a block of commands.
#[derive(Clone, Debug)]
struct Line {
    command: String,
    /// It goes on until somebody ends it.
    is_service: bool,
}

/// The commands below a heading, up to the next one, without their comments.
fn commands_below(file: &str, heading: &str) -> Vec<Line> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)).expect("the README");
    let below = text.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with('#'));
    let commands: Vec<&str> = below.filter_map(|line| line.strip_prefix("    ")).collect();
    assert!(!commands.is_empty(), "{file} has no commands below {heading:?}");
    let whole = commands.join("\n").replace("\\\n", " ");
    let line = |text: &str| {
        let (command, comment) = text.split_once(" # ").unwrap_or((text, ""));
        Line { command: command.trim().to_owned(), is_service: comment.trim().starts_with("until Ctrl-C") }
    };
    whole.lines().map(line).collect()
}

/// What somebody has who follows a README: a folder, variables, programs that run in other terminals. What runs ends with it.
struct Reader {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
    /// What is typed in place of what stands there.
    instead: Vec<(String, String)>,
    services: Vec<(String, Child)>,
    rpc_url: String,
}

impl Drop for Reader {
    fn drop(&mut self) {
        for (_, child) in self.services.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Reader {
    /// With the command built, and `assay localnet` running.
    fn new() -> Self {
        let folder = home();
        let binary = Path::new(env!("CARGO_BIN_EXE_assay"));
        let path = std::env::var("PATH").unwrap_or_default();
        let variable = |name: &str, value: String| (name.to_owned(), value);
        let mut variables = vec![
            variable("PATH", format!("{}:{path}", binary.parent().expect("its folder").display())),
            variable("HOME", folder.path().display().to_string()),
        ];
        variables.extend(std::env::var("ASSAY_PROGRAM_SO").ok().map(|program| variable("ASSAY_PROGRAM_SO", program)));
        let mut reader = Self { folder, variables, instead: Vec::new(), services: Vec::new(), rpc_url: String::new() };
        reader.start(
            "assay localnet --rpc-port 0 --ws-port 0 --slot-ms 200 --ready-file ready.json --until-parent-exits",
        );
        reader.until("the localnet is ready", |reader| reader.path("ready.json").is_file());
        let ready: Value = serde_json::from_slice(&fs::read(reader.path("ready.json")).expect("a file")).expect("JSON");
        let text = |name: &str| ready[name].as_str().expect("a string").to_owned();
        reader.rpc_url = text("rpc_url");
        reader.set("ASSAY_WS", text("ws_url"));
        reader
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn set(&mut self, name: &str, value: String) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value));
    }

    fn instead(&mut self, of: &str, value: impl Into<String>) {
        self.instead.push((of.to_owned(), value.into()));
    }

    fn typed(&self, command: &str) -> String {
        self.instead.iter().fold(command.to_owned(), |text, (of, value)| text.replace(of, value))
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(self.folder.path()).stdin(Stdio::null()).env_clear();
        shell.envs(self.variables.iter().map(|(name, value)| (name, value)));
        shell
    }

    fn start(&mut self, command: &str) {
        let log = File::create(self.path(&format!("log-{}", self.services.len()))).expect("a file");
        let mut shell = self.shell(&format!("exec {command}"));
        shell.stdout(log.try_clone().expect("a second handle")).stderr(log);
        self.services.push((command.to_owned(), shell.spawn().expect("a shell")));
    }

    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !holds(self) {
            let ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
            let dead = self.services.iter_mut().position(|(_, child)| ended(child));
            let log = |index: usize| fs::read_to_string(self.path(&format!("log-{index}"))).unwrap_or_default();
            if let Some(index) = dead {
                panic!("{what}: {} ended: {}", self.services[index].0, log(index));
            }
            assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}; {}", log(self.services.len() - 1));
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn listens(&mut self, address: &str) {
        self.until(&format!("somebody listens at {address}"), |_| TcpStream::connect(address).is_ok());
    }

    /// Types a line that ends by itself, and returns the JSON of the last line that it says, if it says JSON.
    fn does(&self, command: &str) -> Value {
        let output = self.shell(command).output().expect("a shell");
        // The doctor ends with 10 where it only warns, as it does of a development build or a busy machine.
        let is_well = match output.status.code() {
            Some(0) => true,
            Some(10) => command.starts_with("assay node doctor"),
            _ => false,
        };
        let said = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(is_well, "{command}: {} {} {}", output.status, said.0, said.1);
        serde_json::from_str(said.0.lines().last().unwrap_or_default()).unwrap_or(Value::Null)
    }

    /// Takes variables over from a line that exports some; `false` for another line.
    fn exports(&mut self, command: &str) -> bool {
        let Some(list) = command.strip_prefix("export ") else { return false };
        for word in list.split_whitespace() {
            let (name, value) = word.split_once('=').expect("NAME=VALUE");
            self.set(name, value.to_owned());
        }
        true
    }

    fn status(&self) -> Value {
        self.does("assay node status --output json")
    }
}

/// Addresses at ports below those that a system chooses by itself, each of this process alone and free a moment ago.
fn free_address() -> String {
    static LOOKED_AT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(89);
    let mut candidates = (0..10_000).map(|_| {
        let number = begin.wrapping_add(LOOKED_AT.fetch_add(1, Ordering::Relaxed));
        format!("127.0.0.1:{}", 10_000 + number % 10_000)
    });
    candidates.find(|address| TcpListener::bind(address).is_ok()).expect("a free port")
}

#[test]
fn from_nothing_to_the_first_earnings_as_the_readme_says() {
    let mut reader = Reader::new();
    let (serves, tells, store) = (free_address(), free_address(), free_address());
    reader.set("ASSAY_NODE_LISTEN", serves);
    reader.set("ASSAY_NODE_STATUS_LISTEN", tells.clone());
    let url = reader.rpc_url.clone();
    reader.instead("ASSAY_URL=l ", format!("ASSAY_URL={url} "));
    reader.instead("127.0.0.1:8080", store.clone());
    reader.instead("assay store serve", format!("assay store serve --listen {store}"));

    let mut job = Value::Null;
    let mut told = Vec::new();
    for Line { command, is_service } in commands_below("README.md", "### From nothing to the first earnings") {
        told.push(command.clone());
        // These were done before this test was begun.
        let is_done = command.starts_with("cargo xtask build") || command.starts_with("export PATH=");
        if is_done || command == "assay localnet" {
            assert_eq!(is_service, !is_done, "{command}");
            continue;
        }
        let typed = reader.typed(&command);
        if reader.exports(&typed) {
            continue;
        }
        match command.split(' ').nth(1).expect("a word") {
            _ if is_service => {
                reader.start(&typed);
                let address = if command.starts_with("assay store") { store.clone() } else { tells.clone() };
                reader.listens(&address);
            }
            "job" => job = reader.does(&format!("{typed} --output json")),
            _ => {
                reader.does(&typed);
            }
        }
    }
    for word in ["cargo xtask build", "assay localnet", "assay node run", "assay job post", "assay node status"] {
        assert!(told.iter().any(|command| command.starts_with(word)), "{word} is not in {told:?}");
    }
    assert_eq!(job["state"], "settled", "{job}");
    reader.until("the node was paid", |reader| reader.status()["totals"]["paid"] == 1);
    let status = reader.status();
    let earned = status["totals"]["earned"].as_u64().expect("a number");
    assert!((1..=2_000_000).contains(&earned), "{status}");

    reader.instead("NODE", status["node"].as_str().expect("an address"));
    reader.instead("JOB", job["job"].as_str().expect("an address"));
    reader.set("ASSAY_KEYPAIR", ".assay/localnet/keys/node-1.json".to_owned());
    for Line { command, .. } in commands_below("README.md", "### From day to day") {
        // There is no terminal here.
        let once = if command == "assay node top" { " --once" } else { "" };
        reader.does(&format!("{}{once}", reader.typed(&command)));
    }
    reader.set("ASSAY_KEYPAIR", ".assay/localnet/keys/client.json".to_owned());
    for Line { command, .. } in commands_below("README.md", "### As a client") {
        reader.does(&reader.typed(&command));
    }
}

#[test]
fn a_node_comes_up_with_its_cold_key_elsewhere_as_its_readme_says() {
    let mut reader = Reader::new();
    let (serves, tells) = (free_address(), free_address());
    let (cold, payer) = (".assay/localnet/keys/node-1.json", ".assay/localnet/keys/client.json");
    let authority = assay_chain::read_keypair(&reader.path(cold)).expect("a key").pubkey().to_string();
    reader.set("ASSAY_NODE_STATUS_LISTEN", tells.clone());
    let url = reader.rpc_url.clone();
    reader.instead("https://your-endpoint", url.clone());
    reader.instead("http://node.example:8910", format!("http://{serves}"));
    reader.instead("0.0.0.0:8910", serves.clone());
    reader.instead("AUTHORITY", authority.clone());
    reader.instead("PAYER", payer);
    reader.instead("COLD_KEY", cold);
    let settings = reader.path("assay-node/node.toml");
    let mut generated = String::new();
    for Line { command, is_service } in
        commands_below("worker/node/README.md", "## From a bare machine to a running node")
    {
        let typed = reader.typed(&command);
        if reader.exports(&typed) {
            continue;
        }
        if is_service {
            reader.start(&typed);
            reader.listens(&tells);
        } else if command.starts_with("assay transaction create-nonce") {
            let made = reader.does(&format!("{typed} --output json"));
            reader.instead("NONCE", made["nonce"].as_str().expect("an address"));
        } else if command.starts_with("assay transaction show") || command.starts_with("assay transaction sign") {
            // The machine with the key has no network, and nobody here who could be asked.
            let yes = if command.contains(" sign ") { " --yes" } else { "" };
            reader.set("ASSAY_URL", NOWHERE.to_owned());
            reader.does(&format!("{typed}{yes}"));
            reader.set("ASSAY_URL", url.clone());
        } else {
            reader.does(&typed);
        }
        if command.starts_with("assay node config generate") {
            generated = fs::read_to_string(&settings).expect("the settings");
        }
    }
    reader.until("the node is ready", |reader| reader.status()["ready"] == true);
    let status = reader.status();
    assert_eq!((&status["stake"], &status["running"]), (&Value::from(STAKE), &Value::Bool(true)), "{status}");
    let kept = fs::read_to_string(&settings).expect("the settings");
    assert_eq!(kept, generated.replace("\nlisten = \"127.0.0.1:8910\"", &format!("\nlisten = \"{serves}\"")));
    assert_ne!(kept, generated);
    reader.listens(&serves);
}
