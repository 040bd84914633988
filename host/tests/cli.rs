//! The program as a whole, as an operator starts it.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says where it failed")]

#[path = "cli/explain.rs"]
mod explain;
#[path = "cli/kept.rs"]
mod kept;
#[path = "cli/mended.rs"]
mod mended;
#[path = "cli/operate.rs"]
mod operate;
#[path = "cli/plugin.rs"]
mod plugin;
#[path = "cli/quarantine.rs"]
mod quarantine;
#[path = "cli/recipes.rs"]
mod recipes;
#[path = "cli/send.rs"]
mod send;
#[path = "cli/verify.rs"]
mod verify;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// How long something may take that takes milliseconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn hookyard(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hookyard"));
    command.current_dir(directory).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    hookyard(directory).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An address that nobody else has, in this process or another: a port that was free a moment ago may not be so any
/// more, while every test can have a part of this machine's own network, 127.0.0.0/8, for itself.
fn address() -> SocketAddr {
    static TESTS: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let host = Ipv4Addr::new(127, high, low, TESTS.fetch_add(1, Ordering::Relaxed));
    // Below those that the system gives to outgoing connections.
    SocketAddr::from((host, 17_311))
}

/// A directory with the repository's own configuration and starter plugins, on an address of its own.
fn checkout() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let config = fs::read_to_string(root.join("config.toml")).unwrap();
    let listen = format!("listen = \"{}\"", address());
    let config = config.replace("listen = \"127.0.0.1:8080\"", &listen);
    assert!(config.contains(&listen), "{config}");
    fs::write(directory.path().join("config.toml"), config).unwrap();
    fs::create_dir_all(directory.path().join("plugins/dist")).unwrap();
    for plugin in ["lookup.wasm", "redact.wasm", "reshape.wasm"] {
        let dist =
            std::env::var_os("HOOKYARD_PLUGINS_DIST").map_or_else(|| root.join("plugins/dist"), Into::into);
        fs::copy(dist.join(plugin), directory.path().join("plugins/dist").join(plugin)).unwrap();
    }
    directory
}

/// A running gateway; killed when dropped.
struct Serving {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Serving {
    fn start(directory: &Path) -> Self {
        Self::of(hookyard(directory))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let errors = sender.clone();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        std::thread::spawn(move || {
            BufReader::new(err).lines().map_while(Result::ok).try_for_each(|line| errors.send(line))
        });
        let mut serving = Serving { child, lines, seen: Vec::new() };
        serving.wait_for("In another terminal:");
        serving
    }

