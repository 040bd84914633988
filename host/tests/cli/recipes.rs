//! The configurations of `docs/recipes`, each run by the program and tried as its first comment says: exactly the
//! destinations named there get something, once, and contents are what is said of them.

#[path = "recipes/receiver.rs"]
mod receiver;
#[path = "recipes/recipe.rs"]
mod recipe;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{PATIENCE, Serving, address, hookyard, text};
use receiver::Receiver;
use recipe::{Claim, Recipe, Trial};

macro_rules! recipes {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                follow(&file_name(stringify!($name)));
            }
        )*

        /// Recipes that nobody runs would soon be wrong, and those that nobody lists unknown.
        #[test]
        fn every_recipe_is_run_and_listed() {
            let run: BTreeSet<String> = [$(stringify!($name)),*].into_iter().map(file_name).collect();
            let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
            let names = entries.map(|name| name.into_string().unwrap());
            let there: BTreeSet<String> = names.filter(|name| name.ends_with(".toml")).collect();
            assert_eq!(run, there);
            let list = fs::read_to_string(folder().join("README.md")).unwrap();
            for name in there {
                assert!(list.contains(&format!("]({name})")), "docs/recipes/README.md does not list {name}");
            }
        }
    };
}

recipes! {
    alerts_in
    broadcast
    github_ci
    pagerduty_incidents
    personalised_content
    shopify_orders
    stripe_payments
    twilio_sms_reply
    two_systems_in_sync
    workflow
}

fn file_name(test: &str) -> String {
    format!("{}.toml", test.replace('_', "-"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn folder() -> PathBuf {
    root().join("docs/recipes")
}

/// Checks and runs a recipe, and tries everything that it says.
fn follow(name: &str) {
    let recipe = Recipe::new(&fs::read_to_string(folder().join(name)).unwrap());
    let kitchen = Kitchen::new(&recipe);
    let checked = kitchen.run(&["check"]);
    let said = [text(&checked.stdout), text(&checked.stderr)].concat();
    assert!(checked.status.success() && !said.contains("warning: "), "{name}: {said}");

    let mut serving = Serving::of(kitchen.command());
    let mut reached = BTreeSet::new();
    for trial in &recipe.trials {
        if let Err(problem) = kitchen.attempt(trial) {
            let log = serving.lines.try_iter().collect::<Vec<_>>();
            serving.seen.extend(log);
            panic!("{name}: hookyard {}: {problem}\n{}", trial.command.join(" "), serving.seen.join("\n"));
        }
        reached.extend(trial.to.iter().map(String::as_str));
    }
    let all: BTreeSet<&str> = recipe.destinations().into_keys().collect();
    assert_eq!(reached, all, "{name}: each destination is to be reached by something that can be tried");
}

/// Where a recipe is tried: a directory, a receiver, and what the program needs to run there.
struct Kitchen<'r> {
    recipe: &'r Recipe,
    directory: tempfile::TempDir,
    receiver: Receiver,
}

impl<'r> Kitchen<'r> {
    fn new(recipe: &'r Recipe) -> Self {
        let (directory, receiver) = (tempfile::tempdir().unwrap(), Receiver::start());
        let dist = std::env::var_os("HOOKYARD_PLUGINS_DIST").map(PathBuf::from);
        let dist = dist.unwrap_or_else(|| root().join("plugins/dist")).canonicalize().unwrap();
        let config = recipe.here(address(), receiver.address, &dist);
        fs::write(directory.path().join("config.toml"), config).unwrap();
        Kitchen { recipe, directory, receiver }
    }

    /// The program, with a secret in every variable that the recipe names; of the form that Standard Webhooks asks for.
    fn command(&self) -> Command {
        let mut command = hookyard(self.directory.path());
        for name in self.recipe.variables() {
            command.env(name, format!("whsec_{}", STANDARD.encode(format!("{name:-<32}"))));
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        self.command().args(arguments).output().unwrap()
    }

    fn attempt(&self, trial: &Trial) -> Result<(), String> {
        let before = self.lines();
        let sent = self.command().args(&trial.command).output().unwrap();
        let answer = text(&sent.stdout);
        if !sent.status.success() {
            return Err([answer, text(&sent.stderr)].concat());
        }
        self.settled()?;
        let mut got = self.receiver.take();
        for ((name, after), (_, before)) in self.lines().into_iter().zip(before) {
            got.extend(after.into_iter().skip(before.len()).map(|body| (name.clone(), body)));
        }
        got.sort();
        let who: Vec<&str> = got.iter().map(|(name, _)| name.as_str()).collect();
        if who != trial.to {
            return Err(format!("it was to reach {:?}, and reached {got:?}", trial.to));
        }
        got.push(("the sender".to_owned(), answer));
        match trial.claims.iter().find(|claim| !holds(claim, &got)) {
            Some(claim) => Err(format!("{claim:?} is not so: {got:?}")),
            None => Ok(()),
        }
    }

    /// Waits until nothing is under way any more. What goes on at another source is stored there before the event that
    /// it came from is done.
    fn settled(&self) -> Result<(), String> {
        let started = Instant::now();
        loop {
            let pending = self.run(&["events", "list", "--state", "pending", "--output", "json"]);
            assert!(pending.status.success(), "{}", text(&pending.stderr));
            if text(&pending.stdout).trim().is_empty() {
                break;
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("still under way: {}", text(&pending.stdout)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let dead = self.run(&["dead-letters", "list", "--output", "json"]);
        assert!(dead.status.success(), "{}", text(&dead.stderr));
        match text(&dead.stdout).trim() {
            "" => Ok(()),
            dead => Err(format!("a dead letter: {dead}")),
        }
    }

    /// The bodies in each destination's file.
    fn lines(&self) -> Vec<(String, Vec<String>)> {
        let body = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["body"].as_str().unwrap().to_owned()
        };
        let files = self.recipe.destinations().into_iter().filter_map(|(name, path)| Some((name, path?)));
        let lines = files.map(|(name, path)| {
            let content = fs::read_to_string(self.directory.path().join(path)).unwrap_or_default();
            (name.to_owned(), content.lines().map(body).collect())
        });
        lines.collect()
    }
}

fn holds(claim: &Claim, got: &[(String, String)]) -> bool {
    got.iter().any(|(who, content)| *who == claim.who && content.contains(&claim.text) == claim.has)
}