    /// Waits for a line with this text, on standard output or standard error.
    fn wait_for(&mut self, wanted: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("no line with {wanted:?} after:\n{}", self.seen.join("\n"));
            };
            self.seen.push(line.clone());
            if line.contains(wanted) {
                return line;
            }
        }
    }

    /// The same, where such a line may have come already.
    fn have(&mut self, wanted: &str) {
        if !self.seen.iter().any(|line| line.contains(wanted)) {
            self.wait_for(wanted);
        }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is made is pasted where a sender takes it, and nowhere else; what is brought is asked for first.
#[test]
fn a_start_says_what_becomes_of_a_secret() {
    for (provider, secret, expected) in [
        ("gitlab", "{ generated = true }", &["paste it into: project", "send gitlab"][..]),
        ("stripe", "{ generated = true }", &["only to try it out; copy the sender's own from: Developers"]),
        (
            "discord",
            "{ generated = true }",
            &["only to try it out; copy the sender's public key from: your app"],
        ),
        ("asana", "{ handshake = true }", &["the sender brings its secret", "send asana handshake"]),
        (
            "github",
            "[{ file = \"one\" }, { file = \"two\" }]",
            &["its secret 1 of 2: ", "its secret 2 of 2: "],
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        for name in ["one", "two"] {
            fs::write(directory.path().join(name), name).unwrap();
        }
        let key = if secret.starts_with('[') { "secrets" } else { "secret" };
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[sources.{provider}]\n{key} = {secret}\n[routes.all]\nsource = \"{provider}\"\n\
             to = \"console\"\n[destinations.console]\ntype = \"console\"\n"
        );
        fs::write(directory.path().join("config.toml"), config).unwrap();
        let banner = Serving::start(directory.path()).seen.join("\n");
        for expected in expected {
            assert!(banner.contains(expected), "{expected} in:\n{banner}");
        }
        assert!(banner.contains("POST http://127.0.0.1:") && !banner.contains("127.0.0.1:0/"), "{banner}");
        // What is there already needs no such words.
        if secret.contains("generated") {
            let banner = Serving::start(directory.path()).seen.join("\n");
            assert!(banner.contains("its secret: ") && !banner.contains("paste it"), "{banner}");
        }
    }
}

/// P11
#[test]
fn a_fresh_checkout_serves_and_stops() {
    let directory = checkout();
    let mut serving = Serving::start(directory.path());
    let banner = serving.seen.join("\n");
    for expected in
        ["listening", "made just now: state/secrets/github", "redact     sha256:", "github: pull_request.*"]
    {
        assert!(banner.contains(expected), "{expected} in:\n{banner}");
    }

    let sent = run(directory.path(), &["send", "github", "pull_request.opened"]);
    assert!(sent.status.success(), "{}", text(&sent.stderr));
    assert!(text(&sent.stdout).contains("→ 202 Accepted"), "{}", text(&sent.stdout));
    serving.wait_for("→ console  github pull_request.opened");
    // The order in which destinations and routes are served is not promised.
    let delivered =
        |serving: &Serving| serving.seen.iter().filter(|line| line.contains("INFO delivered ")).count();
    while delivered(&serving) < 3 {
        serving.wait_for("INFO delivered ");
    }
    let archive = fs::read_to_string(directory.path().join("state/events.jsonl")).unwrap();
    assert!(archive.contains(r#"\"login\": \"***\""#), "{archive}");
    assert!(!archive.contains("ada-example"), "{archive}");

    let refused = run(directory.path(), &["send", "github", "push", "--bad", "wrong-key"]);
    assert!(text(&refused.stdout).contains("→ 401"), "{}", text(&refused.stdout));
    serving.wait_for("bad_signature");

    serving.signal(rustix::process::Signal::HUP);
    serving.wait_for("reloaded");
    serving.signal(rustix::process::Signal::TERM);
    serving.wait_for("stopped");
    assert!(serving.child.wait().unwrap().success());
}

/// A certificate for nobody in particular, as `openssl req -x509` makes one.
fn write_pair(directory: &Path) {
    let made = rcgen::generate_simple_self_signed(vec!["hooks.example.com".to_owned()]).unwrap();
    let pem = |what: &str, der: &[u8]| {
        let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, der);
        format!("-----BEGIN {what}-----\n{text}\n-----END {what}-----\n")
    };
    fs::write(directory.join("cert.pem"), pem("CERTIFICATE", made.cert.der())).unwrap();
    fs::write(directory.join("key.pem"), pem("PRIVATE KEY", &made.signing_key.serialize_der())).unwrap();
}

#[test]
fn with_a_certificate_everything_is_https() {
    let directory = checkout();
    let config = fs::read_to_string(directory.path().join("config.toml")).unwrap();
    let secured =
        config.replace("[server]\n", "[server]\ntls = { cert = \"cert.pem\", key = \"key.pem\" }\n");
    fs::write(directory.path().join("config.toml"), secured).unwrap();
    write_pair(directory.path());
    let mut serving = Serving::start(directory.path());
    // Which of the two outputs is read first is open.
    serving.have("key.pem is readable by others");
    let banner = serving.seen.join("\n");
    for expected in ["listening    ", "https://127.", "POST https://127."] {
        assert!(banner.contains(expected), "{expected} in:\n{banner}");
    }
    assert!(!banner.contains("http://"), "{banner}");
    let sent = run(directory.path(), &["send", "github", "push"]);
    assert!(text(&sent.stdout).contains("→ 202 Accepted"), "{}{}", text(&sent.stdout), text(&sent.stderr));
    serving.wait_for("INFO delivered ");

    // Somebody else at that address is not believed.
    write_pair(directory.path());
    let address = banner.split("POST https://").nth(1).unwrap().split('/').next().unwrap();
    let url = format!("https://{address}/in/github");
    serving.wait_for("reloaded generation=");
    assert!(run(directory.path(), &["send", "github", "push", "--to", &url]).status.success());
    let pair = fs::read(directory.path().join("cert.pem")).unwrap();
    write_pair(directory.path());
    serving.wait_for("reloaded generation=");
    fs::write(directory.path().join("other.pem"), pair).unwrap();
    let other = fs::read_to_string(directory.path().join("config.toml")).unwrap();
    fs::write(directory.path().join("other.toml"), other.replace("cert.pem", "other.pem")).unwrap();
    let refused = run(directory.path(), &["--config", "other.toml", "send", "github", "push"]);
    assert!(text(&refused.stderr).contains("certificate"), "{}", text(&refused.stderr));
}

#[test]
fn check_changes_nothing() {
    let directory = checkout();
    let checked = run(directory.path(), &["check"]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert!(
        text(&checked.stdout).contains("1 source, 2 plugins, 3 routes, 2 destinations"),
        "{}",
        text(&checked.stdout)
    );
    assert!(!directory.path().join("state").exists(), "check must not create anything");
}

/// Whatever form a secret has that is made at the first start.
#[test]
fn check_needs_no_secret_that_is_yet_to_be_made() {
    let directory = tempfile::tempdir().unwrap();
    for provider in ["github", "standard-webhooks", "svix", "adyen", "discord", "sendgrid"] {
        let config = format!(
            "[sources.{provider}]\nsecret = {{ generated = true }}\n[routes.all]\nsource = \"{provider}\"\n\
             to = [\"console\"]\n[destinations.console]\ntype = \"console\"\n"
        );
        std::fs::write(directory.path().join("config.toml"), config).unwrap();
        let checked = run(directory.path(), &["check"]);
        assert!(checked.status.success(), "{provider}: {}", text(&checked.stderr));
    }
    let names: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["config.toml"], "check must not create anything");
}

#[test]
fn a_bad_configuration_exits_78_and_says_where() {
    let directory = checkout();
    let config = fs::read_to_string(directory.path().join("config.toml")).unwrap();
    let broken = config
        .replace("plugins = [\"redact\"]\nto", "plugins = [\"redakt\"]\nto")
        .replace("fallback = true", "falback = true");
    fs::write(directory.path().join("config.toml"), broken).unwrap();
    for command in ["check", "serve"] {
        let failed = run(directory.path(), &[command]);
        assert_eq!(failed.status.code(), Some(78), "{command}");
        let said = text(&failed.stderr);
        assert!(said.contains("redakt") && said.contains("falback"), "both errors at once:\n{said}");
        assert!(said.contains("config.toml:"), "{said}");
    }
    assert!(!directory.path().join("state").exists());
}

#[test]
fn a_file_that_is_no_plugin_exits_78() {
    let directory = checkout();
    let plugin = directory.path().join("plugins/dist/redact.wasm");
    let whole = fs::read(&plugin).unwrap();
    fs::write(&plugin, &whole[..whole.len() / 2]).unwrap();
    let failed = run(directory.path(), &["check"]);
    assert_eq!(failed.status.code(), Some(78));
    assert!(text(&failed.stderr).contains("plugin `redact`"), "{}", text(&failed.stderr));
}

#[test]
fn schema_is_json() {
    let directory = tempfile::tempdir().unwrap();
    let printed = run(directory.path(), &["schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert!(schema["properties"]["sources"].is_object());
}

#[test]
fn send_without_a_gateway_says_what_to_do() {
    let directory = checkout();
    let failed = run(directory.path(), &["send", "github", "push"]);
    assert!(!failed.status.success());
    assert!(text(&failed.stderr).contains("start the gateway first"), "{}", text(&failed.stderr));
    let unknown = run(directory.path(), &["send", "github", "nonsense"]);
    assert!(text(&unknown.stderr).contains("pull_request.opened"), "{}", text(&unknown.stderr));
}
